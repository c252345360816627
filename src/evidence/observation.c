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
