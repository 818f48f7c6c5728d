/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "machine/sriov.h"
#include "rig.h"

#define PF      "/sys/bus/pci/devices/0000:01:00.0/"
#define VF(n)   "/sys/bus/pci/devices/0000:01:10." #n
#define GROUPS  "/sys/kernel/iommu_groups/"
#define MISSING IOAS_ENTRY_MISSING

static const struct ioas_model able = {
	.name = "able",
	.function = {.vendor = 0x1234,
                     .device = 0x5678,
                     .bar = {[0] = {.size = 0x100000},
                             [1] = {.size = 32, .port = true},
                             [2] = {.size = 0x4000, .is_64bit = true}},
                     .msi_vectors = 1,
                     .intx = true,
                     .vfs_max = 8,
                     .vf_device = 0x5679},
};
static const struct ioas_model bare = {.name = "bare"};
static const struct ioas_model *const models[] = {&able, &bare, NULL};

static char text[IOAS_TEXT_MAX];

static struct ioas_machine *empty(struct rig *r)
{
	struct ioas_machine *m = NULL;

	rig_ok(r, ioas_machine_create("intel", models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	return m;
}

/* A pair, one without, a pair. */
static struct ioas_machine *machine(struct rig *r)
{
	struct ioas_machine *m = empty(r);

	rig_ok(r, ioas_machine_add(m, "able,vfs=2", text));
	rig_ok(r, ioas_machine_add(m, "bare", text));
	rig_ok(r, ioas_machine_add(m, "able,vfs=1", text));
	return m;
}

static enum ioas_entry_kind kind(const struct ioas_machine *m, const char *path)
{
	struct ioas_entry entry;

	ioas_machine_entry(m, path, &entry);
	return entry.kind;
}

static const char *content(struct rig *r, const struct ioas_machine *m,
                           const char *path)
{
	static char buffer[IOAS_FILE_BYTES + 1];
	struct ioas_entry entry;
	long n;

	ioas_machine_entry(m, path, &entry);
	assert_int_equal(entry.kind, IOAS_ENTRY_FILE);
	n = rig_value(r, ioas_machine_read(m, &entry, buffer));
	buffer[n] = '\0';
	return buffer;
}

static void virtual_functions_are_put_behind_the_physical_one(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	const struct ioas_function *f = m->function;

	assert_int_equal(m->function_count, 6);
	assert_string_equal(f[0].name, "0000:01:00.0");
	assert_string_equal(f[1].name, "0000:01:10.0");
	assert_string_equal(f[2].name, "0000:01:10.1");
	assert_string_equal(f[3].name, "0000:02:00.0");
	assert_string_equal(f[5].name, "0000:03:10.0");
	assert_ptr_equal(f[2].physical, &f[0]);
	assert_int_equal(f[2].vf_number, 1);
	assert_null(f[3].physical);
	assert_int_equal(f[0].iov.vfs, 2);
	assert_int_equal(f[3].iov.vfs, 0);
}

static void groups_of_virtual_functions_come_last(struct rig *r)
{
	static const unsigned int wanted[] = {1, 4, 5, 2, 3, 6};
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(wanted); i++)
		assert_int_equal(m->function[i].group, wanted[i]);
	assert_string_equal(m->function[5].group_name, "6");
}

static void a_virtual_function_has_no_pin_and_no_ports(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	const struct ioas_function_desc *f = &m->function[1].desc;

	assert_int_equal(f->device, 0x5679);
	assert_false(f->intx);
	assert_int_equal(f->bar[1].size, 0);
	assert_int_equal(f->bar[0].size, 0x100000);
	assert_true(f->pcie);
	assert_true(m->function[0].desc.pcie);
	assert_int_equal(m->function[0].desc.bar[1].size, 32);
	assert_false(m->function[3].desc.pcie);
}

static void addresses_that_are_taken_are_stepped_over(struct rig *r)
{
	struct ioas_machine *m = empty(r);

	rig_ok(r, ioas_machine_add(m, "bare,bdf=01:10.1", text));
	rig_ok(r, ioas_machine_add(m, "able,vfs=2,bdf=01:00.0", text));
	assert_int_equal(m->function[1].iov.offset, 0x82);
	assert_string_equal(m->function[2].name, "0000:01:10.2");
	rig_fails(r, ioas_machine_add(m, "bare,bdf=01:10.3", text), -EEXIST);
}

static void addresses_go_on_into_the_next_bus(struct rig *r)
{
	struct ioas_machine *m = empty(r);

	rig_ok(r, ioas_machine_add(m, "able,vfs=2,bdf=01:0f.7", text));
	assert_string_equal(m->function[1].name, "0000:01:1f.7");
	assert_string_equal(m->function[2].name, "0000:02:00.0");
	assert_string_equal(m->function[2].bus_name, "pci0000:01");
	/* The last bus has no next one. */
	rig_fails(r, ioas_machine_add(m, "able,vfs=1,bdf=ff:1f.0", text),
	          -EEXIST);
	assert_int_equal(m->function_count, 3);
}

static const struct {
	const char *spec;
	int err;
	const char *says;
} refused[] = {
	{"able,vfs=0", -EINVAL, "1 to 8"},
	{"able,vfs=9", -EINVAL, "1 to 8"},
	{"able,vfs=", -EINVAL, "vfs="},
	{"able,vfs=-1", -EINVAL, "vfs=-1"},
	{"able,vfs=0x1", -EINVAL, "decimal"},
	{"able,vfs=99999999999", -EINVAL, "vfs="},
	{"able,vfs=1,vfs=1", -EINVAL, "twice"},
	{"bare,vfs=1", -EINVAL, "no option 'vfs'"},
};

static void a_wrong_number_of_them_is_refused(struct rig *r)
{
	struct ioas_machine *m = empty(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(refused); i++) {
		rig_fails(r, ioas_machine_add(m, refused[i].spec, text),
		          refused[i].err);
		assert_non_null(strstr(text, refused[i].says));
		assert_int_equal(m->function_count, 0);
	}
}

static void a_machine_has_room_for_so_many(struct rig *r)
{
	struct ioas_machine *m = empty(r);
	unsigned int i;

	for (i = 0; i < 7; i++)
		rig_ok(r, ioas_machine_add(m, "able,vfs=8", text));
	assert_int_equal(m->function_count, 63);
	rig_fails(r, ioas_machine_add(m, "able,vfs=1", text), -ENOSPC);
	assert_int_equal(m->function_count, 63);
	rig_ok(r, ioas_machine_add(m, "able", text));
}

static void IOV_1_what_is_there_is_told_by_the_number(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	const struct ioas_function *f = m->function;

	assert_true(ioas_iov_present(m, &f[0]));
	assert_false(ioas_iov_present(m, &f[1]));
	ioas_iov_set_vfs(m, &f[0], 1);
	assert_true(ioas_iov_present(m, &f[1]));
	assert_false(ioas_iov_present(m, &f[2]));
	assert_false(ioas_iov_present(m, &f[5]));
	assert_int_equal(ioas_iov_cells(m, &f[0])->changes.cell, 1);
	/* What another process wrote there is no reason to go beyond. */
	ioas_a32_store(&ioas_iov_cells(m, f)->vfs, 77);
	assert_int_equal(ioas_iov_vfs(m, &f[0]), 2);
}

static const char *const of_virtual[] = {
	VF(1),
	VF(1) "/vendor",
	VF(1) "/physfn",
	VF(1) "/physfn/vendor",
	VF(1) "/iommu_group/devices/0000:01:10.1",
	VF(1) "/sriov_vf_msix_count",
	PF "virtfn1",
	PF "virtfn1/physfn/virtfn0",
	"/sys/bus/pci/drivers/vfio-pci/0000:01:10.1",
	"/sys/devices/pci0000:01/0000:01:10.1",
	GROUPS "5",
	"/dev/vfio/5",
};

static void virtual_functions_come_and_go_in_the_tree(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(of_virtual); i++)
		assert_int_equal(kind(m, of_virtual[i]), MISSING);
	ioas_iov_set_vfs(m, m->function, 2);
	for (i = 0; i < IOAS_ARRAY_SIZE(of_virtual); i++)
		assert_int_not_equal(kind(m, of_virtual[i]), MISSING);
	/* The other pair's are not there yet. */
	assert_int_equal(kind(m, "/dev/vfio/6"), MISSING);
	ioas_iov_set_vfs(m, m->function, 0);
	for (i = 0; i < IOAS_ARRAY_SIZE(of_virtual); i++)
		assert_int_equal(kind(m, of_virtual[i]), MISSING);
}

static unsigned int count(const struct ioas_machine *m, const char *directory)
{
	unsigned int position = 0, n = 0;
	struct ioas_listed listed;
	struct ioas_entry entry;

	ioas_machine_entry(m, directory, &entry);
	while (ioas_machine_list(m, &entry, &position, &listed))
		n++;
	return n;
}

static void listings_show_what_is_there(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	unsigned int files = count(m, "/sys/devices/pci0000:01/0000:01:00.0");

	assert_int_equal(count(m, "/sys/bus/pci/devices"), 3);
	assert_int_equal(count(m, "/dev/vfio"), 4);
	ioas_iov_set_vfs(m, m->function, 2);
	assert_int_equal(count(m, "/sys/bus/pci/devices"), 5);
	assert_int_equal(count(m, "/sys/devices/pci0000:01"), 3);
	assert_int_equal(count(m, "/sys/kernel/iommu_groups"), 5);
	assert_int_equal(count(m, "/dev/vfio"), 6);
	assert_int_equal(count(m, "/sys/devices/pci0000:01/0000:01:00.0"),
	                 files + 2);
}

static void files_of_one_kind_are_not_of_the_other(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	ioas_iov_set_vfs(m, m->function, 1);
	assert_int_equal(kind(m, PF "sriov_numvfs"), IOAS_ENTRY_FILE);
	assert_int_equal(kind(m, VF(0) "/sriov_numvfs"), MISSING);
	assert_int_equal(kind(m, PF "physfn"), MISSING);
	assert_int_equal(kind(m, PF "sriov_vf_msix_count"), MISSING);
	assert_int_equal(
		kind(m, "/sys/bus/pci/devices/0000:02:00.0/sriov_numvfs"),
		MISSING);
}

static void files_say_what_sysfs_says(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	assert_string_equal(content(r, m, PF "sriov_totalvfs"), "2\n");
	assert_string_equal(content(r, m, PF "sriov_numvfs"), "0\n");
	assert_string_equal(content(r, m, PF "sriov_offset"), "128\n");
	assert_string_equal(content(r, m, PF "sriov_stride"), "1\n");
	assert_string_equal(content(r, m, PF "sriov_vf_device"), "5679\n");
	assert_string_equal(content(r, m, PF "sriov_drivers_autoprobe"), "1\n");
	assert_string_equal(content(r, m, PF "sriov_vf_total_msix"), "0\n");
	ioas_iov_set_vfs(m, m->function, 2);
	assert_string_equal(content(r, m, PF "sriov_numvfs"), "2\n");
	assert_string_equal(content(r, m, VF(1) "/device"), "0x5679\n");
	assert_string_equal(content(r, m, VF(1) "/irq"), "0\n");
}

static void only_some_can_be_written(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	struct ioas_entry entry;

	ioas_machine_entry(m, PF "sriov_numvfs", &entry);
	assert_true(entry.writable);
	assert_int_equal(entry.mode, 0644);
	ioas_machine_entry(m, PF "sriov_totalvfs", &entry);
	assert_false(entry.writable);
	assert_int_equal(entry.mode, 0444);
	ioas_machine_entry(m, PF "driver_override", &entry);
	assert_false(entry.writable);
}

/* Six BARs, the ROM, six BARs of all virtual functions. */
static void virtual_functions_share_out_the_resources(struct rig *r)
{
	struct ioas_machine *m = machine(r);

	ioas_iov_set_vfs(m, m->function, 2);
	assert_string_equal(
		content(r, m, PF "resource"),
		"0x00000000c0000000 0x00000000c00fffff 0x0000000000040200\n"
		"0x0000000000002000 0x000000000000201f 0x0000000000040101\n"
		"0x0000380000000000 0x0000380000003fff 0x0000000000140204\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x00000000c0100000 0x00000000c02fffff 0x0000000000040200\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000380000004000 0x000038000000bfff 0x0000000000140204\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
	assert_memory_equal(
		content(r, m, VF(1) "/resource"),
		"0x00000000c0200000 0x00000000c02fffff 0x0000000000040200\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000380000008000 0x000038000000bfff 0x0000000000140204\n",
		171);
}

static uint32_t word(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void configuration_is_that_of_the_hardware(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	const char *config;

	ioas_iov_set_vfs(m, m->function, 2);
	config = content(r, m, PF "config");
	assert_int_equal(word(config + 0x110) & 0xffff, 2);
	assert_int_equal(word(config + 0x124), 0xc0100000);
	assert_int_equal(word(config + 0x12c), 0x00004004);
	assert_int_equal(word(config + 0x130), 0x3800);
	config = content(r, m, VF(0) "/config");
	assert_int_equal(word(config), UINT32_MAX);
	assert_int_equal(word(config + 4) & 0xffff, 0);
	assert_int_equal(word(config + 0x10), 0);
	assert_int_equal(word(config + 0x100), 0);
}

static void IOV_2_a_token_is_what_was_written_last(struct rig *r)
{
	static const uint8_t none[IOAS_TOKEN_BYTES];
	static const uint8_t a[IOAS_TOKEN_BYTES] = "abcdefghijklmno";
	static const uint8_t b[IOAS_TOKEN_BYTES] = "abcdefghijklmnP";
	struct ioas_machine *m = machine(r);
	const struct ioas_function *f = m->function;

	/* Before the first it is one that nobody knows. */
	assert_false(ioas_iov_token_is(m, f, none));
	ioas_iov_set_token(m, f, a);
	assert_true(ioas_iov_token_is(m, f, a));
	assert_false(ioas_iov_token_is(m, f, b));
	ioas_iov_set_token(m, f, b);
	assert_true(ioas_iov_token_is(m, f, b));
	assert_false(ioas_iov_token_is(m, f, a));
	assert_false(ioas_iov_token_is(m, &f[4], b));
	ioas_iov_set_token(m, f, none);
	assert_true(ioas_iov_token_is(m, f, none));
	/* The count of writes comes around. */
	ioas_iov_cells(m, f)->token_turn.cell = UINT32_MAX;
	ioas_iov_set_token(m, f, a);
	assert_true(ioas_iov_token_is(m, f, a));
}

#define WRITES 20000

static struct {
	struct ioas_machine *machine;
	struct ioas_a32 done;
} tokens;

static const uint8_t all_a[IOAS_TOKEN_BYTES] = "aaaaaaaaaaaaaaa";
static const uint8_t all_b[IOAS_TOKEN_BYTES] = "bbbbbbbbbbbbbbb";
static const uint8_t half[IOAS_TOKEN_BYTES] = "aaaaaaaabbbbbbb";
static const uint8_t other_half[IOAS_TOKEN_BYTES] = "bbbbbbbbaaaaaaa";

static void *write_tokens(void *unused)
{
	unsigned int i;

	/* Twice each, so that either place has now the one, now the other. */
	for (i = 0; i < WRITES; i++)
		ioas_iov_set_token(tokens.machine, tokens.machine->function,
		                   i & 2 ? all_a : all_b);
	ioas_a32_store(&tokens.done, 1);
	return NULL;
}

static void IOV_2_a_token_is_never_seen_in_part(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	bool torn = false;
	pthread_t writer;

	tokens.machine = m;
	ioas_a32_store(&tokens.done, 0);
	assert_int_equal(pthread_create(&writer, NULL, write_tokens, NULL), 0);
	while (!ioas_a32_load(&tokens.done))
		torn |= ioas_iov_token_is(m, m->function, half) ||
		        ioas_iov_token_is(m, m->function, other_half);
	pthread_join(writer, NULL);
	assert_false(torn);
	assert_true(ioas_iov_token_is(m, m->function, all_a));
}

static void memory_of_the_run_can_stand_in(struct rig *r)
{
	static struct ioas_shared shared;
	struct ioas_machine *m = machine(r), *other = machine(r);

	memset(&shared, 0, sizeof(shared));
	m->shared = other->shared = &shared;
	ioas_iov_set_vfs(m, m->function, 2);
	assert_int_equal(kind(other, VF(1)), IOAS_ENTRY_LINK);
}

RIG_MAIN("machine_sriov",
         RIG_TEST(virtual_functions_are_put_behind_the_physical_one),
         RIG_TEST(groups_of_virtual_functions_come_last),
         RIG_TEST(a_virtual_function_has_no_pin_and_no_ports),
         RIG_TEST(addresses_that_are_taken_are_stepped_over),
         RIG_TEST(addresses_go_on_into_the_next_bus),
         RIG_TEST(a_wrong_number_of_them_is_refused),
         RIG_TEST(a_machine_has_room_for_so_many),
         RIG_TEST(IOV_1_what_is_there_is_told_by_the_number),
         RIG_TEST(virtual_functions_come_and_go_in_the_tree),
         RIG_TEST(listings_show_what_is_there),
         RIG_TEST(files_of_one_kind_are_not_of_the_other),
         RIG_TEST(files_say_what_sysfs_says),
         RIG_TEST(only_some_can_be_written),
         RIG_TEST(virtual_functions_share_out_the_resources),
         RIG_TEST(configuration_is_that_of_the_hardware),
         RIG_TEST(IOV_2_a_token_is_what_was_written_last),
         RIG_TEST(IOV_2_a_token_is_never_seen_in_part),
         RIG_TEST(memory_of_the_run_can_stand_in))
