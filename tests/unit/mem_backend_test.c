/* SPDX-License-Identifier: MIT */
#include "mem/backend.h"
#include "mem_rig.h"

/* ---- I/O pages. ---- */

/* A back end with memory in pieces: page i of the region is frame[i]. */
static uint64_t frame[PAGES];

static int pin_pieces(const struct ioas_backend *self,
                      const struct ioas_pin *pin,
                      struct ioas_extent *ret_extents, unsigned int max)
{
	uint64_t first = (pin->start - page(0)) >> pin->page_shift, i;

	if (frame[first] == IOAS_MEM_NONE)
		return -EIO;
	/* Three at most: a region takes several calls. */
	for (i = 0; i < 3 && i < max && i < pin->npages &&
	            frame[first + i] != IOAS_MEM_NONE;
	     i++)
		ret_extents[i] = (struct ioas_extent){
			frame[first + i] << pin->page_shift, 1};
	return (int)i;
}

static void unpin_pieces(const struct ioas_backend *self,
                         const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	uint64_t first = (pin->start - page(0)) >> pin->page_shift, i;

	for (i = 0; i < pin->npages; i++)
		assert_true(frame[first + i] << pin->page_shift ==
		            phys + (i << pin->page_shift));
}

static const struct ioas_backend pieces = {
	.name = "pieces",
	.pin = pin_pieces,
	.unpin = unpin_pieces,
};

/* Frames as runs: at @first, @count of them; page 0 is 16 pages aligned. */
static void start_pieces(struct rig *r, const uint64_t *frames)
{
	start_on(r, &pieces);
	m.memory = rig_memory(r, (2 * PAGES) * rig_page());
	m.memory += -(uintptr_t)m.memory & (PAGES * rig_page() - 1);
	memcpy(frame, frames, sizeof(frame));
}

static int io_get(unsigned int i, uint64_t n, unsigned int io_lg2)
{
	struct ioas_mapping what = mapping(i, n);
	struct ioas_mapped got;
	int rc;

	what.io_shift = rig_page_shift() + io_lg2;
	rc = ioas_registry_get(m.registry, &what, &got);
	if (!rc) {
		assert_true(got.phys == frame[i] << rig_page_shift());
		ioas_region_put(got.region, n);
	}
	return rc;
}

static void MEM_6_an_io_page_lies_in_one_aligned_run(struct rig *r)
{
	/* Runs: 0-3 aligned to 4, 4-7 to 2 only, 8-11 apart, 12-15 together. */
	static const uint64_t frames[PAGES] = {16, 17, 18, 19, 34, 35, 36, 37,
	                                       50, 60, 70, 80, 96, 97, 98, 99};

	start_pieces(r, frames);
	rig_ok(r, enter(m.a, 0, PAGES));
	rig_ok(r, io_get(0, 4, 2));
	rig_ok(r, io_get(0, 8, 1));
	rig_fails(r, io_get(4, 4, 2), -EINVAL);
	rig_ok(r, io_get(4, 4, 1));
	rig_fails(r, io_get(8, 2, 1), -EINVAL);
	rig_ok(r, io_get(8, 4, 0));
	rig_ok(r, io_get(12, 4, 2));
	rig_fails(r, io_get(0, 16, 2), -EINVAL);
	rig_fails(r, io_get(0, 16, 4), -EINVAL);
	/* Not whole I/O pages. */
	rig_fails(r, io_get(1, 4, 2), -EINVAL);
	rig_fails(r, io_get(0, 2, 2), -EINVAL);
}

/* The published code kept the size of the largest page for all after it. */
static void MEM_6_order_of_large_and_small_pages_does_not_matter(struct rig *r)
{
	static const uint64_t large_first[PAGES] = {
		16, 17, 18, 19, 20, 21, 22, 23, 1, 3, 5, 7, 9, 11, 13, 15};
	static const uint64_t small_first[PAGES] = {
		1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23};

	start_pieces(r, large_first);
	rig_ok(r, enter(m.a, 0, PAGES));
	rig_ok(r, io_get(0, 8, 3));
	rig_fails(r, io_get(8, 8, 3), -EINVAL);
	rig_ok(r, leave(m.a, 0, PAGES));
	ioas_registry_settle(m.registry);
	memcpy(frame, small_first, sizeof(frame));
	rig_ok(r, enter(m.a, 0, PAGES));
	rig_fails(r, io_get(0, 8, 3), -EINVAL);
	rig_ok(r, io_get(8, 8, 3));
}

static void MEM_7_a_partial_pin_is_undone(struct rig *r)
{
	static const uint64_t frames[PAGES] = {
		1,  2,  3,  5,  7,  9,  11, IOAS_MEM_NONE,
		20, 22, 24, 26, 28, 30, 32, 34};

	start_pieces(r, frames);
	rig_fails(r, enter(m.a, 0, PAGES), -EFAULT);
	assert_true(ioas_a64_load(&m.unpins) == 7);
	assert_true(report().pinned == 0 && report().charged == 0);
	assert_true(report().regions == 0);
	/* A hole at the start, and one just behind the end. */
	rig_fails(r, enter(m.a, 7, 2), -EFAULT);
	rig_ok(r, enter(m.a, 0, 7));
	rig_ok(r, enter(m.a, 8, 8));
}

/* ---- Back ends. ---- */

static void scattered_frames_can_be_followed_back(struct rig *r)
{
	static struct ioas_backend_scattered s; /* until the registry goes */
	uint64_t i, phys = 0, next = 0, at, neighbours = 0;

	ioas_backend_scattered_init(42, rig_page_shift(), &s);
	start_on(r, &s.backend);
	rig_ok(r, enter(m.a, 0, PAGES));
	for (i = 0; i < PAGES; i++) {
		at = page((unsigned int)i) + 77;
		assert_true(translated(at, RW, &phys));
		assert_true(ioas_backend_scattered_pointer(&s, phys) == at);
		if (i + 1 == PAGES)
			break;
		assert_true(translated(at + rig_page(), RW, &next));
		neighbours += next == phys + rig_page();
	}
	assert_true(neighbours == 0);
	rig_fails(r, io_get(0, 2, 1), -EINVAL);
}

static int (*pin_as_ever)(struct uaddr start, uint64_t length,
                          unsigned int perm, uint64_t *ret_pinned);

static int pin_anything(struct uaddr start, uint64_t length, unsigned int perm,
                        uint64_t *ret_pinned)
{
	*ret_pinned = length;
	return 0;
}

static void pin_again(void *unused)
{
	ioas_hooks.pin = pin_as_ever;
}

/* As if the process had memory everywhere, as with 57 bits of addresses. */
static void scattered_frames_are_of_memory_below_2_to_the_48(struct rig *r)
{
	static struct ioas_backend_scattered s;
	const uint64_t end = UINT64_C(1) << 48;
	struct ioas_extent extent[2];
	struct ioas_pin pin = {.npages = 2,
	                       .perm = RW,
	                       .page_shift = rig_page_shift(),
	                       .start = end - 2 * rig_page()};

	pin_as_ever = ioas_hooks.pin;
	ioas_hooks.pin = pin_anything;
	rig_defer(r, pin_again, NULL);
	ioas_backend_scattered_init(42, rig_page_shift(), &s);
	assert_int_equal(s.backend.pin(&s.backend, &pin, extent, 2), 2);
	assert_true(extent[0].phys < end && extent[1].phys < end);
	assert_true(extent[0].phys != extent[1].phys);
	pin.start += rig_page();
	assert_int_equal(s.backend.pin(&s.backend, &pin, extent, 2), -EFAULT);
	/* No more is asked for than there is room for. */
	assert_int_equal(s.backend.pin(&s.backend, &pin, extent, 1), 1);
	pin.start += rig_page();
	assert_int_equal(s.backend.pin(&s.backend, &pin, extent, 1), -EFAULT);
	pin.start = UINT64_MAX - 2 * rig_page() + 1;
	assert_int_equal(s.backend.pin(&s.backend, &pin, extent, 2), -EFAULT);
}

static void a_seed_gives_the_same_frames_each_time(struct rig *r)
{
	unsigned int shift, differ = 0;
	uint64_t i, number, there;

	for (shift = 11; shift <= 16; shift++) {
		for (i = 0; i < 1000; i++) {
			number = rig_random(r) &
			         ioas_mask_lg2(IOAS_SCATTER_BITS - shift);
			there = ioas_scatter(number, 1, shift);
			assert_true(there >> (IOAS_SCATTER_BITS - shift) == 0);
			assert_true(ioas_gather(there, 1, shift) == number);
			differ += there != ioas_scatter(number, 2, shift);
		}
	}
	assert_true(differ > 5990);
}

RIG_MAIN("mem_backend", RIG_TEST(MEM_6_an_io_page_lies_in_one_aligned_run),
         RIG_TEST(MEM_6_order_of_large_and_small_pages_does_not_matter),
         RIG_TEST(MEM_7_a_partial_pin_is_undone),
         RIG_TEST(scattered_frames_can_be_followed_back),
         RIG_TEST(scattered_frames_are_of_memory_below_2_to_the_48),
         RIG_TEST(a_seed_gives_the_same_frames_each_time))
