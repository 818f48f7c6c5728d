/* SPDX-License-Identifier: MIT */
/*
 * What tests of guests share: on the set of window_rig.h one guest, with one
 * bridge, and memory in three pieces. The first two are registered.
 */
#ifndef PAPR_RIG_H
#define PAPR_RIG_H

#include "papr/papr.h"
#include "window_rig.h"

#define LOW   UINT64_C(0x100000)  /* pages 0 to 31 of the region */
#define NEXT  UINT64_C(0x1000000) /* 32 to 47; behind them is nothing */
#define LOOSE UINT64_C(0x8000000) /* not registered */

#define LOOSE_PAGES 16

#define BUID  UINT64_C(0x800000020000001)
#define LIOBN UINT32_C(0x80000100)

enum { QUERY = 0x2026, CREATE, REMOVE, RESET };

static const struct ioas_papr_config papr_config = {
	{QUERY, CREATE, REMOVE, RESET}};

static struct guest {
	struct ioas_papr *papr;
	struct ioas_papr_bridge *bridge;
	char *loose;     /* LOOSE_PAGES */
	bool hurries;    /* hypercalls may not sleep */
	uint64_t r4;     /* of the last one */
	uint32_t ret[8]; /* of the last RTAS call, the status first */
} g;

static inline void guest_end(void *arg)
{
	(void)arg;
	ioas_papr_destroy(g.papr);
	g.papr = NULL;
}

static inline int add_piece(uint64_t gpa, const void *memory, unsigned int n)
{
	const struct ioas_papr_memory piece = {gpa, (uintptr_t)memory, n * IO};

	return ioas_papr_add_memory(g.papr, &piece);
}

static inline int add_bridge(struct ioas_papr_bridge **ret_bridge)
{
	const struct ioas_papr_bridge_config config = {
		.windows = w.ws, .buid = BUID, .liobn = LIOBN};

	return ioas_papr_bridge_create(g.papr, &config, ret_bridge);
}

/* On a set that is there. */
static inline void guest_begin(struct rig *r)
{
	size_t page = rig_page();

	memset(&g, 0, sizeof(g));
	g.loose = rig_memory(r, (LOOSE_PAGES * IO + page - 1) / page * page);
	rig_defer(r, guest_end, NULL);
	rig_ok(r, ioas_papr_create(&papr_config, &g.papr));
	rig_ok(r, add_piece(LOW, at(0), 32));
	rig_ok(r, add_piece(NEXT, at(32), 16));
	rig_ok(r, add_piece(LOOSE, g.loose, LOOSE_PAGES));
}

static inline void guest_on(struct rig *r, const char *platform)
{
	start(r, platform);
	guest_begin(r);
	rig_ok(r, add_bridge(&g.bridge));
}

/* ---- Hypercalls ---- */

static inline int64_t hypercall(uint64_t number, uint64_t a, uint64_t b,
                                uint64_t c, uint64_t d)
{
	struct ioas_hypercall call = {.number = number,
	                              .arg = {a, b, c, d},
	                              .may_sleep = !g.hurries,
	                              .ret = 0xdead};
	int64_t answer = ioas_papr_hypercall(g.papr, &call);

	g.r4 = call.ret;
	return answer;
}

static inline int64_t put(uint64_t ioba, uint64_t tce)
{
	return hypercall(IOAS_H_PUT_TCE, LIOBN, ioba, tce, 0);
}

static inline int64_t stuff(uint64_t ioba, uint64_t count)
{
	return hypercall(IOAS_H_STUFF_TCE, LIOBN, ioba, 0, count);
}

static inline int64_t indirect(uint64_t ioba, uint64_t count)
{
	return hypercall(IOAS_H_PUT_TCE_INDIRECT, LIOBN, ioba, LOOSE, count);
}

/* What GET_TCE says of a page that is in the window. */
static inline uint64_t get(uint64_t ioba)
{
	bool hurries = g.hurries;

	g.hurries = false;
	assert_int_equal(hypercall(IOAS_H_GET_TCE, LIOBN, ioba, 0, 0),
	                 IOAS_H_SUCCESS);
	g.hurries = hurries;
	return g.r4;
}

/* A hypercall that has to work, as rig_ok(). */
#define hcall_ok(r, call)                                                    \
	do {                                                                 \
		int64_t answer_ = rig_try(r, call);                          \
                                                                             \
		if (answer_ == IOAS_H_NOT_ENOUGH_RESOURCES && rig_failed(r)) \
			rig_leave(r);                                        \
		assert_int_equal(answer_, IOAS_H_SUCCESS);                   \
	} while (0)

static inline void store_be(void *to, uint64_t value, unsigned int bytes)
{
	unsigned char *byte = to;

	while (bytes--) {
		byte[bytes] = (unsigned char)value;
		value >>= 8;
	}
}

static inline uint32_t load_cell(const void *from)
{
	const unsigned char *b = from;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

/* Entry @i of the list that indirect() names. */
static inline void list(unsigned int i, uint64_t tce)
{
	store_be(g.loose + i * 8, tce, 8);
}

/* ---- RTAS ---- */

#define CELLS(...)                       \
	(const uint32_t[]){__VA_ARGS__}, \
		sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

#define BLOCK (LOOSE + 2 * IO)

/* Cells are written, the call is made, what it returned is in g.ret. */
static inline int32_t rtas(uint32_t token, const uint32_t *args,
                           unsigned int nargs, unsigned int nret)
{
	unsigned char *block = (unsigned char *)g.loose + 2 * IO;
	unsigned int i;

	store_be(block, token, 4);
	store_be(block + 4, nargs, 4);
	store_be(block + 8, nret, 4);
	for (i = 0; i < nargs; i++)
		store_be(block + 12 + 4 * i, args[i], 4);
	/* And one more, which nobody may touch. */
	for (i = 0; i <= nret; i++)
		store_be(block + 12 + 4 * (nargs + i), 0xabababab, 4);
	assert_int_equal(ioas_papr_rtas(g.papr, BLOCK), 0);
	for (i = 0; i < nret && i < 8; i++)
		g.ret[i] = load_cell(block + 12 + 4 * (nargs + i));
	assert_int_equal(load_cell(block + 12 + 4 * (nargs + nret)),
	                 0xabababab);
	return (int32_t)g.ret[0];
}

#define BUID_CELLS 0, (uint32_t)(BUID >> 32), (uint32_t)BUID

static inline int32_t rtas_create(uint32_t page_shift, uint32_t window_shift)
{
	return rtas(CREATE, CELLS(BUID_CELLS, page_shift, window_shift), 4);
}

static inline int32_t rtas_remove(uint32_t liobn)
{
	return rtas(REMOVE, CELLS(liobn), 1);
}

static inline int32_t rtas_reset(void)
{
	return rtas(RESET, CELLS(BUID_CELLS), 1);
}

/* A RTAS call that has to work, as rig_ok(). */
#define rtas_ok(r, call)                                            \
	do {                                                        \
		int32_t status_ = rig_try(r, call);                 \
                                                                    \
		if (status_ == IOAS_RTAS_HARDWARE && rig_failed(r)) \
			rig_leave(r);                               \
		assert_int_equal(status_, IOAS_RTAS_SUCCESS);       \
	} while (0)

static inline bool has_window(uint32_t liobn)
{
	struct ioas_papr_window window;

	return !ioas_papr_find_window(g.papr, liobn, &window);
}

#endif /* PAPR_RIG_H */
