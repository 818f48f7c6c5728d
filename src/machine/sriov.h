/* SPDX-License-Identifier: MIT */
/*
 * Physical and virtual functions (SR-IOV). All functions that can ever be are
 * in the machine from the start; how many of its virtual functions a physical
 * one has now, and which token guards them, is state of the run: one process
 * writes it, the next one sees it. That state lies in cells, which a front end
 * puts into memory that all processes of the run have.
 *
 *	machine->shared --> struct ioas_shared, a physical function each:
 *	                    vfs      virtual functions that are there
 *	                    changes  of vfs, counted
 *	                    token    who may have them
 *
 * Looking takes no lock and is async-signal-safe. Who changes a cell holds the
 * claim on that function (uapi), which ends with its process; and each change
 * is one store of a word, so a process that is killed leaves nothing half done.
 *
 * Laws
 *	IOV-1  a virtual function is found, in any process, when and only when
 *	       its number is below vfs
 *	IOV-2  a token is read as it was once written, whole (cells.c says why)
 */
#ifndef IOAS_MACHINE_SRIOV_H
#define IOAS_MACHINE_SRIOV_H

#include "base/atomic.h"
#include "machine/machine.h"

#define IOAS_TOKEN_BYTES 16

/* Of one physical function. Zero: no virtual ones, a token nobody knows. */
struct ioas_iov_cells {
	struct ioas_a32 vfs, changes;
	struct ioas_a32 no_autoprobe;
	struct ioas_a32 token_turn; /* of writes; the last is at [turn & 1] */
	struct ioas_a32 token[2][IOAS_TOKEN_BYTES / 4];
};

/* Memory of this size, zeroed but for @run, is what processes share. */
struct ioas_shared {
	char run[64]; /* whose it is: its name, as in the environment */
	struct ioas_iov_cells function[IOAS_FUNCTIONS_MAX];
};

/* ---- cells.c ---- */

struct ioas_iov_cells *ioas_iov_cells(const struct ioas_machine *machine,
                                      const struct ioas_function *physical);

/* Virtual functions that @physical has now. */
unsigned int ioas_iov_vfs(const struct ioas_machine *machine,
                          const struct ioas_function *physical);
/* By who holds the claim. @vfs: no more than it can have (IOV-1). */
void ioas_iov_set_vfs(const struct ioas_machine *machine,
                      const struct ioas_function *physical, unsigned int vfs);
/* Is it there? Each function is that is not virtual (IOV-1). */
bool ioas_iov_present(const struct ioas_machine *machine,
                      const struct ioas_function *function);

bool ioas_iov_token_is(const struct ioas_machine *machine,
                       const struct ioas_function *physical,
                       const uint8_t token[IOAS_TOKEN_BYTES]);
/* By who holds the claim on the token. */
void ioas_iov_set_token(const struct ioas_machine *machine,
                        const struct ioas_function *physical,
                        const uint8_t token[IOAS_TOKEN_BYTES]);

/* ---- sriov.c ---- */

/* Has the machine virtual functions, there or not? */
bool ioas_iov_any(const struct ioas_machine *machine);
/*
 * For spec.c: the virtual functions of the last function, of which @text says
 * how many. As ioas_machine_add(); on failure none is there.
 */
int ioas_iov_add(struct ioas_machine *machine, const char *text,
                 char *ret_failure);
/* Groups: the virtual functions' come after all others. */
void ioas_iov_number_groups(struct ioas_machine *machine);

#endif /* IOAS_MACHINE_SRIOV_H */
