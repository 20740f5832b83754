//! From what was observed to the next step: a pure function.

use super::journal::Goal;
use super::plan::Binding;
use crate::types::ApiKey;

/// What is in the key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileState<'a> {
    /// Nothing.
    Missing,
    /// A private key without an ID: it was generated here, and perhaps registered.
    WithoutId,
    /// A private key and its ID.
    WithId(&'a str),
    /// Something else.
    Unusable,
}

/// What is known of the new key, as far as the list can be trusted to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing has been signed by it yet.
    None,
    /// It signed the list, or the plan's probe saw it work.
    Works,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Delete a key of this rotation whose private key is not in the file.
    DeleteStray(&'a str),
    /// Find out whether the private key in the file belongs to this key of this rotation.
    Identify(&'a str),
    /// Create the new key.
    Create,
    /// The file does not hold the private key of this rotation.
    RefuseFile,
    /// The list does not contain the new key: list again.
    ListAgain(&'a str),
    /// The new key is not as asked for.
    RefuseKey(&'a str),
    /// See that the new key works.
    Verify,
    /// Delete the old key.
    DeleteOld,
    /// Nothing is left to do.
    Finish,
}

/// Decides the next step from a verified list and the key file.
pub(super) fn decide<'a>(goal: &'a Goal, file: FileState<'a>, keys: &'a [ApiKey], proof: Proof) -> Next<'a> {
    let is_in_file = |key: &ApiKey| matches!(file, FileState::WithId(id) if id == key.api_key_id);
    if let Some(stray) = keys.iter().find(|key| key.name == goal.name && !is_in_file(key)) {
        return match file {
            FileState::WithoutId => Next::Identify(&stray.api_key_id),
            _ => Next::DeleteStray(&stray.api_key_id),
        };
    }
    let new_key_id = match file {
        FileState::Missing | FileState::WithoutId => return Next::Create,
        FileState::Unusable => return Next::RefuseFile,
        FileState::WithId(id) => id,
    };
    let Some(new_key) = keys.iter().find(|key| is_in_file(key)) else { return Next::ListAgain(new_key_id) };
    if !is_as_asked(goal, new_key) {
        return Next::RefuseKey(new_key_id);
    }
    match proof {
        Proof::None => Next::Verify,
        Proof::Works if keys.iter().any(|key| key.api_key_id == goal.old_key_id) => Next::DeleteOld,
        Proof::Works => Next::Finish,
    }
}

/// Whether a key has the name, the scopes and the binding that were asked for.
fn is_as_asked(goal: &Goal, key: &ApiKey) -> bool {
    let has_all = |a: &[_], b: &[_]| a.iter().all(|scope| b.contains(scope));
    let same_scopes = has_all(&goal.scopes, &key.scopes) && has_all(&key.scopes, &goal.scopes);
    key.name == goal.name && same_scopes && goal.binding == Binding::of(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn goal() -> Goal {
        let goal = json!({
            "version": 1, "base_url": "", "old_key_id": "old", "name": "ours", "scopes": ["read", "write"],
            "binding": { "subaccount": 7 }, "source": { "service": "ed25519" },
        });
        serde_json::from_value(goal).unwrap()
    }

    fn key(id: &str, name: &str) -> ApiKey {
        let key = json!({ "api_key_id": id, "name": name, "scopes": ["write", "read"], "subaccount": 7 });
        serde_json::from_value(key).unwrap()
    }

    #[test]
    fn every_state_has_its_next_step() {
        use FileState::{Missing, Unusable, WithId, WithoutId};
        use Next::*;
        use Proof::{None, Works};
        let (old, new, stray, other) = (key("old", "o"), key("new", "ours"), key("stray", "ours"), key("other", "o"));
        let table = [
            // Nothing was created, or it was deleted again.
            (Missing, vec![&old, &other], None, Create),
            (WithoutId, vec![&old], None, Create),
            (Unusable, vec![&old], None, RefuseFile),
            // A key whose private half is not in the file.
            (Missing, vec![&old, &stray], None, DeleteStray("stray")),
            (Unusable, vec![&old, &stray], None, DeleteStray("stray")),
            (WithId("new"), vec![&old, &new, &stray], Works, DeleteStray("stray")),
            (WithId("new"), vec![&stray], None, DeleteStray("stray")),
            (WithoutId, vec![&old, &new], None, Identify("new")),
            // The new key, as far as it is proved.
            (WithId("new"), vec![&old], None, ListAgain("new")),
            (WithId("new"), vec![], Works, ListAgain("new")),
            (WithId("new"), vec![&old, &new], None, Verify),
            (WithId("new"), vec![&new], None, Verify),
            (WithId("new"), vec![&old, &new, &other], Works, DeleteOld),
            (WithId("new"), vec![&new, &other], Works, Finish),
            // A file that belongs to a key of another name, such as the old one.
            (WithId("old"), vec![&old], Works, RefuseKey("old")),
        ];
        for (file, keys, proof, next) in table {
            let keys: Vec<_> = keys.into_iter().cloned().collect();
            assert_eq!(decide(&goal(), file, &keys, proof), next, "{file:?} {proof:?} {keys:?}");
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
            let goal = goal();
            assert_eq!(decide(&goal, FileState::WithId("new"), &keys, Proof::Works), Next::RefuseKey("new"), "{field}");
        }
    }
}
