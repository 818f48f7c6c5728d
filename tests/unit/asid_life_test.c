/* SPDX-License-Identifier: MIT */
#include "asid_rig.h"

static bool no_barrier(void)
{
	return false;
}

static bool (*barrier)(void);

static void barrier_is_back(void *arg)
{
	ioas_hooks.barrier = barrier;
}

static void take_barrier_away(struct rig *r)
{
	barrier = ioas_hooks.barrier;
	rig_defer(r, barrier_is_back, NULL);
	ioas_hooks.barrier = no_barrier;
}

/* covers: ioas_asids_create -EINVAL */
static void create_refuses_what_cannot_be(struct rig *r)
{
	static const uint32_t wide = 16;
	static const struct ioas_asid_ops none;
	const struct ioas_asid_config sound = {
		.bits = 4, .cpus = 2, .ops = &w_ops};
	struct ioas_asids *asids = NULL;
	struct ioas_asid_config c;

#define REFUSED(what)                                                 \
	do {                                                          \
		c = sound;                                            \
		what;                                                 \
		rig_fails(r, ioas_asids_create(&c, &asids), -EINVAL); \
	} while (0)
	REFUSED(c.bits = 0);
	REFUSED(c.bits = 25);
	REFUSED(c.cpus = 0);
	REFUSED(c.cpus = 1025);
	REFUSED(c.way = 3);
	REFUSED(c.flush = 2);
	REFUSED(c.ops = NULL);
	REFUSED(c.ops = &none);
	REFUSED((c.ops = &none, c.flush = IOAS_ASID_FLUSH_BROADCAST));
	REFUSED((c.reserved = &wide, c.nreserved = 1));
#undef REFUSED
	assert_null(asids);
}

/* covers: ioas_asids_create -ENOSPC */
static void create_refuses_more_cpus_than_numbers_can_serve(struct rig *r)
{
	static const uint32_t one = 1;
	struct ioas_asid_config c = {.bits = 2, .cpus = 3, .ops = &w_ops};
	struct ioas_asids *asids;

	/* 1, 2, 3: two CPUs keep one each, and one is free. */
	rig_fails(r, ioas_asids_create(&c, &asids), -ENOSPC);
	c.cpus = 2;
	rig_ok(r, ioas_asids_create(&c, &asids));
	ioas_asids_destroy(asids);
	c.reserved = &one;
	c.nreserved = 1;
	rig_fails(r, ioas_asids_create(&c, &asids), -ENOSPC);
	c.bits = 1;
	c.cpus = 1;
	rig_fails(r, ioas_asids_create(&c, &asids), -ENOSPC);
}

/* covers: ioas_asids_create -ENOTSUP */
static void without_a_barrier_there_is_exchange(struct rig *r)
{
	struct ioas_asid_config c = {.bits = 8, .cpus = 2, .ops = &w_ops};
	struct ioas_asid_report report;
	struct ioas_asids *asids;

	take_barrier_away(r);
	c.way = IOAS_ASID_ASYMMETRIC;
	rig_fails(r, ioas_asids_create(&c, &asids), -ENOTSUP);
	c.way = IOAS_ASID_BEST;
	rig_ok(r, ioas_asids_create(&c, &asids));
	ioas_asids_inspect(asids, &report);
	assert_false(report.asymmetric);
	ioas_asids_destroy(asids);
	ioas_asids_destroy(NULL);
}

/* covers: ioas_asids_create -ENOMEM */
static void create_without_memory_leaves_nothing(struct rig *r)
{
	struct ioas_asid_config c = {.bits = 24, .cpus = 1024, .ops = &w_ops};
	struct ioas_asids *asids = NULL;
	int rc = rig_try(r, ioas_asids_create(&c, &asids));

	if (rig_failed(r)) {
		assert_int_equal(rc, -ENOMEM);
		assert_null(asids);
		return;
	}
	assert_int_equal(rc, 0);
	ioas_asids_destroy(asids);
}

/* covers: ioas_asid_join -EINVAL, ioas_asid_join -ERANGE */
/* covers: ioas_asid_join -EBUSY */
static void join_refuses_cpus_that_do_not_fit(struct rig *r)
{
	struct ioas_asid_cpu *cpu = NULL;

	w_begin(r, IOAS_ASID_BEST, 8, 2);
	rig_fails(r, ioas_asid_join(w.asids, 2, 8, &cpu), -EINVAL);
	rig_fails(r, ioas_asid_join(w.asids, 0, 8, &cpu), -EBUSY);
	ioas_asid_leave(w.cpu[0]);
	rig_fails(r, ioas_asid_join(w.asids, 0, 7, &cpu), -ERANGE);
	assert_null(cpu);
	rig_ok(r, ioas_asid_join(w.asids, 0, 16, &cpu));
	assert_ptr_equal(cpu, w.cpu[0]);
}

static void a_cpu_that_joins_again_is_flushed(struct rig *r,
                                              enum ioas_asid_way way)
{
	w_begin(r, way, 8, 2);
	w_run(0, 0);
	assert_int_equal(w.flushes[0], 1);
	w_run(0, 1);
	assert_int_equal(w.flushes[0], 1);
	ioas_asid_leave(w.cpu[0]);
	rig_ok(r, ioas_asid_join(w.asids, 0, 8, &w.cpu[0]));
	w_run(0, 0);
	assert_int_equal(w.flushes[0], 2);
}
W_BOTH(a_cpu_that_joins_again_is_flushed)

static void reserved_numbers_are_never_given(struct rig *r,
                                             enum ioas_asid_way way)
{
	static const uint32_t reserved[] = {3, 7, 3, 0, 15};
	unsigned int i, round;
	uint32_t n;

	w.config =
		(struct ioas_asid_config){.reserved = reserved, .nreserved = 5};
	w_begin(r, way, 4, 2);
	memset(&w.config, 0, sizeof(w.config));
	assert_int_equal(w_report().usable, 12);
	assert_int_equal(w_report().limit, 12 - 2 - 1);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 40; i++) {
			n = w_run(i % 2, i);
			assert_true(n && n != 3 && n != 7 && n < 15);
		}
	}
	assert_true(w_report().rollovers > 3);
}
W_BOTH(reserved_numbers_are_never_given)

static void pairs_are_even_and_odd(struct rig *r, enum ioas_asid_way way)
{
	static const uint32_t reserved[] = {5};
	unsigned int i;

	w.config = (struct ioas_asid_config){
		.pairs = true, .reserved = reserved, .nreserved = 1};
	w_begin(r, way, 4, 2);
	memset(&w.config, 0, sizeof(w.config));
	/* 0 and 1, 4 and 5 are not given. */
	assert_int_equal(w_report().usable, 6);
	assert_int_equal(w_pin(r, 0), w_run(0, 0) + 1);
	for (i = 0; i < 40; i++) {
		uint32_t n = w_run(i % 2, i);

		assert_int_equal(n % 2, 0);
		assert_true(n && n != 4 && n < 16);
	}
	ioas_asid_invalidate(&w.context[0], 0, 1);
	assert_int_equal(w.invalidated.number % 2, 0);
	assert_int_equal(w.invalidated.count, 2);
	ioas_asid_unpin(&w.context[0]);
	assert_int_equal(w.forgot, w.invalidated.number + 1);
}
W_BOTH(pairs_are_even_and_odd)

/* One by one, as a person would count. */
static uint32_t counted(unsigned int bits, unsigned int cpus, bool pairs)
{
	uint32_t left = 0, n;

	for (n = 0; n >> bits == 0; n += pairs ? 2 : 1)
		left += n > 1 || (n && !pairs);
	for (n = 0; n < cpus && left; n++)
		left--;
	return left ? left - 1 : 0;
}

static void the_limit_is_what_a_count_says(struct rig *r)
{
	struct ioas_asid_config c = {.ops = &w_ops};
	unsigned int pairs;

	for (pairs = 0; pairs < 2; pairs++) {
		for (c.bits = 1; c.bits <= 16; c.bits++) {
			for (c.cpus = 1; c.cpus <= 1024; c.cpus++) {
				c.pairs = pairs;
				assert_int_equal(
					ioas_asid_limit(&c),
					counted(c.bits, c.cpus, c.pairs));
			}
		}
	}
	c = (struct ioas_asid_config){.bits = 8, .cpus = 64, .pairs = true};
	assert_int_equal(ioas_asid_limit(&c), 62);
	c.bits = 25;
	assert_int_equal(ioas_asid_limit(&c), 0);
}

/* ASID-9: as many as the limit says, over rollovers; one more is refused. */
static void pin_all(struct rig *r, unsigned int bits, unsigned int cpus)
{
	struct ioas_asid_config c = {.bits = bits, .cpus = cpus};
	uint32_t limit = ioas_asid_limit(&c), i;

	w_begin(r, IOAS_ASID_BEST, bits, cpus);
	assert_int_equal(w_report().limit, limit);
	for (i = 0; i < limit; i++)
		w_pin(r, i);
	rig_fails(r, ioas_asid_pin(&w.context[i], NULL), -ENOSPC);
	assert_int_equal(w_report().pinned, limit);
	for (i = limit; i < limit + 3 * cpus + 6; i++)
		w_run(i % cpus, i);
	for (i = 0; i < limit; i++)
		ioas_asid_unpin(&w.context[i]);
	assert_int_equal(w_report().pinned, 0);
}

static void pins_at_the_limit_leave_a_number(struct rig *r)
{
	unsigned int bits, cpus;

	for (bits = 2; bits <= 8; bits++)
		for (cpus = 1; cpus <= ASID_CPUS && cpus + 2 <= 1u << bits;
		     cpus++)
			pin_all(r, bits, cpus);
}

static void widths_up_to_24_bits_work(struct rig *r)
{
	struct ioas_asid_config c = {.cpus = 1, .ops = &w_ops};
	struct ioas_asid_context context;
	struct ioas_asid_cpu *cpu;
	struct ioas_asids *asids;
	uint32_t n;

	for (c.bits = 2; c.bits <= 24; c.bits++) {
		rig_ok(r, ioas_asids_create(&c, &asids));
		rig_defer(r, RIG_CALL(ioas_asids_destroy), asids);
		rig_ok(r, ioas_asid_join(asids, 0, c.bits, &cpu));
		ioas_asid_context_init(asids, &context);
		assert_int_equal(ioas_asid_switch(cpu, &context), 1);
		for (n = 0; n >> c.bits == 0 && n < 70000; n++) {
			ioas_asid_context_init(asids, &context);
			assert_true(ioas_asid_switch(cpu, &context) >> c.bits ==
			            0);
		}
	}
}

RIG_MAIN("asid_life", RIG_TEST(create_refuses_what_cannot_be),
         RIG_TEST(create_refuses_more_cpus_than_numbers_can_serve),
         RIG_TEST(without_a_barrier_there_is_exchange),
         RIG_TEST(create_without_memory_leaves_nothing),
         RIG_TEST(join_refuses_cpus_that_do_not_fit),
         W_TESTS(a_cpu_that_joins_again_is_flushed),
         W_TESTS(reserved_numbers_are_never_given),
         W_TESTS(pairs_are_even_and_odd),
         RIG_ONCE(the_limit_is_what_a_count_says),
         RIG_TEST(pins_at_the_limit_leave_a_number),
         RIG_TEST(widths_up_to_24_bits_work))
