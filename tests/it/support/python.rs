//! Python scripts, with the packages of `tests/requirements.txt`.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Runs `script` with `input`, and returns its output, both as JSON. `None` if Python is not set up.
pub(crate) fn run(script: &str, input: &Value) -> Option<Value> {
    let Some(python) = env::var_os("TOWER_JWT_AUTH_PYTHON") else {
        eprintln!("skipped: TOWER_JWT_AUTH_PYTHON is not set (tests/run sets it)");
        return None;
    };
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("TOWER_JWT_AUTH_PYTHON names a Python");
    child.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: are the packages installed?");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
