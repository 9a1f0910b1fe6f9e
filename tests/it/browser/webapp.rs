//! The example `webapp`, used as people do.

use serde_json::json;

use crate::{server::Store, support::server::Server, webapp::outbox::Outbox};

use super::driver::Tab;

/// The password of all users at first.
pub(super) const PASSWORD: &str = "three quiet green lamps";

/// The example with an empty database.
pub(super) struct Webapp {
    pub(super) server: Server,
    pub(super) outbox: Outbox,
    _database: Store,
}

impl Webapp {
    pub(super) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_on(Store::sqlite().unwrap(), variables)
    }

    pub(super) fn start_on(database: Store, variables: &[(&str, &str)]) -> Self {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, variables);
        Self { server, outbox, _database: database }
    }

    /// The example whose mails are on a page.
    pub(super) fn with_page_of_mails() -> Self {
        let database = Store::sqlite().unwrap();
        let server = crate::webapp::start(&database.url, &[]);
        Self { server, outbox: Outbox::new(), _database: database }
    }

    pub(super) fn url(&self, path: &str) -> String {
        let (_, port) = self.server.address().rsplit_once(':').unwrap();
        format!("http://localhost:{port}{path}")
    }

    /// Opens the page and waits until it shows the view.
    pub(super) fn open(&self, tab: &Tab<'_>, view: &str) {
        tab.open(&self.url(&format!("/#{view}")));
        wait_for_view(tab, view);
    }

    /// Signs up as ada with the form of the page, which also logs in.
    pub(super) fn sign_up(&self, tab: &Tab<'_>) {
        self.open(tab, "sign-up");
        tab.replace("#sign-up-username", "ada");
        tab.replace("#sign-up-email", "ada@mail.example");
        tab.replace("#sign-up-password", PASSWORD);
        tab.click("#sign-up-form button");
        wait_for_view(tab, "notes");
    }

    /// Logs in as ada with the form of the page.
    pub(super) fn log_in(&self, tab: &Tab<'_>) {
        self.open(tab, "log-in");
        submit_login(tab, PASSWORD);
        wait_for_view(tab, "notes");
    }

    /// The link of the newest mail of this kind to ada.
    pub(super) fn link(&self, kind: &str, count: usize) -> String {
        let mail = self.outbox.wait(kind, "ada@mail.example", count);
        mail["link"].as_str().unwrap().to_owned()
    }
}

/// Sends the form of the login.
pub(super) fn submit_login(tab: &Tab<'_>, password: &str) {
    tab.replace("#log-in-username", "ada");
    tab.replace("#log-in-password", password);
    tab.click("#log-in-form button");
}

/// Waits until the view is shown, and no other.
pub(super) fn wait_for_view(tab: &Tab<'_>, view: &str) {
    let name = json!(view);
    tab.wait_for(&format!(
        "[...document.querySelectorAll('[data-view]:not([hidden])')]
            .map(({{ dataset }}) => dataset.view).join() === {name}"
    ));
}

/// Follows a link of the navigation.
pub(super) fn go_to(tab: &Tab<'_>, view: &str) {
    tab.click(&format!("nav a[href='#{view}']"));
    wait_for_view(tab, view);
}

pub(super) fn wait_for_text(tab: &Tab<'_>, selector: &str, text: &str) {
    let (selector, text) = (json!(selector), json!(text));
    tab.wait_for(&format!("document.querySelector({selector}).textContent.includes({text})"));
}

pub(super) fn add_note(tab: &Tab<'_>, text: &str) {
    tab.type_into("#note-text", text);
    tab.click("#add-note button");
    wait_for_text(tab, "#notes", text);
    tab.wait_for("document.querySelector('#note-text').value === ''");
}
