/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"
#include "harden/baseline.h"

#define DIALECT(d) (uint8_t)(1u << DIALECT_##d)
#define AUTH(a)    (uint8_t)(1u << AUTH_##a)
#define BIT(id)    (uint16_t)(1u << HARDEN_##id)

struct row {
    const char *name;
    uint16_t port;
    uint8_t dialects, auths;
    enum signing client, server;
    bool client_hardened, server_hardened;
    uint16_t lacks, advice, unknown;
};

static const struct row rows[] = {
    {"all is well",                     445,  DIALECT(3_1_1),                      AUTH(KERBEROS),                   SIGNING_ENABLED,  SIGNING_REQUIRED, true,
     true,                                                                                                                                                             0,                 0,         0           },
    {"nobody hardened",                 445,  DIALECT(NT_LM_012),                  AUTH(GUEST),                      SIGNING_DISABLED, SIGNING_DISABLED,
     false,                                                                                                                                                     false, 0,                 0,         0           },
    {"SMB 1, at the client",            445,  DIALECT(NT_LM_012),                  AUTH(KERBEROS),                   SIGNING_ENABLED,
     SIGNING_ENABLED,                                                                                                                                    true,  false, BIT(SMB1),         0,         0           },
    {"SMB 1, at the server",            139,  DIALECT(NT_LM_012),                  AUTH(KERBEROS),                   SIGNING_ENABLED,
     SIGNING_ENABLED,                                                                                                                                    false, true,  BIT(SMB1),         0,         0           },
    {"once SMB 1 is enough",            445,  DIALECT(NT_LM_012) | DIALECT(3_1_1), AUTH(KERBEROS),
     SIGNING_ENABLED,                                                                                                                  SIGNING_ENABLED,  true,  true,  BIT(SMB1),         0,         0           },
    {"2.1 is below the least",          445,  DIALECT(2_1),                        AUTH(KERBEROS),                   SIGNING_ENABLED,  SIGNING_ENABLED,
     true,                                                                                                                                                      true,  BIT(DIALECT),      0,         0           },
    {"2.0.2 too",                       445,  DIALECT(2_0_2),                      AUTH(KERBEROS),                   SIGNING_ENABLED,  SIGNING_ENABLED,  true,  true,
     BIT(DIALECT),                                                                                                                                                                        0,         0           },
    {"3.0 is the least",                445,  DIALECT(3_0),                        AUTH(KERBEROS),                   SIGNING_ENABLED,  SIGNING_ENABLED,  true,
     true,                                                                                                                                                             0,                 0,         0           },
    {"server can't sign",               445,  DIALECT(3_0),                        AUTH(KERBEROS),                   SIGNING_UNKNOWN,  SIGNING_DISABLED,
     true,                                                                                                                                                      false, BIT(SIGNING),      0,         0           },
    {"client can't sign",               445,  DIALECT(3_0),                        AUTH(KERBEROS),                   SIGNING_DISABLED, SIGNING_ENABLED,
     false,                                                                                                                                                     true,  BIT(SIGNING),      0,         0           },
    {"one side's signing is not known", 445,  DIALECT(3_0),                        AUTH(KERBEROS),                   SIGNING_ENABLED,
     SIGNING_UNKNOWN,                                                                                                                                    true,  true,  0,                 0,         BIT(SIGNING)},
    {"guest",                           445,  DIALECT(3_0),                        AUTH(GUEST),                      SIGNING_ENABLED,  SIGNING_ENABLED,  true,  true,
     BIT(GUEST),                                                                                                                                                                          0,         0           },
    {"anonymous alone",                 445,  DIALECT(3_0),                        AUTH(ANONYMOUS),                  SIGNING_ENABLED,  SIGNING_ENABLED,  true,
     true,                                                                                                                                                             BIT(NULL_SESSION), 0,         0           },
    {"anonymous, server not hardened",  445,  DIALECT(3_0),                        AUTH(ANONYMOUS),                  SIGNING_ENABLED,
     SIGNING_ENABLED,                                                                                                                                    true,  false, 0,                 0,         0           },
    {"anonymous beside a logon",        445,  DIALECT(3_0),                        AUTH(ANONYMOUS) | AUTH(KERBEROS),
     SIGNING_ENABLED,                                                                                                                  SIGNING_ENABLED,  true,  true,  0,                 0,         0           },
    {"NTLMv1",                          445,  DIALECT(3_0),                        AUTH(NTLMV1) | AUTH(KERBEROS),    SIGNING_ENABLED,  SIGNING_ENABLED,
     true,                                                                                                                                                      true,  BIT(NTLMV1),       0,         0           },
    {"NTLMv2 only is advice",           445,  DIALECT(3_0),                        AUTH(NTLMV2),                     SIGNING_ENABLED,  SIGNING_ENABLED,
     true,                                                                                                                                                      true,  0,                 BIT(NTLM), 0           },
    {"advice binds the client",         445,  DIALECT(3_0),                        AUTH(NTLMV2),                     SIGNING_ENABLED,  SIGNING_ENABLED,
     false,                                                                                                                                                     true,  0,                 0,         0           },
    {"nothing known",                   445,  0,                                   0,                                SIGNING_UNKNOWN,  SIGNING_UNKNOWN,  true,  false, 0,                 0,
     BIT(SMB1) | BIT(DIALECT) | BIT(SIGNING) | BIT(GUEST) | BIT(NTLMV1)                                                                                                                                          },
    {"no SMB at all",                   3389, 0,                                   0,                                SIGNING_UNKNOWN,  SIGNING_UNKNOWN,  true,  true,  0,                 0,         0           },
};

static void each_setting(void **state)
{
    const struct policy policy = {.hardening_baseline = S("smb-2026")};
    const struct hardened machine = {.kind = HARDEN_KIND_MEMBER_SERVER};
    const struct harden_bound bound = harden_bound_of(&policy, &machine);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct matrix_flow flow = {
            .transport = TRANSPORT_TCP,
            .port = row->port,
            .dialects = row->dialects,
            .auths = row->auths,
            .client_signing = row->client,
            .server_signing = row->server,
        };
        struct harden_verdict v = harden_judge(&flow, row->client_hardened ? &bound : NULL,
                                               row->server_hardened ? &bound : NULL);
        if (v.lacks != row->lacks || v.advice != row->advice || v.unknown != row->unknown)
            fail_msg("%s: lacks %x advice %x unknown %x", row->name, v.lacks, v.advice, v.unknown);
        struct arena arena = arena_open("test", 0, NULL);
        for (unsigned id = 0; id < HARDEN_COUNT; id++)
            if (v.lacks >> id & 1)
                assert_true(
                    str_starts(harden_why(&arena, &flow, (enum harden_id)id), harden_name(id)));
        arena_close(&arena);
    }
}

static void every_row_is_whole(void **state)
{
    (void)state;
    for (unsigned id = 0; id < HARDEN_COUNT; id++) {
        const struct harden_setting *s = harden_setting((enum harden_id)id);
        assert_true(harden_name((enum harden_id)id).len && s->asks.len && s->breaks.len);
        assert_true(s->document.len && s->section.len && s->binds);
    }
}

static void modes(void **state)
{
    static const struct {
        const char *baseline, *mode;
        enum harden_mode expected;
    } of[] = {
        {"",         "audit",   HARDEN_OFF    },
        {"",         "enforce", HARDEN_OFF    },
        {"smb-2026", "audit",   HARDEN_AUDIT  },
        {"smb-2026", "",        HARDEN_AUDIT  },
        {"smb-2026", "enforce", HARDEN_ENFORCE},
        {"smb-2026", "off",     HARDEN_OFF    },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(of); i++) {
        struct policy policy = {.hardening_baseline = str_of(of[i].baseline),
                                .hardening_mode = str_of(of[i].mode)};
        assert_int_equal(harden_mode_of(&policy), of[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(each_setting),
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(modes),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
