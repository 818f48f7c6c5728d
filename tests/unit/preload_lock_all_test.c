/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "preload/lock_all.h"
#include "rig.h"

#define RESERVED ((size_t)64 << 20) /* comes true if it fails */
#define PAGES    16u
#define NOBODY   65534

/* Only what is asked of them here is the host's. */
static struct ioas_hooks host;

static void give_back(void *p)
{
	host.unreserve(p, RESERVED);
}

static void unlock_all(void *arg)
{
	munlockall();
}

static char *reserved(struct rig *r)
{
	char *p;

	ioas_host_hooks(&host);
	ioas_hooks.signals_block = host.signals_block;
	ioas_hooks.signals_restore = host.signals_restore;
	p = host.reserve(RESERVED);
	if (!p && rig_emulated())
		rig_skip("emulation of a process does not reserve addresses");
	assert_non_null(p);
	rig_defer(r, give_back, p);
	return p;
}

/* Pages that are in memory. */
static unsigned int present(const char *at, unsigned int pages)
{
	unsigned char there[PAGES];
	unsigned int i, n = 0;

	if (mincore((void *)(uintptr_t)at, pages * rig_page(), there))
		return PAGES + 1;
	for (i = 0; i < pages; i++)
		n += there[i] & 1;
	return n;
}

static char *untouched(struct rig *r)
{
	return rig_memory(r, PAGES * rig_page());
}

static void what_is_reserved_is_not_brought_in(struct rig *r)
{
	char *at = reserved(r), *memory = untouched(r);
	const char *middle = at + RESERVED / 2;

	*at = 'x';
	rig_defer(r, unlock_all, NULL);
	if (ioas_lock_all(MCL_CURRENT))
		rig_skip("the limit of locked memory");
	assert_int_equal(present(memory, PAGES), PAGES);
	assert_true(*at == 'x');
	assert_int_equal(present(middle, PAGES), 0);
	/* And can be given back: locked memory could not. */
	assert_int_equal(madvise(at, rig_page(), MADV_DONTNEED), 0);
	assert_true(*at == 0);
}

static void what_comes_later_is_locked_if_it_was_asked_for(struct rig *r)
{
	char *at = reserved(r), *memory;

	rig_defer(r, unlock_all, NULL);
	if (ioas_lock_all(MCL_CURRENT | MCL_FUTURE))
		rig_skip("the limit of locked memory");
	memory = mmap(NULL, PAGES * rig_page(), PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(present(memory, PAGES), PAGES);
	munmap(memory, PAGES * rig_page());
	assert_int_equal(present(at, PAGES), 0);
}

/* Wrong flags are the system's to refuse. */
static void wrong_flags_change_nothing(struct rig *r)
{
	char *at = reserved(r), *memory = untouched(r);

	rig_fails(r, (int)ioas_lock_all(MCL_CURRENT | 0x100), -EINVAL);
	assert_int_equal(present(memory, PAGES), 0);
	assert_int_equal(present(at, PAGES), 0);
}

/* 0: as wanted; 1 + what was answered otherwise. */
static int within_a_limit(char *memory, rlim_t bytes, long wanted)
{
	struct rlimit limit = {bytes, bytes};
	pid_t pid = fork();
	int status = -1;
	long err;

	if (pid == 0) {
		/* Who may lock all there is has no limit. */
		if (setresuid(NOBODY, NOBODY, NOBODY) ||
		    setrlimit(RLIMIT_MEMLOCK, &limit))
			_exit(127);
		err = ioas_lock_all(MCL_CURRENT);
		if (err != wanted)
			_exit(1);
		_exit(present(memory, PAGES) == (err ? 0 : PAGES) ? 0 : 2);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_limit_does_not_count_what_is_reserved(struct rig *r)
{
	char *memory;
	struct rlimit limit;

	reserved(r);
	memory = untouched(r);
	if (geteuid())
		rig_skip("who runs it is under the limit already");
	if (getrlimit(RLIMIT_MEMLOCK, &limit) ||
	    limit.rlim_max < ((rlim_t)8 << 20))
		rig_skip("the limit of locked memory");
	assert_int_equal(within_a_limit(memory, (rlim_t)8 << 20, 0), 0);
	assert_int_equal(within_a_limit(memory, (rlim_t)64 << 10, -ENOMEM), 0);
}

RIG_MAIN("preload_lock_all", RIG_TEST(what_is_reserved_is_not_brought_in),
         RIG_TEST(what_comes_later_is_locked_if_it_was_asked_for),
         RIG_TEST(wrong_flags_change_nothing),
         RIG_TEST(a_limit_does_not_count_what_is_reserved))
