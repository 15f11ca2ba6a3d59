/* test - the verb `policy test`. */
#ifndef POLICY_TEST_H
#define POLICY_TEST_H
int verb_test(int argc, char **argv);
#endif
