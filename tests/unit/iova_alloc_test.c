/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iova/alloc.h"
#include "rig.h"

#define SHIFT        12
#define BYTES(pages) ((uint64_t)(pages) << SHIFT)
#define ANY          ((struct iova){UINT64_MAX})

static struct ioas_iova_alloc a;
static struct ioas_iova_ranges ranges;

/* Pages 1 to @npages - 1 are usable. */
static void begin(struct rig *r, uint64_t npages)
{
	struct iova_range aperture = {0, BYTES(npages) - 1};

	rig_defer(r, RIG_CALL(ioas_iova_ranges_fini), &ranges);
	rig_ok(r, ioas_iova_ranges_set(&ranges, aperture, NULL, 0));
	rig_ok(r, ioas_iova_alloc_init(&a, aperture, SHIFT, &ranges));
	rig_defer(r, RIG_CALL(ioas_iova_alloc_fini), &a);
}

static uint64_t take(struct rig *r, uint64_t npages)
{
	struct iova iova = {0};

	rig_ok(r, ioas_iova_take(&a, npages, ANY, &iova));
	assert_int_equal(iova.raw & ioas_mask_lg2(SHIFT), 0);
	return iova.raw >> SHIFT;
}

static void give(uint64_t page, uint64_t npages)
{
	ioas_iova_give(&a, (struct iova){BYTES(page)}, npages);
}

static uint64_t block_of(uint64_t npages)
{
	uint64_t block = 1;

	while (block < npages)
		block *= 2;
	return block;
}

/* ---- One thread ---- */

static void page_0_is_never_given(struct rig *r)
{
	struct iova iova;
	unsigned int i;

	begin(r, 8);
	for (i = 1; i < 8; i++)
		assert_int_equal(take(r, 1), i);
	rig_fails(r, ioas_iova_take(&a, 1, ANY, &iova), -ENOSPC);
}

static void what_is_given_is_the_next_to_be_taken(struct rig *r)
{
	uint64_t page[3];
	unsigned int i;

	begin(r, 1024);
	for (i = 0; i < 3; i++)
		page[i] = take(r, 7);
	for (i = 0; i < 3; i++)
		give(page[i], 7);
	if (!ioas_iova_threads()) /* nothing is cached */
		return;
	for (i = 3; i-- > 0;)
		assert_int_equal(take(r, 7), page[i]);
}

static void IOVA_3_sizes_are_aligned_and_in_the_limit(struct rig *r)
{
	struct iova iova = {0};
	uint64_t n;

	begin(r, 1 << 16);
	for (n = 1; n < 300; n += 1 + n / 8) {
		const struct iova last = {BYTES(4096) - 1};

		rig_ok(r, ioas_iova_take(&a, n, last, &iova));
		assert_true(iova.raw + (BYTES(n) - 1) <= last.raw);
		assert_int_equal((iova.raw >> SHIFT) % block_of(n), 0);
	}
}

static void a_limit_holds_for_what_is_cached(struct rig *r)
{
	struct iova iova;
	uint64_t low = 0, high = 0;
	unsigned int i;

	begin(r, 256);
	for (i = 0; i < 8; i++) {
		high = take(r, 4);
		low = i ? low : high;
	}
	give(low, 4);
	give(high, 4);
	rig_fails(
		r,
		ioas_iova_take(&a, 4, (struct iova){BYTES(low + 4) - 2}, &iova),
		-ENOSPC);
	rig_ok(r,
	       ioas_iova_take(&a, 4, (struct iova){BYTES(low + 4) - 1}, &iova));
	assert_int_equal(iova.raw, BYTES(low));
	rig_fails(r, ioas_iova_take(&a, 4, (struct iova){BYTES(4) - 2}, &iova),
	          -ENOSPC);
	rig_fails(r, ioas_iova_take(&a, 1, (struct iova){0}, &iova), -ENOSPC);
}

/* Small pieces are cached, and a large one needs the pages of all. */
static void
IOVA_5_caches_are_emptied_before_it_is_said_that_none_is_left(struct rig *r)
{
	uint64_t page[255];
	struct iova iova = {0};
	unsigned int i;

	begin(r, 256);
	for (i = 0; i < 255; i++)
		page[i] = take(r, 1);
	for (i = 0; i < 255; i++)
		give(page[i], 1);
	rig_ok(r, ioas_iova_take(&a, 128, ANY, &iova));
	assert_int_equal(iova.raw, BYTES(128));
	rig_fails(r, ioas_iova_take(&a, 128, ANY, &iova), -ENOSPC);
	rig_ok(r, ioas_iova_take(&a, 64, ANY, &iova));
	assert_int_equal(iova.raw, BYTES(64));
}

static void pieces_go_through_the_depot_and_come_back(struct rig *r)
{
	static uint64_t page[1000];
	static bool seen[4096];
	unsigned int i;

	begin(r, 4096);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 1000; i++)
		page[i] = take(r, 3);
	for (i = 0; i < 1000; i++)
		give(page[i], 3);
	for (i = 0; i < 1000; i++) {
		page[i] = take(r, 3);
		assert_false(seen[page[i]]);
		seen[page[i]] = true;
	}
	assert_int_equal(a.refused, 0);
}

static void set_takes_and_gives_what_is_cached(struct rig *r)
{
	const struct iova_range aperture = {0, BYTES(16) - 1};
	struct ioas_reserved hole = {.range = {BYTES(4), BYTES(12) - 1},
	                             .kind = IOAS_RESERVED_OTHER};
	struct iova iova = {0};
	unsigned int i;
	uint64_t page;

	begin(r, 16);
	for (i = 1; i < 16; i++)
		page = take(r, 1);
	for (i = 1; i < 16; i++)
		give(i, 1);
	rig_ok(r, ioas_iova_ranges_set(&ranges, aperture, &hole, 1));
	rig_ok(r, ioas_iova_alloc_set(&a, &ranges));
	for (i = 0; i < 7; i++) {
		page = take(r, 1);
		assert_true(page < 4 || page >= 12);
	}
	rig_fails(r, ioas_iova_take(&a, 1, ANY, &iova), -ENOSPC);
	rig_ok(r, ioas_iova_ranges_set(&ranges, aperture, NULL, 0));
	rig_ok(r, ioas_iova_alloc_set(&a, &ranges));
	for (i = 4; i < 12; i++)
		assert_int_equal(take(r, 1), i);
	rig_fails(r, ioas_iova_take(&a, 1, ANY, &iova), -ENOSPC);
}

static void what_is_not_usable_any_more_is_not_cached(struct rig *r)
{
	const struct iova_range aperture = {0, BYTES(16) - 1};
	struct ioas_reserved hole = {.range = {0, BYTES(8) - 1},
	                             .kind = IOAS_RESERVED_OTHER};
	uint64_t page;

	begin(r, 16);
	page = take(r, 1);
	rig_ok(r, ioas_iova_ranges_set(&ranges, aperture, &hole, 1));
	rig_ok(r, ioas_iova_alloc_set(&a, &ranges));
	ioas_iova_give_unusable(&a, (struct iova){BYTES(page)}, 1);
	assert_int_equal(take(r, 1), 8);
}

static void init_refuses_an_aperture_without_a_page(struct rig *r)
{
	struct ioas_iova_alloc other;

	begin(r, 16);
	rig_fails(r,
	          ioas_iova_alloc_init(&other, (struct iova_range){0, 8190},
	                               SHIFT, &ranges),
	          -EINVAL);
	rig_fails(r,
	          ioas_iova_alloc_init(&other, (struct iova_range){0, 0}, SHIFT,
	                               &ranges),
	          -EINVAL);
	rig_fails(r,
	          ioas_iova_alloc_init(&other, (struct iova_range){9, 8}, SHIFT,
	                               &ranges),
	          -EINVAL);
}

#define SPAN 2048

/* Against an array that knows who has each page. */
static void IOVA_1_random_pieces_are_nobody_elses(struct rig *r)
{
	static bool taken[SPAN];
	static struct {
		uint64_t page, npages;
	} live[SPAN];
	unsigned int step, count = 0, i;
	uint64_t at;

	begin(r, SPAN);
	memset(taken, 0, sizeof(taken));
	for (step = 0; step < 20000; step++) {
		uint64_t n = 1 + rig_random_below(r, 40);
		struct iova iova;

		if (rig_random_below(r, 2) && count) {
			i = (unsigned int)rig_random_below(r, count);
			give(live[i].page, live[i].npages);
			memset(taken + live[i].page, false, live[i].npages);
			live[i] = live[--count];
			continue;
		}
		if (ioas_iova_take(&a, n, ANY, &iova))
			continue;
		at = iova.raw >> SHIFT;
		assert_true(at && at + n <= SPAN);
		for (i = 0; i < n; i++)
			assert_false(taken[at + i]);
		memset(taken + at, true, n);
		live[count].page = at;
		live[count++].npages = n;
	}
	while (count--)
		give(live[count].page, live[count].npages);
	/* None is lost. */
	assert_int_equal(take(r, SPAN / 2), SPAN / 2);
	assert_int_equal(take(r, SPAN / 4), SPAN / 4);
}

/* ---- More threads ---- */

struct worker {
	pthread_t thread;
	struct ioas_a32 step; /* what it has done */
	struct ioas_a32 go;   /* what it may do */
	uint64_t page[255];
	int failures;
};

static void reach(struct worker *w, uint32_t step)
{
	ioas_a32_store(&w->step, step);
	while (ioas_a32_load(&w->go) < step)
		usleep(100);
}

static void wait_for(struct worker *w, uint32_t step)
{
	while (ioas_a32_load(&w->step) < step)
		usleep(100);
}

/* Everything is in its cache, and it lives on. */
static void *hoard(void *arg)
{
	struct worker *w = arg;
	struct iova iova;
	unsigned int i;

	for (i = 0; i < 255; i++) {
		w->failures += ioas_iova_take(&a, 1, ANY, &iova) != 0;
		w->page[i] = iova.raw >> SHIFT;
	}
	for (i = 0; i < 255; i++)
		give(w->page[i], 1);
	reach(w, 1);
	return NULL;
}

static void IOVA_5_caches_of_other_threads_are_emptied_as_well(struct rig *r)
{
	static struct worker w;
	struct iova iova = {0};

	begin(r, 256);
	memset(&w, 0, sizeof(w));
	assert_int_equal(pthread_create(&w.thread, NULL, hoard, &w), 0);
	wait_for(&w, 1);
	assert_int_equal(w.failures, 0);
	assert_int_equal(ioas_iova_take(&a, 128, ANY, &iova), 0);
	ioas_a32_store(&w.go, 1);
	pthread_join(w.thread, NULL);
	assert_int_equal(iova.raw, BYTES(128));
}

static void IOVA_4_a_thread_that_ends_leaves_nothing_in_its_cache(struct rig *r)
{
	static struct worker w;
	unsigned int before = ioas_iova_threads(), i;

	begin(r, 256);
	for (i = 0; i < 5; i++) {
		memset(&w, 0, sizeof(w));
		ioas_a32_store(&w.go, 1);
		assert_int_equal(pthread_create(&w.thread, NULL, hoard, &w), 0);
		pthread_join(w.thread, NULL);
		assert_int_equal(w.failures, 0);
		assert_int_equal(ioas_iova_threads(), before);
	}
	assert_int_equal(take(r, 64), 64);
	if (ioas_hooks.at_thread_exit)
		/* Nobody had to be asked for it. */
		assert_true(a.refused <= 5);
}

#define CROWD   4
#define ROUNDS  30000
#define AT_ONCE 64

static struct ioas_a32 owner[SPAN];

static int claim(uint64_t page, uint64_t npages, uint32_t who)
{
	uint32_t nobody;
	uint64_t i;
	int wrong = 0;

	for (i = page; i < page + npages; i++) {
		nobody = 0;
		wrong += !ioas_a32_cas(&owner[i], &nobody, who);
	}
	return wrong;
}

static void disclaim(uint64_t page, uint64_t npages)
{
	while (npages--)
		ioas_a32_store(&owner[page + npages], 0);
}

static void *mill(void *arg)
{
	struct worker *w = arg;
	struct {
		uint64_t page, npages;
	} live[AT_ONCE] = {{0, 0}};
	uint64_t seed = (uintptr_t)w | 1;
	unsigned int i, n;
	struct iova iova;

	for (i = 0; i < ROUNDS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		n = seed >> 33 & (AT_ONCE - 1);
		if (live[n].npages) {
			disclaim(live[n].page, live[n].npages);
			give(live[n].page, live[n].npages);
			live[n].npages = 0;
		}
		/* Rather much for the space, so that it is often used up. */
		if (ioas_iova_take(&a, 1 + (seed >> 50 & 15), ANY, &iova))
			continue;
		live[n].page = iova.raw >> SHIFT;
		live[n].npages = 1 + (seed >> 50 & 15);
		w->failures += claim(live[n].page, live[n].npages, 1);
	}
	for (n = 0; n < AT_ONCE; n++) {
		if (!live[n].npages)
			continue;
		disclaim(live[n].page, live[n].npages);
		give(live[n].page, live[n].npages);
	}
	return NULL;
}

static void IOVA_2_threads_lose_nothing_and_share_nothing(struct rig *r)
{
	static struct worker w[CROWD];
	unsigned int i;

	begin(r, SPAN);
	memset(w, 0, sizeof(w));
	for (i = 0; i < CROWD; i++)
		assert_int_equal(
			pthread_create(&w[i].thread, NULL, mill, &w[i]), 0);
	for (i = 0; i < CROWD; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].failures, 0);
	}
	assert_int_equal(take(r, SPAN / 2), SPAN / 2);
	assert_int_equal(take(r, SPAN / 4), SPAN / 4);
	assert_int_equal(a.gaps.taken, 2);
}

static int child_of_fork(void)
{
	struct ioas_iova_alloc other;
	struct iova iova;

	ioas_iova_forked();
	if (ioas_iova_threads() > 1)
		return 1;
	if (ioas_iova_alloc_init(&other, (struct iova_range){0, BYTES(16) - 1},
	                         SHIFT, &ranges) ||
	    ioas_iova_take(&other, 1, ANY, &iova) || iova.raw != BYTES(1))
		return 2;
	ioas_iova_give(&other, iova, 1);
	ioas_iova_alloc_fini(&other);
	return 0;
}

static void a_forked_child_begins_anew(struct rig *r)
{
	static struct worker w;
	int status = -1;
	pid_t pid;

	begin(r, 256);
	memset(&w, 0, sizeof(w));
	assert_int_equal(pthread_create(&w.thread, NULL, hoard, &w), 0);
	wait_for(&w, 1);
	pid = fork();
	if (pid == 0)
		_exit(child_of_fork());
	ioas_a32_store(&w.go, 1);
	pthread_join(w.thread, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

RIG_MAIN(
	"iova_alloc", RIG_TEST(page_0_is_never_given),
	RIG_TEST(what_is_given_is_the_next_to_be_taken),
	RIG_TEST(IOVA_3_sizes_are_aligned_and_in_the_limit),
	RIG_TEST(a_limit_holds_for_what_is_cached),
	RIG_TEST(IOVA_5_caches_are_emptied_before_it_is_said_that_none_is_left),
	RIG_TEST(pieces_go_through_the_depot_and_come_back),
	RIG_TEST(set_takes_and_gives_what_is_cached),
	RIG_TEST(what_is_not_usable_any_more_is_not_cached),
	RIG_TEST(init_refuses_an_aperture_without_a_page),
	RIG_TEST(IOVA_1_random_pieces_are_nobody_elses),
	/* Other threads allocate. */
	RIG_ONCE(IOVA_5_caches_of_other_threads_are_emptied_as_well),
	RIG_ONCE(IOVA_4_a_thread_that_ends_leaves_nothing_in_its_cache),
	RIG_ONCE(IOVA_2_threads_lose_nothing_and_share_nothing),
	RIG_ONCE(a_forked_child_begins_anew))
