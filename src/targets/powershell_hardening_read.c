/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/powershell_hardening.h"
#include "targets/powershell_scan.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* One line: what its words say is kept, joined, as the setting's data. */
struct setting_line {
    struct powershell_words words;
    struct buf said;
};

static void say(struct setting_line *c, str word)
{
    if (buf_text(&c->said).len) buf_str(&c->said, S(" | "));
    buf_str(&c->said, word);
}

static str say_quoted(struct setting_line *c)
{
    str word = powershell_scan_quoted(&c->words);
    say(c, word);
    return word;
}

static uint64_t say_number(struct setting_line *c, uint64_t most)
{
    uint64_t number = powershell_scan_number(&c->words, most);
    say(c, str_format(c->words.arena, "%" PRIu64, number));
    return number;
}

/* "'DWord' 1", "'String' 'text'" or "'MultiString' @('a','b')". */
static void take_data(struct setting_line *c)
{
    static const str types[] = {T(" 'DWord' "), T(" 'String' "), T(" 'MultiString' @(")};
    static const str names[] = {T("DWord"), T("String"), T("MultiString")};
    struct powershell_words *w = &c->words;
    size_t type = powershell_scan_one_of(w, types, COUNT_OF(types), "a type of value");
    if (w->wanted) return;
    say(c, names[type]);
    if (type == 0) (void)say_number(c, UINT32_MAX);
    if (type == 1) (void)say_quoted(c);
    if (type != 2) return;
    say(c, (str){0});
    if (powershell_scan_take(w, S(")"))) return;
    for (bool more = false; !more || powershell_scan_take(w, S(",")); more = true) {
        str item = powershell_scan_quoted(w);
        if (!item.len && !w->wanted) w->wanted = "an item that is not empty";
        if (more) buf_char(&c->said, '\n');
        buf_str(&c->said, item);
    }
    powershell_scan_must_take(w, S(")"));
}

static void take_name(struct setting_line *c)
{
    if (!say_quoted(c).len && !c->words.wanted) c->words.wanted = "a name";
}

/* What only a cmdlet sets has no key; a key's default value has no name. */
static void take_place(struct setting_line *c)
{
    (void)say_quoted(c);
    powershell_scan_must_take(&c->words, S(" "));
    (void)say_quoted(c);
    take_data(c);
}

static void take_value(struct setting_line *c)
{
    if (str_starts(c->words.left, S("''")) && !c->words.wanted) c->words.wanted = "a key";
    take_place(c);
}

/* A cmdlet that is called by its name must be one that sets or gets. */
static void take_cmdlet(struct setting_line *c, str verb)
{
    str name = say_quoted(c);
    bool good = str_starts(name, verb);
    for (size_t i = 0; i < name.len; i++) {
        char x = name.ptr[i];
        good = good && ((x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z') ||
                        (x >= '0' && x <= '9') || x == '-');
    }
    if (!good && !c->words.wanted) c->words.wanted = "the name of a cmdlet";
    powershell_scan_must_take(&c->words, S(" "));
}

/* A word in apostrophes is another argument than one without. */
static void take_argument(struct setting_line *c)
{
    static const str flags[] = {T("$true"), T("$false")};
    struct powershell_words *w = &c->words;
    if (str_starts(w->left, S("$"))) {
        size_t flag = powershell_scan_one_of(w, flags, COUNT_OF(flags), "$true or $false");
        if (!w->wanted) say(c, flags[flag]);
    } else if (str_starts(w->left, S("'"))) {
        str word = powershell_scan_quoted(w);
        say(c, str_format(w->arena, "'%.*s'", STR_ARG(word)));
    } else {
        (void)say_number(c, UINT32_MAX);
    }
}

static void take_configuration(struct setting_line *c)
{
    take_cmdlet(c, S("Set-"));
    take_cmdlet(c, S("Get-"));
    take_name(c);
    powershell_scan_must_take(&c->words, S(" "));
    take_argument(c);
    powershell_scan_must_take(&c->words, S(" "));
    take_place(c);
}

static void take_profile_log(struct setting_line *c)
{
    static const str profiles[] = {T("'Domain' "), T("'Private' "), T("'Public' ")};
    static const str names[] = {T("Domain"), T("Private"), T("Public")};
    size_t profile = powershell_scan_one_of(&c->words, profiles, COUNT_OF(profiles), "a profile");
    if (!c->words.wanted) say(c, names[profile]);
    take_name(c);
    powershell_scan_must_take(&c->words, S(" "));
    take_name(c);
}

static void take_start(struct setting_line *c)
{
    take_name(c);
    powershell_scan_must_take(&c->words, S(" "));
    (void)say_number(c, 4);
}

/* "0CCE9224-69AE-11D9-BED3-505054503030" */
static void take_audit(struct setting_line *c)
{
    str guid = say_quoted(c);
    bool good = guid.len == 36;
    for (size_t i = 0; good && i < guid.len; i++) {
        char x = guid.ptr[i];
        bool digit = (x >= '0' && x <= '9') || (x >= 'A' && x <= 'F') || (x >= 'a' && x <= 'f');
        good = i == 8 || i == 13 || i == 18 || i == 23 ? x == '-' : digit;
    }
    if (!good && !c->words.wanted) c->words.wanted = "the identifier of an audit subcategory";
    powershell_scan_must_take(&c->words, S(" "));
    if (!say_number(c, 3) && !c->words.wanted) c->words.wanted = "1, 2 or 3";
}

static bool read_change(struct powershell_scan *s, struct target_settings *out)
{
    static const struct {
        str name;
        void (*take)(struct setting_line *c);
    } functions[] = {
        {T("Set-Value"),         take_value        },
        {T("Set-Configuration"), take_configuration},
        {T("Set-ProfileLog"),    take_profile_log  },
        {T("Set-Start"),         take_start        },
        {T("Remove-Feature"),    take_name         },
        {T("Set-Audit"),         take_audit        },
    };
    struct setting_line c = {powershell_scan_words(s), buf_in(s->arena)};
    size_t function = 0;
    while (function < COUNT_OF(functions) &&
           !powershell_scan_take(&c.words, functions[function].name))
        function++;
    if (function == COUNT_OF(functions))
        return powershell_scan_unexpected(s, S("Set-Value, Set-Configuration, Set-ProfileLog, "
                                               "Set-Start, Remove-Feature or Set-Audit"));
    say(&c, functions[function].name);
    powershell_scan_must_take(&c.words, S(" "));
    str id = powershell_scan_quoted(&c.words);
    if (!id.len && !c.words.wanted) c.words.wanted = "a name";
    powershell_scan_must_take(&c.words, S(" "));
    (void)say_number(&c, UINT32_MAX);
    powershell_scan_must_take(&c.words, S(" "));
    if (!c.words.wanted) functions[function].take(&c);
    if (!powershell_scan_finish(s, &c.words)) return false;
    target_add_setting(out, s->arena, id, buf_text(&c.said));
    return true;
}

static bool read_changes(struct powershell_scan *s, struct target_settings *out)
{
    static const enum powershell_part before[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                  POWERSHELL_ARM, POWERSHELL_HARDEN_PREPARE};
    if (!powershell_scan_parts(s, before, COUNT_OF(before))) return false;
    while (s->text.len && !powershell_scan_at(s, POWERSHELL_HARDEN_DONE))
        if (!read_change(s, out)) return false;
    return powershell_scan_part(s, POWERSHELL_HARDEN_DONE);
}

/* It restores whatever was saved, in lines that are the same in each. */
static bool read_rollback(struct powershell_scan *s, struct target_settings *out)
{
    static const enum powershell_part parts[] = {POWERSHELL_HARDEN_STATE, POWERSHELL_REVERT,
                                                 POWERSHELL_SOFTEN};
    target_add_setting(out, s->arena, S("every setting"), S("as it was saved"));
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

bool powershell_hardening_read_settings(str source, bytes content, str workspace,
                                        struct arena *arena, struct target_settings *out,
                                        struct err *err)
{
    struct powershell_scan s = powershell_scan_of(content, arena, err);
    bool rolls_back;
    str found;
    bool good = read_parameters(&s, &rolls_back) && powershell_scan_part(&s, POWERSHELL_STRICT) &&
                powershell_scan_workspace(&s, &found) &&
                (rolls_back ? read_rollback(&s, out) : read_changes(&s, out)) &&
                powershell_scan_end(&s);
    if (!good) return err_in(err, source);
    if (!workspace.len || str_equal(found, workspace)) return true;
    (void)err_set(err, ERR_MALFORMED, "expected the settings of \"%.*s\", found those of \"%.*s\"",
                  STR_ARG(workspace), STR_ARG(found));
    return err_in(err, source);
}

bool powershell_hardening_read(str source, bytes content, str workspace, struct arena *arena,
                               struct err *err)
{
    struct target_settings settings = {0};
    return powershell_hardening_read_settings(source, content, workspace, arena, &settings, err);
}
