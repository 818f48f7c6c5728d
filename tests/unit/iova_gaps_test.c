/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "iova/gaps.h"
#include "rig.h"

#define SHIFT        12
#define PAGES        512 /* of the aperture */
#define BYTES(pages) ((uint64_t)(pages) << SHIFT)

enum { FREE, TAKEN };

static struct {
	struct ioas_gaps gaps;
	struct ioas_iova_ranges ranges;
	/* The same, page by page. */
	uint8_t state[PAGES];
	bool usable[PAGES];
	struct {
		uint64_t page, npages;
	} piece[PAGES];
	unsigned int pieces;
} s;

static void end(void *unused)
{
	ioas_gaps_fini(&s.gaps);
	ioas_iova_ranges_fini(&s.ranges);
}

static void begin(struct rig *r)
{
	memset(&s, 0, sizeof(s));
	rig_ok(r,
	       ioas_gaps_init(&s.gaps, (struct iova_range){0, BYTES(PAGES) - 1},
	                      SHIFT));
	rig_defer(r, end, NULL);
}

/* All but two holes, of pages. */
static void use(struct rig *r, const struct iova_range hole[2])
{
	struct ioas_reserved reserved[2];
	unsigned int i;

	memset(s.usable, true, sizeof(s.usable));
	for (i = 0; i < 2; i++) {
		reserved[i] = (struct ioas_reserved){
			.range = {BYTES(hole[i].first),
		                  BYTES(hole[i].last + 1) - 1},
			.kind = IOAS_RESERVED_OTHER};
		memset(s.usable + hole[i].first, false,
		       hole[i].last + 1 - hole[i].first);
	}
	rig_ok(r, ioas_iova_ranges_set(&s.ranges,
	                               (struct iova_range){0, BYTES(PAGES) - 1},
	                               reserved, 2));
	rig_ok(r, ioas_gaps_set(&s.gaps, &s.ranges));
}

static void use_all(struct rig *r)
{
	memset(s.usable, true, sizeof(s.usable));
	rig_ok(r, ioas_iova_ranges_set(&s.ranges,
	                               (struct iova_range){0, BYTES(PAGES) - 1},
	                               NULL, 0));
	rig_ok(r, ioas_gaps_set(&s.gaps, &s.ranges));
}

static uint64_t block_of(uint64_t npages)
{
	uint64_t block = 1;

	while (block < npages)
		block *= 2;
	return block;
}

static bool is_free(uint64_t page, uint64_t npages)
{
	uint64_t i;

	for (i = page; i < page + npages; i++)
		if (i >= PAGES || !s.usable[i] || s.state[i] != FREE)
			return false;
	return true;
}

/* Where the array says that it fits: first as a block, then at all. */
static uint64_t place_for(uint64_t npages, uint64_t last)
{
	uint64_t block = block_of(npages), at;

	for (at = 0; at + npages - 1 <= last && at < PAGES; at += block)
		if (is_free(at, block))
			return at;
	for (at = 0; at + npages - 1 <= last && at < PAGES; at += block)
		if (is_free(at, npages))
			return at;
	return UINT64_MAX;
}

static void take(struct rig *r, uint64_t npages, uint64_t last)
{
	uint64_t place = place_for(npages, last), page = 0;
	int rc = rig_try(r, ioas_gaps_take(&s.gaps, npages, last, &page));

	if (rc == -ENOMEM && rig_failed(r))
		return;
	assert_int_equal(rc, place == UINT64_MAX ? -ENOSPC : 0);
	if (rc)
		return;
	assert_true(page + npages - 1 <= last);
	assert_int_equal(page % block_of(npages), 0);
	assert_true(is_free(page, npages));
	memset(s.state + page, TAKEN, npages);
	s.piece[s.pieces].page = page;
	s.piece[s.pieces++].npages = npages;
}

static void give(unsigned int piece)
{
	ioas_gaps_give(&s.gaps, s.piece[piece].page, s.piece[piece].npages);
	memset(s.state + s.piece[piece].page, FREE, s.piece[piece].npages);
	s.piece[piece] = s.piece[--s.pieces];
}

/* ---- Tests ---- */

static void nothing_is_usable_before_it_is_set(struct rig *r)
{
	uint64_t page;

	begin(r);
	rig_fails(r, ioas_gaps_take(&s.gaps, 1, UINT64_MAX, &page), -ENOSPC);
	use_all(r);
	rig_ok(r, ioas_gaps_take(&s.gaps, 1, UINT64_MAX, &page));
	assert_int_equal(page, 0);
	ioas_gaps_give(&s.gaps, page, 1);
}

static void an_aperture_without_a_whole_page_is_refused(struct rig *r)
{
	struct ioas_gaps gaps;

	rig_fails(r, ioas_gaps_init(&gaps, (struct iova_range){1, 8190}, 12),
	          -EINVAL);
	rig_fails(r, ioas_gaps_init(&gaps, (struct iova_range){0, 4094}, 12),
	          -EINVAL);
	rig_ok(r, ioas_gaps_init(&gaps, (struct iova_range){1, 8191}, 12));
	ioas_gaps_fini(&gaps);
}

static void IOVA_3_pieces_are_aligned_to_their_size(struct rig *r)
{
	static const struct {
		uint64_t npages, page;
	} row[] = {{1, 0}, {2, 2}, {3, 4}, {1, 1}, {1, 7}, {17, 32}, {5, 8}};
	uint64_t page = 0;
	unsigned int i;

	begin(r);
	use_all(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		rig_ok(r, ioas_gaps_take(&s.gaps, row[i].npages, UINT64_MAX,
		                         &page));
		assert_int_equal(page, row[i].page);
	}
}

/* No block of 128 is left, but 100 pages fit. */
static void a_piece_that_fits_without_its_block_is_found(struct rig *r)
{
	const struct iova_range hole[2] = {{100, 300}, {301, 511}};
	uint64_t page = 1;

	begin(r);
	use(r, hole);
	rig_ok(r, ioas_gaps_take(&s.gaps, 100, UINT64_MAX, &page));
	assert_int_equal(page, 0);
	rig_fails(r, ioas_gaps_take(&s.gaps, 1, UINT64_MAX, &page), -ENOSPC);
}

static void limits_that_no_range_has_are_refused(struct rig *r)
{
	const struct iova_range hole[2] = {{0, 9}, {20, 29}};
	uint64_t page = 0;

	begin(r);
	use(r, hole);
	rig_fails(r, ioas_gaps_take(&s.gaps, 1, 9, &page), -ENOSPC);
	rig_ok(r, ioas_gaps_take(&s.gaps, 1, 10, &page));
	assert_int_equal(page, 10);
	rig_fails(r, ioas_gaps_take(&s.gaps, PAGES + 1, UINT64_MAX, &page),
	          -ENOSPC);
	rig_fails(r, ioas_gaps_take(&s.gaps, UINT64_MAX, UINT64_MAX, &page),
	          -ENOSPC);
	rig_fails(r,
	          ioas_gaps_take(&s.gaps, UINT64_C(1) << 63, UINT64_MAX, &page),
	          -ENOSPC);
}

static void give_never_lacks_memory(struct rig *r)
{
	const struct iova_range hole[2] = {{100, 110}, {210, 229}};
	unsigned int i;

	begin(r);
	use_all(r);
	for (i = 0; i < 200; i++)
		take(r, 1 + i % 3, UINT64_MAX);
	use(r, hole);
	/* Every second one: as many ranges as can be. */
	for (i = 0; i < s.pieces; i++)
		give(i);
	while (s.pieces)
		give(s.pieces - 1);
	use_all(r);
	assert_int_equal(s.gaps.free.root->first, 0);
	assert_int_equal(s.gaps.free.root->last, PAGES - 1);
	assert_null(s.gaps.held.root);
}

static void what_comes_back_into_a_hole_is_held(struct rig *r)
{
	const struct iova_range hole[2] = {{0, 1}, {4, 9}};
	uint64_t page = 1, other;

	begin(r);
	use_all(r);
	rig_ok(r, ioas_gaps_take(&s.gaps, 8, UINT64_MAX, &page));
	use(r, hole);
	ioas_gaps_give(&s.gaps, page, 8);
	rig_ok(r, ioas_gaps_take(&s.gaps, 2, UINT64_MAX, &page));
	assert_int_equal(page, 2);
	rig_ok(r, ioas_gaps_take(&s.gaps, 2, UINT64_MAX, &other));
	assert_int_equal(other, 10);
	/* What is out when it is set is not given by it. */
	use_all(r);
	rig_ok(r, ioas_gaps_take(&s.gaps, 4, UINT64_MAX, &other));
	assert_int_equal(other, 4);
	rig_ok(r, ioas_gaps_take(&s.gaps, 2, UINT64_MAX, &other));
	assert_int_equal(other, 0);
}

static void give_of_what_nobody_has(void *unused)
{
	ioas_gaps_give(&s.gaps, 5, 1);
}

static void IOVA_1_a_page_that_is_not_taken_cannot_be_given(struct rig *r)
{
	uint64_t page;

	begin(r);
	use_all(r);
	rig_breaks(r, "IOVA_1", give_of_what_nobody_has, NULL);
	rig_ok(r, ioas_gaps_take(&s.gaps, 1, UINT64_MAX, &page));
	rig_breaks(r, "IOVA_1", give_of_what_nobody_has, NULL);
}

static void change_holes(struct rig *r)
{
	struct iova_range hole[2];

	hole[0].first = rig_random_below(r, PAGES / 2);
	hole[0].last = hole[0].first + rig_random_below(r, 60);
	hole[1].first = rig_random_below(r, PAGES - 60);
	hole[1].last = hole[1].first + rig_random_below(r, 60);
	use(r, hole);
}

static void IOVA_2_random_pieces_match_a_plain_array(struct rig *r)
{
	unsigned int step;

	begin(r);
	use_all(r);
	for (step = 0; step < 3000; step++) {
		unsigned int what = (unsigned int)rig_random_below(r, 100);

		if (what < 2)
			change_holes(r);
		else if (what < 45 && s.pieces)
			give((unsigned int)rig_random_below(r, s.pieces));
		else
			take(r, 1 + rig_random_below(r, what < 60 ? 60 : 6),
			     rig_random_below(r, 4)
			             ? UINT64_MAX
			             : rig_random_below(r, PAGES));
	}
	while (s.pieces)
		give(s.pieces - 1);
	use_all(r);
	assert_int_equal(s.gaps.taken, 0);
	assert_int_equal(s.gaps.free.root->first, 0);
	assert_int_equal(s.gaps.free.root->last, PAGES - 1);
}

RIG_MAIN("iova_gaps", RIG_TEST(nothing_is_usable_before_it_is_set),
         RIG_TEST(an_aperture_without_a_whole_page_is_refused),
         RIG_TEST(IOVA_3_pieces_are_aligned_to_their_size),
         RIG_TEST(a_piece_that_fits_without_its_block_is_found),
         RIG_TEST(limits_that_no_range_has_are_refused),
         RIG_TEST(give_never_lacks_memory),
         RIG_TEST(what_comes_back_into_a_hole_is_held),
         RIG_TEST(IOVA_1_a_page_that_is_not_taken_cannot_be_given),
         RIG_TEST(IOVA_2_random_pieces_match_a_plain_array))
