/* SPDX-License-Identifier: MIT */
/*
 * `ioas map PID`: a process of a run with --map says what its containers map
 * when it is asked. It has a socket for that, and a thread that waits at it and
 * takes no other lock than those that listing takes at the end of the process.
 * Both are made when the first group is opened; without --map there are none.
 *
 *	tool: request --datagram--> socket of the process    (host/run.h)
 *	      whose user is it? --> ioas_vfio_map() --datagram--> tool
 *
 * Others than the process's own user, and root, get no answer.
 */
#ifndef IOAS_PRELOAD_ASK_H
#define IOAS_PRELOAD_ASK_H

/* A group is the process's. What cannot be had is not told: nobody asks. */
void ioas_ask_begin(void);
/* In a forked child: neither socket nor thread is here. */
void ioas_ask_forked(void);

#endif /* IOAS_PRELOAD_ASK_H */
