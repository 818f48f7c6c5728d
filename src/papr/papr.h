/* SPDX-License-Identifier: MIT */
/*
 * DMA windows of a guest, inside. What they are, and their laws: <ioas/papr.h>.
 *
 * What hypercalls look for is found inside of a section of IOAS_GRACE_GUEST,
 * which lasts as long as the call:
 *
 *	LIOBN --ioas->bridges--> bridge --shown[slot]--> window: constant
 *	gpa   --ioas->memory---> program address
 *
 * Who takes something away clears the place where it is found, waits for the
 * sections of before, and only then does the rest (PAPR-3, PAPR-5): removes the
 * window from its set, or returns to the program, which may free the memory. A
 * hypercall may wait for the set's lock and for devices in its section; so who
 * holds the set's lock never waits for hypercalls.
 *
 * Lock order: papr.lock, the set's. Hypercalls never take papr.lock.
 */
#ifndef IOAS_PAPR_PAPR_H
#define IOAS_PAPR_PAPR_H

#include <ioas/papr.h>

#include "base/lock.h"
#include "papr/ranges.h"

#define IOAS_TCE_PAGE_LG2 12 /* of PAPR's least page, and of a list */
#define IOAS_TCE_PERM     (IOAS_READ | IOAS_WRITE)

struct ioas_papr_bridge {
	struct ioas_papr *papr;        /* constant */
	struct ioas_papr_bridge *next; /* papr.lock */
	struct ioas_windows *windows;  /* constant */
	uint64_t buid, entries;        /* constant */
	uint32_t liobn;                /* constant */
	/*
	 * Of each slot that has a window its place in `window`. Written with
	 * papr.lock; the store pairs with the load of a hypercall, which sees
	 * the window as it was before. A window that is shown is constant.
	 */
	struct ioas_aptr shown[IOAS_WINDOWS_MAX];
	struct ioas_papr_window window[IOAS_WINDOWS_MAX];
};

struct ioas_papr {
	struct ioas_papr_config config; /* constant */
	struct ioas_lock lock;          /* of whoever changes what follows */
	struct ioas_ranges memory;      /* gpa: program address */
	struct ioas_ranges bridges;     /* LIOBN: struct ioas_papr_bridge */
	struct ioas_papr_bridge *first;
};

/*
 * Inside a section of IOAS_GRACE_GUEST; what is found is good in it. NULL: no
 * window has that LIOBN.
 */
const struct ioas_papr_window *
ioas_papr_window_locked(struct ioas_papr *papr, uint64_t liobn,
                        struct ioas_papr_bridge **ret_bridge);

/*
 * The program address of a guest's range, all of it in one piece; 0: there is
 * no memory. Likewise inside a section.
 */
uint64_t ioas_papr_memory_locked(struct ioas_papr *papr, uint64_t gpa,
                                 uint64_t bytes);

/* The bridge of a BUID, or NULL. With papr.lock. */
struct ioas_papr_bridge *ioas_papr_bridge_locked(struct ioas_papr *papr,
                                                 uint64_t buid);

/* Its window is there: tell the guest. With papr.lock. */
const struct ioas_papr_window *
ioas_papr_show_locked(struct ioas_papr_bridge *bridge,
                      const struct ioas_window_info *info);

/*
 * Nobody finds the window any more, then it is removed. With papr.lock; not
 * inside a section. Return: 0 or as ioas_window_remove(); then it is as before.
 */
int ioas_papr_remove_locked(struct ioas_papr_bridge *bridge, unsigned int slot);

/* Back to the default window: ioas_papr_bridge_reset(), with papr.lock. */
int ioas_papr_reset_locked(struct ioas_papr_bridge *bridge);

#endif /* IOAS_PAPR_PAPR_H */
