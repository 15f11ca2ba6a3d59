/* audit_state - floor 4: what audit.c (lines, batches, the scribe's words) and audit_start.c (places, the scribe's
 * start) share. */
#ifndef SW_AUDIT_STATE_H
#define SW_AUDIT_STATE_H

#include "audit.h"
#include "buf.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define AUDIT_PATIENCE_S 10 /* for a scribe that does not read, or does not end */

struct audit {
    pthread_mutex_t lock;
    int sock, poll, timer, denials_fd;
    pid_t scribe;
    char *path, *denials;
    enum mode mode;
    enum audit_level level;
    struct buf prefix; /* ,"session":"...","mode":"..." */
    struct buf batch, denied, heard;
    bool due;         /* the timer runs */
    uint64_t calm_ns; /* when all urgent sends so far are paid for, at one each STORM_NS */
    time_t second;    /* what stamp holds */
    char stamp[48];
    struct audit_totals totals;
    uint64_t unsent;      /* lines in batch */
    uint64_t lost;        /* lines that could not be handed over */
    uint64_t scribe_lost; /* lines that the scribe says it could not write */
    bool dead, ended;
    atomic_bool failed;
};

#endif
