/* SPDX-License-Identifier: MIT */
/* Every form of the calls on paths and descriptors. */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "client.h"

/* Forms that the headers give only with FORTIFY or to old programs. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
ssize_t __readlink_chk(const char *, char *, size_t, size_t);
ssize_t __readlinkat_chk(int, const char *, char *, size_t, size_t);
char *__realpath_chk(const char *, char *, size_t);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
int __xstat(int, const char *, struct stat *);
int __xstat64(int, const char *, struct stat64 *);
int __lxstat(int, const char *, struct stat *);
int __lxstat64(int, const char *, struct stat64 *);
int __fxstat(int, int, struct stat *);
int __fxstat64(int, int, struct stat64 *);
int __fxstatat(int, int, const char *, struct stat *, int);
int __fxstatat64(int, int, const char *, struct stat64 *, int);

#define SYS  "/sys/bus/pci/devices/" FUNCTION
#define LINK SYS "/iommu_group"
#define TO   "../../../kernel/iommu_groups/1"
#define REAL "/sys/kernel/iommu_groups/1"

static void is_container(int fd)
{
	CHECK(fd >= 0);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	CHECK(ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU) == 1);
	CHECK(!close(fd));
	FAILS(ioctl(fd, VFIO_GET_API_VERSION), EBADF);
	FAILS(close(fd), EBADF);
}

static void every_open_opens(void)
{
	is_container(open(CONTAINER, O_RDWR));
	is_container(open64(CONTAINER, O_RDWR));
	is_container(openat(AT_FDCWD, CONTAINER, O_RDWR));
	is_container(openat64(AT_FDCWD, CONTAINER, O_RDWR));
	is_container(__open_2(CONTAINER, O_RDWR));
	is_container(__open64_2(CONTAINER, O_RDWR));
	is_container(__openat_2(AT_FDCWD, CONTAINER, O_RDWR));
	is_container(__openat64_2(AT_FDCWD, CONTAINER, O_RDWR));
	is_container(open("//dev/./vfio//vfio", O_RDWR));
	is_container(open("/dev/vfio/../vfio/vfio", O_RDWR));
	is_container(open(CONTAINER, O_RDWR | O_CREAT, 0600));
}

static void streams_open_and_close(void)
{
	FILE *a = fopen(CONTAINER, "r+"), *b = fopen64(CONTAINER, "re");
	int fd;

	CHECK(a && b);
	fd = fileno(a);
	CHECK(ioctl(fd, VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	CHECK(ioctl(fileno(b), VFIO_GET_API_VERSION) == VFIO_API_VERSION);
	CHECK(fcntl(fileno(b), F_GETFD) & FD_CLOEXEC);
	CHECK(!fclose(a) && !fclose(b));
	/* The number is free, and is the system's again. */
	CHECK(open("/dev/null", O_RDWR) == fd);
	FAILS(ioctl(fd, VFIO_GET_API_VERSION), ENOTTY);
	CHECK(!fopen("/dev/vfio/99", "r") && errno == ENOENT);
}

static void open_refuses_like_the_kernel(void)
{
	FAILS(open("/dev/vfio/99", O_RDWR), ENOENT);
	FAILS(open("/dev/vfio/vfio/x", O_RDWR), ENOENT);
	FAILS(open(SYS "/absent", O_RDONLY), ENOENT);
	FAILS(open(CONTAINER, O_RDWR | O_DIRECTORY), ENOTDIR);
	FAILS(open(CONTAINER, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	FAILS(open(SYS, O_RDWR), EISDIR);
	FAILS(open(LINK, O_RDONLY | O_NOFOLLOW), ELOOP);
	is_container(open(CONTAINER, O_RDWR));
}

static void a_group_is_open_once(void)
{
	int group = open(GROUP, O_RDWR);

	CHECK(group >= 0);
	FAILS(open(GROUP, O_RDWR), EBUSY);
	CHECK(!close(group));
	CHECK((group = open(GROUP, O_RDWR)) >= 0);
}

/* What all forms of stat have to say. */
#define IS_CHARACTER(st, mine, number)                \
	CHECK(S_ISCHR((st).st_mode) && (st).st_ino && \
	      major((st).st_rdev) == (mine) &&        \
	      minor((st).st_rdev) == (number))

static void every_stat_of_a_path(void)
{
	struct stat st, again;
	struct stat64 st64;
	struct statx stx;

	CHECK(!stat(CONTAINER, &st));
	IS_CHARACTER(st, 10, 196);
	CHECK(!stat64(GROUP, &st64));
	IS_CHARACTER(st64, 511, 1);
	CHECK(!lstat(CONTAINER, &again) && again.st_ino == st.st_ino);
	CHECK(!lstat64(GROUP, &st64));
	IS_CHARACTER(st64, 511, 1);
	CHECK(!fstatat(AT_FDCWD, CONTAINER, &st, 0));
	IS_CHARACTER(st, 10, 196);
	CHECK(!fstatat64(AT_FDCWD, CONTAINER, &st64, 0));
	IS_CHARACTER(st64, 10, 196);
	CHECK(!__xstat(1, CONTAINER, &st) && !__xstat64(1, CONTAINER, &st64));
	IS_CHARACTER(st, 10, 196);
	IS_CHARACTER(st64, 10, 196);
	CHECK(!__lxstat(1, GROUP, &st) && !__lxstat64(1, GROUP, &st64));
	IS_CHARACTER(st, 511, 1);
	CHECK(!__fxstatat(1, AT_FDCWD, GROUP, &st, 0));
	IS_CHARACTER(st, 511, 1);
	CHECK(!__fxstatat64(1, AT_FDCWD, GROUP, &st64, 0));
	IS_CHARACTER(st64, 511, 1);
	CHECK(!statx(AT_FDCWD, CONTAINER, 0, STATX_BASIC_STATS, &stx));
	CHECK(S_ISCHR(stx.stx_mode) && stx.stx_rdev_major == 10 &&
	      stx.stx_rdev_minor == 196);
	FAILS(stat("/dev/vfio/99", &st), ENOENT);
	FAILS(statx(AT_FDCWD, SYS "/absent", 0, 0, &stx), ENOENT);
}

static void every_stat_of_a_descriptor(void)
{
	struct stat st;
	struct stat64 st64;
	struct statx stx;
	struct vfio v;

	vfio_open(&v);
	CHECK(!fstat(v.container, &st) && !fstat64(v.group, &st64));
	IS_CHARACTER(st, 10, 196);
	IS_CHARACTER(st64, 511, 1);
	CHECK(!__fxstat(1, v.container, &st));
	CHECK(!__fxstat64(1, v.group, &st64));
	IS_CHARACTER(st, 10, 196);
	IS_CHARACTER(st64, 511, 1);
	CHECK(!fstatat(v.group, "", &st, AT_EMPTY_PATH));
	IS_CHARACTER(st, 511, 1);
	CHECK(!fstatat64(v.group, "", &st64, AT_EMPTY_PATH));
	IS_CHARACTER(st64, 511, 1);
	CHECK(!statx(v.container, "", AT_EMPTY_PATH, 0, &stx));
	CHECK(stx.stx_rdev_major == 10 && stx.stx_rdev_minor == 196);
	CHECK(!fstat(v.device, &st));
	CHECK((st.st_mode & S_IFMT) == 0 && st.st_size == 0);
}

static void directories_and_links_look_right(void)
{
	struct stat st, to;

	CHECK(!stat(SYS, &st) && S_ISDIR(st.st_mode));
	CHECK(!stat("/dev/vfio", &st) && S_ISDIR(st.st_mode));
	CHECK(!lstat(LINK, &st) && S_ISLNK(st.st_mode));
	CHECK(!stat(LINK, &st) && S_ISDIR(st.st_mode));
	CHECK(!stat(REAL, &to) && to.st_ino == st.st_ino);
	/* A link of ours that leads to what is real. */
	CHECK(!stat(SYS "/subsystem", &st) && !stat("/sys/bus/pci", &to));
	CHECK(st.st_ino == to.st_ino && st.st_dev == to.st_dev);
	FAILS(getxattr(SYS, "user.x", NULL, 0), ENODATA);
	FAILS(lgetxattr(LINK, "user.x", NULL, 0), ENODATA);
	CHECK(!listxattr(SYS, NULL, 0) && !llistxattr(LINK, NULL, 0));
}

static void every_readlink_reads(void)
{
	char text[64];

#define IS_LINK(call)                            \
	do {                                     \
		memset(text, 0, sizeof(text));   \
		CHECK((call) == sizeof(TO) - 1); \
		CHECK(!strcmp(text, TO));        \
	} while (0)
	IS_LINK(readlink(LINK, text, sizeof(text)));
	IS_LINK(readlinkat(AT_FDCWD, LINK, text, sizeof(text)));
	IS_LINK(__readlink_chk(LINK, text, sizeof(text), sizeof(text)));
	IS_LINK(__readlinkat_chk(AT_FDCWD, LINK, text, 60, sizeof(text)));
	CHECK(readlink(LINK, text, 4) == 4 && !memcmp(text, TO, 4));
	FAILS(readlink(CONTAINER, text, sizeof(text)), EINVAL);
	FAILS(readlink(SYS "/absent", text, sizeof(text)), ENOENT);
}

static void every_realpath_resolves(void)
{
	char text[4096];
	char *made;

	CHECK(realpath(LINK, text) == text && !strcmp(text, REAL));
	CHECK(__realpath_chk(LINK, text, sizeof(text)) == text);
	CHECK(!strcmp(text, REAL));
	CHECK((made = realpath(LINK, NULL)) && !strcmp(made, REAL));
	free(made);
	CHECK((made = canonicalize_file_name(CONTAINER)));
	CHECK(!strcmp(made, CONTAINER));
	free(made);
	CHECK(realpath(SYS "/subsystem", text) &&
	      !strcmp(text, "/sys/bus/pci"));
	errno = 0;
	CHECK(!realpath(SYS "/absent", text) && errno == ENOENT);
}

static void every_access_answers(void)
{
	CHECK(!access(CONTAINER, R_OK | W_OK) && !access(SYS, R_OK | X_OK));
	CHECK(!eaccess(GROUP, R_OK | W_OK) && !euidaccess(GROUP, F_OK));
	CHECK(!faccessat(AT_FDCWD, LINK, F_OK, 0));
	FAILS(access(CONTAINER, X_OK), EACCES);
	FAILS(access("/dev/vfio/99", F_OK), ENOENT);
	FAILS(faccessat(AT_FDCWD, SYS "/absent", F_OK, 0), ENOENT);
}

static int entries(const char *path, char names[][32])
{
	DIR *dir = opendir(path);
	struct dirent *e;
	int n = 0;

	CHECK(dir);
	while ((e = readdir(dir)) && n < 16)
		strcpy(names[n++], e->d_name);
	rewinddir(dir);
	CHECK(readdir64(dir) && !strcmp(readdir64(dir)->d_name, ".."));
	CHECK(!closedir(dir));
	return n;
}

static void directories_can_be_listed(void)
{
	char names[16][32];
	DIR *dir;
	long place;

	CHECK(entries("/dev/vfio", names) == 4);
	CHECK(!strcmp(names[2], "vfio") && !strcmp(names[3], "1"));
	CHECK(entries(SYS "/power", names) == 4);
	CHECK(!strcmp(names[2], "control"));
	CHECK((dir = opendir("/dev/vfio")) && readdir(dir));
	place = telldir(dir);
	CHECK(!strcmp(readdir(dir)->d_name, ".."));
	seekdir(dir, place);
	CHECK(!strcmp(readdir(dir)->d_name, "..") && !closedir(dir));
	CHECK(!opendir("/dev/vfio/vfio") && errno == ENOTDIR);
	CHECK(!opendir(SYS "/absent") && errno == ENOENT);
	/* What is real is listed by the system. */
	CHECK((dir = opendir("/proc/self/fd")) && dirfd(dir) >= 0);
	CHECK(readdir(dir) && !closedir(dir));
}

static void every_read_reads_config_space(void)
{
	uint32_t id;
	struct iovec half[2] = {{&id, 2}, {(char *)&id + 2, 2}};
	struct vfio v;

	vfio_open(&v);
#define READS(call) \
	CHECK((id = 0, (call) == 4) && (id & 0xffff) && (id & 0xffff) != 0xffff)
	READS(pread(v.device, &id, 4, CONFIG));
	READS(pread64(v.device, &id, 4, CONFIG));
	READS(__pread_chk(v.device, &id, 4, CONFIG, 4));
	READS(__pread64_chk(v.device, &id, 4, CONFIG, 4));
	READS(preadv(v.device, half, 2, CONFIG));
	READS(preadv64(v.device, half, 2, CONFIG));
	READS(preadv2(v.device, half, 2, CONFIG, 0));
	READS(preadv64v2(v.device, half, 2, CONFIG, 0));
	FAILS(preadv2(v.device, half, 2, CONFIG, RWF_HIPRI), EOPNOTSUPP);
	FAILS(preadv(v.device, half, -1, CONFIG), EINVAL);
	FAILS(preadv(v.device, (void *)8, 2, CONFIG), EFAULT);
	FAILS(pread(v.device, (void *)8, 4, CONFIG), EFAULT);
	FAILS(pread(v.device, &id, 4, CONFIG + 4096), EFAULT);
	FAILS(pread(v.device, &id, 4, -1), EINVAL);
	FAILS(read(v.container, &id, 4), EINVAL);
	FAILS(write(v.group, &id, 4), EINVAL);
	FAILS(lseek(v.device, 0, SEEK_SET), ESPIPE);
	FAILS(lseek64(v.container, 0, SEEK_SET), ESPIPE);
}

static void every_write_writes_config_space(void)
{
	const uint64_t line = CONFIG + 0x3c; /* interrupt line: scratch */
	struct iovec part[2];
	struct vfio v;
	uint8_t byte, got;

	vfio_open(&v);
	part[0] = (struct iovec){&byte, 1};
	part[1] = (struct iovec){NULL, 0};
#define WRITES(value, call)                    \
	CHECK((byte = (value), (call) == 1) && \
	      pread(v.device, &got, 1, line) == 1 && got == (value))
	WRITES(1, pwrite(v.device, &byte, 1, line));
	WRITES(2, pwrite64(v.device, &byte, 1, line));
	WRITES(3, pwritev(v.device, part, 2, line));
	WRITES(4, pwritev64(v.device, part, 2, line));
	WRITES(5, pwritev2(v.device, part, 1, line, 0));
	WRITES(6, pwritev64v2(v.device, part, 1, line, 0));
	FAILS(pwrite(v.device, (void *)8, 1, line), EFAULT);
}

/* A device file has a position, though nothing can set it. */
static void calls_without_a_position_move_on(void)
{
	uint32_t word[4], at[2];
	struct iovec both[2] = {{&at[0], 4}, {&at[1], 4}};
	struct vfio v;

	vfio_open(&v);
	CHECK(pread(v.device, word, sizeof(word), BAR0) == sizeof(word));
	CHECK(read(v.device, at, 4) == 4 && at[0] == word[0]);
	CHECK(__read_chk(v.device, at, 4, 8) == 4 && at[0] == word[1]);
	CHECK(readv(v.device, both, 2) == 8);
	CHECK(at[0] == word[2] && at[1] == word[3]);
	CHECK(write(v.device, word, 4) == 4);
	CHECK(writev(v.device, both, 1) == 4);
	CHECK(preadv2(v.device, both, 1, -1, 0) == 4);
}

static void duplicates_share_the_file(void)
{
	struct vfio v;
	int copy[5], i;

	vfio_open(&v);
	copy[0] = dup(v.device);
	copy[1] = fcntl(v.device, F_DUPFD, 100);
	copy[2] = fcntl64(v.device, F_DUPFD_CLOEXEC, 100);
	CHECK(copy[1] >= 100 && copy[2] > copy[1]);
	CHECK(fcntl(copy[2], F_GETFD) & FD_CLOEXEC);
	CHECK(!(fcntl(copy[1], F_GETFD) & FD_CLOEXEC));
	CHECK(fcntl(v.device, F_GETFD) & FD_CLOEXEC);
	CHECK((copy[3] = dup2(v.device, 200)) == 200);
	CHECK((copy[4] = dup3(v.device, 201, O_CLOEXEC)) == 201);
	FAILS(dup3(v.device, v.device, 0), EINVAL);
	CHECK(dup2(v.device, v.device) == v.device);
	CHECK(!close(v.device));
	for (i = 0; i < 5; i++) {
		struct vfio_device_info info = {.argsz = sizeof(info)};

		CHECK(!ioctl(copy[i], VFIO_DEVICE_GET_INFO, &info));
		/* Open as long as one of them is. */
		CHECK(!close(v.group) || errno == EBADF);
		FAILS(open(GROUP, O_RDWR), EBUSY);
		CHECK(!close(copy[i]));
	}
	CHECK(open(GROUP, O_RDWR) >= 0);
}

static void dup2_replaces_one_of_ours(void)
{
	int null = open("/dev/null", O_RDWR);
	struct vfio v;

	vfio_open(&v);
	CHECK(dup2(null, v.container) == v.container);
	FAILS(ioctl(v.container, VFIO_GET_API_VERSION), ENOTTY);
	CHECK(dup2(v.device, null) == null);
	CHECK(ioctl(null, VFIO_DEVICE_RESET) == 0);
	FAILS(dup2(-1, v.device), EBADF);
	CHECK(ioctl(v.device, VFIO_DEVICE_RESET) == 0);
	FAILS(dup2(v.device, -1), EBADF);
	FAILS(dup2(v.device, 1 << 30), EBADF);
}

static void close_range_closes(void)
{
	struct vfio v;

	vfio_open(&v);
	FAILS(close_range(10, 3, 0), EINVAL);
	FAILS(close_range(3, ~0u, 1 << 20), EINVAL);
	CHECK(!close_range(3, ~0u, CLOSE_RANGE_CLOEXEC));
	CHECK(fcntl(v.container, F_GETFD) & FD_CLOEXEC);
	CHECK(!ioctl(v.container, VFIO_GET_API_VERSION));
	CHECK(!close_range(3, ~0u, 0));
	FAILS(ioctl(v.device, VFIO_DEVICE_RESET), EBADF);
	vfio_open(&v);
	closefrom(3);
	FAILS(ioctl(v.container, VFIO_GET_API_VERSION), EBADF);
	vfio_open(&v);
}

static int is_internal(int fd)
{
	char link[64], target[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target)) > 0 &&
	       fcntl(fd, F_GETFD) == -1;
}

static void check_event(const struct vfio *v, int event)
{
	uint64_t n = 0;

	raise_event(v);
	CHECK(read(event, &n, sizeof(n)) == sizeof(n) && n == 1);
}

/* What ioas keeps open is not open as far as the program can tell. */
static void internal_descriptors_survive(void)
{
	int event = eventfd(0, EFD_NONBLOCK), null = open("/dev/null", O_RDWR);
	int i, found = 0;
	struct vfio v;

	vfio_open(&v);
	set_events(&v, event);
	for (i = 3; i < 1024; i++) {
		if (!is_internal(i))
			continue;
		found++;
		FAILS(close(i), EBADF);
		FAILS(dup(i), EBADF);
		FAILS(fcntl(i, F_DUPFD, 0), EBADF);
		CHECK(!close_range(i, i, 0));
		check_event(&v, event);
	}
	CHECK(found >= 2); /* the event and the claim on the group */
	/* Everything else closed, in one go. */
	CHECK(!close_range(v.device + 1, ~0u, 0));
	check_event(&v, event);
	for (i = 3; i < 1024; i++)
		if (is_internal(i) && dup2(null, i) == i)
			found--;
	CHECK(found < 2); /* they made room */
	check_event(&v, event);
}

static void events_must_be_eventfds(void)
{
	char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;
	struct vfio v;
	int fd, i;

	vfio_open(&v);
	const int bad[] = {open("/dev/null", O_RDWR), v.device, 999};

	for (i = 0; i < 3; i++) {
		*set = (struct vfio_irq_set){
			.argsz = sizeof(room),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
		                 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		};
		fd = bad[i];
		memcpy(set->data, &fd, sizeof(fd));
		FAILS(ioctl(v.device, VFIO_DEVICE_SET_IRQS, set),
		      i == 2 ? EBADF : EINVAL);
	}
}

static void works_with_few_descriptors(void)
{
	struct rlimit few = {32, 32};
	int event, fd, last = -1;
	struct vfio v;

	CHECK(!setrlimit(RLIMIT_NOFILE, &few));
	vfio_open(&v);
	CHECK((event = eventfd(0, EFD_NONBLOCK)) >= 0);
	set_events(&v, event);
	check_event(&v, event);
	check_bar(map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES), 5);
	while ((fd = open("/dev/null", O_RDWR)) >= 0)
		last = fd;
	FAILS(ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION), EMFILE);
	FAILS(open(CONTAINER, O_RDWR), EMFILE);
	CHECK(!close(last));
	CHECK(ioctl(v.group, VFIO_GROUP_GET_DEVICE_FD, FUNCTION) == last);
}

static void works_with_a_file_size_limit(void)
{
	struct rlimit small = {4096, 4096};
	struct vfio v;

	CHECK(!setrlimit(RLIMIT_FSIZE, &small));
	vfio_open(&v);
	check_bar(map_bar(&v, PROT_READ | PROT_WRITE, BAR_BYTES), 6);
}

/* These are the system's for any descriptor. */
static void flags_of_any_file_can_be_set(void)
{
	struct vfio v;
	int on = 1;

	vfio_open(&v);
	CHECK(!ioctl(v.device, FIONCLEX));
	CHECK(!(fcntl(v.device, F_GETFD) & FD_CLOEXEC));
	CHECK(!ioctl(v.device, FIOCLEX));
	CHECK(fcntl(v.device, F_GETFD) & FD_CLOEXEC);
	CHECK(!ioctl(v.container, FIONBIO, &on));
	CHECK(fcntl(v.container, F_GETFL) & O_NONBLOCK);
}

static void mmap_of_what_is_no_device(void)
{
	struct vfio v;

	vfio_open(&v);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, v.container, 0) ==
	              MAP_FAILED &&
	      errno == ENODEV);
	CHECK(mmap64(NULL, 4096, PROT_READ, MAP_SHARED, v.group, 0) ==
	              MAP_FAILED &&
	      errno == ENODEV);
}

static uint32_t bar_flags(const struct vfio *v)
{
	struct vfio_region_info info = {.argsz = sizeof(info)};

	CHECK(!ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, &info));
	return info.flags;
}

/* As in a process that has KVM: registers by the descriptor alone. */
static void registers_that_cannot_be_mapped(void)
{
	uint64_t value = 0x1234000;
	struct vfio v;

	vfio_open(&v);
	CHECK(bar_flags(&v) ==
	      (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE));
	FAILS(mmap(NULL, BAR_BYTES, PROT_READ, MAP_SHARED, v.device, BAR0),
	      EINVAL);
	CHECK(pwrite(v.device, &value, 8, BAR0 + ASQ) == 8);
	value = 0;
	CHECK(pread(v.device, &value, 8, BAR0 + ASQ) == 8);
	CHECK(value == 0x1234000);
}

/* Whether it can be opened depends on the machine; what follows does not. */
static void kvm_takes_mappings_away(void)
{
	struct vfio v;
	int kvm;

	vfio_open(&v);
	CHECK(bar_flags(&v) & VFIO_REGION_INFO_FLAG_MMAP);
	kvm = open("/dev/kvm", O_RDWR);
	CHECK(!(bar_flags(&v) & VFIO_REGION_INFO_FLAG_MMAP) == (kvm >= 0));
}

static const struct client_case cases[] = {
	CASE(every_open_opens),
	CASE(streams_open_and_close),
	CASE(open_refuses_like_the_kernel),
	CASE(a_group_is_open_once),
	CASE(every_stat_of_a_path),
	CASE(every_stat_of_a_descriptor),
	CASE(directories_and_links_look_right),
	CASE(every_readlink_reads),
	CASE(every_realpath_resolves),
	CASE(every_access_answers),
	CASE(directories_can_be_listed),
	CASE(every_read_reads_config_space),
	CASE(every_write_writes_config_space),
	CASE(calls_without_a_position_move_on),
	CASE(duplicates_share_the_file),
	CASE(dup2_replaces_one_of_ours),
	CASE(close_range_closes),
	CASE(internal_descriptors_survive),
	CASE(events_must_be_eventfds),
	CASE(works_with_few_descriptors),
	CASE(works_with_a_file_size_limit),
	CASE(mmap_of_what_is_no_device),
	CASE(flags_of_any_file_can_be_set),
	CASE(kvm_takes_mappings_away),
	CASE(registers_that_cannot_be_mapped), /* with --mmap=off */
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return client_main(cases, argc, argv);
}
