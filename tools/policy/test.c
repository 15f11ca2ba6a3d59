/* policy test [-w DIR] POLICY LOG...: replays recordings: what would be denied or asked now, with counts. 0 clean, 1
 * findings. */
#include "replay.h"
#include "verbs.h"
#include "tools/record/tally.h"

#include <getopt.h>
#include <string.h>

struct testing {
    const struct policy *policy;
    struct replay replay;
    struct tally denied, asked;
    uint64_t allowed, denials, asks, fixed;
};

static void judge(void *arg, const struct record *r, size_t log)
{
    struct testing *t = arg;
    struct replayed c;
    (void)log;
    replay_read(&t->replay, r, &c);
    t->fixed += c.kind == REPLAY_FIXED;
    if (c.kind == REPLAY_CALL) {
        struct decision d = replay_decide(t->policy, &c);
        if (d.effect == EFFECT_ALLOW) {
            t->allowed++;
        } else {
            BUF_AUTO b = {0};
            replay_right_text(&c.need[d.need], &b);
            buf_printf(&b, "   (%s%s%s%s)", d.label ? d.label : decided_by_names[d.by], d.at ? ", " : "",
                       d.at ? d.at : "",
                       d.moved_asks && !(d.asks & ~(1u << d.need)) ? "; moving it would take it out of what asks" : "");
            tally_add(d.effect == EFFECT_DENY ? &t->denied : &t->asked, b.data);
            *(d.effect == EFFECT_DENY ? &t->denials : &t->asks) += 1;
        }
    }
    replayed_free(&c);
}

static void print(const char *what, struct tally *t)
{
    tally_sort(t);
    for (size_t i = 0; i < t->n; i++)
        printf("%s %6llux  %s\n", what, (unsigned long long)t->entry[i].count, t->entry[i].name);
    tally_free(t);
}

int verb_test(int argc, char **argv)
{
    static const struct option options[] = {{"workspace", 1, 0, 'w'}, {0}};
    const char *workspace = NULL;
    int c;
    while ((c = getopt_long(argc, argv, "w:", options, NULL)) != -1) {
        if (c != 'w')
            return 2;
        workspace = optarg;
    }
    if (argc - optind < 2) {
        fprintf(stderr, "usage: sentinel-watch policy test [-w DIR] POLICY LOG...\n");
        return 2;
    }
    struct places places;
    struct err err;
    if (replay_places(argv + optind + 1, workspace, &places, &err) < 0) {
        fprintf(stderr, "sentinel-watch: %s\n", err.text);
        return err.status;
    }
    struct policy *policy = replay_policy(argv[optind], &places);
    if (!policy)
        return 1;
    struct testing t = {.policy = policy, .replay = {.places = &places}};
    int status = replay_logs(argv + optind + 1, judge, &t);
    if (!status) {
        print("deny", &t.denied);
        print("ask ", &t.asked);
        printf("%llu calls: %llu allowed, %llu would be asked, %llu would be denied\n",
               (unsigned long long)(t.allowed + t.asks + t.denials), (unsigned long long)t.allowed,
               (unsigned long long)t.asks, (unsigned long long)t.denials);
        if (t.fixed)
            printf("%llu more calls are refused whatever a policy says\n", (unsigned long long)t.fixed);
        status = t.denials || t.asks;
    }
    replay_end(&t.replay);
    policy_free(policy);
    return status;
}
