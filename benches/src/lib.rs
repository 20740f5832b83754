//! What the benches share: fresh keys, the floor that ours is measured against, and ratios to it.

use std::time::Instant;

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
pub fn bare_rsa(key: &PrivateKeyPem) -> impl Fn() -> Vec<u8> + use<> {
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

/// Something to measure, how often in a row, and its name.
pub type Contender<'a> = (&'a str, u32, Box<dyn Fn() + 'a>);

/// The median of each contender over rounds in which all take turns, so that what else the machine does hits all alike, and
/// its ratio to the first.
pub fn ratios(contenders: &[Contender<'_>]) {
    const ROUNDS: usize = 101;
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, repeats, run), times) in contenders.iter().zip(&mut times) {
            // Warm, after another's turn.
            run();
            let start = Instant::now();
            (0..*repeats).for_each(|_| run());
            times.push(start.elapsed() / *repeats);
        }
    }
    let medians = times.into_iter().map(|mut times| {
        times.sort();
        times[ROUNDS / 2].as_secs_f64() * 1e6
    });
    let medians: Vec<f64> = medians.collect();
    println!("\n{:<28} {:>10} {:>14}", format!("median of {ROUNDS} rounds"), "µs", "to the first");
    for ((name, ..), median) in contenders.iter().zip(&medians) {
        println!("{name:<28} {median:>10.1} {:>14.3}", median / medians[0]);
    }
}
