/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "machine/machine.h"
#include "rig.h"

#define DEVICES "/sys/bus/pci/devices"
#define ONE     DEVICES "/0000:01:00.0"
#define TWO     DEVICES "/0000:0a:1f.7"

static const struct ioas_model bare = {.name = "bare"};
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

#define NONE    IOAS_ENTRY_NONE, 0, 0, ""
#define MISSING IOAS_ENTRY_MISSING, 0, 0, ""
#define DIR(g)  IOAS_ENTRY_DIR, g, 0755, ""
#define NODE(g) IOAS_ENTRY_GROUP, g, 0666, ""

static const struct {
	const char *path;
	enum ioas_entry_kind kind;
	unsigned int group, mode;
	const char *text;
} entries[] = {
	{ONE, DIR(1)},
	{TWO, DIR(2)},
	{ONE "/iommu_group", IOAS_ENTRY_LINK, 1, 0777,
         "../../../../kernel/iommu_groups/1"},
	{TWO "/iommu_group", IOAS_ENTRY_LINK, 2, 0777,
         "../../../../kernel/iommu_groups/2"},
	{ONE "/subsystem", IOAS_ENTRY_LINK, 1, 0777, "../../../../bus/pci"},
	{"/sys/kernel/iommu_groups/1", DIR(1)},
	{"/sys/kernel/iommu_groups/12", DIR(12)},
	{"/dev/vfio", DIR(0)},
	{"/dev/vfio/vfio", IOAS_ENTRY_CONTAINER, 0, 0666, ""},
	{"/dev/vfio/1", NODE(1)},
	{"/dev/vfio/12", NODE(12)},

	/* Ours, and not there. */
	{ONE "/vfio-dev", MISSING},
	{ONE "/vfio-dev/vfio0/dev", MISSING},
	{ONE "/devspec", MISSING},
	{ONE "/iommu_groups", MISSING},
	{ONE "/iommu_grou", MISSING},
	{ONE "/devspec/../iommu_group", MISSING},
	{ONE "/iommu_group/devices", MISSING},
	{"/sys/kernel/iommu_groups/1/devices", MISSING},
	{"/dev/vfio/13", MISSING},
	{"/dev/vfio/0", MISSING},
	{"/dev/vfio/01", MISSING},
	{"/dev/vfio/-1", MISSING},
	{"/dev/vfio/devices", MISSING},
	{"/dev/vfio/devices/vfio0", MISSING},
	{"/dev/vfio/vfio/x", MISSING},
	{"/dev/vfio/1/x", MISSING},

	/* The real system's. */
	{"", NONE},
	{"/", NONE},
	{"dev/vfio/vfio", NONE},
	{"/dev", NONE},
	{"/dev/vfi", NONE},
	{"/dev/vfio2", NONE},
	{"/dev/iommu", NONE},
	{"/sys", NONE},
	{DEVICES, NONE},
	{DEVICES "/0000:01:00.1", NONE},
	{DEVICES "/0000:01:00.0x", NONE},
	{DEVICES "/0000:01:00.", NONE},
	{DEVICES "/0000:0A:1F.7", NONE},
	{DEVICES "/0000:00:00.0/vfio-dev", NONE},
	{"/sys/kernel/iommu_groups", NONE},
	{"/sys/kernel/iommu_groups/13", NONE},
	{"/sys/bus/pci", NONE},
	{"/proc/self/maps", NONE},

	/* The same by other names. */
	{"//dev///vfio//vfio", IOAS_ENTRY_CONTAINER, 0, 0666, ""},
	{"/dev/./vfio/./12", NODE(12)},
	{"/dev/vfio/", DIR(0)},
	{"/dev/vfio/.", DIR(0)},
	{"/dev/vfio/1/..", DIR(0)},
	{"/dev/shm/../vfio/vfio", IOAS_ENTRY_CONTAINER, 0, 0666, ""},
	{"/../../dev/vfio/1", NODE(1)},
	{"/dev/vfio/../null", NONE},
	{"/dev/vfio/..", NONE},
	{ONE "/", DIR(1)},
	{ONE "/.", DIR(1)},
	{ONE "/..", NONE},
	{ONE "/../0000:0a:1f.7", DIR(2)},
	{ONE "/...", MISSING},
	{ONE "/./iommu_group", IOAS_ENTRY_LINK, 1, 0777,
         "../../../../kernel/iommu_groups/1"},

	/* Through the links. */
	{ONE "/iommu_group/", DIR(1)},
	{TWO "/iommu_group/.", DIR(2)},
	{TWO "/iommu_group/../2", DIR(2)},
	{ONE "/iommu_group/../../../../dev/vfio/2", NODE(2)},
	{ONE "/iommu_group/../../../dev/vfio/2", NONE},
	{ONE "/subsystem/", NONE},
	{ONE "/subsystem/devices", NONE},
	{ONE "/subsystem/devices/0000:0a:1f.7", DIR(2)},
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
	{ONE, ONE},
	{ONE "/iommu_group", "/sys/kernel/iommu_groups/1"},
	{TWO "/iommu_group", "/sys/kernel/iommu_groups/2"},
	{TWO "/./iommu_group//", "/sys/kernel/iommu_groups/2"},
	{ONE "/subsystem", "/sys/bus/pci"},
	{ONE "/subsystem/drivers", "/sys/bus/pci/drivers"},
	{ONE "/subsystem/..", "/sys/bus"},
	{ONE "/..", DEVICES},
	{ONE "/../../../../..", "/"},
	{"/dev/vfio/12", "/dev/vfio/12"},
	{"//dev/.//vfio/", "/dev/vfio"},
	{"/dev/vfio/../null", "/dev/null"},
	{ONE "/devspec", NULL},
	{"/dev/vfio/99", NULL},
	{"/dev/null", NULL},
	{DEVICES, NULL},
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
	ioas_machine_entry(m, ONE, &e);
	assert_int_equal(e.kind, IOAS_ENTRY_NONE);
}

RIG_MAIN("machine_entry", RIG_TEST(each_path_is_answered_as_listed),
         RIG_TEST(each_path_leads_where_it_is_listed),
         RIG_TEST(a_path_that_does_not_fit_is_not_written),
         RIG_TEST(a_path_of_many_parts_is_walked_to_its_end),
         RIG_TEST(a_machine_without_functions_has_a_container))
