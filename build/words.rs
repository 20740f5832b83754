//! What the spec says of an operation and the generator leaves out of its documentation: the examples, and what each
//! answer means.

use heck::ToSnakeCase;
use serde_json::Value;

use crate::Result;
use crate::document::{children, operations, resolve};

/// Adds them to the documentation of the client's methods.
pub fn add_words(client: &mut syn::File, document: &Value) -> Result<()> {
    for (name, _, _, operation) in operations(document) {
        let words = words(document, operation);
        let method = methods(client).find(|method| method.sig.ident == name.to_snake_case());
        let method =
            method.ok_or_else(|| format!("operation {name}: the generated client has no method of this name"))?;
        method.attrs.push(syn::parse_quote!(#[doc = #words]));
    }
    Ok(())
}

/// The methods of `impl Client`.
fn methods(client: &mut syn::File) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    let blocks = client.items.iter_mut().filter_map(|item| match item {
        syn::Item::Impl(block) if block.trait_.is_none() => Some(&mut block.items),
        _ => None,
    });
    blocks.flatten().filter_map(|item| match item {
        syn::ImplItem::Fn(method) => Some(method),
        _ => None,
    })
}

fn words(document: &Value, operation: &Value) -> String {
    let mut words = String::new();
    if let Some(body) = example(resolve(document, &operation["requestBody"])) {
        words += &format!("\n\nSends, for example:\n\n```json\n{body:#}\n```");
    }
    let mut table = "\n\n| status | meaning | for example |\n|---|---|---|".to_owned();
    for (status, response) in children(&operation["responses"]) {
        let response = resolve(document, response);
        let meaning = response["description"].as_str().unwrap_or_default();
        let meaning = meaning.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let example = example(response);
        let shown = match example {
            Some(answer) if status.starts_with('2') => {
                words += &format!("\n\nAnswers, for example:\n\n```json\n{answer:#}\n```");
                "see above".to_owned()
            }
            Some(answer) => format!("`{}`", answer.to_string().replace('|', "\\|")),
            None => String::new(),
        };
        table += &format!("\n| {status} | {meaning} | {shown} |");
    }
    words + &table
}

/// The example of a body in JSON.
fn example(of: &Value) -> Option<&Value> {
    of["content"]["application/json"].get("example")
}
