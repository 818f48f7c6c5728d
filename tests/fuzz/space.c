/* SPDX-License-Identifier: MIT */
/*
 * An address space beside a plain model of it: a list of mappings, looked
 * through from end to end. Map, unmap and translate answer as the list says,
 * the areas are those of the list in order, and the account holds their pages.
 *
 * The program's addresses are numbers here: whatever lies below HOLE is good
 * to pin and nothing is ever accessed, so that mappings can be as large and as
 * aligned as large leaves of the page table want them.
 *
 * The input: a byte each for page size and format, aperture, reserved ranges
 * and limit, then operations: a byte that says which, and its arguments.
 */
#include "space/space.h"

#include <errno.h>
#include <string.h>

#include "base/grace.h"
#include "fuzz.h"
#include "pt/format.h"

#define AREAS    64
#define OPS      256
#define HOLE     (UINT64_C(1) << 46)
#define RESERVED 3

struct plain_area {
	uint64_t first, last, uaddr, pages;
	unsigned int perm;
};

static struct {
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct ioas_space *space;
	struct ioas_space_config config;
	struct ioas_reserved reserved[RESERVED];
	struct plain_area area[AREAS]; /* in order */
	unsigned int areas;
	uint64_t pages;
} s;

/* ---- The world ---- */

static int plan_pin(struct uaddr start, uint64_t length, unsigned int perm,
                    uint64_t *ret_pinned)
{
	uint64_t good = start.raw < HOLE ? HOLE - start.raw : 0;

	*ret_pinned = good < length ? good : length;
	fuzz_world.pinned += *ret_pinned;
	return *ret_pinned == length ? 0 : -EFAULT;
}

static void take_config(struct fuzz_input *in)
{
	static const struct ioas_pt_format *const formats[] = {
		NULL,           &ioas_pt_vtd, &ioas_pt_amdv1,   &ioas_pt_lpae1,
		&ioas_pt_lpae2, &ioas_pt_tce, &ioas_pt_tce_papr};
	static const unsigned int shifts[] = {12, 12, 12, 11, 13, 16,
	                                      21, 30, 10, 31, 0};
	static const struct iova_range apertures[] = {
		{0, (UINT64_C(1) << 48) - 1},
		{0, (UINT64_C(1) << 39) - 1},
		{0, UINT64_MAX},
		{0x10000, 0xffffffff},
		{0x1800, 0x7ffff},
		{UINT64_C(1) << 32, UINT64_C(1) << 40},
		{0, 0x7ff},
		{5, 4},
	};
	unsigned int i, n, how = fuzz_byte(in);

	s.config.page_shift = shifts[how % IOAS_ARRAY_SIZE(shifts)];
	s.config.format = formats[how / IOAS_ARRAY_SIZE(shifts) %
	                          IOAS_ARRAY_SIZE(formats)];
	s.config.aperture =
		apertures[fuzz_below(in, IOAS_ARRAY_SIZE(apertures))];
	n = fuzz_below(in, RESERVED + 1);
	for (i = 0; i < n; i++) {
		s.reserved[i].range.first = fuzz_take(in, 3) << 12;
		s.reserved[i].range.last =
			s.reserved[i].range.first + (fuzz_take(in, 3) << 8);
		s.reserved[i].kind =
			(enum ioas_reserved_kind)(fuzz_below(in, 5));
	}
	s.config.reserved = s.reserved;
	s.config.reserved_count = n;
	n = fuzz_byte(in);
	s.account.limit = n ? n : UINT64_MAX;
}

/* ---- The plain model ---- */

/* Is any of [first, last] beyond the aperture or reserved? */
static bool is_refused(uint64_t first, uint64_t last)
{
	unsigned int i;

	if (first < s.config.aperture.first || last > s.config.aperture.last)
		return true;
	for (i = 0; i < s.config.reserved_count; i++) {
		const struct ioas_reserved *r = &s.reserved[i];

		if (r->kind != IOAS_RESERVED_DIRECT_RELAXABLE &&
		    r->range.first <= r->range.last && r->range.first <= last &&
		    r->range.last >= first)
			return true;
	}
	return false;
}

/* The first area that ends at or behind @at; its place, or s.areas. */
static unsigned int plain_find(uint64_t at)
{
	unsigned int i;

	for (i = 0; i < s.areas && s.area[i].last < at; i++)
		;
	return i;
}

static void plain_insert(unsigned int i, struct plain_area a)
{
	memmove(&s.area[i + 1], &s.area[i], (s.areas - i) * sizeof(a));
	s.area[i] = a;
	s.areas++;
	s.pages += a.pages;
}

static void plain_remove(unsigned int i)
{
	s.pages -= s.area[i].pages;
	s.areas--;
	memmove(&s.area[i], &s.area[i + 1], (s.areas - i) * sizeof(s.area[0]));
}

/* Pages of the program around the memory. */
static uint64_t pages_around(uint64_t uaddr, uint64_t beyond)
{
	unsigned int shift = fuzz_world.page_shift;

	return ((uaddr + beyond) >> shift) - (uaddr >> shift) + 1;
}

static int plain_map(const struct plain_area *a)
{
	uint64_t mask = (UINT64_C(1) << s.config.page_shift) - 1;
	uint64_t beyond = a->last - a->first, room = s.account.limit - s.pages;
	unsigned int i = plain_find(a->first);
	uint64_t first_hole = HOLE >> fuzz_world.page_shift;

	if (!a->perm || a->perm > 3 || a->first > a->last)
		return -EINVAL;
	if ((a->first & mask) || (~a->last & mask) || (a->uaddr & mask) ||
	    a->uaddr + beyond < a->uaddr || is_refused(a->first, a->last))
		return -EINVAL;
	if (i < s.areas && s.area[i].first <= a->last)
		return -EEXIST;
	/* All 2^64 bytes that a program could have: there is no such length. */
	if (!(a->pages << fuzz_world.page_shift))
		return -EINVAL;
	/* In the order of pages: the hole, or the end of the limit. */
	if (a->uaddr + beyond >= HOLE &&
	    (a->uaddr >= HOLE ||
	     first_hole - (a->uaddr >> fuzz_world.page_shift) <= room))
		return -EFAULT;
	return a->pages > room ? -ENOMEM : 0;
}

/* Hardware may not know memory that is only written. */
static unsigned int allowed(const struct plain_area *a)
{
	bool more = s.config.format && !s.config.format->write_only &&
	            (a->perm & IOAS_WRITE);

	return a->perm | (more ? IOAS_READ : 0);
}

/* Bytes from @at on that are mapped to one piece of memory for @perm. */
static uint64_t plain_reach(uint64_t at, uint64_t bytes, unsigned int perm)
{
	unsigned int i = plain_find(at);
	uint64_t start = s.area[i].uaddr + (at - s.area[i].first);
	uint64_t done = 0;

	for (; i < s.areas && done < bytes; i++) {
		const struct plain_area *a = &s.area[i];
		uint64_t inside = at + done - a->first;

		if (a->first > at + done || (allowed(a) & perm) != perm ||
		    a->uaddr + inside != start + done)
			break;
		/* The whole address range is no area: no wrap. */
		done += a->last - (at + done) + 1;
		if (a->last == UINT64_MAX)
			break;
	}
	return done < bytes ? done : bytes;
}

/* ---- What must hold ---- */

static void check_areas(void)
{
	const struct iova_range all = {0, UINT64_MAX};
	const struct ioas_area *area;
	unsigned int i = 0;

	ioas_lock(&s.space->lock);
	area = ioas_space_find_locked(s.space, all);
	for (; area; area = ioas_space_next_locked(area, all), i++) {
		const struct plain_area *a = &s.area[i];

		fuzz_check(i < s.areas);
		fuzz_check(area->range.first == a->first);
		fuzz_check(area->range.last == a->last);
		fuzz_check(area->uaddr.raw == a->uaddr);
		fuzz_check(area->perm == a->perm);
	}
	fuzz_check(i == s.areas && i == s.space->area_count);
	fuzz_check(ioas_a64_load(&s.account.pages) == s.pages);
	ioas_unlock(&s.space->lock);
}

static uint64_t take_iova(struct fuzz_input *in)
{
	static const uint64_t bases[] = {
		0,
		0x10000,
		0xfee00000,
		UINT64_C(1) << 21,
		UINT64_C(1) << 30,
		(UINT64_C(1) << 39) - (UINT64_C(1) << 30),
		(UINT64_C(1) << 48) - (UINT64_C(1) << 20),
		0 - (UINT64_C(1) << 22),
	};
	unsigned int how = fuzz_byte(in);
	uint64_t at =
		bases[how % 8] + (fuzz_take(in, 1) << (how & 8 ? 21 : 12));

	return how & 0x80 ? at ^ fuzz_take(in, 2) : at;
}

/* Bytes less one; large ones are rare, for they cost entries. */
static uint64_t take_beyond(struct fuzz_input *in)
{
	unsigned int how = fuzz_byte(in);
	uint64_t bytes = (uint64_t)(how % 32 + 1) << s.config.page_shift;

	if ((how & 0xe0) == 0x20)
		bytes <<= 9;
	if ((how & 0xe0) == 0x40)
		bytes = UINT64_C(1) << 30;
	if ((how & 0xe0) == 0xe0)
		bytes = fuzz_take(in, 3);
	return bytes - 1;
}

static uint64_t take_uaddr(struct fuzz_input *in)
{
	unsigned int how = fuzz_byte(in);
	uint64_t at = fuzz_take(in, 1) << (how & 8 ? 21 : 12);

	switch (how % 4) {
	case 0:
		return HOLE - (UINT64_C(1) << 21) - at;
	case 1:
		return 0 - at;
	default:
		return (UINT64_C(1) << 30) + at + (how & 0x80 ? 1 : 0);
	}
}

/* So that pages of 4 KiB never come in thousands of tables. */
static bool costs_too_much(const struct plain_area *a)
{
	unsigned int shift = s.config.page_shift;

	/* Nor pages of a format that has no large leaves. */
	if ((a->last - a->first) >> s.space->pt.page_shift >= 65536 &&
	    s.config.format)
		return true;
	return (a->last - a->first) >> shift >= 2048 &&
	       ((a->first ^ a->uaddr) >> shift & 511);
}

static void do_map(struct fuzz_input *in)
{
	struct plain_area a = {.first = take_iova(in)};
	uint64_t beyond = take_beyond(in), failed = fuzz_world.failed;
	struct ioas_map_request request = {.mem = &s.mem};
	int is, wanted;

	a.last = a.first + beyond;
	a.uaddr = take_uaddr(in);
	a.perm = fuzz_byte(in);
	a.perm = a.perm < 250 ? a.perm % 3 + 1 : a.perm - 250;
	a.pages = pages_around(a.uaddr, beyond);
	if (s.areas == AREAS || costs_too_much(&a))
		return;
	request.range = (struct iova_range){a.first, a.last};
	request.uaddr.raw = a.uaddr;
	request.perm = a.perm;
	wanted = plain_map(&a);
	ioas_lock(&s.space->lock);
	is = ioas_space_map_locked(s.space, &request);
	ioas_unlock(&s.space->lock);
	if (is == -ENOMEM && fuzz_world.failed > failed)
		return;
	fuzz_check(is == wanted);
	if (!is)
		plain_insert(plain_find(a.first), a);
}

static void do_unmap(struct fuzz_input *in)
{
	uint64_t first = take_iova(in);
	uint64_t last = fuzz_byte(in) & 1 ? UINT64_MAX : first;
	struct iova_range range = {first, last};
	struct ioas_space_gone gone = {0};
	unsigned int i = plain_find(first);
	struct ioas_area *area;

	ioas_lock(&s.space->lock);
	while ((area = ioas_space_find_locked(s.space, range))) {
		fuzz_check(i < s.areas && s.area[i].first <= last);
		fuzz_check(area->range.first == s.area[i].first);
		ioas_space_remove_locked(s.space, area, &gone);
		plain_remove(i);
	}
	fuzz_check(i == s.areas || s.area[i].first > last);
	ioas_unlock(&s.space->lock);
	ioas_space_release(s.space, &gone);
}

static enum ioas_fault plain_fault(uint64_t at, unsigned int perm)
{
	unsigned int i = plain_find(at);

	if (at < s.config.aperture.first || at > s.config.aperture.last)
		return IOAS_FAULT_APERTURE;
	if (i == s.areas || s.area[i].first > at)
		return IOAS_FAULT_UNMAPPED;
	return (allowed(&s.area[i]) & perm) == perm ? IOAS_FAULT_NONE
	                                            : IOAS_FAULT_PERMISSION;
}

static void check_translation(uint64_t at, uint64_t bytes, unsigned int perm,
                              const struct ioas_translation *t)
{
	uint64_t page_left = -(at | -(UINT64_C(1) << s.config.page_shift));
	uint64_t reach = plain_reach(at, bytes, perm);
	const struct plain_area *a = &s.area[plain_find(at)];

	fuzz_check((uintptr_t)t->pointer == a->uaddr + (at - a->first));
	fuzz_check(t->bytes <= reach);
	fuzz_check(t->bytes >= (page_left < bytes ? page_left : bytes));
}

static void do_translate(struct fuzz_input *in)
{
	uint64_t at = take_iova(in) + fuzz_take(in, 2);
	uint64_t bytes = fuzz_take(in, 3);
	unsigned int perm = fuzz_below(in, 3) + 1;
	struct ioas_translation t = {0};
	enum ioas_fault is;

	if (bytes > 0xfffff0)
		bytes = UINT64_MAX - (bytes & 15);
	ioas_grace_enter(IOAS_GRACE_DMA);
	is = ioas_space_translate(s.space, (struct iova){at}, bytes, perm, &t);
	ioas_grace_leave(IOAS_GRACE_DMA);
	fuzz_check(is == plain_fault(at, perm));
	if (!is)
		check_translation(at, bytes, perm, &t);
}

/* The ends of each area and what is beside them. */
static void do_edges(struct fuzz_input *in)
{
	unsigned int i, j;

	ioas_grace_enter(IOAS_GRACE_DMA);
	for (i = 0; i < s.areas; i++) {
		const uint64_t at[] = {s.area[i].first - 1, s.area[i].first,
		                       s.area[i].last, s.area[i].last + 1};

		for (j = 0; j < 4; j++) {
			struct ioas_translation t;
			enum ioas_fault is = ioas_space_translate(
				s.space, (struct iova){at[j]}, 1, 0, &t);

			fuzz_check(is == plain_fault(at[j], 0));
			if (!is)
				check_translation(at[j], 1, 0, &t);
		}
	}
	ioas_grace_leave(IOAS_GRACE_DMA);
}

static void do_usable(struct fuzz_input *in)
{
	uint64_t first = take_iova(in);
	struct iova_range range = {first, first + fuzz_take(in, 3)};
	bool is = ioas_iova_usable(&s.space->ranges, range);

	fuzz_check(is == (range.first <= range.last &&
	                  !is_refused(range.first, range.last)));
}

static void do_fail(struct fuzz_input *in)
{
	fuzz_world.fail_in = fuzz_below(in, 8);
}

static void (*const operations[])(struct fuzz_input *in) = {
	do_map,       do_map,   do_map,    do_unmap,
	do_translate, do_edges, do_usable, do_fail,
};

static void run(struct fuzz_input *in)
{
	unsigned int i;

	for (i = 0; i < OPS && in->left; i++) {
		operations[fuzz_below(in, IOAS_ARRAY_SIZE(operations))](in);
		check_areas();
	}
}

static void check_config(int err)
{
	unsigned int shift = s.config.page_shift;

	if (err == -ENOMEM)
		fuzz_check(fuzz_world.failed);
	else if (err)
		fuzz_check(err == -EINVAL);
	if (shift < 11 || shift > 30 ||
	    s.config.aperture.first > s.config.aperture.last)
		fuzz_check(err == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	int err;

	fuzz_begin();
	ioas_hooks.pin = plan_pin;
	memset(&s, 0, sizeof(s));
	take_config(&in);
	ioas_mem_init(&s.mem, &s.account, fuzz_world.page_shift);
	err = ioas_space_create(&s.config, &s.space);
	check_config(err);
	if (!err)
		run(&in);
	ioas_space_destroy(s.space);
	ioas_mem_fini(&s.mem);
	fuzz_check(!ioas_a64_load(&s.account.pages));
	fuzz_end();
	return 0;
}
