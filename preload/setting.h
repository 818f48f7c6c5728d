/* SPDX-License-Identifier: MIT */
/*
 * Files of the tree that can be written: sriov_numvfs and its like. One that
 * is open for that is a memfd with a name, as every file of the tree
 * (places.h), and a write to it goes to uapi and not into it.
 *
 * What passes by the wrappers (streams of the C library, copy_file_range) does
 * go into it, and is taken out where the program next comes by: fflush, fclose,
 * close, dup2 over it, exit. The error of what was written comes there.
 */
#ifndef IOAS_PRELOAD_SETTING_H
#define IOAS_PRELOAD_SETTING_H

#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "preload/places.h"

/* 0: this process never had one open. */
extern struct ioas_a32 ioas_settings;

/* Nearly always false. */
static inline bool ioas_setting_maybe(int fd)
{
	return __builtin_expect(ioas_a32_load_relaxed(&ioas_settings), 0) &&
	       ioas_place_maybe(fd);
}

/* A descriptor for writing, or -errno; the entry is writable. */
long ioas_setting_open(const struct ioas_found *found, int flags);

/* write(2). False: it is none; else *ret_result is bytes or -errno. */
bool ioas_setting_write(int fd, const struct iovec *part, int parts,
                        ssize_t *ret_result);
/* What passed by: 0, or the -errno of writing it. */
long ioas_setting_settle(int fd);
/* The same for a stream: what is in its buffer, too. */
long ioas_setting_settle_stream(FILE *stream);
/* All of them, at exit. */
void ioas_settings_settle(void);
/* Before: streams that the C library would flush too late to be seen. */
void ioas_settings_flush(void);
/* At load: those that were inherited. */
void ioas_settings_begin(void);

#endif /* IOAS_PRELOAD_SETTING_H */
