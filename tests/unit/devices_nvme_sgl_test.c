/* SPDX-License-Identifier: MIT */
/* SGLs of the NVMe model: pieces, buckets, segments, and what is refused. */
#include "devices_nvme_drive.h"

#define WRITE   0x01
#define READ    0x02
#define COMPARE 0x05
#define DSM     0x09

#define USE_SGL 0x40

enum kind {
	BLOCK = 0x00,
	BUCKET = 0x10,
	SEGMENT = 0x20,
	LAST = 0x30,
	KEYED = 0x40,
};

#define LIST DRIVE_DATA /* page; the data is behind it */

/* The second half of a descriptor. */
static uint64_t half(enum kind kind, uint32_t bytes)
{
	return (uint64_t)kind << 56 | bytes;
}

static struct sqe command(uint8_t opcode, uint64_t at, enum kind kind,
                          uint32_t bytes)
{
	return (struct sqe){.opcode = opcode,
	                    .flags = USE_SGL,
	                    .nsid = 1,
	                    .prp1 = at,
	                    .prp2 = half(kind, bytes),
	                    .dw10 = 3,
	                    .dw12 = 7};
}

#define FIRST (3 * 512u) /* byte of the file */
#define BYTES 4096u      /* of a transfer */

static void descriptor(struct drive *d, unsigned int i, uint64_t at,
                       enum kind kind, uint32_t bytes)
{
	uint8_t *to = drive_page(d, LIST) + 16 * i;

	put(to, 8, at);
	put(to + 8, 8, half(kind, bytes));
}

static uint8_t *clear(struct drive *d)
{
	uint8_t *page = drive_page(d, DRIVE_DATA + 1);

	memset(page, 0xee, 4 * DRIVE_PAGE);
	return page;
}

static void check_data(const uint8_t *data, uint64_t first, uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		assert_int_equal(data[i], drive_byte(FIRST + first + i));
}

static void one_data_block_is_enough(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint8_t *data = clear(d);
	struct sqe sqe =
		command(READ, drive_iova(DRIVE_DATA + 1) + 3, BLOCK, BYTES);

	check_status(d, 1, &sqe, 0);
	check_data(data + 3, 0, BYTES);
	assert_int_equal(data[2], 0xee);
	assert_int_equal(data[3 + BYTES], 0xee);
	/* Longer than the data is fine, shorter is not. */
	data = clear(d);
	sqe.prp2 = half(BLOCK, 2 * BYTES);
	check_status(d, 1, &sqe, 0);
	check_data(data + 3, 0, BYTES);
	assert_int_equal(data[3 + BYTES], 0xee);
	sqe.prp2 = half(BLOCK, BYTES - 1);
	check_status(d, 1, &sqe, 0x00f);
	sqe.prp2 = half(BLOCK, 0);
	check_status(d, 1, &sqe, 0x00f);
}

static void a_last_segment_has_many_pieces(struct rig *r)
{
	const uint64_t at = drive_iova(DRIVE_DATA + 1);
	struct drive *d = drive_ready(r);
	uint8_t *data = clear(d);
	struct sqe sqe = command(READ, drive_iova(LIST), LAST, 4 * 16);

	descriptor(d, 0, at + 5000, BLOCK, 1);
	descriptor(d, 1, at + 2, BLOCK, 1000);
	descriptor(d, 2, 0x1000, BLOCK, 0);
	descriptor(d, 3, at + 7001, BLOCK, BYTES - 1001);
	check_status(d, 1, &sqe, 0);
	check_data(data + 5000, 0, 1);
	check_data(data + 2, 1, 1000);
	check_data(data + 7001, 1001, BYTES - 1001);
	assert_int_equal(data[1002], 0xee);
	assert_int_equal(data[5001], 0xee);
}

static void buckets_take_what_is_not_wanted(struct rig *r)
{
	const uint64_t at = drive_iova(DRIVE_DATA + 1);
	struct drive *d = drive_ready(r);
	uint8_t *data = clear(d);
	struct sqe sqe = command(READ, drive_iova(LIST), LAST, 3 * 16);

	descriptor(d, 0, 0, BUCKET, 512);
	descriptor(d, 1, at, BLOCK, 100);
	descriptor(d, 2, 0, BUCKET, BYTES);
	check_status(d, 1, &sqe, 0);
	check_data(data, 512, 100);
	assert_int_equal(data[100], 0xee);
	sqe = command(READ, 0, BUCKET, 512 * 1024);
	sqe.dw12 = 1023;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(board_fault.count, 0);
}

static void buckets_give_nothing(struct rig *r)
{
	const uint64_t at = drive_iova(DRIVE_DATA + 1);
	struct drive *d = drive_ready(r);
	uint8_t *data = clear(d);
	struct sqe sqe = command(WRITE, drive_iova(LIST), LAST, 3 * 16);
	unsigned int i;

	for (i = 0; i < BYTES; i++)
		data[i] = (uint8_t)(i * 7);
	descriptor(d, 0, at, BLOCK, 700);
	descriptor(d, 1, 0, BUCKET, 512);
	descriptor(d, 2, at + 700, BLOCK, BYTES - 700);
	check_status(d, 1, &sqe, 0);
	for (i = 0; i < BYTES; i++)
		assert_int_equal(drive_file_byte(d, FIRST + i),
		                 (uint8_t)(i * 7));
	sqe.opcode = COMPARE;
	check_status(d, 1, &sqe, 0);
	sqe = command(WRITE, 0, BUCKET, BYTES);
	check_status(d, 1, &sqe, 0x00f);
}

static void segments_lead_on(struct rig *r)
{
	const uint64_t at = drive_iova(DRIVE_DATA + 1);
	struct drive *d = drive_ready(r);
	uint8_t *data = clear(d);
	struct sqe sqe = command(READ, drive_iova(LIST), SEGMENT, 2 * 16);

	descriptor(d, 0, at, BLOCK, 1000);
	descriptor(d, 1, drive_iova(LIST) + 16 * 7, SEGMENT, 16);
	descriptor(d, 7, drive_iova(LIST) + 16 * 4, LAST, 16);
	descriptor(d, 4, at + 1500, BLOCK, BYTES - 1000);
	check_status(d, 1, &sqe, 0);
	check_data(data, 0, 1000);
	check_data(data + 1500, 1000, BYTES - 1000);
	assert_int_equal(data[1000], 0xee);
}

/* 512 descriptors are more than the model fetches at once. */
static void a_segment_may_be_longer_than_a_page(struct rig *r)
{
	const uint64_t at = drive_iova(DRIVE_DATA + 4);
	struct drive *d = drive_ready(r);
	uint8_t *data = drive_page(d, DRIVE_DATA + 4);
	struct sqe sqe = command(READ, drive_iova(LIST), LAST, 512 * 16);
	unsigned int i;

	for (i = 0; i < 512; i++)
		descriptor(d, i, at + 16 * i, BLOCK, 8);
	check_status(d, 1, &sqe, 0);
	for (i = 0; i < 512; i++)
		check_data(data + 16 * i, 8 * i, 8);
	sqe.prp2 = half(LAST, 513 * 16);
	check_status(d, 1, &sqe, 0x00e);
	sqe.prp2 = half(LAST, 0xfffffff0);
	check_status(d, 1, &sqe, 0x00e);
}

static void segments_that_cannot_be_are_refused(struct rig *r)
{
	static const struct {
		enum kind first, second;
		uint32_t bytes;
		uint16_t status;
	} bad[] = {
		{SEGMENT, BLOCK, 0, 0x00d},  {LAST, BLOCK, 0, 0x00d},
		{LAST, BLOCK, 8, 0x00d},     {LAST, BLOCK, 17, 0x00d},
		{SEGMENT, BLOCK, 32, 0x00d}, {LAST, LAST, 32, 0x00d},
		{LAST, SEGMENT, 32, 0x00d},  {LAST, KEYED, 32, 0x011},
		{LAST, 0x01, 32, 0x011},     {KEYED, BLOCK, 32, 0x011},
		{0x50, BLOCK, 32, 0x011},    {0xf0, BLOCK, 32, 0x011},
		{0x0f, BLOCK, 32, 0x011},    {0x21, BLOCK, 32, 0x011},
	};
	struct drive *d = drive_ready(r);
	unsigned int i;

	descriptor(d, 0, drive_iova(DRIVE_DATA + 1), BLOCK, 512);
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		struct sqe sqe = command(READ, drive_iova(LIST), bad[i].first,
		                         bad[i].bytes);

		descriptor(d, 1, drive_iova(DRIVE_DATA + 2), bad[i].second, 16);
		check_status(d, 1, &sqe, bad[i].status);
	}
}

static void a_segment_leads_on_at_its_end_only(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, drive_iova(LIST), LAST, 32);

	descriptor(d, 0, drive_iova(LIST) + 64, LAST, 16);
	descriptor(d, 1, drive_iova(DRIVE_DATA + 2), BLOCK, BYTES);
	check_status(d, 1, &sqe, 0x00e);
	descriptor(d, 0, drive_iova(LIST) + 64, SEGMENT, 16);
	check_status(d, 1, &sqe, 0x00e);
}

static void segments_in_a_circle_have_an_end(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, drive_iova(LIST), SEGMENT, 16);

	descriptor(d, 0, drive_iova(LIST), SEGMENT, 16);
	check_status(d, 1, &sqe, 0x00e);
}

static void faults_name_the_sgl(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, 0x1000, LAST, 32);

	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, 0x1000, "READ", "SGL segment");
	sqe = command(READ, 0x2000, BLOCK, BYTES);
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, 0x2000, "READ", "SGL data block");
	sqe = command(READ, UINT64_MAX - 10, BLOCK, BYTES);
	check_status(d, 1, &sqe, 0x004);
}

static void ranges_come_by_an_sgl_too(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe =
		command(DSM, drive_iova(DRIVE_DATA + 1) + 1, BLOCK, 16);
	uint8_t *range = clear(d) + 1;

	put(range, 8, UINT64_C(2) << 32);
	put(range + 8, 8, 5);
	sqe.dw10 = 0;
	sqe.dw11 = 4;
	sqe.dw12 = 0;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(drive_file_byte(d, 5 * 512 - 1),
	                 drive_byte(5 * 512 - 1));
	assert_int_equal(drive_file_byte(d, 5 * 512 + 1), 0);
	assert_int_equal(drive_file_byte(d, 7 * 512 - 1), 0);
}

RIG_MAIN("devices_nvme_sgl", RIG_TEST(one_data_block_is_enough),
         RIG_TEST(a_last_segment_has_many_pieces),
         RIG_TEST(buckets_take_what_is_not_wanted),
         RIG_TEST(buckets_give_nothing), RIG_TEST(segments_lead_on),
         RIG_TEST(a_segment_may_be_longer_than_a_page),
         RIG_TEST(segments_that_cannot_be_are_refused),
         RIG_TEST(a_segment_leads_on_at_its_end_only),
         RIG_TEST(segments_in_a_circle_have_an_end),
         RIG_TEST(faults_name_the_sgl), RIG_TEST(ranges_come_by_an_sgl_too))
