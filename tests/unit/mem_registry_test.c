/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, rig_backend());
}

/* ---- Create. ---- */

/* covers: ioas_registry_create -EINVAL */
static void create_refuses_what_it_does_not_support(struct rig *r)
{
	struct ioas_registry_config config = {.page_shift = 10};
	struct ioas_registry *registry = NULL;

	rig_fails(r, ioas_registry_create(&config, &registry), -EINVAL);
	config.page_shift = 31;
	rig_fails(r, ioas_registry_create(&config, &registry), -EINVAL);
	config.page_shift = 12;
	config.address_bits = 53;
	rig_fails(r, ioas_registry_create(&config, &registry), -EINVAL);
	config.address_bits = 29;
	rig_fails(r, ioas_registry_create(&config, &registry), -EINVAL);
	assert_null(registry);
}

/* covers: ioas_registry_create -ENOMEM, ioas_holder_create -ENOMEM */
static void create_says_when_there_is_no_memory(struct rig *r)
{
	struct ioas_registry *registry = NULL;
	struct ioas_holder *holder = NULL;
	int rc = rig_try(r, ioas_registry_create(NULL, &registry));

	/* Without addresses for a shadow it has a tree: no failure. */
	if (rc) {
		assert_true(rig_failed(r));
		assert_int_equal(rc, -ENOMEM);
		assert_null(registry);
		return;
	}
	rc = rig_try(r, ioas_holder_create(registry, &holder));
	if (rc) {
		assert_int_equal(rc, -ENOMEM);
		assert_null(holder);
	}
	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, NULL);
}

/* Once: where an allocation fails, it may be either. */
static void the_table_is_the_one_that_this_run_is_about(struct rig *r)
{
	const struct ioas_mem_view *view;

	start(r);
	view = ioas_registry_view(m.registry);
	assert_true(!view->shadow == rig_wants_tree());
	assert_true(!view->root == !rig_wants_tree());
	rig_ok(r, enter(m.a, 0, PAGES));
	assert_true(found(0) && found(PAGES - 1));
}

static void destroy_of_nothing_is_fine(struct rig *r)
{
	struct ioas_registry_report left = {.regions = 1};

	ioas_holder_destroy(NULL);
	ioas_registry_destroy(NULL, NULL);
	ioas_registry_destroy(NULL, &left);
	assert_true(left.regions == 0);
}

/* ---- Ends. ---- */

static void MEM_12_a_holder_drops_all_it_held(struct rig *r)
{
	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.a, 4, 2));
	rig_ok(r, enter(m.a, 8, 2));
	rig_ok(r, enter(m.b, 4, 2));
	ioas_holder_destroy(m.a);
	m.a = NULL;
	assert_true(!found(0) && found(4) && !found(8));
	assert_true(report().regions == 1 && report().charged == 2);
}

static void MEM_12_what_is_mapped_is_quarantined(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	region = mapped(r, 0, 2);
	ioas_holder_destroy(m.a);
	m.a = NULL;
	assert_true(report().quarantined == 1 && !found(0));
	ioas_region_put(region, 2);
	assert_true(ioas_registry_settle(m.registry) == 0);
}

static void destroy_reports_what_was_left(struct rig *r)
{
	struct ioas_registry_report left;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	rig_ok(r, enter(m.b, 4, 3));
	mapped(r, 4, 2);
	mapped(r, 0, 1);
	rig_ok(r, leave_by(m.a, 0, 2, IOAS_UNREGISTER_QUARANTINE));
	ioas_registry_destroy(m.registry, &left);
	m.registry = NULL;
	assert_true(left.regions == 1 && left.quarantined == 1);
	assert_true(left.counts == 3 && left.pinned == 5 && left.charged == 5);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&m.charged) == 0);
}

/* Two containers, somebody who maps for a guest, and the registry. */
enum { CONTAINER_A, CONTAINER_B, GUEST, REGISTRY, ENDS };

static void end_one(unsigned int which, struct ioas_region *region)
{
	switch (which) {
	case CONTAINER_A:
		ioas_holder_destroy(m.a);
		m.a = NULL;
		break;
	case CONTAINER_B:
		ioas_holder_destroy(m.b);
		m.b = NULL;
		break;
	case GUEST:
		/* Counts end with the registry: only before it. */
		if (m.registry)
			ioas_region_put(region, 5);
		break;
	case REGISTRY:
		ioas_registry_destroy(m.registry, NULL);
		m.registry = NULL;
		break;
	}
}

static void tear_down(struct rig *r, const unsigned int *order)
{
	struct ioas_region *region;
	unsigned int i;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, enter(m.b, 0, 4));
	rig_ok(r, enter(m.a, 6, 2));
	region = mapped(r, 0, 4);
	assert_true(ioas_region_get(region, 1));
	for (i = 0; i < ENDS; i++)
		end_one(order[i], region);
	assert_true(rig_pinned_bytes(r) == 0);
	assert_true(ioas_a64_load(&m.charged) == 0);
}

static void every_order_of_ends_gives_everything_back(struct rig *r)
{
	unsigned int n, i, digit[ENDS], seen;

	/* Numbers of base ENDS in which each digit is there once. */
	for (n = 0; n < ENDS * ENDS * ENDS * ENDS; n++) {
		seen = 0;
		for (i = 0; i < ENDS; i++) {
			digit[i] = n >> (2 * i) & 3;
			seen |= 1u << digit[i];
		}
		if (seen == (1u << ENDS) - 1)
			tear_down(r, digit);
	}
}

/* ---- Many, and large. ---- */

#define MANY 65536
#ifdef __SANITIZE_THREAD__ /* each entry takes a hundred times as long */
#define TOTAL (UINT64_C(4) << 30)
#else
#define TOTAL (UINT64_C(100) << 30)
#endif

static int nothing_pinned(const struct ioas_backend *self,
                          const struct ioas_pin *pin,
                          struct ioas_extent *ret_extents, unsigned int max)
{
	ret_extents[0] = (struct ioas_extent){pin->start, pin->npages};
	return 1;
}

static void nothing_unpinned(const struct ioas_backend *self,
                             const struct ioas_pin *pin, uint64_t phys,
                             bool dirty)
{
}

static void all_looked_up(struct rig *r, uint64_t base, uint64_t each)
{
	uint64_t i, phys, at;

	for (i = 0; i < MANY; i++) {
		at = base + i * each + rig_random_below(r, each);
		assert_true(translated(at, RW, &phys));
		assert_true(phys == at);
	}
}

static void a_hundred_gib_in_65536_regions(struct rig *r)
{
	static const struct ioas_backend none = {
		.name = "none",
		.pin = nothing_pinned,
		.unpin = nothing_unpinned,
	};
	uint64_t base = UINT64_C(1) << 40, each = TOTAL / MANY, i;
	struct ioas_register what = {.length = each, .perm = RW};
	struct ioas_unregister gone = {.length = each};

	start_on(r, &none);
	for (i = 0; i < MANY; i++) {
		/* In no order. */
		what.start = base + (i * 40503 % MANY) * each;
		rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	}
	assert_true(report().regions == MANY);
	assert_true(report().pinned == TOTAL / rig_page());
	all_looked_up(r, base, each);
	for (i = 0; i < MANY; i++) {
		gone.start = base + i * each;
		rig_ok(r, ioas_holder_unregister(m.a, &gone));
	}
	ioas_registry_settle(m.registry);
	assert_true(report().regions == 0 && report().pinned == 0);
	/* A region so large that its entries are given back, not cleared. */
	what.start = base;
	what.length = TOTAL;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	all_looked_up(r, base, each);
	gone.start = base;
	gone.length = TOTAL;
	rig_ok(r, ioas_holder_unregister(m.a, &gone));
	assert_false(ioas_mem_entry(ioas_registry_view(m.registry),
	                            base + TOTAL / 2));
}

RIG_MAIN("mem_registry", RIG_TEST(create_refuses_what_it_does_not_support),
         RIG_TEST(create_says_when_there_is_no_memory),
         RIG_ONCE(the_table_is_the_one_that_this_run_is_about),
         RIG_TEST(destroy_of_nothing_is_fine),
         RIG_TEST(MEM_12_a_holder_drops_all_it_held),
         RIG_TEST(MEM_12_what_is_mapped_is_quarantined),
         RIG_TEST(destroy_reports_what_was_left),
         RIG_TEST(every_order_of_ends_gives_everything_back),
         /* Gigabytes of entries: once is enough. */
         RIG_ONCE(a_hundred_gib_in_65536_regions))
