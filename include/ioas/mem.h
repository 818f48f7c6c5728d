/* SPDX-License-Identifier: MIT */
/**
 * DOC: Registered memory
 *
 * Memory that devices may be given is registered first: its pages are pinned
 * and charged, and what is behind each of them is written into a table. From
 * then on the way from a program's address to its physical one is a load.
 *
 *	holder --register--> region: pinned, charged, in the table
 *	                       |  users: holders that registered it
 *	                       |  mapped: 1 + what is mapped through it
 *	reader --translate---> table --> physical address
 *	mapper --get--> region + n counts ... --put--> n less
 *	holder --unregister--> mapped 1 -> 0, out of the table, unpinned
 *
 * There is one registry for each process address space. Several holders use it
 * at once: containers, and whoever maps for a guest. A range that a second
 * holder registers is pinned and charged once.
 *
 * What a region is known by, and for how long:
 *	translate   an address; good while a count on the region is held, or
 *	            inside the section (ioas_mem_enter()) it was translated in
 *	get         the region; good until the last of those counts is put
 *	find        a copy of what it was at that moment
 *
 * The physical address of a page is the back end's matter: the program's own
 * address (default), frames scattered by a seed, the machine's own
 * (<ioas/pagemap.h>), or the embedder's.
 *
 * Laws
 *	MEM-1   a region is released once, with no user and no mapping
 *	MEM-2   mapped moves 1 -> n + 1 -> 1 -> 0 only; 0 is final
 *	MEM-3   a refused unregister changes nothing
 *	MEM-4   regions of a registry never overlap
 *	MEM-5   a translation is the address registered for that page, or none
 *	MEM-6   no I/O page is larger than the aligned contiguous run behind it
 *	MEM-7   what was charged and pinned is given back, exactly
 *	MEM-8   a put without a get is an error, never absorbed
 *	MEM-9   look-up and count are one step: the region cannot die between
 *	MEM-10  what the program gives back stays what was registered: its
 *	        frames are told anew, or it is lost; never another's memory
 *	MEM-11  translate takes no lock, allocates nothing, and has no locked
 *	        instruction
 *	MEM-12  a holder that ends drops every registration it held
 *
 * Addresses and lengths are bytes, counts of pages are called npages. Nothing
 * here sets errno; errors are negative, and leave results and state as they
 * were. A process that uses libioas calls ioas_begin() first. In a forked child
 * nothing is registered: registries, holders and regions are the parent's, and
 * are not even destroyed there; the child makes its own.
 *
 * The table is 256 GiB of addresses that are reserved and no memory. It becomes
 * memory when the process calls mlockall(2) with MCL_CURRENT, alone, while a
 * registry lives: call it before, or with MCL_ONFAULT, or make the table a tree
 * (no_shadow). MCL_FUTURE does no harm.
 */
#ifndef IOAS_MEM_H
#define IOAS_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/api.h>
#include <ioas/perm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ioas_holder;
struct ioas_register;
struct ioas_registry;
struct ioas_region;

/**
 * struct ioas_extent - pages that follow each other physically.
 * @phys:   address of the first, page aligned, below 2^52
 * @npages: how many
 */
struct ioas_extent {
	uint64_t phys;
	uint64_t npages;
};

/** struct ioas_pin - what a back end shall pin. */
struct ioas_pin {
	uint64_t start; /* program address, page aligned */
	uint64_t npages;
	unsigned int perm;
	unsigned int page_shift;
};

/**
 * struct ioas_backend - what physical addresses are, and how pages are pinned.
 *
 * Every function gets the structure itself and may sleep; pin and unpin are
 * called by several threads at once.
 *
 * @name:    for messages
 * @pin:     pin pages from pin->start on, for devices that read (IOAS_READ)
 *           or write them. Write up to @max extents, in order; more calls
 *           follow for what they did not cover. Return: how many there are,
 *           at least 1; or a negative errno, then this call pinned nothing.
 *           That fewer pages than asked for are there is seen by the next
 *           call, whose first page is not
 * @unpin:   give back pages of one extent; @dirty: a device wrote to them. It
 *           may not give addresses of registered memory back to the system, nor
 *           register or unregister: a move may be waiting for it
 * @map_file: make the file part of a registration visible and give its program
 *           address. NULL: files cannot be registered
 * @unmap_file: and not any more
 * @frame:   physical address of the pages at a program address, where it
 *           follows from that; pin gives the same ones. When the program gives
 *           such pages back while they are pinned, they are moved, and are
 *           known by their new address then. NULL: frames stay what pin said,
 *           and what the program does with its addresses is not our business.
 *           Wait-free
 * @pointer: the program's byte behind a physical address that is pinned.
 *           Wait-free, async-signal-safe. NULL: it cannot be reached that way
 */
struct ioas_backend {
	const char *name;
	int (*pin)(const struct ioas_backend *self, const struct ioas_pin *pin,
	           struct ioas_extent *ret_extents, unsigned int max);
	void (*unpin)(const struct ioas_backend *self,
	              const struct ioas_pin *pin, uint64_t phys, bool dirty);
	int (*map_file)(const struct ioas_backend *self,
	                const struct ioas_register *what, uint64_t *ret_start);
	void (*unmap_file)(const struct ioas_backend *self, uint64_t start,
	                   uint64_t length);
	uint64_t (*frame)(const struct ioas_backend *self, uint64_t uaddr,
	                  unsigned int page_shift);
	uint64_t (*pointer)(const struct ioas_backend *self, uint64_t phys);
};

/**
 * struct ioas_accountant - whom pinned pages are charged to.
 * @charge:   before they are pinned; all of them or a negative errno, which
 *            becomes the answer of register. Any thread
 * @uncharge: as many as were charged. Any thread
 * @room:     after -ENOMEM, for who pins page by page: how many would have been
 *            allowed. NULL: nobody does. Any thread
 */
struct ioas_accountant {
	int (*charge)(struct ioas_accountant *self, uint64_t npages);
	void (*uncharge)(struct ioas_accountant *self, uint64_t npages);
	uint64_t (*room)(struct ioas_accountant *self);
};

/**
 * struct ioas_moved - registered memory whose addresses the program gave back.
 * @region: whose memory; it has counts
 * @start:  the first byte, by the address it was registered at
 * @length: bytes; whole pages of the program
 * @to:     where the pages are now, to be asked of the back end's frame;
 *          the program has nothing there
 * @lost:   they are nowhere: devices must find no entry, or a fault
 */
struct ioas_moved {
	struct ioas_region *region;
	uint64_t start, length;
	uint64_t to;
	bool lost;
};

/**
 * struct ioas_registry_config - see ioas_registry_create(). All 0 is fine.
 *
 * @moved is for those who write frames down where devices find them, in tables
 * of windows for example. When the program gives back memory that is registered
 * on a back end with frame (and a front end sees that), it is moved aside, and
 * look-ups by the old addresses say the new frames, or none (MEM-10). Then
 * moved() is called for each piece of a region with counts, and has to change
 * what was written down. Old frames are not used by anybody else before it has
 * returned and every section of IOAS_GRACE_DMA of before is over.
 *
 * What it finds is complete when each mapper calls ioas_registry_get() and
 * writes the frame down inside of one section (ioas_mem_enter()). It may be
 * called twice for the same pages: what was moved aside for nothing comes back.
 *
 * It is called on the thread of the program that gives the memory back, with
 * signals blocked and the locks of all spaces and registries held: it may take
 * locks that come after those, translate, find, get without may_sleep, and put.
 * It may not register, unregister, or wait for a section of any kind, and no
 * section (ioas_mem_enter()) may wait for a lock that it takes.
 */
struct ioas_registry_config {
	const struct ioas_backend *backend; /* NULL: the identity */
	struct ioas_accountant *accountant; /* NULL: nobody is charged */
	unsigned int page_shift;            /* 0: the system's */
	unsigned int address_bits;          /* of the program; 0: 48 */
	bool no_shadow; /* the table as a tree: less address space */
	void (*moved)(void *context, const struct ioas_moved *moved);
	void *moved_context;
};

/** struct ioas_registry_report - what there is, and what was left behind. */
struct ioas_registry_report {
	uint64_t regions;     /* registered */
	uint64_t quarantined; /* unregistered with live mappings */
	uint64_t counts;      /* mappings of both */
	uint64_t charged;     /* npages */
	uint64_t pinned;      /* npages; released ones for a while after */
	uint64_t table_bytes; /* memory of tables and regions */
};

/** enum ioas_register_flag - what more there is to say of a registration. */
enum ioas_register_flag {
	/* No memory: registers of a device at physical address @phys. */
	IOAS_REGISTER_DEVICE = 1 << 0,
	/* Bytes of a file: @fd and @offset; where they are is returned. */
	IOAS_REGISTER_FILE = 1 << 1,
	/* Part of a region that is registered is fine: share that one. */
	IOAS_REGISTER_SHARE = 1 << 2,
};

/** struct ioas_register - one registration. */
struct ioas_register {
	uint64_t start;     /* program address; FILE: ignored */
	uint64_t length;    /* bytes */
	unsigned int perm;  /* IOAS_READ, IOAS_WRITE */
	unsigned int flags; /* enum ioas_register_flag */
	uint64_t phys;      /* DEVICE */
	uint64_t offset;    /* FILE */
	int fd;             /* FILE */
};

/** enum ioas_unregister_mode - what if the memory is mapped? */
enum ioas_unregister_mode {
	IOAS_UNREGISTER_REFUSE,     /* -EBUSY, and nothing has changed */
	IOAS_UNREGISTER_WAIT,       /* until it is not, or the deadline */
	IOAS_UNREGISTER_QUARANTINE, /* found no more; stays pinned till then */
};

/** struct ioas_unregister - see ioas_holder_unregister(). */
struct ioas_unregister {
	uint64_t start, length; /* as they were registered */
	enum ioas_unregister_mode mode;
	uint64_t deadline; /* WAIT: CLOCK_MONOTONIC, ns; UINT64_MAX: none */
};

/** struct ioas_region_info - what a region is. */
struct ioas_region_info {
	uint64_t start, length; /* of the region */
	uint64_t left; /* bytes from the address asked for to its end */
	uint64_t npages;
	unsigned int perm;
	unsigned int users; /* registrations */
	uint32_t id;        /* its number in entries of the table; 1 and up */
	bool device;        /* IOAS_REGISTER_DEVICE */
};

/** struct ioas_mapping - what is to be mapped; see ioas_registry_get(). */
struct ioas_mapping {
	uint64_t start, length; /* program addresses, all in one region */
	uint64_t counts;        /* at least 1 */
	unsigned int perm;
	unsigned int io_shift; /* of the I/O pages; 0: the region's pages */
	bool may_sleep;
};

/** struct ioas_mapped - what ioas_registry_get() found. */
struct ioas_mapped {
	struct ioas_region *region; /* with the counts */
	uint64_t phys;              /* of the first byte */
};

/**
 * struct ioas_mem_view - the table, for the look-up below. Constant.
 *
 * An entry is 64 bits. 0: nothing is registered there.
 *
 *	63..52         51..page_shift    page_shift-1..4  3   2  1  0
 *	region, high   physical page,    region, low      RW  W  R  0
 *	               xor the program's
 *
 * So the bit of an entry that is asked for has the number of the permission,
 * and there is none for no permission; and the difference makes an address of
 * the program a physical one whatever is below the page.
 */
struct ioas_mem_view {
	const uint64_t *shadow; /* an entry for each page, or NULL: */
	void *const *root;      /* a tree of three levels */
	uint64_t shadow_npages; /* of the program's addresses, or 0 */
	uint64_t npages;        /* likewise; never 0 */
	uint64_t phys_mask;     /* bits of an entry that are the page's */
	unsigned int page_shift;
};

#define IOAS_MEM_FANOUT_LG2 9

/*
 * The two kinds of load: of an entry, which says all by itself, and of a link.
 * The library's own sources, and tools that watch how threads interleave, put
 * others in their place.
 */
#ifndef IOAS_MEM_LOAD
#define IOAS_MEM_LOAD(word)   __atomic_load_n((word), __ATOMIC_RELAXED)
#define IOAS_MEM_FOLLOW(link) __atomic_load_n((link), __ATOMIC_ACQUIRE)
#endif

static inline uint64_t ioas_mem_entry_in_tree(const struct ioas_mem_view *view,
                                              uint64_t page)
{
	const uint64_t mask = (1u << IOAS_MEM_FANOUT_LG2) - 1;
	void *const *middle;
	const uint64_t *leaf;

	if (!view->root || page >= view->npages)
		return 0;
	middle = (void *const *)IOAS_MEM_FOLLOW(
		&view->root[page >> (2 * IOAS_MEM_FANOUT_LG2)]);
	if (!middle)
		return 0;
	leaf = (const uint64_t *)IOAS_MEM_FOLLOW(
		&middle[page >> IOAS_MEM_FANOUT_LG2 & mask]);
	return leaf ? IOAS_MEM_LOAD(&leaf[page & mask]) : 0;
}

static inline uint64_t ioas_mem_entry(const struct ioas_mem_view *view,
                                      uint64_t uaddr)
{
	uint64_t page = uaddr >> view->page_shift;

	if (__builtin_expect(page < view->shadow_npages, 1))
		return IOAS_MEM_LOAD(&view->shadow[page]);
	return ioas_mem_entry_in_tree(view, page);
}

/** IOAS_MEM_NONE - in place of a physical address: there is none. */
#define IOAS_MEM_NONE UINT64_MAX

/* Does an entry allow it? Nothing is allowed that is no permission. */
static inline bool ioas_mem_allows(uint64_t entry, unsigned int perm)
{
	const unsigned int most = IOAS_READ | IOAS_WRITE;

	return perm <= most && (entry >> (perm & most) & 1);
}

/*
 * The physical address of a byte of the program, for one permission at least;
 * IOAS_MEM_NONE: it is not registered, or not for this. Any thread, signal
 * handlers, wait-free (MEM-11). Good inside the section it is called in, or
 * while a count is held on the region.
 *
 * Who translates much copies the view into a variable of its own, so that the
 * compiler can keep it in registers.
 */
static inline uint64_t ioas_mem_translate(const struct ioas_mem_view *view,
                                          uint64_t uaddr, unsigned int perm)
{
	uint64_t entry = ioas_mem_entry(view, uaddr);

	if (__builtin_expect(!ioas_mem_allows(entry, perm), 0))
		return IOAS_MEM_NONE;
	return uaddr ^ (entry & view->phys_mask);
}

/**
 * ioas_begin() - let the library use this system
 *
 * Installs what the library needs of Linux: memory, pins, clocks. Nothing is
 * started. The first call counts, others do nothing.
 *
 * Return: cannot fail
 *
 * Threads: the first call before any other call of the library
 * Source: none
 */
IOAS_API void ioas_begin(void);

/**
 * ioas_registry_create() - make a registry for this process
 * @config:       what it shall be like, not kept; NULL: all defaults
 * @ret_registry: the new registry, the caller's until ioas_registry_destroy()
 *
 * Return: 0, or
 *   -EINVAL  a page shift or address width that is not supported
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_init()
 */
IOAS_API IOAS_MUST int
ioas_registry_create(const struct ioas_registry_config *config,
                     struct ioas_registry **ret_registry);

/**
 * ioas_registry_destroy() - end a registry, whatever is registered
 * @registry:   the registry; NULL is fine
 * @ret_report: what had not been given back by then, or NULL
 *
 * Every page is unpinned and every charge returned, also of regions that have
 * counts; those are in the report, and may not be put any more. Holders may be
 * destroyed before or after.
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses the registry; not inside a section
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, tce_iommu_release()
 */
IOAS_API void ioas_registry_destroy(struct ioas_registry *registry,
                                    struct ioas_registry_report *ret_report);

/**
 * ioas_registry_settle() - finish what was put off
 * @registry: the registry
 *
 * Waits until no reader uses what was unregistered, then unpins it: unregister
 * lets some of that gather, for the wait costs the same for one as for many.
 * Quarantined regions without counts are released.
 *
 * Return: how many regions are quarantined still; cannot fail
 *
 * Threads: any, not inside a section
 * Source: none
 */
IOAS_API uint64_t ioas_registry_settle(struct ioas_registry *registry);

/**
 * ioas_registry_inspect() - how much there is
 * @registry:   the registry
 * @ret_report: filled in
 *
 * Return: cannot fail
 *
 * Threads: any
 * Source: none
 */
IOAS_API void ioas_registry_inspect(struct ioas_registry *registry,
                                    struct ioas_registry_report *ret_report);

/**
 * ioas_registry_any() - is anything registered?
 * @registry: the registry
 *
 * Return: true or false; cannot fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c,
 *         mm_iommu_preregistered()
 */
IOAS_API bool ioas_registry_any(const struct ioas_registry *registry);

/**
 * ioas_registry_view() - the table, for ioas_mem_translate()
 * @registry: the registry
 *
 * Return: a view that is good as long as the registry; cannot fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: none
 */
IOAS_API const struct ioas_mem_view *
ioas_registry_view(const struct ioas_registry *registry);

/**
 * ioas_holder_create() - somebody who registers memory
 * @registry:   the registry
 * @ret_holder: the new holder, the caller's until ioas_holder_destroy()
 *
 * Return: 0, or
 *   -ENOMEM  no memory
 *
 * Threads: any
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, struct tce_container
 */
IOAS_API IOAS_MUST int ioas_holder_create(struct ioas_registry *registry,
                                          struct ioas_holder **ret_holder);

/**
 * ioas_holder_destroy() - drop every registration it holds (MEM-12)
 * @holder: the holder; NULL is fine
 *
 * A region of which it was the last user and which is mapped is quarantined.
 *
 * Return: cannot fail
 *
 * Threads: nobody else uses the holder; not inside a section
 * Source: Linux 7.3, drivers/vfio/vfio_iommu_spapr_tce.c, tce_iommu_release()
 */
IOAS_API void ioas_holder_destroy(struct ioas_holder *holder);

/**
 * ioas_holder_register() - register a range
 * @holder:    who
 * @what:      the range; start, length and phys are multiples of a page
 * @ret_start: where it is in the program; may be NULL
 *
 * A range that is registered already, by another holder, is shared. It is
 * pinned for what it was registered for first.
 *
 * Return: 0, or
 *   -EINVAL  empty, unaligned, wraps; no permission, unknown flags; or part of
 *            it is registered, and it is not to be shared
 *   -EBUSY   this holder has registered this range, or it is in quarantine
 *   -EACCES  it is registered for less than is asked for here
 *   -ENOMEM  the accountant refused, or no memory
 *   -EFAULT  part of it is not there, or not for this; or the program gave it
 *            back meanwhile
 *   -ENOTSUP the back end cannot register files
 *   -EBADF   the file cannot be used so
 *
 * Threads: any, not inside a section
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c,
 *         mm_iommu_do_alloc()
 */
IOAS_API IOAS_MUST int ioas_holder_register(struct ioas_holder *holder,
                                            const struct ioas_register *what,
                                            uint64_t *ret_start);

/**
 * ioas_holder_unregister() - take a registration back
 * @holder: who
 * @what:   the range, exactly as it was registered, and what to do if it is
 *          mapped and nobody else has it registered
 *
 * While WAIT waits, ioas_registry_get() on the region answers -EAGAIN or waits
 * with it; if another holder shares it meanwhile, that ends the wait well.
 *
 * Return: 0, or
 *   -ENOENT    this holder has not registered this range
 *   -EBUSY     REFUSE: it is mapped
 *   -ETIMEDOUT WAIT: it is mapped still; nothing has changed
 *
 * Threads: any, not inside a section
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_put()
 */
IOAS_API IOAS_MUST int
ioas_holder_unregister(struct ioas_holder *holder,
                       const struct ioas_unregister *what);

/**
 * ioas_registry_find() - the region that holds a range
 * @registry: the registry
 * @start:    program address
 * @length:   bytes, at least 1
 * @ret_info: what it is
 *
 * It is exact when start and length of the region are those asked for.
 *
 * Return: 0, or
 *   -ENOENT  no region holds all of it
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_lookup(),
 *         mm_iommu_get(), mm_iommu_is_devmem()
 */
IOAS_API IOAS_MUST int ioas_registry_find(struct ioas_registry *registry,
                                          uint64_t start, uint64_t length,
                                          struct ioas_region_info *ret_info);

/**
 * ioas_registry_get() - find a region and count mappings on it, in one step
 * @registry: the registry
 * @what:     the program's range, what for, the I/O pages, how many counts
 * @ret:      the region, good until ioas_region_put() has put all of them
 *
 * Return: 0, or
 *   -EFAULT    no region holds all of it, or part of it is lost: the program
 *              gave it back, and it could not be kept
 *   -EACCES    the region is not for this
 *   -EINVAL    empty, no permission, or no counts; or not whole I/O pages, or
 *              their memory is not contiguous and aligned (MEM-6)
 *   -ENXIO     the region has just been unregistered
 *   -EAGAIN    too hard: whether it stays is not decided yet, and the caller
 *              may not sleep
 *   -EOVERFLOW more than 2^60 counts
 *
 * Threads: any, async-signal-safe and lock-free unless may_sleep, and then not
 * inside a section
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_lookup(),
 *         mm_iommu_ua_to_hpa(), mm_iommu_mapped_inc()
 */
IOAS_API IOAS_MUST int ioas_registry_get(struct ioas_registry *registry,
                                         const struct ioas_mapping *what,
                                         struct ioas_mapped *ret);

/**
 * ioas_region_get() - count more mappings on a region that has some
 * @region: the region; the caller holds a count
 * @n:      how many more
 *
 * Return: true; false when the region is going, or the count is full; cannot
 * fail otherwise
 *
 * Threads: any, lock-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c,
 *         mm_iommu_mapped_inc()
 */
IOAS_API bool ioas_region_get(struct ioas_region *region, uint64_t n);

/**
 * ioas_region_put() - put counts
 * @region: the region
 * @n:      how many; that many were got (MEM-8: anything else ends the process)
 *
 * Return: cannot fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c,
 *         mm_iommu_mapped_dec()
 */
IOAS_API void ioas_region_put(struct ioas_region *region, uint64_t n);

/**
 * ioas_registry_translate() - ioas_mem_translate() as a call
 * @registry: the registry
 * @uaddr:    program address
 * @perm:     IOAS_READ, IOAS_WRITE or both
 *
 * Return: its physical address, or IOAS_MEM_NONE when it is not registered for
 * this, or is lost; cannot fail otherwise
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c,
 *         mm_iommu_ua_to_hpa()
 */
IOAS_API uint64_t ioas_registry_translate(const struct ioas_registry *registry,
                                          uint64_t uaddr, unsigned int perm);

/** struct ioas_mem_batch - see ioas_registry_translate_batch(). */
struct ioas_mem_batch {
	const uint64_t *uaddr; /* n program addresses, in any order */
	uint64_t *phys;        /* n results, or IOAS_MEM_NONE */
	size_t n;
	unsigned int perm;
};

/**
 * ioas_registry_translate_batch() - translate many addresses
 * @registry: the registry
 * @batch:    the addresses, and where the results go
 *
 * Return: how many could be translated; cannot fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: none
 */
IOAS_API size_t
ioas_registry_translate_batch(const struct ioas_registry *registry,
                              const struct ioas_mem_batch *batch);

/**
 * ioas_region_mark_dirty() - a device may have written there
 * @region: a region; the caller holds a count
 * @start:  program address
 * @length: bytes, all inside of the region
 *
 * Pages that are marked when they are unpinned are unpinned as dirty. A region
 * that is not for writing, or of a device, has no marks.
 *
 * Return: cannot fail
 *
 * Threads: any, lock-free, async-signal-safe
 * Source: Linux 7.3, arch/powerpc/mm/book3s64/iommu_api.c, mm_iommu_unpin()
 */
IOAS_API void ioas_region_mark_dirty(struct ioas_region *region, uint64_t start,
                                     uint64_t length);

/**
 * ioas_region_fetch_dirty() - read marks and clear them
 * @region: a region; the caller holds a count
 * @first:  page of the region, from 0; a multiple of 64
 *
 * Clears the marks that it reads. Who wants them at the end puts them back.
 *
 * Return: the marks of 64 pages, bit 0 is the first; 0 beyond the end; cannot
 * fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: none
 */
IOAS_API uint64_t ioas_region_fetch_dirty(struct ioas_region *region,
                                          uint64_t first);

/**
 * ioas_mem_enter() - begin a section
 *
 * What is translated inside of it stays pinned until it ends. Sections nest.
 *
 * Return: cannot fail
 *
 * Threads: any, async-signal-safe
 * Source: none
 */
IOAS_API void ioas_mem_enter(void);

/**
 * ioas_mem_leave() - end a section
 *
 * Return: cannot fail
 *
 * Threads: the one that began it; async-signal-safe
 * Source: none
 */
IOAS_API void ioas_mem_leave(void);

/** struct ioas_backend_scattered - give &scattered.backend to a registry. */
struct ioas_backend_scattered {
	struct ioas_backend backend;
	uint64_t seed;
	unsigned int page_shift;
};

/**
 * ioas_backend_scattered_init() - frames in no order, by the seed
 * @seed:       any number
 * @page_shift: of the pages
 * @ret:        the back end, the caller's, filled in
 *
 * For tests: what works on it takes nothing for contiguous that need not be.
 * Memory and frames are below 2^48; what is not cannot be registered.
 *
 * Return: cannot fail
 *
 * Threads: any
 * Source: none
 */
IOAS_API void ioas_backend_scattered_init(uint64_t seed,
                                          unsigned int page_shift,
                                          struct ioas_backend_scattered *ret);

/**
 * ioas_backend_scattered_pointer() - the program's byte behind a frame
 * @scattered: the back end
 * @phys:      physical address
 *
 * Return: the program's address; cannot fail
 *
 * Threads: any, wait-free, async-signal-safe
 * Source: none
 */
IOAS_API uint64_t ioas_backend_scattered_pointer(
	const struct ioas_backend_scattered *scattered, uint64_t phys);

#ifdef __cplusplus
}
#endif

#endif /* IOAS_MEM_H */
