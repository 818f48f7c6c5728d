/* SPDX-License-Identifier: MIT */
/*
 * stress-campaign FORMAT ACCESSES [dma]: random accesses of a device to a space
 * with tables of this format, each beside an array of pages that says what is
 * allowed. Mappings come and go all the while, and memory moves below them. No
 * access may be answered otherwise than the array says: not the fault, not the
 * pointer, and never further than memory goes on.
 *
 * Without `dma` they are translations. With it they are what a model does,
 * read, write and segments; bus mastering goes off and on, and the function
 * leaves the space and comes back. Each byte has to be copied once, in order,
 * from or to where it lies, up to the first one that is refused, which is told
 * once, with the reason. Some pages are reserved, some are where writes are
 * interrupts (and nobody is there to take them).
 *
 * The program's addresses are numbers: nothing is pinned or touched, so that
 * mappings can be as aligned as large leaves and clusters want them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"
#include "base/grace.h"
#include "host/host.h"
#include "pci/function.h"
#include "pt/format.h"
#include "space/move.h"

#define PAGES          (1u << 16)  /* of the space, in the window */
#define RESERVED       (PAGES / 3) /* some that nothing may be mapped at */
#define BELLS          (PAGES / 4) /* and where writes are interrupts */
#define RESERVED_COUNT 40
#define BELLS_COUNT    600
#define MAPPINGS       512
#define PER_STEP       200  /* accesses between two changes */
#define MOVES_MAX      1000 /* as far as there are addresses to move to */

static const struct shape {
	const struct ioas_pt_format *format;
	unsigned int page_shift, bits;
} shapes[] = {
	{&ioas_pt_native, 12, 48},   {&ioas_pt_vtd, 12, 48},
	{&ioas_pt_amdv1, 12, 64},    {&ioas_pt_lpae1, 12, 48},
	{&ioas_pt_lpae2, 14, 40},    {&ioas_pt_tce, 16, 48},
	{&ioas_pt_tce_papr, 12, 40},
};

struct page {
	uint64_t memory;
	unsigned int asked; /* 0: nothing is mapped */
	bool reserved, doorbell;
};

static const struct shape *shape;
static struct ioas_mem_account account = {.limit = UINT64_MAX};
static struct ioas_mem mem;
static struct ioas_space *space;
static uint64_t window; /* input address of page 0 */
static struct page page[PAGES];
static struct {
	unsigned int first, count; /* count 0: none */
} mapping[MAPPINGS];
#define TOO_MANY 15       /* segments; the rest is enum ioas_fault */
static uint64_t done[16]; /* accesses, by what came of them */
static uint64_t moves;
static bool dma;

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t random_below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

static _Noreturn void wrong(const char *what, uint64_t at)
{
	fprintf(stderr, "campaign: %s, at %#lx: %s\n", shape->format->name,
	        (unsigned long)at, what);
	exit(1);
}

static int pin_numbers(struct uaddr start, uint64_t length, unsigned int perm,
                       uint64_t *ret_pinned)
{
	*ret_pinned = length;
	return 0;
}

static void unpin_numbers(struct uaddr start, uint64_t length)
{
}

static uint64_t at_page(uint64_t i)
{
	return window + (i << shape->page_shift);
}

/* ---- Changes ---- */

static bool is_free(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		if (page[i].asked || page[i].reserved || page[i].doorbell)
			return false;
	return true;
}

static void map(unsigned int slot)
{
	unsigned int count =
		1 + (unsigned int)random_below(1u << random_below(15));
	unsigned int first = (unsigned int)random_below(PAGES - count), i;
	unsigned int asked = 1 + (unsigned int)random_below(3);
	uint64_t memory = UINT64_C(1) << 40;
	struct ioas_map_request request = {.mem = &mem, .perm = asked};

	if (random_below(2))
		first &= ~(unsigned int)ioas_mask_lg2(
			(unsigned int)random_below(14));
	i = (unsigned int)random_below(MAPPINGS); /* next to another one */
	if (dma && mapping[i].count &&
	    mapping[i].first + mapping[i].count < PAGES - count)
		first = mapping[i].first + mapping[i].count;
	memory += random_below(2) ? random_below(PAGES) << shape->page_shift
	                          : at_page(first) - window;
	if (!is_free(first, count))
		return;
	request.range.first = at_page(first);
	request.range.last = at_page(first + count) - 1;
	request.uaddr.raw = memory;
	ioas_lock(&space->lock);
	if (ioas_space_map_locked(space, &request))
		wrong("a map fails", request.range.first);
	ioas_unlock(&space->lock);
	mapping[slot].first = first;
	mapping[slot].count = count;
	for (i = 0; i < count; i++)
		page[first + i] = (struct page){
			.memory = memory + ((uint64_t)i << shape->page_shift),
			.asked = asked};
}

static void unmap(unsigned int slot)
{
	uint64_t at = at_page(mapping[slot].first);
	struct ioas_space_gone gone = {0};
	struct ioas_area *area;

	ioas_lock(&space->lock);
	area = ioas_space_find_locked(space, (struct iova_range){at, at});
	if (!area || area->range.first != at)
		wrong("an area is not found", at);
	ioas_space_remove_locked(space, area, &gone);
	ioas_unlock(&space->lock);
	ioas_space_release(space, &gone);
	memset(&page[mapping[slot].first], 0,
	       mapping[slot].count * sizeof(page[0]));
	mapping[slot].count = 0;
}

/* Some memory of a page goes elsewhere, wherever it is mapped. */
static void move_memory(void)
{
	unsigned int i = (unsigned int)random_below(PAGES);
	uint64_t size = UINT64_C(1) << shape->page_shift, delta;
	struct uaddr_range range = {page[i].memory, 0};
	struct ioas_move move;
	struct uaddr to;

	if (!page[i].asked)
		return;
	range.last = range.first + size * (1 + random_below(600)) - 1;
	moves++;
	to.raw = (UINT64_C(1) << 41) + (moves << 36) +
	         (random_below(2) ? range.first & ioas_mask_lg2(30)
	                          : random_below(PAGES) * size);
	delta = to.raw - range.first;
	ioas_move_begin(&move);
	if (ioas_move_prepare_locked(range, to, NULL))
		wrong("a move cannot be prepared", at_page(i));
	ioas_move_to_locked(range, to, NULL);
	ioas_move_end(&move);
	ioas_grace_sync(IOAS_GRACE_DMA);
	for (i = 0; i < PAGES; i++)
		if (page[i].asked && page[i].memory >= range.first &&
		    page[i].memory <= range.last)
			page[i].memory += delta;
}

static void change_function(void);

static void change(void)
{
	unsigned int slot = (unsigned int)random_below(MAPPINGS);

	if (moves < MOVES_MAX && !random_below(16))
		move_memory();
	if (mapping[slot].count)
		unmap(slot);
	else
		map(slot);
	if (dma)
		change_function();
}

/* ---- Accesses ---- */

static unsigned int allowed(const struct page *p)
{
	bool more = !shape->format->write_only && (p->asked & IOAS_WRITE);

	return p->asked | (more ? IOAS_READ : 0);
}

/* Bytes from @at on that one access may go, at most @bytes. */
static uint64_t reach(uint64_t at, uint64_t bytes, unsigned int perm)
{
	uint64_t i = (at - window) >> shape->page_shift;
	uint64_t size = UINT64_C(1) << shape->page_shift;
	uint64_t can = size - (at & (size - 1));

	for (i++; i < PAGES && can < bytes; i++, can += size)
		if ((allowed(&page[i]) & perm) != perm ||
		    page[i].memory != page[i - 1].memory + size)
			break;
	return can < bytes ? can : bytes;
}

static void check_memory(uint64_t at, uint64_t bytes, unsigned int perm,
                         const struct ioas_translation *t)
{
	const struct page *p = &page[(at - window) >> shape->page_shift];
	uint64_t size = UINT64_C(1) << shape->page_shift;
	uint64_t inside = at & (size - 1), left = size - inside;

	if ((uintptr_t)t->pointer != p->memory + inside)
		wrong("it leads to other memory", at);
	if (t->bytes > reach(at, bytes, perm))
		wrong("it goes further than allowed", at);
	if (t->bytes < (left < bytes ? left : bytes))
		wrong("it ends inside of a page", at);
}

static enum ioas_fault expected(uint64_t at, unsigned int perm)
{
	uint64_t i = (at - window) >> shape->page_shift;

	if (at < space->aperture.first || at > space->aperture.last)
		return IOAS_FAULT_APERTURE;
	if (at >= window && i < PAGES && page[i].doorbell)
		return IOAS_FAULT_DOORBELL;
	if (at < window || i >= PAGES || !page[i].asked)
		return IOAS_FAULT_UNMAPPED;
	return (allowed(&page[i]) & perm) == perm ? IOAS_FAULT_NONE
	                                          : IOAS_FAULT_PERMISSION;
}

/* Most lie in the window; the rest anywhere, or where a bit is wrong. */
static uint64_t pick(void)
{
	uint64_t at =
		window + random_below((uint64_t)PAGES << shape->page_shift);
	unsigned int slot = (unsigned int)random_below(MAPPINGS);

	if (random_below(2) && mapping[slot].count)
		at = at_page(mapping[slot].first +
		             random_below(mapping[slot].count)) +
		     random_below(UINT64_C(1) << shape->page_shift);
	switch (random_below(8)) {
	case 0:
		return random_below(UINT64_MAX);
	case 1:
		return at ^ (UINT64_C(1) << random_below(64));
	default:
		return at;
	}
}

static void access_once(void)
{
	uint64_t at = pick(), bytes = 1 + random_below(1u << random_below(20));
	unsigned int perm = 1 + (unsigned int)random_below(3);
	struct ioas_translation t = {0};
	enum ioas_fault is;

	ioas_grace_enter(IOAS_GRACE_DMA);
	is = ioas_space_translate(space, (struct iova){at}, bytes, perm, &t);
	ioas_grace_leave(IOAS_GRACE_DMA);
	if (is != expected(at, perm))
		wrong("the fault is another", at);
	if (is == IOAS_FAULT_NONE)
		check_memory(at, bytes, perm, &t);
	done[is]++;
}

/* ---- Accesses of a function ---- */

#define SEGMENTS_MAX 3

static struct ioas_device *device;
static bool master = true, attached = true;
static char mine[1 << 20]; /* its side of copies; nothing is copied */

/* What one access did. */
static struct {
	uint64_t at, moved;
	unsigned int perm, told, most; /* segments at most */
	enum ioas_fault fault;
	uint64_t refused_at;
} now;

static uint64_t memory_at(uint64_t at)
{
	uint64_t size = UINT64_C(1) << shape->page_shift;

	return page[(at - window) >> shape->page_shift].memory +
	       (at & (size - 1));
}

/* The next bytes are these, whole pages of them but for the ends. */
static void check_piece(uint64_t memory, uint64_t bytes)
{
	uint64_t size = UINT64_C(1) << shape->page_shift, here;

	while (bytes) {
		if (expected(now.at + now.moved, now.perm) != IOAS_FAULT_NONE)
			wrong("what is refused is copied", now.at + now.moved);
		if (memory_at(now.at + now.moved) != memory)
			wrong("it is other memory", now.at + now.moved);
		here = size - ((now.at + now.moved) & (size - 1));
		if (here > bytes)
			here = bytes;
		now.moved += here;
		memory += here;
		bytes -= here;
	}
}

static int note_copy(void *to, const void *from, size_t bytes)
{
	bool writes = now.perm & IOAS_WRITE;
	const char *own = writes ? from : to;

	if (own != mine + now.moved)
		wrong("bytes are left out, or copied twice", now.at);
	check_piece((uintptr_t)(writes ? to : from), bytes);
	return 0;
}

static void note_fault(struct ioas_observer *self, const struct ioas_event *ev)
{
	if (ev->kind != IOAS_EVENT_DMA_FAULT)
		return;
	now.told++;
	now.fault = ev->fault;
	now.refused_at = ev->range.first;
}

/* Why it is refused, and after how many bytes. */
static enum ioas_fault refusal(uint64_t bytes, uint64_t *ret_good)
{
	uint64_t size = UINT64_C(1) << shape->page_shift, good = 0;
	enum ioas_fault fault;

	*ret_good = 0;
	if (!master)
		return IOAS_FAULT_NO_MASTER;
	if (bytes - 1 > UINT64_MAX - now.at)
		return IOAS_FAULT_APERTURE;
	if (!attached)
		return IOAS_FAULT_NO_SPACE;
	while (good < bytes) {
		fault = expected(now.at + good, now.perm);
		if (fault) {
			*ret_good = good;
			return fault;
		}
		good += size - ((now.at + good) & (size - 1));
	}
	*ret_good = bytes;
	return IOAS_FAULT_NONE;
}

/* Runs of memory that the first @bytes are. */
static unsigned int runs_of(uint64_t bytes)
{
	uint64_t size = UINT64_C(1) << shape->page_shift;
	uint64_t at = now.at, next, runs = 1;

	for (;; at = next) {
		next = (at | (size - 1)) + 1;
		if (next - now.at >= bytes)
			return (unsigned int)runs;
		runs += memory_at(next) != memory_at(next - 1) + 1;
	}
}

/* Return: 0, -EFAULT, or -E2BIG. */
static int point_at(uint64_t bytes)
{
	struct ioas_segment segment[SEGMENTS_MAX];
	unsigned int count = 0, i;
	int err;

	ioas_dma_begin(device);
	err = ioas_dma_segments(device, now.at, bytes, now.perm, segment,
	                        &count, now.most, NULL);
	for (i = 0; i < count; i++)
		check_piece((uintptr_t)segment[i].base, segment[i].bytes);
	ioas_dma_end(device);
	if (!err && runs_of(bytes) != count)
		wrong("what goes on is two segments", now.at);
	return err;
}

static int transfer(unsigned int way, uint64_t bytes)
{
	if (way == 2)
		return point_at(bytes);
	if (now.perm == IOAS_WRITE)
		return ioas_dma_write(device, now.at, mine, bytes, NULL);
	return ioas_dma_read(device, now.at, mine, bytes, NULL);
}

static void dma_once(void)
{
	uint64_t bytes = 1 + random_below(1u << random_below(20)), good;
	unsigned int way = (unsigned int)random_below(3);
	enum ioas_fault fault;
	int err;

	memset(&now, 0, sizeof(now));
	now.at = pick();
	now.most = 1 + (unsigned int)random_below(SEGMENTS_MAX);
	now.perm = way == 1 || (way == 2 && random_below(2)) ? IOAS_WRITE
	                                                     : IOAS_READ;
	fault = refusal(bytes, &good);
	ioas_lock(&device->lock);
	err = transfer(way, bytes);
	ioas_unlock(&device->lock);
	if (way == 2 && good && runs_of(good) > now.most) {
		if (err != -E2BIG || now.told)
			wrong("so many segments are none", now.at);
		done[TOO_MANY]++;
		return;
	}
	if (err != (fault ? -EFAULT : 0) || now.told != (fault != 0))
		wrong("the answer is another", now.at);
	if (now.moved != (way == 2 && fault ? 0 : good))
		wrong("it goes less far, or further", now.at);
	if (fault && (now.fault != fault || now.refused_at != now.at + good))
		wrong("what is told is not why", now.at);
	done[fault]++;
}

/* Bus mastering, and being in the space. */
static void set_function(void)
{
	const uint16_t command = master ? 6 : 2;

	ioas_device_config_write(device, 4, &command, sizeof(command));
	ioas_device_attach(device, attached ? space : NULL);
}

static void change_function(void)
{
	if (random_below(8))
		return;
	master = random_below(8);
	attached = random_below(8);
	set_function();
}

static int create(struct ioas_device *dev, void **ret_state)
{
	*ret_state = dev;
	return 0;
}

static void nothing(void *state)
{
}

static void begin_function(void)
{
	static const struct ioas_model model = {
		.name = "stress",
		.summary = "reads and writes",
		.function = {.vendor = 1,
	                     .device = 2,
	                     .bar = {[0] = {.size = 0x1000}}},
		.create = create,
		.destroy = nothing,
		.reset = nothing,
	};
	static struct ioas_observer observer = {.event = note_fault};
	const struct ioas_device_request request = {.model = &model};
	const struct iova_range bells = {at_page(BELLS),
	                                 at_page(BELLS + BELLS_COUNT) - 1};
	unsigned int i;

	for (i = BELLS; i < BELLS + BELLS_COUNT; i++)
		page[i].doorbell = true;
	ioas_space_msi_set(space, bells, false);
	ioas_hooks.copy = note_copy;
	ioas_observe(&observer);
	if (ioas_device_create(&request, &device, NULL))
		wrong("there is no device", 0);
	set_function();
}

/* ---- The run ---- */

static void begin(void)
{
	struct ioas_space_config config = {
		.page_shift = shape->page_shift,
		.aperture = {0, ioas_mask_lg2(shape->bits - 1) * 2 + 1},
		.format = shape->format,
	};
	struct ioas_reserved reserved[2] = {{.kind = IOAS_RESERVED_OTHER},
	                                    {.kind = IOAS_RESERVED_MSI}};
	unsigned int i;

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.pin = pin_numbers;
	ioas_hooks.unpin = unpin_numbers;
	ioas_mem_init(&mem, &account, 12);
	window = ioas_mask_lg2(shape->bits - 1) + 1 -
	         ((uint64_t)PAGES / 2 << shape->page_shift);
	if (dma) {
		reserved[0].range.first = at_page(RESERVED);
		reserved[0].range.last = at_page(RESERVED + RESERVED_COUNT) - 1;
		reserved[1].range.first = at_page(BELLS);
		reserved[1].range.last = at_page(BELLS + BELLS_COUNT) - 1;
		config.reserved = reserved;
		config.reserved_count = 2;
		for (i = 0; i < RESERVED_COUNT; i++)
			page[RESERVED + i].reserved = true;
	}
	if (ioas_space_create(&config, &space))
		wrong("there is no space", 0);
	if (dma)
		begin_function();
}

static void end(void)
{
	unsigned int i;

	ioas_device_destroy(device);
	for (i = 0; i < MAPPINGS; i++)
		if (mapping[i].count)
			unmap(i);
	if (ioas_a64_load(&space->pt.tables) != 1)
		wrong("tables are left", 0);
	ioas_space_destroy(space);
	for (i = 0; i <= IOAS_FAULT_PERMISSION; i++)
		if (!done[i])
			wrong("accesses of one kind never came", i);
	if (dma && (!done[IOAS_FAULT_NO_MASTER] || !done[IOAS_FAULT_NO_SPACE] ||
	            !done[IOAS_FAULT_DOORBELL] || !done[TOO_MANY]))
		wrong("accesses of one kind never came", 0);
}

int main(int argc, char **argv)
{
	unsigned long accesses = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0, n;
	size_t i;

	dma = argc == 4 && !strcmp(argv[3], "dma");
	for (i = 0; i < IOAS_ARRAY_SIZE(shapes) && argc >= 3; i++)
		if (!strcmp(argv[1], shapes[i].format->name))
			shape = &shapes[i];
	if (!shape || !accesses) {
		fputs("usage: stress-campaign FORMAT ACCESSES [dma]\n", stderr);
		return 2;
	}
	begin();
	for (n = 0; n < accesses; n++) {
		if (n % PER_STEP == 0)
			change();
		if (dma)
			dma_once();
		else
			access_once();
	}
	end();
	printf("[  PASSED  ] 1 test(s). %lu accesses, %lu allowed\n", accesses,
	       (unsigned long)done[IOAS_FAULT_NONE]);
	return 0;
}
