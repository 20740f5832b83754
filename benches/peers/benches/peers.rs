//! What signing a request costs here and in the published Rust clients, RSA of 2048 bits, as ratios of interleaved rounds.

use std::hint::black_box;

use http::Method;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys_benches::{Contender, KEY_ID, PATH, private_key, ratios, signer};

fn main() {
    let key = private_key(ApiKeyType::Rsa);
    let pem = key.expose_secret();
    let ours = signer(&key);
    let fast = kalshi_fast::KalshiAuth::from_pem_str(KEY_ID, pem).unwrap();
    let pmx = kalshi_pmx::auth::ApiKeySigner::from_pem(KEY_ID, pem).unwrap();
    let contenders: [Contender<'_>; 4] = [
        ("kalshi-api-keys", 10, Box::new(|| drop(black_box(ours.headers(&Method::GET, PATH).unwrap())))),
        ("kalshi-fast-rs 0.3.1", 5, Box::new(|| drop(black_box(fast.build_headers("GET", PATH).unwrap())))),
        ("kalshi-pmx 0.1.1", 5, Box::new(|| drop(black_box(pmx.sign_headers("GET", PATH).unwrap())))),
        (
            "kalshi-rs 0.2.2",
            5,
            // It reads the key anew for every request.
            Box::new(|| {
                let now = kalshi_rs::auth::auth_loader::get_current_timestamp_ms().parse().unwrap();
                drop(black_box(kalshi_rs::auth::auth_loader::sign_request(pem, "GET", PATH, now).unwrap()));
            }),
        ),
    ];
    ratios(&contenders);
}
