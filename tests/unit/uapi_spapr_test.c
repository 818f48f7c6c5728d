/* SPDX-License-Identifier: MIT */
/*
 * Containers with windows: what programs are answered. The tables of tests/abi
 * have every check; here is what these cannot see or set up: other processes,
 * several containers, what is told.
 */
#include "mem/backend.h"
#include "spapr_calls.h"

#define STRICT IOAS_CONTRACT_STRICT
#define LINUX  IOAS_CONTRACT_LINUX_7_3
#define OLD    IOAS_CONTRACT_LINUX_6_12

/* ---- Types and what there is ---- */

static void a_type_is_chosen_among_those_there_are(struct rig *r)
{
	int container, one, two;

	more_profile = "power9";
	more_contract = STRICT;
	world_begin(r);
	container = (int)rig_value(r, open_container());
	assert_int_equal(call_value(container, VFIO_CHECK_EXTENSION, V1), 1);
	assert_int_equal(call_value(container, VFIO_CHECK_EXTENSION, V2), 1);
	assert_int_equal(call_value(container, VFIO_CHECK_EXTENSION, VFIO_EEH),
	                 1);
	assert_int_equal(
		call_value(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU),
		0);
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, V2), -EINVAL);
	one = (int)rig_value(r, open_group(1));
	two = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(one, container));
	rig_ok(r, attach(two, container));
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU),
	          -ENODEV);
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, VFIO_EEH), -EINVAL);
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, V1), -EBUSY);
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, V2));
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, V2), -EINVAL);
}

static void commands_of_the_other_version_do_not_exist(struct rig *r)
{
	static const unsigned long ones[] = {VFIO_IOMMU_ENABLE,
	                                     VFIO_IOMMU_DISABLE};
	static const unsigned long twos[] = {VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
	                                     VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY,
	                                     VFIO_IOMMU_SPAPR_TCE_CREATE,
	                                     VFIO_IOMMU_SPAPR_TCE_REMOVE};
	int device, first, second, group;
	unsigned int i;

	second = windows_begin(r, "power9", STRICT, &device);
	first = windows_of(r, 2, V1, &group);
	for (i = 0; i < IOAS_ARRAY_SIZE(ones); i++)
		assert_int_equal(call(second, ones[i], NULL), -ENOTTY);
	for (i = 0; i < IOAS_ARRAY_SIZE(twos); i++)
		assert_int_equal(call(first, twos[i], NULL), -ENOTTY);
	assert_int_equal(call(first, IOAS_VFIO_COMMAND(30), NULL), -ENOTTY);
	/* Nobody owns the first so far: that would be looked at before. */
	world.caller = 5;
	assert_int_equal(call(first, IOAS_VFIO_COMMAND(30), NULL), -ENOTTY);
}

static void info_says_of_windows_what_there_is_room_for(struct rig *r)
{
	struct ioas_spapr_info info = {.argsz = 32, .flags = 0x564c};
	int device, container, first, group;

	container = windows_begin(r, "power9,dma32=1G", STRICT, &device);
	rig_ok(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	assert_int_equal(info.argsz, 32);
	assert_int_equal(info.flags, IOAS_SPAPR_INFO_DDW);
	assert_int_equal(info.dma32_window_start, 0);
	assert_int_equal(info.dma32_window_size, 0x40000000);
	assert_int_equal(info.pgsizes, 0x40211000);
	assert_int_equal(info.max_dynamic_windows_supported, 2);
	assert_int_equal(info.levels, 5);
	info = (struct ioas_spapr_info){.argsz = 31, .levels = 9};
	rig_ok(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	assert_int_equal(info.flags, IOAS_SPAPR_INFO_DDW);
	assert_int_equal(info.levels, 9);
	info.argsz = 15;
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info),
	          -EINVAL);
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, NULL),
	          -EFAULT);
	first = windows_of(r, 2, V1, &group);
	info = (struct ioas_spapr_info){.argsz = 32, .levels = 9};
	rig_ok(r, call(first, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	assert_int_equal(info.flags, 0);
	assert_int_equal(info.levels, 0);
}

static void without_dynamic_windows_there_is_the_default_one(struct rig *r)
{
	struct ioas_spapr_info info = {.argsz = 32};
	uint64_t *memory = rig_memory(r, rig_page());
	uint64_t start;
	int device, container;

	container = windows_begin(r, "power9,ddw=off", STRICT, &device);
	rig_ok(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	assert_int_equal(info.flags, 0);
	rig_fails(r, create_window(container, 12, MIB, 1, &start), -EPERM);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map(container, 0, memory, rig_page()));
	memory[0] = 9;
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(probe.dma_value, 9);
}

static void linux_attaches_nothing_without_dynamic_windows(struct rig *r)
{
	int container, group;

	more_profile = "power9,ddw=off";
	more_contract = LINUX;
	world_begin(r);
	container = (int)rig_value(r, open_container());
	group = (int)rig_value(r, open_group(1));
	rig_ok(r, attach(group, container));
	rig_fails(r, call_value(container, VFIO_SET_IOMMU, V2), -EINVAL);
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, V1));
}

/* ---- Owner ---- */

static void the_first_who_changes_something_owns_the_container(struct rig *r)
{
	struct ioas_spapr_info info = {.argsz = 32};
	char *memory = rig_memory(r, rig_page());
	int device, container = windows_begin(r, "power9", STRICT, &device);

	world.caller = 1;
	rig_ok(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info));
	rig_ok(r, eeh(container, 4));
	/* Before anybody owns it. */
	rig_fails(r, unregister_memory(container, memory, rig_page()), -EPERM);
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, NULL),
	          -EFAULT);
	world.caller = 2;
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_TCE_GET_INFO, &info),
	          -EPERM);
	rig_fails(r, eeh(container, 4), -EPERM);
	rig_fails(r, call(container, IOAS_VFIO_COMMAND(30), NULL), -EPERM);
	rig_fails(r, register_memory(container, memory, rig_page()), -EPERM);
	rig_fails(r, call(container, VFIO_IOMMU_MAP_DMA, NULL), -EPERM);
	assert_int_equal(call_value(container, VFIO_CHECK_EXTENSION, V2), 1);
	world.caller = 1;
	rig_ok(r, register_memory(container, memory, rig_page()));
}

/* ---- Registered memory ---- */

static void memory_is_registered_once_for_all_containers(struct rig *r)
{
	char *memory = rig_memory(r, 3 * rig_page());
	int device, first, second, group;

	first = windows_begin(r, "power9", STRICT, &device);
	second = windows_of(r, 2, V2, &group);
	rig_ok(r, register_memory(first, memory, 2 * rig_page()));
	rig_fails(r, register_memory(first, memory, 2 * rig_page()), -EBUSY);
	rig_fails(r, register_memory(second, memory, 3 * rig_page()), -EINVAL);
	rig_fails(r, register_memory(second, memory, rig_page()), -EINVAL);
	/* Not by this one. */
	rig_fails(r, unregister_memory(second, memory, 2 * rig_page()),
	          -ENOENT);
	/* Not enabled by what another one did. */
	rig_fails(r, map(second, 0, memory, rig_page()), -EPERM);
	rig_ok(r, register_memory(second, memory, 2 * rig_page()));
	assert_int_equal(rig_pinned_bytes(r), 2 * rig_page());
	rig_ok(r, unregister_memory(first, memory, 2 * rig_page()));
	rig_fails(r, unregister_memory(first, memory, 2 * rig_page()), -ENOENT);
	/* Enabled for ever, and the memory is the process's. */
	rig_ok(r, map(first, 0, memory, rig_page()));
	rig_ok(r, unmap_windows(first, 0, rig_page()));
	rig_ok(r, unregister_memory(second, memory, 2 * rig_page()));
	rig_fails(r, map(first, 0, memory, rig_page()), -EINVAL);
}

static void what_cannot_be_registered_is_refused(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	struct ioas_spapr_memory arg = {24, 0, (uintptr_t)memory, rig_page()};
	int device, container = windows_begin(r, "power9", STRICT, &device);

	arg.flags = 1;
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &arg),
	          -EINVAL);
	arg.flags = 0;
	arg.argsz = 23;
	rig_fails(r, call(container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY, &arg),
	          -EINVAL);
	rig_fails(r, register_memory(container, memory + 1, rig_page()),
	          -EINVAL);
	rig_fails(r, register_memory(container, memory, rig_page() - 1),
	          -EINVAL);
	rig_fails(r,
	          register_memory(container, (void *)-rig_page(), rig_page()),
	          -EINVAL);
	rig_fails(r, register_memory(container, memory, 0), -EINVAL);
	rig_hole(r, memory + 2 * rig_page(), rig_page());
	rig_fails(r, register_memory(container, memory, 4 * rig_page()),
	          -EFAULT);
	assert_int_equal(rig_pinned_bytes(r), 0);
	rig_fails(r, map(container, 0, memory, rig_page()), -EPERM);
}

static void linux_counts_the_pages_before_a_hole(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	int device, container = windows_begin(r, "power9", LINUX, &device);

	rig_hole(r, memory + 2 * rig_page(), rig_page());
	assert_int_equal(rig_value(r, register_memory(container, memory,
	                                              4 * rig_page())),
	                 2);
	assert_int_equal(rig_pinned_bytes(r), 0);
	rig_fails(r,
	          register_memory(container, memory + 2 * rig_page(),
	                          2 * rig_page()),
	          -EFAULT);
	rig_fails(r, register_memory(container, memory, 0), -ENOMEM);
	rig_fails(r, map(container, 0, memory, rig_page()), -EPERM);
}

static void mapped_memory_is_not_unregistered(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map(container, 0, memory, rig_page()));
	rig_fails(r, unregister_memory(container, memory, rig_page()), -EBUSY);
	memory[0] = 3;
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(probe.dma_value, 3);
	rig_ok(r, unmap_windows(container, 0, rig_page()));
	rig_ok(r, unregister_memory(container, memory, rig_page()));
}

static void linux_forgets_memory_that_is_mapped(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container, second, group;

	container = windows_begin(r, "power9", LINUX, &device);
	second = windows_of(r, 2, V2, &group);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map(container, 0, memory, rig_page()));
	rig_ok(r, unregister_memory(container, memory, rig_page()));
	rig_fails(r, unregister_memory(container, memory, rig_page()), -ENOENT);
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	/* It can be mapped, and anybody may have it. */
	rig_ok(r, map(container, rig_page(), memory, rig_page()));
	rig_ok(r, register_memory(second, memory, rig_page()));
	rig_ok(r, unmap_windows(container, 0, 2 * rig_page()));
	/* Forgotten once more, with nothing mapped. */
	rig_ok(r, unregister_memory(second, memory, rig_page()));
	assert_int_equal(rig_pinned_bytes(r), rig_page());
	rig_ok(r, map(container, 0, memory, rig_page()));
}

static void the_limit_of_pins_is_for_memory_and_tables(struct rig *r)
{
	char *memory = rig_memory(r, 4 * rig_page());
	uint64_t start;
	int container, group;

	more_profile = "power9";
	more_contract = STRICT;
	world_begin_limited(r, 3);
	container = windows_of(r, 1, V2, &group);
	rig_fails(r, register_memory(container, memory, 4 * rig_page()),
	          -ENOMEM);
	rig_ok(r, register_memory(container, memory, rig_page()));
	/* The default window cannot be paid for, until nobody wants it. */
	rig_fails(r, map(container, 0, memory, rig_page()), -ENOMEM);
	rig_fails(r, unmap_windows(container, 0, rig_page()), -ENOMEM);
	rig_fails(r, create_window(container, 12, MIB, 1, &start), -ENOMEM);
	rig_ok(r, remove_window(container, 0));
	rig_ok(r, create_window(container, 12, MIB, 1, &start));
	assert_int_equal(start, 0);
	rig_ok(r, map(container, 0, memory, rig_page()));
	rig_fails(r,
	          register_memory(container, memory + rig_page(), rig_page()),
	          -ENOMEM);
	rig_ok(r, remove_window(container, 0));
	rig_ok(r,
	       register_memory(container, memory + rig_page(), 2 * rig_page()));
}

/* ---- Windows ---- */

static void slots_have_addresses(struct rig *r)
{
	int device, container = windows_begin(r, "power9", STRICT, &device);
	uint64_t start;

	/* The default window is owed, and takes the first slot. */
	rig_ok(r, create_window(container, 16, 64 * MIB, 1, &start));
	assert_true(start == HIGH);
	rig_fails(r, create_window(container, 12, MIB, 1, &start), -ENOSPC);
	assert_int_equal(start, 77);
	rig_ok(r, remove_window(container, HIGH + 63 * MIB));
	rig_fails(r, remove_window(container, HIGH), -EINVAL);
	rig_ok(r, remove_window(container, 0));
	rig_fails(r, remove_window(container, 0), -EINVAL);
	rig_ok(r, create_window(container, 12, MIB, 2, &start));
	assert_int_equal(start, 0);
	rig_fails(r, create_window(container, 12, MIB, 0, &start), -EINVAL);
	rig_fails(r, create_window(container, 12, MIB, 6, &start), -EINVAL);
	rig_fails(r, create_window(container, 12, 3 * MIB, 1, &start), -EINVAL);
	rig_fails(r, create_window(container, 13, MIB, 1, &start), -EINVAL);
	/* What a guest asks for that does not know how much memory it has. */
	rig_fails(r, create_window(container, 0, 1, 1, &start), -EINVAL);
	rig_fails(r, create_window(container, 64 + 12, MIB, 1, &start),
	          -EINVAL);
}

static void a_window_that_nobody_hears_of_stays(struct rig *r)
{
	int device, container = windows_begin(r, "power9", STRICT, &device);
	uint64_t *memory = rig_memory(r, rig_page());
	uint64_t start;

	rig_ok(r, remove_window(container, 0));
	rig_ok(r, create_window(container, 12, MIB, 1, &start));
	rig_fails(r, create_window(container, 12, UINT64_C(1) << 62, 5, &start),
	          -EINVAL);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_fails(r, map(container, HIGH, memory, rig_page()), -ENXIO);
	rig_ok(r, map(container, MIB - rig_page(), memory, rig_page()));
}

static void devices_of_all_groups_see_a_mapping(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container, two;

	container = windows_begin(r, "power9", STRICT, &device);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map(container, 0, memory, rig_page()));
	two = (int)rig_value(r, open_group(2));
	rig_ok(r, attach(two, container));
	memory[1] = 5;
	assert_int_equal(dma_read(device, 8), 0);
	assert_int_equal(probe.dma_value, 5);
	/* Tables are shared: what one takes along is everybody's. */
	rig_ok(r, unset(two));
	assert_int_equal(dma_read(device, 8), -EFAULT);
	assert_int_equal(told(IOAS_EVENT_UNMAP), 1);
	rig_ok(r, map(container, 0, memory, rig_page()));
	assert_int_equal(dma_read(device, 8), 0);
}

static void permissions_are_those_of_the_hardware(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = windows_begin(r, "power9", STRICT, &device);

	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map_perm(container, 0, memory, rig_page(), 1));
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(dma_write(device, 0, 1), -EFAULT);
	rig_ok(r, map_perm(container, 0, memory, rig_page(), 2));
	assert_int_equal(dma_read(device, 0), 0);
	assert_int_equal(dma_write(device, 0, 1), 0);
	assert_int_equal(memory[0], 1);
	rig_fails(r, map_perm(container, 0, memory, rig_page(), 0), -EINVAL);
	rig_fails(r, map_perm(container, 0, memory, rig_page(), 4), -EINVAL);
}

static void a_partition_lets_who_may_write_not_read(struct rig *r)
{
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = windows_begin(r, "pseries", STRICT, &device);

	assert_int_equal(call_value(container, VFIO_CHECK_EXTENSION, VFIO_EEH),
	                 0);
	rig_fails(r, eeh(container, 0), -ENODEV);
	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, map_perm(container, 0, memory, rig_page(), 2));
	assert_int_equal(dma_read(device, 0), -EFAULT);
	assert_int_equal(dma_write(device, 0, 1), 0);
}

static void an_odd_address_is_refused_or_a_success(struct rig *r)
{
	static const enum ioas_contract contracts[] = {STRICT, LINUX, OLD};
	char *memory = rig_memory(r, rig_page());
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(contracts); i++) {
		int device, container;
		long says = contracts[i] == STRICT ? -EINVAL : 1;

		container = windows_begin(r, "power9", contracts[i], &device);
		rig_ok(r, register_memory(container, memory, rig_page()));
		rig_fails(r, map(container, 1, memory, rig_page()), says);
		rig_fails(r, unmap_windows(container, 1, rig_page()), says);
		assert_int_equal(told(IOAS_EVENT_MAP), 0);
		close_files(NULL);
	}
}

static void pages_are_no_larger_than_those_of_the_memory(struct rig *r)
{
	char *memory = rig_memory(r, 4 * MIB);
	char *aligned = (char *)(((uintptr_t)memory + 2 * MIB - 1) &
	                         ~(uintptr_t)(2 * MIB - 1));
	int device, container;
	uint64_t start;

	if (rig_backend() != &ioas_backend_identity)
		rig_skip("frames are not contiguous");
	if (rig_page_shift() >= 16)
		rig_skip("pages of the program are as large as the window's");
	container = windows_begin(r, "power9", STRICT, &device);
	rig_ok(r, register_memory(container, aligned, 2 * MIB));
	rig_ok(r, create_window(container, 16, 64 * MIB, 1, &start));
	rig_fails(r, map(container, start, aligned, 0x10000), -EINVAL);
	rig_fails(r, map(container, start + 0x1000, aligned, 0x10000), -EINVAL);
	rig_fails(r, map(container, 2 * HIGH, aligned, 0x10000), -ENXIO);
	rig_ok(r, map(container, start, aligned, 0));
	rig_ok(r, unregister_memory(container, aligned, 2 * MIB));
	/* As memory of huge pages is. */
	world.backing = 21;
	rig_ok(r, register_memory(container, aligned, 2 * MIB));
	rig_ok(r, map(container, start, aligned, 0x10000));
	rig_ok(r, remove_window(container, start));
	rig_ok(r, create_window(container, 21, 64 * MIB, 1, &start));
	rig_ok(r, map(container, start, aligned, 2 * MIB));
	aligned[5] = 6;
	assert_int_equal(dma_read(device, start), 0);
	assert_int_equal(probe.dma_value >> 40 & 0xff, 6);
}

/* ---- Version 1 ---- */

static void version_1_is_charged_for_all_of_its_window(struct rig *r)
{
	uint64_t *memory = rig_memory(r, 2 * rig_page());
	uint64_t pages = MIB >> rig_page_shift();
	int container, group;

	more_profile = "power9,dma32=1M";
	more_contract = STRICT;
	world_begin_limited(r, pages + 8);
	container = windows_of(r, 1, V1, &group);
	rig_fails(r, map(container, 0, memory, rig_page()), -EPERM);
	rig_fails(r, unmap_windows(container, 0, rig_page()), -EPERM);
	rig_ok(r, call(container, VFIO_IOMMU_ENABLE, NULL));
	rig_fails(r, call(container, VFIO_IOMMU_ENABLE, NULL), -EBUSY);
	rig_ok(r, map(container, 0, memory, 2 * rig_page()));
	rig_ok(r, call(container, VFIO_IOMMU_DISABLE, NULL));
	rig_ok(r, call(container, VFIO_IOMMU_DISABLE, NULL));
	rig_fails(r, unmap_windows(container, 0, rig_page()), -EPERM);
	rig_ok(r, call(container, VFIO_IOMMU_ENABLE, NULL));
	rig_ok(r, unmap_windows(container, 0, rig_page()));
}

RIG_MAIN("uapi_spapr", RIG_TEST(a_type_is_chosen_among_those_there_are),
         RIG_TEST(commands_of_the_other_version_do_not_exist),
         RIG_TEST(info_says_of_windows_what_there_is_room_for),
         RIG_TEST(without_dynamic_windows_there_is_the_default_one),
         RIG_TEST(linux_attaches_nothing_without_dynamic_windows),
         RIG_TEST(the_first_who_changes_something_owns_the_container),
         RIG_TEST(memory_is_registered_once_for_all_containers),
         RIG_TEST(what_cannot_be_registered_is_refused),
         RIG_TEST(linux_counts_the_pages_before_a_hole),
         RIG_TEST(mapped_memory_is_not_unregistered),
         RIG_TEST(linux_forgets_memory_that_is_mapped),
         RIG_TEST(the_limit_of_pins_is_for_memory_and_tables),
         RIG_TEST(slots_have_addresses),
         RIG_TEST(a_window_that_nobody_hears_of_stays),
         RIG_TEST(devices_of_all_groups_see_a_mapping),
         RIG_TEST(permissions_are_those_of_the_hardware),
         RIG_TEST(a_partition_lets_who_may_write_not_read),
         RIG_TEST(an_odd_address_is_refused_or_a_success),
         RIG_TEST(pages_are_no_larger_than_those_of_the_memory),
         RIG_TEST(version_1_is_charged_for_all_of_its_window))
