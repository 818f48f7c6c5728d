/* SPDX-License-Identifier: MIT */
/*
 * PASIDs: src/sva, with base/grace.c. A device accesses an address space, asks
 * for pages of it, and is answered, while it is unbound and the address space
 * ends. What is behind the address space looks at every access whether that may
 * still be; memory that was freed is seen by the engine (HEAP-1), a wait for
 * nobody too (HANG-1).
 */
#include "sva/sva.h"

#include <errno.h>

#include "base/grace.c"
#include "explore.h"

#define PASID 1u

static struct ioas_sva *sva;
static struct ioas_sva_device *dev;
static struct ioas_sva_mm *mm;
static struct ioas_a32 tick; /* an access takes a moment */

static EXPLORE_GHOST struct {
	bool ended[2];  /* exit has returned: of which address space */
	bool unbound;   /* unbind has returned */
	bool forgotten; /* the device was told to */
	uint32_t asked, answered, refused;
} ghost;

/* ---- Two address spaces ---- */

static int look(unsigned int which)
{
	explore_law(SVA_4, !ghost.ended[which], "asked after its end");
	explore_law(SVA_2, !ghost.unbound || which, "asked after the unbind");
	(void)ioas_a32_load(&tick);
	explore_law(SVA_4, !ghost.ended[which], "in use at its end");
	explore_law(SVA_2, !ghost.unbound || which, "in use at the unbind");
	return 0;
}

static int read_first(const struct ioas_sva_memory *which, uint64_t uaddr,
                      void *buffer, size_t bytes)
{
	return look(0);
}

static int read_second(const struct ioas_sva_memory *which, uint64_t uaddr,
                       void *buffer, size_t bytes)
{
	return look(1);
}

static int populate_first(const struct ioas_sva_memory *which, uint64_t uaddr,
                          unsigned int perm)
{
	return look(0);
}

static const struct ioas_sva_memory memory[] = {
	{.name = "first", .read = read_first, .populate = populate_first},
	{.name = "second", .read = read_second},
};

/* ---- The device ---- */

static void invalidate(void *context, uint32_t pasid, uint64_t first,
                       uint64_t last)
{
	ghost.forgotten = true;
}

static void respond(void *context, uint32_t pasid, uint32_t group,
                    enum ioas_page_response response)
{
	explore_law(SVA_2, !ghost.unbound, "answered after the unbind");
	ghost.answered++;
}

static void access_once(void)
{
	char byte;
	int err = ioas_sva_read(dev, PASID, 0x1000, &byte, 1);

	explore_law(SVA_2, !err || err == -ENOENT || err == -ESRCH,
	            "neither done nor refused");
}

static void access_twice(void)
{
	access_once();
	access_once();
}

static void ask(bool last)
{
	const struct ioas_page_request request = {0x1000, PASID, IOAS_READ, 1,
	                                          last};
	int err = ioas_sva_request(dev, &request);

	if (err)
		ghost.refused++;
	else if (last)
		ghost.asked++;
}

static void ask_once(void)
{
	ask(true);
}

static void ask_part_and_last(void)
{
	ask(false);
	ask(true);
}

static void serve_once(void)
{
	(void)ioas_sva_serve(sva, 1);
}

/* ---- Who takes it away ---- */

static void must(int err)
{
	explore_law(SVA_2, !err, "what has to work did not");
}

static void unbind(void)
{
	must(ioas_sva_unbind(dev, PASID));
	ghost.unbound = true;
	ioas_a32_store(&tick, 2);
	explore_law(SVA_2, ghost.forgotten, "the device was not told");
	explore_law(SVA_5, ghost.answered == ghost.asked,
	            "a group has no answer, or two");
}

/* A step of its own, which one inside of an access comes before or after. */
static void has_ended(void)
{
	ghost.ended[0] = true;
	ioas_a32_store(&tick, 1);
}

static void end(void)
{
	ioas_sva_mm_exit(mm);
	has_ended();
}

/* The number is free for the next one when nothing of the first is left. */
static void replace(void)
{
	const struct ioas_sva_mm_config config = {.memory = &memory[1]};
	struct ioas_sva_mm *next;
	uint32_t pasid;

	must(ioas_sva_mm_create(sva, &config, &next));
	ioas_sva_mm_destroy(mm);
	has_ended();
	explore_law(SVA_1, ioas_sva_bind(dev, next, &pasid) == -ENOSPC,
	            "a number that is bound was given again");
	must(ioas_sva_unbind(dev, PASID));
	must(ioas_sva_bind(dev, next, &pasid));
	explore_law(SVA_1, pasid == PASID, "a free number was not given");
}

static void unbind_other(void)
{
	must(ioas_sva_unbind(dev, PASID));
}

/* ---- Cases ---- */

static void init_bound(void)
{
	const struct ioas_sva_config config = {.pasid_bits = 1};
	const struct ioas_sva_mm_config space = {.memory = &memory[0]};
	const struct ioas_sva_device_config device = {
		.pasid_bits = 1,
		.requests = 2,
		.invalidate = invalidate,
		.respond = respond,
	};
	uint32_t pasid;

	must(ioas_sva_create(&config, &sva));
	must(ioas_sva_mm_create(sva, &space, &mm));
	must(ioas_sva_device_create(sva, &device, &dev));
	must(ioas_sva_bind(dev, mm, &pasid));
}

static void init_twice(void)
{
	uint32_t pasid;

	init_bound();
	must(ioas_sva_bind(dev, mm, &pasid));
}

static void nothing_is_waiting(void)
{
	explore_law(SVA_2, !sva->first && !dev->part, "a request is left");
	explore_law(SVA_5, ghost.answered == ghost.asked,
	            "a group has no answer, or two");
}

static void nothing_is_bound(void)
{
	char byte;

	explore_law(SVA_2,
	            ioas_sva_read(dev, PASID, 0x1000, &byte, 1) == -ENOENT,
	            "bound after as many unbinds");
}

const struct explore_case explore_cases[] = {
	{"unbind", "a device accesses, and is unbound", init_bound,
         .thread = {{"accesses", access_twice}, {"unbinds", unbind}}},
	{"exit", "a device accesses, and the address space ends", init_bound,
         .thread = {{"accesses", access_twice}, {"ends", end}}},
	{"both", "it ends, and is unbound at the same time", init_bound,
         .thread = {{"accesses", access_once},
                    {"ends", end},
                    {"unbinds", unbind}}},
	{"reuse", "the PASID is for another address space then", init_bound,
         .thread = {{"accesses", access_twice}, {"replaces", replace}}},
	{"count", "two unbind what was bound twice", init_twice,
         .thread = {{"unbinds1", unbind_other}, {"unbinds2", unbind_other}},
         .rest = nothing_is_bound},
	{"drain", "a page is asked for and served; the device is unbound",
         init_bound,
         .thread = {{"asks", ask_once},
                    {"serves", serve_once},
                    {"unbinds", unbind}},
         .rest = nothing_is_waiting},
	{"parts", "a group of two; the device is unbound", init_bound,
         .thread = {{"asks", ask_part_and_last}, {"unbinds", unbind}},
         .rest = nothing_is_waiting},
	{"end-served", "a page is served while the address space ends",
         init_bound,
         .thread = {{"asks", ask_once}, {"serves", serve_once}, {"ends", end}}},
	{NULL},
};
