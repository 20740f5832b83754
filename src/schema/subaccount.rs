//! The number of a sub-account: 0 to 63 where a caller names it, any number where the service does.

use std::fmt;

use serde_json::Number;

/// The number of a sub-account, 0 to 63.
///
/// Made from a `u8`, it is checked. Read from an answer, it is kept as it came, for a service with more sub-accounts
/// than today must not fail the list of all keys; sent back, it is unchanged.
///
/// ```
/// use kalshi_api_keys::types::Subaccount;
///
/// assert!(Subaccount::try_from(63).is_ok());
/// assert!(Subaccount::try_from(64).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Subaccount(#[schemars(with = "u8", range(max = 63))] Number);

impl Subaccount {
    /// The highest number that can be named.
    pub const MAX: u8 = 63;

    /// The number; `None` when the service answered one that is no whole number from 0 to 2⁶⁴ − 1.
    pub fn get(&self) -> Option<u64> {
        self.0.as_u64()
    }
}

impl TryFrom<u8> for Subaccount {
    type Error = SubaccountOutOfRange;

    fn try_from(number: u8) -> Result<Self, SubaccountOutOfRange> {
        match number {
            0..=Self::MAX => Ok(Self(number.into())),
            _ => Err(SubaccountOutOfRange(number)),
        }
    }
}

impl fmt::Display for Subaccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number is above 63.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} is no sub-account; they are numbered 0 to {max}", number = self.0, max = Subaccount::MAX)]
pub struct SubaccountOutOfRange(u8);
