/* usage - floor 5: what `--help` and `--version` print, on stdout. */
#ifndef SW_USAGE_H
#define SW_USAGE_H

int usage_help(void); /* both return 0 */
int usage_version(void);

#endif
