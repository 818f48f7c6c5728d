/* SPDX-License-Identifier: MIT */
/* What groups reserve in a container: who may join, and what all views say. */
#include "uapi_world.h"

/* Groups 5 to 8. */
#define PLAIN   1
#define LOW     5 /* takes the bottom of the aperture */
#define MIDDLE  6
#define RELAXED 7
#define DIRECT  8
#define GROUPS  8

static const enum ioas_contract contracts[] = {IOAS_CONTRACT_STRICT,
                                               IOAS_CONTRACT_LINUX_7_3,
                                               IOAS_CONTRACT_LINUX_6_12};

struct stand {
	int container, group[GROUPS + 1];
};

static void begin(struct rig *r, struct stand *st, enum ioas_contract contract)
{
	more_contract = contract;
	more_spec[0] = "probe,reserved=reserved:0-0x1fffff";
	more_spec[1] = "probe,reserved=msi:0x400000-0x4fffff+"
		       "sw-msi:0x500000-0x5fffff";
	more_spec[2] = "probe,reserved=direct-relaxable:0-0xffffff";
	more_spec[3] = "probe,reserved=direct:0x400000-0x4fffff";
	world_begin(r);
	st->container = (int)rig_value(r, open_container());
}

static int group(struct rig *r, struct stand *st, unsigned int number)
{
	return st->group[number] = (int)rig_value(r, open_group(number));
}

/* In the container, which has a back end with the first. */
static void join(struct rig *r, struct stand *st, unsigned int number)
{
	rig_ok(r, attach(group(r, st, number), st->container));
}

static void back_end(struct rig *r, struct stand *st)
{
	rig_ok(r,
	       call_value(st->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
}

static void close_all(void)
{
	int fd;

	for (fd = 0; fd < FILES; fd++)
		if (world.file[fd])
			close_fd(fd);
}

/* ---- Views ---- */

struct info {
	struct ioas_vfio_type1_info info;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	struct vfio_info_cap_header header;
	uint32_t nr_iovas, reserved;
	struct vfio_iova_range range[64];
};

static struct info ranges_of(struct rig *r, const struct stand *st)
{
	struct info info = {.info = {.argsz = sizeof(info)}};

	rig_ok(r, call(st->container, VFIO_IOMMU_GET_INFO, &info));
	assert_int_equal(info.header.id, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	return info;
}

static void is(const struct info *info, unsigned int i, uint64_t first,
               uint64_t last)
{
	assert_true(i < info->nr_iovas);
	assert_true(info->range[i].start == first);
	assert_true(info->range[i].end == last);
}

/* ---- Who may join ---- */

static void MSI_1_a_group_that_hits_a_mapping_may_not_join(struct rig *r)
{
	struct stand st;
	char *memory = rig_memory(r, rig_page());
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		begin(r, &st, contracts[i]);
		join(r, &st, PLAIN);
		back_end(r, &st);
		rig_ok(r, map(st.container, 0x100000, memory, rig_page()));
		rig_fails(r, attach(group(r, &st, LOW), st.container), -EINVAL);
		assert_int_equal(ranges_of(r, &st).nr_iovas, 2);
		/* It is as it was: without the mapping it may. */
		assert_int_equal(unmap(st.container, 0, 0x100000, rig_page()),
		                 rig_page());
		rig_ok(r, attach(st.group[LOW], st.container));
		rig_fails(r, map(st.container, 0x100000, memory, rig_page()),
		          -EINVAL);
		close_all();
	}
}

static void a_software_window_is_taken_as_well(struct rig *r)
{
	struct stand st;
	char *memory = rig_memory(r, rig_page());

	begin(r, &st, IOAS_CONTRACT_STRICT);
	join(r, &st, PLAIN);
	back_end(r, &st);
	rig_ok(r, map(st.container, 0x500000, memory, rig_page()));
	rig_fails(r, attach(group(r, &st, MIDDLE), st.container), -EINVAL);
}

static void relaxable_ranges_may_be_mapped(struct rig *r)
{
	struct stand st;
	char *memory = rig_memory(r, rig_page());

	begin(r, &st, IOAS_CONTRACT_STRICT);
	join(r, &st, PLAIN);
	back_end(r, &st);
	rig_ok(r, map(st.container, 0x100000, memory, rig_page()));
	join(r, &st, RELAXED);
	rig_ok(r, map(st.container, 0x200000, memory, rig_page()));
}

/*
 * The kernel cannot keep its 1:1 mapping while a program has the device: the
 * group is not given away at all, with or without a back end.
 */
static void a_group_with_a_direct_range_goes_into_no_container(struct rig *r)
{
	struct stand st;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		begin(r, &st, contracts[i]);
		rig_fails(r, attach(group(r, &st, DIRECT), st.container),
		          -EINVAL);
		assert_non_null(strstr(world.complaint, "1:1"));
		assert_non_null(strstr(world.complaint, "group 8"));
		join(r, &st, PLAIN);
		back_end(r, &st);
		rig_fails(r, attach(st.group[DIRECT], st.container), -EINVAL);
		close_all();
	}
}

static void an_invalid_vaddr_is_found_before_a_conflict(struct rig *r)
{
	struct stand st;
	char *memory = rig_memory(r, rig_page());

	begin(r, &st, IOAS_CONTRACT_STRICT);
	join(r, &st, PLAIN);
	back_end(r, &st);
	rig_ok(r, map(st.container, 0x100000, memory, rig_page()));
	assert_int_equal(unmap(st.container, VFIO_DMA_UNMAP_FLAG_VADDR,
	                       0x100000, rig_page()),
	                 rig_page());
	rig_fails(r, attach(group(r, &st, LOW), st.container), -EBUSY);
}

/* ---- Ranges follow ---- */

#define END ((UINT64_C(1) << 48) - 1)

static void ranges_follow_who_is_attached(struct rig *r)
{
	struct stand st;
	struct info info;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		begin(r, &st, contracts[i]);
		join(r, &st, PLAIN);
		join(r, &st, MIDDLE);
		back_end(r, &st);
		info = ranges_of(r, &st);
		assert_int_equal(info.nr_iovas, 3);
		is(&info, 0, 0, 0x3fffff);
		is(&info, 1, 0x600000, 0xfedfffff);
		is(&info, 2, 0xfef00000, END);
		join(r, &st, LOW);
		info = ranges_of(r, &st);
		is(&info, 0, 0x200000, 0x3fffff);
		rig_ok(r, unset(st.group[MIDDLE]));
		info = ranges_of(r, &st);
		assert_int_equal(info.nr_iovas, 2);
		is(&info, 0, 0x200000, 0xfedfffff);
		close_all();
	}
}

/* Linux makes the list anew within its own ends. */
static void MSI_9_the_bottom_comes_back_but_in_linux(struct rig *r)
{
	struct stand st;
	struct info info;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		bool strict = contracts[i] == IOAS_CONTRACT_STRICT;

		begin(r, &st, contracts[i]);
		join(r, &st, PLAIN);
		join(r, &st, LOW);
		back_end(r, &st);
		info = ranges_of(r, &st);
		is(&info, 0, 0x200000, 0xfedfffff);
		rig_ok(r, unset(st.group[LOW]));
		info = ranges_of(r, &st);
		assert_int_equal(info.nr_iovas, 2);
		is(&info, 0, strict ? 0 : 0x200000, 0xfedfffff);
		is(&info, 1, 0xfef00000, END);
		close_all();
	}
}

static void a_container_begins_with_all_its_groups_or_none(struct rig *r)
{
	struct stand st;

	begin(r, &st, IOAS_CONTRACT_STRICT);
	join(r, &st, PLAIN);
	join(r, &st, LOW);
	if (rig_try(r, call_value(st.container, VFIO_SET_IOMMU,
	                          VFIO_TYPE1v2_IOMMU)) == 0)
		return;
	assert_true(rig_failed(r));
	rig_fails(r, call(st.container, VFIO_IOMMU_GET_INFO, NULL), -EINVAL);
	back_end(r, &st);
	assert_int_equal(ranges_of(r, &st).nr_iovas, 2);
}

/* ---- All views, at all times ---- */

#define STEP UINT64_C(0x100000) /* ranges begin and end at multiples */

/* Is it in a range that the file of an attached group has? */
static bool is_in_a_file(unsigned int number, uint64_t at)
{
	struct ioas_entry e;
	char path[64], content[IOAS_FILE_BYTES + 1];
	unsigned long long first, last;
	char *line = content, word[32];
	long n;

	snprintf(path, sizeof(path),
	         "/sys/kernel/iommu_groups/%u/reserved_regions", number);
	ioas_machine_entry(world.machine, path, &e);
	n = ioas_machine_read(world.machine, &e, content);
	assert_true(n >= 0);
	content[n] = '\0';
	for (; *line; line = strchr(line, '\n') + 1) {
		assert_int_equal(
			sscanf(line, "%llx %llx %31s", &first, &last, word), 3);
		if (first <= at && last >= at &&
		    strcmp(word, "direct-relaxable") != 0)
			return true;
	}
	return false;
}

static bool is_in_the_capability(const struct info *info, uint64_t at)
{
	unsigned int i;

	for (i = 0; i < info->nr_iovas; i++)
		if (info->range[i].start <= at && info->range[i].end >= at)
			return true;
	return false;
}

static void views_agree(struct rig *r, const struct stand *st,
                        const bool *attached, char *memory)
{
	struct info info = ranges_of(r, st);
	unsigned int n;
	uint64_t at;
	long ret;

	for (at = 0; at < 8 * STEP; at += STEP) {
		bool taken = false;

		for (n = 1; n <= GROUPS; n++)
			taken |= attached[n] && is_in_a_file(n, at);
		assert_int_equal(is_in_the_capability(&info, at), !taken);
		ret = map(st->container, at, memory, rig_page());
		assert_int_equal(ret, taken ? -EINVAL : 0);
		if (!ret)
			assert_int_equal(
				unmap(st->container, 0, at, rig_page()),
				rig_page());
	}
}

static void MSI_6_all_views_are_equal_at_all_times(struct rig *r)
{
	char *memory = rig_memory(r, rig_page());
	bool attached[GROUPS + 1] = {false};
	struct stand st;
	unsigned int step, n;

	begin(r, &st, IOAS_CONTRACT_STRICT);
	for (n = 1; n < DIRECT; n++)
		group(r, &st, n);
	rig_ok(r, attach(st.group[PLAIN], st.container));
	back_end(r, &st);
	attached[PLAIN] = true;
	for (step = 0; step < 60; step++) {
		n = LOW + (unsigned int)rig_random_below(r, 3);
		if (attached[n])
			rig_ok(r, unset(st.group[n]));
		else
			rig_ok(r, attach(st.group[n], st.container));
		attached[n] = !attached[n];
		views_agree(r, &st, attached, memory);
	}
}

RIG_MAIN("uapi_reserved",
         RIG_TEST(MSI_1_a_group_that_hits_a_mapping_may_not_join),
         RIG_TEST(a_software_window_is_taken_as_well),
         RIG_TEST(relaxable_ranges_may_be_mapped),
         RIG_TEST(a_group_with_a_direct_range_goes_into_no_container),
         RIG_TEST(an_invalid_vaddr_is_found_before_a_conflict),
         RIG_TEST(ranges_follow_who_is_attached),
         RIG_TEST(MSI_9_the_bottom_comes_back_but_in_linux),
         RIG_TEST(a_container_begins_with_all_its_groups_or_none),
         /* Thousands of allocations. */
         RIG_ONCE(MSI_6_all_views_are_equal_at_all_times))
