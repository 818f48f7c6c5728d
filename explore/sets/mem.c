/* SPDX-License-Identifier: MIT */
/*
 * Registered memory: mem/mem.c and mem/pins.c, with base/grace.c, which is
 * compiled as a part of this file so that its epochs can be renamed.
 *
 * Who maps looks a region up, counts a mapping on it, uses it, and gives the
 * count back. Who owns it takes it out of where it is looked up, waits for the
 * readers, and releases it unless it is mapped. The look-up and the count are
 * in one section: between them the region cannot go.
 */
#include "mem/mem.h"

#include <errno.h>

#include "base/grace.c"
#include "explore.h"

#define PAGE_SHIFT 16
#define PAGES      2
#define START      UINT64_C(0x40000000)
#define LENGTH     ((uint64_t)PAGES << PAGE_SHIFT)

static struct ioas_mem_account account;
static struct ioas_mem memory[2];
static struct ioas_aptr published;

static EXPLORE_GHOST struct {
	uint32_t mapped; /* counts that threads hold */
	uint64_t pinned; /* bytes that hooks.pin was asked for, and not back */
	uint32_t complaints;
	void (*free)(void *p, size_t bytes);
} ghost;

/* ---- Registered, published, released. ---- */

static struct ioas_region *must_register(unsigned int owner)
{
	struct ioas_region *region = NULL;
	int rc = ioas_mem_register(&memory[owner], (struct uaddr){START},
	                           LENGTH, 3, &region);

	explore_law(MEM_7, !rc, "there was room, and register failed");
	return region;
}

static void publish(struct ioas_region *region)
{
	ioas_aptr_store(&published, region);
}

/* Nobody finds it from here on; who found it has counted or given up. */
static struct ioas_region *take_back(void)
{
	struct ioas_region *region = ioas_aptr_exchange(&published, NULL);

	ioas_grace_sync(IOAS_GRACE_DMA);
	return region;
}

/* Return: it is gone. */
static bool release_region(struct ioas_region *region)
{
	struct ioas_mem *mem = region->mem;
	uint64_t pages = ioas_a64_load(&account.pages);
	int rc = ioas_mem_unregister(region);

	if (rc) {
		explore_law(MEM_3, rc == -EBUSY, "not the answer to mapped");
		explore_law(MEM_3, region->mem == mem, "the region changed");
		explore_law(MEM_3, ioas_a64_load(&account.pages) == pages,
		            "a refused unregister changed the charge");
		return false;
	}
	explore_law(MEM_1, !ghost.mapped, "released while it is mapped");
	return true;
}

static void own_for_ever(void)
{
	struct ioas_region *region = must_register(0);

	for (;;) {
		publish(region);
		region = take_back();
		if (release_region(region))
			region = must_register(0);
	}
}

/*
 * The region is found until it is dead: the count alone decides. Who frees it
 * takes it out and waits; see free_later().
 */
static void own_alive_for_ever(void)
{
	struct ioas_region *region = must_register(0);

	publish(region);
	for (;;) {
		if (!release_region(region))
			continue;
		region = must_register(0);
		publish(region);
	}
}

/* ---- Mapped. ---- */

static struct ioas_region *find_and_count(void)
{
	struct ioas_region *region;
	bool counted;

	ioas_grace_enter(IOAS_GRACE_DMA);
	region = ioas_aptr_load(&published);
	counted = region && ioas_region_get(region, 1);
	ghost.mapped += counted;
	ioas_grace_leave(IOAS_GRACE_DMA);
	return counted ? region : NULL;
}

static void give_back(struct ioas_region *region)
{
	ghost.mapped--;
	ioas_region_put(region, 1);
}

static void use(struct ioas_region *region)
{
	const struct ioas_pinned *p = &region->pinned;

	explore_law(MEM_5, p->run[ioas_run_of(p, 1)].phys == START,
	            "another page");
	explore_law(MEM_8, ioas_a64_load(&region->mapped) > ghost.mapped,
	            "fewer counts than threads hold");
}

static void map_once(void)
{
	struct ioas_region *region = find_and_count();

	if (!region)
		return;
	use(region);
	give_back(region);
}

static void map_for_ever(void)
{
	for (;;)
		map_once();
}

/* Some mappings stay until the thread maps again. */
static void map_and_keep(void)
{
	struct ioas_region *first, *second;

	for (;;) {
		first = find_and_count();
		second = find_and_count();
		explore_law(MEM_2, !first || !second || first == second,
		            "another region while this one is mapped");
		if (second)
			use(second);
		if (first)
			give_back(first);
		if (second)
			give_back(second);
	}
}

/* ---- Two owners of the same memory. ---- */

static bool is_pinned(void)
{
	struct uaddr_range range = {START, START + LENGTH - 1}, run;

	return ioas_pins_run(range, &run) && run.first == range.first &&
	       run.last == range.last;
}

static void own_and_look(unsigned int owner)
{
	struct ioas_region *region = must_register(owner);

	explore_law(PINS_1, is_pinned(), "registered memory is not pinned");
	explore_law(MEM_3, release_region(region), "it was not mapped");
}

static void first_owner_for_ever(void)
{
	for (;;)
		own_and_look(0);
}

static void second_owner_for_ever(void)
{
	for (;;)
		own_and_look(1);
}

/* As free() and munmap() look, at any time. */
static void look_for_ever(void)
{
	struct uaddr_range range = {START, START + LENGTH - 1}, run;

	for (;;) {
		if (ioas_pins_any())
			ioas_pins_run(range, &run);
	}
}

static void look_twice(void)
{
	is_pinned();
	is_pinned();
}

/* ---- The end of an owner. ---- */

static void first_owner_ends(void)
{
	own_and_look(0);
	ioas_mem_fini(&memory[0]);
}

static void second_owner_once(void)
{
	own_and_look(1);
}

static void nothing_left(void)
{
	explore_law(MEM_7, ioas_a64_load(&account.pages) == 0,
	            "a charge is left");
	explore_law(MEM_7, ghost.pinned == 0, "a pin is left");
	explore_law(PINS_1, ioas_a64_load(&ioas_pins_live) == 0,
	            "a span is left");
}

/* The other owner ends last. */
static void no_memory_left(void)
{
	nothing_left();
	ioas_mem_fini(&memory[1]);
	explore_law(MEM_7, explore_objects() == 0, "an object is left");
}

/* ---- The limit. ---- */

static void register_if_allowed(unsigned int owner)
{
	struct ioas_region *region;
	int rc = ioas_mem_register(&memory[owner], (struct uaddr){START},
	                           LENGTH, 3, &region);

	explore_law(MEM_7, ioas_a64_load(&account.pages) <= account.limit,
	            "more is charged than the limit allows");
	if (rc)
		explore_law(MEM_7, rc == -ENOMEM, "not the limit's answer");
	else
		release_region(region);
}

static void first_owner_tries(void)
{
	register_if_allowed(0);
	register_if_allowed(0);
}

static void second_owner_tries(void)
{
	register_if_allowed(1);
}

/* ---- A put without a get. ---- */

static void complain(const char *law, const char *condition, const char *file,
                     int line)
{
	ghost.complaints++;
	explore_exit();
}

static void put_unasked(void)
{
	ioas_region_put(ioas_aptr_load(&published), 1);
}

static void get_and_put(void)
{
	struct ioas_region *region = ioas_aptr_load(&published);

	if (ioas_region_get(region, 1))
		ioas_region_put(region, 1);
}

static void somebody_complained(void)
{
	explore_law(MEM_8, ghost.complaints > 0,
	            "a put without a get was absorbed");
}

/* ---- Hooks and cases. ---- */

static int pin(struct uaddr start, uint64_t length, unsigned int perm,
               uint64_t *ret_pinned)
{
	ghost.pinned += length;
	*ret_pinned = length;
	return 0;
}

static void unpin(struct uaddr start, uint64_t length)
{
	explore_law(MEM_1, !ghost.mapped, "unpinned while it is mapped");
	explore_law(MEM_1, ghost.pinned >= length,
	            "unpinned more often than pinned");
	ghost.pinned -= length;
}

static void init(void)
{
	domains[IOAS_GRACE_DMA].epoch.cell = EXPLORE_RANK + 1;
	explore_law(GRACE_2, barrier_works(), "there is no barrier");
	ioas_hooks.pin = pin;
	ioas_hooks.unpin = unpin;
	account.limit = UINT64_MAX;
	ioas_mem_init(&memory[0], &account, PAGE_SHIFT);
	ioas_mem_init(&memory[1], &account, PAGE_SHIFT);
}

/* The tables are there, as they stay while the process has memory. */
static void init_used(void)
{
	init();
	release_region(must_register(0));
}

static void free_later(void *p, size_t bytes)
{
	void *seen = p;

	if (ioas_aptr_cas(&published, &seen, NULL))
		ioas_grace_sync(IOAS_GRACE_DMA);
	ghost.free(p, bytes);
}

static void init_alive(void)
{
	init_used();
	ghost.free = ioas_hooks.free;
	ioas_hooks.free = free_later;
}

/* Room for one of the two. */
static void init_limited(void)
{
	init_used();
	account.limit = PAGES + 1;
}

static void init_unbalanced(void)
{
	init_used();
	publish(must_register(0));
	ioas_hooks.law_broken = complain;
}

const struct explore_case explore_cases[] = {
	{"release", "one maps, one registers and releases, for ever", init_used,
         .thread = {{"mapper", map_for_ever}, {"owner", own_for_ever}}},
	{"alive", "likewise, and regions are found until they are dead",
         init_alive,
         .thread = {{"mapper", map_for_ever}, {"owner", own_alive_for_ever}}},
	{"two", "two map once, one registers and releases for ever", init_used,
         .thread = {{"mapper1", map_once},
                    {"mapper2", map_once},
                    {"owner", own_for_ever}}},
	{"two-alive", "likewise, and regions are found until they are dead",
         init_alive,
         .thread = {{"mapper1", map_once},
                    {"mapper2", map_once},
                    {"owner", own_alive_for_ever}}},
	{"rounds", "two map, one registers and releases, for ever", init_used,
         .thread = {{"mapper1", map_for_ever},
                    {"mapper2", map_for_ever},
                    {"owner", own_for_ever}},
         .thorough = true},
	{"rounds-alive", "likewise, and regions are found until they are dead",
         init_alive,
         .thread = {{"mapper1", map_for_ever},
                    {"mapper2", map_for_ever},
                    {"owner", own_alive_for_ever}},
         .thorough = true},
	{"keep", "two mappings at a time, which may outlive a release",
         init_used,
         .thread = {{"mapper", map_and_keep}, {"owner", own_for_ever}}},
	{"holders", "two owners of the same memory, any number of rounds",
         init_used,
         .thread = {{"owner1", first_owner_for_ever},
                    {"owner2", second_owner_for_ever}}},
	{"look", "memory is looked up meanwhile, as free() does", init_used,
         .thread = {{"owner", first_owner_for_ever}, {"frees", look_for_ever}}},
	{"exit", "an owner ends while another one begins", init,
         .thread = {{"owner1", first_owner_ends},
                    {"owner2", second_owner_once}},
         .rest = no_memory_left},
	{"exit-look", "an owner ends while memory is looked up", init,
         .thread = {{"owner", first_owner_ends}, {"frees", look_twice}},
         .rest = no_memory_left},
	{"limit", "room for one of two owners", init_limited,
         .thread = {{"owner1", first_owner_tries},
                    {"owner2", second_owner_tries}},
         .rest = nothing_left},
	{"unbalanced", "a put without a get", init_unbalanced,
         .thread = {{"puts", put_unasked}, {"maps", get_and_put}},
         .rest = somebody_complained},
	{NULL},
};
