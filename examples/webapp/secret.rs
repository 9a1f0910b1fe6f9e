//! The secret of the application.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use aws_lc_rs::{hmac, rand};
use tower_jwt_auth::SigningKey;

/// The file with the secret, in the folder of the database.
const FILE: &str = "webapp.secret";

/// What tokens are signed with, and what the keys of authenticator apps are encrypted with.
pub(crate) struct Secret {
    bytes: Vec<u8>,
    /// Where it comes from, for errors.
    source: String,
}

impl Secret {
    /// `JWT_SECRET`. Without it, that of the file, which is created if it is missing.
    pub(crate) fn load(folder: &Path) -> Result<Self, String> {
        if let Some(secret) = env::var_os("JWT_SECRET") {
            return Ok(Self { bytes: secret.into_encoded_bytes(), source: "JWT_SECRET".into() });
        }
        let path = folder.join(FILE);
        let source = path.display().to_string();
        match read_or_create(&path) {
            Ok(secret) => Ok(Self { bytes: secret.trim_ascii().to_vec(), source }),
            Err(error) => Err(format!("{source}: {error}")),
        }
    }

    pub(crate) fn signing_key(&self) -> Result<SigningKey, String> {
        SigningKey::hs256(&self.bytes).map_err(|error| format!("{}: {error}", self.source))
    }

    /// A key that is derived from the secret, so that no secret has two purposes.
    pub(crate) fn totp_key(&self) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.bytes);
        let mut derived = [0; 32];
        derived.copy_from_slice(hmac::sign(&key, b"webapp: keys of authenticator apps").as_ref());
        derived
    }
}

fn read_or_create(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            Err(io::Error::other("others must not have access to the file (chmod 600)"))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(path)?;
            fs::read(path)
        }
        _ => fs::read(path),
    }
}

/// Several copies may start at once: the first one sets the secret, and no other reads half of it.
fn create(path: &Path) -> io::Result<()> {
    let draft = path.with_extension(format!("secret.{}", &random_secret()?[..16]));
    let mut file: File =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let result = random_secret()
        .and_then(|secret| file.write_all(secret.as_bytes()))
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        });
    fs::remove_file(&draft)?;
    result
}

/// 32 random bytes in hexadecimal.
fn random_secret() -> io::Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
