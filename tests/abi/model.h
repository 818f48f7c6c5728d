/* SPDX-License-Identifier: MIT */
#ifndef ABI_MODEL_H
#define ABI_MODEL_H

#include <stdbool.h>

#include <ioas/device.h>

/* Models "full" and "plain", and "fact1" to "fact3"; ends with NULL. */
extern const struct ioas_model *const abi_models[];

/* Make "fact1" to "fact3" after a file of facts. False: it said why not. */
bool abi_models_read(const char *path);

/* One line per fact, as backend_kernel.c prints them. False: it said why. */
bool abi_facts_read(const char *path, struct ioas_function_desc function[3]);

#endif /* ABI_MODEL_H */
