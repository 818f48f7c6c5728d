/* SPDX-License-Identifier: MIT */
/*
 * Where the program was when the MMIO handler interrupted it: registers and
 * the lower end of the stack, for the tool. It finds the callers by the files'
 * own unwind tables; in the handler nothing is unwound.
 */
#ifndef IOAS_PRELOAD_SNAPSHOT_H
#define IOAS_PRELOAD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For the finding of this number. Nothing is sent outside of the handler.
 * False: there is no tool.
 */
bool ioas_snapshot_send(uint32_t finding);

#endif /* IOAS_PRELOAD_SNAPSHOT_H */
