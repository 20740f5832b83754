//! Flags and variables as people really have them, and keys that come from pipes.

use super::{TestAccount, USAGE, command, ran};

#[tokio::test]
async fn flags_are_trimmed_as_variables_are() {
    let account = TestAccount::new().await;
    let (id, url) = (account.old.as_str(), account.sandbox.base_url());
    for (left, right) in [("", " "), (" \"", "\"\r"), ("'", "'"), ("“", "”")] {
        let around = |value: &str| format!("{left}{value}{right}");
        let mut list = command(&[
            "list",
            "--api-key-id",
            &around(id),
            "--private-key-path",
            &around("old.pem"),
            "--env",
            &around(url),
        ]);
        list.current_dir(account.folder.path());
        let ran = ran(list).await;
        assert_eq!(ran.code, 0, "{left:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn blank_flags_are_missing() {
    let account = TestAccount::new().await;
    for blank in ["", " ", "\"\""] {
        let ran = account
            .run(&[
                "list",
                "--api-key-id",
                blank,
                "--private-key-path",
                blank,
                "--env",
                blank,
            ])
            .await;
        assert_eq!(ran.code, 0, "{blank:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn flags_expand_the_home_directory() {
    let account = TestAccount::new().await;
    let mut list = account.command(&["list", "--private-key-path=~/old.pem"]);
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    list.current_dir("/").env(home, account.folder.path());
    let ran = ran(list).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn another_id_is_shown_with_what_gave_it() {
    let account = TestAccount::new().await;
    let text = format!(
        "Kalshi-API-Key-ID: {}\n{}",
        account.old,
        account.sandbox.root_private_key().expose_secret()
    );
    std::fs::write(account.file("rotated.pem"), text).unwrap();
    struct Case {
        flag: &'static [&'static str],
        expected: &'static str,
    }
    let cases = [
        Case {
            flag: &["list", "--private-key-path", "rotated.pem"],
            expected: "KALSHI_API_KEY_ID is before, but the private key in \"rotated.pem\" belongs to the API key ",
        },
        Case {
            flag: &[
                "list",
                "--private-key-path",
                "rotated.pem",
                "--api-key-id",
                "before",
            ],
            expected: "--api-key-id is before, but the private key belongs to the API key ",
        },
        Case {
            flag: &["list"],
            expected: "KALSHI_API_KEY_ID is before, but the private key in \"rotated.pem\" belongs to the API key ",
        },
    ];
    for case in cases {
        let mut list = account.command(case.flag);
        list.env("KALSHI_API_KEY_ID", "before")
            .env("KALSHI_PRIVATE_KEY_PATH", "rotated.pem");
        let ran = ran(list).await;
        let expected = format!("error: {}{}; ", case.expected, account.old);
        assert_eq!(ran.code, USAGE);
        assert!(ran.err.starts_with(&expected), "{}", ran.err);
    }
}

#[tokio::test]
async fn unknown_keys_and_whoami_name_unread_variables() {
    let account = TestAccount::new().await;
    let mut list = account.command(&["list", "--api-key-id", "nobody"]);
    list.env("KALSHI_ENVIRONMENT", "s3cret")
        .env("KALSHI_BASE_URL", "s3cret");
    let refused = ran(list).await;
    let expected = format!(
        "; the base URL was {}; set, but not read: KALSHI_BASE_URL, KALSHI_ENVIRONMENT\n",
        account.sandbox.base_url()
    );
    assert!(refused.err.ends_with(&expected), "{}", refused.err);
    let mut whoami = account.command(&["whoami"]);
    whoami.env("KALSHI_DEMO", "s3cret");
    let shown = ran(whoami).await;
    assert!(
        shown.out.ends_with("\nnot read     KALSHI_DEMO\n"),
        "{}",
        shown.out
    );
}

/// Linux, for `/dev/fd` and `sh`.
#[cfg(target_os = "linux")]
mod pipes {
    use std::process::Stdio;
    use std::time::Instant;

    use super::*;

    /// Runs a script in which `$LIST` lists the keys, with `$PEM` in the directory.
    async fn run(account: &TestAccount, script: &str) -> crate::command::Ran {
        let mut shell = account.program("sh", &["-c", script]);
        shell
            .env_remove("KALSHI_PRIVATE_KEY_PATH")
            .env("CMD", crate::command::BINARY);
        ran(shell).await
    }

    #[tokio::test]
    async fn keys_are_read_from_pipes() {
        let account = TestAccount::new().await;
        crate::fixtures::create_fifo(&account.file("fifo"));
        for script in [
            r#"cat old.pem | "$CMD" list --private-key-path -"#,
            r#"(sleep 1; cat old.pem) | "$CMD" list --private-key-path /dev/stdin"#,
            r#""$CMD" list --private-key-path - <old.pem"#,
            r#"cat old.pem | KALSHI_PRIVATE_KEY_PATH=- "$CMD" list"#,
            r#"cat old.pem | { "$CMD" list --private-key-path /dev/fd/7; } 7<&0 0</dev/null"#,
            r#"cat old.pem | { "$CMD" list --private-key-path /proc/self/fd/7; } 7<&0 0</dev/null"#,
            r#"(sleep 1; cat old.pem >fifo) & "$CMD" list --private-key-path fifo"#,
        ] {
            let ran = run(&account, script).await;
            assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{script}");
        }
    }

    #[tokio::test]
    async fn pipes_are_bounded() {
        struct Case {
            script: &'static str,
            expected: &'static str,
        }
        let cases = [
            Case {
                script: r#""$CMD" list --private-key-path - </dev/zero"#,
                expected: "larger than 64 KiB",
            },
            Case {
                script: r#"yes | "$CMD" list --private-key-path /dev/stdin"#,
                expected: "larger than 64 KiB",
            },
            Case {
                script: r#"true | { "$CMD" list --private-key-path /dev/fd/7; } 7<&0 0</dev/null"#,
                expected: "empty text",
            },
            Case {
                script: r#"sleep 30 | { "$CMD" list --private-key-path -; kill 0; }"#,
                expected: "its writer did not finish within 10 s",
            },
        ];
        for case in cases {
            let account = TestAccount::new().await;
            let mut shell = account.program("setsid", &["sh", "-c", case.script]);
            shell
                .env_remove("KALSHI_PRIVATE_KEY_PATH")
                .env("CMD", crate::command::BINARY)
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let started = Instant::now();
            let output = shell.output().await.unwrap();
            let message = String::from_utf8(output.stderr).unwrap();
            assert!(
                message.contains(case.expected),
                "{}: {message}",
                case.script
            );
            assert!(started.elapsed().as_secs() < 60, "{}", case.script);
        }
    }
}

/// The advice must be one that this user can follow.
#[cfg(unix)]
mod permissions {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[tokio::test]
    async fn warning_can_be_silenced() {
        let account = TestAccount::new().await;
        let mode = Permissions::from_mode(0o644);
        std::fs::set_permissions(account.file("old.pem"), mode).unwrap();
        for (value, is_silent) in [("1", true), ("true", true), ("", false), ("0", false)] {
            let mut list = account.command(&["list"]);
            list.env("KALSHI_IGNORE_KEY_PERMISSIONS", value);
            let ran = ran(list).await;
            assert_eq!(ran.err.is_empty(), is_silent, "{value:?}: {}", ran.err);
            assert!(is_silent || ran.err.contains("KALSHI_IGNORE_KEY_PERMISSIONS=1"));
        }
    }

    #[tokio::test]
    async fn projected_volumes_are_not_warned_about() {
        let account = TestAccount::new().await;
        let data = account.file("..2026_11_27_08_00_00.1");
        std::fs::create_dir(&data).unwrap();
        std::fs::copy(account.file("old.pem"), data.join("key.pem")).unwrap();
        let mode = Permissions::from_mode(0o440);
        std::fs::set_permissions(data.join("key.pem"), mode).unwrap();
        symlink("..2026_11_27_08_00_00.1", account.file("..data")).unwrap();
        symlink("..data/key.pem", account.file("key.pem")).unwrap();
        let ran = account
            .run(&["list", "--private-key-path", "key.pem"])
            .await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }

    /// Only root can give a file away.
    #[tokio::test]
    async fn files_of_another_owner_are_not_warned_about() {
        let account = TestAccount::new().await;
        let mode = Permissions::from_mode(0o644);
        std::fs::set_permissions(account.file("old.pem"), mode).unwrap();
        if std::os::unix::fs::chown(account.file("old.pem"), Some(4711), None).is_err() {
            eprintln!("skipped: not root");
            return;
        }
        let ran = account.run(&["list"]).await;
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    }
}
