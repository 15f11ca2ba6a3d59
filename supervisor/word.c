#include "word.h"
#include "buf.h"

#include <sys/random.h>

static const char *const first[32] = {"amber", "azure", "brisk", "calm",  "clear", "coral", "crisp", "dusty", "early", "fresh", "frosty",
                                      "gentle", "golden", "green", "happy", "ivory", "jolly", "late",  "lunar", "mild",  "misty", "noble",
                                      "olive", "plain", "quick", "quiet", "rapid", "ruby",  "silver", "snowy", "sunny", "tidy"};
static const char *const second[32] = {"badger", "beaver", "bison", "crane", "crow",  "deer",  "dove",  "eagle", "falcon", "finch", "fox",
                                       "gecko",  "goose",  "hare",  "hawk",  "heron", "koala", "lark",  "lynx",  "mole",   "moose", "newt",
                                       "otter",  "owl",    "panda", "puffin", "raven", "robin", "seal",  "stork", "swan",   "wren"};

char *word_random(void)
{
    unsigned r[3];
    if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
        return NULL;
    return xasprintf("%s-%s-%03u", first[r[0] % 32], second[r[1] % 32], r[2] % 1000);
}
