/* SPDX-License-Identifier: MIT */
/*
 * Random words that the decoder knows, each run twice with the same registers:
 * on a page of memory, by the processor, and on the same page without access,
 * by the emulator, with a device that is an array. Registers, vectors and
 * memory must be the same (TRAP-1).
 *
 * Not here: X28, which the frame of the test needs, and addresses relative to
 * the code.
 */
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "preload/emulate.h"
#include "preload/perform_aarch64.h"
#include "rig.h"

#define WORDS    20000
#define SPAN     2048
#define RESERVED 28

struct word_state {
	uint64_t x[31], sp, v[32][2], sp_was;
};

_Static_assert(offsetof(struct word_state, sp_was) == 768, "as in the .S file");

extern const char word_begin[], word_slot[], word_end[];

static uint8_t *page;
static uint32_t *code;
static uint8_t device[SPAN], start[SPAN];
static struct ioas_bus bus;
static struct ioas_emulation last;
static uint8_t stack[65536];
static enum ioas_emulated result;

static int load(void *context, uint64_t offset, unsigned int size,
                uint64_t *ret_value)
{
	*ret_value = 0;
	memcpy(ret_value, device + offset, size);
	return 0;
}

static int store(void *context, uint64_t offset, unsigned int size,
                 uint64_t value)
{
	memcpy(device + offset, &value, size);
	return 0;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	last.bus = &bus;
	last.context = context;
	last.fault_address = (uintptr_t)info->si_addr;
	result = ioas_emulate(&last);
	if (result != IOAS_EMULATED_DONE ||
	    last.fault_address - bus.start >= bus.bytes)
		signal(number, SIG_DFL);
}

static void set_up(struct rig *r)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction act = {.sa_sigaction = on_fault,
	                        .sa_flags = SA_SIGINFO | SA_ONSTACK};
	size_t bytes = (size_t)(word_end - word_begin);

	page = rig_memory(r, rig_page());
	code = rig_memory(r, rig_page());
	assert_true(bytes <= rig_page());
	memcpy(code, word_begin, bytes);
	assert_int_equal(
		mprotect(code, rig_page(), PROT_READ | PROT_WRITE | PROT_EXEC),
		0);
	bus = (struct ioas_bus){.start = (uintptr_t)page,
	                        .bytes = SPAN,
	                        .prot = PROT_READ | PROT_WRITE,
	                        .load = load,
	                        .store = store};
	assert_int_equal(sigaltstack(&alternate, NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &act, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &act, NULL), 0);
}

static void run(uint32_t word, struct word_state *state, int prot)
{
	uint32_t *slot = code + (word_slot - word_begin) / 4;

	*slot = word;
	__builtin___clear_cache((char *)slot, (char *)(slot + 1));
	assert_int_equal(mprotect(page, rig_page(), prot), 0);
	((void (*)(struct word_state *))(uintptr_t)code)(state);
	assert_int_equal(mprotect(page, rig_page(), PROT_READ | PROT_WRITE), 0);
}

static bool usable(const struct ioas_aarch64_insn *insn)
{
	bool index = insn->base == IOAS_AARCH64_INDEX;

	/* Some of these are of later processors. */
	if (insn->ordered && !(getauxval(AT_HWCAP) & HWCAP_ILRCPC))
		return false;
	if (insn->kind == IOAS_AARCH64_UNKNOWN ||
	    insn->base == IOAS_AARCH64_LITERAL || insn->rn == RESERVED)
		return false;
	if (index && (insn->rm == RESERVED || insn->rm == insn->rn))
		return false;
	return insn->vector ||
	       (insn->rt != RESERVED && (!insn->pair || insn->rt2 != RESERVED));
}

static uint32_t some_word(struct rig *r, struct ioas_aarch64_insn *ret_insn)
{
	uint32_t word;

	do {
		word = (uint32_t)rig_random(r);
		word = (word & ~0x0a000000u) | 0x08000000;
		*ret_insn = ioas_aarch64_decode(word);
	} while (!usable(ret_insn));
	return word;
}

/* Any registers, but for a base that leads to the middle of the page. */
static bool fill(struct rig *r, const struct ioas_aarch64_insn *insn,
                 struct word_state *state)
{
	struct ioas_aarch64_registers registers = {.v = NULL};
	uint64_t tag = rig_random_below(r, 8) ? 0 : rig_random(r) << 56;
	uint64_t at = (uintptr_t)page + 512 + 16 * rig_random_below(r, 32);
	unsigned int i;

	for (i = 0; i < 31; i++)
		state->x[i] = rig_random(r);
	for (i = 0; i < 64; i++)
		state->v[i / 2][i & 1] = rig_random(r);
	memcpy(registers.x, state->x, sizeof(registers.x));
	registers.sp = 0;
	if (insn->rn != 31)
		registers.x[insn->rn] = 0;
	at -= ioas_aarch64_address(insn, &registers);
	at = (at & (UINT64_MAX >> 8)) | tag;
	state->sp = insn->rn == 31 ? at : (uintptr_t)page + 1024;
	if (insn->rn != 31)
		state->x[insn->rn] = at;
	/* What the processor itself wants of a stack pointer. */
	return !(state->sp & 15);
}

static void compare(uint32_t word, const struct word_state *is,
                    const struct word_state *wanted)
{
	unsigned int i;

	for (i = 0; i < 31; i++)
		if (i != RESERVED && is->x[i] != wanted->x[i])
			fail_msg("%08x: x%u is %lx, not %lx", word, i,
			         (unsigned long)is->x[i],
			         (unsigned long)wanted->x[i]);
	if (is->sp != wanted->sp)
		fail_msg("%08x: the stack pointer differs", word);
	for (i = 0; i < 64; i++)
		if (is->v[i / 2][i & 1] != wanted->v[i / 2][i & 1])
			fail_msg("%08x: half %u of v%u is %lx, not %lx", word,
			         i & 1, i / 2,
			         (unsigned long)is->v[i / 2][i & 1],
			         (unsigned long)wanted->v[i / 2][i & 1]);
	if (memcmp(device, page, SPAN) != 0)
		fail_msg("%08x: memory differs", word);
}

static void every_word_does_what_the_processor_does(struct rig *r)
{
	static struct word_state state, wanted;
	struct ioas_aarch64_insn insn;
	unsigned int i, k, done = 0;
	uint32_t word;

	set_up(r);
	for (i = 0; i < WORDS; i++) {
		word = some_word(r, &insn);
		if (!fill(r, &insn, &state))
			continue;
		for (k = 0; k < SPAN; k += 8) {
			uint64_t some = rig_random(r);

			memcpy(start + k, &some, sizeof(some));
		}
		memcpy(device, start, SPAN);
		memcpy(page, start, SPAN);
		wanted = state;
		run(word, &wanted, PROT_READ | PROT_WRITE);
		run(word, &state, PROT_NONE);
		compare(word, &state, &wanted);
		done++;
	}
	assert_true(done > WORDS / 2);
}

/* As of a BAR that is mapped as device memory. */
static void refuse(uint32_t word, uint64_t offset, enum ioas_emulated wanted)
{
	ucontext_t context = {.uc_flags = 0}, before;
	uint32_t copy = word;

	context.uc_mcontext.pc = (uintptr_t)&copy;
	context.uc_mcontext.regs[1] = (uintptr_t)page + offset;
	before = context;
	last = (struct ioas_emulation){.bus = &bus, .context = &context};
	assert_int_equal(ioas_emulate(&last), wanted);
	assert_memory_equal(&before.uc_mcontext, &context.uc_mcontext,
	                    sizeof(context.uc_mcontext));
}

static void what_is_refused_leaves_the_frame_alone(struct rig *r)
{
	set_up(r);
	refuse(0xb9400020, 1, IOAS_EMULATED_UNALIGNED); /* ldr w0, [x1] */
	refuse(0xb9400020, SPAN, IOAS_EMULATED_UNKNOWN);
	refuse(0xc85f7c20, 0, IOAS_EMULATED_UNKNOWN); /* ldxr x0, [x1] */
	assert_int_equal(last.length, 4);
	assert_int_equal(last.bytes[3], 0xc8);
	/* A frame without its record of vectors. */
	refuse(0x3dc00020, 0, IOAS_EMULATED_UNKNOWN); /* ldr q0, [x1] */
	assert_non_null(strstr(last.reason, "vector"));
}

RIG_MAIN("preload_emulate_aarch64",
         RIG_ONCE(every_word_does_what_the_processor_does), /* no objects */
         RIG_TEST(what_is_refused_leaves_the_frame_alone))
