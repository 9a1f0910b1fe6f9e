//! JSON Web Keys.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigError, ConfigErrorKind, SigningKey, VerifyingKey, token::Jws,
};

use crate::support::{
    keys::{self, RFC_EC, RFC_OCT, RFC_OKP, RFC_RSA, RFC_THUMBPRINT},
    mint::{Minter, encode},
};

/// The private keys of the RFCs, each with a matching algorithm.
const PRIVATE: [(Algorithm, &str); 5] = [
    (Algorithm::HS256, RFC_OCT),
    (Algorithm::HS512, RFC_OCT),
    (Algorithm::RS256, RFC_RSA),
    (Algorithm::ES256, RFC_EC),
    (Algorithm::EdDSA, RFC_OKP),
];

/// `jwk` with changed members. `null` removes a member.
fn with(jwk: &str, changes: Value) -> String {
    let mut members: Map<String, Value> = serde_json::from_str(jwk).unwrap();
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    Value::Object(members).to_string()
}

fn verifying(jwk: &str, algorithm: Algorithm) -> Result<VerifyingKey, ConfigError> {
    VerifyingKey::from_jwk(jwk, algorithm)
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(what: &str, key: Result<T, ConfigError>) {
    match key {
        Ok(key) => panic!("{what}: accepted as {key:?}"),
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Key, "{what}: {error}"),
    }
}

/// Both types of key reject `jwk`.
#[track_caller]
fn assert_both_reject(what: &str, jwk: &str, algorithm: impl Into<Option<Algorithm>>) {
    let algorithm = algorithm.into();
    assert_rejected(what, VerifyingKey::from_jwk(jwk, algorithm));
    assert_rejected(what, SigningKey::from_jwk(jwk, algorithm));
}

#[test]
fn computes_the_thumbprints_of_the_rfcs() {
    let rsa = with(RFC_THUMBPRINT, json!({ "kid": null, "alg": null }));
    let known = [
        // RFC 7638, section 3.1.
        (Algorithm::RS256, rsa.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"),
        // RFC 8037, appendix A.3.
        (Algorithm::EdDSA, RFC_OKP, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        // Computed with Python's hashlib from the members that RFC 7638, section 3.2, requires.
        (Algorithm::ES256, RFC_EC, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"),
    ];
    for (algorithm, jwk, thumbprint) in known {
        assert_eq!(verifying(jwk, algorithm).unwrap().kid(), Some(thumbprint));
    }
    assert_eq!(verifying(RFC_OCT, Algorithm::HS256).unwrap().kid(), None);
}

#[test]
fn keeps_the_kid() {
    let named = VerifyingKey::from_jwk(RFC_THUMBPRINT, None).unwrap();
    assert_eq!((named.kid(), named.algorithm()), (Some("2011-04-29"), Algorithm::RS256));
    for (algorithm, jwk) in PRIVATE {
        let named = with(jwk, json!({ "kid": "k1" }));
        assert_eq!(verifying(&named, algorithm).unwrap().kid(), Some("k1"));
        assert_eq!(SigningKey::from_jwk(&named, algorithm).unwrap().kid(), Some("k1"));

        assert_both_reject("kid is a number", &with(jwk, json!({ "kid": 1 })), algorithm);
        for kid in ["", &"k".repeat(257)] {
            let error = verifying(&with(jwk, json!({ "kid": kid })), algorithm).unwrap_err();
            assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
        }
    }
}

#[test]
fn reads_private_and_public_keys() {
    for (algorithm, jwk) in PRIVATE {
        let signing = SigningKey::from_jwk(jwk, algorithm).unwrap();
        let verifying = verifying(jwk, algorithm).unwrap();
        assert_eq!(signing.algorithm(), algorithm);
        assert_eq!(signing.kid(), verifying.kid());
        if !algorithm.is_symmetric() {
            let none = ["d", "p", "q", "dp", "dq", "qi"].map(|name| (name, Value::Null));
            let public = with(jwk, none.into_iter().collect());
            assert_eq!(VerifyingKey::from_jwk(&public, algorithm).unwrap().kid(), signing.kid());
            assert_rejected("no private member", SigningKey::from_jwk(&public, algorithm));
        }
    }
}

#[test]
fn rejects_private_members_that_do_not_belong_to_the_public_key() {
    let other = encode([0x5a; 32]);
    let rsa: Map<String, Value> = serde_json::from_str(RFC_RSA).unwrap();
    let cases = [
        (Algorithm::ES256, RFC_EC, json!({ "d": other })),
        (Algorithm::ES256, RFC_EC, json!({ "d": encode([0; 32]) })),
        (Algorithm::ES256, RFC_EC, json!({ "d": encode([0xff; 32]) })),
        (Algorithm::ES256, RFC_EC, json!({ "d": encode([0x5a; 16]) })),
        (Algorithm::ES256, RFC_EC, json!({ "d": "" })),
        (Algorithm::EdDSA, RFC_OKP, json!({ "d": other })),
        (Algorithm::EdDSA, RFC_OKP, json!({ "d": encode([0x5a; 31]) })),
        (Algorithm::RS256, RFC_RSA, json!({ "d": rsa["p"] })),
        (Algorithm::RS256, RFC_RSA, json!({ "p": rsa["q"] })),
        (Algorithm::RS256, RFC_RSA, json!({ "dp": rsa["dq"] })),
        (Algorithm::RS256, RFC_RSA, json!({ "qi": rsa["dq"] })),
        (Algorithm::RS256, RFC_RSA, json!({ "p": null })),
        (Algorithm::RS256, RFC_RSA, json!({ "qi": null })),
        (Algorithm::RS256, RFC_RSA, json!({ "d": "not base64!" })),
        (Algorithm::RS256, RFC_RSA, json!({ "d": 7 })),
    ];
    for (algorithm, jwk, changes) in cases {
        let changed = with(jwk, changes.clone());
        let what = format!("{algorithm} {changes}");
        assert_rejected(&what, SigningKey::from_jwk(&changed, algorithm));
        assert!(verifying(&changed, algorithm).is_ok(), "{what}: the public key is valid");
    }
}

#[test]
fn requires_one_supported_algorithm() {
    for (algorithm, jwk) in PRIVATE {
        assert_both_reject("neither alg nor a configured algorithm", jwk, None);
        let declared = with(jwk, json!({ "alg": algorithm.as_str() }));
        assert!(VerifyingKey::from_jwk(&declared, None).is_ok());
        assert!(VerifyingKey::from_jwk(&declared, algorithm).is_ok());
        assert!(SigningKey::from_jwk(&declared, None).is_ok());
        for name in ["none", "ES512", "RSA-OAEP", "RSA1_5", "A128KW", "rs256", "made up", ""] {
            let other = with(jwk, json!({ "alg": name }));
            assert_both_reject(name, &other, None);
            assert_both_reject(name, &other, algorithm);
        }
        let map = json!({ algorithm.as_str(): null });
        for alg in [json!(256), map, json!([algorithm.as_str()])] {
            assert_both_reject("alg", &with(jwk, json!({ "alg": alg })), algorithm);
        }
    }
    let declared = |jwk, alg: &str| with(jwk, json!({ "alg": alg }));
    assert_both_reject("swap", &declared(RFC_RSA, "PS256"), Algorithm::RS256);
    assert_both_reject("swap", &declared(RFC_RSA, "RS512"), Algorithm::RS256);
    assert_both_reject("swap", &declared(RFC_OCT, "HS512"), Algorithm::HS256);
}

#[test]
fn rejects_types_and_curves_that_do_not_match_the_algorithm() {
    for (algorithm, jwk) in PRIVATE {
        for (other, _) in PRIVATE.into_iter().filter(|(other, _)| !same_family(*other, algorithm)) {
            assert_both_reject(
                "alg of another type",
                &with(jwk, json!({ "alg": other.as_str() })),
                None,
            );
            assert_both_reject("another type", jwk, other);
        }
        for kty in [
            json!("oct"),
            json!("RSA"),
            json!("EC"),
            json!("OKP"),
            json!("AKP"),
            json!({ "oct": null }),
        ] {
            let members: Map<String, Value> = serde_json::from_str(jwk).unwrap();
            if members["kty"] != kty {
                assert_both_reject("another kty", &with(jwk, json!({ "kty": kty })), algorithm);
            }
        }
        assert_both_reject("no kty", &with(jwk, json!({ "kty": null })), algorithm);
    }
    for crv in ["P-384", "P-521", "secp256k1", "Ed25519", "p-256", ""] {
        assert_both_reject(crv, &with(RFC_EC, json!({ "crv": crv })), Algorithm::ES256);
    }
    for (jwk, algorithm, crv) in
        [(RFC_EC, Algorithm::ES256, "P-256"), (RFC_OKP, Algorithm::EdDSA, "Ed25519")]
    {
        let map = with(jwk, json!({ "crv": { crv: null } }));
        assert_both_reject("crv is an object", &map, algorithm);
    }
    for crv in ["Ed448", "X25519", "P-256", ""] {
        assert_both_reject(crv, &with(RFC_OKP, json!({ "crv": crv })), Algorithm::EdDSA);
    }
    assert_both_reject("P-256 for ES384", RFC_EC, Algorithm::ES384);
}

fn same_family(one: Algorithm, other: Algorithm) -> bool {
    one.as_str()[..2] == other.as_str()[..2]
}

#[test]
fn rejects_keys_for_other_uses() {
    for (algorithm, jwk) in PRIVATE {
        for purpose in [json!("enc"), json!("SIG"), json!("tls"), json!(""), json!(1)] {
            let what = format!("use {purpose}");
            assert_both_reject(&what, &with(jwk, json!({ "use": purpose })), algorithm);
        }
        assert!(verifying(&with(jwk, json!({ "use": "sig" })), algorithm).is_ok());

        for operations in [json!(["encrypt"]), json!(["Verify"]), json!("verify")] {
            let what = format!("key_ops {operations}");
            assert_both_reject(&what, &with(jwk, json!({ "key_ops": operations })), algorithm);
        }
        let sign = with(jwk, json!({ "key_ops": ["sign"] }));
        let verify = with(jwk, json!({ "key_ops": ["verify"] }));
        let both = with(jwk, json!({ "key_ops": ["sign", "verify"], "use": "sig" }));
        assert_rejected("only for signing", verifying(&sign, algorithm));
        assert_rejected("only for verifying", SigningKey::from_jwk(&verify, algorithm));
        assert!(SigningKey::from_jwk(&sign, algorithm).is_ok());
        assert!(verifying(&verify, algorithm).is_ok());
        assert!(verifying(&both, algorithm).is_ok());
        assert!(SigningKey::from_jwk(&both, algorithm).is_ok());
        let contradiction = with(jwk, json!({ "key_ops": ["sign", "verify"], "use": "enc" }));
        assert_both_reject("contradiction", &contradiction, algorithm);
    }
}

/// The .NET serializer writes each list that a key does not have as an empty one.
#[test]
fn ignores_empty_lists() {
    for list in ["key_ops", "x5c", "oth"] {
        for (algorithm, jwk) in PRIVATE {
            let changed = with(jwk, json!({ list: [] }));
            assert!(verifying(&changed, algorithm).is_ok(), "{list} {algorithm}");
            assert!(SigningKey::from_jwk(&changed, algorithm).is_ok(), "{list} {algorithm}");
        }
    }
}

/// RFC 7518, section 6.3.2.7.
#[test]
fn rejects_private_rsa_keys_with_more_than_two_factors() {
    let multi = with(RFC_RSA, json!({ "oth": [{ "r": "AQ", "d": "AQ", "t": "AQ" }] }));
    assert_rejected("three factors", SigningKey::from_jwk(&multi, Algorithm::RS256));
}

/// RFC 9864, section 2.2.
#[test]
fn ed25519_is_another_name_of_eddsa() {
    assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDSA));
    let jwk = with(RFC_OKP, json!({ "alg": "Ed25519", "kid": "k" }));
    let signing = SigningKey::from_jwk(&jwk, None).unwrap();
    let key = VerifyingKey::from_jwk(&jwk, None).unwrap();
    assert!(VerifyingKey::from_jwk(&jwk, Algorithm::EdDSA).is_ok());
    assert_eq!((key.algorithm(), signing.algorithm()), (Algorithm::EdDSA, Algorithm::EdDSA));
    for name in ["ed25519", "ED25519", "Ed448", "eddsa"] {
        assert!(name.parse::<Algorithm>().is_err(), "{name}");
        assert_both_reject(name, &with(RFC_OKP, json!({ "alg": name })), Algorithm::EdDSA);
    }
    for jwk in [RFC_EC, RFC_RSA, RFC_OCT] {
        assert_both_reject("another type", &with(jwk, json!({ "alg": "Ed25519" })), None);
    }

    let minter = Minter::new(Algorithm::EdDSA, keys::ED25519.as_bytes());
    let key = VerifyingKey::from_pem(Algorithm::EdDSA, keys::ED25519_PUBLIC).unwrap();
    for (alg, is_valid) in [("EdDSA", true), ("Ed25519", true), ("ed25519", false), ("", false)] {
        let message = minter.mint(json!({ "alg": alg }).to_string(), "{}");
        assert_eq!(Jws::verify(&message, &key, 4096).is_ok(), is_valid, "{alg}");
    }
}

#[test]
fn writes_the_fully_specified_name_if_configured() {
    let alg = |key: &VerifyingKey| {
        serde_json::from_str::<Value>(&key.to_jwk().unwrap()).unwrap()["alg"].clone()
    };
    let jwk = with(RFC_OKP, json!({ "alg": "Ed25519" }));
    let key = SigningKey::from_jwk(&jwk, None).unwrap();
    assert_eq!(alg(&key.verifying_key()), "EdDSA");
    let key = key.with_fully_specified_alg().unwrap();
    for key in [key.clone(), key.clone().with_kid("k").unwrap()] {
        assert_eq!(alg(&key.verifying_key()), "Ed25519");
        assert_eq!(key.algorithm(), Algorithm::EdDSA);
    }
    assert_eq!(key.verifying_key().algorithm(), Algorithm::EdDSA);
    for (algorithm, jwk) in PRIVATE.into_iter().filter(|(other, _)| *other != Algorithm::EdDSA) {
        let key = SigningKey::from_jwk(jwk, algorithm).unwrap();
        let error = key.verifying_key().with_fully_specified_alg().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Ineffective, "{algorithm}");
        assert!(key.with_fully_specified_alg().is_err(), "{algorithm}");
    }
}

#[test]
fn rejects_duplicate_members() {
    for (algorithm, jwk) in PRIVATE {
        let inner = jwk.trim().strip_prefix('{').unwrap();
        for twice in [
            r#""kty":"oct""#,
            r#""\u006bty":"RSA""#,
            r#""alg":"HS256","alg":"HS256""#,
            r#""kid":"a","k\u0069d":"b""#,
            r#""x":"","\u0078":"""#,
            r#""unknown":1,"unknown":2"#,
        ] {
            assert_both_reject(twice, &format!("{{{twice},{inner}"), algorithm);
        }
    }
    // JSON other than one object.
    for json in ["", "null", "[]", "7", "\"k\"", "{}", "[{\"kty\":\"oct\"}]", "{"] {
        assert_both_reject(json, json, Algorithm::HS256);
    }
    assert_both_reject("two objects", &format!("{RFC_OCT}{RFC_OCT}"), Algorithm::HS256);
}

#[test]
fn ignores_unknown_members() {
    let unknown = json!({ "x5t": "AAAA", "x5c": ["MIIB"], "ext": true, "exp": 1, "iss": [{}] });
    for (algorithm, jwk) in PRIVATE {
        assert!(verifying(&with(jwk, unknown.clone()), algorithm).is_ok(), "{algorithm}");
    }
}

#[test]
fn rejects_weak_secrets() {
    let oct = |k: &str| json!({ "kty": "oct", "k": k }).to_string();
    let bytes: Vec<u8> = (0..64).collect();
    assert!(verifying(&oct(&encode(&bytes[..32])), Algorithm::HS256).is_ok());
    assert_both_reject("short", &oct(&encode(&bytes[..31])), Algorithm::HS256);
    assert_both_reject("short", &oct(&encode(&bytes[..63])), Algorithm::HS512);
    assert_both_reject("empty", &oct(""), Algorithm::HS256);
    assert_both_reject("constant", &oct(&encode([9; 64])), Algorithm::HS256);
    assert_both_reject("a PEM key", &oct(&encode(keys::RSA_PUBLIC)), Algorithm::HS256);
    assert_both_reject("padded", &oct(&format!("{}=", encode(&bytes[..32]))), Algorithm::HS256);
    assert_both_reject("not base64url", &oct(&"+/".repeat(30)), Algorithm::HS256);
}

#[test]
fn rejects_coordinates_of_another_length_or_off_the_curve() {
    let zero_first = [vec![0], vec![7; 32]].concat();
    let cases = [
        ("31 bytes", json!({ "x": encode([7; 31]) })),
        ("33 bytes", json!({ "x": encode(&zero_first) })),
        ("33 bytes", json!({ "y": encode(&zero_first) })),
        ("48 bytes", json!({ "y": encode([7; 48]) })),
        ("empty", json!({ "x": "" })),
        ("empty", json!({ "x": "", "y": "" })),
        ("missing", json!({ "y": null })),
        ("not on the curve", json!({ "y": encode([7; 32]) })),
        ("beyond the field", json!({ "x": encode([0xff; 32]) })),
        ("the origin", json!({ "x": encode([0; 32]), "y": encode([0; 32]) })),
    ];
    for (what, changes) in cases {
        assert_both_reject(what, &with(RFC_EC, changes), Algorithm::ES256);
    }
    // The same point, split at another position.
    let point: Map<String, Value> = serde_json::from_str(RFC_EC).unwrap();
    let half = |name: &str| decode(point[name].as_str().unwrap());
    let (x, y) = (half("x"), half("y"));
    let shifted = json!({ "x": encode(&x[..31]), "y": encode([&x[31..], &y].concat()) });
    assert_both_reject("31 and 33 bytes", &with(RFC_EC, shifted), Algorithm::ES256);

    // The last one is a valid key in DER, which a JWK does not contain.
    let spki = keys::der(keys::ED25519_PUBLIC);
    assert!(VerifyingKey::from_der(Algorithm::EdDSA, &spki).is_ok());
    for x in [&[][..], &[7; 31], &[7; 33], &[7; 57], &spki] {
        let jwk = with(RFC_OKP, json!({ "x": encode(x) }));
        assert_both_reject(&format!("{} bytes", x.len()), &jwk, Algorithm::EdDSA);
    }
}

fn decode(base64url: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

#[test]
fn rejects_ed25519_keys_of_small_order_or_without_canonical_encoding() {
    // The output of tests/fixtures/small_order.py.
    const SMALL_ORDER: [&str; 14] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    /// The prefix of the 32 bytes in a `SubjectPublicKeyInfo` (RFC 8410).
    const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

    for hex in SMALL_ORDER {
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let x: Vec<u8> = (0..64).step_by(2).map(byte).collect();
        let jwk = with(RFC_OKP, json!({ "x": encode(&x) }));
        assert_both_reject(hex, &jwk, Algorithm::EdDSA);
        assert_rejected(hex, VerifyingKey::from_der(Algorithm::EdDSA, &x));
        let spki = [SPKI.as_slice(), &x].concat();
        assert_rejected(hex, VerifyingKey::from_der(Algorithm::EdDSA, spki));
    }
    // RFC 8032 section 5.1.3: y coordinates from the modulus to 2^255 - 1.
    for first in 0xed..=0xff_u8 {
        for last in [0x7f, 0xff] {
            let mut x = [0xff; 32];
            (x[0], x[31]) = (first, last);
            let what = format!("{first:x} {last:x}");
            let jwk = with(RFC_OKP, json!({ "x": encode(x) }));
            assert_both_reject(&what, &jwk, Algorithm::EdDSA);
            assert_rejected(&what, VerifyingKey::from_der(Algorithm::EdDSA, x));
        }
    }
    let valid = [SPKI.to_vec(), keys::der(keys::ED25519_PUBLIC)[12..].to_vec()].concat();
    assert!(VerifyingKey::from_der(Algorithm::EdDSA, valid).is_ok());
}

#[test]
fn rejects_rsa_keys_with_an_invalid_modulus_or_exponent() {
    // The length of a modulus is checked, not its factors.
    let modulus = |bits: usize| {
        let mut n = vec![0xc5; bits.div_ceil(8)];
        n[0] = if bits.is_multiple_of(8) { 0xc5 } else { 1 << (bits % 8 - 1) };
        json!({ "kty": "RSA", "n": encode(n), "e": "AQAB" }).to_string()
    };
    for (bits, accepted) in
        [(1024, false), (2040, false), (2047, false), (2048, true), (4096, true), (8192, true)]
    {
        assert_eq!(verifying(&modulus(bits), Algorithm::RS256).is_ok(), accepted, "{bits}");
    }
    // The output of tests/fixtures/roca.py: a key with the weakness of CVE-2017-15361.
    let roca = concat!(
        "omLGEKtcczfOQlf56Gi57_bkmcZqMHE062Jm-IZYwSxaSYyjkt-s0LymxgdQkkNyHzdIOv3tivEcml3DlK9P26",
        "5XD-V4YXG61QPNZPyyxTTTlfdXBK2dJgO_jZO00CurXrB-TWx53tVohr4YV2oLW0Y_DlOXUKJSRhX8C_UUOdxG",
        "hc4QmRcTgpqyD0K5E9mMxS5i4RMC6pTuEC02Pa3NyDTGGxNzlGjbY6I8lO8kinkkzfWazMG0GwMINGkk8AvwpW",
        "XlzIMfJww79vpl4zpAsRP9mXsHxU9FcBddpx_6lEWdJAAT-kl1m_6dBxOPpvqt0cvWvZa-ZqC5EzWdnTYJvQ",
    );
    assert_both_reject("ROCA", &with(RFC_THUMBPRINT, json!({ "n": roca })), Algorithm::RS256);
    for bits in [8193, 8200, 16384] {
        assert_rejected(&format!("{bits} bits"), verifying(&modulus(bits), Algorithm::PS256));
    }

    let exponent = |e: &[u8]| with(RFC_THUMBPRINT, json!({ "e": encode(e) }));
    for (e, accepted) in [
        (&[3][..], true),
        (&[0, 0, 1, 0, 1], true),
        (&[], false),
        (&[0], false),
        (&[1], false),
        (&[0, 1], false),
        (&[2], false),
        (&[1, 0, 0], false),
        (&[0xff; 64], false),
    ] {
        let key = verifying(&exponent(e), Algorithm::RS256);
        assert_eq!(key.is_ok(), accepted, "{e:?}");
    }
    for (what, changes) in [
        ("even modulus", json!({ "n": encode([0xc4; 256]) })),
        ("no modulus", json!({ "n": "" })),
        ("zero", json!({ "n": encode([0; 256]) })),
        ("missing", json!({ "n": null })),
        ("a number", json!({ "e": 65537 })),
        ("padded", json!({ "e": "AQAB==" })),
        ("trailing bits", json!({ "e": "AQF" })),
    ] {
        assert_rejected(what, verifying(&with(RFC_THUMBPRINT, changes), Algorithm::RS256));
    }
}

#[test]
fn ignores_leading_zeros_of_a_modulus() {
    let members: Map<String, Value> = serde_json::from_str(RFC_RSA).unwrap();
    let n = decode(members["n"].as_str().unwrap());
    let padded = with(RFC_RSA, json!({ "n": encode([vec![0, 0], n].concat()) }));
    let plain = verifying(RFC_RSA, Algorithm::RS256).unwrap();
    assert_eq!(verifying(&padded, Algorithm::RS256).unwrap().kid(), plain.kid());
    assert_eq!(SigningKey::from_jwk(&padded, Algorithm::RS256).unwrap().kid(), plain.kid());

    // Leading zeros do not make a short modulus longer.
    let short = json!({ "n": encode([vec![0; 200], vec![0xc5; 128]].concat()) });
    assert_rejected("1024 bits", verifying(&with(RFC_RSA, short), Algorithm::RS256));
}

#[test]
fn debug_shows_no_key_material() {
    for (algorithm, jwk) in PRIVATE {
        let members: Map<String, Value> = serde_json::from_str(jwk).unwrap();
        let key = SigningKey::from_jwk(jwk, algorithm).unwrap();
        let debug = format!("{key:?}{:?}", key.verifying_key());
        for (name, value) in members {
            let value = value.as_str().unwrap();
            if value.len() > 10 {
                assert!(!debug.contains(&value[..10]), "{algorithm} {name}");
            }
        }
        let error = SigningKey::from_jwk(jwk, Algorithm::ES384).unwrap_err();
        assert!(!format!("{error}{error:?}").contains(char::is_numeric));
    }
}

#[test]
fn the_same_key_in_pem_der_and_jwk_verifies_the_same_message() {
    const TOKEN: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
        hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";
    for key in [
        VerifyingKey::from_jwk(RFC_OKP, Algorithm::EdDSA),
        VerifyingKey::from_pem(Algorithm::EdDSA, PEM),
        VerifyingKey::from_der(Algorithm::EdDSA, keys::der(PEM)),
        VerifyingKey::from_der(Algorithm::EdDSA, &keys::der(PEM)[12..]),
    ] {
        assert!(Jws::verify(TOKEN, &key.unwrap(), 8192).is_ok());
    }
}
