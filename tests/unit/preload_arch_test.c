/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/arch.h"
#include "rig.h"

#define SPAN 96

static unsigned int faults;

static void on_fault(int number, siginfo_t *info, void *context)
{
	faults++;
	if (!ioas_arch_copy_faulted(context))
		signal(number, SIG_DFL);
}

static void set_up(void)
{
	struct sigaction act = {.sa_sigaction = on_fault,
	                        .sa_flags = SA_SIGINFO | SA_NODEFER};

	faults = 0;
	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

static void copies_every_length_at_every_alignment(struct rig *r)
{
	char from[SPAN], to[SPAN], wanted[SPAN];
	unsigned int i, s, d, n;

	for (i = 0; i < SPAN; i++)
		from[i] = (char)rig_random(r);
	for (s = 0; s < 16; s++)
		for (d = 0; d < 16; d++)
			for (n = 0; n < SPAN - 16; n++) {
				memset(to, 0x55, SPAN);
				memcpy(wanted, to, SPAN);
				memcpy(wanted + d, from + s, n);
				assert_int_equal(
					ioas_arch_copy(to + d, from + s, n), 0);
				assert_memory_equal(to, wanted, SPAN);
			}
}

/* Forwards, in whole units: what is copied before the hole is there. */
static void a_hole_ends_the_copy_where_it_begins(struct rig *r)
{
	size_t page = rig_page();
	char *from = rig_memory(r, 2 * page), to[SPAN];
	unsigned int before;

	set_up();
	memset(from, 7, page);
	rig_hole(r, from + page, page);
	for (before = 0; before < SPAN; before += 8) {
		memset(to, 0, SPAN);
		assert_int_equal(ioas_arch_copy(to, from + page - before, SPAN),
		                 -EFAULT);
		if (before)
			assert_int_equal(to[before - 1], 7);
		assert_int_equal(to[before], 0);
	}
	assert_int_equal(faults, SPAN / 8);
}

static void either_end_may_be_bad(struct rig *r)
{
	size_t page = rig_page();
	char *memory = rig_memory(r, 2 * page), local[SPAN] = {1};

	set_up();
	rig_read_only(r, memory, page);
	rig_hole(r, memory + page, page);
	assert_int_equal(ioas_arch_copy(memory, local, 1), -EFAULT);
	assert_int_equal(ioas_arch_copy(memory + page - 4, local, 8), -EFAULT);
	assert_int_equal(ioas_arch_copy(local, memory + page, 1), -EFAULT);
	assert_int_equal(ioas_arch_copy(local, memory + page - 4, 4), 0);
	/* An address that no page can have is a protection fault. */
	assert_int_equal(ioas_arch_copy(local, (void *)(UINT64_C(1) << 60), 8),
	                 -EFAULT);
	assert_int_equal(ioas_arch_copy(local, NULL, 0), 0);
	assert_int_equal(faults, 4);
}

static void a_file_that_became_shorter_is_a_fault(struct rig *r)
{
	size_t page = rig_page();
	char local[8];
	FILE *file = tmpfile();
	void *at;

	set_up();
	assert_non_null(file);
	at = mmap(NULL, page, PROT_READ, MAP_SHARED, fileno(file), 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	assert_int_equal(ioas_arch_copy(local, at, 8), -EFAULT);
	munmap(at, page);
	fclose(file);
}

struct seen {
	char *low, *high;
	uint64_t calls;
	bool inside, aligned;
};

static void look(void *argument)
{
	struct seen *seen = argument;
	/* Vectors on the stack need what the ABI promises. */
	_Alignas(16) volatile char here[32];

	seen->calls++;
	here[0] = 1;
	seen->inside = (char *)here >= seen->low && (char *)here < seen->high;
	seen->aligned = ((uintptr_t)here & 15) == 0;
}

static void a_call_runs_on_the_other_stack(struct rig *r)
{
	size_t bytes = 16 * rig_page();
	struct seen seen = {.low = rig_memory(r, bytes)};

	seen.high = seen.low + bytes;
	ioas_arch_on_stack(seen.high, look, &seen);
	assert_int_equal(seen.calls, 1);
	assert_true(seen.inside);
	assert_true(seen.aligned);
}

#if defined(__x86_64__)
static const unsigned int numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16};

static void fill(ucontext_t *context)
{
	static const int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX,
	                            REG_RSI, REG_RDI, REG_RBP, REG_RSP,
	                            REG_R8,  REG_R9,  REG_R15, REG_RIP};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(order); i++)
		context->uc_mcontext.gregs[order[i]] =
			(greg_t)(1000 + numbers[i]);
}
#else
static const unsigned int numbers[] = {0, 1, 29, 30, 31, 32};

static void fill(ucontext_t *context)
{
	unsigned int i;

	for (i = 0; i < 31; i++)
		context->uc_mcontext.regs[i] = 1000 + i;
	context->uc_mcontext.sp = 1031;
	context->uc_mcontext.pc = 1032;
}
#endif

static void registers_are_numbered_as_in_unwind_tables(struct rig *r)
{
	uint64_t value[IOAS_ARCH_REGISTERS];
	ucontext_t context = {.uc_flags = 0};
	unsigned int i;

	(void)r;
	fill(&context);
	ioas_arch_registers(&context, value);
	for (i = 0; i < IOAS_ARRAY_SIZE(numbers); i++)
		assert_int_equal(value[numbers[i]], 1000 + numbers[i]);
}

RIG_MAIN("preload_arch", RIG_TEST(copies_every_length_at_every_alignment),
         RIG_TEST(a_hole_ends_the_copy_where_it_begins),
         RIG_TEST(either_end_may_be_bad),
         RIG_TEST(a_file_that_became_shorter_is_a_fault),
         RIG_TEST(a_call_runs_on_the_other_stack),
         RIG_TEST(registers_are_numbered_as_in_unwind_tables))
