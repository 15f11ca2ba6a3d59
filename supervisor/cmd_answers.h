/* cmd_answers - floor 5: `sentinel-watch answers list|forget`: what was answered with `always`, shown and taken back.
 *
 * The files are those of answers.h. An answer is named FILE:N, FILE being the file's name without .yaml and N its place in it.
 */
#ifndef SW_CMD_ANSWERS_H
#define SW_CMD_ANSWERS_H

int cmd_answers(int argc, char **argv);

#endif
