/* SPDX-License-Identifier: MIT */
/*
 * The signal frame of AArch64: general registers where ucontext(5) has them,
 * vectors in records behind them, which their first words name.
 *
 * Source: Linux 7.3 arch/arm64/include/uapi/asm/sigcontext.h.
 */
#include <asm/sigcontext.h>
#include <string.h>

#include "base/hooks.h"
#include "preload/perform_aarch64.h"
#include "preload/wrap.h"

/* A word is its own description: nothing is kept. */
struct ioas_decode_cache {
	char nothing;
};

int ioas_decoder_load(void)
{
	return 0;
}

struct ioas_decode_cache *ioas_decode_cache_create(void)
{
	return ioas_new(struct ioas_decode_cache);
}

void ioas_decode_cache_destroy(struct ioas_decode_cache *cache)
{
	if (cache)
		ioas_delete(cache);
}

/* The record of the frame that begins with @magic, @bytes at least; or NULL. */
static void *find_record(ucontext_t *context, uint32_t magic, size_t bytes)
{
	unsigned char *at = (unsigned char *)&context->uc_mcontext.__reserved;
	size_t left = sizeof(context->uc_mcontext.__reserved);
	struct _aarch64_ctx head;

	while (left >= sizeof(head)) {
		memcpy(&head, at, sizeof(head));
		if (!head.magic || head.size < sizeof(head) || head.size > left)
			return NULL;
		if (head.magic == magic)
			return head.size >= bytes ? at : NULL;
		at += head.size;
		left -= head.size;
	}
	return NULL;
}

static uint64_t (*vectors_of(ucontext_t *context))[2]
{
	struct fpsimd_context *record =
		find_record(context, FPSIMD_MAGIC, sizeof(*record));

	return record ? (uint64_t(*)[2])(void *)record->vregs : NULL;
}

/*
 * A vector is the low part of a scalable one, of which the rest becomes zero.
 * When such registers are in use their record follows.
 */
static void load_scalable(ucontext_t *context, const uint64_t (*v)[2],
                          unsigned int number)
{
	unsigned char *record =
		find_record(context, SVE_MAGIC, sizeof(struct sve_context));
	struct sve_context sve;
	unsigned int vq;

	if (!record)
		return;
	memcpy(&sve, record, sizeof(sve));
	vq = sve.vl / SVE_VQ_BYTES;
	/* Without registers they are all as the vectors say. */
	if (sve.head.size < SVE_SIG_CONTEXT_SIZE(vq))
		return;
	record += SVE_SIG_ZREG_OFFSET(vq, number);
	memset(record, 0, sve.vl);
	memcpy(record, v[number], sizeof(v[number]));
}

static void read_frame(ucontext_t *context,
                       struct ioas_aarch64_registers *ret_registers)
{
	const mcontext_t *m = &context->uc_mcontext;

	memcpy(ret_registers->x, m->regs, sizeof(ret_registers->x));
	ret_registers->sp = m->sp;
	ret_registers->pc = m->pc;
	ret_registers->v = vectors_of(context);
}

static void write_frame(ucontext_t *context,
                        const struct ioas_aarch64_registers *registers)
{
	mcontext_t *m = &context->uc_mcontext;

	memcpy(m->regs, registers->x, sizeof(registers->x));
	m->sp = registers->sp;
	m->pc = registers->pc;
}

enum ioas_emulated ioas_emulate(struct ioas_emulation *emulation)
{
	struct ioas_emulation *e = emulation;
	struct ioas_aarch64_registers registers;
	struct ioas_aarch64_insn insn;
	enum ioas_emulated result;
	uint32_t word;

	read_frame(e->context, &registers);
	e->length = 0;
	e->reason = "code that cannot be read";
	if (ioas_hooks.copy(&word, (void *)registers.pc, sizeof(word)))
		return IOAS_EMULATED_UNKNOWN;
	e->length = sizeof(word);
	memcpy(e->bytes, &word, sizeof(word));
	insn = ioas_aarch64_decode(word);
	e->reason = insn.reason;
	if (insn.kind == IOAS_AARCH64_UNKNOWN)
		return IOAS_EMULATED_UNKNOWN;
	result = ioas_aarch64_perform(&insn, &registers, e->bus, &e->reason);
	if (result != IOAS_EMULATED_DONE)
		return result;
	write_frame(e->context, &registers);
	if (insn.vector && insn.kind == IOAS_AARCH64_LOAD) {
		load_scalable(e->context, registers.v, insn.rt);
		load_scalable(e->context, registers.v,
		              insn.pair ? insn.rt2 : insn.rt);
	}
	return result;
}
