/* SPDX-License-Identifier: Apache-2.0 */
/* [MS-SMB2], [MS-CIFS] and [MS-SMB] as read by wire/, made into facts: the server's choice of a
 * dialect, signing as each side states it and as it is used, who logged on and how, which shares
 * and pipes were used and whether they were granted.
 */
#include "evidence/capture_session.h"

#include "base/map.h"
#include "wire/dcerpc.h"
#include "wire/nbss.h"
#include "wire/smb1.h"
#include "wire/smb2.h"
#include "wire/spnego.h"

enum {
    OFFERS = 64,    /* dialects of one SMB1 hello; real ones have at most 13 */
    WAITING = 16,   /* requests whose answer matters; the oldest gives way */
    LOGONS = 8,     /* sessions of one connection */
    TREES = 32,     /* trees of one connection */
    LIST_FIRST = 4, /* entries a list begins with; it doubles up to LIMIT_NAMES */
    LIST_STEPS = 8,
};
static_assert(LIST_FIRST << (LIST_STEPS - 2) == LIMIT_NAMES, "a list grows to its limit");

/* A name of this conversation. */
struct name_ref {
    uint32_t name; /* index in the capture's names, plus one */
    uint8_t kind;  /* enum session_name */
    bool was_granted, was_refused;
};

struct use_ref {
    uint32_t share, pipe, user; /* names, plus one */
    uint32_t granted, refused, count;
    int64_t first_us, last_us;
    uint64_t offset;
    bool is_printer;
};

enum waiting_for { WAITING_NOTHING, WAITING_TREE, WAITING_PIPE, WAITING_LOGON };

/* A request for a share or pipe that is not answered yet, or a logon that has no session id yet. */
struct waiting {
    uint64_t id;
    uint32_t name; /* of the share, or of the user */
    uint16_t use;  /* index plus one */
    enum waiting_for what;
};

struct logon {
    uint64_t id;
    uint32_t user;
};

struct tree {
    uint32_t id, share;
    bool is_used, is_pipe;
};

struct list {
    void *items;
    uint16_t n, room;
};

struct session {
    uint64_t pdus, signed_pdus, encrypted_pdus;
    uint32_t smb1_pdus; /* but those of a negotiation: a client's hello is no use of SMB1 */
    uint32_t smb2_pdus;
    uint8_t request_half; /* plus one */
    uint8_t auths;
    uint8_t dialect2; /* enum dialect plus one: the server's last choice in SMB2 */
    bool smb1_hello, smb1_answer, smb1_chosen;
    bool compressed, clear_trees;
    bool has_contexts, compression; /* of the server's 3.1.1 negotiate response */
    uint8_t ciphers;
    bool has_mode[2]; /* SMB2 SecurityMode of client, server */
    uint8_t mode[2];
    uint8_t smb1_signing[2]; /* enum signing */
    uint8_t n_offers;
    uint8_t offers[OFFERS];
    uint8_t next_waiting, next_logon, next_tree;
    struct waiting waiting[WAITING];
    struct logon logons[LOGONS];
    struct tree trees[TREES];
    struct list names, uses;
    uint32_t next_free; /* plus one */
};

struct capture_sessions {
    const struct fact_sink *sink;
    struct arena *arena;
    struct arena scratch; /* passed on by value: text is gone after each item */
    struct session *sessions;
    size_t max;
    uint32_t free, fresh;
    struct map names;
    uint64_t name_bytes, list_bytes, dropped;
    void *free_lists[2][LIST_STEPS]; /* by kind of list, by size */
    str shown[NAME_KINDS + 1][LIMIT_NAMES];
};

/* The item in hand. */
struct context {
    struct capture_sessions *t;
    struct session *s;
    const struct stream *stream;
    unsigned client; /* half */
    struct stream_place place;
    struct arena scratch;
};

struct capture_sessions *capture_session_open(struct arena *arena, size_t max,
                                              const struct fact_sink *sink)
{
    struct capture_sessions *t = arena_new(arena, struct capture_sessions);
    t->sink = sink;
    t->arena = arena;
    t->max = max;
    t->scratch = arena_open("text of captures", 1 << 20, NULL);
    t->sessions = arena_map(max * sizeof *t->sessions);
    return t;
}

void capture_session_close(struct capture_sessions *t)
{
    arena_unmap(t->sessions, t->max * sizeof *t->sessions);
    arena_close(&t->scratch);
}

uint64_t capture_session_dropped(const struct capture_sessions *t)
{
    return t->dropped;
}

uint64_t capture_session_memory(const struct capture_sessions *t)
{
    return t->fresh * sizeof *t->sessions + t->list_bytes + t->name_bytes;
}

/* Lists: LIST_FIRST << step entries, from free lists by step. */

struct free_list {
    struct free_list *next;
};

enum list_kind { LIST_NAMES, LIST_USES };
static const size_t list_item_bytes[] = {sizeof(struct name_ref), sizeof(struct use_ref)};

static size_t list_step(uint16_t room)
{
    size_t step = 0;
    while (LIST_FIRST << step < room)
        step++;
    return step;
}

static void list_give(struct capture_sessions *t, enum list_kind kind, struct list *list)
{
    if (!list->room) return;
    struct free_list *given = list->items;
    size_t step = list_step(list->room);
    given->next = t->free_lists[kind][step];
    t->free_lists[kind][step] = given;
    *list = (struct list){0};
}

/* Room for one more; false when the list, or all of them together, are at their limit. */
static bool list_room(struct capture_sessions *t, enum list_kind kind, struct list *list)
{
    if (list->n < list->room) return true;
    if (list->room == LIMIT_NAMES) return false;
    uint16_t room = list->room ? (uint16_t)(2 * list->room) : LIST_FIRST;
    size_t step = list_step(room);
    size_t bytes_needed = room * list_item_bytes[kind];
    struct free_list *items = t->free_lists[kind][step];
    if (items) {
        t->free_lists[kind][step] = items->next;
    } else {
        if (t->list_bytes + bytes_needed > LIMIT_CAPTURE_LISTS) return false;
        t->list_bytes += bytes_needed;
        items = arena_take(t->arena, bytes_needed, _Alignof(max_align_t), 1);
    }
    struct list grown = {items, list->n, room};
    if (list->n) memcpy(grown.items, list->items, list->n * list_item_bytes[kind]);
    list_give(t, kind, list);
    *list = grown;
    return true;
}

static struct session *session_of(struct capture_sessions *t, struct stream *stream)
{
    if (stream->session) return &t->sessions[stream->session - 1];
    uint32_t index = t->free;
    if (index)
        t->free = t->sessions[index - 1].next_free;
    else
        index = ++t->fresh;
    assert(index <= t->max && "there are as many sessions as streams");
    stream->session = index;
    struct session *s = &t->sessions[index - 1];
    memset(s, 0, sizeof *s);
    return s;
}

void capture_session_end(struct capture_sessions *t, struct stream *stream)
{
    if (!stream->session) return;
    struct session *s = &t->sessions[stream->session - 1];
    list_give(t, LIST_NAMES, &s->names);
    list_give(t, LIST_USES, &s->uses);
    s->next_free = t->free;
    t->free = stream->session;
    stream->session = 0;
}

/* Names */

/* The capture's copy of a name, plus one; 0 when it is empty or there is no room. */
static uint32_t intern(struct capture_sessions *t, str name)
{
    if (!name.len) return 0;
    uint64_t *known = map_find(&t->names, name);
    if (known) return (uint32_t)*known;
    if (t->name_bytes + name.len + sizeof(struct map_entry) > LIMIT_CAPTURE_NAMES) {
        t->dropped++;
        return 0;
    }
    t->name_bytes += name.len + sizeof(struct map_entry);
    map_put(&t->names, t->arena, name, t->names.n + 1, NULL);
    return (uint32_t)t->names.n;
}

static str name_text(const struct capture_sessions *t, uint32_t name)
{
    return name ? t->names.entries[name - 1].key : (str){0};
}

static struct name_ref *find_name(struct session *s, enum session_name kind, uint32_t name)
{
    struct name_ref *refs = s->names.items;
    for (size_t i = 0; i < s->names.n; i++)
        if (refs[i].name == name && refs[i].kind == kind) return &refs[i];
    return NULL;
}

/* Notes a name of the conversation; *fresh tells that it was not known in it. */
static uint32_t add_name(struct context *x, enum session_name kind, str text, bool *fresh)
{
    uint32_t name = intern(x->t, text);
    *fresh = false;
    if (!name || find_name(x->s, kind, name)) return name;
    if (!list_room(x->t, LIST_NAMES, &x->s->names)) {
        x->t->dropped++;
        return name;
    }
    struct name_ref *refs = x->s->names.items;
    refs[x->s->names.n++] = (struct name_ref){.name = name, .kind = (uint8_t)kind};
    *fresh = true;
    return name;
}

/* A host's name: of the end that has it, told to the sink once per conversation. */
static void add_host(struct context *x, enum session_name kind, str text,
                     enum identity_source source)
{
    bool fresh = false;
    uint32_t name = add_name(x, kind, text, &fresh);
    if (!fresh) return;
    unsigned half = kind == NAME_CLIENT ? x->client : !x->client;
    struct identity identity = {
        .addr = x->stream->addr[half],
        .name = name_text(x->t, name),
        .seen_us = x->place.at_us,
        .source = source,
        .offset = x->place.offset,
    };
    x->t->sink->identity(x->t->sink->to, &identity);
}

/* Text as sent, made UTF-8, cut at a NUL and at LIMIT_NAME_BYTES. */
static str text_of(struct context *x, bytes raw, bool is_unicode)
{
    size_t most = is_unicode ? 2 * LIMIT_NAME_BYTES : LIMIT_NAME_BYTES;
    if (raw.len > most) raw.len = most;
    str text =
        is_unicode ? str_from_utf16le(&x->scratch, raw) : str_utf8(&x->scratch, str_of_bytes(raw));
    str head, tail;
    str_cut(text, 0, &head, &tail);
    /* Never cut inside a character. */
    while (head.len > LIMIT_NAME_BYTES ||
           (head.len == LIMIT_NAME_BYTES && ((unsigned char)head.ptr[head.len - 1] & 0x80)))
        head.len--;
    return head;
}

static str without_backslashes(str text)
{
    while (text.len && (text.ptr[0] == '\\' || text.ptr[0] == '/'))
        text = str_tail(text, 1);
    return text;
}

/* The server part of a path, if it is a name of a machine. */
static void add_path_host(struct context *x, str path)
{
    str host, rest;
    struct addr addr;
    if (!str_starts(path, S("\\\\"))) return;
    str_cut(str_tail(path, 2), '\\', &host, &rest);
    if (!host.len || addr_parse(host, &addr) || host.ptr[0] == '*' || host.ptr[0] == '[') return;
    if (str_equal_nocase(host, S("localhost")) || str_ends(host, S(".ipv6-literal.net"))) return;
    add_host(x, NAME_SERVER, host, IDENTITY_TREE_PATH);
}

/* Logons */

static uint32_t logon_user(const struct session *s, uint64_t id)
{
    for (size_t i = 0; i < LOGONS; i++)
        if (s->logons[i].user && s->logons[i].id == id) return s->logons[i].user;
    return 0;
}

static void logon_put(struct session *s, uint64_t id, uint32_t user)
{
    size_t place = s->next_logon;
    for (size_t i = 0; i < LOGONS; i++)
        if (s->logons[i].user && s->logons[i].id == id) place = i;
    if (place == s->next_logon) s->next_logon = (uint8_t)((s->next_logon + 1) % LOGONS);
    s->logons[place] = (struct logon){id, user};
}

/* An account as it was presented; an empty one is anonymous and no user. */
static uint32_t add_account(struct context *x, str domain, str user)
{
    bool fresh;
    if (!user.len) {
        x->s->auths |= 1u << AUTH_ANONYMOUS;
        return 0;
    }
    if (!domain.len) return add_name(x, NAME_USER, user, &fresh);
    return add_name(x, NAME_USER,
                    str_format(&x->scratch, "%.*s\\%.*s", STR_ARG(domain), STR_ARG(user)), &fresh);
}

/* The version of NTLM by the length of the response ([MS-NLMP] 3.3): 24 bytes in v1. */
static void add_ntlm_version(struct session *s, size_t lm_length, size_t nt_length)
{
    enum { V1_RESPONSE = 24 };
    if (nt_length > V1_RESPONSE) s->auths |= 1u << AUTH_NTLMV2;
    if (nt_length == V1_RESPONSE || (nt_length == 0 && lm_length == V1_RESPONSE))
        s->auths |= 1u << AUTH_NTLMV1;
}

/* A security token; from_client says who sent it. Returns the user it presents, if any. */
static uint32_t take_token(struct context *x, bytes raw, bool from_client)
{
    struct spnego_token token = spnego_read(raw);
    const struct ntlmssp *ntlm = &token.ntlm;
    if (token.kind == SPNEGO_KERBEROS && from_client) {
        x->s->auths |= 1u << AUTH_KERBEROS;
        str service = text_of(x, token.service[0], false);
        str host = text_of(x, token.service[1], false);
        if (str_equal_nocase(service, S("cifs")) || str_equal_nocase(service, S("host")))
            add_host(x, NAME_SERVER, host, IDENTITY_KERBEROS);
        return 0;
    }
    if (token.kind != SPNEGO_NTLM) return 0;
    if (ntlm->type == NTLMSSP_CHALLENGE && !from_client) {
        add_host(x, NAME_SERVER, text_of(x, ntlm->computer.raw, ntlm->computer.is_unicode),
                 IDENTITY_NTLM);
        add_host(x, NAME_SERVER, text_of(x, ntlm->dns_computer.raw, ntlm->dns_computer.is_unicode),
                 IDENTITY_NTLM);
    }
    if (!from_client) return 0;
    add_host(x, NAME_CLIENT, text_of(x, ntlm->workstation.raw, ntlm->workstation.is_unicode),
             IDENTITY_NTLM);
    if (ntlm->type != NTLMSSP_AUTHENTICATE) return 0;
    str user = text_of(x, ntlm->user.raw, ntlm->user.is_unicode);
    if (user.len) add_ntlm_version(x->s, ntlm->lm_length, ntlm->nt_length);
    return add_account(x, text_of(x, ntlm->domain.raw, ntlm->domain.is_unicode), user);
}

/* Bytes written to a pipe: the interfaces and the logon of a DCERPC bind. */
static void take_pipe_data(struct context *x, bytes data)
{
    struct dcerpc_interface interface;
    char text[DCERPC_UUID_TEXT];
    bytes token;
    bool fresh;
    for (size_t at = 0; dcerpc_next_interface(data, &at, &interface);) {
        str name = dcerpc_interface_name(&interface);
        (void)add_name(x, NAME_INTERFACE, name.len ? name : dcerpc_uuid_text(text, &interface),
                       &fresh);
    }
    if (dcerpc_token(data, &token)) take_token(x, token, true);
}

/* Shares and pipes */

static struct tree *find_tree(struct session *s, uint32_t id)
{
    for (size_t i = 0; i < TREES; i++)
        if (s->trees[i].is_used && s->trees[i].id == id) return &s->trees[i];
    return NULL;
}

static void put_tree(struct session *s, uint32_t id, uint32_t share, bool is_pipe)
{
    struct tree *tree = find_tree(s, id);
    if (!tree) {
        tree = &s->trees[s->next_tree];
        s->next_tree = (uint8_t)((s->next_tree + 1) % TREES);
    }
    *tree = (struct tree){.id = id, .share = share, .is_used = true, .is_pipe = is_pipe};
}

/* Index plus one of the use; 0 when there is no room. */
static uint16_t add_use(struct context *x, uint32_t share, uint32_t pipe, uint32_t user)
{
    struct use_ref *uses = x->s->uses.items;
    size_t i = 0;
    while (i < x->s->uses.n &&
           (uses[i].share != share || uses[i].pipe != pipe || uses[i].user != user))
        i++;
    if (i == x->s->uses.n) {
        if (!list_room(x->t, LIST_USES, &x->s->uses)) {
            x->t->dropped++;
            return 0;
        }
        uses = x->s->uses.items;
        x->s->uses.n++;
        uses[i] = (struct use_ref){
            .share = share,
            .pipe = pipe,
            .user = user,
            .first_us = x->place.at_us,
            .offset = x->place.offset,
        };
    }
    uses[i].count++;
    uses[i].last_us = x->place.at_us;
    return (uint16_t)(i + 1);
}

static void wait_for(struct session *s, struct waiting waiting)
{
    s->waiting[s->next_waiting] = waiting;
    s->next_waiting = (uint8_t)((s->next_waiting + 1) % WAITING);
}

/* The request of that kind that this response answers; it waits no longer. */
static bool answered(struct session *s, uint64_t id, enum waiting_for what, struct waiting *out)
{
    for (size_t i = 0; i < WAITING; i++) {
        if (s->waiting[i].what != what || s->waiting[i].id != id) continue;
        *out = s->waiting[i];
        s->waiting[i] = (struct waiting){0};
        return true;
    }
    return false;
}

static void take_tree_request(struct context *x, uint64_t id, uint64_t session_id, str path)
{
    bool fresh;
    uint32_t share = add_name(x, NAME_SHARE, path, &fresh);
    add_path_host(x, path);
    x->s->clear_trees = true;
    uint16_t use = add_use(x, share, 0, logon_user(x->s, session_id));
    wait_for(x->s, (struct waiting){.id = id, .name = share, .use = use, .what = WAITING_TREE});
}

static bool is_ipc(str share)
{
    return share.len >= 4 && str_equal_nocase(str_tail(share, share.len - 4), S("IPC$"));
}

static void take_pipe_request(struct context *x, uint64_t id, uint32_t share, uint64_t session_id,
                              str name)
{
    bool fresh;
    name = without_backslashes(name);
    if (str_equal_nocase(str_head(name, 5), S("PIPE\\"))) name = str_tail(name, 5);
    uint32_t pipe = add_name(x, NAME_PIPE, name, &fresh);
    if (!pipe) return;
    uint16_t use = add_use(x, share, pipe, logon_user(x->s, session_id));
    wait_for(x->s, (struct waiting){.id = id, .name = share, .use = use, .what = WAITING_PIPE});
}

/* A response to a request for a share or pipe. */
static void take_answer(struct context *x, const struct waiting *waiting, bool is_granted,
                        uint32_t tree_id, uint8_t share_type)
{
    struct use_ref *uses = x->s->uses.items;
    if (waiting->use) {
        struct use_ref *use = &uses[waiting->use - 1];
        if (is_granted)
            use->granted++;
        else
            use->refused++;
        use->is_printer |= share_type == SMB2_SHARE_PRINT;
    }
    if (waiting->what != WAITING_TREE) return;
    struct name_ref *ref = find_name(x->s, NAME_SHARE, waiting->name);
    if (ref && is_granted) ref->was_granted = true;
    if (ref && !is_granted) ref->was_refused = true;
    bool pipes = share_type == SMB2_SHARE_PIPE || is_ipc(name_text(x->t, waiting->name));
    if (is_granted) put_tree(x->s, tree_id, waiting->name, pipes);
}

/* SMB 2 and 3 */

static const struct {
    uint16_t revision;
    enum dialect dialect;
} dialects[] = {
    {0x0202, DIALECT_2_0_2},
    {0x0210, DIALECT_2_1  },
    {0x0300, DIALECT_3_0  },
    {0x0302, DIALECT_3_0_2},
    {0x0311, DIALECT_3_1_1},
};

/* [MS-SMB2] 2.2.3.1.2 */
static const struct {
    uint16_t id;
    enum cipher cipher;
} ciphers[] = {
    {1, CIPHER_AES_128_CCM},
    {2, CIPHER_AES_128_GCM},
    {3, CIPHER_AES_256_CCM},
    {4, CIPHER_AES_256_GCM},
};

static void take_contexts(struct session *s, const struct smb2_body *body)
{
    struct smb2_contexts contexts = smb2_contexts_read(body);
    if (!body->n_contexts || !body->contexts.len) return;
    s->has_contexts = true;
    s->compression |= contexts.compression;
    for (size_t i = 0; i < COUNT_OF(ciphers); i++)
        if (ciphers[i].id == contexts.cipher) s->ciphers |= (uint8_t)(1u << ciphers[i].cipher);
}

static void take_smb2_response(struct context *x, const struct smb2_header *h,
                               const struct smb2_body *body, bool has_body)
{
    struct session *s = x->s;
    if (has_body && h->command == SMB2_NEGOTIATE) {
        s->mode[1] |= (uint8_t)body->security_mode;
        s->has_mode[1] = true;
        for (size_t i = 0; i < COUNT_OF(dialects); i++)
            if (dialects[i].revision == body->dialect)
                s->dialect2 = (uint8_t)(dialects[i].dialect + 1);
        take_contexts(s, body);
    }
    if (has_body && h->command == SMB2_SESSION_SETUP) {
        take_token(x, body->token, false);
        if (body->session_flags & SMB2_SESSION_GUEST) s->auths |= 1u << AUTH_GUEST;
        if (body->session_flags & SMB2_SESSION_NULL) s->auths |= 1u << AUTH_ANONYMOUS;
    }
    if (h->command != SMB2_TREE_CONNECT && h->command != SMB2_CREATE) return;
    enum waiting_for what = h->command == SMB2_CREATE ? WAITING_PIPE : WAITING_TREE;
    struct waiting waiting;
    if (h->status == SMB2_STATUS_PENDING || !answered(s, h->message_id, what, &waiting)) return;
    take_answer(x, &waiting, h->status == SMB2_STATUS_SUCCESS, h->tree_id,
                has_body ? body->share_type : 0);
}

static void take_smb2_request(struct context *x, const struct smb2_header *h,
                              const struct smb2_body *body)
{
    struct session *s = x->s;
    switch (h->command) {
    case SMB2_NEGOTIATE:
    case SMB2_SESSION_SETUP:
        s->mode[0] |= (uint8_t)body->security_mode;
        s->has_mode[0] = true;
        if (h->command == SMB2_SESSION_SETUP) {
            uint32_t user = take_token(x, body->token, true);
            if (user) logon_put(s, h->session_id, user);
        }
        return;
    case SMB2_TREE_CONNECT:
        take_tree_request(x, h->message_id, h->session_id, text_of(x, body->name, true));
        return;
    case SMB2_CREATE: {
        const struct tree *tree = find_tree(s, h->tree_id);
        if (tree && tree->is_pipe)
            take_pipe_request(x, h->message_id, tree->share, h->session_id,
                              text_of(x, body->name, true));
        return;
    }
    case SMB2_WRITE:
    case SMB2_IOCTL:
        take_pipe_data(x, body->data);
        return;
    default:
        return;
    }
}

static void take_smb2(struct context *x, unsigned half, const struct framing_item *item)
{
    struct smb2_header h;
    struct smb2_body body;
    x->s->smb2_pdus++;
    if (!smb2_header_read(item->head, &h)) return;
    bool is_response = h.flags & SMB2_RESPONSE;
    if (h.flags & SMB2_SIGNED) x->s->signed_pdus++;
    x->client = is_response ? !half : half;
    if (!x->s->request_half) x->s->request_half = (uint8_t)(x->client + 1);
    bool has_body = smb2_body_read(item->head, &h, &body);
    if (is_response)
        take_smb2_response(x, &h, &body, has_body);
    else if (has_body)
        take_smb2_request(x, &h, &body);
}

/* SMB 1 */

static void take_negotiate(struct context *x, const struct smb1_header *h,
                           const struct smb1_part *part)
{
    struct session *s = x->s;
    bytes data = part->data;
    enum smb1_offer offer;
    s->n_offers = 0;
    while (smb1_next_dialect(&data, &offer)) {
        s->smb1_hello = true;
        if (s->n_offers < OFFERS) s->offers[s->n_offers++] = (uint8_t)offer;
    }
    if (!s->smb1_hello) return;
    enum signing signing = h->flags2 & SMB1_FLAGS2_SIGNATURE_REQUIRED ? SIGNING_REQUIRED
                           : h->flags2 & SMB1_FLAGS2_SIGNATURE        ? SIGNING_ENABLED
                                                                      : SIGNING_DISABLED;
    if (signing > s->smb1_signing[0]) s->smb1_signing[0] = (uint8_t)signing;
}

static void take_negotiated(struct context *x, const struct smb1_part *part)
{
    struct session *s = x->s;
    struct smb1_negotiated answer;
    if (!smb1_negotiated_read(part, &answer)) return;
    s->smb1_answer = true;
    bool is_smb2 = answer.index < s->n_offers && s->offers[answer.index] == SMB1_OFFER_SMB2;
    s->smb1_chosen = answer.index != SMB1_INDEX_NONE && !is_smb2;
    if (!answer.has_security) return;
    s->smb1_signing[1] = answer.security_mode & SMB1_SECURITY_REQUIRED     ? SIGNING_REQUIRED
                         : answer.security_mode & SMB1_SECURITY_SIGNATURES ? SIGNING_ENABLED
                                                                           : SIGNING_DISABLED;
}

static void take_session_setup(struct context *x, const struct smb1_header *h,
                               const struct smb1_part *part)
{
    struct smb1_session_setup setup;
    if (!smb1_session_setup_read(part, h, &setup)) return;
    if (h->flags & SMB1_FLAGS_RESPONSE) {
        struct waiting waiting;
        take_token(x, setup.token, false);
        if (h->status != 0) return;
        if (setup.action & SMB1_ACTION_GUEST) x->s->auths |= 1u << AUTH_GUEST;
        if (answered(x->s, h->request_id, WAITING_LOGON, &waiting))
            logon_put(x->s, h->user_id, waiting.name);
        return;
    }
    uint32_t user = 0;
    if (setup.is_plain) {
        str account = text_of(x, setup.account.raw, setup.account.is_unicode);
        if (account.len) add_ntlm_version(x->s, setup.lm_length, setup.nt_length);
        user = add_account(x, text_of(x, setup.domain.raw, setup.domain.is_unicode), account);
    } else {
        user = take_token(x, setup.token, true);
    }
    if (!user) return;
    /* The user id comes with the answer, or (second round) was given before. */
    if (h->user_id) logon_put(x->s, h->user_id, user);
    wait_for(x->s, (struct waiting){.id = h->request_id, .name = user, .what = WAITING_LOGON});
}

static void take_smb1_tree(struct context *x, const struct smb1_header *h,
                           const struct smb1_part *part)
{
    struct smb1_text path;
    struct waiting waiting;
    if (!(h->flags & SMB1_FLAGS_RESPONSE)) {
        if (smb1_path_read(part, h, &path))
            take_tree_request(x, h->request_id, h->user_id, text_of(x, path.raw, path.is_unicode));
        return;
    }
    if (answered(x->s, h->request_id, WAITING_TREE, &waiting))
        take_answer(x, &waiting, h->status == 0, h->tree_id, 0);
}

static void take_smb1_name(struct context *x, const struct smb1_header *h,
                           const struct smb1_part *part)
{
    struct smb1_text name;
    if (h->flags & SMB1_FLAGS_RESPONSE) {
        struct waiting waiting;
        if (answered(x->s, h->request_id, WAITING_PIPE, &waiting))
            take_answer(x, &waiting, h->status == 0, h->tree_id, 0);
        return;
    }
    const struct tree *tree = find_tree(x->s, h->tree_id);
    if (!tree || !tree->is_pipe || !smb1_name_read(part, h, &name)) return;
    take_pipe_request(x, h->request_id, tree->share, h->user_id,
                      text_of(x, name.raw, name.is_unicode));
}

static void take_smb1_part(struct context *x, const struct smb1_header *h, bytes message,
                           const struct smb1_part *part)
{
    bool is_response = h->flags & SMB1_FLAGS_RESPONSE;
    bytes data;
    switch (part->command) {
    case SMB1_NEGOTIATE:
        if (is_response)
            take_negotiated(x, part);
        else
            take_negotiate(x, h, part);
        return;
    case SMB1_SESSION_SETUP_ANDX:
        take_session_setup(x, h, part);
        return;
    case SMB1_TREE_CONNECT:
    case SMB1_TREE_CONNECT_ANDX:
        take_smb1_tree(x, h, part);
        return;
    case SMB1_OPEN_ANDX:
    case SMB1_NT_CREATE_ANDX:
        take_smb1_name(x, h, part);
        return;
    case SMB1_TRANSACTION:
    case SMB1_WRITE_ANDX:
        if (!is_response && smb1_payload_read(message, part, &data)) take_pipe_data(x, data);
        return;
    default:
        return;
    }
}

/* In an answer that was refused early the chain stops: a tree connect behind it was not granted. */
static void take_smb1(struct context *x, unsigned half, const struct framing_item *item)
{
    enum { OPLOCK_BREAK = 0x24, SECURITY_SIGNED = SMB1_FLAGS2_SIGNATURE };
    struct smb1_header h;
    struct smb1_part part;
    if (!smb1_header_read(item->head, &h)) return;
    bool is_response = h.flags & SMB1_FLAGS_RESPONSE;
    if (h.command != SMB1_NEGOTIATE) x->s->smb1_pdus++;
    x->client = is_response ? !half : half;
    /* The one request that a server sends tells nothing about who is the client. */
    if (!x->s->request_half && h.command != OPLOCK_BREAK)
        x->s->request_half = (uint8_t)(x->client + 1);
    if (x->s->request_half) x->client = x->s->request_half - 1;
    if (is_response && h.status && h.command == SMB1_TREE_CONNECT_ANDX) {
        /* Errors come without words: [MS-CIFS] 2.2.4.55.2. */
        part = (struct smb1_part){.command = h.command};
        take_smb1_tree(x, &h, &part);
        return;
    }
    if (!smb1_part_first(item->head, &part)) return;
    do {
        take_smb1_part(x, &h, item->head, &part);
    } while (smb1_part_next(item->head, &part));
}

/* NetBIOS session request: who calls whom by name. */
static void take_nbss(struct context *x, unsigned half, const struct framing_item *item)
{
    struct nbss_request request;
    if (item->nbss_type != NBSS_REQUEST || !nbss_request_read(item->head, &request)) return;
    x->client = half;
    if (!x->s->request_half) x->s->request_half = (uint8_t)(half + 1);
    str called =
        text_of(x, (bytes){(const uint8_t *)request.called.text, request.called.len}, false);
    str calling =
        text_of(x, (bytes){(const uint8_t *)request.calling.text, request.calling.len}, false);
    if (called.len && called.ptr[0] != '*') add_host(x, NAME_SERVER, called, IDENTITY_NBSS);
    add_host(x, NAME_CLIENT, calling, IDENTITY_NBSS);
}

size_t capture_session_item(struct capture_sessions *t, struct stream *stream, unsigned half,
                            const struct framing_item *item, struct stream_place place)
{
    size_t need = 0;
    if (item->kind == FRAMING_SMB2) need = smb2_need(item->head, item->length);
    if (item->kind == FRAMING_SMB1) need = smb1_need(item->head, item->length);
    if (need > item->head.len && !item->final) return need;

    struct context x = {
        .t = t,
        .s = session_of(t, stream),
        .stream = stream,
        .place = place,
        .scratch = t->scratch,
    };
    if (item->kind != FRAMING_NBSS) x.s->pdus++;
    switch (item->kind) {
    case FRAMING_SMB1:
        take_smb1(&x, half, item);
        break;
    case FRAMING_SMB2:
        take_smb2(&x, half, item);
        break;
    case FRAMING_ENCRYPTED:
        x.s->encrypted_pdus++;
        break;
    case FRAMING_COMPRESSED:
        x.s->compressed = true;
        break;
    case FRAMING_NBSS:
        take_nbss(&x, half, item);
        break;
    }
    return 0;
}

/* Summaries */

static uint8_t dialect_set(const struct session *s)
{
    if (s->dialect2) return (uint8_t)(1u << (s->dialect2 - 1));
    bool is_smb2 = s->smb2_pdus || s->encrypted_pdus || s->compressed;
    bool only_smb1 = s->smb1_pdus && !is_smb2 && !s->smb1_hello && !s->smb1_answer;
    return s->smb1_chosen || only_smb1 ? 1u << DIALECT_NT_LM_012 : 0;
}

static enum signing signing_of(const struct session *s, unsigned side)
{
    if (!s->has_mode[side]) return (enum signing)s->smb1_signing[side];
    if (s->mode[side] & SMB2_SIGNING_REQUIRED) return SIGNING_REQUIRED;
    return s->mode[side] & SMB2_SIGNING_ENABLED ? SIGNING_ENABLED : SIGNING_DISABLED;
}

static struct names names_of(struct capture_sessions *t, const struct session *s,
                             enum session_name kind, bool only_refused, str *into)
{
    const struct name_ref *refs = s->names.items;
    size_t n = 0;
    for (size_t i = 0; i < s->names.n; i++) {
        if (refs[i].kind != kind) continue;
        if (only_refused && (refs[i].was_granted || !refs[i].was_refused)) continue;
        into[n++] = name_text(t, refs[i].name);
    }
    return (struct names){into, n};
}

void capture_session_summary(struct capture_sessions *t, const struct stream *stream,
                             struct capture_summary *out)
{
    *out = (struct capture_summary){.client_half = -1};
    if (!stream->session) return;
    const struct session *s = &t->sessions[stream->session - 1];
    out->client_half = s->request_half - 1;
    out->is_smb = s->pdus > 0;
    out->smb = (struct smb_facts){
        .dialects = dialect_set(s),
        .client_signing = signing_of(s, 0),
        .server_signing = signing_of(s, 1),
        .pdus = s->pdus,
        .signed_pdus = s->signed_pdus,
        .encrypted_pdus = s->encrypted_pdus,
        .encrypted = s->encrypted_pdus ? KNOWN_YES
                     : s->clear_trees  ? KNOWN_NO
                                       : KNOWN_NOT,
        .compressed = s->compressed ? KNOWN_YES : KNOWN_NOT,
        .auths = s->auths,
        .ciphers = s->ciphers,
        .compression_offered = !s->has_contexts ? KNOWN_NOT
                               : s->compression ? KNOWN_YES
                                                : KNOWN_NO,
    };
    for (size_t kind = 0; kind < NAME_KINDS; kind++)
        out->names[kind] = names_of(t, s, (enum session_name)kind, false, t->shown[kind]);
    out->shares_refused = names_of(t, s, NAME_SHARE, true, t->shown[NAME_KINDS]);
}

void capture_session_uses(struct capture_sessions *t, const struct stream *stream,
                          const struct use *key)
{
    if (!stream->session) return;
    const struct session *s = &t->sessions[stream->session - 1];
    const struct use_ref *uses = s->uses.items;
    for (size_t i = 0; i < s->uses.n; i++) {
        struct use use = *key;
        use.first_us = uses[i].first_us;
        use.last_us = uses[i].last_us;
        use.count = uses[i].count;
        use.share = name_text(t, uses[i].share);
        use.pipe = name_text(t, uses[i].pipe);
        use.user = name_text(t, uses[i].user);
        use.refused = uses[i].refused && !uses[i].granted;
        use.is_printer = uses[i].is_printer;
        use.offset = uses[i].offset;
        t->sink->use(t->sink->to, &use);
    }
}
