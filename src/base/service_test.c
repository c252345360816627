/* SPDX-License-Identifier: Apache-2.0 */
#include "base/service.h"

#include "base/test.h"

static const struct {
    const char *in;
    bool fine;
    unsigned first, last;
} ports[] = {
    {"tcp/445",       true,  445,  445  },
    {"udp/5000-5010", true,  5000, 5010 },
    {"tcp/1-65535",   true,  1,    65535},
    {"tcp/0",         false, 0,    0    },
    {"tcp/65536",     false, 0,    0    },
    {"tcp/10-9",      false, 0,    0    },
    {"tcp/",          false, 0,    0    },
    {"tcp",           false, 0,    0    },
    {"icmp/8",        false, 0,    0    },
    {"TCP/445",       false, 0,    0    },
    {"tcp/445-",      false, 0,    0    },
    {"tcp/-445",      false, 0,    0    },
    {"tcp/ 445",      false, 0,    0    },
    {"",              false, 0,    0    },
};

static void ports_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        struct service_port p = {0};
        bool fine = service_parse_ports(str_of(ports[i].in), &p);
        if (fine != ports[i].fine || p.first != ports[i].first || p.last != ports[i].last)
            fail_msg("\"%s\"", ports[i].in);
    }
    enum transport transport;
    uint16_t port;
    assert_false(service_parse_port(S("tcp/1-2"), &transport, &port));
    assert_true(service_parse_port(S("udp/137"), &transport, &port));
    assert_true(transport == TRANSPORT_UDP && port == 137);
}

/* One port belongs to one service; a marked one is never found by port alone. */
static void the_table_is_unambiguous(void **state)
{
    (void)state;
    for (size_t i = 0; i < service_builtin.n; i++) {
        const struct service *s = &service_builtin.services[i];
        assert_int_equal(service_by_name(service_builtin, s->name), (int)i);
        for (size_t j = 0; j < s->n_ports; j++) {
            int found = service_by_port(service_builtin, s->ports[j].transport, s->ports[j].first);
            assert_int_equal(found, s->mark.len ? SERVICE_NONE : (int)i);
        }
    }
    assert_int_equal(service_by_port(service_builtin, TRANSPORT_UDP, 445), SERVICE_NONE);
    assert_int_equal(service_by_name(service_builtin, S("SMB")), SERVICE_NONE);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(ports_parse),
        cmocka_unit_test(the_table_is_unambiguous),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
