/* SPDX-License-Identifier: MIT */
/*
 * The world of the fuzz targets: hooks for the core that count, refuse, and
 * know which memory is the program's. One thread, so what would wait for
 * another thread waits for ever: that is a defect.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/grace.h"
#include "fuzz.h"
#include "host/host.h"
#include "mem/backend.h"

/* More than any input needs; beyond it there is no memory. */
#define BYTES_MAX (UINT64_C(64) << 20)
#define ROUNDS    1000

struct fuzz_world fuzz_world;

void fuzz_defect(const char *text, const char *file, int line)
{
	fprintf(stderr, "fuzz: %s:%d: this does not hold: %s\n", file, line,
	        text);
	abort();
}

/* ---- Memory of ioas ---- */

static void *fuzz_alloc(size_t bytes)
{
	struct fuzz_world *w = &fuzz_world;
	void *p;

	fuzz_check(bytes);
	if ((w->fail_in && !--w->fail_in) || bytes > BYTES_MAX - w->bytes) {
		w->failed++;
		return NULL;
	}
	if (posix_memalign(&p,
	                   bytes >= 4096 && !(bytes & (bytes - 1)) ? bytes : 64,
	                   bytes))
		abort();
	w->blocks++;
	w->bytes += bytes;
	return memset(p, 0, bytes);
}

static void fuzz_free(void *p, size_t bytes)
{
	if (!p)
		return;
	fuzz_world.blocks--;
	fuzz_world.bytes -= bytes;
	free(p);
}

/* ---- Memory of the program ---- */

static uint64_t memory_start(void)
{
	return (uintptr_t)fuzz_world.memory;
}

static bool in_memory(uint64_t at)
{
	return at - memory_start() < FUZZ_PAGES * fuzz_world.page_bytes;
}

static bool permits(enum fuzz_page page, bool write)
{
	return page == FUZZ_RW || (page == FUZZ_READ_ONLY && !write);
}

size_t fuzz_reach(uint64_t at, uint64_t bytes, bool write)
{
	const struct fuzz_world *w = &fuzz_world;
	uint64_t offset = at - memory_start(), end = offset;

	while (in_memory(memory_start() + end) && end - offset < bytes &&
	       permits(w->page[end >> w->page_shift], write))
		end = ((end >> w->page_shift) + 1) << w->page_shift;
	return end - offset < bytes ? end - offset : bytes;
}

void fuzz_protect(unsigned int page, enum fuzz_page state)
{
	static const int prot[] = {
		[FUZZ_RW] = PROT_READ | PROT_WRITE,
		[FUZZ_READ_ONLY] = PROT_READ,
		[FUZZ_GONE] = PROT_NONE,
	};
	struct fuzz_world *w = &fuzz_world;

	if (w->page[page] == state)
		return;
	w->page[page] = state;
	fuzz_check(!mprotect(w->memory + page * w->page_bytes, w->page_bytes,
	                     prot[state]));
}

static int fuzz_pin(struct uaddr start, uint64_t length, unsigned int perm,
                    uint64_t *ret_pinned)
{
	*ret_pinned = fuzz_reach(start.raw, length, perm & IOAS_WRITE);
	fuzz_world.pinned += *ret_pinned;
	return *ret_pinned == length ? 0 : -EFAULT;
}

static void fuzz_unpin(struct uaddr start, uint64_t length)
{
	fuzz_check(length <= fuzz_world.pinned);
	fuzz_world.pinned -= length;
}

/* At least one of the two is the program's, or there is no such memory. */
static int fuzz_copy(void *dst, const void *src, size_t bytes)
{
	bool write = in_memory((uintptr_t)dst);
	bool read = in_memory((uintptr_t)src) || !write;
	size_t n = bytes;

	if (read)
		n = fuzz_reach((uintptr_t)src, n, false);
	if (write)
		n = fuzz_reach((uintptr_t)dst, n, true);
	if (n)
		memcpy(dst, src, n);
	return n == bytes ? 0 : -EFAULT;
}

/* ---- One thread ---- */

static bool fuzz_barrier(void)
{
	return true;
}

static void fuzz_wait(const struct ioas_a32 *word, uint32_t seen)
{
	fuzz_defect("nobody else is there who could wake this thread", __FILE__,
	            __LINE__);
}

static void fuzz_relax(unsigned int round)
{
	fuzz_check(round < ROUNDS);
}

static void fuzz_signals_block(struct ioas_signals *saved)
{
	fuzz_world.signals_blocked++;
}

static void fuzz_signals_restore(const struct ioas_signals *saved)
{
	fuzz_check(fuzz_world.signals_blocked-- > 0);
}

static void fuzz_signal(int event)
{
}

/* ---- Life ---- */

static void reserve_memory(void)
{
	struct fuzz_world *w = &fuzz_world;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, (FUZZ_PAGES + 2) * page, PROT_NONE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	fuzz_check(p != MAP_FAILED);
	fuzz_check(
		!mprotect(p + page, FUZZ_PAGES * page, PROT_READ | PROT_WRITE));
	w->memory = p + page;
	w->page_bytes = page;
	w->page_shift = (unsigned int)__builtin_ctzl(page);
}

static void choose_backend(void)
{
	static struct ioas_backend_scattered scattered;
	const char *way = getenv("IOAS_RIG");

	fuzz_world.backend = &ioas_backend_identity;
	if (!way || strcmp(way, "--scattered") != 0)
		return;
	ioas_backend_scattered_init(3, fuzz_world.page_shift, &scattered);
	fuzz_world.backend = &scattered.backend;
}

static void install_hooks(void)
{
	ioas_host_hooks(&ioas_hooks);
	ioas_hooks.alloc = fuzz_alloc;
	ioas_hooks.free = fuzz_free;
	ioas_hooks.pin = fuzz_pin;
	ioas_hooks.unpin = fuzz_unpin;
	ioas_hooks.copy = fuzz_copy;
	ioas_hooks.barrier = fuzz_barrier;
	ioas_hooks.wait = fuzz_wait;
	ioas_hooks.relax = fuzz_relax;
	ioas_hooks.signals_block = fuzz_signals_block;
	ioas_hooks.signals_restore = fuzz_signals_restore;
	ioas_hooks.signal = fuzz_signal;
}

void fuzz_begin(void)
{
	struct fuzz_world *w = &fuzz_world;
	unsigned int i;

	if (!w->memory) {
		reserve_memory();
		choose_backend();
		install_hooks();
	}
	for (i = 0; i < FUZZ_PAGES; i++)
		fuzz_protect(i, FUZZ_RW);
	memset(w->memory, 0xa5, FUZZ_PAGES * w->page_bytes);
	w->fail_in = 0;
	w->failed = 0;
}

void fuzz_end(void)
{
	const struct fuzz_world *w = &fuzz_world;

	fuzz_check(!w->blocks);
	fuzz_check(!w->bytes);
	fuzz_check(!w->pinned);
	fuzz_check(!w->signals_blocked);
	fuzz_check(!ioas_grace_inside(IOAS_GRACE_DMA));
	fuzz_check(!ioas_grace_inside(IOAS_GRACE_FILE));
}
