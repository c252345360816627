/* SPDX-License-Identifier: Apache-2.0 */
#include "reason/check_sarif.h"

#include "reason/check_kinds.h"

static str level(enum severity severity)
{
    return severity == SEVERITY_ERROR ? S("error") : S("warning");
}

static void print_message(struct json *json, str key, str text)
{
    json_key(json, key);
    json_object(json);
    json_member_str(json, S("text"), text);
    json_object_end(json);
}

static void print_rules(struct json *json)
{
    json_key(json, S("rules"));
    json_array(json);
    for (size_t i = 0; i < check_kinds_n; i++) {
        json_object(json);
        json_member_str(json, S("id"), check_kinds[i].kind);
        print_message(json, S("shortDescription"), check_kinds[i].title);
        json_key(json, S("defaultConfiguration"));
        json_object(json);
        json_member_str(json, S("level"), level(check_kinds[i].severity));
        json_object_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

static void print_tool(struct json *json, str version)
{
    json_key(json, S("tool"));
    json_object(json);
    json_key(json, S("driver"));
    json_object(json);
    json_member_str(json, S("name"), S("sallyport"));
    json_member_str(json, S("semanticVersion"), version);
    print_rules(json);
    json_object_end(json);
    json_object_end(json);
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~' || c == '/';
}

/* A path as a URI reference (RFC 3986): absolute ones name their scheme, in relative ones a colon
 * is no scheme since it is written as %3A. */
static str uri_of(str path, struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (str_starts(path, S("/"))) buf_str(&out, S("file://"));
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (is_unreserved(c))
            buf_char(&out, (char)c);
        else
            buf_format(&out, "%%%02X", c);
    }
    return buf_text(&out);
}

static void print_location(struct json *json, const struct check_sarif_result *r,
                           struct arena *arena)
{
    json_key(json, S("locations"));
    json_array(json);
    json_object(json);
    json_key(json, S("physicalLocation"));
    json_object(json);
    json_key(json, S("artifactLocation"));
    json_object(json);
    json_member_str(json, S("uri"), uri_of(r->source, arena));
    json_object_end(json);
    if (r->place.line) {
        json_key(json, S("region"));
        json_object(json);
        json_member_u64(json, S("startLine"), r->place.line);
        if (r->place.column) json_member_u64(json, S("startColumn"), r->place.column);
        json_object_end(json);
    }
    json_object_end(json);
    json_object_end(json);
    json_array_end(json);
}

static void print_result(struct json *json, const struct check_sarif_result *r, struct arena *arena)
{
    size_t rule = check_kinds_find(r->kind);
    json_object(json);
    json_member_str(json, S("ruleId"), r->kind);
    if (rule != SIZE_MAX) json_member_u64(json, S("ruleIndex"), rule);
    json_member_str(json, S("level"), level(r->severity));
    print_message(json, S("message"), r->text);
    print_location(json, r, arena);
    json_object_end(json);
}

void check_sarif_print(const struct check_sarif_result *results, size_t n, str version,
                       bool is_complete, struct buf *out, struct arena *arena)
{
    struct json json = json_to(out);
    json_object(&json);
    json_member_str(&json, S("$schema"),
                    S("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
                      "sarif-schema-2.1.0.json"));
    json_member_str(&json, S("version"), S("2.1.0"));
    json_key(&json, S("runs"));
    json_array(&json);
    json_object(&json);
    print_tool(&json, version);
    json_key(&json, S("invocations"));
    json_array(&json);
    json_object(&json);
    json_member_bool(&json, S("executionSuccessful"), is_complete);
    json_object_end(&json);
    json_array_end(&json);
    /* Ours count characters. */
    json_member_str(&json, S("columnKind"), S("unicodeCodePoints"));
    json_key(&json, S("results"));
    json_array(&json);
    for (size_t i = 0; i < n; i++)
        print_result(&json, &results[i], arena);
    json_array_end(&json);
    json_object_end(&json);
    json_array_end(&json);
    json_object_end(&json);
    buf_char(out, '\n');
}
