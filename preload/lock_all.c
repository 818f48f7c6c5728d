/* SPDX-License-Identifier: MIT */
/* See lock_all.h. */
#include "preload/lock_all.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "host/host.h"
#include "preload/vmas.h"

static bool add_mapping(void *context, const struct ioas_vma *vma)
{
	uint64_t *bytes = context;

	*bytes += ioas_host_unreserved(vma->first, vma->last + 1);
	return true;
}

/* The system counts what is reserved, which is more than any limit. */
static bool within_limit(void)
{
	struct rlimit limit;
	uint64_t bytes = 0;

	if (ioas_sys(SYS_prlimit64, 0, RLIMIT_MEMLOCK, 0, (long)&limit, 0, 0))
		return false;
	ioas_vmas_each(0, UINT64_MAX, add_mapping, &bytes);
	return bytes <= limit.rlim_cur;
}

static bool lock_mapping(void *context, const struct ioas_vma *vma)
{
	ioas_host_mlock(vma->first, vma->last + 1);
	return true;
}

static long lock_unreserved(int flags)
{
	long err = ioas_sys(SYS_mlockall, flags | MCL_ONFAULT, 0, 0, 0, 0, 0);

	if (err && (err != -ENOMEM || !within_limit()))
		return err;
	ioas_host_reserved_munlock();
	ioas_vmas_each(0, UINT64_MAX, lock_mapping, NULL);
	if (flags & MCL_FUTURE)
		ioas_sys(SYS_mlockall, MCL_FUTURE, 0, 0, 0, 0, 0);
	return 0;
}

long ioas_lock_all(int flags)
{
	struct ioas_signals saved;
	long err;

	ioas_hooks.signals_block(&saved);
	err = ioas_host_reserved_munlock()
	              ? lock_unreserved(flags)
	              : ioas_sys(SYS_mlockall, flags, 0, 0, 0, 0, 0);
	ioas_hooks.signals_restore(&saved);
	return err;
}
