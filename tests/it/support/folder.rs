//! Folders that are gone when they are dropped.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("tower-jwt-auth-{}-{number}", process::id()));
        // Whatever the umask is: a key folder must not be writable to others.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).unwrap();
        Self(path)
    }

    /// One for all tests of this process, which cannot drop it: it is gone when the process is.
    pub(crate) fn of_the_process() -> Self {
        let folder = Self::new();
        let script = "trap '' INT TERM; read -r line; rm -rf \"$1\"";
        let mut keeper = Command::new("sh");
        keeper.args(["-c", script, "keeper"]).arg(&folder.0).stdin(Stdio::piped());
        // Its input ends with this process.
        Box::leak(Box::new(keeper.spawn().unwrap()));
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
