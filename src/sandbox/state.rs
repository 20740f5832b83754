//! The state shared by the server and its [`Sandbox`](super::Sandbox) handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;
use super::clock::Clock;
use super::fault::FaultQueue;

pub(super) struct State {
    pub(super) account: Account,
    pub(super) clock: Clock,
    pub(super) faults: FaultQueue,
    pub(super) requests: u64,
}

#[derive(Clone)]
pub(super) struct SharedState(Arc<Mutex<State>>);

impl SharedState {
    pub(super) fn new(account: Account) -> Self {
        let state = State {
            account,
            clock: Clock::default(),
            faults: FaultQueue::default(),
            requests: 0,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Locks the state; never held across an await. Poisoning is ignored: every change is a single
    /// assignment, insertion or removal, so a panic cannot leave the state inconsistent.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
