//! The JSON Schemas of the Rust types agree with the OpenAPI description, and examples round-trip
//! through the types.

use std::collections::BTreeSet;

use jsonschema::Validator;
use kalshi_api_keys::types;
use schemars::{Schema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::contract;

/// Returns the JSON Schema of the Rust type of each schema. `FcmSubtraderId` has none: it is a
/// `String`.
fn json_schemas() -> Vec<(&'static str, Schema)> {
    macro_rules! schemas {
        ($($name:ident),*) => { vec![$((stringify!($name), schema_for!(types::$name))),*] };
    }
    schemas![
        ApiKey,
        ApiKeyId,
        ApiKeyName,
        ApiKeyScope,
        ApiKeyScopes,
        ApiKeyType,
        CreateApiKeyRequest,
        CreateApiKeyResponse,
        ErrorResponse,
        GenerateApiKeyRequest,
        GenerateApiKeyResponse,
        GetApiKeysResponse,
        PrivateKeyPem,
        PublicKeyPem,
        Subaccount,
        UndocumentedValue
    ]
}

fn validator(name: &str) -> Validator {
    let (_, schema) = json_schemas()
        .into_iter()
        .find(|(other, _)| *other == name)
        .unwrap();
    jsonschema::validator_for(schema.as_value()).unwrap()
}

fn example(schema: &str) -> Value {
    contract::spec()["components"]["schemas"][schema]["example"].clone()
}

#[test]
fn types_accept_the_example_of_their_schema() {
    let spec = contract::spec();
    let mut types: BTreeSet<_> = spec["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(types.remove("FcmSubtraderId"));
    assert_eq!(
        json_schemas()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<BTreeSet<_>>(),
        types
    );

    for name in types {
        if let Err(error) = validator(name).validate(&example(name)) {
            panic!("{name}: {error}");
        }
    }
}

/// Each value is invalid according to both the type and the OpenAPI description, so neither is
/// stricter.
#[test]
fn types_reject_values_that_their_schemas_reject() {
    let spec = contract::spec();
    for (name, invalid) in [
        ("ApiKey", json!({ "name": "b", "scopes": [] })),
        (
            "ApiKey",
            json!({ "api_key_id": "a", "name": "b", "scopes": "read" }),
        ),
        (
            "ApiKey",
            json!({ "api_key_id": "a", "name": "b", "scopes": [], "subaccount": "7" }),
        ),
        ("ApiKeyId", json!("")),
        ("ApiKeyName", json!("")),
        ("ApiKeyScope", json!(1)),
        ("ApiKeyScopes", json!([])),
        ("CreateApiKeyRequest", json!({ "name": "a" })),
        (
            "CreateApiKeyRequest",
            json!({ "name": "", "public_key": "b" }),
        ),
        (
            "CreateApiKeyRequest",
            json!({ "name": "a", "public_key": "b", "subaccount": 64 }),
        ),
        ("CreateApiKeyResponse", json!({ "warning": "a" })),
        ("ErrorResponse", json!({ "code": 401 })),
        (
            "GenerateApiKeyRequest",
            json!({ "name": "a", "key_type": 7 }),
        ),
        (
            "GenerateApiKeyRequest",
            json!({ "name": "a", "scopes": [1] }),
        ),
        ("GenerateApiKeyResponse", json!({ "api_key_id": "a" })),
        (
            "GetApiKeysResponse",
            json!({ "api_keys": [], "api_key_region_expiration_ts": "soon" }),
        ),
        (
            "GetApiKeysResponse",
            json!({ "api_keys": [{ "name": "a" }] }),
        ),
        ("PrivateKeyPem", json!(["a"])),
        ("Subaccount", json!(64)),
        ("Subaccount", json!(-1)),
    ] {
        assert!(
            !validator(name).is_valid(&invalid),
            "type {name} accepts {invalid}"
        );
        let schema = &spec["components"]["schemas"][name];
        assert!(
            !contract::validator(&spec, schema).is_valid(&invalid),
            "schema {name} accepts {invalid}"
        );
    }
}

/// The service sends null for some absent values.
#[test]
fn types_accept_null_where_the_spec_does() {
    let key = json!({ "api_key_id": "a", "name": "b", "scopes": [], "subaccount": null, "fcm_subtrader_id": null });
    let keys = json!({ "api_keys": [key], "api_key_region_expiration_ts": null });
    assert!(validator("GetApiKeysResponse").is_valid(&keys));
    assert!(serde_json::from_value::<types::GetApiKeysResponse>(keys).is_ok());
}

#[test]
fn examples_round_trip() {
    fn round_trip<T: DeserializeOwned + Serialize>(example: &Value) {
        let read: T = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), *example);
    }

    let spec = contract::spec();
    let request = |path: &str| {
        spec["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"].clone()
    };
    round_trip::<types::CreateApiKeyRequest>(&request("/api_keys"));
    round_trip::<types::CreateApiKeyRequest>(&example("CreateApiKeyRequest"));
    round_trip::<types::GenerateApiKeyRequest>(&request("/api_keys/generate"));
    round_trip::<types::GenerateApiKeyRequest>(&example("GenerateApiKeyRequest"));
    round_trip::<types::ApiKey>(&example("ApiKey"));
    round_trip::<types::GetApiKeysResponse>(&example("GetApiKeysResponse"));
    round_trip::<types::CreateApiKeyResponse>(&example("CreateApiKeyResponse"));
    round_trip::<types::ErrorResponse>(&example("ErrorResponse"));
}
