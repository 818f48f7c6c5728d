/* SPDX-License-Identifier: MIT */
/*
 * What src/uapi asks of its front end (struct ioas_front): descriptors,
 * eventfds that are kept, claims on groups. And what the core asks for in its
 * place (struct ioas_hooks): raising an event, since an event here is not a
 * descriptor but a place in a table. So the descriptor behind it can be moved
 * out of the way when the program wants its number.
 */
#ifndef IOAS_PRELOAD_FRONT_H
#define IOAS_PRELOAD_FRONT_H

#include "base/hooks.h"
#include "uapi/vfio.h"

#define IOAS_EVENTS_MAX (1u << 16)

extern const struct ioas_front ioas_front;

/* Put the front end's hooks in place of the host's. */
void ioas_front_hooks(struct ioas_hooks *hooks);

/*
 * The program wants an internal descriptor's number: move ours.
 * Return: 0, -EBUSY (it cannot be moved) or -EMFILE.
 */
long ioas_front_move_away(int fd);

/* In a forked child. */
void ioas_front_forked(void);

#endif /* IOAS_PRELOAD_FRONT_H */
