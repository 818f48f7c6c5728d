/* SPDX-License-Identifier: MIT */
/*
 * Tokens of virtual functions, which processes read without a lock
 * (machine/cells.c). Who writes holds the claim, so one thread does. A token
 * here is the same number in each of its words: what was written in part, or
 * read in part, is neither the one nor the other.
 *
 * Laws
 *	IOV-2  a token is read as it was once written, whole
 */
#include <string.h>

#include "explore.h"
#include "machine/sriov.h"

#define WORDS (IOAS_TOKEN_BYTES / 4)

static struct ioas_machine machine;
static struct ioas_shared shared;

static EXPLORE_GHOST struct {
	uint32_t last; /* that was written, whole */
} ghost;

/* Of the first words @first, of the others @last. */
static bool is(uint32_t first, unsigned int words, uint32_t last)
{
	uint8_t token[IOAS_TOKEN_BYTES];
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		memcpy(token + 4 * i, i < words ? &first : &last, 4);
	return ioas_iov_token_is(&machine, machine.function, token);
}

static void set(uint32_t value)
{
	uint8_t token[IOAS_TOKEN_BYTES];
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		memcpy(token + 4 * i, &value, 4);
	ioas_iov_set_token(&machine, machine.function, token);
	ghost.last = value;
}

/* Each place has now the one, now the other. */
static void write_both(void)
{
	set(1);
	set(2);
	set(2);
	set(1);
}

static void write_again(void)
{
	set(1);
	set(1);
	set(1);
}

static void ask_for_a_part(void)
{
	unsigned int words = 1 + explore_choose(WORDS - 1);
	uint32_t first = 1 + explore_choose(2);

	explore_law(IOV_2, !is(first, words, 3 - first),
	            "a part of one token and a part of another");
}

static void ask_for_the_one(void)
{
	explore_law(IOV_2, is(1, WORDS, 1), "it has been there all the time");
}

static void init(void)
{
	machine.shared = &shared;
}

static void init_written(void)
{
	init();
	set(1);
}

static void is_the_last(void)
{
	explore_law(IOV_2, is(ghost.last, WORDS, ghost.last),
	            "not the last that was written");
}

const struct explore_case explore_cases[] = {
	{"parts", "a reader is overtaken up to four times", init,
         .thread = {{"writes", write_both}, {"reads", ask_for_a_part}},
         .rest = is_the_last},
	{"again", "the same token is written over itself", init_written,
         .thread = {{"writes", write_again}, {"reads", ask_for_the_one}},
         .rest = is_the_last},
	{NULL},
};
