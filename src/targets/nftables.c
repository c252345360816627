/* SPDX-License-Identifier: Apache-2.0 */
/* nftables (nft 0.9.3 and later): one file for each host class, with an input and an output chain,
 * and one for each enforced border, with a forward chain. Every file replaces its own table in one
 * transaction. The chains are first-match: what is approved is accepted, the rest of a governed
 * port is dropped or rejected, everything else is not ours and passes on. A drop is final in
 * nftables whatever other tables say; an accept ends this table only. The reader is
 * nftables_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "rules/universe.h"
#include "targets/expiry.h"
#include "targets/first_match.h"
#include "targets/log_prefix.h"
#include "targets/nftables_read.h"
#include "targets/target.h"

enum {
    WHY_BYTES = 900,
    COMMENT_BYTES = 100, /* a rule's own comment: NFTNL_UDATA_COMMENT_MAXLEN is 128 */
};

extern const struct target nftables_target;

/* ---- Addresses ----------------------------------------------------------------------------------
 */

/* The length of the prefix that is exactly this range; -1 when none is. Counts over the 128 bits of
 * the line: IPv4 takes the last 32. */
static int exact_length(struct range r)
{
    int length = 0;
    bool differ = false;
    for (unsigned bit = 0; bit < 128; bit++) {
        uint64_t first = bit < 64 ? r.first.hi : r.first.lo;
        uint64_t last = bit < 64 ? r.last.hi : r.last.lo;
        bool f = first >> (63 - bit % 64) & 1, l = last >> (63 - bit % 64) & 1;
        if (f == l && differ) return -1;
        if (f != l && f) return -1;
        differ = differ || f != l;
        if (!differ) length++;
    }
    return length;
}

/* An address, a prefix, or a-b: one token for each range, so that every token says something. */
static void put_element(struct buf *out, struct range r)
{
    int length = exact_length(r);
    int shown = addr_is_v4(r.first) ? length - 96 : length, whole = addr_is_v4(r.first) ? 32 : 128;
    addr_print(out, r.first);
    if (length < 0) {
        buf_char(out, '-');
        addr_print(out, r.last);
    } else if (shown != whole) {
        buf_format(out, "/%d", shown);
    }
}

enum family { FAMILY_V4, FAMILY_V6, FAMILY_COUNT };

static const struct family_words {
    const char *suffix, *type, *header;
} family_words[FAMILY_COUNT] = {
    [FAMILY_V4] = {"v4", "ipv4_addr", "ip" },
    [FAMILY_V6] = {"v6", "ipv6_addr", "ip6"},
};

static struct prefix_set family_part(struct arena *arena, struct prefix_set set, enum family family)
{
    return family == FAMILY_V4 ? prefix_set_v4(arena, set) : prefix_set_v6(arena, set);
}

/* ---- Files in the making ------------------------------------------------------------------------
 */

struct table_file {
    struct arena *arena;
    struct buf sets, chains[2]; /* by direction; a border's one chain is chains[0] */
    size_t n_allows;
    bool border;
    bool *paired; /* per rule: it stands in a set of pairs */
    const struct expiry *expiry;
    int64_t as_of_us; /* when a timeout begins, if the file is loaded at once */
    str rings;        /* that its machines are in */
    bool expires;     /* some element has a timeout */
};

/* Elements that only an exception needs are gone at its end: nft counts from the moment of loading,
 * in whole seconds here, never later than the end. */
static void put_timeout(struct buf *out, struct table_file *file, const struct expiry_part *part)
{
    int64_t left_s = (part->until_us - file->as_of_us) / INSTANT_SECOND;
    int64_t left_ms = (part->until_us - file->as_of_us) / 1000;
    if (!part->until_us) return;
    file->expires = true;
    if (left_s > 0)
        buf_format(out, " timeout %" PRId64 "s", left_s);
    else
        buf_format(out, " timeout %" PRId64 "ms", left_ms > 0 ? left_ms : 1);
}

static const char *set_flags(const struct expiry_part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (parts[i].until_us) return "interval,timeout";
    return "interval";
}

static void put_set(struct table_file *file, str name, enum family family,
                    const struct expiry_part *parts, size_t n)
{
    struct buf *out = &file->sets;
    bool first = true;
    buf_format(out, "    set %.*s {\n        type %s\n        flags %s\n", STR_ARG(name),
               family_words[family].type, set_flags(parts, n));
    buf_str(out, S("        elements = {\n"));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < parts[i].remote.n; k++) {
            buf_str(out, first ? S("            ") : S(",\n            "));
            put_element(out, parts[i].remote.ranges[k]);
            put_timeout(out, file, &parts[i]);
            first = false;
        }
    buf_str(out, S("\n        }\n    }\n"));
}

static void put_lasting_set(struct table_file *file, str name, enum family family,
                            struct prefix_set set)
{
    const struct expiry_part all = {.remote = set};
    put_set(file, name, family, &all, 1);
}

/* The peers of a rule by the time they last, in one family. */
static struct expiry_part *family_parts(struct table_file *file, const struct rule *rule,
                                        enum family family, size_t *out_n)
{
    size_t n = 0, n_all;
    struct expiry_part *parts = expiry_parts(file->expiry, rule, file->arena, &n_all);
    for (size_t i = 0; i < n_all; i++) {
        parts[n] = parts[i];
        parts[n].remote = family_part(file->arena, parts[i].remote, family);
        n += parts[n].remote.n > 0;
    }
    *out_n = n;
    return parts;
}

/* What a line matches: set names; empty = any. */
struct match {
    enum family family;
    str local, remote;
    const struct rule *rule;
};

static void put_ports(struct buf *out, const struct rule *rule)
{
    buf_format(out, "%s dport ", rule->transport == TRANSPORT_TCP ? "tcp" : "udp");
    if (rule->n_ports > 1) buf_str(out, S("{ "));
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        buf_format(out, "%s%u", i ? ", " : "", (unsigned)p.first);
        if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
    }
    if (rule->n_ports > 1) buf_str(out, S(" }"));
}

static void put_match(struct buf *out, const struct match *m)
{
    bool inbound = m->rule->direction == DIRECTION_INBOUND;
    const char *header = family_words[m->family].header;
    buf_str(out, S("        "));
    if (m->local.len)
        buf_format(out, "%s %s @%.*s ", header, inbound ? "daddr" : "saddr", STR_ARG(m->local));
    if (m->remote.len)
        buf_format(out, "%s %s @%.*s ", header, inbound ? "saddr" : "daddr", STR_ARG(m->remote));
    put_ports(out, m->rule);
}

static struct buf *chain_of(struct table_file *file, const struct rule *rule)
{
    bool second = rule->direction == DIRECTION_OUTBOUND && !file->border;
    return &file->chains[second];
}

static void put_comment(struct table_file *file, const struct rule *rule)
{
    buf_format(chain_of(file, rule), " comment \"%.*s\"\n",
               STR_ARG(target_plain(file->arena, rule->id, COMMENT_BYTES)));
}

static void put_why(struct table_file *file, const struct rule *rule)
{
    buf_format(chain_of(file, rule), "        # why: %.*s\n",
               STR_ARG(target_plain(file->arena, rule->why, WHY_BYTES)));
}

static void put_accept(struct table_file *file, const struct rule *rule)
{
    struct arena *arena = file->arena;
    bool any_local = prefix_set_equal(rule->local, (struct prefix_set){&addr_all, 1});
    size_t number = ++file->n_allows;
    bool said = false;
    for (unsigned f = 0; f < FAMILY_COUNT; f++) {
        const char *suffix = family_words[f].suffix;
        struct match m = {.family = (enum family)f, .rule = rule};
        struct prefix_set local = family_part(arena, rule->local, m.family);
        size_t n_remote;
        struct expiry_part *remote = family_parts(file, rule, m.family, &n_remote);
        if (!n_remote || !local.n) continue;
        if (!any_local) {
            m.local = str_format(arena, "local_%zu_%s", number, suffix);
            put_lasting_set(file, m.local, m.family, local);
        }
        m.remote = str_format(arena, "remote_%zu_%s", number, suffix);
        put_set(file, m.remote, m.family, remote, n_remote);
        if (!said) put_why(file, rule);
        said = true;
        put_match(chain_of(file, rule), &m);
        buf_str(chain_of(file, rule), S(" counter accept"));
        put_comment(file, rule);
    }
}

/* A line that logs, and the line that stops: an inbound flow silently, as a firewall does towards
 * strangers; an outbound one with an answer, so that its program fails at once and not after
 * minutes. */
static void put_stop(struct table_file *file, const struct match *m)
{
    struct buf *out = chain_of(file, m->rule);
    bool inbound = m->rule->direction == DIRECTION_INBOUND;
    put_match(out, m);
    buf_format(out, " limit rate 10/second log prefix \"%.*s\"\n",
               STR_ARG(log_prefix_of(m->rule, file->rings, file->arena)));
    put_match(out, m);
    buf_str(out,
            inbound ? S(" counter drop") : S(" counter reject with icmpx type admin-prohibited"));
    put_comment(file, m->rule);
}

/* Whatever was not accepted above. That this is exactly the complement is the proof's business. A
 * border's line names both ends, since what does not cross it is not its own. */
static void put_stops(struct table_file *file, struct ruleset rules)
{
    struct arena *arena = file->arena;
    struct first_match_stops stops = first_match_stops_of(rules, file->border, arena);
    for (size_t i = 0; i < stops.n; i++) {
        const struct first_match_stop *stop = &stops.items[i];
        struct match m = {.rule = stop->rules[0]};
        put_why(file, m.rule);
        if (stop->everywhere) {
            put_stop(file, &m);
            continue;
        }
        for (unsigned f = 0; f < FAMILY_COUNT; f++) {
            struct prefix_set local, remote;
            m.family = (enum family)f;
            first_match_ends(stop, m.family == FAMILY_V4, arena, &local, &remote);
            if (!local.n) continue;
            m.local = str_format(arena, "stop_local_%zu_%s", i + 1, family_words[f].suffix);
            put_lasting_set(file, m.local, m.family, local);
            if (file->border) {
                m.remote = str_format(arena, "stop_remote_%zu_%s", i + 1, family_words[f].suffix);
                put_lasting_set(file, m.remote, m.family, remote);
            }
            put_stop(file, &m);
        }
    }
}

/* ---- Whole files --------------------------------------------------------------------------------
 */

static void put_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(target_plain(arena, text, WHY_BYTES)));
}

static void put_header(struct buf *out, struct arena *arena, const struct target_header *header,
                       str title)
{
    char as_of[INSTANT_TEXT];
    buf_str(out, S("#!/usr/sbin/nft -f\n"));
    put_remark(out, arena, "sallyport", title);
    put_remark(out, arena, "organisation", header->organisation);
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(target_plain(arena, header->policy_source, WHY_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
    buf_str(out, S("# dry run, changes nothing: nft --check --file FILE\n"));
}

static void put_members(struct buf *out, struct arena *arena, const char *label,
                        struct prefix_set members)
{
    for (unsigned f = 0; f < FAMILY_COUNT; f++) {
        struct prefix_set part = family_part(arena, members, (enum family)f);
        for (size_t i = 0; i < part.n; i++) {
            buf_format(out, "# %s: ", label);
            put_element(out, part.ranges[i]);
            buf_char(out, '\n');
        }
    }
}

static void put_chain(struct buf *out, const char *name, const struct buf *rules, bool loopback)
{
    buf_format(out, "    chain %s {\n        type filter hook %s priority -10; policy accept;\n",
               name, name);
    if (loopback)
        buf_format(out, "        %s \"lo\" accept\n", strcmp(name, "input") ? "oif" : "iif");
    /* Replies pass: the flow was judged by its first direction. Packets of that direction are
     * judged each time, so that a narrower set stops open connections too. */
    buf_str(out, S("        ct direction reply accept\n"));
    buf_str(out, buf_text(rules));
    buf_str(out, S("    }\n"));
}

/* nft counts from the moment of loading. */
static void put_timeout_remark(struct buf *out, const struct table_file *file)
{
    if (!file->expires) return;
    buf_str(out,
            S("# elements with a timeout are for exceptions: load the file soon, since their time "
              "begins then,\n# and load a newer one before it ends if they were renewed\n"));
}

static void put_replacement(struct buf *out, str table)
{
    buf_format(out, "add table inet %.*s\ndelete table inet %.*s\n", STR_ARG(table),
               STR_ARG(table));
}

static struct table_file file_in(struct arena *arena, bool border)
{
    return (struct table_file){
        .arena = arena,
        .sets = buf_in(arena),
        .chains = {buf_in(arena), buf_in(arena)},
        .border = border,
    };
}

/* ---- Pairs --------------------------------------------------------------------------------------
 * Many accepts of a few addresses each are one set of pairs, own end and peer, and one line: so
 * that neither loading nor a packet's way gets longer with every exception.
 */

enum {
    PAIRS_FROM = 16,  /* accepts of one list of ports; fewer read better as lines of their own */
    PAIRS_OF_ONE = 8, /* pairs that one accept may make: more are shorter as two sets */
};

static size_t pairs_of(const struct rule *rule, enum family family, struct arena *arena)
{
    size_t locals = family_part(arena, rule->local, family).n;
    size_t remotes = family_part(arena, rule->remote, family).n;
    if (locals > PAIRS_OF_ONE || remotes > PAIRS_OF_ONE) return PAIRS_OF_ONE + 1;
    return locals * remotes;
}

static bool is_paired(const struct rule *rule, struct arena *arena)
{
    struct arena scratch = *arena;
    if (rule->action != ACTION_ALLOW) return false;
    if (prefix_set_equal(rule->local, (struct prefix_set){&addr_all, 1})) return false;
    return pairs_of(rule, FAMILY_V4, &scratch) <= PAIRS_OF_ONE &&
           pairs_of(rule, FAMILY_V6, &scratch) <= PAIRS_OF_ONE;
}

/* The pairs of one family of some accepts. */
struct pair_set {
    struct buf elements;
    size_t n;
    bool expire;
};

/* Each accept's reason stands with its pairs. */
static void put_pairs(struct table_file *file, struct pair_set *set, const struct rule *rule,
                      enum family family)
{
    struct arena *arena = file->arena;
    struct buf *out = &set->elements;
    struct prefix_set local = family_part(arena, rule->local, family);
    size_t n_parts;
    const struct expiry_part *parts = family_parts(file, rule, family, &n_parts);
    for (size_t i = 0; i < local.n * n_parts; i++) {
        const struct expiry_part *part = &parts[i % n_parts];
        for (size_t k = 0; k < part->remote.n; k++) {
            buf_str(out, S("            "));
            put_element(out, local.ranges[i / n_parts]);
            buf_str(out, S(" . "));
            put_element(out, part->remote.ranges[k]);
            put_timeout(out, file, part);
            buf_format(out, ", # %.*s\n", STR_ARG(target_plain(arena, rule->why, WHY_BYTES)));
        }
        set->n += part->remote.n;
        set->expire = set->expire || part->until_us;
    }
}

/* One line and one set for each family of the accepts with the ports of the first. */
static void put_paired(struct table_file *file, const struct first_match_stop *accepts,
                       size_t number)
{
    const struct rule *rule = accepts->rules[0];
    bool inbound = rule->direction == DIRECTION_INBOUND, said = false;
    for (unsigned f = 0; f < FAMILY_COUNT; f++) {
        struct pair_set set = {.elements = buf_in(file->arena)};
        const struct family_words *words = &family_words[f];
        for (size_t i = 0; i < accepts->n; i++)
            put_pairs(file, &set, accepts->rules[i], (enum family)f);
        if (!set.n) continue;
        str name = str_format(file->arena, "pairs_%zu_%s", number, words->suffix);
        buf_format(&file->sets, "    set %.*s {\n        type %s . %s\n        flags %s\n",
                   STR_ARG(name), words->type, words->type,
                   set.expire ? "interval,timeout" : "interval");
        buf_str(&file->sets, S("        elements = {\n"));
        buf_str(&file->sets, buf_text(&set.elements));
        buf_str(&file->sets, S("        }\n    }\n"));
        struct buf *out = chain_of(file, rule);
        if (!said)
            buf_format(out, "        # why: %zu approvals, each with its pairs of addresses\n",
                       accepts->n);
        said = true;
        buf_format(out, "        %s %s . %s %s @%.*s ", words->header, inbound ? "daddr" : "saddr",
                   words->header, inbound ? "saddr" : "daddr", STR_ARG(name));
        put_ports(out, rule);
        buf_str(out, S(" counter accept"));
        put_comment(file, rule);
    }
}

static void put_accepts(struct table_file *file, struct ruleset rules)
{
    struct first_match_stops pairs = {0};
    for (size_t i = 0; i < rules.n; i++)
        if (is_paired(&rules.rules[i], file->arena))
            first_match_add(&pairs, file->arena, &rules.rules[i], 0, false);
    for (size_t i = 0, number = 0; i < pairs.n; i++) {
        if (pairs.items[i].n < PAIRS_FROM) continue;
        put_paired(file, &pairs.items[i], ++number);
        for (size_t j = 0; j < pairs.items[i].n; j++)
            file->paired[pairs.items[i].rules[j] - rules.rules] = true;
    }
    for (size_t i = 0; i < rules.n; i++)
        if (rules.rules[i].action == ACTION_ALLOW && !file->paired[i])
            put_accept(file, &rules.rules[i]);
}

static str host_file(const struct bundles *bundles, const struct host_class *class,
                     const struct target_header *header, struct arena *arena)
{
    struct table_file file = file_in(arena, false);
    struct ruleset rules = first_match_rules(class->rules, arena);
    struct buf out = buf_in(arena);
    struct arena scratch = arena_open("nftables", 0, NULL);
    file.paired = arena_array(arena, bool, rules.n + 1);
    file.as_of_us = header->as_of_us;
    file.expiry = expiry_of(bundles->resolved, &class->members, arena, scratch);
    file.rings = log_prefix_rings(bundles->resolved, class->members, arena);
    arena_close(&scratch);
    put_accepts(&file, rules);
    put_stops(&file, rules);

    put_header(&out, arena, header, S("host rules, profile domain; loading again replaces"));
    put_remark(&out, arena, "host class", class->id);
    for (size_t i = 0; i < class->n_machine_names; i++)
        put_remark(&out, arena, "machine", class->machine_names[i]);
    put_members(&out, arena, "member", class->members);
    put_timeout_remark(&out, &file);
    put_replacement(&out, S("sallyport"));
    buf_str(&out, S("table inet sallyport {\n"));
    buf_str(&out, buf_text(&file.sets));
    put_chain(&out, "input", &file.chains[0], true);
    put_chain(&out, "output", &file.chains[1], true);
    buf_str(&out, S("}\n"));
    return buf_text(&out);
}

static str border_file(const struct bundles *bundles, const struct border_rules *border, str table,
                       const struct target_header *header, struct arena *arena)
{
    struct table_file file = file_in(arena, true);
    struct ruleset rules = first_match_rules(border->rules, arena);
    struct buf out = buf_in(arena);
    str title = S("forward rules of a border, for its router; loading again replaces");
    struct arena scratch = arena_open("nftables", 0, NULL);
    file.paired = arena_array(arena, bool, rules.n + 1);
    file.as_of_us = header->as_of_us;
    file.expiry = expiry_of(bundles->resolved, NULL, arena, scratch);
    arena_close(&scratch);
    put_accepts(&file, rules);
    put_stops(&file, rules);

    put_header(&out, arena, header, title);
    put_remark(&out, arena, "border", border->border->name);
    put_timeout_remark(&out, &file);
    put_replacement(&out, table);
    buf_format(&out, "table inet %.*s {\n", STR_ARG(table));
    buf_str(&out, buf_text(&file.sets));
    put_chain(&out, "forward", &file.chains[0], false);
    buf_str(&out, S("}\n"));
    return buf_text(&out);
}

static str rollback_file(str table, const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    put_header(&out, arena, header, S("rollback; removes the table, and with it every rule of it"));
    put_replacement(&out, table);
    return buf_text(&out);
}

static bool expressible(const struct bundles *bundles, struct err *err)
{
    for (size_t i = 0; i < bundles->n_classes; i++)
        for (size_t j = 0; j < bundles->classes[i].rules.n; j++)
            if (!target_expresses(&nftables_target, &bundles->classes[i].rules.rules[j], err))
                return false;
    for (size_t i = 0; i < bundles->n_borders; i++)
        for (size_t j = 0; j < bundles->borders[i].rules.n; j++)
            if (!target_expresses(&nftables_target, &bundles->borders[i].rules.rules[j], err))
                return false;
    return true;
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
                            .path = str_format(arena, "%.*s.nft", STR_ARG(class->id)),
                            .content = host_file(bundles, class, header, arena),
                            .executable = true,
                            .host_class = class,
                        });
    }
    /* Every host's table has the same name, so one rollback serves all. */
    target_add_file(&files, arena,
                    (struct target_file){
                        .path = S("rollback.nft"),
                        .content = rollback_file(S("sallyport"), header, arena),
                        .executable = true,
                        .kind = TARGET_FILE_ROLLBACK,
                    });
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        str table = str_format(arena, "sallyport-border-%.*s", STR_ARG(word));
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s.nft", STR_ARG(word)),
                            .content = border_file(bundles, border, table, header, arena),
                            .executable = true,
                            .border = border,
                        });
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s-rollback.nft", STR_ARG(word)),
                            .content = rollback_file(table, header, arena),
                            .executable = true,
                            .kind = TARGET_FILE_ROLLBACK,
                            .border = border,
                        });
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)workspace; /* a machine has one table of ours, whatever the workspace */
    if (!border_word.len) return S("inet sallyport");
    return str_format(arena, "inet sallyport-border-%.*s", STR_ARG(border_word));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

const struct target nftables_target = {
    .name = T("nftables"),
    .summary = T("nftables files for Linux hosts, and for routers at enforced borders"),
    .engine = ENGINE_NFTABLES,
    .holds = TARGET_EXPIRES,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("network profiles (its host files are those of profile domain) and "
                "allow-if-secure"),
    .borders = true,
    .load =
        T("`nft --check --file CLASS.nft`, then without `--check`; `rollback.nft` removes the "
          "table. A border's file is for the router in front of it, with a rollback of its own"),
    .decides = T("the first rule of a chain that matches; a drop is final whatever other tables "
                 "say, an accept "
                 "ends its own table only"),
    .hosts = true,
    .emit = emit,
    .read = nftables_read,
    .group = group,
    .read_rollback = nftables_read_rollback,
    .recognise = nftables_read_recognise,
};
