/* SPDX-License-Identifier: MIT */
/*
 * What the files of the interface stand for, and how a call reaches its
 * handler. Between the files of src/uapi only; others use uapi/vfio.h.
 *
 *	file ---> container <--- group <--- file
 *	              |             |
 *	            iommu        vdevice <--- file, one for each open
 *	              |             |
 *	            space <--DMA--- device (pci)
 *
 * A container lives while a file or a group refers to it. A group is open from
 * the open of its file until that file and every file of its devices are
 * closed; so mappings outlive the descriptors of container and group for as
 * long as a device is open. The back end (iommu) is dropped with the last
 * group; a call that is inside it then finishes on it, and the last one out
 * destroys it.
 *
 * Locks, in the order in which they are taken:
 *	vfio->lock          who is open and what is attached to what
 *	vdevice->gate       interrupts and power state of one device
 *	space->lock, device->lock      (core)
 * The front end is called under the first (groups) or the second (events), and
 * never calls back from there. Its watchers (struct ioas_watcher) call on a
 * thread of its own and take the device's lock only: to end one, under the
 * gate, may wait for them.
 * Grace periods of detached devices are waited for under vfio->lock, since
 * "attached to nothing" must be true when it is released; those of unmap, and
 * the end of a back end, are waited for under no lock. Signals are blocked
 * wherever one of these locks is taken: a signal handler of the program may
 * make the same calls.
 *
 * Source: Linux 7.3 drivers/vfio/{container,group,vfio_main}.c
 */
#ifndef IOAS_UAPI_STATE_H
#define IOAS_UAPI_STATE_H

#include <ioas/window.h>

#include "base/atomic.h"
#include "base/event.h"
#include "base/lock.h"
#include "base/types.h"
#include "machine/machine.h"
#include "mem/mem.h"
#include "space/space.h"
#include "uapi/abi.h"
#include "uapi/vfio.h"
#include "window/glance.h"

/* Text for people, or objects of JSON, until there is no more room. */
struct ioas_lines {
	char *at;
	size_t room; /* with the zero at the end */
	bool json;
};

__attribute__((format(printf, 2, 3))) void
ioas_lines_add(struct ioas_lines *text, const char *format, ...);

/* What is behind a word for so many of it. */
static inline const char *ioas_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

struct ioas_call;
struct ioas_command;
struct ioas_container;
struct ioas_group;
struct ioas_iommu;

/* What the kinds of back end do each in their way; see iommu.c. */
struct ioas_iommu_ops {
	const struct ioas_command *commands; /* IOAS_VFIO_COMMANDS of them */
	/* Before anything else of a call, known or not: 0 or -errno. NULL: 0 */
	int (*admits)(const struct ioas_call *call);
	/* Under vfio->lock, before its devices are in the space. 0 or -errno */
	int (*attach)(struct ioas_iommu *iommu, struct ioas_group *group);
	/* Under vfio->lock, when its devices are in no space any more. */
	void (*detach)(struct ioas_iommu *iommu, struct ioas_group *group);
	/*
	 * Under vfio->lock: from now on @container has it, and shows what can
	 * be seen of it (quick.c); NULL: it has it no more. NULL as the
	 * function: there is nothing to see.
	 */
	void (*show)(struct ioas_iommu *iommu,
	             struct ioas_container *container);
	/* As ioas_iommu_doorbell(); NULL: -ENODEV. */
	int (*doorbell)(struct ioas_iommu *iommu, struct phys phys,
	                struct ioas_msi_doorbell *ret_doorbell);
	/* Tell of every mapping; @device may be NULL. */
	void (*tell_live)(struct ioas_iommu *iommu, enum ioas_event_kind kind,
	                  const struct ioas_device *device);
	/* What there is, for people; under vfio->lock. */
	void (*list)(struct ioas_iommu *iommu, struct ioas_lines *text);
	/* Tell why a map or unmap did nothing. */
	void (*tell_denied)(const struct ioas_call *call, uint32_t number,
	                    long ret);
	/* Nobody uses it. Cannot fail. */
	void (*destroy)(struct ioas_iommu *iommu);
};

/* The back end of a container. */
struct ioas_iommu {
	const struct ioas_iommu_ops *ops; /* constant */
	struct ioas_vfio *vfio;           /* constant */
	struct ioas_space *space;         /* its devices are in; constant */
	struct ioas_a64 users;            /* the container and calls inside */
};

/* What a machine has: which back ends, and how they are asked for. */
struct ioas_iommu_driver {
	/* What CHECK_EXTENSION answers with and without a back end. */
	long (*extension)(const struct ioas_vfio *vfio, bool is_on,
	                  unsigned long extension);
	int (*create)(struct ioas_vfio *vfio, unsigned long type,
	              struct ioas_iommu **ret_iommu);
	const struct ioas_command *commands; /* for their names */
};

/* An address space and the rules of type1. */
struct ioas_type1 {
	struct ioas_iommu iommu;
	unsigned long version; /* VFIO_TYPE1_IOMMU or v2; constant */
	uint64_t page_sizes;   /* bitmap; constant */
	struct ioas_msi_doorbells doorbells; /* all are in the space (MSI-4) */
	bool attached;          /* a group, once; under space->lock */
	uint64_t vaddr_invalid; /* areas; under space->lock */
	bool tracking;          /* dirty pages; under space->lock */
	bool marks;             /* by what devices wrote; constant */
};

/*
 * What can be seen of a container and its back end without a lock: quick.c.
 * There for as long as the process has state, whosever it is.
 */
struct ioas_shown {
	struct ioas_glance glance; /* of windows */
	struct ioas_a64 owner;     /* of these; process + 1 */
	struct ioas_a64 mark;      /* of the container's file; the front's */
	bool taken;                /* vfio->lock */
};

#define IOAS_SHOWN_MAX 32 /* containers beyond show nothing */

struct ioas_container {
	struct ioas_vfio *vfio;      /* constant */
	unsigned int users;          /* file and groups; vfio->lock */
	struct ioas_group *groups;   /* attached ones; vfio->lock */
	struct ioas_iommu *iommu;    /* or NULL; vfio->lock */
	struct ioas_a32 iommu_is_on; /* written under vfio->lock */
	struct ioas_container *next; /* of all; vfio->lock */
	struct ioas_shown *shown;    /* or NULL; constant */
};

struct ioas_group {
	struct ioas_vfio *vfio;              /* constant */
	unsigned int number;                 /* constant */
	char name[24];                       /* "group 1"; constant */
	bool open;                           /* until everything is closed */
	bool file_open;                      /* its own file */
	unsigned int users;                  /* devices that are open */
	const struct ioas_function *virtual; /* or NULL; constant */
	uint32_t changes; /* of virtual functions when it was opened */
	struct ioas_container *container; /* or NULL */
	struct ioas_group *next;          /* in the container */
	struct ioas_window_group window;  /* in the container's set */
};

struct ioas_vdevice {
	struct ioas_vfio *vfio;   /* constant */
	struct ioas_group *group; /* constant */
	unsigned int function;    /* of the machine; constant */
	struct ioas_device *dev;  /* while the group is open */
	unsigned int opens;       /* vfio->lock */

	struct ioas_lock gate;
	int error_event;             /* handles; under gate */
	int request_event;           /* under gate */
	struct ioas_watcher asked;   /* for a virtual function */
	struct ioas_a32 asked_event; /* handle + 1; written under gate */
	bool low_power;              /* under gate */
	int wake_event;              /* under gate */
	struct ioas_a32 wakeup; /* wake_event is there: 1; written under gate */
	struct ioas_watcher unmask; /* INTx; called with the gate held or not */
	int unmask_event;           /* under gate */
	struct ioas_ioeventfd *ioeventfds; /* under gate */
	unsigned int ioeventfd_count;      /* under gate */
};

/* Commands that have been told as unknown; see ioas_tell_unknown(). */
#define IOAS_UNKNOWN_MAX 64

struct ioas_vfio {
	struct ioas_machine *machine;   /* constant */
	const struct ioas_front *front; /* constant */
	unsigned int page_shift;        /* constant */
	uint64_t entry_limit;           /* constant */
	enum ioas_contract contract;    /* constant */
	bool dirty_written;             /* constant */
	struct ioas_mem_account account;
	struct ioas_mem mem;
	/* Registered memory, and who has it that nobody has: spapr*.c. */
	struct ioas_registry *registry; /* or NULL; written once, under lock */
	struct ioas_holder *orphans;    /* or NULL; the same */

	struct ioas_lock lock;
	struct ioas_container *containers; /* under lock */
	struct ioas_shown shown[IOAS_SHOWN_MAX];
	unsigned int group_count; /* constant */
	struct ioas_group group[IOAS_FUNCTIONS_MAX];
	struct ioas_vdevice device[IOAS_FUNCTIONS_MAX]; /* as in machine */

	/* Statistics: ordered with nothing. */
	struct ioas_a64 maps, unmaps, live, peak;
	struct ioas_a64 unknown[IOAS_UNKNOWN_MAX];
};

struct ioas_file {
	enum ioas_file_kind kind;
	struct ioas_vfio *vfio;
	union {
		struct ioas_container *container;
		struct ioas_group *group;
		struct ioas_vdevice *device;
		uint64_t dmabuf_bytes; /* constant */
	};
};

/* ---- How a call reaches its handler (file.c) ---- */

union ioas_argument {
	struct ioas_vfio_head head;
	struct vfio_group_status status;
	struct ioas_vfio_device_info device;
	struct vfio_region_info region;
	struct vfio_irq_info irq;
	struct ioas_vfio_irq_set irq_set;
	struct vfio_device_ioeventfd ioeventfd;
	struct ioas_vfio_hot_reset hot_reset;
	struct ioas_vfio_type1_info type1;
	struct vfio_iommu_type1_dma_map map;
	struct ioas_vfio_unmap unmap;
	struct ioas_spapr_memory spapr_memory;
	struct ioas_spapr_window spapr_window;
	struct ioas_spapr_remove spapr_remove;
	struct ioas_eeh_op eeh;
};

struct ioas_call {
	struct ioas_file *file;
	struct ioas_iommu *iommu; /* commands of the back end only */
	unsigned long value;      /* the argument as a number */
	struct uaddr at;          /* and as an address of the program */
	union ioas_argument in;   /* the first `min` bytes there */
};

enum ioas_command_flag {
	IOAS_COMMAND_LOCK_FREE = 1 << 0, /* takes no lock */
};

struct ioas_command {
	const char *name;
	uint32_t min;   /* bytes copied in, and the least argsz; 0: no argsz */
	uint32_t known; /* flags that may be set; the others are -EINVAL */
	unsigned int flags;
	long (*run)(struct ioas_call *call);
	int (*admits)(const struct ioas_call *call); /* first of all; or NULL */
};

/* One table for each kind of file, indexed by IOAS_COMMAND(number). */
extern const struct ioas_command ioas_container_commands[IOAS_VFIO_COMMANDS];
extern const struct ioas_command ioas_type1_commands[IOAS_VFIO_COMMANDS];
extern const struct ioas_command ioas_group_commands[IOAS_VFIO_COMMANDS];
extern const struct ioas_command ioas_device_commands[IOAS_VFIO_COMMANDS];
extern const struct ioas_command ioas_dmabuf_commands[IOAS_VFIO_COMMANDS];

/* The place of a command in such a table. */
#define IOAS_COMMAND(number) (_IOC_NR(number) - VFIO_BASE)

#define IOAS_ANY_FLAGS UINT32_MAX /* the field is written, not read */

/* The line of a number, or NULL. */
const struct ioas_command *
ioas_command_find(const struct ioas_command table[IOAS_VFIO_COMMANDS],
                  uint32_t number);
/* Copy in, argsz, flags, then the handler. */
long ioas_command_run(const struct ioas_command *command,
                      struct ioas_call *call);
/* A handler for what Linux answers with ENOTTY as well. */
long ioas_command_absent(struct ioas_call *call);
/* Tell why a call of the back end did nothing; its iommu may be NULL. */
void ioas_tell_denied(const struct ioas_call *call, uint32_t number, long ret);
/* Tell that a number has no handler, once for each kind of file. */
void ioas_tell_unknown(struct ioas_file *file, uint32_t number);

/* Between a call and the program's memory. Return: 0 or -EFAULT. */
int ioas_copy_in(void *to, struct uaddr from, size_t bytes);
int ioas_copy_out(struct uaddr to, const void *from, size_t bytes);

/* Wrapping sum: a bad pointer stays one and is found by the copy. */
static inline struct uaddr ioas_uaddr_add(struct uaddr at, uint64_t bytes)
{
	return (struct uaddr){at.raw + bytes};
}

struct ioas_file *ioas_file_create(struct ioas_vfio *vfio,
                                   enum ioas_file_kind kind);

/* ---- container.c: under vfio->lock ---- */

/* Return: 0 or what the back end's attach gave; nothing changed then. */
int ioas_container_add_locked(struct ioas_container *container,
                              struct ioas_group *group);
/*
 * Devices of the group do no DMA after this. A back end that went with the
 * last group is given back: ioas_iommu_put() it without the lock.
 */
struct ioas_iommu *ioas_container_remove_locked(struct ioas_group *group);
void ioas_container_put_locked(struct ioas_container *container);
/* Without the lock. NULL: no back end. */
struct ioas_iommu *ioas_container_iommu_get(struct ioas_container *container);

/* ---- group.c ---- */

struct ioas_group *ioas_group_find(struct ioas_vfio *vfio, unsigned int number);
/* -EBUSY, or what claim and the start of its devices gave. */
int ioas_group_open(struct ioas_group *group);
void ioas_group_close(struct ioas_group *group);
/*
 * The group, when nothing of it is open any more, leaves its container and is
 * released. As ioas_container_remove_locked().
 */
struct ioas_iommu *ioas_group_settle_locked(struct ioas_group *group);
/* The back end of its container, to be put; NULL: none. Without the lock. */
struct ioas_iommu *ioas_group_iommu_get(struct ioas_group *group);
/* Its devices, one after the other; @last NULL: the first. */
struct ioas_vdevice *ioas_group_device(struct ioas_group *group,
                                       struct ioas_vdevice *last);
/* What they are isolated with. */
static inline struct ioas_pe *ioas_group_pe(const struct ioas_group *group)
{
	return &group->vfio->machine->pe[group->number];
}

/* Every device of the group that has been made. */
void ioas_group_attach_locked(struct ioas_group *group,
                              struct ioas_space *space);

/* ---- name.c ---- */

#define IOAS_UUID_BYTES 16

/* What a program gives to prove that it may have a virtual function. */
struct ioas_vf_token {
	bool given;
	uint8_t uuid[IOAS_UUID_BYTES];
};

/*
 * Is @text the name, options behind it? 1 and *ret_token, 0, or -EINVAL: an
 * option that is unknown, given twice or malformed.
 */
int ioas_name_match(const char *text, const char *name,
                    struct ioas_vf_token *ret_token);

/* ---- sriov.c ---- */

/*
 * May the device be opened with this token, or without one? A token may become
 * that of a physical function. Return: 0, -EINVAL (it has no use for one),
 * -EACCES, or why no claim can be made.
 */
int ioas_vdevice_token(const struct ioas_vdevice *vdevice,
                       const struct ioas_vf_token *token);
bool ioas_vdevice_has_token(const struct ioas_vdevice *vdevice);
/* The token at @data is its token. 0 or -errno. */
long ioas_vdevice_token_set(struct ioas_call *call, struct uaddr data);
/*
 * A virtual function stays while it is in use. Return: 0 or -ENODEV (gone, or
 * about to go); of others always 0.
 */
int ioas_vdevice_use(const struct ioas_vdevice *vdevice);
void ioas_vdevice_unuse(const struct ioas_vdevice *vdevice);
/* Has its virtual function gone, maybe to come again, since it was opened? */
bool ioas_group_is_gone(const struct ioas_group *group);
uint32_t ioas_group_changes(const struct ioas_group *group);
/* A physical function shows how many it has. */
void ioas_vdevice_show_vfs(const struct ioas_vdevice *vdevice);
/*
 * From now on the request event of a virtual function is raised when it is
 * asked for. Under the gate. 0, also without an event, or -ENOMEM.
 */
int ioas_asked_begin(struct ioas_vdevice *vdevice);
void ioas_asked_end(struct ioas_vdevice *vdevice);

/* ---- device.c, reset.c, irqs.c, ioeventfd.c, feature.c, region.c ---- */

/* Return: 0 or -EINVAL (the group has no back end). */
int ioas_vdevice_open(struct ioas_vdevice *vdevice);
void ioas_vdevice_close(struct ioas_vdevice *vdevice);

/* Is vector table memory in this BAR? Then [*ret_first, *ret_end). */
bool ioas_vdevice_msix_table(const struct ioas_vdevice *vdevice,
                             unsigned int bar, uint64_t *ret_first,
                             uint64_t *ret_end);
/* Size of region @index, 0: not there. */
uint64_t ioas_region_size(const struct ioas_vdevice *vdevice,
                          unsigned int index);
/* May a program map this BAR? */
bool ioas_region_mappable(const struct ioas_vdevice *vdevice, unsigned int bar);

unsigned int ioas_vdevice_irq_count(const struct ioas_vdevice *vdevice,
                                    unsigned int index);
bool ioas_vdevice_has_error_irq(const struct ioas_vdevice *vdevice);
/* Are vectors of MSI-X added while some are on? */
bool ioas_irqs_grow(const struct ioas_vfio *vfio);
/* Every handle of the device is put. Nobody else uses the device. */
void ioas_irqs_put(struct ioas_vdevice *vdevice);
/* Put a handle, unless it is none. */
void ioas_event_put(struct ioas_vdevice *vdevice, int event);

/* An access other than entry into low power: it wakes the device up. */
void ioas_vdevice_wake(struct ioas_vdevice *vdevice);
/* Low power is over, as at the last close. */
void ioas_power_put(struct ioas_vdevice *vdevice);

/*
 * Watch the event behind @fd: 0 with *ret_event its handle, -EBADF, -EINVAL
 * or -ENOMEM. To be ended by ioas_watch_put(); IOAS_NO_EVENT is fine there.
 */
int ioas_watch_get(struct ioas_vdevice *vdevice, int fd,
                   struct ioas_watcher *watcher, int *ret_event);
void ioas_watch_put(struct ioas_vdevice *vdevice, int event,
                    struct ioas_watcher *watcher);

/* ioeventfd.c; as ioas_irqs_put(). */
void ioas_ioeventfds_put(struct ioas_vdevice *vdevice);
long ioas_device_ioeventfd(struct ioas_call *call);

/* Can it be reset without another? */
bool ioas_vdevice_resettable(const struct ioas_vdevice *vdevice);
long ioas_device_reset_call(struct ioas_call *call);
long ioas_device_hot_reset_info(struct ioas_call *call);
long ioas_device_hot_reset(struct ioas_call *call);

long ioas_device_set_irqs(struct ioas_call *call);
long ioas_device_feature(struct ioas_call *call);
/* logging.c: what the device wrote. @data: the feature's. */
bool ioas_vdevice_logs(const struct ioas_vdevice *vdevice);
long ioas_logging_start(struct ioas_call *call, struct uaddr data);
long ioas_logging_report(struct ioas_call *call, struct uaddr data);
/* A descriptor of pieces of a BAR. @data: struct vfio_device_feature_dma_buf */
long ioas_dmabuf_get(struct ioas_call *call, struct uaddr data);

ssize_t ioas_region_read(struct ioas_vdevice *vdevice, struct uaddr buffer,
                         size_t bytes, uint64_t position);
ssize_t ioas_region_write(struct ioas_vdevice *vdevice, struct uaddr buffer,
                          size_t bytes, uint64_t position);
int ioas_region_mmap(struct ioas_vdevice *vdevice, uint64_t bytes,
                     uint64_t position, struct ioas_bar_window *ret_window);

/* ---- iommu.c ---- */

/* As the machine of @vfio has it; constant. */
const struct ioas_iommu_driver *ioas_iommu_driver(const struct ioas_vfio *vfio);
/*
 * Where a device of the container reaches the doorbell at @phys; all that can
 * fail is done here. Without a lock. Return: 0, -ENOMEM, -EOVERFLOW, or -ENODEV
 * (it has no window).
 */
int ioas_iommu_doorbell(struct ioas_iommu *iommu, struct phys phys,
                        struct ioas_msi_doorbell *ret_doorbell);
/* One user more. */
void ioas_iommu_use(struct ioas_iommu *iommu);
/* Without a lock; the last one tells what is still mapped and ends it. */
void ioas_iommu_put(struct ioas_iommu *iommu); /* NULL is fine */
/* As MAP_DMA has it in its flags. */
static inline unsigned int ioas_map_perm(uint32_t flags)
{
	return (flags & VFIO_DMA_MAP_FLAG_READ ? IOAS_READ : 0) |
	       (flags & VFIO_DMA_MAP_FLAG_WRITE ? IOAS_WRITE : 0);
}

/* Statistics: so many mappings more, or less. */
void ioas_count_maps(struct ioas_vfio *vfio, uint64_t count);
void ioas_count_unmaps(struct ioas_vfio *vfio, uint64_t count);

/* ---- type1.c, type1_dirty.c, type1_info.c, type1_unmap.c ---- */

/*
 * create: 0, -EINVAL (no such version), -EPERM (interrupts are not isolated,
 * and that is not allowed), or what ioas_space_create() gave. attach: what a
 * group reserves becomes so; 0, -EBUSY (an invalid vaddr), -EINVAL (it hits a
 * mapping, or leaves nothing usable), -ENOMEM.
 */
extern const struct ioas_iommu_driver ioas_type1_driver;
/* spapr.c. create: 0, -EINVAL (EEH is no type), -ENOMEM; attach: spapr.h. */
extern const struct ioas_iommu_driver ioas_spapr_driver;

static inline struct ioas_type1 *ioas_type1_of(struct ioas_iommu *iommu)
{
	return ioas_container_of(iommu, struct ioas_type1, iommu);
}

/* denied.c: the rest of ioas_tell_denied(). */
void ioas_type1_tell_denied(const struct ioas_call *call, uint32_t number,
                            long ret);
long ioas_type1_get_info(struct ioas_call *call);
long ioas_type1_map(struct ioas_call *call);
long ioas_type1_unmap(struct ioas_call *call);

/* Are the kernel's plain mistakes to be made too? */
static inline bool ioas_vfio_is_exact(const struct ioas_vfio *vfio)
{
	return vfio->contract != IOAS_CONTRACT_STRICT;
}

/* Of a bitmap of dirty pages: that of 2^31 pages. */
#define IOAS_DIRTY_BITMAP_MAX UINT64_C(0x10000000)

/* Bytes in the smallest page, less one. */
static inline uint64_t ioas_type1_page_mask(const struct ioas_type1 *type1)
{
	return ioas_mask_lg2(type1->iommu.space->page_shift);
}

/* What a number that is too large gets: -EOVERFLOW, but not in Linux 6.12. */
int ioas_type1_overflow(const struct ioas_type1 *type1);
/* [first, first + size - 1], size not 0. Return: 0 or the above. */
int ioas_type1_range(const struct ioas_type1 *type1, uint64_t first,
                     uint64_t size, struct iova_range *ret_range);
/*
 * Linux 6.12 compares with an exclusive end, which for a range up to 2^64 - 1
 * is 0: it finds no mapping there.
 */
bool ioas_type1_is_blind(const struct ioas_type1 *type1,
                         struct iova_range range);
/* Does the range begin or end inside of a mapping? */
bool ioas_type1_cuts_locked(const struct ioas_type1 *type1,
                            struct iova_range range);

long ioas_type1_dirty_pages(struct ioas_call *call);
/* DIRTY_PAGES is for version 2: 0 or -EACCES. */
int ioas_type1_dirty_admits(const struct ioas_call *call);
/* A bitmap that a program gives, for @bytes of I/O addresses. 0 or -EINVAL. */
int ioas_type1_bitmap_check(const struct ioas_vfio_bitmap *bitmap,
                            uint64_t bytes);
/*
 * May such a bitmap be filled now: is tracking on, and are its pages those of
 * the IOMMU? 0 or -EINVAL.
 */
int ioas_type1_bitmap_fits_locked(const struct ioas_type1 *type1,
                                  const struct ioas_vfio_bitmap *bitmap);
/* What becomes of marks that are told, where there are marks. */
enum ioas_dirty_marks {
	IOAS_DIRTY_LOOK, /* nothing */
	IOAS_DIRTY_TAKE, /* they are gone */
	IOAS_DIRTY_LAST, /* and there will be no more: the area is removed */
};

/* Its part for @area; bit 0 stands for @base. Return: 0 or -EFAULT. */
int ioas_type1_bitmap_write_locked(const struct ioas_type1 *type1,
                                   struct ioas_area *area, struct uaddr bitmap,
                                   uint64_t base, enum ioas_dirty_marks marks);

#endif /* IOAS_UAPI_STATE_H */
