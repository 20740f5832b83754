//! Replacing an API key without downtime, and without losing or leaking a key when something goes
//! wrong.
//!
//! [`rotate`] creates a key, saves its private key, verifies that it works, deletes the old key,
//! and verifies that. Run it again after any failure, interruption or crash, and it continues where
//! it stopped.
//!
//! What it relies on:
//!
//! - The name of the new key contains a random token that no other key has. A key with that token
//!   whose private key was never saved is the result of a lost response, and is deleted; no other
//!   key is, but the old one.
//! - A journal next to the key file, `FILE.rotation`, records what was asked for, whether a request
//!   that may have created a key is unaccounted for, and which private key was generated or saved.
//!   It is created before the first request that changes something, locked while a process works on
//!   the rotation, and removed at the end. It contains no key material.
//! - A key counts as created or deleted only when a list of keys shows so, and a list only counts
//!   if it contains the key that signed the request ([`list()`]). A status code proves nothing: a
//!   gateway or a cache may have made it up.
//! - The old key is deleted last: after the private key of the new one was synced to disk, and a
//!   list signed by the new one showed it with the scopes and the sub-account that were asked for.
//! - For an [external key](Plan::external_key), the file holds its public key and its ID. Until it
//!   does, a key with the token is one that a lost response created, and is kept if the external
//!   key can sign for it.
//! - A request whose response was lost may still be processed later, as long as its timestamp is
//!   accepted. A rotation with such a request ends with [`Failure::Unsettled`] even if everything
//!   else is done; a run after [`SETTLE_TIME`] lists the keys once more and finishes.

mod decide;
mod error;
mod journal;
mod list;
mod plan;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use serde::Serialize;

pub use self::error::{Failure, JournalError, KeyState, ListError, RotationError, RotationState};
pub use self::journal::journal_path;
pub use self::list::{DeleteError, delete, list};
pub use self::plan::{Plan, RetryPolicy};

use self::decide::{KeyFile, Next, Origin, decide, is_ours};
use self::journal::{Goal, Journal};
use self::list::with_own_signer;
use self::plan::Source;
use crate::credentials::{key_id_in, read_file};
use crate::key_file;
use crate::keys::id;
use crate::keys::public::PublicKey;
use crate::text::{printable, quoted_path, with_causes};
use crate::types::{
    ApiKey, ApiKeyId, ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest,
    PrivateKeyPem,
};
use crate::{
    Client, Credentials, CredentialsError, Effect, Error, KeyAlgorithm, KeyPair, KeyPairError,
    Signer,
};

/// How long after a request whose response was lost the service may still create a key. Its
/// timestamp was accepted after 10 seconds and refused after 30. It is counted by this machine's
/// clock: if that is set forward in between, look once more at the list of keys.
pub const SETTLE_TIME: Duration = Duration::from_secs(60);

/// A step of a rotation.
///
/// ```
/// use kalshi_api_keys::rotation::{Plan, Step};
///
/// let plan = Plan::new("kalshi-new.pem").on_step(|step| match step {
///     Step::Saved { key_id, file } => println!("the private key of {key_id} is in {file:?}"),
///     step => println!("{step}"),
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The new key is about to be created.
    Creating {
        /// Its name.
        name: String,
    },
    /// The new private key, or the public one of an external key, and its ID are on disk, synced.
    Saved {
        /// The ID of the new key.
        key_id: String,
        /// The file.
        file: PathBuf,
    },
    /// The new key was verified to work, with the scopes and the sub-account that were asked for.
    Verified {
        /// Its ID.
        key_id: String,
    },
    /// A key is about to be deleted: the old one, or one of this rotation whose private key was
    /// lost.
    Deleting {
        /// Its ID.
        key_id: String,
    },
    /// A list proved that the key is gone.
    Deleted {
        /// Its ID.
        key_id: String,
    },
    /// A request failed and will be repeated.
    Retrying {
        /// What failed.
        failure: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Creating { name } => write!(f, "creating the key {:?}", printable(name)),
            Self::Saved { key_id, file } => {
                let id = printable(key_id);
                write!(f, "saved the key {id} to {}", quoted_path(file))
            }
            Self::Verified { key_id } => write!(f, "verified that {} works", printable(key_id)),
            Self::Deleting { key_id } => write!(f, "deleting {}", printable(key_id)),
            Self::Deleted { key_id } => write!(f, "deleted {}", printable(key_id)),
            Self::Retrying { failure } => write!(f, "retrying: {failure}"),
        }
    }
}

/// A finished rotation, as [`rotate`] returns it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// The ID of the new key.
    pub key_id: String,
    /// The file with its private key, or with the public one if it is external.
    pub file: PathBuf,
    /// A client that signs with it.
    pub client: Client,
    /// What the service warned of when it created the key, in this run.
    pub warning: Option<String>,
}

/// Rotates a key, or continues the rotation that was not finished.
///
/// ```
/// use kalshi_api_keys::{Client, Credentials, rotation::{self, Plan}};
/// # use kalshi_api_keys::sandbox::Sandbox;
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("kalshi-new.pem");
/// let plan = Plan::new(&file).on_step(|step| println!("{step}"));
/// let rotated = rotation::rotate(&client, plan).await?;
/// assert_eq!(Credentials::from_key_file(&file)?.key_id(), rotated.key_id);
/// assert!(client.get_api_keys().send().await.is_err(), "the old key is deleted");
/// rotated.client.get_api_keys().send().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To continue, call it again with the same plan. The client may still sign with the old key, even
/// if that is deleted by now: the new one is in the file. The old key deletes itself if the new one
/// lacks the scope `write`.
///
/// To give up while the old key is active, delete the new key, its file and the journal. Once the
/// old key is deleted, only finishing is left; if the new key was deleted since as well, such as by
/// a rotation of its own, remove the journal.
///
/// Files are written and synced on the calling thread, which takes milliseconds on most disks.
///
/// # Errors
///
/// [`RotationError`] says what failed, what is known of the keys, and whether to run the rotation
/// again.
pub async fn rotate(client: &Client, plan: Plan) -> Result<Rotated, RotationError> {
    let own = with_own_signer(client);
    let mut rotation = Rotation {
        state: RotationState {
            old_key_id: plan
                .replace
                .clone()
                .unwrap_or_else(|| own.signer().credentials().key_id().to_owned()),
            old_key: KeyState::Unknown,
            new_key_id: None,
            journal: None,
        },
        client: own,
        signer: client.signer().clone(),
        plan,
        deleting: Vec::new(),
        aborted: None,
        unsaved: None,
        warning: None,
    };
    rotation.run().await.map_err(|failure| RotationError {
        failure,
        state: Box::new(rotation.state),
    })
}

struct Rotation {
    /// Signs with the credentials that the caller's client had at the beginning, whatever replaces
    /// them there.
    client: Client,
    /// The signer of the caller's client.
    signer: Signer,
    plan: Plan,
    state: RotationState,
    /// What was asked to be deleted, and not yet proved to be.
    deleting: Vec<String>,
    /// Why no key will be created any more. The rotation ends once a list proves that there is
    /// none.
    aborted: Option<Failure>,
    /// A key that was created and not saved. It has to be listed once before a list proves that it
    /// is deleted.
    unsaved: Option<String>,
    warning: Option<String>,
}

/// What a step is decided from.
struct Observed {
    file: KeyFile,
    /// A verified list.
    keys: Vec<ApiKey>,
    /// When it was requested, in Unix seconds.
    listed_at: u64,
    /// Why it is not the new key that signed it.
    unverified: Option<ListError>,
}

impl Rotation {
    async fn run(&mut self) -> Result<Rotated, Failure> {
        self.state.journal =
            Some(journal_path(&self.plan.file)).filter(|path| path.symlink_metadata().is_ok());
        let mut journal = Journal::open(&self.plan.file, unix_secs())?;
        if let Some(journal) = &journal {
            self.resume(journal)?;
            self.test_external_key().await?;
        }
        let mut delays = self.plan.retry_policy.delays();
        let mut delay = Duration::ZERO;
        loop {
            if self.is_stopped_within(delay).await {
                return Err(self.with_reason(Failure::Stopped));
            }
            delay = Duration::ZERO;
            let stepped = match journal.as_mut() {
                Some(journal) => self.step(journal).await,
                None => self.begin().await.map(|begun| {
                    journal = Some(begun);
                    None
                }),
            };
            match (stepped, journal.take()) {
                (Ok(Some(observed)), Some(journal)) => return self.finish(journal, observed),
                (Err(failure), unfinished) => {
                    journal = unfinished;
                    if failure.is_retryable() {
                        let Some(next) = delays.next() else {
                            return Err(self.with_reason(failure));
                        };
                        self.report(Step::Retrying {
                            failure: with_causes(&failure),
                        });
                        delay = next;
                    } else if failure.aborts() && journal.is_some() {
                        self.aborted = Some(failure);
                    } else {
                        return Err(self.with_reason(failure));
                    }
                }
                (Ok(_), unfinished) => journal = unfinished,
            }
        }
    }

    /// Adds why the rotation was aborted before.
    fn with_reason(&mut self, failure: Failure) -> Failure {
        match self.aborted.take() {
            Some(reason) => Failure::CleanUp {
                reason: Box::new(reason),
                source: Box::new(failure),
            },
            None => failure,
        }
    }

    /// Continues the rotation of a journal.
    fn resume(&mut self, journal: &Journal) -> Result<(), Failure> {
        let goal = &journal.goal;
        self.state.journal = Some(journal.path.clone());
        self.state.old_key_id.clone_from(&goal.old_key_id);
        if goal.base_url != self.client.environment().base_url().as_str() {
            let (path, base_url) = (journal.path.clone(), goal.base_url.clone());
            return Err(JournalError::EnvironmentMismatch { path, base_url }.into());
        }
        let plan = &self.plan;
        let signing = self.client.signer().credentials();
        let in_file = Credentials::from_key_file(&plan.file).ok();
        let signs = |id: &str| id == signing.key_id();
        let is_own = signs(&goal.old_key_id)
            || in_file.is_some_and(|new| signs(new.key_id()))
            || journal.has_saved(signing.key_id());
        let differs = [
            (
                "key to replace",
                plan.replace
                    .as_ref()
                    .is_some_and(|id| *id != goal.old_key_id),
            ),
            ("key to replace", plan.replace.is_none() && !is_own),
            (
                "name",
                plan.name
                    .as_ref()
                    .is_some_and(|name| name != base_name(&goal.name)),
            ),
            (
                "set of scopes",
                plan.scopes
                    .as_ref()
                    .is_some_and(|scopes| *scopes != goal.scopes),
            ),
            (
                "sub-account",
                plan.subaccount
                    .as_ref()
                    .is_some_and(|number| *number != goal.subaccount),
            ),
            (KEY_PAIR_SOURCE, plan.source != goal.source),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(Failure::PlanMismatch(what));
        }
        key_file::remove_temporary(&self.plan.file)?;
        Ok(())
    }

    /// Decides what a new rotation is to do, and writes its journal.
    async fn begin(&mut self) -> Result<Journal, Failure> {
        key_file::check(&self.plan.file).map_err(Failure::Save)?;
        self.test_external_key().await?;
        let keys = list(&self.client).await.map_err(Failure::List)?;
        let old = keys
            .iter()
            .find(|key| key.api_key_id == self.state.old_key_id)
            .ok_or(Failure::OldKeyNotFound)?;
        if old.unread().next().is_some() {
            return Err(Failure::CannotVerify(
                "a property of the old key could not be read",
            ));
        }
        let scopes = self.plan.scopes.clone().or_else(|| old.scopes.clone());
        let scopes = scopes.ok_or(Failure::CannotVerify(
            "the scopes of the old key are not listed",
        ))?;
        let old_name = old.name.as_deref().unwrap_or("unnamed");
        let name = self.plan.name.as_deref().unwrap_or(base_name(old_name));
        let number = getrandom::u64().map_err(|_| KeyPairError::GenerationFailed)?;
        let token = format!("{number:016x}");
        let goal = Goal {
            version: journal::VERSION,
            base_url: self.client.environment().base_url().to_string(),
            old_key_id: old.api_key_id.clone(),
            name: new_name(name, &token),
            token,
            scopes,
            subaccount: self.plan.subaccount.unwrap_or(old.subaccount),
            source: self.plan.source.clone(),
        };
        if ApiKeyId::try_from(old.api_key_id.as_str()).is_err() {
            return Err(Failure::CannotVerify(
                "no URL can carry the ID of the old key",
            ));
        }
        if old.fcm_subtrader_id.is_some() {
            return Err(Failure::CannotVerify(
                "the old key is bound to an FCM subtrader",
            ));
        }
        if !goal.scopes.contains(&ApiKeyScope::Read) {
            return Err(Failure::CannotVerify(
                "the new key would lack the scope read",
            ));
        }
        if goal.subaccount.is_some() {
            return Err(Failure::CannotVerify(
                "the new key would be restricted to a sub-account, and such a key may not list keys",
            ));
        }
        let journal = Journal::create(&self.plan.file, goal)?;
        // Another rotation may have finished since.
        if let Err(error) = key_file::check(&self.plan.file) {
            journal.remove()?;
            return Err(Failure::Save(error));
        }
        self.state.journal = Some(journal.path.clone());
        Ok(journal)
    }

    /// Lets an external key sign, and verifies the signature. What it signs is not a request.
    async fn test_external_key(&mut self) -> Result<(), Failure> {
        let Some(external) = &self.plan.external else {
            return Ok(());
        };
        let unsigned = Signer::new(external.clone())
            .prepare(&Method::GET, "/")
            .map_err(Failure::ExternalKey)?;
        unsigned
            .sign_with_timeout()
            .await
            .map_err(Failure::ExternalKey)?;
        Ok(())
    }

    /// Observes, decides and acts. Returns what was observed when nothing is left to do, or nothing
    /// may be done any more.
    async fn step(&mut self, journal: &mut Journal) -> Result<Option<Observed>, Failure> {
        let observed = self.observe(journal).await?;
        let listed = |id: &str| observed.keys.iter().any(|key| key.api_key_id == id);
        let in_file = observed
            .keys
            .iter()
            .find(|key| observed.file.key_id() == Some(&key.api_key_id));
        if let Some(new) = in_file.filter(|key| is_ours(&journal.goal, key)) {
            journal.saved(&new.api_key_id)?;
        }
        self.unsaved.take_if(|unsaved| listed(unsaved));
        if let Some(unsaved) = &self.unsaved {
            return Err(Failure::UnsavedKeyNotListed(unsaved.clone()));
        }
        let signed_by_new_key = observed.unverified.is_none();
        match decide(
            &journal.goal,
            &observed.file,
            &journal.saved,
            &observed.keys,
            signed_by_new_key,
        ) {
            Next::Identify(key_id) => self.identify(journal, &key_id).await?,
            Next::DeleteStray(key_id) => self.delete(&journal.goal, &observed, key_id).await?,
            Next::RefuseElsewhere(key_id) => return Err(Failure::NewKeyElsewhere(key_id)),
            Next::ListAgain(key_id) => return Err(Failure::NewKeyNotListed(key_id)),
            _ if self.aborted.is_some() => return Ok(Some(observed)),
            Next::Create => self.create(journal, &observed.file).await?,
            Next::RefuseFile => return Err(observed.file.into_error()),
            Next::RefuseForeignKey(key_id) => return Err(Failure::ForeignKey(key_id)),
            Next::RefuseKey(key_id) => return Err(Failure::KeyMismatch(key_id)),
            Next::Verify => {
                return Err(observed
                    .unverified
                    .map_or(Failure::Stopped, Failure::Verify));
            }
            // Afterwards, nobody could delete a key that still appears.
            Next::DeleteOld
                if !journal.goal.scopes.contains(&ApiKeyScope::Write)
                    && self.is_unsettled(journal, &observed) =>
            {
                return Err(Failure::Unsettled);
            }
            Next::DeleteOld => {
                key_file::sync(&self.plan.file)?;
                self.switch_signer(&observed.file);
                let key_id = journal.goal.old_key_id.clone();
                self.delete(&journal.goal, &observed, key_id).await?;
            }
            Next::Finish => return Ok(Some(observed)),
        }
        Ok(None)
    }

    /// Looks at the file and at a verified list: one that the new key signs, if it can.
    async fn observe(&mut self, journal: &Journal) -> Result<Observed, Failure> {
        let goal = &journal.goal;
        let file = self.observe_file(journal);
        let listed_at = unix_secs();
        self.state.new_key_id = file
            .key_id()
            .filter(|id| journal.has_saved(id))
            .map(str::to_owned);
        let mut unverified = None;
        let mut listed = None;
        if let KeyFile::WithId(new) = &file {
            match list(&self.client.with_credentials(new.clone())).await {
                Ok(keys) => listed = Some(keys),
                Err(error) => unverified = Some(error),
            }
        }
        let keys = match listed {
            Some(keys) => keys,
            // The old key may be deleted already; what counts then is that the new one does not
            // work.
            None => match list(&self.client).await {
                Ok(keys) => keys,
                Err(error) => return Err(unverified.map_or(Failure::List(error), Failure::Verify)),
            },
        };
        let is_new = |key: &&ApiKey| is_ours(goal, key) && file.key_id() == Some(&key.api_key_id);
        let new = keys.iter().find(is_new).map(|key| key.api_key_id.clone());
        self.state.new_key_id = new.or(self.state.new_key_id.take());
        self.learn(goal, &keys);
        Ok(Observed {
            file,
            keys,
            listed_at,
            unverified,
        })
    }

    /// Looks at the file.
    fn observe_file(&self, journal: &Journal) -> KeyFile {
        if is_missing(&self.plan.file) {
            return KeyFile::Missing;
        }
        if let Some(external) = &self.plan.external {
            return external_in_file(external, &self.plan.file, journal)
                .unwrap_or_else(KeyFile::Unusable);
        }
        match Credentials::from_key_file(&self.plan.file) {
            Ok(credentials) => KeyFile::WithId(credentials),
            Err(error) if !error.is_missing_key_id() => KeyFile::Unusable(error),
            Err(_) => match Credentials::from_pem_file("unused", &self.plan.file) {
                Ok(found) => KeyFile::WithoutId(origin(journal, found.fingerprint())),
                Err(_) => KeyFile::Foreign,
            },
        }
    }

    fn is_unsettled(&self, journal: &Journal, observed: &Observed) -> bool {
        journal.is_unsettled(observed.listed_at, self.plan.settle_time)
    }

    /// Keeps and reports what a verified list shows.
    fn learn(&mut self, goal: &Goal, keys: &[ApiKey]) {
        let listed = |id: &String| keys.iter().any(|key| key.api_key_id == *id);
        self.state.old_key = if listed(&goal.old_key_id) {
            KeyState::Active
        } else {
            KeyState::Deleted
        };
        let (deleting, deleted) = std::mem::take(&mut self.deleting)
            .into_iter()
            .partition::<Vec<_>, _>(listed);
        self.deleting = deleting;
        for key_id in deleted {
            self.report(Step::Deleted { key_id });
        }
    }

    /// Creates the new key. Its private key is saved before if it is generated here, and else as
    /// soon as it arrives.
    async fn create(&mut self, journal: &mut Journal, file: &KeyFile) -> Result<(), Failure> {
        let new = match &journal.goal.source {
            Source::Service(key_type) => New::Generated(key_type.clone()),
            Source::External(_) => {
                let external = self
                    .plan
                    .external
                    .as_ref()
                    .ok_or(Failure::PlanMismatch(KEY_PAIR_SOURCE))?;
                let public_key = public_key_pem(external)?;
                if matches!(file, KeyFile::Missing) {
                    journal.generated(external.fingerprint().to_owned())?;
                    key_file::save_text(&self.plan.file, None, &public_key)
                        .map_err(Failure::Save)?;
                }
                New::Registered(public_key)
            }
            Source::Local(key_type) => {
                if matches!(file, KeyFile::Missing) {
                    let algorithm = KeyAlgorithm::try_from(key_type.clone())?;
                    // An RSA key can take a second.
                    let generated =
                        tokio::task::spawn_blocking(move || KeyPair::generate(algorithm)).await;
                    let pair = generated.unwrap_or(Err(KeyPairError::GenerationFailed))?;
                    journal.generated(pair.fingerprint()?)?;
                    key_file::save(&self.plan.file, None, &pair.private_key_pem()?)
                        .map_err(Failure::Save)?;
                }
                New::Registered(public_key_pem(&Credentials::from_pem_file(
                    "unused",
                    &self.plan.file,
                )?)?)
            }
        };
        self.report(Step::Creating {
            name: journal.goal.name.clone(),
        });
        journal.create_sent(unix_secs())?;
        match send_create(&self.client, &journal.goal, new).await {
            Ok(Created {
                key_id,
                private_key,
                warning,
            }) => {
                self.warning = warning;
                let saved = match private_key {
                    Some(key) => self
                        .save(&key_id, &key)
                        .inspect_err(|_| self.unsaved = Some(key_id.clone())),
                    None => {
                        key_file::add_key_id(&self.plan.file, &key_id).map_err(Failure::KeyFile)
                    }
                };
                // What is in the file may be in use from now on, even if it was not synced.
                if saved.as_ref().err().is_none_or(Failure::is_not_synced) {
                    self.state.new_key_id = Some(key_id.clone());
                    journal.saved(&key_id)?;
                    journal.create_settled()?;
                }
                saved?;
                self.report(Step::Saved {
                    key_id,
                    file: self.plan.file.clone(),
                });
                Ok(())
            }
            Err(error) => {
                if error.effect() == Effect::Unknown {
                    journal.unsettled = true;
                } else {
                    journal.create_settled()?;
                }
                Err(Failure::Create(error))
            }
        }
    }

    /// Saves the private key that the service generated, if it can be used.
    fn save(&self, key_id: &str, key: &PrivateKeyPem) -> Result<(), Failure> {
        Credentials::from_pem(key_id, key.expose_secret()).map_err(Failure::UnusableKey)?;
        key_file::save(&self.plan.file, Some(key_id), key).map_err(Failure::Save)
    }

    /// Finds out whether the private key in the file, or the external one, belongs to a key of this
    /// rotation: if it can sign a list with its ID. If not, the key is deleted, unless its private
    /// key was saved.
    async fn identify(&mut self, journal: &mut Journal, key_id: &str) -> Result<(), Failure> {
        let credentials = match &self.plan.external {
            Some(external) => {
                let key_id = id::to_header(key_id).ok_or(CredentialsError::InvalidApiKeyId)?;
                Credentials {
                    key_id,
                    ..external.clone()
                }
            }
            None => Credentials::from_pem_file(key_id, &self.plan.file)?,
        };
        match list(&self.client.with_credentials(credentials)).await {
            Ok(_) => {
                self.aborted = None;
                key_file::add_key_id(&self.plan.file, key_id)?;
                self.state.new_key_id = Some(key_id.to_owned());
                Ok(journal.saved(key_id)?)
            }
            Err(ListError::Api(error))
                if error.is_wrong_signature() && journal.has_saved(key_id) =>
            {
                Err(Failure::ForeignFile)
            }
            Err(ListError::Api(error)) if error.is_wrong_signature() => {
                let client = self.client.clone();
                self.send_delete(client, key_id.to_owned()).await
            }
            Err(error) => Err(Failure::Verify(error)),
        }
    }

    /// Deletes a key with the new key if that can, or else with the client's.
    async fn delete(
        &mut self,
        goal: &Goal,
        observed: &Observed,
        key_id: String,
    ) -> Result<(), Failure> {
        let client = match &observed.file {
            KeyFile::WithId(new)
                if observed.unverified.is_none() && goal.scopes.contains(&ApiKeyScope::Write) =>
            {
                self.client.with_credentials(new.clone())
            }
            _ => self.client.clone(),
        };
        if key_id == goal.old_key_id {
            self.state.old_key = KeyState::Unknown;
            if let Some(new_key_id) = self
                .state
                .new_key_id
                .clone()
                .filter(|_| !self.deleting.contains(&key_id))
            {
                self.report(Step::Verified { key_id: new_key_id });
            }
        }
        self.send_delete(client, key_id).await
    }

    /// Sends the request that deletes a key; the next list shows whether it is gone.
    async fn send_delete(&mut self, client: Client, key_id: String) -> Result<(), Failure> {
        let repeated = self.deleting.contains(&key_id);
        if !repeated {
            self.report(Step::Deleting {
                key_id: key_id.clone(),
            });
            self.deleting.push(key_id.clone());
        }
        match client
            .delete_api_key()
            .api_key(key_id.as_str())
            .send()
            .await
        {
            Ok(_) if repeated => Err(Failure::StillListed(key_id)),
            Ok(_) => Ok(()),
            Err(source) => Err(Failure::Delete { key_id, source }),
        }
    }

    /// Ends a rotation that a list proved to be finished, or aborted without a trace.
    fn finish(&mut self, journal: Journal, observed: Observed) -> Result<Rotated, Failure> {
        if self.is_unsettled(&journal, &observed) {
            return Err(self.with_reason(Failure::Unsettled));
        }
        match (&self.aborted, observed.file) {
            (None, KeyFile::WithId(new)) => {
                journal.remove()?;
                self.switch_signer(&KeyFile::WithId(new.clone()));
                let (key_id, file) = (new.key_id().to_owned(), self.plan.file.clone());
                let client = self.client.with_credentials(new);
                Ok(Rotated {
                    key_id,
                    file,
                    client,
                    warning: self.warning.take(),
                })
            }
            (_, file) => {
                if let Err(failure) = self.remove_traces(journal, &file) {
                    return Err(self.with_reason(failure));
                }
                self.state.journal = None;
                Err(self.aborted.take().unwrap_or(Failure::Stopped))
            }
        }
    }

    fn remove_traces(&self, journal: Journal, file: &KeyFile) -> Result<(), Failure> {
        if matches!(file, KeyFile::WithoutId(Origin::Generated)) {
            // Written here, and registered nowhere: the list proved that no key of this rotation
            // exists.
            key_file::remove(&self.plan.file)?;
        }
        Ok(journal.remove()?)
    }

    /// Lets the caller's client sign with the new key, if the plan asks for it.
    fn switch_signer(&self, file: &KeyFile) {
        if let (true, KeyFile::WithId(new)) = (self.plan.switch_signer, file) {
            self.signer.replace_credentials(new.clone());
        }
    }

    fn report(&mut self, step: Step) {
        (self.plan.on_step)(&step);
    }

    /// Waits, unless the plan's stop future is ready before.
    async fn is_stopped_within(&mut self, delay: Duration) -> bool {
        tokio::time::timeout(delay, self.plan.stop.as_mut())
            .await
            .is_ok()
    }
}

/// What the request that creates the new key asks for.
enum New {
    /// A key pair of this type.
    Generated(ApiKeyType),
    /// This public key.
    Registered(String),
}

/// What the service returned of the new key.
struct Created {
    key_id: String,
    /// If the service generated it.
    private_key: Option<PrivateKeyPem>,
    warning: Option<String>,
}

/// Sends the request that creates the new key.
async fn send_create(client: &Client, goal: &Goal, new: New) -> Result<Created, Error> {
    let (name, scopes, subaccount) = (goal.name.as_str(), goal.scopes.clone(), goal.subaccount);
    match new {
        New::Registered(public_key) => {
            let body = CreateApiKeyRequest::builder();
            let body = body
                .name(name)
                .public_key(public_key)
                .scopes(scopes)
                .subaccount(subaccount);
            let new = client
                .create_api_key()
                .body(body)
                .send()
                .await?
                .into_inner();
            Ok(Created {
                key_id: new.api_key_id,
                private_key: None,
                warning: new.warning,
            })
        }
        New::Generated(key_type) => {
            let body = GenerateApiKeyRequest::builder();
            let body = body
                .name(name)
                .scopes(scopes)
                .subaccount(subaccount)
                .key_type(key_type);
            let new = client
                .generate_api_key()
                .body(body)
                .send()
                .await?
                .into_inner();
            Ok(Created {
                key_id: new.api_key_id,
                private_key: Some(new.private_key),
                warning: new.warning,
            })
        }
    }
}

/// Looks at the file of an external key, which is that of this rotation only if it holds the public
/// key.
fn external_in_file(
    external: &Credentials,
    path: &Path,
    journal: &Journal,
) -> Result<KeyFile, CredentialsError> {
    let (text, _) = read_file(path)?;
    let fingerprint = PublicKey::from_pem(&text)
        .ok()
        .and_then(|key| key.fingerprint());
    if fingerprint.as_deref() != Some(external.fingerprint()) {
        return Ok(KeyFile::Foreign);
    }
    match key_id_in(path, &text) {
        Ok(key_id) => Ok(KeyFile::WithId(Credentials {
            key_id,
            ..external.clone()
        })),
        Err(error) if error.is_missing_key_id() => {
            Ok(KeyFile::WithoutId(origin(journal, external.fingerprint())))
        }
        Err(error) => Err(error),
    }
}

/// Finds out where the key pair with this fingerprint comes from.
fn origin(journal: &Journal, fingerprint: &str) -> Origin {
    match journal.saved.last() {
        _ if journal.generated.as_deref() != Some(fingerprint) => Origin::Unknown,
        Some(key_id) if journal.registered => Origin::Saved(key_id.clone()),
        _ => Origin::Generated,
    }
}

fn public_key_pem(credentials: &Credentials) -> Result<String, KeyPairError> {
    credentials
        .public_key
        .to_pem()
        .ok_or(KeyPairError::EncodingFailed)
}

fn is_missing(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Returns the name of a new key, which ends in the date and a token.
fn new_name(base: &str, token: &str) -> String {
    // "Tue, 24 Nov 2026 18:26:09 GMT"
    let year_9999 = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let date = httpdate::fmt_http_date(SystemTime::now().clamp(UNIX_EPOCH, year_9999));
    format!("{base}{MARK}{} {token})", &date[5..16])
}

const KEY_PAIR_SOURCE: &str = "source of its key pair";

const MARK: &str = " (rotated ";

/// Returns a name without what an earlier rotation added.
fn base_name(name: &str) -> &str {
    match name.rsplit_once(MARK) {
        Some((base, rest))
            if rest.len() == "24 Nov 2026 0123456789abcdef)".len() && rest.ends_with(')') =>
        {
            base
        }
        _ => name,
    }
}

fn unix_secs() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
