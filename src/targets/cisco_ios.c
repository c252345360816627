/* SPDX-License-Identifier: Apache-2.0 */
/* Cisco IOS and IOS XE: for each enforced border one file with four named access lists, IPv4 and
 * IPv6, outbound and inbound, each replacing its predecessor whole. A list stands alone: what does
 * not cross the border is permitted first, then what is approved, then the rest of the governed
 * ports is denied and logged, and its last line permits everything else. Entries name prefixes by
 * wildcard masks, so a rule is as many entries as it has ports, inside and outside prefixes; a
 * border has some dozens. The reader is cisco_ios_read.c; it shares nothing with this file.
 */
#include "rules/universe.h"
#include "targets/acl_lines.h"
#include "targets/cisco_ios_read.h"
#include "targets/doubts.h"

enum {
    REMARK_BYTES = 100, /* of one remark, without the word itself */
    WHY_BYTES = 900,    /* of all remarks of a rule; the whole reason is in RULES.md */
    ID_BYTES = 80,
};

extern const struct target cisco_ios_target;

/* One of the four lists. */
struct list {
    struct arena *arena;
    struct buf out;
    enum direction direction;
    bool v4;
    size_t n_rules;
};

static const struct list_words {
    const char *suffix, *define, *apply, *way;
    enum direction direction;
    bool v4;
} lists[] = {
    {"OUT",  "ip access-list extended", "ip access-group",     "in",  DIRECTION_OUTBOUND, true },
    {"OUT6", "ipv6 access-list",        "ipv6 traffic-filter", "in",  DIRECTION_OUTBOUND, false},
    {"IN",   "ip access-list extended", "ip access-group",     "out", DIRECTION_INBOUND,  true },
    {"IN6",  "ipv6 access-list",        "ipv6 traffic-filter", "out", DIRECTION_INBOUND,  false},
};

/* ---- Entries ------------------------------------------------------------------------------------
 */

static void put_prefix(struct buf *out, struct prefix p)
{
    unsigned length = prefix_text_length(p);
    bool v4 = addr_is_v4(p.addr);
    if (p.len == 128) buf_str(out, S("host "));
    addr_print(out, p.addr);
    if (p.len == 128) return;
    if (!v4) {
        buf_format(out, "/%u", length);
        return;
    }
    buf_char(out, ' ');
    addr_print(out, addr_v4(UINT32_MAX >> length));
}

static void put_remark(struct list *list, const char *label, str text)
{
    str left = acl_lines_plain(list->arena, text, WHY_BYTES);
    const char *said = label;
    do {
        str piece = acl_lines_cut(left, REMARK_BYTES - strlen(said) - 2, &left);
        buf_format(&list->out, " remark %s %.*s\n", said, STR_ARG(piece));
        said = "+";
    } while (left.len);
}

/* The ends as a packet has them: source, then destination. */
static void put_ends(struct list *list, const struct prefix *local, const struct prefix *remote)
{
    struct buf *out = &list->out;
    const struct prefix *ends[2] = {local, remote};
    for (unsigned i = 0; i < 2; i++) {
        const struct prefix *end = ends[list->direction == DIRECTION_OUTBOUND ? i : 1 - i];
        buf_char(out, ' ');
        if (end)
            put_prefix(out, *end);
        else
            buf_str(out, S("any"));
    }
}

static void put_entry(struct list *list, const struct acl_line *line, struct service_port port,
                      const struct prefix *local, const struct prefix *remote)
{
    struct buf *out = &list->out;
    bool denies = line->rule->action == ACTION_BLOCK;
    buf_format(out, " %s %s", denies ? "deny" : "permit",
               line->rule->transport == TRANSPORT_TCP ? "tcp" : "udp");
    put_ends(list, local, remote);
    if (port.first == port.last)
        buf_format(out, " eq %u", (unsigned)port.first);
    else
        buf_format(out, " range %u %u", (unsigned)port.first, (unsigned)port.last);
    buf_str(out, denies ? S(" log\n") : S("\n"));
}

/* The number of the rule keeps ids apart that were cut. */
static void put_rule(struct list *list, const struct acl_line *line)
{
    size_t n_local, n_remote = 1;
    struct prefix *local = prefix_set_prefixes(list->arena, line->local, &n_local), *remote = NULL;
    if (!line->any_remote) remote = prefix_set_prefixes(list->arena, line->remote, &n_remote);
    str id = line->rule->id;
    list->n_rules++;
    if (id.len > ID_BYTES)
        id = str_format(list->arena, "%.*s-%zu", STR_ARG(str_head(id, ID_BYTES)), list->n_rules);
    put_remark(list, "rule:", id);
    put_remark(list, "why:", line->rule->why);
    for (size_t p = 0; p < line->rule->n_ports; p++)
        for (size_t l = 0; l < n_local; l++)
            for (size_t r = 0; r < n_remote; r++)
                put_entry(list, line, line->rule->ports[p], &local[l], remote ? &remote[r] : NULL);
}

static const char *everything(const struct list *list)
{
    return list->v4 ? "ip" : "ipv6";
}

/* An entry that says "any" is about the outside alone. */
static void put_not_across(struct list *list, struct prefix_set not_outside)
{
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(list->arena, not_outside, &n);
    if (n)
        put_remark(list, "note:",
                   list->direction == DIRECTION_OUTBOUND
                       ? S("what does not leave is nobody's business here")
                       : S("what does not come from outside is nobody's business here"));
    for (size_t i = 0; i < n; i++) {
        buf_format(&list->out, " permit %s", everything(list));
        put_ends(list, NULL, &prefixes[i]);
        buf_char(&list->out, '\n');
    }
}

static str list_text(const struct list_words *words, struct ruleset rules, struct arena *arena)
{
    struct list list = {arena, buf_in(arena), words->direction, words->v4, 0};
    struct acl_lines lines =
        acl_lines_of(rules, words->direction, words->v4 ? ACL_LINES_V4 : ACL_LINES_V6, arena);
    if (acl_lines_meet_replies(&lines)) {
        put_remark(&list, "note:", S("replies of sessions that were let through"));
        buf_str(&list.out, S(" permit tcp any any established\n"));
    }
    put_not_across(&list, lines.not_outside);
    for (size_t i = 0; i < lines.n; i++)
        put_rule(&list, &lines.items[i]);
    put_remark(&list, "note:", S("all that is left is decided elsewhere"));
    buf_format(&list.out, " permit %s any any\n", everything(&list));
    return buf_text(&list.out);
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static str prefix_of_border(str word, struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("SALLYPORT-"));
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        buf_char(&out, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
    }
    return buf_text(&out);
}

/* At the inside, where a router that translates addresses still has, or has again, the real ones:
 * it translates what leaves before it asks the list of the interface outside. */
static void put_interface(struct buf *out, str prefix, const char *no)
{
    buf_str(out, S("! interface (each one that leads inside)\n"));
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        buf_format(out, "!  %s%s %.*s-%s %s\n", no, lists[i].apply, STR_ARG(prefix),
                   lists[i].suffix, lists[i].way);
}

static void put_replacement(struct buf *out, const struct list_words *words, str prefix)
{
    buf_format(out, "no %s %.*s-%s\n", words->define, STR_ARG(prefix), words->suffix);
}

static str rules_file(const struct bundles *bundles, size_t index,
                      const struct target_header *header, str prefix, struct arena *arena)
{
    struct buf out = buf_in(arena);
    const struct border_rules *border = &bundles->borders[index];
    str what = str_format(arena, "border %.*s, IPv4 and IPv6, both directions",
                          STR_ARG(border->border->name));
    acl_lines_header(&out, "!", S("cisco-ios"), what, bundles, header, arena);
    buf_str(
        &out,
        S("! Loading replaces the lists of an older file. A list that is applied denies all that "
          "it does\n! not permit yet while it is being read: take the lists off first, or load "
          "the file from flash\n! (copy flash:FILE running-config). Then put them on:\n"));
    put_interface(&out, prefix, "");
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        buf_str(&out, S("!\n"));
        put_replacement(&out, &lists[i], prefix);
        buf_format(&out, "%s %.*s-%s\n", lists[i].define, STR_ARG(prefix), lists[i].suffix);
        buf_str(&out, list_text(&lists[i], border->rules, arena));
    }
    return buf_text(&out);
}

static str rollback_file(const struct bundles *bundles, size_t index,
                         const struct target_header *header, str prefix, struct arena *arena)
{
    struct buf out = buf_in(arena);
    str what = str_format(arena, "rollback of border %.*s: removes its lists",
                          STR_ARG(bundles->borders[index].border->name));
    acl_lines_header(&out, "!", S("cisco-ios"), what, bundles, header, arena);
    buf_str(&out, S("! Take the lists off first:\n"));
    put_interface(&out, prefix, "no ");
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        put_replacement(&out, &lists[i], prefix);
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&cisco_ios_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        str word = target_border_word(bundles, i, arena);
        str prefix = prefix_of_border(word, arena);
        struct target_file file = {
            .path = str_format(arena, "border-%.*s.cfg", STR_ARG(word)),
            .content = rules_file(bundles, i, header, prefix, arena),
            .border = &bundles->borders[i],
        };
        target_add_file(&files, arena, file);
        file.path = str_format(arena, "border-%.*s-rollback.cfg", STR_ARG(word));
        file.content = rollback_file(bundles, i, header, prefix, arena);
        file.kind = TARGET_FILE_ROLLBACK;
        target_add_file(&files, arena, file);
    }
    *out = files;
    return true;
}

/* A router has one set of lists for each border, whatever the workspace. */
static str group(str workspace, str border_word, struct arena *arena)
{
    (void)workspace;
    return prefix_of_border(border_word, arena);
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt doubts[] = {
    {T("cisco-ios-remarks"),    0,
     T("That a remark holds 100 characters and a list's name 64 on every release was not seen on a "
       "device. Longer text is split, names are kept below.")                 },
    {T("cisco-ios-empty-list"), 0,
     T("A list that is applied but does not exist is taken to permit everything, one that has its "
       "first entry to deny all else. Load the file while the lists are off.")},
    {{0},                       0, {0}                                        },
};

const struct target cisco_ios_target = {
    .name = T("cisco-ios"),
    .summary = T("named access lists for Cisco IOS and IOS XE routers at enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_PERMITTED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("allow-if-secure (a router cannot see IPsec: at a border it passes), programs, and "
                "replies: a list judges every packet by its destination port, so answers to UDP "
                "clients that use a governed port themselves meet the list of the other direction"),
    .load = T("Load border-NAME.cfg from flash while its lists are off the interfaces, then put "
              "them on as its head says; border-NAME-rollback.cfg removes them"),
    .decides = T("the first entry of a list that matches; the last one permits what is left"),
    .doubts = doubts,
    .borders = true,
    .emit = emit,
    .read = cisco_ios_read,
    .group = group,
    .read_rollback = cisco_ios_read_rollback,
    .recognise = cisco_ios_read_recognise,
};
