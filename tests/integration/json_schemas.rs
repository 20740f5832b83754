//! The JSON Schemas of the generated types accept what the spec shows and refuse what it rules out, and what is read is
//! sent back as it was.

use std::collections::BTreeSet;

use jsonschema::Validator;
use kalshi_api_keys::types;
use schemars::{Schema, schema_for};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::contract;

/// Every schema of the spec and the JSON Schema of its Rust type. `FcmSubtraderId` has none: it is a string.
fn json_schemas() -> Vec<(&'static str, Schema)> {
    macro_rules! of {
        ($($name:ident),*) => { vec![$((stringify!($name), schema_for!(types::$name))),*] };
    }
    of![
        ApiKey,
        ApiKeyId,
        ApiKeyName,
        ApiKeyScope,
        ApiKeyType,
        CreateApiKeyRequest,
        CreateApiKeyResponse,
        ErrorResponse,
        GenerateApiKeyRequest,
        GenerateApiKeyResponse,
        GetApiKeysResponse,
        PrivateKeyPem,
        Subaccount
    ]
}

fn validator(name: &str) -> Validator {
    let (_, schema) = json_schemas().into_iter().find(|(other, _)| *other == name).unwrap();
    jsonschema::validator_for(schema.as_value()).unwrap()
}

fn example(schema: &str) -> Value {
    contract::spec()["components"]["schemas"][schema]["example"].clone()
}

#[test]
fn every_type_accepts_the_example_of_its_schema() {
    let spec = contract::spec();
    let mut types: BTreeSet<_> =
        spec["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(types.remove("FcmSubtraderId"));
    assert_eq!(json_schemas().into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(), types);

    for name in types {
        if let Err(error) = validator(name).validate(&example(name)) {
            panic!("{name}: {error}");
        }
    }
}

/// The spec's own schema refuses them too, or the type would be stricter than the spec.
#[test]
fn types_refuse_what_their_schemas_refuse() {
    let spec = contract::spec();
    for (name, refused) in [
        ("ApiKey", json!({ "api_key_id": "a", "name": "b" })),
        ("ApiKey", json!({ "api_key_id": "a", "name": "b", "scopes": "read" })),
        ("ApiKey", json!({ "api_key_id": "a", "name": "b", "scopes": [], "subaccount": "7" })),
        ("ApiKeyId", json!("")),
        ("ApiKeyName", json!("")),
        ("ApiKeyScope", json!(1)),
        ("CreateApiKeyRequest", json!({ "name": "a" })),
        ("CreateApiKeyRequest", json!({ "name": "", "public_key": "b" })),
        ("CreateApiKeyRequest", json!({ "name": "a", "public_key": "b", "subaccount": 64 })),
        ("CreateApiKeyResponse", json!({ "warning": "a" })),
        ("ErrorResponse", json!({ "code": 401 })),
        ("GenerateApiKeyRequest", json!({ "name": "a", "key_type": 7 })),
        ("GenerateApiKeyRequest", json!({ "name": "a", "scopes": [1] })),
        ("GenerateApiKeyResponse", json!({ "api_key_id": "a" })),
        ("GetApiKeysResponse", json!({ "api_keys": [], "api_key_region_expiration_ts": "soon" })),
        ("GetApiKeysResponse", json!({ "api_keys": [{ "name": "a" }] })),
        ("PrivateKeyPem", json!(["a"])),
        ("Subaccount", json!(64)),
        ("Subaccount", json!(-1)),
    ] {
        assert!(!validator(name).is_valid(&refused), "the type {name} accepts {refused}");
        let schema = &spec["components"]["schemas"][name];
        assert!(!contract::validator(&spec, schema).is_valid(&refused), "the schema {name} accepts {refused}");
    }
}

/// Null is how the service writes some absences.
#[test]
fn types_accept_null_where_the_spec_does() {
    let key = json!({ "api_key_id": "a", "name": "b", "scopes": [], "subaccount": null, "fcm_subtrader_id": null });
    let keys = json!({ "api_keys": [key], "api_key_region_expiration_ts": null });
    assert!(validator("GetApiKeysResponse").is_valid(&keys));
    assert!(serde_json::from_value::<types::GetApiKeysResponse>(keys).is_ok());
}

#[test]
fn examples_survive_reading_and_writing() {
    fn there_and_back<T: DeserializeOwned + Serialize>(example: &Value) {
        let read: T = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), *example);
    }

    let spec = contract::spec();
    let request =
        |path: &str| spec["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"].clone();
    there_and_back::<types::CreateApiKeyRequest>(&request("/api_keys"));
    there_and_back::<types::CreateApiKeyRequest>(&example("CreateApiKeyRequest"));
    there_and_back::<types::GenerateApiKeyRequest>(&request("/api_keys/generate"));
    there_and_back::<types::GenerateApiKeyRequest>(&example("GenerateApiKeyRequest"));
    there_and_back::<types::ApiKey>(&example("ApiKey"));
    there_and_back::<types::GetApiKeysResponse>(&example("GetApiKeysResponse"));
    there_and_back::<types::CreateApiKeyResponse>(&example("CreateApiKeyResponse"));
    there_and_back::<types::ErrorResponse>(&example("ErrorResponse"));
}

/// An empty list of scopes is no absent one: that would mean full access.
#[test]
fn an_empty_list_of_scopes_is_sent() {
    let name = types::ApiKeyName::try_from("a").unwrap();
    let generate = types::GenerateApiKeyRequest::builder().name(name.clone()).scopes(vec![]);
    let generate = types::GenerateApiKeyRequest::try_from(generate).unwrap();
    assert_eq!(serde_json::to_value(generate).unwrap()["scopes"], json!([]));
    let create = types::CreateApiKeyRequest::builder().name(name).public_key("b").scopes(vec![]);
    let create = types::CreateApiKeyRequest::try_from(create).unwrap();
    assert_eq!(serde_json::to_value(create).unwrap()["scopes"], json!([]));
}
