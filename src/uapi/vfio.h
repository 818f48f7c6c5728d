/* SPDX-License-Identifier: MIT */
/*
 * The VFIO interface of Linux over the core: container, group and device
 * files. Everything here answers 0 (or a value) or -errno and knows nothing of
 * how the calls get in: a front end (preload) turns file descriptors into
 * files and calls these functions.
 *
 * Life of a file: the front end opens it, holds it as long as any descriptor
 * or BAR view refers to it, and releases it once, when no other call on it is
 * running (GRACE-1 of IOAS_GRACE_FILE).
 */
#ifndef IOAS_UAPI_VFIO_H
#define IOAS_UAPI_VFIO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/types.h"
#include "machine/machine.h"

struct ioas_file;

enum ioas_file_kind {
	IOAS_FILE_CONTAINER,
	IOAS_FILE_GROUP,
	IOAS_FILE_DEVICE,
	IOAS_FILE_DMABUF, /* pieces of a BAR, for who imports them */
};

/*
 * Whose answers. STRICT is the interface of Linux 7.3 without its plain
 * mistakes; the others are those kernels, mistakes included. Where they differ,
 * the code names the contract, and docs/DIFFERENCES.md what STRICT does else.
 */
enum ioas_contract {
	IOAS_CONTRACT_STRICT,
	IOAS_CONTRACT_LINUX_7_3,
	IOAS_CONTRACT_LINUX_6_12,
	IOAS_CONTRACT_NR
};

/* "strict", "linux-7.3", "linux-6.12" */
extern const char *const ioas_contract_name[IOAS_CONTRACT_NR];
/* By its name; false: there is none of that name. */
bool ioas_contract_find(const char *name, enum ioas_contract *ret_contract);

/* What is to be done when an event is raised by the program. */
struct ioas_watcher {
	void (*ready)(struct ioas_watcher *watcher);
};

#define IOAS_PLACES     (3 * IOAS_FUNCTIONS_MAX)
#define IOAS_PLACE_WAIT 10 /* ms */

/* What the interface asks of its front end. */
struct ioas_front {
	/*
	 * A new descriptor for @file, close-on-exec. -EMFILE, -ENFILE, -ENOMEM.
	 * On success the descriptor owns @file.
	 */
	int (*fd_install)(struct ioas_file *file);
	/*
	 * The file behind a descriptor of the program, for the length of the
	 * running call. 0 with *ret_file NULL: a descriptor of something else.
	 * -EBADF: not open.
	 */
	int (*fd_file)(int fd, struct ioas_file **ret_file);
	/* Keep the eventfd behind @fd: a handle >= 0, -EBADF or -EINVAL. */
	int (*event_get)(int fd);
	void (*event_put)(int handle);
	/*
	 * Whenever the event behind @handle is raised, by now or later, take
	 * its count and call watcher->ready() on a thread of the front end,
	 * with signals blocked. 0 or -ENOMEM. One watcher for a handle.
	 */
	int (*event_watch)(int handle, struct ioas_watcher *watcher);
	/* When it returns, ready() does not run and will not. */
	void (*event_unwatch)(int handle, struct ioas_watcher *watcher);
	/* One process of a run holds a group at a time: 0 or -EBUSY. */
	int (*group_claim)(unsigned int group);
	void (*group_release)(unsigned int group);
	/*
	 * Claims on places, for machines with virtual functions: one holder in
	 * all processes of the run, and an end with its process. take: 0,
	 * -EBUSY, or why the system cannot. wait: IOAS_PLACE_WAIT ms, for the
	 * next try.
	 */
	int (*place_take)(unsigned int place);
	void (*place_give)(unsigned int place);
	bool (*place_taken)(unsigned int place);
	void (*place_wait)(void);
	/*
	 * Ask the process that has the group for it; who watches the group that
	 * it has is told. As event_watch() and event_unwatch().
	 */
	void (*group_ask)(unsigned int group);
	int (*group_watch)(unsigned int group, struct ioas_watcher *watcher);
	void (*group_unwatch)(unsigned int group, struct ioas_watcher *watcher);
	/* Can the front end serve accesses through a mapping of a BAR now? */
	bool (*bars_mappable)(void);
	/*
	 * The smallest page that this memory of the program is made of, as a
	 * shift. NULL, or 0 as the answer: ordinary ones.
	 */
	unsigned int (*backing_shift)(uint64_t first, uint64_t last);
	/*
	 * Whose memory a call is about: a number for the process that makes
	 * it. NULL: it is always the same.
	 */
	uint64_t (*caller)(void);
	/* A sentence for the user, always shown. */
	void (*complain)(const char *text);
};

/* Linux's default; drivers/vfio/vfio_iommu_type1.c, dma_entry_limit */
#define IOAS_ENTRY_LIMIT 65535

struct ioas_backend;

struct ioas_vfio_config {
	struct ioas_machine *machine;
	const struct ioas_front *front;
	uint64_t memlock_pages; /* limit of pinned pages; UINT64_MAX: none */
	/* Asked at each map in place of it, unless NULL. Async-signal-safe. */
	uint64_t (*memlock_now)(void);
	/* What physical addresses are; NULL: the program's. */
	const struct ioas_backend *backend;
	unsigned int page_shift; /* of the program */
	uint64_t entry_limit;    /* mappings a container */
	enum ioas_contract contract;
	/*
	 * Dirty pages of type1 are those that devices wrote to, as in Linux
	 * where no group has an IOMMU of hardware; else all that are mapped.
	 */
	bool dirty_written;
};

struct ioas_vfio;

int ioas_vfio_create(const struct ioas_vfio_config *config,
                     struct ioas_vfio **ret_vfio);
void ioas_vfio_destroy(struct ioas_vfio *vfio);

/* open(2). -ENODEV, -EBUSY, -ENOMEM; a device that cannot start: its errno. */
int ioas_vfio_open_container(struct ioas_vfio *vfio,
                             struct ioas_file **ret_file);
int ioas_vfio_open_group(struct ioas_vfio *vfio, unsigned int group,
                         struct ioas_file **ret_file);

/* The last descriptor and the last BAR view are gone. Cannot fail. */
void ioas_file_release(struct ioas_file *file);

enum ioas_file_kind ioas_file_kind(const struct ioas_file *file);
/* The device behind a device file; the device's name for messages. */
struct ioas_device *ioas_file_device(const struct ioas_file *file);
/* "container", "group 1", "0000:01:00.0": for messages and /proc */
const char *ioas_file_name(const struct ioas_file *file);

/* The name of a command that exists on this kind of file, or NULL. */
const char *ioas_file_command(const struct ioas_vfio *vfio,
                              enum ioas_file_kind kind, unsigned long command);
long ioas_file_ioctl(struct ioas_file *file, unsigned long command,
                     unsigned long argument);
/*
 * Is this an UNMAP_DMA that unmaps nothing? Then 0 is its answer, and
 * ioas_file_ioctl() need not be asked; false says nothing. None takes a lock,
 * and signals need not be blocked. Fetch looks at memory of the program: false
 * where it is bad, or something unusual is asked for.
 */
struct ioas_unmap_try {
	uint64_t iova, bytes;
	uint64_t caller; /* + 1; 0: it is always the same */
};
bool ioas_unmap_fetch(unsigned long argument, struct ioas_unmap_try *ret_try);
bool ioas_file_unmaps_nothing(const struct ioas_file *file,
                              const struct ioas_unmap_try *try);
/*
 * The same without the file, which may go at any time: what there is to look at
 * (NULL: nothing) stays with the state, and is the file's as long as its mark
 * is. To be marked by 0 before the file is released.
 */
struct ioas_shown;
struct ioas_shown *ioas_file_shown(const struct ioas_file *file);
void ioas_file_mark(const struct ioas_file *file, uint64_t mark);
bool ioas_shown_unmaps_nothing(const struct ioas_shown *shown, uint64_t mark,
                               const struct ioas_unmap_try *try);
/* @buffer is an address of the program and may be bad. */
ssize_t ioas_file_read(struct ioas_file *file, struct uaddr buffer,
                       size_t bytes, uint64_t position);
ssize_t ioas_file_write(struct ioas_file *file, struct uaddr buffer,
                        size_t bytes, uint64_t position);
/* lseek(2) */
long ioas_file_seek(struct ioas_file *file, int64_t offset, int whence);

/* What a mapping of a device file shows. */
struct ioas_bar_window {
	unsigned int bar;
	uint64_t offset; /* in the BAR */
	uint64_t bytes;  /* whole program pages */
};

/* mmap(2): are these arguments fine, and which part of which BAR is it? */
int ioas_file_mmap(struct ioas_file *file, uint64_t bytes, int prot, int flags,
                   uint64_t position, struct ioas_bar_window *ret_window);

/*
 * write(2) to a file of /sys, at any position. Return: bytes, or the errno of
 * its store. May wait for other processes, and then blocks no signals. Outside
 * of any section.
 */
ssize_t ioas_vfio_write_attribute(struct ioas_vfio *vfio,
                                  const struct ioas_entry *entry,
                                  const char *text, size_t bytes);

/* Tell (as IOAS_EVENT_LIVE_AT_EXIT) every mapping that is alive. */
void ioas_vfio_tell_live(struct ioas_vfio *vfio);
/* Numbers for `ioas run --stats`. */
void ioas_vfio_stats(struct ioas_vfio *vfio, char *ret_text, size_t bytes);
/* What containers map, for `ioas run --map`. */
void ioas_vfio_map(struct ioas_vfio *vfio, char *ret_text, size_t bytes);
/* The same as objects of JSON, one on a line; see ioas-report(5). */
void ioas_vfio_map_json(struct ioas_vfio *vfio, char *ret_text, size_t bytes);

#endif /* IOAS_UAPI_VFIO_H */
