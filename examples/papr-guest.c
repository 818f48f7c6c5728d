/* SPDX-License-Identifier: MIT */
/*
 * A guest of a POWER hypervisor, played by this program, asks for a 64-bit
 * window through RTAS and maps all its memory there by hypercalls. Then a
 * device copies from one end of the guest's memory to the other, by bus
 * addresses of that window, without another call.
 *
 *	cc papr-guest.c $(pkg-config --cflags --libs ioas)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/mem.h>
#include <ioas/papr.h>

#define BYTES (16u << 20) /* of the guest's memory */
#define PAGE  16          /* lg2: of the window */
#define PAGES (BYTES >> PAGE)
#define BUID  1
#define LIOBN 0x80000000u
#define RTAS  (2 << 20) /* where the guest has its blocks, and its lists */
#define LIST  (3 << 20)

static struct ioas_papr *papr;
static unsigned char *ram; /* the guest's, from its address 0 */

static void check(const char *what, int64_t error)
{
	if (error) {
		fprintf(stderr, "%s: %" PRId64 "\n", what, error);
		exit(1);
	}
}

/* ---- The hypervisor ---- */

static int show(struct ioas_window_group *group,
                const struct ioas_window_program *program)
{
	printf("devices see a window at 0x%" PRIx64 "\n", program->start);
	return 0;
}

static void hide(struct ioas_window_group *group, unsigned int slot)
{
	printf("slot %u is empty\n", slot);
}

static struct ioas_windows *windows_of(struct ioas_registry *registry)
{
	static const struct ioas_window_group_ops ops = {show, hide};
	static struct ioas_window_group group = {.ops = &ops};
	struct ioas_windows_config config = {
		.platform = ioas_platform_find("power9"),
		.registry = registry,
	};
	struct ioas_windows *windows;

	check("windows", ioas_windows_create(&config, &windows));
	check("attach", ioas_windows_attach(windows, &group));
	return windows;
}

static void begin_guest(struct ioas_windows *windows)
{
	/* As the guest's device tree tells: query, create, remove, reset. */
	struct ioas_papr_config config = {{1, 2, 3, 4}};
	struct ioas_papr_bridge_config bridge = {
		.windows = windows, .buid = BUID, .liobn = LIOBN};
	struct ioas_papr_memory memory = {0, (uintptr_t)ram, BYTES};
	struct ioas_papr_bridge *ours;

	check("guest", ioas_papr_create(&config, &papr));
	check("memory", ioas_papr_add_memory(papr, &memory));
	check("bridge", ioas_papr_bridge_create(papr, &bridge, &ours));
}

/* ---- The guest ---- */

static void store(unsigned int at, uint64_t value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		ram[at + bytes] = (unsigned char)value;
}

static uint32_t load(unsigned int at)
{
	return (uint32_t)ram[at] << 24 | (uint32_t)ram[at + 1] << 16 |
	       (uint32_t)ram[at + 2] << 8 | ram[at + 3];
}

/* ibm,create-pe-dma-window: pages of 2^PAGE, as much as there is memory. */
static uint64_t create_window(uint32_t *ret_liobn)
{
	static const uint32_t block[] = {2, 5, 4, 0, 0, BUID, PAGE, 24};
	unsigned int i, rets = RTAS + sizeof(block);

	for (i = 0; i < sizeof(block) / 4; i++)
		store(RTAS + 4 * i, block[i], 4);
	check("rtas", ioas_papr_rtas(papr, RTAS));
	check("status", (int32_t)load(rets));
	*ret_liobn = load(rets + 4);
	return (uint64_t)load(rets + 8) << 32 | load(rets + 12);
}

static void map_all(uint32_t liobn, uint64_t start)
{
	struct ioas_hypercall call = {
		.number = IOAS_H_PUT_TCE_INDIRECT,
		.arg = {liobn, start, LIST, PAGES},
		.may_sleep = true,
	};
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		store(LIST + 8 * i,
		      (uint64_t)i << PAGE | IOAS_READ | IOAS_WRITE, 8);
	check("map", ioas_papr_hypercall(papr, &call));
	printf("%u pages are mapped by one call\n", PAGES);
}

/* ---- A device of it ---- */

static void copy(struct ioas_windows *windows, uint64_t from, uint64_t to)
{
	char buffer[32];

	check("read", ioas_windows_read(windows, from, buffer, sizeof(buffer)));
	check("write", ioas_windows_write(windows, to, buffer, sizeof(buffer)));
}

int main(void)
{
	struct ioas_registry_config config = {.moved = ioas_windows_moved};
	struct ioas_register what = {.length = BYTES,
	                             .perm = IOAS_READ | IOAS_WRITE};
	struct ioas_registry *registry;
	struct ioas_windows *windows;
	struct ioas_holder *holder;
	uint64_t start;
	uint32_t liobn;

	ram = aligned_alloc(1u << PAGE, BYTES);
	memset(ram, 0, BYTES);
	what.start = (uintptr_t)ram;
	ioas_begin();
	check("registry", ioas_registry_create(&config, &registry));
	check("holder", ioas_holder_create(registry, &holder));
	check("register", ioas_holder_register(holder, &what, NULL));
	windows = windows_of(registry);
	begin_guest(windows);

	start = create_window(&liobn);
	printf("LIOBN 0x%" PRIx32 " is at 0x%" PRIx64 "\n", liobn, start);
	map_all(liobn, start);
	strcpy((char *)ram, "what the guest wrote");
	copy(windows, start, start + BYTES - 32);
	printf("the device copied: %s\n", (char *)ram + BYTES - 32);
	check("data", memcmp(ram, ram + BYTES - 32, 32));

	ioas_papr_destroy(papr);
	ioas_windows_destroy(windows);
	ioas_holder_destroy(holder);
	ioas_registry_destroy(registry, NULL);
	free(ram);
	return 0;
}
