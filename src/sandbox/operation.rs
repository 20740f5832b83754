//! The operations of the API, identified by their `operationId`.

use std::str::FromStr;

use crate::types::ApiKeyScope;

/// An operation of the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetApiKeys,
    CreateApiKey,
    GenerateApiKey,
    DeleteApiKey,
}

impl Operation {
    /// The scope that a key needs to call this operation.
    pub(super) fn required_scope(self) -> ApiKeyScope {
        match self {
            Self::GetApiKeys => ApiKeyScope::Read,
            Self::CreateApiKey | Self::GenerateApiKey | Self::DeleteApiKey => ApiKeyScope::Write,
        }
    }
}

impl FromStr for Operation {
    type Err = UnknownOperation;

    fn from_str(operation_id: &str) -> Result<Self, UnknownOperation> {
        match operation_id {
            "getApiKeys" => Ok(Self::GetApiKeys),
            "createApiKey" => Ok(Self::CreateApiKey),
            "generateApiKey" => Ok(Self::GenerateApiKey),
            "deleteApiKey" => Ok(Self::DeleteApiKey),
            _ => Err(UnknownOperation(operation_id.to_owned())),
        }
    }
}

/// The error for an `operationId` that is not in the spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown operation {0:?}; expected getApiKeys, createApiKey, generateApiKey or deleteApiKey"
)]
pub struct UnknownOperation(String);
