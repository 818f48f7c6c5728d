/* SPDX-License-Identifier: MIT */
/*
 * What a device wrote: pages of I/O addresses, in the ranges that were asked
 * for. One bit for each page, and one above it for each 64 words of such bits,
 * so that what is found takes time for what was written and not for what could
 * have been. Memory that nobody writes to costs nothing (hooks.reserve).
 *
 * All of it is under the device's lock, as the device's own accesses are:
 *
 *	LOG-1  a page that was written is reported once, by the report after it
 *	LOG-2  no other page is reported
 */
#include <errno.h>
#include <string.h>

#include "base/hooks.h"
#include "pci/function.h"

#define WORD_BITS    64
#define SUMMARY_BITS (WORD_BITS * WORD_BITS) /* pages of a bit above */

struct watched {
	uint64_t first, last; /* pages */
	uint64_t *words;      /* a bit for each; then the bits above */
	uint64_t *above;
	size_t bytes;
	bool reserved;
};

struct ioas_log {
	unsigned int page_shift, count;
	struct watched watched[];
};

static size_t log_bytes(unsigned int count)
{
	return sizeof(struct ioas_log) + count * sizeof(struct watched);
}

/* ---- Memory ---- */

static uint64_t words_for(uint64_t bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

static int watched_init(struct watched *w, struct iova_range range,
                        unsigned int page_shift)
{
	uint64_t words;

	w->first = range.first >> page_shift;
	w->last = range.last >> page_shift;
	words = words_for(w->last - w->first + 1);
	w->bytes = (words + words_for(words_for(words))) * sizeof(*w->words);
	w->reserved = ioas_hooks.reserve != NULL;
	w->words = w->reserved ? ioas_hooks.reserve(w->bytes) : NULL;
	if (!w->words) {
		w->reserved = false;
		w->words = ioas_hooks.alloc(w->bytes);
	}
	w->above = w->words + words;
	return w->words ? 0 : -ENOMEM;
}

static void log_free(struct ioas_log *log)
{
	struct watched *w;

	for (w = log->watched; w < log->watched + log->count; w++) {
		if (w->words && w->reserved)
			ioas_hooks.unreserve(w->words, w->bytes);
		else if (w->words)
			ioas_hooks.free(w->words, w->bytes);
	}
	ioas_hooks.free(log, log_bytes(log->count));
}

static int log_make(const struct iova_range *ranges, unsigned int count,
                    unsigned int page_shift, struct ioas_log **ret_log)
{
	struct ioas_log *log = ioas_hooks.alloc(log_bytes(count));
	unsigned int i;
	int err = 0;

	if (!log)
		return -ENOMEM;
	log->page_shift = page_shift;
	log->count = count;
	for (i = 0; !err && i < count; i++)
		err = watched_init(&log->watched[i], ranges[i], page_shift);
	if (err)
		log_free(log);
	else
		*ret_log = log;
	return err;
}

/* ---- Bits ---- */

static void set_page(struct watched *w, uint64_t page)
{
	uint64_t n = page - w->first, word = n / WORD_BITS;

	w->words[word] |= UINT64_C(1) << n % WORD_BITS;
	word /= WORD_BITS;
	w->above[word / WORD_BITS] |= UINT64_C(1) << word % WORD_BITS;
}

static bool clear_page(struct watched *w, uint64_t page)
{
	uint64_t n = page - w->first, bit = UINT64_C(1) << n % WORD_BITS;
	bool was = w->words[n / WORD_BITS] & bit;

	w->words[n / WORD_BITS] &= ~bit;
	return was;
}

/* Are all pages that the bit above stands for clean? Then it goes. */
static bool nothing_in(struct watched *w, uint64_t group)
{
	uint64_t words = words_for(w->last - w->first + 1);
	uint64_t i = group * WORD_BITS;

	for (; i < words && i < (group + 1) * WORD_BITS; i++)
		if (w->words[i])
			return false;
	w->above[group / WORD_BITS] &= ~(UINT64_C(1) << group % WORD_BITS);
	return true;
}

/* The first page from @page on that was written. False: up to @last none. */
static bool find_page(struct watched *w, uint64_t page, uint64_t last,
                      uint64_t *ret_page)
{
	uint64_t n = page - w->first, group, word;

	while (n <= last - w->first) {
		group = n / SUMMARY_BITS;
		word = w->above[group / WORD_BITS] >> group % WORD_BITS;
		if (!word) {
			n = (group / WORD_BITS + 1) * WORD_BITS * SUMMARY_BITS;
			continue;
		}
		if (!(word & 1) || nothing_in(w, group)) {
			n = (group + 1) * SUMMARY_BITS;
			continue;
		}
		word = w->words[n / WORD_BITS] >> n % WORD_BITS;
		if (word) {
			*ret_page = w->first + n +
			            (unsigned int)__builtin_ctzll(word);
			return *ret_page <= last;
		}
		n = (n / WORD_BITS + 1) * WORD_BITS;
	}
	return false;
}

/* ---- The device's part ---- */

int ioas_log_init(struct ioas_device *dev)
{
	const char *text = ioas_device_option(dev, "dma-logging");

	if (!text || !strcmp(text, "off"))
		return 0;
	if (strcmp(text, "on") != 0) {
		ioas_device_fail(dev,
		                 "dma-logging=%.80s is neither: write "
		                 "dma-logging=on or dma-logging=off",
		                 text);
		return -EINVAL;
	}
	dev->logs = true;
	return 0;
}

void ioas_log_mark_locked(struct ioas_device *dev, uint64_t iova,
                          uint64_t bytes)
{
	struct ioas_log *log = dev->log;
	struct watched *w;
	uint64_t page, last;

	if (!log || !bytes)
		return;
	for (w = log->watched; w < log->watched + log->count; w++) {
		page = iova >> log->page_shift;
		last = (iova + (bytes - 1)) >> log->page_shift;
		if (page < w->first)
			page = w->first;
		if (last > w->last)
			last = w->last;
		for (; page <= last && page >= w->first; page++)
			set_page(w, page);
	}
}

void ioas_log_end_locked(struct ioas_device *dev)
{
	if (dev->log)
		log_free(dev->log);
	dev->log = NULL;
}

/* ---- Calls of uapi ---- */

int ioas_device_log_start(struct ioas_device *dev,
                          const struct iova_range *ranges, unsigned int count,
                          unsigned int page_shift)
{
	struct ioas_log *log;
	int err = log_make(ranges, count, page_shift, &log);

	if (err)
		return err;
	ioas_lock(&dev->lock);
	if (dev->log)
		err = -EINVAL;
	else
		dev->log = log;
	ioas_unlock(&dev->lock);
	if (err)
		log_free(log);
	return err;
}

void ioas_device_log_stop(struct ioas_device *dev)
{
	ioas_lock(&dev->lock);
	ioas_log_end_locked(dev);
	ioas_unlock(&dev->lock);
}

/* A page that is only partly asked for stays written for the next report. */
static void take_page(const struct ioas_log *log, struct watched *w,
                      uint64_t page, struct iova_range within)
{
	uint64_t first = page << log->page_shift;

	if (first >= within.first &&
	    first + ioas_mask_lg2(log->page_shift) <= within.last)
		clear_page(w, page);
}

static bool next_in(struct ioas_log *log, struct watched *w,
                    struct iova_range within, struct iova_range *ret_dirty)
{
	uint64_t first = within.first >> log->page_shift;
	uint64_t last = within.last >> log->page_shift, page;

	if (first < w->first)
		first = w->first;
	if (last > w->last)
		last = w->last;
	if (first > last || !find_page(w, first, last, &page))
		return false;
	ret_dirty->first = page << log->page_shift;
	ret_dirty->last = ret_dirty->first + ioas_mask_lg2(log->page_shift);
	if (ret_dirty->first < within.first)
		ret_dirty->first = within.first;
	if (ret_dirty->last > within.last)
		ret_dirty->last = within.last;
	return true;
}

/* The lowest in all that is watched; ranges come in any order. */
static int next_locked(struct ioas_log *log, struct iova_range within,
                       struct iova_range *ret_dirty)
{
	struct watched *w, *whose = NULL;
	struct iova_range dirty, best = {UINT64_MAX, 0};

	for (w = log->watched; w < log->watched + log->count; w++) {
		if (!next_in(log, w, within, &dirty) ||
		    (whose && dirty.first >= best.first))
			continue;
		best = dirty;
		whose = w;
	}
	if (!whose)
		return 0;
	take_page(log, whose, best.first >> log->page_shift, within);
	*ret_dirty = best;
	return 1;
}

int ioas_device_log_next(struct ioas_device *dev, struct iova_range within,
                         struct iova_range *ret_dirty)
{
	int ret = -EINVAL;

	ioas_lock(&dev->lock);
	if (dev->log)
		ret = next_locked(dev->log, within, ret_dirty);
	ioas_unlock(&dev->lock);
	return ret;
}

void ioas_device_log_again(struct ioas_device *dev, struct iova_range dirty)
{
	ioas_lock(&dev->lock);
	ioas_log_mark_locked(dev, dirty.first, dirty.last - dirty.first + 1);
	ioas_unlock(&dev->lock);
}
