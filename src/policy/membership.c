/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/membership.h"

#include "base/csv.h"
#include "base/json_scan.h"
#include "base/limits.h"
#include "base/os.h"
#include "policy/authorised.h"

/* One member as a file says it. */
struct row {
    str group, group_sid;
    struct membership_member member;
    str class;
};

struct reading {
    struct membership *out;
    struct arena *arena;
    struct err *err;
    int64_t at_us;
    size_t file;
};

/* ---- Keeping ------------------------------------------------------------------------------------
 */

static size_t find_group(struct reading *r, str name, str sid)
{
    struct membership *m = r->out;
    str name_key = str_lower(r->arena, name), sid_key = str_lower(r->arena, sid);
    uint64_t *known = sid.len ? map_find(&m->by_sid, sid_key) : NULL;
    bool fresh = false;
    if (known) return (size_t)*known;
    uint64_t *named = map_put(&m->by_name, r->arena, name_key, m->n, &fresh);
    if (!fresh) {
        struct membership_group *other = &m->groups[*named];
        bool same = !sid.len || !other->sid.len;
        if (same && sid.len) {
            other->sid = sid;
            (void)map_put(&m->by_sid, r->arena, sid_key, *named, NULL);
        }
        if (same) return (size_t)*named;
        other->ambiguous = true;
    }
    arena_grow(r->arena, m->groups, m->n, m->room);
    m->groups[m->n] = (struct membership_group){
        .name = name,
        .sid = sid,
        .file = r->file,
        .ambiguous = !fresh,
    };
    if (sid.len) (void)map_put(&m->by_sid, r->arena, sid_key, m->n, NULL);
    return m->n++;
}

static void know_computer(struct reading *r, str name, size_t at)
{
    if (name.len) (void)map_put(&r->out->computers, r->arena, str_lower(r->arena, name), at, NULL);
}

static str first_label(str name)
{
    str head, tail;
    (void)str_cut(name, '.', &head, &tail);
    return head;
}

/* Machine accounts end in a dollar sign. */
static str without_dollar(str name)
{
    return str_ends(name, S("$")) ? str_head(name, name.len - 1) : name;
}

static void keep_member(struct reading *r, size_t number, const struct membership_member *member)
{
    struct membership *m = r->out;
    struct membership_group *group = &m->groups[number];
    arena_grow(r->arena, group->members, group->n, group->room);
    group->members[group->n++] = *member;
    m->n_members++;
    if (member->is_group) return;
    arena_grow(r->arena, m->known, m->n_known, m->room_known);
    m->known[m->n_known] = *member;
    know_computer(r, member->dns, m->n_known);
    know_computer(r, member->name, m->n_known);
    know_computer(r, first_label(member->dns), m->n_known);
    m->n_known++;
}

/* A problem of the row, in words; empty = it is kept, or passed over. */
static const char *keep_row(struct reading *r, struct row *row)
{
    struct membership_member *member = &row->member;
    if (!row->group.len) return "the name of a group";
    if (row->group_sid.len && !authorised_is_sid(row->group_sid)) return "the SID of a group";
    if (member->sid.len && !authorised_is_sid(member->sid)) return "the SID of a member";
    size_t number = find_group(r, row->group, row->group_sid);
    /* A newer file has listed it. */
    if (r->out->groups[number].file != r->file) return NULL;
    member->name = without_dollar(member->name);
    member->at_us = r->at_us;
    if (!member->name.len && !member->dns.len && !member->sid.len) return NULL; /* no members */
    member->is_group = str_equal_nocase(row->class, S("group"));
    bool computer = !row->class.len || str_equal_nocase(row->class, S("computer"));
    if (!computer && !member->is_group) {
        r->out->n_passed++;
        return NULL;
    }
    if (r->out->n_members >= LIMIT_MEMBERSHIP_MEMBERS) return "fewer members";
    keep_member(r, number, member);
    return NULL;
}

/* Addresses parted by blanks, commas or semicolons. False at one that is none. */
static bool read_addresses(struct reading *r, str text, struct membership_member *member)
{
    struct addr *addrs = arena_array(r->arena, struct addr, text.len / 2 + 1 + member->n_addrs);
    size_t n = 0;
    for (; n < member->n_addrs; n++)
        addrs[n] = member->addrs[n];
    while (text.len) {
        size_t length = 0;
        while (length < text.len && !strchr(" ;,\t", text.ptr[length]))
            length++;
        str word = str_head(text, length);
        text = str_tail(text, length + 1);
        if (!word.len) continue;
        if (!addr_parse(word, &addrs[n])) return false;
        n++;
    }
    member->addrs = addrs;
    member->n_addrs = n;
    return true;
}

/* ---- CSV ----------------------------------------------------------------------------------------
 */

enum column {
    COLUMN_GROUP,
    COLUMN_GROUP_SID,
    COLUMN_NAME,
    COLUMN_ACCOUNT,
    COLUMN_DNS,
    COLUMN_SID,
    COLUMN_DN,
    COLUMN_CLASS,
    COLUMN_V4,
    COLUMN_V6,
    COLUMN_ADDRESSES,
    COLUMN_COUNT,
};

static const struct {
    const char *name;
    enum column column;
} column_names[] = {
    {"group",             COLUMN_GROUP    },
    {"groupname",         COLUMN_GROUP    },
    {"groupsid",          COLUMN_GROUP_SID},
    {"name",              COLUMN_NAME     },
    {"samaccountname",    COLUMN_ACCOUNT  },
    {"dns",               COLUMN_DNS      },
    {"dnshostname",       COLUMN_DNS      },
    {"sid",               COLUMN_SID      },
    {"objectsid",         COLUMN_SID      },
    {"dn",                COLUMN_DN       },
    {"distinguishedname", COLUMN_DN       },
    {"class",             COLUMN_CLASS    },
    {"objectclass",       COLUMN_CLASS    },
    {"ipv4address",       COLUMN_V4       },
    {"ipv6address",       COLUMN_V6       },
    {"addresses",         COLUMN_ADDRESSES},
};

struct columns {
    size_t at[COLUMN_COUNT]; /* place plus one; 0 = there is none */
};

static struct columns find_columns(const str *fields, size_t n)
{
    struct columns columns = {{0}};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < COUNT_OF(column_names); k++) {
            size_t *at = &columns.at[column_names[k].column];
            if (!*at && str_equal_nocase(str_trim(fields[i]), str_of(column_names[k].name)))
                *at = i + 1;
        }
    return columns;
}

static str field_of(const struct columns *columns, enum column column, const str *fields, size_t n)
{
    size_t at = columns->at[column];
    return at && at <= n ? str_trim(fields[at - 1]) : (str){0};
}

static bool read_record(struct reading *r, const struct columns *columns, const str *fields,
                        size_t n, str group, uint32_t line)
{
    struct row row = {
        .group = group,
        .group_sid = field_of(columns, COLUMN_GROUP_SID, fields, n),
        .member.name = field_of(columns, COLUMN_NAME, fields, n),
        .member.dns = field_of(columns, COLUMN_DNS, fields, n),
        .member.sid = field_of(columns, COLUMN_SID, fields, n),
        .member.dn = field_of(columns, COLUMN_DN, fields, n),
        .class = field_of(columns, COLUMN_CLASS, fields, n),
    };
    static const enum column addresses[] = {COLUMN_V4, COLUMN_V6, COLUMN_ADDRESSES};
    if (columns->at[COLUMN_GROUP]) row.group = field_of(columns, COLUMN_GROUP, fields, n);
    if (!row.member.name.len) row.member.name = field_of(columns, COLUMN_ACCOUNT, fields, n);
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        str text = field_of(columns, addresses[i], fields, n);
        if (!read_addresses(r, text, &row.member))
            return err_line(r->err, ERR_MALFORMED, line, 1, "expected addresses, found \"%.*s\"",
                            STR_ARG(str_head(text, 60)));
    }
    const char *expected = keep_row(r, &row);
    return !expected ||
           err_line(r->err, ERR_MALFORMED, line, 1, "expected %s in this record", expected);
}

/* The separator that the line of columns has most of. */
static char separator_of(str text)
{
    static const char candidates[] = {',', ';', '\t'};
    size_t counts[COUNT_OF(candidates)] = {0}, best = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '\n'; i++)
        for (size_t k = 0; k < COUNT_OF(candidates); k++)
            counts[k] += text.ptr[i] == candidates[k];
    for (size_t k = 1; k < COUNT_OF(candidates); k++)
        if (counts[k] > counts[best]) best = k;
    return candidates[best];
}

static bool read_csv(struct reading *r, str source, str text)
{
    str line, rest = text, *fields = NULL;
    size_t n = 0;
    bool found = false;
    uint32_t skipped = 0;
    /* Export-Csv without -NoTypeInformation. */
    if (str_starts(text, S("#TYPE "))) {
        (void)str_cut(text, '\n', &line, &rest);
        skipped = 1;
    }
    str base = os_base_name(source), group, suffix;
    group = base;
    for (str left = base; str_cut(left, '.', &line, &suffix); left = suffix)
        group = str_head(base, base.len - suffix.len - 1);
    struct csv csv = csv_of(rest, separator_of(rest), r->arena);
    if (!csv_next(&csv, &fields, &n, &found, r->err)) return false;
    struct columns columns = found ? find_columns(fields, n) : (struct columns){{0}};
    if (!columns.at[COLUMN_NAME] && !columns.at[COLUMN_DNS] && !columns.at[COLUMN_ACCOUNT])
        return err_line(r->err, ERR_MALFORMED, 1 + skipped, 1,
                        "expected a column \"name\" or \"dnshostname\" of a membership file");
    for (;;) {
        if (!csv_next(&csv, &fields, &n, &found, r->err)) return false;
        if (!found) return true;
        if (!read_record(r, &columns, fields, n, group, csv.record_line + skipped)) return false;
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

struct json_reading {
    struct reading *r;
    struct json_scan scan;
};

static bool read_text(struct json_reading *j, str *out, uint64_t *at)
{
    struct json_scan_item item;
    if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
    *at = item.offset;
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind == JSON_SCAN_STRING) {
        *out = str_trim(item.text);
        return true;
    }
    return err_at(j->r->err, ERR_MALFORMED, item.offset, "expected a text");
}

/* One address, or a list of them. */
static bool read_json_addresses(struct json_reading *j, struct membership_member *member)
{
    struct json_scan_item item;
    unsigned depth = 0;
    do {
        if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY && !depth)
            depth++;
        else if (item.kind == JSON_SCAN_ARRAY_END)
            depth--;
        else if (item.kind != JSON_SCAN_NULL &&
                 (item.kind != JSON_SCAN_STRING || !read_addresses(j->r, item.text, member)))
            return err_at(j->r->err, ERR_MALFORMED, item.offset, "expected an address");
    } while (depth);
    return true;
}

/* One member, behind its opening brace. */
static bool read_member(struct json_reading *j, struct row *row, uint64_t offset)
{
    struct json_scan_item item;
    const struct {
        str key;
        str *into;
    } texts[] = {
        {{"name", 4},               &row->member.name},
        {{"dns", 3},                &row->member.dns },
        {{"sid", 3},                &row->member.sid },
        {{"dn", 2},                 &row->member.dn  },
        {{"class", 5},              &row->class      },
        {{"dnshostname", 11},       &row->member.dns },
        {{"distinguishedname", 17}, &row->member.dn  },
        {{"objectclass", 11},       &row->class      },
    };
    for (;;) {
        if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        str *into = NULL;
        uint64_t at = 0;
        for (size_t i = 0; i < COUNT_OF(texts); i++)
            if (str_equal_nocase(item.text, texts[i].key)) into = texts[i].into;
        bool read;
        if (into)
            read = read_text(j, into, &at);
        else if (str_equal_nocase(item.text, S("addresses")))
            read = read_json_addresses(j, &row->member);
        else
            read = json_scan_skip(&j->scan, item, j->r->err);
        if (!read) return false;
    }
    const char *expected = keep_row(j->r, row);
    return !expected || err_at(j->r->err, ERR_MALFORMED, offset, "expected %s", expected);
}

/* A group's members stand before or behind its name: they are read when the name is known. */
struct json_group {
    str name, sid;
    struct json_scan members; /* at the key's value */
    bool has_members;
};

static bool read_members(struct json_reading *j, const struct json_group *group)
{
    struct json_scan behind = j->scan;
    struct json_scan_item item;
    unsigned depth = 0;
    j->scan = group->members;
    do {
        if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
        struct row row = {.group = group->name, .group_sid = group->sid};
        if (item.kind == JSON_SCAN_ARRAY && !depth)
            depth++;
        else if (item.kind == JSON_SCAN_ARRAY_END)
            depth--;
        else if (item.kind != JSON_SCAN_NULL && item.kind != JSON_SCAN_OBJECT)
            return err_at(j->r->err, ERR_MALFORMED, item.offset, "expected a member as an object");
        else if (item.kind == JSON_SCAN_OBJECT && !read_member(j, &row, item.offset))
            return false;
    } while (depth);
    j->scan = behind;
    return true;
}

/* One group, behind its opening brace. */
static bool read_group(struct json_reading *j, uint64_t offset)
{
    struct json_group group = {.has_members = false};
    struct json_scan_item item;
    uint64_t at = offset;
    for (;;) {
        bool read = true;
        if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (str_equal_nocase(item.text, S("name"))) {
            read = read_text(j, &group.name, &at);
        } else if (str_equal_nocase(item.text, S("sid"))) {
            read = read_text(j, &group.sid, &at);
        } else {
            if (str_equal_nocase(item.text, S("members"))) {
                group.members = j->scan;
                group.has_members = true;
            }
            read = json_scan_skip(&j->scan, item, j->r->err);
        }
        if (!read) return false;
    }
    /* A group without members is known, too. */
    struct row row = {.group = group.name, .group_sid = group.sid};
    const char *expected = keep_row(j->r, &row);
    if (expected) return err_at(j->r->err, ERR_MALFORMED, offset, "expected %s", expected);
    return !group.has_members || read_members(j, &group);
}

static bool read_groups(struct json_reading *j)
{
    struct json_scan_item item;
    unsigned depth = 0;
    do {
        if (!json_scan_next(&j->scan, &item, j->r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY && !depth)
            depth++;
        else if (item.kind == JSON_SCAN_ARRAY_END)
            depth--;
        else if (item.kind != JSON_SCAN_OBJECT)
            return err_at(j->r->err, ERR_MALFORMED, item.offset, "expected a group as an object");
        else if (!read_group(j, item.offset))
            return false;
    } while (depth);
    return true;
}

static bool read_json(struct reading *r, str text, uint64_t offset)
{
    struct json_reading j = {r, json_scan_of(text, offset, r->arena)};
    struct json_scan_item item;
    bool has_groups = false;
    if (!json_scan_next(&j.scan, &item, r->err)) return false;
    if (item.kind != JSON_SCAN_OBJECT)
        return err_at(r->err, ERR_MALFORMED, item.offset, "expected {\"groups\":[...]}");
    for (;;) {
        if (!json_scan_next(&j.scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        bool groups = str_equal_nocase(item.text, S("groups"));
        has_groups = has_groups || groups;
        if (groups ? !read_groups(&j) : !json_scan_skip(&j.scan, item, r->err)) return false;
    }
    if (!json_scan_next(&j.scan, &item, r->err)) return false;
    return has_groups ||
           err_at(r->err, ERR_MALFORMED, 0, "expected the key \"groups\" of a membership file");
}

/* ---- Files --------------------------------------------------------------------------------------
 */

bool membership_add(struct membership *out, str source, str text, int64_t at_us,
                    struct arena *arena, struct err *err)
{
    struct reading r = {out, arena, err, at_us, out->n_files++};
    uint64_t mark;
    text = str_from_file(arena, str_bytes(text), &mark);
    str start = str_trim(str_head(text, LIMIT_RECOGNISE_BYTES));
    bool json = str_starts(start, S("{")) || str_starts(start, S("["));
    return json ? read_json(&r, text, mark) : read_csv(&r, source, str_utf8(arena, text));
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

const struct membership_group *membership_group(const struct membership *membership, str name,
                                                struct arena scratch)
{
    str key = str_lower(&scratch, str_trim(name));
    bool by_sid = authorised_is_sid(key);
    uint64_t *at = map_find(by_sid ? &membership->by_sid : &membership->by_name, key);
    if (!at) return NULL;
    const struct membership_group *group = &membership->groups[*at];
    return !by_sid && group->ambiguous ? NULL : group;
}

/* A member that is a group, or whose SID or lone name is one's. */
static const struct membership_group *nested(const struct membership *membership,
                                             const struct membership_member *member,
                                             struct arena scratch)
{
    if (member->sid.len) {
        const struct membership_group *group = membership_group(membership, member->sid, scratch);
        if (group) return group;
    }
    return member->is_group && member->name.len
               ? membership_group(membership, member->name, scratch)
               : NULL;
}

const struct membership_member **membership_computers(const struct membership *membership,
                                                      const struct membership_group *group,
                                                      struct arena *arena, size_t *n, str *missing)
{
    const struct membership_member **out = NULL;
    const struct membership_group **left =
        arena_array(arena, const struct membership_group *, membership->n + 1);
    bool *seen = arena_array(arena, bool, membership->n + 1);
    struct map known = {0};
    size_t n_left = 0, room = 0;
    *n = 0;
    *missing = (str){0};
    left[n_left++] = group;
    seen[group - membership->groups] = true;
    while (n_left) {
        const struct membership_group *one = left[--n_left];
        for (size_t i = 0; i < one->n; i++) {
            const struct membership_member *member = &one->members[i];
            const struct membership_group *inner = nested(membership, member, *arena);
            bool fresh = false;
            if (inner && !seen[inner - membership->groups]) {
                seen[inner - membership->groups] = true;
                left[n_left++] = inner;
            }
            if (inner) continue;
            str name = member->dns.len    ? member->dns
                       : member->name.len ? member->name
                                          : member->sid;
            if (member->is_group && !missing->len) *missing = name;
            if (member->is_group) continue;
            (void)map_put(&known, arena, str_lower(arena, name), 0, &fresh);
            if (!fresh) continue;
            arena_grow(arena, out, *n, room);
            out[(*n)++] = member;
        }
    }
    return out;
}

const struct membership_member *membership_computer(const struct membership *membership, str name,
                                                    struct arena scratch)
{
    str lower = str_lower(&scratch, name);
    uint64_t *at = map_find(&membership->computers, lower);
    if (at) return &membership->known[*at];
    /* A label alone is any domain's; with a domain it is not another's. */
    at = map_find(&membership->computers, first_label(lower));
    return at && !membership->known[*at].dns.len ? &membership->known[*at] : NULL;
}
