//! The example `pkcs11`, with SoftHSM. Whether anything was sent is judged by the sandbox.
//!
//! SoftHSM reads its configuration from a variable, once per process. So each test runs itself
//! again, in a process with a token of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as Pkcs11Error, RvError};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::UserType;
use kalshi_api_keys::sandbox::Sandbox;
use kalshi_api_keys::types::{ApiKey, ApiKeyScope};
use kalshi_api_keys::{Client, Credentials, Error, SignError};

use crate::fixtures::{KEY_ID, chain, ed25519, is_installed, openssl};

#[allow(dead_code)]
#[path = "../../examples/pkcs11.rs"]
mod example;

use example::{TokenError, TokenKey, list_in_sandbox, pin};

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];
const FOLDER: &str = "KALSHI_TEST_TOKEN_FOLDER";
const PIN: &str = "48151623";

/// A token in a folder, and the SoftHSM module.
struct Token {
    folder: PathBuf,
    module: &'static Path,
}

impl Token {
    /// Returns a token if this process is the test's own. Otherwise runs the test in one, unless
    /// SoftHSM is not installed.
    fn in_own_process(test: &str) -> Option<Self> {
        let module = Path::new(
            MODULES
                .into_iter()
                .find(|path| Path::new(path).exists())
                .unwrap_or(MODULES[0]),
        );
        if let Some(folder) = std::env::var_os(FOLDER) {
            return Some(Self {
                folder: folder.into(),
                module,
            });
        }
        // An emulated process cannot load this machine's SoftHSM.
        if std::env::var_os("EMULATED").is_some()
            || !is_installed("softhsm2-util")
            || !is_installed("openssl")
        {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let token = Self {
            folder: folder.path().to_owned(),
            module,
        };
        std::fs::create_dir(token.file("tokens")).unwrap();
        std::fs::write(
            token.file("conf"),
            format!(
                "directories.tokendir = {}\n",
                token.file("tokens").display()
            ),
        )
        .unwrap();
        std::fs::write(token.file("pin"), format!("{PIN}\n")).unwrap();
        token.softhsm(&[
            "--init-token",
            "--free",
            "--label",
            "kalshi",
            "--so-pin",
            "0000",
            "--pin",
            PIN,
        ]);

        let mut own = Command::new(std::env::current_exe().unwrap());
        own.args(["--exact", &format!("pkcs11::{test}"), "--nocapture"])
            .env(FOLDER, &token.folder);
        own.env("SOFTHSM2_CONF", token.file("conf"))
            .env("PKCS11_PIN_FILE", token.file("pin"))
            .env_remove("PKCS11_PIN");
        let output = own.stdin(Stdio::null()).output().unwrap();
        let says = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        // Not its exit status: SoftHSM may crash as it is unloaded.
        assert!(says.contains("1 passed; 0 failed"), "{says}");
        None
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn softhsm(&self, arguments: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("SOFTHSM2_CONF", self.file("conf"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Generates a key of an algorithm that OpenSSL knows, and stores it in the token.
    fn import(&self, algorithm: &[&str], label: &str, id: &str) {
        let file = format!("{label}.pem");
        openssl(
            &self.folder,
            &[&["genpkey", "-out", &file], algorithm].concat(),
        )
        .unwrap();
        self.softhsm(&[
            "--import", &file, "--token", "kalshi", "--label", label, "--id", id, "--pin", PIN,
        ]);
    }

    fn open(&self, label: &str) -> Result<TokenKey, TokenError> {
        TokenKey::open(self.module, "kalshi", label, PIN.into())
    }
}

const RSA: &[&str] = &["-algorithm", "RSA"];
const ED25519: &[&str] = &["-algorithm", "ED25519"];

/// A sandbox that knows the public key as [`KEY_ID`], and a client that signs with the token.
async fn client(key: TokenKey) -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let registered = ApiKey::builder()
        .api_key_id(KEY_ID)
        .name("token".to_owned())
        .scopes(vec![ApiKeyScope::Read]);
    sandbox
        .register(registered.try_into().unwrap(), key.public_key_pem())
        .unwrap();
    let public_key_pem = key.public_key_pem().to_owned();
    let credentials = Credentials::external(KEY_ID, &public_key_pem, key).unwrap();
    let client = Client::new(sandbox.environment(), credentials).unwrap();
    (sandbox, client)
}

#[tokio::test]
async fn the_example_lists_keys_with_rsa_and_ed25519() {
    let Some(token) = Token::in_own_process("the_example_lists_keys_with_rsa_and_ed25519") else {
        return;
    };
    for (algorithm, label, id) in [(RSA, "rsa", "01"), (ED25519, "ed25519", "02")] {
        token.import(algorithm, label, id);
        list_in_sandbox(token.open(label).unwrap()).await.unwrap();
        // The public key is OpenSSL's.
        let expected = openssl(
            &token.folder,
            &["pkey", "-in", &format!("{label}.pem"), "-pubout"],
        )
        .unwrap();
        assert_eq!(
            token.open(label).unwrap().public_key_pem().as_bytes(),
            expected
        );
        // The same session signs more than once.
        let (sandbox, client) = client(token.open(label).unwrap()).await;
        client.get_api_keys().send().await.unwrap();
        client.get_api_keys().send().await.unwrap();
        assert_eq!(sandbox.requests(), 2);
    }
}

#[tokio::test]
async fn the_key_is_not_in_the_token() {
    let Some(token) = Token::in_own_process("the_key_is_not_in_the_token") else {
        return;
    };
    token.import(ED25519, "twice", "01");
    token.import(ED25519, "twice", "02");
    token.import(
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "ec",
        "03",
    );
    token.import(&["-algorithm", "ED448"], "ed448", "04");
    for (label, expected) in [
        (
            "no",
            "the token has 0 CKO_PRIVATE_KEY objects labelled \"no\", not one; correct the label of the key",
        ),
        (
            "twice",
            "the token has 2 CKO_PRIVATE_KEY objects labelled \"twice\", not one; correct the label of the key",
        ),
        (
            "ec",
            "the key in the token is of another algorithm, or cannot be read; use Ed25519, or RSA of up to 8192 bits",
        ),
        (
            "ed448",
            "the key in the token is of another algorithm, or cannot be read; use Ed25519, or RSA of up to 8192 bits",
        ),
    ] {
        assert_eq!(chain(&token.open(label).err().unwrap()), expected);
    }
}

#[tokio::test]
async fn the_token_is_not_there() {
    let Some(token) = Token::in_own_process("the_token_is_not_there") else {
        return;
    };
    let open = |module: &str, label: &str, pin: &str| {
        chain(
            &TokenKey::open(module.as_ref(), label, "key", pin.into())
                .err()
                .unwrap(),
        )
    };
    let module = token.module.to_str().unwrap();
    let no_module = open("/no/module.so", "kalshi", PIN);
    assert!(
        no_module.starts_with("cannot use the PKCS#11 module \"/no/module.so\"; check its path: "),
        "{no_module}"
    );
    assert_eq!(
        open(module, "other", PIN),
        "no token has the label \"other\"; insert it, or correct the label"
    );
    let wrong_pin = open(module, "kalshi", "1234");
    let expected = "cannot log in to the token; check the PIN before it is locked: Function::Login: PKCS11 error: ";
    assert!(wrong_pin.starts_with(expected), "{wrong_pin}");
}

#[tokio::test]
async fn the_pin_file_is_missing() {
    let Some(token) = Token::in_own_process("the_pin_file_is_missing") else {
        return;
    };
    assert!(pin().is_ok());
    std::fs::remove_file(token.file("pin")).unwrap();
    let expected = format!(
        "cannot read the PIN file {:?}; check PKCS11_PIN_FILE: ",
        token.file("pin")
    );
    let error = chain(&pin().err().unwrap());
    assert!(error.starts_with(&expected), "{error}");
}

#[tokio::test]
async fn the_token_is_removed_while_a_client_runs() {
    let Some(token) = Token::in_own_process("the_token_is_removed_while_a_client_runs") else {
        return;
    };
    token.import(RSA, "rsa", "01");
    let (sandbox, client) = client(token.open("rsa").unwrap()).await;
    client.get_api_keys().send().await.unwrap();
    // What comes closest to pulling it out.
    token.softhsm(&["--delete-token", "--token", "kalshi"]);
    let error = client.get_api_keys().send().await.unwrap_err();
    let Error::NotSigned(SignError::ExternalKey(source)) = &error else {
        panic!("{error:?}")
    };
    let Some(TokenError::NotSigned(Pkcs11Error::Pkcs11(cause, _))) = source.downcast_ref() else {
        panic!("{error:?}")
    };
    let expected = format!(
        "not sent: the external key did not sign: the token did not sign; check that it is inserted, and start again: \
         Function::SignInit: PKCS11 error: {cause}"
    );
    assert_eq!(
        (*cause, chain(&error), sandbox.requests()),
        (RvError::ObjectHandleInvalid, expected, 1)
    );
}

#[tokio::test]
async fn the_private_key_belongs_to_another_public_key() {
    let Some(token) = Token::in_own_process("the_private_key_belongs_to_another_public_key") else {
        return;
    };
    openssl(
        &token.folder,
        &["genpkey", "-out", "key.pem", "-algorithm", "ED25519"],
    )
    .unwrap();
    let import = [
        "--import",
        "key.pem",
        "--no-public-key",
        "--token",
        "kalshi",
        "--label",
        "mixed",
        "--id",
        "01",
    ];
    token.softhsm(&[&import[..], &["--pin", PIN]].concat());
    add_public_key(&token, "mixed");
    let (sandbox, client) = client(token.open("mixed").unwrap()).await;
    let error = client.get_api_keys().send().await.unwrap_err();
    let expected = "not sent: the external key returned an invalid signature: the signature is by another key, of another \
        message or with another hash; check which key signs";
    assert_eq!((chain(&error).as_str(), sandbox.requests()), (expected, 0));
}

/// Stores the public key of [`ed25519`] in the token.
fn add_public_key(token: &Token, label: &str) {
    use ed25519_dalek::pkcs8::DecodePublicKey as _;
    let key = ed25519_dalek::VerifyingKey::from_public_key_pem(&ed25519().public).unwrap();
    let context = Pkcs11::new(token.module).unwrap();
    context
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .unwrap();
    let is_kalshi = |slot: &_| context.get_token_info(*slot).unwrap().label() == "kalshi";
    let slot = context
        .get_slots_with_initialized_token()
        .unwrap()
        .into_iter()
        .find(is_kalshi)
        .unwrap();
    let session = context.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&PIN.into())).unwrap();
    let template = [
        Attribute::Class(ObjectClass::PUBLIC_KEY),
        Attribute::KeyType(KeyType::EC_EDWARDS),
        Attribute::Token(true),
        Attribute::Label(label.as_bytes().to_vec()),
        // The object identifier of Ed25519, and the key as an octet string, both in DER.
        Attribute::EcParams(vec![0x06, 0x03, 0x2b, 0x65, 0x70]),
        Attribute::EcPoint([&[0x04, 32], &key.as_bytes()[..]].concat()),
    ];
    session.create_object(&template).unwrap();
}
