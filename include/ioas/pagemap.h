/* SPDX-License-Identifier: MIT */
/**
 * DOC: Registered memory in real frames
 *
 * A back end for a registry of <ioas/mem.h> whose physical addresses are those
 * of the machine, as Linux shows them in /proc/self/pagemap. For programs that
 * give them to a device without an IOMMU, and for tests of such programs.
 *
 *	register   pages are brought in, locked (mlock(2)), and looked up
 *	translate  frame number << page shift, and the offset in the page
 *	unregister pages are unlocked; those a device wrote to become dirty
 *
 * Linux shows frame numbers only to who has CAP_SYS_ADMIN in the first user
 * namespace when the back end is made; later that may be given up.
 *
 * What it does not promise
 *	- That a page stays in its frame. A locked page is not swapped out, but
 *	  the kernel still moves pages when it makes room for large ones
 *	  (vm.compact_unevictable_allowed), balances NUMA nodes, merges equal
 *	  pages (KSM), makes huge pages of small ones (khugepaged), or takes
 *	  memory offline. Pages of hugetlbfs are moved for the last reason only.
 *	  Pages stay for certain while a driver of the kernel holds them: mapped
 *	  by VFIO, or registered with io_uring.
 *	- That a page of private memory stays in its frame after a fork(2): who
 *	  writes to it first gets a copy. madvise(2) with MADV_DONTFORK helps.
 *	- That locks are counted. Linux does not: a page that the program
 *	  itself has locked, or that two registries have, is unlocked when the
 *	  first of them gives it back.
 *	- That a device may reach the frame: behind an IOMMU it may not, without
 *	  a mapping there.
 */
#ifndef IOAS_PAGEMAP_H
#define IOAS_PAGEMAP_H

#include <ioas/api.h>
#include <ioas/mem.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ioas_backend_pagemap_create() - make a back end of real frames
 * @ret_backend: the back end, for the config of ioas_registry_create(); the
 *               caller's until ioas_backend_pagemap_destroy(), which comes
 *               after the end of every registry that uses it
 *
 * It is for this process: in a forked child nothing can be registered with it,
 * the answer is -EFAULT. The page shift of the registry is the system's, or
 * larger: then a page is -EFAULT unless it is aligned and in one piece, as
 * pages of hugetlbfs are. To lock pages takes CAP_IPC_LOCK or RLIMIT_MEMLOCK;
 * what is more than that is -ENOMEM.
 *
 * Return: 0, or
 *   -EPERM   frame numbers are hidden from this process
 *   -ENOENT  the system has no /proc/self/pagemap
 *   -EMFILE  no descriptor left in the process
 *   -ENFILE  none left in the system
 *   -ENOMEM  no memory
 * ioas_backend_pagemap_reason() says it in words.
 *
 * Threads: any
 * Source: Linux 6.12, Documentation/admin-guide/mm/pagemap.rst
 */
IOAS_API IOAS_MUST int
ioas_backend_pagemap_create(const struct ioas_backend **ret_backend);

/**
 * ioas_backend_pagemap_destroy() - end it
 * @backend: made by ioas_backend_pagemap_create(); NULL is fine
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses it
 * Source: none
 */
IOAS_API void ioas_backend_pagemap_destroy(const struct ioas_backend *backend);

/**
 * ioas_backend_pagemap_reason() - what to tell a user
 * @error: what ioas_backend_pagemap_create() returned
 *
 * Return: a sentence: what is missing, and how to get it; cannot fail
 *
 * Threads: any, async-signal-safe
 * Source: none
 */
IOAS_API const char *ioas_backend_pagemap_reason(int error);

#ifdef __cplusplus
}
#endif

#endif /* IOAS_PAGEMAP_H */
