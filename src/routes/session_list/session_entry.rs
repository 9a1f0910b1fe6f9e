use serde::Serialize;
use serde_json::Value;

use crate::store::Session;

/// A session as its user sees it.
#[derive(Serialize)]
pub(super) struct SessionEntry {
    id: Box<str>,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    /// Whether it is the session of the request.
    current: bool,
    /// `None` if sessions have no labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Value>,
}

impl SessionEntry {
    /// Describes `session` for a request of the session `current`.
    pub(super) fn new(session: Session, current: Option<&str>, has_labels: bool) -> Self {
        let Session { id, created_at, last_used_at, expires_at, label, .. } = session;
        Self {
            current: current == Some(&*id),
            id,
            created_at: created_at.to_rfc3339(),
            last_used_at: last_used_at.to_rfc3339(),
            expires_at: expires_at.to_rfc3339(),
            label: (has_labels || label.is_some()).then(|| label.as_deref().into()),
        }
    }
}
