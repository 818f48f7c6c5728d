/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "pt_rig.h"

static const struct iova_range all = {0, UINT64_C(0xffffffffffff)};

struct seen {
	struct ioas_pt_looker looker;
	struct ioas_pt_piece piece[16];
	unsigned int count;
};

static void look(struct ioas_pt_looker *looker,
                 const struct ioas_pt_piece *piece)
{
	struct seen *seen = (struct seen *)looker;

	assert_true(seen->count < 16);
	seen->piece[seen->count++] = *piece;
}

static void start_with(struct rig *r, const struct ioas_pt_format *format)
{
	struct ioas_pt_config config = {
		.format = format, .page_shift = 12, .bits = 48};

	gone = (struct ioas_pt_gather){0};
	rig_ok(r, ioas_pt_init(&pt, &config));
	rig_defer(r, RIG_CALL(ioas_pt_fini), &pt);
	rig_defer(r, free_gone, NULL);
	rig_ok(r, map(0x200000, 0x3fffff, 0x40000000, IOAS_WRITE));
	rig_ok(r, map(0x1000, 0x1fff, 0x7000, IOAS_READ));
	rig_ok(r, map(UINT64_C(0xfffffffff000), all.last, 0x9000, RW));
	ioas_pt_lose(&pt, (struct iova_range){0x1000, 0x1fff});
}

static void each_leaf_is_seen_once_in_order(struct rig *r)
{
	struct seen s = {.looker = {look}};

	start_with(r, &ioas_pt_lpae1);
	ioas_pt_each(&pt, all, &s.looker);
	assert_int_equal(s.count, 3);
	assert_true(s.piece[0].lost && s.piece[0].range.first == 0x1000);
	assert_true(s.piece[0].asked == IOAS_READ && s.piece[0].level == 0);
	assert_true(s.piece[1].range.first == 0x200000);
	assert_true(s.piece[1].range.last == 0x3fffff);
	assert_true(s.piece[1].phys.raw == 0x40000000 && !s.piece[1].lost);
	/* Stage 1 cannot refuse reads; what was asked for is still known. */
	assert_true(s.piece[1].perm == RW && s.piece[1].asked == IOAS_WRITE);
	assert_int_equal(s.piece[1].level, 1);
	assert_true(s.piece[2].range.last == all.last);
}

static void a_range_cuts_leaves_into_pieces(struct rig *r)
{
	struct seen s = {.looker = {look}};

	start_with(r, &ioas_pt_native);
	ioas_pt_each(&pt, (struct iova_range){0x201000, 0x2fffff}, &s.looker);
	assert_int_equal(s.count, 1);
	assert_true(s.piece[0].range.first == 0x201000);
	assert_true(s.piece[0].range.last == 0x2fffff);
	assert_true(s.piece[0].phys.raw == 0x40001000);
}

struct text {
	struct ioas_pt_writer writer;
	char all[1024];
	size_t bytes;
};

static void add_line(struct ioas_pt_writer *writer, const char *line,
                     size_t bytes)
{
	struct text *t = (struct text *)writer;

	assert_true(bytes == strlen(line) && t->bytes + bytes < sizeof(t->all));
	memcpy(t->all + t->bytes, line, bytes + 1);
	t->bytes += bytes;
}

static void a_dump_says_what_a_table_holds(struct rig *r)
{
	struct text t = {{add_line}, {0}, 0};

	start_with(r, &ioas_pt_vtd);
	ioas_pt_dump(&pt, all, false, &t.writer);
	assert_string_equal(
		t.all,
		"0x0000000000001000 - 0x0000000000001fff  r-  level 0  lost"
		"  entry 0x0030000000000000\n"
		"0x0000000000200000 - 0x00000000003fffff  -w  level 1  to "
		"0x0000000040000000  entry 0x0000000040000082\n"
		"0x0000fffffffff000 - 0x0000ffffffffffff  rw  level 0  to "
		"0x0000000000009000  entry 0x0000000000009003\n");
}

static void a_dump_in_JSON_has_the_same(struct rig *r)
{
	struct text t = {{add_line}, {0}, 0};

	start_with(r, &ioas_pt_vtd);
	ioas_pt_dump(&pt, (struct iova_range){0, 0x3fffff}, true, &t.writer);
	assert_string_equal(
		t.all,
		"{\"first\": \"0x0000000000001000\", "
		"\"last\": \"0x0000000000001fff\", \"perm\": \"r-\", "
		"\"asked\": \"r-\", \"level\": 0, \"lost\": true, "
		"\"dirty\": false, \"entry\": \"0x0030000000000000\"}\n"
		"{\"first\": \"0x0000000000200000\", "
		"\"last\": \"0x00000000003fffff\", "
		"\"phys\": \"0x0000000040000000\", \"perm\": \"-w\", "
		"\"asked\": \"-w\", \"level\": 1, \"lost\": false, "
		"\"dirty\": false, \"entry\": \"0x0000000040000082\"}\n");
}

RIG_MAIN("pt_each", RIG_TEST(each_leaf_is_seen_once_in_order),
         RIG_TEST(a_range_cuts_leaves_into_pieces),
         RIG_TEST(a_dump_says_what_a_table_holds),
         RIG_TEST(a_dump_in_JSON_has_the_same))
