/* SPDX-License-Identifier: MIT */
/* Every device model that comes with ioas. */
#ifndef IOAS_DEVICES_MODELS_H
#define IOAS_DEVICES_MODELS_H

#include <ioas/device.h>

extern const struct ioas_model *const ioas_models[]; /* ends with NULL */

extern const struct ioas_model ioas_edu_model;
extern const struct ioas_model ioas_ioat_model;
extern const struct ioas_model ioas_nvme_model;

#endif /* IOAS_DEVICES_MODELS_H */
