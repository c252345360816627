/* SPDX-License-Identifier: Apache-2.0 */
/* The hardening of a host class as a group policy object holds it, and the files that carry it
 * beside Registry.pol: GptTmpl.inf (security options and services) and audit.csv.
 *
 *   - What the editor shows as a security option goes into GptTmpl.inf, other values of the
 *     registry into Registry.pol, service start types into GptTmpl.inf, subcategories into
 *     audit.csv.
 *   - What a GPO has no place for (optional features) is refused by nobody: it is a step of its own
 *     and listed in members.txt.
 *
 * spec : [MS-GPSB] 2.2 (GptTmpl.inf), [MS-GPAC] 2.2 (audit.csv)
 */
#pragma once

#include "base/err.h"
#include "harden/baseline.h"
#include "rules/bundle.h"
#include "targets/registry_value.h"

struct gpo_settings {
    const struct harden_change *const *registry; /* of Registry.pol */
    size_t n_registry;
    const struct harden_change *const *options; /* of GptTmpl.inf, [Registry Values] */
    size_t n_options;
    const struct harden_change *const *services; /* [Service General Setting] */
    size_t n_services;
    const struct harden_change *const *audits; /* of audit.csv */
    size_t n_audits;
    const struct harden_change *const *others; /* no place in a GPO */
    size_t n_others;
};

/* fails : UNSUPPORTED (a text that could leave its field, a special name) */
MUST_USE bool gpo_settings_of(const struct host_class *host_class, struct arena *arena,
                              struct gpo_settings *out, struct err *err);
struct registry_value gpo_settings_value(const struct harden_change *change, struct arena *arena);

/* Lines of the sections, without their line ends: `MACHINE\…=4,1`, `"LanmanServer",4,""`. */
str gpo_settings_option_line(const struct harden_change *change, struct arena *arena);
/* Whole files: UTF-16LE with its mark, and UTF-8; lines end in CR LF. */
str gpo_settings_inf(const struct gpo_settings *settings, struct arena *arena);
str gpo_settings_csv(const struct gpo_settings *settings, struct arena *arena);
str gpo_settings_audit_text(uint32_t setting); /* "Success and Failure" */
