/* policy_protect - floor 4: the denies that come before every rule: our own files and sockets, and the ways out of the session
 * that `expose` lifts one by one. One table row each (policy manual, "Protections and expose").
 */
#ifndef SW_POLICY_PROTECT_H
#define SW_POLICY_PROTECT_H

#include "policy_load.h"

/* Fills p->protections from p->exposed, p->files, the places, the environment, and the further paths in s->protect. */
void policy_protect(struct policy *p, const struct policy_sources *s);

#endif
