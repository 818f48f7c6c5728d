/* SPDX-License-Identifier: MIT */
/*
 * An IOMMU with PASIDs, a device that notes what it is told (tests have it
 * static: one may be left before its end, and devices are told of that), and an
 * address space whose memory is an array.
 */
#ifndef SVA_RIG_H
#define SVA_RIG_H

#include <pthread.h>
#include <string.h>

#include <ioas/sva.h>

#include "rig.h"

#define RW (IOAS_READ | IOAS_WRITE)

/* ---- Memory that is an array, at address ARRAY_AT. ---- */

#define ARRAY_AT    UINT64_C(0x7000)
#define ARRAY_BYTES 64u

struct array {
	struct ioas_sva_memory memory; /* first */
	char byte[ARRAY_BYTES];
	int answer;               /* of every function, when it is not 0 */
	struct ioas_a32 asked;    /* how often */
	struct ioas_a32 *waits;   /* populate: until it is 1; or NULL */
	struct ioas_a32 *entered; /* populate: becomes 1; or NULL */
};

static inline int array_check(struct array *a, uint64_t uaddr, size_t bytes)
{
	ioas_a32_add(&a->asked, 1);
	if (a->answer)
		return a->answer;
	return uaddr < ARRAY_AT || uaddr - ARRAY_AT + bytes > ARRAY_BYTES
	               ? -EFAULT
	               : 0;
}

static inline int array_read(const struct ioas_sva_memory *self, uint64_t uaddr,
                             void *buffer, size_t bytes)
{
	struct array *a = (struct array *)(uintptr_t)self;
	int err = array_check(a, uaddr, bytes);

	if (!err)
		memcpy(buffer, a->byte + (uaddr - ARRAY_AT), bytes);
	return err;
}

static inline int array_write(const struct ioas_sva_memory *self,
                              uint64_t uaddr, const void *buffer, size_t bytes)
{
	struct array *a = (struct array *)(uintptr_t)self;
	int err = array_check(a, uaddr, bytes);

	if (!err)
		memcpy(a->byte + (uaddr - ARRAY_AT), buffer, bytes);
	return err;
}

static inline int array_populate(const struct ioas_sva_memory *self,
                                 uint64_t uaddr, unsigned int perm)
{
	struct array *a = (struct array *)(uintptr_t)self;

	if (a->entered)
		ioas_a32_store(a->entered, 1);
	while (a->waits && !ioas_a32_load(a->waits))
		ioas_hooks.relax(20);
	return array_check(a, uaddr, 1);
}

static inline struct array array_new(void)
{
	return (struct array){.memory = {.name = "array",
	                                 .read = array_read,
	                                 .write = array_write,
	                                 .populate = array_populate}};
}

/* ---- A device that notes what it is told. ---- */

#define NOTES 16

struct device {
	struct ioas_sva_device *dev;
	unsigned int invalidations, responses;
	uint32_t pasid; /* of the latest invalidation */
	uint64_t first, last;
	struct {
		uint32_t pasid, group;
		enum ioas_page_response response;
	} note[NOTES];
	bool asks_again; /* by a request of its own in respond() */
};

static inline void device_invalidate(void *context, uint32_t pasid,
                                     uint64_t first, uint64_t last)
{
	struct device *d = context;

	d->invalidations++;
	d->pasid = pasid;
	d->first = first;
	d->last = last;
}

static inline void device_respond(void *context, uint32_t pasid, uint32_t group,
                                  enum ioas_page_response response)
{
	struct device *d = context;

	if (d->responses < NOTES) {
		d->note[d->responses].pasid = pasid;
		d->note[d->responses].group = group;
		d->note[d->responses].response = response;
	}
	d->responses++;
	if (d->asks_again) {
		const struct ioas_page_request again = {
			ARRAY_AT, pasid, IOAS_READ, group + 1, true};

		d->asks_again = false;
		if (ioas_sva_request(d->dev, &again))
			d->responses += 100;
	}
}

static inline void device_new(struct rig *r, struct ioas_sva *sva,
                              unsigned int bits, unsigned int requests,
                              struct device *ret_device)
{
	const struct ioas_sva_device_config config = {
		.pasid_bits = bits,
		.requests = requests,
		.invalidate = device_invalidate,
		.respond = device_respond,
		.context = ret_device,
	};

	*ret_device = (struct device){0};
	rig_ok(r, ioas_sva_device_create(sva, &config, &ret_device->dev));
	rig_defer(r, RIG_CALL(ioas_sva_device_destroy), ret_device->dev);
}

/* ---- The IOMMU, and address spaces. ---- */

static inline struct ioas_sva *sva_new(struct rig *r, unsigned int bits)
{
	const struct ioas_sva_config config = {.pasid_bits = bits};
	struct ioas_sva *sva;

	rig_ok(r, ioas_sva_create(&config, &sva));
	rig_defer(r, RIG_CALL(ioas_sva_destroy), sva);
	return sva;
}

/* @array NULL: this process's own. */
static inline struct ioas_sva_mm *mm_new(struct rig *r, struct ioas_sva *sva,
                                         struct array *array)
{
	const struct ioas_sva_mm_config config = {
		.memory = array ? &array->memory : NULL};
	struct ioas_sva_mm *mm;

	rig_ok(r, ioas_sva_mm_create(sva, &config, &mm));
	rig_defer(r, RIG_CALL(ioas_sva_mm_destroy), mm);
	return mm;
}

static inline uint32_t bind_new(struct rig *r, struct device *d,
                                struct ioas_sva_mm *mm)
{
	uint32_t pasid;

	rig_ok(r, ioas_sva_bind(d->dev, mm, &pasid));
	return pasid;
}

static inline unsigned int bound_of(struct device *d)
{
	struct ioas_sva_stats stats;

	ioas_sva_device_stats(d->dev, &stats);
	return stats.bound;
}

static inline uint64_t address_of(const void *p)
{
	return (uintptr_t)p;
}

#endif /* SVA_RIG_H */
