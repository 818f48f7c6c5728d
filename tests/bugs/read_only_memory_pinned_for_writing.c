/* SPDX-License-Identifier: MIT */
/*
 * Linux, MAP_DMA of sPAPR v1: whether to pin for writing is taken from the low
 * bits of the address, which are 0, and so means both. Memory that the program
 * may only read is always -EFAULT.
 *
 * Here: pinned for what was asked.
 */
#include "mem/backend.h"
#include "mem_rig.h"

static void memory_is_pinned_for_what_was_asked(struct rig *r)
{
	struct ioas_register what;

	start_on(r, rig_backend());
	rig_read_only(r, m.memory, pages(4));
	what = range(0, 4);
	what.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	what = range(4, 4);
	what.perm = IOAS_WRITE;
	rig_ok(r, ioas_holder_register(m.a, &what, NULL));
	rig_read_only(r, m.memory + pages(8), pages(4));
	what = range(8, 4);
	what.perm = IOAS_WRITE;
	rig_fails(r, ioas_holder_register(m.a, &what, NULL), -EFAULT);
}

RIG_MAIN("bug read_only_memory_pinned_for_writing",
         RIG_TEST(memory_is_pinned_for_what_was_asked))
