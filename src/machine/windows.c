/* SPDX-License-Identifier: MIT */
/*
 * The profile of a machine as it is asked for: a name, and what is said of its
 * windows behind commas.
 *
 *	power9,dma32=1G,ddw=off
 *
 * dma32= is a property of the machine: where the hole for 32-bit registers
 * begins. It is up to 2 GiB, since what a program is told has 32 bits.
 */
#include "machine/windows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DMA32_LEAST (UINT64_C(1) << 20)
#define DMA32_MOST  (UINT64_C(1) << 31)

#define VALUE_MAX 32 /* bytes of a value, with its end */

/* Is it "KEY=value"? Then the value, up to the comma. */
static bool take(const char *text, size_t length, const char *key,
                 char ret_value[VALUE_MAX])
{
	size_t n = strlen(key);

	if (length <= n || memcmp(text, key, n) != 0 || text[n] != '=')
		return false;
	snprintf(ret_value, VALUE_MAX, "%.*s", (int)(length - n - 1),
	         text + n + 1);
	return true;
}

static int set_dma32(struct ioas_machine_windows *w, const char *value,
                     char *ret_failure)
{
	uint64_t bytes;

	if (ioas_size_parse(value, &bytes) || bytes & (bytes - 1) ||
	    bytes < DMA32_LEAST || bytes > DMA32_MOST)
		return ioas_machine_refuse(
			ret_failure, -EINVAL,
			"dma32=%s is not the size of a window: a power of two "
			"from 1M to 2G, as in dma32=1G",
			value);
	w->platform.default_bytes = bytes;
	return 0;
}

static int set_ddw(struct ioas_machine_windows *w, const char *value,
                   char *ret_failure)
{
	w->fixed = strcmp(value, "off") == 0;
	if (!w->fixed && strcmp(value, "on") != 0)
		return ioas_machine_refuse(ret_failure, -EINVAL,
		                           "ddw=%s is neither on nor off",
		                           value);
	return 0;
}

static int set_option(struct ioas_machine_windows *w, const char *text,
                      size_t length, char *ret_failure)
{
	char value[VALUE_MAX];

	if (take(text, length, "dma32", value))
		return set_dma32(w, value, ret_failure);
	if (take(text, length, "ddw", value))
		return set_ddw(w, value, ret_failure);
	return ioas_machine_refuse(ret_failure, -EINVAL,
	                           "a profile has no option '%.*s'; known: "
	                           "dma32=SIZE, ddw=on|off",
	                           (int)length, text);
}

int ioas_machine_windows_set(struct ioas_machine *machine, const char *options,
                             char *ret_failure)
{
	struct ioas_machine_windows *w = &machine->windows;
	const struct ioas_profile *profile = machine->profile;
	int err = 0;

	if (profile->platform) {
		w->platform = *ioas_platform_find(profile->platform);
		w->there = true;
		w->eeh = w->platform.rules == IOAS_RULES_POWERNV;
	} else if (*options) {
		return ioas_machine_refuse(
			ret_failure, -EINVAL,
			"profile %s has no windows, so it has no options",
			profile->name);
	}
	while (!err && *options++ == ',') {
		size_t length = strcspn(options, ",");

		err = set_option(w, options, length, ret_failure);
		options += length;
	}
	return err;
}
