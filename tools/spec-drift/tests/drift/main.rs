//! The tool itself runs here, on our own spec and on descriptions made from it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

mod broken;
mod directions;
mod planted;
mod revisions;
mod service;
mod spelling;

const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/api_keys.yaml");

/// What the tool says and with what status it ends.
struct Run {
    status: i32,
    lines: Vec<String>,
    errors: String,
}

fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let out = Command::new(env!("CARGO_BIN_EXE_spec-drift")).args(arguments).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    Run {
        status: out.status.code().unwrap(),
        lines: text.lines().map(str::to_owned).collect(),
        errors: String::from_utf8(out.stderr).unwrap(),
    }
}

impl Run {
    /// Without the last line, the summary.
    fn differences(&self) -> &[String] {
        &self.lines[..self.lines.len() - 1]
    }

    /// Breaking differences decide the status, then any.
    #[track_caller]
    fn assert_status_fits(&self) {
        let breaking = self.differences().iter().filter(|line| line.starts_with("BREAKS")).count();
        let expected = if breaking > 0 { 2 } else { i32::from(!self.differences().is_empty()) };
        assert_eq!(self.status, expected, "{:#?}\n{}", self.lines, self.errors);
        let count = self.differences().len();
        let counted = format!("{count} difference{}, {breaking} breaking", if count == 1 { "" } else { "s" });
        assert!(self.lines.last().unwrap().starts_with(&counted), "{:#?}", self.lines);
    }
}

/// Our spec against a description.
fn description(theirs: &Value) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.yaml");
    // JSON is YAML.
    std::fs::write(&path, format!("{theirs:#}")).unwrap();
    description_at(&path)
}

fn description_at(path: &Path) -> Run {
    run(["description", path.to_str().unwrap(), "--ours", OURS])
}

fn ours() -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(OURS).unwrap()).unwrap()
}
