/* SPDX-License-Identifier: MIT */
/*
 * Any words as A64 instructions, with any registers, and a bus that is an
 * array. Nothing is executed.
 *
 *	done      the program counter is behind the instruction, and the device
 *	          saw as many bytes as the operand has
 *	refused   no register changed, and unless the device was silent, it saw
 *	          nothing; what is unknown has a reason
 *	bus       accesses are inside, aligned, of 1, 2, 4 or 8 bytes, as
 *	          permitted
 *
 * The input: 3 bytes for the bus, a byte for each of 32 registers, then words.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "preload/perform_aarch64.h"

#define START UINT64_C(0x7f0000000000)
#define BYTES 2048

static struct {
	struct ioas_bus bus;
	uint8_t device[BYTES];
	uint64_t vectors[32][2];
	struct ioas_aarch64_registers registers;
	unsigned int accesses, bytes, silent_from;
} t;

static int answer(uint64_t offset, unsigned int size)
{
	fuzz_check(size == 1 || size == 2 || size == 4 || size == 8);
	fuzz_check(offset < t.bus.bytes && size <= t.bus.bytes - offset);
	fuzz_check(!(offset & (size - 1)));
	t.bytes += size;
	return t.accesses++ >= t.silent_from ? -EIO : 0;
}

static int bus_load(void *context, uint64_t offset, unsigned int size,
                    uint64_t *ret_value)
{
	fuzz_check(t.bus.prot & (PROT_READ | PROT_WRITE | PROT_EXEC));
	*ret_value = 0;
	memcpy(ret_value, t.device + offset, size);
	return answer(offset, size);
}

static int bus_store(void *context, uint64_t offset, unsigned int size,
                     uint64_t value)
{
	fuzz_check(t.bus.prot & PROT_WRITE);
	fuzz_check(size == 8 || !(value >> 8 * size));
	memcpy(t.device + offset, &value, size);
	return answer(offset, size);
}

/* On the bus, near its ends, small, or anything. */
static uint64_t take_register(struct fuzz_input *in)
{
	unsigned int b = fuzz_byte(in);

	if (b < 0x80)
		return START + 16 * b;
	if (b < 0xa0)
		return START + BYTES - (b & 31);
	if (b < 0xe0)
		return b & 63;
	return fuzz_take(in, 8);
}

static void take_setting(struct fuzz_input *in)
{
	unsigned int how = fuzz_byte(in), i;

	t.bus = (struct ioas_bus){.start = START,
	                          .bytes = how & 1 ? 5 : BYTES,
	                          .prot = (int)(fuzz_byte(in) & 7),
	                          .load = bus_load,
	                          .store = bus_store};
	t.silent_from = fuzz_byte(in);
	for (i = 0; i < 31; i++)
		t.registers.x[i] = take_register(in);
	t.registers.sp = take_register(in);
	t.registers.pc = how & 2 ? START + 64 : 0x400000;
	t.registers.v = how & 4 ? NULL : t.vectors;
}

static void check_refusal(enum ioas_emulated result, const char *reason,
                          const struct ioas_aarch64_registers *before)
{
	fuzz_check(!memcmp(&t.registers, before, sizeof(*before)));
	if (result != IOAS_EMULATED_BUS)
		fuzz_check(!t.accesses);
	if (result == IOAS_EMULATED_UNKNOWN)
		fuzz_check(reason && *reason);
}

static void perform(uint32_t word)
{
	struct ioas_aarch64_registers before = t.registers;
	struct ioas_aarch64_insn insn = ioas_aarch64_decode(word);
	const char *reason = insn.reason;
	enum ioas_emulated result = IOAS_EMULATED_UNKNOWN;

	t.accesses = t.bytes = 0;
	if (insn.kind != IOAS_AARCH64_UNKNOWN)
		result = ioas_aarch64_perform(&insn, &t.registers, &t.bus,
		                              &reason);
	if (result != IOAS_EMULATED_DONE) {
		check_refusal(result, reason, &before);
		return;
	}
	fuzz_check(t.registers.pc == before.pc + 4);
	fuzz_check(t.bytes == (unsigned int)insn.size << insn.pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	fuzz_begin();
	memset(&t, 0, sizeof(t));
	take_setting(&in);
	while (in.left >= 4)
		perform((uint32_t)fuzz_take(&in, 4));
	fuzz_end();
	return 0;
}
