/* SPDX-License-Identifier: MIT */
/*
 * What is there after a row, asked of whoever answers and of the model.
 *
 * The device of group 1 is QEMU's "edu" or ours: it copies between memory and
 * a buffer of its own. First it reads a few bytes of the page at each probed
 * address into the buffer, each into a place of its own; then it writes the
 * whole buffer to the page at each of them. So a page that shows the buffer
 * was written, and the buffer says which pages were read. What tells a page
 * from others is made anew for each row: a buffer that still has that of a row
 * before says nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"

#define EDU_ID      UINT32_C(0x010000ed)
#define EDU_SOURCE  0x80
#define EDU_TARGET  0x88
#define EDU_COUNT   0x90
#define EDU_COMMAND 0x98
#define EDU_BUFFER  UINT64_C(0x40000)
#define TO_MEMORY   3
#define FROM_MEMORY 1

/* In a page: what tells it from others, and where the buffer comes to be. */
#define MARK_AT   0x10
#define BUFFER_AT 0x200
#define MARK_MASK UINT64_C(0xff)
#define NO_PAGE   0xff

#define BUFFER_BYTES (8 * TCE_PROBES)

const struct tce_call tce_after_call[TCE_AFTER_CALLS] = {
	UNREGISTER(CONTAINER, MEM(0), 16 * PAGE),
	REGISTER(CONTAINER, MEM(0), 8 * PAGE),
	REMOVE(CONTAINER, 0),
	REMOVE(CONTAINER, TCE_HIGH),
};
static const char *const after_name[TCE_AFTER_CALLS] = {"u", "o", "r", "h"};

static uint64_t now; /* of this row, in every mark of it */

struct edu {
	const struct abi_world *w;
	int fd;
	bool swapped; /* its registers are in the other order */
};

void tce_mark(const struct abi_world *w)
{
	static uint64_t row;
	char *last = w->memory + MEM_PAGES * PAGE;
	uint64_t page, mark;

	now = UINT64_C(0x7ce0000000000000) + (++row << 16) +
	      ((uint64_t)getpid() << 40);
	mprotect(last, PAGE, PROT_READ | PROT_WRITE);
	for (page = 0; page <= MEM_PAGES; page++) {
		mark = now | page;
		memcpy(w->memory + page * PAGE + MARK_AT, &mark, sizeof(mark));
		memset(w->memory + page * PAGE + BUFFER_AT, 0, BUFFER_BYTES);
	}
	mprotect(last, PAGE, PROT_READ);
}

/* ---- The device ---- */

static uint64_t in_its_order(const struct edu *e, uint64_t value)
{
	return e->swapped ? __builtin_bswap64(value) : value;
}

static void set(const struct edu *e, uint64_t at, uint64_t value)
{
	value = in_its_order(e, value);
	e->w->backend->pwrite(e->fd, &value, 8, at);
}

static void copy(const struct edu *e, uint64_t from, uint64_t to,
                 uint64_t command)
{
	unsigned int tries;
	uint64_t is = 1;

	set(e, EDU_SOURCE, from);
	set(e, EDU_TARGET, to);
	set(e, EDU_COUNT, command == FROM_MEMORY ? 8 : BUFFER_BYTES);
	set(e, EDU_COMMAND, command);
	for (tries = 0; tries < 30; tries++) {
		e->w->backend->pread(e->fd, &is, 8, EDU_COMMAND);
		if (!(in_its_order(e, is) & 1))
			return;
		usleep(101000);
	}
}

static long open_edu(struct abi_world *w, struct edu *ret_edu)
{
	const uint16_t master = 6;
	uint32_t id = 0;
	long fd = w->backend->ioctl(w->fd[FD_GROUP], VFIO_GROUP_GET_DEVICE_FD,
	                            (uintptr_t)w->backend->device(1));

	if (fd < 0)
		return fd;
	w->backend->pwrite((int)fd, &master, 2, CONFIG + 4);
	w->backend->pread((int)fd, &id, 4, 0);
	*ret_edu = (struct edu){w, (int)fd, id == __builtin_bswap32(EDU_ID)};
	if (id == EDU_ID || ret_edu->swapped)
		return 0;
	w->backend->close((int)fd);
	return -ENODEV;
}

/* ---- What it reaches ---- */

static unsigned int page_of(uint64_t mark)
{
	return (mark & ~MARK_MASK) == now ? (unsigned int)(mark & MARK_MASK)
	                                  : NO_PAGE;
}

/* Which page shows the buffer that it did not before. */
static unsigned int written_page(const struct abi_world *w)
{
	static const char none[BUFFER_BYTES];
	unsigned int page;

	for (page = 0; page <= MEM_PAGES; page++)
		if (memcmp(w->memory + page * PAGE + BUFFER_AT, none,
		           sizeof(none)) != 0)
			return page;
	return NO_PAGE;
}

static void write_all(const struct edu *e, const struct tce_probes *probes,
                      unsigned int written[TCE_PROBES],
                      uint64_t buffer[TCE_PROBES])
{
	const struct abi_world *w = e->w;
	unsigned int i;
	char *at;

	memset(buffer, 0, BUFFER_BYTES);
	for (i = 0; i < probes->count; i++) {
		copy(e, EDU_BUFFER, probes->iova[i] + BUFFER_AT, TO_MEMORY);
		written[i] = written_page(w);
		if (written[i] == NO_PAGE)
			continue;
		at = w->memory + written[i] * PAGE + BUFFER_AT;
		memcpy(buffer, at, BUFFER_BYTES);
		memset(at, 0, BUFFER_BYTES);
	}
}

static void say(char *text, uint64_t iova, unsigned int read,
                unsigned int written)
{
	char *end = text + strlen(text);
	size_t room = TCE_TEXT - strlen(text);

	if (read == NO_PAGE && written == NO_PAGE)
		return;
	if (read == written)
		snprintf(end, room, " %jx:%urw", (uintmax_t)iova / PAGE, read);
	else if (written == NO_PAGE)
		snprintf(end, room, " %jx:%ur", (uintmax_t)iova / PAGE, read);
	else if (read == NO_PAGE)
		snprintf(end, room, " %jx:%uw", (uintmax_t)iova / PAGE,
		         written);
	else
		snprintf(end, room, " %jx:%ur%uw", (uintmax_t)iova / PAGE, read,
		         written);
}

static void dma(struct abi_world *w, const struct tce_probes *probes,
                char *text)
{
	unsigned int i, written[TCE_PROBES];
	uint64_t buffer[TCE_PROBES];
	struct edu e;
	long ret = open_edu(w, &e);

	if (ret) {
		snprintf(text, TCE_TEXT, "no device (%ld)", ret);
		return;
	}
	strcpy(text, "dma");
	for (i = 0; i < probes->count; i++)
		copy(&e, probes->iova[i] + MARK_AT, EDU_BUFFER + 8 * i,
		     FROM_MEMORY);
	write_all(&e, probes, written, buffer);
	for (i = 0; i < probes->count; i++)
		say(text, probes->iova[i], page_of(buffer[i]), written[i]);
	w->backend->close(e.fd);
}

static void say_answer(char *text, unsigned int call, long answer)
{
	snprintf(text + strlen(text), TCE_TEXT - strlen(text), " %s=%ld",
	         after_name[call], answer);
}

void tce_after(struct abi_world *w, const struct tce_probes *probes,
               char text[TCE_TEXT])
{
	char at[sizeof(union tce_argument)];
	unsigned int i;

	text[0] = '\0';
	if (!probes->none)
		dma(w, probes, text);
	for (i = 0; i < TCE_AFTER_CALLS; i++)
		say_answer(text, i, tce_do(w, &tce_after_call[i], at));
}

/* ---- What the model says of it ---- */

static unsigned int page_at(const struct tce_entry *e, uint64_t iova)
{
	uint64_t at = e->at + (iova - e->iova);

	if ((at & PLACE_MASK) == PLACE_READ_ONLY)
		return MEM_PAGES;
	return (unsigned int)((at - PLACE_MEMORY) / PAGE);
}

/* NULL: nothing there. */
static const struct tce_entry *reached(struct tce_model *m, uint64_t iova)
{
	return tce_model_entry(m, (unsigned int)m->of_group[1], iova);
}

static void model_dma(struct tce_model *m, const struct tce_probes *probes,
                      char *text)
{
	const uint32_t reads = VFIO_DMA_MAP_FLAG_READ,
		       writes = VFIO_DMA_MAP_FLAG_WRITE;
	const struct tce_entry *e;
	bool shows = false;
	unsigned int i;

	strcpy(text, "dma");
	/* What was read is seen only where the buffer can be written to. */
	for (i = 0; i < probes->count; i++) {
		e = reached(m, probes->iova[i]);
		shows |= e && (e->access & writes);
	}
	for (i = 0; i < probes->count; i++) {
		uint64_t iova = probes->iova[i];

		e = reached(m, iova);
		if (e)
			say(text, iova,
			    shows && (e->access & reads) ? page_at(e, iova)
			                                 : NO_PAGE,
			    e->access & writes ? page_at(e, iova) : NO_PAGE);
	}
}

void tce_model_after(struct tce_model *m, const struct tce_probes *probes,
                     char text[TCE_TEXT])
{
	int c = m->of_group[1];
	union tce_argument out;
	unsigned int i;

	text[0] = '\0';
	if (probes->none)
		;
	else if (c < 0 || !m->container[c].type)
		snprintf(text, TCE_TEXT, "no device (%d)", -EINVAL);
	else
		model_dma(m, probes, text);
	for (i = 0; i < TCE_AFTER_CALLS; i++)
		say_answer(text, i,
		           tce_model_call(m, &tce_after_call[i], &out));
}

/* ---- Where the device is asked to ---- */

static const struct {
	const char *subject;
	uint64_t states;
} looked_at[] = {
	{"MAP", TCE_IN(T_V1_MAPPED) | TCE_IN(T_MAPPED) | TCE_IN(T_WIDE) |
                        TCE_IN(T_TWO) | TCE_IN(T_BORROWED)},
	{"UNMAP", TCE_IN(T_V1_MAPPED) | TCE_IN(T_MAPPED) | TCE_IN(T_WIDE) |
                          TCE_IN(T_TWO)},
	{"UNREGISTER", TCE_IN(T_MAPPED) | TCE_IN(T_ORPHAN) | TCE_IN(T_SHARED) |
                               TCE_IN(T_BORROWED)},
	{"REMOVE", TCE_IN(T_WIDE) | TCE_IN(T_HIGH) | TCE_IN(T_TWO)},
	{"groups", TCE_EVERYWHERE},
	{"ENABLE", TCE_IN(T_V1_MAPPED)},
};

bool tce_looks(const struct tce_row *row)
{
	size_t i;

	for (i = 0; i < COUNT(looked_at); i++)
		if (strcmp(looked_at[i].subject, row->subject) == 0)
			return looked_at[i].states & TCE_IN(row->state);
	return false;
}

static void add(struct tce_probes *p, uint64_t iova)
{
	unsigned int i = 0;

	iova -= iova % PAGE;
	while (i < p->count && p->iova[i] != iova)
		i++;
	if (i == p->count && i < TCE_PROBES)
		p->iova[p->count++] = iova;
}

static void add_call(struct tce_probes *p, const struct tce_call *call)
{
	uint64_t iova = call->command == VFIO_IOMMU_MAP_DMA
	                        ? call->argument.map.iova
	                        : call->argument.unmap.iova;

	if (call->command != VFIO_IOMMU_MAP_DMA &&
	    call->command != VFIO_IOMMU_UNMAP_DMA)
		return;
	add(p, iova);
	if (iova < UINT64_MAX - 2 * PAGE)
		add(p, iova + PAGE);
}

/* The first that is mapped with this access. */
static void add_like(struct tce_probes *p, struct tce_model *m, uint32_t access)
{
	unsigned int i;

	for (i = 0; i < TCE_ENTRIES; i++) {
		const struct tce_entry *e = &m->entry[i];

		if (!e->is_there || e->access != access ||
		    (int)e->container != m->of_group[1])
			continue;
		add(p, e->iova);
		return;
	}
}

static void add_gone(struct tce_probes *p, struct tce_model *before,
                     struct tce_model *after)
{
	unsigned int i;

	for (i = 0; i < TCE_ENTRIES && p->count < TCE_PROBES - 1; i++) {
		const struct tce_entry *e = &before->entry[i];

		if (e->is_there && (int)e->container == before->of_group[1] &&
		    !tce_model_entry(after, e->container, e->iova))
			add(p, e->iova);
	}
}

void tce_probe(const struct tce_row *row, struct tce_model *before,
               struct tce_model *after, struct tce_probes *ret_probes)
{
	struct tce_probes *p = ret_probes;

	*p = (struct tce_probes){.none = !tce_looks(row)};
	if (p->none)
		return;
	add_like(p, after, 3);
	add_call(p, &row->call);
	add_like(p, after, 1);
	add_like(p, after, 2);
	add_gone(p, before, after);
	add(p, 0x2000);
}

/* Windows are as far from each other as their tables could reach. */
static bool is_behind(const struct tce_window *w, uint64_t iova)
{
	return w->is_there && iova - w->start >= w->bytes &&
	       iova - w->start < TCE_HIGH;
}

void tce_probe_inside(const struct tce_model *after, struct tce_probes *probes)
{
	const struct tce_container *c;
	unsigned int i, kept = 0;

	if (after->of_group[1] < 0)
		return;
	c = &after->container[after->of_group[1]];
	for (i = 0; i < probes->count; i++)
		if (!is_behind(&c->window[0], probes->iova[i]) &&
		    !is_behind(&c->window[1], probes->iova[i]))
			probes->iova[kept++] = probes->iova[i];
	probes->count = kept;
}
