/* SPDX-License-Identifier: MIT */
/*
 * bench-interrupt: from ioas_device_interrupt() to the event, by a message that
 * the space translates and a controller decodes, beside a device that has none
 * and raises the event at once. First with what an event of a program costs (an
 * eventfd, written), then without, which is all that is ours.
 *
 * The space of the Arm profile has mappings beside its doorbell, as it does in
 * use.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "benchmarks/meter.h"
#include "host/host.h"
#include "mem/mem.h"
#include "pci/function.h"

#define SHIFT  12
#define WINDOW UINT64_C(0x8000000)
#define PAGES  512

struct peer {
	struct ioas_msi msi;
	struct ioas_device *dev;
	struct ioas_space *space;
};

static struct ioas_mem_account account = {.limit = UINT64_MAX};
static struct ioas_mem mem;
static unsigned long raised;
static void (*write_event)(int event);

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "bench-interrupt: %s: %s\n", what, strerror(-err));
	exit(1);
}

static void count_event(int event)
{
	(void)event;
	raised++;
}

/* ---- A device that does nothing. ---- */

static int create(struct ioas_device *dev, void **ret_state)
{
	*ret_state = dev;
	return 0;
}

static void nothing(void *state)
{
	(void)state;
}

static uint64_t load(void *state, unsigned int bar, uint64_t offset,
                     unsigned int size)
{
	return 0;
}

static void store(void *state, unsigned int bar, uint64_t offset,
                  unsigned int size, uint64_t value)
{
}

static const struct ioas_model model = {
	.name = "bench",
	.summary = "raises interrupts",
	.function = {.vendor = 1,
                     .device = 2,
                     .bar = {[0] = {.size = 0x1000}},
                     .msix_vectors = 8,
                     .msix_table = 0x800,
                     .msix_pba = 0xc00,
                     .pcie = true},
	.create = create,
	.destroy = nothing,
	.reset = nothing,
	.load = load,
	.store = store,
};

/* ---- Peers. ---- */

static void map_beside(struct ioas_space *space)
{
	const uint64_t bytes = (uint64_t)PAGES << SHIFT;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct ioas_map_request request = {
		.mem = &mem,
		.range = {WINDOW - bytes, WINDOW - 1},
		.uaddr = {(uintptr_t)memory},
		.perm = IOAS_READ | IOAS_WRITE,
	};

	must(memory == MAP_FAILED ? -1 : 0, "memory");
	ioas_lock(&space->lock);
	must(ioas_space_map_locked(space, &request), "map");
	ioas_unlock(&space->lock);
}

static struct ioas_space *make_space(const struct ioas_msi_kind *kind)
{
	const struct ioas_space_config config = {
		.page_shift = SHIFT,
		.aperture = {0, ioas_mask_lg2(48)},
	};
	struct ioas_space *space = NULL;

	must(ioas_space_create(&config, &space), "space");
	if (kind)
		ioas_space_msi_set(
			space,
			kind->doorbell ? (struct iova_range){WINDOW, 0x80fffff}
				       : kind->range,
			kind->doorbell);
	map_beside(space);
	return space;
}

/* MSI-4: mapped, then the vectors. */
static void prepare(struct peer *p, const struct ioas_msi_kind *kind)
{
	static struct ioas_msi_doorbells doorbells;
	const struct iova_range window = {WINDOW, 0x80fffff};
	struct ioas_msi_doorbell d;

	if (kind && kind->doorbell) {
		ioas_msi_doorbells_init(&doorbells, &window, SHIFT);
		must(ioas_msi_doorbells_prepare(
			     &doorbells, (struct phys){kind->doorbell}, &d),
		     "doorbell");
		must(ioas_space_install(p->space, &doorbells), "doorbell");
	}
	must(ioas_device_irq_prepare(p->dev, IOAS_IRQ_MSIX,
	                             kind && kind->doorbell ? &d : NULL),
	     "numbers");
}

static void make_peer(struct peer *p, const struct ioas_msi_kind *kind,
                      int event)
{
	const struct ioas_device_request request = {
		.model = &model,
		.bdf = {.bus = 1},
		.msi = kind ? &p->msi : NULL,
	};
	const uint16_t command = 6;

	p->msi.kind = kind;
	p->space = make_space(kind);
	must(ioas_device_create(&request, &p->dev, NULL), "device");
	ioas_device_config_write(p->dev, 4, &command, sizeof(command));
	ioas_device_attach(p->dev, p->space);
	prepare(p, kind);
	ioas_device_irq_on(p->dev, IOAS_IRQ_MSIX, 8);
	ioas_device_irq_set(p->dev, 5, event);
}

static void raise(void *state, unsigned long n)
{
	struct peer *p = state;

	ioas_lock(&p->dev->lock);
	while (n--)
		ioas_device_interrupt(p->dev, 5);
	ioas_unlock(&p->dev->lock);
}

/* ---- Rows. ---- */

static void measure(struct meter_case *c, const char *const wanted[3])
{
	unsigned int i;

	meter_run(c, 4);
	for (i = 1; i < 4; i++)
		meter_row("interrupt", &c[i], &c[0], wanted[i - 1]);
}

int main(void)
{
	static const struct ioas_msi_kind *const kind[] = {
		NULL, &ioas_msi_its, &ioas_msi_vtd, &ioas_msi_amd};
	static const char *const written[] = {"at once, eventfd",
	                                      "ITS, eventfd", "VT-d, eventfd",
	                                      "AMD-Vi, eventfd"};
	static const char *const counted[] = {"at once, counted",
	                                      "ITS, counted", "VT-d, counted",
	                                      "AMD-Vi, counted"};
	static const char *const slow[] = {"ratio >= 0.85", "ratio >= 0.85",
	                                   "ratio >= 0.85"};
	static const char *const open[] = {NULL, NULL, NULL};
	static struct peer peer[4];
	struct meter_case c[4];
	int event = eventfd(0, EFD_NONBLOCK);
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_mem_init(&mem, &account, SHIFT);
	for (i = 0; i < 4; i++) {
		make_peer(&peer[i], kind[i], event);
		c[i] = (struct meter_case){
			.name = written[i], .slice = raise, .state = &peer[i]};
	}
	measure(c, slow);
	write_event = ioas_hooks.signal;
	ioas_hooks.signal = count_event;
	for (i = 0; i < 4; i++)
		c[i] = (struct meter_case){
			.name = counted[i], .slice = raise, .state = &peer[i]};
	measure(c, open);
	ioas_hooks.signal = write_event;
	return raised ? 0 : 1;
}
