#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every example of every command's help is run, in a workspace of the sample network. A reader tries
# the examples first; one that fails is a defect.

root=$BATS_TEST_DIRNAME/../..

setup_file() {
    export WS=$BATS_FILE_TMPDIR/contoso
    SALLYPORT_CLOCK=2026-11-20T10:00:00Z "$SALLYPORT" init "$WS"
    cp "$root/samples/contoso/policy.yaml" "$WS/policy.yaml"
    # The review that examples name, and its sheet.
    SALLYPORT_CLOCK=2026-11-20T10:00:00Z "$SALLYPORT" review start -C "$WS" --monthly -o "$WS" >/dev/null
    cp "$root/samples/contoso/exceptions.yaml" "$WS/exceptions.yaml"
    cp -r "$root/samples/contoso/captures" "$root/samples/contoso/logs" "$WS/"
    "$SALLYPORT" ingest -C "$WS" "$WS/captures" "$WS/logs" >/dev/null
    # The files that the examples name.
    cp "$WS/captures/edge.pcapng" "$WS/site-a.pcapng"
    cp "$root/tests/corpus/collected/fs01.json" "$WS/FS01.json"
    sed "s/FS01/DC01/; s/fs01/dc01/" "$WS/FS01.json" >"$WS/DC01.json"
    printf '10.10.4.17 10.20.0.21 smb domain\n' >"$WS/questions.txt"
    printf 'src,dst,dport,ts\n10.10.4.17,10.20.0.21,445,2026-11-02T08:14:03Z\n' >"$WS/flows.csv"
    cp "$WS/policy.yaml" "$WS/stricter.yaml"
    cp "$WS/policy.yaml" "$WS/looser.yaml"
    cp "$WS/policy.yaml" "$WS/new.yaml"
    cp "$WS/policy.yaml" "$WS/deployed.yaml"
    printf 'Windows Registry Editor Version 5.00\n\n' >"$WS/clients.reg"
    printf '[HKEY_LOCAL_MACHINE\\SOFTWARE\\Policies\\Microsoft\\WindowsFirewall\\FirewallRules]\n' >>"$WS/clients.reg"
    printf '"a"="v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=445|Name=open|"\n' >>"$WS/clients.reg"
    printf 'name,objectClass\nADM01,computer\n' >"$WS/Admin PCs.csv"
    printf '{"groups":[{"name":"SMB Admins","sid":"S-1-5-21-1-2-3-1105","members":[{"name":"ADM01"}]}]}' >"$WS/groups.json"
    printf 'samaccountname,enabled\nalice,true\n' >"$WS/users.csv"
    printf 'name: Example IT Services\n' >"$WS/msp.yaml"
    # Examples that read an artefact find one.
    "$SALLYPORT" compile -C "$WS" -o "$WS/out" --target powershell --target nftables >/dev/null
    cp "$WS/out/nftables/servers-2.nft" "$WS/live.nft"
    "$SALLYPORT" exception request -C "$WS" --from scanners --to 10.10.4.17 --service smb --owner alice \
        --reason "old firmware" --expires 14d >/dev/null
}

@test "every example of the manual runs" {
    cd "$WS"
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    ln -s "$SALLYPORT" "$BATS_TEST_TMPDIR/bin/sallyport"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    sallyport manual --examples >"$BATS_TEST_TMPDIR/lines"
    n=0
    while read -r line; do
        # Some ask for a password, on a terminal alone.
        case $line in
        'sallyport user add '* | 'sallyport user password '* | *'sallyport user login '*)
            run python3 "$root/tests/cases/typing.py" 'correct horse battery staple' sh -c "$line" </dev/null ;;
        *) run sh -c "$line" </dev/null ;;
        esac
        # 1 is an answer (the sample policy breaks something), 2 is a failure.
        if [ "$status" -gt 1 ]; then
            echo "exit status $status: $line"
            echo "$output"
            return 1
        fi
        n=$((n + 1))
    done <"$BATS_TEST_TMPDIR/lines"
    echo "$n examples ran"
    [ "$n" -ge 10 ]
}

@test "every command has help that names its options" {
    "$SALLYPORT" --help | sed -n '/^Commands:/,/^$/p' | awk -F '  +' 'NR > 1 && NF { print $2 }' |
        while read -r command; do
            # shellcheck disable=SC2086 # a command may have two words
            run "$SALLYPORT" $command --help
            [ "$status" -eq 0 ]
            [[ $output == *"Usage: sallyport $command"* ]]
            [[ $output == *"--json"* ]]
        done
}

@test "an unknown command or option is exit status 2, with a suggestion" {
    run "$SALLYPORT" simulat
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean "simulate"'* ]]
    run "$SALLYPORT" matrix --jsn
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean "json"'* ]]
}

@test "the manual page is clean" {
    "$SALLYPORT" manual >"$BATS_TEST_TMPDIR/sallyport.1"
    run groff -man -ww -K utf8 -T utf8 -z "$BATS_TEST_TMPDIR/sallyport.1"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}
