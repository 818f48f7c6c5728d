/* SPDX-License-Identifier: MIT */
/*
 * Paths, and where they lead in a machine of three functions. Beside it walks
 * a plain model: it keeps the whole path as text, looks each prefix up in the
 * list of machine.h, written out for this machine, and must come to the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "machine/machine.h"

#define PATH_BYTES  2048
#define PARTS_KNOWN 32 /* deeper paths are none of a machine's */

static const struct ioas_model device = {
	.name = "d",
	.summary = "for the fuzzer",
	.function = {.vendor = 1, .device = 3, .bar = {{.size = 4096}}},
};

static const struct ioas_model *const models[] = {&device, NULL};

/* The entries of the machine that new_machine() makes. */
static const struct entry {
	const char *path;
	enum ioas_entry_kind kind;
	unsigned int group;
	const char *text;
	const char *leads_to;
} entries[] = {
#define FUNCTION(bdf, n)                                                       \
	{"/sys/bus/pci/devices/" bdf, IOAS_ENTRY_DIR, n, "", NULL},            \
		{"/sys/bus/pci/devices/" bdf "/iommu_group", IOAS_ENTRY_LINK,  \
	         n, "../../../../kernel/iommu_groups/" #n,                     \
	         "/sys/kernel/iommu_groups/" #n},                              \
		{"/sys/bus/pci/devices/" bdf "/subsystem", IOAS_ENTRY_LINK, n, \
	         "../../../../bus/pci", "/sys/bus/pci"},                       \
		{"/sys/kernel/iommu_groups/" #n, IOAS_ENTRY_DIR, n, "", NULL}, \
	{                                                                      \
		"/dev/vfio/" #n, IOAS_ENTRY_GROUP, n, "", NULL                 \
	}
	FUNCTION("0000:01:00.0", 1),
	FUNCTION("0000:02:00.0", 2),
	FUNCTION("abcd:ff:1f.7", 3),
	{"/dev/vfio", IOAS_ENTRY_DIR, 0, "", NULL},
	{"/dev/vfio/vfio", IOAS_ENTRY_CONTAINER, 0, "", NULL},
};

static struct ioas_machine *new_machine(void)
{
	char failure[IOAS_TEXT_MAX];
	struct ioas_machine *m;

	fuzz_check(!ioas_machine_create("intel", models, &m, failure));
	fuzz_check(!ioas_machine_add(m, "d", failure));
	fuzz_check(!ioas_machine_add(m, "d", failure));
	fuzz_check(!ioas_machine_add(m, "d,bdf=abcd:ff:1f.7", failure));
	return m;
}

/* ---- The plain model ---- */

struct plain {
	char path[2 * PATH_BYTES]; /* without "." and "..", "" for the root */
	bool met, missing;
};

static const struct entry *find(const char *path)
{
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(entries); i++)
		if (!strcmp(entries[i].path, path))
			return &entries[i];
	return NULL;
}

static void go_up(struct plain *p)
{
	char *slash = strrchr(p->path, '/');

	if (slash)
		*slash = '\0';
}

static void go_down(struct plain *p, const char *part, size_t length)
{
	size_t at = strlen(p->path);
	bool was_ours = find(p->path);

	p->path[at++] = '/';
	memcpy(p->path + at, part, length);
	p->path[at + length] = '\0';
	p->missing = was_ours && !find(p->path);
}

static void arrive(struct plain *p, bool follow)
{
	const struct entry *e = find(p->path);

	p->met |= e != NULL;
	if (follow && e && e->leads_to)
		strcpy(p->path, e->leads_to);
}

static unsigned int depth_of(const char *path)
{
	unsigned int n = 0;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

static void plain_walk(struct plain *p, const char *path, bool last)
{
	size_t length;

	memset(p, 0, sizeof(*p));
	while (*path == '/' && !p->missing) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (!length)
			break;
		if (length == 2 && !memcmp(path, "..", 2))
			go_up(p);
		else if (length != 1 || *path != '.')
			go_down(p, path, length);
		path += length;
		if (!p->missing)
			arrive(p, last || *path);
	}
}

/* ---- What must hold ---- */

static void check_entry(const struct ioas_machine *m, const char *path)
{
	const struct entry *e;
	struct ioas_entry is;
	struct plain p;

	ioas_machine_entry(m, path, &is);
	plain_walk(&p, path, false);
	e = p.missing ? NULL : find(p.path);
	if (!e) {
		fuzz_check(is.kind ==
		           (p.missing ? IOAS_ENTRY_MISSING : IOAS_ENTRY_NONE));
		return;
	}
	fuzz_check(is.kind == e->kind);
	fuzz_check(is.group == e->group);
	fuzz_check(is.mode && !(is.mode & ~0777u));
	fuzz_check(!strcmp(is.text, e->text));
}

/* Into a block of exactly @room bytes. */
static bool real_path(const struct ioas_machine *m, const char *path,
                      size_t room, const char *wanted)
{
	char *to = malloc(room ? room : 1);
	bool found;

	if (!to)
		abort();
	found = ioas_machine_realpath(m, path, to, room);
	fuzz_check(!found || !strcmp(to, wanted));
	free(to);
	return found;
}

static void check_realpath(const struct ioas_machine *m, const char *path)
{
	const char *wanted;
	struct plain p;
	size_t room;
	bool leads;

	plain_walk(&p, path, true);
	wanted = *p.path ? p.path : "/";
	room = strlen(wanted) + 1;
	leads = p.met && !p.missing && depth_of(p.path) <= PARTS_KNOWN;
	fuzz_check(real_path(m, path, room, wanted) == leads);
	fuzz_check(real_path(m, path, room + 7, wanted) == leads);
	fuzz_check(!real_path(m, path, room - 1, wanted));
	fuzz_check(!real_path(m, path, 0, wanted));
	/* Where it leads is where that leads. */
	if (leads && find(wanted))
		fuzz_check(real_path(m, wanted, room, wanted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioas_machine *m;
	char *path;

	if (size >= PATH_BYTES)
		return 0;
	fuzz_begin();
	path = malloc(size + 1);
	if (!path)
		abort();
	memcpy(path, data, size);
	path[size] = '\0';
	m = new_machine();
	check_entry(m, path);
	check_realpath(m, path);
	ioas_machine_destroy(m);
	free(path);
	fuzz_end();
	return 0;
}
