/* SPDX-License-Identifier: MIT */
#include "preload/vmas.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "host/host.h"
#include "preload/wrap.h"

/* What comes before a line's path. */
#define HEAD_MAX 128

static const char maps[] = "/proc/self/maps";

struct reader {
	char *head;
	unsigned int room, length;
};

static uint64_t number(const char **at, unsigned int base)
{
	uint64_t value = 0;
	unsigned int digit;

	for (;; (*at)++) {
		if (**at >= '0' && **at <= '9')
			digit = (unsigned int)(**at - '0');
		else if (base == 16 && **at >= 'a' && **at <= 'f')
			digit = (unsigned int)(**at - 'a') + 10;
		else
			return value;
		value = value * base + digit;
	}
}

/* A number, and the character behind it. */
static uint64_t field(const char **at, unsigned int base)
{
	uint64_t value = number(at, base);

	if (**at)
		(*at)++;
	return value;
}

/* "7f00-8f00 rw-p 00001000 08:01 1234 ..." */
static void parse(const char *at, struct ioas_vma *ret)
{
	uint64_t major_number;

	ret->first = field(&at, 16);
	ret->last = field(&at, 16) - 1;
	ret->prot = (at[0] == 'r' ? PROT_READ : 0) |
	            (at[1] == 'w' ? PROT_WRITE : 0) |
	            (at[2] == 'x' ? PROT_EXEC : 0);
	ret->shared = at[3] == 's';
	at += 5;
	ret->offset = field(&at, 16);
	major_number = field(&at, 16);
	ret->device = makedev((unsigned int)major_number,
	                      (unsigned int)field(&at, 16));
	ret->inode = field(&at, 10);
}

struct search {
	const char *path;
	bool (*line)(struct search *s); /* false: enough */
	uint64_t first, last;
	bool (*fn)(void *context, const struct ioas_vma *vma);
	void *context;
	struct reader reader;
};

static bool maps_line(struct search *s)
{
	struct ioas_vma vma;

	parse(s->reader.head, &vma);
	if (vma.first > s->last)
		return false;
	return vma.last < s->first || s->fn(s->context, &vma);
}

static bool end_line(struct search *s)
{
	s->reader.head[s->reader.length] = '\0';
	s->reader.length = 0;
	return s->line(s);
}

static bool take(struct search *s, const char *text, long length)
{
	long i;

	for (i = 0; i < length; i++) {
		if (text[i] == '\n') {
			if (!end_line(s))
				return false;
		} else if (s->reader.length < s->reader.room - 1) {
			s->reader.head[s->reader.length++] = text[i];
		}
	}
	return true;
}

static void read_maps(struct search *s)
{
	char text[2048];
	long fd, n;

	fd = ioas_sys(SYS_openat, AT_FDCWD, (long)s->path, O_RDONLY | O_CLOEXEC,
	              0, 0, 0);
	if (fd < 0)
		return;
	do
		n = ioas_sys(SYS_read, fd, (long)text, sizeof(text), 0, 0, 0);
	while (n > 0 && take(s, text, n));
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

void ioas_vmas_each(uint64_t first, uint64_t last,
                    bool (*fn)(void *context, const struct ioas_vma *vma),
                    void *context)
{
	char head[HEAD_MAX];
	struct search s = {.path = maps,
	                   .line = maps_line,
	                   .first = first,
	                   .last = last,
	                   .fn = fn,
	                   .context = context,
	                   .reader = {head, sizeof(head), 0}};

	read_maps(&s);
}

static bool stop_here(void *context, const struct ioas_vma *vma)
{
	*(bool *)context = vma->inode != 0;
	return false;
}

unsigned int ioas_vmas_path(uint64_t address, char *ret_path,
                            unsigned int bytes)
{
	bool found = false;
	struct search s = {.path = maps,
	                   .line = maps_line,
	                   .first = address,
	                   .last = address,
	                   .fn = stop_here,
	                   .context = &found,
	                   .reader = {ret_path, bytes, 0}};
	unsigned int from = 0, to = 0;

	read_maps(&s);
	/* The rest of the line, from its first slash. */
	while (found && ret_path[from] && ret_path[from] != '/')
		from++;
	while (found && ret_path[from])
		ret_path[to++] = ret_path[from++];
	ret_path[to] = '\0';
	return to;
}

/* ---- Sizes of pages: lines behind each mapping's own. ---- */

struct pages {
	struct search search;
	bool inside;           /* the mapping of these lines is asked for */
	unsigned int smallest; /* shift; 0: none so far */
};

static bool smaps_line(struct search *s)
{
	static const char key[] = "KernelPageSize:";
	struct pages *pages = ioas_container_of(s, struct pages, search);
	const char *at = s->reader.head;
	struct ioas_vma vma;
	unsigned int shift;

	if (*at < 'A' || *at > 'Z') {
		parse(at, &vma);
		pages->inside = vma.last >= s->first && vma.first <= s->last;
		return vma.first <= s->last;
	}
	if (!pages->inside || strncmp(at, key, sizeof(key) - 1) != 0)
		return true;
	at += sizeof(key) - 1;
	at += strspn(at, " ");
	shift = 10 + (unsigned int)__builtin_ctzll(number(&at, 10) | 1u << 30);
	if (!pages->smallest || shift < pages->smallest)
		pages->smallest = shift;
	return true;
}

unsigned int ioas_vmas_page_shift(uint64_t first, uint64_t last)
{
	char head[HEAD_MAX];
	struct pages pages = {.search = {.path = "/proc/self/smaps",
	                                 .line = smaps_line,
	                                 .first = first,
	                                 .last = last,
	                                 .reader = {head, sizeof(head), 0}}};

	read_maps(&pages.search);
	return pages.smallest;
}
