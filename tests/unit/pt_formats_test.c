/* SPDX-License-Identifier: MIT */
/*
 * One suite for all formats of page tables: random operations beside a plain
 * array of pages. After each the walker is asked, and a second reader that
 * knows the architecture and nothing of ours (pt_reader.h). That one sees what
 * hardware would see that does not snoop: the bytes that it was told of.
 *
 * The window of pages lies where tables meet: around the middle of the input
 * range or at its end.
 */
#include <stdlib.h>
#include <string.h>

#include "pt/format.h"
#include "pt_hardware.h"
#include "pt_reader.h"
#include "pt_rig.h"

#define PAGES    4096
#define MAPPINGS 32
#define STEPS    400

struct shape {
	const struct ioas_pt_format *format;
	unsigned int page_shift, bits, levels, index_bits;
	uint64_t base;
	bool at_end, dirty;
	bool (*read)(const struct pt_reader *reader, uint64_t at,
	             struct pt_reading *ret);
};

struct page {
	uint64_t phys;
	unsigned int asked; /* 0: not mapped */
	bool lost, dirty;
};

static struct {
	const struct shape *shape;
	bool alone; /* no hardware reads the tables: they may lie in a row */
	uint64_t first; /* input address of page 0 */
	struct page page[PAGES];
	struct {
		unsigned int first, count; /* count 0: free */
	} mapping[MAPPINGS];
	struct pt_reader reader;
	struct iova_range taken; /* around what was unmapped, if any was */
	bool any_taken;
} m;

static const uint8_t *table_at(uint64_t phys)
{
	const uint8_t *ours =
		(const uint8_t *)(uintptr_t)(phys + (m.alone ? 0 : LINEAR));
	const struct table *t;

	if (m.alone)
		return ours;
	t = table_of(ours);
	assert_ptr_equal(t->ours, ours);
	return m.shape->dirty ? t->ours : t->its;
}

/* ---- The model ---- */

static uint64_t at_page(unsigned int i)
{
	return m.first + ((uint64_t)i << m.shape->page_shift);
}

static struct iova_range pages(unsigned int first, unsigned int count)
{
	return (struct iova_range){
		at_page(first),
		at_page(first) +
			(((uint64_t)count << m.shape->page_shift) - 1)};
}

/* What a device may do: hardware may not know a page that is only written. */
static unsigned int rounded(unsigned int asked)
{
	bool more = !m.shape->format->write_only && (asked & IOAS_WRITE);

	return asked | (more ? IOAS_READ : 0);
}

static bool is_free(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		if (m.page[i].asked)
			return false;
	return true;
}

/* Half of them lie so that large leaves and clusters can be used. */
static uint64_t pick_phys(struct rig *r, unsigned int first)
{
	unsigned int shift = m.shape->page_shift;

	if (rig_random_below(r, 2))
		return (UINT64_C(1) << 40) +
		       (rig_random_below(r, PAGES) << shift);
	return (UINT64_C(1) << 46) + (at_page(first) - m.first) +
	       (m.first & ioas_mask_lg2(shift + 13));
}

static void do_map(struct rig *r, unsigned int slot)
{
	unsigned int count, first, i;
	unsigned int asked = 1 + (unsigned int)rig_random_below(r, 3);
	uint64_t phys, tables = ioas_a64_load(&pt.tables);
	int rc;

	count = 1 +
	        (unsigned int)rig_random_below(r, 1 << rig_random_below(r, 12));
	first = (unsigned int)rig_random_below(r, PAGES - count + 1);
	if (rig_random_below(r, 2))
		first &= ~(unsigned int)ioas_mask_lg2(
			(unsigned int)rig_random_below(r, 12));
	phys = pick_phys(r, first);
	if (!is_free(first, count))
		return;
	rc = rig_try(r, ioas_pt_map(&pt, pages(first, count),
	                            (struct phys){phys}, asked));
	if (rig_failed(r)) {
		assert_int_equal(rc, -ENOMEM);
		assert_true(ioas_a64_load(&pt.tables) == tables);
		return;
	}
	assert_int_equal(rc, 0);
	m.mapping[slot].first = first;
	m.mapping[slot].count = count;
	for (i = 0; i < count; i++)
		m.page[first + i] = (struct page){
			.phys = phys + ((uint64_t)i << m.shape->page_shift),
			.asked = asked};
}

static void do_unmap(unsigned int slot)
{
	unsigned int first = m.mapping[slot].first;
	unsigned int count = m.mapping[slot].count;

	ioas_pt_unmap(&pt, pages(first, count), &gone);
	if (!m.any_taken || at_page(first) < m.taken.first)
		m.taken.first = at_page(first);
	if (!m.any_taken || pages(first, count).last > m.taken.last)
		m.taken.last = pages(first, count).last;
	m.any_taken = true;
	memset(&m.page[first], 0, count * sizeof(m.page[0]));
	m.mapping[slot].count = 0;
}

/* A piece of a mapping. False: of none. */
static bool pick_piece(struct rig *r, unsigned int *first, unsigned int *count)
{
	unsigned int slot = (unsigned int)rig_random_below(r, MAPPINGS);
	unsigned int skip, all = m.mapping[slot].count;

	if (!all)
		return false;
	skip = (unsigned int)rig_random_below(r, all);
	*first = m.mapping[slot].first + skip;
	*count = 1 + (unsigned int)rig_random_below(r, all - skip);
	return true;
}

static bool has_lost(unsigned int first, unsigned int count)
{
	unsigned int i;

	for (i = first; i < first + count; i++)
		if (m.page[i].lost)
			return true;
	return false;
}

static void do_move(struct rig *r)
{
	unsigned int first, count, i;
	uint64_t delta = (1 + rig_random_below(r, 64)) << m.shape->page_shift;

	if (rig_random_below(r, 2))
		delta <<= 9;
	if (rig_random_below(r, 2))
		delta = -delta;
	if (!pick_piece(r, &first, &count) || has_lost(first, count))
		return;
	/* No further away than outputs go. */
	for (i = first; i < first + count; i++)
		if ((m.page[i].phys + delta) >> 47)
			return;
	if (rig_try(r, ioas_pt_split(&pt, pages(first, count), delta)))
		return;
	ioas_pt_shift(&pt, pages(first, count), delta);
	for (i = first; i < first + count; i++)
		m.page[i].phys += delta;
}

static void do_lose(struct rig *r)
{
	unsigned int first, count, i;

	if (!pick_piece(r, &first, &count) || rig_random_below(r, 4) ||
	    rig_try(r, ioas_pt_split(&pt, pages(first, count), 0)))
		return;
	ioas_pt_lose(&pt, pages(first, count));
	for (i = first; i < first + count; i++)
		m.page[i].lost = true;
}

/* Nobody can see it; and a merge may take it back. */
static void do_split(struct rig *r)
{
	unsigned int first, count;

	if (pick_piece(r, &first, &count))
		(void)!rig_try(r, ioas_pt_split(&pt, pages(first, count), 0));
}

/* Of one mapping: a leaf of two could not be unmapped with one of them. */
static void do_merge(struct rig *r)
{
	unsigned int slot;

	for (slot = 0; slot < MAPPINGS; slot++)
		if (m.mapping[slot].count && !rig_random_below(r, 4))
			ioas_pt_merge(&pt,
			              pages(m.mapping[slot].first,
			                    m.mapping[slot].count),
			              &gone);
}

/* A device writes to a page: all of its leaf is dirty then. */
static void do_mark(struct rig *r)
{
	unsigned int i = (unsigned int)rig_random_below(r, PAGES);
	bool writes = !m.page[i].lost && (m.page[i].asked & IOAS_WRITE);
	bool marked = ioas_pt_mark(&pt, (struct iova){at_page(i) + 5});

	assert_int_equal(marked, m.shape->dirty && writes);
	if (writes)
		m.page[i].dirty = true;
}

static void note_dirty(struct ioas_pt_finder *finder, struct iova_range range)
{
	uint64_t at;
	unsigned int i;

	for (at = range.first; at - 1 != range.last;
	     at += UINT64_C(1) << m.shape->page_shift) {
		i = (unsigned int)((at - m.first) >> m.shape->page_shift);
		assert_true(i < PAGES && !m.page[i].lost);
		assert_true(m.page[i].asked & IOAS_WRITE);
		m.page[i].dirty = false;
	}
}

/* Whatever was written to is found; its neighbours in the leaf may be, too. */
static void do_take(struct rig *r)
{
	struct ioas_pt_finder finder = {note_dirty};
	unsigned int i;

	if (!m.shape->dirty)
		return;
	ioas_pt_take_dirty(&pt, pages(0, PAGES), true, &finder, &gone);
	for (i = 0; i < PAGES; i++)
		assert_true(m.page[i].lost || !m.page[i].dirty);
}

/* ---- Comparing ---- */

static void compare_walk(unsigned int i, uint64_t offset)
{
	const struct page *p = &m.page[i];
	struct ioas_pt_leaf leaf;
	unsigned int last, j;
	bool found =
		ioas_pt_walk(&pt, (struct iova){at_page(i) + offset}, &leaf);

	assert_int_equal(found, p->asked != 0);
	if (!found)
		return;
	assert_int_equal(leaf.lost, p->lost);
	if (p->lost) {
		assert_true(leaf.perm == p->asked ||
		            leaf.perm == rounded(p->asked));
		return;
	}
	assert_true(leaf.phys.raw == p->phys + offset);
	assert_int_equal(leaf.perm, rounded(p->asked));
	assert_true(leaf.last >= at_page(i) + offset);
	last = (unsigned int)((leaf.last - m.first) >> m.shape->page_shift);
	assert_true(last < PAGES);
	for (j = i; j <= last; j++)
		assert_true(m.page[j].asked && !m.page[j].lost &&
		            m.page[j].phys - p->phys ==
		                    (uint64_t)(j - i) << m.shape->page_shift);
}

static void compare_reader(unsigned int i, uint64_t offset)
{
	const struct page *p = &m.page[i];
	struct pt_reading is = {0};
	uint64_t at = at_page(i) + offset - m.shape->base;
	bool found = m.shape->read(&m.reader, at, &is);

	if (is.wrong)
		fail_msg("at %#lx: %s", (unsigned long)at, is.wrong);
	assert_int_equal(found, p->asked != 0 && !p->lost);
	if (!found)
		return;
	assert_true(is.phys == p->phys + offset);
	assert_int_equal(is.read, (rounded(p->asked) & IOAS_READ) != 0);
	assert_int_equal(is.write, (p->asked & IOAS_WRITE) != 0);
}

static void compare(unsigned int i, uint64_t offset)
{
	compare_walk(i, offset);
	if (m.shape->read)
		compare_reader(i, offset);
}

/* ---- A run ---- */

static void check_flush(void)
{
	struct ioas_pt_gather was = gone;
	unsigned int told = hardware.told, destroyed = hardware.destroyed;
	bool hooked = !m.alone;

	ioas_pt_flush(&pt, &gone);
	assert_int_equal(hardware.told - told, was.any && hooked);
	if (m.any_taken && hooked)
		assert_true(hardware.forgot.first <= m.taken.first &&
		            hardware.forgot.last >= m.taken.last);
	m.any_taken = false;
	ioas_pt_free(&pt, &gone);
	assert_false(gone.any || gone.tables);
	if (hardware.destroyed != destroyed)
		assert_true(hardware.forgot_tables);
}

static void begin(struct rig *r, const struct shape *shape, bool alone)
{
	static const struct ioas_pt_hardware hooks = {
		.arg = &hardware,
		.create = hardware_create,
		.destroy = hardware_destroy,
		.linear = LINEAR,
		.wrote = hardware_wrote,
		.invalidate = hardware_invalidate,
	};
	const struct ioas_pt_config config = {
		.format = shape->format,
		.page_shift = shape->page_shift,
		.bits = shape->bits,
		.base = shape->base,
		.levels = shape->levels,
		.index_bits = shape->index_bits,
		.dirty = shape->dirty,
		.hardware = alone ? NULL : &hooks,
	};

	memset(&m, 0, sizeof(m));
	memset(&hardware, 0, sizeof(hardware));
	gone = (struct ioas_pt_gather){0};
	m.shape = shape;
	m.alone = alone;
	m.first = shape->base + ioas_mask_lg2(shape->bits - 1) + 1 -
	          ((uint64_t)PAGES / 2 << shape->page_shift);
	if (shape->at_end)
		m.first = shape->base + ioas_mask_lg2(shape->bits - 1) * 2 + 2 -
		          ((uint64_t)PAGES << shape->page_shift);
	rig_ok(r, ioas_pt_init(&pt, &config));
	m.reader = (struct pt_reader){
		.read = shape->read,
		.page_shift = shape->page_shift,
		.bits = shape->bits,
		.levels = pt.levels,
		.index_bits = pt.index_bits,
		.root = (uintptr_t)pt.top - (alone ? 0 : LINEAR),
		.table = table_at,
	};
}

static void step(struct rig *r)
{
	unsigned int slot = (unsigned int)rig_random_below(r, MAPPINGS), i;

	if (m.mapping[slot].count)
		do_unmap(slot);
	else
		do_map(r, slot);
	do_move(r);
	do_lose(r);
	do_split(r);
	do_merge(r);
	/* Not in each step, or what lost its mark would have it again. */
	if (m.shape->dirty && !rig_random_below(r, 4))
		for (i = 0; i < 32; i++)
			do_mark(r);
	if (!rig_random_below(r, 8))
		do_take(r);
	if (!rig_random_below(r, 3))
		check_flush();
	for (i = 0; i < 16; i++)
		compare((unsigned int)rig_random_below(r, PAGES),
		        rig_random_below(r, 1 << m.shape->page_shift));
}

static void end(void *arg)
{
	free_gone(NULL);
	ioas_pt_fini(&pt);
}

static void run_as(struct rig *r, const struct shape *shape, bool alone)
{
	unsigned int i;

	begin(r, shape, alone);
	for (i = 0; i < STEPS; i++)
		step(r);
	for (i = 0; i < PAGES; i++)
		compare(i, 0);
	for (i = 0; i < MAPPINGS; i++)
		if (m.mapping[i].count)
			do_unmap(i);
	check_flush();
	assert_true(ioas_a64_load(&pt.tables) == 1);
	for (i = 0; i < PAGES; i++)
		compare(i, 0);
}

static void run(struct rig *r, const struct shape *shape)
{
	rig_defer(r, end, NULL);
	run_as(r, shape, false);
	end(NULL);
	run_as(r, shape, true);
}

#define SHAPE(name, ...)                                         \
	static void name(struct rig *r)                          \
	{                                                        \
		static const struct shape shape = {__VA_ARGS__}; \
                                                                 \
		run(r, &shape);                                  \
	}

#define NATIVE(shift, width, ...)                                            \
	SHAPE(native_pages_of_2_to_the_##shift##_in_##width##_bits,          \
	      .format = &ioas_pt_native, .page_shift = shift, .bits = width, \
	      __VA_ARGS__)
NATIVE(11, 39, .at_end = false)
NATIVE(11, 64, .at_end = true)
NATIVE(12, 48, .at_end = false)
/* Small tables: leaves of each level, split and merged, in a few pages. */
NATIVE(12, 27, .index_bits = 3)
NATIVE(12, 57, .dirty = true)
NATIVE(12, 64, .at_end = true)
NATIVE(16, 48, .at_end = true)
NATIVE(30, 43, .at_end = false)

#define VTD(width, ...)                                             \
	SHAPE(vtd_tables_of_##width##_bits, .format = &ioas_pt_vtd, \
	      .page_shift = 12, .bits = width, .read = pt_read_vtd, \
	      __VA_ARGS__)
VTD(36, .at_end = false)
VTD(39, .at_end = true)
VTD(48, .at_end = false)
VTD(57, .dirty = true)

#define AMD(width, ...)                                                 \
	SHAPE(amdv1_tables_of_##width##_bits, .format = &ioas_pt_amdv1, \
	      .page_shift = 12, .bits = width, .read = pt_read_amdv1,   \
	      __VA_ARGS__)
AMD(30, .at_end = false)
AMD(48, .dirty = true)
AMD(64, .at_end = true)

#define LPAE(stage, granule, width, ...)                             \
	SHAPE(stage_##stage##_granule_##granule##_of_##width##_bits, \
	      .format = &ioas_pt_lpae##stage, .page_shift = granule, \
	      .bits = width, .read = pt_read_stage##stage, __VA_ARGS__)
LPAE(1, 12, 32, .at_end = true)
LPAE(1, 12, 48, .at_end = false)
LPAE(1, 12, 47, .dirty = true)
LPAE(1, 14, 47, .at_end = false)
LPAE(1, 14, 48, .at_end = true)
LPAE(1, 16, 42, .at_end = false)
LPAE(1, 16, 48, .at_end = true)
LPAE(2, 12, 40, .at_end = false)
LPAE(2, 12, 42, .levels = 4)
LPAE(2, 12, 43, .dirty = true)
LPAE(2, 12, 48, .at_end = true)
LPAE(2, 14, 40, .at_end = false)
LPAE(2, 14, 48, .at_end = true)
LPAE(2, 16, 46, .at_end = true)

#define TCE(shift, width, count, index, ...)                              \
	SHAPE(tce_pages_of_2_to_the_##shift##_in_##count##_levels,        \
	      .format = &ioas_pt_tce, .page_shift = shift, .bits = width, \
	      .levels = count, .index_bits = index, .read = pt_read_tce,  \
	      __VA_ARGS__)
TCE(12, 31, 1, 19, .base = 0)
TCE(12, 35, 2, 13, .at_end = true)
TCE(12, 40, 3, 10, .base = UINT64_C(1) << 59)
TCE(12, 57, 5, 9, .at_end = true)
TCE(16, 46, 4, 9, .base = UINT64_C(1) << 59)
TCE(21, 44, 2, 13, .at_end = false)
TCE(24, 44, 3, 9, .base = UINT64_C(1) << 59)
TCE(30, 46, 1, 16, .at_end = true)
SHAPE(tce_as_papr_has_them, .format = &ioas_pt_tce_papr, .page_shift = 16,
      .bits = 36, .levels = 1, .index_bits = 20, .read = pt_read_tce)

RIG_MAIN("pt_formats", RIG_TEST(native_pages_of_2_to_the_11_in_39_bits),
         RIG_TEST(native_pages_of_2_to_the_11_in_64_bits),
         RIG_TEST(native_pages_of_2_to_the_12_in_48_bits),
         RIG_TEST(native_pages_of_2_to_the_12_in_27_bits),
         RIG_TEST(native_pages_of_2_to_the_12_in_57_bits),
         RIG_TEST(native_pages_of_2_to_the_12_in_64_bits),
         RIG_TEST(native_pages_of_2_to_the_16_in_48_bits),
         RIG_TEST(native_pages_of_2_to_the_30_in_43_bits),
         RIG_TEST(vtd_tables_of_36_bits), RIG_TEST(vtd_tables_of_39_bits),
         RIG_TEST(vtd_tables_of_48_bits), RIG_TEST(vtd_tables_of_57_bits),
         RIG_TEST(amdv1_tables_of_30_bits), RIG_TEST(amdv1_tables_of_48_bits),
         RIG_TEST(amdv1_tables_of_64_bits),
         RIG_TEST(stage_1_granule_12_of_32_bits),
         RIG_TEST(stage_1_granule_12_of_48_bits),
         RIG_TEST(stage_1_granule_12_of_47_bits),
         RIG_TEST(stage_1_granule_14_of_47_bits),
         RIG_TEST(stage_1_granule_14_of_48_bits),
         RIG_TEST(stage_1_granule_16_of_42_bits),
         RIG_TEST(stage_1_granule_16_of_48_bits),
         RIG_TEST(stage_2_granule_12_of_40_bits),
         RIG_TEST(stage_2_granule_12_of_42_bits),
         RIG_TEST(stage_2_granule_12_of_43_bits),
         RIG_TEST(stage_2_granule_12_of_48_bits),
         RIG_TEST(stage_2_granule_14_of_40_bits),
         RIG_TEST(stage_2_granule_14_of_48_bits),
         RIG_TEST(stage_2_granule_16_of_46_bits),
         RIG_TEST(tce_pages_of_2_to_the_12_in_1_levels),
         RIG_TEST(tce_pages_of_2_to_the_12_in_2_levels),
         RIG_TEST(tce_pages_of_2_to_the_12_in_3_levels),
         RIG_TEST(tce_pages_of_2_to_the_12_in_5_levels),
         RIG_TEST(tce_pages_of_2_to_the_16_in_4_levels),
         RIG_TEST(tce_pages_of_2_to_the_21_in_2_levels),
         RIG_TEST(tce_pages_of_2_to_the_24_in_3_levels),
         RIG_TEST(tce_pages_of_2_to_the_30_in_1_levels),
         RIG_TEST(tce_as_papr_has_them))
