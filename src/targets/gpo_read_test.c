/* SPDX-License-Identifier: Apache-2.0 */
/* A whole GPO as it is emitted, then damaged: cut anywhere, one value changed, one line changed.
 * What other programs make of it: tests/samba_ad.
 */
#include "targets/gpo_read.h"

#include "base/test.h"
#include "harden/baseline.h"
#include "policy/policy.h"
#include "rules/universe.h"
#include "targets/registry_pol.h"
#include "targets/target.h"

static const char policy_text[] =
    "version: 1\n"
    "organisation: Contoso\n"
    "domains: [{name: contoso.test, sid: S-1-5-21-1-2-3}]\n"
    "segments: {clients: {networks: [10.10.4.0/24], trust: managed},\n"
    "  servers: {networks: [10.20.0.0/24, \"2001:db8:20::/64\"], trust: managed}}\n"
    "groups: {files: {hosts: [10.20.0.21], role: file-server}}\n"
    "allow:\n"
    "  - {name: shares, from: clients, to: files, service: smb, secure: kerberos}\n"
    "  - {name: all, from: servers, to: servers, service: smb, secure: none}\n"
    "rings: [{name: pilot, members: {segment: clients, percent: 10}}, {name: Broad, members: "
    "all}]\n"
    "hardening: {baseline: smb-2026, mode: enforce, overrides: []}\n";

static const struct harden_change changes[] = {
    {.id = {"policy", 6},
     .key = {"SOFTWARE\\Policies\\Microsoft\\Windows\\LanmanServer", 48},
     .value = {"MinSmb2Dialect", 14},
     .number = 768},
    {.id = {"driver", 6},
     .key = {"SYSTEM\\CurrentControlSet\\Services\\MrxSmb10", 42},
     .value = {"Start", 5},
     .number = 4},
    {.id = {"list", 4},
     .key = {"SYSTEM\\CurrentControlSet\\Services\\LanmanServer\\Parameters", 57},
     .value = {"NullSessionPipes", 16},
     .type = HARDEN_STRINGS,
     .text = {"a\nb", 3}},
    {.id = {"service", 7}, .service = {"LanmanServer", 12},                                              .service_start = 4                                                                                                   },
    {.id = {"audit", 5},
     .audit_guid = {"{0CCE9224-69AE-11D9-BED3-505054503030}", 38},
     .audit_name = {"File Share", 10},
     .audit_setting = 3},
    {.id = {"feature", 7},                .asks = {"SMB 1 is removed", 16},        .feature = {"SMB1Protocol", 12}                                                                                      },
};

struct world {
    struct arena arena, scratch;
    struct policy policy;
    struct resolved resolved;
    struct target_files files;
};

static struct world world_of(void)
{
    static const struct target_header header = {
        .organisation = {"Contoso",     7 },
        .policy_source = {"policy.yaml", 11},
        .policy_sha256 = {"00",          2 },
        .workspace = {"contoso",     7 },
    };
    struct world w = {.arena = arena_open("test", 0, NULL),
                      .scratch = arena_open("scratch", 0, NULL)};
    struct diagnostics found = {0};
    struct err err = {0};
    assert_true(policy_parse(S("policy.yaml"), str_of(policy_text), &w.arena, &w.policy, &found));
    assert_true(resolve_policy(&w.policy, NULL, 0, false, &w.arena, &w.resolved, &found));
    struct bundles bundles =
        bundle_make(&w.resolved, universe_windows, S("contoso"), &w.arena, w.scratch);
    struct host_class *class = arena_new(&w.arena, struct host_class);
    /* The file server: it has a secured entry, inbound. */
    for (size_t i = 0; i < bundles.n_classes; i++)
        if (bundles.classes[i].rules.n_security && !str_starts(bundles.classes[i].id, S("clients")))
            *class = bundles.classes[i];
    assert_true(class->rules.n > 0);
    class->hardening = changes;
    class->n_hardening = COUNT_OF(changes);
    bundles.classes = class;
    bundles.n_classes = 1;
    const struct target *gpo = target_by_name(S("gpo"));
    if (!gpo->emit(&bundles, &header, &w.arena, &w.files, &err)) fail_msg("%s", err.text);
    return w;
}

static void world_end(struct world *w)
{
    arena_close(&w->arena);
    arena_close(&w->scratch);
}

static const struct target_file *file_of(const struct world *w, const char *end)
{
    for (size_t i = 0; i < w->files.n; i++)
        if (str_ends(w->files.items[i].path, str_of(end))) return &w->files.items[i];
    fail_msg("no file %s", end);
    return NULL;
}

static bool reads(const struct target_file *file, bytes content, struct arena arena,
                  struct err *err)
{
    const struct target *gpo = target_by_name(S("gpo"));
    struct ruleset rules;
    if (file->kind == TARGET_FILE_ROLLBACK)
        return gpo->read_rollback(file->path, content, S("contoso"), S(""), &arena, err);
    if (file->kind == TARGET_FILE_PART)
        return gpo->read_part(file->path, content, S("contoso"), &arena, err);
    return gpo->read(file->path, content, &arena, &rules, err);
}

static void everything_reads(void **state)
{
    struct world w = world_of();
    (void)state;
    assert_int_equal(w.files.n, 13);
    for (size_t i = 0; i < w.files.n; i++) {
        struct err err = {0};
        if (!reads(&w.files.items[i], str_bytes(w.files.items[i].content), w.arena, &err))
            fail_msg("%.*s: %s", STR_ARG(w.files.items[i].path), err.text);
    }
    str members = file_of(&w, "members.txt")->content;
    assert_true(str_contains(members, S("# not held by this dialect: SMB 1 is removed\n")));
    assert_true(str_contains(members, S("# member: 10.20.0.21\n")));
    assert_true(str_contains(members, S("-broad\n")));
    assert_false(str_contains(members, S("-pilot\n"))); /* no server is in it */
    assert_true(str_contains(file_of(&w, "audit.csv")->content,
                             S(",System,Audit File Share,{0cce9224-69ae-11d9-bed3-505054503030},"
                               "Success and Failure,,3\r\n")));
    str inf = str_from_utf16le(&w.arena, str_bytes(file_of(&w, "GptTmpl.inf")->content));
    assert_true(str_contains(inf, S("\\NullSessionPipes=7,a,b\r\n")));
    assert_true(str_contains(inf, S("[Service General Setting]\r\n\"LanmanServer\",4,\"\"\r\n")));
    world_end(&w);
}

/* A list that is cut behind a whole line or block is a shorter list: that is told by the proof
 * (prove_hardening_test). */
static bool may_end(const struct target_file *file, size_t at)
{
    str head = str_head(file->content, at);
    if (str_ends(file->path, S("members.txt"))) return str_ends(head, S("\n"));
    if (str_ends(file->path, S("audit.csv"))) return str_ends(head, S("\r\n"));
    if (str_ends(file->path, S("GptTmpl.inf"))) return str_ends(head, S("\n\0"));
    if (str_ends(file->path, S("registry.pol"))) return str_ends(head, S("]\0"));
    if (str_ends(file->path, S(".SAMBAEXT"))) return str_ends(head, S("]"));
    /* What follows the last element is white space. */
    return at + 3 > file->content.len && str_ends(file->path, S(".xml")) &&
           str_ends(str_trim(head), S(">"));
}

static void no_truncation_reads(void **state)
{
    struct world w = world_of();
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < w.files.n; i++) {
        const struct target_file *file = &w.files.items[i];
        size_t whole = file->content.len, step = whole / 400 + 1;
        for (size_t at = 0; at<whole; at += at + 200> whole ? 1 : step) {
            struct err err = {0};
            bytes head = {(const uint8_t *)file->content.ptr, at};
            bool read = reads(file, head, w.arena, &err);
            if (read && !may_end(file, at))
                fail_msg("%.*s reads when cut at %zu of %zu", STR_ARG(file->path), at, whole);
            assert_true(read || err.text[0]);
            n++;
        }
    }
    assert_true(n > 3000);
    world_end(&w);
}

/* ---- One value ----------------------------------------------------------------------------------
 */

#define FIREWALL "SOFTWARE\\Policies\\Microsoft\\WindowsFirewall"

static const struct {
    const char *name;
    const char *key, *value; /* ends of those of a setting that is there; NULL: another one */
    const char *old_text, *new_text; /* in a text */
    uint32_t number;                 /* of a number */
    const char *error;
} rows[] = {
    {"an older version",           FIREWALL,           "PolicyVersion",       NULL,                 NULL,                     538, "522"     },
    {"a log of neither kind",      "Profile\\Logging", "LogDroppedPackets",   NULL,                 NULL,                     2,   "0 or 1"  },
    {"a log elsewhere",            "Profile\\Logging", "LogFilePath",         "%systemroot%",       "\\\\server\\share",      0,
     "systemroot"                                                                                                                            },
    {"a newer rule",               "FirewallRules",    "block-1-v4-1",        "v2.10|",             "v2.30|",                 0,   "2.10"    },
    {"a service",                  "FirewallRules",    "block-1-v4-1",        "|Name=",             "|Svc=x|Name=",           0,   "tokens"  },
    {"tokens mixed up",            "FirewallRules",    "block-1-v4-1",        "|Name=",             "|Name=x|Dir=In|Name=",   0,
     "tokens"                                                                                                                                },
    {"an interface",               "FirewallRules",    "block-1-v4-1",        "|Name=",             "|IFType=Lan|Name=",      0,   "tokens"  },
    {"a rule switched off",        "FirewallRules",    "block-1-v4-1",        "=TRUE|",             "=FALSE|",                0,   "in force"},
    {"an empty field",             "FirewallRules",    "block-1-v4-1",        "|Name=",             "|RA4=|Name=",            0,   "tokens"  },
    {"not closed",                 "FirewallRules",    "block-1-v4-1",        "sallyport:contoso|", "sallyport:contoso",      0,
     "tokens"                                                                                                                                },
    {"a keyword",                  "FirewallRules",    "block-1-v4-1",        "|Name=",             "|RA4=LocalSubnet|Name=", 0,
     "expected"                                                                                                                              },
    {"no address",                 "FirewallRules",    "block-1-v4-1",        "|RA4=",              "|RA4=10.0.0.300|RA4=",   0,   "expected"},
    {"null encapsulation",         "FirewallRules",    "if-secure-1-v4-1",    "ate|",
     "ate|Security2_9=An-NoEncap|",                                                                                           0,   "tokens"  },
    {"encrypted",                  "FirewallRules",    "if-secure-1-v4-1",    "=Authenticate|",     "=AuthenticateEncrypt|",  0,
     "conditions"                                                                                                                            },
    {"for nobody",                 "FirewallRules",    "if-secure-1-v4-1",
     "(A;;CC;;;S-1-5-21-1-2-3-515)(A;;CC;;;S-1-5-21-1-2-3-516)(A;;CC;;;S-1-5-21-1-2-3-521)",        "",                       0,
     "expected"                                                                                                                              },
    {"an unused slot at work",     "FirewallRules",    "public-block-1-v4-2", "=FALSE|",            "=TRUE|",                 0,
     NULL                                                                                                                                    },
    {"an unused slot that allows", "FirewallRules",    "public-block-1-v4-2", "=Block|",            "=Allow|",                0,
     "not used"                                                                                                                              },
    {"requires security",          "ConSecRules",      "-1",                  "=Boundary|",         "=Secure|",               0,   "request" },
    {"no second method",           "\\0000",           "Method",              "UserKerb",           "Anonymous",              0,   "Kerberos"},
    {"a second suite",             "\\0000",           "Method",              NULL,                 NULL,                     1,   "text"    },
};

/* The setting of a row with its change; true when there was one. */
static bool change(struct registry_value *value, size_t row, struct arena *arena)
{
    str text;
    if (!str_ends(value->key, str_of(rows[row].key)) ||
        !str_ends(value->name, str_of(rows[row].value)))
        return false;
    if (!rows[row].old_text) {
        *value = registry_value_of_dword(value->key, value->name, rows[row].number, arena);
        return true;
    }
    if (!registry_value_text(value, arena, &text)) return false;
    str old_text = str_of(rows[row].old_text);
    for (size_t i = 0; i + old_text.len <= text.len; i++) {
        if (!str_starts(str_tail(text, i), old_text)) continue;
        str changed = str_format(arena, "%.*s%s%.*s", STR_ARG(str_head(text, i)),
                                 rows[row].new_text, STR_ARG(str_tail(text, i + old_text.len)));
        *value = registry_value_of_text(value->key, value->name, changed, arena);
        return true;
    }
    return false;
}

static void no_other_value_reads(void **state)
{
    struct world w = world_of();
    const struct target_file *file = file_of(&w, "registry.pol");
    struct registry_pol pol = {0};
    struct err err = {0};
    (void)state;
    assert_true(registry_pol_read(S("x"), str_bytes(file->content), &w.arena, &pol, &err));
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        struct arena turn = w.arena;
        struct registry_value *items = arena_array(&turn, struct registry_value, pol.values.n);
        size_t n = 0;
        for (size_t i = 0; i < pol.values.n; i++) {
            items[i] = pol.values.items[i];
            if (!n) n += change(&items[i], row, &turn);
        }
        if (!n) fail_msg("%s: no such setting", rows[row].name);
        bytes damaged = registry_pol_write((struct registry_values){items, pol.values.n}, &turn);
        bool read = reads(file, damaged, turn, &err);
        if (read != !rows[row].error || (!read && !strstr(err.text, rows[row].error)))
            fail_msg("%s: read %d: %s", rows[row].name, read, err.text);
    }
    world_end(&w);
}

static void no_more_values_read(void **state)
{
    static const struct {
        const char *key, *name, *error;
    } more[] = {
        {FIREWALL "\\DomainProfile",                             "EnableFirewall",       "rules, sets"     },
        {FIREWALL "\\PublicProfile",                             "DoNotAllowExceptions", "rules, sets"     },
        {FIREWALL,                                               "PolicyVersion",        "once"            },
        {FIREWALL "\\FirewallRules",                             "**DelVals.",           "no order"        },
        {"software\\policies\\microsoft\\windowsfirewall\\x",    "y",                    "as it is written"},
        {"SOFTWARE\\Policies\\X",                                "Y",                    NULL              },
        {"SOFTWARE\\Policies\\Microsoft\\Windows\\LanmanServer", "minsmb2dialect",       "once"            },
    };
    struct world w = world_of();
    const struct target_file *file = file_of(&w, "registry.pol");
    struct registry_pol pol = {0};
    struct err err = {0};
    (void)state;
    assert_true(registry_pol_read(S("x"), str_bytes(file->content), &w.arena, &pol, &err));
    for (size_t row = 0; row < COUNT_OF(more); row++) {
        struct arena turn = w.arena;
        struct registry_value *items = arena_array(&turn, struct registry_value, pol.values.n + 1);
        for (size_t i = 0; i < pol.values.n; i++)
            items[i] = pol.values.items[i];
        items[pol.values.n] =
            registry_value_of_dword(str_of(more[row].key), str_of(more[row].name), 1, &turn);
        bytes damaged =
            registry_pol_write((struct registry_values){items, pol.values.n + 1}, &turn);
        bool read = reads(file, damaged, turn, &err);
        if (read != !more[row].error || (!read && !strstr(err.text, more[row].error)))
            fail_msg("%s: read %d: %s", more[row].name, read, err.text);
    }
    world_end(&w);
}

/* ---- Other files --------------------------------------------------------------------------------
 */

static void no_other_text_reads(void **state)
{
    static const struct {
        const char *file, *old_text, *new_text;
    } texts[] = {
        {"Backup.xml",       "{B05566AC-FE9C-4368-BE01-7A4CBB6CBA11}",
         "{0F6B957D-509E-11D1-A7CC-0000F87571E3}"                                                                            },
        {"Backup.xml",
         "[{827D319E-6EAC-11D2-A4EA-00C04F79F83A}{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]", ""                                },
        {"Backup.xml",       "DomainSysvol\\GPO\\Machine\\registry.pol",                   "..\\registry.pol"                },
        {"Backup.xml",       "<WMIFilter/>",                                               "<WMIFilter>x</WMIFilter>"        },
        {"Backup.xml",       "sallyport contoso",                                          "Default Domain Policy"           },
        {"bkupInfo.xml",     "CDATA[{",                                                    "CDATA[{0"                        },
        {"bkupInfo.xml",     "contoso.test",                                               "contoso.test/x"                  },
        {"manifest.xml",     "1.0",                                                        "2.0"                             },
        {"manifest.xml",     "T00:00",                                                     "T99:00"                          },
        {"audit.csv",        ",,3\r",                                                      ",,0\r"                           },
        {"audit.csv",        "{0cce",                                                      "{0CCE"                           },
        {"audit.csv.xml",    "System",                                                     "S-1-1-0"                         },
        {"GptTmpl.inf.xml",  "=7,",                                                        "=3,"                             },
        {"GptTmpl.inf.xml",  "LanmanServer</Value><Value>4",                               "LanmanServer</Value><Value>5"    },
        {"GPT.INI.xml",      "<Value>1",                                                   "<Value>0"                        },
        {"SAMBAEXT",         "{827D",                                                      "{127D"                           },
        {"members.txt",      "group sallyport-contoso",                                    "group Domain Admins"             },
        {"members.txt",      "# member",                                                   "member"                          },
        {"Registry.pol.xml", "type=\"1\"",                                                 "type=\"2\""                      },
        {"Registry.pol.xml", "<ValueName>",                                                "<ValueName>**Del."               },
        {"Registry.pol.xml", "num_entries=\"",                                             "num_entries=\"1"                 },
        {"rollback.ps1",     "{ continue }",                                               "{ break }"                       },
        {"rollback.ps1",     "'sallyport:contoso'",                                        "'sallyport:*'"                   },
        {"rollback.ps1",     ".Contains($mark)",                                           ".Contains('|')"                  },
        {"rollback.ps1",     "function",                                                   "Remove-NetFirewallRule\nfunction"},
        {"rollback.ps1",     "Undo-Value '",                                               "Undo-Value $x '"                 },
        {"rollback.ps1",     " '768'\n",                                                   " '768'; calc\n"                  },
    };
    struct world w = world_of();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const struct target_file *file = file_of(&w, texts[i].file);
        struct arena turn = w.arena;
        struct err err = {0};
        str text = file->content, old_text = str_of(texts[i].old_text), damaged = {0};
        for (size_t k = 0; k + old_text.len <= text.len && !damaged.len; k++)
            if (str_starts(str_tail(text, k), old_text))
                damaged = str_format(&turn, "%.*s%s%.*s", STR_ARG(str_head(text, k)),
                                     texts[i].new_text, STR_ARG(str_tail(text, k + old_text.len)));
        if (!damaged.len) fail_msg("%s: no %s", texts[i].file, texts[i].old_text);
        if (reads(file, str_bytes(damaged), turn, &err))
            fail_msg("%s reads with %s", texts[i].file, texts[i].new_text);
    }
    world_end(&w);
}

/* A driver's key without a start type is no driver: the way back leaves it, and says so. */
static void a_driver_keeps_its_start_type(void **state)
{
    struct world w = world_of();
    struct err err = {0};
    str rules = file_of(&w, "registry.pol")->content, back = file_of(&w, "rollback.ps1")->content;
    str left = S("# not undone by this script: the start type of MrxSmb10\n"), said = back;
    (void)state;
    assert_false(str_contains(back, S("MrxSmb10' 'Start'")));
    while (said.len && !str_starts(said, left))
        said = str_tail(said, 1);
    assert_true(said.len > 0);
    assert_true(gpo_read_undoes(S("x"), str_bytes(rules), str_bytes(back), &w.arena, &err));
    str before = str_head(back, (size_t)(said.ptr - back.ptr)), after = str_tail(said, left.len);
    str cut = str_format(&w.arena, "%.*s%.*s", STR_ARG(before), STR_ARG(after));
    assert_false(gpo_read_undoes(S("x"), str_bytes(rules), str_bytes(cut), &w.arena, &err));
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(everything_reads),     cmocka_unit_test(no_truncation_reads),
        cmocka_unit_test(no_other_value_reads), cmocka_unit_test(no_more_values_read),
        cmocka_unit_test(no_other_text_reads),  cmocka_unit_test(a_driver_keeps_its_start_type),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
