/* SPDX-License-Identifier: MIT */
/*
 * Registered memory that the program gives back: mem/follow.c and space/move.c
 * with the registry, and base/grace.c, which is compiled as a part of this file
 * so that its epochs can be renamed.
 *
 * Who maps writes a frame down where a device finds it; the program gives the
 * page back, and puts another one at its address. No access of the device
 * reaches that one (MEM-10). There is one page; the back end is the identity.
 */
#include "mem/follow.h"

#include <errno.h>

#include "base/grace.c"
#include "explore.h"
#include "mem/batch.h"
#include "mem/registry.h"
#include "space/move.h"

#define PAGE_SHIFT 16
#define PAGE       (UINT64_C(1) << PAGE_SHIFT)
#define START      UINT64_C(0x40000)
#define ASIDE      UINT64_C(0x80000)

static struct ioas_registry *registry;
static struct ioas_holder *holder;
static struct ioas_a64 written; /* a frame, for the device; or 0 */

static EXPLORE_GHOST struct {
	uint64_t page_at_start; /* 1, 2 when it was given back; 0: closed */
	uint64_t page_aside;    /* 1, or 0 */
	uint64_t pinned;        /* the page that was */
	uint32_t mapped;        /* counts that the mapper holds */
	bool ended;             /* what was set aside */
} ghost;

/* ---- What this is compiled without. ---- */

size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch)
{
	explore_broken("MEM-5", "no case asks for a batch",
	               "batches are not explored");
}

static _Noreturn void no_space(void)
{
	explore_broken("SPACE-3", "no case has a space", "whose entries?");
}

int ioas_pt_split(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	no_space();
}

void ioas_pt_shift(struct ioas_pt *pt, struct iova_range range, uint64_t delta)
{
	no_space();
}

void ioas_pt_lose(struct ioas_pt *pt, struct iova_range range)
{
	no_space();
}

/* ---- Memory. ---- */

static int pin(struct uaddr start, uint64_t length, unsigned int perm,
               uint64_t *ret_pinned)
{
	*ret_pinned = 0;
	if (!ghost.page_at_start)
		return -EFAULT;
	explore_law(MEM_1, !ghost.pinned, "pinned twice");
	ghost.pinned = ghost.page_at_start;
	*ret_pinned = length;
	return 0;
}

static void unpin(struct uaddr start, uint64_t length)
{
	if (!length)
		return;
	explore_law(MEM_1, !ghost.mapped, "unpinned while it is mapped");
	ghost.pinned = 0;
}

/* Does it fault? What it reaches is what was pinned. */
static bool access_faults(uint64_t phys)
{
	uint64_t page = (phys & ~(PAGE - 1)) == ASIDE ? ghost.page_aside
	                                              : ghost.page_at_start;

	if (!page)
		return true;
	explore_law(MEM_10, page == ghost.pinned,
	            "a device reaches memory of somebody else");
	return false;
}

static void end_kept(struct ioas_keep *keep)
{
	ghost.ended = true;
	ghost.page_aside = 0;
}

static struct ioas_keep keep = {.end = end_kept};

/* ---- The program gives it back. ---- */

static const struct uaddr_range at_start = {START, START + PAGE - 1};
static const struct uaddr_range aside = {ASIDE, ASIDE + PAGE - 1};

static bool is_pinned(void)
{
	struct uaddr_range run;

	return ioas_pins_any() && ioas_pins_run(at_start, &run);
}

/* As preload/keep.c does it; false: nothing is to be kept after all. */
static bool set_aside(void)
{
	struct uaddr to = {ASIDE};
	struct ioas_move move;
	bool moved;
	int rc;

	ioas_move_begin(&move);
	moved = ioas_pins_find_locked(at_start) != NULL;
	if (moved) {
		rc = ioas_move_prepare_locked(at_start, to, NULL);
		explore_law(HEAP_3, !rc, "no memory for the case");
		ghost.page_aside = ghost.page_at_start;
		ghost.page_at_start = 0;
		ioas_move_to_locked(at_start, to, NULL);
	}
	ioas_move_end(&move);
	ioas_grace_sync(IOAS_GRACE_DMA);
	return moved;
}

static void keep_aside(void)
{
	struct ioas_move move;

	ioas_move_begin(&move);
	keep.users = 1;
	ioas_move_to_locked(aside, (struct uaddr){ASIDE}, &keep);
	ioas_move_end(&move);
	ioas_keep_put(&keep);
}

static void give_back(void)
{
	bool kept = is_pinned() && set_aside();

	ghost.page_at_start = 2;
	if (kept)
		keep_aside();
}

/* It cannot be kept: the device gets a fault. */
static void give_back_and_lose(void)
{
	struct ioas_move move;

	ioas_move_begin(&move);
	ghost.page_at_start = 0;
	ioas_move_lose_locked(at_start);
	ioas_move_end(&move);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ghost.page_at_start = 2;
}

/* ---- Who has frames. ---- */

static void write_down(uint64_t old, uint64_t phys)
{
	ioas_a64_cas(&written, &old, phys);
}

static void moved(void *context, const struct ioas_moved *what)
{
	explore_law(MEM_10, what->start == START && what->length == PAGE,
	            "told of another page");
	write_down(START, what->lost ? 0 : what->to);
}

static struct ioas_region *map(void)
{
	struct ioas_mapping what = {
		.start = START,
		.length = PAGE,
		.counts = 1,
		.perm = IOAS_READ,
	};
	struct ioas_mapped mapped;
	int rc;

	ioas_mem_enter();
	rc = ioas_registry_get(registry, &what, &mapped);
	if (!rc)
		write_down(0, mapped.phys);
	ghost.mapped += !rc;
	ioas_mem_leave();
	explore_law(MEM_9, !rc || rc == -EFAULT || rc == -EAGAIN,
	            "not the answer to memory that is registered or lost");
	return rc ? NULL : mapped.region;
}

static void unmap(struct ioas_region *region)
{
	ioas_a64_exchange(&written, 0);
	ioas_grace_sync(IOAS_GRACE_DMA);
	ghost.mapped--;
	ioas_region_put(region, 1);
}

static void map_once(void)
{
	struct ioas_region *region = map();

	if (region)
		unmap(region);
}

static void map_for_good(void)
{
	map();
}

/* One access; again if memory moved meanwhile, and only then. */
static void access_once(void)
{
	uint32_t seen;
	uint64_t phys;
	bool fault;

	ioas_grace_enter(IOAS_GRACE_DMA);
	do {
		seen = ioas_moves_now();
		phys = ioas_a64_load(&written);
		/* Others go on for a while. */
		explore_choose(1);
		fault = phys && access_faults(phys);
	} while (fault && ioas_moves_since(seen));
	ioas_grace_leave(IOAS_GRACE_DMA);
	explore_law(MOVE_1, !fault, "a fault, and nothing moves");
}

static void access_twice(void)
{
	access_once();
	access_once();
}

/* Closed addresses are a fault; other memory never is what it finds. */
static void translate(void)
{
	uint64_t phys;

	ioas_mem_enter();
	phys = ioas_registry_translate(registry, START, IOAS_READ);
	if (phys != IOAS_MEM_NONE) {
		explore_choose(1);
		access_faults(phys);
	}
	ioas_mem_leave();
}

static void translate_for_ever(void)
{
	for (;;)
		translate();
}

/* ---- Who registers. ---- */

static int register_page(void)
{
	struct ioas_register what = {
		.start = START,
		.length = PAGE,
		.perm = IOAS_READ | IOAS_WRITE,
	};

	return ioas_holder_register(holder, &what, NULL);
}

static void unregister_page(void)
{
	struct ioas_unregister what = {.start = START, .length = PAGE};
	int rc = ioas_holder_unregister(holder, &what);

	explore_law(MEM_3, !rc, "it was not mapped, and unregister failed");
}

static void register_once(void)
{
	int rc = register_page();

	explore_law(MEM_4, !rc || rc == -EFAULT, "not the answer to a move");
	if (!rc)
		translate();
}

static void unregister_once(void)
{
	translate();
	unregister_page();
	ioas_registry_settle(registry);
}

/* ---- Cases. ---- */

static void no_signals(struct ioas_signals *saved)
{
}

static void same_signals(const struct ioas_signals *saved)
{
}

static void init(void)
{
	struct ioas_registry_config config = {
		.page_shift = PAGE_SHIFT,
		.address_bits = PAGE_SHIFT + 2 * IOAS_MEM_FANOUT_LG2,
		.no_shadow = true,
		.moved = moved,
	};
	unsigned int d;
	int rc;

	for (d = 0; d < IOAS_GRACE_NR; d++)
		domains[d].epoch.cell = EXPLORE_RANK + 1;
	explore_law(GRACE_2, barrier_works(), "there is no barrier");
	ioas_hooks.pin = pin;
	ioas_hooks.unpin = unpin;
	ioas_hooks.page_shift = PAGE_SHIFT;
	ioas_hooks.signals_block = no_signals;
	ioas_hooks.signals_restore = same_signals;
	ghost.page_at_start = 1;
	rc = ioas_registry_create(&config, &registry);
	if (!rc)
		rc = ioas_holder_create(registry, &holder);
	/* So that table, members and pins are there, on both sides. */
	if (!rc)
		rc = register_page();
	if (!rc)
		rc = ioas_pins_reserve_locked((struct uaddr){ASIDE}, PAGE,
		                              PAGE_SHIFT);
	explore_law(HEAP_3, !rc, "no memory for the case");
}

static void init_mapped(void)
{
	init();
	map_for_good();
}

static void init_unregistered(void)
{
	init();
	unregister_page();
	ioas_registry_settle(registry);
}

/* What a device would find now is what was pinned. */
static void it_is_found(void)
{
	uint64_t phys = ioas_registry_translate(registry, START, IOAS_READ);

	if (phys != IOAS_MEM_NONE)
		explore_law(MOVE_1, !access_faults(phys),
		            "registered, and nothing is there");
	if (ioas_a64_load(&written))
		explore_law(MOVE_1, !access_faults(ioas_a64_load(&written)),
		            "mapped, and nothing is there");
	if (!phys || phys == IOAS_MEM_NONE)
		explore_law(PINS_3, ghost.pinned || !ghost.page_aside,
		            "set aside, and for nobody");
}

const struct explore_case explore_cases[] = {
	{"map", "memory is given back while it is mapped", init,
         .thread = {{"mapper", map_for_good}, {"program", give_back}},
         .rest = it_is_found},
	{"access", "memory is given back while a device uses it", init_mapped,
         .thread = {{"device", access_twice}, {"program", give_back}},
         .rest = it_is_found},
	{"map-access", "likewise, and it is being mapped", init,
         .thread = {{"mapper", map_for_good},
                    {"device", access_once},
                    {"program", give_back}},
         .rest = it_is_found, .thorough = true},
	{"unmap", "memory is given back while it is mapped and unmapped", init,
         .thread = {{"mapper", map_once},
                    {"device", access_once},
                    {"program", give_back}},
         .rest = it_is_found, .thorough = true},
	{"lose", "it is lost while a device uses it", init,
         .thread = {{"mapper", map_once}, {"program", give_back_and_lose}}},
	{"translate", "what is translated is no other memory", init,
         .thread = {{"device", translate_for_ever}, {"program", give_back}},
         .rest = it_is_found},
	{"register", "memory is given back while it is registered",
         init_unregistered,
         .thread = {{"owner", register_once}, {"program", give_back}},
         .rest = it_is_found},
	{"unregister", "memory is given back while it is unregistered", init,
         .thread = {{"owner", unregister_once}, {"program", give_back}},
         .rest = it_is_found},
	{NULL},
};
