/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/firewall_rule_read.h"

#include "targets/firewall_token.h"

enum { END_LOCAL, END_REMOTE };
enum { PROTOCOL_ANY = 256, PROTOCOL_ICMP4 = 1, PROTOCOL_ICMP6 = 58 };

/* The ports of one end, each a number, a range or a word for what Windows knows at the time. */
struct ports {
    struct service_port *items;
    size_t n, room;
    struct firewall_words keywords;
};

struct conditions {
    struct firewall_words service, interface, interface_type, icmp, platform, users, local_users,
        owner, package, network, realm, trust, skip, edge, others;
};

/* What a rule says, before it is asked whether it makes sense. */
struct reading {
    struct firewall_text text;
    struct rule rule;
    uint64_t seen; /* fields, by their row */
    enum { SAYS_NOTHING, SAYS_ALLOW, SAYS_BLOCK, SAYS_BYPASS } action;
    bool has_direction, overrides_outbound;
    enum { SECURITY_ABSENT, SECURITY_AUTHENTICATE, SECURITY_ENCRYPT } security;
    bool no_encapsulation, negotiates;
    unsigned protocol;
    struct ports ports[2];
    struct firewall_end ends[2];
    str machines; /* RMauth */
    struct conditions only_if;
};

/* ---- Fields -------------------------------------------------------------------------------------
 */

struct field;
typedef bool read_field(struct reading *r, const struct field *field);

struct field {
    const char *name;
    read_field *read;
    bool repeats;
    unsigned end; /* of ports and addresses; or what else tells one field from its siblings */
    bool v4;
    size_t words; /* offset in struct conditions */
    const char *label;
};

static bool read_action(struct reading *r, const struct field *field)
{
    (void)field;
    if (str_equal_nocase(r->text.value, S("Allow")))
        r->action = SAYS_ALLOW;
    else if (str_equal_nocase(r->text.value, S("Block")))
        r->action = SAYS_BLOCK;
    else if (str_equal_nocase(r->text.value, S("ByPass")))
        r->action = SAYS_BYPASS;
    else
        return firewall_token_wrong(&r->text, "Allow, Block or ByPass", r->text.value);
    return true;
}

static bool read_active(struct reading *r, const struct field *field)
{
    (void)field;
    return firewall_token_flag(&r->text, &r->rule.enabled);
}

static bool read_direction(struct reading *r, const struct field *field)
{
    (void)field;
    bool in = str_equal_nocase(r->text.value, S("In"));
    if (!in && !str_equal_nocase(r->text.value, S("Out")))
        return firewall_token_wrong(&r->text, "In or Out", r->text.value);
    r->rule.direction = in ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    r->has_direction = true;
    return true;
}

static bool read_profile(struct reading *r, const struct field *field)
{
    (void)field;
    return firewall_token_profile(&r->text, &r->rule.profiles);
}

static bool read_protocol(struct reading *r, const struct field *field)
{
    uint64_t number = 0;
    (void)field;
    if (!firewall_token_number(&r->text, "a protocol of 0 to 255", 255, &number)) return false;
    r->protocol = (unsigned)number;
    return true;
}

/* Ports come behind the protocol that has them ([MS-GPFAS] 2.2.2.19). */
static bool has_ports(struct reading *r)
{
    if (r->protocol == TRANSPORT_TCP || r->protocol == TRANSPORT_UDP) return true;
    return firewall_token_wrong(&r->text, "Protocol=6 or Protocol=17 before ports", r->text.name);
}

static void add_port(struct reading *r, unsigned end, uint16_t first, uint16_t last)
{
    struct ports *ports = &r->ports[end];
    arena_grow(r->text.arena, ports->items, ports->n, ports->room);
    ports->items[ports->n++] = (struct service_port){(enum transport)r->protocol, first, last};
}

static bool add_port_keyword(struct reading *r, unsigned end)
{
    static const char *const keywords[] = {
        "RPC",  "RPC-EPMap",  "Teredo",   "IPTLSIn", "IPHTTPSIn",  "IPTLSOut",
        "DHCP", "IPHTTPSOut", "Ply2Disc", "mDNS",    "CortanaOut", "TcpCDPSvc",
    };
    for (size_t i = 0; i < COUNT_OF(keywords); i++) {
        if (!str_equal_nocase(r->text.value, str_of(keywords[i]))) continue;
        firewall_token_add_word(&r->ports[end].keywords, r->text.arena, str_of(keywords[i]));
        return true;
    }
    return false;
}

static bool read_port(struct reading *r, const struct field *field)
{
    uint64_t port = 0;
    if (!has_ports(r)) return false;
    if (add_port_keyword(r, field->end)) return true;
    if (!firewall_token_number(&r->text, "a port", UINT16_MAX, &port)) return false;
    add_port(r, field->end, (uint16_t)port, (uint16_t)port);
    return true;
}

static bool read_port_range(struct reading *r, const struct field *field)
{
    uint16_t first, last;
    if (!has_ports(r)) return false;
    if (add_port_keyword(r, field->end)) return true;
    if (!firewall_token_port_range(&r->text, &first, &last)) return false;
    add_port(r, field->end, first, last);
    return true;
}

static bool read_port_keyword(struct reading *r, const struct field *field)
{
    if (!has_ports(r)) return false;
    return add_port_keyword(r, field->end) ||
           firewall_token_wrong(&r->text, "a word for ports", r->text.value);
}

static bool read_address(struct reading *r, const struct field *field)
{
    return firewall_token_address(&r->text, &r->ends[field->end], field->v4,
                                  field->end == END_REMOTE);
}

static bool read_security(struct reading *r, const struct field *field)
{
    (void)field;
    if (str_equal_nocase(r->text.value, S("Authenticate")))
        r->security = SECURITY_AUTHENTICATE;
    else if (str_equal_nocase(r->text.value, S("AuthenticateEncrypt")))
        r->security = SECURITY_ENCRYPT;
    else
        return firewall_token_wrong(&r->text, "Authenticate or AuthenticateEncrypt", r->text.value);
    return true;
}

static bool read_no_encapsulation(struct reading *r, const struct field *field)
{
    (void)field;
    r->no_encapsulation = str_equal_nocase(r->text.value, S("An-NoEncap"));
    return r->no_encapsulation || firewall_token_wrong(&r->text, "An-NoEncap", r->text.value);
}

static bool read_negotiation(struct reading *r, const struct field *field)
{
    (void)field;
    r->negotiates = str_equal_nocase(r->text.value, S("AnE-Nego"));
    return r->negotiates || firewall_token_wrong(&r->text, "AnE-Nego", r->text.value);
}

static bool read_override(struct reading *r, const struct field *field)
{
    (void)field;
    return firewall_token_flag(&r->text, &r->overrides_outbound);
}

static bool read_machines(struct reading *r, const struct field *field)
{
    (void)field;
    r->machines = r->text.value;
    return r->machines.len || firewall_token_wrong(&r->text, "an SDDL", r->text.value);
}

static bool read_name(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.name = r->text.value;
    return true;
}

static bool read_description(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.why = r->text.value;
    return true;
}

static bool read_group(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.group = r->text.value;
    return true;
}

static bool read_program(struct reading *r, const struct field *field)
{
    (void)field;
    r->rule.program = r->text.value;
    return r->rule.program.len || firewall_token_wrong(&r->text, "a program", r->text.value);
}

static struct firewall_words *words_of(struct reading *r, const struct field *field)
{
    return (struct firewall_words *)(void *)((char *)&r->only_if + field->words);
}

/* A condition whose word stands as it is. */
static bool read_word(struct reading *r, const struct field *field)
{
    if (!r->text.value.len) return firewall_token_wrong(&r->text, "a value", r->text.name);
    firewall_token_add_word(words_of(r, field), r->text.arena, r->text.value);
    return true;
}

/* One that is or is not. */
static bool read_said(struct reading *r, const struct field *field)
{
    bool said = false;
    if (!firewall_token_flag(&r->text, &said)) return false;
    if (said) firewall_token_add_word(words_of(r, field), r->text.arena, str_of(field->label));
    return true;
}

static bool read_deferral(struct reading *r, const struct field *field)
{
    bool app = str_equal_nocase(r->text.value, S("App"));
    if (!app && !str_equal_nocase(r->text.value, S("User")))
        return firewall_token_wrong(&r->text, "App or User", r->text.value);
    firewall_token_add_word(words_of(r, field), r->text.arena,
                            app ? S("edge traversal as the program asks")
                                : S("edge traversal as the user agrees"));
    return true;
}

static bool read_interface_type(struct reading *r, const struct field *field)
{
    static const str types[][2] = {
        {{"Lan", 3},           {"Wired", 5}        },
        {{"Wireless", 8},      {"Wireless", 8}     },
        {{"RemoteAccess", 12}, {"RemoteAccess", 12}},
    };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (!str_equal_nocase(r->text.value, types[i][0])) continue;
        firewall_token_add_word(words_of(r, field), r->text.arena, types[i][1]);
        return true;
    }
    return firewall_token_wrong(&r->text, "Lan, Wireless or RemoteAccess", r->text.value);
}

static bool read_icmp(struct reading *r, const struct field *field)
{
    str type, code;
    uint64_t t = 0, c = 0;
    if (r->protocol != field->end)
        return firewall_token_wrong(&r->text, "the ICMP protocol of the family before its types",
                                    r->text.name);
    bool two = str_cut(r->text.value, ':', &type, &code);
    bool any = str_equal(code, S("*"));
    if (!two || !str_u64(type, 255, &t) || (!any && !str_u64(code, 255, &c)))
        return firewall_token_wrong(&r->text, "an ICMP type and code", r->text.value);
    firewall_token_add_word(
        words_of(r, field), r->text.arena,
        any ? type : str_format(r->text.arena, "%.*s code %.*s", STR_ARG(type), STR_ARG(code)));
    return true;
}

static bool read_platform(struct reading *r, const struct field *field)
{
    str part[3], rest;
    uint64_t n;
    bool cut =
        str_cut(r->text.value, ':', &part[0], &rest) && str_cut(rest, ':', &part[1], &part[2]);
    if (!cut || !str_u64(part[0], 7, &n) || !str_u64(part[1], 255, &n) ||
        !str_u64(part[2], 255, &n))
        return firewall_token_wrong(&r->text, "a platform", r->text.value);
    return read_word(r, field);
}

/* Speaks of the last platform before it. */
static bool read_platform_order(struct reading *r, const struct field *field)
{
    struct firewall_words *words = words_of(r, field);
    if (!str_equal_nocase(r->text.value, S("GTEQ")) || !words->n)
        return firewall_token_wrong(&r->text, "GTEQ behind a platform", r->text.value);
    str last = words->items[words->n - 1];
    words->items[words->n - 1] = str_format(r->text.arena, "%.*s or later", STR_ARG(last));
    return true;
}

static bool read_users(struct reading *r, const struct field *field)
{
    str sids;
    if (firewall_rule_read_sids(r->text.value, r->text.arena, &sids)) r->text.value = sids;
    return read_word(r, field);
}

#define OF(member) .words = offsetof(struct conditions, member)
#define LOCAL_END  .end = END_LOCAL, .repeats = true
#define REMOTE_END .end = END_REMOTE, .repeats = true

/* clang-format off */
static const struct field fields[] = {
    {.name = "Action",          .read = read_action},
    {.name = "Active",          .read = read_active},
    {.name = "Dir",             .read = read_direction},
    {.name = "Profile",         .read = read_profile, .repeats = true},
    {.name = "Protocol",        .read = read_protocol},
    {.name = "LPort",           .read = read_port, LOCAL_END},
    {.name = "RPort",           .read = read_port, REMOTE_END},
    {.name = "LPort2_10",       .read = read_port_range, LOCAL_END},
    {.name = "RPort2_10",       .read = read_port_range, REMOTE_END},
    {.name = "LPort2_20",       .read = read_port_keyword, LOCAL_END},
    {.name = "RPort2_20",       .read = read_port_keyword, REMOTE_END},
    {.name = "LPort2_24",       .read = read_port_keyword, LOCAL_END},
    {.name = "RPort2_24",       .read = read_port_keyword, REMOTE_END},
    {.name = "LPort2_25",       .read = read_port_keyword, LOCAL_END},
    {.name = "RPort2_25",       .read = read_port_keyword, REMOTE_END},
    {.name = "LPort2_28",       .read = read_port_keyword, LOCAL_END},
    {.name = "RPort2_28",       .read = read_port_keyword, REMOTE_END},
    {.name = "LPort2_29",       .read = read_port_keyword, LOCAL_END},
    {.name = "RPort2_29",       .read = read_port_keyword, REMOTE_END},
    {.name = "LA4",             .read = read_address, LOCAL_END, .v4 = true},
    {.name = "LA6",             .read = read_address, LOCAL_END},
    {.name = "RA4",             .read = read_address, REMOTE_END, .v4 = true},
    {.name = "RA6",             .read = read_address, REMOTE_END},
    {.name = "RA42",            .read = read_address, REMOTE_END, .v4 = true},
    {.name = "RA62",            .read = read_address, REMOTE_END},
    {.name = "Security",        .read = read_security},
    {.name = "Security2_9",     .read = read_no_encapsulation},
    {.name = "Security2",       .read = read_negotiation},
    {.name = "AuthByPassOut",   .read = read_override},
    {.name = "RMauth",          .read = read_machines},
    {.name = "RUAuth",          .read = read_users, OF(users)},
    {.name = "Name",            .read = read_name},
    {.name = "Desc",            .read = read_description},
    {.name = "EmbedCtxt",       .read = read_group},
    {.name = "App",             .read = read_program},
    {.name = "Svc",             .read = read_word, OF(service)},
    {.name = "IF",              .read = read_word, .repeats = true, OF(interface)},
    {.name = "IFType",          .read = read_interface_type, .repeats = true, OF(interface_type)},
    {.name = "ICMP4",           .read = read_icmp, .repeats = true, .end = PROTOCOL_ICMP4, OF(icmp)},
    {.name = "ICMP6",           .read = read_icmp, .repeats = true, .end = PROTOCOL_ICMP6, OF(icmp)},
    {.name = "Platform",        .read = read_platform, .repeats = true, OF(platform)},
    {.name = "Platform2",       .read = read_platform_order, OF(platform)},
    {.name = "LUAuth",          .read = read_users, OF(local_users)},
    {.name = "LUAuth2_24",      .read = read_word, OF(local_users)},
    {.name = "LUOwn",           .read = read_word, OF(owner)},
    {.name = "AppPkgId",        .read = read_word, OF(package)},
    {.name = "NNm",             .read = read_word, OF(network)},
    {.name = "SecurityRealmId", .read = read_word, OF(realm)},
    {.name = "TTK",             .read = read_word, .repeats = true, OF(trust)},
    {.name = "TTK2_22",         .read = read_word, .repeats = true, OF(trust)},
    {.name = "TTK2_27",         .read = read_word, .repeats = true, OF(trust)},
    {.name = "TTK2_28",         .read = read_word, .repeats = true, OF(trust)},
    {.name = "SkipVer",         .read = read_word, OF(skip)},
    {.name = "Edge",            .read = read_said, OF(edge), .label = "edge traversal allowed"},
    {.name = "Defer",           .read = read_deferral, OF(edge)},
    {.name = "LSM",             .read = read_said, OF(others), .label = "loose source mapping"},
    {.name = "LOM",             .read = read_said, OF(others), .label = "local only mapping"},
    {.name = "PCross",          .read = read_said, OF(others), .label = "profile crossing allowed"},
};
/* clang-format on */
static_assert(COUNT_OF(fields) <= 64, "a bit of `seen` for each");

static bool read_one(struct reading *r)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const struct field *field = &fields[i];
        if (!str_equal_nocase(r->text.name, str_of(field->name))) continue;
        if (!field->repeats && (r->seen >> i & 1))
            return firewall_token_wrong(&r->text, "each field once", r->text.name);
        r->seen |= UINT64_C(1) << i;
        return field->read(r, field);
    }
    return firewall_token_wrong(&r->text, "a field of a firewall rule", r->text.name);
}

/* ---- Who ----------------------------------------------------------------------------------------
 */

/* SIDs that are the same everywhere ([MS-DTYP] 2.4.2.4); those of a domain's groups are not. */
static str known_sid(str text)
{
    static const struct {
        const char *word, *sid;
    } known[] = {
        {"WD", "S-1-1-0"     },
        {"AN", "S-1-5-7"     },
        {"AU", "S-1-5-11"    },
        {"BA", "S-1-5-32-544"},
        {"BU", "S-1-5-32-545"},
        {"LS", "S-1-5-19"    },
        {"NS", "S-1-5-20"    },
        {"SY", "S-1-5-18"    },
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (str_equal(text, str_of(known[i].word))) return str_of(known[i].sid);
    return (str){0};
}

static bool is_sid(str text)
{
    bool digit = false;
    if (!str_starts(text, S("S-1-"))) return false;
    for (str left = str_tail(text, 4); left.len; left = str_tail(left, 1)) {
        char c = left.ptr[0];
        if (c == '-' ? !digit : c < '0' || c > '9') return false;
        digit = c != '-';
    }
    return digit;
}

/* "A;;CC;;;S-1-5-…": allowed, without flags, the right to match a filter, and whom. */
static bool read_entry(str entry, str *sid)
{
    str kind, flags, rights, object, inherited;
    if (!str_cut(entry, ';', &kind, &entry) || !str_cut(entry, ';', &flags, &entry) ||
        !str_cut(entry, ';', &rights, &entry) || !str_cut(entry, ';', &object, &entry) ||
        !str_cut(entry, ';', &inherited, &entry))
        return false;
    bool right = str_equal(rights, S("CC")) || str_equal(rights, S("0x1"));
    if (!str_equal(kind, S("A")) || flags.len || !right || object.len || inherited.len)
        return false;
    *sid = is_sid(entry) ? entry : known_sid(entry);
    return sid->len > 0;
}

bool firewall_rule_read_sids(str sddl, struct arena *arena, str *out)
{
    struct buf sids = buf_in(arena);
    str head, entry, sid;
    if (!str_cut(sddl, '(', &head, &sddl)) return false;
    bool plain =
        str_equal(head, S("D:")) || str_equal(head, S("O:LSD:")) || str_equal(head, S("O:SYD:"));
    if (!plain) return false;
    for (bool more = true; more;) {
        if (!str_cut(sddl, ')', &entry, &sddl) || !read_entry(entry, &sid)) return false;
        if (buf_text(&sids).len) buf_char(&sids, ' ');
        buf_str(&sids, sid);
        if (!sddl.len) break;
        more = sddl.ptr[0] == '(';
        if (!more) return false;
        sddl = str_tail(sddl, 1);
    }
    *out = buf_text(&sids);
    return true;
}

/* ---- What it comes to ---------------------------------------------------------------------------
 */

static bool senseless(struct reading *r, const char *why)
{
    if (!r->text.problem.len) r->text.problem = str_of(why);
    return false;
}

/* [MS-FASP] 2.2.35, 2.2.37: what Windows refuses to hold. */
static bool makes_sense(struct reading *r)
{
    bool inbound = r->rule.direction == DIRECTION_INBOUND;
    if (!r->action) return senseless(r, "expected Action=, found none");
    if (!r->has_direction) return senseless(r, "expected Dir=, found none");
    if (r->action == SAYS_BLOCK && r->security)
        return senseless(r, "expected an Allow with Security=, found a Block");
    if (r->action == SAYS_BYPASS && (!inbound || !r->security))
        return senseless(r, "expected Dir=In and Security= with a ByPass, found it without");
    if (r->action == SAYS_BYPASS && !r->machines.len && !r->only_if.users.n)
        return senseless(r, "expected RMauth= with a ByPass, found nobody who may");
    if (r->overrides_outbound && (inbound || r->action != SAYS_ALLOW || !r->security))
        return senseless(r, "expected AuthByPassOut= with an outbound Allow and Security=");
    if (r->no_encapsulation && r->security != SECURITY_AUTHENTICATE)
        return senseless(r, "expected Security=Authenticate with An-NoEncap");
    if (r->negotiates && (!inbound || r->security != SECURITY_ENCRYPT))
        return senseless(r, "expected Dir=In and Security=AuthenticateEncrypt with AnE-Nego");
    if ((r->machines.len || r->only_if.users.n) && !r->security)
        return senseless(r, "expected Security= with RMauth= or RUAuth=, found none");
    return true;
}

static void set_protocol(struct rule *rule, unsigned protocol)
{
    if (protocol == TRANSPORT_TCP || protocol == TRANSPORT_UDP)
        rule->transport = (enum transport)protocol;
    else if (protocol != PROTOCOL_ANY)
        rule->ip_protocol = protocol ? (uint16_t)protocol : IP_PROTOCOL_ZERO;
}

static struct firewall_words port_words(const struct ports *ports, struct arena *arena)
{
    struct firewall_words words = {0};
    for (size_t i = 0; i < ports->keywords.n; i++)
        firewall_token_add_word(&words, arena, ports->keywords.items[i]);
    for (size_t i = 0; i < ports->n; i++) {
        unsigned first = ports->items[i].first, last = ports->items[i].last;
        firewall_token_add_word(&words, arena,
                                first == last ? str_format(arena, "%u", first)
                                              : str_format(arena, "%u-%u", first, last));
    }
    return words;
}

/* The service's ports are the rule's; the other end's, and words beside ports, are conditions. */
static void set_ports(struct reading *r)
{
    static const char *const labels[] = {"local port", "remote port"};
    struct rule *rule = &r->rule;
    unsigned served = rule->direction == DIRECTION_INBOUND ? END_LOCAL : END_REMOTE;
    for (unsigned end = END_LOCAL; end <= END_REMOTE; end++) {
        const struct ports *ports = &r->ports[end];
        if (end == served && !ports->keywords.n) {
            rule->ports = ports->items;
            rule->n_ports = ports->n;
            continue;
        }
        struct firewall_words words = port_words(ports, r->text.arena);
        if (end == served) rule->shown.ports = firewall_token_join(&words, r->text.arena);
        firewall_token_add_condition(&rule->only_if, r->text.arena, labels[end], &words);
    }
}

static void set_security(struct reading *r)
{
    struct rule *rule = &r->rule;
    struct arena *arena = r->text.arena;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    str sids = {0};
    rule->action = r->action == SAYS_BLOCK ? ACTION_BLOCK
                   : r->security           ? ACTION_ALLOW_IF_SECURE
                                           : ACTION_ALLOW;
    rule->yields = r->action == SAYS_ALLOW && r->security && !r->overrides_outbound;
    if (r->security == SECURITY_ENCRYPT)
        rule->security = r->negotiates ? S("encryption negotiated") : S("encrypted");
    if (r->no_encapsulation) rule->security = S("no encapsulation");
    if (rule->yields) rule->only_if = S("not blocked");
    if (!r->machines.len) return;
    bool plain = firewall_rule_read_sids(r->machines, arena, &sids);
    if (plain && inbound) {
        rule->principals = sids;
        return;
    }
    struct firewall_words words = {0};
    firewall_token_add_word(&words, arena, plain ? sids : r->machines);
    firewall_token_add_condition(&rule->only_if, arena, "computers", &words);
}

static void set_conditions(struct reading *r)
{
    const struct conditions *c = &r->only_if;
    const struct {
        const char *label;
        const struct firewall_words *words;
    } all[] = {
        {"users",                 &c->users         },
        {"service",               &c->service       },
        {"ICMP type",             &c->icmp          },
        {"interface",             &c->interface     },
        {"interface type",        &c->interface_type},
        {"platform",              &c->platform      },
        {"local users",           &c->local_users   },
        {"owner",                 &c->owner         },
        {"package",               &c->package       },
        {"network",               &c->network       },
        {"security realm",        &c->realm         },
        {"trust",                 &c->trust         },
        {"not on versions up to", &c->skip          },
        {"",                      &c->edge          },
        {"",                      &c->others        },
    };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        firewall_token_add_condition(&r->rule.only_if, r->text.arena, all[i].label, all[i].words);
}

bool firewall_rule_read(str text, struct arena *arena, struct rule *out, str *problem)
{
    struct reading r = {.protocol = PROTOCOL_ANY};
    bool good = firewall_token_begin(&r.text, text, arena);
    while (good && firewall_token_next(&r.text))
        good = read_one(&r);
    if (r.text.problem.len || !makes_sense(&r)) {
        *problem = r.text.problem;
        return false;
    }
    if (!r.rule.profiles) r.rule.profiles = (1u << PROFILE_COUNT) - 1;
    set_protocol(&r.rule, r.protocol);
    set_security(&r);
    set_ports(&r);
    r.rule.local = firewall_token_end(&r.ends[END_LOCAL], "local", arena, &r.rule.only_if,
                                      &r.rule.shown.local);
    r.rule.remote = firewall_token_end(&r.ends[END_REMOTE], "remote", arena, &r.rule.only_if,
                                       &r.rule.shown.remote);
    set_conditions(&r);
    *out = r.rule;
    return true;
}
