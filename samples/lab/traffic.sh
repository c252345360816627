# SPDX-License-Identifier: Apache-2.0
# Sourced by ../record: a short working day of Contoso, always the same, one action after another. Every action
# names its outcome: another one ends the recording as failed, nothing is tried twice.

smb() {                         # smb HOST USER //SERVER/SHARE COMMANDS [OPTION...]
    local host=$1 user=$2 share=$3 commands=$4
    shift 4
    # The port is always given: without it smbclient races 445 against 139.
    case " $* " in *' -p '*) ;; *) set -- -p 445 "$@" ;; esac
    in_ns "$host" smbclient -s "$WORK/$host/client.conf" -U "CONTOSO\\$user%$PASSWORD" "$@" "$share" -c "$commands" \
        </dev/null
}

krb() {                         # krb HOST USER //SERVER.contoso.test/SHARE COMMANDS: Kerberos or nothing
    local host=$1 user=$2
    in_ns "$host" smbclient -s "$WORK/$host/client.conf" -p 445 -U "$user@CONTOSO.TEST%$PASSWORD" \
        --use-kerberos=required "$3" -c "$4" </dev/null
}

attempt() {                     # attempt HOST ADDRESS...: bare connection attempts on 445
    local host=$1
    shift
    in_ns "$host" python3 "$LAB/tcp_try.py" 1.5 445 "$@"
}

works() {
    "$@" >"$WORK/action.out" 2>&1 || die "should have worked: $*: $(cat "$WORK/action.out")"
    actions=$((actions + 1))
}

fails() {                       # fails TEXT COMMAND...: must fail, and say TEXT
    local text=$1
    shift
    ! "$@" >"$WORK/action.out" 2>&1 || die "should have failed: $*"
    grep -q "$text" "$WORK/action.out" || die "should have said $text: $*: $(cat "$WORK/action.out")"
    actions=$((actions + 1))
}

says() {                        # says TEXT COMMAND...: must work, and print exactly TEXT
    local text=$1
    shift
    works "$@"
    [ "$(cat "$WORK/action.out")" = "$text" ] || die "should have said $text: $*: $(cat "$WORK/action.out")"
}

logons() {
    local dc=//dc01.contoso.test gpt='contoso.test/Policies/{31B2F340-016D-11D2-945F-00C04FB984F9}/GPT.INI'
    works krb ws0402 alice $dc/sysvol "get $gpt /dev/null"
    works krb ws0402 alice $dc/netlogon 'get logon.cmd /dev/null'
    works krb ws0405 bob $dc/sysvol "get $gpt /dev/null"
    works krb ws0417 carol $dc/sysvol "get $gpt /dev/null"
    works krb ws1103 dave $dc/netlogon 'get logon.cmd /dev/null'
    works smb ws0431 bob //DC01/NETLOGON 'get logon.cmd /dev/null'
    works smb ws1108 dave //DC01/SYSVOL "get $gpt /dev/null"
    works smb itadm01 itadmin //DC01/SYSVOL 'ls contoso.test/Policies/*'
}

shares_of_the_day() {
    works smb ws0402 alice //FS01/projects "get inventory.txt /dev/null; put $WORK/note.txt plan-a.txt; ls"
    works smb ws0405 bob //FS01/projects 'get inventory.txt /dev/null; ls'
    works smb ws0405 bob //FS01/departments "mkdir sales; put $WORK/note.txt sales/prices.txt; ls sales/*"
    works smb ws0417 carol //FS01/projects 'get inventory.txt /dev/null' -I 2001:db8:20::21
    works smb ws0417 carol //FS01/payroll 'get november.txt /dev/null; ls'
    works smb ws0417 carol //FS01/payroll 'get november.txt /dev/null' --client-protection=encrypt
    works krb ws0402 alice //fs01.contoso.test/departments 'ls'
    works smb ws1103 dave //FS01/departments "ls; put $WORK/note.txt branch.txt"
    works smb ws0402 alice //FS02/archive 'get 2019.txt /dev/null'
    works smb ws1108 dave //FS02/archive 'ls' -m SMB2_02
    works smb ws0431 visitor //FS02/public 'get menu.txt /dev/null'
    works in_ns ws1103 smbclient -s "$WORK/ws1103/client.conf" -p 445 -U % -L //FS02
    works smb ws0405 bob //APP01/batch 'get queue.txt /dev/null' -p 4455
}

mistakes() {
    fails NT_STATUS_LOGON_FAILURE in_ns ws0405 smbclient -s "$WORK/ws0405/client.conf" -p 445 \
        -U 'CONTOSO\bob%Winter2019' //FS01/departments -c ls
    fails NT_STATUS_BAD_NETWORK_NAME smb ws1108 dave //FS01/archiv ls
    fails NT_STATUS_ACCESS_DENIED smb ws0402 alice //FS01/payroll ls
}

printing() {
    works smb ws0402 alice //PRINT01/floor2 "print $WORK/note.txt"
    works smb ws0417 carol '//PRINT01/print$' 'get driver.inf /dev/null'
    works in_ns ws1103 rpcclient -s "$WORK/ws1103/client.conf" -p 445 -U "CONTOSO\\dave%$PASSWORD" PRINT01 -c enumprinters
}

legacy_nas() {
    set -- -m NT1 --option='client min protocol=NT1'
    works smb ws0405 bob //NAS01/backup 'get index.txt /dev/null; ls' "$@"
    works smb ws1103 dave //NAS01/backup "put $WORK/note.txt ws1103.bak" "$@" --option='client ntlmv2 auth=no' \
        --option='client use spnego=no'
    works smb ws1108 dave //NAS01/backup 'ls' "$@" -p 139
}

administration() {
    works smb itadm01 itadmin '//FS01/C$' "put $WORK/note.txt patch.bin"
    works smb itadm01 itadmin '//FS01/ADMIN$' 'ls'
    works smb itadm01 itadmin '//FS02/C$' 'ls'
    works smb itadm01 itadmin '//PRINT01/ADMIN$' 'ls'
    works smb itadm01 itadmin '//WS0402/C$' 'get setup.log /dev/null'
    works smb itadm01 itadmin '//WS1103/ADMIN$' 'ls'
    works in_ns itadm01 rpcclient -s "$WORK/itadm01/client.conf" -p 445 -U "CONTOSO\\itadmin%$PASSWORD" FS01 -c srvinfo
}

sideways() {
    works smb ws0417 carol //WS0402/temp "get minutes.txt /dev/null; put $WORK/note.txt carol.txt"
    works smb mfp01 scanner //WS0402/scans "put $WORK/note.txt scan-0001.pdf" -m SMB2_02
    works smb mfp01 scanner //WS0402/scans "put $WORK/note.txt scan-0002.pdf" -m SMB2_02
    # A client that nobody shares: Linux answers with a reset.
    fails NT_STATUS_CONNECTION_REFUSED smb ws0417 carol //WS0405/temp ls
    says silent=1 attempt ws1108 10.10.4.2
}

strangers() {
    fails NT_STATUS_LOGON_FAILURE in_ns guest7 smbclient -s "$WORK/guest7/client.conf" -p 445 -U 'GUEST7\visitor%guest' \
        //FS01/projects -c ls
    says silent=1 attempt guest7 10.20.0.22
    says unreachable=1 attempt guest7 10.20.0.40
    works in_ns ws0431 smbclient -s "$WORK/ws0431/client.conf" -p 445 -U "CONTOSO\\bob%$PASSWORD" //203.0.113.45/update \
        -c 'get setup.txt /dev/null'
    says silent=1 attempt ws0405 203.0.113.99
    says unreachable=1 attempt ws0402 203.0.113.80
    # A sweep of .20 to .60: five servers answer, app01 refuses, the rest is silent.
    says 'established=4 refused=1 silent=36' attempt ws0431 $(seq -f 10.20.0.%.0f 20 60)
}

working_day() {
    local host
    for host in ws0402 ws0405 ws0417 ws0431 ws1103 ws1108 itadm01 mfp01 guest7; do client_conf $host; done
    fill "$WORK/note.txt" 300
    actions=0
    logons
    shares_of_the_day
    mistakes
    printing
    legacy_nas
    administration
    sideways
    strangers
}
