//! Who has access to the files and to their folder. On other systems than Unix, nothing is checked.

use std::{
    fs::{self, DirBuilder, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Creates `folder` and its missing parents with access for the owner only.
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Options to write a file. A file that is created is accessible to its owner only, from the start.
pub(super) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Fails if the group or other users can write to `folder`.
pub(super) fn check_protected_folder(folder: &Path) -> io::Result<()> {
    check_mode(&fs::metadata(folder)?, 0o022, "the key folder must not be writable")
}

/// Fails if the group or other users have access to the file.
pub(super) fn check_private_file(file: &Metadata) -> io::Result<()> {
    check_mode(file, 0o077, "a file of the key folder must not be accessible")
}

#[cfg(unix)]
fn check_mode(metadata: &Metadata, forbidden: u32, rule: &str) -> io::Result<()> {
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    let message = format!("{rule} to its group or to other users, but its mode is {mode:04o}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}

#[cfg(not(unix))]
fn check_mode(_: &Metadata, _: u32, _: &str) -> io::Result<()> {
    Ok(())
}
