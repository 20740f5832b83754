//! Sub-account numbers: validated in requests, preserved as received in responses.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde_json::Number;

use crate::types::Optional;

/// The number of a sub-account, 0 to 63.
///
/// Conversions validate the range. A number in a response is preserved even if it is out of range,
/// so that the list of keys still parses if the service adds sub-accounts.
///
/// ```
/// use kalshi_api_keys::types::Subaccount;
///
/// assert_eq!(Subaccount::try_from(63)?.get(), Some(63));
/// assert!(Subaccount::try_from(64).is_err());
/// assert_eq!("7".parse::<Subaccount>()?.to_string(), "7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Subaccount(
    #[cfg_attr(feature = "schemars", schemars(with = "u8", range(max = 63)))] Number,
);

impl Subaccount {
    /// The highest number that is valid in a request.
    pub const MAX: u8 = 63;

    /// Returns the number, or `None` if a response contained one that is not an integer from 0 to
    /// 2⁶⁴ − 1.
    pub fn get(&self) -> Option<u64> {
        self.0.as_u64()
    }
}

macro_rules! try_from_integer {
    ($($integer:ty),*) => {$(
        impl TryFrom<$integer> for Subaccount {
            type Error = SubaccountOutOfRange;

            fn try_from(number: $integer) -> Result<Self, SubaccountOutOfRange> {
                match u8::try_from(number) {
                    Ok(number @ 0..=Self::MAX) => Ok(Self(number.into())),
                    _ => Err(SubaccountOutOfRange(Some(number.into()))),
                }
            }
        }

        impl TryFrom<$integer> for Optional<Subaccount> {
            type Error = SubaccountOutOfRange;

            fn try_from(number: $integer) -> Result<Self, SubaccountOutOfRange> {
                Subaccount::try_from(number).map(Self::from)
            }
        }
    )*};
}

// `i32` is the default type of integer literals.
try_from_integer!(u8, i32, u64);

impl FromStr for Subaccount {
    type Err = SubaccountOutOfRange;

    fn from_str(number: &str) -> Result<Self, SubaccountOutOfRange> {
        let number: u64 = number
            .parse()
            .map_err(|_| SubaccountOutOfRange(number.parse().ok()))?;
        number.try_into()
    }
}

impl TryFrom<Subaccount> for u64 {
    type Error = SubaccountOutOfRange;

    fn try_from(subaccount: Subaccount) -> Result<Self, SubaccountOutOfRange> {
        subaccount
            .get()
            .ok_or(SubaccountOutOfRange(subaccount.0.as_i64().map(Into::into)))
    }
}

impl TryFrom<Subaccount> for u8 {
    type Error = SubaccountOutOfRange;

    fn try_from(subaccount: Subaccount) -> Result<Self, SubaccountOutOfRange> {
        let number = u64::try_from(subaccount)?;
        number
            .try_into()
            .map_err(|_| SubaccountOutOfRange(Some(number.into())))
    }
}

/// Orders by number. Values that are not integers from 0 to 2⁶⁴ − 1 come last, ordered by their
/// text.
impl Ord for Subaccount {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |subaccount: &Self| match subaccount.get() {
            Some(number) => (false, number, String::new()),
            None => (true, 0, subaccount.to_string()),
        };
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Subaccount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Subaccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// The number, or the text that is not an integer, is not a valid sub-account number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubaccountOutOfRange(Option<i128>);

impl fmt::Display for SubaccountOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => write!(
                f,
                "sub-account {number} is out of range 0..={}",
                Subaccount::MAX
            ),
            None => write!(f, "a sub-account is an integer in 0..={}", Subaccount::MAX),
        }
    }
}

impl std::error::Error for SubaccountOutOfRange {}
