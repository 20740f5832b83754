//! Runs the tool on the cases of cases.yaml and on revisions in a temporary git repository.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const OURS: &str = include_str!("../../openapi/api_keys.yaml");

struct Run {
    status: i32,
    lines: Vec<String>,
    errors: String,
}

/// Compares `openapi/api_keys.yaml` with `new.yaml`, in a temporary folder.
fn description(ours: &str, theirs: &str) -> Run {
    let folder = folder(ours);
    std::fs::write(folder.path().join("new.yaml"), theirs).unwrap();
    run(folder.path(), &["description", "new.yaml"])
}

fn revisions(old: &Value, new: &Value) -> Run {
    let folder = folder(&old.to_string());
    commit(folder.path(), "old");
    std::fs::write(folder.path().join("openapi/api_keys.yaml"), new.to_string()).unwrap();
    run(folder.path(), &["revisions", "old"])
}

fn folder(ours: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("openapi")).unwrap();
    std::fs::write(folder.path().join("openapi/api_keys.yaml"), ours).unwrap();
    folder
}

fn commit(folder: &Path, tag: &str) {
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "."],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "--message",
            tag,
        ],
        &["tag", tag],
    ] {
        assert!(
            Command::new("git")
                .env_remove("GIT_DIR")
                .current_dir(folder)
                .args(arguments)
                .status()
                .unwrap()
                .success()
        );
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Run {
    let tool = Command::new(env!("CARGO_BIN_EXE_spec-drift"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap();
    let mut lines = String::from_utf8(tool.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    let summary = lines.pop();
    let run = Run {
        status: tool.status.code().unwrap(),
        lines,
        errors: String::from_utf8(tool.stderr).unwrap(),
    };
    if let Some(summary) = summary {
        let breaking = run
            .lines
            .iter()
            .filter(|line| line.starts_with("BREAKS"))
            .count();
        let (count, expected) = (
            run.lines.len(),
            if breaking > 0 {
                2
            } else {
                i32::from(!run.lines.is_empty())
            },
        );
        assert_eq!(run.status, expected, "{:#?}", run.lines);
        assert!(
            summary.starts_with(&format!("{count} differences, {breaking} breaking")),
            "{summary}"
        );
    }
    run
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn cases() -> Value {
    yaml(include_str!("cases.yaml"))
}

/// Returns a description like the service's, equivalent to ours.
fn service() -> Value {
    let mut service = yaml(OURS);
    merge(&mut service, &cases()["service"]);
    service
}

/// Applies a JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Some(members) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, member) in members {
        if member.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], member);
        }
    }
}

#[test]
fn deliberate_differences_are_ignored() {
    let found = description(OURS, &service().to_string());
    assert_eq!(
        (found.status, &found.lines[..]),
        (0, &[][..]),
        "{}",
        found.errors
    );
}

#[test]
fn reports_each_planted_difference() {
    for case in cases()["planted"].as_array().unwrap() {
        let mut planted = service();
        merge(&mut planted, &case["patch"]);
        let found = description(OURS, &planted.to_string());
        assert_eq!(
            json!(found.lines),
            case["expected"],
            "{case:#}\n{}",
            found.errors
        );
    }
}

#[test]
fn requests_and_responses_break_on_opposite_changes() {
    for case in cases()["directions"].as_array().unwrap() {
        let [old, new] = ["old", "new"].map(|side| {
            let field = json!({ "type": "object", "properties": { "planted": case[side] } });
            let mut spec = yaml(OURS);
            let schemas =
                json!({ "GenerateApiKeyRequest": field, "GenerateApiKeyResponse": field });
            merge(&mut spec, &json!({ "components": { "schemas": schemas } }));
            spec
        });
        let found = revisions(&old, &new);
        for (direction, part) in [("sent", "request"), ("read", "response 201")] {
            let verdict = if case["breaks"].as_str().unwrap().contains(direction) {
                "BREAKS"
            } else {
                "ok    "
            };
            let text = case["text"].as_str().unwrap();
            let line = format!("{verdict}  generateApiKey, {part}, planted: {text}");
            assert!(
                found.lines.contains(&line),
                "{line}\n{:#?}\n{}",
                found.lines,
                found.errors
            );
        }
        assert_eq!(found.lines.len(), 2, "{:#?}", found.lines);
    }
}

#[test]
fn compares_all_parts_of_revisions() {
    let mut spec = yaml(OURS);
    merge(&mut spec, &cases()["revision"]["patch"]);
    let found = revisions(&yaml(OURS), &spec);
    assert_eq!(
        json!(found.lines),
        cases()["revision"]["expected"],
        "{}",
        found.errors
    );

    let folder = folder(OURS);
    commit(folder.path(), "v1");
    std::fs::write(
        folder.path().join("openapi/api_keys.yaml"),
        spec.to_string(),
    )
    .unwrap();
    commit(folder.path(), "v2");
    assert_eq!(
        run(folder.path(), &["revisions", "v1", "v2"]).lines,
        found.lines
    );
    assert_eq!(run(folder.path(), &["revisions", "v2"]).status, 0);
}

#[test]
fn usage_errors_and_unreadable_documents_exit_with_3() {
    for case in cases()["unreadable"].as_array().unwrap() {
        let found = description(OURS, case["document"].as_str().unwrap());
        let expected = format!("spec-drift: new.yaml: {}", case["error"].as_str().unwrap());
        assert!(
            found.errors.starts_with(&expected),
            "{expected}\n{}",
            found.errors
        );
        assert_eq!((found.status, found.lines.len()), (3, 0));
    }
    let folder = folder(OURS);
    for (arguments, error) in [
        (&["description", "missing.yaml"][..], "missing.yaml: "),
        (
            &["revisions", "missing"],
            "missing:./openapi/api_keys.yaml: ",
        ),
        (&["description"], "Usage: "),
        (&[], "Usage: "),
    ] {
        let found = run(folder.path(), arguments);
        assert!(
            found.errors.starts_with(&format!("spec-drift: {error}")),
            "{}",
            found.errors
        );
        assert_eq!(found.status, 3);
    }
}
