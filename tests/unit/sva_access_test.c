/* SPDX-License-Identifier: MIT */
/* What a device does by PASID: src/sva/access.c, and this process's memory. */
#include "sva/sva.h"
#include "sva_rig.h"

struct bench {
	struct ioas_sva *sva;
	struct ioas_sva_mm *mm;
	struct device d;
	uint32_t pasid;
	char *memory; /* three pages */
	size_t page;
};

static void begin(struct rig *r, struct bench *b)
{
	b->page = rig_page();
	b->memory = rig_memory(r, 3 * b->page);
	b->sva = sva_new(r, 20);
	b->mm = mm_new(r, b->sva, NULL);
	device_new(r, b->sva, 20, 8, &b->d);
	b->pasid = bind_new(r, &b->d, b->mm);
}

static int get(struct bench *b, const void *from, void *to, size_t bytes)
{
	return ioas_sva_read(b->d.dev, b->pasid, address_of(from), to, bytes);
}

static int put(struct bench *b, void *to, const void *from, size_t bytes)
{
	return ioas_sva_write(b->d.dev, b->pasid, address_of(to), from, bytes);
}

static uint64_t faults(struct bench *b)
{
	struct ioas_sva_stats stats;

	ioas_sva_device_stats(b->d.dev, &stats);
	return stats.faults;
}

static void a_device_works_on_the_programs_own_addresses(struct rig *r)
{
	char mine[300], theirs[300] = "on the stack, at no I/O address";
	static struct bench b;

	begin(r, &b);
	rig_ok(r, get(&b, theirs, mine, sizeof(mine)));
	assert_memory_equal(mine, theirs, sizeof(mine));
	rig_ok(r, put(&b, b.memory + b.page - 100, mine, sizeof(mine)));
	assert_memory_equal(b.memory + b.page - 100, theirs, sizeof(mine));
	/* Nothing is pinned for it. */
	assert_int_equal(rig_pinned_bytes(r), 0);
	rig_ok(r, get(&b, NULL, mine, 0));
	rig_ok(r, put(&b, NULL, mine, 0));
	assert_int_equal(faults(&b), 0);
}

/* covers: ioas_sva_read -EFAULT, ioas_sva_write -EFAULT */
static void SVA_6_what_the_program_may_not_do_the_device_may_not(struct rig *r)
{
	char byte = 'n';
	static struct bench b;

	begin(r, &b);
	rig_ok(r, put(&b, b.memory + b.page, "y", 1));
	rig_read_only(r, b.memory + b.page, b.page);
	rig_fails(r, put(&b, b.memory + b.page, "z", 1), -EFAULT);
	rig_ok(r, get(&b, b.memory + b.page, &byte, 1));
	assert_int_equal(byte, 'y');
	rig_hole(r, b.memory + 2 * b.page, b.page);
	rig_fails(r, get(&b, b.memory + 2 * b.page, &byte, 1), -EFAULT);
	rig_fails(r, put(&b, b.memory + 2 * b.page, "z", 1), -EFAULT);
	/* A range that wraps is none. */
	rig_fails(r, ioas_sva_read(b.d.dev, b.pasid, UINT64_MAX - 1, &byte, 4),
	          -EFAULT);
	rig_fails(r, ioas_sva_write(b.d.dev, b.pasid, UINT64_MAX - 1, &byte, 4),
	          -EFAULT);
	assert_int_equal(faults(&b), 5);
}

/* covers: ioas_sva_read -ENOENT, ioas_sva_write -ENOENT */
static void an_access_needs_a_pasid_that_is_bound(struct rig *r)
{
	static const uint32_t wrong[] = {IOAS_NO_PASID, 2,        512,
	                                 1u << 19,      1u << 20, UINT32_MAX};
	char byte = 'n';
	unsigned int i;
	static struct bench b;

	begin(r, &b);
	assert_int_equal(b.pasid, 1);
	for (i = 0; i < IOAS_ARRAY_SIZE(wrong); i++) {
		b.pasid = wrong[i];
		rig_fails(r, get(&b, b.memory, &byte, 1), -ENOENT);
		rig_fails(r, put(&b, b.memory, "z", 1), -ENOENT);
	}
	assert_int_equal(byte, 'n');
	assert_int_equal(b.memory[0], 0);
}

/* covers: ioas_sva_read -ESRCH, ioas_sva_write -ESRCH */
static void SVA_4_what_has_ended_is_not_touched_and_stays_bound(struct rig *r)
{
	char byte = 'n';
	static struct bench b;

	begin(r, &b);
	ioas_sva_mm_exit(b.mm);
	assert_int_equal(b.d.invalidations, 1);
	rig_fails(r, get(&b, b.memory, &byte, 1), -ESRCH);
	rig_fails(r, put(&b, b.memory, "z", 1), -ESRCH);
	assert_int_equal(byte, 'n');
	assert_int_equal(b.memory[0], 0);
	assert_int_equal(bound_of(&b.d), 1);
	rig_ok(r, ioas_sva_unbind(b.d.dev, b.pasid));
	rig_fails(r, get(&b, b.memory, &byte, 1), -ENOENT);
}

static void SVA_4_memory_that_says_it_has_ended_is_asked_no_more(struct rig *r)
{
	struct ioas_sva *sva = sva_new(r, 20);
	struct array array = array_new();
	struct ioas_sva_mm *mm = mm_new(r, sva, &array);
	static struct device d;
	uint32_t pasid;
	char byte;

	device_new(r, sva, 20, 0, &d);
	pasid = bind_new(r, &d, mm);
	array.answer = -ESRCH;
	rig_fails(r, ioas_sva_write(d.dev, pasid, ARRAY_AT, "a", 1), -ESRCH);
	array.answer = 0;
	rig_fails(r, ioas_sva_read(d.dev, pasid, ARRAY_AT, &byte, 1), -ESRCH);
	assert_int_equal(ioas_a32_load(&array.asked), 1);
}

static void pointers_are_for_this_processs_own_memory(struct rig *r)
{
	struct array array = array_new();
	static struct bench b;
	uint32_t other;

	begin(r, &b);
	other = bind_new(r, &b.d, mm_new(r, b.sva, &array));
	rig_ok(r, ioas_sva_own(b.d.dev, b.pasid, 0, UINT64_MAX));
	rig_fails(r, ioas_sva_own(b.d.dev, b.pasid, 2, UINT64_MAX), -EFAULT);
	rig_fails(r, ioas_sva_own(b.d.dev, other, ARRAY_AT, 1), -EFAULT);
	rig_fails(r, ioas_sva_own(b.d.dev, 17, 0, 1), -ENOENT);
	ioas_sva_mm_exit(b.mm);
	rig_fails(r, ioas_sva_own(b.d.dev, b.pasid, 0, 1), -ESRCH);
}

RIG_MAIN("sva_access", RIG_TEST(a_device_works_on_the_programs_own_addresses),
         RIG_TEST(SVA_6_what_the_program_may_not_do_the_device_may_not),
         RIG_TEST(an_access_needs_a_pasid_that_is_bound),
         RIG_TEST(SVA_4_what_has_ended_is_not_touched_and_stays_bound),
         RIG_TEST(SVA_4_memory_that_says_it_has_ended_is_asked_no_more),
         RIG_TEST(pointers_are_for_this_processs_own_memory))
