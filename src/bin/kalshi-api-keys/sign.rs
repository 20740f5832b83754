//! `sign`: the headers of a request to any endpoint.

use std::fmt::Write as _;

use http::Method;
use kalshi_api_keys::Signer;
use kalshi_api_keys::text::{could_be_key_material, printable};

use crate::arguments::Sign;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::output::print;

pub async fn sign(connection: &Connection, arguments: &Sign) -> Result<(), Failure> {
    let Sign { method, path, curl } = arguments;
    let method: Method = method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Failure::usage("the method is not an HTTP method; give one such as GET"))?;
    // The query is not signed, but it goes into the request line, too.
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::usage(
            "the path is not percent-encoded; encode it as it will be sent",
        ));
    }
    let environment = connection.environment()?;
    if let Some(corrected) = environment.corrected_path(path) {
        let base_url = environment.base_url();
        return Err(Failure::usage(format!(
            "the path is not that of a request to {base_url}, so the service would reject the signature; sign {}",
            shown_path(&corrected)
        )));
    }
    let headers = Signer::new(connection.credentials().await?)
        .prepare(&method, path)?
        .sign_with_timeout()
        .await?;
    let headers = headers.into_iter().map(|(name, value)| {
        // Digits, base64 and the ID are visible ASCII, so the default is never used.
        format!(
            "{}: {}",
            name.as_str().to_ascii_uppercase(),
            value.to_str().unwrap_or_default()
        )
    });
    if *curl {
        let url = format!(
            "{}{path}",
            environment.base_url().origin().ascii_serialization()
        );
        print(&curl_command(&method, &url, headers))
    } else {
        print(&headers.map(|header| header + "\n").collect::<String>())
    }
}

/// Returns a path to be shown, unless it could be a private key.
fn shown_path(path: &str) -> String {
    if could_be_key_material(path) {
        "the path of the URL that you request".to_owned()
    } else {
        printable(path).into_owned()
    }
}

/// Formats a shell command that feeds curl the request by standard input: other users of the
/// machine can read a command line, but not that. `--disable` ignores `~/.curlrc`, which might
/// follow redirects with the signature.
fn curl_command(method: &Method, url: &str, headers: impl Iterator<Item = String>) -> String {
    let quote = |value: &str| format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""));
    let mut command = "curl --disable --config - <<'END'\n".to_owned();
    // The path must arrive as it was signed.
    command.push_str("globoff\npath-as-is\n");
    let _ = writeln!(
        command,
        "request = {}\nurl = {}",
        quote(method.as_str()),
        quote(url)
    );
    for header in headers {
        let _ = writeln!(command, "header = {}", quote(&header));
    }
    command.push_str("END\n");
    command
}
