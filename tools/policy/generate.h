/* generate - the verb `policy generate`. */
#ifndef POLICY_GENERATE_H
#define POLICY_GENERATE_H
int verb_generate(int argc, char **argv);
#endif
