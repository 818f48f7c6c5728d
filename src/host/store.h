/* SPDX-License-Identifier: MIT */
/*
 * The file behind a device. For the files of src/host only; the calls are
 * those of <ioas/device.h>.
 */
#ifndef IOAS_HOST_STORE_H
#define IOAS_HOST_STORE_H

#include <ioas/device.h>

#include "host/host.h"

struct ioas_store {
	int fd;
	long owner;    /* the process that opened and locked it */
	uint64_t size; /* when it was opened */
	char *pages;   /* all of it, to be read; or NULL */
};

/* Its size now, or -errno. Works for block devices as well. */
int64_t ioas_store_size_now(const struct ioas_store *store);

#endif /* IOAS_HOST_STORE_H */
