//! `rotate`: arguments to a plan, steps and errors to lines.

use std::time::Duration;

use kalshi_api_keys::key_file::{self, KeyFileError};
use kalshi_api_keys::rotation::{self, ListError, Plan, RetryPolicy, RotationError};
use kalshi_api_keys::text::{Redactor, escape, printable, quoted_path, with_causes};

use crate::arguments::Rotate;
use crate::connection::Connection;
use crate::create::{warn, warn_of_unknown};
use crate::failure::{Code, Failure, code};
use crate::output::{print, print_done, print_to_stderr, quoted};
use crate::prompt::confirm;
use crate::signals;

pub async fn rotate(connection: &Connection, arguments: Rotate) -> Result<(), Failure> {
    let client = connection.client().await?;
    let (signing, base_url) = (
        client.signer().credentials(),
        client.environment().base_url(),
    );
    let question = match rotation::journal_path(&arguments.out) {
        journal if journal.exists() => {
            format!(
                "Continue the rotation in {}, and delete the key that it replaces?",
                quoted_path(&journal)
            )
        }
        _ => format!(
            "Replace the key {} of {base_url} and delete it?",
            printable(signing.key_id())
        ),
    };
    confirm(&question, arguments.yes)?;
    warn_of_unknown(&arguments.scopes);

    let mut plan = Plan::new(&arguments.out)
        .retry_policy(RetryPolicy::new(
            arguments.attempts,
            Duration::from_millis(250),
        ))
        .settle_time(Duration::from_secs(arguments.settle));
    plan = match arguments.local {
        true => plan.generate_locally(arguments.key_type.try_into()?),
        false => plan.generate_at_service(arguments.key_type),
    };
    if let Some(name) = arguments.name {
        plan = plan.name(name);
    }
    if !arguments.scopes.is_empty() {
        plan = plan.scopes(arguments.scopes);
    }
    let signal = signals::received()
        .map_err(|error| Failure::usage(format!("cannot catch signals: {error}")))?;
    plan = plan.stop_on(async {
        signal.await;
        print_to_stderr("warning: stopping after the request in flight");
    });
    // A closed pipe does not end the rotation.
    plan = plan.on_step(|step| drop(print(&format!("{}\n", escape(&step.to_string())))));
    match rotation::rotate(&client, plan).await {
        Ok(rotated) => {
            let redactor = key_file::load(&arguments.out).map_or_else(
                |_| Redactor::new(),
                |loaded| Redactor::with_key(&loaded.key),
            );
            warn(rotated.warning.as_deref(), &redactor);
            let (id, file) = (
                quoted(&printable(&rotated.key_id)),
                quoted(&arguments.out.to_string_lossy()),
            );
            print_done(&format!(
                "done; from now on use KALSHI_API_KEY_ID={id} and KALSHI_PRIVATE_KEY_PATH={file}"
            ))
        }
        Err(error) => Err(Failure::new(exit_code(&error), with_causes(&error))),
    }
}

fn exit_code(error: &RotationError) -> Code {
    if error.state.journal.is_some() {
        return Code::Incomplete;
    }
    match &error.failure {
        rotation::Failure::List(ListError::Api(error)) | rotation::Failure::Create(error) => {
            code(error)
        }
        rotation::Failure::List(_) | rotation::Failure::UnusableKey(_) => Code::Refused,
        rotation::Failure::Journal(_)
        | rotation::Failure::Save(KeyFileError::StaleTemporaryFile { .. }) => Code::Incomplete,
        _ => Code::Usage,
    }
}
