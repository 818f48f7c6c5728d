/* SPDX-License-Identifier: MIT */
#include "watch/seen.h"

#include <stddef.h>

#define PROBES 64

struct ioas_seen_cause *ioas_seen_find(struct ioas_seen *seen, uint64_t key)
{
	uint64_t at = key ^ key >> 32;
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct ioas_seen_cause *cause =
			&seen->cause[(at + i) & (IOAS_SEEN_MAX - 1)];
		uint64_t found = 0;

		/* The one who puts the key in reports; counts follow. */
		if (ioas_a64_cas(&cause->key, &found, key) || found == key)
			return cause;
	}
	return NULL;
}
