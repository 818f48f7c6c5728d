/* SPDX-License-Identifier: MIT */
/*
 * The string of GET_DEVICE_FD: the name of a device, and behind a space its
 * options, of which there is one.
 *
 *	0000:01:00.0
 *	0000:01:00.0 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258
 *
 * Spaces may be anywhere behind the name, and nowhere is one needed: an option
 * ends where its value does.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_core.c (vfio_pci_core_match),
 *         lib/uuid.c
 */
#include <errno.h>
#include <string.h>

#include "uapi/state.h"

#define UUID_TEXT 36 /* characters */
#define TOKEN     "vf_token="

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool has_dash(unsigned int i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

/* UUID_TEXT characters are there. Return: 0 or -EINVAL. */
static int uuid_parse(const char *text, uint8_t *ret_uuid)
{
	unsigned int i, digits = 0;
	uint8_t uuid[IOAS_UUID_BYTES] = {0};

	for (i = 0; i < UUID_TEXT; i++) {
		int digit = hex_digit(text[i]);

		if (has_dash(i) ? text[i] != '-' : digit < 0)
			return -EINVAL;
		if (has_dash(i))
			continue;
		uuid[digits / 2] = (uint8_t)(uuid[digits / 2] << 4 | digit);
		digits++;
	}
	memcpy(ret_uuid, uuid, sizeof(uuid));
	return 0;
}

/* Return: what is behind the option, or NULL: it is none, or one twice. */
static const char *take_option(const char *text, struct ioas_vf_token *token)
{
	const size_t length = strlen(TOKEN);

	if (token->given || strncmp(text, TOKEN, length) != 0)
		return NULL;
	text += length;
	if (strlen(text) < UUID_TEXT || uuid_parse(text, token->uuid))
		return NULL;
	token->given = true;
	return text + UUID_TEXT;
}

int ioas_name_match(const char *text, const char *name,
                    struct ioas_vf_token *ret_token)
{
	struct ioas_vf_token token = {.given = false};
	size_t length = strlen(name);

	if (strncmp(text, name, length) != 0)
		return 0;
	text += length;
	if (*text != '\0' && *text != ' ')
		return 0;
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		text = take_option(text, &token);
		if (!text)
			return -EINVAL;
	}
	*ret_token = token;
	return 1;
}
