/* SPDX-License-Identifier: MIT */
/* Every way to write sriov_numvfs, and what happens to descriptors. */
#include <dirent.h>
#include <sys/uio.h>

#include "pair.h"

static struct vfio shared;

/* ---- Descriptors ---- */

static void child_writes_zero_alone(void)
{
	_exit(write_to(NUMVFS, "0") ? 3 : 5);
}

static void closing_everything_changes_nothing(void)
{
	pid_t child;

	pair_begin();
	shared = open_as(2, VF ONE);
	CHECK(!close_range(100, ~0u, 0));
	for (int fd = 100; fd < 1200; fd++)
		close(fd);
	/* Every number the program can want is its own. */
	for (int fd = 700; fd < 900; fd++)
		CHECK(dup2(0, fd) == fd);
	CHECK(numvfs() == 2);
	CHECK(try_as(1, PF) == -EACCES);
	CHECK(write_to(NUMVFS, "1") == EBUSY);
	child = child_begin(child_writes_zero_alone);
	usleep(300000);
	CHECK(numvfs() == 2);
	close_all(&shared);
	CHECK(child_end(child) == 5);
	CHECK(numvfs() == 0);
}

static void every_way_to_write(void)
{
	struct iovec part[] = {{"0", 1}, {"x", 1}, {"2\n", 2}};
	char text[8] = "";
	int fd = open(NUMVFS, O_WRONLY | O_TRUNC | O_CLOEXEC), copy;

	CHECK(fd >= 0);
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	FAILS(read(fd, text, 1), EBADF);
	CHECK(writev(fd, part, 3) == 4 && numvfs() == 2);
	CHECK(pwrite(fd, "0", 1, 4000) == 1 && numvfs() == 0);
	CHECK(write(fd, "1", 1) == 1 && numvfs() == 1);
	CHECK(write(fd, "", 0) == 0 && numvfs() == 1);
	FAILS(write(fd, "2", 1), EBUSY);
	FAILS(write(fd, "3", 1), ERANGE);
	FAILS(write(fd, "x", 1), EINVAL);
	FAILS(write(fd, NULL, 1), EFAULT);
	CHECK((copy = dup(fd)) >= 0 && !close(fd));
	CHECK(write(copy, "0\n", 2) == 2 && numvfs() == 0);
	CHECK(dup2(copy, 77) == 77 && !close(copy));
	CHECK(pwritev(77, part + 2, 1, 0) == 2 && numvfs() == 2);
	CHECK(!close(77));

	CHECK((fd = open(NUMVFS, O_RDWR)) >= 0);
	CHECK(read(fd, text, sizeof(text)) == 2 && text[0] == '2');
	CHECK(write(fd, "0", 1) == 1);
	CHECK(pread(fd, text, sizeof(text), 0) == 2 && text[0] == '0');
	CHECK(!close(fd));

	CHECK((fd = open(NUMVFS, O_RDONLY)) >= 0);
	CHECK(write(fd, "2", 1) < 0 && numvfs() == 0);
	CHECK(!close(fd));
	FAILS(open(SYS PF "/sriov_totalvfs", O_WRONLY), EACCES);
	FAILS(open(SYS PF "/driver_override", O_RDWR), EACCES);
	FAILS(open("/sys/bus/pci/drivers/vfio-pci/bind", O_WRONLY), EACCES);
}

static void streams_write_too(void)
{
	static const char *const modes[] = {"w", "a", "r+", "w+", "we"};
	FILE *stream;

	for (unsigned int i = 0; i < 5; i++) {
		CHECK((stream = fopen(NUMVFS, modes[i])));
		CHECK(fprintf(stream, "%d\n", 1) == 2);
		CHECK(!fflush(stream) && numvfs() == 1);
		CHECK(fprintf(stream, "0") == 1);
		CHECK(!fclose(stream) && numvfs() == 0);
	}
	CHECK((stream = fopen(NUMVFS, "w")));
	CHECK(fputs("9\n", stream) >= 0);
	FAILS(fflush(stream), ERANGE);
	CHECK(ferror(stream));
	CHECK(fputs("x", stream) >= 0);
	FAILS(fclose(stream), EINVAL);
	CHECK((stream = fopen(NUMVFS, "w")) &&
	      !setvbuf(stream, NULL, _IONBF, 0));
	CHECK(fputs("2", stream) >= 0);
	CHECK(!fclose(stream) && numvfs() == 2);
}

/* What comes after, sees it. */
static void a_stream_is_left_to_the_exit(void)
{
	FILE *stream = fopen(NUMVFS, "w");

	CHECK(stream && fputs("2", stream) >= 0 && numvfs() == 0);
}

static void a_file_of_a_function_that_went_is_dead(void)
{
	int fd;

	CHECK(!write_to(NUMVFS, "1"));
	CHECK((fd = open(SYS VF "/sriov_vf_msix_count", O_WRONLY)) >= 0);
	FAILS(write(fd, "1", 1), EOPNOTSUPP);
	FAILS(write(fd, "-1", 2), EINVAL);
	CHECK(!write_to(NUMVFS, "0"));
	FAILS(write(fd, "1", 1), ENODEV);
	CHECK(!close(fd));
}

/* The C library writes by a call that does not come by the library. */
static void what_passed_by_is_found(void)
{
	int fd = open(NUMVFS, O_WRONLY);

	CHECK(fd >= 0 && dprintf(fd, "1") == 1);
	CHECK(dup2(0, fd) == fd && numvfs() == 1);
	CHECK(!close(fd));
	CHECK((fd = open(NUMVFS, O_WRONLY)) >= 0 && dprintf(fd, "0") == 1);
	CHECK(!close(fd) && numvfs() == 0);
	CHECK((fd = open(NUMVFS, O_WRONLY)) >= 0 && dprintf(fd, "9") == 1);
	FAILS(close(fd), ERANGE);
	FAILS(close(fd), EBADF);
}

static int count(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	CHECK(!closedir(dir));
	return n - 2;
}

static void directories_show_what_is_there(void)
{
	int files = count(SYS PF);

	CHECK(count(SYS) == 1 && count("/dev/vfio") == 2);
	CHECK(!write_to(NUMVFS, "2"));
	CHECK(count(SYS) == 3 && count("/dev/vfio") == 4);
	CHECK(count(SYS PF) == files + 2);
	CHECK(count("/sys/kernel/iommu_groups") == 3);
	CHECK(!write_to(NUMVFS, "0"));
	CHECK(count(SYS) == 1 && count("/dev/vfio") == 2);
}

static const struct client_case cases[] = {
	CASE(closing_everything_changes_nothing),
	CASE(every_way_to_write),
	CASE(streams_write_too),
	CASE(a_stream_is_left_to_the_exit),
	CASE(what_passed_by_is_found),
	CASE(a_file_of_a_function_that_went_is_dead),
	CASE(directories_show_what_is_there),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
