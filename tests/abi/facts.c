/* SPDX-License-Identifier: MIT */
/*
 * Devices after the facts that backend_kernel.c prints of real ones, so that
 * rows meet the same numbers of vectors and the same sizes on both sides.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

/* A value of the file, and where it goes. */
struct fact {
	struct ioas_function_desc *function;
	uint64_t value;
};

static void set_vendor(const struct fact *f)
{
	f->function->vendor = (uint16_t)f->value;
}

static void set_device(const struct fact *f)
{
	f->function->device = (uint16_t)f->value;
}

static void set_subsystem_vendor(const struct fact *f)
{
	f->function->subsystem_vendor = (uint16_t)f->value;
}

static void set_subsystem_device(const struct fact *f)
{
	f->function->subsystem_device = (uint16_t)f->value;
}

static void set_class(const struct fact *f)
{
	f->function->class_code = (uint32_t)f->value;
}

static void set_revision(const struct fact *f)
{
	f->function->revision = (uint8_t)f->value;
}

static void set_pcie(const struct fact *f)
{
	f->function->pcie = f->value != 0;
}

static void set_intx(const struct fact *f)
{
	f->function->intx = f->value != 0;
}

static void set_msi(const struct fact *f)
{
	f->function->msi_vectors = (uint8_t)f->value;
}

static void set_msix(const struct fact *f)
{
	f->function->msix_vectors = (uint16_t)f->value;
}

/* As the capability has them: a BAR in the lowest bits, then an offset. */
static void set_msix_table(const struct fact *f)
{
	f->function->msix_bar = f->value & 7;
	f->function->msix_table = (uint32_t)f->value & ~7u;
}

static void set_msix_pba(const struct fact *f)
{
	f->function->msix_pba = (uint32_t)f->value & ~7u;
}

static void set_vfs(const struct fact *f)
{
	f->function->vfs_max = (uint16_t)f->value;
}

static const struct {
	const char *name;
	void (*set)(const struct fact *fact);
} names[] = {
	{"vendor", set_vendor},
	{"device", set_device},
	{"subsystem_vendor", set_subsystem_vendor},
	{"subsystem_device", set_subsystem_device},
	{"class", set_class},
	{"revision", set_revision},
	{"pcie", set_pcie},
	{"intx", set_intx},
	{"msi", set_msi},
	{"msix", set_msix},
	{"msix_table", set_msix_table},
	{"msix_pba", set_msix_pba},
	{"vfs", set_vfs},
};

/* "bar0" to "bar5": bytes; "kind0" to "kind5": low bits of the register */
static bool set_bar(const char *name, const struct fact *fact)
{
	struct ioas_bar_desc *bar;
	unsigned int n;

	if (sscanf(name, "bar%u", &n) == 1 && n < 6) {
		fact->function->bar[n].size = fact->value;
		return true;
	}
	if (sscanf(name, "kind%u", &n) != 1 || n >= 6)
		return false;
	bar = &fact->function->bar[n];
	bar->port = fact->value & 1;
	bar->is_64bit = (fact->value & 7) == 4;
	bar->prefetchable = (fact->value & 9) == 8;
	bar->port = fact->value & 1;
	return true;
}

static bool set_fact(const char *name, const struct fact *fact)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) != 0)
			continue;
		names[i].set(fact);
		return true;
	}
	return set_bar(name, fact);
}

bool abi_facts_read(const char *path, struct ioas_function_desc function[3])
{
	char line[128], name[32];
	unsigned int group, count = 0;
	struct fact fact;
	bool good = true;
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		return false;
	}
	while (good && fgets(line, sizeof(line), file)) {
		good = sscanf(line, "FACT %u %31s 0x%" SCNx64, &group, name,
		              &fact.value) == 3 &&
		       group >= 1 && group <= 3;
		if (!good)
			break;
		fact.function = &function[group - 1];
		good = set_fact(name, &fact);
		count++;
	}
	fclose(file);
	if (!good || !count)
		fprintf(stderr, "%s: not facts: %s\n", path, line);
	return good && count;
}
