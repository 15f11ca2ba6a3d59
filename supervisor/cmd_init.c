/* sentinel-watch init: a short commented policy for the project in the working folder. Never over one that is there. */
#include "fd.h"
#include "log.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PROJECT_FILE ".sentinel-watch.yaml"

static const char text[] =
    "# sentinel-watch's rules for this project. They stand before those of the profile that the command gets.\n"
    "# Whoever can write here can change them, so until you say `sentinel-watch policy trust` only deny and ask rules count,\n"
    "# and again after every change. Try them: sentinel-watch policy explain write ./some/file\n"
    "version: 1\n"
    "\n"
    "rules:\n"
    "  # Never, whatever another file allows.\n"
    "  - deny: [read, write]\n"
    "    name: secrets-of-this-project\n"
    "    path: [\"${WORKSPACE}/.env\", \"${WORKSPACE}/.env.*\", \"${WORKSPACE}/secrets/**\"]\n"
    "    except: [\"${WORKSPACE}/.env.example\"]\n"
    "    hard: true\n"
    "    message: \"These are the project's secrets: ask the user for what you need.\"\n"
    "\n"
    "  # Ask before each change of what runs on other machines.\n"
    "  - ask: write\n"
    "    name: pipelines\n"
    "    path: [\"${WORKSPACE}/.github/**\", \"${WORKSPACE}/.gitlab-ci.yml\", \"${WORKSPACE}/Dockerfile\"]\n"
    "\n"
    "  # Examples:\n"
    "  # - allow: connect\n"
    "  #   to: [\"10.1.0.0/16:5432\"]\n"
    "  # - allow: write\n"
    "  #   path: [\"~/.cache/my-tool/**\"]\n";

int cmd_init(int argc, char **argv)
{
    log_init(LOG_NORMAL, NULL);
    if (argc > 1) {
        log_warn("init: found `%s`, expected nothing more: it writes %s into the working folder", argv[1], PROJECT_FILE);
        return 2;
    }
    FD_AUTO fd = open(PROJECT_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int e = fd < 0 ? -errno : fd_write_all(fd, text, sizeof text - 1);
    if (e) {
        log_warn("init: %s: %s", PROJECT_FILE, strerror(-e));
        if (fd >= 0)
            unlink(PROJECT_FILE);
        return 125;
    }
    log_note("wrote %s: look at it, then: sentinel-watch policy trust", PROJECT_FILE);
    return 0;
}
