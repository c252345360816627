/* SPDX-License-Identifier: Apache-2.0 */
/* firewalld (1.0 and later, nftables behind it): for each host class one script that writes two
 * policy objects, ANY zone to HOST and HOST to ANY zone, and their ipsets as XML below
 * /etc/firewalld. A policy of negative priority is asked before any zone; its target CONTINUE sends
 * on what none of its rules names. Rich rules of negative priority are asked in the order of their
 * priorities (firewalld.richlanguage(5)): accepts first, then stops. The reader is
 * firewalld_read.c; it shares nothing with this file.
 */
#include "base/map.h"
#include "rules/universe.h"
#include "targets/doubts.h"
#include "targets/firewalld_read.h"
#include "targets/first_match.h"
#include "targets/log_prefix.h"
#include "targets/remarks.h"

enum { ACCEPT_PRIORITY = -200, STOP_PRIORITY = -100, POLICY_PRIORITY = -30000 };

extern const struct target firewalld_target;

#define REMOVE_ALL "rm -f \"$to\"/ipsets/sallyport-*.xml \"$to\"/policies/sallyport-*.xml\n"
#define XML_HEAD   "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define FILE_END   "SALLYPORT\n"

struct host_script {
    struct arena *arena;
    struct buf ipsets, policies[2]; /* inbound, outbound */
    struct map known;               /* family and entries, to an ipset's number */
    str rings;
};

/* ---- XML ----------------------------------------------------------------------------------------
 */

/* Text of an attribute in double quotes; target_plain has taken out quotes and angles. */
static void put_attribute(struct buf *out, str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '&')
            buf_str(out, S("&amp;"));
        else
            buf_char(out, text.ptr[i]);
    }
}

/* Two hyphens would end a comment. */
static void put_comment(struct buf *out, struct arena *arena, const char *label, str text)
{
    str plain = target_plain(arena, text, REMARKS_WHY_BYTES);
    if (!plain.len) return;
    buf_format(out, "  <!-- %s", label);
    for (size_t i = 0; i < plain.len; i++) {
        bool again = i && plain.ptr[i] == '-' && plain.ptr[i - 1] == '-';
        if (again) buf_char(out, ' ');
        buf_char(out, plain.ptr[i]);
    }
    buf_str(out, S(" -->\n"));
}

/* ---- Ends ---------------------------------------------------------------------------------------
 */

static str entries_text(struct arena *arena, struct prefix_set set)
{
    struct buf out = buf_in(arena);
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(arena, set, &n);
    for (size_t i = 0; i < n; i++) {
        struct prefix p = prefixes[i];
        buf_str(&out, S("  <entry>"));
        addr_print(&out, p.addr);
        if (p.len != 128) buf_format(&out, "/%d", addr_is_v4(p.addr) ? p.len - 96 : p.len);
        buf_str(&out, S("</entry>\n"));
    }
    return buf_text(&out);
}

/* An end that many rules have is one ipset. */
static str ipset_name(struct host_script *script, struct prefix_set set, bool v4)
{
    struct arena *arena = script->arena;
    struct buf *out = &script->ipsets;
    bool fresh = false;
    str entries = entries_text(arena, set);
    uint64_t *number = map_put(&script->known, arena, entries, script->known.n + 1, &fresh);
    str name = str_format(arena, "sallyport-%" PRIu64, *number);
    if (!fresh) return name;
    buf_format(out, "cat >\"$to/ipsets/%.*s.xml\" <<'SALLYPORT'\n" XML_HEAD, STR_ARG(name));
    buf_str(out, S("<ipset type=\"hash:net\">\n  <short>sallyport</short>\n"));
    buf_format(out, "  <option name=\"family\" value=\"%s\"/>\n", v4 ? "inet" : "inet6");
    buf_str(out, entries);
    buf_str(out, S("</ipset>\n" FILE_END));
    return name;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void put_rule(struct host_script *script, const struct first_match_line *line,
                     struct service_port port, str source, str destination)
{
    const struct rule *rule = line->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND, stops = rule->action == ACTION_BLOCK;
    struct buf *out = &script->policies[!inbound];
    put_comment(out, script->arena, "", rule->id);
    buf_str(out, S("  <rule"));
    if (source.len || destination.len)
        buf_format(out, " family=\"%s\"", line->v4 ? "ipv4" : "ipv6");
    buf_format(out, " priority=\"%d\">\n", stops ? STOP_PRIORITY : ACCEPT_PRIORITY);
    if (source.len) buf_format(out, "    <source ipset=\"%.*s\"/>\n", STR_ARG(source));
    if (destination.len)
        buf_format(out, "    <destination ipset=\"%.*s\"/>\n", STR_ARG(destination));
    buf_format(out, "    <port port=\"%u", (unsigned)port.first);
    if (port.last != port.first) buf_format(out, "-%u", (unsigned)port.last);
    buf_format(out, "\" protocol=\"%s\"/>\n", rule->transport == TRANSPORT_TCP ? "tcp" : "udp");
    if (stops) {
        buf_str(out, S("    <log prefix=\""));
        put_attribute(out, log_prefix_of(rule, script->rings, script->arena));
        buf_str(out, S("\" level=\"info\"><limit value=\"10/s\"/></log>\n"));
    }
    /* Towards strangers no answer; the machine's own programs fail at once. */
    buf_str(out, !stops    ? S("    <accept/>\n")
                 : inbound ? S("    <drop/>\n")
                           : S("    <reject/>\n"));
    buf_str(out, S("  </rule>\n"));
}

/* A rich rule has one port, or one range of them. */
static void put_line(struct host_script *script, const struct first_match_line *line, bool first)
{
    const struct rule *rule = line->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    str local = {0}, remote = {0};
    if (!line->any_local) local = ipset_name(script, line->local, line->v4);
    if (!line->any_remote) remote = ipset_name(script, line->remote, line->v4);
    if (first) put_comment(&script->policies[!inbound], script->arena, "why: ", rule->why);
    for (size_t i = 0; i < rule->n_ports; i++)
        put_rule(script, line, rule->ports[i], inbound ? remote : local, inbound ? local : remote);
}

static void put_policy(struct buf *out, const struct host_script *script, bool inbound)
{
    buf_format(out, "cat >\"$to/policies/sallyport-%s.xml\" <<'SALLYPORT'\n" XML_HEAD,
               inbound ? "in" : "out");
    buf_format(out, "<policy target=\"CONTINUE\" priority=\"%d\">\n", POLICY_PRIORITY);
    buf_format(out, "  <short>sallyport %s</short>\n", inbound ? "inbound" : "outbound");
    buf_format(out, "  <ingress-zone name=\"%s\"/>\n  <egress-zone name=\"%s\"/>\n",
               inbound ? "ANY" : "HOST", inbound ? "HOST" : "ANY");
    buf_str(out, buf_text(&script->policies[!inbound]));
    buf_str(out, S("</policy>\n" FILE_END));
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static str host_file(const struct bundles *bundles, const struct host_class *class,
                     const struct target_header *header, struct arena *arena)
{
    struct host_script script = {
        .arena = arena,
        .ipsets = buf_in(arena),
        .policies = {buf_in(arena), buf_in(arena)},
        .rings = log_prefix_rings(bundles->resolved, class->members, arena),
    };
    struct first_match_lines lines =
        first_match_lines_of(first_match_rules(class->rules, arena), false, arena);
    for (size_t i = 0; i < lines.n; i++)
        put_line(&script, &lines.items[i], !i || lines.items[i].rule != lines.items[i - 1].rule);

    struct buf out = buf_in(arena);
    buf_str(&out, S("#!/bin/sh\n"));
    remarks_head(&out, arena, header, S("firewalld policies of a host, profile domain"));
    remarks_class(&out, arena, class);
    buf_str(&out, S("# without an argument: installs and reloads; again, or newer: replaces\n"
                    "# with a folder: writes there alone; then, as a dry run,\n"
                    "#   firewall-offline-cmd --system-config FOLDER --check-config\n"
                    "set -eu\nto=${1:-/etc/firewalld}\n"
                    "mkdir -p \"$to/ipsets\" \"$to/policies\"\n" REMOVE_ALL));
    buf_str(&out, buf_text(&script.ipsets));
    put_policy(&out, &script, true);
    put_policy(&out, &script, false);
    /* firewalld leaves out what it does not understand, with a warning alone: that might be a
     * block. */
    buf_str(&out, S("[ $# = 0 ] || exit 0\nsaid=$(firewall-cmd --check-config 2>&1) || "
                    "{ echo \"$said\" >&2; exit 1; }\ncase $said in *INVALID*) echo "
                    "\"$said\" >&2; exit 1 ;; esac\nfirewall-cmd --reload\n"));
    return buf_text(&out);
}

static str rollback_file(const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("#!/bin/sh\n"));
    remarks_head(&out, arena, header, S("firewalld rollback; removes policies and ipsets"));
    buf_str(&out, S("set -eu\nto=${1:-/etc/firewalld}\n" REMOVE_ALL
                    "[ $# = 0 ] || exit 0\nfirewall-cmd --reload\n"));
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++)
        for (size_t j = 0; j < bundles->classes[i].rules.n; j++)
            if (!target_expresses(&firewalld_target, &bundles->classes[i].rules.rules[j], err))
                return false;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "%.*s.sh", STR_ARG(class->id)),
                            .content = host_file(bundles, class, header, arena),
                            .executable = true,
                            .host_class = class,
                        });
    }
    /* Every host's files have the same names, so one rollback serves all. */
    target_add_file(&files, arena,
                    (struct target_file){
                        .path = S("rollback.sh"),
                        .content = rollback_file(header, arena),
                        .executable = true,
                        .kind = TARGET_FILE_ROLLBACK,
                    });
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)workspace, (void)border_word, (void)arena;
    return S("firewalld sallyport"); /* whatever the workspace: a machine has one set of ours */
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt firewalld_doubts[] = {
    {T("firewalld-versions"),         0,
     T("Loaded with firewalld 1.3.3 on nftables. Ipsets as destinations of rich rules are not in "
       "old versions: firewall-offline-cmd --check-config tells before anything is loaded.")  },
    {T("firewalld-open-connections"), DOUBT_BLOCK,
     T("firewalld accepts what belongs to a connection it already follows before any policy, so "
       "open connections go on after loading. Verify: conntrack -D, or a restart, ends them.")},
    {{0},                             0,           {0}                                        },
};

/* Behind firewalld is nftables: an accept ends firewalld's chain, a drop ends everything. */
const struct target firewalld_target = {
    .name = T("firewalld"),
    .summary = T("firewalld policies and ipsets for Linux hosts that it manages"),
    .engine = ENGINE_NFTABLES,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("network profiles (its files are those of profile domain), allow-if-secure, and "
                "borders"),
    .load = T("`sh CLASS.sh FOLDER` and `firewall-offline-cmd --system-config FOLDER "
              "--check-config`, then `sh CLASS.sh` as root; `rollback.sh` removes it"),
    .decides = T("two policies that are asked before any zone; in each the accepts, then the "
                 "stops, and the first that matches decides; what none names goes on to the zone"),
    .doubts = firewalld_doubts,
    .hosts = true,
    .emit = emit,
    .read = firewalld_read,
    .group = group,
    .read_rollback = firewalld_read_rollback,
    .recognise = firewalld_read_recognise,
};
