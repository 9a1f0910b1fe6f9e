//! The example `inspect`, as a process.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use tower_jwt_auth::{
    Algorithm, NumericDate, SigningKey,
    testing::{FakeProvider, TestToken},
};

use crate::support::{keys, mint::encode, server::example};

const SECRET: &str = "an example secret of at least 32 bytes";
const API: &str = "https://api.example";

fn inspect(token: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = command(variables);
    command.arg(token);
    outcome(command.output().unwrap())
}

fn inspect_input(input: &str) -> (bool, String) {
    let mut child = command(&[("SECRET", SECRET)]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    outcome(child.wait_with_output().unwrap())
}

fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(example("inspect"));
    command.env_clear().envs(variables.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn outcome(output: Output) -> (bool, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn key() -> SigningKey {
    SigningKey::hs256(SECRET).unwrap()
}

#[test]
fn shows_a_valid_token_and_its_rules() {
    let (is_valid, output) = inspect(&TestToken::new(42).sign(&key()), &[("SECRET", SECRET)]);
    assert!(is_valid, "{output}");
    for part in [
        "header\n  alg          \"HS256\"\n",
        "  user_id      \"42\"\n",
        "Z, in ",
        "  ok    signature  valid\n",
        "  ok    exp        2",
        "  -     nbf        not checked\n",
        "  -     iss        not checked\n",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }
    assert!(output.ends_with("\nvalid\n"), "{output}");
}

#[test]
fn reads_the_token_from_the_standard_input_too() {
    let token = TestToken::new(42).sign(&key());
    for input in [format!("{token}\n"), format!("Bearer {token}"), format!("  {token}\nmore\n")] {
        let (is_valid, output) = inspect_input(&input);
        assert!(is_valid, "{output}");
    }
    let (is_valid, output) = inspect_input("");
    assert!(!is_valid && output.contains("the standard input is empty"), "{output}");
}

#[test]
fn names_each_rule_that_a_token_breaks() {
    let token = || TestToken::new(42).with_issuer("https://login.example").with_audience("other");
    let rules = [("SECRET", SECRET), ("ISSUER", "https://login.example/"), ("AUDIENCE", API)];

    let (is_valid, output) = inspect(&token().expired().sign(&key()), &rules);
    assert!(!is_valid);
    for part in [
        "  ok    signature  valid\n",
        "  FAIL  exp        2",
        ", 1 hour ago\n",
        "  ok    iat        2",
        "  FAIL  iss        ISSUER is \"https://login.example/\"\n",
        "  FAIL  aud        AUDIENCE is \"https://api.example\"\n",
        "\ninvalid: the token has expired",
    ] {
        assert!(output.contains(part), "{part}: {output}");
    }

    let (is_valid, output) = inspect(&TestToken::new(42).not_yet_valid().sign(&key()), &rules);
    assert!(!is_valid);
    for part in ["  FAIL  iat        2", "  FAIL  aud        absent, and AUDIENCE is"] {
        assert!(output.contains(part), "{part}: {output}");
    }

    let forged = TestToken::new(42).sign_with_foreign_key(&key());
    let (is_valid, output) = inspect(&forged, &[("SECRET", SECRET)]);
    assert!(
        !is_valid && output.contains("  FAIL  signature  the signature is invalid"),
        "{output}"
    );
}

#[test]
fn a_public_key_never_verifies_an_hmac() {
    let pem = ("PEM", keys::RSA_PUBLIC);
    let signed = TestToken::new(42);
    let rs256 = SigningKey::from_pem(Algorithm::RS256, keys::RSA).unwrap();
    let (is_valid, output) = inspect(&signed.sign(&rs256), &[pem]);
    assert!(is_valid, "{output}");

    let hs256 = key();
    let (is_valid, output) = inspect(&signed.sign(&hs256), &[pem]);
    assert!(!is_valid && output.contains("\nnot verified: "), "{output}");
}

#[test]
fn verifies_nothing_without_keys() {
    // Its profile requires an audience.
    let plain = format!("{}.{}.", encode("{\"alg\":\"HS256\"}"), encode("{\"exp\":1}"));
    let (is_valid, output) = inspect(&plain, &[("SECRET", SECRET)]);
    assert!(!is_valid && output.contains("\nnot verified: the token profile requires"), "{output}");

    let (is_valid, output) = inspect(&TestToken::new(42).sign(&key()), &[("AUDIENCE", API)]);
    assert!(!is_valid && output.contains("  -     signature  not checked\n"), "{output}");
    assert!(output.ends_with("not verified: set SECRET, PEM, JWKS_URL or ISSUER\n"), "{output}");
}

#[test]
fn describes_what_is_no_token() {
    for (token, message) in [
        ("garbage", "the header is not"),
        ("e30", "three parts"),
        ("e30.e30", "three parts"),
        ("e30.e30.e30.e30", "three parts"),
        ("e30.W10.", "the payload is not a JSON object"),
        ("e30=.e30.", "the header is not base64url"),
    ] {
        let (is_valid, output) = inspect(token, &[("SECRET", SECRET)]);
        assert!(!is_valid && output.contains(message), "{token}: {output}");
    }
}

#[test]
fn a_token_cannot_control_the_terminal() {
    let payload = "{\"\\u001b[2J\":\"\u{9b}2J\u{7f}\u{202e}\u{2028}\",\"exp\":1}";
    let token = format!("{}.{}.", encode("{\"alg\":\"HS256\"}"), encode(payload));
    let (is_valid, output) = inspect(&token, &[]);
    assert!(!is_valid);
    let is_plain = |c: char| c == '\n' || c == ' ' || c.is_ascii_graphic();
    assert!(output.chars().all(is_plain), "{output:?}");
}

#[test]
fn reports_times_beyond_the_calendar() {
    for exp in ["99999999999999", "-99999999999999", "9223372036854775807", "1e300", "\"soon\""] {
        let payload = format!("{{\"exp\":{exp},\"iat\":{exp},\"token_type\":\"access\"}}");
        let token = format!("{}.{}.", encode("{\"alg\":\"HS256\"}"), encode(payload));
        let (is_valid, output) = inspect(&token, &[("SECRET", SECRET)]);
        assert!(!is_valid && output.contains("\ninvalid: "), "{output}");
    }
    let far = TestToken::new(42).issued_at(NumericDate::from_secs(0)).sign(&key());
    let (_, output) = inspect(&far, &[("SECRET", SECRET)]);
    assert!(output.contains("1970-01-01T01:00:00Z, ") && output.contains(" days ago"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_the_keys_of_a_provider() {
    let provider = FakeProvider::start().await.unwrap();
    let token = provider.sign(TestToken::new("ada").rfc9068("app").with_audience(API));
    let (issuer, url) = (provider.issuer(), provider.jwks_url());
    for source in [None, Some(("JWKS_URL", &*url))] {
        let variables = [("ISSUER", &*issuer), ("AUDIENCE", API), ("ALLOW_HTTP", "1")];
        let variables: Vec<_> = variables.into_iter().chain(source).collect();
        let (is_valid, output) = inspect(&token, &variables);
        assert!(is_valid, "{output}");
    }
    provider.set_available(false);
    let variables = [("ISSUER", &*issuer), ("AUDIENCE", API), ("ALLOW_HTTP", "1")];
    let (is_valid, output) = inspect(&token, &variables);
    assert!(!is_valid && output.contains("\nnot verified: "), "{output}");
}
