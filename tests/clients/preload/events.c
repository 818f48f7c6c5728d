/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that the program writes and the device hears of: stores (IOEVENTFD)
 * and the end of an interrupt (INTx unmask). The device is the teaching one,
 * whose pin follows its interrupt status register.
 */
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "client.h"

#define LIVENESS    0x04
#define RAISE       0x60
#define ACKNOWLEDGE 0x64

static struct vfio v;

static uint32_t load(unsigned int at)
{
	uint32_t value;

	CHECK(pread(v.device, &value, 4, BAR0 + at) == 4);
	return value;
}

static void store(unsigned int at, uint32_t value)
{
	CHECK(pwrite(v.device, &value, 4, BAR0 + at) == 4);
}

static int ioeventfd(unsigned int at, uint32_t value, int fd)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = BAR0 + at,
		.data = value,
		.fd = fd,
	};

	return ioctl(v.device, VFIO_DEVICE_IOEVENTFD, &arg);
}

static void irq(uint32_t action, int fd)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(room),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &fd, sizeof(fd));
	CHECK(!ioctl(v.device, VFIO_DEVICE_SET_IRQS, set));
}

static void signal_it(int fd)
{
	uint64_t one = 1;

	CHECK(write(fd, &one, sizeof(one)) == sizeof(one));
}

/* Up to ten seconds: on a loaded machine the other thread comes late. */
static int arrives(int fd, int milliseconds)
{
	struct pollfd look = {.fd = fd, .events = POLLIN};
	uint64_t count;

	if (poll(&look, 1, milliseconds) != 1)
		return 0;
	CHECK(read(fd, &count, sizeof(count)) == sizeof(count));
	return 1;
}

static void becomes(unsigned int at, uint32_t value)
{
	int i;

	for (i = 0; i < 10000 && load(at) != value; i++)
		usleep(1000);
	CHECK(load(at) == value);
}

static void an_event_stores(int flags)
{
	int fd = eventfd(0, flags);

	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 0x12345678, fd));
	signal_it(fd);
	becomes(LIVENESS, ~0x12345678u);
	store(LIVENESS, 0);
	signal_it(fd);
	becomes(LIVENESS, ~0x12345678u);
	/* It is consumed. */
	CHECK(!arrives(fd, 0));
	CHECK(!ioeventfd(LIVENESS, 0x12345678, -1));
	store(LIVENESS, 0);
	signal_it(fd);
	CHECK(arrives(fd, 10000));
	CHECK(load(LIVENESS) == ~0u);
}

static void a_blocking_event_stores(void)
{
	an_event_stores(0);
}

static void an_event_that_does_not_block_stores(void)
{
	an_event_stores(EFD_NONBLOCK | EFD_CLOEXEC);
}

static void what_was_signalled_before_is_stored(void)
{
	int fd = eventfd(3, 0);

	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 5, fd));
	becomes(LIVENESS, ~5u);
}

static void a_closed_event_has_gone(void)
{
	int fd = eventfd(0, 0), other;

	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 5, fd));
	other = dup(fd);
	close(fd);
	signal_it(other);
	becomes(LIVENESS, ~5u);
}

static void the_end_of_an_interrupt_is_heard(void)
{
	int pin = eventfd(0, 0), end = eventfd(0, 0);

	vfio_open(&v);
	irq(VFIO_IRQ_SET_ACTION_TRIGGER, pin);
	irq(VFIO_IRQ_SET_ACTION_UNMASK, end);
	store(RAISE, 1);
	CHECK(arrives(pin, 0));
	/* Still asserted: it comes again. */
	signal_it(end);
	CHECK(arrives(pin, 10000));
	store(ACKNOWLEDGE, 1);
	signal_it(end);
	CHECK(!arrives(pin, 50));
	store(RAISE, 2);
	CHECK(arrives(pin, 10000));
}

static void many_events_store_each_its_value(void)
{
	int fd[200], i;

	vfio_open(&v);
	for (i = 0; i < 200; i++) {
		CHECK((fd[i] = eventfd(0, 0)) >= 0);
		CHECK(!ioeventfd(LIVENESS, i, fd[i]));
	}
	for (i = 199; i >= 0; i -= 7) {
		signal_it(fd[i]);
		becomes(LIVENESS, ~i);
	}
	close(v.device);
	close(v.group);
	close(v.container);
	vfio_open(&v);
	signal_it(fd[3]);
	CHECK(arrives(fd[3], 10000));
	CHECK(load(LIVENESS) == ~0u);
}

/* Numbers of ours that the program wants: the watch goes on. */
static void a_number_that_is_taken_away_moves_the_watch(void)
{
	int fd = eventfd(0, 0), i;

	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 77, fd));
	for (i = 760; i < 800; i++)
		if (dup2(0, i) != i)
			CHECK(errno == EBUSY);
	signal_it(fd);
	becomes(LIVENESS, ~77u);
	CHECK(!ioeventfd(LIVENESS, 77, -1));
	store(LIVENESS, 0);
	signal_it(fd);
	CHECK(arrives(fd, 10000));
}

static volatile int stop;

static void *signal_always(void *fd)
{
	while (!stop)
		signal_it(*(int *)fd);
	return NULL;
}

static void set_up_races_with_signals(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), i;
	pthread_t thread;

	vfio_open(&v);
	CHECK(!pthread_create(&thread, NULL, signal_always, &fd));
	for (i = 0; i < 300; i++) {
		CHECK(!ioeventfd(LIVENESS, i, fd));
		CHECK(!ioeventfd(LIVENESS, i, -1));
	}
	for (i = 0; i < 20; i++) {
		CHECK(!ioeventfd(LIVENESS, i, fd));
		close(v.device);
		v.device = ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION);
		CHECK(v.device >= 0);
	}
	stop = 1;
	pthread_join(thread, NULL);
}

static void use_in_child(void)
{
	struct vfio none = {0};
	int fd = eventfd(0, 0);

	CHECK(waitpid(-1, NULL, 0) == -1);
	v = none;
	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 9, fd));
	signal_it(fd);
	becomes(LIVENESS, ~9u);
}

static void a_child_has_a_watcher_of_its_own(void)
{
	int fd = eventfd(0, 0);

	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 8, fd));
	signal_it(fd);
	becomes(LIVENESS, ~8u);
	close(v.device);
	close(v.group);
	close(v.container);
	CHECK(run_child(use_in_child) == 0);
}

static int is_watcher(const char *thread)
{
	char path[64], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && read(fd, name, sizeof(name) - 1) > 0);
	close(fd);
	return !strcmp(name, "ioas-events\n");
}

static pid_t find_watcher(void)
{
	DIR *threads = opendir("/proc/self/task");
	pid_t found = 0;
	struct dirent *e;

	while ((e = readdir(threads)))
		if (*e->d_name != '.' && is_watcher(e->d_name))
			found = atoi(e->d_name);
	closedir(threads);
	return found;
}

/* A thread that is confined to one processor makes the watcher. */
static void the_watcher_runs_anywhere(void)
{
	int fd = eventfd(0, 0), mine = sched_getcpu();
	cpu_set_t before, one, its;

	CHECK(!sched_getaffinity(0, sizeof(before), &before));
	CPU_ZERO(&one);
	CPU_SET(mine, &one);
	CHECK(!sched_setaffinity(0, sizeof(one), &one));
	vfio_open(&v);
	CHECK(!ioeventfd(LIVENESS, 6, fd));
	signal_it(fd);
	becomes(LIVENESS, ~6u);
	CHECK(!sched_getaffinity(find_watcher(), sizeof(its), &its));
	CHECK(CPU_COUNT(&its) >= CPU_COUNT(&before));
}

static const struct client_case all[] = {
	CASE(a_blocking_event_stores),
	CASE(an_event_that_does_not_block_stores),
	CASE(what_was_signalled_before_is_stored),
	CASE(a_closed_event_has_gone),
	CASE(the_end_of_an_interrupt_is_heard),
	CASE(many_events_store_each_its_value),
	CASE(a_number_that_is_taken_away_moves_the_watch),
	CASE(set_up_races_with_signals),
	CASE(a_child_has_a_watcher_of_its_own),
	CASE(the_watcher_runs_anywhere),
	{0},
};

int main(int argc, char **argv)
{
	return client_main(all, argc, argv);
}
