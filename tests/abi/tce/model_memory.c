/* SPDX-License-Identifier: MIT */
/* Registered memory, and what is mapped of it. */
#include <string.h>

#include "tce.h"

/* ---- Memory of the rows ---- */

/* Pages from `at` on that can be pinned, up to so many. */
static uint64_t pinnable(uint64_t at, uint64_t pages, bool write)
{
	uint64_t limit = MEM(MEM_PAGES * PAGE);
	uint64_t there;

	if ((at & PLACE_MASK) == PLACE_READ_ONLY)
		return !write && at == READ_ONLY(0) && pages ? 1 : 0;
	if ((at & PLACE_MASK) != PLACE_MEMORY || at >= limit)
		return 0;
	there = (limit - at) / PAGE;
	return there < pages ? there : pages;
}

/* ---- Regions ---- */

static struct tce_region *find_exactly(struct tce_model *m, uint64_t first,
                                       uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < TCE_REGIONS; i++)
		if (m->region[i].is_there && m->region[i].first == first &&
		    m->region[i].bytes == bytes)
			return &m->region[i];
	return NULL;
}

static struct tce_region *find_around(struct tce_model *m, uint64_t first,
                                      uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < TCE_REGIONS; i++)
		if (m->region[i].is_there && first >= m->region[i].first &&
		    first + bytes > first &&
		    first + bytes <= m->region[i].first + m->region[i].bytes)
			return &m->region[i];
	return NULL;
}

static bool overlaps(const struct tce_model *m, uint64_t first, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < TCE_REGIONS; i++)
		if (m->region[i].is_there &&
		    first < m->region[i].first + m->region[i].bytes &&
		    m->region[i].first < first + bytes)
			return true;
	return false;
}

static long check_range(const struct tce_call *call, bool wraps_too)
{
	const struct vfio_iommu_spapr_register_memory *arg =
		&call->argument.memory;

	if (!tce_reads(call, 24))
		return -EFAULT;
	if (arg->argsz < 24 || arg->flags)
		return -EINVAL;
	if ((arg->vaddr | arg->size) & (PAGE - 1))
		return -EINVAL;
	return wraps_too && arg->vaddr + arg->size < arg->vaddr ? -EINVAL : 0;
}

static long pin(struct tce_model *m, uint64_t first, uint64_t bytes)
{
	uint64_t pages = bytes / PAGE, there = pinnable(first, pages, true);
	long ret = tce_model_charge(m, pages);

	if (ret)
		return ret;
	if (!bytes)
		ret = tce_strict(m) ? -EINVAL : -ENOMEM;
	else if (there < pages)
		ret = tce_strict(m) || !there ? -EFAULT : (long)there;
	else if (overlaps(m, first, bytes))
		ret = -EINVAL;
	if (ret)
		m->locked -= pages;
	return ret;
}

static long make_region(struct tce_model *m, uint64_t first, uint64_t bytes,
                        struct tce_region **ret_region)
{
	long ret = pin(m, first, bytes);
	unsigned int i = 0;

	if (ret)
		return ret;
	while (m->region[i].is_there)
		i++;
	m->region[i] = (struct tce_region){
		.is_there = true, .first = first, .bytes = bytes};
	*ret_region = &m->region[i];
	return 0;
}

long tce_model_register(struct tce_model *m, unsigned int c,
                        const struct tce_call *call)
{
	uint64_t first = call->argument.memory.vaddr;
	uint64_t bytes = call->argument.memory.size;
	long ret = check_range(call, true);
	struct tce_region *r;

	if (ret)
		return ret;
	r = find_exactly(m, first, bytes);
	if (r && r->is_of[c])
		return -EBUSY;
	if (!r)
		ret = make_region(m, first, bytes, &r);
	if (ret)
		return ret;
	r->users++;
	r->is_of[c] = true;
	m->container[c].is_enabled = true;
	return 0;
}

void tce_model_put(struct tce_model *m, struct tce_region *r)
{
	r->users--;
	if (r->users)
		return;
	if (r->mapped) {
		r->users++; /* nobody's from now on */
		return;
	}
	r->is_there = false;
	m->locked -= r->bytes / PAGE;
}

long tce_model_unregister(struct tce_model *m, unsigned int c,
                          const struct tce_call *call)
{
	long ret = check_range(call, false);
	struct tce_region *r;

	if (ret)
		return ret;
	r = find_exactly(m, call->argument.memory.vaddr,
	                 call->argument.memory.size);
	if (!r || !r->is_of[c])
		return -ENOENT;
	if (tce_strict(m) && r->users == 1 && r->mapped)
		return -EBUSY;
	r->is_of[c] = false;
	tce_model_put(m, r);
	return 0;
}

/* ---- Entries ---- */

struct tce_entry *tce_model_entry(struct tce_model *m, unsigned int c,
                                  uint64_t iova)
{
	unsigned int i;

	for (i = 0; i < TCE_ENTRIES; i++) {
		struct tce_entry *e = &m->entry[i];
		unsigned int shift;

		if (!e->is_there || e->container != c)
			continue;
		shift = m->container[c].window[e->window].shift;
		if (iova >= e->iova && iova - e->iova < UINT64_C(1) << shift)
			return e;
	}
	return NULL;
}

void tce_model_drop(struct tce_model *m, struct tce_entry *e)
{
	if (e->region < TCE_REGIONS)
		m->region[e->region].mapped--;
	e->is_there = false;
}

void tce_model_clear(struct tce_model *m, unsigned int c, unsigned int window)
{
	unsigned int i;

	for (i = 0; i < TCE_ENTRIES; i++)
		if (m->entry[i].is_there && m->entry[i].container == c &&
		    m->entry[i].window == window)
			tce_model_drop(m, &m->entry[i]);
}

static void drop_range(struct tce_model *m, unsigned int c, uint64_t iova,
                       uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < TCE_ENTRIES; i++)
		if (m->entry[i].is_there && m->entry[i].container == c &&
		    m->entry[i].iova - iova < bytes)
			tce_model_drop(m, &m->entry[i]);
}

/* The window that the page of an address is in, or 2. */
static unsigned int find_window(const struct tce_model *m, unsigned int c,
                                uint64_t iova)
{
	const struct tce_window *w = m->container[c].window;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (w[i].is_there && iova >= w[i].start &&
		    iova - w[i].start < w[i].bytes)
			break;
	return i;
}

static bool leaves_window(const struct tce_window *w, uint64_t iova,
                          uint64_t bytes)
{
	return bytes > w->bytes - (iova - w->start);
}

static bool is_enabled(const struct tce_model *m, unsigned int c)
{
	return m->container[c].is_enabled;
}

/* What a page of an entry may be, and whose: 0 or -errno. */
static long check_page(struct tce_model *m, unsigned int c, uint64_t at,
                       const struct tce_entry *e, unsigned int *ret_region)
{
	const struct tce_container *t = &m->container[c];
	uint64_t bytes = UINT64_C(1) << t->window[e->window].shift;
	bool write = !tce_strict(m) || (e->access & VFIO_DMA_MAP_FLAG_WRITE);
	struct tce_region *r;

	*ret_region = TCE_REGIONS;
	if (t->type == VFIO_SPAPR_TCE_IOMMU)
		return pinnable(at, 1, write) ? 0 : -EFAULT;
	r = find_around(m, at, bytes);
	/* Registered memory is of pages of 4 KiB here. */
	if (!r || bytes > PAGE)
		return -EINVAL;
	*ret_region = (unsigned int)(r - m->region);
	return 0;
}

static void put_entry(struct tce_model *m, const struct tce_entry *e)
{
	struct tce_entry *old = tce_model_entry(m, e->container, e->iova);
	unsigned int i = 0;

	if (e->region < TCE_REGIONS)
		m->region[e->region].mapped++;
	if (old)
		tce_model_drop(m, old);
	while (m->entry[i].is_there)
		i++;
	m->entry[i] = *e;
}

static long map_pages(struct tce_model *m, unsigned int c, unsigned int window,
                      const struct vfio_iommu_type1_dma_map *arg)
{
	uint64_t step = UINT64_C(1) << m->container[c].window[window].shift;
	static struct tce_model before;
	struct tce_entry e = {true, c, window, 0, 0, 0, arg->flags & 3};
	uint64_t done;
	long ret = 0;

	before = *m;
	if (!m->machine->is_pseries && (e.access & VFIO_DMA_MAP_FLAG_WRITE))
		e.access |= VFIO_DMA_MAP_FLAG_READ;
	for (done = 0; !ret && done < arg->size; done += step) {
		struct tce_entry asked = e;

		asked.access = arg->flags & 3;
		ret = check_page(m, c, arg->vaddr + done, &asked, &e.region);
		if (ret)
			break;
		e.iova = arg->iova + done;
		e.at = arg->vaddr + done;
		put_entry(m, &e);
	}
	if (ret && tce_strict(m))
		*m = before;
	else if (ret)
		drop_range(m, c, arg->iova, done);
	if (m->machine->zero_hangs && !done && !arg->iova)
		m->breaks = true;
	return ret;
}

static long check_map(const struct tce_call *call)
{
	if (!tce_reads(call, 32))
		return -EFAULT;
	return call->argument.map.argsz < 32 || call->argument.map.flags & ~3u
	               ? -EINVAL
	               : 0;
}

/* Checks that come when the window is known. */
static long check_place(struct tce_model *m, const struct tce_window *w,
                        uint64_t iova, uint64_t bytes)
{
	uint64_t mask = (UINT64_C(1) << w->shift) - 1;

	if (iova & mask)
		return tce_strict(m) ? -EINVAL : 1;
	if (!leaves_window(w, iova, bytes))
		return 0;
	m->breaks = true;
	return -EINVAL;
}

long tce_model_map(struct tce_model *m, unsigned int c,
                   const struct tce_call *call)
{
	const struct vfio_iommu_type1_dma_map *arg = &call->argument.map;
	const struct tce_window *w;
	unsigned int window;
	long ret;

	if (!is_enabled(m, c))
		return -EPERM;
	ret = check_map(call);
	if (!ret)
		ret = tce_model_default(m, c);
	if (ret)
		return ret;
	window = find_window(m, c, arg->iova);
	if (window == 2)
		return -ENXIO;
	w = &m->container[c].window[window];
	if ((arg->size | arg->vaddr) & ((UINT64_C(1) << w->shift) - 1) ||
	    !(arg->flags & 3))
		return -EINVAL;
	ret = check_place(m, w, arg->iova, arg->size);
	if (ret)
		return ret;
	if (tce_strict(m) && arg->vaddr + arg->size < arg->vaddr)
		return -EINVAL;
	return map_pages(m, c, window, arg);
}

/* UNMAP of a range that leaves the window is seen by Linux 7.3. */
static long check_unmap_place(struct tce_model *m, const struct tce_window *w,
                              const struct vfio_iommu_type1_dma_unmap *arg)
{
	long ret = check_place(m, w, arg->iova, arg->size);

	if (!m->breaks || m->contract != IOAS_CONTRACT_LINUX_7_3)
		return ret;
	m->breaks = false;
	return 1;
}

long tce_model_unmap(struct tce_model *m, unsigned int c,
                     const struct tce_call *call)
{
	const struct vfio_iommu_type1_dma_unmap *arg = &call->argument.unmap;
	const struct tce_window *w;
	unsigned int window;
	long ret;

	if (!is_enabled(m, c))
		return -EPERM;
	if (!tce_reads(call, 24))
		return -EFAULT;
	if (arg->argsz < 24 || arg->flags)
		return -EINVAL;
	ret = tce_model_default(m, c);
	if (ret)
		return ret;
	window = find_window(m, c, arg->iova);
	if (window == 2)
		return -ENXIO;
	w = &m->container[c].window[window];
	if (arg->size & ((UINT64_C(1) << w->shift) - 1))
		return -EINVAL;
	ret = check_unmap_place(m, w, arg);
	if (!ret)
		drop_range(m, c, arg->iova, arg->size);
	if (m->machine->zero_hangs && !arg->size && !arg->iova)
		m->breaks = true;
	return ret;
}
