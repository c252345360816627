/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewalld_read.h"

#include "base/map.h"
#include "base/xml.h"
#include "targets/own_spelling.h"

enum { IPSET_NAME_BYTES = 31, PRIORITY_LEAST = -32768 };

struct ipset {
    struct prefix_set set;
    bool v4, v6; /* what its entries are */
};

/* A rich rule and where in the order it stands. */
struct rich_rule {
    struct rule rule;
    int64_t priority;
};

struct script {
    bytes content;
    size_t at; /* of the next line */
    struct ipset *ipsets;
    size_t n_ipsets, ipsets_room;
    struct map ipset_numbers;
    struct rich_rule *rules;
    size_t n, room;
    struct arena *arena;
    struct err *err;
};

/* ---- Lines of the script ------------------------------------------------------------------------
 */

static uint32_t line_of(const struct script *s, uint64_t offset)
{
    uint32_t line = 1;
    for (size_t i = 0; i < offset && i < s->content.len; i++)
        line += s->content.ptr[i] == '\n';
    return line;
}

static bool unexpected(struct script *s, uint64_t offset, const char *wanted, str found)
{
    return err_line(s->err, ERR_MALFORMED, line_of(s, offset), 1, "expected %s, found \"%.*s\"",
                    wanted, STR_ARG(str_utf8(s->arena, str_head(found, 60))));
}

/* The line at s->at, without its end. */
static str this_line(const struct script *s)
{
    str rest = str_tail(str_of_bytes(s->content), s->at), line, more;
    (void)str_cut(rest, '\n', &line, &more);
    return line;
}

static void step(struct script *s, str line)
{
    s->at += line.len;
    if (s->at < s->content.len) s->at++;
}

static void skip_comments(struct script *s)
{
    for (str line = this_line(s); str_starts(line, S("#")); line = this_line(s))
        step(s, line);
}

/* The lines must stand here, with nothing but comments between them. */
static bool expect_lines(struct script *s, const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        skip_comments(s);
        str line = this_line(s);
        if (!str_equal(line, str_of(lines[i]))) return unexpected(s, s->at, lines[i], line);
        bool ends = s->at + line.len < s->content.len;
        if (!ends) return unexpected(s, s->at, "the end of the line", S("the end of the file"));
        step(s, line);
    }
    return true;
}

/* A here-document up to its mark. */
static bool take_document(struct script *s, bytes *out)
{
    size_t from = s->at;
    while (s->at < s->content.len) {
        str line = this_line(s);
        size_t here = s->at;
        step(s, line);
        if (!str_equal(line, S("SALLYPORT"))) continue;
        *out = (bytes){s->content.ptr + from, here - from};
        return true;
    }
    return unexpected(s, s->at, "SALLYPORT after a document", S("the end of the file"));
}

/* ---- Documents ----------------------------------------------------------------------------------
 */

/* What one document says while it is read; the first thing amiss is kept. */
struct document {
    struct script *script;
    bool bad;
    uint64_t at; /* of the last tag */
    size_t depth;
    str parent; /* of the element that is open: its name; empty at the top */
    /* An ipset. */
    bool v4, has_family;
    struct range *ranges;
    size_t n, room;
    /* A policy. */
    bool inbound, has_ingress, has_egress;
    struct rich_rule rule; /* the one that is open */
    bool in_rule, has_port, has_verdict, has_log, v6_rule, has_rule_family;
    bool has_source, has_destination;
};

static void amiss(struct document *d, const char *wanted, str found)
{
    if (!d->bad) (void)unexpected(d->script, d->at, wanted, found);
    d->bad = true;
}

struct attributes {
    const struct xml_attribute *items;
    size_t n;
};

static str value_of(struct attributes attributes, const char *name)
{
    return xml_attribute_of(attributes.items, attributes.n, str_of(name));
}

/* Exactly these attributes, parted by single blanks. */
static bool has_only(struct document *d, str element, struct attributes attributes,
                     const char *names)
{
    str left = str_of(names);
    size_t n_names = 0, n_found = 0;
    while (left.len) {
        str name;
        (void)str_cut(left, ' ', &name, &left);
        n_names++;
        for (size_t i = 0; i < attributes.n; i++)
            n_found += str_equal(attributes.items[i].name, name);
    }
    if (n_found == n_names && n_names == attributes.n && !d->bad) return true;
    amiss(d, names, element);
    return false;
}

static bool is_attribute(struct document *d, struct attributes attributes, const char *name,
                         const char *value)
{
    str found = value_of(attributes, name);
    if (str_equal(found, str_of(value))) return true;
    amiss(d, value, found);
    return false;
}

/* ---- Ipsets -------------------------------------------------------------------------------------
 */

static void ipset_begin(void *to, str name, const struct xml_attribute *items, size_t n,
                        uint64_t offset)
{
    struct document *d = to;
    struct attributes attributes = {items, n};
    d->at = offset;
    d->depth++;
    if (d->bad) return;
    if (d->depth == 1 && str_equal(name, S("ipset"))) {
        if (has_only(d, name, attributes, "type"))
            (void)is_attribute(d, attributes, "type", "hash:net");
    } else if (d->depth == 2 && str_equal(name, S("option")) && !d->has_family) {
        str family = value_of(attributes, "value");
        if (!has_only(d, name, attributes, "name value") ||
            !is_attribute(d, attributes, "name", "family"))
            return;
        d->has_family = true;
        d->v4 = str_equal(family, S("inet"));
        if (!d->v4 && !str_equal(family, S("inet6"))) amiss(d, "inet or inet6", family);
    } else if (d->depth != 2 || n ||
               (!str_equal(name, S("entry")) && !str_equal(name, S("short")))) {
        amiss(d, "an ipset of entries", name);
    }
    d->parent = str_equal(name, S("entry")) ? S("entry") : (str){0};
    if (str_equal(name, S("short"))) d->parent = S("short");
}

static void ipset_text(void *to, str text, bool is_cut)
{
    struct document *d = to;
    struct prefix p;
    if (d->bad || str_equal(d->parent, S("short"))) return;
    if (is_cut || !str_equal(d->parent, S("entry")) || !prefix_parse(text, &p) ||
        prefix_has_host_bits(p) || !d->has_family || addr_is_v4(p.addr) != d->v4 ||
        !own_spelling_of(text, prefix_range(p))) {
        amiss(d, "an address or a prefix of the ipset's family", text);
        return;
    }
    struct arena *arena = d->script->arena;
    if (d->n && addr_compare(d->ranges[d->n - 1].last, p.addr) >= 0)
        amiss(d, "an address behind those before it", text);
    arena_grow(arena, d->ranges, d->n, d->room);
    d->ranges[d->n++] = prefix_range(p);
}

static void document_end(void *to, str name)
{
    struct document *d = to;
    (void)name;
    d->depth--;
    d->parent = (str){0};
}

/* ---- Policies -----------------------------------------------------------------------------------
 */

/* The remark right before a rule is its id. */
static str id_before(const struct script *s, uint64_t offset)
{
    str before = str_trim(str_head(str_of_bytes(s->content), offset)), end = S(" -->");
    if (!str_ends(before, end)) return S("without a name");
    before.len -= end.len;
    size_t from = before.len;
    while (from && before.ptr[from - 1] != '\n')
        from--;
    str line = str_trim(str_tail(before, from)), mark = S("<!-- ");
    return str_starts(line, mark) ? str_tail(line, mark.len) : S("without a name");
}

static void rule_begin(struct document *d, struct attributes attributes)
{
    struct script *s = d->script;
    str family = value_of(attributes, "family"), text = value_of(attributes, "priority");
    uint64_t priority = 0;
    d->in_rule = true;
    d->has_port = d->has_verdict = d->has_log = d->has_source = d->has_destination = false;
    d->has_rule_family = family.len > 0;
    d->v6_rule = str_equal(family, S("ipv6"));
    if (!has_only(d, S("rule"), attributes, family.len ? "family priority" : "priority")) return;
    if (family.len && !d->v6_rule && !str_equal(family, S("ipv4")))
        amiss(d, "ipv4 or ipv6", family);
    /* From 0 on rules of other kinds, and then zones, come between. */
    if (!str_starts(text, S("-")) || !str_u64(str_tail(text, 1), -PRIORITY_LEAST, &priority) ||
        !priority)
        amiss(d, "a priority below 0", text);
    d->rule = (struct rich_rule){
        .rule =
            {
                   .id = id_before(s, d->at),
                   .group = S("firewalld sallyport"),
                   .direction = d->inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND,
                   .profiles = 1u << PROFILE_DOMAIN,
                   .enabled = true,
                   .local = {&addr_all, 1},
                   .remote = {&addr_all, 1},
                   .offset = d->at,
                   },
        .priority = -(int64_t)priority,
    };
    d->rule.rule.name = d->rule.rule.id;
}

static void rule_end_of(struct document *d, bool source, struct attributes attributes)
{
    struct script *s = d->script;
    bool *has = source ? &d->has_source : &d->has_destination;
    str name = value_of(attributes, "ipset");
    if (!has_only(d, source ? S("source") : S("destination"), attributes, "ipset")) return;
    const uint64_t *number = map_find(&s->ipset_numbers, name);
    if (!number || *has || !d->has_rule_family ||
        (d->v6_rule ? s->ipsets[*number].v4 : s->ipsets[*number].v6)) {
        amiss(d, "one ipset from above of the rule's family", name);
        return;
    }
    *has = true;
    bool local = source != d->inbound;
    *(local ? &d->rule.rule.local : &d->rule.rule.remote) = s->ipsets[*number].set;
}

static bool read_number(str text, uint16_t *out)
{
    uint64_t port = 0;
    if (!str_u64(text, UINT16_MAX, &port) || !port || text.ptr[0] == '0') return false;
    *out = (uint16_t)port;
    return true;
}

static void rule_port(struct document *d, struct attributes attributes)
{
    struct service_port p = {0};
    str first, last, text = value_of(attributes, "port");
    str protocol = value_of(attributes, "protocol");
    if (!has_only(d, S("port"), attributes, "port protocol")) return;
    bool is_range = str_cut(text, '-', &first, &last);
    if (d->has_port || !read_number(first, &p.first) ||
        !read_number(is_range ? last : first, &p.last) || p.last < p.first)
        amiss(d, "one port or one range of ports", text);
    p.transport = str_equal(protocol, S("tcp")) ? TRANSPORT_TCP : TRANSPORT_UDP;
    if (p.transport == TRANSPORT_UDP && !str_equal(protocol, S("udp")))
        amiss(d, "tcp or udp", protocol);
    d->has_port = true;
    d->rule.rule.transport = p.transport;
    rule_add_port(&d->rule.rule, d->script->arena, p);
}

static void rule_log(struct document *d, struct attributes attributes)
{
    if (!has_only(d, S("log"), attributes, "prefix level") || d->has_log) {
        amiss(d, "one log", S("another"));
        return;
    }
    if (!str_starts(value_of(attributes, "prefix"), S("sallyport-")))
        amiss(d, "a log prefix of ours", value_of(attributes, "prefix"));
    d->has_log = d->rule.rule.logs = true;
}

static void rule_verdict(struct document *d, str name, struct attributes attributes)
{
    if (attributes.n || d->has_verdict) amiss(d, "one verdict without conditions", name);
    d->has_verdict = true;
    d->rule.rule.action = str_equal(name, S("accept")) ? ACTION_ALLOW : ACTION_BLOCK;
}

/* An element inside a rule, or inside its log. */
static void rule_part(struct document *d, str name, struct attributes attributes)
{
    if (d->depth == 4 && str_equal(name, S("limit")) && d->has_log && !d->has_verdict) {
        if (has_only(d, name, attributes, "value"))
            (void)is_attribute(d, attributes, "value", "10/s");
        return;
    }
    if (d->depth != 3)
        amiss(d, "the end of an element", name);
    else if (str_equal(name, S("source")) || str_equal(name, S("destination")))
        rule_end_of(d, str_equal(name, S("source")), attributes);
    else if (str_equal(name, S("port")))
        rule_port(d, attributes);
    else if (str_equal(name, S("log")))
        rule_log(d, attributes);
    else if (str_equal(name, S("accept")) || str_equal(name, S("drop")) ||
             str_equal(name, S("reject")))
        rule_verdict(d, name, attributes);
    else
        amiss(d, "source, destination, port, log, accept, drop or reject", name);
}

static void policy_top(struct document *d, struct attributes attributes)
{
    uint64_t priority = 0;
    str text = value_of(attributes, "priority");
    if (!has_only(d, S("policy"), attributes, "target priority") ||
        !is_attribute(d, attributes, "target", "CONTINUE"))
        return;
    /* From 0 on zones would be asked first. */
    if (!str_starts(text, S("-")) || !str_u64(str_tail(text, 1), -PRIORITY_LEAST, &priority) ||
        !priority)
        amiss(d, "a priority below 0", text);
}

static void policy_begin(void *to, str name, const struct xml_attribute *items, size_t n,
                         uint64_t offset)
{
    struct document *d = to;
    struct attributes attributes = {items, n};
    d->at = offset;
    d->depth++;
    d->parent = (str){0};
    if (d->bad) return;
    if (d->depth == 1 && str_equal(name, S("policy"))) {
        policy_top(d, attributes);
    } else if (d->depth > 2 && d->in_rule) {
        rule_part(d, name, attributes);
    } else if (d->depth == 2 && str_equal(name, S("rule"))) {
        rule_begin(d, attributes);
    } else if (d->depth == 2 && str_equal(name, S("short")) && !n) {
        d->parent = S("short");
    } else if (d->depth == 2 && str_equal(name, S("ingress-zone")) && !d->has_ingress) {
        d->has_ingress = has_only(d, name, attributes, "name") &&
                         is_attribute(d, attributes, "name", d->inbound ? "ANY" : "HOST");
    } else if (d->depth == 2 && str_equal(name, S("egress-zone")) && !d->has_egress) {
        d->has_egress = has_only(d, name, attributes, "name") &&
                        is_attribute(d, attributes, "name", d->inbound ? "HOST" : "ANY");
    } else {
        amiss(d, "a policy of zones and rules", name);
    }
}

static void policy_text(void *to, str text, bool is_cut)
{
    struct document *d = to;
    (void)is_cut;
    if (!d->bad && !str_equal(d->parent, S("short"))) amiss(d, "an element", text);
}

static void policy_end(void *to, str name)
{
    struct document *d = to;
    struct script *s = d->script;
    bool is_rule = d->depth == 2 && d->in_rule;
    document_end(to, name);
    if (!is_rule || d->bad) return;
    d->in_rule = false;
    bool blocks = d->rule.rule.action == ACTION_BLOCK;
    bool has_end = d->has_source || d->has_destination;
    if (!d->has_port || !d->has_verdict || blocks != d->has_log || has_end != d->has_rule_family) {
        amiss(d, "a rule with a port, a verdict, a log if it stops, a family if it has an ipset",
              d->rule.rule.id);
        return;
    }
    arena_grow(s->arena, s->rules, s->n, s->room);
    s->rules[s->n++] = d->rule;
}

/* ---- The script ---------------------------------------------------------------------------------
 */

static bool read_xml(struct script *s, struct document *d, const struct xml_handler *handler)
{
    struct err err = {0};
    bytes content;
    uint64_t offset = s->at;
    if (!take_document(s, &content)) return false;
    struct xml *xml = xml_open(s->arena, handler, offset);
    bool whole = xml_feed(xml, content, true, &err);
    xml_close(xml);
    if (d->bad) return false;
    if (whole) return true;
    uint64_t at = err.place == ERR_PLACE_OFFSET ? err.offset : offset;
    return err_line(s->err, ERR_MALFORMED, line_of(s, at), 1, "%s", err.text);
}

/* "cat >"$to/ipsets/NAME.xml" <<'SALLYPORT'"; false when the line is another. */
static bool ipset_line(str line, str *out)
{
    str head = S("cat >\"$to/ipsets/"), tail = S(".xml\" <<'SALLYPORT'");
    if (!str_starts(line, head) || !str_ends(line, tail) || line.len < head.len + tail.len)
        return false;
    *out = str_head(str_tail(line, head.len), line.len - head.len - tail.len);
    return true;
}

static bool is_our_name(str name)
{
    if (!str_starts(name, S("sallyport-")) || name.len > IPSET_NAME_BYTES) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

static bool read_ipset(struct script *s, str name, str line)
{
    struct document d = {.script = s};
    const struct xml_handler handler = {&d, ipset_begin, ipset_text, document_end};
    bool fresh = false;
    if (!is_our_name(name)) return unexpected(s, s->at, "an ipset of ours", name);
    (void)map_put(&s->ipset_numbers, s->arena, name, s->n_ipsets, &fresh);
    if (!fresh) return unexpected(s, s->at, "an ipset of another name", name);
    step(s, line);
    if (!read_xml(s, &d, &handler)) return false;
    if (!d.has_family) return unexpected(s, d.at, "an ipset with a family", name);
    arena_grow(s->arena, s->ipsets, s->n_ipsets, s->ipsets_room);
    s->ipsets[s->n_ipsets++] = (struct ipset){
        .set = prefix_set_of(s->arena, d.ranges, d.n),
        .v4 = d.v4,
        .v6 = !d.v4,
    };
    return true;
}

static int rich_order(const void *left, const void *right)
{
    const struct rich_rule *a = left, *b = right;
    if (a->priority != b->priority) return a->priority < b->priority ? -1 : 1;
    return (a->rule.offset > b->rule.offset) - (a->rule.offset < b->rule.offset);
}

/* firewalld promises no order among rules of one priority, so these must not depend on one. */
static bool sort_rules(struct script *s, size_t from)
{
    size_t n = s->n - from;
    if (n < 2) return true;
    struct rich_rule *rules = s->rules + from;
    qsort(rules, n, sizeof *rules, rich_order);
    for (size_t i = 1; i < n; i++)
        if (rules[i].priority == rules[i - 1].priority &&
            rules[i].rule.action != rules[i - 1].rule.action)
            return unexpected(s, rules[i].rule.offset, "rules of one priority to have one verdict",
                              rules[i].rule.id);
    return true;
}

static bool read_policy(struct script *s, bool inbound)
{
    static const char *const lines[] = {
        "cat >\"$to/policies/sallyport-out.xml\" <<'SALLYPORT'",
        "cat >\"$to/policies/sallyport-in.xml\" <<'SALLYPORT'",
    };
    struct document d = {.script = s, .inbound = inbound};
    const struct xml_handler handler = {&d, policy_begin, policy_text, policy_end};
    size_t from = s->n;
    if (!expect_lines(s, &lines[inbound], 1) || !read_xml(s, &d, &handler)) return false;
    if (!d.has_ingress || !d.has_egress)
        return unexpected(s, d.at, "an ingress zone and an egress zone", S("a policy without"));
    return sort_rules(s, from);
}

static struct script script_of(bytes content, struct arena *arena, struct err *err)
{
    return (struct script){.content = content, .arena = arena, .err = err};
}

static bool is_printable(struct script *s)
{
    for (size_t i = 0; i < s->content.len; i++) {
        uint8_t c = s->content.ptr[i];
        if ((c < ' ' || c > '~') && c != '\n')
            return unexpected(s, i, "printable ASCII", S("another byte"));
    }
    return true;
}

static bool at_the_end(struct script *s)
{
    skip_comments(s);
    if (s->at == s->content.len) return true;
    return unexpected(s, s->at, "the end of the file", this_line(s));
}

static bool read_script(struct script *s)
{
    static const char *const before[] = {
        "set -eu",
        "to=${1:-/etc/firewalld}",
        "mkdir -p \"$to/ipsets\" \"$to/policies\"",
        "rm -f \"$to\"/ipsets/sallyport-*.xml \"$to\"/policies/sallyport-*.xml",
    };
    static const char *const after[] = {
        "[ $# = 0 ] || exit 0",
        "said=$(firewall-cmd --check-config 2>&1) || { echo \"$said\" >&2; exit 1; }",
        "case $said in *INVALID*) echo \"$said\" >&2; exit 1 ;; esac",
        "firewall-cmd --reload",
    };
    if (!is_printable(s) || !expect_lines(s, before, COUNT_OF(before))) return false;
    for (str name, line = this_line(s); ipset_line(line, &name); line = this_line(s))
        if (!read_ipset(s, name, line)) return false;
    return read_policy(s, true) && read_policy(s, false) &&
           expect_lines(s, after, COUNT_OF(after)) && at_the_end(s);
}

bool firewalld_read(str source, bytes content, struct arena *arena, struct ruleset *out,
                    struct err *err)
{
    struct script s = script_of(content, arena, err);
    if (!read_script(&s)) return err_in(err, source);
    struct rule *rules = arena_array(arena, struct rule, s.n + 1);
    for (size_t i = 0; i < s.n; i++)
        rules[i] = s.rules[i].rule;
    *out = (struct ruleset){.rules = rules, .n = s.n};
    return true;
}

bool firewalld_read_rollback(str source, bytes content, str workspace, str border_word,
                             struct arena *arena, struct err *err)
{
    static const char *const lines[] = {
        "set -eu",
        "to=${1:-/etc/firewalld}",
        "rm -f \"$to\"/ipsets/sallyport-*.xml \"$to\"/policies/sallyport-*.xml",
        "[ $# = 0 ] || exit 0",
        "firewall-cmd --reload",
    };
    struct script s = script_of(content, arena, err);
    (void)workspace, (void)border_word; /* a machine has one set of ours */
    bool good = is_printable(&s) && expect_lines(&s, lines, COUNT_OF(lines)) && at_the_end(&s);
    return good || err_in(err, source);
}

bool firewalld_read_recognise(bytes head)
{
    return str_starts(str_of_bytes(head), S("#!/bin/sh\n# sallyport: firewalld policies "));
}
