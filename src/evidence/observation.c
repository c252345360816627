/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/observation.h"

#define X(name, text) {text, sizeof(text) - 1},
static const str outcome_texts[] = {
    {"none", 4},
    OUTCOMES(X)
};
static const str dialect_texts[] = {DIALECTS(X)};
static const str signing_texts[] = {
    {NULL, 0},
    SIGNINGS(X)
};
static const str auth_texts[] = {AUTHS(X)};
static const str profile_texts[] = {PROFILES(X)};
static const str assumption_texts[] = {ASSUMPTIONS(X)};
static const str cipher_texts[] = {CIPHERS(X)};
static const str listening_texts[] = {LISTENING_STATES(X)};
static const str change_texts[] = {CHANGES(X)};
#undef X

str outcome_text(enum outcome outcome)
{
    return outcome_texts[outcome];
}

str dialect_text(enum dialect dialect)
{
    return dialect_texts[dialect];
}

str signing_text(enum signing signing)
{
    return signing_texts[signing];
}

str auth_text(enum auth auth)
{
    return auth_texts[auth];
}

str profile_text(enum profile profile)
{
    return profile == PROFILE_UNKNOWN ? S("unknown") : profile_texts[profile];
}

bool profile_parse(str text, enum profile *out)
{
    for (size_t i = 0; i < COUNT_OF(profile_texts); i++) {
        if (!str_equal(profile_texts[i], text)) continue;
        *out = (enum profile)i;
        return true;
    }
    return false;
}

str assumption_text(enum assumption assumption)
{
    return assumption_texts[assumption];
}

str cipher_text(enum cipher cipher)
{
    return cipher_texts[cipher];
}

str listening_text(enum listening_state state)
{
    return listening_texts[state];
}

str change_text(enum change_kind kind)
{
    return change_texts[kind];
}

static void no_observation(void *to, const struct observation *fact)
{
    (void)to, (void)fact;
}

static void no_use(void *to, const struct use *fact)
{
    (void)to, (void)fact;
}

static void no_identity(void *to, const struct identity *fact)
{
    (void)to, (void)fact;
}

static void no_skip(void *to, const struct skip *fact)
{
    (void)to, (void)fact;
}

static void no_address(void *to, struct addr addr)
{
    (void)to, (void)addr;
}

static void no_record(void *to, int64_t at_us)
{
    (void)to, (void)at_us;
}

static void no_hash(void *to, uint64_t hash)
{
    (void)to, (void)hash;
}

static void no_number(void *to)
{
    (void)to;
}

static void no_origin(void *to, str host)
{
    (void)to, (void)host;
}

static void no_listening(void *to, const struct listening *fact)
{
    (void)to, (void)fact;
}

static void no_change(void *to, const struct change *fact)
{
    (void)to, (void)fact;
}

static void no_unplaced(void *to, str what, int64_t at_us)
{
    (void)to, (void)what, (void)at_us;
}

static void no_content(void *to, bytes piece)
{
    (void)to, (void)piece;
}

struct fact_sink fact_sink_none(void)
{
    return (struct fact_sink){
        .observation = no_observation,
        .use = no_use,
        .identity = no_identity,
        .skip = no_skip,
        .local_address = no_address,
        .record = no_record,
        .line_hash = no_hash,
        .numbered = no_number,
        .origin = no_origin,
        .listening = no_listening,
        .change = no_change,
        .unplaced = no_unplaced,
        .content = no_content,
    };
}
