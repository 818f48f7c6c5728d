/* SPDX-License-Identifier: MIT */
/*
 * What a device does to memory. Every access is cut into the pieces that the
 * address space finds and lies in one IOAS_GRACE_DMA section, so an unmap or
 * a detach in another thread returns after it (SPACE-2, FN-2).
 *
 * A refused access is told as IOAS_EVENT_DMA_FAULT, with the range from the
 * first address that failed to the end of the access.
 *
 * Where its issuer has a PASID an address is the program's own: then the piece
 * is all of it, and the copy says what the program may do there (SVA-6).
 *
 * These run in a model's call, so under the device's lock: the bus master bit
 * and the statistics are stable. The address space is not under the lock:
 * attach() exchanges it, and waits for the section.
 */
#include <errno.h>

#include "base/grace.h"
#include "pci/function.h"
#include "space/move.h"

struct access {
	struct ioas_device *dev;
	uint64_t iova, bytes;
	unsigned int perm;
	const struct ioas_issuer *issuer;
};

static void count_access(struct ioas_device *dev, const struct access *a)
{
	struct ioas_device_stats *s = &dev->stats;

	if (a->perm & IOAS_READ) {
		ioas_count_locked(&s->dma_reads, 1);
		ioas_count_locked(&s->dma_read_bytes, a->bytes);
	}
	if (a->perm & IOAS_WRITE) {
		ioas_count_locked(&s->dma_writes, 1);
		ioas_count_locked(&s->dma_written_bytes, a->bytes);
	}
}

static struct ioas_space *space_of(const struct ioas_device *dev)
{
	/* Pairs with the exchange in ioas_device_attach(). */
	return ioas_aptr_load(&dev->space);
}

static uint32_t pasid_of(const struct access *a)
{
	return a->issuer ? a->issuer->pasid : IOAS_NO_PASID;
}

/* In the section: the space is named. @done bytes went well. */
static int refuse(const struct access *a, uint64_t done, enum ioas_fault fault)
{
	struct ioas_refusal refusal = {
		.dev = a->dev,
		.space = pasid_of(a) ? NULL : space_of(a->dev),
		.iova = a->iova,
		.bytes = a->bytes,
		.done = done,
		.perm = a->perm,
		.fault = fault,
		.issuer = a->issuer,
	};

	return ioas_dma_refuse(&refusal);
}

/* Faults that do not depend on what is mapped. */
static enum ioas_fault check(const struct access *a)
{
	if (!ioas_config_bus_master_locked(a->dev))
		return IOAS_FAULT_NO_MASTER;
	if (ioas_pe_stops(a->dev->pe, IOAS_PE_DMA,
	                  a->perm & IOAS_WRITE ? IOAS_PE_DMA_WRITE
	                                       : IOAS_PE_DMA_READ,
	                  a->iova))
		return IOAS_FAULT_FROZEN;
	if (a->bytes && a->bytes - 1 > UINT64_MAX - a->iova)
		return IOAS_FAULT_APERTURE;
	return IOAS_FAULT_NONE;
}

static enum ioas_fault piece_at(const struct access *a, uint64_t done,
                                struct ioas_translation *ret_piece)
{
	const struct ioas_space *space = space_of(a->dev);
	struct iova at = {a->iova + done};

	if (pasid_of(a)) {
		*ret_piece = (struct ioas_translation){
			.pointer = (void *)(uintptr_t)at.raw,
			.bytes = a->bytes - done};
		return ioas_pasid_check(a->dev, pasid_of(a), at.raw,
		                        ret_piece->bytes);
	}

	if (!space)
		return IOAS_FAULT_NO_SPACE;
	return ioas_space_access(space, at, a->bytes - done, a->perm,
	                         ret_piece);
}

/* What cannot be copied may be the registers of another device. */
static enum ioas_fault copy_piece(const struct access *a,
                                  const struct ioas_translation *piece,
                                  char *mine)
{
	bool store = a->perm & IOAS_WRITE;
	int err = store ? ioas_hooks.copy(piece->pointer, mine, piece->bytes)
	                : ioas_hooks.copy(mine, piece->pointer, piece->bytes);

	if (err && pasid_of(a))
		return IOAS_FAULT_PROCESS;
	if (err)
		err = ioas_hooks.peer(a->dev, piece->pointer, mine,
		                      piece->bytes, store);
	if (err == -EIO)
		return IOAS_FAULT_PEER;
	return err ? IOAS_FAULT_GONE : IOAS_FAULT_NONE;
}

/* Memory that the program has; messages are none. */
static void written(const struct access *a, uint64_t done, uint64_t bytes)
{
	if (a->perm & IOAS_WRITE && !pasid_of(a))
		ioas_log_mark_locked(a->dev, a->iova + done, bytes);
}

/* What is left of a write met a doorbell. Of reads there is no message. */
static bool is_message(const struct access *a, uint64_t done,
                       const struct ioas_translation *piece, const void *mine)
{
	const struct ioas_arrival arrival = {
		.iova = a->iova + done,
		.bytes = a->bytes - done,
		.at = piece->doorbell,
		.data = mine,
		.issuer = a->issuer,
	};

	return a->perm == IOAS_WRITE && ioas_message_arrives(a->dev, &arrival);
}

/*
 * Pages that are just being moved fault as if they had gone: then their piece
 * is found and copied again. No more was seen of it than a part of the bytes.
 * @mine is not written when the device writes to memory.
 */
static int copy_pieces(const struct access *a, char *mine)
{
	enum ioas_fault fault = check(a);
	struct ioas_translation piece;
	uint64_t done = 0;

	while (!fault && done < a->bytes) {
		uint32_t moves = ioas_moves_now();

		fault = piece_at(a, done, &piece);
		if (!fault)
			fault = copy_piece(a, &piece, mine + done);
		if (!fault)
			written(a, done, piece.bytes);
		else if (fault == IOAS_FAULT_DOORBELL &&
		         is_message(a, done, &piece, mine + done))
			fault = IOAS_FAULT_NONE;
		if (!fault)
			done += piece.bytes;
		else if (fault == IOAS_FAULT_GONE && ioas_moves_since(moves))
			fault = IOAS_FAULT_NONE;
	}
	if (fault)
		return refuse(a, done, fault);
	count_access(a->dev, a);
	return 0;
}

static int transfer(const struct access *a, char *mine)
{
	int err;

	if (!a->bytes)
		return 0;
	ioas_grace_enter(IOAS_GRACE_DMA);
	err = copy_pieces(a, mine);
	ioas_grace_leave(IOAS_GRACE_DMA);
	return err;
}

int ioas_dma_read(struct ioas_device *dev, uint64_t iova, void *buffer,
                  size_t bytes, const struct ioas_issuer *issuer)
{
	struct access a = {dev, iova, bytes, IOAS_READ, issuer};

	return transfer(&a, buffer);
}

int ioas_dma_write(struct ioas_device *dev, uint64_t iova, const void *buffer,
                   size_t bytes, const struct ioas_issuer *issuer)
{
	struct access a = {dev, iova, bytes, IOAS_WRITE, issuer};

	/* Read only: see copy_pieces(). */
	return transfer(&a, (char *)(uintptr_t)buffer);
}

/* ---- From memory to memory ---- */

struct copying {
	struct access from, to;
	uint64_t done;
	const struct access *blamed; /* whose access is refused */
};

/* Bytes that go through memory of ours at once, where they have to. */
#define BOUNCE 512

static bool overlap(const char *a, const char *b, uint64_t bytes)
{
	return a < b ? (uint64_t)(b - a) < bytes : (uint64_t)(a - b) < bytes;
}

/* A piece which is not plain memory on both sides: find out what it is. */
static enum ioas_fault copy_slowly(struct copying *c, char *to, char *from,
                                   uint64_t bytes)
{
	struct ioas_translation in = {.pointer = from}, out = {.pointer = to};
	enum ioas_fault fault = IOAS_FAULT_NONE;
	char mine[BOUNCE];

	while (bytes && !fault) {
		in.bytes = bytes < BOUNCE ? bytes : BOUNCE;
		out.bytes = in.bytes;
		c->blamed = &c->from;
		fault = copy_piece(&c->from, &in, mine);
		if (fault)
			break;
		c->blamed = &c->to;
		fault = copy_piece(&c->to, &out, mine);
		if (fault)
			break;
		in.pointer = (char *)in.pointer + in.bytes;
		out.pointer = (char *)out.pointer + in.bytes;
		written(&c->to, c->done, in.bytes);
		c->done += in.bytes;
		bytes -= in.bytes;
	}
	return fault;
}

/* The destination is a doorbell: the last four bytes may be a message. */
static enum ioas_fault copy_message(struct copying *c,
                                    const struct ioas_translation *in,
                                    const struct ioas_translation *out)
{
	enum ioas_fault fault;
	uint32_t data;

	if (in->bytes != sizeof(data))
		return IOAS_FAULT_DOORBELL;
	c->blamed = &c->from;
	fault = copy_piece(&c->from, in, (char *)&data);
	if (fault)
		return fault;
	c->blamed = &c->to;
	if (!is_message(&c->to, c->done, out, &data))
		return IOAS_FAULT_DOORBELL;
	c->done += sizeof(data);
	return IOAS_FAULT_NONE;
}

static enum ioas_fault copy_next(struct copying *c)
{
	struct ioas_translation in, out;
	enum ioas_fault fault;
	uint64_t bytes;

	c->blamed = &c->from;
	fault = piece_at(&c->from, c->done, &in);
	if (fault)
		return fault;
	c->blamed = &c->to;
	fault = piece_at(&c->to, c->done, &out);
	if (fault == IOAS_FAULT_DOORBELL)
		return copy_message(c, &in, &out);
	if (fault)
		return fault;
	bytes = in.bytes < out.bytes ? in.bytes : out.bytes;
	if (overlap(in.pointer, out.pointer, bytes) ||
	    ioas_hooks.copy(out.pointer, in.pointer, bytes))
		return copy_slowly(c, out.pointer, in.pointer, bytes);
	written(&c->to, c->done, bytes);
	c->done += bytes;
	return IOAS_FAULT_NONE;
}

/* Bytes before the fault are copied; what is being moved is tried again. */
static int copy_all(struct copying *c)
{
	enum ioas_fault fault;

	c->blamed = &c->from;
	fault = check(&c->from);
	if (!fault) {
		c->blamed = &c->to;
		fault = check(&c->to);
	}
	while (!fault && c->done < c->from.bytes) {
		uint32_t moves = ioas_moves_now();

		fault = copy_next(c);
		if (fault == IOAS_FAULT_GONE && ioas_moves_since(moves))
			fault = IOAS_FAULT_NONE;
	}
	if (fault) {
		(void)refuse(c->blamed, c->done, fault);
		return c->blamed == &c->from ? -EFAULT : -EACCES;
	}
	count_access(c->from.dev, &c->from);
	count_access(c->to.dev, &c->to);
	return 0;
}

int ioas_dma_copy(struct ioas_device *dev, const struct ioas_copy *copy)
{
	struct copying c = {
		.from = {dev, copy->source, copy->bytes, IOAS_READ,
	                 copy->reads},
		.to = {dev, copy->destination, copy->bytes, IOAS_WRITE,
	               copy->writes},
	};
	int err;

	ioas_grace_enter(IOAS_GRACE_DMA);
	err = copy->bytes ? copy_all(&c) : 0;
	ioas_grace_leave(IOAS_GRACE_DMA);
	return err;
}

/* ---- Pointers for the files of stores ---- */

void ioas_dma_begin(struct ioas_device *dev)
{
	ioas_grace_enter(IOAS_GRACE_DMA);
	dev->moves = ioas_moves_now();
}

void ioas_dma_end(struct ioas_device *dev)
{
	ioas_grace_leave(IOAS_GRACE_DMA);
}

bool ioas_dma_moved(struct ioas_device *dev)
{
	return ioas_moves_since(dev->moves);
}

struct list {
	struct ioas_segment *segment;
	unsigned int count, max;
};

static int append(struct list *list, const struct ioas_translation *piece)
{
	struct ioas_segment *last = list->segment + list->count - 1;

	if (list->count && (char *)last->base + last->bytes == piece->pointer) {
		last->bytes += piece->bytes;
		return 0;
	}
	if (list->count == list->max)
		return -E2BIG;
	list->segment[list->count++] =
		(struct ioas_segment){piece->pointer, piece->bytes};
	return 0;
}

static int collect(const struct access *a, struct list *list)
{
	enum ioas_fault fault = check(a);
	struct ioas_translation piece;
	uint64_t done = 0;

	while (!fault && done < a->bytes) {
		fault = piece_at(a, done, &piece);
		if (fault)
			break;
		if (append(list, &piece))
			return -E2BIG;
		done += piece.bytes;
	}
	if (fault)
		return refuse(a, done, fault);
	/* Who asks for pointers to write to does so before the lock goes. */
	written(a, 0, a->bytes);
	count_access(a->dev, a);
	return 0;
}

/* check-style: the public call has this shape: a list with its room. */
int ioas_dma_segments(struct ioas_device *dev, uint64_t iova, uint64_t bytes,
                      unsigned int perm, struct ioas_segment *segment,
                      unsigned int *count, unsigned int max,
                      const struct ioas_issuer *issuer)
{
	struct access a = {dev, iova, bytes, perm, issuer};
	struct list list = {segment, *count, max};
	size_t joined = *count ? segment[*count - 1].bytes : 0;
	int err = collect(&a, &list);

	if (!err)
		*count = list.count;
	else if (*count)
		segment[*count - 1].bytes = joined;
	return err;
}

void ioas_dma_gone(struct ioas_device *dev, uint64_t iova, uint64_t bytes,
                   unsigned int perm, const struct ioas_issuer *issuer)
{
	struct access a = {dev, iova, bytes, perm, issuer};

	/* The section keeps the space that is named. */
	ioas_grace_enter(IOAS_GRACE_DMA);
	(void)refuse(&a, 0,
	             pasid_of(&a) ? IOAS_FAULT_PROCESS : IOAS_FAULT_GONE);
	ioas_grace_leave(IOAS_GRACE_DMA);
}
