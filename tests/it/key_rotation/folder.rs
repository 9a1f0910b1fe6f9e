//! Keys in files: their permissions, and their state after a crash.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use tower_jwt_auth::{
    Algorithm, NumericDate,
    key_rotation::{
        KeyFolder, KeyRotationErrorKind, KeyStorage, RotatingKeys, RotationPolicy, StoredKeys,
    },
};

use crate::support::{folder::Folder, login::NOW};

use super::{clock, issuer, policy, published, sign};

async fn open(path: &Path) -> RotatingKeys {
    let policy = policy(&clock()).build().unwrap();
    RotatingKeys::open(KeyFolder::new(path), policy).await.unwrap()
}

fn file_names(path: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_are_accessible_to_their_owner_only() {
    let folder = Folder::new();
    let path = folder.path().join("deep/keys");
    let keys = open(&path).await;
    keys.rotate().await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(file_names(&path), ["keys.json", "keys.lock"]);
    assert_eq!(mode(&path.join("keys.json")), 0o600);
    assert_eq!(mode(&path.join("keys.lock")), 0o600);
    // Also where it had been opened to others, once it is written again.
    fs::set_permissions(path.join("keys.json"), PermissionsExt::from_mode(0o644)).unwrap();
    let kid = published(&keys)[1].clone();
    keys.discard(&kid).await.unwrap();
    assert_eq!(mode(&path.join("keys.json")), 0o600);
}

#[tokio::test]
async fn keys_of_every_algorithm_survive_a_restart() {
    for algorithm in [
        Algorithm::HS256,
        Algorithm::HS384,
        Algorithm::HS512,
        Algorithm::RS256,
        Algorithm::PS384,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let folder = Folder::new();
        let clock = clock();
        let policy = || RotationPolicy::builder(algorithm).clock(&clock).build().unwrap();
        let folder = || KeyFolder::new(folder.path());
        let keys = RotatingKeys::open(folder(), policy()).await.unwrap();
        let (token, _) = sign(&issuer(&keys, &clock)).await;
        drop(keys);
        let keys = RotatingKeys::open(folder(), policy()).await.unwrap();
        assert_eq!(super::verify(&keys, &clock, &token), Ok(()), "{algorithm}");
    }
}

/// Each step leaves the files as a crash at that point would.
#[tokio::test]
async fn a_crash_at_any_point_loses_no_key() {
    let folder = Folder::new();
    let path = folder.path();
    let first = published(&open(path).await);
    let complete = fs::read(path.join("keys.json")).unwrap();
    for unfinished in [&b""[..], b"{", &complete[..complete.len() / 2], &complete] {
        // Before the rename, with other permissions.
        fs::write(path.join("keys.json.new"), unfinished).unwrap();
        fs::set_permissions(path.join("keys.json.new"), PermissionsExt::from_mode(0o444)).unwrap();
        let keys = open(path).await;
        assert_eq!(published(&keys)[0], first[0]);
        assert_eq!(fs::read(path.join("keys.json")).unwrap(), complete);
    }
    let keys = open(path).await;
    keys.rotate().await.unwrap();
    assert_eq!(file_names(path), ["keys.json", "keys.lock"]);
    let mode = fs::metadata(path.join("keys.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let stored: Value = serde_json::from_slice(&fs::read(path.join("keys.json")).unwrap()).unwrap();
    assert_eq!(stored["keys"].as_array().unwrap().len(), 2);
    assert_eq!(stored["keys"][0]["kid"], first[0]);
}

#[tokio::test]
async fn open_fails_if_the_folder_cannot_be_created() {
    let folder = Folder::new();
    fs::write(folder.path().join("file"), "").unwrap();
    let storage = KeyFolder::new(folder.path().join("file"));
    let error = RotatingKeys::open(storage, policy(&clock()).build().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), KeyRotationErrorKind::Storage);
}

/// A thread that waits without end would also keep the runtime from shutting down.
#[test]
fn open_fails_if_the_lock_is_never_released() {
    let folder = Folder::new();
    let lock = fs::File::create(folder.path().join("keys.lock")).unwrap();
    lock.lock().unwrap();
    let (done, ended) = mpsc::channel();
    let path = folder.path().to_owned();
    thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let policy = policy(&clock()).build().unwrap();
        let opened = runtime.block_on(RotatingKeys::open(KeyFolder::new(path), policy));
        drop(runtime);
        done.send(opened.map(drop).map_err(|error| error.kind())).unwrap();
    });
    let opened = ended.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(opened, Err(KeyRotationErrorKind::Storage));
}

/// Each copy opens the files itself, as processes do.
#[test]
fn concurrent_copies_lose_no_key() {
    let folder = Folder::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut read = 0;
            while !done.load(Ordering::SeqCst) {
                if let Ok(bytes) = fs::read(folder.path().join("keys.json")) {
                    let stored: Value =
                        serde_json::from_slice(&bytes).expect("a complete document");
                    assert!(!stored["keys"].as_array().unwrap().is_empty());
                    read += 1;
                }
            }
            read
        });
        let copies: Vec<_> = (0..6)
            .map(|_| {
                let path = folder.path();
                scope.spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        let clock = clock();
                        let policy = policy(&clock).build().unwrap();
                        let keys = RotatingKeys::open(KeyFolder::new(path), policy).await.unwrap();
                        let mut seen = vec![sign(&issuer(&keys, &clock)).await.1];
                        for _ in 0..10 {
                            let signs_from = keys.rotate().await.unwrap();
                            // A rotation takes an hour, and a key is kept for at least one day.
                            clock.set(signs_from.min(NumericDate::from_secs(NOW + 20 * 3600)));
                            keys.refresh().await.unwrap();
                            seen.push(sign(&issuer(&keys, &clock)).await.1);
                        }
                        seen
                    })
                })
            })
            .collect();
        let seen: Vec<_> = copies.into_iter().map(|copy| copy.join().unwrap()).collect();
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
        assert!(
            seen.windows(2).all(|pair| pair[0][0] == pair[1][0]),
            "several first keys: {seen:?}"
        );
        // Every key that a copy has signed with is stored.
        let bytes = fs::read(folder.path().join("keys.json")).unwrap();
        let stored: Value = serde_json::from_slice(&bytes).unwrap();
        let kept: Vec<_> =
            stored["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
        for kid in seen.iter().flatten() {
            assert!(kept.iter().any(|kept| *kept == kid), "{kid} was lost");
        }
    });
}

#[tokio::test]
async fn replace_requires_the_stored_document() {
    let folder = Folder::new();
    let storage = KeyFolder::new(folder.path());
    open(folder.path()).await.rotate().await.unwrap();
    let stored = storage.load().await.unwrap().unwrap();
    let other = StoredKeys::new(b"other".to_vec());
    assert!(!storage.replace(None, &other).await.unwrap());
    assert!(!storage.replace(Some(&other), &other).await.unwrap());
    assert_eq!(storage.load().await.unwrap().as_ref(), Some(&stored));
    assert!(storage.replace(Some(&stored), &other).await.unwrap());
    assert_eq!(storage.load().await.unwrap(), Some(other));
}
