/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/rules_md.h"

#include "base/instant.h"
#include "harden/baseline.h"
#include "policy/exceptions.h"
#include "rules/universe.h"

enum {
    RANGES_SHOWN = 12, /* of one list; the files have all */
    NAMES_SHOWN = 40,
    RULES_SHOWN = 400, /* of one class or border; a reader looks for one in its file */
};

/* Text of a policy in Markdown: one line, nothing in it marks anything up. */
static void put_text(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if ((c >= 0 && c < ' ') || c == 127) c = ' ';
        if (memchr("\\`*_{}[]<>()#|!&~", c, 17)) buf_char(out, '\\');
        buf_char(out, c);
    }
}

static void put_ranges(struct buf *out, struct prefix_set set, struct arena *arena)
{
    char text[PREFIX_TEXT], last[ADDR_TEXT];
    struct prefix_set parts[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    size_t shown = 0, n = parts[0].n + parts[1].n;
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t i = 0; i < parts[part].n && shown < RANGES_SHOWN; i++, shown++) {
            struct range r = parts[part].ranges[i];
            size_t n_prefixes;
            struct prefix *p = prefix_set_prefixes(arena, (struct prefix_set){&r, 1}, &n_prefixes);
            if (shown) buf_str(out, S(", "));
            if (n_prefixes == 1 && !addr_equal(r.first, r.last)) {
                buf_str(out, prefix_text(text, p[0]));
                continue;
            }
            addr_print(out, r.first);
            if (!addr_equal(r.first, r.last))
                buf_format(out, "-%.*s", STR_ARG(addr_text(last, r.last)));
        }
    }
    if (n > shown) buf_format(out, " and %zu more ranges", n - shown);
    if (!n) buf_str(out, S("none"));
}

static void put_ports(struct buf *out, const struct rule *rule)
{
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(out, "%s%.*s/%u", i ? ", " : "",
                   STR_ARG(service_transport_text(rule->transport)), (unsigned)p.first);
        if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
    }
}

static void put_profiles(struct buf *out, uint8_t profiles)
{
    bool more = false;
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        if (!(profiles >> p & 1u)) continue;
        if (more) buf_str(out, S(", "));
        buf_str(out, profile_text((enum profile)p));
        more = true;
    }
}

/* A block's remote addresses are whatever its approved ones leave over. */
static void put_rule(struct buf *out, const struct rule *rule, struct arena *arena)
{
    bool any_local = prefix_set_equal(rule->local, (struct prefix_set){&addr_all, 1});
    buf_str(out, S("| "));
    buf_str(out, direction_text(rule->direction));
    buf_str(out, S(" | "));
    buf_str(out, action_text(rule->action));
    buf_str(out, S(" | "));
    put_ports(out, rule);
    buf_str(out, S(" | "));
    put_profiles(out, rule->profiles);
    buf_str(out, S(" | "));
    if (any_local)
        buf_str(out, S("all"));
    else
        put_ranges(out, rule->local, arena);
    buf_str(out, S(" | "));
    if (rule->action == ACTION_BLOCK)
        buf_str(out, S("all that are not approved"));
    else
        put_ranges(out, rule->remote, arena);
    buf_str(out, S(" | "));
    put_text(out, rule->why);
    buf_str(out, S(" | "));
    put_text(out, rule->id);
    buf_str(out, S(" |\n"));
}

static void put_rules(struct buf *out, struct ruleset rules, struct arena *arena)
{
    if (!rules.n) {
        buf_str(out, S("No rules: nothing is enforced here.\n"));
        return;
    }
    buf_str(out,
            S("| direction | action | ports | profiles | own addresses | peers | why | rule |\n"
              "|---|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < rules.n && i < RULES_SHOWN; i++)
        put_rule(out, &rules.rules[i], arena);
    if (rules.n > RULES_SHOWN)
        buf_format(out, "\n%zu more rules like these are in the files.\n", rules.n - RULES_SHOWN);
}

/* Who negotiates IPsec with whom; shown after the rules that rest on it. */
static void put_security(struct buf *out, struct ruleset rules, struct arena *arena)
{
    if (!rules.n_security) return;
    buf_str(out,
            S("\nConnection security (IPsec: request inbound and outbound, Kerberos of computer "
              "and user):\n\n"
              "| profiles | own addresses | peers | why | rule |\n|---|---|---|---|---|\n"));
    for (size_t i = 0; i < rules.n_security && i < RULES_SHOWN; i++) {
        const struct security_rule *rule = &rules.security[i];
        buf_str(out, S("| "));
        put_profiles(out, rule->profiles);
        buf_str(out, S(" | "));
        put_ranges(out, rule->local, arena);
        buf_str(out, S(" | "));
        put_ranges(out, rule->remote, arena);
        buf_str(out, S(" | "));
        put_text(out, rule->why);
        buf_str(out, S(" | "));
        put_text(out, rule->id);
        buf_str(out, S(" |\n"));
    }
}

static void put_hardening(struct buf *out, const struct host_class *class)
{
    if (!class->n_hardening) return;
    buf_str(out, S("\nHardening:\n\n| setting | what is set | why | what it breaks | versions |\n"
                   "|---|---|---|---|---|\n"));
    for (size_t i = 0; i < class->n_hardening; i++) {
        const struct harden_change *change = &class->hardening[i];
        const str cells[] = {change->id, change->asks, change->why, change->breaks,
                             change->versions};
        for (size_t k = 0; k < COUNT_OF(cells); k++) {
            buf_str(out, k ? S(" | ") : S("| "));
            put_text(out, cells[k]);
        }
        buf_str(out, S(" |\n"));
    }
}

static void put_head(struct buf *out, const struct manifest *m)
{
    char as_of[INSTANT_TEXT];
    const struct policy *policy = m->resolved->policy;
    buf_str(out, S("# Firewall rules"));
    if (m->header->organisation.len) {
        buf_str(out, S(" of "));
        put_text(out, m->header->organisation);
    }
    buf_str(out, S("\n\n- policy: "));
    put_text(out, m->header->policy_source);
    buf_format(out, ", SHA-256 %.*s\n- as of: %.*s\n", STR_ARG(m->header->policy_sha256),
               STR_ARG(instant_text(as_of, m->header->as_of_us)));
    if (m->header->exceptions_sha256.len)
        buf_format(out, "- exceptions: SHA-256 %.*s\n", STR_ARG(m->header->exceptions_sha256));
    if (policy->lifeline_off.len) {
        buf_str(out, S("- the lifeline is off: "));
        put_text(out, policy->lifeline_off);
        buf_char(out, '\n');
    }
    if (policy->firewall_on)
        buf_str(out, S("- `windows: {firewall: on}` is not written: no file here turns a profile "
                       "on or off\n"));
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct prove_report *report = &m->parts[i].report;
        buf_format(out,
                   "- %.*s: %zu rules in %zu files for %zu host classes and %zu borders, read back "
                   "and proved equal to the policy\n",
                   STR_ARG(m->parts[i].target->name), report->n_rules, report->n_files,
                   report->n_classes, report->n_borders);
    }
}

static void put_limits(struct buf *out, const struct manifest *m, struct arena *arena)
{
    buf_str(out, S("\n## What a dialect cannot hold\n\n"));
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct target *target = m->parts[i].target;
        struct prefix_set residue = prefix_set_subtract(arena, universe_peers, *target->peers);
        buf_format(out, "- %.*s cannot express %.*s.", STR_ARG(target->name),
                   STR_ARG(target->cannot));
        buf_str(out, S(" Residue (peers that no rule decides): "));
        put_ranges(out, residue, arena);
        if (target->residue.len) buf_format(out, ": %.*s", STR_ARG(target->residue));
        buf_str(out, S(".\n"));
    }
    buf_str(out,
            S("- Every dialect: loopback, unspecified, multicast and broadcast addresses are no "
              "peers; no rule names them.\n"
              "- A machine's traffic to its own addresses is not filtered.\n"));
}

static void put_use(struct buf *out, const struct manifest *m)
{
    buf_str(out, S("\n## Which rule decides\n\n"));
    for (size_t i = 0; i < m->n_parts; i++)
        buf_format(out, "- %.*s: %.*s.\n", STR_ARG(m->parts[i].target->name),
                   STR_ARG(m->parts[i].target->decides));
    buf_str(out, S("\n## Loading and taking back\n\n"));
    for (size_t i = 0; i < m->n_parts; i++)
        buf_format(out, "- %.*s: %.*s.\n", STR_ARG(m->parts[i].target->name),
                   STR_ARG(m->parts[i].target->load));
    buf_str(out, S("- Which machine loads what: manifest.json.\n"));
}

/* What no source confirms, where it matters here. */
static void put_doubts(struct buf *out, const struct manifest *m)
{
    bool any = false;
    for (size_t i = 0; i < 2 * m->n_parts; i++) {
        const struct target *target = m->parts[i / 2].target;
        const struct doubt *list = i % 2 ? target->own_doubts : target->doubts;
        /* Targets that share a list have it said once, by what matters to any of them. */
        unsigned matters = 0;
        bool said = false;
        for (size_t k = 0; k < m->n_parts; k++) {
            bool shares = k == i / 2 || (i % 2 == 0 && m->parts[k].target->doubts == list);
            if (shares) matters |= m->parts[k].doubts;
            said = said || (shares && k < i / 2);
        }
        for (const struct doubt *d = list; !said && d && d->id.len; d++) {
            if (!doubt_matters(d, matters)) continue;
            if (!any)
                buf_str(out, S("\n## What is UNCERTAIN\n\nThese files rest on facts that no public "
                               "source confirms; docs/targets/ has more of each.\n\n"));
            any = true;
            buf_format(out, "- `%.*s`: %.*s\n", STR_ARG(d->id), STR_ARG(d->text));
        }
    }
}

/* Who answers for what is open beside the policy's own lines, and until when. */
static void put_exceptions(struct buf *out, const struct resolved *r, struct arena *arena)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct exception *e = r->entries[i].exception;
        if (!e) continue;
        if (!n++)
            buf_str(out, S("\n## Exceptions in force\n\n"
                           "| exception | owner | reason | ticket | approved by | ends | where |\n"
                           "|---|---|---|---|---|---|---|\n"));
        if (n > RULES_SHOWN) continue;
        struct arena scratch = *arena;
        struct buf by = buf_in(&scratch);
        for (size_t k = 0; k < e->n_approvers; k++)
            buf_format(&by, "%s%.*s", k ? ", " : "", STR_ARG(e->approvers[k]));
        const str cells[] = {e->id.len ? e->id : e->entry.name,
                             e->owner,
                             e->reason,
                             e->ticket,
                             buf_text(&by),
                             e->expires,
                             resolve_entry_where(r, &r->entries[i], &scratch)};
        for (size_t k = 0; k < COUNT_OF(cells); k++) {
            buf_str(out, k ? S(" | ") : S("| "));
            put_text(out, cells[k]);
        }
        buf_str(out, S(" |\n"));
    }
    if (n > RULES_SHOWN) buf_format(out, "\n%zu more are in force.\n", n - RULES_SHOWN);
}

void rules_md_class(const struct host_class *class, struct arena *arena, struct buf *out)
{
    buf_str(out, S("\n## Host class "));
    put_text(out, class->id);
    buf_str(out, S("\n\nMembers: "));
    put_ranges(out, class->members, arena);
    buf_str(out, S("\n\n"));
    for (size_t i = 0; i < class->n_machine_names && i < NAMES_SHOWN; i++) {
        buf_str(out, i ? S(", ") : S("Machines: "));
        put_text(out, class->machine_names[i]);
    }
    if (class->n_machine_names > NAMES_SHOWN)
        buf_format(out, " and %zu more", class->n_machine_names - NAMES_SHOWN);
    if (class->n_machine_names) buf_str(out, S("\n\n"));
    put_rules(out, class->rules, arena);
    put_security(out, class->rules, arena);
    put_hardening(out, class);
}

void rules_md_border(const struct border_rules *border, struct arena *arena, struct buf *out)
{
    buf_str(out, S("\n## Border "));
    put_text(out, border->border->name);
    buf_str(out, S("\n\nOwn addresses are the inside, peers the outside.\n\n"));
    put_rules(out, border->rules, arena);
}

void rules_md_print(const struct manifest *m, str parts, struct arena *arena, struct buf *out)
{
    put_head(out, m);
    put_limits(out, m, arena);
    put_use(out, m);
    put_doubts(out, m);
    put_exceptions(out, m->resolved, arena);
    buf_str(out, parts);
}
