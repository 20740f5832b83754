//! Snapshot test of the public API of the generated client, `tests/data/client.rs`, so that a
//! change of the OpenAPI description is reviewed as a change of the API. To accept one, run
//! `SNAPSHOTS=overwrite cargo test surface`.

use snapbox::{assert_data_eq, file};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ImplItem, Item, Visibility, parse_quote};

const CLIENT: &str = include_str!(concat!(env!("OUT_DIR"), "/client.rs"));

#[test]
fn generated_client_matches_the_snapshot() {
    assert_data_eq!(surface(CLIENT), file!["../data/client.rs"].raw());
}

/// Each replacement must change the snapshot.
#[test]
fn snapshot_contains_every_part_of_the_api() {
    for (change, find, replace) in [
        ("a method", "pub fn get_api_keys(", "pub fn list_api_keys("),
        ("a setter", "pub fn body_map<F>(", "fn body_map<F>("),
        (
            "a setter's argument",
            "V: std::convert::TryInto<types::CreateApiKeyRequest>",
            "V: Into<String>",
        ),
        (
            "a response",
            "ResponseValue<types::GetApiKeysResponse>",
            "ResponseValue<()>",
        ),
        (
            "an error",
            "ResponseValue<()>, crate::Error>",
            "ResponseValue<()>, Error<()>>",
        ),
        (
            "a field's type",
            "pub api_key_region_expiration_ts: ::std::option::Option<i64>",
            "pub api_key_region_expiration_ts: i64",
        ),
        ("a field's visibility", "pub public_key:", "public_key:"),
        (
            "a type's name",
            "pub struct ApiKeyName(",
            "pub struct KeyName(",
        ),
        ("a derive", "Hash,\n", ""),
        ("a variant", "Ed25519 =", "EdDsa ="),
    ] {
        let changed = CLIENT.replacen(find, replace, 1);
        assert_ne!(
            changed, CLIENT,
            "{change}: the client does not contain {find:?}"
        );
        assert_ne!(surface(&changed), surface(CLIENT), "{change}");
    }
}

/// Returns the public items of the client without documentation, bodies and trait implementations.
fn surface(client: &str) -> String {
    let mut client = syn::parse_file(client).unwrap();
    Surface.visit_file_mut(&mut client);
    prettyplease::unparse(&client)
}

struct Surface;

impl Surface {
    fn keep(&self, items: &mut Vec<Item>) {
        items.retain(|item| match item {
            Item::Impl(block) => block.trait_.is_none(),
            Item::Struct(syn::ItemStruct { vis, .. }) | Item::Enum(syn::ItemEnum { vis, .. }) => {
                is_public(vis)
            }
            // The builders in `types` are determined by its fields.
            Item::Mod(module) => {
                is_public(&module.vis) && module.ident != "prelude" && module.ident != "error"
            }
            Item::Macro(_) => true,
            _ => false,
        });
    }
}

impl VisitMut for Surface {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        self.keep(&mut file.items);
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        let (_, items) = module.content.as_mut().unwrap();
        self.keep(items);
        if module.ident == "types" {
            items.retain(|item| !matches!(item, Item::Mod(_)));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, block: &mut syn::ItemImpl) {
        block
            .items
            .retain(|item| matches!(item, ImplItem::Fn(function) if is_public(&function.vis)));
        visit_mut::visit_item_impl_mut(self, block);
    }

    fn visit_block_mut(&mut self, body: &mut syn::Block) {
        *body = parse_quote!({});
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
