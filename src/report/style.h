/* SPDX-License-Identifier: Apache-2.0 */
/* The one style sheet of every page: screen, phone, A4 and Letter, light and dark. Calm: one accent
 * colour, hairlines instead of boxes, figures in columns. Blue and orange carry the verdicts, each
 * with its own sign, so that nobody needs to tell colours apart. Every pair of text and ground has
 * a contrast of at least 4.5 : 1 (WCAG 2.1, 1.4.3).
 */
#pragma once

#include "base/str.h"

extern const char style_text[];

/* Colours as 0xrrggbb. The contrast of two, in hundredths: 450 is 4.5 : 1 (WCAG 2.1). */
uint32_t style_contrast(uint32_t a, uint32_t b);
/* The ground that text stands on, in light and in dark. */
enum { STYLE_GROUND_LIGHT = 0xffffff, STYLE_GROUND_DARK = 0x14171b, STYLE_LEAST_CONTRAST = 450 };
/* A colour with white or black added until it can be read on the dark ground. */
uint32_t style_for_dark(uint32_t colour);
