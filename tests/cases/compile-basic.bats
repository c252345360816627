#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

load golden

setup_file() {
    cd "$BATS_TEST_DIRNAME/compile-basic"
    export OUT=$BATS_FILE_TMPDIR/out
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 \
        --target powershell --target nftables -o "$OUT" >"$BATS_FILE_TMPDIR/said"
}

@test "every file is as expected" {
    (cd "$OUT" && find . -type f | LC_ALL=C sort) >"$BATS_TEST_TMPDIR/found"
    same_as_golden "$(case_folder)/files.ok" "$BATS_TEST_TMPDIR/found"
    while read -r file; do
        same_as_golden "$(case_folder)/out/$file.ok" "$OUT/$file"
    done <"$BATS_TEST_TMPDIR/found"
}

@test "what is told is as expected" {
    grep -v '^written to' "$BATS_FILE_TMPDIR/said" >"$BATS_TEST_TMPDIR/said"
    same_as_golden "$(case_folder)/stdout.ok" "$BATS_TEST_TMPDIR/said"
}

@test "the manifest's hashes are those of the files" {
    /usr/bin/python3 - "$OUT" <<'PY'
import hashlib, ipaddress, json, pathlib, sys
out = pathlib.Path(sys.argv[1])
manifest = json.loads((out / "manifest.json").read_text())
for file in manifest["files"]:
    assert hashlib.sha256((out / file["path"]).read_bytes()).hexdigest() == file["sha256"], file
named = {file["path"] for file in manifest["files"]} | {"manifest.json"}
found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
assert named == found, named ^ found
members = [ipaddress.ip_network(m) for c in manifest["classes"] for m in c["members"]]
for i, a in enumerate(members):
    for b in members[:i]:
        assert a.version != b.version or not a.overlaps(b), (a, b)
for family in (4, 6):
    size = sum(m.num_addresses for m in members if m.version == family)
    # clients, lab and servers, less the NAS
    assert size == {4: 65536 + 256 - 1, 6: 2 ** 65}[family], size
for c in manifest["classes"]:
    assert set(c["files"]) <= named
PY
}

@test "the kernel takes every nftables file, and takes it again" {
    if [ "$(id -u)" = 0 ]; then alone="unshare --net"; else alone="unshare --map-root-user --net"; fi
    for file in "$OUT"/nftables/*.nft; do
        $alone nft --check --file "$file"
        $alone sh -ec 'nft --file "$1"; nft --file "$1"; [ "$(nft list tables | wc -l)" -le 1 ]' sh "$file"
    done
    $alone sh -ec 'nft --file "$1/servers-1.nft"; nft --file "$1/rollback.nft"; [ -z "$(nft list ruleset)" ]' \
        sh "$OUT/nftables"
}

@test "the same again gives the same bytes; fewer targets take away what they made, and nothing else" {
    cp -r "$OUT" "$BATS_TEST_TMPDIR/again"
    echo mine >"$BATS_TEST_TMPDIR/again/nftables/mine.txt"
    cd "$(case_folder)"
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 -t powershell -t nftables -o "$BATS_TEST_TMPDIR/again"
    rm "$BATS_TEST_TMPDIR/again/nftables/mine.txt"
    diff -r "$OUT" "$BATS_TEST_TMPDIR/again"
    echo mine >"$BATS_TEST_TMPDIR/again/nftables/mine.txt"
    "$SALLYPORT" compile --policy policy.yaml --as-of 2026-11-21 -t powershell -o "$BATS_TEST_TMPDIR/again"
    [ "$(ls "$BATS_TEST_TMPDIR/again/nftables")" = mine.txt ]
    diff -r "$OUT/powershell" "$BATS_TEST_TMPDIR/again/powershell"
}

@test "rules prints what the files hold" {
    cd "$OUT"
    golden "$(case_folder)/rules.csv.ok" 0 "$SALLYPORT" rules --format csv \
        powershell/servers-1/apply.ps1 powershell/servers-1/rollback.ps1 nftables/servers-1.nft nftables/border-servers.nft
    golden "$(case_folder)/rules.json.ok" 0 "$SALLYPORT" rules --json nftables/servers-1.nft
}
