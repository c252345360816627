@echo off
rem sallyport netsh: rollback; deletes the rules, run as administrator
rem workspace: contoso
rem host class: clients-1
rem policy: policy.yaml, SHA-256 e965a2cf128ec8ba741c6b2188380a3b6d35491df23af8f4482c4d7a72d8872d
setlocal
netsh advfirewall firewall delete rule name="sallyport-contoso-outbound-smb-tcp-domain-private-allow-1-v4-1" >nul
netsh advfirewall firewall delete rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v4-1" >nul
netsh advfirewall firewall delete rule name="sallyport-contoso-inbound-smb-tcp-domain-block-1-v6-1" >nul
exit /b 0
