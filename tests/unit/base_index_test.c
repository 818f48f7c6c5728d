/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/types.h"
#include "rig.h"

#define THINGS 300

/* An index and the same as a plain array of numbers. */
static struct {
	struct ioas_index index;
	uint64_t number[THINGS];
	bool in[THINGS];
} f;

/* Everything goes, however far a test came. */
static void erase_all(void *unused)
{
	unsigned int i;

	for (i = 0; i < THINGS; i++)
		if (f.in[i])
			ioas_index_erase(&f.index, f.number[i]);
}

static void start(struct rig *r)
{
	memset(&f, 0, sizeof(f));
	rig_defer(r, erase_all, NULL);
}

static int insert(unsigned int i, uint64_t number)
{
	int rc = ioas_index_insert(&f.index, number, &f.number[i]);

	f.number[i] = number;
	f.in[i] = rc == 0;
	return rc;
}

/* The thing and its number belong together. */
static void *from(uint64_t number)
{
	uint64_t found = 12345, *thing;

	thing = ioas_index_from(&f.index, number, &found);
	if (thing)
		assert_true(*thing == found);
	return thing;
}

static void erase(unsigned int i)
{
	ioas_index_erase(&f.index, f.number[i]);
	f.in[i] = false;
}

static void an_empty_index_has_nothing(struct rig *r)
{
	start(r);
	assert_null(from(0));
	assert_null(ioas_index_before(&f.index, UINT64_MAX));
}

static void both_ends_of_all_numbers_can_be_in_it(struct rig *r)
{
	start(r);
	rig_ok(r, insert(0, 0));
	rig_ok(r, insert(1, UINT64_MAX));
	assert_ptr_equal(from(0), &f.number[0]);
	assert_ptr_equal(from(1), &f.number[1]);
	assert_ptr_equal(from(UINT64_MAX), &f.number[1]);
	assert_ptr_equal(ioas_index_before(&f.index, UINT64_MAX), &f.number[0]);
	assert_null(ioas_index_before(&f.index, 0));
}

static void it_grows_over_what_is_in_it(struct rig *r)
{
	static const unsigned int bits[] = {0,  5,  6,  11, 12,
	                                    35, 36, 59, 60, 63};
	unsigned int i;

	start(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(bits); i++)
		rig_ok(r, insert(i, UINT64_C(1) << bits[i]));
	for (i = 0; i < IOAS_ARRAY_SIZE(bits); i++) {
		uint64_t number = UINT64_C(1) << bits[i];

		assert_ptr_equal(from(number), &f.number[i]);
		assert_ptr_equal(ioas_index_before(&f.index, number),
		                 i ? &f.number[i - 1] : NULL);
	}
}

static void an_empty_one_has_no_memory(struct rig *r)
{
	size_t before = rig_live(r);

	start(r);
	rig_ok(r, insert(0, UINT64_MAX));
	rig_ok(r, insert(1, 12345));
	assert_true(rig_live(r) > before);
	erase(0);
	erase(1);
	assert_int_equal(rig_live(r), before);
	assert_null(f.index.root);
}

static void a_failed_insert_leaves_what_was_there(struct rig *r)
{
	size_t before;

	start(r);
	rig_ok(r, insert(0, 7));
	before = rig_live(r);
	if (rig_try(r, insert(1, UINT64_C(1) << 40)) == -ENOMEM) {
		assert_ptr_equal(from(0), &f.number[0]);
		assert_null(from(8));
		assert_int_equal(rig_live(r), before);
	}
}

static void *from_array(uint64_t number)
{
	uint64_t *best = NULL;
	unsigned int i;

	for (i = 0; i < THINGS; i++)
		if (f.in[i] && f.number[i] >= number &&
		    (!best || f.number[i] < *best))
			best = &f.number[i];
	return best;
}

static void *before_in_array(uint64_t number)
{
	uint64_t *best = NULL;
	unsigned int i;

	for (i = 0; i < THINGS; i++)
		if (f.in[i] && f.number[i] < number &&
		    (!best || f.number[i] > *best))
			best = &f.number[i];
	return best;
}

/* Near each other, and far apart: a few bits anywhere. */
static uint64_t any_number(void)
{
	uint64_t low = (uint64_t)random() % 150;

	return low << (unsigned int)(random() % 10) * 6 | (uint64_t)random() % 3
	                                                          << 62;
}

static void change_one(struct rig *r)
{
	unsigned int i = (unsigned int)random() % THINGS;
	uint64_t number = any_number();

	if (f.in[i])
		erase(i);
	else if (from_array(number) == NULL ||
	         *(uint64_t *)from_array(number) != number)
		rig_ok(r, insert(i, number));
}

static void random_changes_match_a_plain_array(struct rig *r)
{
	unsigned int step;

	start(r);
	srandom(3);
	for (step = 0; step < 20000; step++) {
		uint64_t number = any_number();

		change_one(r);
		assert_ptr_equal(from(number), from_array(number));
		assert_ptr_equal(ioas_index_before(&f.index, number),
		                 before_in_array(number));
	}
}

RIG_MAIN("base_index", RIG_TEST(an_empty_index_has_nothing),
         RIG_TEST(both_ends_of_all_numbers_can_be_in_it),
         RIG_TEST(it_grows_over_what_is_in_it),
         RIG_TEST(an_empty_one_has_no_memory),
         RIG_TEST(a_failed_insert_leaves_what_was_there),
         /* Hundreds of allocations; that one fails is seen above. */
         RIG_ONCE(random_changes_match_a_plain_array))
