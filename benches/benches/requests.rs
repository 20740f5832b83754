//! A whole `get_api_keys` against the sandbox over a warm connection, beside one signature and the same request sent by bare
//! reqwest with its headers made beforehand, and the throughput with 1, 16 and 256 requests in flight.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys::{Client, Signer, http_client_builder};
use kalshi_api_keys_benches::{PATH, bare_ed25519, bare_rsa, private_key};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const ROUNDS: usize = 201;
const REPEATS: u32 = 10;
const REQUESTS: u32 = 8192;

fn main() {
    for key_type in [ApiKeyType::Rsa, ApiKeyType::Ed25519] {
        compare(key_type.clone());
        let both_cores = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        both_cores.block_on(both_cores.spawn(throughput(key_type))).unwrap();
    }
}

fn compare(key_type: ApiKeyType) {
    // A thread for the service and one for the client, as two machines would be.
    let theirs = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ours = Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = theirs.block_on(Sandbox::builder().root_key_type(key_type.clone()).start()).unwrap();
    // The headers made beforehand stay good for the whole run.
    sandbox.set_time_window(Duration::from_secs(3600));

    let client = Client::signed(&sandbox.environment(), sandbox.credentials()).unwrap();
    let whole = || async { client.get_api_keys().send().await.map(drop).unwrap() };

    let signer = Signer::new(sandbox.credentials());
    let headers: http::HeaderMap = signer.headers(&Method::GET, PATH).unwrap().into_iter().collect();
    let http = http_client_builder().no_proxy().build().unwrap();
    let url = format!("{}/api_keys", sandbox.base_url());
    let bare = || async {
        let answer = http.get(&url).headers(headers.clone()).send().await.unwrap();
        assert!(!answer.bytes().await.unwrap().is_empty());
    };
    let sign: Box<dyn Fn()> = if key_type == ApiKeyType::Ed25519 {
        let sign = bare_ed25519();
        Box::new(move || _ = black_box(sign()))
    } else {
        let sign = bare_rsa(&private_key(key_type.clone()));
        Box::new(move || _ = black_box(sign()))
    };
    // One after the other, as in a whole request: while a client signs, the service's thread falls asleep, and has to be
    // woken in both.
    let signed_and_bare = || async {
        sign();
        bare().await;
    };

    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(time(&ours, whole));
        b.push(time(&ours, signed_and_bare));
        c.push(time(&ours, bare));
    }
    let [whole_us, floor_us, bare_us] = [a, b, c].map(median);
    println!("\n{key_type}: medians of {ROUNDS} interleaved rounds");
    println!("  get_api_keys                                        {whole_us:>8.1} µs");
    println!("  a signature, then bare reqwest, headers beforehand  {floor_us:>8.1} µs");
    println!("  bare reqwest alone, headers beforehand              {bare_us:>8.1} µs");
    println!("  ratio of the first to the second                    {:>8.3}", whole_us / floor_us);
}

/// Requests a second of one client on both cores, each request after the one before it in `in_flight` tasks.
async fn throughput(key_type: ApiKeyType) {
    let sandbox = Sandbox::builder().root_key_type(key_type.clone()).start().await.unwrap();
    let client = Arc::new(Client::signed(&sandbox.environment(), sandbox.credentials()).unwrap());
    println!("\n{key_type}: {REQUESTS} requests of one client, the sandbox and its verifying on the same two cores");
    for in_flight in [1, 16, 256] {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            let client = Arc::clone(&client);
            tasks.spawn(async move {
                for _ in 0..REQUESTS / in_flight {
                    client.get_api_keys().send().await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let rate = f64::from(REQUESTS) / start.elapsed().as_secs_f64();
        println!("  {in_flight:>3} in flight: {rate:>8.0} a second");
    }
}

fn time<F: Future<Output = ()>>(runtime: &Runtime, run: impl Fn() -> F) -> Duration {
    runtime.block_on(async {
        // Warm, after another's turn.
        run().await;
        let start = Instant::now();
        for _ in 0..REPEATS {
            run().await;
        }
        start.elapsed() / REPEATS
    })
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e6
}
