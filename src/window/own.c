/* SPDX-License-Identifier: MIT */
/*
 * Memory of a set without a registry: pinned for the first entry that leads to
 * a page, unpinned after the last. The set has registries of its own for that,
 * one for what devices only read and one for what they write, each page a
 * region. Nobody else has them, and all of it is under the set's lock.
 */
#include "window/set.h"

static int create_one(struct ioas_windows *ws, unsigned int i,
                      const struct ioas_backend *backend)
{
	const struct ioas_registry_config config = {
		.backend = backend,
		.no_shadow = true,
		.moved = ioas_windows_moved,
	};
	int rc = ioas_registry_create(&config, &ws->own[i]);

	return rc ? rc : ioas_holder_create(ws->own[i], &ws->holder[i]);
}

int ioas_own_create(struct ioas_windows *ws, const struct ioas_backend *backend)
{
	int rc = create_one(ws, 0, backend);

	return rc ? rc : create_one(ws, 1, backend);
}

void ioas_own_destroy(struct ioas_windows *ws)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(ws->own); i++) {
		ioas_holder_destroy(ws->holder[i]);
		ioas_registry_destroy(ws->own[i], NULL);
	}
}

static unsigned int which(const struct ioas_windows *ws, unsigned int perm)
{
	return ioas_windows_registry(ws, perm) == ws->own[1];
}

/* The program's pages around an I/O page; they are one region. */
static int pin(struct ioas_windows *ws, const struct ioas_mapping *what)
{
	unsigned int i = which(ws, what->perm);
	uint64_t mask = ioas_mask_lg2(ws->own[i]->pinner.page_shift);
	struct ioas_register page = {
		.start = what->start & ~mask,
		.perm = i ? IOAS_READ | IOAS_WRITE : IOAS_READ,
	};
	int rc;

	page.length =
		((what->start + (what->length - 1)) | mask) + 1 - page.start;
	rc = ioas_holder_register(ws->holder[i], &page, NULL);
	return rc == -EBUSY ? -EAGAIN : rc;
}

/* Unless another entry leads there: then it stays. */
static void unpin(struct ioas_windows *ws, struct ioas_member *m)
{
	const struct ioas_unregister what = {
		.start = m->region.start.raw,
		.length = m->region.length,
		.mode = IOAS_UNREGISTER_REFUSE,
	};

	(void)!ioas_holder_unregister(ws->holder[m->registry == ws->own[1]],
	                              &what);
}

int ioas_own_get(struct ioas_windows *ws, const struct ioas_mapping *what)
{
	struct ioas_registry *registry = ioas_windows_registry(ws, what->perm);
	struct ioas_mapped got;
	int rc = ioas_registry_get(registry, what, &got);

	if (rc != -EFAULT && rc != -ENXIO)
		return rc;
	rc = pin(ws, what);
	/* At the end of all addresses Linux finds nothing to pin. */
	if (rc == -EINVAL && ioas_windows_quirk(ws, IOAS_QUIRK_MAP_PAST_END))
		rc = -EFAULT;
	if (rc)
		return rc;
	rc = ioas_registry_get(registry, what, &got);
	if (rc)
		unpin(ws, ioas_member_at(registry, what->start));
	return rc;
}

void ioas_own_put(struct ioas_windows *ws, struct ioas_region *region,
                  uint64_t n)
{
	ioas_region_put(region, n);
	unpin(ws, ioas_member_of(region));
}
