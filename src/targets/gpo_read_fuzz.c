/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are, as any file of a GPO: reading ends, tells why not, or gives rules that
 * make sense; reading twice gives the same.
 */
#include "targets/gpo_read.h"

#include "targets/gpo_part_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rule(const struct rule *rule, size_t size)
{
    assert(rule->offset < size && rule->n_ports > 0);
    assert(rule->enabled || rule->action == ACTION_BLOCK);
    assert(!rule->only_if.len && !rule->security.len);
    assert(rule->profiles && rule->profiles < 1u << PROFILE_COUNT);
    for (size_t i = 0; i < rule->remote.n; i++)
        assert(addr_compare(rule->remote.ranges[i].first, rule->remote.ranges[i].last) <= 0);
}

static void read_parts(bytes content, struct arena *arena)
{
    static const char *const names[] = {
        "clients-1/members.txt",
        "clients-1/manifest.xml",
        "clients-1/{7AC8C7FC-91BD-8A98-86EA-9D42D5C4F4DB}/bkupInfo.xml",
        "clients-1/{7AC8C7FC-91BD-8A98-86EA-9D42D5C4F4DB}/Backup.xml",
        "clients-1/{7AC8C7FC-91BD-8A98-86EA-9D42D5C4F4DB}/DomainSysvol/GPO/Machine/microsoft/"
        "windows nt/SecEdit/GptTmpl.inf",
        "clients-1/{7AC8C7FC-91BD-8A98-86EA-9D42D5C4F4DB}/DomainSysvol/GPO/Machine/microsoft/"
        "windows nt/Audit/audit.csv",
        "clients-1/samba/GPT.INI.xml",
        "clients-1/samba/gPCMachineExtensionNames.SAMBAEXT",
        "clients-1/samba/Machine/microsoft/windows nt/SecEdit/GptTmpl.inf.xml",
        "clients-1/samba/Machine/microsoft/windows nt/Audit/audit.csv.xml",
    };
    size_t n_read = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct err err = {0};
        bool read = gpo_part_read(str_of(names[i]), content, S("contoso"), arena, &err);
        n_read += read;
        assert(read || (err.kind != ERR_NONE && err.text[0]));
    }
    assert(n_read <= 1); /* no file is two */
    (void)n_read;
}

/* What is found has a name, in whatever file. */
static void read_settings(bytes content, struct arena *arena)
{
    static const char *const names[] = {"clients-1/registry.pol", "clients-1/rollback.ps1"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct target_settings settings = {0};
        struct err err = {0};
        bool read =
            gpo_part_read_settings(str_of(names[i]), content, S("contoso"), arena, &settings, &err);
        assert(read || err.text[0]);
        (void)read;
        for (size_t k = 0; k < settings.n; k++)
            assert(settings.items[k].name.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_open("fuzz", 256 << 20, NULL);
    struct ruleset rules = {0}, again = {0};
    struct err err = {0};
    bytes content = {data, size};
    (void)gpo_read_recognise(content);
    if (gpo_read(S("fuzz"), content, &arena, &rules, &err)) {
        for (size_t i = 0; i < rules.n; i++)
            check_rule(&rules.rules[i], size);
        bool same = gpo_read(S("fuzz"), content, &arena, &again, &err);
        assert(same && again.n == rules.n);
        (void)same;
    } else {
        assert(err.kind != ERR_NONE && err.text[0]);
    }
    bool undoes = gpo_read_rollback(S("fuzz"), content, S("contoso"), S(""), &arena, &err);
    assert(!undoes || !rules.n);
    (void)undoes;
    read_parts(content, &arena);
    read_settings(content, &arena);
    arena_close(&arena);
    return 0;
}
