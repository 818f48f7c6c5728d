/* SPDX-License-Identifier: MIT */
/* What the stress programs share. */
#ifndef STRESS_H
#define STRESS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline _Noreturn void broken(const char *law, const char *what)
{
	printf("%s is broken: %s\n", law, what);
	fflush(stdout);
	_exit(1);
}

/* For ioas_hooks.broken. */
static inline void law_broken(const char *law, const char *condition,
                              const char *file, int line)
{
	broken(law, condition);
}

/* Of what has to go well before there is anything to be seen. */
static inline void must(int err)
{
	if (!err)
		return;
	printf("set-up failed: %s\n", strerror(-err));
	fflush(stdout);
	_exit(2);
}

/* Marsaglia's xorshift with the shifts 13, 7, 17, of a state that is not 0. */
static inline uint64_t any(uint64_t *state, uint64_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (*state * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

#endif /* STRESS_H */
