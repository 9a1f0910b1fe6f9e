//! Load by `wrk`.

use std::{error::Error, fs, process::Command};

use crate::{folder::Folder, subject::LOGIN_BODY};

pub(crate) struct Load {
    pub(crate) requests: f64,
    pub(crate) per_second: f64,
    pub(crate) p99_millis: f64,
}

pub(crate) fn get(
    address: &str,
    path: &str,
    header: &str,
    seconds: u32,
) -> Result<Load, Box<dyn Error>> {
    run(&["-H", header], &format!("http://{address}{path}"), 16, seconds)
}

pub(crate) fn log_in(address: &str, path: &str, seconds: u32) -> Result<Load, Box<dyn Error>> {
    let folder = Folder::new();
    let script = folder.path().join("login.lua");
    fs::write(
        &script,
        format!(
            "wrk.method = 'POST'\nwrk.body = '{LOGIN_BODY}'\n\
             wrk.headers['content-type'] = 'application/json'\n"
        ),
    )?;
    let script = script.to_str().ok_or("the path is not UTF-8")?;
    run(&["-s", script], &format!("http://{address}{path}"), 4, seconds)
}

fn run(
    options: &[&str],
    url: &str,
    connections: u32,
    seconds: u32,
) -> Result<Load, Box<dyn Error>> {
    let output = Command::new("wrk")
        .args(["-t1", "--latency", &format!("-c{connections}"), &format!("-d{seconds}s")])
        .args(options)
        .arg(url)
        .output()
        .map_err(|error| format!("cannot run `wrk`: {error}"))?;
    let report = String::from_utf8(output.stdout)?;
    let value =
        |name: &str| report.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests = report.lines().find_map(|line| line.trim().split_once(" requests in"));
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(format!("{url}: {report}").into());
    }
    Ok(Load {
        requests: requests.ok_or("no count")?.0.parse()?,
        per_second: value("Requests/sec:").ok_or("no figure")?.parse()?,
        p99_millis: millis(value("99%").ok_or("no percentile")?)?,
    })
}

fn millis(text: &str) -> Result<f64, Box<dyn Error>> {
    let (digits, factor) = if let Some(digits) = text.strip_suffix("us") {
        (digits, 1e-3)
    } else if let Some(digits) = text.strip_suffix("ms") {
        (digits, 1.0)
    } else {
        (text.trim_end_matches('s'), 1e3)
    };
    Ok(digits.parse::<f64>()? * factor)
}
