/* SPDX-License-Identifier: MIT */
/*
 * See backend.h.
 *
 * The permutation is an unbalanced Feistel network of four rounds: the number
 * is cut into a low and a high part, and each is changed in turn by a hash of
 * the other, which the same hash undoes. So there is no table to keep.
 */
#include "mem/backend.h"

#include <errno.h>

#include "base/hooks.h"

static int identity_pin(const struct ioas_backend *self,
                        const struct ioas_pin *pin,
                        struct ioas_extent *ret_extents, unsigned int max)
{
	return ioas_identity_pin(pin, ret_extents);
}

static void identity_unpin(const struct ioas_backend *self,
                           const struct ioas_pin *pin, uint64_t phys,
                           bool dirty)
{
	ioas_hooks.unpin((struct uaddr){pin->start},
	                 pin->npages << pin->page_shift);
}

static int host_map_file(const struct ioas_backend *self,
                         const struct ioas_register *what, uint64_t *ret_start)
{
	if (!ioas_hooks.map_file)
		return -ENOTSUP;
	return ioas_hooks.map_file(what->fd, what->offset, what->length,
	                           what->perm, ret_start);
}

static void host_unmap_file(const struct ioas_backend *self, uint64_t start,
                            uint64_t length)
{
	ioas_hooks.unmap_file(start, length);
}

static uint64_t identity_frame(const struct ioas_backend *self, uint64_t uaddr,
                               unsigned int page_shift)
{
	return uaddr;
}

static uint64_t identity_pointer(const struct ioas_backend *self, uint64_t phys)
{
	return phys;
}

const struct ioas_backend ioas_backend_identity = {
	.name = "identity",
	.pin = identity_pin,
	.unpin = identity_unpin,
	.map_file = host_map_file,
	.unmap_file = host_unmap_file,
	.frame = identity_frame,
	.pointer = identity_pointer,
};

/* ---- Scattered. ---- */

#define ROUNDS 4

/* Every bit of the result depends on every bit of the argument. */
static uint64_t hash(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

static uint64_t one_round(uint64_t number, uint64_t key, unsigned int bits,
                          bool upper)
{
	unsigned int low_bits = bits / 2;
	uint64_t low = number & ioas_mask_lg2(low_bits);
	uint64_t high = number >> low_bits;

	if (upper)
		high = (high ^ hash(low ^ key)) &
		       ioas_mask_lg2(bits - low_bits);
	else
		low = (low ^ hash(high ^ key)) & ioas_mask_lg2(low_bits);
	return high << low_bits | low;
}

uint64_t ioas_scatter(uint64_t number, uint64_t seed, unsigned int page_shift)
{
	unsigned int bits = IOAS_SCATTER_BITS - page_shift, i;

	for (i = 0; i < ROUNDS; i++)
		number = one_round(number, seed + i, bits, i & 1);
	return number;
}

uint64_t ioas_gather(uint64_t frame, uint64_t seed, unsigned int page_shift)
{
	unsigned int bits = IOAS_SCATTER_BITS - page_shift, i = ROUNDS;

	while (i-- > 0)
		frame = one_round(frame, seed + i, bits, i & 1);
	return frame;
}

static const struct ioas_backend_scattered *
scattered_of(const struct ioas_backend *backend)
{
	return ioas_container_of((uintptr_t)backend,
	                         const struct ioas_backend_scattered, backend);
}

static uint64_t scattered_frame(const struct ioas_backend *self, uint64_t uaddr,
                                unsigned int page_shift)
{
	const struct ioas_backend_scattered *s = scattered_of(self);
	unsigned int shift = s->page_shift;

	return ioas_scatter(uaddr >> shift, s->seed, shift) << shift |
	       (uaddr & ioas_mask_lg2(shift));
}

static uint64_t scattered_pointer(const struct ioas_backend *self,
                                  uint64_t phys)
{
	return ioas_backend_scattered_pointer(scattered_of(self), phys);
}

static int scattered_pin(const struct ioas_backend *self,
                         const struct ioas_pin *pin,
                         struct ioas_extent *ret_extents, unsigned int max)
{
	struct ioas_pin part = *pin;
	unsigned int i;
	int rc;

	if (part.npages > max)
		part.npages = max;
	/* Beyond, two pages would have one frame. */
	if ((part.start + (part.npages << part.page_shift) - 1) >>
	    IOAS_SCATTER_BITS)
		return -EFAULT;
	rc = ioas_identity_pin(&part, ret_extents);
	if (rc < 0)
		return rc;
	for (i = 0; i < part.npages; i++) {
		ret_extents[i].phys = scattered_frame(
			self, pin->start + ((uint64_t)i << pin->page_shift),
			pin->page_shift);
		ret_extents[i].npages = 1;
	}
	return (int)i;
}

void ioas_backend_scattered_init(uint64_t seed, unsigned int page_shift,
                                 struct ioas_backend_scattered *ret)
{
	ret->backend = ioas_backend_identity;
	ret->backend.name = "scattered";
	ret->backend.pin = scattered_pin;
	ret->backend.frame = scattered_frame;
	ret->backend.pointer = scattered_pointer;
	ret->seed = seed;
	ret->page_shift = page_shift;
}

uint64_t
ioas_backend_scattered_pointer(const struct ioas_backend_scattered *scattered,
                               uint64_t phys)
{
	unsigned int shift = scattered->page_shift;

	return ioas_gather(phys >> shift, scattered->seed, shift) << shift |
	       (phys & ioas_mask_lg2(shift));
}
