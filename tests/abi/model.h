/* SPDX-License-Identifier: MIT */
#ifndef ABI_MODEL_H
#define ABI_MODEL_H

#include <ioas/device.h>

extern const struct ioas_model *const abi_models[]; /* ends with NULL */

#endif /* ABI_MODEL_H */
