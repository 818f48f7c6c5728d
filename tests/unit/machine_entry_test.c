/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "machine/machine.h"
#include "rig.h"

#define DEVICES "/sys/bus/pci/devices"
#define LINK_1  DEVICES "/0000:01:00.0"
#define LINK_2  DEVICES "/0000:0a:1f.7"
#define ONE     "/sys/devices/pci0000:01/0000:01:00.0"
#define TWO     "/sys/devices/pci0000:0a/0000:0a:1f.7"
#define GROUPS  "/sys/kernel/iommu_groups"
#define TYPE1   "/sys/module/vfio_iommu_type1"
#define HUGE    "/sys/kernel/mm/hugepages"
#define HUGE_0  "/sys/devices/system/node/node0/hugepages"

static const uint8_t rom[3000];

static const struct ioas_model bare = {
	.name = "bare",
	.function =
		{
			.vendor = 0x1b36,
			.device = 0x10,
			.subsystem_vendor = 0x1af4,
			.subsystem_device = 0x1100,
			.class_code = 0x010802,
			.revision = 2,
			.bar = {{.size = 0x4000, .is_64bit = true},
                                {0},
                                {.size = 32, .port = true},
                                {.size = 0x100000, .prefetchable = true},
                                {.size = 0x8000000,
                                 .is_64bit = true,
                                 .prefetchable = true}},
			.rom = rom,
			.rom_bytes = sizeof(rom),
			.msix_vectors = 2,
			.msix_pba = 0x1000,
			.pcie = true,
		},
};
static const struct ioas_model *const models[] = {&bare, NULL};

/* Twelve groups; the function of group 2 sits elsewhere. */
static struct ioas_machine *machine(struct rig *r)
{
	struct ioas_machine *m = NULL;
	char text[IOAS_TEXT_MAX];
	unsigned int i;

	rig_ok(r, ioas_machine_create("intel", models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	for (i = 1; i <= 12; i++)
		rig_ok(r,
		       ioas_machine_add(m, i == 2 ? "bare,bdf=0a:1f.7" : "bare",
		                        text));
	return m;
}

#define NONE       IOAS_ENTRY_NONE, 0, 0, ""
#define ABOVE      IOAS_ENTRY_ABOVE, 0, 0, ""
#define MISSING    IOAS_ENTRY_MISSING, 0, 0, ""
#define DIR(g)     IOAS_ENTRY_DIR, g, 0755, ""
#define FILE_OF(g) IOAS_ENTRY_FILE, g, 0444, ""
#define LINK(g, t) IOAS_ENTRY_LINK, g, 0777, t
#define NODE(g)    IOAS_ENTRY_GROUP, g, 0666, ""
#define CONTAINER  IOAS_ENTRY_CONTAINER, 0, 0666, ""

static const struct {
	const char *path;
	enum ioas_entry_kind kind;
	unsigned int group, mode;
	const char *text;
} entries[] = {
	{"/sys/bus/pci", DIR(0)},
	{DEVICES, DIR(0)},
	{LINK_1, LINK(1, "../../../devices/pci0000:01/0000:01:00.0")},
	{LINK_2, LINK(2, "../../../devices/pci0000:0a/0000:0a:1f.7")},
	{"/sys/devices/pci0000:01", DIR(1)},
	{ONE, DIR(1)},
	{TWO, DIR(2)},
	{ONE "/iommu_group", LINK(1, "../../../kernel/iommu_groups/1")},
	{LINK_2 "/iommu_group", LINK(2, "../../../kernel/iommu_groups/2")},
	{ONE "/subsystem", LINK(1, "../../../bus/pci")},
	{ONE "/driver", LINK(1, "../../../bus/pci/drivers/vfio-pci")},
	{ONE "/vendor", FILE_OF(1)},
	{LINK_2 "/config", FILE_OF(2)},
	{ONE "/driver/0000:01:00.0",
         LINK(1, "../../../../devices/pci0000:01/0000:01:00.0")},
	{"/sys/bus/pci/drivers/vfio-pci/module",
         LINK(0, "../../../../module/vfio_pci")},
	{"/sys/bus/pci/drivers/vfio-pci/bind", IOAS_ENTRY_FILE, 0, 0200, ""},
	{GROUPS, DIR(0)},
	{GROUPS "/1", DIR(1)},
	{GROUPS "/12", DIR(12)},
	{GROUPS "/1/type", FILE_OF(1)},
	{GROUPS "/1/devices", DIR(1)},
	{GROUPS "/2/devices/0000:0a:1f.7",
         LINK(2, "../../../../devices/pci0000:0a/0000:0a:1f.7")},
	{"/sys/module/vfio", DIR(0)},
	{"/sys/module/vfio_pci", DIR(0)},
	{TYPE1 "/parameters/dma_entry_limit", FILE_OF(0)},
	{"/dev/vfio", DIR(0)},
	{"/dev/vfio/vfio", CONTAINER},
	{"/dev/vfio/1", NODE(1)},
	{"/dev/vfio/12", NODE(12)},

	/* Ours, and not there. */
	{ONE "/vfio-dev", MISSING},
	{ONE "/vfio-dev/vfio0/dev", MISSING},
	{LINK_1 "/devspec", MISSING},
	{ONE "/max_vfs", MISSING},
	{ONE "/iommu_groups", MISSING},
	{ONE "/iommu_grou", MISSING},
	{ONE "/devspec/../iommu_group", MISSING},
	{ONE "/iommu_group/devspec", MISSING},
	{ONE "/vendor/x", MISSING},
	{GROUPS "/1/devices/0000:0a:1f.7", MISSING},
	{GROUPS "/13", MISSING},
	{"/sys/devices/pci0000:01/0000:0a:1f.7", MISSING},
	{"/dev/vfio/13", MISSING},
	{"/dev/vfio/0", MISSING},
	{"/dev/vfio/01", MISSING},
	{"/dev/vfio/-1", MISSING},
	{"/dev/vfio/devices", MISSING},
	{"/dev/vfio/devices/vfio0", MISSING},
	{"/dev/vfio/vfio/x", MISSING},
	{"/dev/vfio/1/x", MISSING},
	{DEVICES "/0000:01:00.1", MISSING},
	{DEVICES "/0000:01:00.0x", MISSING},
	{DEVICES "/0000:01:00.", MISSING},
	{DEVICES "/0000:0A:1F.7", MISSING},
	{DEVICES "/0000:00:00.0/vfio-dev", MISSING},
	{DEVICES "/<bdf>", MISSING},

	/* The real system's, with entries of ours in them. */
	{"/", ABOVE},
	{"/dev", ABOVE},
	{"/sys", ABOVE},
	{"/sys/bus", ABOVE},
	{"/sys/devices/", ABOVE},
	{"/sys/kernel/.", ABOVE},
	{"/sys/module/vfio/..", ABOVE},

	/* The real system's. */
	{"", NONE},
	{"dev/vfio/vfio", NONE},
	{"/dev/vfi", NONE},
	{"/dev/vfio2", NONE},
	{"/dev/iommu", NONE},
	{"/sys/devices/pci0000:00", NONE},
	{"/sys/devices/system", NONE},
	{"/sys/kernel/mm", NONE},
	{"/sys/bus/pci_express", NONE},
	{"/proc/self/maps", NONE},

	/* The same by other names. */
	{"//dev///vfio//vfio", CONTAINER},
	{"/dev/./vfio/./12", NODE(12)},
	{"/dev/vfio/", DIR(0)},
	{"/dev/vfio/.", DIR(0)},
	{"/dev/vfio/1/..", DIR(0)},
	{"/dev/shm/../vfio/vfio", CONTAINER},
	{"/../../dev/vfio/1", NODE(1)},
	{"/dev/vfio/../null", NONE},
	{"/dev/vfio/..", ABOVE},
	{LINK_1 "/", DIR(1)},
	{LINK_1 "/.", DIR(1)},
	{LINK_1 "/..", DIR(1)},
	{ONE "/../../pci0000:0a/0000:0a:1f.7", DIR(2)},
	{ONE "/...", MISSING},
	{ONE "/./iommu_group", LINK(1, "../../../kernel/iommu_groups/1")},

	/* Through the links. */
	{LINK_1 "/iommu_group/", DIR(1)},
	{LINK_2 "/iommu_group/.", DIR(2)},
	{TWO "/iommu_group/../2", DIR(2)},
	{ONE "/iommu_group/../../../../dev/vfio/2", NODE(2)},
	{ONE "/iommu_group/../../../dev/vfio/2", NONE},
	{ONE "/iommu_group/devices/0000:01:00.0/vendor", FILE_OF(1)},
	{ONE "/subsystem/", DIR(0)},
	{LINK_1 "/subsystem/devices", DIR(0)},
	{ONE "/subsystem/devices/0000:0a:1f.7/", DIR(2)},
	{ONE "/driver/module/initstate", FILE_OF(0)},
};

static void each_path_is_answered_as_listed(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	struct ioas_entry e;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(entries); i++) {
		memset(&e, 0xa5, sizeof(e));
		ioas_machine_entry(m, entries[i].path, &e);
		if (e.kind != entries[i].kind || e.mode != entries[i].mode ||
		    e.group != entries[i].group ||
		    strcmp(e.text, entries[i].text) != 0)
			fail_msg("%s: kind %d group %u mode %o '%s'",
			         entries[i].path, (int)e.kind, e.group, e.mode,
			         e.text);
	}
}

static const struct {
	const char *path, *real; /* NULL: false */
} reals[] = {
	{LINK_1, ONE},
	{ONE, ONE},
	{LINK_1 "/iommu_group", GROUPS "/1"},
	{TWO "/iommu_group", GROUPS "/2"},
	{TWO "/./iommu_group//", GROUPS "/2"},
	{GROUPS "/2/devices/0000:0a:1f.7", TWO},
	{ONE "/subsystem", "/sys/bus/pci"},
	{ONE "/subsystem/../pci_express", "/sys/bus/pci_express"},
	{ONE "/subsystem/..", "/sys/bus"},
	{LINK_1 "/..", "/sys/devices/pci0000:01"},
	{LINK_1 "/../../../..", "/"},
	{"/dev/vfio/12", "/dev/vfio/12"},
	{"//dev/.//vfio/", "/dev/vfio"},
	{"/dev/vfio/../null", "/dev/null"},
	{DEVICES, DEVICES},
	{ONE "/devspec", NULL},
	{"/dev/vfio/99", NULL},
	{"/dev/null", NULL},
	{"/sys/bus", NULL},
	{"/", NULL},
	{"", NULL},
	{"dev/vfio", NULL},
};

static void each_path_leads_where_it_is_listed(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	unsigned int i;
	char real[64];

	for (i = 0; i < IOAS_ARRAY_SIZE(reals); i++) {
		bool ours = ioas_machine_realpath(m, reals[i].path, real,
		                                  sizeof(real));

		if (ours != (reals[i].real != NULL) ||
		    (ours && strcmp(real, reals[i].real) != 0))
			fail_msg("%s: %s", reals[i].path,
			         ours ? real : "not ours");
	}
}

static void a_path_that_does_not_fit_is_not_written(struct rig *r)
{
	struct ioas_machine *m = machine(r);
	char real[64] = "untouched";
	size_t need = sizeof("/dev/vfio");

	assert_false(ioas_machine_realpath(m, "/dev/vfio", real, need - 1));
	assert_string_equal(real, "untouched");
	assert_true(ioas_machine_realpath(m, "/dev/vfio", real, need));
	assert_string_equal(real, "/dev/vfio");
	assert_false(ioas_machine_realpath(m, "/dev/vfio/../..", real, 1));
	assert_true(ioas_machine_realpath(m, "/dev/vfio/../..", real, 2));
	assert_string_equal(real, "/");
}

static void a_path_of_many_parts_is_walked_to_its_end(struct rig *r)
{
	static const char real_place[] = "/dev/vfio/12";
	struct ioas_machine *m = machine(r);
	char path[4096] = "", real[64];
	struct ioas_entry e;
	unsigned int i;

	for (i = 0; i < 100; i++)
		strcat(path, "/a");
	ioas_machine_entry(m, path, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_NONE);
	for (i = 0; i < 100; i++)
		strcat(path, "/..");
	strcat(path, real_place);
	ioas_machine_entry(m, path, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_GROUP);
	assert_int_equal(e.group, 12);
	assert_true(ioas_machine_realpath(m, path, real, sizeof(real)));
	assert_string_equal(real, real_place);
}

static void a_machine_without_functions_has_a_container(struct rig *r)
{
	struct ioas_machine *m = NULL;
	char text[IOAS_TEXT_MAX];
	struct ioas_entry e;

	rig_ok(r, ioas_machine_create("intel", models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	ioas_machine_entry(m, "/dev/vfio/vfio", &e);
	assert_int_equal(e.kind, IOAS_ENTRY_CONTAINER);
	ioas_machine_entry(m, "/dev/vfio/1", &e);
	assert_int_equal(e.kind, IOAS_ENTRY_MISSING);
	ioas_machine_entry(m, LINK_1, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_MISSING);
	ioas_machine_entry(m, ONE, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_NONE);
}

/* ---- Directories ---- */

/* The names in a directory, each with a space behind it. */
static const char *names_in(const struct ioas_machine *m, const char *path)
{
	static char names[2048];
	struct ioas_entry dir, e;
	struct ioas_listed listed;
	unsigned int position = 0;
	char below[512];

	names[0] = '\0';
	ioas_machine_entry(m, path, &dir);
	while (ioas_machine_list(m, &dir, &position, &listed)) {
		strcat(strcat(names, listed.name), " ");
		/* What is listed is there, and of that kind. */
		snprintf(below, sizeof(below), "%s/%s", path, listed.name);
		ioas_machine_entry(m, below, &e);
		if (e.kind != listed.kind)
			fail_msg("%s: kind %d, listed %d", below, (int)e.kind,
			         (int)listed.kind);
	}
	return names;
}

#define DEVICE_FILES                                                          \
	"vendor device subsystem_vendor subsystem_device class revision irq " \
	"numa_node enable modalias uevent resource config driver_override "   \
	"driver iommu_group subsystem power "

static const struct {
	const char *path, *names;
} directories[] = {
	{"/", "dev sys "},
	{"/dev", "vfio "},
	{"/dev/vfio", "vfio 1 2 3 "},
	{"/sys", "bus devices kernel module "},
	{"/sys/bus", "pci "},
	{"/sys/bus/pci", "devices drivers "},
	{DEVICES, "0000:01:00.0 0000:0a:1f.7 0000:0a:1f.6 "},
	{"/sys/devices", "pci0000:01 pci0000:0a "},
	{"/sys/devices/pci0000:01", "0000:01:00.0 "},
	{"/sys/devices/pci0000:0a", "0000:0a:1f.7 0000:0a:1f.6 "},
	{ONE, DEVICE_FILES},
	{TWO "/power", "control runtime_status "},
	{"/sys/bus/pci/drivers/vfio-pci",
         "0000:01:00.0 0000:0a:1f.7 0000:0a:1f.6 module bind unbind new_id "
         "remove_id "},
	{"/sys/kernel", "iommu_groups "},
	{GROUPS, "1 2 3 "},
	{GROUPS "/3", "devices reserved_regions type "},
	{GROUPS "/3/devices", "0000:0a:1f.6 "},
	{"/sys/module", "vfio vfio_iommu_type1 vfio_pci "},
	{"/sys/module/vfio", "initstate parameters "},
	{"/sys/module/vfio/parameters", "enable_unsafe_noiommu_mode "},
	{TYPE1 "/parameters",
         "dma_entry_limit allow_unsafe_interrupts disable_hugepages "},
	/* None. */
	{"/dev/null", ""},
	{"/dev/vfio/1", ""},
	{ONE "/vendor", ""},
	{ONE "/nothing", ""},
};

/* Three functions, two of them on one bus. */
static struct ioas_machine *small(struct rig *r, const char *profile)
{
	struct ioas_machine *m = NULL;
	char text[IOAS_TEXT_MAX];

	rig_ok(r, ioas_machine_create(profile, models, &m, text));
	rig_defer(r, RIG_CALL(ioas_machine_destroy), m);
	rig_ok(r, ioas_machine_add(m, "bare", text));
	rig_ok(r, ioas_machine_add(m, "bare,bdf=0a:1f.7", text));
	rig_ok(r, ioas_machine_add(m, "bare,bdf=0a:1f.6", text));
	m->entry_limit = 65535;
	return m;
}

static void each_directory_lists_what_is_in_it(struct rig *r)
{
	struct ioas_machine *m = small(r, "intel");
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(directories); i++)
		assert_string_equal(names_in(m, directories[i].path),
		                    directories[i].names);
}

static void huge_pages_are_there_when_pretended(struct rig *r)
{
	struct ioas_machine *m = small(r, "intel");
	struct ioas_entry e;

	ioas_machine_entry(m, HUGE, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_NONE);
	m->hugepages = 512;
	ioas_machine_entry(m, HUGE, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_DIR);
	assert_string_equal(names_in(m, HUGE), "hugepages-2048kB ");
	assert_string_equal(names_in(m, HUGE_0 "/hugepages-2048kB"),
	                    "nr_hugepages free_hugepages surplus_hugepages ");
	assert_string_equal(names_in(m, "/sys/devices"),
	                    "pci0000:01 pci0000:0a system ");
	ioas_machine_entry(m, "/sys/kernel/mm", &e);
	assert_int_equal(e.kind, IOAS_ENTRY_ABOVE);
	ioas_machine_entry(m, HUGE "/hugepages-1048576kB", &e);
	assert_int_equal(e.kind, IOAS_ENTRY_MISSING);
}

/* ---- Files ---- */

static long read_file(struct rig *r, const struct ioas_machine *m,
                      const char *path, char *ret_content)
{
	struct ioas_entry e;
	long n;

	ioas_machine_entry(m, path, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_FILE);
	assert_true(e.bytes == 4096 || e.bytes == 256);
	n = rig_value(r, ioas_machine_read(m, &e, ret_content));
	assert_true(n >= 0 && n <= (long)e.bytes);
	return n;
}

static const struct {
	const char *path, *content;
} files[] = {
	{ONE "/vendor", "0x1b36\n"},
	{ONE "/device", "0x0010\n"},
	{ONE "/subsystem_vendor", "0x1af4\n"},
	{ONE "/subsystem_device", "0x1100\n"},
	{ONE "/class", "0x010802\n"},
	{ONE "/revision", "0x02\n"},
	{ONE "/irq", "0\n"},
	{ONE "/numa_node", "0\n"},
	{ONE "/modalias",
         "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n"},
	{TWO "/uevent",
         "DRIVER=vfio-pci\nPCI_CLASS=10802\nPCI_ID=1B36:0010\n"
         "PCI_SUBSYS_ID=1AF4:1100\nPCI_SLOT_NAME=0000:0a:1f.7\n"
         "MODALIAS=pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n"},
	{LINK_1 "/resource",
         "0x0000380000000000 0x0000380000003fff 0x0000000000140204\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000002000 0x000000000000201f 0x0000000000040101\n"
         "0x00000000c0000000 0x00000000c00fffff 0x0000000000042208\n"
         "0x0000380008000000 0x000038000fffffff 0x000000000014220c\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x00000000c0100000 0x00000000c0100fff 0x0000000000046200\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
         "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"},
	{GROUPS "/1/type", "DMA-FQ\n"},
	{GROUPS "/1/reserved_regions",
         "0x00000000fee00000 0x00000000feefffff msi\n"},
	{TYPE1 "/parameters/dma_entry_limit", "65535\n"},
	{TYPE1 "/parameters/allow_unsafe_interrupts", "N\n"},
	{"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n"},
};

static void each_file_says_what_sysfs_says(struct rig *r)
{
	struct ioas_machine *m = small(r, "intel");
	char content[IOAS_FILE_BYTES + 1];
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(files); i++) {
		content[read_file(r, m, files[i].path, content)] = '\0';
		assert_string_equal(content, files[i].content);
	}
}

static void type_of_a_group_is_that_of_its_iommu(struct rig *r)
{
	static const char *const type[][2] = {{"amd", "DMA-FQ\n"},
	                                      {"arm-smmuv3", "DMA\n"},
	                                      {"power9", "unknown\n"}};
	char content[IOAS_FILE_BYTES + 1];
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(type); i++) {
		struct ioas_machine *m = small(r, type[i][0]);

		content[read_file(r, m, GROUPS "/1/type", content)] = '\0';
		assert_string_equal(content, type[i][1]);
	}
}

static void reserved_regions_come_in_order(struct rig *r)
{
	struct ioas_machine *m = small(r, "amd");
	char content[IOAS_FILE_BYTES + 1];

	content[read_file(r, m, GROUPS "/1/reserved_regions", content)] = '\0';
	assert_string_equal(content,
	                    "0x00000000fee00000 0x00000000feefffff msi\n"
	                    "0x000000fd00000000 0x000000ffffffffff reserved\n");
}

static void reserved_regions_of_a_group_are_its_functions_too(struct rig *r)
{
	struct ioas_machine *m = small(r, "intel");
	char content[IOAS_FILE_BYTES + 1], text[IOAS_TEXT_MAX];

	rig_ok(r, ioas_machine_add(m,
	                           "bare,reserved=sw-msi:0x8000000-0x80fffff+"
	                           "direct:0x1000-0x1fff+direct:0x2000-0x2fff+"
	                           "direct-relaxable:0x1000-0x1fff+"
	                           "reserved:0xfee00000-0xfee00fff",
	                           text));
	content[read_file(r, m, GROUPS "/4/reserved_regions", content)] = '\0';
	assert_string_equal(
		content,
		"0x0000000000001000 0x0000000000002fff direct\n"
		"0x0000000000001000 0x0000000000001fff direct-relaxable\n"
		"0x0000000008000000 0x00000000080fffff msi\n"
		"0x00000000fee00000 0x00000000fee00fff reserved\n"
		"0x00000000fee00000 0x00000000feefffff msi\n");
	content[read_file(r, m, GROUPS "/3/reserved_regions", content)] = '\0';
	assert_string_equal(content,
	                    "0x00000000fee00000 0x00000000feefffff msi\n");
}

/* What lspci decodes and what `resource` says are one. */
static void config_has_the_addresses_of_the_resources(struct rig *r)
{
	struct ioas_machine *m = small(r, "intel");
	uint8_t config[IOAS_FILE_BYTES];
	uint64_t bar0;
	uint32_t bar2;

	assert_int_equal(read_file(r, m, TWO "/config", (char *)config), 4096);
	assert_int_equal(config[0] | config[1] << 8, 0x1b36);
	assert_int_equal(config[8], 2);
	memcpy(&bar0, config + 0x10, sizeof(bar0));
	memcpy(&bar2, config + 0x18, sizeof(bar2));
	assert_true(bar0 == UINT64_C(0x380010000004));
	assert_true(bar2 == UINT32_C(0x2021));
}

RIG_MAIN("machine_entry", RIG_TEST(each_path_is_answered_as_listed),
         RIG_TEST(each_path_leads_where_it_is_listed),
         RIG_TEST(a_path_that_does_not_fit_is_not_written),
         RIG_TEST(a_path_of_many_parts_is_walked_to_its_end),
         RIG_TEST(a_machine_without_functions_has_a_container),
         RIG_TEST(each_directory_lists_what_is_in_it),
         RIG_TEST(huge_pages_are_there_when_pretended),
         RIG_TEST(each_file_says_what_sysfs_says),
         RIG_TEST(type_of_a_group_is_that_of_its_iommu),
         RIG_TEST(reserved_regions_come_in_order),
         RIG_TEST(reserved_regions_of_a_group_are_its_functions_too),
         RIG_TEST(config_has_the_addresses_of_the_resources))
