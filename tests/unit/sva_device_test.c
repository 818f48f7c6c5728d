/* SPDX-License-Identifier: MIT */
/* Devices and their tables: src/sva/device.c. */
#include "sva/sva.h"
#include "sva_rig.h"

/* covers: ioas_sva_device_create -EINVAL */
static void create_refuses_what_no_device_has(struct rig *r)
{
	static const struct ioas_sva_device_config bad[] = {
		{.pasid_bits = 0},
		{.pasid_bits = 21},
		{.pasid_bits = 8, .requests = 1},
		{.pasid_bits = 8, .requests = 65537, .respond = device_respond},
	};
	struct ioas_sva *sva = sva_new(r, 20);
	struct ioas_sva_device *none = NULL;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		rig_fails(r, ioas_sva_device_create(sva, &bad[i], &none),
		          -EINVAL);
	assert_null(none);
}

/* covers: ioas_sva_device_create -ENOMEM */
static void create_says_when_there_is_no_memory(struct rig *r)
{
	const struct ioas_sva_device_config config = {
		.pasid_bits = 20, .requests = 4, .respond = device_respond};
	struct ioas_sva *sva = sva_new(r, 20);
	struct ioas_sva_device *dev = NULL;
	int err = rig_try(r, ioas_sva_device_create(sva, &config, &dev));

	assert_int_equal(err, rig_failed(r) ? -ENOMEM : 0);
	if (!err)
		ioas_sva_device_destroy(dev);
}

static void the_table_has_what_the_iommu_and_the_device_have(struct rig *r)
{
	static const struct {
		unsigned int iommu, device, bits;
	} width[] = {{1, 20, 1}, {20, 1, 1}, {9, 20, 9}, {20, 20, 20}};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(width); i++) {
		static struct device d;
		uint32_t last = (uint32_t)ioas_mask_lg2(width[i].bits);

		device_new(r, sva_new(r, width[i].iommu), width[i].device, 0,
		           &d);
		assert_int_equal(d.dev->bits, width[i].bits);
		assert_null(ioas_sva_entry(d.dev, last));
		assert_null(ioas_sva_entry(d.dev, last + 1));
		rig_there(r, ioas_sva_entry_locked(d.dev, last));
		assert_non_null(ioas_sva_entry(d.dev, last));
		assert_null(ioas_sva_entry(d.dev, last + 1));
		assert_true(ioas_sva_entry(d.dev, last) ==
		            ioas_sva_entry_locked(d.dev, last));
	}
}

RIG_MAIN("sva_device", RIG_TEST(create_refuses_what_no_device_has),
         RIG_TEST(create_says_when_there_is_no_memory),
         RIG_TEST(the_table_has_what_the_iommu_and_the_device_have))
