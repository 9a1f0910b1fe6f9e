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

use super::{MONTH, clock, issuer, policy, published, sign, verify};

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
}

/// A reader of the keys could sign tokens, and a writer of the folder could add a key.
#[tokio::test]
async fn rejects_files_that_other_users_can_access() {
    let folder = Folder::new();
    let path = folder.path().join("keys");
    let keys = open(&path).await;
    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    for (file, modes, private) in [
        ("", &[0o777, 0o1777, 0o770, 0o720, 0o702][..], 0o755),
        ("keys.json", &[0o666, 0o644, 0o604, 0o640, 0o620, 0o602, 0o601], 0o600),
    ] {
        let file = path.join(file);
        for mode in modes {
            set_mode(&file, *mode);
            let reopened =
                RotatingKeys::open(KeyFolder::new(&path), policy(&clock()).build().unwrap()).await;
            for error in [reopened.unwrap_err(), keys.refresh().await.unwrap_err()] {
                assert_eq!(error.kind(), KeyRotationErrorKind::Storage, "{mode:o}");
                let shown = format!("{error:?}");
                assert!(shown.contains(&format!("{:04o}", mode & 0o777)), "{shown}");
            }
        }
        set_mode(&file, private);
        keys.refresh().await.unwrap();
    }
    // Nothing is created in such a folder either, and the lock is checked before it is used.
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    set_mode(&empty, 0o777);
    let opened =
        RotatingKeys::open(KeyFolder::new(&empty), policy(&clock()).build().unwrap()).await;
    assert_eq!(opened.unwrap_err().kind(), KeyRotationErrorKind::Storage);
    assert_eq!(file_names(&empty), [""; 0]);
    set_mode(&path.join("keys.lock"), 0o644);
    keys.rotate().await.unwrap_err();
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
        assert_eq!(verify(&keys, &clock, &token), Ok(()), "{algorithm}");
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
    lock.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
    lock.lock().unwrap();
    let (done, ended) = mpsc::channel();
    let path = folder.path().to_owned();
    thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let policy = policy(&clock()).build().unwrap();
        let opened = runtime.block_on(RotatingKeys::open(KeyFolder::new(path), policy));
        drop(runtime);
        done.send(format!("{:?}", opened.unwrap_err())).unwrap();
    });
    let error = ended.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(error.contains("WouldBlock"), "{error}");
}

/// As in a container whose file system is read-only. A folder in place of the lock file also stops
/// a test that runs as root.
#[tokio::test]
async fn a_folder_that_cannot_be_written_still_provides_its_keys() {
    let folder = Folder::new();
    let path = folder.path().join("keys");
    let first = published(&open(&path).await);
    fs::remove_file(path.join("keys.lock")).unwrap();
    fs::create_dir(path.join("keys.lock")).unwrap();
    let clock = clock();
    clock.advance(MONTH);
    let policy = policy(&clock).build().unwrap();
    let keys = RotatingKeys::open(KeyFolder::new(&path), policy).await.unwrap();
    assert_eq!(published(&keys), first);
    assert!(keys.refresh().await.is_err());
    let (token, kid) = sign(&issuer(&keys, &clock)).await;
    assert_eq!(kid, first[0]);
    assert_eq!(verify(&keys, &clock, &token), Ok(()));

    fs::remove_dir(path.join("keys.lock")).unwrap();
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys).len(), 2);
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
