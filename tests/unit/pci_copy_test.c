/* SPDX-License-Identifier: MIT */
/* From memory to memory: ioas_dma_copy() of src/pci/dma.c. */
#include "devices_board.h"
#include "pci_probe.h"

#define FROM UINT64_C(0x100000)
#define TO   UINT64_C(0x900000)

static const struct ioas_issuer reads = {"COPY", "source", -1, 1,
                                         IOAS_NO_PASID};
static const struct ioas_issuer writes = {"COPY", "destination", -1, 1,
                                          IOAS_NO_PASID};

/* Three pages that may be read and three that may be written. */
struct bench {
	struct board *board;
	struct ioas_device *dev;
	uint8_t *from, *to;
	uint64_t page;
};

static struct bench bench(struct rig *r)
{
	struct bench b = {.board = board_new(r), .page = rig_page()};

	board_plug(b.board, &probe_model, NULL, 0);
	b.dev = b.board->dev;
	b.from = board_map(b.board, FROM, 3 * b.page, IOAS_READ);
	b.to = board_map(b.board, TO, 3 * b.page, IOAS_WRITE);
	return b;
}

static int copy(const struct bench *b, uint64_t from, uint64_t to,
                uint64_t bytes)
{
	const struct ioas_copy wanted = {from, to, bytes, &reads, &writes};

	memset(&board_fault, 0, sizeof(board_fault));
	return ioas_dma_copy(b->dev, &wanted);
}

static void mark(const struct bench *b)
{
	uint64_t i;

	for (i = 0; i < 3 * b->page; i++)
		b->from[i] = (uint8_t)(i * 7 + i / 256);
}

static void bytes_arrive_across_pages(struct rig *r)
{
	struct bench b = bench(r);
	uint64_t n = 2 * b.page + 11;

	mark(&b);
	rig_ok(r, copy(&b, FROM + 5, TO + 900, n));
	assert_memory_equal(b.to + 900, b.from + 5, n);
	assert_int_equal(b.to[899], 0);
	assert_int_equal(b.to[900 + n], 0);
	assert_int_equal(b.dev->stats.dma_read_bytes.cell, n);
	assert_int_equal(b.dev->stats.dma_written_bytes.cell, n);
	rig_ok(r, copy(&b, 1, 2, 0));
	assert_int_equal(board_fault.count, 0);
}

/* covers: ioas_dma_copy -EFAULT, ioas_dma_copy -EACCES */
static void the_side_that_is_refused_is_told(struct rig *r)
{
	struct bench b = bench(r);
	uint64_t end = 3 * b.page;

	mark(&b);
	rig_fails(r, copy(&b, FROM + end - 8, TO, 24), -EFAULT);
	check_fault(IOAS_FAULT_UNMAPPED, FROM + end, "COPY", "source");
	assert_true(board_fault.event.range.last == FROM + end + 15);
	assert_memory_equal(b.to, b.from + end - 8, 8);
	rig_fails(r, copy(&b, FROM, TO + end - 8, 24), -EACCES);
	check_fault(IOAS_FAULT_UNMAPPED, TO + end, "COPY", "destination");
	assert_memory_equal(b.to + end - 8, b.from, 8);
	rig_fails(r, copy(&b, TO, TO, 8), -EFAULT);
	check_fault(IOAS_FAULT_PERMISSION, TO, "COPY", "source");
	rig_fails(r, copy(&b, FROM, FROM, 8), -EACCES);
	check_fault(IOAS_FAULT_PERMISSION, FROM, "COPY", "destination");
	assert_int_equal(board_fault.count, 1);
	rig_fails(r, copy(&b, UINT64_MAX - 3, TO, 8), -EFAULT);
	rig_fails(r, copy(&b, FROM, UINT64_MAX - 3, 8), -EACCES);
	assert_int_equal(board_fault.count, 1);
	assert_int_equal(b.dev->stats.dma_faults.cell, 6);
}

static void memory_that_has_gone_is_told_for_its_side(struct rig *r)
{
	struct bench b = bench(r);

	mark(&b);
	rig_hole(r, b.to + b.page, b.page);
	rig_fails(r, copy(&b, FROM, TO, 2 * b.page), -EACCES);
	check_fault(IOAS_FAULT_GONE, TO + b.page, "COPY", "destination");
	assert_memory_equal(b.to, b.from, b.page);
	rig_hole(r, b.from, b.page);
	rig_fails(r, copy(&b, FROM + b.page - 8, TO, 8), -EFAULT);
	check_fault(IOAS_FAULT_GONE, FROM + b.page - 8, "COPY", "source");
}

static void nothing_is_copied_without_bus_mastering_or_space(struct rig *r)
{
	struct bench b = bench(r);

	config_set(b.dev, 4, 2, 2);
	rig_fails(r, copy(&b, FROM, TO, 8), -EFAULT);
	check_fault(IOAS_FAULT_NO_MASTER, FROM, "COPY", "source");
	config_set(b.dev, 4, 2, 6);
	ioas_device_attach(b.dev, NULL);
	rig_fails(r, copy(&b, FROM, TO, 8), -EFAULT);
	check_fault(IOAS_FAULT_NO_SPACE, FROM, "COPY", "source");
}

static void what_overlaps_keeps_its_bytes(struct rig *r)
{
	struct bench b = bench(r);
	uint8_t *p = board_map(b.board, 0, 2 * b.page, IOAS_READ | IOAS_WRITE);
	uint64_t i;

	memset(p, 0x33, 2 * b.page);
	rig_ok(r, copy(&b, 0, 1, b.page));
	rig_ok(r, copy(&b, 9, 2, b.page));
	rig_ok(r, copy(&b, 0, 0, 2 * b.page));
	for (i = 0; i < 2 * b.page; i++)
		assert_int_equal(p[i], 0x33);
}

static uint64_t reg; /* of a device, in the place of memory */

static int peer(void *self, void *program, void *mine, size_t bytes, bool store)
{
	if (store)
		memcpy(&reg, mine, 8);
	else
		memcpy(mine, &reg, 8);
	return bytes == 8 ? 0 : -EIO;
}

static void peer_back(void *back)
{
	ioas_hooks.peer = (int (*)(void *, void *, void *, size_t, bool))back;
}

static void registers_of_a_device_are_copied_by_loads_and_stores(struct rig *r)
{
	struct bench b = bench(r);

	mark(&b);
	rig_defer(r, peer_back, (void *)ioas_hooks.peer);
	ioas_hooks.peer = peer;
	rig_hole(r, b.to, b.page);
	rig_ok(r, copy(&b, FROM, TO, 8));
	assert_memory_equal(&reg, b.from, 8);
	rig_hole(r, b.from, b.page);
	rig_ok(r, copy(&b, FROM, TO + b.page, 8));
	assert_memory_equal(&reg, b.to + b.page, 8);
	rig_fails(r, copy(&b, FROM, TO + b.page, 4), -EFAULT);
	check_fault(IOAS_FAULT_PEER, FROM, "COPY", "source");
}

RIG_MAIN("pci_copy", RIG_TEST(bytes_arrive_across_pages),
         RIG_TEST(the_side_that_is_refused_is_told),
         RIG_TEST(memory_that_has_gone_is_told_for_its_side),
         RIG_TEST(nothing_is_copied_without_bus_mastering_or_space),
         RIG_TEST(what_overlaps_keeps_its_bytes),
         RIG_TEST(registers_of_a_device_are_copied_by_loads_and_stores))
