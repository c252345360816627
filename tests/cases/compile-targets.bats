# SPDX-License-Identifier: Apache-2.0
# What an admin can ask of compile is what its help says.

root=$BATS_TEST_DIRNAME/../..

# The names that targets have, from their own sources.
names() {
    sed -n 's/^TARGET(\(.*\))$/\1/p' "$root/src/targets/targets.def" | while read -r stem; do
        sed -n '/^const struct target /,/^};/s/^    \.name = T("\(.*\)"),$/\1/p' "$root/src/targets/$stem.c"
    done
}

@test "every target is in the help of compile, once, with what it writes" {
    "$SALLYPORT" compile --help | sed -n '/^Targets:/,/^$/p' >"$BATS_TEST_TMPDIR/help"
    names >"$BATS_TEST_TMPDIR/names"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/names")" -eq "$(grep -c '^TARGET(' "$root/src/targets/targets.def")" ]
    while read -r name; do
        echo "$name"
        [ "$(grep -cE "^    $name +[^ ]" "$BATS_TEST_TMPDIR/help")" -eq 1 ]
    done <"$BATS_TEST_TMPDIR/names"
    [ "$(grep -c '^    ' "$BATS_TEST_TMPDIR/help")" -eq "$(wc -l <"$BATS_TEST_TMPDIR/names")" ]
}

@test "every target has a row of the index, and a page" {
    for name in $(names); do
        echo "$name"
        page=$(sed -n "s/^| \[$name\](\([a-z-]*\.md\)) .*/\1/p" "$root/docs/targets/README.md")
        [ -n "$page" ]
        [ -f "$root/docs/targets/$page" ]
    done
}

@test "a target that is not there is exit status 2, with a suggestion" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/w"
    run "$SALLYPORT" -C "$BATS_TEST_TMPDIR/w" compile --target powershel
    [ "$status" -eq 2 ]
    [[ $output == *'there is no target "powershel", did you mean "powershell"?'* ]]
    run "$SALLYPORT" -C "$BATS_TEST_TMPDIR/w" compile --target nosuch
    [ "$status" -eq 2 ]
    [[ $output == *'there is no target "nosuch"'* ]]
    for name in $(names); do
        [[ $output == *[\ ]"$name"* ]]
    done
}

@test "the sample policy, hardening included, is written for every target that can hold it" {
    "$SALLYPORT" init "$BATS_TEST_TMPDIR/w"
    for mode in audit enforce; do
        sed "s/^\(hardening: .*mode: \)[a-z]*/\1$mode/" "$root/samples/contoso/policy.yaml" >"$BATS_TEST_TMPDIR/w/policy.yaml"
        for name in $(names); do
            echo "$mode $name"
            run "$SALLYPORT" -C "$BATS_TEST_TMPDIR/w" compile --target "$name" -o "$BATS_TEST_TMPDIR/$mode-$name"
            echo "$output"
            if [ "$name" = aws-nacl ]; then
                # One list holds for all of a border; the sample's servers differ.
                [ "$status" -eq 2 ]
                [ ! -e "$BATS_TEST_TMPDIR/$mode-$name" ]
                continue
            fi
            [ "$status" -eq 0 ]
            "$SALLYPORT" -C "$BATS_TEST_TMPDIR/w" compile --verify "$BATS_TEST_TMPDIR/$mode-$name"
        done
    done
}
