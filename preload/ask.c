/* SPDX-License-Identifier: MIT */
#include "preload/ask.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "base/hooks.h"
#include "host/host.h"
#include "preload/fds.h"
#include "preload/run.h"
#include "preload/say.h"
#include "preload/wrap.h"

/*
 * Descriptor + 1, written once in a process. It is not moved out of the
 * program's way, for the thread has its number.
 */
static struct ioas_a32 asked;

/* ---- The thread. ---- */

/* A datagram, who sent it, and from where. */
struct question {
	char text[IOAS_ASK_BYTES + 1];
	long bytes;
	struct sockaddr_un from;
	unsigned int from_bytes;
	struct ucred who;
};

static void note_sender(struct msghdr *message, struct question *q)
{
	struct cmsghdr *c;

	q->who.uid = (uid_t)-1;
	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&q->who, CMSG_DATA(c), sizeof(q->who));
	q->from_bytes = message->msg_namelen;
}

static bool receive(int fd, struct question *q)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {q->text, sizeof(q->text)};
	struct msghdr message = {
		.msg_name = &q->from,
		.msg_namelen = sizeof(q->from),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	q->bytes = ioas_sys(SYS_recvmsg, fd, (long)&message, MSG_CMSG_CLOEXEC,
	                    0, 0, 0);
	if (q->bytes < 0)
		return q->bytes == -EINTR;
	note_sender(&message, q);
	return true;
}

/* From whoever could read this process's memory anyway. */
static bool may_ask(const struct question *q)
{
	return q->bytes == IOAS_ASK_BYTES &&
	       q->from_bytes > offsetof(struct sockaddr_un, sun_path) &&
	       (q->who.uid == 0 ||
	        q->who.uid == (uid_t)ioas_sys(SYS_geteuid, 0, 0, 0, 0, 0, 0));
}

static void answer(int fd, const struct ioas_run *run, const struct question *q)
{
	static char room[IOAS_ASK_ANSWER];
	char *text = room + IOAS_ASK_BYTES;
	size_t bytes = sizeof(room) - IOAS_ASK_BYTES;

	memcpy(room, q->text, IOAS_ASK_BYTES);
	*text = '\0';
	if (*q->text == (char)IOAS_RECORD_OBJECT)
		ioas_vfio_map_json(run->vfio, text, bytes);
	else
		ioas_vfio_map(run->vfio, text, bytes);
	/* Who does not wait for the answer gets none. */
	ioas_sys(SYS_sendto, fd, (long)room,
	         (long)(IOAS_ASK_BYTES + strlen(text)),
	         MSG_DONTWAIT | MSG_NOSIGNAL, (long)&q->from,
	         (long)q->from_bytes);
}

static void wait_for_questions(void *unused)
{
	int fd = (int)ioas_a32_load(&asked) - 1;
	struct question q;
	const struct ioas_run *run;

	while (receive(fd, &q)) {
		run = may_ask(&q) ? ioas_run() : NULL;
		if (run)
			answer(fd, run, &q);
	}
}

/* ---- Begin. ---- */

static long open_socket(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const int on = 1;
	size_t n = ioas_say_map_name(name.sun_path, sizeof(name.sun_path)) +
	           offsetof(struct sockaddr_un, sun_path);
	long fd = ioas_sys(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0,
	                   0, 0);
	long up = -1;

	if (fd < 0)
		return fd;
	if (!ioas_sys(SYS_setsockopt, fd, SOL_SOCKET, SO_PASSCRED, (long)&on,
	              sizeof(on), 0) &&
	    !ioas_sys(SYS_bind, fd, (long)&name, (long)n, 0, 0, 0))
		up = ioas_fd_internal_take((int)fd);
	if (up < 0)
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return up;
}

void ioas_ask_begin(void)
{
	long fd;

	/* Called under a lock of uapi's: by one thread at a time. */
	if (ioas_a32_load(&asked) || !getenv(IOAS_ENV_MAP))
		return;
	fd = open_socket();
	if (fd < 0)
		return;
	ioas_a32_store(&asked, (uint32_t)fd + 1);
	if (ioas_hooks.thread_start("ioas-map", wait_for_questions, NULL))
		return;
	ioas_a32_store(&asked, 0);
	ioas_fd_internal_close((int)fd);
}

void ioas_ask_forked(void)
{
	/* Relaxed: one thread. The descriptor went with ioas_fds_forked(). */
	ioas_a32_store_relaxed(&asked, 0);
}
