/* SPDX-License-Identifier: MIT */
/*
 * What the names in rows stand for, and back. A value that is none goes
 * through as it is; the ranges of names are such that none is met by
 * chance.
 */
#include <stdio.h>
#include <string.h>

#include "abi.h"

static uint64_t resolve_address(const struct abi_world *w, uint64_t value)
{
	uint64_t base = (uintptr_t)w->memory;

	switch (value & PLACE_MASK) {
	case PLACE_MEMORY:
		return base + (value - PLACE_MEMORY);
	case PLACE_READ_ONLY:
		return base + MEM_PAGES * PAGE + (value - PLACE_READ_ONLY);
	case PLACE_HOLE:
		return base + (MEM_PAGES + 1) * PAGE + (value - PLACE_HOLE);
	case PLACE_ARGUMENT:
		return (uintptr_t)w->argument + (value - PLACE_ARGUMENT);
	default:
		return value;
	}
}

static void resolve_fds(const struct abi_world *w, char *at, size_t bytes)
{
	uint32_t word;
	size_t i;

	for (i = 0; i + 4 <= bytes; i += 4) {
		memcpy(&word, at + i, 4);
		if (word - PLACE_FD >= FD_NR)
			continue;
		word = (uint32_t)w->fd[word - PLACE_FD];
		memcpy(at + i, &word, 4);
	}
}

/* Names in the rows are those of ioas's own machine, 0000:0N:00.0 of group N */
static void resolve_names(const struct abi_world *w, char *at, size_t bytes)
{
	char name[DEVICE_NAME_BYTES + 1];
	unsigned int group;
	size_t i;

	for (i = 0; i + DEVICE_NAME_BYTES <= bytes; i++) {
		for (group = 1; group <= NAMED_GROUPS; group++) {
			snprintf(name, sizeof(name), "0000:%02u:00.0", group);
			if (memcmp(at + i, name, DEVICE_NAME_BYTES) != 0)
				continue;
			memcpy(at + i, w->backend->device(group),
			       DEVICE_NAME_BYTES);
			break;
		}
	}
}

void abi_resolve(const struct abi_world *world, void *argument, size_t bytes)
{
	char *at = argument;
	uint64_t value;
	size_t i;

	resolve_fds(world, at, bytes);
	for (i = 0; i + 8 <= bytes; i += 8) {
		memcpy(&value, at + i, 8);
		value = resolve_address(world, value);
		memcpy(at + i, &value, 8);
	}
	resolve_names(world, at, bytes);
}

bool abi_unresolve(const struct abi_world *world, uint64_t value,
                   uint64_t *ret_place)
{
	uint64_t offset = value - (uintptr_t)world->memory;

	if (offset >= (MEM_PAGES + 2) * PAGE)
		return false;
	*ret_place = PLACE_MEMORY + offset;
	return true;
}

unsigned int abi_capability(const struct abi_world *world, unsigned int id)
{
	const struct abi_backend *b = world->backend;
	int fd = world->fd[FD_DEVICE];
	uint8_t head[2] = {0, 0x34};
	ssize_t ret = b->pread(fd, &head[1], 1, CONFIG + 0x34);
	unsigned int at = 0;

	while (ret > 0 && head[1]) {
		at = head[1];
		ret = b->pread(fd, head, sizeof(head), CONFIG + at);
		if (ret == (ssize_t)sizeof(head) && head[0] == id)
			return at;
	}
	return 0;
}

uint64_t abi_position(const struct abi_world *world, const struct abi_row *row)
{
	uint32_t offset = (uint32_t)row->position;
	unsigned int at;

	if (row->position - CONFIG > UINT32_MAX || !(offset & CAPABILITY(0)))
		return row->position;
	at = abi_capability(world, offset >> 16 & 0xff);
	return at ? CONFIG + at + (offset & 0xffff) : UINT64_MAX;
}
