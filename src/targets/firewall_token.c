/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewall_token.h"

/* ---- Tokens -------------------------------------------------------------------------------------
 */

bool firewall_token_wrong(struct firewall_text *text, const char *expected, str found)
{
    enum { SHOWN = 80 };
    if (!text->problem.len)
        text->problem = str_format(text->arena, "expected %s, found \"%.*s\"", expected,
                                   STR_ARG(str_utf8(text->arena, str_head(found, SHOWN))));
    return false;
}

static bool is_version(str text)
{
    str major, minor;
    uint64_t n;
    if (!text.len || (text.ptr[0] | ' ') != 'v') return false;
    if (!str_cut(str_tail(text, 1), '.', &major, &minor)) return false;
    return major.len <= 3 && minor.len <= 3 && str_u64(major, 255, &n) && n >= 2 &&
           str_u64(minor, 255, &n);
}

bool firewall_token_begin(struct firewall_text *text, str whole, struct arena *arena)
{
    str version;
    *text = (struct firewall_text){.arena = arena};
    bool bar = str_cut(whole, '|', &version, &text->left);
    if (!bar || !is_version(version))
        return firewall_token_wrong(text, "a version and a bar (\"v2.10|\")", whole);
    if (!text->left.len) return firewall_token_wrong(text, "fields after the version", whole);
    if (!str_ends(whole, S("|")))
        return firewall_token_wrong(text, "a bar behind the last field",
                                    str_tail(whole, whole.len > 40 ? whole.len - 40 : 0));
    return true;
}

bool firewall_token_next(struct firewall_text *text)
{
    str field;
    if (text->problem.len || !text->left.len) return false;
    (void)str_cut(text->left, '|', &field, &text->left);
    if (!str_cut(field, '=', &text->name, &text->value) || !text->name.len)
        return firewall_token_wrong(text, "a field Token=value", field);
    return true;
}

/* ---- Values -------------------------------------------------------------------------------------
 */

bool firewall_token_flag(struct firewall_text *text, bool *out)
{
    bool yes = str_equal_nocase(text->value, S("TRUE"));
    if (!yes && !str_equal_nocase(text->value, S("FALSE")))
        return firewall_token_wrong(text, "TRUE or FALSE", text->value);
    *out = yes;
    return true;
}

bool firewall_token_profile(struct firewall_text *text, uint8_t *profiles)
{
    static const struct {
        const char *name;
        enum profile profile;
    } names[] = {
        {"Domain",  PROFILE_DOMAIN },
        {"Private", PROFILE_PRIVATE},
        {"Public",  PROFILE_PUBLIC },
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (!str_equal_nocase(text->value, str_of(names[i].name))) continue;
        *profiles |= (uint8_t)(1u << names[i].profile);
        return true;
    }
    return firewall_token_wrong(text, "Domain, Private or Public", text->value);
}

bool firewall_token_number(struct firewall_text *text, const char *expected, uint64_t most,
                           uint64_t *out)
{
    if (str_u64(text->value, most, out)) return true;
    return firewall_token_wrong(text, expected, text->value);
}

bool firewall_token_port_range(struct firewall_text *text, uint16_t *first, uint16_t *last)
{
    str left, right;
    uint64_t a = 0, b = 0;
    bool two = str_cut(text->value, '-', &left, &right);
    if (!two || !str_u64(left, UINT16_MAX, &a) || !str_u64(right, UINT16_MAX, &b) || a > b)
        return firewall_token_wrong(text, "a range of ports", text->value);
    *first = (uint16_t)a;
    *last = (uint16_t)b;
    return true;
}

/* ---- Conditions ---------------------------------------------------------------------------------
 */

void firewall_token_add_word(struct firewall_words *words, struct arena *arena, str word)
{
    arena_grow(arena, words->items, words->n, words->room);
    words->items[words->n++] = word;
}

/* Conditions are parted by "; ": a word can't begin one of its own. SDDLs keep their semicolons,
 * behind which is nothing that conditions begin with. */
static void put_word(struct buf *out, str word)
{
    for (size_t i = 0; i < word.len; i++) {
        size_t next = i + 1;
        while (next < word.len && word.ptr[next] == ' ')
            next++;
        bool begins = next < word.len && word.ptr[next] >= 'a' && word.ptr[next] <= 'z';
        buf_char(out, word.ptr[i] == ';' && begins ? ',' : word.ptr[i]);
    }
}

void firewall_token_add_condition(str *conditions, struct arena *arena, const char *label,
                                  const struct firewall_words *words)
{
    struct buf out = buf_in(arena);
    if (!words->n) return;
    buf_str(&out, *conditions);
    if (conditions->len) buf_str(&out, S("; "));
    buf_str(&out, str_of(label));
    for (size_t i = 0; i < words->n; i++) {
        if (i) buf_str(&out, S(" or"));
        if ((i || label[0]) && words->items[i].len) buf_char(&out, ' ');
        put_word(&out, words->items[i]);
    }
    *conditions = buf_text(&out);
}

/* ---- Addresses ----------------------------------------------------------------------------------
 */

/* As the registry spells it, and as New-NetFirewallRule takes it. */
static str keyword_of(str value)
{
    static const struct {
        const char *wire, *shown;
    } keywords[] = {
        {"LocalSubnet",    "LocalSubnet"         },
        {"DNS",            "DNS"                 },
        {"DHCP",           "DHCP"                },
        {"WINS",           "WINS"                },
        {"DefaultGateway", "DefaultGateway"      },
        {"IntrAnet",       "Intranet"            },
        {"IntErnet",       "Internet"            },
        {"Ply2Renders",    "PlayToDevice"        },
        {"RmtIntrAnet",    "IntranetRemoteAccess"},
        {"CaptivePortal",  "CaptivePortal"       },
    };
    for (size_t i = 0; i < COUNT_OF(keywords); i++)
        if (str_equal_nocase(value, str_of(keywords[i].wire))) return str_of(keywords[i].shown);
    return (str){0};
}

static bool address_of(str text, bool v4, struct addr *out)
{
    return addr_parse(text, out) && addr_is_v4(*out) == v4;
}

/* The length of "255.255.0.0"; false when its ones are not in front. */
static bool mask_length(str text, uint64_t *out)
{
    struct addr mask;
    if (!address_of(text, true, &mask)) return false;
    uint32_t zeros = ~addr_v4_value(mask);
    if (zeros & (zeros + (uint64_t)1)) return false;
    *out = 32;
    for (; zeros; zeros >>= 1)
        *out -= 1;
    return true;
}

/* Bits of the host are no part of a subnet. */
static bool subnet_of(str first, str length_text, bool v4, struct range *out)
{
    struct addr a;
    uint64_t most = v4 ? 32 : 128, length = 0;
    if (!address_of(first, v4, &a)) return false;
    if (!str_u64(length_text, most, &length) && !(v4 && mask_length(length_text, &length)))
        return false;
    if (!length) return false; /* [MS-FASP] 2.2.4, 2.2.5: neither family takes it */
    *out = prefix_range(prefix_of(a, (uint8_t)(length + 128 - most)));
    return true;
}

static bool range_of(str text, bool v4, struct range *out)
{
    str left, right;
    if (str_cut(text, '/', &left, &right)) return subnet_of(left, right, v4, out);
    bool two = str_cut(text, '-', &left, &right);
    struct range r;
    if (!address_of(left, v4, &r.first)) return false;
    r.last = r.first;
    if (two && !address_of(right, v4, &r.last)) return false;
    if (addr_compare(r.first, r.last) > 0) return false;
    *out = r;
    return true;
}

bool firewall_token_address(struct firewall_text *text, struct firewall_end *end, bool v4,
                            bool keywords)
{
    struct range range;
    str keyword = keywords ? keyword_of(text->value) : (str){0};
    end->said[v4 ? 0 : 1] = true;
    if (keyword.len) {
        firewall_token_add_word(&end->keywords[v4 ? 0 : 1], text->arena, keyword);
        return true;
    }
    if (!range_of(text->value, v4, &range))
        return firewall_token_wrong(
            text, v4 ? "an IPv4 address, range or subnet" : "an IPv6 address, range or subnet",
            text->value);
    arena_grow(text->arena, end->ranges, end->n, end->room);
    end->ranges[end->n++] = range;
    return true;
}

static bool same_words(const struct firewall_words *a, const struct firewall_words *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!str_equal(a->items[i], b->items[i])) return false;
    return true;
}

static void add_ranges(struct firewall_words *words, struct prefix_set set, struct arena *arena)
{
    for (size_t i = 0; i < set.n; i++) {
        char first[PREFIX_TEXT], last[ADDR_TEXT];
        size_t n;
        struct prefix_set one = {&set.ranges[i], 1};
        const struct prefix *prefixes = prefix_set_prefixes(arena, one, &n);
        str a = n == 1 ? prefix_text(first, prefixes[0]) : addr_text(first, set.ranges[i].first);
        str b = n == 1 ? (str){0} : addr_text(last, set.ranges[i].last);
        firewall_token_add_word(
            words, arena,
            str_format(arena, "%.*s%s%.*s", STR_ARG(a), n == 1 ? "" : "-", STR_ARG(b)));
    }
}

/* Where keywords stand beside addresses, the condition names both. */
static struct firewall_words words_beside(const struct firewall_end *end, bool v4,
                                          struct prefix_set family, struct arena *arena)
{
    struct firewall_words words = {0};
    const struct firewall_words *keywords = &end->keywords[v4 ? 0 : 1];
    for (size_t i = 0; i < keywords->n; i++)
        firewall_token_add_word(&words, arena, keywords->items[i]);
    add_ranges(&words, family, arena);
    return words;
}

str firewall_token_join(const struct firewall_words *words, struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 0; i < words->n; i++) {
        if (i) buf_char(&out, ' ');
        buf_str(&out, words->items[i]);
    }
    return buf_text(&out);
}

/* Both families in one list; keywords of both once. */
static str shown_end(const struct firewall_words *words, const struct prefix_set *named,
                     struct arena *arena)
{
    struct firewall_words all = {0};
    if (!words[0].n && !words[1].n) return (str){0};
    for (size_t f = 0; f < 2; f++) {
        if (!words[f].n) add_ranges(&all, named[f], arena);
        if (f && same_words(&words[0], &words[1])) break;
        for (size_t i = 0; i < words[f].n; i++)
            firewall_token_add_word(&all, arena, words[f].items[i]);
    }
    return firewall_token_join(&all, arena);
}

struct prefix_set firewall_token_end(const struct firewall_end *end, const char *label,
                                     struct arena *arena, str *conditions, str *shown)
{
    const struct prefix_set all = {&addr_all, 1};
    if (!end->said[0] && !end->said[1]) return all;
    struct prefix_set set = prefix_set_of(arena, end->ranges, end->n);
    struct prefix_set named[2] = {prefix_set_v4(arena, set), prefix_set_v6(arena, set)};
    struct firewall_words words[2];
    struct range *ranges = arena_array(arena, struct range, end->n + 4);
    size_t n = 0;
    for (size_t f = 0; f < 2; f++) {
        bool any = end->keywords[f].n > 0;
        struct prefix_set family = f ? prefix_set_v6(arena, all) : prefix_set_v4(arena, all);
        words[f] = any ? words_beside(end, !f, named[f], arena) : (struct firewall_words){0};
        if (!any) family = named[f];
        for (size_t i = 0; i < family.n; i++)
            ranges[n++] = family.ranges[i];
    }
    if (shown) *shown = shown_end(words, named, arena);
    if (same_words(&words[0], &words[1])) {
        firewall_token_add_condition(conditions, arena, label, &words[0]);
    } else {
        str v4 = str_format(arena, "IPv4 %s", label), v6 = str_format(arena, "IPv6 %s", label);
        firewall_token_add_condition(conditions, arena, str_c(arena, v4), &words[0]);
        firewall_token_add_condition(conditions, arena, str_c(arena, v6), &words[1]);
    }
    return prefix_set_of(arena, ranges, n);
}
