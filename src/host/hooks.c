/* SPDX-License-Identifier: MIT */
/*
 * The set of hooks for Linux. Its members live in memory.c, thread.c and
 * worker.c; here are those about neither: raising an event, a call site, and
 * the end when a law does not hold.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "host/members.h"

/*
 * An eventfd whose counter is full would block the writer. The kernel's own
 * interrupts saturate there, so a full one gets nothing more: it is signalled
 * as it is. Only the program itself could fill the counter between the two
 * calls, by adding nearly 2^64.
 */
static void raise_event(int event)
{
	struct pollfd ready = {.fd = event, .events = POLLOUT};
	struct timespec zero = {0};
	uint64_t one = 1;

	if (ioas_sys(SYS_ppoll, (long)&ready, 1, (long)&zero, 0, 0, 0) != 1 ||
	    !(ready.revents & POLLOUT))
		return;
	ioas_sys(SYS_write, event, (long)&one, sizeof(one), 0, 0, 0);
}

/* To walk a program's stack is for a front end that lives in it. */
static uint32_t unknown_site(void)
{
	return 0;
}

struct line {
	char text[512];
	size_t length;
};

/* No stdio: a law may break inside a signal handler. */
static void line_add(struct line *line, const char *text)
{
	size_t room = sizeof(line->text) - line->length;
	size_t length = strnlen(text, room);

	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void line_add_number(struct line *line, unsigned int number)
{
	char digits[12];
	unsigned int at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	line_add(line, digits + at);
}

static void law_broken(const char *law, const char *condition, const char *file,
                       int at)
{
	struct line line = {.length = 0};

	line_add(&line, "ioas: a law of ioas is broken, this is a defect: ");
	line_add(&line, law);
	line_add(&line, ": ");
	line_add(&line, condition);
	line_add(&line, " (");
	line_add(&line, file);
	line_add(&line, ":");
	line_add_number(&line, (unsigned int)at);
	line_add(&line, ")\n");
	ioas_sys(SYS_write, 2, (long)line.text, (long)line.length, 0, 0, 0);
	abort();
}

/* Where registers are mapped is the front end's to know. */
static int no_peer(void *self, void *program, void *mine, size_t bytes,
                   bool store)
{
	return -EFAULT;
}

void ioas_host_hooks(struct ioas_hooks *ret_hooks)
{
	ioas_host_worker_begin();
	*ret_hooks = (struct ioas_hooks){
		.alloc = ioas_host_alloc,
		.free = ioas_host_free,
		.reserve = ioas_host_reserve,
		.unreserve = ioas_host_unreserve,
		.reserve_advise = ioas_host_reserve_advise,
		.pin = ioas_host_pin,
		.unpin = ioas_host_unpin,
		.map_file = ioas_host_map_file,
		.unmap_file = ioas_host_unmap_file,
		.page_shift = ioas_host_page_shift(),
		.copy = ioas_host_copy,
		.peer = no_peer,
		.barrier = ioas_host_barrier,
		.wait = ioas_host_wait,
		.wait_until = ioas_host_wait_until,
		.now = ioas_host_now,
		.wake = ioas_host_wake,
		.relax = ioas_host_relax,
		.signals_block = ioas_host_signals_block,
		.signals_restore = ioas_host_signals_restore,
		.signal = raise_event,
		.at_thread_exit = ioas_host_at_thread_exit,
		.thread_start = ioas_host_thread_start,
		.thread_join = ioas_host_thread_join,
		.parallel = ioas_host_parallel,
		.call_site = unknown_site,
		.law_broken = law_broken,
	};
}
