//! `openapi/api_keys.yaml` -> the generated client, nothing else.
//!
//! The way of the spec: [`read`] it (YAML, with line and column), [`check`] what the generator would get wrong in
//! silence, let the generator [`generate`] the client, and [`finish`] what it cannot express. Whatever is wrong
//! stops the build with one line that names the place.

#[path = "build/check.rs"]
mod check;
#[path = "build/document.rs"]
mod document;
#[path = "build/finish.rs"]
mod finish;
#[path = "build/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use heck::{ToShoutySnakeCase, ToSnakeCase};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::{format_ident, quote};
use serde_json::Value;

use crate::check::{check, parse};
use crate::document::{base_url, is_method, members, open_enums, operations, place, reached};
use crate::finish::finish;

const SPEC: &str = "openapi/api_keys.yaml";

/// Schemas whose Rust types stand in `src/schema`: the generator knows neither a value that is strict when sent
/// and open when read, nor a secret.
const HAND_WRITTEN: [&str; 3] = ["ApiKeyId", SECRET, "Subaccount"];

/// The hand-written type that must never be serialised, nor what holds it.
const SECRET: &str = "PrivateKeyPem";

/// A schema that becomes a plain string: the generator would pull in a regular-expression engine to check its pattern.
/// Whether the user ID before the suffix is the caller's only the service can tell, so the whole question stays with it.
const PLAIN: &str = "FcmSubtraderId";

/// What the signer sends, with every request: no more and no less.
const SIGNED: [&str; 3] = ["kalshiAccessKey", "kalshiAccessSignature", "kalshiAccessTimestamp"];

/// The environments that `src/environment.rs` knows.
const ENVIRONMENTS: [&str; 2] = ["demo", "production"];

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    for file in ["build.rs", "build", SPEC] {
        println!("cargo::rerun-if-changed={file}");
    }
    // The tests run this very program on broken specs.
    if let Ok(program) = env::current_exe() {
        println!("cargo::rustc-env=BUILD_SCRIPT={}", program.display());
    }
    match client_of(Path::new(SPEC)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("cargo::error={}", fault.split_whitespace().collect::<Vec<_>>().join(" "));
            ExitCode::FAILURE
        }
    }
}

fn client_of(path: &Path) -> Result<()> {
    let document = read(fs::read(path).map_err(|e| format!("{SPEC}: {e}"))?)?;
    let (client, facts) = check(&document)
        .and_then(|()| Ok((finish(generate(&document)?, &document)?, facts(&document))))
        .map_err(|fault| format!("{SPEC}: {fault}"))?;

    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: cargo runs this program")?;
    for (name, code) in [("client.rs", client), ("spec.rs", facts)] {
        let file = Path::new(&out).join(name);
        fs::write(&file, prettyplease::unparse(&code)).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

// ---- read ----

fn read(bytes: Vec<u8>) -> Result<Value> {
    let text = String::from_utf8(bytes).map_err(|e| {
        let before = String::from_utf8_lossy(&e.as_bytes()[..e.utf8_error().valid_up_to()]).into_owned();
        let (line, column) = (before.split('\n').count(), before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        format!("{SPEC}:{line}:{column}: not UTF-8")
    })?;
    serde_saphyr::from_str(&text).map_err(|e| {
        let place = e.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        let message = e.without_snippet().to_string();
        // What follows repeats the place, or speaks to the caller of the parser.
        let end = [" at line", ", set ", "; use "].iter().filter_map(|end| message.find(end)).min();
        format!("{SPEC}{place}: {}", &message[..end.unwrap_or(message.len())])
    })
}

// ---- generate ----

/// The generator's code, or what it refused and where. It panics on much that it does not support, without naming
/// a place: then it is asked again about ever smaller parts, and the smallest one it refuses is the guilty one.
fn generate(document: &Value) -> Result<syn::File> {
    let whole = match attempt(document) {
        Ok(code) => return Ok(code),
        Err(reason) => reason,
    };
    let mut schemas: Vec<_> =
        members(document, "/components/schemas").map(|(name, _)| schema_alone(document, name)).collect();
    schemas.sort_by_key(|(_, alone)| members(alone, "/components/schemas").count());
    let operations = operations(document).map(|(name, ..)| operation_alone(document, &name)).collect::<Vec<_>>();
    let guilty = schemas.into_iter().chain(operations).find_map(|(name, alone)| Some((name, attempt(&alone).err()?)));
    let (name, reason) = guilty.unwrap_or(("the document".to_owned(), whole));
    Err(format!("{name}: the generator refuses it: {reason}"))
}

fn attempt(document: &Value) -> Result<syn::File> {
    let spec = parse(document)?;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut generator = Generator::new(&settings(document));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| generator.generate_tokens(&spec)));
    panic::set_hook(hook);
    let tokens = match outcome {
        Ok(code) => code.map_err(|e| e.to_string())?,
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            return Err(said
                .or(panic.downcast_ref().map(|s: &&str| s.to_string()))
                .unwrap_or("it panicked".to_owned()));
        }
    };
    let types = generator.get_type_space();
    for (used, what) in [
        (types.uses_regress(), "a pattern needs `regress`"),
        (types.uses_chrono(), "a date needs `chrono`"),
        (types.uses_uuid(), "the format uuid needs `uuid`"),
    ] {
        if used {
            return Err(format!("{what}, on which this crate does not depend"));
        }
    }
    syn::parse2(tokens).map_err(|e| format!("what it generated is no Rust: {e}"))
}

fn settings(document: &Value) -> GenerationSettings {
    const STRING: [TypeImpl; 2] = [TypeImpl::Display, TypeImpl::FromStr];
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::client::Signing))
        .with_derive("::schemars::JsonSchema")
        .with_replacement(PLAIN, "::std::string::String", STRING.into_iter());
    let open = open_enums(document).map(|(name, _)| name);
    for name in HAND_WRITTEN.into_iter().chain(open) {
        settings.with_replacement(name, format!("crate::types::{name}"), STRING.into_iter());
    }
    settings
}

/// The document with this schema, those it refers to, and no operation.
fn schema_alone(document: &Value, name: &str) -> (String, Value) {
    let own = format!("/components/schemas/{name}");
    let mut wanted = BTreeSet::new();
    reached(document, &document["components"]["schemas"][name], &mut wanted);
    let mut alone = document.clone();
    alone["paths"] = Value::Object(Default::default());
    if let Some(schemas) = alone.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|other, _| other == name || wanted.contains(&format!("/components/schemas/{other}")));
    }
    (place(document, &own), alone)
}

/// The document with this operation only.
fn operation_alone(document: &Value, name: &str) -> (String, Value) {
    let mut alone = document.clone();
    for path in alone["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        if let Some(item) = path.as_object_mut() {
            item.retain(|method, operation| !is_method(method) || operation["operationId"] == name);
        }
    }
    (format!("operation {name}"), alone)
}

// ---- facts ----

/// What the hand-written code needs to know of the spec: base URLs and header names.
fn facts(document: &Value) -> syn::File {
    let urls = ENVIRONMENTS.iter().filter_map(|environment| {
        let url = base_url(document, environment)?;
        let name = format_ident!("{}", environment.to_shouty_snake_case());
        let doc = format!("The base URL of `x-environment: {environment}`.");
        Some(quote!(#[doc = #doc] pub(crate) const #name: &str = #url;))
    });
    let headers = SIGNED.iter().map(|scheme| {
        let header = document["components"]["securitySchemes"][scheme]["name"].as_str().unwrap_or_default();
        let (name, header) = (format_ident!("{}", scheme.to_shouty_snake_case()), header.to_ascii_lowercase());
        let doc = format!("The header of `{scheme}`.");
        quote!(#[doc = #doc] pub(crate) const #name: http::HeaderName = http::HeaderName::from_static(#header);)
    });
    let templates = operations(document).map(|(name, path, ..)| {
        let id = name.to_snake_case();
        quote!(#id => #path)
    });
    syn::parse_quote! {
        #(#urls)*
        #(#headers)*
        /// The path template of an operation, by the ID that the generated client gives it.
        #[cfg(feature = "tracing")]
        pub(crate) fn url_template(operation_id: &str) -> &'static str {
            match operation_id { #(#templates,)* _ => "" }
        }
    }
}
