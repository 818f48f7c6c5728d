/* SPDX-License-Identifier: MIT */
/* SET_IRQS between its files: irqs.c, and intx.c for the pin. */
#ifndef IOAS_UAPI_IRQS_H
#define IOAS_UAPI_IRQS_H

#include "uapi/state.h"

/* A call whose arguments have been checked. */
struct ioas_irq_request {
	struct ioas_vdevice *vdevice;
	struct ioas_vfio_irq_set set;
	void *data; /* count of uint8_t or int32_t; NULL: none */
	size_t bytes;
	/* Where messages go: NULL, or `place`. Of MSI and MSI-X. */
	const struct ioas_msi_doorbell *doorbell;
	struct ioas_msi_doorbell place;
};

/* The mode that is on, and its vectors. */
enum ioas_irq_mode ioas_irqs_mode(struct ioas_vdevice *vdevice,
                                  unsigned int *ret_count);
/* Every vector's handle is put, then the mode is off. */
void ioas_irqs_off(struct ioas_vdevice *vdevice, enum ioas_irq_mode mode);
/* Did the program ask for element @i of its data (none, or bytes)? */
bool ioas_irqs_wanted(const struct ioas_irq_request *rq, uint32_t i);

/* intx.c; under the gate */
void ioas_intx_unwatch(struct ioas_vdevice *vdevice);
long ioas_intx_mask(const struct ioas_irq_request *rq);
long ioas_intx_unmask(const struct ioas_irq_request *rq);
long ioas_intx_trigger(const struct ioas_irq_request *rq);

#endif /* IOAS_UAPI_IRQS_H */
