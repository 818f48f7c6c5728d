/* SPDX-License-Identifier: MIT */
/*
 * A function that sends PASIDs: its extended capabilities, behind that of
 * SR-IOV where there is one, and what it is bound to.
 *
 *	0x00  ATS    }  with page requests; a virtual function has ATS only, for
 *	0x08  PRI    }  the others of the physical one are its own as well
 *	0x18  PASID
 *
 * A program that opens the function through vfio-pci reads ATS and PRI as they
 * are and writes none of it; PASID is left out of the list for it. (Where it is
 * the first one, there is a header of nothing in its place.) The system
 * switches them on: they are on while the function is bound.
 *
 * Sources: PCI Express Base Specification 4.0, 7.8.8 (PASID), 10.5.1 (ATS),
 * 10.5.2 (PRI); Linux 7.3 drivers/vfio/pci/vfio_pci_config.c
 * (pci_ext_cap_length, vfio_ecap_init()).
 */
#include <errno.h>

#include "pci/function.h"

#define FIRST_EXTENDED 0x100
#define SRIOV_BYTES    0x40

#define CAP_PASID     0x0001001b /* version 1 */
#define PASID_BYTES   8
#define PASID_WIDTH   5 /* byte: how many bits */
#define PASID_CONTROL 6

#define CAP_ATS        0x0001000f
#define ATS_BYTES      8
#define ATS_CAPABILITY 4
#define ATS_ALIGNED    0x20 /* requests are for whole pages */
#define ATS_CONTROL    6

#define CAP_PRI        0x00010013
#define PRI_BYTES      16
#define PRI_STATUS     6
#define PRI_STOPPED    0x0100
#define PRI_PASID      0x8000 /* responses have the PASID */
#define PRI_CAPACITY   8
#define PRI_ALLOCATION 12

#define NEXT 20 /* bit of a header where the next one's offset is */

static void put(struct ioas_device *dev, unsigned int at, unsigned int bytes,
                uint32_t value)
{
	unsigned int i;

	for (i = 0; i < bytes; i++)
		dev->config[at + i] = (uint8_t)(value >> 8 * i);
}

/* ---- Capabilities ---- */

static unsigned int first_of(const struct ioas_device *dev)
{
	return FIRST_EXTENDED + (dev->cap_sriov ? SRIOV_BYTES : 0);
}

/* The header that leads to @at, or 0: that is the first one. */
static unsigned int before(const struct ioas_device *dev, unsigned int at)
{
	unsigned int here = FIRST_EXTENDED, next = here;

	while (next < at) {
		here = next;
		next = dev->config[here + 3] << 4 | dev->config[here + 2] >> 4;
		if (!next)
			next = at;
	}
	return here < at ? here : 0;
}

static void lead_to(struct ioas_device *dev, unsigned int from, unsigned int to)
{
	dev->config[from + 3] = (uint8_t)(to >> 4);
	dev->config[from + 2] =
		(uint8_t)((dev->config[from + 2] & 0xf) | (to & 0xf) << 4);
}

static void add(struct ioas_device *dev, unsigned int at, uint32_t header)
{
	unsigned int from = before(dev, at);

	put(dev, at, 4, header);
	if (from)
		lead_to(dev, from, at);
}

static unsigned int build_ats(struct ioas_device *dev, unsigned int at)
{
	dev->cap_ats = at;
	add(dev, at, CAP_ATS);
	put(dev, at + ATS_CAPABILITY, 2, ATS_ALIGNED);
	return at + ATS_BYTES;
}

static unsigned int build_pri(struct ioas_device *dev, unsigned int at)
{
	const uint32_t requests = dev->function.page_requests;

	dev->cap_pri = at;
	add(dev, at, CAP_PRI);
	put(dev, at + PRI_STATUS, 2, PRI_STOPPED | PRI_PASID);
	put(dev, at + PRI_CAPACITY, 4, requests);
	put(dev, at + PRI_ALLOCATION, 4, requests);
	return at + PRI_BYTES;
}

void ioas_pasid_build(struct ioas_device *dev)
{
	unsigned int at = first_of(dev);

	dev->cap_ats = dev->cap_pri = dev->cap_pasid = 0;
	if (!dev->function.pasid_bits)
		return;
	if (dev->function.page_requests)
		at = build_ats(dev, at);
	if (dev->iov.is_virtual)
		return;
	if (dev->function.page_requests)
		at = build_pri(dev, at);
	dev->cap_pasid = at;
	add(dev, at, CAP_PASID);
	dev->config[at + PASID_WIDTH] = dev->function.pasid_bits;
}

/* It is the last one. What is behind the header is still read. */
void ioas_pasid_hide(struct ioas_device *dev)
{
	unsigned int from;

	if (!dev->cap_pasid)
		return;
	from = before(dev, dev->cap_pasid);
	if (from)
		lead_to(dev, from, 0);
	else
		put(dev, dev->cap_pasid, 4, 0);
}

static void switch_on(struct ioas_device *dev)
{
	if (dev->cap_pasid)
		put(dev, dev->cap_pasid + PASID_CONTROL, 2, 1);
	if (dev->cap_ats)
		put(dev, dev->cap_ats + ATS_CONTROL, 2, 0x8000);
	if (!dev->cap_pri)
		return;
	put(dev, dev->cap_pri + 4, 2, 1);
	put(dev, dev->cap_pri + PRI_STATUS, 2, PRI_PASID);
}

/* ---- What it is bound to ---- */

/* By its own call: the lock is held. Unbind has no whole group to answer. */
static void respond(void *context, uint32_t pasid, uint32_t group,
                    enum ioas_page_response response)
{
	struct ioas_device *dev = context;

	if (dev->model->paged)
		dev->model->paged(dev->state, group, response);
}

int ioas_pasid_bind(struct ioas_device *dev,
                    const struct ioas_device_request *request)
{
	const struct ioas_sva_device_config config = {
		.pasid_bits = dev->function.pasid_bits,
		.requests = dev->function.page_requests,
		.respond = respond,
		.context = dev,
	};
	int err;

	if (!config.pasid_bits || !request->sva)
		return 0;
	err = ioas_sva_device_create(request->sva, &config, &dev->sva);
	if (err)
		return err;
	err = ioas_sva_bind(dev->sva, request->mm, &dev->pasid);
	if (!err)
		switch_on(dev);
	else if (err != -ENOMEM)
		ioas_device_fail(dev,
		                 "it sends %u bits of a PASID, and the "
		                 "process has one that has more",
		                 dev->function.pasid_bits);
	return err;
}

void ioas_pasid_unbind(struct ioas_device *dev)
{
	ioas_sva_device_destroy(dev->sva);
	dev->sva = NULL;
}

uint32_t ioas_device_pasid(const struct ioas_device *dev)
{
	return dev->pasid;
}

/* ---- What it does ---- */

enum ioas_fault ioas_pasid_check(const struct ioas_device *dev, uint32_t pasid,
                                 uint64_t uaddr, uint64_t bytes)
{
	if (!dev->sva)
		return IOAS_FAULT_NO_PASID;
	switch (ioas_sva_own(dev->sva, pasid, uaddr, bytes)) {
	case 0:
		return IOAS_FAULT_NONE;
	case -ENOENT:
		return IOAS_FAULT_NO_PASID;
	case -ESRCH:
		return IOAS_FAULT_ENDED;
	default:
		return IOAS_FAULT_PROCESS;
	}
}

int ioas_dma_request_page(struct ioas_device *dev,
                          const struct ioas_page_request *request)
{
	if (dev->sva)
		return ioas_sva_request(dev->sva, request);
	return request->perm && !(request->perm & ~(IOAS_READ | IOAS_WRITE))
	               ? -ENOENT
	               : -EINVAL;
}

void ioas_pasid_serve_locked(struct ioas_device *dev)
{
	if (dev->function.page_requests && dev->sva)
		ioas_sva_serve_own(dev->sva);
}

void ioas_pasid_reset_locked(struct ioas_device *dev)
{
	if (dev->function.page_requests && dev->sva)
		ioas_sva_drop_parts(dev->sva);
}
