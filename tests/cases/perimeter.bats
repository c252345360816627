#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

load golden

at="--as-of 2026-11-21"

setup_file() {
    cd "$BATS_TEST_DIRNAME/perimeter"
    export OUT=$BATS_FILE_TMPDIR/out
    # shellcheck disable=SC2086 # an option and its value
    "$SALLYPORT" compile --policy policy.yaml $at -t cisco-ios -t cisco-asa -t juniper-srx -o "$OUT" 2>/dev/null
}

@test "the files of a border are as expected" {
    for file in cisco-ios/border-servers.cfg cisco-ios/border-servers-rollback.cfg cisco-asa/border-servers.cfg \
        cisco-asa/border-internet.cfg cisco-asa/border-servers-rollback.cfg juniper-srx/border-servers.set; do
        same_as_golden "$(case_folder)/$file.ok" "$OUT/$file"
    done
}

@test "each file is read, and means what the policy means" {
    cd "$(case_folder)"
    for file in cisco-ios/border-servers.cfg cisco-asa/border-servers.cfg juniper-srx/border-servers.set; do
        # shellcheck disable=SC2086
        "$SALLYPORT" diff $at policy.yaml "$OUT/$file" --border servers
    done
    # shellcheck disable=SC2086
    "$SALLYPORT" diff $at policy.yaml "$OUT"
    # shellcheck disable=SC2086
    "$SALLYPORT" compile --policy policy.yaml $at --verify "$OUT"
    cd "$OUT"
    golden "$(case_folder)/rules.json.ok" 0 "$SALLYPORT" rules --json cisco-asa/border-servers.cfg
}

@test "what was changed is noticed" {
    cd "$(case_folder)"
    while read -r file change; do
        cp -r "$OUT" "$BATS_TEST_TMPDIR/changed"
        sed -i "$change" "$BATS_TEST_TMPDIR/changed/$file"
        ! cmp -s "$OUT/$file" "$BATS_TEST_TMPDIR/changed/$file"
        # shellcheck disable=SC2086
        run "$SALLYPORT" compile --policy policy.yaml $at --verify "$BATS_TEST_TMPDIR/changed"
        [ "$status" -eq 1 ] || {
            echo "exit status $status: $change"
            return 1
        }
        rm -r "$BATS_TEST_TMPDIR/changed"
    done <<'CHANGES'
cisco-ios/border-servers.cfg 0,/host 10.2.0.1/s//host 10.2.0.3/
cisco-ios/border-servers.cfg /permit tcp 10.1.0.0 0.0.0.255 host 10.2.0.2/d
cisco-ios/border-servers-rollback.cfg /no ipv6 access-list SALLYPORT-SERVERS-IN6/d
cisco-asa/border-servers.cfg 0,/255.255.255.0/s//255.255.254.0/
cisco-asa/border-servers.cfg s/extended deny tcp any/extended permit tcp any/
cisco-asa/border-servers-rollback.cfg /N2$/d
juniper-srx/border-servers.set 0,/10.1.0.0.24/s//10.1.0.0\/23/
juniper-srx/border-servers.set 0,/then deny/s//then permit/
juniper-srx/border-servers-rollback.set $d
CHANGES
}

@test "a remark and a name stay within what the firewalls take" {
    ! grep -rhoP '(?<= remark ).*' "$OUT/cisco-ios" "$OUT/cisco-asa" | grep -P '.{101}'
    ! grep -rhoP 'SALLYPORT-\S*|sallyport-servers\S*' "$OUT" --include=border-* | grep -P '.{64}'
    ! grep -rn '?' "$OUT/cisco-ios" "$OUT/cisco-asa" "$OUT/juniper-srx"
}

@test "thousands of prefixes of a cloud are one group, said once" {
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 - "$(case_folder)/policy.yaml" <<'PY'
import json, pathlib, sys
pathlib.Path("policy.yaml").write_text(pathlib.Path(sys.argv[1]).read_text())
prefixes = [f"20.{i // 64}.{4 * (i % 64)}.0/24" for i in range(3000)] + [f"2603:1020:{i:x}::/48" for i in range(0, 400, 2)]
json.dump({"values": [{"name": "Storage.WestEurope", "properties": {"addressPrefixes": prefixes}}]}, open("azure-tags.json", "w"))
PY
    # shellcheck disable=SC2086
    "$SALLYPORT" compile --policy policy.yaml $at -t cisco-ios -t cisco-asa -t juniper-srx -o out 2>/dev/null
    [ "$(grep -c '^ network-object 20\.' out/cisco-asa/border-servers.cfg)" = 3000 ]
    [ "$(grep -c ' 20\..* eq 445$' out/cisco-ios/border-servers.cfg)" = 3000 ]
    [ "$(grep -c '^set .* address sallyport-servers-a[0-9]* 20\.' out/juniper-srx/border-servers.set)" = 3000 ]
    # A policy of so many addresses would be too long for small devices: it is several.
    grep -q 'part 3 of 3' out/juniper-srx/border-servers.set
    [ "$(grep -c 'extended deny' out/cisco-asa/border-servers.cfg)" = 4 ]
}

@test "what a firewall at a border cannot hold is refused by name" {
    cd "$(case_folder)"
    sed 's/govern: \[smb, backup\]/govern: [smb, backup, smb-quic]/' policy.yaml >"$BATS_TEST_TMPDIR/policy.yaml"
    cp azure-tags.json "$BATS_TEST_TMPDIR"
    for target in cisco-ios cisco-asa juniper-srx; do
        run "$SALLYPORT" compile --policy "$BATS_TEST_TMPDIR/policy.yaml" -t "$target" -o "$BATS_TEST_TMPDIR/none"
        [ "$status" -eq 2 ]
        [[ "$output" = *"program \"System\" cannot be expressed by target $target"* ]]
        [ ! -e "$BATS_TEST_TMPDIR/none" ]
    done
}
