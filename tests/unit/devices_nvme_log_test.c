/* SPDX-License-Identifier: MIT */
/* Get Log Page of the NVMe model, and whether its logs are true. */
#include "devices_nvme_drive.h"

static uint16_t get_log(struct drive *d, uint8_t id, uint64_t offset,
                        uint32_t bytes)
{
	const struct sqe sqe = {.opcode = 0x02,
	                        .nsid = 0xffffffff,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .prp2 = drive_iova(DRIVE_DATA + 1),
	                        .dw10 = (bytes / 4 - 1) << 16 | id,
	                        .dw11 = (bytes / 4 - 1) >> 16,
	                        .dw12 = (uint32_t)offset,
	                        .dw13 = (uint32_t)(offset >> 32)};

	memset(drive_page(d, DRIVE_DATA), 0xee, 3 * DRIVE_PAGE);
	return SC(drive_run(d, 0, &sqe, NULL));
}

static uint8_t *the_log(struct drive *d, uint8_t id, uint32_t bytes)
{
	assert_int_equal(get_log(d, id, 0, bytes), 0);
	return drive_page(d, DRIVE_DATA);
}

static void errors_are_kept_newest_first(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe far = {.opcode = 0x02,
	                        .nsid = 1,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = DRIVE_BLOCKS + 5};
	const struct sqe unknown = {.opcode = 0xee, .nsid = 9, .dw10 = 77};
	const uint8_t *log;
	uint16_t cid[2];

	log = the_log(d, 1, 64);
	assert_int_equal(take(log, 8), 0);
	check_status(d, 1, &far, 0x080);
	cid[0] = d->cid;
	check_status(d, 0, &unknown, 0x001);
	cid[1] = d->cid;
	log = the_log(d, 1, 1024);
	assert_int_equal(take(log, 8), 2);
	assert_int_equal(take(log + 8, 2), 0);
	assert_int_equal(take(log + 10, 2), cid[1]);
	assert_int_equal(take(log + 12, 2), (DNR | MORE | 0x001) << 1);
	assert_int_equal(take(log + 14, 2), 0xffff);
	assert_int_equal(take(log + 16, 8), 0);
	assert_int_equal(take(log + 24, 4), 9);
	log += 64;
	assert_int_equal(take(log, 8), 1);
	assert_int_equal(take(log + 8, 2), 1);
	assert_int_equal(take(log + 10, 2), cid[0]);
	assert_int_equal(take(log + 12, 2), (DNR | MORE | 0x080) << 1);
	assert_int_equal(take(log + 16, 8), DRIVE_BLOCKS + 5);
	assert_int_equal(take(log + 24, 4), 1);
	assert_int_equal(take(log + 64, 8), 0);
}

static void the_oldest_errors_are_dropped(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe unknown = {.opcode = 0xee};
	const uint8_t *log;
	unsigned int i;

	for (i = 0; i < 21; i++)
		check_status(d, 0, &unknown, 0x001);
	log = the_log(d, 1, 1028);
	for (i = 0; i < 16; i++)
		assert_int_equal(take(log + 64 * i, 8), 21 - i);
	assert_int_equal(take(log + 1024, 4), 0);
	assert_int_equal(log[1028], 0xee);
}

static void health_counts_commands_blocks_and_errors(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe io = {.opcode = 0x02,
	                 .nsid = 1,
	                 .prp1 = drive_iova(DRIVE_DATA),
	                 .dw12 = 1};
	const struct sqe unknown = {.opcode = 0xee};
	const uint8_t *log = the_log(d, 2, 512);
	unsigned int i;

	assert_int_equal(take(log + 32, 8), 0);
	assert_int_equal(take(log + 48, 8), 0);
	for (i = 0; i < 501; i++)
		check_status(d, 1, &io, 0);
	io.opcode = 0x01;
	check_status(d, 1, &io, 0);
	check_status(d, 0, &unknown, 0x001);
	log = the_log(d, 2, 512);
	assert_int_equal(log[0], 0);
	assert_int_equal(take(log + 1, 2), 298);
	assert_int_equal(log[3], 100);
	assert_int_equal(log[5], 0);
	assert_int_equal(take(log + 32, 8), 2); /* of 1000 blocks */
	assert_int_equal(take(log + 48, 8), 1);
	assert_int_equal(take(log + 64, 8), 501);
	assert_int_equal(take(log + 80, 8), 1);
	assert_int_equal(take(log + 112, 8), 1);
	assert_int_equal(take(log + 160, 8), 0);
	assert_int_equal(take(log + 176, 8), 1);
	assert_int_equal(log[512], 0xee);
}

static void health_warns_beyond_a_threshold(struct rig *r)
{
	static const struct {
		uint32_t threshold;
		uint8_t warning;
	} wanted[] = {
		{298, 2},           {299, 0},           {1, 2},
		{0xffff, 0},        {1 << 20 | 298, 2}, {1 << 20 | 297, 0},
		{1 << 20 | 400, 2}, {1 << 20, 0}};
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(wanted); i++) {
		const struct sqe set = {
			.opcode = 0x09, .dw10 = 4, .dw11 = wanted[i].threshold};

		check_status(d, 0, &set, 0);
		assert_int_equal(the_log(d, 2, 512)[0], wanted[i].warning);
	}
}

static void one_firmware_slot_is_in_use(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const uint8_t *log = the_log(d, 3, 512);

	assert_int_equal(log[0], 1);
	assert_memory_equal(log + 8, "1.0     ", 8);
	assert_int_equal(take(log + 16, 8), 0);
}

/* All that have a row are told, and no others. */
static void the_effects_of_commands_are_told(struct rig *r)
{
	static const uint8_t admin[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x06,
	                                0x08, 0x09, 0x0a, 0x0c, 0x80};
	static const uint8_t io[] = {0x00, 0x01, 0x02, 0x04,
	                             0x05, 0x08, 0x09, 0x0c};
	struct drive *d = drive_ready(r);
	const uint8_t *log = the_log(d, 5, 4096);
	unsigned int i, count = 0;

	for (i = 0; i < 1024; i++)
		count += log[4 * i] & 1;
	assert_int_equal(count, sizeof(admin) + sizeof(io));
	for (i = 0; i < sizeof(admin); i++)
		assert_int_equal(log[4 * admin[i]] & 1, 1);
	for (i = 0; i < sizeof(io); i++)
		assert_int_equal(log[1024 + 4 * io[i]] & 1, 1);
	assert_int_equal(take(log + 4 * 0x80, 4), 0x10007);
	assert_int_equal(take(log + 1024 + 4 * 0x01, 4), 3);
	assert_int_equal(take(log + 1024 + 4 * 0x02, 4), 1);
}

static void a_log_is_read_from_an_offset(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe unknown = {.opcode = 0xee};
	const uint8_t *log = drive_page(d, DRIVE_DATA);

	check_status(d, 0, &unknown, 0x001);
	check_status(d, 0, &unknown, 0x001);
	assert_int_equal(get_log(d, 1, 64, 8), 0);
	assert_int_equal(take(log, 8), 1);
	assert_int_equal(log[8], 0xee);
	assert_int_equal(get_log(d, 1, 1024, 8), 0);
	assert_int_equal(take(log, 8), 0);
	assert_int_equal(get_log(d, 1, 2, 8), 0x002);
	assert_int_equal(get_log(d, 1, 1028, 8), 0x002);
	assert_int_equal(get_log(d, 1, UINT64_C(1) << 32, 8), 0x002);
}

static void what_is_behind_a_log_is_zero(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const uint8_t *log = the_log(d, 3, 2 * DRIVE_PAGE);
	unsigned int i;

	for (i = 16; i < 2 * DRIVE_PAGE; i++)
		assert_int_equal(log[i], 0);
	assert_int_equal(log[2 * DRIVE_PAGE], 0xee);
}

static void logs_that_are_not_there_are_refused(struct rig *r)
{
	static const uint8_t bad[] = {0x00, 0x06, 0x07, 0x0c, 0x0d, 0x80, 0xff};
	struct drive *d = drive_ready(r);
	struct sqe sqe = {.opcode = 0x02, .nsid = 1, .dw10 = 2};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		assert_int_equal(get_log(d, bad[i], 0, 512), 0x109);
	check_status(d, 0, &sqe, 0x002);
	sqe.nsid = 0;
	sqe.prp1 = drive_iova(DRIVE_DATA);
	check_status(d, 0, &sqe, 0);
	assert_int_equal(get_log(d, 2, 0, 512 * 1024 + 4), 0x002);
}

RIG_MAIN("devices_nvme_log", RIG_TEST(errors_are_kept_newest_first),
         RIG_TEST(the_oldest_errors_are_dropped),
         RIG_TEST(health_counts_commands_blocks_and_errors),
         RIG_TEST(health_warns_beyond_a_threshold),
         RIG_TEST(one_firmware_slot_is_in_use),
         RIG_TEST(the_effects_of_commands_are_told),
         RIG_TEST(a_log_is_read_from_an_offset),
         RIG_TEST(what_is_behind_a_log_is_zero),
         RIG_TEST(logs_that_are_not_there_are_refused))
