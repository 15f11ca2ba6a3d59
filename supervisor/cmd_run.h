/* cmd_run - floor 5: `sentinel-watch [OPTIONS] -- COMMAND`: from the command line to a supervised program.
 *
 * Everything that can be wrong is found before anything is started: options, command, place, policy, audit. Then three
 * processes: this one becomes the front, its child the supervisor (session), whose child is the command.
 */
#ifndef SW_CMD_RUN_H
#define SW_CMD_RUN_H

/* argv[0] is the program's name or the verb `run`. Returns the exit status, or ends as the command ended. */
int cmd_run(int argc, char **argv);

#endif
