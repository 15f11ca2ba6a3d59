/* policy export --format oci|systemd|yaml LOG...: needs the counts of system calls that --record-syscalls would write,
 * and this version does not record them: said, rather than exporting the few calls that every log has, which no program
 * could run under. */
#include "log.h"
#include "verbs.h"

int verb_export(int argc, char **argv)
{
    log_warn("policy export needs logs that were made with --record-syscalls, which this version does not have; the "
             "records of an "
             "ordinary log name only the supervised calls, and a seccomp profile made of those would let nothing run");
    return 125;
}
