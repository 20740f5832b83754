//! `openapi/api_keys.yaml` -> the generated client, nothing else.
//!
//! The way of the spec: [`read`] it (YAML, with line and column), [`check`] what the generator would get wrong in
//! silence, let the generator [`generate`] the client, and [`finish`] what it cannot express. Whatever is wrong
//! stops the build with one line that names the place.

use std::collections::BTreeSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::{format_ident, quote};
use serde_json::Value;
use syn::visit_mut::{self, VisitMut};

const SPEC: &str = "openapi/api_keys.yaml";

/// Schemas whose Rust types stand in `src/schema`: the generator knows neither a value that is strict when sent
/// and open when read, nor a secret.
const HAND_WRITTEN: [&str; 3] = ["ApiKeyId", "PrivateKeyPem", "Subaccount"];

/// The hand-written type that must never be serialised, nor what holds it.
const SECRET: &str = "PrivateKeyPem";

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SPEC}");
    // The tests run this very program on broken specs.
    if let Ok(program) = env::current_exe() {
        println!("cargo::rustc-env=BUILD_SCRIPT={}", program.display());
    }
    match client_of(Path::new(SPEC)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("cargo::error={}", fault.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn client_of(path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).map_err(|e| format!("{SPEC}: {e}"))?;
    let document = read(&text)?;
    let (client, facts) = check(&document)
        .and_then(|()| generate(&document))
        .and_then(|client| Ok((finish(client, &document), facts(&document)?)))
        .map_err(|fault| format!("{SPEC}: {fault}"))?;

    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: cargo runs this program")?;
    for (name, code) in [("client.rs", client), ("spec.rs", facts)] {
        let file = Path::new(&out).join(name);
        fs::write(&file, prettyplease::unparse(&code)).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    Ok(())
}

// ---- read ----

fn read(text: &str) -> Result<Value> {
    serde_saphyr::from_str(text).map_err(|e| {
        let place = e.location().map(|at| format!(":{}:{}", at.line(), at.column())).unwrap_or_default();
        let message = e.without_snippet().to_string();
        format!("{SPEC}{place}: {}", message.lines().next().unwrap_or("not YAML"))
    })
}

/// The typed document. Piece by piece first: the whole would only say that something matched no variant.
fn parse(document: &Value) -> Result<OpenAPI> {
    for (name, schema) in members(document, "/components/schemas") {
        serde_json::from_value::<openapiv3::Schema>(schema.clone()).map_err(|e| format!("schema {name}: {e}"))?;
    }
    for (name, operation) in operations(document) {
        serde_json::from_value::<openapiv3::Operation>(operation.clone())
            .map_err(|e| format!("operation {name}: {e}"))?;
    }
    serde_json::from_value(document.clone()).map_err(|e| e.to_string())
}

// ---- check ----

fn check(document: &Value) -> Result<()> {
    let mut ids = BTreeSet::new();
    for (name, schema) in members(document, "/components/schemas") {
        check_references(document, schema).map_err(|fault| format!("schema {name}: {fault}"))?;
        check_schema(schema).map_err(|fault| format!("schema {name}: {fault}"))?;
    }
    for (name, response) in members(document, "/components/responses") {
        check_references(document, response).map_err(|fault| format!("response {name}: {fault}"))?;
    }
    for (name, operation) in operations(document) {
        check_references(document, operation)
            .and_then(|()| check_operation(document, operation))
            .map_err(|fault| format!("operation {name}: {fault}"))?;
        if !ids.insert(name.clone()) {
            return Err(format!("operation {name}: its operationId is taken by another operation"));
        }
    }
    Ok(())
}

fn check_references(document: &Value, part: &Value) -> Result<()> {
    if let Some(reference) = part.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return match target {
            Some(_) => Ok(()),
            None => Err(format!("$ref {reference:?} points at nothing in this document")),
        };
    }
    children(part).try_for_each(|child| check_references(document, child))
}

/// A name in `required` without a property is a misspelling: the generator would drop it.
fn check_schema(schema: &Value) -> Result<()> {
    for required in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        let name = required.as_str().ok_or_else(|| format!("required holds {required}, not a name"))?;
        if schema.get("properties").and_then(|p| p.get(name)).is_none() {
            return Err(format!("required names {name:?}, which is no property of it"));
        }
    }
    children(schema).try_for_each(check_schema)
}

fn check_operation(document: &Value, operation: &Value) -> Result<()> {
    let schemes = operation.get("security").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !schemes.iter().any(|s| s.as_object().is_some_and(|s| !s.is_empty())) {
        return Err("it has no security, and every request is signed".to_owned());
    }
    for name in schemes.iter().filter_map(Value::as_object).flat_map(|s| s.keys()) {
        if document.pointer(&format!("/components/securitySchemes/{name}")).is_none() {
            return Err(format!("its security names {name:?}, which is no security scheme"));
        }
    }

    let responses = operation.get("responses").and_then(Value::as_object).ok_or("it has no responses")?;
    if responses.contains_key("default") {
        return Err("a default response cannot be generated beside typed ones; name 4XX and 5XX".to_owned());
    }
    for range in ["4XX", "5XX"] {
        if !responses.contains_key(range) {
            return Err(format!("it has no {range} response, so an undocumented status would lose its reason"));
        }
    }
    for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
        let response = resolve(document, response);
        let schema = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
        if schema != Some("#/components/schemas/ErrorResponse") {
            return Err(format!("its {status} response is not an ErrorResponse in application/json"));
        }
    }
    Ok(())
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
    let operations = operations(document).map(|(name, _)| operation_alone(document, &name)).collect::<Vec<_>>();
    let guilty = schemas.into_iter().chain(operations).find_map(|(name, alone)| Some((name, attempt(&alone).err()?)));
    Err(match guilty {
        Some((name, reason)) => format!("{name}: the generator refuses it: {reason}"),
        None => format!("the generator refuses the document: {whole}"),
    })
}

fn attempt(document: &Value) -> Result<syn::File> {
    let spec = parse(document)?;
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| Generator::new(&settings(document)).generate_tokens(&spec)));
    panic::set_hook(hook);
    match outcome {
        Ok(Ok(tokens)) => syn::parse2(tokens).map_err(|e| format!("what it generated is no Rust: {e}")),
        Ok(Err(e)) => Err(e.to_string()),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it panicked")
            .to_owned()),
    }
}

fn settings(document: &Value) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::Signer))
        .with_derive("::schemars::JsonSchema")
        // The generator would pull in a regular-expression engine to check the pattern. Whether the user ID before
        // the suffix is the caller's only the service can tell, so the whole question stays with it.
        .with_replacement("FcmSubtraderId", "::std::string::String", STRING.into_iter());
    let open = open_enums(document).map(|(name, _)| name);
    for name in HAND_WRITTEN.into_iter().chain(open) {
        settings.with_replacement(name, format!("crate::types::{name}"), STRING.into_iter());
    }
    settings
}

const STRING: [TypeImpl; 2] = [TypeImpl::Display, TypeImpl::FromStr];

/// The document with this schema, those it refers to, and no operation.
fn schema_alone(document: &Value, name: &str) -> (String, Value) {
    let mut wanted = BTreeSet::from([name.to_owned()]);
    loop {
        let parts = wanted.iter().filter_map(|name| document.pointer(&format!("/components/schemas/{name}")));
        let more: BTreeSet<String> = parts.flat_map(references).collect();
        let before = wanted.len();
        wanted.extend(more);
        if wanted.len() == before {
            break;
        }
    }
    let mut alone = document.clone();
    alone["paths"] = Value::Object(Default::default());
    if let Some(schemas) = alone.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| wanted.contains(name));
    }
    (format!("schema {name}"), alone)
}

/// The document with this operation only.
fn operation_alone(document: &Value, name: &str) -> (String, Value) {
    let mut alone = document.clone();
    for path in alone["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut()) {
        if let Some(item) = path.as_object_mut() {
            item.retain(|method, operation| !is_method(method) || operation_name(method, operation) == name);
        }
    }
    (format!("operation {name}"), alone)
}

// ---- finish ----

/// What the generator truly cannot:
/// - leave out its constructor, whose HTTP client follows redirects;
/// - read an answer without losing or printing a private key in it (`ResponseValue::from_response`);
/// - keep a type from being serialised;
/// - an enum that reads values it does not know, and types of ours in its `types`.
fn finish(mut client: syn::File, document: &Value) -> syn::File {
    client.items.retain(|item| !is_constructors(item));
    Finish.visit_file_mut(&mut client);
    if let Some(types) = client.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    }) {
        types.1.push(syn::parse_quote!(
            pub use crate::schema::*;
        ));
        types.1.extend(open_enums(document).map(|(name, schema)| open_enum(name, schema)));
    }
    client
}

/// `impl Client` with `new` and `new_with_client`; ours are in `src/client.rs`.
fn is_constructors(item: &syn::Item) -> bool {
    let syn::Item::Impl(block) = item else { return false };
    block.items.iter().any(|item| matches!(item, syn::ImplItem::Fn(f) if f.sig.ident == "new_with_client"))
}

struct Finish;

impl VisitMut for Finish {
    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        if path.path == syn::parse_quote!(ResponseValue::from_response) {
            *path = syn::parse_quote!(crate::response::read);
        }
        visit_mut::visit_expr_path_mut(self, path);
    }

    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        let holds_secret = item.fields.iter().any(|field| quote!(#field).to_string().contains(SECRET));
        for attribute in item.attrs.iter_mut().filter(|a| holds_secret && a.path().is_ident("derive")) {
            let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
            if let Ok(derives) = attribute.parse_args_with(parse) {
                let kept =
                    derives.into_iter().filter(|path| path.segments.last().is_none_or(|s| s.ident != "Serialize"));
                *attribute = syn::parse_quote!(#[derive(#(#kept),*)]);
            }
        }
    }
}

fn open_enum(name: &str, schema: &Value) -> syn::Item {
    let ident = format_ident!("{name}");
    let doc = schema["description"].as_str().unwrap_or_default();
    let values = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let variants = values.map(|value| {
        let variant = format_ident!("{}", value.to_upper_camel_case());
        let doc = format!("`{value}`");
        quote!(#[doc = #doc] #variant = #value)
    });
    syn::parse_quote! {
        crate::schema::open_enum! {
            #[doc = #doc]
            pub enum #ident { #(#variants),* }
        }
    }
}

// ---- facts ----

/// What the hand-written code needs to know of the spec: base URLs and header names.
fn facts(document: &Value) -> Result<syn::File> {
    let mut items: Vec<syn::Item> = Vec::new();
    for environment in ["production", "demo"] {
        let server = document["servers"].as_array().into_iter().flatten().find(|s| s["x-environment"] == environment);
        let url = server
            .and_then(|s| s["url"].as_str())
            .ok_or_else(|| format!("no server has x-environment: {environment}"))?;
        let name = format_ident!("{}", environment.to_shouty_snake_case());
        let doc = format!("The base URL of `x-environment: {environment}`.");
        items.push(syn::parse_quote!(#[doc = #doc] pub(crate) const #name: &str = #url;));
    }
    for (scheme, description) in members(document, "/components/securitySchemes") {
        let header = match (description["in"].as_str(), description["name"].as_str()) {
            (Some("header"), Some(header)) => header.to_ascii_lowercase(),
            _ => {
                return Err(format!("security scheme {scheme}: it is no header, and headers are all the signer sends"));
            }
        };
        let name = format_ident!("{}", scheme.to_shouty_snake_case());
        let doc = format!("The header of `{scheme}`.");
        items.push(syn::parse_quote! {
            #[doc = #doc]
            pub(crate) const #name: http::HeaderName = http::HeaderName::from_static(#header);
        });
    }
    Ok(syn::File { shebang: None, attrs: Vec::new(), items, ..syn::parse_quote!() })
}

// ---- walking the document ----

fn members<'a>(document: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    document
        .pointer(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// Every operation with its name: its operationId, or its method and path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    members(document, "/paths")
        .flat_map(|(_, item)| item.as_object().into_iter().flatten())
        .filter(|(method, _)| is_method(method))
        .map(|(method, operation)| (operation_name(method, operation), operation))
}

fn operation_name(method: &str, operation: &Value) -> String {
    operation["operationId"].as_str().map_or_else(|| format!("{method} without an operationId"), str::to_owned)
}

fn is_method(name: &str) -> bool {
    matches!(name, "get" | "put" | "post" | "delete" | "options" | "head" | "patch" | "trace")
}

fn open_enums(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    members(document, "/components/schemas").filter(|(_, schema)| schema["x-open-enum"] == true)
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let pointer = part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(part)
}

/// The names of the schemas that this one refers to.
fn references(schema: &Value) -> Vec<String> {
    let own = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/components/schemas/")).map(str::to_owned);
    own.into_iter().chain(children(schema).flat_map(references)).collect()
}
