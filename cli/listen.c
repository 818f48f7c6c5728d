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

void ioas_listener_open(struct ioas_listener *listener, const char *run,
                        const char *report_file)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int on = 1;
	int n;

	listener->report = STDERR_FILENO;
	if (report_file) {
		listener->report = open(report_file,
		                        O_WRONLY | O_CREAT | O_TRUNC |
		                                O_APPEND | O_CLOEXEC,
		                        0666);
		if (listener->report < 0)
			ioas_die(IOAS_EXIT_SETUP,
			         "cannot write the report file '%s': %s",
			         report_file, strerror(errno));
	}
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

static void put_line(int fd, const char *line)
{
	size_t left = strlen(line);
	ssize_t n;

	while (left) {
		n = write(fd, line, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody left to tell */
		line += n;
		left -= (size_t)n;
	}
}

static void take_record(struct ioas_listener *listener, char *record)
{
	char line[IOAS_RUN_RECORD + 64];
	char *text;
	long pid = strtol(record + 1, &text, 10);

	if (*text == ' ')
		text++;
	switch (*record) {
	case IOAS_RECORD_HELLO:
		if (pid == listener->child)
			listener->hello = true;
		if (strcmp(text, IOAS_VERSION) != 0)
			ioas_say("the library is of version %s, this tool of "
			         "version %s: install them together",
			         text, IOAS_VERSION);
		return;
	case IOAS_RECORD_FINDING:
		listener->findings++;
		break;
	case IOAS_RECORD_NOTE:
	case IOAS_RECORD_COMPLAINT:
	case IOAS_RECORD_STATS:
		break;
	default:
		return;
	}
	if (pid == listener->child)
		snprintf(line, sizeof(line), "ioas: %s\n", text);
	else
		snprintf(line, sizeof(line), "ioas: process %ld: %s\n", pid,
		         text);
	put_line(*record == IOAS_RECORD_COMPLAINT ? STDERR_FILENO
	                                          : listener->report,
	         line);
}

/* The socket's name can be guessed by nobody, but be sure who speaks. */
static bool from_us(struct msghdr *message)
{
	struct cmsghdr *c;
	struct ucred who;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(c), sizeof(who));
		return who.uid == getuid() || getuid() == 0;
	}
	return false;
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
