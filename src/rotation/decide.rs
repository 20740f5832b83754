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
