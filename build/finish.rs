//! What the generator cannot, done to its code.

use std::collections::BTreeSet;

use heck::ToUpperCamelCase;
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::visit_mut::{self, VisitMut};

use crate::document::{open_enums, operations};
use crate::words::add_words;
use crate::{HAND_WRITTEN, Result, SECRET};

/// What the generator cannot:
/// - leave out its constructor, whose HTTP client follows redirects;
/// - read an answer without losing or printing a private key in it (`ResponseValue::from_response`);
/// - keep a type from being serialised;
/// - say why a parameter was refused;
/// - name the least and greatest length of a text in its JSON Schema;
/// - an enum that reads values it does not know, and types of ours in its `types`;
/// - show the examples and the meaning of each status.
///
/// All of it stands in today's generated code. Where it no longer does, the generator has changed, and the build stops.
pub fn finish(mut client: syn::File, document: &Value) -> Result<syn::File> {
    let mut finish = Finish { document: Some(document), ..Finish::default() };
    finish.visit_file_mut(&mut client);
    let items = client.items.len();
    client.items.retain(|item| !is_constructors(item));
    let seams = [
        (client.items.len() + 1 == items, "it has no constructors to leave out".to_owned()),
        (finish.reads >= operations(document).count(), "it has no ResponseValue::from_response to replace".to_owned()),
        (finish.unknown.is_empty(), format!("it makes answers in a way that was not reviewed: {}", finish.unknown)),
        (finish.secrets > 0, format!("none of its structs holds {SECRET} and could be serialised")),
        (finish.reasons > 0, "it has no parameter whose refusal lacks the reason".to_owned()),
    ];
    if let Some((_, seam)) = seams.into_iter().find(|(holds, _)| !holds) {
        return Err(format!("the generated code is not as build/finish.rs expects it: {seam}"));
    }
    let types = client.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let (_, types) = types.ok_or("the generated code has no module `types`")?;
    let mut names = HAND_WRITTEN.map(str::to_owned).into_iter().collect::<BTreeSet<_>>();
    names.extend(open_enums(document).map(|(name, _)| name.to_owned()));
    for item in types.iter() {
        let (name, fields) = match item {
            syn::Item::Struct(item) => (&item.ident, item.fields.iter().filter_map(|f| f.ident.as_ref()).collect()),
            syn::Item::Enum(item) => (&item.ident, Vec::new()),
            _ => continue,
        };
        // A schema without a name of its own is called after the schema and the property that hold it.
        if !names.insert(name.to_string()) {
            return Err(format!(
                "two schemas become the Rust type {name}; move the inline one to components/schemas, under another name"
            ));
        }
        if let Some(field) = fields.iter().find(|field| fields.iter().filter(|other| other == field).count() > 1) {
            return Err(format!("schema {name}: two properties become the Rust field {field}"));
        }
    }
    types.push(syn::parse_quote!(
        pub use crate::schema::*;
    ));
    for (name, schema) in open_enums(document) {
        types.push(open_enum(name, schema)?);
    }
    add_words(&mut client, document)?;
    wrap_calls(&mut client, document)?;
    Ok(client)
}

/// `impl Client` with `new` and `new_with_client`; ours are in `src/client.rs`.
fn is_constructors(item: &syn::Item) -> bool {
    let syn::Item::Impl(block) = item else { return false };
    block.items.iter().any(|item| matches!(item, syn::ImplItem::Fn(f) if f.sig.ident == "new_with_client"))
}

/// What was found and changed.
#[derive(Default)]
struct Finish<'a> {
    document: Option<&'a Value>,
    reads: usize,
    secrets: usize,
    reasons: usize,
    unknown: String,
    function: String,
}

impl VisitMut for Finish<'_> {
    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        let of_response_value = path.path.segments.iter().rev().skip(1).any(|s| s.ident == "ResponseValue");
        match path.to_token_stream().to_string().as_str() {
            "ResponseValue :: from_response" => {
                *path = syn::parse_quote!(crate::response::read);
                self.reads += 1;
            }
            "ResponseValue :: empty" => {}
            other if of_response_value => self.unknown = other.to_owned(),
            _ => {}
        }
    }

    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        let holds_secret = item.fields.iter().any(|field| quote!(#field).to_string().contains(SECRET));
        for attribute in item.attrs.iter_mut().filter(|a| holds_secret && a.path().is_ident("derive")) {
            let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
            if let Ok(derives) = attribute.parse_args_with(parse) {
                let is_serialize = |path: &&syn::Path| path.segments.last().is_some_and(|s| s.ident == "Serialize");
                self.secrets += derives.iter().filter(is_serialize).count();
                let kept = derives.iter().filter(|path| !is_serialize(path));
                *attribute = syn::parse_quote!(#[derive(#(#kept),*)]);
            }
        }
        let schema = self.document.map(|document| &document["components"]["schemas"][item.ident.to_string()]);
        if let (syn::Fields::Unnamed(fields), Some(schema)) = (&mut item.fields, schema) {
            let bound = |name: &str, rust| schema[name].as_u64().map(|length| (format_ident!("{rust}"), length));
            let bounds = [bound("minLength", "min"), bound("maxLength", "max")].into_iter().flatten();
            let bounds = bounds.map(|(name, length)| quote!(#name = #length)).collect::<Vec<_>>();
            if let (Some(field), false) = (fields.unnamed.first_mut(), bounds.is_empty()) {
                field.attrs.push(syn::parse_quote!(#[schemars(length(#(#bounds),*))]));
            }
        }
    }

    /// A setter that drops its value's error gets the bound that lets it show the error.
    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        let before = self.reasons;
        self.function = function.sig.ident.to_string();
        visit_mut::visit_impl_item_fn_mut(self, function);
        if let Some(clause) = function.sig.generics.where_clause.as_mut().filter(|_| self.reasons > before) {
            for predicate in clause.predicates.clone() {
                let syn::WherePredicate::Type(syn::PredicateType { bounded_ty, bounds, .. }) = predicate else {
                    continue;
                };
                clause.predicates.push(syn::parse_quote!(<#bounded_ty as #bounds>::Error: ::std::fmt::Display));
            }
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        let drops_error = matches!(closure.inputs.first(), Some(syn::Pat::Wild(_)));
        if drops_error && closure.body.to_token_stream().to_string().starts_with("\"conversion to ") {
            let message = format!("{} cannot be sent: {{}}", self.function.trim_start_matches("r#"));
            *closure = syn::parse_quote!(|reason| format!(#message, reason));
            self.reasons += 1;
        }
        visit_mut::visit_expr_closure_mut(self, closure);
    }
}

fn open_enum(name: &str, schema: &Value) -> Result<syn::Item> {
    let ident = format_ident!("{name}");
    let doc = schema["description"].as_str().unwrap_or_default();
    let variants = variants(schema)?.into_iter().map(|(variant, value)| {
        let doc = format!("`{value}`");
        quote!(#[doc = #doc] #variant = #value)
    });
    Ok(syn::parse_quote! {
        crate::schema::open_enum! {
            #[doc = #doc]
            pub enum #ident { #(#variants),* }
        }
    })
}

/// The values of an open enum and their Rust names, which must differ from one another and from the room for more.
pub fn variants(schema: &Value) -> Result<Vec<(syn::Ident, &str)>> {
    let mut taken = BTreeSet::from(["Other".to_owned()]);
    let values = schema["enum"].as_array().ok_or("it is x-open-enum and has no enum")?;
    let variants = values.iter().map(|value| {
        let value = value.as_str().ok_or_else(|| format!("its enum holds {value}, which is no string"))?;
        let name = value.to_upper_camel_case();
        let variant = syn::parse_str(&name).map_err(|_| format!("its value {value:?} makes no Rust name"))?;
        if !taken.insert(name.clone()) {
            return Err(format!("its value {value:?} makes the Rust name {name}, which is taken"));
        }
        Ok((variant, value))
    });
    variants.collect()
}

/// Wraps the body of each operation's `send` in `crate::operation::call`, which turns its error into ours.
fn wrap_calls(client: &mut syn::File, document: &Value) -> Result<()> {
    use heck::ToUpperCamelCase as _;
    let builders = client.items.iter_mut().find_map(|item| match item {
        syn::Item::Mod(module) if module.ident == "builder" => module.content.as_mut(),
        _ => None,
    });
    let (_, builders) = builders.ok_or("the generated code has no module `builder`")?;
    for (id, path, item, operation) in operations(document) {
        let method = item.as_object().into_iter().flatten().find(|(_, other)| *other == operation);
        let method = method.map(|(method, _)| method.to_uppercase()).unwrap_or_default();
        let type_name = id.to_upper_camel_case();
        let send = builders.iter_mut().find_map(|item| match item {
            syn::Item::Impl(block)
                if block.trait_.is_none()
                    && block.self_ty.to_token_stream().to_string().starts_with(&format!("{type_name} ")) =>
            {
                block.items.iter_mut().find_map(|item| match item {
                    syn::ImplItem::Fn(f) if f.sig.ident == "send" => Some(f),
                    _ => None,
                })
            }
            _ => None,
        });
        let send = send.ok_or_else(|| format!("operation {id}: the generated builder has no method `send`"))?;
        let output = send.sig.output.to_token_stream().to_string();
        let output: syn::ReturnType =
            syn::parse_str(&output.replace("Error < types :: ErrorResponse >", "crate::Error"))
                .map_err(|e| e.to_string())?;
        if output == send.sig.output {
            return Err(format!("operation {id}: `send` does not return Error<types::ErrorResponse>"));
        }
        send.sig.output = output;
        let body = &send.block;
        send.block = syn::parse_quote!({
            const OPERATION: crate::Operation = crate::Operation { id: #id, method: #method, path: #path };
            crate::operation::call(OPERATION, async move #body).await
        });
    }
    Ok(())
}
