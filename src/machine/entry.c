/* SPDX-License-Identifier: MIT */
/*
 * The entries of /sys and /dev that name the functions. A path is walked one
 * part at a time, as the kernel does, over a table of patterns: no copy of the
 * path, no allocation, nothing that may not run in a signal handler. The parts
 * of the walk point into the path, into the table or into the machine.
 *
 * Sources: Linux 7.3 drivers/pci/pci-sysfs.c and drivers/iommu/iommu.c for the
 * names, path_resolution(7) for the walk.
 */
#include <string.h>

#include "machine/machine.h"

#define PARTS_MAX   32 /* of a path; deeper ones are not ours */
#define PATTERN_MAX 6

struct part {
	const char *at;
	size_t length;
};

struct walk {
	const struct ioas_machine *machine;
	struct part part[PARTS_MAX];
	unsigned int depth; /* also above PARTS_MAX: the rest is only counted */
	bool met;           /* a synthetic entry, on the way or at the end */
	bool missing;       /* ours, and nothing is there */
};

/* In a pattern and a target: the address of a function; its group's number. */
#define BDF   "<bdf>"
#define GROUP "<group>"

struct pattern {
	enum ioas_entry_kind kind;
	const char *part[PATTERN_MAX];
	const char *target; /* of a link, from the folder it is in */
};

#define DEVICE "sys", "bus", "pci", "devices", BDF

static const struct pattern patterns[] = {
	{IOAS_ENTRY_DIR, {DEVICE}, NULL},
	{IOAS_ENTRY_LINK,
         {DEVICE, "iommu_group"},
         "../../../../kernel/iommu_groups/" GROUP},
	{IOAS_ENTRY_LINK, {DEVICE, "subsystem"}, "../../../../bus/pci"},
	{IOAS_ENTRY_DIR, {"sys", "kernel", "iommu_groups", GROUP}, NULL},
	{IOAS_ENTRY_DIR, {"dev", "vfio"}, NULL},
	{IOAS_ENTRY_CONTAINER, {"dev", "vfio", "vfio"}, NULL},
	{IOAS_ENTRY_GROUP, {"dev", "vfio", GROUP}, NULL},
};

/* A group can be opened by everyone, as after a udev rule that says so. */
static const unsigned int modes[] = {
	[IOAS_ENTRY_DIR] = 0755,
	[IOAS_ENTRY_LINK] = 0777,
	[IOAS_ENTRY_CONTAINER] = 0666,
	[IOAS_ENTRY_GROUP] = 0666,
};

static bool equals(const struct part *part, const char *text)
{
	return strlen(text) == part->length &&
	       memcmp(text, part->at, part->length) == 0;
}

/* What was found; function is NULL where the pattern names none. */
struct found {
	const struct pattern *pattern;
	const struct ioas_function *function;
};

/* The function that a part names by its address or by its group. */
static const struct ioas_function *
find_function(const struct ioas_machine *machine, const struct part *part,
              bool by_group)
{
	unsigned int i;

	for (i = 0; i < machine->function_count; i++) {
		const struct ioas_function *f = &machine->function[i];

		if (equals(part, by_group ? f->group_name : f->name))
			return f;
	}
	return NULL;
}

static bool match_part(const struct walk *w, const struct part *part,
                       const char *wanted, struct found *found)
{
	if (strcmp(wanted, BDF) == 0)
		found->function = find_function(w->machine, part, false);
	else if (strcmp(wanted, GROUP) == 0)
		found->function = find_function(w->machine, part, true);
	else
		return equals(part, wanted);
	return found->function;
}

static bool match(const struct walk *w, unsigned int depth,
                  const struct pattern *p, struct found *found)
{
	unsigned int i;

	*found = (struct found){p, NULL};
	for (i = 0; i < depth; i++) {
		if (!p->part[i] ||
		    !match_part(w, &w->part[i], p->part[i], found))
			return false;
	}
	return depth == PATTERN_MAX || !p->part[depth];
}

/* The entry at the first @depth parts. */
static bool find(const struct walk *w, unsigned int depth,
                 struct found *ret_found)
{
	unsigned int i;

	for (i = 0; depth <= PATTERN_MAX && i < IOAS_ARRAY_SIZE(patterns); i++)
		if (match(w, depth, &patterns[i], ret_found))
			return true;
	return false;
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

static void push(struct walk *w, const struct part *part)
{
	if (w->depth < PARTS_MAX)
		w->part[w->depth] = *part;
	w->depth++;
}

static void move(struct walk *w, const struct part *part)
{
	if (equals(part, "."))
		return;
	if (!equals(part, ".."))
		push(w, part);
	else if (w->depth)
		w->depth--;
}

/* From the link at the end of the walk to what it points at: no more links. */
static void follow(struct walk *w, const struct found *link)
{
	const char *target = link->pattern->target;
	struct part part;

	w->depth--;
	while (next_part(&target, &part)) {
		if (equals(&part, GROUP)) {
			part.at = link->function->group_name;
			part.length = strlen(part.at);
		}
		move(w, &part);
	}
}

/* Below an entry of ours there is nothing but what the table has. */
static void step(struct walk *w, const struct part *part, bool more)
{
	bool was_ours, is_ours;
	struct found found;
	unsigned int depth = w->depth;

	was_ours = find(w, depth, &found);
	move(w, part);
	is_ours = find(w, w->depth, &found);
	w->met |= is_ours;
	if (was_ours && !is_ours && w->depth > depth)
		w->missing = true;
	if (is_ours && more && found.pattern->kind == IOAS_ENTRY_LINK)
		follow(w, &found);
}

/* @last: follow a link at the end as well. */
static void walk(struct walk *w, const char *path, bool last)
{
	struct part part;

	if (*path != '/')
		return;
	while (!w->missing && next_part(&path, &part))
		step(w, &part, last || *path);
}

/* ---- What is asked ---- */

static char *append(char *to, const char *from, size_t length)
{
	memcpy(to, from, length);
	to[length] = '\0';
	return to + length;
}

static void write_target(const struct found *link, char *ret_text)
{
	const char *target = link->pattern->target;
	const char *group = strstr(target, GROUP);

	if (!group) {
		append(ret_text, target, strlen(target));
		return;
	}
	ret_text = append(ret_text, target, (size_t)(group - target));
	append(ret_text, link->function->group_name,
	       strlen(link->function->group_name));
}

void ioas_machine_entry(const struct ioas_machine *machine, const char *path,
                        struct ioas_entry *ret_entry)
{
	struct walk w = {.machine = machine};
	struct found found;

	memset(ret_entry, 0, sizeof(*ret_entry));
	walk(&w, path, false);
	if (w.missing)
		ret_entry->kind = IOAS_ENTRY_MISSING;
	if (w.missing || !find(&w, w.depth, &found))
		return;
	ret_entry->kind = found.pattern->kind;
	ret_entry->mode = modes[found.pattern->kind];
	ret_entry->group = found.function ? found.function->group : 0;
	if (found.pattern->target)
		write_target(&found, ret_entry->text);
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
