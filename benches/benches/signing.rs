//! Measures `Signer::headers` against a bare aws-lc-rs signature: with criterion, then as ratios of
//! interleaved rounds.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use http::Method;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys_benches::{
    Contender, PATH, bare_ed25519, bare_rsa, private_key, ratios, signer,
};

fn main() {
    let rsa_key = private_key(ApiKeyType::Rsa);
    let (bare_rsa, rsa_signer) = (bare_rsa(&rsa_key), signer(&rsa_key));
    let (bare_ed25519, ed25519_signer) =
        (bare_ed25519(), signer(&private_key(ApiKeyType::Ed25519)));
    let rsa = [
        Contender::new("rsa, bare aws-lc-rs", 10, || _ = black_box(bare_rsa())),
        Contender::new("rsa, Signer::headers", 10, || {
            _ = black_box(rsa_signer.headers(&Method::GET, PATH).unwrap())
        }),
    ];
    let ed25519 = [
        Contender::new("ed25519, bare aws-lc-rs", 200, || {
            _ = black_box(bare_ed25519())
        }),
        Contender::new("ed25519, Signer::headers", 200, || {
            _ = black_box(ed25519_signer.headers(&Method::GET, PATH).unwrap());
        }),
    ];

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for contender in rsa.iter().chain(&ed25519) {
        criterion.bench_function(contender.name, |bencher| bencher.iter(&contender.run));
    }
    criterion.final_summary();

    ratios(&rsa);
    ratios(&ed25519);
}
