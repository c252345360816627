/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_hardening.h"
#include "targets/powershell_scan.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* "'DWord' 1", "'String' 'text'" or "'MultiString' @('a','b')". */
static void take_data(struct powershell_words *w)
{
    static const str types[] = {T(" 'DWord' "), T(" 'String' "), T(" 'MultiString' @(")};
    size_t type = powershell_scan_one_of(w, types, COUNT_OF(types), "a type of value");
    if (w->wanted) return;
    if (type == 0) (void)powershell_scan_number(w, UINT32_MAX);
    if (type == 1) (void)powershell_scan_quoted(w);
    if (type != 2 || powershell_scan_take(w, S(")"))) return;
    do {
        (void)powershell_scan_quoted(w);
    } while (powershell_scan_take(w, S(",")));
    powershell_scan_must_take(w, S(")"));
}

static void take_name(struct powershell_words *w)
{
    if (!powershell_scan_quoted(w).len && !w->wanted) w->wanted = "a name";
}

/* What only a cmdlet sets has no key; a key's default value has no name. */
static void take_place(struct powershell_words *w)
{
    (void)powershell_scan_quoted(w);
    powershell_scan_must_take(w, S(" "));
    (void)powershell_scan_quoted(w);
    take_data(w);
}

static void take_value(struct powershell_words *w)
{
    if (str_starts(w->left, S("''")) && !w->wanted) w->wanted = "a key";
    take_place(w);
}

/* A cmdlet that is called by its name must be one that sets or gets. */
static void take_cmdlet(struct powershell_words *w, str verb)
{
    str name = powershell_scan_quoted(w);
    bool good = str_starts(name, verb);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        good = good && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-');
    }
    if (!good && !w->wanted) w->wanted = "the name of a cmdlet";
    powershell_scan_must_take(w, S(" "));
}

static void take_configuration(struct powershell_words *w)
{
    static const str flags[] = {T("$true"), T("$false")};
    take_cmdlet(w, S("Set-"));
    take_cmdlet(w, S("Get-"));
    take_name(w);
    powershell_scan_must_take(w, S(" "));
    if (str_starts(w->left, S("$")))
        (void)powershell_scan_one_of(w, flags, COUNT_OF(flags), "$true or $false");
    else if (str_starts(w->left, S("'")))
        (void)powershell_scan_quoted(w);
    else
        (void)powershell_scan_number(w, UINT32_MAX);
    powershell_scan_must_take(w, S(" "));
    take_place(w);
}

static void take_profile_log(struct powershell_words *w)
{
    static const str profiles[] = {T("'Domain' "), T("'Private' "), T("'Public' ")};
    (void)powershell_scan_one_of(w, profiles, COUNT_OF(profiles), "a profile");
    take_name(w);
    powershell_scan_must_take(w, S(" "));
    take_name(w);
}

static void take_start(struct powershell_words *w)
{
    take_name(w);
    powershell_scan_must_take(w, S(" "));
    (void)powershell_scan_number(w, 4);
}

/* "0CCE9224-69AE-11D9-BED3-505054503030" */
static void take_audit(struct powershell_words *w)
{
    str guid = powershell_scan_quoted(w);
    bool good = guid.len == 36;
    for (size_t i = 0; good && i < guid.len; i++) {
        char c = guid.ptr[i];
        bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
        good = i == 8 || i == 13 || i == 18 || i == 23 ? c == '-' : digit;
    }
    if (!good && !w->wanted) w->wanted = "the identifier of an audit subcategory";
    powershell_scan_must_take(w, S(" "));
    if (!powershell_scan_number(w, 3) && !w->wanted) w->wanted = "1, 2 or 3";
}

static bool read_change(struct powershell_scan *s)
{
    static const struct {
        str name;
        void (*take)(struct powershell_words *w);
    } functions[] = {
        {T("Set-Value "),         take_value        },
        {T("Set-Configuration "), take_configuration},
        {T("Set-ProfileLog "),    take_profile_log  },
        {T("Set-Start "),         take_start        },
        {T("Remove-Feature "),    take_name         },
        {T("Set-Audit "),         take_audit        },
    };
    struct powershell_words w = powershell_scan_words(s);
    size_t function = 0;
    while (function < COUNT_OF(functions) && !powershell_scan_take(&w, functions[function].name))
        function++;
    if (function == COUNT_OF(functions))
        return powershell_scan_unexpected(s, S("Set-Value, Set-Configuration, Set-ProfileLog, "
                                               "Set-Start, Remove-Feature or Set-Audit"));
    take_name(&w);
    powershell_scan_must_take(&w, S(" "));
    (void)powershell_scan_number(&w, UINT32_MAX);
    powershell_scan_must_take(&w, S(" "));
    if (!w.wanted) functions[function].take(&w);
    return powershell_scan_finish(s, &w);
}

static bool read_changes(struct powershell_scan *s)
{
    static const enum powershell_part before[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                  POWERSHELL_ARM, POWERSHELL_HARDEN_PREPARE};
    if (!powershell_scan_parts(s, before, COUNT_OF(before))) return false;
    while (s->text.len && !powershell_scan_at(s, POWERSHELL_HARDEN_DONE))
        if (!read_change(s)) return false;
    return powershell_scan_part(s, POWERSHELL_HARDEN_DONE);
}

static bool read_rollback(struct powershell_scan *s)
{
    static const enum powershell_part parts[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                 POWERSHELL_SOFTEN};
    return powershell_scan_parts(s, parts, COUNT_OF(parts));
}

/* Both begin alike; the first lines of their parameters differ. */
static bool read_parameters(struct powershell_scan *s, bool *rolls_back)
{
    struct powershell_scan ahead = *s;
    struct err ignored = {0};
    ahead.err = &ignored;
    *rolls_back = powershell_scan_part(&ahead, POWERSHELL_SOFTEN_PARAMETERS);
    if (!*rolls_back) return powershell_scan_part(s, POWERSHELL_HARDEN_PARAMETERS);
    ahead.err = s->err;
    *s = ahead;
    return true;
}

bool powershell_hardening_read(str source, bytes content, str workspace, struct arena *arena,
                               struct err *err)
{
    struct powershell_scan s = powershell_scan_of(content, arena, err);
    bool rolls_back;
    str found;
    bool good = read_parameters(&s, &rolls_back) && powershell_scan_part(&s, POWERSHELL_STRICT) &&
                powershell_scan_workspace(&s, &found) &&
                (rolls_back ? read_rollback(&s) : read_changes(&s)) && powershell_scan_end(&s);
    if (!good) return err_in(err, source);
    if (!workspace.len || str_equal(found, workspace)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected the settings of \"%.*s\", found those of \"%.*s\"",
                  STR_ARG(workspace), STR_ARG(found));
    return err_in(err, source);
}
