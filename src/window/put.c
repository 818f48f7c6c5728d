/* SPDX-License-Identifier: MIT */
/*
 * Lists of entries, and reading one: what a hypervisor does for its guest.
 *
 *	check and tally, in one section of IOAS_GRACE_MEM -> counts, one add for
 *	each region -> tables -> entries
 *
 * Where I/O pages are larger than those of the registry, whether memory is
 * contiguous is the registry's to say, and it counts them one by one.
 */
#include "window/set.h"

#define BOTH ((uint64_t)(IOAS_READ | IOAS_WRITE))

/* What will be, or is, counted on which member. */
struct tally {
	unsigned int count;
	bool taken; /* the registry counts */
	bool any;   /* an entry is not to be cleared */
	uint16_t place[IOAS_GONE_MAX];
	struct {
		uint32_t id;
		uint32_t n;
		struct ioas_member *member;
	} item[IOAS_WINDOW_LIST_MAX];
};

struct put {
	struct ioas_windows *ws;
	const struct ioas_window_list *list;
	struct ioas_window_run run;
	struct tally tally;
	uint64_t found[IOAS_WINDOW_LIST_MAX]; /* what the registry says */
};

static inline void add(struct put *p, uint32_t id)
{
	struct tally *tally = &p->tally;
	unsigned int slot = id % IOAS_GONE_MAX, at = tally->place[slot];

	if (__builtin_expect(at && tally->item[at - 1].id == id, 1)) {
		tally->item[at - 1].n++;
		return;
	}
	at = tally->count++;
	tally->item[at].id = id;
	tally->item[at].member = ioas_member_numbered(p->ws->registry, id);
	tally->item[at].n = 1;
	tally->place[slot] = (uint16_t)(at + 1);
}

static int get_by_registry(struct put *p, uint64_t uaddr, unsigned int perm)
{
	unsigned int shift = p->run.window->plan.page_shift;
	const struct ioas_mapping what = {
		.start = uaddr,
		.length = UINT64_C(1) << shift,
		.counts = 1,
		.perm = perm,
		.io_shift = shift,
	};
	struct ioas_mapped got;
	int rc = ioas_registry_get(p->ws->registry, &what, &got);

	if (!rc)
		add(p, ioas_member_of(got.region)->id);
	return rc == -EFAULT ? -EINVAL : rc;
}

/*
 * What the registry has of all of them, first of all and apart from what is
 * made of it: loads that miss the cache do not wait for each other, nor for
 * branches that only they decide.
 */
static void find_all(struct put *p)
{
	const struct ioas_mem_view view = p->ws->registry->table.view;
	unsigned int i;

	for (i = 0; i < p->list->count; i++)
		p->found[i] = ioas_mem_entry(&view, p->list->entry[i] & ~BOTH);
}

/* One entry of the list; inside a section. */
static int look_at(struct put *p, unsigned int i)
{
	const struct ioas_registry *registry = p->ws->registry;
	uint64_t entry = p->list->entry[i], found = p->found[i];
	unsigned int perm = entry & BOTH;

	if (!perm)
		return 0;
	p->tally.any = true;
	if (entry & ~BOTH & ioas_mask_lg2(p->run.window->plan.page_shift))
		return -EINVAL;
	if (p->tally.taken)
		return get_by_registry(p, entry & ~BOTH, perm);
	if (!ioas_mem_allows(found, perm))
		return ioas_mem_allows(found, IOAS_READ) ||
		                       ioas_mem_allows(found, IOAS_WRITE)
		               ? -EACCES
		               : -EINVAL;
	add(p, ioas_id_of_entry(found, registry->table.view.page_shift));
	return 0;
}

static void put_items(const struct tally *tally, unsigned int count)
{
	while (count--)
		ioas_region_put(&tally->item[count].member->region,
		                tally->item[count].n);
}

static int take_items(struct tally *tally)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < tally->count; i++) {
		rc = ioas_count_get(&tally->item[i].member->region.mapped,
		                    tally->item[i].n);
		if (rc)
			break;
	}
	if (rc)
		put_items(tally, i);
	return rc;
}

/* Counts for all that the list has, or for nothing (MEM-9). */
static int get_counts(struct put *p)
{
	unsigned int i;
	int rc = 0;

	p->tally.taken = p->run.window->plan.page_shift >
	                 p->ws->registry->pinner.page_shift;
	ioas_grace_enter(IOAS_GRACE_MEM);
	find_all(p);
	for (i = 0; i < p->list->count && !rc; i++)
		rc = look_at(p, i);
	if (!rc && !p->tally.taken)
		rc = take_items(&p->tally);
	else if (rc && p->tally.taken)
		put_items(&p->tally, p->tally.count);
	ioas_grace_leave(IOAS_GRACE_MEM);
	return rc;
}

/* Nothing is there that would have to be waited for, or made. */
static bool is_easy(const struct ioas_window_run *run)
{
	struct ioas_pt_slots slots;
	uint64_t done, i;

	for (done = 0; done < run->count; done += slots.count) {
		ioas_window_slots(run, done, &slots);
		if (!slots.entry)
			return false;
		for (i = 0; i < slots.count; i++)
			if (ioas_slots_words(&slots)[i])
				return false;
	}
	return true;
}

/* WIN-1, as the other entry points have it. */
static int check(struct put *p)
{
	const struct ioas_window_list *list = p->list;
	struct ioas_window *w = ioas_window_at_locked(p->ws, list->iova);

	if (!w)
		return -ENXIO;
	p->run.window = w;
	p->run.first = (list->iova - w->plan.start) >> w->plan.page_shift;
	p->run.count = list->count;
	if (((list->iova - w->plan.start) &
	     ioas_mask_lg2(w->plan.page_shift)) ||
	    list->count > w->plan.entries - p->run.first)
		return -EINVAL;
	return 0;
}

static void tell(const struct put *p)
{
	struct ioas_window_run run = {p->run.window, p->run.first, 1};
	struct ioas_window_piece piece = {.count = 1, .site = ioas_call_site()};
	unsigned int i;

	/* Pairs with the store in ioas_observe(). */
	if (!ioas_aptr_load(&ioas_observers))
		return;
	for (i = 0; i < p->list->count; i++, run.first++) {
		piece.perm = p->list->entry[i] & BOTH;
		piece.uaddr = p->list->entry[i] & ~BOTH;
		if (piece.perm)
			ioas_window_tell(p->ws, IOAS_EVENT_MAP, &run, &piece);
	}
}

static int put_locked(struct put *p, struct ioas_window_gone *gone)
{
	int rc = check(p);

	if (rc)
		return rc;
	if (!p->list->may_sleep && !is_easy(&p->run))
		return -EAGAIN;
	rc = get_counts(p);
	if (rc)
		return rc;
	if (!p->tally.any) {
		ioas_window_clear_locked(p->ws, &p->run, gone);
		return 0;
	}
	rc = ioas_window_furnish_locked(&p->run);
	if (rc) {
		put_items(&p->tally, p->tally.count);
		return rc;
	}
	ioas_window_write_list_locked(
		p->ws, &p->run,
		&(struct ioas_window_entries){p->list->entry, p->found}, gone);
	tell(p);
	return 0;
}

static int try_put(struct ioas_windows *ws, const struct ioas_window_list *list)
{
	struct ioas_window_gone gone;
	struct put p;
	int rc;

	p.ws = ws;
	p.list = list;
	p.tally.count = 0;
	p.tally.any = false;
	for (rc = 0; rc < IOAS_GONE_MAX; rc++)
		p.tally.place[rc] = 0;
	ioas_gone_init(&gone);
	if (list->may_sleep)
		ioas_lock(&ws->space->lock);
	else if (!ioas_lock_try(&ws->space->lock))
		return -EAGAIN;
	rc = put_locked(&p, &gone);
	ioas_unlock(&ws->space->lock);
	ioas_gone_release(ws, &gone);
	return rc;
}

int ioas_windows_put(struct ioas_windows *ws,
                     const struct ioas_window_list *list)
{
	unsigned int round = 0;
	int rc;

	if (!ws->registry || !list->count || list->count > IOAS_WINDOW_LIST_MAX)
		return -EINVAL;
	while ((rc = try_put(ws, list)) == -EAGAIN && list->may_sleep)
		ioas_hooks.relax(round++);
	return rc;
}

/* ---- Reading. ---- */

static void read_entry(struct ioas_window *w, uint64_t index,
                       struct ioas_window_entry *ret)
{
	const struct ioas_pt_format *f = w->pt.format;
	struct ioas_window_run run = {w, index, 1};
	struct ioas_pt_slots slots;
	uint64_t word;

	*ret = (struct ioas_window_entry){.page_shift = w->plan.page_shift};
	ioas_window_slots(&run, 0, &slots);
	if (!slots.entry)
		return;
	word = ioas_slots_words(&slots)[0];
	if (!word)
		return;
	ret->uaddr = ioas_word_uaddr(word);
	ret->asked = ioas_word_asked(word);
	/* Relaxed: under the lock; nobody else writes. */
	ret->tce = ioas_pt_order(f, ioas_a64_load_relaxed(slots.entry));
	if (f->kind(0, ret->tce) == IOAS_PT_LEAF)
		ret->perm = f->says(&w->pt, 0, ret->tce).perm;
	else
		ret->tce = 0; /* lost */
}

int ioas_windows_get(struct ioas_windows *ws, uint64_t iova,
                     struct ioas_window_entry *ret_entry)
{
	struct ioas_window *w;

	ioas_lock(&ws->space->lock);
	w = ioas_window_at_locked(ws, iova);
	if (w)
		read_entry(w, (iova - w->plan.start) >> w->plan.page_shift,
		           ret_entry);
	ioas_unlock(&ws->space->lock);
	return w ? 0 : -ENXIO;
}

/* ---- What a device does. ---- */

int ioas_windows_read(struct ioas_windows *ws, uint64_t iova, void *buffer,
                      size_t length)
{
	return ioas_space_copy(ws->space, (struct iova){iova}, buffer, length,
	                       IOAS_READ);
}

int ioas_windows_write(struct ioas_windows *ws, uint64_t iova,
                       const void *buffer, size_t length)
{
	/* It is read only, for this permission. */
	return ioas_space_copy(ws->space, (struct iova){iova},
	                       (char *)(uintptr_t)buffer, length, IOAS_WRITE);
}
