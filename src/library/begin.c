/* SPDX-License-Identifier: MIT */
/* What a process that embeds libioas calls first: <ioas/mem.h>. */
#include <pthread.h>

#include "base/grace.h"
#include "host/host.h"
#include "iova/alloc.h"
#include "mem/mem.h"
#include "space/move.h"
#include "sva/sva.h"

enum { NOT_BEGUN, BEGINNING, BEGUN };

/*
 * Threads of the parent are not here: what they held is held by nobody, and
 * sections they were in never end.
 */
static void forked(void)
{
	ioas_host_alloc_forked();
	ioas_host_reserve_forked();
	ioas_grace_forked();
	ioas_spaces_forked();
	ioas_iova_forked();
	ioas_pins_forked();
	ioas_sva_forked();
}

void ioas_begin(void)
{
	static struct ioas_a32 state;
	uint32_t seen = NOT_BEGUN;

	if (ioas_a32_cas(&state, &seen, BEGINNING)) {
		ioas_host_hooks(&ioas_hooks);
		/* Without memory for it there is none for anything else. */
		pthread_atfork(NULL, NULL, forked);
		/* Pairs with the load below. */
		ioas_a32_store(&state, BEGUN);
	}
	/* There is nothing to sleep by before it is done. */
	while (ioas_a32_load(&state) != BEGUN)
		;
}
