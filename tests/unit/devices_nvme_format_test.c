/* SPDX-License-Identifier: MIT */
/* Format NVM of the NVMe model, and blocks of 4096 bytes. */
#include <fcntl.h>

#include "devices_nvme_drive.h"
#include "failing_call.h"

#define WRITE 0x01
#define READ  0x02

static const struct ioas_option large = {"blocks", "4096"};

static uint16_t format(struct drive *d, uint32_t nsid, uint32_t how)
{
	const struct sqe sqe = {.opcode = 0x80, .nsid = nsid, .dw10 = how};

	return SC(drive_run(d, 0, &sqe, NULL));
}

static const uint8_t *identify(struct drive *d)
{
	const struct sqe sqe = {
		.opcode = 0x06, .nsid = 1, .prp1 = drive_iova(DRIVE_DATA + 8)};

	check_status(d, 0, &sqe, 0);
	return drive_page(d, DRIVE_DATA + 8);
}

static uint16_t run(struct drive *d, uint8_t opcode, uint64_t block,
                    uint32_t blocks)
{
	const struct sqe sqe = {.opcode = opcode,
	                        .nsid = 1,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .prp2 = drive_iova(DRIVE_DATA + 1),
	                        .dw10 = (uint32_t)block,
	                        .dw12 = blocks - 1};

	return SC(drive_run(d, 1, &sqe, NULL));
}

static void check_geometry(struct drive *d, uint64_t blocks, uint8_t format)
{
	const uint8_t *p = identify(d);

	assert_int_equal(take(p, 8), blocks);
	assert_int_equal(take(p + 8, 8), blocks);
	assert_int_equal(p[26], format);
}

static void blocks_of_4096_bytes_are_an_option(struct rig *r)
{
	struct drive *d = drive_ready_with(r, &large, 1);
	uint8_t *data = drive_page(d, DRIVE_DATA);
	unsigned int i;

	check_geometry(d, DRIVE_BLOCKS / 8, 1);
	assert_int_equal(run(d, READ, 5, 2), 0);
	for (i = 0; i < 8192; i++)
		assert_int_equal(data[i], drive_byte(5 * 4096 + i));
	memset(data, 0x3c, 4096);
	assert_int_equal(run(d, WRITE, 7, 1), 0);
	assert_int_equal(drive_file_byte(d, 7 * 4096 - 1),
	                 drive_byte(7 * 4096 - 1));
	assert_int_equal(drive_file_byte(d, 7 * 4096), 0x3c);
	assert_int_equal(drive_file_byte(d, 8 * 4096 - 1), 0x3c);
	assert_int_equal(run(d, READ, DRIVE_BLOCKS / 8 - 1, 1), 0);
	assert_int_equal(run(d, READ, DRIVE_BLOCKS / 8, 1), 0x080);
	assert_int_equal(run(d, READ, 0, 129), 0x002);
}

static void health_counts_512_bytes_whatever_a_block_is(struct rig *r)
{
	const struct sqe log = {.opcode = 0x02,
	                        .prp1 = drive_iova(DRIVE_DATA + 8),
	                        .dw10 = 127 << 16 | 2};
	struct drive *d = drive_ready_with(r, &large, 1);
	unsigned int i;

	for (i = 0; i < 126; i++)
		assert_int_equal(run(d, READ, 0, 1), 0);
	check_status(d, 0, &log, 0);
	/* 1008 of 512 bytes, in thousands rounded up. */
	assert_int_equal(take(drive_page(d, DRIVE_DATA + 8) + 32, 8), 2);
}

static void format_changes_the_block_and_leaves_zeros(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint64_t i;

	check_geometry(d, DRIVE_BLOCKS, 0);
	assert_int_equal(format(d, 1, 1), 0);
	check_geometry(d, DRIVE_BLOCKS / 8, 1);
	for (i = 0; i < DRIVE_BLOCKS * 512; i += 61)
		assert_int_equal(drive_file_byte(d, i), 0);
	/* Less than a block at the end of the file is nobody's. */
	assert_int_equal(drive_file_byte(d, DRIVE_BLOCKS * 512),
	                 drive_byte(DRIVE_BLOCKS * 512));
	assert_int_equal(run(d, READ, DRIVE_BLOCKS / 8, 1), 0x080);
	assert_int_equal(format(d, 0xffffffff, 0), 0);
	check_geometry(d, DRIVE_BLOCKS, 0);
	assert_int_equal(run(d, READ, DRIVE_BLOCKS - 1, 1), 0);
}

static void a_format_outlives_a_reset(struct rig *r)
{
	struct drive *d = drive_ready(r);

	assert_int_equal(format(d, 1, 1), 0);
	ioas_device_reset(d->board->dev);
	drive_enable(d);
	check_geometry(d, DRIVE_BLOCKS / 8, 1);
}

static void erasing_user_data_leaves_zeros(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint64_t i;

	assert_int_equal(format(d, 1, 1 << 9), 0);
	for (i = 0; i < DRIVE_BLOCKS * 512; i += 61)
		assert_int_equal(drive_file_byte(d, i), 0);
}

static void formats_that_are_not_offered_are_refused(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 2; i < 16; i++)
		assert_int_equal(format(d, 1, i), 0x10a);
	for (i = 1; i < 8; i++)
		assert_int_equal(format(d, 1, i << 5), 0x10a);
	for (i = 2; i < 8; i++)
		assert_int_equal(format(d, 1, i << 9), 0x002);
	assert_int_equal(format(d, 0, 0), 0x00b);
	assert_int_equal(format(d, 2, 0), 0x00b);
	assert_int_equal(drive_file_byte(d, 1), drive_byte(1));
}

static void a_namespace_keeps_at_least_one_block(struct rig *r)
{
	static const struct ioas_option option = {"file2", "small-file"};
	int fd = open("small-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct drive *d;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4095), 0);
	close(fd);
	d = drive_ready_with(r, &option, 1);
	unlink("small-file");
	assert_int_equal(format(d, 2, 1), 0x10a);
	/* All or none. */
	assert_int_equal(format(d, 0xffffffff, 1), 0x10a);
	check_geometry(d, DRIVE_BLOCKS, 0);
	assert_int_equal(format(d, 2, 0), 0);
}

static void a_file_that_shrank_is_a_write_fault(struct rig *r)
{
	struct drive *d = drive_ready(r);

	assert_int_equal(ftruncate(d->fd, 512), 0);
	assert_int_equal(format(d, 1, 1), 0x280);
	check_geometry(d, DRIVE_BLOCKS, 0);
}

static bool format_is_a_write_fault(void *arg)
{
	struct drive *d = arg;

	return format(d, 1, 1) == 0x280;
}

static void a_format_that_cannot_be_flushed_is_a_write_fault(struct rig *r)
{
	struct drive *d = drive_ready(r);

	check_with_failing_call(SYS_fdatasync, EIO, format_is_a_write_fault, d);
}

RIG_MAIN("devices_nvme_format", RIG_TEST(blocks_of_4096_bytes_are_an_option),
         RIG_TEST(health_counts_512_bytes_whatever_a_block_is),
         RIG_TEST(format_changes_the_block_and_leaves_zeros),
         RIG_TEST(a_format_outlives_a_reset),
         RIG_TEST(erasing_user_data_leaves_zeros),
         RIG_TEST(formats_that_are_not_offered_are_refused),
         RIG_TEST(a_namespace_keeps_at_least_one_block),
         RIG_TEST(a_file_that_shrank_is_a_write_fault),
         RIG_TEST(a_format_that_cannot_be_flushed_is_a_write_fault))
