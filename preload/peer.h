/* SPDX-License-Identifier: MIT */
/* Device accesses to what a view shows: struct ioas_hooks, peer. */
#ifndef IOAS_PRELOAD_PEER_H
#define IOAS_PRELOAD_PEER_H

#include "base/hooks.h"

void ioas_peer_hooks(struct ioas_hooks *hooks);

#endif /* IOAS_PRELOAD_PEER_H */
