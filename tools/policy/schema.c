/* schema: the JSON Schema of a policy, from the tables that the loader reads with. */
#include "policy_file.h"
#include "verbs.h"

#include <stdio.h>

int verb_schema(int argc, char **argv)
{
    BUF_AUTO b = {0};
    policy_file_schema(&b);
    fputs(b.data, stdout);
    return 0;
}
