/* SPDX-License-Identifier: MIT */
#include "preload/snapshot.h"

#include <inttypes.h>

#include "base/hooks.h"
#include "preload/arch.h"
#include "preload/modules.h"
#include "preload/say.h"
#include "preload/sites.h"
#include "preload/wrap.h"

/* Words of the stack: the frames of some callers. */
#define WORDS 240

/* Where there is less, the stack ends at the end of a piece. */
#define PIECE 8

struct snapshot {
	uint64_t value[IOAS_ARCH_REGISTERS];
	uint64_t at;
	uint64_t word[WORDS];
	unsigned int words;
};

static void take(const ucontext_t *context, struct snapshot *s)
{
	const char *at;

	ioas_arch_registers(context, s->value);
	s->at = ioas_arch_sp(context) & ~(uint64_t)7;
	at = (const char *)(uintptr_t)s->at;
	for (s->words = 0; s->words < WORDS; s->words += PIECE)
		if (ioas_hooks.copy(s->word + s->words, at + 8 * s->words,
		                    PIECE * sizeof(s->word[0])))
			return;
}

/* Files that any word may lead into: others have no part in the stack. */
static bool send_modules(const struct snapshot *s)
{
	unsigned int i;

	for (i = 0; i < s->words; i++)
		if (!ioas_site_send_module(ioas_module_known(s->word[i])))
			return false;
	return true;
}

/* Two digits a byte, as the bytes lie in memory. */
static void add_bytes(struct ioas_text *text, const struct snapshot *s)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *byte = (const void *)s->word;
	size_t i;

	for (i = 0; i < s->words * sizeof(s->word[0]); i++) {
		text->at[text->used++] = digit[byte[i] >> 4];
		text->at[text->used++] = digit[byte[i] & 15];
	}
	text->at[text->used] = '\0';
}

static bool send(uint32_t finding, const struct snapshot *s)
{
	char record[512 + 2 * sizeof(s->word)];
	struct ioas_text text = {record, 0, sizeof(record)};
	unsigned int i;

	ioas_text_add(&text, "number=%x\nregisters=", finding);
	for (i = 0; i < IOAS_ARCH_REGISTERS; i++)
		ioas_text_add(&text, "%s%" PRIx64, i ? " " : "", s->value[i]);
	ioas_text_add(&text, "\nat=%" PRIx64 "\nbytes=", s->at);
	add_bytes(&text, s);
	ioas_text_add(&text, "\n");
	return ioas_say_tool(IOAS_RECORD_STACK, record);
}

bool ioas_snapshot_send(uint32_t finding)
{
	const ucontext_t *context = ioas_site_entry.context;
	struct snapshot snapshot;

	if (!context)
		return true;
	take(context, &snapshot);
	return send_modules(&snapshot) && send(finding, &snapshot);
}
