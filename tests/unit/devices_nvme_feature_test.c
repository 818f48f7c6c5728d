/* SPDX-License-Identifier: MIT */
/* Set Features and Get Features of the NVMe model. */
#include "devices_nvme_drive.h"

static struct drive *enabled(struct rig *r)
{
	struct drive *d = drive_new(r);

	drive_enable(d);
	return d;
}

static uint16_t set(struct drive *d, uint32_t nsid, uint32_t fid,
                    uint32_t value)
{
	const struct sqe sqe = {
		.opcode = 0x09, .nsid = nsid, .dw10 = fid, .dw11 = value};

	return SC(drive_run(d, 0, &sqe, NULL));
}

/* @fid: with what to select in bits 10 to 8. */
static uint16_t get(struct drive *d, uint32_t nsid, uint32_t fid, uint32_t dw11,
                    uint32_t *ret_value)
{
	const struct sqe sqe = {
		.opcode = 0x0a, .nsid = nsid, .dw10 = fid, .dw11 = dw11};

	return SC(drive_run(d, 0, &sqe, ret_value));
}

static void check_value(struct drive *d, uint32_t nsid, uint32_t fid,
                        uint32_t select, uint32_t wanted)
{
	uint32_t value;

	assert_int_equal(get(d, nsid, select << 8 | fid, 0, &value), 0);
	assert_int_equal(value, wanted);
}

/* A feature, its default, a value that is kept and one that is refused. */
static const struct {
	uint32_t fid, nsid, initial, good, bad;
} plain[] = {
	{0x01, 0, 0, 0xff010203, 0x08}, {0x02, 0, 0, 0x20, 0x01},
	{0x05, 1, 0, 0x1234, 0x10000},  {0x06, 0, 1, 0, 2},
	{0x08, 0, 0, 0x0102, 0x10000},  {0x0a, 0, 0, 1, 2},
	{0x0b, 0, 0, 0x11f, 0x200},
};

static void features_keep_what_is_set(struct rig *r)
{
	struct drive *d = enabled(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(plain); i++) {
		const uint32_t fid = plain[i].fid, nsid = plain[i].nsid;

		check_value(d, nsid, fid, 0, plain[i].initial);
		assert_int_equal(set(d, nsid, fid, plain[i].bad), 0x002);
		check_value(d, nsid, fid, 0, plain[i].initial);
		assert_int_equal(set(d, nsid, fid, plain[i].good), 0);
		check_value(d, nsid, fid, 0, plain[i].good);
		check_value(d, nsid, fid, 1, plain[i].initial);
		check_value(d, nsid, fid, 2, plain[i].initial);
		check_value(d, nsid, fid, 3, nsid ? 6 : 4);
		assert_int_equal(get(d, nsid, 4 << 8 | fid, 0, NULL), 0x002);
	}
}

static void nothing_can_be_saved(struct rig *r)
{
	struct drive *d = enabled(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(plain); i++)
		assert_int_equal(set(d, plain[i].nsid, 1u << 31 | plain[i].fid,
		                     plain[i].good),
		                 0x10d);
}

static void other_features_are_invalid_fields(struct rig *r)
{
	static const uint8_t bad[] = {0x00, 0x03, 0x0c, 0x0d, 0x0e, 0x0f,
	                              0x10, 0x11, 0x16, 0x78, 0x80, 0xff};
	struct drive *d = enabled(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		assert_int_equal(set(d, 0, bad[i], 0), 0x002);
		assert_int_equal(get(d, 0, bad[i], 0, NULL), 0x002);
	}
}

static void features_look_at_the_namespace(struct rig *r)
{
	struct drive *d = enabled(r);

	assert_int_equal(set(d, 0xffffffff, 0x01, 0), 0);
	assert_int_equal(set(d, 1, 0x01, 0), 0x10f);
	assert_int_equal(set(d, 2, 0x01, 0), 0x00b);
	/* As QEMU's driver switches the write cache off. */
	assert_int_equal(set(d, 1, 0x06, 0), 0);
	assert_int_equal(set(d, 2, 0x06, 0), 0x00b);
	assert_int_equal(get(d, 1, 0x01, 0, NULL), 0);
	assert_int_equal(get(d, 2, 0x01, 0, NULL), 0x00b);
	assert_int_equal(set(d, 0xffffffff, 0x05, 7), 0);
	check_value(d, 1, 0x05, 0, 7);
	assert_int_equal(set(d, 0, 0x05, 0), 0x00b);
	assert_int_equal(set(d, 2, 0x05, 0), 0x00b);
	assert_int_equal(get(d, 0xffffffff, 0x05, 0, NULL), 0x00b);
}

static void there_are_64_queue_pairs(struct rig *r)
{
	struct drive *d = enabled(r);
	const struct sqe ask = {.opcode = 0x09, .dw10 = 7, .dw11 = 0x000f000f};
	uint32_t value;

	assert_int_equal(drive_run(d, 0, &ask, &value), 0);
	assert_int_equal(value, 0x003f003f);
	check_value(d, 0, 7, 0, 0x003f003f);
	assert_int_equal(set(d, 0, 7, 0x0000ffff), 0x002);
	assert_int_equal(set(d, 0, 7, 0xffff0000), 0x002);
	drive_add_queue(d, 1, DRIVE_ENTRIES);
	assert_int_equal(set(d, 0, 7, 0x000f000f), 0x00c);
	check_value(d, 0, 7, 0, 0x003f003f);
}

static void thresholds_are_over_and_under(struct rig *r)
{
	const uint32_t under = 1 << 20;
	struct drive *d = enabled(r);
	uint32_t value;

	check_value(d, 0, 4, 0, 343);
	assert_int_equal(get(d, 0, 4, under, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(set(d, 0, 4, 350), 0);
	assert_int_equal(set(d, 0, 4, under | 250), 0);
	check_value(d, 0, 4, 0, 350);
	assert_int_equal(get(d, 0, 4, under, &value), 0);
	assert_int_equal(value, 250);
	assert_int_equal(get(d, 0, 1 << 8 | 4, under, &value), 0);
	assert_int_equal(value, 0);
	check_value(d, 0, 4, 1, 343);
	assert_int_equal(set(d, 0, 4, 15 << 16 | 340), 0);
	check_value(d, 0, 4, 0, 340);
	assert_int_equal(set(d, 0, 4, 1 << 16 | 340), 0x002);
	assert_int_equal(set(d, 0, 4, 2 << 20 | 340), 0x002);
	assert_int_equal(set(d, 0, 4, 1 << 22 | 340), 0x002);
	assert_int_equal(get(d, 0, 4, 15 << 16, NULL), 0x002);
}

static void each_vector_has_its_setting(struct rig *r)
{
	struct drive *d = enabled(r);
	uint32_t value;

	assert_int_equal(set(d, 0, 9, 1 << 16 | 64), 0);
	assert_int_equal(get(d, 0, 9, 64, &value), 0);
	assert_int_equal(value, 1 << 16 | 64);
	assert_int_equal(get(d, 0, 1 << 8 | 9, 64, &value), 0);
	assert_int_equal(value, 64);
	assert_int_equal(get(d, 0, 9, 63, &value), 0);
	assert_int_equal(value, 63);
	assert_int_equal(set(d, 0, 9, 64), 0);
	assert_int_equal(get(d, 0, 9, 64, &value), 0);
	assert_int_equal(value, 64);
	assert_int_equal(set(d, 0, 9, 65), 0x002);
	assert_int_equal(get(d, 0, 9, 65, NULL), 0x002);
}

RIG_MAIN("devices_nvme_feature", RIG_TEST(features_keep_what_is_set),
         RIG_TEST(nothing_can_be_saved),
         RIG_TEST(other_features_are_invalid_fields),
         RIG_TEST(features_look_at_the_namespace),
         RIG_TEST(there_are_64_queue_pairs),
         RIG_TEST(thresholds_are_over_and_under),
         RIG_TEST(each_vector_has_its_setting))
