/* SPDX-License-Identifier: MIT */
/*
 * Calls that overlap. A call is held up in the middle by a page that this
 * program fills when it wants to: userfaultfd(2). Without that, the cases say
 * so and end with status 77.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "client.h"

#define PAGE 4096

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

static struct vfio v;
static volatile uint8_t *bar;
static void *slow; /* who reads it waits until it is filled */
static int filler;
static volatile int ended;

static void need(int condition)
{
	if (condition)
		return;
	puts("no userfaultfd for this user");
	exit(77);
}

static void set_up(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};

	vfio_open(&v);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES);
	filler = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	need(filler >= 0 && !ioctl(filler, UFFDIO_API, &api));
	slow = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)slow;
	range.range.len = PAGE;
	need(!ioctl(filler, UFFDIO_REGISTER, &range));
}

static void wait_for_reader(void)
{
	struct uffd_msg message;

	CHECK(read(filler, &message, sizeof(message)) == sizeof(message));
	CHECK(message.event == UFFD_EVENT_PAGEFAULT);
}

static void fill(void)
{
	struct uffdio_zeropage zero = {
		.range = {.start = (uintptr_t)slow, .len = PAGE}};

	CHECK(!ioctl(filler, UFFDIO_ZEROPAGE, &zero));
}

static void *slow_call(void *argument)
{
	(void)argument;
	/* The structure says that it is 0 bytes long. */
	FAILS(ioctl(v.device, VFIO_DEVICE_GET_INFO, slow), EINVAL);
	return NULL;
}

static void *end_device(void *argument)
{
	(void)argument;
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(!close(v.device));
	ended = 1;
	return NULL;
}

static void *replace_device(void *argument)
{
	(void)argument;
	CHECK(!munmap((void *)bar, BAR_BYTES));
	CHECK(dup2(v.container, v.device) == v.device);
	ended = 1;
	return NULL;
}

static void overlap(void *(*end)(void *argument))
{
	pthread_t caller, ender;

	set_up();
	CHECK(!pthread_create(&caller, NULL, slow_call, NULL));
	wait_for_reader();
	CHECK(!pthread_create(&ender, NULL, end, NULL));
	usleep(200000);
	/* Not before the call on the file has ended. */
	CHECK(!ended);
	fill();
	CHECK(!pthread_join(caller, NULL) && !pthread_join(ender, NULL));
	CHECK(ended);
}

static void close_waits_for_calls_on_the_file(void)
{
	overlap(end_device);
}

static void dup2_waits_for_calls_on_the_file(void)
{
	overlap(replace_device);
}

/* Other files are not held up. */
static void a_call_does_not_hold_up_other_files(void)
{
	pthread_t caller;
	int other;

	set_up();
	CHECK(!pthread_create(&caller, NULL, slow_call, NULL));
	wait_for_reader();
	CHECK((other = dup(v.device)) >= 0 && !close(other));
	CHECK(ioctl(v.container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) == 1);
	check_bar(bar, 1);
	fill();
	CHECK(!pthread_join(caller, NULL));
}

/* A handler that closes, in the middle of a call of its own thread. */
static void close_it(int number)
{
	(void)number;
	CHECK(!close(v.device));
	ended = 1;
}

static pthread_t calling;

static void *close_from_a_handler(void *argument)
{
	(void)argument;
	wait_for_reader();
	CHECK(!pthread_kill(calling, SIGUSR1));
	usleep(100000);
	fill();
	return NULL;
}

static void a_handler_may_close_what_its_thread_uses(void)
{
	pthread_t helper;

	set_up();
	CHECK(!munmap((void *)bar, BAR_BYTES));
	signal(SIGUSR1, close_it);
	calling = pthread_self();
	CHECK(!pthread_create(&helper, NULL, close_from_a_handler, NULL));
	slow_call(NULL);
	CHECK(!pthread_join(helper, NULL) && ended);
	FAILS(ioctl(v.device, VFIO_DEVICE_RESET), EBADF);
	CHECK(!close(v.group) && !close(v.container));
	vfio_open(&v);
}

static const struct client_case cases[] = {
	CASE(close_waits_for_calls_on_the_file),
	CASE(dup2_waits_for_calls_on_the_file),
	CASE(a_call_does_not_hold_up_other_files),
	CASE(a_handler_may_close_what_its_thread_uses),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
