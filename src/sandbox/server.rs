//! The accept loop. `axum::serve` cannot close a connection instead of responding, nor close the
//! open ones on drop.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::header::DATE;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::fault::{ConnectionClosed, Fault};
use super::state::SharedState;

/// Accepts connections forever. Dropping the future closes the listener and all connections.
pub(super) async fn serve(listener: TcpListener, app: Router, state: SharedState) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve_connection(stream, app.clone(), state.clone()));
            }
            // Usually too many open files, which an immediate retry would not change.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, app: Router, state: SharedState) {
    // Avoids waiting for delayed ACKs when a response takes two segments. Failure only costs time.
    let _ = stream.set_nodelay(true);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request| respond(app.call(request), state.clone()));
    // `Date` comes from the sandbox's clock, not the machine's.
    let connection = http1::Builder::new()
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever the error, the client sees the connection closed.
    let _ = connection.await;
}

/// Counts the request, adds `Date` to its response and applies the fault that the response carries,
/// if any.
async fn respond(
    response: impl Future<Output = Result<Response, Infallible>>,
    state: SharedState,
) -> Result<Response, ConnectionClosed> {
    state.lock().requests += 1;
    let Ok(mut response) = response.await;
    if let Some(date) = state.lock().clock.date() {
        response.headers_mut().insert(DATE, date);
    }
    match response.extensions_mut().remove::<Fault>() {
        Some(fault) => fault.apply(response).await,
        None => Ok(response),
    }
}
