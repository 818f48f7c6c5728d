/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "iova/msi_doorbell.h"
#include "rig.h"

static const struct iova_range window = {0x8000000, 0x80fffff};

static struct ioas_msi_doorbells table;

static struct ioas_msi_doorbell place_of(struct rig *r, uint64_t phys)
{
	struct ioas_msi_doorbell d;

	rig_ok(r, ioas_msi_doorbells_prepare(&table, (struct phys){phys}, &d));
	return d;
}

static uint64_t composed(struct rig *r, uint64_t phys)
{
	struct ioas_msi_doorbell d = place_of(r, phys);

	return ioas_msi_doorbell_compose(&d, (struct phys){phys});
}

static void MSI_2_one_page_has_one_address_and_low_bits_stay(struct rig *r)
{
	ioas_msi_doorbells_init(&table, &window, 12);
	assert_true(composed(r, 0x8090040) == 0x8000040);
	assert_true(composed(r, 0xfeed000ffc) == 0x8001ffc);
	/* Found again by its page, whatever came between. */
	assert_true(composed(r, 0x8090fff) == 0x8000fff);
	assert_true(composed(r, 0xfeed000000) == 0x8001000);
	assert_int_equal(ioas_msi_doorbells_count(&table), 2);
	assert_true(ioas_msi_doorbells_phys(&table, 1).raw == 0xfeed000000);
	assert_true(ioas_msi_doorbells_range(&table, 1).first == 0x8001000);
	assert_true(ioas_msi_doorbells_range(&table, 1).last == 0x8001fff);
}

static void places_are_as_large_as_a_granule(struct rig *r)
{
	ioas_msi_doorbells_init(&table, &window, 16);
	assert_true(composed(r, 0x8090040) == 0x8000040);
	assert_true(composed(r, 0x809f040) == 0x800f040);
	assert_true(composed(r, 0x80a0040) == 0x8010040);
	assert_int_equal(ioas_msi_doorbells_count(&table), 2);
}

static void MSI_3_compose_needs_nothing_but_what_prepare_gave(struct rig *r)
{
	struct ioas_msi_doorbell d;

	ioas_msi_doorbells_init(&table, &window, 12);
	place_of(r, 0x1000);
	d = place_of(r, 0x8090040);
	/* Nothing of the table is left. */
	memset(&table, 0xff, sizeof(table));
	assert_true(ioas_msi_doorbell_compose(&d, (struct phys){0x8090044}) ==
	            0x8001044);
}

static void fill(struct rig *r, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		place_of(r, (uint64_t)(i + 1) << 20);
}

static void prepare_refuses_more_pages_than_a_context_may_have(struct rig *r)
{
	struct ioas_msi_doorbell d;

	ioas_msi_doorbells_init(&table, &window, 12);
	fill(r, IOAS_MSI_DOORBELLS_MAX);
	assert_int_equal(ioas_msi_doorbells_prepare(
				 &table, (struct phys){0x8090040}, &d),
	                 -EOVERFLOW);
	/* Those that are there can still be had. */
	assert_true(composed(r, 64 << 20) == 0x803f000);
}

static void prepare_refuses_more_pages_than_the_window_has(struct rig *r)
{
	struct ioas_msi_doorbell d;

	ioas_msi_doorbells_init(&table, &window, 16);
	fill(r, 16);
	assert_int_equal(ioas_msi_doorbells_prepare(
				 &table, (struct phys){0x8090040}, &d),
	                 -EOVERFLOW);
	assert_int_equal(ioas_msi_doorbells_count(&table), 16);
}

static void without_a_window_there_is_no_place(struct rig *r)
{
	struct ioas_msi_doorbell d;

	(void)r;
	ioas_msi_doorbells_init(&table, NULL, 12);
	assert_int_equal(
		ioas_msi_doorbells_prepare(&table, (struct phys){0}, &d),
		-ENODEV);
}

static void look_beyond(void *arg)
{
	(void)arg;
	(void)ioas_msi_doorbells_phys(&table, 0);
}

static void MSI_2_a_place_that_is_not_taken_is_not_looked_at(struct rig *r)
{
	ioas_msi_doorbells_init(&table, &window, 12);
	rig_breaks(r, "MSI_2", look_beyond, NULL);
	ioas_lock_reset(&table.lock);
}

RIG_MAIN("iova_msi_doorbell",
         RIG_TEST(MSI_2_one_page_has_one_address_and_low_bits_stay),
         RIG_TEST(places_are_as_large_as_a_granule),
         RIG_TEST(MSI_3_compose_needs_nothing_but_what_prepare_gave),
         RIG_TEST(prepare_refuses_more_pages_than_a_context_may_have),
         RIG_TEST(prepare_refuses_more_pages_than_the_window_has),
         RIG_TEST(without_a_window_there_is_no_place),
         RIG_TEST(MSI_2_a_place_that_is_not_taken_is_not_looked_at))
