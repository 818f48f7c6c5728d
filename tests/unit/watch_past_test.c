/* SPDX-License-Identifier: MIT */
/* The mappings that ended last: which one explains an address. */
#include <pthread.h>
#include <string.h>

#include "rig.h"
#include "watch/past.h"

static struct ioas_past past;

static void begin(void)
{
	memset(&past, 0, sizeof(past));
}

static void add(enum ioas_event_kind kind, uint32_t space, uint64_t first,
                uint32_t site)
{
	struct ioas_past_mapping m = {
		.kind = kind,
		.space = space,
		.range = {first, first + 0xfff},
		.site_map = site,
		.site_gone = site + 1,
		.time = site * 1000,
		.thread = site + 2,
	};

	ioas_past_add(&past, &m);
}

/* The site that the mapping there was made at; 0: none is known. */
static uint32_t site_at(enum ioas_event_kind kind, uint32_t space,
                        uint64_t iova)
{
	struct ioas_past_mapping m;

	if (!ioas_past_find(&past, kind, space, (struct iova){iova}, &m))
		return 0;
	assert_int_equal(m.site_gone, m.site_map + 1);
	assert_int_equal(m.thread, m.site_map + 2);
	assert_int_equal(m.time, m.site_map * 1000);
	return m.site_map;
}

static void nothing_is_found_where_nothing_was(struct rig *r)
{
	(void)r;
	begin();
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0), 0);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 0, 0), 0);
	add(IOAS_EVENT_UNMAP, 1, 0x1000, 5);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0xfff), 0);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x1000), 5);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x1fff), 5);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x2000), 0);
}

static void spaces_and_kinds_are_told_apart(struct rig *r)
{
	(void)r;
	begin();
	add(IOAS_EVENT_UNMAP, 1, 0x1000, 5);
	add(IOAS_EVENT_FREED, 2, 0x1000, 9);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 2, 0x1000), 0);
	assert_int_equal(site_at(IOAS_EVENT_FREED, 2, 0x1000), 9);
	assert_int_equal(site_at(IOAS_EVENT_FREED, 1, 0x1000), 0);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 0, 0x1000), 5);
}

static void the_latest_one_is_found(struct rig *r)
{
	unsigned int i;

	(void)r;
	begin();
	for (i = 1; i <= 3 * IOAS_PAST_MAX; i++) {
		add(IOAS_EVENT_UNMAP, 1, 0x1000, i);
		assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x1000), i);
	}
}

static void old_ones_are_forgotten_one_by_one(struct rig *r)
{
	unsigned int i;

	(void)r;
	begin();
	add(IOAS_EVENT_UNMAP, 1, 0x1000, 5);
	for (i = 1; i < IOAS_PAST_MAX; i++)
		add(IOAS_EVENT_UNMAP, 1, 0x100000, 6);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x1000), 5);
	add(IOAS_EVENT_UNMAP, 1, 0x100000, 6);
	assert_int_equal(site_at(IOAS_EVENT_UNMAP, 1, 0x1000), 0);
}

#define ROUNDS 20000

static void *add_many(void *arg)
{
	uint32_t base = (uint32_t)(uintptr_t)arg;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++)
		add(IOAS_EVENT_UNMAP, 1, 0x1000, base + i);
	return NULL;
}

static void a_reader_never_sees_half_a_mapping(struct rig *r)
{
	pthread_t thread[2];
	unsigned int i;

	(void)r;
	begin();
	for (i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, add_many,
		                       (void *)(uintptr_t)(1 + i * 1000000)),
			0);
	/* site_at() looks whether the fields belong together. */
	for (i = 0; i < ROUNDS; i++)
		site_at(IOAS_EVENT_UNMAP, 1, 0x1000);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_true(site_at(IOAS_EVENT_UNMAP, 1, 0x1000) != 0);
}

RIG_MAIN("watch_past", RIG_TEST(nothing_is_found_where_nothing_was),
         RIG_TEST(spaces_and_kinds_are_told_apart),
         RIG_TEST(the_latest_one_is_found),
         RIG_TEST(old_ones_are_forgotten_one_by_one),
         RIG_TEST(a_reader_never_sees_half_a_mapping))
