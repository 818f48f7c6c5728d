/* SPDX-License-Identifier: MIT */
/*
 * Linux, sPAPR MAP and UNMAP of an unaligned I/O address: two checks are joined
 * by a logical or, whose value is returned: 1, which no caller takes for an
 * error, and nothing is mapped.
 *
 * Here: -EINVAL; and 1 where that Linux is asked for.
 */
#include "window_rig.h"

static void an_unaligned_address_is_an_error(struct rig *r)
{
	start(r, "power9");
	window_at_0(r);
	rig_fails(r, map(8, 0, 1, RW), -EINVAL);
	rig_fails(r, ioas_windows_unmap(w.ws, 8, IO), -EINVAL);
	w.ws->quirks = IOAS_QUIRKS_LINUX_6_12;
	rig_fails(r, map(8, 0, 1, RW), 1);
	rig_fails(r, ioas_windows_unmap(w.ws, 8, IO), 1);
}

RIG_MAIN("bug error_of_a_logical_or",
         RIG_TEST(an_unaligned_address_is_an_error))
