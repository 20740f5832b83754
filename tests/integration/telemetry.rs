//! Spans and events, recorded by a test subscriber.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::Method;
use kalshi_api_keys::{Client, Credentials, Environment, types};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::fixtures::{KEY_ID, credentials, ed25519, shows_key, unreachable_url};
use crate::raw_server::{RawServer, Reply};

/// The output of a subscriber.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<Vec<u8>>>);

impl io::Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Recorded {
    /// Records all spans and events of this thread until the guard is dropped.
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let recorded = Self::default();
        let writer = recorded.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (recorded, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the attributes that each span of this crate had when it was closed.
    fn spans(&self) -> Vec<String> {
        let text = self.text();
        let closed = text
            .lines()
            .filter(|line| line.contains("kalshi_api_keys") && line.contains(": close "));
        closed
            .map(|line| {
                line[line.find("http_request{").unwrap()..line.rfind("}: ").unwrap()]
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }
}

#[tokio::test]
async fn operations_have_spans_with_opentelemetry_attributes() {
    let server = RawServer::start(|_, request| match request.method() {
        "GET" => Reply::json(200, r#"{"api_keys":[]}"#),
        "POST" => Reply::Bytes(b"HTTP/1.1 201 -\r\nContent-Length: 99\r\n\r\n{\"api_key".to_vec()),
        _ => Reply::json(404, r#"{"code":"not_found","message":"not found"}"#),
    })
    .await;
    let client = server.client(credentials());
    let (recorded, _guard) = Recorded::start();
    client
        .get_api_keys()
        .fcm_subtrader_id("user_1")
        .send()
        .await
        .unwrap();
    client
        .delete_api_key()
        .api_key("some-key-id")
        .send()
        .await
        .unwrap_err();
    let body = types::GenerateApiKeyRequest::builder()
        .name("a")
        .scopes(vec!["read".into()]);
    client
        .generate_api_key()
        .body(body)
        .send()
        .await
        .unwrap_err();

    let port = server.environment().base_url().port().unwrap();
    let span = |method: &str, template: &str, result: &str| {
        format!(
            "http_request{{otel.kind=\"client\" otel.name={method} {template} http.request.method=\"{method}\" \
             url.template={template} server.address=\"127.0.0.1\" server.port={port} {result}"
        )
    };
    assert_eq!(
        recorded.spans(),
        [
            span(
                "GET",
                "/trade-api/v2/api_keys",
                "http.response.status_code=200"
            ),
            span(
                "DELETE",
                "/trade-api/v2/api_keys/{api_key}",
                "http.response.status_code=404 error.type=\"404\""
            ),
            span(
                "POST",
                "/trade-api/v2/api_keys/generate",
                "http.response.status_code=201 error.type=\"truncated_body\""
            ),
        ]
    );
}

#[tokio::test]
async fn failed_connection_has_an_error_type() {
    let environment = Environment::custom(&unreachable_url()).unwrap();
    let (recorded, _guard) = Recorded::start();
    Client::new(environment, credentials())
        .unwrap()
        .get_api_keys()
        .send()
        .await
        .unwrap_err();
    let spans = recorded.spans();
    assert!(
        spans[0].ends_with("error.type=\"connection_failed\""),
        "{spans:?}"
    );
    assert!(spans[0].contains(" url.template=/api_keys "), "{spans:?}");

    let server = RawServer::start(|_, _| Reply::Stall(vec![])).await;
    let builder =
        Client::builder(server.environment(), credentials()).timeout(Duration::from_millis(50));
    builder
        .build()
        .unwrap()
        .get_api_keys()
        .send()
        .await
        .unwrap_err();
    assert!(
        recorded.spans()[1].ends_with("error.type=\"timeout\""),
        "{}",
        recorded.text()
    );
}

#[tokio::test]
async fn every_failure_has_an_error_type() {
    let server = RawServer::start(|_, request| match request.method() {
        "GET" => Reply::json(200, r#"{"unexpected":[]}"#),
        _ => Reply::new(302, "Location: /elsewhere\r\n", ""),
    })
    .await;
    let client = server.client(credentials());
    let unable =
        Credentials::external(KEY_ID, &ed25519().public, async |_| Err("locked".into())).unwrap();
    let (recorded, _guard) = Recorded::start();
    client.get_api_keys().send().await.unwrap_err();
    client
        .delete_api_key()
        .api_key("some-key-id")
        .send()
        .await
        .unwrap_err();
    client
        .delete_api_key()
        .api_key("..")
        .send()
        .await
        .unwrap_err();
    client
        .with_credentials(unable)
        .get_api_keys()
        .send()
        .await
        .unwrap_err();
    let spans = recorded.spans();
    for (span, end) in spans.iter().zip([
        " http.response.status_code=200 error.type=\"unexpected_response\"",
        " http.response.status_code=302 error.type=\"unexpected_response\"",
        " error.type=\"invalid_request\"",
        " error.type=\"not_signed\"",
    ]) {
        assert!(span.ends_with(end), "{end}: {span}");
    }
    assert_eq!((spans.len(), server.received().len()), (4, 2));
}

#[tokio::test]
async fn clock_correction_is_an_event() {
    let server = RawServer::start(|n, _| match n {
        0 => {
            let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(41));
            Reply::new(
                401,
                &format!("Date: {date}\r\n"),
                r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#,
            )
        }
        _ => Reply::json(200, r#"{"api_keys":[]}"#),
    })
    .await;
    let client = server.client(credentials());
    let (recorded, _guard) = Recorded::start();
    client.get_api_keys().send().await.unwrap();
    client.get_api_keys().send().await.unwrap();
    let text = recorded.text();
    let events: Vec<_> = text
        .lines()
        .filter(|line| line.contains("corrected the clock"))
        .collect();
    assert_eq!(events.len(), 1, "{text}");
    assert!(events[0].contains(" WARN http_request{"), "{}", events[0]);
    assert!(
        events[0].contains(&format!("offset_ms={}", client.signer().clock_offset_ms())),
        "{}",
        events[0]
    );
}

#[tokio::test]
async fn bodies_headers_and_keys_are_not_recorded() {
    let private = ed25519().private.expose_secret().replace('\n', "\\n");
    let body = format!(r#"{{"api_key_id":"created-id","private_key":"{private}"}}"#);
    let server = RawServer::start(move |_, request| match request.method() {
        "POST" => Reply::json(201, &body),
        _ => Reply::json(403, r#"{"code":"reason-code","message":"reason-message"}"#),
    })
    .await;
    let client = server.client(credentials());
    let (recorded, _guard) = Recorded::start();
    let body = types::GenerateApiKeyRequest::builder()
        .name("chosen-name")
        .scopes(vec!["read".into()]);
    client.generate_api_key().body(body).send().await.unwrap();
    client
        .delete_api_key()
        .api_key("deleted-id")
        .send()
        .await
        .unwrap_err();
    client
        .execute(client.request(Method::GET, "/portfolio/balance"))
        .await
        .unwrap();

    let text = recorded.text();
    assert_eq!(recorded.spans().len(), 2);
    assert!(!shows_key(&text, &ed25519().private));
    for (received, name) in server
        .received()
        .iter()
        .flat_map(|r| [(r, "signature"), (r, "timestamp")])
    {
        assert!(
            !text.contains(received.header(&format!("kalshi-access-{name}"))),
            "{name}: {text}"
        );
    }
    for hidden in [
        KEY_ID,
        "chosen-name",
        "created-id",
        "deleted-id",
        "reason-code",
        "reason-message",
        "user-agent",
    ] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}
