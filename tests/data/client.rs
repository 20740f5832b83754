#[allow(clippy::all)]
pub mod types {
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[cfg_attr(feature = "schemars", schemars(!try_from))]
    #[serde(try_from = "crate::types::Members")]
    #[non_exhaustive]
    pub struct ApiKey {
        pub api_key_id: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub fcm_subtrader_id: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub name: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub scopes: ::std::option::Option<::std::vec::Vec<crate::types::ApiKeyScope>>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub subaccount: ::std::option::Option<crate::types::Subaccount>,
        #[serde(flatten)]
        pub extra: ::std::collections::BTreeMap<
            ::std::string::String,
            crate::types::UndocumentedValue,
        >,
    }
    impl ApiKey {
        pub fn builder() -> builder::ApiKey {}
    }
    #[derive(::serde::Serialize, Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[cfg_attr(feature = "schemars", schemars(extend("minLength" = 1)))]
    #[serde(transparent)]
    #[non_exhaustive]
    pub struct ApiKeyName(::std::string::String);
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    pub struct CreateApiKeyRequest {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub fcm_subtrader_id: ::std::option::Option<::std::string::String>,
        pub name: ApiKeyName,
        pub public_key: crate::types::PublicKeyPem,
        pub scopes: crate::types::ApiKeyScopes,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub subaccount: ::std::option::Option<crate::types::Subaccount>,
    }
    impl CreateApiKeyRequest {
        pub fn builder() -> builder::CreateApiKeyRequest {}
    }
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[cfg_attr(feature = "schemars", schemars(!try_from))]
    #[serde(try_from = "crate::types::Members")]
    #[non_exhaustive]
    pub struct CreateApiKeyResponse {
        pub api_key_id: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub warning: ::std::option::Option<::std::string::String>,
        #[serde(flatten)]
        pub extra: ::std::collections::BTreeMap<
            ::std::string::String,
            crate::types::UndocumentedValue,
        >,
    }
    impl CreateApiKeyResponse {
        pub fn builder() -> builder::CreateApiKeyResponse {}
    }
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    pub struct ErrorResponse {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub details: ::std::option::Option<::std::string::String>,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
    }
    impl ErrorResponse {
        pub fn builder() -> builder::ErrorResponse {}
    }
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[non_exhaustive]
    pub struct GenerateApiKeyRequest {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub fcm_subtrader_id: ::std::option::Option<::std::string::String>,
        #[serde(default = "defaults::generate_api_key_request_key_type")]
        pub key_type: crate::types::ApiKeyType,
        pub name: ApiKeyName,
        pub scopes: crate::types::ApiKeyScopes,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub subaccount: ::std::option::Option<crate::types::Subaccount>,
    }
    impl GenerateApiKeyRequest {
        pub fn builder() -> builder::GenerateApiKeyRequest {}
    }
    #[derive(::serde::Deserialize, Clone, Debug)]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[cfg_attr(feature = "schemars", schemars(!try_from))]
    #[serde(try_from = "crate::types::Members")]
    #[non_exhaustive]
    pub struct GenerateApiKeyResponse {
        pub api_key_id: ::std::string::String,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub key_type: ::std::option::Option<crate::types::ApiKeyType>,
        pub private_key: crate::types::PrivateKeyPem,
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub warning: ::std::option::Option<::std::string::String>,
        #[serde(flatten)]
        pub extra: ::std::collections::BTreeMap<
            ::std::string::String,
            crate::types::UndocumentedValue,
        >,
    }
    impl GenerateApiKeyResponse {
        pub fn builder() -> builder::GenerateApiKeyResponse {}
    }
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Eq,
        Hash,
        PartialEq
    )]
    #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))]
    #[cfg_attr(feature = "schemars", schemars(!try_from))]
    #[serde(try_from = "crate::types::Members")]
    #[non_exhaustive]
    pub struct GetApiKeysResponse {
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub api_key_region_expiration_ts: ::std::option::Option<i64>,
        pub api_keys: ::std::vec::Vec<ApiKey>,
        #[serde(flatten)]
        pub extra: ::std::collections::BTreeMap<
            ::std::string::String,
            crate::types::UndocumentedValue,
        >,
    }
    impl GetApiKeysResponse {
        pub fn builder() -> builder::GetApiKeysResponse {}
    }
    impl ApiKey {
        pub fn unread(&self) -> impl Iterator<Item = &str> {}
        pub fn unknown(&self) -> impl Iterator<Item = &str> {}
    }
    impl CreateApiKeyResponse {
        pub fn unread(&self) -> impl Iterator<Item = &str> {}
        pub fn unknown(&self) -> impl Iterator<Item = &str> {}
    }
    impl GenerateApiKeyResponse {
        pub fn unread(&self) -> impl Iterator<Item = &str> {}
        pub fn unknown(&self) -> impl Iterator<Item = &str> {}
    }
    impl GetApiKeysResponse {
        pub fn unread(&self) -> impl Iterator<Item = &str> {}
        pub fn unknown(&self) -> impl Iterator<Item = &str> {}
    }
    crate::types::open_enum! {
        #[doc =
        "A permission of a key. `read` grants every endpoint that reads, `write` every one that changes something; a child scope (`parent::child`) grants its own group of them and does not require its parent. `write` requires `read`. More scopes may be added; an unlisted one is accepted and preserved."]
        pub enum ApiKeyScope { Read = "read", Write = "write", ReadBlockTradeAccept =
        "read::block_trade_accept", ReadPortfolioBalance = "read::portfolio_balance",
        WriteTrade = "write::trade", WriteTransfer = "write::transfer", WriteFcmRisk =
        "write::fcm_risk", WriteBlockTradeAccept = "write::block_trade_accept" }
    }
    crate::types::open_enum! {
        #[doc =
        "The algorithm of a key pair: `rsa` (2048 bits, RSASSA-PSS) or `ed25519`. More types may be added; an unlisted one is accepted and preserved."]
        pub enum ApiKeyType { Rsa = "rsa", Ed25519 = "ed25519" }
    }
}
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::client::Signing,
}
impl Client {}
impl Client {
    pub fn get_api_keys(&self) -> builder::GetApiKeys<'_> {}
    pub fn create_api_key(&self) -> builder::CreateApiKey<'_> {}
    pub fn generate_api_key(&self) -> builder::GenerateApiKey<'_> {}
    pub fn delete_api_key(&self) -> builder::DeleteApiKey<'_> {}
}
#[allow(clippy::all)]
pub mod builder {
    #[derive(Debug, Clone)]
    pub struct GetApiKeys<'a> {
        client: &'a super::Client,
        fcm_subtrader_id: Result<Option<::std::string::String>, String>,
    }
    impl<'a> GetApiKeys<'a> {
        pub fn new(client: &'a super::Client) -> Self {}
        pub fn fcm_subtrader_id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<::std::string::String>,
            V::Error: ::std::fmt::Display,
        {}
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::GetApiKeysResponse>, crate::Error> {}
    }
    #[derive(Debug, Clone)]
    pub struct CreateApiKey<'a> {
        client: &'a super::Client,
        body: Result<types::builder::CreateApiKeyRequest, String>,
    }
    impl<'a> CreateApiKey<'a> {
        pub fn new(client: &'a super::Client) -> Self {}
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::CreateApiKeyRequest>,
            <V as std::convert::TryInto<
                types::CreateApiKeyRequest,
            >>::Error: std::fmt::Display,
        {}
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::CreateApiKeyRequest,
            ) -> types::builder::CreateApiKeyRequest,
        {}
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::CreateApiKeyResponse>, crate::Error> {}
    }
    #[derive(Debug, Clone)]
    pub struct GenerateApiKey<'a> {
        client: &'a super::Client,
        body: Result<types::builder::GenerateApiKeyRequest, String>,
    }
    impl<'a> GenerateApiKey<'a> {
        pub fn new(client: &'a super::Client) -> Self {}
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::GenerateApiKeyRequest>,
            <V as std::convert::TryInto<
                types::GenerateApiKeyRequest,
            >>::Error: std::fmt::Display,
        {}
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::GenerateApiKeyRequest,
            ) -> types::builder::GenerateApiKeyRequest,
        {}
        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::GenerateApiKeyResponse>, crate::Error> {}
    }
    #[derive(Debug, Clone)]
    pub struct DeleteApiKey<'a> {
        client: &'a super::Client,
        api_key: Result<crate::types::ApiKeyId, String>,
    }
    impl<'a> DeleteApiKey<'a> {
        pub fn new(client: &'a super::Client) -> Self {}
        pub fn api_key<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<crate::types::ApiKeyId>,
            V::Error: ::std::fmt::Display,
        {}
        pub async fn send(self) -> Result<ResponseValue<()>, crate::Error> {}
    }
}
