/* SPDX-License-Identifier: MIT */
/* Compare, Verify and Write Uncorrectable of the NVMe model. */
#include "devices_nvme_drive.h"

#define WRITE         0x01
#define READ          0x02
#define UNCORRECTABLE 0x04
#define COMPARE       0x05
#define ZEROES        0x08
#define DSM           0x09
#define VERIFY        0x0c

#define UNREADABLE 0x281

static struct sqe command(uint8_t opcode, uint64_t block, uint32_t blocks)
{
	return (struct sqe){.opcode = opcode,
	                    .nsid = 1,
	                    .prp1 = drive_iova(DRIVE_DATA),
	                    .prp2 = drive_iova(DRIVE_DATA + 1),
	                    .dw10 = (uint32_t)block,
	                    .dw11 = (uint32_t)(block >> 32),
	                    .dw12 = blocks - 1};
}

static uint16_t run(struct drive *d, uint8_t opcode, uint64_t block,
                    uint32_t blocks)
{
	const struct sqe sqe = command(opcode, block, blocks);

	return SC(drive_run(d, 1, &sqe, NULL));
}

static void compare_tells_whether_they_are_the_same(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint8_t *data = drive_page(d, DRIVE_DATA);

	assert_int_equal(run(d, READ, 20, 16), 0);
	assert_int_equal(run(d, COMPARE, 20, 16), 0);
	assert_int_equal(run(d, COMPARE, 21, 16), 0x285);
	data[8191] ^= 1;
	assert_int_equal(run(d, COMPARE, 20, 16), 0x285);
	assert_int_equal(run(d, COMPARE, 20, 15), 0);
	data[0] ^= 1;
	assert_int_equal(run(d, COMPARE, 20, 1), 0x285);
	/* It changes neither side. */
	assert_int_equal(data[0], drive_byte(20 * 512) ^ 1);
	assert_int_equal(drive_file_byte(d, 20 * 512), drive_byte(20 * 512));
}

static void compare_refuses_as_a_transfer_does(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(COMPARE, 0, 1);

	assert_int_equal(run(d, COMPARE, DRIVE_BLOCKS, 1), 0x080);
	assert_int_equal(run(d, COMPARE, 0, 1025), 0x002);
	sqe.prp1 = 0x1000;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, 0x1000, "COMPARE", "PRP1");
	sqe.prp1 = 0x1002;
	check_status(d, 1, &sqe, 0x013);
	assert_int_equal(ftruncate(d->fd, 100 * 512), 0);
	assert_int_equal(run(d, COMPARE, 100, 1), UNREADABLE);
}

static void verify_reads_all_and_sends_nothing(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(VERIFY, 0, DRIVE_BLOCKS);

	sqe.prp1 = sqe.prp2 = 0x1003;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(board_fault.count, 0);
	assert_int_equal(run(d, VERIFY, 1, DRIVE_BLOCKS), 0x080);
	assert_int_equal(ftruncate(d->fd, (DRIVE_BLOCKS - 1) * 512), 0);
	check_status(d, 1, &sqe, UNREADABLE);
	assert_int_equal(run(d, VERIFY, 0, DRIVE_BLOCKS - 1), 0);
}

static void marked_blocks_cannot_be_read_until_written(struct rig *r)
{
	struct drive *d = drive_ready(r);

	assert_int_equal(run(d, UNCORRECTABLE, 10, 4), 0);
	assert_int_equal(run(d, READ, 10, 1), UNREADABLE);
	assert_int_equal(run(d, READ, 13, 1), UNREADABLE);
	assert_int_equal(run(d, READ, 6, 8), UNREADABLE);
	assert_int_equal(run(d, COMPARE, 12, 1), UNREADABLE);
	assert_int_equal(run(d, VERIFY, 0, 4096), UNREADABLE);
	assert_int_equal(run(d, READ, 9, 1), 0);
	assert_int_equal(run(d, READ, 14, 1), 0);
	/* What was in the file is there: only the device cannot read it. */
	assert_int_equal(drive_file_byte(d, 10 * 512 + 1),
	                 drive_byte(10 * 512 + 1));
	assert_int_equal(run(d, WRITE, 11, 2), 0);
	assert_int_equal(run(d, READ, 11, 2), 0);
	assert_int_equal(run(d, READ, 10, 1), UNREADABLE);
	assert_int_equal(run(d, READ, 13, 1), UNREADABLE);
	assert_int_equal(run(d, WRITE, 8, 8), 0);
	assert_int_equal(run(d, VERIFY, 0, 4096), 0);
}

static void zeros_and_deallocation_write_as_well(struct rig *r)
{
	struct sqe sqe = {.opcode = DSM,
	                  .nsid = 1,
	                  .prp1 = drive_iova(DRIVE_DATA),
	                  .dw11 = 4};
	struct drive *d = drive_ready(r);

	assert_int_equal(run(d, UNCORRECTABLE, 10, 4), 0);
	assert_int_equal(run(d, ZEROES, 10, 2), 0);
	assert_int_equal(run(d, READ, 10, 2), 0);
	put(drive_page(d, DRIVE_DATA), 8, UINT64_C(2) << 32);
	put(drive_page(d, DRIVE_DATA) + 8, 8, 12);
	check_status(d, 1, &sqe, 0);
	assert_int_equal(run(d, VERIFY, 0, 4096), 0);
}

static void a_write_that_fails_leaves_the_marks(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(WRITE, 10, 1);

	assert_int_equal(run(d, UNCORRECTABLE, 10, 1), 0);
	sqe.prp1 = 0x1000;
	check_status(d, 1, &sqe, 0x004);
	assert_int_equal(run(d, READ, 10, 1), UNREADABLE);
}

static void marks_outlive_a_reset_and_end_with_a_format(struct rig *r)
{
	const struct sqe format = {.opcode = 0x80, .nsid = 1};
	struct drive *d = drive_ready(r);

	assert_int_equal(run(d, UNCORRECTABLE, 0, 1), 0);
	ioas_device_reset(d->board->dev);
	drive_enable(d);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
	assert_int_equal(run(d, READ, 0, 1), UNREADABLE);
	check_status(d, 0, &format, 0);
	assert_int_equal(run(d, READ, 0, 1), 0);
}

static void marks_beyond_the_end_are_refused(struct rig *r)
{
	struct drive *d = drive_ready(r);

	assert_int_equal(run(d, UNCORRECTABLE, DRIVE_BLOCKS, 1), 0x080);
	assert_int_equal(run(d, UNCORRECTABLE, UINT64_MAX, 2), 0x080);
	assert_int_equal(run(d, UNCORRECTABLE, 0, DRIVE_BLOCKS), 0);
}

/* Neighbours make one run, so many of them fit. */
static void neighbours_take_no_room(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < 300; i++) {
		assert_int_equal(run(d, UNCORRECTABLE, 1000 + i, 1), 0);
		assert_int_equal(run(d, UNCORRECTABLE, 999 - i, 1), 0);
	}
	assert_int_equal(run(d, READ, 1299, 1), UNREADABLE);
	assert_int_equal(run(d, READ, 700, 1), UNREADABLE);
	assert_int_equal(run(d, READ, 699, 1), 0);
	assert_int_equal(run(d, READ, 1300, 1), 0);
}

static void a_full_table_refuses_what_needs_room(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < 128; i++)
		assert_int_equal(run(d, UNCORRECTABLE, 8 * i, 4), 0);
	assert_int_equal(run(d, UNCORRECTABLE, 2000, 1), 0x006);
	assert_int_equal(run(d, READ, 2000, 1), 0);
	assert_int_equal(run(d, UNCORRECTABLE, 9, 2), 0);
	/* Holes in the runs, until there is room for no more. */
	for (i = 0; i < 128; i++)
		assert_int_equal(run(d, WRITE, 8 * i + 1, 1), 0);
	assert_int_equal(run(d, UNCORRECTABLE, 8 * 5 + 1, 1), 0x006);
	assert_int_equal(run(d, ZEROES, 0, 8), 0);
	assert_int_equal(run(d, ZEROES, 8, 8), 0);
	for (i = 2; i < 128; i++) {
		assert_int_equal(run(d, READ, 8 * i, 1), UNREADABLE);
		assert_int_equal(run(d, READ, 8 * i + 1, 1), 0);
		assert_int_equal(run(d, READ, 8 * i + 2, 2), UNREADABLE);
		assert_int_equal(run(d, READ, 8 * i + 4, 4), 0);
	}
}

static void a_hole_that_has_no_room_is_a_write_fault(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < 128; i++)
		assert_int_equal(run(d, UNCORRECTABLE, 8 * i, 6), 0);
	for (i = 0; i < 128; i++)
		assert_int_equal(run(d, WRITE, 8 * i + 1, 1), 0);
	memset(drive_page(d, DRIVE_DATA), 0x77, 512);
	assert_int_equal(run(d, WRITE, 3, 1), 0x280);
	assert_int_equal(run(d, ZEROES, 3, 1), 0x280);
	assert_int_equal(drive_file_byte(d, 3 * 512), drive_byte(3 * 512));
	assert_int_equal(run(d, WRITE, 2, 1), 0);
	assert_int_equal(run(d, READ, 2, 1), 0);
	assert_int_equal(run(d, READ, 3, 1), UNREADABLE);
}

/* A plain array of flags stands beside the table. */
static void random_marks_agree_with_flags(struct rig *r)
{
	enum { BLOCKS = 64 };
	struct drive *d = drive_ready(r);
	bool flag[BLOCKS] = {false};
	unsigned int i, k;

	for (i = 0; i < 1000; i++) {
		const uint32_t first = (uint32_t)rig_random_below(r, BLOCKS);
		const uint32_t count =
			(uint32_t)rig_random_below(r, BLOCKS - first) % 9 + 1;
		const bool set = rig_random_below(r, 2);
		bool bad = false;

		if (first + count > BLOCKS)
			continue;
		assert_int_equal(
			run(d, set ? UNCORRECTABLE : ZEROES, first, count), 0);
		for (k = first; k < first + count; k++)
			flag[k] = set;
		for (k = 0; k < BLOCKS; k++) {
			bad |= flag[k];
			assert_int_equal(run(d, READ, k, 1),
			                 flag[k] ? UNREADABLE : 0);
		}
		assert_int_equal(run(d, VERIFY, 0, BLOCKS),
		                 bad ? UNREADABLE : 0);
	}
}

RIG_MAIN("devices_nvme_media",
         RIG_TEST(compare_tells_whether_they_are_the_same),
         RIG_TEST(compare_refuses_as_a_transfer_does),
         RIG_TEST(verify_reads_all_and_sends_nothing),
         RIG_TEST(marked_blocks_cannot_be_read_until_written),
         RIG_TEST(zeros_and_deallocation_write_as_well),
         RIG_TEST(a_write_that_fails_leaves_the_marks),
         RIG_TEST(marks_outlive_a_reset_and_end_with_a_format),
         RIG_TEST(marks_beyond_the_end_are_refused),
         RIG_TEST(neighbours_take_no_room),
         RIG_TEST(a_full_table_refuses_what_needs_room),
         RIG_TEST(a_hole_that_has_no_room_is_a_write_fault),
         RIG_ONCE(random_marks_agree_with_flags))
