/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "mem/backend.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, rig_backend());
}

/* covers: ioas_holder_unregister -ENOENT */
static void unregister_is_exact(struct rig *r)
{
	start(r);
	rig_fails(r, leave(m.a, 0, 4), -ENOENT);
	rig_ok(r, enter(m.a, 0, 4));
	rig_fails(r, leave(m.a, 0, 3), -ENOENT);
	rig_fails(r, leave(m.a, 1, 3), -ENOENT);
	rig_fails(r, leave(m.a, 0, 5), -ENOENT);
	rig_fails(r, leave(m.b, 0, 4), -ENOENT);
	rig_ok(r, leave(m.a, 0, 4));
	rig_fails(r, leave(m.a, 0, 4), -ENOENT);
}

/* covers: ioas_holder_unregister -EBUSY */
static void MEM_3_a_refused_unregister_changes_nothing(struct rig *r)
{
	struct ioas_registry_report before, after;
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 1, 2);
	before = report();
	assert_true(before.counts == 2);
	rig_fails(r, leave(m.a, 0, 4), -EBUSY);
	after = report();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_true(found(0) && found(3));
	ioas_region_put(region, 1);
	rig_fails(r, leave(m.a, 0, 4), -EBUSY);
	ioas_region_put(region, 1);
	rig_ok(r, leave(m.a, 0, 4));
}

static void with_another_user_a_mapped_region_may_be_left(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, enter(m.b, 0, 4));
	region = mapped(r, 0, 1);
	rig_ok(r, leave(m.a, 0, 4));
	rig_fails(r, leave(m.b, 0, 4), -EBUSY);
	ioas_region_put(region, 1);
	rig_ok(r, leave(m.b, 0, 4));
}

/* covers: ioas_holder_unregister -ETIMEDOUT */
static void MEM_3_a_deadline_that_passes_changes_nothing(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 1);
	rig_fails(r, leave_by(m.a, 0, 4, IOAS_UNREGISTER_WAIT), -ETIMEDOUT);
	/* More may be counted again. */
	assert_true(ioas_region_get(region, 1));
	ioas_region_put(region, 2);
	rig_ok(r, leave_by(m.a, 0, 4, IOAS_UNREGISTER_WAIT));
}

static void *put_later(void *region)
{
	/* Until somebody waits for it. */
	while (ioas_region_get(region, 1))
		ioas_region_put(region, 1);
	ioas_region_put(region, 1);
	return NULL;
}

static void wait_waits_for_the_last_count(struct rig *r)
{
	struct ioas_unregister what;
	pthread_t thread;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	what = (struct ioas_unregister){page(0), pages(4), IOAS_UNREGISTER_WAIT,
	                                UINT64_MAX};
	assert_int_equal(
		pthread_create(&thread, NULL, put_later, mapped(r, 0, 1)), 0);
	rig_ok(r, ioas_holder_unregister(m.a, &what));
	pthread_join(thread, NULL);
	assert_false(found(0));
}

static void *share_later(void *region)
{
	while (ioas_region_get(region, 1))
		ioas_region_put(region, 1);
	return (void *)(intptr_t)enter(m.b, 0, 4);
}

static void who_shares_meanwhile_ends_the_wait(struct rig *r)
{
	struct ioas_unregister what;
	struct ioas_region *region;
	pthread_t thread;
	void *rc;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 1);
	what = (struct ioas_unregister){page(0), pages(4), IOAS_UNREGISTER_WAIT,
	                                UINT64_MAX};
	assert_int_equal(pthread_create(&thread, NULL, share_later, region), 0);
	rig_ok(r, ioas_holder_unregister(m.a, &what));
	pthread_join(thread, &rc);
	assert_null(rc);
	assert_true(ioas_region_get(region, 1));
	ioas_region_put(region, 2);
	rig_ok(r, leave(m.b, 0, 4));
}

static void quarantine_keeps_pages_until_the_last_count(struct rig *r)
{
	struct ioas_registry_report now;
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	region = mapped(r, 0, 3);
	rig_ok(r, leave_by(m.a, 0, 4, IOAS_UNREGISTER_QUARANTINE));
	assert_true(!found(0) && !ioas_region_get(region, 1));
	now = report();
	assert_true(now.regions == 0 && now.quarantined == 1);
	assert_true(now.pinned == 4 && now.charged == 4 && now.counts == 3);
	/* Those pages are given to nobody else. */
	rig_fails(r, enter(m.b, 0, 4), -EBUSY);
	rig_fails(r, enter(m.b, 3, 2), -EBUSY);
	rig_ok(r, enter(m.b, 4, 2));
	assert_true(ioas_registry_settle(m.registry) == 1);
	ioas_region_put(region, 3);
	assert_true(ioas_registry_settle(m.registry) == 0);
	assert_true(report().pinned == 2 && report().charged == 2);
	rig_ok(r, enter(m.b, 0, 4));
}

static void quarantine_of_what_is_idle_is_its_end(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, leave_by(m.a, 0, 4, IOAS_UNREGISTER_QUARANTINE));
	assert_true(report().quarantined == 0);
	rig_ok(r, enter(m.b, 0, 4));
}

static void unpinning_does_not_wait_for_ever(struct rig *r)
{
	unsigned int i;

	start(r);
	for (i = 0; i < 3 * IOAS_LEAVING_MAX; i++) {
		rig_ok(r, enter(m.a, 0, 1));
		rig_ok(r, leave(m.a, 0, 1));
		assert_true(report().pinned < IOAS_LEAVING_MAX);
	}
	assert_true(ioas_a64_load(&m.unpins) >= 2 * IOAS_LEAVING_MAX);
}

static int pin_anything(const struct ioas_backend *self,
                        const struct ioas_pin *pin,
                        struct ioas_extent *ret_extents, unsigned int max)
{
	ret_extents[0] = (struct ioas_extent){pin->start, pin->npages};
	return 1;
}

static void unpin_anything(const struct ioas_backend *self,
                           const struct ioas_pin *pin, uint64_t phys,
                           bool dirty)
{
}

/* A few that are large are as good as many. */
static void much_memory_does_not_wait_for_more(struct rig *r)
{
	static const struct ioas_backend anything = {
		.name = "anything",
		.pin = pin_anything,
		.unpin = unpin_anything,
	};
	struct ioas_register what = {.length = IOAS_LEAVING_BYTES / 4,
	                             .perm = RW};
	struct ioas_unregister gone = {.length = what.length};
	unsigned int i;

	start_on(r, &anything);
	for (i = 1; i <= 4; i++) {
		what.start = gone.start = i * IOAS_LEAVING_BYTES;
		rig_ok(r, ioas_holder_register(m.a, &what, NULL));
		rig_ok(r, ioas_holder_unregister(m.a, &gone));
		assert_true(pages(report().pinned) ==
		            (i < 4 ? i * what.length : 0));
	}
}

RIG_MAIN("mem_unregister", RIG_TEST(unregister_is_exact),
         RIG_TEST(MEM_3_a_refused_unregister_changes_nothing),
         RIG_TEST(with_another_user_a_mapped_region_may_be_left),
         RIG_TEST(MEM_3_a_deadline_that_passes_changes_nothing),
         RIG_TEST(wait_waits_for_the_last_count),
         /* A thread in it allocates: in which order is not the same twice. */
         RIG_ONCE(who_shares_meanwhile_ends_the_wait),
         RIG_TEST(quarantine_keeps_pages_until_the_last_count),
         RIG_TEST(quarantine_of_what_is_idle_is_its_end),
         RIG_TEST(unpinning_does_not_wait_for_ever),
         RIG_TEST(much_memory_does_not_wait_for_more))
