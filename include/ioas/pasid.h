/* SPDX-License-Identifier: MIT */
/* What models (<ioas/device.h>) and <ioas/sva.h> share. */
#ifndef IOAS_PASID_H
#define IOAS_PASID_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Process address space identifiers: which address space an access of a device
 * is to. They have up to 20 bits (PCI Express Base Specification 4.0, 6.20.2).
 */
#define IOAS_NO_PASID       0u /* none: the device's I/O address space */
#define IOAS_PASID_BITS_MAX 20u

/** enum ioas_page_response - what became of a group of page requests. */
enum ioas_page_response {
	IOAS_PAGE_SUCCESS, /* each page was there, with what was asked for */
	IOAS_PAGE_INVALID, /* one of them is not to be had; use none */
	IOAS_PAGE_FAILURE, /* something went wrong; ask no more */
	IOAS_PAGE_RESPONSE_NR
};

/** struct ioas_page_request - a page that a device will want to use. */
struct ioas_page_request {
	uint64_t uaddr;    /* an address in it */
	uint32_t pasid;    /* bound at the device */
	unsigned int perm; /* IOAS_READ, IOAS_WRITE or both */
	uint32_t group;    /* number of the device's own */
	bool last;         /* of its group: now it is served */
};

#endif /* IOAS_PASID_H */
