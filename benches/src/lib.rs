//! Helpers shared by the benchmarks: keys, bare signatures as the baseline, and interleaved
//! comparison.

use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use kalshi_api_keys::types::{ApiKeyType, PrivateKeyPem};
use kalshi_api_keys::{Credentials, KeyPair, Signer};
use rsa::pkcs1::{DecodeRsaPrivateKey as _, EncodeRsaPrivateKey as _};

pub const KEY_ID: &str = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c";
pub const PATH: &str = "/trade-api/v2/api_keys";

/// The message signed for a `GET` of [`PATH`], to measure a bare signature.
pub const MESSAGE: &[u8] = b"1703123456789GET/trade-api/v2/api_keys";

/// Generates a private key.
pub fn private_key(key_type: ApiKeyType) -> PrivateKeyPem {
    KeyPair::generate(key_type.try_into().unwrap())
        .unwrap()
        .private_key_pem()
        .unwrap()
}

pub fn signer(key: &PrivateKeyPem) -> Signer {
    Signer::new(Credentials::from_pem(KEY_ID, key.expose_secret()).unwrap())
}

/// Returns a function that signs with aws-lc-rs alone: RSA-PSS with the given key.
pub fn bare_rsa(key: &PrivateKeyPem) -> impl Fn() -> Vec<u8> + use<> {
    let der = rsa::PrivateKey::from_pkcs1_pem(key.expose_secret())
        .unwrap()
        .to_pkcs1_der()
        .unwrap();
    let pair = RsaKeyPair::from_der(der.as_bytes()).unwrap();
    move || {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            MESSAGE,
            &mut signature,
        )
        .unwrap();
        signature
    }
}

/// Returns a function that signs with aws-lc-rs alone: Ed25519 with a new key.
pub fn bare_ed25519() -> impl Fn() -> aws_lc_rs::signature::Signature {
    let pair = Ed25519KeyPair::generate().unwrap();
    move || pair.sign(MESSAGE)
}

/// A function to measure.
pub struct Contender<'a> {
    pub name: &'static str,
    /// Calls per round.
    pub repeats: u32,
    pub run: Box<dyn Fn() + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, repeats: u32, run: impl Fn() + 'a) -> Self {
        Self {
            name,
            repeats,
            run: Box::new(run),
        }
    }
}

/// Prints the median time of each contender, and the median of its ratios to the first one. The
/// contenders take turns in every round, so that other load on the machine affects them alike.
pub fn ratios(contenders: &[Contender<'_>]) {
    const ROUNDS: usize = 101;
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter().zip(&mut times) {
            // Warm up after the previous contender.
            (contender.run)();
            let start = Instant::now();
            (0..contender.repeats).for_each(|_| (contender.run)());
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(contender.repeats));
        }
    }
    println!(
        "\n{:<28} {:>10} {:>14}",
        format!("median of {ROUNDS} rounds"),
        "µs",
        "to the first"
    );
    for (contender, own) in contenders.iter().zip(&times) {
        let to_first = own
            .iter()
            .zip(&times[0])
            .map(|(own, first)| own / first)
            .collect();
        println!(
            "{:<28} {:>10.1} {:>14.3}",
            contender.name,
            median(own.clone()),
            median(to_first)
        );
    }
}

pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
