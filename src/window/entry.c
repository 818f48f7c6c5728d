/* SPDX-License-Identifier: MIT */
/*
 * Entries: written and cleared by runs. What an entry was for is in the word
 * beside it, so nothing is looked up, and counts are put by runs of a region.
 *
 * Ordering: entries are stored by release; see pt/walk.h. They are cleared
 * relaxed: the grace period of ioas_gone_release() orders that (WIN-11).
 */
#include "window/set.h"

/* ---- What is given back. ---- */

static void put(struct ioas_windows *ws, struct ioas_region *region, uint64_t n)
{
	if (ws->registry)
		ioas_region_put(region, n);
	else
		ioas_own_put(ws, region, n);
}

void ioas_gone_release(struct ioas_windows *ws, struct ioas_window_gone *gone)
{
	unsigned int i;

	if (!gone->any)
		return;
	ioas_grace_sync(IOAS_GRACE_DMA);
	for (i = 0; i < gone->count; i++)
		put(ws, gone->item[i].region, gone->item[i].n);
	gone->count = 0;
	gone->any = false;
}

/* And go on. */
static void release_locked(struct ioas_windows *ws,
                           struct ioas_window_gone *gone)
{
	ioas_gone_release(ws, gone);
	ioas_gone_init(gone);
}

/* Where counts of the region of a word are gathered; there is room. */
static inline struct ioas_gone_item *gone_item(const struct ioas_windows *ws,
                                               struct ioas_window_gone *gone,
                                               uint64_t word)
{
	const struct ioas_registry *registry =
		ioas_windows_registry(ws, ioas_word_asked(word));
	uint64_t key =
		(uint64_t)ioas_word_id(word) << 1 | (registry == ws->own[1]);
	unsigned int slot = ioas_word_id(word) % IOAS_GONE_MAX;
	unsigned int at = gone->place[slot];

	if (__builtin_expect(at && gone->item[at - 1].key == key, 1))
		return &gone->item[at - 1];
	at = gone->count++;
	gone->place[slot] = (uint16_t)(at + 1);
	gone->item[at].key = key;
	gone->item[at].region = ioas_word_region(ws, word);
	gone->item[at].n = 0;
	return &gone->item[at];
}

/* As most are: marked already. */
static inline bool is_marked(struct ioas_region *region, uint64_t uaddr)
{
	const struct ioas_member *m = ioas_member_of(region);
	uint64_t page =
		(uaddr - region->start.raw) >> m->registry->pinner.page_shift;

	/* Relaxed: a mark that is there stays until it is fetched. */
	return m->marks.word &&
	       ioas_a64_load_relaxed(&m->marks.word[page / 64]) >> (page % 64) &
	               1;
}

/* ---- Telling. ---- */

static bool is_heard(const struct ioas_windows *ws)
{
	/* Pairs with the store in ioas_observe(). */
	return !ws->unheard && ioas_aptr_load(&ioas_observers) != NULL;
}

void ioas_window_tell(const struct ioas_windows *ws, enum ioas_event_kind kind,
                      const struct ioas_window_run *run,
                      const struct ioas_window_piece *piece)
{
	const struct ioas_window_plan *plan = &run->window->plan;
	struct ioas_event ev = {
		.kind = kind,
		.space = ws->space->id,
		.perm = piece->perm,
		.uaddr = {piece->uaddr},
		.site = piece->site,
	};

	if (!is_heard(ws))
		return;
	ev.range.first = plan->start + (run->first << plan->page_shift);
	ev.range.last = ev.range.first + ((run->count << plan->page_shift) - 1);
	ev.site_now = kind == IOAS_EVENT_MAP ? piece->site : ioas_call_site();
	ioas_tell(&ev);
}

/* ---- Taking out. ---- */

/* Entries side by side: those of a table. */
struct stretch {
	struct ioas_windows *ws;
	struct ioas_window_run run;
	struct ioas_pt_slots *slots;
	struct ioas_window_gone *gone;
};

/* A piece of the stretch that continues, from entry @i of it on. */
static void tell_piece(const struct stretch *s, uint64_t i, uint64_t n)
{
	uint64_t word = ioas_slots_words(s->slots)[i];
	struct ioas_window_run run = {s->run.window, s->run.first + i, n};
	struct ioas_window_piece piece = {
		.uaddr = ioas_word_uaddr(word),
		.count = n,
		.perm = ioas_word_asked(word),
	};

	if (s->ws->sites)
		piece.site = ioas_slots_sites(s->slots)[i];
	ioas_window_tell(s->ws, IOAS_EVENT_UNMAP, &run, &piece);
}

/* What was found in a stretch. */
struct found {
	uint16_t first, count; /* entries of it */
	uint16_t item;         /* of what is gone */
};

/*
 * The counts are held still, so it can be marked. After all were looked at:
 * what is loaded here is far away, and no branch before waits for it.
 */
static void mark(const struct stretch *s, const struct found *found,
                 unsigned int n)
{
	const uint64_t *word = ioas_slots_words(s->slots);
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct ioas_region *region =
			s->gone->item[found[i].item].region;
		uint64_t first = word[found[i].first];
		uint64_t uaddr = ioas_word_uaddr(first);

		if ((ioas_word_asked(first) & IOAS_WRITE) &&
		    (found[i].count > 1 || !is_marked(region, uaddr)))
			ioas_region_mark_dirty(
				region, uaddr,
				(uint64_t)found[i].count
					<< s->run.window->plan.page_shift);
	}
}

static bool any_live(const uint64_t *word, uint64_t n)
{
	uint64_t seen = 0;

	for (; n >= 4; n -= 4, word += 4)
		seen |= (word[0] | word[1]) | (word[2] | word[3]);
	for (; n; n--, word++)
		seen |= *word;
	return seen != 0;
}

/* How many words go on from one that would be @next. */
static uint64_t continues(const uint64_t *word, uint64_t n, uint64_t next,
                          uint64_t step)
{
	uint64_t i = 0;

	for (; i + 4 <= n; i += 4, next += 4 * step)
		if ((word[i] ^ next) | (word[i + 1] ^ (next + step)) |
		    (word[i + 2] ^ (next + 2 * step)) |
		    (word[i + 3] ^ (next + 3 * step)))
			break;
	for (; i < n && word[i] == next; next += step)
		i++;
	return i;
}

/* A stretch of at most IOAS_GONE_MAX. Returns whether anything was there. */
static bool take(const struct stretch *s)
{
	const uint64_t *word = ioas_slots_words(s->slots);
	uint64_t n = s->slots->count, step = ioas_word_step(s->run.window);
	struct found found[IOAS_GONE_MAX];
	struct ioas_gone_item *item;
	unsigned int pieces = 0;
	uint64_t i, j, taken = 0;
	bool heard = is_heard(s->ws);

	/* Words that were never written to are not read: that costs a page. */
	if (!s->run.window->mapped || !any_live(word, n))
		return false;
	for (i = 0; i < n; i = j) {
		uint64_t first = word[i];

		j = i + 1;
		if (!first)
			continue;
		j += continues(&word[j], n - j, first + step, step);
		if (__builtin_expect(heard, 0))
			tell_piece(s, i, j - i);
		item = gone_item(s->ws, s->gone, first);
		item->n += j - i;
		found[pieces++] =
			(struct found){(uint16_t)i, (uint16_t)(j - i),
		                       (uint16_t)(item - s->gone->item)};
		taken += j - i;
	}
	mark(s, found, pieces);
	s->run.window->mapped -= taken;
	s->gone->any = true;
	return true;
}

static void clear(const struct ioas_pt_slots *slots)
{
	uint64_t *word = ioas_slots_words(slots), n = slots->count, i;
	struct ioas_a64 *entry = slots->entry;

	for (i = 0; i < n; i++)
		word[i] = 0;
	for (; n >= 4; n -= 4, entry += 4) {
		ioas_a64_store_relaxed(&entry[0], 0);
		ioas_a64_store_relaxed(&entry[1], 0);
		ioas_a64_store_relaxed(&entry[2], 0);
		ioas_a64_store_relaxed(&entry[3], 0);
	}
	for (; n; n--, entry++)
		ioas_a64_store_relaxed(entry, 0);
}

/*
 * The counts of a stretch are in @gone before its entries are cleared, and it
 * may be full before: a stretch is no longer than it.
 */
static uint64_t clear_stretch(struct ioas_windows *ws,
                              const struct ioas_window_run *run, uint64_t done,
                              struct ioas_window_gone *gone)
{
	struct ioas_pt_slots slots;
	struct stretch s = {ws, *run, &slots, gone};

	ioas_window_slots(run, done, &slots);
	if (!slots.entry)
		return slots.count;
	if (slots.count > IOAS_GONE_MAX)
		slots.count = IOAS_GONE_MAX;
	if (gone->count > IOAS_GONE_MAX - slots.count)
		release_locked(ws, gone);
	s.run.first += done;
	if (take(&s))
		clear(&slots);
	return slots.count;
}

void ioas_window_clear_locked(struct ioas_windows *ws,
                              const struct ioas_window_run *run,
                              struct ioas_window_gone *gone)
{
	uint64_t done = 0;

	while (done < run->count)
		done += clear_stretch(ws, run, done, gone);
}

void ioas_window_empty_locked(struct ioas_windows *ws, struct ioas_window *w,
                              struct ioas_window_gone *gone)
{
	struct ioas_window_run all = {w, 0, w->plan.entries};

	if (w->mapped)
		ioas_window_clear_locked(ws, &all, gone);
	ioas_law(WIN_9, w->mapped == 0);
}

/* ---- Writing. ---- */

int ioas_window_furnish_locked(const struct ioas_window_run *run)
{
	const struct ioas_window_plan *plan = &run->window->plan;
	struct iova_range range;

	range.first = run->first << plan->page_shift;
	range.last = range.first + ((run->count << plan->page_shift) - 1);
	return ioas_pt_slots_furnish(&run->window->pt, range);
}

static uint64_t entry_bits(const struct ioas_window *w, unsigned int asked)
{
	const struct ioas_pt_says says = {
		.perm = asked, .asked = asked, .lg2 = w->plan.page_shift};

	return w->pt.format->leaf(&w->pt, 0, &says);
}

/*
 * Entries from a program address on, at most @n, whose frames follow each
 * other: as they were pinned, unless something of the region has moved.
 */
static uint64_t linear(const struct ioas_registry *registry, uint64_t uaddr,
                       unsigned int shift, uint64_t n)
{
	const struct ioas_member *m = ioas_member_at(registry, uaddr);
	const struct ioas_pinned *p = &m->region.pinned;
	uint64_t offset = uaddr - m->region.start.raw, left;
	unsigned int i;

	/* Pairs with the store in mem/follow.c. */
	if (ioas_a32_load(&m->moved))
		return 1;
	i = ioas_run_of(p, offset >> registry->pinner.page_shift);
	left = ((ioas_run_end(p, i) << registry->pinner.page_shift) - offset) >>
	       shift;
	if (!left)
		return 1;
	return left < n ? left : n;
}

static void word_run(uint64_t *word, uint64_t n, uint64_t value, uint64_t step)
{
	for (; n >= 4; n -= 4, word += 4, value += 4 * step) {
		word[0] = value;
		word[1] = value + step;
		word[2] = value + 2 * step;
		word[3] = value + 3 * step;
	}
	for (; n; n--, word++, value += step)
		*word = value;
}

static void write(const struct stretch *s, const struct ioas_registry *registry,
                  const struct ioas_window_piece *piece, uint64_t done)
{
	const struct ioas_mem_view *view = &registry->table.view;
	const struct ioas_window *w = s->run.window;
	unsigned int shift = w->plan.page_shift;
	uint64_t uaddr = piece->uaddr + (done << shift), i, n, entry, value;
	uint64_t bits = entry_bits(w, piece->perm), word;

	for (i = 0; i < s->slots->count; i += n, uaddr += n << shift) {
		n = linear(registry, uaddr, shift, s->slots->count - i);
		entry = ioas_mem_entry(view, uaddr);
		value = (uaddr ^ (entry & view->phys_mask)) | bits;
		word = ioas_word_of(ioas_id_of_entry(entry, view->page_shift),
		                    uaddr, piece->perm);
		ioas_pt_store_run(w->pt.format, &s->slots->entry[i], n, value,
		                  UINT64_C(1) << shift);
		word_run(ioas_slots_words(s->slots) + i, n, word,
		         ioas_word_step(w));
	}
}

static void write_sites(const struct stretch *s,
                        const struct ioas_window_piece *piece)
{
	uint32_t *site = ioas_slots_sites(s->slots);
	uint64_t i;

	for (i = 0; i < s->slots->count; i++)
		site[i] = piece->site;
}

/* Entries of one table, as many as the list of what goes has room for. */
static void begin_stretch(struct stretch *s, uint64_t done)
{
	ioas_window_slots(&s->run, done, s->slots);
	ioas_law(WIN_8, s->slots->entry != NULL);
	if (s->slots->count > IOAS_GONE_MAX)
		s->slots->count = IOAS_GONE_MAX;
	if (s->gone->count > IOAS_GONE_MAX - s->slots->count)
		release_locked(s->ws, s->gone);
	s->run.first += done;
	take(s);
}

static uint64_t write_stretch(struct ioas_windows *ws,
                              const struct ioas_window_run *run, uint64_t done,
                              const struct ioas_window_piece *piece,
                              struct ioas_window_gone *gone)
{
	const struct ioas_registry *registry =
		ioas_windows_registry(ws, piece->perm);
	struct ioas_pt_slots slots;
	struct stretch s = {ws, *run, &slots, gone};

	begin_stretch(&s, done);
	write(&s, registry, piece, done);
	if (ws->sites)
		write_sites(&s, piece);
	run->window->mapped += slots.count;
	return slots.count;
}

void ioas_window_write_locked(struct ioas_windows *ws,
                              const struct ioas_window_run *run,
                              const struct ioas_window_piece *piece,
                              struct ioas_window_gone *gone)
{
	uint64_t done = 0;

	ioas_glance_use_locked(ws, run);
	while (done < run->count)
		done += write_stretch(ws, run, done, piece, gone);
}

/* ---- Writing a list. ---- */

static void write_list(const struct stretch *s, const struct ioas_mem_view *of,
                       const struct ioas_window_entries *list, uint64_t done)
{
	const struct ioas_window *w = s->run.window;
	const uint64_t both = IOAS_READ | IOAS_WRITE;
	const uint64_t mask = of->phys_mask;
	uint64_t *word = ioas_slots_words(s->slots), i;
	uint64_t bits[4] = {0, entry_bits(w, 1), entry_bits(w, 2),
	                    entry_bits(w, 3)};

	for (i = 0; i < s->slots->count; i++) {
		uint64_t entry = list->entry[done + i], now = 0, value = 0;
		uint64_t found = list->found[done + i], uaddr = entry & ~both;
		unsigned int perm = entry & both;

		if (perm) {
			value = (uaddr ^ (found & mask)) | bits[perm];
			now = ioas_word_of(
				ioas_id_of_entry(found, of->page_shift), uaddr,
				perm);
		}
		word[i] = now;
		/* Pairs with the load in ioas_pt_walk_page(). */
		ioas_a64_store(&s->slots->entry[i],
		               ioas_pt_order(w->pt.format, value));
	}
}

static uint64_t list_stretch(struct ioas_windows *ws,
                             const struct ioas_window_run *run, uint64_t done,
                             const struct ioas_window_entries *list,
                             struct ioas_window_gone *gone)
{
	const struct ioas_window_piece none = {.site = ioas_call_site()};
	struct ioas_pt_slots slots;
	struct stretch s = {ws, *run, &slots, gone};
	uint64_t i;

	begin_stretch(&s, done);
	write_list(&s, &ws->registry->table.view, list, done);
	if (ws->sites)
		write_sites(&s, &none);
	for (i = 0; i < slots.count; i++)
		run->window->mapped += ioas_slots_words(&slots)[i] != 0;
	return slots.count;
}

void ioas_window_write_list_locked(struct ioas_windows *ws,
                                   const struct ioas_window_run *run,
                                   const struct ioas_window_entries *list,
                                   struct ioas_window_gone *gone)
{
	uint64_t done = 0;

	ioas_glance_use_locked(ws, run);
	while (done < run->count)
		done += list_stretch(ws, run, done, list, gone);
}
