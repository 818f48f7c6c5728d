/* SPDX-License-Identifier: MIT */
/*
 * A state: in the memory that the sources work on, in the struct, in bytes.
 *
 * Ids and generations are only compared, so in each state they are renamed: the
 * generation is always GENERATION, and others are numbered from LEAST in their
 * order. With EXCHANGE an id of an older generation that no other word has
 * could be of any older one, and is of one that says so. So any number of
 * rollovers is a finite space.
 *
 * Contexts that may do the same are sorted by all that there is about each.
 */
#include <stddef.h>
#include <string.h>

#include "replay.h"

#define LEAST   3u
#define LONELY  1u /* an old id of a context: no word has it */
#define STRAY   2u /* an old id in a word: no context has it */
#define MASK    ((1u << BITS) - 1)
#define IDLE_ID 0xffffu

struct ioas_asids *asids;
struct ioas_asid_context context[CONTEXTS];
struct ioas_asid_cpu *cpu[CPUS];

uint64_t wide(uint16_t narrow, bool id)
{
	if (id)
		return narrow == IDLE_ID ? IOAS_ASID_IDLE : narrow;
	return (narrow & 0xfffu) | (narrow & 0x4000 ? IOAS_ASID_GOING : 0) |
	       (narrow & 0x8000 ? IOAS_ASID_EXITED : 0);
}

uint16_t narrow(uint64_t wide, bool id)
{
	if (id)
		return wide == IOAS_ASID_IDLE ? IDLE_ID : (uint16_t)wide;
	return (uint16_t)((wide & 0xfff) |
	                  (wide & IOAS_ASID_GOING ? 0x4000 : 0) |
	                  (wide & IOAS_ASID_EXITED ? 0x8000 : 0));
}

/* ---- Memory ---- */

void state_to_memory(const struct state *s)
{
	unsigned int i;

	asids->generation.cell = s->generation;
	/* Bits beyond the numbers there are: never given. */
	asids->map[0] = s->map | ~UINT64_C(0xff);
	asids->pinned[0] = s->pinned | ~UINT64_C(0xff);
	asids->hint = 0;
	asids->report.pinned = s->npinned;
	for (i = 0; i < the_case->contexts; i++) {
		context[i].id = s->id[i];
		context[i].pins =
			(uint32_t)wide((uint16_t)((s->pins[i] & 0xc0) << 8 |
		                                  (s->pins[i] & 0x3f)),
		                       false);
	}
	for (i = 0; i < the_case->cpus; i++) {
		cpu[i]->active = wide(s->active[i], true);
		cpu[i]->flushed = s->flushed[i];
		cpu[i]->seen = wide(s->seen[i], true);
		asids->reserved[i] = s->reserved[i];
	}
}

void state_from_memory(struct state *s, bool all)
{
	unsigned int i;

	s->generation = (uint16_t)asids->generation.cell;
	for (i = 0; i < the_case->contexts; i++) {
		uint16_t pins = narrow(context[i].pins, false);

		s->id[i] = (uint16_t)context[i].id;
		s->pins[i] = (uint8_t)((pins >> 8 & 0xc0) | (pins & 0x3f));
	}
	for (i = 0; i < the_case->cpus; i++)
		s->active[i] = narrow(cpu[i]->active, true);
	if (!all)
		return;
	s->map = (uint8_t)asids->map[0];
	s->pinned = (uint8_t)asids->pinned[0];
	s->npinned = (uint8_t)asids->report.pinned;
	for (i = 0; i < the_case->cpus; i++) {
		s->flushed[i] = (uint16_t)cpu[i]->flushed;
		s->seen[i] = narrow(cpu[i]->seen, true);
		s->reserved[i] = (uint16_t)asids->reserved[i];
	}
}

/* ---- Equal states ---- */

/* The ids and generations that are not those of contexts. */
static unsigned int words_of(struct state *s, uint16_t **ret,
                             unsigned int *ret_logs)
{
	unsigned int n = 0, i, j;

	for (i = 0; i < the_case->cpus; i++) {
		ret[n++] = &s->active[i];
		ret[n++] = &s->reserved[i];
		for (j = 0; j < s->delays[i]; j++)
			ret[n++] = &s->delayed[i][j];
		ret[n++] = &s->flushed[i];
		ret[n++] = &s->seen[i];
	}
	*ret_logs = n;
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < s->thread[i].used; j++)
			if (s->thread[i].ids >> j & 1)
				ret[n++] = &s->thread[i].log[j];
	return n;
}

#define WORDS (CPUS * (4 + DELAYED) + THREADS * LOG + CONTEXTS)

static bool is_old(uint16_t word, uint16_t generation)
{
	return word && word != IDLE_ID && (word & ~MASK) != generation;
}

/*
 * Ids that are equal to no other word: of which generation is all the same. A
 * log keeps what it has: its thread compares that with the others again.
 */
static void collapse(struct state *s, uint16_t **word, unsigned int logs,
                     unsigned int n)
{
	unsigned int i, c;
	uint32_t met = 0;
	bool found;

	for (i = 0; i < n; i++) {
		if (!is_old(*word[i], s->generation))
			continue;
		found = false;
		for (c = 0; c < the_case->contexts; c++) {
			if (s->id[c] == *word[i]) {
				met |= 1u << c;
				found = true;
			}
		}
		for (c = logs; c < n && i < logs && !found; c++)
			found = *word[c] == *word[i];
		if (!found && i < logs)
			*word[i] =
				(uint16_t)(STRAY << BITS | (*word[i] & MASK));
	}
	for (c = 0; c < the_case->contexts; c++)
		if (is_old(s->id[c], s->generation) && !(met >> c & 1))
			s->id[c] =
				(uint16_t)(LONELY << BITS | (s->id[c] & MASK));
}

/* With ASYMMETRIC, and nobody at work under the lock. */
static void collapse_asymmetric(struct state *s)
{
	bool kept[CONTEXTS] = {false}, found;
	unsigned int i, c, j;

	for (i = 0; i < the_case->cpus; i++) {
		/* Compared with the generation, and with nothing else. */
		if (is_old(s->active[i], s->generation))
			s->active[i] = STRAY << BITS;
		if (is_old(s->flushed[i], s->generation))
			s->flushed[i] = STRAY << BITS;
		for (j = 0; j < s->delays[i]; j++)
			if (is_old(s->delayed[i][j], s->generation))
				s->delayed[i][j] = STRAY << BITS;
		for (c = 0, found = false; c < the_case->contexts; c++) {
			if (s->id[c] == s->reserved[i])
				kept[c] = found = true;
		}
		if (!found && is_old(s->reserved[i], s->generation))
			s->reserved[i] = (uint16_t)(STRAY << BITS |
			                            (s->reserved[i] & MASK));
		/* A switch in the midst of it has compared, and will again. */
		found = s->thread[i].op && s->thread[i].log[0];
		for (c = 0; c < the_case->contexts; c++) {
			if ((s->id[c] & ~MASK) == s->seen[i])
				kept[c] = found = true;
		}
		if (!found && is_old(s->seen[i], s->generation))
			s->seen[i] = STRAY << BITS;
	}
	for (c = 0; c < the_case->contexts; c++)
		if (!kept[c] && is_old(s->id[c], s->generation))
			s->id[c] =
				(uint16_t)(LONELY << BITS | (s->id[c] & MASK));
}

static void rename_generations(struct state *s)
{
	uint16_t *word[WORDS], old[WORDS], generation, next;
	unsigned int logs, n = words_of(s, word, &logs), olds = 0, i, j;

	if (!the_case->asymmetric)
		collapse(s, word, logs, n);
	else if (options.merged && !s->lock)
		collapse_asymmetric(s);
	for (i = 0; i < the_case->contexts; i++)
		word[n++] = &s->id[i];
	/* The old ones, each once, in their order. */
	for (i = 0; i < n; i++) {
		if (!is_old(*word[i], s->generation) ||
		    *word[i] >> BITS < LEAST)
			continue;
		generation = *word[i] >> BITS;
		for (j = 0; j < olds && old[j] < generation; j++)
			;
		if (j < olds && old[j] == generation)
			continue;
		memmove(&old[j + 1], &old[j], (olds++ - j) * sizeof(old[0]));
		old[j] = generation;
	}
	for (i = 0; i < n; i++) {
		if (!*word[i] || *word[i] == IDLE_ID ||
		    *word[i] >> BITS < LEAST)
			continue;
		next = GENERATION;
		for (j = 0; j < olds; j++)
			if (old[j] == *word[i] >> BITS)
				next = (uint16_t)(LEAST + j);
		*word[i] = (uint16_t)(next << BITS | (*word[i] & MASK));
	}
	s->generation = GENERATION << BITS;
}

/* All that there is about a context. */
static uint64_t about(const struct state *s, unsigned int c)
{
	uint64_t k = s->id[c] | (uint64_t)s->pins[c] << 16 |
	             (uint64_t)s->life[c] << 24;
	unsigned int bit = 25, i;

	for (i = 0; i < the_case->cpus; i++) {
		k |= (uint64_t)(s->runs[i] == c + 1) << bit++;
		k |= (uint64_t)(s->cache[i] == c + 1) << bit++;
	}
	for (i = 0; i < the_case->devices; i++) {
		k |= (uint64_t)(s->bound[i] == c + 1) << bit++;
		k |= (uint64_t)(s->device_cache[i] == c + 1) << bit++;
	}
	for (i = 0; i < THREADS; i++)
		k |= (uint64_t)(s->thread[i].op && s->thread[i].op != IDLE &&
		                s->thread[i].arg == c)
		     << bit++;
	return k | (uint64_t)(s->changed == c + 1) << bit;
}

static void move_name(uint8_t *name, const uint8_t *to)
{
	if (*name && *name != DEAD)
		*name = (uint8_t)(to[*name - 1] + 1);
}

static void reorder_contexts(struct state *s, const uint8_t *order)
{
	const struct state was = *s;
	uint8_t to[CONTEXTS];
	unsigned int i;

	for (i = 0; i < the_case->contexts; i++) {
		to[order[i]] = (uint8_t)i;
		s->id[i] = was.id[order[i]];
		s->pins[i] = was.pins[order[i]];
		s->life[i] = was.life[order[i]];
	}
	for (i = 0; i < the_case->cpus; i++) {
		move_name(&s->runs[i], to);
		move_name(&s->cache[i], to);
	}
	for (i = 0; i < the_case->devices; i++) {
		move_name(&s->bound[i], to);
		move_name(&s->device_cache[i], to);
	}
	for (i = 0; i < THREADS; i++)
		if (s->thread[i].op && s->thread[i].op != IDLE)
			s->thread[i].arg = to[s->thread[i].arg];
	move_name(&s->changed, to);
}

/* Contexts before @first may be pinned, and are another kind. */
static bool sort_contexts(const struct state *s, uint8_t *order)
{
	uint64_t key[CONTEXTS], k;
	bool moved = false;
	unsigned int i, j;

	for (i = 0; i < the_case->contexts; i++) {
		unsigned int first =
			i < the_case->pinnable ? 0 : the_case->pinnable;

		k = about(s, i);
		for (j = i; j > first && key[j - 1] > k; j--) {
			key[j] = key[j - 1];
			order[j] = order[j - 1];
			moved = true;
		}
		key[j] = k;
		order[j] = (uint8_t)i;
	}
	return moved;
}

static void normal_contexts(struct state *s, uint8_t *order)
{
	if (sort_contexts(s, order))
		reorder_contexts(s, order);
}

/* ---- CPUs ---- */

/*
 * What a CPU kept at the last rollover, and has switched since: the next one
 * takes what it runs instead. Until then a context is looked for under it, and
 * none has that id, or has had none of an older generation.
 */
static void forget_kept(struct state *s)
{
	unsigned int i;

	for (i = 0; i < the_case->cpus; i++)
		if (s->active[i] && (s->reserved[i] >> BITS == STRAY ||
		                     !is_old(s->reserved[i], s->generation)))
			s->reserved[i] = 0;
}

/* About a CPU, without names of contexts. */
static uint64_t about_cpu(const struct state *s, unsigned int i)
{
	const struct progress *p = &s->thread[i];
	uint64_t k = s->active[i];

	k = k << 16 | s->reserved[i];
	k = k << 16 | s->flushed[i];
	k = k << 4 | (s->number[i] & 7u) << 1 | !s->runs[i];
	k = k << 2 | s->delays[i];
	k = k << 2 | (s->cache[i] ? s->cache[i] == DEAD ? 2u : 1u : 0u);
	return k << 4 | (p->op & 7u) << 1 | (s->cache[i] == s->runs[i]);
}

static void reorder_cpus(struct state *s, const uint8_t *order)
{
	const struct state was = *s;
	unsigned int i;

	for (i = 0; i < the_case->cpus; i++) {
		unsigned int o = order[i];

		s->active[i] = was.active[o];
		s->reserved[i] = was.reserved[o];
		s->flushed[i] = was.flushed[o];
		s->seen[i] = was.seen[o];
		memcpy(s->delayed[i], was.delayed[o], sizeof(s->delayed[i]));
		s->delays[i] = was.delays[o];
		s->runs[i] = was.runs[o];
		s->number[i] = was.number[o];
		s->cache[i] = was.cache[o];
		s->stale[i] = was.stale[o];
		s->thread[i] = was.thread[o];
	}
}

/* Return: some of them seem alike. */
static bool sort_cpus(struct state *s, uint8_t *order)
{
	uint64_t key[CPUS], k;
	bool moved = false, alike = false;
	unsigned int i, j;

	for (i = 0; i < the_case->cpus; i++) {
		k = about_cpu(s, i);
		for (j = i; j && key[j - 1] > k; j--) {
			key[j] = key[j - 1];
			order[j] = order[j - 1];
			moved = true;
		}
		alike |= j && key[j - 1] == k;
		key[j] = k;
		order[j] = (uint8_t)i;
	}
	if (moved)
		reorder_cpus(s, order);
	return alike;
}

/* Which of both orders is it that seems no other? The one in fewer bytes. */
static void try_other(struct state *s, struct naming *order)
{
	static uint8_t bytes[2][STATE_BYTES + 64];
	static const uint8_t other[CPUS] = {1, 0, 2};
	struct state t = *s;
	struct naming o = *order;
	unsigned int n, m;

	reorder_cpus(&t, other);
	o.cpu[0] = order->cpu[1];
	o.cpu[1] = order->cpu[0];
	normal_contexts(&t, o.context);
	normal_contexts(s, order->context);
	n = state_pack(s, bytes[0]);
	m = state_pack(&t, bytes[1]);
	if (m < n || (m == n && memcmp(bytes[1], bytes[0], n) < 0)) {
		*s = t;
		*order = o;
	}
}

/*
 * CPUs are alike when what a rollover does is one step: then the order in which
 * it comes to them is nothing that anybody sees.
 */
void state_normal(struct state *s, struct naming *ret_order)
{
	unsigned int i;

	for (i = 0; i < the_case->cpus; i++)
		ret_order->cpu[i] = (uint8_t)i;
	rename_generations(s);
	if (options.merged && the_case->devices < 2) {
		if (!the_case->asymmetric)
			forget_kept(s);
		if (sort_cpus(s, ret_order->cpu) && the_case->cpus == 2) {
			try_other(s, ret_order);
			return;
		}
	}
	normal_contexts(s, ret_order->context);
}

unsigned int state_pack(const struct state *s, uint8_t *bytes)
{
	unsigned int n = offsetof(struct state, thread), i, log;

	memcpy(bytes, s, n);
	for (i = 0; i < THREADS; i++) {
		const struct progress *p = &s->thread[i];

		bytes[n++] = p->op;
		if (!p->op)
			continue;
		bytes[n++] = p->arg;
		bytes[n++] = p->used;
		bytes[n++] = p->holds;
		memcpy(bytes + n, &p->ids, sizeof(p->ids));
		n += sizeof(p->ids);
		log = p->used * sizeof(p->log[0]);
		memcpy(bytes + n, p->log, log);
		n += log;
	}
	return n;
}

unsigned int state_unpack(struct state *s, const uint8_t *bytes)
{
	unsigned int n = offsetof(struct state, thread), i, log;

	memcpy(s, bytes, n);
	memset(s->thread, 0, sizeof(s->thread));
	for (i = 0; i < THREADS; i++) {
		struct progress *p = &s->thread[i];

		p->op = bytes[n++];
		if (!p->op)
			continue;
		p->arg = bytes[n++];
		p->used = bytes[n++];
		p->holds = bytes[n++];
		memcpy(&p->ids, bytes + n, sizeof(p->ids));
		n += sizeof(p->ids);
		log = p->used * sizeof(p->log[0]);
		memcpy(p->log, bytes + n, log);
		n += log;
	}
	return n;
}
