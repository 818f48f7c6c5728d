/* SPDX-License-Identifier: MIT */
/* What every public header marks its functions with. */
#ifndef IOAS_API_H
#define IOAS_API_H

#define IOAS_API  __attribute__((visibility("default")))
#define IOAS_MUST __attribute__((warn_unused_result))

#endif /* IOAS_API_H */
