#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

# Targets pf and firewalld: what programs that share nothing with ours make of the files.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.."
    export OUT=$BATS_FILE_TMPDIR/out POLICY=$PWD/samples/contoso/policy.yaml ROOT=$PWD
    "$SALLYPORT" compile --policy "$POLICY" --as-of 2026-11-21 -t pf -t firewalld -o "$OUT" >"$BATS_FILE_TMPDIR/said"
}

@test "both are proved equal to the policy" {
    grep -Eq '^pf +8 +2 .*equal to the policy' "$BATS_FILE_TMPDIR/said"
    grep -Eq '^firewalld +8 +0 .*equal to the policy' "$BATS_FILE_TMPDIR/said"
    "$SALLYPORT" compile --policy "$POLICY" --as-of 2026-11-21 --verify "$OUT"
}

@test "a second reader, written from the manuals, finds what explain says" {
    /usr/bin/python3 "$ROOT/tests/targets/read_again.py" --self-test
    /usr/bin/python3 "$ROOT/tests/targets/read_again.py" "$SALLYPORT" "$POLICY" "$OUT"
}

# A rule or entry that it does not understand is left out with a warning alone.
takes() {
    firewall-offline-cmd --system-config "$1" --check-config >"$BATS_TEST_TMPDIR/check" 2>&1 &&
        ! grep INVALID "$BATS_TEST_TMPDIR/check"
}

@test "firewalld's own check takes every class, and the rollback leaves nothing" {
    config=$BATS_TEST_TMPDIR/etc
    for script in "$OUT"/firewalld/*.sh; do
        [ "${script##*/}" != rollback.sh ] || continue
        sh "$script" "$config"
        echo DefaultZone=public >"$config/firewalld.conf"
        takes "$config"
    done
    sed -i 's/<port port="445"/<port port="445x"/' "$config"/policies/sallyport-in.xml
    run takes "$config"
    [ "$status" -ne 0 ]
    sh "$OUT/firewalld/rollback.sh" "$config"
    [ -z "$(find "$config" -name 'sallyport*')" ]
}

@test "a script replaces what an older one wrote, and nothing of others" {
    config=$BATS_TEST_TMPDIR/etc
    mkdir -p "$config/ipsets" "$config/policies"
    touch "$config/ipsets/sallyport-999.xml" "$config/policies/sallyport-old.xml" "$config/policies/mine.xml"
    sh "$OUT/firewalld/servers-1.sh" "$config"
    [ ! -e "$config/ipsets/sallyport-999.xml" ]
    [ ! -e "$config/policies/sallyport-old.xml" ]
    [ -e "$config/policies/mine.xml" ]
    [ -e "$config/policies/sallyport-in.xml" ]
}

@test "rules and diff read them" {
    "$SALLYPORT" rules "$OUT/pf/servers-1.pf.conf" --format csv | grep -q 'inbound,allow.*10.10.9.0/28'
    "$SALLYPORT" rules "$OUT/firewalld/servers-1.sh" --format csv | grep -q 'inbound,allow.*10.10.9.0/28'
    "$SALLYPORT" diff "$POLICY" "$OUT/firewalld/servers-1.sh" --host 10.20.0.12 --as-of 2026-11-21
    "$SALLYPORT" diff "$POLICY" "$OUT/pf/servers-1.pf.conf" --host 10.20.0.12 --as-of 2026-11-21
}

@test "damage is found" {
    cp -r "$OUT" "$BATS_TEST_TMPDIR/damaged"
    sed -i 's,10.10.9.0/28,10.10.9.0/27,' "$BATS_TEST_TMPDIR/damaged/firewalld/servers-1.sh"
    run "$SALLYPORT" compile --policy "$POLICY" --as-of 2026-11-21 --verify "$BATS_TEST_TMPDIR/damaged" -t firewalld
    [ "$status" -eq 1 ]
    [[ $output == *'client 10.10.9.16, server 10.20.0.0'* ]]
    sed -i 's/ quick on/ on/' "$BATS_TEST_TMPDIR/damaged/pf/servers-1.pf.conf"
    run "$SALLYPORT" compile --policy "$POLICY" --as-of 2026-11-21 --verify "$BATS_TEST_TMPDIR/damaged" -t pf
    [ "$status" -eq 1 ]
    [[ $output == *'expected quick'* ]]
}
