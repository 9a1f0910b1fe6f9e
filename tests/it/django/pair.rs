//! Django and the example on one database, with the same requests.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt::Write,
    sync::Arc,
};

use serde_json::{Value, json};

use crate::support::{reply::Reply, server::Server};

use super::{
    configuration::Configuration,
    database::{Database, Engine, Rows},
    deviations::{self, NO_STORE},
    effect::Effect,
    minting::Mint,
    project::{Django, FEW_ITERATIONS, SECRET_KEY, Settings},
    response::{Normalized, Seen},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Django,
    Ours,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Django, Self::Ours];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Django => Self::Ours,
            Self::Ours => Self::Django,
        }
    }

    /// The element of this side.
    pub(super) fn of<T>(self, both: &[T; 2]) -> &T {
        &both[self as usize]
    }
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) line: String,
    pub(super) headers: String,
    pub(super) body: Vec<u8>,
}

pub(super) struct Pair {
    pub(super) configuration: Configuration,
    pub(super) database: Database,
    pub(super) django: Django,
    pub(super) ours: Server,
    /// What each side has responded so far.
    seen: [RefCell<Seen>; 2],
    compared: Cell<usize>,
    differences: RefCell<String>,
    deviations: RefCell<BTreeSet<&'static str>>,
}

impl Pair {
    /// `None` if Django or the database is not installed.
    pub(super) fn start(engine: Engine, configuration: Configuration) -> Option<Self> {
        super::project::python()?;
        let database = Database::new(engine, configuration.blacklist_app)?;
        Some(Self::start_on(database, configuration, FEW_ITERATIONS))
    }

    pub(super) fn start_on(
        database: Database,
        configuration: Configuration,
        password_iterations: u32,
    ) -> Self {
        let django = Django::start(&Settings {
            simple_jwt: configuration.simple_jwt.clone(),
            blacklist_app: configuration.blacklist_app,
            database: database.settings.clone(),
            password_iterations,
            local_zone: configuration.local_zone,
        });
        let ours = start_ours(&database, &configuration, password_iterations);
        let seen = || RefCell::new(Seen::new(&configuration, &database));
        Self {
            seen: [seen(), seen()],
            configuration,
            database,
            django,
            ours,
            compared: Cell::new(0),
            differences: RefCell::default(),
            deviations: RefCell::default(),
        }
    }

    /// Sends a request without comparing.
    pub(super) fn send(&self, side: Side, request: &Request) -> Reply {
        let Request { line, headers, body } = request;
        match side {
            Side::Django => self.django.send(line, headers, body),
            Side::Ours => self.ours.send(line, headers, body),
        }
    }

    pub(super) fn case(&self, name: impl Into<String>) -> Case<'_> {
        Case { pair: self, name: name.into(), deviation: None }
    }

    /// Sends a request to both sides, and compares the responses and rows.
    pub(super) fn compare(
        &self,
        name: impl Into<String>,
        request: impl Fn(Side) -> Request,
    ) -> [Reply; 2] {
        self.case(name).send(request)
    }

    /// Sends a request to one side. Returns the response and the effect on the rows.
    fn observe(&self, side: Side, request: &Request) -> (Reply, Normalized, Effect) {
        let before = self.database.rows();
        let reply = self.send(side, request);
        let after = self.database.rows();
        let mut seen = side.of(&self.seen).borrow_mut();
        seen.record_request(&request.headers);
        seen.record_request(&String::from_utf8_lossy(&request.body));
        let response = Normalized::read(&reply, &mut seen);
        let effect = if Arc::ptr_eq(&before, &after) {
            Effect::default()
        } else {
            Effect::between(&before, &after, &mut seen)
        };
        (reply, response, effect)
    }

    pub(super) fn rows(&self) -> Arc<Rows> {
        self.database.rows()
    }

    /// Records a failure. All failures are reported at the end.
    pub(super) fn fail(&self, name: &str, what: &str) {
        let _ = writeln!(self.differences.borrow_mut(), "- {name}: {what}");
    }

    pub(super) fn expect(&self, name: &str, holds: bool) {
        if !holds {
            self.fail(name, "does not hold");
        }
    }

    /// Records a deviation.
    pub(super) fn record(&self, deviation: &'static str) {
        deviations::assert_is_documented(deviation);
        self.deviations.borrow_mut().insert(deviation);
    }

    /// Ends the comparison.
    pub(super) fn finish(self, at_least: usize) {
        let (compared, differences) = (self.compared.get(), self.differences.into_inner());
        assert!(
            differences.is_empty(),
            "{compared} requests compared, with differences:\n{differences}"
        );
        assert!(compared >= at_least, "only {compared} requests were compared");
        deviations::assert_have_occurred(&self.configuration, &self.deviations.into_inner());
    }
}

pub(super) fn start_ours(
    database: &Database,
    configuration: &Configuration,
    password_iterations: u32,
) -> Server {
    Server::start(
        "django",
        &[
            ("PORT", "0"),
            ("SECRET_KEY", SECRET_KEY),
            ("DATABASE_URL", &database.url),
            ("SIMPLE_JWT", &configuration.simple_jwt.to_string()),
            ("TOKEN_BLACKLIST_APP", if configuration.blacklist_app { "1" } else { "0" }),
            ("PASSWORD_ITERATIONS", &password_iterations.to_string()),
            ("TIME_ZONE", configuration.local_zone.unwrap_or_default()),
            ("TZ", configuration.process_zone),
        ],
    )
}

/// A request whose responses are compared.
#[must_use]
pub(super) struct Case<'p> {
    pair: &'p Pair,
    name: String,
    deviation: Option<Deviation>,
}

/// Our response to a request, and the row of the docs that permits it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deviation {
    pub(super) name: &'static str,
    pub(super) status: u16,
    /// A part of the body.
    pub(super) text: &'static str,
}

impl Case<'_> {
    /// Expects that our response deviates: with this status, and a body that contains `text`.
    pub(super) fn differs(self, deviation: &'static str, status: u16, text: &'static str) -> Self {
        self.differs_if(true, deviation, status, text)
    }

    pub(super) fn differs_if(
        self,
        condition: bool,
        deviation: &'static str,
        status: u16,
        text: &'static str,
    ) -> Self {
        self.differs_as(condition.then_some(Deviation { name: deviation, status, text }))
    }

    pub(super) fn differs_as(self, deviation: Option<Deviation>) -> Self {
        Self { deviation, ..self }
    }

    pub(super) fn send(self, request: impl Fn(Side) -> Request) -> [Reply; 2] {
        let Self { pair, name, deviation } = self;
        let (django_reply, of_django, django_effect) =
            pair.observe(Side::Django, &request(Side::Django));
        let our_request = request(Side::Ours);
        let (our_reply, mut of_ours, mut our_effect) = pair.observe(Side::Ours, &our_request);
        pair.compared.set(pair.compared.get() + 1);

        let slides = our_request.line.contains("/sliding/refresh/");
        let excused = of_ours.excuse(&of_django);
        for deviation in excused.into_iter().chain(our_effect.excuse(&django_effect, slides)) {
            pair.record(deviation);
        }
        if our_request.line.contains(" /api/token/") {
            let stored = [&django_reply, &our_reply].map(|reply| reply.header("cache-control"));
            match stored.each_ref().map(Vec::as_slice) {
                [[], ["no-store"]] => pair.record(NO_STORE),
                other => pair.fail(&name, &format!("{other:?}")),
            }
        }
        let equal = of_django == of_ours && django_effect == our_effect;
        let what = || {
            format!(
                "\n    Django: {of_django:?} {django_effect:?}\n    ours:   {of_ours:?} {our_effect:?}"
            )
        };
        match deviation {
            None if !equal => pair.fail(&name, &what()),
            None => {}
            Some(Deviation { name: deviation, .. }) if equal => {
                pair.fail(&name, &format!("the deviation did not occur ({deviation}): {}", what()));
            }
            Some(Deviation { name: deviation, status, text }) => {
                pair.record(deviation);
                if of_ours.status != status || !our_reply.body.contains(text) {
                    pair.fail(&name, &format!("{status} {text:?} expected: {}", what()));
                }
            }
        }
        [django_reply, our_reply]
    }
}

pub(super) fn post(path: &str, body: &Value) -> Request {
    post_bytes(path, "application/json", body.to_string())
}

pub(super) fn post_bytes(path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Request {
    let headers = format!("content-type: {content_type}\r\n");
    Request { line: format!("POST {path}"), headers, body: body.into() }
}

pub(super) fn get(path: &str, headers: impl Into<String>) -> Request {
    Request { line: format!("GET {path}"), headers: headers.into(), body: Vec::new() }
}

pub(super) fn log_in(path: &str, username: &str) -> Request {
    log_in_with(path, username, &format!("{username}-password"))
}

pub(super) fn log_in_with(path: &str, username: &str, password: &str) -> Request {
    post(path, &json!({"username": username, "password": password}))
}

impl Pair {
    /// A request with a token in the configured header.
    pub(super) fn with_token(&self, path: &str, token: &str) -> Request {
        get(path, self.header(&format!("{} {token}", self.scheme())))
    }

    /// The configured header with this value.
    pub(super) fn header(&self, value: &str) -> String {
        let name = self.configuration.get("AUTH_HEADER_NAME").as_str();
        let name = name.unwrap_or("HTTP_AUTHORIZATION").trim_start_matches("HTTP_");
        format!("{}: {value}\r\n", name.replace('_', "-"))
    }

    pub(super) fn scheme(&self) -> String {
        self.configuration.list("AUTH_HEADER_TYPES", "Bearer").remove(0)
    }

    /// Mints tokens for this configuration.
    pub(super) fn mint(&self) -> Mint {
        let digest = self.configuration.is_on("CHECK_REVOKE_TOKEN").then(|| {
            let login = self.send(Side::Django, &log_in("/api/token/", "alice"));
            let claims = crate::support::login::payload(login.json()["refresh"].as_str().unwrap());
            claims[self.configuration.get("REVOKE_TOKEN_CLAIM").as_str().unwrap()].clone()
        });
        Mint::new(&self.configuration, digest)
    }

    /// The user's id in tokens.
    pub(super) fn user(&self, username: &str) -> Value {
        if self.configuration.get("USER_ID_FIELD") == "username" {
            return username.into();
        }
        let rows = self.rows();
        let user = rows.users.iter().find(|user| user.username == username).unwrap();
        user.id.to_string().into()
    }
}
