#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A folder that could not be written whole has no manifest, and the next run makes it whole.

bats_require_minimum_version 1.5.0
load golden

setup() {
    cp "$(case_folder compile-refused)/policy.yaml" "$BATS_TEST_TMPDIR/policy.yaml"
    cd "$BATS_TEST_TMPDIR"
}

compile() {
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 "$@"
}

# Every file of the folder but the manifest is in the manifest, and the other way round.
is_whole() {
    /usr/bin/python3 - "$1" <<'PY'
import hashlib, json, pathlib, sys
out = pathlib.Path(sys.argv[1])
files = {f["path"]: f["sha256"] for f in json.loads((out / "manifest.json").read_text())["files"]}
found = {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in out.rglob("*") if p.is_file()}
del found["manifest.json"]
assert files == found, files.items() ^ found.items()
PY
}

@test "half way: the path is named, the old manifest is gone, the next run is whole" {
    compile -o out
    is_whole out
    mv out/powershell/servers-1/apply.ps1 kept
    mkdir out/powershell/servers-1/apply.ps1
    # Another policy, so that some files are new and some are stale.
    sed -i -e 's/clients/desks/' policy.yaml
    golden_stderr "$(case_folder)/half-way.ok" 2 "$SALLYPORT" compile --policy policy.yaml -o out
    [ -f out/powershell/desks-1/apply.ps1 ]
    [ ! -e out/manifest.json ]
    golden_stderr "$(case_folder)/verify.ok" 2 "$SALLYPORT" compile --policy policy.yaml --verify out

    # A third policy: what the failed run left is taken away too.
    rmdir out/powershell/servers-1/apply.ps1
    sed -i -e 's/desks/seats/' policy.yaml
    compile -o out
    is_whole out
    [ ! -e out/powershell/desks-1/apply.ps1 ]
}

@test "a full disk: nothing claims to be whole" {
    if [ "$(id -u)" = 0 ]; then alone="unshare --mount"; else alone="unshare --map-root-user --mount"; fi
    $alone true || skip "this machine allows no mount namespace"
    mkdir small
    # shellcheck disable=SC2016 # the inner shell's own arguments
    run $alone bash -c '
        mount -t tmpfs -o size="$1" tmpfs small || exit 99
        "$2" compile --policy policy.yaml -o small/out
        status=$?
        [ ! -e small/out/manifest.json ] || exit 98
        [ -e small/out/manifest-incomplete.json ] || exit 97
        exit "$status"' bash 12k "$SALLYPORT"
    [ "$status" -eq 2 ]
    [[ "$output" == *"small/out/powershell/"*"No space left on device"* ]]
    [[ "$output" == *"small/out is incomplete"* ]]
}

@test "a folder that can't be made: nothing is said of a folder that did not change" {
    echo "mine" >out
    golden_stderr "$(case_folder)/in-the-way.ok" 2 "$SALLYPORT" compile --policy policy.yaml -o out
    [ "$(cat out)" = mine ]
}

@test "long names make files that every system takes" {
    long=$(printf 'n%.0s' {1..250})
    sed -i -e "s/clients/${long}a/; s/servers/${long}b/" policy.yaml
    compile -t powershell -t nftables -o out
    is_whole out
    [ "$(find out -type f | sed 's,.*/,,' | awk '{ if (length > most) most = length } END { print most }')" -lt 100 ]
    [ "$(find out/nftables -name 'n*-[12].nft' | wc -l)" -ge 2 ]
    compile --verify out
}

@test "services that differ in case only have rules of their own" {
    sed -i -e 's/govern: \[smb\]/govern: [smb, x, X]\nservices: {x: [tcp\/7001], X: [tcp\/7002]}/' policy.yaml
    sed -i -e '$a\  - {from: clients, to: files, service: [x, X]}' policy.yaml
    compile -o out
    grep -q "'sallyport-.*-inbound-x-tcp-" out/powershell/servers-1/apply.ps1
    grep -q "'sallyport-.*-inbound-X-2-tcp-" out/powershell/servers-1/apply.ps1
    compile --verify out
}
