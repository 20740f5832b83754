//! Rotations to and from a private key outside the process. What they do under faults is in
//! `fault_matrix`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kalshi_api_keys::rotation::{Failure, Plan, RetryPolicy, rotate};
use kalshi_api_keys::sandbox::{Fault, Tier};
use kalshi_api_keys::text::quoted_path;
use kalshi_api_keys::types::ApiKeyScope;
use kalshi_api_keys::{Client, Credentials, ExternalKey};

use crate::external_keys::sign_rsa_with_salt;
use crate::fixtures::{Pair, chain, ed25519, rsa};
use crate::rotation::TestAccount;

/// A token that signs with the shared RSA key, the given number of times, and then is gone.
#[derive(Clone)]
struct Token {
    signed: Arc<AtomicUsize>,
    gone_after: usize,
}

impl Token {
    fn new(gone_after: usize) -> Self {
        Self {
            signed: Arc::default(),
            gone_after,
        }
    }

    fn signatures(&self) -> usize {
        self.signed.load(Ordering::Relaxed)
    }

    fn key(&self) -> impl ExternalKey + 'static {
        let token = self.clone();
        let sign = sign_rsa_with_salt(rsa(), 32);
        move |message: Vec<u8>| {
            let is_gone = token.signed.fetch_add(1, Ordering::Relaxed) >= token.gone_after;
            let signature = sign(&message);
            async move {
                if is_gone {
                    Err("the token was removed".into())
                } else {
                    Ok(signature)
                }
            }
        }
    }
}

/// The plan of an account to rotate to the token.
fn to(account: &TestAccount, token: &Token) -> Plan {
    account
        .plan()
        .external_key(&rsa().public, token.key())
        .unwrap()
}

#[tokio::test]
async fn an_external_key_takes_over_and_a_file_holds_its_id_and_public_key() {
    let account = TestAccount::new().await;
    let steps = Arc::new(Mutex::new(Vec::new()));
    let log = steps.clone();
    let plan = to(&account, &Token::new(usize::MAX)).switch_signer();
    let plan = plan.on_step(move |step| log.lock().unwrap().push(step.to_string()));
    let old = account.client.signer().credentials().key_id().to_owned();
    let rotated = rotate(&account.client, plan).await.unwrap();

    let [new] = &account.sandbox.keys()[..] else {
        panic!("{:?}", account.ids())
    };
    assert_eq!(
        (&new.api_key_id, &rotated.file),
        (&rotated.key_id, &account.file())
    );
    assert_eq!(
        new.scopes,
        Some(vec![ApiKeyScope::Read, ApiKeyScope::Write])
    );
    assert_eq!(account.files(), ["new.pem"]);
    let id = &rotated.key_id;
    let text = std::fs::read_to_string(account.file()).unwrap();
    assert_eq!(text, format!("Kalshi-API-Key-ID: {id}\n{}", rsa().public));
    let expected = [
        format!("creating the key {:?}", new.name.as_deref().unwrap()),
        format!("saved the key {id} to {}", quoted_path(account.file())),
        format!("verified that {id} works"),
        format!("deleting {old}"),
        format!("deleted {old}"),
    ];
    assert_eq!(*steps.lock().unwrap(), expected);
    // The caller's client signs with it as well.
    account.client.get_api_keys().send().await.unwrap();
    assert_eq!(
        rotated.client.signer().credentials().fingerprint(),
        rsa().credentials().fingerprint()
    );
    // So does the next process, with the file.
    let token = Token::new(usize::MAX);
    let credentials = Credentials::external_from_file(account.file(), token.key()).unwrap();
    assert_eq!(credentials.key_id(), id);
    Client::new(account.sandbox.environment(), credentials)
        .unwrap()
        .get_api_keys()
        .send()
        .await
        .unwrap();
    assert_eq!(token.signatures(), 1);
}

#[tokio::test]
async fn an_external_key_is_replaced_by_a_file_and_by_another_external_key() {
    let account = TestAccount::new().await;
    let token = Token::new(usize::MAX);
    let external = rotate(&account.client, to(&account, &token))
        .await
        .unwrap()
        .client;
    std::fs::remove_file(account.file()).unwrap();
    let again = rotate(&external, to(&account, &token)).await.unwrap();
    std::fs::remove_file(account.file()).unwrap();
    let signatures = token.signatures();
    let in_file = rotate(&again.client, account.plan()).await.unwrap();

    assert!(token.signatures() > signatures);
    assert_eq!(account.sandbox.keys().remove(0).api_key_id, in_file.key_id);
    assert_eq!(
        Credentials::from_key_file(in_file.file).unwrap().key_id(),
        in_file.key_id
    );
    assert_eq!((account.ids().len(), account.files().len()), (1, 1));
}

#[tokio::test]
async fn nothing_is_sent_if_the_external_key_does_not_sign() {
    let account = TestAccount::new().await;
    let gone = to(&account, &Token::new(0));
    let other = account
        .plan()
        .external_key(&Pair::generate_ed25519().public, Token::new(9).key())
        .unwrap();
    for (plan, cause) in [
        (gone, "the external key did not sign: the token was removed"),
        (
            other,
            "the external key returned an invalid signature: the signature has 256 bytes, not 64; ",
        ),
    ] {
        let error = account.fails(plan).await;
        assert!(
            matches!(error.failure, Failure::ExternalKey(_)),
            "{error:?}"
        );
        assert!(chain(&error).contains(cause), "{}", chain(&error));
        assert_eq!((account.sandbox.requests(), account.files().len()), (0, 0));
    }
    assert!(
        account
            .plan()
            .external_key("no PEM", Token::new(9).key())
            .is_err()
    );
}

#[tokio::test]
async fn a_token_that_is_removed_meanwhile_is_asked_once_and_the_next_run_finishes() {
    let account = TestAccount::new().await;
    let token = Token::new(1);
    let error = account.fails(to(&account, &token)).await;
    assert!(matches!(error.failure, Failure::Verify(_)), "{error:?}");
    assert!(error.state.journal.is_some());
    // To be tried out, and to verify.
    assert_eq!((token.signatures(), account.ids().len()), (2, 2));

    // Another key does not take its place.
    let error = account
        .fails(
            account
                .plan()
                .external_key(&ed25519().public, token.key())
                .unwrap(),
        )
        .await;
    assert!(
        matches!(
            error.failure,
            Failure::PlanMismatch("source of its key pair")
        ),
        "{error:?}"
    );
    let error = account.fails(account.plan()).await;
    assert!(
        matches!(
            error.failure,
            Failure::PlanMismatch("source of its key pair")
        ),
        "{error:?}"
    );

    rotate(&account.client, to(&account, &Token::new(usize::MAX)))
        .await
        .unwrap();
    assert_eq!((account.ids().len(), account.files().len()), (1, 1));
}

#[tokio::test]
async fn a_signature_that_is_declined_is_asked_for_once() {
    let account = TestAccount::new().await;
    // The old key signs the first two lists, and not the request that creates the new one.
    let old = Token::new(2);
    let key = kalshi_api_keys::types::ApiKey::builder()
        .api_key_id("old")
        .name("old".to_owned());
    let key = key.scopes(vec![ApiKeyScope::Read, ApiKeyScope::Write]);
    account
        .sandbox
        .register(key.try_into().unwrap(), &rsa().public)
        .unwrap();
    let credentials = Credentials::external("old", &rsa().public, old.key()).unwrap();
    let client = Client::new(account.sandbox.environment(), credentials).unwrap();
    let error = rotate(&client, account.plan()).await.unwrap_err();
    assert!(
        matches!(
            error.failure,
            Failure::Create(kalshi_api_keys::Error::NotSigned(_))
        ),
        "{error:?}"
    );
    assert_eq!((old.signatures(), account.ids().len()), (3, 2));
}

#[tokio::test]
async fn the_file_of_another_key_is_not_used() {
    let account = TestAccount::new().await;
    let error = account.fails(to(&account, &Token::new(1))).await;
    assert!(error.state.journal.is_some());
    let text = std::fs::read_to_string(account.file())
        .unwrap()
        .replace(&rsa().public, &ed25519().public);
    std::fs::write(account.file(), text).unwrap();
    let error = account.fails(to(&account, &Token::new(usize::MAX))).await;
    assert!(matches!(error.failure, Failure::ForeignFile), "{error:?}");
    assert_eq!(account.ids().len(), 2);
}

/// Without the ID of any key, so that it could be taken for the file of this rotation.
#[tokio::test]
async fn a_file_of_somebody_elses_is_neither_rewritten_nor_removed() {
    for (content, tier) in [
        (&*ed25519().public, Tier::Premier),
        (&ed25519().public, Tier::Basic),
        ("somebody else's", Tier::Premier),
        (ed25519().private.expose_secret(), Tier::Basic),
    ] {
        let account = TestAccount::new().await;
        // Ends after the journal was written.
        account
            .sandbox
            .fail_next_on("getApiKeys", Fault::Delay(Duration::ZERO))
            .unwrap();
        account
            .sandbox
            .fail_next_on("getApiKeys", Fault::respond(403, "text/plain", ""))
            .unwrap();
        let plan =
            to(&account, &Token::new(usize::MAX)).retry_policy(RetryPolicy::new(1, Duration::ZERO));
        assert!(account.fails(plan).await.state.journal.is_some());
        std::fs::write(account.file(), content).unwrap();
        account.sandbox.set_tier(tier);
        let error = account.fails(to(&account, &Token::new(usize::MAX))).await;
        assert!(matches!(error.failure, Failure::ForeignFile), "{error:?}");
        assert_eq!(std::fs::read_to_string(account.file()).unwrap(), content);
        assert_eq!(account.ids(), [account.old.as_str()]);
    }
}

#[tokio::test]
async fn an_account_that_may_not_register_keys_keeps_its_own() {
    let account = TestAccount::new().await;
    account.sandbox.set_tier(Tier::Basic);
    let error = account.fails(to(&account, &Token::new(usize::MAX))).await;
    assert!(matches!(error.failure, Failure::Create(_)), "{error:?}");
    assert_eq!(
        (error.state.journal, account.ids()),
        (None, vec![account.old.clone()])
    );
    assert_eq!(account.files(), [""; 0]);
}
