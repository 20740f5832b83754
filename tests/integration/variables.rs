//! What is read from the environment. A process of its own is asked each time: tests change no variable of theirs.

use std::process::Command;

use kalshi_api_keys::{Client, Credentials, Environment};

use crate::fixtures::{KEY_ID, chain, ed25519, key_forms, rsa, shows_key};

/// Set for the process that is asked.
const ASKED: &str = "KALSHI_API_KEYS_TEST_ASKED";

/// In the process that is asked, answers; in the suite, asks a process without variables.
#[test]
fn answer() {
    if std::env::var_os(ASKED).is_some() {
        let environment = Environment::from_env().and_then(|e| e.base_url());
        println!("environment: {}", environment.map_or_else(|e| chain(&e), String::from));
        let credentials = Credentials::from_env();
        println!("credentials: {}", credentials.map_or_else(|e| chain(&e), |c| c.key_id().to_owned()));
        println!("client: {}", Client::from_env().map_or_else(|e| chain(&e), |c| format!("{c:?}")));
    } else {
        let asked = ask(&[]);
        assert_eq!(asked.environment, Environment::Demo.base_url().unwrap().as_str());
        let expected = "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the private key or to the \
                        path of its file";
        assert_eq!(asked.credentials, expected);
        assert_eq!(asked.client, asked.credentials);
    }
}

struct Asked {
    environment: String,
    credentials: String,
    client: String,
}

fn ask(variables: &[(&str, &str)]) -> Asked {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["variables::answer", "--exact", "--nocapture", "--test-threads=1"]).env(ASKED, "");
    for name in
        ["KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "KALSHI_API_BASE_URL"]
    {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert!(!shows_key(&printed, &ed25519().private) && !shows_key(&printed, &rsa().private), "{printed}");
    let line = |name: &str| {
        let line = printed.lines().find_map(|line| line.split_once(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {printed}")).1.to_owned()
    };
    Asked { environment: line("environment"), credentials: line("credentials"), client: line("client") }
}

#[test]
fn credentials_come_from_an_id_and_one_of_text_and_path() {
    let home = tempfile::tempdir().unwrap();
    let pem = ed25519().private.expose_secret();
    std::fs::write(home.path().join("kalshi.pem"), pem).unwrap();
    let home = home.path().to_str().unwrap();
    let path = format!("{home}/kalshi.pem");
    let one_line = pem.replace('\n', "\\n");
    for key in [
        ("KALSHI_PRIVATE_KEY", pem),
        ("KALSHI_PRIVATE_KEY", one_line.as_str()),
        ("KALSHI_PRIVATE_KEY_PATH", path.as_str()),
        ("KALSHI_PRIVATE_KEY_PATH", "~/kalshi.pem"),
    ] {
        let asked = ask(&[("KALSHI_API_KEY_ID", KEY_ID), key, ("HOME", home)]);
        assert_eq!(asked.credentials, KEY_ID, "{}", key.0);
        assert!(asked.client.contains(KEY_ID) && asked.client.contains("demo.kalshi.co"), "{}", asked.client);
    }
    // An empty variable counts as unset.
    let asked = ask(&[("KALSHI_API_KEY_ID", KEY_ID), ("KALSHI_PRIVATE_KEY", pem), ("KALSHI_PRIVATE_KEY_PATH", "")]);
    assert_eq!(asked.credentials, KEY_ID);
}

#[test]
fn what_is_missing_double_or_bad_among_the_credentials_is_named() {
    let pem = ed25519().private.expose_secret();
    let id = ("KALSHI_API_KEY_ID", KEY_ID);
    let table: &[(&[(&str, &str)], &str)] = &[
        (&[("KALSHI_PRIVATE_KEY", pem)], "the variable KALSHI_API_KEY_ID is not set"),
        (&[("KALSHI_API_KEY_ID", ""), ("KALSHI_PRIVATE_KEY", pem)], "the variable KALSHI_API_KEY_ID is not set"),
        (&[id], "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set"),
        (
            &[id, ("KALSHI_PRIVATE_KEY", pem), ("KALSHI_PRIVATE_KEY_PATH", "key.pem")],
            "KALSHI_PRIVATE_KEY and KALSHI_PRIVATE_KEY_PATH are both set",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY", "key.pem")],
            "invalid value of the variable KALSHI_PRIVATE_KEY: cannot use the private key: not PEM: no `-----BEGIN` line",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY_PATH", "/no/such/file")],
            "invalid value of the variable KALSHI_PRIVATE_KEY_PATH: cannot read the private key file \"/no/such/file\"",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY_PATH", pem)],
            "invalid value of the variable KALSHI_PRIVATE_KEY_PATH: cannot read the private key file, whose path is not shown",
        ),
        (
            &[("KALSHI_API_KEY_ID", "a b"), ("KALSHI_PRIVATE_KEY", pem)],
            "invalid value of the variable KALSHI_API_KEY_ID: invalid API key ID",
        ),
        (
            &[("KALSHI_API_KEY_ID", pem), ("KALSHI_PRIVATE_KEY", pem)],
            "invalid value of the variable KALSHI_API_KEY_ID: invalid API key ID",
        ),
    ];
    for (variables, expected) in table {
        let asked = ask(variables);
        assert!(asked.credentials.starts_with(expected), "{}", asked.credentials);
        assert_eq!(asked.client, asked.credentials);
    }
}

#[test]
fn the_id_may_come_from_the_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    let text = format!("Kalshi-API-Key-ID: {KEY_ID}\n{}", ed25519().private.expose_secret());
    std::fs::write(&path, &text).unwrap();
    let key = ("KALSHI_PRIVATE_KEY_PATH", path.to_str().unwrap());
    for key in [key, ("KALSHI_PRIVATE_KEY", &text)] {
        for variables in [&[key][..], &[key, ("KALSHI_API_KEY_ID", "")], &[key, ("KALSHI_API_KEY_ID", KEY_ID)]] {
            assert_eq!(ask(variables).credentials, KEY_ID);
        }
        let asked = ask(&[key, ("KALSHI_API_KEY_ID", "another")]).credentials;
        let expected = format!("invalid value of the variable {}: cannot use the private key", key.0);
        assert!(asked.starts_with(&expected) && asked.contains("names another API key"), "{asked}");
    }
}

#[test]
fn a_key_in_the_wrong_variable_is_not_repeated() {
    let pem = ed25519().private.expose_secret();
    for (form, key) in key_forms(&ed25519().private) {
        for variable in ["KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_ENV", "KALSHI_API_BASE_URL"] {
            // `ask` looks for the key in what is printed.
            let asked = if variable == "KALSHI_PRIVATE_KEY_PATH" {
                ask(&[("KALSHI_API_KEY_ID", KEY_ID), (variable, &key)])
            } else {
                ask(&[("KALSHI_PRIVATE_KEY", pem), (variable, &key)])
            };
            assert!(asked.client.contains(variable), "{form}: {}", asked.client);
        }
    }
}

#[test]
fn the_environment_comes_from_a_name_or_a_url() {
    let production = Environment::Production.base_url().unwrap().to_string();
    let demo = Environment::Demo.base_url().unwrap().to_string();
    let local = "http://127.0.0.1:8080/trade-api/v2";
    for (variables, expected) in [
        (vec![("KALSHI_ENV", "production")], production.as_str()),
        (vec![("KALSHI_ENV", "prod")], &production),
        (vec![("KALSHI_ENV", "demo")], &demo),
        (vec![("KALSHI_ENV", "")], &demo),
        (vec![("KALSHI_ENV", local)], local),
        (vec![("KALSHI_API_BASE_URL", "http://127.0.0.1:8080/trade-api/v2/")], local),
    ] {
        assert_eq!(ask(&variables).environment, expected, "{variables:?}");
    }
    for (variables, expected) in [
        (vec![("KALSHI_ENV", "prodction")], "the variable KALSHI_ENV cannot be used: the environment is not known"),
        (
            vec![("KALSHI_API_BASE_URL", "demo")],
            "the variable KALSHI_API_BASE_URL cannot be used: the base URL is no URL",
        ),
        (
            vec![("KALSHI_API_BASE_URL", "https://me:secret@example.com")],
            "the variable KALSHI_API_BASE_URL cannot be used: the base URL holds a user name or a password",
        ),
        (
            vec![("KALSHI_ENV", "demo"), ("KALSHI_API_BASE_URL", local)],
            "KALSHI_ENV and KALSHI_API_BASE_URL are both set",
        ),
    ] {
        let asked = ask(&variables);
        assert!(asked.environment.starts_with(expected), "{}", asked.environment);
        assert_eq!(asked.client, asked.environment);
        assert!(!asked.environment.contains("secret"));
    }
}

#[test]
fn a_base_url_is_refused_for_what_no_request_would_carry() {
    let reason = |url: &str| url.parse::<Environment>().unwrap_err().to_string();
    for (url, expected) in [
        ("https://me@example.com/", "the base URL holds a user name or a password"),
        ("https://:pw@example.com/", "the base URL holds a user name or a password"),
        ("https://example.com/?a", "the base URL holds a query"),
        ("https://example.com/#a", "the base URL holds a fragment"),
        ("ftp://example.com/", "the base URL is neither https:// nor http://"),
        ("https://", "the base URL is no URL"),
        ("http://example.com/", "the base URL is http:// to another machine"),
        ("http://127.0.0.1.example.com/", "the base URL is http:// to another machine"),
        ("http://localhost.example.com/", "the base URL is http:// to another machine"),
        ("http://10.0.0.1/", "the base URL is http:// to another machine"),
        ("Demonstration", "the environment is not known"),
        ("", "the environment is not known"),
    ] {
        assert!(reason(url).starts_with(expected), "{url}: {}", reason(url));
        if let Ok(url) = url.parse() {
            let direct = Environment::Custom(url).base_url().unwrap_err().to_string();
            assert!(direct.starts_with(expected), "{direct}");
        }
    }
    for (url, expected) in [
        ("https://example.com", "https://example.com/"),
        ("https://example.com/a/", "https://example.com/a"),
        ("https://example.com/a//", "https://example.com/a"),
        ("http://localhost:1/a", "http://localhost:1/a"),
        ("http://127.8.9.1/a", "http://127.8.9.1/a"),
        ("http://[::1]:5/a", "http://[::1]:5/a"),
        (" HTTPS://EXAMPLE.com/A ", "https://example.com/A"),
    ] {
        assert_eq!(url.parse::<Environment>().unwrap().base_url().unwrap().as_str(), expected);
    }
    for name in ["demo", "Demo", " DEMO\n"] {
        assert_eq!(name.parse::<Environment>().unwrap(), Environment::Demo);
    }
}
