/* SPDX-License-Identifier: Apache-2.0 */
/* Juniper SRX (Junos set commands): for each enforced border one file with its addresses, address
 * sets, applications and the policies between two zones, outbound and inbound. Policies of a pair
 * of zones are judged in their order: what is approved is permitted, the rest of the governed ports
 * is denied and logged between the whole of either side, and what none names is decided by the
 * policies behind. The policy file knows no zones: theirs are named after the border, to be
 * replaced. Each range is one address, each set of them one address set, however many policies name
 * it. The reader is juniper_srx_read.c; it shares nothing with this file.
 */
#include "base/map.h"
#include "rules/universe.h"
#include "targets/acl_lines.h"
#include "targets/doubts.h"
#include "targets/juniper_srx_read.h"

enum {
    SET_MEMBERS = 1000,      /* addresses of one set, and of one end of a permit: 1,024 are allowed
                                on small devices */
    DESCRIPTION_BYTES = 250, /* the whole reason is in RULES.md */
    ID_BYTES = 100,
};

extern const struct target juniper_srx_target;

struct srx_file {
    struct arena *arena;
    str prefix, inside, outside; /* "sallyport-servers", and the zones */
    struct buf addresses, sets, applications, policies;
    struct map address_of, set_of, application_of; /* content to number, from 1 */
    size_t n_sets, n_policies[2];                  /* by direction */
};

/* ---- Addresses ----------------------------------------------------------------------------------
 */

/* What one address of the book holds: a prefix, or a range of IPv4 that is none. */
struct objects {
    struct range *items;
    size_t n, room;
};

static void add_object(struct objects *list, struct arena *arena, struct range range)
{
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = range;
}

static struct objects objects_of(struct prefix_set set, struct arena *arena)
{
    struct objects list = {0};
    struct prefix_set v4 = prefix_set_v4(arena, set), v6 = prefix_set_v6(arena, set);
    size_t n;
    for (size_t i = 0; i < v4.n; i++)
        add_object(&list, arena, v4.ranges[i]);
    const struct prefix *prefixes = prefix_set_prefixes(arena, v6, &n);
    for (size_t i = 0; i < n; i++)
        add_object(&list, arena, prefix_range(prefixes[i]));
    return list;
}

static void put_object(struct buf *out, struct range range, struct arena *arena)
{
    size_t n;
    struct prefix_set one = {&range, 1};
    const struct prefix *prefixes = prefix_set_prefixes(arena, one, &n);
    if (n == 1) {
        addr_print(out, range.first);
        buf_format(out, "/%u", (unsigned)prefix_text_length(prefixes[0]));
        return;
    }
    buf_str(out, S("range-address "));
    addr_print(out, range.first);
    buf_str(out, S(" to "));
    addr_print(out, range.last);
}

static size_t address_number(struct srx_file *file, struct range range)
{
    bool fresh = false;
    str key = {(const char *)&range, sizeof range};
    size_t number =
        (size_t)*map_put(&file->address_of, file->arena, key, file->address_of.n + 1, &fresh);
    if (!fresh) return number;
    struct arena scratch = *file->arena;
    struct buf text = buf_in(&scratch);
    put_object(&text, range, &scratch);
    str said = str_copy(file->arena, buf_text(&text));
    buf_format(&file->addresses, "set security address-book global address %.*s-a%zu %.*s\n",
               STR_ARG(file->prefix), number, STR_ARG(said));
    return number;
}

/* Address sets that together hold these addresses; made when they are new. */
struct set_numbers {
    size_t first, n;
};

static struct set_numbers set_numbers(struct srx_file *file, struct prefix_set set)
{
    bool fresh = false;
    str key = {(const char *)set.ranges, set.n * sizeof *set.ranges};
    struct objects objects = objects_of(set, file->arena);
    size_t n = (objects.n + SET_MEMBERS - 1) / SET_MEMBERS;
    size_t first = (size_t)*map_put(&file->set_of, file->arena, key, file->n_sets + 1, &fresh);
    for (size_t i = 0; i < objects.n && fresh; i++)
        buf_format(&file->sets,
                   "set security address-book global address-set %.*s-s%zu address %.*s-a%zu\n",
                   STR_ARG(file->prefix), first + i / SET_MEMBERS, STR_ARG(file->prefix),
                   address_number(file, objects.items[i]));
    if (fresh) file->n_sets += n;
    return (struct set_numbers){first, n};
}

static size_t application_number(struct srx_file *file, struct service_port port)
{
    bool fresh = false, is_range = port.first != port.last;
    str protocol = service_transport_text(port.transport);
    str key = str_format(file->arena, "%.*s %u %u", STR_ARG(protocol), (unsigned)port.first,
                         (unsigned)port.last);
    size_t number = (size_t)*map_put(&file->application_of, file->arena, key,
                                     file->application_of.n + 1, &fresh);
    if (!fresh) return number;
    struct buf *out = &file->applications;
    buf_format(out, "set applications application %.*s-p%zu protocol %.*s\n", STR_ARG(file->prefix),
               number, STR_ARG(protocol));
    buf_format(out, "set applications application %.*s-p%zu destination-port %u",
               STR_ARG(file->prefix), number, (unsigned)port.first);
    if (is_range) buf_format(out, "-%u", (unsigned)port.last);
    buf_char(out, '\n');
    return number;
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

static str policy_path(const struct srx_file *file, enum direction direction, size_t number,
                       struct arena *arena)
{
    bool outbound = direction == DIRECTION_OUTBOUND;
    str from = outbound ? file->inside : file->outside,
        to = outbound ? file->outside : file->inside;
    return str_format(arena, "security policies from-zone %.*s to-zone %.*s policy %.*s-%s-%zu",
                      STR_ARG(from), STR_ARG(to), STR_ARG(file->prefix), outbound ? "out" : "in",
                      number);
}

static void put_end(struct srx_file *file, str path, const char *end, struct set_numbers sets)
{
    for (size_t i = 0; i < sets.n; i++)
        buf_format(&file->policies, "set %.*s match %s-address %.*s-s%zu\n", STR_ARG(path), end,
                   STR_ARG(file->prefix), sets.first + i);
}

/* part : of a permit whose ends are too long for one policy; empty = it is whole */
static void put_policy(struct srx_file *file, const struct rule *rule, struct prefix_set local,
                       struct prefix_set remote, str part)
{
    struct arena *arena = file->arena;
    struct buf *out = &file->policies;
    bool outbound = rule->direction == DIRECTION_OUTBOUND, denies = rule->action == ACTION_BLOCK;
    size_t number = ++file->n_policies[rule->direction];
    str path = policy_path(file, rule->direction, number, arena), id = rule->id;
    /* The policy's own number keeps ids apart that are cut here. */
    str said = str_format(arena, "%.*s%.*s: %.*s", STR_ARG(str_head(id, ID_BYTES)), STR_ARG(part),
                          STR_ARG(rule->why));
    buf_format(out, "set %.*s description \"%.*s\"\n", STR_ARG(path),
               STR_ARG(acl_lines_plain(arena, said, DESCRIPTION_BYTES)));
    put_end(file, path, "source", set_numbers(file, outbound ? local : remote));
    put_end(file, path, "destination", set_numbers(file, outbound ? remote : local));
    for (size_t i = 0; i < rule->n_ports; i++)
        buf_format(out, "set %.*s match application %.*s-p%zu\n", STR_ARG(path),
                   STR_ARG(file->prefix), application_number(file, rule->ports[i]));
    buf_format(out, "set %.*s then %s\n", STR_ARG(path), denies ? "deny" : "permit");
    if (denies) buf_format(out, "set %.*s then log session-init\n", STR_ARG(path));
}

/* Slices of a set of so many addresses each. */
struct slices {
    struct prefix_set *items;
    size_t n, room;
};

static struct slices slices_of(struct prefix_set set, struct arena *arena)
{
    struct slices slices = {0};
    size_t first = 0, taken = 0;
    for (size_t i = 0; i < set.n; i++) {
        struct arena scratch = *arena;
        struct prefix_set one = {&set.ranges[i], 1};
        size_t n = objects_of(one, &scratch).n;
        if (taken + n > SET_MEMBERS && i > first) {
            arena_grow(arena, slices.items, slices.n, slices.room);
            slices.items[slices.n++] = (struct prefix_set){set.ranges + first, i - first};
            first = i;
            taken = 0;
        }
        taken += n;
    }
    arena_grow(arena, slices.items, slices.n, slices.room);
    slices.items[slices.n++] = (struct prefix_set){set.ranges + first, set.n - first};
    return slices;
}

/* A deny stays whole, since it is between the whole of either side; its sets may be several. */
static void put_line(struct srx_file *file, const struct acl_line *line)
{
    struct slices local = {.n = 0}, remote = {.n = 0};
    if (line->rule->action == ACTION_BLOCK) {
        put_policy(file, line->rule, line->local, line->remote, (str){0});
        return;
    }
    local = slices_of(line->local, file->arena);
    remote = slices_of(line->remote, file->arena);
    size_t n = local.n * remote.n;
    for (size_t i = 0; i < n; i++) {
        str part = {0};
        if (n > 1) part = str_format(file->arena, ", part %zu of %zu", i + 1, n);
        put_policy(file, line->rule, local.items[i / remote.n], remote.items[i % remote.n], part);
    }
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static void put_zones(struct buf *out, const struct srx_file *file)
{
    buf_format(out,
               "# Zones: replace %.*s and %.*s by your zones on either side, here and in the "
               "rollback.\n",
               STR_ARG(file->inside), STR_ARG(file->outside));
}

static void put_order(struct buf *out, const struct srx_file *file, struct arena *arena)
{
    static const enum direction directions[] = {DIRECTION_OUTBOUND, DIRECTION_INBOUND};
    buf_str(out, S("# Policies are judged in order. Where the zones have others, move these in "
                   "front of the first of\n# them, FIRST:\n"));
    for (size_t d = 0; d < COUNT_OF(directions); d++)
        for (size_t i = 1; i <= file->n_policies[directions[d]]; i++)
            buf_format(out, "# insert %.*s before policy FIRST\n",
                       STR_ARG(policy_path(file, directions[d], i, arena)));
}

static str rules_file(const struct bundles *bundles, size_t index, const struct srx_file *file,
                      const struct target_header *header)
{
    struct buf out = buf_in(file->arena);
    str what = str_format(file->arena, "border %.*s, IPv4 and IPv6, both directions",
                          STR_ARG(bundles->borders[index].border->name));
    acl_lines_header(&out, "#", S("juniper-srx"), what, bundles, header, file->arena);
    put_zones(&out, file);
    buf_str(&out, S("# To replace an older file, load its rollback in the same commit. Then: load "
                    "set FILE, commit confirmed 10\n"));
    put_order(&out, file, file->arena);
    buf_str(&out, buf_text(&file->addresses));
    buf_str(&out, buf_text(&file->sets));
    buf_str(&out, buf_text(&file->applications));
    buf_str(&out, buf_text(&file->policies));
    return buf_text(&out);
}

static void put_deletions(struct buf *out, const char *what, const struct srx_file *file, char kind,
                          size_t n)
{
    for (size_t i = 1; i <= n; i++)
        buf_format(out, "delete %s %.*s-%c%zu\n", what, STR_ARG(file->prefix), kind, i);
}

/* Whatever is named goes after what names it. */
static str rollback_file(const struct bundles *bundles, size_t index, const struct srx_file *file,
                         const struct target_header *header)
{
    static const enum direction directions[] = {DIRECTION_OUTBOUND, DIRECTION_INBOUND};
    struct buf out = buf_in(file->arena);
    str what = str_format(file->arena, "rollback of border %.*s: removes all that its file makes",
                          STR_ARG(bundles->borders[index].border->name));
    acl_lines_header(&out, "#", S("juniper-srx"), what, bundles, header, file->arena);
    put_zones(&out, file);
    for (size_t d = 0; d < COUNT_OF(directions); d++)
        for (size_t i = 1; i <= file->n_policies[directions[d]]; i++)
            buf_format(&out, "delete %.*s\n",
                       STR_ARG(policy_path(file, directions[d], i, file->arena)));
    put_deletions(&out, "applications application", file, 'p', file->application_of.n);
    put_deletions(&out, "security address-book global address-set", file, 's', file->n_sets);
    put_deletions(&out, "security address-book global address", file, 'a', file->address_of.n);
    return buf_text(&out);
}

static void put_policies(struct srx_file *file, struct ruleset rules, enum direction direction)
{
    struct acl_lines lines = acl_lines_of(rules, direction, ACL_LINES_BOTH, file->arena);
    for (size_t i = 0; i < lines.n; i++)
        put_line(file, &lines.items[i]);
}

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    if (!acl_lines_expressible(&juniper_srx_target, bundles, err)) return false;
    for (size_t i = 0; i < bundles->n_borders; i++) {
        const struct border_rules *border = &bundles->borders[i];
        str word = target_border_word(bundles, i, arena);
        struct srx_file file = {
            .arena = arena,
            .prefix = str_format(arena, "sallyport-%.*s", STR_ARG(word)),
            .inside = str_format(arena, "%.*s-inside", STR_ARG(word)),
            .outside = str_format(arena, "%.*s-outside", STR_ARG(word)),
            .addresses = buf_in(arena),
            .sets = buf_in(arena),
            .applications = buf_in(arena),
            .policies = buf_in(arena),
        };
        put_policies(&file, border->rules, DIRECTION_OUTBOUND);
        put_policies(&file, border->rules, DIRECTION_INBOUND);
        struct target_file made = {
            .path = str_format(arena, "border-%.*s.set", STR_ARG(word)),
            .content = rules_file(bundles, i, &file, header),
            .border = border,
        };
        target_add_file(&files, arena, made);
        made.path = str_format(arena, "border-%.*s-rollback.set", STR_ARG(word));
        made.content = rollback_file(bundles, i, &file, header);
        made.kind = TARGET_FILE_ROLLBACK;
        target_add_file(&files, arena, made);
    }
    *out = files;
    return true;
}

/* A firewall has one set of policies for each border, whatever the workspace. */
static str group(str workspace, str border_word, struct arena *arena)
{
    (void)workspace;
    return str_format(arena, "sallyport-%.*s", STR_ARG(border_word));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt doubts[] = {
    {T("juniper-srx-comments"), 0,
     T("That load set passes over lines that begin with # was not seen on every release. Remove "
       "them where it does not.")      },
    {T("juniper-srx-members"),  0,
     T("How many addresses one policy takes differs by device (1,024 on small ones, 4,096 on large "
       "ones). Permits are split at 1,000 of an end; a deny names the whole of either side in as "
       "many sets as it takes.")       },
    {T("juniper-srx-default"),  0,
     T("What no policy of the zones names falls to global policies and the default policy, which "
       "denies unless it was changed.")},
    {{0},                       0, {0} },
};

const struct target juniper_srx_target = {
    .name = T("juniper-srx"),
    .summary =
        T("address sets and security policies for Juniper SRX firewalls at enforced borders"),
    .engine = ENGINE_ACL,
    .rest = REST_UNTOUCHED,
    .profiles = 1u << PROFILE_DOMAIN,
    .peers = &universe_peers,
    .cannot = T("allow-if-secure (a firewall cannot see IPsec: at a border it passes), programs, "
                "and the zones, which the policy does not name"),
    .load =
        T("Name your zones in border-NAME.set, load set it, move its policies in front of the "
          "others of the zones, commit confirmed; border-NAME-rollback.set removes all it made"),
    .decides = T("the first policy of a pair of zones that matches; these stand in front"),
    .doubts = doubts,
    .borders = true,
    .emit = emit,
    .read = juniper_srx_read,
    .group = group,
    .read_rollback = juniper_srx_read_rollback,
    .undoes = juniper_srx_read_undoes,
    .recognise = juniper_srx_read_recognise,
};
