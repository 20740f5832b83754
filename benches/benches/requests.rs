//! Measures a complete `get_api_keys` call to the sandbox over a warm connection against a bare
//! signature followed by the same request sent with plain reqwest and precomputed headers; then the
//! throughput with 1, 16 and 256 requests in flight.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, Method};
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::ApiKeyType;
use kalshi_api_keys::{Client, Signer, http_client_builder};
use kalshi_api_keys_benches::{PATH, bare_ed25519, bare_rsa, median, private_key};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const ROUNDS: usize = 201;
const REPEATS: u32 = 10;
const REQUESTS: u32 = 8192;

fn main() {
    for key_type in [ApiKeyType::Rsa, ApiKeyType::Ed25519] {
        compare(key_type.clone());
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(runtime.spawn(throughput(key_type)))
            .unwrap();
    }
}

fn compare(key_type: ApiKeyType) {
    // One thread for the server and one for the client, as on two machines.
    let server = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let client_runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = server
        .block_on(Sandbox::builder().root_key_type(key_type.clone()).start())
        .unwrap();
    // Keeps precomputed headers valid for the whole run.
    sandbox.set_time_window(Duration::from_secs(3600));

    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    let call = || async { client.get_api_keys().send().await.map(drop).unwrap() };

    // Every request has its own timestamp and signature: verifying the same one again would be
    // faster.
    let (start, milliseconds) = (SystemTime::now(), AtomicU64::default());
    let clock = move || start + Duration::from_millis(milliseconds.fetch_add(1, Ordering::Relaxed));
    let signer = Signer::new(sandbox.credentials()).with_clock(clock);
    let precomputed = RefCell::new(Vec::<HeaderMap>::new());
    let precompute = || {
        let headers = (0..=REPEATS).map(|_| {
            signer
                .headers(&Method::GET, PATH)
                .unwrap()
                .into_iter()
                .collect()
        });
        precomputed.borrow_mut().extend(headers);
    };
    let http = http_client_builder(&sandbox.environment()).build().unwrap();
    let url = format!("{}/api_keys", sandbox.base_url());
    let bare = || async {
        let headers = precomputed.borrow_mut().pop().unwrap();
        let response = http.get(&url).headers(headers).send().await.unwrap();
        assert!(!response.bytes().await.unwrap().is_empty());
    };
    let sign: Box<dyn Fn()> = if key_type == ApiKeyType::Ed25519 {
        let sign = bare_ed25519();
        Box::new(move || _ = black_box(sign()))
    } else {
        let sign = bare_rsa(&private_key(key_type.clone()));
        Box::new(move || _ = black_box(sign()))
    };
    // In sequence, as in a complete call: the server's thread falls asleep while the client signs,
    // and must be woken in both cases.
    let sign_then_send = || async {
        sign();
        bare().await;
    };

    let mut times: [Vec<f64>; 3] = Default::default();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let call = time(&client_runtime, call);
        precompute();
        let floor = time(&client_runtime, sign_then_send);
        precompute();
        let bare = time(&client_runtime, bare);
        for (times, time) in times.iter_mut().zip([call, floor, bare]) {
            times.push(time.as_secs_f64() * 1e6);
        }
        ratios.push(call.as_secs_f64() / floor.as_secs_f64());
    }
    let [call_us, floor_us, bare_us] = times.map(median);
    println!("\n{key_type}: medians of {ROUNDS} interleaved rounds");
    println!("  get_api_keys                                        {call_us:>8.1} µs");
    println!("  bare signature, then reqwest, precomputed headers   {floor_us:>8.1} µs");
    println!("  reqwest alone, precomputed headers                  {bare_us:>8.1} µs");
    println!(
        "  median ratio of the first to the second             {:>8.3}",
        median(ratios)
    );
}

/// Prints the requests per second of one client on two threads, with a number of tasks that each
/// send one request after another.
async fn throughput(key_type: ApiKeyType) {
    let sandbox = Sandbox::builder()
        .root_key_type(key_type.clone())
        .start()
        .await
        .unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    println!(
        "\n{key_type}: {REQUESTS} requests of one client, with the sandbox and its verification on the same two threads"
    );
    for in_flight in [1, 16, 256] {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            let client = client.clone();
            tasks.spawn(async move {
                for _ in 0..REQUESTS / in_flight {
                    client.get_api_keys().send().await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let rate = f64::from(REQUESTS) / start.elapsed().as_secs_f64();
        println!("  {in_flight:>3} in flight: {rate:>8.0} per second");
    }
}

/// Returns the average time of a run.
fn time<F: Future<Output = ()>>(runtime: &Runtime, run: impl Fn() -> F) -> Duration {
    runtime.block_on(async {
        // Warm up after the previous measurement.
        run().await;
        let start = Instant::now();
        for _ in 0..REPEATS {
            run().await;
        }
        start.elapsed() / REPEATS
    })
}
