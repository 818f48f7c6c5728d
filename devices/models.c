/* SPDX-License-Identifier: MIT */
/* A new model is one line here, one in models.h and one in meson.build. */
#include "models.h"

const struct ioas_model *const ioas_models[] = {
	&ioas_nvme_model,
	&ioas_edu_model,
	&ioas_ioat_model,
	NULL,
};
