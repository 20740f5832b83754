//! `generate` and `create`: a private key is kept before anything else is said, and none is left without its holder.

use std::path::{Path, PathBuf};

use kalshi_api_keys::key_file::{self, KeyFileError};
use kalshi_api_keys::text::printable;
use kalshi_api_keys::types::{ApiKeyScope, CreateApiKeyRequest, GenerateApiKeyRequest, PrivateKeyPem};
use kalshi_api_keys::{Client, Effect, Error, ErrorExt as _, KeyPair};

use crate::arguments::{Create, Generate};
use crate::failure::{self, Failure};
use crate::output::{self, print, quoted, say};

/// Where a private key goes.
enum Keeper {
    File(PathBuf),
    Stdout,
}

impl Keeper {
    /// Whether it can keep a key, as far as that can be told before one is minted.
    fn new(file: Option<PathBuf>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(Self::Stdout) };
        key_file::check(&file)?;
        Ok(Self::File(file))
    }

    fn keep(&self, key: &PrivateKeyPem) -> Result<(), Failure> {
        match self {
            Self::File(file) => match key_file::save(file, key) {
                Err(error @ KeyFileError::NotSynced { .. }) => say(&format!("warning: {error}")),
                saved => saved?,
            },
            Self::Stdout => output::write(key.expose_secret().as_bytes())
                .map_err(|error| Failure::usage(format!("the private key did not arrive at its reader: {error}")))?,
        }
        Ok(())
    }

    /// Drops a key that belongs to nothing; says what became of it.
    fn drop(&self) -> String {
        match self {
            Self::File(file) if std::fs::remove_file(file).is_ok() => format!("{file:?} was removed again"),
            Self::File(file) => format!("{file:?} belongs to no API key; remove it"),
            Self::Stdout => "the private key on stdout belongs to no API key; drop it".to_owned(),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::File(file) => format!("{file:?}"),
            Self::Stdout => "stdout".to_owned(),
        }
    }

    /// Where everything else goes, so that a key on stdout stands alone.
    fn tell(&self, line: &str) -> Result<(), Failure> {
        match self {
            Self::File(_) => print(&format!("{line}\n")),
            Self::Stdout => {
                say(line);
                Ok(())
            }
        }
    }
}

pub async fn generate(client: &Client, what: Generate) -> Result<(), Failure> {
    let keeper = Keeper::new(what.to.out)?;
    warn_of_unknown(&what.key.scopes);
    let body = GenerateApiKeyRequest::builder()
        .name(what.key.name)
        .scopes(what.key.scopes)
        .subaccount(what.key.subaccount)
        .fcm_subtrader_id(what.key.fcm_subtrader)
        .key_type(what.key.key_type);
    let made = match client.generate_api_key().body(body).send().await {
        Ok(made) => made.into_inner(),
        Err(error) => return Err(not_generated(error, &keeper).await),
    };
    if let Err(reason) = keeper.keep(&made.private_key) {
        return Err(withdraw(client, &made.api_key_id, reason).await);
    }
    warn(made.warning);
    keeper.tell(&format!("generated {}; its private key is in {}", printable(&made.api_key_id), keeper.place()))
}

/// What arrived of an answer that cannot be used may be a private key: it is kept as it is.
async fn not_generated(error: Error, keeper: &Keeper) -> Failure {
    if error.effect() != Effect::Unknown {
        return error.into();
    }
    let line = failure::explain(&error);
    let arrived = match error {
        Error::UnexpectedResponse(answer) => answer.bytes().await.unwrap_or_default(),
        _ => Default::default(),
    };
    if arrived.is_empty() {
        return Failure::left_to_do(line).and("a key that you do not know of has no holder: delete it");
    }
    match keeper.keep(&String::from_utf8_lossy(&arrived).into_owned().into()) {
        Ok(()) => Failure::left_to_do(line).and(format!(
            "what arrived is in {}: take the private key out of it, or delete the new key and the file",
            keeper.place()
        )),
        Err(reason) => Failure::left_to_do(line).and(format!("{reason}; what arrived is lost: delete the new key")),
    }
}

/// Deletes a key whose private half could not be kept.
async fn withdraw(client: &Client, id: &str, reason: Failure) -> Failure {
    match client.delete_api_key().api_key(id).send().await {
        Ok(_) => reason.and(format!("the new key {id} was deleted again")),
        Err(error) => Failure::left_to_do(format!(
            "{reason}; the new key {id} is an orphan that was not deleted again ({}); run `kalshi-api-keys delete {}`",
            failure::explain(&error),
            quoted(id)
        )),
    }
}

pub async fn create(client: &Client, what: Create) -> Result<(), Failure> {
    warn_of_unknown(&what.key.scopes);
    let (public_key, keeper) = match &what.public_key {
        Some(file) => (public_key(file)?, None),
        None => {
            let keeper = Keeper::new(what.to.out)?;
            let pair = KeyPair::generate(&what.key.key_type)?;
            let public_key = pair.public_key_pem()?;
            keeper.keep(&pair.private_key_pem()?)?;
            (public_key, Some(keeper))
        }
    };
    let body = CreateApiKeyRequest::builder()
        .name(what.key.name)
        .public_key(public_key)
        .scopes(what.key.scopes)
        .subaccount(what.key.subaccount)
        .fcm_subtrader_id(what.key.fcm_subtrader);
    match (client.create_api_key().body(body).send().await, keeper) {
        (Ok(made), keeper) => {
            let made = made.into_inner();
            warn(made.warning);
            let id = printable(&made.api_key_id);
            match keeper {
                Some(keeper) => keeper.tell(&format!("created {id}; its private key is in {}", keeper.place())),
                None => print(&format!("created {id}\n")),
            }
        }
        (Err(error), Some(keeper)) if error.effect() == Effect::Unknown => Err(Failure::left_to_do(format!(
            "{}; {} is kept: if there is a new key, it holds its private key, and else remove it",
            failure::explain(&error),
            keeper.place()
        ))),
        (Err(error), None) if error.effect() == Effect::Unknown => Err(Failure::left_to_do(failure::explain(&error))),
        (Err(error), Some(keeper)) => Err(Failure::from(error).and(keeper.drop())),
        (Err(error), None) => Err(error.into()),
    }
}

fn public_key(file: &Path) -> Result<String, Failure> {
    let (bytes, _) = key_file::read_small_file(file).map_err(|error| {
        Failure::usage(format!("cannot read the public key file {file:?}: {error}; check the path"))
    })?;
    let pem = String::from_utf8_lossy(&bytes).into_owned();
    // It must never travel.
    if pem.contains("PRIVATE KEY") {
        return Err(Failure::usage(format!(
            "{file:?} holds a private key, and nothing was sent; give its public half"
        )));
    }
    Ok(pem)
}

fn warn(warning: Option<String>) {
    if let Some(warning) = warning {
        say(&format!("warning: the service says: {}", printable(&warning)));
    }
}

/// A scope may be younger than this version, or mistyped: the service knows.
pub fn warn_of_unknown(scopes: &[ApiKeyScope]) {
    for scope in scopes {
        if let ApiKeyScope::Other(scope) = scope {
            say(&format!("warning: this version does not know the scope {}; it is sent as it is", printable(scope)));
        }
    }
}
