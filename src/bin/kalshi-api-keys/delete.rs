//! `delete`: one key, reported deleted only once a list proves it.

use kalshi_api_keys::rotation::{self, DeleteError, ListError, RetryPolicy};
use kalshi_api_keys::text::{could_be_key_material, printable, with_causes};

use crate::arguments::Delete;
use crate::connection::Connection;
use crate::failure::{Code, Failure, code};
use crate::list::{name, scopes};
use crate::output::print_done;
use crate::prompt::{check_terminal, confirm};

pub async fn delete(connection: &Connection, arguments: &Delete) -> Result<(), Failure> {
    check_terminal(arguments.yes)?;
    let client = connection.client().await?;
    let base_url = client.environment().base_url();
    let keys = rotation::list(&client)
        .await
        .map_err(|error| Failure::new(list_code(&error), with_causes(&error)))?;
    let id = printable(&arguments.id);
    let Some(key) = keys.iter().find(|key| key.api_key_id == arguments.id) else {
        return Err(not_listed(&arguments.id));
    };
    let itself = if client.signer().credentials().key_id() == arguments.id {
        ", which signs this request,"
    } else {
        ""
    };
    let name = name(key);
    let scopes = scopes(key);
    confirm(
        &format!("Delete the key {id}{itself} ({name}: {scopes}) of {base_url}?"),
        arguments.yes,
    )?;
    match rotation::delete(&client, &arguments.id, RetryPolicy::default()).await {
        Ok(()) => print_done(&format!("deleted {id}")),
        Err(DeleteError::NotDeleted(error)) => Err(error.into()),
        Err(DeleteError::UntrustedList(error)) => {
            Err(Failure::new(list_code(&error), with_causes(&error)))
        }
        Err(error) => Err(Failure::incomplete(with_causes(&error))),
    }
}

/// Does not repeat what could be a private key in place of the ID.
fn not_listed(id: &str) -> Failure {
    if could_be_key_material(id) {
        return Failure::usage(
            "the account has no key with this ID, which could be a private key; list the keys to see which exist",
        );
    }
    let id = printable(id);
    Failure::new(
        Code::Refused,
        format!("the account has no key {id}; list the keys to see which exist"),
    )
}

fn list_code(error: &ListError) -> Code {
    match error {
        ListError::Api(error) => code(error),
        _ => Code::Refused,
    }
}
