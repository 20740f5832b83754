//! What a program does first: list its keys.

use kalshi_api_keys::{Client, Error};

/// The names of all keys.
pub async fn names(client: &Client) -> Result<Vec<String>, Error> {
    let answer = client.get_api_keys().send().await?.into_inner();
    Ok(answer.api_keys.into_iter().map(|key| key.name).collect())
}
