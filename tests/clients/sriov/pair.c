/* SPDX-License-Identifier: MIT */
/* Virtual functions, their tokens and their number, and several processes. */
#include "pair.h"

#include <pthread.h>
#include <setjmp.h>
#include <sys/syscall.h>

/* ---- A virtual function by itself ---- */

static void a_virtual_function_works(void)
{
	struct vfio v;
	volatile uint8_t *bar;
	uint64_t *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t ids;

	pair_begin();
	v = open_as(2, VF ONE);
	CHECK(v.device >= 0);
	CHECK(pread(v.device, &ids, 4, CONFIG) == 4 && ids == 0x11e81234);
	bar = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, v.device,
	           BAR0);
	CHECK(bar != MAP_FAILED);
	*(volatile uint32_t *)(bar + FACTORIAL) = 5;
	CHECK(*(volatile uint32_t *)(bar + FACTORIAL) == 120);
	bus_master_on(&v);
	map(&v, memory, 0x10000, 3);
	memory[0] = 0x1122334455667788;
	move(bar, 0x10000, BUFFER, 1);
	move(bar, BUFFER, 0x10008, 3);
	CHECK(memory[1] == 0x1122334455667788);
	unmap(&v, 0x10000);
	/* The physical one is another device with a container of its own. */
	CHECK(!try_as(1, PF ONE));
	CHECK(!ioctl(v.device, VFIO_DEVICE_RESET));
	close_all(&v);
	munmap((void *)bar, 1 << 20);
}

static void containers_are_apart(void)
{
	uint64_t *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile uint8_t *bar;
	struct vfio p, v;

	CHECK(!write_to(NUMVFS, "1"));
	p = open_as(1, PF ONE);
	v = open_as(2, VF ONE);
	CHECK(p.device >= 0 && v.device >= 0);
	bar = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, v.device,
	           BAR0);
	CHECK(bar != MAP_FAILED);
	bus_master_on(&v);
	bus_master_on(&p);
	map(&p, memory, 0x10000, 3);
	memory[0] = 7;
	/* Mapped for the physical one alone: a wild-dma of the virtual one. */
	move(bar, BUFFER, 0x10000, 3);
	CHECK(memory[0] == 7);
}

/* ---- Several processes ---- */

static void child_opens(void)
{
	struct vfio v = open_as(2, VF ONE);

	CHECK(v.device >= 0);
	tell(to_parent);
	wait_for(to_child);
	close_all(&v);
}

static void a_child_sees_what_was_written(void)
{
	CHECK(numvfs() == 0);
	CHECK(!system("test ! -e " SYS VF));
	CHECK(!system("echo 2 >" NUMVFS));
	CHECK(numvfs() == 2);
	CHECK(exists(SYS VF) && exists("/dev/vfio/3"));
	CHECK(!system("test -e " SYS PF "/virtfn1/physfn/sriov_numvfs"));
	CHECK(!system("echo 0 >" NUMVFS));
	CHECK(!exists(SYS VF) && !exists("/dev/vfio/2"));
	CHECK(open("/dev/vfio/2", O_RDWR) < 0 && errno == ENOENT);
}

static void use_by_another_process_counts_until_it_dies(void)
{
	pid_t child;

	pair_begin();
	meet_begin();
	child = child_begin(child_opens);
	wait_for(to_parent);
	CHECK(open("/dev/vfio/2", O_RDWR) < 0 && errno == EBUSY);
	CHECK(try_as(1, PF) == -EACCES);
	CHECK(try_as(1, PF TWO) == -EACCES);
	CHECK(try_as(1, PF ONE) == 0);
	kill_child(child);
	CHECK(try_as(1, PF) == 0);
	CHECK(try_as(1, PF TWO) == 0);
	CHECK(try_as(2, VF ONE) == -EACCES);
	CHECK(try_as(2, VF TWO) == 0);
}

static void a_token_outlives_the_process_that_set_it(void)
{
	CHECK(!write_to(NUMVFS, "1"));
	CHECK(try_as(2, VF ONE) == -EACCES);
	CHECK(child_end(child_begin(pair_begin)) == 1 ||
	      numvfs() == 1); /* it wrote 2 over 1 */
	CHECK(!try_as(1, PF ONE));
	CHECK(!try_as(2, VF ONE));
}

static void child_opens_and_gives_back(void)
{
	struct vfio v = open_as(2, VF ONE);
	struct pollfd event = {.events = POLLIN};

	CHECK(v.device >= 0);
	event.fd = eventfd(0, 0);
	on_request(&v, event.fd);
	tell(to_parent);
	CHECK(poll(&event, 1, 60000) == 1);
	CHECK(numvfs() == 2);
	close_all(&v);
	_exit(7);
}

static void another_process_is_asked_for_its_function(void)
{
	pid_t child;

	pair_begin();
	meet_begin();
	child = child_begin(child_opens_and_gives_back);
	wait_for(to_parent);
	CHECK(!write_to(NUMVFS, "0"));
	CHECK(child_end(child) == 7);
	CHECK(numvfs() == 0 && !exists("/dev/vfio/2"));
}

static struct vfio shared;

static void *write_zero(void *unused)
{
	return (void *)(intptr_t)write_to(NUMVFS, "0");
}

static void a_thread_waits_for_its_own_process(void)
{
	struct pollfd event = {.events = POLLIN};
	pthread_t writer;
	void *result;

	pair_begin();
	shared = open_as(2, VF ONE);
	event.fd = eventfd(0, 0);
	on_request(&shared, event.fd);
	CHECK(!pthread_create(&writer, NULL, write_zero, NULL));
	CHECK(poll(&event, 1, 60000) == 1);
	/* Not by another file of the same device either. */
	CHECK(ioctl(shared.group, VFIO_GROUP_GET_DEVICE_FD, VF2) < 0);
	close_all(&shared);
	CHECK(!pthread_join(writer, &result) && !result);
	CHECK(numvfs() == 0);
}

static void child_writes_zero(void)
{
	tell(to_parent);
	_exit(write_to(NUMVFS, "0") ? 3 : 0);
}

static void a_killed_writer_changes_nothing(void)
{
	struct vfio v, w;
	pid_t child;

	pair_begin();
	meet_begin();
	/* The first is free and the second is not. */
	w = open_as(3, VF2 ONE);
	CHECK(w.device >= 0);
	child = child_begin(child_writes_zero);
	wait_for(to_parent);
	usleep(200000);
	kill_child(child);
	CHECK(numvfs() == 2);
	v = open_as(2, VF ONE);
	CHECK(v.device >= 0);
	close_all(&v);
	close_all(&w);
	CHECK(!write_to(NUMVFS, "0") && numvfs() == 0);
	CHECK(!write_to(NUMVFS, "1") && numvfs() == 1);
}

static void a_killed_user_holds_nobody_up(void)
{
	pid_t child, writer;

	pair_begin();
	meet_begin();
	child = child_begin(child_opens);
	wait_for(to_parent);
	writer = child_begin(child_writes_zero);
	wait_for(to_parent);
	usleep(100000);
	CHECK(numvfs() == 2);
	kill_child(child);
	CHECK(child_end(writer) == 0);
	CHECK(numvfs() == 0);
}

static volatile sig_atomic_t handled;

static void count(int number)
{
	handled++;
}

static void child_writes_zero_and_is_interrupted(void)
{
	struct sigaction act = {.sa_handler = count};

	CHECK(!sigaction(SIGALRM, &act, NULL));
	CHECK(!write_to(NUMVFS, "0"));
	/* It came meanwhile, and the write went on. */
	CHECK(handled == 1);
	_exit(5);
}

static void a_signal_does_not_end_the_wait(void)
{
	struct pollfd asked = {.events = POLLIN};
	pid_t child;

	pair_begin();
	shared = open_as(2, VF ONE);
	CHECK((asked.fd = eventfd(0, 0)) >= 0);
	on_request(&shared, asked.fd);
	child = child_begin(child_writes_zero_and_is_interrupted);
	/* Whoever asks has looked, and waits. */
	CHECK(poll(&asked, 1, 60000) == 1);
	CHECK(!kill(child, SIGALRM));
	usleep(4000000); /* it may end, wrongly; complains after 100 x 10 ms */
	CHECK(numvfs() == 2);
	CHECK(!waitpid(child, NULL, WNOHANG));
	close_all(&shared);
	CHECK(child_end(child) == 5);
	CHECK(numvfs() == 0);
}

static sigjmp_buf out;

static void jump(int number)
{
	siglongjmp(out, number);
}

/* The handler waits for the call: it leaves no claim behind. */
static void child_jumps_out_of_the_wait(void)
{
	CHECK(signal(SIGALRM, jump) != SIG_ERR);
	alarm(1);
	if (!sigsetjmp(out, 1))
		for (;;)
			write_to(NUMVFS, "0");
	CHECK(numvfs() == 0);
	CHECK(!write_to(NUMVFS, "2"));
	_exit(6);
}

static void a_handler_may_jump_out_of_the_wait(void)
{
	pid_t child;

	pair_begin();
	shared = open_as(2, VF ONE);
	child = child_begin(child_jumps_out_of_the_wait);
	usleep(2000000);
	CHECK(numvfs() == 2);
	close_all(&shared);
	CHECK(child_end(child) == 6);
	CHECK(numvfs() == 2);
	CHECK(!write_to(NUMVFS, "0"));
}

static void child_has_the_descriptor(void)
{
	CHECK(ioctl(shared.device, VFIO_DEVICE_RESET) < 0 && errno == ENODEV);
	CHECK(numvfs() == 2);
	CHECK(try_as(1, PF) == -EACCES);
	close(shared.device);
	close(shared.group);
}

static void a_fork_neither_takes_nor_gives_a_function(void)
{
	pair_begin();
	shared = open_as(2, VF ONE);
	CHECK(child_end(child_begin(child_has_the_descriptor)) == 0);
	CHECK(!ioctl(shared.device, VFIO_DEVICE_RESET));
	CHECK(try_as(1, PF) == -EACCES);
	close_all(&shared);
	CHECK(try_as(1, PF) == 0);
}

/* A child made past every wrapper has copies of all descriptors. */
static void a_child_that_nobody_knows_holds_nothing(void)
{
#ifdef SYS_fork
	long child;

	pair_begin();
	shared = open_as(2, VF ONE);
	child = syscall(SYS_fork);
	if (!child)
		for (;;)
			pause();
	CHECK(try_as(1, PF) == -EACCES);
	close_all(&shared);
	CHECK(try_as(1, PF) == 0);
	CHECK(!write_to(NUMVFS, "0") && !write_to(NUMVFS, "1"));
	kill_child(child);
#endif
}

/* ---- Races ---- */

#define RACERS 4
#define ROUNDS 150

static void child_races(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ROUNDS; i++) {
		error = write_to(NUMVFS, i & 1          ? "0"
		                         : getpid() & 1 ? "1"
		                                        : "2");
		CHECK(!error || error == EBUSY);
		error = try_as(1, getpid() & 1 ? PF ONE : PF TWO);
		CHECK(!error || error == -EACCES);
	}
}

/* The group of the physical function is one process's at a time. */
static void child_races_alone(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < 4 * ROUNDS; i++) {
		error = write_to(NUMVFS, i & 1          ? "0"
		                         : getpid() & 1 ? "1"
		                                        : "2");
		CHECK(!error || error == EBUSY);
	}
}

static void child_races_for_ever(void)
{
	for (;;)
		child_races_alone();
}

static void writers_race_and_agree(void)
{
	pid_t child[RACERS];
	unsigned int i;

	for (i = 0; i < RACERS; i++)
		child[i] = child_begin(child_races_alone);
	for (i = 0; i < RACERS; i++)
		CHECK(child_end(child[i]) == 0);
	CHECK(!write_to(NUMVFS, "0"));
	CHECK(!write_to(NUMVFS, "2") && exists(SYS VF2));
}

/* Who has set it is alone until he sets it back. */
static void take_turns(const char *number)
{
	unsigned int i;
	int error;

	for (i = 0; i < 10 * ROUNDS; i++) {
		do
			error = write_to(NUMVFS, number);
		while (error == EBUSY);
		CHECK(!error);
		CHECK(numvfs() == atoi(number));
		CHECK(!write_to(NUMVFS, "0"));
	}
}

static void child_takes_turns(void)
{
	take_turns("1");
}

static void a_number_that_was_set_is_not_written_over(void)
{
	pid_t child = child_begin(child_takes_turns);

	take_turns("2");
	CHECK(child_end(child) == 0);
}

static void child_opens_again_and_again(void)
{
	struct vfio v;
	char path[] = "/dev/vfio/2";

	for (;;) {
		v.group = open(path, O_RDWR);
		if (v.group < 0)
			continue;
		v.container = open(CONTAINER, O_RDWR);
		CHECK(v.container >= 0);
		if (!ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container) &&
		    !ioctl(v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) {
			v.device = ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD,
			                 VF ONE);
			CHECK(v.device >= 0 || errno == ENODEV);
			if (v.device >= 0) {
				CHECK(!ioctl(v.device, VFIO_DEVICE_RESET));
				close(v.device);
			}
		}
		close(v.group);
		close(v.container);
	}
}

static void opens_race_with_going(void)
{
	pid_t child, racer;
	unsigned int i;

	pair_begin();
	child = child_begin(child_opens_again_and_again);
	for (i = 0; i < 100; i++) {
		CHECK(!write_to(NUMVFS, "0"));
		CHECK(!write_to(NUMVFS, "2"));
	}
	kill_child(child);
	/* With a writer that is killed anywhere. */
	for (i = 0; i < 20; i++) {
		racer = child_begin(child_races_for_ever);
		usleep(3000 + 700 * i);
		kill_child(racer);
	}
	CHECK(!write_to(NUMVFS, "0"));
	CHECK(!write_to(NUMVFS, "2") && numvfs() == 2);
	CHECK(try_as(1, PF ONE) == 0);
}

static void tokens_race(void)
{
	unsigned int i;
	pid_t child;
	int error;

	CHECK(!write_to(NUMVFS, "0"));
	child = child_begin(child_races);
	for (i = 0; i < ROUNDS; i++) {
		error = write_to(NUMVFS, "2");
		CHECK(!error || error == EBUSY);
	}
	CHECK(child_end(child) == 0);
}

/* ---- Without the tool ---- */

/* Ends the program; its grandchild goes on when the tool has gone. */
static void a_daemon_keeps_what_there_is(void)
{
	const char *log = getenv("DAEMON_LOG");
	pid_t tool = getppid();
	FILE *out;

	CHECK(!write_to(NUMVFS, "2") && log);
	if (fork())
		return;
	setsid();
	/* Who reads what the program says waits for its end only. */
	for (int fd = 0; fd < 3; fd++)
		CHECK(dup2(open("/dev/null", O_RDWR), fd) == fd);
	while (!kill(tool, 0))
		usleep(10000);
	CHECK((out = fopen(log, "w")));
	fprintf(out, "%d", numvfs());
	fprintf(out, " %d", write_to(NUMVFS, "0"));
	fprintf(out, " %d", numvfs());
	fflush(out);
	if (!fork()) {
		fprintf(out, " %d", write_to(NUMVFS, "1"));
		fclose(out);
		_exit(0);
	}
	wait(NULL);
	fprintf(out, " %d", numvfs());
	fclose(out);
	CHECK(dup2(open(log, O_WRONLY | O_APPEND), 1) == 1);
	CHECK(dup2(1, 2) == 2);
	execl("/bin/cat", "cat", NUMVFS, (char *)NULL);
}

/* Children that live on, made by one thread while another takes and gives. */
#define CHILDREN 200

static int alive[2];

static void *make_children(void *done)
{
	char c;
	int i;

	for (i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child) {
			close(alive[1]);
			close(to_parent[1]);
			CHECK(read(alive[0], &c, 1) == 0);
			_exit(0);
		}
	}
	*(volatile int *)done = 1;
	return NULL;
}

static void child_opens_and_forks(void)
{
	struct vfio v = open_as(2, VF ONE);
	volatile int done = 0;
	pthread_t thread;

	CHECK(!close(alive[1]));
	CHECK(!pthread_create(&thread, NULL, make_children, (void *)&done));
	while (!done) {
		CHECK(!close(v.device));
		v.device = ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, VF ONE);
		CHECK(v.device >= 0);
	}
	tell(to_parent);
	pause();
}

static void children_of_a_killed_user_hold_nothing(void)
{
	pid_t child;

	pair_begin();
	meet_begin();
	CHECK(!pipe(alive));
	child = child_begin(child_opens_and_forks);
	CHECK(!close(to_parent[1]));
	wait_for(to_parent);
	kill_child(child);
	alarm(60);
	CHECK(!write_to(NUMVFS, "0"));
	CHECK(numvfs() == 0);
}

static const struct client_case cases[] = {
	CASE(a_virtual_function_works),
	CASE(containers_are_apart),
	CASE(a_child_sees_what_was_written),
	CASE(use_by_another_process_counts_until_it_dies),
	CASE(a_token_outlives_the_process_that_set_it),
	CASE(another_process_is_asked_for_its_function),
	CASE(a_thread_waits_for_its_own_process),
	CASE(a_killed_writer_changes_nothing),
	CASE(a_killed_user_holds_nobody_up),
	CASE(a_signal_does_not_end_the_wait),
	CASE(a_handler_may_jump_out_of_the_wait),
	CASE(a_fork_neither_takes_nor_gives_a_function),
	CASE(a_child_that_nobody_knows_holds_nothing),
	CASE(writers_race_and_agree),
	CASE(a_number_that_was_set_is_not_written_over),
	CASE(opens_race_with_going),
	CASE(tokens_race),
	CASE(children_of_a_killed_user_hold_nothing),
	CASE(a_daemon_keeps_what_there_is),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
