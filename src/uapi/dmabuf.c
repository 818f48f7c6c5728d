/* SPDX-License-Identifier: MIT */
/*
 * DMA buffers: pieces of a BAR behind a descriptor that another subsystem could
 * import. Nothing here imports one yet; the descriptor has a size and says no
 * to everything else, as that of vfio-pci does to a program.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_dmabuf.c,
 *         drivers/dma-buf/dma-buf.c (dma_buf_llseek)
 */
#include <errno.h>

#include "uapi/state.h"

/* A buffer has none of VFIO's. */
const struct ioas_command ioas_dmabuf_commands[IOAS_VFIO_COMMANDS] = {
	[0] = {.run = NULL},
};

static int check_range(const struct ioas_vfio_dma_range *range,
                       uint64_t bar_bytes, uint64_t page_mask)
{
	uint64_t end = range->offset + range->length;

	if (!range->length || ((range->offset | range->length) & page_mask))
		return -EINVAL;
	if (end < range->offset)
		return -EOVERFLOW;
	return end > bar_bytes ? -EINVAL : 0;
}

static bool is_memory(const struct ioas_vdevice *v, uint32_t region)
{
	return region < IOAS_BARS && ioas_region_size(v, region) &&
	       !ioas_device_bar_is_port(v->dev, region);
}

/* Ranges may overlap: the size is their sum. */
static int sum_up(struct ioas_call *call, const struct ioas_vfio_dma_buf *get,
                  struct uaddr ranges, uint64_t *ret_bytes)
{
	const struct ioas_vdevice *v = call->file->device;
	uint64_t bar_bytes = ioas_region_size(v, get->region_index);
	uint64_t mask = ioas_mask_lg2(v->vfio->page_shift);
	struct ioas_vfio_dma_range range;
	uint32_t i;
	int ret;

	*ret_bytes = 0;
	for (i = 0; i < get->nr_ranges; i++) {
		if (ioas_copy_in(&range, ranges, sizeof(range)))
			return -EFAULT;
		ret = check_range(&range, bar_bytes, mask);
		if (ret)
			return ret;
		if (*ret_bytes + range.length < range.length)
			return -EOVERFLOW;
		*ret_bytes += range.length;
		ranges = ioas_uaddr_add(ranges, sizeof(range));
	}
	return 0;
}

long ioas_dmabuf_get(struct ioas_call *call, struct uaddr data)
{
	struct ioas_vfio *vfio = call->file->vfio;
	struct ioas_vfio_dma_buf get;
	struct ioas_file *file;
	uint64_t bytes;
	int ret;

	if (ioas_copy_in(&get, data, sizeof(get)))
		return -EFAULT;
	if (!get.nr_ranges || get.flags)
		return -EINVAL;
	if (!is_memory(call->file->device, get.region_index))
		return -ENODEV;
	ret = sum_up(call, &get, ioas_uaddr_add(data, sizeof(get)), &bytes);
	if (ret)
		return ret;
	file = ioas_file_create(vfio, IOAS_FILE_DMABUF);
	if (!file)
		return -ENOMEM;
	file->dmabuf_bytes = bytes;
	ret = vfio->front->fd_install(file);
	if (ret < 0)
		ioas_delete(file);
	return ret;
}
