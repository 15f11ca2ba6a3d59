/* cmd_doctor - floor 5: `sentinel-watch doctor`: can this machine hold what enforce promises? It tries, it does not read
 * configuration. One line a check on stdout: `ok`, `note` (weaker or slower, and what to do) or `FAIL`. Exit status 1 on a
 * FAIL.
 */
#ifndef SW_CMD_DOCTOR_H
#define SW_CMD_DOCTOR_H

int cmd_doctor(int argc, char **argv);

#endif
