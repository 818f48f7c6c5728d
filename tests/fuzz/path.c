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

#define FOLDER(path_, n)                                              \
	{                                                             \
		.path = (path_), .kind = IOAS_ENTRY_DIR, .group = (n) \
	}
#define ABOVE(path_)                                      \
	{                                                 \
		.path = (path_), .kind = IOAS_ENTRY_ABOVE \
	}
#define PLAIN(path_, n)                                                \
	{                                                              \
		.path = (path_), .kind = IOAS_ENTRY_FILE, .group = (n) \
	}
#define LINK(path_, n, to, there)                                       \
	{                                                               \
		.path = (path_), .kind = IOAS_ENTRY_LINK, .group = (n), \
		.text = (to), .leads_to = (there)                       \
	}

#define DEVICES "/sys/bus/pci/devices"
#define DRIVER  "/sys/bus/pci/drivers/vfio-pci"
#define GROUPS  "/sys/kernel/iommu_groups"
#define TYPE1   "/sys/module/vfio_iommu_type1"

/* clang-format off */
#define FUNCTION(bus, bdf, n)                                             \
	LINK(DEVICES "/" bdf, n, "../../../devices/" bus "/" bdf,         \
	     "/sys/devices/" bus "/" bdf),                                \
	LINK(DRIVER "/" bdf, n, "../../../../devices/" bus "/" bdf,       \
	     "/sys/devices/" bus "/" bdf),                                \
	FOLDER("/sys/devices/" bus, n),                                   \
	IN_DEVICE("/sys/devices/" bus "/" bdf, n, #n),                    \
	FOLDER(GROUPS "/" #n, n), FOLDER(GROUPS "/" #n "/devices", n),    \
	PLAIN(GROUPS "/" #n "/type", n),                                  \
	PLAIN(GROUPS "/" #n "/reserved_regions", n),                      \
	LINK(GROUPS "/" #n "/devices/" bdf, n,                            \
	     "../../../../devices/" bus "/" bdf,                          \
	     "/sys/devices/" bus "/" bdf),                                \
	{.path = "/dev/vfio/" #n, .kind = IOAS_ENTRY_GROUP, .group = (n)}

#define IN_DEVICE(at, n, name)                                            \
	FOLDER(at, n), PLAIN(at "/vendor", n), PLAIN(at "/device", n),    \
	PLAIN(at "/subsystem_vendor", n),                                 \
	PLAIN(at "/subsystem_device", n), PLAIN(at "/class", n),          \
	PLAIN(at "/revision", n), PLAIN(at "/irq", n),                    \
	PLAIN(at "/numa_node", n), PLAIN(at "/enable", n),                \
	PLAIN(at "/modalias", n), PLAIN(at "/uevent", n),                 \
	PLAIN(at "/resource", n), PLAIN(at "/config", n),                 \
	PLAIN(at "/driver_override", n), FOLDER(at "/power", n),          \
	PLAIN(at "/power/control", n),                                    \
	PLAIN(at "/power/runtime_status", n),                             \
	LINK(at "/driver", n, "../../../bus/pci/drivers/vfio-pci",        \
	     DRIVER),                                                     \
	LINK(at "/iommu_group", n, "../../../kernel/iommu_groups/" name,  \
	     GROUPS "/" name),                                            \
	LINK(at "/subsystem", n, "../../../bus/pci", "/sys/bus/pci")

/* The entries of the machine that new_machine() makes. */
static const struct entry {
	const char *path;
	enum ioas_entry_kind kind;
	unsigned int group;
	const char *text; /* of a link, and where it leads */
	const char *leads_to;
} entries[] = {
	FUNCTION("pci0000:01", "0000:01:00.0", 1),
	FUNCTION("pci0000:02", "0000:02:00.0", 2),
	FUNCTION("pciabcd:ff", "abcd:ff:1f.7", 3),
	ABOVE(""), ABOVE("/dev"), ABOVE("/sys"), ABOVE("/sys/bus"),
	ABOVE("/sys/devices"), ABOVE("/sys/kernel"), ABOVE("/sys/module"),
	FOLDER("/sys/bus/pci", 0), FOLDER(DEVICES, 0),
	FOLDER("/sys/bus/pci/drivers", 0), FOLDER(DRIVER, 0),
	LINK(DRIVER "/module", 0, "../../../../module/vfio_pci",
	     "/sys/module/vfio_pci"),
	PLAIN(DRIVER "/bind", 0), PLAIN(DRIVER "/unbind", 0),
	PLAIN(DRIVER "/new_id", 0), PLAIN(DRIVER "/remove_id", 0),
	FOLDER(GROUPS, 0), FOLDER("/sys/module/vfio", 0),
	PLAIN("/sys/module/vfio/initstate", 0),
	FOLDER("/sys/module/vfio_pci", 0),
	PLAIN("/sys/module/vfio_pci/initstate", 0),
	FOLDER(TYPE1, 0), PLAIN(TYPE1 "/initstate", 0),
	FOLDER(TYPE1 "/parameters", 0),
	PLAIN(TYPE1 "/parameters/dma_entry_limit", 0),
	PLAIN(TYPE1 "/parameters/allow_unsafe_interrupts", 0),
	PLAIN(TYPE1 "/parameters/disable_hugepages", 0),
	FOLDER("/dev/vfio", 0),
	{.path = "/dev/vfio/vfio", .kind = IOAS_ENTRY_CONTAINER},
};
/* clang-format on */

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

static bool is_ours(const struct entry *e)
{
	return e && e->kind != IOAS_ENTRY_ABOVE;
}

static void go_down(struct plain *p, const char *part, size_t length)
{
	size_t at = strlen(p->path);
	bool was_ours = is_ours(find(p->path));

	p->path[at++] = '/';
	memcpy(p->path + at, part, length);
	p->path[at + length] = '\0';
	p->missing = was_ours && !find(p->path);
}

static void arrive(struct plain *p, bool follow)
{
	const struct entry *e = find(p->path);

	p->met |= is_ours(e);
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

/* Each name that is listed leads to what it is listed as. */
static void check_names(const struct ioas_machine *m, const char *path,
                        const struct ioas_entry *dir)
{
	char below[PATH_BYTES + 64];
	struct ioas_listed listed;
	struct ioas_entry e;
	unsigned int position = 0;

	while (ioas_machine_list(m, dir, &position, &listed)) {
		snprintf(below, sizeof(below), "%s/%s", path, listed.name);
		ioas_machine_entry(m, below, &e);
		fuzz_check(e.kind == listed.kind);
	}
}

static void check_content(const struct ioas_machine *m,
                          const struct ioas_entry *file)
{
	char *content;
	long n;

	if (file->kind != IOAS_ENTRY_FILE)
		return;
	content = malloc(IOAS_FILE_BYTES);
	if (!content)
		abort();
	n = ioas_machine_read(m, file, content);
	fuzz_check(n >= 0 && n <= (long)file->bytes);
	free(content);
}

static void check_entry(const struct ioas_machine *m, const char *path)
{
	const struct entry *e;
	struct ioas_entry is;
	struct plain p;

	ioas_machine_entry(m, path, &is);
	plain_walk(&p, path, false);
	e = p.missing || *path != '/' ? NULL : find(p.path);
	if (!e) {
		fuzz_check(is.kind ==
		           (p.missing ? IOAS_ENTRY_MISSING : IOAS_ENTRY_NONE));
		return;
	}
	fuzz_check(is.kind == e->kind);
	fuzz_check(is.group == e->group);
	fuzz_check(!is.mode == (is.kind == IOAS_ENTRY_ABOVE));
	fuzz_check(!(is.mode & ~0777u));
	fuzz_check(!strcmp(is.text, e->text ? e->text : ""));
	check_names(m, path, &is);
	check_content(m, &is);
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
	if (leads && is_ours(find(wanted)))
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
