/* SPDX-License-Identifier: Apache-2.0 */
/* What every x_test.c includes: cmocka wants these headers before its own. */
#pragma once

#include "base/base.h"

/* clang-format off */
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

/* Where the sources are, for fixtures; the shared evidence corpus is found by test_corpus(). */
#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif

/* The corpus folder: $SALLYPORT_CORPUS, else ../shared/data beside the sources; NULL when absent
 * (the test then calls skip()). */
static inline const char *test_corpus(void)
{
    const char *given = getenv("SALLYPORT_CORPUS");
    const char *path = given ? given : SOURCE_ROOT "/../shared/data";
    char probe[4096];
    snprintf(probe, sizeof probe, "%s/README.md", path);
    FILE *file = fopen(probe, "rb");
    if (!file) return NULL;
    fclose(file);
    return path;
}
