/* SPDX-License-Identifier: Apache-2.0 */
#include "harden/baseline.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Versions -----------------------------------------------------------------------------------
 */

static const struct {
    str text;
    uint32_t build;
    bool server;
} versions[HARDEN_WINDOWS_COUNT] = {
#define X(id, text, build, server) {T(text), build, server},
    HARDEN_WINDOWS(X)
#undef X
};

str harden_windows_text(enum harden_windows windows)
{
    assert((size_t)windows < COUNT_OF(versions));
    return versions[windows].text;
}

/* Builds grow with the age of a family; updates of one version only change what follows its build.
 */
enum harden_windows harden_windows_of(uint32_t build, bool server)
{
    enum { FIRST_WINDOWS_11 = 22000, FIRST_24H2 = 26100, OLDEST = 10240 };
    if (build < OLDEST) return HARDEN_WINDOWS_COUNT;
    if (!server && build < FIRST_WINDOWS_11) return HARDEN_WINDOWS_10;
    if (!server) return build < FIRST_24H2 ? HARDEN_WINDOWS_11 : HARDEN_WINDOWS_11_24H2;
    enum harden_windows best = HARDEN_WINDOWS_COUNT;
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        if (versions[i].server && versions[i].build <= build) best = (enum harden_windows)i;
    return best;
}

/* ---- One row ------------------------------------------------------------------------------------
 */

static str dialect_argument(uint32_t number)
{
    static const struct {
        uint32_t number;
        str name;
    } names[] = {
        {0x202, T("SMB202")},
        {0x210, T("SMB210")},
        {0x300, T("SMB300")},
        {0x302, T("SMB302")},
        {0x311, T("SMB311")},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].number == number) return names[i].name;
    return (str){0};
}

/* NetSecurity's switches are words of an enumeration, no booleans. */
static str text_argument(const struct harden_change *c)
{
    if (c->type != HARDEN_DWORD) return c->text;
    return c->number ? S("True") : S("False");
}

static str argument_of(const struct harden_entry *row, const struct harden_change *c,
                       struct arena *arena)
{
    if (!c->parameter.len) return (str){0};
    switch (row->argue) {
    case HARDEN_ARGUE_BOOL:
        return c->number ? S("$true") : S("$false");
    case HARDEN_ARGUE_NUMBER:
        return str_format(arena, "%" PRIu32, c->number);
    case HARDEN_ARGUE_DIALECT:
        return dialect_argument(c->number);
    case HARDEN_ARGUE_TEXT:
        break;
    }
    return text_argument(c);
}

static str mdm_data_of(const struct harden_entry *row, const struct harden_change *c, bool off,
                       struct arena *arena)
{
    if (!c->mdm_path.len) return (str){0};
    if (row->mdm_on.len) return off ? row->mdm_off : row->mdm_on;
    if (c->audit_guid.len) return str_format(arena, "%" PRIu32, c->audit_setting);
    if (c->type != HARDEN_DWORD) return c->text;
    if (str_equal(c->mdm_format, S("bool"))) return c->number ? S("true") : S("false");
    return str_format(arena, "%" PRIu32, c->number);
}

/* The row's change as the table has it, turned off, or with a number of its own. */
static struct harden_change change_of(enum harden_row id, enum harden_to to, uint32_t number,
                                      struct arena *arena)
{
    const struct harden_entry *row = &baseline_rows[id];
    struct harden_change c = row->change;
    bool off = to == HARDEN_TO_OFF;
    c.id = harden_row_text(id);
    if (to == HARDEN_TO_NUMBER) c.number = number;
    if (off && c.service.len) c.service_start = row->off;
    if (off) c.number = row->off;
    c.argument = argument_of(row, &c, arena);
    c.mdm_data = mdm_data_of(row, &c, off, arena);
    return c;
}

static const struct harden_override *override_of(const struct policy *policy,
                                                 const struct hardened *machine, enum harden_row id)
{
    const struct harden_entry *row = &baseline_rows[id];
    for (size_t i = 0; i < policy->n_overrides; i++) {
        const struct harden_override *o = &policy->overrides[i];
        if (!(machine->overrides >> i & 1)) continue;
        if (o->has_kind && o->kind != machine->kind) continue;
        bool by_setting =
            row->belongs && o->setting == (size_t)HARDEN_ROW_COUNT + (size_t)row->setting;
        if (by_setting || o->setting == (size_t)id) return o;
    }
    return NULL;
}

struct harden_wanted harden_wanted_of(const struct policy *policy, const struct hardened *machine,
                                      enum harden_row id, struct arena *arena)
{
    const struct harden_entry *row = &baseline_rows[id];
    struct harden_wanted out = {.applies = row->kinds >> machine->kind & 1};
    enum harden_to to = HARDEN_TO_ON;
    if (out.applies) out.override = override_of(policy, machine, id);
    out.is_set = out.applies && row->weight == HARDEN_SET;
    if (out.override) {
        to = out.override->to;
        bool can =
            to == HARDEN_TO_ON || to == HARDEN_TO_NUMBER || (to == HARDEN_TO_OFF && row->has_off);
        out.is_set = can && row->weight != HARDEN_CHECK;
    }
    uint32_t number = out.override ? out.override->number : 0;
    out.change = change_of(id, out.is_set ? to : HARDEN_TO_ON, number, arena);
    return out;
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

const struct harden_change *harden_changes(const struct policy *policy,
                                           const struct hardened *machine, struct arena *arena,
                                           size_t *n)
{
    enum harden_mode mode = harden_mode_of(policy);
    *n = 0;
    if (mode == HARDEN_OFF) return NULL;
    struct harden_change *out = arena_array(arena, struct harden_change, HARDEN_ROW_COUNT);
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        if (mode == HARDEN_AUDIT && !baseline_rows[i].tells) continue;
        struct harden_wanted w = harden_wanted_of(policy, machine, (enum harden_row)i, arena);
        if (w.is_set) out[(*n)++] = w.change;
    }
    return out;
}

struct bundles harden_bundles(struct bundles bundles, struct arena *arena)
{
    const struct policy *policy = bundles.resolved->policy;
    if (harden_mode_of(policy) == HARDEN_OFF) return bundles;
    struct host_class *classes = arena_array(arena, struct host_class, bundles.n_classes + 1);
    for (size_t i = 0; i < bundles.n_classes; i++) {
        classes[i] = bundles.classes[i];
        classes[i].hardening =
            harden_changes(policy, &classes[i].machines, arena, &classes[i].n_hardening);
    }
    bundles.classes = classes;
    return bundles;
}

struct harden_bound harden_bound_of(const struct policy *policy, const struct hardened *machine)
{
    struct harden_bound out = {0};
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        const struct harden_entry *row = &baseline_rows[i];
        const struct harden_override *o = override_of(policy, machine, (enum harden_row)i);
        bool set = row->weight == HARDEN_SET;
        if (!(row->kinds >> machine->kind & 1)) continue;
        if (o) set = o->to == HARDEN_TO_ON || o->to == HARDEN_TO_NUMBER;
        if (!set && !o && row->weight == HARDEN_ADVISE) {
            out.advice_client |= row->as_client;
            out.advice_server |= row->as_server;
        }
        if (!set) continue;
        out.as_client |= row->as_client;
        out.as_server |= row->as_server;
        if (!row->belongs || row->setting != HARDEN_DIALECT) continue;
        uint32_t least = o && o->to == HARDEN_TO_NUMBER ? o->number : row->change.number;
        if (row->as_client) out.client_dialect = least;
        if (row->as_server) out.server_dialect = least;
    }
    return out;
}
