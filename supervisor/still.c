#include "still.h"
#include <pthread.h>

/* Changes first: one that hangs (a network file system) keeps binds waiting, and no other change behind them. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

void change_begin(void)
{
    pthread_rwlock_rdlock(&lock);
}

void change_end(void)
{
    pthread_rwlock_unlock(&lock);
}

void still_begin(void)
{
    pthread_rwlock_wrlock(&lock);
}

void still_end(void)
{
    pthread_rwlock_unlock(&lock);
}
