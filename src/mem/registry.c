/* SPDX-License-Identifier: MIT */
/* See registry.h and <ioas/mem.h>. */
#include "mem/registry.h"

#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "mem/backend.h"
#include "mem/follow.h"

#define PAGE_SHIFT_MIN 11
#define PAGE_SHIFT_MAX 30
#define ADDRESS_BITS   48

/* ---- Life. ---- */

static int configure(struct ioas_registry *registry,
                     const struct ioas_registry_config *config)
{
	unsigned int shift =
		config->page_shift ? config->page_shift : ioas_hooks.page_shift;
	unsigned int bits =
		config->address_bits ? config->address_bits : ADDRESS_BITS;

	if (shift < PAGE_SHIFT_MIN || shift > PAGE_SHIFT_MAX ||
	    bits > IOAS_PHYS_BITS || bits < shift + 2 * IOAS_MEM_FANOUT_LG2)
		return -EINVAL;
	registry->pinner = (struct ioas_pinner){
		.backend = config->backend ? config->backend
	                                   : &ioas_backend_identity,
		.accountant = config->accountant,
		.page_shift = shift,
		.wall_shift = ioas_hooks.page_shift,
	};
	registry->moved = config->moved;
	registry->moved_context = config->moved_context;
	return ioas_table_init(&registry->table, shift, bits,
	                       config->no_shadow);
}

int ioas_registry_create(const struct ioas_registry_config *config,
                         struct ioas_registry **ret_registry)
{
	static const struct ioas_registry_config usual;
	struct ioas_registry *registry = ioas_new(struct ioas_registry);
	int rc;

	if (!registry)
		return -ENOMEM;
	rc = configure(registry, config ? config : &usual);
	if (rc) {
		ioas_delete(registry);
		return rc;
	}
	ioas_registries_add(registry);
	*ret_registry = registry;
	return 0;
}

bool ioas_registry_any(const struct ioas_registry *registry)
{
	return ioas_a64_load(&registry->regions) != 0;
}

const struct ioas_mem_view *
ioas_registry_view(const struct ioas_registry *registry)
{
	return &registry->table.view;
}

/* ---- Members. ---- */

static bool new_slab(struct ioas_registry *registry)
{
	struct ioas_aptr *place =
		&registry->slab[registry->numbered >> IOAS_SLAB_LG2];
	struct ioas_member *slab =
		ioas_hooks.alloc(IOAS_SLAB * sizeof(struct ioas_member));

	if (!slab)
		return false;
	registry->table.bytes += IOAS_SLAB * sizeof(struct ioas_member);
	/* Pairs with the load in ioas_member_numbered(). */
	ioas_aptr_store(place, slab);
	return true;
}

struct ioas_member *ioas_member_new_locked(struct ioas_registry *registry)
{
	struct ioas_member *m = registry->free;
	uint32_t id = registry->numbered;

	if (m) {
		registry->free = m->next;
		return m;
	}
	if (id >= ioas_id_limit(registry->pinner.page_shift))
		return NULL;
	if (!(id & (IOAS_SLAB - 1)) && !new_slab(registry))
		return NULL;
	/* Number 0 would make entries that look like those of nobody. */
	if (id == 0)
		id++;
	registry->numbered = id + 1;
	m = ioas_member_numbered(registry, id);
	m->id = id;
	m->registry = registry;
	return m;
}

void ioas_member_free_locked(struct ioas_registry *registry,
                             struct ioas_member *m)
{
	m->state = IOAS_MEMBER_FREE;
	m->next = registry->free;
	registry->free = m;
}

static void uncharge_locked(struct ioas_registry *registry, uint64_t npages)
{
	uint64_t left = ioas_count_locked(&registry->charged, -npages);

	/* Nobody gives back more than was charged. */
	ioas_law(MEM_7, left + npages >= npages);
	ioas_uncharge(&registry->pinner, npages);
}

void ioas_member_leave_locked(struct ioas_registry *registry,
                              struct ioas_member *m)
{
	ioas_law(MEM_1, m->state != IOAS_MEMBER_LEAVING &&
	                        ioas_a64_load(&m->region.mapped) == 0);
	/* In quarantine it had been taken out already. */
	if (m->state == IOAS_MEMBER_LIVE)
		ioas_table_clear_locked(&registry->table, ioas_member_pages(m));
	else
		ioas_count_locked(&registry->in_quarantine, -UINT64_C(1));
	m->state = IOAS_MEMBER_LEAVING;
	m->next = registry->leaving;
	registry->leaving = m;
	registry->leaving_count++;
	registry->leaving_bytes += m->region.length;
	ioas_count_locked(&registry->regions, -UINT64_C(1));
	if (!(m->flags & IOAS_REGISTER_DEVICE))
		uncharge_locked(registry, ioas_member_npages(m));
}

/* ---- Unpinning. ---- */

/* Nobody uses it any more. */
static void unpin(struct ioas_registry *registry, struct ioas_member *m)
{
	const struct ioas_backend *backend = registry->pinner.backend;

	if (!(m->flags & IOAS_REGISTER_DEVICE))
		ioas_region_unpin(&m->region, &registry->pinner, &m->marks);
	if (m->flags & IOAS_REGISTER_FILE)
		backend->unmap_file(backend, m->region.start.raw,
		                    m->region.length);
	ioas_marks_fini(&m->marks, ioas_member_npages(m));
}

bool ioas_leaving_enough_locked(const struct ioas_registry *registry)
{
	return registry->leaving_count >= IOAS_LEAVING_MAX ||
	       registry->leaving_bytes >= IOAS_LEAVING_BYTES;
}

static struct ioas_member *take_leaving(struct ioas_registry *registry,
                                        bool all)
{
	struct ioas_member *list = NULL;

	ioas_lock(&registry->lock);
	if (all || ioas_leaving_enough_locked(registry)) {
		list = registry->leaving;
		registry->leaving = NULL;
		registry->leaving_count = 0;
		registry->leaving_bytes = 0;
	}
	ioas_unlock(&registry->lock);
	return list;
}

void ioas_registry_drain(struct ioas_registry *registry, bool all)
{
	struct ioas_member *list = take_leaving(registry, all);
	struct ioas_member *m, *next;

	if (!list)
		return;
	ioas_grace_sync(IOAS_GRACE_MEM);
	for (m = list; m; m = m->next)
		unpin(registry, m);
	ioas_lock(&registry->lock);
	for (m = list; m; m = next) {
		next = m->next;
		if (!(m->flags & IOAS_REGISTER_DEVICE))
			ioas_count_locked(&registry->pinned,
			                  -ioas_member_npages(m));
		ioas_member_free_locked(registry, m);
	}
	ioas_unlock(&registry->lock);
}

/* ---- What was put off. ---- */

/* Those in quarantine that nothing is mapped through any more. */
static void release_idle_locked(struct ioas_registry *registry)
{
	struct ioas_member **place = &registry->quarantined, *m;

	while ((m = *place)) {
		if (ioas_count_mappings(&m->region.mapped) ||
		    !ioas_count_end(&m->region.mapped, true)) {
			place = &m->next;
			continue;
		}
		*place = m->next;
		ioas_member_leave_locked(registry, m);
	}
}

uint64_t ioas_registry_settle(struct ioas_registry *registry)
{
	ioas_lock(&registry->lock);
	release_idle_locked(registry);
	ioas_unlock(&registry->lock);
	ioas_registry_drain(registry, true);
	return ioas_a64_load(&registry->in_quarantine);
}

static uint64_t counts_locked(const struct ioas_registry *registry)
{
	uint64_t sum = 0;
	uint32_t id;

	for (id = 1; id < registry->numbered; id++) {
		const struct ioas_member *m =
			ioas_member_numbered(registry, id);

		if (m->state == IOAS_MEMBER_LIVE ||
		    m->state == IOAS_MEMBER_QUARANTINED)
			sum += ioas_count_mappings(&m->region.mapped);
	}
	return sum;
}

void ioas_registry_inspect(struct ioas_registry *registry,
                           struct ioas_registry_report *ret_report)
{
	struct ioas_registry_report *r = ret_report;

	ioas_lock(&registry->lock);
	r->quarantined = ioas_a64_load(&registry->in_quarantine);
	r->regions = ioas_a64_load(&registry->regions) - r->quarantined;
	r->counts = counts_locked(registry);
	r->charged = ioas_a64_load(&registry->charged);
	r->pinned = ioas_a64_load(&registry->pinned);
	r->table_bytes = ioas_table_bytes(&registry->table);
	ioas_unlock(&registry->lock);
}

/* ---- The end. ---- */

static void free_slabs(struct ioas_registry *registry)
{
	unsigned int i;
	void *slab;

	for (i = 0; i < IOAS_SLABS; i++) {
		/* Relaxed: nobody else has it any more. */
		slab = ioas_aptr_load_relaxed(&registry->slab[i]);
		if (!slab)
			return;
		ioas_hooks.free(slab, IOAS_SLAB * sizeof(struct ioas_member));
	}
}

/* Counts that are left end with it; the report has them. */
static void end_all_locked(struct ioas_registry *registry)
{
	struct ioas_holder *holder;
	struct ioas_member *m;

	for (holder = registry->holders; holder; holder = holder->next)
		while (holder->held) {
			m = holder->held->member;
			ioas_use_drop_locked(holder->held);
			if (!m->uses)
				ioas_member_end_locked(registry, m);
		}
	for (m = registry->quarantined; m; m = m->next)
		/* Relaxed: nobody else is here. */
		ioas_a64_store_relaxed(&m->region.mapped,
		                       IOAS_COUNT_CLOSED | 1);
	release_idle_locked(registry);
}

static void free_if_unused(struct ioas_registry *registry)
{
	bool used;

	ioas_lock(&registry->lock);
	used = registry->holders || !registry->ended;
	ioas_unlock(&registry->lock);
	if (used)
		return;
	ioas_table_fini(&registry->table);
	free_slabs(registry);
	ioas_delete(registry);
}

void ioas_registry_destroy(struct ioas_registry *registry,
                           struct ioas_registry_report *ret_report)
{
	struct ioas_registry_report report = {0};

	if (registry) {
		ioas_registry_settle(registry);
		ioas_registry_inspect(registry, &report);
		ioas_lock(&registry->lock);
		end_all_locked(registry);
		registry->ended = true;
		ioas_unlock(&registry->lock);
		ioas_registry_drain(registry, true);
		ioas_registries_remove(registry);
		ioas_pins_fini();
		ioas_law(MEM_7, ioas_a64_load(&registry->pinned) == 0 &&
		                        ioas_a64_load(&registry->charged) == 0);
		free_if_unused(registry);
	}
	if (ret_report)
		*ret_report = report;
}

/* ---- Holders. ---- */

int ioas_holder_create(struct ioas_registry *registry,
                       struct ioas_holder **ret_holder)
{
	struct ioas_holder *holder = ioas_new(struct ioas_holder);

	if (!holder)
		return -ENOMEM;
	holder->registry = registry;
	ioas_lock(&registry->lock);
	holder->next = registry->holders;
	holder->from = &registry->holders;
	if (holder->next)
		holder->next->from = &holder->next;
	registry->holders = holder;
	ioas_unlock(&registry->lock);
	*ret_holder = holder;
	return 0;
}

void ioas_holder_destroy(struct ioas_holder *holder)
{
	struct ioas_registry *registry;
	struct ioas_member *m;

	if (!holder)
		return;
	registry = holder->registry;
	ioas_lock(&registry->lock);
	while (holder->held) {
		m = holder->held->member;
		ioas_use_drop_locked(holder->held);
		if (!m->uses)
			ioas_member_end_locked(registry, m);
	}
	*holder->from = holder->next;
	if (holder->next)
		holder->next->from = holder->from;
	ioas_unlock(&registry->lock);
	ioas_delete(holder);
	ioas_registry_drain(registry, false);
	free_if_unused(registry);
}
