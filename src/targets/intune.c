/* SPDX-License-Identifier: Apache-2.0 */
/* Windows Defender Firewall by Intune: policies of the settings catalogue as Microsoft Graph takes
 * them (deviceManagement/configurationPolicies, beta), one rules.json with all policies of a host
 * class, since one policy holds 150 rules. import.ps1 creates or replaces them by name, so that
 * assignments stay; rollback.ps1 deletes those of the workspace. Intune has no fields for IPsec, so
 * that allow-if-secure is refused. Sources: windows-formats.md 5.2, and there. The reader is
 * intune_read.c; it shares nothing with this file.
 */
#include "base/json_write.h"
#include "rules/universe.h"
#include "targets/intune_read.h"
#include "targets/remarks.h"
#include "targets/windows_slots.h"

enum {
    RULES_PER_POLICY = 150, /* maximumCount of the group of rules in the catalogue */
    RANGES_PER_RULE = 500,
    NAME_BYTES = 200,
    WHY_BYTES = 900,
};

extern const struct target intune_target;

#define GRAPH "#microsoft.graph.deviceManagementConfiguration"
#define RULE  "vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}"

/* ---- Values -------------------------------------------------------------------------------------
 */

static void type_member(struct json *json, const char *kind, struct arena *arena)
{
    json_member_str(json, S("@odata.type"), str_format(arena, GRAPH "%s", kind));
}

static void instance_begin(struct json *json, const char *kind, const char *setting,
                           struct arena *arena)
{
    json_object(json);
    type_member(json, kind, arena);
    json_member_str(json, S("settingDefinitionId"), str_format(arena, RULE "_%s", setting));
}

static void put_text(struct json *json, const char *setting, str value, struct arena *arena)
{
    instance_begin(json, "SimpleSettingInstance", setting, arena);
    json_key(json, S("simpleSettingValue"));
    json_object(json);
    type_member(json, "StringSettingValue", arena);
    json_member_str(json, S("value"), value);
    json_object_end(json);
    json_object_end(json);
}

static void put_number(struct json *json, const char *setting, uint64_t value, struct arena *arena)
{
    instance_begin(json, "SimpleSettingInstance", setting, arena);
    json_key(json, S("simpleSettingValue"));
    json_object(json);
    type_member(json, "IntegerSettingValue", arena);
    json_member_u64(json, S("value"), value);
    json_object_end(json);
    json_object_end(json);
}

static void choice(struct json *json, const char *setting, const char *option, struct arena *arena)
{
    json_object(json);
    type_member(json, "ChoiceSettingValue", arena);
    json_member_str(json, S("value"), str_format(arena, RULE "_%s_%s", setting, option));
    json_key(json, S("children"));
    json_array(json);
    json_array_end(json);
    json_object_end(json);
}

static void put_choice(struct json *json, const char *setting, const char *option,
                       struct arena *arena)
{
    instance_begin(json, "ChoiceSettingInstance", setting, arena);
    json_key(json, S("choiceSettingValue"));
    choice(json, setting, option, arena);
    json_object_end(json);
}

static void texts_begin(struct json *json, const char *setting, struct arena *arena)
{
    instance_begin(json, "SimpleSettingCollectionInstance", setting, arena);
    json_key(json, S("simpleSettingCollectionValue"));
    json_array(json);
}

static void put_item(struct json *json, str value, struct arena *arena)
{
    json_object(json);
    type_member(json, "StringSettingValue", arena);
    json_member_str(json, S("value"), value);
    json_object_end(json);
}

static void texts_end(struct json *json)
{
    json_array_end(json);
    json_object_end(json);
}

static void put_ranges(struct json *json, const char *setting, const struct range *ranges, size_t n,
                       struct arena *arena)
{
    char text[WINDOWS_RANGE_TEXT];
    if (!n) return;
    texts_begin(json, setting, arena);
    for (size_t i = 0; i < n; i++)
        put_item(json, windows_slots_range(text, ranges[i]), arena);
    texts_end(json);
}

/* ---- Rules --------------------------------------------------------------------------------------
 */

static void put_slot(struct json *json, const struct windows_slot *slot, struct arena *arena)
{
    static const char *const profiles[PROFILE_COUNT] = {
        [PROFILE_DOMAIN] = "1", [PROFILE_PRIVATE] = "2", [PROFILE_PUBLIC] = "4"};
    const struct rule *rule = slot->rule;
    bool inbound = rule->direction == DIRECTION_INBOUND;
    json_object(json);
    type_member(json, "GroupSettingValue", arena);
    json_key(json, S("children"));
    json_array(json);
    /* The name is what tells rules apart on the device, and what drops are traced by. */
    put_text(json, "name", slot->id, arena);
    put_text(json, "description", target_plain(arena, rule->why, WHY_BYTES), arena);
    put_choice(json, "enabled", "1", arena);
    put_choice(json, "direction", inbound ? "in" : "out", arena);
    put_choice(json, "action_type", rule->action == ACTION_BLOCK ? "0" : "1", arena);
    put_number(json, "protocol", rule->transport == TRANSPORT_TCP ? 6 : 17, arena);
    instance_begin(json, "ChoiceSettingCollectionInstance", "profiles", arena);
    json_key(json, S("choiceSettingCollectionValue"));
    json_array(json);
    for (unsigned p = 0; p < PROFILE_COUNT; p++)
        if (rule->profiles >> p & 1u) choice(json, "profiles", profiles[p], arena);
    texts_end(json);
    texts_begin(json, inbound ? "localportranges" : "remoteportranges", arena);
    for (size_t i = 0; i < rule->n_ports; i++) {
        struct service_port p = rule->ports[i];
        put_item(json,
                 p.first == p.last
                     ? str_format(arena, "%u", (unsigned)p.first)
                     : str_format(arena, "%u-%u", (unsigned)p.first, (unsigned)p.last),
                 arena);
    }
    texts_end(json);
    put_ranges(json, "localaddressranges", slot->local, slot->n_local, arena);
    put_ranges(json, "remoteaddressranges", slot->remote, slot->n_remote, arena);
    if (rule->program.len) put_text(json, "app_filepath", rule->program, arena);
    json_array_end(json);
    json_object_end(json);
}

static void put_policy(struct json *json, const struct host_class *class,
                       const struct target_header *header, const struct windows_slot *slots,
                       size_t n, size_t number, size_t n_policies, struct arena *arena)
{
    json_object(json);
    json_member_str(json, S("name"),
                    str_format(arena, "sallyport %.*s: %.*s, part %zu of %zu",
                               STR_ARG(header->workspace), STR_ARG(class->id), number, n_policies));
    json_member_str(json, S("description"),
                    str_format(arena, "%.*s, SHA-256 %.*s",
                               STR_ARG(target_plain(arena, header->policy_source, NAME_BYTES)),
                               STR_ARG(header->policy_sha256)));
    json_member_str(json, S("platforms"), S("windows10"));
    json_member_str(json, S("technologies"), S("mdm,microsoftSense"));
    json_key(json, S("settings"));
    json_array(json);
    json_object(json);
    type_member(json, "Setting", arena);
    json_key(json, S("settingInstance"));
    json_object(json);
    type_member(json, "GroupSettingCollectionInstance", arena);
    json_member_str(json, S("settingDefinitionId"), S(RULE));
    json_key(json, S("groupSettingCollectionValue"));
    json_array(json);
    for (size_t i = 0; i < n; i++)
        put_slot(json, &slots[i], arena);
    json_array_end(json);
    json_object_end(json);
    json_object_end(json);
    json_array_end(json);
    json_object_end(json);
}

static str rules_file(const struct host_class *class, struct windows_slots slots,
                      const struct target_header *header, struct arena *arena)
{
    struct buf out = buf_in(arena);
    struct json json = json_to(&out);
    size_t n_policies = (slots.n + RULES_PER_POLICY - 1) / RULES_PER_POLICY;
    json.pretty = true;
    json_object(&json);
    json_key(&json, S("sallyport"));
    json_object(&json);
    json_member_str(&json, S("target"), intune_target.name);
    json_member_str(&json, S("workspace"), header->workspace);
    json_member_str(&json, S("class"), class->id);
    json_key(&json, S("as_of"));
    json_instant(&json, header->as_of_us);
    json_object_end(&json);
    json_key(&json, S("policies"));
    json_array(&json);
    for (size_t i = 0; i < n_policies; i++) {
        size_t from = i * RULES_PER_POLICY, left = slots.n - from;
        put_policy(&json, class, header, slots.items + from,
                   left < RULES_PER_POLICY ? left : RULES_PER_POLICY, i + 1, n_policies, arena);
    }
    json_array_end(&json);
    json_object_end(&json);
    buf_char(&out, '\n');
    return buf_text(&out);
}

/* ---- Scripts ------------------------------------------------------------------------------------
 */

#define PROLOGUE                                                                                   \
    "Set-StrictMode -Version 2.0\n"                                                                \
    "$ErrorActionPreference = 'Stop'\n"                                                            \
    "$uri = 'https://graph.microsoft.com/beta/deviceManagement/configurationPolicies'\n"

/* Every policy, page by page; only names and ids are asked for. */
#define LISTING                                                                                    \
    "$known = @{}\n"                                                                               \
    "$next = $uri + '?$select=id,name'\n"                                                          \
    "while ($next) {\n"                                                                            \
    "    $page = Invoke-MgGraphRequest -Method GET -Uri $next -OutputType Hashtable\n"             \
    "    foreach ($policy in @($page['value'])) {\n"                                               \
    "        $known[[string]$policy['name']] = [string]$policy['id']\n"                            \
    "    }\n"                                                                                      \
    "    $next = $page['@odata.nextLink']\n"                                                       \
    "}\n"

static str import_script(str workspace, struct arena *arena)
{
    return str_format(
        arena,
        "#Requires -Version 5.1\n"
        "#Requires -Modules Microsoft.Graph.Authentication\n"
        "# sallyport Intune: creates the policies of one rules.json, or replaces those of the same "
        "name; assignments stay\n"
        "# workspace: %.*s\n"
        "# before: Connect-MgGraph -Scopes 'DeviceManagementConfiguration.ReadWrite.All'\n"
        "# dry run, changes nothing: add -WhatIf\n"
        "[CmdletBinding(SupportsShouldProcess = $true)]\n"
        "param([Parameter(Mandatory = $true)][string]$Path)\n" PROLOGUE
        "$file = ConvertFrom-Json -InputObject (Get-Content -LiteralPath $Path -Raw)\n"
        "$prefix = 'sallyport %.*s: ' + $file.sallyport.class + ', part '\n" LISTING
        "$wanted = @{}\n"
        "foreach ($policy in @($file.policies)) {\n"
        "    if (-not $policy.name.StartsWith($prefix)) { throw ('not a policy of this workspace: "
        "' "
        "+ $policy.name) }\n"
        "    $wanted[$policy.name] = $true\n"
        "    $body = ConvertTo-Json -InputObject $policy -Depth 20 -Compress\n"
        "    if ($known.ContainsKey($policy.name)) {\n"
        "        if ($PSCmdlet.ShouldProcess($policy.name, 'replace')) {\n"
        "            Invoke-MgGraphRequest -Method PUT -Uri ($uri + '/' + $known[$policy.name]) "
        "-Body $body -ContentType 'application/json' | Out-Null\n"
        "        }\n"
        "    }\n"
        "    elseif ($PSCmdlet.ShouldProcess($policy.name, 'create')) {\n"
        "        Invoke-MgGraphRequest -Method POST -Uri $uri -Body $body -ContentType "
        "'application/json' | Out-Null\n"
        "    }\n"
        "}\n"
        "# Parts that an older artefact had and this one does not.\n"
        "foreach ($name in @($known.Keys)) {\n"
        "    if ($name.StartsWith($prefix) -and -not $wanted.ContainsKey($name) -and "
        "$PSCmdlet.ShouldProcess($name, 'delete')) {\n"
        "        Invoke-MgGraphRequest -Method DELETE -Uri ($uri + '/' + $known[$name]) | "
        "Out-Null\n"
        "    }\n"
        "}\n",
        STR_ARG(workspace), STR_ARG(workspace));
}

static str rollback_script(str workspace, struct arena *arena)
{
    return str_format(
        arena,
        "#Requires -Version 5.1\n"
        "#Requires -Modules Microsoft.Graph.Authentication\n"
        "# sallyport Intune: rollback; deletes the policies of this workspace, of all host classes "
        "or "
        "of one\n"
        "# workspace: %.*s\n"
        "# before: Connect-MgGraph -Scopes 'DeviceManagementConfiguration.ReadWrite.All'\n"
        "# dry run, changes nothing: add -WhatIf\n"
        "[CmdletBinding(SupportsShouldProcess = $true)]\n"
        "param([string]$Class)\n" PROLOGUE "$prefix = 'sallyport %.*s: '\n"
        "if ($Class) { $prefix = $prefix + $Class + ', part ' }\n" LISTING
        "foreach ($name in @($known.Keys)) {\n"
        "    if ($name.StartsWith($prefix) -and $PSCmdlet.ShouldProcess($name, 'delete')) {\n"
        "        Invoke-MgGraphRequest -Method DELETE -Uri ($uri + '/' + $known[$name]) | "
        "Out-Null\n"
        "    }\n"
        "}\n",
        STR_ARG(workspace), STR_ARG(workspace));
}

/* ---- Files --------------------------------------------------------------------------------------
 */

static bool emit(const struct bundles *bundles, const struct target_header *header,
                 struct arena *arena, struct target_files *out, struct err *err)
{
    struct target_files files = *out;
    for (size_t i = 0; i < bundles->n_classes; i++) {
        const struct host_class *class = &bundles->classes[i];
        for (size_t j = 0; j < class->rules.n; j++)
            if (!target_expresses(&intune_target, &class->rules.rules[j], err)) return false;
        struct windows_slots slots = windows_slots_of(class->rules, RANGES_PER_RULE, arena);
        struct buf members = buf_in(arena);
        remarks_head(&members, arena, header, S("the machines that the policies are for"));
        remarks_class(&members, arena, class);
        target_add_class_file(&files, arena, class, TARGET_FILE_RULES, S("rules.json"),
                              rules_file(class, slots, header, arena));
        target_add_class_file(&files, arena, class, TARGET_FILE_PART, S("members.txt"),
                              buf_text(&members));
    }
    /* Scripts speak of all classes. */
    struct target_file import = {
        .path = S("import.ps1"),
        .content = import_script(header->workspace, arena),
        .kind = TARGET_FILE_PART,
    };
    struct target_file rollback = {
        .path = S("rollback.ps1"),
        .content = rollback_script(header->workspace, arena),
        .kind = TARGET_FILE_ROLLBACK,
    };
    target_add_file(&files, arena, import);
    target_add_file(&files, arena, rollback);
    *out = files;
    return true;
}

static str group(str workspace, str border_word, struct arena *arena)
{
    (void)border_word; /* this dialect has no borders */
    return str_format(arena, "sallyport %.*s", STR_ARG(workspace));
}

#define T(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct doubt own_doubts[] = {
    {T("intune-definitions"), 0,
     T("The ids of the settings catalogue are those of public exports of 2025 and "
       "2026; Graph refuses a policy whose ids it does not know.")},
    {T("intune-replace"),     0,
     T("PUT replaces a policy with its settings and keeps its assignments, as the "
       "portal does; it is not part of the documented beta.")     },
    {T("intune-list-length"), 0,
     T("How many addresses a rule takes: the catalogue says 600 for ports; 500 are "
       "written at most.")                                        },
    {{0},                     0, {0}                              },
};

const struct target intune_target = {
    .name = T("intune"),
    .summary = T("policies of the settings catalogue for Intune, with a script that imports them"),
    .engine = ENGINE_WINDOWS,
    .holds = TARGET_PROGRAM,
    .profiles = (1u << PROFILE_COUNT) - 1,
    .peers = &universe_windows,
    .residue =
        T("reserved IPv4 addresses which the documentation neither allows nor forbids as end "
          "points"),
    .cannot =
        T("allow-if-secure (Intune has no field for IPsec), settings (use target mdm) and borders"),
    .load = T("`import.ps1 -Path CLASS/rules.json` creates the policies, or replaces them; assign "
              "them to a "
              "group with the machines of members.txt; `rollback.ps1` deletes them"),
    .decides = T(
        "any block, else any allow, else the profile's default; rules of MDM, group policy and the "
        "machine itself count together"),
    .doubts = doubts_windows,
    .own_doubts = own_doubts,
    .hosts = true,
    .emit = emit,
    .read = intune_read,
    .read_part = intune_read_part,
    .group = group,
    .read_rollback = intune_read_rollback,
    .recognise = intune_read_recognise,
};
