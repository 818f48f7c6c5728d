/* SPDX-License-Identifier: MIT */
/*
 * The state of this process: the machine, and VFIO over it. It is made when
 * the program first names something that could be ours, never at load time:
 * most processes of a run (shells, make, cc) never do, and a forked child
 * begins with none.
 */
#ifndef IOAS_PRELOAD_RUN_H
#define IOAS_PRELOAD_RUN_H

#include "machine/machine.h"
#include "uapi/vfio.h"

struct ioas_run {
	struct ioas_machine *machine;
	struct ioas_vfio *vfio;
};

/*
 * NULL: not part of a run, or the set-up failed (which was said aloud). Then
 * everything is the real system's.
 */
const struct ioas_run *ioas_run(void);

/* 0: this process has no state. */
extern struct ioas_a32 ioas_run_live;

/* The process is about to end; says what there is to say, once. */
void ioas_run_exit(void);

/* In a forked child, for the ways of forking that run no handlers. */
void ioas_run_forked(void);

#endif /* IOAS_PRELOAD_RUN_H */
