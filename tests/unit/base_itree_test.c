/* SPDX-License-Identifier: MIT */
#include "base/itree.h"
#include "base/types.h"
#include "rig.h"

#define NODES 200

/* A tree and the same as a plain array. */
struct forest {
	struct ioas_itree tree;
	struct ioas_inode node[NODES];
	bool in[NODES];
};

static struct forest f;

static struct ioas_inode *set(unsigned int i, uint64_t first, uint64_t last)
{
	f.node[i].first = first;
	f.node[i].last = last;
	return &f.node[i];
}

static void start(void)
{
	f = (struct forest){0};
}

static void an_empty_tree_finds_nothing(struct rig *r)
{
	start();
	assert_null(ioas_itree_find(&f.tree, 0, UINT64_MAX));
}

static void both_ends_of_a_range_are_in_it(struct rig *r)
{
	start();
	ioas_itree_insert(&f.tree, set(0, 10, 20));
	assert_null(ioas_itree_find(&f.tree, 0, 9));
	assert_ptr_equal(ioas_itree_find(&f.tree, 0, 10), &f.node[0]);
	assert_ptr_equal(ioas_itree_find(&f.tree, 20, 30), &f.node[0]);
	assert_null(ioas_itree_find(&f.tree, 21, 30));
}

static void a_range_may_end_at_the_last_number(struct rig *r)
{
	start();
	ioas_itree_insert(&f.tree, set(0, UINT64_MAX, UINT64_MAX));
	ioas_itree_insert(&f.tree, set(1, 0, 0));
	assert_ptr_equal(ioas_itree_find(&f.tree, UINT64_MAX - 1, UINT64_MAX),
	                 &f.node[0]);
	assert_null(ioas_itree_find(&f.tree, 1, UINT64_MAX - 1));
	assert_ptr_equal(ioas_itree_find(&f.tree, 0, UINT64_MAX), &f.node[1]);
	assert_ptr_equal(ioas_itree_find_next(&f.node[1], 0, UINT64_MAX),
	                 &f.node[0]);
	assert_null(ioas_itree_find_next(&f.node[0], 0, UINT64_MAX));
}

static void the_whole_range_can_be_one_node(struct rig *r)
{
	start();
	ioas_itree_insert(&f.tree, set(0, 0, UINT64_MAX));
	assert_ptr_equal(ioas_itree_find(&f.tree, 5, 5), &f.node[0]);
	ioas_itree_erase(&f.tree, &f.node[0]);
	assert_null(f.tree.root);
}

static void nodes_with_the_same_first_are_all_found(struct rig *r)
{
	struct ioas_inode *n;
	unsigned int i, seen = 0;

	start();
	for (i = 0; i < 9; i++)
		ioas_itree_insert(&f.tree, set(i, 7, 7 + i));
	for (n = ioas_itree_find(&f.tree, 7, 7); n;
	     n = ioas_itree_find_next(n, 7, 7))
		seen++;
	assert_int_equal(seen, 9);
}

/* Return: height; every node's height and max_last are as they should be. */
static int check_below(const struct ioas_inode *n,
                       const struct ioas_inode *parent)
{
	uint64_t max;
	int left, right;

	if (!n)
		return 0;
	assert_ptr_equal(n->parent, parent);
	left = check_below(n->child[0], n);
	right = check_below(n->child[1], n);
	assert_in_range(left - right + 1, 0, 2);
	assert_int_equal(n->height, 1 + (left > right ? left : right));
	max = n->last;
	if (n->child[0] && n->child[0]->max_last > max)
		max = n->child[0]->max_last;
	if (n->child[1] && n->child[1]->max_last > max)
		max = n->child[1]->max_last;
	assert_true(n->max_last == max);
	return n->height;
}

static bool overlaps(const struct ioas_inode *n, uint64_t first, uint64_t last)
{
	return n->first <= last && n->last >= first;
}

static void compare(uint64_t first, uint64_t last)
{
	unsigned int i, wanted = 0, got = 0;
	const struct ioas_inode *n;
	uint64_t before = 0;

	for (i = 0; i < NODES; i++)
		wanted += f.in[i] && overlaps(&f.node[i], first, last);
	for (n = ioas_itree_find(&f.tree, first, last); n;
	     n = ioas_itree_find_next(n, first, last)) {
		assert_true(overlaps(n, first, last));
		assert_true(n->first >= before);
		before = n->first;
		got++;
	}
	assert_int_equal(got, wanted);
}

static void compare_before(uint64_t first)
{
	const struct ioas_inode *n = ioas_itree_before(&f.tree, first);
	unsigned int i;

	assert_true(!n || n->first < first);
	for (i = 0; i < NODES; i++)
		if (f.in[i] && f.node[i].first < first)
			assert_true(n && n->first >= f.node[i].first);
}

/* Short and long ones, near both ends of the numbers. */
static uint64_t any_number(struct rig *r)
{
	uint64_t n = rig_random_below(r, 1000);

	return rig_random_below(r, 2) ? n : UINT64_MAX - n;
}

static void change_one(struct rig *r)
{
	unsigned int i = (unsigned int)rig_random_below(r, NODES);
	uint64_t a = any_number(r), b = any_number(r);

	if (rig_random_below(r, 4)) /* mostly short ones */
		b = a > UINT64_MAX - 9 ? UINT64_MAX : a + 9;
	if (f.in[i])
		ioas_itree_erase(&f.tree, &f.node[i]);
	else
		ioas_itree_insert(&f.tree,
		                  set(i, a < b ? a : b, a < b ? b : a));
	f.in[i] = !f.in[i];
}

static void random_changes_match_a_plain_array(struct rig *r)
{
	unsigned int step;

	start();
	for (step = 0; step < 20000; step++) {
		uint64_t a = any_number(r), b = any_number(r);

		change_one(r);
		if (step % 8)
			continue;
		check_below(f.tree.root, NULL);
		compare(a < b ? a : b, a < b ? b : a);
		compare(a, a);
		compare_before(a);
	}
}

static void ascending_inserts_stay_balanced(struct rig *r)
{
	unsigned int i;

	start();
	for (i = 0; i < NODES; i++)
		ioas_itree_insert(&f.tree, set(i, i, i));
	assert_in_range(check_below(f.tree.root, NULL), 8, 11);
	for (i = 0; i < NODES; i += 2)
		ioas_itree_erase(&f.tree, &f.node[i]);
	assert_in_range(check_below(f.tree.root, NULL), 7, 10);
}

static void the_first_node_that_is_worth_enough_is_found(struct rig *r)
{
	unsigned int step, i, n, first;
	uint8_t least;

	start();
	for (step = 0; step < 4000; step++) {
		n = (unsigned int)rig_random_below(r, NODES);
		if (f.in[n] && rig_random_below(r, 2)) {
			f.node[n].worth = (uint8_t)rig_random_below(r, 64);
			ioas_itree_changed(&f.node[n]);
		} else if (f.in[n]) {
			ioas_itree_erase(&f.tree, &f.node[n]);
			f.in[n] = false;
		} else {
			set(n, 10 * n, 10 * n + 5);
			f.node[n].worth = (uint8_t)rig_random_below(r, 64);
			ioas_itree_insert(&f.tree, &f.node[n]);
			f.in[n] = true;
		}
		least = (uint8_t)rig_random_below(r, 70);
		for (first = NODES, i = NODES; i-- > 0;)
			if (f.in[i] && f.node[i].worth >= least)
				first = i;
		assert_ptr_equal(ioas_itree_worth(&f.tree, least),
		                 first < NODES ? &f.node[first] : NULL);
	}
}

static void a_node_can_change_where_it_is(struct rig *r)
{
	start();
	ioas_itree_insert(&f.tree, set(0, 10, 20));
	ioas_itree_insert(&f.tree, set(1, 30, 40));
	ioas_itree_insert(&f.tree, set(2, 50, 60));
	set(2, 55, 90);
	ioas_itree_changed(&f.node[2]);
	assert_null(ioas_itree_find(&f.tree, 50, 54));
	assert_ptr_equal(ioas_itree_find(&f.tree, 80, 85), &f.node[2]);
	set(2, 41, 42);
	ioas_itree_changed(&f.node[2]);
	assert_null(ioas_itree_find(&f.tree, 43, 100));
	assert_ptr_equal(ioas_itree_find(&f.tree, 42, 100), &f.node[2]);
}

RIG_MAIN("base_itree", RIG_TEST(an_empty_tree_finds_nothing),
         RIG_TEST(both_ends_of_a_range_are_in_it),
         RIG_TEST(a_range_may_end_at_the_last_number),
         RIG_TEST(the_whole_range_can_be_one_node),
         RIG_TEST(nodes_with_the_same_first_are_all_found),
         RIG_TEST(ascending_inserts_stay_balanced),
         RIG_TEST(the_first_node_that_is_worth_enough_is_found),
         RIG_TEST(a_node_can_change_where_it_is),
         RIG_TEST(random_changes_match_a_plain_array))
