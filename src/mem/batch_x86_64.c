/* SPDX-License-Identifier: MIT */
/*
 * Look-ups by gathers: the addresses of a vector become page numbers, those
 * that the table has are loaded by one instruction, and what is not there or
 * not for this becomes IOAS_MEM_NONE. Each entry is loaded whole, so each
 * answer is one that the table held.
 */
#include <cpuid.h>
#include <immintrin.h>

#include "mem/batch.h"

/* What every round needs, in registers. */
#define LANES_512 8
#define LANES_256 4

#define TARGET_512 __attribute__((target("avx512f")))
#define TARGET_256 __attribute__((target("avx2")))

static TARGET_512 size_t by_512(const struct ioas_mem_view *view,
                                const struct ioas_mem_batch *batch)
{
	const __m128i shift = _mm_cvtsi32_si128((int)view->page_shift);
	const __m512i npages = _mm512_set1_epi64((long long)view->npages);
	const __m512i perm = _mm512_set1_epi64((long long)batch->perm);
	const __m512i frame = _mm512_set1_epi64((long long)view->phys_mask);
	const __m512i inside =
		_mm512_set1_epi64((long long)ioas_mask_lg2(view->page_shift));
	const __m512i none = _mm512_set1_epi64(-1);
	size_t i, good = 0;

	for (i = 0; i < batch->n; i += LANES_512) {
		__m512i at = _mm512_loadu_si512(batch->uaddr + i);
		__m512i page = _mm512_srl_epi64(at, shift);
		__mmask8 there = _mm512_cmplt_epu64_mask(page, npages);
		__m512i entry = _mm512_mask_i64gather_epi64(
			_mm512_setzero_si512(), there, page, view->shadow, 8);

		there = _mm512_cmpeq_epi64_mask(_mm512_and_si512(entry, perm),
		                                perm);
		at = _mm512_or_si512(_mm512_and_si512(entry, frame),
		                     _mm512_and_si512(at, inside));
		_mm512_storeu_si512(batch->phys + i,
		                    _mm512_mask_mov_epi64(none, there, at));
		good += (unsigned int)__builtin_popcount(there);
	}
	return good;
}

/* 64-bit lanes compare as signed there, which page numbers never are. */
static TARGET_256 size_t by_256(const struct ioas_mem_view *view,
                                const struct ioas_mem_batch *batch)
{
	const __m128i shift = _mm_cvtsi32_si128((int)view->page_shift);
	const __m256i npages = _mm256_set1_epi64x((long long)view->npages);
	const __m256i perm = _mm256_set1_epi64x((long long)batch->perm);
	const __m256i frame = _mm256_set1_epi64x((long long)view->phys_mask);
	const __m256i inside =
		_mm256_set1_epi64x((long long)ioas_mask_lg2(view->page_shift));
	const __m256i none = _mm256_set1_epi64x(-1);
	size_t i, good = 0;

	for (i = 0; i < batch->n; i += LANES_256) {
		__m256i at = _mm256_loadu_si256(
			(const __m256i *)(const void *)(batch->uaddr + i));
		__m256i page = _mm256_srl_epi64(at, shift);
		__m256i there = _mm256_cmpgt_epi64(npages, page);
		__m256i entry = _mm256_mask_i64gather_epi64(
			_mm256_setzero_si256(),
			(const long long *)(const void *)view->shadow, page,
			there, 8);

		there = _mm256_cmpeq_epi64(_mm256_and_si256(entry, perm), perm);
		at = _mm256_or_si256(_mm256_and_si256(entry, frame),
		                     _mm256_and_si256(at, inside));
		_mm256_storeu_si256((__m256i *)(void *)(batch->phys + i),
		                    _mm256_blendv_epi8(none, at, there));
		good += (unsigned int)__builtin_popcount(
			(unsigned int)_mm256_movemask_pd(
				_mm256_castsi256_pd(there)));
	}
	return good;
}

static const struct ioas_batch_form form_512 = {"avx512f", by_512, LANES_512};
static const struct ioas_batch_form form_256 = {"avx2", by_256, LANES_256};

/* The registers that the system keeps for a thread, a bit for each kind. */
static uint64_t kept_registers(void)
{
	unsigned int low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

#define KEPT_256 0x06u /* SSE, AVX */
#define KEPT_512 0xe6u /* those, and masks, and the wide ones */

static bool has(uint64_t kept, uint64_t wanted, unsigned int bit)
{
	unsigned int a, b, c, d;

	if ((kept & wanted) != wanted)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> bit & 1);
}

const struct ioas_batch_form *const *ioas_batch_forms(void)
{
	static const struct ioas_batch_form *const all[] = {&form_512,
	                                                    &form_256, NULL};
	unsigned int a, b, c, d;
	uint64_t kept = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE))
		kept = kept_registers();
	if (has(kept, KEPT_512, 16))
		return all;
	return has(kept, KEPT_256, 5) ? all + 1 : all + 2;
}
