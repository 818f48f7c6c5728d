/* SPDX-License-Identifier: MIT */
/* What the suites of others cannot see of an engine: one case a run. */
#include "driver.h"

#define PAGE 4096u

static struct driver d;

static uint8_t *data(uint64_t offset)
{
	return d.memory + DATA + offset;
}

static uint64_t at(uint64_t offset)
{
	return DMA + DATA + offset;
}

static void copies_and_fills(void)
{
	unsigned int i;

	driver_start(&d);
	for (i = 0; i < 100000; i++)
		*data(i) = (uint8_t)(i * 31 + i / 300);
	describe(&d, 0, at(3), at(MIB + 1), 99990);
	describe(&d, 1, 0x0807060504030201, at(2 * MIB), 10003);
	ring(&d)[1].control = FILL | COMPLETION;
	start(&d);
	CHECK(run(&d, 2) == DONE);
	CHECK(status(&d) == (at_descriptor(1) | DONE));
	CHECK(!memcmp(data(3), data(MIB + 1), 99990));
	for (i = 0; i < 10003; i++)
		CHECK(*data(2 * MIB + i) == i % 8 + 1);
	CHECK(*data(2 * MIB + 10003) == 0);
}

/* ---- Ranges that are not all there ---- */

/*
 * One copy of two pages between the good ones. Its fault is at @fault_page of
 * the side that is not all there; CHANERR is @error.
 */
static void refused(uint64_t source, uint64_t destination, uint32_t error)
{
	memset(data(0), 0x77, 2 * PAGE);
	describe(&d, 0, at(0), at(MIB), 64);
	describe(&d, 1, source, destination, 2 * PAGE);
	describe(&d, 2, at(0), at(2 * MIB), 64);
	ring(&d)[2].control = INTERRUPT;
	start(&d);
	CHECK(run(&d, 3) == HALTED);
	CHECK(get(d.bar, CHANSTS) == (at_descriptor(0) | HALTED));
	CHECK(status(&d) == (at_descriptor(0) | HALTED));
	CHECK(get32(&d, CHANERR) == error);
	CHECK(*data(MIB) == 0x77);
	CHECK(*data(2 * MIB) == 0);
}

static void unmapped_source(void)
{
	driver_start(&d);
	refused(NOWHERE, at(3 * MIB), 1);
	CHECK(*data(3 * MIB) == 0);
}

static void unmapped_destination(void)
{
	driver_start(&d);
	refused(at(0), NOWHERE, 2);
}

static void half_source(void)
{
	uint8_t *half;

	driver_start(&d);
	half = memory_of(PAGE);
	memset(half, 0x55, PAGE);
	map_at(&d, NOWHERE, half, PAGE, VFIO_DMA_MAP_FLAG_READ);
	refused(NOWHERE, at(3 * MIB), 1);
	CHECK(*data(3 * MIB) == 0x55 && *data(3 * MIB + PAGE - 1) == 0x55);
	CHECK(*data(3 * MIB + PAGE) == 0);
}

static void half_destination(void)
{
	uint8_t *half;

	driver_start(&d);
	half = memory_of(2 * PAGE);
	map_at(&d, NOWHERE, half, PAGE, VFIO_DMA_MAP_FLAG_WRITE);
	refused(at(0), NOWHERE, 2);
	CHECK(half[0] == 0x77 && half[PAGE - 1] == 0x77);
	CHECK(half[PAGE] == 0);
}

static void read_only_destination(void)
{
	uint8_t *memory;

	driver_start(&d);
	memory = memory_of(2 * PAGE);
	map_at(&d, NOWHERE, memory, 2 * PAGE, VFIO_DMA_MAP_FLAG_READ);
	refused(at(0), NOWHERE, 2);
	CHECK(memory[0] == 0);
}

static void write_only_source(void)
{
	driver_start(&d);
	map_at(&d, NOWHERE, memory_of(2 * PAGE), 2 * PAGE,
	       VFIO_DMA_MAP_FLAG_WRITE);
	refused(NOWHERE, at(3 * MIB), 1);
	CHECK(*data(3 * MIB) == 0);
}

/* Tables of Arm's stage 1 cannot say write-only, nor does Linux refuse it. */
static void write_only_source_is_read(void)
{
	uint8_t *source = memory_of(2 * PAGE);

	driver_start(&d);
	memset(source, 0x5a, 2 * PAGE);
	map_at(&d, NOWHERE, source, 2 * PAGE, VFIO_DMA_MAP_FLAG_WRITE);
	describe(&d, 0, NOWHERE, at(MIB), 2 * PAGE);
	start(&d);
	CHECK(run(&d, 1) == DONE);
	CHECK(!memcmp(source, data(MIB), 2 * PAGE));
	/* To read only is another matter. */
	map_at(&d, NOWHERE + MIB, memory_of(PAGE), PAGE,
	       VFIO_DMA_MAP_FLAG_READ);
	describe(&d, 0, at(0), NOWHERE + MIB, 64);
	start(&d);
	CHECK(run(&d, 1) == HALTED);
}

static void unmapped_again(void)
{
	driver_start(&d);
	map_at(&d, NOWHERE, memory_of(2 * PAGE), 2 * PAGE,
	       VFIO_DMA_MAP_FLAG_READ);
	unmap_at(&d, NOWHERE, 2 * PAGE);
	refused(NOWHERE, at(3 * MIB), 1);
}

static void unmapped_descriptor(void)
{
	driver_start(&d);
	describe(&d, 0, at(0), at(MIB), 64);
	ring(&d)[0].next = NOWHERE;
	start(&d);
	CHECK(run(&d, 2) == HALTED);
	CHECK(get(d.bar, CHANSTS) == (at_descriptor(0) | HALTED));
	CHECK(get32(&d, CHANERR) == 4);
}

static void unmapped_completion(void)
{
	driver_start(&d);
	*data(0) = 1;
	describe(&d, 0, at(0), at(MIB), 64);
	ring(&d)[0].control = COMPLETION;
	start(&d);
	put(d.bar, CHANCMP, NOWHERE);
	CHECK(run(&d, 1) == HALTED);
	CHECK(*data(MIB) == 1);
	CHECK(get32(&d, CHANERR) == 0x1000);
}

/* ---- Storms ---- */

/* A descriptor that points to itself: @size bytes at each turn. */
static void storm_of(uint32_t size)
{
	describe(&d, 0, at(0), at(4 * MIB - DATA), size);
	ring(&d)[0].next = DMA;
	start(&d);
}

static void storm(void)
{
	driver_start(&d);
	memset(data(0), 9, 64);
	storm_of(64);
	CHECK(run(&d, 65535) == DONE);
	CHECK(*data(4 * MIB - DATA + 63) == 9);
	start(&d);
	CHECK(run(&d, 65535) == DONE);
	CHECK(!get32(&d, CHANERR));
}

/* Each of the two counts with its own half of the ring. */
struct lane {
	struct driver *driver;
	unsigned int first;
};

static void wait_completed(struct driver *driver, uint64_t address)
{
	time_t end = time(NULL) + 90;

	while (get(driver->bar, CHANSTS) != (address | DONE))
		CHECK(time(NULL) < end);
}

#define LANE   (RING / 2)
#define ROUNDS 70000u /* DMACOUNT wraps */

static void *ring_often(void *argument)
{
	struct lane *lane = argument;
	unsigned int i, last = lane->first + (ROUNDS - 1) % LANE;

	put8(lane->driver, CHANCMD, RESET);
	put(lane->driver->bar, CHAINADDR, at_descriptor(lane->first));
	for (i = 1; i <= ROUNDS; i++) {
		put16(lane->driver, DMACOUNT, (uint16_t)i);
		/* Fewer than 2^16 may be on their way. */
		if (i % 1000 == 0)
			wait_completed(
				lane->driver,
				at_descriptor(lane->first + (i - 1) % LANE));
	}
	wait_completed(lane->driver, at_descriptor(last));
	CHECK(!get32(lane->driver, CHANERR));
	return NULL;
}

static void two_devices(void)
{
	static struct driver second;
	struct lane lane[2] = {{&d, 0}, {&second, LANE}};
	pthread_t thread[2];
	unsigned int i;

	driver_start(&d);
	driver_second(&second, &d);
	for (i = 0; i < RING; i++) {
		memset(data(i * 64), (int)i, 64);
		describe(&d, i, at(i * 64), at(MIB + i * 64), 64);
	}
	ring(&d)[LANE - 1].next = at_descriptor(0);
	ring(&d)[RING - 1].next = at_descriptor(LANE);
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&thread[i], NULL, ring_often, &lane[i]));
	for (i = 0; i < 2; i++)
		CHECK(!pthread_join(thread[i], NULL));
	CHECK(!memcmp(data(0), data(MIB), RING * 64));
}

/* ---- Things that happen while it runs: 64 GiB of copying ---- */

static void *long_run(void *argument)
{
	put16(&d, DMACOUNT, 65535);
	return NULL;
}

static pthread_t storer;

static void run_long(void)
{
	driver_start(&d);
	memset(data(0), 3, MIB);
	storm_of(MIB);
	CHECK(!pthread_create(&storer, NULL, long_run, NULL));
	/* Posted doorbells, and threads, need a moment. */
	while ((get32(&d, CHANSTS) & 7) == ARMED)
		;
	CHECK((get32(&d, CHANSTS) & 7) == ACTIVE);
}

/* It works as if nothing had been. */
static void usable_again(void)
{
	CHECK(!pthread_join(storer, NULL));
	master_on(&d);
	describe(&d, 0, at(0), at(5 * MIB), 64);
	start(&d);
	CHECK(run(&d, 1) == DONE);
	CHECK(*data(5 * MIB + 63) == 3);
}

static void reset_by_ioctl(void)
{
	run_long();
	CHECK(!ioctl(d.vfio.device, VFIO_DEVICE_RESET));
	CHECK(get(d.bar, CHANSTS) == HALTED);
	usable_again();
}

static unsigned int express(void)
{
	uint8_t at = 0x34, header[2];

	CHECK(pread(d.vfio.device, &at, 1, CONFIG + at) == 1);
	for (; at; at = header[1]) {
		CHECK(pread(d.vfio.device, header, 2, CONFIG + at) == 2);
		if (header[0] == 0x10)
			break;
	}
	CHECK(at);
	return at;
}

static void reset_by_function(void)
{
	uint16_t control;
	unsigned int at;

	run_long();
	at = express() + 8;
	CHECK(pread(d.vfio.device, &control, 2, CONFIG + at) == 2);
	control |= 0x8000;
	CHECK(pwrite(d.vfio.device, &control, 2, CONFIG + at) == 2);
	CHECK(get(d.bar, CHANSTS) == HALTED);
	usable_again();
}

static void reset_by_command(void)
{
	run_long();
	put8(&d, CHANCMD, RESET);
	CHECK(get(d.bar, CHANSTS) == HALTED);
	usable_again();
}

static void suspend_and_abort(void)
{
	run_long();
	put8(&d, CHANCMD, SUSPEND);
	CHECK((get32(&d, CHANSTS) & 7) == SUSPENDED);
	memset(d.memory + 4 * MIB, 0, MIB);
	CHECK(!d.memory[4 * MIB] && !d.memory[5 * MIB - 1]);
	usleep(20000);
	CHECK(!d.memory[4 * MIB] && !d.memory[5 * MIB - 1]);
	put8(&d, CHANCMD, RESUME);
	CHECK((get32(&d, CHANSTS) & 7) == ACTIVE);
	put8(&d, CHANCMD, ABORT);
	CHECK((get32(&d, CHANSTS) & 7) == HALTED);
	usable_again();
}

/* No byte is written once UNMAP has returned. */
static void unmap_while_it_runs(void)
{
	uint8_t *target;
	unsigned int i;

	driver_start(&d);
	target = memory_of(MIB);
	map_at(&d, NOWHERE, target, MIB, VFIO_DMA_MAP_FLAG_WRITE);
	memset(data(0), 3, MIB);
	describe(&d, 0, at(0), NOWHERE, MIB);
	ring(&d)[0].next = DMA;
	start(&d);
	CHECK(!pthread_create(&storer, NULL, long_run, NULL));
	while (*(volatile uint8_t *)(target + MIB - 1) != 3)
		;
	unmap_at(&d, NOWHERE, MIB);
	memset(target, 0, MIB);
	CHECK(wait_stopped(&d) == HALTED);
	CHECK(get32(&d, CHANERR) == 2);
	for (i = 0; i < MIB; i++)
		CHECK(target[i] == 0);
	CHECK(!pthread_join(storer, NULL));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	alarms++;
}

/* The thread that stored gets its signals, and goes on. */
static void signals_arrive(void)
{
	struct timespec begin, end;

	driver_start(&d);
	signal(SIGALRM, on_alarm);
	storm_of(MIB);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	CHECK(!raise(SIGALRM));
	alarm(1);
	put16(&d, DMACOUNT, 65535);
	CHECK((get32(&d, CHANSTS) & 7) != DONE);
	while (alarms < 2)
		usleep(1000);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK((get32(&d, CHANSTS) & 7) == ACTIVE);
	CHECK(end.tv_sec - begin.tv_sec < 60);
}

/* A program that never maps the BAR: the store is over soon as well. */
static void written_by_calls(void)
{
	const uint64_t chain = DMA;
	const uint16_t all = 65535;
	uint64_t now;

	vfio_open(&d.vfio);
	master_on(&d);
	d.memory = memory_of(BYTES);
	map_at(&d, DMA, d.memory, BYTES,
	       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE);
	describe(&d, 0, at(0), at(4 * MIB - DATA), MIB);
	ring(&d)[0].next = DMA;
	CHECK(pwrite(d.vfio.device, &chain, 8, BAR0 + CHAINADDR) == 8);
	CHECK(pwrite(d.vfio.device, &all, 2, BAR0 + DMACOUNT) == 2);
	CHECK(pread(d.vfio.device, &now, 8, BAR0 + CHANSTS) == 8);
	CHECK((now & 7) == ACTIVE || (now & 7) == ARMED);
}

static void exit_while_it_runs(void)
{
	run_long();
}

static void close_while_it_runs(void)
{
	run_long();
	CHECK(!pthread_join(storer, NULL));
	CHECK(!munmap((void *)d.bar, BAR_BYTES));
	CHECK(!close(d.vfio.device));
	CHECK(!close(d.vfio.group));
	CHECK(!close(d.vfio.container));
	CHECK(!munmap(d.memory, BYTES));
}

/* ---- Interrupts ---- */

static uint64_t count_of(int event)
{
	uint64_t count = 0;

	CHECK(read(event, &count, sizeof(count)) == sizeof(count) ||
	      errno == EAGAIN);
	return count;
}

static void one(uint32_t control, uint16_t chanctrl)
{
	describe(&d, 0, at(0), at(MIB), 64);
	ring(&d)[0].control = control;
	put(d.bar, CHAINADDR, DMA);
	put16(&d, CHANCTRL, chanctrl);
	CHECK(run(&d, 1) == DONE);
}

static void interrupts(void)
{
	volatile uint32_t *mask;
	unsigned int i;
	int event;

	driver_start(&d);
	mask = (volatile uint32_t *)(d.bar + 0x200c);
	CHECK((event = eventfd(0, EFD_NONBLOCK)) >= 0);
	set_events(&d.vfio, event);
	start(&d);
	put8(&d, INTRCTRL, 8);
	for (i = 0; i < 100; i++) {
		one(INTERRUPT, 9);
		CHECK(count_of(event) == 1);
		one(0, 9);
		one(COMPLETION, 9);
		CHECK(count_of(event) == 0);
	}
	/* Not asked for again: none. */
	one(INTERRUPT, 9);
	one(INTERRUPT, 8);
	CHECK(count_of(event) == 1);
	/* Masked: it waits. */
	*mask = 1;
	one(INTERRUPT, 9);
	CHECK(count_of(event) == 0);
	CHECK(*(volatile uint64_t *)(d.bar + 0x3000) == 1);
	*mask = 0;
	CHECK(count_of(event) == 1);
	CHECK(*(volatile uint64_t *)(d.bar + 0x3000) == 0);
	/* An error: only when it is told to. */
	describe(&d, 0, at(0), NOWHERE, 64);
	ring(&d)[0].control = INTERRUPT;
	start(&d);
	CHECK(run(&d, 1) == HALTED);
	CHECK(count_of(event) == 0);
	start(&d);
	put16(&d, CHANCTRL, 0x19);
	CHECK(run(&d, 1) == HALTED);
	CHECK(count_of(event) == 1);
}

static const struct client_case cases[] = {
	{"copies-and-fills", copies_and_fills},
	{"unmapped-source", unmapped_source},
	{"unmapped-destination", unmapped_destination},
	{"half-source", half_source},
	{"half-destination", half_destination},
	{"read-only-destination", read_only_destination},
	{"write-only-source", write_only_source},
	{"write-only-source-is-read", write_only_source_is_read},
	{"unmapped-again", unmapped_again},
	{"unmapped-descriptor", unmapped_descriptor},
	{"unmapped-completion", unmapped_completion},
	{"storm", storm},
	{"two-devices", two_devices},
	{"reset-by-ioctl", reset_by_ioctl},
	{"reset-by-function", reset_by_function},
	{"reset-by-command", reset_by_command},
	{"suspend-and-abort", suspend_and_abort},
	{"unmap-while-it-runs", unmap_while_it_runs},
	{"signals-arrive", signals_arrive},
	{"written-by-calls", written_by_calls},
	{"exit-while-it-runs", exit_while_it_runs},
	{"close-while-it-runs", close_while_it_runs},
	{"interrupts", interrupts},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
