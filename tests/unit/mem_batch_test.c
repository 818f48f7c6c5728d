/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem/batch.h"
#include "mem_rig.h"

static void start(struct rig *r)
{
	start_on(r, &ioas_backend_identity);
}

#define BATCH 203 /* no multiple of any width */

/* Each form that there is here, and each address by itself, agree. */
static void compare_forms(const struct ioas_mem_batch *batch, size_t good)
{
	const struct ioas_batch_form *const *form = ioas_batch_forms();
	const struct ioas_mem_view *view = ioas_registry_view(m.registry);
	uint64_t phys[BATCH];
	size_t wide, i, count;

	for (; *form && view->shadow; form++) {
		struct ioas_mem_batch same = *batch;

		wide = batch->n - batch->n % (*form)->width;
		same.phys = phys;
		same.n = wide;
		count = (*form)->translate(view, &same);
		for (i = wide; i < batch->n; i++)
			count += batch->phys[i] != IOAS_MEM_NONE;
		assert_true(count == good);
		assert_memory_equal(phys, batch->phys, wide * sizeof(phys[0]));
	}
}

static void a_batch_is_as_good_as_each_by_itself(struct rig *r)
{
	uint64_t uaddr[BATCH], phys[BATCH], one;
	struct ioas_mem_batch batch = {uaddr, phys, BATCH, RW};
	struct ioas_register read_only;
	size_t i, good, there = 0;

	start(r);
	rig_ok(r, enter(m.a, 3, 5));
	read_only = range(9, 2);
	read_only.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &read_only, NULL));
	for (i = 0; i < BATCH; i++)
		uaddr[i] = page(0) + rig_random_below(r, pages(PAGES));
	uaddr[0] = UINT64_MAX;
	uaddr[1] = 0;
	uaddr[2] = UINT64_C(1) << 48;
	uaddr[3] = UINT64_C(1) << 63;
	good = ioas_registry_translate_batch(m.registry, &batch);
	for (i = 0; i < BATCH; i++) {
		bool is = translated(uaddr[i], RW, &one);

		there += is;
		assert_true(phys[i] == (is ? one : IOAS_MEM_NONE));
	}
	assert_true(good == there && good > 0 && good < BATCH);
	compare_forms(&batch, good);
	batch.perm = 0;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) == 0);
	batch.perm = IOAS_READ;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) > good);
	batch.n = 0;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) == 0);
}

RIG_MAIN("mem_batch", RIG_TEST(a_batch_is_as_good_as_each_by_itself))
