//! `generate` and `create`: a private key is saved before anything else is said.

use std::path::{Path, PathBuf};

use kalshi_api_keys::key_file::{self, KeyFileError};
use kalshi_api_keys::rotation::{self, RetryPolicy};
use kalshi_api_keys::text::{Redactor, contains_private_key, printable, quoted_path, with_causes};
use kalshi_api_keys::types::{
    ApiKeyScope, CreateApiKeyRequest, GenerateApiKeyRequest, GenerateApiKeyResponse, PrivateKeyPem,
    PublicKeyPem,
};
use kalshi_api_keys::{Client, Credentials, CredentialsError, Effect, Error, KeyPair};
use zeroize::Zeroizing;

use crate::arguments::{Create, Generate};
use crate::created::{Baseline, FailedCreation};
use crate::failure::{Failure, without_advice};
use crate::output::{self, print_done, print_to_stderr, quoted};

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
            Self::Stdout => write_key(key.expose_secret().as_bytes())?,
        }
        Ok(())
    }

    /// Keeps the body of a response that may hold a private key, unmodified.
    fn save_response(&self, body: &[u8]) -> Result<(), Failure> {
        match self {
            Self::File(file) => warn_if_not_synced(key_file::save_response(file, body))?,
            Self::Stdout => write_key(body)?,
        }
        Ok(())
    }

    /// Returns where a key was written, in words and as the argument of a command.
    fn place(&self) -> (String, String) {
        match self {
            Self::File(file) => (
                format!("in {}", quoted_path(file)),
                quoted(&file.to_string_lossy()),
            ),
            Self::Stdout => ("on stdout".to_owned(), "FILE".to_owned()),
        }
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

fn write_key(bytes: &[u8]) -> Result<(), Failure> {
    output::write(bytes)
        .map_err(|error| Failure::usage(format!("cannot write the private key to stdout: {error}")))
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
    let baseline = Baseline::list(client).await?;
    let body = GenerateApiKeyRequest::builder()
        .name(key.name.as_str())
        .scopes(key.scopes)
        .subaccount(key.subaccount)
        .fcm_subtrader_id(key.fcm_subtrader)
        .key_type(key.key_type);
    let generated = match client.generate_api_key().body(body).send().await {
        Ok(generated) => generated.into_inner(),
        Err(error) => {
            return Err(not_generated(client, error, &key.name, &baseline, &destination).await);
        }
    };
    let (id, private_key) = (&generated.api_key_id, &generated.private_key);
    let redactor = Redactor::with_key(private_key);
    warn(generated.warning.as_deref(), &redactor);
    if let Err(reason) = Credentials::from_pem(id, private_key.expose_secret()) {
        return Err(unusable(&generated, &reason, &redactor, &destination));
    }
    if let Err(reason) = destination.save(Some(id), private_key) {
        return Err(delete_again(client, id, reason, &baseline).await);
    }
    destination.report("generated", id)
}

/// Says what a failed request left on the account, and keeps what arrived of its response, if there
/// may be a private key in it.
async fn not_generated(
    client: &Client,
    error: Error,
    name: &str,
    baseline: &Baseline,
    destination: &Destination,
) -> Failure {
    if error.effect() == Effect::NotSent {
        return error.into();
    }
    let failed = FailedCreation::new(&error, name);
    // Before anything else can go wrong.
    let rescued = rescue(error, destination).await;
    let created = baseline.compare(client, &failed).await;
    let failed = failed.with_listing(&created);
    let id = match created.named(name)[..] {
        [key] => Some(quoted(&printable(&key.api_key_id))),
        _ => None,
    };
    match (rescued, id) {
        (Some(Ok(())), id) => {
            let id = id.as_deref().unwrap_or("ID");
            let (place, file) = destination.place();
            Failure::incomplete(failed.to_string()).and(format!(
                "what arrived is {place}, and may hold the private key of the new key: try it with `kalshi-api-keys --api-key-id {id} --private-key-path {file} whoami`"
            ))
        }
        (Some(Err(reason)), _) => Failure::incomplete(failed.to_string()).and(format!(
            "{reason}, so what arrived is lost, and may have held the private key of a new key"
        )),
        (None, Some(id)) => failed.and(format!(
            "its private key is lost: unless another program created the key, delete it with `kalshi-api-keys delete {id}`"
        )),
        (None, None) => failed,
    }
}

/// Keeps what arrived of a response that cannot be used: of any success, and of what holds a
/// private key. Returns `None` if there is nothing to keep.
async fn rescue(error: Error, destination: &Destination) -> Option<Result<(), Failure>> {
    let Error::UnexpectedResponse(response) = error else {
        return None;
    };
    let status = response.status();
    let body = response.into_inner().bytes().await.ok()?;
    let text = Zeroizing::new(String::from_utf8_lossy(&body).into_owned());
    let may_hold_key =
        status.is_success() || text.contains("private_key") || contains_private_key(&text);
    if body.is_empty() || !may_hold_key {
        return None;
    }
    Some(destination.save_response(&body))
}

/// Keeps a private key that cannot be used, as it may be more than damaged: with its ID, in the
/// form of the response.
fn unusable(
    generated: &GenerateApiKeyResponse,
    reason: &CredentialsError,
    redactor: &Redactor,
    destination: &Destination,
) -> Failure {
    #[derive(serde::Serialize)]
    struct Response<'a> {
        api_key_id: &'a str,
        private_key: &'a str,
    }
    let response = Response {
        api_key_id: &generated.api_key_id,
        private_key: generated.private_key.expose_secret(),
    };
    let id = redactor.printable(response.api_key_id);
    // Large enough for escapes, so that no copy is left behind by a reallocation.
    let capacity = 6 * (response.api_key_id.len() + response.private_key.len()) + 64;
    let mut body = Zeroizing::new(Vec::with_capacity(capacity));
    let saved = match serde_json::to_writer(&mut *body, &response) {
        Ok(()) => destination.save_response(&body),
        Err(error) => Err(Failure::usage(error.to_string())),
    };
    let failed = Failure::incomplete(format!(
        "generated {id}, but what arrived is unusable: {}",
        without_advice(reason)
    ));
    let failed = match saved {
        Ok(()) => failed.and(format!("what arrived is {}", destination.place().0)),
        Err(reason) => failed.and(format!("it is lost as well: {reason}")),
    };
    failed.and("the key exists without a usable private key: find it with `list`, and `delete` it")
}

/// Deletes the new key, whose private key could not be saved. A key that may have existed before is
/// not deleted on the strength of the response that names it.
async fn delete_again(
    client: &Client,
    key_id: &str,
    reason: Failure,
    baseline: &Baseline,
) -> Failure {
    let id = printable(key_id);
    if !baseline.lacks(key_id) {
        return Failure::incomplete(format!(
            "{reason}; the private key of the new key {id} is lost, and the keys could not be listed before: list them, and delete it with `kalshi-api-keys delete {}`",
            quoted(&id)
        ));
    }
    match rotation::delete(client, key_id, RetryPolicy::default()).await {
        Ok(()) => reason.and(format!("the new key {id} was deleted again")),
        Err(error) => Failure::incomplete(format!(
            "{reason}; the private key of the new key {id} is lost, and the key may still exist: {}",
            with_causes(&error)
        )),
    }
}

pub async fn create(client: &Client, arguments: Create) -> Result<(), Failure> {
    let key = arguments.key;
    warn_of_unknown(&key.scopes);
    let own = match (&arguments.public_key, arguments.to.out) {
        (Some(file), _) => OwnKey::Public(public_key(file)?),
        (None, out) => {
            let destination = Destination::new(out)?;
            let pair = KeyPair::generate(key.key_type.try_into()?)?;
            OwnKey::Pair {
                public_key: pair.public_key_pem()?.try_into()?,
                private_key: pair.private_key_pem()?,
                destination,
            }
        }
    };
    let baseline = Baseline::list(client).await?;
    if let OwnKey::Pair {
        destination: destination @ Destination::File(_),
        private_key,
        ..
    } = &own
    {
        destination.save(None, private_key)?;
    }
    let body = CreateApiKeyRequest::builder()
        .name(key.name.as_str())
        .public_key(own.public_key().clone())
        .scopes(key.scopes)
        .subaccount(key.subaccount)
        .fcm_subtrader_id(key.fcm_subtrader);
    let created = match client.create_api_key().body(body).send().await {
        Ok(created) => created.into_inner(),
        Err(error) => return Err(not_created(client, error, &key.name, &baseline, &own).await),
    };
    let id = &created.api_key_id;
    let OwnKey::Pair {
        private_key,
        destination,
        ..
    } = &own
    else {
        warn(created.warning.as_deref(), &Redactor::new());
        return print_done(&format!("created {}", printable(id)));
    };
    warn(created.warning.as_deref(), &Redactor::with_key(private_key));
    match destination {
        Destination::File(file) => add_key_id(file, id)?,
        Destination::Stdout => {
            if let Err(reason) = destination.save(Some(id), private_key) {
                return Err(delete_again(client, id, reason, &baseline).await);
            }
        }
    }
    destination.report("created", id)
}

/// The key that `create` registers.
enum OwnKey {
    /// A public key whose private key is elsewhere.
    Public(PublicKeyPem),
    /// A key pair that was generated here.
    Pair {
        public_key: PublicKeyPem,
        private_key: PrivateKeyPem,
        destination: Destination,
    },
}

impl OwnKey {
    fn public_key(&self) -> &PublicKeyPem {
        match self {
            Self::Public(public_key) | Self::Pair { public_key, .. } => public_key,
        }
    }
}

fn add_key_id(file: &Path, id: &str) -> Result<(), Failure> {
    warn_if_not_synced(key_file::add_key_id(file, id)).map_err(|error| {
        let reason = Failure::from(error);
        Failure::incomplete(format!(
            "created {}, but its ID was not saved with its private key: {reason}",
            printable(id)
        ))
    })
}

/// Says what a failed request left on the account. The private key that was generated here is kept
/// whatever the response says.
async fn not_created(
    client: &Client,
    error: Error,
    name: &str,
    baseline: &Baseline,
    own: &OwnKey,
) -> Failure {
    let (failed, owner) = if error.effect() == Effect::NotSent {
        (Failure::from(error), None)
    } else {
        let failed = FailedCreation::new(&error, name);
        let created = baseline.compare(client, &failed).await;
        let owner = match own {
            OwnKey::Pair { private_key, .. } => created.owner(client, name, private_key).await,
            OwnKey::Public(_) => None,
        };
        (failed.with_listing(&created), owner)
    };
    let OwnKey::Pair {
        private_key,
        destination,
        ..
    } = own
    else {
        return failed;
    };
    let saved = match (destination, &owner) {
        (Destination::File(file), Some(id)) => add_key_id(file, id),
        (Destination::File(_), None) => Ok(()),
        (Destination::Stdout, _) => destination.save(owner.as_deref(), private_key),
    };
    if let Err(reason) = saved {
        return Failure::incomplete(failed.to_string()).and(reason);
    }
    let (place, file) = destination.place();
    match owner {
        Some(id) => failed.and(format!(
            "the key {} was created nevertheless, and its private key is {place}",
            printable(&id)
        )),
        None if failed.is_incomplete() => failed.and(format!(
            "keep the private key that is {place}: it belongs to the new key, if that exists"
        )),
        None => failed.and(format!(
            "the private key that is {place} belongs to no listed API key: keep it until a later list confirms that, or paste its public key (`openssl pkey -in {file} -pubout`) on the website"
        )),
    }
}

fn public_key(file: &Path) -> Result<PublicKeyPem, Failure> {
    let loaded = key_file::load(file)
        .map_err(|error| Failure::usage(format!("nothing was sent: {}", with_causes(&error))))?;
    loaded.key.expose_secret().parse().map_err(|error| {
        Failure::usage(format!("nothing was sent: {}: {error}", quoted_path(file)))
    })
}

/// Prints a warning of the service.
pub fn warn(warning: Option<&str>, redactor: &Redactor) {
    if let Some(warning) = warning {
        print_to_stderr(&format!(
            "warning: the service says: {}",
            redactor.message(warning)
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
