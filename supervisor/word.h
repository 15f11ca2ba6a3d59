/* word - floor 0: a word that is easy to read and to compare, and that nobody guesses: "amber-otter-417". */
#ifndef SW_WORD_H
#define SW_WORD_H

char *word_random(void); /* fresh; NULL when the kernel gives no random bytes */

#endif
