//! What a creation left on the account, by comparing the listings before and after it: no response
//! proves that nothing was created, because a gateway may write the same.

use std::time::Duration;

use http::StatusCode;
use kalshi_api_keys::rotation::{self, ListError};
use kalshi_api_keys::text::{printable, with_causes};
use kalshi_api_keys::types::{ApiKey, PrivateKeyPem};
use kalshi_api_keys::{Client, Credentials, Effect, Error};

use crate::failure::{Failure, code, without_advice};

/// The delays before each listing after a failed creation: a key may appear late, and a listing may
/// fail as the creation did.
const DELAYS: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_secs(1),
];

/// The keys of the account before one is created.
pub struct Baseline {
    /// Their IDs. `None` if they could not be listed.
    ids: Option<Vec<String>>,
}

/// What listings show after a creation failed.
pub enum Created {
    /// No new key is listed.
    Nothing,
    /// These keys are new. Another program may have created them.
    Keys(Vec<ApiKey>),
    /// The keys could not be listed, before or since.
    Unknown,
}

impl Baseline {
    /// Lists the keys before one is created. A key without the scope `read` cannot list them, and
    /// creates one all the same.
    ///
    /// # Errors
    ///
    /// A failure that a creation would meet as well. Nothing has been created then.
    pub async fn list(client: &Client) -> Result<Self, Failure> {
        match rotation::list(client).await {
            Ok(keys) => {
                let ids = keys.into_iter().map(|key| key.api_key_id).collect();
                Ok(Self { ids: Some(ids) })
            }
            Err(ListError::Api(error)) if prevents_creation(&error) => Err(error.into()),
            Err(_) => Ok(Self { ids: None }),
        }
    }

    /// Returns whether a key is known not to have existed before.
    pub fn lacks(&self, id: &str) -> bool {
        self.ids
            .as_ref()
            .is_some_and(|ids| ids.iter().all(|before| before != id))
    }

    /// Lists the keys again after a creation failed.
    pub async fn compare(&self, client: &Client, failed: &FailedCreation<'_>) -> Created {
        if self.ids.is_none() {
            return Created::Unknown;
        }
        let mut created = Created::Unknown;
        for delay in DELAYS {
            tokio::time::sleep(delay).await;
            let Ok(keys) = rotation::list(client).await else {
                continue;
            };
            let new: Vec<_> = keys
                .into_iter()
                .filter(|key| self.lacks(&key.api_key_id))
                .collect();
            if !new.is_empty() {
                return Created::Keys(new);
            }
            created = Created::Nothing;
            if failed.rejection.is_some() {
                break;
            }
        }
        created
    }
}

/// A request to create a key that failed after it was sent.
pub struct FailedCreation<'a> {
    /// The name that the key was to have.
    name: &'a str,
    /// What happened, without what to do next.
    happened: String,
    /// The failure of a request that its status says was rejected.
    rejection: Option<Failure>,
}

impl<'a> FailedCreation<'a> {
    pub fn new(error: &Error, name: &'a str) -> Self {
        let happened = without_advice(error);
        let is_rejected = error.status().is_some_and(|status| {
            status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
        });
        let message = match error.effect() {
            // The advice is to list the keys, and that is done.
            Effect::Unknown => happened.clone(),
            _ => with_causes(error),
        };
        Self {
            name,
            happened,
            rejection: is_rejected.then(|| Failure::new(code(error), message)),
        }
    }

    /// Returns what happened, and what the listings show of it. The exit code is that of the
    /// response only if the request was rejected and no key is new.
    pub fn with_listing(self, created: &Created) -> Failure {
        let name = printable(self.name);
        match (created, self.rejection) {
            (Created::Nothing, Some(rejection)) => rejection.and("no new key is listed"),
            (Created::Nothing, None) => Failure::incomplete(self.happened).and(format!(
                "no new key is listed, but a key {name:?} may still appear: list the keys again later"
            )),
            (Created::Keys(keys), _) => {
                let keys = keys.iter().map(|key| {
                    let id = printable(&key.api_key_id);
                    match &key.name {
                        Some(name) => format!("{id} ({:?})", printable(name)),
                        None => id.into_owned(),
                    }
                });
                let keys = keys.collect::<Vec<_>>().join(", ");
                Failure::incomplete(self.happened).and(format!("new on the account since: {keys}"))
            }
            (Created::Unknown, rejection) => {
                let message = rejection.map_or(self.happened, |rejection| rejection.to_string());
                Failure::incomplete(message).and(format!(
                    "it is unknown whether a key {name:?} was created, because the keys could not be listed: list them with a key that has the scope `read`"
                ))
            }
        }
    }
}

impl Created {
    /// Returns the new keys of this name.
    pub fn named(&self, name: &str) -> Vec<&ApiKey> {
        match self {
            Self::Keys(keys) => keys.iter().filter(|key| has_name(key, name)).collect(),
            Self::Nothing | Self::Unknown => Vec::new(),
        }
    }

    /// Returns the ID of the new key to which a private key belongs: the one that signs a listing
    /// with it, or the only one of this name to which it may belong.
    pub async fn owner(&self, client: &Client, name: &str, key: &PrivateKeyPem) -> Option<String> {
        let mut possible = Vec::new();
        for candidate in self.named(name) {
            let id = &candidate.api_key_id;
            let Ok(credentials) = Credentials::from_pem(id, key.expose_secret()) else {
                continue;
            };
            match rotation::list(&client.with_credentials(credentials)).await {
                Ok(_) => return Some(id.clone()),
                Err(ListError::Api(error)) if is_unauthorized(&error) => {}
                Err(_) => possible.push(id),
            }
        }
        match possible[..] {
            [id] => Some(id.clone()),
            _ => None,
        }
    }
}

fn is_unauthorized(error: &Error) -> bool {
    error.status() == Some(StatusCode::UNAUTHORIZED)
}

/// Returns whether a listing failed for a reason that also prevents a creation: the service is not
/// reached, rejects the signature, or rejects everything that a restricted key asks for.
fn prevents_creation(error: &Error) -> bool {
    let is_restricted = |text: &Option<String>| {
        text.as_ref()
            .is_some_and(|text| text.replace('_', " ").contains("restricted to a single"))
    };
    match error {
        Error::ErrorResponse(response)
            if is_restricted(&response.code) || is_restricted(&response.message) =>
        {
            true
        }
        _ => error.effect() == Effect::NotSent || error.is_transient() || is_unauthorized(error),
    }
}

fn has_name(key: &ApiKey, name: &str) -> bool {
    key.name.as_deref() == Some(name)
}
