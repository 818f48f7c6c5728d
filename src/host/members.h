/* SPDX-License-Identifier: MIT */
/*
 * The members of the set that hooks.c puts together; what each must do says
 * base/hooks.h. For the files of src/host only.
 */
#ifndef IOAS_HOST_MEMBERS_H
#define IOAS_HOST_MEMBERS_H

#include "host/host.h"

/* alloc.c */
void *ioas_host_alloc(size_t bytes);
void ioas_host_free(void *p, size_t bytes);

/*
 * descriptor.c: for the time of a call; a program that closes what it does not
 * know leaves them alone. Return: a descriptor, or the system's error.
 */
long ioas_host_open_own(const char *path);
long ioas_host_take_own(long fd);
void ioas_host_close_own(long fd); /* an error is none, and nothing happens */

/* memory.c */
int ioas_host_pin(struct uaddr start, uint64_t length, unsigned int perm,
                  uint64_t *ret_pinned);
void ioas_host_unpin(struct uaddr start, uint64_t length);
/* As pin, and every page is there then. */
int ioas_host_bring_in(struct uaddr start, uint64_t length, unsigned int perm,
                       uint64_t *ret_pinned);
/* Pages, by number, are brought in. Return: how many, up to one that cannot. */
uint64_t ioas_host_populate(uint64_t first, uint64_t count, unsigned int perm);
int ioas_host_copy(void *dst, const void *src, size_t bytes);

unsigned int ioas_host_page_shift(void);

/* check.c: the same number, and memory that is not there stays so. */
uint64_t ioas_host_check(uint64_t first, uint64_t count, unsigned int perm);

/* reserve.c */
void *ioas_host_reserve(size_t bytes);
void ioas_host_unreserve(void *p, size_t bytes);
void ioas_host_reserve_advise(void *p, size_t bytes,
                              enum ioas_reserve_advice advice);
int ioas_host_map_file(int fd, uint64_t offset, uint64_t length,
                       unsigned int perm, uint64_t *ret_start);
void ioas_host_unmap_file(uint64_t start, uint64_t length);

/* process.c: what to say, where ptrace_scope is @scope, a digit, or absent. */
const char *ioas_host_not_allowed(char scope);

/* thread.c */
bool ioas_host_barrier(void);
void ioas_host_wait(const struct ioas_a32 *word, uint32_t seen);
void ioas_host_wait_until(const struct ioas_a32 *word, uint32_t seen,
                          uint64_t deadline);
uint64_t ioas_host_now(void);
void ioas_host_wake(const struct ioas_a32 *word);
void ioas_host_relax(unsigned int round);
void ioas_host_signals_block(struct ioas_signals *saved);
void ioas_host_signals_restore(const struct ioas_signals *saved);
bool ioas_host_at_thread_exit(void (*fn)(void *arg), void *arg);

/* worker.c */
void ioas_host_worker_begin(void); /* once, before the others */
struct ioas_thread *ioas_host_thread_start(const char *name,
                                           void (*fn)(void *arg), void *arg);
void ioas_host_thread_join(struct ioas_thread *thread);
bool ioas_host_parallel(void);

#endif /* IOAS_HOST_MEMBERS_H */
