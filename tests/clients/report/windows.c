/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back while a window of a POWER machine leads to it, one
 * case each; test_windows.py reads the marks. The device is an edu at
 * 0000:01:00.0. Nothing of it may harm the program: the device goes on with
 * the memory that was registered, and what the program has at that address
 * then is the program's alone.
 */
#include "../preload/client.h"

#define PAGE 4096 /* the programs run on x86-64 */
#define IOVA 0x10000ull
#define BACK 0x100000ull /* mapped to `result` */

#define SOURCE      0x80
#define DESTINATION 0x88
#define COUNT       0x90
#define COMMAND     0x98
#define BUFFER      0x40000

#define NOINLINE __attribute__((noinline, noclone))

#define RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

static struct vfio v;
static volatile uint8_t *bar;
static char *memory, *result;

NOINLINE void register_buffer(const void *at, uint64_t bytes)
{
	struct vfio_iommu_spapr_register_memory memory = {
		.argsz = sizeof(memory),
		.vaddr = (uintptr_t)at,
		.size = bytes,
	};

	CHECK(!ioctl(v.container, VFIO_IOMMU_SPAPR_REGISTER_MEMORY,
	             &memory)); /* AT: register */
}

static void unregister_buffer(const void *at, uint64_t bytes)
{
	struct vfio_iommu_spapr_register_memory memory = {
		.argsz = sizeof(memory),
		.vaddr = (uintptr_t)at,
		.size = bytes,
	};

	CHECK(!ioctl(v.container, VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY, &memory));
}

NOINLINE void map_buffer(uint64_t iova, const void *at, uint64_t bytes,
                         uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = bytes,
	};

	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map)); /* AT: map */
}

static void unmap_buffer(uint64_t iova, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap u = {
		.argsz = sizeof(u), .iova = iova, .size = bytes};

	CHECK(!ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &u));
}

static void copy(uint64_t from, uint64_t to, uint64_t command)
{
	put(bar, SOURCE, from);
	put(bar, DESTINATION, to);
	put(bar, COUNT, PAGE);
	put(bar, COMMAND, command);
}

/* What the device finds there; through its buffer into `result`. */
static char device_finds(uint64_t iova)
{
	memset(result, 0, PAGE);
	copy(iova, BUFFER, 1);
	copy(BUFFER, BACK, 3);
	CHECK(!memcmp(result, result + 1, PAGE - 1));
	return *result;
}

/* And it writes there what it has, which is of the page at @from. */
static void device_copies(uint64_t from, uint64_t to)
{
	copy(from, BUFFER, 1);
	copy(BUFFER, to, 3);
}

static char *pages_of_memory(unsigned int n)
{
	char *at = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	memset(at, 'o', n * PAGE);
	return at;
}

static void start(unsigned long type)
{
	uint16_t command = 6;

	CHECK((v.container = open(CONTAINER, O_RDWR)) >= 0);
	CHECK((v.group = open(GROUP, O_RDWR)) >= 0);
	CHECK(!ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container));
	CHECK(!ioctl(v.container, VFIO_SET_IOMMU, type));
	v.device = ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION);
	CHECK(v.device >= 0);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES);
	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
	result = pages_of_memory(1);
	memory = pages_of_memory(8);
	if (type == VFIO_SPAPR_TCE_v2_IOMMU)
		register_buffer(result, PAGE);
	else
		CHECK(!ioctl(v.container, VFIO_IOMMU_ENABLE));
	map_buffer(BACK, result, PAGE, RW);
}

static void start_v2(void)
{
	start(VFIO_SPAPR_TCE_v2_IOMMU);
}

NOINLINE void free_buffer(void *at, size_t bytes)
{
	CHECK(!munmap(at, bytes)); /* AT: free */
}

/* New memory where the old one was. */
static void take_again(char *at, size_t bytes)
{
	CHECK(mmap(at, bytes, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	memset(at, 'n', bytes);
}

/* The device has the old page, the program the new one. */
static void check_apart(char *at, uint64_t iova)
{
	memset(result, 'd', PAGE);
	device_copies(BACK, iova);
	CHECK(*at == 'n' && at[PAGE - 1] == 'n');
	CHECK(device_finds(iova) == 'd');
}

static void by_munmap(void)
{
	start_v2();
	register_buffer(memory, 4 * PAGE);
	map_buffer(IOVA, memory, 4 * PAGE, RW);
	free_buffer(memory, 4 * PAGE);
	CHECK(device_finds(IOVA) == 'o');
	take_again(memory, 4 * PAGE);
	check_apart(memory + PAGE, IOVA + PAGE);
	unmap_buffer(IOVA, 4 * PAGE);
	unregister_buffer(memory, 4 * PAGE);
}

/* Of two windows, and in the second one of what was freed nothing is mapped. */
static void in_the_second_window(void)
{
	struct vfio_iommu_spapr_tce_create create = {
		.argsz = sizeof(create),
		.page_shift = 12,
		.window_size = 1 << 24,
		.levels = 1,
	};
	uint64_t start;

	start_v2();
	CHECK(!ioctl(v.container, VFIO_IOMMU_SPAPR_TCE_CREATE, &create));
	start = create.start_addr;
	register_buffer(memory, 8 * PAGE);
	map_buffer(start + IOVA, memory, PAGE, VFIO_DMA_MAP_FLAG_READ);
	map_buffer(IOVA, memory + 4 * PAGE, PAGE, RW);
	free_buffer(memory, 2 * PAGE);
	unmap_buffer(start + IOVA, PAGE);
	unmap_buffer(IOVA, PAGE);
}

NOINLINE void free_block(void *block)
{
	free(block); /* AT: free of a block */
}

static void by_free(void)
{
	char *block;

	start_v2();
	block = aligned_alloc(PAGE, 2 * PAGE);
	CHECK(block);
	memset(block, 'o', 2 * PAGE);
	register_buffer(block, 2 * PAGE);
	map_buffer(IOVA, block + PAGE, PAGE, RW);
	free_block(block);
	memset(result, 'd', PAGE);
	device_copies(BACK, IOVA);
	CHECK(device_finds(IOVA) == 'd');
	unmap_buffer(IOVA, PAGE);
	unregister_buffer(block, 2 * PAGE);
}

static void by_madvise(void)
{
	start_v2();
	register_buffer(memory, 2 * PAGE);
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(!madvise(memory, 2 * PAGE, MADV_DONTNEED));
	CHECK(!*memory);
	memset(memory, 'n', PAGE);
	CHECK(device_finds(IOVA) == 'o');
	check_apart(memory, IOVA);
	unmap_buffer(IOVA, PAGE);
	unregister_buffer(memory, 2 * PAGE);
}

/* The last one goes on in memory, and not in I/O addresses. */
static void page_by_page(void)
{
	unsigned int i;

	start_v2();
	register_buffer(memory, 8 * PAGE);
	for (i = 0; i < 4; i++)
		map_buffer(IOVA + i * PAGE, memory + i * PAGE, PAGE, RW);
	map_buffer(IOVA + 8 * PAGE, memory + 4 * PAGE, PAGE, RW);
	free_buffer(memory + PAGE, 7 * PAGE);
	unmap_buffer(IOVA, 9 * PAGE);
	unregister_buffer(memory, 8 * PAGE);
}

/* Pinned by its mappings, page by page. */
static void of_version_1(void)
{
	start(VFIO_SPAPR_TCE_IOMMU);
	map_buffer(IOVA, memory, 4 * PAGE, RW);
	free_buffer(memory + PAGE, PAGE);
	take_again(memory + PAGE, PAGE);
	check_apart(memory + PAGE, IOVA + PAGE);
	unmap_buffer(IOVA, 4 * PAGE);
}

/* No device reaches it: it is not told. */
static void only_registered(void)
{
	start_v2();
	register_buffer(memory, 4 * PAGE);
	map_buffer(IOVA, memory, PAGE, RW);
	free_buffer(memory + PAGE, 2 * PAGE);
	unmap_buffer(IOVA, PAGE);
	unregister_buffer(memory, 4 * PAGE);
}

/* Nor is what moves. */
static void moved_by_the_program(void)
{
	char *to =
		mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(to != MAP_FAILED);
	start_v2();
	register_buffer(memory, PAGE);
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(mremap(memory, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	      to);
	memset(to, 'm', PAGE);
	CHECK(device_finds(IOVA) == 'm');
	unmap_buffer(IOVA, PAGE);
	unregister_buffer(memory, PAGE);
}

/* What is registered there is still the old memory. */
static void before_it_is_mapped(void)
{
	start_v2();
	register_buffer(memory, 4 * PAGE);
	free_buffer(memory, 2 * PAGE);
	take_again(memory, 2 * PAGE);
	map_buffer(IOVA + 2 * PAGE, memory + 2 * PAGE, PAGE, RW);
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(device_finds(IOVA) == 'o');
	unmap_buffer(IOVA, 4 * PAGE);
	unregister_buffer(memory, 4 * PAGE);
	/* What is registered now is what is there now. */
	register_buffer(memory, 4 * PAGE);
	map_buffer(IOVA, memory, PAGE, RW);
	CHECK(device_finds(IOVA) == 'n');
	unmap_buffer(IOVA, PAGE);
}

int main(int argc, char **argv)
{
	static const struct client_case cases[] = {
		CASE(by_munmap),
		CASE(in_the_second_window),
		CASE(by_free),
		CASE(by_madvise),
		CASE(page_by_page),
		CASE(of_version_1),
		CASE(only_registered),
		CASE(moved_by_the_program),
		CASE(before_it_is_mapped),
		{NULL, NULL},
	};

	return client_main(cases, argc, argv);
}
