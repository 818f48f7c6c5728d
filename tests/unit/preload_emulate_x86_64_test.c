/* SPDX-License-Identifier: MIT */
/*
 * Every instruction of preload_snippets_x86_64.S is run twice with the same
 * registers: on a page of memory, by the processor, and on the same page
 * without access, by the emulator, with a device that is an array. Registers,
 * flags, vectors, the page and the other end of a string must be the same
 * (TRAP-1). The accesses that the device saw are compared too (TRAP-2).
 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/emulate.h"
#include "preload_snippets_x86_64.h"
#include "rig.h"

#define SPAN   512 /* bytes of the page that are compared */
#define ROUNDS 20

#define AF (1u << 4)
#define DF (1u << 10)

static uint8_t *page;         /* trapped, or not */
static uint8_t device[65536]; /* what the registers hold */
static uint8_t side[SPAN];    /* the end of a string that is no page */

static struct access {
	uint64_t offset;
	unsigned int size;
	bool store;
} seen[64];
static unsigned int seen_count;
static bool silent;

static sigjmp_buf out;
static struct ioas_emulation last;
static struct ioas_bus bus;

static int note(uint64_t offset, unsigned int size, bool store)
{
	if (silent)
		return -EIO;
	seen[seen_count++ % 64] = (struct access){offset, size, store};
	return 0;
}

static int load(void *context, uint64_t offset, unsigned int size,
                uint64_t *ret_value)
{
	*ret_value = 0;
	memcpy(ret_value, device + offset, size);
	return note(offset, size, false);
}

static int store(void *context, uint64_t offset, unsigned int size,
                 uint64_t value)
{
	if (!silent)
		memcpy(device + offset, &value, size);
	return note(offset, size, true);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	enum ioas_emulated result;
	uint64_t offset = (uintptr_t)info->si_addr - bus.start;

	/* A fault that is not on the page is a defect: die of it. */
	if (offset >= bus.bytes) {
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	last.bus = &bus;
	last.context = context;
	last.fault_address = (uintptr_t)info->si_addr;
	result = ioas_emulate(&last);
	if (result != IOAS_EMULATED_DONE)
		siglongjmp(out, 1 + (int)result);
}

static void give_back(void *start)
{
	munmap(start, rig_page());
}

static void set_up(struct rig *r)
{
	struct sigaction act = {.sa_sigaction = on_fault,
	                        .sa_flags = SA_SIGINFO | SA_NODEFER};
	void *at = (void *)(uintptr_t)SNIPPET_LOW;

	assert_int_equal(ioas_decoder_load(), 0);
	last.cache = rig_there(r, ioas_decode_cache_create());
	rig_defer(r, RIG_CALL(ioas_decode_cache_destroy), last.cache);
	assert_ptr_equal(mmap(at, rig_page(), PROT_NONE,
	                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
	                      -1, 0),
	                 at);
	rig_defer(r, give_back, at);
	page = at;
	silent = false;
	seen_count = 0;
	bus = (struct ioas_bus){.start = (uintptr_t)page,
	                        .bytes = rig_page(),
	                        .prot = PROT_READ | PROT_WRITE,
	                        .load = load,
	                        .store = store};
	sigaction(SIGSEGV, &act, NULL);
}

static void protect(int prot)
{
	assert_int_equal(mprotect(page, rig_page(), prot), 0);
}

static bool processor_has(uint64_t flags)
{
	unsigned int a, b, c = 0, d;

	if (flags & NEED_MOVBE) {
		__get_cpuid(1, &a, &b, &c, &d);
		return c & bit_MOVBE;
	}
	if (flags & NEED_AVX)
		return __builtin_cpu_supports("avx");
	if (flags & NEED_512)
		return __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl");
	return true;
}

static void choose_vectors(struct snippet_state *s)
{
	s->load = snippet_load_sse;
	s->store = snippet_store_sse;
	if (processor_has(NEED_AVX)) {
		s->load = snippet_load_avx;
		s->store = snippet_store_avx;
	}
	if (processor_has(NEED_512)) {
		s->load = snippet_load_512;
		s->store = snippet_store_512;
	}
}

static uint64_t fs_base(void)
{
	uint64_t base;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
	return base;
}

static void fill(struct rig *r, void *to, size_t bytes)
{
	uint64_t word;
	size_t i;

	for (i = 0; i < bytes; i += sizeof(word)) {
		word = rig_random(r);
		/* Runs of equal bits make carries and zeros likely. */
		if (word % 3 == 0)
			word = word % 2 ? 0 : UINT64_MAX;
		memcpy((char *)to + i, &word, sizeof(word));
	}
}

static void choose_state(struct rig *r, const struct snippet *sn,
                         struct snippet_state *s)
{
	uint64_t start = (uintptr_t)page;

	fill(r, s, sizeof(*s));
	choose_vectors(s);
	s->rbx = start + 256 - (sn->flags & FS ? fs_base() : 0);
	s->rsi = sn->flags & FROM_PAGE ? start + 256 : (uintptr_t)side + 256;
	s->rdi = sn->flags & TO_PAGE ? start + 256 : (uintptr_t)side + 256;
	s->r9 = 3;
	if (sn->flags & COUNT)
		s->rcx = 5;
	/* CF, PF, AF, ZF, SF, OF; and what is always set. */
	s->flags = (s->flags & 0x8d5) | 0x202 | (sn->flags & DOWN ? DF : 0);
}

static void compare(const struct snippet *sn, const char *what, const void *a,
                    const void *b, size_t bytes)
{
	if (memcmp(a, b, bytes) != 0)
		fail_msg("%s: %s differ", sn->text, what);
}

/* By the processor on memory, then by the emulator; the same must come out. */
static void run_both(struct rig *r, const struct snippet *sn)
{
	static uint8_t before[SPAN], side_before[SPAN], side_after[SPAN];
	struct snippet_state real, ours;

	fill(r, before, SPAN);
	fill(r, side_before, SPAN);
	choose_state(r, sn, &real);
	ours = real;
	protect(PROT_READ | PROT_WRITE);
	memcpy(page, before, SPAN);
	memcpy(side, side_before, SPAN);
	sn->run(&real);
	memcpy(side_after, side, SPAN);
	memcpy(device, page, SPAN);
	memcpy(page, before, SPAN);
	memcpy(before, device, SPAN);
	memcpy(device, page, SPAN);
	memcpy(side, side_before, SPAN);
	protect(PROT_NONE);
	seen_count = 0;
	if (sigsetjmp(out, 1))
		fail_msg("%s: not emulated: %s", sn->text,
		         last.reason ? last.reason : "refused");
	sn->run(&ours);
	if (!seen_count)
		fail_msg("%s: the device saw nothing", sn->text);
	if (sn->flags & LOGIC)
		real.flags = (real.flags & ~(uint64_t)AF) | (ours.flags & AF);
	if (real.flags != ours.flags)
		fail_msg("%s: flags 0x%lx, not 0x%lx", sn->text,
		         (unsigned long)ours.flags, (unsigned long)real.flags);
	compare(sn, "registers", &ours, &real,
	        offsetof(struct snippet_state, flags));
	compare(sn, "vectors", ours.vector, real.vector, sizeof(real.vector));
	compare(sn, "device registers", device, before, SPAN);
	compare(sn, "bytes of memory", side, side_after, SPAN);
}

static void use_near_page(void)
{
	page = snippet_near;
	bus.start = (uintptr_t)page;
}

static void does_what_the_processor_does(struct rig *r)
{
	const struct snippet *sn;
	unsigned int i, done = 0;

	set_up(r);
	for (sn = snippets; sn < snippets_end; sn++) {
		page = (uint8_t *)(uintptr_t)SNIPPET_LOW;
		bus.start = (uintptr_t)page;
		if (sn->flags & NEAR)
			use_near_page();
		for (i = 0; i < ROUNDS && processor_has(sn->flags); i++, done++)
			run_both(r, sn);
		protect(sn->flags & NEAR ? PROT_READ | PROT_WRITE : PROT_NONE);
	}
	assert_true(done > 250 * ROUNDS);
}

/* The result of one instruction on the trapped page. */
static int result_of(void (*touch)(void))
{
	int jumped;

	seen_count = 0;
	last.reason = NULL;
	jumped = sigsetjmp(out, 1);
	if (jumped)
		return jumped - 1;
	touch();
	return IOAS_EMULATED_DONE;
}

#define TOUCH(name, text)                                               \
	static void name(void)                                          \
	{                                                               \
		__asm__ volatile(text                                   \
		                 :                                      \
		                 : "b"(page)                            \
		                 : "rax", "rcx", "rdx", "memory", "cc", \
		                   "xmm1");                             \
	}

TOUCH(load_4, "movl (%%rbx), %%eax")
TOUCH(store_4, "movl %%eax, (%%rbx)")
TOUCH(add_4, "addl $1, (%%rbx)")
TOUCH(compare_4, "cmpl $1, (%%rbx)")
TOUCH(push, "pushq (%%rbx); popq %%rax")
TOUCH(short_address, "movl (%%ebx), %%eax")
TOUCH(half_vector, "movlps (%%rbx), %%xmm1")
TOUCH(add_vector, "paddd (%%rbx), %%xmm1")
TOUCH(mmx, "movq (%%rbx), %%mm1; emms")
TOUCH(locked_bit, "lock btsl $3, (%%rbx)")
TOUCH(bit_test, "btl $3, (%%rbx)")
TOUCH(segment, "movw (%%rbx), %%fs")

static void refuses_what_it_cannot_do(struct rig *r)
{
	static const struct {
		void (*touch)(void);
		const char *reason; /* a part of it */
	} unknown[] = {
		{push, "emulate"},        {short_address, "32-bit"},
		{half_vector, "emulate"}, {add_vector, "emulate"},
		{mmx, "emulate"},         {locked_bit, "emulate"},
		{bit_test, "emulate"},    {segment, "emulate"},
	};
	unsigned int i;

	set_up(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(unknown); i++) {
		assert_int_equal(result_of(unknown[i].touch),
		                 IOAS_EMULATED_UNKNOWN);
		assert_non_null(strstr(last.reason, unknown[i].reason));
		assert_int_equal(seen_count, 0);
	}
}

static void refuses_a_masked_vector(struct rig *r)
{
	set_up(r);
	if (!processor_has(NEED_512))
		return;
	if (!sigsetjmp(out, 1)) {
		__asm__ volatile("kxnorb %%k1, %%k1, %%k1\n"
		                 ".byte 0x62, 0xf1, 0x7e, 0x49, 0x6f, 0x0b"
		                 :
		                 : "b"(page)
		                 : "memory");
		fail_msg("not refused");
	}
	assert_non_null(strstr(last.reason, "masked"));
}

static void keeps_to_the_protection(struct rig *r)
{
	static const struct {
		int prot;
		void (*touch)(void);
		enum ioas_emulated result;
	} row[] = {
		{PROT_NONE, load_4, IOAS_EMULATED_DENIED},
		{PROT_NONE, store_4, IOAS_EMULATED_DENIED},
		{PROT_READ, load_4, IOAS_EMULATED_DONE},
		{PROT_READ, compare_4, IOAS_EMULATED_DONE},
		{PROT_READ, store_4, IOAS_EMULATED_DENIED},
		{PROT_READ, add_4, IOAS_EMULATED_DENIED},
		{PROT_WRITE, store_4, IOAS_EMULATED_DONE},
		{PROT_WRITE, load_4, IOAS_EMULATED_DONE},
		{PROT_WRITE, add_4, IOAS_EMULATED_DONE},
	};
	unsigned int i;

	set_up(r);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		bus.prot = row[i].prot;
		assert_int_equal(result_of(row[i].touch), row[i].result);
		/* An access that is denied leaves no trace (TRAP-1). */
		if (row[i].result == IOAS_EMULATED_DENIED)
			assert_int_equal(seen_count, 0);
	}
}

static void ends_at_the_last_byte(struct rig *r)
{
	set_up(r);
	page += rig_page() - 4;
	assert_int_equal(result_of(load_4), IOAS_EMULATED_DONE);
	page += 1;
	assert_int_equal(result_of(load_4), IOAS_EMULATED_BUS);
	assert_int_equal(result_of(store_4), IOAS_EMULATED_BUS);
	assert_int_equal(seen_count, 0);
}

static void a_silent_device_is_a_bus_error(struct rig *r)
{
	set_up(r);
	silent = true;
	assert_int_equal(result_of(load_4), IOAS_EMULATED_BUS);
	assert_int_equal(result_of(store_4), IOAS_EMULATED_BUS);
	assert_int_equal(result_of(add_4), IOAS_EMULATED_BUS);
}

static void a_register_is_read_and_written_once(struct rig *r)
{
	set_up(r);
	assert_int_equal(result_of(add_4), IOAS_EMULATED_DONE);
	assert_int_equal(seen_count, 2);
	assert_false(seen[0].store);
	assert_true(seen[1].store);
	assert_int_equal(seen[1].size, 4);
}

static void a_vector_is_accessed_by_eight_bytes(struct rig *r)
{
	unsigned int i;

	set_up(r);
	__asm__ volatile("movups (%0), %%xmm1" : : "r"(page + 16) : "xmm1");
	assert_int_equal(seen_count, 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(seen[i].offset, 16 + 8 * i);
		assert_int_equal(seen[i].size, 8);
	}
}

/* Upper halves that no instruction has used have to appear from nothing. */
static void other_vectors_stay_zero(struct rig *r)
{
	uint8_t got[4][32];
	unsigned int i;

	set_up(r);
	if (!processor_has(NEED_AVX))
		return;
	memset(device, 0x77, 64);
	__asm__ volatile("vzeroall\n"
	                 "vmovups (%0), %%ymm3\n"
	                 "vmovups %%ymm0, (%1)\n"
	                 "vmovups %%ymm1, 32(%1)\n"
	                 "vmovups %%ymm2, 64(%1)\n"
	                 "vmovups %%ymm3, 96(%1)\n"
	                 "vzeroupper"
	                 :
	                 : "r"(page), "r"(got)
	                 : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
	                   "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
	                   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	for (i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i / 32][i % 32], i < 96 ? 0 : 0x77);
}

/* MOVS with both registers given; the first two results are where they end. */
static int copy_string(uint64_t *to, uint64_t *from, uint64_t *count)
{
	int jumped;

	seen_count = 0;
	jumped = sigsetjmp(out, 1);
	if (jumped)
		return jumped - 1;
	__asm__ volatile("rep movsb"
	                 : "+D"(*to), "+S"(*from), "+c"(*count)
	                 :
	                 : "memory");
	return IOAS_EMULATED_DONE;
}

static void a_string_that_leaves_the_device_goes_on_in_memory(struct rig *r)
{
	size_t bytes = rig_page();
	uint8_t *both = rig_memory(r, 2 * bytes);
	uint8_t got[16];
	uint64_t to = (uintptr_t)got, from, count = sizeof(got);
	unsigned int i;

	set_up(r);
	for (i = 0; i < sizeof(got); i++)
		both[bytes - 8 + i] = (uint8_t)(i + 1);
	memcpy(device + bytes - 8, both + bytes - 8, 8);
	mprotect(both, bytes, PROT_NONE);
	bus.start = (uintptr_t)both;
	from = bus.start + bytes - 8;
	assert_int_equal(copy_string(&to, &from, &count), IOAS_EMULATED_DONE);
	assert_int_equal(count, 0);
	assert_int_equal(seen_count, 8);
	for (i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], i + 1);
}

/* The other way the processor faults on the memory before it gets here. */
static void a_string_names_the_memory_that_is_not_there(struct rig *r)
{
	uint8_t *hole = rig_memory(r, rig_page());
	uint64_t to = (uintptr_t)hole, from, count = 4;

	set_up(r);
	rig_hole(r, hole, rig_page());
	from = (uintptr_t)page;
	assert_int_equal(copy_string(&to, &from, &count), IOAS_EMULATED_FAULT);
	assert_int_equal(last.fault_address, (uintptr_t)hole);
}

static void no_string_goes_from_device_to_device(struct rig *r)
{
	uint64_t to, from, count = 4;

	set_up(r);
	to = (uintptr_t)page + 64;
	from = (uintptr_t)page;
	assert_int_equal(copy_string(&to, &from, &count),
	                 IOAS_EMULATED_UNKNOWN);
	assert_non_null(strstr(last.reason, "register to register"));
}

/* The same place, other bytes: what the cache holds is not used. */
static void code_that_changes_is_decoded_again(struct rig *r)
{
	static const uint8_t first[] = {0x8b, 0x03, 0xc3}; /* MOV EAX, [RBX] */
	static const uint8_t then[] = {0x89, 0x03, 0xc3};  /* MOV [RBX], EAX */
	uint8_t *code = rig_memory(r, rig_page());
	void (*run)(void) = (void (*)(void))(void *)code;

	set_up(r);
	mprotect(code, rig_page(), PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(code, first, sizeof(first));
	__asm__ volatile("call *%1" : : "b"(page), "r"(run) : "rax", "memory");
	assert_false(seen[0].store);
	memcpy(code, then, sizeof(then));
	__asm__ volatile("call *%1" : : "b"(page), "r"(run) : "rax", "memory");
	assert_int_equal(seen_count, 2);
	assert_true(seen[1].store);
}

/* The last bytes before a hole: there are not 15 to read. */
static void code_at_the_end_of_a_page_is_decoded(struct rig *r)
{
	static const uint8_t bytes[] = {0x8b, 0x03, 0xc3};
	size_t n = rig_page();
	uint8_t *code = rig_memory(r, 2 * n);
	uint8_t *at = code + n - sizeof(bytes);
	void (*run)(void) = (void (*)(void))(void *)at;

	set_up(r);
	mprotect(code, n, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(at, bytes, sizeof(bytes));
	rig_hole(r, code + n, n);
	__asm__ volatile("call *%1" : : "b"(page), "r"(run) : "rax", "memory");
	assert_int_equal(seen_count, 1);
}

RIG_MAIN("preload_emulate_x86_64", RIG_TEST(does_what_the_processor_does),
         RIG_TEST(refuses_what_it_cannot_do), RIG_TEST(refuses_a_masked_vector),
         RIG_TEST(keeps_to_the_protection), RIG_TEST(ends_at_the_last_byte),
         RIG_TEST(a_silent_device_is_a_bus_error),
         RIG_TEST(a_register_is_read_and_written_once),
         RIG_TEST(a_vector_is_accessed_by_eight_bytes),
         RIG_TEST(other_vectors_stay_zero),
         RIG_TEST(a_string_that_leaves_the_device_goes_on_in_memory),
         RIG_TEST(a_string_names_the_memory_that_is_not_there),
         RIG_TEST(no_string_goes_from_device_to_device),
         RIG_TEST(code_that_changes_is_decoded_again),
         RIG_TEST(code_at_the_end_of_a_page_is_decoded))
