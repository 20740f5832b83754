//! What the three headers of a request cost, beside a bare signature and the published Rust clients. The last lines are the
//! ratios, from interleaved rounds of the same run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use http::Method;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys_benches::{KEY_ID, PATH, bare_ed25519, bare_rsa, private_key, signer};

fn main() {
    let rsa_key = private_key(ApiKeyType::Rsa);
    let pem = rsa_key.expose_secret();
    let ours_rsa = signer(&rsa_key);
    let ours_ed25519 = signer(&private_key(ApiKeyType::Ed25519));
    let (bare_rsa, bare_ed25519) = (bare_rsa(&rsa_key), bare_ed25519());
    let fast = kalshi_fast::KalshiAuth::from_pem_str(KEY_ID, pem).unwrap();
    let pmx = kalshi_pmx::auth::ApiKeySigner::from_pem(KEY_ID, pem).unwrap();

    let contenders: Vec<(&str, Box<dyn Fn() + '_>)> = vec![
        ("rsa/bare aws-lc-rs", Box::new(|| drop(black_box(bare_rsa())))),
        ("rsa/kalshi-api-keys", Box::new(|| drop(black_box(ours_rsa.headers(&Method::GET, PATH).unwrap())))),
        ("rsa/kalshi-fast-rs", Box::new(|| drop(black_box(fast.build_headers("GET", PATH).unwrap())))),
        ("rsa/kalshi-pmx", Box::new(|| drop(black_box(pmx.sign_headers("GET", PATH).unwrap())))),
        (
            "rsa/kalshi-rs",
            // It reads the key anew for every request.
            Box::new(|| {
                let now = kalshi_rs::auth::auth_loader::get_current_timestamp_ms().parse().unwrap();
                drop(black_box(kalshi_rs::auth::auth_loader::sign_request(pem, "GET", PATH, now).unwrap()));
            }),
        ),
        ("ed25519/bare aws-lc-rs", Box::new(|| drop(black_box(bare_ed25519())))),
        ("ed25519/kalshi-api-keys", Box::new(|| drop(black_box(ours_ed25519.headers(&Method::GET, PATH).unwrap())))),
    ];

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for (name, run) in &contenders {
        criterion.bench_function(name, |bencher| bencher.iter(run));
    }
    criterion.final_summary();

    ratios(&contenders);
}

/// The median of each contender over rounds in which all take turns, so that what else the machine does hits all alike.
fn ratios(contenders: &[(&str, Box<dyn Fn() + '_>)]) {
    const ROUNDS: usize = 41;
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for ((name, run), times) in contenders.iter().zip(&mut times) {
            let repeats = if name.starts_with("rsa") { 20 } else { 400 };
            let start = Instant::now();
            (0..repeats).for_each(|_| run());
            times.push(start.elapsed() / repeats);
        }
    }
    let medians: Vec<f64> = times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[ROUNDS / 2].as_secs_f64() * 1e6
        })
        .collect();
    println!("\n{:<26} {:>10} {:>12}", "median of 41 rounds", "µs", "to the floor");
    for ((name, _), median) in contenders.iter().zip(&medians) {
        let floor = if name.starts_with("rsa") { medians[0] } else { medians[contenders.len() - 2] };
        println!("{name:<26} {median:>10.1} {:>12.2}", median / floor);
    }
}
