//! What is measured about a subject.

use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

use crate::{
    load::{self, Load},
    process::cpu_time,
    subject::{PATH, Subject},
};

const SECONDS: u32 = 2;
const LOGOUTS: usize = 20;
/// Longer than any subject that sees logouts takes.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Measured {
    pub(crate) subject: Subject,
    requests: Vec<f64>,
    p99_millis: Vec<f64>,
    server_micros: Vec<f64>,
    store_micros: Vec<f64>,
    logins: Vec<f64>,
    store_calls: f64,
    /// The longest.
    logout_seen: Option<Duration>,
}

impl Measured {
    pub(crate) const fn new(subject: Subject) -> Self {
        Self {
            subject,
            requests: Vec::new(),
            p99_millis: Vec::new(),
            server_micros: Vec::new(),
            store_micros: Vec::new(),
            logins: Vec::new(),
            store_calls: 0.0,
            logout_seen: None,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.subject.name
    }

    pub(crate) fn requests_per_second(&self) -> f64 {
        median(&self.requests)
    }

    /// One round.
    pub(crate) fn sample(&mut self) -> Result<(), Box<dyn Error>> {
        let header = self.subject.log_in()?;
        let [server, _] = &self.subject.processes;
        let store = self.subject.store.process_id();
        let store_time = || store.map_or(Ok(Duration::ZERO), cpu_time);
        let before = (server.cpu_time()?, store_time()?);
        let Load { requests, per_second, p99_millis } =
            load::get(server.address(), PATH, &header, SECONDS)?;
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / requests;
        self.server_micros.push(micros(server.cpu_time()? - before.0));
        self.store_micros.push(micros(store_time()? - before.1));
        self.requests.push(per_second);
        self.p99_millis.push(p99_millis);
        let logins = load::log_in(server.address(), self.subject.login_path, SECONDS)?;
        self.logins.push(logins.per_second);
        Ok(())
    }

    pub(crate) fn measure_once(&mut self) -> Result<(), Box<dyn Error>> {
        let [server, _] = &self.subject.processes;
        let header = self.subject.log_in()?;
        let before = self.subject.store.calls(server)?;
        let load = load::get(server.address(), PATH, &header, 1)?;
        let calls = self.subject.store.calls(server)? - before;
        self.store_calls = calls as f64 / load.requests;
        if self.subject.sees_logouts {
            let times = (0..LOGOUTS).map(|_| self.time_of_logout());
            self.logout_seen = times.collect::<Result<Vec<_>, _>>()?.into_iter().max();
        }
        Ok(())
    }

    fn time_of_logout(&self) -> Result<Duration, Box<dyn Error>> {
        let header = self.subject.log_in()?;
        let [_, other] = &self.subject.processes;
        let is_accepted = || -> Result<bool, Box<dyn Error>> {
            let reply = other.send(&format!("GET {PATH}"), &format!("{header}\r\n"), "")?;
            Ok(reply.status.is_success())
        };
        if !is_accepted()? {
            return Err(format!("{}: the other process rejects the login", self.name()).into());
        }
        self.subject.log_out(&header)?;
        let start = Instant::now();
        while is_accepted()? {
            if start.elapsed() > PATIENCE {
                return Err(format!("{}: the logout is not seen", self.name()).into());
            }
            thread::sleep(Duration::from_micros(200));
        }
        Ok(start.elapsed())
    }
}

pub(crate) fn print(subjects: &[Measured]) {
    println!(
        "| | requests/s | p99 | server CPU | store CPU | store calls | logout seen after | logins/s |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for measured in subjects {
        let seen = match measured.logout_seen {
            Some(time) if time < Duration::from_millis(2) => "at once".to_owned(),
            Some(time) => format!("{} ms", time.as_millis()),
            None => "expiry".to_owned(),
        };
        println!(
            "| {} | {:.0} | {:.2} ms | {:.1} µs | {:.1} µs | {:.2} | {seen} | {:.0} |",
            measured.name(),
            measured.requests_per_second(),
            median(&measured.p99_millis),
            median(&measured.server_micros),
            median(&measured.store_micros),
            measured.store_calls,
            median(&measured.logins),
        );
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
