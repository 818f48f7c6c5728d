/* SPDX-License-Identifier: MIT */
/*
 * The table of stacks. A stack is written whole before its number is put into
 * the hash table by a compare-and-swap; who loses that race leaves a number
 * unused. Nothing is ever taken away.
 */
#include "preload/sites.h"

#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/hooks.h"
#include "host/host.h"
#include "preload/modules.h"
#include "preload/say.h"
#include "preload/stack.h"
#include "preload/wrap.h"

/* Twice as many places as numbers: probes stay short. */
#define PLACES (2 * IOAS_SITES_MAX)
#define PROBES 256

#define CHUNK  256
#define CHUNKS (IOAS_SITES_MAX / CHUNK)

struct site {
	uint32_t hash;
	uint32_t depth;
	struct ioas_a32 sent; /* the tool knows it */
	uint16_t module[IOAS_SITE_DEPTH];
	uint64_t address[IOAS_SITE_DEPTH];
};

__thread struct ioas_site_entry ioas_site_entry
	__attribute__((tls_model("initial-exec")));

static struct ioas_a32 place[PLACES]; /* numbers; 0: free */
static struct ioas_aptr chunk[CHUNKS];
static struct ioas_a32 last;
static uint16_t own_module; /* written before the hook is installed */

/* ---- Numbers. ---- */

static struct site *site_of(uint32_t number)
{
	struct site *first;

	if (!number || number >= IOAS_SITES_MAX)
		return NULL;
	/* Pairs with the cas in chunk_of(). */
	first = ioas_aptr_load(&chunk[number / CHUNK]);
	return first ? first + number % CHUNK : NULL;
}

static struct site *make_chunk(struct ioas_aptr *to)
{
	size_t bytes = CHUNK * sizeof(struct site);
	void *seen = NULL;
	long at = ioas_sys(SYS_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at < 0 && at >= -4095)
		return NULL;
	if (ioas_aptr_cas(to, &seen, (void *)at))
		return (struct site *)at;
	ioas_sys(SYS_munmap, at, (long)bytes, 0, 0, 0, 0);
	return seen;
}

/* A number that nobody has, with memory behind it; or 0. */
static uint32_t new_number(void)
{
	uint32_t number;

	if (ioas_a32_load(&last) >= IOAS_SITES_MAX - 1)
		return 0;
	number = ioas_a32_add(&last, 1);
	if (number >= IOAS_SITES_MAX)
		return 0;
	if (!site_of(number) && !make_chunk(&chunk[number / CHUNK]))
		return 0;
	return number;
}

static bool same(const struct site *site, const struct ioas_stack *stack,
                 uint32_t hash)
{
	return site && site->hash == hash && site->depth == stack->depth &&
	       !memcmp(site->address, stack->address,
	               stack->depth * sizeof(stack->address[0]));
}

static uint32_t write_site(const struct ioas_stack *stack, uint32_t hash)
{
	uint32_t number = new_number();
	struct site *site = site_of(number);

	if (!site)
		return 0;
	site->hash = hash;
	site->depth = stack->depth;
	memcpy(site->address, stack->address,
	       stack->depth * sizeof(stack->address[0]));
	if (ioas_site_entry.instruction)
		site->module[0] = ioas_module_known(stack->address[0]);
	else
		ioas_modules_find(site->address, site->depth, site->module);
	return number;
}

static uint32_t hash_of(const struct ioas_stack *stack)
{
	uint64_t hash = stack->depth;
	unsigned int i;

	for (i = 0; i < stack->depth; i++) {
		hash = (hash ^ stack->address[i]) *
		       UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

static uint32_t number_of(const struct ioas_stack *stack)
{
	uint32_t hash = hash_of(stack), number = 0, seen;
	unsigned int i;

	for (i = 0; i < PROBES; i++) {
		struct ioas_a32 *p = &place[(hash + i) & (PLACES - 1)];

		/* Pairs with the cas below: the stack is seen whole. */
		seen = ioas_a32_load(p);
		if (!seen) {
			if (!number)
				number = write_site(stack, hash);
			if (!number || ioas_a32_cas(p, &seen, number))
				return number;
		}
		if (same(site_of(seen), stack, hash))
			return seen;
	}
	return 0;
}

/* ---- Where are we? ---- */

/* What the C library has below the function that a thread begins with. */
#define BELOW_A_THREAD 2

/*
 * What no wrapper announced still has our own functions below it. When nothing
 * of the program is above them, the thread is one of ours.
 */
static void leave_own_out(struct ioas_stack *stack)
{
	const struct ioas_module *own = ioas_module(own_module);
	unsigned int n = 0;

	while (own && n < stack->depth && stack->address[n] >= own->first &&
	       stack->address[n] <= own->last)
		n++;
	stack->depth -= n;
	if (stack->depth <= BELOW_A_THREAD)
		stack->depth = 0;
	memmove(stack->address, stack->address + n,
	        stack->depth * sizeof(stack->address[0]));
}

static uint32_t unwind(const struct ioas_site_entry *entry)
{
	struct ioas_stack stack;
	uint32_t number;

	ioas_stack_walk(entry->frame, &stack);
	if (!entry->frame)
		leave_own_out(&stack);
	if (!stack.depth)
		return 0;
	number = number_of(&stack);
	if (entry->frame && number)
		ioas_stack_keep(entry, &stack, number);
	return number;
}

static uint32_t call_site(void)
{
	const struct ioas_site_entry *entry = &ioas_site_entry;
	struct ioas_stack one = {.depth = 1};
	uint32_t number;

	if (entry->instruction) {
		one.address[0] = entry->instruction;
		return number_of(&one);
	}
	number = entry->frame ? ioas_stack_kept(entry) : 0;
	return number ? number : unwind(entry);
}

void ioas_sites_begin(void)
{
	struct ioas_stack stack;

	/*
	 * The unwinder sets itself up at its first use, and modules that are
	 * here now are known in the MMIO handler.
	 */
	ioas_stack_walk(0, &stack);
	own_module = IOAS_NO_MODULE;
	if (stack.depth) {
		uint16_t module[IOAS_SITE_DEPTH];

		ioas_modules_find(stack.address, stack.depth, module);
		own_module = module[0];
	}
	ioas_hooks.call_site = call_site;
}

void ioas_sites_forked(void)
{
	uint32_t i;

	ioas_modules_forked();
	/* Relaxed: a forked child has one thread. */
	for (i = ioas_a32_load(&last); i; i--)
		if (site_of(i))
			ioas_a32_store_relaxed(&site_of(i)->sent, 0);
	ioas_site_entry = (struct ioas_site_entry){0};
}

/* ---- For others. ---- */

bool ioas_site_send_module(uint16_t number)
{
	struct ioas_module *m = ioas_module(number);
	/* Behind the kind and the process id. */
	char record[IOAS_RUN_LINE - 16];
	struct ioas_text text = {record, 0, sizeof(record)};
	unsigned int i;

	/* Relaxed: to be sent twice does no harm. */
	if (!m || ioas_a32_load_relaxed(&m->sent))
		return true;
	ioas_text_add(&text, "number=%x\nbuild=", number);
	for (i = 0; i < m->build_bytes; i++)
		ioas_text_add(&text, "%02x", m->build[i]);
	ioas_text_add(&text, "\nbase=%" PRIx64 "\npath=%s\n", m->base, m->path);
	if (!ioas_say_tool(IOAS_RECORD_MODULE, record))
		return false;
	ioas_a32_store_relaxed(&m->sent, 1);
	return true;
}

static uint64_t offset_of(const struct site *site, unsigned int frame)
{
	const struct ioas_module *m = ioas_module(site->module[frame]);

	return site->address[frame] - (m ? m->base : 0);
}

bool ioas_site_send(uint32_t number)
{
	struct site *site = site_of(number);
	char record[64 + 32 * IOAS_SITE_DEPTH];
	struct ioas_text text = {record, 0, sizeof(record)};
	unsigned int i;

	if (!site || ioas_a32_load_relaxed(&site->sent))
		return true;
	ioas_text_add(&text, "number=%x\nframes=", number);
	for (i = 0; i < site->depth; i++) {
		if (!ioas_site_send_module(site->module[i]))
			return false;
		ioas_text_add(&text, "%s%x+%" PRIx64, i ? " " : "",
		              site->module[i], offset_of(site, i));
	}
	ioas_text_add(&text, "\n");
	if (!ioas_say_tool(IOAS_RECORD_SITE, record))
		return false;
	/* Only when it has arrived: another thread may be about to use it. */
	ioas_a32_store_relaxed(&site->sent, 1);
	return true;
}

/* Frames that a text is worth. */
#define TEXT_FRAMES 8

void ioas_site_text(struct ioas_text *text, const char *label, uint32_t number)
{
	const struct site *site = site_of(number);
	const char *path;
	unsigned int i;

	for (i = 0; site && i < site->depth && i < TEXT_FRAMES; i++) {
		const struct ioas_module *m = ioas_module(site->module[i]);

		path = m ? strrchr(m->path, '/') : NULL;
		ioas_text_add(text, "  %-12s %s+0x%" PRIx64 "\n",
		              i ? "" : label,
		              path ? path + 1 : (m ? m->path : ""),
		              offset_of(site, i));
	}
}
