/* SPDX-License-Identifier: Apache-2.0 */
#include "harden/compare.h"

#include "base/instant.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

str compare_verdict_text(enum compare_verdict verdict)
{
    static const str texts[] = {
#define X(name, text) T(text),
        COMPARE_VERDICTS(X)
#undef X
    };
    assert((size_t)verdict < COUNT_OF(texts));
    return texts[verdict];
}

struct comparing {
    const struct compare_machine *machine;
    const struct harden_entry *entry;
    const struct harden_change *wanted;
    struct arena *arena;
    struct compare_row *out;
};

/* ---- What is wanted -----------------------------------------------------------------------------
 */

/* As a registry holds it. */
static str registry_text(const struct comparing *c)
{
    if (c->wanted->type != HARDEN_DWORD) return c->wanted->text;
    return str_format(c->arena, "%" PRIu32, c->wanted->number);
}

/* As a cmdlet shows it: switches as True and False, the rest as it is set. */
static str shown_text(const struct comparing *c)
{
    str argument = c->wanted->argument;
    if (str_equal(argument, S("$true"))) return S("True");
    if (str_equal(argument, S("$false"))) return S("False");
    return argument;
}

static str wanted_text(const struct comparing *c)
{
    const struct harden_change *w = c->wanted;
    if (w->service.len)
        return w->service_start == 4   ? S("disabled")
               : w->service_start == 3 ? S("manual")
                                       : S("automatic");
    if (w->feature.len) return S("not installed");
    if (w->audit_guid.len) return str_format(c->arena, "%" PRIu32, w->audit_setting);
    str text = w->argument.len || !w->key.len ? shown_text(c) : registry_text(c);
    if (w->type == HARDEN_STRINGS && !text.len) return S("empty");
    return text.len ? text : S("by hand");
}

/* ---- What was collected -------------------------------------------------------------------------
 */

static bool is_number(str text, uint64_t *out)
{
    return str_u64(text, UINT32_MAX, out);
}

static uint32_t dialect_rank(str text)
{
    static const str names[] = {T("SMB202"), T("SMB210"), T("SMB300"), T("SMB302"), T("SMB311")};
    static const str numbers[] = {T("514"), T("528"), T("768"), T("770"), T("785")};
    for (uint32_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal_nocase(text, names[i]) || str_equal(text, numbers[i])) return i + 1;
    return 0;
}

/* "RequireIntegrity=1, RequirePrivacy=1" is written with blanks and without. */
static bool is_same_text(str a, str b)
{
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && a.ptr[i] == ' ')
            i++;
        while (k < b.len && b.ptr[k] == ' ')
            k++;
        if (i == a.len || k == b.len) return i == a.len && k == b.len;
        if (!str_equal_nocase((str){a.ptr + i++, 1}, (str){b.ptr + k++, 1})) return false;
    }
}

/* More than is wanted is as good where more is stricter. */
static bool is_as_good(const struct comparing *c, str wanted, str found)
{
    uint64_t want = 0, have = 0;
    enum harden_row row = c->out->row;
    if (row == HARDEN_ROW_SERVER_MAX_DIALECT || row == HARDEN_ROW_CLIENT_MAX_DIALECT)
        return str_equal_nocase(found, S("None")) || dialect_rank(found) >= dialect_rank(wanted);
    if (c->entry->argue == HARDEN_ARGUE_DIALECT) return dialect_rank(found) >= dialect_rank(wanted);
    bool numbers = is_number(wanted, &want) && is_number(found, &have);
    if (numbers && c->wanted->audit_guid.len) return (have & want) == want;
    if (numbers && c->entry->argue == HARDEN_ARGUE_NUMBER) return have >= want;
    return is_same_text(wanted, found);
}

static void judge(struct comparing *c, str wanted, str found, str how)
{
    c->out->found = found.len ? found : S("empty");
    c->out->how = how;
    c->out->verdict = is_as_good(c, wanted, found) ? COMPARE_OK : COMPARE_DIFFERS;
}

static enum collected_part part_of(str get_cmdlet)
{
    if (str_starts(get_cmdlet, S("Get-SmbServer"))) return COLLECTED_SMB_SERVER;
    if (str_starts(get_cmdlet, S("Get-SmbClient"))) return COLLECTED_SMB_CLIENT;
    return COLLECTED_PROFILE;
}

/* "Get-NetFirewallProfile -PolicyStore ActiveStore -Name Domain" is asked of the profile Domain. */
static str profile_of(str get_cmdlet)
{
    str head, last = get_cmdlet, rest;
    while (str_cut(last, ' ', &head, &rest))
        last = rest;
    return last;
}

static bool by_cmdlet(struct comparing *c)
{
    const struct harden_change *w = c->wanted;
    if (!w->parameter.len) return false;
    enum collected_part part = part_of(w->get_cmdlet);
    str of = part == COLLECTED_PROFILE ? profile_of(w->get_cmdlet) : (str){0};
    const struct collected_setting *s =
        collected_find(c->machine->collected, part, of, w->parameter);
    if (!s) return false;
    /* Lists are null or empty when nothing is in them. */
    if (s->absent && w->type != HARDEN_STRINGS) return false;
    /* Where nobody set it a profile says so, and then has the default. */
    if (str_equal_nocase(s->text, S("NotConfigured"))) return false;
    judge(c, shown_text(c), s->text, w->get_cmdlet);
    return true;
}

/* What an unset value means on that Windows, if the table is sure of it. */
static bool by_default(struct comparing *c, str how)
{
    const struct collected *collected = c->machine->collected;
    if (!collected->has_build) return false;
    enum harden_windows windows = harden_windows_of(collected->build, collected->is_server);
    if (windows == HARDEN_WINDOWS_COUNT) return false;
    str text = c->entry->defaults[windows];
    bool is_sure = text.len && !str_contains(text, S("UNCERTAIN")) && !str_contains(text, S("("));
    if (!is_sure) return false;
    str wanted = c->wanted->argument.len ? registry_text(c) : wanted_text(c);
    judge(c, wanted, str_equal(text, S("empty")) ? (str){0} : text, how);
    /* What is not there needs no setting. */
    if (str_equal(text, S("not installed"))) c->out->verdict = COMPARE_OK;
    c->out->found = str_format(c->arena, "not set: %.*s", STR_ARG(text));
    return true;
}

static bool by_registry(struct comparing *c)
{
    const struct harden_change *w = c->wanted;
    if (!w->key.len) return false;
    const struct collected_setting *s =
        collected_find(c->machine->collected, COLLECTED_REGISTRY, w->key, w->value);
    if (!s) return false;
    if (s->absent) return by_default(c, S("the registry and the default of its Windows"));
    judge(c, registry_text(c), s->text, S("the registry"));
    return true;
}

static bool by_service(struct comparing *c)
{
    static const str starts[] = {T("boot"), T("system"), T("automatic"), T("manual"),
                                 T("disabled")};
    const struct harden_change *w = c->wanted;
    uint64_t start = 0;
    if (!w->service.len) return false;
    const struct collected_setting *s =
        collected_find(c->machine->collected, COLLECTED_SERVICE, (str){0}, w->service);
    if (!s) return false;
    if (s->absent) {
        c->out->found = S("not installed");
        c->out->how = S("services");
        c->out->verdict = w->service_start == 4 ? COMPARE_OK : COMPARE_DIFFERS;
        return true;
    }
    if (!is_number(s->text, &start) || start >= COUNT_OF(starts)) return false;
    judge(c, wanted_text(c), starts[start], S("services"));
    return true;
}

static bool by_feature(struct comparing *c)
{
    const struct harden_change *w = c->wanted;
    if (!w->feature.len) return false;
    const struct collected *collected = c->machine->collected;
    const struct collected_setting *s =
        collected_find(collected, COLLECTED_FEATURE, (str){0}, w->feature);
    if (!s || s->absent)
        s = collected_find(collected, COLLECTED_FEATURE, (str){0}, w->server_feature);
    if (!s || s->absent) return false;
    bool installed = str_equal_nocase(s->text, S("Enabled")) ||
                     str_equal_nocase(s->text, S("Installed")) ||
                     str_equal_nocase(s->text, S("EnablePending"));
    c->out->found = s->text;
    c->out->how = S("optional features");
    c->out->verdict = installed ? COMPARE_DIFFERS : COMPARE_OK;
    return true;
}

static bool by_audit(struct comparing *c)
{
    const struct harden_change *w = c->wanted;
    if (!w->audit_guid.len) return false;
    const struct collected_setting *s =
        collected_find(c->machine->collected, COLLECTED_AUDIT, (str){0}, w->audit_guid);
    if (!s || s->absent) return false;
    judge(c, wanted_text(c), s->text, S("auditpol"));
    return true;
}

static bool by_collected(struct comparing *c)
{
    const struct collected *collected = c->machine->collected;
    if (!collected) return false;
    if (collected->has_build && collected->build < c->wanted->since_build) {
        c->out->verdict = COMPARE_NOT_THERE;
        c->out->how = str_format(c->arena, "build %" PRIu32, collected->build);
        return true;
    }
    return by_service(c) || by_feature(c) || by_audit(c) || by_cmdlet(c) || by_registry(c);
}

/* ---- What was seen ------------------------------------------------------------------------------
 */

static str seen_as(const struct comparing *c, const char *what)
{
    if (!c->machine->seen.last_us) return str_format(c->arena, "seen %s", what);
    struct civil day = instant_to_civil(c->machine->seen.last_us);
    return str_format(c->arena, "seen %s until %04d-%02u-%02u", what, (int)day.year,
                      (unsigned)day.month, (unsigned)day.day);
}

static str dialects_text(const struct comparing *c, uint8_t dialects)
{
    return view_dialects_text(c->arena, dialects);
}

static void differs(struct comparing *c, str found, const char *what)
{
    c->out->found = found;
    c->out->how = seen_as(c, what);
    c->out->verdict = COMPARE_DIFFERS;
}

static uint8_t below(uint32_t number)
{
    static const uint32_t numbers[] = {
        [DIALECT_2_0_2] = 0x202, [DIALECT_2_1] = 0x210,   [DIALECT_3_0] = 0x300,
        [DIALECT_3_0_2] = 0x302, [DIALECT_3_1_1] = 0x311,
    };
    unsigned out = 0;
    for (unsigned i = DIALECT_2_0_2; i < COUNT_OF(numbers); i++)
        if (numbers[i] < number) out |= 1u << i;
    return (uint8_t)out;
}

static void by_dialects(struct comparing *c, uint8_t seen, uint8_t wrong, const char *what)
{
    if (seen & wrong) differs(c, dialects_text(c, (uint8_t)(seen & wrong)), what);
}

/* A side that requires it says so in each negotiation. */
static void by_signing(struct comparing *c, enum signing signing, const char *what)
{
    if (signing == SIGNING_UNKNOWN) return;
    c->out->found = signing_text(signing);
    c->out->how = seen_as(c, what);
    bool required = c->wanted->number != 0;
    c->out->verdict = (signing == SIGNING_REQUIRED) == required ? COMPARE_OK : COMPARE_DIFFERS;
}

static void by_seen(struct comparing *c)
{
    const struct compare_seen *seen = &c->machine->seen;
    const uint8_t smb1 = 1u << DIALECT_NT_LM_012;
    uint8_t served = seen->server_dialects | seen->offered_dialects;
    bool on_guest = c->wanted->number == 0;
    uint8_t old = below(c->wanted->number);
    switch ((unsigned)c->out->row) {
    case HARDEN_ROW_SMB1_SERVER:
        if (!c->wanted->number) by_dialects(c, served, smb1, "as server");
        break;
    case HARDEN_ROW_SMB1_CLIENT:
        by_dialects(c, seen->client_dialects, smb1, "as client");
        break;
    case HARDEN_ROW_SMB1_FEATURE:
        by_dialects(c, served | seen->client_dialects, smb1, "on the wire");
        break;
    case HARDEN_ROW_SERVER_MIN_DIALECT:
        by_dialects(c, served, old, "as server");
        break;
    case HARDEN_ROW_CLIENT_MIN_DIALECT:
        by_dialects(c, seen->client_dialects, old, "as client");
        break;
    case HARDEN_ROW_SERVER_SIGNING:
        by_signing(c, seen->server_signing, "as server");
        if (c->out->verdict == COMPARE_UNKNOWN) by_signing(c, seen->offered_signing, "by a scan");
        break;
    case HARDEN_ROW_CLIENT_SIGNING:
        by_signing(c, seen->client_signing, "as client");
        break;
    case HARDEN_ROW_CLIENT_GUEST:
        if (seen->client_guest && on_guest) differs(c, S("let in as guest"), "as client");
        break;
    case HARDEN_ROW_LM_LEVEL:
        if (seen->client_ntlmv1)
            differs(c, S("NTLMv1"), "as client");
        else if (seen->server_ntlmv1)
            differs(c, S("NTLMv1"), "as server");
        break;
    default: /* the wire tells nothing of the others */
        break;
    }
}

/* ---- All rows -----------------------------------------------------------------------------------
 */

struct compare_row *compare_with(const struct policy *policy, const struct compare_machine *machine,
                                 struct arena *arena, size_t *n)
{
    struct compare_row *rows = arena_array(arena, struct compare_row, HARDEN_ROW_COUNT);
    *n = 0;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        enum harden_row row = (enum harden_row)i;
        const struct harden_entry *entry = &baseline_rows[i];
        struct harden_wanted wanted = harden_wanted_of(policy, &machine->is, row, arena);
        if (!wanted.applies || !(wanted.is_set || entry->weight == HARDEN_CHECK)) continue;
        struct compare_row *out = &rows[(*n)++];
        *out = (struct compare_row){row, COMPARE_UNKNOWN, {0}, {0}, {0}, wanted.override};
        struct comparing c = {machine, entry, &wanted.change, arena, out};
        out->wanted = wanted_text(&c);
        if (!by_collected(&c)) by_seen(&c);
    }
    return rows;
}
