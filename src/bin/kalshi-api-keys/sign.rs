//! `sign`: the headers of a request to any endpoint.

use std::fmt::Write as _;

use http::Method;
use kalshi_api_keys::Signer;

use crate::arguments::Sign;
use crate::connection::Connection;
use crate::failed::Failed;
use crate::output::{print, quoted};

pub fn sign(connection: &Connection, what: &Sign) -> Result<(), Failed> {
    let method: Method = what
        .method
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| Failed::usage("the method is no word of a request line; name one such as GET"))?;
    let environment = connection.environment()?;
    let base = environment.base_url();
    let headers = Signer::new(connection.credentials()?).headers(&method, &what.path)?;
    let headers = headers.into_iter().map(|(name, value)| {
        // Digits, base64 and an ID that a header carries: visible ASCII.
        format!("{}: {}", name.as_str().to_ascii_uppercase(), value.to_str().unwrap_or_default())
    });
    let mut text = String::new();
    if what.curl {
        // The path must arrive as it was signed.
        let _ = write!(text, "curl --globoff --path-as-is -X {}", quoted(method.as_str()));
        for header in headers {
            let _ = write!(text, " -H {}", quoted(&header));
        }
        let _ = write!(text, " {}", quoted(&format!("{}{}", base.origin().ascii_serialization(), what.path)));
        text.push('\n');
    } else {
        headers.for_each(|header| text.extend([&header, "\n"]));
    }
    print(&text)
}
