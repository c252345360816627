/* SPDX-License-Identifier: Apache-2.0 */
/* Whose report it is: the name, logo and colours of who sends it (brand.yaml, docs/reports.md).
 *
 *   name: Example IT Services
 *   logo: logo.png          # PNG, JPEG or SVG, at most 1 MiB; becomes part of the page
 *   accent: "#7a1f5c"       # each readable on white
 *   ink: "#1b1f24"
 *   footer: Example IT Services, 1 Example Street
 */
#pragma once

#include "base/err.h"
#include "policy/document.h"

enum { BRAND_LOGO_BYTES = 1 << 20, BRAND_TEXT_BYTES = 400 };

struct brand {
    str name, footer;
    str logo; /* the file as written, beside brand.yaml; empty = none */
    struct place logo_place;
    str logo_type; /* "image/png" */
    bytes logo_content;
    bool has_accent, has_ink;
    uint32_t accent, ink; /* 0xrrggbb */
};

/* Reads the file; the logo is not opened. What is wrong is added to `found`. */
MUST_USE bool brand_parse(str text, struct arena *arena, struct brand *out,
                          struct diagnostics *found);
/* Takes the logo's bytes: what it is is told by its first ones.
 *
 * fails : LIMIT (size), UNSUPPORTED (no PNG, JPEG, SVG), REFUSED (an SVG that holds script, or
 *         names something outside itself) */
MUST_USE bool brand_logo(struct brand *brand, bytes content, struct arena *arena, struct err *err);
/* The styles that make a page theirs. */
str brand_style(const struct brand *brand, struct arena *arena);
/* The logo as the value of an img's src: "data:image/png;base64,..." */
void brand_logo_write(struct buf *out, const struct brand *brand);
