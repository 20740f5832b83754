//! The question before an action that cannot be undone.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use kalshi_api_keys::text::escape;

use crate::failure::Failure;

/// Asks for confirmation on the terminal, unless `--yes` gave it.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    check_terminal(yes)?;
    let mut reply = String::new();
    let asked = write!(stderr(), "{} [y/N] ", escape(question))
        .and_then(|()| stdin().read_line(&mut reply));
    asked.map_err(|error| {
        Failure::usage(format!("cannot ask for confirmation: {error}; add --yes"))
    })?;
    match reply.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage(
            "not confirmed, and nothing was changed; type y, or add --yes",
        )),
    }
}

/// Checks that confirmation can be asked for, unless `--yes` gave it.
pub fn check_terminal(yes: bool) -> Result<(), Failure> {
    if !yes && (!stdin().is_terminal() || !stderr().is_terminal()) {
        return Err(Failure::usage(
            "no terminal to ask for confirmation, and nothing was changed; add --yes",
        ));
    }
    Ok(())
}
