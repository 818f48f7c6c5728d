/* SPDX-License-Identifier: MIT */
#ifndef IOAS_PERM_H
#define IOAS_PERM_H

/** enum ioas_perm - what a device may do through a mapping. */
enum ioas_perm {
	IOAS_READ = 1 << 0,  /* the device may read memory */
	IOAS_WRITE = 1 << 1, /* the device may write memory */
};

#endif /* IOAS_PERM_H */
