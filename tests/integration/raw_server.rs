//! A server that records raw requests and can send malformed or incomplete responses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::{Client, Credentials, Environment};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The action of the server after it has read a request.
pub enum Reply {
    /// Send these bytes and close the connection.
    Bytes(Vec<u8>),
    /// Send these bytes and read the next request from the same connection.
    Keep(Vec<u8>),
    /// Send the first bytes once and the second repeatedly until the client disconnects.
    Endless(Vec<u8>, Vec<u8>),
    /// Send these bytes, then nothing, and keep the connection open.
    Stall(Vec<u8>),
    /// Wait, then reply.
    After(Duration, Box<Reply>),
    /// Reset the connection.
    Reset,
}

impl Reply {
    /// Returns a complete response with a `Content-Length`.
    pub fn new(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        // Without `Connection: close`, the client might reuse the connection while the server
        // closes it.
        let head = format!(
            "HTTP/1.1 {status} -\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    /// Delays the reply.
    pub fn after(self, delay: Duration) -> Self {
        Self::After(delay, Box::new(self))
    }

    pub fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::new(status, "Content-Type: application/json\r\n", body)
    }
}

/// The bytes of a received request.
#[derive(Clone)]
pub struct Received(Vec<u8>);

impl Received {
    fn head(&self) -> Vec<&str> {
        let end = self
            .0
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("incomplete head");
        std::str::from_utf8(&self.0[..end])
            .expect("head is not UTF-8")
            .split("\r\n")
            .collect()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn method(&self) -> &str {
        self.head()[0].split(' ').next().unwrap()
    }

    /// Returns the request target: path and query.
    pub fn target(&self) -> &str {
        self.head()[0].split(' ').nth(1).unwrap()
    }

    /// Returns the headers in the order received, with names as received.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.head()[1..]
            .iter()
            .map(|line| line.split_once(": ").unwrap())
            .collect()
    }

    /// Returns the value of a header; panics unless there is exactly one of this name.
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self
            .headers()
            .into_iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .collect();
        assert_eq!(
            found.len(),
            1,
            "expected one {name} header in {:?}",
            self.head()
        );
        found[0].1
    }

    pub fn has(&self, name: &str) -> bool {
        self.headers()
            .iter()
            .any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    pub fn body(&self) -> &[u8] {
        let end = self.0.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        &self.0[end + 4..]
    }
}

/// The server. It stops when dropped.
pub struct RawServer {
    base_url: String,
    received: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl RawServer {
    /// Starts a server that responds to the n-th request, counted from 0, with `reply(n, request)`.
    pub async fn start(reply: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/trade-api/v2", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (reply, log, count) = (Arc::new(reply), received.clone(), connections.clone());
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(connection, reply.clone(), log.clone()));
            }
        });
        Self {
            base_url,
            received,
            connections,
            task,
        }
    }

    /// Starts a server that sends the same response to every request.
    pub async fn always(status: u16, headers: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::start(move |_, _| Reply::new(status, headers, &body)).await
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn environment(&self) -> Environment {
        Environment::custom(&self.base_url).unwrap()
    }

    /// Returns the requests received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Returns the number of accepted connections.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub fn client(&self, credentials: Credentials) -> Client {
        Client::new(self.environment(), credentials).unwrap()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<F: Fn(usize, &Received) -> Reply>(
    mut stream: TcpStream,
    reply_to: Arc<F>,
    log: Arc<Mutex<Vec<Received>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        let n = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let reply = match reply_to(n, &request) {
            Reply::After(delay, reply) => {
                tokio::time::sleep(delay).await;
                *reply
            }
            reply => reply,
        };
        match reply {
            Reply::After(..) => unreachable!("nested delay"),
            Reply::Keep(bytes) => {
                let _ = stream.write_all(&bytes).await;
                continue;
            }
            Reply::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
            Reply::Endless(first, more) => {
                let _ = stream.write_all(&first).await;
                while stream.write_all(&more).await.is_ok() {}
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                // Wait until the client disconnects.
                let _ = stream.read(&mut [0; 1]).await;
            }
            Reply::Reset => {
                let _ = stream.set_zero_linger();
            }
        }
        return;
    }
}

/// Reads a request with its body, or returns `None` if the connection ends or stalls first.
pub async fn read_request(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let request = Received(bytes.clone());
            let headers = request.headers();
            let length = headers
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case("content-length"));
            let length: usize = length.map_or(0, |(_, value)| value.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(request);
            }
        }
        let mut chunk = [0; 4096];
        match tokio::time::timeout(Duration::from_secs(20), stream.read(&mut chunk)).await {
            Ok(Ok(n)) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}
