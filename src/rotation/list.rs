//! Verified lists of keys, and deletions confirmed by them.

use std::time::Duration;

use http::StatusCode;

use super::error::ListError;
use super::plan::RetryPolicy;
use crate::types::ApiKey;
use crate::{Client, Effect, Error};

/// Lists the keys of the account, and checks that the list contains the key that signed the
/// request. Any other list, such as one from a cache that ignores the signature, proves nothing.
///
/// # Errors
///
/// [`ListError::SignerNotListed`] for such a list.
///
/// ```
/// use kalshi_api_keys::{Client, rotation, sandbox::Sandbox};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// let keys = rotation::list(&client).await?;
/// assert!(keys.iter().any(|key| key.api_key_id == client.signer().credentials().key_id()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn list(client: &Client) -> Result<Vec<ApiKey>, ListError> {
    let client = with_own_signer(client);
    let keys = client.get_api_keys().send().await?.into_inner().api_keys;
    let signer = client.signer().credentials().key_id().to_owned();
    if keys.iter().any(|key| key.api_key_id == signer) {
        Ok(keys)
    } else {
        Err(ListError::SignerNotListed(signer))
    }
}

/// Returns a client whose credentials nobody else replaces.
pub(super) fn with_own_signer(client: &Client) -> Client {
    client.with_credentials(client.signer().credentials())
}

/// Deletes a key that a [`list`] contains, and returns once a list no longer contains it.
///
/// A key cannot prove its own deletion: use a client that signs with another one.
///
/// # Errors
///
/// [`DeleteError::NotDeleted`], [`DeleteError::NotListed`] or [`DeleteError::UntrustedList`] when
/// nothing was deleted; otherwise the key may still exist.
///
/// ```
/// use kalshi_api_keys::rotation::{self, DeleteError, RetryPolicy};
/// use kalshi_api_keys::{Client, sandbox::Sandbox, types::GenerateApiKeyRequest};
///
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let sandbox = Sandbox::start().await?;
/// # let client = Client::new(sandbox.environment(), sandbox.credentials())?;
/// let request = GenerateApiKeyRequest::builder().name("dashboard").scopes(vec!["read".into()]).key_type("ed25519");
/// let key_id = client.generate_api_key().body(request).send().await?.into_inner().api_key_id;
/// rotation::delete(&client, &key_id, RetryPolicy::default()).await?;
/// let once = RetryPolicy::new(1, std::time::Duration::ZERO);
/// assert!(matches!(rotation::delete(&client, &key_id, once).await, Err(DeleteError::NotListed)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn delete(
    client: &Client,
    key_id: &str,
    retry_policy: RetryPolicy,
) -> Result<(), DeleteError> {
    let mut delays = retry_policy.delays();
    // Whether a request was sent whose status does not say that it was rejected.
    let mut in_doubt = false;
    // A list that lags could lack the key before it was deleted as well.
    loop {
        let (error, retryable) = match list(client).await {
            Ok(keys) if keys.iter().any(|key| key.api_key_id == key_id) => break,
            Ok(_) => (DeleteError::NotListed, true),
            Err(error) => {
                let retryable = error.is_retryable();
                let error = match error {
                    ListError::Api(error) => DeleteError::NotDeleted(error),
                    error => DeleteError::UntrustedList(error),
                };
                (error, retryable)
            }
        };
        wait_or_fail(delays.next().filter(|_| retryable), error).await?;
    }
    loop {
        let (error, retryable) = match client.delete_api_key().api_key(key_id).send().await {
            Err(error) if error.effect() == Effect::NotSent && !in_doubt => {
                let retryable = error.is_transient();
                (DeleteError::NotDeleted(error), retryable)
            }
            result => {
                // A gateway may have written a rejection after the key was deleted.
                let rejection = result.err().filter(|error| !in_doubt && is_rejected(error));
                in_doubt |= rejection.is_none();
                match list(client).await {
                    Ok(keys) if keys.iter().all(|key| key.api_key_id != key_id) => return Ok(()),
                    Ok(_) => match rejection {
                        Some(error) => {
                            let retryable = error.effect() == Effect::Unknown;
                            (DeleteError::NotDeleted(error), retryable)
                        }
                        None => (DeleteError::StillListed, true),
                    },
                    Err(error) => {
                        let retryable = error.is_retryable();
                        (DeleteError::Unverified(error), retryable)
                    }
                }
            }
        };
        wait_or_fail(delays.next().filter(|_| retryable), error).await?;
    }
}

/// Returns whether the status alone says that a request was rejected, and will be again. That the
/// key was not found proves nothing: see whether a list contains it.
fn is_rejected(error: &Error) -> bool {
    let is_rejection = |status: StatusCode| {
        status.is_client_error() && status != StatusCode::NOT_FOUND && !error.is_transient()
    };
    error.status().is_some_and(is_rejection)
}

/// Waits for the next attempt, if there is one.
async fn wait_or_fail(delay: Option<Duration>, error: DeleteError) -> Result<(), DeleteError> {
    tokio::time::sleep(delay.ok_or(error)?).await;
    Ok(())
}

/// Why a key was not deleted, or its deletion could not be confirmed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// The request was not sent, or it was rejected and a list still contains the key.
    #[error("the key was not deleted")]
    NotDeleted(#[source] Error),
    /// No list contains it, and nothing was sent: it does not exist, or is not listed yet.
    #[error("the account has no key with this ID; list the keys to see which exist")]
    NotListed,
    /// A list still contains it.
    #[error("the key is still listed: its deletion failed, or is not visible yet; try again later")]
    StillListed,
    /// The list of keys is not the service's, and nothing was sent.
    #[error("the key was not deleted: the list of keys cannot be trusted")]
    UntrustedList(#[source] ListError),
    /// No list showed whether it is deleted.
    #[error("the deletion of the key could not be verified; list the keys with another key")]
    Unverified(#[source] ListError),
}
