//! Wrong usage and files that cannot be read: status 3 and the place, never a comparison.

use serde_json::json;

use crate::revisions::revisions;
use crate::service::service;
use crate::{OURS, description_at, ours, run};

const NO_DOCUMENT: &str = ":1:1: no OpenAPI 3 document: it needs `openapi: 3.…` and `paths`";

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_place() {
    let head = "openapi: 3.0.0\ninfo: {version: 1.0.0}\n";
    for (text, expected) in [
        (format!("{head}paths: {{}}\npaths: {{}}\n"), ":4:1: duplicate mapping key: paths"),
        (format!("{head}paths: [}}\n"), ":3:8: "),
        (head.to_owned(), NO_DOCUMENT),
        (String::new(), NO_DOCUMENT),
        ("swagger: '2.0'\npaths: {}\n".to_owned(), NO_DOCUMENT),
        (
            format!("{head}paths:\n  /api_keys:\n    $ref: '#/nowhere'\n"),
            ":5:12: $ref \"#/nowhere\" points at nothing in this document",
        ),
        (
            format!("{head}paths:\n  /api_keys:\n    $ref: keys.yaml\n"),
            ":5:11: $ref \"keys.yaml\" points at another document; bundle them into one first",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("openapi.yaml");
        std::fs::write(&path, &text).unwrap();
        let found = description_at(&path);
        let expected = format!("spec-drift: {}{expected}", path.display());
        assert_eq!(found.status, 3, "{text}");
        assert!(found.errors.starts_with(&expected), "{text}\n{}", found.errors);
        assert_eq!((found.lines.len(), found.errors.lines().count()), (0, 1), "{text}\n{}", found.errors);
    }
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.yaml");
    let found = description_at(&path);
    assert_eq!(found.status, 3);
    assert!(found.errors.contains(path.to_str().unwrap()), "{}", found.errors);
    std::fs::write(&path, b"openapi: 3.0.0\ninfo: \xff\n").unwrap();
    assert!(description_at(&path).errors.ends_with(":2:7: not UTF-8\n"));
}

#[test]
fn a_schema_that_is_nothing_but_itself_is_refused() {
    let mut service = service();
    service["components"]["schemas"]["ApiKey"] = json!({ "allOf": [{ "$ref": "#/components/schemas/ApiKey" }] });
    let found = crate::description(&service);
    assert_eq!(found.status, 3);
    assert!(found.errors.contains("$ref \"#/components/schemas/ApiKey\" leads to itself"), "{}", found.errors);
}

#[test]
fn a_revision_that_is_not_there_is_named() {
    let found = run(["revisions", "no-such-revision", "--ours", OURS]);
    assert_eq!((found.status, found.lines.len()), (3, 0));
    assert!(found.errors.starts_with("spec-drift: no-such-revision:"), "{}", found.errors);
    let found = revisions(&json!({ "openapi": "3.0.3" }), &ours());
    assert_eq!(found.status, 3);
    assert!(found.errors.starts_with("spec-drift: old:"), "{}", found.errors);
}

#[test]
fn wrong_usage_shows_the_right_one() {
    for arguments in
        [&[][..], &["description"], &["description", "a", "b"], &["revisions"], &["compare", "a"], &["--what"]]
    {
        let found = run(arguments.iter().copied());
        assert_eq!((found.status, found.lines.len()), (3, 0), "{arguments:?}");
        assert!(found.errors.contains("Usage: spec-drift description"), "{}", found.errors);
    }
    assert_eq!(run(["--help"]).status, 0);
}
