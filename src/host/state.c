/* SPDX-License-Identifier: MIT */
/*
 * Memory for the state of device models. It comes from the hooks, so that it
 * is counted, and can be made to fail, with the rest.
 */
#include <errno.h>

#include <ioas/device.h>

#include "base/hooks.h"

int ioas_device_alloc(struct ioas_device *dev, size_t bytes, void **ret_memory)
{
	void *memory = ioas_hooks.alloc(bytes);

	if (!memory) {
		ioas_device_fail(dev, "no memory for the device");
		return -ENOMEM;
	}
	*ret_memory = memory;
	return 0;
}

void ioas_device_free(void *memory, size_t bytes)
{
	if (memory)
		ioas_hooks.free(memory, bytes);
}
