//! Private keys on disk: readable by their owner only, never overwritten, whole or not there, and
//! together with their ID.

use std::path::Path;

use kalshi_api_keys::key_file::{self, KeyFileError};
use kalshi_api_keys::{Credentials, CredentialsError};

use crate::fixtures::{KEY_ID, ed25519, openssl, rsa, shows_key};

#[test]
fn save_and_load_are_inverse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, None, &rsa().private).unwrap();
    let loaded = key_file::load(&path).unwrap();
    assert_eq!(loaded.key.expose_secret(), rsa().private.expose_secret());
    assert!(!loaded.readable_by_others);
    assert!(!shows_key(&format!("{loaded:?}"), &rsa().private));
    assert_eq!(
        names(folder.path()),
        ["kalshi.pem"],
        "no temporary file is left"
    );
}

#[test]
fn save_refuses_an_existing_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, None, &rsa().private).unwrap();
    let error = key_file::save(&path, None, &ed25519().private).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
    assert_eq!(
        key_file::load(&path).unwrap().key.expose_secret(),
        rsa().private.expose_secret()
    );
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let error = key_file::save(folder.path().join("folder"), None, &ed25519().private).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
}

#[test]
fn of_many_concurrent_saves_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| key_file::save(&path, None, &ed25519().private)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(
            matches!(
                error,
                KeyFileError::Exists { .. } | KeyFileError::StaleTemporaryFile { .. }
            ),
            "{error}"
        );
    }
    assert_eq!(names(folder.path()), ["kalshi.pem"]);
}

#[test]
fn save_refuses_an_impossible_name() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        folder.path().join("no/such/folder.pem"),
        "/".into(),
        "".into(),
        folder.path().join("a/.."),
    ] {
        let error = key_file::save(&path, None, &ed25519().private).unwrap_err();
        assert!(
            matches!(
                error,
                KeyFileError::NotSaved { .. } | KeyFileError::Exists { .. }
            ),
            "{path:?}: {error}"
        );
        assert!(
            !error.to_string().contains('\n') && error.to_string().contains("; "),
            "{error}"
        );
    }
    // Refused by its form, before the system is asked.
    for path in [
        "/".into(),
        "".into(),
        folder.path().join("a/.."),
        folder.path().join("a/"),
        folder.path().join("a/."),
    ] {
        for result in [
            key_file::check(&path),
            key_file::save(&path, None, &ed25519().private),
        ] {
            let Err(KeyFileError::NotSaved { source, .. }) = result else {
                panic!("{path:?}: {result:?}")
            };
            assert_eq!(
                source.kind(),
                std::io::ErrorKind::InvalidFilename,
                "{path:?}"
            );
        }
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn check_refuses_what_cannot_be_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::check(&path).unwrap();
    assert!(
        names(folder.path()).is_empty(),
        "check leaves nothing behind"
    );
    for path in [
        folder.path().join("no/such/folder.pem"),
        folder.path().join("a".repeat(300)),
        folder.path().join("a/"),
        "/".into(),
    ] {
        key_file::check(&path).unwrap_err();
    }
    std::fs::write(&path, "").unwrap();
    assert!(matches!(
        key_file::check(&path),
        Err(KeyFileError::Exists { .. })
    ));
}

#[test]
fn load_refuses_a_missing_or_binary_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    assert!(matches!(
        key_file::load(&path).unwrap_err(),
        CredentialsError::File { .. }
    ));
    std::fs::write(&path, [0x30, 0xff]).unwrap();
    assert!(matches!(
        key_file::load(&path).unwrap_err(),
        CredentialsError::KeyFile { .. }
    ));
}

#[test]
fn the_file_names_its_api_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, Some(KEY_ID), &rsa().private).unwrap();
    assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), KEY_ID);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        format!(
            "Kalshi-API-Key-ID: {KEY_ID}\n{}",
            rsa().private.expose_secret()
        )
    );
    // Other programs skip the line.
    if let Some(public) = openssl(folder.path(), &["pkey", "-in", "kalshi.pem", "-pubout"]) {
        assert_eq!(String::from_utf8(public).unwrap(), rsa().public);
    }
}

/// It would not be read back.
#[test]
fn an_unusable_id_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    for id in ["", "a b", "a\n", "a\\nb", "\"a\"", "é"] {
        let result = key_file::save(&path, Some(id), &ed25519().private);
        assert!(
            matches!(result, Err(KeyFileError::NotSaved { .. })),
            "{id:?}: {result:?}"
        );
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn an_id_can_be_added_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, None, &ed25519().private).unwrap();
    assert!(Credentials::from_key_file(&path).is_err());
    key_file::add_key_id(&path, KEY_ID).unwrap();
    assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), KEY_ID);
    key_file::add_key_id(&path, KEY_ID).unwrap();
    assert!(matches!(
        key_file::add_key_id(&path, "other"),
        Err(KeyFileError::NamesAnotherKey { .. })
    ));
    assert_eq!(
        Credentials::from_key_file(&path).unwrap().fingerprint(),
        ed25519().credentials().fingerprint()
    );
    assert!(!key_file::load(&path).unwrap().readable_by_others);
    assert_eq!(names(folder.path()), ["kalshi.pem"]);
}

#[test]
fn a_temporary_file_of_a_killed_run_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    std::fs::write(
        folder.path().join(".kalshi.pem.kalshi-tmp"),
        "perhaps a key",
    )
    .unwrap();
    for result in [
        key_file::check(&path),
        key_file::save(&path, None, &ed25519().private),
    ] {
        assert!(
            matches!(result, Err(KeyFileError::StaleTemporaryFile { .. })),
            "{result:?}"
        );
    }
    assert_eq!(names(folder.path()), [".kalshi.pem.kalshi-tmp"]);
}

#[test]
fn lines_may_end_in_crlf() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, None, &rsa().private).unwrap();
    key_file::add_key_id(&path, KEY_ID).unwrap();
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace('\n', "\r\n");
    std::fs::write(&path, text).unwrap();
    assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), KEY_ID);
}

#[cfg(unix)] // Modes and links.
mod unix {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn the_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kalshi.pem");
        key_file::save(&path, None, &ed25519().private).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, readable) in [
            (0o600, false),
            (0o400, false),
            (0o640, true),
            (0o604, true),
            (0o644, true),
        ] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                key_file::load(&path).unwrap().readable_by_others,
                readable,
                "{mode:o}"
            );
        }
    }

    #[test]
    fn save_refuses_a_folder_that_everyone_may_write_to() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, refused) in [
            (0o700, false),
            (0o755, false),
            (0o777, true),
            (0o702, true),
            (0o1777, false),
        ] {
            set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let path = folder.path().join(format!("{mode:o}.pem"));
            let saved = key_file::save(&path, None, &ed25519().private);
            assert_eq!(
                matches!(saved, Err(KeyFileError::SharedFolder { .. })),
                refused,
                "{mode:o}: {saved:?}"
            );
            assert_eq!(path.exists(), !refused);
        }
    }

    #[test]
    fn save_accepts_names_that_only_windows_refuses() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a:b", "a.", "a "] {
            key_file::save(folder.path().join(name), None, &ed25519().private).unwrap();
        }
    }

    #[test]
    fn save_does_not_follow_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (
            folder.path().join("link.pem"),
            folder.path().join("target.pem"),
        );
        symlink(&target, &link).unwrap();
        assert!(matches!(
            key_file::save(&link, None, &ed25519().private).unwrap_err(),
            KeyFileError::Exists { .. }
        ));
        assert!(!target.exists());
    }
}

#[cfg(windows)] // Access control lists and reserved names.
pub mod windows {
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::process::Command;

    use super::*;

    fn icacls(path: &Path, arguments: &[&str]) {
        let status = Command::new("icacls")
            .arg(path)
            .args(arguments)
            .arg("/q")
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
    }

    pub fn allow_everyone(path: &Path) {
        icacls(path, &["/grant:r", "*S-1-1-0:R"]);
    }

    pub fn restrict_to_owner(path: &Path) {
        icacls(path, &["/inheritance:r", "/grant:r", "*S-1-3-4:F"]);
    }

    /// Returns the access control list of a file, as SDDL.
    fn access_control_list(path: &Path) -> String {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("acl");
        icacls(path, &["/save", list.to_str().unwrap()]);
        let text = std::fs::read(list).unwrap();
        let text: Vec<_> = text
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&text)
            .unwrap()
            .lines()
            .nth(1)
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_file_is_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (
            folder.path().join("ours.pem"),
            folder.path().join("plain.pem"),
        );
        key_file::save(&ours, Some(KEY_ID), &ed25519().private).unwrap();
        std::fs::write(&plain, ed25519().private.expose_secret()).unwrap();
        assert_ne!(access_control_list(&ours), access_control_list(&plain));
        for _ in 0..2 {
            assert!(
                !access_control_list(&ours).contains(";WD)"),
                "{}",
                access_control_list(&ours)
            );
            assert!(!key_file::load(&ours).unwrap().readable_by_others);
            allow_everyone(&ours);
            assert!(
                access_control_list(&ours).contains(";WD)"),
                "{}",
                access_control_list(&ours)
            );
            assert!(key_file::load(&ours).unwrap().readable_by_others);
            restrict_to_owner(&ours);
        }
        // A file that replaces another does not take over its permissions.
        std::fs::remove_file(&ours).unwrap();
        key_file::save(&ours, None, &ed25519().private).unwrap();
        allow_everyone(&ours);
        key_file::add_key_id(&ours, KEY_ID).unwrap();
        assert!(!key_file::load(&ours).unwrap().readable_by_others);
    }

    /// Whoever opens the temporary file before it is restricted could read the key later.
    #[test]
    fn a_file_that_another_process_has_open_gets_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kalshi.pem");
        let temporary = folder.path().join(".kalshi.pem.kalshi-tmp");
        let read = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut read = 0;
                while !path.exists() {
                    let open = std::fs::OpenOptions::new()
                        .read(true)
                        .share_mode(7)
                        .open(&temporary);
                    read += usize::from(open.is_ok());
                }
                read
            });
            key_file::save(&path, None, &ed25519().private).unwrap();
            watch.join().unwrap()
        });
        assert_eq!(read, 0, "the temporary file could be opened");
    }

    #[test]
    fn names_that_windows_reserves_are_refused_before_a_key_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "CON",
            "nul",
            "prn.pem",
            "AUX.tar.gz",
            "com1",
            "LPT9.pem",
            "COM\u{b9}",
            "CONIN$",
            "nul .pem",
        ];
        for name in names
            .into_iter()
            .chain(["a:b", "a.", "a ", "a?", "a*", "a|b", "a\"b", "a<b"])
        {
            let path = folder.path().join(name);
            for result in [
                key_file::check(&path),
                key_file::save(&path, None, &ed25519().private),
            ] {
                assert!(
                    matches!(result, Err(KeyFileError::NotSaved { .. })),
                    "{name}: {result:?}"
                );
            }
        }
        for name in ["console.pem", "com10", "null", "lpt", "a com1"] {
            key_file::check(folder.path().join(name)).unwrap();
        }
        assert!(super::names(folder.path()).is_empty());
    }

    #[test]
    fn devices_are_not_key_files() {
        for path in ["NUL", r"\\.\NUL"] {
            assert!(
                matches!(
                    key_file::load(path).unwrap_err(),
                    CredentialsError::File { .. }
                ),
                "{path}"
            );
        }
    }

    #[test]
    fn paths_have_backslashes_and_slashes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a b")).unwrap();
        for (n, separator) in ["\\", "/"].into_iter().enumerate() {
            let path = format!(
                "{}{separator}a b{separator}{n}.pem",
                folder.path().display()
            );
            key_file::check(&path).unwrap();
            key_file::save(&path, Some(KEY_ID), &ed25519().private).unwrap();
            assert_eq!(Credentials::from_key_file(&path).unwrap().key_id(), KEY_ID);
        }
        assert_eq!(super::names(&folder.path().join("a b")).len(), 2);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
