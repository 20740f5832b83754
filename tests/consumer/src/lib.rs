//! A minimal program that lists the API keys.

use kalshi_api_keys::{Client, Error};

/// Returns the names of all API keys.
pub async fn names(client: &Client) -> Result<Vec<String>, Error> {
    let response = client.get_api_keys().send().await?.into_inner();
    Ok(response
        .api_keys
        .into_iter()
        .filter_map(|key| key.name)
        .collect())
}
