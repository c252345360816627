/* SPDX-License-Identifier: Apache-2.0 */
/* FortiGate (FortiOS 6.4 and later, where IPv4 and IPv6 share one table of policies): one script of
 * CLI commands for each enforced border. Addresses are objects and groups, ports are services; a
 * policy names one group at either end and any interface, since the addresses say what crosses.
 * Both ends of a policy are of one family ("The IP version of the sources and destinations in a
 * policy must match", FortiOS 6.4.0 new features). The first match from the top decides, so the
 * policies have to be moved there, and only the admin knows what stands first: FIRST stands for it.
 * The reader is fortigate_rules_read.c; it shares nothing with this file.
 */
#include "base/instant.h"
#include "rules/universe.h"
#include "targets/acl_lines.h"
#include "targets/edge_objects.h"
#include "targets/fortigate_rules_read.h"
#include "targets/target.h"

enum {
    MEMBERS = 250,          /* of a group; the smallest models hold 300 */
    MEMBERS_IN_A_LINE = 20, /* lines of the CLI are bounded */
    COMMENT_BYTES = 1000,   /* of 1023 */
    REMARK_BYTES = 900,
    POLICIES = 3000, /* of one border: the ids that are kept for it */
};

extern const struct target fortigate_rules_target;

struct border_file {
    struct arena *arena;
    str prefix; /* of every name */
    uint64_t first_id;
    struct edge_lines lines;
    struct edge_objects objects;
    size_t *local, *remote, *service; /* per line: numbers of objects */
};

/* ---- Objects ------------------------------------------------------------------------------------
 */

static void put_mask(struct buf *out, unsigned length)
{
    uint32_t mask = length ? UINT32_MAX << (32 - length) : 0;
    addr_print(out, addr_v4(mask));
}

static void put_address(struct buf *out, struct border_file *file, struct range r)
{
    char text[PREFIX_TEXT];
    size_t n;
    struct prefix *p = prefix_set_prefixes(file->arena, (struct prefix_set){&r, 1}, &n);
    bool v4 = addr_is_v4(r.first);
    if (n == 1 && v4) {
        buf_str(out, S("        set subnet "));
        addr_print(out, r.first);
        buf_char(out, ' ');
        put_mask(out, prefix_text_length(p[0]));
        buf_char(out, '\n');
    } else if (n == 1) {
        buf_format(out, "        set ip6 %.*s\n", STR_ARG(prefix_text(text, p[0])));
    } else {
        buf_str(out, S("        set type iprange\n        set start-ip "));
        addr_print(out, r.first);
        buf_str(out, S("\n        set end-ip "));
        addr_print(out, r.last);
        buf_char(out, '\n');
    }
}

static void put_addresses(struct buf *out, struct border_file *file, bool v4)
{
    buf_format(out, "config firewall %s\n", v4 ? "address" : "address6");
    for (size_t i = 0; i < file->objects.n_ranges; i++) {
        struct range r = file->objects.ranges[i];
        if (addr_is_v4(r.first) != v4) continue;
        buf_format(out, "    edit \"%.*s-a%zu\"\n", STR_ARG(file->prefix), i + 1);
        put_address(out, file, r);
        buf_str(out, S("    next\n"));
    }
    buf_str(out, S("end\n"));
}

static void put_groups(struct buf *out, const struct border_file *file, bool v4)
{
    buf_format(out, "config firewall %s\n", v4 ? "addrgrp" : "addrgrp6");
    for (size_t i = 0; i < file->objects.n_groups; i++) {
        const struct edge_group *group = &file->objects.groups[i];
        if (group->v4 != v4) continue;
        buf_format(out, "    edit \"%.*s-g%zu\"", STR_ARG(file->prefix), i + 1);
        for (size_t k = 0; k < group->n; k++) {
            if (k % MEMBERS_IN_A_LINE == 0)
                buf_format(out, "\n        %s member", k ? "append" : "set");
            buf_format(out, " \"%.*s-%c%zu\"", STR_ARG(file->prefix), group->nested ? 'g' : 'a',
                       group->members[k]);
        }
        buf_str(out, S("\n    next\n"));
    }
    buf_str(out, S("end\n"));
}

static void put_services(struct buf *out, const struct border_file *file)
{
    buf_str(out, S("config firewall service custom\n"));
    for (size_t i = 0; i < file->objects.n_services; i++) {
        const struct rule *rule = file->objects.services[i];
        buf_format(out, "    edit \"%.*s-s%zu\"\n        set %s-portrange", STR_ARG(file->prefix),
                   i + 1, rule->transport == TRANSPORT_TCP ? "tcp" : "udp");
        for (size_t k = 0; k < rule->n_ports; k++) {
            struct service_port p = rule->ports[k];
            buf_format(out, " %u", (unsigned)p.first);
            if (p.last != p.first) buf_format(out, "-%u", (unsigned)p.last);
        }
        buf_str(out, S("\n    next\n"));
    }
    buf_str(out, S("end\n"));
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

/* Which end is inside stands in the name alone: "...-i1", "...-o2". */
static void put_policy(struct buf *out, const struct border_file *file, size_t index)
{
    const struct edge_line *line = &file->lines.items[index];
    bool outbound = line->rule->direction == DIRECTION_OUTBOUND;
    bool accepts = line->rule->action == ACTION_ALLOW;
    size_t source = outbound ? file->local[index] : file->remote[index];
    size_t destination = outbound ? file->remote[index] : file->local[index];
    const char *six = line->v4 ? "" : "6";
    str text = str_format(file->arena, "%.*s-%s: %.*s", STR_ARG(line->rule->id),
                          line->v4 ? "v4" : "v6", STR_ARG(line->rule->why));
    buf_format(out, "    edit %" PRIu64 "\n        set name \"%.*s-%c%zu\"\n",
               file->first_id + index, STR_ARG(file->prefix), outbound ? 'o' : 'i', index + 1);
    buf_str(out, S("        set srcintf \"any\"\n        set dstintf \"any\"\n"));
    buf_format(out, "        set srcaddr%s \"%.*s-g%zu\"\n", six, STR_ARG(file->prefix), source);
    buf_format(out, "        set dstaddr%s \"%.*s-g%zu\"\n", six, STR_ARG(file->prefix),
               destination);
    buf_format(out, "        set action %s\n", accepts ? "accept" : "deny");
    /* A deny passes over what a virtual IP has translated, unless it is told not to. */
    if (!accepts && line->v4) buf_str(out, S("        set match-vip enable\n"));
    buf_format(out, "        set schedule \"always\"\n        set service \"%.*s-s%zu\"\n",
               STR_ARG(file->prefix), file->service[index]);
    buf_format(out, "        set logtraffic all\n        set comments \"%.*s\"\n    next\n",
               STR_ARG(acl_lines_plain(file->arena, text, COMMENT_BYTES)));
}

static void put_policies(struct buf *out, const struct border_file *file)
{
    buf_str(out, S("config firewall policy\n"));
    for (size_t i = 0; i < file->lines.n; i++)
        put_policy(out, file, i);
    for (size_t i = 0; i < file->lines.n; i++) {
        if (i)
            buf_format(out, "    move %" PRIu64 " after %" PRIu64 "\n", file->first_id + i,
                       file->first_id + i - 1);
        else
            buf_format(out, "    move %" PRIu64 " before FIRST\n", file->first_id);
    }
    buf_str(out, S("end\n"));
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
}

/* 3,000 ids for each border, told by the hash in its names: 1,000,000,000 and up to the largest. */
static uint64_t first_id(str prefix)
{
    uint64_t hash = 0;
    str digits = str_tail(prefix, prefix.len - 5);
    for (size_t i = 0; i < digits.len; i++) {
        char c = digits.ptr[i];
        hash = hash * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return UINT64_C(1000000000) + hash * POLICIES;
}

static struct border_file file_of(const struct border_rules *border, str prefix,
                                  struct arena *arena)
{
    struct border_file file = {
        .arena = arena,
        .prefix = prefix,
        .first_id = first_id(prefix),
        .lines = edge_objects_lines(border->rules, universe_peers, arena),
        .objects = {.most = MEMBERS},
    };
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

static str rules_file(struct border_file *file, const struct border_rules *border,
                      const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    put_header(&out, file->arena, header, border, S("policies of a border"));
    buf_str(&out, S("# before loading: load the rollback of the file that was loaded before, and "
                    "replace FIRST near the end\n"
                    "# by the id of the policy that stands first then (`show firewall policy`)\n"
                    "# policies hold between all interfaces; srcintf and dstintf may be narrowed "
                    "to those of this border\n"));
    put_addresses(&out, file, true);
    put_addresses(&out, file, false);
    put_groups(&out, file, true);
    put_groups(&out, file, false);
    put_services(&out, file);
    put_policies(&out, file);
    return buf_text(&out);
}

static void put_group_deletions(struct buf *out, const struct border_file *file, bool v4)
{
    buf_format(out, "config firewall %s\n", v4 ? "addrgrp" : "addrgrp6");
    for (size_t i = file->objects.n_groups; i > 0; i--)
        if (file->objects.groups[i - 1].v4 == v4)
            buf_format(out, "    delete \"%.*s-g%zu\"\n", STR_ARG(file->prefix), i);
    buf_str(out, S("end\n"));
}

static void put_address_deletions(struct buf *out, const struct border_file *file, bool v4)
{
    buf_format(out, "config firewall %s\n", v4 ? "address" : "address6");
    for (size_t i = 0; i < file->objects.n_ranges; i++)
        if (addr_is_v4(file->objects.ranges[i].first) == v4)
            buf_format(out, "    delete \"%.*s-a%zu\"\n", STR_ARG(file->prefix), i + 1);
    buf_str(out, S("end\n"));
}

/* What uses an object goes before it. */
static str rollback_file(const struct border_file *file, const struct border_rules *border,
                         const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    put_header(&out, file->arena, header, border,
               S("rollback; deletes the policies and objects of this border"));
    buf_str(&out, S("config firewall policy\n"));
    for (size_t i = 0; i < file->lines.n; i++)
        buf_format(&out, "    delete %" PRIu64 "\n", file->first_id + i);
    buf_str(&out, S("end\nconfig firewall service custom\n"));
    for (size_t i = 0; i < file->objects.n_services; i++)
        buf_format(&out, "    delete \"%.*s-s%zu\"\n", STR_ARG(file->prefix), i + 1);
    buf_str(&out, S("end\n"));
    put_group_deletions(&out, file, true);
    put_group_deletions(&out, file, false);
    put_address_deletions(&out, file, true);
    put_address_deletions(&out, file, false);
    return buf_text(&out);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&fortigate_rules_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        struct border_file file =
            file_of(border, edge_objects_prefix(header->workspace, word, arena), arena);
        if (file.lines.n > POLICIES)
            return err_set(err, ERR_UNSUPPORTED,
                           "border %.*s: %zu policies cannot be expressed by target fortigate, "
                           "which keeps %d ids for a border; nothing is written",
                           STR_ARG(border->border->name), file.lines.n, (int)POLICIES);
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s.conf", STR_ARG(word)),
                            .content = rules_file(&file, border, header),
                            .border = border,
                        });
        target_add_file(&files, arena,
                        (struct target_file){
                            .path = str_format(arena, "border-%.*s-rollback.conf", STR_ARG(word)),
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
    {T("fortigate-members"),       0,
     T("That every model holds 250 members in an address group was not seen on a "
       "device.")                                  },
    {T("fortigate-match-vip"),     DOUBT_BLOCK,
     T("match-vip lets a deny hold for what a virtual IP has translated; that it does "
       "so for a policy with addresses of its own was not tried. Do not publish "
       "governed ports by virtual IPs.")           },
    {T("fortigate-reserved"),      DOUBT_BLOCK,
     T("Ranges of 0.0.0.0/8 and 240.0.0.0/4 are written as objects; a release that "
       "refuses them says so when the script runs, and the members are then missing "
       "from the group of the outside.")           },
    {T("fortigate-open-sessions"), DOUBT_BLOCK,
     T("Whether sessions that are open are judged again depends on firewall-session-dirty; "
       "check-all is taken for its default.")      },
    {{0},                          0,           {0}},
};

const struct target fortigate_rules_target = {
    .name = T("fortigate"),
    .summary = T("FortiGate CLI scripts (FortiOS 6.4 and later) for firewalls at enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_UNTOUCHED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("host classes (it holds borders only) and allow-if-secure"),
    .borders = true,
    .decides = T("the first policy from the top, which is where they are moved; the accepts "
                 "stand before the denies; what no policy of ours names is decided by the "
                 "policies below"),
    .load = T("Replace FIRST by the id of the policy that stands first, run border-*.conf as "
              "a script, after the rollback of the file that was loaded before; "
              "border-*-rollback.conf takes it back"),
    .doubts = doubts,
    .emit = emit,
    .read = fortigate_rules_read,
    .group = group,
    .read_rollback = fortigate_rules_read_rollback,
    .undoes = fortigate_rules_read_undoes,
    .recognise = fortigate_rules_read_recognise,
};
