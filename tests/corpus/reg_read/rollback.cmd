@echo off
rem sallyport: deletes what rules.reg made, and restores the log settings; run as administrator
setlocal
set "KEY=HKLM\SOFTWARE\Policies\Microsoft\WindowsFirewall"
set "SAVED=%ProgramFiles%\sallyport\reg-contoso"
reg import "%~dp0rollback.reg" || exit /b 1
for %%P in (DomainProfile PrivateProfile PublicProfile) do (
    if exist "%SAVED%\%%P.reg" reg import "%SAVED%\%%P.reg" || exit /b 1
)
if exist "%SAVED%\saved" rmdir /s /q "%SAVED%"
gpupdate /target:computer /force
