/* SPDX-License-Identifier: MIT */
/*
 * A target with a planted defect, a few mutations away from its one seed: the
 * test of the driver is that it finds it.
 */
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_check(size < 3 || memcmp(data, "XYZ", 3) != 0);
	return 0;
}
