/* SPDX-License-Identifier: MIT */
/*
 * DMA windows: src/window as a whole, over a registry and a space, and
 * base/grace.c, which is compiled as a part of this file so that its epochs can
 * be renamed.
 *
 * A device translates one address while its window comes and goes, while an
 * entry is mapped, mapped over and cleared, and while the window is replaced by
 * one of other tables. What it finds is what was mapped there, in tables that
 * are not freed (WIN-4: HEAP-1); what is mapped all the time it finds each
 * time; and what was taken out before it began it does not find (WIN-11).
 *
 * And somebody looks without the lock whether a range is empty (WIN-14): it is
 * said to be only if that was so at one moment of the look.
 */
#include "base/grace.c"
#include "explore.h"
#include "mem/batch.h"
#include "window/set.h"

#define PAGE  UINT64_C(0x1000)
#define START UINT64_C(0x10000000) /* of the program's memory */
#define PAGES 2
#define AT    PAGE

static struct ioas_windows *ws;
static struct ioas_registry *registry;
static struct ioas_holder *holder;

static struct ioas_glance glance;

static EXPLORE_GHOST struct {
	uint32_t out; /* it has been taken out, and nobody puts it back */
	/* An unmap would find something, or no window, since the look began. */
	uint32_t held;
} ghost;

/* And would find so now: what the owner tells, without a lock. */
static struct ioas_a32 full;

static int set(struct ioas_window_group *group,
               const struct ioas_window_program *program)
{
	return 0;
}

static void unset(struct ioas_window_group *group, unsigned int slot)
{
}

static const struct ioas_window_group_ops ops = {set, unset};
static struct ioas_window_group group = {.ops = &ops};

size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch)
{
	explore_broken("MEM-5", "no case asks for a batch",
	               "a batch was asked for");
}

/* ---- The device. ---- */

static bool find(void)
{
	struct ioas_translation t;
	bool out, found;

	ioas_grace_enter(IOAS_GRACE_DMA);
	out = ghost.out;
	found = !ioas_space_translate(ws->space, (struct iova){AT}, 1,
	                              IOAS_READ, &t);
	if (found) {
		uint64_t at = (uintptr_t)t.pointer;

		explore_law(WIN_8, at == START || at == START + PAGE,
		            "what was never mapped");
		explore_law(WIN_11, !out, "what was taken out");
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
	return found;
}

static void look_for_ever(void)
{
	for (;;)
		find();
}

static void see_for_ever(void)
{
	for (;;)
		explore_law(WIN_3, find(), "a moment without its mapping");
}

/* ---- The owner. ---- */

static void create(unsigned int levels)
{
	const struct ioas_window_shape shape = {12, levels, 2 * PAGE, 0};
	struct ioas_window_info info;

	explore_law(WIN_3, !ioas_window_create(ws, &shape, &info),
	            "there was memory, and create failed");
}

static void map(unsigned int page)
{
	const struct ioas_window_map what = {AT, START + page * PAGE, PAGE,
	                                     IOAS_READ | IOAS_WRITE};

	explore_law(WIN_2, !ioas_windows_map(ws, &what),
	            "there was memory, and map failed");
}

static void unmap(void)
{
	explore_law(WIN_10, !ioas_windows_unmap(ws, AT, PAGE), "unmap failed");
}

static void come_and_go_for_ever(void)
{
	for (;;) {
		create(1);
		map(0);
		explore_law(WIN_4, !ioas_window_remove(ws, AT),
		            "remove failed");
		ghost.out = 1;
		ghost.out = 0;
	}
}

static void map_for_ever(void)
{
	for (;;) {
		map(0);
		map(1);
		unmap();
		ghost.out = 1;
		ghost.out = 0;
	}
}

static void replace_for_ever(void)
{
	unsigned int levels;

	for (levels = 2;; levels = 3 - levels) {
		const struct ioas_window_shape shape = {12, levels, 2 * PAGE,
		                                        0};
		struct ioas_window_info info;

		explore_law(WIN_3, !ioas_window_replace(ws, AT, &shape, &info),
		            "there was memory, and replace failed");
	}
}

/* Once, and then what it took out stays out. */
static void take_out(void)
{
	unmap();
	ghost.out = 1;
}

static void remove_it(void)
{
	explore_law(WIN_4, !ioas_window_remove(ws, AT), "remove failed");
	ghost.out = 1;
}

static void look_twice(void)
{
	find();
	find();
}

/* ---- Who looks without the lock. ---- */

static void glance_for_ever(void)
{
	for (;;) {
		bool empty;

		ghost.held = ioas_a32_load(&full);
		empty = ioas_glance_is_empty(&glance, AT, PAGE);
		explore_law(WIN_14, !(empty && ghost.held),
		            "empty, and at no moment was it");
	}
}

static void is_full(void)
{
	ioas_a32_store(&full, 1);
}

/* Nobody holds the old answer for a new one when it has been seen. */
static void may_be_empty(void)
{
	ioas_a32_store(&full, 0);
	ioas_fence();
	ghost.held = 0;
}

static void remove_at(uint64_t at)
{
	explore_law(WIN_4, !ioas_window_remove(ws, at), "remove failed");
}

static void map_and_unmap_for_ever(void)
{
	for (;;) {
		map(0);
		is_full();
		explore_law(WIN_10, !ioas_windows_unmap(ws, 0, PAGE),
		            "unmap failed");
		may_be_empty();
		unmap();
	}
}

static void show_and_hide_for_ever(void)
{
	for (;;) {
		create(1);
		map(0);
		is_full();
		remove_at(AT);
		may_be_empty();
		create(1);
		remove_at(AT);
		is_full();
		may_be_empty();
	}
}

static void create_at(uint64_t start, uint64_t pages)
{
	const struct ioas_window_shape shape = {12, 1, pages * PAGE, start};
	struct ioas_window_info info;

	explore_law(WIN_3, !ioas_window_create(ws, &shape, &info),
	            "there was memory, and create failed");
}

/* Beside one in which something is mapped. */
static void another_for_ever(void)
{
	is_full();
	for (;;) {
		create_at(4 * PAGE, 1);
		remove_at(4 * PAGE);
	}
}

/* One that ends before AT, and one that begins behind it. */
static void never_at_all(void)
{
	is_full();
	for (;;) {
		create_at(0, 1);
		remove_at(0);
		create_at(2 * PAGE, 2);
		remove_at(2 * PAGE);
	}
}

/* Two at once: entries and counts agree when both have ended. */
static void map_and_unmap_once(void)
{
	map(0);
	unmap();
}

static void map_over_once(void)
{
	map(1);
}

static void counts_are_those_of_entries(void)
{
	struct ioas_registry_report report;
	struct ioas_window_entry entry;

	ioas_registry_inspect(registry, &report);
	explore_law(WIN_9,
	            !ioas_windows_get(ws, AT, &entry) &&
	                    report.counts == (entry.asked != 0),
	            "counts are not those of entries");
}

/* ---- Cases. ---- */

static int pin(const struct ioas_backend *of, const struct ioas_pin *what,
               struct ioas_extent *ret_extents, unsigned int max)
{
	ret_extents[0] = (struct ioas_extent){what->start, what->npages};
	return 1;
}

static void unpin(const struct ioas_backend *of, const struct ioas_pin *what,
                  uint64_t phys, bool dirty)
{
}

static uint64_t pointer(const struct ioas_backend *of, uint64_t phys)
{
	return phys;
}

static const struct ioas_backend backend = {
	.name = "none", .pin = pin, .unpin = unpin, .pointer = pointer};

static void init(void)
{
	const struct ioas_registry_config memory = {
		.backend = &backend,
		.page_shift = 12,
		.address_bits = 12 + 2 * IOAS_MEM_FANOUT_LG2,
		.no_shadow = true,
	};
	const struct ioas_register what = {.start = START,
	                                   .length = PAGES * PAGE,
	                                   .perm = IOAS_READ | IOAS_WRITE};
	struct ioas_windows_config config = {.page_shift = 12};

	domains[IOAS_GRACE_DMA].epoch.cell = EXPLORE_RANK + 1;
	config.platform = ioas_platform_find("free");
	explore_law(MEM_7, !ioas_registry_create(&memory, &registry), "");
	explore_law(MEM_7, !ioas_holder_create(registry, &holder), "");
	explore_law(MEM_7, !ioas_holder_register(holder, &what, NULL), "");
	config.registry = registry;
	explore_law(WIN_3, !ioas_windows_create(&config, &ws), "no set");
	explore_law(WIN_3, !ioas_windows_attach(ws, &group), "no group");
}

static void init_window(void)
{
	init();
	create(1);
}

static void init_shown(void)
{
	init();
	glance.turn.cell = (EXPLORE_RANK + 1) << 16;
	ioas_windows_glance(ws, &glance);
}

static void init_shown_window(void)
{
	init_shown();
	create(1);
}

static void init_shown_mapped(void)
{
	init_shown_window();
	map(0);
}

static void init_mapped(void)
{
	init_window();
	map(0);
}

const struct explore_case explore_cases[] = {
	{"window",
         "a window comes, has a mapping, and goes",
         init,
         {{"device", look_for_ever}, {"owner", come_and_go_for_ever}}},
	{"empty",
         "a window goes in which nothing is mapped",
         init_window,
         {{"device", look_twice}, {"owner", remove_it}}},
	{"entry",
         "an entry is mapped, mapped over, and cleared",
         init_window,
         {{"device", look_for_ever}, {"owner", map_for_ever}}},
	{"replace",
         "a window becomes another, and is never missing",
         init_mapped,
         {{"device", see_for_ever}, {"owner", replace_for_ever}}},
	{"out",
         "what unmap took out is not found",
         init_mapped,
         {{"device", look_twice}, {"owner", take_out}}},
	{"removed",
         "what remove took out is not found",
         init_mapped,
         {{"device", look_twice}, {"owner", remove_it}}},
	{"two",
         "two map at once",
         init_window,
         {{"one", map_and_unmap_once}, {"other", map_over_once}},
         counts_are_those_of_entries},
	{"glance",
         "an entry comes and goes beside a look without the lock",
         init_shown_window,
         {{"looker", glance_for_ever}, {"owner", map_and_unmap_for_ever}}},
	{"glance-window",
         "a window comes and goes beside such a look, mapped and empty",
         init_shown,
         {{"looker", glance_for_ever}, {"owner", show_and_hide_for_ever}}},
	{"glance-other",
         "another window comes and goes beside such a look",
         init_shown_mapped,
         {{"looker", glance_for_ever}, {"owner", another_for_ever}}},
	{"glance-torn",
         "windows that never are at an address come and go",
         init_shown,
         {{"looker", glance_for_ever}, {"owner", never_at_all}}},
	{0},
};
