/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr.h"

#include "base/test.h"

static const struct {
    const char *in, *out; /* out NULL: refused */
} addresses[] = {
    {"0.0.0.0",              "0.0.0.0"             },
    {"10.20.0.21",           "10.20.0.21"          },
    {"255.255.255.255",      "255.255.255.255"     },
    {"::ffff:10.1.2.3",      "10.1.2.3"            },
    {"::ffff:0a01:0203",     "10.1.2.3"            },
    {"::",                   "::"                  },
    {"::1",                  "::1"                 },
    {"1::",                  "1::"                 },
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"         },
    {"2001:db8::0:1:0:0:1",  "2001:db8::1:0:0:1"   },
    {"2001:db8:0:1:0:1:0:1", "2001:db8:0:1:0:1:0:1"},
    {"1:0:0:2:0:0:0:3",      "1:0:0:2::3"          },
    {"fe80::1:2:3:4",        "fe80::1:2:3:4"       },
    {"64:ff9b::192.0.2.33",  "64:ff9b::c000:221"   },
    {"1:2:3:4:5:6:7::",      "1:2:3:4:5:6:7:0"     },
    {"::2:3:4:5:6:7:8",      "0:2:3:4:5:6:7:8"     },
    {"",                     NULL                  },
    {"10.0.0",               NULL                  },
    {"10.0.0.256",           NULL                  },
    {"10.0.0.01",            NULL                  },
    {"10.0.0.1.",            NULL                  },
    {"10.0.0.1 ",            NULL                  },
    {"1:2:3:4:5:6:7",        NULL                  },
    {"1:2:3:4:5:6:7:8:9",    NULL                  },
    {"1::2::3",              NULL                  },
    {":1::2",                NULL                  },
    {"12345::",              NULL                  },
    {"fe80::1%eth0",         NULL                  },
    {"1:2:3:4:5:6:7:8::",    NULL                  },
    {":",                    NULL                  },
    {":::",                  NULL                  },
    {"1.2.3.4::",            NULL                  },
};

static void addresses_parse_and_print(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct addr a;
        char text[ADDR_TEXT];
        bool parsed = addr_parse(str_of(addresses[i].in), &a);
        if (parsed != (addresses[i].out != NULL)) fail_msg("\"%s\"", addresses[i].in);
        if (!parsed) continue;
        str printed = addr_text(text, a);
        if (!str_equal(printed, str_of(addresses[i].out)))
            fail_msg("\"%s\" printed as \"%.*s\"", addresses[i].in, STR_ARG(printed));
        struct addr again;
        assert_true(addr_parse(printed, &again));
        assert_true(addr_equal(a, again));
    }
}

static const struct {
    const char *in, *first, *last;
    bool host_bits;
} prefixes[] = {
    {"10.0.0.0/8",             "10.0.0.0",             "10.255.255.255",                          false},
    {"0.0.0.0/0",              "0.0.0.0",              "255.255.255.255",                         false},
    {"10.20.0.16/29",          "10.20.0.16",           "10.20.0.23",                              false},
    {"10.20.0.17/29",          "10.20.0.16",           "10.20.0.23",                              true },
    {"10.1.2.3",               "10.1.2.3",             "10.1.2.3",                                false},
    {"2001:db8::/32",          "2001:db8::",           "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",  false},
    {"::/0",                   "::",                   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
    {"2001:db8:0:0:8000::/65", "2001:db8::8000:0:0:0", "2001:db8::ffff:ffff:ffff:ffff",           false},
    {"10.0.0.0/33",            NULL,                   NULL,                                      false},
    {"10.0.0.0/",              NULL,                   NULL,                                      false},
    {"10.0.0.0/08",            NULL,                   NULL,                                      false},
    {"::/129",                 NULL,                   NULL,                                      false},
};

static void prefixes_span_their_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        struct prefix p;
        struct addr first, last;
        bool parsed = prefix_parse(str_of(prefixes[i].in), &p);
        if (parsed != (prefixes[i].first != NULL)) fail_msg("\"%s\"", prefixes[i].in);
        if (!parsed) continue;
        assert_int_equal(prefix_has_host_bits(p), prefixes[i].host_bits);
        assert_true(addr_parse(str_of(prefixes[i].first), &first));
        assert_true(addr_parse(str_of(prefixes[i].last), &last));
        struct range r = prefix_range(p);
        if (!addr_equal(r.first, first) || !addr_equal(r.last, last))
            fail_msg("%s", prefixes[i].in);
        assert_true(prefix_contains(p, first) && prefix_contains(p, last));
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test(addresses_parse_and_print),
        cmocka_unit_test(prefixes_span_their_range),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
