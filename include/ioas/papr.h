/* SPDX-License-Identifier: MIT */
/**
 * DOC: DMA windows of a guest
 *
 * A guest of a POWER hypervisor has no IOMMU that it could program. It asks:
 * RTAS calls make and remove windows, hypercalls write their entries. Here are
 * both, over sets of windows (<ioas/window.h>), for who runs such a guest.
 *
 *	guest --RTAS------> bridge, by its BUID ----> create, remove
 *	      --hypercall-> window, by its LIOBN ---> entries
 *	                        |
 *	    guest's address --map--> program address --> registered memory
 *
 * A guest has one struct ioas_papr: a map of its memory, and its host bridges.
 * A bridge is a set of windows with the numbers that the guest knows it by: the
 * BUID of the bridge, and the LIOBN of each window, which is that of the bridge
 * and the window's slot. Windows of a bridge are made and removed through it
 * alone. The set has a registry; an entry leads to memory that is registered.
 *
 * Hypercalls come on any number of threads while windows come and go. One that
 * found its window goes on with that window: who removes it waits.
 *
 * Laws
 *	PAPR-1  every argument and every entry is checked before anything is
 *	        written
 *	PAPR-2  a hypercall is done as a whole or not at all; it is too hard
 *	        only where it may not sleep
 *	PAPR-3  a LIOBN leads to one window or to none; when the call that
 *	        removed it has returned, nobody writes by what it led to
 *	PAPR-4  a guest's list is read once: what was checked is what is written
 *	PAPR-5  memory that was taken out of the map is not used by any call any
 *	        more when that has returned
 *	PAPR-6  looking for a LIOBN and for memory takes no lock and allocates
 *	        nothing
 *	PAPR-7  a RTAS call that answers an error has changed nothing; but a
 *	        reset without memory for the default window leaves none
 *
 * Numbers of a guest are 64-bit registers, or cells: 32 bits, the most
 * significant byte first. Addresses and lengths are bytes. Nothing here sets
 * errno; errors are negative, and leave results and state as they were.
 * ioas_begin() comes first. A forked child has no guests.
 */
#ifndef IOAS_PAPR_H
#define IOAS_PAPR_H

#include <stdbool.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/window.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas_papr;
struct ioas_papr_bridge;

/** enum ioas_hcall - hypercalls, by the number in the guest's r3. */
enum ioas_hcall {
	IOAS_H_GET_TCE = 0x1c,           /* LIOBN, IOBA: entry */
	IOAS_H_PUT_TCE = 0x20,           /* LIOBN, IOBA, entry */
	IOAS_H_STUFF_TCE = 0x138,        /* LIOBN, IOBA, entry, count */
	IOAS_H_PUT_TCE_INDIRECT = 0x13c, /* LIOBN, IOBA, list, count */
};

/** enum ioas_hcall_answer - what r3 has after a hypercall. */
enum ioas_hcall_answer {
	IOAS_H_SUCCESS = 0,
	IOAS_H_PARTIAL = 5,
	IOAS_H_TOO_HARD = 9999, /* no guest sees it: call again, and sleep */
	IOAS_H_FUNCTION = -2,
	IOAS_H_PARAMETER = -4,
	IOAS_H_NOT_ENOUGH_RESOURCES = -44,
};

/** enum ioas_rtas - RTAS calls, as configured with their tokens. */
enum ioas_rtas {
	IOAS_RTAS_QUERY,  /* ibm,query-pe-dma-window */
	IOAS_RTAS_CREATE, /* ibm,create-pe-dma-window */
	IOAS_RTAS_REMOVE, /* ibm,remove-pe-dma-window */
	IOAS_RTAS_RESET,  /* ibm,reset-pe-dma-window */
	IOAS_RTAS_CALLS
};

/** enum ioas_rtas_status - first cell that a RTAS call returns. */
enum ioas_rtas_status {
	IOAS_RTAS_SUCCESS = 0,
	IOAS_RTAS_HARDWARE = -1,
	IOAS_RTAS_PARAMETER = -3,
};

/** struct ioas_papr_config - see ioas_papr_create(). */
struct ioas_papr_config {
	/*
	 * By enum ioas_rtas, as the guest's device tree has them; 0: there is
	 * no such call.
	 */
	uint32_t token[IOAS_RTAS_CALLS];
};

/** struct ioas_papr_memory - a piece of a guest's memory. */
struct ioas_papr_memory {
	uint64_t gpa;   /* guest's address, a multiple of 4 KiB */
	uint64_t uaddr; /* program address, likewise; not 0 */
	uint64_t bytes; /* likewise; not 0 */
};

/**
 * struct ioas_papr_bridge_config - see ioas_papr_bridge_create().
 * @windows: the set, with a registry; borrowed while the bridge lives. Groups
 *           are attached before
 * @buid:    what RTAS calls name the bridge by
 * @liobn:   of the window in slot 0; the next IOAS_WINDOWS_MAX - 1 numbers are
 *           the bridge's too
 * @entries: most that a window may have, which is what query says; 0: 2^37
 */
struct ioas_papr_bridge_config {
	struct ioas_windows *windows;
	uint64_t buid;
	uint32_t liobn;
	uint64_t entries;
};

/** struct ioas_papr_window - what a LIOBN leads to. */
struct ioas_papr_window {
	uint32_t liobn;
	unsigned int slot;
	unsigned int page_shift;
	uint64_t start; /* IOBA of the first byte */
	uint64_t bytes;
};

/**
 * struct ioas_hypercall - registers of a guest's processor; see
 * ioas_papr_hypercall().
 * @number:    r3: enum ioas_hcall
 * @arg:       r4 to r7
 * @may_sleep: false: where it would take long, the answer is IOAS_H_TOO_HARD
 * @ret:       r4 afterwards, of those that return something
 */
struct ioas_hypercall {
	uint64_t number;
	uint64_t arg[4];
	bool may_sleep;
	uint64_t ret;
};

/**
 * ioas_papr_create() - begin a guest: no memory, no bridge
 * @config:   what it is like, not kept; NULL: without RTAS
 * @ret_papr: the guest, the caller's until ioas_papr_destroy()
 *
 * Return: 0, or
 *   -EINVAL  two calls have the same token
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: none
 */
IOAS_API IOAS_MUST int ioas_papr_create(const struct ioas_papr_config *config,
                                        struct ioas_papr **ret_papr);

/**
 * ioas_papr_destroy() - end a guest, and its bridges
 * @papr: the guest; NULL is fine
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses the guest or its bridges
 * Source: none
 */
IOAS_API void ioas_papr_destroy(struct ioas_papr *papr);

/**
 * ioas_papr_add_memory() - the guest has memory there from now on
 * @papr:  the guest
 * @piece: where, and where that is in the program
 *
 * The program's memory is looked at only when a call is about it; it has to be
 * registered before entries can lead there. An I/O page lies in one piece.
 *
 * Return: 0, or
 *   -EINVAL  empty, not whole pages of 4 KiB, at program address 0, or wraps
 *   -EEXIST  part of it has memory, or part of that memory is the guest's
 *            under another address
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, Documentation/virt/kvm/api.rst,
 *         KVM_SET_USER_MEMORY_REGION
 */
IOAS_API IOAS_MUST int
ioas_papr_add_memory(struct ioas_papr *papr,
                     const struct ioas_papr_memory *piece);

/**
 * ioas_papr_remove_memory() - and not any more (PAPR-5)
 * @papr: the guest
 * @gpa:  guest's address of a piece
 *
 * What was mapped there stays mapped: its entries are still those of the guest,
 * and its region cannot be unregistered before they are cleared.
 *
 * Return: 0, or
 *   -ENOENT  no piece begins there
 *
 * Threads: any, not inside a section
 * Source: Linux 7.3, Documentation/virt/kvm/api.rst,
 *         KVM_SET_USER_MEMORY_REGION
 */
IOAS_API IOAS_MUST int ioas_papr_remove_memory(struct ioas_papr *papr,
                                               uint64_t gpa);

/**
 * ioas_papr_bridge_create() - give the guest a host bridge
 * @papr:       the guest
 * @config:     what it is, not kept
 * @ret_bridge: the bridge, the caller's until ioas_papr_bridge_destroy() or
 *              ioas_papr_destroy()
 *
 * Windows that the set has get their LIOBNs. A default window that is pending
 * is made: the guest's device tree tells of it.
 *
 * Return: 0, or
 *   -EINVAL  no set, or LIOBNs beyond 2^32 - 1
 *   -EEXIST  BUID or LIOBNs are another bridge's
 *   -ENOMEM  no memory; or what the default window's tables are charged to
 *            refused
 *   or what ioas_windows_unmap() says of a pending default window
 *
 * Threads: any, not inside a section
 * Source: LoPAPR 1.1, dynamic DMA windows
 */
IOAS_API IOAS_MUST int
ioas_papr_bridge_create(struct ioas_papr *papr,
                        const struct ioas_papr_bridge_config *config,
                        struct ioas_papr_bridge **ret_bridge);

/**
 * ioas_papr_bridge_destroy() - take it away; windows stay as they are
 * @bridge: the bridge; NULL is fine
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses the bridge, hypercalls and RTAS calls but for; not
 *          inside a section
 * Source: none
 */
IOAS_API void ioas_papr_bridge_destroy(struct ioas_papr_bridge *bridge);

/**
 * ioas_papr_bridge_reset() - back to the default window, with nothing mapped
 * @bridge: the bridge
 *
 * As the guest's own reset call does it; for a machine that is reset. A set
 * without dynamic windows has its default window cleared.
 *
 * Return: 0, or
 *   -ENOMEM  no memory for the default window: there is no window then
 *   or what ioas_window_create() and ioas_window_remove() say
 *
 * Threads: any, not inside a section
 * Source: LoPAPR 1.1, dynamic DMA windows
 */
IOAS_API IOAS_MUST int ioas_papr_bridge_reset(struct ioas_papr_bridge *bridge);

/**
 * ioas_papr_find_window() - what a LIOBN leads to at this moment
 * @papr:       the guest
 * @liobn:      the number, as it is in the guest's register
 * @ret_window: filled in
 *
 * Return: 0, or
 *   -ENOENT  there is no such window
 *
 * Threads: any; takes no lock
 * Source: LoPAPR 1.1, property ibm,dma-window
 */
IOAS_API IOAS_MUST int
ioas_papr_find_window(struct ioas_papr *papr, uint64_t liobn,
                      struct ioas_papr_window *ret_window);

/**
 * ioas_papr_hypercall() - a guest's hypercall about entries
 * @papr: the guest
 * @call: its registers; ret is written when the answer says so
 *
 * An entry is the guest's address of an I/O page, or'd with 1 (a device may
 * read) and 2 (may write). Neither: nothing is mapped, whatever the address,
 * which is not kept.
 *
 * GET_TCE returns the entry in ret; 0 when nothing is mapped. PUT_TCE writes
 * one. STUFF_TCE clears as many as arg[3] says. PUT_TCE_INDIRECT writes up to
 * 512 from a list in the guest's memory, entries of 8 bytes, the most
 * significant byte first; all of them or none.
 *
 * Checked in this order: number, LIOBN, count, that the list is a page,
 * alignment and range of the IOBA, that the list is there, the entries.
 *
 * Return: enum ioas_hcall_answer (an error is the guest's, the call itself
 * cannot fail):
 *   IOAS_H_SUCCESS    done
 *   IOAS_H_PARTIAL    GET_TCE: something is mapped that is not in the map of
 *                     memory any more: ret has the permission alone
 *   IOAS_H_TOO_HARD   not without sleeping; nothing has changed
 *   IOAS_H_FUNCTION   it is none of these calls
 *   IOAS_H_PARAMETER  no window has that LIOBN, the IOBA is unaligned or
 *                     outside; more than 512, a list that is no page of 4 KiB
 *                     or not there; STUFF_TCE: a permission; a page that is
 *                     unaligned, not in the map, not registered, not for this,
 *                     or larger than what is contiguous there
 *   IOAS_H_NOT_ENOUGH_RESOURCES  no memory for a table
 *
 * Threads: any, not inside a section. Takes the set's lock
 * Source: LoPAPR 1.1, hypercalls of the TCE option; Linux 7.3,
 *         arch/powerpc/kvm/book3s_64_vio.c, arch/powerpc/include/asm/hvcall.h
 */
IOAS_API IOAS_MUST int64_t ioas_papr_hypercall(struct ioas_papr *papr,
                                               struct ioas_hypercall *call);

/**
 * ioas_papr_rtas() - a guest's RTAS call about windows
 * @papr: the guest
 * @gpa:  guest's address of the block: cells of token, number of arguments,
 *        number of returns, then arguments, then returns
 *
 * What is returned is written into the block. The first cell is the status,
 * enum ioas_rtas_status; others are as they were unless that is 0. Arguments
 * and, below them, returns:
 *
 *	query   address, BUID high, low
 *	        status, windows that can be made, most entries of one, page
 *	        sizes, 0; of six cells two are the entries, high and low
 *	create  address, BUID high, low, page shift, window shift
 *	        status, LIOBN, start high, low
 *	remove  LIOBN
 *	        status
 *	reset   address, BUID high, low
 *	        status
 *
 * The configuration address is not looked at: windows are the bridge's. Page
 * sizes: bit 0 4 KiB, 1 64 KiB, 2 16 MiB, 3 32 MiB, 4 64 MiB, 5 128 MiB, 6
 * 256 MiB, 7 16 GiB, 8 2 MiB.
 *
 * Status IOAS_RTAS_PARAMETER: other numbers of cells, no such bridge or window,
 * a set without dynamic windows, a page size that is not offered, a window
 * smaller than a page, with more entries than offered, or of a size that the
 * platform refuses. IOAS_RTAS_HARDWARE: no window is left, no memory, or a
 * group refused.
 *
 * Return: 0 (also when the status is an error), or
 *   -ENOENT  the token is of none of these calls
 *   -EFAULT  the block is not in the guest's memory
 *   -EINVAL  there is no cell for the status
 *
 * Threads: any, not inside a section. Waits for hypercalls and takes the set's
 *          lock
 * Source: LoPAPR 1.1, dynamic DMA windows; Linux 7.3,
 *         arch/powerpc/platforms/pseries/iommu.c
 */
IOAS_API IOAS_MUST int ioas_papr_rtas(struct ioas_papr *papr, uint64_t gpa);

#ifdef __cplusplus
}
#endif

#endif /* IOAS_PAPR_H */
