/* SPDX-License-Identifier: Apache-2.0 */
/* Cisco ASA 9.0 and later: for each enforced border one file with its object groups and two
 * extended access lists, outbound and inbound, of both families. A list stands alone: what does not
 * cross the border is permitted first, then what is approved, then the rest of the governed ports
 * is denied and logged, and its last line permits everything else. Each set of addresses is one
 * group, however many entries name it; a cloud's prefixes make a group of some thousand members.
 * The reader is cisco_asa_read.c; it shares nothing with this file.
 */
#include "base/map.h"
#include "rules/universe.h"
#include "targets/acl_lines.h"
#include "targets/cisco_asa_read.h"
#include "targets/doubts.h"

enum {
    REMARK_BYTES = 100, /* of one remark, without the word itself */
    WHY_BYTES = 900,    /* of all remarks of a rule; the whole reason is in RULES.md */
    ID_BYTES = 80,
};

extern const struct target cisco_asa_target;

/* The file of one border in the making. */
struct file {
    struct arena *arena;
    str prefix;                        /* of every name: "SALLYPORT-SERVERS" */
    struct buf networks, services;     /* their groups */
    struct map network_of, service_of; /* content to number, from 1 */
    struct buf list;
    enum direction direction;
    str list_name;
    size_t n_rules; /* of the list */
};

/* ---- Groups -------------------------------------------------------------------------------------
 */

static void put_member(struct buf *out, struct prefix p)
{
    unsigned length = prefix_text_length(p);
    buf_str(out, p.len == 128 ? S(" network-object host ") : S(" network-object "));
    addr_print(out, p.addr);
    if (p.len < 128 && addr_is_v4(p.addr)) {
        buf_char(out, ' ');
        addr_print(out, addr_v4(~(UINT32_MAX >> length)));
    } else if (p.len < 128) {
        buf_format(out, "/%u", length);
    }
    buf_char(out, '\n');
}

/* The number of the group of these addresses, made when it is new. */
static size_t network_group(struct file *file, struct prefix_set set)
{
    bool fresh = false;
    str key = {(const char *)set.ranges, set.n * sizeof *set.ranges};
    size_t number =
        (size_t)*map_put(&file->network_of, file->arena, key, file->network_of.n + 1, &fresh);
    if (!fresh) return number;
    size_t n;
    const struct prefix *prefixes = prefix_set_prefixes(file->arena, set, &n);
    buf_format(&file->networks, "object-group network %.*s-N%zu\n", STR_ARG(file->prefix), number);
    for (size_t i = 0; i < n; i++)
        put_member(&file->networks, prefixes[i]);
    return number;
}

static void put_port(struct buf *out, struct service_port port)
{
    if (port.first == port.last)
        buf_format(out, "eq %u", (unsigned)port.first);
    else
        buf_format(out, "range %u %u", (unsigned)port.first, (unsigned)port.last);
}

static const char *protocol_of(const struct rule *rule)
{
    return rule->transport == TRANSPORT_TCP ? "tcp" : "udp";
}

static size_t service_group(struct file *file, const struct rule *rule)
{
    struct buf members = buf_in(file->arena);
    for (size_t i = 0; i < rule->n_ports; i++) {
        buf_str(&members, S(" port-object "));
        put_port(&members, rule->ports[i]);
        buf_char(&members, '\n');
    }
    str key = str_format(file->arena, "%s\n%.*s", protocol_of(rule), STR_ARG(buf_text(&members)));
    bool fresh = false;
    size_t number =
        (size_t)*map_put(&file->service_of, file->arena, key, file->service_of.n + 1, &fresh);
    if (!fresh) return number;
    buf_format(&file->services, "object-group service %.*s-S%zu %s\n", STR_ARG(file->prefix),
               number, protocol_of(rule));
    buf_str(&file->services, buf_text(&members));
    return number;
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

static void put_remark(struct file *file, const char *label, str text)
{
    str left = acl_lines_plain(file->arena, text, WHY_BYTES);
    const char *said = label;
    do {
        str piece = acl_lines_cut(left, REMARK_BYTES - strlen(said) - 2, &left);
        buf_format(&file->list, "access-list %.*s remark %s %.*s\n", STR_ARG(file->list_name), said,
                   STR_ARG(piece));
        said = "+";
    } while (left.len);
}

/* The ends as a packet has them, source first; NULL = any. */
static void put_ends(struct file *file, const struct prefix_set *local,
                     const struct prefix_set *remote)
{
    const struct prefix_set *ends[2] = {local, remote};
    for (unsigned i = 0; i < 2; i++) {
        const struct prefix_set *end = ends[file->direction == DIRECTION_OUTBOUND ? i : 1 - i];
        if (end)
            buf_format(&file->list, " object-group %.*s-N%zu", STR_ARG(file->prefix),
                       network_group(file, *end));
        else
            buf_str(&file->list, S(" any"));
    }
}

static void put_entry(struct file *file, const struct acl_line *line)
{
    const struct rule *rule = line->rule;
    bool denies = rule->action == ACTION_BLOCK;
    str id = rule->id;
    file->n_rules++;
    /* The number keeps ids apart that were cut. */
    if (id.len > ID_BYTES)
        id = str_format(file->arena, "%.*s-%zu", STR_ARG(str_head(id, ID_BYTES)), file->n_rules);
    put_remark(file, "rule:", id);
    put_remark(file, "why:", rule->why);
    buf_format(&file->list, "access-list %.*s extended %s %s", STR_ARG(file->list_name),
               denies ? "deny" : "permit", protocol_of(rule));
    put_ends(file, &line->local, line->any_remote ? NULL : &line->remote);
    buf_char(&file->list, ' ');
    if (rule->n_ports == 1)
        put_port(&file->list, rule->ports[0]);
    else
        buf_format(&file->list, "object-group %.*s-S%zu", STR_ARG(file->prefix),
                   service_group(file, rule));
    buf_str(&file->list, denies ? S(" log\n") : S("\n"));
}

static void put_list(struct file *file, struct ruleset rules, enum direction direction)
{
    struct acl_lines lines = acl_lines_of(rules, direction, ACL_LINES_BOTH, file->arena);
    bool outbound = direction == DIRECTION_OUTBOUND;
    file->direction = direction;
    file->n_rules = 0;
    file->list_name =
        str_format(file->arena, "%.*s-%s", STR_ARG(file->prefix), outbound ? "OUT" : "IN");
    if (lines.not_outside.n) {
        put_remark(file, "note:",
                   outbound ? S("what does not leave is nobody's business here")
                            : S("what does not come from outside is nobody's business here"));
        buf_format(&file->list, "access-list %.*s extended permit ip", STR_ARG(file->list_name));
        put_ends(file, NULL, &lines.not_outside);
        buf_char(&file->list, '\n');
    }
    for (size_t i = 0; i < lines.n; i++)
        put_entry(file, &lines.items[i]);
    put_remark(file, "note:", S("all that is left is decided elsewhere"));
    buf_format(&file->list, "access-list %.*s extended permit ip any any\n",
               STR_ARG(file->list_name));
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

/* "OUT" at the interface that a flow leaves by composes with the lists that are there: most are
 * "in", and a packet has to pass both. */
static void put_interface(struct buf *out, str prefix, const char *no)
{
    buf_format(out,
               "! %saccess-group %.*s-OUT out interface OUTSIDE\n"
               "! %saccess-group %.*s-IN out interface INSIDE\n",
               no, STR_ARG(prefix), no, STR_ARG(prefix));
}

/* Lists before the groups that they name. */
static void put_removal(struct buf *out, const struct file *file)
{
    buf_format(out, "clear configure access-list %.*s-OUT\nclear configure access-list %.*s-IN\n",
               STR_ARG(file->prefix), STR_ARG(file->prefix));
    for (size_t i = 1; i <= file->network_of.n; i++)
        buf_format(out, "no object-group network %.*s-N%zu\n", STR_ARG(file->prefix), i);
    for (size_t i = 1; i <= file->service_of.n; i++)
        buf_format(out, "no object-group service %.*s-S%zu\n", STR_ARG(file->prefix), i);
}

static str rules_file(const struct bundles *bundles, size_t index, const struct file *file,
                      const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    str what = str_format(file->arena, "border %.*s, IPv4 and IPv6, both directions",
                          STR_ARG(bundles->borders[index].border->name));
    acl_lines_header(&out, "!", S("cisco-asa"), what, bundles, header, file->arena);
    buf_str(&out,
            S("! Loading replaces the lists of an older file, which takes them off their "
              "interfaces. Then put them\n! on, where OUTSIDE and INSIDE are your interfaces on "
              "either side, for each of them:\n"));
    put_interface(&out, file->prefix, "");
    put_removal(&out, file);
    buf_str(&out, buf_text(&file->networks));
    buf_str(&out, buf_text(&file->services));
    buf_str(&out, buf_text(&file->list));
    return buf_text(&out);
}

static str rollback_file(const struct bundles *bundles, size_t index, const struct file *file,
                         const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    str what = str_format(file->arena, "rollback of border %.*s: removes its lists and groups",
                          STR_ARG(bundles->borders[index].border->name));
    acl_lines_header(&out, "!", S("cisco-asa"), what, bundles, header, file->arena);
    buf_str(&out, S("! Take the lists off first:\n"));
    put_interface(&out, file->prefix, "no ");
    put_removal(&out, file);
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&cisco_asa_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        struct file file = {
            .arena = arena,
            .prefix = prefix_of_border(word, arena),
            .networks = buf_in(arena),
            .services = buf_in(arena),
            .list = buf_in(arena),
        };
        put_list(&file, border->rules, DIRECTION_OUTBOUND);
        put_list(&file, border->rules, DIRECTION_INBOUND);
        struct target_file made = {
            .path = str_format(arena, "border-%.*s.cfg", STR_ARG(word)),
            .content = rules_file(bundles, i, &file, header),
            .border = border,
        };
        target_add_file(&files, arena, made);
        made.path = str_format(arena, "border-%.*s-rollback.cfg", STR_ARG(word));
        made.content = rollback_file(bundles, i, &file, header);
        made.kind = TARGET_FILE_ROLLBACK;
        target_add_file(&files, arena, made);
    }
    *out = files;
    return true;
}

/* A firewall has one pair of lists for each border, whatever the workspace. */
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
    {T("cisco-asa-cleared-list"),  0,
     T("That removing a list takes it off its interfaces was not seen on a device of every "
       "release. "
       "Put both lists on again after loading, and look at show run access-group.")},
    {T("cisco-asa-open-sessions"), DOUBT_BLOCK,
     T("A session that is open when the lists are put on is taken to stay until it ends or is "
       "cleared (clear conn).")                                                    },
    {T("cisco-asa-absent"),        0,
     T("Removing a list or group that does not exist is taken to be refused without harm to the "
       "rest of the file.")                                                        },
    {{0},                          0,           {0}                                },
};

const struct target cisco_asa_target = {
    .name = T("cisco-asa"),
    .summary = T("object groups and access lists for Cisco ASA firewalls at enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_PERMITTED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot =
        T("allow-if-secure (a firewall cannot see IPsec: at a border it passes) and programs"),
    .load = T("Load border-NAME.cfg, then put its lists on the interfaces as its head says; "
              "border-NAME-rollback.cfg removes lists and groups"),
    .decides = T("the first entry of a list that matches; the last one permits what is left, and "
                 "the lists of other interfaces still decide"),
    .doubts = doubts,
    .borders = true,
    .emit = emit,
    .read = cisco_asa_read,
    .group = group,
    .read_rollback = cisco_asa_read_rollback,
    .undoes = cisco_asa_read_undoes,
    .recognise = cisco_asa_read_recognise,
};
