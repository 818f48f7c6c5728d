/* SPDX-License-Identifier: MIT */
/*
 * Devices for the table. A byte at offset n of a BAR reads as the low byte of
 * n until it is written; so a row can say what a read of any width gives.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/models.h"

struct state {
	unsigned char window[6][256]; /* the BARs repeat it */
};

static void reset(void *state)
{
	struct state *s = state;
	unsigned int bar, i;

	for (bar = 0; bar < 6; bar++)
		for (i = 0; i < sizeof(s->window[bar]); i++)
			s->window[bar][i] = (unsigned char)i;
}

static int create(struct ioas_device *dev, void **ret_state)
{
	struct state *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	reset(s);
	*ret_state = s;
	return 0;
}

static uint64_t load(void *state, unsigned int bar, uint64_t offset,
                     unsigned int size)
{
	struct state *s = state;
	uint64_t value = 0;

	memcpy(&value, &s->window[bar][offset % 256], size);
	return value;
}

static void store(void *state, unsigned int bar, uint64_t offset,
                  unsigned int size, uint64_t value)
{
	struct state *s = state;

	memcpy(&s->window[bar][offset % 256], &value, size);
}

/* Two bytes, and 0 up to what is no image any more. */
static const unsigned char rom[3000] = {0x55, 0xaa};

static const struct ioas_model_key no_keys[] = {{.name = NULL}};

static const struct ioas_model full = {
	.name = "full",
	.summary = "every kind of BAR and interrupt",
	.keys = no_keys,
	.function = {.vendor = 0x1234,
                     .device = 0x5678,
                     .class_code = 0xff0000,
                     .bar = {[0] = {.size = 0x4000, .is_64bit = true},
                             [2] = {.size = 0x10000},
                             [4] = {.size = 0x100},
                             [5] = {.size = 0x20, .port = true}},
                     .rom = rom,
                     .rom_bytes = sizeof(rom),
                     .msix_vectors = 16,
                     .msix_bar = 0,
                     .msix_table = 0x2000,
                     .msix_pba = 0x3000,
                     .msi_vectors = 4,
                     .intx = true,
                     .pcie = true},
	.create = create,
	.destroy = free,
	.reset = reset,
	.load = load,
	.store = store,
};

static const struct ioas_model plain = {
	.name = "plain",
	.summary = "one BAR, no interrupt, no PCI Express",
	.keys = no_keys,
	.function = {.vendor = 0x1234,
                     .device = 0x9abc,
                     .class_code = 0xff0000,
                     .bar = {[0] = {.size = 0x1000}}},
	.create = create,
	.destroy = free,
	.reset = reset,
	.load = load,
	.store = store,
};

#define LIKE_A_FACT(n)                                      \
	{                                                   \
		.name = "fact" n, .summary = "like another" \
	}

static struct ioas_model fact[3] = {LIKE_A_FACT("1"), LIKE_A_FACT("2"),
                                    LIKE_A_FACT("3")};

const struct ioas_model *const abi_models[] = {
	&full, &plain, &fact[0], &fact[1], &fact[2], &ioas_edu_model, NULL};

bool abi_models_read(const char *path)
{
	struct ioas_function_desc function[3] = {{.vendor = 0}};
	unsigned int i;

	if (!abi_facts_read(path, function))
		return false;
	for (i = 0; i < 3; i++) {
		const char *name = fact[i].name;

		fact[i] = plain;
		fact[i].name = name;
		fact[i].function = function[i];
	}
	return true;
}
