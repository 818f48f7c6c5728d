/* SPDX-License-Identifier: MIT */
/* What the preloaded library says, and where it goes. See host/run.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "host/run.h"

static int open_report(const char *path)
{
	int fd;

	if (!path)
		return STDERR_FILENO;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
	          0666);
	if (fd < 0)
		ioas_die(IOAS_EXIT_SETUP,
		         "cannot write the report file '%s': %s", path,
		         strerror(errno));
	return fd;
}

static void open_socket(struct ioas_listener *listener, const char *run)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int on = 1;
	int n;

	listener->fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1,
	             IOAS_RUN_SOCKET, run);
	if (listener->fd < 0 ||
	    setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on,
	               sizeof(on)) ||
	    bind(listener->fd, (struct sockaddr *)&address,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	                     (size_t)n)))
		ioas_die(IOAS_EXIT_SETUP, "cannot open the run's socket: %s",
		         strerror(errno));
}

void ioas_listener_open(struct ioas_listener *listener, const char *run,
                        const struct ioas_run_options *options)
{
	struct ioas_report *report = &listener->report;

	report->fd = open_report(options->report_file);
	report->as_json = options->report_json;
	report->generate = options->generate_suppressions;
	report->suppressions = ioas_suppressions_read(options->suppressions);
	report->symbols = ioas_symbols_create();
	open_socket(listener, run);
}

/* ---- Records. ---- */

static void take_hello(struct ioas_listener *listener, pid_t pid, char *text)
{
	ioas_report_hello(&listener->report, pid);
	if (pid == listener->report.child)
		listener->hello = true;
	if (strcmp(text, IOAS_VERSION) != 0)
		ioas_say("the library is of version %s, this tool of version "
		         "%s: install them together",
		         text, IOAS_VERSION);
}

/* About ioas itself: always shown, whatever becomes of the report. */
static void take_complaint(struct ioas_listener *listener, pid_t pid,
                           char *text)
{
	if (pid == listener->report.child)
		ioas_say("%s", text);
	else
		ioas_say("process %ld: %s", (long)pid, text);
}

static void take_line(struct ioas_listener *listener, pid_t pid, char *text)
{
	ioas_report_line(&listener->report, pid, text);
}

#define TAKE(name)                                                         \
	static void take_##name(struct ioas_listener *listener, pid_t pid, \
	                        char *text)                                \
	{                                                                  \
		ioas_report_##name(&listener->report, pid, text);          \
	}

TAKE(object)
TAKE(module)
TAKE(site)
TAKE(stack)
TAKE(finding)
TAKE(again)
TAKE(end)

static const struct taking {
	enum ioas_record kind;
	void (*take)(struct ioas_listener *listener, pid_t pid, char *text);
} takings[] = {
	{IOAS_RECORD_HELLO, take_hello},
	{IOAS_RECORD_MODULE, take_module},
	{IOAS_RECORD_SITE, take_site},
	{IOAS_RECORD_STACK, take_stack},
	{IOAS_RECORD_FINDING, take_finding},
	{IOAS_RECORD_AGAIN, take_again},
	{IOAS_RECORD_END, take_end},
	{IOAS_RECORD_COMPLAINT, take_complaint},
	{IOAS_RECORD_STATS, take_line},
	{IOAS_RECORD_OBJECT, take_object},
};

static void take_record(struct ioas_listener *listener, char *record)
{
	char *text;
	long pid = strtol(record + 1, &text, 10);
	size_t i;

	if (*text == ' ')
		text++;
	for (i = 0; i < sizeof(takings) / sizeof(takings[0]); i++)
		if (*record == (char)takings[i].kind)
			takings[i].take(listener, (pid_t)pid, text);
}

bool ioas_sender(struct msghdr *message, struct ucred *ret_who)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(ret_who, CMSG_DATA(c), sizeof(*ret_who));
		return true;
	}
	return false;
}

/* The socket's name can be guessed by nobody, but be sure who speaks. */
static bool from_us(struct msghdr *message)
{
	struct ucred who;

	return ioas_sender(message, &who) &&
	       (who.uid == getuid() || getuid() == 0);
}

void ioas_listener_drain(struct ioas_listener *listener)
{
	char record[IOAS_RUN_RECORD + 1];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = {record, IOAS_RUN_RECORD};
	ssize_t n;

	for (;;) {
		struct msghdr message = {.msg_iov = &iov,
		                         .msg_iovlen = 1,
		                         .msg_control = &control,
		                         .msg_controllen = sizeof(control)};

		n = recvmsg(listener->fd, &message, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		record[n] = '\0';
		if (n > 1 && from_us(&message))
			take_record(listener, record);
	}
}
