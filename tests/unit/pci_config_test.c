/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

#define COMMAND 0x04
#define BAR(n)  (0x10u + 4 * (n))

static unsigned int find_capability(struct ioas_device *dev, unsigned int id)
{
	unsigned int at = config_get(dev, 0x34, 1), left = 48;

	while (at && left--) {
		if (config_get(dev, at, 1) == id)
			return at;
		at = config_get(dev, at + 1, 1);
	}
	return 0;
}

static struct ioas_device *plain_device(struct rig *r)
{
	/* Static: the device ends after the test. */
	static struct ioas_model plain;

	plain = probe_model;
	plain.function.msix_vectors = 0;
	plain.function.msi_vectors = 0;
	plain.function.pcie = false;
	return probe_make(r, &plain);
}

static void the_header_shows_the_facts_of_the_model(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	assert_int_equal(config_get(dev, 0x00, 4), 0x56781234);
	assert_int_equal(config_get(dev, 0x06, 2), 0x0010);
	assert_int_equal(config_get(dev, 0x08, 4), 0x01080242);
	assert_int_equal(config_get(dev, 0x0e, 1), 0);
	assert_int_equal(config_get(dev, 0x2c, 4), 0xdef09abc);
	assert_int_equal(config_get(dev, 0x3d, 1), 0);
	assert_int_equal(dev->config_size, 4096);
}

static void a_new_device_decodes_memory_and_masters_nothing(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	assert_int_equal(config_get(dev, COMMAND, 2), 0x0002);
	assert_true(ioas_config_decodes_locked(dev));
}

static void only_known_bits_of_the_command_can_be_written(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	config_set(dev, COMMAND, 2, 0xffff);
	assert_int_equal(config_get(dev, COMMAND, 2), 0x0546);
	assert_int_equal(config_get(dev, 0x06, 2), 0x0010);
	config_set(dev, COMMAND, 2, 0);
	assert_int_equal(config_get(dev, COMMAND, 2), 0);
	assert_false(ioas_config_decodes_locked(dev));
}

static void ids_status_and_extended_space_cannot_be_written(struct rig *r)
{
	static const unsigned int read_only[] = {
		0x00, 0x02, 0x06, 0x08, 0x0a, 0x0e, 0x28, 0x2a,  0x2c,
		0x2e, 0x30, 0x32, 0x34, 0x36, 0x38, 0x3a, 0x100, 0xffe,
	};
	struct ioas_device *dev = probe_device(r);
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(read_only); i++) {
		uint32_t was = config_get(dev, read_only[i], 2);

		config_set(dev, read_only[i], 2, ~was);
		assert_int_equal(config_get(dev, read_only[i], 2), was);
	}
	assert_int_equal(config_get(dev, 0x100, 4), 0);
}

static void cache_line_and_interrupt_line_keep_what_is_written(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	config_set(dev, 0x0c, 4, 0xffffff10);
	assert_int_equal(config_get(dev, 0x0c, 4), 0x00000010);
	config_set(dev, 0x3c, 2, 0xff0b);
	assert_int_equal(config_get(dev, 0x3c, 2), 0x000b);
}

static void a_conventional_function_has_a_latency_timer(struct rig *r)
{
	struct ioas_device *dev = plain_device(r);

	config_set(dev, 0x0d, 1, 0x40);
	assert_int_equal(config_get(dev, 0x0d, 1), 0x40);
}

static void
a_conventional_function_has_256_bytes_and_one_capability(struct rig *r)
{
	struct ioas_device *dev = plain_device(r);

	assert_int_equal(dev->config_size, 256);
	assert_int_equal(find_capability(dev, 0x01), 0x40);
	assert_int_equal(config_get(dev, 0x41, 1), 0);
	assert_int_equal(find_capability(dev, 0x05), 0);
	assert_int_equal(find_capability(dev, 0x10), 0);
	assert_int_equal(find_capability(dev, 0x11), 0);
}

static void ones_written_to_a_bar_read_back_as_its_size(struct rig *r)
{
	static const struct {
		uint32_t first, sized;
	} bar[6] = {
		{0x00000004, 0xffffc004},
		{0, 0xffffffff},
		{0x8, 0xfffff008},
		{0, 0},
		{0xc, 0xc},
		{0, 0xfffffffe},
	};
	struct ioas_device *dev = probe_device(r);
	unsigned int i;

	for (i = 0; i < 6; i++)
		assert_int_equal(config_get(dev, BAR(i), 4), bar[i].first);
	for (i = 0; i < 6; i++) {
		config_set(dev, BAR(i), 4, 0xffffffff);
		assert_int_equal(config_get(dev, BAR(i), 4), bar[i].sized);
	}
	config_set(dev, 0x30, 4, 0xffffffff);
	assert_int_equal(config_get(dev, 0x30, 4), 0);
}

static void a_bar_takes_an_address_byte_by_byte(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);

	config_set(dev, BAR(0) + 3, 1, 0xfe);
	config_set(dev, BAR(0) + 1, 1, 0xff);
	assert_int_equal(config_get(dev, BAR(0), 4), 0xfe00c004);
	assert_int_equal(config_get(dev, BAR(0) + 2, 2), 0xfe00);
}

static void a_write_may_cross_registers(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	uint8_t raw[7], back[7];

	memset(raw, 0xff, sizeof(raw));
	ioas_device_config_write(dev, 0x03, raw, sizeof(raw));
	ioas_device_config_read(dev, 0x03, back, sizeof(back));
	assert_memory_equal(back, "\x56\x46\x05\x10\x00\x42\x02", sizeof(back));
}

static void power_goes_to_d0_and_d3hot_only(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int pm = find_capability(dev, 0x01);

	assert_int_equal(config_get(dev, pm + 2, 2), 0x0003);
	assert_int_equal(config_get(dev, pm + 4, 2), 0x0008);
	config_set(dev, pm + 4, 2, 0xffff);
	assert_int_equal(config_get(dev, pm + 4, 2), 0x000b);
	assert_false(ioas_config_decodes_locked(dev));
	config_set(dev, pm + 4, 2, 1);
	assert_int_equal(config_get(dev, pm + 4, 2), 0x000b);
	config_set(dev, pm + 4, 2, 2);
	assert_int_equal(config_get(dev, pm + 4, 2), 0x000b);
	config_set(dev, pm + 4, 2, 0);
	assert_int_equal(config_get(dev, pm + 4, 2), 0x0008);
	assert_true(ioas_config_decodes_locked(dev));
}

static void msi_is_switched_on_by_set_up_only(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int msi = find_capability(dev, 0x05);

	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	config_set(dev, msi + 2, 2, 0xffff);
	/* Not on; and for no more vectors than were asked for. */
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	config_set(dev, msi + 4, 4, 0xffffffff);
	config_set(dev, msi + 8, 4, 0xffffffff);
	config_set(dev, msi + 12, 4, 0xffffffff);
	assert_int_equal(config_get(dev, msi + 4, 4), 0xfffffffc);
	assert_int_equal(config_get(dev, msi + 8, 4), 0xffffffff);
	assert_int_equal(config_get(dev, msi + 12, 4), 0x0000ffff);

	ioas_device_irq_on(dev, IOAS_IRQ_MSI, 3);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	config_set(dev, msi + 2, 2, 0xff);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x00a5);
	config_set(dev, msi + 2, 2, 0);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	config_set(dev, msi + 2, 2, 0x11);
	/* What the program wrote stays, on or off. */
	ioas_device_irq_off(dev);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0095);
	config_set(dev, msi + 2, 2, 0x71);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x00a4);
	ioas_device_restart(dev);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
}

static void as_linux_msi_is_a_scratch_pad(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int msi = find_capability(dev, 0x05);

	ioas_device_config_as_linux(dev);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	config_set(dev, msi + 2, 2, 0xffff);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x008e);
	config_set(dev, msi + 2, 1, 0);
	assert_int_equal(config_get(dev, msi + 2, 2), 0);
	config_set(dev, msi + 4, 4, UINT32_MAX);
	assert_int_equal(config_get(dev, msi + 4, 4), UINT32_MAX);
	ioas_device_restart(dev);
	assert_int_equal(config_get(dev, msi + 2, 2), 0x0084);
	assert_int_equal(config_get(dev, msi + 4, 4), 0);
}

static void ports_and_rom_have_registers_of_their_own(struct rig *r)
{
	static const uint8_t image[3000] = {0x55, 0xaa};
	static struct ioas_model model;
	struct ioas_device *dev;

	model = probe_model;
	model.function.bar[3] =
		(struct ioas_bar_desc){.size = 32, .port = true};
	model.function.rom = image;
	model.function.rom_bytes = sizeof(image);
	dev = probe_make(r, &model);
	assert_int_equal(config_get(dev, 0x1c, 4), 1);
	config_set(dev, 0x1c, 4, UINT32_MAX);
	assert_int_equal(config_get(dev, 0x1c, 4), 0xffffffe1);
	config_set(dev, 0x30, 4, UINT32_MAX);
	assert_int_equal(config_get(dev, 0x30, 4), 0xfffff001);
	assert_int_equal(ioas_device_rom_size(dev), 4096);
	/* Deaf until I/O decoding is on. */
	probe_of(dev)->loads = probe_of(dev)->stores = 0;
	assert_int_equal(ioas_device_load(dev, 3, 0, 2), 0xffff);
	ioas_device_store(dev, 3, 0, 2, 7);
	assert_int_equal(probe_of(dev)->loads + probe_of(dev)->stores, 0);
	config_set(dev, 4, 2, 1);
	assert_int_equal(ioas_device_load(dev, 3, 0, 2), 0x2211);
	ioas_device_store(dev, 3, 0, 2, 7);
	assert_int_equal(probe_of(dev)->stores, 1);
	/* Without ports there is nothing to switch. */
	dev = probe_device(r);
	config_set(dev, 4, 2, 1);
	assert_int_equal(config_get(dev, 4, 2), 0);
	config_set(dev, 0x30, 4, UINT32_MAX);
	assert_int_equal(config_get(dev, 0x30, 4), 0);
}

static void the_msix_capability_is_read_only_and_shows_the_mode(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int msix = find_capability(dev, 0x11);

	assert_int_equal(config_get(dev, msix + 2, 2), PROBE_VECTORS - 1);
	assert_int_equal(config_get(dev, msix + 4, 4), PROBE_TABLE | 2);
	assert_int_equal(config_get(dev, msix + 8, 4), PROBE_PENDING | 2);
	config_set(dev, msix + 2, 2, 0xffff);
	assert_int_equal(config_get(dev, msix + 2, 2), PROBE_VECTORS - 1);
	ioas_device_irq_on(dev, IOAS_IRQ_MSIX, 1);
	assert_int_equal(config_get(dev, msix + 2, 2),
	                 0x8000 | (PROBE_VECTORS - 1));
	config_set(dev, msix + 2, 2, 0);
	assert_int_equal(config_get(dev, msix + 2, 2),
	                 0x8000 | (PROBE_VECTORS - 1));
	ioas_device_irq_off(dev);
	assert_int_equal(config_get(dev, msix + 2, 2), PROBE_VECTORS - 1);
}

static void
the_express_capability_is_version_2_with_function_reset(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int exp = find_capability(dev, 0x10);

	assert_int_equal(config_get(dev, exp + 2, 2), 0x0002);
	assert_true(config_get(dev, exp + 4, 4) & 1u << 28);
	/* The last one, and its end is inside the first 256 bytes. */
	assert_int_equal(config_get(dev, exp + 1, 1), 0);
	assert_true(exp + 0x3c <= 256);
}

static void the_function_reset_bit_resets_and_reads_as_0(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	unsigned int exp = find_capability(dev, 0x10);

	config_set(dev, COMMAND, 2, 0x0006);
	config_set(dev, exp + 8, 2, 0x5fff & ~0x8000u);
	assert_int_equal(probe_of(dev)->resets, 0);
	assert_int_equal(config_get(dev, exp + 8, 2), 0x5fff & 0x79ff);
	config_set(dev, exp + 9, 1, 0x80);
	assert_int_equal(probe_of(dev)->resets, 1);
	assert_int_equal(config_get(dev, exp + 8, 2), 0x00ff);
	assert_int_equal(config_get(dev, COMMAND, 2), 0x0006);
	/* The neighbours of the bit do nothing. */
	config_set(dev, exp + 8, 1, 0x80);
	config_set(dev, exp + 10, 2, 0xffff);
	assert_int_equal(probe_of(dev)->resets, 1);
}

static void capabilities_lie_apart_and_in_one_chain(struct rig *r)
{
	static const struct {
		unsigned int id, bytes;
	} cap[] = {{0x01, 8}, {0x05, 14}, {0x11, 12}, {0x10, 0x3c}};
	struct ioas_device *dev = probe_device(r);
	unsigned int i, at, end = 0x40;

	for (i = 0; i < IOAS_ARRAY_SIZE(cap); i++) {
		at = find_capability(dev, cap[i].id);
		assert_true(at >= end);
		assert_int_equal(at % 4, 0);
		end = at + cap[i].bytes;
	}
	assert_true(end <= 256);
}

static void restart_brings_every_register_back(struct rig *r)
{
	struct ioas_device *dev = probe_device(r);
	uint8_t was[IOAS_CONFIG_SIZE], ones[IOAS_CONFIG_SIZE];
	uint8_t now[IOAS_CONFIG_SIZE];

	memset(ones, 0xff, sizeof(ones));
	ioas_device_config_read(dev, 0, was, dev->config_size);
	ioas_device_irq_on(dev, IOAS_IRQ_MSIX, 2);
	ioas_device_config_write(dev, 0, ones, dev->config_size);
	ioas_device_config_read(dev, 0, now, dev->config_size);
	assert_memory_not_equal(was, now, sizeof(was));
	ioas_device_restart(dev);
	ioas_device_config_read(dev, 0, now, dev->config_size);
	assert_memory_equal(was, now, sizeof(was));
}

static void registers_of_the_model_store_and_clear_bits(struct rig *r)
{
	static const struct ioas_config_register own[] = {
		{0x148, 0x80000001, 0, UINT32_MAX},
		{0x184, 0x5, 0xffff00, 0x80000000},
		{0, 0, 0, 0},
	};
	/* The device has it for longer than this function runs. */
	static struct ioas_model model;
	struct ioas_device *dev;

	model = probe_model;
	model.function.config = own;
	dev = probe_make(r, &model);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80000001);
	ioas_device_config_set(dev, 0x148, 0x00ff0000);
	ioas_device_config_set(dev, 0x14c, 1);
	assert_int_equal(config_get(dev, 0x14c, 4), 0);
	config_set(dev, 0x149, 2, 0x0fff);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80f00001);
	config_set(dev, 0x147, 4, 0x0100ff);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80f00001);
	config_set(dev, 0x148, 1, 1);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80f00000);
	config_set(dev, 0x184, 4, UINT32_MAX);
	assert_int_equal(config_get(dev, 0x184, 4), 0xffff05);
	ioas_device_config_set(dev, 0x184, 0x80000000);
	config_set(dev, 0x184, 4, 0);
	assert_int_equal(config_get(dev, 0x184, 4), 0x80000005);
	ioas_device_reset(dev);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80000001);
	assert_int_equal(config_get(dev, 0x184, 4), 0x5);
	ioas_device_config_set(dev, 0x148, 2);
	ioas_device_restart(dev);
	assert_int_equal(config_get(dev, 0x148, 4), 0x80000001);
}

RIG_MAIN("pci_config", RIG_TEST(the_header_shows_the_facts_of_the_model),
         RIG_TEST(a_new_device_decodes_memory_and_masters_nothing),
         RIG_TEST(only_known_bits_of_the_command_can_be_written),
         RIG_TEST(ids_status_and_extended_space_cannot_be_written),
         RIG_TEST(cache_line_and_interrupt_line_keep_what_is_written),
         RIG_TEST(a_conventional_function_has_a_latency_timer),
         RIG_TEST(a_conventional_function_has_256_bytes_and_one_capability),
         RIG_TEST(ones_written_to_a_bar_read_back_as_its_size),
         RIG_TEST(a_bar_takes_an_address_byte_by_byte),
         RIG_TEST(a_write_may_cross_registers),
         RIG_TEST(power_goes_to_d0_and_d3hot_only),
         RIG_TEST(msi_is_switched_on_by_set_up_only),
         RIG_TEST(as_linux_msi_is_a_scratch_pad),
         RIG_TEST(ports_and_rom_have_registers_of_their_own),
         RIG_TEST(the_msix_capability_is_read_only_and_shows_the_mode),
         RIG_TEST(the_express_capability_is_version_2_with_function_reset),
         RIG_TEST(the_function_reset_bit_resets_and_reads_as_0),
         RIG_TEST(capabilities_lie_apart_and_in_one_chain),
         RIG_TEST(restart_brings_every_register_back),
         RIG_TEST(registers_of_the_model_store_and_clear_bits))
