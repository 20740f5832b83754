//! Connections, by hand: `axum::serve` always answers, and a fault may have to close a connection instead.

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

use super::fault::{Fault, Lost};
use super::state::Shared;

/// Serves until it is dropped, and the connections with it.
pub(super) async fn serve(listener: TcpListener, app: Router, state: Shared) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, app.clone(), state.clone()));
            }
            // Mostly too many open files, and trying again at once would not close any.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, app: Router, state: Shared) {
    // An answer in two segments would else wait for the client's delayed acknowledgement. It works without, too.
    let _ = stream.set_nodelay(true);
    let app = TowerToHyperService::new(app);
    let service = service_fn(move |request| answer(app.call(request), state.clone()));
    // The date is the sandbox's, not the machine's.
    let connection = http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    // Whatever broke this connection, the other side sees it closed.
    let _ = connection.await;
}

async fn answer(
    processed: impl Future<Output = Result<Response, Infallible>>,
    state: Shared,
) -> Result<Response, Lost> {
    state.lock().requests += 1;
    let Ok(mut answer) = processed.await;
    if let Some(date) = state.lock().clock.date() {
        answer.headers_mut().insert(DATE, date);
    }
    match answer.extensions_mut().remove::<Fault>() {
        Some(fault) => fault.spoil(answer).await,
        None => Ok(answer),
    }
}
