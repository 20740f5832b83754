//! SIGINT, SIGTERM and SIGHUP, or what Windows has in their place: they never end a request whose response may hold a
//! private key.

use std::io;

use crate::output::say;

/// Becomes ready at the first signal. Signals are caught from the call on, not only once the future is awaited.
#[cfg(unix)]
pub fn received() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(std::future::poll_fn(move |context| {
        let received = [interrupt.poll_recv(context), terminate.poll_recv(context), hangup.poll_recv(context)];
        received.into_iter().find(|poll| poll.is_ready()).map_or(std::task::Poll::Pending, |poll| poll.map(|_| ()))
    }))
}

/// Becomes ready at the first signal. Signals are caught from the call on, not only once the future is awaited.
#[cfg(windows)]
pub fn received() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::windows;
    let mut c = windows::ctrl_c()?;
    let mut pause = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    Ok(std::future::poll_fn(move |context| {
        let received =
            [c.poll_recv(context), pause.poll_recv(context), close.poll_recv(context), shutdown.poll_recv(context)];
        received.into_iter().find(|poll| poll.is_ready()).map_or(std::task::Poll::Pending, |poll| poll.map(|_| ()))
    }))
}

/// Runs a future to its end, whatever signals arrive. It takes no longer than its requests may take.
pub async fn held_back<T>(work: impl Future<Output = T>) -> T {
    let signal = received();
    let notice = tokio::spawn(async {
        if let Ok(signal) = signal {
            signal.await;
            say("warning: finishing the request first: its response may hold a private key that is shown only once");
            std::future::pending::<()>().await;
        }
    });
    let output = work.await;
    notice.abort();
    output
}
