//! A server with a way to log in, and what is measured about it.

use std::error::Error;

use crate::{process::Process, reply::Reply};

pub(crate) const LOGIN_BODY: &str = r#"{"username":"ada","password":"analytical-engine"}"#;
/// A protected route, whose response has the name of the user.
pub(crate) const PATH: &str = "/api/me";

pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// Two processes that share a store.
    pub(crate) processes: [Process; 2],
    pub(crate) login_path: &'static str,
    /// Method and path.
    pub(crate) logout: &'static str,
    pub(crate) credential: Credential,
    pub(crate) store: Box<dyn Store>,
    /// Whether the layer knows of a logout before the token expires.
    pub(crate) sees_logouts: bool,
}

/// Where the response to a login has the credential.
pub(crate) enum Credential {
    Cookies,
    /// In this member of the body.
    Bearer(&'static str),
}

/// The server process of a store, if there is one, and its counter of calls.
pub(crate) trait Store {
    fn process_id(&self) -> Option<u32>;
    fn calls(&self, server: &Process) -> Result<u64, Box<dyn Error>>;
}

impl Subject {
    /// Logs in at the first process. Returns the header for the next request.
    pub(crate) fn log_in(&self) -> Result<String, Box<dyn Error>> {
        let headers = "content-type: application/json\r\n";
        let reply =
            self.processes[0].send(&format!("POST {}", self.login_path), headers, LOGIN_BODY)?;
        if !reply.status.is_success() {
            return Err(format!("{}: login: {reply:?}", self.name).into());
        }
        Ok(match self.credential {
            Credential::Cookies => format!("cookie: {}", cookies(&reply)),
            Credential::Bearer(member) => {
                let token = reply.json()[member].as_str().ok_or("no token")?.to_owned();
                format!("authorization: Bearer {token}")
            }
        })
    }

    pub(crate) fn log_out(&self, header: &str) -> Result<(), Box<dyn Error>> {
        let headers = format!("{header}\r\nsec-fetch-site: same-origin\r\n");
        let reply = self.processes[0].send(self.logout, &headers, "")?;
        if reply.status.is_success() { Ok(()) } else { Err(format!("logout: {reply:?}").into()) }
    }
}

fn cookies(reply: &Reply) -> String {
    let cookies = reply.header("set-cookie").into_iter();
    let pairs: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
    pairs.join("; ")
}
