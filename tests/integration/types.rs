//! What the hand-written types promise.

use std::collections::HashSet;

use kalshi_api_keys::types::{ApiKey, ApiKeyId, ApiKeyScope, ApiKeyType, GenerateApiKeyRequest, Subaccount};
use kalshi_api_keys::{KeyAlgorithm, KeyPairError};

#[test]
fn equal_text_is_an_equal_value_however_it_was_made() {
    for text in ["write::trade", "write::future", "", "READ", "Unknown"] {
        let made = ApiKeyScope::from(text);
        assert_eq!(made, ApiKeyScope::from(text.to_owned()));
        assert_eq!(made, text.parse().unwrap());
        assert_eq!(made, serde_json::from_value(text.into()).unwrap());
        assert_eq!((made.as_str(), made.to_string().as_str()), (text, text));
        assert_eq!(matches!(made, ApiKeyScope::Unknown(_)), !ApiKeyScope::KNOWN.contains(&made), "{text}");
    }
}

#[test]
fn display_pads() {
    assert_eq!(format!("[{:<6}]", ApiKeyScope::Read), "[read  ]");
    assert_eq!(format!("[{:>6}]", ApiKeyType::from("dsa")), "[   dsa]");
    assert_eq!(format!("[{:>3}]", Subaccount::try_from(7).unwrap()), "[  7]");
    assert_eq!(format!("[{:<3}]", ApiKeyId::try_from("a").unwrap()), "[a  ]");
}

#[test]
fn a_subaccount_converts_from_and_to_numbers_and_text() {
    let seven = Subaccount::try_from(7).unwrap();
    assert_eq!("7".parse(), Ok(seven.clone()));
    assert_eq!((u8::try_from(seven.clone()), u64::try_from(seven.clone())), (Ok(7), Ok(7)));
    assert!(Subaccount::try_from(-1).is_err() && Subaccount::try_from(u64::MAX).is_err());
    for text in ["64", "-1", "7.0", "", "seven"] {
        assert!(text.parse::<Subaccount>().is_err(), "{text}");
    }
    let read = |number: &str| serde_json::from_str::<Subaccount>(number).unwrap();
    assert!(u8::try_from(read("256")).is_err() && u64::try_from(read("-1")).is_err());
    let mut all = ["-1", "1000000", "7", "63"].map(read);
    all.sort();
    assert_eq!(all.map(|number| number.to_string()), ["7", "63", "1000000", "-1"]);
}

#[test]
fn the_setter_of_an_optional_property_takes_a_literal_a_value_or_an_option() {
    let request = || GenerateApiKeyRequest::builder().name("a").scopes(vec![ApiKeyScope::Read]);
    let seven = Subaccount::try_from(7).unwrap();
    for builder in [
        request().subaccount(7),
        request().subaccount(7u8),
        request().subaccount(seven.clone()),
        request().subaccount(Some(seven.clone())),
    ] {
        assert_eq!(GenerateApiKeyRequest::try_from(builder).unwrap().subaccount, Some(seven.clone()));
    }
    let neither = request().subaccount(7).subaccount(None).fcm_subtrader_id(None);
    assert_eq!(GenerateApiKeyRequest::try_from(neither).unwrap(), request().try_into().unwrap());
    let error = GenerateApiKeyRequest::try_from(request().subaccount(64)).unwrap_err();
    assert_eq!(error.to_string(), "invalid subaccount: sub-account out of range 0..=63");
}

#[test]
fn types_without_a_secret_compare_and_hash() {
    let key = |scope: &str| ApiKey::builder().api_key_id("a").name("b").scopes(vec![scope.into()]);
    let keys = [key("read"), key("read"), key("write")].map(|key| ApiKey::try_from(key).unwrap());
    assert_eq!(HashSet::from(keys).len(), 2);
}

#[test]
fn write_is_unrestricted_without_a_binding() {
    let key = |scope: &str| ApiKey::builder().api_key_id("a").name("b").scopes(vec![scope.into()]);
    for (key, is_unrestricted) in [
        (key("write"), true),
        (key("write::trade"), false),
        (key("read"), false),
        (key("write").subaccount(0), false),
        (key("write").fcm_subtrader_id("u_1"), false),
    ] {
        assert_eq!(ApiKey::try_from(key.clone()).unwrap().has_unrestricted_write(), is_unrestricted, "{key:?}");
    }
}

#[test]
fn an_api_key_id_is_one_segment_of_a_path() {
    for id in ["", ".", "..", "a/b", "/", "a\\b", "../x"] {
        assert!(ApiKeyId::try_from(id).is_err(), "{id}");
    }
    let id = ApiKeyId::try_from("a.b c%2F").unwrap();
    assert_eq!(String::from(id), "a.b c%2F");
}

#[test]
fn an_algorithm_is_a_key_type_and_not_the_other_way_round() {
    for algorithm in [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519] {
        assert_eq!(KeyAlgorithm::try_from(ApiKeyType::from(algorithm)), Ok(algorithm));
    }
    assert_eq!(KeyAlgorithm::try_from(ApiKeyType::from("ml-dsa-65")), Err(KeyPairError::UnknownType));
}
