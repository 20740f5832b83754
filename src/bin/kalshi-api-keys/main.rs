//! `kalshi-api-keys`: lists, creates, generates, deletes and rotates API keys, and signs requests,
//! from a shell.
//!
//! Key material is never among the arguments, and on stdout only with `--stdout`. A failure is one
//! line on stderr and an exit code of [`failure::Code`]; usage errors are clap's.
#![forbid(unsafe_code)]

mod arguments;
mod connection;
mod create;
mod created;
mod delete;
mod failure;
mod list;
mod output;
mod prompt;
mod rotate;
mod sign;
mod signals;
mod values;
mod warnings;
mod whoami;

use std::process::ExitCode;

use clap::CommandFactory as _;

use arguments::{Arguments, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments {
        connection,
        command,
    } = arguments;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::usage(format!(
            "cannot start the async runtime: {error}; try again"
        ))
    })?;
    runtime.block_on(async {
        signals::survive_file_size_limit()
            .map_err(|error| Failure::usage(format!("cannot catch signals: {error}; try again")))?;
        match command {
            Command::List(arguments) => list::list(&connection.client().await?, &arguments).await,
            Command::Generate(arguments) => {
                let client = connection.client().await?;
                signals::defer_signals(create::generate(&client, arguments)).await
            }
            Command::Create(arguments) => {
                let client = connection.client().await?;
                signals::defer_signals(create::create(&client, arguments)).await
            }
            Command::Delete(arguments) => delete::delete(&connection, &arguments).await,
            Command::Rotate(arguments) => rotate::rotate(&connection, arguments).await,
            Command::Sign(arguments) => sign::sign(&connection, &arguments).await,
            Command::Whoami => whoami::whoami(&connection).await,
            Command::Completions { shell } => {
                // Into memory first: the generator panics when stdout is closed.
                let mut script = Vec::new();
                clap_complete::generate(
                    shell,
                    &mut Arguments::command(),
                    "kalshi-api-keys",
                    &mut script,
                );
                output::print_bytes(&script)
            }
        }
    })
}
