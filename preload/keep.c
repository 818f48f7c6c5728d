/* SPDX-License-Identifier: MIT */
/*
 * See keep.h. How one piece, inside of one mapping of the process, moves:
 *
 *	mprotect(old, PROT_NONE)        who uses it faults, and waits
 *	mremap(old -> aside, DONTUNMAP) the same pages elsewhere; the old
 *	                                addresses stay taken, by an empty guard
 *	mprotect(aside, PROT_READ | PROT_WRITE)
 *	entries and spans lead aside    (space/move.h)
 *	one grace period                nobody has an old pointer
 *
 * Without the guard another thread could be given the old addresses while a
 * device still has a pointer to them. Pages of a file that a hole is about are
 * copied instead: the file's own ones are going to be somebody else's.
 *
 * Sources: mremap(2), MREMAP_DONTUNMAP (Linux 5.7; of shared memory 5.13);
 * Linux 7.3 mm/mremap.c, mm/madvise.c.
 */
#include "preload/keep.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/grace.h"
#include "host/host.h"
#include "preload/aside.h"
#include "preload/trap.h"
#include "preload/views.h"
#include "preload/vmas.h"
#include "preload/wrap.h"
#include "space/move.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

/* A piece that was moved aside. */
struct ioas_kept {
	struct ioas_keep keep;
	struct ioas_kept *next;
	struct ioas_aside aside;
	uint64_t from, at, bytes; /* at: aside */
	int prot;
	bool copied;
	bool used;   /* something was put there */
	bool astray; /* it may be anybody's: move_locked() */
};

/* Calls between begin and end, and how many have ended. */
static struct ioas_a32 open_count, closed_count;
static __thread uint32_t own_count __attribute__((tls_model("initial-exec")));

/* ---- System calls. ---- */

static bool failed(long result)
{
	return result < 0 && result >= -4095;
}

static bool protect(uint64_t at, uint64_t bytes, int prot)
{
	return !ioas_sys(SYS_mprotect, (long)at, (long)bytes, prot, 0, 0, 0);
}

static long move_pages(uint64_t from, uint64_t to, uint64_t bytes, int more)
{
	return ioas_sys(SYS_mremap, (long)from, (long)bytes, (long)bytes,
	                MREMAP_MAYMOVE | MREMAP_FIXED | more, (long)to, 0);
}

/* Memory that is locked is refused by it: Linux 7.3 can_madv_lru_vma(). */
static bool is_locked(uint64_t at)
{
	return ioas_sys(SYS_madvise, (long)at, (long)ioas_page_bytes(),
	                MADV_COLD, 0, 0, 0) == -EINVAL;
}

/* ---- One piece. ---- */

static struct uaddr_range range_of(uint64_t at, uint64_t bytes)
{
	return (struct uaddr_range){at, at + (bytes - 1)};
}

static void delete_kept(struct ioas_kept *k)
{
	if (!k->used)
		ioas_aside_untake(&k->aside);
	else if (!k->astray)
		ioas_aside_give(&k->aside);
	ioas_delete(k);
}

static void end_kept(struct ioas_keep *keep)
{
	delete_kept(ioas_container_of(keep, struct ioas_kept, keep));
}

static struct ioas_kept *kept_new(uint64_t first, uint64_t last, int prot)
{
	struct ioas_kept *k = ioas_new(struct ioas_kept);

	if (!k)
		return NULL;
	k->keep.end = end_kept;
	k->from = first;
	k->bytes = last - first + 1;
	k->prot = prot;
	if (ioas_aside_take(k->from, k->bytes, &k->aside)) {
		k->at = k->aside.at;
		return k;
	}
	ioas_delete(k);
	return NULL;
}

/*
 * The old addresses are closed. Locked memory counts twice while it is in two
 * places, and there is a limit: what is unmapped next need not be locked. When
 * the kernel refuses, it has unmapped the new addresses already.
 */
static bool move_locked(struct ioas_kept *k, enum ioas_give how)
{
	if (how == IOAS_GIVE_AWAY && is_locked(k->from))
		ioas_sys(SYS_munlock, (long)k->from, (long)k->bytes, 0, 0, 0,
		         0);
	k->used = true;
	k->astray =
		failed(move_pages(k->from, k->at, k->bytes, MREMAP_DONTUNMAP));
	if (k->astray)
		return false;
	/* A shared mapping of what may only be read stays so. */
	if (!protect(k->at, k->bytes, PROT_READ | PROT_WRITE))
		protect(k->at, k->bytes, k->prot & ~PROT_EXEC);
	return true;
}

/* A second mapping of the same pages shows what is in them. */
static bool copy_locked(struct ioas_kept *k)
{
	long twin = ioas_sys(SYS_mremap, (long)k->from, 0, (long)k->bytes,
	                     MREMAP_MAYMOVE, 0, 0);
	bool good;

	if (failed(twin))
		return false;
	k->used = k->copied = true;
	good = protect((uint64_t)twin, k->bytes, PROT_READ) &&
	       protect(k->at, k->bytes, PROT_READ | PROT_WRITE) &&
	       !ioas_hooks.copy((void *)k->at, (void *)twin, k->bytes);
	ioas_sys(SYS_munmap, twin, (long)k->bytes, 0, 0, 0, 0);
	return good;
}

static bool set_aside_locked(struct ioas_kept *k, enum ioas_give how)
{
	struct uaddr_range range = range_of(k->from, k->bytes);
	struct uaddr to = {k->at};

	if (ioas_move_prepare_locked(range, to, NULL) ||
	    !protect(k->from, k->bytes, PROT_NONE))
		return false;
	if (how == IOAS_GIVE_HOLE ? !copy_locked(k) : !move_locked(k, how)) {
		protect(k->from, k->bytes, k->prot);
		return false;
	}
	ioas_move_to_locked(range, to, NULL);
	return true;
}

/* Does the call take the pages of such a mapping from the device? */
static bool takes(const struct ioas_giving *g, const struct ioas_vma *vma,
                  uint64_t at)
{
	if (g->how == IOAS_GIVE_HOLE)
		return vma->shared;
	if (g->how == IOAS_GIVE_CONTENT)
		return !vma->shared && (g->even_locked || !is_locked(at));
	return true;
}

/* ---- All of a range. ---- */

struct pass {
	struct ioas_giving *giving;
	struct uaddr_range run; /* pinned, whole pages */
	uint64_t done;          /* everything below it was seen to */
};

static void lose_locked(struct ioas_giving *g, uint64_t first, uint64_t last)
{
	struct uaddr_range range = {first, last};

	if (g->how != IOAS_GIVE_MOVE)
		ioas_move_tell_locked(range, g->site);
	/* Only what is given back, if it can be told from the rest. */
	(void)ioas_move_prepare_locked(range, (struct uaddr){first}, NULL);
	ioas_move_lose_locked(range);
	g->lost = true;
}

/* Registers do not move, and nothing is behind the addresses of a view. */
static bool is_view(uint64_t first, uint64_t last)
{
	bool is;

	ioas_grace_enter(IOAS_GRACE_FILE);
	is = ioas_view_next(first, last + 1) != last + 1;
	ioas_grace_leave(IOAS_GRACE_FILE);
	return is;
}

static bool piece_locked(void *context, const struct ioas_vma *vma)
{
	struct pass *pass = context;
	struct ioas_giving *g = pass->giving;
	uint64_t first =
		vma->first > pass->run.first ? vma->first : pass->run.first;
	uint64_t last = vma->last < pass->run.last ? vma->last : pass->run.last;
	struct ioas_kept *k;

	if (first > pass->done)
		lose_locked(g, pass->done, first - 1);
	pass->done = last + 1;
	if (!takes(g, vma, first))
		return true;
	k = is_view(first, last) ? NULL : kept_new(first, last, vma->prot);
	if (k && set_aside_locked(k, g->how)) {
		k->next = g->pieces;
		g->pieces = k;
		return true;
	}
	if (k)
		delete_kept(k);
	lose_locked(g, first, last);
	return true;
}

static void range_locked(struct ioas_giving *g, struct uaddr_range range)
{
	struct pass pass = {.giving = g};

	while (range.first <= range.last && ioas_pins_run(range, &pass.run)) {
		pass.done = pass.run.first;
		ioas_vmas_each(pass.run.first, pass.run.last, piece_locked,
		               &pass);
		if (pass.done <= pass.run.last)
			lose_locked(g, pass.done, pass.run.last);
		range.first = pass.run.last + 1;
	}
}

/* The guards are as the memory was, but empty. */
static void open_guards(const struct ioas_giving *g)
{
	const struct ioas_kept *k;

	for (k = g->pieces; k; k = k->next)
		protect(k->from, k->bytes, k->prot);
}

static uint64_t pages_up(uint64_t bytes)
{
	return (bytes + ioas_page_bytes() - 1) & ~(ioas_page_bytes() - 1);
}

bool ioas_keep_inside(void)
{
	return ioas_grace_inside(IOAS_GRACE_FILE) ||
	       ioas_grace_inside(IOAS_GRACE_DMA) ||
	       ioas_grace_inside(IOAS_GRACE_MEM);
}

bool ioas_keep_look(uint64_t start, uint64_t bytes)
{
	struct uaddr_range run;

	/*
	 * In a signal handler that interrupted a call on a file, whose locks
	 * are held by this very thread: the rest is wall (c).
	 */
	if (ioas_keep_inside())
		return false;
	bytes = pages_up(bytes);
	if (!bytes || (start & (ioas_page_bytes() - 1)) ||
	    start + bytes <= start)
		return false;
	return ioas_pins_run(range_of(start, bytes), &run);
}

static void begin(struct ioas_giving *g)
{
	g->active = true;
	g->lost = false;
	g->pieces = NULL;
	/* Who touches what is closed waits in the fault handler for the end. */
	ioas_trap_install();
	g->site = ioas_call_site();
	ioas_hooks.signals_block(&g->saved);
	ioas_a32_add(&open_count, 1);
	own_count++;
}

/* Nobody uses the old addresses any more. */
static void settle(struct ioas_giving *g)
{
	if (g->pieces || g->lost)
		ioas_grace_sync(IOAS_GRACE_DMA);
	if (g->how != IOAS_GIVE_AWAY)
		open_guards(g);
}

void ioas_keep_begin(struct ioas_giving *g, uint64_t start, uint64_t bytes)
{
	struct ioas_move move;

	g->active = false;
	if (!ioas_keep_look(start, bytes))
		return;
	begin(g);
	ioas_move_begin(&move);
	range_locked(g, range_of(start, pages_up(bytes)));
	ioas_move_end(&move);
	settle(g);
}

struct file_pass {
	struct ioas_giving *giving;
	const struct ioas_file_range *range;
};

static bool file_locked(void *context, const struct ioas_vma *vma)
{
	const struct file_pass *pass = context;
	const struct ioas_file_range *r = pass->range;
	uint64_t length = vma->last - vma->first;
	struct uaddr_range range = {vma->first, vma->last};

	if (!vma->shared || vma->inode != r->inode ||
	    vma->device != r->device || r->last < vma->offset ||
	    r->first > vma->offset + length)
		return true;
	if (r->first > vma->offset)
		range.first += r->first - vma->offset;
	if (r->last - vma->offset < length)
		range.last = vma->first + (r->last - vma->offset);
	range_locked(pass->giving, range);
	return true;
}

void ioas_keep_begin_file(struct ioas_giving *g,
                          const struct ioas_file_range *range)
{
	struct file_pass pass = {g, range};
	struct ioas_move move;

	g->active = false;
	if (ioas_keep_inside())
		return;
	begin(g);
	ioas_move_begin(&move);
	ioas_vmas_each(0, UINT64_MAX, file_locked, &pass);
	ioas_move_end(&move);
	settle(g);
}

/* ---- The end. ---- */

static void end(struct ioas_giving *g)
{
	/* In this order: who sees that none is open sees that one ended. */
	ioas_a32_add(&closed_count, 1);
	ioas_a32_add(&open_count, UINT32_MAX);
	own_count--;
	ioas_hooks.signals_restore(&g->saved);
}

static void keep_all(struct ioas_giving *g)
{
	struct ioas_kept *k, *next;
	struct ioas_move move;

	ioas_move_begin(&move);
	for (k = g->pieces; k; k = k->next) {
		struct uaddr_range range = range_of(k->at, k->bytes);

		ioas_move_tell_locked(range, g->site);
		ioas_move_to_locked(range, (struct uaddr){k->at}, &k->keep);
		/* One of the list's own: they may all be unmapped now. */
		k->keep.users++;
		/* A forked child has nothing pinned. */
		ioas_sys(SYS_madvise, (long)k->at, (long)k->bytes,
		         MADV_DONTFORK, 0, 0, 0);
	}
	ioas_move_end(&move);
	for (k = g->pieces; k; k = next) {
		next = k->next;
		ioas_keep_put(&k->keep);
	}
}

static bool copy_back_locked(const struct ioas_kept *k, uint64_t to)
{
	return protect(k->at, k->bytes, PROT_READ) &&
	       protect(to, k->bytes, PROT_READ | PROT_WRITE) &&
	       !ioas_hooks.copy((void *)to, (void *)k->at, k->bytes) &&
	       protect(to, k->bytes, k->prot);
}

/* The second way needs fewer mappings, and leaves no guard. */
static bool move_back_locked(const struct ioas_kept *k, uint64_t to)
{
	return protect(k->at, k->bytes, PROT_NONE) &&
	       (!failed(move_pages(k->at, to, k->bytes, MREMAP_DONTUNMAP)) ||
	        !failed(move_pages(k->at, to, k->bytes, 0))) &&
	       protect(to, k->bytes, k->prot);
}

static void bring_back_locked(const struct ioas_kept *k, uint64_t to)
{
	struct uaddr_range range = range_of(k->at, k->bytes);
	int err = ioas_move_prepare_locked(range, (struct uaddr){to}, NULL);
	bool good =
		k->copied ? copy_back_locked(k, to) : move_back_locked(k, to);

	if (good && !err)
		ioas_move_to_locked(range, (struct uaddr){to}, NULL);
	else
		ioas_move_lose_locked(range);
}

/* What was at @start is to be at @to. */
static void bring_all_back(struct ioas_giving *g, uint64_t start, uint64_t to)
{
	struct ioas_kept *k, *next;
	struct ioas_move move;

	ioas_move_begin(&move);
	for (k = g->pieces; k; k = k->next)
		bring_back_locked(k, to + (k->from - start));
	ioas_move_end(&move);
	ioas_grace_sync(IOAS_GRACE_DMA);
	for (k = g->pieces; k; k = next) {
		next = k->next;
		delete_kept(k);
	}
}

void ioas_keep_end(struct ioas_giving *g, bool given)
{
	if (!g->active)
		return;
	if (g->pieces && given)
		keep_all(g);
	else if (g->pieces)
		bring_all_back(g, 0, 0);
	end(g);
}

void ioas_keep_end_moved(struct ioas_giving *g, uint64_t start, uint64_t to)
{
	if (!g->active)
		return;
	if (g->pieces)
		bring_all_back(g, start, to);
	end(g);
}

/* ---- Threads that come by. ---- */

bool ioas_keep_retry(const siginfo_t *info)
{
	static __thread uint32_t seen
		__attribute__((tls_model("initial-exec")));
	unsigned int round = 0;
	uint32_t closed;

	/*
	 * One that a process sent has nothing to run again; and what faults in
	 * such a call must not wait for its own end.
	 */
	if (info->si_code <= 0 || own_count)
		return false;
	/* Pairs with the adds in end(). */
	while (ioas_a32_load(&open_count))
		ioas_hooks.relax(round++);
	closed = ioas_a32_load(&closed_count);
	if (closed == seen)
		return false;
	seen = closed;
	return true;
}

void ioas_keep_forked(void)
{
	/* Relaxed: a forked child has one thread. */
	ioas_a32_store_relaxed(&open_count, 0);
	own_count = 0;
	ioas_aside_forked();
}
