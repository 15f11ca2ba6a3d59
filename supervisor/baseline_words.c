#include "baseline_words.h"

#include <stddef.h>
#include <string.h>

const char *const baseline_names[] = {"strict", "mvp", "datasci", "off", NULL};
const char *const baseline_op_names[] = {"ne", "lt", "le", "eq", "ge", "gt", "masked_eq", NULL};

bool baseline_is_file(const char *text)
{
    return strchr(text, '/') || strchr(text, '.');
}
