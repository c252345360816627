/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/rule_file.h"

#define RULE_FORMAT(name) extern const struct rule_format name##_format;
#include "targets/rule_formats.def"
#undef RULE_FORMAT

/* The list ends in NULL, since it may be empty otherwise. */
const struct rule_format *const rule_file_formats[] = {
#define RULE_FORMAT(name) &name##_format,
#include "targets/rule_formats.def"
#undef RULE_FORMAT
    NULL,
};
const size_t rule_file_formats_n = COUNT_OF(rule_file_formats) - 1;

static bool unknown(str source, struct arena *arena, struct err *err)
{
    struct buf known = buf_in(arena);
    for (size_t i = 0; i < rule_file_formats_n; i++)
        buf_format(&known, "%s%.*s", i ? ", " : "", STR_ARG(rule_file_formats[i]->name));
    for (size_t i = 0; i < targets_n; i++)
        buf_format(&known, "%s%.*s", known.len ? ", " : "", STR_ARG(targets[i]->name));
    (void)err_set(err, ERR_UNKNOWN_FORMAT, "expected an artefact or export of one of: %.*s",
                  STR_ARG(buf_text(&known)));
    return err_in(err, source);
}

static const struct rule_format *format_of(bytes content)
{
    bytes head = {content.ptr,
                  content.len < LIMIT_RECOGNISE_BYTES ? content.len : LIMIT_RECOGNISE_BYTES};
    for (size_t i = 0; i < rule_file_formats_n; i++)
        if (rule_file_formats[i]->recognise(head)) return rule_file_formats[i];
    return NULL;
}

bool rule_file_recognise(bytes content)
{
    return format_of(content) || target_recognise(content);
}

bool rule_file_read(str source, bytes content, struct arena *arena, struct rule_file *out,
                    struct err *err)
{
    struct rule_file file = {.engine = ENGINE_WINDOWS};
    const struct rule_format *format = format_of(content);
    if (format) {
        file.format = format->name;
        if (!format->read(source, content, arena, &file, err)) return false;
        *out = file;
        return true;
    }
    file.target = target_recognise(content);
    if (!file.target) return unknown(source, arena, err);
    file.format = file.target->name;
    file.engine = file.target->engine;
    if (!file.target->read(source, content, arena, &file.rules, err)) return false;
    *out = file;
    return true;
}

static uint8_t profiles_in_force(const struct rule_file *file, const struct rule *rule)
{
    uint8_t profiles = rule->profiles;
    for (unsigned p = 0; p < PROFILE_COUNT; p++) {
        const struct profile_state *state = &file->profiles[p];
        bool ignored = rule->store == RULE_STORE_LOCAL && state->local_rules == SAID_NO;
        bool allows = rule->direction == DIRECTION_INBOUND && rule->action != ACTION_BLOCK;
        if (state->firewall_on == SAID_NO || ignored || (state->shields_up == SAID_YES && allows))
            profiles &= (uint8_t) ~(1u << p);
    }
    return profiles;
}

struct ruleset rule_file_certain(const struct rule_file *file, struct arena *arena,
                                 size_t *n_conditional)
{
    struct ruleset certain = file->rules;
    struct rule *kept = arena_array(arena, struct rule, file->rules.n + 1);
    size_t n = 0;
    *n_conditional = 0;
    for (size_t i = 0; i < file->rules.n; i++) {
        struct rule rule = file->rules.rules[i];
        /* That a block beats it is how it is evaluated. */
        bool only_yields = rule.yields && str_equal(rule.only_if, S("not blocked"));
        bool conditional = (rule.only_if.len && !only_yields) || rule.security.len;
        rule.profiles = profiles_in_force(file, &rule);
        *n_conditional += conditional && rule.enabled;
        if (!conditional && rule.profiles) kept[n++] = rule;
    }
    certain.rules = kept;
    certain.n = n;
    return certain;
}
