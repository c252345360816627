/* SPDX-License-Identifier: Apache-2.0 */
/* Reads back what gpo.c writes, and nothing else: another value, token, element or line is an
 * error. It shares no code with the writer that formats or parses addresses; strings of rules are
 * understood by firewall_strings_read, which knows more than is taken here.
 */
#pragma once

#include "targets/target.h"

/* A registry.pol, or the same as samba-tool's XML.
 *
 * fails : MALFORMED, TRUNCATED, with the offset of the value */
MUST_USE bool gpo_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                       struct err *err);
/* What a registry.pol that can be read sets beside rules and their sets: "KEY, NAME", type and
 * data.
 */
MUST_USE bool gpo_read_values(str source, bytes content, struct arena *arena,
                              struct target_settings *out, struct err *err);
/* What a rollback.ps1 takes back beside what every one does, or leaves ("stays"). */
MUST_USE bool gpo_read_undone(str source, bytes content, struct arena *arena,
                              struct target_settings *out, struct err *err);
/* A rollback.ps1: takes back what carries the workspace's mark. */
MUST_USE bool gpo_read_rollback(str source, bytes content, str workspace, str border_word,
                                struct arena *arena, struct err *err);
/* Whether the way back names every value of a registry.pol that is not the firewall's. */
MUST_USE bool gpo_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena,
                              struct err *err);
bool gpo_read_recognise(bytes head);
