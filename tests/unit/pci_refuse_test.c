/* SPDX-License-Identifier: MIT */
/* What is told of a refused access: which parts of it, and what is near. */
#include "pci_probe.h"
#include "rig_hooks.h"

#define IOVA  UINT64_C(0x100000)
#define PAGES 16

/* A copy of what was told: pointers of an event are good during it only. */
struct ear {
	struct ioas_observer observer;
	unsigned int faults;
	struct ioas_event event;
	struct ioas_event_access access;
};

static struct ear ear;

static void hear(struct ioas_observer *self, const struct ioas_event *ev)
{
	(void)self;
	if (ev->kind != IOAS_EVENT_DMA_FAULT)
		return;
	ear.faults++;
	ear.event = *ev;
	ear.access = *ev->access;
}

struct bench {
	struct rig *r;
	struct ioas_device *dev;
	struct ioas_space *space;
	struct ioas_mem_account account;
	struct ioas_mem mem;
	char *memory;
	uint64_t page;
};

static void bench_end(void *arg)
{
	struct bench *b = arg;

	ioas_device_attach(b->dev, NULL);
	ioas_space_destroy(b->space);
	ioas_mem_fini(&b->mem);
}

static struct bench *bench(struct rig *r)
{
	static struct bench b;
	struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0, UINT64_MAX},
		.backend = rig_backend(),
	};

	memset(&b, 0, sizeof(b));
	b.r = r;
	b.page = rig_page();
	b.memory = rig_memory(r, PAGES * b.page);
	b.account.limit = UINT64_MAX;
	ioas_mem_init(&b.mem, &b.account, rig_page_shift());
	b.mem.pinner.backend = rig_backend();
	b.dev = probe_device(r);
	rig_ok(r, ioas_space_create(&config, &b.space));
	rig_defer(r, bench_end, &b);
	ioas_device_attach(b.dev, b.space);
	config_set(b.dev, 0x04, 2, 0x0006);
	ear.faults = 0;
	if (!ear.observer.event) {
		ear.observer.event = hear;
		ioas_observe(&ear.observer);
	}
	return &b;
}

/* Page @n of IOVA. */
static void map(struct bench *b, unsigned int n, unsigned int perm)
{
	struct ioas_map_request request = {
		.mem = &b->mem,
		.range = {IOVA + n * b->page, IOVA + (n + 1) * b->page - 1},
		.uaddr = {(uint64_t)(uintptr_t)b->memory + n * b->page},
		.perm = perm,
	};
	int err;

	ioas_lock(&b->space->lock);
	err = rig_try(b->r, ioas_space_map_locked(b->space, &request));
	ioas_unlock(&b->space->lock);
	if (err == -ENOMEM && rig_failed(b->r))
		rig_leave(b->r);
	assert_int_equal(err, 0);
}

static void assert_piece(const struct bench *b, unsigned int i,
                         unsigned int page, unsigned int pages,
                         enum ioas_fault fault)
{
	const struct ioas_event_piece *piece = &ear.access.piece[i];

	assert_true(i < ear.access.pieces);
	assert_int_equal(piece->fault, fault);
	assert_true(piece->range.first == IOVA + page * b->page);
	assert_true(piece->range.last == IOVA + (page + pages) * b->page - 1);
}

static void write_pages(struct bench *b, unsigned int pages)
{
	static char from[PAGES << 16];

	assert_true(pages * b->page <= sizeof(from));
	rig_fails(b->r,
	          ioas_dma_write(b->dev, IOVA, from, pages * b->page, NULL),
	          -EFAULT);
	assert_int_equal(ear.faults, 1);
	assert_true(ear.access.range.first == IOVA);
	assert_true(ear.access.range.last == IOVA + pages * b->page - 1);
}

static void every_part_that_is_refused_is_told_at_once(struct rig *r)
{
	struct bench *b = bench(r);

	map(b, 0, IOAS_READ | IOAS_WRITE);
	map(b, 3, IOAS_READ);
	map(b, 4, IOAS_WRITE);
	write_pages(b, 7);
	assert_int_equal(ear.access.pieces, 3);
	assert_false(ear.access.more);
	assert_piece(b, 0, 1, 2, IOAS_FAULT_UNMAPPED);
	assert_piece(b, 1, 3, 1, IOAS_FAULT_PERMISSION);
	assert_piece(b, 2, 5, 2, IOAS_FAULT_UNMAPPED);
	assert_true(ear.event.range.first == IOVA + b->page);
}

static void what_does_not_fit_is_said_to_be_more(struct rig *r)
{
	struct bench *b = bench(r);
	unsigned int i;

	for (i = 0; i < PAGES; i += 2)
		map(b, i, IOAS_WRITE);
	write_pages(b, 2 * IOAS_EVENT_PIECES);
	assert_int_equal(ear.access.pieces, IOAS_EVENT_PIECES);
	assert_false(ear.access.more);
	ear.faults = 0;
	write_pages(b, PAGES);
	assert_int_equal(ear.access.pieces, IOAS_EVENT_PIECES);
	assert_true(ear.access.more);
	assert_piece(b, 1, 3, 1, IOAS_FAULT_UNMAPPED);
}

static void the_mapping_and_its_site_are_told(struct rig *r)
{
	struct bench *b = bench(r);

	ioas_a32_store(&rig_call_site, 5);
	map(b, 0, IOAS_READ);
	map(b, 2, IOAS_READ | IOAS_WRITE);
	ioas_a32_store(&rig_call_site, 6);
	write_pages(b, 1);
	assert_int_equal(ear.access.at.perm, IOAS_READ);
	assert_int_equal(ear.event.site, 5);
	assert_int_equal(ear.event.site_now, 6);
	assert_int_equal(ear.access.below.perm, 0);
	assert_true(ear.access.above.range.first == IOVA + 2 * b->page);
}

static void a_space_that_is_being_changed_gives_no_neighbours(struct rig *r)
{
	struct bench *b = bench(r);

	map(b, 2, IOAS_READ | IOAS_WRITE);
	ioas_lock(&b->space->lock);
	write_pages(b, 1);
	ioas_unlock(&b->space->lock);
	assert_int_equal(ear.access.above.perm, 0);
	assert_piece(b, 0, 0, 1, IOAS_FAULT_UNMAPPED);
}

static void what_does_not_depend_on_addresses_is_one_piece(struct rig *r)
{
	struct bench *b = bench(r);

	map(b, 1, IOAS_WRITE);
	config_set(b->dev, 0x04, 2, 0);
	write_pages(b, 3);
	assert_int_equal(ear.access.pieces, 1);
	assert_piece(b, 0, 0, 3, IOAS_FAULT_NO_MASTER);
}

static void an_access_at_the_end_of_all_addresses_ends_there(struct rig *r)
{
	struct bench *b = bench(r);

	rig_fails(r, ioas_dma_write(b->dev, UINT64_MAX - 1, "ab", 2, NULL),
	          -EFAULT);
	assert_int_equal(ear.access.pieces, 1);
	assert_true(ear.access.piece[0].range.first == UINT64_MAX - 1);
	assert_true(ear.access.piece[0].range.last == UINT64_MAX);
}

RIG_MAIN("pci_refuse", RIG_TEST(every_part_that_is_refused_is_told_at_once),
         RIG_TEST(what_does_not_fit_is_said_to_be_more),
         RIG_TEST(the_mapping_and_its_site_are_told),
         RIG_TEST(a_space_that_is_being_changed_gives_no_neighbours),
         RIG_TEST(what_does_not_depend_on_addresses_is_one_piece),
         RIG_TEST(an_access_at_the_end_of_all_addresses_ends_there))
