/* desk - floor 4: the inside of approval.h: what its thread owns, shared by its files.
 *
 * approval.c the thread, its interfaces, start and end; desk_asks.c how a call that asks arrives, is judged again, times
 * out, is interrupted or goes; desk_answers.c what an answer does; desk_events.c what is told besides questions. Only the
 * desk's thread comes here, save on_signal and on_gone, which set a flag and wake it, and approval_record.
 */
#ifndef SW_DESK_H
#define SW_DESK_H

#include "approval.h"
#include "card.h"
#include "interfaces.h"
#include <pthread.h>

#define MS 1000000ull

/* What a user said a moment ago about calls that are not here any more, or come again. */
struct recent {
    char *key;
    pid_t tid;     /* 0: any caller, as often as it comes */
    uint64_t call; /* tid set: calls_identity() of the one call for which this holds, once */
    bool allowed;
    enum decided_by by;
    const char *handler;
    uint64_t until_ns;
    struct recent *next;
};

struct approval {
    struct approval_config c;
    pthread_t thread;
    int wake;
    pthread_mutex_t lock;
    struct ask *arrived, **arrived_end; /* under lock */
    struct recent *returning;           /* under lock: of approval_again() */
    bool stop;                          /* under lock */
    atomic_bool followed;               /* an interface follows events */
    atomic_uint *hits;                  /* of policy->rules: calls that each decided */
    struct buf news;                    /* under lock: lines for those who follow */
    unsigned news_missed;               /* under lock */

    /* the desk's own */
    struct cards cards;
    struct interfaces interfaces;
    struct recent *recent;
    unsigned recents;
    bool attended; /* an interface has subscribed once */
    char *hint;
};

uint64_t desk_now(void);
void desk_wake(struct approval *a); /* any thread */

/* desk_asks.c */
void desk_take_arrived(struct approval *a);
void desk_sweep(struct approval *a, uint64_t now); /* deadlines, signals, callers that end */
void desk_judge_all(struct approval *a);           /* an answer may have settled others than the card that it was given on */
/* Out of every hand but ours, and back to the session. d is copied. */
void desk_finish(struct approval *a, struct ask *k, const struct decision *d, bool allowed, enum decided_by by, const char *handler);
void desk_close(struct approval *a, struct card *card, const char *how, const char *by); /* told to whoever saw it; frees it */
void desk_remember(struct approval *a, const struct recent *what); /* copies the key too */
#define RETURN_NS (1000 * MS) /* an interrupted call comes back within this, or never */
void desk_forget(struct approval *a); /* all of it */

/* Fills in what the card shows and offers, when it is first needed: most of a thousand that wait are never shown. False: none of its
 * calls is here at the moment (interrupted by a signal, back in a moment). */
bool desk_describe(struct approval *a, struct card *card);

bool desk_somebody(const struct approval *a); /* could anybody answer, now or later? */
void desk_refuse_all(struct approval *a);     /* nobody could after all */

/* desk_events.c */
void desk_tell_news(struct approval *a);
void desk_tell_rules(struct approval *a, struct interface *i);

/* desk_answers.c */
void desk_answer(struct approval *a, struct interface *i, const struct wire_line *l);

#endif
