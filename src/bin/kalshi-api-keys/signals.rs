//! SIGINT, SIGQUIT, SIGTERM and SIGHUP, or what Windows has in their place: they never end a
//! request whose response may hold a private key.

use std::io;
use std::task::Poll;

use crate::output::print_to_stderr;

/// Becomes ready at the first signal. Signals are caught from the call on, not only once the future
/// is awaited.
#[cfg(unix)]
pub fn received() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals = kinds
        .map(signal)
        .into_iter()
        .collect::<io::Result<Vec<_>>>()?;
    Ok(std::future::poll_fn(move |context| {
        let received = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready());
        if received {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }))
}

/// Becomes ready at the first signal. Signals are caught from the call on, not only once the future
/// is awaited.
#[cfg(windows)]
pub fn received() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::windows;
    let mut c = windows::ctrl_c()?;
    let mut pause = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    Ok(std::future::poll_fn(move |context| {
        let received = [
            c.poll_recv(context),
            pause.poll_recv(context),
            close.poll_recv(context),
            shutdown.poll_recv(context),
        ];
        if received.iter().any(Poll::is_ready) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }))
}

/// Turns a write beyond the file size limit (`ulimit -f`) into an error, where the signal would end
/// the process before it can say what became of a key. Needs the runtime.
#[cfg(unix)]
pub fn survive_file_size_limit() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // The handler stays in place when the stream of signals is dropped.
    signal(SignalKind::from_raw(libc::SIGXFSZ)).map(drop)
}

/// Does nothing: Windows has no such limit.
#[cfg(windows)]
pub fn survive_file_size_limit() -> io::Result<()> {
    Ok(())
}

/// Runs a future to its end, whatever signals arrive. It takes no longer than its requests may
/// take.
pub async fn defer_signals<T>(work: impl Future<Output = T>) -> T {
    let signal = received();
    let notice = tokio::spawn(async {
        if let Ok(signal) = signal {
            signal.await;
            print_to_stderr(
                "warning: finishing the request first: its response may hold a private key that is shown only once",
            );
            std::future::pending::<()>().await;
        }
    });
    let output = work.await;
    notice.abort();
    output
}
