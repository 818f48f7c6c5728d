/* SPDX-License-Identifier: MIT */
/*
 * Interrupts under threads that do everything at once. Two devices share a
 * controller without isolation, so each can reach the events of the other.
 *
 *	first, second  raise their own, write each other's, by table and by DMA
 *	program        gives vectors new events, switches off and on again
 *	space          moves the first to a new space, and ends the old one
 *
 * An event that was taken away is dead until it is given again much later;
 * raising it breaks MSI-7. message [SECONDS]. The exit status is 1 when a law
 * was broken, whose name is printed; what was seen is printed as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/event.h"
#include "host/host.h"
#include "model.h"
#include "pci/function.h"
#include "stress.h"

#define EVENTS 4096
#define WINDOW UINT64_C(0x8000000)
#define SHIFT  12
#define TABLE  0x800
#define BAR    2

static struct {
	struct ioas_msi msi;
	struct ioas_msi_doorbells doorbells;
	struct ioas_device *device[2];
	struct ioas_space *space[2];
	struct ioas_a32 alive[EVENTS];
	struct ioas_a32 stop;
	struct ioas_a64 raised, lost, spoofed;
	uint64_t spaces, exchanges; /* of one thread each */
	unsigned int next_event;    /* the program's */
	uint32_t number[2];         /* of each vector 0; constant */
} s;

static void signal_event(int event)
{
	if (!ioas_a32_load(&s.alive[event]))
		broken("MSI-7", "an event was raised that had been taken away");
	ioas_a64_add(&s.raised, 1);
}

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind == IOAS_EVENT_MESSAGE_LOST)
		ioas_a64_add(&s.lost, 1);
	if (ev->kind == IOAS_EVENT_SPOOF)
		ioas_a64_add(&s.spoofed, 1);
}

/* ---- The devices. ---- */

static const struct ioas_model model = {
	.name = "stress",
	.summary = "raises interrupts",
	.function = {.vendor = 1,
                     .device = 2,
                     .bar = {[BAR] = {.size = 0x1000}},
                     .msix_vectors = 2,
                     .msix_bar = BAR,
                     .msix_table = TABLE,
                     .msix_pba = 0xc00,
                     .pcie = true},
	.create = create,
	.destroy = nothing,
	.reset = nothing,
	.load = load,
	.store = store,
};

static struct ioas_space *make_space(void)
{
	const struct ioas_space_config config = {
		.page_shift = SHIFT,
		.aperture = {0, ioas_mask_lg2(39)},
	};
	struct ioas_space *space = NULL;

	must(ioas_space_create(&config, &space));
	ioas_space_msi_set(space, s.doorbells.window, true);
	must(ioas_space_install(space, &s.doorbells));
	return space;
}

/* ---- Threads. ---- */

/* Its own vector 0; by vector 1, and by DMA, the other one's vector 0. */
static void *raises(void *arg)
{
	struct ioas_device *self = s.device[(uintptr_t)arg];
	const uint32_t others = s.number[!(uintptr_t)arg];

	while (!ioas_a32_load(&s.stop)) {
		ioas_lock(&self->lock);
		ioas_device_interrupt(self, 0);
		ioas_device_interrupt(self, 1);
		(void)!ioas_dma_write(self, WINDOW + 0x40, &others,
		                      sizeof(others), NULL);
		ioas_unlock(&self->lock);
	}
	return NULL;
}

static int new_event(void)
{
	int event = (int)(s.next_event++ % EVENTS);

	ioas_a32_store(&s.alive[event], 1);
	return event;
}

static void kill_event(int event)
{
	if (event >= 0)
		ioas_a32_store(&s.alive[event], 0);
}

/* Vector 1 writes what the other device's vector 0 is. */
static void point_at_other(unsigned int i)
{
	ioas_device_store(s.device[i], BAR, TABLE + 16, 8, WINDOW + 0x40);
	ioas_device_store(s.device[i], BAR, TABLE + 24, 4, s.number[!i]);
	ioas_device_store(s.device[i], BAR, TABLE + 28, 4, 0);
}

static void switch_on(unsigned int i)
{
	struct ioas_msi_doorbell d;

	must(ioas_msi_doorbells_prepare(
		&s.doorbells, (struct phys){s.msi.kind->doorbell}, &d));
	must(ioas_device_irq_prepare(s.device[i], IOAS_IRQ_MSIX, &d));
	ioas_device_irq_on(s.device[i], IOAS_IRQ_MSIX, 2);
	ioas_device_irq_set(s.device[i], 0, new_event());
}

static void switch_off(unsigned int i)
{
	kill_event(ioas_device_irq_set(s.device[i], 0, IOAS_NO_EVENT));
	ioas_device_irq_off(s.device[i]);
}

/* Numbers of a device that is off and on again are the same: first fit. */
static void *programs(void *arg)
{
	unsigned int i;

	for (i = 0; !ioas_a32_load(&s.stop); i++) {
		unsigned int which = i & 1;

		kill_event(
			ioas_device_irq_set(s.device[which], 0, new_event()));
		s.exchanges++;
		if (i % 64 < 2) {
			switch_off(which);
			switch_on(which);
			point_at_other(which);
		}
	}
	return NULL;
}

static void *moves(void *arg)
{
	while (!ioas_a32_load(&s.stop)) {
		struct ioas_space *fresh = make_space(), *old = s.space[0];

		ioas_device_attach(s.device[0], s.spaces & 1 ? NULL : fresh);
		ioas_device_attach(s.device[0], fresh);
		s.space[0] = fresh;
		ioas_space_destroy(old);
		s.spaces++;
	}
	return NULL;
}

/* ---- Life. ---- */

static void begin_device(unsigned int i)
{
	const struct ioas_device_request request = {
		.model = &model,
		.bdf = {.bus = (uint8_t)(i + 1)},
		.msi = &s.msi,
	};
	const uint16_t command = 6;

	must(ioas_device_create(&request, &s.device[i], NULL));
	ioas_device_config_write(s.device[i], 4, &command, sizeof(command));
	switch_on(i);
	s.number[i] = s.device[i]->irq.claim.first;
	s.space[i] = make_space();
	ioas_device_attach(s.device[i], s.space[i]);
}

static void begin(void)
{
	static struct ioas_observer observer = {.event = hear};
	const struct iova_range window = {WINDOW, WINDOW + 0xfffff};

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	ioas_hooks.signal = signal_event;
	ioas_observe(&observer);
	s.msi.kind = &ioas_msi_v2m;
	ioas_msi_doorbells_init(&s.doorbells, &window, SHIFT);
	begin_device(0);
	begin_device(1);
	point_at_other(0);
	point_at_other(1);
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		switch_off(i);
		ioas_device_destroy(s.device[i]);
		ioas_space_destroy(s.space[i]);
	}
	if (s.msi.claims)
		broken("MSI-7", "a claim is left");
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	static void *(*const life[])(void *) = {raises, raises, programs,
	                                        moves};
	pthread_t thread[4];
	uintptr_t i;

	begin();
	for (i = 0; i < 4; i++)
		must(-pthread_create(&thread[i], NULL, life[i], (void *)i));
	sleep(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	end();
	printf("raised %" PRIu64 ", lost %" PRIu64 ", another's %" PRIu64
	       ", spaces %" PRIu64 ", events %" PRIu64 "\n",
	       ioas_a64_load(&s.raised), ioas_a64_load(&s.lost),
	       ioas_a64_load(&s.spoofed), s.spaces, s.exchanges);
	if (!ioas_a64_load(&s.raised) || !ioas_a64_load(&s.lost) ||
	    !ioas_a64_load(&s.spoofed) || !s.spaces || !s.exchanges) {
		puts("nothing met anything: this shows nothing");
		return 2;
	}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
