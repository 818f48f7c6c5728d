/* SPDX-License-Identifier: MIT */
/*
 * In place of src/base/lock.h: a lock is taken and released in one step each,
 * which the replay knows. The lock itself is explored by the set `lock`.
 */
#ifndef IOAS_BASE_LOCK_H
#define IOAS_BASE_LOCK_H

#include "base/atomic.h"
#include "base/hooks.h"
#include "base/law.h"

struct ioas_lock {
	struct ioas_a32 word;
};

struct ioas_light {
	struct ioas_a32 word, sleepers;
	bool fenced;
};

void replay_lock(const struct explore_site *site);
void replay_unlock(const struct explore_site *site);

#define ioas_light_lock(l)   ((void)(l), replay_lock(EXPLORE_SITE(#l)))
#define ioas_light_unlock(l) ((void)(l), replay_unlock(EXPLORE_SITE(#l)))

#endif /* IOAS_BASE_LOCK_H */
