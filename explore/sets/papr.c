/* SPDX-License-Identifier: MIT */
/*
 * A guest's hypercalls while its windows, its memory and its bridge go:
 * src/papr over a set of windows that is a variable here, and base/grace.c,
 * which is compiled as a part of this file so that its epochs can be renamed.
 *
 * The guest puts an entry, at the address of one of two windows that take turns
 * in a slot, with one LIOBN. The set sees from the beginning of that put to its
 * end the window that was meant (PAPR-3), and memory that is there (PAPR-5).
 * Tables and bridges are not used when they were freed (HEAP-1).
 */
#include "papr/papr.h"

#include <errno.h>

#include "base/grace.c"
#include "explore.h"

#define PAGE  UINT64_C(0x1000)
#define GPA   (16 * PAGE)
#define UADDR (64 * PAGE)
#define LIOBN 7
#define HIGH  (UINT64_C(1) << 59)

static const struct ioas_window_info about[2] = {
	{.slot = 0, .page_shift = 12, .start = 0, .bytes = 4 * PAGE},
	{.slot = 0, .page_shift = 13, .start = HIGH, .bytes = 4 * PAGE},
};
static const struct ioas_papr_memory piece = {GPA, UADDR, 4 * PAGE};

static struct ioas_a32 entries; /* touched by who uses set or memory */
static struct ioas_papr *papr;
static struct ioas_papr_bridge *bridge;

static EXPLORE_GHOST struct {
	bool live[2];
	bool memory;
} ghost;

/* ---- The set ---- */

static void look(const struct ioas_window_list *list)
{
	explore_law(PAPR_3, ghost.live[list->iova == HIGH],
	            "an entry of a window that was removed");
	explore_law(PAPR_5, ghost.memory, "memory that was taken away");
}

int ioas_windows_put(struct ioas_windows *ws,
                     const struct ioas_window_list *list)
{
	explore_law(PAPR_5, list->entry[0] == (UADDR | IOAS_WRITE),
	            "another page than the guest named");
	look(list);
	ioas_a32_exchange(&entries, 1);
	look(list);
	return 0;
}

int ioas_window_remove(struct ioas_windows *ws, uint64_t at)
{
	ghost.live[at == HIGH] = false;
	ioas_a32_exchange(&entries, 0);
	return 0;
}

int ioas_window_query(struct ioas_windows *ws, unsigned int slot,
                      struct ioas_window_info *ret_info)
{
	if (slot)
		return -ENOENT;
	*ret_info = about[ghost.live[1]];
	return 0;
}

void ioas_windows_describe(struct ioas_windows *ws,
                           struct ioas_windows_info *ret_info)
{
	*ret_info = (struct ioas_windows_info){.windows = 2, .live = 1};
}

/* What these cases have no use for. */
int ioas_windows_get(struct ioas_windows *ws, uint64_t iova,
                     struct ioas_window_entry *ret_entry)
{
	return -ENXIO;
}

int ioas_windows_unmap(struct ioas_windows *ws, uint64_t iova, uint64_t bytes)
{
	return -ENXIO;
}

int ioas_window_create(struct ioas_windows *ws,
                       const struct ioas_window_shape *shape,
                       struct ioas_window_info *ret_info)
{
	return -ENOSPC;
}

/* ---- The guest ---- */

static void put(void)
{
	struct ioas_hypercall call = {
		.number = IOAS_H_PUT_TCE,
		.arg = {LIOBN, explore_choose(2) ? HIGH : 0, GPA | IOAS_WRITE},
		.may_sleep = true,
	};
	int64_t answer = ioas_papr_hypercall(papr, &call);

	explore_law(PAPR_2,
	            answer == IOAS_H_SUCCESS || answer == IOAS_H_PARAMETER,
	            "an answer that nobody gave");
}

static void put_for_ever(void)
{
	for (;;)
		put();
}

static void put_once(void)
{
	put();
}

/* ---- Who takes things away ---- */

static void replace(unsigned int by)
{
	explore_law(PAPR_7, !ioas_papr_remove_locked(bridge, 0),
	            "a window was not removed");
	ghost.live[by] = true;
	(void)ioas_papr_show_locked(bridge, &about[by]);
}

static void replace_for_ever(void)
{
	for (;;) {
		replace(1);
		replace(0);
	}
}

static void must_add_memory(void)
{
	ghost.memory = true;
	explore_law(PAPR_5, !ioas_papr_add_memory(papr, &piece),
	            "there was no memory");
}

static void move_memory_for_ever(void)
{
	for (;;) {
		explore_law(PAPR_5, !ioas_papr_remove_memory(papr, GPA),
		            "the memory was not there");
		ghost.memory = false;
		ioas_a32_exchange(&entries, 0);
		must_add_memory();
	}
}

static void must_make_bridge(void)
{
	const struct ioas_papr_bridge_config config = {
		.windows = (struct ioas_windows *)(void *)&entries,
		.buid = 1,
		.liobn = LIOBN,
	};

	ghost.live[0] = true;
	explore_law(PAPR_3, !ioas_papr_bridge_create(papr, &config, &bridge),
	            "there was no bridge");
}

static void change_bridges_for_ever(void)
{
	for (;;) {
		ioas_papr_bridge_destroy(bridge);
		ghost.live[0] = false;
		must_make_bridge();
	}
}

/* ---- Cases ---- */

static void init(void)
{
	domains[IOAS_GRACE_GUEST].epoch.cell = EXPLORE_RANK + 1;
	explore_law(GRACE_2, barrier_works(), "there is no barrier");
	explore_law(PAPR_3, !ioas_papr_create(NULL, &papr), "no memory");
	must_add_memory();
	must_make_bridge();
}

const struct explore_case explore_cases[] = {
	{"window", "two windows take turns in a slot while a guest maps", init,
         .thread = {{"guest", put_for_ever}, {"writer", replace_for_ever}}},
	{"two", "likewise, with two processors of the guest", init,
         .thread = {{"guest1", put_once},
                    {"guest2", put_once},
                    {"writer", replace_for_ever}},
         .thorough = true},
	{"memory", "memory comes and goes while a guest maps it", init,
         .thread = {{"guest", put_for_ever}, {"writer", move_memory_for_ever}}},
	{"bridge", "a bridge comes and goes while a guest maps", init,
         .thread = {{"guest", put_for_ever},
                    {"writer", change_bridges_for_ever}}},
	{NULL},
};
