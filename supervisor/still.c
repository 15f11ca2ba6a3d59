#include "still.h"
#include <pthread.h>

/* Writers first: a tree that renames without end must not keep a bind waiting for ever. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

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
