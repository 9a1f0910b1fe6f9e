//! The rules for proofs (RFC 9449 section 4.3). Each test changes one member of a valid proof.

use serde_json::{Value, json};
use tower_jwt_auth::Algorithm;

use crate::support::{
    keys,
    mint::{NOW, encode},
};

use super::{
    app, assert_accepted, assert_invalid_proof,
    client::{Client, sha256},
    dpop, send_proof,
};

/// Sends a proof that `change` has changed, with a token bound to its key.
async fn send_changed(
    client: &Client,
    change: impl FnOnce(super::client::Proof<'_>) -> super::client::Proof<'_>,
) -> super::Reply {
    let token = client.token();
    let proof = change(client.proof("/notes", &token));
    send_proof(&app(dpop()), &token, &proof.sign()).await
}

#[tokio::test]
async fn accepts_keys_of_each_algorithm() {
    for algorithm in
        [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA]
    {
        let client = Client::new(algorithm);
        assert_accepted(&send_changed(&client, |proof| proof).await);
    }
}

#[tokio::test]
async fn ed25519_and_eddsa_name_one_algorithm() {
    let client = Client::new(Algorithm::EdDSA);
    assert_accepted(&send_changed(&client, |proof| proof.member("alg", "Ed25519")).await);
    let (app, token) = (app(dpop().algorithms([Algorithm::EdDSA])), client.token());
    let proof = client.proof("/notes", &token).member("alg", "Ed25519");
    assert_accepted(&send_proof(&app, &token, &proof.sign()).await);
}

#[tokio::test]
async fn rejects_algorithms_that_are_not_accepted() {
    let reply = send_changed(&Client::new(Algorithm::RS512), |proof| proof).await;
    assert_invalid_proof(&reply, "alg");
    for alg in ["none", "None", "HS256", "es256", "ES512", ""] {
        let reply = send_changed(&Client::es256(), |proof| proof.member("alg", alg)).await;
        assert_invalid_proof(&reply, "alg");
    }
    let (app, client) = (app(dpop().algorithms([Algorithm::EdDSA])), Client::es256());
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    assert_invalid_proof(&send_proof(&app, &token, &proof).await, "alg");
}

#[tokio::test]
async fn requires_the_type_of_a_proof() {
    let client = Client::es256();
    for typ in [json!(null), json!("JWT"), json!("at+jwt"), json!("dpop"), json!("")] {
        let reply = send_changed(&client, |proof| proof.member("typ", typ)).await;
        assert_invalid_proof(&reply, "typ");
    }
    // RFC 7515 section 4.1.9.
    for typ in ["application/dpop+jwt", "DPoP+JWT"] {
        assert_accepted(&send_changed(&client, |proof| proof.member("typ", typ)).await);
    }
}

#[tokio::test]
async fn rejects_private_and_symmetric_keys() {
    let client = Client::es256();
    for (name, value) in [
        ("d", json!("AA")),
        ("k", json!("AA")),
        ("p", json!("AA")),
        ("oth", json!([])),
        ("priv", json!("AA")),
        ("d", json!({})),
    ] {
        let mut jwk = client.jwk.clone();
        jwk[name] = value;
        let reply = send_changed(&client, |proof| proof.member("jwk", jwk)).await;
        assert_invalid_proof(&reply, "jwk");
    }
    let secret = json!({ "kty": "oct", "k": encode(keys::SECRET) });
    let reply = send_changed(&client, |proof| proof.member("jwk", secret)).await;
    assert_invalid_proof(&reply, "jwk");
}

#[tokio::test]
async fn requires_a_public_key_for_the_algorithm() {
    let client = Client::es256();
    let with = |name: &str, value: Value| {
        let mut jwk = client.jwk.clone();
        jwk[name] = value;
        jwk
    };
    for jwk in [
        json!(null),
        json!("key"),
        json!({}),
        json!([client.jwk]),
        Client::new(Algorithm::ES384).jwk,
        Client::new(Algorithm::EdDSA).jwk,
        Client::new(Algorithm::RS256).jwk,
        with("alg", json!("ES384")),
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("kty", json!("oct")),
        with("crv", json!("P-384")),
        with("x", json!("AA")),
        with("x", json!(format!("{}=", client.jwk["x"].as_str().unwrap()))),
        with("y", client.jwk["x"].clone()),
    ] {
        let reply = send_changed(&client, |proof| proof.member("jwk", jwk)).await;
        assert_invalid_proof(&reply, "jwk");
    }
    for jwk in [
        with("alg", json!("ES256")),
        with("use", json!("sig")),
        with("key_ops", json!(["verify"])),
        with("kid", json!("any")),
        with("ext", json!(true)),
    ] {
        assert_accepted(&send_changed(&client, |proof| proof.member("jwk", jwk)).await);
    }
}

#[tokio::test]
async fn rejects_weak_keys_and_other_encodings_of_a_key() {
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode([0; 32]) });
    let client = Client::new(Algorithm::EdDSA);
    let jkt = encode(sha256(
        r#"{"crv":"Ed25519","kty":"OKP","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
    ));
    let token = super::client::token(&json!({ "jkt": jkt }).to_string());
    let proof = client.proof("/notes", &token).member("jwk", weak).sign();
    assert_invalid_proof(&send_proof(&app(dpop()), &token, &proof).await, "jwk");

    let client = Client::new(Algorithm::RS256);
    let (n, mut jwk) = (client.jwk["n"].as_str().unwrap(), client.jwk.clone());
    let mut bytes = vec![0; 3];
    bytes.extend(base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, n).unwrap());
    jwk["n"] = encode(bytes).into();
    let canonical = format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, jwk["e"], jwk["n"]);
    let token = super::client::token(&json!({ "jkt": encode(sha256(canonical)) }).to_string());
    let proof = client.proof("/notes", &token).member("jwk", jwk).sign();
    assert_invalid_proof(&send_proof(&app(dpop()), &token, &proof).await, "jwk");
}

#[tokio::test]
async fn requires_the_key_to_which_the_token_is_bound() {
    let (owner, thief) = (Client::es256(), Client::with_key(Algorithm::EdDSA, keys::ED25519));
    let token = owner.token();
    let proof = thief.proof("/notes", &token).sign();
    assert_invalid_proof(&send_proof(&app(dpop()), &token, &proof).await, "jwk");
}

#[tokio::test]
async fn requires_a_valid_signature() {
    let (client, app) = (Client::es256(), app(dpop()));
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    let (input, signature) = proof.rsplit_once('.').unwrap();
    let (_, payload) = input.split_once('.').unwrap();
    let swapped = if signature.starts_with('A') { "B" } else { "A" };
    let other = client.proof("/notes", &token).sign();
    let (_, other_signature) = other.rsplit_once('.').unwrap();
    let header = proof.split('.').next().unwrap();
    for invalid in [
        format!("{input}."),
        format!("{input}.{swapped}{}", &signature[1..]),
        format!("{input}.{other_signature}"),
        format!("{input}.{signature}.{signature}"),
        format!("{input}.{signature}="),
        format!("{header}.{payload}"),
        format!(".{payload}.{signature}"),
        format!("{proof},{other}"),
        String::new(),
        "proof".to_owned(),
    ] {
        assert_invalid_proof(&send_proof(&app, &token, &invalid).await, "DPoP");
    }
    assert_accepted(&send_proof(&app, &token, &proof).await);
}

#[tokio::test]
async fn requires_the_method_of_the_request() {
    let client = Client::es256();
    for method in ["POST", "get", "HEAD", "GET ", ""] {
        let reply = send_changed(&client, |proof| proof.claim("htm", method)).await;
        assert_invalid_proof(&reply, "htm");
    }
}

#[tokio::test]
async fn requires_the_url_of_the_request() {
    let client = Client::es256();
    for url in [
        "https://api.example/other",
        "https://api.example/notes/",
        "https://api.example/Notes",
        "https://api.example/",
        "http://api.example/notes",
        "https://api.example:8443/notes",
        "https://other.example/notes",
        "https://api.example.other/notes",
        "https://user@api.example/notes",
        "https://api.example/notes%2F..",
        "/notes",
        "",
    ] {
        let reply = send_changed(&client, |proof| proof.claim("htu", url)).await;
        assert_invalid_proof(&reply, "htu");
    }
    for url in [
        "HTTPS://API.example:443/notes",
        "https://api.example/notes?page=2#top",
        "https://api.example/./a/../%6eotes",
    ] {
        assert_accepted(&send_changed(&client, |proof| proof.claim("htu", url)).await);
    }
}

#[tokio::test]
async fn a_proof_is_valid_from_5_seconds_before_to_60_seconds_after_its_time() {
    let client = Client::es256();
    for issued_at in [NOW - 60, NOW, NOW + 5] {
        assert_accepted(&send_changed(&client, |proof| proof.claim("iat", issued_at)).await);
    }
    for issued_at in [0, NOW - 61, NOW + 6] {
        let reply = send_changed(&client, |proof| proof.claim("iat", issued_at)).await;
        assert_invalid_proof(&reply, "iat");
    }
}

#[tokio::test]
async fn requires_the_hash_of_the_token() {
    let client = Client::es256();
    let other = encode(sha256("another token"));
    let padded =
        |proof: super::client::Proof<'_>| format!("{}=", proof.payload["ath"].as_str().unwrap());
    for ath in [json!(null), json!(other), json!("")] {
        let reply = send_changed(&client, |proof| proof.claim("ath", ath)).await;
        assert_invalid_proof(&reply, "ath");
    }
    let reply = send_changed(&client, |proof| {
        let ath = padded(client.proof("/notes", &client.token()));
        proof.claim("ath", ath)
    })
    .await;
    assert_invalid_proof(&reply, "ath");
}

#[tokio::test]
async fn the_id_has_1_to_255_bytes() {
    let client = Client::es256();
    let reply = send_changed(&client, |proof| proof.claim("jti", "")).await;
    assert_invalid_proof(&reply, "jti");
    let reply = send_changed(&client, |proof| proof.claim("jti", "i".repeat(256))).await;
    assert_invalid_proof(&reply, "jti");
    let reply = send_changed(&client, |proof| proof.claim("jti", "i".repeat(255))).await;
    assert_accepted(&reply);
}

#[tokio::test]
async fn requires_all_claims_with_their_types() {
    let client = Client::es256();
    for name in ["jti", "htm", "htu", "iat"] {
        for value in [json!(null), json!({}), json!([]), json!(true)] {
            let reply = send_changed(&client, |proof| proof.claim(name, value)).await;
            assert_invalid_proof(&reply, "DPoP");
        }
    }
    for (name, value) in [("iat", json!("1700000000")), ("iat", json!(-1)), ("jti", json!(7))] {
        let reply = send_changed(&client, |proof| proof.claim(name, value)).await;
        assert_invalid_proof(&reply, "DPoP");
    }
    let reply = send_changed(&client, |proof| proof.claim("custom", json!({ "a": [1] }))).await;
    assert_accepted(&reply);
}

#[tokio::test]
async fn rejects_duplicate_members() {
    let (client, app) = (Client::es256(), app(dpop()));
    let token = client.token();
    let proof = client.proof("/notes", &token);
    let (header, payload) = (proof.header.to_string(), proof.payload.to_string());
    let repeat = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    for member in [r#""typ":"dpop+jwt""#, r#""alg":"ES256""#, r#""x":1,"x":1"#] {
        let proof = client.mint(&repeat(&header, member), &payload);
        assert_invalid_proof(&send_proof(&app, &token, &proof).await, "DPoP");
    }
    let jwk = client.jwk.to_string();
    let twice = format!(r#""jwk":{jwk}"#);
    let proof = client.mint(&repeat(&header, &twice), &payload);
    assert_invalid_proof(&send_proof(&app, &token, &proof).await, "DPoP");
    let nested = header.replace(&jwk, &repeat(&jwk, r#""kty":"EC""#));
    let proof = client.mint(&nested, &payload);
    assert_invalid_proof(&send_proof(&app, &token, &proof).await, "jwk");
    for member in [r#""htm":"GET""#, r#""iat":1700000000"#, r#""a":1,"a":2"#, r#""\u0068tm":"GET""#]
    {
        let proof = client.mint(&header, &repeat(&payload, member));
        assert_invalid_proof(&send_proof(&app, &token, &proof).await, "DPoP");
    }
}

#[tokio::test]
async fn rejects_headers_that_change_what_is_signed() {
    let client = Client::es256();
    for (name, value) in [("crit", json!(["exp"])), ("b64", json!(false)), ("zip", json!("DEF"))] {
        let reply = send_changed(&client, |proof| proof.member(name, value)).await;
        assert_invalid_proof(&reply, "DPoP");
    }
}

#[tokio::test]
async fn rejects_proofs_of_12_kib() {
    let (client, app) = (Client::es256(), app(dpop()));
    let token = client.token();
    let of_len = |is_long_enough: &dyn Fn(usize) -> bool| {
        let proofs = (8_000..16_000)
            .map(|len| client.proof("/notes", &token).claim("filling", "x".repeat(len)).sign());
        proofs.into_iter().find(|proof| is_long_enough(proof.len())).unwrap()
    };
    let longest = of_len(&|len| len >= 12 * 1024 - 2);
    assert!(longest.len() < 12 * 1024);
    assert_accepted(&send_proof(&app, &token, &longest).await);
    let too_long = of_len(&|len| len >= 12 * 1024);
    assert_invalid_proof(&send_proof(&app, &token, &too_long).await, "DPoP");
}
