/* SPDX-License-Identifier: Apache-2.0 */
#include "targets/probes.h"

#include "targets/target.h"

enum { WHY_BYTES = 300, HOSTS_ASKED = 4096 };

void probes_head(struct buf *out)
{
    buf_str(out, S("class,client,server,transport,port,expect,why\n"));
}

/* Every address that a group names by itself, once. */
static struct prefix_set hosts_of(const struct resolved *r, struct arena *arena)
{
    struct range *ranges = NULL;
    size_t n = 0, room = 0;
    for (size_t i = 0; i < r->policy->n_groups; i++)
        for (size_t k = 0; k < r->groups[i].n; k++) {
            struct range one = r->groups[i].ranges[k];
            /* A range may be some hosts side by side, or a network: a few are tried. */
            for (size_t j = 0; j < 4; j++) {
                arena_grow(arena, ranges, n, room);
                ranges[n++] = (struct range){one.first, one.first};
                if (addr_equal(one.first, one.last)) break;
                one.first = addr_next(one.first);
            }
        }
    return prefix_set_of(arena, ranges, n);
}

static str expectation(const struct flow_answer *answer)
{
    if (answer->passes) return S("pass");
    return answer->passes_secured ? S("pass if secured") : S("block");
}

/* The side that decides, for a reason an admin can look up. */
static str why_of(const struct decision *decision, const struct flow_question *q,
                  const struct flow_answer *answer, struct arena *arena)
{
    enum side side = SIDE_COUNT;
    for (size_t i = 0; i < answer->n_sides && side == SIDE_COUNT; i++)
        if (!answer->sides[i].passes && !answer->sides[i].passes_secured)
            side = answer->sides[i].side;
    return decision_why(decision, q, side, arena).text;
}

struct probing {
    const struct decision *decision;
    const struct host_class *host_class;
    struct addr client;
    size_t most;
    struct prefix_set hosts;
    struct buf *out;
};

static void put_probe(const struct probing *p, const struct flow_question *q,
                      const struct flow_answer *answer, struct arena scratch)
{
    char client[ADDR_TEXT], server[ADDR_TEXT];
    str from = p->host_class->shared ? addr_text(client, q->client) : (str){0};
    str why = target_plain(&scratch, why_of(p->decision, q, answer, &scratch), WHY_BYTES);
    buf_format(p->out, "%.*s,%.*s,%.*s,tcp,%u,%.*s,\"%.*s\"\n", STR_ARG(p->host_class->id),
               STR_ARG(from), STR_ARG(addr_text(server, q->server)), (unsigned)q->port,
               STR_ARG(expectation(answer)), STR_ARG(why));
}

/* The first of each expectation among the hosts. */
static void put_port(const struct probing *p, uint16_t port, struct arena scratch)
{
    size_t left[3] = {p->most, p->most, p->most}, asked_of = 0;
    for (size_t i = 0; i < p->hosts.n; i++)
        for (struct addr server = p->hosts.ranges[i].first;; server = addr_next(server)) {
            if (++asked_of > HOSTS_ASKED) return;
            struct flow_question q = {
                .client = p->client,
                .server = server,
                .transport = TRANSPORT_TCP,
                .port = port,
                .service = SERVICE_NONE,
            };
            bool same_family = addr_is_v4(server) == addr_is_v4(p->client);
            struct flow_answer answer = decision_ask(p->decision, &q);
            size_t kind = answer.passes ? 0 : answer.passes_secured ? 1 : 2;
            bool asked = answer.intent != INTENT_LOCAL && answer.intent != INTENT_UNDECIDABLE;
            if (same_family && asked && left[kind]) {
                left[kind]--;
                put_probe(p, &q, &answer, scratch);
            }
            if (addr_equal(server, p->hosts.ranges[i].last)) break;
        }
}

void probes_class(const struct decision *decision, const struct host_class *host_class, size_t most,
                  struct arena scratch, struct buf *out)
{
    const struct resolved *r = decision_resolved(decision);
    const struct policy *policy = r->policy;
    struct prefix_set families[] = {prefix_set_v4(&scratch, host_class->members),
                                    prefix_set_v6(&scratch, host_class->members)};
    struct probing p = {.decision = decision, .host_class = host_class, .most = most, .out = out};
    p.hosts = hosts_of(r, &scratch);
    for (size_t f = 0; f < COUNT_OF(families); f++) {
        if (!families[f].n) continue;
        p.client = families[f].ranges[0].first;
        for (size_t s = 0; s < policy->services.n; s++)
            for (size_t k = 0; policy->governed[s] && k < policy->services.services[s].n_ports;
                 k++) {
                struct service_port port = policy->services.services[s].ports[k];
                if (port.transport == TRANSPORT_TCP) put_port(&p, port.first, scratch);
            }
    }
}

str probes_powershell(void)
{
    return S("#Requires -Version 5.1\n"
             "# sallyport probes: tries what probes.csv lists for the host class of this machine; "
             "changes "
             "nothing.\n"
             "# Exit status: 0 everything is as expected, 1 something is not.\n"
             "[CmdletBinding()]\n"
             "param(\n"
             "    [Parameter(Mandatory = $true)][string]$Class,\n"
             "    [string]$Path = (Join-Path -Path $PSScriptRoot -ChildPath 'probes.csv'),\n"
             "    [ValidateRange(1, 60)][int]$Seconds = 3\n"
             ")\n"
             "Set-StrictMode -Version 2.0\n"
             "$ErrorActionPreference = 'Stop'\n"
             "$own = @(Get-NetIPAddress | ForEach-Object { ($_.IPAddress -split '%')[0] })\n"
             "$wrong = 0\n"
             "$tried = 0\n"
             "foreach ($row in @(Import-Csv -LiteralPath $Path)) {\n"
             "    if ($row.class -ne $Class) { continue }\n"
             "    if ($row.client -and ($own -notcontains $row.client)) { continue }\n"
             "    if ($own -contains $row.server) { continue }\n"
             "    $address = [System.Net.IPAddress]::Parse($row.server)\n"
             "    $client = New-Object -TypeName System.Net.Sockets.TcpClient -ArgumentList "
             "$address.AddressFamily\n"
             "    $open = $false\n"
             "    try {\n"
             "        $wait = $client.BeginConnect($address, [int]$row.port, $null, $null)\n"
             "        $open = $wait.AsyncWaitHandle.WaitOne(1000 * $Seconds) -and "
             "$client.Connected\n"
             "    }\n"
             "    catch {\n"
             "        $open = $false\n"
             "    }\n"
             "    finally {\n"
             "        $client.Close()\n"
             "    }\n"
             "    $tried++\n"
             "    $good = $open -eq ($row.expect -ne 'block')\n"
             "    if (-not $good) { $wrong++ }\n"
             "    [pscustomobject]@{\n"
             "        Good = $good; Server = $row.server; Port = $row.port; Expected = "
             "$row.expect; Open = $open; Why = $row.why\n"
             "    }\n"
             "}\n"
             "if (-not $tried) {\n"
             "    Write-Warning -Message \"probes.csv has nothing to try for class $Class here\"\n"
             "}\n"
             "exit [int]($wrong -gt 0)\n");
}

str probes_sh(void)
{
    return S(
        "#!/bin/sh\n"
        "# sallyport probes: tries what probes.csv lists for the host class of this machine; "
        "changes "
        "nothing.\n"
        "# usage: probe.sh CLASS [SECONDS]; needs ip (or ifconfig), and nc (or bash with "
        "timeout)\n"
        "# Exit status: 0 everything is as expected, 1 something is not, 2 it can't be tried.\n"
        "class=$1 seconds=${2:-3}\n"
        "[ -n \"$class\" ] || {\n"
        "    echo \"usage: probe.sh CLASS [SECONDS]\" >&2\n"
        "    exit 2\n"
        "}\n"
        "if command -v nc >/dev/null; then\n"
        "    limit=-w\n"
        "    [ \"$(uname)\" != Darwin ] || limit=-G\n"
        "    connects() { nc -z \"$limit\" \"$seconds\" \"$1\" \"$2\"; }\n"
        "elif command -v bash >/dev/null && command -v timeout >/dev/null; then\n"
        "    # shellcheck disable=SC2016 # the inner shell's\n"
        "    connects() { timeout \"$seconds\" bash -c ': <\"/dev/tcp/$0/$1\"' \"$1\" \"$2\"; }\n"
        "else\n"
        "    echo \"probe.sh: needs nc, or bash and timeout\" >&2\n"
        "    exit 2\n"
        "fi\n"
        "own=$( (ip -o addr show 2>/dev/null || ifconfig -a) | sed -n "
        "'s/.*inet6\\{0,1\\} \\([0-9a-fA-F.:]*\\).*/\\1/p')\n"
        "is_own() { printf '%s\\n' \"$own\" | grep -Fqx -- \"$1\"; }\n"
        "wrong=0 tried=0\n"
        "while IFS=, read -r of client server transport port expect why; do\n"
        "    [ \"$of\" = \"$class\" ] || continue\n"
        "    if [ -n \"$client\" ] && ! is_own \"$client\"; then continue; fi\n"
        "    if is_own \"$server\"; then continue; fi\n"
        "    tried=$((tried + 1))\n"
        "    if connects \"$server\" \"$port\" </dev/null >/dev/null 2>&1; then open=open; else "
        "open=closed; fi\n"
        "    case $expect:$open in\n"
        "    block:closed | pass*:open) word=ok ;;\n"
        "    *) word=WRONG wrong=1 ;;\n"
        "    esac\n"
        "    printf '%-5s  %-39s %s/%-5s expected %-15s %-6s  %s\\n' \"$word\" \"$server\" "
        "\"$transport\" \"$port\" \"$expect\" \"$open\" \"$why\"\n"
        "done <\"$(dirname \"$0\")/probes.csv\"\n"
        "[ \"$tried\" -gt 0 ] || echo \"probe.sh: nothing to try for class $class here\" >&2\n"
        "exit $wrong\n");
}
