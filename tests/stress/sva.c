/* SPDX-License-Identifier: MIT */
/*
 * Devices that work on the process's own addresses while it changes them, under
 * threads that do everything at once. Each page of the memory begins with whose
 * it is: its number, or that of a stranger who has the addresses meanwhile.
 *
 *	a device   reads and writes pages by PASID: it sees a number of that
 *	           page or of its stranger, whole, or is refused
 *	a changer  protects, unmaps, puts a stranger there, says so, and then
 *	           sees that what it may not do itself is refused
 *	a binder   binds and unbinds, counted, and lets address spaces end:
 *	           what is not bound is refused, what has ended not touched
 *	           (SVA-4); meanwhile it asks for pages, in groups and parts
 *	a server   serves what was asked for
 *	a forker   forks: the child has no binding (SVA-7)
 *
 * sva [SECONDS [REQUESTS]]: at least so many page requests are taken, and each
 * group has one response (SVA-5). The exit status is 1 when a law was broken,
 * whose name is printed; 2 when nothing met anything.
 */
#include "sva/sva.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/grace.h"
#include "host/host.h"
#include "stress.h"

#define PAGES    8
#define STRANGER UINT64_C(0x1000)
#define ROOM     64 /* page requests of a device */
#define RW       (IOAS_READ | IOAS_WRITE)

static struct {
	struct ioas_a32 stop;
	uint64_t page_bytes;
	char *home;
	struct ioas_sva *sva;
	struct ioas_sva_mm *own;
	struct ioas_sva_device *dev;
	uint32_t pasid;
	/* What was answered, and what is being asked by whom. */
	struct ioas_a64 responses, groups, requests;
	struct ioas_a32 invalidations; /* of all devices */
} s;

struct seen {
	const char *who;
	void (*turn)(struct seen *seen);
	uint64_t done, refused, random;
	pthread_t thread;
	struct ioas_sva_device *dev; /* of a binder */
};

static void expect(const char *what, int error)
{
	if (error)
		broken(what, strerror(-error));
}

static char *at_home(uint64_t page)
{
	return s.home + page * s.page_bytes;
}

/* ---- The device ---- */

static void device_turn(struct seen *seen)
{
	uint64_t page = any(&seen->random, PAGES), number = 0;
	uint64_t at = (uintptr_t)at_home(page);
	int err;

	if (any(&seen->random, 2)) {
		err = ioas_sva_read(s.dev, s.pasid, at, &number, 8);
		/* A page that is quite new has no number yet. */
		if (!err && number && number % STRANGER != page)
			broken("SVA-6", "read what was never at that address");
	} else {
		/* The second word counts accesses; nobody relies on it. */
		err = ioas_sva_write(s.dev, s.pasid, at + 8, &number, 8);
	}
	if (err && err != -EFAULT)
		broken("SVA-2", "a bound device was refused otherwise");
	seen->refused += err != 0;
}

/* ---- Who changes the memory ---- */

static void put_at(uint64_t page, uint64_t number)
{
	char *at = at_home(page);
	void *p = mmap(at, s.page_bytes, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p != at)
		broken("mmap", strerror(errno));
	__atomic_store_n((uint64_t *)p, number, __ATOMIC_RELAXED);
}

static void say_changed(uint64_t page)
{
	uint64_t at = (uintptr_t)at_home(page);

	ioas_sva_mm_changed(s.own, at, at + s.page_bytes - 1);
}

/*
 * What devices are in the middle of when the page goes has ended when the
 * change was said; and what begins then is refused.
 */
static void check_refused(uint64_t page)
{
	uint64_t number = 0;
	int err = ioas_sva_write(s.dev, s.pasid, (uintptr_t)at_home(page) + 8,
	                         &number, 8);

	if (err != -EFAULT)
		broken("SVA-6", "what the process may not write was written");
}

static void changer_turn(struct seen *seen)
{
	uint64_t page = any(&seen->random, PAGES);

	switch (any(&seen->random, 3)) {
	case 0:
		if (mprotect(at_home(page), s.page_bytes, PROT_READ))
			broken("mprotect", strerror(errno));
		say_changed(page);
		check_refused(page);
		if (mprotect(at_home(page), s.page_bytes,
		             PROT_READ | PROT_WRITE))
			broken("mprotect", strerror(errno));
		break;
	case 1:
		if (mprotect(at_home(page), s.page_bytes, PROT_NONE))
			broken("mprotect", strerror(errno));
		say_changed(page);
		check_refused(page);
		put_at(page, page);
		break;
	default:
		put_at(page, page + STRANGER);
		say_changed(page);
		put_at(page, page);
		break;
	}
}

/* ---- Binds, and address spaces that end ---- */

struct array {
	struct ioas_sva_memory memory; /* first */
	struct ioas_a32 ended;
};

static int array_access(const struct ioas_sva_memory *self)
{
	const struct array *a = (const struct array *)(const void *)self;

	if (ioas_a32_load(&a->ended))
		broken("SVA-4", "memory was asked after the end");
	return 0;
}

static int array_read(const struct ioas_sva_memory *self, uint64_t uaddr,
                      void *buffer, size_t bytes)
{
	memset(buffer, 0, bytes);
	return array_access(self);
}

static int array_write(const struct ioas_sva_memory *self, uint64_t uaddr,
                       const void *buffer, size_t bytes)
{
	return array_access(self);
}

static int array_populate(const struct ioas_sva_memory *self, uint64_t uaddr,
                          unsigned int perm)
{
	return array_access(self);
}

static void respond(void *context, uint32_t pasid, uint32_t group,
                    enum ioas_page_response response)
{
	ioas_a64_add(&s.responses, 1);
}

/* Parts are left behind: the last unbind drops them. */
static void ask_for_some(struct seen *seen, uint32_t pasid)
{
	const struct ioas_page_request request = {
		.uaddr = any(&seen->random, 100) * s.page_bytes,
		.pasid = pasid,
		.perm = RW,
		.group = (uint32_t)any(&seen->random, 4),
		.last = any(&seen->random, 3) == 0,
	};
	int err = ioas_sva_request(seen->dev, &request);

	if (!err) {
		ioas_a64_add(&s.requests, 1);
		if (request.last)
			ioas_a64_add(&s.groups, 1);
	} else if (err != -EBUSY) {
		broken("SVA-5", "a bound device's request was refused");
	}
}

static void check_unbound(struct seen *seen, uint32_t pasid)
{
	char byte;

	if (ioas_sva_read(seen->dev, pasid, 0, &byte, 1) != -ENOENT)
		broken("SVA-2", "an access succeeded after the last unbind");
}

static void binder_turn(struct seen *seen)
{
	struct array a = {.memory = {.name = "array",
	                             .read = array_read,
	                             .write = array_write,
	                             .populate = array_populate}};
	const struct ioas_sva_mm_config config = {.memory = &a.memory};
	unsigned int i, binds = 1 + (unsigned int)any(&seen->random, 3);
	bool exits = any(&seen->random, 2);
	struct ioas_sva_mm *mm;
	uint32_t pasid = 0, again = 0;
	char byte;

	expect("mm", ioas_sva_mm_create(s.sva, &config, &mm));
	for (i = 0; i < binds; i++) {
		expect("bind", ioas_sva_bind(seen->dev, mm, &again));
		if (i && again != pasid)
			broken("SVA-1", "an address space has two PASIDs");
		pasid = again;
	}
	for (i = 0; i < 40; i++)
		ask_for_some(seen, pasid);
	expect("read", ioas_sva_read(seen->dev, pasid, 0, &byte, 1));
	if (exits) {
		ioas_sva_mm_destroy(mm);
		ioas_a32_store(&a.ended, 1);
		if (ioas_sva_read(seen->dev, pasid, 0, &byte, 1) != -ESRCH)
			broken("SVA-4", "an address space goes on after exit");
		ask_for_some(seen, pasid);
		seen->refused++;
	}
	for (i = 0; i < binds; i++)
		expect("unbind", ioas_sva_unbind(seen->dev, pasid));
	check_unbound(seen, pasid);
	if (!exits)
		ioas_sva_mm_destroy(mm);
}

static void server_turn(struct seen *seen)
{
	if (!ioas_sva_serve(s.sva, 16))
		sched_yield();
}

/* ---- Processes ---- */

/* A sanitizer's own threads do not fork well: not called there. */
static __attribute__((unused)) void forker_turn(struct seen *seen)
{
	int status = 0;
	pid_t pid = fork();
	char byte;

	if (!pid) {
		ioas_host_alloc_forked();
		ioas_grace_forked();
		ioas_sva_forked();
		_exit(ioas_sva_read(s.dev, s.pasid, (uintptr_t)s.home, &byte,
		                    1) == -ENOENT
		              ? 0
		              : 1);
	}
	if (pid > 0 && (waitpid(pid, &status, 0) != pid || status))
		broken("SVA-7", "a child is bound");
	usleep(20000);
}

/* ---- All of it ---- */

static void *run(void *arg)
{
	struct seen *seen = arg;

	/* Relaxed: whenever it is seen. */
	while (!ioas_a32_load_relaxed(&s.stop)) {
		seen->turn(seen);
		seen->done++;
	}
	return NULL;
}

static void invalidate(void *context, uint32_t pasid, uint64_t first,
                       uint64_t last)
{
	ioas_a32_add(&s.invalidations, 1);
}

static struct ioas_sva_device *device_new(void)
{
	const struct ioas_sva_device_config config = {
		.pasid_bits = 8,
		.requests = ROOM,
		.invalidate = invalidate,
		.respond = respond,
	};
	struct ioas_sva_device *dev;

	expect("device", ioas_sva_device_create(s.sva, &config, &dev));
	return dev;
}

static void begin(void)
{
	const struct ioas_sva_config config = {.pasid_bits = 20};
	const struct ioas_sva_mm_config own = {.memory = NULL};
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	s.page_bytes = UINT64_C(1) << ioas_hooks.page_shift;
	s.home = mmap(NULL, PAGES * s.page_bytes, PROT_NONE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < PAGES; i++)
		put_at(i, i);
	expect("create", ioas_sva_create(&config, &s.sva));
	expect("own", ioas_sva_mm_create(s.sva, &own, &s.own));
	s.dev = device_new();
	expect("bind", ioas_sva_bind(s.dev, s.own, &s.pasid));
}

/* Everything that was asked for is answered, or was dropped. */
static void end(struct seen *seen, unsigned int n)
{
	unsigned int i;

	while (ioas_sva_serve(s.sva, 16))
		;
	for (i = 0; i < n; i++)
		ioas_sva_device_destroy(seen[i].dev);
	ioas_sva_device_destroy(s.dev);
	ioas_sva_mm_destroy(s.own);
	ioas_sva_destroy(s.sva);
	if (ioas_a64_load(&s.responses) != ioas_a64_load(&s.groups))
		broken("SVA-5", "groups and responses are not as many");
}

static void wait_for(unsigned int seconds, uint64_t requests)
{
	unsigned int tenth;

	for (tenth = 0; tenth < 10 * seconds ||
	                (tenth < 2000 && ioas_a64_load(&s.requests) < requests);
	     tenth++)
		usleep(100000);
	ioas_a32_store(&s.stop, 1);
}

static int report(const struct seen *seen, unsigned int n, uint64_t requests)
{
	unsigned int i;
	bool all = ioas_a64_load(&s.requests) >= requests;

	for (i = 0; i < n; i++) {
		printf("%s: %llu, %llu refused\n", seen[i].who,
		       (unsigned long long)seen[i].done,
		       (unsigned long long)seen[i].refused);
		all &= seen[i].done > 0;
	}
	printf("page requests: %llu, groups: %llu\n",
	       (unsigned long long)ioas_a64_load(&s.requests),
	       (unsigned long long)ioas_a64_load(&s.groups));
	return all && seen[0].refused ? 0 : 2;
}

int main(int argc, char **argv)
{
	struct seen seen[] = {
		{.who = "device", .turn = device_turn},
		{.who = "changer", .turn = changer_turn},
		{.who = "binder", .turn = binder_turn},
		{.who = "binder", .turn = binder_turn},
		{.who = "server", .turn = server_turn},
#ifndef __SANITIZE_THREAD__
		{.who = "forker", .turn = forker_turn},
#endif
	};
	const unsigned int n = IOAS_ARRAY_SIZE(seen);
	uint64_t requests = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	unsigned int i;

	begin();
	for (i = 0; i < n; i++) {
		seen[i].random = i + 1;
		if (seen[i].turn == binder_turn)
			seen[i].dev = device_new();
		if (pthread_create(&seen[i].thread, NULL, run, &seen[i]))
			return 2;
	}
	wait_for(argc > 1 ? (unsigned int)atoi(argv[1]) : 2, requests);
	for (i = 0; i < n; i++)
		pthread_join(seen[i].thread, NULL);
	end(seen, n);
	return report(seen, n, requests);
}
