#include "baseline_load.h"
#include "mistakes.h"
#include "policy_helper.h"

#include <string.h>

#define LINES_MAX (1 << 20)
static const char error_word[] = "error ";

int baseline_load(const struct places *places, const char *name, struct baseline **ret, struct err *err)
{
    if (!baseline_is_file(name)) {
        STR_AUTO found = found_text(name);
        STR_AUTO near = nearest_text(name, baseline_names);
        *ret = baseline_named(name);
        return *ret ? 0 : err_set(err, 0, "found the baseline %s, expected strict, mvp, datasci, off or a file%s", found, near);
    }
    BUF_AUTO out = {0};
    int e = policy_helper(places, "baseline", name, LINES_MAX, &out);
    const char *text = out.data ? out.data : "";
    if (!strncmp(text, error_word, sizeof error_word - 1)) {
        size_t n = strcspn(text += sizeof error_word - 1, "\n");
        return err_set(err, 0, "the baseline %s: %.*s", name, n > 400 ? 400 : (int)n, text);
    }
    if (e)
        return err_set(err, 0, "the baseline %s: sentinel-policy could not read it", name);
    struct err why;
    *ret = baseline_read(name, text, out.len, &why);
    return *ret ? 0 : err_set(err, 0, "the baseline %s: %s", name, why.text);
}
