/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

#define CAP     0x100u
#define COMMAND 0x04

/* As probe_make(), with what SR-IOV makes of it. */
static struct ioas_device *make(struct rig *r, struct ioas_iov iov)
{
	struct ioas_device_request request = {
		.model = &probe_model, .bdf = {.bus = 1}, .iov = iov};
	struct ioas_device *dev;

	rig_ok(r, ioas_device_create(&request, &dev, NULL));
	rig_defer(r, RIG_CALL(ioas_device_destroy), dev);
	return dev;
}

static struct ioas_device *physical(struct rig *r)
{
	return make(r, (struct ioas_iov){.vfs = 3,
	                                 .offset = 0x80,
	                                 .stride = 1,
	                                 .vf_device = 0x4321,
	                                 .link = 0x0a});
}

static unsigned int power_state(struct ioas_device *dev)
{
	return config_get(dev, dev->cap_pm + 4, 2) & 3;
}

static void the_capability_tells_of_virtual_functions(struct rig *r)
{
	struct ioas_device *dev = physical(r);

	assert_int_equal(config_get(dev, CAP, 4), 0x00010010);
	assert_int_equal(config_get(dev, CAP + 0x08, 2), 0);
	assert_int_equal(config_get(dev, CAP + 0x0c, 4), 0x00030003);
	assert_int_equal(config_get(dev, CAP + 0x10, 2), 0);
	assert_int_equal(config_get(dev, CAP + 0x12, 1), 0x0a);
	assert_int_equal(config_get(dev, CAP + 0x14, 4), 0x00010080);
	assert_int_equal(config_get(dev, CAP + 0x1a, 2), 0x4321);
	assert_int_equal(config_get(dev, CAP + 0x1c, 4), 0x553);
	assert_int_equal(config_get(dev, CAP + 0x20, 4), 1);
}

static void other_functions_have_no_such_capability(struct rig *r)
{
	assert_int_equal(config_get(probe_device(r), CAP, 4), 0);
	assert_int_equal(
		config_get(make(r, (struct ioas_iov){.is_virtual = true}), CAP,
	                   4),
		0);
}

static void how_many_there_are_is_shown(struct rig *r)
{
	struct ioas_device *dev = physical(r);

	ioas_device_vfs_set(dev, 2);
	assert_int_equal(config_get(dev, CAP + 0x10, 2), 2);
	assert_int_equal(config_get(dev, CAP + 0x08, 2), 9);
	ioas_device_reset(dev);
	assert_int_equal(config_get(dev, CAP + 0x10, 2), 2);
	ioas_device_vfs_set(dev, 0);
	assert_int_equal(config_get(dev, CAP + 0x10, 2), 0);
	assert_int_equal(config_get(dev, CAP + 0x08, 2), 0);
}

static void a_program_writes_none_of_it(struct rig *r)
{
	struct ioas_device *dev = physical(r);
	uint8_t before[64];

	memcpy(before, dev->config + CAP, sizeof(before));
	for (unsigned int i = 0; i < sizeof(before); i += 4)
		config_set(dev, CAP + i, 4, UINT32_MAX);
	assert_memory_equal(before, dev->config + CAP, sizeof(before));
}

static void the_physical_one_stays_awake_for_them(struct rig *r)
{
	struct ioas_device *dev = physical(r);

	config_set(dev, dev->cap_pm + 4, 2, 3);
	assert_int_equal(power_state(dev), 3);
	ioas_device_vfs_set(dev, 1);
	assert_int_equal(power_state(dev), 0);
	config_set(dev, dev->cap_pm + 4, 2, 3);
	assert_int_equal(power_state(dev), 0);
	ioas_device_vfs_set(dev, 0);
	config_set(dev, dev->cap_pm + 4, 2, 3);
	assert_int_equal(power_state(dev), 3);
}

static void memory_of_a_virtual_function_always_decodes(struct rig *r)
{
	struct ioas_device *dev =
		make(r, (struct ioas_iov){.is_virtual = true});

	assert_int_equal(config_get(dev, COMMAND, 2), 2);
	config_set(dev, COMMAND, 2, 0);
	assert_int_equal(config_get(dev, COMMAND, 2), 0);
	assert_true(ioas_device_decodes(dev));
	config_set(dev, dev->cap_pm + 4, 2, 3);
	assert_false(ioas_device_decodes(dev));
}

RIG_MAIN("pci_sriov", RIG_TEST(the_capability_tells_of_virtual_functions),
         RIG_TEST(other_functions_have_no_such_capability),
         RIG_TEST(how_many_there_are_is_shown),
         RIG_TEST(a_program_writes_none_of_it),
         RIG_TEST(the_physical_one_stays_awake_for_them),
         RIG_TEST(memory_of_a_virtual_function_always_decodes))
