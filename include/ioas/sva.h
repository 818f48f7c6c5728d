/* SPDX-License-Identifier: MIT */
/**
 * DOC: Shared virtual addressing
 *
 * A device works on the addresses of a process: nothing is mapped for it, and
 * nothing is pinned. An access carries a PASID, which says whose addresses are
 * meant, and is translated by that process's page tables at that moment.
 *
 *	memory (own, another process, yours)
 *	   |
 *	address space --bind--> PASID, at a device
 *	   |                       |
 *	changed: munmap, ...    read, write: what may be done there now
 *	exit: all of it         page request --serve--> response
 *
 * Laws
 *	SVA-1  an address space has at most one PASID, which names nothing else
 *	       until that space is destroyed and bound nowhere
 *	SVA-2  binds and unbinds balance; the last unbind leaves no entry, no
 *	       access under way, no cached translation, no page request
 *	SVA-3  once ioas_sva_mm_changed() has returned, no access is under way
 *	       and no translation cached from before it
 *	SVA-4  once an address space has ended, accesses fail and touch nothing;
 *	       its PASID stays bound until it is unbound
 *	SVA-5  a group of page requests gets one response, by its first failure;
 *	       or none, when it is not complete at the last unbind
 *	SVA-6  a device may do what the process itself may do there, no more
 *	SVA-7  in a forked child nothing is bound
 *
 * Laws of tables that are walked by hardware (an upper level is not freed
 * before it is forgotten) have no place here: there are no tables but the
 * process's own.
 *
 * Of the process itself: who embeds the library calls ioas_sva_mm_changed()
 * where it takes memory away, if a device of its caches translations or is not
 * to be in the middle of an access. Either way no access is made through what
 * is not mapped any more, for nothing is remembered here.
 *
 * Addresses and lengths are bytes. Nothing here sets errno; errors are
 * negative, and leave results and state as they were. A process that uses
 * libioas calls ioas_begin() of <ioas/mem.h> first. In a forked child all of
 * this is the parent's: a bind is -ENODEV, an access -ENOENT, a destroy does
 * nothing.
 *
 * Callbacks must not bind, unbind, destroy, exit or tell of changes: they would
 * wait for themselves.
 */
#ifndef IOAS_SVA_H
#define IOAS_SVA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/pasid.h>
#include <ioas/perm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas_asid_context;
struct ioas_sva;        /* PASIDs, and whose they are */
struct ioas_sva_device; /* who does accesses */
struct ioas_sva_mm;     /* an address space */

/**
 * struct ioas_sva_memory - how the memory of an address space is reached.
 *
 * Each function may be called by any number of threads at once, gets the
 * structure itself, and looks at the address space as it is then. Without
 * memory being there, or without permission, the answer is -EFAULT; when the
 * whole address space has ended it is -ESRCH, and nothing is asked any more.
 *
 * @name:     for messages
 * @identity: a number that no other address space has; 0: the structure's own
 *            address
 * @read:     copy from there. 0, -EFAULT or -ESRCH
 * @write:    copy to there. 0, -EFAULT or -ESRCH; some bytes may be written
 * @populate: bring the page at @uaddr in, for an access of @perm. 0, -EFAULT,
 *            -ESRCH, or another errno: it should not be asked again. May sleep
 */
struct ioas_sva_memory {
	const char *name;
	uint64_t identity;
	int (*read)(const struct ioas_sva_memory *self, uint64_t uaddr,
	            void *buffer, size_t bytes);
	int (*write)(const struct ioas_sva_memory *self, uint64_t uaddr,
	             const void *buffer, size_t bytes);
	int (*populate)(const struct ioas_sva_memory *self, uint64_t uaddr,
	                unsigned int perm);
};

/**
 * struct ioas_sva_mm_config - what an address space is.
 * @memory: how it is reached, until ioas_sva_mm_destroy(); NULL: it is this
 *          process's own
 * @asid:   its context of <ioas/asid.h>, or NULL. Each device that is bound
 *          pins it, so that its number is the same as long as it is; the pin
 *          goes when the device has forgotten everything
 * @exited: ioas_asid_unpin() said that the context's memory is the caller's
 *          again: it had exited before. Called by the thread of the last
 *          unbind; NULL: the caller does not exit it while it is bound
 */
struct ioas_sva_mm_config {
	const struct ioas_sva_memory *memory;
	struct ioas_asid_context *asid;
	void (*exited)(struct ioas_asid_context *asid);
};

/**
 * struct ioas_sva_config - what an IOMMU has of PASIDs.
 * @pasid_bits: width of a PASID, 1 to 20; PASIDs begin at 1
 * @requested:  page requests wait for ioas_sva_serve(). Called by the thread of
 *              ioas_sva_request(); NULL: somebody looks anyway
 * @context:    for @requested
 */
struct ioas_sva_config {
	unsigned int pasid_bits;
	void (*requested)(void *context);
	void *context;
};

/**
 * struct ioas_sva_device_config - what a device has of PASIDs.
 * @pasid_bits: width of the PASIDs it can send, 1 to 20
 * @requests:   how many page requests it may have outstanding, up to 65536; 0:
 *              it sends none
 * @invalidate: forget translations of [first, last] of that PASID, and return
 *              when none is in use; NULL: it caches none. May sleep
 * @respond:    a group of page requests is done; has to be there when
 *              @requests is not 0. Called by the thread of ioas_sva_serve() or
 *              of the last ioas_sva_unbind()
 * @context:    for both
 */
struct ioas_sva_device_config {
	unsigned int pasid_bits;
	unsigned int requests;
	void (*invalidate)(void *context, uint32_t pasid, uint64_t first,
	                   uint64_t last);
	void (*respond)(void *context, uint32_t pasid, uint32_t group,
	                enum ioas_page_response response);
	void *context;
};

/** struct ioas_sva_stats - what a device did, since it was created. */
struct ioas_sva_stats {
	uint64_t faults;    /* accesses that failed */
	uint64_t requests;  /* pages that were taken */
	uint64_t overflows; /* and that were not */
	uint64_t dropped;   /* of groups without a last */
	uint64_t responses[IOAS_PAGE_RESPONSE_NR]; /* groups */
	unsigned int bound;                        /* address spaces, now */
};

/**
 * ioas_sva_create() - begin: no PASID is taken
 * @config:  how many there are; not kept
 * @ret_sva: it, the caller's until ioas_sva_destroy()
 *
 * Return: 0, or
 *   -EINVAL  pasid_bits is not 1 to 20
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, drivers/iommu/iommu.c, iommu_alloc_global_pasid()
 */
IOAS_API IOAS_MUST int ioas_sva_create(const struct ioas_sva_config *config,
                                       struct ioas_sva **ret_sva);

/**
 * ioas_sva_destroy() - end, after its devices and its address spaces
 * @sva: it, or NULL
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses it
 * Source: none
 */
IOAS_API void ioas_sva_destroy(struct ioas_sva *sva);

/**
 * ioas_sva_mm_create() - an address space that devices may be bound to
 * @sva:    where its PASID will be from; it has none yet
 * @config: what it is; not kept
 * @ret_mm: it, the caller's until ioas_sva_mm_destroy()
 *
 * Return: 0, or
 *   -EEXIST  @sva has that address space already, which has not ended (SVA-1)
 *   -ENODEV  @sva is the parent's, of a forked child
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, drivers/iommu/iommu-sva.c, iommu_alloc_mm_data()
 */
IOAS_API IOAS_MUST int
ioas_sva_mm_create(struct ioas_sva *sva,
                   const struct ioas_sva_mm_config *config,
                   struct ioas_sva_mm **ret_mm);

/**
 * ioas_sva_mm_changed() - part of it is not what it was
 * @mm:    the address space
 * @first: first address that was unmapped, moved or protected
 * @last:  the last one; UINT64_MAX and @first 0 mean all
 *
 * Call it after the change. Every device that is bound forgets what it knew of
 * the range, and what is under way is waited for (SVA-3).
 *
 * Return: nothing; cannot fail. A range that ends before it begins is empty.
 *
 * Threads: any, but not one that is inside of an access. May sleep.
 * Source: Linux 7.3, drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c,
 *         arm_smmu_mm_arch_invalidate_secondary_tlbs()
 */
IOAS_API void ioas_sva_mm_changed(struct ioas_sva_mm *mm, uint64_t first,
                                  uint64_t last);

/**
 * ioas_sva_mm_exit() - the process has ended, or will at once
 * @mm: the address space; it may have ended already
 *
 * When it returns, nothing is under way, and its memory is asked no more
 * (SVA-4). What is bound stays bound, the PASID stays taken.
 *
 * Return: nothing; cannot fail
 *
 * Threads: any, but not one that is inside of an access. May sleep.
 * Source: Linux 7.3, drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c,
 *         arm_smmu_mm_release()
 */
IOAS_API void ioas_sva_mm_exit(struct ioas_sva_mm *mm);

/**
 * ioas_sva_mm_destroy() - ioas_sva_mm_exit(), and the caller is done with it
 * @mm: the address space, or NULL
 *
 * Devices may still be bound: the PASID is taken until the last of them is not
 * (SVA-1).
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses @mm, but devices that are bound
 * Source: Linux 7.3, drivers/iommu/iommu-sva.c, mm_pasid_drop()
 */
IOAS_API void ioas_sva_mm_destroy(struct ioas_sva_mm *mm);

/**
 * ioas_sva_device_create() - a device that sends PASIDs
 * @sva:     whose PASIDs
 * @config:  what it can do; not kept
 * @ret_dev: it, the caller's until ioas_sva_device_destroy()
 *
 * Return: 0, or
 *   -EINVAL  pasid_bits is not 1 to 20, more than 65536 requests, or requests
 *            without respond
 *   -ENODEV  @sva is the parent's, of a forked child
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: PCI Express Base Specification 4.0, 6.20 and 10.5 (PASID, PRI)
 */
IOAS_API IOAS_MUST int
ioas_sva_device_create(struct ioas_sva *sva,
                       const struct ioas_sva_device_config *config,
                       struct ioas_sva_device **ret_dev);

/**
 * ioas_sva_device_destroy() - unbind it from everything, and end it
 * @dev: the device, or NULL
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses @dev
 * Source: none
 */
IOAS_API void ioas_sva_device_destroy(struct ioas_sva_device *dev);

/**
 * ioas_sva_bind() - let a device work on an address space
 * @dev:       the device
 * @mm:        the address space, of the same ioas_sva
 * @ret_pasid: what the device has to send with its accesses
 *
 * The first bind of an address space takes the lowest PASID that is free. Binds
 * are counted, for each device: as many unbinds follow.
 *
 * Return: 0, or
 *   -EINVAL     @mm belongs to another ioas_sva
 *   -EOVERFLOW  the address space has a PASID, and it is too wide for @dev
 *   -ENOSPC     no PASID that @dev can send is free, or as many contexts of
 *               ASIDs are pinned as can be
 *   -ESRCH      the address space has ended, or its context has exited
 *   -ENODEV     @dev is the parent's, of a forked child
 *   -ENOMEM     no memory
 *
 * Threads: any. Takes the lock of the address space.
 * Source: Linux 7.3, drivers/iommu/iommu-sva.c, iommu_sva_bind_device()
 */
IOAS_API IOAS_MUST int ioas_sva_bind(struct ioas_sva_device *dev,
                                     struct ioas_sva_mm *mm,
                                     uint32_t *ret_pasid);

/**
 * ioas_sva_unbind() - and not any more
 * @dev:   the device
 * @pasid: what ioas_sva_bind() gave
 *
 * The last unbind waits for accesses under way, has the device forget what it
 * cached, answers whole groups of page requests by IOAS_PAGE_INVALID and drops
 * others; that one which is being served is waited for (SVA-2).
 *
 * Return: 0, or
 *   -ENOENT  it is not bound to @dev
 *   -ENODEV  @dev is the parent's, of a forked child
 *
 * Threads: any, but not one that is inside of an access. May sleep.
 * Source: Linux 7.3, drivers/iommu/iommu-sva.c, iommu_sva_unbind_device()
 */
IOAS_API IOAS_MUST int ioas_sva_unbind(struct ioas_sva_device *dev,
                                       uint32_t pasid);

/**
 * ioas_sva_asid() - what a device has to know besides a PASID
 * @dev:      the device
 * @pasid:    what ioas_sva_bind() gave
 * @ret_asid: the number of the address space's context: the same until the
 *            last unbind
 *
 * Return: 0, or
 *   -ENOENT   @pasid is not bound to @dev
 *   -ENODATA  its address space has no context
 *
 * Threads: any. Takes no lock.
 * Source: Linux 7.3, drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c,
 *         arm_smmu_make_sva_cd()
 */
IOAS_API IOAS_MUST int ioas_sva_asid(struct ioas_sva_device *dev,
                                     uint32_t pasid, uint32_t *ret_asid);

/**
 * ioas_sva_read() - the device reads memory of an address space
 * @dev:    the device
 * @pasid:  whose
 * @uaddr:  first address there
 * @buffer: where to
 * @bytes:  how many; 0 is fine and touches nothing
 *
 * A change, an exit and the last unbind wait until it is over.
 *
 * Return: 0, or
 *   -ENOENT  @pasid is not bound to @dev
 *   -ESRCH   that address space has ended
 *   -EFAULT  part of the range is not there, or may not be read, or it wraps
 *            past 2^64 - 1; @buffer may be partly filled
 *
 * Threads: any. Takes no lock.
 * Source: PCI Express Base Specification 4.0, 6.20 and 2.3.2
 */
IOAS_API IOAS_MUST int ioas_sva_read(struct ioas_sva_device *dev,
                                     uint32_t pasid, uint64_t uaddr,
                                     void *buffer, size_t bytes);

/**
 * ioas_sva_write() - the device writes memory of an address space
 * @dev:    the device
 * @pasid:  whose
 * @uaddr:  first address there
 * @buffer: what
 * @bytes:  how many; 0 is fine and touches nothing
 *
 * Return: 0, or
 *   -ENOENT  @pasid is not bound to @dev
 *   -ESRCH   that address space has ended
 *   -EFAULT  part of the range is not there, or may not be written, or it
 *            wraps past 2^64 - 1; memory before that may be written
 *
 * Threads: any. Takes no lock.
 * Source: PCI Express Base Specification 4.0, 6.20 and 2.3.2
 */
IOAS_API IOAS_MUST int ioas_sva_write(struct ioas_sva_device *dev,
                                      uint32_t pasid, uint64_t uaddr,
                                      const void *buffer, size_t bytes);

/**
 * ioas_sva_request() - the device asks for a page
 * @dev:     the device
 * @request: the page; not kept
 *
 * Nothing happens before the last one of its group came. Groups of different
 * PASIDs are different ones.
 *
 * Return: 0, or
 *   -EINVAL  perm is none, or has unknown bits
 *   -ENOENT  the PASID is not bound to @dev
 *   -EBUSY   as many as the device may have are outstanding: it was not taken,
 *            and is counted as an overflow
 *
 * Threads: any. Takes a lock, for a moment.
 * Source: PCI Express Base Specification 4.0, 10.4.1 (page requests)
 */
IOAS_API IOAS_MUST int
ioas_sva_request(struct ioas_sva_device *dev,
                 const struct ioas_page_request *request);

/**
 * ioas_sva_serve() - serve groups of page requests
 * @sva: of all its devices
 * @max: groups at most
 *
 * Devices are served by turns, a group each, the oldest one of a device first.
 * What one of them asks for takes no room from the others, and however much it
 * is, between two of its groups there is one of each of them that waits.
 *
 * Return: how many were served; fewer than @max when no more are waiting;
 * cannot fail
 *
 * Threads: any number of them; not inside of an access. May sleep.
 * Source: Linux 7.3, drivers/iommu/io-pgfault.c; PCI Express Base
 *         Specification 4.0, 10.4.2 (responses)
 */
IOAS_API unsigned int ioas_sva_serve(struct ioas_sva *sva, unsigned int max);

/**
 * ioas_sva_device_stats() - what a device did
 * @dev:       the device
 * @ret_stats: numbers that may be a little apart from each other
 *
 * Return: nothing; cannot fail
 *
 * Threads: any
 * Source: none
 */
IOAS_API void ioas_sva_device_stats(struct ioas_sva_device *dev,
                                    struct ioas_sva_stats *ret_stats);

/**
 * ioas_sva_process_create() - memory of another process
 * @pid:        its process id; its threads are in the same address space
 * @ret_memory: for struct ioas_sva_mm_config; the caller's until
 *              ioas_sva_process_destroy(), after ioas_sva_mm_destroy()
 *
 * Every access is made by process_vm_readv(2) or process_vm_writev(2): what the
 * process itself may not do there is refused (SVA-6). When it ends, or runs
 * another program, the address space has ended, and the next access says so;
 * nothing is read of, or written to, another process that gets the number. (A
 * write that was begun just before an exec(2) may still arrive in the program
 * that is run then, whose user is the same.)
 *
 * Return: 0, or
 *   -EINVAL  @pid is this process, or not a number of one
 *   -ESRCH   there is no such process
 *   -EPERM   Linux does not let this process read memory of that one: it is
 *            another user's, has privileges, cannot be dumped, or is not a
 *            child of it while kernel.yama.ptrace_scope is 1
 *   -ENOSYS  the kernel lacks process_vm_readv(2)
 *   -EMFILE  no descriptor left in the process
 *   -ENFILE  none left in the system
 *   -ENOMEM  no memory
 * ioas_sva_process_reason() says it in words.
 *
 * Threads: any
 * Source: process_vm_readv(2), ptrace(2), proc(5); Linux 6.12,
 *         Documentation/admin-guide/LSM/Yama.rst
 */
IOAS_API IOAS_MUST int
ioas_sva_process_create(int pid, const struct ioas_sva_memory **ret_memory);

/**
 * ioas_sva_process_destroy() - end it
 * @memory: made by ioas_sva_process_create(); NULL is fine
 *
 * Return: nothing; cannot fail
 *
 * Threads: nobody else uses it
 * Source: none
 */
IOAS_API void ioas_sva_process_destroy(const struct ioas_sva_memory *memory);

/**
 * ioas_sva_process_reason() - what to tell a user
 * @error: what ioas_sva_process_create() returned
 *
 * For -EPERM it looks at kernel.yama.ptrace_scope.
 *
 * Return: a sentence: what is in the way, and what helps; cannot fail
 *
 * Threads: any, async-signal-safe
 * Source: none
 */
IOAS_API const char *ioas_sva_process_reason(int error);

#ifdef __cplusplus
}
#endif
#endif /* IOAS_SVA_H */
