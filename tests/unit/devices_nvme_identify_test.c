/* SPDX-License-Identifier: MIT */
/* What the NVMe model says of itself: Identify. */
#include "devices_nvme_drive.h"

static struct drive *enabled(struct rig *r)
{
	struct drive *d = drive_new(r);

	drive_enable(d);
	return d;
}

/* Into the first page of data. */
static uint8_t *identify(struct drive *d, uint32_t cns, uint32_t nsid)
{
	const struct sqe sqe = {.opcode = 0x06,
	                        .nsid = nsid,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = cns};
	uint8_t *page = drive_page(d, DRIVE_DATA);

	memset(page, 0xee, 2 * DRIVE_PAGE);
	check_status(d, 0, &sqe, 0);
	assert_int_equal(page[DRIVE_PAGE], 0xee);
	return page;
}

static void check_identify(struct drive *d, uint32_t cns, uint32_t nsid,
                           uint16_t status)
{
	const struct sqe sqe = {.opcode = 0x06,
	                        .nsid = nsid,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = cns};

	check_status(d, 0, &sqe, status);
}

static bool is_text(const uint8_t *at, size_t bytes, const char *text)
{
	size_t length = strlen(text), i;

	for (i = length; i < bytes; i++) {
		if (at[i] != ' ')
			return false;
	}
	return !memcmp(at, text, length);
}

static void the_controller_tells_names_and_limits(struct rig *r)
{
	struct drive *d = enabled(r);
	const uint8_t *p = identify(d, 1, 0);

	assert_int_equal(take(p, 2), 0x1b36);
	assert_true(is_text(p + 4, 20, "TEST 1"));
	assert_true(is_text(p + 24, 40, "ioas NVMe"));
	assert_true(is_text(p + 64, 8, "1.0"));
	assert_int_equal(p[77], 7);                  /* MDTS */
	assert_int_equal(take(p + 80, 4), 0x10400);  /* VER */
	assert_int_equal(p[111], 1);                 /* CNTRLTYPE */
	assert_int_equal(p[258], 3);                 /* ACL */
	assert_int_equal(p[259], 3);                 /* AERL */
	assert_int_equal(p[260], 3);                 /* FRMW */
	assert_int_equal(p[261], 6);                 /* LPA */
	assert_int_equal(p[262], 15);                /* ELPE */
	assert_int_equal(take(p + 256, 2), 2);       /* OACS */
	assert_int_equal(take(p + 92, 4), 0x100);    /* OAES */
	assert_int_equal(take(p + 266, 2), 343);     /* WCTEMP */
	assert_int_equal(take(p + 268, 2), 373);     /* CCTEMP */
	assert_int_equal(p[512], 0x66);              /* SQES */
	assert_int_equal(p[513], 0x44);              /* CQES */
	assert_int_equal(take(p + 516, 4), 1);       /* NN */
	assert_int_equal(take(p + 520, 2), 0x9f);    /* ONCS */
	assert_int_equal(take(p + 522, 2), 0);       /* FUSES */
	assert_int_equal(p[525], 7);                 /* VWC */
	assert_int_equal(take(p + 536, 4), 0x50001); /* SGLS */
}

static void the_subsystem_is_named_after_the_uuid(struct rig *r)
{
	static const char prefix[] = "nqn.2014-08.org.nvmexpress:uuid:";
	struct drive *d = enabled(r);
	char name[256], wanted[256];
	const uint8_t *u;
	int n;

	memcpy(name, identify(d, 1, 0) + 768, 256);
	u = identify(d, 3, 1) + 4;
	assert_int_equal(u[6] >> 4, 8);
	assert_int_equal(u[8] >> 6, 2);
	n = snprintf(wanted, sizeof(wanted),
	             "%s%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	             "%02x%02x%02x%02x%02x%02x",
	             prefix, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7],
	             u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
	assert_int_equal(n, 68);
	assert_string_equal(name, wanted);
}

static void the_serial_number_comes_from_the_path(struct rig *r)
{
	struct drive *d = enabled(r);
	uint8_t first[20], uuid[16];

	memcpy(uuid, identify(d, 3, 1) + 4, 16);
	ioas_device_attach(d->board->dev, NULL);
	ioas_device_destroy(d->board->dev);
	d->board->dev = NULL;
	board_plug(d->board, &ioas_nvme_model, d->option, 1);
	drive_enable(d);
	memcpy(first, identify(d, 1, 0) + 4, 20);
	assert_memory_equal(first, "IOAS", 4);
	assert_memory_not_equal(identify(d, 3, 1) + 4, uuid, 16);
}

static void the_namespace_has_the_blocks_of_the_file(struct rig *r)
{
	struct drive *d = enabled(r);
	const uint8_t *p = identify(d, 0, 1);

	assert_int_equal(take(p, 8), DRIVE_BLOCKS);
	assert_int_equal(take(p + 8, 8), DRIVE_BLOCKS);
	assert_int_equal(take(p + 16, 8), DRIVE_BLOCKS);
	assert_int_equal(p[24], 0);                    /* NSFEAT */
	assert_int_equal(p[25], 1);                    /* NLBAF */
	assert_int_equal(p[26], 0);                    /* FLBAS */
	assert_int_equal(p[33], 9);                    /* DLFEAT */
	assert_int_equal(take(p + 128, 4), 9u << 16);  /* LBAF0 */
	assert_int_equal(take(p + 132, 4), 12u << 16); /* LBAF1 */
	assert_int_equal(take(p + 136, 4), 0);
}

static void the_list_has_the_namespaces_above(struct rig *r)
{
	struct drive *d = enabled(r);

	assert_int_equal(take(identify(d, 2, 0), 4), 1);
	assert_int_equal(take(identify(d, 2, 0) + 4, 4), 0);
	assert_int_equal(take(identify(d, 2, 1), 4), 0);
	assert_int_equal(take(identify(d, 2, 0xfffffffd), 4), 0);
}

static void the_namespace_is_described_by_a_uuid(struct rig *r)
{
	struct drive *d = enabled(r);
	const uint8_t *p = identify(d, 3, 1);
	unsigned int i;

	assert_int_equal(take(p, 4), 0x1003);
	for (i = 20; i < DRIVE_PAGE; i++)
		assert_int_equal(p[i], 0);
}

static void namespaces_that_are_not_there_are_refused(struct rig *r)
{
	static const uint32_t bad[] = {0, 2, 0xfffffffe, 0xffffffff};
	struct drive *d = enabled(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		check_identify(d, 0, bad[i], 0x00b);
		check_identify(d, 3, bad[i], 0x00b);
	}
	check_identify(d, 2, 0xfffffffe, 0x00b);
	check_identify(d, 2, 0xffffffff, 0x00b);
}

static void other_structures_are_invalid_fields(struct rig *r)
{
	static const uint32_t bad[] = {4,    5,    6,    0x0f, 0x14,
	                               0x15, 0x16, 0x17, 0xff};
	struct drive *d = enabled(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		check_identify(d, bad[i], 1, 0x002);
}

/* The structure begins in the middle of a page. */
static void the_data_may_cross_a_page(struct rig *r)
{
	struct drive *d = enabled(r);
	struct sqe sqe = {.opcode = 0x06,
	                  .prp1 = drive_iova(DRIVE_DATA) + 1024,
	                  .prp2 = drive_iova(DRIVE_DATA + 3),
	                  .dw10 = 1};
	uint8_t whole[DRIVE_PAGE];

	memcpy(whole, identify(d, 1, 0), DRIVE_PAGE);
	check_status(d, 0, &sqe, 0);
	assert_memory_equal(drive_page(d, DRIVE_DATA) + 1024, whole, 3072);
	assert_memory_equal(drive_page(d, DRIVE_DATA + 3), whole + 3072, 1024);
	sqe.prp2 += 8;
	check_status(d, 0, &sqe, 0x013);
	sqe.prp1 += 2;
	check_status(d, 0, &sqe, 0x013);
}

static void data_that_cannot_be_written_is_a_transfer_error(struct rig *r)
{
	struct drive *d = enabled(r);
	struct sqe sqe = {.opcode = 0x06, .prp1 = 0x5000, .dw10 = 1};
	uint16_t cid;

	check_status(d, 0, &sqe, 0x004);
	cid = d->cid;
	check_fault(IOAS_FAULT_UNMAPPED, 0x5000, "IDENTIFY", "PRP1");
	assert_int_equal(board_fault.issuer.queue, 0);
	assert_int_equal(board_fault.issuer.id, cid);
	sqe.prp1 = drive_iova(DRIVE_DATA) + 8;
	sqe.prp2 = 0x6000;
	check_status(d, 0, &sqe, 0x004);
	check_fault(IOAS_FAULT_UNMAPPED, 0x6000, "IDENTIFY", "PRP2");
}

RIG_MAIN("devices_nvme_identify",
         RIG_TEST(the_controller_tells_names_and_limits),
         RIG_TEST(the_subsystem_is_named_after_the_uuid),
         RIG_TEST(the_serial_number_comes_from_the_path),
         RIG_TEST(the_namespace_has_the_blocks_of_the_file),
         RIG_TEST(the_list_has_the_namespaces_above),
         RIG_TEST(the_namespace_is_described_by_a_uuid),
         RIG_TEST(namespaces_that_are_not_there_are_refused),
         RIG_TEST(other_structures_are_invalid_fields),
         RIG_TEST(the_data_may_cross_a_page),
         RIG_TEST(data_that_cannot_be_written_is_a_transfer_error))
