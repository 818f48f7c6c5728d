/* SPDX-License-Identifier: MIT */
/*
 * Pins, exit, invalidation: laws ASID-2 and ASID-7 to ASID-11.
 *
 * A context's pins are one word. From 0 and to 0 it goes under the lock, with
 * its bit in the map of pinned numbers; between others without:
 *
 *	0 --pin, lock--> 1 <--> 2 <--> ...        by compare and swap
 *	1 --unpin--> 1 and GOING --forget, lock--> 0
 *	                  \--pin, lock--> 2: GOING is gone; forget comes anew
 *
 * A device of that new pin may have cached what forget would have missed. From
 * 0 and from GOING nobody goes without the lock, so these are left by a store.
 */
#include <errno.h>

#include "asid/asid.h"

/* ---- Pin ---- */

static uint32_t bit_of(const struct ioas_asids *asids, uint64_t id)
{
	return ioas_asid_number(asids, id) >> asids->step_lg2;
}

/* One more. Return: 0, an errno, or 1: there is none that does not go. */
static int pin_again(struct ioas_asid_context *context)
{
	struct ioas_a32 *pins = ioas_asid_pins(context);
	uint32_t seen = ioas_a32_load(pins);

	do {
		if (seen & IOAS_ASID_EXITED)
			return -ESRCH;
		if (!seen || seen & IOAS_ASID_GOING)
			return 1;
		if ((seen & IOAS_ASID_PINS) == IOAS_ASID_PINS)
			return -EOVERFLOW;
		/* Pairs with the one that made the first: its id is there. */
	} while (!ioas_a32_cas(pins, &seen, seen + 1));
	return 0;
}

/* The first. Return: 0 or -ENOSPC. */
static int pin_first_locked(struct ioas_asids *asids,
                            struct ioas_asid_context *context,
                            bool *ret_renumbered)
{
	struct ioas_asid_report *report = &asids->report;
	uint64_t id;

	if (report->pinned >= report->limit) {
		report->refused++;
		return -ENOSPC;
	}
	id = ioas_asid_renew_locked(asids, context, ret_renumbered);
	ioas_asid_set(asids->pinned, bit_of(asids, id));
	report->pinned++;
	if (report->pinned > report->most_pinned)
		report->most_pinned = report->pinned;
	/* Pairs with pin_again(). From 0 it goes only here. */
	ioas_a32_store(ioas_asid_pins(context), 1);
	return 0;
}

static int pin_locked(struct ioas_asids *asids,
                      struct ioas_asid_context *context, uint64_t *ret_id,
                      bool *ret_renumbered)
{
	struct ioas_a32 *pins = ioas_asid_pins(context);
	int rc = pin_again(context);
	uint32_t seen;

	if (rc > 0) {
		seen = ioas_a32_load_relaxed(pins);
		rc = seen ? 0
		          : pin_first_locked(asids, context, ret_renumbered);
		/* Who waits for devices to forget still has the other. */
		if (seen)
			ioas_a32_store(pins, (seen & ~IOAS_ASID_GOING) + 1);
	}
	*ret_id = ioas_a64_load_relaxed(ioas_asid_cell(&context->id));
	return rc;
}

int ioas_asid_pin_slow(struct ioas_asid_context *context, uint32_t *ret_number)
{
	struct ioas_asids *asids = context->asids;
	bool renumbered = false;
	uint64_t id;
	int rc;

	ioas_light_lock(&asids->lock);
	rc = pin_locked(asids, context, &id, &renumbered);
	ioas_light_unlock(&asids->lock);
	if (renumbered)
		ioas_asid_tell(asids, context, id);
	if (!rc && ret_number)
		*ret_number = ioas_asid_number(asids, id) | asids->step_lg2;
	return rc;
}

/* ---- Unpin ---- */

/* Return: another pin is left. Otherwise it is marked as going. */
static bool unpin_one_of_many(struct ioas_asid_context *context)
{
	struct ioas_a32 *pins = ioas_asid_pins(context);
	uint32_t seen = ioas_a32_load(pins), next;

	do {
		ioas_law(ASID_2, (seen & IOAS_ASID_PINS) != 0);
		ioas_law(ASID_2, !(seen & IOAS_ASID_GOING));
		next = (seen & IOAS_ASID_PINS) == 1 ? seen | IOAS_ASID_GOING
		                                    : seen - 1;
	} while (!ioas_a32_cas(pins, &seen, next));
	return !(next & IOAS_ASID_GOING);
}

/* Return: false when somebody has pinned it since. */
static bool unpin_last_locked(struct ioas_asids *asids,
                              struct ioas_asid_context *context,
                              bool *ret_exited)
{
	struct ioas_a32 *pins = ioas_asid_pins(context);
	uint32_t seen = ioas_a32_load(pins);
	uint64_t id;

	if (!(seen & IOAS_ASID_GOING))
		return false;
	/* From GOING it goes under the lock alone. */
	ioas_a32_store(pins, seen & IOAS_ASID_EXITED);
	id = ioas_a64_load_relaxed(ioas_asid_cell(&context->id));
	/* Its bit in the map of this generation stays (ASID-8). */
	ioas_asid_clear(asids->pinned, bit_of(asids, id));
	asids->report.pinned--;
	*ret_exited = seen & IOAS_ASID_EXITED;
	return true;
}

bool ioas_asid_unpin_slow(struct ioas_asid_context *context)
{
	struct ioas_asids *asids = context->asids;
	bool exited = false, gone = false;

	while (!gone && !unpin_one_of_many(context)) {
		if (asids->ops->forget)
			asids->ops->forget(asids->arg, context,
			                   ioas_asid_pinned_number(context));
		ioas_light_lock(&asids->lock);
		gone = unpin_last_locked(asids, context, &exited);
		ioas_light_unlock(&asids->lock);
	}
	return exited;
}

/* ---- Exit ---- */

bool ioas_asid_context_exit(struct ioas_asid_context *context)
{
	struct ioas_asids *asids = context->asids;
	struct ioas_a32 *pins = ioas_asid_pins(context);
	uint32_t seen;

	ioas_light_lock(&asids->lock);
	seen = ioas_a32_load(pins);
	ioas_law(ASID_11, !(seen & IOAS_ASID_EXITED));
	while (!ioas_a32_cas(pins, &seen, seen | IOAS_ASID_EXITED))
		;
	ioas_light_unlock(&asids->lock);
	return !(seen & IOAS_ASID_PINS);
}

/* ---- Invalidation ---- */

void ioas_asid_invalidate(struct ioas_asid_context *context, uint64_t first,
                          uint64_t last)
{
	struct ioas_asids *asids = context->asids;
	struct ioas_asid_invalidation what = {
		.context = context,
		.count = 1u << asids->step_lg2,
		.first = first,
		.last = last,
	};
	uint64_t id;

	/*
	 * What the caller wrote to tables is seen before the id is read. Pairs
	 * with the lock that a context gets its id under: either this finds
	 * that id, or who walks tables under it finds what was written.
	 */
	ioas_fence();
	id = ioas_a64_load(ioas_asid_cell(&context->id));
	if (!id || !asids->ops->invalidate)
		return;
	what.number = ioas_asid_number(asids, id);
	asids->ops->invalidate(asids->arg, &what);
}
