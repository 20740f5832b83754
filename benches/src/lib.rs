//! What the benches share: fresh keys, and the floor that ours is measured against.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use kalshi_api_keys::types::{ApiKeyType, PrivateKeyPem};
use kalshi_api_keys::{Credentials, KeyPair, Signer};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};

pub const KEY_ID: &str = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";
pub const PATH: &str = "/trade-api/v2/api_keys";

/// The text that is signed for a `GET` of [`PATH`], to measure a signature alone.
pub const TEXT: &[u8] = b"1703123456789GET/trade-api/v2/api_keys";

/// A private key made for this run.
pub fn private_key(key_type: ApiKeyType) -> PrivateKeyPem {
    KeyPair::generate(&key_type).unwrap().private_key_pem().unwrap()
}

pub fn signer(key: &PrivateKeyPem) -> Signer {
    Signer::new(Credentials::from_pem(KEY_ID, key.expose_secret()).unwrap())
}

/// A bare RSA-PSS signature by aws-lc-rs with the same key.
pub fn bare_rsa(key: &PrivateKeyPem) -> impl Fn() -> Vec<u8> {
    let der = rsa::RsaPrivateKey::from_pkcs1_pem(key.expose_secret()).unwrap().to_pkcs1_der().unwrap();
    let pair = RsaKeyPair::from_der(der.as_bytes()).unwrap();
    move || {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), TEXT, &mut signature).unwrap();
        signature
    }
}

/// A bare Ed25519 signature by aws-lc-rs with a key of its own.
pub fn bare_ed25519() -> impl Fn() -> aws_lc_rs::signature::Signature {
    let pair = Ed25519KeyPair::generate().unwrap();
    move || pair.sign(TEXT)
}
