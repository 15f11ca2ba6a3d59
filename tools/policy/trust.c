/* trust [-w DIR]: the project's policy, as it is now, counts in full: its hash and its path are noted in the user's own folder.
 * hash FILE: what the supervisor runs to compare (policy_trust.h): the hash, a newline, and the bytes that were hashed.
 */
#include "fd.h"
#include "log.h"
#include "policy_find.h"
#include "policy_trust.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void hash_text(const char *bytes, size_t len, char ret[POLICY_HASH_LEN + 1])
{
    unsigned char md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!EVP_Digest(bytes, len, md, &n, EVP_sha256(), NULL))
        abort(); /* SHA-256 of bytes in memory fails only without memory */
    for (unsigned i = 0; i < n; i++)
        snprintf(ret + 2 * i, 3, "%02x", md[i]);
}

int verb_hash(int argc, char **argv)
{
    char *bytes, hash[POLICY_HASH_LEN + 1];
    size_t len;
    if (argc != 2)
        return 2;
    int e = policy_read_bytes(argv[1], true, &bytes, &len);
    if (e) {
        log_warn("%s: %s", argv[1], strerror(-e));
        return 1;
    }
    hash_text(bytes, len, hash);
    hash[POLICY_HASH_LEN] = '\n';
    e = fd_write_all(1, hash, sizeof hash) || fd_write_all(1, bytes, len);
    free(bytes);
    return e ? 1 : 0;
}

/* One line more at the end of the list, in one write. */
static int add_line(const struct places *places, const char *line, struct err *err)
{
    STR_AUTO list = policy_trust_list(places);
    STR_AUTO folder = xasprintf("%s/sentinel-watch", places->config_home);
    int e = fd_make_folders(folder);
    if (e)
        return err_set(err, -e, "making %s", folder);
    FD_AUTO fd = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, errno, "opening %s", list);
    e = fd_write_all(fd, line, strlen(line));
    return e ? err_set(err, -e, "writing %s", list) : 0;
}

int verb_trust(int argc, char **argv)
{
    VERB_ARGS a = {0};
    int status = verb_args_read(&a, argc, argv);
    if (status)
        return status;
    if (a.argc) {
        log_warn("found %s, expected nothing: the project's policy is .sentinel-watch.yaml of the workspace (--workspace DIR)", a.argv[0]);
        return 2;
    }
    STR_AUTO path = xasprintf("%s/.sentinel-watch.yaml", a.places.workspace);
    STR_AUTO real = realpath(path, NULL);
    char *bytes, hash[POLICY_HASH_LEN + 1];
    size_t len;
    int e = real ? policy_read_bytes(real, true, &bytes, &len) : -errno;
    if (e) {
        log_warn("%s: %s", path, strerror(-e));
        return 125;
    }
    hash_text(bytes, len, hash);
    free(bytes);
    BUF_AUTO mistakes = {0};
    BUF_AUTO warnings = {0};
    struct policy *p = verb_policy_alone(&a, path, &mistakes, &warnings);
    if (!p || strchr(real, '\n')) {
        log_warn("%s does not load, so it is not trusted:\n%.*s", path, (int)(mistakes.len ? mistakes.len - 1 : 0), mistakes.data ? mistakes.data : "");
        policy_free(p);
        return 1;
    }
    printf("%s counts in full from now on, as long as it stays as it is (SHA-256 %s):\n", path, hash);
    for (size_t i = 0; i < p->nrules; i++) {
        BUF_AUTO b = {0};
        rule_text(p->rules[i], false, &b);
        printf("  %-28s %s\n", p->rules[i]->label, b.data);
    }
    policy_free(p);
    STR_AUTO line = xasprintf("%s  %s\n", hash, real);
    struct err err;
    if (add_line(&a.places, line, &err)) {
        log_warn("%s", err.text);
        return 125;
    }
    return 0;
}
