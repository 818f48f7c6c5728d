/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of what gives blocks of the heap back; see heap.h. Blocks are asked
 * for without us. The C library's own calls of free() come by here as well.
 *
 * A block is put into the tree before its pages are looked at again, and a
 * region leaves the pins before the tree is looked at: whichever comes second
 * sees the other, so no block is left behind.
 *
 * Lock order: the tree's lock is taken last, and nothing is freed under it.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "base/itree.h"
#include "base/lock.h"
#include "mem/follow.h"
#include "preload/heap.h"
#include "preload/keep.h"
#include "preload/say.h"
#include "preload/sites.h"
#include "preload/wrap.h"
#include "space/move.h"

/* A block that waits. */
struct block {
	struct ioas_inode node; /* its bytes */
	struct block *next;     /* among those that are freed now */
};

static struct ioas_lock lock;
static struct ioas_itree waiting;     /* under lock */
static struct ioas_a32 waiting_count; /* written under lock */
static void (*host_unpin)(struct uaddr start, uint64_t length);

/*
 * The first free() of a process may be dlsym's own, of the text of its last
 * error: to look for the real one then would never end. Such a text is left.
 */
static void real_free(void *block)
{
	static __thread bool looking __attribute__((tls_model("initial-exec")));

	if (IOAS_UNLIKELY(!ioas_aptr_load_relaxed(
		    &ioas_real_functions[IOAS_SYMBOL_free]))) {
		if (looking)
			return;
		looking = true;
		(void)ioas_real_free();
		looking = false;
	}
	ioas_real_free()(block);
}

/* ---- Blocks that wait. ---- */

static struct uaddr_range range_of(void *block)
{
	size_t bytes = malloc_usable_size(block);
	uint64_t first = (uintptr_t)block;

	return (struct uaddr_range){first, first + (bytes ? bytes - 1 : 0)};
}

static bool is_pinned(struct uaddr_range range)
{
	struct uaddr_range run;

	return ioas_pins_run(range, &run);
}

static struct block *block_of(struct ioas_inode *node)
{
	return node ? ioas_container_of(node, struct block, node) : NULL;
}

static void lock_tree(struct ioas_signals *saved)
{
	ioas_hooks.signals_block(saved);
	ioas_lock(&lock);
}

static void unlock_tree(const struct ioas_signals *saved)
{
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(saved);
}

static void take_out_locked(struct block *b, struct block **list)
{
	ioas_itree_erase(&waiting, &b->node);
	/* Relaxed: written under the lock; see ioas_heap_unpin(). */
	ioas_a32_store_relaxed(&waiting_count,
	                       ioas_a32_load_relaxed(&waiting_count) - 1);
	b->next = *list;
	*list = b;
}

static void free_list(struct block *list)
{
	struct block *next;

	for (; list; list = next) {
		next = list->next;
		real_free((void *)list->node.first);
		ioas_delete(list);
	}
}

/* False: it waits already. */
static bool put_in(struct block *b)
{
	struct ioas_signals saved;
	struct block *other;

	lock_tree(&saved);
	other = block_of(
		ioas_itree_find(&waiting, b->node.first, b->node.last));
	if (!other) {
		ioas_itree_insert(&waiting, &b->node);
		/* Relaxed: as in take_out_locked(). */
		ioas_a32_store_relaxed(&waiting_count,
		                       ioas_a32_load_relaxed(&waiting_count) +
		                               1);
	}
	unlock_tree(&saved);
	return !other;
}

/* Those in the range that are pinned no more. */
static void give_back(struct uaddr_range range)
{
	struct ioas_inode *node, *next;
	struct block *list = NULL;
	struct ioas_signals saved;

	lock_tree(&saved);
	node = ioas_itree_find(&waiting, range.first, range.last);
	for (; node; node = next) {
		next = ioas_itree_find_next(node, range.first, range.last);
		if (!is_pinned((struct uaddr_range){node->first, node->last}))
			take_out_locked(block_of(node), &list);
	}
	unlock_tree(&saved);
	free_list(list);
}

static void unpin(struct uaddr start, uint64_t length)
{
	host_unpin(start, length);
	/*
	 * Relaxed: a block that is put in now finds its pages unpinned, for
	 * they were before this, under the lock of the pins.
	 */
	if (length && ioas_a32_load_relaxed(&waiting_count))
		give_back((struct uaddr_range){start.raw,
		                               start.raw + (length - 1)});
}

void ioas_heap_hooks(struct ioas_hooks *hooks)
{
	host_unpin = hooks->unpin;
	hooks->unpin = unpin;
}

void ioas_heap_forked(void)
{
	ioas_lock_reset(&lock);
	waiting.root = NULL;
	/* Relaxed: a forked child has one thread. */
	ioas_a32_store_relaxed(&waiting_count, 0);
}

static void tell(struct uaddr_range range)
{
	uint32_t site = ioas_call_site();
	struct ioas_move move;

	ioas_move_begin(&move);
	ioas_move_tell_locked(range, site);
	ioas_move_end(&move);
}

static void complain_twice(const void *block)
{
	static struct ioas_a32 told;

	if (!ioas_a32_exchange(&told, 1))
		ioas_complain("the program frees the block at %p a second "
		              "time; ioas had kept it, since it is mapped for "
		              "DMA, and ignores this",
		              block);
}

static void defer(void *block, struct uaddr_range range)
{
	struct block *b = ioas_new(struct block);

	tell(range);
	/* Without memory it is never freed: nobody else has it, at least. */
	if (!b)
		return;
	b->node.first = range.first;
	b->node.last = range.last;
	if (!put_in(b)) {
		ioas_delete(b);
		complain_twice(block);
		return;
	}
	if (!is_pinned(range))
		give_back(range);
}

/* Is it a block that a device may use? */
static bool is_in_use(void *block, struct uaddr_range *ret_range)
{
	struct ioas_signals saved;

	if (!block || ioas_keep_inside())
		return false;
	*ret_range = range_of(block);
	if (!is_pinned(*ret_range))
		return false;
	/* What was unregistered is pinned for a while after. */
	ioas_hooks.signals_block(&saved);
	ioas_registries_settle();
	ioas_hooks.signals_restore(&saved);
	return is_pinned(*ret_range);
}

/* ---- The wrappers. ---- */

void ioas_wrap_free(void *block)
{
	struct uaddr_range range;

	if (IOAS_LIKELY(!ioas_pins_any()) || !is_in_use(block, &range)) {
		real_free(block);
		return;
	}
	IOAS_SITE_ENTRY;
	defer(block, range);
}

/* Elsewhere, with the same content: the old block is the device's. */
static void *reallocate(void *block, struct uaddr_range range, size_t bytes)
{
	size_t old = (size_t)(range.last - range.first) + 1;
	void *next;

	/* As the C library does. */
	if (!bytes) {
		defer(block, range);
		return NULL;
	}
	next = malloc(bytes);
	if (!next)
		return NULL;
	memcpy(next, block, old < bytes ? old : bytes);
	defer(block, range);
	return next;
}

void *ioas_wrap_realloc(void *block, size_t bytes)
{
	struct uaddr_range range;

	if (IOAS_LIKELY(!ioas_pins_any()) || !is_in_use(block, &range))
		return ioas_real_realloc()(block, bytes);
	IOAS_SITE_ENTRY;
	return reallocate(block, range, bytes);
}

void *ioas_wrap_reallocarray(void *block, size_t count, size_t bytes)
{
	struct uaddr_range range;
	size_t all;

	if (IOAS_LIKELY(!ioas_pins_any()) || !is_in_use(block, &range) ||
	    __builtin_mul_overflow(count, bytes, &all))
		return ioas_real_reallocarray()(block, count, bytes);
	IOAS_SITE_ENTRY;
	return reallocate(block, range, all);
}
