//! Property tests of parsing and printing: no input panics, and no error repeats a private key.
//! `tests/fuzz` fuzzes the same properties; its seeds run here as well.

use std::fs;
use std::path::Path;

use kalshi_api_keys::Credentials;
use kalshi_api_keys::text::{MAX_PRINTABLE_CHARS, could_be_key_material, escape, printable};
use kalshi_api_keys::types::{ApiKey, GenerateApiKeyResponse, GetApiKeysResponse};
use proptest::prelude::*;

use crate::fixtures::{KEY_ID, chain, ed25519, key_forms, rsa, shows_key};

/// Returns the seed corpus of a fuzz target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(seeds.len() > 3);
    seeds
}

fn check_key(text: &str) {
    match Credentials::from_pem("id", text) {
        Ok(credentials) => assert_eq!(credentials.key_id(), "id"),
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains('\n') && shown.len() < 400, "{shown}");
            assert!(
                !shows_key(&shown, &rsa().private) && !shows_key(&shown, &ed25519().private),
                "{shown}"
            );
        }
    }
}

fn check_public_key(text: &str) {
    match Credentials::external("id", text, async |_| Ok(Vec::new())) {
        Ok(credentials) => assert_eq!(credentials.fingerprint().len(), "SHA256:".len() + 43),
        Err(error) => assert!(!chain(&error).contains('\n'), "{error}"),
    }
}

fn check_response(body: &[u8]) {
    if let Ok(list) = serde_json::from_slice::<GetApiKeysResponse>(body) {
        let sent = serde_json::to_string(&list).unwrap();
        let again: GetApiKeysResponse = serde_json::from_str(&sent).unwrap();
        assert_eq!(
            sent,
            serde_json::to_string(&again).unwrap(),
            "serialization does not round-trip"
        );
    }
    let _ = serde_json::from_slice::<ApiKey>(body);
    if let Ok(generated) = serde_json::from_slice::<GenerateApiKeyResponse>(body) {
        assert!(format!("{generated:?}").contains("private_key: PrivateKeyPem("));
    }
}

#[test]
fn handles_the_seed_corpus_of_the_fuzz_targets() {
    for seed in seeds("private_key") {
        check_key(&String::from_utf8(seed).unwrap());
    }
    for seed in seeds("responses") {
        check_response(&seed);
    }
}

#[test]
fn escapes_only_invisible_characters() {
    // One or two of each kind: the first and last control characters, soft hyphen, Arabic letter
    // mark, zero-width space and joiner, bidirectional marks, overrides and isolates, line and
    // paragraph separator, byte order mark, interlinear annotation, musical format characters,
    // tags.
    for c in
        "\0\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{202a}\u{202e}\u{2028}\u{2029}\u{2060}\
              \u{2066}\u{2069}\u{feff}\u{fff9}\u{1d173}\u{e0001}\u{e0041}\u{e007f}"
            .chars()
    {
        assert_eq!(escape(&format!("a{c}b")), format!("a{}b", c.escape_default()));
    }
    for text in [
        "",
        "a b",
        "Zoë's “desk” \\ 100%",
        "é e\u{301}",
        "हिन्दी",
        "日本語",
        "😀\u{fe0f}",
        "C:\\keys",
    ] {
        assert_eq!(escape(text), text);
        assert_eq!(printable(text), text);
    }
    // Escaping is idempotent, so that escaping a line does not change values already escaped in it.
    assert_eq!(escape(&escape("\u{202e}")), "\\u{202e}");
}

#[test]
fn shortens_long_values() {
    let max = MAX_PRINTABLE_CHARS;
    assert_eq!(printable(&"é".repeat(max)), "é".repeat(max));
    assert_eq!(printable(&"é".repeat(max + 1)), "é".repeat(max) + "…");
    assert_eq!(printable(&"\n".repeat(1_000_000)), "\\n".repeat(max) + "…");
}

#[test]
fn recognizes_key_material_in_every_form() {
    for (form, text) in [rsa(), ed25519()]
        .into_iter()
        .flat_map(|pair| key_forms(&pair.private))
    {
        assert!(could_be_key_material(&text), "{form}");
        assert!(could_be_key_material(&format!("--name={text}")), "{form}");
    }
    for text in [
        "",
        KEY_ID,
        &format!("{KEY_ID}_0123456789abcdef"),
        "/home/me/projects/clients/kalshi/production/keys/desks/alpha/kalshi.pem",
        "C:\\Users\\Me\\AppData\\Local\\Kalshi\\Production\\Keys\\Trading1\\TestAccount\\kalshi.pem",
        "https://external-api.demo.kalshi.co/trade-api/v2",
        "the key of the trading desk that may not withdraw, created in November 2024",
        &"a".repeat(59),
        &"xy".repeat(100),
    ] {
        assert!(!could_be_key_material(text), "{text}");
    }
}

/// Generates these texts with a part removed, repeated or replaced.
fn damaged(texts: [&'static str; 2]) -> impl Strategy<Value = String> {
    (
        prop::sample::select(texts.to_vec()),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "\\PC{0,20}|(-----BEGIN |\\\\n|\r\n|-----){0,3}",
    )
        .prop_map(|(whole, from, to, replacement)| {
            let (from, to) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
            format!("{}{replacement}{}", &whole[..from], &whole[to..])
        })
}

/// Generates JSON that resembles a response.
fn response_like_json() -> impl Strategy<Value = String> {
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
        let members: Vec<_> = members
            .into_iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    });
    prop_oneof![
        object.clone(),
        object.prop_map(|key| format!("{{\"api_keys\":[{key}]}}"))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_parses_or_fails_without_repeating_a_key(text in "\\PC*") {
        check_key(&text);
    }

    #[test]
    fn damaged_key_parses_or_fails_without_repeating_a_key(
        text in damaged([rsa().private.expose_secret(), ed25519().private.expose_secret()]),
    ) {
        check_key(&text);
    }

    #[test]
    fn damaged_public_key_parses_or_fails(text in damaged([&rsa().public, &ed25519().public])) {
        check_public_key(&text);
    }

    #[test]
    fn response_like_json_parses_or_fails(body in response_like_json()) {
        check_response(body.as_bytes());
    }

    #[test]
    fn printable_text_has_no_control_characters(text in any::<String>()) {
        let shown = printable(&text);
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert_eq!(escape(&shown), shown.as_ref());
    }
}
