//! Generates the client from `openapi/api_keys.yaml`: [`read`] the YAML, let progenitor generate
//! the client, and [`post_process`] what progenitor has no setting for. A failure is one
//! `cargo::error` line.
//!
//! What only a reviewer of the spec has to know is a rule of `tests/integration/spec_rules.rs`, not
//! an error here.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use heck::{ToShoutySnakeCase, ToUpperCamelCase};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl, TypePatch};
use quote::{ToTokens, format_ident, quote};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{Item, parse_quote};

const SPEC: &str = "openapi/api_keys.yaml";

/// The schemas whose Rust types are in `src/types`.
pub const HAND_WRITTEN: [&str; 4] = ["ApiKeyId", "PrivateKeyPem", "PublicKeyPem", "Subaccount"];

pub type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs\ncargo::rerun-if-changed={SPEC}");
    // `generate` reports panics.
    panic::set_hook(Box::new(|_| {}));
    let client = fs::read_to_string(SPEC)
        .map_err(|e| format!("{SPEC}: {e}"))
        .and_then(|yaml| generate(&yaml));
    let out_dir = env::var_os("OUT_DIR").unwrap_or_default();
    let write = |client| {
        fs::write(Path::new(&out_dir).join("client.rs"), client)
            .map_err(|e| format!("OUT_DIR: {e}"))
    };
    let Err(error) = client.and_then(write) else {
        return ExitCode::SUCCESS;
    };
    println!("cargo::error={error}");
    ExitCode::FAILURE
}

/// Returns the code of the client, or an error of one line.
pub fn generate(yaml: &str) -> Result<String> {
    let document = read(yaml)?;
    let client = || {
        post_process(progenitor(&document)?, &document).map(|client| prettyplease::unparse(&client))
    };
    // progenitor panics on much of what it does not support.
    let client = panic::catch_unwind(AssertUnwindSafe(client)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message
            .or(panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(format!("the generator panicked: {message}"))
    });
    client.map_err(|e| {
        format!(
            "{SPEC}: {}",
            e.split_whitespace().collect::<Vec<_>>().join(" ")
        )
    })
}

pub fn read(yaml: &str) -> Result<Value> {
    let documents = Yaml::load_from_str(yaml).map_err(|e| {
        format!(
            "{SPEC}:{}:{}: {}",
            e.marker().line(),
            e.marker().col() + 1,
            e.info()
        )
    })?;
    let [document] = <[Yaml; 1]>::try_from(documents)
        .map_err(|_| format!("{SPEC}: expected one YAML document"))?;
    json(document).map_err(|e| format!("{SPEC}: {e}"))
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
            let name = |key| {
                json(key).map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned))
            };
            let members = members
                .into_iter()
                .map(|(key, value)| Ok((name(key)?, json(value)?)));
            Value::Object(members.collect::<Result<Map<_, _>>>()?)
        }
        other => return Err(format!("unsupported YAML: {other:?}")),
    })
}

pub fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

/// Returns every operation: its path, its method and itself.
pub fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    members(&document["paths"]).flat_map(|(path, item)| {
        let methods = [
            "get", "put", "post", "delete", "options", "head", "patch", "trace",
        ];
        methods
            .into_iter()
            .filter_map(move |method| Some((path, method, item.get(method)?)))
    })
}

pub fn progenitor(document: &Value) -> Result<syn::File> {
    let spec = serde_json::from_value(plain_strings(document))
        .map_err(|e| format!("not OpenAPI 3.0: {e}"))?;
    let client = Generator::new(&settings(document))
        .generate_tokens(&spec)
        .map_err(|e| e.to_string())?;
    syn::parse2(client).map_err(|e| format!("progenitor generated invalid Rust: {e}"))
}

/// Drops formats and patterns of strings: they need more crates, and one odd value would fail a
/// whole response.
fn plain_strings(part: &Value) -> Value {
    let is_plain = |name: &str| part["type"] != "string" || !matches!(name, "format" | "pattern");
    match part {
        Value::Object(_) => members(part)
            .filter(|(name, _)| is_plain(name))
            .map(|(name, value)| (name.to_owned(), plain_strings(value)))
            .collect(),
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
    for derive in ["PartialEq", "Eq", "Hash"] {
        settings.with_derive(derive);
    }
    for (name, schema) in members(&document["components"]["schemas"]) {
        let mut patch = TypePatch::default();
        patch.with_attr("#[cfg_attr(feature = \"schemars\", derive(::schemars::JsonSchema))]");
        // typify checks the length of a string and does not state it in the JSON Schema.
        for (bound, length) in members(schema).filter(|(name, _)| name.ends_with("Length")) {
            patch.with_attr(format!(
                "#[cfg_attr(feature = \"schemars\", schemars(extend({bound:?} = {length})))]"
            ));
        }
        settings.with_patch(name, &patch);
        let replacement = if HAND_WRITTEN.contains(&name) || schema["x-open-enum"] == true {
            format!("crate::types::{name}")
        } else if schema["type"] == "string" && *schema != plain_strings(schema) {
            "::std::string::String".to_owned()
        } else {
            continue;
        };
        settings.with_replacement(
            name,
            replacement,
            [TypeImpl::Display, TypeImpl::FromStr].into_iter(),
        );
    }
    settings
}

/// Changes the generated code, and asserts that it found what to change: another release of
/// progenitor may generate something else.
pub fn post_process(mut client: syn::File, document: &Value) -> Result<syn::File> {
    let mut rewrite = Rewrite::default();
    rewrite.visit_file_mut(&mut client);
    let count = operations(document).count();
    assert_found(
        rewrite.calls == count,
        "a builder with a `send` for each operation",
    )?;
    let reads_all = rewrite.reads >= count && rewrite.other_reads == 0;
    assert_found(
        reads_all,
        "`ResponseValue::from_response` for each operation, and no other way to read a response",
    )?;
    let lists = operations(document).flat_map(|(path, _, each)| [&document["paths"][path], each]);
    let parameters: usize = lists
        .filter_map(|list| list["parameters"].as_array())
        .map(Vec::len)
        .sum();
    assert_found(
        rewrite.reasons == parameters,
        "for each parameter, a setter that drops the reason of a refusal",
    )?;
    let optionals = text(&client)
        .matches("Result<::std::option::Option<")
        .count();
    assert_found(
        rewrite.optionals == optionals,
        "for each optional property, a setter that takes an `Option`",
    )?;
    // The HTTP client of `Client::new` follows redirects.
    let constructors = client
        .items
        .iter()
        .position(|item| text(item).contains("fnnew_with_client("));
    client
        .items
        .remove(constructors.ok_or("the generated code has no constructors of `Client`")?);
    let types = client.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let (_, types) = types.ok_or("the generated code has no module `types`")?;
    let secrets = remove_derives(
        types,
        &["PrivateKeyPem"],
        &["::serde::Serialize", "PartialEq", "Eq", "Hash"],
    );
    assert_found(secrets > 0, "a type that holds a secret")?;
    remove_derives(types, &["f32", "f64"], &["Eq", "Hash"]);
    for item in types.iter_mut() {
        if let Item::Struct(syn::ItemStruct { attrs, .. }) = item {
            attrs.push(parse_quote!(#[non_exhaustive]));
            // A derive introduces the attributes below it.
            attrs.sort_by_key(|attribute| !attribute.path().is_ident("derive"));
        }
    }
    let open_enums = members(&document["components"]["schemas"])
        .filter(|(_, schema)| schema["x-open-enum"] == true);
    types.extend(open_enums.map(open_enum));
    client.items.push(constants(document));
    Ok(client)
}

fn assert_found(found: bool, what: &str) -> Result<()> {
    if found {
        Ok(())
    } else {
        Err(format!(
            "the spec or the generator has changed; build.rs expects {what}"
        ))
    }
}

#[derive(Default)]
struct Rewrite {
    reads: usize,
    other_reads: usize,
    reasons: usize,
    optionals: usize,
    calls: usize,
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

    /// The setter of a parameter drops the reason of a refusal; the setter of an optional property
    /// takes no literal; a call returns the generator's error.
    fn visit_impl_item_fn_mut(&mut self, method: &mut syn::ImplItemFn) {
        let (output, body) = (text(&method.sig.output), text(&method.block));
        let operation = body
            .split_once("operation_id:\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        if let (Some((output, _)), Some((operation, _))) = (output.split_once("Error<"), operation)
        {
            self.calls += 1;
            let (block, operation) = (
                &method.block,
                format_ident!("{}", operation.to_shouty_snake_case()),
            );
            method.block = parse_quote!({ self.client.call(crate::spec::#operation, async move #block).await });
            method.sig.output = syn::parse_str(&format!("{output}crate::Error>"))
                .unwrap_or(syn::ReturnType::Default);
        }
        let (name, attributes, bounds) = (
            &method.sig.ident,
            &method.attrs,
            text(&method.sig.generics.where_clause),
        );
        let bound = |start, end| {
            syn::parse_str::<syn::Type>(bounds.strip_prefix(start)?.split_once(end)?.0).ok()
        };
        let optional = bound(
            "whereT:::std::convert::TryInto<::std::option::Option<",
            ">>,",
        );
        let (ty, convert) = if let Some(ty) = optional {
            self.optionals += 1;
            (
                parse_quote!(crate::types::Optional<#ty>),
                quote!(.map(crate::types::Optional::into_option)),
            )
        } else if let (Some(ty), true) = (
            bound("whereV:std::convert::TryInto<", ">,"),
            body.contains("map_err(|_|"),
        ) {
            self.reasons += 1;
            (
                ty,
                if body.contains(".map(Some)") {
                    quote!(.map(Some))
                } else {
                    quote!()
                },
            )
        } else {
            return visit_mut::visit_impl_item_fn_mut(self, method);
        };
        let message = format!(
            "invalid {}: {{reason}}",
            name.to_string().trim_start_matches("r#")
        );
        *method = parse_quote! {
            #(#attributes)*
            pub fn #name<V>(mut self, value: V) -> Self
            where V: ::std::convert::TryInto<#ty>, V::Error: ::std::fmt::Display {
                self.#name = value.try_into()#convert.map_err(|reason| format!(#message));
                self
            }
        };
    }
}

/// Returns code without white space, and without a comma before `>`.
fn text(code: &impl ToTokens) -> String {
    code.to_token_stream()
        .to_string()
        .replace(' ', "")
        .replace(",>", ">")
}

/// Removes these derives from each type that holds one of `held`, directly or not; returns how many
/// types do.
fn remove_derives(types: &mut [Item], held: &[&str], derives: &[&str]) -> usize {
    let mut holders: BTreeSet<_> = held.iter().map(|name| name.to_string()).collect();
    let mut known = 0;
    while known < holders.len() {
        known = holders.len();
        for item in types.iter_mut() {
            let code = item.to_token_stream().to_string();
            let (name, attributes) = match item {
                Item::Struct(item) => (item.ident.to_string(), &mut item.attrs),
                Item::Enum(item) => (item.ident.to_string(), &mut item.attrs),
                _ => continue,
            };
            if !code.split(' ').any(|word| holders.contains(word)) || !holders.insert(name) {
                continue;
            }
            for derive in attributes
                .iter_mut()
                .filter(|attribute| attribute.path().is_ident("derive"))
            {
                let paths = Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
                let paths = derive.parse_args_with(paths).into_iter().flatten();
                let kept = paths.filter(|path| !derives.contains(&text(path).as_str()));
                *derive = parse_quote!(#[derive(#(#kept),*)]);
            }
        }
    }
    known - held.len()
}

fn open_enum((name, schema): (&str, &Value)) -> Item {
    let (name, doc) = (format_ident!("{name}"), schema["description"].as_str());
    let values: Vec<_> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let variants = values
        .iter()
        .map(|value| format_ident!("{}", value.to_upper_camel_case()));
    parse_quote!(
        crate::types::open_enum! { #[doc = #doc] pub enum #name { #(#variants = #values),* } }
    )
}

/// Returns the base URL of each environment, the header of each security scheme and the operations,
/// as constants.
fn constants(document: &Value) -> Item {
    // In reverse, for the first server of an environment is its default.
    let servers = document["servers"].as_array().into_iter().flatten().rev();
    let urls = servers.map(|server| {
        (
            server["x-environment"].as_str().unwrap_or_default(),
            server["url"].as_str(),
        )
    });
    let urls = urls
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .map(|(environment, url)| {
            let name = format_ident!("{}", environment.to_shouty_snake_case());
            quote!(pub(crate) const #name: &str = #url;)
        });
    let headers = members(&document["components"]["securitySchemes"]).map(|(scheme, header)| {
        let name = format_ident!("{}", scheme.to_shouty_snake_case());
        let header = header["name"].as_str().unwrap_or_default().to_ascii_lowercase();
        quote!(pub(crate) const #name: ::http::HeaderName = ::http::HeaderName::from_static(#header);)
    });
    let operations = operations(document).map(|(path, method, operation)| {
        let (id, method) = (
            operation["operationId"].as_str().unwrap_or_default(),
            method.to_uppercase(),
        );
        let name = format_ident!("{}", id.to_shouty_snake_case());
        (
            name,
            quote!(crate::Operation { id: #id, method: #method, path: #path }),
        )
    });
    let (names, operations): (Vec<_>, Vec<_>) = operations.unzip();
    parse_quote!(pub(crate) mod spec {
        #(#urls)* #(#headers)* #(pub(crate) const #names: crate::Operation = #operations;)*
        pub(crate) const OPERATIONS: &[crate::Operation] = &[#(#names),*];
    })
}
