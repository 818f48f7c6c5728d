/* SPDX-License-Identifier: MIT */
/* Mappings of a BAR: what the program may do with them, and what it sees. */
#include <pthread.h>
#include <setjmp.h>

#include "client.h"

#define PAGE 4096 /* registers are 4 of these */
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf out;
static volatile siginfo_t caught;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	memcpy((void *)&caught, info, sizeof(*info));
	siglongjmp(out, number);
}

static void catch_faults(void)
{
	struct sigaction act = {.sa_sigaction = on_fault,
	                        .sa_flags = SA_SIGINFO};

	CHECK(!sigaction(SIGSEGV, &act, NULL));
	CHECK(!sigaction(SIGBUS, &act, NULL));
}

/* The signal that a load or a store at @at raises, or 0. */
static int load_raises(volatile uint8_t *at)
{
	int number = sigsetjmp(out, 1);

	if (!number)
		(void)*(volatile uint32_t *)at;
	return number;
}

static int store_raises(volatile uint8_t *at)
{
	int number = sigsetjmp(out, 1);

	if (!number)
		*(volatile uint32_t *)at = 0;
	return number;
}

static void views_of_one_bar_alias(void)
{
	volatile uint8_t *a, *b;
	struct vfio v;

	vfio_open(&v);
	a = map_bar(&v, RW, PAGE);
	b = map_bar(&v, PROT_WRITE, 2 * PAGE);
	CHECK(a != b);
	put(b, ASQ, 0x1234000);
	CHECK(get(a, ASQ) == 0x1234000);
	put(a, ASQ, 0x4321000);
	/* As with any page: what can be written can be read. */
	CHECK(get(b, ASQ) == 0x4321000);
}

static void a_view_keeps_the_device(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!close(v.device) && !close(v.group) && !close(v.container));
	check_bar(bar, 3);
	FAILS(open(GROUP, O_RDWR), EBUSY);
	CHECK(!munmap((void *)bar, BAR_BYTES));
	vfio_open(&v);
}

static void protection_is_kept(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	catch_faults();
	bar = map_bar(&v, PROT_READ, BAR_BYTES);
	CHECK(!load_raises(bar));
	CHECK(store_raises(bar + ASQ) == SIGSEGV);
	CHECK(caught.si_addr == bar + ASQ && caught.si_code == SEGV_ACCERR);
	CHECK(!mprotect((void *)bar, BAR_BYTES, PROT_NONE));
	CHECK(load_raises(bar) == SIGSEGV && caught.si_addr == bar);
	CHECK(!mprotect((void *)bar, BAR_BYTES, RW));
	check_bar(bar, 4);
	/* The second page only. */
	CHECK(!mprotect((void *)(bar + PAGE), PAGE, PROT_NONE));
	check_bar(bar, 5);
	CHECK(load_raises(bar + PAGE) == SIGSEGV);
	CHECK(!load_raises(bar + 2 * PAGE));
}

static void protection_of_a_view_and_its_neighbour(void)
{
	uint8_t *both =
		mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio v;

	vfio_open(&v);
	catch_faults();
	CHECK(mmap(both + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, v.device,
	           BAR0) == both + PAGE);
	CHECK(!mprotect(both, 2 * PAGE, PROT_READ));
	CHECK(store_raises(both) == SIGSEGV && !load_raises(both));
	CHECK(store_raises(both + PAGE) == SIGSEGV);
	CHECK(!load_raises(both + PAGE));
	CHECK(!mprotect(both, 2 * PAGE, RW));
	both[0] = 7;
	check_bar(both + PAGE, 6);
}

static void a_part_can_be_unmapped(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	catch_faults();
	bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!munmap((void *)(bar + PAGE), PAGE));
	check_bar(bar, 7);
	CHECK(load_raises(bar + PAGE) == SIGSEGV);
	CHECK(caught.si_code == SEGV_MAPERR);
	CHECK(!load_raises(bar + 2 * PAGE));
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(load_raises(bar) == SIGSEGV);
	FAILS(munmap((void *)(bar + 1), PAGE), EINVAL);
}

/* Behind the doorbells, which read as 0; the first register does not. */
static void a_part_shows_what_it_showed_before(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(get(bar, 0) != 0 && get(bar, PAGE) == 0);
	CHECK(!munmap((void *)bar, PAGE));
	CHECK(get(bar, PAGE) == 0);
	CHECK(!munmap((void *)(bar + 2 * PAGE), PAGE));
	CHECK(get(bar, PAGE) == 0);
}

static void memory_can_be_mapped_over_a_part(void)
{
	volatile uint8_t *bar, *memory;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	memory = mmap((void *)(bar + PAGE), PAGE, RW,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(memory == bar + PAGE);
	memory[5] = 9;
	CHECK(memory[5] == 9);
	check_bar(bar, 8);
	/* And registers over memory again, from a middle page of the BAR. */
	CHECK(mmap((void *)memory, PAGE, RW, MAP_SHARED | MAP_FIXED, v.device,
	           BAR0) == memory);
	check_bar(memory, 9);
	CHECK(get(bar, ASQ) == 9 << 12);
	/* What is there now decides, also when it cannot be touched. */
	catch_faults();
	CHECK(mmap((void *)memory, PAGE, PROT_NONE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
	CHECK(load_raises(memory) == SIGSEGV);
}

static void a_view_can_be_moved(void)
{
	uint8_t *room = mmap(NULL, BAR_BYTES, PROT_NONE,
	                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint8_t *bar, *moved;
	struct vfio v;

	vfio_open(&v);
	catch_faults();
	bar = map_bar(&v, RW, BAR_BYTES);
	moved = mremap((void *)bar, BAR_BYTES, BAR_BYTES,
	               MREMAP_MAYMOVE | MREMAP_FIXED, room);
	CHECK(moved == room);
	check_bar(moved, 10);
	CHECK(load_raises(bar) == SIGSEGV);
	CHECK(mremap((void *)moved, BAR_BYTES, PAGE, 0) == moved);
	check_bar(moved, 11);
	CHECK(load_raises(moved + PAGE) == SIGSEGV);
	FAILS(mremap((void *)moved, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	FAILS(mremap((void *)moved, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
	check_bar(moved, 12);
}

static void advice_does_not_take_registers_away(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	FAILS(madvise((void *)bar, PAGE, MADV_DONTNEED), EINVAL);
	CHECK(!madvise((void *)bar, PAGE, MADV_DONTDUMP));
	check_bar(bar, 13);
}

static void mmap_refuses_like_the_kernel(void)
{
	struct vfio v;

	vfio_open(&v);
#define NO_MAP(bytes, prot, flags, at, wanted)                                \
	CHECK((errno = 0,                                                     \
	       mmap(NULL, bytes, prot, flags, v.device, at) == MAP_FAILED) && \
	      errno == (wanted))
	NO_MAP(PAGE, RW, MAP_PRIVATE, BAR0, EINVAL);
	NO_MAP(PAGE, RW, MAP_SHARED, CONFIG, EINVAL);
	NO_MAP(PAGE, RW, MAP_SHARED, 8ull << 40, EINVAL);
	NO_MAP(PAGE, RW, MAP_SHARED, 1ull << 40, EINVAL);
	NO_MAP(2 * BAR_BYTES, RW, MAP_SHARED, BAR0, EINVAL);
	NO_MAP(PAGE, RW, MAP_SHARED, BAR0 + 1, EINVAL);
	NO_MAP(0, RW, MAP_SHARED, BAR0, EINVAL);
}

static void without_memory_decoding_it_is_a_bus_error(void)
{
	const uint64_t command = CONFIG + 4;
	volatile uint8_t *bar;
	uint16_t on, off;
	struct vfio v;

	vfio_open(&v);
	catch_faults();
	bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(pread(v.device, &on, 2, command) == 2 && (on & 2));
	off = on & ~2;
	CHECK(pwrite(v.device, &off, 2, command) == 2);
	CHECK(load_raises(bar + 8) == SIGBUS);
	CHECK(caught.si_addr == bar + 8 && caught.si_code == BUS_ADRERR);
	CHECK(store_raises(bar) == SIGBUS);
	CHECK(pwrite(v.device, &on, 2, command) == 2);
	check_bar(bar, 14);
}

static void the_kernel_cannot_follow(void)
{
	volatile uint8_t *bar;
	int pipe_ends[2];
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pipe(pipe_ends));
	FAILS(write(pipe_ends[1], (void *)bar, 4), EFAULT);
	FAILS(pread(v.device, (void *)bar, 4, CONFIG), EFAULT);
}

static void a_view_can_be_mapped_for_dma(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.size = PAGE,
		.iova = 1 << 20,
	};
	struct vfio v;

	vfio_open(&v);
	map.vaddr = (uintptr_t)map_bar(&v, RW, PAGE);
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	CHECK(!munmap((void *)(uintptr_t)map.vaddr, PAGE));
	map.iova += PAGE;
	FAILS(ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map), EFAULT);
}

static void put4(volatile uint8_t *bar, unsigned int at, uint32_t value)
{
	*(volatile uint32_t *)(bar + at) = value;
}

/* NVM Express 1.4, 3.1: configuration, queue sizes, the first doorbell. */
#define CC       0x14
#define AQA      0x24
#define DOORBELL 0x1000

static volatile uint8_t *doorbell_bar;

static void ring(int number)
{
	(void)number;
	put4(doorbell_bar, DOORBELL, 1);
}

/*
 * The controller fetches a command from memory that the program has taken
 * away: a fault in the handler, which runs on the alternate stack.
 */
static void memory_that_goes_is_no_fault_of_the_program(void)
{
	static char alternate[64 << 10];
	struct sigaction act = {.sa_handler = ring, .sa_flags = SA_ONSTACK};
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.size = 2 * PAGE,
		.iova = 1 << 20,
	};
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	void *memory =
		mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint16_t command = 6; /* memory decoding, bus mastering */
	stack_t now;
	struct vfio v;
	unsigned int i;

	vfio_open(&v);
	CHECK(pwrite(v.device, &command, 2, CONFIG + 4) == 2);
	map.vaddr = (uintptr_t)memory;
	CHECK(!ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map));
	doorbell_bar = map_bar(&v, RW, BAR_BYTES);
	put4(doorbell_bar, AQA, 0x000f000f);
	put(doorbell_bar, ASQ, map.iova);
	put(doorbell_bar, ACQ, map.iova + PAGE);
	put4(doorbell_bar, CC, 0x460001);
	CHECK(!mprotect(memory, 2 * PAGE, PROT_NONE));
	CHECK(!sigaltstack(&stack, NULL));
	CHECK(!sigaction(SIGUSR1, &act, NULL));
	for (i = 0; i < 3; i++) {
		CHECK(!raise(SIGUSR1));
		CHECK(!sigaltstack(NULL, &now));
		CHECK(now.ss_sp == alternate && !(now.ss_flags & SS_DISABLE));
	}
	put4(doorbell_bar, CC, 0);
	check_bar(doorbell_bar, 20);
}

static void errno_is_kept(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	errno = 4711;
	check_bar(bar, 15);
	CHECK(errno == 4711);
}

/* The C library's own copies: vectors, and strings for the large ones. */
static void memory_functions_work_on_registers(void)
{
	static uint8_t copy[BAR_BYTES], again[BAR_BYTES];
	volatile uint8_t *bar;
	size_t n;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
	put(bar, ASQ, 0x123456789000);
	put(bar, ACQ, 0x987654321000);
	CHECK(pread(v.device, again, 0x1000, BAR0) == 0x1000);
	for (n = 1; n <= 0x1000; n += n < 300 ? 1 : 333) {
		memset(copy, 0xee, sizeof(copy));
		memcpy(copy, (void *)bar, n);
		CHECK(copy[n] == 0xee);
		if (n >= ACQ + 8)
			CHECK(!memcmp(copy + ASQ, again + ASQ, 16));
	}
	memcpy((void *)(bar + ASQ), "\0\x10\0\0\0\0\0", 8);
	CHECK(get(bar, ASQ) == 0x1000);
}

static volatile uint8_t *shared_bar;

static void *hammer(void *argument)
{
	unsigned int at = (unsigned int)(uintptr_t)argument;
	uint64_t i;

	for (i = 0; i < 20000; i++) {
		put(shared_bar, at, i << 12);
		if (get(shared_bar, at) != i << 12)
			return "lost";
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void)
{
	pthread_t a, b;
	void *result;
	struct vfio v;

	vfio_open(&v);
	shared_bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pthread_create(&a, NULL, hammer, (void *)ASQ));
	CHECK(!pthread_create(&b, NULL, hammer, (void *)ACQ));
	CHECK(!pthread_join(a, &result) && !result);
	CHECK(!pthread_join(b, &result) && !result);
}

static volatile int stop;

/* Views come and go under a thread that uses one of them. */
static void *churn(void *argument)
{
	const struct vfio *v = argument;

	while (!stop)
		munmap((void *)map_bar(v, RW, PAGE), PAGE);
	return NULL;
}

static void views_come_and_go_beside_an_access(void)
{
	pthread_t thread;
	unsigned int i;
	struct vfio v;

	vfio_open(&v);
	shared_bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pthread_create(&thread, NULL, churn, &v));
	for (i = 0; i < 20000; i++)
		check_bar(shared_bar, i);
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
}

/* The registers again, or memory, in the place of registers in use. */
static void *replace(void *argument)
{
	const struct vfio *v = argument;
	uint8_t *bar = (uint8_t *)(uintptr_t)shared_bar;

	while (!stop) {
		CHECK(mmap(bar, BAR_BYTES, RW, MAP_SHARED | MAP_FIXED,
		           v->device, BAR0) == bar);
		CHECK(mmap(bar, BAR_BYTES, RW, MAP_SHARED | MAP_FIXED,
		           v->device, BAR0) == bar);
		CHECK(mmap(bar, BAR_BYTES, RW,
		           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		           0) == bar);
	}
	return NULL;
}

static void a_view_is_replaced_while_it_is_used(void)
{
	pthread_t thread;
	unsigned int i;
	struct vfio v;

	vfio_open(&v);
	shared_bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pthread_create(&thread, NULL, replace, &v));
	for (i = 0; i < 50000; i++)
		put(shared_bar, ASQ, 0x1000);
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
}

static void *touch_once(void *argument)
{
	(void)argument;
	check_bar(shared_bar, 16);
	return NULL;
}

static void a_small_stack_is_enough(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	struct vfio v;

	vfio_open(&v);
	shared_bar = map_bar(&v, RW, BAR_BYTES);
	CHECK(!pthread_attr_init(&attributes));
	CHECK(!pthread_attr_setstacksize(&attributes, 20 << 10));
	CHECK(!pthread_create(&thread, &attributes, touch_once, NULL));
	CHECK(!pthread_join(thread, NULL));
}

static void there_is_room_for_many_views(void)
{
	volatile uint8_t *bar[256];
	struct vfio v;
	int i;

	vfio_open(&v);
	for (i = 0; i < 256; i++)
		bar[i] = map_bar(&v, RW, PAGE);
	check_bar(bar[0], 17);
	check_bar(bar[255], 18);
	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, v.device, BAR0) == MAP_FAILED &&
	      errno == ENOMEM);
	/* A second page in one of them cannot be split off. */
	CHECK(!munmap((void *)bar[7], PAGE));
	bar[7] = map_bar(&v, RW, PAGE);
	check_bar(bar[7], 19);
}

static void atomic_operations_reach_registers(void)
{
	volatile uint64_t *at;
	uint64_t expected = 7ull << 12;
	struct vfio v;

	vfio_open(&v);
	at = (volatile uint64_t *)(map_bar(&v, RW, BAR_BYTES) + ASQ);
	*at = 4ull << 12;
	CHECK(__atomic_fetch_add(at, 3ull << 12, __ATOMIC_SEQ_CST) ==
	      4ull << 12);
	CHECK(__atomic_compare_exchange_n(at, &expected, 9ull << 12, 0,
	                                  __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	CHECK(__atomic_exchange_n(at, 1ull << 12, __ATOMIC_SEQ_CST) ==
	      9ull << 12);
	CHECK(*at == 1ull << 12);
}

static void what_cannot_be_emulated_ends_the_program(void)
{
	volatile uint8_t *bar;
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, RW, BAR_BYTES);
#ifdef __aarch64__
	__asm__ volatile("ldxr x2, [%0]" : : "r"(bar + ASQ) : "x2", "memory");
#else
	__asm__ volatile("lock btsl $3, (%0)" : : "r"(bar + ASQ) : "memory");
#endif
	puts("survived");
}

static const struct client_case cases[] = {
	CASE(views_of_one_bar_alias),
	CASE(a_view_keeps_the_device),
	CASE(protection_is_kept),
	CASE(protection_of_a_view_and_its_neighbour),
	CASE(a_part_can_be_unmapped),
	CASE(a_part_shows_what_it_showed_before),
	CASE(memory_can_be_mapped_over_a_part),
	CASE(a_view_can_be_moved),
	CASE(advice_does_not_take_registers_away),
	CASE(mmap_refuses_like_the_kernel),
	CASE(without_memory_decoding_it_is_a_bus_error),
	CASE(the_kernel_cannot_follow),
	CASE(a_view_can_be_mapped_for_dma),
	CASE(memory_that_goes_is_no_fault_of_the_program),
	CASE(errno_is_kept),
	CASE(memory_functions_work_on_registers),
	CASE(threads_do_not_disturb_each_other),
	CASE(views_come_and_go_beside_an_access),
	CASE(a_view_is_replaced_while_it_is_used),
	CASE(a_small_stack_is_enough),
	CASE(there_is_room_for_many_views),
	CASE(atomic_operations_reach_registers),
	CASE(what_cannot_be_emulated_ends_the_program),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
