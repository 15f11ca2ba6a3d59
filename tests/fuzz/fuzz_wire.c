/* Lines of words as an interface may send them: the parser must neither crash nor accept what it cannot write back. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* An exact copy, so that one byte too far is seen by the address sanitizer. */
    char *line = xmalloc(n);
    memcpy(line, data, n);
    struct wire_line l;
    const char *why = NULL;
    if (wire_parse(line, n, &l, &why) == 0) {
        if (why || n >= WIRE_LINE_MAX || l.target >= RUNG_COUNT || l.program >= PROGRAM_COUNT || strlen(l.name) > WIRE_NAME_MAX)
            abort();
        if (l.what == WIRE_ANSWER && (!l.id || (l.scope == WIRE_FOR) != (l.for_ms > 0)))
            abort();
    } else if (!why) {
        abort();
    }
    free(line);
    return 0;
}
