#include "policy_trust.h"
#include "places.h"
#include "policy_find.h"
#include "policy_helper.h"
#include "policy_yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *policy_trust_list(const struct places *places)
{
    return xasprintf("%s/sentinel-watch/trusted", places->config_home);
}

/* Is "HASH  PATH" a line of the list? */
static bool listed(const char *list, const char *hash, const char *path)
{
    STR_AUTO wanted = xasprintf("%.*s  %s\n", POLICY_HASH_LEN, hash, path);
    size_t n = strlen(wanted);
    for (const char *line = list; *line; line = strchr(line, '\n') + 1) {
        if (!strncmp(line, wanted, n))
            return true;
        if (!strchr(line, '\n'))
            return false;
    }
    return false;
}

int policy_trust_read(const struct places *places, const char *path, char **ret, size_t *ret_len, bool *ret_trusted)
{
    STR_AUTO list_path = policy_trust_list(places);
    STR_AUTO list = NULL;
    size_t list_len;
    STR_AUTO real = realpath(path, NULL);
    *ret_trusted = false;
    if (!real || policy_read_bytes(list_path, true, &list, &list_len) || !strstr(list, real))
        return policy_read_bytes(path, true, ret, ret_len);
    BUF_AUTO out = {0};
    if (policy_helper(places, "hash", real, YAML_MAX + POLICY_HASH_LEN + 1, &out) || out.len <= POLICY_HASH_LEN || out.data[POLICY_HASH_LEN] != '\n')
        return policy_read_bytes(path, true, ret, ret_len);
    *ret_trusted = listed(list, out.data, real);
    *ret_len = out.len - POLICY_HASH_LEN - 1;
    *ret = xmalloc(*ret_len + 1);
    memcpy(*ret, out.data + POLICY_HASH_LEN + 1, *ret_len);
    (*ret)[*ret_len] = 0;
    return 0;
}
