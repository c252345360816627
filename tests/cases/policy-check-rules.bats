#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rules that never decide anything, under the order in which each firewall decides.

setup() {
    load golden
    folder=$(case_folder)
    compiled=$BATS_TEST_DIRNAME/compile-basic/out
    cd "$BATS_TEST_TMPDIR"
}

@test "what compile writes has no idle rule" {
    for file in "$compiled"/powershell/*/apply.ps1.ok "$compiled"/nftables/*[0-9s].nft.ok; do
        case $file in *rollback*) continue ;; esac
        run "$SALLYPORT" rules --check "$file"
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output == *" 0 errors, 0 warnings" ]]
    done
}

@test "a first-match list turned into Windows rules blocks everything" {
    # The block at the end of the list is for everybody, as an access list would write it.
    sed -e "s/'0.0.0.1-10.1.0.9'/'0.0.0.1-126.255.255.255'/" -e "/'10.1.0.11-126.255.255.255'/d" \
        "$compiled/powershell/clients-1/apply.ps1.ok" >apply.ps1
    golden "$folder/windows.ok" 1 "$SALLYPORT" rules --check apply.ps1
    # shellcheck disable=SC2016 # the inner shell's own arguments
    golden "$folder/windows.json.ok" 1 bash -c '"$0" rules --check --json apply.ps1 |
        /usr/bin/python3 -c "import json, sys; print(json.dumps(json.load(sys.stdin)[\"findings\"], indent=1))"
        exit "${PIPESTATUS[0]}"' "$SALLYPORT"
}

@test "where the first match decides, a rule behind the block for everybody is idle" {
    awk '/inbound-smb-tcp-domain-allow-1/ { held = $0; next }
         { print }
         /comment.*inbound-smb-tcp-domain-block-1/ { print held }' "$compiled/nftables/clients-1.nft.ok" >clients.nft
    golden "$folder/nftables.ok" 1 "$SALLYPORT" rules --check clients.nft
}
