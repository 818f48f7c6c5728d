/* SPDX-License-Identifier: MIT */
/*
 * Laws have names. The name in ioas_law() is the one in the file head, in the
 * explorer's property list, in the test's name and in a report: grep shows a
 * law's whole life. A law that does not hold is a defect of ioas, never of the
 * program it serves, so it stops the process in every build.
 */
#ifndef IOAS_BASE_LAW_H
#define IOAS_BASE_LAW_H

#include "base/hooks.h"

#define ioas_law(name, condition)                                          \
	do {                                                               \
		if (__builtin_expect(!(condition), 0)) {                   \
			ioas_hooks.law_broken(#name, #condition, __FILE__, \
			                      __LINE__);                   \
			__builtin_trap();                                  \
		}                                                          \
	} while (0)

#endif /* IOAS_BASE_LAW_H */
