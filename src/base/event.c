/* SPDX-License-Identifier: MIT */
#include "base/event.h"

struct ioas_aptr ioas_observers;

void ioas_observe(struct ioas_observer *observer)
{
	observer->next = ioas_aptr_load(&ioas_observers);
	/* Pairs with the load in ioas_tell(): next is seen with it. */
	ioas_aptr_store(&ioas_observers, observer);
}

void ioas_tell_observers(struct ioas_observer *first,
                         const struct ioas_event *ev)
{
	struct ioas_observer *o;

	for (o = first; o; o = o->next)
		o->event(o, ev);
}

bool ioas_event_wanted(enum ioas_event_kind kind)
{
	/* Pairs with the store in ioas_observe(). */
	const struct ioas_observer *o = ioas_aptr_load(&ioas_observers);

	while (o && (o->deaf >> kind & 1))
		o = o->next;
	return o != NULL;
}
