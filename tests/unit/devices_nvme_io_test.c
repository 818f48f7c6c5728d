/* SPDX-License-Identifier: MIT */
/* Commands of the NVMe model's namespace, and what its file can do wrong. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "devices_nvme_drive.h"
#include "failing_call.h"

#define FLUSH  0x00
#define WRITE  0x01
#define READ   0x02
#define ZEROES 0x08
#define DSM    0x09

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

/* Data of the file, which need no copy, and the completion. */
static void LOG_1_what_the_controller_wrote_is_logged(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct board_watch watch =
		board_watch(d->board, DRIVE_IOVA, drive_page(d, 0),
	                    DRIVE_PAGES * DRIVE_PAGE);
	struct sqe sqe = command(READ, 3, 5);

	check_status(d, 1, &sqe, 0);
	/* The program wrote the submission queue; the device did not. */
	memcpy(watch.was + 2 * DRIVE_PAGE, drive_page(d, 2), DRIVE_PAGE);
	board_check_log(d->board, &watch);
}

static void write_then_read_gives_the_same(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint8_t *data = drive_page(d, DRIVE_DATA);
	struct sqe sqe;
	unsigned int i;

	for (i = 0; i < 4096; i++)
		data[i] = (uint8_t)(i * 11);
	sqe = command(WRITE, DRIVE_BLOCKS - 8, 8);
	check_status(d, 1, &sqe, 0);
	memset(data, 0, 4096);
	sqe = command(READ, DRIVE_BLOCKS - 8, 8);
	check_status(d, 1, &sqe, 0);
	for (i = 0; i < 4096; i++) {
		assert_int_equal(data[i], (uint8_t)(i * 11));
		assert_int_equal(
			drive_file_byte(d, (DRIVE_BLOCKS - 8) * 512 + i),
			(uint8_t)(i * 11));
	}
	/* The rest of the file, below a block, is out of reach. */
	assert_int_equal(drive_file_byte(d, DRIVE_BLOCKS * 512),
	                 drive_byte(DRIVE_BLOCKS * 512));
}

static void blocks_beyond_the_end_are_refused(struct rig *r)
{
	static const struct {
		uint64_t block;
		uint32_t blocks;
	} bad[] = {
		{DRIVE_BLOCKS, 1},      {DRIVE_BLOCKS - 1, 2},
		{DRIVE_BLOCKS - 7, 8},  {UINT64_MAX, 1},
		{UINT64_MAX - 6, 8},    {UINT64_C(1) << 55, 1},
		{UINT64_C(1) << 32, 1},
	};
	static const uint8_t opcode[] = {READ, WRITE, ZEROES};
	struct drive *d = drive_ready(r);
	unsigned int i, k;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		for (k = 0; k < IOAS_ARRAY_SIZE(opcode); k++) {
			struct sqe sqe =
				command(opcode[k], bad[i].block, bad[i].blocks);

			check_status(d, 1, &sqe, 0x080);
		}
	}
	assert_int_equal(board_fault.count, 0);
}

static void other_namespaces_are_refused(struct rig *r)
{
	static const uint8_t opcode[] = {READ, WRITE, ZEROES, DSM, FLUSH};
	static const uint32_t bad[] = {0, 2, 0xffffffff};
	struct drive *d = drive_ready(r);
	unsigned int i, k;

	for (i = 0; i < IOAS_ARRAY_SIZE(opcode); i++) {
		for (k = 0; k < IOAS_ARRAY_SIZE(bad); k++) {
			struct sqe sqe = command(opcode[i], 0, 1);

			sqe.nsid = bad[k];
			if (opcode[i] == FLUSH && bad[k] == 0xffffffff)
				check_status(d, 1, &sqe, 0);
			else
				check_status(d, 1, &sqe, 0x00b);
		}
	}
}

static void transfers_above_the_limit_are_refused(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, 0, 1025);

	check_status(d, 1, &sqe, 0x002);
	sqe.opcode = WRITE;
	check_status(d, 1, &sqe, 0x002);
	/* There is no data in this one. */
	sqe = command(ZEROES, 0, 1025);
	check_status(d, 1, &sqe, 0);
}

static void flush_and_forced_writes_work(struct rig *r)
{
	const struct sqe cache_off = {.opcode = 0x09, .dw10 = 6};
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(FLUSH, 0, 1);

	check_status(d, 1, &sqe, 0);
	sqe = command(WRITE, 3, 1);
	sqe.dw12 |= 1u << 30;
	check_status(d, 1, &sqe, 0);
	sqe.opcode = ZEROES;
	check_status(d, 1, &sqe, 0);
	check_status(d, 0, &cache_off, 0);
	sqe = command(WRITE, 3, 1);
	check_status(d, 1, &sqe, 0);
}

static void check_zeros(struct drive *d, uint64_t first, uint64_t count)
{
	uint64_t i;

	assert_int_equal(drive_file_byte(d, first * 512 - 1),
	                 drive_byte(first * 512 - 1));
	for (i = 0; i < count * 512; i += 63)
		assert_int_equal(drive_file_byte(d, first * 512 + i), 0);
	assert_int_equal(drive_file_byte(d, (first + count) * 512 - 1), 0);
	assert_int_equal(drive_file_byte(d, (first + count) * 512 + 1),
	                 drive_byte((first + count) * 512 + 1));
}

static void write_zeroes_makes_zeros(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(ZEROES, 5, 100);

	check_status(d, 1, &sqe, 0);
	check_zeros(d, 5, 100);
	sqe = command(ZEROES, 1001, 2000);
	sqe.dw12 |= 1u << 25;
	check_status(d, 1, &sqe, 0);
	check_zeros(d, 1001, 2000);
}

static void set_range(struct drive *d, unsigned int i, uint64_t block,
                      uint32_t blocks)
{
	uint8_t *at = drive_page(d, DRIVE_DATA) + 16 * i;

	put(at, 4, 0);
	put(at + 4, 4, blocks);
	put(at + 8, 8, block);
}

static void deallocated_ranges_read_as_zeros(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = {.opcode = DSM,
	                  .nsid = 1,
	                  .prp1 = drive_iova(DRIVE_DATA),
	                  .dw10 = 2,
	                  .dw11 = 4};

	set_range(d, 0, 1, 3);
	set_range(d, 1, 100, 1000);
	set_range(d, 2, 50, 0);
	check_status(d, 1, &sqe, 0);
	check_zeros(d, 1, 3);
	check_zeros(d, 100, 1000);
	assert_int_equal(drive_file_byte(d, 50 * 512 + 1),
	                 drive_byte(50 * 512 + 1));
}

static void a_range_beyond_the_end_stops_all_of_them(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = {.opcode = DSM,
	                  .nsid = 1,
	                  .prp1 = drive_iova(DRIVE_DATA),
	                  .dw10 = 1,
	                  .dw11 = 4};

	set_range(d, 0, 1, 3);
	set_range(d, 1, DRIVE_BLOCKS - 1, 2);
	check_status(d, 1, &sqe, 0x080);
	assert_int_equal(drive_file_byte(d, 513), drive_byte(513));
	/* Hints alone free nothing. */
	set_range(d, 1, 10, 1);
	sqe.dw11 = 3;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(drive_file_byte(d, 513), drive_byte(513));
	sqe.prp1 = 0x3000;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, 0x3000, "DATASET MANAGEMENT", "PRP1");
	sqe.prp1 = 0x3002;
	check_status(d, 1, &sqe, 0x013);
}

static void deallocate_takes_256_ranges_across_pages(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = {.opcode = DSM,
	                  .nsid = 1,
	                  .prp1 = drive_iova(DRIVE_DATA) + 16,
	                  .prp2 = drive_iova(DRIVE_DATA + 1),
	                  .dw10 = 255,
	                  .dw11 = 4};
	unsigned int i;

	for (i = 0; i < 256; i++)
		set_range(d, i + 1, 2 * i + 1, 1);
	check_status(d, 1, &sqe, 0);
	for (i = 0; i < 256; i++)
		check_zeros(d, 2 * i + 1, 1);
}

static void memory_for_reading_only_takes_no_data(struct rig *r)
{
	const uint64_t iova = 0x100000;
	struct drive *d = drive_ready(r);
	uint8_t *p = board_map(d->board, iova, rig_page(), IOAS_READ);
	struct sqe sqe = command(WRITE, 7, 1);

	p[1] = 0x5a;
	sqe.prp1 = iova;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(drive_file_byte(d, 7 * 512 + 1), 0x5a);
	sqe = command(READ, 8, 1);
	sqe.prp1 = iova;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_PERMISSION, iova, "READ", "PRP1");
	assert_int_equal(p[1], 0x5a);
}

static void memory_that_has_gone_is_a_transfer_error(struct rig *r)
{
	const uint64_t iova = 0x100000;
	struct drive *d = drive_ready(r);
	uint8_t *p =
		board_map(d->board, iova, rig_page(), IOAS_READ | IOAS_WRITE);
	struct sqe sqe = command(READ, 7, 1);

	rig_hole(r, p, rig_page());
	sqe.prp1 = iova + 512;
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_GONE, iova + 512, "READ", "PRP1");
	assert_int_equal(board_fault.event.perm, IOAS_WRITE);
	sqe.opcode = WRITE;
	check_status(d, 1, &sqe, 0x004);
	assert_int_equal(board_fault.event.perm, IOAS_READ);
	assert_int_equal(board_fault.count, 2);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY);
}

static void memory_that_was_unmapped_is_a_transfer_error(struct rig *r)
{
	const uint64_t iova = 0x100000;
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(READ, 7, 1);

	board_map(d->board, iova, rig_page(), IOAS_READ | IOAS_WRITE);
	sqe.prp1 = iova;
	check_status(d, 1, &sqe, 0);
	board_unmap(d->board, iova);
	check_status(d, 1, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, iova, "READ", "PRP1");
}

static void a_file_that_shrank_is_an_error_of_the_medium(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe log = {.opcode = 0x02,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = 127 << 16 | 2};
	struct sqe sqe = command(READ, 16, 8);
	struct stat st;

	assert_int_equal(ftruncate(d->fd, 16 * 512 + 100), 0);
	check_status(d, 1, &sqe, 0x281);
	sqe.opcode = WRITE;
	check_status(d, 1, &sqe, 0x280);
	sqe.opcode = ZEROES;
	check_status(d, 1, &sqe, 0x280);
	sqe = (struct sqe){.opcode = DSM,
	                   .nsid = 1,
	                   .prp1 = drive_iova(DRIVE_DATA),
	                   .dw11 = 4};
	set_range(d, 0, 16, 1);
	check_status(d, 1, &sqe, 0x280);
	assert_int_equal(fstat(d->fd, &st), 0);
	assert_int_equal(st.st_size, 16 * 512 + 100);
	check_status(d, 0, &log, 0);
	assert_int_equal(take(drive_page(d, DRIVE_DATA) + 160, 8), 4);
	sqe = command(READ, 8, 8);
	check_status(d, 1, &sqe, 0);
}

static void restore_size_limit(void *arg)
{
	setrlimit(RLIMIT_FSIZE, arg);
}

/* The file size limit stands for a full disk: both are -ENOSPC. */
static void no_room_is_a_write_fault_without_a_signal(struct rig *r)
{
	static struct rlimit old;
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(WRITE, 64, 8);
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 64 * 512;
	rig_defer(r, restore_size_limit, &old);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_status(d, 1, &sqe, 0x280);
	sqe = command(WRITE, 56, 8);
	check_status(d, 1, &sqe, 0);
	sqe = command(READ, 64, 8);
	check_status(d, 1, &sqe, 0);
}

static bool flushes_are_write_faults(void *arg)
{
	struct drive *d = arg;
	const struct sqe cache_off = {.opcode = 0x09, .dw10 = 6};
	struct sqe sqe = command(FLUSH, 0, 1);
	bool good;

	good = SC(drive_run(d, 1, &sqe, NULL)) == 0x280;
	sqe = command(WRITE, 3, 1);
	good = good && SC(drive_run(d, 1, &sqe, NULL)) == 0;
	sqe.dw12 |= 1u << 30;
	good = good && SC(drive_run(d, 1, &sqe, NULL)) == 0x280;
	good = good && SC(drive_run(d, 0, &cache_off, NULL)) == 0x280;
	/* A shutdown has no completion to tell it with. */
	set32(d, REG_CC, DRIVE_CC | 1 | 1 << 14);
	return good && (get32(d, REG_CSTS) & CSTS_CFS);
}

static void a_flush_that_fails_is_a_write_fault(struct rig *r)
{
	struct drive *d = drive_ready(r);

	check_with_failing_call(SYS_fdatasync, EIO, flushes_are_write_faults,
	                        d);
}

static void a_reset_in_the_middle_leaves_the_blocks(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe sqe = command(WRITE, 9, 1);

	memset(drive_page(d, DRIVE_DATA), 0x42, 512);
	check_status(d, 1, &sqe, 0);
	drive_put(d, 1, &sqe);
	ioas_device_reset(d->board->dev);
	drive_enable(d);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
	memset(drive_page(d, DRIVE_DATA), 0, 512);
	sqe.opcode = READ;
	check_status(d, 1, &sqe, 0);
	assert_int_equal(drive_page(d, DRIVE_DATA)[511], 0x42);
}

static void random_transfers_agree_with_a_copy(struct rig *r)
{
	struct drive *d = drive_ready(r);
	uint8_t *copy = malloc(DRIVE_BLOCKS * 512);
	unsigned int i, k;

	assert_non_null(copy);
	assert_int_equal(pread(d->fd, copy, DRIVE_BLOCKS * 512, 0),
	                 DRIVE_BLOCKS * 512);
	for (i = 0; i < 500; i++) {
		const uint32_t blocks = (uint32_t)rig_random_below(r, 8) + 1;
		const uint64_t block =
			rig_random_below(r, DRIVE_BLOCKS - blocks);
		const uint32_t offset = (uint32_t)rig_random_below(r, 1024) * 4;
		const bool write = rig_random_below(r, 2);
		struct sqe sqe = command(write ? WRITE : READ, block, blocks);
		uint8_t *data = drive_page(d, DRIVE_DATA) + offset;

		sqe.prp1 += offset;
		for (k = 0; write && k < blocks * 512; k++)
			data[k] = (uint8_t)rig_random(r);
		if (write)
			memcpy(copy + block * 512, data, blocks * 512);
		check_status(d, 1, &sqe, 0);
		assert_memory_equal(data, copy + block * 512, blocks * 512);
	}
	for (i = 0; i < DRIVE_BLOCKS * 512; i += 101)
		assert_int_equal(drive_file_byte(d, i), copy[i]);
	free(copy);
}

RIG_MAIN("devices_nvme_io", RIG_TEST(write_then_read_gives_the_same),
         RIG_TEST(LOG_1_what_the_controller_wrote_is_logged),
         RIG_TEST(blocks_beyond_the_end_are_refused),
         RIG_TEST(other_namespaces_are_refused),
         RIG_TEST(transfers_above_the_limit_are_refused),
         RIG_TEST(flush_and_forced_writes_work),
         RIG_TEST(write_zeroes_makes_zeros),
         RIG_TEST(deallocated_ranges_read_as_zeros),
         RIG_TEST(a_range_beyond_the_end_stops_all_of_them),
         RIG_TEST(deallocate_takes_256_ranges_across_pages),
         RIG_TEST(memory_for_reading_only_takes_no_data),
         RIG_TEST(memory_that_has_gone_is_a_transfer_error),
         RIG_TEST(memory_that_was_unmapped_is_a_transfer_error),
         RIG_TEST(a_file_that_shrank_is_an_error_of_the_medium),
         RIG_TEST(no_room_is_a_write_fault_without_a_signal),
         RIG_TEST(a_flush_that_fails_is_a_write_fault),
         RIG_TEST(a_reset_in_the_middle_leaves_the_blocks),
         RIG_TEST(random_transfers_agree_with_a_copy))
