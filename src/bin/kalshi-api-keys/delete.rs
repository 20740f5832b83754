//! `delete`: one key, for good.

use kalshi_api_keys::text::printable;

use crate::arguments::Delete;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::print;
use crate::prompt::confirm;

pub async fn delete(connection: &Connection, what: &Delete) -> Result<(), Failure> {
    let client = connection.client()?;
    let place = connection.environment()?.base_url()?;
    let itself = if client.signer().credentials().key_id() == what.id { ", the key that signs this," } else { "" };
    confirm(&format!("Delete the key {}{itself} of {place} for good?", printable(&what.id)), what.yes)?;
    client.delete_api_key().api_key(&what.id).send().await?;
    print(&format!("deleted {}\n", printable(&what.id)))
}
