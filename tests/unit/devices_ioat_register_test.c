/* SPDX-License-Identifier: MIT */
/* Registers, states, interrupts and the identity of the engine. */
#include "devices_ioat_drive.h"

static void the_device_is_as_it_was_asked_for(struct rig *r)
{
	static const struct {
		const char *key, *value;
		unsigned int device, version, xfercap;
	} row[] = {
		{NULL, NULL, 0x2021, 0x33, 20},
		{"id", "8086:0b00", 0x0b00, 0x34, 20},
		{"id", "0x6F2f", 0x6f2f, 0x33, 20},
		{"version", "3.2", 0x2021, 0x32, 20},
		{"version", "0x34", 0x2021, 0x34, 20},
		{"xfercap", "4K", 0x2021, 0x33, 12},
		{"xfercap", "2G", 0x2021, 0x33, 31},
	};
	unsigned int i;
	struct drive *d;
	uint32_t id;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		d = drive_with(r, row[i].key, row[i].value);
		ioas_device_config_read(d->board->dev, 0, &id, 4);
		assert_int_equal(id, row[i].device << 16 | 0x8086);
		assert_int_equal(get(d, REG_VERSION, 1), row[i].version);
		assert_int_equal(get(d, REG_XFERCAP, 1), row[i].xfercap);
		assert_int_equal(get(d, REG_CHANCNT, 1), 1);
		assert_int_equal(get(d, REG_CAPABILITY, 4), 0x40);
		assert_int_equal(get(d, 0, 2), row[i].xfercap << 8 | 1);
	}
}

static void an_identity_that_is_none_is_refused(struct rig *r)
{
	static const struct ioas_option row[] = {
		{"id", "8086:2020"},  {"id", "1af4:2021"}, {"id", ""},
		{"id", "8086:20211"}, {"id", "8086:6f28"}, {"version", "3.1"},
		{"version", ""},      {"xfercap", "5000"}, {"xfercap", "2K"},
		{"xfercap", "4G"},    {"xfercap", "lots"}, {"recovery", "20"},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct ioas_device_request request = {.model = &ioas_ioat_model,
		                                      .options = &row[i],
		                                      .option_count = 1};
		char text[IOAS_FAILURE_TEXT] = "";
		struct ioas_function_desc desc;

		rig_fails(r, ioas_device_describe(&request, &desc, text),
		          -EINVAL);
		assert_non_null(strstr(text, row[i].key));
		assert_non_null(strstr(text, row[i].value));
	}
}

static void reset_halts_and_chainaddr_arms(struct rig *r)
{
	struct drive *d = drive_new(r);

	assert_int_equal(get(d, REG_CHANSTS, 8), HALTED);
	put(d, REG_CHAINADDR, 8, DRIVE_IOVA);
	assert_int_equal(get(d, REG_CHANSTS, 8), ARMED);
	put(d, REG_CHANCMD, 1, CMD_RESET);
	assert_int_equal(get(d, REG_CHANCMD, 1), 0);
	assert_int_equal(get(d, REG_CHANSTS, 8), HALTED);
	assert_int_equal(get(d, REG_CHAINADDR, 8), 0);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(get(d, REG_CHANSTS, 8), HALTED);
	put(d, REG_CHAINADDR + 4, 4, 1);
	put(d, REG_CHAINADDR, 4, 0x40);
	assert_true(get(d, REG_CHAINADDR, 8) == UINT64_C(0x100000040));
	assert_int_equal(get(d, REG_CHANSTS, 8), ARMED);
	assert_int_equal(get(d, REG_DMACOUNT, 2), 0);
}

static void a_reset_keeps_control_and_completion(struct rig *r)
{
	struct drive *d = drive_new(r);

	put(d, REG_CHANCTRL, 2, 0xffff);
	put(d, REG_CHANCMP, 8, UINT64_MAX);
	put(d, REG_CHANCMD, 1, CMD_RESET);
	assert_int_equal(get(d, REG_CHANCTRL, 2), 0xf33c);
	assert_true(get(d, REG_CHANCMP, 8) == ~UINT64_C(7));
	ioas_device_reset(d->board->dev);
	assert_int_equal(get(d, REG_CHANCTRL, 2), 0);
	assert_int_equal(get(d, REG_CHANCMP, 8), 0);
}

static void a_suspended_channel_waits(struct rig *r)
{
	struct drive *d = drive_new(r);

	*bytes_at(d, 0) = 3;
	describe(d, 0, data(0), data(1), 1);
	start(d);
	put(d, REG_CHANCMD, 1, CMD_SUSPEND);
	assert_int_equal(state(d), SUSPENDED);
	put(d, REG_CHANCMD, 1, CMD_RESUME);
	assert_int_equal(state(d), ARMED);
	put(d, REG_CHANCMD, 1, CMD_SUSPEND);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(state(d), SUSPENDED);
	assert_int_equal(*bytes_at(d, 1), 0);
	put(d, REG_CHANCMD, 1, CMD_RESUME);
	assert_int_equal(state(d), DONE);
	assert_int_equal(*bytes_at(d, 1), 3);
	put(d, REG_CHANCMD, 1, CMD_SUSPEND);
	assert_true(get(d, REG_CHANSTS, 8) == (DRIVE_IOVA | SUSPENDED));
	*bytes_at(d, 0) = 4;
	put(d, REG_CHAINADDR, 8, DRIVE_IOVA);
	put(d, REG_DMACOUNT, 2, 1);
	assert_int_equal(*bytes_at(d, 1), 4);
	put(d, REG_CHANCMD, 1, CMD_ABORT);
	assert_int_equal(state(d), HALTED);
	put(d, REG_CHANCMD, 1, CMD_SUSPEND);
	assert_int_equal(state(d), HALTED);
}

/* Its event; MSI-X is on. */
static int listen(struct drive *d)
{
	int event = rig_event(d->board->rig);

	ioas_device_irq_on(d->board->dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(d->board->dev, 0, event);
	return event;
}

static void run_one(struct drive *d, uint32_t control)
{
	describe(d, 0, data(0), data(1), 1)->control = control;
	put(d, REG_CHAINADDR, 8, DRIVE_IOVA);
	put(d, REG_DMACOUNT, 2, 1);
}

static void an_interrupt_comes_once_until_it_is_asked_for_again(struct rig *r)
{
	struct drive *d = drive_new(r);
	int event = listen(d);

	start(d);
	put(d, REG_INTRCTRL, 1, 8);
	put(d, REG_CHANCTRL, 2, 0x9);
	run_one(d, 0);
	run_one(d, CTL_COMPLETION);
	assert_int_equal(rig_event_count(r, event), 0);
	run_one(d, CTL_INTERRUPT);
	assert_int_equal(rig_event_count(r, event), 1);
	run_one(d, CTL_INTERRUPT);
	assert_int_equal(rig_event_count(r, event), 0);
	put(d, REG_CHANCTRL, 2, 0x8);
	run_one(d, CTL_INTERRUPT);
	assert_int_equal(rig_event_count(r, event), 0);
	put(d, REG_CHANCTRL, 2, 0x9);
	assert_int_equal(rig_event_count(r, event), 0);
	run_one(d, CTL_INTERRUPT);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void an_error_interrupts_when_it_is_told_to(struct rig *r)
{
	static const struct {
		uint16_t control;
		unsigned int count;
	} row[] = {{0x09, 0}, {0x19, 1}, {0x11, 1}, {0x01, 0}};
	struct drive *d = drive_new(r);
	int event = listen(d);
	unsigned int i;

	put(d, REG_INTRCTRL, 1, 8);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		start(d);
		put(d, REG_CHANCTRL, 2, row[i].control);
		describe(d, 0, DRIVE_NOWHERE, data(0), 8)->control =
			CTL_INTERRUPT;
		put(d, REG_DMACOUNT, 2, 1);
		assert_int_equal(rig_event_count(r, event), row[i].count);
		put(d, REG_CHANERR, 4, UINT32_MAX);
	}
}

static void an_interrupt_waits_until_the_device_lets_it_out(struct rig *r)
{
	struct drive *d = drive_new(r);
	int event = listen(d);

	start(d);
	run_one(d, CTL_INTERRUPT);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(get(d, REG_INTRCTRL, 1), 2);
	put(d, REG_INTRCTRL, 1, 1);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(d, REG_INTRCTRL, 1), 7);
	assert_int_equal(get(d, REG_ATTNSTATUS, 4), 1);
	assert_int_equal(get(d, REG_ATTNSTATUS, 4), 0);
	assert_int_equal(get(d, REG_INTRCTRL, 1), 1);
	put(d, REG_INTRCTRL, 1, 1);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void what_lies_between_registers_is_0_and_stays_so(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int at;

	for (at = 0; at < 0x2000; at += 8) {
		if (at >= 0x80 && at < 0x90)
			continue;
		put(d, at, 8, UINT64_MAX);
		if (at > 0x10 && (at < 0x80 || at > 0xa8))
			assert_int_equal(get(d, at, 8), 0);
	}
	assert_int_equal(get(d, REG_CHANERRMASK, 4), 0x7ffff);
	assert_int_equal(get(d, REG_INTRCTRL, 1), 9);
	assert_int_equal(get(d, REG_CHANERR + 1, 1), 0);
}

/* Nothing that a program stores may do harm; the sanitizers look on. */
static void stores_of_any_kind_are_harmless(struct rig *r)
{
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		unsigned int size = 1u << rig_random_below(r, 4);
		uint64_t at = 0x78 + rig_random_below(r, 0x40);

		put(d, (unsigned int)at, size,
		    rig_random(r) & rig_random(r) & 0xffff);
		get(d, (unsigned int)at, size);
	}
	assert_true(state(d) <= ARMED);
}

RIG_MAIN("devices_ioat_register", RIG_TEST(the_device_is_as_it_was_asked_for),
         RIG_TEST(an_identity_that_is_none_is_refused),
         RIG_TEST(reset_halts_and_chainaddr_arms),
         RIG_TEST(a_reset_keeps_control_and_completion),
         RIG_TEST(a_suspended_channel_waits),
         RIG_TEST(an_interrupt_comes_once_until_it_is_asked_for_again),
         RIG_TEST(an_error_interrupts_when_it_is_told_to),
         RIG_TEST(an_interrupt_waits_until_the_device_lets_it_out),
         RIG_TEST(what_lies_between_registers_is_0_and_stays_so),
         RIG_TEST(stores_of_any_kind_are_harmless))
