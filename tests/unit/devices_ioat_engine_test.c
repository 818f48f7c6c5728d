/* SPDX-License-Identifier: MIT */
/* What the engine does with descriptors. */
#include "devices_ioat_drive.h"

static void fill_random(struct rig *r, uint8_t *at, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		at[i] = (uint8_t)rig_random(r);
}

static void a_copy_is_done_when_the_store_is(struct rig *r)
{
	struct drive *d = drive_new(r);

	fill_random(r, bytes_at(d, 0), 5000);
	describe(d, 0, data(3), data(10001), 4093);
	start(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_true(get(d, REG_CHANSTS, 8) == (DRIVE_IOVA | DONE));
	assert_memory_equal(bytes_at(d, 3), bytes_at(d, 10001), 4093);
	assert_int_equal(*bytes_at(d, 10000), 0);
	assert_int_equal(*bytes_at(d, 10001 + 4093), 0);
	assert_int_equal(status(d), 0);
	assert_int_equal(get(d, REG_CHANERR, 4), 0);
	assert_true(get(d, REG_CDAR, 8) == DRIVE_IOVA);
}

/* Copies, fills, and the completion. */
static void LOG_1_what_the_engine_wrote_is_logged(struct rig *r)
{
	struct drive *d = drive_new(r);
	struct board_watch watch;
	unsigned int i;

	fill_random(r, bytes_at(d, 0), 0x20000);
	for (i = 0; i < 8; i++)
		describe(d, i, data(rig_random_below(r, 0x10000)),
		         data(0x20000 + 0x10000 * i +
		              rig_random_below(r, 0x8000)),
		         1 + (uint32_t)rig_random_below(r, 0x7000))
			->control = CTL_COMPLETION;
	start(d);
	watch = board_watch(d->board, DRIVE_IOVA, d->memory, DRIVE_BYTES);
	put(d, REG_DMACOUNT, 2, 8);
	assert_int_equal(state(d), DONE);
	board_check_log(d->board, &watch);
}

static void a_chain_is_run_as_far_as_it_is_released(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		describe(d, i, data(i), data(100 + i), 1)->control =
			CTL_COMPLETION;
		*bytes_at(d, i) = (uint8_t)(i + 1);
	}
	start(d);
	put(d, REG_DMACOUNT, 2, 3);
	assert_int_equal(*bytes_at(d, 102), 3);
	assert_int_equal(*bytes_at(d, 103), 0);
	assert_true(status(d) == (at_descriptor(2) | DONE));
	put(d, REG_DMACOUNT, 2, 3);
	assert_int_equal(*bytes_at(d, 103), 0);
	put(d, REG_DMACOUNT, 2, 4);
	assert_int_equal(*bytes_at(d, 103), 4);
	assert_true(status(d) == (at_descriptor(3) | DONE));
}

static void the_count_wraps_at_2_to_the_16(struct rig *r)
{
	struct drive *d = drive_new(r);
	struct drive_descriptor *self = describe(d, 0, data(0), data(8), 8);

	self->next = DRIVE_IOVA;
	start(d);
	put(d, REG_DMACOUNT, 2, 0xfff0);
	assert_int_equal(d->board->dev->stats.dma_writes.cell, 0xfff0);
	put(d, REG_DMACOUNT, 2, 0x10);
	assert_int_equal(d->board->dev->stats.dma_writes.cell, 0x10010);
	assert_int_equal(state(d), DONE);
}

static void a_fill_repeats_its_pattern_and_ends_in_the_middle(struct rig *r)
{
	struct drive *d = drive_new(r);
	const uint64_t pattern = UINT64_C(0x8877665544332211);
	unsigned int i;

	describe(d, 0, pattern, data(5), 9003)->control = CTL_FILL;
	start(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), DONE);
	for (i = 0; i < 9003; i++)
		assert_int_equal(*bytes_at(d, 5 + i),
		                 (pattern >> 8 * (i % 8)) & 0xff);
	assert_int_equal(*bytes_at(d, 4), 0);
	assert_int_equal(*bytes_at(d, 5 + 9003), 0);
}

static void null_moves_nothing_and_completes(struct rig *r)
{
	struct drive *d = drive_new(r);

	*bytes_at(d, 0) = 7;
	describe(d, 0, data(0), data(1), 1)->control =
		CTL_NULL | CTL_COMPLETION;
	start(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(*bytes_at(d, 1), 0);
	assert_true(status(d) == (DRIVE_IOVA | DONE));
}

/* What goes wrong with the second of three, and what it says then. */
static const struct {
	uint32_t size, control;
	uint64_t source, destination;
	uint32_t error;
	const char *command, *role; /* of the report, or NULL: there is none */
	uint64_t fault;
} errors[] = {
	{64, 0, DRIVE_NOWHERE, DRIVE_IOVA + DRIVE_DATA, 0x1, "COPY", "source",
         DRIVE_NOWHERE},
	{64, 0, DRIVE_IOVA + DRIVE_DATA, DRIVE_NOWHERE, 0x2, "COPY",
         "destination", DRIVE_NOWHERE},
	{64, 0, DRIVE_IOVA + DRIVE_BYTES - 32, DRIVE_IOVA + DRIVE_DATA, 0x1,
         "COPY", "source", DRIVE_IOVA + DRIVE_BYTES},
	{64, 0, DRIVE_IOVA + DRIVE_DATA, DRIVE_IOVA + DRIVE_BYTES - 32, 0x2,
         "COPY", "destination", DRIVE_IOVA + DRIVE_BYTES},
	{64, 0, UINT64_MAX - 7, DRIVE_IOVA + DRIVE_DATA, 0x1, "COPY", "source",
         UINT64_MAX - 7},
	{64, CTL_FILL, 0, DRIVE_NOWHERE, 0x2, "FILL", "destination",
         DRIVE_NOWHERE},
	{0, 0, DRIVE_IOVA + DRIVE_DATA, DRIVE_IOVA + DRIVE_DATA, 0x800, NULL,
         NULL, 0},
	{(1u << 20) + 1, 0, DRIVE_IOVA + DRIVE_DATA,
         DRIVE_IOVA + DRIVE_DATA + (2u << 20), 0x800, NULL, NULL, 0},
	{0, CTL_NULL, 0, 0, 0x800, NULL, NULL, 0},
	{64, 0x87000000, DRIVE_IOVA + DRIVE_DATA, DRIVE_IOVA + DRIVE_DATA,
         0x400, NULL, NULL, 0},
};

static void three(struct drive *d, unsigned int row)
{
	describe(d, 0, data(0), data(64), 64);
	describe(d, 1, errors[row].source, errors[row].destination,
	         errors[row].size)
		->control = errors[row].control | CTL_COMPLETION;
	describe(d, 2, data(300), data(200), 1);
	*bytes_at(d, 300) = 1;
	memset(&board_fault, 0, sizeof(board_fault));
}

static uint32_t config_chanerr(struct drive *d)
{
	uint32_t value;

	ioas_device_config_read(d->board->dev, CFG_CHANERR, &value,
	                        sizeof(value));
	return value;
}

static void an_error_halts_with_the_last_good_descriptor(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(errors); i++) {
		memset(bytes_at(d, 0), 0, 256);
		three(d, i);
		start(d);
		put(d, REG_DMACOUNT, 2, 3);
		assert_true(get(d, REG_CHANSTS, 8) == (DRIVE_IOVA | HALTED));
		assert_true(status(d) == (DRIVE_IOVA | HALTED));
		assert_int_equal(get(d, REG_CHANERR, 4), errors[i].error);
		assert_int_equal(config_chanerr(d), errors[i].error);
		assert_int_equal(*bytes_at(d, 200), 0);
		assert_int_equal(board_fault.count, errors[i].command != NULL);
		if (errors[i].command) {
			check_fault(board_fault.event.fault, errors[i].fault,
			            errors[i].command, errors[i].role);
			assert_int_equal(board_fault.issuer.id, 1);
		}
		put(d, REG_DMACOUNT, 2, 4);
		assert_int_equal(state(d), HALTED);
		put(d, REG_CHANERR, 4, errors[i].error);
		ioas_device_config_write(d->board->dev, CFG_CHANERR,
		                         &errors[i].error, 4);
	}
}

static void an_error_that_need_not_halt_is_passed_over(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(errors); i++) {
		memset(bytes_at(d, 0), 0, 256);
		three(d, i);
		start(d);
		put(d, REG_CHANCTRL, 2, i & 1 ? 0x1c : 0x14);
		put(d, REG_CHANERRMASK, 4, i & 1 ? errors[i].error : 0);
		put(d, REG_DMACOUNT, 2, 3);
		assert_true(get(d, REG_CHANSTS, 8) ==
		            (at_descriptor(2) | DONE));
		assert_int_equal(get(d, REG_CHANERR, 4), errors[i].error);
		assert_int_equal(*bytes_at(d, 200), 1);
		put(d, REG_CHANERR, 4, errors[i].error);
	}
}

static void a_descriptor_that_is_not_there_halts_always(struct rig *r)
{
	static const struct {
		uint64_t next;
		uint32_t error;
	} row[] = {
		{DRIVE_NOWHERE, 0x4},
		{DRIVE_IOVA + 32, 0x8},
		{DRIVE_IOVA + DRIVE_BYTES, 0x4},
		{~UINT64_C(63), 0x4},
	};
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		describe(d, 0, data(0), data(1), 1)->next = row[i].next;
		start(d);
		put(d, REG_CHANCTRL, 2, 0);
		put(d, REG_DMACOUNT, 2, 2);
		assert_true(get(d, REG_CHANSTS, 8) == (DRIVE_IOVA | HALTED));
		assert_int_equal(get(d, REG_CHANERR, 4), row[i].error);
		assert_true(get(d, REG_CDAR, 8) == row[i].next);
		put(d, REG_CHANERR, 4, row[i].error);
	}
	check_fault(IOAS_FAULT_APERTURE, ~UINT64_C(63), "descriptor", "next");
	put(d, REG_CHAINADDR, 8, DRIVE_IOVA + 1);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(get(d, REG_CHANSTS, 8), HALTED);
	assert_int_equal(get(d, REG_CHANERR, 4), 0x10);
}

static void a_completion_that_cannot_be_written_halts(struct rig *r)
{
	struct drive *d = drive_new(r);

	*bytes_at(d, 0) = 1;
	describe(d, 0, data(0), data(1), 1)->control =
		CTL_COMPLETION | CTL_INTERRUPT;
	start(d);
	put(d, REG_CHANCMP, 8, DRIVE_NOWHERE);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(*bytes_at(d, 1), 1);
	assert_true(get(d, REG_CHANSTS, 8) == (DRIVE_IOVA | HALTED));
	assert_int_equal(get(d, REG_CHANERR, 4), 0x1000);
	assert_int_equal(board_fault.count, 1);
	check_fault(IOAS_FAULT_UNMAPPED, DRIVE_NOWHERE, "completion", NULL);
}

static void a_copy_over_itself_is_harmless(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int i;

	memset(bytes_at(d, 0), 0x5a, 20000);
	*bytes_at(d, 20001) = 1;
	describe(d, 0, data(0), data(1), 20000);
	describe(d, 1, data(2), data(0), 19000);
	describe(d, 2, data(7), data(7), 3);
	start(d);
	put(d, REG_DMACOUNT, 2, 3);
	assert_int_equal(state(d), DONE);
	for (i = 0; i < 20001; i++)
		assert_int_equal(*bytes_at(d, i), 0x5a);
	assert_int_equal(*bytes_at(d, 20001), 1);
}

static void a_large_transfer_is_one(struct rig *r)
{
	struct drive *d = drive_with(r, "xfercap", "2M");

	fill_random(r, bytes_at(d, 0), 4096);
	*bytes_at(d, 1700000) = 99;
	describe(d, 0, data(0), data(1800000), 1700001)->control =
		CTL_COMPLETION;
	start(d);
	assert_int_equal(get(d, REG_XFERCAP, 1), 21);
	put(d, REG_DMACOUNT, 2, 1);
	assert_true(status(d) == (DRIVE_IOVA | DONE));
	assert_memory_equal(bytes_at(d, 0), bytes_at(d, 1800000), 1700001);
}

/* ---- What comes after an error. ---- */

#define MS UINT64_C(1000000)

static uint64_t time_now;
static uint64_t (*real_now)(void);

static uint64_t fake_now(void)
{
	return time_now;
}

static void bring_clock_back(void *arg)
{
	ioas_hooks.now = real_now;
}

/* One that takes 20 ms, on a clock that stands still. */
static struct drive *slow_to_recover(struct rig *r)
{
	real_now = ioas_hooks.now;
	time_now = 1000 * MS;
	ioas_hooks.now = fake_now;
	rig_defer(r, bring_clock_back, NULL);
	return drive_with(r, "recovery", "20ms");
}

/* The second of three fails; the third is in the ring. */
static void halt(struct drive *d)
{
	memset(bytes_at(d, 0), 0, 256);
	three(d, 0);
	start(d);
	put(d, REG_DMACOUNT, 2, 3);
	assert_int_equal(state(d), HALTED);
	put(d, REG_CHANERR, 4, get(d, REG_CHANERR, 4));
}

static void rewind_to_the_third(struct drive *d)
{
	put(d, REG_CHAINADDR, 8, at_descriptor(2));
	assert_int_equal(state(d), ARMED);
}

static void recovery_holds_the_first_descriptors_after_an_error(struct rig *r)
{
	struct drive *d = slow_to_recover(r);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		halt(d);
		if (i)
			put(d, REG_CHANCMD, 1, CMD_RESET);
		time_now += 100 * MS;
		rewind_to_the_third(d);
		/* Nothing is released by that. */
		put(d, REG_DMACOUNT, 2, 0);
		assert_int_equal(state(d), ARMED);
		put(d, REG_DMACOUNT, 2, 1);
		time_now += 20 * MS - 1;
		assert_int_equal(state(d), ACTIVE);
		assert_int_equal(*bytes_at(d, 200), 0);
		time_now += 1;
		assert_true(get(d, REG_CHANSTS, 8) ==
		            (at_descriptor(2) | DONE));
		assert_int_equal(*bytes_at(d, 200), 1);
	}
	/* The next does not wait. */
	describe(d, 3, data(300), data(201), 1);
	put(d, REG_DMACOUNT, 2, 2);
	assert_true(get(d, REG_CHANSTS, 8) == (at_descriptor(3) | DONE));
	assert_int_equal(*bytes_at(d, 201), 1);
}

static void nothing_but_an_error_is_recovered_from(struct rig *r)
{
	struct drive *d = slow_to_recover(r);
	const uint16_t command = 6;

	three(d, 0);
	start(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), DONE);
	put(d, REG_CHANCMD, 1, CMD_ABORT);
	rewind_to_the_third(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), DONE);
	/* An error that is passed over. */
	three(d, 0);
	start(d);
	put(d, REG_CHANCTRL, 2, 0);
	put(d, REG_DMACOUNT, 2, 3);
	assert_int_equal(state(d), DONE);
	/* And a reset of the function ends all that was. */
	halt(d);
	ioas_device_reset(d->board->dev);
	ioas_device_config_write(d->board->dev, 4, &command, 2);
	rewind_to_the_third(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), DONE);
}

static void commands_do_not_wait_for_the_recovery(struct rig *r)
{
	struct drive *d = slow_to_recover(r);

	halt(d);
	rewind_to_the_third(d);
	put(d, REG_DMACOUNT, 2, 1);
	put(d, REG_CHANCMD, 1, CMD_SUSPEND);
	assert_int_equal(state(d), SUSPENDED);
	put(d, REG_CHANCMD, 1, CMD_RESUME);
	assert_int_equal(state(d), ACTIVE);
	put(d, REG_CHANCMD, 1, CMD_ABORT);
	assert_int_equal(state(d), HALTED);
	time_now += 15 * MS;
	/* What is left of it comes first. */
	rewind_to_the_third(d);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), ACTIVE);
	put(d, REG_CHANCMD, 1, CMD_RESET);
	assert_int_equal(state(d), HALTED);
	rewind_to_the_third(d);
	put(d, REG_DMACOUNT, 2, 1);
	time_now += 5 * MS - 1;
	assert_int_equal(state(d), ACTIVE);
	assert_int_equal(*bytes_at(d, 200), 0);
	time_now += 1;
	assert_int_equal(state(d), DONE);
	assert_int_equal(*bytes_at(d, 200), 1);
}

RIG_MAIN("devices_ioat_engine", RIG_TEST(a_copy_is_done_when_the_store_is),
         RIG_TEST(LOG_1_what_the_engine_wrote_is_logged),
         RIG_TEST(a_chain_is_run_as_far_as_it_is_released),
         RIG_TEST(the_count_wraps_at_2_to_the_16),
         RIG_TEST(a_fill_repeats_its_pattern_and_ends_in_the_middle),
         RIG_TEST(null_moves_nothing_and_completes),
         RIG_TEST(an_error_halts_with_the_last_good_descriptor),
         RIG_TEST(an_error_that_need_not_halt_is_passed_over),
         RIG_TEST(a_descriptor_that_is_not_there_halts_always),
         RIG_TEST(a_completion_that_cannot_be_written_halts),
         RIG_TEST(a_copy_over_itself_is_harmless),
         RIG_TEST(a_large_transfer_is_one),
         RIG_TEST(recovery_holds_the_first_descriptors_after_an_error),
         RIG_TEST(nothing_but_an_error_is_recovered_from),
         RIG_TEST(commands_do_not_wait_for_the_recovery))
