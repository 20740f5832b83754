//! The number of a sub-account.

use std::fmt;
use std::str::FromStr;

/// The number of a sub-account, 0 to 63.
///
/// A number out of range cannot be sent. In a response it is kept as an
/// [`UndocumentedValue`](super::UndocumentedValue).
///
/// ```
/// use kalshi_api_keys::types::Subaccount;
///
/// assert_eq!(Subaccount::try_from(63)?.get(), 63);
/// assert!(Subaccount::try_from(64).is_err());
/// assert_eq!("7".parse::<Subaccount>()?.to_string(), "7");
/// # Ok::<(), kalshi_api_keys::types::SubaccountOutOfRange>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(!try_from))]
#[serde(try_from = "u64")]
pub struct Subaccount(#[cfg_attr(feature = "schemars", schemars(range(max = 63)))] u8);

impl Subaccount {
    /// The highest number.
    pub const MAX: u8 = 63;

    /// Returns the number.
    pub fn get(self) -> u8 {
        self.0
    }
}

macro_rules! try_from_integer {
    ($($integer:ty),*) => {$(
        impl TryFrom<$integer> for Subaccount {
            type Error = SubaccountOutOfRange;

            fn try_from(number: $integer) -> Result<Self, SubaccountOutOfRange> {
                match u8::try_from(number) {
                    Ok(number @ 0..=Self::MAX) => Ok(Self(number)),
                    _ => Err(SubaccountOutOfRange(Some(number.into()))),
                }
            }
        }
    )*};
}

// `i32` is the default type of integer literals.
try_from_integer!(u8, i32, u64);

impl FromStr for Subaccount {
    type Err = SubaccountOutOfRange;

    fn from_str(number: &str) -> Result<Self, SubaccountOutOfRange> {
        match number.parse::<u64>() {
            Ok(number) => number.try_into(),
            Err(_) => Err(SubaccountOutOfRange(number.parse().ok())),
        }
    }
}

impl fmt::Display for Subaccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number, or the text that is not an integer, is not a valid sub-account number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubaccountOutOfRange(Option<i128>);

impl fmt::Display for SubaccountOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(number) => {
                write!(
                    f,
                    "sub-account {number} is out of range 0..={}",
                    Subaccount::MAX
                )
            }
            None => write!(f, "a sub-account is an integer in 0..={}", Subaccount::MAX),
        }
    }
}

impl std::error::Error for SubaccountOutOfRange {}
