use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    permissions::{
        check_private_file, check_protected_folder, create_private_folder, private_file,
    },
    storage::{KeyStorage, KeyStorageError, StoredKeys},
};

const KEYS_FILE: &str = "keys.json";
/// Written completely, then renamed to [`KEYS_FILE`].
const NEW_KEYS_FILE: &str = "keys.json.new";
const LOCK_FILE: &str = "keys.lock";

/// Other copies hold the lock for a few milliseconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Keys in a folder of a local file system. Copies of a service on one machine can share it.
///
/// The folder is created when it is first needed, with access for its owner only. It contains:
///
/// - `keys.json`, with mode 0600. For each key it has the `kid`, the `alg`, the times, and as
///   `private_key` the base64url of the PKCS#8 document or of the secret. The file is replaced only
///   by renaming a complete file, so that a reader finds either the old or the new one, also after
///   a crash.
/// - `keys.lock`, which a copy locks while it replaces `keys.json`. The lock ends with the process.
///
/// # Permissions
///
/// Anyone who can read `keys.json` can sign tokens. Anyone who can write to the folder can add a key.
/// On Unix, the folder is therefore rejected if its group or other users can write to it, and the
/// files are rejected if their group or other users have any access. The same must hold for the
/// folders above it, which are not checked. If a volume is mounted with access for all users, use a
/// folder inside it.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// Uses the folder at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl KeyStorage for KeyFolder {
    async fn load(&self) -> Result<Option<StoredKeys>, KeyStorageError> {
        let folder = self.0.clone();
        spawn_blocking(move || load(&folder)).await
    }

    async fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> Result<bool, KeyStorageError> {
        let (folder, expected, new) = (self.0.clone(), expected.cloned(), new.clone());
        spawn_blocking(move || replace(&folder, expected.as_ref(), &new)).await
    }
}

async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, KeyStorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(KeyStorageError::unavailable)?.map_err(KeyStorageError::unavailable)
}

#[allow(clippy::verbose_file_reads, reason = "the buffer must have its size from the start")]
fn load(folder: &Path) -> io::Result<Option<StoredKeys>> {
    let mut file = match File::open(folder.join(KEYS_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    check_protected_folder(folder)?;
    let metadata = file.metadata()?;
    check_private_file(&metadata)?;
    // A buffer that grows would leave unwiped copies behind.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.read_to_end(&mut bytes)?;
    Ok(Some(StoredKeys::new(bytes)))
}

fn replace(folder: &Path, expected: Option<&StoredKeys>, new: &StoredKeys) -> io::Result<bool> {
    create_private_folder(folder)?;
    check_protected_folder(folder)?;
    // The lock is released when the file is closed: at the end of this function or of the process.
    let lock = private_file().create(true).truncate(false).open(folder.join(LOCK_FILE))?;
    // Another user who can open it could hold the lock.
    check_private_file(&lock.metadata()?)?;
    lock_with_timeout(&lock)?;
    if load(folder)?.as_ref() != expected {
        return Ok(false);
    }
    let new_file = folder.join(NEW_KEYS_FILE);
    // A crash may have left one with any content and any permissions.
    match fs::remove_file(&new_file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private_file().create_new(true).open(&new_file)?;
    file.write_all(new.as_bytes())?;
    file.sync_all()?;
    fs::rename(new_file, folder.join(KEYS_FILE))?;
    sync_folder(folder)?;
    Ok(true)
}

/// Locks `file`. Without a timeout, a process that hangs while it holds the lock would block one
/// thread of this process for each attempt.
#[allow(clippy::incompatible_msrv, reason = "this feature requires Rust 1.89")]
fn lock_with_timeout(file: &File) -> io::Result<()> {
    let until = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                thread::sleep(LOCK_RETRY_INTERVAL);
            }
            result => return Ok(result?),
        }
    }
}

/// Makes a rename durable. Only Unix can open a folder for this.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
