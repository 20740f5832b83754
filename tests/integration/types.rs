//! Hand-written types, and responses with odd values.

use std::collections::HashSet;

use kalshi_api_keys::types::{
    ApiKey, ApiKeyId, ApiKeyScope, ApiKeyType, GenerateApiKeyRequest, GetApiKeysResponse,
    Subaccount,
};
use kalshi_api_keys::{KeyAlgorithm, KeyPairError};
use serde_json::{Value, json};

use crate::fixtures::{ed25519, key_forms};

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
fn subaccount_converts_from_numbers_and_text() {
    let seven = Subaccount::try_from(7).unwrap();
    assert_eq!("7".parse(), Ok(seven));
    assert_eq!(seven.get(), 7);
    assert!(Subaccount::try_from(-1).is_err());
    assert!(Subaccount::try_from(u64::MAX).is_err());
    for text in ["64", "-1", "7.0", "", "seven"] {
        assert!(text.parse::<Subaccount>().is_err(), "{text}");
    }
    for json in ["64", "-1", "7.0", "\"7\"", "null", "1e1"] {
        assert!(serde_json::from_str::<Subaccount>(json).is_err(), "{json}");
    }
}

#[test]
fn requests_have_at_least_one_scope() {
    let request = GenerateApiKeyRequest::builder().name("a");
    for empty in [r#"{"name":"a","scopes":[]}"#, r#"{"name":"a"}"#] {
        assert!(serde_json::from_str::<GenerateApiKeyRequest>(empty).is_err());
    }
    let error = GenerateApiKeyRequest::try_from(request.scopes(vec![])).unwrap_err();
    assert!(
        error.to_string().contains("a key needs at least one scope"),
        "{error}"
    );
}

/// Every odd value is kept, and hides no other.
#[test]
fn odd_members_are_kept_beside_the_others() {
    struct Case {
        json: Value,
        unread: &'static [&'static str],
        unknown: &'static [&'static str],
    }
    let case = |json, unread, unknown| Case {
        json,
        unread,
        unknown,
    };
    for case in [
        case(json!({ "api_key_id": "a" }), &[], &[]),
        case(
            json!({ "api_key_id": "a", "name": null, "scopes": null }),
            &[],
            &[],
        ),
        case(json!({ "api_key_id": "a", "name": 7 }), &["name"], &[]),
        case(
            json!({ "api_key_id": "a", "scopes": "read" }),
            &["scopes"],
            &[],
        ),
        case(json!({ "api_key_id": "a", "scopes": {} }), &["scopes"], &[]),
        case(
            json!({ "api_key_id": "a", "scopes": ["read", null, 7] }),
            &["scopes[1]", "scopes[2]"],
            &[],
        ),
        case(
            json!({ "api_key_id": "a", "subaccount": 64 }),
            &["subaccount"],
            &[],
        ),
        case(
            json!({ "api_key_id": "a", "subaccount": "7" }),
            &["subaccount"],
            &[],
        ),
        case(
            json!({ "api_key_id": "a", "subaccount": 7.5 }),
            &["subaccount"],
            &[],
        ),
        case(
            json!({ "api_key_id": "a", "subaccount": [7] }),
            &["subaccount"],
            &[],
        ),
        case(
            json!({ "api_key_id": "a", "fcm_subtrader_id": false, "allowed_ips": ["::1"] }),
            &["fcm_subtrader_id"],
            &["allowed_ips"],
        ),
    ] {
        let key: ApiKey = serde_json::from_value(case.json.clone()).unwrap();
        assert_eq!(key.api_key_id, "a");
        assert_eq!(
            key.unread().collect::<Vec<_>>(),
            case.unread,
            "{}",
            case.json
        );
        assert_eq!(
            key.unknown().collect::<Vec<_>>(),
            case.unknown,
            "{}",
            case.json
        );
    }
    for entry in [
        json!(null),
        json!(7),
        json!([]),
        json!({}),
        json!({ "api_key_id": 7 }),
    ] {
        let list = json!({
            "api_keys": [{ "api_key_id": "a" }, entry.clone(), { "api_key_id": "b" }],
            "api_key_region_expiration_ts": "soon",
            "cursor": "x",
        });
        let list: GetApiKeysResponse = serde_json::from_value(list).unwrap();
        let ids = list.api_keys.iter().map(|key| key.api_key_id.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(list.extra["api_keys[1]"].as_json(), &entry);
        assert_eq!(
            list.unread().collect::<Vec<_>>(),
            ["api_key_region_expiration_ts", "api_keys[1]"]
        );
        assert_eq!(list.unknown().collect::<Vec<_>>(), ["cursor"]);
    }
    for useless in [
        json!({}),
        json!({ "api_keys": null }),
        json!({ "api_keys": {} }),
        json!([]),
    ] {
        assert!(serde_json::from_value::<GetApiKeysResponse>(useless).is_err());
    }
}

#[test]
fn key_with_unread_scopes_may_have_full_access() {
    for (json, may) in [
        (json!({ "api_key_id": "a" }), true),
        (json!({ "api_key_id": "a", "scopes": null }), true),
        (json!({ "api_key_id": "a", "scopes": "read" }), true),
        (json!({ "api_key_id": "a", "scopes": ["read", null] }), true),
        (json!({ "api_key_id": "a", "scopes": [] }), false),
        (
            json!({ "api_key_id": "a", "scopes": ["write"], "subaccount": "7" }),
            true,
        ),
        (
            json!({ "api_key_id": "a", "scopes": null, "subaccount": 7 }),
            false,
        ),
    ] {
        let key: ApiKey = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(key.has_unrestricted_write(), may, "{json}");
    }
}

#[test]
fn types_without_a_secret_compare_and_hash() {
    let key = |scope: &str| {
        ApiKey::builder()
            .api_key_id("a")
            .name("b".to_owned())
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
            .name("b".to_owned())
            .scopes(vec![scope.into()])
    };
    for (key, is_unrestricted) in [
        (key("write"), true),
        (key("write::trade"), false),
        (key("read"), false),
        (
            key("write").subaccount(Subaccount::try_from(0).unwrap()),
            false,
        ),
        (key("write").fcm_subtrader_id("u_1".to_owned()), false),
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
    for (form, text) in key_forms(&ed25519().private) {
        assert!(ApiKeyId::try_from(text).is_err(), "{form}");
    }
    // What an ID looks like is for the service to choose.
    for id in ["7f".repeat(32), "aB3".repeat(30)] {
        assert!(ApiKeyId::try_from(id).is_ok());
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
