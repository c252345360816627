/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/event_talk.h"

#include "base/hash.h"
#include "base/instant.h"
#include "base/limits.h"
#include "evidence/event_value.h"

enum { RECALL_WAYS = 4 };

uint64_t event_talk_hash(str s)
{
    uint64_t hash = s.len;
    char lower[32];
    for (size_t at = 0; at < s.len; at += sizeof lower) {
        str part = str_head(str_tail(s, at), sizeof lower);
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        hash = hash_join(hash, hash_bytes(str_bytes((str){lower, part.len})));
    }
    return hash;
}

/* The one of that key; else, with make, the least recently used of its set, emptied; else NULL. */
static struct event_talk_recalled *recall_at(struct event_talk_recall *recall, uint64_t key,
                                             bool make)
{
    if (!key) key = 1;
    struct event_talk_recalled
        *set = &recall->items[key % (LIMIT_EVENT_RECALL / RECALL_WAYS) * RECALL_WAYS],
        *oldest = set;
    recall->uses++;
    for (size_t i = 0; i < RECALL_WAYS; i++) {
        if (set[i].key == key) {
            set[i].used = recall->uses;
            return &set[i];
        }
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    if (!make) return NULL;
    *oldest = (struct event_talk_recalled){.key = key, .used = recall->uses};
    return oldest;
}

struct names event_talk_one(const str *name)
{
    return name->len ? (struct names){name, 1} : (struct names){0};
}

static str join_text(char *into, size_t room, const str *parts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t fits = parts[i].len < room - len ? parts[i].len : room - len;
        if (fits) memcpy(into + len, parts[i].ptr, fits);
        len += fits;
    }
    return (str){into, len};
}

/* DOMAIN\user; empty for nobody. "user@REALM" and "DOMAIN\user" stay as they are. */
str event_talk_user(struct event_talk *talk, str domain, str name)
{
    domain = event_value_said(domain);
    name = event_value_said(name);
    bool is_whole = str_contains(name, S("\\")) || str_contains(name, S("@"));
    if (!name.len || !domain.len || is_whole || str_equal(domain, S("."))) return name;
    return join_text(talk->user, sizeof talk->user, (const str[]){domain, S("\\"), name}, 3);
}

bool event_talk_is_anonymous(const str *v)
{
    return str_equal(v[USER_SID], S("S-1-5-7")) ||
           str_equal_nocase(v[USER_NAME], S("ANONYMOUS LOGON"));
}

/* The guest account keeps its number in every domain and language. */
bool event_talk_is_guest(const str *v)
{
    return str_starts(v[USER_SID], S("S-1-5-21-")) && str_ends(v[USER_SID], S("-501"));
}

struct endpoint event_talk_endpoint(str name)
{
    struct endpoint end = {0};
    uint16_t port = 0;
    if (!event_value_address(name, &end.addr, &port)) end = (struct endpoint){.name = name};
    return end;
}

/* `\\*\X` and "X" on FS01 are \\FS01\X. */
str event_talk_share(struct event_talk *talk, str host, str share)
{
    share = event_value_said(share);
    if (!share.len) return share;
    if (str_starts(share, S("\\\\*\\"))) share = str_tail(share, 4);
    if (str_starts(share, S("\\\\"))) return share;
    return join_text(talk->share, sizeof talk->share,
                     (const str[]){S("\\\\"), host, S("\\"), event_value_bare(share)}, 4);
}

void event_talk_unplaced(struct event_talk *talk, str what)
{
    talk->sink.unplaced(talk->sink.to, what, talk->at_us);
}

void event_talk_counted(struct event_talk *talk, const str *v)
{
    (void)v;
    event_talk_unplaced(talk, talk->text);
}

/* Told once an hour: logs repeat it with every event. */
static bool is_told(struct event_talk *talk, struct addr addr, str name, uint64_t salt)
{
    const int64_t hour_us = 3600 * INSTANT_SECOND;
    uint64_t key = hash_join(hash_join(addr_hash(addr), event_talk_hash(name)), salt);
    struct event_talk_told *told = &talk->told[key % EVENT_TALK_TOLD];
    if (told->key == key && talk->at_us >= told->at_us && talk->at_us - told->at_us < hour_us)
        return true;
    *told = (struct event_talk_told){key, talk->at_us};
    return false;
}

void event_talk_identity(struct event_talk *talk, struct addr addr, str name,
                         enum identity_source source)
{
    struct addr is_address;
    uint16_t port;
    name = event_value_bare(event_value_said(name));
    if (!name.len || !event_value_is_own(addr) || event_value_address(name, &is_address, &port))
        return;
    if (is_told(talk, addr, name, (uint64_t)source)) return;
    talk->sink.identity(talk->sink.to, &(struct identity){.addr = addr,
                                                          .name = name,
                                                          .seen_us = talk->at_us,
                                                          .source = source,
                                                          .offset = talk->event->offset});
}

void event_talk_local(struct event_talk *talk, struct addr addr)
{
    if (!event_value_is_own(addr)) return;
    if (!is_told(talk, addr, talk->event->computer, IDENTITY_SOURCE_COUNT))
        talk->sink.local_address(talk->sink.to, addr);
    event_talk_identity(talk, addr, talk->event->computer, IDENTITY_LOG);
}

static uint64_t client_key(const struct event_talk *talk, struct addr client, uint16_t port)
{
    return hash_join(hash_join(talk->computer, addr_hash(client)), port);
}

void event_talk_reached(struct event_talk *talk, struct addr client, uint16_t client_port,
                        uint16_t port)
{
    if (!client_port) return;
    recall_at(&talk->services, client_key(talk, client, client_port), true)->port = port;
}

uint16_t event_talk_port_reached(struct event_talk *talk, struct addr client, uint16_t client_port)
{
    if (!client_port) return 0;
    const struct event_talk_recalled *service =
        recall_at(&talk->services, client_key(talk, client, client_port), false);
    return service ? service->port : 0;
}

struct event_talk_recalled *event_talk_logon(struct event_talk *talk, str logon, bool make)
{
    uint64_t id = 0;
    if (!event_value_number(logon, &id) || !id) return NULL;
    return recall_at(&talk->logons, hash_join(talk->computer, id), make);
}

struct observation event_talk_observation(const struct event_talk *talk, enum outcome outcome)
{
    return (struct observation){
        .transport = TRANSPORT_TCP,
        .first_us = talk->at_us,
        .last_us = talk->at_us,
        .count = 1,
        .outcome = outcome,
        .profile = PROFILE_UNKNOWN,
        .assumed = talk->assumed,
        .offset = talk->event->offset,
    };
}

/* Events that name no port are about the usual one. */
struct observation event_talk_smb(const struct event_talk *talk, enum outcome outcome)
{
    struct observation fact = event_talk_observation(talk, outcome);
    fact.port = 445;
    fact.assumed |= 1u << ASSUMED_PORT;
    return fact;
}

struct use event_talk_use(const struct observation *fact, str share, str user)
{
    return (struct use){
        .client = fact->client,
        .server = fact->server,
        .transport = fact->transport,
        .client_port = fact->client_port,
        .port = fact->port,
        .start_us = fact->first_us,
        .first_us = fact->first_us,
        .last_us = fact->last_us,
        .count = 1,
        .share = share,
        .user = user,
        .refused = fact->outcome == OUTCOME_AUTH_FAILED,
        .offset = fact->offset,
    };
}

uint8_t event_talk_auths(const str *v)
{
    if (event_talk_is_anonymous(v)) return 1u << AUTH_ANONYMOUS;
    if (event_talk_is_guest(v)) return 1u << AUTH_GUEST;
    if (str_equal_nocase(v[LM_PACKAGE], S("NTLM V1"))) return 1u << AUTH_NTLMV1;
    if (str_equal_nocase(v[LM_PACKAGE], S("NTLM V2"))) return 1u << AUTH_NTLMV2;
    if (str_equal_nocase(v[PACKAGE], S("Kerberos"))) return 1u << AUTH_KERBEROS;
    return 0;
}
