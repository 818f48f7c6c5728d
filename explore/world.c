/* SPDX-License-Identifier: MIT */
/*
 * The memory that threads have in common: variables of the shipped sources, of
 * the set, and objects of hooks.alloc. A state holds the lines of it that
 * differ from the beginning. Which lines a step changed is known because every
 * write is announced; world_audit() compares all of them now and then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define HEAP_UNIT  64
#define HEAP_PAGE  4096
#define HEAP_UNITS 4096

/*
 * A unit of the heap: free, the first of an object, or one more of it. What was
 * freed last is not given out again before something else was freed, or nobody
 * would find it gone.
 */
enum { UNIT_FREE, UNIT_FIRST, UNIT_MORE, UNIT_GONE };

static struct {
	uint8_t map[HEAP_UNITS];
	char units[HEAP_UNITS][HEAP_UNIT];
} heap __attribute__((aligned(HEAP_PAGE)));

/* The linker's, around what the sets and the shipped sources define. */
extern char __start_ioas_world[], __stop_ioas_world[];
extern char __start_ioas_ghost[], __stop_ioas_ghost[];

enum { RANGE_WORLD, RANGE_GHOST, RANGE_HEAP, RANGES };

static struct range {
	char *start;
	size_t bytes;
	uint32_t first; /* line */
} range[RANGES];

static uint32_t lines;
static char *initial;     /* LINE bytes each */
static uint32_t *current; /* piece of a line; 0: as in the beginning */
static uint32_t *place;   /* in changed */
static uint32_t *changed, changes;
static bool *touched;
static uint32_t *dirty, dirties;
static struct world_line *undo;
static uint32_t undos;
static uint64_t sum; /* hash of all changed lines, in any order */

struct intern world_pieces;

void world_init(void)
{
	unsigned int i;

	range[RANGE_WORLD].start = __start_ioas_world;
	range[RANGE_WORLD].bytes =
		(size_t)(__stop_ioas_world - __start_ioas_world);
	range[RANGE_GHOST].start = __start_ioas_ghost;
	range[RANGE_GHOST].bytes =
		(size_t)(__stop_ioas_ghost - __start_ioas_ghost);
	range[RANGE_HEAP].start = (char *)&heap;
	range[RANGE_HEAP].bytes = sizeof(heap);
	for (i = 0; i < RANGES; i++) {
		range[i].first = lines;
		lines += (uint32_t)((range[i].bytes + LINE - 1) / LINE);
	}
	initial = calloc(lines, LINE);
	current = calloc(lines, sizeof(*current));
	place = calloc(lines, sizeof(*place));
	changed = calloc(lines, sizeof(*changed));
	touched = calloc(lines, sizeof(*touched));
	dirty = calloc(lines, sizeof(*dirty));
	undo = calloc(lines, sizeof(*undo));
	intern_init(&world_pieces);
}

uint32_t world_lines(void)
{
	return lines;
}

/* Relative to the range, or RANGES when it is in none. */
static unsigned int range_of(const void *at, size_t *ret_offset)
{
	unsigned int i;

	for (i = 0; i < RANGES; i++) {
		*ret_offset = (size_t)((const char *)at - range[i].start);
		if (*ret_offset < range[i].bytes)
			return i;
	}
	return RANGES;
}

bool world_has(const void *at, size_t bytes)
{
	size_t offset;

	return range_of(at, &offset) < RANGES;
}

bool world_is_ghost(const void *at)
{
	size_t offset;

	return range_of(at, &offset) == RANGE_GHOST;
}

uint32_t world_granule(const void *at)
{
	size_t offset;
	unsigned int i = range_of(at, &offset);

	return range[i].first * (LINE / 4) + (uint32_t)(offset / 4);
}

uint32_t world_granules(void)
{
	return lines * (LINE / 4);
}

static char *line_start(uint32_t line, size_t *ret_bytes)
{
	unsigned int i = RANGES;
	size_t offset;

	while (range[--i].first > line)
		;
	offset = (size_t)(line - range[i].first) * LINE;
	*ret_bytes = range[i].bytes - offset;
	if (*ret_bytes > LINE)
		*ret_bytes = LINE;
	return range[i].start + offset;
}

void world_touch(const void *at, size_t bytes)
{
	size_t offset;
	unsigned int i = range_of(at, &offset);
	uint32_t line, last;

	if (i == RANGES || !bytes)
		return;
	line = range[i].first + (uint32_t)(offset / LINE);
	last = range[i].first + (uint32_t)((offset + bytes - 1) / LINE);
	for (; line <= last; line++) {
		if (touched[line])
			continue;
		touched[line] = true;
		dirty[dirties++] = line;
	}
}

/* ---- What differs from the beginning. ---- */

static uint64_t line_hash(uint32_t line, uint32_t id)
{
	return id ? explore_mix(world_pieces.piece[id].hash, line + 1) : 0;
}

static void set_piece(uint32_t line, uint32_t id)
{
	uint32_t was = current[line];

	sum += line_hash(line, id) - line_hash(line, was);
	current[line] = id;
	if (!was && id) {
		place[line] = changes;
		changed[changes++] = line;
	} else if (was && !id) {
		changed[place[line]] = changed[--changes];
		place[changed[changes]] = place[line];
	}
}

static void put_content(uint32_t line, uint32_t id)
{
	size_t bytes;
	char *start = line_start(line, &bytes);

	memcpy(start, id ? interned(&world_pieces, id) : &initial[line * LINE],
	       bytes);
}

/* The line as a whole, whatever it ends with. */
static uint32_t piece_of(uint32_t line)
{
	char copy[LINE] = {0};
	size_t bytes;
	char *start = line_start(line, &bytes);

	memcpy(copy, start, bytes);
	if (!memcmp(copy, &initial[line * LINE], LINE))
		return 0;
	return intern(&world_pieces, copy, LINE);
}

void world_commit(void)
{
	uint32_t line, id;

	while (dirties) {
		line = dirty[--dirties];
		touched[line] = false;
		id = piece_of(line);
		if (id == current[line])
			continue;
		undo[undos++] = (struct world_line){line, current[line]};
		set_piece(line, id);
	}
}

void world_forget(void)
{
	undos = 0;
}

bool world_changed(void)
{
	return undos;
}

void world_undo(void)
{
	world_commit();
	while (undos) {
		undos--;
		put_content(undo[undos].line, undo[undos].piece);
		set_piece(undo[undos].line, undo[undos].piece);
	}
}

/* Lines with numbers to rename differ from the beginning always. */
void world_begin(void)
{
	uint32_t line;
	size_t bytes;
	char *start;

	while (changes)
		set_piece(changed[0], 0);
	undos = 0;
	memset(initial, 0, (size_t)lines * LINE);
	for (line = 0; line < lines; line++) {
		touched[line] = true;
		start = line_start(line, &bytes);
		if (!ranks_in(start, bytes))
			memcpy(&initial[line * LINE], start, bytes);
		dirty[line] = line;
	}
	dirties = lines;
	world_commit();
	undos = 0;
}

uint64_t world_hash(void)
{
	return sum;
}

uint64_t world_ranks(void)
{
	uint64_t found = 0;
	uint32_t i;

	for (i = 0; i < changes; i++)
		found |= world_pieces.piece[current[changed[i]]].ranks;
	return found;
}

void world_rename(uint64_t present)
{
	uint32_t i;
	size_t bytes;
	char *start;

	for (i = 0; i < changes; i++) {
		if (!world_pieces.piece[current[changed[i]]].ranks)
			continue;
		start = line_start(changed[i], &bytes);
		ranks_rename(start, bytes, present);
		world_touch(start, bytes);
	}
	/* Each line may be in the list of changes once before this. */
	while (dirties) {
		uint32_t line = dirty[--dirties], id;

		touched[line] = false;
		id = piece_of(line);
		for (i = 0; i < undos && undo[i].line != line; i++)
			;
		if (i == undos)
			undo[undos++] =
				(struct world_line){line, current[line]};
		set_piece(line, id);
	}
}

uint32_t world_save(struct world_line *ret_lines)
{
	uint32_t i;

	for (i = 0; i < changes; i++)
		ret_lines[i] =
			(struct world_line){changed[i], current[changed[i]]};
	return changes;
}

void world_load(const struct world_line *saved, uint32_t count)
{
	static bool *wanted;
	uint32_t i;

	if (!wanted)
		wanted = calloc(lines, sizeof(*wanted));
	for (i = 0; i < count; i++)
		wanted[saved[i].line] = true;
	for (i = changes; i-- > 0;) {
		if (wanted[changed[i]])
			continue;
		put_content(changed[i], 0);
		set_piece(changed[i], 0);
	}
	for (i = 0; i < count; i++) {
		wanted[saved[i].line] = false;
		if (current[saved[i].line] == saved[i].piece)
			continue;
		put_content(saved[i].line, saved[i].piece);
		set_piece(saved[i].line, saved[i].piece);
	}
	undos = 0;
}

void world_audit(void)
{
	uint32_t line;
	size_t bytes;
	char *start;

	for (line = 0; line < lines; line++) {
		start = line_start(line, &bytes);
		if (!memcmp(start,
		            current[line]
		                    ? interned(&world_pieces, current[line])
		                    : &initial[line * LINE],
		            bytes))
			continue;
		fprintf(stderr,
		        "explore: memory at %p changed and no write was "
		        "announced: is all of the set compiled for the "
		        "explorer?\n",
		        (void *)start);
		exit(2);
	}
}

/* ---- Objects. ---- */

static size_t units_for(size_t bytes)
{
	return (bytes + HEAP_UNIT - 1) / HEAP_UNIT;
}

/* As hooks.alloc has it: a page and up, where it is a power of two. */
static size_t align_of(size_t bytes)
{
	return bytes >= HEAP_PAGE && !(bytes & (bytes - 1)) ? bytes / HEAP_UNIT
	                                                    : 1;
}

/* The lowest that fits: equal histories give equal addresses. */
void *world_alloc(size_t bytes)
{
	size_t want = units_for(bytes), align = align_of(bytes), at, run = 0;

	for (at = 0; at < HEAP_UNITS && run < want; at++)
		run = heap.map[at] == UNIT_FREE && (run || at % align == 0)
		              ? run + 1
		              : 0;
	if (run < want || !want)
		return NULL;
	at -= want;
	memset(&heap.map[at], UNIT_MORE, want);
	heap.map[at] = UNIT_FIRST;
	world_touch(&heap.map[at], want);
	memset(heap.units[at], 0, want * HEAP_UNIT);
	world_touch(heap.units[at], want * HEAP_UNIT);
	return heap.units[at];
}

static size_t unit_at(const void *at)
{
	return (size_t)((const char *)at - heap.units[0]) / HEAP_UNIT;
}

/* The whole object, or it ends the step. */
void world_free(void *p, size_t bytes)
{
	size_t at = unit_at(p), want = units_for(bytes), i;

	for (i = 0; i < want; i++)
		if (at + i >= HEAP_UNITS ||
		    heap.map[at + i] != (i ? UNIT_MORE : UNIT_FIRST))
			explore_broken("HEAP-2", "freed as it was allocated",
			               "an object is freed twice, or as "
			               "another one");
	for (i = 0; i < HEAP_UNITS; i++) {
		if (heap.map[i] != UNIT_GONE)
			continue;
		heap.map[i] = UNIT_FREE;
		world_touch(&heap.map[i], 1);
	}
	memset(&heap.map[at], UNIT_GONE, want);
	world_touch(&heap.map[at], want);
	memset(p, 0, want * HEAP_UNIT);
	world_touch(p, want * HEAP_UNIT);
}

bool world_is_live(const void *at, size_t bytes)
{
	size_t offset, first, last;

	if (range_of(at, &offset) != RANGE_HEAP || offset < HEAP_UNITS)
		return true;
	first = unit_at(at);
	last = unit_at((const char *)at + bytes - 1);
	if (heap.map[first] == UNIT_FREE || heap.map[first] == UNIT_GONE)
		return false;
	while (first < last && last < HEAP_UNITS)
		if (heap.map[last--] != UNIT_MORE)
			return false;
	return last < HEAP_UNITS;
}

unsigned int world_object(const void *at, uint64_t *ret_offset)
{
	size_t offset, unit;

	if (range_of(at, &offset) != RANGE_HEAP || offset < HEAP_UNITS)
		return 0;
	unit = unit_at(at);
	while (unit && heap.map[unit] == UNIT_MORE)
		unit--;
	*ret_offset = (uint64_t)((const char *)at - heap.units[unit]);
	return (unsigned int)unit + 1;
}

unsigned int explore_objects(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < HEAP_UNITS; i++)
		n += heap.map[i] == UNIT_FIRST;
	return n;
}
