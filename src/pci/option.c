/* SPDX-License-Identifier: MIT */
/* What a model asks about the options it was given, and its excuses. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pci/function.h"

const char *ioas_device_option(const struct ioas_device *dev, const char *key)
{
	unsigned int i;

	for (i = 0; i < dev->option_count; i++) {
		if (strcmp(dev->options[i].key, key) == 0)
			return dev->options[i].value;
	}
	return NULL;
}

void ioas_device_fail(struct ioas_device *dev, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(dev->failure, sizeof(dev->failure), format, args);
	va_end(args);
}

/* The value of a digit, 16 when it is none. Not by the locale. */
static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

/* Powers of 1024, in order; the first is no suffix. */
static const char suffixes[] = "KMGT";

/* It goes on being read after it is too large, to tell the two apart. */
int ioas_size_parse(const char *text, uint64_t *ret_bytes)
{
	unsigned int base = 10, shift = 0;
	const char *suffix;
	bool large = false;
	uint64_t n = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (digit(*text) >= base)
		return -EINVAL;
	for (; digit(*text) < base; text++) {
		large |= n > ((uint64_t)INT64_MAX - digit(*text)) / base;
		n = n * base + digit(*text);
	}
	if (*text) {
		suffix = strchr(suffixes, *text);
		if (!suffix || text[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (large || n > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret_bytes = n << shift;
	return 0;
}

int ioas_device_option_size(struct ioas_device *dev, const char *key,
                            uint64_t *ret_bytes)
{
	const char *text = ioas_device_option(dev, key);
	int err;

	if (!text)
		return 0;
	err = ioas_size_parse(text, ret_bytes);
	if (!err)
		return 0;
	if (err == -ERANGE)
		ioas_device_fail(dev,
		                 "%s=%.80s is too large: at most 2^63 - 1 "
		                 "bytes can be given",
		                 key, text);
	else
		ioas_device_fail(dev,
		                 "%s=%.80s is not a number of bytes: "
		                 "write decimal or 0x digits, then K, M, G, T "
		                 "or nothing, as in %s=64M",
		                 key, text, key);
	return -EINVAL;
}

#define HOUR UINT64_C(3600000000000)

static const struct {
	const char *text;
	uint64_t ns;
} units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
};

/* Return: the nanoseconds, or UINT64_MAX when it is no time. */
static uint64_t parse_time(const char *text)
{
	uint64_t n = 0;
	unsigned int i;

	if (digit(*text) >= 10)
		return UINT64_MAX;
	/* Beyond the largest it need not be exact. */
	for (; digit(*text) < 10; text++)
		n = n > HOUR ? n : n * 10 + digit(*text);
	for (i = 0; i < IOAS_ARRAY_SIZE(units); i++)
		if (strcmp(units[i].text, text) == 0)
			return n > HOUR / units[i].ns ? HOUR + 1
			                              : n * units[i].ns;
	return UINT64_MAX;
}

int ioas_device_option_time(struct ioas_device *dev, const char *key,
                            uint64_t *ret_ns)
{
	const char *text = ioas_device_option(dev, key);
	uint64_t ns;

	if (!text)
		return 0;
	ns = parse_time(text);
	if (ns <= HOUR) {
		*ret_ns = ns;
		return 0;
	}
	if (ns == UINT64_MAX)
		ioas_device_fail(dev,
		                 "%s=%.80s is not a time: write decimal "
		                 "digits, then ns, us, ms or s, as in %s=50us",
		                 key, text, key);
	else
		ioas_device_fail(dev,
		                 "%s=%.80s is too long: at most an hour can "
		                 "be given",
		                 key, text);
	return -EINVAL;
}
