/* SPDX-License-Identifier: MIT */
/*
 * The contract of the sPAPR TCE containers, versions 1 and 2, as rows that are
 * made from tables of states and calls.
 *
 * A state is a list of calls too. What a call answers, and what a device can
 * reach after it, comes from a model (model.c): the rules written a second
 * time, page by page and entry by entry, knowing nothing of the code that they
 * are compared with. Whoever answers (struct abi_backend) is asked the same.
 *
 * Rows are for pages of 4 KiB. Where a model of Linux says that a call would
 * reach memory behind a table, the row "breaks": a kernel is asked that only
 * in a machine of its own.
 */
#ifndef TCE_H
#define TCE_H

#include "../abi.h"

/* Where the second window of PowerNV is, and all larger ones of pSeries. */
#define TCE_HIGH (UINT64_C(1) << 59)

/* Windows of the states. */
#define TCE_LOW_BYTES  (UINT64_C(1) << 26)
#define TCE_HIGH_BYTES (UINT64_C(1) << 24)

/* A machine with such an IOMMU. */
struct tce_machine {
	const char *name, *profile;
	bool is_pseries;    /* as its guest; else the host itself */
	bool zero_hangs;    /* invalidating no entry at address 0 never ends */
	uint64_t low_bytes; /* of the window below 4 GiB */
	uint64_t page_sizes;
	uint32_t levels;
};

extern const struct tce_machine tce_machine[];
extern const size_t tce_machines;

union tce_argument {
	struct vfio_iommu_spapr_tce_info info;
	struct vfio_iommu_type1_dma_map map;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_iommu_spapr_register_memory memory;
	struct vfio_iommu_spapr_tce_create create;
	struct vfio_iommu_spapr_tce_remove remove;
	struct vfio_eeh_pe_op eeh;
	uint32_t word[12];
};

struct tce_call {
	enum abi_fd on;
	unsigned long command;
	unsigned long value; /* the argument, when it has no bytes */
	size_t bytes;        /* of the argument that can be read */
	enum abi_place place;
	union tce_argument argument;
};

/* ---- States ---- */

enum tce_state {
	T_OPEN,     /* two containers and three groups are open */
	T_ATTACHED, /* group 1 is in the container */
	T_V1,       /* SET_IOMMU(2) */
	T_V1_ON,    /* ENABLE */
	T_V1_MAPPED,
	T_V1_OFF, /* mapped, then DISABLE */
	T_V2,     /* SET_IOMMU(7) */
	T_REGISTERED,
	T_BARE, /* registered, and the default window cancelled */
	T_MAPPED,
	T_WIDE,     /* a second window, mapped as well */
	T_HIGH,     /* and the first removed */
	T_EARLY,    /* windows, but nothing was registered */
	T_COARSE,   /* one window of 64 KiB pages */
	T_ORPHAN,   /* mapped, then UNREGISTER */
	T_ADOPTED,  /* and REGISTER again */
	T_BESIDE,   /* mapped; a second container with group 2 */
	T_SHARED,   /* which registered the same */
	T_BORROWED, /* and mapped it */
	T_TWO,      /* groups 1 and 2 in one container, mapped */
	T_LEFT,     /* and group 2 left it */
	T_TIGHT,    /* little memory may be locked */
	T_NR
};

#define TCE_STEPS 14

struct tce_steps {
	const char *name;
	unsigned long memlock; /* pages; 0: any */
	bool only_powernv;
	struct tce_call step[TCE_STEPS];
};

extern const struct tce_steps tce_steps[T_NR];

/* ---- Rows ---- */

struct tce_row {
	const char *subject;
	const char *name;
	enum tce_state state;
	unsigned long memlock; /* pages, instead of the state's; 0: as that */
	struct tce_call call;
};

typedef void tce_emit(const struct tce_row *row);

/* Each row once, in the same order each time. */
void tce_rows(const struct tce_machine *machine, tce_emit *emit);
void tce_rows_arguments(const struct tce_machine *machine, tce_emit *emit);
void tce_rows_memory(const struct tce_machine *machine, tce_emit *emit);
void tce_rows_windows(const struct tce_machine *machine, tce_emit *emit);
void tce_rows_groups(const struct tce_machine *machine, tce_emit *emit);

/* In each state of the list, or in all. */
void tce_emit_in(tce_emit *emit, const char *subject, const char *name,
                 const struct tce_call *call, uint64_t states);

#define TCE_IN(state)  (UINT64_C(1) << (state))
#define TCE_EVERYWHERE ((UINT64_C(1) << T_NR) - 1)
/* One of each kind, for what has little to do with the rest of a state. */
#define TCE_SOME                                                              \
	(TCE_IN(T_OPEN) | TCE_IN(T_ATTACHED) | TCE_IN(T_V1) |                 \
	 TCE_IN(T_V1_ON) | TCE_IN(T_V2) | TCE_IN(T_BARE) | TCE_IN(T_MAPPED) | \
	 TCE_IN(T_BESIDE))

/* ---- The model ---- */

#define TCE_CONTAINERS 2
#define TCE_GROUPS     3
#define TCE_REGIONS    8
#define TCE_ENTRIES    160

struct tce_region {
	bool is_there;
	uint64_t first, bytes; /* placeholders */
	unsigned int users, mapped;
	bool is_of[TCE_CONTAINERS];
};

struct tce_window {
	bool is_there;
	uint64_t start, bytes; /* bytes: all that its entries reach */
	unsigned int shift;
	unsigned long charged;
};

struct tce_entry {
	bool is_there;
	unsigned int container, window, region; /* region: TCE_REGIONS: none */
	uint64_t iova, at;
	uint32_t access; /* as the device has it */
};

struct tce_container {
	unsigned long type; /* 0: none */
	bool is_enabled, is_pending, has_owner;
	unsigned long enabled_pages;
	struct tce_window window[2];
};

struct tce_model {
	const struct tce_machine *machine;
	enum ioas_contract contract;
	unsigned long memlock, locked; /* pages */
	struct tce_container container[TCE_CONTAINERS];
	int of_group[TCE_GROUPS + 1]; /* container, or -1 */
	struct tce_region region[TCE_REGIONS];
	struct tce_entry entry[TCE_ENTRIES];
	/* Linux goes out of a table there, or hangs, or spoils a device. */
	bool breaks;
};

void tce_model_begin(struct tce_model *m, const struct tce_machine *machine,
                     enum ioas_contract contract, unsigned long memlock);
/* What it answers; what is written is in `out`, which begins as the argument.*/
long tce_model_call(struct tce_model *m, const struct tce_call *call,
                    union tce_argument *out);
/* Parts of it, in files of their own. */
long tce_model_map(struct tce_model *m, unsigned int c,
                   const struct tce_call *call);
long tce_model_unmap(struct tce_model *m, unsigned int c,
                     const struct tce_call *call);
long tce_model_register(struct tce_model *m, unsigned int c,
                        const struct tce_call *call);
long tce_model_unregister(struct tce_model *m, unsigned int c,
                          const struct tce_call *call);
long tce_model_create(struct tce_model *m, unsigned int c,
                      const struct tce_call *call, union tce_argument *out);
long tce_model_remove(struct tce_model *m, unsigned int c,
                      const struct tce_call *call);
/* 0 or -ENOMEM. */
long tce_model_charge(struct tce_model *m, unsigned long pages);
long tce_model_default(struct tce_model *m, unsigned int c);
/* All entries of a window go. */
void tce_model_clear(struct tce_model *m, unsigned int c, unsigned int window);
/* Which the container has; NULL: none. */
struct tce_entry *tce_model_entry(struct tce_model *m, unsigned int c,
                                  uint64_t iova);
void tce_model_drop(struct tce_model *m, struct tce_entry *e);
/* A region's user goes; the last one takes it away unless it is mapped. */
void tce_model_put(struct tce_model *m, struct tce_region *r);

static inline bool tce_strict(const struct tce_model *m)
{
	return m->contract == IOAS_CONTRACT_STRICT;
}

/* Can so many bytes of the argument be read? */
static inline bool tce_reads(const struct tce_call *call, size_t bytes)
{
	return (call->place == AT_MEMORY || call->place == AT_READ_ONLY) &&
	       call->bytes >= bytes;
}

/* ---- What is there after a row ---- */

#define TCE_TEXT 1024

#define TCE_PROBES 6

/*
 * Where a device is asked to: where the call was about, what it changed, and
 * a page of each kind that is mapped. All that is mapped takes too long.
 */
struct tce_probes {
	bool none; /* no device is opened */
	unsigned int count;
	uint64_t iova[TCE_PROBES];
};

/* Is there a device at all? */
bool tce_looks(const struct tce_row *row);
void tce_probe(const struct tce_row *row, struct tce_model *before,
               struct tce_model *after, struct tce_probes *ret_probes);
/*
 * Takes out what the emulated host bridges of PowerNV cannot tell. They look at
 * those bits of an address that the table has entries for, and so find the
 * window again behind its end.
 */
void tce_probe_inside(const struct tce_model *after, struct tce_probes *probes);
/*
 * Calls that show it, and what the device of group 1 reaches by DMA:
 *
 *	dma 3:3rw 20:6r ... u=ANSWER o=ANSWER r=ANSWER,ANSWER
 *
 * IOVA and page of memory, in pages; whether UNREGISTER of the states' region
 * works, and REGISTER of a part of it after that; REMOVE of both windows.
 */
void tce_after(struct abi_world *w, const struct tce_probes *probes,
               char text[TCE_TEXT]);
void tce_model_after(struct tce_model *m, const struct tce_probes *probes,
                     char text[TCE_TEXT]);
/* Before a row: what tells pages from each other, and from those of others. */
void tce_mark(const struct abi_world *w);

#define TCE_AFTER_CALLS 4
extern const struct tce_call tce_after_call[TCE_AFTER_CALLS];

long tce_do(struct abi_world *w, const struct tce_call *call, char *at);

#endif /* TCE_H */
