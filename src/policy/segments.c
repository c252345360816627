/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/segments.h"

#include "policy/places.h"

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* No segment holds a local address: they never cross a network. */
static void check_not_local(struct reading *r, const struct placed_prefix *p)
{
    struct range range = prefix_range(p->prefix);
    struct prefix_set set = {&range, 1};
    struct prefix_set bad = prefix_set_intersect(r->arena, set, places_local);
    char network[PREFIX_TEXT], found[ADDR_TEXT];
    if (!bad.n) return;
    str whole = prefix_text(network, p->prefix), one = addr_text(found, bad.ranges[0].first);
    reading_error(r, "value", p->place,
                  "a segment holds no loopback, link-local, multicast, broadcast or unspecified "
                  "address; %.*s contains %.*s",
                  STR_ARG(whole), STR_ARG(one));
}

static void read_networks(struct reading *r, const struct node *value, void *into,
                          const void *about)
{
    struct segment *segment = into;
    (void)about;
    struct prefix_list list = reading_prefixes(r, value);
    segment->networks = list.items;
    segment->n_networks = list.n;
    for (size_t i = 0; i < list.n; i++)
        check_not_local(r, &list.items[i]);
}

static void read_nat(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct segment *segment = into;
    (void)about;
    struct prefix_list list = reading_prefixes(r, value);
    segment->nat = list.items;
    segment->n_nat = list.n;
}

static const str trusts[] = {
#define X(name, text) T(text),
    TRUSTS(X)
#undef X
};
static const struct choices trust_choices = {trusts, COUNT_OF(trusts)};
static const str border_words[] = {T("none"), T("enforced")};
static const struct choices border_choices = {border_words, COUNT_OF(border_words)};

static void read_border(struct reading *r, const struct node *value, void *into, const void *about)
{
    unsigned choice = 0;
    reading_choice(r, value, &choice, about);
    *(bool *)into = choice == 1;
}

static const struct key segment_keys[] = {
    {T("networks"),   COMPULSORY, read_networks,  0,                       NULL                     },
    {T("trust"),      COMPULSORY, reading_choice, offsetof(struct segment, trust),                    &trust_choices},
    {T("border"),               OPTIONAL,               read_border,       offsetof(struct segment,     border_enforced),
     &border_choices},
    {T("profiles"), OPTIONAL,           reading_profiles,             offsetof(struct segment,                            profiles),                           NULL},
    {T("nat"),      OPTIONAL,            read_nat,                          0,               NULL},
};
static const struct keys segment_map = {T("a segment"), segment_keys, COUNT_OF(segment_keys)};

struct owned_prefix {
    struct placed_prefix network;
    str segment;
};

static int network_order(const void *left, const void *right)
{
    const struct owned_prefix *a = left, *b = right;
    int order = addr_compare(a->network.prefix.addr, b->network.prefix.addr);
    if (!order) order = (int)a->network.prefix.len - (int)b->network.prefix.len;
    if (order) return order;
    struct place x = a->network.place, y = b->network.place;
    if (x.line != y.line) return x.line < y.line ? -1 : 1;
    return (x.column > y.column) - (x.column < y.column);
}

static void check_networks_once(struct reading *r)
{
    const struct policy *policy = r->policy;
    size_t n = 0, total = 0;
    for (size_t i = 0; i < policy->n_segments; i++)
        total += policy->segments[i].n_networks;
    struct owned_prefix *all = arena_array(r->arena, struct owned_prefix, total);
    for (size_t i = 0; i < policy->n_segments; i++)
        for (size_t j = 0; j < policy->segments[i].n_networks; j++)
            all[n++] =
                (struct owned_prefix){policy->segments[i].networks[j], policy->segments[i].name};
    qsort(all, n, sizeof *all, network_order);
    for (size_t i = 1; i < n; i++) {
        struct prefix p = all[i].network.prefix, before = all[i - 1].network.prefix;
        if (p.len != before.len || !addr_equal(p.addr, before.addr)) continue;
        char text[PREFIX_TEXT];
        reading_error(r, "conflict", all[i].network.place,
                      "the network %.*s is already in segment \"%.*s\" (line %" PRIu32 ")",
                      STR_ARG(prefix_text(text, p)), STR_ARG(all[i - 1].segment),
                      all[i - 1].network.place.line);
    }
}

void segments_read(struct reading *r, const struct node *value, void *into, const void *about)
{
    struct policy *policy = into;
    (void)about;
    if (value->kind != NODE_MAP) {
        reading_error(r, "value", value->place,
                      "expected a mapping from segment names to segments, found %.*s",
                      STR_ARG(reading_found(r, value)));
        return;
    }
    struct segment *segments = arena_array(r->arena, struct segment, value->n);
    for (size_t i = 0; i < value->n; i++) {
        const struct node *key = &value->items[2 * i];
        struct segment *segment = &segments[policy->n_segments];
        bool named = reading_declare(r, key, NAMED_SEGMENT, policy->n_segments);
        *segment = (struct segment){.name = key->text, .place = key->place};
        (void)reading_map(r, &value->items[2 * i + 1], &segment_map, segment);
        if (named) policy->n_segments++;
    }
    policy->segments = segments;
    check_networks_once(r);
}
