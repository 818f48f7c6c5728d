/* SPDX-License-Identifier: MIT */
/*
 * What a device access meets. Wait-free: walks of the page table and nothing
 * else, so it can run in a signal handler. What it returns is good until the
 * caller's section ends, because release waits for that (SPACE-2).
 */
#include "space/space.h"

/*
 * Leaves joined in one call. It bounds the work of a call; who wants more
 * calls again, so it is set where a call's fixed cost is small beside it.
 */
#define JOIN_MAX 64

/* An access, and the tables that are asked. */
struct look {
	const struct ioas_space *space;
	const struct ioas_pt *pt;
	uint64_t base; /* what address 0 of the tables is */
	uint64_t at, bytes;
	unsigned int perm;
};

static inline bool walk(const struct look *l, uint64_t at,
                        struct ioas_pt_leaf *leaf)
{
	if (!ioas_pt_walk(l->pt, (struct iova){at - l->base}, leaf))
		return false;
	leaf->last += l->base;
	return true;
}

/*
 * Join what follows the first leaf while it goes on without a gap behind it,
 * up to `bytes`: in the program, whatever it is physically; one leaf is both.
 * A leaf that is missing or not permitted ends it: the fault
 * belongs to the access that gets there.
 */
static uint64_t join(const struct look *l, const struct ioas_pt_leaf *first)
{
	uint64_t start = ioas_space_byte(l->space, first->phys);
	struct ioas_pt_leaf leaf;
	/*
	 * No copy of the leaf: it was stored in parts just now, and a load
	 * across them waits until every store before is in the cache.
	 */
	uint64_t last = first->last, done = 0;
	unsigned int i;

	for (i = 0; i < JOIN_MAX; i++) {
		/* May be 2^64 as a whole, so it is not counted up. */
		uint64_t rest = last - (l->at + done);

		if (rest >= l->bytes - done - 1)
			return l->bytes;
		done += rest + 1;
		if (last == UINT64_MAX)
			return done; /* an access does not wrap */
		if (!walk(l, l->at + done, &leaf) || leaf.lost ||
		    (leaf.perm & l->perm) != l->perm ||
		    ioas_space_byte(l->space, leaf.phys) != start + done)
			return done;
		last = leaf.last;
	}
	return done;
}

/*
 * No access begins before the window and ends in it: what is there is not
 * memory, though a leaf in it may look as if it went on.
 */
static uint64_t bytes_before(const struct ioas_space_msi *msi, uint64_t at,
                             uint64_t bytes)
{
	uint64_t gap = msi->first - at;

	return msi->bytes && gap < bytes ? gap : bytes;
}

/* Of a leaf that is permitted and there: all that follows without a gap. */
static __attribute__((noinline)) uint64_t
bytes_from(const struct ioas_space *space, const struct ioas_pt_leaf *leaf,
           struct iova at, uint64_t bytes, unsigned int perm)
{
	struct look l = {space, &space->pt, 0, at.raw, bytes, perm};

	if (at.raw < space->msi.first)
		l.bytes = bytes_before(&space->msi, at.raw, bytes);
	return l.bytes ? join(&l, leaf) : 0;
}

/* Of an address that leads nowhere, or to an interrupt. */
static __attribute__((noinline)) enum ioas_fault
translate_other(const struct ioas_space *space, struct iova at, uint64_t bytes,
                struct ioas_translation *ret_t)
{
	if (at.raw < space->aperture.first || at.raw > space->aperture.last)
		return IOAS_FAULT_APERTURE;
	if (at.raw - space->msi.first < space->msi.bytes)
		return ioas_space_translate_msi(space, at, bytes, ret_t);
	return IOAS_FAULT_UNMAPPED;
}

/* ---- Parts. ---- */

static const struct ioas_space_part *part_at(const struct ioas_space *space,
                                             uint64_t at)
{
	/* Pairs with the exchange in ioas_space_show(). */
	const struct ioas_space_parts *parts = ioas_aptr_load(&space->parts);
	unsigned int i;

	for (i = 0; parts && i < parts->count; i++)
		if (at >= parts->part[i].range.first &&
		    at <= parts->part[i].range.last)
			return &parts->part[i];
	return NULL;
}

static enum ioas_fault find(const struct look *l,
                            struct ioas_translation *ret_t)
{
	struct ioas_pt_leaf leaf;

	if (!walk(l, l->at, &leaf))
		return IOAS_FAULT_UNMAPPED;
	if ((leaf.perm & l->perm) != l->perm)
		return IOAS_FAULT_PERMISSION;
	if (leaf.lost)
		return IOAS_FAULT_GONE;
	ret_t->pointer =
		(void *)(uintptr_t)ioas_space_byte(l->space, leaf.phys);
	ret_t->bytes = l->bytes ? join(l, &leaf) : 0;
	return IOAS_FAULT_NONE;
}

/* No piece goes on behind the part it begins in. */
static __attribute__((noinline)) enum ioas_fault
translate_in_part(const struct ioas_space *space, struct iova at,
                  uint64_t bytes, unsigned int perm,
                  struct ioas_translation *ret_t)
{
	const struct ioas_space_part *part = part_at(space, at.raw);
	struct look l = {space, NULL, 0, at.raw, bytes, perm};

	if (at.raw - space->msi.first < space->msi.bytes)
		return ioas_space_translate_msi(space, at, bytes, ret_t);
	if (!part)
		return IOAS_FAULT_APERTURE;
	l.pt = part->pt;
	l.base = part->range.first;
	if (at.raw < space->msi.first)
		l.bytes = bytes_before(&space->msi, at.raw, bytes);
	if (l.bytes && l.bytes - 1 > part->range.last - l.at)
		l.bytes = part->range.last - l.at + 1;
	return find(&l, ret_t);
}

struct ioas_space_parts *ioas_space_show(struct ioas_space *space,
                                         struct ioas_space_parts *parts)
{
	/* Pairs with the load in part_at(). */
	return ioas_aptr_exchange(&space->parts, parts);
}

/*
 * The usual access lies in one leaf and ends before the window, or begins
 * behind it; nothing is mapped outside of the aperture. The rest is apart, so
 * that this has few registers to save.
 */
enum ioas_fault ioas_space_translate(const struct ioas_space *space,
                                     struct iova at, uint64_t bytes,
                                     unsigned int perm,
                                     struct ioas_translation *ret_t)
{
	uint64_t into = at.raw - space->msi.first;
	struct ioas_pt_leaf leaf;

	if (__builtin_expect(space->parted, 0))
		return translate_in_part(space, at, bytes, perm, ret_t);
	if (__builtin_expect(into < space->msi.bytes, 0) ||
	    __builtin_expect(!ioas_pt_walk(&space->pt, at, &leaf), 0))
		return translate_other(space, at, bytes, ret_t);
	if ((leaf.perm & perm) != perm)
		return IOAS_FAULT_PERMISSION;
	if (leaf.lost)
		return IOAS_FAULT_GONE;
	ret_t->pointer = (void *)(uintptr_t)ioas_space_byte(space, leaf.phys);
	ret_t->bytes = bytes;
	if (__builtin_expect(bytes - 1 > leaf.last - at.raw, 0) ||
	    __builtin_expect(-into < bytes, 0)) {
		/* A copy, so that the usual way has none of it in memory. */
		struct ioas_pt_leaf first = leaf;

		ret_t->bytes = bytes_from(space, &first, at, bytes, perm);
	}
	return IOAS_FAULT_NONE;
}
