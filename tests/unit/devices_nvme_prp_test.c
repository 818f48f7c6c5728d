/* SPDX-License-Identifier: MIT */
/* Where the NVMe model finds the data of a command: every shape of PRPs. */
#include "devices_nvme_drive.h"

#define LIST  10u  /* pages of lists */
#define DATA  200u /* pages of data, used from the last one down */
#define PER   (DRIVE_PAGE / 8)
#define READ  0x02
#define WRITE 0x01

/* Data page i of a transfer: far apart and backwards. */
static unsigned int data_page(unsigned int i)
{
	return DATA + 300 - 2 * i;
}

static struct sqe command(uint8_t opcode, uint64_t block, uint32_t blocks)
{
	return (struct sqe){.opcode = opcode,
	                    .nsid = 1,
	                    .dw10 = (uint32_t)block,
	                    .dw12 = blocks - 1};
}

static void set_entry(struct drive *d, uint64_t iova, uint64_t value)
{
	put(d->pool + (iova - DRIVE_IOVA), 8, value);
}

/*
 * A transfer of @bytes that begins @offset into its first page, with a list
 * (if it needs one) at @list; lists that follow are on pages of their own.
 */
static void lay_out(struct drive *d, struct sqe *sqe, uint32_t offset,
                    uint32_t bytes, uint64_t list)
{
	uint32_t pages = (offset + bytes + DRIVE_PAGE - 1) / DRIVE_PAGE;
	unsigned int i, next = LIST + 1;

	sqe->prp1 = drive_iova(data_page(0)) + offset;
	sqe->prp2 = pages > 2 ? list : drive_iova(data_page(1));
	for (i = 1; pages > 2 && i < pages; i++, list += 8) {
		if (list % DRIVE_PAGE == DRIVE_PAGE - 8 && i < pages - 1) {
			set_entry(d, list, drive_iova(next));
			list = drive_iova(next++);
		}
		set_entry(d, list, drive_iova(data_page(i)));
	}
}

static uint8_t *data_byte(struct drive *d, uint32_t offset, uint32_t i)
{
	const uint32_t at = offset + i;

	return drive_page(d, data_page(at / DRIVE_PAGE)) + at % DRIVE_PAGE;
}

static void check_read(struct drive *d, uint32_t offset, uint32_t blocks,
                       uint64_t list)
{
	struct sqe sqe = command(READ, 33, blocks);
	uint32_t i;

	lay_out(d, &sqe, offset, blocks * 512, list);
	for (i = 0; i < blocks * 512; i++)
		*data_byte(d, offset, i) = 0xaa;
	check_status(d, 1, &sqe, 0);
	for (i = 0; i < blocks * 512; i++) {
		if (*data_byte(d, offset, i) != drive_byte(33 * 512 + i))
			fail_msg("offset %u blocks %u: byte %u", offset, blocks,
			         i);
	}
}

static void check_write(struct drive *d, uint32_t offset, uint32_t blocks,
                        uint64_t list)
{
	struct sqe sqe = command(WRITE, 100, blocks);
	uint8_t *file = malloc(blocks * 512);
	uint32_t i;

	assert_non_null(file);
	lay_out(d, &sqe, offset, blocks * 512, list);
	for (i = 0; i < blocks * 512; i++)
		*data_byte(d, offset, i) = (uint8_t)(i % 253 + blocks);
	check_status(d, 1, &sqe, 0);
	assert_int_equal(pread(d->fd, file, blocks * 512, 100 * 512),
	                 blocks * 512);
	for (i = 0; i < blocks * 512; i++)
		assert_int_equal(file[i], (uint8_t)(i % 253 + blocks));
	free(file);
	assert_int_equal(drive_file_byte(d, 100 * 512 - 1),
	                 drive_byte(100 * 512 - 1));
}

static void data_in_one_page(struct rig *r)
{
	struct drive *d = drive_ready(r);

	check_read(d, 0, 8, 0);
	check_read(d, 0, 1, 0);
	check_read(d, 4, 1, 0);
	check_read(d, 3584, 1, 0);
	check_write(d, 0, 8, 0);
	check_write(d, 3580, 1, 0);
}

static void data_in_two_pages(struct rig *r)
{
	struct drive *d = drive_ready(r);

	check_read(d, 0, 16, 0);
	check_read(d, 0, 9, 0);
	check_read(d, 3588, 1, 0);
	check_read(d, 4092, 8, 0);
	check_write(d, 0, 16, 0);
	check_write(d, 4092, 8, 0);
}

static void data_in_a_list(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const uint64_t list = drive_iova(LIST);

	check_read(d, 0, 17, list);
	check_read(d, 4092, 9, list + 8);
	check_read(d, 0, 1024, list);
	check_read(d, 2048, 1024, list + 1024);
	check_write(d, 0, 24, list);
	check_write(d, 4092, 1024, list + 16);
}

/* A list that ends with its page: exactly, or with a way to the next one. */
static void lists_that_go_on_in_the_next_page(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const uint64_t end = drive_iova(LIST + 1);

	check_read(d, 0, 1024, end - 127 * 8);
	check_read(d, 0, 1024, end - 126 * 8);
	check_read(d, 0, 1024, end - 16);
	check_read(d, 0, 1024, end - 8);
	check_read(d, 0, 24, end - 16);
	check_read(d, 0, 24, end - 8);
	check_write(d, 512, 1024, end - 8);
	check_write(d, 512, 1024, end - 128 * 8);
}

static void prps_with_an_offset_are_refused(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, 0, 1);

	sqe.prp1 = drive_iova(DATA) + 1;
	check_status(d, 1, &sqe, 0x013);
	sqe.prp1 = drive_iova(DATA) + 2;
	check_status(d, 1, &sqe, 0x013);
	sqe = command(READ, 0, 16);
	sqe.prp1 = drive_iova(DATA);
	sqe.prp2 = drive_iova(DATA) + 512;
	check_status(d, 1, &sqe, 0x013);
	sqe = command(READ, 0, 24);
	lay_out(d, &sqe, 0, 24 * 512, drive_iova(LIST));
	sqe.prp2 += 4;
	check_status(d, 1, &sqe, 0x013);
	sqe.prp2 -= 4;
	set_entry(d, drive_iova(LIST), drive_iova(DATA) + 4);
	check_status(d, 1, &sqe, 0x013);
	assert_int_equal(board_fault.count, 0);
}

static void lists_that_lead_nowhere_are_refused(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const uint64_t end = drive_iova(LIST + 1) - 8;
	struct sqe sqe = command(READ, 0, 24);

	sqe.prp1 = drive_iova(DATA);
	sqe.prp2 = end;
	set_entry(d, end, end);
	check_status(d, 1, &sqe, 0x013);
	set_entry(d, end, drive_iova(LIST) + 4);
	check_status(d, 1, &sqe, 0x013);
}

static void faults_name_the_entry_behind_them(struct rig *r)
{
	const uint64_t nowhere = 0x7000;
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(WRITE, 0, 8);

	sqe.prp1 = nowhere;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, nowhere, "WRITE", "PRP1");
	assert_int_equal(board_fault.event.perm, IOAS_READ);
	assert_int_equal(board_fault.issuer.queue, 1);
	assert_int_equal(board_fault.issuer.id, d->cid);
	sqe = command(READ, 0, 16);
	sqe.prp1 = drive_iova(DATA);
	sqe.prp2 = nowhere;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, nowhere, "READ", "PRP2");
	assert_int_equal(board_fault.event.perm, IOAS_WRITE);
	sqe = command(READ, 0, 24);
	sqe.prp1 = drive_iova(DATA);
	sqe.prp2 = nowhere;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, nowhere, "READ", "PRP list");
	lay_out(d, &sqe, 0, 24 * 512, drive_iova(LIST));
	set_entry(d, drive_iova(LIST) + 8, nowhere);
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, nowhere, "READ", "PRP list entry");
	assert_int_equal(board_fault.count, 4);
}

/* The controller's page is 64 KiB: one PRP holds what took sixteen. */
static void larger_pages_are_used_when_they_are_set(struct rig *r)
{
	struct drive *d = drive_new(r);
	struct sqe sqe = command(READ, 5, 256);
	uint8_t *page = drive_page(d, 16);
	uint32_t i;

	drive_forget_queue(d, 0, DRIVE_ENTRIES);
	set32(d, REG_AQA, (DRIVE_ENTRIES - 1) << 16 | (DRIVE_ENTRIES - 1));
	board_store(d->board, REG_ASQ, 8, drive_iova(64));
	board_store(d->board, REG_ACQ, 8, drive_iova(80));
	set32(d, REG_CC, DRIVE_CC | 4 << 7 | 1);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY);
	/* Queue pair 1 in pages 96 and 112, by hand. */
	put(drive_page(d, 64), 4, 0x05);
	put(drive_page(d, 64) + 24, 8, drive_iova(112));
	put(drive_page(d, 64) + 40, 8, UINT64_C(1) << 32 | 15 << 16 | 1);
	put(drive_page(d, 64) + 64, 4, 0x01);
	put(drive_page(d, 64) + 64 + 24, 8, drive_iova(96));
	put(drive_page(d, 64) + 64 + 40, 8,
	    UINT64_C(0x10001) << 32 | 15 << 16 | 1);
	ring_tail(d, 0, 2);
	assert_int_equal(take(drive_page(d, 80) + 14, 2), 1);
	assert_int_equal(take(drive_page(d, 80) + 30, 2), 1);

	sqe.prp1 = drive_iova(16);
	sqe.prp2 = drive_iova(32);
	put(drive_page(d, 96), 1, sqe.opcode);
	put(drive_page(d, 96) + 4, 4, 1);
	put(drive_page(d, 96) + 24, 8, sqe.prp1);
	put(drive_page(d, 96) + 32, 8, sqe.prp2);
	put(drive_page(d, 96) + 40, 4, sqe.dw10);
	put(drive_page(d, 96) + 48, 4, sqe.dw12);
	ring_tail(d, 1, 1);
	assert_int_equal(take(drive_page(d, 112) + 14, 2), 1);
	for (i = 0; i < 256 * 512; i++)
		assert_int_equal(page[i], drive_byte(5 * 512 + i));
}

RIG_MAIN("devices_nvme_prp", RIG_TEST(data_in_one_page),
         RIG_TEST(data_in_two_pages), RIG_TEST(data_in_a_list),
         RIG_TEST(lists_that_go_on_in_the_next_page),
         RIG_TEST(prps_with_an_offset_are_refused),
         RIG_TEST(lists_that_lead_nowhere_are_refused),
         RIG_TEST(faults_name_the_entry_behind_them),
         RIG_TEST(larger_pages_are_used_when_they_are_set))
