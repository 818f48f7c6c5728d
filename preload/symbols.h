/* SPDX-License-Identifier: MIT */
/*
 * Every function of the C library that the front end stands in front of: one
 * line each. From a line come the declaration of the wrapper, its place in the
 * library's exports, the look-up of the real function, and the poison that
 * keeps the front end itself from calling it.
 *
 *	X(return type, name, (parameters))
 *
 * To add one: a line here, and ioas_wrap_NAME() in the wrap_*.c it belongs to.
 */
#ifndef IOAS_PRELOAD_SYMBOLS_H
#define IOAS_PRELOAD_SYMBOLS_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* clang-format off */
#define IOAS_SYMBOLS_PATH(X)                                                  \
	X(int, open, (const char *path, int flags, ...))                      \
	X(int, open64, (const char *path, int flags, ...))                    \
	X(int, openat, (int dir, const char *path, int flags, ...))           \
	X(int, openat64, (int dir, const char *path, int flags, ...))         \
	X(int, __open_2, (const char *path, int flags))                       \
	X(int, __open64_2, (const char *path, int flags))                     \
	X(int, __openat_2, (int dir, const char *path, int flags))            \
	X(int, __openat64_2, (int dir, const char *path, int flags))          \
	X(FILE *, fopen, (const char *path, const char *mode))                \
	X(FILE *, fopen64, (const char *path, const char *mode))              \
	X(FILE *, freopen,                                                    \
	  (const char *path, const char *mode, FILE *stream))                 \
	X(FILE *, freopen64,                                                  \
	  (const char *path, const char *mode, FILE *stream))                 \
	X(int, fclose, (FILE *stream))                                        \
	X(int, fflush, (FILE *stream))                                        \
	X(ssize_t, readlink, (const char *path, char *buffer, size_t room))   \
	X(ssize_t, readlinkat,                                                \
	  (int dir, const char *path, char *buffer, size_t room))             \
	X(ssize_t, __readlink_chk,                                            \
	  (const char *path, char *buffer, size_t room, size_t size))         \
	X(ssize_t, __readlinkat_chk,                                          \
	  (int dir, const char *path, char *buffer, size_t room,              \
	   size_t size))                                                      \
	X(char *, realpath, (const char *path, char *resolved))               \
	X(char *, __realpath_chk,                                             \
	  (const char *path, char *resolved, size_t size))                    \
	X(char *, canonicalize_file_name, (const char *path))                 \
	X(int, access, (const char *path, int mode))                          \
	X(int, eaccess, (const char *path, int mode))                         \
	X(int, euidaccess, (const char *path, int mode))                      \
	X(int, faccessat, (int dir, const char *path, int mode, int flags))   \
	X(int, chdir, (const char *path))                                     \
	X(int, fchdir, (int fd))                                              \
	X(char *, getcwd, (char *buffer, size_t room))                        \
	X(char *, __getcwd_chk, (char *buffer, size_t room, size_t size))     \
	X(char *, get_current_dir_name, (void))

#define IOAS_SYMBOLS_XATTR(X)                                                 \
	X(ssize_t, getxattr,                                                  \
	  (const char *path, const char *name, void *value, size_t size))     \
	X(ssize_t, lgetxattr,                                                 \
	  (const char *path, const char *name, void *value, size_t size))     \
	X(ssize_t, listxattr, (const char *path, char *list, size_t size))    \
	X(ssize_t, llistxattr, (const char *path, char *list, size_t size))

#define IOAS_SYMBOLS_DIR(X)                                                   \
	X(DIR *, opendir, (const char *path))                                 \
	X(struct dirent *, readdir, (DIR *dir))                               \
	X(struct dirent64 *, readdir64, (DIR *dir))                           \
	X(void, rewinddir, (DIR *dir))                                        \
	X(long, telldir, (DIR *dir))                                          \
	X(void, seekdir, (DIR *dir, long position))                           \
	X(int, dirfd, (DIR *dir))                                             \
	X(int, closedir, (DIR *dir))                                          \
	X(DIR *, fdopendir, (int fd))                                         \
	X(int, readdir_r,                                                     \
	  (DIR *dir, struct dirent *entry, struct dirent **result))           \
	X(int, readdir64_r,                                                   \
	  (DIR *dir, struct dirent64 *entry, struct dirent64 **result))

#define IOAS_SYMBOLS_WALK(X)                                                  \
	X(int, scandir,                                                       \
	  (const char *path, struct dirent ***list,                           \
	   int (*wanted)(const struct dirent *),                              \
	   int (*order)(const struct dirent **, const struct dirent **)))     \
	X(int, scandir64,                                                     \
	  (const char *path, struct dirent64 ***list,                         \
	   int (*wanted)(const struct dirent64 *),                            \
	   int (*order)(const struct dirent64 **,                             \
	                const struct dirent64 **)))                           \
	X(int, scandirat,                                                     \
	  (int dir, const char *path, struct dirent ***list,                  \
	   int (*wanted)(const struct dirent *),                              \
	   int (*order)(const struct dirent **, const struct dirent **)))     \
	X(int, scandirat64,                                                   \
	  (int dir, const char *path, struct dirent64 ***list,                \
	   int (*wanted)(const struct dirent64 *),                            \
	   int (*order)(const struct dirent64 **,                             \
	                const struct dirent64 **)))                           \
	X(int, glob,                                                          \
	  (const char *pattern, int flags, int (*failed)(const char *, int),  \
	   glob_t *ret))                                                      \
	X(int, glob64,                                                        \
	  (const char *pattern, int flags, int (*failed)(const char *, int),  \
	   glob64_t *ret))                                                    \
	X(int, nftw,                                                          \
	  (const char *path, __nftw_func_t fn, int fds, int flags))           \
	X(int, nftw64,                                                        \
	  (const char *path, __nftw64_func_t fn, int fds, int flags))         \
	X(int, ftw, (const char *path, __ftw_func_t fn, int fds))             \
	X(int, ftw64, (const char *path, __ftw64_func_t fn, int fds))

#define IOAS_SYMBOLS_STAT(X)                                                  \
	X(int, stat, (const char *path, struct stat *st))                     \
	X(int, stat64, (const char *path, struct stat64 *st))                 \
	X(int, lstat, (const char *path, struct stat *st))                    \
	X(int, lstat64, (const char *path, struct stat64 *st))                \
	X(int, fstat, (int fd, struct stat *st))                              \
	X(int, fstat64, (int fd, struct stat64 *st))                          \
	X(int, fstatat,                                                       \
	  (int dir, const char *path, struct stat *st, int flags))            \
	X(int, fstatat64,                                                     \
	  (int dir, const char *path, struct stat64 *st, int flags))          \
	X(int, __xstat, (int version, const char *path, struct stat *st))     \
	X(int, __xstat64,                                                     \
	  (int version, const char *path, struct stat64 *st))                 \
	X(int, __lxstat, (int version, const char *path, struct stat *st))    \
	X(int, __lxstat64,                                                    \
	  (int version, const char *path, struct stat64 *st))                 \
	X(int, __fxstat, (int version, int fd, struct stat *st))              \
	X(int, __fxstat64, (int version, int fd, struct stat64 *st))          \
	X(int, __fxstatat,                                                    \
	  (int version, int dir, const char *path, struct stat *st,           \
	   int flags))                                                        \
	X(int, __fxstatat64,                                                  \
	  (int version, int dir, const char *path, struct stat64 *st,         \
	   int flags))                                                        \
	X(int, statx,                                                         \
	  (int dir, const char *path, int flags, unsigned int mask,           \
	   struct statx *st))

#define IOAS_SYMBOLS_STATFS(X)                                                \
	X(int, statfs, (const char *path, struct statfs *st))                 \
	X(int, statfs64, (const char *path, struct statfs64 *st))             \
	X(int, fstatfs, (int fd, struct statfs *st))                          \
	X(int, fstatfs64, (int fd, struct statfs64 *st))                      \
	X(int, statvfs, (const char *path, struct statvfs *st))               \
	X(int, statvfs64, (const char *path, struct statvfs64 *st))           \
	X(int, fstatvfs, (int fd, struct statvfs *st))                        \
	X(int, fstatvfs64, (int fd, struct statvfs64 *st))

#define IOAS_SYMBOLS_IO(X)                                                    \
	X(int, ioctl, (int fd, unsigned long command, ...))                   \
	X(ssize_t, read, (int fd, void *buffer, size_t bytes))                \
	X(ssize_t, __read_chk,                                                \
	  (int fd, void *buffer, size_t bytes, size_t size))                  \
	X(ssize_t, write, (int fd, const void *buffer, size_t bytes))         \
	X(ssize_t, pread, (int fd, void *buffer, size_t bytes, off_t at))     \
	X(ssize_t, pread64,                                                   \
	  (int fd, void *buffer, size_t bytes, off64_t at))                   \
	X(ssize_t, __pread_chk,                                               \
	  (int fd, void *buffer, size_t bytes, off_t at, size_t size))        \
	X(ssize_t, __pread64_chk,                                             \
	  (int fd, void *buffer, size_t bytes, off64_t at, size_t size))      \
	X(ssize_t, pwrite,                                                    \
	  (int fd, const void *buffer, size_t bytes, off_t at))               \
	X(ssize_t, pwrite64,                                                  \
	  (int fd, const void *buffer, size_t bytes, off64_t at))             \
	X(ssize_t, readv, (int fd, const struct iovec *part, int parts))      \
	X(ssize_t, writev, (int fd, const struct iovec *part, int parts))     \
	X(ssize_t, preadv,                                                    \
	  (int fd, const struct iovec *part, int parts, off_t at))            \
	X(ssize_t, preadv64,                                                  \
	  (int fd, const struct iovec *part, int parts, off64_t at))          \
	X(ssize_t, pwritev,                                                   \
	  (int fd, const struct iovec *part, int parts, off_t at))            \
	X(ssize_t, pwritev64,                                                 \
	  (int fd, const struct iovec *part, int parts, off64_t at))          \
	X(ssize_t, preadv2,                                                   \
	  (int fd, const struct iovec *part, int parts, off_t at,             \
	   int flags))                                                        \
	X(ssize_t, preadv64v2,                                                \
	  (int fd, const struct iovec *part, int parts, off64_t at,           \
	   int flags))                                                        \
	X(ssize_t, pwritev2,                                                  \
	  (int fd, const struct iovec *part, int parts, off_t at,             \
	   int flags))                                                        \
	X(ssize_t, pwritev64v2,                                               \
	  (int fd, const struct iovec *part, int parts, off64_t at,           \
	   int flags))                                                        \
	X(off_t, lseek, (int fd, off_t at, int whence))                       \
	X(off64_t, lseek64, (int fd, off64_t at, int whence))

#define IOAS_SYMBOLS_FD(X)                                                    \
	X(int, close, (int fd))                                               \
	X(int, close_range,                                                   \
	  (unsigned int first, unsigned int last, int flags))                 \
	X(void, closefrom, (int first))                                       \
	X(int, dup, (int fd))                                                 \
	X(int, dup2, (int fd, int wanted))                                    \
	X(int, dup3, (int fd, int wanted, int flags))                         \
	X(int, fcntl, (int fd, int command, ...))                             \
	X(int, fcntl64, (int fd, int command, ...))

#define IOAS_SYMBOLS_MEMORY(X)                                                \
	X(void *, mmap,                                                       \
	  (void *start, size_t bytes, int prot, int flags, int fd,            \
	   off_t at))                                                         \
	X(void *, mmap64,                                                     \
	  (void *start, size_t bytes, int prot, int flags, int fd,            \
	   off64_t at))                                                       \
	X(int, munmap, (void *start, size_t bytes))                           \
	X(void *, mremap,                                                     \
	  (void *start, size_t old_bytes, size_t bytes, int flags, ...))      \
	X(int, mprotect, (void *start, size_t bytes, int prot))               \
	X(int, madvise, (void *start, size_t bytes, int advice))              \
	X(int, mlockall, (int flags))                                         \
	X(int, memfd_create, (const char *name, unsigned int flags))          \
	X(int, brk, (void *end))                                              \
	X(void *, sbrk, (intptr_t more))                                      \
	X(void *, shmat, (int id, const void *start, int flags))              \
	X(int, shmdt, (const void *start))                                    \
	X(ssize_t, process_madvise,                                           \
	  (int pidfd, const struct iovec *part, size_t parts, int advice,     \
	   unsigned int flags))                                               \
	X(int, truncate, (const char *path, off_t bytes))                     \
	X(int, truncate64, (const char *path, off64_t bytes))                 \
	X(int, ftruncate, (int fd, off_t bytes))                              \
	X(int, ftruncate64, (int fd, off64_t bytes))                          \
	X(int, fallocate, (int fd, int mode, off_t offset, off_t bytes))      \
	X(int, fallocate64,                                                   \
	  (int fd, int mode, off64_t offset, off64_t bytes))

#define IOAS_SYMBOLS_HEAP(X)                                                  \
	X(void, free, (void *block))                                          \
	X(void *, realloc, (void *block, size_t bytes))                       \
	X(void *, reallocarray, (void *block, size_t count, size_t bytes))

#define IOAS_SYMBOLS_SIGNAL(X)                                                \
	X(int, sigaction,                                                     \
	  (int number, const struct sigaction *act, struct sigaction *old))   \
	X(int, __sigaction,                                                   \
	  (int number, const struct sigaction *act, struct sigaction *old))   \
	X(sighandler_t, signal, (int number, sighandler_t handler))           \
	X(sighandler_t, bsd_signal, (int number, sighandler_t handler))       \
	X(sighandler_t, ssignal, (int number, sighandler_t handler))          \
	X(sighandler_t, sysv_signal, (int number, sighandler_t handler))      \
	X(sighandler_t, __sysv_signal, (int number, sighandler_t handler))    \
	X(sighandler_t, sigset, (int number, sighandler_t handler))           \
	X(int, sigignore, (int number))                                       \
	X(int, sighold, (int number))                                         \
	X(int, sigrelse, (int number))                                        \
	X(int, sigblock, (int mask))                                          \
	X(int, sigsetmask, (int mask))                                        \
	X(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old))    \
	X(int, pthread_sigmask,                                               \
	  (int how, const sigset_t *set, sigset_t *old))                      \
	X(int, sigsuspend, (const sigset_t *set))                             \
	X(int, pselect,                                                       \
	  (int count, fd_set *in, fd_set *out, fd_set *urgent,                \
	   const struct timespec *timeout, const sigset_t *set))              \
	X(int, ppoll,                                                         \
	  (struct pollfd *fds, nfds_t count, const struct timespec *timeout,  \
	   const sigset_t *set))                                              \
	X(int, __ppoll_chk,                                                   \
	  (struct pollfd *fds, nfds_t count, const struct timespec *timeout,  \
	   const sigset_t *set, size_t size))                                 \
	X(int, epoll_pwait,                                                   \
	  (int fd, struct epoll_event *events, int room, int timeout,         \
	   const sigset_t *set))                                              \
	X(int, epoll_pwait2,                                                  \
	  (int fd, struct epoll_event *events, int room,                      \
	   const struct timespec *timeout, const sigset_t *set))

#define IOAS_SYMBOLS_PROCESS(X)                                               \
	X(pid_t, fork, (void))                                                \
	X(pid_t, _Fork, (void))                                               \
	X(pid_t, vfork, (void))                                               \
	X(void, _exit, (int status))                                          \
	X(void, _Exit, (int status))                                          \
	X(long, syscall, (long number, ...))

#define IOAS_SYMBOLS(X)                                                       \
	IOAS_SYMBOLS_PATH(X)                                                  \
	IOAS_SYMBOLS_XATTR(X)                                                 \
	IOAS_SYMBOLS_DIR(X)                                                   \
	IOAS_SYMBOLS_WALK(X)                                                  \
	IOAS_SYMBOLS_STAT(X)                                                  \
	IOAS_SYMBOLS_STATFS(X)                                                \
	IOAS_SYMBOLS_IO(X)                                                    \
	IOAS_SYMBOLS_FD(X)                                                    \
	IOAS_SYMBOLS_MEMORY(X)                                                \
	IOAS_SYMBOLS_HEAP(X)                                                  \
	IOAS_SYMBOLS_SIGNAL(X)                                                \
	IOAS_SYMBOLS_PROCESS(X)
/* clang-format on */

#endif /* IOAS_PRELOAD_SYMBOLS_H */
