/* SPDX-License-Identifier: MIT */
/*
 * The table of descriptors and the handles in it. What changes it at the
 * program's wish (close, dup) is in dup.c.
 */
#include "preload/fds.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/event.h"
#include "base/grace.h"
#include "base/hooks.h"
#include "host/host.h"
#include "preload/doors.h"
#include "preload/say.h"
#include "preload/shared.h"
#include "preload/table.h"
#include "preload/trap.h"
#include "preload/wrap.h"

/* 8 MiB of address space, of which a page is used when it is looked at. */
struct ioas_aptr ioas_fd_table[IOAS_FD_NR];
struct ioas_aptr ioas_fd_shown_table[IOAS_FD_SHOWN];

/* Above this nothing was ever put in; it only grows. */
static struct ioas_a32 highest;

/* Marks: entries that are no handles. */
static char internal_mark;
static const char *const stale_name[] = {
	[IOAS_FILE_CONTAINER] = "container",
	[IOAS_FILE_GROUP] = "group",
	[IOAS_FILE_DEVICE] = "device",
	[IOAS_FILE_DMABUF] = "dma-buf",
};
static char stale_mark[IOAS_ARRAY_SIZE(stale_name)];
static struct ioas_a32 stale_told, inherited_told;

#define MEMFD_PREFIX "ioas:"

static bool is_stale(const void *entry)
{
	return (const char *)entry >= stale_mark &&
	       (const char *)entry < stale_mark + sizeof(stale_mark);
}

static enum ioas_fd_kind kind_of(const void *entry)
{
	if (!entry)
		return IOAS_FD_FOREIGN;
	if (entry == &internal_mark)
		return IOAS_FD_INTERNAL;
	return is_stale(entry) ? IOAS_FD_STALE : IOAS_FD_OURS;
}

enum ioas_fd_kind ioas_fd_kind(int fd)
{
	return kind_of(ioas_fd_foreign(fd)
	                       ? NULL
	                       : ioas_aptr_load(&ioas_fd_table[fd]));
}

static void raise_highest(uint32_t fd)
{
	uint32_t seen = ioas_a32_load(&highest);

	while (seen < fd && !ioas_a32_cas(&highest, &seen, fd))
		;
}

static struct ioas_shown *shown_of(void *entry)
{
	struct ioas_handle *handle = ioas_fd_handle_of(entry);

	return handle ? ioas_file_shown(handle->file) : NULL;
}

void *ioas_fd_swap(int fd, void *entry)
{
	if ((unsigned int)fd >= IOAS_FD_NR)
		return NULL;
	if (entry)
		raise_highest((uint32_t)fd);
	if (fd < IOAS_FD_SHOWN)
		/* Pairs with the load in ioas_io_unmaps_nothing(). */
		ioas_aptr_store(&ioas_fd_shown_table[fd], shown_of(entry));
	/* Pairs with the loads in ioas_fd_foreign() and ioas_fd_enter(). */
	return ioas_aptr_exchange(&ioas_fd_table[fd], entry);
}

struct ioas_handle *ioas_fd_handle_of(void *entry)
{
	return kind_of(entry) == IOAS_FD_OURS ? entry : NULL;
}

bool ioas_fd_any(unsigned int first, unsigned int last)
{
	uint32_t end = ioas_a32_load(&highest);

	for (last = last < end ? last : end; first <= last; first++)
		if (!ioas_fd_foreign((int)first))
			return true;
	return false;
}

unsigned int ioas_fd_highest(void)
{
	return ioas_a32_load(&highest);
}

static void tell_stale(const void *entry)
{
	struct ioas_event ev = {.kind = IOAS_EVENT_STALE_FILE};

	if (ioas_a32_exchange(&stale_told, 1))
		return;
	ev.what = stale_name[(const char *)entry - stale_mark];
	ioas_tell(&ev);
}

long ioas_fd_enter_quick(int fd, struct ioas_handle **ret_handle)
{
	void *entry;

	ioas_grace_enter(IOAS_GRACE_FILE);
	/* Pairs with the exchange in ioas_fd_swap(): the handle is whole. */
	entry = ioas_aptr_load(&ioas_fd_table[fd]);
	switch (kind_of(entry)) {
	case IOAS_FD_OURS:
		*ret_handle = entry;
		return 0;
	case IOAS_FD_STALE:
		ioas_grace_leave(IOAS_GRACE_FILE);
		tell_stale(entry);
		return -ENODEV;
	default:
		ioas_grace_leave(IOAS_GRACE_FILE);
		return -EBADF;
	}
}

void ioas_section_enter(struct ioas_signals *saved)
{
	ioas_hooks.signals_block(saved);
	ioas_grace_enter(IOAS_GRACE_FILE);
}

void ioas_section_leave(const struct ioas_signals *saved)
{
	ioas_grace_leave(IOAS_GRACE_FILE);
	ioas_bury_what_is_left();
	ioas_hooks.signals_restore(saved);
}

long ioas_fd_enter(int fd, struct ioas_visit *visit)
{
	long err;

	ioas_hooks.signals_block(&visit->saved);
	err = ioas_fd_enter_quick(fd, &visit->handle);
	if (err)
		ioas_hooks.signals_restore(&visit->saved);
	return err;
}

void ioas_fd_leave(const struct ioas_visit *visit)
{
	ioas_section_leave(&visit->saved);
}

bool ioas_handle_get(struct ioas_handle *handle)
{
	uint32_t refs = ioas_a32_load(&handle->refs);

	while (refs)
		/* Pairs with the add in ioas_handle_put(). */
		if (ioas_a32_cas(&handle->refs, &refs, refs + 1))
			return true;
	return false;
}

void ioas_handle_put(struct ioas_handle *handle)
{
	/* Pairs with the cas in ioas_handle_get(): 0 is final (FD-1). */
	if (ioas_a32_add(&handle->refs, UINT32_MAX) == 0)
		ioas_bury(&handle->dead);
}

static void end_handle(struct ioas_dead *dead)
{
	struct ioas_handle *handle =
		ioas_container_of(dead, struct ioas_handle, dead);

	ioas_door_destroy(ioas_aptr_load(&handle->doors));
	ioas_trap_destroy(ioas_aptr_load(&handle->trap));
	ioas_file_mark(handle->file, 0);
	/* A section, as around every call into uapi: see ioas_run_exit(). */
	ioas_grace_enter(IOAS_GRACE_FILE);
	ioas_file_release(handle->file);
	ioas_grace_leave(IOAS_GRACE_FILE);
	ioas_delete(handle);
}

/*
 * Offsets of regions become offsets in the memfd. Mappings are PROT_NONE, so
 * it may be too short for them: under a limit of file sizes it stays empty.
 */
static bool grow_memfd(long fd)
{
	return !ioas_host_memory_grow((int)fd, UINT64_C(10) << 40);
}

static long open_memfd(const struct ioas_file *file, int flags)
{
	char name[64] = MEMFD_PREFIX;
	long fd;

	strncat(name, ioas_file_name(file),
	        sizeof(name) - sizeof(MEMFD_PREFIX));
	fd = ioas_host_memory_file(name, flags);
	if (fd >= IOAS_FD_NR) {
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
		return -EMFILE;
	}
	return fd;
}

long ioas_fd_create(struct ioas_file *file, int flags)
{
	struct ioas_handle *handle = ioas_new(struct ioas_handle);
	long fd;

	if (!handle)
		return -ENOMEM;
	handle->dead.end = end_handle;
	handle->file = file;
	ioas_file_mark(file, (uintptr_t)handle);
	/* Relaxed: published with the handle, by the exchange. */
	ioas_a32_store_relaxed(&handle->refs, 1);
	ioas_fd_change_begin();
	fd = open_memfd(file, flags);
	if (fd >= 0 && ioas_file_kind(file) == IOAS_FILE_DEVICE)
		handle->grown = grow_memfd(fd);
	if (fd >= 0)
		ioas_fd_swap((int)fd, handle);
	ioas_fd_change_end();
	if (fd < 0) {
		ioas_file_mark(file, 0);
		ioas_delete(handle);
	}
	return fd;
}

void ioas_fd_internal_mark(int fd, bool internal)
{
	void *seen = &internal_mark;

	if (internal)
		ioas_fd_swap(fd, &internal_mark);
	else if ((unsigned int)fd < IOAS_FD_NR)
		/* Only a mark goes: the number may be in use again. */
		ioas_aptr_cas(&ioas_fd_table[fd], &seen, NULL);
}

/*
 * High, so that the program does not meet it by chance, but not so high that
 * close_range() has to look at a million entries; lower when the limit is.
 */
#define INTERNAL_FROM 768

long ioas_fd_internal_dup(int fd)
{
	long from, up;

	for (from = INTERNAL_FROM; from > 2; from /= 2) {
		up = ioas_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, from, 0, 0, 0);
		if (up < 0 && up != -EINVAL && up != -EMFILE)
			return up;
		if (up >= 0) {
			ioas_fd_internal_mark((int)up, true);
			return up;
		}
	}
	return -EMFILE;
}

long ioas_fd_internal_take(int fd)
{
	long up = ioas_fd_internal_dup(fd);

	if (up >= 0)
		ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
	return up;
}

void ioas_fd_internal_close(int fd)
{
	/* Unmarked first: at once after the close it is another's number. */
	ioas_fd_internal_mark(fd, false);
	ioas_sys(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* A memfd, or what stands for one: src/host/memfile.c. */
static bool is_vfio_file(const char *target)
{
	return (strstr(target, ":" MEMFD_PREFIX) ||
	        strstr(target, "/" MEMFD_PREFIX)) &&
	       strstr(target, " (deleted)");
}

static bool is_vfio_number(int fd)
{
	char link[32], target[128];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = ioas_sys(SYS_readlinkat, AT_FDCWD, (long)link, (long)target,
	             sizeof(target) - 1, 0, 0);
	if (n < 0)
		return false;
	target[n] = '\0';
	return is_vfio_file(target);
}

/* How many have begun and ended. */
static struct ioas_a32 changes_begun, changes_ended;

void ioas_fd_change_begin(void)
{
	ioas_a32_add(&changes_begun, 1);
}

void ioas_fd_change_end(void)
{
	ioas_a32_add(&changes_ended, 1);
}

long ioas_fd_lost(int fd)
{
	/* Whoever is in between has begun by the second look, and not ended. */
	uint32_t ended = ioas_a32_load(&changes_ended);

	if (!is_vfio_number(fd))
		return 0;
	if (ioas_a32_load(&changes_begun) != ended)
		return -EBADF;
	if (!ioas_a32_exchange(&inherited_told, 1))
		ioas_complain(
			"descriptor %d is a VFIO file that was opened "
			"before this program was executed, or by another "
			"process that sent it; ioas carries VFIO files "
			"neither over exec nor between processes, and every "
			"call on it fails with ENODEV: open it in this "
			"program",
			fd);
	return -ENODEV;
}

/*
 * The parent goes on with its files; the child has the numbers only. What is
 * internal is closed here: the lock on a backing file and the claim on a group
 * go with the last descriptor, and that must be the parent's. But for what all
 * processes share.
 */
void ioas_fds_forked(void)
{
	unsigned int fd, end = ioas_a32_load(&highest);
	struct ioas_handle *handle;

	/* Relaxed: a forked child has one thread. */
	ioas_a32_store_relaxed(&stale_told, 0);
	ioas_a32_store_relaxed(&changes_begun, 0);
	ioas_a32_store_relaxed(&changes_ended, 0);
	for (fd = 0; fd <= end; fd++) {
		switch (ioas_fd_kind((int)fd)) {
		case IOAS_FD_INTERNAL:
			if (!ioas_shared_is((int)fd))
				ioas_fd_internal_close((int)fd);
			break;
		case IOAS_FD_OURS:
			handle = ioas_aptr_load(&ioas_fd_table[fd]);
			ioas_fd_swap((int)fd,
			             &stale_mark[ioas_file_kind(handle->file)]);
			break;
		default:
			break;
		}
	}
}
