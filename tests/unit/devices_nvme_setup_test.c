/* SPDX-License-Identifier: MIT */
/* Options of the NVMe model, and several namespaces. */
#include "devices_nvme_drive.h"

#define WRITE 0x01
#define READ  0x02

/* Files of more namespaces; their first byte is their number. */
struct files {
	char path[5][32];
};

static void remove_files(void *arg)
{
	struct files *f = arg;
	unsigned int i;

	for (i = 2; i < 5; i++)
		unlink(f->path[i]);
	free(f);
}

static void make_file(char *path, unsigned int number, off_t bytes)
{
	const char first = (char)number;
	int fd;

	snprintf(path, 32, "namespace-%u.XXXXXX", number);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(write(fd, &first, 1), 1);
	close(fd);
}

static struct files *make_files(struct rig *r)
{
	struct files *f = calloc(1, sizeof(*f));
	unsigned int i;

	assert_non_null(f);
	for (i = 2; i < 5; i++)
		make_file(f->path[i], i, (off_t)i << 20);
	rig_defer(r, remove_files, f);
	return f;
}

/* Namespaces 1, 2 (of 4096 bytes a block) and 4; 3 is not active. */
static struct drive *with_namespaces(struct rig *r)
{
	const struct files *f = make_files(r);
	const struct ioas_option option[] = {{"file4", f->path[4]},
	                                     {"file2", f->path[2]},
	                                     {"blocks2", "4096"}};

	return drive_ready_with(r, option, 3);
}

static uint8_t *identify(struct drive *d, uint32_t cns, uint32_t nsid)
{
	const struct sqe sqe = {.opcode = 0x06,
	                        .nsid = nsid,
	                        .prp1 = drive_iova(DRIVE_DATA),
	                        .dw10 = cns};

	check_status(d, 0, &sqe, 0);
	return drive_page(d, DRIVE_DATA);
}

static uint16_t run(struct drive *d, uint8_t opcode, uint32_t nsid)
{
	const struct sqe sqe = {
		.opcode = opcode, .nsid = nsid, .prp1 = drive_iova(DRIVE_DATA)};

	return SC(drive_run(d, 1, &sqe, NULL));
}

static void each_namespace_has_its_file(struct rig *r)
{
	struct drive *d = with_namespaces(r);
	uint8_t *data = drive_page(d, DRIVE_DATA);

	assert_int_equal(run(d, READ, 1), 0);
	assert_int_equal(data[0], drive_byte(0));
	assert_int_equal(run(d, READ, 2), 0);
	assert_int_equal(data[0], 2);
	assert_int_equal(run(d, READ, 4), 0);
	assert_int_equal(data[0], 4);
	data[0] = 0x44;
	assert_int_equal(run(d, WRITE, 4), 0);
	data[0] = 0;
	assert_int_equal(run(d, READ, 4), 0);
	assert_int_equal(data[0], 0x44);
	assert_int_equal(run(d, READ, 2), 0);
	assert_int_equal(data[0], 2);
}

static void identify_tells_each_namespace(struct rig *r)
{
	struct drive *d = with_namespaces(r);
	const uint8_t *p;
	uint8_t uuid[16];

	assert_int_equal(take(identify(d, 1, 0) + 516, 4), 4);
	p = identify(d, 0, 2);
	assert_int_equal(take(p, 8), (2 << 20) / 4096);
	assert_int_equal(p[26], 1);
	p = identify(d, 0, 4);
	assert_int_equal(take(p, 8), (4 << 20) / 512);
	assert_int_equal(p[26], 0);
	memcpy(uuid, identify(d, 3, 2) + 4, 16);
	assert_memory_not_equal(identify(d, 3, 1) + 4, uuid, 16);
	assert_memory_not_equal(identify(d, 3, 4) + 4, uuid, 16);
}

static void check_list(struct drive *d, uint32_t cns, uint32_t from,
                       const uint32_t *wanted)
{
	const uint8_t *p = identify(d, cns, from);
	unsigned int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(take(p + 4 * i, 4), wanted[i]);
}

static void lists_leave_out_what_is_not_active(struct rig *r)
{
	static const uint32_t all[] = {1, 2, 4, 0}, above[] = {4, 0, 0, 0, 0};
	static const uint32_t cns[] = {0x02, 0x10};
	struct drive *d = with_namespaces(r);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		check_list(d, cns[i], 0, all);
		check_list(d, cns[i], 2, above);
		check_list(d, cns[i], 3, above);
		check_list(d, cns[i], 4, above + 1);
	}
}

static void namespaces_are_attached_to_controller_0(struct rig *r)
{
	struct drive *d = with_namespaces(r);

	assert_int_equal(take(identify(d, 0x12, 2), 4), 1);
	assert_int_equal(take(identify(d, 0x12, 3), 4), 0);
	assert_int_equal(take(identify(d, 0x13, 0), 4), 1);
	assert_int_equal(take(identify(d, 1 << 16 | 0x13, 0), 4), 0);
	assert_int_equal(take(identify(d, 1 << 16 | 0x12, 2), 4), 0);
	assert_int_equal(take(identify(d, 0x11, 4), 8), (4 << 20) / 512);
}

/* Of one that is not active all is 0; commands of it are wrong fields. */
static void an_inactive_namespace_is_not_an_invalid_one(struct rig *r)
{
	static const uint8_t opcode[] = {0x00, 0x01, 0x02, 0x04,
	                                 0x05, 0x08, 0x09, 0x0c};
	static const uint32_t invalid[] = {0, 5, 0xfffffffe, 0xffffffff};
	struct drive *d = with_namespaces(r);
	const uint8_t *p = identify(d, 0, 3);
	struct sqe sqe = {.opcode = 0x06, .prp1 = drive_iova(DRIVE_DATA)};
	unsigned int i, k;

	for (i = 0; i < 4096; i++)
		assert_int_equal(p[i], 0);
	for (i = 0; i < IOAS_ARRAY_SIZE(opcode); i++) {
		assert_int_equal(run(d, opcode[i], 3), 0x002);
		for (k = 0; k < IOAS_ARRAY_SIZE(invalid); k++) {
			if (!opcode[i] && invalid[k] == 0xffffffff)
				continue;
			assert_int_equal(run(d, opcode[i], invalid[k]), 0x00b);
		}
	}
	sqe.dw10 = 3;
	sqe.nsid = 3;
	check_status(d, 0, &sqe, 0x002);
	sqe.nsid = 5;
	check_status(d, 0, &sqe, 0x00b);
	sqe.dw10 = 0x12;
	check_status(d, 0, &sqe, 0x00b);
	sqe = (struct sqe){.opcode = 0x80, .nsid = 3};
	check_status(d, 0, &sqe, 0x002);
	sqe = (struct sqe){.opcode = 0x0a, .nsid = 3, .dw10 = 5};
	check_status(d, 0, &sqe, 0x002);
	sqe.dw10 = 1;
	check_status(d, 0, &sqe, 0x002);
}

static void all_namespaces_are_flushed_at_once(struct rig *r)
{
	struct drive *d = with_namespaces(r);

	assert_int_equal(run(d, 0x00, 0xffffffff), 0);
	assert_int_equal(run(d, 0x00, 4), 0);
}

static void a_feature_of_all_namespaces_is_that_of_each(struct rig *r)
{
	struct drive *d = with_namespaces(r);
	struct sqe set = {.opcode = 0x09, .nsid = 2, .dw10 = 5, .dw11 = 7};
	struct sqe get = {.opcode = 0x0a, .nsid = 1, .dw10 = 5};
	uint32_t value;

	check_status(d, 0, &set, 0);
	drive_run(d, 0, &get, &value);
	assert_int_equal(value, 0);
	get.nsid = 2;
	drive_run(d, 0, &get, &value);
	assert_int_equal(value, 7);
	set.nsid = 0xffffffff;
	set.dw11 = 9;
	check_status(d, 0, &set, 0);
	for (get.nsid = 1; get.nsid < 4; get.nsid += get.nsid) {
		drive_run(d, 0, &get, &value);
		assert_int_equal(value, 9);
	}
}

static void a_format_of_one_leaves_the_others(struct rig *r)
{
	const struct sqe format = {.opcode = 0x80, .nsid = 2};
	struct drive *d = with_namespaces(r);

	check_status(d, 0, &format, 0);
	assert_int_equal(take(identify(d, 0, 2), 8), (2 << 20) / 512);
	assert_int_equal(run(d, READ, 4), 0);
	assert_int_equal(drive_page(d, DRIVE_DATA)[0], 4);
	assert_int_equal(run(d, READ, 2), 0);
	assert_int_equal(drive_page(d, DRIVE_DATA)[0], 0);
}

static void check_create(struct rig *r, const struct ioas_option *option,
                         unsigned int count, int err, const char *text)
{
	const struct ioas_device_request request = {
		.model = &ioas_nvme_model,
		.options = option,
		.option_count = count,
	};
	struct ioas_device *dev = NULL;
	char failure[IOAS_FAILURE_TEXT] = "";

	rig_fails(r, ioas_device_create(&request, &dev, failure), err);
	if (!strstr(failure, text))
		fail_msg("\"%s\" does not say \"%s\"", failure, text);
}

static void options_of_namespaces_that_cannot_be_are_refused(struct rig *r)
{
	const struct files *f = make_files(r);
	struct ioas_option option[] = {{"file", f->path[2]},
	                               {"blocks", "1024"}};

	check_create(r, option, 2, -EINVAL, "512 or 4096");
	option[1].value = "0";
	check_create(r, option, 2, -EINVAL, "512 or 4096");
	option[1].value = "many";
	check_create(r, option, 2, -EINVAL, "blocks=many");
	option[1] = (struct ioas_option){"blocks3", "512"};
	check_create(r, option, 2, -EINVAL, "give file3=");
	option[1] = (struct ioas_option){"file2", f->path[2]};
	check_create(r, option, 2, -EBUSY, "another device of this run");
	option[1] = (struct ioas_option){"file3", "/no/such/file"};
	check_create(r, option, 2, -ENOENT, "no such file");
	/* Nothing of a failed one is left open. */
	option[1] = (struct ioas_option){"file3", f->path[3]};
	assert_int_equal(truncate(f->path[3], 511), 0);
	check_create(r, option, 2, -EINVAL, "smaller than one block of 512");
	option[0].key = "file2";
	check_create(r, option, 1, -EINVAL, "nvme needs file=");
}

static void the_others_have_blocks_as_the_first(struct rig *r)
{
	const struct files *f = make_files(r);
	const struct ioas_option option[] = {{"blocks", "4K"},
	                                     {"file2", f->path[2]},
	                                     {"file3", f->path[3]},
	                                     {"blocks3", "512"}};
	struct drive *d = drive_ready_with(r, option, 4);

	assert_int_equal(take(identify(d, 0, 1), 8), DRIVE_BLOCKS / 8);
	assert_int_equal(take(identify(d, 0, 2), 8), (2 << 20) / 4096);
	assert_int_equal(take(identify(d, 0, 3), 8), (3 << 20) / 512);
}

RIG_MAIN("devices_nvme_setup", RIG_TEST(each_namespace_has_its_file),
         RIG_TEST(identify_tells_each_namespace),
         RIG_TEST(lists_leave_out_what_is_not_active),
         RIG_TEST(namespaces_are_attached_to_controller_0),
         RIG_TEST(an_inactive_namespace_is_not_an_invalid_one),
         RIG_TEST(all_namespaces_are_flushed_at_once),
         RIG_TEST(a_feature_of_all_namespaces_is_that_of_each),
         RIG_TEST(a_format_of_one_leaves_the_others),
         RIG_TEST(options_of_namespaces_that_cannot_be_are_refused),
         RIG_TEST(the_others_have_blocks_as_the_first))
