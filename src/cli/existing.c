/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/existing.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

enum { PROBLEMS_TOLD = 20 };

/* ---- Reading ------------------------------------------------------------------------------------
 */

static void warn(struct invocation *call, str text)
{
    table_tone(call->talk, S("sallyport: warning: "), TONE_WARN, call->talk_colour);
    buf_str(call->talk, text);
    buf_char(call->talk, '\n');
}

static void tell_problems(struct invocation *call, const struct existing_file *file)
{
    for (size_t i = 0; i < file->file.n_problems && i < PROBLEMS_TOLD; i++)
        warn(call, str_format(call->arena, "%.*s: %.*s; it may be in the way", STR_ARG(file->path),
                              STR_ARG(file->file.problems[i].text)));
    if (file->file.n_problems > PROBLEMS_TOLD)
        warn(call, str_format(call->arena, "%.*s: %zu more rules can't be understood",
                              STR_ARG(file->path), file->file.n_problems - PROBLEMS_TOLD));
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (file->file.profiles[p].firewall_on == SAID_NO)
            warn(call, str_format(call->arena,
                                  "%.*s: the firewall is off in profile %.*s: no rule holds there",
                                  STR_ARG(file->path), STR_ARG(profile_text((enum profile)p))));
}

bool existing_read(struct invocation *call, struct existing *out, struct err *err)
{
    size_t n = 0;
    str *given = option_texts(call, S("existing"), &n);
    struct existing_file *files = arena_array(call->arena, struct existing_file, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct existing_file *file = &files[i];
        bytes content = {0};
        file->path = given[i];
        /* A file's own name may have the sign too. */
        if (call->os->kind(call->os->self, given[i]) != OS_FILE) {
            str name, path;
            if (str_cut(given[i], '=', &name, &path)) {
                file->name = name;
                file->path = path;
            }
        }
        if (!os_read_all(call->os, file->path, LIMIT_ARTEFACT_BYTES, call->arena, &content, err) ||
            !rule_file_read(file->path, content, call->arena, &file->file, err))
            return false;
        tell_problems(call, file);
    }
    out->files = files;
    out->n = n;
    return true;
}

/* ---- Whose --------------------------------------------------------------------------------------
 */

static bool is_of(const struct existing_file *file, const struct host_class *class)
{
    struct addr a;
    if (!file->name.len || str_equal(file->name, class->id)) return true;
    if (addr_parse(file->name, &a)) return prefix_set_contains(class->members, a);
    for (size_t i = 0; i < class->n_machine_names; i++)
        if (str_equal_nocase(class->machine_names[i], file->name)) return true;
    return false;
}

bool existing_fits(const struct existing *existing, unsigned engines, struct err *err)
{
    for (size_t i = 0; i < existing->n; i++) {
        const struct existing_file *file = &existing->files[i];
        if (engines >> file->file.engine & 1u) continue;
        (void)err_set(err, ERR_UNSUPPORTED,
                      "--existing: rules of %.*s say nothing of the targets asked for",
                      STR_ARG(file->file.format));
        return err_in(err, file->path);
    }
    return true;
}

bool existing_names(const struct existing *existing, const struct host_class *classes, size_t n,
                    struct err *err)
{
    for (size_t i = 0; i < existing->n; i++) {
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = is_of(&existing->files[i], &classes[k]);
        if (!found)
            return err_set(err, ERR_NOT_FOUND,
                           "--existing: expected a host class, or an enforcing machine by name or "
                           "address, found \"%.*s\"",
                           STR_ARG(existing->files[i].name));
    }
    return true;
}

/* ---- What they have -----------------------------------------------------------------------------
 */

static bool is_ours(const struct rule *rule, str workspace, struct arena scratch)
{
    str prefix = str_format(&scratch, "sallyport-%.*s-", STR_ARG(workspace));
    return str_starts(str_lower(&scratch, rule->id), str_lower(&scratch, prefix));
}

/* "Block all incoming connections" as the rule that it comes to. */
static struct rule shields_up(enum profile profile)
{
    return (struct rule){
        .id = T("DoNotAllowExceptions"),
        .name = T("block all incoming connections"),
        .direction = DIRECTION_INBOUND,
        .action = ACTION_BLOCK,
        .profiles = (uint8_t)(1u << profile),
        .enabled = true,
        .local = {&addr_all, 1},
        .remote = {&addr_all, 1},
    };
}

const struct verdict_around *existing_of(const struct existing *existing,
                                         const struct host_class *class, enum engine engine,
                                         str workspace, struct arena *arena)
{
    struct verdict_around *around = arena_new(arena, struct verdict_around);
    size_t most = 0, n = 0;
    bool any = false;
    for (size_t i = 0; i < existing->n; i++)
        most += existing->files[i].file.rules.n + PROFILE_COUNT;
    struct rule *rules = arena_array(arena, struct rule, most + 1);
    for (size_t i = 0; i < existing->n; i++) {
        const struct existing_file *file = &existing->files[i];
        if (file->file.engine != engine || !is_of(file, class)) continue;
        any = true;
        for (size_t k = 0; k < file->file.rules.n; k++)
            if (!is_ours(&file->file.rules.rules[k], workspace, *arena))
                rules[n++] = file->file.rules.rules[k];
        for (unsigned p = 0; p < PROFILE_COUNT; p++) {
            const struct profile_state *state = &file->file.profiles[p];
            if (state->inbound) around->otherwise[p][DIRECTION_INBOUND] = state->inbound;
            if (state->outbound) around->otherwise[p][DIRECTION_OUTBOUND] = state->outbound;
            if (state->local_rules == SAID_NO)
                around->no_local_merge = (uint8_t)(around->no_local_merge | 1u << p);
            if (state->shields_up == SAID_YES) rules[n++] = shields_up((enum profile)p);
        }
    }
    around->existing = (struct ruleset){.rules = rules, .n = n};
    return any ? around : NULL;
}
