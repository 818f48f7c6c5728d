/* SPDX-License-Identifier: MIT */
/*
 * The registry of <ioas/mem.h>: what holders register, who maps finds and
 * counts in one step, while it is unregistered. With base/grace.c, which is
 * compiled as a part of this file so that its epochs can be renamed.
 *
 * The table is a tree of the least size; the back end counts pins.
 */
#include "mem/registry.h"

#include <errno.h>

#include "base/grace.c"
#include "explore.h"
#include "mem/batch.h"

#define PAGE_SHIFT 16
#define PAGES      2
#define START      UINT64_C(0x40000)
#define LENGTH     ((uint64_t)PAGES << PAGE_SHIFT)
#define OFFSET     UINT64_C(0x1000000) /* physical less program address */

static struct ioas_registry *registry;
static struct ioas_holder *holder[2];

static EXPLORE_GHOST struct {
	uint32_t mapped;  /* counts that threads hold */
	uint64_t pinned;  /* pages */
	uint64_t charged; /* pages */
} ghost;

/* ---- What is pinned and charged. ---- */

static int pin_pages(const struct ioas_backend *how, const struct ioas_pin *pin,
                     struct ioas_extent *ret_extents, unsigned int max)
{
	ghost.pinned += pin->npages;
	ret_extents->phys = pin->start + OFFSET;
	ret_extents->npages = pin->npages;
	return 1;
}

static void unpin_pages(const struct ioas_backend *how,
                        const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	explore_law(MEM_1, ghost.pinned >= pin->npages,
	            "unpinned more often than pinned");
	ghost.pinned -= pin->npages;
	explore_law(MEM_1, !ghost.mapped || ghost.pinned,
	            "unpinned while it is mapped");
}

static int charge_pages(struct ioas_accountant *who, uint64_t npages)
{
	ghost.charged += npages;
	return 0;
}

static void uncharge_pages(struct ioas_accountant *who, uint64_t npages)
{
	explore_law(MEM_7, ghost.charged >= npages,
	            "more is given back than was charged");
	ghost.charged -= npages;
}

static const struct ioas_backend backend = {
	.name = "explored",
	.pin = pin_pages,
	.unpin = unpin_pages,
};

static struct ioas_accountant accountant = {charge_pages, uncharge_pages};

/* Many look-ups in one call: nothing that one of them has not. */
size_t ioas_batch_translate(const struct ioas_mem_view *view,
                            const struct ioas_mem_batch *batch)
{
	explore_broken("MEM-5", "no case asks for a batch",
	               "batches are not explored");
}

/* ---- Holders. ---- */

static int register_range(unsigned int who)
{
	struct ioas_register what = {
		.start = START,
		.length = LENGTH,
		.perm = IOAS_READ | IOAS_WRITE,
	};

	return ioas_holder_register(holder[who], &what, NULL);
}

static int unregister_range(unsigned int who, enum ioas_unregister_mode mode)
{
	struct ioas_unregister what = {
		.start = START,
		.length = LENGTH,
		.mode = mode,
		.deadline = UINT64_MAX,
	};

	return ioas_holder_unregister(holder[who], &what);
}

static void must_be_found(void)
{
	struct ioas_region_info info;
	int rc = ioas_registry_find(registry, START, LENGTH, &info);

	explore_law(MEM_3, !rc, "registered, and not found");
	explore_law(MEM_3, info.start == START && info.length == LENGTH,
	            "another region than was registered");
}

/* Refused until nothing is mapped; a refusal changes nothing. */
static void unregister_when_idle(unsigned int who)
{
	int rc;

	while ((rc = unregister_range(who, IOAS_UNREGISTER_REFUSE))) {
		explore_law(MEM_3, rc == -EBUSY, "not the answer to mapped");
		must_be_found();
	}
}

static void own_once(unsigned int who)
{
	int rc = register_range(who);

	explore_law(MEM_4, !rc, "nobody else has it, and register failed");
	must_be_found();
	unregister_when_idle(who);
	ioas_registry_settle(registry);
}

static void own_for_ever(void)
{
	for (;;)
		own_once(0);
}

static void first_owner(void)
{
	own_once(0);
}

static void second_owner(void)
{
	own_once(1);
}

/* What another one left mapped is in quarantine, and in the way. */
static void own_unless_quarantined(void)
{
	int rc = register_range(1);

	explore_law(MEM_4, !rc || rc == -EBUSY, "not the answer to quarantine");
	if (!rc)
		unregister_when_idle(1);
}

static void own_and_wait(void)
{
	int rc = register_range(0);

	explore_law(MEM_4, !rc, "nobody else has it, and register failed");
	rc = unregister_range(0, IOAS_UNREGISTER_WAIT);
	explore_law(MEM_3, !rc, "it waits for ever, and yet it failed");
	ioas_registry_settle(registry);
}

static void own_and_quarantine(void)
{
	int rc = register_range(0);

	explore_law(MEM_4, !rc, "nobody else has it, and register failed");
	rc = unregister_range(0, IOAS_UNREGISTER_QUARANTINE);
	explore_law(MEM_3, !rc, "quarantine failed");
	ioas_registry_settle(registry);
}

/* It ends with what it has registered, which may be mapped. */
static void own_and_end(void)
{
	int rc = register_range(0);

	explore_law(MEM_4, !rc, "nobody else has it, and register failed");
	ioas_holder_destroy(holder[0]);
	holder[0] = NULL;
	ioas_registry_settle(registry);
}

/* ---- Who maps. ---- */

static bool get(struct ioas_mapped *mapped, bool may_sleep)
{
	struct ioas_mapping what = {
		.start = START,
		.length = LENGTH,
		.counts = 1,
		.perm = IOAS_READ,
		.may_sleep = may_sleep,
	};

	return ioas_registry_get(registry, &what, mapped) == 0;
}

static void map(bool may_sleep)
{
	struct ioas_mapped mapped;

	if (!get(&mapped, may_sleep))
		return;
	ghost.mapped++;
	explore_law(MEM_5, mapped.phys == START + OFFSET, "another page");
	explore_law(MEM_1, ghost.pinned, "mapped, and not pinned");
	explore_law(MEM_8,
	            ioas_count_mappings(&mapped.region->mapped) >= ghost.mapped,
	            "fewer counts than threads hold");
	ghost.mapped--;
	ioas_region_put(mapped.region, 1);
}

static void map_once(void)
{
	map(false);
}

static void map_for_ever(void)
{
	for (;;)
		map(false);
}

static void map_patiently(void)
{
	map(true);
}

/* As a device does it: good while the section lasts. */
static void translate(void)
{
	uint64_t phys;

	ioas_mem_enter();
	phys = ioas_registry_translate(registry, START, IOAS_READ);
	if (phys != IOAS_MEM_NONE) {
		explore_law(MEM_5, phys == START + OFFSET, "another page");
		/* Others go on for a while. */
		explore_choose(1);
		explore_law(MEM_5, ghost.pinned, "translated, and not pinned");
	}
	ioas_mem_leave();
}

static void translate_for_ever(void)
{
	for (;;)
		translate();
}

/* ---- Cases. ---- */

static void init(void)
{
	struct ioas_registry_config config = {
		.backend = &backend,
		.accountant = &accountant,
		.page_shift = PAGE_SHIFT,
		.address_bits = PAGE_SHIFT + 2 * IOAS_MEM_FANOUT_LG2,
		.no_shadow = true,
	};
	int rc;

	domains[IOAS_GRACE_MEM].epoch.cell = EXPLORE_RANK + 1;
	explore_law(GRACE_2, barrier_works(), "there is no barrier");
	rc = ioas_registry_create(&config, &registry);
	if (!rc)
		rc = ioas_holder_create(registry, &holder[0]);
	if (!rc)
		rc = ioas_holder_create(registry, &holder[1]);
	explore_law(HEAP_3, !rc, "no memory for the case");
	/* So that table and members are there. */
	own_once(0);
}

static void nothing_left(void)
{
	struct ioas_registry_report report;

	ioas_registry_settle(registry);
	ioas_registry_inspect(registry, &report);
	explore_law(MEM_7, !report.regions && !report.quarantined,
	            "a region is left");
	explore_law(MEM_2, !report.counts, "a count is left");
	explore_law(MEM_7, !report.charged && !ghost.charged,
	            "a charge is left");
	explore_law(MEM_7, !report.pinned && !ghost.pinned, "a pin is left");
}

const struct explore_case explore_cases[] = {
	{"map", "one maps, one registers and unregisters, for ever", init,
         .thread = {{"mapper", map_for_ever}, {"owner", own_for_ever}}},
	{"two", "two map once, one registers and unregisters", init,
         .thread = {{"mapper1", map_once},
                    {"mapper2", map_once},
                    {"owner", first_owner}},
         .rest = nothing_left},
	{"translate", "what is translated stays pinned in the section", init,
         .thread = {{"device", translate_for_ever}, {"owner", own_for_ever}}},
	{"holders", "two register the same, which is pinned once", init,
         .thread = {{"owner1", first_owner}, {"owner2", second_owner}},
         .rest = nothing_left},
	{"holders-map", "likewise, and it is mapped", init,
         .thread = {{"mapper", map_once},
                    {"owner1", first_owner},
                    {"owner2", second_owner}},
         .rest = nothing_left, .thorough = true},
	{"wait", "unregister waits for what is mapped", init,
         .thread = {{"mapper", map_patiently}, {"owner", own_and_wait}},
         .rest = nothing_left},
	{"wait-shared", "likewise, and another one shares it meanwhile", init,
         .thread = {{"mapper", map_once},
                    {"owner1", own_and_wait},
                    {"owner2", second_owner}},
         .rest = nothing_left, .thorough = true},
	{"quarantine", "what is mapped is kept apart", init,
         .thread = {{"mapper", map_patiently}, {"owner", own_and_quarantine}},
         .rest = nothing_left},
	{"quarantine-two", "likewise, and two map", init,
         .thread = {{"mapper1", map_once},
                    {"mapper2", map_patiently},
                    {"owner", own_and_quarantine}},
         .rest = nothing_left, .thorough = true},
	{"exit", "a holder ends with what it has", init,
         .thread = {{"mapper", map_once},
                    {"owner1", own_and_end},
                    {"owner2", own_unless_quarantined}},
         .rest = nothing_left, .thorough = true},
	{"exit-map", "a holder ends while its memory is mapped", init,
         .thread = {{"mapper1", map_once},
                    {"mapper2", map_once},
                    {"owner", own_and_end}},
         .rest = nothing_left},
	{NULL},
};
