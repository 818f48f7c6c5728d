/* SPDX-License-Identifier: MIT */
#ifndef IOAS_PASID_H
#define IOAS_PASID_H

/*
 * Process address space identifiers: which address space an access of a device
 * is to. They have up to 20 bits (PCI Express Base Specification 4.0, 6.20.2).
 */
#define IOAS_NO_PASID       0u /* none: the device's I/O address space */
#define IOAS_PASID_BITS_MAX 20u

#endif /* IOAS_PASID_H */
