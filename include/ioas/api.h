/* SPDX-License-Identifier: MIT */
/* What every public header marks its functions with. */
#ifndef IOAS_API_H
#define IOAS_API_H

#define IOAS_API  __attribute__((visibility("default")))
#define IOAS_MUST __attribute__((warn_unused_result))

/*
 * Called so often that a jump less is felt: the caller finds its address by a
 * load, not by way of a jump of the linker's, where the compiler knows how.
 */
#define IOAS_HOT
#ifdef __has_attribute
#if __has_attribute(noplt)
#undef IOAS_HOT
#define IOAS_HOT __attribute__((noplt))
#endif
#endif

#endif /* IOAS_API_H */
