/* SPDX-License-Identifier: MIT */
/* How rows write SET_IRQS. */
#ifndef ABI_ROWS_IRQS_H
#define ABI_ROWS_IRQS_H

#include "abi.h"

#define NONE    VFIO_IRQ_SET_DATA_NONE
#define BOOL    VFIO_IRQ_SET_DATA_BOOL
#define EVENT   VFIO_IRQ_SET_DATA_EVENTFD
#define MASK    VFIO_IRQ_SET_ACTION_MASK
#define UNMASK  VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER VFIO_IRQ_SET_ACTION_TRIGGER

#define INTX 0
#define MSI  1
#define MSIX 2
#define ERR  3
#define REQ  4

/* The command with no data, bytes, or descriptors behind it. */
struct with_bytes {
	struct ioas_vfio_irq_set set;
	uint8_t data[4];
};

struct with_fds {
	struct ioas_vfio_irq_set set;
	int32_t data[4];
};

#define SET .on = FD_DEVICE, .command = VFIO_DEVICE_SET_IRQS
#define PLAIN(flags, index, start, count)                       \
	SET,                                                    \
		.argument = (&(const struct ioas_vfio_irq_set){ \
			20, (flags), index, start, count}),     \
		.bytes = 20
#define BYTES(flags, index, start, count, ...)                               \
	SET,                                                                 \
		.argument = (&(const struct with_bytes){                     \
			{20 + (count), (flags) | BOOL, index, start, count}, \
			{__VA_ARGS__}}),                                     \
		.bytes = 20 + (count)
#define FDS(flags, index, start, count, ...)                                   \
	SET,                                                                   \
		.argument = (&(const struct with_fds){{20 + 4 * (count),       \
	                                               (flags) | EVENT, index, \
	                                               start, count},          \
	                                              {__VA_ARGS__}}),         \
		.bytes = 20 + 4 * (count)

#endif /* ABI_ROWS_IRQS_H */
