/* SPDX-License-Identifier: MIT */
/*
 * Vector registers are spread over the frame as XSAVE lays it out: bits 0 to
 * 127 of the first 16 in the legacy part, bits 128 to 255 in component 2, bits
 * 256 to 511 in component 6, registers 16 to 31 in component 7. A component
 * whose bit in the header is clear is in its initial state, which is 0.
 *
 * Sources: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 1, 13.4 to 13.8; Linux 7.3 arch/x86/include/uapi/asm/sigcontext.h.
 */
#include "preload/registers_x86_64.h"

#include <cpuid.h>
#include <string.h>

#include "base/types.h"
#include "preload/wrap.h"

greg_t *ioas_general(ucontext_t *context, unsigned int number)
{
	static const uint8_t place[] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15,
	};

	return &context->uc_mcontext.gregs[place[number & 15]];
}

static uint64_t mask_of(unsigned int size)
{
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

uint64_t ioas_register_get(ucontext_t *context, struct ioas_reg reg)
{
	uint64_t value = (uint64_t)*ioas_general(context, reg.number);

	if (reg.high)
		value >>= 8;
	return value & mask_of(reg.size);
}

void ioas_register_set(ucontext_t *context, struct ioas_reg reg, uint64_t value)
{
	greg_t *place = ioas_general(context, reg.number);
	unsigned int shift = reg.high ? 8 : 0;
	uint64_t mask = mask_of(reg.size == 4 ? 8 : reg.size) << shift;

	value &= mask_of(reg.size);
	*place = (greg_t)(((uint64_t)*place & ~mask) | value << shift);
}

/* ---- Vectors. ---- */

enum {
	COMPONENT_SSE = 1,
	COMPONENT_AVX = 2,
	COMPONENT_ZMM_UPPER = 6,
	COMPONENT_ZMM_16_31 = 7,
	COMPONENTS = 8,
};

static struct {
	uint32_t offset, bytes;
} component[COMPONENTS];

/* Offsets in the frame that the architecture and Linux fix. */
#define LEGACY_XMM  160
#define SW_MAGIC    464
#define SW_FEATURES 472
#define HEADER      512
#define FRAME_MAGIC 0x46505853u

void ioas_vectors_init(void)
{
	static const uint8_t wanted[] = {COMPONENT_AVX, COMPONENT_ZMM_UPPER,
	                                 COMPONENT_ZMM_16_31};
	unsigned int i, size, offset, c, d;

	for (i = 0; i < IOAS_ARRAY_SIZE(wanted); i++) {
		if (!__get_cpuid_count(0xd, wanted[i], &size, &offset, &c, &d))
			continue;
		component[wanted[i]].offset = offset;
		component[wanted[i]].bytes = size;
	}
}

struct lane {
	unsigned int component;
	size_t offset; /* in the frame */
};

static struct lane find_lane(unsigned int number, unsigned int lane)
{
	unsigned int c = lane < 4 ? COMPONENT_AVX : COMPONENT_ZMM_UPPER;
	unsigned int lanes = lane < 4 ? 2 : 4;
	unsigned int first = lane < 4 ? 2 : 4;

	if (number >= 16)
		return (struct lane){COMPONENT_ZMM_16_31,
		                     component[COMPONENT_ZMM_16_31].offset +
		                             (size_t)(number - 16) * 64 +
		                             (size_t)lane * 8};
	if (lane < 2)
		return (struct lane){COMPONENT_SSE,
		                     LEGACY_XMM + (size_t)number * 16 +
		                             (size_t)lane * 8};
	return (struct lane){c, component[c].offset +
	                                (size_t)number * lanes * 8 +
	                                (size_t)(lane - first) * 8};
}

static char *frame_of(ucontext_t *context)
{
	return (char *)context->uc_mcontext.fpregs;
}

static uint64_t word_at(const char *frame, size_t offset)
{
	uint64_t word;

	memcpy(&word, frame + offset, sizeof(word));
	return word;
}

/* Is the component in the frame at all? */
static bool present(const char *frame, unsigned int c)
{
	uint32_t magic;

	if (c == COMPONENT_SSE)
		return true;
	memcpy(&magic, frame + SW_MAGIC, sizeof(magic));
	return magic == FRAME_MAGIC && component[c].offset &&
	       (word_at(frame, SW_FEATURES) >> c & 1);
}

static bool initial(const char *frame, unsigned int c)
{
	return c != COMPONENT_SSE && !(word_at(frame, HEADER) >> c & 1);
}

uint64_t ioas_lane_get(ucontext_t *context, unsigned int number,
                       unsigned int lane)
{
	struct lane l = find_lane(number, lane);
	const char *frame = frame_of(context);

	if (!present(frame, l.component) || initial(frame, l.component))
		return 0;
	return word_at(frame, l.offset);
}

static void leave_initial(char *frame, unsigned int c)
{
	uint64_t header = word_at(frame, HEADER) | UINT64_C(1) << c;

	memset(frame + component[c].offset, 0, component[c].bytes);
	memcpy(frame + HEADER, &header, sizeof(header));
}

void ioas_lane_set(ucontext_t *context, unsigned int number, unsigned int lane,
                   uint64_t value)
{
	struct lane l = find_lane(number, lane);
	char *frame = frame_of(context);

	if (!present(frame, l.component))
		return;
	if (initial(frame, l.component)) {
		if (!value)
			return;
		leave_initial(frame, l.component);
	}
	memcpy(frame + l.offset, &value, sizeof(value));
}
