/* SPDX-License-Identifier: MIT */
/*
 * DIRTY_PAGES of type1, and the bitmaps of UNMAP_DMA. With an IOMMU of hardware
 * type1 does not know what a device wrote; so every page that is mapped may
 * have been written, and is dirty each time it is asked for. Where no group
 * has such an IOMMU Linux tells what was written, and so does a back end with
 * marks (space/dirty.c). Pages that are not mapped are not spoken of: their
 * bits stay as the program had them.
 *
 * A mapping's bits need not begin where a word of the bitmap begins:
 *
 *	word           0                1                2
 *	       |ppppp.......... |................|....
 *	            ^ first page of the mapping: the bits p below it are the
 *	              program's, or of a mapping before; the word is read first
 *
 * Linux shifts its own bitmap of the mapping in place for that, and clears
 * only as many bits as there are pages afterwards: what was shifted out behind
 * the end stays there, and is told as dirty the next time. It also keeps more
 * bits of the program's word than those below. The contracts that are exact do
 * so too: `dirty_tail` of an area is what stands behind its last page, in the
 * word of the last page and the spare one behind it. It begins as 0. A back end
 * with marks does neither.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_type1.c (update_user_bitmap,
 * vfio_iova_dirty_bitmap, vfio_iommu_type1_dirty_pages), lib/bitmap.c
 * (__bitmap_shift_left: whole words)
 */
#include <errno.h>

#include "uapi/state.h"

#define WORD_BITS 64
#define CHUNK     64 /* words that are written at once */

/* Half of all addresses are the program's. */
static bool in_user_half(uint64_t start, uint64_t bytes)
{
	return start <= UINTPTR_MAX / 2 && bytes <= UINTPTR_MAX / 2 - start;
}

/* Bytes of a bitmap of @pages bits, in words. */
static uint64_t bitmap_bytes(uint64_t pages)
{
	return (pages / WORD_BITS + (pages % WORD_BITS != 0)) * 8;
}

int ioas_type1_bitmap_check(const struct ioas_vfio_bitmap *bitmap,
                            uint64_t bytes)
{
	uint64_t pages;

	if (!in_user_half(bitmap->data, bitmap->size) || bitmap->pgsize == 0)
		return -EINVAL;
	pages = bytes >> __builtin_ctzll(bitmap->pgsize);
	if (pages == 0 || bitmap->size == 0 ||
	    bitmap->size > IOAS_DIRTY_BITMAP_MAX ||
	    bitmap->size < bitmap_bytes(pages))
		return -EINVAL;
	return 0;
}

int ioas_type1_bitmap_fits_locked(const struct ioas_type1 *type1,
                                  const struct ioas_vfio_bitmap *bitmap)
{
	if (!type1->tracking ||
	    bitmap->pgsize != ioas_type1_page_mask(type1) + 1)
		return -EINVAL;
	return 0;
}

/* ---- One mapping ---- */

/* The bits of a mapping on their way into a program's bitmap. */
struct bits {
	const struct ioas_type1 *type1;
	struct ioas_area *area;
	enum ioas_dirty_marks marks;
	uint64_t pages;
	unsigned int shift; /* of the first one in its word */
	uint64_t tail[2];   /* behind the last page, before shifting */
	uint64_t before;    /* what is kept of the first word */
};

/* Word @n of the bits as they are, without the shift. */
static uint64_t plain_word(const struct bits *b, uint64_t n)
{
	uint64_t full = b->pages / WORD_BITS;

	if (n < full)
		return UINT64_MAX;
	if (n == full)
		return ioas_mask_lg2(b->pages % WORD_BITS) | b->tail[0];
	return n == full + 1 ? b->tail[1] : 0;
}

static uint64_t shifted_word(const struct bits *b, uint64_t n)
{
	uint64_t word = plain_word(b, n) << b->shift;

	if (b->shift && n)
		word |= plain_word(b, n - 1) >> (WORD_BITS - b->shift);
	return n ? word : word | b->before;
}

static uint64_t word_count(const struct bits *b)
{
	uint64_t bits = b->pages + b->shift;

	return bits / WORD_BITS + (bits % WORD_BITS != 0);
}

/* Bits on their way from marks into words. */
struct marked {
	struct ioas_pt_finder finder;
	uint64_t *words;
	unsigned int page_shift;
	uint64_t first; /* I/O address that bit 0 is of; it may wrap */
};

static void set_marked(struct ioas_pt_finder *finder, struct iova_range range)
{
	struct marked *m = (struct marked *)finder;
	uint64_t bit = (range.first - m->first) >> m->page_shift;
	uint64_t last = (range.last - m->first) >> m->page_shift;

	for (; bit <= last; bit++)
		m->words[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

/* As shifted_word(), @count of them that are 0, by the marks of the area. */
static void marked_words(const struct bits *b, uint64_t n, uint64_t count,
                         uint64_t *words)
{
	static void (*const tell[])(struct ioas_space * space,
	                            struct iova_range range,
	                            struct ioas_pt_finder * finder) = {
		[IOAS_DIRTY_LOOK] = ioas_space_dirty_look_locked,
		[IOAS_DIRTY_TAKE] = ioas_space_dirty_take_locked,
		[IOAS_DIRTY_LAST] = ioas_space_dirty_last_locked,
	};
	struct ioas_space *space = b->type1->iommu.space;
	uint64_t from = n * WORD_BITS, end = (n + count) * WORD_BITS - b->shift;
	struct marked m = {
		.finder = {set_marked},
		.words = words,
		.page_shift = space->page_shift,
		.first = b->area->range.first +
	                 ((from - b->shift) << space->page_shift),
	};
	struct iova_range range = b->area->range;

	if (n)
		range.first = m.first;
	if (end < b->pages)
		range.last =
			b->area->range.first + ((end << space->page_shift) - 1);
	if (!n)
		words[0] = b->before;
	tell[b->marks](space, range, &m.finder);
}

static int write_words(const struct bits *b, struct uaddr at)
{
	uint64_t n, count = word_count(b);
	unsigned int i, most;

	for (n = 0; n < count; n += most) {
		uint64_t words[CHUNK] = {0};

		most = count - n < CHUNK ? (unsigned int)(count - n) : CHUNK;
		if (b->type1->marks)
			marked_words(b, n, most, words);
		else
			for (i = 0; i < most; i++)
				words[i] = shifted_word(b, n + i);
		if (ioas_copy_out(ioas_uaddr_add(at, n * 8), words, most * 8))
			return -EFAULT;
	}
	return 0;
}

/*
 * What Linux's shifted bitmap holds behind the last page. Words that the shift
 * did not reach are as they were, and the one with the last page is there only
 * when the pages do not fill it.
 */
static void keep_tail(const struct bits *b, struct ioas_area *area)
{
	uint64_t full = b->pages / WORD_BITS;
	unsigned int used = b->pages % WORD_BITS;
	unsigned int i;

	for (i = 0; i < (used ? 2 : 1) && full + i < word_count(b); i++)
		area->dirty_tail[i] = shifted_word(b, full + i);
	area->dirty_tail[0] &= ~ioas_mask_lg2(used);
}

/* The program's word that the first bits go into. */
static int read_before(struct bits *b, struct uaddr at, bool exact)
{
	uint64_t word;

	if (ioas_copy_in(&word, at, sizeof(word)))
		return -EFAULT;
	b->before = exact ? word : word & ioas_mask_lg2(b->shift);
	return 0;
}

int ioas_type1_bitmap_write_locked(const struct ioas_type1 *type1,
                                   struct ioas_area *area, struct uaddr bitmap,
                                   uint64_t base, enum ioas_dirty_marks marks)
{
	bool exact = ioas_vfio_is_exact(type1->iommu.vfio) && !type1->marks;
	unsigned int page_shift = type1->iommu.space->page_shift;
	uint64_t at = (area->range.first - base) >> page_shift;
	struct bits b = {
		.type1 = type1,
		.area = area,
		.marks = marks,
		.pages =
			((area->range.last - area->range.first) >> page_shift) +
			1,
		.shift = at % WORD_BITS,
		.tail = {area->dirty_tail[0], area->dirty_tail[1]},
	};
	int ret = 0;

	bitmap = ioas_uaddr_add(bitmap, at / WORD_BITS * 8);
	if (b.shift)
		ret = read_before(&b, bitmap, exact);
	/* Linux has shifted by then, whether the word could be read or not. */
	if (b.shift && exact)
		keep_tail(&b, area);
	return ret ? ret : write_words(&b, bitmap);
}

/* ---- DIRTY_PAGES ---- */

int ioas_type1_dirty_admits(const struct ioas_call *call)
{
	return ioas_type1_of(call->iommu)->version == VFIO_TYPE1v2_IOMMU
	               ? 0
	               : -EACCES;
}

/* Tracking begins with clean bitmaps. */
static long track_locked(struct ioas_type1 *type1)
{
	const struct iova_range all = {0, UINT64_MAX};
	struct ioas_area *area;

	if (type1->tracking)
		return 0;
	type1->tracking = true;
	if (type1->marks)
		ioas_space_track_locked(type1->iommu.space);
	area = ioas_space_find_locked(type1->iommu.space, all);
	for (; area; area = ioas_space_next_locked(area, all)) {
		area->dirty_tail[0] = 0;
		area->dirty_tail[1] = 0;
	}
	return 0;
}

/* What devices are writing now they do by what was so before (SPACE-5). */
static void settle(const struct ioas_type1 *type1)
{
	if (type1->marks)
		ioas_space_dirty_settle();
}

static long start(struct ioas_call *call)
{
	long ret;

	ioas_lock(&call->iommu->space->lock);
	ret = track_locked(ioas_type1_of(call->iommu));
	ioas_unlock(&call->iommu->space->lock);
	settle(ioas_type1_of(call->iommu));
	return ret;
}

static long stop(struct ioas_call *call)
{
	ioas_lock(&call->iommu->space->lock);
	ioas_type1_of(call->iommu)->tracking = false;
	ioas_space_untrack_locked(call->iommu->space);
	ioas_unlock(&call->iommu->space->lock);
	settle(ioas_type1_of(call->iommu));
	return 0;
}

/* Its end is exclusive in 6.12 and may not be 2^64; size 0 is found later. */
static int get_range_6_12(const struct ioas_vfio_dirty_range *get,
                          struct iova_range *ret_range)
{
	if (get->iova + get->size < get->iova)
		return -EINVAL;
	ret_range->first = get->iova;
	ret_range->last = get->iova + get->size - 1;
	return 0;
}

static int get_range(const struct ioas_type1 *type1,
                     const struct ioas_vfio_dirty_range *get,
                     struct iova_range *ret_range)
{
	if (type1->iommu.vfio->contract == IOAS_CONTRACT_LINUX_6_12)
		return get_range_6_12(get, ret_range);
	/* A process may have addresses of 32 bits. */
	if (get->iova > UINTPTR_MAX || get->size > SIZE_MAX)
		return -EOVERFLOW;
	if (!get->size)
		return -EINVAL;
	return ioas_type1_range(type1, get->iova, get->size, ret_range);
}

static int write_all_locked(struct ioas_type1 *type1, struct iova_range range,
                            struct uaddr bitmap, enum ioas_dirty_marks marks)
{
	struct ioas_area *area =
		ioas_space_find_locked(type1->iommu.space, range);
	int ret = 0;

	for (; area && !ret; area = ioas_space_next_locked(area, range))
		ret = ioas_type1_bitmap_write_locked(type1, area, bitmap,
		                                     range.first, marks);
	return ret;
}

/*
 * Marks are taken when the program has them. It may take the bitmap away in
 * between; then it hears of more than was written, and never of less.
 */
static int take_all_locked(struct ioas_type1 *type1, struct iova_range range,
                           struct uaddr bitmap)
{
	struct ioas_area *area;
	int ret = write_all_locked(type1, range, bitmap, IOAS_DIRTY_TAKE);

	if (!ret)
		return 0;
	area = ioas_space_find_locked(type1->iommu.space, range);
	for (; area; area = ioas_space_next_locked(area, range))
		ioas_space_dirty_again_locked(type1->iommu.space, area->range);
	return ret;
}

static int get_locked(struct ioas_type1 *type1,
                      const struct ioas_vfio_dirty_range *get,
                      struct iova_range range)
{
	uint64_t mask = ioas_type1_page_mask(type1);
	struct uaddr bitmap = {get->bitmap.data};
	int ret = ioas_type1_bitmap_fits_locked(type1, &get->bitmap);

	if (ret)
		return ret;
	if (!get->size || ((get->iova | get->size) & mask) ||
	    ioas_type1_cuts_locked(type1, range))
		return -EINVAL;
	ret = write_all_locked(type1, range, bitmap, IOAS_DIRTY_LOOK);
	if (!ret && type1->marks)
		ret = take_all_locked(type1, range, bitmap);
	return ret;
}

static long get(struct ioas_call *call)
{
	struct ioas_type1 *type1 = ioas_type1_of(call->iommu);
	struct ioas_vfio_dirty_range range;
	struct iova_range iova;
	int ret;

	if (call->in.head.argsz < sizeof(call->in.head) + sizeof(range))
		return -EINVAL;
	if (ioas_copy_in(&range,
	                 ioas_uaddr_add(call->at, sizeof(call->in.head)),
	                 sizeof(range)))
		return -EFAULT;
	ret = get_range(type1, &range, &iova);
	if (!ret)
		ret = ioas_type1_bitmap_check(&range.bitmap, range.size);
	if (ret)
		return ret;
	ioas_lock(&type1->iommu.space->lock);
	ret = get_locked(type1, &range, iova);
	ioas_unlock(&type1->iommu.space->lock);
	settle(type1);
	return ret;
}

long ioas_type1_dirty_pages(struct ioas_call *call)
{
	/* By the only flag that is set. */
	static const struct {
		uint32_t flag;
		long (*run)(struct ioas_call *call);
	} ways[] = {
		{VFIO_IOMMU_DIRTY_PAGES_FLAG_START, start},
		{VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP, stop},
		{VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, get},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(ways); i++)
		if (call->in.head.flags == ways[i].flag)
			return ways[i].run(call);
	return -EINVAL;
}
