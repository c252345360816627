#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Secured entries from the policy to rules: groups of the directory are imported, servers authorise by SID,
# every participant asks its partners to authenticate, and what nobody knows is refused.

setup() {
    cd "$BATS_TEST_TMPDIR"
    "$SALLYPORT" init . >/dev/null
    cat >policy.yaml <<'YAML'
version: 1
govern: [smb]
domains: [{name: contoso.com, sid: S-1-5-21-1-2-3}]
segments:
  clients: {networks: [10.10.0.0/16, "2001:db8:10::/48"], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed}
groups:
  dcs: {hosts: [10.20.0.11], role: domain-controller}
  files: {hosts: [10.20.0.21], role: file-server}
  admins: {hosts: [{ad-group: Admin PCs}]}
allow:
  - {name: logon, from: managed, to: dcs, service: smb, secure: none}
  - {name: shares, from: clients, to: files, service: smb, secure: kerberos}
  - {name: admin, from: admins, to: files, service: smb, secure: {by: kerberos, computers: [Admin PCs]}}
YAML
    cat >groups.json <<'JSON'
{"groups":[{"name":"Admin PCs","sid":"S-1-5-21-1-2-3-1105","members":[
  {"name":"PAW01$","dns":"paw01.contoso.com","dn":"CN=PAW01,DC=contoso,DC=com","addresses":["10.10.9.1","10.10.9.2"]},
  {"name":"alice","class":"user"}]}]}
JSON
}

@test "a group that nobody knows is warned of, and refused by compile" {
    run "$SALLYPORT" check
    [ "$status" -eq 0 ]
    [[ $output == *'the SID of the AD group "Admin PCs" is not known'* ]]
    run "$SALLYPORT" compile -o out
    [ "$status" -eq 2 ]
    [[ $output == *'policy.yaml:10'* ]]
    [ ! -e out/manifest.json ]
}

@test "imported groups are computers, SIDs and distinguished names" {
    run "$SALLYPORT" import ad groups.json
    [ "$status" -eq 0 ]
    [[ $output == *"Admin PCs"*"S-1-5-21-1-2-3-1105"* ]]
    "$SALLYPORT" compile -o out >/dev/null
    grep -q 'S-1-5-21-1-2-3-1105' out/powershell/*/apply.ps1
    grep -q 'S-1-5-21-1-2-3-515' out/powershell/*/apply.ps1
    grep -q '"dn":"CN=PAW01,DC=contoso,DC=com"' out/manifest.json
    "$SALLYPORT" compile --verify out >/dev/null
    # The same without a workspace's import.
    mkdir elsewhere
    "$SALLYPORT" compile -C elsewhere --policy policy.yaml --members groups.json -o other >/dev/null
    grep -q '"dn":"CN=PAW01,DC=contoso,DC=com"' other/manifest.json
}

@test "certificates and domains without a sid are refused with their line" {
    "$SALLYPORT" import ad groups.json >/dev/null
    sed 's/to: files, service: smb, secure: kerberos/to: files, service: smb, secure: certificate/' policy.yaml >certificate.yaml
    run "$SALLYPORT" compile --policy certificate.yaml -o out
    [ "$status" -eq 2 ]
    [[ $output == *'certificate.yaml:13 asks for certificates'* ]]
    sed 's/, sid: S-1-5-21-1-2-3}/}/' policy.yaml >nosid.yaml
    run "$SALLYPORT" compile --policy nosid.yaml -o out
    [ "$status" -eq 2 ]
    [[ $output == *'nosid.yaml:13: the domain "contoso.com" has no sid'* ]]
}

@test "a membership file that is none is refused with its place" {
    printf 'who,what\na,b\n' >bad.csv
    run "$SALLYPORT" import ad bad.csv
    [ "$status" -eq 2 ]
    [[ $output == *'bad.csv:1:1: error: expected a column "name"'* ]]
    run "$SALLYPORT" import dhcp groups.json
    [ "$status" -eq 2 ]
}

@test "who is known by an import stays a member while one asks what unknown members would change" {
    cat >policy.yaml <<'YAML'
version: 1
govern: [smb]
segments:
  clients: {networks: [10.10.0.0/16], trust: managed}
  servers: {networks: [10.20.0.0/24], trust: managed}
groups:
  admins: {hosts: [{ad-group: Admin PCs}, {ad-group: Lost PCs}]}
  boxes: {hosts: [10.20.0.21, {ad-group: Lost Servers}]}
allow:
  - {from: admins, to: boxes, service: smb, secure: none}
YAML
    "$SALLYPORT" import ad groups.json >/dev/null
    run "$SALLYPORT" explain 10.10.9.1 10.20.0.22
    [[ $output == *'if 10.20.0.22 is of group Lost Servers: the intent is allow, it passes'* ]]
}

@test "of two files of one import that list a group, the one that is told counts" {
    sed 's/10.10.9.1/10.10.9.3/; s/10.10.9.2/10.10.9.4/; s/PAW01/PAW03/g; s/paw01/paw03/' groups.json >a.json
    sed 's/{"name":"alice"/{"name":"PAW02"},&/' groups.json >z.json
    run "$SALLYPORT" import ad z.json a.json --json
    [[ $output == *'"name":"Admin PCs","sid":"S-1-5-21-1-2-3-1105","computers":1'* ]]
    "$SALLYPORT" compile -o out >/dev/null
    grep -q 'CN=PAW03,DC=contoso,DC=com' out/manifest.json
}
