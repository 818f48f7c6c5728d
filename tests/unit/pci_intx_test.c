/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

#define COMMAND   0x04
#define STATUS    0x06
#define PIN       0x3d
#define MEMORY    0x0002u
#define INTX_OFF  0x0400u
#define INTERRUPT 0x0008u

/* The probe with a pin, that nobody listens to yet. */
static struct ioas_device *with_pin(struct rig *r)
{
	static struct ioas_model model;

	model = probe_model;
	model.function.intx = true;
	return probe_make(r, &model);
}

static struct ioas_device *on(struct rig *r, int *ret_event)
{
	struct ioas_device *dev = with_pin(r);

	*ret_event = rig_event(r);
	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	ioas_device_irq_set(dev, 0, *ret_event);
	return dev;
}

static void line(struct ioas_device *dev, bool level)
{
	ioas_lock(&dev->lock);
	ioas_device_line(dev, level);
	ioas_unlock(&dev->lock);
}

static bool shown(struct ioas_device *dev)
{
	return config_get(dev, STATUS, 2) & INTERRUPT;
}

static void disable(struct ioas_device *dev, bool off)
{
	config_set(dev, COMMAND, 2, MEMORY | (off ? INTX_OFF : 0));
}

static void a_pin_is_shown_in_configuration_space(struct rig *r)
{
	struct ioas_device *dev = with_pin(r);

	assert_int_equal(config_get(dev, PIN, 1), 1);
	config_set(dev, PIN, 1, 4);
	assert_int_equal(config_get(dev, PIN, 1), 1);
	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_INTX), 1);
	dev = probe_device(r);
	assert_int_equal(config_get(dev, PIN, 1), 0);
	assert_int_equal(ioas_device_irq_count(dev, IOAS_IRQ_INTX), 0);
}

/* covers: ioas_device_line */
static void status_shows_the_line_unless_messages_are_on(struct rig *r)
{
	struct ioas_device *dev = with_pin(r);

	assert_false(shown(dev));
	line(dev, true);
	assert_true(shown(dev));
	disable(dev, true);
	assert_true(shown(dev));
	ioas_device_irq_on(dev, IOAS_IRQ_MSI, 1);
	assert_false(shown(dev));
	line(dev, false);
	line(dev, true);
	assert_false(shown(dev));
	ioas_device_irq_off(dev);
	assert_true(shown(dev));
	line(dev, false);
	assert_false(shown(dev));
}

static void a_line_without_a_pin_does_nothing(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	line(dev, true);
	assert_false(shown(dev));
}

static void FN_4_the_line_raises_once_until_it_is_unmasked(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 1);
	line(dev, true);
	line(dev, false);
	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 1);
	line(dev, false);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 0);
	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 1);
	assert_int_equal(ioas_a64_load(&dev->stats.interrupts), 3);
}

static void an_asserted_line_is_heard_when_the_pin_is_switched_on(struct rig *r)
{
	struct ioas_device *dev = with_pin(r);
	int event = rig_event(r);

	line(dev, true);
	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void without_an_event_the_interrupt_waits_for_an_unmask(struct rig *r)
{
	struct ioas_device *dev = with_pin(r);
	int event = rig_event(r);

	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);
	line(dev, true);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void a_masked_pin_is_silent(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	ioas_device_intx_mask(dev);
	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void the_command_register_masks_and_unmasks(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	disable(dev, true);
	line(dev, true);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 0);
	disable(dev, true);
	assert_int_equal(rig_event_count(r, event), 0);
	disable(dev, false);
	assert_int_equal(rig_event_count(r, event), 1);
	disable(dev, false);
	assert_int_equal(rig_event_count(r, event), 0);
	/* From the start, when it was off before. */
	ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);
	ioas_device_irq_off(dev);
	disable(dev, true);
	ioas_device_irq_on(dev, IOAS_IRQ_INTX, 1);
	ioas_device_irq_set(dev, 0, event);
	assert_int_equal(rig_event_count(r, event), 0);
	disable(dev, false);
	assert_int_equal(rig_event_count(r, event), 1);
}

static void loopback_is_heard_unless_the_pin_is_disabled(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	ioas_device_irq_loop_back(dev, 0);
	assert_int_equal(rig_event_count(r, event), 1);
	ioas_device_intx_mask(dev);
	ioas_device_irq_loop_back(dev, 0);
	assert_int_equal(rig_event_count(r, event), 1);
	disable(dev, true);
	ioas_device_irq_loop_back(dev, 0);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void messages_and_the_pin_do_not_mix(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	ioas_lock(&dev->lock);
	ioas_device_interrupt(dev, 0);
	ioas_unlock(&dev->lock);
	assert_int_equal(rig_event_count(r, event), 0);
	ioas_device_irq_set(dev, 0, IOAS_NO_EVENT);
	ioas_device_irq_off(dev);
	ioas_device_irq_on(dev, IOAS_IRQ_MSI, 1);
	ioas_device_irq_set(dev, 0, event);
	line(dev, true);
	ioas_device_intx_mask(dev);
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 0);
}

static void reset_deasserts_and_keeps_the_set_up(struct rig *r)
{
	int event;
	struct ioas_device *dev = on(r, &event);

	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 1);
	ioas_device_reset(dev);
	assert_false(shown(dev));
	ioas_device_intx_unmask(dev);
	assert_int_equal(rig_event_count(r, event), 0);
	line(dev, true);
	assert_int_equal(rig_event_count(r, event), 1);
}

RIG_MAIN("pci_intx", RIG_TEST(a_pin_is_shown_in_configuration_space),
         RIG_TEST(status_shows_the_line_unless_messages_are_on),
         RIG_TEST(a_line_without_a_pin_does_nothing),
         RIG_TEST(FN_4_the_line_raises_once_until_it_is_unmasked),
         RIG_TEST(an_asserted_line_is_heard_when_the_pin_is_switched_on),
         RIG_TEST(without_an_event_the_interrupt_waits_for_an_unmask),
         RIG_TEST(a_masked_pin_is_silent),
         RIG_TEST(the_command_register_masks_and_unmasks),
         RIG_TEST(loopback_is_heard_unless_the_pin_is_disabled),
         RIG_TEST(messages_and_the_pin_do_not_mix),
         RIG_TEST(reset_deasserts_and_keeps_the_set_up))
