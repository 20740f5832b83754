//! Ctrl-C while a private key is on its way: it comes once, so it is waited for.

use crate::output::say;

/// Runs to its end what must not be interrupted. Whoever tries is told why it goes on.
pub async fn not_before<T>(end: impl Future<Output = T>) -> T {
    let told = tokio::spawn(async {
        while tokio::signal::ctrl_c().await.is_ok() {
            say(
                "warning: the private key is on its way and comes only once, so it is waited for, as long as a request may take",
            );
        }
    });
    let ended = end.await;
    told.abort();
    ended
}
