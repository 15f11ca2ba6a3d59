/* sentinel-watch completion bash|zsh|fish: made from the tables of options and verbs, so it names what there is. */
#include "buf.h"
#include "log.h"
#include "options.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static void words(struct buf *b, bool verbs)
{
    const struct verb_row *v;
    for (size_t i = 0; verbs && (v = verbs_at(i)); i++)
        buf_printf(b, "%s%s", b->len ? " " : "", v->name);
    const char *name, *value;
    char letter;
    for (size_t i = 0; !verbs && (name = options_name(i, &letter, &value)); i++) {
        buf_printf(b, "%s%s", b->len ? " " : "", name);
        if (letter)
            buf_printf(b, " -%c", letter);
    }
}

/* After `--` the program's own completion is asked; before it, options, and verbs as the first word. */
static void bash(const char *options, const char *verbs)
{
    printf("_sentinel_watch() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        if [[ ${COMP_WORDS[i]} == -- ]]; then\n"
           "            if declare -F _command_offset >/dev/null; then _command_offset $((i + 1)); else COMPREPLY=($(compgen -c -- \"$cur\")); fi\n"
           "            return\n"
           "        fi\n"
           "    done\n"
           "    case $prev in\n"
           "        -m|--mode) COMPREPLY=($(compgen -W 'log enforce off' -- \"$cur\")); return ;;\n"
           "        -a|--approval) COMPREPLY=($(compgen -W 'auto desktop tui console reject' -- \"$cur\")); return ;;\n"
           "        --baseline) COMPREPLY=($(compgen -W 'strict mvp datasci off' -f -- \"$cur\")); return ;;\n"
           "        -p|--policy) COMPREPLY=($(compgen -W \"$(sentinel-watch profiles 2>/dev/null | cut -d' ' -f1)\" -f -- \"$cur\")); return ;;\n"
           "        -w|--workspace) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
           "        -o|--audit|--audit-key) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
           "        console|tui) COMPREPLY=($(compgen -W \"$(sentinel-watch sessions 2>/dev/null)\" -- \"$cur\")); return ;;\n"
           "    esac\n"
           "    if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '%s --' -- \"$cur\"))\n"
           "    elif ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n"
           "    else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
           "}\n"
           "complete -F _sentinel_watch sentinel-watch\n",
           options, verbs);
}

/* "log|enforce|off" is a choice, "NAME|FILE" is not. The choices with blanks between; NULL for none. Fresh. */
static char *choices(const char *value)
{
    if (!value || !strchr(value, '|') || strpbrk(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return NULL;
    char *s = xstrdup(value);
    for (char *c = s; *c; c++)
        if (*c == '|')
            *c = ' ';
    return s;
}

static void zsh(void)
{
    const char *name, *value;
    char letter;
    const struct verb_row *v;
    printf("#compdef sentinel-watch\n_sentinel_watch() {\n    local -a verbs=(");
    for (size_t i = 0; (v = verbs_at(i)); i++)
        printf("%s%s", i ? " " : "", v->name);
    printf(")\n    _arguments -S \\\n");
    for (size_t i = 0; (name = options_name(i, &letter, &value)); i++) {
        STR_AUTO words_ = choices(value);
        BUF_AUTO spec = {0};
        if (value) {
            buf_putc(&spec, ':');
            for (const char *c = value; *c; c++)
                buf_putc(&spec, *c == ':' ? ' ' : *c); /* a colon ends the message */
            if (words_)
                buf_printf(&spec, ":(%s)", words_);
            else
                buf_puts(&spec, ":_files");
        }
        if (letter)
            printf("        '(-%c %s)'{-%c,%s}'%s' \\\n", letter, name, letter, name, value ? spec.data : "[]");
        else
            printf("        '%s%s' \\\n", name, value ? spec.data : "[]");
    }
    printf("        '1:verb:(('\"$verbs\"'))' '*::command:_normal'\n}\ncompdef _sentinel_watch sentinel-watch\n");
}

static void fish(void)
{
    const char *name, *value;
    char letter;
    const struct verb_row *v;
    for (size_t i = 0; (v = verbs_at(i)); i++)
        printf("complete -c sentinel-watch -n __fish_use_subcommand -a %s\n", v->name);
    for (size_t i = 0; (name = options_name(i, &letter, &value)); i++) {
        STR_AUTO words_ = choices(value);
        printf("complete -c sentinel-watch -l %s", name + 2);
        if (letter)
            printf(" -s %c", letter);
        if (words_)
            printf(" -x -a '%s'", words_);
        else if (value)
            printf(" -r");
        putchar('\n');
    }
}

int cmd_completion(int argc, char **argv)
{
    log_init(LOG_NORMAL, NULL);
    BUF_AUTO options = {0};
    BUF_AUTO verbs = {0};
    words(&options, false);
    words(&verbs, true);
    if (argc == 2 && !strcmp(argv[1], "bash")) {
        bash(options.data, verbs.data);
    } else if (argc == 2 && !strcmp(argv[1], "zsh")) {
        zsh();
    } else if (argc == 2 && !strcmp(argv[1], "fish")) {
        fish();
    } else {
        log_warn("completion: found %s, expected bash, zsh or fish", argc > 1 ? argv[1] : "nothing");
        return 2;
    }
    return 0;
}
