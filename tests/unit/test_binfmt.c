#include "binfmt.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct binfmt look(const char *text, size_t n)
{
    char head[BINFMT_HEAD] = {0};
    struct binfmt f;
    memcpy(head, text, n < sizeof head ? n : sizeof head);
    binfmt_look(head, "/x/y", &f);
    return f;
}

Test(binfmt, first_lines)
{
    static const struct {
        const char *line, *interpreter, *arg; /* interpreter NULL: no format */
    } rows[] = {
        {"#!/bin/sh\n", "/bin/sh", NULL},
        {"#! /bin/sh\n", "/bin/sh", NULL},
        {"#!\t /bin/sh \t\n", "/bin/sh", NULL},
        {"#!/bin/sh", "/bin/sh", NULL},
        {"#!/usr/bin/env python3\n", "/usr/bin/env", "python3"},
        {"#!/usr/bin/env  -S python3 -u  \nx", "/usr/bin/env", "-S python3 -u"},
        {"#!interp\n", "interp", NULL},
        {"#!\n", NULL, NULL},
        {"#!   \n/bin/sh\n", NULL, NULL},
        {"#!", NULL, NULL},
        {"# !/bin/sh\n", NULL, NULL},
        {"garbage", NULL, NULL},
        {"", NULL, NULL},
        {"#!/bin/sh\r\n", "/bin/sh\r", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct binfmt f = look(rows[i].line, strlen(rows[i].line));
        cr_expect_eq(f.kind, rows[i].interpreter ? BINFMT_SCRIPT : BINFMT_NONE, "%s", rows[i].line);
        if (!rows[i].interpreter)
            continue;
        cr_expect_str_eq(f.interpreter, rows[i].interpreter);
        cr_expect_eq(f.has_arg, rows[i].arg != NULL, "%s", rows[i].line);
        if (rows[i].arg)
            cr_expect_str_eq(f.arg, rows[i].arg);
    }
    cr_expect_eq(look("\177ELF\2", 5).kind, BINFMT_ELF);
}

/* A line of 256 bytes and more: an interpreter that was cut is none, an argument may be cut. */
Test(binfmt, long_lines)
{
    char s[400];
    memset(s, 'a', sizeof s);
    memcpy(s, "#!/", 3);
    cr_expect_eq(look(s, sizeof s).kind, BINFMT_NONE);
    s[200] = ' ';
    struct binfmt f = look(s, sizeof s);
    cr_expect_eq(f.kind, BINFMT_SCRIPT);
    cr_expect_eq(strlen(f.interpreter), 198);
    cr_expect_eq(strlen(f.arg), 54);
}

/* The kernel itself is asked: each line is run with an interpreter that prints its arguments. */
Test(binfmt, as_the_kernel_reads_it, .timeout = 20)
{
    static const char *const heads[] = {"#!/bin/echo\n", "#! /bin/echo  a b \n", "#!/bin/echo x", "#!\t/bin/echo\ta\tb\t\n", "#!/bin/echo\0x\n"};
    char dir[] = "/tmp/binfmt-XXXXXX", path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s", dir);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t n = i == 4 ? 14 : strlen(heads[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700), p[2];
        cr_assert_eq(write(fd, heads[i], n), (ssize_t)n);
        close(fd);
        cr_assert_eq(pipe(p), 0);
        pid_t pid = fork();
        if (!pid) {
            dup2(p[1], 1);
            execl(path, path, "last", (char *)NULL);
            _exit(1);
        }
        close(p[1]);
        char got[512] = "", want[1024];
        cr_assert_geq(read(p[0], got, sizeof got - 1), 0);
        close(p[0]);
        int status;
        waitpid(pid, &status, 0);
        struct binfmt f = look(heads[i], n);
        cr_expect_eq(f.kind == BINFMT_SCRIPT, status == 0, "%s", heads[i]);
        snprintf(want, sizeof want, "%s%s%s last\n", f.arg, f.has_arg ? " " : "", path);
        if (!status)
            cr_expect_str_eq(got, want);
    }
    unlink(path);
    rmdir(dir);
}

Test(binfmt, the_loader_and_its_program)
{
    static const struct {
        const char *argv[8];
        int program;
    } rows[] = {
        {{"ld.so", "/bin/x"}, 1},
        {{"ld.so", "--library-path", "/a", "--argv0", "n", "./x", "--help"}, 5},
        {{"ld.so", "--library-path=/a", "./x"}, 2},
        {{"ld.so", "--list", "./x"}, 0},
        {{"ld.so", "--", "./x"}, 1},
        {{"ld.so", "--inhibit-cache"}, 0},
        {{"ld.so", "--preload"}, 0},
        {{"ld.so"}, 0},
        {{NULL}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int argc = 0;
        while (rows[i].argv[argc])
            argc++;
        cr_expect_eq(binfmt_loaded((char *const *)rows[i].argv, argc), rows[i].program, "row %zu", i);
    }
    cr_expect(binfmt_loader("/lib64/ld-linux-x86-64.so.2"));
    cr_expect(binfmt_loader("ld-musl-x86_64.so.1"));
    cr_expect_not(binfmt_loader("/usr/bin/ld"));
    cr_expect_not(binfmt_loader("/usr/bin/ldd"));
}
