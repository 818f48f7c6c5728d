/* SPDX-License-Identifier: MIT */
/*
 * A program that is built with a sanitizer: its registers, its DMA and its
 * interrupts work, and the sanitizer goes on finding what is planted here.
 */
#include <pthread.h>

#include "client.h"

#define PAGE   4096u
#define QUEUE  0x100000u /* IOVA of submission queue, completion queue, data */
#define MODEL  24        /* of Identify Controller: 40 characters */
#define ENABLE 0x460001u

struct controller {
	struct vfio vfio;
	volatile uint8_t *bar;
	uint8_t *memory; /* three pages, on the heap */
};

static void store32(volatile uint8_t *bar, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(bar + at) = value;
}

static uint32_t load32(volatile uint8_t *bar, unsigned int at)
{
	return *(volatile uint32_t *)(bar + at);
}

static void begin(struct controller *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = QUEUE,
		.size = 3 * PAGE,
	};
	uint16_t master = 6;

	vfio_open(&c->vfio);
	c->bar = map_bar(&c->vfio, PROT_READ | PROT_WRITE, BAR_BYTES);
	CHECK(!posix_memalign((void **)&c->memory, PAGE, 3 * PAGE));
	memset(c->memory, 0, 3 * PAGE);
	map.vaddr = (uintptr_t)c->memory;
	CHECK(!ioctl(c->vfio.container, VFIO_IOMMU_MAP_DMA, &map));
	CHECK(pwrite(c->vfio.device, &master, 2, CONFIG + 4) == 2);
	store32(c->bar, 0x24, 0x000f000f);
	put(c->bar, ASQ, QUEUE);
	put(c->bar, ACQ, QUEUE + PAGE);
	store32(c->bar, 0x14, ENABLE);
	while (!(load32(c->bar, 0x1c) & 1))
		;
}

/* Identify Controller by DMA: the model's name comes back. */
static void identify(struct controller *c)
{
	uint8_t *data = c->memory + 2 * PAGE;
	volatile uint8_t *done = c->memory + PAGE;
	uint64_t prp = QUEUE + 2 * PAGE;
	int event = eventfd(0, 0);
	uint64_t count = 0;

	set_events(&c->vfio, event);
	c->memory[0] = 6;
	memcpy(c->memory + 24, &prp, sizeof(prp));
	c->memory[40] = 1;
	store32(c->bar, 0x1000, 1);
	CHECK(read(event, &count, sizeof(count)) == sizeof(count));
	CHECK(done[14] & 1);
	CHECK(data[MODEL] > ' ' && data[MODEL] < 127);
	close(event);
}

/* Closed in order: nothing is left for a leak report of either kind. */
static void end(struct controller *c)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = QUEUE, .size = 3 * PAGE};

	store32(c->bar, 0x14, 0);
	CHECK(!ioctl(c->vfio.container, VFIO_IOMMU_UNMAP_DMA, &unmap));
	CHECK(!munmap((void *)c->bar, BAR_BYTES));
	free(c->memory);
	close(c->vfio.device);
	close(c->vfio.group);
	close(c->vfio.container);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *poke(void *bar)
{
	uint64_t i;

	for (i = 1; i < 200; i++) {
		pthread_mutex_lock(&lock);
		put(bar, ASQ, i << 12);
		CHECK(get(bar, ASQ) == i << 12);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void the_device_works(void)
{
	struct controller c;
	pthread_t thread;

	begin(&c);
	identify(&c);
	store32(c.bar, 0x14, 0);
	CHECK(!pthread_create(&thread, NULL, poke, (void *)c.bar));
	poke((void *)c.bar);
	CHECK(!pthread_join(thread, NULL));
	end(&c);
}

static void a_use_after_free(void)
{
	struct controller c;
	volatile char *p = malloc(16);

	begin(&c);
	identify(&c);
	free((void *)p);
	p[3] = 1;
	end(&c);
}

static volatile int shared;

static void *race(void *unused)
{
	shared++;
	return unused;
}

static void a_race(void)
{
	struct controller c;
	pthread_t thread;

	begin(&c);
	identify(&c);
	CHECK(!pthread_create(&thread, NULL, race, NULL));
	shared++;
	CHECK(!pthread_join(thread, NULL));
	end(&c);
}

/* Two pages below the first one that a program may map: never a view. */
static void a_fault_of_its_own(void)
{
	struct controller c;
	volatile int *nowhere = (volatile int *)8;

	begin(&c);
	identify(&c);
	*nowhere = 1;
}

static volatile int handled;

static void handler(int number, siginfo_t *info, void *context)
{
	CHECK(number == SIGSEGV && info->si_addr == (void *)16);
	handled = 1;
	_exit(7);
}

static void a_handler_of_its_own(void)
{
	struct sigaction act = {.sa_sigaction = handler,
	                        .sa_flags = SA_SIGINFO};
	struct controller c;

	begin(&c);
	CHECK(!sigaction(SIGSEGV, &act, NULL));
	identify(&c);
	*(volatile int *)16 = 1;
}

static void starts_a_child(void)
{
	struct controller c;

	begin(&c);
	fflush(stdout);
	CHECK(!system("test -z \"$(printenv LD_PRELOAD | grep san)\""));
	identify(&c);
	end(&c);
}

static const struct client_case cases[] = {
	CASE(the_device_works),
	CASE(a_use_after_free),
	CASE(a_race),
	CASE(a_fault_of_its_own),
	CASE(a_handler_of_its_own),
	CASE(starts_a_child),
	{NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
