/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "mem/mem.h"
#include "rig.h"

#define RW (IOAS_READ | IOAS_WRITE)

static struct ioas_mem_account account;
static struct ioas_mem mem;
static char *memory; /* eight pages */

static void start(struct rig *r, uint64_t limit)
{
	account = (struct ioas_mem_account){.limit = limit};
	ioas_mem_init(&mem, &account, rig_page_shift());
	mem.pinner.backend = rig_backend();
	rig_defer(r, RIG_CALL(ioas_mem_fini), &mem);
	memory = rig_memory(r, 8 * rig_page());
}

static struct uaddr page(unsigned int i)
{
	return (struct uaddr){(uintptr_t)memory + i * rig_page()};
}

static uint64_t pages(unsigned int n)
{
	return n * (uint64_t)rig_page();
}

static uint64_t charged(void)
{
	return ioas_a64_load(&account.pages);
}

static void unregister(void *region)
{
	assert_int_equal(ioas_mem_unregister(region), 0);
}

static struct ioas_region *registered(struct rig *r, unsigned int i,
                                      unsigned int n)
{
	struct ioas_region *region = NULL;

	rig_ok(r, ioas_mem_register(&mem, page(i), pages(n), RW, &region));
	rig_defer(r, unregister, region);
	return region;
}

static void register_pins_and_charges_every_page(struct rig *r)
{
	start(r, 8);
	registered(r, 1, 3);
	assert_true(charged() == 3);
	assert_true(rig_pinned_bytes(r) == pages(3));
	assert_true(ioas_a64_load(&mem.regions) == 1);
}

static void MEM_7_unregister_gives_back_pins_and_charge(struct rig *r)
{
	struct ioas_region *region;

	start(r, 8);
	region = registered(r, 0, 8);
	rig_cancel(r, region);
	assert_int_equal(ioas_mem_unregister(region), 0);
	assert_true(charged() == 0);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&mem.regions) == 0);
}

static void register_refuses_a_length_of_zero(struct rig *r)
{
	struct ioas_region *region;

	start(r, 8);
	rig_fails(r, ioas_mem_register(&mem, page(0), 0, RW, &region), -EINVAL);
}

static void register_refuses_what_is_not_page_aligned(struct rig *r)
{
	struct uaddr odd;
	struct ioas_region *region;

	start(r, 8);
	odd.raw = page(0).raw + rig_page() / 2;
	rig_fails(r, ioas_mem_register(&mem, odd, pages(1), RW, &region),
	          -EINVAL);
	rig_fails(r,
	          ioas_mem_register(&mem, page(0), pages(1) / 2, RW, &region),
	          -EINVAL);
}

static void register_refuses_a_range_that_wraps(struct rig *r)
{
	struct ioas_region *region;
	struct uaddr top = {-pages(2)};

	start(r, UINT64_MAX);
	rig_fails(r, ioas_mem_register(&mem, top, pages(3), RW, &region),
	          -EINVAL);
	/* Up to the last byte is no wrap, only no memory. */
	rig_fails(r, ioas_mem_register(&mem, top, pages(2), RW, &region),
	          -EFAULT);
}

/* MEM-7 for every failure of the tests below. */
static void nothing_is_left(struct rig *r, struct ioas_region *region)
{
	assert_true(charged() == 0);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&mem.regions) == 0);
	assert_null(region);
}

static void MEM_7_a_hole_leaves_no_pin_and_no_charge(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 8);
	rig_hole(r, memory + pages(2), rig_page());
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(4), RW, &region),
	          -EFAULT);
	nothing_is_left(r, region);
}

static void register_for_writing_refuses_read_only_memory(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 8);
	rig_read_only(r, memory, pages(8));
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(1), RW, &region),
	          -EFAULT);
	nothing_is_left(r, region);
	rig_ok(r,
	       ioas_mem_register(&mem, page(0), pages(1), IOAS_READ, &region));
	unregister(region);
}

static void MEM_7_the_limit_leaves_no_pin_and_no_charge(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 3);
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(4), RW, &region),
	          -ENOMEM);
	nothing_is_left(r, region);
	registered(r, 0, 3);
}

static void a_limit_of_zero_refuses_every_page(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 0);
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(1), RW, &region),
	          -ENOMEM);
	nothing_is_left(r, region);
}

static void the_limit_wins_when_it_comes_before_the_hole(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 3);
	rig_hole(r, memory + pages(4), rig_page());
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(8), RW, &region),
	          -ENOMEM);
	nothing_is_left(r, region);
}

static void the_hole_wins_when_it_comes_before_the_limit(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 3);
	rig_hole(r, memory + pages(2), rig_page());
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(8), RW, &region),
	          -EFAULT);
	nothing_is_left(r, region);
}

/* Linux pins a page before it counts it. */
static void the_hole_wins_on_the_first_page_over_the_limit(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 3);
	rig_hole(r, memory + pages(3), rig_page());
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(8), RW, &region),
	          -EFAULT);
	nothing_is_left(r, region);
}

static void a_page_registered_twice_counts_twice(struct rig *r)
{
	struct ioas_region *region = NULL;

	start(r, 3);
	registered(r, 0, 2);
	rig_fails(r, ioas_mem_register(&mem, page(0), pages(2), RW, &region),
	          -ENOMEM);
	registered(r, 0, 1);
	assert_true(charged() == 3);
}

static uint64_t limit_of_now;

static uint64_t limit_now(void)
{
	return limit_of_now;
}

static void a_limit_that_changes_is_looked_at_each_time(struct rig *r)
{
	struct ioas_region *region;

	start(r, 0);
	account.limit_now = limit_now;
	limit_of_now = 1;
	rig_fails(
		r,
		ioas_mem_register(&mem, page(0), pages(2), IOAS_READ, &region),
		-ENOMEM);
	limit_of_now = 2;
	rig_ok(r,
	       ioas_mem_register(&mem, page(0), pages(2), IOAS_READ, &region));
	/* Less than what is there already: what is there stays. */
	limit_of_now = 1;
	assert_int_equal(charged(), 2);
	unregister(region);
	assert_int_equal(charged(), 0);
}

static void two_memories_share_one_limit(struct rig *r)
{
	struct ioas_region *region = NULL;
	struct ioas_mem other;

	start(r, 4);
	ioas_mem_init(&other, &account, rig_page_shift());
	registered(r, 0, 3);
	rig_fails(r, ioas_mem_register(&other, page(4), pages(2), RW, &region),
	          -ENOMEM);
	rig_ok(r, ioas_mem_register(&other, page(4), pages(1), RW, &region));
	unregister(region);
	ioas_mem_fini(&other);
}

static void MEM_3_unregister_refuses_a_mapped_region(struct rig *r)
{
	struct ioas_region *region;

	start(r, 8);
	region = registered(r, 0, 2);
	assert_true(ioas_region_get(region, 5));
	rig_fails(r, ioas_mem_unregister(region), -EBUSY);
	assert_true(charged() == 2);
	assert_true(rig_pinned_bytes(r) == pages(2));
	assert_true(ioas_a64_load(&region->mapped) == 6);
	ioas_region_put(region, 2);
	rig_fails(r, ioas_mem_unregister(region), -EBUSY);
	ioas_region_put(region, 3);
}

static void MEM_2_a_dead_region_cannot_be_counted(struct rig *r)
{
	struct ioas_region dead = {.mapped = {0}};

	assert_false(ioas_region_get(&dead, 1));
	assert_true(ioas_a64_load(&dead.mapped) == 0);
}

static void put_one(void *region)
{
	ioas_region_put(region, 1);
}

static void MEM_8_a_put_without_a_get_breaks_it(struct rig *r)
{
	struct ioas_region idle = {.mapped = {1}}, mapped = {.mapped = {2}};

	rig_breaks(r, "MEM_8", put_one, &idle);
	put_one(&mapped);
	rig_breaks(r, "MEM_8", put_one, &mapped);
}

static void unregister_again(void *region)
{
	(void)!ioas_mem_unregister(region);
}

static void MEM_1_a_second_release_breaks_it(struct rig *r)
{
	struct ioas_region released = {.mem = &mem, .mapped = {0}};

	rig_breaks(r, "MEM_1", unregister_again, &released);
}

static void MEM_1_a_region_left_behind_breaks_it(struct rig *r)
{
	start(r, 8);
	registered(r, 0, 1);
	rig_breaks(r, "MEM_1", RIG_CALL(ioas_mem_fini), &mem);
}

static void MEM_5_the_back_end_finds_the_page(struct rig *r)
{
	const struct ioas_backend *backend;
	struct ioas_region *region;
	unsigned int i;
	uint64_t phys;

	start(r, 8);
	backend = mem.pinner.backend;
	region = registered(r, 1, 2);
	i = ioas_run_of(&region->pinned, 1);
	phys = region->pinned.run[i].phys + 17;
	phys += pages(1 - (unsigned int)region->pinned.run[i].first);
	assert_true(phys == backend->frame(backend, page(2).raw + 17,
	                                   rig_page_shift()));
	assert_true(backend->pointer(backend, phys) == page(2).raw + 17);
}

/* MEM-2 under contention: gets of one thread, an unregister of another. */
struct contest {
	struct ioas_region region;
	struct ioas_a32 got;
};

static void *get_and_put(void *arg)
{
	struct contest *c = arg;

	while (ioas_region_get(&c->region, 1)) {
		ioas_a32_add(&c->got, 1);
		ioas_region_put(&c->region, 1);
	}
	return NULL;
}

static void MEM_2_holds_while_gets_race_with_the_end(struct rig *r)
{
	static struct contest c;
	pthread_t t[2];
	unsigned int i, ended = 0;

	c = (struct contest){.region.mapped = {1}};
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, get_and_put, &c),
		                 0);
	while (ioas_a32_load(&c.got) < 1000 || !ended) {
		uint64_t idle = 1;

		ended += ioas_a32_load(&c.got) >= 1000 &&
		         ioas_a64_cas(&c.region.mapped, &idle, 0);
	}
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_true(ioas_a64_load(&c.region.mapped) == 0);
}

RIG_MAIN("mem_mem", RIG_TEST(register_pins_and_charges_every_page),
         RIG_TEST(MEM_7_unregister_gives_back_pins_and_charge),
         RIG_TEST(register_refuses_a_length_of_zero),
         RIG_TEST(register_refuses_what_is_not_page_aligned),
         RIG_TEST(register_refuses_a_range_that_wraps),
         RIG_TEST(MEM_7_a_hole_leaves_no_pin_and_no_charge),
         RIG_TEST(register_for_writing_refuses_read_only_memory),
         RIG_TEST(MEM_7_the_limit_leaves_no_pin_and_no_charge),
         RIG_TEST(a_limit_of_zero_refuses_every_page),
         RIG_TEST(the_limit_wins_when_it_comes_before_the_hole),
         RIG_TEST(the_hole_wins_when_it_comes_before_the_limit),
         RIG_TEST(the_hole_wins_on_the_first_page_over_the_limit),
         RIG_TEST(a_page_registered_twice_counts_twice),
         RIG_TEST(a_limit_that_changes_is_looked_at_each_time),
         RIG_TEST(two_memories_share_one_limit),
         RIG_TEST(MEM_3_unregister_refuses_a_mapped_region),
         RIG_TEST(MEM_2_a_dead_region_cannot_be_counted),
         RIG_TEST(MEM_2_holds_while_gets_race_with_the_end),
         RIG_TEST(MEM_8_a_put_without_a_get_breaks_it),
         RIG_TEST(MEM_1_a_second_release_breaks_it),
         RIG_TEST(MEM_1_a_region_left_behind_breaks_it),
         RIG_TEST(MEM_5_the_back_end_finds_the_page))
