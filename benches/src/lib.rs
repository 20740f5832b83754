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
    KeyPair::generate(key_type.try_into().unwrap()).unwrap().private_key_pem().unwrap()
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

/// The median of each contender over rounds in which all take turns, and that of its ratios to the first of the same round:
/// what else the machine does meanwhile hits both alike.
pub fn ratios(contenders: &[Contender<'_>]) {
    const ROUNDS: usize = 101;
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, repeats, run), times) in contenders.iter().zip(&mut times) {
            // Warm, after another's turn.
            run();
            let start = Instant::now();
            (0..*repeats).for_each(|_| run());
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(*repeats));
        }
    }
    println!("\n{:<28} {:>10} {:>14}", format!("median of {ROUNDS} rounds"), "µs", "to the first");
    for ((name, ..), own) in contenders.iter().zip(&times) {
        let to_first = own.iter().zip(&times[0]).map(|(own, first)| own / first).collect();
        println!("{name:<28} {:>10.1} {:>14.3}", median(own.clone()), median(to_first));
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
