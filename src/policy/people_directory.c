/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/people_directory.h"

#include "base/csv.h"
#include "base/instant.h"
#include "base/json_scan.h"

enum field {
    FIELD_ACCOUNT,
    FIELD_PRINCIPAL,
    FIELD_MAIL,
    FIELD_NAME,
    FIELD_DN,
    FIELD_CLASS,
    FIELD_ENABLED,
    FIELD_CONTROL,
    FIELD_COUNT,
};

/* How exports call them. Where two columns are one field, the first one that says something counts.
 */
static const struct {
    const char *name;
    enum field field;
} field_names[] = {
    {"samaccountname",           FIELD_ACCOUNT  },
    {"onpremisessamaccountname", FIELD_ACCOUNT  },
    {"account",                  FIELD_ACCOUNT  },
    {"userprincipalname",        FIELD_PRINCIPAL},
    {"upn",                      FIELD_PRINCIPAL},
    {"mail",                     FIELD_MAIL     },
    {"emailaddress",             FIELD_MAIL     },
    {"name",                     FIELD_NAME     },
    {"displayname",              FIELD_NAME     },
    {"distinguishedname",        FIELD_DN       },
    {"dn",                       FIELD_DN       },
    {"objectclass",              FIELD_CLASS    },
    {"class",                    FIELD_CLASS    },
    {"enabled",                  FIELD_ENABLED  },
    {"accountenabled",           FIELD_ENABLED  },
    {"useraccountcontrol",       FIELD_CONTROL  },
};

/* One person as a file says it. */
struct row {
    str texts[FIELD_COUNT];
};

struct reading {
    struct people_directory *out;
    struct arena *arena;
    struct err *err;
    bool is_whole;
    int64_t at_us;
    size_t first; /* of those that this file adds */
    struct json_scan scan;
};

/* ---- Keeping ------------------------------------------------------------------------------------
 */

/* Without the domain before it or behind it, in lower case. */
static str key_of(str name, struct arena *arena)
{
    str head, tail;
    str user = str_cut(name, '\\', &head, &tail) ? tail : name;
    (void)str_cut(user, '@', &user, &tail);
    return str_lower(arena, user.len ? user : name);
}

/* Of two people of one file who are called alike, one who is there stands before one who is
 * disabled: nobody is said to have left for the sake of a namesake. */
static void know(struct reading *r, struct map *map, str key, size_t number)
{
    const struct directory_person *items = r->out->items;
    bool fresh = false;
    if (!key.len) return;
    uint64_t *at = map_put(map, r->arena, key, number, &fresh);
    if (!fresh && *at >= r->first && items[*at].disabled && !items[number].disabled) *at = number;
}

static bool is_person(str class, bool is_whole)
{
    static const char *const classes[] = {"user", "person", "inetorgperson"};
    if (!class.len) return is_whole;
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (str_equal_nocase(class, str_of(classes[i]))) return true;
    return false;
}

/* What Windows calls ACCOUNTDISABLE ([MS-ADTS] 2.2.16). */
static bool control_disables(str control)
{
    enum { ACCOUNT_DISABLE = 2 };
    uint64_t bits = 0;
    return str_u64(control, UINT32_MAX, &bits) && bits & ACCOUNT_DISABLE;
}

/* Problem of the row, in words; NULL = it is kept, or passed over. */
static const char *keep(struct reading *r, const struct row *row)
{
    struct people_directory *out = r->out;
    const str *t = row->texts;
    bool says_false = str_equal_nocase(t[FIELD_ENABLED], S("false"));
    /* Computers have accounts too; theirs end in a dollar sign. */
    if (!is_person(t[FIELD_CLASS], r->is_whole) || str_ends(t[FIELD_ACCOUNT], S("$"))) {
        out->n_passed++;
        return NULL;
    }
    if (t[FIELD_ENABLED].len && !says_false && !str_equal_nocase(t[FIELD_ENABLED], S("true")))
        return r->is_whole ? "true or false as \"enabled\"" : NULL;
    if (!t[FIELD_ACCOUNT].len && !t[FIELD_PRINCIPAL].len && !t[FIELD_MAIL].len &&
        !t[FIELD_NAME].len)
        return r->is_whole ? "a person's samaccountname, userprincipalname or mail" : NULL;
    if (out->n >= LIMIT_MEMBERSHIP_MEMBERS) return "fewer people";
    arena_grow(r->arena, out->items, out->n, out->room);
    out->items[out->n] = (struct directory_person){
        .account = t[FIELD_ACCOUNT],
        .principal = t[FIELD_PRINCIPAL],
        .mail = t[FIELD_MAIL],
        .name = t[FIELD_NAME],
        .dn = t[FIELD_DN],
        .disabled = says_false || control_disables(t[FIELD_CONTROL]),
        .at_us = r->at_us,
    };
    size_t number = out->n++;
    know(r, &out->by_text, str_lower(r->arena, t[FIELD_PRINCIPAL]), number);
    know(r, &out->by_text, str_lower(r->arena, t[FIELD_MAIL]), number);
    know(r, &out->by_text, str_lower(r->arena, t[FIELD_NAME]), number);
    str key = key_of(t[FIELD_ACCOUNT].len ? t[FIELD_ACCOUNT] : t[FIELD_PRINCIPAL], r->arena);
    know(r, &out->by_key, key, number);
    return NULL;
}

static void put_field(struct row *row, str name, str value)
{
    for (size_t i = 0; i < COUNT_OF(field_names); i++) {
        str *text = &row->texts[field_names[i].field];
        if (!text->len && str_equal_nocase(name, str_of(field_names[i].name)))
            *text = str_trim(value);
    }
}

/* ---- CSV ----------------------------------------------------------------------------------------
 */

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

static bool names_people(const str *fields, size_t n)
{
    struct row row = {0};
    for (size_t i = 0; i < n; i++)
        put_field(&row, str_trim(fields[i]), S("x"));
    return row.texts[FIELD_ACCOUNT].len || row.texts[FIELD_PRINCIPAL].len ||
           row.texts[FIELD_MAIL].len;
}

static bool read_csv(struct reading *r, str text)
{
    str line, rest = text, *columns = NULL, *fields = NULL;
    size_t n_columns = 0, n = 0;
    bool found = false;
    uint32_t skipped = 0;
    /* Export-Csv without -NoTypeInformation. */
    if (str_starts(text, S("#TYPE "))) {
        (void)str_cut(text, '\n', &line, &rest);
        skipped = 1;
    }
    struct csv csv = csv_of(rest, separator_of(rest), r->arena);
    if (!csv_next(&csv, &columns, &n_columns, &found, r->err)) return false;
    if (!found || !names_people(columns, n_columns)) {
        /* Members of a group of computers: nothing about people. */
        if (!r->is_whole) return true;
        return err_line(r->err, ERR_MALFORMED, 1 + skipped, 1,
                        "expected a column \"samaccountname\", \"userprincipalname\" or \"mail\" "
                        "of a list of people");
    }
    for (;;) {
        struct row row = {0};
        if (!csv_next(&csv, &fields, &n, &found, r->err)) return false;
        if (!found) return true;
        for (size_t i = 0; i < n && i < n_columns; i++)
            put_field(&row, str_trim(columns[i]), fields[i]);
        const char *expected = keep(r, &row);
        if (expected)
            return err_line(r->err, ERR_MALFORMED, csv.record_line + skipped, 1,
                            "expected %s in this record", expected);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------------
 */

static bool is_list_key(str key)
{
    static const char *const keys[] = {"people", "users", "value", "members", "groups"};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        if (str_equal_nocase(key, str_of(keys[i]))) return true;
    return false;
}

static bool read_value(struct reading *r, struct json_scan_item item);

/* A member's value: text, number or truth goes into the row; lists and objects are passed over, but
 * for classes: of ["top","person","user"] the last says what it is. */
static bool read_field(struct reading *r, struct row *row, str key)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, r->err)) return false;
    switch (item.kind) {
    case JSON_SCAN_STRING:
    case JSON_SCAN_NUMBER:
        put_field(row, key, item.text);
        return true;
    case JSON_SCAN_TRUE:
        put_field(row, key, S("true"));
        return true;
    case JSON_SCAN_FALSE:
        put_field(row, key, S("false"));
        return true;
    case JSON_SCAN_ARRAY:
        break;
    case JSON_SCAN_OBJECT:
        return json_scan_skip(&r->scan, item, r->err);
    case JSON_SCAN_END:
    case JSON_SCAN_OBJECT_END:
    case JSON_SCAN_ARRAY_END:
    case JSON_SCAN_KEY:
    case JSON_SCAN_NULL:
        return true;
    }
    str last = {0};
    for (;;) {
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) break;
        if (item.kind == JSON_SCAN_STRING) last = item.text;
        if (!json_scan_skip(&r->scan, item, r->err)) return false;
    }
    put_field(row, key, last);
    return true;
}

/* Behind its opening brace. An object that holds lists of others is no person. */
static bool read_object(struct reading *r, uint64_t offset)
{
    struct json_scan_item item;
    struct row row = {0};
    bool holds = false;
    for (;;) {
        bool read = true;
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (is_list_key(item.text)) {
            holds = true;
            read = json_scan_next(&r->scan, &item, r->err) && read_value(r, item);
        } else {
            read = read_field(r, &row, item.text);
        }
        if (!read) return false;
    }
    const char *expected = holds ? NULL : keep(r, &row);
    return !expected || err_at(r->err, ERR_MALFORMED, offset, "expected %s", expected);
}

/* Nesting ends at LIMIT_NESTING, by the scanner. */
static bool read_value(struct reading *r, struct json_scan_item item)
{
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind == JSON_SCAN_OBJECT) return read_object(r, item.offset);
    if (item.kind != JSON_SCAN_ARRAY)
        return !r->is_whole ||
               err_at(r->err, ERR_MALFORMED, item.offset, "expected a person as an object");
    for (;;) {
        if (!json_scan_next(&r->scan, &item, r->err)) return false;
        if (item.kind == JSON_SCAN_ARRAY_END) return true;
        if (!read_value(r, item)) return false;
    }
}

static bool read_json(struct reading *r, str text, uint64_t offset)
{
    struct json_scan_item item;
    r->scan = json_scan_of(text, offset, r->arena);
    return json_scan_next(&r->scan, &item, r->err) && read_value(r, item) &&
           json_scan_next(&r->scan, &item, r->err);
}

bool people_directory_add(struct people_directory *out, str text, bool is_whole, int64_t at_us,
                          struct arena *arena, struct err *err)
{
    struct reading r = {.out = out,
                        .arena = arena,
                        .err = err,
                        .is_whole = is_whole,
                        .at_us = at_us,
                        .first = out->n};
    uint64_t mark;
    text = str_from_file(arena, str_bytes(text), &mark);
    str start = str_trim(str_head(text, LIMIT_RECOGNISE_BYTES));
    bool json = str_starts(start, S("{")) || str_starts(start, S("["));
    bool fine = json ? read_json(&r, text, mark) : read_csv(&r, str_utf8(arena, text));
    if (!fine) return false;
    if (is_whole && out->n == r.first)
        return err_set(err, ERR_MALFORMED, "expected a list of people, found nobody in it");
    if (is_whole && (!out->is_whole || at_us > out->at_us)) out->at_us = at_us;
    out->is_whole |= is_whole;
    return true;
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

enum people_answer people_directory_ask(const struct people_directory *directory, str name,
                                        struct arena scratch,
                                        const struct directory_person **person)
{
    name = str_trim(name);
    uint64_t *at = map_find(&directory->by_text, str_lower(&scratch, name));
    if (!at) at = map_find(&directory->by_key, key_of(name, &scratch));
    *person = at ? &directory->items[*at] : NULL;
    if (!at) return directory->is_whole ? PEOPLE_ABSENT : PEOPLE_UNKNOWN;
    return (*person)->disabled ? PEOPLE_DISABLED : PEOPLE_THERE;
}

bool people_directory_has_left(const struct people_directory *directory, str name,
                               struct arena *arena, str *why)
{
    const struct directory_person *person = NULL;
    char text[INSTANT_TEXT];
    enum people_answer answer = people_directory_ask(directory, name, *arena, &person);
    *why = (str){0};
    if (answer != PEOPLE_DISABLED && answer != PEOPLE_ABSENT) return false;
    int64_t at_us = person ? person->at_us : directory->at_us;
    str day = str_head(instant_text(text, at_us), 10);
    *why = str_format(arena, "%.*s is %s the directory imported %.*s", STR_ARG(str_trim(name)),
                      answer == PEOPLE_DISABLED ? "disabled in" : "not in", STR_ARG(day));
    return true;
}
