/* SPDX-License-Identifier: MIT */
#include "base/grace.h"
#include "pci_probe.h"
#include "space/move.h"

#define COMMAND 0x04
#define IOVA    UINT64_C(0x100000)

static const struct ioas_issuer issuer = {"READ", "PRP1", 1, 0x17,
                                          IOAS_NO_PASID};

/* A device in a space, and memory of three pages mapped one by one. */
struct bench {
	struct rig *r;
	struct ioas_device *dev;
	struct ioas_space *space;
	struct ioas_mem_account account;
	struct ioas_mem mem;
	struct probe_ear *ear;
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

static void bench_map(struct bench *b, uint64_t iova, const char *at,
                      uint64_t bytes, unsigned int perm)
{
	struct ioas_map_request request = {
		.mem = &b->mem,
		.range = {iova, iova + bytes - 1},
		.uaddr = {(uint64_t)(uintptr_t)at},
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

static struct bench *bench_up_to(struct rig *r, uint64_t last)
{
	static struct bench b;
	struct ioas_space_config config = {
		.page_shift = rig_page_shift(),
		.aperture = {0, last},
		.backend = rig_backend(),
	};

	memset(&b, 0, sizeof(b));
	b.r = r;
	b.page = rig_page();
	b.memory = rig_memory(r, 4 * b.page);
	b.account.limit = UINT64_MAX;
	ioas_mem_init(&b.mem, &b.account, rig_page_shift());
	b.mem.pinner.backend = rig_backend();
	b.dev = probe_device(r);
	rig_ok(r, ioas_space_create(&config, &b.space));
	rig_defer(r, bench_end, &b);
	ioas_device_attach(b.dev, b.space);
	config_set(b.dev, COMMAND, 2, 0x0006);
	bench_map(&b, IOVA, b.memory, b.page, IOAS_READ | IOAS_WRITE);
	/* The next address is the page after next: not one piece. */
	bench_map(&b, IOVA + b.page, b.memory + 2 * b.page, b.page, IOAS_READ);
	b.ear = probe_ear();
	return &b;
}

static struct bench *bench(struct rig *r)
{
	return bench_up_to(r, (UINT64_C(1) << 48) - 1);
}

static void assert_fault(const struct bench *b, enum ioas_fault fault,
                         unsigned int perm, struct iova_range range)
{
	const struct ioas_event *ev = &b->ear->last;

	assert_int_equal(b->ear->count[IOAS_EVENT_DMA_FAULT], 1);
	assert_int_equal(ev->kind, IOAS_EVENT_DMA_FAULT);
	assert_int_equal(ev->fault, fault);
	assert_int_equal(ev->perm, perm);
	assert_int_equal(ev->range.first, range.first);
	assert_int_equal(ev->range.last, range.last);
	assert_string_equal(ev->device, "0000:01:00.0");
	assert_string_equal(ev->model, "probe");
	assert_ptr_equal(ev->issuer, &issuer);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_faults), 1);
	assert_false(ioas_grace_inside(IOAS_GRACE_DMA));
	probe_ear();
	ioas_a64_store(&b->dev->stats.dma_faults, 0);
}

static void a_read_gathers_pages_that_lie_apart(struct rig *r)
{
	struct bench *b = bench(r);
	char out[20];

	memcpy(b->memory + b->page - 10, "0123456789", 10);
	memcpy(b->memory + 2 * b->page, "abcdefghij", 10);
	rig_ok(r, ioas_dma_read(b->dev, IOVA + b->page - 10, out, 20, &issuer));
	assert_memory_equal(out, "0123456789abcdefghij", 20);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_reads), 1);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_read_bytes), 20);
	assert_int_equal(b->ear->count[IOAS_EVENT_DMA_FAULT], 0);
	assert_false(ioas_grace_inside(IOAS_GRACE_DMA));
}

static void a_write_lands_in_memory(struct rig *r)
{
	struct bench *b = bench(r);

	rig_ok(r, ioas_dma_write(b->dev, IOVA + 100, "written", 8, &issuer));
	assert_string_equal(b->memory + 100, "written");
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_writes), 1);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_written_bytes), 8);
}

static void no_bytes_touch_nothing(struct rig *r)
{
	struct bench *b = bench(r);

	config_set(b->dev, COMMAND, 2, 0);
	rig_ok(r, ioas_dma_read(b->dev, 0, NULL, 0, &issuer));
	rig_ok(r, ioas_dma_write(b->dev, 0, NULL, 0, &issuer));
	assert_int_equal(b->ear->count[IOAS_EVENT_DMA_FAULT], 0);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_reads), 0);
}

/* covers: ioas_dma_read -EFAULT, ioas_dma_write -EFAULT */
static void an_unmapped_address_faults_from_where_it_begins(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t end = IOVA + 2 * b->page;
	char out[64];

	rig_fails(r, ioas_dma_read(b->dev, end - 16, out, 64, &issuer),
	          -EFAULT);
	assert_int_equal(b->ear->last.space, b->space->id);
	assert_fault(b, IOAS_FAULT_UNMAPPED, IOAS_READ,
	             (struct iova_range){end, end + 47});
	rig_fails(r, ioas_dma_write(b->dev, 0, out, 1, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_UNMAPPED, IOAS_WRITE,
	             (struct iova_range){0, 0});
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_reads), 0);
}

static void a_read_only_mapping_faults_on_write(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t at = IOVA + b->page;

	b->memory[2 * b->page] = 'x';
	rig_fails(r, ioas_dma_write(b->dev, at - 4, "abcdefgh", 8, &issuer),
	          -EFAULT);
	assert_fault(b, IOAS_FAULT_PERMISSION, IOAS_WRITE,
	             (struct iova_range){at, at + 3});
	assert_int_equal(b->memory[2 * b->page], 'x');
	assert_memory_equal(b->memory + b->page - 4, "abcd", 4);
}

static void an_address_beyond_the_aperture_faults(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t at = UINT64_C(1) << 48;
	char out[8];

	rig_fails(r, ioas_dma_read(b->dev, at, out, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_APERTURE, IOAS_READ,
	             (struct iova_range){at, at + 7});
}

static void an_access_that_wraps_never_reaches_address_0(struct rig *r)
{
	struct bench *b = bench_up_to(r, UINT64_MAX);
	char *low = b->memory + 3 * b->page;
	uint64_t at = UINT64_MAX - 3;
	char out[8];

	/* The last four bytes and the first page are there, both. */
	bench_map(b, 0, low, b->page, IOAS_READ | IOAS_WRITE);
	bench_map(b, UINT64_MAX - b->page + 1, b->memory + b->page, b->page,
	          IOAS_READ | IOAS_WRITE);
	rig_ok(r, ioas_dma_read(b->dev, at, out, 4, &issuer));
	rig_fails(r, ioas_dma_read(b->dev, at, out, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_APERTURE, IOAS_READ,
	             (struct iova_range){at, UINT64_MAX});
	rig_fails(r, ioas_dma_write(b->dev, at, "abcdefg", 8, &issuer),
	          -EFAULT);
	assert_fault(b, IOAS_FAULT_APERTURE, IOAS_WRITE,
	             (struct iova_range){at, UINT64_MAX});
	assert_int_equal(low[0], 0);
}

static void memory_that_has_gone_faults(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t at = IOVA + b->page;
	char out[8];

	rig_hole(r, b->memory + 2 * b->page, b->page);
	rig_fails(r, ioas_dma_read(b->dev, at - 4, out, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_GONE, IOAS_READ,
	             (struct iova_range){at, at + 3});
	rig_hole(r, b->memory, b->page);
	rig_fails(r, ioas_dma_write(b->dev, IOVA, out, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_GONE, IOAS_WRITE,
	             (struct iova_range){IOVA, IOVA + 7});
}

static void a_device_in_no_space_faults(struct rig *r)
{
	struct bench *b = bench(r);
	char out[8];

	ioas_device_attach(b->dev, NULL);
	rig_fails(r, ioas_dma_read(b->dev, IOVA, out, 8, &issuer), -EFAULT);
	assert_int_equal(b->ear->last.space, 0);
	assert_fault(b, IOAS_FAULT_NO_SPACE, IOAS_READ,
	             (struct iova_range){IOVA, IOVA + 7});
}

static void FN_2_no_dma_with_bus_mastering_off(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment segment[1];
	unsigned int count = 0;
	char out[8];

	config_set(b->dev, COMMAND, 2, 0x0002);
	rig_fails(r, ioas_dma_read(b->dev, IOVA, out, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_NO_MASTER, IOAS_READ,
	             (struct iova_range){IOVA, IOVA + 7});
	rig_fails(r, ioas_dma_write(b->dev, IOVA, "abcdefg", 8, &issuer),
	          -EFAULT);
	assert_fault(b, IOAS_FAULT_NO_MASTER, IOAS_WRITE,
	             (struct iova_range){IOVA, IOVA + 7});
	rig_fails(r,
	          ioas_dma_segments(b->dev, IOVA, 8, IOAS_READ, segment, &count,
	                            1, &issuer),
	          -EFAULT);
	assert_fault(b, IOAS_FAULT_NO_MASTER, IOAS_READ,
	             (struct iova_range){IOVA, IOVA + 7});
	assert_int_equal(b->memory[0], 0);
	config_set(b->dev, COMMAND, 2, 0x0006);
	rig_ok(r, ioas_dma_read(b->dev, IOVA, out, 8, &issuer));
}

static void segments_are_the_pieces_in_order(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment s[4];
	unsigned int count = 0;

	ioas_dma_begin(b->dev);
	assert_true(ioas_grace_inside(IOAS_GRACE_DMA));
	rig_ok(r, ioas_dma_segments(b->dev, IOVA + 8, 2 * b->page - 8,
	                            IOAS_READ, s, &count, 4, &issuer));
	ioas_dma_end(b->dev);
	assert_false(ioas_grace_inside(IOAS_GRACE_DMA));
	assert_int_equal(count, 2);
	assert_ptr_equal(s[0].base, b->memory + 8);
	assert_int_equal(s[0].bytes, b->page - 8);
	assert_ptr_equal(s[1].base, b->memory + 2 * b->page);
	assert_int_equal(s[1].bytes, b->page);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_read_bytes),
	                 2 * b->page - 8);
}

static void neighbours_are_joined_also_across_calls(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment s[2];
	unsigned int count = 0;

	/* Far away as I/O addresses, side by side as memory. */
	bench_map(b, IOVA + 16 * b->page, b->memory + b->page, b->page,
	          IOAS_READ | IOAS_WRITE);
	ioas_dma_begin(b->dev);
	rig_ok(r, ioas_dma_segments(b->dev, IOVA + 8, b->page - 8, IOAS_WRITE,
	                            s, &count, 1, &issuer));
	rig_ok(r, ioas_dma_segments(b->dev, IOVA + 16 * b->page, b->page,
	                            IOAS_WRITE, s, &count, 1, &issuer));
	ioas_dma_end(b->dev);
	assert_int_equal(count, 1);
	assert_ptr_equal(s[0].base, b->memory + 8);
	assert_int_equal(s[0].bytes, 2 * b->page - 8);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_writes), 2);
}

/* covers: ioas_dma_segments -E2BIG */
static void a_list_that_is_full_is_left_as_it_was(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment s[1];
	unsigned int count = 0;

	ioas_dma_begin(b->dev);
	rig_ok(r, ioas_dma_segments(b->dev, IOVA, 8, IOAS_READ, s, &count, 1,
	                            &issuer));
	rig_fails(r,
	          ioas_dma_segments(b->dev, IOVA + 8, b->page, IOAS_READ, s,
	                            &count, 1, &issuer),
	          -E2BIG);
	ioas_dma_end(b->dev);
	assert_int_equal(count, 1);
	assert_int_equal(s[0].bytes, 8);
	assert_int_equal(b->ear->count[IOAS_EVENT_DMA_FAULT], 0);
	assert_int_equal(ioas_a64_load(&b->dev->stats.dma_reads), 1);
}

/* covers: ioas_dma_segments -EFAULT */
static void a_fault_leaves_the_list_as_it_was(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t end = IOVA + 2 * b->page;
	struct ioas_segment s[4];
	unsigned int count = 0;

	ioas_dma_begin(b->dev);
	rig_ok(r, ioas_dma_segments(b->dev, end - 16, 8, IOAS_READ, s, &count,
	                            4, &issuer));
	rig_fails(r,
	          ioas_dma_segments(b->dev, end - 8, 16, IOAS_READ, s, &count,
	                            4, &issuer),
	          -EFAULT);
	ioas_dma_end(b->dev);
	assert_int_equal(count, 1);
	assert_int_equal(s[0].bytes, 8);
	assert_fault(b, IOAS_FAULT_UNMAPPED, IOAS_READ,
	             (struct iova_range){end, end + 7});
}

static void both_permissions_are_asked_for_at_once(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment s[1];
	unsigned int count = 0, both = IOAS_READ | IOAS_WRITE;

	ioas_dma_begin(b->dev);
	rig_ok(r,
	       ioas_dma_segments(b->dev, IOVA, 8, both, s, &count, 1, &issuer));
	rig_fails(r,
	          ioas_dma_segments(b->dev, IOVA + b->page, 8, both, s, &count,
	                            1, &issuer),
	          -EFAULT);
	ioas_dma_end(b->dev);
	assert_fault(b, IOAS_FAULT_PERMISSION, both,
	             (struct iova_range){IOVA + b->page, IOVA + b->page + 7});
}

static void gone_is_reported_as_the_model_says(struct rig *r)
{
	struct bench *b = bench(r);

	ioas_dma_gone(b->dev, IOVA, 512, IOAS_WRITE, &issuer);
	assert_int_equal(b->ear->last.space, b->space->id);
	assert_fault(b, IOAS_FAULT_GONE, IOAS_WRITE,
	             (struct iova_range){IOVA, IOVA + 511});
	ioas_dma_gone(b->dev, UINT64_MAX, 512, IOAS_READ, &issuer);
	assert_fault(b, IOAS_FAULT_GONE, IOAS_READ,
	             (struct iova_range){UINT64_MAX, UINT64_MAX});
}

/* Registers in the place of memory that cannot be copied. */
static struct {
	void *self;
	int answer;
	uint64_t value;
	bool store;
} registers;

static int registers_peer(void *self, void *program, void *mine, size_t bytes,
                          bool store)
{
	registers.self = self;
	registers.store = store;
	assert_int_equal(bytes, 8);
	if (store)
		memcpy(&registers.value, mine, bytes);
	else
		memcpy(mine, &registers.value, bytes);
	return registers.answer;
}

static void peer_back(void *peer)
{
	ioas_hooks.peer = (int (*)(void *, void *, void *, size_t, bool))peer;
}

static void what_cannot_be_copied_may_be_a_peers(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t value = 7;

	rig_defer(r, peer_back, (void *)ioas_hooks.peer);
	rig_hole(r, b->memory, b->page);
	ioas_hooks.peer = registers_peer;
	registers.answer = 0;
	rig_ok(r, ioas_dma_write(b->dev, IOVA, &value, 8, &issuer));
	assert_ptr_equal(registers.self, b->dev);
	assert_true(registers.store);
	assert_int_equal(registers.value, 7);
	registers.value = 9;
	rig_ok(r, ioas_dma_read(b->dev, IOVA, &value, 8, &issuer));
	assert_false(registers.store);
	assert_int_equal(value, 9);
	registers.answer = -EIO;
	rig_fails(r, ioas_dma_read(b->dev, IOVA, &value, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_PEER, IOAS_READ,
	             (struct iova_range){IOVA, IOVA + 7});
}

/* ---- Memory that moves while it is accessed. ---- */

static struct {
	struct bench *bench;
	int (*copy)(void *dst, const void *src, size_t bytes);
	unsigned int copies;
	int moved; /* what preparing it gave; 1: not yet */
} mover;

/* The first page to the second; nothing is at the old addresses then. */
static int move_page(struct bench *b)
{
	uint64_t at = (uintptr_t)b->memory;
	struct uaddr_range range = {at, at + b->page - 1};
	struct uaddr to = {at + b->page};
	struct ioas_move move;
	int rc;

	ioas_move_begin(&move);
	rc = ioas_move_prepare_locked(range, to, NULL);
	if (!rc) {
		memcpy(b->memory + b->page, b->memory, b->page);
		rig_hole(b->r, b->memory, b->page);
		ioas_move_to_locked(range, to, NULL);
	}
	ioas_move_end(&move);
	return rc;
}

/* Between the translation and the copy. */
static int copy_and_move(void *dst, const void *src, size_t bytes)
{
	if (mover.copies++ == 0)
		mover.moved = move_page(mover.bench);
	return mover.copy(dst, src, bytes);
}

static void copy_back(void *copy)
{
	ioas_hooks.copy = (int (*)(void *, const void *, size_t))copy;
}

static void start_mover(struct rig *r, struct bench *b)
{
	mover.bench = b;
	mover.copies = 0;
	mover.moved = 1;
	mover.copy = ioas_hooks.copy;
	rig_defer(r, copy_back, (void *)ioas_hooks.copy);
	ioas_hooks.copy = copy_and_move;
}

static void MOVE_1_an_access_finds_the_page_that_moved(struct rig *r)
{
	struct bench *b = bench(r);
	char out[20];

	memcpy(b->memory + 10, "where it was", 13);
	start_mover(r, b);
	rig_ok(r, ioas_dma_read(b->dev, IOVA + 10, out, 13, &issuer));
	if (mover.moved)
		return; /* no memory to prepare it: nothing moved */
	assert_string_equal(out, "where it was");
	assert_int_equal(mover.copies, 2);
	rig_ok(r, ioas_dma_write(b->dev, IOVA + 10, "and is", 7, &issuer));
	assert_string_equal(b->memory + b->page + 10, "and is");
	assert_int_equal(b->ear->count[IOAS_EVENT_DMA_FAULT], 0);
}

static void a_device_with_pointers_is_told_that_they_moved(struct rig *r)
{
	struct bench *b = bench(r);
	struct ioas_segment segment[4];
	unsigned int count = 0;

	ioas_dma_begin(b->dev);
	ioas_dma_end(b->dev);
	assert_false(ioas_dma_moved(b->dev));
	ioas_dma_begin(b->dev);
	rig_ok(r, ioas_dma_segments(b->dev, IOVA, 8, IOAS_READ, segment, &count,
	                            4, &issuer));
	ioas_dma_end(b->dev);
	rig_ok(r, move_page(b));
	assert_true(ioas_dma_moved(b->dev));
	ioas_dma_begin(b->dev);
	count = 0;
	rig_ok(r, ioas_dma_segments(b->dev, IOVA, 8, IOAS_READ, segment, &count,
	                            4, &issuer));
	ioas_dma_end(b->dev);
	assert_ptr_equal(segment[0].base, b->memory + b->page);
	assert_false(ioas_dma_moved(b->dev));
}

static void lost_memory_is_gone(struct rig *r)
{
	struct bench *b = bench(r);
	uint64_t at = (uintptr_t)b->memory, value;
	struct ioas_move move;

	ioas_move_begin(&move);
	ioas_move_lose_locked((struct uaddr_range){at, at + b->page - 1});
	ioas_move_end(&move);
	rig_fails(r, ioas_dma_read(b->dev, IOVA, &value, 8, &issuer), -EFAULT);
	assert_fault(b, IOAS_FAULT_GONE, IOAS_READ,
	             (struct iova_range){IOVA, IOVA + 7});
}

RIG_MAIN("pci_dma", RIG_TEST(a_read_gathers_pages_that_lie_apart),
         RIG_TEST(a_write_lands_in_memory), RIG_TEST(no_bytes_touch_nothing),
         RIG_TEST(an_unmapped_address_faults_from_where_it_begins),
         RIG_TEST(a_read_only_mapping_faults_on_write),
         RIG_TEST(an_address_beyond_the_aperture_faults),
         RIG_TEST(an_access_that_wraps_never_reaches_address_0),
         RIG_TEST(memory_that_has_gone_faults),
         RIG_TEST(a_device_in_no_space_faults),
         RIG_TEST(FN_2_no_dma_with_bus_mastering_off),
         RIG_TEST(segments_are_the_pieces_in_order),
         RIG_TEST(neighbours_are_joined_also_across_calls),
         RIG_TEST(a_list_that_is_full_is_left_as_it_was),
         RIG_TEST(a_fault_leaves_the_list_as_it_was),
         RIG_TEST(both_permissions_are_asked_for_at_once),
         RIG_TEST(gone_is_reported_as_the_model_says),
         RIG_TEST(what_cannot_be_copied_may_be_a_peers),
         RIG_TEST(MOVE_1_an_access_finds_the_page_that_moved),
         RIG_TEST(a_device_with_pointers_is_told_that_they_moved),
         RIG_TEST(lost_memory_is_gone))
