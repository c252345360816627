# SPDX-License-Identifier: Apache-2.0
# Loaded by the cases: `load golden`. Expected files stand in the case's folder, which has the name of the
# .bats file or the one given to `case_folder`; tools/bless rewrites them.
# shellcheck shell=bash

# The case's own folder: README, inputs and expected files.
case_folder() {
    local name=${1-}
    [ -n "$name" ] || name=$(basename "$BATS_TEST_FILENAME" .bats)
    echo "$BATS_TEST_DIRNAME/$name"
}

# Usage: golden EXPECTED-FILE EXPECTED-STATUS COMMAND...
# Runs the command; its standard output must be the file, byte by byte. What it says besides is printed when
# the test fails.
golden() {
    local expected=$1 wanted=$2 status=0
    local found="$BATS_TEST_TMPDIR/found" said="$BATS_TEST_TMPDIR/said"
    shift 2
    "$@" >"$found" 2>"$said" </dev/null || status=$?
    if [ "$status" != "$wanted" ]; then
        echo "expected exit status $wanted, found $status: $*"
        cat "$said"
        return 1
    fi
    same_as_golden "$expected" "$found"
}

# Usage: golden_stderr EXPECTED-FILE EXPECTED-STATUS COMMAND...
# The same of standard error: messages are golden too.
golden_stderr() {
    local expected=$1 wanted=$2
    shift 2
    # shellcheck disable=SC2016 # the inner shell's own arguments
    golden "$expected" "$wanted" bash -c '"$@" 2>&1 >/dev/null' bash "$@"
}

# Usage: same_as_golden EXPECTED-FILE FILE
same_as_golden() {
    if [ -n "${SALLYPORT_BLESS-}" ]; then
        mkdir -p "$(dirname "$1")"
        cp "$2" "$1"
        return 0
    fi
    [ -f "$1" ] || {
        echo "expected $1, which does not exist; tools/bless makes it"
        return 1
    }
    diff -u "$1" "$2"
}
