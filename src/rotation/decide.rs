//! Chooses the next step of a rotation from what was observed: a pure function.

use super::error::Failure;
use super::journal::Goal;
use crate::types::ApiKey;
use crate::{Credentials, CredentialsError};

/// What is in the key file.
#[derive(Debug)]
pub(super) enum KeyFile {
    Missing,
    /// A private key without the ID of its API key.
    WithoutId(Origin),
    WithId(Credentials),
    /// Something that this rotation did not write.
    Foreign,
    /// Something that cannot be read.
    Unusable(CredentialsError),
}

/// Where a private key in the file comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// This rotation generated it, and perhaps registered it.
    Generated,
    /// This rotation saved it with this ID, which the file has lost.
    Saved(String),
    /// The service generated it, and the file has lost the ID; or somebody else put it there.
    Unknown,
}

impl KeyFile {
    pub(super) fn key_id(&self) -> Option<&str> {
        match self {
            Self::WithId(credentials) => Some(credentials.key_id()),
            _ => None,
        }
    }

    pub(super) fn into_error(self) -> Failure {
        match self {
            Self::Unusable(error) => error.into(),
            _ => Failure::ForeignFile,
        }
    }
}

/// The next step.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Find out whether the private key in the file belongs to this key of the rotation; if it
    /// does, add the ID.
    Identify(String),
    /// Delete this key of the rotation, whose private key is not in the file.
    DeleteStray(String),
    /// Create the new key.
    Create,
    /// The file does not hold the private key of this rotation.
    RefuseFile,
    /// This new key was saved, and may be in use, but is not the one in the file.
    RefuseElsewhere(String),
    /// The file names a key that this rotation did not create.
    RefuseForeignKey(String),
    /// The new key does not match the goal.
    RefuseKey(String),
    /// The list does not contain the new key: list again.
    ListAgain(String),
    /// The new key did not sign the list: list again.
    Verify,
    /// Delete the old key.
    DeleteOld,
    /// Nothing is left to do.
    Finish,
}

/// Decides the next step from the key file, the IDs of the keys that were saved, and a verified
/// list, which the new key signed or not.
pub(super) fn decide(
    goal: &Goal,
    file: &KeyFile,
    saved: &[String],
    keys: &[ApiKey],
    signed_by_new_key: bool,
) -> Next {
    let is_saved = |id: &String| saved.contains(id);
    let not_in_file = |id: &String| file.key_id() != Some(id);
    let is_stray = |key: &&ApiKey| {
        is_ours(goal, key) && not_in_file(&key.api_key_id) && !is_saved(&key.api_key_id)
    };
    if let Some(stray) = keys.iter().find(is_stray) {
        let id = stray.api_key_id.clone();
        return if matches!(file, KeyFile::WithoutId(_)) {
            Next::Identify(id)
        } else {
            Next::DeleteStray(id)
        };
    }
    // The last one is the likeliest to be in the file.
    let is_listed = |id: &&String| not_in_file(id) && keys.iter().any(|key| key.api_key_id == **id);
    let id = match (file, saved.iter().rev().find(is_listed).cloned()) {
        (KeyFile::Foreign | KeyFile::Unusable(_), _)
        | (KeyFile::WithoutId(Origin::Unknown), None) => {
            return Next::RefuseFile;
        }
        (KeyFile::WithoutId(_), Some(saved)) => return Next::Identify(saved),
        (KeyFile::Missing | KeyFile::WithId(_), Some(saved)) => {
            return Next::RefuseElsewhere(saved);
        }
        (KeyFile::WithoutId(Origin::Saved(id)), None) => return Next::ListAgain(id.clone()),
        (KeyFile::Missing | KeyFile::WithoutId(Origin::Generated), None) => return Next::Create,
        (KeyFile::WithId(credentials), None) => credentials.key_id().to_owned(),
    };
    match keys.iter().find(|key| key.api_key_id == id) {
        None => Next::ListAgain(id),
        Some(key) if !is_ours(goal, key) && !is_saved(&id) => Next::RefuseForeignKey(id),
        Some(key) if !is_ours(goal, key) || !matches_goal(goal, key) => Next::RefuseKey(id),
        Some(_) if !signed_by_new_key => Next::Verify,
        Some(_) if keys.iter().any(|key| key.api_key_id == goal.old_key_id) => Next::DeleteOld,
        Some(_) => Next::Finish,
    }
}

/// Returns whether a key was created by this rotation.
pub(super) fn is_ours(goal: &Goal, key: &ApiKey) -> bool {
    let name = key.name.as_deref().unwrap_or_default();
    name.contains(&goal.token)
}

/// Returns whether a key of this rotation has the scopes and the sub-account that were asked for.
fn matches_goal(goal: &Goal, key: &ApiKey) -> bool {
    let Some(scopes) = &key.scopes else {
        return false;
    };
    let has_all = |a: &[_], b: &[_]| a.iter().all(|scope| b.contains(scope));
    let same_scopes = has_all(&goal.scopes, scopes) && has_all(scopes, &goal.scopes);
    let is_read = key.unread().next().is_none();
    is_read && same_scopes && goal.subaccount == key.subaccount && key.fcm_subtrader_id.is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{KeyAlgorithm, KeyPair};

    fn goal() -> Goal {
        let goal = json!({
            "version": 1, "base_url": "", "old_key_id": "old", "name": "ours", "token": "ours",
            "scopes": ["read", "write"],
            "subaccount": 7, "source": { "service": "ed25519" },
        });
        serde_json::from_value(goal).unwrap()
    }

    fn key(id: &str, name: &str) -> ApiKey {
        let key =
            json!({ "api_key_id": id, "name": name, "scopes": ["write", "read"], "subaccount": 7 });
        serde_json::from_value(key).unwrap()
    }

    fn with_id(id: &str) -> KeyFile {
        let pair = KeyPair::generate(KeyAlgorithm::Ed25519).unwrap();
        KeyFile::WithId(
            Credentials::from_pem(id, pair.private_key_pem().unwrap().expose_secret()).unwrap(),
        )
    }

    #[test]
    fn every_state_has_its_next_step() {
        use Next::*;
        let (old, new, stray, other) = (
            key("old", "o"),
            key("new", "ours"),
            key("stray", "ours"),
            key("other", "o"),
        );
        let unusable = || KeyFile::Unusable(CredentialsError::MissingApiKeyId(Default::default()));
        let table = [
            // Nothing was created, or it was deleted again.
            (KeyFile::Missing, vec![&old, &other], false, Create),
            (
                KeyFile::WithoutId(Origin::Generated),
                vec![&old],
                false,
                Create,
            ),
            (
                KeyFile::WithoutId(Origin::Unknown),
                vec![&old],
                false,
                RefuseFile,
            ),
            (unusable(), vec![&old], false, RefuseFile),
            (KeyFile::Foreign, vec![&old], false, RefuseFile),
            // A key whose private half is not in the file.
            (
                KeyFile::Missing,
                vec![&old, &stray],
                false,
                DeleteStray("stray".into()),
            ),
            (
                unusable(),
                vec![&old, &stray],
                false,
                DeleteStray("stray".into()),
            ),
            (
                with_id("new"),
                vec![&old, &new, &stray],
                true,
                DeleteStray("stray".into()),
            ),
            (
                with_id("new"),
                vec![&stray],
                false,
                DeleteStray("stray".into()),
            ),
            (
                KeyFile::WithoutId(Origin::Generated),
                vec![&old, &new],
                false,
                Identify("new".into()),
            ),
            (
                KeyFile::WithoutId(Origin::Unknown),
                vec![&old, &new],
                false,
                Identify("new".into()),
            ),
            // The new key, as far as it is proved to work.
            (with_id("new"), vec![&old], false, ListAgain("new".into())),
            (with_id("new"), vec![&old, &new], false, Verify),
            (with_id("new"), vec![&new], false, Verify),
            (with_id("new"), vec![&old, &new, &other], true, DeleteOld),
            (with_id("new"), vec![&new, &other], true, Finish),
            // A file that belongs to a key of another name, such as the old one.
            (
                with_id("old"),
                vec![&old],
                true,
                RefuseForeignKey("old".into()),
            ),
        ];
        for (file, keys, signed_by_new_key, next) in table {
            let keys: Vec<_> = keys.into_iter().cloned().collect();
            assert_eq!(
                decide(&goal(), &file, &[], &keys, signed_by_new_key),
                next,
                "{file:?} {keys:?}"
            );
        }
    }

    #[test]
    fn a_key_that_was_saved_is_never_deleted() {
        let keys = [key("old", "o"), key("new", "ours"), key("newer", "ours")];
        let (saved, elsewhere) = (
            ["new".to_owned(), "newer".to_owned()],
            Next::RefuseElsewhere("new".into()),
        );
        for (file, keys, next) in [
            (KeyFile::Missing, &keys[..2], elsewhere),
            (
                KeyFile::Unusable(CredentialsError::MissingApiKeyId(Default::default())),
                &keys[..2],
                Next::RefuseFile,
            ),
            (KeyFile::Foreign, &keys[..2], Next::RefuseFile),
            // Its file was edited, and lacks the ID.
            (
                KeyFile::WithoutId(Origin::Unknown),
                &keys[..2],
                Next::Identify("new".into()),
            ),
            (
                KeyFile::WithoutId(Origin::Saved("newer".into())),
                &keys,
                Next::Identify("newer".into()),
            ),
            (
                KeyFile::WithoutId(Origin::Saved("newer".into())),
                &keys[..1],
                Next::ListAgain("newer".into()),
            ),
            // Another one was created and saved because a list lacked it.
            (with_id("newer"), &keys, Next::RefuseElsewhere("new".into())),
            (with_id("new"), &keys, Next::RefuseElsewhere("newer".into())),
            // Unless somebody else deleted it: then another one is created.
            (KeyFile::Missing, &keys[..1], Next::Create),
            (
                with_id("newer"),
                &[key("old", "o"), key("newer", "ours")],
                Next::DeleteOld,
            ),
            // Its name is not as asked for.
            (
                with_id("new"),
                &[key("old", "o"), key("new", "renamed")],
                Next::RefuseKey("new".into()),
            ),
        ] {
            assert_eq!(decide(&goal(), &file, &saved, keys, true), next, "{file:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_as_asked_does_not_replace_the_old_one() {
        let fields = [
            ("scopes", json!(["read"])),
            ("scopes", json!(["read", "write", "write::trade"])),
            ("scopes", json!([])),
            ("subaccount", json!(8)),
            ("subaccount", json!(null)),
            ("fcm_subtrader_id", json!("a_b")),
        ];
        for (field, value) in fields {
            let mut new = serde_json::to_value(key("new", "ours")).unwrap();
            new[field] = value;
            let keys = [key("old", "o"), serde_json::from_value(new).unwrap()];
            assert_eq!(
                decide(&goal(), &with_id("new"), &[], &keys, true),
                Next::RefuseKey("new".into()),
                "{field}"
            );
        }
    }
}
