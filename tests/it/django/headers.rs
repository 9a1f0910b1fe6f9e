//! The header of requests to protected routes.

use serde_json::json;

use super::{
    endpoints::{Endpoint, PROTECTED},
    minting::Mint,
    pair::{Pair, Request, get},
};

pub(super) fn compare(pair: &Pair, mint: &Mint) {
    let token = mint.token(Endpoint::Hello.token_type(pair), &pair.user("alice"), &[]);
    let scheme = pair.scheme();
    for path in PROTECTED {
        pair.compare(format!("{path} without a header"), |_| get(path, ""));
        for value in [
            String::new(),
            " ".to_owned(),
            scheme.clone(),
            format!("{scheme} "),
            token.clone(),
            format!("{scheme} {token}"),
            format!("{scheme}  {token}"),
            format!("{scheme}\t{token}"),
            format!("{scheme} {token} "),
            format!("{scheme} {token} x"),
            format!("{scheme} {token} {token}"),
            format!("{scheme} {token},"),
            format!("{scheme} \"{token}\""),
            format!("{scheme}{token}"),
            format!("{scheme}: {token}"),
            format!("{scheme} {scheme} {token}"),
            format!("{} {token}", scheme.to_lowercase()),
            format!("{} {token}", scheme.to_uppercase()),
            format!("Bearer {token}"),
            format!("JWT {token}"),
            format!("Token {token}"),
            format!("Basic {token}"),
            "Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=".to_owned(),
            "☃".to_owned(),
            format!("{scheme} ☃"),
            format!("{scheme} {token}☃"),
        ] {
            pair.compare(format!("{path} {value:?}"), |_| get(path, pair.header(&value)));
        }
        let valid = format!("{scheme} {token}");
        let twice = pair.header(&valid) + &pair.header(&valid);
        pair.compare(format!("{path} with two headers"), |_| get(path, twice.clone()));
        for name in ["authorization", "x-access-token", "x-auth"] {
            pair.compare(format!("{path} {name}"), |_| get(path, format!("{name}: {valid}\r\n")));
        }
        for query in ["token", "access", "jwt"] {
            pair.compare(format!("{path} {query} in the query"), |_| {
                get(&format!("{path}?{query}={token}"), "")
            });
        }
        for method in ["HEAD", "POST", "PUT", "DELETE"] {
            pair.compare(format!("{method} {path} with a token"), |_| Request {
                line: format!("{method} {path}"),
                headers: pair.header(&valid),
                body: Vec::new(),
            });
        }
        pair.compare(format!("{path} with a body"), |_| Request {
            line: format!("GET {path}"),
            headers: pair.header(&valid) + "content-type: application/json\r\n",
            body: json!({}).to_string().into_bytes(),
        });
    }
}
