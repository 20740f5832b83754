//! Private keys outside the process: what they sign is verified before it is sent, and what goes
//! wrong has a name.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use kalshi_api_keys::sandbox::{Fault, Sandbox};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, CreateApiKeyRequest, GenerateApiKeyRequest};
use kalshi_api_keys::{
    Client, Credentials, CredentialsError, Effect, Error, ExternalKey, ExternalSignature,
    PublicKeyError, SignError, SignatureError, Signer,
};
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::{PrivateKey, pkcs1v15, pss};
use sha2::{Digest as _, Sha256};

use crate::fixtures::{KEY_ID, Pair, chain, ed25519, rsa};

pub type Sign = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

pub fn sign_rsa_with_salt(pair: &Pair, salt: usize) -> Sign {
    let key = PrivateKey::from_pkcs1_pem(pair.private.expose_secret()).unwrap();
    let key = pss::SigningKey::<Sha256>::new_with_salt_len(key, salt);
    Box::new(move |message| key.sign(message).to_vec())
}

fn sign_pkcs1v15(pair: &Pair) -> Sign {
    let key = PrivateKey::from_pkcs1_pem(pair.private.expose_secret()).unwrap();
    let key = pkcs1v15::SigningKey::<Sha256>::new(key);
    Box::new(move |message| key.sign(message).to_vec())
}

pub fn sign_ed25519(pair: &Pair) -> Sign {
    let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pair.private.expose_secret()).unwrap();
    Box::new(move |message| key.sign(message).to_vec())
}

/// An external key that counts how often it signs.
fn counted(sign: Sign) -> (Arc<AtomicUsize>, impl ExternalKey + 'static) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let key = move |message: Vec<u8>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let signature = sign(&message);
        async move {
            // Not ready at once, as a key elsewhere is not.
            tokio::task::yield_now().await;
            Ok(signature)
        }
    };
    (count, key)
}

/// A key that does not sign, in a way of its own.
struct Refuses(fn() -> Option<io::Error>);

impl ExternalKey for Refuses {
    fn sign<'a>(&'a self, _: &'a [u8]) -> ExternalSignature<'a> {
        Box::pin(async {
            match (self.0)() {
                Some(error) => Err(error.into()),
                None => std::future::pending().await,
            }
        })
    }

    fn time_limit(&self) -> Duration {
        Duration::from_millis(20)
    }
}

/// A sandbox that knows the public key as [`KEY_ID`], and a client that signs with `key`.
async fn account(pair: &Pair, key: impl ExternalKey + 'static) -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let scopes = vec![ApiKeyScope::Read, ApiKeyScope::Write];
    let registered = ApiKey::builder()
        .api_key_id(KEY_ID)
        .name("external".to_owned())
        .scopes(scopes);
    sandbox
        .register(registered.try_into().unwrap(), &pair.public)
        .unwrap();
    let credentials = Credentials::external(KEY_ID, &pair.public, key).unwrap();
    let client = Client::new(sandbox.environment(), credentials).unwrap();
    (sandbox, client)
}

#[tokio::test]
async fn every_operation_is_signed_by_the_external_key() {
    for (pair, sign) in [
        (rsa(), sign_rsa_with_salt(rsa(), 32)),
        (ed25519(), sign_ed25519(ed25519())),
    ] {
        let (signed, key) = counted(sign);
        let (sandbox, client) = account(pair, key).await;
        assert_eq!(
            client.signer().credentials().fingerprint(),
            pair.credentials().fingerprint()
        );
        assert_eq!(client.signer().credentials().file(), None);

        client.get_api_keys().send().await.unwrap();
        let body = GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec![ApiKeyScope::Read]);
        let generated = client.generate_api_key().body(body).send().await.unwrap();
        let body = CreateApiKeyRequest::builder()
            .name("b")
            .scopes(vec![ApiKeyScope::Read])
            .public_key(&*rsa().public);
        client.create_api_key().body(body).send().await.unwrap();
        client
            .delete_api_key()
            .api_key(&generated.api_key_id)
            .send()
            .await
            .unwrap();
        let list = client.request(Method::GET, "/api_keys");
        assert_eq!(client.execute(list).await.unwrap().status(), 200);

        let names: Vec<_> = sandbox
            .keys()
            .into_iter()
            .filter_map(|key| key.name)
            .collect();
        assert_eq!(
            (names, signed.load(Ordering::Relaxed)),
            (vec!["root".into(), "external".into(), "b".into()], 5)
        );
    }
}

#[tokio::test]
async fn the_corrected_clock_is_signed_again() {
    let (signed, key) = counted(sign_ed25519(ed25519()));
    let (sandbox, client) = account(ed25519(), key).await;
    sandbox.set_clock_offset_secs(3600);
    client.get_api_keys().send().await.unwrap();
    assert_eq!((signed.load(Ordering::Relaxed), sandbox.requests()), (2, 2));
    client.get_api_keys().send().await.unwrap();
    assert_eq!((signed.load(Ordering::Relaxed), sandbox.requests()), (3, 3));
}

#[tokio::test]
async fn the_refusal_is_returned_if_the_external_key_does_not_sign_again() {
    let sign = sign_ed25519(ed25519());
    let signed = AtomicUsize::new(0);
    let key = move |message: Vec<u8>| {
        let first = signed.fetch_add(1, Ordering::Relaxed) == 0;
        let signature = if first {
            Ok(sign(&message))
        } else {
            Err("removed".into())
        };
        async move { signature }
    };
    let (sandbox, client) = account(ed25519(), key).await;
    sandbox.set_clock_offset_secs(3600);
    let error = client.get_api_keys().send().await.unwrap_err();
    assert_eq!(
        (error.status().unwrap().as_u16(), sandbox.requests()),
        (401, 1)
    );
    assert_eq!(
        (error.effect(), client.signer().clock_offset_ms()),
        (Effect::Refused, 0)
    );
}

#[tokio::test]
async fn a_wrong_signature_is_named_and_not_sent() {
    fn after(sign: Sign, change: fn(Vec<u8>) -> Vec<u8>) -> Sign {
        Box::new(move |message| change(sign(message)))
    }
    fn of_digest(sign: Sign) -> Sign {
        Box::new(move |message| sign(&Sha256::digest(message)))
    }
    let base64 = |signature: Vec<u8>| {
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, signature).into_bytes()
    };
    let hex = |signature: Vec<u8>| {
        signature
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into_bytes()
    };
    let other = Pair::generate_ed25519();
    let cases: Vec<(&Pair, Sign, SignatureError)> = vec![
        (
            rsa(),
            sign_rsa_with_salt(rsa(), 0),
            SignatureError::SaltLength { actual: 0 },
        ),
        (
            rsa(),
            sign_rsa_with_salt(rsa(), 20),
            SignatureError::SaltLength { actual: 20 },
        ),
        (
            rsa(),
            sign_rsa_with_salt(rsa(), 64),
            SignatureError::SaltLength { actual: 64 },
        ),
        (
            rsa(),
            sign_rsa_with_salt(rsa(), 222),
            SignatureError::SaltLength { actual: 222 },
        ),
        (
            rsa(),
            sign_rsa_with_salt(rsa(), 31),
            SignatureError::SaltLength { actual: 31 },
        ),
        (rsa(), Box::new(|_| vec![1; 256]), SignatureError::Mismatch),
        (rsa(), sign_pkcs1v15(rsa()), SignatureError::Pkcs1v15),
        (
            rsa(),
            of_digest(sign_rsa_with_salt(rsa(), 32)),
            SignatureError::DigestedTwice,
        ),
        (
            rsa(),
            after(sign_rsa_with_salt(rsa(), 32), base64),
            SignatureError::Text,
        ),
        (
            rsa(),
            sign_ed25519(ed25519()),
            SignatureError::Length {
                actual: 64,
                expected: 256,
            },
        ),
        (
            ed25519(),
            sign_rsa_with_salt(rsa(), 32),
            SignatureError::Length {
                actual: 256,
                expected: 64,
            },
        ),
        (
            ed25519(),
            after(sign_ed25519(ed25519()), base64),
            SignatureError::Text,
        ),
        (
            ed25519(),
            after(sign_ed25519(ed25519()), hex),
            SignatureError::Text,
        ),
        (
            ed25519(),
            after(sign_ed25519(ed25519()), |_| vec![]),
            SignatureError::Length {
                actual: 0,
                expected: 64,
            },
        ),
        // As SSH wraps it: the algorithm and the signature, each after its length.
        (
            ed25519(),
            after(sign_ed25519(ed25519()), |s| {
                [b"\0\0\0\x0bssh-ed25519\0\0\0@".to_vec(), s].concat()
            }),
            SignatureError::Length {
                actual: 83,
                expected: 64,
            },
        ),
        (
            ed25519(),
            of_digest(sign_ed25519(ed25519())),
            SignatureError::DigestedTwice,
        ),
        (ed25519(), sign_ed25519(&other), SignatureError::Mismatch),
    ];
    for (pair, sign, expected) in cases {
        let (_, key) = counted(sign);
        let (sandbox, client) = account(pair, key).await;
        let error = client.get_api_keys().send().await.unwrap_err();
        assert!(
            matches!(&error, Error::NotSigned(SignError::InvalidSignature(is)) if *is == expected),
            "{error:?}"
        );
        assert_eq!(
            chain(&error),
            format!("not sent: the external key returned an invalid signature: {expected}")
        );
        assert_eq!((sandbox.requests(), error.effect()), (0, Effect::NotSent));
    }
}

#[tokio::test]
async fn the_error_of_the_external_key_is_the_source() {
    let locked = Refuses(|| {
        Some(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the token is locked",
        ))
    });
    let (sandbox, client) = account(ed25519(), locked).await;
    let error = client.get_api_keys().send().await.unwrap_err();
    let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(
        chain(&error),
        "not sent: the external key did not sign: the token is locked"
    );
    let other = client
        .execute(client.request(Method::GET, "/portfolio/balance"))
        .await
        .unwrap_err();
    assert!(
        matches!(other, Error::NotSigned(SignError::ExternalKey(_))),
        "{other:?}"
    );
    assert_eq!(
        (sandbox.requests(), error.effect(), error.is_transient()),
        (0, Effect::NotSent, false)
    );
}

#[tokio::test]
async fn an_external_key_that_never_replies_is_not_waited_for() {
    let (sandbox, client) = account(ed25519(), Refuses(|| None)).await;
    let error = client.get_api_keys().send().await.unwrap_err();
    assert!(
        matches!(error, Error::NotSigned(SignError::TimedOut(_))),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .starts_with("not sent: the external key did not sign within 20ms; "),
        "{error}"
    );
    assert_eq!(sandbox.requests(), 0);
}

#[tokio::test]
async fn a_cancelled_signature_leaves_the_client_usable() {
    let sign = sign_ed25519(ed25519());
    let signed = AtomicUsize::new(0);
    let key = move |message: Vec<u8>| {
        let first = signed.fetch_add(1, Ordering::Relaxed) == 0;
        let signature = sign(&message);
        async move {
            if first {
                std::future::pending().await
            } else {
                Ok(signature)
            }
        }
    };
    let (sandbox, client) = account(ed25519(), key).await;
    // Polled once, and dropped.
    tokio::time::timeout(Duration::ZERO, client.get_api_keys().send())
        .await
        .unwrap_err();
    client.get_api_keys().send().await.unwrap();
    assert_eq!(sandbox.requests(), 1);
}

#[test]
fn no_runtime_is_needed_to_sign_elsewhere() {
    let (_, key) = counted(sign_ed25519(ed25519()));
    let signer = Signer::new(Credentials::external(KEY_ID, &ed25519().public, key).unwrap());
    let unsigned = signer
        .prepare(&Method::GET, "/trade-api/v2/portfolio/balance")
        .unwrap();
    let signature = sign_ed25519(ed25519())(unsigned.message());
    assert_eq!(
        unsigned
            .with_signature(signature)
            .unwrap()
            .into_iter()
            .count(),
        3
    );

    let unsigned = signer.prepare(&Method::GET, "/").unwrap();
    let error = unsigned.with_signature([0; 64]).unwrap_err();
    assert!(
        matches!(error, SignError::InvalidSignature(SignatureError::Mismatch)),
        "{error:?}"
    );
    assert!(matches!(
        signer.headers(&Method::GET, "/"),
        Err(SignError::NotLocal)
    ));
}

#[test]
fn an_external_key_needs_a_usable_id_and_public_key() {
    let external = |id: &str, public_key: &str| {
        Credentials::external(id, public_key, Refuses(|| None)).unwrap_err()
    };
    assert!(matches!(
        external("a b", &rsa().public),
        CredentialsError::InvalidApiKeyId
    ));
    for (text, expected) in [
        ("", PublicKeyError::NotPem),
        (rsa().private.expose_secret(), PublicKeyError::PrivateKey),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            PublicKeyError::Malformed,
        ),
    ] {
        assert!(
            matches!(external(KEY_ID, text), CredentialsError::PublicKey(is) if is == expected)
        );
    }
}

#[tokio::test]
async fn credentials_may_become_external_while_a_client_runs() {
    let (signed, key) = counted(sign_ed25519(ed25519()));
    let (sandbox, external) = account(ed25519(), key).await;
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    client.get_api_keys().send().await.unwrap();
    client
        .signer()
        .replace_credentials(external.signer().credentials());
    sandbox.fail_next(Fault::internal_error());
    client.get_api_keys().send().await.unwrap_err();
    client.get_api_keys().send().await.unwrap();
    assert_eq!(signed.load(Ordering::Relaxed), 2);
}
