/* SPDX-License-Identifier: MIT */
/* <ioas/space.h>. */
#include <pthread.h>
#include <string.h>

#include <ioas/space.h>

#include "rig.h"

#define RW    (IOAS_READ | IOAS_WRITE)
#define PAGES 16

static struct ioas *as;
static char *memory; /* PAGES */

static uint64_t bytes(uint64_t pages)
{
	return pages * rig_page();
}

static uint64_t at(unsigned int page)
{
	return (uintptr_t)memory + bytes(page);
}

static void begin(struct rig *r, bool places, uint64_t pages)
{
	const struct ioas_config config = {.places = places,
	                                   .last = bytes(pages) - 1};

	memory = rig_memory(r, bytes(PAGES));
	rig_ok(r, ioas_create(&config, &as));
	rig_defer(r, RIG_CALL(ioas_destroy), as);
}

static int map_any(unsigned int page, uint64_t pages, uint64_t last,
                   uint64_t *ret_iova)
{
	const struct ioas_piece piece = {at(page), bytes(pages), RW, last};

	return ioas_map_any(as, &piece, ret_iova);
}

/* ---- Life ---- */

/* covers: ioas_create -EINVAL */
static void create_refuses_what_cannot_be(struct rig *r)
{
	static const struct ioas_config bad[] = {{.page_shift = 10},
	                                         {.page_shift = 31},
	                                         {.places = true, .last = 100}};
	struct ioas *none = NULL;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		rig_fails(r, ioas_create(&bad[i], &none), -EINVAL);
	assert_null(none);
	ioas_destroy(NULL);
}

/* covers: ioas_create -ENOMEM */
static void create_without_memory_leaves_nothing(struct rig *r)
{
	const struct ioas_config places = {.places = true};
	struct ioas *one = NULL;
	int rc = rig_try(r, ioas_create(&places, &one));

	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_int_equal(one == NULL, rc != 0);
	ioas_destroy(one);
}

/* ---- The program chooses ---- */

static void what_is_mapped_is_read_and_written(struct rig *r)
{
	char buffer[8] = "";

	begin(r, false, 1 << 20);
	rig_ok(r, ioas_map(as, bytes(5), bytes(2), at(0), RW));
	rig_ok(r, ioas_map(as, bytes(7), bytes(1), at(9), IOAS_READ));
	memcpy(memory + bytes(2) - 2, "ab", 2);
	memcpy(memory + bytes(9), "cd", 2);
	rig_ok(r, ioas_read(as, bytes(7) - 2, buffer, 4));
	assert_string_equal(buffer, "abcd");
	rig_ok(r, ioas_write(as, bytes(6) - 1, "xyz", 3));
	assert_memory_equal(memory + bytes(1) - 1, "xyz", 3);
	rig_ok(r, ioas_read(as, 0, buffer, 0));
}

/* covers: ioas_read -EFAULT, ioas_write -EFAULT */
static void accesses_are_refused_as_a_devices_are(struct rig *r)
{
	char buffer[2] = "";

	begin(r, false, 1 << 20);
	rig_ok(r, ioas_map(as, bytes(5), bytes(1), at(0), IOAS_READ));
	rig_ok(r, ioas_map(as, bytes(9), bytes(1), at(1), IOAS_WRITE));
	rig_fails(r, ioas_read(as, bytes(4), buffer, 1), -EFAULT);
	rig_fails(r, ioas_read(as, bytes(6) - 1, buffer, 2), -EFAULT);
	rig_fails(r, ioas_read(as, bytes(9), buffer, 1), -EFAULT);
	rig_fails(r, ioas_write(as, bytes(5), buffer, 1), -EFAULT);
	rig_fails(r, ioas_write(as, UINT64_MAX, buffer, 2), -EFAULT);
	rig_fails(r, ioas_read(as, UINT64_MAX, buffer, 1), -EFAULT);
}

/* covers: ioas_map -EINVAL, ioas_map -EEXIST, ioas_map -EFAULT */
static void map_refuses(struct rig *r)
{
	const uint64_t one = rig_page();
	struct {
		uint64_t iova, length, uaddr;
		unsigned int perm;
		int answer;
	} row[] = {
		{one, 0, at(0), RW, -EINVAL},
		{one + 1, one, at(0), RW, -EINVAL},
		{one, one + 1, at(0), RW, -EINVAL},
		{one, one, at(0) + 1, RW, -EINVAL},
		{one, one, at(0), 0, -EINVAL},
		{one, one, at(0), 4, -EINVAL},
		{UINT64_MAX - one + 1, 2 * one, at(0), RW, -EINVAL},
		{bytes(64), one, at(0), RW, -EINVAL},
		{bytes(8), one, at(0), RW, -EEXIST},
		{bytes(7), bytes(2), at(0), RW, -EEXIST},
		{one, one, at(15), RW, -EFAULT},
	};
	unsigned int i;

	begin(r, false, 64);
	rig_hole(r, memory + bytes(15), one);
	rig_ok(r, ioas_map(as, bytes(8), one, at(0), RW));
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
		rig_fails(r,
		          ioas_map(as, row[i].iova, row[i].length, row[i].uaddr,
		                   row[i].perm),
		          row[i].answer);
}

/* covers: ioas_map -ENOMEM, ioas_map_any -ENOMEM */
static void SPACE_1_a_map_without_memory_maps_nothing(struct rig *r)
{
	uint64_t iova = 1;
	char byte;
	int rc;

	begin(r, false, 64);
	rc = rig_try(r, ioas_map(as, bytes(8), bytes(2), at(0), RW));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_int_equal(ioas_read(as, bytes(8), &byte, 1), rc ? -EFAULT : 0);
	if (rc)
		return;
	begin(r, true, 64);
	rc = rig_try(r, map_any(0, 2, 0, &iova));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_true(rc == 0 || iova == 1);
}

/* covers: ioas_unmap -EINVAL, ioas_unmap -ENOENT */
static void unmap_wants_whole_mappings(struct rig *r)
{
	char byte;

	begin(r, false, 64);
	rig_ok(r, ioas_map(as, bytes(8), bytes(2), at(0), RW));
	rig_ok(r, ioas_map(as, bytes(12), bytes(1), at(2), RW));
	rig_fails(r, ioas_unmap(as, bytes(8), 0), -EINVAL);
	rig_fails(r, ioas_unmap(as, UINT64_MAX, 2), -EINVAL);
	rig_fails(r, ioas_unmap(as, bytes(8), bytes(1)), -ENOENT);
	rig_fails(r, ioas_unmap(as, bytes(9), bytes(4)), -ENOENT);
	rig_fails(r, ioas_unmap(as, bytes(20), bytes(4)), -ENOENT);
	rig_ok(r, ioas_read(as, bytes(9), &byte, 1));
	rig_ok(r, ioas_unmap(as, 0, UINT64_MAX));
	rig_fails(r, ioas_read(as, bytes(9), &byte, 1), -EFAULT);
	rig_fails(r, ioas_read(as, bytes(12), &byte, 1), -EFAULT);
	assert_true(rig_pinned_bytes(r) == 0);
}

/* ---- The space chooses ---- */

/* covers: ioas_map -EINVAL, ioas_map_any -EINVAL */
static void who_chooses_is_fixed(struct rig *r)
{
	uint64_t iova;

	begin(r, false, 64);
	rig_fails(r, map_any(0, 1, 0, &iova), -EINVAL);
	begin(r, true, 64);
	rig_fails(r, ioas_map(as, bytes(8), bytes(1), at(0), RW), -EINVAL);
	rig_ok(r, map_any(0, 1, 0, &iova));
}

static void two_pieces_are_reached_at_addresses_of_the_space(struct rig *r)
{
	uint64_t one = 0, other = 0;
	char byte = 0;

	begin(r, true, 1 << 20);
	rig_ok(r, map_any(0, 3, 0, &one));
	rig_ok(r, map_any(4, 2, 0, &other));
	assert_true(one && other && one != other);
	assert_int_equal(one % bytes(4), 0);
	assert_int_equal(other % bytes(2), 0);
	memory[bytes(2)] = 'x';
	rig_ok(r, ioas_read(as, one + bytes(2), &byte, 1));
	rig_ok(r, ioas_write(as, other + bytes(1), &byte, 1));
	assert_int_equal(memory[bytes(5)], 'x');
	rig_ok(r, ioas_unmap(as, one, bytes(3)));
	rig_fails(r, ioas_read(as, one, &byte, 1), -EFAULT);
	rig_ok(r, ioas_unmap(as, other, bytes(2)));
}

/* covers: ioas_map_any -EINVAL, ioas_map_any -ENOSPC, ioas_map_any -EFAULT */
static void map_any_refuses(struct rig *r)
{
	struct ioas_piece piece = {0};
	uint64_t iova = 0;

	begin(r, true, 16);
	rig_hole(r, memory + bytes(15), bytes(1));
	rig_fails(r, ioas_map_any(as, &piece, &iova), -EINVAL);
	piece = (struct ioas_piece){at(0) + 1, bytes(1), RW, 0};
	rig_fails(r, ioas_map_any(as, &piece, &iova), -EINVAL);
	piece = (struct ioas_piece){at(0), bytes(1), 8, 0};
	rig_fails(r, ioas_map_any(as, &piece, &iova), -EINVAL);
	rig_fails(r, map_any(0, 16, 0, &iova), -ENOSPC);
	rig_fails(r, map_any(0, 1, bytes(1), &iova), -ENOSPC);
	rig_fails(r, map_any(15, 1, 0, &iova), -EFAULT);
	assert_true(iova == 0);
	rig_ok(r, map_any(0, 8, 0, &iova));
	assert_true(iova == bytes(8));
	rig_fails(r, map_any(0, 8, 0, &iova), -ENOSPC);
}

/* As many as there are, again and again. */
static void IOVA_2_addresses_come_back_with_unmap(struct rig *r)
{
	uint64_t iova[15];
	unsigned int round, i;

	begin(r, true, 16);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 15; i++)
			rig_ok(r, map_any(i % PAGES, 1, 0, &iova[i]));
		rig_fails(r, map_any(0, 1, 0, &iova[0]), -ENOSPC);
		rig_ok(r, ioas_unmap(as, 0, bytes(16)));
	}
}

/* ---- Reserved ---- */

/* covers: ioas_reserve -EINVAL, ioas_reserve -EEXIST */
/* covers: ioas_reserve -EADDRINUSE */
static void reserve_refuses(struct rig *r)
{
	const struct ioas_range some = {bytes(4), bytes(6) - 1};
	const struct ioas_range odd = {bytes(4), bytes(6)};
	const struct ioas_range inverted = {bytes(4), bytes(4) - 1};
	const struct ioas_range all = {0, UINT64_MAX};

	begin(r, false, 64);
	rig_ok(r, ioas_map(as, bytes(5), bytes(1), at(0), RW));
	rig_fails(r, ioas_reserve(as, 1, &some, 1), -EADDRINUSE);
	rig_ok(r, ioas_unmap(as, bytes(5), bytes(1)));
	rig_fails(r, ioas_reserve(as, 0, &some, 1), -EINVAL);
	rig_fails(r, ioas_reserve(as, 1, &some, 0), -EINVAL);
	rig_fails(r, ioas_reserve(as, 1, &odd, 1), -EINVAL);
	rig_fails(r, ioas_reserve(as, 1, &inverted, 1), -EINVAL);
	rig_fails(r, ioas_reserve(as, 1, &all, 1), -EINVAL);
	assert_int_equal(ioas_usable(as, NULL, 0), 1);
	rig_ok(r, ioas_reserve(as, 1, &some, 1));
	rig_fails(r, ioas_reserve(as, 1, &some, 1), -EEXIST);
	rig_fails(r, ioas_map(as, bytes(5), bytes(1), at(0), RW), -EINVAL);
}

/* covers: ioas_reserve -ENOMEM */
static void a_reserve_without_memory_changes_nothing(struct rig *r)
{
	const struct ioas_range some = {bytes(4), bytes(6) - 1};
	struct ioas_range usable[2];
	int rc;

	begin(r, true, 64);
	rc = rig_try(r, ioas_reserve(as, 1, &some, 1));
	assert_true(rc == 0 || (rc == -ENOMEM && rig_failed(r)));
	assert_int_equal(ioas_usable(as, usable, 2), rc ? 1 : 2);
	assert_true(usable[0].last == (rc ? bytes(64) : bytes(4)) - 1);
}

static void MSI_9_release_gives_addresses_back(struct rig *r)
{
	const struct ioas_range low = {0, bytes(8) - 1};
	struct ioas_range usable;
	uint64_t iova = 0;

	begin(r, true, 16);
	rig_ok(r, map_any(0, 1, 0, &iova));
	rig_ok(r, ioas_unmap(as, iova, bytes(1)));
	assert_true(iova == bytes(1));
	rig_ok(r, ioas_reserve(as, 3, &low, 1));
	assert_int_equal(ioas_usable(as, &usable, 1), 1);
	assert_true(usable.first == bytes(8));
	/* Not what was kept for this thread. */
	rig_ok(r, map_any(0, 1, 0, &iova));
	assert_true(iova >= bytes(8));
	rig_ok(r, ioas_unmap(as, iova, bytes(1)));
	ioas_release(as, 4);
	assert_int_equal(ioas_usable(as, &usable, 1), 1);
	assert_true(usable.first == bytes(8));
	ioas_release(as, 3);
	assert_int_equal(ioas_usable(as, &usable, 1), 1);
	assert_true(usable.first == 0);
	ioas_release(as, 3);
}

/* ---- Threads ---- */

#define ROUNDS 3000

static void *mill(void *arg)
{
	static const struct ioas_range hole = {0, UINT64_C(0xfffff)};
	unsigned int *failures = arg, i;
	uint64_t iova = 0;
	uint32_t mine = 0;

	for (i = 0; i < ROUNDS; i++) {
		unsigned int page = i % (PAGES / 2);

		if (i % 100 == 50 && !ioas_reserve(as, 7, &hole, 1))
			ioas_release(as, 7);
		if (map_any(page, 1 + i % 3, 0, &iova)) {
			++*failures;
			continue;
		}
		*failures += ioas_write(as, iova, &i, 4) ||
		             ioas_read(as, iova, &mine, 4) ||
		             ioas_unmap(as, iova, bytes(1 + i % 3));
	}
	return NULL;
}

static void
IOVA_1_threads_map_and_unmap_while_a_group_comes_and_goes(struct rig *r)
{
	unsigned int failures[2] = {0}, i;
	pthread_t thread[2];

	begin(r, true, 1 << 20);
	for (i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, mill, &failures[i]),
			0);
	for (i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(failures[i], 0);
	}
}

RIG_MAIN("space_public", RIG_TEST(create_refuses_what_cannot_be),
         RIG_TEST(create_without_memory_leaves_nothing),
         RIG_TEST(what_is_mapped_is_read_and_written),
         RIG_TEST(accesses_are_refused_as_a_devices_are), RIG_TEST(map_refuses),
         RIG_TEST(SPACE_1_a_map_without_memory_maps_nothing),
         RIG_TEST(unmap_wants_whole_mappings), RIG_TEST(who_chooses_is_fixed),
         RIG_TEST(two_pieces_are_reached_at_addresses_of_the_space),
         RIG_TEST(map_any_refuses),
         RIG_TEST(IOVA_2_addresses_come_back_with_unmap),
         RIG_TEST(reserve_refuses),
         RIG_TEST(a_reserve_without_memory_changes_nothing),
         RIG_TEST(MSI_9_release_gives_addresses_back),
         /* Other threads allocate. */
         RIG_ONCE(IOVA_1_threads_map_and_unmap_while_a_group_comes_and_goes))
