//! What the generated client offers its callers is `surface.txt`, line by line: a change of the spec that changes it is
//! seen in review, and accepted on purpose with `UPDATE_SURFACE=1 cargo test surface`.
//!
//! The tool that compares specs judges what travels; this holds the names and types that Rust callers see.

use std::collections::BTreeMap;
use std::mem::take;
use std::path::Path;
use std::{env, fs};

use quote::ToTokens;
use similar::TextDiff;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Fields, ImplItem, Item, Visibility};

#[test]
fn the_surface_of_the_generated_client_is_the_accepted_one() {
    let code = fs::read_to_string(concat!(env!("OUT_DIR"), "/client.rs")).unwrap();
    let found = surface(&code);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/surface.txt");
    if env::var_os("UPDATE_SURFACE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    let accepted = fs::read_to_string(&path).unwrap_or_default();
    let diff = TextDiff::from_lines(&accepted, &found);
    let diff = diff.unified_diff().context_radius(1).header("accepted", "generated").to_string();
    assert!(diff.is_empty(), "the surface changed; if on purpose, run UPDATE_SURFACE=1 cargo test surface\n\n{diff}");
}

/// The snapshot is worth as much as what it notices.
#[test]
fn every_kind_of_change_shows() {
    let code = fs::read_to_string(concat!(env!("OUT_DIR"), "/client.rs")).unwrap();
    for (change, find, replace) in [
        ("a method", "pub fn get_api_keys(", "pub fn list_api_keys("),
        ("a setter", "pub fn body_map<F>(", "fn body_map<F>("),
        ("what a setter takes", "V: std::convert::TryInto<types::CreateApiKeyRequest>", "V: Into<String>"),
        ("an answer", "ResponseValue<types::GetApiKeysResponse>", "ResponseValue<()>"),
        ("an error", "Error<types::ErrorResponse>", "Error<()>"),
        (
            "a field's type",
            "pub api_key_region_expiration_ts: ::std::option::Option<i64>",
            "pub api_key_region_expiration_ts: i64",
        ),
        ("a field's visibility", "pub public_key:", "public_key:"),
        ("a type's name", "pub struct ApiKeyName(", "pub struct KeyName("),
        ("a derive", "Default\n    )]\n    pub struct ErrorResponse", ")]\n    pub struct ErrorResponse"),
        ("a trait", "impl ::std::str::FromStr for ApiKeyName", "impl FromBytes for ApiKeyName"),
        ("a variant", "Ed25519\n        = \"ed25519\"", "EdDsa = \"ed25519\""),
    ] {
        assert!(code.contains(find), "{change}: the client holds no {find:?}");
        assert_ne!(surface(&code.replacen(find, replace, 1)), surface(&code), "{change}");
    }
}

/// Whatever is public, a line each, sorted.
fn surface(code: &str) -> String {
    let mut surface = Surface::default();
    let mut file = syn::parse_file(code).unwrap();
    ShortPaths.visit_file_mut(&mut file);
    surface.items("", &file.items);
    let traits = surface.traits.into_iter().map(|(name, mut traits)| {
        traits.sort();
        format!("{name} is {}", traits.join(", "))
    });
    // Of the generated code `src/lib.rs` gives these three on.
    let is_given = |line: &String| ["Client", "builder", "types"].iter().any(|name| line.starts_with(name));
    let mut lines: Vec<_> = traits.chain(surface.lines).filter(is_given).collect();
    lines.sort();
    lines.join("\n") + "\n"
}

#[derive(Default)]
struct Surface {
    lines: Vec<String>,
    /// By type: what is derived and implemented.
    traits: BTreeMap<String, Vec<String>>,
}

impl Surface {
    fn items(&mut self, module: &str, items: &[Item]) {
        for item in items {
            match item {
                Item::Mod(item) if is_public(&item.vis) => {
                    let inner = item.content.as_ref().map_or(&[][..], |(_, items)| items);
                    self.items(&format!("{module}{}::", item.ident), inner);
                }
                Item::Use(item) if is_public(&item.vis) => {
                    self.lines.push(format!("{}: pub use {}", module.trim_end_matches("::"), line(&item.tree)));
                }
                Item::Struct(item) if is_public(&item.vis) => {
                    let name = format!("{module}{}", item.ident);
                    self.lines.push(format!("{name} struct{}", line(&item.generics)));
                    self.derives(&name, &item.attrs);
                    self.fields(&name, &item.fields, false);
                }
                Item::Enum(item) if is_public(&item.vis) => self.an_enum(module, "enum", item),
                // The open enums; the macro makes the rest.
                Item::Macro(item) => self.an_enum(module, "open enum", &item.mac.parse_body().unwrap()),
                Item::Impl(block) => self.implementation(module, block),
                Item::Fn(item) if is_public(&item.vis) => self.lines.push(format!("{module}{}", line(&item.sig))),
                Item::Type(item) if is_public(&item.vis) => {
                    self.lines.push(format!("{module}{} = {}", item.ident, line(&item.ty)));
                }
                _ => {}
            }
        }
    }

    fn implementation(&mut self, module: &str, block: &syn::ItemImpl) {
        let written = block.self_ty.to_token_stream().to_string();
        // A foreign type, or one of `types` whose builder stands in `types::builder`.
        let module = match written.split(' ').next() {
            Some("::") => "",
            Some("super") => module.strip_suffix("builder::").unwrap(),
            _ => module,
        };
        let of = line(&block.self_ty);
        let of = of.split('<').next().unwrap().trim_start_matches("super::");
        let name = format!("{module}{of}");
        if let Some((path, _)) = &block.trait_ {
            let builder = if written.starts_with("super") { "TryFrom<builder::" } else { "TryFrom<" };
            self.traits.entry(name).or_default().push(line(path).replace("TryFrom<", builder));
            return;
        }
        for item in &block.items {
            match item {
                ImplItem::Fn(f) if is_public(&f.vis) => {
                    self.lines.push(format!("{name}: {}", line(&f.sig)));
                }
                ImplItem::Const(item) if is_public(&item.vis) => {
                    self.lines.push(format!("{name}: const {}: {}", item.ident, line(&item.ty)));
                }
                _ => {}
            }
        }
    }

    fn an_enum(&mut self, module: &str, kind: &str, item: &syn::ItemEnum) {
        let name = format!("{module}{}", item.ident);
        self.lines.push(format!("{name} {kind}"));
        self.derives(&name, &item.attrs);
        for variant in &item.variants {
            let value = variant.discriminant.as_ref().map(|(_, value)| format!(" = {}", line(value)));
            self.lines.push(format!("{name}::{}{}", variant.ident, value.unwrap_or_default()));
            self.fields(&format!("{name}::{}", variant.ident), &variant.fields, true);
        }
    }

    fn fields(&mut self, name: &str, fields: &Fields, all: bool) {
        for (at, field) in fields.iter().enumerate().filter(|(_, field)| all || is_public(&field.vis)) {
            let field_name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            self.lines.push(format!("{name}.{field_name}: {}", line(&field.ty)));
        }
    }

    fn derives(&mut self, name: &str, attributes: &[Attribute]) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
            let derives = attribute.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated).unwrap();
            self.traits
                .entry(name.to_owned())
                .or_default()
                .extend(derives.iter().map(|path| line(&path.segments.last().unwrap().ident)));
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Leaves out the paths that the generator writes out: `Option`, not `::std::option::Option`.
struct ShortPaths;

impl VisitMut for ShortPaths {
    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        visit_mut::visit_path_mut(self, path);
        let first = path.segments.first().unwrap().ident.to_string();
        if path.leading_colon.take().is_some() || matches!(first.as_str(), "std" | "crate") {
            path.segments = take(&mut path.segments).into_iter().next_back().into_iter().collect();
        }
    }

    /// `<V as std::convert::TryInto<T>>::Error`: what stands before the trait's name goes.
    fn visit_type_path_mut(&mut self, ty: &mut syn::TypePath) {
        let Some(of) = &mut ty.qself else { return visit_mut::visit_type_path_mut(self, ty) };
        self.visit_type_mut(&mut of.ty);
        let before = of.position.saturating_sub(1);
        of.position -= before;
        ty.path.leading_colon = None;
        ty.path.segments = take(&mut ty.path.segments).into_iter().skip(before).collect();
        ty.path.segments.iter_mut().for_each(|segment| self.visit_path_segment_mut(segment));
    }

    /// Where the type of an `impl` stands is looked at later.
    fn visit_item_impl_mut(&mut self, block: &mut syn::ItemImpl) {
        block.trait_.iter_mut().for_each(|(path, _)| self.visit_path_mut(path));
        block.items.iter_mut().for_each(|item| self.visit_impl_item_mut(item));
    }
}

/// Code on one line, without the spaces that the lexer puts between tokens.
fn line(code: &impl ToTokens) -> String {
    let text = code.to_token_stream().to_string();
    let spaces = [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :", ":"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (",)", ")"),
        (",>", ">"),
        (",<", ", <"),
        (":<", ": <"),
    ];
    let text = spaces.iter().fold(text, |text, (long, short)| text.replace(long, short));
    text.trim_end_matches(',').replace("(mut self", "(self")
}
