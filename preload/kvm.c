/* SPDX-License-Identifier: MIT */
/*
 * Asked when the program asks about a region, which is rare; so nothing is
 * watched meanwhile, and it does not matter how the descriptor came to be.
 *
 * Source: Linux 7.3 include/linux/miscdevice.h (KVM_MINOR); getdents(2).
 */
#include "preload/kvm.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/atomic.h"
#include "host/host.h"
#include "preload/wrap.h"

#define KVM_DEVICE makedev(10, 232)
#define ROOM       2048 /* bytes of directory entries at a time */

static bool is_kvm(long fd)
{
	IOAS_STAT st;

	return !ioas_sys(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) &&
	       S_ISCHR(st.st_mode) && st.st_rdev == KVM_DEVICE;
}

/* Is it among the descriptors that these entries name? */
static bool any_kvm(const char *entries, long bytes)
{
	const struct dirent64 *entry;
	long at;

	for (at = 0; at < bytes; at += entry->d_reclen) {
		entry = (const void *)(entries + at);
		if (entry->d_name[0] != '.' &&
		    is_kvm(strtol(entry->d_name, NULL, 10)))
			return true;
	}
	return false;
}

static bool search(void)
{
	_Alignas(struct dirent64) char entries[ROOM];
	bool found = false;
	long list, n;

	list = ioas_sys(SYS_openat, AT_FDCWD, (long)"/proc/self/fd",
	                O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
	if (list < 0)
		return false;
	while (!found && (n = ioas_sys(SYS_getdents64, list, (long)entries,
	                               sizeof(entries), 0, 0, 0)) > 0)
		found = any_kvm(entries, n);
	ioas_sys(SYS_close, list, 0, 0, 0, 0, 0);
	return found;
}

static struct ioas_a32 seen;

void ioas_kvm_assume(void)
{
	/* Relaxed: as in ioas_kvm_is_open(). */
	ioas_a32_store_relaxed(&seen, 1);
}

bool ioas_kvm_is_open(void)
{
	/* Relaxed: whoever misses it looks again. */
	if (ioas_a32_load_relaxed(&seen))
		return true;
	if (!search())
		return false;
	ioas_kvm_assume();
	return true;
}
