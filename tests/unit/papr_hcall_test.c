/* SPDX-License-Identifier: MIT */
/* Hypercalls: every check, in order; all or nothing; too hard. */
#include <pthread.h>

#include "papr_rig.h"

#define MAX (UINT64_C(1) << 31) /* bytes of the default window of power9 */

/* ---- What they do ---- */

static void an_entry_is_put_read_and_cleared(struct rig *r)
{
	guest_on(r, "power9");
	hcall_ok(r, put(3 * IO, (LOW + 5 * IO) | RW));
	assert_true(g.r4 == 0xdead); /* nothing is returned */
	assert_true(leads_to(3 * IO, 5, RW));
	assert_true(get(3 * IO) == ((LOW + 5 * IO) | RW));
	assert_true(get(2 * IO) == 0 && get(4 * IO) == 0);
	hcall_ok(r, put(3 * IO, (NEXT + IO) | IOAS_READ));
	assert_true(leads_to(3 * IO, 33, IOAS_READ));
	assert_false(leads_to(3 * IO, 33, IOAS_WRITE));
	assert_true(counts() == 1);
	/* No permission: cleared, whatever else it says. */
	hcall_ok(r, put(3 * IO, UINT64_C(0x123456789abc) & ~UINT64_C(3)));
	assert_true(get(3 * IO) == 0 && counts() == 0);
	assert_false(leads_to(3 * IO, 33, IOAS_READ));
}

/* The hardware lets a writer read; the guest sees what it asked for. */
static void the_guest_reads_the_permission_it_wrote(struct rig *r)
{
	unsigned int perm;

	guest_on(r, "power9");
	for (perm = 1; perm <= RW; perm++) {
		hcall_ok(r, put(0, (LOW + IO) | perm));
		assert_true(get(0) == ((LOW + IO) | perm));
	}
}

static void a_list_is_read_as_the_guest_wrote_it(struct rig *r)
{
	unsigned int i;

	guest_on(r, "power9");
	for (i = 0; i < 512; i++)
		list(i, i % 3 == 2 ? 0 : (LOW + i % 32 * IO) | RW);
	hcall_ok(r, indirect(7 * IO, 512));
	for (i = 0; i < 512; i++)
		assert_true(get((7 + i) * IO) ==
		            (i % 3 == 2 ? 0 : ((LOW + i % 32 * IO) | RW)));
	assert_true(get(6 * IO) == 0 && get(519 * IO) == 0);
	assert_true(counts() == 342);
	/* Of a shorter one no more than its count. */
	list(0, 0);
	list(1, NEXT | IOAS_READ);
	hcall_ok(r, indirect(7 * IO, 1));
	assert_true(get(7 * IO) == 0 && get(8 * IO) == ((LOW + IO) | RW));
	assert_true(counts() == 341);
}

static void as_many_are_stuffed_as_the_window_has(struct rig *r)
{
	uint64_t last = MAX - IO;

	guest_on(r, "power9");
	hcall_ok(r, put(0, LOW | RW));
	hcall_ok(r, put(600 * IO, LOW | RW));
	hcall_ok(r, put(last, LOW | RW));
	hcall_ok(r, stuff(IO, 512));
	assert_true(counts() == 3);
	hcall_ok(r, stuff(IO, MAX / IO - 2));
	assert_true(get(0) != 0 && get(600 * IO) == 0 && get(last) != 0);
	hcall_ok(r, stuff(0, MAX / IO));
	assert_true(counts() == 0);
}

static void no_entries_at_all_are_fine(struct rig *r)
{
	guest_on(r, "power9");
	list(0, 0xffffffffffffffff);
	assert_int_equal(indirect(0, 0), IOAS_H_SUCCESS);
	assert_int_equal(indirect(MAX, 0), IOAS_H_SUCCESS);
	assert_int_equal(stuff(MAX, 0), IOAS_H_SUCCESS);
	assert_int_equal(indirect(MAX + IO, 0), IOAS_H_PARAMETER);
	assert_int_equal(stuff(MAX + IO, 0), IOAS_H_PARAMETER);
}

static void other_pages_are_those_of_their_window(struct rig *r)
{
	uint64_t ioba = HIGH + (5 << 16), k64 = UINT64_C(1) << 16;

	guest_on(r, "power9");
	rtas_ok(r, rtas_create(16, 32));
	/* 64 KiB, in memory that is contiguous and registered as a whole? */
	assert_int_equal(
		hypercall(IOAS_H_PUT_TCE, LIOBN + 1, ioba + IO, LOW | RW, 0),
		IOAS_H_PARAMETER);
	assert_int_equal(
		hypercall(IOAS_H_PUT_TCE, LIOBN + 1, ioba, (LOW + IO) | RW, 0),
		IOAS_H_PARAMETER);
	/* The piece ends within the page. */
	assert_int_equal(
		hypercall(IOAS_H_PUT_TCE, LIOBN + 1, ioba, NEXT + k64 + RW, 0),
		IOAS_H_PARAMETER);
	assert_true(counts() == 0);
}

/* ---- What they refuse ---- */

struct refusal {
	const char *why;
	uint64_t arg[4];
	int64_t answer;
};

static void refuses(uint64_t number, const struct refusal *row, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		int64_t answer = hypercall(number, row[i].arg[0], row[i].arg[1],
		                           row[i].arg[2], row[i].arg[3]);

		if (answer != row[i].answer)
			print_error("%s: %lld\n", row[i].why,
			            (long long)answer);
		assert_int_equal(answer, row[i].answer);
		assert_true(g.r4 == 0xdead);
	}
}

#define BAD   IOAS_H_PARAMETER
#define WRAPS (-IO) /* the last page there could be */

static void get_refuses(struct rig *r)
{
	static const struct refusal row[] = {
		{"no window", {LIOBN + 1, 0}, BAD},
		{"the upper half of the LIOBN", {LIOBN + (1ULL << 32), 0}, BAD},
		{"unaligned", {LIOBN, 8}, BAD},
		{"behind the end", {LIOBN, MAX}, BAD},
		{"far away", {LIOBN, WRAPS}, BAD},
	};

	guest_on(r, "power9");
	refuses(IOAS_H_GET_TCE, row, IOAS_ARRAY_SIZE(row));
}

/* Permissions that the region has not, and memory that is in none. */
static void put_refuses(struct rig *r)
{
	static const struct refusal row[] = {
		{"no window", {LIOBN + 1, 0, LOW | RW}, BAD},
		{"unaligned IOBA", {LIOBN, 1, LOW | RW}, BAD},
		{"behind the end", {LIOBN, MAX, LOW | RW}, BAD},
		{"far away", {LIOBN, WRAPS, LOW | RW}, BAD},
		{"behind the end, to clear", {LIOBN, MAX, 0}, BAD},
		{"unaligned page", {LIOBN, 0, (LOW + 8) | RW}, BAD},
		{"no memory", {LIOBN, 0, (LOW + 32 * IO) | RW}, BAD},
		{"no memory before", {LIOBN, 0, (LOW - IO) | RW}, BAD},
		{"no memory anywhere", {LIOBN, 0, WRAPS | RW}, BAD},
		{"not registered", {LIOBN, 0, LOOSE | RW}, BAD},
	};

	guest_on(r, "power9");
	hcall_ok(r, put(0, LOW | RW));
	refuses(IOAS_H_PUT_TCE, row, IOAS_ARRAY_SIZE(row));
	assert_true(get(0) == (LOW | RW) && counts() == 1);
}

static void put_refuses_what_the_region_is_not_for(struct rig *r)
{
	guest_on(r, "power9");
	rig_ok(r, enter((uintptr_t)g.loose, rig_page(), IOAS_READ));
	assert_int_equal(put(0, LOOSE | RW), IOAS_H_PARAMETER);
	assert_int_equal(put(0, LOOSE | IOAS_WRITE), IOAS_H_PARAMETER);
	assert_true(get(0) == 0);
	hcall_ok(r, put(0, LOOSE | IOAS_READ));
	assert_true(get(0) == (LOOSE | IOAS_READ));
}

static void stuff_refuses(struct rig *r)
{
	static const struct refusal row[] = {
		{"no window", {LIOBN + 1, 0, 0, 1}, BAD},
		{"unaligned", {LIOBN, 8, 0, 1}, BAD},
		{"behind the end", {LIOBN, MAX, 0, 1}, BAD},
		{"over the end", {LIOBN, MAX - IO, 0, 2}, BAD},
		{"one more than all", {LIOBN, 0, 0, MAX / IO + 1}, BAD},
		{"so many that bytes wrap", {LIOBN, 0, 0, 1ULL << 52}, BAD},
		{"as many as there are", {LIOBN, IO, 0, UINT64_MAX}, BAD},
		{"to be read", {LIOBN, 0, IOAS_READ, 1}, BAD},
		{"to be written", {LIOBN, 0, LOW | IOAS_WRITE, 1}, BAD},
	};

	guest_on(r, "power9");
	hcall_ok(r, put(0, LOW | RW));
	hcall_ok(r, put(MAX - IO, LOW | RW));
	refuses(IOAS_H_STUFF_TCE, row, IOAS_ARRAY_SIZE(row));
	assert_true(counts() == 2);
	/* What is no permission is no matter: nothing is mapped. */
	assert_int_equal(hypercall(IOAS_H_STUFF_TCE, LIOBN, 0, LOW | 4, 1),
	                 IOAS_H_SUCCESS);
	assert_true(get(0) == 0);
}

static void indirect_refuses(struct rig *r)
{
	static const struct refusal row[] = {
		{"no window", {LIOBN + 1, 0, LOOSE, 1}, BAD},
		{"too many", {LIOBN, 0, LOOSE, 513}, BAD},
		{"very many", {LIOBN, 0, LOOSE, UINT64_MAX}, BAD},
		{"unaligned list", {LIOBN, 0, LOOSE + 8, 1}, BAD},
		{"unaligned IOBA", {LIOBN, 8, LOOSE, 1}, BAD},
		{"behind the end", {LIOBN, MAX, LOOSE, 1}, BAD},
		{"over the end", {LIOBN, MAX - IO, LOOSE, 2}, BAD},
		{"no list", {LIOBN, 0, LOOSE + LOOSE_PAGES * IO, 1}, BAD},
		{"a list far away", {LIOBN, 0, WRAPS, 1}, BAD},
	};

	guest_on(r, "power9");
	list(0, LOW | RW);
	list(1, LOW | RW);
	refuses(IOAS_H_PUT_TCE_INDIRECT, row, IOAS_ARRAY_SIZE(row));
	assert_true(counts() == 0);
}

static void other_numbers_are_no_function_of_ours(struct rig *r)
{
	static const uint64_t number[] = {0, 0x18, 0x24, 0x140, 0x1000000020};
	unsigned int i;

	guest_on(r, "power9");
	for (i = 0; i < IOAS_ARRAY_SIZE(number); i++)
		assert_int_equal(hypercall(number[i], LIOBN, 0, 0, 0),
		                 IOAS_H_FUNCTION);
}

/* PAPR-1 and PAPR-2: the last entry is bad, and the first not written. */
static void a_list_is_all_or_nothing(struct rig *r)
{
	static const uint64_t bad[] = {(LOW + 8) | RW, (LOW + 32 * IO) | RW,
	                               LOOSE | RW, WRAPS | RW};
	unsigned int i, j;

	guest_on(r, "power9");
	hcall_ok(r, put(1 * IO, (LOW + 9 * IO) | IOAS_READ));
	for (i = 0; i < IOAS_ARRAY_SIZE(bad); i++) {
		for (j = 0; j < 511; j++)
			list(j, (LOW + j % 32 * IO) | RW);
		list(511, bad[i]);
		assert_int_equal(indirect(0, 512), IOAS_H_PARAMETER);
		assert_true(get(0) == 0 && get(510 * IO) == 0);
		assert_true(get(IO) == ((LOW + 9 * IO) | IOAS_READ));
		assert_true(counts() == 1);
	}
}

static void a_list_that_cannot_be_read_is_refused(struct rig *r)
{
	size_t page = rig_page();

	guest_on(r, "power9");
	if (page > LOOSE_PAGES * IO / 2)
		rig_skip("pages of the program are as large as the memory");
	rig_hole(r, g.loose, page);
	assert_int_equal(indirect(0, 1), IOAS_H_PARAMETER);
	assert_true(counts() == 0);
}

/* A page at the very end of the guest's memory, read no further. */
static void a_list_may_end_where_its_entries_do(struct rig *r)
{
	guest_on(r, "power9");
	store_be(g.loose + (LOOSE_PAGES - 1) * IO, LOW | RW, 8);
	assert_int_equal(hypercall(IOAS_H_PUT_TCE_INDIRECT, LIOBN, 0,
	                           LOOSE + (LOOSE_PAGES - 1) * IO, 1),
	                 IOAS_H_SUCCESS);
}

static void without_memory_for_a_table_nothing_is_written(struct rig *r)
{
	int64_t answer;

	guest_on(r, "power9");
	rtas_ok(r, rtas_create(12, 40));
	list(0, LOW | RW);
	answer = rig_try(r, hypercall(IOAS_H_PUT_TCE_INDIRECT, LIOBN + 1, HIGH,
	                              LOOSE, 1));
	assert_true(answer == IOAS_H_SUCCESS ||
	            (answer == IOAS_H_NOT_ENOUGH_RESOURCES && rig_failed(r)));
	assert_true(counts() == (answer == IOAS_H_SUCCESS));
	assert_int_equal(leads_to(HIGH, 0, RW), answer == IOAS_H_SUCCESS);
}

/* ---- Where they may not sleep ---- */

static void too_hard_has_changed_nothing(struct rig *r)
{
	guest_on(r, "power9");
	rtas_ok(r, rtas_create(12, 40));
	g.hurries = true;
	/* Tables are missing. */
	assert_int_equal(
		hypercall(IOAS_H_PUT_TCE, LIOBN + 1, HIGH, LOW | RW, 0),
		IOAS_H_TOO_HARD);
	assert_true(counts() == 0);
	/* They are there: the default window has one level. */
	assert_int_equal(put(IO, LOW | RW), IOAS_H_SUCCESS);
	assert_true(leads_to(IO, 0, RW));
	/* A device may be using what would be replaced, or cleared. */
	assert_int_equal(put(IO, NEXT | RW), IOAS_H_TOO_HARD);
	assert_int_equal(stuff(IO, 1), IOAS_H_TOO_HARD);
	list(0, NEXT | RW);
	list(1, NEXT | RW);
	assert_int_equal(indirect(0, 2), IOAS_H_TOO_HARD);
	assert_true(get(0) == 0 && get(IO) == (LOW | RW));
	assert_true(counts() == 1);
	/* It would be half done. */
	assert_int_equal(stuff(2 * IO, 513), IOAS_H_TOO_HARD);
	assert_int_equal(stuff(2 * IO, 512), IOAS_H_SUCCESS);
	assert_int_equal(hypercall(IOAS_H_GET_TCE, LIOBN, IO, 0, 0),
	                 IOAS_H_TOO_HARD);
	g.hurries = false;
	hcall_ok(r, indirect(0, 2));
	assert_true(get(0) == (NEXT | RW) && get(IO) == (NEXT | RW));
}

/* What cannot work is not worth another try. */
static void what_is_wrong_is_not_too_hard(struct rig *r)
{
	guest_on(r, "power9");
	g.hurries = true;
	assert_int_equal(put(MAX, LOW | RW), IOAS_H_PARAMETER);
	assert_int_equal(put(0, (LOW + 8) | RW), IOAS_H_PARAMETER);
	assert_int_equal(put(0, LOOSE | RW), IOAS_H_PARAMETER);
	assert_int_equal(stuff(0, MAX / IO + 1), IOAS_H_PARAMETER);
	assert_int_equal(hypercall(IOAS_H_GET_TCE, LIOBN, MAX, 0, 0),
	                 IOAS_H_PARAMETER);
}

static void a_lock_that_is_anothers_is_too_hard(struct rig *r)
{
	guest_on(r, "power9");
	g.hurries = true;
	ioas_lock(&ioas_windows_space(w.ws)->lock);
	assert_int_equal(put(0, LOW | RW), IOAS_H_TOO_HARD);
	ioas_unlock(&ioas_windows_space(w.ws)->lock);
	assert_int_equal(put(0, LOW | RW), IOAS_H_SUCCESS);
}

/* ---- A list that changes while it is read ---- */

static struct {
	struct ioas_a32 stop;
	uint64_t *list;
} racer;

static void *rewrites(void *arg)
{
	uint64_t good, bad;
	unsigned int i = 0;

	(void)arg;
	store_be(&good, (LOW + 2 * IO) | RW, 8);
	store_be(&bad, LOOSE | RW, 8);
	while (!ioas_a32_load(&racer.stop))
		__atomic_store_n(racer.list, i++ & 1 ? good : bad,
		                 __ATOMIC_RELAXED);
	return NULL;
}

/* PAPR-4: what was checked is what is written; never the other one. */
static void a_list_that_changes_is_read_once(struct rig *r)
{
	unsigned int i, refused = 0;
	pthread_t thread;

	guest_on(r, "power9");
	racer.list = (uint64_t *)(void *)g.loose;
	list(0, (LOW + 2 * IO) | RW);
	ioas_a32_store(&racer.stop, 0);
	assert_int_equal(pthread_create(&thread, NULL, rewrites, NULL), 0);
	for (i = 0; i < 2000; i++) {
		int64_t answer = indirect(0, 1);

		refused += answer == IOAS_H_PARAMETER;
		if (answer != IOAS_H_SUCCESS && answer != IOAS_H_PARAMETER)
			break;
	}
	ioas_a32_store(&racer.stop, 1);
	pthread_join(thread, NULL);
	assert_int_equal(i, 2000);
	assert_true(get(0) == ((LOW + 2 * IO) | RW) || refused == i);
}

RIG_MAIN("papr_hcall", RIG_TEST(an_entry_is_put_read_and_cleared),
         RIG_TEST(the_guest_reads_the_permission_it_wrote),
         RIG_TEST(a_list_is_read_as_the_guest_wrote_it),
         RIG_TEST(as_many_are_stuffed_as_the_window_has),
         RIG_TEST(no_entries_at_all_are_fine),
         RIG_TEST(other_pages_are_those_of_their_window), RIG_TEST(get_refuses),
         RIG_TEST(put_refuses),
         RIG_TEST(put_refuses_what_the_region_is_not_for),
         RIG_TEST(stuff_refuses), RIG_TEST(indirect_refuses),
         RIG_TEST(other_numbers_are_no_function_of_ours),
         RIG_TEST(a_list_is_all_or_nothing),
         RIG_TEST(a_list_that_cannot_be_read_is_refused),
         RIG_TEST(a_list_may_end_where_its_entries_do),
         RIG_TEST(without_memory_for_a_table_nothing_is_written),
         RIG_TEST(too_hard_has_changed_nothing),
         RIG_TEST(what_is_wrong_is_not_too_hard),
         RIG_TEST(a_lock_that_is_anothers_is_too_hard),
         /* Another thread's timing decides what is allocated when. */
         RIG_ONCE(a_list_that_changes_is_read_once))
