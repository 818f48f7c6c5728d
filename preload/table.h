/* SPDX-License-Identifier: MIT */
/* Between fds.c and dup.c: entries of the table of descriptors. */
#ifndef IOAS_PRELOAD_TABLE_H
#define IOAS_PRELOAD_TABLE_H

#include "preload/fds.h"

/* Put @entry (a handle, a mark, NULL); returns what was there. */
void *ioas_fd_swap(int fd, void *entry);
/* The handle, or NULL when the entry is none. */
struct ioas_handle *ioas_fd_handle_of(void *entry);
/* No entry above this was ever used. */
unsigned int ioas_fd_highest(void);

#endif /* IOAS_PRELOAD_TABLE_H */
