//! Prints the resident memory of the process during 100,000 requests of one client (Linux).

use kalshi_api_keys::Client;
use kalshi_api_keys::sandbox::Sandbox;

const REQUESTS: usize = 100_000;

#[tokio::main]
async fn main() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    for n in 0..=REQUESTS {
        client.get_api_keys().send().await.unwrap();
        if n % (REQUESTS / 10) == 0 {
            println!("{n:>7} requests: {} KiB resident", resident_kib());
        }
    }
}

/// Returns `VmRSS` of this process, which includes the sandbox.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
