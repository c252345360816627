/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/mdm_read.h"

#include "base/map.h"
#include "targets/windows_words.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* A message, line by line. */
struct lines {
    str left, line;
    uint32_t number;
    uint64_t at; /* offset of the line */
    size_t total;
    unsigned command; /* number that the last one had */
    struct arena *arena;
    struct err *err;
};

static struct lines lines_of(bytes content, struct arena *arena, struct err *err)
{
    return (struct lines){
        .left = str_of_bytes(content), .total = content.len, .arena = arena, .err = err};
}

static bool next_line(struct lines *l)
{
    str rest;
    l->at = l->total - l->left.len;
    l->number++;
    bool more = str_cut(l->left, '\n', &l->line, &rest);
    l->left = more ? rest : (str){0};
    return more;
}

static bool unexpected(const struct lines *l, size_t column, const char *wanted)
{
    str found = str_utf8(l->arena, str_head(str_tail(l->line, column), 60));
    return err_line(l->err, ERR_MALFORMED, l->number, (uint32_t)column + 1,
                    "expected %s, found \"%.*s\"", wanted, STR_ARG(found));
}

static bool expect_line(struct lines *l, str wanted)
{
    bool there = next_line(l);
    if (there && str_equal(l->line, wanted)) return true;
    return unexpected(
        l, 0, (const char *)str_format(l->arena, "the line \"%.*s\"%c", STR_ARG(wanted), 0).ptr);
}

/* ---- The head -----------------------------------------------------------------------------------
 */

/* Up to <SyncBody>; out: the workspace it names. */
static bool read_head(struct lines *l, str *workspace)
{
    str mark = S("# workspace: ");
    if (!expect_line(l, S("<?xml version=\"1.0\" encoding=\"utf-8\"?>")) ||
        !expect_line(l, S("<!--")))
        return false;
    *workspace = (str){0};
    while (next_line(l) && !str_equal(l->line, S("-->"))) {
        if (!str_starts(l->line, S("# "))) return unexpected(l, 0, "a remark, or the end of them");
        if (str_starts(l->line, mark) && !workspace->len) *workspace = str_tail(l->line, mark.len);
    }
    if (!str_equal(l->line, S("-->"))) return unexpected(l, 0, "the end of the remarks");
    if (!workspace->len) return unexpected(l, 0, "a remark that names the workspace before it");
    return expect_line(l, S("<SyncML xmlns=\"SYNCML:SYNCML1.2\">")) &&
           expect_line(l, S("<SyncBody>"));
}

/* After <Final/>. */
static bool read_tail(struct lines *l)
{
    if (!expect_line(l, S("</SyncBody>")) || !expect_line(l, S("</SyncML>"))) return false;
    if (!l->left.len) return true;
    (void)next_line(l);
    return unexpected(l, 0, "the end");
}

/* ---- Commands -----------------------------------------------------------------------------------
 */

struct command {
    enum { COMMAND_DELETE, COMMAND_ADD, COMMAND_ATOMIC, COMMAND_ATOMIC_END, COMMAND_FINAL } kind;
    str uri, format, data;
    uint64_t offset;
};

/* Takes a literal of the line. */
static bool take(struct lines *l, size_t *at, str literal)
{
    if (!str_starts(str_tail(l->line, *at), literal))
        return unexpected(l, *at, str_format(l->arena, "\"%.*s\"%c", STR_ARG(literal), 0).ptr);
    *at += literal.len;
    return true;
}

static bool take_number(struct lines *l, size_t *at)
{
    str wanted = str_format(l->arena, "<CmdID>%u</CmdID>", l->command + 1);
    if (!take(l, at, wanted)) return false;
    l->command++;
    return true;
}

/* Text up to the next tag, with the three entities that are written. */
static bool take_text(struct lines *l, size_t *at, str *out)
{
    static const struct {
        str entity;
        char c;
    } entities[] = {
        {T("&amp;"), '&'},
        {T("&lt;"),  '<'},
        {T("&gt;"),  '>'},
    };
    struct buf text = buf_in(l->arena);
    while (*at < l->line.len && l->line.ptr[*at] != '<') {
        char c = l->line.ptr[*at];
        size_t length = 1;
        if (c == '&') {
            size_t e = 0;
            while (e < COUNT_OF(entities) &&
                   !str_starts(str_tail(l->line, *at), entities[e].entity))
                e++;
            if (e == COUNT_OF(entities)) return unexpected(l, *at, "&amp;, &lt; or &gt;");
            c = entities[e].c;
            length = entities[e].entity.len;
        } else if (c == '>' || (unsigned char)c < ' ' || (unsigned char)c > '~') {
            return unexpected(l, *at, "printable ASCII");
        }
        buf_char(&text, c);
        *at += length;
    }
    *out = buf_text(&text);
    return true;
}

static bool at_end(struct lines *l, size_t at)
{
    return at == l->line.len || unexpected(l, at, "the end of the line");
}

static bool read_add(struct lines *l, struct command *out)
{
    size_t at = 0;
    *out = (struct command){.kind = COMMAND_ADD, .offset = l->at};
    return take(l, &at, S("<Add>")) && take_number(l, &at) &&
           take(l, &at, S("<Item><Target><LocURI>")) && take_text(l, &at, &out->uri) &&
           take(l, &at, S("</LocURI></Target><Meta><Format xmlns=\"syncml:metinf\">")) &&
           take_text(l, &at, &out->format) && take(l, &at, S("</Format></Meta><Data>")) &&
           take_text(l, &at, &out->data) && take(l, &at, S("</Data></Item></Add>")) &&
           at_end(l, at);
}

static bool read_delete(struct lines *l, struct command *out)
{
    size_t at = 0;
    *out = (struct command){.kind = COMMAND_DELETE, .offset = l->at};
    return take(l, &at, S("<Delete>")) && take_number(l, &at) &&
           take(l, &at, S("<Item><Target><LocURI>")) && take_text(l, &at, &out->uri) &&
           take(l, &at, S("</LocURI></Target></Item></Delete>")) && at_end(l, at);
}

static bool read_command(struct lines *l, struct command *out)
{
    size_t at = 0;
    if (!next_line(l)) return unexpected(l, 0, "a command");
    if (str_starts(l->line, S("<Add>"))) return read_add(l, out);
    if (str_starts(l->line, S("<Delete>"))) return read_delete(l, out);
    if (str_equal(l->line, S("<Atomic>"))) {
        *out = (struct command){.kind = COMMAND_ATOMIC, .offset = l->at};
        if (!next_line(l)) return unexpected(l, 0, "the number of the Atomic");
        return take_number(l, &at) && at_end(l, at);
    }
    if (str_equal(l->line, S("</Atomic>"))) {
        *out = (struct command){.kind = COMMAND_ATOMIC_END, .offset = l->at};
        return true;
    }
    if (str_equal(l->line, S("<Final/>"))) {
        *out = (struct command){.kind = COMMAND_FINAL, .offset = l->at};
        return true;
    }
    return unexpected(l, 0, "Add, Delete, Atomic or Final");
}

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool wrong(const struct lines *l, str value, const char *wanted)
{
    return err_line(l->err, ERR_MALFORMED, l->number, 1, "expected %s, found \"%.*s\"", wanted,
                    STR_ARG(str_head(value, 60)));
}

static bool read_ports(struct lines *l, str list, struct rule *rule)
{
    str bad;
    return windows_words_ports(list, rule, l->arena, &bad) ||
           wrong(l, bad, "a port or a range of ports");
}

static bool read_ranges(struct lines *l, str list, struct prefix_set *out)
{
    str bad;
    return windows_words_ranges(list, l->arena, out, &bad) ||
           wrong(l, bad, "an address or a range");
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static const str rules_uri = T("./Vendor/MSFT/Firewall/MdmStore/FirewallRules/");

/* The node's value when the command is `Add` of it; the next command is read then. */
static bool node(struct lines *l, struct command *c, str id, const char *name, const char *format,
                 str *out)
{
    str uri = str_format(l->arena, "%.*s%.*s/%s", STR_ARG(rules_uri), STR_ARG(id), name);
    if (c->kind != COMMAND_ADD || !str_equal(c->uri, uri))
        return wrong(l, l->line,
                     str_format(l->arena, "node %s of rule %.*s%c", name, STR_ARG(id), 0).ptr);
    if (!str_equal(c->format, str_of(format))) return wrong(l, c->format, format);
    *out = c->data;
    return read_command(l, c);
}

static bool has_node(struct lines *l, const struct command *c, str id, const char *name)
{
    str uri = str_format(l->arena, "%.*s%.*s/%s", STR_ARG(rules_uri), STR_ARG(id), name);
    return c->kind == COMMAND_ADD && str_equal(c->uri, uri);
}

static bool one_of(struct lines *l, str value, const char *yes, const char *no, bool *out)
{
    *out = str_equal(value, str_of(yes));
    return *out || str_equal(value, str_of(no)) || wrong(l, value, yes);
}

/* c: its first command; afterwards the one behind it. */
static bool read_rule(struct lines *l, struct command *c, str id, struct rule *out)
{
    str enabled, direction, action, profiles, protocol, ports, list;
    struct rule rule = {.id = id, .offset = c->offset, .logs = true};
    bool inbound, allows, tcp;
    uint64_t bits = 0;
    if (!node(l, c, id, "Name", "chr", &rule.name) ||
        !node(l, c, id, "Description", "chr", &rule.why) ||
        !node(l, c, id, "Enabled", "bool", &enabled) ||
        !one_of(l, enabled, "true", "false", &rule.enabled) ||
        !node(l, c, id, "Direction", "chr", &direction) ||
        !one_of(l, direction, "IN", "OUT", &inbound) ||
        !node(l, c, id, "Action/Type", "int", &action) || !one_of(l, action, "1", "0", &allows) ||
        !node(l, c, id, "Profiles", "int", &profiles))
        return false;
    if (!str_u64(profiles, (1u << PROFILE_COUNT) - 1, &bits) || !bits)
        return wrong(l, profiles, "profiles from 1 to 7");
    rule.profiles = (uint8_t)bits;
    rule.direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    rule.action = allows ? ACTION_ALLOW : ACTION_BLOCK;
    if (!node(l, c, id, "Protocol", "int", &protocol) || !one_of(l, protocol, "6", "17", &tcp) ||
        !node(l, c, id, inbound ? "LocalPortRanges" : "RemotePortRanges", "chr", &ports))
        return false;
    rule.transport = tcp ? TRANSPORT_TCP : TRANSPORT_UDP;
    rule.local = (struct prefix_set){&addr_all, 1};
    if (!read_ports(l, ports, &rule)) return false;
    if (has_node(l, c, id, "LocalAddressRanges") &&
        (!node(l, c, id, "LocalAddressRanges", "chr", &list) || !read_ranges(l, list, &rule.local)))
        return false;
    if (!node(l, c, id, "RemoteAddressRanges", "chr", &list) || !read_ranges(l, list, &rule.remote))
        return false;
    if (has_node(l, c, id, "App/FilePath") && !node(l, c, id, "App/FilePath", "chr", &rule.program))
        return false;
    *out = rule;
    return true;
}

struct rules {
    struct rule *items;
    size_t n, room;
};

/* The id of a rule of this workspace: the URI's part behind the store's, up to a node. */
static bool rule_id(struct lines *l, str uri, str prefix, str *id, str *rest)
{
    if (!str_starts(uri, rules_uri)) return wrong(l, uri, "a rule of the Firewall CSP");
    str name = str_tail(uri, rules_uri.len);
    (void)str_cut(name, '/', id, rest);
    if (!str_starts(*id, prefix) || id->len == prefix.len)
        return wrong(l, *id, "the name of a rule of this workspace");
    return true;
}

/* Deletes, up to the command behind them. */
static bool read_deletes(struct lines *l, struct command *c, str prefix, struct map *deleted)
{
    for (;;) {
        str id, rest;
        bool fresh = false;
        if (!read_command(l, c)) return false;
        if (c->kind != COMMAND_DELETE) return true;
        if (!str_starts(c->uri, rules_uri)) return true;
        if (!rule_id(l, c->uri, prefix, &id, &rest)) return false;
        if (rest.len) return wrong(l, c->uri, "a whole rule");
        (void)map_put(deleted, l->arena, str_lower(l->arena, id), 1, &fresh);
        if (!fresh) return wrong(l, id, "each rule once");
    }
}

bool mdm_read(str source, bytes content, struct arena *arena, struct ruleset *out, struct err *err)
{
    struct lines l = lines_of(content, arena, err);
    struct command c = {0};
    struct map deleted = {0};
    struct rules rules = {0};
    str workspace;
    if (!read_head(&l, &workspace)) return err_in(err, source);
    str prefix = str_format(arena, "sallyport-%.*s-", STR_ARG(workspace));
    if (!read_deletes(&l, &c, prefix, &deleted)) return err_in(err, source);
    if (c.kind != COMMAND_ATOMIC) {
        (void)wrong(&l, l.line, "the Atomic of the rules");
        return err_in(err, source);
    }
    if (!read_command(&l, &c)) return err_in(err, source);
    while (c.kind == COMMAND_ADD) {
        str id, rest;
        if (!rule_id(&l, c.uri, prefix, &id, &rest)) return err_in(err, source);
        if (!map_find(&deleted, str_lower(arena, id))) {
            (void)wrong(&l, id, "a rule whose older form is deleted before");
            return err_in(err, source);
        }
        arena_grow(arena, rules.items, rules.n, rules.room);
        if (!read_rule(&l, &c, id, &rules.items[rules.n])) return err_in(err, source);
        rules.items[rules.n++].group = prefix;
    }
    if (c.kind != COMMAND_ATOMIC_END) {
        (void)wrong(&l, l.line, "the end of the Atomic");
        return err_in(err, source);
    }
    if (!expect_line(&l, S("<Final/>")) || !read_tail(&l)) return err_in(err, source);
    *out = (struct ruleset){.rules = rules.items, .n = rules.n};
    return true;
}

/* ---- Rollback and settings ----------------------------------------------------------------------
 */

/* A log setting of a profile in the Firewall CSP: one of those that every class gets, or one that
 * only the hardening asks for. */
static bool is_log_setting(str uri, bool of_hardening)
{
    static const str profiles[] = {T("DomainProfile/"), T("PrivateProfile/"), T("PublicProfile/")};
    static const str every[] = {T("EnableLogDroppedPackets"), T("LogMaxFileSize")};
    static const str more[] = {T("EnableLogSuccessConnections"), T("LogFilePath")};
    const str *nodes = of_hardening ? more : every;
    str store = S("./Vendor/MSFT/Firewall/MdmStore/");
    if (!str_starts(uri, store)) return false;
    uri = str_tail(uri, store.len);
    for (size_t p = 0; p < COUNT_OF(profiles); p++)
        for (size_t i = 0; i < COUNT_OF(every); i++)
            if (str_starts(uri, profiles[p]) && str_equal(str_tail(uri, profiles[p].len), nodes[i]))
                return true;
    return false;
}

static bool is_policy(str uri)
{
    return str_starts(uri, S("./Device/Vendor/MSFT/Policy/Config/"));
}

static bool read_rollback(str source, bytes content, str workspace, struct arena *arena,
                          struct target_settings *out, struct err *err)
{
    struct lines l = lines_of(content, arena, err);
    struct command c = {0};
    struct map deleted = {0};
    size_t before = out->n;
    str named;
    if (!read_head(&l, &named)) return err_in(err, source);
    if (!str_equal(named, workspace)) {
        (void)wrong(&l, named, "the rollback of this workspace");
        return err_in(err, source);
    }
    str prefix = str_format(arena, "sallyport-%.*s-", STR_ARG(workspace));
    if (!read_deletes(&l, &c, prefix, &deleted)) return err_in(err, source);
    while (c.kind == COMMAND_DELETE) {
        if (!is_log_setting(c.uri, false)) {
            (void)wrong(&l, c.uri, "a log setting that logging.xml makes");
            return err_in(err, source);
        }
        target_add_setting(out, arena, c.uri, S("deleted"));
        if (!read_command(&l, &c)) return err_in(err, source);
    }
    if (c.kind != COMMAND_FINAL || out->n - before != 2 * (size_t)PROFILE_COUNT) {
        (void)wrong(&l, l.line, "the six log settings, then the end");
        return err_in(err, source);
    }
    return read_tail(&l) || err_in(err, source);
}

bool mdm_read_rollback(str source, bytes content, str workspace, str border_word,
                       struct arena *arena, struct err *err)
{
    struct target_settings settings = {0};
    (void)border_word; /* this dialect has no borders */
    return read_rollback(source, content, workspace, arena, &settings, err);
}

bool mdm_read_undoes(str source, bytes rules, bytes rollback, struct arena *arena, struct err *err)
{
    struct ruleset made = {0};
    struct lines l = lines_of(rollback, arena, err);
    struct command c = {0};
    struct map deleted = {0};
    str workspace;
    if (!mdm_read(source, rules, arena, &made, err)) return false;
    if (!read_head(&l, &workspace) ||
        !read_deletes(&l, &c, str_format(arena, "sallyport-%.*s-", STR_ARG(workspace)), &deleted))
        return err_in(err, source);
    for (size_t i = 0; i < made.n; i++) {
        if (map_find(&deleted, str_lower(arena, made.rules[i].id))) continue;
        (void)err_set(err, ERR_MALFORMED, "expected rule \"%.*s\" to be deleted",
                      STR_ARG(made.rules[i].id));
        return err_in(err, source);
    }
    return true;
}

/* After the head: what is set in which Atomic, or deleted. */
static bool read_settings(struct lines *l, struct target_settings *out)
{
    struct command c = {0};
    unsigned atomics = 0;
    for (bool atomic = false;;) {
        if (!read_command(l, &c)) return false;
        bool hardens = is_policy(c.uri) || is_log_setting(c.uri, true);
        bool good = c.kind == COMMAND_ADD      ? atomic && (hardens || is_log_setting(c.uri, false))
                    : c.kind == COMMAND_DELETE ? !atomic && hardens
                    : c.kind == COMMAND_ATOMIC ? !atomic
                    : c.kind == COMMAND_FINAL  ? !atomic
                                               : atomic;
        if (!good) return wrong(l, l->line, "a log setting or one of the Policy CSP, in an Atomic");
        if (c.kind == COMMAND_FINAL) return read_tail(l);
        if (c.kind == COMMAND_ATOMIC) atomics++;
        atomic = atomic ? c.kind != COMMAND_ATOMIC_END : c.kind == COMMAND_ATOMIC;
        if (c.kind == COMMAND_DELETE) target_add_setting(out, l->arena, c.uri, S("deleted"));
        if (c.kind == COMMAND_ADD)
            target_add_setting(out, l->arena, c.uri,
                               str_format(l->arena, "%.*s | %.*s | Atomic %u", STR_ARG(c.format),
                                          STR_ARG(c.data), atomics));
    }
}

static bool read_part(str source, bytes content, str workspace, struct arena *arena,
                      struct target_settings *out, struct err *err)
{
    struct lines l = lines_of(content, arena, err);
    str named;
    if (!read_head(&l, &named)) return err_in(err, source);
    if (!str_equal(named, workspace)) {
        (void)wrong(&l, named, "settings of this workspace");
        return err_in(err, source);
    }
    return read_settings(&l, out) || err_in(err, source);
}

bool mdm_read_part(str source, bytes content, str workspace, struct arena *arena, struct err *err)
{
    struct target_settings settings = {0};
    return read_part(source, content, workspace, arena, &settings, err);
}

bool mdm_read_settings(str source, bytes content, str workspace, struct arena *arena,
                       struct target_settings *out, struct err *err)
{
    if (str_ends(source, S("/rules.xml"))) return true;
    if (str_ends(source, S("/rollback.xml")))
        return read_rollback(source, content, workspace, arena, out, err);
    return read_part(source, content, workspace, arena, out, err);
}

bool mdm_read_recognise(bytes head)
{
    return str_starts(
        str_of_bytes(head),
        S("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!--\n# sallyport MDM: firewall rules; "));
}
