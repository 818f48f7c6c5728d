/* SPDX-License-Identifier: MIT */
#include "pci_probe.h"

#define GIB (UINT64_C(1) << 30)

static struct ioas_model model;
static struct ioas_function_desc *const f = &model.function;

static int check(const char *says)
{
	struct ioas_device_request request = {.model = &model};
	char text[IOAS_FAILURE_TEXT] = "";
	struct ioas_device *dev = NULL;
	int err = ioas_device_create(&request, &dev, text);

	if (err == -EINVAL) {
		assert_non_null(strstr(text, "probe"));
		assert_non_null(strstr(text, says));
	}
	ioas_device_destroy(dev);
	model = probe_model;
	return err;
}

static void registers_of_its_own_lie_in_extended_space(struct rig *r)
{
	static const struct {
		struct ioas_config_register own;
		int err;
	} row[] = {
		{{0x140, 0, 0, 0}, 0},        {{0xffc, 1, 2, 4}, 0},
		{{0x13c, 0, 0, 0}, -EINVAL},  {{0x142, 0, 0, 0}, -EINVAL},
		{{0x1000, 0, 0, 0}, -EINVAL}, {{0x140, 0, 3, 2}, -EINVAL},
	};
	struct ioas_config_register table[2] = {{0}};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		model = probe_model;
		table[0] = row[i].own;
		f->config = table;
		if (row[i].err)
			rig_fails(r, check("configuration"), row[i].err);
		else
			rig_ok(r, check(""));
	}
	f->config = table;
	table[0] = row[0].own;
	f->pcie = false;
	rig_fails(r, check("configuration"), -EINVAL);
}

static void pasids_have_20_bits_and_pci_express(struct rig *r)
{
	static const struct {
		uint8_t bits;
		uint16_t requests, own; /* a register there */
		bool pcie;
		const char *wrong; /* or NULL */
	} row[] = {
		{0, 1, 0, true, "PASID"},
		{1, 0, 0, true, NULL},
		{20, 1, 0, true, NULL},
		{21, 0, 0, true, "PASID"},
		{20, 0, 0, false, "PASID"},
		{1, 0, 0x15c, true, "configuration"},
		{1, 0, 0x160, true, NULL},
	};
	struct ioas_config_register own[2] = {{0}};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		model = probe_model;
		f->config = own;
		own[0].offset = row[i].own;
		f->pcie = row[i].pcie;
		f->pasid_bits = row[i].bits;
		f->page_requests = row[i].requests;
		if (row[i].wrong)
			rig_fails(r, check(row[i].wrong), -EINVAL);
		else
			rig_ok(r, check(""));
	}
}

static void class_codes_have_24_bits(struct rig *r)
{
	model = probe_model;
	f->class_code = 0x1000000;
	rig_fails(r, check("class"), -EINVAL);
	f->class_code = 0xffffff;
	rig_ok(r, check(""));
}

static void bars_are_powers_of_two_and_fit_their_registers(struct rig *r)
{
	static const struct {
		unsigned int bar;
		struct ioas_bar_desc desc;
		int err;
	} row[] = {
		{2, {0x1800, false, false, false}, -EINVAL},
		{3, {8, false, false, false}, -EINVAL},
		{3, {16, false, false, false}, 0},
		{3, {4 * GIB, false, false, false}, -EINVAL},
		{3, {2 * GIB, false, false, false}, 0},
		{1, {0x1000, false, false, false}, -EINVAL},
		{5, {0x1000, false, false, false}, -EINVAL},
		{4, {GIB << 33, true, true, false}, 0},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		model = probe_model;
		f->bar[row[i].bar] = row[i].desc;
		if (row[i].err)
			rig_fails(r, check("BAR"), row[i].err);
		else
			rig_ok(r, check(""));
	}
	f->bar[4].size = 0;
	f->bar[5] = (struct ioas_bar_desc){0x1000, true, false, false};
	rig_fails(r, check("BAR"), -EINVAL);
}

static void ports_are_few_and_plain(struct rig *r)
{
	static const struct {
		struct ioas_bar_desc desc;
		int err;
	} row[] = {
		{{4, false, false, true}, 0},
		{{256, false, false, true}, 0},
		{{2, false, false, true}, -EINVAL},
		{{512, false, false, true}, -EINVAL},
		{{16, true, false, true}, -EINVAL},
		{{16, false, true, true}, -EINVAL},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		model = probe_model;
		f->bar[3] = row[i].desc;
		f->bar[4].size = 0;
		if (row[i].err)
			rig_fails(r, check("ports"), row[i].err);
		else
			rig_ok(r, check(""));
	}
	model = probe_model;
	f->bar[2] = (struct ioas_bar_desc){.size = 256, .port = true};
	f->msix_vectors = 1;
	f->msix_table = 0;
	f->msix_pba = 0x80;
	rig_fails(r, check("ports"), -EINVAL);
}

static void a_rom_has_at_most_16_mib(struct rig *r)
{
	model = probe_model;
	f->rom_bytes = 16 << 20;
	rig_ok(r, check(""));
	f->rom_bytes = (16 << 20) + 1;
	rig_fails(r, check("ROM"), -EINVAL);
}

static void msi_has_a_power_of_two_vectors_up_to_32(struct rig *r)
{
	static const uint8_t bad[] = {3, 33, 64, 255};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		model = probe_model;
		f->msi_vectors = bad[i];
		rig_fails(r, check("MSI has"), -EINVAL);
	}
	f->msi_vectors = 32;
	rig_ok(r, check(""));
}

static void msix_lies_in_its_bar(struct rig *r)
{
	static const struct {
		uint16_t vectors;
		uint8_t bar;
		uint32_t table, pba;
		int err;
	} row[] = {
		{2048, 0, 0x4000, 0x0000, -EINVAL}, /* behind the BAR */
		{512, 0, 0x2000, 0x1000, 0},        /* up to its last byte */
		{513, 0, 0x2000, 0x1000, -EINVAL},  /* beyond it */
		{2049, 4, 0x0, 0x10000, -EINVAL},   /* more than there can be */
		{2048, 4, 0x0, 0x8000, 0},
		{2048, 4, 0x0, 0x7ff8, -EINVAL},   /* inside the table */
		{2048, 4, 0x1000, 0xf08, -EINVAL}, /* runs into the table */
		{2048, 4, 0x1000, 0xf00, 0},
		{4, 2, 0x4, 0x800, -EINVAL}, /* not on 8 bytes */
		{4, 2, 0x0, 0x804, -EINVAL},
		{4, 2, 0x0, 0x1000, -EINVAL}, /* pending bits behind it */
		{4, 3, 0x0, 0x800, -EINVAL},  /* a BAR that is not there */
		{4, 6, 0x0, 0x800, -EINVAL},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		model = probe_model;
		f->msix_vectors = row[i].vectors;
		f->msix_bar = row[i].bar;
		f->msix_table = row[i].table;
		f->msix_pba = row[i].pba;
		if (row[i].err)
			rig_fails(r, check("MSI-X"), row[i].err);
		else
			rig_ok(r, check(""));
	}
}

static void create_refuses_what_check_refuses(struct rig *r)
{
	struct ioas_device_request request = {.model = &model};
	struct ioas_device *dev = NULL;

	model = probe_model;
	f->bar[0].size = 3;
	rig_fails(r, ioas_device_create(&request, &dev, NULL), -EINVAL);
	assert_null(dev);
}

RIG_MAIN("pci_model", RIG_TEST(class_codes_have_24_bits),
         RIG_TEST(registers_of_its_own_lie_in_extended_space),
         RIG_TEST(pasids_have_20_bits_and_pci_express),
         RIG_TEST(bars_are_powers_of_two_and_fit_their_registers),
         RIG_TEST(ports_are_few_and_plain), RIG_TEST(a_rom_has_at_most_16_mib),
         RIG_TEST(msi_has_a_power_of_two_vectors_up_to_32),
         RIG_TEST(msix_lies_in_its_bar),
         RIG_TEST(create_refuses_what_check_refuses))
