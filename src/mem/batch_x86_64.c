/* SPDX-License-Identifier: MIT */
/*
 * Look-ups by vectors: the addresses become page numbers, and the entries
 * physical addresses, several by one instruction. In between each entry is
 * loaded by itself: it is loaded whole, so each answer is one that the table
 * held, and a gather is no faster than its loads. Where it is microcode, or
 * mended by it (Gather Data Sampling), it is several times slower; so there is
 * nothing to measure, and the widest registers that the system keeps are best.
 *
 * What is not there, or not for this, becomes IOAS_MEM_NONE.
 */
#include <cpuid.h>
#include <immintrin.h>

#include "mem/batch.h"

#define LANES_512 8
#define LANES_256 4

#define TARGET_512 __attribute__((target("avx512f,bmi2")))
#define TARGET_256 __attribute__((target("avx2,bmi2")))

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Where an address of a round is in no page: that is rare. */
static ALWAYS_INLINE size_t one_by_one(const struct ioas_mem_view *view,
                                       const struct ioas_mem_batch *batch,
                                       size_t first, size_t end)
{
	size_t i, good = 0;

	for (i = first; i < end; i++) {
		batch->phys[i] =
			ioas_mem_translate(view, batch->uaddr[i], batch->perm);
		good += batch->phys[i] != IOAS_MEM_NONE;
	}
	return good;
}

/* The bit of entries that is asked for; 0: nothing can be allowed. */
static ALWAYS_INLINE long long bit_of(unsigned int perm)
{
	return perm <= IOAS_ENTRY_PERM ? 1ll << perm & ~1ll : 0;
}

/*
 * Two entries, each by one load of its own, which a compiler might not make of
 * plain ones and would not put into a vector from atomic ones.
 */
static TARGET_256 ALWAYS_INLINE __m128i two(const struct ioas_mem_view *view,
                                            const uint64_t *uaddr)
{
	unsigned int shift = view->page_shift;
	__m128i pair;

	__asm__("vmovq %1, %0\n\tvmovhps %2, %0, %0"
	        : "=&x"(pair)
	        : "m"(view->shadow[uaddr[0] >> shift]),
	          "m"(view->shadow[uaddr[1] >> shift]));
	return pair;
}

static TARGET_256 ALWAYS_INLINE __m256i four(const struct ioas_mem_view *view,
                                             const uint64_t *uaddr)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(two(view, uaddr)),
	                               two(view, uaddr + 2), 1);
}

static TARGET_512 ALWAYS_INLINE __m512i eight(const struct ioas_mem_view *view,
                                              const uint64_t *uaddr)
{
	return _mm512_inserti64x4(_mm512_castsi256_si512(four(view, uaddr)),
	                          four(view, uaddr + 4), 1);
}

static TARGET_512 size_t by_512(const struct ioas_mem_view *view,
                                const struct ioas_mem_batch *batch)
{
	const struct ioas_mem_view own = *view;
	const struct ioas_mem_batch b = *batch;
	const __m128i shift = _mm_cvtsi32_si128((int)own.page_shift);
	const __m512i npages = _mm512_set1_epi64((long long)own.shadow_npages);
	const __m512i allowed = _mm512_set1_epi64(bit_of(b.perm));
	const __m512i mask = _mm512_set1_epi64((long long)own.phys_mask);
	const __m512i none = _mm512_set1_epi64(-1);
	size_t i, good = 0;

	for (i = 0; i < b.n; i += LANES_512) {
		__m512i at = _mm512_loadu_si512(b.uaddr + i), entry;
		__m512i page = _mm512_srl_epi64(at, shift);
		__mmask8 yes = _mm512_cmplt_epu64_mask(page, npages);

		if (__builtin_expect(yes != 0xff, 0)) {
			good += one_by_one(&own, &b, i, i + LANES_512);
			continue;
		}
		entry = eight(&own, b.uaddr + i);
		yes = _mm512_test_epi64_mask(entry, allowed);
		at = _mm512_xor_si512(at, _mm512_and_si512(entry, mask));
		_mm512_storeu_si512(b.phys + i,
		                    _mm512_mask_mov_epi64(none, yes, at));
		good += (unsigned int)__builtin_popcount(yes);
	}
	return good;
}

/* Lanes of which all bits are set; the others have none. */
static TARGET_256 ALWAYS_INLINE unsigned int how_many(__m256i lanes)
{
	int mask = _mm256_movemask_pd(_mm256_castsi256_pd(lanes));

	return (unsigned int)__builtin_popcount((unsigned int)mask);
}

static TARGET_256 ALWAYS_INLINE bool in_all(__m256i lanes)
{
	return _mm256_movemask_epi8(lanes) == -1;
}

/* 64-bit lanes compare as signed there, which page numbers never are. */
static TARGET_256 size_t by_256(const struct ioas_mem_view *view,
                                const struct ioas_mem_batch *batch)
{
	const struct ioas_mem_view own = *view;
	const struct ioas_mem_batch b = *batch;
	const __m128i shift = _mm_cvtsi32_si128((int)own.page_shift);
	const __m256i npages = _mm256_set1_epi64x((long long)own.shadow_npages);
	const __m256i allowed = _mm256_set1_epi64x(bit_of(b.perm));
	const __m256i mask = _mm256_set1_epi64x((long long)own.phys_mask);
	const __m256i zero = _mm256_setzero_si256();
	size_t i, good = 0;

	for (i = 0; i < b.n; i += LANES_256) {
		__m256i at = _mm256_loadu_si256(
			(const __m256i *)(const void *)(b.uaddr + i));
		__m256i page = _mm256_srl_epi64(at, shift), entry, no;

		if (__builtin_expect(!in_all(_mm256_cmpgt_epi64(npages, page)),
		                     0)) {
			good += one_by_one(&own, &b, i, i + LANES_256);
			continue;
		}
		entry = four(&own, b.uaddr + i);
		no = _mm256_cmpeq_epi64(_mm256_and_si256(entry, allowed), zero);
		at = _mm256_xor_si256(at, _mm256_and_si256(entry, mask));
		/* IOAS_MEM_NONE is all bits set, as an answer of no is. */
		_mm256_storeu_si256((__m256i *)(void *)(b.phys + i),
		                    _mm256_or_si256(at, no));
		good += LANES_256 - how_many(no);
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

/* Bits of leaf 7 that a form is made of. */
#define HAS_256 (bit_AVX2 | bit_BMI2)
#define HAS_512 (HAS_256 | bit_AVX512F)

static bool has(uint64_t kept, uint64_t registers, unsigned int wanted)
{
	unsigned int a, b, c, d;

	if ((kept & registers) != registers)
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (b & wanted) == wanted;
}

const struct ioas_batch_form *const *ioas_batch_forms(void)
{
	static const struct ioas_batch_form *const all[] = {
		&form_512, &form_256, &ioas_batch_scalar, NULL};
	unsigned int a, b, c, d;
	uint64_t kept = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE))
		kept = kept_registers();
	if (has(kept, KEPT_512, HAS_512))
		return all;
	return has(kept, KEPT_256, HAS_256) ? all + 1 : all + 2;
}
