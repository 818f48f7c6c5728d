/* SPDX-License-Identifier: MIT */
#include "pci/post.h"

#include "base/hooks.h"

#define SLOT(ticket) ((ticket) % IOAS_POST_SLOTS)

_Static_assert((IOAS_POST_SLOTS & (IOAS_POST_SLOTS - 1)) == 0,
               "tickets wrap at 2^32, slots with them");

void ioas_post_init(struct ioas_post *post)
{
	uint32_t i;

	for (i = 0; i < IOAS_POST_SLOTS; i++)
		ioas_a32_store_relaxed(&post->slot[i].turn, i);
}

/* ---- Who puts. ---- */

/* A ticket whose slot is free, or false. */
static bool get_ticket(struct ioas_post *post, uint32_t *ret_ticket)
{
	uint32_t ticket = ioas_a32_load(&post->put);
	uint32_t turn;

	for (;;) {
		/* Pairs with the store in ioas_post_take(). */
		turn = ioas_a32_load(&post->slot[SLOT(ticket)].turn);
		if (turn == ticket) {
			if (ioas_a32_cas(&post->put, &ticket, ticket + 1))
				break;
		} else if ((int32_t)(turn - ticket) < 0) {
			return false;
		} else {
			ticket = ioas_a32_load(&post->put);
		}
	}
	*ret_ticket = ticket;
	return true;
}

bool ioas_post_try(struct ioas_post *post, const struct ioas_posted *store)
{
	uint32_t ticket;

	if (!get_ticket(post, &ticket))
		return false;
	post->slot[SLOT(ticket)].store = *store;
	/* Pairs with the load in ioas_post_any(): the store is seen. */
	ioas_a32_store(&post->slot[SLOT(ticket)].turn, ticket + 1);
	return true;
}

static bool put_or_wait(struct ioas_post *post, const struct ioas_posted *store)
{
	uint32_t seen = ioas_a32_load(&post->taken);
	bool done;

	ioas_a32_add(&post->waiting, 1);
	/* Pairs with the fence in ioas_post_take(): one sees the other. */
	ioas_fence();
	done = ioas_post_try(post, store);
	if (!done)
		ioas_hooks.wait(&post->taken, seen);
	ioas_a32_add(&post->waiting, UINT32_MAX);
	return done;
}

void ioas_post_put(struct ioas_post *post, const struct ioas_posted *store)
{
	if (ioas_post_try(post, store))
		return;
	while (!put_or_wait(post, store))
		;
}

/* ---- Who takes. ---- */

bool ioas_post_any(const struct ioas_post *post)
{
	uint32_t next = ioas_a32_load(&post->taken);

	/* Pairs with the store in ioas_post_try(). */
	return ioas_a32_load(&post->slot[SLOT(next)].turn) == next + 1;
}

bool ioas_post_next(const struct ioas_post *post, struct ioas_posted *ret_store)
{
	/* Relaxed: only who takes writes it. */
	uint32_t next = ioas_a32_load_relaxed(&post->taken);

	if (!ioas_post_any(post))
		return false;
	*ret_store = post->slot[SLOT(next)].store;
	return true;
}

void ioas_post_take(struct ioas_post *post)
{
	uint32_t next = ioas_a32_load_relaxed(&post->taken);

	/* Pairs with the load in get_ticket(): the slot has been read. */
	ioas_a32_store(&post->slot[SLOT(next)].turn, next + IOAS_POST_SLOTS);
	ioas_a32_store(&post->taken, next + 1);
	/* Pairs with the fence in put_or_wait(). */
	ioas_fence();
	if (ioas_a32_load(&post->waiting))
		ioas_hooks.wake(&post->taken);
}

/* ---- The bell. ---- */

bool ioas_bell_ring(struct ioas_bell *bell)
{
	/* Pairs with the fence in ioas_bell_sleep(): one sees the other. */
	ioas_fence();
	if (!ioas_a32_load(&bell->asleep))
		return false;
	ioas_a32_add(&bell->rings, 1);
	ioas_hooks.wake(&bell->rings);
	return true;
}

void ioas_bell_sleep(struct ioas_bell *bell, uint64_t deadline,
                     bool (*ready)(void *context), void *context)
{
	uint32_t seen = ioas_a32_load(&bell->rings);

	ioas_a32_store(&bell->asleep, 1);
	/* Pairs with the fence in ioas_bell_ring(). */
	ioas_fence();
	if (!ready(context))
		ioas_hooks.wait_until(&bell->rings, seen, deadline);
	/* Relaxed: a ring that still finds it asleep is one too many. */
	ioas_a32_store_relaxed(&bell->asleep, 0);
}
