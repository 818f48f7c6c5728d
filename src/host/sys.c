/* SPDX-License-Identifier: MIT */
/*
 * The one place that enters the kernel. The code above it may run inside a
 * signal handler or a wrapped libc function, where the program would see a
 * changed errno: so it is kept here, and the error is a value.
 */
#include <errno.h>
#include <unistd.h>

#include "host/host.h"

/* check-style: a system call has these parameters. */
long ioas_sys(long number, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long result = syscall(number, a, b, c, d, e, f);

	if (result == -1)
		result = -errno;
	errno = saved;
	return result;
}
