/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "policy/diagnostics.h"
#include "policy/hardening.h"

/* One policy and what is found: "line:column kind part of the sentence", in order, one per item;
 * NULL ends the list. */
struct row {
    const char *file;
    int line;
    const char *text;
    const char *found[6];
};

#define ROW(text, ...)                                                                             \
    {                                                                                              \
        __FILE__, __LINE__, text,                                                                  \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define HEAD "version: 1\nsegments: {a: {networks: [10.0.0.0/24], trust: managed}}\n"

static const struct row rows[] = {
    /* Forms that are fine. */
    ROW(HEAD, NULL),
    ROW("{\"version\": 1, \"segments\": {\"a\": {\"networks\": [], \"trust\": \"managed\"}}}\n",
        NULL),
    ROW("\xEF\xBB\xBF" HEAD, NULL),
    ROW("---\n" HEAD "...\n", NULL),
    ROW("version: 1\r\nsegments: {}\r\n", NULL),
    ROW(HEAD "govern: []\nallow: []\ngroups: {}\nrings: []\nassert: []\nperimeter: []\n", NULL),
    ROW(HEAD "profiles: {domain: off, public: off}\nwindows: {firewall: on}\n"
             "lifeline: {off: no domain here}\n",
        NULL),
    ROW(HEAD "govern: smb\nresolve-max-age: 2d 12h 30m\ntimezone: Europe/Berlin\n", NULL),
    ROW(HEAD "groups: {on: {hosts: 10.0.0.1}}\nallow: [{from: on, to: a, service: smb}]\n", NULL),
    ROW(HEAD "allow:\n  - {from: [a, \"::ffff:10.0.0.1\"], to: 10.0.0.0/25, service: [smb], "
             "secure: {by: kerberos, computers: [S-1-5-32-1]}}\n",
        NULL),
    ROW(HEAD "services: {web: [tcp/443, udp/443, tcp/8000-8080]}\ngovern: [web]\n", NULL),

    /* Text and YAML. */
    ROW("", "1:1 syntax expected a mapping with version and segments, found nothing"),
    ROW("# nothing\n", "1:1 syntax found nothing"),
    ROW("version: 1\nsegments: {\xff}\n", "2:12 syntax expected UTF-8, found the byte 0xff"),
    ROW("version: 1\na: \xC3\xA4\xE2\x80\xA8\n", "2:5 syntax found the control character U+2028"),
    ROW("version: 1 # \x07\n", "1:14 syntax U+0007"),
    ROW("version: [1\n", "2:1 syntax"),
    ROW("version: 1\n\tsegments: {}\n", "2:1 syntax found a tab character"),
    ROW("version: &v 1\n", "1:10 syntax anchors"),
    ROW("version: *v\n", "1:10 syntax aliases"),
    ROW("version: !!int 1\n", "1:10 syntax tags"),
    ROW("version: ! 1\n", "1:10 syntax tags"),
    ROW("segments: !x {}\n", "1:11 syntax tags"),
    ROW("segments: &x []\n", "1:11 syntax anchors"),
    ROW("%YAML 1.1\n---\nversion: 1\n", "1:1 syntax directives"),
    ROW("version: 1\n---\nversion: 1\n", "2:1 syntax expected one document, found a second"),
    ROW("? [a]\n: 1\n", "1:3 syntax expected a word as key"),
    ROW("- 1\n", "1:1 value expected a policy as a mapping, found a list"),
    ROW("one\n", "1:1 value expected a policy as a mapping, found \"one\""),
    ROW("version: 1\nversion: 1\nsegments: {}\n",
        "2:1 duplicate-key the key \"version\" is given twice, first in line 1"),
    ROW(HEAD "allow: [{from: a, from: a, to: a, service: smb}]\n", "3:19 duplicate-key \"from\""),

    /* Keys. */
    ROW("{}\n", "1:1 missing-key needs the key \"version\"",
        "1:1 missing-key needs the key \"segments\""),
    ROW(HEAD "alow: []\n", "3:1 unknown-key did you mean \"allow\"?"),
    ROW(HEAD "xyzzy: []\n", "3:1 unknown-key its keys are version, organisation"),
    ROW(HEAD "<<: {}\n", "3:1 unknown-key \"<<\""),
    ROW("version: 2\nsegments: {}\n", "1:10 value expected version 1, found \"2\""),
    ROW("version: \"1\"\nsegments: {}\n", "1:10 value expected version 1"),
    ROW("version: 1\nsegments: []\n", "2:11 value expected a mapping from segment names"),
    ROW("version: 1\nsegments:\n", "2:10 value found nothing"),
    ROW(HEAD "allow:\n", "3:7 value found nothing (an empty list is [])"),
    ROW(HEAD "organisation: []\n", "3:15 value expected text, found a list"),

    /* Segments. */
    ROW("version: 1\nsegments: {a: {networks: []}}\n", "2:15 missing-key \"trust\""),
    ROW("version: 1\nsegments: {a: {trust: managed}}\n", "2:15 missing-key \"networks\""),
    ROW("version: 1\nsegments: {a: {networks: [], trust: trusted}}\n",
        "2:37 value expected one of managed, untrusted, found \"trusted\", did you mean"),
    ROW("version: 1\nsegments: {a: {networks: [10.0.0.1/24], trust: managed}}\n",
        "2:27 value has host bits set, the network is 10.0.0.0/24"),
    ROW("version: 1\nsegments: {a: {networks: [\"2001:db8::1/64\"], trust: managed}}\n",
        "2:27 value the network is 2001:db8::/64"),
    ROW("version: 1\nsegments: {a: {networks: [10.0.0.0/33], trust: managed}}\n",
        "2:27 value expected an address or a prefix such as 10.0.0.0/8, found \"10.0.0.0/33\""),
    ROW("version: 1\nsegments: {a: {networks: [10.0.0.0/24], trust: managed}, b: {networks: "
        "[10.0.0.0/24], trust: managed}}\n",
        "2:73 conflict already in segment \"a\" (line 2)"),
    ROW("version: 1\nsegments: {a: {networks: [10.0.0.0/24, 10.0.0.0/24], trust: managed}}\n",
        "2:40 conflict already in segment \"a\""),
    ROW("version: 1\nsegments: {a: {networks: [10.0.0.0/24, \"::ffff:10.0.0.0/120\"], trust: "
        "managed}}\n",
        "2:40 conflict the network 10.0.0.0/24"),
    ROW("version: 1\nsegments: {a: {networks: [0.0.0.0/0], trust: managed}}\n",
        "2:27 value 0.0.0.0/0 contains 0.0.0.0"),
    ROW("version: 1\nsegments: {a: {networks: [169.254.7.0/24], trust: managed}}\n",
        "2:27 value contains 169.254.7.0"),
    ROW("version: 1\nsegments: {a: {networks: [\"fe80::/64\"], trust: managed}}\n",
        "2:27 value contains fe80::"),
    ROW("version: 1\nsegments: {a: {networks: [224.0.0.0/8], trust: managed}}\n",
        "2:27 value contains 224.0.0.0"),
    ROW("version: 1\nsegments: {a: {networks: [\"::/0\"], trust: managed}}\n",
        "2:27 value contains ::"),
    ROW("version: 1\nsegments: {a: {networks: [255.255.255.255], trust: managed}}\n",
        "2:27 value contains 255.255.255.255"),
    ROW("version: 1\nsegments: {any: {networks: [], trust: managed}}\n", "2:12 conflict reserved"),
    ROW("version: 1\nsegments: {2a: {networks: [], trust: managed}}\n",
        "2:12 value expected the name of a segment"),
    ROW("version: 1\nsegments: {a: {networks: [], trust: managed, border: yes}}\n",
        "2:54 value expected one of none, enforced, found \"yes\""),
    ROW("version: 1\nsegments: {a: {networks: [], trust: managed, profiles: {domain: on}}}\n",
        "2:65 value expected one of enforce, block-inbound, block-all, off, found \"on\""),

    /* Groups. */
    ROW(HEAD "groups: {a: {hosts: []}}\n", "3:10 conflict already the segment of line 2"),
    ROW(HEAD "groups: {g: {}}\n", "3:13 missing-key \"hosts\""),
    ROW(HEAD "groups: {g: {hosts: [10.0.0.300]}}\n", "3:22 value expected an address or a prefix"),
    ROW(HEAD "groups: {g: {hosts: [\"fe80::1%eth0\"]}}\n",
        "3:22 value expected an address or a prefix"),
    ROW(HEAD "groups: {g: {hosts: [\"b\xC3\xA4r\"]}}\n", "3:22 value expected a host name"),
    ROW(HEAD "groups: {g: {hosts: [a]}}\n", "3:22 ambiguous taken as the name of a host"),
    ROW(HEAD "groups: {g: {hosts: [{adgroup: X}]}}\n", "3:22 missing-key \"ad-group\"",
        "3:23 unknown-key did you mean \"ad-group\"?"),
    ROW(HEAD "groups: {g: {hosts: [], managed: no}}\n",
        "3:34 value expected true or false, found \"no\""),
    ROW(HEAD "groups: {g: {hosts: [], role: dc}}\n",
        "3:31 value expected one of domain-controller"),

    /* Entries. */
    ROW(HEAD "allow: [{from: b, to: a, service: smb}]\n", "3:16 unknown-name \"b\" is not defined"),
    ROW(HEAD "groups: {servers: {hosts: []}}\nallow: [{from: server, to: a, service: smb}]\n",
        "4:16 unknown-name did you mean \"servers\"?"),
    ROW(HEAD "allow: [{from: dc1.x.org, to: a, service: smb}]\n",
        "3:16 unknown-name host names stand only in the hosts of a group"),
    ROW(HEAD "allow: [{from: {ad-group: x}, to: a, service: smb}]\n",
        "3:16 value stands only in the hosts of a group"),
    ROW(HEAD "allow: [{from: all, to: a, service: smb}]\n", "3:16 value \"all\" is the last ring"),
    ROW(HEAD "allow: [{from: 10.0.0.1/24, to: a, service: smb}]\n", "3:16 value 10.0.0.0/24"),
    ROW(HEAD "allow: [{from: a, to: a, service: ssh}]\n", "3:35 conflict not governed"),
    ROW(HEAD "allow: [{from: a, to: a, service: smbx}]\n",
        "3:35 unknown-name did you mean \"smb\"?"),
    ROW(HEAD "allow: [{from: a, to: a}]\n", "3:9 missing-key \"service\""),
    ROW(HEAD "allow: [{from: a, to: a, service: smb, secure: yes}]\n",
        "3:48 value expected one of none, kerberos, certificate"),
    ROW(HEAD "allow: [{from: a, to: a, service: smb, secure: {by: none, computers: [x]}}]\n",
        "3:48 conflict nothing authenticates them"),
    ROW(HEAD "allow: [{from: a, to: a, service: smb, except: {form: a}}]\n",
        "3:49 unknown-key did you mean \"from\"?"),

    /* The perimeter. */
    ROW(HEAD
        "perimeter: [{direction: outbound, from: a, to: internet, service: smb, except: {}}]\n",
        "3:72 unknown-key \"except\""),
    ROW(HEAD "perimeter: [{direction: outbound, from: internet, to: a, service: smb}]\n",
        "3:41 value inner end"),
    ROW(HEAD "perimeter: [{direction: inbound, from: internet, to: {service-tag: T, file: f}, "
             "service: smb}]\n",
        "3:54 value inner end"),
    ROW(HEAD "perimeter: [{direction: inbound, from: {service-tag: T, file: f}, to: a, service: "
             "smb}]\n",
        NULL),
    ROW(HEAD "perimeter: [{from: a, to: internet, service: smb}]\n", "3:13 missing-key direction"),

    /* Services. */
    ROW(HEAD "services: {smb: tcp/1}\n", "3:12 conflict built-in"),
    ROW(HEAD "services: {x: [tcp/445]}\n", "3:16 conflict already in the service \"smb\""),
    ROW(HEAD "services: {x: [tcp/9], y: [tcp/5-10]}\n",
        "3:28 conflict already in the service \"x\""),
    ROW(HEAD "services: {x: [445/tcp]}\n", "3:16 value expected a port such as tcp/9100"),
    ROW(HEAD "services: {x: [tcp/0]}\n", "3:16 value expected a port"),

    /* Rings, assertions, the rest. */
    ROW(HEAD "rings: [{name: r, members: all}, {name: r, members: a}]\n",
        "3:34 conflict given twice", "3:34 ring no machine is left"),
    ROW(HEAD "rings: [{name: r, members: {segment: b, percent: 5}}]\n",
        "3:38 unknown-name expected the name of a segment"),
    ROW(HEAD "rings: [{name: r, members: {segment: a, percent: 105}}]\n",
        "3:50 value expected a number from 0 to 100"),
    ROW(HEAD "rings: [{name: r, members: [managed]}]\n", "3:29 unknown-name"),
    ROW(HEAD "rings: [{name: r, members: a, soak: 1x}]\n", "3:37 value expected a duration"),
    ROW(HEAD "rings: [{name: r, members: a, soak: 1m 2h}]\n", "3:37 value expected a duration"),
    ROW(HEAD "assert: [{nevr: {from: a, to: a, service: smb}}]\n",
        "3:11 unknown-key did you mean \"never\"?"),
    ROW(HEAD "assert: [{never: {from: a, to: a, service: smb}, only: {}}]\n",
        "3:10 value expected one of never, always, only"),
    ROW(HEAD "hardening: {baseline: cis}\n", "3:23 value expected smb-2026, found \"cis\""),
    ROW(HEAD "hardening: {overrides: [x]}\n", "3:25 value expected an override as a mapping"),
    ROW(HEAD "hardening: {overrides: [{setting: smb-server-sining, value: off, reason: r}]}\n",
        "3:35 unknown-name did you mean \"smb-server-signing\"?"),
    ROW(HEAD "hardening: {overrides: [{setting: smb1-off, value: off}]}\n",
        "3:25 missing-key reason"),
    ROW(HEAD "hardening: {overrides: [{setting: smb1-off, value: 3, reason: r}]}\n",
        "3:52 value expected on, off or leave for smb1-off, found \"3\""),
    ROW(HEAD "hardening: {overrides: [{setting: minimum-dialect, value: 2.5, reason: r}]}\n",
        "3:59 value expected on, off, leave, 2.0.2, 2.1, 3.0, 3.0.2 or 3.1.1"),
    ROW(HEAD "hardening: {overrides: [{setting: smb-server-rate-limiter-delay, value: 150,"
             " reason: r}]}\n",
        "3:73 value expected on, off, leave, or 0 to 10000 in steps of 100"),
    ROW(HEAD "hardening: {overrides: [{setting: firewall-log-size-domain, value: 0, reason: r}]}\n",
        "3:68 value expected on, off, leave, or 1 to 32767 kilobytes"),
    ROW(HEAD "hardening: {overrides: [{setting: smb1-off, value: [off], reason: r}]}\n",
        "3:52 value expected on, off, leave or a value"),
    ROW(HEAD "hardening: {overrides: [{setting: smb1-off, for: nobody, value: off, reason: r}]}\n",
        "3:50 unknown-name expected the name of a segment or a group"),
    ROW(HEAD
        "hardening: {overrides: [{setting: smb1-off, for: 10.0.0.1, value: off, reason: r}]}\n",
        "3:50 unknown-name expected the name of a segment or a group"),
    ROW(HEAD
        "hardening: {overrides: [{setting: smb1-off, kind: servers, value: off, reason: r}]}\n",
        "3:51 value expected one of workstation, member-server"),
    ROW(HEAD
        "hardening: {overrides: [{setting: smb1-off, value: off, reason: r, expires: soon}]}\n",
        "3:77 value expected a date"),
    ROW(HEAD "lifeline: {off: }\n", "3:17 value expected text, found nothing"),
    ROW(HEAD "windows: {firewall: off}\n", "3:21 value expected on, found \"off\""),
    ROW(HEAD "domains: [{name: x.org, sid: S-1-5-21-1-2}]\n", "3:30 value expected a domain's SID"),
    ROW(HEAD "timezone: /etc/passwd\n", "3:11 value expected an IANA time zone"),
    /* All of one file at once, in its order. */
    ROW("allow: [{from: b, to: c, service: d}]\nversion: 3\nsegments: {}\n",
        "1:16 unknown-name \"b\"", "1:23 unknown-name \"c\"", "1:35 unknown-name \"d\"",
        "2:10 value version 1"),
};

static void every_error_has_its_place_and_sentence(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    size_t failed = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct diagnostics found = {0};
        struct policy policy;
        arena_reset(&arena);
        bool good = policy_parse(S("p"), str_of(row->text), &arena, &policy, &found);
        bool same = good == (found.n_errors == 0);
        size_t n = 0;
        for (; row->found[n]; n++) {
            str place, kind, part, rest = str_of(row->found[n]);
            (void)str_cut(rest, ' ', &place, &rest);
            (void)str_cut(rest, ' ', &kind, &part);
            if (n >= found.n) continue;
            const struct diagnostic *d = &found.items[n];
            str where = str_format(&arena, "%" PRIu32 ":%" PRIu32, d->place.line, d->place.column);
            same = same && str_equal(where, place) && str_equal(d->kind, kind) &&
                   str_contains(d->text, part);
        }
        if (same && n == found.n) continue;
        failed++;
        print_message("%s:%d: not as expected, found:\n", row->file, row->line);
        for (size_t j = 0; j < found.n; j++)
            print_message("    %" PRIu32 ":%" PRIu32 " %.*s %.*s\n", found.items[j].place.line,
                          found.items[j].place.column, STR_ARG(found.items[j].kind),
                          STR_ARG(found.items[j].text));
    }
    assert_int_equal(failed, 0);
    arena_close(&arena);
}

static void an_example_keeps_what_it_says(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct diagnostics found = {0};
    struct policy p;
    str text =
        S("version: 1\norganisation: Contoso\ntimezone: Europe/Berlin\n"
          "govern: [smb, printing]\nservices: {printing: [tcp/9100, tcp/5000-5010]}\n"
          "domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}]\n"
          "segments:\n"
          "  clients: {networks: [10.10.0.0/16, \"2001:db8:10::/48\"], trust: managed,\n"
          "            nat: [192.0.2.1]}\n"
          "  guests: {networks: 10.66.0.0/16, trust: untrusted, border: enforced,\n"
          "           profiles: {public: off}}\n"
          "groups:\n"
          "  dcs: {hosts: [dc1, 10.20.0.16/29, {ad-group: Domain Controllers}],\n"
          "        role: domain-controller, vip: 10.20.0.99}\n"
          "  nas: {hosts: [], managed: false, profiles: {private: enforce}}\n"
          "allow:\n"
          "  - {name: logon, from: [clients, any], to: dcs, service: [smb, printing],\n"
          "     except: {to: 10.20.0.17}, secure: {by: certificate, computers: [PC]}}\n"
          "perimeter:\n"
          "  - {direction: inbound, from: {service-tag: T, file: f.json}, to: dcs,\n"
          "     service: smb}\n"
          "profiles: {domain: block-all}\n"
          "windows: {strategy: secure-bypass, firewall: on}\n"
          "rings:\n"
          "  - {name: r1, members: {segment: clients, group: nas, percent: 5}, soak: 1d 1m,\n"
          "     gate: {broken-flows: 3}}\n"
          "  - {name: r2, members: all}\n"
          "assert:\n"
          "  - {only: {from: [clients, dcs], to: dcs, service: smb, except: {from: nas}}}\n"
          "hardening: {baseline: smb-2026, mode: enforce, overrides: [\n"
          "  {setting: smb-server-signing, for: [nas, clients], value: off, reason: old scanner,\n"
          "   expires: 2026-12-31},\n"
          "  {setting: minimum-dialect, kind: file-server, value: 2.1, reason: r},\n"
          "  {setting: smb-client-block-ntlm, value: on, reason: r, expires: "
          "2026-12-31T08:00:00Z}]}\n"
          "lifeline: {off: a lab}\nresolve-max-age: 12h\n");
    (void)state;
    assert_true(policy_parse(S("p"), text, &arena, &p, &found));
    assert_int_equal(found.n, 0);
    assert_true(str_equal(p.organisation, S("Contoso")));
    assert_true(str_equal(p.timezone, S("Europe/Berlin")));
    int printing = service_by_name(p.services, S("printing"));
    assert_int_equal(p.services.services[printing].n_ports, 2);
    assert_true(p.governed[printing]);
    assert_true(p.governed[service_by_name(p.services, S("smb"))]);
    assert_false(p.governed[service_by_name(p.services, S("netbios"))]);
    assert_int_equal(p.n_domains, 1);
    assert_int_equal(p.n_segments, 2);
    assert_int_equal(p.segments[0].n_networks, 2);
    assert_int_equal(p.segments[0].networks[1].place.line, 8);
    assert_int_equal(p.segments[0].networks[1].place.column, 38);
    assert_int_equal(p.segments[0].n_nat, 1);
    assert_true(p.segments[1].border_enforced);
    assert_int_equal(p.segments[1].trust, TRUST_UNTRUSTED);
    assert_int_equal(p.segments[1].profiles[PROFILE_PUBLIC], MODE_OFF);
    assert_int_equal(p.segments[1].profiles[PROFILE_DOMAIN], MODE_UNSET);
    assert_int_equal(p.groups[0].n_hosts, 3);
    assert_int_equal(p.groups[0].hosts[0].kind, MEMBER_NAME);
    assert_int_equal(p.groups[0].hosts[2].kind, MEMBER_AD_GROUP);
    assert_int_equal(p.groups[0].role, ROLE_DOMAIN_CONTROLLER);
    assert_int_equal(p.groups[0].n_vip, 1);
    assert_true(p.groups[0].managed);
    assert_false(p.groups[1].managed);
    assert_int_equal(p.groups[1].profiles[PROFILE_PRIVATE], MODE_ENFORCE);
    assert_int_equal(p.n_allow, 1);
    assert_int_equal(p.allow[0].from.n, 2);
    assert_int_equal(p.allow[0].from.items[1].kind, SELECT_BUILTIN);
    assert_int_equal(p.allow[0].from.items[1].index, BUILTIN_ANY);
    assert_int_equal(p.allow[0].to.items[0].kind, SELECT_GROUP);
    assert_int_equal(p.allow[0].n_services, 2);
    assert_int_equal(p.allow[0].secure, SECURE_CERTIFICATE);
    assert_int_equal(p.allow[0].n_secure_computers, 1);
    assert_false(p.allow[0].except_from.given);
    assert_true(p.allow[0].except_to.given);
    assert_int_equal(p.allow[0].except_to.items[0].prefix.len, 128);
    assert_true(p.has_perimeter);
    assert_int_equal(p.perimeter[0].direction, DIRECTION_INBOUND);
    assert_int_equal(p.perimeter[0].n_from_tags, 1);
    assert_true(str_equal(p.perimeter[0].from_tags[0].file, S("f.json")));
    assert_int_equal(p.profiles[PROFILE_DOMAIN], MODE_BLOCK_ALL);
    assert_int_equal(p.strategy, STRATEGY_SECURE_BYPASS);
    assert_true(p.firewall_on);
    assert_int_equal(p.n_rings, 2);
    assert_int_equal(p.rings[0].members.n, 2);
    assert_true(p.rings[0].has_percent);
    assert_int_equal(p.rings[0].percent, 5);
    assert_int_equal(p.rings[0].soak_s, 86460);
    assert_int_equal(p.rings[0].gate_broken_flows, 3);
    assert_true(p.rings[0].gate_denied_users == UINT64_MAX);
    assert_true(p.rings[1].is_rest);
    assert_int_equal(p.assertions[0].kind, ASSERT_ONLY);
    assert_true(
        str_equal(p.assertions[0].text, S("only [clients, dcs] -> dcs smb except from nas")));
    assert_true(str_equal(p.hardening_mode, S("enforce")));
    assert_int_equal(p.n_overrides, 3);
    const struct harden_override *o = p.overrides;
    assert_int_equal(o[0].setting, HARDEN_ROW_SERVER_SIGNING);
    assert_int_equal(o[0].machines.n, 2);
    assert_int_equal(o[0].machines.items[0].kind, SELECT_GROUP);
    assert_int_equal(o[0].to, HARDEN_TO_OFF);
    assert_true(str_equal(o[0].reason, S("old scanner")) && o[0].expires_is_date);
    assert_int_equal(o[1].setting, HARDEN_ROW_COUNT + (size_t)HARDEN_DIALECT);
    assert_true(o[1].has_kind && o[1].kind == HARDEN_KIND_FILE_SERVER && !o[1].machines.given);
    assert_int_equal(o[1].to, HARDEN_TO_NUMBER);
    assert_int_equal(o[1].number, 0x210);
    assert_int_equal(o[2].to, HARDEN_TO_ON);
    assert_true(hardening_has_dates(&p));
    /* The first ends with its last day, in UTC until a zone is known; the last at its instant. */
    int64_t end = 0;
    assert_true(instant_parse(S("2027-01-01T00:00:00Z"), &end));
    assert_int_equal(o[0].expires_us, end);
    assert_int_equal(hardening_living(&p, end - 1), 3);
    assert_int_equal(hardening_living(&p, end), 2);
    assert_true(str_equal(p.lifeline_off, S("a lab")));
    assert_int_equal(p.resolve_max_age_s, 43200);
    arena_close(&arena);
}

static void defaults_hold(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct diagnostics found = {0};
    struct policy p;
    (void)state;
    assert_true(policy_parse(S("p"), S("{version: 1, segments: {}}"), &arena, &p, &found));
    assert_true(p.governed[service_by_name(p.services, S("smb"))]);
    assert_true(p.governed[service_by_name(p.services, S("netbios"))]);
    assert_false(p.governed[service_by_name(p.services, S("rdp"))]);
    assert_true(str_equal(p.timezone, S("UTC")));
    assert_int_equal(p.resolve_max_age_s, 7 * 86400);
    assert_int_equal(p.strategy, STRATEGY_SCOPED_BLOCK);
    assert_false(p.firewall_on || p.has_perimeter);
    assert_int_equal(p.lifeline_off.len, 0);
    arena_close(&arena);
}

/* Deep nesting, many diagnostics: bounded, and said. */
static void limits_hold(void **state)
{
    struct arena arena = arena_open("test", 0, NULL);
    struct diagnostics found = {0};
    struct policy p;
    struct buf deep = buf_in(&arena), many = buf_in(&arena);
    (void)state;
    buf_str(&deep, S("version: "));
    buf_repeat(&deep, '[', 3000);
    assert_false(policy_parse(S("p"), buf_text(&deep), &arena, &p, &found));
    assert_int_equal(found.n, 1);
    assert_true(str_contains(found.items[0].text, S("nested deeper than 64")));

    found = (struct diagnostics){0};
    buf_str(&many, S("version: 1\nsegments: {}\nallow:\n"));
    for (int i = 0; i < 2000; i++)
        buf_str(&many, S("  - {from: x, to: 10.0.0.0/8, service: smb}\n"));
    assert_false(policy_parse(S("p"), buf_text(&many), &arena, &p, &found));
    assert_int_equal(found.n, LIMIT_DIAGNOSTICS);
    assert_int_equal(found.n_errors, 2000);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_place_and_sentence),
        cmocka_unit_test(an_example_keeps_what_it_says),
        cmocka_unit_test(defaults_hold),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
