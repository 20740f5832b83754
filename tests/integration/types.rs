//! Hand-written types: open enums, key IDs, sub-accounts and optional properties.

use std::collections::HashSet;

use kalshi_api_keys::types::{
    ApiKey, ApiKeyId, ApiKeyScope, ApiKeyType, GenerateApiKeyRequest, Subaccount,
};
use kalshi_api_keys::{KeyAlgorithm, KeyPairError};

#[test]
fn equal_text_yields_equal_values_by_every_conversion() {
    for text in ["write::trade", "write::future", "", "READ", "Unknown"] {
        let scope = ApiKeyScope::from(text);
        assert_eq!(scope, ApiKeyScope::from(text.to_owned()));
        assert_eq!(scope, text.parse().unwrap());
        assert_eq!(scope, serde_json::from_value(text.into()).unwrap());
        assert_eq!((scope.as_str(), scope.to_string().as_str()), (text, text));
        assert_eq!(
            matches!(scope, ApiKeyScope::Unknown(_)),
            !ApiKeyScope::KNOWN.contains(&scope),
            "{text}"
        );
    }
}

#[test]
fn display_respects_width_and_alignment() {
    assert_eq!(format!("[{:<6}]", ApiKeyScope::Read), "[read  ]");
    assert_eq!(format!("[{:>6}]", ApiKeyType::from("dsa")), "[   dsa]");
    assert_eq!(
        format!("[{:>3}]", Subaccount::try_from(7).unwrap()),
        "[  7]"
    );
    assert_eq!(
        format!("[{:<3}]", ApiKeyId::try_from("a").unwrap()),
        "[a  ]"
    );
}

#[test]
fn subaccount_converts_from_and_to_numbers_and_text() {
    let seven = Subaccount::try_from(7).unwrap();
    assert_eq!("7".parse(), Ok(seven.clone()));
    assert_eq!(
        (u8::try_from(seven.clone()), u64::try_from(seven.clone())),
        (Ok(7), Ok(7))
    );
    assert!(Subaccount::try_from(-1).is_err() && Subaccount::try_from(u64::MAX).is_err());
    for text in ["64", "-1", "7.0", "", "seven"] {
        assert!(text.parse::<Subaccount>().is_err(), "{text}");
    }
    let read = |number: &str| serde_json::from_str::<Subaccount>(number).unwrap();
    assert!(u8::try_from(read("256")).is_err() && u64::try_from(read("-1")).is_err());
    let mut all = ["-1", "1000000", "7", "63"].map(read);
    all.sort();
    assert_eq!(
        all.map(|number| number.to_string()),
        ["7", "63", "1000000", "-1"]
    );
}

#[test]
fn setters_of_optional_properties_accept_values_and_options() {
    let request = || {
        GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec![ApiKeyScope::Read])
    };
    let seven = Subaccount::try_from(7).unwrap();
    for builder in [
        request().subaccount(7),
        request().subaccount(7u8),
        request().subaccount(seven.clone()),
        request().subaccount(Some(seven.clone())),
    ] {
        assert_eq!(
            GenerateApiKeyRequest::try_from(builder).unwrap().subaccount,
            Some(seven.clone())
        );
    }
    let neither = request()
        .subaccount(7)
        .subaccount(None)
        .fcm_subtrader_id(None);
    assert_eq!(
        GenerateApiKeyRequest::try_from(neither).unwrap(),
        request().try_into().unwrap()
    );
    let error = GenerateApiKeyRequest::try_from(request().subaccount(64)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid subaccount: sub-account 64 is out of range 0..=63"
    );
}

#[test]
fn types_without_a_secret_compare_and_hash() {
    let key = |scope: &str| {
        ApiKey::builder()
            .api_key_id("a")
            .name("b")
            .scopes(vec![scope.into()])
    };
    let keys = [key("read"), key("read"), key("write")].map(|key| ApiKey::try_from(key).unwrap());
    assert_eq!(HashSet::from(keys).len(), 2);
}

#[test]
fn write_scope_without_a_restriction_is_unrestricted() {
    let key = |scope: &str| {
        ApiKey::builder()
            .api_key_id("a")
            .name("b")
            .scopes(vec![scope.into()])
    };
    for (key, is_unrestricted) in [
        (key("write"), true),
        (key("write::trade"), false),
        (key("read"), false),
        (key("write").subaccount(0), false),
        (key("write").fcm_subtrader_id("u_1"), false),
    ] {
        assert_eq!(
            ApiKey::try_from(key.clone())
                .unwrap()
                .has_unrestricted_write(),
            is_unrestricted,
            "{key:?}"
        );
    }
}

#[test]
fn api_key_id_is_a_single_path_segment() {
    for id in ["", ".", "..", "a/b", "/", "a\\b", "../x"] {
        assert!(ApiKeyId::try_from(id).is_err(), "{id}");
    }
    let id = ApiKeyId::try_from("a.b c%2F").unwrap();
    assert_eq!(String::from(id), "a.b c%2F");
}

#[test]
fn every_algorithm_is_a_key_type_but_not_the_reverse() {
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519] {
        assert_eq!(
            KeyAlgorithm::try_from(ApiKeyType::from(algorithm)),
            Ok(algorithm)
        );
    }
    assert_eq!(
        KeyAlgorithm::try_from(ApiKeyType::from("ml-dsa-65")),
        Err(KeyPairError::UnknownType)
    );
}
