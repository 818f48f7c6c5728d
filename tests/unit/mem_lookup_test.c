/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/grace.h"
#include "mem/backend.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, rig_backend());
}

static int get(unsigned int i, uint64_t n, struct ioas_mapped *ret)
{
	struct ioas_mapping what = mapping(i, n);

	return ioas_registry_get(m.registry, &what, ret);
}

/* ---- Translate and find. ---- */

static void MEM_5_every_byte_leads_to_its_page(struct rig *r)
{
	uint64_t at, phys = 0;

	start(r);
	rig_ok(r, enter(m.a, 2, 3));
	for (at = page(2); at < page(5); at += 509) {
		assert_true(translated(at, RW, &phys));
		assert_true(phys == backend_frame(at));
	}
	phys = 1;
	assert_false(translated(page(2) - 1, RW, &phys));
	assert_false(translated(page(5), RW, &phys));
	assert_false(translated(0, RW, &phys));
	assert_false(translated(UINT64_MAX, RW, &phys));
	assert_true(phys == 1);
}

/* A bit that is no permission is never allowed, and nothing is none. */
static void what_was_registered_is_allowed_and_nothing_else(struct rig *r)
{
	struct ioas_register what;
	unsigned int held, perm, bit;
	uint64_t phys = 0;

	start(r);
	for (held = 1; held <= RW; held++) {
		what = range(held, 1);
		what.perm = held;
		rig_ok(r, ioas_holder_register(m.a, &what, NULL));
		for (perm = 0; perm < 300; perm++)
			assert_true(translated(page(held), perm, &phys) ==
			            (perm >= 1 && perm <= RW &&
			             (held & perm) == perm));
		for (bit = 2; bit < 32; bit++)
			assert_false(translated(page(held), held | 1u << bit,
			                        &phys));
		assert_true(phys == backend_frame(page(held)));
	}
}

/* covers: ioas_registry_find -ENOENT */
static void find_wants_all_of_the_range(struct rig *r)
{
	struct ioas_region_info info = {.id = 0};

	start(r);
	rig_ok(r, enter(m.a, 2, 3));
	rig_ok(r, enter(m.a, 5, 2));
	rig_ok(r, ioas_registry_find(m.registry, page(3), pages(2), &info));
	assert_true(info.start == page(2) && info.length == pages(3));
	assert_true(info.left == pages(2) && info.npages == 3);
	assert_true(info.perm == RW && info.users == 1 && info.id);
	rig_fails(r, ioas_registry_find(m.registry, page(4), pages(2), &info),
	          -ENOENT);
	rig_fails(r, ioas_registry_find(m.registry, page(1), pages(2), &info),
	          -ENOENT);
	rig_fails(r, ioas_registry_find(m.registry, page(3), UINT64_MAX, &info),
	          -ENOENT);
	rig_fails(r, ioas_registry_find(m.registry, page(3), 0, &info),
	          -ENOENT);
}

/* What an entry says of its region leads to that region. */
static void MEM_8_an_entry_names_its_region(struct rig *r)
{
	struct ioas_region_info info;
	unsigned int i;

	start(r);
	for (i = 0; i < PAGES; i++) {
		uint64_t entry;

		rig_ok(r, enter(m.a, i, 1));
		entry = ioas_mem_entry(ioas_registry_view(m.registry), page(i));
		rig_ok(r, ioas_registry_find(m.registry, page(i), 1, &info));
		assert_int_equal(ioas_id_of_entry(entry, rig_page_shift()),
		                 info.id);
	}
}

static void numbers_of_regions_fit_in_entries(struct rig *r)
{
	unsigned int shift;
	uint32_t id, limit;

	for (shift = 11; shift <= 30; shift++) {
		limit = ioas_id_limit(shift);
		for (id = 1; id < limit; id = id * 2 + (id & 1)) {
			uint64_t entry = ioas_entry_of_id(id) | IOAS_READ |
			                 (UINT64_C(0xfffffffffffff) &
			                  ~ioas_mask_lg2(shift));

			assert_int_equal(ioas_id_of_entry(entry, shift), id);
		}
	}
}

/* ---- Get. ---- */

static void get_counts_and_put_gives_back(struct rig *r)
{
	struct ioas_mapped got;

	start(r);
	rig_ok(r, enter(m.a, 2, 4));
	rig_ok(r, get(3, 2, &got));
	assert_true(got.phys == backend_frame(page(3)));
	assert_true(report().counts == 2);
	assert_true(ioas_region_get(got.region, 3));
	assert_true(report().counts == 5);
	ioas_region_put(got.region, 5);
	assert_true(report().counts == 0);
}

/*
 * covers: ioas_registry_get -EFAULT, ioas_registry_get -EACCES,
 * ioas_registry_get -EINVAL
 */
static void a_refused_get_counts_nothing(struct rig *r)
{
	struct ioas_register read_only;
	struct ioas_mapped got = {.phys = 7};
	struct ioas_mapping what;

	start(r);
	rig_ok(r, enter(m.a, 2, 4));
	read_only = range(8, 2);
	read_only.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &read_only, NULL));
	rig_fails(r, get(1, 2, &got), -EFAULT);
	rig_fails(r, get(5, 2, &got), -EFAULT);
	rig_fails(r, get(12, 1, &got), -EFAULT);
	rig_fails(r, get(8, 1, &got), -EACCES);
#define REFUSED(field, value)                                            \
	do {                                                             \
		what = mapping(2, 2);                                    \
		what.field = (value);                                    \
		rig_fails(r, ioas_registry_get(m.registry, &what, &got), \
		          -EINVAL);                                      \
	} while (0)
	REFUSED(length, 0);
	REFUSED(counts, 0);
	REFUSED(perm, 0);
	REFUSED(perm, 8);
	REFUSED(io_shift, 64);
	REFUSED(io_shift, rig_page_shift() + 8);
#undef REFUSED
	assert_true(report().counts == 0 && got.phys == 7);
}

/* covers: ioas_registry_get -EOVERFLOW */
static void counts_cannot_wrap(struct rig *r)
{
	struct ioas_mapping what;
	struct ioas_mapped got;

	start(r);
	rig_ok(r, enter(m.a, 0, 1));
	what = mapping(0, 1);
	what.counts = IOAS_COUNT_MAX;
	rig_fails(r, ioas_registry_get(m.registry, &what, &got), -EOVERFLOW);
	what.counts = UINT64_MAX;
	rig_fails(r, ioas_registry_get(m.registry, &what, &got), -EOVERFLOW);
	what.counts = IOAS_COUNT_MAX - 1;
	rig_ok(r, ioas_registry_get(m.registry, &what, &got));
	assert_false(ioas_region_get(got.region, 1));
	ioas_region_put(got.region, IOAS_COUNT_MAX - 1);
}

/* covers: ioas_registry_get -ENXIO, ioas_registry_get -EAGAIN */
static void MEM_2_what_is_going_cannot_be_counted(struct rig *r)
{
	struct ioas_region *region;
	struct ioas_mapped got;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	region = mapped(r, 0, 1);
	/* Somebody waits for it: too hard for who may not sleep. */
	ioas_count_close(&region->mapped);
	rig_fails(r, get(0, 1, &got), -EAGAIN);
	assert_false(ioas_region_get(region, 1));
	ioas_count_open(&region->mapped);
	ioas_region_put(region, 1);
	/* Its end has been decided, its entries are there still. */
	assert_true(ioas_count_end(&region->mapped, false));
	rig_fails(r, get(0, 1, &got), -ENXIO);
	assert_false(ioas_region_get(region, 1));
	ioas_a64_store(&region->mapped, 1);
}

static void *get_patiently(void *registry)
{
	struct ioas_mapping what = mapping(0, 1);
	struct ioas_mapped got;

	what.may_sleep = true;
	if (ioas_registry_get(registry, &what, &got))
		return NULL;
	ioas_region_put(got.region, 1);
	return registry;
}

static void who_may_sleep_waits_for_the_decision(struct rig *r)
{
	struct ioas_region *region;
	pthread_t thread;
	void *got;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	region = mapped(r, 0, 1);
	ioas_count_close(&region->mapped);
	assert_int_equal(
		pthread_create(&thread, NULL, get_patiently, m.registry), 0);
	ioas_hooks.relax(8);
	ioas_count_open(&region->mapped);
	pthread_join(thread, &got);
	assert_ptr_equal(got, m.registry);
	ioas_region_put(region, 1);
}

static void put_too_many(void *region)
{
	ioas_region_put(region, 3);
}

static void MEM_8_a_put_too_many_breaks_it(struct rig *r)
{
	struct ioas_region *region;

	start(r);
	rig_ok(r, enter(m.a, 0, 2));
	region = mapped(r, 0, 2);
	rig_breaks(r, "MEM_8", put_too_many, region);
	ioas_a64_store(&region->mapped, 1);
}

/* ---- Sections. ---- */

static void a_section_keeps_pages_pinned(struct rig *r)
{
	uint64_t phys;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	ioas_mem_enter();
	assert_true(translated(page(0), RW, &phys));
	rig_ok(r, leave(m.a, 0, 4));
	assert_true(rig_pinned_bytes(r) == pages(4));
	ioas_mem_leave();
	ioas_registry_settle(m.registry);
	assert_true(rig_pinned_bytes(r) == 0);
}

/* A look-up that leaves its section open would end the process in settle. */
static void every_section_is_left(struct rig *r)
{
	struct ioas_region_info info;
	struct ioas_mapped got;

	start(r);
	rig_ok(r, enter(m.a, 0, 4));
	rig_ok(r, ioas_registry_find(m.registry, page(0), 1, &info));
	rig_fails(r, ioas_registry_find(m.registry, page(5), 1, &info),
	          -ENOENT);
	rig_ok(r, get(0, 1, &got));
	ioas_region_put(got.region, 1);
	rig_fails(r, get(5, 1, &got), -EFAULT);
	assert_false(ioas_grace_inside(IOAS_GRACE_MEM));
}

RIG_MAIN("mem_lookup", RIG_TEST(MEM_5_every_byte_leads_to_its_page),
         RIG_TEST(what_was_registered_is_allowed_and_nothing_else),
         RIG_TEST(find_wants_all_of_the_range),
         RIG_TEST(MEM_8_an_entry_names_its_region),
         RIG_TEST(numbers_of_regions_fit_in_entries),
         RIG_TEST(get_counts_and_put_gives_back),
         RIG_TEST(a_refused_get_counts_nothing), RIG_TEST(counts_cannot_wrap),
         RIG_TEST(MEM_2_what_is_going_cannot_be_counted),
         RIG_TEST(who_may_sleep_waits_for_the_decision),
         RIG_TEST(MEM_8_a_put_too_many_breaks_it),
         RIG_TEST(a_section_keeps_pages_pinned),
         RIG_TEST(every_section_is_left))
