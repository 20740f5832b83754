//! Replacing an API key without downtime, and without losing or leaking a key when something goes wrong.
//!
//! [`rotate`] creates a key, saves its private key, sees it work, deletes the old key, and proves that it is gone. Run it
//! again after any failure, interruption or crash, and it continues where it stopped.
//!
//! What it relies on:
//!
//! - The new key has a name that no other key has: that of the old key, a date and a random token. A key of that name whose
//!   private key is not in the file is the result of a lost response, and is deleted.
//! - A journal beside the key file, `FILE.rotation`, holds what was asked for. It is written before the first request that
//!   changes something, locked while a process works on the rotation, and removed at the end. It holds no key material.
//! - A key is taken for created or deleted only when a list of keys shows it, and a list only counts if it was signed by a
//!   key that is in it ([`list()`]). No status code proves anything: gateways and caches make them up.
//! - The old key is deleted last: after the private key of the new one was synced to disk, and a list signed by it showed it
//!   with the scopes and the binding that were asked for.
//! - A request whose response was lost may still be carried out later, as long as its timestamp is accepted. A rotation
//!   with such a request ends with [`Failure::Unsettled`] even if everything else is done; a later run, after
//!   [`SETTLE_TIME`], looks once more and finishes.

mod decide;
mod error;
mod journal;
mod list;
mod plan;

use std::fmt;
use std::path::PathBuf;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use progenitor_client::ClientInfo as _;
use rsa::rand_core::{OsRng, RngCore as _};
use serde::Serialize;

pub use self::error::{Failure, JournalError, KeyState, ListError, RotationError, RotationState};
pub use self::list::{DeleteError, delete, list};
pub use self::plan::{Binding, Plan, RetryPolicy};

use self::decide::{FileState, Next, Proof, decide};
use self::journal::{Goal, Journal};
use self::plan::Source;
use crate::key_file::{self, KeyFileError};
use crate::types::{ApiKey, ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest, PrivateKeyPem};
use crate::{Client, Credentials, CredentialsError, Effect, Error, KeyPair, KeyPairError};

/// How long after a request whose response was lost the service may still create a key. Its timestamp was seen accepted
/// for 10 seconds and refused after 30.
pub const SETTLE_TIME: Duration = Duration::from_secs(60);

/// A step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// An unfinished rotation continues.
    Resumed {
        /// The ID of the key to replace.
        old_key_id: String,
    },
    /// The new key is about to be created.
    Creating {
        /// Its name.
        name: String,
    },
    /// The new private key and its ID are on disk, synced.
    Saved {
        /// The ID of the new key.
        key_id: String,
        /// The file.
        file: PathBuf,
    },
    /// The new key was seen to work, with the scopes and the binding that were asked for.
    Verified {
        /// Its ID.
        key_id: String,
    },
    /// A key is about to be deleted: the old one, or one of this rotation whose private key was lost.
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
            Self::Resumed { old_key_id } => write!(f, "continuing the rotation of {old_key_id}"),
            Self::Creating { name } => write!(f, "creating the key {name:?}"),
            Self::Saved { key_id, file } => write!(f, "saved the private key of {key_id} to {file:?}"),
            Self::Verified { key_id } => write!(f, "verified that {key_id} works"),
            Self::Deleting { key_id } => write!(f, "deleting {key_id}"),
            Self::Deleted { key_id } => write!(f, "deleted {key_id}"),
            Self::Retrying { failure } => write!(f, "retrying: {failure}"),
        }
    }
}

/// A finished rotation.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// The ID of the new key.
    pub key_id: String,
    /// The file with its private key.
    pub file: PathBuf,
    /// A client that signs with it.
    pub client: Client,
    /// What the service warned of when it created the key, in this run.
    pub warning: Option<String>,
}

/// Rotates a key, or continues the rotation that was not finished.
///
/// ```no_run
/// use kalshi_api_keys::{Client, rotation::{self, Plan}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::from_env()?;
/// let plan = Plan::new("kalshi-new.pem").on_step(|step| println!("{step}"));
/// let rotated = rotation::rotate(&client, plan).await?;
/// println!("{} signs from now on", rotated.key_id);
/// # Ok(())
/// # }
/// ```
///
/// To continue, call it again with the same plan. The client may still sign with the old key, even if that is deleted by
/// now: the new one is in the file.
///
/// # Errors
///
/// [`RotationError`] says what failed and what is known of the keys. If it names a journal, run the rotation again.
pub async fn rotate(client: &Client, plan: Plan) -> Result<Rotated, RotationError> {
    let mut rotation = Rotation {
        client: client.clone(),
        state: RotationState {
            old_key_id: plan.replace.clone().unwrap_or_else(|| client.signer().credentials().key_id().to_owned()),
            old_key: KeyState::Unknown,
            new_key_id: None,
            journal: None,
        },
        plan,
        deleting: Vec::new(),
        verified: false,
        withdrawn: None,
        warning: None,
    };
    match rotation.run().await {
        Ok(rotated) => Ok(rotated),
        Err(failure) => Err(RotationError { failure, state: Box::new(rotation.state) }),
    }
}

struct Rotation {
    client: Client,
    plan: Plan,
    state: RotationState,
    /// What was asked to be deleted, and not yet proved to be.
    deleting: Vec<String>,
    /// The new key was reported as verified.
    verified: bool,
    /// Why no key will be created any more. The rotation ends once a list proves that there is none.
    withdrawn: Option<Failure>,
    warning: Option<String>,
}

/// What there is.
struct Observed {
    /// From a verified list.
    keys: Vec<ApiKey>,
    proof: Proof,
    file: KeyFile,
    /// Why the new key did not sign the list.
    refused: Option<ListError>,
}

/// What is in the key file.
enum KeyFile {
    Missing,
    WithoutId,
    WithId(Credentials),
    Unusable(CredentialsError),
}

impl KeyFile {
    fn state(&self) -> FileState<'_> {
        match self {
            Self::Missing => FileState::Missing,
            Self::WithoutId => FileState::WithoutId,
            Self::WithId(new) => FileState::WithId(new.key_id()),
            Self::Unusable(_) => FileState::Unusable,
        }
    }

    fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::WithId(new) => Some(new),
            _ => None,
        }
    }
}

/// How a step failed.
enum StepError {
    /// Trying again may help.
    Retry(Failure),
    /// Trying again does not help.
    End(Failure),
    /// Trying again does not help, but no key should be left: once that is proved, nothing is left to do.
    Withdraw(Failure),
}

impl Rotation {
    async fn run(&mut self) -> Result<Rotated, Failure> {
        let mut journal = match Journal::open(&self.plan.file).map_err(Failure::Journal)? {
            Some(journal) => self.resume(journal)?,
            None => self.begin().await?,
        };
        let mut delays = self.plan.retry_policy.delays();
        loop {
            if self.is_stopped().await {
                return Err(Failure::Stopped);
            }
            let failure = match self.step(&mut journal).await {
                Ok(Some(observed)) => return self.finish(journal, observed),
                Ok(None) => continue,
                Err(StepError::End(failure)) => return Err(failure),
                Err(StepError::Withdraw(failure)) => {
                    self.withdrawn = Some(failure);
                    continue;
                }
                Err(StepError::Retry(failure)) => failure,
            };
            let Some(delay) = delays.next() else { return Err(failure) };
            self.report(Step::Retrying { failure: failure.to_string() });
            if self.is_stopped_within(delay).await {
                return Err(Failure::Stopped);
            }
        }
    }

    /// Continues the rotation of a journal.
    fn resume(&mut self, journal: Journal) -> Result<Journal, Failure> {
        let goal = &journal.goal;
        self.state.journal = Some(journal.path.clone());
        self.state.old_key_id.clone_from(&goal.old_key_id);
        if goal.base_url != *self.client.baseurl() {
            let (path, base_url) = (journal.path.clone(), goal.base_url.clone());
            return Err(Failure::Journal(JournalError::OtherEnvironment { path, base_url }));
        }
        let differs = [
            ("key to replace", self.plan.replace.as_ref().is_some_and(|id| *id != goal.old_key_id)),
            ("name", self.plan.name.as_ref().is_some_and(|name| name != base_name(&goal.name))),
            ("set of scopes", self.plan.scopes.as_ref().is_some_and(|scopes| *scopes != goal.scopes)),
            ("binding", self.plan.binding.as_ref().is_some_and(|binding| *binding != goal.binding)),
            ("source of its key pair", self.plan.source != goal.source),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(Failure::OtherPlan(what));
        }
        key_file::remove_temporary(&self.plan.file).map_err(Failure::KeyFile)?;
        let old_key_id = goal.old_key_id.clone();
        self.report(Step::Resumed { old_key_id });
        Ok(journal)
    }

    /// Decides what a new rotation is to do, and writes its journal.
    async fn begin(&mut self) -> Result<Journal, Failure> {
        key_file::check(&self.plan.file).map_err(Failure::KeyFile)?;
        let keys = self.list_at_first().await?;
        let old = keys.iter().find(|key| key.api_key_id == self.state.old_key_id).ok_or(Failure::OldKeyNotFound)?;
        let goal = Goal {
            version: journal::VERSION,
            base_url: self.client.baseurl().to_owned(),
            old_key_id: old.api_key_id.clone(),
            name: unique_name(self.plan.name.as_deref().unwrap_or(base_name(&old.name))),
            scopes: self.plan.scopes.clone().unwrap_or_else(|| old.scopes.clone()),
            binding: self.plan.binding.clone().unwrap_or_else(|| Binding::of(old)),
            source: self.plan.source.clone(),
        };
        let other_key_lists = self.client.signer().credentials().key_id() != goal.old_key_id;
        if let Some(reason) = cannot_list(&goal).filter(|_| self.plan.probe.is_none() || !other_key_lists) {
            return Err(Failure::CannotVerify(reason));
        }
        let journal = Journal::create(&self.plan.file, goal).map_err(Failure::Journal)?;
        self.state.journal = Some(journal.path.clone());
        Ok(journal)
    }

    async fn list_at_first(&mut self) -> Result<Vec<ApiKey>, Failure> {
        let mut delays = self.plan.retry_policy.delays();
        loop {
            let error = match list(&self.client).await {
                Ok(keys) => return Ok(keys),
                Err(error) => error,
            };
            match delays.next().filter(|_| error.is_retryable()) {
                Some(delay) if !self.is_stopped_within(delay).await => {}
                Some(_) => return Err(Failure::Stopped),
                None => return Err(Failure::List(error)),
            }
        }
    }

    /// Observes, decides and acts. Returns what was observed when nothing is left to do, or nothing may be done any more.
    async fn step(&mut self, journal: &mut Journal) -> Result<Option<Observed>, StepError> {
        let goal = &journal.goal;
        let observed = self.observe(goal).await?;
        match decide(goal, observed.file.state(), &observed.keys, observed.proof) {
            Next::Identify(key_id) => self.identify(goal, &observed, key_id).await?,
            Next::DeleteStray(key_id) => self.delete(goal, &observed, key_id).await?,
            _ if self.withdrawn.is_some() => return Ok(Some(observed)),
            Next::Create => self.create(journal, matches!(observed.file, KeyFile::WithoutId)).await?,
            Next::ListAgain(key_id) => {
                let failure = Failure::NewKeyNotListed(key_id.to_owned());
                return Err(StepError::Retry(observed.refused.map_or(failure, Failure::Verify)));
            }
            Next::RefuseFile => {
                let KeyFile::Unusable(error) = observed.file else { return Ok(None) };
                return Err(StepError::End(Failure::Credentials(error)));
            }
            Next::RefuseKey(key_id) => return Err(StepError::End(Failure::OtherScopes(key_id.to_owned()))),
            Next::Verify => {
                let failure = observed.refused.map_or(Failure::CannotVerify("cannot list the keys"), Failure::Verify);
                return Err(StepError::Retry(failure));
            }
            Next::DeleteOld => {
                key_file::sync(&self.plan.file).map_err(|error| StepError::End(Failure::KeyFile(error)))?;
                self.report_verified();
                self.delete(goal, &observed, &goal.old_key_id).await?;
            }
            Next::Finish => {
                self.report_verified();
                return Ok(Some(observed));
            }
        }
        Ok(None)
    }

    /// Looks at the file and at a verified list: one that the new key signs, if it can.
    async fn observe(&mut self, goal: &Goal) -> Result<Observed, StepError> {
        let file = self.key_file(goal);
        let new = file.credentials();
        self.state.new_key_id = new.map(|new| new.key_id().to_owned());
        let mut refused = None;
        if let Some(new) = new.filter(|_| cannot_list(goal).is_none()) {
            match list(&self.client.with_credentials(new.clone())).await {
                Ok(keys) => {
                    self.learn(goal, &keys);
                    return Ok(Observed { keys, proof: Proof::Works, file, refused: None });
                }
                Err(error) => refused = Some(error),
            }
        }
        let keys = match (list(&self.client).await, refused) {
            (Ok(keys), why) => {
                refused = why;
                keys
            }
            // The old key may be deleted already; what counts is that the new one does not work.
            (Err(_), Some(refused)) => return Err(StepError::Retry(Failure::Verify(refused))),
            (Err(error), None) if error.is_retryable() => return Err(StepError::Retry(Failure::List(error))),
            (Err(error), None) => return Err(StepError::End(Failure::List(error))),
        };
        self.learn(goal, &keys);
        let mut proof = Proof::None;
        if let (Some(new), Some(probe)) = (new, &self.plan.probe) {
            let probed = probe(self.client.with_credentials(new.clone()));
            probed.await.map_err(|reason| StepError::Retry(Failure::Probe(reason)))?;
            proof = Proof::Works;
        }
        Ok(Observed { keys, proof, file, refused })
    }

    fn key_file(&self, goal: &Goal) -> KeyFile {
        if self.plan.file.symlink_metadata().is_err() {
            return KeyFile::Missing;
        }
        match Credentials::from_key_file(&self.plan.file) {
            Ok(credentials) => KeyFile::WithId(credentials),
            Err(CredentialsError::MissingApiKeyId) if matches!(goal.source, Source::Local(_)) => KeyFile::WithoutId,
            Err(error) => KeyFile::Unusable(error),
        }
    }

    /// Keeps and reports what a verified list shows.
    fn learn(&mut self, goal: &Goal, keys: &[ApiKey]) {
        let listed = |id: &String| keys.iter().any(|key| key.api_key_id == *id);
        self.state.old_key = if listed(&goal.old_key_id) { KeyState::Active } else { KeyState::Deleted };
        let (deleting, deleted) = std::mem::take(&mut self.deleting).into_iter().partition::<Vec<_>, _>(listed);
        self.deleting = deleting;
        for key_id in deleted {
            self.report(Step::Deleted { key_id });
        }
    }

    fn report_verified(&mut self) {
        let first = !std::mem::replace(&mut self.verified, true);
        if let Some(key_id) = self.state.new_key_id.clone().filter(|_| first) {
            self.report(Step::Verified { key_id });
        }
    }

    /// Creates the new key. Its private key is saved before if it is generated here, and else as soon as it arrives.
    async fn create(&mut self, journal: &mut Journal, generated: bool) -> Result<(), StepError> {
        let public_key = match &journal.goal.source {
            Source::Service(_) => None,
            Source::Local(key_type) => {
                if !generated {
                    self.generate(key_type.clone()).await?;
                }
                Some(self.public_key()?)
            }
        };
        self.report(Step::Creating { name: journal.goal.name.clone() });
        let failed = |error| StepError::End(Failure::Journal(error));
        journal.create_sent(unix_secs()).map_err(failed)?;
        match send_create(&self.client, &journal.goal, public_key).await {
            Ok(created) => {
                self.warning = created.warning;
                match created.private_key {
                    Some(private_key) => self.save(Some(&created.key_id), &private_key)?,
                    None => self.add_key_id(&created.key_id)?,
                }
                self.report(Step::Saved { key_id: created.key_id, file: self.plan.file.clone() });
                journal.create_settled().map_err(failed)
            }
            Err(error) if error.effect() == Effect::Unknown => {
                journal.unsettled = true;
                Err(StepError::Retry(Failure::Create(error)))
            }
            Err(error) => {
                journal.create_settled().map_err(failed)?;
                let transient = error.is_transient();
                let failure = Failure::Create(error);
                Err(if transient { StepError::Retry(failure) } else { StepError::Withdraw(failure) })
            }
        }
    }

    /// Generates a key pair here and saves its private key, as yet without an ID.
    async fn generate(&mut self, key_type: ApiKeyType) -> Result<(), StepError> {
        let failed = |error| StepError::Withdraw(Failure::KeyPair(error));
        // An RSA key takes up to some seconds.
        let generated = tokio::task::spawn_blocking(move || KeyPair::generate(&key_type)).await;
        let pair = generated.unwrap_or(Err(KeyPairError::NotMade)).map_err(failed)?;
        self.save(None, &pair.private_key_pem().map_err(failed)?)
    }

    /// The public half of the private key in the file.
    fn public_key(&self) -> Result<String, StepError> {
        let pair = KeyPair::from_pem_file(&self.plan.file);
        let pair = pair.map_err(|error| StepError::End(Failure::Credentials(error)))?;
        pair.public_key_pem().map_err(|error| StepError::End(Failure::KeyPair(error)))
    }

    fn save(&self, key_id: Option<&str>, key: &PrivateKeyPem) -> Result<(), StepError> {
        key_file::save(&self.plan.file, key_id, key).map_err(|error| match error {
            KeyFileError::NotSynced { .. } => StepError::End(Failure::KeyFile(error)),
            _ => StepError::Withdraw(Failure::KeyFile(error)),
        })
    }

    fn add_key_id(&self, key_id: &str) -> Result<(), StepError> {
        key_file::add_key_id(&self.plan.file, key_id).map_err(|error| StepError::End(Failure::KeyFile(error)))
    }

    /// Finds out whether the private key in the file belongs to a key of this rotation: if it can sign a list with its ID.
    /// If not, the key is deleted.
    async fn identify(&mut self, goal: &Goal, observed: &Observed, key_id: &str) -> Result<(), StepError> {
        if cannot_list(goal).is_some() {
            return self.delete(goal, observed, key_id).await;
        }
        let credentials = Credentials::from_pem_file(key_id, &self.plan.file);
        let credentials = credentials.map_err(|error| StepError::End(Failure::Credentials(error)))?;
        match list(&self.client.with_credentials(credentials)).await {
            Ok(_) => {
                self.withdrawn = None;
                self.add_key_id(key_id)
            }
            Err(ListError::Api(error)) if error.is_wrong_signature() => self.delete(goal, observed, key_id).await,
            Err(error) => Err(StepError::Retry(Failure::Verify(error))),
        }
    }

    /// Sends the request that deletes a key; the next list shows whether it is gone.
    async fn delete(&mut self, goal: &Goal, observed: &Observed, key_id: &str) -> Result<(), StepError> {
        let new_may_write = goal.scopes.contains(&ApiKeyScope::Write) && cannot_list(goal).is_none();
        let client = match observed.file.credentials() {
            Some(new) if new_may_write && observed.proof == Proof::Works => self.client.with_credentials(new.clone()),
            _ => self.client.clone(),
        };
        if !self.deleting.iter().any(|deleting| deleting == key_id) {
            self.report(Step::Deleting { key_id: key_id.to_owned() });
            self.deleting.push(key_id.to_owned());
        }
        if key_id == goal.old_key_id {
            self.state.old_key = KeyState::Unknown;
        }
        match client.delete_api_key().api_key(key_id).send().await {
            Ok(_) => Ok(()),
            Err(source) => {
                let ends = list::is_final(&source);
                let failure = Failure::Delete { key_id: key_id.to_owned(), source };
                Err(if ends { StepError::End(failure) } else { StepError::Retry(failure) })
            }
        }
    }

    /// Ends a rotation of which a list proved that nothing is left to do.
    fn finish(&mut self, journal: Journal, observed: Observed) -> Result<Rotated, Failure> {
        let settle_time = self.plan.settle_time.as_secs();
        let settling = journal.unsettled_before.is_some_and(|at| unix_secs().abs_diff(at) < settle_time);
        if journal.unsettled || settling {
            return Err(self.withdrawn.take().unwrap_or(Failure::Unsettled));
        }
        if let Some(failure) = self.withdrawn.take() {
            if matches!(observed.file, KeyFile::WithoutId) {
                // Generated here, and registered nowhere: the list proved that no key of this rotation exists.
                key_file::remove(&self.plan.file).map_err(Failure::KeyFile)?;
            }
            journal.remove().map_err(Failure::Journal)?;
            self.state.journal = None;
            return Err(failure);
        }
        let KeyFile::WithId(new) = observed.file else { return Err(Failure::Stopped) };
        journal.remove().map_err(Failure::Journal)?;
        Ok(Rotated {
            key_id: new.key_id().to_owned(),
            file: self.plan.file.clone(),
            client: self.client.with_credentials(new),
            warning: self.warning.take(),
        })
    }

    fn report(&mut self, step: Step) {
        (self.plan.on_step)(&step);
    }

    async fn is_stopped(&mut self) -> bool {
        let stop = &mut self.plan.stop;
        std::future::poll_fn(|context| Poll::Ready(stop.as_mut().poll(context).is_ready())).await
    }

    /// Waits, unless the plan's stop future is ready before.
    async fn is_stopped_within(&mut self, delay: Duration) -> bool {
        let stop = &mut self.plan.stop;
        tokio::time::timeout(delay, stop.as_mut()).await.is_ok()
    }
}

/// A key that was created.
struct Created {
    key_id: String,
    warning: Option<String>,
    /// Unless it was generated here.
    private_key: Option<PrivateKeyPem>,
}

/// Sends the request that creates the key of a goal.
async fn send_create(client: &Client, goal: &Goal, public_key: Option<String>) -> Result<Created, Error> {
    match (&goal.source, public_key) {
        (Source::Service(key_type), _) => {
            let body = GenerateApiKeyRequest::builder()
                .name(goal.name.as_str())
                .scopes(goal.scopes.clone())
                .subaccount(goal.binding.subaccount())
                .fcm_subtrader_id(goal.binding.fcm_subtrader_id())
                .key_type(key_type.clone());
            let created = client.generate_api_key().body(body).send().await?.into_inner();
            let (key_id, private_key) = (created.api_key_id, Some(created.private_key));
            Ok(Created { key_id, warning: created.warning, private_key })
        }
        (Source::Local(_), public_key) => {
            let body = CreateApiKeyRequest::builder()
                .name(goal.name.as_str())
                .public_key(public_key.unwrap_or_default())
                .scopes(goal.scopes.clone())
                .subaccount(goal.binding.subaccount())
                .fcm_subtrader_id(goal.binding.fcm_subtrader_id());
            let created = client.create_api_key().body(body).send().await?.into_inner();
            Ok(Created { key_id: created.api_key_id, warning: created.warning, private_key: None })
        }
    }
}

/// Why a key like the new one cannot list the keys.
fn cannot_list(goal: &Goal) -> Option<&'static str> {
    match &goal.binding {
        Binding::FcmSubtrader(_) => Some("is bound to an FCM subtrader"),
        _ if !goal.scopes.contains(&ApiKeyScope::Read) => Some("lacks the scope read"),
        _ => None,
    }
}

/// A name that no other key has.
fn unique_name(base: &str) -> String {
    // "Tue, 24 Nov 2026 18:26:09 GMT"
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!("{base}{MARK}{} {:016x})", &date[5..16], OsRng.next_u64())
}

const MARK: &str = " (rotated ";

/// A name without what an earlier rotation added.
fn base_name(name: &str) -> &str {
    match name.rsplit_once(MARK) {
        Some((base, rest)) if rest.len() == "24 Nov 2026 0123456789abcdef)".len() && rest.ends_with(')') => base,
        _ => name,
    }
}

fn unix_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
