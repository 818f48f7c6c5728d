/* SPDX-License-Identifier: MIT */
/*
 * Containers with windows: pages of a window beside those of the program,
 * smaller, as large, and larger. Results are of tables, which are written for
 * any page of the program: these tests run with pages of 4 KiB and of 64 KiB.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_spapr_tce.c,
 * arch/powerpc/mm/book3s64/iommu_api.c, arch/powerpc/platforms/powernv/
 * pci-ioda-tce.c (pnv_pci_ioda2_get_table_size); read, and run with pages of
 * both sizes.
 */
#include "spapr_calls.h"

#define STRICT IOAS_CONTRACT_STRICT
#define LINUX  IOAS_CONTRACT_LINUX_7_3
#define OLD    IOAS_CONTRACT_LINUX_6_12

/* The window of these tests, in its pages: a table is no smaller. */
#define ENTRIES (65536u / 8)

static const struct {
	unsigned int shift;
	const char *profile;
} windows[] = {{12, "power8"}, {16, "power8"}, {21, "power9"}};

static struct {
	int container, device;
	unsigned int shift;
	uint64_t page, start;
	char *memory; /* four pages of the window or of the program */
	uint64_t bytes;
} at;

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* One window in slot 0, and memory of so many of its pages, registered. */
static void begin(struct rig *r, unsigned int shift, const char *profile,
                  enum ioas_contract contract, unsigned int pages)
{
	uint64_t unit = larger(UINT64_C(1) << shift, rig_page());
	char *room = rig_memory(r, (pages + 1) * unit);

	if (shift > rig_page_shift() && rig_backend() != &ioas_backend_identity)
		rig_skip("frames are not contiguous");
	at.shift = shift;
	at.page = UINT64_C(1) << shift;
	at.bytes = pages * unit;
	at.memory = (char *)(((uintptr_t)room + unit - 1) & ~(unit - 1));
	at.container = windows_begin(r, profile, contract, &at.device);
	world.backing = shift;
	rig_ok(r, register_memory(at.container, at.memory, at.bytes));
	rig_ok(r, remove_window(at.container, 0));
	rig_ok(r, create_window(at.container, shift, ENTRIES * at.page, 1,
	                        &at.start));
	assert_true(at.start == 0);
}

/* Halves of pages, so that a row can name what is not a multiple. */
struct row {
	int64_t iova, memory, bytes;
	long strict, linux_7_3, linux_6_12;
};

static long expected(const struct row *row, enum ioas_contract contract)
{
	if (contract == STRICT)
		return row->strict;
	return contract == LINUX ? row->linux_7_3 : row->linux_6_12;
}

#define LAST (2 * (int64_t)(ENTRIES - 1))

static const struct row maps[] = {
	{0, 0, 2, 0, 0, 0},
	{2, 2, 4, 0, 0, 0},
	{LAST, 0, 2, 0, 0, 0},
	/* What is mapped is replaced. */
	{2, 4, 2, 0, 0, 0},
	{0, 0, 0, 0, 0, 0},
	{0, 0, 1, -EINVAL, -EINVAL, -EINVAL},
	{0, 0, 3, -EINVAL, -EINVAL, -EINVAL},
	{0, 1, 2, -EINVAL, -EINVAL, -EINVAL},
	{1, 0, 2, -EINVAL, 1, 1},
	{1, 0, 0, -EINVAL, 1, 1},
	/* Its size is looked at before its address. */
	{1, 0, 1, -EINVAL, -EINVAL, -EINVAL},
	{LAST + 1, 0, 2, -EINVAL, 1, 1},
	{LAST + 2, 0, 2, -ENXIO, -ENXIO, -ENXIO},
	{LAST + 3, 0, 1, -ENXIO, -ENXIO, -ENXIO},
	{LAST + 2, 0, 0, -ENXIO, -ENXIO, -ENXIO},
};

static const struct row unmaps[] = {
	{0, 0, 2, 0, 0, 0},
	{2, 0, 6, 0, 0, 0},
	{LAST, 0, 2, 0, 0, 0},
	{0, 0, 0, 0, 0, 0},
	{0, 0, 2 * (int64_t)ENTRIES, 0, 0, 0},
	{0, 0, 1, -EINVAL, -EINVAL, -EINVAL},
	{0, 0, 3, -EINVAL, -EINVAL, -EINVAL},
	{1, 0, 2, -EINVAL, 1, 1},
	{1, 0, 0, -EINVAL, 1, 1},
	{1, 0, 1, -EINVAL, -EINVAL, -EINVAL},
	{LAST, 0, 4, -EINVAL, 1, 0},
	{LAST + 2, 0, 2, -ENXIO, -ENXIO, -ENXIO},
	{LAST + 3, 0, 1, -ENXIO, -ENXIO, -ENXIO},
};

static void try_maps(struct rig *r, enum ioas_contract contract)
{
	uint64_t half = at.page / 2;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(maps); i++) {
		const struct row *row = &maps[i];
		long want = expected(row, contract);

		rig_fails(r,
		          map(at.container, (uint64_t)row->iova * half,
		              at.memory + (uint64_t)row->memory * half,
		              (uint64_t)row->bytes * half),
		          want);
	}
}

static void try_unmaps(struct rig *r, enum ioas_contract contract)
{
	uint64_t half = at.page / 2;
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(unmaps); i++) {
		const struct row *row = &unmaps[i];

		rig_fails(r,
		          unmap_windows(at.container,
		                        (uint64_t)row->iova * half,
		                        (uint64_t)row->bytes * half),
		          expected(row, contract));
	}
}

static void each(struct rig *r,
                 void (*check)(struct rig *r, enum ioas_contract contract))
{
	static const enum ioas_contract contracts[] = {STRICT, LINUX, OLD};
	unsigned int s, c;

	for (s = 0; s < IOAS_ARRAY_SIZE(windows); s++) {
		for (c = 0; c < IOAS_ARRAY_SIZE(contracts); c++) {
			begin(r, windows[s].shift, windows[s].profile,
			      contracts[c], 4);
			check(r, contracts[c]);
			close_files(NULL);
		}
	}
}

static void a_map_is_of_whole_pages_of_its_window(struct rig *r)
{
	each(r, try_maps);
}

static void an_unmap_is_of_whole_pages_of_its_window(struct rig *r)
{
	each(r, try_unmaps);
}

/* ---- What is mapped then. ---- */

/* The first byte of a page of the window there; 0: it is refused. */
static unsigned int found(uint64_t iova)
{
	if (dma_read(at.device, iova))
		return 0;
	return (unsigned int)(probe.dma_value & 0xff);
}

static void mark_pages(void)
{
	uint64_t i;

	for (i = 0; i < 4; i++)
		at.memory[i << at.shift] = (char)(i + 1);
}

static void check_part(struct rig *r, enum ioas_contract contract)
{
	uint64_t page = at.page, last = 3 * page;

	mark_pages();
	rig_ok(r, map(at.container, page, at.memory, 4 * page));
	rig_ok(r, unmap_windows(at.container, 2 * page, page));
	assert_int_equal(found(0), 0);
	assert_int_equal(found(page), 1);
	assert_int_equal(found(2 * page), 0);
	assert_int_equal(found(2 * page + page / 2), 0);
	assert_int_equal(found(last), 3);
	assert_int_equal(found(4 * page), 4);
	assert_int_equal(found(5 * page), 0);
	/* Replaced by another page, and the ones beside it stay. */
	rig_ok(r, map(at.container, last, at.memory + page, page));
	assert_int_equal(found(last), 2);
	assert_int_equal(found(4 * page), 4);
	/* What is refused has changed nothing. */
	assert_true(unmap_windows(at.container, page, page / 2) != 0);
	assert_true(unmap_windows(at.container, page + page / 2, page) != 0);
	assert_int_equal(found(page), 1);
	assert_int_equal(found(last), 2);
	rig_ok(r, unmap_windows(at.container, 0, ENTRIES * page));
	assert_int_equal(found(page) | found(last) | found(4 * page), 0);
	rig_ok(r, unregister_memory(at.container, at.memory, at.bytes));
}

static void parts_of_a_mapping_are_unmapped(struct rig *r)
{
	each(r, check_part);
}

/* Whatever is a page of something else is none of 16 MiB. */
static void pages_of_16_mib(struct rig *r)
{
	uint64_t page = UINT64_C(1) << 24;

	begin(r, 24, "power8", STRICT, 1);
	rig_fails(r, map(at.container, 0, at.memory, 4096), -EINVAL);
	rig_fails(r, map(at.container, 0, at.memory, 65536), -EINVAL);
	rig_fails(r, map(at.container, 0, at.memory + 65536, page), -EINVAL);
	rig_fails(r, map(at.container, 65536, at.memory, page), -EINVAL);
	rig_fails(r, map(at.container, page, at.memory, 2 * page), -EINVAL);
	rig_ok(r, map(at.container, page, at.memory, page));
	at.memory[page - 8] = 7;
	assert_int_equal(found(2 * page - 8), 7);
	assert_int_equal(found(page - 8), 0);
	rig_fails(r, unmap_windows(at.container, page, 65536), -EINVAL);
	rig_fails(r, unmap_windows(at.container, page + 65536, page), -EINVAL);
	assert_int_equal(found(2 * page - 8), 7);
	rig_ok(r, unmap_windows(at.container, page, page));
	assert_int_equal(found(2 * page - 8), 0);
	/* The memory behind it has smaller ones. */
	rig_ok(r, unregister_memory(at.container, at.memory, at.bytes));
	world.backing = 16;
	rig_ok(r, register_memory(at.container, at.memory, at.bytes));
	rig_fails(r, map(at.container, page, at.memory, page), -EINVAL);
}

/* A page of the program may have several of the window, each by itself. */
static void a_page_of_the_program_is_mapped_in_parts(struct rig *r)
{
	uint64_t i, n;

	begin(r, 12, "power8", STRICT, 4);
	n = rig_page() >> 12;
	for (i = 0; i < n; i++)
		at.memory[i << 12] = (char)(i + 1);
	/* In the other order. */
	for (i = 0; i < n; i++)
		rig_ok(r, map(at.container, i << 12,
		              at.memory + ((n - 1 - i) << 12), 4096));
	for (i = 0; i < n; i++)
		assert_int_equal(found(i << 12), n - i);
	rig_fails(r, unregister_memory(at.container, at.memory, at.bytes),
	          -EBUSY);
	rig_ok(r, unmap_windows(at.container, 4096, (n - 1) << 12));
	assert_int_equal(found(0), n);
	assert_int_equal(found(4096), 0);
	rig_fails(r, unregister_memory(at.container, at.memory, at.bytes),
	          -EBUSY);
	rig_ok(r, unmap_windows(at.container, 0, 4096));
	rig_ok(r, unregister_memory(at.container, at.memory, at.bytes));
}

static void memory_is_registered_in_pages_of_the_program(struct rig *r)
{
	uint64_t page = rig_page();
	char *memory = rig_memory(r, 4 * page);
	int device, container = windows_begin(r, "power8", STRICT, &device);
	uint64_t part;

	for (part = 4096; part < page; part *= 2) {
		rig_fails(r, register_memory(container, memory, part), -EINVAL);
		rig_fails(r, register_memory(container, memory + part, page),
		          -EINVAL);
		rig_fails(r, register_memory(container, memory, page + part),
		          -EINVAL);
	}
	rig_fails(r, register_memory(container, memory, page / 2), -EINVAL);
	rig_ok(r, register_memory(container, memory, 2 * page));
	rig_fails(r, register_memory(container, memory + page, 2 * page),
	          -EINVAL);
	rig_ok(r, register_memory(container, memory + 2 * page, page));
	assert_int_equal(rig_pinned_bytes(r), 3 * page);
	rig_fails(r, unregister_memory(container, memory, page), -ENOENT);
	rig_fails(r, unregister_memory(container, memory, 2 * page - 4096),
	          page == 4096 ? -ENOENT : -EINVAL);
	/* Two regions side by side are not one. */
	rig_fails(r, map(container, 0, memory, 4 * page), -EINVAL);
	rig_ok(r, map(container, 0, memory, 2 * page));
	rig_ok(r, map(container, 2 * page, memory + 2 * page, page));
}

/* ---- Tables. ---- */

static uint64_t lg2(uint64_t n)
{
	return 63 - (uint64_t)__builtin_clzll(n);
}

/* As the source has it, from the page of the processor. */
static uint64_t charge_of(unsigned int shift, unsigned int size,
                          unsigned int levels)
{
	uint64_t page_shift = lg2(rig_page());
	uint64_t e = size - shift, bytes = 0, table, level;
	uint64_t s = larger((e + levels - 1) / levels + 3, page_shift);

	table = larger(4096, UINT64_C(1) << (e + 3));
	for (level = 0; level < levels; level++) {
		uint64_t one = UINT64_C(1) << s;

		bytes += (table + one - 1) & ~(one - 1);
		table = larger(table / one * 8, one);
	}
	return (2 * bytes + rig_page() - 1) >> page_shift;
}

static void charge_one(struct rig *r, unsigned int shift, unsigned int size,
                       unsigned int levels)
{
	uint64_t charge = charge_of(shift, size, levels), less, start;
	int container, group;

	for (less = 0; less < 2; less++) {
		more_profile = "power8";
		more_contract = STRICT;
		world_begin_limited(r, charge - less);
		container = windows_of(r, 1, V2, &group);
		rig_ok(r, remove_window(container, 0));
		rig_fails(r,
		          create_window(container, shift, UINT64_C(1) << size,
		                        levels, &start),
		          less ? -ENOMEM : 0);
		close_files(NULL);
	}
}

static void tables_are_charged_in_pages_of_the_program(struct rig *r)
{
	static const unsigned int window[][3] = {
		{12, 24, 1}, {12, 26, 2}, {12, 31, 2}, {16, 26, 1},
		{16, 31, 2}, {24, 36, 1}, {24, 36, 2}, {12, 36, 3},
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(window); i++)
		charge_one(r, window[i][0], window[i][1], window[i][2]);
}

/* With larger tables fewer levels are enough for all addresses. */
static void how_many_levels_work_is_a_matter_of_pages(struct rig *r)
{
	static const struct {
		unsigned int shift, of_4k, of_64k; /* the most that work */
	} row[] = {{12, 4, 3}, {16, 4, 2}, {24, 3, 2}};
	unsigned int i, levels, most;
	int device, container;
	uint64_t start;

	if (rig_page() != 4096 && rig_page() != 65536)
		rig_skip("nobody has seen pages of that size");
	container = windows_begin(r, "power8", STRICT, &device);
	rig_ok(r, remove_window(container, 0));
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		most = rig_page() == 4096 ? row[i].of_4k : row[i].of_64k;
		for (levels = 0; levels <= 6; levels++) {
			bool works = levels >= 1 && levels <= most;

			rig_fails(r,
			          create_window(container, row[i].shift,
			                        UINT64_C(4096) << row[i].shift,
			                        levels, &start),
			          works ? 0 : -EINVAL);
			if (works)
				rig_ok(r, remove_window(container, start));
		}
	}
}

/* A table is at least a page: all of its entries can be used. */
static void a_small_window_has_a_page_of_entries(struct rig *r)
{
	uint64_t entries = rig_page() / 8, bytes = entries << 12, start;
	uint64_t *memory = rig_memory(r, rig_page());
	int device, container = windows_begin(r, "power8", STRICT, &device);

	rig_ok(r, register_memory(container, memory, rig_page()));
	rig_ok(r, remove_window(container, 0));
	rig_ok(r, create_window(container, 12, 4096, 1, &start));
	rig_ok(r, map(container, bytes - 4096, memory, 4096));
	memory[0] = 5;
	assert_int_equal(dma_read(device, bytes - 4096), 0);
	assert_int_equal(probe.dma_value, 5);
	rig_fails(r, map(container, bytes, memory, 4096), -ENXIO);
	rig_ok(r, unmap_windows(container, 0, bytes));
}

RIG_MAIN("uapi_spapr_pages", RIG_TEST(a_map_is_of_whole_pages_of_its_window),
         RIG_TEST(an_unmap_is_of_whole_pages_of_its_window),
         RIG_TEST(parts_of_a_mapping_are_unmapped), RIG_TEST(pages_of_16_mib),
         RIG_TEST(a_page_of_the_program_is_mapped_in_parts),
         RIG_TEST(memory_is_registered_in_pages_of_the_program),
         RIG_TEST(tables_are_charged_in_pages_of_the_program),
         RIG_TEST(how_many_levels_work_is_a_matter_of_pages),
         RIG_TEST(a_small_window_has_a_page_of_entries))
