/* SPDX-License-Identifier: MIT */
/* Looking at what there is, and saying it: the core has no printf. */
#include <string.h>

#include "pt/visit.h"

struct looking {
	struct ioas_pt_visit visit;
	struct ioas_pt_looker *looker;
};

static int look_at(struct ioas_pt_visit *visit, struct ioas_pt_node *node,
                   unsigned int i, struct iova_range range)
{
	const struct looking *l = (const struct looking *)visit;
	const struct ioas_pt_format *f = visit->pt->format;
	uint64_t entry = ioas_pt_get(visit->pt, node, i);
	struct ioas_pt_says says = f->says(visit->pt, node->level, entry);
	uint64_t mask = ioas_mask_lg2(ioas_pt_shift_of(visit->pt, node->level));
	struct ioas_pt_piece piece = {
		.range = range,
		.phys = {says.phys + (range.first & mask)},
		.perm = says.perm,
		.asked = says.asked,
		.level = node->level,
		.entry = entry,
		.lost = f->kind(node->level, entry) == IOAS_PT_LOST,
	};

	piece.dirty = !piece.lost && f->is_dirty && f->is_dirty(entry);
	l->looker->look(l->looker, &piece);
	return 0;
}

void ioas_pt_each(struct ioas_pt *pt, struct iova_range range,
                  struct ioas_pt_looker *looker)
{
	struct looking l = {{pt, look_at}, looker};

	ioas_pt_visit(&l.visit, range);
}

/* ---- As text ---- */

struct dumping {
	struct ioas_pt_looker looker;
	struct ioas_pt_writer *writer;
	bool json;
	char text[320];
	size_t bytes;
};

static void say(struct dumping *d, const char *text)
{
	size_t bytes = strlen(text);

	memcpy(d->text + d->bytes, text, bytes);
	d->bytes += bytes;
}

static void say_number(struct dumping *d, uint64_t number)
{
	char text[] = "0x0000000000000000";
	unsigned int i;

	for (i = 17; number; i--, number >>= 4)
		text[i] = "0123456789abcdef"[number & 15];
	say(d, text);
}

static void say_perm(struct dumping *d, unsigned int perm)
{
	say(d, perm & IOAS_READ ? "r" : "-");
	say(d, perm & IOAS_WRITE ? "w" : "-");
}

static void say_text(struct dumping *d, const struct ioas_pt_piece *piece)
{
	const char level[] = {(char)('0' + piece->level), 0};

	say_number(d, piece->range.first);
	say(d, " - ");
	say_number(d, piece->range.last);
	say(d, "  ");
	say_perm(d, piece->perm);
	say(d, "  level ");
	say(d, level);
	say(d, piece->lost ? "  lost" : "  to ");
	if (!piece->lost)
		say_number(d, piece->phys.raw);
	say(d, piece->dirty ? "  dirty" : "");
	say(d, "  entry ");
	say_number(d, piece->entry);
	say(d, "\n");
}

static void say_member(struct dumping *d, const char *name, uint64_t number)
{
	say(d, name);
	say(d, "\"");
	say_number(d, number);
	say(d, "\"");
}

static void say_json(struct dumping *d, const struct ioas_pt_piece *piece)
{
	const char level[] = {(char)('0' + piece->level), 0};

	say_member(d, "{\"first\": ", piece->range.first);
	say_member(d, ", \"last\": ", piece->range.last);
	if (!piece->lost)
		say_member(d, ", \"phys\": ", piece->phys.raw);
	say(d, ", \"perm\": \"");
	say_perm(d, piece->perm);
	say(d, "\", \"asked\": \"");
	say_perm(d, piece->asked);
	say(d, "\", \"level\": ");
	say(d, level);
	say(d, piece->lost ? ", \"lost\": true" : ", \"lost\": false");
	say(d, piece->dirty ? ", \"dirty\": true" : ", \"dirty\": false");
	say_member(d, ", \"entry\": ", piece->entry);
	say(d, "}\n");
}

static void dump_one(struct ioas_pt_looker *looker,
                     const struct ioas_pt_piece *piece)
{
	struct dumping *d = (struct dumping *)looker;

	d->bytes = 0;
	if (d->json)
		say_json(d, piece);
	else
		say_text(d, piece);
	d->text[d->bytes] = 0;
	d->writer->line(d->writer, d->text, d->bytes);
}

void ioas_pt_dump(struct ioas_pt *pt, struct iova_range range, bool json,
                  struct ioas_pt_writer *writer)
{
	struct dumping d = {{dump_one}, writer, json, {0}, 0};

	ioas_pt_each(pt, range, &d.looker);
}
