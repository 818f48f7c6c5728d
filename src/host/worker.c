/* SPDX-License-Identifier: MIT */
/*
 * Threads of our own, one for a device that runs beside the program.
 *
 * They are made by the C library, since what runs there uses its storage for
 * threads, and since a C library that believes in one thread alone leaves out
 * locks. The program should not notice them: they have every signal blocked
 * that can be, a name of their own, and the processors that the process had
 * when VFIO was first used. The thread that makes one may be pinned to a
 * processor by its program by now, and would have to share it.
 *
 * A forked child does not have them; what was theirs there is dropped, not
 * ended.
 *
 * Sources: pthread_attr_setstacksize(3), sched_setaffinity(2), prctl(2).
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/law.h"
#include "host/members.h"

/* A model is promised 64 KiB; the program's own thread storage lies here too.
 */
#define STACK_BYTES (256u << 10)
#define NAME_BYTES  16

/* As many processors as Linux can be built for. */
static unsigned long processors[8192 / (8 * sizeof(unsigned long))];
static long processors_bytes; /* that the kernel filled; 0: not known */

struct ioas_thread {
	pthread_t thread;
	char name[NAME_BYTES];
	void (*fn)(void *arg);
	void *arg;
};

void ioas_host_worker_begin(void)
{
	long bytes = ioas_sys(SYS_sched_getaffinity, 0, sizeof(processors),
	                      (long)processors, 0, 0, 0);

	processors_bytes = bytes > 0 ? bytes : 0;
}

bool ioas_host_parallel(void)
{
	unsigned int i, count = 0;

	for (i = 0; i < IOAS_ARRAY_SIZE(processors); i++)
		count += (unsigned int)__builtin_popcountl(processors[i]);
	return count > 1;
}

static void settle_in(const struct ioas_thread *t)
{
	if (processors_bytes)
		ioas_sys(SYS_sched_setaffinity, 0, processors_bytes,
		         (long)processors, 0, 0, 0);
	ioas_sys(SYS_prctl, PR_SET_NAME, (long)t->name, 0, 0, 0, 0);
	/* What it waits for is counted in microseconds. */
	ioas_sys(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0, 0, 0);
}

static void *run(void *argument)
{
	struct ioas_thread *t = argument;

	settle_in(t);
	t->fn(t->arg);
	return NULL;
}

static int create(struct ioas_thread *t)
{
	pthread_attr_t attributes;
	struct ioas_signals saved;
	int err = pthread_attr_init(&attributes);

	if (err)
		return err;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* A thread has the mask of the one that makes it. */
	ioas_host_signals_block(&saved);
	err = pthread_create(&t->thread, &attributes, run, t);
	/* Much thread storage: the default size has room for it. */
	if (err == EINVAL)
		err = pthread_create(&t->thread, NULL, run, t);
	ioas_host_signals_restore(&saved);
	pthread_attr_destroy(&attributes);
	return err;
}

struct ioas_thread *ioas_host_thread_start(const char *name,
                                           void (*fn)(void *arg), void *arg)
{
	struct ioas_thread *t = ioas_new(struct ioas_thread);

	if (!t)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	snprintf(t->name, sizeof(t->name), "%s", name);
	if (!create(t))
		return t;
	ioas_delete(t);
	return NULL;
}

void ioas_host_thread_join(struct ioas_thread *thread)
{
	pthread_join(thread->thread, NULL);
	ioas_delete(thread);
}
