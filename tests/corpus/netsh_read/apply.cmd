@echo off
rem sallyport netsh: firewall rules; run as administrator, again replaces
rem workspace: contoso
rem host class: clients-1
rem policy: policy.yaml, SHA-256 e965a2cf128ec8ba741c6b2188380a3b6d35491df23af8f4482c4d7a72d8872d
setlocal
netsh advfirewall firewall delete rule name="sallyport-contoso-outbound-smb-tcp-domain-private-allow-1-v4-1" >nul
netsh advfirewall firewall add rule name="sallyport-contoso-outbound-smb-tcp-domain-private-allow-1-v4-1" dir=out action=allow enable=yes profile=domain,private protocol=tcp remoteport=445 remoteip=10.20.0.11,10.20.0.21 description="policy.yaml:11 SYSVOL; policy.yaml:12 shares" >nul || goto failed
netsh advfirewall firewall delete rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1" >nul
netsh advfirewall firewall add rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1" dir=in action=block enable=yes profile=domain protocol=tcp localport=445 remoteip=0.0.0.1-126.255.255.255,128.0.0.0-223.255.255.255 description="policy.yaml: no entry allows these in clear" >nul || goto failed
netsh advfirewall firewall delete rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v6-1" >nul
netsh advfirewall firewall add rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v6-1" dir=in action=block enable=yes profile=domain protocol=tcp localport=445 remoteip=::2-::fffe:ffff:ffff,::1:0:0:0-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff description="policy.yaml: no entry allows these in clear" >nul || goto failed
rem Rules that an older artefact may have.
netsh advfirewall firewall delete rule name="sallyport-contoso-outbound-smb-tcp-domain-allow-if-secure-1-v6-1" >nul
netsh advfirewall firewall delete rule name="sallyport-contoso-outbound-smb-tcp-domain-allow-if-secure-1-v6-2" >nul
netsh advfirewall firewall delete rule name="sallyport-contoso-outbound-smb-tcp-domain-allow-if-secure-1-v4-1" >nul
exit /b 0
:failed
rem Half of the rules is no policy.
call "%~dp0rollback.cmd"
exit /b 1
