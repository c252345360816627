/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_exposure.h"

#include "policy/diagnostics.h"
#include "policy/exceptions.h"

struct exposure {
    const struct resolved *resolved;
    struct arena *arena, *scratch;
    struct diagnostics *found;
};

static str services_text(const struct exposure *e, const size_t *services, size_t n)
{
    struct buf out = buf_in(e->arena);
    for (size_t i = 0; i < n; i++) {
        str name = e->resolved->policy->services.services[services[i]].name;
        buf_format(&out, "%s%.*s", i ? ", " : "", STR_ARG(name));
    }
    return buf_text(&out);
}

/* "10.3.0.0 (guest)" */
static str end_text(const struct exposure *e, struct addr a)
{
    char text[ADDR_TEXT];
    return str_format(e->arena, "%.*s (%.*s)", STR_ARG(addr_text(text, a)),
                      STR_ARG(resolve_place(e->resolved, a)));
}

/* The untrusted client that says most to an admin: of a segment, else of the private ranges, else
 * of the internet; each time the smallest. */
static bool telling_client(const struct exposure *e, struct prefix_set clients, struct addr *out)
{
    const struct resolved *r = e->resolved;
    for (size_t i = 0; i < r->policy->n_segments; i++) {
        if (r->policy->segments[i].trust != TRUST_UNTRUSTED) continue;
        struct prefix_set some = prefix_set_intersect(e->scratch, clients, r->places.segments[i]);
        if (!some.n) continue;
        *out = some.ranges[0].first;
        return true;
    }
    struct prefix_set unknown = prefix_set_intersect(e->scratch, clients, r->places.unknown);
    if (!unknown.n) unknown = clients;
    if (!unknown.n) return false;
    /* IPv4 is what most people can place. */
    struct prefix_set v4 = prefix_set_v4(e->scratch, unknown);
    *out = v4.n ? v4.ranges[0].first : unknown.ranges[0].first;
    return true;
}

/* Addresses under which servers see clients of managed segments: they live nowhere, but are trusted
 * all the same. */
static struct prefix_set seen_as(const struct exposure *e)
{
    struct prefix_set all = {0};
    for (size_t i = 0; i < e->resolved->policy->n_segments; i++) {
        const struct segment *segment = &e->resolved->policy->segments[i];
        for (size_t k = 0; segment->trust == TRUST_MANAGED && k < segment->n_nat; k++)
            all = prefix_set_union(e->scratch, all,
                                   prefix_set_of_prefix(e->scratch, segment->nat[k].prefix));
    }
    return all;
}

/* False when no untrusted client can match. */
static bool lets_in(const struct exposure *e, struct prefix_set from, struct prefix_set to,
                    struct addr *client, struct addr *server)
{
    const struct resolved *r = e->resolved;
    struct arena scratch = *e->scratch;
    struct exposure inner = *e;
    inner.scratch = &scratch;
    if (!prefix_set_overlaps(from, r->builtins[BUILTIN_UNTRUSTED])) return false;
    struct prefix_set servers = prefix_set_intersect(&scratch, to, r->managed);
    if (!servers.n) return false;
    *server = servers.ranges[0].first;
    from = prefix_set_intersect(&scratch, from, r->builtins[BUILTIN_UNTRUSTED]);
    return telling_client(&inner, prefix_set_subtract(&scratch, from, seen_as(&inner)), client);
}

static void warn_of_entry(const struct exposure *e, struct place place, str label, str services,
                          struct addr client, struct addr server)
{
    diagnostics_warn(e->found, e->arena, S("untrusted-reaches"), place,
                     "%.*s lets untrusted clients reach managed machines by %.*s: %.*s -> %.*s",
                     STR_ARG(label), STR_ARG(services), STR_ARG(end_text(e, client)),
                     STR_ARG(end_text(e, server)));
}

static void check_entries_in(const struct exposure *e, const struct reach *reaches)
{
    const struct resolved *r = e->resolved;
    struct addr client, server;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct entry *entry = r->entries[i].entry;
        const struct exception *exception = r->entries[i].exception;
        const struct source_text *file = e->found->file;
        if (!entry->n_services || !lets_in(e, reaches[i].from, reaches[i].to, &client, &server))
            continue;
        if (exception) e->found->file = exception->file;
        warn_of_entry(e, entry->place, reach_label(e->arena, &r->entries[i]),
                      services_text(e, entry->services, entry->n_services), client, server);
        e->found->file = file;
    }
    for (size_t i = 0; i < r->n_perimeter; i++) {
        const struct perimeter_entry *p = r->perimeter[i].entry;
        if (p->direction != DIRECTION_INBOUND || !p->n_services ||
            !lets_in(e, r->perimeter[i].from, r->perimeter[i].to, &client, &server))
            continue;
        warn_of_entry(e, p->place,
                      str_format(e->arena, "the perimeter entry of line %" PRIu32, p->place.line),
                      services_text(e, p->services, p->n_services), client, server);
    }
}

/* ---- Where nothing enforces ---------------------------------------------------------------------
 */

/* What no border keeps apart: untrusted clients that are inside of none, managed machines that are
 * inside of none. (The two never live in one segment.) */
static void unbordered(const struct exposure *e, struct prefix_set *clients,
                       struct prefix_set *servers)
{
    const struct resolved *r = e->resolved;
    for (size_t i = 0; i < r->n_borders; i++) {
        /* The one of the internet has everything else inside. */
        bool is_edge = str_equal(r->borders[i].name, S("internet")) && r->policy->has_perimeter &&
                       i + 1 == r->n_borders;
        struct prefix_set inside = is_edge ? r->places.internet : r->borders[i].inside;
        *clients = prefix_set_subtract(e->scratch, *clients, inside);
        *servers = prefix_set_subtract(e->scratch, *servers, inside);
    }
}

static void warn_of_unguarded(const struct exposure *e, struct place place, const char *what,
                              str name, const char *why, struct prefix_set servers,
                              struct prefix_set clients)
{
    struct addr client;
    if (!servers.n || !telling_client(e, clients, &client)) return;
    diagnostics_warn(e->found, e->arena, S("untrusted-reaches"), place,
                     "untrusted clients reach machines of %s \"%.*s\" by every service: %s, and "
                     "no border on the way: %.*s -> %.*s",
                     what, STR_ARG(name), why, STR_ARG(end_text(e, client)),
                     STR_ARG(end_text(e, servers.ranges[0].first)));
}

static void check_unguarded(const struct exposure *e)
{
    const struct resolved *r = e->resolved;
    const struct policy *policy = r->policy;
    struct prefix_set clients = r->builtins[BUILTIN_UNTRUSTED];
    struct prefix_set servers = prefix_set_subtract(e->scratch, r->managed, r->enforcing);
    servers = prefix_set_union(e->scratch, servers, r->modes[PROFILE_DOMAIN][MODE_OFF]);
    unbordered(e, &clients, &servers);
    struct prefix_set unmanaged = prefix_set_intersect(e->scratch, servers, r->unmanaged_members);
    for (size_t i = 0; i < policy->n_groups; i++)
        if (!policy->groups[i].managed)
            warn_of_unguarded(e, policy->groups[i].place, "group", policy->groups[i].name,
                              "its managed: false makes them enforce nothing",
                              prefix_set_intersect(e->scratch, unmanaged, r->groups[i]), clients);
    servers = prefix_set_subtract(e->scratch, servers, unmanaged);
    for (size_t i = 0; i < policy->n_segments; i++)
        warn_of_unguarded(e, policy->segments[i].place, "segment", policy->segments[i].name,
                          "in profile domain their mode is off",
                          prefix_set_intersect(e->scratch, servers, r->places.segments[i]),
                          clients);
}

/* ---- Secured entries ----------------------------------------------------------------------------
 */

/* Bundles bring the connection security rule, and only machines that enforce load one. Members of
 * groups with managed: false are warned of as cannot-authenticate. */
static void warn_of_unready(const struct exposure *e, const struct resolved_entry *entry,
                            const char *end, struct prefix_set all)
{
    const struct resolved *r = e->resolved;
    struct prefix_set without = prefix_set_subtract(e->scratch, all, r->enforcing);
    without = prefix_set_subtract(e->scratch, without, r->unmanaged_members);
    without = prefix_set_subtract(e->scratch, without, seen_as(e)); /* warned of as NAT */
    if (!without.n) return;
    struct prefix_set v4 = prefix_set_v4(e->scratch, without);
    struct addr some = v4.n ? v4.ranges[0].first : without.ranges[0].first;
    diagnostics_warn(e->found, e->arena, S("secure-unready"), entry->entry->place,
                     "%.*s needs %.*s, but nobody gives its %s %.*s the connection security rule: "
                     "only machines of managed segments load one",
                     STR_ARG(reach_label(e->arena, entry)), STR_ARG(secure_text(entry->secure)),
                     end, STR_ARG(end_text(e, some)));
}

/* Machines of mode off load no rule at all, and so not this one either. */
static void warn_of_off(const struct exposure *e, const struct resolved_entry *entry,
                        const char *end, struct prefix_set all)
{
    const struct resolved *r = e->resolved;
    struct prefix_set off =
        prefix_set_intersect(e->scratch, all, r->modes[PROFILE_DOMAIN][MODE_OFF]);
    if (!off.n) return;
    diagnostics_warn(e->found, e->arena, S("secure-unready"), entry->entry->place,
                     "%.*s needs %.*s, but its %s %.*s is in mode off and loads no connection "
                     "security rule",
                     STR_ARG(reach_label(e->arena, entry)), STR_ARG(secure_text(entry->secure)),
                     end, STR_ARG(end_text(e, off.ranges[0].first)));
}

/* Whom the rules would authorise, and by what: compile refuses what is not known (DESIGN.md 5). */
static void warn_of_lack(const struct exposure *e, const struct resolved_entry *entry)
{
    str label = reach_label(e->arena, entry), where, why;
    if (entry->secure == SECURE_CERTIFICATE) {
        diagnostics_warn(e->found, e->arena, S("cannot-authenticate"), entry->entry->place,
                         "%.*s asks for certificates, but a policy has no key for their authority: "
                         "rules for Windows are refused; expected secure: kerberos",
                         STR_ARG(label));
        return;
    }
    if (!entry->principals_lack.len) return;
    /* "policy.yaml:14: why": the place is told anyway. */
    str source = entry->exception ? entry->exception->file->name : e->resolved->policy->source;
    why = str_tail(entry->principals_lack, source.len + 1);
    (void)str_cut(why, ' ', &where, &why);
    diagnostics_warn(e->found, e->arena, S("cannot-authenticate"), entry->entry->place,
                     "%.*s needs kerberos, but %.*s: rules for Windows are refused", STR_ARG(label),
                     STR_ARG(why));
}

/* A segment behind NAT authenticates through it only where IPsec may do so. */
static void warn_of_nat(const struct exposure *e, const struct resolved_entry *entry)
{
    const struct selectors *from = &entry->entry->from;
    for (size_t i = 0; i < from->n; i++) {
        if (from->items[i].kind != SELECT_SEGMENT) continue;
        const struct segment *segment = &e->resolved->policy->segments[from->items[i].index];
        if (!segment->n_nat) continue;
        diagnostics_warn(e->found, e->arena, S("cannot-authenticate"), entry->entry->place,
                         "%.*s needs %.*s, but the clients of segment \"%.*s\" come through NAT: "
                         "IPsec passes it only where both ends allow that",
                         STR_ARG(reach_label(e->arena, entry)), STR_ARG(secure_text(entry->secure)),
                         STR_ARG(segment->name));
    }
}

static void check_ready(const struct exposure *e, const struct reach *reaches)
{
    for (size_t i = 0; i < e->resolved->n_entries; i++) {
        const struct resolved_entry *entry = &e->resolved->entries[i];
        const struct source_text *file = e->found->file;
        if (!reach_is_secure(entry)) continue;
        if (entry->exception) e->found->file = entry->exception->file;
        warn_of_lack(e, entry);
        if (reaches[i].from.n && reaches[i].to.n) {
            warn_of_nat(e, entry);
            warn_of_unready(e, entry, "client", reaches[i].from);
            warn_of_unready(e, entry, "server", reaches[i].to);
            warn_of_off(e, entry, "client", reaches[i].from);
            warn_of_off(e, entry, "server", reaches[i].to);
        }
        e->found->file = file;
    }
}

void check_exposure(const struct resolved *resolved, const struct reach *reaches,
                    struct arena *arena, struct arena scratch, struct diagnostics *found)
{
    struct exposure e = {resolved, arena, &scratch, found};
    check_entries_in(&e, reaches);
    check_unguarded(&e);
    check_ready(&e, reaches);
}
