#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

load golden

setup_file() {
    cd "$BATS_TEST_DIRNAME/compile-hostile"
    export OUT=$BATS_FILE_TMPDIR/out
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 -t powershell -t nftables -o "$OUT"
}

@test "names stay in their quotes and remarks" {
    for file in powershell/clients-1/apply.ps1 powershell/clients-1/rollback.ps1 nftables/clients-1.nft \
        nftables/border-servers.nft RULES.md; do
        same_as_golden "$(case_folder)/out/$file.ok" "$OUT/$file"
    done
}

@test "no file for a machine holds a byte that is not printable ASCII" {
    LC_ALL=C run grep -rnP '[^\n\x20-\x7e]' "$OUT/powershell" "$OUT/nftables"
    [ "$status" -eq 1 ]
}

@test "no line begins with what a name said" {
    run grep -rnE '^[[:space:]]*(Remove-NetFirewallRule$|include|Remove-Item C)' "$OUT"
    [ "$status" -eq 1 ]
}

@test "nftables takes the files" {
    if [ "$(id -u)" = 0 ]; then alone="unshare --net"; else alone="unshare --map-root-user --net"; fi
    for file in "$OUT"/nftables/*.nft; do
        $alone nft --check --file "$file"
    done
}
