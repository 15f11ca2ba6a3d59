/* nested - floor 5: were we started inside another session? The kernel allows one listener, so a second session is refused.
 */
#ifndef SW_NESTED_H
#define SW_NESTED_H

#include "policy_load.h"

/* The name of the session that supervises us ("process N" where it cannot be found out), fresh; NULL: none does. */
char *nested_session(const struct places *p);

#endif
