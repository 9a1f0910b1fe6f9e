use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::storage::{KeyState, KeyStorage, KeyStorageError};

/// How long others may hold the lock, which they need for a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keys in a folder of a local file system, which copies of a service on one machine may share.
///
/// It is made when first needed, for its owner alone, and holds:
///
/// - `keys.json`, with mode 0600: per key its `kid`, `alg` and times, and as `private_key` the
///   base64url of its PKCS#8, or of the secret. It is only ever replaced by renaming a complete
///   file over it, so that readers find the old one or the new one, also after a crash;
/// - `keys.lock`, which a copy locks while it replaces the former. The lock ends with the process.
///
/// Whoever can read the folder can sign.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// The folder at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl KeyStorage for KeyFolder {
    async fn load(&self) -> Result<Option<KeyState>, KeyStorageError> {
        let folder = self.0.clone();
        blocking(move || load(&folder)).await
    }

    async fn replace(
        &self,
        expected: Option<&KeyState>,
        new: &KeyState,
    ) -> Result<bool, KeyStorageError> {
        let (folder, expected, new) = (self.0.clone(), expected.cloned(), new.clone());
        blocking(move || replace(&folder, expected.as_ref(), &new)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, KeyStorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(KeyStorageError::unavailable)?.map_err(KeyStorageError::unavailable)
}

fn load(folder: &Path) -> io::Result<Option<KeyState>> {
    match fs::read(folder.join("keys.json")) {
        Ok(bytes) => Ok(Some(KeyState::new(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn replace(folder: &Path, expected: Option<&KeyState>, new: &KeyState) -> io::Result<bool> {
    create_folder(folder)?;
    // Held until it is closed, at the end or by whatever ends the process.
    let lock = owner_only().create(true).truncate(false).open(folder.join("keys.lock"))?;
    lock_in_time(&lock)?;
    if load(folder)?.as_ref() != expected {
        return Ok(false);
    }
    let unfinished = folder.join("keys.json.new");
    // One that a crash has left behind may be of any content.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = owner_only().create_new(true).open(&unfinished)?;
    file.write_all(new.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join("keys.json"))?;
    sync_folder(folder)?;
    Ok(true)
}

/// Locks `file`, unless who holds the lock hangs: each try would then keep a thread for good.
fn lock_in_time(file: &File) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                thread::sleep(Duration::from_millis(5));
            }
            answer => return Ok(answer?),
        }
    }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens for writing; a file that is made is its owner's alone from the first moment.
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a renaming last. Only Unix can open a folder for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
