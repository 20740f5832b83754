//! `rotate`: each step is in the journal first, and said then.

use std::path::Path;

use kalshi_api_keys::rotation::{self, Failure as Cause, KeyState, Plan, RotationError, Standing, Step};
use kalshi_api_keys::text::printable;
use kalshi_api_keys::{KeyPair, key_file};

use crate::arguments::Rotate;
use crate::connection::Connection;
use crate::failure::{Code, Failure, code};
use crate::journal::Journal;
use crate::leftovers;
use crate::mint::warn_of_unknown;
use crate::output::{print, quoted, say};
use crate::prompt::confirm;

pub async fn rotate(connection: &Connection, what: Rotate) -> Result<(), Failure> {
    let client = connection.client()?;
    let base_url = connection.environment()?.base_url()?.to_string();
    if let Some(journal) = Journal::of(&what.out)? {
        return leftovers::explain(connection, &client, &base_url, &what.out, journal).await;
    }
    key_file::check(&what.out)?;
    let old = client.signer().credentials().key_id().to_owned();
    confirm(&format!("Replace the key {old} of {base_url} and delete it?"), what.yes)?;
    warn_of_unknown(&what.scopes);

    let before = client.get_api_keys().send().await?.into_inner().api_keys;
    let before = before.into_iter().map(|key| key.api_key_id).collect();
    let mut plan = Plan::new(&what.out);
    plan = match what.local {
        true => plan.from_pair(KeyPair::generate(&what.key_type)?),
        false => plan.generated(what.key_type),
    };
    if let Some(name) = what.name {
        plan = plan.name(name);
    }
    if !what.scopes.is_empty() {
        plan = plan.scopes(what.scopes);
    }
    let mut journal = Journal::begin(&what.out, base_url, old, before)?;
    let path = journal.path().to_owned();
    let plan = plan.on_step(move |step| {
        if let Err(error) = journal.add(step) {
            say(&format!("warning: {:?} could not be written: {error}; keep this output", journal.path()));
        }
        // Nobody's listening must not end a rotation half-way.
        let _ = print(&format!("{}\n", printable(&words(step))));
    });
    match rotation::rotate(&client, plan).await {
        Ok(rotated) => {
            remove(&path);
            if let Some(warning) = rotated.warning {
                say(&format!("warning: the service says: {}", printable(&warning)));
            }
            print(&now_set(&rotated.key_id, &what.out))
        }
        Err(error) => Err(not_rotated(&error, &path)),
    }
}

/// What to do once a new key is in service.
pub fn now_set(id: &str, file: &Path) -> String {
    let (id, file) = (quoted(&printable(id)), quoted(&file.to_string_lossy()));
    format!("done; from now on set KALSHI_API_KEY_ID={id} and KALSHI_PRIVATE_KEY_PATH={file}\n")
}

fn words(step: &Step) -> String {
    match step {
        Step::Minting { before, old } => format!("minting a key to replace {old}, one of {}", before.len()),
        Step::Minted { id } => format!("minted {id}"),
        Step::Saved { file } => format!("saved the new private key to {file:?}"),
        Step::SignedIn { id } => format!("signed in with {id}"),
        Step::Deleted { id } => format!("deleted {id}"),
        Step::Confirmed => "confirmed: the new key is listed, the old one is not".to_owned(),
        other => format!("{other:?}"),
    }
}

fn not_rotated(error: &RotationError, journal: &Path) -> Failure {
    if !is_undone(&error.standing) {
        return Failure::left_to_do(format!("{error}; run the same command again to see what is left to do"));
    }
    remove(journal);
    let class = match &error.failure {
        Cause::List(e) | Cause::Mint(e) | Cause::SignIn(e) | Cause::Delete(e) | Cause::Confirm(e) => code(e),
        Cause::Unprovable(why) => {
            return Failure::usage(format!(
                "the new key {why}, so it cannot be seen to work, and nothing was minted; generate it, try it, and delete \
                 the old one"
            ));
        }
        _ => Code::Usage,
    };
    Failure::new(class, format!("{error}; nothing is left to do: try again once that is mended"))
}

/// Whether all is as it was before.
fn is_undone(standing: &Standing) -> bool {
    let new_is_gone = standing.new.as_ref().is_none_or(|(_, state)| *state == KeyState::Deleted);
    let nothing_more = standing.orphans.is_empty() && !standing.unlisted && standing.file.is_none();
    standing.old.1 == KeyState::InForce && new_is_gone && nothing_more
}

pub fn remove(journal: &Path) {
    if let Err(error) = std::fs::remove_file(journal) {
        say(&format!("warning: {journal:?} could not be removed: {error}; remove it, nothing is left to do"));
    }
}
