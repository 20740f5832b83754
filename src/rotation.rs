//! A new key in service, the old one gone, at no time without a working key, and no orphan left behind.
//!
//! [`rotate`] mints the new key, saves it, signs in with it until it works, deletes the old key, and looks at the list once
//! more. The old key is never deleted before the new one was seen to work. When a step fails, the earlier ones are undone
//! where that is safe, and [`RotationError`] says which keys exist now, which file holds what, and which is in force.

mod plan;
mod standing;

use std::path::PathBuf;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

pub use self::plan::{Binding, Plan};
pub use self::standing::{Failure, KeyState, RotationError, Standing};

use self::plan::Source;
use crate::types::{ApiKey, ApiKeyScope, ApiKeyType, CreateApiKeyRequest, GenerateApiKeyRequest, PrivateKeyPem};
use crate::{Client, Credentials, Effect, Error, ErrorExt as _, KeyPair, key_file};

/// A step of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The next request may mint a key. These exist before it.
    Minting {
        /// The IDs of all keys.
        before: Vec<String>,
        /// The ID of the key to be replaced.
        old: String,
    },
    /// The new key exists.
    Minted {
        /// Its ID.
        id: String,
    },
    /// The new private key is on disk for good. With a pair made here, this comes before the key is minted.
    Saved {
        /// The file.
        file: PathBuf,
    },
    /// The new key was seen to work.
    SignedIn {
        /// Its ID.
        id: String,
    },
    /// The old key is gone.
    Deleted {
        /// Its ID.
        id: String,
    },
    /// The list holds the new key and not the old one.
    Confirmed,
}

/// A rotation that is done.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rotated {
    /// The ID of the new key.
    pub key_id: String,
    /// The file with its private key.
    pub file: PathBuf,
    /// A client that signs with it.
    pub client: Client,
    /// What the service warned of when it made the key.
    pub warning: Option<String>,
}

/// Rotates a key as planned.
///
/// ```no_run
/// use kalshi_api_keys::{Client, rotation::{self, Plan}};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::from_env()?;
/// let plan = Plan::new("kalshi-new.pem").on_step(|step| println!("{step:?}"));
/// let rotated = rotation::rotate(&client, plan).await?;
/// println!("{} signs from now on", rotated.key_id);
/// # Ok(())
/// # }
/// ```
///
/// Let it run to its end: dropped half-way, it leaves what the steps reported so far have done.
///
/// # Errors
///
/// [`RotationError`] says what failed, and how things stand.
pub async fn rotate(client: &Client, plan: Plan) -> Result<Rotated, RotationError> {
    let old = plan.replace.clone().unwrap_or_else(|| client.signer().credentials().key_id().to_owned());
    let standing =
        Standing { old: (old, KeyState::InForce), new: None, file: None, orphans: Vec::new(), unlisted: false };
    let mut rotation = Rotation { client, plan, standing, found: false };
    match rotation.run().await {
        Ok(rotated) => Ok(rotated),
        Err(failure) => Err(RotationError { failure, standing: rotation.standing }),
    }
}

struct Rotation<'a> {
    client: &'a Client,
    plan: Plan,
    standing: Standing,
    /// The new key's ID was found in a list, not answered: until it signs in, it may be somebody else's.
    found: bool,
}

/// The new key as it is to be.
struct Wanted {
    name: String,
    scopes: Vec<ApiKeyScope>,
    binding: Binding,
}

impl Rotation<'_> {
    async fn run(&mut self) -> Result<Rotated, Failure> {
        let keys = list(self.client).await.map_err(|error| Failure::List(error.into()))?;
        let wanted = self.wanted(&keys)?;
        key_file::check(&self.plan.file).map_err(Failure::Store)?;

        let before: Vec<String> = keys.into_iter().map(|key| key.api_key_id).collect();
        self.report(Step::Minting { before: before.clone(), old: self.standing.old.0.clone() });
        let (id, key, warning) = match std::mem::replace(&mut self.plan.source, Source::Generated(ApiKeyType::Ed25519))
        {
            Source::Generated(key_type) => self.generate(&wanted, key_type, &before).await?,
            Source::Local(pair) => self.create(&wanted, &pair, &before).await?,
        };

        let client = match self.sign_in(&id, &key).await {
            Ok(client) => client,
            Err(failure) => {
                if !self.found {
                    self.undo().await;
                }
                return Err(failure);
            }
        };
        self.report(Step::SignedIn { id: id.clone() });

        let may_write =
            wanted.scopes.contains(&ApiKeyScope::Write) && !matches!(wanted.binding, Binding::FcmSubtrader(_));
        let writer = if may_write { client.clone() } else { self.client.clone() };
        self.delete_old(&writer, &client).await?;
        self.confirm(&client, &id).await?;
        Ok(Rotated { key_id: id, file: self.plan.file.clone(), client, warning })
    }

    fn report(&mut self, step: Step) {
        (self.plan.report)(&step);
    }

    fn wanted(&self, keys: &[ApiKey]) -> Result<Wanted, Failure> {
        let old = keys.iter().find(|key| key.api_key_id == self.standing.old.0).ok_or(Failure::NoSuchKey)?;
        let wanted = Wanted {
            name: self.plan.name.clone().unwrap_or_else(|| old.name.clone()),
            scopes: self.plan.scopes.clone().unwrap_or_else(|| old.scopes.clone()),
            binding: self.plan.binding.clone().unwrap_or_else(|| Binding::of(old)),
        };
        if self.plan.probe.is_none() {
            if matches!(wanted.binding, Binding::FcmSubtrader(_)) {
                return Err(Failure::Unprovable("is bound to an FCM subtrader"));
            }
            if !wanted.scopes.contains(&ApiKeyScope::Read) {
                return Err(Failure::Unprovable("has not the scope read"));
            }
        }
        Ok(wanted)
    }

    /// Mint, then save: the private key comes with the answer.
    async fn generate(
        &mut self,
        wanted: &Wanted,
        key_type: ApiKeyType,
        before: &[String],
    ) -> Result<(String, PrivateKeyPem, Option<String>), Failure> {
        let (subaccount, fcm_subtrader_id) = wanted.binding.parts();
        let body = GenerateApiKeyRequest::builder()
            .name(wanted.name.as_str())
            .scopes(wanted.scopes.clone())
            .subaccount(subaccount)
            .fcm_subtrader_id(fcm_subtrader_id)
            .key_type(key_type);
        let made = match self.client.generate_api_key().body(body).send().await {
            Ok(made) => made.into_inner(),
            Err(error) => {
                // Whatever key is found is an orphan: its private half was lost on the way.
                let orphans = self.appeared(&error, wanted, before).await;
                self.standing.orphans = orphans;
                return Err(Failure::Mint(error.into()));
            }
        };
        self.minted(&made.api_key_id);
        match self.save(&made.private_key) {
            Ok(()) => Ok((made.api_key_id, made.private_key, made.warning)),
            Err(source) => {
                self.undo().await;
                Err(Failure::Save { source, private_key: made.private_key })
            }
        }
    }

    /// Save, then mint: the private key was here all the time.
    async fn create(
        &mut self,
        wanted: &Wanted,
        pair: &KeyPair,
        before: &[String],
    ) -> Result<(String, PrivateKeyPem, Option<String>), Failure> {
        let (subaccount, fcm_subtrader_id) = wanted.binding.parts();
        let private_key = pair.private_key_pem().map_err(Failure::Pair)?;
        let body = CreateApiKeyRequest::builder()
            .name(wanted.name.as_str())
            .public_key(pair.public_key_pem().map_err(Failure::Pair)?)
            .scopes(wanted.scopes.clone())
            .subaccount(subaccount)
            .fcm_subtrader_id(fcm_subtrader_id);
        if let Err(source) = self.save(&private_key) {
            return Err(Failure::Save { source, private_key });
        }
        match self.client.create_api_key().body(body).send().await {
            Ok(made) => {
                let made = made.into_inner();
                self.minted(&made.api_key_id);
                Ok((made.api_key_id, private_key, made.warning))
            }
            Err(error) => match self.appeared(&error, wanted, before).await.as_slice() {
                // The answer was lost, and nothing else: the key is ours if its private key signs in.
                [id] => {
                    self.found = true;
                    self.minted(id);
                    Ok((id.clone(), private_key, None))
                }
                several => {
                    self.standing.orphans = several.to_vec();
                    if error.effect() != Effect::Unknown {
                        self.remove_file();
                    }
                    Err(Failure::Mint(error.into()))
                }
            },
        }
    }

    /// The keys of the new one's name that a request may have made whose answer was lost.
    async fn appeared(&mut self, error: &Error, wanted: &Wanted, before: &[String]) -> Vec<String> {
        if error.effect() != Effect::Unknown {
            return Vec::new();
        }
        let listed = self.patiently(|| list(self.client), |error| error.is_transient()).await;
        self.standing.unlisted = listed.is_err();
        let listed = listed.unwrap_or_default();
        let new = listed.into_iter().filter(|key| key.name == wanted.name && !before.contains(&key.api_key_id));
        new.map(|key| key.api_key_id).collect()
    }

    fn minted(&mut self, id: &str) {
        self.standing.new = Some((id.to_owned(), KeyState::InForce));
        self.report(Step::Minted { id: id.to_owned() });
    }

    fn save(&mut self, key: &PrivateKeyPem) -> Result<(), key_file::KeyFileError> {
        let saved = key_file::save(&self.plan.file, key);
        if matches!(saved, Ok(()) | Err(key_file::KeyFileError::NotSynced { .. })) {
            self.standing.file = Some(self.plan.file.clone());
        }
        saved?;
        self.report(Step::Saved { file: self.plan.file.clone() });
        Ok(())
    }

    async fn sign_in(&self, id: &str, key: &PrivateKeyPem) -> Result<Client, Failure> {
        let credentials = Credentials::from_pem(id, key.expose_secret()).map_err(Failure::Credentials)?;
        let client = self.client.with_credentials(credentials);
        if let Some(probe) = &self.plan.probe {
            self.patiently(|| probe(client.clone()), |_| true).await.map_err(Failure::Probe)?;
        } else {
            // A key may take a moment to be known everywhere.
            let passes = |error: &Error| error.is_transient() || error.status() == Some(http::StatusCode::UNAUTHORIZED);
            self.patiently(|| list(&client), passes).await.map_err(|error| Failure::SignIn(error.into()))?;
        }
        Ok(client)
    }

    async fn delete_old(&mut self, writer: &Client, new: &Client) -> Result<(), Failure> {
        let old = self.standing.old.0.clone();
        let deleted = writer.delete_api_key().api_key(&old).send().await;
        match deleted {
            Ok(_) => {}
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => {}
            Err(error) if error.effect() == Effect::Unknown => {
                self.standing.old.1 = KeyState::Unknown;
                match list(new).await {
                    Ok(keys) if !keys.iter().any(|key| key.api_key_id == old) => {}
                    Ok(_) => {
                        self.standing.old.1 = KeyState::InForce;
                        return Err(Failure::Delete(error.into()));
                    }
                    Err(_) => return Err(Failure::Delete(error.into())),
                }
            }
            Err(error) => return Err(Failure::Delete(error.into())),
        }
        self.standing.old.1 = KeyState::Deleted;
        self.report(Step::Deleted { id: old });
        Ok(())
    }

    async fn confirm(&mut self, client: &Client, id: &str) -> Result<(), Failure> {
        if let Some(probe) = &self.plan.probe {
            self.patiently(|| probe(client.clone()), |_| true).await.map_err(Failure::Probe)?;
        } else {
            let keys = self
                .patiently(|| list(client), |e| e.is_transient())
                .await
                .map_err(|error| Failure::Confirm(error.into()))?;
            let listed = |id: &str| keys.iter().any(|key| key.api_key_id == id);
            if listed(&self.standing.old.0) {
                self.standing.old.1 = KeyState::InForce;
                return Err(Failure::StillListed);
            }
            if !listed(id) {
                return Err(Failure::NotListed);
            }
        }
        self.report(Step::Confirmed);
        Ok(())
    }

    /// Deletes the new key with the old credentials, and its file once the key is gone.
    async fn undo(&mut self) {
        let Some((id, _)) = self.standing.new.clone() else { return };
        let delete = || async { self.client.delete_api_key().api_key(&id).send().await.map(|_| ()) };
        let deleted = self.patiently(delete, |error| error.is_transient()).await;
        let state = match deleted {
            Ok(()) => KeyState::Deleted,
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => KeyState::Deleted,
            Err(error) if error.effect() == Effect::Unknown => KeyState::Unknown,
            Err(_) => KeyState::InForce,
        };
        self.standing.new = Some((id, state));
        if state == KeyState::Deleted {
            self.remove_file();
        }
    }

    fn remove_file(&mut self) {
        if let Some(file) = &self.standing.file
            && std::fs::remove_file(file).is_ok()
        {
            self.standing.file = None;
        }
    }

    async fn patiently<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        attempt: impl FnMut() -> F,
        passes: impl FnMut(&E) -> bool,
    ) -> Result<T, E> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.plan.first_pause)
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(self.plan.attempts - 1);
        attempt.retry(pauses).when(passes).await
    }
}

async fn list(client: &Client) -> Result<Vec<ApiKey>, Error> {
    Ok(client.get_api_keys().send().await?.into_inner().api_keys)
}
