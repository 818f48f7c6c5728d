/* SPDX-License-Identifier: MIT */
/*
 * Names of variables, for traces: from the symbol table of the program itself,
 * which is linked at a fixed address. Objects are named by their number.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine.h"

static const char *image;

static const char *map_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static const Elf64_Sym *find_in(const Elf64_Shdr *section, uint64_t at)
{
	const Elf64_Sym *symbol = (const void *)(image + section->sh_offset);
	size_t i, n = section->sh_size / sizeof(*symbol);

	for (i = 0; i < n; i++)
		if (ELF64_ST_TYPE(symbol[i].st_info) == STT_OBJECT &&
		    at - symbol[i].st_value < symbol[i].st_size)
			return &symbol[i];
	return NULL;
}

static const char *find(uint64_t at, uint64_t *ret_offset)
{
	const Elf64_Ehdr *head = (const void *)image;
	const Elf64_Shdr *section = (const void *)(image + head->e_shoff);
	const Elf64_Sym *symbol;
	unsigned int i;

	for (i = 0; i < head->e_shnum; i++) {
		if (section[i].sh_type != SHT_SYMTAB)
			continue;
		symbol = find_in(&section[i], at);
		if (!symbol)
			continue;
		*ret_offset = at - symbol->st_value;
		return image + section[section[i].sh_link].sh_offset +
		       symbol->st_name;
	}
	return NULL;
}

/* In one of a few buffers that take turns. */
const char *symbol_of(const void *at)
{
	static char text[8][120];
	static unsigned int turn;
	char *to = text[turn++ % 8];
	uint64_t offset = 0;
	const char *found;

	if (world_object(at, &offset)) {
		snprintf(to, sizeof(text[0]), "object %u+%u",
		         world_object(at, &offset), (unsigned int)offset);
		return to;
	}
	if (!image)
		image = map_program();
	found = image ? find((uint64_t)(uintptr_t)at, &offset) : NULL;
	if (!found)
		snprintf(to, sizeof(text[0]), "%p", at);
	else if (offset)
		snprintf(to, sizeof(text[0]), "%s+%u", found,
		         (unsigned int)offset);
	else
		snprintf(to, sizeof(text[0]), "%s", found);
	return to;
}
