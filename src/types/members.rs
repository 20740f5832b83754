//! Reads responses member by member, so that one odd value never hides the others.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

/// The values of a response that are not as documented, by member. An element of a list is named
/// with its position, such as `api_keys[3]`.
type Undocumented = BTreeMap<String, UndocumentedValue>;

/// The members of a JSON object from which `build.rs` lets a response type be read.
///
/// A value leaves it once it was read as documented; what is left is kept.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Members(Map<String, Value>);

impl Members {
    /// Reads a member without which the object is useless.
    pub(crate) fn required<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<T, MissingMember> {
        // Moves the value: it may be a private key.
        let value = self.0.remove(name).ok_or(MissingMember(name))?;
        T::deserialize(value).map_err(|_| MissingMember(name))
    }

    /// Reads a member that may be absent or null, unless it is of another type.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let value = Option::<T>::deserialize(self.0.get(name)?).ok()?;
        self.0.remove(name);
        value
    }

    /// Reads a list, except for elements of another type.
    pub(crate) fn list<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Vec<T>, MissingMember> {
        self.optional_list(name).ok_or(MissingMember(name))
    }

    /// Reads a list that may be absent or null, except for elements of another type.
    pub(crate) fn optional_list<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Option<Vec<T>> {
        if let Some(Value::Null) = self.0.get(name) {
            self.0.remove(name);
        }
        let elements = match self.0.remove(name)? {
            Value::Array(elements) => elements,
            other => {
                self.0.insert(name.to_owned(), other);
                return None;
            }
        };
        let mut list = Vec::with_capacity(elements.len());
        for (position, element) in elements.into_iter().enumerate() {
            match T::deserialize(&element) {
                Ok(element) => list.push(element),
                Err(_) => {
                    self.0.insert(format!("{name}[{position}]"), element);
                }
            }
        }
        Some(list)
    }

    /// Returns what was not read.
    pub(crate) fn into_undocumented(mut self) -> Undocumented {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|(name, value)| (name, UndocumentedValue(value)))
            .collect()
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

/// Returns the names of documented members among undocumented values.
pub(crate) fn unread<'a>(
    values: &'a Undocumented,
    documented: &'static [&'static str],
) -> impl Iterator<Item = &'a str> {
    let names = values.keys().map(String::as_str);
    names.filter(|name| documented.contains(&member_of(name)))
}

/// Returns the names of members that are not documented.
pub(crate) fn unknown<'a>(
    values: &'a Undocumented,
    documented: &'static [&'static str],
) -> impl Iterator<Item = &'a str> {
    let names = values.keys().map(String::as_str);
    names.filter(|name| !documented.contains(&member_of(name)))
}

/// Returns the name without the position of an element.
fn member_of(name: &str) -> &str {
    name.split_once('[').map_or(name, |(member, _)| member)
}

/// A value of a response that is not as documented: of a member that this version of the crate does
/// not know, or of another type than the spec says.
///
/// `Debug` shows only its kind, because nobody knows what it holds. Its memory is zeroized on drop.
///
/// ```
/// use kalshi_api_keys::types::ApiKey;
///
/// let json = r#"{"api_key_id":"a952bcbe","name":"desk","scopes":"read","color":"red"}"#;
/// let key: ApiKey = serde_json::from_str(json)?;
/// assert_eq!(key.scopes, None);
/// assert_eq!(key.unread().collect::<Vec<_>>(), ["scopes"]);
/// assert_eq!(key.unknown().collect::<Vec<_>>(), ["color"]);
/// assert_eq!(key.extra["scopes"].as_json(), "read");
/// assert_eq!(format!("{:?}", key.extra["color"]), "UndocumentedValue(a string)");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UndocumentedValue(Value);

impl UndocumentedValue {
    /// Returns the value as it came.
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for UndocumentedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        write!(f, "UndocumentedValue({kind})")
    }
}

impl Drop for UndocumentedValue {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Zeroizes every string in a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(elements) => elements.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A response lacks a member without which it is useless, or has one of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the member `{0}` is missing or of another type")]
pub struct MissingMember(&'static str);
