//! Generates the client from `openapi/api_keys.yaml`: [`read`] the YAML, let progenitor generate the client, and
//! [`post_process`] what progenitor has no setting for. A failure is one `cargo::error` line.
//!
//! What only a reviewer of the spec has to know is a rule of `tests/integration/spec_rules.rs`, not an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl};
use quote::{ToTokens, format_ident, quote};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};
use syn::visit_mut::{self, VisitMut};
use syn::{Item, parse_quote};

const SPEC: &str = "openapi/api_keys.yaml";

/// The schemas whose Rust types are in `src/types`.
pub const HAND_WRITTEN: [&str; 3] = ["ApiKeyId", "PrivateKeyPem", "Subaccount"];

pub type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs\ncargo::rerun-if-changed={SPEC}");
    // `generate` reports panics.
    panic::set_hook(Box::new(|_| {}));
    let client = fs::read_to_string(SPEC).map_err(|e| format!("{SPEC}: {e}")).and_then(|yaml| generate(&yaml));
    let out_dir = env::var_os("OUT_DIR").unwrap_or_default();
    let write = |client| fs::write(Path::new(&out_dir).join("client.rs"), client).map_err(|e| format!("OUT_DIR: {e}"));
    match client.and_then(write) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the code of the client, or an error of one line.
pub fn generate(yaml: &str) -> Result<String> {
    let document = read(yaml)?;
    let client = || post_process(progenitor(&document)?, &document).map(|client| prettyplease::unparse(&client));
    // progenitor panics on much of what it does not support.
    let client = panic::catch_unwind(AssertUnwindSafe(client)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(format!("progenitor panicked: {message}"))
    });
    client.map_err(|e| format!("{SPEC}: {}", e.split_whitespace().collect::<Vec<_>>().join(" ")))
}

// ---- the spec ----

pub fn read(yaml: &str) -> Result<Value> {
    let documents = Yaml::load_from_str(yaml)
        .map_err(|e| format!("{SPEC}:{}:{}: {}", e.marker().line(), e.marker().col() + 1, e.info()))?;
    match <[Yaml; 1]>::try_from(documents) {
        Ok([document]) => json(document).map_err(|e| format!("{SPEC}: {e}")),
        Err(documents) => Err(format!("{SPEC}: expected one YAML document, found {}", documents.len())),
    }
}

fn json(yaml: Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => value.into(),
        Yaml::Value(Scalar::Integer(value)) => value.into(),
        Yaml::Value(Scalar::FloatingPoint(value)) => value.into_inner().into(),
        Yaml::Value(Scalar::String(value)) => value.into_owned().into(),
        Yaml::Sequence(items) => items.into_iter().map(json).collect::<Result<_>>()?,
        Yaml::Mapping(members) => {
            let name = |key| json(key).map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
            let members = members.into_iter().map(|(key, value)| Ok((name(key)?, json(value)?)));
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        other => return Err(format!("unsupported YAML: {other:?}")),
    })
}

pub fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

pub fn schemas(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    members(&document["components"]["schemas"])
}

/// Returns every operation: its path, its method and itself.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    members(&document["paths"]).flat_map(|(path, item)| {
        let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        methods.into_iter().filter_map(move |method| Some((path, method, item.get(method)?)))
    })
}

pub fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let pointer = part["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(part)
}

// ---- progenitor ----

pub fn progenitor(document: &Value) -> Result<syn::File> {
    let spec = serde_json::from_value(plain_strings(document)).map_err(|e| format!("not OpenAPI 3.0: {e}"))?;
    let client = Generator::new(&settings(document)).generate_tokens(&spec).map_err(|e| e.to_string())?;
    syn::parse2(client).map_err(|e| format!("progenitor generated invalid Rust: {e}"))
}

/// Drops formats and patterns of strings, which need further crates and make a response fail over one of its fields.
fn plain_strings(part: &Value) -> Value {
    let is_kept = |name: &str| part["type"] != "string" || !matches!(name, "format" | "pattern");
    match part {
        Value::Object(_) => {
            let kept = members(part).filter(|(name, _)| is_kept(name));
            kept.map(|(name, value)| (name.to_owned(), plain_strings(value))).collect()
        }
        Value::Array(items) => items.iter().map(plain_strings).collect(),
        value => value.clone(),
    }
}

fn settings(document: &Value) -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote!(crate::client::Signing))
        .with_map_type("::std::collections::BTreeMap");
    for derive in ["::schemars::JsonSchema", "PartialEq", "Eq", "Hash"] {
        settings.with_derive(derive);
    }
    for (name, schema) in schemas(document) {
        let replacement = if HAND_WRITTEN.contains(&name) || schema["x-open-enum"] == true {
            format!("crate::types::{name}")
        } else if schema["type"] == "string" && *schema != plain_strings(schema) {
            "::std::string::String".to_owned()
        } else {
            continue;
        };
        settings.with_replacement(name, replacement, [TypeImpl::Display, TypeImpl::FromStr].into_iter());
    }
    settings
}

// ---- what progenitor has no setting for ----

/// Changes the generated code, and asserts that each change was made: another release of progenitor may generate
/// something else.
pub fn post_process(mut client: syn::File, document: &Value) -> Result<syn::File> {
    let mut rewrite = Rewrite::default();
    rewrite.visit_file_mut(&mut client);
    assert_changed(rewrite.reads >= operations(document).count(), "`ResponseValue::from_response` per operation")?;
    assert_changed(rewrite.other_reads == 0, "no other way to read a response")?;
    assert_changed(rewrite.reasons > 0, "a parameter's setter that drops the reason of a refusal")?;
    assert_changed(rewrite.optionals > 0, "a setter that takes an `Option`")?;
    assert_changed(remove_constructors(&mut client), "the constructors of `Client`")?;
    document_operations(&mut client, document)?;
    client.items.push(constants(document));

    let types = client.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let (_, types) = types.ok_or("the generated code has no module `types`")?;
    let is_secret = remove_derives(types, "PrivateKeyPem", &["::serde::Serialize", "PartialEq", "Eq", "Hash"]);
    assert_changed(is_secret, "a type with a secret and derives")?;
    remove_derives(types, "f64", &["Eq", "Hash"]);
    types.iter_mut().for_each(|item| finish_struct(item, document));
    types.extend(schemas(document).filter(|(_, schema)| schema["x-open-enum"] == true).map(open_enum));
    Ok(client)
}

fn assert_changed(found: bool, what: &str) -> Result<()> {
    if found { Ok(()) } else { Err(format!("this release of progenitor generates other code: expected {what}")) }
}

#[derive(Default)]
struct Rewrite {
    reads: usize,
    other_reads: usize,
    reasons: usize,
    optionals: usize,
}

impl VisitMut for Rewrite {
    /// `ResponseValue::from_response` loses a body that breaks off, and its error prints the body.
    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        match text(path).as_str() {
            "ResponseValue::from_response" => {
                *path = parse_quote!(crate::response::read);
                self.reads += 1;
            }
            "ResponseValue::empty" => {}
            other => self.other_reads += other.matches("ResponseValue::").count(),
        }
    }

    /// The setter of a parameter does not say why it refuses; that of an optional property takes an `Option` alone.
    fn visit_impl_item_fn_mut(&mut self, setter: &mut syn::ImplItemFn) {
        let (bounds, body) = (text(&setter.sig.generics.where_clause), text(&setter.block));
        let bound = |start, end| syn::parse_str::<syn::Type>(bounds.strip_prefix(start)?.strip_suffix(end)?).ok();
        let optional =
            bound("whereT:::std::convert::TryInto<::std::option::Option<", ">>,T::Error:::std::fmt::Display,");
        let (ty, convert) = if let Some(ty) = optional {
            self.optionals += 1;
            (parse_quote!(crate::types::Optional<#ty>), quote!(crate::types::Optional::into_option))
        } else if let (Some(ty), true) = (bound("whereV:std::convert::TryInto<", ">,"), body.contains("map_err(|_|")) {
            self.reasons += 1;
            (ty, if body.contains(".map(Some)") { quote!(Some) } else { quote!(::std::convert::identity) })
        } else {
            return visit_mut::visit_impl_item_fn_mut(self, setter);
        };
        let (attributes, name) = (&setter.attrs, &setter.sig.ident);
        let message = format!("invalid {}: {{reason}}", name.to_string().trim_start_matches("r#"));
        *setter = parse_quote! {
            #(#attributes)*
            pub fn #name<V>(mut self, value: V) -> Self
            where V: ::std::convert::TryInto<#ty>, V::Error: ::std::fmt::Display {
                self.#name = value.try_into().map(#convert).map_err(|reason| format!(#message));
                self
            }
        };
    }
}

/// Returns code without white space.
fn text(code: &impl ToTokens) -> String {
    code.to_token_stream().to_string().replace(' ', "")
}

/// Removes `Client::new`, whose HTTP client follows redirects, and `new_with_client`.
fn remove_constructors(client: &mut syn::File) -> bool {
    let before = client.items.len();
    client.items.retain_mut(|item| methods(item).all(|method| method.sig.ident != "new_with_client"));
    client.items.len() + 1 == before
}

fn methods(item: &mut Item) -> impl Iterator<Item = &mut syn::ImplItemFn> {
    let items = if let Item::Impl(block) = item { block.items.as_mut_slice() } else { &mut [] };
    items.iter_mut().filter_map(|item| if let syn::ImplItem::Fn(method) = item { Some(method) } else { None })
}

/// Removes these derives from each type that holds a `held`, directly or not; returns whether there was one.
fn remove_derives(types: &mut [Item], held: &str, derives: &[&str]) -> bool {
    let mut holders = BTreeSet::from([held.to_owned()]);
    let mut count = 0;
    while count < holders.len() {
        count = holders.len();
        for item in types.iter_mut() {
            let (name, attributes, fields) = match item {
                Item::Struct(item) => (&item.ident, &mut item.attrs, item.fields.iter().collect::<Vec<_>>()),
                Item::Enum(item) => {
                    (&item.ident, &mut item.attrs, item.variants.iter().flat_map(|variant| &variant.fields).collect())
                }
                _ => continue,
            };
            let mut types = fields.into_iter().map(|field| field.ty.to_token_stream().to_string());
            if types.any(|ty| ty.split(' ').any(|word| holders.contains(word))) && holders.insert(name.to_string()) {
                for attribute in attributes.iter_mut().filter(|attribute| attribute.path().is_ident("derive")) {
                    let all = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
                    let all = attribute.parse_args_with(all).into_iter().flatten();
                    let kept = all.filter(|path| !derives.contains(&text(path).as_str()));
                    *attribute = parse_quote!(#[derive(#(#kept),*)]);
                }
            }
        }
    }
    count > 1
}

/// Leaves room for further fields, and names the length of a string in its JSON Schema.
fn finish_struct(item: &mut Item, document: &Value) {
    let Item::Struct(item) = item else { return };
    let schema = &document["components"]["schemas"][item.ident.to_string()];
    match &mut item.fields {
        syn::Fields::Unnamed(fields) => {
            for (bound, name) in [("minLength", quote!(min)), ("maxLength", quote!(max))] {
                if let (Some(length), Some(field)) = (schema[bound].as_u64(), fields.unnamed.first_mut()) {
                    field.attrs.push(parse_quote!(#[schemars(length(#name = #length))]));
                }
            }
        }
        _ => item.attrs.push(parse_quote!(#[non_exhaustive])),
    }
}

fn open_enum((name, schema): (&str, &Value)) -> Item {
    let (name, doc) = (format_ident!("{name}"), schema["description"].as_str());
    let variants = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|value| {
        let (variant, doc) = (format_ident!("{}", value.to_upper_camel_case()), format!("`{value}`"));
        quote!(#[doc = #doc] #variant = #value)
    });
    parse_quote!(crate::types::open_enum! { #[doc = #doc] pub enum #name { #(#variants),* } })
}

/// Adds examples and the meaning of each status to the documentation of the operations.
fn document_operations(client: &mut syn::File, document: &Value) -> Result<()> {
    for (.., operation) in operations(document) {
        let name = operation["operationId"].as_str().unwrap_or_default().to_snake_case();
        let mut methods = client.items.iter_mut().flat_map(methods);
        let method = methods.find(|method| method.sig.ident == name);
        let method = method.ok_or_else(|| format!("operation {name}: the generated client has no such method"))?;
        let (mut doc, mut table) = (String::new(), "\n\n| status | meaning |\n|---|---|".to_owned());
        let mut bodies = vec![("request", &operation["requestBody"])];
        bodies.extend(members(&operation["responses"]));
        for (status, body) in bodies {
            let body = resolve(document, body);
            let example = &body["content"]["application/json"]["example"];
            if !example.is_null() && (status == "request" || status.starts_with('2')) {
                doc += &format!("\n\nExample ({status}):\n\n```json\n{example:#}\n```");
            }
            if let Some(meaning) = body["description"].as_str() {
                table += &format!("\n| {status} | {} |", meaning.trim());
            }
        }
        doc += &table;
        method.attrs.push(parse_quote!(#[doc = #doc]));
    }
    Ok(())
}

/// Returns the base URL of each environment and the header of each security scheme, as constants.
fn constants(document: &Value) -> Item {
    // In reverse, for the first server of an environment is its default.
    let servers = document["servers"].as_array().into_iter().flatten().rev();
    let urls: BTreeMap<_, _> = servers.map(|server| (server["x-environment"].as_str(), &server["url"])).collect();
    let urls = urls.into_iter().map(|(environment, url)| {
        let (name, url) = (environment.unwrap_or_default().to_shouty_snake_case(), url.as_str());
        let name = format_ident!("{name}");
        quote!(pub(crate) const #name: &str = #url;)
    });
    let headers = members(&document["components"]["securitySchemes"]).map(|(scheme, header)| {
        let name = format_ident!("{}", scheme.to_shouty_snake_case());
        let header = header["name"].as_str().unwrap_or_default().to_ascii_lowercase();
        quote!(pub(crate) const #name: ::http::HeaderName = ::http::HeaderName::from_static(#header);)
    });
    parse_quote!(pub(crate) mod spec { #(#urls)* #(#headers)* })
}
