/* SPDX-License-Identifier: MIT */
/*
 * Mappings of the process, as the kernel tells them: /proc/self/maps. Slow (it
 * is read from its beginning each time), and right for the moment it is read:
 * for the rare case that memory in use by a device is given back.
 *
 * Source: proc(5)
 */
#ifndef IOAS_PRELOAD_VMAS_H
#define IOAS_PRELOAD_VMAS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>

/* Bytes in a page of the program. */
static inline uint64_t ioas_page_bytes(void)
{
	return getauxval(AT_PAGESZ);
}

struct ioas_vma {
	uint64_t first, last;
	int prot;
	bool shared;
	uint64_t offset; /* of first in the file */
	uint64_t device; /* of the file, as st_dev of stat(2) */
	uint64_t inode;  /* 0: no file */
};

/*
 * For each mapping that has a byte in [first, last], by address, as it is;
 * until @fn returns false. Allocates nothing.
 */
void ioas_vmas_each(uint64_t first, uint64_t last,
                    bool (*fn)(void *context, const struct ioas_vma *vma),
                    void *context);

/*
 * The path of the file that is mapped at @address, with " (deleted)" behind it
 * when it is. Returns its length; 0: none is. @bytes must hold the rest of the
 * line as well, about a hundred bytes.
 */
unsigned int ioas_vmas_path(uint64_t address, char *ret_path,
                            unsigned int bytes);

/*
 * The smallest page that a mapping with a byte in [first, last] is made of;
 * huge pages that the system put there by itself do not count. 0: not known.
 */
unsigned int ioas_vmas_page_shift(uint64_t first, uint64_t last);

#endif /* IOAS_PRELOAD_VMAS_H */
