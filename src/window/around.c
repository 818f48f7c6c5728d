/* SPDX-License-Identifier: MIT */
/*
 * All sets: for memory that moves, and for reports of what lies around an
 * address.
 *
 * A move has the locks of all spaces, and a set's is its space's: so entries
 * stay as they are while they are followed, and a map that is told a frame has
 * written it down before (mem/follow.h). Which entries lead to a page is found
 * by looking at the words of every table there is. That takes long where much
 * is mapped; memory in use is seldom given back.
 */
#include "space/move.h"
#include "window/set.h"

static struct ioas_lock sets_lock;
static struct ioas_windows *sets;

void ioas_windows_add(struct ioas_windows *ws)
{
	ioas_lock(&sets_lock);
	ws->next = sets;
	sets = ws;
	ioas_unlock(&sets_lock);
}

void ioas_windows_drop(struct ioas_windows *ws)
{
	struct ioas_windows **place = &sets;

	ioas_lock(&sets_lock);
	while (*place != ws)
		place = &(*place)->next;
	*place = ws->next;
	ioas_unlock(&sets_lock);
}

/* ---- Memory that moves. ---- */

struct following {
	const struct ioas_windows *ws;
	const struct ioas_registry *registry;
	const struct ioas_moved *moved;
	uint32_t id;
};

/* Is the whole page of an entry somewhere, and where? */
static bool place_of(const struct following *f, const struct ioas_window *w,
                     uint64_t uaddr, uint64_t *ret_phys)
{
	const struct ioas_mem_view *view = &f->registry->table.view;
	uint64_t bytes = UINT64_C(1) << w->plan.page_shift, done, next;
	uint64_t entry = ioas_mem_entry(view, uaddr);

	*ret_phys = ioas_mem_translate(
		view, uaddr, entry & 1 << IOAS_READ ? IOAS_READ : IOAS_WRITE);
	if (*ret_phys == IOAS_MEM_NONE || (*ret_phys & (bytes - 1)))
		return false;
	for (done = UINT64_C(1) << view->page_shift; done < bytes;
	     done += UINT64_C(1) << view->page_shift) {
		next = ioas_mem_entry(view, uaddr + done);
		if (!ioas_mem_allows(next, IOAS_READ) &&
		    !ioas_mem_allows(next, IOAS_WRITE))
			return false;
		if (((uaddr + done) ^ (next & view->phys_mask)) !=
		    *ret_phys + done)
			return false;
	}
	return true;
}

static void follow_entry(const struct following *f, struct ioas_window *w,
                         struct ioas_a64 *entry, uint64_t word)
{
	const struct ioas_pt_format *format = w->pt.format;
	struct ioas_pt_says says = {
		.asked = ioas_word_asked(word),
		.lg2 = w->plan.page_shift,
	};
	uint64_t value;

	says.perm = says.asked;
	value = place_of(f, w, ioas_word_uaddr(word), &says.phys)
	                ? format->leaf(&w->pt, 0, &says)
	                : format->lost(says.asked);
	/* Pairs with the load in ioas_pt_walk_page(). */
	ioas_a64_store(entry, ioas_pt_order(format, value));
}

static bool is_moved(const struct following *f, const struct ioas_window *w,
                     uint64_t word)
{
	uint64_t first = ioas_word_uaddr(word);
	uint64_t last = first + ioas_mask_lg2(w->plan.page_shift);

	return word && ioas_word_id(word) == f->id &&
	       ioas_windows_registry(f->ws, ioas_word_asked(word)) ==
	               f->registry &&
	       first <= f->moved->start + (f->moved->length - 1) &&
	       last >= f->moved->start;
}

static void follow_window(const struct following *f, struct ioas_window *w)
{
	struct ioas_window_run all = {w, 0, w->plan.entries};
	struct ioas_pt_slots slots;
	uint64_t done, i, word;

	if (!w->mapped)
		return;
	for (done = 0; done < all.count; done += slots.count) {
		ioas_window_slots(&all, done, &slots);
		for (i = 0; slots.entry && i < slots.count; i++) {
			word = ioas_slots_words(&slots)[i];
			if (is_moved(f, w, word))
				follow_entry(f, w, &slots.entry[i], word);
		}
	}
}

void ioas_windows_moved(void *context, const struct ioas_moved *moved)
{
	const struct ioas_member *m = ioas_member_of(moved->region);
	struct following f = {
		.registry = m->registry, .moved = moved, .id = m->id};
	struct ioas_windows *ws;
	unsigned int i;

	(void)context;
	ioas_lock(&sets_lock);
	for (ws = sets; ws; ws = ws->next) {
		f.ws = ws;
		if (ws->registry != f.registry && ws->own[0] != f.registry &&
		    ws->own[1] != f.registry)
			continue;
		for (i = 0; i < IOAS_WINDOWS_MAX; i++)
			if (ws->window[i])
				follow_window(&f, ws->window[i]);
	}
	ioas_unlock(&sets_lock);
}

/* ---- Reports. ---- */

#define LOOK_MAX 4096 /* entries, each way */

static struct ioas_event_mapping
mapping_of(const struct ioas_windows *ws, struct ioas_window *w, uint64_t index)
{
	struct ioas_window_run run = {w, index, 1};
	struct ioas_event_mapping mapping = {.perm = 0};
	struct ioas_pt_slots slots;
	uint64_t word;

	ioas_window_slots(&run, 0, &slots);
	word = slots.entry ? ioas_slots_words(&slots)[0] : 0;
	if (!word)
		return mapping;
	mapping.perm = ioas_word_asked(word);
	mapping.uaddr.raw = ioas_word_uaddr(word);
	mapping.range.first = w->plan.start + (index << w->plan.page_shift);
	mapping.range.last =
		mapping.range.first + ioas_mask_lg2(w->plan.page_shift);
	if (ws->sites)
		mapping.site = ioas_slots_sites(&slots)[0];
	return mapping;
}

/* The first mapping from an entry on, up or down; not far. */
static struct ioas_event_mapping next_to(const struct ioas_windows *ws,
                                         struct ioas_window *w, uint64_t index,
                                         bool up)
{
	struct ioas_event_mapping mapping = {.perm = 0};
	unsigned int i;

	for (i = 0; i < LOOK_MAX && !mapping.perm; i++) {
		if (up ? ++index >= w->plan.entries : !index--)
			break;
		mapping = mapping_of(ws, w, index);
	}
	return mapping;
}

void ioas_windows_around_locked(struct ioas_space *space, struct iova at,
                                struct ioas_space_around *ret_around)
{
	const struct ioas_windows *ws = space->owner;
	struct ioas_window *w = ioas_window_at_locked(ws, at.raw);
	uint64_t index;

	*ret_around = (struct ioas_space_around){.at = {.perm = 0}};
	if (!w)
		return;
	index = (at.raw - w->plan.start) >> w->plan.page_shift;
	ret_around->at = mapping_of(ws, w, index);
	ret_around->below = next_to(ws, w, index, false);
	ret_around->above = next_to(ws, w, index, true);
}

struct ioas_registry *ioas_windows_registry_for(const struct ioas_windows *ws,
                                                unsigned int perm)
{
	return ioas_windows_registry(ws, perm);
}

unsigned int ioas_windows_slot_locked(const struct ioas_windows *ws,
                                      uint64_t iova)
{
	const struct ioas_window *w = ioas_window_at_locked(ws, iova);

	return w ? w->plan.slot + 1 : 0;
}
