/* SPDX-License-Identifier: MIT */
/*
 * Map and unmap: the writer's side of the walker. Both go over the pieces of a
 * range, a piece for each entry of the table they stand in, and down where an
 * entry does not settle its piece. So tables are looked up once per table and
 * not once per page, and leaves of one table are written by a flat loop of
 * stores: formats are linear (PT-6), so the loop is the same for all.
 *
 * Map cannot fail half way (PT-1): need() counts the tables that are missing,
 * they are allocated, and only then does fill() write.
 *
 * A table that lies in an unmapped range as a whole is unlinked as it is, with
 * all below it; a reader that still stands in it finds the old entries until
 * its section ends, which is what the grace period of PT-3 waits for. For the
 * same reason a range that holds no leaf holds no table either where a large
 * leaf would fit.
 *
 * Ordering: entries are stored by release: see walk.h. They are cleared
 * relaxed; the grace period orders that.
 */
#include "pt/pt.h"

#include <errno.h>

#include "pt/table.h"

/* What is to be written, from where on. */
struct job {
	struct ioas_pt *pt;
	uint64_t at, phys;
	unsigned int perm;
	struct ioas_pt_spare spare;
};

static void advance(struct job *job, uint64_t pages)
{
	job->at += pages << job->pt->page_shift;
	job->phys += pages << job->pt->page_shift;
}

/*
 * What is mapped or unmapped next is often beside what was: the table of each
 * level that was used last is tried before the tree is gone down.
 */
static struct ioas_pt_node *recent_at(const struct ioas_pt *pt,
                                      unsigned int level, uint64_t at)
{
	struct ioas_pt_node *node = pt->recent[level];
	unsigned int lg2 = ioas_pt_shift_of(pt, level);

	if (!node || (at ^ pt->recent_at[level]) >> lg2 >> node->bits)
		return NULL;
	return node;
}

static void is_recent(struct ioas_pt *pt, struct ioas_pt_node *node,
                      uint64_t at)
{
	pt->recent[node->level] = node;
	pt->recent_at[node->level] = at;
}

static unsigned int room_in(const struct ioas_pt *pt, unsigned int level,
                            unsigned int bits, uint64_t at)
{
	uint64_t n = UINT64_C(1) << bits;

	return (unsigned int)(n -
	                      ((at >> ioas_pt_shift_of(pt, level)) & (n - 1)));
}

/* How many leaves of this level can be written side by side from here on. */
static uint64_t leaves_here(const struct job *job, unsigned int level,
                            unsigned int bits, uint64_t pages)
{
	const struct ioas_pt *pt = job->pt;
	uint64_t mask = ioas_mask_lg2(ioas_pt_shift_of(pt, level));
	uint64_t n = pages >> ioas_pt_pages_lg2(pt, level);
	uint64_t room = room_in(pt, level, bits, job->at);

	if (level >= pt->leaf_levels || ((job->at | job->phys) & mask))
		return 0;
	return n < room ? n : room;
}

/* ---- Map: counting. ---- */

/* How many tables are missing below @node, which may be missing itself. */
static void need(struct job *job, unsigned int level,
                 const struct ioas_pt_node *node, uint64_t pages,
                 uint64_t count[IOAS_PT_LEVELS])
{
	const struct ioas_pt *pt = job->pt;
	unsigned int bits = node ? node->bits : pt->index_bits;
	const struct ioas_pt_node *child = NULL;
	uint64_t piece, n;

	while (pages) {
		n = leaves_here(job, level, bits, pages);
		piece = n << ioas_pt_pages_lg2(pt, level);
		if (n) {
			advance(job, piece);
		} else {
			piece = ioas_pt_piece(pt, level, job->at, pages);
			if (node)
				child = node->child[ioas_pt_index(pt, node,
				                                  job->at)];
			count[level - 1] += !child;
			need(job, level - 1, child, piece, count);
		}
		pages -= piece;
	}
}

static int reserve(const struct job *job, uint64_t pages,
                   struct ioas_pt_spare *spare)
{
	uint64_t count[IOAS_PT_LEVELS] = {0};
	struct job rehearsal = *job;

	need(&rehearsal, job->pt->root->level, job->pt->root, pages, count);
	return ioas_pt_spare_fill(job->pt, spare, count);
}

/* ---- Map: writing. ---- */

/* @n leaves of 2^(the level's size + @cluster) bytes; advances the job. */
static void put_leaves(struct job *job, struct ioas_pt_node *node, uint64_t n,
                       unsigned int cluster)
{
	const struct ioas_pt *pt = job->pt;
	unsigned int shift = ioas_pt_shift_of(pt, node->level);
	struct ioas_a64 *entry = &node->entry[ioas_pt_index(pt, node, job->at)];
	struct ioas_pt_says says = {job->phys, job->perm, job->perm, 0,
	                            shift + cluster};
	uint64_t value = pt->format->leaf(pt, node->level, &says);

	ioas_pt_store_run(pt->format, entry, n, value, UINT64_C(1) << shift);
	ioas_pt_wrote(pt, entry, n);
	advance(job, n << ioas_pt_pages_lg2(pt, node->level));
}

/* Clusters where addresses have them: what is before, they, what is behind. */
static void put_clusters(struct job *job, struct ioas_pt_node *node, uint64_t n)
{
	const struct ioas_pt *pt = job->pt;
	unsigned int shift = ioas_pt_shift_of(pt, node->level);
	unsigned int cluster = pt->cluster[node->level];
	uint64_t mask = ioas_mask_lg2(cluster), before, whole;

	before = -(job->at >> shift) & mask;
	if (((job->at ^ job->phys) >> shift & mask) || before > n)
		before = n;
	whole = (n - before) & ~mask;
	if (before)
		put_leaves(job, node, before, 0);
	if (whole)
		put_leaves(job, node, whole, cluster);
	if (n > before + whole)
		put_leaves(job, node, n - before - whole, 0);
}

static void put(struct job *job, struct ioas_pt_node *node, uint64_t n)
{
	/* Level 0 is not looked at: that costs what the loop does. */
	ioas_law(PT_1, !node->level || !ioas_pt_get(job->pt, node,
	                                            ioas_pt_index(job->pt, node,
	                                                          job->at)));
	node->live += (unsigned int)n;
	is_recent(job->pt, node, job->at);
	if (job->pt->cluster[node->level])
		put_clusters(job, node, n);
	else
		put_leaves(job, node, n, 0);
}

/* The table behind an entry; put there first when there is none. */
static struct ioas_pt_node *child_at(struct job *job, struct ioas_pt_node *node)
{
	unsigned int i = ioas_pt_index(job->pt, node, job->at);
	struct ioas_pt_node *child = node->child[i];

	if (child)
		return child;
	ioas_law(PT_1, !ioas_pt_get(job->pt, node, i));
	child = ioas_pt_spare_take(&job->spare, node->level - 1);
	ioas_pt_place(job->pt, child, job->at);
	node->live++;
	ioas_pt_link(job->pt, node, i, child);
	return child;
}

static void fill(struct job *job, struct ioas_pt_node *node, uint64_t pages)
{
	uint64_t n, piece;

	while (pages) {
		n = leaves_here(job, node->level, node->bits, pages);
		if (n) {
			piece = n << ioas_pt_pages_lg2(job->pt, node->level);
			put(job, node, n);
		} else {
			piece = ioas_pt_piece(job->pt, node->level, job->at,
			                      pages);
			fill(job, child_at(job, node), piece);
		}
		pages -= piece;
	}
}

/* All of it in one table that was used just now? */
static bool fill_recent(struct job *job, uint64_t pages)
{
	unsigned int level = job->pt->leaf_levels;
	struct ioas_pt_node *node;
	uint64_t n;

	while (level--) {
		n = leaves_here(job, level, job->pt->index_bits, pages);
		if (!n)
			continue;
		/* Smaller leaves may follow, or go before larger ones. */
		if (n << ioas_pt_pages_lg2(job->pt, level) != pages)
			return false;
		node = recent_at(job->pt, level, job->at);
		if (node)
			put(job, node, n);
		return node;
	}
	return false;
}

/* Can outputs be as large? They do not wrap. */
static bool outputs_fit(const struct ioas_pt *pt, struct phys phys,
                        uint64_t beyond)
{
	unsigned int bits = pt->format->output_bits;
	uint64_t last = phys.raw + beyond;

	return last >= phys.raw && (bits == 64 || !(last >> bits));
}

int ioas_pt_map(struct ioas_pt *pt, struct iova_range range, struct phys phys,
                unsigned int perm)
{
	struct job job = {
		.pt = pt, .at = range.first, .phys = phys.raw, .perm = perm};
	uint64_t pages = ioas_pt_pages(pt, range);
	int rc;

	if (!outputs_fit(pt, phys, range.last - range.first))
		return -ERANGE;
	if (fill_recent(&job, pages))
		return 0;
	rc = reserve(&job, pages, &job.spare);
	if (rc)
		return rc;
	fill(&job, pt->root, pages);
	return 0;
}

/* ---- Unmap. ---- */

/* Entries side by side that are no tables, of @pages from @at. */
static uint64_t leaves_there(const struct ioas_pt *pt,
                             const struct ioas_pt_node *node, uint64_t at,
                             uint64_t pages)
{
	uint64_t n = pages >> ioas_pt_pages_lg2(pt, node->level), k = 0;
	uint64_t room = room_in(pt, node->level, node->bits, at);
	unsigned int i = ioas_pt_index(pt, node, at);

	if (n > room)
		n = room;
	if (!node->level)
		return n;
	while (k < n && !node->child[i + k])
		k++;
	return k;
}

/* Does a cluster go on across the place before entry @i? */
static bool is_inside_cluster(const struct ioas_pt *pt,
                              const struct ioas_pt_node *node, unsigned int i)
{
	unsigned int shift = ioas_pt_shift_of(pt, node->level);
	unsigned int cluster = pt->cluster[node->level];
	uint64_t entry;

	if (!(i & ioas_mask_lg2(cluster)))
		return false;
	entry = ioas_pt_get(pt, node, i);
	return pt->format->kind(node->level, entry) == IOAS_PT_LEAF &&
	       pt->format->says(pt, node->level, entry).lg2 > shift;
}

static void clear_entries(struct ioas_a64 *entry, uint64_t n)
{
	/* As in store_run(). Relaxed: the grace period orders it. */
	for (; n >= 4; n -= 4, entry += 4) {
		ioas_a64_store_relaxed(&entry[0], 0);
		ioas_a64_store_relaxed(&entry[1], 0);
		ioas_a64_store_relaxed(&entry[2], 0);
		ioas_a64_store_relaxed(&entry[3], 0);
	}
	for (; n; n--, entry++)
		ioas_a64_store_relaxed(entry, 0);
}

static bool cuts_a_cluster(const struct ioas_pt *pt,
                           const struct ioas_pt_node *node, unsigned int first,
                           uint64_t n)
{
	unsigned int end = first + (unsigned int)n;

	return pt->cluster[node->level] &&
	       (is_inside_cluster(pt, node, first) ||
	        (end < 1u << node->bits && is_inside_cluster(pt, node, end)));
}

static void clear_run(const struct ioas_pt *pt, struct ioas_pt_node *node,
                      uint64_t at, uint64_t n)
{
	unsigned int first = ioas_pt_index(pt, node, at);
	struct ioas_a64 *entry = &node->entry[first];

	ioas_law(PT_4, node->live >= n);
	ioas_law(PT_4, !node->level || ioas_pt_get(pt, node, first));
	ioas_law(PT_4,
	         !(at & ioas_mask_lg2(ioas_pt_shift_of(pt, node->level))));
	ioas_law(PT_4, !cuts_a_cluster(pt, node, first, n));
	clear_entries(entry, n);
	ioas_pt_wrote(pt, entry, n);
	node->live -= (unsigned int)n;
}

static void unlink_child(struct ioas_pt *pt, struct ioas_pt_node *node,
                         unsigned int i, struct ioas_pt_gather *gather)
{
	ioas_pt_gather_table(gather, node->child[i]);
	/* Relaxed: as in clear_run(). */
	ioas_a64_store_relaxed(&node->entry[i], 0);
	ioas_pt_forget(pt, node->child[i]);
	node->child[i] = NULL;
	node->live--;
	ioas_pt_wrote(pt, &node->entry[i], 1);
}

static void clear(struct ioas_pt *pt, struct ioas_pt_node *node,
                  struct iova_range range, struct ioas_pt_gather *gather)
{
	uint64_t pages = ioas_pt_pages(pt, range), at = range.first, piece, n;
	unsigned int lg2 = ioas_pt_pages_lg2(pt, node->level), i;

	for (; pages; pages -= piece, at += piece << pt->page_shift) {
		n = leaves_there(pt, node, at, pages);
		if (n) {
			clear_run(pt, node, at, n);
			piece = n << lg2;
			continue;
		}
		i = ioas_pt_index(pt, node, at);
		piece = ioas_pt_piece(pt, node->level, at, pages);
		ioas_law(PT_4, node->level && node->child[i]);
		if (piece >> lg2 == 0)
			clear(pt, node->child[i],
			      (struct iova_range){
				      at, at + ((piece << pt->page_shift) - 1)},
			      gather);
		if (piece >> lg2 || !node->child[i]->live)
			unlink_child(pt, node, i, gather);
	}
}

/* As fill_recent(), where something is left in the table. */
static bool clear_recent(struct ioas_pt *pt, struct iova_range range)
{
	uint64_t pages = ioas_pt_pages(pt, range);
	struct ioas_pt_node *node;
	unsigned int level;

	for (level = 0; level < pt->leaf_levels; level++) {
		uint64_t n = pages >> ioas_pt_pages_lg2(pt, level);

		node = recent_at(pt, level, range.first);
		if (!node || n << ioas_pt_pages_lg2(pt, level) != pages ||
		    node->live <= n ||
		    leaves_there(pt, node, range.first, pages) != n)
			continue;
		clear_run(pt, node, range.first, n);
		return true;
	}
	return false;
}

void ioas_pt_unmap(struct ioas_pt *pt, struct iova_range range,
                   struct ioas_pt_gather *gather)
{
	if (!clear_recent(pt, range))
		clear(pt, pt->root, range, gather);
	ioas_pt_gather_range(gather, range);
}

/* ---- Reading. ---- */

void ioas_pt_prefetch(const struct ioas_pt *pt, struct iova at)
{
	const struct ioas_pt_node *node = pt->root;

	while (node->level) {
		node = node->child[ioas_pt_index(pt, node, at.raw)];
		if (!node)
			return;
	}
	__builtin_prefetch(&node->entry[ioas_pt_index(pt, node, at.raw)], 1);
}

/* ---- The beginning and the end. ---- */

static const struct ioas_pt_granule *
granule_of(const struct ioas_pt_format *format, unsigned int page_shift)
{
	unsigned int i;

	for (i = 0; i < format->granule_count; i++)
		if (page_shift >= format->granules[i].page_from &&
		    page_shift <= format->granules[i].page_to)
			return &format->granules[i];
	return NULL;
}

unsigned int ioas_pt_page_shift(const struct ioas_pt_format *format,
                                unsigned int want)
{
	const struct ioas_pt_granule *granule = NULL;

	while (want && !granule)
		granule = granule_of(format ? format : &ioas_pt_native, want--);
	return granule ? want + 1 : 0;
}

/* The fewest whose root is no larger than it may be. */
static unsigned int fewest_levels(const struct ioas_pt_config *config,
                                  const struct ioas_pt_granule *granule,
                                  const struct ioas_pt *pt)
{
	unsigned int levels = granule->levels_min;

	while (config->bits > pt->page_shift + pt->index_bits * levels +
	                              pt->format->root_extra)
		levels++;
	return levels;
}

/* Return: 0 or -EINVAL. */
static int shape(struct ioas_pt *pt, const struct ioas_pt_config *config,
                 const struct ioas_pt_granule *granule)
{
	unsigned int i, top;

	pt->index_bits =
		config->index_bits ? config->index_bits : granule->index_bits;
	if (pt->index_bits < granule->index_min ||
	    pt->index_bits > granule->index_max)
		return -EINVAL;
	pt->levels = config->levels ? config->levels
	                            : fewest_levels(config, granule, pt);
	if (pt->levels < granule->levels_min ||
	    pt->levels > granule->levels_max || pt->levels > IOAS_PT_LEVELS)
		return -EINVAL;
	top = ioas_pt_shift_of(pt, pt->levels - 1);
	if (top > 63 ||
	    config->bits > top + pt->index_bits + pt->format->root_extra)
		return -EINVAL;
	pt->root_shift = top;
	pt->in_table = ioas_mask_lg2(pt->index_bits);
	pt->leaf_levels = config->small ? 1 : granule->leaf_levels;
	for (i = 0; i < IOAS_ARRAY_SIZE(granule->cluster); i++)
		/* Dirt of one entry would be the cluster's. */
		pt->cluster[i] = pt->dirty ? 0 : granule->cluster[i];
	return 0;
}

static void choose_walk(struct ioas_pt *pt)
{
	const struct ioas_pt_format *format = pt->format;
	bool usual = pt->page_shift == IOAS_PT_USUAL_SHIFT &&
	             pt->index_bits == format->usual_bits;

	pt->walk = format->walk_down;
	if (pt->row)
		pt->walk = usual ? format->walk_usual : format->walk_row;
}

int ioas_pt_init(struct ioas_pt *pt, const struct ioas_pt_config *config)
{
	const struct ioas_pt_granule *granule;

	*pt = (struct ioas_pt){
		.format = config->format ? config->format : &ioas_pt_native,
		.page_shift = config->page_shift,
		.bits = config->bits,
		.base = config->base,
		.beside = config->beside,
		.dirty = config->dirty,
	};
	if (config->hardware)
		pt->hardware = *config->hardware;
	granule = granule_of(pt->format, pt->page_shift);
	if (!granule || pt->bits <= pt->page_shift ||
	    pt->bits > pt->format->input_bits)
		return -EINVAL;
	pt->inputs = ioas_mask_lg2(pt->bits - 1) * 2 + 1;
	pt->beyond = ~pt->inputs;
	if ((pt->base & ~pt->beyond) || (pt->dirty && !pt->format->is_dirty))
		return -EINVAL;
	if (shape(pt, config, granule))
		return -EINVAL;
	ioas_pt_row_init(pt);
	pt->root = ioas_pt_node_new(pt, pt->levels - 1);
	if (!pt->root) {
		ioas_pt_row_fini(pt);
		return -ENOMEM;
	}
	pt->top = pt->root->entry;
	if (pt->levels == IOAS_PT_ROW + 1 && !pt->hardware.linear)
		pt->row = pt->root->entry;
	choose_walk(pt);
	return 0;
}

void ioas_pt_fini(struct ioas_pt *pt)
{
	if (!pt->root)
		return;
	ioas_pt_drop_kept(pt);
	ioas_pt_node_free(pt, pt->root);
	ioas_pt_row_fini(pt);
	pt->root = NULL;
}
