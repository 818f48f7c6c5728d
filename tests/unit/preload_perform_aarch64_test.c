/* SPDX-License-Identifier: MIT */
/*
 * A64 loads and stores on an array, on any processor. What a word is says the
 * architecture's manual; tests/cross compares all classes of words with what
 * another decoder reads in them, and a real processor's doing with ours.
 */
#include <string.h>
#include <sys/mman.h>

#include "preload/perform_aarch64.h"
#include "rig.h"

#define START UINT64_C(0x10000000)
#define BYTES 256

static uint8_t device[BYTES];
static uint64_t vectors[32][2];
static struct ioas_aarch64_registers registers;

static struct access {
	uint64_t offset;
	unsigned int size;
	bool store;
} seen[8];
static unsigned int count, silent_from;

static int note(uint64_t offset, unsigned int size, bool store)
{
	if (count >= silent_from)
		return -EIO;
	seen[count++ % 8] = (struct access){offset, size, store};
	return 0;
}

static int load(void *context, uint64_t offset, unsigned int size,
                uint64_t *ret_value)
{
	unsigned int i;

	*ret_value = 0;
	for (i = 0; i < size; i++)
		*ret_value |= (uint64_t)device[offset + i] << 8 * i;
	return note(offset, size, false);
}

static int store(void *context, uint64_t offset, unsigned int size,
                 uint64_t value)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		device[offset + i] = (uint8_t)(value >> 8 * i);
	return note(offset, size, true);
}

static struct ioas_bus bus = {START, BYTES, PROT_READ | PROT_WRITE,
                              NULL,  load,  store};
static const char *reason;

static void set_up(void)
{
	unsigned int i;

	memset(&registers, 0, sizeof(registers));
	memset(vectors, 0xee, sizeof(vectors));
	for (i = 0; i < BYTES; i++)
		device[i] = (uint8_t)(0x80 + i);
	for (i = 0; i < 31; i++)
		registers.x[i] = UINT64_C(0x1111111100000000) + i;
	registers.x[1] = START + 64;
	registers.sp = START + 32;
	registers.v = vectors;
	bus.prot = PROT_READ | PROT_WRITE;
	count = 0;
	silent_from = 100;
	reason = NULL;
}

static enum ioas_emulated perform(uint32_t word)
{
	struct ioas_aarch64_insn insn = ioas_aarch64_decode(word);

	reason = insn.reason;
	if (insn.kind == IOAS_AARCH64_UNKNOWN)
		return IOAS_EMULATED_UNKNOWN;
	return ioas_aarch64_perform(&insn, &registers, &bus, &reason);
}

static void done(uint32_t word)
{
	uint64_t pc = registers.pc;

	assert_int_equal(perform(word), IOAS_EMULATED_DONE);
	assert_int_equal(registers.pc, pc + 4);
}

/* Was the access number @i this one? */
static void was(unsigned int i, uint64_t offset, unsigned int size, bool store)
{
	assert_int_equal(seen[i].offset, offset);
	assert_int_equal(seen[i].size, size);
	assert_int_equal(seen[i].store, store);
}

static void loads_extend_as_their_names_say(struct rig *r)
{
	static const struct {
		uint32_t word; /* into X0 from [X1] */
		unsigned int size;
		uint64_t value;
	} rows[] = {
		{0x39400020, 1, 0xc0},                         /* ldrb w */
		{0x79400020, 2, 0xc1c0},                       /* ldrh w */
		{0xb9400020, 4, 0xc3c2c1c0},                   /* ldr w */
		{0xf9400020, 8, UINT64_C(0xc7c6c5c4c3c2c1c0)}, /* ldr x */
		{0x39c00020, 1, 0xffffffc0},                   /* ldrsb w */
		{0x39800020, 1, UINT64_C(0xffffffffffffffc0)}, /* ldrsb x */
		{0x79c00020, 2, 0xffffc1c0},                   /* ldrsh w */
		{0x79800020, 2, UINT64_C(0xffffffffffffc1c0)}, /* ldrsh x */
		{0xb9800020, 4, UINT64_C(0xffffffffc3c2c1c0)}, /* ldrsw x */
		{0x88dffc20, 4, 0xc3c2c1c0},                   /* ldar w */
		{0xf8bfc020, 8, UINT64_C(0xc7c6c5c4c3c2c1c0)}, /* ldapr x */
	};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		set_up();
		done(rows[i].word);
		assert_true(registers.x[0] == rows[i].value);
		assert_int_equal(count, 1);
		was(0, 64, rows[i].size, false);
	}
}

static void stores_take_the_low_part(struct rig *r)
{
	set_up();
	registers.x[0] = UINT64_C(0x1122334455667788);
	done(0x39000420); /* strb w0, [x1, #1] */
	assert_int_equal(device[65], 0x88);
	assert_int_equal(device[66], 0xc2);
	done(0xc89ffc20); /* stlr x0, [x1] */
	assert_int_equal(device[71], 0x11);
	done(0xb900003f); /* str wzr, [x1] */
	assert_int_equal(device[67], 0);
	assert_int_equal(device[68], 0x44);
	was(2, 64, 4, true);
}

static void the_base_is_written_back(struct rig *r)
{
	set_up();
	done(0xf8408420); /* ldr x0, [x1], #8 */
	assert_true(registers.x[1] == START + 72);
	was(0, 64, 8, false);
	done(0xb81fcc20); /* str w0, [x1, #-4]! */
	assert_true(registers.x[1] == START + 68);
	was(1, 68, 4, true);
	done(0xf81f0fe0); /* str x0, [sp, #-16]! */
	assert_true(registers.sp == START + 16);
	was(2, 16, 8, true);
}

static void an_index_is_extended_and_scaled(struct rig *r)
{
	set_up();
	registers.x[2] = UINT64_C(0x5555555500000003);
	done(0xb8625820); /* ldr w0, [x1, w2, uxtw #2] */
	was(0, 76, 4, false);
	registers.x[2] = UINT64_C(0x55555555fffffffe);
	done(0xf862d820); /* ldr x0, [x1, w2, sxtw #3] */
	was(1, 48, 8, false);
	registers.x[2] = 5;
	done(0x38626820); /* ldrb w0, [x1, x2] */
	was(2, 69, 1, false);
	done(0x387f6820); /* ldrb w0, [x1, xzr] */
	was(3, 64, 1, false);
}

static void a_pair_is_two_accesses_in_order(struct rig *r)
{
	set_up();
	done(0xa9400820); /* ldp x0, x2, [x1] */
	assert_int_equal(count, 2);
	was(0, 64, 8, false);
	was(1, 72, 8, false);
	assert_true(registers.x[2] == UINT64_C(0xcfcecdcccbcac9c8));
	done(0x69400820); /* ldpsw x0, x2, [x1] */
	assert_true(registers.x[2] == UINT64_C(0xffffffffc7c6c5c4));
	set_up();
	done(0x29bf7c3f); /* stp wzr, wzr, [x1, #-8]! */
	was(0, 56, 4, true);
	was(1, 60, 4, true);
	assert_true(registers.x[1] == START + 56);
}

static void vectors_go_by_eight_bytes(struct rig *r)
{
	set_up();
	done(0x3dc00020); /* ldr q0, [x1] */
	assert_int_equal(count, 2);
	assert_true(vectors[0][1] == UINT64_C(0xcfcecdcccbcac9c8));
	done(0x3d400020); /* ldr b0, [x1] */
	assert_true(vectors[0][0] == 0xc0 && vectors[0][1] == 0);
	done(0x2d400820); /* ldp s0, s2, [x1] */
	assert_true(vectors[0][0] == 0xc3c2c1c0 && vectors[0][1] == 0);
	assert_true(vectors[2][0] == 0xc7c6c5c4 && vectors[2][1] == 0);
	set_up();
	done(0xad000820); /* stp q0, q2, [x1] */
	assert_int_equal(count, 4);
	was(3, 88, 8, true);
	registers.v = NULL;
	assert_int_equal(perform(0x3dc00020), IOAS_EMULATED_UNKNOWN);
	assert_non_null(reason);
}

/* TRAP-1: registers are as they were. */
static void refused(uint32_t word, enum ioas_emulated result)
{
	struct ioas_aarch64_registers before = registers;

	assert_int_equal(perform(word), result);
	assert_memory_equal(&before, &registers, sizeof(before));
}

static void an_access_that_cannot_be_changes_nothing(struct rig *r)
{
	set_up();
	registers.x[1]++;
	refused(0xb9400020, IOAS_EMULATED_UNALIGNED); /* ldr w0, [x1] */
	refused(0xa9400820, IOAS_EMULATED_UNALIGNED);
	registers.x[1] = START + BYTES - 8;
	refused(0xa9c00820, IOAS_EMULATED_BUS); /* ldp x0, x2, [x1, #0]! */
	registers.x[1] = START - 8;
	refused(0xa9400820, IOAS_EMULATED_UNKNOWN);
	assert_non_null(reason);
	set_up();
	bus.prot = PROT_READ;
	refused(0xb9000020, IOAS_EMULATED_DENIED);
	done(0xb9400020);
	bus.prot = PROT_NONE;
	refused(0xb9400020, IOAS_EMULATED_DENIED);
	set_up();
	silent_from = 1;
	refused(0xa8c10820, IOAS_EMULATED_BUS); /* ldp x0, x2, [x1], #16 */
}

static void the_top_byte_of_an_address_is_the_programs(struct rig *r)
{
	set_up();
	registers.x[1] |= UINT64_C(0xab) << 56;
	done(0xf8408420); /* ldr x0, [x1], #8 */
	was(0, 64, 8, false);
	assert_true(registers.x[1] >> 56 == 0xab);
}

static void what_is_refused_has_a_name(struct rig *r)
{
	static const struct {
		uint32_t word;
		const char *part;
	} rows[] = {
		{0xc85f7c20, "exclusive"},      /* ldxr x0, [x1] */
		{0xc8027c20, "exclusive"},      /* stxr w2, x0, [x1] */
		{0xc87f0820, "exclusive"},      /* ldxp x0, x2, [x1] */
		{0xf8220020, "atomic"},         /* ldadd x2, x0, [x1] */
		{0xf8228020, "atomic"},         /* swp x2, x0, [x1] */
		{0xc8a27c20, "atomic"},         /* cas x2, x0, [x1] */
		{0x48207c22, "atomic"},         /* casp x0, x1, x2, x3, [x1] */
		{0xf83f9020, "64 bytes"},       /* st64b x0, [x1] */
		{0xf83fd020, "64 bytes"},       /* ld64b x0, [x1] */
		{0xf8200420, "authentication"}, /* ldraa x0, [x1] */
		{0x0c407020, "structures"},     /* ld1 {v0.8b}, [x1] */
		{0x4d400020, "structures"},     /* ld1 {v0.b}[8], [x1] */
		{0xd50b7421, "DC ZVA"},         /* dc zva, x1 */
		{0xd50b7a21, "caches"},         /* dc cvac, x1 */
		{0xa400a020, "scalable"},       /* ld1b {z0.b}, p0/z, [x1] */
		{0xd9200820, "tags"},           /* stg x0, [x1] */
		{0x19010440, "copy or fill"},   /* cpyfp [x0]!, [x1]!, x2! */
		{0xf9800020, "prefetch"},       /* prfm pldl1keep, [x1] */
		{0xf8408421, "unpredictable"},  /* ldr x1, [x1], #8 */
		{0xa9400020, "unpredictable"},  /* ldp x0, x0, [x1] */
		{0x8b010000, "no load or store"}, /* add x0, x0, x1 */
		{0x00000000, "no load or store"},
	};
	unsigned int i;

	set_up();
	for (i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		refused(rows[i].word, IOAS_EMULATED_UNKNOWN);
		assert_non_null(reason);
		if (!strstr(reason, rows[i].part))
			fail_msg("%08x is %s", rows[i].word, reason);
	}
	assert_int_equal(count, 0);
}

RIG_MAIN("preload_perform_aarch64", RIG_TEST(loads_extend_as_their_names_say),
         RIG_TEST(stores_take_the_low_part), RIG_TEST(the_base_is_written_back),
         RIG_TEST(an_index_is_extended_and_scaled),
         RIG_TEST(a_pair_is_two_accesses_in_order),
         RIG_TEST(vectors_go_by_eight_bytes),
         RIG_TEST(an_access_that_cannot_be_changes_nothing),
         RIG_TEST(the_top_byte_of_an_address_is_the_programs),
         RIG_TEST(what_is_refused_has_a_name))
