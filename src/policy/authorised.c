/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/authorised.h"

bool authorised_is_sid(str text)
{
    enum { MOST_NUMBERS = 15 };
    size_t n = 0;
    if (text.len < 4 || !str_equal_nocase(str_head(text, 4), S("S-1-"))) return false;
    str rest = str_tail(text, 4), part;
    for (bool more = true; more; n++) {
        uint64_t number = 0;
        more = str_cut(rest, '-', &part, &rest);
        /* The authority has 48 bits, each number behind it 32. */
        if (!str_u64(part, n ? UINT32_MAX : (UINT64_C(1) << 48) - 1, &number)) return false;
    }
    return n >= 2 && n <= MOST_NUMBERS + 1;
}

/* ---- Lists --------------------------------------------------------------------------------------
 */

struct sids {
    str *items;
    size_t n, room;
};

static void add_sid(struct sids *list, struct arena *arena, str sid)
{
    char *upper = arena_array(arena, char, sid.len + 1);
    for (size_t i = 0; i < sid.len; i++)
        upper[i] = (char)(sid.ptr[i] == 's' ? 'S' : sid.ptr[i]);
    arena_grow(arena, list->items, list->n, list->room);
    list->items[list->n++] = (str){upper, sid.len};
}

static void add_words(struct sids *list, struct arena *arena, str words)
{
    str word;
    while (words.len) {
        (void)str_cut(words, ' ', &word, &words);
        if (word.len) add_sid(list, arena, word);
    }
}

static int sid_order(const void *left, const void *right)
{
    const str *a = left, *b = right;
    return str_compare(*a, *b);
}

static str text_of(const struct sids *list, struct arena *arena)
{
    struct buf out = buf_in(arena);
    if (list->n) qsort(list->items, list->n, sizeof *list->items, sid_order);
    for (size_t i = 0; i < list->n; i++) {
        if (i && str_equal(list->items[i], list->items[i - 1])) continue;
        if (out.len) buf_char(&out, ' ');
        buf_str(&out, list->items[i]);
    }
    return buf_text(&out);
}

str authorised_sorted(str list, struct arena *arena)
{
    struct sids sids = {0};
    add_words(&sids, arena, list);
    return text_of(&sids, arena);
}

str authorised_union(str a, str b, struct arena *arena)
{
    struct sids sids = {0};
    if (!b.len) return a;
    if (!a.len) return b;
    add_words(&sids, arena, a);
    add_words(&sids, arena, b);
    return text_of(&sids, arena);
}

/* ---- Entries ------------------------------------------------------------------------------------
 */

/* Groups that every domain has, by the last number of their SIDs ([MS-DTYP] 2.4.2.4). */
static const char *const default_groups[] = {
    "515", /* Domain Computers */
    "516", /* Domain Controllers */
    "521", /* Read-only Domain Controllers */
};

static struct authorised by_domains(const struct policy *policy, struct arena *arena)
{
    struct sids sids = {0};
    if (!policy->n_domains)
        return (struct authorised){
            .lack = S("neither `domains` nor `computers` says whose computers may authenticate")};
    for (size_t i = 0; i < policy->n_domains; i++) {
        const struct domain *domain = &policy->domains[i];
        if (!domain->sid.len)
            return (struct authorised){
                .lack = str_format(arena, "the domain \"%.*s\" has no sid", STR_ARG(domain->name))};
        for (size_t k = 0; k < COUNT_OF(default_groups); k++)
            add_sid(&sids, arena,
                    str_format(arena, "%.*s-%s", STR_ARG(domain->sid), default_groups[k]));
    }
    return (struct authorised){.sids = text_of(&sids, arena)};
}

struct authorised authorised_by(const struct policy *policy, const struct entry *entry,
                                const struct host_lookup *lookup, struct arena *arena)
{
    struct sids sids = {0};
    if (!entry->n_secure_computers) return by_domains(policy, arena);
    for (size_t i = 0; i < entry->n_secure_computers; i++) {
        str name = str_trim(entry->secure_computers[i]), sid = {0};
        if (authorised_is_sid(name))
            sid = name;
        else if (lookup && lookup->ad_sid)
            sid = lookup->ad_sid(lookup->to, name, arena);
        if (!sid.len)
            return (struct authorised){
                .lack = str_format(arena, "the SID of the AD group \"%.*s\" is not known",
                                   STR_ARG(name))};
        add_sid(&sids, arena, sid);
    }
    return (struct authorised){.sids = text_of(&sids, arena)};
}
