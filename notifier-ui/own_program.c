#include "own_program.h"
#include "buf.h"

#include <limits.h>
#include <unistd.h>

char *own_program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    return n > 0 && n < (ssize_t)sizeof path ? xstrndup(path, (size_t)n) : xstrdup("sentinel-notifier");
}
