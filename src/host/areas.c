/* SPDX-License-Identifier: MIT */
/*
 * See areas.h.
 *
 * From Linux 6.11 on the file answers for one address. Before, it is read from
 * its beginning, which takes as long as there are areas below: so who asks says
 * how much of that is still quicker than what else could be done.
 *
 * Plain is what nothing but memory can be behind: no file, since that has an
 * end; none of the system's own, which has a name of its own, such as [vvar].
 *
 * Sources: proc(5), /proc/pid/maps; Linux 6.12, fs/proc/task_mmu.c,
 * do_procmap_query(), get_vma_name().
 */
#include "host/areas.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "host/members.h"

/* ---- What is plain. ---- */

static bool begins_with(const char *text, const char *beginning)
{
	return !strncmp(text, beginning, strlen(beginning));
}

/* Names of memory that is the program's, and of no file. */
static bool is_plain_name(const char *name)
{
	return !*name || begins_with(name, "[heap]") ||
	       begins_with(name, "[stack]") || begins_with(name, "[anon:");
}

/* ---- Asked by address. ---- */

/* Of Linux 6.11; the headers of the system may be older. */
struct map_query {
	uint64_t size;
	uint64_t query; /* flags */
	uint64_t address;
	uint64_t first, end; /* from here on answers */
	uint64_t flags;
	uint64_t page_bytes, offset, inode;
	uint32_t device_major, device_minor;
	uint32_t name_bytes, build_id_bytes; /* room, then what there is */
	uint64_t name, build_id;             /* pointers */
};

_Static_assert(sizeof(struct map_query) == 104, "as the system has it");

#define MAP_QUERY      _IOWR('f', 17, struct map_query)
#define QUERY_READABLE 1
#define QUERY_WRITABLE 2
#define QUERY_SHARED   8

/* "[anon:", 79 characters, "]": longer ones are paths. */
#define NAME_BYTES 96

static int query(const struct ioas_areas *areas, struct map_query *q)
{
	q->size = sizeof(*q);
	return (int)ioas_sys(SYS_ioctl, areas->fd, MAP_QUERY, (long)q, 0, 0, 0);
}

static int find_by_query(const struct ioas_areas *areas, uint64_t page,
                         struct ioas_area *ret_area)
{
	unsigned int shift = ioas_host_page_shift();
	char name[NAME_BYTES] = "";
	struct map_query q = {.address = page << shift,
	                      .name_bytes = sizeof(name),
	                      .name = (uintptr_t)name};
	int err = query(areas, &q);

	if (err == -ENAMETOOLONG) { /* a file's */
		q = (struct map_query){.address = page << shift};
		err = query(areas, &q);
	}
	if (err)
		return err;
	*ret_area = (struct ioas_area){
		.first = q.first >> shift,
		.end = q.end >> shift,
		.perm = (q.flags & QUERY_READABLE ? IOAS_READ : 0) |
	                (q.flags & QUERY_WRITABLE ? IOAS_WRITE : 0),
		.plain = !(q.flags & QUERY_SHARED) && !q.inode &&
	                 !q.device_major && !q.device_minor &&
	                 is_plain_name(name),
	};
	return 0;
}

/* ---- Read as text. ---- */

static const char *behind_blanks(const char *at)
{
	while (*at == ' ')
		at++;
	return at;
}

/* " OFFSET MAJOR:MINOR INODE", and a name behind blanks. */
static bool is_of_no_file(const char *at)
{
	uint64_t offset, device[2], inode;

	at = ioas_number_in(behind_blanks(at), 16, &offset);
	at = ioas_number_in(behind_blanks(at), 16, &device[0]);
	if (*at != ':')
		return false;
	at = ioas_number_in(at + 1, 16, &device[1]);
	at = ioas_number_in(behind_blanks(at), 10, &inode);
	return !device[0] && !device[1] && !inode &&
	       is_plain_name(behind_blanks(at));
}

/* "START-END rwxp ..." */
static bool parse(const char *line, struct ioas_area *ret_area)
{
	unsigned int shift = ioas_host_page_shift();
	uint64_t start, end;
	const char *at = ioas_number_in(line, 16, &start);

	if (*at != '-')
		return false;
	at = ioas_number_in(at + 1, 16, &end);
	if (*at != ' ' || strlen(++at) < 4)
		return false;
	*ret_area = (struct ioas_area){
		.first = start >> shift,
		.end = end >> shift,
		.perm = (at[0] == 'r' ? IOAS_READ : 0) |
	                (at[1] == 'w' ? IOAS_WRITE : 0),
		.plain = at[3] == 'p' && is_of_no_file(at + 4),
	};
	return true;
}

static bool next_area(struct ioas_areas *areas)
{
	if (!areas->lines_left)
		return false;
	areas->lines_left--;
	return ioas_lines_next(&areas->lines) &&
	       parse(areas->lines.text, &areas->last);
}

static bool find_by_text(struct ioas_areas *areas, uint64_t page,
                         struct ioas_area *ret_area)
{
	while (areas->last.end <= page)
		if (!next_area(areas))
			return false;
	*ret_area = areas->last;
	return areas->last.first <= page;
}

/* ---- Either. ---- */

void ioas_areas_begin(struct ioas_areas *areas, uint64_t lines)
{
	areas->fd = ioas_host_open_own("/proc/self/maps");
	areas->by_text = false;
	areas->lines_left = lines;
	areas->lines.fd = areas->fd;
	areas->lines.done = areas->lines.have = 0;
	areas->lines.cut = false;
	areas->last.end = 0;
}

void ioas_areas_end(struct ioas_areas *areas)
{
	ioas_host_close_own(areas->fd);
}

bool ioas_areas_find(struct ioas_areas *areas, uint64_t page,
                     struct ioas_area *ret_area)
{
	int err;

	if (areas->fd < 0)
		return false;
	if (!areas->by_text) {
		err = find_by_query(areas, page, ret_area);
		if (!err || err == -ENOENT)
			return !err;
		areas->by_text = true;
	}
	return find_by_text(areas, page, ret_area);
}
