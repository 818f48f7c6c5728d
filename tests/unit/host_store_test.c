/* SPDX-License-Identifier: MIT */
/*
 * The file behind a device: open, lock, close (src/host/store.c).
 *
 * covers: ioas_store_open -ENOENT, ioas_store_open -EINVAL,
 * ioas_store_open -EACCES, ioas_store_open -EBUSY, ioas_store_open -EMFILE,
 * ioas_store_open -ENOMEM, ioas_store_open -EIO
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "failing_call.h"
#include "host/host.h"
#include "host_file.h"

static void open_says_the_size(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);

	assert_int_equal(ioas_store_size(store), SIZE);
}

static void check_refused(struct rig *r, const char *path, int err,
                          const char *text)
{
	struct ioas_device *dev = calloc(1, sizeof(*dev));
	struct ioas_store *store = NULL;

	assert_non_null(dev);
	rig_defer(r, free, dev);
	rig_fails(r, ioas_store_open(dev, path, &store), err);
	assert_null(store);
	if (!strstr(dev->failure, text))
		fail_msg("\"%s\" does not say \"%s\"", dev->failure, text);
}

static void open_refuses_what_is_no_file(struct rig *r)
{
	check_refused(r, "/no/such/file", -ENOENT, "no such file");
	check_refused(r, "/dev/null/x", -ENOENT, "not a directory");
	check_refused(r, "/", -EINVAL, "directory");
	check_refused(r, "/dev/null", -EINVAL, "block device");
}

static void open_refuses_a_name_that_is_too_long(struct rig *r)
{
	static char path[PATH_MAX + 16];

	memset(path, 'a', sizeof(path) - 1);
	check_refused(r, path, -EIO, "");
	check_refused(r, "./host_store_test.d/../" /* is not there */, -ENOENT,
	              "no such file");
}

static void open_refuses_a_file_without_permission(struct rig *r)
{
	struct file *f = file_new(r);

	assert_int_equal(fchmod(f->fd, 0400), 0);
	if (geteuid() == 0)
		check_refused(r, "/proc/version", -EIO, "/proc/version");
	else
		check_refused(r, f->path, -EACCES, "no permission");
}

static void open_without_memory_says_so(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = NULL;
	int err = rig_try(r, ioas_store_open(&f->dev, f->path, &store));

	if (rig_failed(r)) {
		assert_int_equal(err, -ENOMEM);
		assert_null(store);
		assert_non_null(strstr(f->dev.failure, "no memory"));
	} else {
		assert_int_equal(err, 0);
	}
	ioas_store_close(store);
}

static void open_refuses_a_file_that_is_in_use(struct rig *r)
{
	struct file *f = file_new(r);
	char text[64];

	store_on(r, f);
	snprintf(text, sizeof(text), "another device of this run (process %d)",
	         (int)getpid());
	check_refused(r, f->path, -EBUSY, text);
}

struct holder {
	pid_t pid;
	int go[2]; /* closed: let go */
};

static void hold(const struct file *f, const struct holder *h, int ready)
{
	int fd = open(f->path, O_RDWR);
	char byte = 1;

	close(h->go[1]);
	if (fd < 0 || flock(fd, LOCK_EX) || write(ready, &byte, 1) != 1)
		_exit(1);
	_exit(read(h->go[0], &byte, 1) == 0 ? 0 : 1);
}

static void holder_end(void *arg)
{
	struct holder *h = arg;
	int status = -1;

	close(h->go[0]);
	close(h->go[1]);
	waitpid(h->pid, &status, 0);
	free(h);
	assert_int_equal(status, 0);
}

static void open_names_the_process_that_has_it(struct rig *r)
{
	struct file *f = file_new(r);
	struct holder *h = calloc(1, sizeof(*h));
	char text[64], byte;
	int ready[2];

	assert_non_null(h);
	assert_int_equal(pipe(h->go), 0);
	assert_int_equal(pipe(ready), 0);
	h->pid = fork();
	if (!h->pid)
		hold(f, h, ready[1]);
	close(ready[1]);
	rig_defer(r, holder_end, h);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(text, sizeof(text), "is in use by process %d", (int)h->pid);
	check_refused(r, f->path, -EBUSY, text);
}

static void close_lets_the_next_one_in(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = NULL;
	int i;

	for (i = 0; i < 3; i++) {
		rig_ok(r, ioas_store_open(&f->dev, f->path, &store));
		ioas_store_close(store);
	}
	ioas_store_close(NULL);
}

/* A child that has inherited the descriptor lives on. */
static void close_unlocks_under_a_forked_child(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = NULL, *next = NULL;
	int fd[2], status;
	pid_t child;
	char byte;

	rig_ok(r, ioas_store_open(&f->dev, f->path, &store));
	assert_int_equal(pipe(fd), 0);
	child = fork();
	if (!child) {
		close(fd[1]);
		_exit(read(fd[0], &byte, 1) == 0 ? 0 : 1);
	}
	ioas_store_close(store);
	status = rig_try(r, ioas_store_open(&f->dev, f->path, &next));
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	ioas_store_close(next);
	if (!rig_failed(r))
		assert_int_equal(status, 0);
}

static void close_in_a_forked_child_keeps_the_lock(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = store_on(r, f);
	pid_t child = fork();
	int status;

	if (!child) {
		ioas_store_close(store);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	check_refused(r, f->path, -EBUSY, "in use");
}

static int internal_fd, internal_count;

static void note_internal(int fd, bool internal)
{
	internal_fd = fd;
	internal_count += internal ? 1 : -1;
}

static void forget_internal(void *arg)
{
	ioas_host_internal_fd = NULL;
}

static void the_descriptor_is_high_and_told(struct rig *r)
{
	struct file *f = file_new(r);
	struct ioas_store *store = NULL;
	int low = dup(f->fd);

	close(low);
	internal_count = 0;
	ioas_host_internal_fd = note_internal;
	rig_defer(r, forget_internal, NULL);
	rig_ok(r, ioas_store_open(&f->dev, f->path, &store));
	assert_int_equal(internal_count, 1);
	assert_true(internal_fd > low + 8);
	assert_int_equal(fcntl(internal_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(dup(f->fd), low);
	close(low);
	ioas_store_close(store);
	assert_int_equal(internal_count, 0);
	assert_int_equal(fcntl(internal_fd, F_GETFD), -1);
}

static void restore_limit(void *arg)
{
	setrlimit(RLIMIT_NOFILE, arg);
}

static void open_works_with_few_descriptors(struct rig *r)
{
	static struct rlimit old;
	struct file *f = file_new(r);
	struct rlimit few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	rig_defer(r, restore_limit, &old);
	few = old;
	few.rlim_cur = (rlim_t)f->fd + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	store_on(r, f);
	few.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	check_refused(r, "/dev/zero", -EMFILE, "no file descriptor left");
}

struct opening {
	const char *path;
	int wanted;
};

/* Once: an allocation that fails in the child would be taken for its call. */
static bool open_gives(void *arg)
{
	const struct opening *o = arg;
	struct ioas_device dev = {.failure = ""};
	struct ioas_store *store = NULL;
	int err = ioas_store_open(&dev, o->path, &store);

	return err == o->wanted && !store && strstr(dev.failure, o->path);
}

static void what_fails_at_open_is_named(struct rig *r)
{
	static const struct {
		uint32_t number, err;
		int wanted;
	} calls[] = {
		{SYS_openat, EACCES, -EACCES}, {SYS_openat, EROFS, -EACCES},
		{SYS_openat, ENODEV, -EIO},    {SYS_statx, EIO, -EIO},
		{SYS_flock, ENOLCK, -EIO},     {SYS_lseek, EIO, -EIO},
	};
	struct file *f = file_new(r);
	struct opening o = {.path = f->path};
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(calls); i++) {
		o.wanted = calls[i].wanted;
		check_with_failing_call(calls[i].number, calls[i].err,
		                        open_gives, &o);
	}
}

/* Nobody can be named where /proc/locks cannot be read. */
static bool is_refused_without_a_name(void *path)
{
	struct ioas_device dev = {.failure = ""};
	struct ioas_store *store = NULL;

	return ioas_store_open(&dev, path, &store) == -EBUSY &&
	       strstr(dev.failure, "in use by another process");
}

static void a_holder_that_cannot_be_found_has_no_name(struct rig *r)
{
	struct file *f = file_new(r);

	store_on(r, f);
	check_with_failing_call(SYS_read, EACCES, is_refused_without_a_name,
	                        f->path);
}

RIG_MAIN("host_store", RIG_TEST(open_says_the_size),
         RIG_TEST(open_refuses_what_is_no_file),
         RIG_TEST(open_refuses_a_name_that_is_too_long),
         RIG_TEST(open_refuses_a_file_without_permission),
         RIG_TEST(open_without_memory_says_so),
         RIG_TEST(open_refuses_a_file_that_is_in_use),
         RIG_TEST(open_names_the_process_that_has_it),
         RIG_TEST(close_lets_the_next_one_in),
         RIG_TEST(close_unlocks_under_a_forked_child),
         RIG_TEST(close_in_a_forked_child_keeps_the_lock),
         RIG_TEST(the_descriptor_is_high_and_told),
         RIG_TEST(open_works_with_few_descriptors),
         RIG_ONCE(what_fails_at_open_is_named),
         RIG_ONCE(a_holder_that_cannot_be_found_has_no_name))
