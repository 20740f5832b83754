//! The question before something that cannot be undone.

use std::io::{IsTerminal as _, stderr, stdin};

use dialoguer::Confirm;

use crate::failed::Failed;

/// Goes on when `yes` was said before, or is said now. Without a terminal nobody can be asked.
pub fn confirm(question: &str, yes: bool) -> Result<(), Failed> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Failed::usage("there is no terminal to ask on, and nothing was changed; add --yes"));
    }
    match Confirm::new().with_prompt(question).default(false).interact() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failed::usage("not confirmed, and nothing was changed; answer y, or add --yes")),
        Err(error) => Err(Failed::usage(format!("the question could not be asked: {error}; add --yes"))),
    }
}
