/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rules_print.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* ---- Cells --------------------------------------------------------------------------------------
 */

/* Each range as an admin writes it. */
static str *range_texts(struct arena *arena, struct prefix_set set, size_t *n)
{
    char first[PREFIX_TEXT], last[ADDR_TEXT];
    str *texts = arena_array(arena, str, set.n + 2);
    *n = 0;
    if (prefix_set_equal(set, (struct prefix_set){&addr_all, 1})) {
        texts[(*n)++] = S("any");
        return texts;
    }
    struct prefix_set parts[] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    struct prefix_set all_v6 = prefix_set_v6(arena, (struct prefix_set){&addr_all, 1});
    bool whole_v6 = prefix_set_equal(parts[1], all_v6);
    if (whole_v6) parts[1] = (struct prefix_set){0};
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t i = 0; i < parts[part].n; i++) {
            struct prefix_set one = {&parts[part].ranges[i], 1};
            size_t n_prefixes;
            struct prefix *p = prefix_set_prefixes(arena, one, &n_prefixes);
            if (n_prefixes == 1) {
                texts[(*n)++] = str_copy(arena, prefix_text(first, p[0]));
                continue;
            }
            str a = addr_text(first, one.ranges[0].first), b = addr_text(last, one.ranges[0].last);
            texts[(*n)++] = str_format(arena, "%.*s-%.*s", STR_ARG(a), STR_ARG(b));
        }
    }
    if (whole_v6) texts[(*n)++] = S("::/0");
    return texts;
}

/* An end of a rule: as the export writes it where words stand in it, else as it is. */
static str *words_texts(struct arena *arena, str words, size_t *n)
{
    str *texts = arena_array(arena, str, words.len / 2 + 1);
    *n = 0;
    while (words.len)
        (void)str_cut(words, ' ', &texts[(*n)++], &words);
    return texts;
}

static str *end_texts(struct arena *arena, str shown, struct prefix_set set, size_t *n)
{
    return shown.len ? words_texts(arena, shown, n) : range_texts(arena, set, n);
}

static str protocol_text(struct arena *arena, const struct rule *rule)
{
    if (rule->transport != TRANSPORT_NONE) return service_transport_text(rule->transport);
    switch (rule->ip_protocol) {
    case 0:
        return S("any");
    case 1:
        return S("icmp");
    case 58:
        return S("icmpv6");
    case IP_PROTOCOL_ZERO:
        return S("0");
    }
    return str_format(arena, "%u", (unsigned)rule->ip_protocol);
}

static str *port_texts(struct arena *arena, const struct rule *rule, size_t *n)
{
    if (rule->shown.ports.len) return words_texts(arena, rule->shown.ports, n);
    str *texts = arena_array(arena, str, rule->n_ports + 1);
    for (size_t i = 0; i < rule->n_ports; i++) {
        unsigned first = rule->ports[i].first, last = rule->ports[i].last;
        texts[i] = first == last ? str_format(arena, "%u", first)
                                 : str_format(arena, "%u-%u", first, last);
    }
    *n = rule->n_ports;
    return texts;
}

static str *profile_texts(struct arena *arena, uint8_t profiles, size_t *n)
{
    str *texts = arena_array(arena, str, PROFILE_COUNT);
    *n = 0;
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (profiles >> p & 1u) texts[(*n)++] = profile_text((enum profile)p);
    return texts;
}

/* All of them, or the first few and how many more; most 0 = all. */
static str joined(struct arena *arena, const str *texts, size_t n, size_t most)
{
    struct buf out = buf_in(arena);
    size_t shown = most && n > most ? most : n;
    for (size_t i = 0; i < shown; i++)
        buf_format(&out, "%s%.*s", i ? " " : "", STR_ARG(texts[i]));
    if (shown < n) buf_format(&out, " +%zu", n - shown);
    return buf_text(&out);
}

/* ---- Output -------------------------------------------------------------------------------------
 */

static void print_list(struct json *json, str key, const str *texts, size_t n)
{
    json_key(json, key);
    json_array(json);
    for (size_t i = 0; i < n; i++)
        json_str(json, texts[i]);
    json_array_end(json);
}

static void print_json_rule(struct json *json, struct arena *arena, str path,
                            const struct rule *rule)
{
    size_t n;
    const str *texts;
    json_object(json);
    json_member_str(json, S("source"), path);
    json_member_u64(json, S("offset"), rule->offset);
    json_member_str(json, S("id"), rule->id);
    json_member_str(json, S("name"), rule->name);
    json_member_str(json, S("group"), rule->group);
    json_member_str(json, S("direction"), direction_text(rule->direction));
    json_member_str(json, S("action"), action_text(rule->action));
    json_member_bool(json, S("active"), rule->enabled);
    texts = profile_texts(arena, rule->profiles, &n);
    print_list(json, S("profiles"), texts, n);
    json_member_str(json, S("protocol"), protocol_text(arena, rule));
    texts = port_texts(arena, rule, &n);
    print_list(json, S("ports"), texts, n);
    texts = end_texts(arena, rule->shown.local, rule->local, &n);
    print_list(json, S("local_addresses"), texts, n);
    texts = end_texts(arena, rule->shown.remote, rule->remote, &n);
    print_list(json, S("remote_addresses"), texts, n);
    json_member_str_or_null(json, S("program"), rule->program);
    json_member_str_or_null(json, S("security"), rule->security);
    json_member_str_or_null(json, S("principals"), rule->principals);
    json_member_str_or_null(json, S("only_if"), rule->only_if);
    json_member_bool(json, S("overrides_blocks"),
                     rule->action == ACTION_ALLOW_IF_SECURE && !rule->yields);
    json_member_str(json, S("store"), rule->store == RULE_STORE_LOCAL ? S("local") : S("policy"));
    json_member_bool(json, S("logs"), rule->logs);
    json_member_str_or_null(json, S("why"), rule->why);
    json_object_end(json);
}

str rules_print_where(struct arena *arena, const struct rules_source *source, size_t rule)
{
    return str_format(arena, "%.*s:%" PRIu64, STR_ARG(source->path),
                      source->file.rules.rules[rule].offset);
}

static str severity_text(enum severity severity)
{
    return severity == SEVERITY_ERROR ? S("error") : S("warning");
}

static void print_json_finding(struct json *json, struct arena *arena,
                               const struct rules_source *source,
                               const struct check_rules_finding *f)
{
    json_object(json);
    json_member_str(json, S("severity"), severity_text(f->severity));
    json_member_str(json, S("kind"), f->kind);
    json_member_str(json, S("where"), rules_print_where(arena, source, f->rule));
    json_member_str(json, S("text"), f->text);
    json_key(json, S("others"));
    json_array(json);
    for (size_t i = 0; i < f->n_others; i++)
        json_str(json, rules_print_where(arena, source, f->others[i]));
    json_array_end(json);
    json_key(json, S("witness"));
    json_object(json);
    json_member_str(json, S("direction"),
                    direction_text(source->file.rules.rules[f->rule].direction));
    json_key(json, S("local"));
    json_addr(json, f->local);
    json_key(json, S("remote"));
    json_addr(json, f->remote);
    json_member_str_or_null(json, S("protocol"),
                            f->transport == TRANSPORT_NONE ? (str){0}
                                                           : service_transport_text(f->transport));
    json_member_u64(json, S("port"), f->port);
    json_member_str(json, S("profile"), profile_text(f->profile));
    json_object_end(json);
    json_object_end(json);
}

static str demand_text(enum security_demand demand)
{
    static const str texts[] = {T("none"), T("request"), T("require")};
    return texts[demand];
}

static void print_json_security(struct json *json, struct arena *arena, str path,
                                const struct security_rule *rule)
{
    size_t n;
    const str *texts;
    json_object(json);
    json_member_str(json, S("source"), path);
    json_member_u64(json, S("offset"), rule->offset);
    json_member_str(json, S("id"), rule->id);
    json_member_str(json, S("name"), rule->name);
    json_member_str(json, S("group"), rule->group);
    json_member_bool(json, S("active"), rule->enabled);
    texts = profile_texts(arena, rule->profiles, &n);
    print_list(json, S("profiles"), texts, n);
    json_member_str(json, S("inbound"), demand_text(rule->inbound));
    json_member_str(json, S("outbound"), demand_text(rule->outbound));
    json_member_bool(json, S("computer_kerberos"), rule->computer_kerberos);
    json_member_bool(json, S("user_kerberos"), rule->user_kerberos);
    texts = range_texts(arena, rule->local, &n);
    print_list(json, S("local_addresses"), texts, n);
    texts = range_texts(arena, rule->remote, &n);
    print_list(json, S("remote_addresses"), texts, n);
    json_member_str_or_null(json, S("only_if"), rule->only_if);
    json_member_str_or_null(json, S("why"), rule->why);
    json_object_end(json);
}

static void print_said(struct json *json, str key, int said)
{
    if (said == SAID_NOTHING)
        json_member_null(json, key);
    else
        json_member_bool(json, key, said == SAID_YES);
}

static str default_text(enum rule_verdict verdict)
{
    if (verdict == RULE_PASSES) return S("allow");
    return verdict == RULE_BLOCKS ? S("block") : (str){0};
}

static bool says_anything(const struct profile_state *p)
{
    return p->firewall_on || p->shields_up || p->local_rules || p->local_security ||
           p->logs_dropped || p->inbound != RULE_UNTOUCHED || p->outbound != RULE_UNTOUCHED ||
           p->log_path.len || p->log_kib;
}

static void print_json_profile(struct json *json, str path, enum profile profile,
                               const struct profile_state *p)
{
    json_object(json);
    json_member_str(json, S("source"), path);
    json_member_str(json, S("profile"), profile_text(profile));
    print_said(json, S("firewall_on"), (int)p->firewall_on);
    print_said(json, S("shields_up"), (int)p->shields_up);
    json_member_str_or_null(json, S("inbound"), default_text(p->inbound));
    json_member_str_or_null(json, S("outbound"), default_text(p->outbound));
    print_said(json, S("local_rules"), (int)p->local_rules);
    print_said(json, S("local_security_rules"), (int)p->local_security);
    print_said(json, S("logs_dropped"), (int)p->logs_dropped);
    json_member_str_or_null(json, S("log_path"), p->log_path);
    if (p->log_kib)
        json_member_u64(json, S("log_kib"), p->log_kib);
    else
        json_member_null(json, S("log_kib"));
    json_object_end(json);
}

static void print_json_problem(struct json *json, str path, const struct rule_problem *problem)
{
    json_object(json);
    json_member_str(json, S("source"), path);
    json_member_u64(json, S("offset"), problem->offset);
    if (problem->line)
        json_member_u64(json, S("line"), problem->line);
    else
        json_member_null(json, S("line"));
    json_member_str(json, S("text"), problem->text);
    json_object_end(json);
}

/* Beside rules: what only some formats have; the lists are there in any case. */
static void print_json_others(struct json *json, struct arena *arena,
                              const struct rules_source *sources, size_t n)
{
    json_key(json, S("security_rules"));
    json_array(json);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.rules.n_security; j++)
            print_json_security(json, arena, sources[i].path, &sources[i].file.rules.security[j]);
    json_array_end(json);
    json_key(json, S("profiles"));
    json_array(json);
    for (size_t i = 0; i < n; i++)
        for (unsigned p = 0; p < PROFILE_COUNT; p++)
            if (says_anything(&sources[i].file.profiles[p]))
                print_json_profile(json, sources[i].path, (enum profile)p,
                                   &sources[i].file.profiles[p]);
    json_array_end(json);
    json_key(json, S("problems"));
    json_array(json);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.n_problems; j++)
            print_json_problem(json, sources[i].path, &sources[i].file.problems[j]);
    json_array_end(json);
    json_key(json, S("files"));
    json_array(json);
    for (size_t i = 0; i < n; i++) {
        json_object(json);
        json_member_str(json, S("source"), sources[i].path);
        json_member_str(json, S("format"), sources[i].file.format);
        json_object_end(json);
    }
    json_array_end(json);
}

void rules_print_json(struct invocation *call, const struct rules_source *sources, size_t n,
                      bool is_check)
{
    struct json json = json_to(call->out);
    json_object(&json);
    json_key(&json, S("rules"));
    json_array(&json);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.rules.n; j++)
            print_json_rule(&json, call->arena, sources[i].path, &sources[i].file.rules.rules[j]);
    json_array_end(&json);
    print_json_others(&json, call->arena, sources, n);
    if (is_check) {
        json_key(&json, S("findings"));
        json_array(&json);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < sources[i].n_found; j++)
                print_json_finding(&json, call->arena, &sources[i], &sources[i].found[j]);
        json_array_end(&json);
    }
    json_object_end(&json);
    buf_char(call->out, '\n');
}

/* ---- Text and CSV -------------------------------------------------------------------------------
 */

/* Program, security, who, and what else: in one cell of the text. */
static str conditions_text(struct arena *arena, const struct rule *rule)
{
    const struct {
        const char *label;
        str text;
    } parts[] = {
        {"",           rule->security  },
        {"computers ", rule->principals},
        {"",           rule->only_if   },
        {"program ",   rule->program   },
    };
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!parts[i].text.len) continue;
        if (buf_text(&out).len) buf_str(&out, S("; "));
        buf_str(&out, str_of(parts[i].label));
        buf_str(&out, parts[i].text);
    }
    return buf_text(&out);
}

static void add_rule(struct table *table, struct arena *arena, const struct rules_source *source,
                     const struct rule *rule, size_t shown)
{
    size_t n;
    const str *texts;
    table_add(table, source->path);
    table_add_u64(table, rule->offset);
    table_add(table, direction_text(rule->direction));
    table_add_toned(table, action_text(rule->action),
                    rule->action == ACTION_BLOCK ? TONE_BAD : TONE_GOOD);
    table_add(table, rule->enabled ? S("yes") : S("no"));
    texts = profile_texts(arena, rule->profiles, &n);
    table_add(table, joined(arena, texts, n, 0));
    table_add(table, protocol_text(arena, rule));
    texts = port_texts(arena, rule, &n);
    table_add(table, joined(arena, texts, n, 0));
    texts = end_texts(arena, rule->shown.local, rule->local, &n);
    table_add(table, joined(arena, texts, n, shown));
    texts = end_texts(arena, rule->shown.remote, rule->remote, &n);
    table_add(table, joined(arena, texts, n, shown));
    table_add(table, rule->group);
    table_add(table, rule->id);
}

#define RULE_COLUMNS                                                                               \
    {T("source"), ALIGN_LEFT, 0}, {T("offset"), ALIGN_RIGHT, 0}, {T("direction"), ALIGN_LEFT, 0},  \
        {T("action"), ALIGN_LEFT, 0}, {T("active"), ALIGN_LEFT, 0},                                \
        {T("profiles"), ALIGN_LEFT, 0}, {T("protocol"), ALIGN_LEFT, 0},                            \
        {T("ports"), ALIGN_LEFT, 0}, {T("local"), ALIGN_LEFT, 0}, {T("remote"), ALIGN_LEFT, 0},    \
        {T("group"), ALIGN_LEFT, 0},                                                               \
    {                                                                                              \
        T("id"), ALIGN_LEFT, 0                                                                     \
    }

static void print_csv_rules(struct invocation *call, const struct rules_source *sources, size_t n)
{
    static const struct table_column columns[] = {
        RULE_COLUMNS,
        {T("name"),       ALIGN_LEFT, 0},
        {T("program"),    ALIGN_LEFT, 0},
        {T("security"),   ALIGN_LEFT, 0},
        {T("principals"), ALIGN_LEFT, 0},
        {T("only_if"),    ALIGN_LEFT, 0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.rules.n; j++) {
            const struct rule *rule = &sources[i].file.rules.rules[j];
            add_rule(&table, call->arena, &sources[i], rule, 0);
            table_add(&table, rule->name);
            table_add(&table, rule->program);
            table_add(&table, rule->security);
            table_add(&table, rule->principals);
            table_add(&table, rule->only_if);
        }
    table_print_csv(&table, call->out);
}

static void print_text_rules(struct invocation *call, const struct rules_source *sources, size_t n)
{
    enum { SHOWN = 3, CONDITIONS = 100, NAME = 50 };
    static const struct table_column columns[] = {
        RULE_COLUMNS,
        {T("name"),    ALIGN_LEFT, NAME      },
        {T("only if"), ALIGN_LEFT, CONDITIONS},
    };
    bool exports = false;
    for (size_t i = 0; i < n; i++) {
        exports = exports || !sources[i].file.target;
        for (size_t j = 0; j < sources[i].file.rules.n && !exports; j++)
            exports = conditions_text(call->arena, &sources[i].file.rules.rules[j]).len > 0;
    }
    struct table table = table_of(call->arena, columns, COUNT_OF(columns) - (exports ? 0 : 2));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.rules.n; j++) {
            const struct rule *rule = &sources[i].file.rules.rules[j];
            add_rule(&table, call->arena, &sources[i], rule, SHOWN);
            if (!exports) continue;
            table_add(&table, rule->name);
            table_add(&table, conditions_text(call->arena, rule));
        }
    if (table.n_cells)
        table_print_text(&table, call->out, call->colour);
    else
        buf_str(call->out, S("no firewall rules\n"));
}

static str kerberos_text(const struct security_rule *rule)
{
    if (rule->computer_kerberos) return rule->user_kerberos ? S("computer, user") : S("computer");
    return rule->user_kerberos ? S("user") : (str){0};
}

static void print_text_security(struct invocation *call, const struct rules_source *sources,
                                size_t n)
{
    enum { SHOWN = 3, CONDITIONS = 100 };
    static const struct table_column columns[] = {
        {T("source"),   ALIGN_LEFT,  0         },
        {T("offset"),   ALIGN_RIGHT, 0         },
        {T("inbound"),  ALIGN_LEFT,  0         },
        {T("outbound"), ALIGN_LEFT,  0         },
        {T("active"),   ALIGN_LEFT,  0         },
        {T("profiles"), ALIGN_LEFT,  0         },
        {T("kerberos"), ALIGN_LEFT,  0         },
        {T("local"),    ALIGN_LEFT,  0         },
        {T("remote"),   ALIGN_LEFT,  0         },
        {T("name"),     ALIGN_LEFT,  0         },
        {T("only if"),  ALIGN_LEFT,  CONDITIONS},
    };
    struct arena *arena = call->arena;
    struct table table = table_of(arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sources[i].file.rules.n_security; j++) {
            const struct security_rule *rule = &sources[i].file.rules.security[j];
            size_t n_texts;
            const str *texts;
            table_add(&table, sources[i].path);
            table_add_u64(&table, rule->offset);
            table_add(&table, demand_text(rule->inbound));
            table_add(&table, demand_text(rule->outbound));
            table_add(&table, rule->enabled ? S("yes") : S("no"));
            texts = profile_texts(arena, rule->profiles, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, 0));
            table_add(&table, kerberos_text(rule));
            texts = range_texts(arena, rule->local, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, SHOWN));
            texts = range_texts(arena, rule->remote, &n_texts);
            table_add(&table, joined(arena, texts, n_texts, SHOWN));
            table_add(&table, rule->name);
            table_add(&table, rule->only_if);
        }
    if (!table.n_cells) return;
    buf_str(call->out, S("\nconnection security rules\n"));
    table_print_text(&table, call->out, call->colour);
}

static str said_text(int said)
{
    return said == SAID_YES ? S("yes") : said == SAID_NO ? S("no") : (str){0};
}

static void print_text_profiles(struct invocation *call, const struct rules_source *sources,
                                size_t n)
{
    static const struct table_column columns[] = {
        {T("source"),       ALIGN_LEFT,  0},
        {T("profile"),      ALIGN_LEFT,  0},
        {T("firewall on"),  ALIGN_LEFT,  0},
        {T("shields up"),   ALIGN_LEFT,  0},
        {T("inbound"),      ALIGN_LEFT,  0},
        {T("outbound"),     ALIGN_LEFT,  0},
        {T("local rules"),  ALIGN_LEFT,  0},
        {T("logs dropped"), ALIGN_LEFT,  0},
        {T("KiB"),          ALIGN_RIGHT, 0},
        {T("log"),          ALIGN_LEFT,  0},
    };
    struct table table = table_of(call->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < n; i++)
        for (unsigned profile = 0; profile < PROFILE_COUNT; profile++) {
            const struct profile_state *p = &sources[i].file.profiles[profile];
            if (!says_anything(p)) continue;
            table_add(&table, sources[i].path);
            table_add(&table, profile_text((enum profile)profile));
            table_add_toned(&table, said_text((int)p->firewall_on),
                            p->firewall_on == SAID_NO ? TONE_BAD : TONE_PLAIN);
            table_add(&table, said_text((int)p->shields_up));
            table_add(&table, default_text(p->inbound));
            table_add(&table, default_text(p->outbound));
            table_add(&table, said_text((int)p->local_rules));
            table_add(&table, said_text((int)p->logs_dropped));
            table_add(&table,
                      p->log_kib ? str_format(call->arena, "%" PRIu32, p->log_kib) : (str){0});
            table_add(&table, p->log_path);
        }
    if (!table.n_cells) return;
    buf_str(call->out, S("\nprofiles\n"));
    table_print_text(&table, call->out, call->colour);
}

void rules_print_table(struct invocation *call, const struct rules_source *sources, size_t n)
{
    if (call->format == FORMAT_CSV) {
        print_csv_rules(call, sources, n);
        return;
    }
    print_text_rules(call, sources, n);
    print_text_security(call, sources, n);
    print_text_profiles(call, sources, n);
}

void rules_print_problems(struct invocation *call, const struct rules_source *source)
{
    enum { SHOWN = 100 };
    const struct rule_problem *problems = source->file.problems;
    size_t n = source->file.n_problems;
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        str place = problems[i].line ? str_format(call->arena, "%.*s:%" PRIu32 ": ",
                                                  STR_ARG(source->path), problems[i].line)
                                     : str_format(call->arena, "%.*s: offset %" PRIu64 ": ",
                                                  STR_ARG(source->path), problems[i].offset);
        table_tone(call->talk, place, TONE_PLAIN, call->talk_colour);
        table_tone(call->talk, S("warning: "), TONE_WARN, call->talk_colour);
        table_tone(call->talk, problems[i].text, TONE_PLAIN, call->talk_colour);
        buf_char(call->talk, '\n');
    }
    if (n > SHOWN)
        buf_format(call->talk, "%.*s: %zu more are not listed\n", STR_ARG(source->path), n - SHOWN);
}
