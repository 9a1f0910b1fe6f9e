//! Finding out at the start that a store can never work.

use std::{fs::File, io::Read, path::Path, time::Duration};

use tokio::time::timeout;
use tower_jwt_auth::store::{StoreErrorKind, TokenStore};

use crate::settings::with_causes;

/// How long the start waits for the store.
const STORE_CHECK: Duration = Duration::from_secs(3);

/// The first bytes of a database file.
const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// The path in a URL of SQLite.
pub(crate) fn sqlite_path(url: &str) -> &Path {
    let path = url.trim_start_matches("sqlite:").split('?').next().unwrap_or_default();
    Path::new(path.strip_prefix("//").unwrap_or(path))
}

/// Rejects a path that can never be a database. A file or folder that is missing may still appear.
pub(crate) fn check_sqlite_file(setting: &str, url: &str) -> Result<(), String> {
    let path = sqlite_path(url);
    if path.is_dir() {
        return Err(format!("{setting}: the path is a directory"));
    }
    let mut start = [0; SQLITE_HEADER.len()];
    let read = File::open(path).and_then(|mut file| file.read(&mut start));
    if read.is_ok_and(|length| length > 0 && start != *SQLITE_HEADER) {
        return Err(format!("{setting}: the file is not a SQLite database"));
    }
    Ok(())
}

/// Fails if the store can never work. A store that is down may come back.
pub(crate) async fn check_store(setting: &str, store: &impl TokenStore) -> Result<(), String> {
    match timeout(STORE_CHECK, store.ping()).await {
        Ok(Err(error)) if error.kind() == StoreErrorKind::Misconfigured => {
            Err(format!("{setting}: {}", with_causes(&error)))
        }
        _ => Ok(()),
    }
}
