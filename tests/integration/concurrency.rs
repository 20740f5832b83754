//! Concurrent requests, and requests that are dropped before they complete.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::{Client, http_client_builder, types};

#[tokio::test(flavor = "multi_thread")]
async fn one_client_has_a_thousand_requests_in_flight() {
    let sandbox = Sandbox::start().await.unwrap();
    // On a slow machine, the last request takes longer than the default timeouts and the validity
    // of a timestamp.
    sandbox.set_time_window(Duration::from_secs(3600));
    let long = Duration::from_secs(300);
    let environment = sandbox.environment();
    let http = http_client_builder(&environment)
        .connect_timeout(long)
        .read_timeout(long)
        .build()
        .unwrap();
    let builder = Client::builder(environment, sandbox.credentials());
    let client = builder.http_client(http).timeout(long).build().unwrap();
    // Wine fails to open a thousand sockets.
    let count: usize = if cfg!(windows) { 100 } else { 1000 };
    let requests = (0..count).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            match n % 10 {
                0 => {
                    let body = types::GenerateApiKeyRequest::builder()
                        .name(format!("{n}"))
                        .scopes(vec!["read".into()])
                        .key_type("ed25519");
                    client
                        .generate_api_key()
                        .body(body)
                        .send()
                        .await
                        .map(|_| ())
                }
                _ => client.get_api_keys().send().await.map(|_| ()),
            }
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap().unwrap();
    }
    assert_eq!(sandbox.requests(), count as u64);
    assert_eq!(sandbox.keys().len(), 1 + count / 10);
}

/// Polls a request at most `polls` times, then drops it. Returns whether it completed.
async fn completes_within<F: Future>(polls: usize, request: F) -> bool {
    let mut request = pin!(request);
    let mut remaining = polls;
    std::future::poll_fn(move |cx| {
        if remaining == 0 {
            return Poll::Ready(false);
        }
        remaining -= 1;
        match request.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if remaining == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn request_can_be_dropped_at_every_await_point() {
    let sandbox = Sandbox::start().await.unwrap();
    // With a wrong clock, every request is sent twice, and the second attempt is dropped at every
    // await point as well.
    let mut polls = 0;
    loop {
        sandbox.set_clock_offset_secs(if polls % 2 == 0 { 3600 } else { -3600 });
        let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
        let body = types::GenerateApiKeyRequest::builder()
            .name("a")
            .scopes(vec!["read".into()])
            .key_type("ed25519");
        let completed = completes_within(polls, client.generate_api_key().body(body).send()).await;
        // The client remains usable, whether or not its clock was corrected.
        client.get_api_keys().send().await.unwrap();
        if completed {
            break;
        }
        polls += 1;
    }
    assert!(polls > 3, "the request completed within {polls} polls");
}

#[test]
fn request_does_nothing_until_polled() {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _guard = runtime.enter();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let client = Client::new(sandbox.environment(), sandbox.credentials()).unwrap();
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = Waker::from(woken.clone());
    let mut request = Box::pin(client.get_api_keys().send());
    assert!(!woken.0.load(Ordering::Relaxed));
    assert!(
        request
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(request);
    assert_eq!(sandbox.requests(), 0);
}
