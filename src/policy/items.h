/* SPDX-License-Identifier: Apache-2.0 */
/* What entries are made of: services, and the items of from, to and except. */
#pragma once

#include "policy/reading.h"

/* A service or a list of them, as indices into the policy's services. must_be_governed: an
 * ungoverned one is an error. */
void items_read_services(struct reading *r, const struct node *value, bool must_be_governed,
                         const size_t **out, size_t *n_out);

/* A reader for tables of keys: one item or a list of them into a struct selectors. */
void items_read(struct reading *r, const struct node *value, void *into, const void *about);
bool items_read_one(struct reading *r, const struct node *item, struct selector *out);

/* The segment or group of that name. */
bool items_find(const struct reading *r, str name, struct selector *out);
/* `, did you mean "word"?` out of the segments and groups, perhaps the built-in sets, too. */
str items_suggest(struct reading *r, str word, bool built_in_too);
