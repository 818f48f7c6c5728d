/* SPDX-License-Identifier: MIT */
/*
 * Paths over the synthetic tree (tree.c). A path is walked one part at a time,
 * as the kernel does: no copy of the path, no allocation, nothing that may not
 * run in a signal handler. The parts of the walk point into the path, into the
 * table or into the machine.
 *
 * Source: path_resolution(7) for the walk.
 */
#include <string.h>

#include "machine/tree.h"

#define PARTS_MAX 32 /* of a path; deeper ones are not ours */

struct part {
	const char *at;
	size_t length;
	struct ioas_place place; /* where it leads */
};

struct walk {
	const struct ioas_machine *machine;
	struct part part[PARTS_MAX];
	unsigned int depth; /* also above PARTS_MAX: the rest is only counted */
	bool met;           /* a synthetic entry, on the way or at the end */
	bool missing;       /* ours, and nothing is there */
};

/* A group can be opened by everyone, as after a udev rule that says so. */
static const unsigned int modes[] = {
	[IOAS_ENTRY_DIR] = 0755,   [IOAS_ENTRY_LINK] = 0777,
	[IOAS_ENTRY_FILE] = 0444,  [IOAS_ENTRY_CONTAINER] = 0666,
	[IOAS_ENTRY_GROUP] = 0666,
};

static bool equals(const struct part *part, const char *text)
{
	return strlen(text) == part->length &&
	       memcmp(text, part->at, part->length) == 0;
}

static enum ioas_entry_kind kind_of(struct ioas_place place)
{
	return place.node ? place.node->kind : IOAS_ENTRY_NONE;
}

static bool is_ours(struct ioas_place place)
{
	return kind_of(place) > IOAS_ENTRY_ABOVE;
}

/* ---- The walk ---- */

static bool next_part(const char **path, struct part *ret_part)
{
	const char *at = *path + strspn(*path, "/");

	ret_part->at = at;
	ret_part->length = strcspn(at, "/");
	*path = at + ret_part->length;
	return ret_part->length;
}

static struct ioas_place here(const struct walk *w)
{
	static const struct ioas_place outside;

	if (!w->depth)
		return ioas_tree_root();
	return w->depth <= PARTS_MAX ? w->part[w->depth - 1].place : outside;
}

/* Below an entry of ours there is nothing but what the table has. */
static void push(struct walk *w, struct part *part)
{
	struct ioas_place from = here(w);

	part->place = (struct ioas_place){NULL, NULL};
	if (from.node)
		part->place = ioas_tree_child(w->machine, from, part->at,
		                              part->length);
	if (w->depth < PARTS_MAX)
		w->part[w->depth] = *part;
	w->depth++;
	w->missing = is_ours(from) && !part->place.node;
}

static void move(struct walk *w, struct part *part)
{
	if (equals(part, "."))
		return;
	if (!equals(part, ".."))
		push(w, part);
	else if (w->depth)
		w->depth--;
	w->met |= is_ours(here(w));
}

/* A name for many in a link's target stands for that of the link's function. */
static void name_part(struct part *part, const struct ioas_function *f)
{
	const char *name = NULL;

	if (equals(part, IOAS_NODE_BDF))
		name = f->name;
	else if (equals(part, IOAS_NODE_GROUP))
		name = f->group_name;
	else if (equals(part, IOAS_NODE_BUS))
		name = f->bus_name;
	else if (equals(part, IOAS_NODE_PHYSICAL))
		name = f->physical->name;
	if (!name)
		return;
	part->at = name;
	part->length = strlen(name);
}

/* From the link at the end of the walk to what it points at: no more links. */
static void follow(struct walk *w, struct ioas_place link)
{
	const char *target = link.node->text;
	struct part part;

	w->depth--;
	while (!w->missing && next_part(&target, &part)) {
		name_part(&part, link.function);
		move(w, &part);
	}
}

/* @last: follow a link at the end as well. */
static void walk(struct walk *w, const char *path, bool last)
{
	struct part part;

	if (*path != '/')
		return;
	while (!w->missing && next_part(&path, &part)) {
		move(w, &part);
		if (kind_of(here(w)) == IOAS_ENTRY_LINK && (last || *path))
			follow(w, here(w));
	}
}

/* ---- What is asked ---- */

static char *append(char *to, const char *from, size_t length)
{
	memcpy(to, from, length);
	to[length] = '\0';
	return to + length;
}

static void write_target(struct ioas_place link, char *ret_text)
{
	const char *target = link.node->text;
	struct part part;

	while (next_part(&target, &part)) {
		name_part(&part, link.function);
		ret_text = append(ret_text, part.at, part.length);
		if (*target)
			ret_text = append(ret_text, "/", 1);
	}
}

static unsigned int bytes_of(struct ioas_place file)
{
	if (file.node->read == ioas_attribute_config)
		return ioas_attribute_config_bytes(file.function);
	return IOAS_FILE_BYTES; /* as sysfs says of every other */
}

void ioas_machine_entry(const struct ioas_machine *machine, const char *path,
                        struct ioas_entry *ret_entry)
{
	struct walk w = {.machine = machine};
	struct ioas_place place;

	memset(ret_entry, 0, sizeof(*ret_entry));
	walk(&w, path, false);
	place = here(&w);
	if (w.missing)
		ret_entry->kind = IOAS_ENTRY_MISSING;
	if (w.missing || !place.node || *path != '/')
		return;
	ret_entry->kind = place.node->kind;
	ret_entry->node = place.node;
	ret_entry->function = place.function;
	ret_entry->mode =
		place.node->mode ? place.node->mode : modes[ret_entry->kind];
	ret_entry->writable = place.node->setting != IOAS_SETTING_NONE;
	ret_entry->group = place.function ? place.function->group : 0;
	if (ret_entry->kind == IOAS_ENTRY_LINK)
		write_target(place, ret_entry->text);
	if (ret_entry->kind == IOAS_ENTRY_FILE)
		ret_entry->bytes = bytes_of(place);
}

bool ioas_machine_list(const struct ioas_machine *machine,
                       const struct ioas_entry *directory,
                       unsigned int *position, struct ioas_listed *ret_listed)
{
	struct ioas_place dir = {directory->node, directory->function}, next;

	if (directory->kind != IOAS_ENTRY_DIR &&
	    directory->kind != IOAS_ENTRY_ABOVE)
		return false;
	next = ioas_tree_next(machine, dir, position);
	if (!next.node)
		return false;
	ret_listed->name = ioas_tree_name(next);
	ret_listed->kind = next.node->kind;
	return true;
}

long ioas_machine_read(const struct ioas_machine *machine,
                       const struct ioas_entry *file, char *ret_content)
{
	struct ioas_attribute a = {machine, file->function, ret_content};
	size_t length;

	if (file->node->read)
		return file->node->read(&a);
	length = strlen(file->node->text);
	memcpy(ret_content, file->node->text, length);
	return (long)length;
}

static size_t length_of(const struct walk *w)
{
	size_t length = 1; /* the end */
	unsigned int i;

	for (i = 0; i < w->depth; i++)
		length += 1 + w->part[i].length;
	return w->depth ? length : 2;
}

bool ioas_machine_realpath(const struct ioas_machine *machine, const char *path,
                           char *ret_path, size_t bytes)
{
	struct walk w = {.machine = machine};
	char *end = ret_path;
	unsigned int i;

	walk(&w, path, true);
	if (w.missing || !w.met || w.depth > PARTS_MAX || length_of(&w) > bytes)
		return false;
	if (!w.depth)
		append(end, "/", 1);
	for (i = 0; i < w.depth; i++) {
		end = append(end, "/", 1);
		end = append(end, w.part[i].at, w.part[i].length);
	}
	return true;
}
