//! Keys from seeds, PKCS#8 and SPKI (RFC 9881).

use aws_lc_rs::{
    encoding::AsRawBytes,
    signature::{
        KeyPair, ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
        PqdsaSigningAlgorithm,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use tower_jwt_auth::{
    Algorithm, ConfigError, ConfigErrorKind, SigningKey, VerifyingKey, token::Jws,
};

use super::{ALGORITHMS, SEED, key};
use crate::support::{keys, mint::Minter};

fn scheme(algorithm: Algorithm) -> &'static PqdsaSigningAlgorithm {
    match algorithm {
        Algorithm::MlDsa44 => &ML_DSA_44_SIGNING,
        Algorithm::MlDsa65 => &ML_DSA_65_SIGNING,
        _ => &ML_DSA_87_SIGNING,
    }
}

/// The private key that is expanded from [`SEED`].
pub(super) fn expanded(algorithm: Algorithm) -> Vec<u8> {
    expand(algorithm, &SEED)
}

fn expand(algorithm: Algorithm, seed: &[u8]) -> Vec<u8> {
    let pair = PqdsaKeyPair::from_seed(scheme(algorithm), seed).unwrap();
    pair.private_key().as_raw_bytes().unwrap().as_ref().to_vec()
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..=0x7f => vec![tag, len[1]],
        0x80..=0xff => vec![tag, 0x81, len[1]],
        _ => vec![tag, 0x82, len[0], len[1]],
    };
    [&head[..], content].concat()
}

fn identifier(algorithm: Algorithm) -> Vec<u8> {
    let last = match algorithm {
        Algorithm::MlDsa44 => 17,
        Algorithm::MlDsa65 => 18,
        _ => 19,
    };
    tlv(0x30, &tlv(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, last]))
}

fn pkcs8(algorithm: Algorithm, private: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, 0][..], &identifier(algorithm), &tlv(4, private)].concat())
}

/// A `SubjectPublicKeyInfo`.
pub(super) fn spki(algorithm: Algorithm) -> Vec<u8> {
    spki_of(algorithm, &SEED)
}

pub(super) fn spki_of(algorithm: Algorithm, seed: &[u8]) -> Vec<u8> {
    let bits = [&[0], &public_of(algorithm, seed)[..]].concat();
    tlv(0x30, &[identifier(algorithm), tlv(3, &bits)].concat())
}

fn public(algorithm: Algorithm) -> Vec<u8> {
    public_of(algorithm, &SEED)
}

fn public_of(algorithm: Algorithm, seed: &[u8]) -> Vec<u8> {
    let pair = PqdsaKeyPair::from_seed(scheme(algorithm), seed).unwrap();
    pair.public_key().as_ref().to_vec()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(what: &str, key: Result<T, ConfigError>) {
    match key {
        Ok(key) => panic!("{what}: accepted as {key:?}"),
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Key, "{what}: {error}"),
    }
}

/// RFC 9881, appendix C.1: the private keys as seeds.
#[test]
fn reads_the_private_keys_of_rfc_9881() {
    let seed: Vec<u8> = (0..32).collect();
    for (algorithm, body) in [
        (
            Algorithm::MlDsa44,
            "MDQCAQAwCwYJYIZIAWUDBAMRBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\nGhscHR4f",
        ),
        (
            Algorithm::MlDsa65,
            "MDQCAQAwCwYJYIZIAWUDBAMSBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\nGhscHR4f",
        ),
        (
            Algorithm::MlDsa87,
            "MDQCAQAwCwYJYIZIAWUDBAMTBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\nGhscHR4f",
        ),
    ] {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let signing = SigningKey::from_pem(algorithm, pem).unwrap();
        assert_eq!(signing.kid(), SigningKey::from_seed(algorithm, &seed).unwrap().kid());
    }
}

#[test]
fn reads_every_form_of_a_private_key() {
    for (algorithm, ..) in ALGORITHMS {
        let seed = tlv(0x80, &SEED);
        let expanded = tlv(4, &expanded(algorithm));
        let both = tlv(0x30, &[tlv(4, &SEED), expanded.clone()].concat());
        for (what, private) in [("seed", seed), ("expanded", expanded), ("both", both)] {
            let der = pkcs8(algorithm, &private);
            let from_der = SigningKey::from_der(algorithm, &der);
            let from_der = from_der.unwrap_or_else(|error| panic!("{what}: {error}"));
            let from_pem = SigningKey::from_pem(algorithm, pem("PRIVATE KEY", &der)).unwrap();
            for signing in [from_der, from_pem] {
                assert_eq!(signing.kid(), key(algorithm).kid(), "{what}");
            }
        }
    }
}

#[test]
fn rejects_invalid_private_keys() {
    for (algorithm, ..) in ALGORITHMS {
        let mismatched = [tlv(4, &SEED), tlv(4, &expand(algorithm, &[8; 32]))].concat();
        let valid = pkcs8(algorithm, &tlv(0x80, &SEED));
        for (what, der) in [
            ("a short seed", pkcs8(algorithm, &tlv(0x80, &SEED[1..]))),
            ("a long seed", pkcs8(algorithm, &tlv(0x80, &[7; 33]))),
            ("a cut key", pkcs8(algorithm, &tlv(4, &expanded(algorithm)[1..]))),
            ("a mismatch", pkcs8(algorithm, &tlv(0x30, &mismatched))),
            ("a bare seed", SEED.to_vec()),
            ("cut", valid[..valid.len() - 1].to_vec()),
            ("empty", Vec::new()),
            ("another key", keys::der(keys::ED25519)),
            ("a public key", spki(algorithm)),
        ] {
            assert_rejected(&format!("{algorithm}: {what}"), SigningKey::from_der(algorithm, der));
        }
        for (other, ..) in ALGORITHMS.into_iter().filter(|(other, ..)| *other != algorithm) {
            assert_rejected("another algorithm", SigningKey::from_der(other, &valid));
        }
        for other in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::HS256] {
            assert_rejected("another algorithm", SigningKey::from_der(other, &valid));
        }
        assert_rejected("a secret", SigningKey::from_secret(algorithm, SEED));
        assert_rejected("a secret", VerifyingKey::from_secret(algorithm, SEED));
    }
}

#[test]
fn a_seed_has_32_bytes_and_belongs_to_ml_dsa() {
    for (algorithm, ..) in ALGORITHMS {
        for len in [0, 31, 33, 64] {
            assert_rejected("seed", SigningKey::from_seed(algorithm, vec![7; len]));
        }
    }
    for other in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256, Algorithm::HS256] {
        assert_rejected("another algorithm", SigningKey::from_seed(other, SEED));
    }
}

#[test]
fn reads_public_keys() {
    for (algorithm, len, _) in ALGORITHMS {
        let (raw, spki) = (public(algorithm), spki(algorithm));
        assert_eq!(raw.len(), len);
        let token = Minter::ml_dsa(algorithm, SEED).token("{}");
        for verifying in [
            VerifyingKey::from_der(algorithm, &raw),
            VerifyingKey::from_der(algorithm, &spki),
            VerifyingKey::from_pem(algorithm, pem("PUBLIC KEY", &spki)),
        ] {
            let verifying = verifying.unwrap();
            assert_eq!(verifying.kid(), key(algorithm).kid());
            assert!(Jws::verify(&token, &verifying, 8192).is_ok());
        }
        let followed = |der: &[u8]| [der, &[0]].concat();
        for (what, der) in [
            ("cut", raw[1..].to_vec()),
            ("cut", spki[..spki.len() - 1].to_vec()),
            ("followed by a byte", followed(&raw)),
            ("followed by a byte", followed(&spki)),
            ("empty", Vec::new()),
            ("Ed25519", keys::der(keys::ED25519_PUBLIC)),
        ] {
            assert_rejected(what, VerifyingKey::from_der(algorithm, der));
        }
        for (other, ..) in ALGORITHMS.into_iter().filter(|(other, ..)| *other != algorithm) {
            assert_rejected("another algorithm", VerifyingKey::from_der(other, &raw));
            assert_rejected("another algorithm", VerifyingKey::from_der(other, &spki));
        }
        assert_rejected("as ES256", VerifyingKey::from_der(Algorithm::ES256, &spki));
        assert_rejected("as EdDSA", VerifyingKey::from_der(Algorithm::EdDSA, &raw));
    }
}

#[test]
fn algorithms_have_their_registered_names() {
    for ((algorithm, ..), name) in
        ALGORITHMS.into_iter().zip(["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
    {
        assert_eq!((algorithm.as_str(), &*algorithm.to_string()), (name, name));
        assert_eq!(name.parse(), Ok(algorithm));
        assert!(!algorithm.is_symmetric());
        assert!(key(algorithm).with_fully_specified_alg().is_err());
    }
    for name in ["ml-dsa-65", "ML-DSA-65 ", "MLDSA65", "MlDsa65", "ML-DSA", "ML-DSA-65-HASH"] {
        assert!(name.parse::<Algorithm>().is_err(), "{name}");
    }
}

#[test]
fn generated_keys_differ() {
    for (algorithm, ..) in ALGORITHMS {
        let [one, two] = [(); 2].map(|()| SigningKey::generate(algorithm).unwrap());
        assert_eq!(one.algorithm(), algorithm);
        assert_ne!(one.kid(), two.kid());
    }
}
