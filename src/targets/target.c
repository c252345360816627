/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/target.h"

#define TARGET(name) extern const struct target name##_target;
#include "targets/targets.def"
#undef TARGET

const struct target *const targets[] = {
#define TARGET(name) &name##_target,
#include "targets/targets.def"
#undef TARGET
};
const size_t targets_n = COUNT_OF(targets);

const struct target *target_by_name(str name)
{
    for (size_t i = 0; i < targets_n; i++)
        if (str_equal(targets[i]->name, name)) return targets[i];
    return NULL;
}

const struct target *target_recognise(bytes content)
{
    bytes head = {content.ptr,
                  content.len < LIMIT_RECOGNISE_BYTES ? content.len : LIMIT_RECOGNISE_BYTES};
    for (size_t i = 0; i < targets_n; i++)
        if (targets[i]->recognise(head)) return targets[i];
    return NULL;
}

void target_add_file(struct target_files *files, struct arena *arena, struct target_file file)
{
    arena_grow(arena, files->items, files->n, files->room);
    files->items[files->n++] = file;
}

void target_add_class_file(struct target_files *files, struct arena *arena,
                           const struct host_class *host_class, enum target_file_kind kind,
                           str name, str content)
{
    struct target_file file = {
        .path = str_format(arena, "%.*s/%.*s", STR_ARG(host_class->id), STR_ARG(name)),
        .content = content,
        .kind = kind,
        .host_class = host_class,
    };
    target_add_file(files, arena, file);
}

void target_add_setting(struct target_settings *settings, struct arena *arena, str name, str data)
{
    arena_grow(arena, settings->items, settings->n, settings->room);
    settings->items[settings->n++] = (struct target_setting){name, data};
}

str target_plain(struct arena *arena, str text, size_t most)
{
    /* A quote ends a string, a backslash or backtick escapes, a dollar expands, a bar ends a field
     * of a Windows rule: none of them is worth having in a comment. The apostrophe is, and is
     * doubled where it would end a string. Beyond ASCII there are more quotes (PowerShell ends a
     * string at U+2019 too). */
    static const char hostile[] = "\"\\`$|<>";
    char *plain = arena_array(arena, char, text.len + 1);
    size_t n = 0;
    while (text.len && n < most) {
        size_t bad = 1, length = str_utf8_next(text, &bad);
        char c = text.ptr[0];
        if (length > 1 || c == 127 || (c > ' ' && strchr(hostile, c))) c = '?';
        if (c >= 0 && c < ' ') c = ' ';
        plain[n++] = length ? c : '?';
        text = str_tail(text, length ? length : bad);
    }
    return (str){plain, n};
}

str target_word(struct arena *arena, str text)
{
    enum { WORD = 40 };
    str lower = str_lower(arena, text);
    char *word = arena_array(arena, char, WORD);
    size_t n = 0;
    for (size_t i = 0; i < lower.len && n < WORD; i++) {
        char c = lower.ptr[i];
        bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kept)
            word[n++] = c;
        else if (n && word[n - 1] != '-')
            word[n++] = '-';
    }
    while (n && word[n - 1] == '-')
        n--;
    return n ? (str){word, n} : S("workspace");
}

str target_border_word(const struct bundles *bundles, size_t index, struct arena *arena)
{
    str word = target_word(arena, bundles->borders[index].border->name);
    for (size_t i = 0; i < bundles->n_borders; i++) {
        str other = target_word(arena, bundles->borders[i].border->name);
        if (i != index && str_equal(word, other))
            return str_format(arena, "%.*s-%zu", STR_ARG(word), index + 1);
    }
    return word;
}

static bool refused(const struct target *target, const struct rule *rule, const char *field,
                    str value, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED,
                   "rule %.*s: %s \"%.*s\" cannot be expressed by target %.*s; nothing is written",
                   STR_ARG(rule->id), field, STR_ARG(value), STR_ARG(target->name));
}

bool target_expresses(const struct target *target, const struct rule *rule, struct err *err)
{
    bool secure = target->holds & TARGET_SECURE;
    if (rule->action == ACTION_ALLOW_IF_SECURE && !secure)
        return refused(target, rule, "action", S("allow-if-secure"), err);
    if (rule->lack.len)
        return err_set(err, ERR_UNSUPPORTED,
                       "rule %.*s: principals cannot be expressed by target %.*s: %.*s; nothing is "
                       "written",
                       STR_ARG(rule->id), STR_ARG(target->name), STR_ARG(rule->lack));
    if (rule->program.len && !(target->holds & TARGET_PROGRAM))
        return refused(target, rule, "program", rule->program, err);
    if (rule->principals.len && (!secure || rule->action != ACTION_ALLOW_IF_SECURE))
        return refused(target, rule, "principals", rule->principals, err);
    if (rule->security.len) return refused(target, rule, "security", rule->security, err);
    if (rule->only_if.len) return refused(target, rule, "condition", rule->only_if, err);
    return true;
}
