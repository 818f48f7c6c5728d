/* SPDX-License-Identifier: MIT */
#include "preload/later.h"

#include "base/grace.h"
#include "base/hooks.h"
#include "preload/wrap.h"

struct ioas_aptr ioas_unburied; /* struct ioas_dead, by next */

static void push(struct ioas_dead *dead)
{
	void *first = ioas_aptr_load(&ioas_unburied);

	do
		dead->next = first;
	/* Pairs with the exchange in ioas_bury_rest(): next is seen. */
	while (!ioas_aptr_cas(&ioas_unburied, &first, dead));
}

void ioas_bury(struct ioas_dead *dead)
{
	struct ioas_signals saved;

	if (ioas_grace_inside(IOAS_GRACE_FILE)) {
		push(dead);
		return;
	}
	/* A handler that is left by siglongjmp(3) would leave it undone. */
	ioas_hooks.signals_block(&saved);
	ioas_grace_sync(IOAS_GRACE_FILE);
	dead->end(dead);
	ioas_bury_what_is_left();
	ioas_hooks.signals_restore(&saved);
}

static void end_all(struct ioas_dead *dead)
{
	struct ioas_dead *next;

	ioas_grace_sync(IOAS_GRACE_FILE);
	for (; dead; dead = next) {
		next = dead->next;
		dead->end(dead);
	}
}

void ioas_bury_rest(void)
{
	struct ioas_signals saved;
	struct ioas_dead *dead;

	if (ioas_grace_inside(IOAS_GRACE_FILE))
		return;
	ioas_hooks.signals_block(&saved);
	/* Pairs with the push in ioas_bury(). */
	dead = ioas_aptr_exchange(&ioas_unburied, NULL);
	if (dead)
		end_all(dead);
	ioas_hooks.signals_restore(&saved);
}

void ioas_bury_forked(void)
{
	/* Relaxed: a forked child has one thread. */
	ioas_aptr_store_relaxed(&ioas_unburied, NULL);
}
