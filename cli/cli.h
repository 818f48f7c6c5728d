/* SPDX-License-Identifier: MIT */
/*
 * `ioas`, the tool. One file per verb; this header holds what they share.
 *
 *	main.c     the verbs
 *	run.c      `ioas run`: from options to exit status
 *	options.c  its options, from the command line and from a file
 *	setup.c    devices: checked, completed, and put into the environment
 *	inspect.c  why a program cannot be intercepted
 *	launch.c   starting the program
 *	runtime.c  the sanitizer runtime it may be linked with
 *	listen.c   what the preloaded library says
 *	report.h   what becomes of it: report*.c, symbols.c, suppress.c
 *	list.c     `ioas list`
 *	map.c      `ioas map`
 *	doctor*.c  `ioas doctor`
 */
#ifndef IOAS_CLI_CLI_H
#define IOAS_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cli/report.h"

/* Exit status of the tool's own failures, as env(1) and timeout(1) have. */
enum {
	IOAS_EXIT_SETUP = 125,     /* options, devices, files */
	IOAS_EXIT_CANNOT = 126,    /* the program cannot be run under ioas */
	IOAS_EXIT_NOT_FOUND = 127, /* no such program */
};

/* One line on standard error, with "ioas: " in front. */
void ioas_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, then exit. */
_Noreturn void ioas_die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* malloc and friends that end the tool when there is no memory. */
void *ioas_must(void *allocated);

/* What is checked later than it is read says then where it was given. */
struct ioas_setting {
	const char *value;
	const char *where; /* "--profile", or "FILE:3" */
};

struct ioas_run_options {
	struct ioas_setting profile;
	struct ioas_setting *device; /* device texts as given */
	unsigned int devices;
	const char *report_file;
	bool report_json;
	const char *check; /* as IOAS_CHECK has it */
	const char *suppressions;
	bool generate_suppressions;
	const char *memlock;
	struct ioas_setting contract;
	const char *mmap;            /* "on", "off" */
	const char *pin;             /* "default", "strict" */
	const char *frames;          /* "identity", "scattered[:SEED]" */
	const char *dirty_pages;     /* "mapped", "written" */
	const char *dma_entry_limit; /* NULL: as in Linux */
	int error_exitcode;          /* -1: the program's status is kept */
	bool fake_hugepages;
	bool shared_interrupts, unsafe_interrupts;
	bool stats, map;
	const char *on_fault; /* NULL: as the machine does */
	char **program;       /* argv of the program */
};

/* Ends the tool on a wrong option. */
void ioas_options_parse(int argc, char **argv,
                        struct ioas_run_options *ret_options);
void ioas_options_help(void);

/* Check every device, make RAM for size=, set the environment. */
void ioas_setup_environment(const struct ioas_run_options *options,
                            const char *run);

/* Linux runs a script by a script by ... this many, fs/exec.c. */
#define IOAS_SCRIPTS_DEEP 5

/*
 * Why the program at @path (found as execvp(3) finds it) would not be
 * intercepted, in @ret_reason, or false when nothing speaks against it.
 */
bool ioas_inspect(const char *path, char *ret_reason, size_t bytes);
/*
 * What the dynamic loader is told to load when @program starts one by its name,
 * as in "ld.so --library-path DIR PROGRAM". NULL: it does not.
 */
const char *ioas_find_loaded(char **program);
/* As ioas_inspect(), of such a file. */
bool ioas_inspect_loaded(const char *path, char *ret_reason, size_t bytes);
/*
 * What runs the script at @path: what its first line names, or the shell, as
 * execvp(3) does without such a line. false: no script.
 */
bool ioas_find_interpreter(const char *path, char *ret_path, size_t bytes);
/* As execvp(3) searches. false: not found. */
bool ioas_find_program(const char *name, char *ret_path, size_t bytes);

/*
 * The sanitizer runtime that the program at @path is linked with, as LD_PRELOAD
 * takes it. false: none.
 */
bool ioas_sanitizer_runtime(const char *path, char *ret_soname, size_t bytes);
/* Is one among these libraries? */
bool ioas_sanitizer_named(const char *libraries);

struct ioas_listener {
	int fd;
	bool hello; /* the library is in the program */
	struct ioas_report report;
};

/* Bind the run's socket, open the report. */
void ioas_listener_open(struct ioas_listener *listener, const char *run,
                        const struct ioas_run_options *options);
/* Take every record that is there; does not block. */
void ioas_listener_drain(struct ioas_listener *listener);

/* Who sent a message, as the system says it. Return: false: it does not. */
struct msghdr;
struct ucred;
bool ioas_sender(struct msghdr *message, struct ucred *ret_who);

/* Start the program; returns its process. Ends the tool when it cannot. */
pid_t ioas_launch(char **program);

int ioas_verb_run(int argc, char **argv);
int ioas_verb_list(int argc, char **argv);
int ioas_verb_map(int argc, char **argv);
int ioas_verb_doctor(int argc, char **argv);

#endif /* IOAS_CLI_CLI_H */
