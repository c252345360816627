# SPDX-License-Identifier: Apache-2.0
# Sourced by ../record: the machines of Contoso, all real Samba, each with its own configuration and state below $WORK.

PASSWORD='Sally-Port-26'
USERS='alice bob carol dave scanner itadmin'
DOMAIN_SID=S-1-5-21-1004336348-1177238915-682003330

# The [global] lines that keep one Samba instance inside its own folder.
state_lines() {                 # state_lines HOST
    mkdir -p "$WORK/$1/private" "$WORK/$1/lock" "$WORK/$1/state" "$WORK/$1/cache" "$WORK/$1/pid" "$WORK/$1/ncalrpc"
    cat <<EOF
    netbios name = $1
    workgroup = CONTOSO
    realm = CONTOSO.TEST
    private dir = $WORK/$1/private
    lock directory = $WORK/$1/lock
    state directory = $WORK/$1/state
    cache directory = $WORK/$1/cache
    pid directory = $WORK/$1/pid
    ncalrpc dir = $WORK/$1/ncalrpc
    log file = $WORK/$1/log
    max log size = 0
    name resolve order = host
    load printers = no
    printcap name = /dev/null
    disable netbios = no
EOF
}

client_conf() {                 # client_conf HOST
    mkdir -p "$WORK/$1"
    {
        echo '[global]'
        state_lines "$1"
        echo '    client min protocol = SMB2_02'
        echo '    client max protocol = SMB3'
    } >"$WORK/$1/client.conf"
}

# Standard input is the rest of the configuration: more [global] lines, then the shares.
start_server() {                # start_server HOST PORT
    mkdir -p "$WORK/$1"
    {
        echo '[global]'
        state_lines "$1"
        echo '    server role = standalone server'
        echo '    passdb backend = tdbsam'
        cat
    } >"$WORK/$1/smb.conf"
    cp "$WORK/passdb.tdb" "$WORK/$1/private/passdb.tdb"
    # shellcheck disable=SC2016  # expanded by the inner shell
    # Samba finds winbindd by a fixed path below /run/samba. That one is the domain controller's; the others have none.
    in_ns "$1" unshare --mount --uts sh -c 'hostname "$0" && mount -t tmpfs tmpfs /run/samba && exec "$@"' "$1" \
        smbd -s "$WORK/$1/smb.conf" -F --no-process-group </dev/null >"$WORK/$1/out" 2>&1 &
    wait_port "$1" "$2"
}

wait_port() {                   # wait_port HOST PORT: asks on the host's own loopback, so that no capture sees it
    local i=0
    until in_ns "$1" bash -c "exec 3<>/dev/tcp/127.0.0.1/$2" 2>/dev/null; do
        i=$((i + 1))
        [ $i -lt 300 ] || die "$1 does not listen on port $2"
        sleep 0.1
    done
}

share() {                       # share NAME PATH [LINE...]
    mkdir -p "$2"
    chmod 1777 "$2"
    printf '[%s]\n    path = %s\n    read only = no\n' "$1" "$2"
    shift 2
    [ $# -eq 0 ] || printf '    %s\n' "$@"
}

# A list of some 40 bytes a line, so that recordings compress well.
fill() {                        # fill FILE LINES
    seq -f 'item %08.0f of the Contoso inventory' 1 "$2" >"$1"
}

make_accounts() {
    local user uid=70000
    cp /etc/passwd "$WORK/passwd"
    cp /etc/group "$WORK/group"
    for user in $USERS; do
        sed -i "/^$user:/d" "$WORK/passwd"
        echo "$user:x:$uid:100::/:/usr/sbin/nologin" >>"$WORK/passwd"
        uid=$((uid + 1))
    done
    # Only this recording's private mount namespace sees these.
    mount --bind "$WORK/passwd" /etc/passwd
    mount --bind "$WORK/group" /etc/group
    { echo '[global]'; state_lines accounts; echo '    passdb backend = tdbsam'; } >"$WORK/accounts.conf"
    for user in $USERS; do
        printf '%s\n%s\n' "$PASSWORD" "$PASSWORD" | smbpasswd -c "$WORK/accounts.conf" -s -a "$user" >/dev/null
    done
    cp "$WORK/accounts/private/passdb.tdb" "$WORK/passdb.tdb"
}

domain_tool() {                 # domain_tool ARGUMENT...: samba-tool on the domain's database, before it is served
    samba-tool "$@" -s "$WORK/domain/etc/smb.conf" >>"$WORK/provision.out" 2>&1 ||
        die "samba-tool $1 $2: $(tail -n 1 "$WORK/provision.out")"
}

provision_domain() {
    local dir=$WORK/domain user
    # An empty configuration, or the provisioning would copy what this machine has in /etc/samba.
    echo '[global]' >"$WORK/empty.conf"
    samba-tool domain provision -s "$WORK/empty.conf" --realm=CONTOSO.TEST --domain=CONTOSO --domain-sid=$DOMAIN_SID --host-name=dc01 \
        --host-ip=10.20.0.11 --server-role=dc --dns-backend=NONE --adminpass="$PASSWORD" --targetdir="$dir" \
        --option='server services = s3fs, rpc, ldap, cldap, kdc, winbindd' \
        --option='dns update command = /bin/true' --option='log level = 1' --option="log file = $dir/log" \
        --option="pid directory = $dir" --option="ncalrpc dir = $dir/ncalrpc" \
        --option='smb ports = 445' --option='printcap name = /dev/null' --option='load printers = no' \
        >"$WORK/provision.out" 2>&1 || die "no domain: $(tail -n 1 "$WORK/provision.out")"
    for user in $USERS svc-fs01; do
        domain_tool user create "$user" "$PASSWORD"
    done
    domain_tool group addmembers 'Domain Admins' itadmin
    domain_tool spn add cifs/fs01.contoso.test svc-fs01
    # fs01 is no domain member (that would need its own winbindd), so its tickets go without the PAC: NO_AUTH_DATA_REQUIRED.
    ldbmodify -H "$dir/private/sam.ldb" >>"$WORK/provision.out" 2>&1 <<'EOF' || die 'svc-fs01 cannot be changed'
dn: CN=svc-fs01,CN=Users,DC=contoso,DC=test
changetype: modify
replace: userAccountControl
userAccountControl: 33554944
EOF
    domain_tool domain exportkeytab "$WORK/fs01.keytab" --principal=cifs/fs01.contoso.test
    mkdir -p "$dir/state/sysvol/contoso.test/scripts"
    printf 'net use P: \\\\FS01\\projects\r\n' >"$dir/state/sysvol/contoso.test/scripts/logon.cmd"
    cat >"$WORK/krb5.conf" <<'EOF'
[libdefaults]
    default_realm = CONTOSO.TEST
    dns_lookup_kdc = false
    dns_lookup_realm = false
    rdns = false
[realms]
    CONTOSO.TEST = {
        kdc = 10.20.0.11
    }
[domain_realm]
    .contoso.test = CONTOSO.TEST
EOF
}

start_domain() {
    hostname dc01
    in_ns dc01 samba -s "$WORK/domain/etc/smb.conf" -i --no-process-group </dev/null >"$WORK/domain/out" 2>&1 &
    wait_port dc01 88
    wait_port dc01 445
    # Ports open before the last service is up; the first whole logon says that it is. Loopback: not recorded.
    local i=0
    client_conf dc01
    until in_ns dc01 smbclient -s "$WORK/dc01/client.conf" -p 445 -U "alice@CONTOSO.TEST%$PASSWORD" \
        --use-kerberos=required //dc01.contoso.test/netlogon -c ls >"$WORK/domain/ready" 2>&1; do
        i=$((i + 1))
        [ $i -lt 20 ] || die "the domain controller does not answer: $(cat "$WORK/domain/ready")"
        sleep 0.5
    done
}

start_file_servers() {
    {
        printf '    %s\n' 'smb ports = 445' 'server min protocol = SMB3_11' 'server signing = mandatory' \
            'kerberos method = dedicated keytab' "dedicated keytab file = $WORK/fs01.keytab"
        share projects "$WORK/fs01/projects"
        share departments "$WORK/fs01/departments"
        share payroll "$WORK/fs01/payroll" 'smb encrypt = required' 'valid users = carol'
        share 'C$' "$WORK/fs01/c" 'browseable = no' 'valid users = itadmin'
        share 'ADMIN$' "$WORK/fs01/admin" 'browseable = no' 'valid users = itadmin'
    } | start_server fs01 445
    {
        printf '    %s\n' 'smb ports = 445' 'server min protocol = SMB2_02' 'server max protocol = SMB2_10' \
            'server signing = auto' 'map to guest = Bad User' 'guest account = nobody'
        share archive "$WORK/fs02/archive"
        share public "$WORK/fs02/public" 'guest ok = yes'
        share 'C$' "$WORK/fs02/c" 'browseable = no' 'valid users = itadmin'
    } | start_server fs02 445
    {
        printf '    %s\n' 'smb ports = 445' 'server max protocol = SMB3_00' 'printing = bsd' \
            'lpq command = /bin/true' 'lprm command = /bin/true' 'print command = /bin/rm -f %s'
        share floor2 "$WORK/print01/spool" 'printable = yes' 'printer name = floor2'
        share 'print$' "$WORK/print01/drivers" 'write list = itadmin'
        share 'ADMIN$' "$WORK/print01/admin" 'browseable = no' 'valid users = itadmin'
    } | start_server print01 445
    {
        printf '    %s\n' 'smb ports = 445 139' 'server min protocol = NT1' 'server max protocol = NT1' \
            'ntlm auth = ntlmv1-permitted' 'lanman auth = no'
        share backup "$WORK/nas01/backup"
    } | start_server nas01 139
    {
        printf '    %s\n' 'smb ports = 4455' 'server max protocol = SMB3_02'
        share batch "$WORK/app01/batch"
    } | start_server app01 4455
    {
        printf '    %s\n' 'workgroup = WORKGROUP' 'realm = EXAMPLE.COM' 'smb ports = 445' 'map to guest = Bad User' \
            'guest account = nobody'
        share update "$WORK/outside/update" 'guest ok = yes'
    } | start_server outside 445
    fill "$WORK/fs01/projects/inventory.txt" 6000
    fill "$WORK/fs01/payroll/november.txt" 1500
    fill "$WORK/fs02/archive/2019.txt" 3000
    fill "$WORK/fs02/public/menu.txt" 100
    fill "$WORK/nas01/backup/index.txt" 2000
    fill "$WORK/app01/batch/queue.txt" 500
    fill "$WORK/outside/update/setup.txt" 300
    fill "$WORK/print01/drivers/driver.inf" 400
}

# Windows clients listen too, with their administrative shares; ws0402 also shares folders of its own.
start_client_shares() {
    local host
    for host in ws0402 ws1103; do
        {
            printf '    %s\n' 'smb ports = 445'
            share 'C$' "$WORK/$host/c" 'browseable = no' 'valid users = itadmin'
            share 'ADMIN$' "$WORK/$host/admin" 'browseable = no' 'valid users = itadmin'
            [ $host != ws0402 ] || share scans "$WORK/$host/scans"
            [ $host != ws0402 ] || share temp "$WORK/$host/temp"
        } | start_server $host 445
        fill "$WORK/$host/c/setup.log" 200
    done
    # Its own firewall drops what comes from the branch office.
    in_ns ws0402 nft 'table inet own { chain input { type filter hook input priority filter; ip saddr 10.11.0.0/16 tcp dport 445 drop; }; }'
    fill "$WORK/ws0402/temp/minutes.txt" 1500
}
