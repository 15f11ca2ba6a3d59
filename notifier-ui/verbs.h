/* verbs - the verbs of sentinel-notifier. Each gets its arguments behind the verb and returns the exit status. */
#ifndef SW_VERBS_H
#define SW_VERBS_H

int console_main(int argc, char **argv);
int desktop_main(int argc, char **argv);
int tui_main(int argc, char **argv);
int raw_main(const char *session);

#endif
