//! Parsing is total: any text is a private key or an error that repeats none of it, any bytes are an answer or none. The
//! same is fuzzed in `tests/fuzz/`, whose seeds run here as well.

use std::fs;
use std::path::Path;

use kalshi_api_keys::Credentials;
use kalshi_api_keys::types::{ApiKey, GenerateApiKeyResponse, GetApiKeysResponse};
use proptest::prelude::*;

use crate::fixtures::{ed25519, rsa, shows_key};

/// The seeds of a fuzz target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(seeds.len() > 3);
    seeds
}

fn reads_a_key_or_says_why(text: &str) {
    match Credentials::from_pem("id", text) {
        Ok(credentials) => assert_eq!(credentials.key_id(), "id"),
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains('\n') && shown.len() < 400, "{shown}");
            assert!(!shows_key(&shown, &rsa().private) && !shows_key(&shown, &ed25519().private), "{shown}");
        }
    }
}

fn reads_an_answer_or_none(body: &[u8]) {
    if let Ok(list) = serde_json::from_slice::<GetApiKeysResponse>(body) {
        let sent = serde_json::to_string(&list).unwrap();
        let again: GetApiKeysResponse = serde_json::from_str(&sent).unwrap();
        assert_eq!(sent, serde_json::to_string(&again).unwrap(), "what was read is sent back unchanged");
    }
    let _ = serde_json::from_slice::<ApiKey>(body);
    if let Ok(made) = serde_json::from_slice::<GenerateApiKeyResponse>(body) {
        assert!(format!("{made:?}").contains("PrivateKeyPem([REDACTED])"));
    }
}

#[test]
fn the_seeds_of_the_fuzz_targets_are_read() {
    for seed in seeds("private_key") {
        reads_a_key_or_says_why(&String::from_utf8(seed).unwrap());
    }
    for seed in seeds("answers") {
        reads_an_answer_or_none(&seed);
    }
}

/// A private key with a part taken out, doubled or replaced.
fn damaged() -> impl Strategy<Value = String> {
    let whole = prop_oneof![Just(rsa().private.expose_secret()), Just(ed25519().private.expose_secret())];
    (
        whole,
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "\\PC{0,20}|(-----BEGIN |\\\\n|\r\n|-----){0,3}",
    )
        .prop_map(|(whole, from, to, instead)| {
            let (from, to) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
            format!("{}{instead}{}", &whole[..from], &whole[to..])
        })
}

/// JSON that is nearly an answer.
fn nearly_an_answer() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "\"[a-z:_]{0,12}\"",
        Just("[]".to_owned()),
        Just("[\"read\",\"write::future\"]".to_owned()),
        Just("{}".to_owned()),
    ];
    let name = prop_oneof![
        Just("api_key_id"),
        Just("name"),
        Just("scopes"),
        Just("subaccount"),
        Just("fcm_subtrader_id"),
        Just("private_key"),
        Just("key_type"),
        Just("warning"),
        Just("future"),
    ];
    let object = prop::collection::btree_map(name, value, 0..9).prop_map(|members| {
        let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    });
    prop_oneof![object.clone(), object.prop_map(|key| format!("{{\"api_keys\":[{key}]}}"))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_private_key_or_an_error(text in "\\PC*") {
        reads_a_key_or_says_why(&text);
    }

    #[test]
    fn any_damaged_key_is_a_private_key_or_an_error(text in damaged()) {
        reads_a_key_or_says_why(&text);
    }

    #[test]
    fn any_json_is_an_answer_or_none(body in nearly_an_answer()) {
        reads_an_answer_or_none(body.as_bytes());
    }
}
