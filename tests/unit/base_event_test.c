/* SPDX-License-Identifier: MIT */
#include "base/event.h"
#include "rig.h"

struct counter {
	struct ioas_observer observer;
	unsigned int events;
	enum ioas_event_kind kind;
};

static void count(struct ioas_observer *self, const struct ioas_event *ev)
{
	struct counter *c = ioas_container_of(self, struct counter, observer);

	c->events++;
	c->kind = ev->kind;
}

static void telling_nobody_is_fine(struct rig *r)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_RESET};

	ioas_aptr_store(&ioas_observers, NULL);
	ioas_tell(&ev);
}

static void every_observer_hears_every_event(struct rig *r)
{
	static struct counter a, b;
	struct ioas_event ev = {.kind = IOAS_EVENT_UNMAP};

	ioas_aptr_store(&ioas_observers, NULL);
	a = b = (struct counter){.observer = {.event = count}};
	ioas_observe(&a.observer);
	ioas_tell(&ev);
	ioas_observe(&b.observer);
	ioas_tell(&ev);
	assert_int_equal(a.events, 2);
	assert_int_equal(b.events, 1);
	assert_int_equal(b.kind, IOAS_EVENT_UNMAP);
}

RIG_MAIN("base_event", RIG_TEST(telling_nobody_is_fine),
         RIG_TEST(every_observer_hears_every_event))
