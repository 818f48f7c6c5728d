/* SPDX-License-Identifier: MIT */
/*
 * A second reader of page tables, written from what the architectures say of
 * their bits. It has nothing of src/pt, looks at bytes, and is strict: a bit
 * that has to be 0 and is not makes it say so.
 */
#ifndef PT_READER_H
#define PT_READER_H

#include <stdbool.h>
#include <stdint.h>

struct pt_reading {
	uint64_t phys;
	bool read, write;
	const char *wrong; /* what hardware would not bear, or NULL */
};

/* The registers that tell hardware what the tables are. */
struct pt_reader {
	bool (*read)(const struct pt_reader *reader, uint64_t at,
	             struct pt_reading *ret);
	unsigned int page_shift;
	unsigned int bits;       /* of the input, from base on */
	unsigned int levels;     /* tables on the way to a smallest page */
	unsigned int index_bits; /* TCE: of a table below the root */
	uint64_t root;           /* physical address */
	/* The bytes of a table there. */
	const uint8_t *(*table)(uint64_t phys);
};

bool pt_read_vtd(const struct pt_reader *reader, uint64_t at,
                 struct pt_reading *ret);
bool pt_read_amdv1(const struct pt_reader *reader, uint64_t at,
                   struct pt_reading *ret);
bool pt_read_stage1(const struct pt_reader *reader, uint64_t at,
                    struct pt_reading *ret);
bool pt_read_stage2(const struct pt_reader *reader, uint64_t at,
                    struct pt_reading *ret);
bool pt_read_tce(const struct pt_reader *reader, uint64_t at,
                 struct pt_reading *ret);

#endif /* PT_READER_H */
