/* SPDX-License-Identifier: MIT */
/*
 * Claims on numbers. They are few (one a device), so a sorted list is walked
 * where one is made and where a foreign number is looked up; a device's own
 * messages, which are all that matter for speed, meet nothing but its claim.
 */
#include "msi/msi.h"

#include <errno.h>
#include <string.h>

#include "base/law.h"

/* Does @other stand in the way of a claim like @claim? */
static bool shares(const struct ioas_msi *msi,
                   const struct ioas_msi_claim *claim,
                   const struct ioas_msi_claim *other)
{
	return !msi->kind->per_requester ||
	       other->requester == claim->requester;
}

static uint32_t align_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/* The first gap that is large enough; *ret_link is where it goes. */
static int find_gap_locked(struct ioas_msi *msi,
                           const struct ioas_msi_claim *claim, uint32_t count,
                           uint32_t alignment,
                           struct ioas_msi_claim ***ret_link)
{
	uint32_t first = align_up(msi->kind->first, alignment);
	struct ioas_msi_claim **link = &msi->claims;

	for (; *link; link = &(*link)->next) {
		if (!shares(msi, claim, *link))
			continue;
		if (first + count <= (*link)->first)
			break;
		first = align_up((*link)->first + (*link)->count, alignment);
	}
	if (count > msi->kind->end || first > msi->kind->end - count)
		return -ENOSPC;
	*ret_link = link;
	return (int)first;
}

int ioas_msi_claim(struct ioas_msi *msi, struct ioas_msi_claim *claim,
                   uint32_t count, bool aligned)
{
	struct ioas_msi_claim **link;
	int first;

	ioas_law(MSI_7, claim->count == 0);
	ioas_lock(&msi->lock);
	first = find_gap_locked(msi, claim, count,
	                        aligned ? power_of_two(count) : 1, &link);
	if (first >= 0) {
		claim->first = (uint32_t)first;
		claim->count = count;
		claim->next = *link;
		*link = claim;
	}
	ioas_unlock(&msi->lock);
	return first < 0 ? first : 0;
}

void ioas_msi_unclaim(struct ioas_msi *msi, struct ioas_msi_claim *claim)
{
	struct ioas_msi_claim **link = &msi->claims;

	if (!claim->count)
		return;
	ioas_lock(&msi->lock);
	while (*link != claim)
		link = &(*link)->next;
	*link = claim->next;
	claim->count = 0;
	ioas_unlock(&msi->lock);
}

struct ioas_message ioas_msi_compose(const struct ioas_msi *msi,
                                     const struct ioas_msi_claim *claim,
                                     uint32_t vector, bool block)
{
	uint32_t number = claim->first + vector;

	ioas_law(MSI_8, vector < claim->count);
	return msi->kind->compose(msi->kind, block ? claim->first : number,
	                          number);
}

enum ioas_msi_verdict ioas_msi_decode(const struct ioas_msi *msi,
                                      const struct ioas_msi_claim *claim,
                                      const struct ioas_message *message,
                                      uint32_t *ret_number)
{
	if (!msi->kind->decode(msi->kind, message, ret_number))
		return IOAS_MSI_NONSENSE;
	return *ret_number - claim->first < claim->count ? IOAS_MSI_OWN
	                                                 : IOAS_MSI_FOREIGN;
}

static struct ioas_msi_claim *owner_locked(struct ioas_msi *msi,
                                           const struct ioas_msi_claim *claim,
                                           uint32_t number)
{
	struct ioas_msi_claim *other = msi->claims;

	while (other && !(shares(msi, claim, other) &&
	                  number - other->first < other->count))
		other = other->next;
	return other;
}

static void put_name(const char *name, struct ioas_msi_owner *ret_owner)
{
	size_t i;

	for (i = 0; name[i] && i < sizeof(ret_owner->name) - 1; i++)
		ret_owner->name[i] = name[i];
	ret_owner->name[i] = '\0';
}

void ioas_msi_meet(struct ioas_msi *msi, const struct ioas_msi_claim *claim,
                   uint32_t number, struct ioas_msi_owner *ret_owner)
{
	const struct ioas_msi_claim *owner;

	memset(ret_owner, 0, sizeof(*ret_owner));
	ioas_lock(&msi->lock);
	owner = owner_locked(msi, claim, number);
	if (owner) {
		put_name(owner->name, ret_owner);
		ret_owner->vector = number - owner->first;
		ret_owner->raised = !msi->kind->isolated;
	}
	/* MSI-7: under the lock that takes the event away. */
	if (owner && !msi->kind->isolated &&
	    owner->event[ret_owner->vector] >= 0)
		ioas_hooks.signal(owner->event[ret_owner->vector]);
	ioas_unlock(&msi->lock);
}
