#include "policy_lookups.h"
#include "pattern.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct rule *rule_of(const char *text)
{
    char path[] = "/tmp/sw-resolv.XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    struct rule *r = policy_lookups_rule(path);
    unlink(path);
    return r;
}

static bool asks(const struct rule *r, const char *address, uint16_t port, int proto)
{
    struct need n = {.verb = VERB_CONNECT, .target.kind = TARGET_ADDRESS};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
        cr_assert_not(address_decode((struct sockaddr *)&in, sizeof in, AF_INET, proto, &n.target.addr));
    else
        cr_assert(inet_pton(AF_INET6, address, &in6.sin6_addr) == 1 &&
                  !address_decode((struct sockaddr *)&in6, sizeof in6, AF_INET6, proto, &n.target.addr));
    return rule_matches(r, &n, NULL, NULL, false);
}

Test(policy_lookups, the_servers_of_the_file_and_no_others)
{
    struct rule *r = rule_of("# comment\nsearch x\nnameserver 192.0.2.1\nnameserver\t2001:db8::53  # second\nnameserver fe80::1%eth0\nnameserver 192.0.2.9\n");
    cr_assert(asks(r, "192.0.2.1", 53, IPPROTO_UDP));
    cr_assert(asks(r, "192.0.2.1", 53, IPPROTO_TCP));
    cr_assert(asks(r, "2001:db8::53", 53, IPPROTO_UDP));
    cr_assert(asks(r, "fe80::1", 53, IPPROTO_UDP));
    cr_assert_not(asks(r, "192.0.2.9", 53, IPPROTO_UDP), "the C library asks three");
    cr_assert_not(asks(r, "192.0.2.1", 443, IPPROTO_TCP));
    cr_assert_not(asks(r, "127.0.0.1", 53, IPPROTO_UDP));
    rule_free(r);
}

Test(policy_lookups, without_a_server_this_machine)
{
    struct rule *r = rule_of("nameserver nonsense\noptions x\n");
    cr_assert(asks(r, "127.0.0.1", 53, IPPROTO_UDP));
    cr_assert_not(asks(r, "192.0.2.1", 53, IPPROTO_UDP));
    rule_free(r);
    r = policy_lookups_rule("/nonexistent");
    cr_assert(asks(r, "::1", 53, IPPROTO_UDP));
    rule_free(r);
}
