/* SPDX-License-Identifier: MIT */
/*
 * The emulator of loads and stores on any bytes as an instruction, with any
 * registers, and a bus that is an array. Nothing is executed.
 *
 *	done      the instruction pointer is behind the instruction, or this is
 *	          a string that goes on in memory
 *	refused   no register changed and the device saw nothing, unless it is
 *	          a string, whose elements before are done; with a reason
 *	bus       accesses are inside, of 1, 2, 4 or 8 bytes, as permitted
 *	frame     nothing behind its end is touched: it is a block of its own
 *
 * The input: 4 bytes for the bus and the frame, a byte for each of 16
 * registers, then the instructions, one behind the other, each emulated once.
 */
#include "preload/emulate.h"

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "preload/decode_x86_64.h"
#include "preload/registers_x86_64.h"

#define CODE_PAGE 0 /* and the one behind it, which may be gone */
#define BUS_PAGE  8 /* never accessed as memory */
#define BUS_BYTES 2048
#define CODE_MAX  256
#define FLAG_DF   (1 << 10)

static struct {
	struct ioas_bus bus;
	uint8_t device[BUS_BYTES];
	unsigned int loads, stores, silent_from;
	ucontext_t context;
	uint8_t *frame;
	size_t frame_bytes;
	struct ioas_emulation e;
	struct ioas_decode_cache *cache; /* another one, to look */
} t;

/* ---- The bus ---- */

static int answer(uint64_t offset, unsigned int size)
{
	fuzz_check(size == 1 || size == 2 || size == 4 || size == 8);
	fuzz_check(offset < t.bus.bytes && size <= t.bus.bytes - offset);
	return t.loads + t.stores > t.silent_from ? -EIO : 0;
}

static int bus_load(void *context, uint64_t offset, unsigned int size,
                    uint64_t *ret_value)
{
	fuzz_check(t.bus.prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
	t.loads++;
	*ret_value = 0;
	memcpy(ret_value, t.device + offset, size);
	return answer(offset, size);
}

static int bus_store(void *context, uint64_t offset, unsigned int size,
                     uint64_t value)
{
	fuzz_check(t.bus.prot & PROT_WRITE);
	fuzz_check(size == 8 || !(value >> 8 * size));
	t.stores++;
	memcpy(t.device + offset, &value, size);
	return answer(offset, size);
}

/* ---- Registers ---- */

static uint64_t page_address(unsigned int page)
{
	return (uintptr_t)fuzz_world.memory + page * fuzz_world.page_bytes;
}

/* On the bus, near its ends, in memory, small, or not canonical. */
static uint64_t take_register(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b < 0x60)
		return t.bus.start + 8 * b;
	if (b < 0x80)
		return t.bus.start + t.bus.bytes - (b & 31);
	if (b < 0xa0)
		return page_address(16) + 4 * (b & 31);
	if (b < 0xb0)
		return page_address(32) - (b & 15);
	if (b < 0xf0)
		return b & 63;
	return fuzz_take(in, 8);
}

/* The end of the last component that holds vectors. */
static size_t frame_bytes(void)
{
	static const unsigned int vectors[] = {2, 6, 7};
	unsigned int i, size, offset, c, d;
	size_t end = 576; /* the part that always is there, and the header */

	for (i = 0; i < 3; i++) {
		if (__get_cpuid_count(0xd, vectors[i], &size, &offset, &c,
		                      &d) &&
		    offset + size > end)
			end = offset + size;
	}
	return end;
}

static void put32(size_t at, uint32_t value)
{
	memcpy(t.frame + at, &value, sizeof(value));
}

/* As the kernel leaves it: what is in it, and what of that is in use. */
static void make_frame(unsigned int how)
{
	memset(t.frame, 0x11, t.frame_bytes);
	put32(464, how & 1 ? 0x46505853u : 0);
	put32(472, how & 2 ? 0xe7 : 3);
	put32(476, 0);
	put32(512, how & 4 ? 0xe7 : 3);
	put32(516, 0);
}

static void take_setting(struct fuzz_input *in)
{
	unsigned int how = fuzz_byte(in), i;

	t.bus = (struct ioas_bus){
		.start = page_address(BUS_PAGE) + (how & 8 ? 0x200 : 0),
		.bytes = how & 16 ? 5 : BUS_BYTES,
		.load = bus_load,
		.store = bus_store,
	};
	make_frame(how);
	t.bus.prot = (int)(fuzz_byte(in) & 7);
	t.silent_from = fuzz_byte(in);
	memset(&t.context, 0, sizeof(t.context));
	t.context.uc_mcontext.fpregs = (void *)t.frame;
	how = fuzz_byte(in);
	t.context.uc_mcontext.gregs[REG_EFL] = how & 1 ? FLAG_DF | 2 : 2;
	if (how & 2)
		fuzz_protect(32, FUZZ_GONE);
	if (how & 4)
		fuzz_protect(16, FUZZ_READ_ONLY);
	for (i = 0; i < 16; i++)
		*ioas_general(&t.context, i) = (greg_t)take_register(in);
	t.context.uc_mcontext.gregs[REG_RIP] = (greg_t)page_address(CODE_PAGE);
}

/* The code ends where its page ends; what is behind it may be there. */
static uint64_t take_code(struct fuzz_input *in)
{
	size_t n = in->left < CODE_MAX ? in->left : CODE_MAX;
	uint64_t at = page_address(CODE_PAGE + 1) - n;

	memcpy((void *)(uintptr_t)at, in->at, n);
	if (n & 1)
		fuzz_protect(CODE_PAGE + 1, FUZZ_GONE);
	t.context.uc_mcontext.gregs[REG_RIP] = (greg_t)at;
	return at;
}

/* ---- What must hold ---- */

static void check_fault(const struct ioas_insn *insn)
{
	bool load =
		fuzz_reach(t.e.fault_address, insn->size, false) == insn->size;
	bool store =
		fuzz_reach(t.e.fault_address, insn->size, true) == insn->size;

	fuzz_check(!load || !store);
	fuzz_check(insn->kind >= IOAS_INSN_MOVS);
}

static void check_refusal(const struct ioas_insn *insn, unsigned int accesses,
                          enum ioas_emulated result, const ucontext_t *before)
{
	if (result == IOAS_EMULATED_UNKNOWN)
		fuzz_check(t.e.reason && *t.e.reason);
	fuzz_check(t.context.uc_mcontext.gregs[REG_RIP] ==
	           before->uc_mcontext.gregs[REG_RIP]);
	if (insn->kind >= IOAS_INSN_MOVS)
		return;
	fuzz_check(!memcmp(&t.context, before, sizeof(*before)));
	if (result != IOAS_EMULATED_BUS)
		fuzz_check(t.loads + t.stores == accesses);
}

static void check_done(const struct ioas_insn *insn, unsigned int accesses,
                       const ucontext_t *before)
{
	uint64_t went = (uint64_t)(t.context.uc_mcontext.gregs[REG_RIP] -
	                           before->uc_mcontext.gregs[REG_RIP]);
	bool string = insn->kind >= IOAS_INSN_MOVS;

	fuzz_check(insn->kind != IOAS_INSN_UNKNOWN);
	fuzz_check(went == insn->length || (string && !went));
	fuzz_check(string || t.loads + t.stores > accesses);
}

/* Return: bytes of the instruction, or 0: nothing known. */
static unsigned int emulate_one(void)
{
	uint64_t pc = (uint64_t)t.context.uc_mcontext.gregs[REG_RIP];
	unsigned int accesses = t.loads + t.stores;
	ucontext_t before = t.context;
	const struct ioas_insn *insn;
	enum ioas_emulated result = ioas_emulate(&t.e);

	if (!t.e.length) {
		fuzz_check(result == IOAS_EMULATED_UNKNOWN);
		return 0;
	}
	fuzz_check(t.e.length <= IOAS_INSTRUCTION_MAX);
	insn = ioas_decode(t.cache, pc, t.e.bytes, t.e.length);
	fuzz_check(insn->length <= t.e.length);
	if (result == IOAS_EMULATED_FAULT)
		check_fault(insn);
	if (result == IOAS_EMULATED_DONE)
		check_done(insn, accesses, &before);
	else
		check_refusal(insn, accesses, result, &before);
	return insn->kind == IOAS_INSN_UNKNOWN ? 0 : insn->length;
}

static bool set_up(void)
{
	if (ioas_decoder_load())
		return false;
	t.frame_bytes = frame_bytes();
	t.frame = malloc(t.frame_bytes);
	t.cache = ioas_decode_cache_create();
	t.e.cache = ioas_decode_cache_create();
	t.e.bus = &t.bus;
	t.e.context = &t.context;
	return t.frame && t.cache && t.e.cache;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint64_t pc, end = 0;
	unsigned int length;

	fuzz_begin();
	memset(&t, 0, sizeof(t));
	fuzz_check(set_up());
	take_setting(&in);
	end = page_address(CODE_PAGE + 1);
	for (pc = take_code(&in); pc < end; pc += length ? length : 1) {
		t.context.uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
		length = emulate_one();
	}
	ioas_decode_cache_destroy(t.e.cache);
	ioas_decode_cache_destroy(t.cache);
	free(t.frame);
	fuzz_end();
	return 0;
}
