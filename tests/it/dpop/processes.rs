//! The examples as processes, with clients of others: Python's jwcrypto, and the packages `dpop` and
//! `oauth4webapi` of npm.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    folder::Folder,
    python,
    redis::{RedisServer, free_port, is_installed},
    server::{Server, run},
};

/// Signs each proof with jwcrypto, and sends the requests of `steps` in order. A step names the method,
/// URL, JSON body, token and scheme, and which earlier proof is sent again. Returns statuses and
/// bodies.
const PYTHON: &str = r#"
import base64, concurrent.futures, hashlib, json, secrets, sys, time, urllib.error, urllib.request
from jwcrypto import jwk, jws

case = json.load(sys.stdin)
KEYS = {
    "ES256": jwk.JWK.generate(kty="EC", crv="P-256"),
    "ES384": jwk.JWK.generate(kty="EC", crv="P-384"),
    "EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519"),
    "RS256": jwk.JWK.generate(kty="RSA", size=2048),
    "PS256": jwk.JWK.generate(kty="RSA", size=2048),
}


def proof(alg, method, url, token=None, **claims):
    claims = {"jti": secrets.token_urlsafe(), "htm": method, "htu": url, "iat": int(time.time()), **claims}
    if token:
        digest = hashlib.sha256(token.encode()).digest()
        claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": json.loads(KEYS[alg].export_public())}
    signed = jws.JWS(json.dumps(claims))
    signed.add_signature(KEYS[alg], None, json.dumps(header), None)
    return signed.serialize(compact=True)


def send(method, url, body=None, token=None, scheme="DPoP", proof=None):
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token:
        headers["Authorization"] = f"{scheme} {token}"
    if proof:
        headers["DPoP"] = proof
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


login, refresh = case["issuer"] + "/api/token/", case["issuer"] + "/api/token/refresh/"
copies = case["copies"]
results = {}
for alg, key in KEYS.items():
    seen = []
    status, tokens = send("POST", login, {"username": "demo", "password": "demo-password"},
                          proof=proof(alg, "POST", login))
    seen.append(["login", status, tokens.get("token_type")])
    access = tokens["access"]
    payload = access.split(".")[1]
    cnf = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["cnf"]
    seen.append(["cnf", cnf == {"jkt": key.thumbprint()}])
    for copy in copies:
        url = copy + "/api/me"
        seen.append(["me", send("GET", url, token=access, proof=proof(alg, "GET", url, access))[0]])
    url = copies[0] + "/api/me"
    once = proof(alg, "GET", case["public_url"] + "/api/me", access)
    used = [send("GET", copy + "/api/me", token=access, proof=once) for copy in copies]
    seen.append(["replay", [status for status, _ in used], used[1][1].get("code")])
    seen.append(["bearer", send("GET", url, token=access, scheme="Bearer")[0]])
    seen.append(["no proof", send("GET", url, token=access)[1].get("code")])
    seen.append(["method", send("GET", url, token=access, proof=proof(alg, "POST", url, access))[1].get("code")])
    seen.append(["other token", send("GET", url, token=access, proof=proof(alg, "GET", url, access + "x"))[1].get("code")])
    old = proof(alg, "GET", url, access, iat=int(time.time()) - 70)
    seen.append(["old", send("GET", url, token=access, proof=old)[1].get("code")])
    thief = "EdDSA" if alg != "EdDSA" else "ES256"
    body = {"refresh": tokens["refresh"]}
    seen.append(["stolen refresh", send("POST", refresh, body)[1].get("code"),
                 send("POST", refresh, body, proof=proof(thief, "POST", refresh))[1].get("code")])
    status, next_tokens = send("POST", refresh, body, proof=proof(alg, "POST", refresh))
    seen.append(["refresh", status, next_tokens.get("token_type")])
    access = next_tokens["access"]
    seen.append(["new", send("GET", url, token=access, proof=proof(alg, "GET", url, access))[0]])
    results[alg] = seen

url = case["public_url"] + "/api/me"
once = proof("PS256", "GET", url, access)
with concurrent.futures.ThreadPoolExecutor(20) as pool:
    race = [pool.submit(send, "GET", copies[i % 2] + "/api/me", None, access, "DPoP", once) for i in range(100)]
    results["race"] = sorted(future.result()[0] for future in race)
json.dump(results, sys.stdout)
"#;

/// An issuer and two copies of a resource server behind one public URL, which share a Redis.
struct Services {
    issuer: Server,
    copies: [Server; 2],
    public_url: String,
    _redis: RedisServer,
    _folder: Folder,
}

fn start() -> Option<Services> {
    let redis = is_installed().then(|| RedisServer::start(&[]))?;
    let folder = Folder::new();
    let port = free_port().to_string();
    let issuer_url = format!("http://127.0.0.1:{port}");
    let keys = folder.path().join("keys").display().to_string();
    let issuer = Server::start(
        "server",
        &[("PORT", &*port), ("ISSUER", &issuer_url), ("KEYS_DIR", &keys), ("DPOP", "accept")],
    );
    let first_port = free_port().to_string();
    let public_url = format!("http://127.0.0.1:{first_port}");
    let copies = [&*first_port, "0"].map(|port| {
        Server::start(
            "resource_server",
            &[
                ("PORT", port),
                ("PUBLIC_URL", &public_url),
                ("ISSUERS", &issuer_url),
                ("AUDIENCE", "api"),
                ("ALLOW_HTTP", "1"),
                ("DPOP", "accept"),
                ("STORE_URL", &redis.url()),
            ],
        )
    });
    let started = Instant::now();
    while copies.iter().any(|copy| copy.send("GET /health", "", b"").status != 200) {
        assert!(started.elapsed() < Duration::from_secs(60), "the keys are there");
        thread::sleep(Duration::from_millis(20));
    }
    Some(Services { issuer, copies, public_url, _redis: redis, _folder: folder })
}

impl Services {
    fn input(&self) -> Value {
        let urls = self.copies.each_ref().map(|copy| format!("http://{}", copy.address()));
        let issuer = format!("http://{}", self.issuer.address());
        json!({ "issuer": issuer, "copies": urls, "public_url": self.public_url })
    }
}

#[test]
fn jwcrypto_makes_proofs_that_are_accepted_once() {
    let Some(services) = start() else { return };
    let Some(results) = python::run(PYTHON, &services.input()) else { return };
    let code = "invalid_dpop_proof";
    for algorithm in ["ES256", "ES384", "EdDSA", "RS256", "PS256"] {
        assert_eq!(
            results[algorithm],
            json!([
                ["login", 200, "DPoP"],
                ["cnf", true],
                ["me", 200],
                // The second copy is not at the public URL, so this client names another.
                ["me", 401],
                ["replay", [200, 401], code],
                ["bearer", 401],
                ["no proof", code],
                ["method", code],
                ["other token", code],
                ["old", code],
                ["stolen refresh", code, code],
                ["refresh", 200, "DPoP"],
                ["new", 200],
            ]),
            "{algorithm}"
        );
    }
    let mut race = vec![200];
    race.extend([401; 99]);
    assert_eq!(results["race"], json!(race));
}

/// Calls the services with `oauth4webapi`, whose proofs are its own, and with proofs of `dpop`, for
/// each of the algorithms that both have. Also verifies a request as a resource server.
const NODE: &str = r#"
import * as oauth from "oauth4webapi";
import * as dpop from "dpop";

const input = JSON.parse(await new Response(process.stdin).text());
const insecure = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(input.issuer);
const discovered = await oauth.discoveryRequest(issuer, insecure);
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const results = [];
for (const alg of ["ES256", "RS256", "PS256", "Ed25519"]) {
  const seen = { alg };
  const pair = await dpop.generateKeyPair(alg);
  const login = `${input.issuer}/api/token/`;
  const reply = await fetch(login, {
    method: "POST",
    headers: { "content-type": "application/json", dpop: await dpop.generateProof(pair, login, "POST") },
    body: JSON.stringify({ username: "demo", password: "demo-password" }),
  });
  const { access, token_type } = await reply.json();
  seen.token_type = token_type;
  const handle = oauth.DPoP({ client_id: "server" }, pair);
  const url = new URL(`${input.public_url}/api/me`);
  const me = await oauth.protectedResourceRequest(access, "GET", url, undefined, undefined, {
    DPoP: handle, ...insecure,
  });
  seen.oauth4webapi = me.status;
  const headers = { authorization: `DPoP ${access}`,
    dpop: await dpop.generateProof(pair, url.href, "GET", undefined, access) };
  seen.dpop = (await fetch(url, { headers })).status;
  const again = await fetch(url, { headers });
  seen.replay = again.status;
  seen.challenge = again.headers.get("www-authenticate");
  const proof = await dpop.generateProof(pair, url.href, "GET", undefined, access);
  const claims = await oauth.validateJwtAccessToken(
    as, new Request(url, { headers: { ...headers, dpop: proof } }), "api", { ...insecure, requireDPoP: true });
  seen.bound = claims.cnf.jkt === await dpop.calculateThumbprint(pair.publicKey);
  try {
    await oauth.protectedResourceRequest(access, "GET", url, undefined, undefined, insecure);
    seen.bearer = "accepted";
  } catch (error) {
    seen.bearer = error instanceof oauth.WWWAuthenticateChallengeError
      ? error.cause.map(({ scheme, parameters }) => [scheme, parameters.error ?? null]) : String(error);
  }
  results.push(seen);
}
process.stdout.write(JSON.stringify(results));
"#;

#[test]
fn npm_packages_make_proofs_that_are_accepted() {
    let Some(packages) = env::var_os("TOWER_JWT_AUTH_NODE") else {
        eprintln!("skipped: TOWER_JWT_AUTH_NODE is not set (tests/run sets it)");
        return;
    };
    let Some(services) = start() else { return };
    let mut node = Command::new("node")
        .args(["--input-type=module", "-e", NODE])
        .current_dir(packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let input = services.input().to_string();
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: are the packages installed?");
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.len(), 4);
    for seen in results {
        assert_eq!(seen["token_type"], "DPoP", "{seen}");
        assert_eq!((&seen["oauth4webapi"], &seen["dpop"]), (&json!(200), &json!(200)), "{seen}");
        assert_eq!(seen["replay"], 401, "{seen}");
        let challenge = seen["challenge"].as_str().unwrap();
        assert!(challenge.starts_with(r#"Bearer realm="api", DPoP realm="api""#), "{challenge}");
        assert_eq!(seen["bound"], true, "{seen}");
        assert_eq!(seen["bearer"], json!([["bearer", "invalid_token"], ["dpop", null]]), "{seen}");
    }
}

#[test]
fn configuration_errors_name_the_setting() {
    let required = [("AUDIENCE", "api"), ("ISSUERS", "https://login.example"), ("PORT", "0")];
    for (variables, message) in [
        (
            [("DPOP", "yes"), ("PUBLIC_URL", "https://api.example")],
            "DPOP must be accept or require",
        ),
        ([("DPOP", "accept"), ("PUBLIC_URL", "api.example")], "PUBLIC_URL: the public URL"),
    ] {
        for example in ["resource_server", "server"] {
            let secret = [("JWT_SECRET", crate::support::login::SECRET)];
            let variables = [&required[..], &variables, &secret].concat();
            let (status, output) = run(example, &variables, Duration::from_secs(5));
            assert_eq!(status.code(), Some(1), "{output}");
            assert!(output.contains(message), "{output}");
        }
    }
    let store = [("DPOP", "accept"), ("STORE_URL", "mysql://ada:hunter2@localhost")];
    let variables = [&required[..], &store].concat();
    let (status, output) = run("resource_server", &variables, Duration::from_secs(5));
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.contains("STORE_URL must be") && !output.contains("hunter2"), "{output}");
}
