/* SPDX-License-Identifier: MIT */
/*
 * What all processes of the run share (machine/sriov.h): a file in memory that
 * the tool made, opened through /proc and mapped. A forked child keeps both.
 *
 * Claims on places are locks of a byte of that file each, by a descriptor that
 * each process has for itself (F_OFD_SETLK): they end with the process, however
 * it ends. A forked child closes its copy of it. Threads of a process agree by
 * a word for each place.
 *
 * Sources: fcntl(2), open file description locks; proc_pid_fd(5).
 */
#ifndef IOAS_PRELOAD_SHARED_H
#define IOAS_PRELOAD_SHARED_H

#include "machine/machine.h"

/*
 * The machine looks at the file from now on. False: it cannot be had, and one
 * of this process's own is in its place, or nothing; which was said aloud.
 */
bool ioas_shared_begin(struct ioas_machine *machine);

/* As in struct ioas_front. */
int ioas_shared_take(unsigned int place);
void ioas_shared_give(unsigned int place);
bool ioas_shared_taken(unsigned int place);
void ioas_shared_wait(void);

/* Is it the file's descriptor, which forked children keep? */
bool ioas_shared_is(int fd);
/* An internal descriptor of here moves: was it one? */
bool ioas_shared_moved(int from, int to);
/* In a forked child: the claims are the parent's. */
void ioas_shared_forked(void);

#endif /* IOAS_PRELOAD_SHARED_H */
