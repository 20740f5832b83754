//! What an interrupted rotation left: it is looked at and said, and nothing is done.

use std::path::Path;

use http::StatusCode;
use kalshi_api_keys::text::printable;
use kalshi_api_keys::types::ApiKey;
use kalshi_api_keys::{Client, Credentials, Error};

use crate::connection::Connection;
use crate::failure::{self, Failure};
use crate::journal::Journal;
use crate::output::{print, quoted};
use crate::rotate::{now_set, remove};

pub async fn explain(
    connection: &Connection,
    client: &Client,
    base_url: &str,
    file: &Path,
    mut journal: Journal,
) -> Result<(), Failure> {
    if journal.base_url != base_url {
        return Err(Failure::usage(format!(
            "the rotation that {:?} tells of was one of {}, not of {base_url}; name that environment",
            journal.path(),
            journal.base_url
        )));
    }
    let mut flags = connection.flags();
    let keys = match list(client).await {
        Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {
            // The old key may be gone.
            let new = journal.new.as_deref().and_then(|id| Some((id, with(client, id, file)?)));
            let refused = || failure::explain(&error);
            let Some((id, new)) = new else { return Err(cannot_look(&journal, &refused())) };
            flags = format!(" --api-key-id {} --private-key-path {}", quoted(id), quoted(&file.to_string_lossy()));
            flags += &connection.place();
            list(&new).await.map_err(|_| cannot_look(&journal, &refused()))?
        }
        listed => listed?,
    };
    let fresh: Vec<&ApiKey> = keys.iter().filter(|key| !journal.before.contains(&key.api_key_id)).collect();
    let held = holder(client, &fresh, file).await?;
    if let Some(new) = held.filter(|new| journal.new.as_ref() != Some(&new.api_key_id)) {
        journal.learn(&new.api_key_id).map_err(|error| {
            let (id, path) = (printable(&new.api_key_id), journal.path());
            Failure::left_to_do(format!("{path:?} cannot be written: {error}; note that {file:?} is of the key {id}"))
        })?;
    }
    let found = Found {
        old: keys.iter().find(|key| key.api_key_id == journal.old),
        orphans: fresh
            .iter()
            .copied()
            .filter(|key| held.is_none_or(|held| held.api_key_id != key.api_key_id))
            .collect(),
        held,
        file: file.exists(),
    };
    tell(&found, &journal, file, &flags)
}

/// What there is now.
struct Found<'a> {
    old: Option<&'a ApiKey>,
    /// The new key that the file's private key signs in with.
    held: Option<&'a ApiKey>,
    /// Other keys that there were not before.
    orphans: Vec<&'a ApiKey>,
    file: bool,
}

fn tell(found: &Found<'_>, journal: &Journal, file: &Path, flags: &str) -> Result<(), Failure> {
    if let (None, Some(new), []) = (found.old, found.held, found.orphans.as_slice()) {
        remove(journal.path());
        print(&format!("the old key {} is gone and the new key {} works\n", journal.old, printable(&new.api_key_id)))?;
        return print(&now_set(&new.api_key_id, file));
    }
    if let (Some(_), None, [], false) = (found.old, found.held, found.orphans.as_slice(), found.file) {
        remove(journal.path());
        return Err(Failure::left_to_do(
            "the rotation was interrupted, but no new key is left of it; run the same command again to rotate",
        ));
    }
    let steps = if journal.steps.is_empty() { "nothing".to_owned() } else { journal.steps.join(", ") };
    let mut said = format!("a rotation was interrupted; done were: {}\n", printable(&steps));
    let mut next = Vec::new();
    let mut delete =
        |key: &ApiKey| next.push(format!("kalshi-api-keys{flags} delete {}", quoted(&printable(&key.api_key_id))));
    match (found.old, found.held) {
        (Some(old), Some(_)) => {
            said += &format!("the old key {} is in force\n", printable(&old.api_key_id));
            delete(old);
        }
        (Some(old), None) => said += &format!("the old key {} is in force, and stays\n", printable(&old.api_key_id)),
        (None, _) => said += &format!("the old key {} is gone\n", printable(&journal.old)),
    }
    if let Some(new) = found.held {
        said +=
            &format!("the new key {} is in force, and {file:?} holds its private key\n", printable(&new.api_key_id));
    }
    for key in &found.orphans {
        let (id, name) = (printable(&key.api_key_id), printable(&key.name));
        said += &format!("the key {id} ({name}) appeared since, an orphan unless somebody else made it\n");
        delete(key);
    }
    if found.file && found.held.is_none() {
        said += &format!("{file:?} holds a private key that signs in with none of the keys\n");
        next.push(format!("rm {}", quoted(&file.to_string_lossy())));
    }
    if next.is_empty() {
        next.push(format!("rm {}", quoted(&journal.path().to_string_lossy())));
    }
    said += "left to do:\n";
    next.iter().for_each(|command| said += &format!("  {command}\n"));
    print(&said)?;
    Err(Failure::left_to_do("a rotation was interrupted; run the commands above, then the same command again"))
}

fn cannot_look(journal: &Journal, reason: &str) -> Failure {
    Failure::left_to_do(format!(
        "a rotation was interrupted, and neither the key that signs nor the new one signs in to look: {reason}; sign with a \
         key that works, and see {:?}",
        journal.path()
    ))
}

/// The key that the file's private key signs in with.
async fn holder<'a>(client: &Client, keys: &[&'a ApiKey], file: &Path) -> Result<Option<&'a ApiKey>, Error> {
    for key in keys {
        let Some(client) = with(client, &key.api_key_id, file) else { return Ok(None) };
        match list(&client).await {
            Ok(_) => return Ok(Some(key)),
            Err(error) if error.status() == Some(StatusCode::UNAUTHORIZED) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn with(client: &Client, id: &str, file: &Path) -> Option<Client> {
    Credentials::from_pem_file(id, file).ok().map(|credentials| client.with_credentials(credentials))
}

async fn list(client: &Client) -> Result<Vec<ApiKey>, Error> {
    Ok(client.get_api_keys().send().await?.into_inner().api_keys)
}
