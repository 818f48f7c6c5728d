/* SPDX-License-Identifier: MIT */
/*
 * Memory is copied while devices write to it, by what is told of their writes:
 * a migration. Two devices write numbers to pages of two mappings; the program
 * takes the marks, waits, and copies the pages that were told. Each mapping is
 * unmapped now and then: once the pages told last have been copied, the copy
 * is what the memory is, or a write was not told (SPACE-5, PT-8).
 *
 * dirty [SECONDS [FORMAT]]. The exit status is 1 when a law was broken, whose
 * name is printed; what was seen is printed as well.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "model.h"
#include "pci/function.h"
#include "pt/format.h"
#include "stress.h"

#define SHIFT  12
#define PAGE   (UINT64_C(1) << SHIFT)
#define PAGES  96 /* of a mapping */
#define AREAS  2
#define BYTES  (PAGES * PAGE)
#define AT     UINT64_C(0x100000)
#define STRIDE UINT64_C(0x40000000)

static struct {
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_device *device[2];
	uint8_t *memory, *copy; /* AREAS times BYTES */
	struct ioas_a32 stop;
	struct ioas_a64 writes, refused;
	uint64_t told, takes, unmaps; /* the program's */
} s = {.account = {.limit = UINT64_MAX}};

/* ---- The devices. ---- */

static const struct ioas_model model = {
	.name = "stress",
	.summary = "writes",
	.function = {.vendor = 1, .device = 2, .bar = {[0] = {.size = 0x1000}}},
	.create = create,
	.destroy = nothing,
	.reset = nothing,
	.load = load,
	.store = store,
};

/* A write may cross into the next page. */
static void write_once(struct ioas_device *self, uint64_t *random, bool pointer)
{
	uint64_t bytes[2] = {any(random, UINT64_MAX), any(random, UINT64_MAX)};
	uint64_t iova = AT + any(random, AREAS) * STRIDE +
	                any(random, BYTES - sizeof(bytes) + 1);
	struct ioas_segment segment[2];
	unsigned int count = 0, i;
	int err;

	ioas_lock(&self->lock);
	if (pointer) {
		ioas_dma_begin(self);
		err = ioas_dma_segments(self, iova, sizeof(bytes), IOAS_WRITE,
		                        segment, &count, 2, NULL);
		for (i = 0; !err && i < count; i++)
			(void)!ioas_hooks.copy(segment[i].base, bytes,
			                       segment[i].bytes);
		ioas_dma_end(self);
	} else {
		err = ioas_dma_write(self, iova, bytes, sizeof(bytes), NULL);
	}
	ioas_unlock(&self->lock);
	ioas_a64_add(err ? &s.refused : &s.writes, 1);
}

static void *writes(void *arg)
{
	struct ioas_device *self = s.device[(uintptr_t)arg];
	uint64_t random = (uintptr_t)arg + 1, i;

	for (i = 0; !ioas_a32_load(&s.stop); i++)
		write_once(self, &random, i & 1);
	return NULL;
}

/* ---- The program. ---- */

struct pages {
	struct ioas_pt_finder finder;
	uint64_t first;
	bool told[PAGES];
};

static void note(struct ioas_pt_finder *finder, struct iova_range range)
{
	struct pages *p = (struct pages *)finder;
	uint64_t page = (range.first - p->first) >> SHIFT;

	for (; page <= (range.last - p->first) >> SHIFT; page++)
		p->told[page] = true;
}

static struct iova_range range_of(unsigned int area)
{
	uint64_t first = AT + area * STRIDE;

	return (struct iova_range){first, first + (BYTES - 1)};
}

static void copy_told(unsigned int area, const struct pages *p)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if (!p->told[i])
			continue;
		must(ioas_hooks.copy(s.copy + area * BYTES + i * PAGE,
		                     s.memory + area * BYTES + i * PAGE, PAGE));
		s.told++;
	}
}

static void take(unsigned int area)
{
	struct pages p = {{note}, range_of(area).first, {false}};

	ioas_lock(&s.space->lock);
	ioas_space_dirty_take_locked(s.space, range_of(area), &p.finder);
	ioas_unlock(&s.space->lock);
	ioas_space_dirty_settle();
	copy_told(area, &p);
	s.takes++;
}

static void map(unsigned int area)
{
	const struct ioas_map_request request = {
		.mem = &s.mem,
		.range = range_of(area),
		.uaddr = {(uintptr_t)(s.memory + area * BYTES)},
		.perm = IOAS_READ | IOAS_WRITE,
	};

	ioas_lock(&s.space->lock);
	must(ioas_space_map_locked(s.space, &request));
	ioas_unlock(&s.space->lock);
}

static void unmap(unsigned int area)
{
	struct pages p = {{note}, range_of(area).first, {false}};
	struct ioas_space_gone gone = {0};
	struct ioas_area *a;

	ioas_lock(&s.space->lock);
	/* So that hardly a page has its mark when the last ones are taken. */
	ioas_space_dirty_take_locked(s.space, range_of(area), &p.finder);
	ioas_space_dirty_last_locked(s.space, range_of(area), &p.finder);
	a = ioas_space_find_locked(s.space, range_of(area));
	ioas_space_remove_locked(s.space, a, &gone);
	ioas_unlock(&s.space->lock);
	ioas_space_release(s.space, &gone);
	copy_told(area, &p);
	if (memcmp(s.copy + area * BYTES, s.memory + area * BYTES, BYTES))
		broken("SPACE-5", "a page was written that was not told");
	s.unmaps++;
}

static void program(unsigned int seconds)
{
	time_t end = time(NULL) + seconds;
	uint64_t random = 77;
	unsigned int area;

	while (time(NULL) < end || s.unmaps < 8) {
		area = (unsigned int)any(&random, AREAS);
		take(area);
		if (any(&random, 4))
			continue;
		unmap(area);
		map(area);
	}
}

/* ---- Life. ---- */

static const struct ioas_pt_format *format_of(const char *name)
{
	static const struct ioas_pt_format *const all[] = {
		&ioas_pt_native, &ioas_pt_vtd, &ioas_pt_amdv1, &ioas_pt_lpae1,
		&ioas_pt_lpae2};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	broken("none", "there is no such format");
}

static void *memory_of(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(memory == MAP_FAILED ? -ENOMEM : 0);
	return memory;
}

static void begin(const char *format)
{
	const struct ioas_space_config config = {
		.page_shift = SHIFT,
		.aperture = {0, ioas_mask_lg2(39)},
		.format = format_of(format),
		.dirty = true,
	};
	const struct ioas_device_request request = {.model = &model};
	const uint16_t command = 6;
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.law_broken = law_broken;
	ioas_mem_init(&s.mem, &s.account, SHIFT);
	s.memory = memory_of(AREAS * BYTES);
	s.copy = memory_of(AREAS * BYTES);
	must(ioas_space_create(&config, &s.space));
	for (i = 0; i < AREAS; i++)
		map(i);
	ioas_lock(&s.space->lock);
	ioas_space_track_locked(s.space);
	ioas_unlock(&s.space->lock);
	for (i = 0; i < 2; i++) {
		must(ioas_device_create(&request, &s.device[i], NULL));
		ioas_device_config_write(s.device[i], 4, &command,
		                         sizeof(command));
		ioas_device_attach(s.device[i], s.space);
	}
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	pthread_t thread[2];
	uintptr_t i;

	begin(argc > 2 ? argv[2] : "native");
	for (i = 0; i < 2; i++)
		must(-pthread_create(&thread[i], NULL, writes, (void *)i));
	program(seconds);
	ioas_a32_store(&s.stop, 1);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < AREAS; i++)
		unmap((unsigned int)i);
	for (i = 0; i < 2; i++)
		ioas_device_destroy(s.device[i]);
	ioas_space_destroy(s.space);
	printf("written %" PRIu64 ", refused %" PRIu64 ", told %" PRIu64
	       ", takes %" PRIu64 ", unmaps %" PRIu64 "\n",
	       ioas_a64_load(&s.writes), ioas_a64_load(&s.refused), s.told,
	       s.takes, s.unmaps);
	if (!ioas_a64_load(&s.writes) || !ioas_a64_load(&s.refused) ||
	    !s.told || s.unmaps <= AREAS) {
		puts("nothing met anything: this shows nothing");
		return 2;
	}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
