/* SPDX-License-Identifier: MIT */
/*
 * What is given is not used again before everything else of its piece is, too:
 * addresses are plenty, and nothing has to be searched.
 */
#include "preload/aside.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/hooks.h"
#include "host/host.h"
#include "preload/vmas.h"
#include "preload/wrap.h"

/* Sizes of a piece, in the order of trying: a limit may be set (RLIMIT_AS). */
static const uint64_t sizes[] = {UINT64_C(64) << 30, UINT64_C(1) << 30};

struct ioas_aside_piece {
	uint64_t start, end;   /* constant */
	uint64_t next;         /* from here on it is free; the taker's */
	struct ioas_a64 taken; /* bytes */
};

/* The one that is cut now; the taker's. Those before it stay closed. */
static struct ioas_aside_piece *piece;

static bool failed(long result)
{
	return result < 0 && result >= -4095;
}

static long map_closed(uint64_t at, uint64_t bytes, int flags)
{
	return ioas_sys(SYS_mmap, (long)at, (long)bytes, PROT_NONE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
	                0);
}

/* Half way between address 0 and the libraries; the kernel may know better. */
static uint64_t somewhere(void)
{
	uint64_t here = (uintptr_t)&sizes;

	return here / 2 & ~(ioas_page_bytes() - 1);
}

static long map_piece(uint64_t at_least, uint64_t *ret_bytes)
{
	unsigned int i;
	long at = -ENOMEM;

	for (i = 0; i < IOAS_ARRAY_SIZE(sizes) && failed(at); i++) {
		*ret_bytes = sizes[i];
		if (at_least <= sizes[i])
			at = map_closed(somewhere(), sizes[i], 0);
	}
	if (!failed(at))
		return at;
	*ret_bytes = at_least;
	return map_closed(somewhere(), at_least, 0);
}

static bool new_piece(uint64_t at_least)
{
	struct ioas_aside_piece *p = ioas_new(struct ioas_aside_piece);
	uint64_t bytes;
	long at = p ? map_piece(at_least, &bytes) : -ENOMEM;

	if (failed(at)) {
		if (p)
			ioas_delete(p);
		return false;
	}
	p->start = p->next = (uint64_t)at;
	p->end = p->start + bytes;
	piece = p;
	return true;
}

static uint64_t alignment_of(uint64_t bytes)
{
	uint64_t align = ioas_page_bytes();

	while (align << 9 <= bytes && align << 9 <= UINT64_C(1) << 30)
		align <<= 9;
	return align;
}

/* The lowest place in the piece that is as aligned as @from. 0: no room. */
static uint64_t cut(uint64_t from, uint64_t bytes)
{
	uint64_t align = alignment_of(bytes), at;

	if (!piece)
		return 0;
	/* Pairs with the add in ioas_aside_give(): all is closed again. */
	if (!ioas_a64_load(&piece->taken))
		piece->next = piece->start;
	at = piece->next + ((from - piece->next) & (align - 1));
	if (at > piece->end || bytes > piece->end - at)
		return 0;
	piece->next = at + bytes;
	ioas_a64_add(&piece->taken, bytes);
	return at;
}

bool ioas_aside_take(uint64_t from, uint64_t bytes, struct ioas_aside *ret)
{
	uint64_t at = cut(from, bytes);

	if (!at && new_piece(bytes + alignment_of(bytes)))
		at = cut(from, bytes);
	*ret = (struct ioas_aside){piece, at, bytes};
	return at != 0;
}

void ioas_aside_give(const struct ioas_aside *aside)
{
	/* If that cannot be, they stay as they are. */
	if (!failed(map_closed(aside->at, aside->bytes, MAP_FIXED)))
		ioas_a64_add(&aside->piece->taken, -aside->bytes);
}

void ioas_aside_untake(const struct ioas_aside *aside)
{
	struct ioas_aside_piece *p = aside->piece;

	if (ioas_a64_add(&p->taken, -aside->bytes) || p != piece)
		return;
	/* At the limit of mappings the program may want that one. */
	ioas_sys(SYS_munmap, (long)p->start, (long)(p->end - p->start), 0, 0, 0,
	         0);
	piece = NULL;
	ioas_delete(p);
}

void ioas_aside_forked(void)
{
	/* What is closed stays so, and the parent's structure is left. */
	piece = NULL;
}
