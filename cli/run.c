/* SPDX-License-Identifier: MIT */
/*
 * `ioas run`: set up, start the program, listen until it ends, and end as it
 * did.
 *
 * The library says hello from the program's start-up code. A program that can
 * be seen not to take it is not started (inspect.c); one that runs for HELLO_MS
 * without a hello is ended, because everything it does would be done to the
 * real system.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

#define HELLO_MS 10000
#define RUN_NAME 33

static void name_run(char *ret_run)
{
	uint8_t random[16];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		ioas_die(IOAS_EXIT_SETUP, "no random numbers: %s",
		         strerror(errno));
	for (i = 0; i < sizeof(random); i++)
		snprintf(ret_run + 2 * i, 3, "%02x", random[i]);
}

static void refuse_what_cannot_be_seen(char **program)
{
	char path[4096];
	char reason[4096 + 256];
	const char *loaded;

	if (!program[0])
		ioas_die(IOAS_EXIT_SETUP,
		         "no program given; see ioas run --help");
	if (!ioas_find_program(program[0], path, sizeof(path)))
		ioas_die(IOAS_EXIT_NOT_FOUND, "cannot run '%s': not found",
		         program[0]);
	if (ioas_inspect(path, reason, sizeof(reason)))
		ioas_die(IOAS_EXIT_CANNOT, "%s", reason);
	loaded = ioas_find_loaded(program);
	if (loaded && ioas_inspect_loaded(loaded, reason, sizeof(reason)))
		ioas_die(IOAS_EXIT_CANNOT, "%s", reason);
}

/* Signals that somebody sent to the tool are for the program. */
static void forward(const struct signalfd_siginfo *info, pid_t child)
{
	/* What the terminal or the kernel sent, the program got as well. */
	if (info->ssi_code == SI_USER || info->ssi_code == SI_QUEUE ||
	    info->ssi_code == SI_TKILL)
		kill(child, (int)info->ssi_signo);
}

static int signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGWINCH);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		ioas_die(IOAS_EXIT_SETUP, "cannot listen for signals: %s",
		         strerror(errno));
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* It is running on the real system: that must not go on. */
static _Noreturn void end_unseen(pid_t child)
{
	char exe[64];
	char reason[4096 + 256];

	kill(child, SIGSTOP);
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)child);
	if (!ioas_inspect(exe, reason, sizeof(reason)))
		snprintf(reason, sizeof(reason),
		         "the library did not report from it within %d s",
		         HELLO_MS / 1000);
	kill(child, SIGKILL);
	ioas_die(IOAS_EXIT_CANNOT,
	         "ended the program: ioas's library is not in it: %s", reason);
}

/* Listen until the program ends; returns its wait status. */
static int attend(struct ioas_listener *listener, int signals)
{
	struct pollfd fds[] = {{.fd = listener->fd, .events = POLLIN},
	                       {.fd = signals, .events = POLLIN}};
	int64_t deadline = now_ms() + HELLO_MS;
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		int64_t left = deadline - now_ms();

		if (!listener->hello && left <= 0)
			end_unseen(listener->report.child);
		poll(fds, 2, listener->hello ? -1 : (int)left);
		while (read(signals, &info, sizeof(info)) == sizeof(info))
			if (info.ssi_signo != SIGCHLD)
				forward(&info, listener->report.child);
		ioas_listener_drain(listener);
		if (waitpid(listener->report.child, &status, WNOHANG) ==
		    listener->report.child)
			break;
	}
	ioas_listener_drain(listener);
	ioas_report_close(&listener->report);
	return status;
}

/* End as the program ended, without a second core dump. */
static int end_as(int status)
{
	struct rlimit none = {0, 0};
	sigset_t set;
	int number;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	number = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return 128 + number;
}

int ioas_verb_run(int argc, char **argv)
{
	/* Static: what it points at is not lost when the tool ends. */
	static struct ioas_run_options options = {
		.profile = {"intel", "--profile"},
		.memlock = "unlimited",
		.contract = {"strict", "--contract"},
		.error_exitcode = -1,
	};
	struct ioas_listener listener = {0};
	char run[RUN_NAME];
	int signals, status;

	ioas_options_parse(argc, argv, &options);
	refuse_what_cannot_be_seen(options.program);
	name_run(run);
	ioas_listener_open(&listener, run, &options);
	ioas_setup_environment(&options, run);
	listener.report.child = ioas_launch(options.program);
	signals = signals_open();
	status = attend(&listener, signals);
	if (!listener.hello && WIFEXITED(status))
		ioas_die(IOAS_EXIT_CANNOT,
		         "'%s' ran to its end without ioas's library: what it "
		         "did, it did to the real system",
		         options.program[0]);
	if (options.error_exitcode >= 0 && listener.report.errors &&
	    WIFEXITED(status))
		return options.error_exitcode;
	return end_as(status);
}
