/* SPDX-License-Identifier: MIT */
/* Findings to records and back, by one table of fields. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "watch/finding.h"

enum kind { NUMBER32, NUMBER64, STRING };

#define FIELD(kind, name, member)                                 \
	{                                                         \
		name, kind, offsetof(struct ioas_finding, member) \
	}
#define RANGE(name, member)                           \
	FIELD(NUMBER64, name ".first", member.first), \
		FIELD(NUMBER64, name ".last", member.last)
#define MAPPING(name, member) \
	RANGE(name, member.range), FIELD(NUMBER32, name ".perm", member.perm)
#define PIECE(name, index)               \
	RANGE(name, piece[index].range), \
		FIELD(NUMBER32, name ".fault", piece[index].fault)

static const struct field {
	const char *name;
	enum kind kind;
	size_t offset;
} fields[] = {
	FIELD(NUMBER32, "number", number),
	FIELD(NUMBER32, "space", space),
	FIELD(NUMBER32, "perm", perm),
	RANGE("range", range),
	FIELD(NUMBER64, "uaddr", uaddr),
	FIELD(NUMBER32, "window", window),
	FIELD(NUMBER32, "early", early),
	FIELD(STRING, "device", device),
	FIELD(STRING, "model", model),
	FIELD(STRING, "command", command),
	FIELD(STRING, "role", role),
	FIELD(NUMBER32, "queue", queue),
	FIELD(NUMBER32, "id", id),
	FIELD(NUMBER32, "pasid", pasid),
	FIELD(NUMBER32, "data", data),
	FIELD(NUMBER32, "vector", vector),
	FIELD(STRING, "victim", victim),
	FIELD(NUMBER32, "victim-vector", victim_vector),
	FIELD(NUMBER32, "raised", raised),
	FIELD(NUMBER32, "site.map", site_map),
	FIELD(NUMBER32, "site.gone", site_gone),
	FIELD(NUMBER32, "site.now", site_now),
	FIELD(NUMBER32, "site.registered", site_registered),
	FIELD(NUMBER64, "age", age_ns),
	FIELD(NUMBER32, "thread", thread),
	FIELD(NUMBER32, "same-thread", same_thread),
	FIELD(NUMBER32, "pieces", pieces),
	FIELD(NUMBER32, "more", more),
	PIECE("piece.0", 0),
	PIECE("piece.1", 1),
	PIECE("piece.2", 2),
	PIECE("piece.3", 3),
	MAPPING("at", at),
	MAPPING("below", below),
	MAPPING("above", above),
};

_Static_assert(IOAS_FINDING_PIECES == 4, "a line for each piece");

static void add_number(struct ioas_text *line, const char *name, uint64_t value)
{
	if (value)
		ioas_text_add(line, "%s=%" PRIx64 "\n", name, value);
}

/* A newline would end the field. */
static void add_string(struct ioas_text *line, const char *name,
                       const char *value)
{
	if (value && *value && !strchr(value, '\n'))
		ioas_text_add(line, "%s=%s\n", name, value);
}

static void add_field(struct ioas_text *line, const struct field *field,
                      const struct ioas_finding *finding)
{
	const char *at = (const char *)finding + field->offset;

	switch (field->kind) {
	case NUMBER32:
		add_number(line, field->name,
		           *(const uint32_t *)(const void *)at);
		break;
	case NUMBER64:
		add_number(line, field->name,
		           *(const uint64_t *)(const void *)at);
		break;
	case STRING:
		add_string(line, field->name,
		           *(const char *const *)(const void *)at);
	}
}

size_t ioas_finding_encode(const struct ioas_finding *finding, char *ret_record,
                           size_t room)
{
	struct ioas_text record = {ret_record, 0, room};
	size_t i;

	ioas_text_add(&record, "check=%s\n", ioas_checks[finding->check].name);
	for (i = 0; i < IOAS_ARRAY_SIZE(fields); i++) {
		char one[256];
		struct ioas_text line = {one, 0, sizeof(one)};

		add_field(&line, &fields[i], finding);
		if (line.used && one[line.used - 1] == '\n' &&
		    record.used + line.used < record.room)
			ioas_text_add(&record, "%s", one);
	}
	return record.used;
}

static bool take_check(const char *value, struct ioas_finding *ret_finding)
{
	unsigned int i;

	for (i = 0; i < IOAS_CHECK_NR; i++) {
		if (strcmp(ioas_checks[i].name, value) != 0)
			continue;
		ret_finding->check = (enum ioas_check_id)i;
		return true;
	}
	return false;
}

static void take_field(const struct field *field, const char *value,
                       struct ioas_finding *ret_finding)
{
	char *at = (char *)ret_finding + field->offset;

	switch (field->kind) {
	case NUMBER32:
		*(uint32_t *)(void *)at = (uint32_t)strtoul(value, NULL, 16);
		break;
	case NUMBER64:
		*(uint64_t *)(void *)at = strtoull(value, NULL, 16);
		break;
	case STRING:
		*(const char **)(void *)at = value;
	}
}

/* What is not known is of another version, and left alone. */
static void take_line(const char *name, const char *value,
                      struct ioas_finding *ret_finding)
{
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			take_field(&fields[i], value, ret_finding);
}

bool ioas_finding_decode(char *record, struct ioas_finding *ret_finding)
{
	char *next = record, *line, *value;
	bool known = false;

	memset(ret_finding, 0, sizeof(*ret_finding));
	while ((line = strsep(&next, "\n"))) {
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "check"))
			known = take_check(value, ret_finding);
		else
			take_line(line, value, ret_finding);
	}
	if (ret_finding->pieces > IOAS_FINDING_PIECES)
		ret_finding->pieces = IOAS_FINDING_PIECES;
	return known;
}
