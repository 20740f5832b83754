//! `kalshi-api-keys`: list, create, generate, delete and rotate API keys, and sign requests, from a shell.
//!
//! Key material is never among the arguments, and on stdout only with `--stdout`. Everything that fails is one line on
//! stderr and an exit code of [`failed::Code`].
#![forbid(unsafe_code)]

mod alarms;
mod arguments;
mod ask;
mod connection;
mod create;
mod delete;
mod failed;
mod list;
mod output;
mod rotate;
mod sign;
mod signals;
mod whoami;

use std::process::ExitCode;

use clap::CommandFactory as _;

use arguments::{Arguments, Command};
use failed::Failed;

fn main() -> ExitCode {
    match arguments::read().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(),
    }
}

fn run(arguments: Option<Arguments>) -> Result<(), Failed> {
    // Help was asked for, and given.
    let Some(Arguments { connection, command }) = arguments else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::usage(format!("the system gave no means to wait: {error}")))?;
    runtime.block_on(async {
        match command {
            Command::List(what) => list::list(&connection.client()?, &what).await,
            Command::Generate(what) => {
                let client = connection.client()?;
                signals::held_back(create::generate(&client, what)).await
            }
            Command::Create(what) => {
                let client = connection.client()?;
                signals::held_back(create::create(&client, what)).await
            }
            Command::Delete(what) => delete::delete(&connection, &what).await,
            Command::Rotate(what) => rotate::rotate(&connection, what).await,
            Command::Sign(what) => sign::sign(&connection, &what),
            Command::Whoami => whoami::whoami(&connection).await,
            Command::Completions { shell } => {
                // Into memory first: the generator panics when a pipe is closed.
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Arguments::command(), "kalshi-api-keys", &mut script);
                output::print_bytes(&script)
            }
        }
    })
}
