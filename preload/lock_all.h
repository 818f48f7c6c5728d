/* SPDX-License-Identifier: MIT */
/*
 * mlockall(2) of what is mapped, less what we only reserve: the system would
 * bring that in as well, and it is 1 GiB for the tables of a space, 256 GiB for
 * a registry. So mapping by mapping; until one's turn comes, what is touched of
 * it is locked, and of what others map meanwhile.
 *
 * Source: mlockall(2); Linux 7.3 mm/mlock.c, mlockall.
 */
#ifndef IOAS_PRELOAD_LOCK_ALL_H
#define IOAS_PRELOAD_LOCK_ALL_H

/* @flags have MCL_CURRENT and not MCL_ONFAULT. Return: 0 or -errno. */
long ioas_lock_all(int flags);

#endif /* IOAS_PRELOAD_LOCK_ALL_H */
