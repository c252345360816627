/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_roles.h"

#include "base/instant.h"
#include "policy/diagnostics.h"
#include "policy/exceptions.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Servers cut from their users ---------------------------------------------------------------
 */

#define ASPECTS(X)                                                                                 \
    X(CONTROLLER, "the domain controller")                                                         \
    X(PRINTING, "the print server")                                                                \
    X(DFS, "the DFS namespace server")                                                             \
    X(MANAGEMENT, "remote management of")

enum aspect {
#define X(name, text) ASPECT_##name,
    ASPECTS(X)
#undef X
        ASPECT_COUNT
};

static const str aspect_texts[] = {
#define X(name, text) T(text),
    ASPECTS(X)
#undef X
};

/* A server as one of these, and who of its users the policy stops. */
struct served {
    struct addr server;
    size_t n_users, n_cut;           /* distinct clients */
    const struct matrix_flow *cut;   /* the one seen last */
    struct addr last_user, last_cut; /* flows of one client stand together */
    int service;
    enum side at;
};

struct serving {
    const struct check_evidence *evidence;
    const struct resolved *resolved;
    struct served (*served)[ASPECT_COUNT]; /* by end */
};

static bool has_role(const struct host_view *view, enum host_role role, str *reason)
{
    for (size_t i = 0; view && i < view->n_roles; i++)
        if (view->roles[i].role == role) {
            *reason = view->roles[i].reason;
            return true;
        }
    return false;
}

static const struct host_view *host_of(const struct check_evidence *e, struct addr a, int64_t at_us)
{
    const struct host *host = hosts_at(e->hosts, a, at_us);
    if (!host || host < e->hosts->hosts || host >= e->hosts->hosts + e->hosts->n) return NULL;
    size_t at = (size_t)(host - e->hosts->hosts);
    return at < e->roles->n ? &e->roles->hosts[at] : NULL;
}

static bool is_management(const struct policy *policy, int service)
{
    static const str names[] = {T("rdp"), T("winrm"), T("ssh")};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (str_equal(policy->services.services[service].name, names[i])) return true;
    return false;
}

static bool names_have(struct names names, str wanted)
{
    for (size_t i = 0; i < names.n; i++)
        if (str_equal_nocase(names.items[i], wanted)) return true;
    return false;
}

static bool serves_as(const struct serving *s, enum aspect aspect, const struct matrix_flow *flow,
                      const struct host_view *view, int service)
{
    str reason;
    if (is_management(s->resolved->policy, service)) return aspect == ASPECT_MANAGEMENT;
    if (aspect == ASPECT_CONTROLLER) return has_role(view, HOST_ROLE_DOMAIN_CONTROLLER, &reason);
    if (aspect == ASPECT_PRINTING) return has_role(view, HOST_ROLE_PRINT_SERVER, &reason);
    return aspect == ASPECT_DFS && names_have(flow->pipes, S("netdfs"));
}

static void count_user(struct served *out, struct addr client, const struct matrix_flow *flow,
                       const struct flow_answer *answer)
{
    if (!out->n_users || !addr_equal(out->last_user, client)) out->n_users++;
    out->last_user = client;
    if (answer->passes || answer->passes_secured) return;
    if (!out->n_cut || !addr_equal(out->last_cut, client)) out->n_cut++;
    out->last_cut = client;
    if (out->cut && out->cut->last_us >= flow->last_us) return;
    out->cut = flow;
    out->service = answer->service;
    for (size_t i = answer->n_sides; i > 0; i--)
        if (!answer->sides[i - 1].passes) out->at = answer->sides[i - 1].side;
}

static void count_flow(struct serving *s, const struct matrix_flow *flow,
                       const struct replay_flow *ends)
{
    const struct check_evidence *e = s->evidence;
    if (!ends->worked || ends->client == REPLAY_NO_END || ends->server == REPLAY_NO_END) return;
    struct addr client = e->replay->ends[ends->client].addr;
    struct addr server = e->replay->ends[ends->server].addr;
    struct flow_question q = {.client = client,
                              .server = server,
                              .transport = flow->transport,
                              .port = flow->port,
                              .service = SERVICE_NONE,
                              .profile = PROFILE_DOMAIN};
    struct flow_answer answer = decision_ask(e->decision, &q);
    if (answer.service == SERVICE_NONE || answer.intent == INTENT_LOCAL ||
        answer.intent == INTENT_UNGOVERNED)
        return;
    /* Keeping the untrusted out is what the policy is for. */
    if (prefix_set_contains(s->resolved->builtins[BUILTIN_UNTRUSTED], client)) return;
    const struct host_view *view = host_of(e, server, flow->last_us);
    for (unsigned aspect = 0; aspect < ASPECT_COUNT; aspect++) {
        if (!serves_as(s, (enum aspect)aspect, flow, view, answer.service)) continue;
        struct served *served = &s->served[ends->server][aspect];
        served->server = server;
        count_user(served, client, flow, &answer);
    }
}

/* Where the policy speaks of an address: the group that names it, else its segment. */
static struct place place_of(const struct resolved *resolved, struct addr a)
{
    for (size_t i = 0; i < resolved->policy->n_groups; i++)
        if (prefix_set_contains(resolved->groups[i], a)) return resolved->policy->groups[i].place;
    size_t segment = resolve_segment(resolved, a);
    if (segment != SIZE_MAX) return resolved->policy->segments[segment].place;
    return (struct place){1, 1};
}

static str name_text(const struct host_view *view, enum aspect aspect, struct arena *arena)
{
    str reason = {0}, name = view ? view->host->name : (str){0};
    if (aspect == ASPECT_CONTROLLER) (void)has_role(view, HOST_ROLE_DOMAIN_CONTROLLER, &reason);
    if (aspect == ASPECT_PRINTING) (void)has_role(view, HOST_ROLE_PRINT_SERVER, &reason);
    if (!name.len && !reason.len) return (str){0};
    return str_format(arena, " (%.*s%s%.*s)", STR_ARG(name), name.len && reason.len ? "; " : "",
                      STR_ARG(reason));
}

static void warn_of_cut(const struct serving *s, enum aspect aspect, const struct served *served,
                        struct arena *arena, struct diagnostics *found)
{
    const struct check_evidence *e = s->evidence;
    char server[ADDR_TEXT], client[ADDR_TEXT];
    const struct matrix_flow *flow = served->cut;
    const struct host_view *view = host_of(e, served->server, flow->last_us);
    struct civil last = instant_to_civil(flow->last_us);
    str when = flow->is_timeless ? S("")
                                 : str_format(arena, ", last seen %04d-%02u-%02u", last.year,
                                              last.month, last.day);
    diagnostics_warn(
        found, arena, S("cuts-role"), place_of(s->resolved, served->server),
        "%.*s %.*s%.*s would lose %zu of the %zu clients that flows %.*s show: %.*s by %.*s is "
        "stopped at %.*s%.*s",
        STR_ARG(aspect_texts[aspect]), STR_ARG(addr_text(server, served->server)),
        STR_ARG(name_text(view, aspect, arena)), served->n_cut, served->n_users, STR_ARG(e->span),
        STR_ARG(addr_text(client, flow->client.addr)),
        STR_ARG(s->resolved->policy->services.services[served->service].name),
        STR_ARG(side_text(served->at)), STR_ARG(when));
}

void check_roles(const struct check_evidence *evidence, struct arena *arena, struct arena scratch,
                 struct diagnostics *found)
{
    const struct replay *replay = evidence->replay;
    struct serving s = {.evidence = evidence, .resolved = evidence->resolved};
    s.served = arena_take(&scratch, sizeof *s.served, _Alignof(struct served), replay->n_ends);
    for (size_t i = 0; i < replay->matrix->n_flows; i++)
        count_flow(&s, &replay->matrix->flows[i], &replay->flows[i]);
    for (size_t i = 0; i < replay->n_ends; i++)
        for (unsigned aspect = 0; aspect < ASPECT_COUNT; aspect++)
            if (s.served[i][aspect].n_cut)
                warn_of_cut(&s, (enum aspect)aspect, &s.served[i][aspect], arena, found);
}

/* ---- Secured entries ----------------------------------------------------------------------------
 */

/* A host that will not authenticate, as far as the evidence goes. */
struct unready {
    struct addr addr;
    str name, why;
};

static bool is_no(str text)
{
    static const str words[] = {T("No"), T("0"), T("false"), T("Off"), T("Disabled")};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (str_equal_nocase(words[i], text)) return true;
    return false;
}

/* The last word on the firewall's being on (event 4950 and its sister of the firewall's own log):
 * the setting is called "Enable Windows Defender Firewall". */
static bool firewall_is_off(const struct host_view *view)
{
    bool off = false;
    for (size_t i = 0; i < view->n_changes; i++) {
        const struct change_view *change = &view->changes[i];
        if (change->kind == CHANGE_SETTING_CHANGED && str_starts(change->subject, S("Enable ")) &&
            str_contains(change->subject, S("Firewall")))
            off = is_no(change->detail);
    }
    return off;
}

static struct unready *find_unready(const struct check_evidence *e, struct arena *arena, size_t *n)
{
    struct unready *out = NULL;
    size_t room = 0;
    *n = 0;
    for (size_t i = 0; i < e->roles->n; i++) {
        const struct host_view *view = &e->roles->hosts[i];
        str why = {0}, reason;
        if (firewall_is_off(view))
            why = S("its log says that its firewall was switched off");
        else if (has_role(view, HOST_ROLE_NAS, &reason))
            why = str_format(arena, "it looks like a NAS (%.*s)", STR_ARG(reason));
        for (size_t j = 0; why.len && j < view->host->n_intervals; j++) {
            const struct host_interval *held = &view->host->intervals[j];
            if (held->ambiguous ||
                hosts_at(e->hosts, held->addr, e->resolved->as_of_us) != view->host)
                continue;
            arena_grow(arena, out, *n, room);
            out[(*n)++] = (struct unready){held->addr, view->host->name, why};
        }
    }
    return out;
}

void check_roles_secured(const struct check_evidence *evidence, struct arena *arena,
                         struct arena scratch, struct diagnostics *found)
{
    const struct resolved *r = evidence->resolved;
    size_t n_unready;
    const struct unready *unready = find_unready(evidence, &scratch, &n_unready);
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        const struct reach *reach = &evidence->reaches[i];
        const struct source_text *file = found->file;
        char text[ADDR_TEXT];
        if (!reach_is_secure(e) || !reach->from.n || !reach->to.n) continue;
        if (e->exception) found->file = e->exception->file;
        str label = reach_label(arena, e);
        for (size_t j = 0; j < n_unready; j++)
            if (prefix_set_contains(reach->from, unready[j].addr) ||
                prefix_set_contains(reach->to, unready[j].addr))
                diagnostics_warn(found, arena, S("secure-unready"), e->entry->place,
                                 "%.*s needs %.*s, but %.*s%s%.*s%s may not be able to: %.*s",
                                 STR_ARG(label), STR_ARG(secure_text(e->secure)),
                                 STR_ARG(addr_text(text, unready[j].addr)),
                                 unready[j].name.len ? " (" : "", STR_ARG(unready[j].name),
                                 unready[j].name.len ? ")" : "", STR_ARG(unready[j].why));
        size_t n = check_evidence_count(evidence, reach->from).n +
                   check_evidence_count(evidence, reach->to).n;
        diagnostics_warn(found, arena, S("undecidable"), e->entry->place,
                         "whether the %zu known addresses that %.*s asks to authenticate are of "
                         "domain members with the firewall and the connection security rule on is "
                         "undecidable: no inventory of that was read",
                         n, STR_ARG(label));
        found->file = file;
    }
}
