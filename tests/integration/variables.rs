//! Configuration by environment variables. Each case runs a process of its own, because tests do
//! not change variables.

use std::error::Error as _;
use std::process::Command;

use kalshi_api_keys::text::with_causes;
use kalshi_api_keys::{Client, Credentials, Environment};

use crate::fixtures::{KEY_ID, chain, ed25519, key_forms, rsa, shows_key};

/// Set for the process that prints its configuration.
const PRINT: &str = "PRINT_KALSHI_CONFIGURATION";

/// In a process with [`PRINT`], prints its configuration; in the suite, runs one without variables.
#[test]
fn print_configuration() {
    if std::env::var_os(PRINT).is_some() {
        let environment = Environment::from_env().map(|e| e.base_url().to_string());
        println!("environment: {}", environment.unwrap_or_else(|e| chain(&e)));
        let credentials = Credentials::from_env();
        println!(
            "credentials: {}",
            credentials.map_or_else(|e| chain(&e), |c| c.key_id().to_owned())
        );
        println!(
            "client: {}",
            Client::from_env().map_or_else(|e| chain(&e), |c| format!("{c:?}"))
        );
    } else {
        let configuration = configuration(&[]);
        assert_eq!(
            configuration.environment,
            Environment::Demo.base_url().as_str()
        );
        assert_eq!(
            configuration.credentials,
            "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set; set one to the key or to its path"
        );
        assert_eq!(configuration.client, configuration.credentials);
    }
}

/// The variable that names the home directory.
const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

struct Configuration {
    environment: String,
    credentials: String,
    client: String,
}

fn configuration(variables: &[(&str, &str)]) -> Configuration {
    configuration_of(process().envs(variables.iter().copied()))
}

/// A process that prints its configuration, without variables of ours.
fn process() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "variables::print_configuration",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PRINT, "");
    for name in [
        "KALSHI_API_KEY_ID",
        "KALSHI_PRIVATE_KEY",
        "KALSHI_PRIVATE_KEY_PATH",
        "KALSHI_ENV",
        "KALSHI_API_BASE_URL",
    ] {
        command.env_remove(name);
    }
    command
}

fn configuration_of(command: &mut Command) -> Configuration {
    let output = command.output().unwrap();
    let printed =
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        !shows_key(&printed, &ed25519().private) && !shows_key(&printed, &rsa().private),
        "{printed}"
    );
    let line = |name: &str| {
        let line = printed
            .lines()
            .find_map(|line| line.split_once(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {printed}"))
            .1
            .to_owned()
    };
    Configuration {
        environment: line("environment"),
        credentials: line("credentials"),
        client: line("client"),
    }
}

#[test]
fn credentials_are_an_id_and_a_key_or_its_path() {
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
        (
            "KALSHI_PRIVATE_KEY_PATH",
            if cfg!(windows) {
                r"~\kalshi.pem"
            } else {
                "~//kalshi.pem"
            },
        ),
    ] {
        let configuration = configuration(&[("KALSHI_API_KEY_ID", KEY_ID), key, (HOME, home)]);
        assert_eq!(configuration.credentials, KEY_ID, "{}", key.0);
        assert!(
            configuration.client.contains(KEY_ID)
                && configuration.client.contains("demo.kalshi.co"),
            "{}",
            configuration.client
        );
    }
    // An empty variable counts as unset.
    let configuration = configuration(&[
        ("KALSHI_API_KEY_ID", KEY_ID),
        ("KALSHI_PRIVATE_KEY", pem),
        ("KALSHI_PRIVATE_KEY_PATH", ""),
    ]);
    assert_eq!(configuration.credentials, KEY_ID);
}

#[test]
fn missing_conflicting_and_invalid_variables_are_named() {
    let pem = ed25519().private.expose_secret();
    let id = ("KALSHI_API_KEY_ID", KEY_ID);
    let table: &[(&[(&str, &str)], &str)] = &[
        (
            &[("KALSHI_PRIVATE_KEY", pem)],
            "the variable KALSHI_API_KEY_ID is not set",
        ),
        (
            &[("KALSHI_API_KEY_ID", ""), ("KALSHI_PRIVATE_KEY", pem)],
            "the variable KALSHI_API_KEY_ID is not set",
        ),
        (
            &[id],
            "neither KALSHI_PRIVATE_KEY nor KALSHI_PRIVATE_KEY_PATH is set",
        ),
        (
            &[
                id,
                ("KALSHI_PRIVATE_KEY", pem),
                ("KALSHI_PRIVATE_KEY_PATH", "key.pem"),
            ],
            "KALSHI_PRIVATE_KEY and KALSHI_PRIVATE_KEY_PATH are both set",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY", "key.pem")],
            "invalid value of the variable KALSHI_PRIVATE_KEY: cannot use the private key: not PEM: no `-----BEGIN` line",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY_PATH", "/no/such/file")],
            "invalid value of the variable KALSHI_PRIVATE_KEY_PATH: cannot read the key file \"/no/such/file\"",
        ),
        (
            &[id, ("KALSHI_PRIVATE_KEY_PATH", pem)],
            "invalid value of the variable KALSHI_PRIVATE_KEY_PATH: cannot read the key file, whose path is not shown",
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
        let configuration = configuration(variables);
        assert!(
            configuration.credentials.starts_with(expected),
            "{}",
            configuration.credentials
        );
        assert_eq!(configuration.client, configuration.credentials);
    }
}

#[test]
fn the_id_may_come_from_the_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kalshi.pem");
    let text = format!(
        "Kalshi-API-Key-ID: {KEY_ID}\n{}",
        ed25519().private.expose_secret()
    );
    std::fs::write(&path, &text).unwrap();
    let key = ("KALSHI_PRIVATE_KEY_PATH", path.to_str().unwrap());
    for key in [key, ("KALSHI_PRIVATE_KEY", &*text)] {
        for variables in [
            &[key][..],
            &[key, ("KALSHI_API_KEY_ID", "")],
            &[key, ("KALSHI_API_KEY_ID", KEY_ID)],
        ] {
            assert_eq!(configuration(variables).credentials, KEY_ID);
        }
        let credentials = configuration(&[key, ("KALSHI_API_KEY_ID", "another")]).credentials;
        let expected = format!("belongs to the API key {KEY_ID}; unset KALSHI_API_KEY_ID");
        assert!(
            credentials.starts_with("KALSHI_API_KEY_ID is another, but the private key")
                && credentials.contains(&expected),
            "{credentials}"
        );
    }
}

#[test]
fn a_key_in_the_wrong_variable_is_not_repeated() {
    let pem = ed25519().private.expose_secret();
    for (form, key) in key_forms(&ed25519().private) {
        for variable in [
            "KALSHI_API_KEY_ID",
            "KALSHI_PRIVATE_KEY_PATH",
            "KALSHI_ENV",
            "KALSHI_API_BASE_URL",
        ] {
            // `configuration` looks for the key in what is printed.
            let configuration = if variable == "KALSHI_PRIVATE_KEY_PATH" {
                configuration(&[("KALSHI_API_KEY_ID", KEY_ID), (variable, &key)])
            } else {
                configuration(&[("KALSHI_PRIVATE_KEY", pem), (variable, &key)])
            };
            assert!(
                configuration.client.contains(variable),
                "{form}: {}",
                configuration.client
            );
        }
    }
}

#[test]
fn environment_is_a_name_or_a_url() {
    let production = Environment::Production.base_url().to_string();
    let demo = Environment::Demo.base_url().to_string();
    let local = "http://127.0.0.1:8080/trade-api/v2";
    for (variables, expected) in [
        (vec![("KALSHI_ENV", "production")], production.as_str()),
        (vec![("KALSHI_ENV", "prod")], &production),
        (vec![("KALSHI_ENV", "demo")], &demo),
        (vec![("KALSHI_ENV", "")], &demo),
        (vec![("KALSHI_ENV", local)], local),
        (
            vec![("KALSHI_API_BASE_URL", "http://127.0.0.1:8080/trade-api/v2/")],
            local,
        ),
    ] {
        assert_eq!(
            configuration(&variables).environment,
            expected,
            "{variables:?}"
        );
    }
    for (variables, expected) in [
        (
            vec![("KALSHI_ENV", "prodction")],
            "invalid value of the variable KALSHI_ENV: unknown environment",
        ),
        (
            vec![("KALSHI_API_BASE_URL", "demo")],
            "invalid value of the variable KALSHI_API_BASE_URL: invalid base URL; write it like",
        ),
        (
            vec![("KALSHI_API_BASE_URL", "https://me:secret@example.com")],
            "invalid value of the variable KALSHI_API_BASE_URL: the base URL contains a user name or password",
        ),
        (
            vec![("KALSHI_ENV", "demo"), ("KALSHI_API_BASE_URL", local)],
            "KALSHI_ENV and KALSHI_API_BASE_URL are both set",
        ),
    ] {
        let configuration = configuration(&variables);
        assert!(
            configuration.environment.starts_with(expected),
            "{}",
            configuration.environment
        );
        assert_eq!(configuration.client, configuration.environment);
        assert!(!configuration.environment.contains("secret"));
    }
}

#[test]
fn invalid_base_urls_are_refused() {
    for (url, expected) in [
        (
            "https://me@example.com/",
            "the base URL contains a user name or password",
        ),
        (
            "https://:pw@example.com/",
            "the base URL contains a user name or password",
        ),
        ("https://example.com/?a", "the base URL contains a query"),
        ("https://example.com/#a", "the base URL contains a fragment"),
        (
            "ftp://example.com/",
            "the base URL is neither https:// nor http://",
        ),
        ("https://", "empty host"),
        (
            "http://example.com/",
            "the base URL is http:// to another machine",
        ),
        (
            "http://127.0.0.1.example.com/",
            "the base URL is http:// to another machine",
        ),
        (
            "http://localhost.example.com/",
            "the base URL is http:// to another machine",
        ),
        (
            "http://10.0.0.1/",
            "the base URL is http:// to another machine",
        ),
        (
            "http://0.0.0.0/",
            "the base URL is http:// to another machine",
        ),
        (
            "https://external-api.kalshi.com",
            "the path of the base URL is not the service's; use https://external-api.kalshi.com/trade-api/v2",
        ),
        (
            "https://demo-api.kalshi.co/trade-api/v1/",
            "the path of the base URL is not the service's; use https://demo-api.kalshi.co/trade-api/v2",
        ),
        ("Demonstration", "unknown environment"),
        ("", "unknown environment"),
    ] {
        let error = url.parse::<Environment>().unwrap_err();
        let expected = format!(
            "{}{expected}",
            if error.source().is_some() {
                "invalid base URL: "
            } else {
                ""
            }
        );
        assert!(with_causes(&error).starts_with(&expected), "{url}: {error}");
        if url.contains("://") {
            assert_eq!(
                Environment::custom(url).unwrap_err().to_string(),
                error.to_string()
            );
        }
        assert!(
            serde_json::from_value::<Environment>(url.into())
                .unwrap_err()
                .to_string()
                .starts_with(&expected)
        );
    }
}

#[test]
fn environments_have_one_text_form() {
    for (text, display, base_url, websocket_url) in [
        (
            "prod",
            "production",
            "https://external-api.kalshi.com/trade-api/v2",
            "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
        ),
        (
            " DEMO\n",
            "demo",
            "https://external-api.demo.kalshi.co/trade-api/v2",
            "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
        ),
        (
            "https://external-api.kalshi.com:443/trade-api/v2/",
            "production",
            "https://external-api.kalshi.com/trade-api/v2",
            "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
        ),
        (
            "https://demo-api.kalshi.co/trade-api/v2",
            "https://demo-api.kalshi.co/trade-api/v2",
            "https://demo-api.kalshi.co/trade-api/v2",
            "wss://demo-api.kalshi.co/trade-api/ws/v2",
        ),
        (
            "https://example.com",
            "https://example.com/",
            "https://example.com/",
            "wss://example.com/ws",
        ),
        (
            "https://example.com/a//",
            "https://example.com/a",
            "https://example.com/a",
            "wss://example.com/ws/a",
        ),
        (
            "http://localhost:1/a",
            "http://localhost:1/a",
            "http://localhost:1/a",
            "ws://localhost:1/ws/a",
        ),
        (
            "http://127.8.9.1/a/b",
            "http://127.8.9.1/a/b",
            "http://127.8.9.1/a/b",
            "ws://127.8.9.1/a/ws/b",
        ),
        (
            "http://[::1]:5/a",
            "http://[::1]:5/a",
            "http://[::1]:5/a",
            "ws://[::1]:5/ws/a",
        ),
        (
            " HTTPS://EXAMPLE.com/A ",
            "https://example.com/A",
            "https://example.com/A",
            "wss://example.com/ws/A",
        ),
    ] {
        let environment: Environment = text.parse().unwrap();
        assert_eq!(environment.to_string(), display);
        assert_eq!(environment.base_url().as_str(), base_url);
        assert_eq!(environment.websocket_url().as_str(), websocket_url);
        assert_eq!(display.parse::<Environment>().unwrap(), environment);
        let json = serde_json::to_value(&environment).unwrap();
        assert_eq!(json, display);
        assert_eq!(
            serde_json::from_value::<Environment>(json).unwrap(),
            environment
        );
    }
}

/// As `.env` files, panels, CI systems and other shells leave them.
#[test]
fn values_are_trimmed_alike() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kalshi.pem");
    std::fs::write(&path, ed25519().private.expose_secret()).unwrap();
    let path = path.to_str().unwrap();
    let url = "https://gateway.example/trade-api/v2";
    for (left, right) in [
        (" ", "\r\n"),
        ("\"", "\""),
        ("'", "'"),
        (" ' ", " ' "),
        ("“", "”"),
        ("„", "“"),
        ("‘", "’"),
        ("\u{feff}\u{a0}", "\t"),
    ] {
        let around = |value: &str| format!("{left}{value}{right}");
        let of_url = configuration(&[
            ("KALSHI_API_KEY_ID", &around(KEY_ID)),
            ("KALSHI_PRIVATE_KEY_PATH", &around(path)),
            ("KALSHI_API_BASE_URL", &around(url)),
        ]);
        assert_eq!(of_url.credentials, KEY_ID, "{left:?}");
        assert_eq!(of_url.environment, url, "{left:?}");
        let production = configuration(&[("KALSHI_ENV", &around("Production"))]);
        assert_eq!(
            production.environment,
            Environment::Production.base_url().as_str(),
            "{left:?}"
        );
        // Constructors trim what variables do.
        let constructed = Credentials::from_pem_file(around(KEY_ID), around(path)).unwrap();
        assert_eq!(constructed.key_id(), KEY_ID);
        assert_eq!(constructed.file().unwrap().to_str(), Some(path));
        assert_eq!(Environment::custom(&around(url)).unwrap().to_string(), url);
    }
}

#[test]
fn blank_variables_are_unset() {
    let pem = ed25519().private.expose_secret();
    for blank in ["", " ", "\t\r\n", "\"\"", "' '", "“”"] {
        let configuration = configuration(&[
            ("KALSHI_API_KEY_ID", KEY_ID),
            ("KALSHI_PRIVATE_KEY", pem),
            ("KALSHI_PRIVATE_KEY_PATH", blank),
            ("KALSHI_ENV", blank),
            ("KALSHI_API_BASE_URL", blank),
        ]);
        assert_eq!(configuration.credentials, KEY_ID, "{blank:?}");
        assert_eq!(
            configuration.environment,
            Environment::Demo.base_url().as_str(),
            "{blank:?}"
        );
    }
}

#[test]
fn stray_text_is_named() {
    struct Case {
        before: &'static str,
        after: &'static str,
        expected: &'static str,
    }
    let cases = [
        Case {
            before: "",
            after: "  # or prod",
            expected: "it contains a comment; remove the `#`",
        },
        Case {
            before: "\"",
            after: "\"\t# old",
            expected: "it contains a comment; remove the `#`",
        },
        Case {
            before: "",
            after: ",",
            expected: "it ends in a comma or semicolon",
        },
        Case {
            before: "'",
            after: "';",
            expected: "it ends in a comma or semicolon",
        },
        Case {
            before: "${",
            after: "}",
            expected: "it contains braces or a variable that was not expanded",
        },
        Case {
            before: "{",
            after: "}",
            expected: "it contains braces",
        },
        Case {
            before: "KALSHI_ENV=",
            after: "",
            expected: "it begins with the name of a variable",
        },
        Case {
            before: "\"",
            after: "",
            expected: "it begins or ends with a quotation mark",
        },
        Case {
            before: "\"'",
            after: "'\"",
            expected: "it begins or ends with a quotation mark",
        },
    ];
    let url = "https://gateway.example/trade-api/v2";
    for case in cases {
        let around = |value: &str| format!("{}{value}{}", case.before, case.after);
        let [environment, base_url, key_id, path] = [
            around("demo")
                .parse::<Environment>()
                .unwrap_err()
                .into_boxed(),
            Environment::custom(&around(url)).unwrap_err().into_boxed(),
            Credentials::from_pem(around(KEY_ID), "")
                .unwrap_err()
                .into_boxed(),
            Credentials::from_key_file(around("no/kalshi.pem"))
                .unwrap_err()
                .into_boxed(),
        ]
        .map(|error| chain(&*error));
        for message in [environment, base_url, key_id, path] {
            assert!(
                message.contains(case.expected),
                "{:?}…{:?}: {message}",
                case.before,
                case.after
            );
        }
    }
    let error = Credentials::from_key_file("file:///no/kalshi.pem").unwrap_err();
    assert!(chain(&error).contains("give the path alone"), "{error}");
    let error = Credentials::from_key_file("/home/$USER/kalshi.pem").unwrap_err();
    assert!(chain(&error).contains("was not expanded"), "{error}");
}

/// Puts errors of several types in one table.
trait IntoBoxed {
    fn into_boxed(self) -> Box<dyn std::error::Error>;
}

impl<E: std::error::Error + 'static> IntoBoxed for E {
    fn into_boxed(self) -> Box<dyn std::error::Error> {
        Box::new(self)
    }
}

/// A name that looks quoted or commented may be that of a file.
#[test]
fn existing_files_are_taken_as_they_are_named() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["kalshi #1.pem", "'kalshi'", "kalshi,", "{kalshi}"] {
        let path = directory.path().join(name);
        std::fs::write(&path, ed25519().private.expose_secret()).unwrap();
        let credentials = Credentials::from_pem_file(KEY_ID, &path).unwrap();
        assert_eq!(credentials.file(), Some(&*path));
    }
}

#[test]
fn unread_variables_are_named_without_values() {
    for name in [
        "KALSHI_ENVIRONMENT",
        "KALSHI_DEMO",
        "KALSHI_API_KEY",
        "KALSHI_PRIVATE_KEY_FILE",
        "KALSHI_WHATEVER",
    ] {
        let named = configuration(&[(name, "s3cret"), ("KALSHI_BLANK", " ")]).credentials;
        assert!(
            named.ends_with(&format!("; set, but not read: {name}")),
            "{named}"
        );
        assert!(!named.contains("s3cret"), "{named}");
        let pem = ed25519().private.expose_secret();
        let without_id = configuration(&[(name, "s3cret"), ("KALSHI_PRIVATE_KEY", pem)]);
        assert!(
            without_id.credentials.ends_with(name),
            "{}",
            without_id.credentials
        );
    }
}

#[test]
fn dotenv_is_mentioned_with_the_line_that_loads_it() {
    struct Case {
        text: &'static str,
        is_mentioned: bool,
    }
    let cases = [
        Case {
            text: "KALSHI_API_KEY_ID=s3cret\n",
            is_mentioned: true,
        },
        Case {
            text: "# mine\r\n  export KALSHI_PRIVATE_KEY_PATH=s3cret\r\n",
            is_mentioned: true,
        },
        Case {
            text: "OTHER=KALSHI_ENV\n# KALSHI_ENV=demo\n",
            is_mentioned: false,
        },
    ];
    for case in cases {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), case.text).unwrap();
        let message = configuration_of(process().current_dir(directory.path())).credentials;
        assert_eq!(
            message.contains("; the file .env in this directory is not read: load it with `"),
            case.is_mentioned,
            "{message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
    }
}

/// A shell runs the lines of a value that is not quoted, and shows them when it finds no command of
/// that name.
#[test]
fn dotenv_that_a_shell_would_run_is_not_to_be_loaded() {
    struct Case {
        text: String,
        can_be_loaded: bool,
    }
    let pem = ed25519().private.expose_secret();
    let case = |text: String, can_be_loaded| Case {
        text,
        can_be_loaded,
    };
    let cases = [
        case(format!("KALSHI_PRIVATE_KEY={pem}"), false),
        case(
            format!("KALSHI_PRIVATE_KEY='{pem}'\nKALSHI_ENV=demo\n"),
            true,
        ),
        case(
            format!("export KALSHI_PRIVATE_KEY=\"{pem}\" # mine\r\n"),
            true,
        ),
        case(
            format!("KALSHI_PRIVATE_KEY=\"{}\"", pem.replace('\n', "\\n")),
            true,
        ),
        case(format!("KALSHI_PRIVATE_KEY='{pem}"), false),
        case(format!("KALSHI_ENV='demo'{pem}"), false),
        case("KALSHI_ENV = demo".to_owned(), false),
        case("KALSHI_PRIVATE_KEY_PATH=/my keys/a.pem".to_owned(), false),
        case("KALSHI_PRIVATE_KEY=$(pass kalshi)".to_owned(), false),
        case("KALSHI_PRIVATE_KEY=\"`pass kalshi`\"".to_owned(), false),
        case("KALSHI_ENV=demo; KALSHI_DEMO=1".to_owned(), false),
        case("KALSHI_ENV=demo\n\n# it's mine\nA_1=~x".to_owned(), false),
        case(
            "KALSHI_ENV=demo\n\n# it's mine\nA_1=\nB=https://x/y".to_owned(),
            true,
        ),
    ];
    for case in cases {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(".env"), &case.text).unwrap();
        let message = configuration_of(process().current_dir(directory.path())).credentials;
        let advice = if case.can_be_loaded {
            ": load it with `"
        } else {
            ", and a shell would run parts of it: put each value in single quotes"
        };
        assert!(
            message.contains(&format!(
                "the file .env in this directory is not read{advice}"
            )),
            "{:?}: {message}",
            case.text
        );
        if cfg!(unix) && case.can_be_loaded {
            let ran = std::process::Command::new("sh")
                .args(["-c", "set -a; . ./.env; set +a"])
                .current_dir(directory.path())
                .output()
                .unwrap();
            assert!(ran.status.success(), "{:?}", case.text);
            assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
        }
    }
}
