/* SPDX-License-Identifier: Apache-2.0 */
/* PAN-OS (9.1 and later): one file of configuration commands for each enforced border, to be pasted
 * or loaded in configuration mode. Addresses are objects and static groups, ports are services; a
 * security rule names one group at either end and any zone, since the addresses say what crosses.
 * Rules are judged from the top, the first match decides, so they are moved there.
 *
 * A policy's IPv4 addresses are looked up as ::a.b.c.d (PAN-OS admin guide, "Policy": "the set of
 * IPv4 addresses is treated as a subset of the set of IPv6 addresses"), so an IPv6 object that
 * holds part of ::/96 would match IPv4 packets: it is left out of every rule, and each rule is of
 * one family. The reader is panos_rules_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "targets/acl_lines.h"
#include "targets/edge_objects.h"
#include "targets/panos_rules_read.h"
#include "targets/target.h"

enum {
    MEMBERS = 500,            /* of a group; platforms hold 500 and more */
    MEMBERS_IN_A_LINE = 50,   /* what is pasted goes through a terminal's line buffer */
    DESCRIPTION_BYTES = 1000, /* of 1024 */
    REMARK_BYTES = 900,
};

extern const struct target panos_rules_target;

#define V4(a, b, c, d)                                                                             \
    {                                                                                              \
        0, UINT64_C(0x0000FFFF00000000) | (UINT64_C(a) << 24 | (b) << 16 | (c) << 8 | (d))         \
    }

/* Every peer (rules/universe.c) but ::/96. */
static const struct range ranges[] = {
    {{0, UINT64_C(0x100000000)}, {0, UINT64_C(0x0000FFFEFFFFFFFF)}},
    {V4(0,                       0,                                 0, 1), V4(126, 255, 255, 255)},
    {V4(128,                        0,                                                   0, 0), V4(223, 255, 255, 255)},
    {V4(240,                       0,                                                    0, 0), V4(255, 255, 255, 254)},
    {{0, UINT64_C(0x0001000000000000)},                     {UINT64_C(0xFEFFFFFFFFFFFFFF), UINT64_MAX}                             },
};
static const struct prefix_set peers = {ranges, COUNT_OF(ranges)};

struct border_file {
    struct arena *arena;
    str prefix; /* of every name */
    struct edge_lines lines;
    struct edge_objects objects;
    size_t *local, *remote, *service; /* per line: numbers of objects */
};

/* ---- Objects ------------------------------------------------------------------------------------
 */

static void put_addresses(struct buf *out, const struct border_file *file)
{
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < file->objects.n_ranges; i++) {
        struct range r = file->objects.ranges[i];
        size_t n;
        struct prefix *p = prefix_set_prefixes(file->arena, (struct prefix_set){&r, 1}, &n);
        buf_format(out, "set address %.*s-a%zu ", STR_ARG(file->prefix), i + 1);
        if (n == 1) {
            buf_format(out, "ip-netmask %.*s\n", STR_ARG(prefix_text(text, p[0])));
            continue;
        }
        buf_str(out, S("ip-range "));
        addr_print(out, r.first);
        buf_char(out, '-');
        addr_print(out, r.last);
        buf_char(out, '\n');
    }
}

static void put_groups(struct buf *out, const struct border_file *file)
{
    for (size_t i = 0; i < file->objects.n_groups; i++) {
        const struct edge_group *group = &file->objects.groups[i];
        for (size_t k = 0; k < group->n; k++) {
            if (k % MEMBERS_IN_A_LINE == 0)
                buf_format(out, "set address-group %.*s-g%zu static [", STR_ARG(file->prefix),
                           i + 1);
            buf_format(out, " %.*s-%c%zu", STR_ARG(file->prefix), group->nested ? 'g' : 'a',
                       group->members[k]);
            if ((k + 1) % MEMBERS_IN_A_LINE == 0 || k + 1 == group->n) buf_str(out, S(" ]\n"));
        }
    }
}

static void put_services(struct buf *out, const struct border_file *file)
{
    for (size_t i = 0; i < file->objects.n_services; i++) {
        const struct rule *rule = file->objects.services[i];
        buf_format(out, "set service %.*s-s%zu protocol %s port ", STR_ARG(file->prefix), i + 1,
                   rule->transport == TRANSPORT_TCP ? "tcp" : "udp");
        for (size_t k = 0; k < rule->n_ports; k++) {
            struct service_port p = rule->ports[k];
            buf_format(out, "%s%u", k ? "," : "", (unsigned)p.first);
            if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
        }
        buf_char(out, '\n');
    }
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

/* Which end is inside stands in the name alone: "...-i1", "...-o2". */
static void put_name(struct buf *out, const struct border_file *file, size_t index)
{
    bool outbound = file->lines.items[index].rule->direction == DIRECTION_OUTBOUND;
    buf_format(out, "%.*s-%c%zu", STR_ARG(file->prefix), outbound ? 'o' : 'i', index + 1);
}

static void put_rule(struct buf *out, const struct border_file *file, size_t index)
{
    const struct edge_line *line = &file->lines.items[index];
    bool outbound = line->rule->direction == DIRECTION_OUTBOUND;
    size_t source = outbound ? file->local[index] : file->remote[index];
    size_t destination = outbound ? file->remote[index] : file->local[index];
    str prefix = file->prefix;
    str text = str_format(file->arena, "%.*s-%s: %.*s", STR_ARG(line->rule->id),
                          line->v4 ? "v4" : "v6", STR_ARG(line->rule->why));
    buf_str(out, S("set rulebase security rules "));
    put_name(out, file, index);
    buf_format(out, " description \"%.*s\"\n",
               STR_ARG(acl_lines_plain(file->arena, text, DESCRIPTION_BYTES)));
    buf_str(out, S("set rulebase security rules "));
    put_name(out, file, index);
    buf_str(out, S(" from any to any"));
    buf_format(out, " source %.*s-g%zu destination %.*s-g%zu", STR_ARG(prefix), source,
               STR_ARG(prefix), destination);
    buf_format(out, " application any service %.*s-s%zu action %s log-end yes\n", STR_ARG(prefix),
               file->service[index], line->rule->action == ACTION_ALLOW ? "allow" : "drop");
}

/* The first is moved last, so that it stands above the others. */
static void put_moves(struct buf *out, const struct border_file *file)
{
    for (size_t i = file->lines.n; i > 0; i--) {
        buf_str(out, S("move rulebase security rules "));
        put_name(out, file, i - 1);
        buf_str(out, S(" top\n"));
    }
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static void put_remark(struct buf *out, struct arena *arena, const char *label, str text)
{
    if (!text.len) return;
    buf_format(out, "# %s: %.*s\n", label, STR_ARG(acl_lines_plain(arena, text, REMARK_BYTES)));
}

static void put_header(struct buf *out, struct arena *arena, const struct target_header *header,
                       const struct border_rules *border, str title)
{
    char as_of[INSTANT_TEXT];
    put_remark(out, arena, "sallyport", title);
    put_remark(out, arena, "organisation", header->organisation);
    put_remark(out, arena, "border", border->border->name);
    buf_format(out, "# policy: %.*s, SHA-256 %.*s\n",
               STR_ARG(acl_lines_plain(arena, header->policy_source, REMARK_BYTES)),
               STR_ARG(header->policy_sha256));
    buf_format(out, "# as of: %.*s\n", STR_ARG(instant_text(as_of, header->as_of_us)));
    put_remark(out, arena, "not held by this dialect", panos_rules_target.residue);
    buf_str(out, S("# dry run, changes nothing: paste into `configure`, then `validate full`, then "
                   "`revert config`\n"));
}

static struct border_file file_of(const struct border_rules *border, str prefix,
                                  struct arena *arena)
{
    struct border_file file = {.arena = arena, .prefix = prefix, .objects = {.most = MEMBERS}};
    file.lines = edge_objects_lines(border->rules, peers, arena);
    file.local = arena_array(arena, size_t, file.lines.n);
    file.remote = arena_array(arena, size_t, file.lines.n);
    file.service = arena_array(arena, size_t, file.lines.n);
    for (size_t i = 0; i < file.lines.n; i++) {
        const struct edge_line *line = &file.lines.items[i];
        file.local[i] = edge_objects_group(&file.objects, line->local, arena);
        file.remote[i] = edge_objects_group(&file.objects, line->remote, arena);
        file.service[i] = edge_objects_service(&file.objects, line->rule, arena);
    }
    return file;
}

static str rules_file(const struct border_file *file, const struct border_rules *border,
                      const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    put_header(&out, file->arena, header, border, S("security rules of a border"));
    buf_str(&out, S("# load the rollback of the file that was loaded before, then this, then "
                    "`commit` once\n"
                    "# rules hold between all zones; `from` and `to` may be narrowed to the zones "
                    "of this border\n"));
    put_addresses(&out, file);
    put_groups(&out, file);
    put_services(&out, file);
    for (size_t i = 0; i < file->lines.n; i++)
        put_rule(&out, file, i);
    put_moves(&out, file);
    return buf_text(&out);
}

/* What uses an object goes before it. */
static str rollback_file(const struct border_file *file, const struct border_rules *border,
                         const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    put_header(&out, file->arena, header, border,
               S("rollback; deletes the rules and objects of this border; commit once"));
    for (size_t i = 0; i < file->lines.n; i++) {
        buf_str(&out, S("delete rulebase security rules "));
        put_name(&out, file, i);
        buf_char(&out, '\n');
    }
    for (size_t i = 0; i < file->objects.n_services; i++)
        buf_format(&out, "delete service %.*s-s%zu\n", STR_ARG(file->prefix), i + 1);
    for (size_t i = file->objects.n_groups; i > 0; i--)
        buf_format(&out, "delete address-group %.*s-g%zu\n", STR_ARG(file->prefix), i);
    for (size_t i = 0; i < file->objects.n_ranges; i++)
        buf_format(&out, "delete address %.*s-a%zu\n", STR_ARG(file->prefix), i + 1);
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&panos_rules_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        struct border_file file =
            file_of(border, edge_objects_prefix(header->workspace, word, arena), arena);
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s.set", STR_ARG(word)),
                            .content = rules_file(&file, border, header),
                            .border = border,
                        });
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s-rollback.set", STR_ARG(word)),
                            .content = rollback_file(&file, border, header),
                            .kind = TARGET_FILE_ROLLBACK,
                            .border = border,
                        });
    }
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    return edge_objects_prefix(workspace, border_word, arena);
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt doubts[] = {
    {T("pan-os-members"),       0,
     T("That every platform holds 500 members in an address group, and as many "
       "objects as the file makes, was not seen on a device; `validate full` tells.")},
    {T("pan-os-open-sessions"), DOUBT_BLOCK,
     T("Whether sessions that are open are judged again at a commit depends on the setting to "
       "rematch sessions; its default was not checked.")                             },
    {{0},                       0,           {0}                                     },
};

const struct target panos_rules_target = {
    .name = T("pan-os"),
    .summary = T("PAN-OS configuration commands for Palo Alto Networks firewalls at enforced "
                 "borders"),
    .engine = ENGINE_ACL,
    .rest = REST_UNTOUCHED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &peers,
    .residue = T("IPv6 addresses of ::/96, since PAN-OS takes IPv4 addresses for those"),
    .cannot = T("host classes (it holds borders only) and allow-if-secure"),
    .borders = true,
    .decides = T("the first rule from the top, which is where they are moved; the accepts "
                 "stand before the drops; what no rule of ours names is decided by the rules "
                 "below"),
    .load = T("Paste border-*.set in configuration mode, after the rollback of the file that "
              "was loaded before, and commit once; border-*-rollback.set, committed, takes "
              "it back"),
    .doubts = doubts,
    .emit = emit,
    .read = panos_rules_read,
    .group = group,
    .read_rollback = panos_rules_read_rollback,
    .undoes = panos_rules_read_undoes,
    .recognise = panos_rules_read_recognise,
};
