//! Who may open a file on Windows, by the program `icacls` that every Windows has: the Win32
//! functions for access control lists take pointers, and no maintained crate offers them without
//! unsafe code.

use std::ffi::OsStr;
use std::io;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Replaces the permissions of a file with full access for its owner.
pub(super) fn restrict_to_owner(path: &Path) -> io::Result<()> {
    // The well-known SID of "owner rights", because names of accounts are translated.
    icacls(
        path,
        &["/inheritance:r", "/grant:r", "*S-1-3-4:F"].map(OsStr::new),
    )
}

/// Returns whether a group that other people belong to may open a file.
pub(super) fn is_open_to_groups(path: &Path) -> io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("acl");
    icacls(path, &[OsStr::new("/save"), list.as_os_str()])?;
    // UTF-16: the name of the file, and its access control list in ASCII.
    let text = std::fs::read(list)?
        .into_iter()
        .filter(|byte| *byte != 0)
        .map(char::from)
        .collect::<String>();
    Ok(grants_a_group(
        text.split_once("D:").map_or("", |(_, list)| list),
    ))
}

fn icacls(path: &Path, arguments: &[&OsStr]) -> io::Result<()> {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    let system_root =
        std::env::var_os("SystemRoot").ok_or_else(|| io::Error::other("SystemRoot is not set"))?;
    let mut command = Command::new(Path::new(&system_root).join("System32").join("icacls.exe"));
    command
        .arg(std::path::absolute(path)?)
        .args(arguments)
        .arg("/q")
        .creation_flags(CREATE_NO_WINDOW);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("icacls failed ({status})")));
    }
    Ok(())
}

/// Returns whether an access control list in SDDL has an entry `(A;flags;rights;;;trustee)` for a
/// group of people.
fn grants_a_group(list: &str) -> bool {
    // Everyone, anonymous, (authenticated, built-in, interactive, network, domain) users, and
    // guests.
    const GROUPS: [&str; 10] = ["WD", "AN", "AU", "BU", "IU", "NU", "DU", "BG", "DG", "DC"];
    list.starts_with("NO_ACCESS_CONTROL")
        || list.split('(').skip(1).any(|entry| {
            let fields: Vec<_> = entry.split([';', ')']).collect();
            let allows = matches!(fields[0], "A" | "OA" | "XA");
            allows
                && fields
                    .get(5)
                    .is_some_and(|trustee| GROUPS.contains(trustee))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_in_access_control_lists_are_found() {
        for (list, grants) in [
            ("PAI(A;;FA;;;OW)", false),
            (
                "AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;FA;;;S-1-5-21-1-2-3-1001)",
                false,
            ),
            ("AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", true),
            ("(A;;FR;;;WD)", true),
            ("(D;;FA;;;WD)(A;;FA;;;OW)", false),
            ("NO_ACCESS_CONTROL", true),
            ("", false),
        ] {
            assert_eq!(grants_a_group(list), grants, "{list}");
        }
    }
}
