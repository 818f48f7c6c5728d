/* SPDX-License-Identifier: MIT */
/*
 * Which engine it is: id=, version=, xfercap=. Drivers go by the device's
 * identifier and by the version register, so both can be chosen, also in a
 * combination that was never built.
 *
 * Sources: Linux 7.3 include/linux/pci_ids.h and drivers/dma/ioat/init.c, DPDK
 * 22.11 drivers/dma/ioat/ioat_dmadev.c (identifiers).
 */
#include <errno.h>
#include <string.h>

#include "ioat/ioat.h"

#define XFERCAP_MIN 12 /* 4 KiB */
#define XFERCAP_MAX 31 /* 2 GiB: a size has 32 bits */

static const struct {
	uint16_t device;
	uint8_t version; /* of the real one */
} engines[] = {
	{0x2021, 0x33}, /* Xeon, Skylake */
	{0x0b00, 0x34}, /* Xeon, Ice Lake */
	/* Xeon, Broadwell: a function for each channel */
	{0x6f20, 0x33},
	{0x6f21, 0x33},
	{0x6f22, 0x33},
	{0x6f23, 0x33},
	{0x6f24, 0x33},
	{0x6f25, 0x33},
	{0x6f26, 0x33},
	{0x6f27, 0x33},
	{0x6f2e, 0x33},
	{0x6f2f, 0x33},
};

static const struct {
	const char *text, *hex;
	uint8_t version;
} versions[] = {
	{"3.2", "0x32", 0x32},
	{"3.3", "0x33", 0x33},
	{"3.4", "0x34", 0x34},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* "2021", "0x2021" or "8086:2021". Return: the device, or 0. */
static unsigned int parse_id(const char *text)
{
	unsigned int value = 0, i;

	if (!strncmp(text, "8086:", 5))
		text += 5;
	if (!strncmp(text, "0x", 2))
		text += 2;
	for (i = 0; i < 4 && digit(text[i]) < 16; i++)
		value = value << 4 | digit(text[i]);
	return i == 4 && !text[4] ? value : 0;
}

static int choose_engine(struct ioas_device *dev,
                         struct ioat_identity *identity)
{
	const char *text = ioas_device_option(dev, "id");
	unsigned int device = text ? parse_id(text) : engines[0].device;
	size_t i;

	for (i = 0; i < COUNT(engines); i++) {
		if (engines[i].device != device)
			continue;
		identity->device = engines[i].device;
		identity->version = engines[i].version;
		return 0;
	}
	ioas_device_fail(dev,
	                 "id=%.80s is no engine that is known here: write "
	                 "8086:2021, 8086:0b00, 8086:6f20 to 8086:6f27, "
	                 "8086:6f2e or 8086:6f2f",
	                 text);
	return -EINVAL;
}

static int choose_version(struct ioas_device *dev,
                          struct ioat_identity *identity)
{
	const char *text = ioas_device_option(dev, "version");
	size_t i;

	if (!text)
		return 0;
	for (i = 0; i < COUNT(versions); i++) {
		if (strcmp(text, versions[i].text) != 0 &&
		    strcmp(text, versions[i].hex) != 0)
			continue;
		identity->version = versions[i].version;
		return 0;
	}
	ioas_device_fail(dev,
	                 "version=%.80s is none: write version=3.2, "
	                 "version=3.3 or version=3.4",
	                 text);
	return -EINVAL;
}

static int choose_xfercap(struct ioas_device *dev,
                          struct ioat_identity *identity)
{
	uint64_t bytes = 1 << 20;
	int err = ioas_device_option_size(dev, "xfercap", &bytes);
	uint8_t lg2 = XFERCAP_MIN;

	if (err)
		return err;
	while (lg2 < XFERCAP_MAX && UINT64_C(1) << lg2 < bytes)
		lg2++;
	identity->xfercap_lg2 = lg2;
	if (UINT64_C(1) << lg2 == bytes)
		return 0;
	ioas_device_fail(dev,
	                 "xfercap=%.80s is no largest transfer: write a power "
	                 "of two from 4K to 2G",
	                 ioas_device_option(dev, "xfercap"));
	return -EINVAL;
}

int ioat_identify(struct ioas_device *dev, struct ioat_identity *ret_identity)
{
	struct ioat_identity identity = {0};
	int err = choose_engine(dev, &identity);

	if (!err)
		err = choose_version(dev, &identity);
	if (!err)
		err = choose_xfercap(dev, &identity);
	if (!err)
		err = ioas_device_option_time(dev, "recovery",
		                              &identity.recovery);
	if (!err)
		*ret_identity = identity;
	return err;
}
