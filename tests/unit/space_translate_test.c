/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/grace.h"
#include "space_rig.h"

static void an_address_outside_the_aperture_is_a_fault_of_its_own(struct rig *r)
{
	struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0x100000, 0x1fffff},
	};
	struct ioas_translation t;

	start_config(r, &config);
	assert_int_equal(translate(0xfffff, 1, IOAS_READ, &t),
	                 IOAS_FAULT_APERTURE);
	assert_int_equal(translate(0x100000, 1, IOAS_READ, &t),
	                 IOAS_FAULT_UNMAPPED);
	assert_int_equal(translate(0x1fffff, 1, IOAS_READ, &t),
	                 IOAS_FAULT_UNMAPPED);
	assert_int_equal(translate(0x200000, 1, IOAS_READ, &t),
	                 IOAS_FAULT_APERTURE);
	assert_int_equal(translate(UINT64_MAX, 1, IOAS_READ, &t),
	                 IOAS_FAULT_APERTURE);
}

static void a_mapping_for_less_is_a_permission_fault(struct rig *r)
{
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 1, s.memory, IOAS_READ));
	rig_ok(r, map_to(bytes_of(1), 1, s.memory, IOAS_WRITE));
	assert_int_equal(translate(0, 1, IOAS_READ, &t), IOAS_FAULT_NONE);
	assert_int_equal(translate(0, 1, IOAS_WRITE, &t),
	                 IOAS_FAULT_PERMISSION);
	assert_int_equal(translate(0, 1, RW, &t), IOAS_FAULT_PERMISSION);
	assert_int_equal(translate(bytes_of(1), 1, IOAS_READ, &t),
	                 IOAS_FAULT_PERMISSION);
	assert_int_equal(translate(bytes_of(1), 1, IOAS_WRITE, &t),
	                 IOAS_FAULT_NONE);
}

static void pages_that_follow_each_other_are_joined(struct rig *r)
{
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 4, s.memory, RW));
	rig_ok(r, map_to(bytes_of(4), 2, memory_at(4), IOAS_READ));
	rig_ok(r, map_to(bytes_of(6), 1, memory_at(9), RW));
	assert_int_equal(translate(1, bytes_of(2), IOAS_READ, &t), 0);
	assert_true(t.bytes == bytes_of(2));
	/* Into the next area; not into the one elsewhere. */
	assert_int_equal(translate(1, bytes_of(9), IOAS_READ, &t), 0);
	assert_true(t.bytes == bytes_of(6) - 1);
	/* Not into what may not be written. */
	assert_int_equal(translate(1, bytes_of(9), IOAS_WRITE, &t), 0);
	assert_true(t.bytes == bytes_of(4) - 1);
	assert_int_equal(translate(bytes_of(6), bytes_of(9), RW, &t), 0);
	assert_true(t.bytes == bytes_of(1));
	assert_ptr_equal(t.pointer, memory_at(9));
}

static void the_last_byte_of_64_bits_is_not_joined_with_the_first(struct rig *r)
{
	struct ioas_translation t;
	uint64_t top;

	start(r, rig_page_shift(), 64);
	top = -bytes_of(1);
	rig_ok(r, map_to(top, 1, s.memory, RW));
	rig_ok(r, map_to(0, 1, memory_at(1), RW));
	assert_int_equal(translate(top + 1, UINT64_MAX, RW, &t), 0);
	assert_true(t.bytes == bytes_of(1) - 1);
}

static void nothing_asked_for_is_nothing_found(struct rig *r)
{
	struct ioas_translation t;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, 1, s.memory, RW));
	assert_int_equal(translate(0, 0, IOAS_READ, &t), IOAS_FAULT_NONE);
	assert_true(t.bytes == 0);
}

/* MEM-11: what a signal handler may do. The hooks would be noticed. */
static void MEM_11_translate_allocates_nothing(struct rig *r)
{
	struct ioas_translation t;
	struct ioas_hooks hooks = ioas_hooks;
	enum ioas_fault fault;

	start(r, rig_page_shift(), 48);
	rig_ok(r, map_to(0, PAGES, s.memory, RW));
	ioas_hooks.alloc = NULL;
	ioas_hooks.wait = NULL;
	fault = translate(0, bytes_of(PAGES), RW, &t);
	ioas_hooks = hooks;
	assert_int_equal(fault, IOAS_FAULT_NONE);
	assert_true(t.bytes == bytes_of(PAGES));
}

/* Random maps, unmaps and translations against a plain array of pages. */
#define WINDOW 128

struct model {
	uint64_t base;
	char *at[WINDOW]; /* program memory behind it, or NULL */
	unsigned int perm[WINDOW];
	unsigned int area[WINDOW]; /* number of the map that made it */
	unsigned int maps;
};

static struct model m;

static void model_map(struct rig *r)
{
	unsigned int n = 1 + (unsigned int)rig_random_below(r, 12);
	unsigned int first = (unsigned int)rig_random_below(r, WINDOW - n);
	unsigned int page = (unsigned int)rig_random_below(r, PAGES - n);
	unsigned int perm = 1 + (unsigned int)rig_random_below(r, 3);
	unsigned int i;
	bool taken = false;
	int rc;

	/* Half of them go on where the page before ends. */
	if (first && m.at[first - 1] && rig_random_below(r, 2))
		page = (unsigned int)((m.at[first - 1] - s.memory) >>
		                      s.page_shift) +
		       1;
	if (page + n > PAGES)
		return;
	for (i = first; i < first + n; i++)
		taken |= m.at[i] != NULL;
	rc = rig_try(
		r, map_to(m.base + bytes_of(first), n, memory_at(page), perm));
	if (rig_failed(r)) {
		assert_int_equal(rc, -ENOMEM);
		return;
	}
	assert_int_equal(rc, taken ? -EEXIST : 0);
	m.maps++;
	for (i = 0; !taken && i < n; i++) {
		m.at[first + i] = memory_at(page + i);
		m.perm[first + i] = perm;
		m.area[first + i] = m.maps;
	}
}

static void model_unmap(struct rig *r)
{
	unsigned int page = (unsigned int)rig_random_below(r, WINDOW), i;
	unsigned int area = m.area[page];

	if (!m.at[page])
		return;
	unmap_at(m.base + bytes_of(page));
	for (i = 0; i < WINDOW; i++)
		if (m.area[i] == area)
			m.at[i] = NULL;
}

/* How far memory goes on behind @page, as seen with @perm. */
static unsigned int model_run(unsigned int page, unsigned int perm)
{
	unsigned int n = 1;

	while (page + n < WINDOW && m.at[page + n] &&
	       m.at[page + n] == m.at[page] + bytes_of(n) &&
	       (m.perm[page + n] & perm) == perm)
		n++;
	return n;
}

static void model_compare(unsigned int page, uint64_t offset, uint64_t asked,
                          unsigned int perm)
{
	struct ioas_translation t;
	enum ioas_fault fault =
		translate(m.base + bytes_of(page) + offset, asked, perm, &t);
	uint64_t run;

	if (!m.at[page]) {
		assert_int_equal(fault, IOAS_FAULT_UNMAPPED);
		return;
	}
	if ((m.perm[page] & perm) != perm) {
		assert_int_equal(fault, IOAS_FAULT_PERMISSION);
		return;
	}
	assert_int_equal(fault, IOAS_FAULT_NONE);
	assert_ptr_equal(t.pointer, m.at[page] + offset);
	run = bytes_of(model_run(page, perm)) - offset;
	assert_true(t.bytes == (asked < run ? asked : run));
}

static void run_model(struct rig *r, unsigned int bits)
{
	unsigned int step, i;

	m = (struct model){.base = (UINT64_C(1) << 30) - bytes_of(WINDOW / 2)};
	if (bits == 64)
		m.base = -bytes_of(WINDOW);
	for (step = 0; step < 400; step++) {
		if (rig_random_below(r, 2))
			model_map(r);
		else
			model_unmap(r);
		for (i = 0; i < 8; i++)
			model_compare((unsigned int)rig_random_below(r, WINDOW),
			              rig_random_below(r, bytes_of(1)),
			              1 + rig_random_below(r, bytes_of(20)),
			              1 + (unsigned int)rig_random_below(r, 3));
	}
	/* SPACE-3: the areas say what the entries say. */
	for (i = 0; i < WINDOW; i++) {
		uint64_t at = m.base + bytes_of(i);

		model_compare(i, 0, 1, IOAS_READ);
		assert_int_equal(
			!!ioas_space_find_locked(s.space, range_of(at, 1)),
			!!m.at[i]);
	}
}

static void SPACE_3_pages_of_2_KiB_in_39_bits_match_a_model(struct rig *r)
{
	start(r, 11, 39);
	run_model(r, 39);
}

static void SPACE_3_program_pages_in_48_bits_match_a_model(struct rig *r)
{
	start(r, rig_page_shift(), 48);
	run_model(r, 48);
}

static void SPACE_3_program_pages_in_57_bits_match_a_model(struct rig *r)
{
	start(r, rig_page_shift(), 57);
	run_model(r, 57);
}

static void SPACE_3_pages_of_64_KiB_in_64_bits_match_a_model(struct rig *r)
{
	start(r, 16, 64);
	/* MEM-6: frames in no order make no larger pages. */
	if (rig_backend() != &ioas_backend_identity && rig_page_shift() < 16) {
		rig_fails(r, map_to(0, 1, memory_at(0), RW), -EINVAL);
		return;
	}
	run_model(r, 64);
}

/*
 * SPACE-2: one thread translates and looks at the memory inside a section; the
 * other one maps, unmaps, and then uses the memory for itself. The device must
 * never see that.
 */
#define MINE  UINT64_C(0x6d696e65)
#define YOURS UINT64_C(0x796f757273)

struct race {
	struct ioas_a64 *word;
	unsigned int looks; /* in one section */
	struct ioas_a32 stop, inside, seen, wrong;
};

static struct race race;

static void *device(void *arg)
{
	const struct ioas_a64 *word;
	struct ioas_translation t;
	unsigned int i;

	while (!ioas_a32_load_relaxed(&race.stop)) {
		ioas_grace_enter(IOAS_GRACE_DMA);
		if (translate(bytes_of(3), 8, IOAS_READ, &t) ==
		    IOAS_FAULT_NONE) {
			word = t.pointer;
			ioas_a32_store(&race.inside, 1);
			for (i = 0; i < race.looks; i++)
				ioas_a32_add(&race.wrong,
				             ioas_a64_load(word) != YOURS);
			ioas_a32_add(&race.seen, 1);
		}
		ioas_grace_leave(IOAS_GRACE_DMA);
	}
	return NULL;
}

/* @early: the program does not wait for unmap to return, which is wrong. */
static void one_mapping(struct rig *r, bool early)
{
	struct ioas_space_gone gone = {0};

	ioas_a64_store(race.word, YOURS);
	rig_ok(r, map_to(bytes_of(3), 1, race.word, RW));
	/* Too early is in the middle of a section. */
	ioas_a32_store(&race.inside, 0);
	while (!ioas_a32_load(early ? &race.inside : &race.seen))
		ioas_hooks.relax(0);
	remove_at(bytes_of(3), &gone);
	if (early)
		ioas_a64_store(race.word, MINE);
	ioas_space_release(s.space, &gone);
	ioas_a64_store(race.word, MINE);
}

static void run_race(struct rig *r, bool early)
{
	struct timespec start_time, now;
	pthread_t thread;

	start(r, rig_page_shift(), 48);
	race = (struct race){.word = (void *)s.memory,
	                     .looks = early ? 20000 : 20};
	assert_int_equal(pthread_create(&thread, NULL, device, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &start_time);
	do {
		one_mapping(r, early);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!ioas_a32_load(&race.wrong) &&
	         now.tv_sec - start_time.tv_sec <= (early ? 60 : 0));
	ioas_a32_store(&race.stop, 1);
	pthread_join(thread, NULL);
}

static void SPACE_2_no_device_touches_memory_after_unmap(struct rig *r)
{
	run_race(r, false);
	assert_true(ioas_a32_load(&race.seen) > 0);
	assert_int_equal(ioas_a32_load(&race.wrong), 0);
}

/* Otherwise the test before would show nothing. */
static void the_race_notices_memory_used_too_early(struct rig *r)
{
	run_race(r, true);
	assert_true(ioas_a32_load(&race.wrong) > 0);
}

/* Its tables may go on behind it: a part of them is shown. */
static void a_part_ends_where_it_says(struct rig *r)
{
	const struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0, UINT64_MAX},
		.parted = true,
	};
	const struct ioas_pt_config tables = {
		.page_shift = rig_page_shift(),
		.bits = rig_page_shift() + 4,
	};
	const uint64_t at = UINT64_C(1) << 40;
	struct ioas_space_parts *parts;
	static struct ioas_pt pt;
	struct ioas_translation t;

	if (rig_backend() != &ioas_backend_identity)
		rig_skip("frames are not contiguous");
	start_config(r, &config);
	rig_ok(r, ioas_pt_init(&pt, &tables));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_ok(r, ioas_pt_map(&pt, (struct iova_range){0, bytes_of(4) - 1},
	                      (struct phys){(uintptr_t)s.memory}, RW));
	parts = calloc(1, sizeof(*parts) + sizeof(parts->part[0]));
	assert_non_null(parts);
	rig_defer(r, free, parts);
	parts->count = 1;
	parts->part[0] =
		(struct ioas_space_part){{at, at + bytes_of(2) - 1}, &pt};
	assert_int_equal(translate(at, 1, RW, &t), IOAS_FAULT_APERTURE);
	assert_null(ioas_space_show(s.space, parts));
	assert_int_equal(translate(at - 1, 1, RW, &t), IOAS_FAULT_APERTURE);
	assert_int_equal(translate(at + 1, bytes_of(4), RW, &t), 0);
	assert_ptr_equal(t.pointer, s.memory + 1);
	assert_true(t.bytes == bytes_of(2) - 1);
	assert_int_equal(translate(at + bytes_of(2), 1, RW, &t),
	                 IOAS_FAULT_APERTURE);
	assert_ptr_equal(ioas_space_show(s.space, NULL), parts);
	assert_int_equal(translate(at, 1, RW, &t), IOAS_FAULT_APERTURE);
}

RIG_MAIN("space_translate",
         RIG_TEST(an_address_outside_the_aperture_is_a_fault_of_its_own),
         RIG_TEST(a_mapping_for_less_is_a_permission_fault),
         RIG_TEST(pages_that_follow_each_other_are_joined),
         RIG_TEST(the_last_byte_of_64_bits_is_not_joined_with_the_first),
         RIG_TEST(a_part_ends_where_it_says),
         RIG_TEST(nothing_asked_for_is_nothing_found),
         RIG_TEST(MEM_11_translate_allocates_nothing),
         RIG_TEST(SPACE_3_pages_of_2_KiB_in_39_bits_match_a_model),
         RIG_TEST(SPACE_3_program_pages_in_48_bits_match_a_model),
         RIG_TEST(SPACE_3_program_pages_in_57_bits_match_a_model),
         RIG_TEST(SPACE_3_pages_of_64_KiB_in_64_bits_match_a_model),
         RIG_ONCE(the_race_notices_memory_used_too_early),
         RIG_ONCE(SPACE_2_no_device_touches_memory_after_unmap))
