// Stands in for the `icacls` of Windows, which wine carries as a stub that does nothing. It does what the crate asks for:
// icacls FILE [/inheritance:r] [/grant:r *SID:F]... [/save LIST] [/q]
#include <windows.h>
#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>

static int grant(wchar_t *file, wchar_t *whom, ACL **acl) {
    wchar_t *rights = wcsrchr(whom, ':');
    PSID sid;
    if (*whom != '*' || !rights) return 1;
    *rights++ = 0;
    // Wine knows no "owner rights", so that the owner takes their place.
    if (!wcscmp(whom, L"*S-1-3-4")) {
        PSECURITY_DESCRIPTOR descriptor;
        if (GetNamedSecurityInfoW(file, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &sid, 0, 0, 0, &descriptor)) return 1;
    } else if (!ConvertStringSidToSidW(whom + 1, &sid)) return 1;
    EXPLICIT_ACCESSW access = {
        .grfAccessPermissions = *rights == 'F' ? FILE_ALL_ACCESS : FILE_GENERIC_READ,
        .grfAccessMode = SET_ACCESS,
        .Trustee = {.TrusteeForm = TRUSTEE_IS_SID, .ptstrName = sid},
    };
    return SetEntriesInAclW(1, &access, *acl, acl);
}

static int save(wchar_t *file, wchar_t *list) {
    PSECURITY_DESCRIPTOR descriptor;
    wchar_t *sddl, *name = wcsrchr(file, '\\');
    FILE *out = _wfopen(list, L"wb");
    if (!out || GetNamedSecurityInfoW(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, 0, 0, 0, 0, &descriptor)) return 1;
    if (!ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, 1, DACL_SECURITY_INFORMATION, &sddl, 0)) return 1;
    for (wchar_t *line = name ? name + 1 : file; line; line = line == sddl ? NULL : sddl) {
        fwrite(line, 2, wcslen(line), out);
        fwrite(L"\r\n", 2, 2, out);
    }
    return fclose(out);
}

int wmain(int argc, wchar_t **argv) {
    wchar_t *file = argv[1];
    PSECURITY_DESCRIPTOR descriptor;
    ACL *acl;
    BOOL changed = FALSE;
    if (argc < 2 || GetNamedSecurityInfoW(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, 0, 0, &acl, 0, &descriptor)) return 2;
    for (int i = 2; i < argc; i++) {
        if (!wcscmp(argv[i], L"/inheritance:r")) acl = NULL, changed = TRUE;
        else if (!wcscmp(argv[i], L"/grant:r") && ++i < argc) { if (grant(file, argv[i], &acl)) return 3; changed = TRUE; }
        else if (!wcscmp(argv[i], L"/save") && ++i < argc) { if (save(file, argv[i])) return 4; }
        else if (wcscmp(argv[i], L"/q")) return 87;
    }
    // Unlike SetNamedSecurityInfo, this adds nothing inherited.
    SECURITY_DESCRIPTOR absolute;
    InitializeSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION);
    SetSecurityDescriptorDacl(&absolute, TRUE, acl, FALSE);
    return changed && !SetFileSecurityW(file, DACL_SECURITY_INFORMATION, &absolute) ? 5 : 0;
}
