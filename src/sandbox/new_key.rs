//! Reading what a caller asks for: a request body -> a key to make, or the 400 that says what is wrong.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::public_key::PublicKey;
use super::refusal::Refusal;
use crate::KeyAlgorithm;
use crate::types::{ApiKeyScope, ApiKeyType, Subaccount};

/// A key to make.
#[derive(Debug)]
pub(super) struct NewKey {
    pub(super) name: String,
    pub(super) scopes: Vec<ApiKeyScope>,
    pub(super) subaccount: Option<Subaccount>,
    pub(super) fcm_subtrader_id: Option<String>,
}

impl NewKey {
    pub(super) fn read(members: &Members) -> Result<Self, Refusal> {
        let key = Self {
            name: members.required("name")?.to_owned(),
            scopes: members.scopes()?,
            subaccount: members.subaccount()?,
            fcm_subtrader_id: members.fcm_subtrader_id()?,
        };
        if key.subaccount.is_some() && key.fcm_subtrader_id.is_some() {
            return Err(Refusal::invalid("subaccount and fcm_subtrader_id exclude each other"));
        }
        Ok(key)
    }
}

/// The members of a JSON object. One that is `null` is not absent, for the spec allows it nowhere, and absent scopes mean
/// full access. One that nobody asks for is ignored.
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Refusal> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message = "the content type is not application/json";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_content_type", message));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Refusal::invalid("the body is not a JSON object")),
            Err(_) => Err(Refusal::invalid("the body is not JSON")),
        }
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, Refusal> {
        PublicKey::from_pem(self.required("public_key")?).map_err(|e| Refusal::invalid(e.to_string()))
    }

    pub(super) fn key_type(&self) -> Result<KeyAlgorithm, Refusal> {
        let key_type = self.text("key_type")?.map_or(ApiKeyType::Rsa, ApiKeyType::from);
        key_type.try_into().map_err(|_| Refusal::invalid("key_type is neither rsa nor ed25519"))
    }

    fn scopes(&self) -> Result<Vec<ApiKeyScope>, Refusal> {
        let scopes = match self.get("scopes") {
            None => return Ok(vec![ApiKeyScope::Read, ApiKeyScope::Write]),
            Some(Value::Array(scopes)) => scopes,
            Some(_) => return Err(Refusal::invalid("scopes is not a list")),
        };
        let known = |scope: &Value| scope.as_str().map(ApiKeyScope::from).filter(|s| ApiKeyScope::KNOWN.contains(s));
        let scopes: Option<Vec<_>> = scopes.iter().map(known).collect();
        let scopes = scopes.ok_or_else(|| Refusal::invalid("scopes holds a scope that does not exist"))?;
        if scopes.is_empty() {
            return Err(Refusal::invalid("scopes is empty"));
        }
        if scopes.contains(&ApiKeyScope::Write) && !scopes.contains(&ApiKeyScope::Read) {
            return Err(Refusal::invalid("the scope write needs read beside it"));
        }
        Ok(scopes)
    }

    fn subaccount(&self) -> Result<Option<Subaccount>, Refusal> {
        let Some(number) = self.get("subaccount") else { return Ok(None) };
        let number = number.as_u64().and_then(|number| u8::try_from(number).ok());
        match number.map(Subaccount::try_from) {
            Some(Ok(subaccount)) => Ok(Some(subaccount)),
            _ => Err(Refusal::invalid(format!("subaccount is not a whole number from 0 to {}", Subaccount::MAX))),
        }
    }

    fn fcm_subtrader_id(&self) -> Result<Option<String>, Refusal> {
        match self.text("fcm_subtrader_id")? {
            Some(id) => subtrader_id(id).map(|id| Some(id.to_owned())),
            None => Ok(None),
        }
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        match self.text(name)? {
            None => Err(Refusal::invalid(format!("{name} is missing"))),
            Some("") => Err(Refusal::invalid(format!("{name} is empty"))),
            Some(text) => Ok(text),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let not_text = || Refusal::invalid(format!("{name} is not a string"));
        self.get(name).map(|value| value.as_str().ok_or_else(not_text)).transpose()
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The ID, if it is the spec's `^[^\r\n]+_[A-Za-z0-9]{1,16}$`.
pub(super) fn subtrader_id(id: &str) -> Result<&str, Refusal> {
    let valid = id.rsplit_once('_').is_some_and(|(user, suffix)| {
        let user_id = !user.is_empty() && !user.contains(['\r', '\n']);
        user_id && (1..=16).contains(&suffix.len()) && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    valid
        .then_some(id)
        .ok_or_else(|| Refusal::invalid("fcm_subtrader_id is not {your_user_id}_{1 to 16 letters and digits}"))
}
