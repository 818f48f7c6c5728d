/* SPDX-License-Identifier: MIT */
/* Asynchronous events of the NVMe model: what raises, masks and tells them. */
#include "devices_nvme_drive.h"

#define EVENT(type, info, log) ((log) << 16 | (info) << 8 | (type))

#define BAD_DOORBELL EVENT(0, 0, 1)
#define BAD_VALUE    EVENT(0, 1, 1)
#define TEMPERATURE  EVENT(1, 1, 2)
#define NAMESPACE    EVENT(2, 0, 4)

#define RETAIN (1u << 15)
#define NOTICE (1u << 8)
#define WARN   (1u << 1)

static struct drive *enabled(struct rig *r)
{
	struct drive *d = drive_new(r);

	drive_enable(d);
	return d;
}

static uint16_t ask(struct drive *d)
{
	const struct sqe sqe = {.opcode = 0x0c};
	uint16_t cid = drive_put(d, 0, &sqe);

	drive_ring(d, 0);
	return cid;
}

static void check_nothing(struct drive *d)
{
	struct cqe cqe = {0};

	assert_false(drive_see(d, 0, &cqe));
}

static void check_event(struct drive *d, uint16_t cid, uint32_t event)
{
	struct cqe cqe = {0};

	assert_true(drive_see(d, 0, &cqe));
	ring_head(d, 0, d->queue[0].head);
	assert_int_equal(cqe.cid, cid);
	assert_int_equal(cqe.sqid, 0);
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.result, event);
}

static void read_log(struct drive *d, uint32_t log)
{
	const struct sqe sqe = {.opcode = 0x02,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = 127 << 16 | log};

	check_status(d, 0, &sqe, 0);
}

static void set_feature(struct drive *d, uint32_t feature, uint32_t value)
{
	const struct sqe sqe = {.opcode = 0x09, .dw10 = feature, .dw11 = value};

	check_status(d, 0, &sqe, 0);
}

static void doorbells_that_cannot_be_are_events(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid = ask(d);

	ring_tail(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
	read_log(d, 1);
	cid = ask(d);
	ring_head(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
	read_log(d, 1);
	cid = ask(d);
	ring_tail(d, 400, 1);
	check_event(d, cid, BAD_DOORBELL);
	read_log(d, 1);
	cid = ask(d);
	ring_tail(d, 0, DRIVE_ENTRIES);
	check_event(d, cid, BAD_VALUE);
	read_log(d, 1);
	cid = ask(d);
	ring_head(d, 0, DRIVE_ENTRIES);
	check_event(d, cid, BAD_VALUE);
	read_log(d, 1);
	/* A head that overtakes what was posted. */
	cid = ask(d);
	ring_head(d, 0, (d->queue[0].head + 1) % DRIVE_ENTRIES);
	check_event(d, cid, BAD_VALUE);
}

static void the_error_log_has_an_entry_without_a_command(struct rig *r)
{
	struct drive *d = enabled(r);
	const uint8_t *log = drive_page(d, DRIVE_DATA);

	ring_tail(d, 7, 1);
	read_log(d, 1);
	assert_int_equal(take(log, 8), 1);
	assert_int_equal(take(log + 8, 4), 0xffffffff);
	assert_int_equal(take(log + 12, 2) >> 1 & 0x7ff, 0x101);
	ring_tail(d, 0, 0xffff);
	read_log(d, 1);
	assert_int_equal(take(log, 8), 2);
	assert_int_equal(take(log + 12, 2) >> 1 & 0x7ff, 0x002);
}

static void an_event_waits_for_a_request(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid;

	ring_tail(d, 7, 1);
	check_nothing(d);
	cid = ask(d);
	check_event(d, cid, BAD_DOORBELL);
}

static void a_type_is_masked_until_its_log_was_read(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid[2];

	cid[0] = ask(d);
	cid[1] = ask(d);
	ring_tail(d, 7, 1);
	check_event(d, cid[0], BAD_DOORBELL);
	ring_tail(d, 7, 1);
	ring_tail(d, 0, 0xffff);
	check_nothing(d);
	read_log(d, 1 | RETAIN);
	read_log(d, 2);
	check_nothing(d);
	/* The log tells all there was. */
	read_log(d, 1);
	check_nothing(d);
	ring_tail(d, 0, 0xffff);
	check_event(d, cid[1], BAD_VALUE);
}

static void a_log_that_could_not_be_sent_unmasks_nothing(struct rig *r)
{
	const struct sqe nowhere = {
		.opcode = 0x02, .prp1 = 0x1000, .dw10 = 127 << 16 | 1};
	struct drive *d = enabled(r);
	uint16_t cid = ask(d);

	ask(d);
	ring_tail(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
	check_status(d, 0, &nowhere, 0x004);
	ring_tail(d, 7, 1);
	check_nothing(d);
}

static void types_are_masked_apart(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid[2];

	cid[0] = ask(d);
	cid[1] = ask(d);
	ring_tail(d, 7, 1);
	check_event(d, cid[0], BAD_DOORBELL);
	set_feature(d, 0x0b, WARN);
	set_feature(d, 4, 200);
	check_event(d, cid[1], TEMPERATURE);
}

static void a_crossed_threshold_is_an_event_when_wanted(struct rig *r)
{
	const uint32_t under = 1 << 20;
	struct drive *d = enabled(r);
	uint16_t cid = ask(d);

	set_feature(d, 4, 200);
	check_nothing(d);
	set_feature(d, 0x0b, WARN);
	check_event(d, cid, TEMPERATURE);
	read_log(d, 2);
	assert_int_equal(drive_page(d, DRIVE_DATA)[0], WARN);
	cid = ask(d);
	check_nothing(d);
	set_feature(d, 4, 299);
	check_nothing(d);
	set_feature(d, 4, 298);
	check_event(d, cid, TEMPERATURE);
	read_log(d, 2);
	cid = ask(d);
	/* Crossed already, and set again. */
	set_feature(d, 4, 100);
	check_event(d, cid, TEMPERATURE);
	read_log(d, 2);
	set_feature(d, 4, 299);
	cid = ask(d);
	set_feature(d, 4, under | 298);
	check_event(d, cid, TEMPERATURE);
}

static void other_warnings_are_not_the_temperature(struct rig *r)
{
	struct drive *d = enabled(r);

	ask(d);
	set_feature(d, 0x0b, 0xff & ~WARN);
	set_feature(d, 4, 200);
	check_nothing(d);
}

static void format_to(struct drive *d, uint32_t format)
{
	const struct sqe sqe = {.opcode = 0x80, .nsid = 1, .dw10 = format};

	check_status(d, 0, &sqe, 0);
}

static void a_changed_namespace_is_a_notice_when_wanted(struct rig *r)
{
	struct drive *d = enabled(r);
	const uint8_t *log = drive_page(d, DRIVE_DATA);
	uint16_t cid = ask(d);

	read_log(d, 4);
	assert_int_equal(take(log, 4), 0);
	format_to(d, 1);
	check_nothing(d);
	read_log(d, 4 | RETAIN);
	assert_int_equal(take(log, 4), 1);
	assert_int_equal(take(log + 4, 4), 0);
	read_log(d, 4);
	assert_int_equal(take(log, 4), 1);
	read_log(d, 4);
	assert_int_equal(take(log, 4), 0);
	set_feature(d, 0x0b, NOTICE);
	format_to(d, 1);
	check_nothing(d);
	format_to(d, 0);
	check_event(d, cid, NAMESPACE);
}

static void a_full_completion_queue_delays_an_event(struct rig *r)
{
	const struct sqe abort = {.opcode = 0x08};
	struct drive *d = enabled(r);
	struct cqe cqe = {0};
	unsigned int i;
	uint16_t cid = ask(d);

	for (i = 0; i < DRIVE_ENTRIES - 1; i++) {
		drive_put(d, 0, &abort);
		drive_ring(d, 0);
	}
	ring_tail(d, 7, 1);
	for (i = 0; i < DRIVE_ENTRIES - 1; i++) {
		assert_true(drive_see(d, 0, &cqe));
		assert_int_not_equal(cqe.cid, cid);
	}
	check_nothing(d);
	ring_head(d, 0, d->queue[0].head);
	check_event(d, cid, BAD_DOORBELL);
}

static uint16_t run_abort(struct drive *d, uint32_t queue, uint16_t cid,
                          uint32_t *ret_result)
{
	const struct sqe sqe = {.opcode = 0x08,
	                        .dw10 = (uint32_t)cid << 16 | queue};
	uint16_t abort_cid = drive_put(d, 0, &sqe);
	struct cqe cqe = {0};

	drive_ring(d, 0);
	assert_true(drive_see(d, 0, &cqe));
	if (cqe.cid == abort_cid) {
		*ret_result = cqe.result;
		ring_head(d, 0, d->queue[0].head);
		return 0;
	}
	assert_int_equal(cqe.cid, cid);
	*ret_result = cqe.status;
	assert_true(drive_see(d, 0, &cqe));
	assert_int_equal(cqe.cid, abort_cid);
	assert_int_equal(cqe.status, 0);
	assert_int_equal(cqe.result, 0);
	ring_head(d, 0, d->queue[0].head);
	return cid;
}

static void requests_are_aborted(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid[3];
	uint32_t result;
	unsigned int i;

	for (i = 0; i < 3; i++)
		cid[i] = ask(d);
	assert_int_equal(run_abort(d, 1, cid[1], &result), 0);
	assert_int_equal(result, 1);
	assert_int_equal(run_abort(d, 0, 0x7777, &result), 0);
	assert_int_equal(result, 1);
	assert_int_equal(run_abort(d, 0, cid[1], &result), cid[1]);
	assert_int_equal(SC(result), 0x007);
	assert_int_equal(run_abort(d, 0, cid[1], &result), 0);
	assert_int_equal(result, 1);
	/* The others are there, in order. */
	ring_tail(d, 7, 1);
	check_event(d, cid[0], BAD_DOORBELL);
	read_log(d, 1);
	ring_tail(d, 7, 1);
	check_event(d, cid[2], BAD_DOORBELL);
}

/* An abort needs room for two completions; with one it aborts nothing. */
static void an_abort_without_room_leaves_the_request(struct rig *r)
{
	const struct sqe fill = {.opcode = 0x08};
	struct drive *d = enabled(r);
	const uint16_t cid = ask(d);
	const struct sqe abort = {.opcode = 0x08, .dw10 = (uint32_t)cid << 16};
	struct cqe cqe = {0};
	unsigned int i;

	for (i = 0; i < DRIVE_ENTRIES - 2; i++) {
		drive_put(d, 0, &fill);
		drive_ring(d, 0);
	}
	drive_put(d, 0, &abort);
	drive_ring(d, 0);
	for (i = 0; i < DRIVE_ENTRIES - 1; i++) {
		assert_true(drive_see(d, 0, &cqe));
		assert_int_equal(cqe.status, 0);
		assert_int_equal(cqe.result, 1);
	}
	check_nothing(d);
	ring_head(d, 0, d->queue[0].head);
	ring_tail(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
}

static void a_reset_forgets_events_and_masks(struct rig *r)
{
	struct drive *d = enabled(r);
	uint16_t cid = ask(d);

	ask(d);
	ring_tail(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
	ring_tail(d, 7, 1);
	set32(d, REG_CC, 0);
	drive_enable(d);
	cid = ask(d);
	check_nothing(d);
	ring_tail(d, 7, 1);
	check_event(d, cid, BAD_DOORBELL);
}

RIG_MAIN("devices_nvme_event", RIG_TEST(doorbells_that_cannot_be_are_events),
         RIG_TEST(the_error_log_has_an_entry_without_a_command),
         RIG_TEST(an_event_waits_for_a_request),
         RIG_TEST(a_type_is_masked_until_its_log_was_read),
         RIG_TEST(a_log_that_could_not_be_sent_unmasks_nothing),
         RIG_TEST(types_are_masked_apart),
         RIG_TEST(a_crossed_threshold_is_an_event_when_wanted),
         RIG_TEST(other_warnings_are_not_the_temperature),
         RIG_TEST(a_changed_namespace_is_a_notice_when_wanted),
         RIG_TEST(a_full_completion_queue_delays_an_event),
         RIG_TEST(requests_are_aborted),
         RIG_TEST(an_abort_without_room_leaves_the_request),
         RIG_TEST(a_reset_forgets_events_and_masks))
