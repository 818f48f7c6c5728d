/* SPDX-License-Identifier: MIT */
/*
 * A pair of functions: the physical one is 0000:03:00.0 of group 5, its two
 * virtual ones are 0000:03:10.0 and .1 of groups 6 and 7.
 */
#include "machine/sriov.h"
#include "uapi_world.h"

#define PF        "0000:03:00.0"
#define VF        "0000:03:10.0"
#define PF_GROUP  5
#define VF_GROUP  6
#define ONE       " vf_token=11111111-2222-3333-4444-555555555555"
#define TWO       " vf_token=11111111-2222-3333-4444-555555555556"
#define NUMVFS    "/sys/bus/pci/devices/" PF "/sriov_numvfs"
#define PROBING   "/sys/bus/pci/devices/" PF "/sriov_drivers_autoprobe"
#define VECTORS   "/sys/bus/pci/devices/" VF "/sriov_vf_msix_count"
#define CONFIG_AT (UINT64_C(7) << IOAS_REGION_SHIFT)

static int container, pf_group, vf_group, device, at_request;

static long store(const char *path, const char *text, size_t bytes)
{
	struct ioas_entry entry;

	ioas_machine_entry(world.machine, path, &entry);
	return ioas_vfio_write_attribute(world.vfio, &entry, text, bytes);
}

static long set_vfs(const char *text)
{
	return store(NUMVFS, text, strlen(text));
}

static unsigned int vfs(void)
{
	return ioas_iov_vfs(world.machine, &world.machine->function[4]);
}

/* Group @number in the container. */
static int attached(struct rig *r, unsigned int number)
{
	int group = (int)rig_value(r, open_group(number));

	rig_ok(r, attach(group, container));
	return group;
}

static void pair_begin_as(struct rig *r, enum ioas_contract contract)
{
	more_spec[0] = "probe,vfs=2";
	more_contract = contract;
	world_begin(r);
	container = (int)rig_value(r, open_container());
	pf_group = (int)rig_value(r, open_group(PF_GROUP));
	rig_ok(r, attach(pf_group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	assert_int_equal(set_vfs("2\n"), 2);
}

static void pair_begin(struct rig *r)
{
	pair_begin_as(r, IOAS_CONTRACT_STRICT);
}

/* ---- Tokens ---- */

static void a_device_without_virtual_ones_wants_no_token(struct rig *r)
{
	int group;

	pair_begin(r);
	group = attached(r, 1);
	rig_fails(r, open_device(group, "0000:01:00.0" ONE), -EINVAL);
	rig_value(r, open_device(group, "0000:01:00.0"));
}

static void
a_virtual_function_wants_the_token_of_its_physical_one(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_fails(r, open_device(vf_group, VF), -EACCES);
	rig_fails(r, open_device(vf_group, VF ONE), -EACCES);
	rig_value(r, open_device(pf_group, PF ONE));
	rig_fails(r, open_device(vf_group, VF), -EACCES);
	rig_fails(r, open_device(vf_group, VF TWO), -EACCES);
	rig_fails(r, open_device(vf_group, VF " vf_token=1"), -EINVAL);
	rig_value(r, open_device(vf_group, VF ONE));
}

static void zeros_are_not_the_first_token(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_fails(r,
	          open_device(vf_group, VF " vf_token=00000000-0000-0000-0000-"
	                                   "000000000000"),
	          -EACCES);
}

static void the_token_stays_when_the_physical_one_is_closed(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	close_fd((int)rig_value(r, open_device(pf_group, PF ONE)));
	rig_fails(r, open_device(vf_group, VF TWO), -EACCES);
	rig_value(r, open_device(vf_group, VF ONE));
}

static void a_token_in_use_cannot_be_replaced_by_an_open(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	rig_fails(r, open_device(pf_group, PF), -EACCES);
	rig_fails(r, open_device(pf_group, PF TWO), -EACCES);
	rig_value(r, open_device(pf_group, PF ONE));
	close_fd(device);
	rig_value(r, open_device(pf_group, PF));
	rig_value(r, open_device(pf_group, PF TWO));
	rig_fails(r, open_device(vf_group, VF ONE), -EACCES);
	rig_value(r, open_device(vf_group, VF TWO));
}

static long feature(int fd, uint32_t flags, uint32_t argsz, const void *token)
{
	struct {
		uint32_t argsz, flags;
		uint8_t token[16];
	} arg = {argsz, flags | IOAS_FEATURE_PCI_VF_TOKEN, {0}};

	if (token)
		memcpy(arg.token, token, sizeof(arg.token));
	return call(fd, VFIO_DEVICE_FEATURE, &arg);
}

static void the_feature_sets_the_token_at_any_time(struct rig *r)
{
	static const uint8_t two[] = {0x11, 0x11, 0x11, 0x11, 0x22, 0x22,
	                              0x33, 0x33, 0x44, 0x44, 0x55, 0x55,
	                              0x55, 0x55, 0x55, 0x56};
	int pf;

	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	rig_ok(r, feature(pf, VFIO_DEVICE_FEATURE_SET, 24, two));
	rig_fails(r, open_device(vf_group, VF ONE), -EACCES);
	rig_value(r, open_device(vf_group, VF TWO));
	rig_ok(r,
	       feature(pf, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE,
	               8, NULL));
	rig_fails(r, feature(pf, VFIO_DEVICE_FEATURE_GET, 24, NULL), -EINVAL);
	rig_fails(r, feature(pf, VFIO_DEVICE_FEATURE_SET, 23, two), -EINVAL);
	rig_fails(r, feature(pf, VFIO_DEVICE_FEATURE_PROBE, 23, two), 0);
	rig_fails(r, feature(device, VFIO_DEVICE_FEATURE_SET, 24, two),
	          -ENOTTY);
	rig_fails(r,
	          feature(device,
	                  VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE,
	                  8, NULL),
	          -ENOTTY);
}

static void a_token_that_cannot_be_read_is_a_fault(struct rig *r)
{
	char *memory = rig_memory(r, 2 * rig_page());
	uint32_t *head = (void *)(memory + rig_page() - 8);
	int pf;

	pair_begin(r);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	rig_hole(r, memory + rig_page(), rig_page());
	head[0] = 24;
	head[1] = VFIO_DEVICE_FEATURE_SET | IOAS_FEATURE_PCI_VF_TOKEN;
	rig_fails(r, call(pf, VFIO_DEVICE_FEATURE, head), -EFAULT);
}

#define NUMBER_PLACE 4
#define TOKEN_PLACE  (IOAS_FUNCTIONS_MAX + 4)

static void free_claims(void)
{
	world.place[NUMBER_PLACE] = world.place[TOKEN_PLACE] = false;
}

static void free_at_the_end(void *unused)
{
	free_claims();
}

static void claims_of_others_are_waited_for(struct rig *r)
{
	pair_begin(r);
	rig_defer(r, free_at_the_end, NULL);
	world.place[NUMBER_PLACE] = world.place[TOKEN_PLACE] = true;
	world.waiting = free_claims;
	rig_value(r, open_device(pf_group, PF ONE));
	assert_int_equal(world.waits, 1);
	world.place[NUMBER_PLACE] = true;
	assert_int_equal(set_vfs("0"), 1);
	assert_int_equal(world.waits, 2);
}

static void no_descriptor_for_a_claim_fails_the_open(struct rig *r)
{
	pair_begin(r);
	world.place_says = -EMFILE;
	rig_fails(r, open_device(pf_group, PF), -EMFILE);
	rig_fails(r, set_vfs("0"), -EMFILE);
	world.place_says = 0;
	assert_int_equal(vfs(), 2);
}

/* ---- How many ---- */

static const struct {
	const char *text;
	long result;
	unsigned int vfs; /* from 0 */
} numbers[] = {
	{"1", 1, 1},
	{"2\n", 2, 2},
	{"0x2", 3, 2},
	{"0X1\n", 4, 1},
	{"01", 2, 1},
	{"+1", 2, 1},
	{"000000000000000000000000000000000000000000000002", 48, 2},
	{"0", 1, 0},
	{"", 0, 0},
	{"3", -ERANGE, 0},
	{"65535", -ERANGE, 0},
	{"65536", -EINVAL, 0},
	{"18446744073709551617", -EINVAL, 0},
	{"-1", -EINVAL, 0},
	{"-0", -EINVAL, 0},
	{"++1", -EINVAL, 0},
	{"08", -EINVAL, 0},
	{"0x", -EINVAL, 0},
	{"0xg", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"1\n\n", -EINVAL, 0},
	{"\n", -EINVAL, 0},
	{"one", -EINVAL, 0},
};

static void a_number_is_read_as_the_kernel_reads_it(struct rig *r)
{
	unsigned int i;

	pair_begin(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(numbers); i++) {
		assert_int_equal(set_vfs("0"), 1);
		assert_int_equal(set_vfs(numbers[i].text), numbers[i].result);
		assert_int_equal(vfs(), numbers[i].vfs);
	}
	/* A zero ends the text. */
	assert_int_equal(set_vfs("0"), 1);
	assert_int_equal(store(NUMVFS, "1\0x", 3), 3);
	assert_int_equal(vfs(), 1);
}

static void a_number_changes_from_and_to_none_only(struct rig *r)
{
	pair_begin(r);
	assert_int_equal(set_vfs("1"), -EBUSY);
	assert_int_equal(set_vfs("2"), 1);
	assert_int_equal(set_vfs("0"), 1);
	assert_int_equal(set_vfs("1"), 1);
	assert_int_equal(set_vfs("2"), -EBUSY);
	assert_int_equal(set_vfs("3"), -ERANGE);
	assert_int_equal(vfs(), 1);
}

static void autoprobe_is_kept(struct rig *r)
{
	static const struct {
		const char *text;
		long result;
		bool off;
	} rows[] = {
		{"0", 1, true},     {"Y", 1, false},      {"off", 3, true},
		{"oN\n", 3, false}, {"no way", 6, true},  {"o", -EINVAL, true},
		{"", 0, true},      {"2", -EINVAL, true}, {"1", 1, false}};
	unsigned int i;

	pair_begin(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			store(PROBING, rows[i].text, strlen(rows[i].text)),
			rows[i].result);
		assert_int_equal(ioas_iov_cells(world.machine,
		                                &world.machine->function[4])
		                         ->no_autoprobe.cell,
		                 rows[i].off);
	}
}

static void the_number_of_vectors_cannot_be_set(struct rig *r)
{
	pair_begin(r);
	assert_int_equal(store(VECTORS, "1", 1), -EOPNOTSUPP);
	assert_int_equal(store(VECTORS, "-1", 2), -EINVAL);
	assert_int_equal(store(VECTORS, "x", 1), -EINVAL);
}

static void other_files_are_not_written(struct rig *r)
{
	pair_begin(r);
	assert_int_equal(
		store("/sys/bus/pci/devices/" PF "/driver_override", "x", 1),
		-EACCES);
}

static void groups_are_there_with_their_functions(struct rig *r)
{
	pair_begin(r);
	set_vfs("0");
	rig_fails(r, open_group(VF_GROUP), -ENODEV);
	set_vfs("1");
	rig_value(r, open_group(VF_GROUP));
	rig_fails(r, open_group(VF_GROUP + 1), -ENODEV);
	assert_int_equal(world.claims, 2);
}

static long status(int group)
{
	struct vfio_group_status arg = {.argsz = sizeof(arg)};

	return call(group, VFIO_GROUP_GET_STATUS, &arg);
}

static void a_group_whose_function_went_is_dead(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	assert_int_equal(set_vfs("0"), 1);
	assert_int_equal(set_vfs("2"), 1);
	rig_fails(r, status(vf_group), -ENODEV);
	rig_fails(r, open_device(vf_group, VF ONE), -ENODEV);
	rig_fails(r, unset(vf_group), -EINVAL);
	rig_fails(r, attach(vf_group, container), -ENODEV);
	close_fd(vf_group);
	vf_group = attached(r, VF_GROUP);
	rig_ok(r, status(vf_group));
	rig_value(r, open_device(vf_group, VF ONE));
}

/* ---- In use ---- */

static void close_when_asked(void)
{
	if (world.waits == 1)
		assert_int_equal(vfs(), 2);
	if (world.waits < 3)
		return;
	close_fd(device);
	world.waiting = NULL;
}

static void one_in_use_is_asked_for_and_waited_for(struct rig *r)
{
	const int32_t event = EVENT_FD;

	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &event));
	world.waiting = close_when_asked;
	assert_int_equal(set_vfs("0"), 1);
	assert_int_equal(vfs(), 0);
	assert_int_equal(world.waits, 3);
	assert_int_equal(world.asks, 1);
	assert_int_equal(rig_event_count(r, world.event[0]), 1);
	assert_string_equal(world.complaint, "");
}

static void close_late(void)
{
	/* In the meantime nobody gets it. */
	if (world.waits == 5)
		at_request = (int)open_device(vf_group, "0000:03:10.0 ");
	if (world.waits * IOAS_PLACE_WAIT < 21000)
		return;
	close_fd(device);
	world.waiting = NULL;
}

static void it_is_asked_for_again_and_the_user_told(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	world.waiting = close_late;
	assert_int_equal(set_vfs("0"), 1);
	assert_true(at_request == -EACCES || at_request == -ENOMEM);
	assert_int_equal(world.asks, 3);
	assert_non_null(strstr(world.complaint, VF " is open"));
}

static void try_to_open(void)
{
	at_request = (int)open_device(vf_group, VF ONE);
	close_fd(device);
	world.waiting = NULL;
}

static void one_that_is_taken_away_cannot_be_opened(struct rig *r)
{
	int other, other_group;

	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	other_group = attached(r, VF_GROUP + 1);
	rig_value(r, open_device(pf_group, PF ONE));
	other = (int)rig_value(r, open_device(other_group, "0000:03:10.1" ONE));
	/* The first is claimed already while the second is waited for. */
	device = other;
	world.waiting = try_to_open;
	assert_int_equal(set_vfs("0"), 1);
	/* Or there was no memory for the name. */
	assert_true(at_request == -ENODEV || at_request == -ENOMEM);
}

static void go_and_come_again(void)
{
	ioas_iov_set_vfs(world.machine, &world.machine->function[4], 0);
	ioas_iov_set_vfs(world.machine, &world.machine->function[4], 2);
}

static void one_that_went_before_the_claim_is_not_opened(struct rig *r)
{
	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	world.taking = go_and_come_again;
	rig_fails(r, open_device(vf_group, VF ONE), -ENODEV);
	world.taking = NULL;
	rig_fails(r, open_device(vf_group, VF ONE), -ENODEV);
}

static void an_event_that_is_taken_back_is_not_raised(struct rig *r)
{
	const int32_t event = EVENT_FD, none = -1;

	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &event));
	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &none));
	assert_null(world.group_watcher);
	world.watch_says = -ENOMEM;
	rig_fails(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &event),
	          -ENOMEM);
	world.watch_says = 0;
	assert_int_equal(world.gets, world.puts);
	rig_ok(r, set_irqs(device, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &event));
	assert_non_null(world.group_watcher);
}

/* ---- What the device says ---- */

static uint32_t config(int fd, uint64_t at)
{
	uint32_t value = 0;

	assert_int_equal(read_region(fd, CONFIG_AT + at, &value, 4), 4);
	return value;
}

static void the_capability_shows_what_was_written(struct rig *r)
{
	int pf;

	pair_begin(r);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	assert_int_equal(config(pf, 0x100), 0x10010);
	assert_int_equal(config(pf, 0x110) & 0xffff, 2);
	set_vfs("0");
	assert_int_equal(config(pf, 0x110) & 0xffff, 0);
	set_vfs("1");
	assert_int_equal(config(pf, 0x110) & 0xffff, 1);
}

static unsigned int irqs(int fd, uint32_t index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	assert_int_equal(call(fd, VFIO_DEVICE_GET_IRQ_INFO, &info), 0);
	return info.count;
}

static void a_virtual_function_works_and_has_no_pin(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int pf;

	pair_begin(r);
	vf_group = attached(r, VF_GROUP);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	device = (int)rig_value(r, open_device(vf_group, VF ONE));
	assert_int_equal(irqs(pf, VFIO_PCI_INTX_IRQ_INDEX), 1);
	assert_int_equal(irqs(device, VFIO_PCI_INTX_IRQ_INDEX), 0);
	assert_int_equal(irqs(device, VFIO_PCI_MSIX_IRQ_INDEX), 8);
	assert_int_equal(config(device, 0), 0x20001);
	assert_int_equal(config(device, 0x3c) >> 8 & 0xff, 0);
	rig_ok(r, map(container, 0x10000, memory, rig_page()));
	*memory = 0x123456789;
	bus_master_on(device);
	rig_ok(r, dma_read(device, 0x10000));
	assert_int_equal(probe.dma_value, 0x123456789);
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
}

static long hot_reset(int fd, int count, int a, int b)
{
	struct {
		uint32_t argsz, flags, count;
		int32_t group[3];
	} arg = {sizeof(arg), 0, (uint32_t)count, {a, b, 0}};

	return call(fd, VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

static long affected(int fd, uint32_t *ret_count)
{
	struct {
		uint32_t argsz, flags, count;
		struct vfio_pci_dependent_device device[4];
	} arg = {.argsz = sizeof(arg)};
	long ret = call(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &arg);

	*ret_count = arg.count;
	return ret;
}

static void virtual_functions_keep_their_bus_from_a_hot_reset(struct rig *r)
{
	uint32_t count;
	int pf;

	pair_begin(r);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	set_vfs("0");
	rig_ok(r, affected(pf, &count));
	assert_int_equal(count, 1);
	rig_ok(r, hot_reset(pf, 1, pf_group, 0));
	set_vfs("1");
	vf_group = attached(r, VF_GROUP);
	rig_ok(r, affected(pf, &count));
	assert_int_equal(count, 2);
	rig_fails(r, hot_reset(pf, 2, pf_group, vf_group), -EINVAL);
}

static void in_6_12_they_are_reset_together(struct rig *r)
{
	int pf;

	pair_begin_as(r, IOAS_CONTRACT_LINUX_6_12);
	pf = (int)rig_value(r, open_device(pf_group, PF ONE));
	set_vfs("0");
	set_vfs("1");
	vf_group = attached(r, VF_GROUP);
	rig_fails(r, hot_reset(pf, 1, pf_group, 0), -EINVAL);
	rig_ok(r, hot_reset(pf, 2, pf_group, vf_group));
}

RIG_MAIN("uapi_sriov", RIG_TEST(a_device_without_virtual_ones_wants_no_token),
         RIG_TEST(a_virtual_function_wants_the_token_of_its_physical_one),
         RIG_TEST(zeros_are_not_the_first_token),
         RIG_TEST(the_token_stays_when_the_physical_one_is_closed),
         RIG_TEST(a_token_in_use_cannot_be_replaced_by_an_open),
         RIG_TEST(the_feature_sets_the_token_at_any_time),
         RIG_TEST(a_token_that_cannot_be_read_is_a_fault),
         RIG_TEST(claims_of_others_are_waited_for),
         RIG_TEST(no_descriptor_for_a_claim_fails_the_open),
         RIG_TEST(a_number_is_read_as_the_kernel_reads_it),
         RIG_TEST(a_number_changes_from_and_to_none_only),
         RIG_TEST(autoprobe_is_kept),
         RIG_TEST(the_number_of_vectors_cannot_be_set),
         RIG_TEST(other_files_are_not_written),
         RIG_TEST(groups_are_there_with_their_functions),
         RIG_TEST(a_group_whose_function_went_is_dead),
         RIG_TEST(one_in_use_is_asked_for_and_waited_for),
         RIG_TEST(it_is_asked_for_again_and_the_user_told),
         RIG_TEST(one_that_is_taken_away_cannot_be_opened),
         RIG_TEST(one_that_went_before_the_claim_is_not_opened),
         RIG_TEST(an_event_that_is_taken_back_is_not_raised),
         RIG_TEST(the_capability_shows_what_was_written),
         RIG_TEST(a_virtual_function_works_and_has_no_pin),
         RIG_TEST(virtual_functions_keep_their_bus_from_a_hot_reset),
         RIG_TEST(in_6_12_they_are_reset_together))
