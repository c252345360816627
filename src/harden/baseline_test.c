/* SPDX-License-Identifier: Apache-2.0 */
/* The table is whole and agrees with what flows are judged by; what a machine is set to follows
 * mode, kind and overrides. */
#include "harden/baseline.h"

#include "base/test.h"
#include "rules/universe.h"

struct world {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
    struct bundles bundles;
};

#define HEAD                                                                                       \
    "version: 1\nsegments:\n"                                                                      \
    "  clients: {networks: [10.1.0.0/24], trust: managed}\n"                                       \
    "  servers: {networks: [10.2.0.0/24], trust: managed}\n"                                       \
    "groups:\n"                                                                                    \
    "  dcs: {hosts: [10.2.0.1], role: domain-controller}\n"                                        \
    "  fs: {hosts: [10.2.0.2], role: file-server}\n"                                               \
    "  prints: {hosts: [10.2.0.3], role: print-server}\n"                                          \
    "  nodes: {hosts: [10.2.0.4], role: cluster}\n"                                                \
    "allow:\n"                                                                                     \
    "  - {from: managed, to: [dcs, fs, prints, 10.2.0.9], service: smb}\n"

static void make(struct world *w, const char *more)
{
    struct diagnostics found = {0};
    w->arena = arena_open("test", 0, NULL);
    w->scratch = arena_open("scratch", 0, NULL);
    str text = str_format(&w->arena, HEAD "%s", more);
    bool parsed = policy_parse(S("policy.yaml"), text, &w->arena, &w->policy, &found);
    for (size_t i = 0; !parsed && i < found.n; i++)
        print_message("%.*s\n", STR_ARG(found.items[i].text));
    assert_true(parsed);
    assert_true(resolve_policy(&w->policy, NULL, 0, true, &w->arena, &w->resolved, &found));
    w->bundles = harden_bundles(
        bundle_make(&w->resolved, universe_peers, S("test"), &w->arena, w->scratch), &w->arena);
}

static void finish(struct world *w)
{
    arena_close(&w->scratch);
    arena_close(&w->arena);
}

static const struct host_class *class_at(const struct world *w, const char *address)
{
    struct addr a;
    assert_true(addr_parse(str_of(address), &a));
    for (size_t i = 0; i < w->bundles.n_classes; i++)
        if (prefix_set_contains(w->bundles.classes[i].members, a)) return &w->bundles.classes[i];
    fail_msg("%s is in no class", address);
    return NULL;
}

static const struct harden_change *change_of(const struct host_class *class, const char *id)
{
    for (size_t i = 0; i < class->n_hardening; i++)
        if (str_equal(class->hardening[i].id, str_of(id))) return &class->hardening[i];
    return NULL;
}

/* ---- The table ----------------------------------------------------------------------------------
 */

static bool is_id(str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return text.len > 0;
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
        const struct harden_entry *row = &baseline_rows[i];
        const struct harden_change *c = &row->change;
        str id = harden_row_text((enum harden_row)i);
        assert_true(is_id(id));
        if (!c->asks.len || !c->why.len || !c->breaks.len || !c->source.len || !c->versions.len ||
            !row->kinds)
            fail_msg("%.*s is not whole", STR_ARG(id));
        bool placed = c->key.len || c->set_cmdlet.len || c->service.len || c->feature.len ||
                      c->audit_guid.len;
        if (!placed && row->weight != HARDEN_CHECK) fail_msg("%.*s has no place", STR_ARG(id));
        assert_true(!c->key.len == !c->value.len);
        assert_true(!c->set_cmdlet.len == !c->parameter.len);
        assert_true(!c->mdm_path.len == !c->mdm_format.len);
        assert_true(!c->set_cmdlet.len == !c->get_cmdlet.len);
        assert_true(c->type != HARDEN_STRING || c->text.len);
        /* What goes with a policy object stands below a Policies key, and only that. */
        bool policies = str_contains(c->key, S("\\Policies\\"));
        if (c->key.len && policies == c->tattoos) fail_msg("%.*s: tattoos", STR_ARG(id));
        if (row->tells) assert_true(!row->as_client && !row->as_server);
        /* In PowerShell's quotes (cli/collect). */
        assert_false(str_contains(c->key, S("'")) || str_contains(c->value, S("'")));
        assert_false(str_starts(c->key, S("HKLM")));
        for (unsigned w = 0; w < HARDEN_WINDOWS_COUNT; w++)
            if (c->since_build > 25000 && w < HARDEN_WINDOWS_11_24H2)
                assert_false(row->defaults[w].len);
        for (unsigned k = 0; k < i; k++) {
            const struct harden_change *other = &baseline_rows[k].change;
            bool same = c->key.len && str_equal_nocase(c->key, other->key) &&
                        str_equal_nocase(c->value, other->value);
            if (same) fail_msg("%.*s stands twice", STR_ARG(id));
            assert_false(str_equal(id, harden_row_text((enum harden_row)k)));
        }
    }
}

/* Each setting that flows are judged by binds where one of its rows is set, nowhere else. */
static void rows_and_settings_agree(void **state)
{
    (void)state;
    for (unsigned id = 0; id < HARDEN_COUNT; id++) {
        const struct harden_setting *setting = harden_setting((enum harden_id)id);
        unsigned binds = 0, n_rows = 0;
        bool set = false;
        for (unsigned i = 0; i < HARDEN_ROW_COUNT; i++) {
            const struct harden_entry *row = &baseline_rows[i];
            if (row->as_client >> id & 1) binds |= HARDEN_AT_CLIENT;
            if (row->as_server >> id & 1) binds |= HARDEN_AT_SERVER;
            if (!row->belongs || row->setting != (enum harden_id)id) continue;
            n_rows++;
            set |= row->weight == HARDEN_SET && (row->as_client | row->as_server);
        }
        assert_true(n_rows > 0);
        if (binds != setting->binds)
            fail_msg("%.*s binds %u, its rows %u", STR_ARG(harden_name((enum harden_id)id)),
                     setting->binds, binds);
        if (setting->level == HARDEN_ADVICE) assert_false(set);
        if (setting->level == HARDEN_BASELINE) assert_true(set);
    }
}

static void versions_of_windows(void **state)
{
    static const struct {
        uint32_t build;
        bool server;
        unsigned expected;
    } of[] = {
        {7601,  false, HARDEN_WINDOWS_COUNT  },
        {19045, false, HARDEN_WINDOWS_10     },
        {22000, false, HARDEN_WINDOWS_11     },
        {22631, false, HARDEN_WINDOWS_11     },
        {26100, false, HARDEN_WINDOWS_11_24H2},
        {26200, false, HARDEN_WINDOWS_11_24H2},
        {9600,  true,  HARDEN_WINDOWS_COUNT  },
        {14393, true,  HARDEN_WINDOWS_2016   },
        {17763, true,  HARDEN_WINDOWS_2019   },
        {20348, true,  HARDEN_WINDOWS_2022   },
        {25398, true,  HARDEN_WINDOWS_2022   },
        {26100, true,  HARDEN_WINDOWS_2025   },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++)
        assert_int_equal(harden_windows_of(of[i].build, of[i].server), of[i].expected);
}

/* ---- Machines -----------------------------------------------------------------------------------
 */

static void without_hardening_classes_stay(void **state)
{
    struct world plain, off;
    (void)state;
    make(&plain, "");
    make(&off, "hardening: {baseline: smb-2026, mode: off}\n");
    assert_int_equal(plain.bundles.n_classes, off.bundles.n_classes);
    for (size_t i = 0; i < plain.bundles.n_classes; i++) {
        assert_true(str_equal(plain.bundles.classes[i].id, off.bundles.classes[i].id));
        assert_int_equal(plain.bundles.classes[i].n_hardening, 0);
        assert_int_equal(off.bundles.classes[i].n_hardening, 0);
    }
    finish(&plain);
    finish(&off);
}

static void kinds_by_role_and_reach(void **state)
{
    static const struct {
        const char *address;
        enum harden_kind kind;
    } of[] = {
        {"10.1.0.5", HARDEN_KIND_WORKSTATION      },
        {"10.2.0.1", HARDEN_KIND_DOMAIN_CONTROLLER},
        {"10.2.0.2", HARDEN_KIND_FILE_SERVER      },
        {"10.2.0.3", HARDEN_KIND_PRINT_SERVER     },
        {"10.2.0.4", HARDEN_KIND_MEMBER_SERVER    },
        {"10.2.0.9", HARDEN_KIND_MEMBER_SERVER    },
        {"10.2.0.7", HARDEN_KIND_MEMBER_SERVER    }, /* among servers, named by no line */
    };
    struct world w;
    (void)state;
    make(&w, "hardening: {baseline: smb-2026, mode: enforce}\n");
    for (size_t i = 0; i < COUNT_OF(of); i++)
        assert_int_equal(class_at(&w, of[i].address)->machines.kind, of[i].kind);
    /* Whom nobody may reach needs no Server service; nobody's Workstation service is touched. */
    const struct harden_change *service = change_of(class_at(&w, "10.1.0.5"), "server-service");
    assert_non_null(service);
    assert_int_equal(service->service_start, 4);
    for (size_t i = 1; i < COUNT_OF(of); i++)
        assert_null(change_of(class_at(&w, of[i].address), "server-service"));
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        assert_null(change_of(class_at(&w, of[i].address), "workstation-service"));
        assert_null(change_of(class_at(&w, of[i].address), "smb-client-block-ntlm"));
    }
    assert_null(change_of(class_at(&w, "10.2.0.1"), "null-session-pipes"));
    assert_non_null(change_of(class_at(&w, "10.2.0.1"), "ntlm-audit-domain"));
    assert_non_null(change_of(class_at(&w, "10.2.0.2"), "null-session-pipes"));
    finish(&w);
}

/* Who is reached by no line, but by what no line governs, is a server all the same. */
static void ungoverned_smb_may_be_used(void **state)
{
    struct world w;
    (void)state;
    make(&w, "hardening: {baseline: smb-2026, mode: enforce}\ngovern: [smb]\n");
    assert_int_equal(class_at(&w, "10.1.0.5")->machines.kind, HARDEN_KIND_MEMBER_SERVER);
    finish(&w);
}

static void mode_audit_only_tells(void **state)
{
    struct world w;
    (void)state;
    make(&w, "hardening: {baseline: smb-2026, mode: audit, overrides: [\n"
             "  {setting: smb-server-encryption, value: on, reason: r},\n"
             "  {setting: audit-detailed-file-share, for: fs, value: on, reason: r}]}\n");
    for (size_t i = 0; i < w.bundles.n_classes; i++) {
        const struct host_class *class = &w.bundles.classes[i];
        assert_true(class->n_hardening > 10);
        for (size_t k = 0; k < class->n_hardening; k++) {
            const struct harden_change *c = &class->hardening[k];
            bool tells = c->audit_guid.len || str_contains(c->id, S("audit")) ||
                         str_starts(c->id, S("firewall-log"));
            if (!tells) fail_msg("%.*s in mode audit", STR_ARG(c->id));
        }
    }
    assert_non_null(change_of(class_at(&w, "10.2.0.2"), "audit-detailed-file-share"));
    assert_null(change_of(class_at(&w, "10.2.0.3"), "audit-detailed-file-share"));
    finish(&w);
}

static void values_go_where_each_dialect_wants_them(void **state)
{
    struct world w;
    (void)state;
    make(&w, "hardening: {baseline: smb-2026, mode: enforce}\n");
    const struct host_class *class = class_at(&w, "10.2.0.2");
    const struct harden_change *c = change_of(class, "smb1-server");
    assert_true(str_equal(c->argument, S("$false")));
    assert_true(str_equal(c->mdm_data, S("<disabled/>")));
    c = change_of(class, "smb-client-min-dialect");
    assert_true(str_equal(c->argument, S("SMB300")));
    assert_true(str_equal(c->mdm_data, S("768")));
    c = change_of(class, "smb-server-rate-limiter-delay");
    assert_true(str_equal(c->argument, S("2000")));
    c = change_of(class, "firewall-log-dropped-domain");
    assert_true(str_equal(c->argument, S("True")));
    assert_true(str_equal(c->mdm_data, S("true")));
    c = change_of(class, "audit-filtering-connection");
    assert_true(str_equal(c->mdm_data, S("2")));
    finish(&w);
}

static void overrides_count_in_their_order(void **state)
{
    struct world w;
    (void)state;
    make(&w, "hardening: {baseline: smb-2026, mode: enforce, overrides: [\n"
             "  {setting: smb-server-signing, for: prints, value: off, reason: old scanners},\n"
             "  {setting: smb-server-signing, kind: file-server, value: leave, reason: r},\n"
             "  {setting: signing-required, for: [prints, dcs], value: leave, reason: later},\n"
             "  {setting: minimum-dialect, for: servers, value: 2.1, reason: r},\n"
             "  {setting: smb-client-block-ntlm, for: clients, value: on, reason: r},\n"
             "  {setting: smb1-feature, for: clients, value: off, reason: r},\n"
             "  {setting: smb1-server, value: off, reason: r, expires: 1969-12-31}]}\n");
    const struct host_class *prints = class_at(&w, "10.2.0.3");
    assert_int_equal(change_of(prints, "smb-server-signing")->number, 0);
    assert_true(str_equal(change_of(prints, "smb-server-signing")->argument, S("$false")));
    assert_null(change_of(prints, "smb-client-signing"));
    assert_null(change_of(class_at(&w, "10.2.0.2"), "smb-server-signing"));
    assert_non_null(change_of(class_at(&w, "10.2.0.2"), "smb-client-signing"));
    assert_null(change_of(class_at(&w, "10.2.0.1"), "smb-server-signing"));
    const struct harden_change *dialect =
        change_of(class_at(&w, "10.2.0.9"), "smb-server-min-dialect");
    assert_int_equal(dialect->number, 0x210);
    assert_true(str_equal(dialect->argument, S("SMB210")));
    const struct host_class *clients = class_at(&w, "10.1.0.5");
    assert_int_equal(change_of(clients, "smb-client-min-dialect")->number, 0x300);
    assert_non_null(change_of(clients, "smb-client-block-ntlm"));
    assert_null(change_of(clients, "smb1-feature"));                /* has no opposite */
    assert_int_equal(change_of(clients, "smb1-server")->number, 0); /* expired */
    struct harden_bound bound = harden_bound_of(&w.policy, &prints->machines);
    assert_false(bound.as_server >> HARDEN_SIGNING & 1);
    assert_int_equal(bound.server_dialect, 0x210);
    bound = harden_bound_of(&w.policy, &clients->machines);
    assert_true(bound.as_client >> HARDEN_NTLM & 1);
    finish(&w);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(rows_and_settings_agree),
        cmocka_unit_test(versions_of_windows),
        cmocka_unit_test(without_hardening_classes_stay),
        cmocka_unit_test(kinds_by_role_and_reach),
        cmocka_unit_test(ungoverned_smb_may_be_used),
        cmocka_unit_test(mode_audit_only_tells),
        cmocka_unit_test(values_go_where_each_dialect_wants_them),
        cmocka_unit_test(overrides_count_in_their_order),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
