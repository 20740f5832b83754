//! A whole `get_api_keys` against the sandbox over a warm connection, beside the same request sent by bare reqwest with its
//! headers made beforehand, and the throughput with 1, 16 and 256 requests in flight.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys::{Client, Signer, http_client_builder};
use kalshi_api_keys_benches::PATH;

const ROUNDS: usize = 61;
const REPEATS: u32 = 20;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for key_type in [ApiKeyType::Rsa, ApiKeyType::Ed25519] {
        runtime.block_on(compare(key_type));
    }
}

async fn compare(key_type: ApiKeyType) {
    let sandbox = Sandbox::builder().root_key_type(key_type.clone()).start().await.unwrap();
    // The headers made beforehand stay good for the whole run.
    sandbox.set_time_window(Duration::from_secs(3600));
    let client = Client::signed(&sandbox.environment(), sandbox.credentials()).unwrap();
    let signer = Signer::new(sandbox.credentials());
    let http = http_client_builder().no_proxy().build().unwrap();
    let url = format!("{}/api_keys", sandbox.base_url());
    let headers: http::HeaderMap = signer.headers(&Method::GET, PATH).unwrap().into_iter().collect();

    let ours = || async { client.get_api_keys().send().await.map(drop).unwrap() };
    let bare = || async {
        let answer = http.get(&url).headers(headers.clone()).send().await.unwrap();
        assert!(!answer.bytes().await.unwrap().is_empty());
    };
    let sign = || async { drop(signer.headers(&Method::GET, PATH).unwrap()) };

    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(time(ours).await);
        b.push(time(bare).await);
        c.push(time(sign).await);
    }
    let [ours_us, bare_us, sign_us] = [a, b, c].map(median);
    println!("\n{key_type}: medians of {ROUNDS} interleaved rounds");
    println!("  get_api_keys                        {ours_us:>8.1} µs");
    println!("  bare reqwest, headers beforehand    {bare_us:>8.1} µs");
    println!("  one Signer::headers                 {sign_us:>8.1} µs");
    println!("  ratio to (bare + one signature)     {:>8.3}", ours_us / (bare_us + sign_us));

    for in_flight in [1, 16, 256] {
        let batches = (2048 / in_flight).max(1);
        let start = Instant::now();
        for _ in 0..batches {
            join_all((0..in_flight).map(|_| ours())).await;
        }
        let rate = (batches * in_flight) as f64 / start.elapsed().as_secs_f64();
        println!("  {in_flight:>3} in flight: {rate:>8.0} requests a second, the sandbox's verifying included");
    }
}

async fn time<F: Future<Output = ()>>(run: impl Fn() -> F) -> Duration {
    let start = Instant::now();
    for _ in 0..REPEATS {
        run().await;
    }
    start.elapsed() / REPEATS
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}
