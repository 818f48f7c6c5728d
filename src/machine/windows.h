/* SPDX-License-Identifier: MIT */
/* For machine.c: what is behind the name of a profile. */
#ifndef IOAS_MACHINE_WINDOWS_H
#define IOAS_MACHINE_WINDOWS_H

#include "machine/machine.h"

/*
 * @options is empty or begins with a comma. Return: 0, or -EINVAL with a
 * sentence in ret_failure.
 */
int ioas_machine_windows_set(struct ioas_machine *machine, const char *options,
                             char *ret_failure);

#endif /* IOAS_MACHINE_WINDOWS_H */
