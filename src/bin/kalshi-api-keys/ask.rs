//! The question before something that cannot be undone.

use std::io::{IsTerminal as _, Write as _, stderr, stdin};

use crate::failed::Failed;

/// Goes on when `yes` was said before, or is said now. Without a terminal nobody can be asked.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failed> {
    if yes {
        return Ok(());
    }
    can_ask(yes)?;
    let mut answer = String::new();
    let asked = write!(stderr(), "{question} [y/N] ").and_then(|()| stdin().read_line(&mut answer));
    asked.map_err(|error| Failed::usage(format!("the question could not be asked: {error}; add --yes")))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failed::usage("not confirmed, and nothing was changed; answer y, or add --yes")),
    }
}

/// Checks that the question can be asked, if it has to be.
pub fn can_ask(yes: bool) -> Result<(), Failed> {
    if !yes && (!stdin().is_terminal() || !stderr().is_terminal()) {
        return Err(Failed::usage("there is no terminal to ask on, and nothing was changed; add --yes"));
    }
    Ok(())
}
