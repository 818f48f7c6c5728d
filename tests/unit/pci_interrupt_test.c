/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

#define ENTRY(v)   (PROBE_TABLE + 16u * (v))
#define CONTROL(v) (ENTRY(v) + 12)
#define BAR        2

static struct ioas_msi controller;

/* A device of the probe model at a remapping controller, in a space. */
static struct ioas_device *wired(struct rig *r)
{
	const struct ioas_space_config config = {
		.page_shift = 12,
		.aperture = {0, ioas_mask_lg2(39)},
	};
	const struct ioas_device_request request = {
		.model = &probe_model,
		.bdf = {.bus = 1},
		.msi = &controller,
	};
	struct ioas_space *space;
	struct ioas_device *dev;

	controller = (struct ioas_msi){.kind = &ioas_msi_vtd};
	rig_ok(r, ioas_space_create(&config, &space));
	rig_defer(r, RIG_CALL(ioas_space_destroy), space);
	ioas_space_msi_set(space, controller.kind->range, false);
	dev = probe_ask(r, &request);
	ioas_device_attach(dev, space);
	config_set(dev, 4, 2, 0x0006);
	return dev;
}

static void on(struct ioas_device *dev, enum ioas_irq_mode mode,
               unsigned int count)
{
	if (count <= ioas_device_irq_count(dev, mode))
		assert_int_equal(ioas_device_irq_prepare(dev, mode, NULL), 0);
	ioas_device_irq_on(dev, mode, count);
}

static uint64_t get(struct ioas_device *dev, uint64_t at, unsigned int size)
{
	return ioas_device_load(dev, BAR, at, size);
}

static void set(struct ioas_device *dev, uint64_t at, unsigned int size,
                uint64_t value)
{
	ioas_device_store(dev, BAR, at, size, value);
}

static void entries_are_masked_at_first_and_the_model_sees_none(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	unsigned int v;

	for (v = 0; v < PROBE_VECTORS; v++) {
		assert_int_equal(get(dev, ENTRY(v), 8), 0);
		assert_int_equal(get(dev, CONTROL(v), 4), 1);
	}
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
	assert_int_equal(probe_of(dev)->loads, 0);
	assert_int_equal(ioas_a64_load(&dev->stats.loads),
	                 2 * PROBE_VECTORS + 1);
}

static void what_lies_beside_table_and_pending_bits_is_the_models(struct rig *r)
{
	static const uint64_t beside[] = {
		0,
		PROBE_TABLE - 4,
		ENTRY(PROBE_VECTORS),
		PROBE_PENDING - 4,
		PROBE_PENDING + 8,
	};
	struct ioas_device *dev = wired(r);
	struct probe *p = probe_of(dev);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(beside); i++) {
		assert_int_equal(get(dev, beside[i], 4), 0x44332211);
		assert_int_equal(p->offset, beside[i]);
		set(dev, beside[i], 4, 7);
		assert_int_equal(p->stores, i + 1);
	}
	/* The table of another BAR is no table. */
	ioas_device_store(dev, 0, CONTROL(0), 4, 0);
	assert_int_equal(p->stores, i + 1);
	assert_int_equal(get(dev, CONTROL(0), 4), 1);
}

static void an_entry_keeps_address_data_and_mask_bit(struct rig *r)
{
	struct ioas_device *dev = wired(r);

	set(dev, ENTRY(1), 8, UINT64_C(0x1122334455667788) | 3);
	set(dev, ENTRY(1) + 8, 8, UINT64_C(0xfffffffeaabbccdd));
	assert_int_equal(get(dev, ENTRY(1), 8), UINT64_C(0x1122334455667788));
	assert_int_equal(get(dev, ENTRY(1) + 8, 8), 0xaabbccdd);
	set(dev, CONTROL(1) + 2, 2, 0xffff);
	set(dev, CONTROL(1), 1, 0xff);
	assert_int_equal(get(dev, CONTROL(1), 4), 1);
	assert_int_equal(get(dev, ENTRY(1) + 3, 1), 0x55);
	assert_int_equal(get(dev, ENTRY(0), 8), 0);
	assert_int_equal(get(dev, ENTRY(2), 8), 0);
}

static void an_access_over_the_end_of_the_table_is_cut(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	uint64_t last = ENTRY(PROBE_VECTORS) - 2;

	set(dev, CONTROL(PROBE_VECTORS - 1), 4, 0);
	set(dev, last, 8, UINT64_MAX);
	assert_int_equal(get(dev, last, 8), 0);
	/* Over two entries both are settled. */
	set(dev, CONTROL(0), 8, UINT64_MAX);
	assert_int_equal(get(dev, CONTROL(0), 8), UINT64_C(0xfffffffc00000001));
	assert_int_equal(probe_of(dev)->stores, 0);
}

static void pending_bits_are_read_only(struct rig *r)
{
	struct ioas_device *dev = wired(r);

	set(dev, PROBE_PENDING, 8, UINT64_MAX);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
	assert_int_equal(probe_of(dev)->stores, 0);
}

static void an_event_is_raised_once_per_interrupt(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	struct probe_ear *ear = probe_ear();
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 2);
	assert_int_equal(ioas_device_irq_set(dev, 1, event), IOAS_NO_EVENT);
	ioas_device_interrupt(dev, 1);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(ear->count[IOAS_EVENT_INTERRUPT], 1);
	assert_int_equal(ear->last.number, 1);
	assert_string_equal(ear->last.device, "0000:01:00.0");
	assert_string_equal(ear->last.model, "probe");
	assert_int_equal(ioas_a64_load(&dev->stats.interrupts), 1);
	assert_int_equal(ioas_device_irq_set(dev, 1, IOAS_NO_EVENT), event);
}

static void set_up_composes_a_message_and_unmasks(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 1);
	assert_int_equal(get(dev, CONTROL(3), 4), 1);
	ioas_device_irq_set(dev, 3, event);
	/* Remapped, with a subhandle, which is 0: entry 3 of the table. */
	assert_int_equal(get(dev, ENTRY(3), 8), 0xfee00018 | 3 << 5);
	assert_int_equal(get(dev, ENTRY(3) + 8, 8), 0);
	/* Above the count that was asked for: the count follows. */
	assert_int_equal(dev->irq.count, 4);
	ioas_device_irq_set(dev, 3, IOAS_NO_EVENT);
	assert_int_equal(get(dev, CONTROL(3), 4), 1);
	ioas_device_irq_set(dev, 4, IOAS_NO_EVENT);
	assert_int_equal(dev->irq.count, 4);
}

static void a_masked_interrupt_waits_and_goes_out_once(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, PROBE_VECTORS);
	ioas_device_irq_set(dev, 4, event);
	set(dev, CONTROL(4), 4, 1);
	ioas_device_interrupt(dev, 4);
	ioas_device_interrupt(dev, 4);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 1u << 4);
	set(dev, CONTROL(4), 4, 0);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
	ioas_device_interrupt(dev, 4);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void a_vector_without_event_waits_for_one(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 2);
	ioas_device_interrupt(dev, 0);
	assert_int_equal(get(dev, PROBE_PENDING, 1), 1);
	ioas_device_irq_set(dev, 1, event);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void an_unmasked_vector_without_event_drops(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 1);
	set(dev, CONTROL(0), 4, 0);
	ioas_device_interrupt(dev, 0);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(ioas_a64_load(&dev->stats.interrupts), 0);
}

static void a_vector_that_is_not_there_drops(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, PROBE_VECTORS);
	ioas_device_irq_set(dev, 0, event);
	ioas_device_interrupt(dev, PROBE_VECTORS);
	ioas_device_interrupt(dev, UINT32_MAX);
	assert_int_equal(rig_event_count(r, event), 0);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
}

/* MSI-7 */
static void nothing_is_delivered_after_off(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	ioas_device_interrupt(dev, 0);
	on(dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);
	ioas_device_interrupt(dev, 0);
	ioas_device_irq_off(dev);
	ioas_device_interrupt(dev, 0);
	set(dev, CONTROL(0), 4, 0);
	assert_int_equal(rig_event_count(r, event), 0);
	/* Nor does an old one come when it is on again. */
	on(dev, IOAS_IRQ_MSIX, 1);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 0);
}

/* MSI-7 */
static void off_forgets_the_events(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 2);
	ioas_device_irq_set(dev, 1, event);
	ioas_device_irq_off(dev);
	assert_int_equal(get(dev, CONTROL(1), 4), 1);
	on(dev, IOAS_IRQ_MSIX, 2);
	assert_int_equal(ioas_device_irq_set(dev, 1, event), IOAS_NO_EVENT);
}

static void msi_delivers_without_masks(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	unsigned int msi = dev->cap_msi;
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSI, 2);
	ioas_device_interrupt(dev, 1);
	ioas_device_irq_set(dev, 1, event);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_interrupt(dev, 1);
	ioas_device_interrupt(dev, 0);
	ioas_device_interrupt(dev, PROBE_MSI);
	assert_int_equal(rig_event_count(r, event), 1);
	/* The program may switch it off, and on again. */
	config_set(dev, msi + 2, 1, 0);
	ioas_device_interrupt(dev, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	config_set(dev, msi + 2, 1, 1);
	ioas_device_interrupt(dev, 1);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void reset_keeps_the_set_up_and_drops_what_waits(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 2);
	ioas_device_irq_set(dev, 0, event);
	ioas_device_interrupt(dev, 1);
	ioas_device_reset(dev);
	assert_int_equal(get(dev, PROBE_PENDING, 8), 0);
	assert_int_equal(get(dev, ENTRY(0), 8), 0xfee00018);
	ioas_device_interrupt(dev, 0);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void restart_switches_interrupts_off(struct rig *r)
{
	struct ioas_device *dev = wired(r);
	int event = rig_event(r);

	on(dev, IOAS_IRQ_MSIX, 2);
	ioas_device_irq_set(dev, 0, event);
	ioas_device_restart(dev);
	assert_int_equal(dev->irq.mode, IOAS_IRQ_OFF);
	assert_int_equal(get(dev, ENTRY(0), 8), 0);
	ioas_device_interrupt(dev, 0);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void the_counts_are_those_of_the_model(struct rig *r)
{
	struct ioas_device *dev = wired(r);

	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_INTX), 0);
	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_MSI), PROBE_MSI);
	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_MSIX),
	                 PROBE_VECTORS);
	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_OFF), 0);
}

static void set_while_off(void *dev)
{
	ioas_device_irq_set(dev, 0, 1);
}

static void set_beyond(void *dev)
{
	ioas_device_irq_set(dev, PROBE_VECTORS, 1);
}

static void on_with_too_many(void *dev)
{
	on(dev, IOAS_IRQ_MSI, PROBE_MSI + 1);
}

static void break_FN_3(struct rig *r, struct ioas_device *dev,
                       void (*fn)(void *dev))
{
	rig_breaks(r, "FN_3", fn, dev);
	/* The jump out of the law left the lock held. */
	ioas_lock_reset(&dev->lock);
}

static void FN_3_a_vector_is_set_only_while_its_mode_is_on(struct rig *r)
{
	struct ioas_device *dev = wired(r);

	break_FN_3(r, dev, set_while_off);
	break_FN_3(r, dev, on_with_too_many);
	on(dev, IOAS_IRQ_MSIX, 1);
	break_FN_3(r, dev, set_beyond);
}

RIG_MAIN("pci_interrupt",
         RIG_TEST(entries_are_masked_at_first_and_the_model_sees_none),
         RIG_TEST(what_lies_beside_table_and_pending_bits_is_the_models),
         RIG_TEST(an_entry_keeps_address_data_and_mask_bit),
         RIG_TEST(an_access_over_the_end_of_the_table_is_cut),
         RIG_TEST(pending_bits_are_read_only),
         RIG_TEST(an_event_is_raised_once_per_interrupt),
         RIG_TEST(set_up_composes_a_message_and_unmasks),
         RIG_TEST(a_masked_interrupt_waits_and_goes_out_once),
         RIG_TEST(a_vector_without_event_waits_for_one),
         RIG_TEST(an_unmasked_vector_without_event_drops),
         RIG_TEST(a_vector_that_is_not_there_drops),
         RIG_TEST(nothing_is_delivered_after_off),
         RIG_TEST(off_forgets_the_events), RIG_TEST(msi_delivers_without_masks),
         RIG_TEST(reset_keeps_the_set_up_and_drops_what_waits),
         RIG_TEST(restart_switches_interrupts_off),
         RIG_TEST(the_counts_are_those_of_the_model),
         RIG_TEST(FN_3_a_vector_is_set_only_while_its_mode_is_on))
