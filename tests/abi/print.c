/* SPDX-License-Identifier: MIT */
/*
 * A row and what it came to as a line, for comparison with the line that
 * another back end gives:
 *
 *	ROW subject|name|state|answer|signals|words
 *
 * Words are the 4-byte words of the argument that the call changed, as
 * "offset=value", and those of what the container ("c") and the group ("g")
 * say of themselves. Addresses in memory and descriptors are placeholders
 * again, so that nothing in a line depends on the process that made it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi.h"

static void print_text(const char *text)
{
	for (; *text; text++)
		putchar(*text < ' ' || *text > '~' || *text == '|' ? '?'
		                                                   : *text);
	putchar('|');
}

static void print_answer(const struct abi_row *row, long answer)
{
	if (row->expected == ANY_FD && answer >= 0)
		printf("fd|");
	else
		printf("%ld|", answer);
}

static void print_signals(const struct abi_outcome *o)
{
	unsigned int i;

	for (i = 0; i < EVENTS; i++)
		printf("%" PRIu64, o->signals[i]);
	putchar('|');
}

/* Two words that are an address in memory. Return: false: they are not. */
static bool print_address(const struct abi_world *w, const char *is, size_t at)
{
	uint64_t value, place;

	memcpy(&value, is + at, sizeof(value));
	if (!abi_unresolve(w, value, &place))
		return false;
	printf(" %zu=memory+%" PRIx64, at, place - PLACE_MEMORY);
	return true;
}

static void print_word(const char *prefix, size_t at, const char *is,
                       size_t bytes)
{
	uint32_t word = 0;

	memcpy(&word, is + at, bytes);
	printf(" %s%zu=%" PRIx32, prefix, at, word);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What a hot reset's answer says of the device of a group. */
static void make_entry(const struct abi_world *w, unsigned int group,
                       struct vfio_pci_dependent_device *entry)
{
	unsigned int segment = 0, bus = 0, slot = 0, function = 0;

	sscanf(w->backend->device(group), "%x:%x:%x.%x", &segment, &bus, &slot,
	       &function);
	*entry = (struct vfio_pci_dependent_device){
		.group_id = w->backend->number(group),
		.segment = (uint16_t)segment,
		.bus = (uint8_t)bus,
		.devfn = (uint8_t)(slot << 3 | function),
	};
}

/* An entry of a hot reset's answer, of a device that has a name in rows. */
static bool print_device(const struct abi_world *w, const struct abi_row *row,
                         const struct abi_outcome *o, size_t at)
{
	struct vfio_pci_dependent_device entry;
	unsigned int group;

	/* The number of the command is GET_INFO of a container, too. */
	if (row->on != FD_DEVICE ||
	    row->command != VFIO_DEVICE_GET_PCI_HOT_RESET_INFO || at % 8 != 4)
		return false;
	for (group = 1; group <= NAMED_GROUPS; group++) {
		make_entry(w, group, &entry);
		if (memcmp(o->is + at, &entry,
		           smaller(sizeof(entry), o->bytes - at)) != 0)
			continue;
		printf(" %zu=device%u", at, group);
		return true;
	}
	return false;
}

static void print_argument(const struct abi_world *w, const struct abi_row *row,
                           const struct abi_outcome *o)
{
	size_t at, n;

	for (at = 0; at < o->bytes; at += n) {
		n = smaller(4, o->bytes - at);
		if (memcmp(o->was + at, o->is + at, n) == 0)
			continue;
		if ((at + 8 <= o->bytes && at % 8 == 0 &&
		     print_address(w, o->is, at)) ||
		    print_device(w, row, o, at))
			n = 8;
		else
			print_word("", at, o->is, n);
	}
}

static void print_changes(const char *prefix, const void *was, const void *is,
                          size_t bytes)
{
	const char *before = was, *after = is;
	size_t at;

	for (at = 0; at < bytes; at += 4)
		if (memcmp(before + at, after + at, 4) != 0)
			print_word(prefix, at, after, 4);
}

void abi_print(const struct abi_world *world, const char *subject,
               const struct abi_row *row, const struct abi_outcome *outcome)
{
	const struct abi_picture *was = &outcome->before, *is = &outcome->after;

	printf("ROW ");
	print_text(subject);
	print_text(row->name);
	print_text(abi_state_name[row->state]);
	print_answer(row, outcome->answer);
	print_signals(outcome);
	print_argument(world, row, outcome);
	if (was->info_answer != is->info_answer)
		printf(" c=%ld", is->info_answer);
	if (was->status_answer != is->status_answer)
		printf(" g=%ld", is->status_answer);
	print_changes("c", was->info, is->info, sizeof(is->info));
	print_changes("g", was->status, is->status, sizeof(is->status));
	putchar('\n');
}
