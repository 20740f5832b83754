//! Revisions of our spec in a repository of their own.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::{Run, ours, run};

struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet"]);
        std::fs::create_dir(repository.0.path().join("openapi")).unwrap();
        repository
    }

    fn path(&self) -> String {
        self.0.path().join("openapi/api_keys.yaml").to_str().unwrap().to_owned()
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(&self.0).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(arguments);
        // A repository around these tests is not theirs.
        git.env("GIT_CEILING_DIRECTORIES", Path::new(self.0.path()).parent().unwrap()).env_remove("GIT_DIR");
        assert!(git.status().unwrap().success());
    }

    fn write(&self, spec: &Value) {
        std::fs::write(self.path(), format!("{spec:#}")).unwrap();
    }

    fn commit(&self, spec: &Value, tag: &str) {
        self.write(spec);
        self.git(&["add", "."]);
        self.git(&["commit", "--quiet", "--message", tag]);
        self.git(&["tag", tag]);
    }
}

/// One spec committed, the other in the working tree.
pub fn revisions(old: &Value, new: &Value) -> Run {
    let repository = Repository::new();
    repository.commit(old, "old");
    repository.write(new);
    run(["revisions", "old", "--ours", &repository.path()])
}

#[test]
fn a_revision_is_compared_with_another_or_the_working_tree() {
    let repository = Repository::new();
    let (path, mut spec) = (repository.path(), ours());
    repository.commit(&spec, "v1");
    spec["info"]["version"] = json!("3.35.0");
    spec["components"]["schemas"]["ApiKey"]["properties"]["created_ts"] = json!({ "type": "integer" });
    repository.commit(&spec, "v2");
    spec["paths"].as_object_mut().unwrap().remove("/api_keys/generate");
    repository.write(&spec);

    let added = "ok      getApiKeys, answer 200, api_keys[].created_ts: new and optional";
    let found = run(["revisions", "v1", "v2", "--ours", &path]);
    let summary = format!("1 difference, 0 breaking: v1:{path} (3.34.0) -> v2:{path} (3.35.0)");
    assert_eq!((found.status, found.lines), (1, vec![added.to_owned(), summary]), "{}", found.errors);

    let gone = "BREAKS  generateApiKey: gone, was POST /api_keys/generate";
    let found = run(["revisions", "v2", "--ours", &path]);
    assert_eq!((found.status, found.differences()), (2, &[gone.to_owned()][..]));
    assert_eq!(run(["revisions", "v1", "--ours", &path]).differences(), [gone, added]);
    assert_eq!(run(["revisions", "v2", "v2", "--ours", &path]).status, 0);
}

/// What only our spec says is compared there: servers, ranges, error bodies, bounds of our own.
#[test]
fn between_revisions_nothing_is_left_out() {
    let mut spec = ours();
    spec["servers"][0]["url"] = json!("https://example.com/v3");
    spec["components"]["schemas"]["ErrorResponse"]["properties"].as_object_mut().unwrap().remove("service");
    spec["components"]["schemas"]["ApiKeyId"].as_object_mut().unwrap().remove("minLength");
    let delete = &mut spec["paths"]["/api_keys/{api_key}"]["delete"];
    delete["responses"].as_object_mut().unwrap().remove("5XX");
    let found = revisions(&ours(), &spec);
    let expected = [
        "BREAKS  createApiKey, every error, service: gone",
        "ok      deleteApiKey, path api_key: gone: minLength, was 1",
        "BREAKS  deleteApiKey, answer 5XX: gone",
        "BREAKS  deleteApiKey, every error, service: gone",
        "BREAKS  generateApiKey, every error, service: gone",
        "BREAKS  getApiKeys, every error, service: gone",
        "BREAKS  servers of production: https://example.com/v3 by default, was https://external-api.kalshi.com/trade-api/v2",
    ];
    assert_eq!(found.differences(), expected, "{}", found.errors);
}

/// The order of operations, fields and values says nothing; nor do words.
#[test]
fn other_words_are_no_difference() {
    let mut spec = ours();
    spec["info"]["description"] = json!("In other words");
    spec["components"]["schemas"]["ApiKeyScope"]["enum"].as_array_mut().unwrap().reverse();
    spec["components"]["schemas"]["ApiKey"]["description"] = json!("In other words");
    assert_eq!(revisions(&ours(), &spec).status, 0);
}
