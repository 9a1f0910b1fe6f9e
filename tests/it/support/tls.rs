//! Certificates from private certificate authorities.

use std::{env, fs, path::PathBuf, process::Command};

use super::folder::Folder;

/// The authorities `ca` and `other`, and `certificate.pem` with `key.pem`: a certificate for
/// `localhost` that `ca` has signed.
pub(crate) struct Certificates(Folder);

impl Certificates {
    /// `None` if OpenSSL is not installed.
    pub(crate) fn make() -> Option<Self> {
        if !is_openssl_installed() {
            return None;
        }
        let certificates = Self(Folder::new());
        let path = |name: &str| certificates.path(name).display().to_string();
        for name in ["ca", "other"] {
            let (key, subject) = (path(&format!("{name}.key")), format!("/CN={name}"));
            let files = ["-days", "2", "-subj", &subject, "-keyout", &key, "-out", &path(name)];
            request(&[&["-x509"], &files[..]].concat());
        }
        let (key, unsigned, extensions) = (path("key.pem"), path("request"), path("extensions"));
        fs::write(&extensions, "subjectAltName=DNS:localhost").unwrap();
        request(&["-subj", "/CN=server", "-keyout", &key, "-out", &unsigned]);
        let (ca, ca_key, certificate) = (path("ca"), path("ca.key"), path("certificate.pem"));
        let sign = ["x509", "-req", "-days", "2", "-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial"];
        let files = ["-in", &unsigned, "-extfile", &extensions, "-out", &certificate];
        openssl(&[&sign[..], &files].concat());
        Some(certificates)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

fn is_openssl_installed() -> bool {
    let is_installed = Command::new("openssl").arg("version").output().is_ok();
    let is_required = env::var_os("TOWER_JWT_AUTH_SERVERS").is_some();
    assert!(is_installed || !is_required, "openssl is not installed");
    is_installed
}

/// Creates a key, and a certificate or a request for one.
fn request(arguments: &[&str]) {
    let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(&[&new[..], arguments].concat());
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
