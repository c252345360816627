/* SPDX-License-Identifier: Apache-2.0 */
/* Small worlds, all of them: every policy of up to three entries from a stated alphabet, in every
 * surrounding, and every flow between four endpoints. What the engine says, what a linear reading
 * of DESIGN.md 4 says, and what each target's files say once they are read back must be one answer.
 * Under the sanitizers, which are ten times slower, policies of up to two entries.
 */
#include "base/test.h"
#include "policy/policy.h"
#include "rules/random_world.h"
#include "targets/prove.h"
#include "targets/random_bundles.h"

/* ---- The alphabet -------------------------------------------------------------------------------
 */

/* Who to whom, for what, how. */
static const char *const entries[] = {
    "{from: clients, to: servers, service: smb}",
    "{from: clients, to: servers, service: smb, secure: kerberos}",
    "{from: clients, to: servers, service: smb, except: {from: 10.10.0.1}}",
    "{from: clients, to: servers, service: smb, except: {to: files}}",
    "{from: clients, to: servers, service: [netbios, ssh]}",
    "{from: 10.10.0.1, to: files, service: smb}",
    "{from: 10.10.0.1, to: files, service: smb, secure: certificate}",
    "{from: 10.10.0.1, to: 10.20.0.2, service: [smb, ssh]}",
    "{from: any, to: files, service: smb}",
    "{from: any, to: files, service: smb, secure: kerberos, except: {from: untrusted}}",
    "{from: any, to: servers, service: netbios, except: {from: clients, to: files}}",
    "{from: managed, to: managed, service: smb}",
    "{from: managed, to: managed, service: smb, except: {from: servers, to: clients}}",
    "{from: untrusted, to: files, service: smb}",
    "{from: untrusted, to: clients, service: ssh, secure: kerberos}",
    "{from: unknown, to: servers, service: smb}",
    "{from: servers, to: clients, service: smb}",
    "{from: files, to: servers, service: [smb, netbios, ssh]}",
    "{from: internet, to: files, service: smb}",
    "{from: clients, to: internet, service: smb}",
    "{from: [servers, internet], to: [clients, internet], service: ssh}",
    "{from: \"10.0.0.0/8\", to: \"10.0.0.0/8\", service: smb, except: {to: clients}}",
    "{from: \"::/0\", to: any, service: smb}",
    "{from: [], to: any, service: smb}",
};

/* The rest of a policy: where the four live, what enforces, in which modes, which borders. */
static const struct {
    const char *name, *segments, *groups, *rest;
} surroundings[] = {
    {"plain",
     "{clients: {networks: [10.10.0.0/30], trust: managed}, servers: {networks: [10.20.0.0/30], "
     "trust: managed}, guests: {networks: [192.0.2.0/24], trust: untrusted}}",                   "{files: {hosts: [10.20.0.1]}}",                                            ""},
    {"a border around the servers, one of them unmanaged",
     "{clients: {networks: [10.10.0.0/30], trust: managed}, servers: {networks: [10.20.0.0/30], "
     "trust: managed, border: enforced}, guests: {networks: [192.0.2.0/24], trust: untrusted}}", "{files: {hosts: [10.20.0.1]}, nas: {hosts: [10.20.0.2], managed: false}}", ""},
    {"the edge enforced, the fourth on the internet",
     "{clients: {networks: [10.10.0.0/30], trust: managed}, servers: {networks: [10.20.0.0/30], "
     "trust: managed}}",                                                                         "{files: {hosts: [10.20.0.1], role: file-server}}",
     "perimeter: [{direction: inbound, from: 192.0.2.9, to: files, service: smb}]\n"                                                                                           },
    {"modes: private off, public enforced, the clients block inbound",
     "{clients: {networks: [10.10.0.0/30], trust: managed, profiles: {domain: block-inbound}}, "
     "servers: {networks: [10.20.0.0/30], trust: managed}, guests: {networks: [192.0.2.0/24], "
     "trust: untrusted}}",                                                                       "{files: {hosts: [10.20.0.1], profiles: {public: enforce}}}",
     "profiles: {private: off, public: block-all}\n"                                                                                                                           },
    {"secure by default, borders within borders",
     "{clients: {networks: [10.10.0.0/30], trust: managed, border: enforced}, servers: {networks: "
     "[10.20.0.0/30], trust: managed, border: enforced}, guests: {networks: [192.0.2.0/24], trust: "
     "managed}}",                                                                                "{files: {hosts: [10.20.0.1], role: cluster}}",
     "perimeter: []\nwindows: {strategy: secure-bypass}\n"                                                                                                                     },
};

static const char *const endpoints[] = {"10.10.0.1", "10.20.0.1", "10.20.0.2", "192.0.2.9"};

static const struct service_port ports[] = {
    {.transport = TRANSPORT_TCP, .first = 445,  .last = 445 },
    {.transport = TRANSPORT_UDP, .first = 138,  .last = 138 },
    {.transport = TRANSPORT_TCP, .first = 22,   .last = 22  },
    {.transport = TRANSPORT_TCP, .first = 3389, .last = 3389}, /* not governed */
};

/* ---- One policy ---------------------------------------------------------------------------------
 */

struct small_world {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
    const struct decision *decision;
    struct addr ends[COUNT_OF(endpoints)];
    const char *surrounding;
    str text;
    size_t policies, flows, read_back, refused;
};

static const struct target_header header = {
    .organisation = {"Contoso",     7 },
    .policy_source = {"policy.yaml", 11},
    .policy_sha256 = {"00",          2 },
    .workspace = {"contoso",     7 },
};

static void load(struct small_world *w, size_t surrounding, const size_t *chosen, size_t n)
{
    struct diagnostics found = {0};
    struct buf text = buf_in(&w->arena);
    buf_format(&text,
               "version: 1\ngovern: [smb, netbios, ssh]\nsegments: %s\ngroups: %s\n%sallow:%s\n",
               surroundings[surrounding].segments, surroundings[surrounding].groups,
               surroundings[surrounding].rest, n ? "" : " []");
    for (size_t i = 0; i < n; i++)
        buf_format(&text, "  - %s\n", entries[chosen[i]]);
    w->text = buf_text(&text);
    w->surrounding = surroundings[surrounding].name;
    w->policy = (struct policy){0};
    if (!policy_parse(S("policy.yaml"), w->text, &w->arena, &w->policy, &found) ||
        !resolve_policy(&w->policy, NULL, 0, true, &w->arena, &w->resolved, &found))
        fail_msg("%.*s\n%.*s", STR_ARG(found.items[0].text), STR_ARG(w->text));
    w->decision = decision_build(&w->resolved, NULL, &w->arena, w->scratch);
}

static void tell(const struct small_world *w, const struct flow_question *q, const char *what)
{
    char client[ADDR_TEXT], server[ADDR_TEXT];
    fail_msg("%s: %s: %.*s to %.*s port %u profile %d\n%.*s", w->surrounding, what,
             STR_ARG(addr_text(client, q->client)), STR_ARG(addr_text(server, q->server)),
             (unsigned)q->port, (int)q->profile, STR_ARG(w->text));
}

/* Every flow: the engine and the linear reading. */
static void ask_all(struct small_world *w)
{
    for (size_t i = 0;
         i < COUNT_OF(endpoints) * COUNT_OF(endpoints) * COUNT_OF(ports) * PROFILE_COUNT; i++) {
        size_t rest = i / PROFILE_COUNT;
        const struct service_port *port = &ports[rest % COUNT_OF(ports)];
        rest /= COUNT_OF(ports);
        struct flow_question q = {
            .client = w->ends[rest % COUNT_OF(endpoints)],
            .server = w->ends[rest / COUNT_OF(endpoints)],
            .transport = port->transport,
            .port = port->first,
            .service = SERVICE_NONE,
            .profile = (enum profile)(i % PROFILE_COUNT),
        };
        struct flow_answer found = decision_ask(w->decision, &q);
        struct flow_answer expected = linear_ask(&w->resolved, &q);
        if (found.intent != expected.intent || found.passes != expected.passes ||
            found.passes_secured != expected.passes_secured)
            tell(w, &q, "the engine is not the linear reading");
        w->flows++;
    }
}

/* ---- Read back ----------------------------------------------------------------------------------
 */

static bool any_secure(const struct target *target, const struct bundles *bundles)
{
    for (size_t i = 0; i < bundles->n_classes && target->hosts; i++)
        for (size_t j = 0; j < bundles->classes[i].rules.n; j++)
            if (bundles->classes[i].rules.rules[j].action == ACTION_ALLOW_IF_SECURE) return true;
    return false;
}

/* What the linear reading wants of this end. */
static enum bundles_verdict wanted_of_host(const struct small_world *w, enum direction direction,
                                           bool secured, const struct flow_question *q)
{
    const struct resolved *r = &w->resolved;
    struct addr own = direction == DIRECTION_OUTBOUND ? q->client : q->server;
    int service = service_by_port(w->policy.services, q->transport, q->port);
    if (service == SERVICE_NONE || !w->policy.governed[service]) return BUNDLES_UNTOUCHED;
    if (!prefix_set_contains(r->enforcing, own)) return BUNDLES_UNTOUCHED;
    if (prefix_set_contains(r->modes[q->profile][MODE_OFF], own)) return BUNDLES_UNTOUCHED;
    enum intent intent = linear_intent(r, q->client, q->server, service);
    return linear_end_passes(r, own, q->profile, direction == DIRECTION_INBOUND, intent, secured)
               ? BUNDLES_ALLOWED
               : BUNDLES_BLOCKED;
}

static enum bundles_verdict wanted_of_border(const struct small_world *w,
                                             const struct border *border,
                                             const struct flow_question *q)
{
    const struct resolved *r = &w->resolved;
    int service = service_by_port(w->policy.services, q->transport, q->port);
    if (service == SERVICE_NONE || !w->policy.governed[service]) return BUNDLES_UNTOUCHED;
    if (prefix_set_contains(border->inside, q->client) ==
        prefix_set_contains(border->inside, q->server))
        return BUNDLES_UNTOUCHED;
    enum intent intent = linear_intent(r, q->client, q->server, service);
    return intent == INTENT_BLOCK ? BUNDLES_BLOCKED : BUNDLES_ALLOWED;
}

static void check_point(struct small_world *w, const struct target *target,
                        const struct target_file *file, struct ruleset rules,
                        enum direction direction, bool secured, const struct flow_question *q)
{
    bool outbound = direction == DIRECTION_OUTBOUND;
    struct addr own = outbound ? q->client : q->server;
    struct bundles_point point = {
        .direction = direction,
        .profile = q->profile,
        .transport = q->transport,
        .port = q->port,
        .local = own,
        .remote = outbound ? q->server : q->client,
        .secured = secured,
    };
    enum bundles_verdict wanted;
    if (file->border) {
        /* A border's rules look from inside. */
        if (!prefix_set_contains(file->border->border->inside, own)) return;
        wanted = wanted_of_border(w, file->border->border, q);
    } else {
        if (!prefix_set_contains(file->host_class->members, own)) return;
        wanted = wanted_of_host(w, direction, secured, q);
    }
    w->read_back++;
    enum bundles_verdict found = bundles_ask(rules, target->engine, &point);
    if (target->rest == REST_DENIED && wanted == BUNDLES_BLOCKED && found == BUNDLES_UNTOUCHED)
        found = BUNDLES_BLOCKED; /* by what is not written */
    if (found != wanted) tell(w, q, "what was read back is not the policy");
}

static void check_file(struct small_world *w, const struct target *target,
                       const struct target_file *file)
{
    struct ruleset rules = {0};
    struct err err = {0};
    if (!target->read(file->path, str_bytes(file->content), &w->arena, &rules, &err))
        fail_msg("%.*s: %s\n%.*s", STR_ARG(file->path), err.text, STR_ARG(w->text));
    for (size_t a = 0; a < COUNT_OF(endpoints); a++)
        for (size_t b = 0; b < COUNT_OF(endpoints); b++)
            for (size_t i = 0; i < COUNT_OF(ports) * PROFILE_COUNT && a != b; i++) {
                struct flow_question q = {
                    .client = w->ends[a],
                    .server = w->ends[b],
                    .transport = ports[i / PROFILE_COUNT].transport,
                    .port = ports[i / PROFILE_COUNT].first,
                    .profile = (enum profile)(i % PROFILE_COUNT),
                };
                if (!(target->profiles >> q.profile & 1u)) continue;
                for (unsigned k = 0; k < (target->holds & TARGET_SECURE ? 4 : 2); k++)
                    check_point(w, target, file, rules,
                                k & 1u ? DIRECTION_INBOUND : DIRECTION_OUTBOUND, k >= 2, &q);
            }
}

/* A target of each policy, in turn: neighbours among the policies are much alike, and every pair
 * of entries meets every target. */
enum { AT_ONCE = 1 };
static void emit_some(struct small_world *w)
{
    for (size_t k = 0; k < AT_ONCE; k++) {
        const struct target *target = targets[(AT_ONCE * w->policies + k) % targets_n];
        struct target_files files = {0};
        struct err err = {0};
        if (!target->hosts && !w->resolved.n_borders) continue;
        struct bundles bundles =
            bundle_make(&w->resolved, *target->peers, header.workspace, &w->arena, w->scratch);
        if (!target->emit(&bundles, &header, &w->arena, &files, &err)) {
            /* Dialects that hold few rules, or none by local address, refuse more. */
            bool narrow = str_starts(target->name, S("aws-")) && err.kind == ERR_UNSUPPORTED;
            if (!any_secure(target, &bundles) && !narrow)
                fail_msg("%.*s refuses: %s\n%.*s", STR_ARG(target->name), err.text,
                         STR_ARG(w->text));
            w->refused++;
            continue;
        }
        assert_true(target->holds & TARGET_SECURE || !any_secure(target, &bundles));
        struct prove_report report =
            prove_files(target, &bundles, &files, header.workspace, &w->arena, w->scratch);
        if (!report.equal)
            fail_msg("%.*s\n%.*s", STR_ARG(prove_text(&report, &w->policy, &w->arena)),
                     STR_ARG(w->text));
        for (size_t i = 0; i < files.n; i++)
            if (files.items[i].kind == TARGET_FILE_RULES) check_file(w, target, &files.items[i]);
    }
}

static void check_policy(struct small_world *w, size_t surrounding, const size_t *chosen, size_t n)
{
    arena_reset(&w->arena);
    load(w, surrounding, chosen, n);
    ask_all(w);
    emit_some(w);
    w->policies++;
}

#if defined(__SANITIZE_ADDRESS__)
enum { MOST_ENTRIES = 2 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { MOST_ENTRIES = 2 };
#else
enum { MOST_ENTRIES = 3 };
#endif
#else
enum { MOST_ENTRIES = 3 };
#endif

static void every_small_policy_has_one_meaning(void **state)
{
    struct small_world w = {.arena = arena_open("test", 0, NULL),
                            .scratch = arena_open("scratch", 0, NULL)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(endpoints); i++)
        assert_true(addr_parse(str_of(endpoints[i]), &w.ends[i]));
    for (size_t s = 0; s < COUNT_OF(surroundings); s++) {
        check_policy(&w, s, NULL, 0);
        for (size_t a = 0; a < COUNT_OF(entries); a++) {
            size_t chosen[3] = {a, 0, 0};
            check_policy(&w, s, chosen, 1);
            for (chosen[1] = a + 1; chosen[1] < COUNT_OF(entries); chosen[1]++) {
                check_policy(&w, s, chosen, 2);
                for (chosen[2] = chosen[1] + 1; chosen[2] < COUNT_OF(entries) && MOST_ENTRIES > 2;
                     chosen[2]++)
                    check_policy(&w, s, chosen, 3);
            }
        }
    }
    print_message(
        "%zu policies of up to %d of %zu entries in %zu surroundings: %zu flows asked, %zu "
        "answers of files read back, %zu refused as not expressible\n",
        w.policies, MOST_ENTRIES, COUNT_OF(entries), COUNT_OF(surroundings), w.flows, w.read_back,
        w.refused);
    assert_true(w.refused > 0 && w.refused < AT_ONCE * w.policies);
    arena_close(&w.scratch);
    arena_close(&w.arena);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(every_small_policy_has_one_meaning)};
    return cmocka_run_group_tests(all, NULL, NULL);
}
