//! `generate` and `create`: a private key is saved before anything else is said.

use std::path::{Path, PathBuf};

use kalshi_api_keys::key_file::{self, KeyFileError};
use kalshi_api_keys::rotation::{self, RetryPolicy};
use kalshi_api_keys::text::{printable, quoted_path, with_causes};
use kalshi_api_keys::types::{
    ApiKeyScope, CreateApiKeyRequest, GenerateApiKeyRequest, PrivateKeyPem, PublicKeyPem,
};
use kalshi_api_keys::{Client, Effect, Error, KeyPair};

use crate::arguments::{Create, Generate};
use crate::failure::Failure;
use crate::output::{self, print_done, print_to_stderr};

/// Where a private key goes.
enum Destination {
    File(PathBuf),
    Stdout,
}

impl Destination {
    /// Checks that it can take a key, as far as that can be known before one is created.
    fn new(file: Option<PathBuf>) -> Result<Self, Failure> {
        match file {
            Some(file) => {
                key_file::check(&file)?;
                Ok(Self::File(file))
            }
            None if output::stdout_is_discarded() => Err(Failure::usage(
                "stdout is closed, a null device or open for reading only, so the private key would be lost; redirect it, or use --out",
            )),
            None => Ok(Self::Stdout),
        }
    }

    fn save(&self, key_id: Option<&str>, key: &PrivateKeyPem) -> Result<(), Failure> {
        match self {
            Self::File(file) => warn_if_not_synced(key_file::save(file, key_id, key))?,
            Self::Stdout => output::write(key.expose_secret().as_bytes()).map_err(|error| {
                Failure::usage(format!("cannot write the private key to stdout: {error}"))
            })?,
        }
        Ok(())
    }

    /// Says what was done: where a key on stdout stands alone.
    fn report(&self, done: &str, key_id: &str) -> Result<(), Failure> {
        let key_id = printable(key_id);
        match self {
            Self::File(file) => print_done(&format!(
                "{done} {key_id}; its private key is in {}",
                quoted_path(file)
            )),
            Self::Stdout => {
                print_to_stderr(&format!("{done} {key_id}; its private key is on stdout"));
                Ok(())
            }
        }
    }
}

/// Turns a failed sync of a saved file into a warning: only a power failure could still take it
/// away.
fn warn_if_not_synced(saved: Result<(), KeyFileError>) -> Result<(), KeyFileError> {
    match saved {
        Err(error @ KeyFileError::NotSynced { .. }) => {
            print_to_stderr(&format!("warning: {}", with_causes(&error)));
            Ok(())
        }
        saved => saved,
    }
}

pub async fn generate(client: &Client, arguments: Generate) -> Result<(), Failure> {
    let destination = Destination::new(arguments.to.out)?;
    let key = arguments.key;
    warn_of_unknown(&key.scopes);
    let body = GenerateApiKeyRequest::builder()
        .name(key.name.as_str())
        .scopes(key.scopes)
        .subaccount(key.subaccount)
        .fcm_subtrader_id(key.fcm_subtrader)
        .key_type(key.key_type);
    let created = match client.generate_api_key().body(body).send().await {
        Ok(created) => created.into_inner(),
        Err(error) => return Err(not_generated(error, &key.name, &destination).await),
    };
    if let Err(reason) = destination.save(Some(&created.api_key_id), &created.private_key) {
        return Err(delete_again(client, &created.api_key_id, reason).await);
    }
    warn(created.warning);
    destination.report("generated", &created.api_key_id)
}

/// Keeps what arrived of a response that cannot be used, if there is a private key in it.
async fn not_generated(error: Error, name: &str, destination: &Destination) -> Failure {
    if error.effect() != Effect::Unknown {
        return error.into();
    }
    let failed = Failure::incomplete(with_causes(&error));
    let arrived = match error {
        Error::UnexpectedResponse(response) => {
            response.into_inner().bytes().await.unwrap_or_default()
        }
        _ => Default::default(),
    };
    let arrived: PrivateKeyPem = String::from_utf8_lossy(&arrived).into_owned().into();
    let name = printable(name);
    if !arrived.expose_secret().contains("PRIVATE KEY") {
        return failed.and(format!(
            "if this created a key {name:?}, its private key is lost"
        ));
    }
    let saved = destination.save(None, &arrived);
    failed.and(match (saved, destination) {
        (Ok(()), Destination::File(file)) => {
            let file = quoted_path(file);
            format!("what arrived was saved to {file}: it may hold the private key of a new key {name:?}")
        }
        (Ok(()), Destination::Stdout) => {
            format!("what arrived is on stdout: it may hold the private key of a new key {name:?}")
        }
        (Err(reason), _) => format!("{reason}: the private key of a new key {name:?} is lost"),
    })
}

/// Deletes the new key, whose private key could not be saved.
async fn delete_again(client: &Client, key_id: &str, reason: Failure) -> Failure {
    match rotation::delete(client, key_id, RetryPolicy::default()).await {
        Ok(()) => reason.and(format!(
            "the new key {} was deleted again",
            printable(key_id)
        )),
        Err(error) => Failure::incomplete(format!(
            "{reason}; the private key of the new key {} is lost, and the key may still exist: {}",
            printable(key_id),
            with_causes(&error)
        )),
    }
}

pub async fn create(client: &Client, arguments: Create) -> Result<(), Failure> {
    let key = arguments.key;
    warn_of_unknown(&key.scopes);
    let (public_key, generated) = match &arguments.public_key {
        Some(file) => (public_key(file)?, None),
        None => {
            let destination = Destination::new(arguments.to.out)?;
            let pair = KeyPair::generate(key.key_type.try_into()?)?;
            let private_key = pair.private_key_pem()?;
            if matches!(destination, Destination::File(_)) {
                destination.save(None, &private_key)?;
            }
            (
                pair.public_key_pem()?.try_into()?,
                Some((destination, private_key)),
            )
        }
    };
    let body = CreateApiKeyRequest::builder()
        .name(key.name)
        .public_key(public_key)
        .scopes(key.scopes)
        .subaccount(key.subaccount)
        .fcm_subtrader_id(key.fcm_subtrader);
    let created = match client.create_api_key().body(body).send().await {
        Ok(created) => created.into_inner(),
        Err(error) => return Err(not_created(error, generated)),
    };
    warn(created.warning);
    let key_id = &created.api_key_id;
    let destination = match generated {
        None => return print_done(&format!("created {}", printable(key_id))),
        Some((Destination::File(file), _)) => {
            warn_if_not_synced(key_file::add_key_id(&file, key_id)).map_err(|error| {
                let (id, reason) = (printable(key_id), Failure::from(error));
                Failure::incomplete(format!(
                    "created {id}, but its ID was not saved with its private key: {reason}"
                ))
            })?;
            Destination::File(file)
        }
        Some((Destination::Stdout, private_key)) => {
            match Destination::Stdout.save(Some(key_id), &private_key) {
                Ok(()) => Destination::Stdout,
                Err(reason) => return Err(delete_again(client, key_id, reason).await),
            }
        }
    };
    destination.report("created", key_id)
}

/// Removes the private key file of a key that the service refused to create; keeps it whenever the
/// key may exist.
fn not_created(error: Error, generated: Option<(Destination, PrivateKeyPem)>) -> Failure {
    let may_exist = error.effect() == Effect::Unknown;
    let failed = if may_exist {
        Failure::incomplete(with_causes(&error))
    } else {
        Failure::from(error)
    };
    match generated {
        Some((Destination::File(file), _)) if may_exist => failed.and(format!(
            "{} holds the private key of the new key, if that exists",
            quoted_path(file)
        )),
        Some((Destination::File(file), _)) => match std::fs::remove_file(&file) {
            Ok(()) => failed.and(format!("{} was removed", quoted_path(file))),
            Err(_) => failed.and(format!(
                "{} belongs to no API key; remove it",
                quoted_path(file)
            )),
        },
        Some((Destination::Stdout, private_key)) if may_exist => match Destination::Stdout
            .save(None, &private_key)
        {
            Ok(()) => failed.and("the private key of the new key, if that exists, is on stdout"),
            Err(reason) => failed.and(reason),
        },
        Some((Destination::Stdout, _)) | None => failed,
    }
}

fn public_key(file: &Path) -> Result<PublicKeyPem, Failure> {
    let (bytes, _) = key_file::read_small_file(file).map_err(|error| {
        Failure::usage(format!(
            "cannot read the public key file {}: {error}; check the path",
            quoted_path(file)
        ))
    })?;
    let unusable =
        |reason: &str| Failure::usage(format!("nothing was sent: {} {reason}", quoted_path(file)));
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| unusable("is not text; give the public key as PEM"))?;
    #[cfg(feature = "ssh-agent")]
    if let Ok(key) = ssh_key::PublicKey::from_openssh(text) {
        return Ok(crate::ssh_agent::to_pem(&key)?.try_into()?);
    }
    text.parse().map_err(|error| {
        Failure::usage(format!("nothing was sent: {}: {error}", quoted_path(file)))
    })
}

pub fn warn(warning: Option<String>) {
    if let Some(warning) = warning {
        print_to_stderr(&format!(
            "warning: the service says: {}",
            printable(&warning)
        ));
    }
}

/// Warns of scopes that this version does not know. They are sent: a scope may be newer than this
/// version, and the service refuses a mistyped one.
pub fn warn_of_unknown(scopes: &[ApiKeyScope]) {
    for scope in scopes
        .iter()
        .filter(|scope| !ApiKeyScope::KNOWN.contains(scope))
    {
        print_to_stderr(&format!(
            "warning: this version does not know the scope {}; it is sent as it is",
            printable(scope.as_str())
        ));
    }
}
