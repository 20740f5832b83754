use std::time::{Duration, Instant};
use http::Method;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::{Client, Signer, http_client_builder};
use kalshi_api_keys_benches::PATH;
fn main() {
    for multi in [true,false] {
    let runtime = if multi {tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()} else {tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()};
    runtime.block_on(async {
    let sandbox = Sandbox::start().await.unwrap();
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
    let chunked = || async {
        let mut answer = http.get(&url).headers(headers.clone()).send().await.unwrap();
        while answer.chunk().await.unwrap().is_some() {}
    };
    let signed = || async {
        let headers: http::HeaderMap = signer.headers(&Method::GET, PATH).unwrap().into_iter().collect();
        let answer = http.get(&url).headers(headers).send().await.unwrap();
        assert!(!answer.bytes().await.unwrap().is_empty());
    };
    let theirclient = || async {
        use progenitor_client::ClientInfo;
        let answer = client.client().get(&url).headers(headers.clone()).send().await.unwrap();
        assert!(!answer.bytes().await.unwrap().is_empty());
    };
    let mut r = vec![vec![];5];
    for _ in 0..60 {
        r[0].push(time(ours).await); r[1].push(time(bare).await); r[2].push(time(chunked).await); r[3].push(time(signed).await); r[4].push(time(theirclient).await);
    }
    for (n,v) in ["ours","bare","chunked","signed","bare through our client"].iter().zip(r) { let mut v=v; v.sort(); println!("{multi} {n} {:?} min {:?}", v[30], v[0]); }
    });}
}
async fn time<F: Future<Output = ()>>(run: impl Fn() -> F) -> Duration {
    let start = Instant::now();
    for _ in 0..20 { run().await; }
    start.elapsed() / 20
}
