/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_hardening.h"

#include "harden/baseline.h"
#include "targets/powershell_text.h"

struct writing {
    struct buf *out;
    struct arena *arena;
    const struct harden_change *change;
};

/* ---- Literals -----------------------------------------------------------------------------------
 */

static void put_lines(struct buf *out, str text)
{
    bool more = false;
    buf_str(out, S("@("));
    while (text.len) {
        str line, rest;
        (void)str_cut(text, '\n', &line, &rest);
        text = rest;
        if (more) buf_char(out, ',');
        powershell_text_literal(out, line);
        more = true;
    }
    buf_char(out, ')');
}

static void put_data(struct writing *w)
{
    const struct harden_change *c = w->change;
    if (c->type == HARDEN_DWORD) {
        buf_format(w->out, " 'DWord' %" PRIu32, c->number);
    } else if (c->type == HARDEN_STRING) {
        buf_str(w->out, S(" 'String' "));
        powershell_text_literal(w->out, c->text);
    } else {
        buf_str(w->out, S(" 'MultiString' "));
        put_lines(w->out, c->text);
    }
}

/* $true, a number or a word. */
static void put_argument(struct buf *out, str argument)
{
    uint64_t number;
    if (str_equal(argument, S("$true")) || str_equal(argument, S("$false")) ||
        str_u64(argument, UINT32_MAX, &number))
        buf_str(out, argument);
    else
        powershell_text_literal(out, argument);
}

/* ---- Settings -----------------------------------------------------------------------------------
 */

static void put_call(struct writing *w, const char *function)
{
    buf_format(w->out, "    %s ", function);
    powershell_text_literal(w->out, w->change->id);
    buf_format(w->out, " %" PRIu32 " ", w->change->since_build);
}

static void put_place(struct writing *w)
{
    powershell_text_literal(w->out, w->change->key);
    buf_char(w->out, ' ');
    powershell_text_literal(w->out, w->change->value);
    put_data(w);
}

static void put_words(struct writing *w, str first, str second)
{
    powershell_text_literal(w->out, first);
    buf_char(w->out, ' ');
    powershell_text_literal(w->out, second);
    buf_char(w->out, ' ');
}

/* "Set-NetFirewallProfile -Name Domain" → "Domain"; empty when it is another cmdlet. */
static str profile_of(const struct harden_change *c)
{
    str head = S("Set-NetFirewallProfile -Name ");
    return str_starts(c->set_cmdlet, head) ? str_tail(c->set_cmdlet, head.len) : (str){0};
}

/* What apply.ps1 sets, since it is part of what the rules tell. */
static bool is_of_apply(const struct harden_change *c)
{
    return str_equal(c->parameter, S("LogBlocked")) || str_equal(c->parameter, S("LogFileName")) ||
           str_equal(c->parameter, S("LogMaxSizeKilobytes"));
}

struct powershell_log powershell_hardening_log(const struct host_class *host_class, str profile)
{
    struct powershell_log log = {
        .blocked = true,
        .path = S("%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log"),
        .kilobytes = 16384,
    };
    for (size_t i = 0; i < host_class->n_hardening; i++) {
        const struct harden_change *c = &host_class->hardening[i];
        if (!str_equal(profile_of(c), profile)) continue;
        if (str_equal(c->parameter, S("LogBlocked"))) log.blocked = c->number != 0;
        if (str_equal(c->parameter, S("LogFileName")) && c->text.len) log.path = c->text;
        if (str_equal(c->parameter, S("LogMaxSizeKilobytes"))) log.kilobytes = c->number;
    }
    return log;
}

static str without_braces(str guid)
{
    bool braces = str_starts(guid, S("{")) && str_ends(guid, S("}"));
    return braces ? str_head(str_tail(guid, 1), guid.len - 2) : guid;
}

static void put_change(struct writing *w)
{
    const struct harden_change *c = w->change;
    if (c->audit_guid.len) {
        put_call(w, "Set-Audit");
        powershell_text_literal(w->out, without_braces(c->audit_guid));
        buf_format(w->out, " %" PRIu32, c->audit_setting);
    } else if (c->feature.len) {
        put_call(w, "Remove-Feature");
        powershell_text_literal(w->out, c->feature);
    } else if (c->service.len) {
        put_call(w, "Set-Start");
        powershell_text_literal(w->out, c->service);
        buf_format(w->out, " %" PRIu32, c->service_start);
    } else if (profile_of(c).len) {
        put_call(w, "Set-ProfileLog");
        put_words(w, profile_of(c), c->parameter);
        powershell_text_literal(w->out, c->argument);
    } else if (c->set_cmdlet.len && c->argument.len) {
        put_call(w, "Set-Configuration");
        put_words(w, c->set_cmdlet, c->get_cmdlet);
        powershell_text_literal(w->out, c->parameter);
        buf_char(w->out, ' ');
        put_argument(w->out, c->argument);
        buf_char(w->out, ' ');
        put_place(w);
    } else {
        put_call(w, "Set-Value");
        put_place(w);
    }
    buf_char(w->out, '\n');
}

static void put_remarks(struct writing *w)
{
    const struct harden_change *c = w->change;
    const struct {
        const char *label;
        str text;
    } remarks[] = {
        {"asks",         c->asks            },
        {"why",          c->why             },
        {"breaks",       c->breaks          },
        {"tells first",  c->before_enforcing},
        {"versions",     c->versions        },
        {"group policy", c->gpo_name        },
        {"source",       c->source          },
    };
    buf_char(w->out, '\n');
    for (size_t i = 0; i < COUNT_OF(remarks); i++) {
        if (!remarks[i].text.len) continue;
        buf_str(w->out, S("    "));
        powershell_text_remark(w->out, w->arena, remarks[i].label, remarks[i].text);
    }
}

static bool refused(const struct harden_change *change, const char *why, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "setting %.*s cannot be expressed by target powershell: %s; nothing is written",
                   STR_ARG(change->id), why);
}

static bool has_place(const struct harden_change *c)
{
    bool by_cmdlet = c->set_cmdlet.len && c->argument.len;
    return c->audit_guid.len || c->feature.len || c->service.len || c->key.len || by_cmdlet;
}

static bool expresses(const struct harden_change *c, struct err *err)
{
    const str texts[] = {c->id,        c->key,      c->value,   c->set_cmdlet, c->get_cmdlet,
                         c->parameter, c->argument, c->service, c->feature,    c->audit_guid};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (!powershell_text_fits(texts[i]))
            return refused(c, "a text is not printable ASCII", err);
    str left = c->text;
    while (left.len) {
        str line, rest;
        (void)str_cut(left, '\n', &line, &rest);
        left = rest;
        bool one = c->type != HARDEN_STRINGS;
        if (!powershell_text_fits(line) || (one && rest.len))
            return refused(c, "its text is not printable ASCII", err);
    }
    if (!c->id.len || !has_place(c)) return refused(c, "it has no place", err);
    return c->service_start <= 4 || refused(c, "there is no such start type", err);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static void put_workspace(struct buf *out, const struct target_header *header)
{
    buf_format(out, "$workspace = '%.*s'\n", STR_ARG(header->workspace));
}

static void put_part(struct buf *out, enum powershell_part part)
{
    powershell_text_parts(out, &part, 1);
}

bool powershell_hardening(const struct host_class *host_class, const struct target_header *header,
                          struct arena *arena, str *out, struct err *err)
{
    static const enum powershell_part before[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                  POWERSHELL_ARM, POWERSHELL_HARDEN_PREPARE};
    struct buf text = buf_in(arena);
    struct writing w = {.out = &text, .arena = arena};
    powershell_text_header(&text, arena, host_class, header,
                           S("hardening; run as administrator, again replaces"));
    put_part(&text, POWERSHELL_HARDEN_PARAMETERS);
    put_part(&text, POWERSHELL_STRICT);
    put_workspace(&text, header);
    powershell_text_parts(&text, before, COUNT_OF(before));
    for (size_t i = 0; i < host_class->n_hardening; i++) {
        w.change = &host_class->hardening[i];
        if (!expresses(w.change, err)) return false;
        if (is_of_apply(w.change)) continue;
        put_remarks(&w);
        put_change(&w);
    }
    put_part(&text, POWERSHELL_HARDEN_DONE);
    *out = buf_text(&text);
    return true;
}

str powershell_hardening_rollback(const struct host_class *host_class,
                                  const struct target_header *header, struct arena *arena)
{
    static const enum powershell_part parts[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                 POWERSHELL_SOFTEN};
    struct buf text = buf_in(arena);
    powershell_text_header(&text, arena, host_class, header,
                           S("rollback of the hardening; every setting becomes what it was"));
    put_part(&text, POWERSHELL_SOFTEN_PARAMETERS);
    put_part(&text, POWERSHELL_STRICT);
    put_workspace(&text, header);
    powershell_text_parts(&text, parts, COUNT_OF(parts));
    return buf_text(&text);
}
