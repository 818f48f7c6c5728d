/* SPDX-License-Identifier: MIT */
/*
 * What is said of pages that are looked at is what bringing them in would say,
 * for any layout of areas (src/host/check.c). The judge is the system: each
 * page is brought in by itself, in order, until one cannot be.
 *
 * A layout is made from a number, which is shown with it when the two differ;
 * the numbers are the same in each run.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "failing_call.h"
#include "host/members.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif
#define GUARD_INSTALL 102

#define PAGES     48 /* of a layout, times its scale */
#define LAYOUTS   4000
#define ELSEWHERE 800 /* where something is refused */
#define MAP_QUERY ((uint32_t)_IOWR('f', 17, char[104]))
#define PAGE_SCAN ((uint32_t)_IOWR('f', 16, char[96]))

/* ---- Areas. ---- */

static int zeros = -1;  /* /dev/zero */
static int file = -1;   /* one page long */
static int faults = -1; /* nobody ever answers it; -1: none is to be had */

static void *put(char *at, size_t bytes, int prot, int flags, int fd)
{
	void *p = mmap(at, bytes, prot, flags | MAP_FIXED, fd, 0);

	assert_ptr_equal(p, at);
	return p;
}

static void memory(char *at, size_t bytes, int prot)
{
	put(at, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void writable(char *at, size_t bytes)
{
	memory(at, bytes, PROT_READ | PROT_WRITE);
}

static void read_only(char *at, size_t bytes)
{
	memory(at, bytes, PROT_READ);
}

static void write_only(char *at, size_t bytes)
{
	memory(at, bytes, PROT_WRITE);
}

static void closed(char *at, size_t bytes)
{
	memory(at, bytes, PROT_NONE);
}

static void touched(char *at, size_t bytes)
{
	writable(at, bytes);
	at[bytes / 2] = 1;
}

static void read_only_and_touched(char *at, size_t bytes)
{
	touched(at, bytes);
	assert_int_equal(mprotect(at, bytes, PROT_READ), 0);
}

static void not_inherited(char *at, size_t bytes)
{
	writable(at, bytes);
	assert_int_equal(madvise(at, bytes, MADV_DONTFORK), 0);
}

static void named(char *at, size_t bytes)
{
	writable(at, bytes);
	/* Where the system has no names there is none. */
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, bytes, "memory of a test");
}

static void shared(char *at, size_t bytes)
{
	put(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
}

/* All but its first page is past the end. */
static void of_a_file(char *at, size_t bytes)
{
	put(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
}

static void of_a_shared_file(char *at, size_t bytes)
{
	put(at, bytes, PROT_READ, MAP_SHARED, file);
}

static void of_zeros(char *at, size_t bytes)
{
	put(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, zeros);
}

/* Where the system has no guards there is none. */
static void guarded(char *at, size_t bytes)
{
	size_t half = bytes / 2 / rig_page() * rig_page();

	touched(at, bytes);
	madvise(at + half, rig_page(), GUARD_INSTALL);
}

static void watched(char *at, size_t bytes)
{
	struct uffdio_register range = {
		.range = {(uintptr_t)at, bytes},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	writable(at, bytes);
	if (faults >= 0)
		assert_int_equal(ioctl(faults, UFFDIO_REGISTER, &range), 0);
}

static void hole(char *at, size_t bytes)
{
	assert_int_equal(munmap(at, bytes), 0);
}

/* Half of them are good, else nothing would be long. */
static const struct {
	char letter;
	void (*make)(char *at, size_t bytes);
} kinds[] = {
	{'m', writable},
	{'m', writable},
	{'m', writable},
	{'t', touched},
	{'t', touched},
	{'i', not_inherited},
	{'i', not_inherited},
	{'a', named},
	{'a', named},
	{'s', shared},
	{'z', of_zeros},
	{'r', read_only},
	{'o', read_only_and_touched},
	{'w', write_only},
	{'-', closed},
	{'f', of_a_file},
	{'F', of_a_shared_file},
	{'g', guarded},
	{'u', watched},
	{'.', hole},
};

/* ---- Layouts. ---- */

struct layout {
	uint64_t number;
	uint64_t random;
	char *start;
	size_t scale; /* pages for each that is in the text */
	char text[PAGES + 1];
};

static size_t bytes_of(const struct layout *l)
{
	return PAGES * l->scale * rig_page();
}

static uint64_t below(struct layout *l, uint64_t n)
{
	l->random = l->random * UINT64_C(6364136223846793005) + 1;
	return (l->random >> 33) % n;
}

static void make(struct layout *l, uint64_t number)
{
	const size_t unit = l->scale * rig_page();
	size_t at, pages, i;
	uint64_t kind;

	l->number = l->random = number;
	for (at = 0; at < PAGES; at += pages) {
		pages = 1 + below(l, 8);
		if (pages > PAGES - at)
			pages = PAGES - at;
		kind = below(l, IOAS_ARRAY_SIZE(kinds));
		kinds[kind].make(l->start + at * unit, pages * unit);
		for (i = 0; i < pages; i++)
			l->text[at + i] = kinds[kind].letter;
	}
}

static uint64_t judged(uint64_t first, uint64_t count, unsigned int perm)
{
	const size_t page = rig_page();
	int advice =
		perm & IOAS_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
	uint64_t i;

	for (i = 0; i < count; i++)
		if (syscall(SYS_madvise, (first + i) * page, page, advice))
			break;
	return i;
}

/* Return: whether the two say the same. */
static bool compare(const struct layout *l, uint64_t from, uint64_t count,
                    unsigned int perm)
{
	uint64_t first = (uintptr_t)l->start / rig_page() + from;
	uint64_t said = ioas_host_check(first, count, perm);
	uint64_t is = judged(first, count, perm);

	if (said == is)
		return true;
	fprintf(stderr,
	        "layout %#llx, %s, pages %u and %u more, perm %u: "
	        "%u are good, but it says %u\n",
	        (unsigned long long)l->number, l->text, (unsigned int)from,
	        (unsigned int)count, perm, (unsigned int)is,
	        (unsigned int)said);
	return false;
}

static bool compare_parts(struct layout *l)
{
	static const unsigned int perms[] = {IOAS_READ, IOAS_WRITE,
	                                     IOAS_READ | IOAS_WRITE};
	unsigned int perm = perms[below(l, 3)];
	uint64_t pages = PAGES * l->scale, from;
	bool alike = compare(l, 0, pages, perm);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		from = below(l, pages);
		alike &= compare(l, from, 1 + below(l, pages - from),
		                 perms[below(l, 3)]);
	}
	return alike;
}

static void open_files(void)
{
	struct uffdio_api api = {.api = UFFD_API};

	file = memfd_create("layout", MFD_CLOEXEC);
	assert_true(file >= 0 && !ftruncate(file, (off_t)rig_page()));
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	if (faults >= 0)
		assert_int_equal(ioctl(faults, UFFDIO_API, &api), 0);
}

/* Low, so that few areas lie below them: those are read as well, as text. */
#define LOW ((void *)(uintptr_t)(UINT64_C(1) << 24))

static bool agree(struct rig *r, size_t scale, unsigned int layouts)
{
	struct layout l = {.scale = scale, .text = ""};
	bool alike = true;

	/* Addresses of the layout, which nothing else gets. */
	l.start = mmap(LOW, bytes_of(&l), PROT_NONE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(l.start, MAP_FAILED);
	open_files();
	while (layouts-- && alike) {
		make(&l, rig_random(r));
		alike = compare_parts(&l);
	}
	munmap(l.start, bytes_of(&l));
	close(file);
	if (faults >= 0)
		close(faults);
	return alike;
}

/* So many pages that reading a layout's areas does not take too long. */
static bool large_layouts_agree(void *argument)
{
	return agree(argument, 8, ELSEWHERE);
}

static bool layouts_agree(void *argument)
{
	return agree(argument, 1, ELSEWHERE);
}

static void begin(void)
{
	int here;
	uint64_t page = (uintptr_t)&here / rig_page();

	if (rig_emulated() || judged(page, 1, IOAS_READ) != 1)
		rig_skip("the system has no MADV_POPULATE_READ");
	if (zeros < 0)
		zeros = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_true(zeros >= 0);
}

static void any_layout_is_judged_as_the_system_does(struct rig *r)
{
	begin();
	assert_true(agree(r, 1, LAYOUTS));
}

static void so_it_is_when_areas_are_read_as_text(struct rig *r)
{
	begin();
	check_with_failing_request(MAP_QUERY, ENOTTY, large_layouts_agree, r);
}

static void so_it_is_when_page_tables_cannot_be_scanned(struct rig *r)
{
	begin();
	check_with_failing_request(PAGE_SCAN, ENOTTY, layouts_agree, r);
}

static void so_it_is_where_there_is_no_userfaultfd(struct rig *r)
{
	begin();
	/* Then nothing is watched either. */
	check_with_failing_call(SYS_userfaultfd, EPERM, layouts_agree, r);
}

static void so_it_is_where_there_is_no_proc(struct rig *r)
{
	begin();
	check_with_failing_call(SYS_openat, ENOENT, layouts_agree, r);
}

/* The pages around the code that the system gives each process. */
static void pages_of_the_system_are_judged_as_it_does(struct rig *r)
{
	uint64_t first = getauxval(AT_SYSINFO_EHDR) / rig_page() - 8, i;

	begin();
	for (i = 0; i < 16; i++) {
		assert_int_equal(ioas_host_check(first + i, 2, IOAS_READ),
		                 judged(first + i, 2, IOAS_READ));
		assert_int_equal(ioas_host_check(first + i, 2, IOAS_WRITE),
		                 judged(first + i, 2, IOAS_WRITE));
	}
}

/* None allocates, and each takes a second. */
RIG_MAIN("host_check_layout", RIG_ONCE(any_layout_is_judged_as_the_system_does),
         RIG_ONCE(so_it_is_when_areas_are_read_as_text),
         RIG_ONCE(so_it_is_when_page_tables_cannot_be_scanned),
         RIG_ONCE(so_it_is_where_there_is_no_userfaultfd),
         RIG_ONCE(so_it_is_where_there_is_no_proc),
         RIG_ONCE(pages_of_the_system_are_judged_as_it_does))
