/* SPDX-License-Identifier: MIT */
/* The tree in /sys and /dev, by every way that leads into it. */
#include <dirent.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "client.h"

#define DEVICES "/sys/bus/pci/devices"
#define LINK    DEVICES "/" FUNCTION
#define DEVICE  "/sys/devices/pci0000:01/" FUNCTION
#define GROUPS  "/sys/kernel/iommu_groups"

char *__getcwd_chk(char *, size_t, size_t);

static void has(const char *path, const char *wanted)
{
	char text[4097] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0 || strcmp(text, wanted) != 0)
		fprintf(stderr, "%s: '%s' (errno %d)\n", path, text, errno);
	CHECK(n >= 0 && !strcmp(text, wanted));
	CHECK(!close(fd));
}

static void files_are_read_in_every_way(void)
{
	char text[16] = "", *map;
	FILE *stream = fopen(LINK "/vendor", "re");
	int fd = open(LINK "/vendor", O_RDONLY | O_CLOEXEC);

	has(LINK "/vendor", "0x1b36\n");
	has(DEVICE "/class", "0x010802\n");
	has(DEVICE "/numa_node", "0\n");
	has(GROUPS "/1/devices/" FUNCTION "/vendor", "0x1b36\n");
	has("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
	    "65535\n");
	CHECK(stream && fgets(text, sizeof(text), stream));
	CHECK(!strcmp(text, "0x1b36\n") && !fclose(stream));
	CHECK(pread(fd, text, 4, 2) == 4 && !memcmp(text, "1b36", 4));
	CHECK(lseek(fd, 3, SEEK_SET) == 3 && read(fd, text, 9) == 4);
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED && !memcmp(map, "0x1b36\n", 8));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

/* A page, and its end is read as the end of the file. */
static void files_have_the_size_of_a_page(void)
{
	int fd = open(LINK "/vendor", O_RDONLY), real = open("/proc", O_RDONLY);
	char text[8];

	CHECK(lseek(fd, 0, SEEK_END) == 4096 && lseek(fd, 0, SEEK_CUR) == 4096);
	CHECK(!read(fd, text, 8));
	CHECK(lseek64(fd, -4, SEEK_END) == 4092 && !read(fd, text, 8));
	CHECK(!lseek(fd, 0, SEEK_DATA) && lseek(fd, 9, SEEK_DATA) == 9);
	CHECK(lseek(fd, 9, SEEK_HOLE) == 4096);
	FAILS(lseek(fd, 4096, SEEK_DATA), ENXIO);
	FAILS(lseek(fd, -1, SEEK_HOLE), ENXIO);
	FAILS(lseek(fd, -4097, SEEK_END), EINVAL);
	FAILS(lseek(fd, 0, 77), EINVAL);
	CHECK(lseek(fd, 2, SEEK_SET) == 2 && read(fd, text, 8) == 5);
	CHECK(lseek(fd, -2, SEEK_CUR) == 5 && read(fd, text, 8) == 2);
	CHECK(!lseek(real, 0, SEEK_SET));
}

static void files_are_not_written(void)
{
	int fd;

	FAILS(open(LINK "/vendor", O_RDWR), EACCES);
	FAILS(open(LINK "/driver/unbind", O_WRONLY), EACCES);
	FAILS(open(LINK "/driver/unbind", O_RDONLY), EACCES);
	FAILS(open(LINK "/vendor", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(access(LINK "/vendor", W_OK), EACCES);
	CHECK((fd = open(LINK "/vendor", O_RDONLY)) >= 0);
	CHECK(write(fd, "1", 1) < 0 && ftruncate(fd, 0) < 0);
	has(LINK "/vendor", "0x1b36\n");
}

static void an_open_file_is_the_one_at_its_path(void)
{
	struct stat by_path, by_fd, by_copy;
	struct statx more;
	int fd = open(LINK "/config", O_RDONLY), copy;

	CHECK(!stat(LINK "/config", &by_path) && !fstat(fd, &by_fd));
	CHECK(S_ISREG(by_fd.st_mode) && by_fd.st_size == 4096);
	CHECK(by_path.st_ino == by_fd.st_ino && by_path.st_dev == by_fd.st_dev);
	CHECK((copy = dup(fd)) >= 0 && !fstat(copy, &by_copy));
	CHECK(by_copy.st_ino == by_path.st_ino);
	CHECK((copy = fcntl(fd, F_DUPFD, 100)) >= 100 &&
	      !fstat(copy, &by_copy));
	CHECK(by_copy.st_ino == by_path.st_ino);
	CHECK(!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &more));
	CHECK(more.stx_ino == by_path.st_ino && more.stx_size == 4096);
	/* The number is the system's again. */
	CHECK(!close(fd) && open("/dev/null", O_RDWR) == fd);
	CHECK(!fstat(fd, &by_fd) && S_ISCHR(by_fd.st_mode));
}

static void directories_are_places_to_start_from(void)
{
	struct stat st;
	char text[64];
	int dir, device, dev;

	CHECK((dir = open(DEVICES, O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK(!fstat(dir, &st) && S_ISDIR(st.st_mode));
	CHECK((device = openat(dir, FUNCTION, O_RDONLY)) >= 0);
	CHECK(!fstatat(device, "vendor", &st, 0) && S_ISREG(st.st_mode));
	CHECK(!fstatat(device, "driver", &st, AT_SYMLINK_NOFOLLOW));
	CHECK(S_ISLNK(st.st_mode));
	CHECK(readlinkat(device, "iommu_group", text, sizeof(text)) == 30);
	CHECK(!memcmp(text, "../../../kernel/iommu_groups/1", 30));
	CHECK(!faccessat(device, "../../pci0000:01", R_OK, 0));
	FAILS(openat(device, "nothing", O_RDONLY), ENOENT);
	CHECK(openat(device, "../../../../dev/null", O_RDWR) >= 0);
	/* A real one, above the tree. */
	CHECK((dev = open("/dev", O_RDONLY | O_DIRECTORY)) >= 0);
	CHECK(openat(dev, "vfio/vfio", O_RDWR) >= 0);
	CHECK(openat(dev, "null", O_RDWR) >= 0);
	FAILS(openat(dev, "vfio/9", O_RDWR), ENOENT);
	CHECK(!fstatat(dup(dev), "vfio/1", &st, 0) && S_ISCHR(st.st_mode));
}

static int lists(DIR *dir, const char *name)
{
	struct dirent *e;
	int n = 0;

	CHECK(dir);
	while ((e = readdir(dir)))
		n += !strcmp(e->d_name, name);
	return n;
}

static void parents_list_the_tree(void)
{
	DIR *dev = opendir("/dev"), *sys = opendir("/sys/bus");
	struct stat st;

	CHECK(lists(dev, "vfio") == 1 && (rewinddir(dev), 1));
	CHECK(lists(dev, "null") == 1 && (rewinddir(dev), 1));
	CHECK(lists(dev, "..") == 1);
	CHECK(!fstatat(dirfd(dev), "vfio/1", &st, 0) && S_ISCHR(st.st_mode));
	CHECK(lists(sys, "pci") == 1);
	CHECK(!closedir(dev) && !closedir(sys));
	CHECK(lists(opendir("/sys/kernel"), "iommu_groups") == 1);
	CHECK(lists(opendir("/sys/module"), "vfio_pci") == 1);
	CHECK(lists(opendir("/sys/devices"), "pci0000:01") == 1);
	CHECK(lists(opendir(DEVICES), FUNCTION) == 1);
	CHECK(lists(fdopendir(open("/dev", O_RDONLY)), "vfio") == 1);
}

static void streams_give_and_take_descriptors(void)
{
	struct dirent entry, *result, *e;
	struct dirent64 entry64, *result64;
	struct stat st;
	DIR *dir = opendir(GROUPS);
	long place;
	int fd, n = 0;

	CHECK(dir && (fd = dirfd(dir)) >= 0 && dirfd(dir) == fd);
	CHECK(openat(fd, "1/type", O_RDONLY) >= 0);
	CHECK(!readdir_r(dir, &entry, &result) && result == &entry);
	CHECK(!strcmp(entry.d_name, "."));
	CHECK(!readdir64_r(dir, &entry64, &result64) && result64 == &entry64);
	CHECK(!strcmp(entry64.d_name, ".."));
	CHECK(!readdir_r(dir, &entry, &result) && !strcmp(entry.d_name, "1"));
	CHECK(!stat(GROUPS "/1", &st) && st.st_ino == entry.d_ino);
	CHECK(!readdir_r(dir, &entry, &result) && !result);
	CHECK(!closedir(dir));
	FAILS(fcntl(fd, F_GETFD), EBADF);
	CHECK(dir = fdopendir(open(LINK, O_RDONLY)));
	while ((e = readdir(dir)))
		n++;
	CHECK(n == 20 && !closedir(dir));
	/* A place in a real directory with ours behind it. */
	CHECK(dir = opendir("/dev"));
	do {
		place = telldir(dir);
		CHECK(e = readdir(dir));
	} while (strcmp(e->d_name, "vfio") != 0);
	seekdir(dir, place);
	CHECK(!strcmp(readdir(dir)->d_name, "vfio") && !readdir(dir));
}

static void is_here(const char *wanted)
{
	char text[PATH_MAX];
	char *made;

	CHECK(getcwd(text, sizeof(text)) == text && !strcmp(text, wanted));
	CHECK(__getcwd_chk(text, sizeof(text), sizeof(text)) == text);
	CHECK((made = getcwd(NULL, 0)) && !strcmp(made, wanted));
	free(made);
	CHECK((made = get_current_dir_name()) && !strcmp(made, wanted));
	free(made);
	CHECK(!getcwd(text, 2) && errno == ERANGE);
}

static void the_current_directory_can_be_in_the_tree(void)
{
	char name[] = "/tmp/ioas-tree-XXXXXX";
	struct stat st;
	int fd = open(GROUPS, O_RDONLY);

	CHECK(mkdtemp(name) && !chdir(name));
	CHECK((close(creat("vendor", 0600)), 1));
	CHECK(!chdir(LINK));
	is_here(DEVICE);
	has("vendor", "0x1b36\n");
	has("./driver/../../devices/" FUNCTION "/device", "0x0010\n");
	/* What is not wrapped does not reach the directory before. */
	CHECK(unlink("vendor") < 0);
	CHECK(!chdir("../..") && !stat("pci0000:01", &st));
	is_here("/sys/devices");
	CHECK(!fchdir(fd) && !access("1/reserved_regions", R_OK));
	FAILS(chdir("9"), ENOENT);
	FAILS(chdir("1/type"), ENOTDIR);
	is_here(GROUPS);
	CHECK(!chdir("/dev") && open("vfio/vfio", O_RDWR) >= 0);
	CHECK(!chdir(name) && !access("vendor", F_OK));
	CHECK(!unlink("vendor") && !chdir("/") && !rmdir(name));
	FAILS(open("vendor", O_RDONLY), ENOENT);
}

static int is_group(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void every_scandir_sorts(void)
{
	struct dirent **list;
	struct dirent64 **list64;
	int dir = open("/dev", O_RDONLY);

	CHECK(scandir("/dev/vfio", &list, NULL, alphasort) == 4);
	CHECK(!strcmp(list[2]->d_name, "1") &&
	      !strcmp(list[3]->d_name, "vfio"));
	CHECK(scandir64(GROUPS, &list64, NULL, alphasort64) == 3);
	CHECK(!strcmp(list64[2]->d_name, "1"));
	CHECK(scandirat(dir, "vfio", &list, is_group, alphasort) == 2);
	CHECK(scandirat64(dir, "./vfio", &list64, NULL, NULL) == 4);
	CHECK(scandir("/dev/vfio/none", &list, NULL, NULL) == -1);
	CHECK(errno == ENOENT);
	CHECK(scandir("/proc/self", &list, NULL, alphasort) > 4);
}

static void every_glob_matches(void)
{
	glob64_t found64 = {0};
	glob_t found = {0};

	CHECK(!glob("/sys/bus/pci/devices/*/vend*", 0, NULL, &found));
	CHECK(found.gl_pathc == 1);
	CHECK(!strcmp(found.gl_pathv[0], LINK "/vendor"));
	CHECK(!glob("/d?v/vfio/[0-9]*", GLOB_APPEND, NULL, &found));
	CHECK(found.gl_pathc == 2);
	CHECK(!strcmp(found.gl_pathv[1], "/dev/vfio/1"));
	CHECK(!glob64("/dev/{vfio,nul?}", GLOB_BRACE, NULL, &found64));
	CHECK(found64.gl_pathc == 2);
	CHECK(glob("/sys/bus/pci/slots/*", 0, NULL, &found) == GLOB_NOMATCH);
	CHECK(!glob("/proc/self/stat*", 0, NULL, &found) && found.gl_pathc);
}

static int files, links, folders;

static int count(const char *path, const struct stat *st, int type,
                 struct FTW *where)
{
	files += type == FTW_F;
	links += type == FTW_SL;
	folders += type == FTW_D || type == FTW_DP;
	CHECK(where->level || !strcmp(path, GROUPS));
	CHECK(!strchr(path + where->base, '/'));
	return 0;
}

static int count_plain(const char *path, const struct stat *st, int type)
{
	files += type == FTW_F;
	folders += type == FTW_D;
	return !strcmp(path, GROUPS "/1/type") ? 77 : 0;
}

static void every_walk_walks(void)
{
	CHECK(!nftw(GROUPS, count, 9, FTW_PHYS));
	CHECK(files == 2 && links == 1 && folders == 3);
	CHECK(!nftw64(GROUPS "/", (__nftw64_func_t)count, 9,
	              FTW_PHYS | FTW_DEPTH));
	CHECK(files == 4 && links == 2 && folders == 6);
	/* Links are followed, and lead everywhere, but each place is once. */
	files = 0;
	CHECK(!nftw(GROUPS, count, 9, 0) && files > 15 && files < 60);
	CHECK(ftw(GROUPS, count_plain, 9) == 77);
	CHECK(ftw64(GROUPS, (__ftw64_func_t)count_plain, 9) == 77);
	FAILS(nftw(GROUPS "/9", count, 9, 0), ENOENT);
}

/* In a container without sysfs the type is that as well. */
static void every_statfs_tells_the_file_system(void)
{
	int file = open(LINK "/vendor", O_RDONLY),
	    dir = open(DEVICES, O_RDONLY);
	struct statfs st, dev;
	struct statfs64 st64;
	struct statvfs vst, real;
	struct statvfs64 vst64;

	CHECK(!statfs(LINK "/vendor", &st) && st.f_type == SYSFS_MAGIC);
	CHECK(!statfs64(DEVICE, &st64) && st64.f_type == SYSFS_MAGIC);
	CHECK(!fstatfs(file, &st) && st.f_type == SYSFS_MAGIC);
	CHECK(!fstatfs64(dir, &st64) && st64.f_type == SYSFS_MAGIC);
	CHECK(!statfs("/dev", &dev) && !statfs(GROUP, &st));
	CHECK(st.f_type == dev.f_type && st.f_bsize == dev.f_bsize);
	CHECK(!statvfs("/sys", &real) && !statvfs(GROUPS "/1/type", &vst));
	CHECK(!memcmp(&real, &vst, sizeof(vst)));
	CHECK(!statvfs64(GROUPS, &vst64) && vst64.f_namemax == 255);
	CHECK(!fstatvfs(file, &vst) && !memcmp(&real, &vst, sizeof(vst)));
	CHECK(!fstatvfs64(dir, &vst64) && vst64.f_namemax == 255);
	CHECK(!syscall(SYS_statfs, LINK, &st) && st.f_type == SYSFS_MAGIC);
	CHECK(!syscall(SYS_fstatfs, dir, &st) && st.f_type == SYSFS_MAGIC);
	FAILS(statfs("/dev/vfio/9", &st), ENOENT);
	FAILS(statvfs(GROUPS "/9", &vst), ENOENT);
	FAILS(fstatfs(-1, &st), EBADF);
	CHECK(!statfs("/proc", &st) && st.f_type == PROC_SUPER_MAGIC);
}

static void a_stream_is_opened_again(void)
{
	FILE *stream = fopen("/dev/null", "r");
	char text[16] = "";
	struct vfio v;
	int device;

	CHECK(freopen(LINK "/vendor", "re", stream) == stream);
	CHECK(fgets(text, sizeof(text), stream) && !strcmp(text, "0x1b36\n"));
	CHECK(fcntl(fileno(stream), F_GETFD) == FD_CLOEXEC);
	CHECK(freopen64(LINK "/class", "r", stream) == stream);
	CHECK(fgets(text, sizeof(text), stream));
	CHECK(!strcmp(text, "0x010802\n"));
	CHECK(freopen("/dev/vfio/vfio", "r+", stream) == stream);
	CHECK(ioctl(fileno(stream), VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	/* What was ours is not ours any more. */
	CHECK(freopen("/dev/zero", "r", stream) == stream);
	FAILS(ioctl(fileno(stream), VFIO_GET_API_VERSION), ENOTTY);
	CHECK(!freopen("/dev/vfio/9", "r", stream) && errno == ENOENT);
	/* The device goes with the stream that it was in. */
	vfio_open(&v);
	CHECK((device = dup(v.device)) >= 0);
	CHECK((stream = fdopen(device, "r")));
	CHECK(freopen("/dev/null", "r", stream) == stream);
	FAILS(ioctl(fileno(stream), VFIO_DEVICE_RESET), ENOTTY);
}

static void every_call_by_number_is_caught(void)
{
	struct open_how how = {.flags = O_RDWR};
	struct stat st;
	char text[64] = "";
	long dir = syscall(SYS_openat, AT_FDCWD, "/dev", O_RDONLY, 0);
	long fd = syscall(SYS_openat2, dir, "vfio/vfio", &how, sizeof(how));

	CHECK(dir >= 0 && fd >= 0);
	CHECK(syscall(SYS_ioctl, fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	CHECK(!syscall(SYS_fstat, fd, &st) && S_ISCHR(st.st_mode));
	CHECK((dir = syscall(SYS_dup, fd)) >= 0 && !syscall(SYS_close, fd));
	FAILS(syscall(SYS_ioctl, fd, VFIO_GET_API_VERSION), EBADF);
	CHECK(syscall(SYS_ioctl, dir, VFIO_GET_API_VERSION) ==
	      VFIO_API_VERSION);
	CHECK(!syscall(SYS_newfstatat, AT_FDCWD, LINK, &st, 0));
	CHECK(!syscall(SYS_faccessat2, AT_FDCWD, GROUP, R_OK, 0));
	FAILS(syscall(SYS_faccessat, AT_FDCWD, "/dev/vfio/9", R_OK), ENOENT);
	CHECK(syscall(SYS_readlinkat, AT_FDCWD, LINK "/driver", text, 64) > 0);
	CHECK(!strcmp(text, "../../../bus/pci/drivers/vfio-pci"));
	CHECK((fd = syscall(SYS_openat, AT_FDCWD, LINK "/class", O_RDONLY)) >=
	      0);
	CHECK(syscall(SYS_pread64, fd, text, 10, 0) == 9);
	/* What is not ours is the kernel's. */
	CHECK(syscall(SYS_getpid) == getpid());
	FAILS(syscall(SYS_read, -1, text, 1), EBADF);
	FAILS(syscall(5000), ENOSYS);
}

static void shows(int fd, const char *wanted)
{
	char path[64], text[128];
	ssize_t n;

	sprintf(path, "/proc/self/fd/%d", fd);
	n = readlink(path, text, sizeof(text));
	CHECK(n == (ssize_t)strlen(wanted) && !memcmp(text, wanted, n));
}

static void the_links_of_descriptors_show_what_linux_shows(void)
{
	struct vfio v;

	vfio_open(&v);
	shows(v.container, "/dev/vfio/vfio");
	shows(v.group, "/dev/vfio/1");
	shows(v.device, "anon_inode:[vfio-device]");
	shows(open(LINK "/vendor", O_RDONLY), DEVICE "/vendor");
	shows(open("/dev/null", O_RDONLY), "/dev/null");
	shows(memfd_create("ioa", 0), "/memfd:ioa (deleted)");
}

static const struct client_case cases[] = {
	CASE(files_are_read_in_every_way),
	CASE(files_have_the_size_of_a_page),
	CASE(files_are_not_written),
	CASE(an_open_file_is_the_one_at_its_path),
	CASE(directories_are_places_to_start_from),
	CASE(parents_list_the_tree),
	CASE(streams_give_and_take_descriptors),
	CASE(the_current_directory_can_be_in_the_tree),
	CASE(every_scandir_sorts),
	CASE(every_glob_matches),
	CASE(every_walk_walks),
	CASE(every_statfs_tells_the_file_system),
	CASE(a_stream_is_opened_again),
	CASE(every_call_by_number_is_caught),
	CASE(the_links_of_descriptors_show_what_linux_shows),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
