//! A broken spec stops the build with one readable line that names the place, and a spec that is not broken becomes the
//! same client every time.
//!
//! The build script itself runs here, on the real spec with one fault planted.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::contract::spec_text;

const SPEC: &str = "openapi/api_keys.yaml";

/// What a build generates, file by file, or the error it stops with.
fn build(spec: impl AsRef<[u8]>) -> Result<BTreeMap<String, String>, String> {
    let package = tempfile::tempdir().unwrap();
    let out = package.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::create_dir(package.path().join("openapi")).unwrap();
    fs::write(package.path().join(SPEC), spec).unwrap();

    let run = Command::new(env!("BUILD_SCRIPT")).current_dir(package.path()).env("OUT_DIR", &out).output().unwrap();
    let said = String::from_utf8(run.stdout).unwrap();
    let errors: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("cargo::error=")).collect();
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "", "no panic speaks for itself");
    let generated = fs::read_dir(&out).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap())
    });
    let generated: BTreeMap<_, _> = generated.collect();
    match errors.as_slice() {
        [] => {
            assert!(run.status.success());
            Ok(generated)
        }
        [error] => {
            assert_eq!(run.status.code(), Some(1), "{error}");
            assert!(generated.is_empty(), "generated in spite of: {error}");
            Err((*error).to_owned())
        }
        errors => panic!("more than one error: {errors:?}"),
    }
}

/// The real spec with an edit, and the line in which the edit begins.
fn edited(find: &str, replace: &str) -> (String, usize) {
    let spec = spec_text();
    let at = spec.find(find).unwrap_or_else(|| panic!("the spec holds no {find:?}"));
    (spec.replacen(find, replace, 1), spec[..at].lines().count() + 1)
}

/// The client's code without white space, in which the formatter's line breaks do not matter.
fn client(spec: &str) -> String {
    build(spec).unwrap()["client.rs"].split_whitespace().collect()
}

#[test]
fn every_fault_stops_the_build_with_one_readable_line() {
    let wrong = FAULTS.iter().filter_map(|(name, find, replace, expected)| {
        let (spec, line) = edited(find, replace);
        let expected = (0..3).fold(expected.to_string(), |expected, more| {
            expected.replace(&format!("{{+{more}}}"), &(line + more).to_string())
        });
        let expected = format!("{SPEC}{expected}");
        let found = build(spec).err().unwrap_or("no error".to_owned());
        (found != expected).then(|| format!("{name}:\n  expected {expected}\n  found    {found}"))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_spec_stops_the_build() {
    let no_mapping = "openapi/api_keys.yaml: it is no mapping; an OpenAPI document begins with `openapi: 3.0.3`";
    assert_eq!(build("").unwrap_err(), no_mapping);
    assert_eq!(build("- openapi\n- info\n").unwrap_err(), no_mapping);
    assert_eq!(build(b"openapi: 3.0.3\ninfo: \xff\n").unwrap_err(), "openapi/api_keys.yaml:2:7: not UTF-8");
}

#[test]
fn the_spec_becomes_the_same_client_every_time() {
    let first = build(spec_text()).unwrap();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["client.rs", "spec.rs"]);
    assert!(first == build(spec_text()).unwrap(), "two builds differ");
}

#[test]
fn an_operation_in_the_spec_is_an_operation_of_the_client() {
    let (spec, _) = edited(
        "  /api_keys/generate:\n",
        "  /api_keys/{api_key}/uses:
    get:
      operationId: countApiKeyUses
      security:
        - kalshiAccessSignature: []
          kalshiAccessKey: []
          kalshiAccessTimestamp: []
      parameters:
        - name: api_key
          in: path
          required: true
          schema:
            $ref: '#/components/schemas/ApiKeyId'
      responses:
        '200':
          description: How often the key has signed.
          content:
            application/json:
              schema:
                type: object
                properties:
                  uses: {type: integer}
        4XX:
          $ref: '#/components/responses/OtherClientError'
        5XX:
          $ref: '#/components/responses/OtherServerError'

  /api_keys/generate:
",
    );
    let (before, after) = (client(&spec_text()), client(&spec));
    for code in [
        "pubfncount_api_key_uses(&self)->builder::CountApiKeyUses<'_>{",
        "pubstructCountApiKeyUses<'a>{",
        "pubstructCountApiKeyUsesResponse{",
        "{}/api_keys/{}/uses",
    ] {
        assert!(after.contains(code), "{code}");
        assert!(!before.contains(code), "{code} in the client without the operation");
    }
    // It is signed, read and refused in the same way as the other four.
    for code in
        ["client.pre(&mutrequest,&info)", "crate::response::read(response)", "format!(\"api_keycannotbesent:{}\""]
    {
        assert!(after.matches(code).count() > before.matches(code).count(), "{code}");
    }
}

#[test]
fn a_scope_in_the_spec_is_a_variant() {
    let (spec, _) = edited("        - write::trade\n", "        - write::trade\n        - read::audit_log\n");
    let variant = "ReadAuditLog=\"read::audit_log\"";
    assert!(client(&spec).contains(variant));
    assert!(!client(&spec_text()).contains(variant));
}

/// The changes to the generated code, seen in the code itself: that the rest compiles says nothing of them.
#[test]
fn the_generated_code_is_finished() {
    let client = client(&spec_text());
    for gone in ["from_response", "fnnew_with_client", "conversionto`crate", "conversionto`::std"] {
        assert!(!client.contains(gone), "{gone}");
    }
    let (before, _) = client.split_once("pubstructGenerateApiKeyResponse{").unwrap();
    let derives = before.rsplit_once("#[derive(").unwrap().1;
    assert!(derives.contains("::serde::Deserialize"), "{derives}");
    assert!(!derives.contains("::serde::Serialize"), "{derives}");
}

/// The fault; what of the spec is replaced, once, and by what; the error, behind the name of the file. `{+1}` is the
/// number of the line after the one in which the edit begins.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "an optional path parameter",
        "          required: true\n          description: The ID of the key to delete.",
        "          description: The ID of the key to delete.",
        ": operation deleteApiKey: the generator refuses it: assertion failed: parameter_data.required",
    ),
    (
        "too many media types for the generator",
        "      requestBody:\n        required: true\n        content:\n",
        "      requestBody:\n        required: true\n        content:\n          text/plain:\n            schema: {type: string}\n",
        ": operation createApiKey: its request body is not application/json alone, and no other media type is generated",
    ),
    (
        "a key twice",
        "      summary: Delete an API key\n",
        "      summary: Delete an API key\n      summary: Again\n",
        ":{+1}:7: duplicate mapping key: summary",
    ),
    (
        "bad indentation",
        "      summary: Delete an API key\n",
        "     summary: Delete an API key\n",
        ":{+0}:6: while parsing a block mapping, did not find expected key",
    ),
    (
        "a tab",
        "      summary: Delete an API key\n",
        "\tsummary: Delete an API key\n",
        ":{+0}:2: tabs disallowed within this context (block indentation)",
    ),
    (
        "an unclosed quote",
        "          example: a952bcbe-ec3b-4b5b-b8f9-11dae589608c\n      responses:",
        "          example: 'a952bcbe-ec3b-4b5b-b8f9-11dae589608c\n      responses:",
        ":{+2}:10: invalid trailing content after single-quoted scalar",
    ),
    ("two documents", "\npaths:\n", "\n---\npaths:\n", ":{+2}:1: multiple YAML documents detected"),
    (
        "OpenAPI 3.1",
        "openapi: 3.0.3",
        "openapi: 3.1.0",
        ": its openapi is \"3.1.0\"; the generator reads 3.0, so write `openapi: 3.0.3`",
    ),
    ("no openapi", "openapi: 3.0.3", "", ": its openapi is null; the generator reads 3.0, so write `openapi: 3.0.3`"),
    ("no info", "\ninfo:", "\ninfos:", ": missing field `info`"),
    ("no paths", "\npaths:", "\npath:", ": missing field `paths`"),
    (
        "a version that is a number",
        "  version: 3.34.0\n",
        "  version: 3.34\n",
        ": info: invalid type: floating point `3.34`, expected a string",
    ),
    (
        "a misspelt member of info",
        "  description: >-\n    Manage",
        "  descripton: >-\n    Manage",
        ": info, descripton: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a misspelt member of an operation",
        "      parameters:\n        # Later",
        "      parmeters:\n        # Later",
        ": operation getApiKeys, parmeters: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a misspelt member of a response",
        "          description: The keys of the account.\n          content:",
        "          description: The keys of the account.\n          contnet:",
        ": operation getApiKeys, responses / 200 / contnet: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a misspelt member of a schema",
        "    ApiKeyName:\n      type: string\n      minLength: 1",
        "    ApiKeyName:\n      type: string\n      minLenght: 1",
        ": schema ApiKeyName, minLenght: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a misspelt method",
        "    delete:\n",
        "    delte:\n",
        ": paths, /api_keys/{api_key} / delte: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a response without description",
        "          description: The keys of the account.\n",
        "",
        ": operation getApiKeys, responses / 200: missing field `description`",
    ),
    (
        "a member beside $ref",
        "$ref: '#/components/schemas/ApiKeyName'",
        "$ref: '#/components/schemas/ApiKeyName'\n          nullable: true",
        ": schema CreateApiKeyRequest, properties / name / nullable: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "an unknown schema",
        "$ref: '#/components/schemas/ApiKeyName'",
        "$ref: '#/components/schemas/ApiKeyNames'",
        ": schema CreateApiKeyRequest, properties / name: $ref \"#/components/schemas/ApiKeyNames\" points at nothing in this document",
    ),
    (
        "an unknown response",
        "$ref: '#/components/responses/KeyNotFound'",
        "$ref: '#/components/response/KeyNotFound'",
        ": operation deleteApiKey, responses / 404: $ref \"#/components/response/KeyNotFound\" points at nothing in this document",
    ),
    (
        "another file",
        "$ref: '#/components/schemas/ApiKeyName'",
        "$ref: 'other.yaml#/ApiKeyName'",
        ": schema CreateApiKeyRequest, properties / name: $ref \"other.yaml#/ApiKeyName\" points at nothing in this document",
    ),
    (
        "a path elsewhere",
        "  /api_keys/generate:\n",
        "  /keys:\n    $ref: '#/paths/~1api_keys'\n\n  /api_keys/generate:\n",
        ": paths, /keys: a path is written out here; the generator follows no $ref in its place",
    ),
    (
        "an operationId twice",
        "operationId: createApiKey",
        "operationId: getApiKeys",
        ": operation getApiKeys: another operation becomes the method get_api_keys too",
    ),
    (
        "an operationId twice in Rust",
        "operationId: createApiKey",
        "operationId: get_api_keys",
        ": operation get_api_keys: another operation becomes the method get_api_keys too",
    ),
    (
        "no operationId",
        "      operationId: createApiKey\n",
        "",
        ": operation POST /api_keys: it has no operationId, which becomes the method's name",
    ),
    (
        "a placeholder without parameter",
        "  /api_keys/generate:",
        "  /api_keys/{kind}/generate:",
        ": operation generateApiKey: the placeholder {kind} of /api_keys/{kind}/generate is no parameter of it",
    ),
    (
        "a parameter without placeholder",
        "/api_keys/{api_key}:",
        "/api_keys/api_key:",
        ": operation deleteApiKey: its parameter api_key has no placeholder {api_key} in /api_keys/api_key",
    ),
    (
        "an unclosed placeholder",
        "/api_keys/{api_key}:",
        "/api_keys/{api_key:",
        ": operation deleteApiKey: the generator refuses it: invalid operation path unterminated parameter",
    ),
    (
        "a query in a path",
        "  /api_keys/generate:",
        "  /api_keys/generate?now:",
        ": operation generateApiKey: its path /api_keys/generate?now holds '?', which the signer does not expect in a path",
    ),
    (
        "a path without slash",
        "  /api_keys/generate:",
        "  api_keys/generate:",
        ": paths, api_keys/generate: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "a cookie",
        "          in: query\n",
        "          in: cookie\n",
        ": operation getApiKeys: its parameter fcm_subtrader_id is in cookie; path and query are generated",
    ),
    (
        "an unsupported style",
        "          in: query\n",
        "          in: query\n          style: pipeDelimited\n",
        ": operation getApiKeys: the generator refuses it: unexpected or unhandled format in the OpenAPI document unsupported style of query parameter PipeDelimited",
    ),
    (
        "required names no property",
        "        - public_key\n",
        "        - publickey\n",
        ": schema CreateApiKeyRequest: required names \"publickey\", which is no property of it",
    ),
    (
        "required names no property, nested",
        "        warning:\n          type: string\n",
        "        warning:\n          type: object\n          required: [text]\n",
        ": schema CreateApiKeyResponse, properties / warning: required names \"text\", which is no property of it",
    ),
    (
        "no security",
        "      security:\n        - kalshiAccessSignature: []\n          kalshiAccessKey: []\n          kalshiAccessTimestamp: []\n",
        "",
        ": operation getApiKeys: its security is not one requirement of kalshiAccessKey, kalshiAccessSignature, kalshiAccessTimestamp; every request is signed",
    ),
    (
        "an empty security",
        "      security:\n        - kalshiAccessSignature: []\n          kalshiAccessKey: []\n          kalshiAccessTimestamp: []\n",
        "      security: []\n",
        ": operation getApiKeys: its security is not one requirement of kalshiAccessKey, kalshiAccessSignature, kalshiAccessTimestamp; every request is signed",
    ),
    (
        "an optional security",
        "          kalshiAccessTimestamp: []\n",
        "          kalshiAccessTimestamp: []\n        - {}\n",
        ": operation getApiKeys: its security is not one requirement of kalshiAccessKey, kalshiAccessSignature, kalshiAccessTimestamp; every request is signed",
    ),
    (
        "alternative securities",
        "          kalshiAccessKey: []\n",
        "        - kalshiAccessKey: []\n",
        ": operation getApiKeys: its security is not one requirement of kalshiAccessKey, kalshiAccessSignature, kalshiAccessTimestamp; every request is signed",
    ),
    (
        "an unknown security scheme",
        "        - kalshiAccessSignature: []",
        "        - kalshiSignature: []",
        ": operation getApiKeys: its security is not one requirement of kalshiAccessKey, kalshiAccessSignature, kalshiAccessTimestamp; every request is signed",
    ),
    (
        "a security scheme in the query",
        "      in: header\n",
        "      in: query\n",
        ": security scheme kalshiAccessKey: it is missing or names no header, and the signer sends three headers",
    ),
    (
        "a security scheme that is no header name",
        "name: KALSHI-ACCESS-KEY",
        "name: KALSHI ACCESS KEY",
        ": security scheme kalshiAccessKey: it is missing or names no header, and the signer sends three headers",
    ),
    (
        "no 4XX",
        "        4XX:\n          $ref: '#/components/responses/OtherClientError'\n",
        "",
        ": operation getApiKeys: it has no 4XX response, so an undocumented status would lose its reason",
    ),
    (
        "no 5XX",
        "        5XX:\n          $ref: '#/components/responses/OtherServerError'\n",
        "",
        ": operation getApiKeys: it has no 5XX response, so an undocumented status would lose its reason",
    ),
    (
        "a range in small letters",
        "        4XX:",
        "        4xx:",
        ": operation getApiKeys, responses / 4xx: OpenAPI 3.0 knows no such member here; it would be ignored",
    ),
    (
        "an error without content",
        "        5XX:\n          $ref: '#/components/responses/OtherServerError'\n",
        "        5XX:\n          description: Failed.\n",
        ": operation getApiKeys: its 5XX response is not an ErrorResponse in application/json",
    ),
    (
        "an error without schema",
        "        5XX:\n          $ref: '#/components/responses/OtherServerError'\n",
        "        5XX:\n          description: Failed.\n          content:\n            application/json: {}\n",
        ": operation getApiKeys: its 5XX response has no schema",
    ),
    (
        "an error of another type",
        "        5XX:\n          $ref: '#/components/responses/OtherServerError'\n",
        "        5XX:\n          description: Failed.\n          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/ApiKeyName'\n",
        ": operation getApiKeys: its 5XX response is not an ErrorResponse in application/json",
    ),
    (
        "a default response",
        "        5XX:\n",
        "        default:\n          $ref: '#/components/responses/OtherServerError'\n        5XX:\n",
        ": operation getApiKeys: its default response is not generated; name statuses of 2xx, 4xx and 5xx",
    ),
    (
        "a redirect",
        "        5XX:\n",
        "        '302':\n          description: Elsewhere.\n        5XX:\n",
        ": operation getApiKeys: its 302 response is not generated; name statuses of 2xx, 4xx and 5xx",
    ),
    (
        "two types of success",
        "        5XX:\n",
        "        '202':\n          description: Later.\n          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/ApiKeyName'\n        5XX:\n",
        ": operation getApiKeys: its 2xx responses differ, and the generator makes one type of success",
    ),
    (
        "a success beside an empty one",
        "        5XX:\n",
        "        '204':\n          description: Nothing.\n        5XX:\n",
        ": operation getApiKeys: its 2xx responses differ, and the generator makes one type of success",
    ),
    (
        "a success without content",
        "        5XX:\n",
        "        '201':\n          description: Something.\n        5XX:\n",
        ": operation getApiKeys: its 201 response has no content, so the generator would throw its body away",
    ),
    (
        "no success",
        "        '204':\n          description: The key is gone.\n",
        "",
        ": operation deleteApiKey: it has no 2xx response",
    ),
    (
        "another media type",
        "          description: The keys of the account.\n          content:\n            application/json:",
        "          description: The keys of the account.\n          content:\n            text/plain:",
        ": operation getApiKeys: its 200 response is not application/json alone, and no other media type is generated",
    ),
    (
        "an unknown type",
        "    ApiKeyName:\n      type: string\n",
        "    ApiKeyName:\n      type: strng\n",
        ": schema ApiKeyName: the generator refuses it: not yet implemented: invalid type: strng",
    ),
    (
        "an unknown type, nested",
        "        warning:\n          type: string",
        "        warning:\n          type: strng",
        ": schema CreateApiKeyResponse: the generator refuses it: not yet implemented: invalid type: strng",
    ),
    (
        "a bound that is no number",
        "    ApiKeyName:\n      type: string\n      minLength: 1",
        "    ApiKeyName:\n      type: string\n      minLength: one",
        ": schema ApiKeyName: invalid type: string \"one\", expected usize",
    ),
    (
        "an array of nothing",
        "          items:\n            $ref: '#/components/schemas/ApiKey'\n",
        "",
        ": schema GetApiKeysResponse, properties / api_keys: it is an array and does not say of what (items)",
    ),
    (
        "a pattern",
        "    ApiKeyName:\n      type: string\n",
        "    ApiKeyName:\n      type: string\n      pattern: ^a$\n",
        ": schema ApiKeyName: the generator refuses it: a pattern needs `regress`, on which this crate does not depend",
    ),
    (
        "a date",
        "    ApiKeyName:\n      type: string\n",
        "    ApiKeyName:\n      type: string\n      format: date-time\n",
        ": schema ApiKeyName: the generator refuses it: a date needs `chrono`, on which this crate does not depend",
    ),
    (
        "a closed enum of one Rust name",
        "    ApiKeyName:\n      type: string\n",
        "    ApiKeyName:\n      type: string\n      enum: [a-b, a_b]\n",
        ": schema ApiKeyName: the generator refuses it: Failed to make unique variant names for [a-b,a_b]",
    ),
    (
        "a default of another type",
        "default: [read, write]",
        "default: read",
        ": schema CreateApiKeyRequest: the generator refuses it: type error value does not conform to the given schema",
    ),
    (
        "a default that nobody knows",
        "default: [read, write]",
        "default: [read, wirte]",
        ": schema CreateApiKeyRequest, properties / scopes: its default [\"read\",\"wirte\"] does not fit it",
    ),
    (
        "a default out of range",
        "        # Later. Mutually exclusive with subaccount.\n",
        "        lane:\n          type: integer\n          allOf:\n            - $ref: '#/components/schemas/Subaccount'\n          default: 64\n        # Later. Mutually exclusive with subaccount.\n",
        ": schema CreateApiKeyRequest, properties / lane: its default 64 does not fit it",
    ),
    (
        "an optional array without default",
        "          default: [read, write]\n",
        "",
        ": schema CreateApiKeyRequest: the optional array \"scopes\" needs a default, else an empty one is not sent",
    ),
    (
        "an open enum with one Rust name twice",
        "        - write::trade\n",
        "        - write::trade\n        - write_trade\n",
        ": schema ApiKeyScope: its value \"write_trade\" makes the Rust name WriteTrade, which is taken",
    ),
    (
        "an open enum with a value called other",
        "        - write::trade\n",
        "        - other\n",
        ": schema ApiKeyScope: its value \"other\" makes the Rust name Other, which is taken",
    ),
    (
        "an open enum with no Rust name",
        "        - write::trade\n",
        "        - 2fa\n",
        ": schema ApiKeyScope: its value \"2fa\" makes no Rust name",
    ),
    (
        "an open enum with a number",
        "        - write::trade\n",
        "        - 2\n",
        ": schema ApiKeyScope: its enum holds 2, which is no string",
    ),
    (
        "an open enum without values",
        "    ApiKeyName:\n      type: string\n",
        "    ApiKeyName:\n      type: string\n      x-open-enum: true\n",
        ": schema ApiKeyName: it is x-open-enum and has no enum",
    ),
    (
        "a misspelt extension",
        "      x-open-enum: true",
        "      x-open-enm: true",
        ": schema ApiKeyScope: nothing reads its x-open-enm; known are x-environment of a server and x-open-enum: true of a schema",
    ),
    (
        "a schema that is not called as its type",
        "    ApiKeyName:\n",
        "    api_key_name: {type: string}\n    ApiKeyName:\n",
        ": schema api_key_name: call it ApiKeyName, as its Rust type is called",
    ),
    (
        "an inline schema that takes a name",
        "          description: The name its owner chose.",
        "          minLength: 1\n          description: The name its owner chose.",
        ": two schemas become the Rust type ApiKeyName; move the inline one to components/schemas, under another name",
    ),
    (
        "an inline enum that takes an open one's name",
        "        # Later.\n        fcm_subtrader_id:\n          type: string\n          description: The FCM",
        "        type:\n          type: string\n          enum: [a, b]\n        # Later.\n        fcm_subtrader_id:\n          type: string\n          description: The FCM",
        ": two schemas become the Rust type ApiKeyType; move the inline one to components/schemas, under another name",
    ),
    (
        "two properties of one Rust name",
        "        # Later.\n        warning:",
        "        Warning: {type: string}\n        # Later.\n        warning:",
        ": schema CreateApiKeyResponse: two properties become the Rust field warning",
    ),
    (
        "no hand-written schema",
        "    ApiKeyId:\n",
        "    KeyId:\n",
        ": operation deleteApiKey, parameters / 0 / schema: $ref \"#/components/schemas/ApiKeyId\" points at nothing in this document",
    ),
    (
        "a secret that is none",
        "          $ref: '#/components/schemas/PrivateKeyPem'",
        "          type: string",
        ": schema PrivateKeyPem: nothing refers to it, and its Rust type is written by hand",
    ),
    (
        "no server of an environment",
        "    x-environment: demo\n",
        "    x-environment: dmo\n",
        ": server https://external-api.demo.kalshi.co/trade-api/v2: its x-environment is none of demo, production",
    ),
    (
        "a server without environment",
        "    x-environment: demo\n",
        "",
        ": server https://external-api.demo.kalshi.co/trade-api/v2: its x-environment is none of demo, production",
    ),
    (
        "a server with variables",
        "https://external-api.kalshi.com/trade-api/v2",
        "https://{host}/trade-api/v2",
        ": server \"https://{host}/trade-api/v2\": a base URL is https:// and holds no variable",
    ),
    (
        "servers of an operation",
        "      operationId: createApiKey\n",
        "      operationId: createApiKey\n      servers: [{url: 'https://example.com'}]\n",
        ": operation createApiKey: it has servers of its own, which the generator ignores",
    ),
    (
        "servers of a path",
        "  /api_keys/generate:\n",
        "  /api_keys/generate:\n    servers: [{url: 'https://example.com'}]\n",
        ": paths, /api_keys/generate: it has servers of its own, which the generator ignores",
    ),
];
