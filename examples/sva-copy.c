/* SPDX-License-Identifier: MIT */
/*
 * A device copies from one buffer to another by the addresses that malloc gave:
 * nothing is mapped for it. It is refused what the program may not do there,
 * and everything once it is not bound.
 *
 *	cc sva-copy.c $(pkg-config --cflags --libs ioas)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/mem.h>
#include <ioas/sva.h>

#define BYTES 100000

static void check(const char *what, int error)
{
	if (error) {
		fprintf(stderr, "%s: %s\n", what, strerror(-error));
		exit(1);
	}
}

/* What a device does that is told two addresses, a length and a PASID. */
static int copy(struct ioas_sva_device *dev, uint32_t pasid, uint64_t from,
                uint64_t to)
{
	char piece[1000];
	size_t done;
	int error = 0;

	for (done = 0; !error && done < BYTES; done += sizeof(piece)) {
		error = ioas_sva_read(dev, pasid, from + done, piece,
		                      sizeof(piece));
		if (!error)
			error = ioas_sva_write(dev, pasid, to + done, piece,
			                       sizeof(piece));
	}
	return error;
}

int main(void)
{
	static const struct ioas_sva_config iommu = {.pasid_bits = 20};
	const struct ioas_sva_mm_config own = {.memory = NULL};
	const struct ioas_sva_device_config device = {.pasid_bits = 8};
	char *from = malloc(BYTES), *to = calloc(BYTES, 1);
	struct ioas_sva_device *dev;
	struct ioas_sva_mm *mm;
	struct ioas_sva *sva;
	uint32_t pasid;

	if (!from || !to)
		return 1;
	memset(from, 'x', BYTES);
	ioas_begin();
	check("PASIDs", ioas_sva_create(&iommu, &sva));
	check("memory of this process", ioas_sva_mm_create(sva, &own, &mm));
	check("device", ioas_sva_device_create(sva, &device, &dev));
	check("bind", ioas_sva_bind(dev, mm, &pasid));
	check("copy", copy(dev, pasid, (uintptr_t)from, (uintptr_t)to));
	/* A constant cannot be written to, by a device neither. */
	if (memcmp(from, to, BYTES) != 0 ||
	    ioas_sva_write(dev, pasid, (uintptr_t)&iommu, "x", 1) != -EFAULT)
		return 1;
	check("unbind", ioas_sva_unbind(dev, pasid));
	if (copy(dev, pasid, (uintptr_t)from, (uintptr_t)to) != -ENOENT)
		return 1;
	printf("copied by PASID %u, refused when not bound\n", pasid);
	ioas_sva_device_destroy(dev);
	ioas_sva_mm_destroy(mm);
	ioas_sva_destroy(sva);
	free(from);
	free(to);
	return 0;
}
