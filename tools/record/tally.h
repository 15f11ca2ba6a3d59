/* tally - counts by name: what stats, last, generate and test add up. Kept in the order of first sight; printed by
 * count. */
#ifndef TOOLS_TALLY_H
#define TOOLS_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_entry {
    char *name;
    uint64_t count, first;
    void *data; /* the caller's, of the first sight */
};
struct tally {
    struct tally_entry *entry;
    size_t n, cap;
    size_t *slot; /* open addressing over entry numbers + 1 */
    size_t slots;
};

struct tally_entry *tally_add(struct tally *t, const char *name); /* valid until the next add; count 1 when it is new */
const struct tally_entry *tally_find(const struct tally *t, const char *name); /* NULL: never added */
void tally_sort(struct tally *t);                                              /* most first; no more adds after it */
void tally_free(struct tally *t);                                              /* data is the caller's */

#endif
