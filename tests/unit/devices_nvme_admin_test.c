/* SPDX-License-Identifier: MIT */
/* Admin commands of the NVMe model: queues, Abort, events, what is refused. */
#include "devices_nvme_drive.h"

static struct drive *enabled(struct rig *r)
{
	struct drive *d = drive_new(r);

	drive_enable(d);
	return d;
}

static void create_cq_refuses_what_it_should(struct rig *r)
{
	struct drive *d = enabled(r);
	struct sqe sqe;

	sqe = create_cq(0, 16);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_cq(65, 16);
	sqe.dw11 = 3;
	check_status(d, 0, &sqe, 0x101);
	sqe = create_cq(1, 1);
	check_status(d, 0, &sqe, 0x102);
	sqe = create_cq(1, 1025);
	check_status(d, 0, &sqe, 0x102);
	sqe = create_cq(1, 16);
	sqe.prp1 += 512;
	check_status(d, 0, &sqe, 0x013);
	sqe = create_cq(1, 16);
	sqe.dw11 &= ~1u;
	check_status(d, 0, &sqe, 0x002);
	sqe = create_cq(1, 16);
	sqe.dw11 = 65 << 16 | 3;
	check_status(d, 0, &sqe, 0x108);
	sqe.dw11 = 64 << 16 | 3;
	check_status(d, 0, &sqe, 0);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_cq(2, 1024);
	check_status(d, 0, &sqe, 0);
}

static void create_sq_refuses_what_it_should(struct rig *r)
{
	struct drive *d = enabled(r);
	struct sqe sqe = create_cq(1, 16);

	check_status(d, 0, &sqe, 0);
	sqe = create_sq(0, 16, 1);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_sq(65, 16, 1);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_sq(1, 16, 0);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_sq(1, 16, 65);
	check_status(d, 0, &sqe, 0x101);
	sqe = create_sq(1, 16, 2);
	check_status(d, 0, &sqe, 0x100);
	sqe = create_sq(1, 1, 1);
	check_status(d, 0, &sqe, 0x102);
	sqe = create_sq(1, 1025, 1);
	check_status(d, 0, &sqe, 0x102);
	sqe = create_sq(1, 16, 1);
	sqe.prp1 += 8;
	check_status(d, 0, &sqe, 0x013);
	sqe = create_sq(1, 16, 1);
	sqe.dw11 &= ~1u;
	check_status(d, 0, &sqe, 0x002);
	sqe = create_sq(1, 1024, 1);
	check_status(d, 0, &sqe, 0);
	check_status(d, 0, &sqe, 0x101);
}

static void queues_need_the_entry_sizes(struct rig *r)
{
	static const uint32_t bad[] = {0, 0x00060000, 0x00400000, 0x00470000,
	                               0x00560000};
	struct drive *d = enabled(r);
	const struct sqe cq = create_cq(1, 16), sq = create_sq(2, 16, 1);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		set32(d, REG_CC, bad[i] | 1);
		check_status(d, 0, &cq, 0x102);
	}
	set32(d, REG_CC, DRIVE_CC | 1);
	check_status(d, 0, &cq, 0);
	set32(d, REG_CC, 1);
	check_status(d, 0, &sq, 0x102);
}

static void queues_are_deleted_in_order(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe sq = {.opcode = 0x00, .dw10 = 1};
	const struct sqe cq = {.opcode = 0x04, .dw10 = 1};
	const struct sqe more = create_sq(2, 16, 1);
	const struct sqe sq2 = {.opcode = 0x00, .dw10 = 2};

	check_status(d, 0, &more, 0);
	check_status(d, 0, &cq, 0x10c);
	check_status(d, 0, &sq, 0);
	check_status(d, 0, &cq, 0x10c);
	check_status(d, 0, &sq, 0x101);
	check_status(d, 0, &sq2, 0);
	check_status(d, 0, &cq, 0);
	check_status(d, 0, &cq, 0x101);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
}

static void delete_refuses_queues_that_are_not_there(struct rig *r)
{
	static const uint32_t bad[] = {0, 2, 65, 0xffff};
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		const struct sqe sq = {.opcode = 0x00, .dw10 = bad[i]};
		const struct sqe cq = {.opcode = 0x04, .dw10 = bad[i]};

		check_status(d, 0, &sq, 0x101);
		check_status(d, 0, &cq, 0x101);
	}
}

/* Commands that wait in it are never run. */
static void a_deleted_queue_runs_no_more(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe flush = {.opcode = 0x00, .nsid = 1};
	const struct sqe delete = {.opcode = 0x00, .dw10 = 1};
	struct cqe cqe = {0};

	drive_put(d, 1, &flush);
	check_status(d, 0, &delete, 0);
	drive_ring(d, 1);
	assert_false(drive_see(d, 1, &cqe));
}

static void abort_says_that_nothing_was_aborted(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe sqe = {.opcode = 0x08, .dw10 = 5 << 16 | 1};
	uint32_t result;

	assert_int_equal(drive_run(d, 0, &sqe, &result), 0);
	assert_int_equal(result, 1);
}

static void event_requests_are_held_up_to_the_limit(struct rig *r)
{
	struct drive *d = enabled(r);
	const struct sqe sqe = {.opcode = 0x0c};
	unsigned int round, i;
	struct cqe cqe = {0};

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 4; i++)
			drive_put(d, 0, &sqe);
		drive_ring(d, 0);
		assert_false(drive_see(d, 0, &cqe));
		check_status(d, 0, &sqe, 0x105);
		set32(d, REG_CC, 0);
		drive_enable(d);
	}
}

static void unknown_commands_are_invalid_opcodes(struct rig *r)
{
	static const uint8_t admin[] = {0x03, 0x07, 0x0b, 0x0d, 0x10, 0x11,
	                                0x14, 0x15, 0x18, 0x19, 0x1a, 0x1c,
	                                0x81, 0x82, 0x84, 0x86, 0xc0, 0xff};
	static const uint8_t io[] = {0x03, 0x06, 0x07, 0x0d, 0x0e,
	                             0x11, 0x15, 0x19, 0x80, 0xff};
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(admin); i++) {
		const struct sqe sqe = {.opcode = admin[i], .nsid = 1};

		check_status(d, 0, &sqe, 0x001);
	}
	for (i = 0; i < IOAS_ARRAY_SIZE(io); i++) {
		const struct sqe sqe = {.opcode = io[i], .nsid = 1};

		check_status(d, 1, &sqe, 0x001);
	}
}

static void fused_commands_and_sgls_of_other_kinds_are_refused(struct rig *r)
{
	static const uint8_t bad[] = {0x01, 0x02, 0x03, 0x80, 0xc0};
	const struct sqe sgl = {.opcode = 0x08, .flags = 0x40};
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		const struct sqe flush = {.nsid = 1, .flags = bad[i]};
		const struct sqe abort = {.opcode = 0x08, .flags = bad[i]};

		check_status(d, 1, &flush, 0x002);
		check_status(d, 0, &abort, 0x002);
	}
	check_status(d, 0, &sgl, 0x002);
}

/* Bit 14, do not retry, where trying again cannot help. */
static void refusals_say_do_not_retry(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe unknown = {.opcode = 0xff};
	const struct sqe far = {.opcode = 0x02, .nsid = 1, .prp1 = 0x1000};

	assert_int_equal(drive_run(d, 0, &unknown, NULL), DNR | MORE | 0x001);
	assert_int_equal(drive_run(d, 1, &far, NULL), MORE | 0x004);
}

RIG_MAIN("devices_nvme_admin", RIG_TEST(create_cq_refuses_what_it_should),
         RIG_TEST(create_sq_refuses_what_it_should),
         RIG_TEST(queues_need_the_entry_sizes),
         RIG_TEST(queues_are_deleted_in_order),
         RIG_TEST(delete_refuses_queues_that_are_not_there),
         RIG_TEST(a_deleted_queue_runs_no_more),
         RIG_TEST(abort_says_that_nothing_was_aborted),
         RIG_TEST(event_requests_are_held_up_to_the_limit),
         RIG_TEST(unknown_commands_are_invalid_opcodes),
         RIG_TEST(fused_commands_and_sgls_of_other_kinds_are_refused),
         RIG_TEST(refusals_say_do_not_retry))
