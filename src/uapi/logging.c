/* SPDX-License-Identifier: MIT */
/*
 * DMA logging: the device remembers which pages it wrote, and a report takes
 * that over into a bitmap of the program. Bits are set, never cleared; the
 * pages of the report need not be as large as those that are remembered.
 *
 * Only drivers of devices that can be migrated have it; plain vfio-pci has not,
 * and so has no device without `dma-logging=on`. As with mlx5: start while it
 * logs and report while it does not are EINVAL, stop is fine; the size of the
 * remembered pages is a power of two, and the program is told which.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_main.c, drivers/vfio/pci/mlx5/cmd.c,
 *         drivers/iommu/iommufd/iova_bitmap.c
 */
#include <errno.h>

#include "uapi/state.h"

#define PAGE_SHIFT_MIN 12 /* of a report; of what is remembered likewise */
#define PAGE_SHIFT_MAX 30

bool ioas_vdevice_logs(const struct ioas_vdevice *vdevice)
{
	return vdevice->dev->logs;
}

/* ---- Start ---- */

static unsigned int shift_for(uint64_t page_size)
{
	unsigned int shift =
		page_size ? 63 - (unsigned int)__builtin_clzll(page_size) : 0;

	if (shift < PAGE_SHIFT_MIN)
		return PAGE_SHIFT_MIN;
	return shift > PAGE_SHIFT_MAX ? PAGE_SHIFT_MAX : shift;
}

static bool overlaps_one(const struct iova_range *ranges, uint32_t count,
                         struct iova_range range)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (ranges[i].first <= range.last &&
		    ranges[i].last >= range.first)
			return true;
	return false;
}

/* An empty one is nothing; *count grows by what it is. */
static int add_range(const struct ioas_vfio_logging_range *given,
                     uint64_t page_size, struct iova_range *ranges,
                     uint32_t *count)
{
	struct iova_range range = {given->iova,
	                           given->iova + (given->length - 1)};

	/* As the kernel's mask has it, also when that is no power of two. */
	if ((given->iova | given->length) & (page_size - 1))
		return -EINVAL;
	if (given->iova + given->length < given->iova)
		return -EOVERFLOW;
	if (!given->length)
		return 0;
	if (overlaps_one(ranges, *count, range))
		return -EINVAL;
	ranges[(*count)++] = range;
	return 0;
}

static int read_ranges(const struct ioas_vfio_logging_control *control,
                       struct iova_range *ranges, uint32_t *ret_count)
{
	struct uaddr at = {control->ranges};
	struct ioas_vfio_logging_range given;
	uint32_t i;
	int ret = 0;

	for (i = 0; !ret && i < control->num_ranges; i++) {
		if (ioas_copy_in(&given, ioas_uaddr_add(at, i * sizeof(given)),
		                 sizeof(given)))
			return -EFAULT;
		ret = add_range(&given, control->page_size, ranges, ret_count);
	}
	return ret;
}

static long start(struct ioas_call *call, struct uaddr data,
                  struct ioas_vfio_logging_control *control,
                  struct iova_range *ranges)
{
	struct ioas_device *dev = call->file->device->dev;
	unsigned int shift = shift_for(control->page_size);
	uint32_t count = 0;
	int ret = read_ranges(control, ranges, &count);

	if (!ret)
		ret = ioas_device_log_start(dev, ranges, count, shift);
	if (ret)
		return ret;
	control->page_size = UINT64_C(1) << shift;
	if (!ioas_copy_out(data, control, sizeof(*control)))
		return 0;
	ioas_device_log_stop(dev);
	return -EFAULT;
}

long ioas_logging_start(struct ioas_call *call, struct uaddr data)
{
	struct ioas_vfio_logging_control control;
	struct iova_range *ranges;
	size_t bytes;
	long ret;

	if (ioas_copy_in(&control, data, sizeof(control)))
		return -EFAULT;
	if (!control.num_ranges)
		return -EINVAL;
	/* What fits into a page. */
	if (control.num_ranges > (UINT64_C(1) << call->file->vfio->page_shift) /
	                                 sizeof(struct ioas_vfio_logging_range))
		return -E2BIG;
	bytes = control.num_ranges * sizeof(*ranges);
	ranges = ioas_hooks.alloc(bytes);
	if (!ranges)
		return -ENOMEM;
	ret = start(call, data, &control, ranges);
	ioas_hooks.free(ranges, bytes);
	return ret;
}

/* ---- Report ---- */

struct report {
	struct iova_range within;
	struct uaddr bitmap;
	unsigned int shift;
};

/* Bits [first, last] of the program's bitmap, a word at a time. */
static int set_bits(struct uaddr bitmap, uint64_t first, uint64_t last)
{
	uint64_t n, end, word, bits;

	for (n = first; n <= last; n = end + 1) {
		struct uaddr at = ioas_uaddr_add(bitmap, n / 64 * 8);

		end = n | 63;
		if (end > last)
			end = last;
		if (ioas_copy_in(&word, at, sizeof(word)))
			return -EFAULT;
		bits = UINT64_MAX >> (63 - (end - n)) << n % 64;
		word |= bits;
		if (ioas_copy_out(at, &word, sizeof(word)))
			return -EFAULT;
	}
	return 0;
}

static int report_one(const struct report *r, struct iova_range dirty)
{
	return set_bits(r->bitmap, (dirty.first - r->within.first) >> r->shift,
	                (dirty.last - r->within.first) >> r->shift);
}

/* What could not be told is told by the next report. */
static long report_all(struct ioas_device *dev, const struct report *r)
{
	struct iova_range left = r->within, dirty;
	int ret;

	for (;;) {
		ret = ioas_device_log_next(dev, left, &dirty);
		if (ret <= 0)
			return ret;
		if (report_one(r, dirty)) {
			ioas_device_log_again(dev, dirty);
			return -EFAULT;
		}
		if (dirty.last == left.last)
			return 0;
		left.first = dirty.last + 1;
	}
}

/* Before 7.3 all of the bitmap is pinned first, whatever is dirty. */
static int touch_bitmap(const struct report *r)
{
	uint64_t bits = ((r->within.last - r->within.first) >> r->shift) + 1;
	uint64_t step = UINT64_C(1) << PAGE_SHIFT_MIN, at;
	uint64_t bytes = (bits - 1) / 8 + 1;
	char byte;

	for (at = 0; at < bytes; at += step) {
		struct uaddr here = ioas_uaddr_add(r->bitmap, at);

		if (ioas_copy_in(&byte, here, 1) ||
		    ioas_copy_out(here, &byte, 1))
			return -EFAULT;
	}
	return 0;
}

long ioas_logging_report(struct ioas_call *call, struct uaddr data)
{
	struct ioas_vfio_logging_report given;
	struct report r;

	if (ioas_copy_in(&given, data, sizeof(given)))
		return -EFAULT;
	if (given.page_size < UINT64_C(1) << PAGE_SHIFT_MIN ||
	    given.page_size & (given.page_size - 1))
		return -EINVAL;
	if (given.iova + given.length < given.iova)
		return -EOVERFLOW;
	if (!given.length)
		return 0;
	r.within.first = given.iova;
	r.within.last = given.iova + (given.length - 1);
	r.bitmap.raw = given.bitmap;
	r.shift = (unsigned int)__builtin_ctzll(given.page_size);
	if (call->file->vfio->contract == IOAS_CONTRACT_LINUX_6_12 &&
	    touch_bitmap(&r))
		return -EFAULT;
	return report_all(call->file->device->dev, &r);
}
