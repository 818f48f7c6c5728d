/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem/batch.h"
#include "mem_rig.h"

#define BATCH  203 /* no multiple of any width */
#define LENGTH 40  /* more than two of the widest */
#define KEPT   UINT64_C(0x5a5a5a5a5a5a5a5a)

/* Five pages for all, two to be read, and nothing else. */
static void start(struct rig *r)
{
	struct ioas_register read_only;

	start_on(r, rig_backend());
	rig_ok(r, enter(m.a, 3, 5));
	read_only = range(9, 2);
	read_only.perm = IOAS_READ;
	rig_ok(r, ioas_holder_register(m.a, &read_only, NULL));
}

/* All kinds in no order; every fourth is outside of any table. */
static void fill(struct rig *r, uint64_t *uaddr, size_t n, bool outside)
{
	static const uint64_t odd[] = {UINT64_MAX, 0, UINT64_C(1) << 48,
	                               UINT64_C(1) << 63};
	size_t i;

	for (i = 0; i < n; i++) {
		uaddr[i] = page(0) + rig_random_below(r, pages(PAGES));
		if (outside && rig_random_below(r, 4) == 0)
			uaddr[i] = odd[rig_random_below(r, 4)];
	}
}

/* Answers of @batch are those of each by itself; @good of them. */
static void same_one_by_one(const struct ioas_mem_batch *batch, size_t good)
{
	size_t i, there = 0;
	uint64_t one;

	for (i = 0; i < batch->n; i++) {
		one = ioas_registry_translate(m.registry, batch->uaddr[i],
		                              batch->perm);
		there += one != IOAS_MEM_NONE;
		assert_true(batch->phys[i] == one);
	}
	assert_true(good == there);
}

static void a_batch_is_as_good_as_each_by_itself(struct rig *r)
{
	uint64_t uaddr[BATCH], phys[BATCH];
	struct ioas_mem_batch batch = {uaddr, phys, BATCH, RW};
	size_t good;

	start(r);
	fill(r, uaddr, BATCH, true);
	good = ioas_registry_translate_batch(m.registry, &batch);
	assert_true(good > 0 && good < BATCH);
	same_one_by_one(&batch, good);
	batch.perm = 0;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) == 0);
	batch.perm = IOAS_READ;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) > good);
	batch.n = 0;
	assert_true(ioas_registry_translate_batch(m.registry, &batch) == 0);
}

static void a_batch_of_any_length_ends_where_it_ends(struct rig *r)
{
	uint64_t uaddr[LENGTH], phys[LENGTH + 1];
	struct ioas_mem_batch batch = {uaddr, phys, 0, IOAS_READ};
	size_t good;

	start(r);
	for (; batch.n <= LENGTH; batch.n++) {
		fill(r, uaddr, batch.n, batch.n & 1);
		phys[batch.n] = KEPT;
		good = ioas_registry_translate_batch(m.registry, &batch);
		same_one_by_one(&batch, good);
		assert_true(phys[batch.n] == KEPT);
	}
}

/* One form, from a round up to several, of all permissions and none. */
static void try_form(struct rig *r, const struct ioas_batch_form *form)
{
	static const unsigned int perms[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 52, 53, 54, 64, 1u << 31, UINT32_MAX};
	uint64_t uaddr[LENGTH], phys[LENGTH + 1];
	struct ioas_mem_batch batch = {uaddr, phys, form->width, 0};
	size_t i, good;

	for (; batch.n <= LENGTH; batch.n += form->width)
		for (i = 0; i < sizeof(perms) / sizeof(perms[0]); i++) {
			batch.perm = perms[i];
			fill(r, uaddr, batch.n, i & 1);
			phys[batch.n] = KEPT;
			good = form->translate(ioas_registry_view(m.registry),
			                       &batch);
			same_one_by_one(&batch, good);
			assert_true(phys[batch.n] == KEPT);
		}
}

/* Addresses that are all there, as most are: no round is by turns. */
static void try_what_is_there(struct rig *r, const struct ioas_batch_form *form)
{
	uint64_t uaddr[LENGTH], phys[LENGTH];
	struct ioas_mem_batch batch = {uaddr, phys, form->width, RW};
	size_t i;

	for (i = 0; i < batch.n; i++)
		uaddr[i] = page(3) + rig_random_below(r, pages(5));
	assert_true(form->translate(ioas_registry_view(m.registry), &batch) ==
	            batch.n);
	for (i = 0; i < batch.n; i++)
		assert_true(phys[i] == backend_frame(uaddr[i]));
}

static void every_form_answers_alike(struct rig *r)
{
	const struct ioas_batch_form *const *form = ioas_batch_forms();
	unsigned int forms = 0;

	start(r);
	/* They are for a shadow. */
	for (; *form && ioas_registry_view(m.registry)->shadow; form++) {
		try_form(r, *form);
		try_what_is_there(r, *form);
		forms++;
	}
	assert_true(forms > 0 || !ioas_registry_view(m.registry)->shadow);
}

RIG_MAIN("mem_batch", RIG_TEST(a_batch_is_as_good_as_each_by_itself),
         RIG_TEST(a_batch_of_any_length_ends_where_it_ends),
         RIG_TEST(every_form_answers_alike))
