/* SPDX-License-Identifier: MIT */
/*
 * Threads of a case. One that does not run is bytes: registers (as setjmp()
 * leaves them), the part of the stack in use, the thread-local memory, and its
 * pending operation. To take a step these are moved in, the operation is done,
 * and the thread runs on to its next one, where it is moved out again.
 *
 * The code is the compiler's own, at the optimisation that ships, and the
 * thread-local variables are those of the program: only which thread they
 * belong to is changed by moving them.
 */
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "engine.h"

#define STACK_BYTES (256 << 10)
#define CLEARED     2048 /* below what is in use, before a step */
#define LOCAL_BYTES (sizeof(struct head) + STACK_BYTES + 4096)

static char stack[STACK_BYTES] __attribute__((aligned(4096)));
static char *tls, *tls_initial;
static size_t tls_bytes;
static jmp_buf engine;
static char *scratch;
static void (*volatile called)(void);
static bool signalled;
static uint64_t result;

struct intern locals;
const struct explore_case *the_case;
unsigned int threads;
uint32_t local_id[EXPLORE_THREADS];
struct head now;
unsigned int now_thread;
bool now_running;
struct broken broken;

static int find_tls(struct dl_phdr_info *info, size_t size, void *arg)
{
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_TLS)
			continue;
		tls = info->dlpi_tls_data;
		tls_bytes = (info->dlpi_phdr[i].p_memsz + 7) & ~UINT64_C(7);
	}
	return 1; /* the program itself comes first */
}

void threads_init(void)
{
	dl_iterate_phdr(find_tls, NULL);
	tls_initial = calloc(1, tls_bytes + 1);
	scratch = calloc(1, LOCAL_BYTES);
	if (tls_bytes)
		memcpy(tls_initial, tls, tls_bytes);
	intern_init(&locals);
}

bool on_stack(const void *at)
{
	return (size_t)((const char *)at - stack) < STACK_BYTES;
}

bool on_tls(const void *at)
{
	return (size_t)((const char *)at - tls) < tls_bytes;
}

/* ---- In and out. ---- */

static char *stack_low(uint32_t bytes)
{
	return stack + STACK_BYTES - bytes;
}

static void move_out(void)
{
	char *p = scratch;

	memcpy(p, &now, sizeof(now));
	p += sizeof(now);
	if (!now.done) {
		memcpy(p, tls, tls_bytes);
		p += tls_bytes;
		memcpy(p, stack_low(now.stack_bytes), now.stack_bytes);
		p += now.stack_bytes;
	}
	local_id[now_thread] =
		intern(&locals, scratch, (uint32_t)(p - scratch));
}

static void move_in(unsigned int thread)
{
	const char *p = interned(&locals, local_id[thread]);
	char *low;

	memcpy(&now, p, sizeof(now));
	now_thread = thread;
	if (now.done)
		return;
	p += sizeof(now);
	memcpy(tls, p, tls_bytes);
	low = stack_low(now.stack_bytes);
	memcpy(low, p + tls_bytes, now.stack_bytes);
	/* What other threads left there would be taken for a difference. */
	memset(low - CLEARED, 0, CLEARED);
}

void local_edit(unsigned int thread, void (*edit)(struct head *, void *),
                void *arg)
{
	const struct piece *piece = &locals.piece[local_id[thread]];
	uint32_t length = piece->length;

	memcpy(scratch, interned(&locals, local_id[thread]), length);
	edit((struct head *)(void *)scratch, arg);
	if (((struct head *)(void *)scratch)->done)
		length = sizeof(struct head);
	local_id[thread] = intern(&locals, scratch, length);
}

void local_rename(unsigned int thread, uint64_t present)
{
	const struct piece *piece = &locals.piece[local_id[thread]];
	uint32_t length = piece->length;

	if (!piece->ranks)
		return;
	memcpy(scratch, interned(&locals, local_id[thread]), length);
	ranks_rename(scratch, length, present);
	local_id[thread] = intern(&locals, scratch, length);
}

/* ---- The thread's side. ---- */

/* Below the caller's frame, on a stack that grows down. */
static __attribute__((noinline)) char *below(void)
{
	return __builtin_frame_address(0);
}

uint64_t yield(const struct pending *next)
{
	for (;;) {
		now.next = *next;
		memset(&now.context, 0, sizeof(now.context));
		now.stack_bytes =
			(uint32_t)(stack + STACK_BYTES - below() + 63) & ~63u;
		if (_setjmp(now.context) == 0)
			_longjmp(engine, WENT_ON);
		if (!signalled)
			return result;
		signalled = false;
		now.handling = true;
		the_case->thread[now_thread].handler();
		now.handling = false;
	}
}

void give_up(enum outcome outcome)
{
	_longjmp(engine, outcome);
}

void explore_exit(void)
{
	static const struct explore_site site = {"", "the end", "", 0};
	struct pending next = {.kind = OP_END, .site = &site};

	while (now.exits--)
		now.at_exit[now.exits].fn(now.at_exit[now.exits].arg);
	now.exits = 0;
	yield(&next);
	abort();
}

static void entry(void)
{
	the_case->thread[now_thread].run();
	explore_exit();
}

/* ---- The engine's side. ---- */

void set_broken(const char *law, const char *sentence)
{
	if (broken.law)
		return;
	broken.law = law;
	broken.sentence = sentence;
}

static enum outcome run_on(void)
{
	int outcome = _setjmp(engine);

	if (!outcome) {
		now_running = true;
		_longjmp(now.context, 1);
	}
	now_running = false;
	if (outcome == WENT_ON)
		move_out();
	return broken.law ? BROKE : outcome;
}

enum outcome thread_step(unsigned int thread, unsigned int branch)
{
	struct pending op;
	bool goes_on;

	move_in(thread);
	op = now.next;
	access_step(&op);
	goes_on = step_perform(&now, thread, branch, &result);
	trace_step(&now, thread, &op, result);
	if (broken.law)
		return BROKE;
	if (goes_on)
		return run_on();
	move_out();
	return WENT_ON;
}

enum outcome thread_signal(unsigned int thread)
{
	static const struct pending none = {.kind = OP_POINT};

	move_in(thread);
	access_step(&none);
	signalled = true;
	trace_signal(thread);
	return run_on();
}

void thread_leave(unsigned int thread, unsigned int index)
{
	struct head head = *local_head(thread);

	trace_leave(thread, &head.delayed[index]);
	step_leave(&head, index);
	memcpy(scratch, interned(&locals, local_id[thread]),
	       locals.piece[local_id[thread]].length);
	memcpy(scratch, &head, sizeof(head));
	local_id[thread] =
		intern(&locals, scratch, locals.piece[local_id[thread]].length);
}

static enum outcome begin(unsigned int thread)
{
	static const struct pending none = {.kind = OP_POINT};
	ucontext_t context;
	volatile int outcome;

	memset(&now, 0, sizeof(now));
	memset(stack, 0, sizeof(stack));
	memcpy(tls, tls_initial, tls_bytes);
	now_thread = thread;
	access_step(&none);
	getcontext(&context);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = STACK_BYTES;
	context.uc_link = NULL;
	makecontext(&context, entry, 0);
	outcome = _setjmp(engine);
	if (!outcome) {
		now_running = true;
		setcontext(&context);
	}
	now_running = false;
	if (outcome == WENT_ON)
		move_out();
	return broken.law ? BROKE : (enum outcome)outcome;
}

/* Each runs to its first operation, which comes after nobody's. */
enum outcome threads_begin(void)
{
	enum outcome outcome = WENT_ON;

	for (threads = 0; the_case->thread[threads].name; threads++)
		;
	for (unsigned int t = 0; t < threads && outcome == WENT_ON; t++)
		outcome = begin(t);
	return outcome;
}

enum outcome engine_call(void (*fn)(void))
{
	volatile int outcome;

	memcpy(tls, tls_initial, tls_bytes);
	called = fn;
	outcome = _setjmp(engine);
	if (!outcome)
		called();
	return broken.law ? BROKE : WENT_ON;
}
