/* SPDX-License-Identifier: MIT */
/*
 * Which queue of the NVMe model is next: queues complete to one queue that is
 * full, get commands, and are let out together.
 */
#include "devices_nvme_drive.h"

#define WEIGHTED (1u << 11)
#define QUEUES   4u /* submission queues 2 to 5, completion queue 1 */

enum priority { URGENT, HIGH, MEDIUM, LOW };

static const struct sqe flush = {.opcode = 0x00, .nsid = 1};

/* The order in which commands completed, as queue numbers. */
static void let_out(struct drive *d, char *ret_order)
{
	unsigned int n = 0, before;
	struct cqe cqe = {0};

	do {
		before = n;
		ring_head(d, 1, d->queue[1].head);
		while (drive_see(d, 1, &cqe))
			ret_order[n++] = (char)('0' + cqe.sqid);
	} while (n != before);
	ret_order[n] = '\0';
}

static struct drive *start(struct rig *r, uint32_t cc, uint32_t arbitration,
                           const uint8_t *priority)
{
	const struct sqe set = {.opcode = 0x09, .dw10 = 1, .dw11 = arbitration};
	struct drive *d = drive_new(r);
	unsigned int i;

	drive_enable(d);
	if (cc) {
		set32(d, REG_CC, 0);
		drive_forget_queue(d, 0, DRIVE_ENTRIES);
		set32(d, REG_CC, DRIVE_CC | cc | 1);
	}
	check_status(d, 0, &set, 0);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
	for (i = 2; i < 2 + QUEUES; i++) {
		struct sqe sq = create_sq(i, DRIVE_ENTRIES, 1);

		sq.dw11 |= (uint32_t)priority[i - 2] << 1;
		drive_forget_queue(d, i, DRIVE_ENTRIES);
		check_status(d, 0, &sq, 0);
	}
	return d;
}

/* Fifteen completions that nobody takes. */
static void block(struct drive *d)
{
	unsigned int i;

	for (i = 0; i < DRIVE_ENTRIES - 1; i++)
		drive_put(d, 1, &flush);
	drive_ring(d, 1);
	for (i = 0; i < DRIVE_ENTRIES - 1; i++) {
		struct cqe cqe = {0};

		assert_true(drive_see(d, 1, &cqe));
	}
}

static void give(struct drive *d, unsigned int q, unsigned int count)
{
	while (count--)
		drive_put(d, q, &flush);
	drive_ring(d, q);
}

static void check_order(struct drive *d, const char *wanted)
{
	char order[64];

	let_out(d, order);
	assert_string_equal(order, wanted);
}

static const uint8_t same[QUEUES] = {URGENT, HIGH, MEDIUM, LOW};

/* Priorities mean nothing then. */
static void round_robin_gives_each_queue_its_turn(struct rig *r)
{
	struct drive *d = start(r, 0, 0, same);

	block(d);
	give(d, 5, 3);
	give(d, 4, 3);
	give(d, 3, 3);
	give(d, 2, 3);
	check_order(d, "234523452345");
}

static void a_burst_stays_with_a_queue(struct rig *r)
{
	struct drive *d = start(r, 0, 1, same);

	block(d);
	give(d, 2, 5);
	give(d, 3, 3);
	give(d, 4, 1);
	check_order(d, "223342232");
}

static void a_burst_may_have_no_limit(struct rig *r)
{
	struct drive *d = start(r, 0, 7, same);

	block(d);
	give(d, 2, 5);
	give(d, 3, 5);
	check_order(d, "2222233333");
}

static void urgent_queues_come_first(struct rig *r)
{
	static const uint8_t priority[QUEUES] = {LOW, URGENT, HIGH, URGENT};
	struct drive *d = start(r, WEIGHTED, 0xff000000, priority);

	block(d);
	give(d, 2, 2);
	give(d, 4, 2);
	give(d, 5, 2);
	give(d, 3, 2);
	check_order(d, "35354422");
}

/* Weights are one more than what is set: 3, 2 and 1 commands a round. */
static void weights_share_among_the_classes(struct rig *r)
{
	static const uint8_t priority[QUEUES] = {LOW, MEDIUM, HIGH, HIGH};
	struct drive *d = start(r, WEIGHTED, 0x02010000, priority);

	block(d);
	give(d, 2, 4);
	give(d, 3, 4);
	give(d, 4, 3);
	give(d, 5, 3);
	check_order(d, "45433254533222");
}

static void a_class_alone_is_not_held_back(struct rig *r)
{
	static const uint8_t priority[QUEUES] = {LOW, LOW, LOW, LOW};
	struct drive *d = start(r, WEIGHTED, 0, priority);

	block(d);
	give(d, 2, 4);
	give(d, 3, 4);
	check_order(d, "23232323");
}

static void a_deleted_queue_has_no_turn(struct rig *r)
{
	const struct sqe delete = {.opcode = 0x00, .dw10 = 3};
	struct drive *d = start(r, WEIGHTED, 0, same);

	block(d);
	give(d, 3, 2);
	give(d, 4, 2);
	check_status(d, 0, &delete, 0);
	check_order(d, "44");
}

/* What is fixed while enabled stays; the rest of CC does not. */
static void arbitration_cannot_be_changed_while_enabled(struct rig *r)
{
	struct drive *d = start(r, WEIGHTED, 0, same);

	set32(d, REG_CC, DRIVE_CC | 1 << 7 | 1);
	assert_int_equal(get32(d, REG_CC), DRIVE_CC | WEIGHTED | 1);
	set32(d, REG_CC, 1);
	assert_int_equal(get32(d, REG_CC), WEIGHTED | 1);
}

RIG_MAIN("devices_nvme_arbiter",
         RIG_TEST(round_robin_gives_each_queue_its_turn),
         RIG_TEST(a_burst_stays_with_a_queue),
         RIG_TEST(a_burst_may_have_no_limit),
         RIG_TEST(urgent_queues_come_first),
         RIG_TEST(weights_share_among_the_classes),
         RIG_TEST(a_class_alone_is_not_held_back),
         RIG_TEST(a_deleted_queue_has_no_turn),
         RIG_TEST(arbitration_cannot_be_changed_while_enabled))
