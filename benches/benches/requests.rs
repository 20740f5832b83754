//! A whole `get_api_keys` against the sandbox over a warm connection, beside one signature and the same request sent by bare
//! reqwest with its headers made beforehand, and the throughput with 1, 16 and 256 requests in flight.

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
        let both_cores = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        both_cores.block_on(both_cores.spawn(throughput(key_type))).unwrap();
    }
}

fn compare(key_type: ApiKeyType) {
    // A thread for the service and one for the client, as two machines would be.
    let theirs = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ours = Builder::new_current_thread().enable_all().build().unwrap();
    let sandbox = theirs.block_on(Sandbox::builder().root_key_type(key_type.clone()).start()).unwrap();
    // Headers made beforehand stay good for the whole run.
    sandbox.set_time_window(Duration::from_secs(3600));

    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    let whole = || async { client.get_api_keys().send().await.map(drop).unwrap() };

    // Each of another time, and so another signature to verify: one and the same is verified faster.
    let (start, milliseconds) = (SystemTime::now(), AtomicU64::default());
    let clock = move || start + Duration::from_millis(milliseconds.fetch_add(1, Ordering::Relaxed));
    let signer = Signer::new(sandbox.credentials()).with_clock(clock);
    let made_beforehand = RefCell::new(Vec::<HeaderMap>::new());
    let make = || {
        let headers = (0..=REPEATS).map(|_| signer.headers(&Method::GET, PATH).unwrap().into_iter().collect());
        made_beforehand.borrow_mut().extend(headers);
    };
    let http = http_client_builder(&sandbox.environment()).build().unwrap();
    let url = format!("{}/api_keys", sandbox.base_url());
    let bare = || async {
        let headers = made_beforehand.borrow_mut().pop().unwrap();
        let answer = http.get(&url).headers(headers).send().await.unwrap();
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

    let mut times: [Vec<f64>; 3] = Default::default();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let whole = time(&ours, whole);
        make();
        let floor = time(&ours, signed_and_bare);
        make();
        let bare = time(&ours, bare);
        for (times, time) in times.iter_mut().zip([whole, floor, bare]) {
            times.push(time.as_secs_f64() * 1e6);
        }
        ratios.push(whole.as_secs_f64() / floor.as_secs_f64());
    }
    let [whole_us, floor_us, bare_us] = times.map(median);
    println!("\n{key_type}: medians of {ROUNDS} interleaved rounds");
    println!("  get_api_keys                                        {whole_us:>8.1} µs");
    println!("  a signature, then bare reqwest, headers beforehand  {floor_us:>8.1} µs");
    println!("  bare reqwest alone, headers beforehand              {bare_us:>8.1} µs");
    println!("  ratio of the first to the second, round by round    {:>8.3}", median(ratios));
}

/// Requests a second of one client on both cores, each request after the one before it in `in_flight` tasks.
async fn throughput(key_type: ApiKeyType) {
    let sandbox = Sandbox::builder().root_key_type(key_type.clone()).start().await.unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    println!("\n{key_type}: {REQUESTS} requests of one client, the sandbox and its verifying on the same two cores");
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
