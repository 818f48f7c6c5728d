/* SPDX-License-Identifier: MIT */
#include "base/event.h"
#include "base/hooks.h"
#include "rig.h"
#include "rig_hooks.h"

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

static void a_kind_is_wanted_when_anybody_hears_it(struct rig *r)
{
	static struct counter a, b;

	(void)r;
	ioas_aptr_store(&ioas_observers, NULL);
	assert_false(ioas_event_wanted(IOAS_EVENT_RESET));
	a = b = (struct counter){.observer = {.event = count}};
	a.observer.deaf = 1u << IOAS_EVENT_RESET;
	ioas_observe(&a.observer);
	assert_false(ioas_event_wanted(IOAS_EVENT_RESET));
	assert_true(ioas_event_wanted(IOAS_EVENT_MAP));
	ioas_observe(&b.observer);
	assert_true(ioas_event_wanted(IOAS_EVENT_RESET));
}

static void without_a_hook_no_call_site_is_known(struct rig *r)
{
	struct ioas_hooks all = ioas_hooks;

	(void)r;
	ioas_a32_store(&rig_call_site, 5);
	assert_int_equal(ioas_call_site(), 5);
	ioas_hooks.call_site = NULL;
	assert_int_equal(ioas_call_site(), 0);
	ioas_hooks = all;
}

RIG_MAIN("base_event", RIG_TEST(telling_nobody_is_fine),
         RIG_TEST(every_observer_hears_every_event),
         RIG_TEST(a_kind_is_wanted_when_anybody_hears_it),
         RIG_TEST(without_a_hook_no_call_site_is_known))
