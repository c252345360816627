/* SPDX-License-Identifier: Apache-2.0 */
/* Short files that say much: names that stand for other names, again and again. Whatever a reader
 * makes of one, it takes memory in proportion to the file's bytes.
 */
#include "base/test.h"
#include "targets/target.h"

enum { TIMES = 1500, BYTES_FOR_ONE = 64 };

#define EDGE "sallyport-servers-474010"
#define SRX  "sallyport-servers"
#define ASA  "SALLYPORT-SERVERS"

static void put_address(struct buf *out, size_t i)
{
    buf_format(out, "10.0.%zu.%zu", i / 100, i % 100 * 2);
}

static str pan_os_groups_of_one_group(struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 1; i <= TIMES; i++) {
        buf_format(&out, "set address " EDGE "-a%zu ip-netmask ", i);
        put_address(&out, i);
        buf_str(&out, S("/32\n"));
    }
    buf_str(&out, S("set address-group " EDGE "-g1 static ["));
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out, " " EDGE "-a%zu", i);
    buf_str(&out, S(" ]\n"));
    for (size_t i = 2; i <= TIMES; i++)
        buf_format(&out, "set address-group " EDGE "-g%zu static [ " EDGE "-g1 ]\n", i);
    return buf_text(&out);
}

static str pan_os_groups_in_a_chain(struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 1; i <= TIMES; i++) {
        buf_format(&out, "set address " EDGE "-a%zu ip-netmask ", i);
        put_address(&out, i);
        buf_str(&out, S("/32\n"));
    }
    buf_str(&out, S("set address-group " EDGE "-g1 static [ " EDGE "-a1 ]\n"));
    for (size_t i = 2; i <= TIMES; i++)
        buf_format(&out, "set address-group " EDGE "-g%zu static [ " EDGE "-g%zu " EDGE "-a%zu ]\n",
                   i, i - 1, i);
    return buf_text(&out);
}

static str fortigate_groups_of_one_group(struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("config firewall address\n"));
    for (size_t i = 1; i <= TIMES; i++) {
        buf_format(&out, "edit \"" EDGE "-a%zu\"\nset subnet ", i);
        put_address(&out, i);
        buf_str(&out, S(" 255.255.255.255\nnext\n"));
    }
    buf_str(&out, S("end\nconfig firewall address6\nend\nconfig firewall addrgrp\n"));
    buf_str(&out, S("edit \"" EDGE "-g1\"\nset member"));
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out, " \"" EDGE "-a%zu\"", i);
    for (size_t i = 2; i <= TIMES; i++)
        buf_format(&out, "\nnext\nedit \"" EDGE "-g%zu\"\nset member \"" EDGE "-g1\"", i);
    buf_str(&out, S("\nnext\nend\n"));
    return buf_text(&out);
}

static str juniper_srx_end_of_many_sets(struct arena *arena)
{
    struct buf out = buf_in(arena);
    for (size_t i = 1; i <= TIMES; i++) {
        buf_format(&out, "set security address-book global address " SRX "-a%zu ", i);
        put_address(&out, i);
        buf_str(&out, S("/32\n"));
    }
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out,
                   "set security address-book global address-set " SRX "-s%zu address " SRX
                   "-a%zu\n",
                   i, i);
    buf_str(&out, S("set applications application " SRX "-p1 protocol tcp\n"
                    "set applications application " SRX "-p1 destination-port 445\n"
                    "set security policies from-zone in to-zone out policy " SRX "-out-1 "
                    "description \"x: y\"\n"));
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out,
                   "set security policies from-zone in to-zone out policy " SRX "-out-1 match "
                   "source-address " SRX "-s%zu\n",
                   i);
    return buf_text(&out);
}

static void put_asa_group(struct buf *out, size_t number)
{
    buf_format(out, "object-group network " ASA "-N%zu\n", number);
    for (size_t i = 1; i <= TIMES; i++) {
        buf_str(out, S(" network-object host "));
        put_address(out, i);
        buf_char(out, '\n');
    }
}

static str cisco_asa_rules_of_one_group(struct arena *arena)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("clear configure access-list " ASA "-OUT\n"
                    "clear configure access-list " ASA "-IN\n"
                    "no object-group network " ASA "-N1\n"
                    "no object-group network " ASA "-N2\n"));
    put_asa_group(&out, 1);
    put_asa_group(&out, 2);
    buf_str(&out, S("access-list " ASA "-OUT extended permit ip any object-group " ASA "-N2\n"));
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out,
                   "access-list " ASA "-OUT remark rule: r\n"
                   "access-list " ASA "-OUT extended permit tcp object-group " ASA
                   "-N1 any eq %zu\n",
                   i);
    buf_str(&out, S("access-list " ASA "-OUT extended permit ip any any\n"
                    "access-list " ASA "-IN extended permit ip any any\n"));
    return buf_text(&out);
}

static str nftables_lines(struct arena *arena, const char *set, const char *ends)
{
    struct buf out = buf_in(arena);
    buf_str(&out, S("# as of: 2026-11-22T08:00:00Z\nadd table inet sallyport\n"
                    "delete table inet sallyport\ntable inet sallyport {\n"));
    buf_format(&out, "set x {\ntype %s", set);
    for (size_t i = 1; i <= TIMES; i++) {
        buf_str(&out, i > 1 && ends[0] != '.' ? S(",\n") : S("\n"));
        put_address(&out, i);
        if (ends[0] == '.')
            buf_format(&out, " . 10.1.0.1,");
        else
            buf_format(&out, " timeout %zus", i);
    }
    buf_str(&out, S("\n}\n}\nchain input { type filter hook input priority -10; policy accept;\n"
                    "iif \"lo\" accept\nct direction reply accept\n"));
    for (size_t i = 1; i <= TIMES; i++)
        buf_format(&out, "ip %s @x tcp dport 445 counter accept comment \"x\"\n",
                   ends[0] == '.' ? "daddr . ip saddr" : "saddr");
    buf_str(&out, S("}\nchain output { type filter hook output priority -10; policy accept;\n"
                    "oif \"lo\" accept\nct direction reply accept\n}\n}\n"));
    return buf_text(&out);
}

static str nftables_lines_of_one_set_of_pairs(struct arena *arena)
{
    return nftables_lines(arena, "ipv4_addr . ipv4_addr\nflags interval\nelements = {", ".");
}

static str nftables_lines_of_one_set_of_times(struct arena *arena)
{
    return nftables_lines(arena, "ipv4_addr\nflags interval,timeout\nelements = {", "");
}

static const struct {
    const char *target;
    str (*file)(struct arena *arena);
    const char *error; /* part of the message; NULL: it reads */
} files[] = {
    {"pan-os",      pan_os_groups_of_one_group,         "a group that is in no other before"},
    {"pan-os",      pan_os_groups_in_a_chain,           "a group that is in no other before"},
    {"fortigate",   fortigate_groups_of_one_group,      "a group that is in no other before"},
    {"juniper-srx", juniper_srx_end_of_many_sets,       "the end of the file"               },
    {"cisco-asa",   cisco_asa_rules_of_one_group,       NULL                                },
    {"nftables",    nftables_lines_of_one_set_of_pairs, "a set of many rules to be named in"},
    {"nftables",    nftables_lines_of_one_set_of_times, "a set of many rules to be named in"},
};

static void test_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct arena arena = arena_open("test", 0, NULL), work = arena_open("reading", 0, NULL);
        const struct target *target = target_by_name(str_of(files[i].target));
        str text = files[i].file(&arena);
        struct ruleset rules = {0};
        struct err err = {0};
        bool read = target->read(S("x"), str_bytes(text), &work, &rules, &err);
        uint64_t each = arena_used(&work) / text.len;
        bool expected = files[i].error ? !read && strstr(err.text, files[i].error) : read;
        if (each > BYTES_FOR_ONE || !expected)
            fail_msg("%s, file %zu: %" PRIu64 " bytes for each of the file's; line %u: %s",
                     files[i].target, i, each, err.line, err.text);
        arena_close(&work);
        arena_close(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
