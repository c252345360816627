/* SPDX-License-Identifier: Apache-2.0 */
/* pf, the packet filter of macOS, OpenBSD and FreeBSD (pf.conf(5)): one file of rules for each host
 * class and each enforced border, loaded into an anchor of its own. Every rule is quick, so the
 * first match decides; what none of them names is not touched and goes on to the rules behind the
 * anchor. Tables hold prefixes only, so ranges are cut into prefixes. Written is what all three
 * systems understand. The reader is pf_read.c; it shares nothing with this file.
 */
#include "base/map.h"
#include "rules/universe.h"
#include "targets/doubts.h"
#include "targets/first_match.h"
#include "targets/pf_read.h"
#include "targets/remarks.h"

enum { LABEL_BYTES = 63 }; /* PF_RULE_LABEL_SIZE is 64, with its end */

extern const struct target pf_target;

struct anchor_file {
    struct arena *arena;
    struct buf tables, rules;
    struct map known;   /* which end and what is in it, to a table's number */
    size_t n_tables[2]; /* of own ends, of peers */
    bool border;
};

/* ---- Tables -------------------------------------------------------------------------------------
 */

static const char *const end_names[] = {"local", "remote"};

static str table_text(struct arena *arena, struct prefix_set set)
{
    struct buf out = buf_in(arena);
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(arena, set, &n);
    for (size_t i = 0; i < n; i++) {
        struct prefix p = prefixes[i];
        bool v4 = addr_is_v4(p.addr);
        buf_str(&out, S("    "));
        addr_print(&out, p.addr);
        if (p.len != 128) buf_format(&out, "/%d", v4 ? p.len - 96 : p.len);
        /* Not every pf lets a list go on in the next line without being told. */
        buf_str(&out, i + 1 < n ? S(", \\\n") : S(" \\\n"));
    }
    return buf_text(&out);
}

/* An end that many rules have is one table. */
static str table_name(struct anchor_file *file, bool remote, struct prefix_set set)
{
    struct arena *arena = file->arena;
    str text = table_text(arena, set);
    bool fresh = false;
    str key = str_format(arena, "%s\n%.*s", end_names[remote], STR_ARG(text));
    uint64_t *number = map_put(&file->known, arena, key, file->n_tables[remote] + 1, &fresh);
    str name = str_format(arena, "<%s_%" PRIu64 ">", end_names[remote], *number);
    if (!fresh) return name;
    file->n_tables[remote]++;
    buf_format(&file->tables, "table %.*s const { \\\n%.*s}\n", STR_ARG(name), STR_ARG(text));
    return name;
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void put_ports(struct buf *out, const struct rule *rule)
{
    buf_str(out, S(" port "));
    if (rule->n_ports > 1) buf_str(out, S("{ "));
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(out, "%s%u", i ? ", " : "", (unsigned)p.first);
        if (p.last != p.first) buf_format(out, ":%u", (unsigned)p.last);
    }
    if (rule->n_ports > 1) buf_str(out, S(" }"));
}

/* The end of an id tells rules apart. */
static str label_of(struct arena *arena, str id)
{
    str plain = target_plain(arena, id, id.len);
    return plain.len > LABEL_BYTES ? str_tail(plain, plain.len - LABEL_BYTES) : plain;
}

/* A host says which way and leaves its loopback alone; a border's addresses say both. What is
 * stopped inbound gets no answer, as a firewall does towards strangers; outbound it gets one, so
 * that its program fails at once. */
static void put_line(struct anchor_file *file, const struct first_match_line *line)
{
    const struct rule *rule = line->rule;
    struct buf *out = &file->rules;
    bool inbound = rule->direction == DIRECTION_INBOUND, stops = rule->action == ACTION_BLOCK;
    str ends[] = {S("any"), S("any")};
    if (!line->any_local) ends[0] = table_name(file, false, line->local);
    if (!line->any_remote) ends[1] = table_name(file, true, line->remote);
    buf_str(out, !stops ? S("pass") : inbound ? S("block drop") : S("block return"));
    if (!file->border) buf_str(out, inbound ? S(" in") : S(" out"));
    buf_str(out, stops ? S(" log quick") : S(" quick"));
    if (!file->border) buf_str(out, S(" on ! lo0"));
    if (!line->any_local || !line->any_remote) buf_str(out, line->v4 ? S(" inet") : S(" inet6"));
    buf_format(out, " proto %s from %.*s to %.*s", rule->transport == TRANSPORT_TCP ? "tcp" : "udp",
               STR_ARG(ends[inbound]), STR_ARG(ends[!inbound]));
    put_ports(out, rule);
    if (!stops) buf_str(out, S(" keep state"));
    buf_format(out, " label \"%.*s\"\n", STR_ARG(label_of(file->arena, rule->id)));
}

static str rules_text(struct ruleset rules, bool border, struct arena *arena)
{
    struct anchor_file file = {.arena = arena, .border = border};
    struct first_match_lines lines =
        first_match_lines_of(first_match_rules(rules, arena), border, arena);
    file.tables = buf_in(arena);
    file.rules = buf_in(arena);
    for (size_t i = 0; i < lines.n; i++) {
        const struct rule *rule = lines.items[i].rule;
        if (!i || rule != lines.items[i - 1].rule)
            remarks_line(&file.rules, arena, "why", rule->why);
        put_line(&file, &lines.items[i]);
    }
    buf_str(&file.tables, buf_text(&file.rules));
    return buf_text(&file.tables);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static str anchor_of(str border_word, struct arena *arena)
{
    if (!border_word.len) return S("sallyport");
    return str_format(arena, "sallyport-border-%.*s", STR_ARG(border_word));
}

static struct buf file_begin(const struct target_header *header, str title, str anchor,
                             struct arena *arena)
{
    struct buf out = buf_in(arena);
    remarks_head(&out, arena, header, title);
    buf_format(&out,
               "# anchor: %.*s\n# dry run, changes nothing: pfctl -a %.*s -n -f FILE\n"
               "# loads, and replaces what was loaded before: pfctl -a %.*s -f FILE\n",
               STR_ARG(anchor), STR_ARG(anchor), STR_ARG(anchor));
    return out;
}

static str host_file(const struct host_class *class, const struct target_header *header,
                     struct arena *arena)
{
    struct buf out =
        file_begin(header, S("pf rules of a host, profile domain"), S("sallyport"), arena);
    remarks_class(&out, arena, class);
    buf_str(&out, rules_text(class->rules, false, arena));
    return buf_text(&out);
}

static str border_file(const struct border_rules *border, str anchor,
                       const struct target_header *header, struct arena *arena)
{
    struct buf out = file_begin(header, S("pf rules of a border, for its router"), anchor, arena);
    remarks_line(&out, arena, "border", border->border->name);
    buf_str(&out, rules_text(border->rules, true, arena));
    return buf_text(&out);
}

static str rollback_file(str anchor, const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("#!/bin/sh\n"));
    remarks_head(&out, arena, header, S("pf rollback; empties the anchor and its tables"));
    buf_format(&out, "set -eu\npfctl -a %.*s -F rules\npfctl -a %.*s -F Tables\n", STR_ARG(anchor),
               STR_ARG(anchor));
    return buf_text(&out);
}

static bool expressible(const struct bundles *bundles, struct err *err)
{
    for (size_t i = 0; i < bundles->n_classes; i++)
        for (size_t j = 0; j < bundles->classes[i].rules.n; j++)
            if (!target_expresses(&pf_target, &bundles->classes[i].rules.rules[j], err))
                return false;
    for (size_t i = 0; i < bundles->n_borders; i++)
        for (size_t j = 0; j < bundles->borders[i].rules.n; j++)
            if (!target_expresses(&pf_target, &bundles->borders[i].rules.rules[j], err))
                return false;
    return true;
}

static void add_border(const struct bundles *bundles, size_t index,
                       const struct target_header *header, struct arena *arena,
                       struct target_files *files)
{
    const struct border_rules *border = &bundles->borders[index];
    str word = target_border_word(bundles, index, arena), anchor = anchor_of(word, arena);
    target_add_file(files, arena,
                    (struct target_file){
                        .path = str_format(arena, "border-%.*s.pf.conf", STR_ARG(word)),
                        .content = border_file(border, anchor, header, arena),
                        .border = border,
                    });
    target_add_file(files, arena,
                    (struct target_file){
                        .path = str_format(arena, "border-%.*s-rollback.sh", STR_ARG(word)),
                        .content = rollback_file(anchor, header, arena),
                        .executable = true,
                        .kind = TARGET_FILE_ROLLBACK,
                        .border = border,
                    });
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!expressible(bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "%.*s.pf.conf", STR_ARG(class->id)),
                            .content = host_file(class, header, arena),
                            .host_class = class,
                        });
    }
    /* Every host's anchor has the same name, so one rollback serves all. */
    target_add_file(&files, arena,
                    (struct target_file){
                        .path = S("rollback.sh"),
                        .content = rollback_file(S("sallyport"), header, arena),
                        .executable = true,
                        .kind = TARGET_FILE_ROLLBACK,
                    });
    for (size_t i = 0; i < bundles->n_borders; i++)
        add_border(bundles, i, header, arena, &files);
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)workspace; /* a machine has one anchor of ours, whatever the workspace */
    return str_format(arena, "anchor %.*s", STR_ARG(anchor_of(border_word, arena)));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt pf_doubts[] = {
    {T("pf-anchor-called"), 0,
     T("The rules act only where the main rules call the anchor, and pf is enabled: pfctl -s rules "
       "and pfctl -s info tell. What the main rules have decided by a quick rule before it never "
       "reaches it.")                                                            },
    {T("pf-versions"),      0,
     T("Written from the manuals of OpenBSD, FreeBSD and macOS and read back by this program; no "
       "pfctl has parsed it here. Verify: the dry run in the head of each file.")},
    {T("pf-open-states"),   DOUBT_BLOCK,
     T("A connection that pf already follows goes on until its state ends, also after a narrower "
       "file. Verify: pfctl -s states, and pfctl -k to end one.")                },
    {{0},                   0,           {0}                                     },
};

const struct target pf_target = {
    .name = T("pf"),
    .summary = T("pf anchors for macOS and BSD hosts, and for BSD routers at enforced borders"),
    .engine = ENGINE_PF,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("network profiles (its host files are those of profile domain) and "
                "allow-if-secure"),
    .load = T("put `anchor \"sallyport\"` into /etc/pf.conf once; then `pfctl -a sallyport -n -f "
              "CLASS.pf.conf`, without `-n`; `rollback.sh` empties the anchor. A border's file is "
              "for the router in front of it, in the anchor that its head names"),
    .decides = T("in the anchor every rule is quick: the first that matches, also for the rules "
                 "behind the anchor; what none names goes on to them"),
    .doubts = pf_doubts,
    .borders = true,
    .hosts = true,
    .emit = emit,
    .read = pf_read,
    .group = group,
    .read_rollback = pf_read_rollback,
    .recognise = pf_read_recognise,
};
