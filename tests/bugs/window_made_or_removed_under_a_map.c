/* SPDX-License-Identifier: MIT */
/*
 * Linux, tce_iommu_ioctl(): MAP_DMA and UNMAP_DMA run without the container's
 * lock, which CREATE and REMOVE have. So two calls may find the default window
 * owed and both make it; and an entry that is written after REMOVE has cleared
 * them all goes with its table, and its count stays.
 *
 * Here: windows are found, made, removed and written to under one lock. Another
 * thread's map, begun in the middle of the first call, waits for it.
 */
#include <pthread.h>

#include "window_rig.h"

/* A call on a thread of its own. */
static struct {
	uint64_t iova;
	unsigned int page;
	int answer;
	struct ioas_a32 ended, waits;
	bool started;
	pthread_t thread;
} other;

static void (*wait)(const struct ioas_a32 *word, uint32_t seen);

static void note_wait(const struct ioas_a32 *word, uint32_t seen)
{
	if (word == &w.ws->space->lock.word)
		ioas_a32_store(&other.waits, 1);
	wait(word, seen);
}

static void *maps(void *arg)
{
	other.answer = map(other.iova, other.page, 1, RW);
	ioas_a32_store(&other.ended, 1);
	return NULL;
}

/* Begins, and goes on until it waits for the lock, or is through. */
static void begin_other(void)
{
	unsigned int round = 0;

	if (other.started)
		return;
	other.started = true;
	if (pthread_create(&other.thread, NULL, maps, NULL))
		return;
	while (!ioas_a32_load(&other.waits) && !ioas_a32_load(&other.ended))
		ioas_hooks.relax(round++);
}

static void stop_noting(void *arg)
{
	ioas_hooks.wait = wait;
}

static void stand(struct rig *r, uint64_t iova, unsigned int page)
{
	start(r, "power9");
	memset(&other, 0, sizeof(other));
	other.iova = iova;
	other.page = page;
	wait = ioas_hooks.wait;
	ioas_hooks.wait = note_wait;
	rig_defer(r, stop_noting, NULL);
}

/* The first map pays for the default window, and is not done with it. */
static int charge_slowly(struct ioas_accountant *self, uint64_t npages)
{
	int ret = stand_charge(self, npages);

	begin_other();
	return ret;
}

static void the_default_window_is_made_once(struct rig *r)
{
	uint64_t paid;

	stand(r, IO, 1);
	rig_ok(r, map(0, 0, 1, RW));
	paid = charged();
	assert_int_equal(unmap(0, 1), 0);
	assert_int_equal(ioas_window_remove(w.ws, 0), 0);
	ioas_windows_detach(w.ws, &w.group[0].group);
	rig_ok(r, ioas_windows_attach(w.ws, &w.group[0].group));
	assert_true(about().default_pending && charged() == 0);
	w.accountant.charge = charge_slowly;
	assert_int_equal(map(0, 0, 1, RW), 0);
	assert_int_equal(pthread_join(other.thread, NULL), 0);
	assert_true(ioas_a32_load(&other.waits) == 1);
	assert_int_equal(other.answer, 0);
	assert_int_equal(about().live, 1);
	assert_true(charged() == paid);
	assert_true(leads_to(0, 0, RW) && leads_to(IO, 1, RW));
}

/* Entries have been cleared, and the window is being taken from its groups. */
static void unset_slowly(struct ioas_window_group *group, unsigned int slot)
{
	group_unset(group, slot);
	begin_other();
}

static const struct ioas_window_group_ops slow = {group_set, unset_slowly};

static void nothing_is_mapped_in_a_window_that_goes(struct rig *r)
{
	stand(r, 3 * IO, 1);
	window_at_0(r);
	rig_ok(r, map(0, 0, 1, RW));
	w.group[0].group.ops = &slow;
	assert_int_equal(ioas_window_remove(w.ws, 0), 0);
	assert_int_equal(pthread_join(other.thread, NULL), 0);
	assert_true(ioas_a32_load(&other.waits) == 1);
	assert_int_equal(other.answer, -ENXIO);
	assert_int_equal(about().live, 0);
	assert_true(counts() == 0 && charged() == 0);
}

/* A failing allocation on the thread would be nobody's. */
RIG_MAIN("bug window_made_or_removed_under_a_map",
         RIG_ONCE(the_default_window_is_made_once),
         RIG_ONCE(nothing_is_mapped_in_a_window_that_goes))
