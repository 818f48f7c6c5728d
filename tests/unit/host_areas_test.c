/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "host/areas.h"
#include "host/members.h"
#include "rig.h"

#define LINES_MAX 4096

/* What a line of /proc/self/maps says. */
struct line {
	unsigned long start, end, inode;
	char perm[8], name[64];
};

/* Areas come and go while they are read: none here does. */
static unsigned int read_lines(struct line *line)
{
	static char text[1 << 16];
	FILE *f;
	unsigned int n = 0;

	f = fopen("/proc/self/maps", "r");
	assert_non_null(f);
	while (n < LINES_MAX && fgets(text, sizeof(text), f)) {
		line[n].name[0] = 0;
		assert_true(sscanf(text, "%lx-%lx %7s %*s %*s %lu %63s",
		                   &line[n].start, &line[n].end, line[n].perm,
		                   &line[n].inode, line[n].name) >= 4);
		n++;
	}
	fclose(f);
	return n;
}

static bool is_memory(const struct line *l)
{
	return l->perm[3] == 'p' && !l->inode &&
	       (!l->name[0] || !strcmp(l->name, "[heap]") ||
	        !strcmp(l->name, "[stack]") || !strncmp(l->name, "[anon:", 6));
}

static void check_area(const struct ioas_area *area, const struct line *l)
{
	assert_int_equal(area->first, l->start / rig_page());
	assert_int_equal(area->end, l->end / rig_page());
	assert_int_equal(area->perm & IOAS_READ ? 'r' : '-', l->perm[0]);
	assert_int_equal(area->perm & IOAS_WRITE ? 'w' : '-', l->perm[1]);
	assert_int_equal(area->plain, is_memory(l));
}

static struct line line[LINES_MAX];

/*
 * The first and last page of each, and what is between two. What the processor
 * has above all others has no address to ask for.
 */
static void check_areas(bool by_text)
{
	unsigned int n, i;
	struct ioas_areas areas;
	struct ioas_area area;

	if (rig_emulated())
		rig_skip("areas of the emulated process are made up");
	n = read_lines(line);
	assert_true(n > 5);
	ioas_areas_begin(&areas, LINES_MAX);
	areas.by_text = by_text;
	for (i = 0; i < n && strcmp(line[i].name, "[vsyscall]") != 0; i++) {
		assert_true(ioas_areas_find(&areas, line[i].start / rig_page(),
		                            &area));
		check_area(&area, &line[i]);
		assert_true(ioas_areas_find(
			&areas, line[i].end / rig_page() - 1, &area));
		check_area(&area, &line[i]);
		if (i + 1 < n && line[i + 1].start > line[i].end)
			assert_false(ioas_areas_find(
				&areas, line[i].end / rig_page(), &area));
	}
	ioas_areas_end(&areas);
}

static bool can_ask(void)
{
	struct ioas_areas areas;
	struct ioas_area area;
	bool can;

	ioas_areas_begin(&areas, 0);
	can = ioas_areas_find(&areas, (uintptr_t)&areas / rig_page(), &area);
	ioas_areas_end(&areas);
	return can;
}

static void areas_are_found_by_address(struct rig *r)
{
	if (!can_ask())
		rig_skip("the system has no PROCMAP_QUERY");
	check_areas(false);
}

static void areas_are_found_in_the_text(struct rig *r)
{
	check_areas(true);
}

static void no_more_lines_are_read_than_asked_for(struct rig *r)
{
	unsigned int n, lines;
	struct ioas_areas areas;
	struct ioas_area area;

	if (rig_emulated())
		rig_skip("areas of the emulated process are made up");
	n = read_lines(line);
	assert_true(n > 5);
	for (lines = 0; lines < 7; lines++) {
		ioas_areas_begin(&areas, lines);
		areas.by_text = true;
		assert_int_equal(ioas_areas_find(&areas,
		                                 line[4].start / rig_page(),
		                                 &area),
		                 lines >= 5);
		ioas_areas_end(&areas);
	}
}

RIG_MAIN("host_areas", RIG_TEST(areas_are_found_by_address),
         RIG_TEST(areas_are_found_in_the_text),
         RIG_TEST(no_more_lines_are_read_than_asked_for))
