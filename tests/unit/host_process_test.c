/* SPDX-License-Identifier: MIT */
/*
 * Memory of another process: src/host/process.c. The other one is a child that
 * does what it is told by a pipe, and answers; its memory is where the parent
 * has the same, with other bytes in it.
 */
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "failing_call.h"
#include "host/members.h"
#include "sva_rig.h"

#define NOBODY 65534

/* What the child is told. */
enum order {
	FILL,      /* all pages: 'c' */
	SHOW,      /* answer the first byte of each page */
	READ_ONLY, /* the second page */
	UNMAP,     /* the third */
	EXEC,      /* another program */
};

struct child {
	pid_t pid;
	int orders[2], answers[2];
	char *memory; /* three pages */
	size_t page;
};

static char obey(const struct child *c, enum order order)
{
	switch (order) {
	case FILL:
		memset(c->memory, 'c', 3 * c->page);
		return 0;
	case SHOW:
		return c->memory[0];
	case READ_ONLY:
		return (char)mprotect(c->memory + c->page, c->page, PROT_READ);
	case UNMAP:
		return (char)munmap(c->memory + 2 * c->page, c->page);
	case EXEC:
		execl("/bin/sleep", "sleep", "600", (char *)NULL);
		return 1;
	}
	return 1;
}

static void live(const struct child *c)
{
	enum order order;
	char answer;

	while (read(c->orders[0], &order, sizeof(order)) == sizeof(order)) {
		answer = obey(c, order);
		if (write(c->answers[1], &answer, 1) != 1)
			break;
	}
	_exit(0);
}

static void tell(const struct child *c, enum order order)
{
	assert_int_equal(write(c->orders[1], &order, sizeof(order)),
	                 sizeof(order));
}

static char order(const struct child *c, enum order order)
{
	char answer;

	tell(c, order);
	assert_int_equal(read(c->answers[0], &answer, 1), 1);
	return answer;
}

static void reap(struct child *c)
{
	int status;

	if (c->pid <= 0)
		return;
	kill(c->pid, SIGKILL);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	c->pid = 0;
}

static void end_child(void *arg)
{
	struct child *c = arg;

	reap(c);
	close(c->orders[0]);
	close(c->orders[1]);
	close(c->answers[0]);
	close(c->answers[1]);
}

static void begin_child(struct rig *r, struct child *c)
{
	c->page = rig_page();
	c->memory = rig_memory(r, 3 * c->page);
	memset(c->memory, 'p', 3 * c->page);
	assert_int_equal(pipe(c->orders), 0);
	assert_int_equal(pipe(c->answers), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (!c->pid) {
		close(c->orders[1]);
		live(c);
	}
	rig_defer(r, end_child, c);
	assert_int_equal(order(c, FILL), 0);
}

struct bench {
	struct child child;
	const struct ioas_sva_memory *memory;
	struct ioas_sva *sva;
	struct ioas_sva_mm *mm;
	struct device d;
	uint32_t pasid;
};

static void destroy_memory(void *memory)
{
	ioas_sva_process_destroy(memory);
}

static void begin(struct rig *r, struct bench *b)
{
	struct ioas_sva_mm_config config = {0};

	if (rig_emulated())
		rig_skip("emulation has no pidfd_open(2)");
	begin_child(r, &b->child);
	rig_ok(r, ioas_sva_process_create(b->child.pid, &b->memory));
	rig_defer(r, destroy_memory, (void *)(uintptr_t)b->memory);
	b->sva = sva_new(r, 20);
	config.memory = b->memory;
	rig_ok(r, ioas_sva_mm_create(b->sva, &config, &b->mm));
	rig_defer(r, RIG_CALL(ioas_sva_mm_destroy), b->mm);
	device_new(r, b->sva, 20, 8, &b->d);
	b->pasid = bind_new(r, &b->d, b->mm);
}

static uint64_t at(const struct bench *b, unsigned int page)
{
	return address_of(b->child.memory + page * b->child.page);
}

static int get(struct bench *b, unsigned int page, char *ret_byte)
{
	return ioas_sva_read(b->d.dev, b->pasid, at(b, page), ret_byte, 1);
}

static int put(struct bench *b, unsigned int page, char byte)
{
	return ioas_sva_write(b->d.dev, b->pasid, at(b, page), &byte, 1);
}

static void a_device_works_on_another_processs_addresses(struct rig *r)
{
	char byte = 0, many[64];
	static struct bench b;

	begin(r, &b);
	rig_ok(r, get(&b, 0, &byte));
	assert_int_equal(byte, 'c');
	rig_ok(r, put(&b, 0, 'd'));
	assert_int_equal(order(&b.child, SHOW), 'd');
	assert_int_equal(b.child.memory[0], 'p');
	rig_ok(r, ioas_sva_read(b.d.dev, b.pasid, at(&b, 1) - 32, many, 64));
	assert_int_equal(many[0], 'c');
	assert_int_equal(many[63], 'c');
}

static void SVA_6_what_that_process_may_not_do_is_refused(struct rig *r)
{
	char byte = 0;
	static struct bench b;

	begin(r, &b);
	rig_ok(r, put(&b, 1, 'd'));
	assert_int_equal(order(&b.child, READ_ONLY), 0);
	assert_int_equal(order(&b.child, UNMAP), 0);
	rig_fails(r, put(&b, 1, 'e'), -EFAULT);
	rig_ok(r, get(&b, 1, &byte));
	assert_int_equal(byte, 'd');
	rig_fails(r, get(&b, 2, &byte), -EFAULT);
	rig_fails(r, put(&b, 2, 'e'), -EFAULT);
	/* It goes on where it may. */
	rig_ok(r, put(&b, 0, 'e'));
}

static enum ioas_page_response answer_to(struct bench *b, unsigned int page,
                                         unsigned int perm)
{
	const struct ioas_page_request request = {at(b, page), b->pasid, perm,
	                                          1, true};
	unsigned int n = b->d.responses;

	assert_int_equal(ioas_sva_request(b->d.dev, &request), 0);
	assert_int_equal(ioas_sva_serve(b->sva, 9), 1);
	assert_int_equal(b->d.responses, n + 1);
	return b->d.note[n].response;
}

static void page_requests_are_answered_by_its_mappings(struct rig *r)
{
	static struct bench b;

	begin(r, &b);
	assert_int_equal(order(&b.child, READ_ONLY), 0);
	assert_int_equal(order(&b.child, UNMAP), 0);
	assert_int_equal(answer_to(&b, 0, RW), IOAS_PAGE_SUCCESS);
	assert_int_equal(answer_to(&b, 1, IOAS_READ), IOAS_PAGE_SUCCESS);
	assert_int_equal(answer_to(&b, 1, IOAS_WRITE), IOAS_PAGE_INVALID);
	assert_int_equal(answer_to(&b, 2, IOAS_READ), IOAS_PAGE_INVALID);
	reap(&b.child);
	assert_int_equal(answer_to(&b, 0, IOAS_READ), IOAS_PAGE_INVALID);
}

static void SVA_4_a_process_that_ended_is_not_touched(struct rig *r)
{
	char byte = 'n';
	static struct bench b;

	begin(r, &b);
	reap(&b.child);
	rig_fails(r, get(&b, 0, &byte), -ESRCH);
	rig_fails(r, put(&b, 0, 'e'), -ESRCH);
	rig_ok(r, ioas_sva_unbind(b.d.dev, b.pasid));
}

/* The same number, and another address space. */
static void SVA_4_a_process_that_runs_another_program_has_ended(struct rig *r)
{
	char byte, one = 1;
	static struct bench b;

	begin(r, &b);
	/* The pipe ends when the program is replaced, but for its copies. */
	close(b.child.answers[1]);
	b.child.answers[1] = -1;
	tell(&b.child, EXEC);
	while (b.memory->read(b.memory, at(&b, 0), &one, 1) != -ESRCH)
		ioas_hooks.relax(20);
	assert_int_equal(one, 0);
	rig_fails(r, get(&b, 0, &byte), -ESRCH);
	rig_fails(r, put(&b, 0, 'e'), -ESRCH);
}

static void SVA_1_a_process_is_known_whoever_asks(struct rig *r)
{
	struct ioas_sva_mm_config config = {0};
	const struct ioas_sva_memory *again;
	struct ioas_sva_mm *none = NULL;
	static struct bench b;

	begin(r, &b);
	rig_ok(r, ioas_sva_process_create(b.child.pid, &again));
	rig_defer(r, destroy_memory, (void *)(uintptr_t)again);
	config.memory = again;
	rig_fails(r, ioas_sva_mm_create(b.sva, &config, &none), -EEXIST);
	assert_null(none);
}

/* ---- Who may. ---- */

static int creation(void *arg)
{
	const struct ioas_sva_memory *memory = NULL;
	int rc = ioas_sva_process_create(*(pid_t *)arg, &memory);

	ioas_sva_process_destroy(memory);
	return -rc;
}

static int child_of(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn(arg));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* covers: ioas_sva_process_create -EINVAL, ioas_sva_process_create -ESRCH */
static void only_another_process_that_is_there_can_be_had(struct rig *r)
{
	const struct ioas_sva_memory *none = NULL;
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rig_fails(r, ioas_sva_process_create(pid, &none), -ESRCH);
	rig_fails(r, ioas_sva_process_create(0, &none), -EINVAL);
	rig_fails(r, ioas_sva_process_create(-1, &none), -EINVAL);
	rig_fails(r, ioas_sva_process_create(getpid(), &none), -EINVAL);
	assert_null(none);
	ioas_sva_process_destroy(NULL);
}

static int creation_as_nobody(void *arg)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 1;
	return creation(arg);
}

/* covers: ioas_sva_process_create -EPERM */
static void another_users_process_is_refused(struct rig *r)
{
	static struct child c;

	if (getuid() != 0)
		rig_skip("it takes root to be two users");
	begin_child(r, &c);
	assert_int_equal(child_of(creation_as_nobody, &c.pid), EPERM);
}

static void what_refuses_a_process_is_said(struct rig *r)
{
	const char *const any = ioas_host_not_allowed('0');
	char scope;

	assert_non_null(strstr(any, "another user's"));
	assert_ptr_equal(ioas_host_not_allowed(0), any);
	assert_ptr_equal(ioas_host_not_allowed('9'), any);
	for (scope = '1'; scope <= '3'; scope++) {
		const char *text = ioas_host_not_allowed(scope);
		const char *found = strstr(text, "ptrace_scope is ");

		assert_non_null(found);
		assert_int_equal(found[strlen("ptrace_scope is ")], scope);
	}
}

static int creation_without_descriptors(void *arg)
{
	struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_NOFILE, &none) ? 1 : creation(arg);
}

static bool is_enosys(void *arg)
{
	return creation(arg) == ENOSYS;
}

static bool is_enfile(void *arg)
{
	return creation(arg) == ENFILE;
}

static bool is_enomem(void *arg)
{
	return creation(arg) == ENOMEM;
}

static bool is_eperm(void *arg)
{
	return creation(arg) == EPERM;
}

/*
 * covers: ioas_sva_process_create -EMFILE, ioas_sva_process_create -ENFILE
 * covers: ioas_sva_process_create -ENOSYS, ioas_sva_process_create -ENOMEM
 */
static void what_else_is_missing_has_its_errno(struct rig *r)
{
	static struct child c;

	begin_child(r, &c);
	assert_int_equal(child_of(creation_without_descriptors, &c.pid),
	                 EMFILE);
	check_with_failing_call(SYS_openat, ENFILE, is_enfile, &c.pid);
	check_with_failing_call(SYS_openat, ENOMEM, is_enomem, &c.pid);
	check_with_failing_call(SYS_openat, EACCES, is_eperm, &c.pid);
	check_with_failing_call(SYS_process_vm_readv, ENOSYS, is_enosys,
	                        &c.pid);
	check_with_failing_call(SYS_process_vm_readv, EPERM, is_eperm, &c.pid);
}

static void every_errno_has_a_sentence_of_its_own(struct rig *r)
{
	static const int errors[] = {0,       -EPERM,  -ESRCH,  -EINVAL,
	                             -ENOSYS, -EMFILE, -ENFILE, -ENOMEM};
	unsigned int i, k;

	for (i = 0; i < IOAS_ARRAY_SIZE(errors); i++) {
		const char *text = ioas_sva_process_reason(errors[i]);

		assert_true(strlen(text) >= 9);
		for (k = 0; k < i; k++)
			assert_string_not_equal(
				text, ioas_sva_process_reason(errors[k]));
	}
}

RIG_MAIN("host_process", RIG_TEST(a_device_works_on_another_processs_addresses),
         RIG_TEST(SVA_6_what_that_process_may_not_do_is_refused),
         RIG_TEST(page_requests_are_answered_by_its_mappings),
         RIG_TEST(SVA_4_a_process_that_ended_is_not_touched),
         RIG_TEST(SVA_4_a_process_that_runs_another_program_has_ended),
         RIG_TEST(SVA_1_a_process_is_known_whoever_asks),
         RIG_TEST(only_another_process_that_is_there_can_be_had),
         RIG_ONCE(another_users_process_is_refused),
         RIG_TEST(what_refuses_a_process_is_said),
         RIG_ONCE(what_else_is_missing_has_its_errno),
         RIG_TEST(every_errno_has_a_sentence_of_its_own))
