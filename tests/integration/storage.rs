//! A private key on disk: for its owner only, never written over, whole or not there.

use std::path::Path;

use kalshi_api_keys::CredentialsError;
use kalshi_api_keys::key_file::{self, KeyFileError};

use crate::fixtures::{ed25519, rsa, shows_key};

#[test]
fn a_key_is_saved_whole_and_loaded_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, &rsa().private).unwrap();
    let stored = key_file::load(&path).unwrap();
    assert_eq!(stored.key.expose_secret(), rsa().private.expose_secret());
    assert!(!stored.readable_by_others);
    assert!(!shows_key(&format!("{stored:?}"), &rsa().private));
    assert_eq!(names(folder.path()), ["kalshi.pem"], "no temporary name is left");
}

#[test]
fn nothing_is_ever_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::save(&path, &rsa().private).unwrap();
    let error = key_file::save(&path, &ed25519().private).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
    assert_eq!(key_file::load(&path).unwrap().key.expose_secret(), rsa().private.expose_secret());
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let error = key_file::save(folder.path().join("folder"), &ed25519().private).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }), "{error}");
}

#[test]
fn of_many_that_save_at_once_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    let saved = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| key_file::save(&path, &ed25519().private).is_ok())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|saved| *saved).count()
    });
    assert_eq!(saved, 1);
    assert_eq!(names(folder.path()), ["kalshi.pem"]);
}

#[test]
fn a_name_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("no/such/folder.pem"), "/".into(), "".into(), folder.path().join("a/..")] {
        let error = key_file::save(&path, &ed25519().private).unwrap_err();
        assert!(matches!(error, KeyFileError::NotSaved { .. } | KeyFileError::Exists { .. }), "{path:?}: {error}");
        assert!(!error.to_string().contains('\n') && error.to_string().contains("; "), "{error}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_saved_is_known_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    key_file::check(&path).unwrap();
    assert!(names(folder.path()).is_empty(), "nothing is left of the trial");
    for path in [folder.path().join("no/such/folder.pem"), folder.path().join("a".repeat(300)), "/".into()] {
        key_file::check(&path).unwrap_err();
    }
    std::fs::write(&path, "").unwrap();
    assert!(matches!(key_file::check(&path), Err(KeyFileError::Exists { .. })));
}

#[test]
fn a_file_that_is_no_text_or_not_there_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    assert!(matches!(key_file::load(&path).unwrap_err(), CredentialsError::File { .. }));
    std::fs::write(&path, [0x30, 0xff]).unwrap();
    assert!(matches!(key_file::load(&path).unwrap_err(), CredentialsError::KeyFile { .. }));
}

#[cfg(unix)]
mod unix {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kalshi.pem");
        key_file::save(&path, &ed25519().private).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, readable) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true)] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(key_file::load(&path).unwrap().readable_by_others, readable, "{mode:o}");
        }
    }

    #[test]
    fn a_folder_that_everyone_writes_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, refused) in [(0o700, false), (0o755, false), (0o777, true), (0o702, true), (0o1777, false)] {
            set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let path = folder.path().join(format!("{mode:o}.pem"));
            let saved = key_file::save(&path, &ed25519().private);
            assert_eq!(matches!(saved, Err(KeyFileError::SharedFolder { .. })), refused, "{mode:o}: {saved:?}");
            assert_eq!(path.exists(), !refused);
        }
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link.pem"), folder.path().join("target.pem"));
        symlink(&target, &link).unwrap();
        assert!(matches!(key_file::save(&link, &ed25519().private).unwrap_err(), KeyFileError::Exists { .. }));
        assert!(!target.exists());
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
