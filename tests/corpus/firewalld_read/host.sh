#!/bin/sh
# sallyport: firewalld policies of a host, profile domain
# policy: policy.yaml, SHA-256 53f3f47745cdba9155d8b911ceb3d61db468628558cb9856ee094743c0d180a5
# as of: 2026-11-21T00:00:00.000000Z
# host class: clients-1
# member: 10.1.0.0/24
# member: 2001:db8:1::/64
# without an argument: installs and reloads; again, or newer: replaces
# with a folder: writes there alone; then, as a dry run,
#   firewall-offline-cmd --system-config FOLDER --check-config
set -eu
to=${1:-/etc/firewalld}
mkdir -p "$to/ipsets" "$to/policies"
rm -f "$to"/ipsets/sallyport-*.xml "$to"/policies/sallyport-*.xml
cat >"$to/ipsets/sallyport-1.xml" <<'SALLYPORT'
<?xml version="1.0" encoding="utf-8"?>
<ipset type="hash:net">
  <short>sallyport</short>
  <option name="family" value="inet"/>
  <entry>10.2.0.1</entry>
  <entry>10.2.0.3</entry>
</ipset>
SALLYPORT
cat >"$to/ipsets/sallyport-2.xml" <<'SALLYPORT'
<?xml version="1.0" encoding="utf-8"?>
<ipset type="hash:net">
  <short>sallyport</short>
  <option name="family" value="inet6"/>
  <entry>2001:db8:2::3</entry>
</ipset>
SALLYPORT
cat >"$to/policies/sallyport-in.xml" <<'SALLYPORT'
<?xml version="1.0" encoding="utf-8"?>
<policy target="CONTINUE" priority="-30000">
  <short>sallyport inbound</short>
  <ingress-zone name="ANY"/>
  <egress-zone name="HOST"/>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-inbound-smb-tcp-domain-block-1 -->
  <rule priority="-100">
    <port port="445" protocol="tcp"/>
    <log prefix="sallyport-workspace-inbound-smb-tcp-domain-block-1 " level="info"><limit value="10/s"/></log>
    <drop/>
  </rule>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-inbound-netbios-tcp-domain-block-1 -->
  <rule priority="-100">
    <port port="139" protocol="tcp"/>
    <log prefix="sallyport-workspace-inbound-netbios-tcp-domain-block-1 " level="info"><limit value="10/s"/></log>
    <drop/>
  </rule>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-inbound-netbios-udp-domain-block-1 -->
  <rule priority="-100">
    <port port="137" protocol="udp"/>
    <log prefix="sallyport-workspace-inbound-netbios-udp-domain-block-1 " level="info"><limit value="10/s"/></log>
    <drop/>
  </rule>
  <!-- sallyport-workspace-inbound-netbios-udp-domain-block-1 -->
  <rule priority="-100">
    <port port="138" protocol="udp"/>
    <log prefix="sallyport-workspace-inbound-netbios-udp-domain-block-1 " level="info"><limit value="10/s"/></log>
    <drop/>
  </rule>
</policy>
SALLYPORT
cat >"$to/policies/sallyport-out.xml" <<'SALLYPORT'
<?xml version="1.0" encoding="utf-8"?>
<policy target="CONTINUE" priority="-30000">
  <short>sallyport outbound</short>
  <ingress-zone name="HOST"/>
  <egress-zone name="ANY"/>
  <!-- why: policy.yaml:10 logon; policy.yaml:11 scans -->
  <!-- sallyport-workspace-outbound-smb-tcp-domain-private-allow-1 -->
  <rule family="ipv4" priority="-200">
    <destination ipset="sallyport-1"/>
    <port port="445" protocol="tcp"/>
    <accept/>
  </rule>
  <!-- sallyport-workspace-outbound-smb-tcp-domain-private-allow-1 -->
  <rule family="ipv6" priority="-200">
    <destination ipset="sallyport-2"/>
    <port port="445" protocol="tcp"/>
    <accept/>
  </rule>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-outbound-smb-tcp-domain-private-block-1 -->
  <rule priority="-100">
    <port port="445" protocol="tcp"/>
    <log prefix="sallyport-workspace-outbound-smb-tcp-domain-private-block-1 " level="info"><limit value="10/s"/></log>
    <reject/>
  </rule>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-outbound-netbios-tcp-domain-private-block-1 -->
  <rule priority="-100">
    <port port="139" protocol="tcp"/>
    <log prefix="sallyport-workspace-outbound-netbios-tcp-domain-private-block-1 " level="info"><limit value="10/s"/></log>
    <reject/>
  </rule>
  <!-- why: policy.yaml: no entry allows these in clear -->
  <!-- sallyport-workspace-outbound-netbios-udp-domain-private-block-1 -->
  <rule priority="-100">
    <port port="137" protocol="udp"/>
    <log prefix="sallyport-workspace-outbound-netbios-udp-domain-private-block-1 " level="info"><limit value="10/s"/></log>
    <reject/>
  </rule>
  <!-- sallyport-workspace-outbound-netbios-udp-domain-private-block-1 -->
  <rule priority="-100">
    <port port="138" protocol="udp"/>
    <log prefix="sallyport-workspace-outbound-netbios-udp-domain-private-block-1 " level="info"><limit value="10/s"/></log>
    <reject/>
  </rule>
</policy>
SALLYPORT
[ $# = 0 ] || exit 0
said=$(firewall-cmd --check-config 2>&1) || { echo "$said" >&2; exit 1; }
case $said in *INVALID*) echo "$said" >&2; exit 1 ;; esac
firewall-cmd --reload
