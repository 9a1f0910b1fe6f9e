//! The secret that signs the tokens.

use std::{
    env,
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use aws_lc_rs::rand;
use tower_jwt_auth::SigningKey;

/// The file with the secret, in the folder of the database.
const FILE: &str = "webapp.secret";

/// The key of `JWT_SECRET`. Without it, that of the file, which is created if it is missing.
pub(crate) fn signing_key(folder: &Path) -> Result<SigningKey, Box<dyn Error>> {
    if let Some(secret) = env::var_os("JWT_SECRET") {
        let key = SigningKey::hs256(secret.as_encoded_bytes());
        return Ok(key.map_err(|error| format!("JWT_SECRET: {error}"))?);
    }
    let path = folder.join(FILE);
    let failed = |error: &dyn Error| format!("{}: {error}", path.display());
    let secret = read_or_create(&path).map_err(|error| failed(&error))?;
    Ok(SigningKey::hs256(secret.trim_ascii()).map_err(|error| failed(&error))?)
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
