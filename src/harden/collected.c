/* SPDX-License-Identifier: Apache-2.0 */
#include "harden/collected.h"

#include "base/buf.h"
#include "base/instant.h"
#include "base/json_scan.h"
#include "base/limits.h"

struct reading {
    struct json_scan scan;
    struct arena *arena;
    struct collected out;
    struct collected_setting *settings;
    size_t room;
    struct addr *addrs;
    size_t addrs_room;
};

/* ---- Values -------------------------------------------------------------------------------------
 */

static bool fail_at(const struct json_scan_item *item, const char *expected, struct err *err)
{
    return err_at(err, ERR_MALFORMED, item->offset, "expected %s", expected);
}

static bool is_scalar(enum json_scan_kind kind)
{
    return kind == JSON_SCAN_STRING || kind == JSON_SCAN_NUMBER || kind == JSON_SCAN_TRUE ||
           kind == JSON_SCAN_FALSE || kind == JSON_SCAN_NULL;
}

static str scalar_text(const struct json_scan_item *item)
{
    if (item->kind == JSON_SCAN_TRUE) return S("True");
    if (item->kind == JSON_SCAN_FALSE) return S("False");
    return item->text; /* empty for null */
}

/* A scalar, or a list of them as lines. Objects are passed over: what we look for is none. */
static bool read_value(struct reading *r, struct json_scan_item item, str *text, bool *absent,
                       bool *is_object, struct err *err)
{
    *absent = item.kind == JSON_SCAN_NULL;
    *is_object = item.kind == JSON_SCAN_OBJECT;
    *text = scalar_text(&item);
    if (item.kind == JSON_SCAN_OBJECT) return json_scan_skip(&r->scan, item, err);
    if (item.kind != JSON_SCAN_ARRAY) return true;
    struct buf lines = buf_in(r->arena);
    for (;;) {
        struct json_scan_item one;
        if (!json_scan_next(&r->scan, &one, err)) return false;
        if (one.kind == JSON_SCAN_ARRAY_END) break;
        if (!is_scalar(one.kind)) {
            if (!json_scan_skip(&r->scan, one, err)) return false;
            continue;
        }
        if (lines.len) buf_char(&lines, '\n');
        buf_str(&lines, scalar_text(&one));
    }
    *text = buf_text(&lines);
    return true;
}

static bool add_setting(struct reading *r, uint64_t offset, struct collected_setting setting,
                        struct err *err)
{
    if (r->out.n_settings >= LIMIT_COLLECTED_SETTINGS)
        return err_at(err, ERR_LIMIT, offset, "more than %d settings of one machine",
                      (int)LIMIT_COLLECTED_SETTINGS);
    arena_grow(r->arena, r->settings, r->out.n_settings, r->room);
    r->settings[r->out.n_settings++] = setting;
    return true;
}

/* {"EnableSMB1Protocol": false, ...}: every member is a setting of the part. */
static bool read_properties(struct reading *r, enum collected_part part, str of, struct err *err)
{
    for (;;) {
        struct json_scan_item key, item;
        struct collected_setting setting = {.part = part, .of = of};
        bool is_object = false;
        if (!json_scan_next(&r->scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!json_scan_next(&r->scan, &item, err)) return false;
        setting.name = key.text;
        if (!read_value(r, item, &setting.text, &setting.absent, &is_object, err)) return false;
        if (!is_object && !add_setting(r, key.offset, setting, err)) return false;
    }
}

/* ---- Members ------------------------------------------------------------------------------------
 */

typedef bool read_member(struct reading *r, struct json_scan_item item, struct err *err);

static bool read_text(struct reading *r, struct json_scan_item item, str *out, struct err *err)
{
    (void)r;
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind != JSON_SCAN_STRING) return fail_at(&item, "a string", err);
    *out = item.text;
    return true;
}

static bool read_computer(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_text(r, item, &r->out.computer, err);
}

static bool read_fqdn(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_text(r, item, &r->out.fqdn, err);
}

static bool read_time(struct reading *r, struct json_scan_item item, struct err *err)
{
    str text = {0};
    if (!read_text(r, item, &text, err)) return false;
    if (text.len && !instant_parse(text, &r->out.at_us))
        return fail_at(&item, "an RFC 3339 instant", err);
    return true;
}

/* Addresses of an interface may have a zone, which means nothing elsewhere. */
static bool read_addresses(struct reading *r, struct json_scan_item item, struct err *err)
{
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind != JSON_SCAN_ARRAY) return fail_at(&item, "a list of addresses", err);
    for (;;) {
        struct json_scan_item one;
        struct addr a;
        str text, zone;
        if (!json_scan_next(&r->scan, &one, err)) return false;
        if (one.kind == JSON_SCAN_ARRAY_END) return true;
        if (one.kind != JSON_SCAN_STRING) return fail_at(&one, "an address", err);
        (void)str_cut(one.text, '%', &text, &zone);
        if (!addr_parse(text, &a)) return fail_at(&one, "an address", err);
        if (r->out.n_addrs >= LIMIT_LOCAL_ADDRESSES) continue;
        arena_grow(r->arena, r->addrs, r->out.n_addrs, r->addrs_room);
        r->addrs[r->out.n_addrs++] = a;
    }
}

/* {"caption", "build", "server"} */
static bool read_os(struct reading *r, struct json_scan_item item, struct err *err)
{
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind != JSON_SCAN_OBJECT) return fail_at(&item, "an object", err);
    for (;;) {
        struct json_scan_item key, value;
        uint64_t build = 0;
        if (!json_scan_next(&r->scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!json_scan_next(&r->scan, &value, err)) return false;
        if (str_equal(key.text, S("caption"))) {
            if (!read_text(r, value, &r->out.caption, err)) return false;
        } else if (str_equal(key.text, S("server"))) {
            r->out.is_server = value.kind == JSON_SCAN_TRUE;
            if (!is_scalar(value.kind)) return fail_at(&value, "true or false", err);
        } else if (str_equal(key.text, S("build"))) {
            bool known = value.kind == JSON_SCAN_NUMBER || value.kind == JSON_SCAN_STRING;
            if (!known || !str_u64(value.text, UINT32_MAX, &build))
                return fail_at(&value, "a build number", err);
            r->out.build = (uint32_t)build;
            r->out.has_build = true;
        } else if (!json_scan_skip(&r->scan, value, err))
            return false;
    }
}

static bool read_part(struct reading *r, struct json_scan_item item, enum collected_part part,
                      struct err *err)
{
    if (item.kind == JSON_SCAN_NULL) return true; /* the script could not ask */
    if (item.kind != JSON_SCAN_OBJECT) return fail_at(&item, "an object", err);
    return read_properties(r, part, (str){0}, err);
}

static bool read_smb_server(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_part(r, item, COLLECTED_SMB_SERVER, err);
}

static bool read_smb_client(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_part(r, item, COLLECTED_SMB_CLIENT, err);
}

static bool read_services(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_part(r, item, COLLECTED_SERVICE, err);
}

static bool read_features(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_part(r, item, COLLECTED_FEATURE, err);
}

static bool read_audit(struct reading *r, struct json_scan_item item, struct err *err)
{
    return read_part(r, item, COLLECTED_AUDIT, err);
}

/* {"Domain": {"LogBlocked": "True", ...}, ...} */
static bool read_profiles(struct reading *r, struct json_scan_item item, struct err *err)
{
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind != JSON_SCAN_OBJECT) return fail_at(&item, "an object", err);
    for (;;) {
        struct json_scan_item key, value;
        if (!json_scan_next(&r->scan, &key, err)) return false;
        if (key.kind == JSON_SCAN_OBJECT_END) return true;
        if (!json_scan_next(&r->scan, &value, err)) return false;
        if (value.kind != JSON_SCAN_OBJECT) return fail_at(&value, "an object", err);
        if (!read_properties(r, COLLECTED_PROFILE, key.text, err)) return false;
    }
}

/* [{"key", "value", "data"}, ...] */
static bool read_registry(struct reading *r, struct json_scan_item item, struct err *err)
{
    if (item.kind == JSON_SCAN_NULL) return true;
    if (item.kind != JSON_SCAN_ARRAY) return fail_at(&item, "a list of registry values", err);
    for (;;) {
        struct json_scan_item one, key, value;
        struct collected_setting setting = {.part = COLLECTED_REGISTRY, .absent = true};
        bool is_object = false;
        if (!json_scan_next(&r->scan, &one, err)) return false;
        if (one.kind == JSON_SCAN_ARRAY_END) return true;
        if (one.kind != JSON_SCAN_OBJECT) return fail_at(&one, "an object", err);
        for (;;) {
            if (!json_scan_next(&r->scan, &key, err)) return false;
            if (key.kind == JSON_SCAN_OBJECT_END) break;
            if (!json_scan_next(&r->scan, &value, err)) return false;
            bool good = true;
            if (str_equal(key.text, S("key")))
                good = read_text(r, value, &setting.of, err);
            else if (str_equal(key.text, S("value")))
                good = read_text(r, value, &setting.name, err);
            else if (str_equal(key.text, S("data")))
                good = read_value(r, value, &setting.text, &setting.absent, &is_object, err);
            else
                good = json_scan_skip(&r->scan, value, err);
            if (!good) return false;
        }
        if (!setting.of.len) return fail_at(&one, "a registry value with its key", err);
        if (!add_setting(r, one.offset, setting, err)) return false;
    }
}

/* ---- The file -----------------------------------------------------------------------------------
 */

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    str name;
    read_member *read;
} members[] = {
    {T("computer"),          read_computer  },
    {T("fqdn"),              read_fqdn      },
    {T("collected"),         read_time      },
    {T("addresses"),         read_addresses },
    {T("os"),                read_os        },
    {T("smb_server"),        read_smb_server},
    {T("smb_client"),        read_smb_client},
    {T("services"),          read_services  },
    {T("features"),          read_features  },
    {T("audit"),             read_audit     },
    {T("firewall_profiles"), read_profiles  },
    {T("registry"),          read_registry  },
};

static bool read_one(struct reading *r, struct json_scan_item key, bool *is_ours, struct err *err)
{
    struct json_scan_item item;
    if (!json_scan_next(&r->scan, &item, err)) return false;
    if (str_equal(key.text, S("sallyport"))) {
        *is_ours = item.kind == JSON_SCAN_STRING && str_equal(item.text, S("collected"));
        return *is_ours || fail_at(&item, "\"collected\"", err);
    }
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (str_equal(key.text, members[i].name)) return members[i].read(r, item, err);
    return json_scan_skip(&r->scan, item, err);
}

static bool read_document(struct reading *r, struct err *err)
{
    struct json_scan_item item;
    bool is_ours = false;
    if (!json_scan_next(&r->scan, &item, err)) return false;
    if (item.kind != JSON_SCAN_OBJECT) return fail_at(&item, "an object", err);
    for (;;) {
        if (!json_scan_next(&r->scan, &item, err)) return false;
        if (item.kind == JSON_SCAN_OBJECT_END) break;
        if (!read_one(r, item, &is_ours, err)) return false;
    }
    if (!json_scan_next(&r->scan, &item, err)) return false;
    if (!is_ours)
        return err_at(err, ERR_MALFORMED, 0, "expected the member \"sallyport\": \"collected\"");
    if (!r->out.computer.len)
        return err_at(err, ERR_MALFORMED, 0, "expected the member \"computer\": whose settings");
    return true;
}

bool collected_read(str source, bytes content, struct arena *arena, struct collected *out,
                    struct err *err)
{
    uint64_t mark;
    str text = str_from_file(arena, content, &mark);
    struct reading r = {
        .scan = json_scan_of(text, mark, arena), .arena = arena, .out = {.source = source}};
    if (!read_document(&r, err)) return err_in(err, source);
    r.out.settings = r.settings;
    r.out.addrs = r.addrs;
    *out = r.out;
    return true;
}

bool collected_recognise(bytes head)
{
    struct arena arena = arena_open("recognise", 0, NULL);
    uint64_t mark;
    enum { ENOUGH = 256 };
    if (head.len > ENOUGH) head.len = ENOUGH;
    str text = str_from_file(&arena, head, &mark);
    static const char blanks[] = " \t\r\n";
    static const str words[] = {T("{"), T("\"sallyport\""), T(":"), T("\"collected\"")};
    bool is_ours = true;
    for (size_t i = 0; i < COUNT_OF(words) && is_ours; i++) {
        while (text.len && memchr(blanks, text.ptr[0], sizeof blanks - 1))
            text = str_tail(text, 1);
        is_ours = str_starts(text, words[i]);
        if (is_ours) text = str_tail(text, words[i].len);
    }
    arena_close(&arena);
    return is_ours;
}

const struct collected_setting *collected_find(const struct collected *collected,
                                               enum collected_part part, str of, str name)
{
    for (size_t i = 0; i < collected->n_settings; i++) {
        const struct collected_setting *s = &collected->settings[i];
        if (s->part == part && str_equal_nocase(s->of, of) && str_equal_nocase(s->name, name))
            return s;
    }
    return NULL;
}
