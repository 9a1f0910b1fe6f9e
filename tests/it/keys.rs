//! Keys from secrets, PEM and DER.

use base64::{Engine, prelude::BASE64_STANDARD};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigError, ConfigErrorKind, KeySet, SigningKey, Verifier,
    VerifyingKey,
    token::{Jws, VerifierBuilder},
};

use crate::support::{
    keys::{self, der},
    mint::{Minter, claims},
};

const ALL: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A key that signs with `algorithm`: a secret, or a private key in PEM.
fn private(algorithm: Algorithm) -> &'static [u8] {
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 => keys::SECRET,
        Algorithm::HS512 => keys::LONG_SECRET,
        Algorithm::ES256 => keys::P256.as_bytes(),
        Algorithm::ES384 => keys::P384.as_bytes(),
        Algorithm::EdDSA => keys::ED25519.as_bytes(),
        _ => keys::RSA.as_bytes(),
    }
}

fn verifying(algorithm: Algorithm) -> VerifyingKey {
    let key = match algorithm {
        Algorithm::HS256 | Algorithm::HS384 => VerifyingKey::from_secret(algorithm, keys::SECRET),
        Algorithm::HS512 => VerifyingKey::from_secret(algorithm, keys::LONG_SECRET),
        Algorithm::ES256 => VerifyingKey::from_pem(algorithm, keys::P256_PUBLIC),
        Algorithm::ES384 => VerifyingKey::from_pem(algorithm, keys::P384_PUBLIC),
        Algorithm::EdDSA => VerifyingKey::from_pem(algorithm, keys::ED25519_PUBLIC),
        _ => VerifyingKey::from_pem(algorithm, keys::RSA_PUBLIC),
    };
    key.unwrap()
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(what: &str, key: Result<T, ConfigError>) {
    match key {
        Ok(key) => panic!("{what}: accepted as {key:?}"),
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Key, "{what}: {error}"),
    }
}

#[test]
fn every_algorithm_verifies_its_own_signatures_only() {
    for signer in ALL {
        let token = Minter::new(signer, private(signer)).token(claims(&[]));
        for verifier in ALL {
            let verified = Jws::verify(&token, &verifying(verifier), 8192);
            match verified {
                Ok(_) => assert_eq!(signer, verifier),
                Err(error) => {
                    assert_ne!(signer, verifier);
                    assert_eq!(error.kind(), AuthErrorKind::UnknownKey, "{signer} {verifier}");
                }
            }
        }
    }
}

#[test]
fn algorithms_have_their_registered_names() {
    for algorithm in ALL {
        assert_eq!(algorithm.to_string(), format!("{algorithm:?}"));
        assert_eq!(algorithm.as_str().parse::<Algorithm>().unwrap(), algorithm);
        assert!(algorithm.as_str().to_lowercase().parse::<Algorithm>().is_err());
    }
    for name in ["", "none", "None", "NONE", "HS256 ", "ES512", "ES256K", "Ed448"] {
        assert!(name.parse::<Algorithm>().is_err(), "{name:?}");
    }
}

#[test]
fn rejects_short_secrets() {
    let bytes: Vec<u8> = (0..64).collect();
    for (algorithm, shortest) in
        [(Algorithm::HS256, 32), (Algorithm::HS384, 48), (Algorithm::HS512, 64)]
    {
        for len in [0, 1, shortest / 2, shortest - 1] {
            let what = format!("{algorithm} with {len} bytes");
            assert_rejected(&what, SigningKey::from_secret(algorithm, &bytes[..len]));
            assert_rejected(&what, VerifyingKey::from_secret(algorithm, &bytes[..len]));
        }
        assert!(SigningKey::from_secret(algorithm, &bytes[..shortest]).is_ok());
        assert!(VerifyingKey::from_secret(algorithm, &bytes[..shortest]).is_ok());
    }
}

#[test]
fn rejects_constant_secrets() {
    for byte in [0, b'x', 0xff] {
        for len in [32, 64, 500] {
            assert_rejected("one byte repeated", SigningKey::hs256(vec![byte; len]));
        }
    }
}

#[test]
fn rejects_keys_as_secrets() {
    let mut pem_later = b"not the start of a PEM ".to_vec();
    pem_later.extend_from_slice(keys::RSA_PUBLIC.as_bytes());
    let public: [(&str, &[u8]); 12] = [
        ("public RSA", keys::RSA_PUBLIC.as_bytes()),
        ("public RSA in PKCS#1", keys::RSA_PUBLIC_PKCS1.as_bytes()),
        ("private RSA", keys::RSA.as_bytes()),
        ("public P-256", keys::P256_PUBLIC.as_bytes()),
        ("public Ed25519", keys::ED25519_PUBLIC.as_bytes()),
        ("certificate", keys::RSA_CERTIFICATE.as_bytes()),
        ("PEM not at the start", &pem_later),
        ("ssh-rsa", b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 someone@example"),
        (
            "ssh-ed25519",
            b"\n ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0",
        ),
        ("ecdsa-sha2", b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAy"),
        ("sk-ssh", b"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t"),
        ("RFC 4716", b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQC7"),
    ];
    for (what, key) in public {
        assert_rejected(what, SigningKey::hs256(key));
        assert_rejected(what, VerifyingKey::from_secret(Algorithm::HS256, key));
    }
}

#[test]
fn rejects_key_pairs_for_hmac_and_secrets_for_signatures() {
    for algorithm in ALL {
        if algorithm.is_symmetric() {
            for pem in [keys::RSA, keys::P256, keys::ED25519] {
                assert_rejected("a pair as secret", SigningKey::from_pem(algorithm, pem));
                assert_rejected("a pair as secret", SigningKey::from_der(algorithm, der(pem)));
            }
            assert_rejected("", VerifyingKey::from_pem(algorithm, keys::RSA_PUBLIC));
            assert_rejected("", VerifyingKey::from_der(algorithm, der(keys::RSA_PUBLIC)));
        } else {
            assert_rejected("secret", SigningKey::from_secret(algorithm, keys::LONG_SECRET));
            assert_rejected("secret", VerifyingKey::from_secret(algorithm, keys::LONG_SECRET));
        }
    }
}

#[test]
fn reads_private_keys_in_every_common_format() {
    let crlf = keys::P256.replace('\n', "\r\n");
    let forms = [
        (Algorithm::RS256, keys::RSA, keys::RSA_PUBLIC),
        (Algorithm::RS256, keys::RSA_PKCS1, keys::RSA_PUBLIC),
        (Algorithm::PS512, keys::RSA_PKCS1, keys::RSA_PUBLIC),
        (Algorithm::RS256, keys::RSA_8192, keys::RSA_8192_PUBLIC),
        (Algorithm::ES256, keys::P256, keys::P256_PUBLIC),
        (Algorithm::ES256, keys::P256_SEC1, keys::P256_PUBLIC),
        (Algorithm::ES256, keys::P256_ECPARAM, keys::P256_PUBLIC),
        (Algorithm::ES256, &crlf, keys::P256_PUBLIC),
        (Algorithm::ES384, keys::P384, keys::P384_PUBLIC),
        (Algorithm::ES384, keys::P384_SEC1, keys::P384_PUBLIC),
        (Algorithm::ES384, keys::P384_ECPARAM, keys::P384_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519, keys::ED25519_PUBLIC),
    ];
    for (index, (algorithm, private, public)) in forms.into_iter().enumerate() {
        let signing = SigningKey::from_pem(algorithm, private)
            .unwrap_or_else(|error| panic!("form {index}: {error}"));
        let verifying = VerifyingKey::from_pem(algorithm, public).unwrap();
        assert_eq!(signing.algorithm(), algorithm);
        assert!(signing.kid().is_some(), "form {index}");
        // The key id is the thumbprint, so the public keys are equal if the ids are.
        assert_eq!(signing.kid(), verifying.kid(), "form {index}");
        assert_eq!(signing.verifying_key().kid(), verifying.kid(), "form {index}");

        let private_der = pem::parse_many(private).unwrap().pop().unwrap().into_contents();
        let from_der = SigningKey::from_der(algorithm, private_der).unwrap();
        assert_eq!(from_der.kid(), signing.kid(), "form {index}");
    }
}

#[test]
fn reads_public_keys_in_every_common_format() {
    let spki = VerifyingKey::from_pem(Algorithm::RS256, keys::RSA_PUBLIC).unwrap();
    let pkcs1 = VerifyingKey::from_pem(Algorithm::RS256, keys::RSA_PUBLIC_PKCS1).unwrap();
    assert_eq!(spki.kid(), pkcs1.kid());
    for pem in [keys::RSA_PUBLIC, keys::RSA_PUBLIC_PKCS1] {
        assert_eq!(VerifyingKey::from_der(Algorithm::RS256, der(pem)).unwrap().kid(), spki.kid());
    }
    // A compressed point is the same key.
    let point = VerifyingKey::from_pem(Algorithm::ES256, keys::P256_PUBLIC).unwrap();
    let compressed = VerifyingKey::from_pem(Algorithm::ES256, keys::P256_COMPRESSED).unwrap();
    assert_eq!(point.kid(), compressed.kid());
    for (algorithm, pem) in [
        (Algorithm::ES256, keys::P256_PUBLIC),
        (Algorithm::ES384, keys::P384_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519_PUBLIC),
    ] {
        let from_pem = VerifyingKey::from_pem(algorithm, pem).unwrap();
        let from_der = VerifyingKey::from_der(algorithm, der(pem)).unwrap();
        assert_eq!(from_pem.kid(), from_der.kid());
    }
}

#[test]
fn verifies_the_longest_signature() {
    let token = Minter::new(Algorithm::RS256, keys::RSA_8192.as_bytes()).token(claims(&[]));
    let key = VerifyingKey::from_pem(Algorithm::RS256, keys::RSA_8192_PUBLIC).unwrap();
    assert!(Jws::verify(&token, &key, 8192).is_ok());

    let (signed, _) = token.rsplit_once('.').unwrap();
    let longer = format!("{signed}.{}", crate::support::mint::encode([7; 4628]));
    let error = Jws::verify(&longer, &key, 8192).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Malformed);
}

#[test]
fn rejects_pem_of_another_kind() {
    let two_private = format!("{}{}", keys::P256, keys::P256);
    let two_public = format!("{}{}", keys::P256_PUBLIC, keys::P384_PUBLIC);
    let preamble_only =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----";
    let cut = &keys::P256[..keys::P256.len() - 40];
    let signing = [
        ("encrypted PKCS#8", Algorithm::RS256, keys::RSA_ENCRYPTED),
        ("encrypted PKCS#1", Algorithm::RS256, keys::RSA_ENCRYPTED_PKCS1),
        ("certificate", Algorithm::RS256, keys::RSA_CERTIFICATE),
        ("public key", Algorithm::RS256, keys::RSA_PUBLIC),
        ("public PKCS#1", Algorithm::RS256, keys::RSA_PUBLIC_PKCS1),
        ("two keys", Algorithm::ES256, two_private.as_str()),
        ("only a preamble", Algorithm::ES256, preamble_only),
        ("cut off", Algorithm::ES256, cut),
        ("empty", Algorithm::ES256, ""),
        ("not PEM", Algorithm::ES256, "MC4CAQAwBQYDK2VwBCIEI"),
    ];
    for (what, algorithm, pem) in signing {
        assert_rejected(what, SigningKey::from_pem(algorithm, pem));
    }
    let verifying = [
        ("certificate", Algorithm::RS256, keys::RSA_CERTIFICATE),
        ("private PKCS#8", Algorithm::RS256, keys::RSA),
        ("private PKCS#1", Algorithm::RS256, keys::RSA_PKCS1),
        ("private SEC1", Algorithm::ES256, keys::P256_SEC1),
        ("private Ed25519", Algorithm::EdDSA, keys::ED25519),
        ("two keys", Algorithm::ES256, two_public.as_str()),
        ("empty", Algorithm::ES256, ""),
    ];
    for (what, algorithm, pem) in verifying {
        assert_rejected(what, VerifyingKey::from_pem(algorithm, pem));
    }
}

#[test]
fn rejects_keys_that_do_not_match_the_algorithm() {
    let private = [
        ("1024 bits", Algorithm::RS256, keys::RSA_1024),
        ("1024 bits", Algorithm::PS256, keys::RSA_1024),
        ("RSA for ECDSA", Algorithm::ES256, keys::RSA),
        ("RSA for EdDSA", Algorithm::EdDSA, keys::RSA),
        ("P-256 for RSA", Algorithm::RS256, keys::P256),
        ("P-256 for ES384", Algorithm::ES384, keys::P256),
        ("P-256 for EdDSA", Algorithm::EdDSA, keys::P256),
        ("P-384 for ES256", Algorithm::ES256, keys::P384),
        ("P-521 for ES256", Algorithm::ES256, keys::P521),
        ("P-521 for ES384", Algorithm::ES384, keys::P521),
        ("secp256k1 for ES256", Algorithm::ES256, keys::K256),
        ("Ed25519 for ES256", Algorithm::ES256, keys::ED25519),
        ("X25519 for EdDSA", Algorithm::EdDSA, keys::X25519),
        ("Ed448 for EdDSA", Algorithm::EdDSA, keys::ED448),
    ];
    for (what, algorithm, pem) in private {
        assert_rejected(what, SigningKey::from_pem(algorithm, pem));
    }
    let public = [
        ("1024 bits", Algorithm::RS256, keys::RSA_1024_PUBLIC),
        ("1024 bits", Algorithm::PS384, keys::RSA_1024_PUBLIC),
        ("RSA for ECDSA", Algorithm::ES256, keys::RSA_PUBLIC),
        ("RSA for EdDSA", Algorithm::EdDSA, keys::RSA_PUBLIC),
        ("P-256 for RSA", Algorithm::RS256, keys::P256_PUBLIC),
        ("P-256 for ES384", Algorithm::ES384, keys::P256_PUBLIC),
        ("P-384 for ES256", Algorithm::ES256, keys::P384_PUBLIC),
        ("P-521 for ES384", Algorithm::ES384, keys::P521_PUBLIC),
        ("secp256k1 for ES256", Algorithm::ES256, keys::K256_PUBLIC),
        ("Ed25519 for ES256", Algorithm::ES256, keys::ED25519_PUBLIC),
        ("P-256 for EdDSA", Algorithm::EdDSA, keys::P256_PUBLIC),
        ("X25519 for EdDSA", Algorithm::EdDSA, keys::X25519_PUBLIC),
        ("Ed448 for EdDSA", Algorithm::EdDSA, keys::ED448_PUBLIC),
    ];
    for (what, algorithm, pem) in public {
        assert_rejected(what, VerifyingKey::from_pem(algorithm, pem));
    }
}

#[test]
fn rejects_malformed_der() {
    for (algorithm, private, public) in [
        (Algorithm::RS256, keys::RSA, keys::RSA_PUBLIC),
        (Algorithm::RS256, keys::RSA_PKCS1, keys::RSA_PUBLIC_PKCS1),
        (Algorithm::ES256, keys::P256, keys::P256_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519, keys::ED25519_PUBLIC),
    ] {
        let (private, public) = (der(private), der(public));
        for len in [0, 1, 31, private.len() - 1] {
            assert_rejected("private", SigningKey::from_der(algorithm, &private[..len]));
        }
        for len in [0, 1, 31, public.len() - 1] {
            assert_rejected("public", VerifyingKey::from_der(algorithm, &public[..len]));
        }
        assert_rejected("public", SigningKey::from_der(algorithm, public));
        assert_rejected("private", VerifyingKey::from_der(algorithm, private));
    }
}

#[test]
fn generated_keys_are_distinct_and_their_id_is_the_thumbprint() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let (one, other) = (SigningKey::generate(algorithm), SigningKey::generate(algorithm));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.algorithm(), algorithm);
        assert_eq!(one.kid().map(str::len), Some(43));
        assert_eq!(one.verifying_key().kid(), one.kid());
        assert_ne!(one.kid(), other.kid());
    }
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let key = SigningKey::generate(algorithm).unwrap();
        assert_eq!((key.algorithm(), key.kid()), (algorithm, None));
    }
}

#[test]
fn key_ids_have_1_to_256_bytes() {
    let key = SigningKey::hs256(keys::SECRET).unwrap();
    let longest = "k".repeat(256);
    assert_eq!(key.clone().with_kid(&longest).unwrap().kid(), Some(longest.as_str()));
    for kid in ["", &"k".repeat(257), &"é".repeat(129)] {
        let signing = key.clone().with_kid(kid).unwrap_err();
        let verifying = key.verifying_key().with_kid(kid).unwrap_err();
        assert_eq!(signing.kind(), ConfigErrorKind::OutOfRange);
        assert_eq!(verifying.kind(), ConfigErrorKind::OutOfRange);
    }
}

#[test]
fn debug_shows_no_key_material() {
    for algorithm in ALL {
        let key = private(algorithm);
        let (signing, bytes) = if algorithm.is_symmetric() {
            (SigningKey::from_secret(algorithm, key), key.to_vec())
        } else {
            (SigningKey::from_pem(algorithm, key), der(str::from_utf8(key).unwrap()))
        };
        let signing = signing.unwrap();
        let set = KeySet::from(signing.clone());
        let builder = KeySet::builder().signing_key(signing.clone());
        let verifier: VerifierBuilder = Verifier::builder(set.clone());
        let debug = [
            format!("{signing:?}{signing:#?}"),
            format!("{:?}{:#?}", signing.verifying_key(), signing.verifying_key()),
            format!("{set:?}{set:#?}{builder:?}{builder:#?}"),
            format!("{verifier:?}{verifier:#?}"),
            format!("{:#?}", verifier.build().unwrap()),
        ]
        .concat();
        assert!(debug.contains("[redacted]") && debug.contains(algorithm.as_str()), "{debug}");

        let lower = debug.to_lowercase();
        for window in bytes.windows(6) {
            let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
            let list = format!("{window:?}");
            let list = list.trim_matches(['[', ']']);
            assert!(!lower.contains(&hex) && !debug.contains(list), "{algorithm}");
            assert!(!debug.as_bytes().windows(6).any(|bytes| bytes == window), "{algorithm}");
        }
        // Eight characters of base64 encode six bytes. Their offset modulo 3 decides the encoding.
        for start in 0..3 {
            let base64 =
                BASE64_STANDARD.encode(&bytes[start..]).replace('+', "-").replace('/', "_");
            for window in base64.as_bytes().windows(8) {
                let window = str::from_utf8(window).unwrap();
                assert!(!debug.contains(window), "{algorithm}");
            }
        }
    }
}
