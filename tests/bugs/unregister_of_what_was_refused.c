/* SPDX-License-Identifier: MIT */
/*
 * QEMU 10, vfio_prereg_listener: when REGISTER_MEMORY fails, its own function
 * returns -1 where -errno is meant, so every reason is printed as "Operation
 * not permitted"; then it unregisters the memory that was never registered.
 *
 * A program that hides its errno is no reason for another one: each refusal has
 * its own, and the call that follows finds nothing, also where part of the
 * memory is registered by somebody. Nothing is pinned or charged for either.
 */
#include "spapr_calls.h"

static char *memory;

static int stand(struct rig *r, uint64_t memlock_pages)
{
	int group;

	memory = rig_memory(r, 8 * rig_page());
	more_profile = "power9";
	more_contract = IOAS_CONTRACT_STRICT;
	world_begin_limited(r, memlock_pages);
	return windows_of(r, 1, V2, &group);
}

/* What QEMU does, and that neither call has left anything. */
static void refused(struct rig *r, int container, unsigned int page,
                    unsigned int pages, int why)
{
	char *start = memory + page * rig_page();
	uint64_t bytes = pages * rig_page(), before = rig_pinned_bytes(r);

	rig_fails(r, register_memory(container, start, bytes), why);
	rig_fails(r, unregister_memory(container, start, bytes), -ENOENT);
	assert_true(rig_pinned_bytes(r) == before);
}

static void each_refusal_has_its_errno_and_leaves_nothing(struct rig *r)
{
	int container = stand(r, 4);

	refused(r, container, 0, 5, -ENOMEM);
	rig_ok(r, register_memory(container, memory, 2 * rig_page()));
	refused(r, container, 0, 3, -ENOMEM);
	refused(r, container, 1, 2, -EINVAL);
	rig_hole(r, memory + 6 * rig_page(), rig_page());
	refused(r, container, 6, 1, -EFAULT);
	refused(r, container, 5, 2, -EFAULT);
	/* All that may be pinned can be, but for what is. */
	rig_ok(r, register_memory(container, memory + 2 * rig_page(),
	                          2 * rig_page()));
	rig_ok(r, unregister_memory(container, memory, 2 * rig_page()));
}

/* Nor is what stays there another container's loss. */
static void what_another_container_has_stays(struct rig *r)
{
	int first = stand(r, UINT64_MAX), second, group;

	second = windows_of(r, 2, V2, &group);
	rig_ok(r, register_memory(first, memory, 4 * rig_page()));
	refused(r, second, 2, 4, -EINVAL);
	rig_fails(r, unregister_memory(second, memory, 4 * rig_page()),
	          -ENOENT);
	assert_true(rig_pinned_bytes(r) == 4 * rig_page());
	rig_ok(r, map(first, 0, memory, rig_page()));
}

RIG_MAIN("bug unregister_of_what_was_refused",
         RIG_TEST(each_refusal_has_its_errno_and_leaves_nothing),
         RIG_TEST(what_another_container_has_stays))
