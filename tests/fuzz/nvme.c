/* SPDX-License-Identifier: MIT */
/*
 * An NVMe controller under a driver that does anything: registers, doorbells,
 * commands in queues in memory, lists that point anywhere, memory that goes
 * away or that the device may not touch, a file that gets shorter. Two
 * namespaces are active, 1 with blocks of 512 bytes and 3 with 4096; 2 is not.
 *
 * Memory is as board.h has it: the pages 2 q and 2 q + 1 are the queues of
 * identifier q, from FIRST_DATA on is data. SCATTERED of these are mapped once
 * more, one by one and backwards.
 *
 * What must hold: accesses end, memory that the device may not write is as it
 * was, the files have their size, a completion that was posted names its
 * command, and no descriptor, block or pin is left.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board.h"
#include "devices/models.h"

#define OPS             300
#define QUEUES          6
#define BACKWARDS       UINT64_C(0x40000000)
#define SCATTERED       16
#define FIRST_DATA      12 /* page; also of the scattered ones */
#define NAMESPACE_BYTES (1 << 20)
#define FILE_BYTES      (NAMESPACE_BYTES + 100)
#define SECOND_BYTES    (64 * 4096) /* of namespace 3 */
#define SECOND_FILE     (SECOND_BYTES + 100)
#define DOORBELLS       0x1000

static struct {
	int fd, second; /* files; 0: not made yet */
	off_t file_bytes;
	uint32_t tail[QUEUES], entries[QUEUES];
	uint16_t cid;
} n;

/* ---- The board ---- */

static void map_all(void)
{
	unsigned int i;

	fuzz_map_window();
	for (i = 0; i < SCATTERED; i++)
		fuzz_map(BACKWARDS + i * fuzz_world.page_bytes,
		         FIRST_DATA + SCATTERED - 1 - i, 1,
		         IOAS_READ | IOAS_WRITE);
}

static void resize(off_t bytes)
{
	n.file_bytes = bytes;
	fuzz_check(!ftruncate(n.fd, bytes));
}

/* A file in memory, empty for each input. */
static void make_file(int *fd, off_t bytes, char *ret_path, size_t room)
{
	if (!*fd)
		*fd = memfd_create("fuzz", MFD_CLOEXEC);
	fuzz_check(*fd > 0);
	fuzz_check(!ftruncate(*fd, 0) && !ftruncate(*fd, bytes));
	snprintf(ret_path, room, "/proc/self/fd/%d", *fd);
}

static void board_begin(void)
{
	static char path[64], second[64];
	static const struct ioas_option options[] = {
		{"file", path}, {"file3", second}, {"blocks3", "4096"}};
	const struct ioas_device_request request = {
		.model = &ioas_nvme_model,
		.options = options,
		.option_count = IOAS_ARRAY_SIZE(options),
	};

	make_file(&n.fd, FILE_BYTES, path, sizeof(path));
	make_file(&n.second, SECOND_FILE, second, sizeof(second));
	n.file_bytes = FILE_BYTES;
	memset(n.tail, 0, sizeof(n.tail));
	memset(n.entries, 0, sizeof(n.entries));
	n.cid = 0;
	fuzz_board_begin(&request);
	map_all();
}

static void board_end(void)
{
	fuzz_check(lseek(n.fd, 0, SEEK_END) == n.file_bytes);
	fuzz_check(lseek(n.second, 0, SEEK_END) == SECOND_FILE);
	/* Behind the last blocks nothing was written. */
	fuzz_check(lseek(n.fd, NAMESPACE_BYTES, SEEK_DATA) < 0);
	fuzz_check(lseek(n.second, SECOND_BYTES, SEEK_DATA) < 0);
	fuzz_board_end();
}

/* ---- Registers ---- */

static uint64_t take_offset(struct fuzz_input *in, unsigned int size)
{
	unsigned int b = fuzz_byte(in);
	uint64_t at = b < 0xc0 ? b : fuzz_take(in, 2) & 0x3fff;

	return at <= 0x4000 - size ? at : 0x4000 - size;
}

static void do_store(struct fuzz_input *in)
{
	unsigned int size = 1u << fuzz_below(in, 4);
	uint64_t at = take_offset(in, size);

	fuzz_store(at, size, fuzz_take(in, size));
}

static void do_load(struct fuzz_input *in)
{
	unsigned int size = 1u << fuzz_below(in, 4);
	uint64_t value = fuzz_load(take_offset(in, size), size);

	fuzz_check(size == 8 || !(value >> 8 * size));
}

static void do_ring(struct fuzz_input *in)
{
	unsigned int doorbell = fuzz_byte(in);

	fuzz_store(DOORBELLS + 4 * doorbell, 4, fuzz_byte(in));
}

/* ---- Queues ---- */

static void forget_queue(unsigned int q, unsigned int entries)
{
	n.tail[q] = 0;
	n.entries[q] = entries;
}

/* What the upper bits of a byte ask for; the first are sizes of a page. */
static const uint32_t settings[8] = {
	0,       1 << 7, 2 << 7,  3 << 7,
	4 << 7,  5 << 7, 1 << 11, /* weighted round robin */
	7 << 11, /* arbitration of the maker's own, which is not offered */
};

static void do_enable(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in), entries = (b & 31) + 1;

	fuzz_store(0x14, 4, 0);
	fuzz_store(0x24, 4, (entries - 1) << 16 | (entries - 1));
	fuzz_store(0x28, 8, fuzz_window(0));
	fuzz_store(0x30, 8, fuzz_window(1));
	fuzz_store(0x14, 4, 0x00460001u | settings[b >> 5]);
	forget_queue(0, entries);
}

struct sqe {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t unused, metadata, prp1, prp2;
	uint32_t dw[6]; /* 10 to 15 */
};

_Static_assert(sizeof(struct sqe) == 64, "as the controller fetches it");

/* Into the queue, and the doorbell. */
static void submit(unsigned int q, struct sqe *sqe)
{
	uint32_t tail = n.tail[q];
	char *at = fuzz_page_at(2 * q) + tail * sizeof(*sqe);

	if (!n.entries[q] || (tail + 1) * sizeof(*sqe) > fuzz_world.page_bytes)
		return;
	sqe->cid = ++n.cid;
	if (fuzz_reach((uintptr_t)at, sizeof(*sqe), true) == sizeof(*sqe))
		memcpy(at, sqe, sizeof(*sqe));
	n.tail[q] = (tail + 1) % n.entries[q];
	fuzz_store(DOORBELLS + 8 * q, 4, n.tail[q]);
}

static void do_create(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in), q = b % (QUEUES - 1) + 1;
	uint32_t entries = fuzz_byte(in) % 64 + 1;
	struct sqe cq = {.opcode = 5,
	                 .prp1 = fuzz_window(2 * q + 1),
	                 .dw = {(entries - 1) << 16 | q, q << 16 | 3}};
	uint32_t priority = b / (QUEUES - 1) % 4;
	struct sqe sq = {
		.opcode = 1,
		.prp1 = fuzz_window(2 * q),
		.dw = {(entries - 1) << 16 | q, q << 16 | priority << 1 | 1}};

	submit(0, &cq);
	submit(0, &sq);
	forget_queue(q, entries);
}

static uint64_t take_prp(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b >= 0xf0)
		return fuzz_take(in, 8);
	return (b & 64 ? BACKWARDS : FUZZ_WINDOW) +
	       (uint64_t)(b & 63) * fuzz_world.page_bytes +
	       (b & 128 ? fuzz_take(in, 2) & 0xfff : 0);
}

static uint32_t take_dword(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	return b < 0xf0 ? b : (uint32_t)fuzz_take(in, 4);
}

static void do_command(struct fuzz_input *in)
{
	unsigned int q = fuzz_below(in, QUEUES), i, dwords;
	struct sqe sqe = {.opcode = (uint8_t)fuzz_byte(in)};

	sqe.flags = (uint8_t)fuzz_byte(in);
	sqe.nsid = take_dword(in);
	sqe.prp1 = take_prp(in);
	sqe.prp2 = take_prp(in);
	dwords = fuzz_below(in, 7);
	for (i = 0; i < dwords; i++)
		sqe.dw[i] = take_dword(in);
	submit(q, &sqe);
}

/* Any bytes at all, but for the identifier. */
static void do_raw(struct fuzz_input *in)
{
	unsigned int q = fuzz_below(in, QUEUES), i;
	uint8_t bytes[sizeof(struct sqe)];
	struct sqe sqe;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)fuzz_byte(in);
	memcpy(&sqe, bytes, sizeof(sqe));
	submit(q, &sqe);
}

/* The same one until the queue is full: more than one interrupt's worth. */
static void do_many(struct fuzz_input *in)
{
	unsigned int q = fuzz_below(in, QUEUES), i, count = fuzz_below(in, 64);
	struct sqe sqe = {.opcode = (uint8_t)fuzz_byte(in), .nsid = 1};

	for (i = 0; i < count; i++)
		submit(q, &sqe);
}

/* ---- Memory ---- */

static void do_poke(struct fuzz_input *in)
{
	unsigned int page = fuzz_below(in, FUZZ_FIRST_SAFE);
	char *at = fuzz_page_at(page) + (fuzz_take(in, 2) & 0xff8);
	uint64_t value = fuzz_take(in, 8);

	if (fuzz_reach((uintptr_t)at, 8, true) == 8)
		memcpy(at, &value, 8);
}

/* A list: data pages from @first on; at the end maybe the next list. */
static void do_list(struct fuzz_input *in)
{
	unsigned int page = FIRST_DATA + fuzz_below(in, 8);
	unsigned int first = fuzz_byte(in), i, count = fuzz_byte(in) + 1;
	unsigned int next = fuzz_byte(in);
	uint64_t entry;

	if (fuzz_reach((uintptr_t)fuzz_page_at(page), fuzz_world.page_bytes,
	               true) < fuzz_world.page_bytes)
		return;
	for (i = 0; i < count; i++) {
		entry = fuzz_window((first + i) %
		                    (next & 64 ? FUZZ_FIRST_FAR : 40));
		memcpy(fuzz_page_at(page) + 8 * i, &entry, 8);
	}
	entry = fuzz_window(FIRST_DATA + next % 8);
	if (next & 128)
		memcpy(fuzz_page_at(page) + fuzz_world.page_bytes - 8, &entry,
		       8);
}

/* Descriptors of an SGL, from one of the first data pages on. */
static void do_sgl(struct fuzz_input *in)
{
	char *at = fuzz_page_at(FIRST_DATA + fuzz_below(in, 8));
	unsigned int count = fuzz_below(in, 16) + 1;
	uint64_t half[2];

	for (; count--; at += sizeof(half)) {
		half[0] = take_prp(in);
		half[1] = (uint64_t)fuzz_byte(in) << 56;
		half[1] |= take_dword(in);
		if (fuzz_reach((uintptr_t)at, sizeof(half), true) ==
		    sizeof(half))
			memcpy(at, half, sizeof(half));
	}
}

/* Ranges of Dataset Management. */
static void do_ranges(struct fuzz_input *in)
{
	char *at = fuzz_page_at(FIRST_DATA + fuzz_below(in, 8));
	unsigned int count = fuzz_below(in, 8) + 1;
	uint64_t range[2];

	for (; count--; at += sizeof(range)) {
		range[0] = (uint64_t)take_dword(in) << 32;
		range[1] = take_dword(in);
		if (fuzz_reach((uintptr_t)at, sizeof(range), true) ==
		    sizeof(range))
			memcpy(at, range, sizeof(range));
	}
}

static void do_remap(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b == 0)
		fuzz_unmap(fuzz_window(0));
	else if (b == 1)
		fuzz_unmap(fuzz_window(FUZZ_FIRST_SAFE));
	else if (b < 2 + SCATTERED)
		fuzz_unmap(BACKWARDS + (b - 2) * fuzz_world.page_bytes);
	else
		map_all();
}

/* ---- The rest ---- */

static void do_config(struct fuzz_input *in)
{
	unsigned int at = fuzz_byte(in), size = 1u << fuzz_below(in, 3);

	fuzz_config(at & ~(size - 1), size, (uint32_t)fuzz_take(in, 4));
}

static void do_reset(struct fuzz_input *in)
{
	struct ioas_signals saved;

	if (fuzz_below(in, 2)) {
		fuzz_reset();
		return;
	}
	ioas_hooks.signals_block(&saved);
	ioas_device_restart(fuzz_board.dev);
	ioas_hooks.signals_restore(&saved);
}

/* Switch one of the modes on, or off, or change a vector's event. */
static void do_interrupts(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in), how = fuzz_below(in, 4);
	enum ioas_irq_mode mode = (b >> 6) % IOAS_IRQ_OFF;
	unsigned int vector = b & 63;

	if (fuzz_board.dev->irq.mode == IOAS_IRQ_OFF) {
		unsigned int count =
			ioas_device_irq_count(fuzz_board.dev, mode);

		ioas_device_irq_on(fuzz_board.dev, mode, vector % count + 1);
		return;
	}
	vector %=
		ioas_device_irq_count(fuzz_board.dev, fuzz_board.dev->irq.mode);
	if (how == 0)
		ioas_device_irq_off(fuzz_board.dev);
	else if (how == 1 || how == 2)
		ioas_device_irq_set(fuzz_board.dev, vector,
		                    how == 1 ? IOAS_NO_EVENT : FUZZ_EVENT);
	else
		ioas_device_intx_unmask(fuzz_board.dev);
}

static void do_resize(struct fuzz_input *in)
{
	resize((off_t)fuzz_byte(in) << 13);
}

static void (*const operations[])(struct fuzz_input *in) = {
	do_store,      do_load,           do_ring,  do_enable, do_create,
	do_command,    do_command,        do_many,  do_poke,   do_list,
	do_ranges,     fuzz_protect_some, do_remap, do_config, do_reset,
	do_interrupts, do_resize,         do_sgl,   do_raw,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	unsigned int i;

	board_begin();
	for (i = 0; i < OPS && in.left; i++)
		operations[fuzz_below(&in, IOAS_ARRAY_SIZE(operations))](&in);
	board_end();
	return 0;
}
