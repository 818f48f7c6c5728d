/* SPDX-License-Identifier: MIT */
/* Registers, enable, reset, shutdown and options of the NVMe model. */
#include "devices_nvme_drive.h"

static void capabilities_are_those_of_version_1_4(struct rig *r)
{
	struct drive *d = drive_new(r);
	uint64_t cap = board_load(d->board, REG_CAP, 8);

	assert_int_equal(cap & 0xffff, 1023);  /* MQES */
	assert_int_equal(cap >> 16 & 1, 1);    /* CQR */
	assert_int_equal(cap >> 17 & 3, 1);    /* AMS */
	assert_true((cap >> 24 & 0xff) > 0);   /* TO */
	assert_int_equal(cap >> 32 & 15, 0);   /* DSTRD */
	assert_int_equal(cap >> 36 & 1, 1);    /* NSSRS */
	assert_int_equal(cap >> 37 & 0xff, 1); /* CSS */
	assert_int_equal(cap >> 48 & 15, 0);   /* MPSMIN */
	assert_int_equal(cap >> 52 & 15, 4);   /* MPSMAX */
	assert_int_equal(get32(d, REG_VS), 0x10400);
	assert_int_equal(get32(d, REG_CAP) | (uint64_t)get32(d, 4) << 32, cap);
	assert_int_equal(board_load(d->board, REG_VS + 2, 2), 1);
	assert_int_equal(board_load(d->board, REG_VS + 1, 1), 4);
	assert_int_equal(board_load(d->board, 2, 4), cap >> 16 & 0xffffffff);
	assert_int_equal(get32(d, REG_CSTS), 0);
	assert_int_equal(get32(d, REG_CC), 0);
}

static void registers_that_are_not_there_read_as_zero(struct rig *r)
{
	struct drive *d = drive_new(r);
	static const uint64_t at[] = {REG_NSSR, 0x18,   0x38,  0xffc,
	                              0x1000,   0x1ffc, 0x3ffc};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(at); i++) {
		set32(d, at[i], 0x4e564d66);
		assert_int_equal(get32(d, at[i]), 0);
	}
	set32(d, REG_CAP, 0);
	set32(d, REG_VS, 0);
	set32(d, REG_CSTS, 0xffffffff);
	assert_int_equal(get32(d, REG_VS), 0x10400);
	assert_int_equal(get32(d, REG_CSTS), 0);
}

static void queue_registers_keep_the_bits_they_have(struct rig *r)
{
	struct drive *d = drive_new(r);

	set32(d, REG_AQA, 0xffffffff);
	assert_int_equal(get32(d, REG_AQA), 0x0fff0fff);
	board_store(d->board, REG_ASQ, 8, UINT64_MAX);
	assert_true(board_load(d->board, REG_ASQ, 8) == ~UINT64_C(0xfff));
	set32(d, REG_ACQ, 0x12345678);
	set32(d, REG_ACQ + 4, 0x9);
	assert_true(board_load(d->board, REG_ACQ, 8) == UINT64_C(0x912345000));
}

static void narrow_and_crooked_stores_do_nothing(struct rig *r)
{
	struct drive *d = drive_new(r);

	set32(d, REG_AQA, 0x000f000f);
	board_store(d->board, REG_AQA, 1, 1);
	board_store(d->board, REG_AQA, 2, 1);
	board_store(d->board, REG_AQA + 2, 4, 1);
	board_store(d->board, REG_AQA, 8, 1);
	assert_int_equal(get32(d, REG_AQA), 0x000f000f);
}

static void interrupt_masks_are_set_and_cleared(struct rig *r)
{
	struct drive *d = drive_new(r);

	set32(d, REG_INTMS, 0xf0);
	set32(d, REG_INTMS, 0x0f);
	set32(d, REG_INTMC, 0x3c);
	assert_int_equal(get32(d, REG_INTMS), 0xc3);
	assert_int_equal(get32(d, REG_INTMC), 0xc3);
}

static void disabling_keeps_the_admin_queue_registers(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint32_t aqa = get32(d, REG_AQA);

	set32(d, REG_INTMS, 1);
	set32(d, REG_CC, DRIVE_CC);
	assert_int_equal(get32(d, REG_CSTS), 0);
	assert_int_equal(get32(d, REG_CC), 0);
	assert_int_equal(get32(d, REG_INTMS), 0);
	assert_int_equal(get32(d, REG_AQA), aqa);
	assert_true(board_load(d->board, REG_ASQ, 8) == drive_iova(0));
	assert_true(board_load(d->board, REG_ACQ, 8) == drive_iova(1));
}

static void a_device_reset_clears_every_register(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint64_t at;

	ioas_device_reset(d->board->dev);
	for (at = REG_INTMS; at < 0x40; at += 4)
		assert_int_equal(get32(d, at), 0);
	assert_int_equal(get32(d, REG_VS), 0x10400);
	drive_enable(d);
}

/* Queues are gone, features are as at the start. */
static void a_reset_deletes_queues_and_forgets_features(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe set = {.opcode = 0x09, .dw10 = 0x01, .dw11 = 3};
	const struct sqe get = {.opcode = 0x0a, .dw10 = 0x01};
	uint32_t value;

	check_status(d, 0, &set, 0);
	drive_run(d, 0, &get, &value);
	assert_int_equal(value, 3);
	set32(d, REG_CC, 0);
	drive_enable(d);
	drive_run(d, 0, &get, &value);
	assert_int_equal(value, 0);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
}

struct setting {
	uint32_t cc, aqa;
	uint64_t asq, acq;
};

static void settings_that_are_not_offered_are_fatal(struct rig *r)
{
	const uint64_t odd = DRIVE_IOVA + DRIVE_PAGE;
	const struct setting bad[] = {
		{5 << 7, 0x000f000f, DRIVE_IOVA, DRIVE_IOVA},  /* MPS */
		{1 << 4, 0x000f000f, DRIVE_IOVA, DRIVE_IOVA},  /* CSS */
		{2 << 11, 0x000f000f, DRIVE_IOVA, DRIVE_IOVA}, /* AMS */
		{7 << 11, 0x000f000f, DRIVE_IOVA, DRIVE_IOVA},
		{0, 0x000f0000, DRIVE_IOVA, DRIVE_IOVA},
		{0, 0x0000000f, DRIVE_IOVA, DRIVE_IOVA},
		{1 << 7, 0x000f000f, odd, DRIVE_IOVA},
		{1 << 7, 0x000f000f, DRIVE_IOVA, odd},
	};
	struct drive *d = drive_new(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		set32(d, REG_AQA, bad[i].aqa);
		board_store(d->board, REG_ASQ, 8, bad[i].asq);
		board_store(d->board, REG_ACQ, 8, bad[i].acq);
		set32(d, REG_CC, bad[i].cc | 1);
		assert_int_equal(get32(d, REG_CSTS), CSTS_CFS);
		ring_tail(d, 0, 1);
		assert_int_equal(board_fault.count, 0);
		set32(d, REG_CC, 0);
		assert_int_equal(get32(d, REG_CSTS), 0);
	}
	drive_enable(d);
}

static void the_subsystem_is_reset_by_its_magic_number(struct rig *r)
{
	struct drive *d = drive_ready(r);

	set32(d, REG_INTMS, 1);
	set32(d, REG_NSSR, 0x4e564d65);
	assert_int_equal(get32(d, REG_CSTS), CSTS_NSSRO);
	assert_int_equal(get32(d, REG_CC), 0);
	assert_int_equal(get32(d, REG_AQA), 0);
	assert_int_equal(get32(d, REG_INTMS), 0);
	assert_int_equal(get32(d, REG_NSSR), 0);
	set32(d, REG_CSTS, CSTS_RDY);
	assert_int_equal(get32(d, REG_CSTS), CSTS_NSSRO);
	set32(d, REG_AQA, (DRIVE_ENTRIES - 1) << 16 | (DRIVE_ENTRIES - 1));
	board_store(d->board, REG_ASQ, 8, drive_iova(0));
	board_store(d->board, REG_ACQ, 8, drive_iova(1));
	set32(d, REG_CC, DRIVE_CC | 1);
	assert_int_equal(get32(d, REG_CSTS), CSTS_NSSRO | CSTS_RDY);
	set32(d, REG_CC, 0);
	assert_int_equal(get32(d, REG_CSTS), CSTS_NSSRO);
	set32(d, REG_CSTS, CSTS_NSSRO);
	assert_int_equal(get32(d, REG_CSTS), 0);
	drive_enable(d);
}

static void doorbells_do_nothing_before_enable(struct rig *r)
{
	struct drive *d = drive_new(r);

	ring_tail(d, 0, 1);
	ring_head(d, 0, 1);
	assert_int_equal(get32(d, REG_CSTS), 0);
	assert_int_equal(board_fault.count, 0);
}

static void check_shutdown(struct rig *r, uint32_t shn)
{
	const struct sqe sqe = {.opcode = 0x08};
	struct drive *d = drive_ready(r);
	struct cqe cqe = {0};

	set32(d, REG_CC, DRIVE_CC | 1 | shn << 14);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY | CSTS_DOWN);
	drive_put(d, 0, &sqe);
	drive_ring(d, 0);
	assert_false(drive_see(d, 0, &cqe));
	set32(d, REG_CC, 0);
	assert_int_equal(get32(d, REG_CSTS), 0);
	drive_enable(d);
	check_status(d, 0, &sqe, 0);
}

static void shutdown_completes_and_stops_the_controller(struct rig *r)
{
	check_shutdown(r, 1);
	check_shutdown(r, 2);
}

static void a_shutdown_of_a_kind_that_is_reserved_does_nothing(struct rig *r)
{
	struct drive *d = drive_ready(r);

	set32(d, REG_CC, DRIVE_CC | 1 | 3 << 14);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY);
}

static void shutdown_while_disabled_ends_with_enable(struct rig *r)
{
	struct drive *d = drive_new(r);

	set32(d, REG_CC, 1 << 14);
	assert_int_equal(get32(d, REG_CSTS), CSTS_DOWN);
	drive_enable(d);
}

static void a_queue_that_cannot_be_read_is_fatal(struct rig *r)
{
	struct drive *d = drive_new(r);

	drive_enable(d);
	set32(d, REG_CC, 0);
	board_store(d->board, REG_ASQ, 8, 0x1000);
	set32(d, REG_CC, DRIVE_CC | 1);
	ring_tail(d, 0, 2);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY | CSTS_CFS);
	check_fault(IOAS_FAULT_UNMAPPED, 0x1000, "command fetch", NULL);
	assert_int_equal(board_fault.issuer.queue, 0);
	assert_int_equal(board_fault.issuer.id, -1);
	ring_tail(d, 0, 3);
	assert_int_equal(board_fault.count, 1);
	set32(d, REG_CC, 0);
	drive_enable(d);
}

static void a_completion_that_cannot_be_written_is_fatal(struct rig *r)
{
	const struct sqe sqe = {.opcode = 0x08};
	struct drive *d = drive_new(r);
	uint16_t cid;

	board_map(d->board, 0x10000, rig_page(), IOAS_READ);
	drive_enable(d);
	set32(d, REG_CC, 0);
	board_store(d->board, REG_ACQ, 8, 0x10000);
	set32(d, REG_CC, DRIVE_CC | 1);
	cid = drive_put(d, 0, &sqe);
	drive_ring(d, 0);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY | CSTS_CFS);
	check_fault(IOAS_FAULT_PERMISSION, 0x10000, "completion", NULL);
	assert_int_equal(board_fault.issuer.id, cid);
}

static void without_bus_mastering_nothing_is_fetched(struct rig *r)
{
	const uint16_t off = 1 << 1;
	struct drive *d = drive_ready(r);

	ioas_device_config_write(d->board->dev, 4, &off, sizeof(off));
	ring_tail(d, 1, 1);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY | CSTS_CFS);
	check_fault(IOAS_FAULT_NO_MASTER, drive_iova(2), "command fetch", NULL);
}

static void check_create(struct rig *r, const struct ioas_option *option,
                         unsigned int count, int err, const char *text)
{
	const struct ioas_device_request request = {
		.model = &ioas_nvme_model,
		.options = option,
		.option_count = count,
	};
	struct ioas_device *dev = NULL;
	char failure[IOAS_FAILURE_TEXT] = "";

	rig_fails(r, ioas_device_create(&request, &dev, failure), err);
	if (!strstr(failure, text))
		fail_msg("\"%s\" does not say \"%s\"", failure, text);
}

static void options_that_cannot_be_are_refused(struct rig *r)
{
	struct drive *d = drive_new(r);
	struct ioas_option size = {"size", "1M"};
	struct ioas_option missing = {"file", "/no/such/file"};
	struct ioas_option serial[] = {{"file", d->path}, {"serial", ""}};

	check_create(r, NULL, 0, -EINVAL, "nvme needs file=PATH");
	check_create(r, &size, 1, -EINVAL, "nvme needs file=PATH");
	check_create(r, &missing, 1, -ENOENT, "no such file");
	check_create(r, serial, 1, -EBUSY, "in use");
	check_create(r, serial, 2, -EINVAL, "1 to 20 printable");
	serial[1].value = "123456789012345678901";
	check_create(r, serial, 2, -EINVAL, "1 to 20 printable");
	serial[1].value = "a\nb";
	check_create(r, serial, 2, -EINVAL, "1 to 20 printable");
}

static void check_is_good(struct rig *r, const struct ioas_option *option)
{
	const struct ioas_device_request request = {
		.model = &ioas_nvme_model,
		.options = option,
		.option_count = 1,
	};
	struct ioas_device *dev;

	rig_ok(r, ioas_device_create(&request, &dev, NULL));
	ioas_device_destroy(dev);
}

static void a_file_below_one_block_is_refused(struct rig *r)
{
	struct drive *d = drive_new(r);
	struct ioas_option file = {"file", d->path};

	ioas_device_attach(d->board->dev, NULL);
	ioas_device_destroy(d->board->dev);
	d->board->dev = NULL;
	assert_int_equal(ftruncate(d->fd, 511), 0);
	check_create(r, &file, 1, -EINVAL, "smaller than one block");
	assert_int_equal(ftruncate(d->fd, 512), 0);
	check_is_good(r, &file);
	board_plug(d->board, &ioas_nvme_model, &file, 1);
}

static uint64_t random_offset(struct rig *r)
{
	static const uint64_t end[] = {0x40, 0x40, 0x1240, 0x4000};
	uint64_t at = rig_random_below(r, end[rig_random_below(r, 4)]);

	if (rig_random_below(r, 3))
		at = 0x1000 + 4 * rig_random_below(r, 6);
	return at;
}

/* Values that get somewhere: addresses, small numbers, settings. */
static uint64_t random_value(struct rig *r)
{
	switch (rig_random_below(r, 5)) {
	case 0:
		return drive_iova((unsigned int)rig_random_below(r, 8));
	case 1:
		return rig_random_below(r, 40);
	case 2:
		return DRIVE_CC | rig_random_below(r, 2);
	case 3:
		return 0x000f000f;
	}
	return rig_random(r);
}

/* The same in each run, so one will do. */
static void any_accesses_at_all_are_survived(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i, k, size;
	uint64_t at;

	for (i = 0; i < 20000; i++) {
		size = 1u << rig_random_below(r, 4);
		at = random_offset(r);
		if (at > 0x4000 - size)
			continue;
		if (i % 64 == 0) {
			set32(d, REG_CC, 0);
			drive_enable(d);
			for (k = 0; k < 2 * DRIVE_PAGE; k++)
				drive_page(d, 0)[k] = (uint8_t)rig_random_below(
					r, k % 8 ? 3 : 12);
		}
		if (rig_random_below(r, 4))
			board_store(d->board, at, size, random_value(r));
		else
			board_load(d->board, at, size);
	}
	set32(d, REG_CC, 0);
	drive_enable(d);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
}

RIG_MAIN("devices_nvme_controller",
         RIG_TEST(capabilities_are_those_of_version_1_4),
         RIG_TEST(registers_that_are_not_there_read_as_zero),
         RIG_TEST(queue_registers_keep_the_bits_they_have),
         RIG_TEST(narrow_and_crooked_stores_do_nothing),
         RIG_TEST(interrupt_masks_are_set_and_cleared),
         RIG_TEST(disabling_keeps_the_admin_queue_registers),
         RIG_TEST(a_device_reset_clears_every_register),
         RIG_TEST(a_reset_deletes_queues_and_forgets_features),
         RIG_TEST(settings_that_are_not_offered_are_fatal),
         RIG_TEST(the_subsystem_is_reset_by_its_magic_number),
         RIG_TEST(doorbells_do_nothing_before_enable),
         RIG_TEST(shutdown_completes_and_stops_the_controller),
         RIG_TEST(a_shutdown_of_a_kind_that_is_reserved_does_nothing),
         RIG_TEST(shutdown_while_disabled_ends_with_enable),
         RIG_TEST(a_queue_that_cannot_be_read_is_fatal),
         RIG_TEST(a_completion_that_cannot_be_written_is_fatal),
         RIG_TEST(without_bus_mastering_nothing_is_fetched),
         RIG_TEST(options_that_cannot_be_are_refused),
         RIG_TEST(a_file_below_one_block_is_refused),
         RIG_ONCE(any_accesses_at_all_are_survived))
