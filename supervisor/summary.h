/* summary - floor 5: what one run denied (in log mode: would have denied or asked), counted for the last line and --json.
 *
 * Thread-safe. Keeps at most a few dozen different (rule, verb, target) lines; the rest is only counted.
 */
#ifndef SW_SUMMARY_H
#define SW_SUMMARY_H

#include "audit.h"

struct summary;
struct summary *summary_new(void);
void summary_free(struct summary *s);
void summary_count(struct summary *s, const struct request *r, const struct outcome *o);
uint64_t summary_denied(const struct summary *s);
/* advice: the policy's, for a program whose own sandbox was refused; NULL: none.
 * The summary on stderr: log_note lines, or with json one JSON object written even when quiet. */
void summary_print(const struct summary *s, const char *advice, const char *session, enum mode mode, const char *audit_path,
                   const struct audit_totals *totals, int wait_status, bool json);

#endif
