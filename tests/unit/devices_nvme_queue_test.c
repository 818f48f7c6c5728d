/* SPDX-License-Identifier: MIT */
/* Queues of the NVMe model: doorbells, completions, interrupts. */
#include "devices_nvme_drive.h"

static const struct sqe flush = {.opcode = 0x00, .nsid = 1};

static void put_many(struct drive *d, unsigned int q, unsigned int count)
{
	while (count--)
		drive_put(d, q, &flush);
}

static unsigned int see_all(struct drive *d, unsigned int q)
{
	unsigned int count = 0;
	struct cqe cqe = {0};

	while (drive_see(d, q, &cqe)) {
		assert_int_equal(cqe.status, 0);
		count++;
	}
	return count;
}

static void completions_wrap_with_a_new_phase(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int i;

	for (i = 0; i < 5 * DRIVE_ENTRIES; i++)
		check_status(d, 1, &flush, 0);
	assert_int_equal(d->queue[1].head, 0);
}

static void one_doorbell_runs_many_commands_in_order(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int round, i;
	struct cqe cqe = {0};
	uint16_t first;

	for (round = 0; round < 4; round++) {
		first = (uint16_t)(d->cid + 1);
		put_many(d, 1, DRIVE_ENTRIES - 1);
		drive_ring(d, 1);
		for (i = 0; i < DRIVE_ENTRIES - 1; i++) {
			assert_true(drive_see(d, 1, &cqe));
			assert_int_equal(cqe.cid, first + i);
			assert_int_equal(cqe.sqid, 1);
		}
		assert_false(drive_see(d, 1, &cqe));
		ring_head(d, 1, d->queue[1].head);
	}
}

/* Queue q of 16 entries that completes to a queue of 4. */
static void add_narrow_queue(struct drive *d, unsigned int q)
{
	const struct sqe cq = create_cq(q, 4), sq = create_sq(q, 16, q);

	drive_forget_queue(d, q, 16);
	d->queue[q].cq_entries = 4;
	check_status(d, 0, &cq, 0);
	check_status(d, 0, &sq, 0);
}

static void a_full_completion_queue_holds_commands(struct rig *r)
{
	struct drive *d = drive_ready(r);
	unsigned int left;

	add_narrow_queue(d, 2);
	put_many(d, 2, 10);
	drive_ring(d, 2);
	for (left = 10; left; left -= 3) {
		if (left < 3)
			break;
		assert_int_equal(see_all(d, 2), 3);
		drive_ring(d, 2);
		assert_int_equal(see_all(d, 2), 0);
		ring_head(d, 2, d->queue[2].head);
	}
	assert_int_equal(see_all(d, 2), 1);
	ring_head(d, 2, d->queue[2].head);
	check_status(d, 2, &flush, 0);
}

static void room_for_one_lets_one_command_out(struct rig *r)
{
	struct drive *d = drive_ready(r);

	add_narrow_queue(d, 2);
	put_many(d, 2, 6);
	drive_ring(d, 2);
	assert_int_equal(see_all(d, 2), 3);
	ring_head(d, 2, 1);
	assert_int_equal(see_all(d, 2), 1);
	ring_head(d, 2, 3);
	assert_int_equal(see_all(d, 2), 2);
}

/* Held queues get their turn one command at a time. */
static void queues_that_share_completions_take_turns(struct rig *r)
{
	struct drive *d = drive_ready(r);
	const struct sqe sq = create_sq(3, 16, 2);
	struct cqe cqe = {0};
	unsigned int i, seen[4] = {0};

	add_narrow_queue(d, 2);
	drive_forget_queue(d, 3, 16);
	check_status(d, 0, &sq, 0);
	put_many(d, 2, 3 + 4);
	drive_ring(d, 2);
	put_many(d, 3, 4);
	drive_ring(d, 3);
	assert_int_equal(see_all(d, 2), 3);
	for (i = 0; i < 4; i++) {
		ring_head(d, 2, d->queue[2].head);
		while (drive_see(d, 2, &cqe))
			seen[cqe.sqid]++;
		assert_in_range(seen[2] + 1 - seen[3], 0, 2);
	}
	assert_int_equal(seen[2], 4);
	assert_int_equal(seen[3], 4);
}

static void a_reset_forgets_held_commands(struct rig *r)
{
	struct drive *d = drive_ready(r);

	add_narrow_queue(d, 2);
	put_many(d, 2, 10);
	drive_ring(d, 2);
	set32(d, REG_CC, 0);
	drive_enable(d);
	ring_head(d, 2, 3);
	add_narrow_queue(d, 2);
	assert_int_equal(see_all(d, 2), 0);
	check_status(d, 2, &flush, 0);
}

static void doorbells_that_cannot_be_are_ignored(struct rig *r)
{
	struct drive *d = drive_ready(r);

	put_many(d, 1, 2);
	ring_tail(d, 1, DRIVE_ENTRIES);
	ring_tail(d, 1, 0xffff);
	ring_tail(d, 5, 1);
	ring_head(d, 5, 1);
	ring_tail(d, 65, 1);
	ring_tail(d, 400, 1);
	ring_head(d, 1, 1);
	ring_head(d, 1, DRIVE_ENTRIES);
	assert_int_equal(see_all(d, 1), 0);
	drive_ring(d, 1);
	assert_int_equal(see_all(d, 1), 2);
	/* Overtakes the two that there are. */
	ring_head(d, 1, 3);
	ring_head(d, 1, 2);
	ring_head(d, 1, 1);
	put_many(d, 1, DRIVE_ENTRIES - 1);
	drive_ring(d, 1);
	assert_int_equal(see_all(d, 1), DRIVE_ENTRIES - 1);
	assert_int_equal(get32(d, REG_CSTS), CSTS_RDY);
	assert_int_equal(board_fault.count, 0);
}

static void a_store_of_8_bytes_rings_both_doorbells(struct rig *r)
{
	struct drive *d = drive_ready(r);

	add_narrow_queue(d, 2);
	put_many(d, 2, 5);
	board_store(d->board, REG_DOORBELLS + 16, 8, 5);
	assert_int_equal(see_all(d, 2), 3);
	board_store(d->board, REG_DOORBELLS + 16, 8, UINT64_C(3) << 32 | 5);
	assert_int_equal(see_all(d, 2), 2);
}

static int watch_vector(struct drive *d, unsigned int vector)
{
	int event = rig_event(d->board->rig);

	ioas_device_irq_set(d->board->dev, vector, event);
	return event;
}

static void one_interrupt_stands_for_a_batch(struct rig *r)
{
	struct drive *d = drive_ready(r);
	int admin, io;

	ioas_device_irq_on(d->board->dev, IOAS_IRQ_MSIX, 65);
	admin = watch_vector(d, 0);
	io = watch_vector(d, 2);
	add_narrow_queue(d, 2);
	assert_int_equal(rig_event_count(r, admin), 2);
	put_many(d, 2, 5);
	drive_ring(d, 2);
	assert_int_equal(rig_event_count(r, io), 1);
	drive_ring(d, 2);
	assert_int_equal(rig_event_count(r, io), 0);
	ring_head(d, 2, 3);
	assert_int_equal(rig_event_count(r, io), 1);
	ring_head(d, 2, 1);
	assert_int_equal(rig_event_count(r, io), 0);
	assert_int_equal(rig_event_count(r, admin), 0);
}

static void a_queue_without_interrupts_raises_none(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe cq = create_cq(2, 16);
	const struct sqe sq = create_sq(2, 16, 2);
	int event;

	ioas_device_irq_on(d->board->dev, IOAS_IRQ_MSIX, 65);
	event = watch_vector(d, 2);
	cq.dw11 &= ~2u;
	drive_forget_queue(d, 2, 16);
	check_status(d, 0, &cq, 0);
	check_status(d, 0, &sq, 0);
	check_status(d, 2, &flush, 0);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void every_queue_pair_there_is_works(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct sqe cq, sq;
	unsigned int q;

	for (q = 2; q <= 64; q++) {
		cq = create_cq(q, 2);
		sq = create_sq(q, 2, q);
		cq.prp1 = drive_iova(100 + 2 * q);
		sq.prp1 = drive_iova(101 + 2 * q);
		check_status(d, 0, &cq, 0);
		check_status(d, 0, &sq, 0);
		put(drive_page(d, 101 + 2 * q) + 4, 4, 1);
		ring_tail(d, q, 1);
		assert_int_equal(take(drive_page(d, 100 + 2 * q) + 14, 2), 1);
		assert_int_equal(take(drive_page(d, 100 + 2 * q) + 10, 2), q);
	}
}

static void the_pin_is_asserted_until_completions_were_taken(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct ioas_device *dev = d->board->dev;
	int pin;

	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	pin = watch_vector(d, 0);
	put_many(d, 1, 2);
	drive_ring(d, 1);
	assert_int_equal(rig_event_count(r, pin), 1);
	assert_int_equal(see_all(d, 1), 2);
	ring_head(d, 1, 1);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, pin), 1);
	ring_head(d, 1, 2);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, pin), 0);
	check_status(d, 1, &flush, 0);
	assert_int_equal(rig_event_count(r, pin), 1);
}

static void a_reset_takes_the_pin_back(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct ioas_device *dev = d->board->dev;
	int pin;

	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	pin = watch_vector(d, 0);
	put_many(d, 1, 1);
	drive_ring(d, 1);
	assert_int_equal(rig_event_count(r, pin), 1);
	set32(d, REG_CC, 0);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, pin), 0);
}

static void a_deleted_queue_takes_the_pin_back(struct rig *r)
{
	const struct sqe delete_sq = {.opcode = 0x00, .dw10 = 1};
	const struct sqe delete_cq = {.opcode = 0x04, .dw10 = 1};
	struct drive *d = drive_ready(r);
	struct ioas_device *dev = d->board->dev;
	int pin;

	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	pin = watch_vector(d, 0);
	put_many(d, 1, 1);
	drive_ring(d, 1);
	assert_int_equal(rig_event_count(r, pin), 1);
	check_status(d, 0, &delete_sq, 0);
	check_status(d, 0, &delete_cq, 0);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, pin), 0);
}

/* Queue 1 has vector 1. */
static void the_mask_holds_the_pin_and_messages_back(struct rig *r)
{
	struct drive *d = drive_ready(r);
	struct ioas_device *dev = d->board->dev;
	int event;

	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	event = watch_vector(d, 0);
	set32(d, REG_INTMS, 2);
	put_many(d, 1, 1);
	drive_ring(d, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	set32(d, REG_INTMC, 2);
	assert_int_equal(rig_event_count(r, event), 1);
	set32(d, REG_INTMS, 2);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);
	ioas_device_irq_off(dev);

	ioas_device_irq_on(dev, IOAS_IRQ_MSI, 8);
	event = watch_vector(d, 1);
	put_many(d, 1, 1);
	drive_ring(d, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	set32(d, REG_INTMC, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	set32(d, REG_INTMC, 2);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(see_all(d, 1), 2);
	set32(d, REG_INTMS, 2);
	ring_head(d, 1, d->queue[1].head);
	set32(d, REG_INTMC, 2);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void msi_has_32_vectors(struct rig *r)
{
	struct drive *d = drive_ready(r);
	int event;

	assert_int_equal(ioas_device_irq_count(d->board->dev, IOAS_IRQ_MSI),
	                 32);
	ioas_device_irq_on(d->board->dev, IOAS_IRQ_MSI, 32);
	event = watch_vector(d, 1);
	check_status(d, 1, &flush, 0);
	assert_int_equal(rig_event_count(r, event), 1);
}

RIG_MAIN("devices_nvme_queue", RIG_TEST(completions_wrap_with_a_new_phase),
         RIG_TEST(one_doorbell_runs_many_commands_in_order),
         RIG_TEST(a_full_completion_queue_holds_commands),
         RIG_TEST(room_for_one_lets_one_command_out),
         RIG_TEST(queues_that_share_completions_take_turns),
         RIG_TEST(a_reset_forgets_held_commands),
         RIG_TEST(doorbells_that_cannot_be_are_ignored),
         RIG_TEST(a_store_of_8_bytes_rings_both_doorbells),
         RIG_TEST(one_interrupt_stands_for_a_batch),
         RIG_TEST(a_queue_without_interrupts_raises_none),
         RIG_TEST(every_queue_pair_there_is_works),
         RIG_TEST(the_pin_is_asserted_until_completions_were_taken),
         RIG_TEST(a_reset_takes_the_pin_back),
         RIG_TEST(a_deleted_queue_takes_the_pin_back),
         RIG_TEST(the_mask_holds_the_pin_and_messages_back),
         RIG_TEST(msi_has_32_vectors))
