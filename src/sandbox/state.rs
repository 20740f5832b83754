//! What the server and the test that started it share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;
use super::clock::Clock;
use super::fault::Faults;

pub(super) struct State {
    pub(super) account: Account,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) requests: u64,
}

#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn new(account: Account) -> Self {
        let state = State { account, clock: Clock::default(), faults: Faults::default(), requests: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Never held across an await. Each change is one assignment or one insertion, so a panic leaves nothing half done.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
