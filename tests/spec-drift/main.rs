//! Shows how a newer OpenAPI description of the service differs from ours: see README.md.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::Value;
use similar::TextDiff;

const OURS: &str = "openapi/api_keys.yaml";

/// What says nothing about the requests and responses themselves.
const PROSE: [&str; 7] = [
    "description",
    "summary",
    "example",
    "examples",
    "tags",
    "title",
    "externalDocs",
];

type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [theirs] = &arguments[..] else {
        eprintln!("usage: spec-drift OPENAPI_YAML");
        return ExitCode::from(2);
    };
    match run(theirs) {
        Ok(report) => {
            print!("{report}");
            ExitCode::from(u8::from(!report.is_empty()))
        }
        Err(message) => {
            eprintln!("spec-drift: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(theirs: &str) -> Result<String> {
    let read = |file: &str| std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"));
    let ours = read(OURS)?;
    let mut report = diff(&ours, &read(theirs)?)?;
    if !report.is_empty() {
        report.push_str("\nDeliberate differences:\n");
        for comment in deliberate(&ours) {
            report.push_str(&comment);
        }
    }
    Ok(report)
}

/// Returns a unified diff of each operation of our description, from ours to theirs.
fn diff(ours: &str, theirs: &str) -> Result<String> {
    let ours = parse(ours)?;
    let theirs = parse(theirs)?;
    let theirs = operations(&theirs);
    let mut report = String::new();
    for (id, our) in operations(&ours) {
        let their = theirs.get(&id).map(String::as_str).unwrap_or_default();
        let diff = TextDiff::from_lines(our.as_str(), their);
        let diff = diff
            .unified_diff()
            .header(&format!("ours/{id}"), &format!("theirs/{id}"))
            .to_string();
        report.push_str(&diff);
    }
    Ok(report)
}

fn parse(yaml: &str) -> Result<Value> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

/// Returns the path and method of each operation and what it sends and receives, by `operationId`.
fn operations(document: &Value) -> BTreeMap<String, String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.filter_map(move |(method, operation)| {
                let id = operation.get("operationId")?.as_str()?.to_owned();
                let operation = plain(document, operation, &mut Vec::new());
                let text = serde_json::to_string_pretty(&operation).ok()?;
                Some((id, format!("{} {path}\n{text}\n", method.to_uppercase())))
            })
        })
        .collect()
}

/// Resolves references, sorts members, and leaves out prose and vendor extensions.
fn plain(document: &Value, part: &Value, within: &mut Vec<String>) -> Value {
    if let Some(reference) = part["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return match target {
            Some(target) if !within.iter().any(|other| other == reference) => {
                within.push(reference.to_owned());
                let target = plain(document, target, within);
                within.pop();
                target
            }
            // Unknown, or a schema within itself.
            _ => part.clone(),
        };
    }
    match part {
        Value::Object(members) => {
            let is_prose =
                |name: &str, value: &Value| PROSE.contains(&name) && !is_properties(value);
            let sorted: BTreeMap<_, _> = members
                .iter()
                .filter(|(name, value)| !is_prose(name, value) && !name.starts_with("x-"))
                .map(|(name, value)| (name.clone(), plain(document, value, within)))
                .collect();
            sorted.into_iter().collect()
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| plain(document, item, within));
            let mut items: Vec<_> = items.collect();
            // Required members, enumerations and parameters have no order.
            items.sort_by_key(Value::to_string);
            items.into()
        }
        other => other.clone(),
    }
}

/// Returns whether a member called like prose is the schema of a property with that name.
fn is_properties(value: &Value) -> bool {
    value.get("type").is_some() || value.get("$ref").is_some()
}

/// Returns each comment of our description that names a deliberate difference, with its line.
fn deliberate(yaml: &str) -> Vec<String> {
    let mut comments: Vec<String> = Vec::new();
    let mut continues = false;
    for (index, line) in yaml.lines().enumerate() {
        let comment = line.trim().strip_prefix("# ");
        match comment {
            Some(text) if text.starts_with("Deliberately") => {
                comments.push(format!("{OURS}:{}: {text}\n", index + 1));
                continues = true;
            }
            Some(text) if continues => {
                if let Some(last) = comments.last_mut() {
                    let _ = writeln!(last, "    {text}");
                }
            }
            _ => continues = false,
        }
    }
    comments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> String {
        std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../openapi/api_keys.yaml"
        ))
        .unwrap()
    }

    #[test]
    fn equal_descriptions_have_no_diff() {
        assert_eq!(diff(&ours(), &ours()).unwrap(), "");
    }

    /// Prose, order, names of schemas and vendor extensions make no difference.
    #[test]
    fn notation_makes_no_difference() {
        let theirs = ours()
            .replace("ApiKeyName", "KeyName")
            .replace("The ID of the key.", "An ID.")
            .replace("x-open-enum: true", "x-go-type: string");
        assert_eq!(diff(&ours(), &theirs).unwrap(), "");
    }

    #[test]
    fn differences_are_shown_at_their_operation() {
        struct Case {
            find: &'static str,
            replace: &'static str,
            shown: &'static str,
        }
        for case in [
            Case {
                find: "maximum: 63",
                replace: "maximum: 127",
                shown: "127",
            },
            Case {
                find: "- write::transfer",
                replace: "- write::withdraw",
                shown: "\"write::withdraw\"",
            },
            Case {
                find: "operationId: deleteApiKey",
                replace: "operationId: removeApiKey",
                shown: "-DELETE /api_keys/{api_key}",
            },
            Case {
                find: "'409':",
                replace: "'410':",
                shown: "\"410\"",
            },
        ] {
            assert!(ours().contains(case.find), "{}", case.find);
            let report = diff(&ours(), &ours().replace(case.find, case.replace)).unwrap();
            assert!(report.contains("--- ours/"), "{report}");
            assert!(report.contains(case.shown), "{report}");
        }
    }

    #[test]
    fn deliberate_differences_are_named() {
        let comments = deliberate(&ours());
        assert!(comments.len() >= 4, "{comments:?}");
        for comment in comments {
            assert!(comment.contains(": Deliberately "), "{comment}");
        }
    }
}
