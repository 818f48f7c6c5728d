/* SPDX-License-Identifier: MIT */
#include "base/hooks.h"

struct ioas_hooks ioas_hooks;
