//! Mails, which this example does not send: they are files in a folder, or on the page `/outbox`.
//!
//! An application implements [`Mailer`] for its mail service. With `lettre`, for example:
//!
//! ```text
//! let mail = lettre::Message::builder().from(sender).to(message.to().parse()?).subject(subject);
//! smtp_transport.send(mail.body(text)?).await?;
//! ```

use std::{
    collections::VecDeque,
    fmt::Write as _,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use axum::{
    Router,
    http::header::CACHE_CONTROL,
    response::{Html, IntoResponse},
    routing::get,
};
use serde_json::json;
use tokio::task::spawn_blocking;
use tower_jwt_auth::mail::{MailError, Mailer, Message};

/// How many mails the page shows.
const MAX_MAILS: usize = 100;

#[derive(Clone)]
pub(crate) enum Outbox {
    Folder(Arc<Path>),
    Page(Arc<Mutex<VecDeque<Message>>>),
}

impl Outbox {
    /// Fails if mails cannot be written to the folder.
    pub(crate) fn new(folder: Option<PathBuf>) -> Result<Self, String> {
        let Some(folder) = folder else { return Ok(Self::Page(Arc::default())) };
        let checked =
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).and_then(|()| {
                let probe = folder.join(format!(".{}.tmp", process::id()));
                fs::write(&probe, "")?;
                fs::remove_file(probe)
            });
        match checked {
            Ok(()) => Ok(Self::Folder(folder.into())),
            Err(error) => Err(format!("OUTBOX: {}: {error}", folder.display())),
        }
    }

    /// The page with the mails, if there is one.
    pub(crate) fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let Self::Page(mails) = self.clone() else { return Router::new() };
        let page = async move || {
            let mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
            ([(CACHE_CONTROL, "no-store")], Html(page(mails.iter()))).into_response()
        };
        Router::new().route("/outbox", get(page))
    }
}

impl Mailer for Outbox {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        match self {
            Self::Folder(folder) => {
                let folder = Arc::clone(folder);
                let written = spawn_blocking(move || write_file(&folder, &message)).await;
                written.map_err(MailError::new)?.map_err(MailError::new)
            }
            Self::Page(mails) => {
                let mut mails = mails.lock().unwrap_or_else(PoisonError::into_inner);
                mails.truncate(MAX_MAILS - 1);
                mails.push_front(message);
                Ok(())
            }
        }
    }
}

/// Writes a file of its own for the message. It has its name once it is complete.
fn write_file(folder: &Path, message: &Message) -> io::Result<()> {
    let mail = json!({
        "kind": message.kind().as_str(),
        "to": message.to(),
        "token": message.token(),
        "link": message.link(),
    });
    let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let name = format!("{}-{}", since_epoch.as_nanos(), process::id());
    let draft = folder.join(format!(".{name}.tmp"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(mail.to_string().as_bytes())?;
    fs::rename(draft, folder.join(format!("{name}.json")))
}

fn page<'m>(mails: impl ExactSizeIterator<Item = &'m Message>) -> String {
    let mut list = String::new();
    if mails.len() == 0 {
        list.push_str("<p>There are no mails yet.</p>");
    }
    for mail in mails {
        let (kind, to) = (mail.kind().as_str().replace('_', " "), escape(mail.to()));
        let token = mail.token().map_or_else(String::new, |token| {
            format!("<dt>Token</dt><dd><code>{}</code></dd>", escape(token))
        });
        let link = mail.link().map_or_else(String::new, |link| {
            let link = escape(link);
            format!("<dt>Link</dt><dd><a href=\"{link}\">{link}</a></dd>")
        });
        let _ = write!(
            list,
            "<article><h2>{kind}</h2><dl><dt>To</dt><dd>{to}</dd>{link}{token}</dl></article>"
        );
    }
    include_str!("static/outbox.html").replace("{mails}", &list)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(char),
        }
    }
    escaped
}
