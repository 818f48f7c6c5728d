/* SPDX-License-Identifier: MIT */
/*
 * The program's own use of SIGSEGV, SIGBUS and masks, while both signals are
 * used by ioas. Each case runs with a BAR mapped before or after, as it says.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <ucontext.h>

#include "client.h"

typedef void handler(int);

handler *bsd_signal(int, handler *);
handler *ssignal(int, handler *);
handler *sysv_signal(int, handler *);
handler *__sysv_signal(int, handler *);
int __sigaction(int, const struct sigaction *, struct sigaction *);

#define BAD ((volatile int *)8)

static volatile uint8_t *bar;
static sigjmp_buf out;
static volatile sig_atomic_t calls;
static void *volatile caught_at;
static volatile int caught_code;

static void open_bar(void)
{
	struct vfio v;

	vfio_open(&v);
	bar = map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES);
	check_bar(bar, 1);
}

static void jump_out(int number, siginfo_t *info, void *context)
{
	(void)context;
	calls++;
	caught_at = info->si_addr;
	caught_code = info->si_code;
	check_bar(bar, 100 + (uint64_t)calls);
	siglongjmp(out, number);
}

static void plain(int number)
{
	(void)number;
	calls++;
	siglongjmp(out, 1);
}

static void set_action(int number, void *function, int flags)
{
	struct sigaction act = {.sa_flags = flags};

	act.sa_handler = (handler *)function;
	sigemptyset(&act.sa_mask);
	sigaddset(&act.sa_mask, SIGUSR2);
	CHECK(!sigaction(number, &act, NULL));
}

static void check_catches(void)
{
	int before = calls;

	if (!sigsetjmp(out, 1))
		*BAD = 1;
	CHECK(calls == before + 1);
}

static void a_handler_set_before_the_bar_is_called(void)
{
	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO);
	open_bar();
	check_catches();
	CHECK(caught_at == BAD && caught_code == SEGV_MAPERR);
	check_catches();
	check_bar(bar, 2);
}

static void a_handler_set_after_the_bar_is_called(void)
{
	open_bar();
	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO);
	check_catches();
	CHECK(caught_at == BAD);
	check_catches();
	set_action(SIGSEGV, (void *)plain, 0);
	check_catches();
	check_bar(bar, 3);
}

static void actions_read_back(void)
{
	struct sigaction old;

	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO | SA_RESTART);
	open_bar();
	CHECK(!sigaction(SIGSEGV, NULL, &old));
	CHECK(old.sa_sigaction == jump_out);
	CHECK((old.sa_flags & (SA_SIGINFO | SA_RESTART | SA_ONSTACK)) ==
	      (SA_SIGINFO | SA_RESTART));
	CHECK(sigismember(&old.sa_mask, SIGUSR2) == 1);
	CHECK(!sigismember(&old.sa_mask, SIGUSR1));
	CHECK(!__sigaction(SIGBUS, NULL, &old) && old.sa_handler == SIG_DFL);
}

static void every_old_call_sets_a_handler(void)
{
	open_bar();
	CHECK(signal(SIGSEGV, plain) == SIG_DFL);
	check_catches();
	CHECK(bsd_signal(SIGSEGV, SIG_DFL) == plain);
	CHECK(ssignal(SIGSEGV, plain) == SIG_DFL);
	check_catches();
	/* Once, then the default. */
	CHECK(sysv_signal(SIGSEGV, plain) == plain);
	check_catches();
	CHECK(__sysv_signal(SIGSEGV, plain) == SIG_DFL);
	check_catches();
	CHECK(sigset(SIGSEGV, plain) == SIG_DFL);
	check_catches();
	CHECK(sigset(SIGSEGV, SIG_HOLD) == plain);
	CHECK(sigset(SIGSEGV, plain) == SIG_HOLD);
	CHECK(!sigignore(SIGSEGV));
	CHECK(signal(SIGSEGV, SIG_DFL) == SIG_IGN);
	check_bar(bar, 4);
}

static void fault(void)
{
	*BAD = 1;
}

static void ignore_and_fault(void)
{
	signal(SIGSEGV, SIG_IGN);
	fault();
}

static void reset_and_fault_twice(void)
{
	set_action(SIGSEGV, (void *)plain, (int)SA_RESETHAND);
	check_catches();
	fault();
}

static void end_with_5(int number)
{
	(void)number;
	_exit(5);
}

static void handle_and_fault(void)
{
	set_action(SIGSEGV, (void *)end_with_5, 0);
	fault();
}

/* The kernel does not wait for the mask: the program ends. */
static void block_and_fault(void)
{
	sigset_t set;

	set_action(SIGSEGV, (void *)end_with_5, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fault();
}

/* The signal is blocked in its own handler: a fault there is the end. */
static void fault_again(int number)
{
	(void)number;
	if (++calls > 3)
		_exit(6);
	*BAD = 1;
}

static void fault_in_the_handler(void)
{
	set_action(SIGSEGV, (void *)fault_again, 0);
	fault();
}

/* With the handler left by siglongjmp before: a deeper fault is a new one. */
static void __attribute__((noinline)) fault_deeper(int depth)
{
	volatile char room[512];

	memset((char *)room, depth, sizeof(room));
	if (depth)
		fault_deeper(depth - 1);
	else
		check_catches();
	room[0] = 0;
}

static void fault_after_leaving(void)
{
	int depth;

	set_action(SIGSEGV, (void *)plain, 0);
	for (depth = 0; depth < 64; depth++)
		fault_deeper(depth);
	_exit(7);
}

/* Nearly used up by the signal's frame alone: the end, and not for ever. */
static void fault_on_a_small_stack(void)
{
	static char small[4096] __attribute__((aligned(64)));
	stack_t alternate = {.ss_sp = small, .ss_size = sizeof(small)};

	if (sigaltstack(&alternate, NULL))
		raise(SIGSEGV); /* this kernel's frame does not even fit */
	fault();
}

static void send_segv(void)
{
	kill(getpid(), SIGSEGV);
}

static void send_bus(void)
{
	raise(SIGBUS);
}

static void overrun_file(void)
{
	char name[] = "/tmp/ioas-signals-XXXXXX";
	int fd = mkstemp(name);
	volatile char *at;

	unlink(name);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	(void)*at;
}

/* In a child that has its own view: the handlers are inherited. */
static void a_fault_ends_the_program_as_without_ioas(void)
{
	open_bar();
	CHECK(run_child(fault) == -SIGSEGV);
	CHECK(run_child(ignore_and_fault) == -SIGSEGV);
	CHECK(run_child(reset_and_fault_twice) == -SIGSEGV);
	CHECK(run_child(handle_and_fault) == 5);
	CHECK(run_child(block_and_fault) == -SIGSEGV);
	CHECK(run_child(fault_in_the_handler) == -SIGSEGV);
	CHECK(run_child(fault_after_leaving) == 7);
	CHECK(run_child(fault_on_a_small_stack) == -SIGSEGV);
	CHECK(run_child(send_segv) == -SIGSEGV);
	CHECK(run_child(send_bus) == -SIGBUS);
	CHECK(run_child(overrun_file) == -SIGBUS);
	CHECK(run_child(abort) == -SIGABRT);
}

static void a_signal_that_is_sent_arrives(void)
{
	open_bar();
	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO);
	if (!sigsetjmp(out, 1))
		kill(getpid(), SIGSEGV);
	CHECK(calls == 1 && caught_code == SI_USER);
	signal(SIGSEGV, SIG_IGN);
	CHECK(!kill(getpid(), SIGSEGV));
	check_bar(bar, 5);
}

/* A handler that repairs what it can, and returns. */
static void repair(int number, siginfo_t *info, void *context)
{
	sigset_t now;

	(void)number;
	(void)context;
	calls++;
	/* SIGUSR2 is in its sa_mask. */
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR2) == 1 && !sigismember(&now, SIGUSR1));
	mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096,
	         PROT_READ | PROT_WRITE);
}

static void a_handler_may_repair_and_return(void)
{
	volatile int *page =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigset_t now;

	open_bar();
	set_action(SIGSEGV, (void *)repair, SA_SIGINFO);
	*page = 7;
	CHECK(*page == 7 && calls == 1);
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(!sigismember(&now, SIGUSR2));
}

static void masks_read_back(void)
{
	sigset_t all, now, none;

	sigfillset(&all);
	sigemptyset(&none);
	open_bar();
	CHECK(!sigprocmask(SIG_SETMASK, &all, NULL));
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGSEGV) == 1 && sigismember(&now, SIGBUS));
	check_bar(bar, 6);
	CHECK(!pthread_sigmask(SIG_UNBLOCK, &all, &now));
	CHECK(sigismember(&now, SIGSEGV) == 1);
	CHECK(!sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(!sigismember(&now, SIGSEGV) && !sigismember(&now, SIGUSR1));
	CHECK(!sighold(SIGBUS) && !sigprocmask(SIG_SETMASK, &none, &now));
	CHECK(sigismember(&now, SIGBUS) == 1 && !sigismember(&now, SIGSEGV));
	CHECK(!sigrelse(SIGBUS));
	CHECK(sigblock(sigmask(SIGSEGV)) == 0);
	CHECK(sigsetmask(0) == (int)sigmask(SIGSEGV));
	CHECK(pthread_sigmask(99, &all, NULL) == EINVAL);
	FAILS(sigprocmask(99, &all, NULL), EINVAL);
	CHECK(!sigprocmask(SIG_SETMASK, NULL, &now));
	CHECK(!sigismember(&now, SIGSEGV));
}

static void *block_all(void *argument)
{
	sigset_t all;

	(void)argument;
	sigfillset(&all);
	CHECK(!pthread_sigmask(SIG_SETMASK, &all, NULL));
	check_bar(bar, 7);
	return NULL;
}

static void masks_belong_to_threads(void)
{
	pthread_t thread;
	sigset_t now;

	open_bar();
	CHECK(!pthread_create(&thread, NULL, block_all, NULL));
	CHECK(!pthread_join(thread, NULL));
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(!sigismember(&now, SIGSEGV));
}

/* Blocked before anything of VFIO was there. */
static void masks_from_before_do_not_matter(void)
{
	sigset_t all, now;

	sigfillset(&all);
	CHECK(!sigprocmask(SIG_SETMASK, &all, NULL));
	open_bar();
	CHECK(!sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGSEGV) == 1);
}

static void touch(int number)
{
	(void)number;
	calls++;
	check_bar(bar, 200 + (uint64_t)calls);
}

/* Runs SIGUSR1's handler, which touches the BAR, under a full mask. */
static void handlers_under_a_full_mask_reach_the_bar(void)
{
	struct timespec soon = {5, 0};
	struct sigaction act = {.sa_handler = touch}, old;
	struct epoll_event event;
	sigset_t all, only;
	int epoll = epoll_create1(0);

	open_bar();
	sigfillset(&act.sa_mask);
	CHECK(!sigaction(SIGUSR1, &act, NULL));
	CHECK(!sigaction(SIGUSR1, NULL, &old));
	CHECK(sigismember(&old.sa_mask, SIGSEGV) == 1);
	CHECK(sigismember(&old.sa_mask, SIGUSR2) == 1);
	CHECK(!raise(SIGUSR1) && calls == 1);
	sigfillset(&all);
	sigdelset(&all, SIGUSR1);
	sigemptyset(&only);
	sigaddset(&only, SIGUSR1);
	CHECK(!sigprocmask(SIG_BLOCK, &only, NULL));
	raise(SIGUSR1);
	FAILS(sigsuspend(&all), EINTR);
	raise(SIGUSR1);
	FAILS(pselect(0, NULL, NULL, NULL, &soon, &all), EINTR);
	raise(SIGUSR1);
	FAILS(ppoll(NULL, 0, &soon, &all), EINTR);
	raise(SIGUSR1);
	FAILS(epoll_pwait(epoll, &event, 1, 5000, &all), EINTR);
	raise(SIGUSR1);
	FAILS(epoll_pwait2(epoll, &event, 1, &soon, &all), EINTR);
	CHECK(calls == 6);
}

/* The handlers run on an alternate stack, which no fault may write over. */
static char alternate[64 << 10];
static volatile int depth;

static void deep(int number, siginfo_t *info, void *context)
{
	volatile char guard[512];
	stack_t now;
	unsigned int i;

	(void)number;
	(void)info;
	(void)context;
	memset((void *)guard, 0x5a, sizeof(guard));
	CHECK((char *)guard > alternate &&
	      (char *)guard < alternate + sizeof(alternate));
	check_bar(bar, 300);
	if (depth++ == 0)
		raise(SIGUSR1);
	for (i = 0; i < sizeof(guard); i++)
		CHECK(guard[i] == 0x5a);
	CHECK(!sigaltstack(NULL, &now) && now.ss_sp == alternate);
}

static void an_alternate_stack_is_left_alone(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	stack_t now;

	open_bar();
	CHECK(!sigaltstack(&stack, NULL));
	check_bar(bar, 8);
	CHECK(!sigaltstack(NULL, &now));
	CHECK(now.ss_sp == alternate && now.ss_size == sizeof(alternate));
	set_action(SIGUSR1, (void *)deep, SA_SIGINFO | SA_ONSTACK | SA_NODEFER);
	raise(SIGUSR1);
	CHECK(depth == 2);
	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO | SA_ONSTACK);
	check_catches();
	check_catches();
	/* A fault on the BAR itself that is the program's, and a jump out. */
	CHECK(!mprotect((void *)(bar + 4096), 4096, PROT_NONE));
	set_action(SIGSEGV, (void *)plain, SA_ONSTACK);
	if (!sigsetjmp(out, 1))
		bar[4096] = 1;
	CHECK(!sigaltstack(NULL, &now));
	CHECK(now.ss_sp == alternate && !(now.ss_flags & SS_DISABLE));
	check_bar(bar, 9);
}

static int overflow(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = above[0];
	return overflow(frame) + frame[0];
}

static void a_stack_overflow_is_caught_on_the_alternate_stack(void)
{
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	char start = 0;

	open_bar();
	CHECK(!sigaltstack(&stack, NULL));
	set_action(SIGSEGV, (void *)jump_out, SA_SIGINFO | SA_ONSTACK);
	if (!sigsetjmp(out, 1))
		overflow(&start);
	CHECK(calls == 1);
}

/* A timer that goes off in the middle of register accesses. */
static void timers_do_not_disturb_accesses(void)
{
	struct timeval often = {0, 200};
	struct itimerval timer = {often, often};
	uint64_t i;

	open_bar();
	signal(SIGALRM, touch);
	CHECK(!setitimer(ITIMER_REAL, &timer, NULL));
	for (i = 0; i < 100000; i++)
		put(bar, ACQ, i << 12);
	CHECK(get(bar, ACQ) == (i - 1) << 12);
	memset(&timer, 0, sizeof(timer));
	CHECK(!setitimer(ITIMER_REAL, &timer, NULL));
	CHECK(calls > 3);
}

/* ---- A handler that is left while a call on a file was interrupted ---- */

static struct vfio interrupted;

static void *close_all(void *unused)
{
	CHECK(!close(interrupted.device));
	CHECK(!close(interrupted.group));
	CHECK(!close(interrupted.container));
	return unused;
}

static void calls_without_end(void)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	uint32_t ids;

	for (;;) {
		CHECK(!ioctl(interrupted.device, VFIO_DEVICE_GET_INFO, &info));
		CHECK(pread(interrupted.device, &ids, 4, CONFIG) == 4);
	}
}

/* Every call is over before a handler runs: none is left half done. */
static void a_handler_may_jump_out_of_calls(void)
{
	struct timeval often = {0, 200};
	struct itimerval timer = {often, often};
	pthread_t other;

	vfio_open(&interrupted);
	signal(SIGALRM, plain);
	CHECK(!setitimer(ITIMER_REAL, &timer, NULL));
	if (sigsetjmp(out, 1) < 1 || calls < 300)
		calls_without_end();
	memset(&timer, 0, sizeof(timer));
	CHECK(!setitimer(ITIMER_REAL, &timer, NULL));
	/* Who closes waits for calls that run: none does. */
	CHECK(!pthread_create(&other, NULL, close_all, NULL));
	CHECK(!pthread_join(other, NULL));
	CHECK(open(GROUP, O_RDWR) >= 0);
}

static const struct client_case cases[] = {
	CASE(a_handler_set_before_the_bar_is_called),
	CASE(a_handler_set_after_the_bar_is_called),
	CASE(actions_read_back),
	CASE(every_old_call_sets_a_handler),
	CASE(a_fault_ends_the_program_as_without_ioas),
	CASE(a_signal_that_is_sent_arrives),
	CASE(a_handler_may_repair_and_return),
	CASE(masks_read_back),
	CASE(masks_belong_to_threads),
	CASE(masks_from_before_do_not_matter),
	CASE(handlers_under_a_full_mask_reach_the_bar),
	CASE(an_alternate_stack_is_left_alone),
	CASE(a_stack_overflow_is_caught_on_the_alternate_stack),
	CASE(timers_do_not_disturb_accesses),
	CASE(a_handler_may_jump_out_of_calls),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
