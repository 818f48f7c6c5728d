/* SPDX-License-Identifier: MIT */
/* Which devices a reset of the bus takes along, and who may ask for it. */
#include "uapi_world.h"

struct info {
	struct ioas_vfio_hot_reset head;
	struct vfio_pci_dependent_device device[4];
};

static long info(int device, struct info *info)
{
	memset(info, 0, sizeof(*info));
	info->head.argsz = sizeof(*info);
	return call(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
}

static long reset(int device, uint32_t count, int a, int b)
{
	struct {
		struct ioas_vfio_hot_reset head;
		int32_t fd[2];
	} arg = {{sizeof(arg), 0, count}, {a, b}};

	return call(device, VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

/* The device of @group, which is opened and attached. */
static int begin(struct rig *r, unsigned int group, const char *name,
                 int *ret_group)
{
	int container;

	world_begin(r);
	container = (int)rig_value(r, open_container());
	*ret_group = (int)rig_value(r, open_group(group));
	rig_ok(r, attach(*ret_group, container));
	rig_ok(r, call_value(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	return (int)rig_value(r, open_device(*ret_group, name));
}

static void the_devices_of_a_bus_are_told_in_order(struct rig *r)
{
	int group, device = begin(r, 3, "0000:02:01.3", &group);
	struct info is;

	rig_ok(r, info(device, &is));
	assert_int_equal(is.head.count, 2);
	assert_int_equal(is.device[0].group_id, 2);
	assert_int_equal(is.device[0].devfn, 0);
	assert_int_equal(is.device[1].group_id, 3);
	assert_int_equal(is.device[1].segment, 0);
	assert_int_equal(is.device[1].bus, 2);
	assert_int_equal(is.device[1].devfn, 1 << 3 | 3);
}

static void a_bus_is_reset_by_who_has_all_its_groups(struct rig *r)
{
	int group, device = begin(r, 3, "0000:02:01.3", &group);
	int other = (int)rig_value(r, open_group(2));

	probe.resets = 0;
	rig_fails(r, reset(device, 1, group, 0), -EINVAL);
	rig_fails(r, reset(device, 2, group, group), -EINVAL);
	assert_int_equal(probe.resets, 0);
	rig_ok(r, reset(device, 2, group, other));
	assert_int_equal(probe.resets, 2);
	close_fd(other);
	rig_fails(r, reset(device, 2, group, other), -EINVAL);
}

static void one_device_alone_is_reset_by_its_group(struct rig *r)
{
	int group, device = begin(r, 1, "0000:01:00.0", &group);
	int other = (int)rig_value(r, open_group(2));

	probe.resets = 0;
	rig_fails(r, reset(device, 1, other, 0), -EINVAL);
	rig_ok(r, reset(device, 1, group, 0));
	assert_int_equal(probe.resets, 1);
}

static void the_root_bus_cannot_be_reset(struct rig *r)
{
	int group, device = begin(r, 4, "0000:00:04.0", &group);
	struct info is;

	rig_fails(r, info(device, &is), -ENODEV);
	rig_fails(r, reset(device, 1, group, 0), -ENODEV);
	rig_ok(r, call(device, VFIO_DEVICE_RESET, NULL));
}

RIG_MAIN("uapi_reset", RIG_TEST(the_devices_of_a_bus_are_told_in_order),
         RIG_TEST(a_bus_is_reset_by_who_has_all_its_groups),
         RIG_TEST(one_device_alone_is_reset_by_its_group),
         RIG_TEST(the_root_bus_cannot_be_reset))
