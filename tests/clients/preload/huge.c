/* SPDX-License-Identifier: MIT */
/* Memory in huge pages that are pretended. */
#include "client.h"

#define HUGE_BYTES (2ul << 20)
#define POOL       "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define NODE       "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/"

#define GIANT_BYTES (1ul << 30)

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#define MAP_HUGE_1GB (30 << 26)
#define MAP_HUGE_1MB (20 << 26)
#define MFD_HUGE_2MB (21u << 26)
#define MFD_HUGE_1GB (30u << 26)
#define MFD_HUGE_1MB (20u << 26)
#endif

#define ANY (PROT_READ | PROT_WRITE)
#define OWN (MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB)

static long number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) > 1 && !close(fd));
	return atol(text);
}

static void the_pool_is_shown(void)
{
	CHECK(number(POOL "nr_hugepages") == 1024);
	CHECK(number(POOL "free_hugepages") == 1024);
	CHECK(number(NODE "nr_hugepages") == 1024);
	CHECK(number(POOL "surplus_hugepages") == 0);
	FAILS(access("/sys/kernel/mm/hugepages/hugepages-1048576kB", F_OK),
	      ENOENT);
}

static void is_usable(char *at, size_t bytes)
{
	CHECK(at != MAP_FAILED && (uintptr_t)at % HUGE_BYTES == 0);
	memset(at, 7, bytes);
	CHECK(at[bytes - 1] == 7 && !munmap(at, bytes));
}

static void anonymous_memory_is_aligned_and_whole(void)
{
	char *at = mmap(NULL, HUGE_BYTES, ANY, OWN, -1, 0);

	is_usable(at, HUGE_BYTES);
	/* A part of a page is a page. */
	is_usable(mmap(NULL, 4096, ANY, OWN | MAP_HUGE_2MB, -1, 0), HUGE_BYTES);
	is_usable(mmap64(NULL, 3 * HUGE_BYTES, ANY, OWN, -1, 0),
	          3 * HUGE_BYTES);
	CHECK(mmap(at, HUGE_BYTES, ANY, OWN | MAP_FIXED, -1, 0) == at);
	is_usable(at, HUGE_BYTES);
	FAILS(mmap(at + 4096, HUGE_BYTES, ANY, OWN | MAP_FIXED, -1, 0), EINVAL);
	FAILS(mmap(NULL, 1ul << 20, ANY, OWN | MAP_HUGE_1MB, -1, 0), ENOMEM);
	FAILS(mmap(NULL, 0, ANY, OWN, -1, 0), EINVAL);
	FAILS(mmap(NULL, -4096ul, ANY, OWN, -1, 0), ENOMEM);
	/* Ordinary memory is as it was. */
	CHECK(mmap(NULL, 4096, ANY, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	      MAP_FAILED);
}

static void files_of_memory_are_aligned_and_shared(void)
{
	int fd = memfd_create("pool", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);
	char *a, *b;

	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(!ftruncate(fd, 2 * HUGE_BYTES));
	a = mmap(NULL, 2 * HUGE_BYTES, ANY, MAP_SHARED, fd, 0);
	b = mmap(NULL, HUGE_BYTES, ANY, MAP_SHARED, dup(fd), HUGE_BYTES);
	CHECK(a != MAP_FAILED && b != MAP_FAILED && a != b);
	CHECK((uintptr_t)a % HUGE_BYTES == 0 && (uintptr_t)b % HUGE_BYTES == 0);
	a[HUGE_BYTES + 5] = 9;
	CHECK(b[5] == 9);
	FAILS(mmap(NULL, HUGE_BYTES, ANY, MAP_SHARED, fd, 1), EINVAL);
	FAILS(memfd_create("odd", MFD_HUGETLB | MFD_HUGE_1MB), ENODEV);
	CHECK(memfd_create("small", 0) >= 0);
}

/* Who asks for pages of 1 GiB gets them; only what is touched is used. */
static void giant_pages_are_aligned(void)
{
	int fd = memfd_create("giant", MFD_HUGETLB | MFD_HUGE_1GB);
	char *at = mmap(NULL, 1, ANY, OWN | MAP_HUGE_1GB, -1, 0);

	CHECK(at != MAP_FAILED && (uintptr_t)at % GIANT_BYTES == 0);
	at[GIANT_BYTES - 1] = 7;
	FAILS(mmap(at + HUGE_BYTES, GIANT_BYTES, ANY,
	           OWN | MAP_HUGE_1GB | MAP_FIXED, -1, 0),
	      EINVAL);
	CHECK(at[GIANT_BYTES - 1] == 7 && !munmap(at, GIANT_BYTES));
	CHECK(fd >= 0 && !ftruncate(fd, GIANT_BYTES));
	at = mmap(NULL, GIANT_BYTES, ANY, MAP_SHARED, fd, 0);
	CHECK(at != MAP_FAILED && (uintptr_t)at % GIANT_BYTES == 0);
	FAILS(mmap(NULL, HUGE_BYTES, ANY, MAP_SHARED, fd, 1), EINVAL);
	CHECK(!munmap(at, GIANT_BYTES));
}

static void a_device_reaches_it(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.size = HUGE_BYTES,
	};
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.size = HUGE_BYTES,
	};
	struct vfio v;

	vfio_open(&v);
	map.vaddr = (uintptr_t)mmap(NULL, HUGE_BYTES, ANY, OWN, -1, 0);
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(unmap.size == HUGE_BYTES);
}

static const struct client_case cases[] = {
	CASE(the_pool_is_shown),
	CASE(anonymous_memory_is_aligned_and_whole),
	CASE(files_of_memory_are_aligned_and_shared),
	CASE(giant_pages_are_aligned),
	CASE(a_device_reaches_it),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
