/* SPDX-License-Identifier: MIT */
/*
 * The table is read without a lock: a place is published by a release store
 * when it is whole, and constant after that. One writer at a time adds.
 */
#include "preload/modules.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/hooks.h"
#include "base/lock.h"
#include "host/host.h"
#include "preload/vmas.h"
#include "preload/wrap.h"

#define PATH_ROOM 4096

static struct ioas_lock lock; /* writers */
static struct ioas_aptr modules[IOAS_MODULES_MAX];
static struct ioas_a32 count;

struct ioas_module *ioas_module(uint16_t number)
{
	/* Pairs with the store in add(). */
	return number < IOAS_MODULES_MAX ? ioas_aptr_load(&modules[number])
	                                 : NULL;
}

static bool holds(const struct ioas_module *m, uint64_t address)
{
	return address >= m->first && address <= m->last;
}

uint16_t ioas_module_known(uint64_t address)
{
	/* The latest first: what was closed may have left its place. */
	uint32_t i = ioas_a32_load(&count);

	while (i--)
		if (holds(ioas_module((uint16_t)i), address))
			return (uint16_t)i;
	return IOAS_NO_MODULE;
}

/* ---- What the dynamic linker says of one. ---- */

static void find_code(const struct dl_phdr_info *info, struct ioas_module *m)
{
	unsigned int i;

	m->base = info->dlpi_addr;
	m->first = UINT64_MAX;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t first = m->base + p->p_vaddr;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		if (first < m->first)
			m->first = first;
		if (first + p->p_memsz > m->last)
			m->last = first + p->p_memsz - 1;
	}
}

static size_t padded(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

/* Among the notes in [at, at + left). */
static bool find_build(const char *at, size_t left, struct ioas_module *m)
{
	while (left >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)at;
		size_t name = padded(note->n_namesz);
		size_t all = sizeof(*note) + name + padded(note->n_descsz);

		if (all > left)
			return false;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
		    !memcmp(at + sizeof(*note), "GNU", 4)) {
			m->build_bytes = note->n_descsz < IOAS_BUILD_MAX
			                         ? note->n_descsz
			                         : IOAS_BUILD_MAX;
			memcpy(m->build, at + sizeof(*note) + name,
			       m->build_bytes);
			return true;
		}
		at += all;
		left -= all;
	}
	return false;
}

static void find_notes(const struct dl_phdr_info *info, struct ioas_module *m)
{
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const void *at =
			(const void *)(uintptr_t)(m->base + p->p_vaddr);

		if (p->p_type == PT_NOTE && find_build(at, p->p_memsz, m))
			return;
	}
}

/*
 * What the system adds to the name of a program that was replaced meanwhile.
 * The build id tells whether the file of that name is still the same.
 */
static size_t without_mark(const char *path, size_t length)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof(mark) - 1;

	return length > n && !memcmp(path + length - n, mark, n) ? length - n
	                                                         : length;
}

/*
 * The program itself has no name there; under the lock. Its file is not always
 * what was executed: that can be a loader, told to load it.
 */
static const char *program_path(uint64_t address)
{
	static char path[PATH_ROOM];
	size_t n;

	if (*path)
		return path;
	n = ioas_vmas_path(address, path, PATH_ROOM);
	path[without_mark(path, n)] = '\0';
	return path;
}

/* ---- Adding. ---- */

static bool same_file(const struct ioas_module *m,
                      const struct ioas_module *other, const char *path)
{
	return m->base == other->base && m->first == other->first &&
	       m->build_bytes == other->build_bytes &&
	       !memcmp(m->build, other->build, m->build_bytes) &&
	       !strcmp(m->path, path);
}

static uint16_t find_same(const struct ioas_module *wanted, const char *path)
{
	uint32_t i = ioas_a32_load(&count);

	while (i--)
		if (same_file(ioas_module((uint16_t)i), wanted, path))
			return (uint16_t)i;
	return IOAS_NO_MODULE;
}

static uint16_t add(const struct ioas_module *wanted, const char *path)
{
	uint32_t number = ioas_a32_load(&count);
	size_t length = strlen(path);
	struct ioas_module *m;

	if (number == IOAS_MODULES_MAX)
		return IOAS_NO_MODULE;
	m = ioas_hooks.alloc(sizeof(*m) + length + 1);
	if (!m)
		return IOAS_NO_MODULE;
	*m = *wanted;
	m->path = memcpy(m + 1, path, length + 1);
	/* Pairs with the load in ioas_module(). */
	ioas_aptr_store(&modules[number], m);
	ioas_a32_store(&count, number + 1);
	return (uint16_t)number;
}

static uint16_t number_of(const struct dl_phdr_info *info,
                          struct ioas_module *m)
{
	const char *path =
		*info->dlpi_name ? info->dlpi_name : program_path(m->first);
	uint16_t number;

	find_notes(info, m);
	number = find_same(m, path);
	return number != IOAS_NO_MODULE ? number : add(m, path);
}

struct search {
	const uint64_t *address;
	unsigned int count;
	uint16_t *module;
};

static int look(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct search *s = context;
	struct ioas_module m = {.base = 0};
	uint16_t number = IOAS_NO_MODULE;
	unsigned int i;

	(void)bytes;
	find_code(info, &m);
	for (i = 0; i < s->count; i++) {
		if (!holds(&m, s->address[i]))
			continue;
		if (number == IOAS_NO_MODULE)
			number = number_of(info, &m);
		s->module[i] = number;
	}
	return 0;
}

void ioas_modules_find(const uint64_t *address, unsigned int n,
                       uint16_t *ret_module)
{
	struct search search = {address, n, ret_module};
	struct ioas_signals saved;
	unsigned int i;

	for (i = 0; i < n; i++)
		ret_module[i] = IOAS_NO_MODULE;
	/* A handler of the program may get here as well. */
	ioas_hooks.signals_block(&saved);
	ioas_lock(&lock);
	dl_iterate_phdr(look, &search);
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&saved);
}

static int learn(struct dl_phdr_info *info, size_t bytes, void *context)
{
	static unsigned long long adds; /* under the lock */
	unsigned long long *now = context;
	struct ioas_module m = {.base = 0};

	(void)bytes;
	/* How often something was loaded: asked of the first, for all. */
	if (!*now && info->dlpi_adds == adds)
		return 1;
	*now = adds = info->dlpi_adds;
	find_code(info, &m);
	if (m.first < m.last)
		number_of(info, &m);
	return 0;
}

void ioas_modules_learn(void)
{
	struct ioas_signals saved;
	unsigned long long now = 0;

	ioas_hooks.signals_block(&saved);
	ioas_lock(&lock);
	dl_iterate_phdr(learn, &now);
	ioas_unlock(&lock);
	ioas_hooks.signals_restore(&saved);
}

void ioas_modules_forked(void)
{
	uint32_t i = ioas_a32_load(&count);

	ioas_lock_reset(&lock);
	while (i--) {
		struct ioas_module *m = ioas_module((uint16_t)i);

		/* Relaxed: a forked child has one thread. */
		if (m)
			ioas_a32_store_relaxed(&m->sent, 0);
	}
}
