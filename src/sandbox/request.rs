//! Parsing of the request bodies of `createApiKey` and `generateApiKey`.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::api_error::ApiError;
use crate::keys::public::{PublicKey, PublicKeyError};
use crate::types::{ApiKey, ApiKeyScope, ApiKeyType, Subaccount};

/// The fields of a request body; unknown ones are ignored. A field that is `null` does not count as
/// absent: the spec makes none of them nullable, and absent scopes mean full access.
pub(super) struct RequestFields(Map<String, Value>);

impl RequestFields {
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ApiError> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let message = "the content type is not application/json";
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid_content_type",
                message,
            ));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ApiError::bad_request("the body is not a JSON object")),
            Err(_) => Err(ApiError::bad_request("the body is not JSON")),
        }
    }

    /// The key to create, with a new random ID.
    pub(super) fn new_key(&self) -> Result<ApiKey, ApiError> {
        let key = ApiKey::builder()
            .api_key_id(Uuid::new_v4().to_string())
            .name(self.required_string("name")?.to_owned())
            .scopes(self.scopes()?)
            .subaccount(self.subaccount()?)
            .fcm_subtrader_id(self.fcm_subtrader_id()?);
        let key = ApiKey::try_from(key).map_err(|_| ApiError::internal())?;
        if key.subaccount.is_some() && key.fcm_subtrader_id.is_some() {
            return Err(ApiError::bad_request(
                "subaccount and fcm_subtrader_id exclude each other",
            ));
        }
        Ok(key)
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, ApiError> {
        let pem = self.required_string("public_key")?;
        // As documented, and no other form that this crate reads.
        if !pem.trim_start().starts_with("-----BEGIN PUBLIC KEY-----") {
            return Err(ApiError::bad_request(PublicKeyError::NotPem.to_string()));
        }
        PublicKey::from_pem(pem).map_err(|e| ApiError::bad_request(e.to_string()))
    }

    pub(super) fn key_type(&self) -> Result<ApiKeyType, ApiError> {
        match self
            .string("key_type")?
            .map_or(ApiKeyType::Rsa, ApiKeyType::from)
        {
            ApiKeyType::Unknown(_) => {
                Err(ApiError::bad_request("key_type is neither rsa nor ed25519"))
            }
            known => Ok(known),
        }
    }

    fn scopes(&self) -> Result<Vec<ApiKeyScope>, ApiError> {
        let scopes = match self.0.get("scopes") {
            None => return Ok(vec![ApiKeyScope::Read, ApiKeyScope::Write]),
            Some(Value::Array(scopes)) => scopes,
            Some(_) => return Err(ApiError::bad_request("scopes is not a list")),
        };
        let known = |scope: &Value| {
            scope
                .as_str()
                .map(ApiKeyScope::from)
                .filter(|s| ApiKeyScope::KNOWN.contains(s))
        };
        let scopes: Option<Vec<_>> = scopes.iter().map(known).collect();
        let scopes = scopes
            .ok_or_else(|| ApiError::bad_request("scopes holds a scope that does not exist"))?;
        if scopes.is_empty() {
            return Err(ApiError::bad_request("scopes is empty"));
        }
        if scopes.contains(&ApiKeyScope::Write) && !scopes.contains(&ApiKeyScope::Read) {
            return Err(ApiError::bad_request("the scope write requires read"));
        }
        Ok(scopes)
    }

    fn subaccount(&self) -> Result<Option<Subaccount>, ApiError> {
        let Some(number) = self.0.get("subaccount") else {
            return Ok(None);
        };
        let number = number.as_u64().and_then(|number| u8::try_from(number).ok());
        match number.map(Subaccount::try_from) {
            Some(Ok(subaccount)) => Ok(Some(subaccount)),
            _ => Err(ApiError::bad_request(format!(
                "subaccount is not a whole number from 0 to {}",
                Subaccount::MAX
            ))),
        }
    }

    fn fcm_subtrader_id(&self) -> Result<Option<String>, ApiError> {
        let Some(id) = self.string("fcm_subtrader_id")? else {
            return Ok(None);
        };
        check_subtrader_id(id)?;
        Ok(Some(id.to_owned()))
    }

    fn required_string(&self, name: &str) -> Result<&str, ApiError> {
        match self.string(name)? {
            None => Err(ApiError::bad_request(format!("{name} is missing"))),
            Some("") => Err(ApiError::bad_request(format!("{name} must not be empty"))),
            Some(text) => Ok(text),
        }
    }

    fn string(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let not_a_string = || ApiError::bad_request(format!("{name} is not a string"));
        self.0
            .get(name)
            .map(|value| value.as_str().ok_or_else(not_a_string))
            .transpose()
    }
}

/// Checks an ID against the spec's pattern, `^[^\r\n]+_[A-Za-z0-9]{1,16}$`.
pub(super) fn check_subtrader_id(id: &str) -> Result<(), ApiError> {
    let matches = id.rsplit_once('_').is_some_and(|(user_id, suffix)| {
        !user_id.is_empty()
            && !user_id.contains(['\r', '\n'])
            && (1..=16).contains(&suffix.len())
            && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    if !matches {
        return Err(ApiError::bad_request(
            "fcm_subtrader_id is not {your_user_id}_{1 to 16 letters and digits}",
        ));
    }
    Ok(())
}
