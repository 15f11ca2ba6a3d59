/* Control messages of a send (unix(7), cmsg(3)): never a number of the agent's where the kernel would read one of ours.
 *
 * The buffer is taken apart by the kernel's own rules (net_message.h) and put together anew
 * from what was understood, so nothing reaches the kernel that was not looked at.
 */
#include "net.h"
#include "fd.h"
#include "net_message.h"
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define SCM_MAX_FD 253 /* of the kernel, over all messages of one send */

static void append(struct net_control *c, int level, int type, const void *data, size_t n)
{
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};

    c->data = xrealloc(c->data, c->len + CMSG_SPACE(n));
    memset(c->data + c->len, 0, CMSG_SPACE(n));
    memcpy(c->data + c->len, &h, sizeof h);
    if (n)
        memcpy(c->data + c->len + CMSG_LEN(0), data, n);
    c->len += CMSG_SPACE(n);
}

static int translate_fds(const struct calls_env *env, const struct request *r, const char *data, size_t n, struct net_control *ret)
{
    int count = (int)(n / sizeof(int)), numbers[SCM_MAX_FD];

    if (ret->fds + count > SCM_MAX_FD)
        return EINVAL;
    for (int i = 0; i < count; i++) {
        int number, fd;

        memcpy(&number, data + (size_t)i * sizeof number, sizeof number);
        if ((fd = procs_getfd(env->procs, r->tid, number)) < 0)
            return EBADF;
        numbers[i] = ret->fd[ret->fds++] = fd;
    }
    append(ret, SOL_SOCKET, SCM_RIGHTS, numbers, (size_t)count * sizeof(int));
    return 0;
}

/* May the caller say this of itself? scm_check_creds() of the kernel, for the caller; it looks at us afterwards, whose
 * real ids are not the caller's. */
static int check_creds(const struct request *r, const struct ucred *u)
{
    struct proc_ids ids;

    if (u->pid != r->process->pid)
        return EPERM;
    if (!rights_differ())
        return 0;
    if (proc_status(r->tid, &ids))
        return EPERM;
    bool any_uid = ids.cap_eff >> CAP_SETUID & 1, any_gid = ids.cap_eff >> CAP_SETGID & 1;
    return (u->uid == ids.euid || any_uid) && (u->gid == ids.egid || any_gid) ? 0 : EPERM;
}

/* Where the caller's ids are not ours, the kernel would write our real ones into what a peer with SO_PASSCRED reads. */
static int add_creds(const struct calls_env *env, const struct request *r, struct net_control *ret)
{
    struct proc_ids ids;

    if (proc_status(r->tid, &ids))
        return EPERM;
    struct ucred u = {.pid = env->supervisor, .uid = ids.euid, .gid = ids.egid};
    append(ret, SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
    return 0;
}

/* Options and routing headers name hosts that the packet goes to first. setsockopt of the same is refused (refused.c). */
static bool is_route(const struct net_control_message *m)
{
    return (m->level == IPPROTO_IP && m->type == IP_RETOPTS) ||
           (m->level == IPPROTO_IPV6 && (m->type == IPV6_RTHDR || m->type == 5 /* IPV6_2292RTHDR */));
}

int net_control_make(const struct calls_env *env, const struct request *r, int domain, const char *data, size_t n,
                     struct net_control *ret)
{
    struct net_control_message m;
    bool creds = false, more;
    size_t at = 0;
    int err;

    *ret = (struct net_control){0};
    while (!(err = net_control_next(data, n, &at, &m, &more)) && more) {
        if (m.level == SOL_SOCKET && m.type == SCM_RIGHTS && domain == AF_UNIX) {
            err = translate_fds(env, r, m.body, m.len, ret);
        } else if (m.level == SOL_SOCKET && m.type == SCM_CREDENTIALS && (domain == AF_UNIX || domain == AF_NETLINK)) {
            struct ucred u;

            if (m.len != sizeof u)
                return EINVAL;
            memcpy(&u, m.body, sizeof u);
            if (!(err = check_creds(r, &u))) {
                u.pid = env->supervisor;
                append(ret, SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof u);
                creds = true;
            }
        } else if (is_route(&m)) {
            return EPERM;
        } else {
            append(ret, m.level, m.type, m.body, m.len);
        }
        if (err)
            return err;
    }
    if (err)
        return err;
    return domain == AF_UNIX && rights_differ() && !creds ? add_creds(env, r, ret) : 0;
}

void net_control_finish(struct net_control *c)
{
    for (int i = 0; i < c->fds; i++)
        fd_close(&c->fd[i]);
    free(c->data);
    *c = (struct net_control){0};
}
