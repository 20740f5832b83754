//! Parsers of the values of arguments. None accepts what could be a private key, except for IDs
//! that are compared with a listing.

use std::path::PathBuf;

use clap::builder::{
    OsStringValueParser, PathBufValueParser, PossibleValuesParser, TypedValueParser,
};
use kalshi_api_keys::text::{contains_private_key, could_be_key_material};
use kalshi_api_keys::types::{ApiKeyId, ApiKeyScope, ApiKeyType, Subaccount, SubaccountOutOfRange};

pub fn key_type() -> impl TypedValueParser<Value = ApiKeyType> {
    PossibleValuesParser::new(ApiKeyType::KNOWN.iter().map(ApiKeyType::as_str))
        .map(ApiKeyType::from)
}

pub fn subaccount(number: &str) -> Result<Subaccount, String> {
    number
        .parse()
        .map_err(|error: SubaccountOutOfRange| error.to_string())
}

pub fn scope(scope: &str) -> Result<ApiKeyScope, &'static str> {
    Ok(not_a_key(scope)?.into())
}

/// Rejects what could be a private key where something is expected that is sent to the service or
/// shown.
pub fn not_a_key(text: &str) -> Result<String, &'static str> {
    if could_be_key_material(text) {
        return Err("this could be a private key, which is not accepted here");
    }
    Ok(text.to_owned())
}

/// Accepts a blank path, which counts as none.
pub fn optional_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Accepts an ID that a listing may contain, and rejects a private key. Whether text that could be
/// key material is an ID is for the listing to tell.
pub fn listed_id(id: &str) -> Result<String, String> {
    if contains_private_key(id) {
        return Err("this is a private key, which is not accepted here".to_owned());
    }
    ApiKeyId::try_from(id)
        .map(String::from)
        .map_err(|error| error.to_string())
}

/// Rejects a private key in place of a path. Long names of existing directories are not mistaken
/// for one.
pub fn file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let name = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if parent.is_dir() => name,
            _ => path.as_os_str(),
        };
        match could_be_key_material(&name.to_string_lossy()) {
            true => Err("this could be a private key; give the path of a file"),
            false => Ok(path),
        }
    })
}
