/* SPDX-License-Identifier: MIT */
/*
 * Real frames: what the back end says is compared with what the file shows to
 * somebody else who reads it. Skipped for who may not see them.
 */
#include "pagemap_rig.h"

/* ---- Frames. ---- */

static void a_translation_is_the_frame_that_the_file_shows(struct rig *r)
{
	unsigned int i;
	char *at;

	start(r);
	/* Nothing is there before: register brings it in. */
	assert_true(frame_of(m.memory) == 0);
	rig_ok(r, enter(m.a, 0, PAGES));
	for (i = 0; i < PAGES; i++) {
		at = m.memory + i * rig_page() + 123;
		assert_true(frame_of(at) != 0);
		assert_true(phys_of(at) == frame_of(at) * rig_page() + 123);
	}
}

/* More than one call of the back end covers. */
static void frames_of_a_large_range_are_right_to_its_end(struct rig *r)
{
	const unsigned int many = 1000;
	unsigned int i;
	char *large;

	start(r);
	large = rig_memory(r, many * rig_page());
	rig_ok(r, register_at(large, many * rig_page(), RW));
	for (i = 0; i < many; i++, large += rig_page())
		assert_true(phys_of(large) == frame_of(large) * rig_page());
}

/* What may be read only has no page of its own before somebody writes. */
static void memory_to_be_read_stays_where_it_is_when_written(struct rig *r)
{
	uint64_t before;

	start(r);
	rig_ok(r, register_at(m.memory, pages(2), IOAS_READ));
	before = phys_of(m.memory);
	m.memory[5] = 5;
	assert_true(frame_of(m.memory) * rig_page() == before);
	assert_true(phys_of(m.memory + rig_page()) != before);
}

static char *shown(int fd, uint64_t at, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
	               (off_t)at);

	assert_true(p != MAP_FAILED);
	return p;
}

static void two_mappings_of_one_page_show_one_frame(struct rig *r)
{
	char *one, *other, *next;
	uint64_t phys;
	int fd;

	start(r);
	fd = memfd_create("frames", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)pages(2)), 0);
	one = shown(fd, 0, rig_page());
	other = shown(fd, 0, rig_page());
	next = shown(fd, rig_page(), rig_page());
	close(fd);
	if (!register_at(one, rig_page(), RW) &&
	    !register_at(other, rig_page(), IOAS_READ) &&
	    !register_at(next, rig_page(), RW)) {
		phys = phys_of(one);
		assert_true(phys_of(other) == phys);
		assert_true(phys == frame_of(other) * rig_page());
		assert_true(phys_of(next) != phys);
		*one = 'x';
		assert_int_equal(*other, 'x');
	}
	munmap(one, rig_page());
	munmap(other, rig_page());
	munmap(next, rig_page());
}

static void a_file_is_registered_by_its_frames(struct rig *r)
{
	struct ioas_register what = {
		.length = pages(2), .perm = RW, .flags = IOAS_REGISTER_FILE};
	uint64_t start_of = 0;
	char *at;

	start(r);
	what.fd = memfd_create("frames", MFD_CLOEXEC);
	assert_int_equal(ftruncate(what.fd, (off_t)pages(2)), 0);
	if (!ioas_holder_register(m.a, &what, &start_of)) {
		at = (char *)(uintptr_t)start_of;
		assert_true(phys_of(at) == frame_of(at) * rig_page());
	}
	close(what.fd);
}

/* ---- Larger pages. ---- */

/* Are 2^@lg2 pages from @at on in one piece, and aligned? */
static bool in_one_piece(const char *at, unsigned int lg2)
{
	uint64_t first = frame_of(at), i;

	if (first & ((UINT64_C(1) << lg2) - 1))
		return false;
	for (i = 1; i >> lg2 == 0; i++)
		if (frame_of(at + i * rig_page()) != first + i)
			return false;
	return true;
}

static void drop_pipe(void *arg)
{
	int *ends = arg;

	close(ends[0]);
	close(ends[1]);
}

/*
 * Pipes that have the pages as their content: the kernel neither moves them nor
 * makes a larger one of them, whatever it is short of meanwhile.
 */
static void hold(struct rig *r, char *at, size_t bytes)
{
	static int pipes[8][2];
	static unsigned int number;
	const size_t most = (size_t)1 << 20;
	struct iovec rest = {at, bytes};
	int *ends;
	ssize_t done;

	while (rest.iov_len) {
		ends = pipes[number++ % 8];
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		rig_defer(r, drop_pipe, ends);
		if (fcntl(ends[1], F_SETPIPE_SZ, (int)most) < 0)
			rig_skip("a pipe may not be that large");
		/* A page for each place that it has. */
		while (rest.iov_len &&
		       (done = vmsplice(ends[1], &rest, 1, SPLICE_F_NONBLOCK)) >
		               0) {
			rest.iov_base = (char *)rest.iov_base + done;
			rest.iov_len -= (size_t)done;
		}
		assert_true(!rest.iov_len || errno == EAGAIN);
	}
}

/* Aligned to its size; the kernel makes it one page, if it has one. */
static char *large_page(struct rig *r, size_t bytes, bool huge)
{
	char *p = rig_memory(r, 2 * bytes);

	p += -(uintptr_t)p & (bytes - 1);
	madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(p, 1, bytes);
	hold(r, p, bytes);
	return p;
}

static int io_get_at(const char *at, unsigned int shift)
{
	struct ioas_mapping what = {.start = (uintptr_t)at,
	                            .length = UINT64_C(1) << shift,
	                            .counts = 1,
	                            .perm = RW,
	                            .io_shift = shift};
	struct ioas_mapped got;
	int rc = ioas_registry_get(m.registry, &what, &got);

	if (!rc)
		ioas_region_put(got.region, 1);
	return rc;
}

/* MEM-6 on what the machine has: both ways, whichever page it gave. */
static void MEM_6_an_io_page_is_as_large_as_the_memory_is(struct rig *r)
{
	const unsigned int shift = 21, lg2 = shift - rig_page_shift();
	const size_t bytes = (size_t)1 << shift;
	unsigned int huge;
	char *p;

	start(r);
	for (huge = 0; huge < 2; huge++) {
		p = large_page(r, bytes, huge);
		rig_ok(r, register_at(p, bytes, RW));
		if (in_one_piece(p, lg2))
			rig_ok(r, io_get_at(p, shift));
		else
			rig_fails(r, io_get_at(p, shift), -EINVAL);
	}
}

/* Another registry on the same back end, with pages of that size. */
static void start_with_pages(struct rig *r, unsigned int shift)
{
	struct ioas_registry_config config = {.page_shift = shift};

	start(r);
	config.backend = m.below;
	destroy_registry(NULL);
	rig_ok(r, ioas_registry_create(&config, &m.registry));
	rig_ok(r, ioas_holder_create(m.registry, &m.a));
}

/* One page: it is registered, or refused for what it is made of. */
static void check_page(struct rig *r, const char *at, unsigned int shift)
{
	const size_t bytes = (size_t)1 << shift;
	long before = locked();

	if (!in_one_piece(at, shift - rig_page_shift())) {
		rig_fails(r, register_at(at, bytes, RW), -EFAULT);
		assert_int_equal(locked(), before);
		return;
	}
	rig_ok(r, register_at(at, bytes, RW));
	assert_true(phys_of(at + bytes - 1) ==
	            frame_of(at) * rig_page() + bytes - 1);
}

static void pages_of_a_registry_may_be_larger_than_the_systems(struct rig *r)
{
	const unsigned int shift = 21;

	start_with_pages(r, shift);
	check_page(r, large_page(r, (size_t)1 << shift, true), shift);
	check_page(r, large_page(r, (size_t)1 << shift, false), shift);
}

/*
 * Pages of a large page, moved so that what is a pair here is two halves there.
 * Once: it takes hundreds of registrations.
 */
static void pages_that_follow_each_other_have_to_be_aligned(struct rig *r)
{
	const unsigned int shift = rig_page_shift() + 1, pairs = 200;
	const size_t bytes = pages(2 * pairs);
	char *from, *to;
	unsigned int i;

	start_with_pages(r, shift);
	from = large_page(r, (size_t)1 << 21, true) + rig_page();
	to = rig_memory(r, bytes + rig_page());
	to += (uintptr_t)to & pages(1);
	assert_true(mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
	                   to) == to);
	for (i = 0; i < pairs; i++)
		check_page(r, to + pages(2 * i), shift);
}

/* ---- Dirty. ---- */

#define PAGE_IS_DIRTY 4 /* bit of /proc/kpageflags */

/* What the kernel thinks of it; true where it cannot be asked. */
static bool is_dirty(const void *at)
{
	uint64_t flags = UINT64_MAX;
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	assert_int_equal(pread(fd, &flags, sizeof(flags),
	                       (off_t)(frame_of(at) * sizeof(flags))),
	                 sizeof(flags));
	close(fd);
	return flags >> PAGE_IS_DIRTY & 1;
}

static struct {
	int fd;
	char *at;
} disk;

static void drop_disk(void *arg)
{
	munmap(disk.at, rig_page());
	close(disk.fd);
}

static void show_disk(struct rig *r)
{
	char name[] = "/tmp/ioas-pagemap-XXXXXX";

	disk.fd = mkostemp(name, O_CLOEXEC);
	assert_true(disk.fd >= 0);
	unlink(name);
	assert_int_equal(ftruncate(disk.fd, (off_t)pages(1)), 0);
	disk.at = shown(disk.fd, 0, rig_page());
	rig_defer(r, drop_disk, NULL);
}

static void mark(struct rig *r, const char *at)
{
	struct ioas_mapping what = {.start = (uintptr_t)at,
	                            .length = pages(1),
	                            .counts = 1,
	                            .perm = RW};
	struct ioas_mapped got;

	rig_ok(r, ioas_registry_get(m.registry, &what, &got));
	ioas_region_mark_dirty(got.region, what.start, 1);
	ioas_region_put(got.region, 1);
}

static int unregister_at(const char *at)
{
	struct ioas_unregister what = {.start = (uintptr_t)at,
	                               .length = pages(1)};
	int rc = ioas_holder_unregister(m.a, &what);

	ioas_registry_settle(m.registry);
	return rc;
}

/* The kernel sees what a processor writes, and nothing of devices. */
static void what_a_device_wrote_to_will_be_written_back(struct rig *r)
{
	unsigned int written;

	start(r);
	show_disk(r);
	for (written = 0; written < 2; written++) {
		rig_ok(r, register_at(disk.at, pages(1), RW));
		assert_int_equal(fdatasync(disk.fd), 0);
		/* A file system of memory has no clean pages. */
		if (is_dirty(disk.at))
			return;
		if (written)
			mark(r, disk.at);
		rig_ok(r, unregister_at(disk.at));
		assert_int_equal(is_dirty(disk.at), written);
	}
}

RIG_MAIN("host_pagemap_frame",
         RIG_TEST(a_translation_is_the_frame_that_the_file_shows),
         RIG_TEST(frames_of_a_large_range_are_right_to_its_end),
         RIG_TEST(memory_to_be_read_stays_where_it_is_when_written),
         RIG_TEST(two_mappings_of_one_page_show_one_frame),
         RIG_TEST(a_file_is_registered_by_its_frames),
         RIG_TEST(MEM_6_an_io_page_is_as_large_as_the_memory_is),
         RIG_TEST(pages_of_a_registry_may_be_larger_than_the_systems),
         RIG_ONCE(pages_that_follow_each_other_have_to_be_aligned),
         RIG_TEST(what_a_device_wrote_to_will_be_written_back))
