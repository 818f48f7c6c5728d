/* SPDX-License-Identifier: MIT */
/*
 * The real functions, found when they are first called and not at load time:
 * constructors of other libraries (libselinux') call wrapped functions before
 * this library's own constructor has run.
 */
#include <dlfcn.h>
#include <errno.h>

#define IOAS_PRELOAD_NO_POISON
#include "host/host.h"
#include "preload/wrap.h"

struct ioas_aptr ioas_real_functions[IOAS_SYMBOL_NR];

#define IOAS_SYMBOL_NAME(ret, name, params) [IOAS_SYMBOL_##name] = #name,
static const char *const names[IOAS_SYMBOL_NR] = {
	IOAS_SYMBOLS(IOAS_SYMBOL_NAME)};

/* Stands in for what this C library is too old or too new to have. */
static long absent(void)
{
	return ioas_result(-ENOSYS);
}

void *ioas_real_find(enum ioas_symbol symbol)
{
	void *fn = dlsym(RTLD_NEXT, names[symbol]);

	if (!fn)
		fn = (void *)absent;
	/* Relaxed: two threads that both get here store the same. */
	ioas_aptr_store_relaxed(&ioas_real_functions[symbol], fn);
	return fn;
}

void *ioas_program_realloc(void *p, size_t bytes)
{
	if (bytes)
		return realloc(p, bytes);
	free(p);
	return NULL;
}

/*
 * In place of that of src/host, which calls syscall(2) by its name: here that
 * is our own wrapper of it.
 */
/* check-style: a system call has these parameters. */
long ioas_sys(long number, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long result = ioas_real_syscall()(number, a, b, c, d, e, f);

	if (result == -1)
		result = -errno;
	errno = saved;
	return result;
}

void ioas_set_errno(int value)
{
	errno = value;
}

long ioas_result(long result)
{
	if (IOAS_LIKELY(result >= 0 || result < -4095))
		return result;
	ioas_set_errno((int)-result);
	return -1;
}
