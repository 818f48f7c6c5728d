/* SPDX-License-Identifier: MIT */
/*
 * The views there are, in slots: how they are looked up (preload/views.h) and
 * how they change, for who makes the system calls.
 *
 * A change of [start, end) has two steps. First the views that reach over
 * either end are split there (isolate), which changes nothing that can be
 * seen, so that it need not be undone when memory runs out. Then the system
 * call is made, and each view is inside or outside as a whole.
 *
 * Between begin and finish the lock of the views is held, with signals
 * blocked; what is marked _locked is for there.
 */
#ifndef IOAS_PRELOAD_SLOTS_H
#define IOAS_PRELOAD_SLOTS_H

#include "base/hooks.h"
#include "preload/views.h"

struct ioas_view_change {
	struct ioas_signals signals;
	struct ioas_dead *gone; /* views to end when the lock is free again */
};

void ioas_views_begin(struct ioas_view_change *change);
/* Return: @result. */
long ioas_views_finish(struct ioas_view_change *change, long result);

/* The view in a slot below IOAS_VIEWS_MAX, or NULL. */
struct ioas_view *ioas_view_in(unsigned int slot);
/* A view, or NULL, in place of what is in the slot. */
void ioas_view_put_locked(unsigned int slot, struct ioas_view *view,
                          struct ioas_view_change *change);
/* IOAS_VIEWS_MAX: there is none. */
unsigned int ioas_views_free_slot_locked(void);

/* A part of a view, with a count of its own. NULL: no memory. */
struct ioas_view *ioas_view_part(const struct ioas_view *view, uint64_t start,
                                 uint64_t end);
/* Of one that is in no slot. */
void ioas_view_end(struct ioas_dead *dead);

/* Does it begin in [start, end)? NULL does not. */
bool ioas_view_is_inside(const struct ioas_view *view, uint64_t start,
                         uint64_t end);
/* Return: 0 or -ENOMEM. */
long ioas_views_isolate_locked(uint64_t start, uint64_t end,
                               struct ioas_view_change *change);
/* @but: what has taken their place, so that at no moment is nothing there. */
void ioas_views_remove_locked(uint64_t start, uint64_t end,
                              const struct ioas_view *but,
                              struct ioas_view_change *change);

/* In a forked child: nobody holds the lock there. */
void ioas_views_lock_forked(void);

#endif /* IOAS_PRELOAD_SLOTS_H */
