/* SPDX-License-Identifier: MIT */
/*
 * Each record is a socket of its own, opened and closed: a descriptor that
 * stayed would be one more that the program can close, and records are rare.
 */
#include "preload/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/types.h"
#include "host/host.h"
#include "preload/wrap.h"

#define RUN_MAX   64
#define PATH_ROOM 4096
/* The stack may be a small one. */
#define COMPLAINT_MAX 1024

/* Copied once: the program may write over its environment. */
static struct {
	struct ioas_a32 known; /* 0 not yet, 1 being copied, 2 no, 3 yes */
	char run[RUN_MAX];
	char report[PATH_ROOM];
} place;

static void copy_text(char *to, const char *from, size_t room)
{
	size_t n = from ? strnlen(from, room - 1) : 0;

	memcpy(to, from ? from : "", n);
	to[n] = '\0';
}

static uint32_t learn(void)
{
	const char *run = getenv(IOAS_ENV_RUN);
	uint32_t seen = 0;

	/*
	 * A sanitizer's runtime gets here before the C library has an
	 * environment: not known yet.
	 */
	if (!environ)
		return 2;
	if (!ioas_a32_cas(&place.known, &seen, 1))
		return seen;
	copy_text(place.run, run, RUN_MAX);
	copy_text(place.report, getenv(IOAS_ENV_REPORT), PATH_ROOM);
	/* Pairs with the load in ioas_say_run(): the copies are seen. */
	ioas_a32_store(&place.known, *place.run ? 3 : 2);
	return *place.run ? 3 : 2;
}

bool ioas_say_run(void)
{
	/* Pairs with the store in learn(). */
	uint32_t known = ioas_a32_load(&place.known);

	if (IOAS_UNLIKELY(known < 2)) {
		known = learn();
		/* Another thread copies, in a few hundred nanoseconds. */
		while (known == 1)
			known = ioas_a32_load(&place.known);
	}
	return known == 3;
}

static long sys(long number, long a, long b, long c)
{
	return ioas_sys(number, a, b, c, 0, 0, 0);
}

/* Text that is put together without stdio. */
struct line {
	char at[IOAS_RUN_LINE];
	size_t used;
};

static void add(struct line *line, const char *text)
{
	size_t room = sizeof(line->at) - line->used;
	size_t n = strlen(text);

	n = n < room ? n : room;

	memcpy(line->at + line->used, text, n);
	line->used += n;
}

/* In decimal. */
static const char *digits(unsigned long number, char room[24])
{
	size_t i = 23;

	room[i] = '\0';
	do {
		room[--i] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return room + i;
}

static unsigned long process_id(void)
{
	return (unsigned long)sys(SYS_getpid, 0, 0, 0);
}

static struct iovec text_part(const char *text)
{
	return (struct iovec){(void *)(uintptr_t)text, strlen(text)};
}

static bool send_parts(struct iovec *part, size_t parts)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t n = strlen(place.run);
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen =
			(socklen_t)(n + 6 +
	                            offsetof(struct sockaddr_un, sun_path)),
		.msg_iov = part,
		.msg_iovlen = parts,
	};
	long fd = sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long sent;

	if (fd < 0)
		return false;
	memcpy(to.sun_path + 1, "ioas-", 5);
	memcpy(to.sun_path + 6, place.run, n);
	do
		sent = sys(SYS_sendmsg, fd, (long)&message, MSG_NOSIGNAL);
	while (sent == -EINTR);
	sys(SYS_close, fd, 0, 0);
	return sent >= 0;
}

bool ioas_say_tool(enum ioas_record kind, const char *text)
{
	const char head[2] = {(char)kind, '\0'};
	char pid[24];
	struct iovec part[] = {text_part(head),
	                       text_part(digits(process_id(), pid)),
	                       text_part(" "), text_part(text)};

	return ioas_say_run() && send_parts(part, IOAS_ARRAY_SIZE(part));
}

/* One write: what several processes say is not mixed. */
static void write_all(const struct iovec *part, int parts, bool always_shown)
{
	long fd = -1;

	if (*place.report && !always_shown)
		fd = ioas_sys(SYS_openat, AT_FDCWD, (long)place.report,
		              O_WRONLY | O_APPEND | O_CLOEXEC, 0, 0, 0);
	sys(SYS_writev, fd < 0 ? 2 : fd, (long)part, parts);
	if (fd >= 0)
		sys(SYS_close, fd, 0, 0);
}

void ioas_say_alone(const char *text, bool always_shown)
{
	char pid[24];
	struct iovec part[] = {text_part("ioas: process "),
	                       text_part(digits(process_id(), pid)),
	                       text_part(": "), text_part(text)};

	write_all(part, IOAS_ARRAY_SIZE(part), always_shown);
}

void ioas_say(enum ioas_record kind, const char *text)
{
	struct line line = {.used = 0};

	if (ioas_say_tool(kind, text))
		return;
	add(&line, text);
	/* Room for the newline and the zero. */
	if (line.used > sizeof(line.at) - 2)
		line.used = sizeof(line.at) - 2;
	line.at[line.used] = '\n';
	line.at[line.used + 1] = '\0';
	ioas_say_alone(line.at, kind == IOAS_RECORD_COMPLAINT);
}

void ioas_complain(const char *format, ...)
{
	char text[COMPLAINT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ioas_say(IOAS_RECORD_COMPLAINT, text);
}

size_t ioas_say_group_name(unsigned int group, char *ret_path, size_t bytes)
{
	int n;

	ret_path[0] = '\0';
	n = snprintf(ret_path + 1, bytes - 1, IOAS_RUN_GROUP, place.run, group);
	return (size_t)n + 1;
}

size_t ioas_say_map_name(char *ret_path, size_t bytes)
{
	int n;

	ret_path[0] = '\0';
	n = snprintf(ret_path + 1, bytes - 1, IOAS_RUN_MAP, place.run,
	             process_id());
	return (size_t)n + 1;
}
