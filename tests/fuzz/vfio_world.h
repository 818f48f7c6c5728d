/* SPDX-License-Identifier: MIT */
/*
 * A VFIO for the fuzzer: a machine, a front end whose descriptors are places
 * in an array, and an observer that keeps the mappings it is told of. It ends
 * the process when the interface uses its front end wrongly: an event that it
 * does not hold, a group that it has not claimed.
 *
 * Groups 1 and 2 have a device that does DMA when it is told to, group 3 one
 * with nothing but a small BAR.
 */
#ifndef VFIO_WORLD_H
#define VFIO_WORLD_H

#include "base/event.h"
#include "fuzz.h"
#include "uapi/abi.h"
#include "uapi/vfio.h"

#define FILES       16 /* descriptors from 0 on */
#define EVENT_FD    32 /* EVENTS descriptors from here on are events */
#define EVENTS      4
#define WATCHED     8   /* watchers of one event; Linux has no such limit */
#define OTHER_FD    40  /* a descriptor of something else */
#define HANDLE      100 /* the handle of event 0 */
#define GROUPS      3
#define LIVE_MAX    (GROUPS * ENTRY_LIMIT)
#define ENTRY_LIMIT 100

struct live_area {
	unsigned int space, perm;
	struct iova_range range;
};

struct vfio_world {
	struct ioas_machine *machine;
	struct ioas_vfio *vfio;
	struct ioas_file *file[FILES];
	unsigned long version[FILES]; /* of the container's back end */
	unsigned int held[EVENTS];    /* how often event_get() gave it */
	bool claimed[GROUPS + 1];
	struct ioas_watcher *watched[EVENTS][WATCHED];

	/* What the front end and the device answer; 0: as usual. */
	int install_says, claim_says, create_says;

	struct live_area live[LIVE_MAX];
	unsigned int areas;
	/* Of the last call. */
	unsigned int maps, unmaps;
	uint64_t unmapped; /* bytes */
	/* What UNMAP_DMA may unmap, and mappings that only begin in there. */
	bool in_unmap, allowed_cuts;
	struct iova_range allowed;

	int dma_result;
	uint8_t dma_buffer[64];
};

extern struct vfio_world world;

void world_begin(uint64_t memlock_pages, uint64_t entry_limit);
/* Closes every file, and looks for what is left. */
void world_end(void);

/* Return: descriptor, or -errno. */
long world_open_container(void);
long world_open_group(unsigned int group);
void world_close(unsigned int fd);

/* The program raises an event that is watched, or one that is not. */
void world_raise(unsigned int event);

/* Is all of [iova, iova + bytes) mapped for @perm, in one space or another? */
bool world_is_mapped(uint64_t iova, uint64_t bytes, unsigned int perm);

#endif /* VFIO_WORLD_H */
