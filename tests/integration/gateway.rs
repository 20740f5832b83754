//! A gateway between a client and the sandbox that misbehaves at a chosen request.

use std::sync::{Arc, Mutex};

use kalshi_api_keys::sandbox::Sandbox;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::raw_server::{Received, read_request};

/// What the gateway does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Closes the connection, and does not forward the request.
    DropBefore,
    /// Forwards the request, and closes the connection instead of passing the response on.
    DropAfter,
    /// Responds by itself: status, content type, body.
    Respond(u16, &'static str, &'static str),
    /// Forwards the request, and then responds by itself.
    RespondAfter(u16, &'static str, &'static str),
    /// Responds with 504, and forwards the request when [`Gateway::forward_late`] is called.
    ForwardLate,
    /// Passes the first half of the response on, and closes the connection.
    Truncate,
    /// Returns the first list of keys that passed, whoever asks. Passes other requests on.
    StaleList,
    /// Calls [`Gateway::on_signal`], then passes the request on.
    SignalBefore,
    /// Forwards the request, calls [`Gateway::on_signal`], and closes the connection.
    SignalAfter,
}

struct State {
    /// The number of the first request that fails, from 1, and whether all later ones fail.
    at: usize,
    lasting: bool,
    fault: Option<Fault>,
    requests: usize,
    first_list: Option<Vec<u8>>,
    held: Vec<Received>,
    on_fault: Box<dyn FnMut() + Send>,
    on_signal: Box<dyn FnMut() + Send>,
}

pub struct Gateway {
    base_url: String,
    upstream: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Gateway {
    /// Starts a gateway whose `at`-th request, and all later ones if it is `lasting`, meets a
    /// fault.
    pub async fn start(sandbox: &Sandbox, fault: Fault, at: usize, lasting: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/trade-api/v2", listener.local_addr().unwrap());
        let upstream = sandbox.base_url().split('/').nth(2).unwrap().to_owned();
        let state = State {
            at,
            lasting,
            fault: Some(fault),
            requests: 0,
            first_list: None,
            held: Vec::new(),
            on_fault: Box::new(|| {}),
            on_signal: Box::new(|| {}),
        };
        let state = Arc::new(Mutex::new(state));
        let (shared, to) = (state.clone(), upstream.clone());
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(connection, shared.clone(), to.clone()));
            }
        });
        Self {
            base_url,
            upstream,
            state,
            task,
        }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Calls this once, when the fault is met for the first time.
    pub fn on_fault(&self, call: impl FnMut() + Send + 'static) {
        self.state.lock().unwrap().on_fault = Box::new(call);
    }

    pub fn on_signal(&self, call: impl FnMut() + Send + 'static) {
        self.state.lock().unwrap().on_signal = Box::new(call);
    }

    /// Ends the fault. Returns how many requests there were.
    pub fn stop_failing(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.fault = None;
        state.requests
    }

    /// Forwards what was held back.
    pub async fn forward_late(&self) {
        let held = std::mem::take(&mut self.state.lock().unwrap().held);
        for request in held {
            forward(&request, &self.upstream).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: TcpStream, state: Arc<Mutex<State>>, upstream: String) {
    let Some(request) = read_request(&mut client).await else {
        return;
    };
    let is_list = request.method() == "GET";
    let fault = {
        let mut state = state.lock().unwrap();
        state.requests += 1;
        let met = state.requests == state.at || state.lasting && state.requests > state.at;
        let fault = state.fault.filter(|_| met);
        if fault.is_some() {
            std::mem::replace(&mut state.on_fault, Box::new(|| {}))();
        }
        fault
    };
    let signal = || (state.lock().unwrap().on_signal)();
    let respond = |(status, content_type, body): (u16, &str, &str)| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let response = match fault {
        Some(Fault::DropBefore) => return,
        Some(Fault::DropAfter) => {
            forward(&request, &upstream).await;
            return;
        }
        Some(Fault::Respond(status, content_type, body)) => {
            respond((status, content_type, body)).into()
        }
        Some(Fault::RespondAfter(status, content_type, body)) => {
            forward(&request, &upstream).await;
            respond((status, content_type, body)).into()
        }
        Some(Fault::ForwardLate) => {
            state.lock().unwrap().held.push(request);
            respond((504, "text/html", "<html>504 Gateway Timeout</html>")).into()
        }
        Some(Fault::Truncate) => {
            let mut response = forward(&request, &upstream).await;
            let head = response.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            response.truncate(head + (response.len() - head) / 2);
            response
        }
        Some(Fault::StaleList) if is_list && state.lock().unwrap().first_list.is_some() => {
            state.lock().unwrap().first_list.clone().unwrap()
        }
        Some(Fault::SignalBefore) => {
            signal();
            forward(&request, &upstream).await
        }
        Some(Fault::SignalAfter) => {
            forward(&request, &upstream).await;
            signal();
            return;
        }
        Some(Fault::StaleList) | None => {
            let response = forward(&request, &upstream).await;
            if is_list && response.starts_with(b"HTTP/1.1 200") {
                state
                    .lock()
                    .unwrap()
                    .first_list
                    .get_or_insert_with(|| response.clone());
            }
            response
        }
    };
    let _ = client.write_all(&response).await;
    let _ = client.shutdown().await;
}

/// Sends a request on, and reads the response to its end.
pub async fn forward(request: &Received, upstream: &str) -> Vec<u8> {
    let mut service = TcpStream::connect(upstream).await.unwrap();
    let bytes = request.bytes();
    let head = bytes.windows(2).position(|w| w == b"\r\n").unwrap() + 2;
    let (line, rest) = bytes.split_at(head);
    service
        .write_all(&[line, b"Connection: close\r\n", rest].concat())
        .await
        .unwrap();
    let mut response = Vec::new();
    let _ = service.read_to_end(&mut response).await;
    response
}
