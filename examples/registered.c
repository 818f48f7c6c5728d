/* SPDX-License-Identifier: MIT */
/*
 * A buffer is registered, as for a device that does DMA to it; then addresses
 * in it are translated, one by one and many at once, and it is given back.
 *
 *	cc registered.c $(pkg-config --cflags --libs ioas)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/mem.h>

#define BYTES (1u << 20)
#define MANY  64

static void check(const char *what, int error)
{
	if (error) {
		fprintf(stderr, "%s: %s\n", what, strerror(-error));
		exit(1);
	}
}

static void translate(struct ioas_registry *registry, const char *buffer)
{
	const struct ioas_mem_view *view = ioas_registry_view(registry);
	uint64_t uaddr[MANY], phys[MANY], one;
	struct ioas_mem_batch batch = {uaddr, phys, MANY, IOAS_READ};
	unsigned int i;

	for (i = 0; i < MANY; i++)
		uaddr[i] = (uintptr_t)buffer + i * (BYTES / MANY);
	/* A load; what it finds is good until the section ends. */
	ioas_mem_enter();
	one = ioas_mem_translate(view, uaddr[1], IOAS_READ);
	printf("1 is at %s\n", one == uaddr[1] ? "itself" : "another");
	printf("%zu of %d translated\n",
	       ioas_registry_translate_batch(registry, &batch), MANY);
	ioas_mem_leave();
}

int main(void)
{
	struct ioas_register what = {.length = BYTES,
	                             .perm = IOAS_READ | IOAS_WRITE};
	struct ioas_unregister gone = {.length = BYTES};
	struct ioas_mapping map = {.length = BYTES, .counts = 1, .perm = 1};
	struct ioas_registry_report left;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	struct ioas_mapped mapped;
	char *buffer = aligned_alloc(1u << 16, BYTES);

	what.start = gone.start = map.start = (uintptr_t)buffer;
	ioas_begin();
	check("registry", ioas_registry_create(NULL, &registry));
	check("holder", ioas_holder_create(registry, &holder));
	check("register", ioas_holder_register(holder, &what, NULL));
	translate(registry, buffer);

	/* What is mapped cannot be unregistered. */
	check("get", ioas_registry_get(registry, &map, &mapped));
	printf("unregister, mapped: %s\n",
	       strerror(-ioas_holder_unregister(holder, &gone)));
	ioas_region_put(mapped.region, 1);
	check("unregister", ioas_holder_unregister(holder, &gone));

	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, &left);
	printf("left: %" PRIu64 " regions\n", left.regions);
	free(buffer);
	return left.regions != 0;
}
