/* SPDX-License-Identifier: MIT */
/* Of devices that a stress drives itself: what their models need not do. */
#ifndef STRESS_MODEL_H
#define STRESS_MODEL_H

#include <ioas/device.h>

static inline int create(struct ioas_device *dev, void **ret_state)
{
	*ret_state = dev;
	return 0;
}

static inline void nothing(void *state)
{
}

static inline uint64_t load(void *state, unsigned int bar, uint64_t offset,
                            unsigned int size)
{
	return 0;
}

static inline void store(void *state, unsigned int bar, uint64_t offset,
                         unsigned int size, uint64_t value)
{
}

#endif /* STRESS_MODEL_H */
