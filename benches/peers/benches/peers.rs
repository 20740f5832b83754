//! Compares the time to sign a request with that of other published Rust clients (RSA-2048), in
//! interleaved rounds.

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
    let contenders = [
        Contender::new("kalshi-api-keys", 10, || {
            drop(black_box(ours.headers(&Method::GET, PATH).unwrap()))
        }),
        Contender::new("kalshi-fast-rs 0.3.1", 5, || {
            drop(black_box(fast.build_headers("GET", PATH).unwrap()))
        }),
        Contender::new("kalshi-pmx 0.1.1", 5, || {
            drop(black_box(pmx.sign_headers("GET", PATH).unwrap()))
        }),
        // Parses the key for every request.
        Contender::new("kalshi-rs 0.2.2", 5, || {
            let now = kalshi_rs::auth::auth_loader::get_current_timestamp_ms()
                .parse()
                .unwrap();
            drop(black_box(
                kalshi_rs::auth::auth_loader::sign_request(pem, "GET", PATH, now).unwrap(),
            ));
        }),
    ];
    ratios(&contenders);
}
