/* SPDX-License-Identifier: MIT */
/* What a process that embeds libioas calls first: <ioas/mem.h>. */
#include <ioas/mem.h>

#include "base/atomic.h"
#include "host/host.h"

enum { NOT_BEGUN, BEGINNING, BEGUN };

void ioas_begin(void)
{
	static struct ioas_a32 state;
	uint32_t seen = NOT_BEGUN;

	if (ioas_a32_cas(&state, &seen, BEGINNING)) {
		ioas_host_hooks(&ioas_hooks);
		/* Pairs with the load below. */
		ioas_a32_store(&state, BEGUN);
	}
	/* There is nothing to sleep by before it is done. */
	while (ioas_a32_load(&state) != BEGUN)
		;
}
