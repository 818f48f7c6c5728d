/* SPDX-License-Identifier: MIT */
/*
 * What each file of the front end includes last: the wrappers' declarations,
 * the real functions behind them, and the poison.
 *
 *	ioas_wrap_NAME()       the wrapper; its symbol is NAME
 *	ioas_real_NAME()(...)  the C library's NAME
 *
 * The front end never calls a wrapped function by its name: it would come back
 * into the wrapper. After this header the name does not compile (real.c, which
 * looks the real ones up, leaves the poison out).
 */
#ifndef IOAS_PRELOAD_WRAP_H
#define IOAS_PRELOAD_WRAP_H

#include "base/atomic.h"
#include "preload/symbols.h"

#define IOAS_DECLARE_WRAPPER(ret, name, params) \
	__attribute__((visibility("default")))  \
	ret ioas_wrap_##name params __asm__(#name);
IOAS_SYMBOLS(IOAS_DECLARE_WRAPPER)

#define IOAS_SYMBOL_NUMBER(ret, name, params) IOAS_SYMBOL_##name,
enum ioas_symbol { IOAS_SYMBOLS(IOAS_SYMBOL_NUMBER) IOAS_SYMBOL_NR };

/* Filled at the first call of each; never changes after that. */
extern struct ioas_aptr ioas_real_functions[IOAS_SYMBOL_NR];
void *ioas_real_find(enum ioas_symbol symbol);

static inline void *ioas_real(enum ioas_symbol symbol)
{
	/* Relaxed: code is not initialised by the thread that finds it. */
	void *fn = ioas_aptr_load_relaxed(&ioas_real_functions[symbol]);

	return __builtin_expect(fn != NULL, 1) ? fn : ioas_real_find(symbol);
}

#define IOAS_DEFINE_REAL(ret, name, params)                                \
	static inline __typeof__(&ioas_wrap_##name) ioas_real_##name(void) \
	{                                                                  \
		return (__typeof__(&ioas_wrap_##name))ioas_real(           \
			IOAS_SYMBOL_##name);                               \
	}
IOAS_SYMBOLS(IOAS_DEFINE_REAL)

/* Wrapped names that are tags or members as well: a macro may say them. */
#define IOAS_STAT        struct stat
#define IOAS_STAT64      struct stat64
#define IOAS_STATX       struct statx
#define IOAS_STATFS      struct statfs
#define IOAS_STATFS64    struct statfs64
#define IOAS_STATVFS     struct statvfs
#define IOAS_STATVFS64   struct statvfs64
#define IOAS_SIGACTION   struct sigaction
#define IOAS_HOOK_SIGNAL signal

/* The one place where the front end sets errno. */
void ioas_set_errno(int value);
/* realloc(3), of memory that the program frees; 0 bytes: free it. */
void *ioas_program_realloc(void *p, size_t bytes);
/* Return: @result, or -1 with errno set when it is -errno. */
long ioas_result(long result);

#define IOAS_LIKELY(x)   __builtin_expect(!!(x), 1)
#define IOAS_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifndef IOAS_PRELOAD_NO_POISON
#define IOAS_PRAGMA(text)              _Pragma(#text)
#define IOAS_POISON(ret, name, params) IOAS_PRAGMA(GCC poison name)
IOAS_SYMBOLS(IOAS_POISON)
#endif

#endif /* IOAS_PRELOAD_WRAP_H */
