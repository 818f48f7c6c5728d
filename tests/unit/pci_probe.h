/* SPDX-License-Identifier: MIT */
/*
 * The model that the tests of src/pci look through: it notes what it is called
 * for, and can be made to do something inside a call. BAR 0 is 64-bit, BAR 2
 * holds registers and, from TABLE and PENDING, MSI-X.
 */
#ifndef PCI_PROBE_H
#define PCI_PROBE_H

#include <string.h>

#include "base/event.h"
#include "pci/function.h"
#include "rig.h"

#define PROBE_VECTORS 5
#define PROBE_MSI     4
#define PROBE_TABLE   0x800
#define PROBE_PENDING 0xc00

struct probe {
	struct ioas_device *dev;
	unsigned int loads, stores, resets;
	unsigned int bar, size; /* of the last access */
	uint64_t offset, value;
	void (*inside)(struct probe *p); /* called in a store */
};

static int probe_create(struct ioas_device *dev, void **ret_state)
{
	struct probe *p;

	if (ioas_device_option(dev, "fail")) {
		ioas_device_fail(dev, "told to: %s",
		                 ioas_device_option(dev, "fail"));
		return -EACCES;
	}
	p = ioas_new(struct probe);
	if (!p)
		return -ENOMEM;
	p->dev = dev;
	*ret_state = p;
	return 0;
}

static void probe_destroy(void *state)
{
	struct probe *p = state;

	ioas_delete(p);
}

static void probe_reset(void *state)
{
	struct probe *p = state;

	p->resets++;
}

static void probe_note(struct probe *p, unsigned int bar, uint64_t offset,
                       unsigned int size)
{
	p->bar = bar;
	p->offset = offset;
	p->size = size;
}

static uint64_t probe_load(void *state, unsigned int bar, uint64_t offset,
                           unsigned int size)
{
	struct probe *p = state;

	p->loads++;
	probe_note(p, bar, offset, size);
	return UINT64_C(0x8877665544332211);
}

static void probe_store(void *state, unsigned int bar, uint64_t offset,
                        unsigned int size, uint64_t value)
{
	struct probe *p = state;

	p->stores++;
	probe_note(p, bar, offset, size);
	p->value = value;
	if (p->inside)
		p->inside(p);
}

static const struct ioas_model_key probe_keys[] = {
	{"fail", "TEXT", "fail and say so"},
	{"size", "SIZE", "a number"},
	{.name = NULL},
};

static const struct ioas_model probe_model = {
	.name = "probe",
	.summary = "looks and notes",
	.keys = probe_keys,
	.function =
		{
			.vendor = 0x1234,
			.device = 0x5678,
			.subsystem_vendor = 0x9abc,
			.subsystem_device = 0xdef0,
			.class_code = 0x010802,
			.revision = 0x42,
			.bar =
				{
					[0] = {.size = 0x4000,
                                               .is_64bit = true},
					[2] = {.size = 0x1000,
                                               .prefetchable = true},
					[4] = {.size = UINT64_C(1) << 33,
                                               .is_64bit = true,
                                               .prefetchable = true},
				},
			.msix_vectors = PROBE_VECTORS,
			.msix_bar = 2,
			.msix_table = PROBE_TABLE,
			.msix_pba = PROBE_PENDING,
			.msi_vectors = PROBE_MSI,
			.pcie = true,
		},
	.create = probe_create,
	.destroy = probe_destroy,
	.reset = probe_reset,
	.load = probe_load,
	.store = probe_store,
};

static inline struct ioas_device *
probe_ask(struct rig *r, const struct ioas_device_request *request)
{
	struct ioas_device *dev = NULL;

	rig_ok(r, ioas_device_create(request, &dev, NULL));
	rig_defer(r, RIG_CALL(ioas_device_destroy), dev);
	return dev;
}

static inline struct ioas_device *probe_make(struct rig *r,
                                             const struct ioas_model *model)
{
	struct ioas_device_request request = {.model = model,
	                                      .bdf = {.bus = 1}};

	return probe_ask(r, &request);
}

/* A device of the probe model. */
static inline struct ioas_device *probe_device(struct rig *r)
{
	return probe_make(r, &probe_model);
}

static inline struct probe *probe_of(struct ioas_device *dev)
{
	return dev->state;
}

static inline uint32_t config_get(struct ioas_device *dev, unsigned int at,
                                  unsigned int bytes)
{
	uint8_t raw[4] = {0};

	ioas_device_config_read(dev, at, raw, bytes);
	return raw[0] | (uint32_t)raw[1] << 8 | (uint32_t)raw[2] << 16 |
	       (uint32_t)raw[3] << 24;
}

static inline void config_set(struct ioas_device *dev, unsigned int at,
                              unsigned int bytes, uint32_t value)
{
	uint8_t raw[4] = {(uint8_t)value, (uint8_t)(value >> 8),
	                  (uint8_t)(value >> 16), (uint8_t)(value >> 24)};

	ioas_device_config_write(dev, at, raw, bytes);
}

/* ---- Events ---- */

struct probe_ear {
	struct ioas_observer observer;
	unsigned int count[IOAS_EVENT_NR];
	struct ioas_event last;
};

static inline void probe_hear(struct ioas_observer *self,
                              const struct ioas_event *ev)
{
	struct probe_ear *ear = (struct probe_ear *)(void *)self;

	ear->count[ev->kind]++;
	ear->last = *ev;
}

/* Observers stay for ever: one ear, emptied when it is asked for. */
static inline struct probe_ear *probe_ear(void)
{
	static struct probe_ear ear;

	if (!ear.observer.event) {
		ear.observer.event = probe_hear;
		ioas_observe(&ear.observer);
	}
	memset(ear.count, 0, sizeof(ear.count));
	memset(&ear.last, 0, sizeof(ear.last));
	return &ear;
}

#endif /* PCI_PROBE_H */
