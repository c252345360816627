/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of the program may rely on: the standard headers everyone needs, the few
 * compiler extensions we allow ourselves (named here and nowhere else), and the functions
 * nobody may call. An edge file includes its OS or third-party header before its own header,
 * since the poison below would break those.
 */
#pragma once

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST_USE                   __attribute__((warn_unused_result))
#define FORMAT_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define NO_RETURN                  __attribute__((noreturn))
#define AUTO_CLOSE(function)       __attribute__((cleanup(function)))
#define UNUSED                     __attribute__((unused))
/* Arithmetic that wraps on purpose (hashing) is exempt from clang's integer sanitizer. */
#ifdef __clang__
#define WRAPS __attribute__((no_sanitize("integer")))
#else
#define WRAPS
#endif

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Checked arithmetic on lengths and counts from input: false when the result does not fit. */
#define num_add(a, b, out) (!__builtin_add_overflow((a), (b), (out)))
#define num_sub(a, b, out) (!__builtin_sub_overflow((a), (b), (out)))
#define num_mul(a, b, out) (!__builtin_mul_overflow((a), (b), (out)))

/* Place of the lowest bit that is set; bits is not 0. */
#define num_low_bit(bits) ((unsigned)__builtin_ctzll(bits))

/* Memory that will be read soon: where thousands of look-ups are independent, they wait together.
 */
#define prefetch(pointer) __builtin_prefetch(pointer)

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gets popen
