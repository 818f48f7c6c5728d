/* SPDX-License-Identifier: MIT */
/*
 * `ioas map PID`: what the containers of a process map now. The process is
 * asked by a datagram (host/run.h) to the socket that bears its number; whose
 * answer it is, the system says (SCM_CREDENTIALS): anybody may bind such a
 * name. What it says is not trusted further: lines of text, of which only what
 * can be printed is, or objects of JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "host/run.h"

#define WAIT 2000 /* ms for an answer */

struct asking {
	long pid;
	uid_t owner;
	int fd;
	char question[IOAS_ASK_BYTES];
	char answer[IOAS_ASK_ANSWER + 1];
};

/* ---- Whom to ask. ---- */

static void look_at_process(struct asking *a)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%ld", a->pid);
	if (stat(path, &st))
		ioas_die(IOAS_EXIT_SETUP, "there is no process %ld", a->pid);
	a->owner = st.st_uid;
	if (geteuid() && a->owner != geteuid())
		ioas_die(IOAS_EXIT_SETUP,
		         "process %ld is another user's (user %u)", a->pid,
		         (unsigned int)a->owner);
}

/* Any file of it whose path ends so, among what it has mapped. */
static bool has_library(const struct asking *a)
{
	static const char library[] = "/libioas-preload.so\n";
	char path[64], *line = NULL;
	size_t room = 0, n;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%ld/maps", a->pid);
	maps = fopen(path, "re");
	while (maps && !found && getline(&line, &room, maps) > 0) {
		n = strlen(line);
		found = n >= sizeof(library) - 1 &&
		        !strcmp(line + n - (sizeof(library) - 1), library);
	}
	free(line);
	if (maps)
		fclose(maps);
	return found;
}

static _Noreturn void nobody_answers(const struct asking *a, bool asked)
{
	if (!has_library(a))
		ioas_die(IOAS_EXIT_SETUP, "process %ld does not run under ioas",
		         a->pid);
	if (asked)
		ioas_die(IOAS_EXIT_SETUP,
		         "process %ld does not answer; is it stopped?", a->pid);
	ioas_die(IOAS_EXIT_SETUP,
	         "process %ld has no group open so far, or was not started by "
	         "'ioas run --map'",
	         a->pid);
}

/* ---- The question. ---- */

static void open_socket(struct asking *a)
{
	const struct sockaddr_un any = {.sun_family = AF_UNIX};
	const int on = 1;

	a->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Without a name the system chooses one, which nobody else has. */
	if (a->fd < 0 ||
	    setsockopt(a->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) ||
	    bind(a->fd, (const struct sockaddr *)&any, sizeof(sa_family_t)))
		ioas_die(IOAS_EXIT_SETUP, "cannot open a socket: %s",
		         strerror(errno));
}

static void choose_question(struct asking *a, bool as_json)
{
	a->question[0] =
		(char)(as_json ? IOAS_RECORD_OBJECT : IOAS_RECORD_STATS);
	if (getrandom(a->question + 1, IOAS_ASK_BYTES - 1, 0) !=
	    IOAS_ASK_BYTES - 1)
		ioas_die(IOAS_EXIT_SETUP, "no random numbers: %s",
		         strerror(errno));
}

static bool send_question(const struct asking *a, const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(name);

	if (n >= sizeof(to.sun_path))
		return false;
	memcpy(to.sun_path + 1, name, n);
	return sendto(a->fd, a->question, IOAS_ASK_BYTES, MSG_NOSIGNAL,
	              (const struct sockaddr *)&to,
	              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	                          n)) == IOAS_ASK_BYTES;
}

/* Is "@NAME" in a line of /proc/net/unix such a name of that process? */
static bool is_name(const char *name, long pid)
{
	char end[32];
	size_t n = strlen(name), e;

	e = (size_t)snprintf(end, sizeof(end), "-map-%ld", pid);
	return !strncmp(name, "ioas-", 5) && n > e &&
	       !strcmp(name + n - e, end);
}

/* Everybody who has such a name: the others' answers are not looked at. */
static bool ask(struct asking *a)
{
	FILE *sockets = fopen("/proc/net/unix", "re");
	char *line = NULL, *at;
	size_t room = 0;
	bool any = false;

	if (!sockets)
		ioas_die(IOAS_EXIT_SETUP, "cannot read /proc/net/unix: %s",
		         strerror(errno));
	while (getline(&line, &room, sockets) > 0) {
		line[strcspn(line, "\n")] = '\0';
		at = strrchr(line, '@');
		if (at && is_name(at + 1, a->pid))
			any |= send_question(a, at + 1);
	}
	free(line);
	fclose(sockets);
	return any;
}

/* ---- The answer. ---- */

static bool is_from(struct msghdr *message, const struct asking *a)
{
	struct ucred who;

	return ioas_sender(message, &who) && who.pid == (pid_t)a->pid &&
	       who.uid == a->owner;
}

/* The one that is waited for? Its text has a zero behind it. */
static bool receive(struct asking *a)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {a->answer, IOAS_ASK_ANSWER};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = &control,
	                         .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(a->fd, &message, MSG_CMSG_CLOEXEC);

	if (n < IOAS_ASK_BYTES || !is_from(&message, a) ||
	    memcmp(a->answer, a->question, IOAS_ASK_BYTES))
		return false;
	a->answer[n] = '\0';
	return true;
}

static bool wait_for_answer(struct asking *a)
{
	struct pollfd look = {.fd = a->fd, .events = POLLIN};
	int left;

	/* Whatever else comes makes it wait no longer than so often. */
	for (left = 100; left; left--) {
		if (poll(&look, 1, WAIT) <= 0)
			return false;
		if (receive(a))
			return true;
	}
	return false;
}

static void show(struct asking *a, bool as_json)
{
	struct ioas_report report = {.fd = STDOUT_FILENO, .as_json = as_json};
	char *next = a->answer + IOAS_ASK_BYTES, *line, *c;
	size_t n = strlen(next);
	bool cut = n && next[n - 1] != '\n';

	while ((line = strsep(&next, "\n"))) {
		for (c = line; *c; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		if (*line && as_json)
			ioas_report_object(&report, (pid_t)a->pid, line);
		else if (*line)
			puts(line);
	}
	if (fflush(stdout) || ferror(stdout))
		ioas_die(IOAS_EXIT_SETUP, "cannot write the answer");
	if (cut)
		ioas_die(IOAS_EXIT_SETUP, "there is more than one answer has "
		                          "room for; the rest is not shown");
}

/* ---- The verb. ---- */

static _Noreturn void usage(void)
{
	ioas_die(IOAS_EXIT_SETUP, "usage: ioas map [--report text|json] PID");
}

static bool take_report(const char *form)
{
	if (strcmp(form, "json") != 0 && strcmp(form, "text") != 0)
		usage();
	return !strcmp(form, "json");
}

static long take_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || end == text || pid <= 0 || pid != (pid_t)pid)
		ioas_die(IOAS_EXIT_SETUP, "'%s' is no process number", text);
	return pid;
}

int ioas_verb_map(int argc, char **argv)
{
	static const struct option options[] = {
		{"report", required_argument, NULL, 'r'}, {0}};
	static struct asking a;
	bool as_json = false, asked;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'r')
			usage();
		as_json = take_report(optarg);
	}
	if (argc - optind != 1)
		usage();
	a.pid = take_pid(argv[optind]);
	look_at_process(&a);
	open_socket(&a);
	choose_question(&a, as_json);
	asked = ask(&a);
	if (!asked || !wait_for_answer(&a))
		nobody_answers(&a, asked);
	show(&a, as_json);
	return 0;
}
