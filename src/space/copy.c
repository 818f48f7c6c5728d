/* SPDX-License-Identifier: MIT */
/* A device without a bus: what it reads and writes is found, and copied. */
#include <errno.h>

#include "base/grace.h"
#include "base/hooks.h"
#include "space/move.h"

/* Memory that is just being moved is found and copied again. */
static int copy_pieces(const struct ioas_space *space, struct iova at,
                       char *mine, size_t length, unsigned int perm)
{
	struct ioas_translation piece;
	size_t done = 0;

	while (done < length) {
		struct iova here = {at.raw + done};
		uint32_t moves = ioas_moves_now();
		int err = ioas_space_access(space, here, length - done, perm,
		                            &piece);

		if (err)
			return err == IOAS_FAULT_GONE && ioas_moves_since(moves)
			               ? -EAGAIN
			               : -EFAULT;
		err = perm == IOAS_WRITE
		              ? ioas_hooks.copy(piece.pointer, mine + done,
		                                piece.bytes)
		              : ioas_hooks.copy(mine + done, piece.pointer,
		                                piece.bytes);
		if (err && !ioas_moves_since(moves))
			return -EFAULT;
		done += err ? 0 : piece.bytes;
	}
	return 0;
}

int ioas_space_copy(const struct ioas_space *space, struct iova at, char *mine,
                    size_t length, unsigned int perm)
{
	int rc;

	if (length && at.raw + (length - 1) < at.raw)
		return -EFAULT;
	do {
		ioas_grace_enter(IOAS_GRACE_DMA);
		rc = copy_pieces(space, at, mine, length, perm);
		ioas_grace_leave(IOAS_GRACE_DMA);
	} while (rc == -EAGAIN);
	return rc;
}
