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

use heck::{ToShoutySnakeCase, ToSnakeCase as _, ToUpperCamelCase};
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TypeImpl, TypePatch};
use quote::{ToTokens, format_ident, quote};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value};
use syn::ext::IdentExt as _;
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::visit_mut::VisitMut;
use syn::{Item, parse_quote};

const SPEC: &str = "openapi/api_keys.yaml";

/// The schemas whose Rust types are in `src/types`.
pub const HAND_WRITTEN: [&str; 6] = [
    "ApiKeyId",
    "ApiKeyScopes",
    "PrivateKeyPem",
    "PublicKeyPem",
    "Subaccount",
    UNDOCUMENTED,
];

/// The schema of the values of a response that are not as documented.
const UNDOCUMENTED: &str = "UndocumentedValue";

/// The generator's name for the field that holds them.
const EXTRA: &str = "extra";

/// The documentation of the generated `Client`.
const CLIENT: &str = "\
Sends the operations of the spec, each a method, and requests to other endpoints of the service.

Every request is signed. Cloning is cheap: clones share the connections and the signer.";

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

/// An operation of the description.
pub struct Operation<'a> {
    pub path: &'a str,
    /// The HTTP method, in lower case.
    pub method: &'a str,
    pub id: &'a str,
    pub description: &'a Value,
    /// Those of the path and those of the operation itself.
    pub parameters: Vec<&'a Value>,
}

pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(&document["paths"]).flat_map(|(path, item)| {
        let methods = [
            "get", "put", "post", "delete", "options", "head", "patch", "trace",
        ];
        methods.into_iter().filter_map(move |method| {
            let description = item.get(method)?;
            let lists = [&item["parameters"], &description["parameters"]];
            Some(Operation {
                path,
                method,
                id: description["operationId"].as_str().unwrap_or_default(),
                description,
                parameters: lists
                    .into_iter()
                    .filter_map(Value::as_array)
                    .flatten()
                    .collect(),
            })
        })
    })
}

/// Follows a reference, if `part` is one.
pub fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let target = part["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'));
    target
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(part)
}

/// Returns the names of the schemas of responses that keep undocumented values.
fn lenient_schemas(document: &Value) -> impl Iterator<Item = &str> {
    let kept = format!("#/components/schemas/{UNDOCUMENTED}");
    members(&document["components"]["schemas"])
        .filter(move |(_, schema)| schema["additionalProperties"]["$ref"] == *kept)
        .map(|(name, _)| name)
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
        if lenient_schemas(document).any(|lenient| lenient == name) {
            patch.with_attr("#[serde(try_from = \"crate::types::Members\")]");
            patch.with_attr("#[cfg_attr(feature = \"schemars\", schemars(!try_from))]");
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

/// Changes the generated code where the generator has no setting for it.
///
/// Each step counts what it changed: another release of the generator may generate something else.
pub fn post_process(mut client: syn::File, document: &Value) -> Result<syn::File> {
    read_responses_with_limits(&mut client, document)?;
    return_own_errors(&mut client, document)?;
    keep_reasons_of_rejections(&mut client, document)?;
    remove_constructors(&mut client)?;
    describe_client(&mut client, document)?;
    let types = types_of(&mut client)?;
    protect_secrets(types)?;
    remove_derives(types, &["f32", "f64"], &["Eq", "Hash"]);
    allow_for_new_fields(types);
    read_leniently(types, document)?;
    types.extend(open_enums(document));
    client.items.push(constants(document));
    Ok(client)
}

fn expect(what: &str, expected: usize, found: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(format!(
        "the spec or the generator has changed; build.rs expects {expected} of {what}, and found {found}"
    ))
}

// ---- one step each ----

/// Replaces `ResponseValue::from_response`: it loses a body that breaks off, and its error prints
/// the body.
fn read_responses_with_limits(client: &mut syn::File, document: &Value) -> Result<()> {
    #[derive(Default)]
    struct Reads {
        replaced: usize,
        other: usize,
    }
    impl VisitMut for Reads {
        fn visit_expr_path_mut(&mut self, expression: &mut syn::ExprPath) {
            let names = names(&expression.path);
            match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                [.., "ResponseValue", "from_response"] => {
                    *expression = parse_quote!(crate::client::middleware::read);
                    self.replaced += 1;
                }
                // Reads nothing.
                [.., "ResponseValue", "empty"] => {}
                [.., "ResponseValue", _] => self.other += 1,
                _ => {}
            }
        }
    }
    let mut reads = Reads::default();
    reads.visit_file_mut(client);
    let with_content = operations(document)
        .flat_map(|operation| members(&operation.description["responses"]))
        .filter(|(_, response)| !resolve(document, response)["content"].is_null())
        .count();
    expect(
        "responses read by `ResponseValue::from_response`",
        with_content,
        reads.replaced,
    )?;
    expect("other ways to read a response", 0, reads.other)
}

/// Lets each `send` return this crate's error, which names the operation.
fn return_own_errors(client: &mut syn::File, document: &Value) -> Result<()> {
    let mut changed = 0;
    each_method(client, &mut |method| {
        let Some(operation) = operation_of(&method.block) else {
            return;
        };
        let Some(error) = error_of(&mut method.sig.output) else {
            return;
        };
        *error = parse_quote!(crate::Error);
        let operation = format_ident!("{}", operation.to_shouty_snake_case());
        let block = &method.block;
        method.block = parse_quote!({
            self.client.call(crate::spec::#operation, async move #block).await
        });
        changed += 1;
    });
    expect(
        "methods that send a request",
        operations(document).count(),
        changed,
    )
}

/// Returns the `operation_id` in the body of a method that sends a request.
fn operation_of(block: &syn::Block) -> Option<String> {
    struct OperationId(Option<String>);
    impl<'ast> Visit<'ast> for OperationId {
        fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
            if let syn::Member::Named(name) = &field.member
                && name == "operation_id"
                && let syn::Expr::Lit(literal) = &field.expr
                && let syn::Lit::Str(id) = &literal.lit
            {
                self.0 = Some(id.value());
            }
        }
    }
    let mut id = OperationId(None);
    id.visit_block(block);
    id.0
}

/// Returns the second argument of a returned `Result`.
fn error_of(output: &mut syn::ReturnType) -> Option<&mut syn::Type> {
    let syn::ReturnType::Type(_, output) = output else {
        return None;
    };
    let syn::Type::Path(result) = &mut **output else {
        return None;
    };
    let syn::PathArguments::AngleBracketed(arguments) =
        &mut result.path.segments.last_mut()?.arguments
    else {
        return None;
    };
    match arguments.args.get_mut(1)? {
        syn::GenericArgument::Type(error) => Some(error),
        _ => None,
    }
}

/// Keeps the reason why the value of a parameter was rejected: `|_| "conversion … failed"` becomes
/// `|reason| format!("invalid …: {reason}")`.
fn keep_reasons_of_rejections(client: &mut syn::File, document: &Value) -> Result<()> {
    struct Reasons {
        parameter: String,
        kept: usize,
    }
    impl VisitMut for Reasons {
        fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
            if matches!(closure.inputs.first(), Some(syn::Pat::Wild(_))) {
                let message = format!("invalid {}: {{reason}}", self.parameter);
                *closure = parse_quote!(|reason| format!(#message));
                self.kept += 1;
            }
        }
    }
    let parameters: Vec<_> = operations(document)
        .flat_map(|operation| operation.parameters)
        .filter_map(|parameter| resolve(document, parameter)["name"].as_str())
        .map(|name| name.to_snake_case())
        .collect();
    let mut kept = 0;
    each_method(client, &mut |method| {
        let name = method.sig.ident.unraw().to_string();
        let Some(where_clause) = &mut method.sig.generics.where_clause else {
            return;
        };
        if !parameters.contains(&name) {
            return;
        }
        let mut reasons = Reasons {
            parameter: name,
            kept: 0,
        };
        reasons.visit_block_mut(&mut method.block);
        if reasons.kept > 0 {
            let bound = parse_quote!(V::Error: ::std::fmt::Display);
            where_clause.predicates.push(bound);
        }
        kept += reasons.kept;
    });
    expect(
        "setters that drop the reason of a rejection",
        parameters.len(),
        kept,
    )
}

/// Removes `Client::new` and `Client::new_with_client`: their HTTP client follows redirects.
fn remove_constructors(client: &mut syn::File) -> Result<()> {
    let mut removed = 0;
    for block in inherent_impls(&mut client.items, "Client") {
        let before = block.items.len();
        block.items.retain(|item| {
            !matches!(item, syn::ImplItem::Fn(method)
                if method.sig.ident == "new" || method.sig.ident == "new_with_client")
        });
        removed += before - block.items.len();
    }
    expect("constructors of `Client`", 2, removed)
}

/// Replaces the documentation of `Client`, and lists the responses of each operation in that of its
/// method.
fn describe_client(client: &mut syn::File, document: &Value) -> Result<()> {
    let mut described = 0;
    for item in &mut client.items {
        if let Item::Struct(client) = item
            && client.ident == "Client"
        {
            client
                .attrs
                .retain(|attribute| !attribute.path().is_ident("doc"));
            let text = CLIENT;
            client.attrs.push(parse_quote!(#[doc = #text]));
            described += 1;
        }
    }
    expect("a struct `Client`", 1, described)?;
    let mut listed = 0;
    for operation in operations(document) {
        let name = operation.id.to_snake_case();
        for block in inherent_impls(&mut client.items, "Client") {
            for item in &mut block.items {
                if let syn::ImplItem::Fn(method) = item
                    && method.sig.ident == name
                {
                    let table = table_of_responses(document, &operation);
                    method.attrs.push(parse_quote!(#[doc = #table]));
                    listed += 1;
                }
            }
        }
    }
    expect(
        "methods named like an operation",
        operations(document).count(),
        listed,
    )
}

fn table_of_responses(document: &Value, operation: &Operation<'_>) -> String {
    let mut table =
        "\n# Responses\n\n| status | meaning | example of `code` |\n|---|---|---|\n".to_owned();
    for (status, response) in members(&operation.description["responses"]) {
        let response = resolve(document, response);
        let meaning = response["description"].as_str().unwrap_or_default();
        let code = response["content"]["application/json"]["example"]["code"].as_str();
        let code = code.map(|code| format!("`{code}`")).unwrap_or_default();
        table += &format!("| {status} | {meaning} | {code} |\n");
    }
    table
}

/// Keeps types that hold a private key from being serialized or compared.
fn protect_secrets(types: &mut [Item]) -> Result<()> {
    let secret = ["::serde::Serialize", "PartialEq", "Eq", "Hash"];
    if remove_derives(types, &["PrivateKeyPem"], &secret) == 0 {
        return Err("build.rs expects a type that holds a private key, and found none".to_owned());
    }
    Ok(())
}

/// Lets fields be added without breaking callers.
fn allow_for_new_fields(types: &mut [Item]) {
    for item in types {
        if let Item::Struct(item) = item {
            item.attrs.push(parse_quote!(#[non_exhaustive]));
            // A derive introduces the attributes below it.
            item.attrs
                .sort_by_key(|attribute| !attribute.path().is_ident("derive"));
        }
    }
}

/// Lets each type that keeps undocumented values be read member by member (see `lenient_schemas`),
/// and built without them.
fn read_leniently(types: &mut Vec<Item>, document: &Value) -> Result<()> {
    let mut conversions = Vec::new();
    for item in types.iter_mut() {
        if let Item::Struct(item) = item
            && lenient_schemas(document).any(|name| item.ident == name)
        {
            conversions.push(conversion_from_members(item)?);
        }
    }
    let mut defaults = 0;
    for item in types.iter_mut() {
        if let Item::Mod(module) = item
            && module.ident == "builder"
        {
            let mut visitor = DefaultOfExtra(0);
            visitor.visit_item_mod_mut(module);
            defaults += visitor.0;
        }
    }
    let expected = lenient_schemas(document).count();
    expect(
        "types that keep undocumented values",
        expected,
        conversions.len(),
    )?;
    expect(
        "builders of types that keep undocumented values",
        expected,
        defaults,
    )?;
    types.extend(conversions.into_iter().flatten());
    Ok(())
}

/// Makes the field of undocumented values optional in a builder.
struct DefaultOfExtra(usize);

impl VisitMut for DefaultOfExtra {
    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        if let syn::Member::Named(name) = &field.member
            && name == EXTRA
            && matches!(&field.expr, syn::Expr::Call(_))
            && text(&field.expr).starts_with("Err (")
        {
            field.expr = parse_quote!(Ok(::std::default::Default::default()));
            self.0 += 1;
        }
    }
}

/// Returns the code that reads a response type from its members.
fn conversion_from_members(item: &syn::ItemStruct) -> Result<Vec<Item>> {
    let name = &item.ident;
    let (mut fields, mut documented) = (Vec::new(), Vec::new());
    for field in &item.fields {
        let Some(ident) = &field.ident else {
            return Err(format!("the type {name} has a field without a name"));
        };
        if ident == EXTRA {
            continue;
        }
        let attributes = SerdeAttributes::of(field)?;
        let member = attributes
            .rename
            .unwrap_or_else(|| ident.unraw().to_string());
        let read = match (outer_type(&field.ty).as_str(), attributes.default) {
            ("Option", _) if holds_list(&field.ty) => quote!(members.optional_list(#member)),
            ("Option", _) => quote!(members.optional(#member)),
            ("Vec", None) => quote!(members.list(#member)?),
            ("Vec", Some(_)) => quote!(members.optional_list(#member).unwrap_or_default()),
            (_, None) => quote!(members.required(#member)?),
            (_, Some(default)) => quote!(members.optional(#member).unwrap_or_else(#default)),
        };
        fields.push(quote!(#ident: #read));
        documented.push(member);
    }
    let extra = format_ident!("{EXTRA}");
    Ok(vec![
        parse_quote! {
            impl ::std::convert::TryFrom<crate::types::Members> for #name {
                type Error = crate::types::MissingMember;

                fn try_from(
                    mut members: crate::types::Members,
                ) -> ::std::result::Result<Self, crate::types::MissingMember> {
                    Ok(Self { #(#fields,)* #extra: members.into_undocumented() })
                }
            }
        },
        parse_quote! {
            impl #name {
                /// Returns the documented members that could not be read as documented, such as
                /// `scopes` or `api_keys[3]`; [`extra`](Self::extra) holds their values.
                pub fn unread(&self) -> impl Iterator<Item = &str> {
                    crate::types::unread(&self.#extra, &[#(#documented),*])
                }

                /// Returns the members that this version of the crate does not know;
                /// [`extra`](Self::extra) holds their values.
                pub fn unknown(&self) -> impl Iterator<Item = &str> {
                    crate::types::unknown(&self.#extra, &[#(#documented),*])
                }
            }
        },
    ])
}

/// What serde is told about a field.
#[derive(Default)]
struct SerdeAttributes {
    rename: Option<String>,
    /// The path of the function that returns the default.
    default: Option<syn::Path>,
}

impl SerdeAttributes {
    fn of(field: &syn::Field) -> Result<Self> {
        let mut attributes = Self::default();
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("serde")) {
            let parsed = attribute.parse_nested_meta(|meta| {
                let value = match meta.value() {
                    Ok(value) => Some(value.parse::<syn::LitStr>()?),
                    Err(_) => None,
                };
                match value {
                    Some(value) if meta.path.is_ident("rename") => {
                        attributes.rename = Some(value.value());
                    }
                    Some(value) if meta.path.is_ident("default") => {
                        attributes.default = Some(value.parse()?);
                    }
                    None if meta.path.is_ident("default") => {
                        attributes.default = Some(parse_quote!(::std::default::Default::default));
                    }
                    _ => {}
                }
                Ok(())
            });
            parsed.map_err(|error| format!("an attribute of a generated field: {error}"))?;
        }
        Ok(attributes)
    }
}

/// Returns the last name of a type's path, such as `Option`.
fn outer_type(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(path) => names(&path.path).pop().unwrap_or_default(),
        _ => String::new(),
    }
}

/// Returns whether a type is an `Option<Vec<_>>`.
fn holds_list(ty: &syn::Type) -> bool {
    let syn::Type::Path(option) = ty else {
        return false;
    };
    let Some(syn::PathArguments::AngleBracketed(arguments)) = option
        .path
        .segments
        .last()
        .map(|segment| &segment.arguments)
    else {
        return false;
    };
    matches!(arguments.args.first(), Some(syn::GenericArgument::Type(inner))
        if outer_type(inner) == "Vec")
}

/// Returns an open enum for each schema whose values may grow.
fn open_enums(document: &Value) -> impl Iterator<Item = Item> {
    members(&document["components"]["schemas"])
        .filter(|(_, schema)| schema["x-open-enum"] == true)
        .map(|(name, schema)| {
            let name = format_ident!("{name}");
            let doc = schema["description"].as_str();
            let values = schema["enum"].as_array().into_iter().flatten();
            let values: Vec<_> = values.filter_map(Value::as_str).collect();
            let variants = values
                .iter()
                .map(|value| format_ident!("{}", value.to_upper_camel_case()));
            parse_quote!(crate::types::open_enum! {
                #[doc = #doc]
                pub enum #name { #(#variants = #values),* }
            })
        })
}

/// Returns the base URL of each environment and of all servers, the header of each security scheme
/// and the operations, as constants.
fn constants(document: &Value) -> Item {
    // In reverse, for the first server of an environment is its default.
    let servers = document["servers"].as_array().into_iter().flatten().rev();
    let defaults: BTreeMap<_, _> = servers
        .map(|server| {
            let environment = server["x-environment"].as_str().unwrap_or_default();
            (environment, server["url"].as_str())
        })
        .collect();
    let urls = defaults.into_iter().map(|(environment, url)| {
        let name = format_ident!("{}", environment.to_shouty_snake_case());
        quote!(pub(crate) const #name: &str = #url;)
    });
    let all_servers = document["servers"].as_array().into_iter().flatten();
    let all_urls = all_servers.filter_map(|server| server["url"].as_str());
    let headers = members(&document["components"]["securitySchemes"]).map(|(scheme, header)| {
        let name = format_ident!("{}", scheme.to_shouty_snake_case());
        let header = header["name"].as_str().unwrap_or_default().to_ascii_lowercase();
        quote!(pub(crate) const #name: ::http::HeaderName = ::http::HeaderName::from_static(#header);)
    });
    let (names, operations): (Vec<_>, Vec<_>) = operations(document)
        .map(
            |Operation {
                 id, method, path, ..
             }| {
                let name = format_ident!("{}", id.to_shouty_snake_case());
                let method = method.to_uppercase();
                let operation = quote!(crate::Operation { id: #id, method: #method, path: #path });
                (name, operation)
            },
        )
        .unzip();
    parse_quote!(pub(crate) mod spec {
        #(#urls)*
        pub(crate) const SERVERS: &[&str] = &[#(#all_urls),*];
        #(#headers)*
        #(pub(crate) const #names: crate::Operation = #operations;)*
        pub(crate) const OPERATIONS: &[crate::Operation] = &[#(#names),*];
    })
}

// ---- parts of the generated code ----

fn types_of(client: &mut syn::File) -> Result<&mut Vec<Item>> {
    let types = client.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    match types {
        Some((_, types)) => Ok(types),
        None => Err("build.rs expects a module `types`, and found none".to_owned()),
    }
}

/// Returns the blocks of a type's own methods.
fn inherent_impls<'a>(
    items: &'a mut [Item],
    name: &'a str,
) -> impl Iterator<Item = &'a mut syn::ItemImpl> {
    items.iter_mut().filter_map(move |item| match item {
        Item::Impl(block) if block.trait_.is_none() && outer_type(&block.self_ty) == name => {
            Some(block)
        }
        _ => None,
    })
}

fn each_method(client: &mut syn::File, visit: &mut dyn FnMut(&mut syn::ImplItemFn)) {
    struct Methods<'a>(&'a mut dyn FnMut(&mut syn::ImplItemFn));
    impl VisitMut for Methods<'_> {
        fn visit_impl_item_fn_mut(&mut self, method: &mut syn::ImplItemFn) {
            (self.0)(method);
        }
    }
    Methods(visit).visit_file_mut(client);
}

/// Returns the names in a path, without arguments.
fn names(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect()
}

fn text(code: &impl ToTokens) -> String {
    code.to_token_stream().to_string()
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
                let kept = paths.filter(|path| {
                    let name = text(path).replace(' ', "");
                    !derives.contains(&name.as_str())
                });
                *derive = parse_quote!(#[derive(#(#kept),*)]);
            }
        }
    }
    known - held.len()
}
