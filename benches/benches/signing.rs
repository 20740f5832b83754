//! What the three headers of a request cost, beside a bare signature by the same library: by criterion, then as ratios of
//! interleaved rounds.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use http::Method;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys_benches::{Contender, PATH, bare_ed25519, bare_rsa, private_key, ratios, signer};

fn main() {
    let rsa_key = private_key(ApiKeyType::Rsa);
    let (bare_rsa, ours_rsa) = (bare_rsa(&rsa_key), signer(&rsa_key));
    let (bare_ed25519, ours_ed25519) = (bare_ed25519(), signer(&private_key(ApiKeyType::Ed25519)));
    let rsa: [Contender<'_>; 2] = [
        ("rsa, bare aws-lc-rs", 10, Box::new(|| _ = black_box(bare_rsa()))),
        ("rsa, Signer::headers", 10, Box::new(|| _ = black_box(ours_rsa.headers(&Method::GET, PATH).unwrap()))),
    ];
    let ed25519: [Contender<'_>; 2] = [
        ("ed25519, bare aws-lc-rs", 200, Box::new(|| _ = black_box(bare_ed25519()))),
        (
            "ed25519, Signer::headers",
            200,
            Box::new(|| _ = black_box(ours_ed25519.headers(&Method::GET, PATH).unwrap())),
        ),
    ];

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for (name, _, run) in rsa.iter().chain(&ed25519) {
        criterion.bench_function(name, |bencher| bencher.iter(run));
    }
    criterion.final_summary();

    ratios(&rsa);
    ratios(&ed25519);
}
