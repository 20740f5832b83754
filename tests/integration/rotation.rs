//! A rotation leaves a working key at every moment, undoes what it can, and says precisely how things stand.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::rotation::{Binding, Failure, KeyState, Plan, RotationError, Step, rotate};
use kalshi_api_keys::sandbox::{Fault, Sandbox, Tier};
use kalshi_api_keys::types::{ApiKey, ApiKeyScope, ApiKeyType, Subaccount};
use kalshi_api_keys::{Client, Credentials, KeyAlgorithm, KeyPair, key_file};

use crate::fixtures::{ed25519, shows_key};

/// A sandbox, a client that signs with its root key, and a folder for the new one.
struct Desk {
    sandbox: Arc<Sandbox>,
    client: Client,
    old: String,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        let sandbox = Arc::new(Sandbox::start().await.unwrap());
        let credentials = sandbox.credentials();
        let old = credentials.key_id().to_owned();
        let client = Client::signed(&sandbox.environment(), credentials).unwrap();
        Self { sandbox, client, old, folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("new.pem")
    }

    /// A plan that does not wait.
    fn plan(&self) -> Plan {
        Plan::new(self.file()).patience(3, Duration::from_millis(1))
    }

    fn ids(&self) -> Vec<String> {
        self.sandbox.keys().into_iter().map(|key| key.api_key_id).collect()
    }

    fn client_from(&self, id: &str, file: &Path) -> Client {
        let credentials = Credentials::from_pem_file(id, file).unwrap();
        Client::signed(&self.sandbox.environment(), credentials).unwrap()
    }
}

#[tokio::test]
async fn the_new_key_takes_over_and_each_step_is_reported() {
    for local in [false, true] {
        let desk = Desk::new().await;
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let plan = desk.plan().on_step(move |step| log.lock().unwrap().push(step.clone()));
        let plan = if local { plan.from_pair(KeyPair::generate(KeyAlgorithm::Ed25519).unwrap()) } else { plan };
        let rotated = rotate(&desk.client, plan).await.unwrap();

        let new = rotated.key_id.clone();
        let keys = desk.sandbox.keys();
        assert_eq!(keys.len(), 1);
        assert_eq!((&keys[0].api_key_id, keys[0].name.as_str()), (&new, "root"));
        assert_eq!(keys[0].scopes, [ApiKeyScope::Read, ApiKeyScope::Write]);
        desk.client_from(&new, &desk.file()).get_api_keys().send().await.unwrap();
        rotated.client.get_api_keys().send().await.unwrap();
        desk.client.get_api_keys().send().await.unwrap_err();

        let minting = Step::Minting { before: vec![desk.old.clone()], old: desk.old.clone() };
        let (minted, saved) = (Step::Minted { id: new.clone() }, Step::Saved { file: desk.file() });
        let first = if local { [minting, saved, minted] } else { [minting, minted, saved] };
        let last = [Step::SignedIn { id: new }, Step::Deleted { id: desk.old.clone() }, Step::Confirmed];
        assert_eq!(*steps.lock().unwrap(), [first, last].concat());
    }
}

#[tokio::test]
async fn the_new_key_is_as_planned_or_as_the_old_one() {
    let desk = Desk::new().await;
    let subaccount = Subaccount::try_from(7).unwrap();
    let future: Subaccount = serde_json::from_str("7").unwrap();
    assert_eq!(subaccount, future);
    let other = ApiKey::builder().api_key_id("other").name("dashboard").scopes(vec![ApiKeyScope::Read]);
    let other: ApiKey = other.subaccount(subaccount.clone()).try_into().unwrap();
    desk.sandbox.register(other, &ed25519().public).unwrap();

    // Another key than the one that signs, and one that may not write: the old credentials delete it.
    let rotated = rotate(&desk.client, desk.plan().replace("other")).await.unwrap();
    let key = desk.sandbox.keys().into_iter().find(|key| key.api_key_id == rotated.key_id).unwrap();
    assert_eq!(
        (key.name.as_str(), &key.scopes[..], key.subaccount),
        ("dashboard", &[ApiKeyScope::Read][..], Some(subaccount))
    );
    assert_eq!(desk.ids(), [desk.old.clone(), rotated.key_id.clone()]);

    let plan = Plan::new(desk.folder.path().join("third.pem"))
        .replace(&rotated.key_id)
        .name("report")
        .scopes(vec![ApiKeyScope::Read, ApiKeyScope::WriteTrade])
        .binding(Binding::None)
        .generated(ApiKeyType::Rsa);
    let third = rotate(&desk.client, plan).await.unwrap();
    let key = desk.sandbox.keys().into_iter().find(|key| key.api_key_id == third.key_id).unwrap();
    assert_eq!((key.name.as_str(), key.subaccount), ("report", None));
    assert_eq!(key.scopes, [ApiKeyScope::Read, ApiKeyScope::WriteTrade]);
    assert!(std::fs::read_to_string(third.file).unwrap().starts_with("-----BEGIN RSA"));
}

/// When a fault is planted: before the rotation, or as a step is reported.
#[derive(Clone, Copy, PartialEq)]
enum When {
    AtStart,
    Minting,
    Minted,
    Saved,
    SignedIn,
    Deleted,
}

fn is(when: When, step: &Step) -> bool {
    matches!(
        (when, step),
        (When::Minting, Step::Minting { .. })
            | (When::Minted, Step::Minted { .. })
            | (When::Saved, Step::Saved { .. })
            | (When::SignedIn, Step::SignedIn { .. })
            | (When::Deleted, Step::Deleted { .. })
    )
}

fn json(status: u16, code: &str) -> Fault {
    Fault::answer(status, "application/json", format!(r#"{{"error":{{"code":"{code}"}}}}"#))
}

/// How things stand after a failure.
#[derive(Debug, PartialEq)]
struct After {
    failure: &'static str,
    old: KeyState,
    new: Option<KeyState>,
    file: bool,
    orphans: usize,
}

const IN_FORCE: KeyState = KeyState::InForce;
const DELETED: KeyState = KeyState::Deleted;
const UNKNOWN: KeyState = KeyState::Unknown;

fn after(failure: &'static str, old: KeyState, new: Option<KeyState>, file: bool, orphans: usize) -> After {
    After { failure, old, new, file, orphans }
}

fn name(failure: &Failure) -> &'static str {
    match failure {
        Failure::List(_) => "List",
        Failure::Mint(_) => "Mint",
        Failure::Save { .. } => "Save",
        Failure::SignIn(_) => "SignIn",
        Failure::Delete(_) => "Delete",
        Failure::Confirm(_) => "Confirm",
        Failure::StillListed => "StillListed",
        Failure::NotListed => "NotListed",
        other => panic!("{other}"),
    }
}

/// One interruption: when, of which operation, which faults, and what is left. `None`: the rotation comes to its end.
type Case = (&'static str, When, &'static str, Vec<Fault>, Option<After>);

fn cases() -> Vec<Case> {
    use When::*;
    let internal = Fault::internal_error;
    let lost = || Fault::LoseAnswer;
    let thrice = |fault: fn() -> Fault| vec![fault(), fault(), fault()];
    let nothing_listed = || Fault::ReplaceBody(br#"{"api_keys":[]}"#.to_vec());
    let (list, generate, delete) = ("getApiKeys", "generateApiKey", "deleteApiKey");
    vec![
        ("the first list fails", AtStart, list, vec![internal()], Some(after("List", IN_FORCE, None, false, 0))),
        ("the first list is lost", AtStart, list, vec![lost()], Some(after("List", IN_FORCE, None, false, 0))),
        ("minting is refused", Minting, generate, vec![json(400, "no")], Some(after("Mint", IN_FORCE, None, false, 0))),
        ("minting fails", Minting, generate, vec![internal()], Some(after("Mint", IN_FORCE, None, false, 0))),
        (
            "the mint never arrives",
            Minting,
            generate,
            vec![Fault::LoseRequest],
            Some(after("Mint", IN_FORCE, None, false, 0)),
        ),
        (
            "the answer to the mint is lost",
            Minting,
            generate,
            vec![lost()],
            Some(after("Mint", IN_FORCE, None, false, 1)),
        ),
        (
            "the answer to the mint is cut",
            Minting,
            generate,
            vec![Fault::CutAnswer { after: 60 }],
            Some(after("Mint", IN_FORCE, None, false, 1)),
        ),
        (
            "the answer to the mint has another status",
            Minting,
            generate,
            vec![Fault::ReplaceStatus(200)],
            Some(after("Mint", IN_FORCE, None, false, 1)),
        ),
        ("signing in fails twice", Saved, list, vec![internal(), lost()], None),
        ("the new key is unknown for a while", Saved, list, vec![json(401, "x"), json(401, "x")], None),
        ("signing in fails", Saved, list, thrice(internal), Some(after("SignIn", IN_FORCE, Some(DELETED), false, 0))),
        (
            "signing in is refused for good",
            Saved,
            list,
            vec![json(403, "no")],
            Some(after("SignIn", IN_FORCE, Some(DELETED), false, 0)),
        ),
        (
            "deleting the old key is refused",
            SignedIn,
            delete,
            vec![json(403, "no")],
            Some(after("Delete", IN_FORCE, Some(IN_FORCE), true, 0)),
        ),
        (
            "deleting the old key fails",
            SignedIn,
            delete,
            vec![internal()],
            Some(after("Delete", IN_FORCE, Some(IN_FORCE), true, 0)),
        ),
        (
            "deleting never arrives",
            SignedIn,
            delete,
            vec![Fault::LoseRequest],
            Some(after("Delete", IN_FORCE, Some(IN_FORCE), true, 0)),
        ),
        ("the answer to deleting is lost", SignedIn, delete, vec![lost()], None),
        ("deleting answers 404", SignedIn, delete, vec![Fault::ReplaceStatus(404)], None),
        ("the list that confirms fails twice", Deleted, list, vec![internal(), lost()], None),
        (
            "the list that confirms fails",
            Deleted,
            list,
            thrice(internal),
            Some(after("Confirm", DELETED, Some(IN_FORCE), true, 0)),
        ),
        (
            "the new key is not listed",
            Deleted,
            list,
            vec![nothing_listed()],
            Some(after("NotListed", DELETED, Some(IN_FORCE), true, 0)),
        ),
    ]
}

#[tokio::test]
async fn each_step_that_fails_is_undone_or_told_precisely() {
    for (what, when, operation, faults, expected) in cases() {
        let desk = Desk::new().await;
        let plant = {
            let sandbox = desk.sandbox.clone();
            move || faults.iter().for_each(|fault| sandbox.fail_next_on(operation, fault.clone()).unwrap())
        };
        if when == When::AtStart {
            plant();
        }
        let plan = desk.plan().on_step(move |step| {
            if is(when, step) {
                plant()
            }
        });
        let result = rotate(&desk.client, plan).await;
        match (result, expected) {
            (Ok(rotated), None) => assert_eq!(desk.ids(), [rotated.key_id], "{what}"),
            (Err(error), Some(expected)) => {
                let standing = &error.standing;
                let found = After {
                    failure: name(&error.failure),
                    old: standing.old.1,
                    new: standing.new.as_ref().map(|(_, state)| *state),
                    file: standing.file.is_some(),
                    orphans: standing.orphans.len(),
                };
                assert_eq!(found, expected, "{what}: {error}");
                holds(&desk, &error, what).await;
            }
            (result, expected) => panic!("{what}: {result:?}, not {expected:?}"),
        }
    }
}

/// What the error says of keys and files is so, and there is a key that works.
async fn holds(desk: &Desk, error: &RotationError, what: &str) {
    let standing = &error.standing;
    let mut expected = Vec::new();
    expected.extend((standing.old.1 == IN_FORCE).then(|| standing.old.0.clone()));
    expected.extend(standing.new.iter().filter(|(_, state)| *state == IN_FORCE).map(|(id, _)| id.clone()));
    expected.extend(standing.orphans.clone());
    assert_eq!(desk.ids(), expected, "{what}: {error}");
    assert_eq!(standing.file.is_some(), desk.file().exists(), "{what}: {error}");
    if standing.old.1 == IN_FORCE {
        desk.client.get_api_keys().send().await.unwrap();
    } else {
        let (id, _) = standing.new.as_ref().unwrap();
        desk.client_from(id, &desk.file()).get_api_keys().send().await.unwrap();
    }
    let line = error.to_string();
    assert!(!line.contains('\n') && line.contains(&format!("the old key {}", desk.old)), "{line}");
    for orphan in &standing.orphans {
        assert!(line.contains(orphan), "{line}");
    }
}

#[tokio::test]
async fn a_key_whose_undoing_fails_is_named_and_its_file_kept() {
    let desk = Desk::new().await;
    let sandbox = desk.sandbox.clone();
    let plan = desk.plan().on_step(move |step| {
        if is(When::Saved, step) {
            sandbox.fail_next_on("getApiKeys", json(403, "no")).unwrap();
            for _ in 0..3 {
                sandbox.fail_next_on("deleteApiKey", Fault::internal_error()).unwrap();
            }
        }
    });
    let error = rotate(&desk.client, plan).await.unwrap_err();
    let (id, state) = error.standing.new.clone().unwrap();
    assert_eq!((name(&error.failure), state), ("SignIn", UNKNOWN));
    assert!(error.to_string().contains(&format!("the new key {id} may be there or not")), "{error}");
    assert_eq!(error.standing.file, Some(desk.file()));
    assert_eq!(desk.ids(), [desk.old.clone(), id.clone()]);
    desk.client_from(&id, &desk.file()).get_api_keys().send().await.unwrap();
}

/// Whoever reads the error must not take silence for "no key".
#[tokio::test]
async fn a_lost_answer_that_nobody_could_look_after_may_have_left_a_key() {
    let desk = Desk::new().await;
    let sandbox = desk.sandbox.clone();
    let plan = desk.plan().on_step(move |step| {
        if is(When::Minting, step) {
            sandbox.fail_next_on("generateApiKey", Fault::LoseAnswer).unwrap();
            for _ in 0..3 {
                sandbox.fail_next_on("getApiKeys", Fault::internal_error()).unwrap();
            }
        }
    });
    let error = rotate(&desk.client, plan).await.unwrap_err();
    assert!(error.standing.unlisted && error.standing.orphans.is_empty() && desk.ids().len() == 2);
    assert!(
        error.to_string().ends_with("; the keys could not be listed since, and one more may have appeared: list them")
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_saved_is_deleted_and_not_lost_before() {
    let desk = Desk::new().await;
    let file = desk.file();
    // Somebody else takes the name while the key is minted.
    let plan = desk.plan().on_step(move |step| {
        if is(When::Minted, step) {
            std::fs::write(&file, "somebody else's").unwrap();
        }
    });
    let error = rotate(&desk.client, plan).await.unwrap_err();
    let Failure::Save { source: key_file::KeyFileError::Exists { .. }, private_key } = &error.failure else {
        panic!("{error}")
    };
    assert!(private_key.expose_secret().starts_with("-----BEGIN"));
    assert!(!shows_key(&format!("{error} {error:?}"), private_key));
    assert_eq!(error.standing.new.as_ref().unwrap().1, DELETED);
    assert_eq!(desk.ids(), [desk.old.as_str()]);
    assert_eq!(std::fs::read_to_string(desk.file()).unwrap(), "somebody else's");
}

#[tokio::test]
async fn what_can_be_known_before_is_refused_before_anything_is_minted() {
    let desk = Desk::new().await;
    let refused = |plan: Plan| async { rotate(&desk.client, plan).await.unwrap_err() };
    let error = refused(desk.plan().replace("no such key")).await;
    assert!(matches!(error.failure, Failure::NoSuchKey), "{error}");
    for plan in [
        desk.plan().scopes(vec![ApiKeyScope::ReadPortfolioBalance]),
        desk.plan().scopes(vec![]),
        desk.plan().binding(Binding::FcmSubtrader("user_1".into())),
    ] {
        let error = refused(plan).await;
        assert!(matches!(error.failure, Failure::Unprovable(_)), "{error}");
    }
    std::fs::write(desk.file(), "there already").unwrap();
    let error = refused(desk.plan()).await;
    assert!(matches!(error.failure, Failure::Store(key_file::KeyFileError::Exists { .. })), "{error}");
    let error = refused(Plan::new(desk.folder.path().join("no/such/folder"))).await;
    assert!(matches!(error.failure, Failure::Store(key_file::KeyFileError::NotSaved { .. })), "{error}");
    assert_eq!(desk.ids(), [desk.old.as_str()]);
}

#[tokio::test]
async fn a_probe_proves_what_a_list_cannot() {
    let desk = Desk::new().await;
    desk.sandbox.set_fcm_member(true);
    desk.sandbox.add_fcm_subtrader("user_1");
    let other = ApiKey::builder().api_key_id("other").name("desk").scopes(vec![ApiKeyScope::Read]);
    let other: ApiKey = other.fcm_subtrader_id("user_1").try_into().unwrap();
    desk.sandbox.register(other, &ed25519().public).unwrap();
    let plan = desk.plan().replace("other").probe(|client| async move {
        // Such a key is refused on every REST call, for what it is and not for its signature.
        match client.get_api_keys().send().await {
            Err(error) if error.status() == Some(http::StatusCode::FORBIDDEN) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    let rotated = rotate(&desk.client, plan).await.unwrap();
    assert_eq!(desk.ids(), [desk.old.clone(), rotated.key_id]);

    let plan = Plan::new(desk.folder.path().join("b.pem")).patience(2, Duration::ZERO).replace(desk.ids()[1].clone());
    let plan = plan.probe(|_| async { Err("nobody answers".to_owned()) });
    let error = rotate(&desk.client, plan).await.unwrap_err();
    assert!(matches!(&error.failure, Failure::Probe(why) if why == "nobody answers"), "{error}");
    assert_eq!(error.standing.new.unwrap().1, DELETED);
}

#[tokio::test]
async fn a_pair_made_here_survives_a_lost_answer() {
    for (fault, expected) in [
        (Fault::LoseAnswer, None),
        (Fault::CutAnswer { after: 5 }, None),
        (Fault::LoseRequest, Some((None, true))),
        (json(403, "insufficient"), Some((None, false))),
    ] {
        let desk = Desk::new().await;
        desk.sandbox.fail_next_on("createApiKey", fault.clone()).unwrap();
        let plan = desk.plan().from_pair(KeyPair::generate(KeyAlgorithm::Ed25519).unwrap());
        match (rotate(&desk.client, plan).await, expected) {
            // The key was found in the list, and its private half was saved before it was minted.
            (Ok(rotated), None) => assert_eq!(desk.ids(), [rotated.key_id]),
            (Err(error), Some((new, file))) => {
                assert_eq!((error.standing.new.clone(), error.standing.file.is_some()), (new, file), "{error}");
                assert_eq!(desk.file().exists(), file);
                assert_eq!(desk.ids(), [desk.old.as_str()]);
            }
            (result, expected) => panic!("{fault:?}: {result:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn somebody_elses_key_that_appears_while_an_answer_is_lost_is_not_deleted() {
    let desk = Desk::new().await;
    let sandbox = desk.sandbox.clone();
    let plan = desk.plan().from_pair(KeyPair::generate(KeyAlgorithm::Ed25519).unwrap()).on_step(move |step| {
        if is(When::Minting, step) {
            let mut theirs = sandbox.keys().remove(0);
            theirs.api_key_id = "theirs".into();
            sandbox.register(theirs, &ed25519().public).unwrap();
            sandbox.fail_next_on("createApiKey", Fault::LoseRequest).unwrap();
        }
    });
    let error = rotate(&desk.client, plan).await.unwrap_err();
    assert_eq!(name(&error.failure), "SignIn", "{error}");
    assert_eq!(desk.ids(), [desk.old.as_str(), "theirs"], "{error}");
    assert_eq!(error.standing.file, Some(desk.file()));
    assert!(desk.file().exists());
}

#[tokio::test]
async fn below_premier_a_pair_of_ones_own_leaves_nothing_behind() {
    let desk = Desk::new().await;
    desk.sandbox.set_tier(Tier::Basic);
    let plan = desk.plan().from_pair(KeyPair::generate(KeyAlgorithm::Ed25519).unwrap());
    let error = rotate(&desk.client, plan).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    assert!(!desk.file().exists());
    rotate(&desk.client, desk.plan()).await.unwrap();
}
