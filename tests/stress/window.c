/* SPDX-License-Identifier: MIT */
/*
 * DMA windows under threads that do everything at once, on a back end that
 * knows which frames are pinned: a device that finds one which is not has found
 * what was taken away.
 *
 *	manager    creates, replaces and removes windows; groups come and go
 *	two mappers  map, put lists, unmap, each in addresses of its own
 *	registrar  registers and unregisters what they map
 *	device     translates in sections, and looks at whose the frame is
 *
 * Mappers ask without the lock whether their addresses are empty, while the
 * manager changes what windows there are.
 *
 * window [SECONDS]. The exit status is 1 when a law was broken, whose name is
 * printed. What was seen is printed as well: a stress in which nothing met
 * would show nothing.
 */
#include "window/window.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ioas/window.h>

#include "base/grace.h"
#include "host/host.h"
#include "stress.h"
#include "window/glance.h"

#define SHIFT   12
#define PAGE    (UINT64_C(1) << SHIFT)
#define REGIONS 8
#define PAGES   4    /* of a region */
#define FRAMES  8192 /* more than are pinned or wait to be unpinned */
#define BASE    (UINT64_C(1) << 40)
#define HIGH    (UINT64_C(1) << 59)
#define RW      (IOAS_READ | IOAS_WRITE)

static struct {
	struct ioas_lock lock; /* of who takes frames */
	unsigned int next;
	struct ioas_a32 pinned[FRAMES]; /* page + 1, or 0 */
	struct ioas_a64 charged;
	struct ioas_a32 stop;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_windows *ws;
	struct ioas_glance glance;
} s;

static struct {
	uint64_t done, refused, met;
	uint64_t empty; /* looks that said so */
} seen[5];

static bool going_on(void)
{
	return !ioas_a32_load(&s.stop);
}

/* ---- Frames: the longest free one is taken. ---- */

static int frame_pin(const struct ioas_backend *self,
                     const struct ioas_pin *pin,
                     struct ioas_extent *ret_extents, unsigned int max)
{
	uint64_t page = (pin->start - BASE) >> SHIFT;

	ioas_lock(&s.lock);
	do
		s.next = (s.next + 1) % FRAMES;
	while (!s.next || ioas_a32_load(&s.pinned[s.next]));
	ioas_a32_store(&s.pinned[s.next], (uint32_t)page + 1);
	ret_extents[0] = (struct ioas_extent){(uint64_t)s.next << SHIFT, 1};
	ioas_unlock(&s.lock);
	return 1;
}

static void frame_unpin(const struct ioas_backend *self,
                        const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	uint64_t i;

	for (i = 0; i < pin->npages; i++)
		ioas_a32_store(&s.pinned[(phys >> SHIFT) + i], 0);
}

/* As the device has it: frames are where memory is. */
static uint64_t frame_pointer(const struct ioas_backend *self, uint64_t phys)
{
	return phys;
}

static const struct ioas_backend frames = {
	.name = "frames",
	.pin = frame_pin,
	.unpin = frame_unpin,
	.pointer = frame_pointer,
};

static int charge(struct ioas_accountant *self, uint64_t npages)
{
	ioas_a64_add(&s.charged, npages);
	return 0;
}

static void uncharge(struct ioas_accountant *self, uint64_t npages)
{
	ioas_a64_add(&s.charged, -npages);
}

static struct ioas_accountant accountant = {charge, uncharge, NULL};

/* ---- The manager. ---- */

static int set(struct ioas_window_group *group,
               const struct ioas_window_program *program)
{
	return 0;
}

static void unset(struct ioas_window_group *group, unsigned int slot)
{
}

static const struct ioas_window_group_ops ops = {set, unset};
static struct ioas_window_group group[2] = {{.ops = &ops}, {.ops = &ops}};

static void manage_window(uint64_t *random)
{
	static const unsigned int levels[] = {1, 2, 3};
	struct ioas_window_shape shape = {
		.page_shift = SHIFT,
		.levels = levels[any(random, 3)],
		.bytes = UINT64_C(1) << (22 + any(random, 3)),
	};
	struct ioas_window_info info;
	uint64_t at = any(random, 2) ? HIGH : 0;
	int rc;

	switch (any(random, 3)) {
	case 0:
		rc = ioas_window_create(s.ws, &shape, &info);
		break;
	case 1:
		rc = ioas_window_replace(s.ws, at, &shape, &info);
		break;
	default:
		rc = ioas_window_remove(s.ws, at);
	}
	seen[0].done += !rc;
	seen[0].refused += rc != 0;
}

static void *manage(void *arg)
{
	uint64_t random = 88172645463325252, round = 0;

	for (; going_on(); round++) {
		manage_window(&random);
		if (round % 8)
			continue;
		ioas_windows_glance(s.ws, round % 64 ? &s.glance : NULL);
		ioas_windows_detach(s.ws, &group[1]);
		if (ioas_windows_attach(s.ws, &group[1]))
			broken("WIN-3", "a group was refused");
		seen[0].met++;
	}
	return NULL;
}

/* ---- The registrar. ---- */

static uint64_t region_at(unsigned int i)
{
	return BASE + i * PAGES * PAGE;
}

static void *register_(void *arg)
{
	uint64_t random = 362436069362436069;

	while (going_on()) {
		unsigned int i = (unsigned int)any(&random, REGIONS);
		const struct ioas_register in = {.start = region_at(i),
		                                 .length = PAGES * PAGE,
		                                 .perm = RW};
		const struct ioas_unregister out = {.start = in.start,
		                                    .length = in.length};
		int rc = any(&random, 4)
		                 ? ioas_holder_register(s.holder, &in, NULL)
		                 : ioas_holder_unregister(s.holder, &out);

		seen[1].done += !rc;
		seen[1].refused += rc == -EBUSY;
	}
	return NULL;
}

/* ---- Mappers: each has half of each window. ---- */

static bool device_finds(uint64_t iova)
{
	struct ioas_translation t;
	enum ioas_fault fault;

	ioas_grace_enter(IOAS_GRACE_DMA);
	fault = ioas_space_translate(ioas_windows_space(s.ws),
	                             (struct iova){iova}, 1, IOAS_READ, &t);
	ioas_grace_leave(IOAS_GRACE_DMA);
	return !fault;
}

static int map_some(uint64_t iova, uint64_t pages, uint64_t *random)
{
	uint64_t page = any(random, REGIONS * PAGES);
	uint64_t entry[8], i;
	const struct ioas_window_map map = {iova, BASE + page * PAGE,
	                                    pages * PAGE, RW};
	const struct ioas_window_list list = {iova, entry, (unsigned int)pages,
	                                      any(random, 4) != 0};

	if (any(random, 2))
		return ioas_windows_map(s.ws, &map);
	for (i = 0; i < pages; i++)
		entry[i] =
			any(random, 4)
				? (BASE + any(random, REGIONS * PAGES) * PAGE) |
					  RW
				: 0;
	return ioas_windows_put(s.ws, &list);
}

/* Only the caller maps anything there: what is empty stays so. */
static void look_without_the_lock(uint64_t me, uint64_t iova, uint64_t pages,
                                  uint64_t *random)
{
	if (!ioas_glance_is_empty(&s.glance, iova, pages * PAGE))
		return;
	seen[2 + me].empty++;
	if (device_finds(iova + any(random, pages) * PAGE))
		broken("WIN-14", "empty, and a device finds it");
}

static void *map_and_unmap(void *arg)
{
	uint64_t me = (uintptr_t)arg, random = 123456789 + me;

	while (going_on()) {
		uint64_t pages = 1 + any(&random, 8);
		uint64_t iova = (any(&random, 2) ? HIGH : 0) + me * 512 * PAGE +
		                any(&random, 500) * PAGE;
		int rc = map_some(iova, pages, &random);

		seen[2 + me].done += !rc;
		seen[2 + me].refused += rc != 0;
		look_without_the_lock(me, iova, pages, &random);
		if (any(&random, 2))
			continue;
		rc = ioas_windows_unmap(s.ws, iova, pages * PAGE);
		/* Only this thread maps anything there. */
		if (device_finds(iova + any(&random, pages) * PAGE))
			broken("WIN-11", "found after it was unmapped");
		look_without_the_lock(me, iova, pages, &random);
		seen[2 + me].met += !rc;
	}
	return NULL;
}

/* ---- The device. ---- */

static void look(uint64_t iova)
{
	struct ioas_translation t;
	uint64_t frame;

	if (ioas_space_translate(ioas_windows_space(s.ws), (struct iova){iova},
	                         1, IOAS_WRITE, &t))
		return;
	frame = (uintptr_t)t.pointer >> SHIFT;
	if (!frame || frame >= FRAMES)
		broken("WIN-8", "a frame that there is not");
	if (!ioas_a32_load(&s.pinned[frame]))
		broken("WIN-4", "a frame that is not pinned any more");
	seen[4].met++;
}

static void *access_(void *arg)
{
	uint64_t random = 521288629;

	while (going_on()) {
		ioas_grace_enter(IOAS_GRACE_DMA);
		look((any(&random, 2) ? HIGH : 0) + any(&random, 1024) * PAGE);
		ioas_grace_leave(IOAS_GRACE_DMA);
		seen[4].done++;
	}
	return NULL;
}

/* ---- Beginning and end. ---- */

/* Of the C library's, so that a sanitizer knows whose each piece is. */
static void *get(size_t bytes)
{
	size_t align = bytes >= 4096 && !(bytes & (bytes - 1)) ? bytes : 64;
	void *p = aligned_alloc(align, (bytes + align - 1) / align * align);

	return p ? memset(p, 0, bytes) : NULL;
}

static void put(void *p, size_t bytes)
{
	free(p);
}

static void begin(void)
{
	const struct ioas_registry_config registry = {
		.backend = &frames,
		.page_shift = SHIFT,
		.moved = ioas_windows_moved,
		.no_shadow = true,
	};
	struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"),
		.accountant = &accountant,
		.page_shift = SHIFT,
	};

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	ioas_hooks.alloc = get;
	ioas_hooks.free = put;
	if (ioas_registry_create(&registry, &s.registry) ||
	    ioas_holder_create(s.registry, &s.holder))
		broken("memory", "no registry");
	config.registry = s.registry;
	if (ioas_windows_create(&config, &s.ws) ||
	    ioas_windows_attach(s.ws, &group[0]) ||
	    ioas_windows_attach(s.ws, &group[1]))
		broken("memory", "no set");
}

static void end(void)
{
	struct ioas_registry_report report;

	ioas_windows_destroy(s.ws);
	ioas_registry_inspect(s.registry, &report);
	if (report.counts)
		broken("WIN-9", "counts that nobody holds");
	if (ioas_a64_load(&s.charged))
		broken("WIN-7", "charges that nobody gives back");
	ioas_holder_destroy(s.holder);
	ioas_registry_destroy(s.registry, NULL);
}

int main(int argc, char **argv)
{
	void *(*const fn[])(void *) = {manage, register_, map_and_unmap,
	                               map_and_unmap, access_};
	pthread_t thread[IOAS_ARRAY_SIZE(fn)];
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2, i;

	begin();
	for (i = 0; i < IOAS_ARRAY_SIZE(fn); i++)
		if (pthread_create(&thread[i], NULL, fn[i],
		                   (void *)(uintptr_t)(i == 3)))
			broken("memory", "no thread");
	sleep(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < IOAS_ARRAY_SIZE(fn); i++)
		pthread_join(thread[i], NULL);
	end();
	for (i = 0; i < IOAS_ARRAY_SIZE(fn); i++)
		printf("%s: %lu done, %lu refused, %lu met, %lu empty\n",
		       (const char *const[]){"manager", "registrar", "mapper 0",
		                             "mapper 1", "device"}[i],
		       (unsigned long)seen[i].done,
		       (unsigned long)seen[i].refused,
		       (unsigned long)seen[i].met,
		       (unsigned long)seen[i].empty);
	return 0;
}
