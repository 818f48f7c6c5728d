/* SPDX-License-Identifier: MIT */
/*
 * Linux, before a6cbd44093ef: fork(2) copied the PASID with the rest of an
 * address space. The child named its parent by it, and gave it back at its own
 * end, while the parent's device went on.
 *
 * Here: a child has no PASID and no binding, and ends nothing of its parent's
 * (SVA-7).
 */
#include <sys/wait.h>
#include <unistd.h>

#include "sva/sva.h"
#include "sva_rig.h"

static int child(struct device *d, struct ioas_sva *sva, struct ioas_sva_mm *mm)
{
	const struct ioas_sva_config config = {.pasid_bits = 20};
	const struct ioas_sva_mm_config own = {.memory = NULL};
	struct ioas_sva *mine;
	struct ioas_sva_mm *me;
	char byte;

	ioas_sva_forked();
	if (ioas_sva_any())
		return 1;
	if (ioas_sva_read(d->dev, 1, address_of(&byte), &byte, 1) != -ENOENT)
		return 2;
	ioas_sva_device_destroy(d->dev);
	ioas_sva_mm_destroy(mm);
	ioas_sva_destroy(sva);
	/* It makes its own. */
	if (ioas_sva_create(&config, &mine) ||
	    ioas_sva_mm_create(mine, &own, &me))
		return 3;
	ioas_sva_mm_destroy(me);
	ioas_sva_destroy(mine);
	return 0;
}

static void a_child_neither_has_nor_ends_the_pasid(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct ioas_sva_mm *mm = mm_new(r, sva, NULL);
	static struct device d;
	char byte = 1;
	int status;
	pid_t pid;

	device_new(r, sva, 20, 0, &d);
	assert_int_equal(bind_new(r, &d, mm), 1);
	pid = fork();
	if (!pid)
		_exit(child(&d, sva, mm));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(ioas_sva_any());
	rig_ok(r, ioas_sva_write(d.dev, 1, address_of(&byte), "\2", 1));
	assert_int_equal(byte, 2);
}

RIG_MAIN("bug child_with_the_pasid_of_its_parent",
         RIG_ONCE(a_child_neither_has_nor_ends_the_pasid))
