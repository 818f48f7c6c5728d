/* SPDX-License-Identifier: MIT */
/**
 * DOC: I/O address spaces
 *
 * A space maps I/O virtual addresses (what a device puts on the bus) to memory
 * of the program.
 *
 *	memory --(ioas_map, ioas_map_any)--> space <--(ioas_read, ioas_write)--
 *	                                                              a device
 *
 * Who chooses the addresses is a property of a space, from its start: the
 * program (ioas_map), or the space (ioas_map_any). Addresses that groups of
 * devices reserve are usable to neither: ioas_reserve().
 *
 * A map pins and charges its memory by itself; memory that was registered
 * (<ioas/mem.h>) need not be, and is not shared with it so far.
 *
 * A range is written [first, last]: both ends included, so that a range may
 * end at 2^64 - 1. Lengths are bytes. Nothing here sets errno; errors are
 * negative and leave results and state as they were. A process calls
 * ioas_begin() first. No function here is for a signal handler that may have
 * interrupted another. A forked child has no spaces.
 *
 * Laws
 *	SPACE-1  map is all or nothing
 *	SPACE-2  no device access through a mapping succeeds after the unmap
 *	         that removed it has returned
 *	IOVA-1   no address is given twice
 *	IOVA-2   no address is lost
 *	MSI-1    no mapping ever intersects a reserved range
 *	MSI-6    whatever is asked which addresses are usable says the same
 *	MSI-9    an owner that goes gives back what only it took
 */
#ifndef IOAS_SPACE_H
#define IOAS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/perm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas;

/** struct ioas_range - I/O addresses, both ends included. */
struct ioas_range {
	uint64_t first, last;
};

/** struct ioas_config - see ioas_create(). All 0 is fine. */
struct ioas_config {
	unsigned int page_shift; /* of I/O pages, 11 to 30; 0: the system's */
	bool places;             /* the space chooses addresses */
	uint64_t last;           /* highest address; 0: 2^48 - 1 */
};

/** struct ioas_piece - memory for ioas_map_any(). */
struct ioas_piece {
	uint64_t uaddr;    /* program address, aligned to the space's page */
	uint64_t length;   /* bytes; multiple of the space's page, not 0 */
	unsigned int perm; /* IOAS_READ, IOAS_WRITE or both */
	uint64_t last;     /* the device reaches no further; 0: everywhere */
};

/**
 * ioas_create() - begin a space
 * @config: what it is like; NULL: all 0
 * @ret_as: the space, the caller's until ioas_destroy()
 *
 * Return: 0, or
 *   -EINVAL  a page shift that cannot be, or no whole page up to @config->last
 *   -ENOMEM  no memory
 *
 * Threads: any.
 * Source: Linux 7.3 drivers/iommu/iommufd/ioas.c iommufd_ioas_alloc_ioctl()
 */
IOAS_API IOAS_MUST int ioas_create(const struct ioas_config *config,
                                   struct ioas **ret_as);

/**
 * ioas_destroy() - end a space
 * @as: the space, or NULL
 *
 * Return: nothing; cannot fail. Every mapping goes, all memory is unpinned.
 *
 * Threads: no other thread may use @as during or after the call.
 * Source: Linux 7.3 drivers/iommu/iommufd/ioas.c iommufd_ioas_destroy()
 */
IOAS_API void ioas_destroy(struct ioas *as);

/**
 * ioas_map() - let devices reach a piece of memory at an address of yours
 * @as:     the space; one whose addresses the program chooses
 * @iova:   first I/O virtual address, in bytes; aligned to the space's page
 * @length: bytes; multiple of the space's page, not 0
 * @uaddr:  program address of the first byte; aligned likewise
 * @perm:   IOAS_READ, IOAS_WRITE or both
 *
 * The memory is pinned until ioas_unmap() or ioas_destroy().
 *
 * Return: 0, or
 *   -EINVAL  unaligned, empty, wraps past 2^64 - 1, unknown @perm bits, part of
 *            the range is reserved or out of reach, or the space chooses
 *            addresses itself
 *   -EEXIST  part of the range is mapped already
 *   -EFAULT  memory that is not there, or may not be used so
 *   -ENOMEM  no memory for page tables; nothing was mapped
 *
 * Threads: any. Takes the space's lock; accesses never wait for it.
 * Source: Linux 7.3 drivers/iommu/iommufd/io_pagetable.c iopt_map_pages()
 */
IOAS_API IOAS_MUST int ioas_map(struct ioas *as, uint64_t iova, uint64_t length,
                                uint64_t uaddr, unsigned int perm);

/**
 * ioas_map_any() - the same, at an address that the space chooses
 * @as:       the space; one that was created with @config->places
 * @piece:    what is mapped, and how far the device reaches
 * @ret_iova: its address, a multiple of the least power of two that is not
 *            below its length; never 0
 *
 * Pieces of up to 32 pages are found without a lock, by what this thread
 * unmapped before; the lowest that is free otherwise.
 *
 * Return: 0, or
 *   -EINVAL  unaligned, empty, unknown @piece->perm bits, or the program
 *            chooses the addresses of the space
 *   -ENOSPC  no such range is free and usable up to @piece->last
 *   -EFAULT  memory that is not there, or may not be used so
 *   -ENOMEM  no memory; nothing was mapped
 *
 * Threads: any. As ioas_map().
 * Source: Linux 7.3 drivers/iommu/iommufd/io_pagetable.c iopt_alloc_iova()
 */
IOAS_API IOAS_MUST int ioas_map_any(struct ioas *as,
                                    const struct ioas_piece *piece,
                                    uint64_t *ret_iova);

/**
 * ioas_unmap() - and not any more
 * @as:     the space
 * @iova:   first I/O virtual address
 * @length: bytes, not 0; every mapping that the range meets lies in it
 *
 * Waits until no access uses what was removed (SPACE-2).
 *
 * Return: 0, or
 *   -EINVAL  empty, or wraps past 2^64 - 1
 *   -ENOENT  nothing is mapped there, or the range cuts a mapping
 *
 * Threads: any, but not one that is inside of ioas_read() or ioas_write().
 * Source: Linux 7.3 drivers/iommu/iommufd/io_pagetable.c iopt_unmap_iova()
 */
IOAS_API IOAS_MUST int ioas_unmap(struct ioas *as, uint64_t iova,
                                  uint64_t length);

/**
 * ioas_read() - what a device at the space reads
 * @as:     the space
 * @iova:   first I/O virtual address
 * @buffer: where the bytes go
 * @length: bytes; 0 is fine
 *
 * Return: 0, or
 *   -EFAULT  part of it is not mapped to be read, or wraps; the bytes before it
 *            may have been copied
 *
 * Threads: any; takes no lock.
 * Source: PCI Express Base Specification 4.0, 2.2.7 (memory requests)
 */
IOAS_API IOAS_MUST int ioas_read(struct ioas *as, uint64_t iova, void *buffer,
                                 size_t length);

/**
 * ioas_write() - what a device at the space writes
 * @as:     the space
 * @iova:   first I/O virtual address
 * @buffer: where the bytes come from
 * @length: bytes; 0 is fine
 *
 * Return: 0, or
 *   -EFAULT  part of it is not mapped to be written, or wraps; the bytes before
 *            it may have been copied
 *
 * Threads: any; takes no lock.
 * Source: PCI Express Base Specification 4.0, 2.2.7 (memory requests)
 */
IOAS_API IOAS_MUST int ioas_write(struct ioas *as, uint64_t iova,
                                  const void *buffer, size_t length);

/**
 * ioas_reserve() - a group of devices comes, and some addresses are its own
 * @as:     the space
 * @owner:  a number for the group, not 0
 * @ranges: what it takes: whole pages of the space; they may overlap
 * @count:  how many there are, at least 1
 *
 * Nothing is mapped there from now on, by anybody, until ioas_release().
 *
 * Return: 0, or
 *   -EINVAL      @owner or @count is 0, a range that is inverted or not whole
 *                pages, or no usable address would be left
 *   -EEXIST      @owner has ranges already
 *   -EADDRINUSE  something is mapped there (MSI-1)
 *   -ENOMEM      no memory
 *
 * Threads: any. Takes the space's lock.
 * Source: Linux 7.3 drivers/iommu/iommufd/io_pagetable.c
 * iopt_table_enforce_dev_resv_regions()
 */
IOAS_API IOAS_MUST int ioas_reserve(struct ioas *as, unsigned int owner,
                                    const struct ioas_range *ranges,
                                    unsigned int count);

/**
 * ioas_release() - and goes: what only it took is usable again (MSI-9)
 * @as:    the space
 * @owner: the group's number; one without ranges is fine
 *
 * A space that chooses addresses uses them again when it has the memory to
 * know of them, which may be with a later change only.
 *
 * Return: nothing; cannot fail.
 *
 * Threads: any. Takes the space's lock.
 * Source: Linux 7.3 drivers/iommu/iommufd/io_pagetable.c
 * iopt_remove_reserved_iova()
 */
IOAS_API void ioas_release(struct ioas *as, unsigned int owner);

/**
 * ioas_usable() - which addresses can be mapped
 * @as:         the space
 * @ret_ranges: the first @max of them, sorted and apart
 * @max:        room there; 0: they are only counted
 *
 * Return: how many there are; cannot fail.
 *
 * Threads: any. Takes the space's lock.
 * Source: Linux 7.3 drivers/iommu/iommufd/ioas.c iommufd_ioas_iova_ranges()
 */
IOAS_API unsigned int
ioas_usable(struct ioas *as, struct ioas_range *ret_ranges, unsigned int max);

#ifdef __cplusplus
}
#endif
#endif /* IOAS_SPACE_H */
