//! Open enums: enums of strings that preserve unknown values.

use std::fmt;

/// A value of an open enum that is unknown to this version of the crate. It is only created by
/// converting a string to the enum, so it never contains a known value.
///
/// ```
/// use kalshi_api_keys::types::ApiKeyScope;
///
/// let ApiKeyScope::Unknown(scope) = ApiKeyScope::from("read::positions") else { panic!() };
/// assert_eq!(scope.as_str(), "read::positions");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownValue(Box<str>);

impl UnknownValue {
    pub(crate) fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// Returns the value as it was received.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Defines an open enum of strings; the generated code calls it for each schema marked
/// `x-open-enum`.
macro_rules! open_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident = $value:literal),* $(,)? }) => {
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use kalshi_api_keys::types::", stringify!($name), ";")]
        ///
        #[doc = concat!("for value in ", stringify!($name), "::KNOWN {")]
        #[doc = concat!("    assert_eq!(", stringify!($name), "::from(value.as_str()), *value);")]
        /// }
        #[doc = concat!("let newer = ", stringify!($name), "::from(\"newer\");")]
        #[doc = concat!("assert!(matches!(&newer, ", stringify!($name), "::Unknown(_)) && newer.as_str() == \"newer\");")]
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Deserialize)]
        #[serde(from = "String")]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant,)*
            /// A value unknown to this version of the crate, preserved unchanged.
            Unknown($crate::types::UnknownValue),
        }

        impl $name {
            /// The values known to this version of the crate, in the order of the OpenAPI
            /// description.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the value as it appears in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Unknown(value) => value.as_str(),
                }
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::Unknown($crate::types::UnknownValue::new(other)),
                }
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(value: &str) -> ::std::result::Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "schemars")]
        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string", "examples": [$($value),*] })
            }
        }
    };
}

pub(crate) use open_enum;
