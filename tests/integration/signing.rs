//! The signed message, the signature algorithms, and verification by independent implementations.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use ed25519_dalek::{Signer as _, Verifier as _};
use http::Method;
use kalshi_api_keys::{
    CRYPTO_BACKEND, Credentials, KeyAlgorithm, KeyPair, SignError, SignedHeaders, Signer,
};
use sha2::{Digest as _, Sha256};

use crate::fixtures::{self, KEY_ID, Pair, at_ms, ed25519, openssl, rsa};

const NOW_MS: u64 = 1_703_123_456_789;

#[test]
fn features_select_the_crypto_backend() {
    let expected = if cfg!(feature = "aws-lc-rs") {
        "aws-lc-rs"
    } else {
        "rsa and ed25519-dalek"
    };
    assert_eq!(CRYPTO_BACKEND, expected);
    // Unlike `eprintln!`, `writeln!` is not captured by the test harness.
    use std::io::Write as _;
    writeln!(std::io::stderr(), "crypto backend: {CRYPTO_BACKEND}").unwrap();
}

/// The method and path passed to the signer, and the message that the service reconstructs from the
/// request.
const MESSAGES: &[(&str, &str, &str)] = &[
    (
        "GET",
        "/trade-api/v2/api_keys",
        "1703123456789GET/trade-api/v2/api_keys",
    ),
    (
        "POST",
        "/trade-api/v2/api_keys/generate",
        "1703123456789POST/trade-api/v2/api_keys/generate",
    ),
    (
        "GET",
        "/trade-api/v2/api_keys?fcm_subtrader_id=u_1",
        "1703123456789GET/trade-api/v2/api_keys",
    ),
    (
        "GET",
        "/trade-api/v2/api_keys?a=/b?c",
        "1703123456789GET/trade-api/v2/api_keys",
    ),
    (
        "DELETE",
        "/trade-api/v2/api_keys/a%2Fb%20%C3%A9",
        "1703123456789DELETE/trade-api/v2/api_keys/a%2Fb%20%C3%A9",
    ),
    (
        "GET",
        "/trade-api/ws/v2",
        "1703123456789GET/trade-api/ws/v2",
    ),
    ("delete", "/", "1703123456789DELETE/"),
];

#[test]
fn signed_message_is_timestamp_method_and_path_without_the_query() {
    for pair in [rsa(), ed25519()] {
        let signer = Signer::new(pair.credentials()).with_clock(at_ms(NOW_MS));
        for (method, path, text) in MESSAGES {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let signed = signer.headers(&method, path).unwrap();
            assert_eq!(value(&signed, "kalshi-access-key"), KEY_ID);
            assert_eq!(
                value(&signed, "kalshi-access-timestamp"),
                NOW_MS.to_string()
            );
            assert!(verifies(pair, text, &signed), "{method} {path}");
            assert!(
                !verifies(pair, &format!("{text}/"), &signed),
                "the verifier accepts any message"
            );
        }
    }
}

#[test]
fn salt_is_32_bytes() {
    let signed = signer(rsa()).headers(&Method::GET, "/").unwrap();
    let digest = Sha256::digest(text("GET", "/"));
    let key = rsa::PublicKey::from_public_key_pem(&rsa().public).unwrap();
    for salt in [0, 20, 31, 32, 33] {
        let verified = key.verify(
            rsa::Pss::<Sha256>::new_with_salt(salt),
            &digest,
            &signature(&signed),
        );
        assert_eq!(verified.is_ok(), salt == 32, "salt of {salt} bytes");
    }
}

#[test]
fn rsa_signatures_differ_and_ed25519_signatures_do_not() {
    let twice =
        |pair| [(); 2].map(|()| signature(&signer(pair).headers(&Method::GET, "/").unwrap()));
    let [one, other] = twice(rsa());
    assert_ne!(one, other, "the salt is not random");
    let [one, other] = twice(ed25519());
    assert_eq!(one, other);
}

#[cfg(feature = "aws-lc-rs")]
mod backends_verify_each_other {
    use aws_lc_rs::signature::{ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
    use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
    use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
    use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPublicKey as _};

    use super::*;

    // The other tests of this module cover the opposite direction: they verify with `rsa` and
    // `ed25519-dalek`.

    #[test]
    fn rsa_signs_and_aws_lc_verifies() {
        let key = rsa::PrivateKey::from_pkcs1_pem(rsa().private.expose_secret()).unwrap();
        let public = key.to_public_key().to_pkcs1_der().unwrap();
        let signature = key.pss_sign::<Sha256>(b"text").unwrap();
        let verifier = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public.as_bytes());
        verifier.verify(b"text", &signature).unwrap();
        verifier.verify(b"other", &signature).unwrap_err();
    }

    #[test]
    fn ed25519_dalek_signs_and_aws_lc_verifies() {
        let key = SigningKey::from_pkcs8_pem(ed25519().private.expose_secret()).unwrap();
        let public: VerifyingKey = key.verifying_key();
        assert_eq!(
            public.to_public_key_pem(LineEnding::LF).unwrap(),
            ed25519().public
        );
        let signature = key.sign(b"text").to_bytes();
        let verifier = UnparsedPublicKey::new(&ED25519, public.as_bytes());
        verifier.verify(b"text", &signature).unwrap();
        verifier.verify(b"other", &signature).unwrap_err();
    }
}

#[test]
fn openssl_verifies_signatures_by_keys_it_generated() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| openssl(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
    for bits in [2048, 3072, 4096] {
        let generated = run(&format!(
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out pkcs8.pem"
        ));
        if generated.is_none() {
            return;
        }
        run("pkey -in pkcs8.pem -traditional -out pkcs1.pem");
        run("pkey -in pkcs8.pem -pubout -out public.pem");
        for (form, begin) in [
            ("pkcs8.pem", "-----BEGIN PRIVATE KEY"),
            ("pkcs1.pem", "-----BEGIN RSA PRIVATE KEY"),
        ] {
            assert!(
                std::fs::read_to_string(folder.path().join(form))
                    .unwrap()
                    .starts_with(begin)
            );
            sign_file(folder.path(), form);
            run(
                "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256 -verify public.pem -signature signature text",
            );
        }
    }
    run("genpkey -algorithm ed25519 -out ed25519.pem");
    run("pkey -in ed25519.pem -pubout -out public.pem");
    sign_file(folder.path(), "ed25519.pem");
    run("pkeyutl -verify -pubin -inkey public.pem -rawin -in text -sigfile signature");
}

#[test]
fn openssl_parses_generated_key_pairs() {
    let folder = tempfile::tempdir().unwrap();
    for pair in [rsa(), ed25519()] {
        std::fs::write(
            folder.path().join("private.pem"),
            pair.private.expose_secret(),
        )
        .unwrap();
        let Some(public) = openssl(folder.path(), &["pkey", "-in", "private.pem", "-pubout"])
        else {
            return;
        };
        assert_eq!(String::from_utf8(public).unwrap(), pair.public);
    }
}

#[test]
fn fingerprint_is_the_digest_of_the_public_key() {
    let folder = tempfile::tempdir().unwrap();
    for key_type in [KeyAlgorithm::Rsa, KeyAlgorithm::Ed25519] {
        let pair = KeyPair::generate(key_type).unwrap();
        let private = pair.private_key_pem().unwrap();
        let fingerprint = pair.fingerprint().unwrap();
        assert_eq!(
            Credentials::from_pem(KEY_ID, private.expose_secret())
                .unwrap()
                .fingerprint(),
            fingerprint
        );
        assert!(!fixtures::shows_key(&fingerprint, &private));

        std::fs::write(folder.path().join("private.pem"), private.expose_secret()).unwrap();
        let public = [
            "pkey",
            "-in",
            "private.pem",
            "-pubout",
            "-outform",
            "DER",
            "-out",
            "public.der",
        ];
        let Some(_) = openssl(folder.path(), &public) else {
            return;
        };
        let digest = openssl(folder.path(), &["dgst", "-sha256", "-binary", "public.der"]).unwrap();
        assert_eq!(
            fingerprint,
            format!("SHA256:{}", STANDARD.encode(digest).trim_end_matches('='))
        );
    }
}

/// Signs with the key in a file, and writes the files `text` and `signature` next to it.
fn sign_file(folder: &std::path::Path, key: &str) {
    let credentials = Credentials::from_pem_file(KEY_ID, folder.join(key)).unwrap();
    let signed = Signer::new(credentials)
        .with_clock(at_ms(NOW_MS))
        .headers(&Method::PUT, "/a/b")
        .unwrap();
    std::fs::write(folder.join("text"), text("PUT", "/a/b")).unwrap();
    std::fs::write(folder.join("signature"), signature(&signed)).unwrap();
}

#[test]
fn signed_headers_are_three_and_debug_redacts_the_signature() {
    let signed = signer(ed25519()).headers(&Method::GET, "/").unwrap();
    let names: Vec<_> = signed.clone().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "kalshi-access-key",
            "kalshi-access-timestamp",
            "kalshi-access-signature"
        ]
    );

    let base64 = value(&signed, "kalshi-access-signature");
    assert!(!format!("{signed:?}").contains(&base64[..12]));
    let owned: Vec<_> = signed.into_iter().collect();
    assert!(owned[2].1.is_sensitive());
}

#[test]
fn invalid_path_is_rejected() {
    let signer = signer(ed25519());
    let error = |path| signer.headers(&Method::GET, path).unwrap_err();
    for path in [
        "",
        "trade-api/v2/api_keys",
        "https://example.com/a",
        "?a=b",
        "*",
    ] {
        assert!(matches!(error(path), SignError::RelativePath), "{path:?}");
    }
    for (path, at) in [
        ("/a b", 2),
        ("/é", 1),
        ("/a\r\nHost: b", 2),
        ("/a#b", 2),
        ("/a\0", 2),
    ] {
        assert!(
            matches!(error(path), SignError::UnencodedPath { at: is } if is == at),
            "{path:?}"
        );
    }
    // The query is not checked.
    signer.headers(&Method::GET, "/a? b").unwrap();
}

#[test]
fn failed_signing_leaves_the_request_unchanged() {
    let mut request = reqwest::Request::new(
        Method::GET,
        "https://example.com/a%20b?c=d".parse().unwrap(),
    );
    request
        .headers_mut()
        .insert("kalshi-access-key", "older".parse().unwrap());
    let before = request.headers().clone();

    let failing = Signer::new(fixtures::credentials())
        .with_clock(|| std::time::UNIX_EPOCH - std::time::Duration::from_millis(1));
    assert!(matches!(
        failing.sign(&mut request),
        Err(SignError::ClockBefore1970)
    ));
    assert_eq!(request.headers(), &before);

    signer(ed25519()).sign(&mut request).unwrap();
    assert_eq!(
        request.headers().len(),
        3,
        "the existing header is replaced"
    );
    let signature = STANDARD
        .decode(&request.headers()["kalshi-access-signature"])
        .unwrap();
    assert!(verifies_bytes(
        ed25519(),
        &text("GET", "/a%20b"),
        &signature
    ));
}

#[test]
fn every_request_type_can_be_signed() {
    const URL: &str = "https://example.com/a%20b?c=d";
    let signer = signer(ed25519());
    let mut reqwest = reqwest::Request::new(Method::PUT, URL.parse().unwrap());
    signer.sign(&mut reqwest).unwrap();
    let mut request = http::Request::put(URL).body("body").unwrap();
    signer.sign(&mut request).unwrap();
    let (mut parts, ()) = http::Request::put(URL).body(()).unwrap().into_parts();
    signer.sign(&mut parts).unwrap();
    for headers in [reqwest.headers(), request.headers(), &parts.headers] {
        let signature = STANDARD
            .decode(&headers["kalshi-access-signature"])
            .unwrap();
        assert!(verifies_bytes(
            ed25519(),
            &text("PUT", "/a%20b"),
            &signature
        ));
    }
}

#[test]
fn signed_headers_extend_a_map() {
    let signed = signer(ed25519()).headers(&Method::GET, "/").unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert("accept", "*/*".parse().unwrap());
    headers.extend(signed);
    assert_eq!(headers.len(), 4);
    assert_eq!(headers["kalshi-access-key"], KEY_ID);
}

fn signing_key(pair: &Pair) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_pkcs8_pem(pair.private.expose_secret()).unwrap()
}

#[test]
fn external_signature_yields_the_same_headers() {
    let external = signing_key(ed25519());
    let signer = signer(ed25519());
    let unsigned = signer
        .prepare(&Method::GET, "/trade-api/v2/api_keys?limit=5")
        .unwrap();
    assert_eq!(
        unsigned.message(),
        text("GET", "/trade-api/v2/api_keys").as_bytes()
    );
    let signature = external.sign(unsigned.message()).to_bytes();
    let external: http::HeaderMap = unsigned
        .with_signature(signature)
        .unwrap()
        .into_iter()
        .collect();
    let local: http::HeaderMap = signer
        .headers(&Method::GET, "/trade-api/v2/api_keys")
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(external, local);
}

#[test]
fn clones_use_replaced_credentials_for_the_next_signature() {
    let signer = signer(ed25519());
    let clone = signer.clone();
    let separate = signer.with_credentials(ed25519().credentials());
    let before = clone.prepare(&Method::GET, "/").unwrap();
    signer
        .replace_credentials(Credentials::from_pem("new", rsa().private.expose_secret()).unwrap());

    let signed = clone.headers(&Method::GET, "/").unwrap();
    assert_eq!(value(&signed, "kalshi-access-key"), "new");
    assert!(verifies(rsa(), &text("GET", "/"), &signed));
    assert_eq!(clone.credentials().key_id(), "new");
    // Not for a signature in progress, nor in a signer created by `with_credentials`.
    let signature = signing_key(ed25519()).sign(before.message()).to_bytes();
    assert_eq!(
        value(
            &before.with_signature(signature).unwrap(),
            "kalshi-access-key"
        ),
        KEY_ID
    );
    assert_eq!(separate.credentials().key_id(), KEY_ID);
}

#[test]
fn key_id_and_signature_match_while_credentials_are_replaced() {
    let signer = signer(ed25519());
    let other = Pair::generate_ed25519();
    std::thread::scope(|scope| {
        let replacing = scope.spawn(|| {
            for _ in 0..500 {
                signer.replace_credentials(
                    Credentials::from_pem("other", other.private.expose_secret()).unwrap(),
                );
                signer.replace_credentials(ed25519().credentials());
            }
        });
        while !replacing.is_finished() {
            let signed = signer.headers(&Method::GET, "/").unwrap();
            let pair = if value(&signed, "kalshi-access-key") == "other" {
                &other
            } else {
                ed25519()
            };
            assert!(verifies(pair, &text("GET", "/"), &signed));
        }
    });
}

#[test]
fn debug_does_not_contain_the_private_key() {
    let signer = signer(rsa());
    let pair = KeyPair::generate(KeyAlgorithm::Ed25519).unwrap();
    let output = format!("{:?} {:?} {:?}", signer, signer.clone().credentials(), pair);
    assert_eq!(output.matches(KEY_ID).count(), 2, "{output}");
    assert!(!fixtures::shows_key(&output, &rsa().private));
    assert_eq!(output.matches("KeyPair(Ed25519)").count(), 1);
}

fn signer(pair: &Pair) -> Signer {
    Signer::new(pair.credentials()).with_clock(at_ms(NOW_MS))
}

fn text(method: &str, path: &str) -> String {
    format!("{NOW_MS}{method}{path}")
}

fn value(signed: &SignedHeaders, name: &str) -> String {
    let (_, value) = signed.clone().into_iter().find(|(n, _)| n == name).unwrap();
    value.to_str().unwrap().to_owned()
}

fn signature(signed: &SignedHeaders) -> Vec<u8> {
    STANDARD
        .decode(value(signed, "kalshi-access-signature"))
        .unwrap()
}

fn verifies(pair: &Pair, text: &str, signed: &SignedHeaders) -> bool {
    verifies_bytes(pair, text, &signature(signed))
}

/// Verifies a signature with `rsa` or `ed25519-dalek`, with explicit parameters.
pub fn verifies_bytes(pair: &Pair, text: &str, signature: &[u8]) -> bool {
    if let Ok(key) = rsa::PublicKey::from_public_key_pem(&pair.public) {
        key.verify(
            rsa::Pss::<Sha256>::new_with_salt(32),
            &Sha256::digest(text),
            signature,
        )
        .is_ok()
    } else {
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(&pair.public).unwrap();
        key.verify(text.as_bytes(), &signature.try_into().unwrap())
            .is_ok()
    }
}
