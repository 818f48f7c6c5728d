/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ioas/mem.h>

#include "host/host.h"
#include "rig.h"

#define LARGE ((size_t)256 << 30)

/* What can be had: less where the run is about a limit of addresses. */
static size_t large(void)
{
	struct rlimit limit = {0, 0};

	getrlimit(RLIMIT_AS, &limit);
	return limit.rlim_cur > 2 * LARGE ? LARGE : limit.rlim_cur / 8;
}

/* They need more addresses than any limit allows. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Only what is asked of them here is the host's. */
static struct ioas_hooks host;

static void give_back(void *p)
{
	host.unreserve(p, large());
}

static uint64_t *reserved(struct rig *r)
{
	void *p;

	ioas_host_hooks(&host);
	p = host.reserve(large());
	if (!p && rig_emulated())
		rig_skip("emulation of a process does not reserve addresses");
	assert_non_null(p);
	rig_defer(r, give_back, p);
	return p;
}

static void addresses_are_zero_and_can_be_written(struct rig *r)
{
	uint64_t *word = reserved(r), last = large() / sizeof(*word) - 1;

	assert_true(!word[0] && !word[last / 2] && !word[last]);
	word[0] = word[last / 2] = word[last] = 7;
	assert_true(word[last / 2] == 7);
}

static void what_is_given_back_is_zero_again(struct rig *r)
{
	uint64_t *word = reserved(r);
	size_t per_page = rig_page() / sizeof(*word), i;

	for (i = 0; i < 4 * per_page; i++)
		word[i] = 1;
	/* From the middle of a page to the middle of another. */
	host.reserve_advise(word + 3, (3 * per_page - 1) * sizeof(*word),
	                    IOAS_RESERVE_ZERO);
	for (i = 0; i < 4 * per_page; i++)
		assert_true(word[i] == (i < 3 || i >= 3 * per_page + 2));
	/* Less than a page. */
	word[5] = 1;
	host.reserve_advise(word + 5, sizeof(*word), IOAS_RESERVE_ZERO);
	assert_true(word[5] == 0 && word[2] == 1);
	host.reserve_advise(word, large(), IOAS_RESERVE_HUGE);
	assert_true(word[2] == 1);
}

static int child_of(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int first_word(void *arg)
{
	return (int)*(uint64_t *)arg;
}

/* A child must not believe that what its parent registered is its own. */
static void a_child_finds_zeroes(struct rig *r)
{
	uint64_t *word = reserved(r);

	word[0] = 9;
	assert_int_equal(child_of(first_word, word), 0);
	assert_true(word[0] == 9);
}

/* Where so many addresses are not allowed, the registry does without. */
static int registry_with_few_addresses(void *memory)
{
	struct rlimit limit = {(rlim_t)2 << 30, (rlim_t)2 << 30};
	struct ioas_register what = {.start = (uintptr_t)memory,
	                             .length = rig_page(),
	                             .perm = IOAS_READ};
	struct ioas_registry *registry;
	struct ioas_holder *holder;

	ioas_hooks = host;
	if (setrlimit(RLIMIT_AS, &limit) || host.reserve(LARGE))
		return 1;
	if (ioas_registry_create(NULL, &registry) ||
	    ioas_holder_create(registry, &holder) ||
	    ioas_holder_register(holder, &what, NULL))
		return 2;
	if (ioas_registry_view(registry)->shadow)
		return 3;
	if (ioas_registry_translate(registry, what.start + 5, IOAS_READ) !=
	    what.start + 5)
		return 4;
	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, NULL);
	return 0;
}

static void a_limit_of_addresses_means_a_tree(struct rig *r)
{
	void *memory = rig_memory(r, rig_page());

	ioas_host_hooks(&host);
	if (!SANITIZED)
		assert_int_equal(child_of(registry_with_few_addresses, memory),
		                 0);
}

static void a_file_is_shown_or_refused(struct rig *r)
{
	int fd = memfd_create("reserve", MFD_CLOEXEC);
	uint64_t at = 0;

	ioas_host_hooks(&host);
	assert_int_equal(ftruncate(fd, (off_t)(2 * rig_page())), 0);
	rig_ok(r, host.map_file(fd, rig_page(), rig_page(),
	                        IOAS_READ | IOAS_WRITE, &at));
	*(char *)(uintptr_t)at = 'y';
	host.unmap_file(at, rig_page());
	rig_fails(r, host.map_file(fd, 1, rig_page(), IOAS_READ, &at), -EINVAL);
	close(fd);
	rig_fails(r, host.map_file(fd, 0, rig_page(), IOAS_READ, &at), -EBADF);
}

static void unlock_all(void *arg)
{
	munlockall();
}

/* Less than all others here: it comes true if it fails. */
static void who_locks_what_is_mapped_later_gets_no_memory(struct rig *r)
{
	const size_t bytes = (size_t)64 << 20, page = rig_page();
	unsigned char first = 0, last = 0;
	char *p;

	if (rig_emulated())
		rig_skip("emulation of a process does not reserve addresses");
	ioas_host_hooks(&host);
	if (mlockall(MCL_FUTURE))
		rig_skip("the limit of locked memory");
	rig_defer(r, unlock_all, NULL);
	p = host.reserve(bytes);
	if (!p)
		rig_skip("the limit of locked memory");
	assert_int_equal(mincore(p, page, &first), 0);
	assert_int_equal(mincore(p + bytes - page, page, &last), 0);
	host.unreserve(p, bytes);
	assert_true(!(first & 1) && !(last & 1));
}

RIG_MAIN("host_reserve", RIG_TEST(addresses_are_zero_and_can_be_written),
         RIG_TEST(what_is_given_back_is_zero_again),
         RIG_TEST(a_child_finds_zeroes),
         RIG_TEST(a_limit_of_addresses_means_a_tree),
         RIG_TEST(who_locks_what_is_mapped_later_gets_no_memory),
         RIG_TEST(a_file_is_shown_or_refused))
