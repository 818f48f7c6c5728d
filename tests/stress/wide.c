/* SPDX-License-Identifier: MIT */
/*
 * As much as anybody has: 100 GiB of addresses in 65,536 regions, registered,
 * looked up and released, on two back ends.
 *
 *	pieces    an embedder's: no memory is behind the addresses, and each
 *	          region is five runs in reverse order
 *	identity  ours, on one file that is mapped over and over: not every
 *	          kernel shares a page of zeroes
 *
 * wide [--no-shadow]. How long it takes is printed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <ioas/mem.h>

#include "host/host.h"

#define REGIONS 65536u
#define TOTAL   (UINT64_C(100) << 30)
#define LENGTH  (TOTAL / REGIONS)
#define RUNS    5 /* whole pages, also where these are of 64 KiB */

static struct {
	uint64_t base;
	unsigned int shift, perm;
	struct ioas_registry *registry;
	struct ioas_holder *holder;
	uint64_t charged, unpinned; /* npages */
} w;

static _Noreturn void wrong(const char *what, unsigned int i, long is)
{
	printf("%s: region %u: %ld\n", what, i, is);
	exit(1);
}

static void must(const char *what, unsigned int i, long rc)
{
	if (rc)
		wrong(what, i, rc);
}

static void want(const char *what, unsigned int i, bool holds)
{
	if (!holds)
		wrong(what, i, 0);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t start_of(unsigned int i)
{
	return w.base + i * LENGTH;
}

/* Every region once, in an order that has none. */
static unsigned int shuffled(unsigned int i)
{
	return i * 40503u % REGIONS;
}

/* ---- Back ends, and whose the frames are. ---- */

static uint64_t piece_of(uint64_t uaddr)
{
	const uint64_t run = LENGTH / RUNS;
	uint64_t offset = uaddr - w.base;
	uint64_t region = offset / LENGTH, inside = offset % LENGTH;

	return (UINT64_C(1) << 44) + region * LENGTH +
	       (RUNS - 1 - inside / run) * run + inside % run;
}

static int pin_pieces(const struct ioas_backend *self,
                      const struct ioas_pin *pin,
                      struct ioas_extent *ret_extents, unsigned int max)
{
	const uint64_t run = LENGTH / RUNS;
	unsigned int i;

	for (i = 0; i < RUNS; i++)
		ret_extents[i] = (struct ioas_extent){
			piece_of(pin->start + i * run), run >> w.shift};
	return RUNS;
}

static void unpin_pieces(const struct ioas_backend *self,
                         const struct ioas_pin *pin, uint64_t phys, bool dirty)
{
	want("unpinned as it was pinned", 0, phys == piece_of(pin->start));
	w.unpinned += pin->npages;
}

static uint64_t itself(uint64_t uaddr)
{
	return uaddr;
}

static int charge(struct ioas_accountant *self, uint64_t npages)
{
	w.charged += npages;
	return 0;
}

static void uncharge(struct ioas_accountant *self, uint64_t npages)
{
	w.charged -= npages;
}

/* ---- What is done. ---- */

static bool is_nowhere(uint64_t uaddr)
{
	return ioas_registry_translate(w.registry, uaddr, IOAS_READ) ==
	       IOAS_MEM_NONE;
}

/* Is there room for a table that has an entry for each page? */
static bool may_have_shadow(void)
{
	struct rlimit limit = {0, 0};

	getrlimit(RLIMIT_AS, &limit);
	return limit.rlim_cur == RLIM_INFINITY;
}

static void register_all(void)
{
	struct ioas_register what = {.length = LENGTH, .perm = w.perm};
	unsigned int i;

	for (i = 0; i < REGIONS; i++) {
		what.start = start_of(shuffled(i));
		must("register", i,
		     ioas_holder_register(w.holder, &what, NULL));
	}
}

/* At its ends and in each of its runs, for all ways to look. */
static void look_at(unsigned int i, uint64_t (*frame_of)(uint64_t uaddr))
{
	struct ioas_mapping map = {.start = start_of(i),
	                           .length = LENGTH,
	                           .counts = LENGTH >> w.shift,
	                           .perm = w.perm};
	uint64_t uaddr[2 * RUNS], phys[2 * RUNS], run = LENGTH / RUNS;
	struct ioas_mem_batch batch = {uaddr, phys, 2 * RUNS, IOAS_READ};
	struct ioas_region_info info;
	struct ioas_mapped mapped;
	unsigned int k;

	for (k = 0; k < RUNS; k++) {
		uaddr[2 * k] = start_of(i) + k * run;
		uaddr[2 * k + 1] = uaddr[2 * k] + run - 1;
	}
	want("batch", i,
	     ioas_registry_translate_batch(w.registry, &batch) == 2 * RUNS);
	for (k = 0; k < 2 * RUNS; k++) {
		want("translate", i, phys[k] == frame_of(uaddr[k]));
		want("each", i,
		     ioas_registry_translate(w.registry, uaddr[k], w.perm) ==
		             phys[k]);
	}
	must("find", i,
	     ioas_registry_find(w.registry, start_of(i), LENGTH, &info));
	want("exact", i, info.start == start_of(i) && info.length == LENGTH);
	must("get", i, ioas_registry_get(w.registry, &map, &mapped));
	want("phys", i, mapped.phys == frame_of(map.start));
	ioas_region_put(mapped.region, map.counts);
}

static void look_at_all(uint64_t (*frame_of)(uint64_t uaddr))
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++)
		look_at(shuffled(i), frame_of);
	want("nothing before", 0, is_nowhere(w.base - 1));
	want("nothing behind", 0, is_nowhere(w.base + TOTAL));
}

static void unregister_all(void)
{
	struct ioas_unregister what = {.length = LENGTH};
	unsigned int i;

	for (i = 0; i < REGIONS; i++) {
		what.start = start_of(shuffled(REGIONS - 1 - i));
		must("unregister", i, ioas_holder_unregister(w.holder, &what));
		want("gone", i, is_nowhere(what.start));
		want("to its end", i, is_nowhere(what.start + LENGTH - 1));
	}
}

static void check_report(uint64_t regions)
{
	struct ioas_registry_report report;

	ioas_registry_settle(w.registry);
	ioas_registry_inspect(w.registry, &report);
	want("regions", 0, report.regions == regions);
	want("charged", 0,
	     report.charged == regions * (LENGTH >> w.shift) &&
	             report.charged == w.charged);
	want("pinned", 0, report.pinned == report.charged);
	want("counts", 0, report.counts == 0);
}

static void run(const char *name, const struct ioas_registry_config *config,
                uint64_t (*frame_of)(uint64_t uaddr))
{
	double t0 = seconds(), t1, t2, t3;
	bool tree;

	w.charged = w.unpinned = 0;
	must("registry", 0, ioas_registry_create(config, &w.registry));
	must("holder", 0, ioas_holder_create(w.registry, &w.holder));
	tree = !ioas_registry_view(w.registry)->shadow;
	want("the table that is to be tried", 0,
	     tree == (config->no_shadow || !may_have_shadow()));
	register_all();
	t1 = seconds();
	check_report(REGIONS);
	look_at_all(frame_of);
	t2 = seconds();
	unregister_all();
	check_report(0);
	t3 = seconds();
	ioas_holder_destroy(w.holder);
	ioas_registry_destroy(w.registry, NULL);
	printf("%-8s %-6s  %.2f s to register, %.2f s to look up, %.2f s to "
	       "release\n",
	       name, tree ? "tree" : "shadow", t1 - t0, t2 - t1, t3 - t2);
}

/* ---- Memory. ---- */

#define FILE_SIZE (UINT64_C(128) << 20)

/* False: there are no such addresses. */
static bool make_memory(void)
{
	int fd = memfd_create("wide", MFD_CLOEXEC);
	uint64_t at;
	void *area;

	must("memory", 0, fd < 0 || ftruncate(fd, FILE_SIZE));
	area = mmap(NULL, TOTAL, PROT_NONE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return false;
	w.base = (uintptr_t)area;
	for (at = 0; at < TOTAL; at += FILE_SIZE)
		must("map", (unsigned int)(at / LENGTH),
		     mmap((char *)area + at, FILE_SIZE, PROT_READ,
		          MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED);
	close(fd);
	return true;
}

int main(int argc, char **argv)
{
	static const struct ioas_backend pieces = {
		.name = "pieces", .pin = pin_pieces, .unpin = unpin_pieces};
	static struct ioas_accountant accountant = {.charge = charge,
	                                            .uncharge = uncharge};
	struct ioas_registry_config config = {.accountant = &accountant};

	ioas_host_hooks(&ioas_hooks);
	w.shift = ioas_hooks.page_shift;
	config.no_shadow = argc > 1 && !strcmp(argv[1], "--no-shadow");

	config.backend = &pieces;
	w.base = UINT64_C(1) << 40;
	w.perm = IOAS_READ | IOAS_WRITE;
	run("pieces", &config, piece_of);
	want("all was unpinned", 0, w.unpinned == TOTAL >> w.shift);

	config.backend = NULL;
	w.perm = IOAS_READ;
	if (make_memory()) {
		run("identity", &config, itself);
		munmap((void *)(uintptr_t)w.base, TOTAL);
	} else {
		puts("identity: 100 GiB of addresses are not allowed here");
	}
	puts("[  PASSED  ] 1 test(s).");
	return 0;
}
