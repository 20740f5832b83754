//! `delete`: one key, for good.

use crate::arguments::Delete;
use crate::ask::confirm;
use crate::connection::Connection;
use crate::failed::Failed;
use crate::output::{print, visible};

pub async fn delete(connection: &Connection, what: &Delete) -> Result<(), Failed> {
    let client = connection.client()?;
    let environment = connection.environment()?;
    let place = environment.base_url();
    let itself = if client.signer().credentials().key_id() == what.id { ", the key that signs this," } else { "" };
    confirm(&format!("Delete the key {}{itself} of {place} for good?", visible(&what.id)), what.yes)?;
    client.delete_api_key().api_key(&what.id).send().await?;
    print(&format!("deleted {}\n", visible(&what.id)))
}
