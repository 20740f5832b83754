//! Subscribes to the fills of the account over the WebSocket API, whose handshake is signed like
//! any other request.
//!
//! ```sh
//! export KALSHI_API_KEY_ID=… KALSHI_PRIVATE_KEY_PATH=kalshi.pem
//! cargo run --example websocket
//! ```

use std::error::Error;

use futures_util::{SinkExt as _, StreamExt as _};
use kalshi_api_keys::{Client, Signer};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_env()?;
    let url = client.environment().websocket_url();
    let mut socket = connect(client.signer(), url.as_str()).await?;
    println!("connected to {url}");

    let subscribe = r#"{"id":1,"cmd":"subscribe","params":{"channels":["fill"]}}"#;
    socket.send(Message::text(subscribe)).await?;
    // Reading messages also responds to pings.
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            println!("{text}");
        }
    }
    Ok(())
}

/// Connects, and retries once with a corrected clock if the service rejects the timestamp.
pub async fn connect(
    signer: &Signer,
    url: &str,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Box<dyn Error>> {
    let mut request = url.into_client_request()?;
    signer.sign(&mut request)?;
    let rejection = match connect_async(request.clone()).await {
        Ok((socket, _)) => return Ok(socket),
        Err(tungstenite::Error::Http(response)) => response.map(Option::unwrap_or_default),
        Err(error) => return Err(error.into()),
    };
    let Some(corrected) = signer.corrected_by(request.headers(), &rejection) else {
        return Err(format!(
            "{}: {}",
            rejection.status(),
            String::from_utf8_lossy(rejection.body())
        )
        .into());
    };
    corrected.sign(&mut request)?;
    let (socket, _) = connect_async(request).await?;
    signer.adopt_clock(&corrected);
    Ok(socket)
}
