/* SPDX-License-Identifier: MIT */
/*
 * Many pages are looked at, and memory that is not there stays so
 * (src/host/check.c); what kinds of areas there are is in
 * host_check_layout_test.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "failing_call.h"
#include "host/members.h"

#define MANY          4096 /* pages; more than are brought in */
#define GUARD_INSTALL 102
#define MAP_QUERY     ((uint32_t)_IOWR('f', 17, char[104]))
#define PAGE_SCAN     ((uint32_t)_IOWR('f', 16, char[96]))

static void *mapped(size_t pages)
{
	void *p = mmap(NULL, pages * rig_page(), PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void unmapped(void *p)
{
	munmap(p, MANY * rig_page());
}

/* Many pages, none of them there, and none of them huge. */
static char *many(struct rig *r)
{
	char *p = mapped(MANY);

	rig_defer(r, unmapped, p);
	/* Where there are none, this fails. */
	madvise(p, MANY * rig_page(), MADV_NOHUGEPAGE);
	if (rig_emulated())
		rig_skip("the emulation takes any advice");
	return p;
}

static size_t there(const char *p, size_t pages)
{
	static unsigned char is[MANY];
	size_t i, n = 0;

	assert_int_equal(mincore((void *)(uintptr_t)p, pages * rig_page(), is),
	                 0);
	for (i = 0; i < pages; i++)
		n += is[i] & 1;
	return n;
}

/* Return: how many pages it says are good. */
static size_t pinned(const char *p, size_t pages, unsigned int perm)
{
	uint64_t bytes = 0;
	int rc = ioas_host_pin((struct uaddr){(uintptr_t)p}, pages * rig_page(),
	                       perm, &bytes);

	assert_int_equal(rc, bytes == pages * rig_page() ? 0 : -EFAULT);
	assert_int_equal(bytes % rig_page(), 0);
	return bytes / rig_page();
}

static void memory_of_many_pages_stays_away(struct rig *r)
{
	char *p = many(r);

	assert_int_equal(pinned(p, MANY, IOAS_READ), MANY);
	assert_int_equal(pinned(p, MANY, IOAS_READ | IOAS_WRITE), MANY);
	assert_int_equal(pinned(p, 1024, IOAS_WRITE), 1024);
	assert_int_equal(there(p, MANY), 0);
}

static void memory_of_few_pages_is_brought_in(struct rig *r)
{
	char *p = many(r);

	assert_int_equal(pinned(p, 64, IOAS_WRITE), 64);
	assert_int_equal(there(p, MANY), 64);
}

static void bringing_in_brings_in_many(struct rig *r)
{
	char *p = many(r);
	uint64_t bytes;

	assert_int_equal(ioas_host_bring_in((struct uaddr){(uintptr_t)p},
	                                    MANY * rig_page(), IOAS_WRITE,
	                                    &bytes),
	                 0);
	assert_int_equal(there(p, MANY), MANY);
}

static void what_is_there_stays_there(struct rig *r)
{
	char *p = many(r);

	p[7 * rig_page()] = 7;
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	assert_int_equal(there(p, MANY), 1);
	assert_int_equal(p[7 * rig_page()], 7);
}

static void parts_of_pages_count_as_bytes(struct rig *r)
{
	const size_t page = rig_page(), hole = 2000;
	char *p = many(r);
	uint64_t bytes;

	rig_hole(r, p + hole * page, page);
	assert_int_equal(ioas_host_pin((struct uaddr){(uintptr_t)p + 100},
	                               MANY * page - 200, IOAS_READ, &bytes),
	                 -EFAULT);
	assert_int_equal(bytes, hole * page - 100);
	assert_int_equal(there(p, MANY), 0);
}

static void areas_that_follow_each_other_are_all_looked_at(struct rig *r)
{
	char *p = many(r);
	size_t i;

	/* Every second one is not inherited: they do not become one. */
	for (i = 0; i < 16; i += 2)
		assert_int_equal(madvise(p + i * (MANY / 16) * rig_page(),
		                         MANY / 16 * rig_page(), MADV_DONTFORK),
		                 0);
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	assert_int_equal(there(p, MANY), 0);
}

static const size_t positions[] = {0, 1, 1023, 2048, MANY - 2, MANY - 1};

static void pages_before_a_hole_are_good(struct rig *r)
{
	const size_t page = rig_page();
	unsigned int i;
	char *p;

	for (i = 0; i < IOAS_ARRAY_SIZE(positions); i++) {
		p = many(r);
		assert_int_equal(munmap(p + positions[i] * page, page), 0);
		assert_int_equal(pinned(p, MANY, IOAS_READ), positions[i]);
		assert_int_equal(pinned(p, MANY, IOAS_WRITE), positions[i]);
	}
}

static void memory_that_is_closed_is_not_good(struct rig *r)
{
	const size_t page = rig_page();
	unsigned int i;
	char *p;

	for (i = 0; i < IOAS_ARRAY_SIZE(positions); i++) {
		p = many(r);
		assert_int_equal(
			mprotect(p + positions[i] * page, page, PROT_NONE), 0);
		assert_int_equal(pinned(p, MANY, IOAS_READ), positions[i]);
		assert_int_equal(there(p, MANY), 0);
	}
}

static void what_may_not_be_written_is_good_to_read(struct rig *r)
{
	const size_t page = rig_page();
	unsigned int i;
	char *p;

	for (i = 0; i < IOAS_ARRAY_SIZE(positions); i++) {
		p = many(r);
		rig_read_only(r, p + positions[i] * page, page);
		assert_int_equal(pinned(p, MANY, IOAS_WRITE), positions[i]);
		assert_int_equal(pinned(p, MANY, IOAS_READ), MANY);
		assert_int_equal(there(p, MANY), 0);
	}
}

static void a_guard_is_not_good(struct rig *r)
{
	const size_t page = rig_page();
	unsigned int i;
	char *p = many(r);

	if (madvise(p, page, GUARD_INSTALL))
		rig_skip("the system has no guards");
	for (i = 0; i < IOAS_ARRAY_SIZE(positions); i++) {
		p = many(r);
		assert_int_equal(
			madvise(p + positions[i] * page, page, GUARD_INSTALL),
			0);
		assert_int_equal(pinned(p, MANY, IOAS_READ), positions[i]);
		assert_int_equal(pinned(p, MANY, IOAS_WRITE), positions[i]);
	}
}

/* More of them than are told at once, and none in what is pinned. */
static void guards_beside_it_are_no_matter(struct rig *r)
{
	const size_t page = rig_page();
	char *p = many(r);
	size_t i;

	for (i = 0; i < 200; i++)
		if (madvise(p + 2 * i * page, page, GUARD_INSTALL))
			rig_skip("the system has no guards");
	assert_int_equal(pinned(p + 399 * page, MANY - 399, IOAS_WRITE),
	                 MANY - 399);
	assert_int_equal(there(p + 399 * page, MANY - 399), 0);
	assert_int_equal(pinned(p + page, MANY - 1, IOAS_WRITE), 1);
}

/* Its pages are made by a program, which for the system's own accesses ... */
static void what_a_program_fills_is_asked_for(struct rig *r)
{
	struct uffdio_api api = {.api = UFFD_API};
	char *p = many(r);
	struct uffdio_register range = {
		.range = {(uintptr_t)p + 2000 * rig_page(), 10 * rig_page()},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		rig_skip("the system has no userfaultfd for us");
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	assert_int_equal(ioctl(fd, UFFDIO_REGISTER, &range), 0);
	/* ... are an error. */
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), 2000);
	close(fd);
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	assert_int_equal(there(p, MANY), 0);
}

/* It ends, so its pages are asked for, here in the middle of memory. */
static void files_and_shared_memory_are_brought_in(struct rig *r)
{
	const size_t page = rig_page(), at = 1000, pages = 8;
	int fd = memfd_create("check", MFD_CLOEXEC);
	char *p = many(r), *middle = p + at * page;

	assert_true(fd >= 0 && !ftruncate(fd, (off_t)(pages * page)));
	assert_ptr_equal(mmap(middle, pages * page, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_FIXED, fd, 0),
	                 middle);
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	assert_int_equal(there(p, MANY), pages);
	assert_int_equal(there(middle, pages), pages);
	assert_int_equal(ftruncate(fd, (off_t)(pages / 2 * page)), 0);
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), at + pages / 2);
	close(fd);
	assert_ptr_equal(mmap(middle, pages * page, PROT_READ | PROT_WRITE,
	                      MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
	                 middle);
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	assert_int_equal(there(p, MANY), pages);
}

/* ---- Where the system does not let us look. ---- */

static bool stays_away(void *p)
{
	return pinned(p, MANY, IOAS_WRITE) == MANY && there(p, MANY) == 0;
}

static bool comes_in(void *p)
{
	return pinned(p, MANY, IOAS_WRITE) == MANY && there(p, MANY) == MANY;
}

static bool no_descriptor_is_left(void)
{
	struct rlimit none = {0, 0};

	return !setrlimit(RLIMIT_NOFILE, &none);
}

static void areas_are_read_where_they_cannot_be_asked_for(struct rig *r)
{
	check_with_failing_request(MAP_QUERY, ENOTTY, stays_away, many(r));
}

static void so_many_areas_that_reading_takes_long(struct rig *r)
{
	const size_t page = rig_page();
	/* The system gives addresses downwards, as a rule. */
	char *p = many(r), *below = mapped(2 * MANY);
	size_t i;

	for (i = 0; i < 2 * MANY; i += 2)
		assert_int_equal(mprotect(below + i * page, page, PROT_READ),
		                 0);
	if (below < p)
		check_with_failing_request(MAP_QUERY, ENOTTY, comes_in, p);
	munmap(below, 2 * MANY * page);
}

static void without_a_scan_guards_are_found_by_bringing_in(struct rig *r)
{
	if (syscall(SYS_madvise, NULL, 0, GUARD_INSTALL))
		rig_skip("the system has no guards");
	check_with_failing_request(PAGE_SCAN, ENOTTY, comes_in, many(r));
}

static void without_a_descriptor_pages_are_brought_in(struct rig *r)
{
	char *p = many(r);
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		_exit(no_descriptor_is_left() && comes_in(p) ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void without_proc_pages_are_brought_in(struct rig *r)
{
	check_with_failing_call(SYS_openat, ENOENT, comes_in, many(r));
}

/* A filter refuses it to the program as well. */
static void without_userfaultfd_nothing_is_watched(struct rig *r)
{
	check_with_failing_call(SYS_userfaultfd, EPERM, stays_away, many(r));
	check_with_failing_call(SYS_userfaultfd, ENOSYS, stays_away, many(r));
	check_with_failing_call(SYS_userfaultfd, EMFILE, comes_in, many(r));
}

/* ---- Descriptors. ---- */

static int marked, unmarked;

static void note(int fd, bool internal)
{
	assert_true(fd >= 0);
	if (internal)
		marked++;
	else
		unmarked++;
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void descriptors_are_hidden_and_closed(struct rig *r)
{
	char *p = many(r);
	int before = descriptors();

	marked = unmarked = 0;
	ioas_host_internal_fd = note;
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), MANY);
	rig_hole(r, p + 2000 * rig_page(), rig_page());
	assert_int_equal(pinned(p, MANY, IOAS_WRITE), 2000);
	ioas_host_internal_fd = NULL;
	assert_true(marked >= 2);
	assert_int_equal(unmarked, marked);
	assert_int_equal(descriptors(), before);
}

RIG_MAIN("host_check", RIG_TEST(memory_of_many_pages_stays_away),
         RIG_TEST(memory_of_few_pages_is_brought_in),
         RIG_TEST(bringing_in_brings_in_many),
         RIG_TEST(what_is_there_stays_there),
         RIG_TEST(parts_of_pages_count_as_bytes),
         RIG_TEST(areas_that_follow_each_other_are_all_looked_at),
         RIG_TEST(pages_before_a_hole_are_good),
         RIG_TEST(memory_that_is_closed_is_not_good),
         RIG_TEST(what_may_not_be_written_is_good_to_read),
         RIG_TEST(a_guard_is_not_good),
         RIG_TEST(guards_beside_it_are_no_matter),
         RIG_TEST(what_a_program_fills_is_asked_for),
         RIG_TEST(files_and_shared_memory_are_brought_in),
         RIG_TEST(areas_are_read_where_they_cannot_be_asked_for),
         RIG_TEST(so_many_areas_that_reading_takes_long),
         RIG_TEST(without_a_scan_guards_are_found_by_bringing_in),
         RIG_TEST(without_a_descriptor_pages_are_brought_in),
         RIG_TEST(without_proc_pages_are_brought_in),
         RIG_TEST(without_userfaultfd_nothing_is_watched),
         RIG_TEST(descriptors_are_hidden_and_closed))
