/* SPDX-License-Identifier: MIT */
/*
 * stress-campaign FORMAT ACCESSES: random accesses of a device to a space with
 * tables of this format, each beside an array of pages that says what is
 * allowed. Mappings come and go all the while, and memory moves below them. No
 * access may be answered otherwise than the array says: not the fault, not the
 * pointer, and never further than memory goes on.
 *
 * The program's addresses are numbers: nothing is pinned or touched, so that
 * mappings can be as aligned as large leaves and clusters want them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grace.h"
#include "host/host.h"
#include "pt/format.h"
#include "space/move.h"

#define PAGES     (1u << 16) /* of the space, in the window */
#define MAPPINGS  512
#define PER_STEP  200  /* accesses between two changes */
#define MOVES_MAX 1000 /* as far as there are addresses to move to */

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
static uint64_t done[8]; /* accesses, by what came of them */
static uint64_t moves;

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
		if (page[i].asked)
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

static void change(void)
{
	unsigned int slot = (unsigned int)random_below(MAPPINGS);

	if (moves < MOVES_MAX && !random_below(16))
		move_memory();
	if (mapping[slot].count)
		unmap(slot);
	else
		map(slot);
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

/* ---- The run ---- */

static void begin(void)
{
	struct ioas_space_config config = {
		.page_shift = shape->page_shift,
		.aperture = {0, ioas_mask_lg2(shape->bits - 1) * 2 + 1},
		.format = shape->format,
	};

	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.pin = pin_numbers;
	ioas_hooks.unpin = unpin_numbers;
	ioas_mem_init(&mem, &account, 12);
	if (ioas_space_create(&config, &space))
		wrong("there is no space", 0);
	window = ioas_mask_lg2(shape->bits - 1) + 1 -
	         ((uint64_t)PAGES / 2 << shape->page_shift);
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < MAPPINGS; i++)
		if (mapping[i].count)
			unmap(i);
	if (ioas_a64_load(&space->pt.tables) != 1)
		wrong("tables are left", 0);
	ioas_space_destroy(space);
	for (i = 0; i <= IOAS_FAULT_PERMISSION; i++)
		if (!done[i])
			wrong("accesses of one kind never came", i);
}

int main(int argc, char **argv)
{
	unsigned long accesses = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, n;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(shapes) && argc == 3; i++)
		if (!strcmp(argv[1], shapes[i].format->name))
			shape = &shapes[i];
	if (!shape || !accesses) {
		fputs("usage: stress-campaign FORMAT ACCESSES\n", stderr);
		return 2;
	}
	begin();
	for (n = 0; n < accesses; n++) {
		if (n % PER_STEP == 0)
			change();
		access_once();
	}
	end();
	printf("[  PASSED  ] 1 test(s). %lu accesses, %lu allowed\n", accesses,
	       (unsigned long)done[IOAS_FAULT_NONE]);
	return 0;
}
