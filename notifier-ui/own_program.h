/* own_program - where this very program is, so that it is found whatever PATH says. */
#ifndef SW_OWN_PROGRAM_H
#define SW_OWN_PROGRAM_H

char *own_program(void); /* fresh */

#endif
