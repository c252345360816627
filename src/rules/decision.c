/* SPDX-License-Identifier: Apache-2.0 */
/* DESIGN.md 4 and 5. Every entry, exception and perimeter entry becomes two sets of classes (the
 * clients and the servers it speaks of, less its `except`, less the internet where the word is not
 * there); rules/intents answers for their union. What a side makes of an intent depends only on the
 * place of its end: its modes, whether it enforces, its borders. So no row of a side is kept: a
 * pair is answered from both places, a row is made when somebody asks for it.
 */
#include "base/hash.h"
#include "base/map.h"
#include "rules/decision_state.h"
#include "rules/partition.h"
#include "rules/universe.h"

static const struct range link_local[] = {
    {{0, UINT64_C(0x0000FFFFA9FE0000)}, {0, UINT64_C(0x0000FFFFA9FEFFFF)}         },
    {{UINT64_C(0xFE80000000000000), 0}, {UINT64_C(0xFEBFFFFFFFFFFFFF), UINT64_MAX}},
};
const struct prefix_set decision_link_local = {link_local, COUNT_OF(link_local)};

str side_text(enum side side)
{
    switch (side) {
    case SIDE_CLIENT_OUTBOUND:
        return S("client-outbound");
    case SIDE_BORDER:
        return S("perimeter");
    case SIDE_SERVER_INBOUND:
    case SIDE_COUNT:
        break;
    }
    assert(side == SIDE_SERVER_INBOUND);
    return S("server-inbound");
}

str intent_text(enum intent intent)
{
    static const str texts[] = {
#define X(name, text) {text, sizeof(text) - 1},
        INTENTS(X)
#undef X
    };
    assert((size_t)intent < COUNT_OF(texts));
    return texts[intent];
}

/* ---- The sets of a policy -----------------------------------------------------------------------
 */

void decision_sets(const struct resolved *resolved, struct arena *arena, struct prefix_set **sets,
                   size_t *n, size_t *room)
{
    const struct policy *policy = resolved->policy;
#define ADD(set)                                                                                   \
    do {                                                                                           \
        if (prefix_set_is_empty(set)) break;                                                       \
        arena_grow(arena, *sets, *n, *room);                                                       \
        (*sets)[(*n)++] = (set);                                                                   \
    } while (0)
    for (size_t i = 0; i < policy->n_segments; i++)
        ADD(resolved->places.segments[i]);
    ADD(resolved->places.unknown);
    ADD(resolved->places.internet);
    ADD(resolved->places.local);
    ADD(decision_link_local);
    for (size_t i = 0; i < policy->n_groups; i++)
        ADD(resolved->groups[i]);
    ADD(resolved->managed);
    ADD(resolved->enforcing);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t m = MODE_ENFORCE; m <= MODE_OFF; m++)
            ADD(resolved->modes[p][m]);
    for (size_t i = 0; i < resolved->n_entries; i++) {
        ADD(resolved->entries[i].from);
        ADD(resolved->entries[i].to);
        ADD(resolved->entries[i].except_from);
        ADD(resolved->entries[i].except_to);
    }
    for (size_t i = 0; i < resolved->n_perimeter; i++) {
        ADD(resolved->perimeter[i].from);
        ADD(resolved->perimeter[i].to);
    }
    for (size_t i = 0; i < resolved->n_borders; i++)
        ADD(resolved->borders[i].inside);
#undef ADD
}

/* Marks of members without addresses (policy/resolve). A group of a directory has members, only
 * nobody can tell which; a host that was never seen has no address, as the policy's meaning says,
 * and check warns of it. */
bool decision_unknown(str mark)
{
    return str_starts(mark, S("group "));
}

/* ---- What entries say -------------------------------------------------------------------------
 */

/* One end of an entry, as the policy has it. */
struct end {
    struct prefix_set in, except;
    bool with_internet;
    bool in_unknown, except_unknown; /* somebody of it, who may be any address here */
};

/* Ends that were met before: policies name the same ones over and over. */
struct ends {
    struct known_end {
        struct end end;
        uint32_t number;
    } * items;
    size_t n, room;
    uint32_t *slots; /* index plus one; open addressing */
    size_t n_slots;
};

static uint64_t set_hash(uint64_t hash, struct prefix_set set)
{
    hash = hash_join(hash, set.n);
    for (size_t i = 0; i < set.n; i++) {
        hash = hash_join(hash, addr_hash(set.ranges[i].first));
        hash = hash_join(hash, addr_hash(set.ranges[i].last));
    }
    return hash;
}

static uint64_t end_hash(const struct end *end)
{
    uint64_t flags = end->with_internet | (uint64_t)end->in_unknown << 1;
    return set_hash(set_hash(flags | (uint64_t)end->except_unknown << 2, end->in), end->except);
}

static bool end_equal(const struct end *a, const struct end *b)
{
    return a->with_internet == b->with_internet && a->in_unknown == b->in_unknown &&
           a->except_unknown == b->except_unknown && prefix_set_equal(a->in, b->in) &&
           prefix_set_equal(a->except, b->except);
}

static size_t end_slot(const struct ends *ends, const struct end *end)
{
    size_t at = (size_t)end_hash(end) & (ends->n_slots - 1);
    while (ends->slots[at] && !end_equal(&ends->items[ends->slots[at] - 1].end, end))
        at = (at + 1) & (ends->n_slots - 1);
    return at;
}

/* Classes that the ends of entries are made of. */
struct speech {
    struct class_set internet;
    struct class_set anyone; /* who may be an unknown member: neither local nor at the internet */
    struct ends known;
};

/* Who one end of an entry speaks of: local addresses never, internet ones only by that word. */
static uint32_t end_number(struct decision *d, struct speech *speech, const struct end *end,
                           struct arena *arena, struct arena *work, struct arena scratch)
{
    struct ends *known = &speech->known;
    size_t slot = end_slot(known, end);
    if (known->slots[slot]) return known->items[known->slots[slot] - 1].number;
    struct class_set named = atoms_classes(d->atoms, end->in, &scratch);
    struct class_set excepted = atoms_classes(d->atoms, end->except, &scratch);
    if (end->in_unknown) named = class_set_unite(&scratch, named, speech->anyone);
    if (end->except_unknown) excepted = class_set_unite(&scratch, excepted, speech->anyone);
    named = class_set_subtract(&scratch, named, excepted);
    named = class_set_subtract(&scratch, named, d->local);
    if (!end->with_internet) named = class_set_subtract(&scratch, named, speech->internet);
    uint32_t number = class_sets_intern(&d->ends, arena, named);
    arena_grow(work, known->items, known->n, known->room);
    known->items[known->n++] = (struct known_end){*end, number};
    known->slots[slot] = (uint32_t)known->n;
    return number;
}

/* Whether members that nobody knows the addresses of are members of an end, in this reading.
 * possible: they are members of what allows, and of no except; else the other way round. */
static struct end end_of(struct prefix_set in, struct prefix_set except, bool with_internet,
                         str in_unknown, str except_unknown, bool possible)
{
    return (struct end){in, except, with_internet, possible && decision_unknown(in_unknown),
                        !possible && decision_unknown(except_unknown)};
}

/* An entry with the services it is about. */
struct sentence {
    const size_t *services;
    size_t n_services;
    struct spoken spoken;
};

static struct sentence *speak(struct decision *d, bool possible, size_t *n, struct arena *arena,
                              struct arena *work, struct arena scratch)
{
    const struct resolved *r = d->resolved;
    struct sentence *out = arena_array(work, struct sentence, r->n_entries + r->n_perimeter);
    struct speech speech = {.internet = atoms_classes(d->atoms, r->places.internet, work)};
    speech.anyone = class_set_subtract(work, d->all, d->local);
    speech.anyone = class_set_subtract(work, speech.anyone, speech.internet);
    speech.known.n_slots = 16;
    while (speech.known.n_slots < 4 * (r->n_entries + r->n_perimeter))
        speech.known.n_slots *= 2;
    speech.known.slots = arena_array(work, uint32_t, speech.known.n_slots);
    *n = 0;
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        struct end from = end_of(e->from, e->except_from, e->from_internet, e->from_unknown,
                                 e->except_from_unknown, possible);
        struct end to = end_of(e->to, e->except_to, e->to_internet, e->to_unknown,
                               e->except_to_unknown, possible);
        bool plain = e->secure == SECURE_NONE || e->secure == SECURE_UNSET;
        struct spoken spoken = {end_number(d, &speech, &from, arena, work, scratch),
                                end_number(d, &speech, &to, arena, work, scratch), plain};
        out[(*n)++] = (struct sentence){e->entry->services, e->entry->n_services, spoken};
    }
    for (size_t i = 0; i < r->n_perimeter; i++) {
        /* Exactly one end is at the internet, the server of an outbound one; resolved sets are cut
         * to that. */
        const struct resolved_perimeter *e = &r->perimeter[i];
        bool outbound = e->direction == DIRECTION_OUTBOUND;
        struct prefix_set none = {0};
        struct end from = end_of(e->from, none, !outbound, e->from_unknown, (str){0}, possible);
        struct end to = end_of(e->to, none, outbound, e->to_unknown, (str){0}, possible);
        if (outbound)
            to.in = prefix_set_intersect(work, to.in, r->places.internet);
        else
            from.in = prefix_set_intersect(work, from.in, r->places.internet);
        struct spoken spoken = {end_number(d, &speech, &from, arena, work, scratch),
                                end_number(d, &speech, &to, arena, work, scratch), true};
        out[(*n)++] = (struct sentence){e->entry->services, e->entry->n_services, spoken};
    }
    return out;
}

static bool speaks_of(const struct sentence *s, size_t service)
{
    for (size_t i = 0; i < s->n_services; i++)
        if (s->services[i] == service) return true;
    return false;
}

static void make_services(struct decision *d, bool possible, struct arena *arena,
                          struct arena scratch)
{
    const struct policy *policy = d->resolved->policy;
    struct arena work = arena_open("decision", 0, NULL);
    size_t n = 0;
    class_sets_begin(&d->ends, arena);
    const struct sentence *sentences = speak(d, possible, &n, arena, &work, scratch);
    struct spoken *spoken = arena_array(&work, struct spoken, n);
    d->services = arena_array(arena, struct intents *, policy->services.n + 1);
    for (size_t i = 0; i < policy->services.n; i++) {
        size_t n_spoken = 0;
        if (!policy->governed[i]) continue;
        for (size_t j = 0; j < n; j++)
            if (speaks_of(&sentences[j], i)) spoken[n_spoken++] = sentences[j].spoken;
        d->services[i] = intents_build(&d->ends, spoken, n_spoken, d->n_classes, arena, scratch);
    }
    arena_close(&work);
}

/* ---- Places -------------------------------------------------------------------------------------
 */

/* What a machine that enforces makes of a flow. */
static bool host_passes(enum profile_mode mode, enum direction direction, bool intended)
{
    if (mode == MODE_UNSET || mode == MODE_OFF) return true;
    bool by_intent =
        mode == MODE_ENFORCE || (mode == MODE_BLOCK_INBOUND && direction == DIRECTION_OUTBOUND);
    return by_intent && intended;
}

enum { LEVELS = INTENTS_ALLOW + 1 };

/* The bit of a level of intent, in clear or secured. */
static unsigned level_bit(enum intent_level level, bool secured)
{
    return 2 * (unsigned)level + secured;
}

/* A bit per level and security: whether the flow gets through. */
static uint8_t levels_let_through(enum profile_mode mode, enum direction direction)
{
    unsigned bits = 0;
    for (unsigned k = 0; k < 2 * LEVELS; k++) {
        enum intent_level level = (enum intent_level)(k / 2);
        bool intended = level == INTENTS_ALLOW || (level == INTENTS_IF_SECURE && k % 2);
        if (host_passes(mode, direction, intended)) bits |= 1u << k;
    }
    return (uint8_t)bits;
}

/* Classes are of one place when no set of modes, of borders, of those that enforce, are local or
 * members of a cluster tells them apart. */
static void find_places(struct decision *d, struct arena *arena, struct arena scratch)
{
    struct arena work = arena_open("places", 0, NULL);
    const struct resolved *r = d->resolved;
    size_t n = 0, most = 3 + PROFILE_COUNT * (MODE_OFF + 1) + r->n_borders;
    struct class_set *sets = arena_array(&work, struct class_set, most);
    struct class_set cluster = {0};
    for (size_t i = 0; i < r->policy->n_groups; i++)
        if (r->policy->groups[i].role == ROLE_CLUSTER)
            cluster = class_set_unite(&work, cluster, atoms_classes(d->atoms, r->groups[i], &work));
    struct class_set *borders = arena_array(arena, struct class_set, r->n_borders + 1);
    for (size_t i = 0; i < r->n_borders; i++)
        sets[n++] = borders[i] = atoms_classes(d->atoms, r->borders[i].inside, arena);
    struct partition by_border = partition_of(sets, n, d->n_classes, &work, scratch);
    sets[n++] = cluster;
    sets[n++] = d->local = atoms_classes(d->atoms, r->places.local, arena);
    sets[n++] = d->enforcing = atoms_classes(d->atoms, r->enforcing, arena);
    for (size_t p = 0; p < PROFILE_COUNT; p++)
        for (size_t m = 0; m <= MODE_OFF; m++)
            sets[n++] = d->modes[p][m] = atoms_classes(d->atoms, r->modes[p][m], arena);
    struct partition parts = partition_of(sets, n, d->n_classes, &work, scratch);
    struct place_kind *places = arena_array(arena, struct place_kind, parts.n);
    for (uint32_t i = 0; i < parts.n; i++) {
        uint32_t c = parts.runs[parts.from[i]].first;
        struct place_kind *place = &places[i];
        place->local = class_set_has(d->local, c);
        place->enforcing = class_set_has(d->enforcing, c);
        place->cluster = class_set_has(cluster, c);
        place->border = by_border.of[c];
        for (size_t p = 0; p < PROFILE_COUNT && place->enforcing; p++)
            for (uint8_t m = MODE_OFF; m >= MODE_ENFORCE; m--)
                if (class_set_has(d->modes[p][m], c)) place->modes[p] = m;
        for (size_t p = 0; p < PROFILE_COUNT; p++) {
            enum profile_mode mode = (enum profile_mode)place->modes[p];
            place->outbound[p] = levels_let_through(mode, DIRECTION_OUTBOUND);
            place->inbound[p] = levels_let_through(mode, DIRECTION_INBOUND);
        }
    }
    uint32_t *place_of = arena_array(arena, uint32_t, d->n_classes);
    if (d->n_classes) memcpy(place_of, parts.of, d->n_classes * sizeof *place_of);
    d->borders = borders;
    d->places = places;
    d->place_of = place_of;
    arena_close(&work);
}

static int own_order(const void *left, const void *right)
{
    const struct own_address *a = left, *b = right;
    int order = addr_compare(a->addr, b->addr);
    return order ? order : (a->machine > b->machine) - (a->machine < b->machine);
}

static void index_machines(struct decision *d, struct arena *arena)
{
    const struct resolved *r = d->resolved;
    size_t n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        n += r->machines[i].n_addrs;
    struct own_address *own = arena_array(arena, struct own_address, n + 1);
    n = 0;
    for (size_t i = 0; i < r->n_machines; i++)
        for (size_t j = 0; j < r->machines[i].n_addrs; j++)
            own[n++] = (struct own_address){r->machines[i].addrs[j], i};
    qsort(own, n, sizeof *own, own_order);
    d->own = own;
    d->n_own = n;
}

/* ---- Building -----------------------------------------------------------------------------------
 */

static const struct atoms *own_atoms(const struct resolved *resolved, struct arena *arena,
                                     struct arena scratch)
{
    struct prefix_set *sets = NULL;
    size_t n = 0, room = 0;
    decision_sets(resolved, &scratch, &sets, &n, &room);
    /* Artefacts are made of the policy's sets within a universe, a family at a time: with these, a
     * right one is proved on the same atoms. */
    const struct prefix_set more[] = {
        universe_peers, universe_windows, {&addr_all_v4, 1}
    };
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        arena_grow(&scratch, sets, n, room);
        sets[n++] = more[i];
    }
    return atoms_build(sets, n, arena, scratch);
}

static bool has_unknown(const struct resolved *r)
{
    for (size_t i = 0; i < r->n_entries; i++) {
        const struct resolved_entry *e = &r->entries[i];
        if (decision_unknown(e->from_unknown) || decision_unknown(e->to_unknown) ||
            decision_unknown(e->except_from_unknown) || decision_unknown(e->except_to_unknown))
            return true;
    }
    for (size_t i = 0; i < r->n_perimeter; i++)
        if (decision_unknown(r->perimeter[i].from_unknown) ||
            decision_unknown(r->perimeter[i].to_unknown))
            return true;
    return false;
}

const struct decision *decision_build(const struct resolved *resolved, const struct atoms *atoms,
                                      struct arena *arena, struct arena scratch)
{
    struct decision *d = arena_new(arena, struct decision);
    d->resolved = resolved;
    d->atoms = atoms ? atoms : own_atoms(resolved, arena, scratch);
    d->n_classes = atoms_count(d->atoms);
    d->all = class_set_all(arena, d->n_classes);
    find_places(d, arena, scratch);
    index_machines(d, arena);
    make_services(d, false, arena, scratch);
    decision_row_number(d, arena, scratch);
    d->possible = d;
    if (has_unknown(resolved)) {
        struct decision *possible = arena_new(arena, struct decision);
        *possible = *d;
        make_services(possible, true, arena, scratch);
        decision_row_number(possible, arena, scratch);
        possible->possible = possible;
        d->possible = possible;
    }
    return d;
}

/* ---- Rows, for others ---------------------------------------------------------------------------
 */

const uint32_t *decision_map(const struct decision *decision, int service, enum profile profile,
                             enum side side, bool secured, struct class_sets *sets,
                             struct arena *arena, struct arena scratch)
{
    uint32_t n = decision->n_classes;
    uint32_t *map = arena_array(arena, uint32_t, n);
    struct map known = {0};
    for (uint32_t c = 0; c < n; c++) {
        bool fresh = false;
        uint32_t row = decision_governs(decision, service)
                           ? decision_row(decision, service, profile, side, secured, c)
                           : DECISION_ROW_ALL;
        str key = {(const char *)&row, sizeof row};
        uint64_t *number = map_put(&known, &scratch, key, 0, &fresh);
        if (fresh) {
            struct arena inner = scratch;
            struct class_set classes = decision_row_classes(decision, row, &inner);
            *number = class_sets_intern(sets, arena, classes);
        }
        map[c] = (uint32_t)*number;
    }
    return map;
}

struct intent_rows decision_intent_rows(const struct decision *decision, int service,
                                        enum direction direction, struct arena *arena,
                                        struct arena scratch)
{
    assert(decision_governs(decision, service) && "only governed services have rows");
    struct intent_rows rows = {0};
    uint32_t *allow = arena_array(arena, uint32_t, decision->n_classes);
    uint32_t *either = arena_array(arena, uint32_t, decision->n_classes);
    class_sets_begin(&rows.sets, arena);
    intents_rows(decision->services[service], direction == DIRECTION_INBOUND, &rows.sets, allow,
                 either, arena, scratch);
    rows.allow = allow;
    rows.either = either;
    return rows;
}

bool decision_governs(const struct decision *decision, int service)
{
    return service != SERVICE_NONE && decision->services[service];
}

const struct decision *decision_possible(const struct decision *decision)
{
    return decision->possible;
}

const struct atoms *decision_atoms(const struct decision *decision)
{
    return decision->atoms;
}

const struct resolved *decision_resolved(const struct decision *decision)
{
    return decision->resolved;
}

enum profile_mode decision_mode(const struct decision *decision, uint32_t class_id,
                                enum profile profile)
{
    return (enum profile_mode)decision_place(decision, class_id)->modes[profile];
}

bool decision_is_local(const struct decision *decision, uint32_t class_id)
{
    return decision_place(decision, class_id)->local;
}

bool decision_is_cluster(const struct decision *decision, uint32_t class_id)
{
    return decision_place(decision, class_id)->cluster;
}

/* ---- Asking -------------------------------------------------------------------------------------
 */

static size_t first_own(const struct decision *d, struct addr a)
{
    size_t low = 0, high = d->n_own;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (addr_compare(d->own[middle].addr, a) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool decision_one_machine(const struct decision *d, struct addr a, struct addr b)
{
    if (addr_equal(a, b)) return true;
    size_t start = first_own(d, b);
    for (size_t i = first_own(d, a); i < d->n_own && addr_equal(d->own[i].addr, a); i++)
        for (size_t j = start; j < d->n_own && addr_equal(d->own[j].addr, b); j++)
            if (d->own[i].machine == d->own[j].machine) return true;
    return false;
}

static int question_service(const struct decision *d, const struct flow_question *q)
{
    if (q->service != SERVICE_NONE) return q->service;
    return service_by_port(d->resolved->policy->services, q->transport, q->port);
}

static enum intent intent_of(enum intent_level level)
{
    if (level == INTENTS_ALLOW) return INTENT_ALLOW;
    return level == INTENTS_IF_SECURE ? INTENT_ALLOW_IF_SECURE : INTENT_BLOCK;
}

/* A flow whose ends are classes: neither local nor one machine, and the service is governed. */
struct class_flow {
    const struct place_kind *client, *server;
    enum profile profile;
    enum intent_level level;
    bool client_has, server_has; /* the policy: it was deployed there */
};

static struct side_answer ask_host(const struct class_flow *f, enum side side)
{
    bool outbound = side == SIDE_CLIENT_OUTBOUND;
    const struct place_kind *own = outbound ? f->client : f->server;
    struct side_answer answer = {side, false, true, true};
    if (!own->enforcing || !(outbound ? f->client_has : f->server_has)) return answer;
    unsigned through = outbound ? own->outbound[f->profile] : own->inbound[f->profile];
    answer.enforces = true;
    answer.passes = through >> level_bit(f->level, false) & 1;
    answer.passes_secured = through >> level_bit(f->level, true) & 1;
    return answer;
}

static void add_side(struct flow_answer *answer, struct side_answer side)
{
    answer->sides[answer->n_sides++] = side;
    answer->passes = answer->passes && side.passes;
    answer->passes_secured = answer->passes_secured && side.passes_secured;
}

static void ask_sides(const struct class_flow *f, struct flow_answer *answer)
{
    add_side(answer, ask_host(f, SIDE_CLIENT_OUTBOUND));
    /* Borders hold in every ring, and cannot see IPsec. */
    bool intended = f->level != INTENTS_NONE;
    if (f->client->border != f->server->border)
        add_side(answer, (struct side_answer){SIDE_BORDER, true, intended, intended});
    add_side(answer, ask_host(f, SIDE_SERVER_INBOUND));
}

struct flow_answer decision_ask(const struct decision *decision, const struct flow_question *q)
{
    const struct decision *d = decision;
    uint32_t client = atoms_class(d->atoms, q->client), server = atoms_class(d->atoms, q->server);
    int service = question_service(d, q);
    struct flow_answer answer = {.service = service, .passes = true, .passes_secured = true};
    struct class_flow flow = {
        .client = decision_place(d, client),
        .server = decision_place(d, server),
        .profile = q->profile < PROFILE_COUNT ? q->profile : PROFILE_DOMAIN,
        .client_has = !q->deployed || prefix_set_contains(*q->deployed, q->client),
        .server_has = !q->deployed || prefix_set_contains(*q->deployed, q->server),
    };
    if (flow.client->local || flow.server->local || decision_one_machine(d, q->client, q->server)) {
        answer.intent = INTENT_LOCAL;
        return answer;
    }
    if (!decision_governs(d, service)) {
        answer.intent = INTENT_UNGOVERNED;
        return answer;
    }
    flow.level = intents_ask(d->services[service], client, server);
    answer.intent = intent_of(flow.level);
    /* What is allowed whoever the unknown are is certain; the sides say what is certain to pass. */
    if (d->possible != d &&
        intents_ask(d->possible->services[service], client, server) != flow.level)
        answer.intent = INTENT_UNDECIDABLE;
    ask_sides(&flow, &answer);
    return answer;
}

/* ---- Asking in bulk -----------------------------------------------------------------------------
 */

enum { BLOCK = 64 };

void decision_records(const struct decision *decision, const struct flow_question *questions,
                      size_t n, struct flow_record *out)
{
    const struct decision *d = decision;
    struct addr ends[2 * BLOCK];
    uint32_t classes[2 * BLOCK];
    for (size_t start = 0; start < n; start += BLOCK) {
        const struct flow_question *block = questions + start;
        size_t len = n - start < BLOCK ? n - start : BLOCK;
        for (size_t i = 0; i < len; i++) {
            ends[2 * i] = block[i].client;
            ends[2 * i + 1] = block[i].server;
        }
        atoms_class_many(d->atoms, ends, 2 * len, classes);
        for (size_t i = 0; i < len; i++) {
            const struct flow_question *q = &block[i];
            int service = question_service(d, q);
            bool governed = decision_governs(d, service);
            out[start + i] = (struct flow_record){
                .client = classes[2 * i],
                .server = classes[2 * i + 1],
                .service = governed ? (uint16_t)service : FLOW_UNGOVERNED,
                .profile = (uint8_t)(q->profile < PROFILE_COUNT ? q->profile : PROFILE_DOMAIN),
                .one_machine = decision_one_machine(d, q->client, q->server),
            };
        }
    }
}

static uint8_t verdict_of(const struct decision *d, const struct flow_record *r,
                          enum intent_level level, enum intent_level possible)
{
    const struct place_kind *client = decision_place(d, r->client),
                            *server = decision_place(d, r->server);
    unsigned all = FLOW_PASSES | FLOW_PASSES_SECURED;
    if (r->one_machine || client->local || server->local) return (uint8_t)(INTENT_LOCAL | all);
    if (r->service == FLOW_UNGOVERNED) return (uint8_t)(INTENT_UNGOVERNED | all);
    unsigned through = client->outbound[r->profile] & server->inbound[r->profile];
    /* A border passes whatever somebody means to allow. */
    if (client->border != server->border && level == INTENTS_NONE) through = 0;
    unsigned verdict = level == possible ? (unsigned)intent_of(level) : INTENT_UNDECIDABLE;
    if (through >> level_bit(level, false) & 1) verdict |= FLOW_PASSES;
    if (through >> level_bit(level, true) & 1) verdict |= FLOW_PASSES_SECURED;
    return (uint8_t)verdict;
}

void decision_ask_records(const struct decision *decision, const struct flow_record *records,
                          size_t n, uint8_t *verdicts)
{
    const struct decision *d = decision;
    struct class_pair pairs[BLOCK];
    uint8_t levels[BLOCK] = {0}, possible[BLOCK] = {0};
    for (size_t start = 0, end = 0; start < n; start = end) {
        /* As long as the service stays the same. */
        const struct flow_record *block = records + start;
        for (end = start; end < n && end - start < BLOCK; end++) {
            if (records[end].service != block->service) break;
            pairs[end - start] = (struct class_pair){records[end].client, records[end].server};
            prefetch(&d->place_of[records[end].client]);
            prefetch(&d->place_of[records[end].server]);
        }
        if (block->service != FLOW_UNGOVERNED) {
            intents_ask_many(d->services[block->service], pairs, end - start, levels);
            if (d->possible != d)
                intents_ask_many(d->possible->services[block->service], pairs, end - start,
                                 possible);
        }
        const uint8_t *other = d->possible != d ? possible : levels;
        for (size_t i = 0; i < end - start; i++)
            verdicts[start + i] =
                verdict_of(d, &block[i], (enum intent_level)levels[i], (enum intent_level)other[i]);
    }
}

uint64_t decision_table_bytes(const struct decision *decision)
{
    uint64_t total = atoms_table_bytes(decision->atoms);
    total += decision->n_classes * sizeof *decision->place_of;
    for (size_t i = 0; i < decision->resolved->policy->services.n; i++)
        if (decision->services[i]) total += intents_table_bytes(decision->services[i]);
    return total;
}
