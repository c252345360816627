#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

@test "random policies are proved, verified, and taken by the kernel, or refused" {
    if [ "$(id -u)" = 0 ]; then alone="unshare --net"; else alone="unshare --map-root-user --net"; fi
    cd "$BATS_TEST_TMPDIR"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../oracle/random_policies.py" --seed 77 --policies 60 --questions 1 --out random
    # Few random policies keep their controllers reachable: the lifeline is another case's business.
    /usr/bin/python3 - random/*/policy.yaml <<'PY'
import pathlib, sys
for path in map(pathlib.Path, sys.argv[1:]):
    text = path.read_text()
    body = "".join(line for line in text.splitlines(True) if not line.startswith("#"))
    if "lifeline" in text:
        continue
    if body.lstrip().startswith("{"):
        path.write_text(body.replace("{", "{lifeline: {off: a test}, ", 1))
    else:
        path.write_text(body + "\nlifeline: {off: a test}\n")
PY
    made=0 refused=0
    for folder in random/*/; do
        status=0
        "$SALLYPORT" compile --policy "$folder/policy.yaml" -t powershell -t nftables -o "$folder/out" >said 2>&1 ||
            status=$?
        if [ "$status" = 2 ] && grep -q -e 'action "allow-if-secure" cannot be expressed' -e 'principals cannot be expressed' -e 'has no address known' said; then
            [ ! -e "$folder/out" ]
            refused=$((refused + 1))
            continue
        fi
        [ "$status" = 0 ] || {
            echo "exit status $status: $folder"
            cat said
            return 1
        }
        "$SALLYPORT" compile --policy "$folder/policy.yaml" --verify "$folder/out" >/dev/null 2>&1
        for file in "$folder"/out/nftables/*.nft; do
            $alone nft --check --file "$file"
        done
        made=$((made + 1))
    done
    echo "$made made, $refused refused"
    [ "$made" -ge 15 ] && [ "$refused" -ge 1 ]
}
