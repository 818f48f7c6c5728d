/* SPDX-License-Identifier: MIT */
/*
 * Peer to peer: two teaching devices, and the BAR of one mapped for the DMA of
 * both. DMA of such a device is one copy, started and ended by a store.
 */
#include <pthread.h>
#include <stdbool.h>

#include "client.h"

#define LIVENESS 0x04
#define SOURCE   0x80
#define TARGET   0x88
#define COUNT    0x90
#define COMMAND  0x98
#define BUFFER   0x40000
#define START    1
#define OUT      2 /* from the device's buffer */

#define MEMORY 0x100000ull /* I/O address of a page of memory */
#define OTHER  0x200000ull /* and of the other's registers */
#define FIRST  0x300000ull

#define PAGE 4096

static int first, second;
static uint8_t *memory;

static int open_device(int container, int group, const char *name)
{
	char path[32];
	int fd, device;

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	CHECK((fd = open(path, O_RDWR)) >= 0);
	CHECK(!ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container));
	if (group == 1)
		CHECK(!ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	device = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, name);
	CHECK(device >= 0);
	return device;
}

static void command_register(int device, uint16_t value)
{
	CHECK(pwrite(device, &value, 2, CONFIG + 4) == 2);
}

static void map_dma(int container, void *from, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)from,
		.iova = iova,
		.size = PAGE,
	};

	CHECK(!ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
}

static void *map_registers(int device)
{
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device,
	                BAR0);

	CHECK(at != MAP_FAILED);
	return at;
}

static void begin(void)
{
	int container = open(CONTAINER, O_RDWR);

	CHECK(container >= 0);
	first = open_device(container, 1, "0000:01:00.0");
	second = open_device(container, 2, "0000:02:00.0");
	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	map_dma(container, memory, MEMORY);
	map_dma(container, map_registers(second), OTHER);
	map_dma(container, map_registers(first), FIRST);
	command_register(first, 6);
	command_register(second, 6);
}

static void store(int device, unsigned int at, uint64_t value, size_t bytes)
{
	CHECK(pwrite(device, &value, bytes, BAR0 + at) == (ssize_t)bytes);
}

static uint32_t load(int device, unsigned int at)
{
	uint32_t value;

	CHECK(pread(device, &value, 4, BAR0 + at) == 4);
	return value;
}

static void dma(int device, uint64_t from, uint64_t to, uint32_t bytes,
                uint32_t command)
{
	store(device, SOURCE, from, 8);
	store(device, TARGET, to, 8);
	store(device, COUNT, bytes, 8);
	store(device, COMMAND, command, 4);
}

/* Memory to a device's buffer, and from there to where it is to go. */
static void send(int device, const void *what, uint32_t bytes, uint64_t to)
{
	memcpy(memory, what, bytes);
	dma(device, MEMORY, BUFFER, bytes, START);
	dma(device, BUFFER, to, bytes, START | OUT);
}

static void send_word(int device, uint32_t word, uint64_t to)
{
	send(device, &word, sizeof(word), to);
}

static uint32_t fetch_word(int device, uint64_t from)
{
	uint32_t word;

	memset(memory, 0x5a, PAGE);
	dma(device, from, BUFFER, 4, START);
	dma(device, BUFFER, MEMORY, 4, START | OUT);
	memcpy(&word, memory, 4);
	return word;
}

static void a_device_stores_to_another(void)
{
	begin();
	send_word(first, 0x12345678, OTHER + LIVENESS);
	CHECK(load(second, LIVENESS) == ~0x12345678u);
	CHECK(load(first, LIVENESS) == ~0u);
}

static void a_device_loads_from_another(void)
{
	begin();
	CHECK(fetch_word(first, OTHER) == 0x010000ed);
	store(second, LIVENESS, 7, 4);
	CHECK(fetch_word(first, OTHER + LIVENESS) == ~7u);
}

/* Source, target and count in one transfer: units of 8 bytes. */
static void a_long_transfer_is_cut_into_registers(void)
{
	const uint64_t words[] = {0x1111, 0x2222, 0x33};
	uint64_t is[3];

	begin();
	send(first, words, sizeof(words), OTHER + SOURCE);
	CHECK(pread(second, is, sizeof(is), BAR0 + SOURCE) == sizeof(is));
	CHECK(!memcmp(is, words, sizeof(is)));
}

static void a_device_starts_anothers_dma(void)
{
	begin();
	memset(memory, 0, PAGE);
	strcpy((char *)memory + 64, "by way of the other");
	store(second, SOURCE, MEMORY + 64, 8);
	store(second, TARGET, BUFFER, 8);
	store(second, COUNT, 32, 8);
	send_word(first, START, OTHER + COMMAND);
	memset(memory, 0, PAGE);
	dma(second, BUFFER, MEMORY, 32, START | OUT);
	CHECK(!strcmp((char *)memory, "by way of the other"));
}

static void refused_to_itself(void)
{
	begin();
	send_word(first, 5, FIRST + LIVENESS);
	CHECK(load(first, LIVENESS) == ~0u);
}

static void refused_without_memory_decoding(void)
{
	begin();
	command_register(second, 4);
	send_word(first, 5, OTHER + LIVENESS);
	command_register(second, 6);
	CHECK(load(second, LIVENESS) == ~0u);
}

/* First to second, whose DMA goes back to the first. */
static void refused_in_a_circle(void)
{
	begin();
	store(second, SOURCE, BUFFER, 8);
	store(second, TARGET, FIRST + LIVENESS, 8);
	store(second, COUNT, 4, 8);
	send_word(first, START | OUT, OTHER + COMMAND);
	CHECK(load(first, LIVENESS) == ~0u);
}

static void *drive(void *device)
{
	bool is_first = *(int *)device == first;
	int i;

	for (i = 0; i < 300; i++)
		dma(*(int *)device, BUFFER,
		    (is_first ? OTHER : FIRST) + LIVENESS, 4, START | OUT);
	return NULL;
}

/* Some transfers may be refused; none may wait for ever. */
static void both_at_once_come_to_an_end(void)
{
	pthread_t thread;

	begin();
	CHECK(!pthread_create(&thread, NULL, drive, &first));
	drive(&second);
	pthread_join(thread, NULL);
	send_word(first, 9, OTHER + LIVENESS);
	CHECK(load(second, LIVENESS) == ~9u);
	send_word(second, 8, FIRST + LIVENESS);
	CHECK(load(first, LIVENESS) == ~8u);
}

static const struct client_case all[] = {
	CASE(a_device_stores_to_another),
	CASE(a_device_loads_from_another),
	CASE(a_long_transfer_is_cut_into_registers),
	CASE(a_device_starts_anothers_dma),
	CASE(refused_to_itself),
	CASE(refused_without_memory_decoding),
	CASE(refused_in_a_circle),
	CASE(both_at_once_come_to_an_end),
	{0},
};

int main(int argc, char **argv)
{
	return client_main(all, argc, argv);
}
