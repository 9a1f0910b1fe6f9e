//! Where the token stands in a request to a protected route.

use serde_json::json;

use super::{
    doors::{Door, PROTECTED},
    minting::Mint,
    pair::{Pair, Request, get},
};

pub(super) fn compare(pair: &Pair, mint: &Mint) {
    let token = mint.token(Door::Hello.token_type(pair), &pair.user("alice"), &[]);
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
            // Some are the same in some configurations, which does no harm.
            pair.compare(format!("{path} {value:?}"), |_| get(path, pair.header(&value)));
        }
        let good = format!("{scheme} {token}");
        let twice = pair.header(&good) + &pair.header(&good);
        pair.compare(format!("{path} with two headers"), |_| get(path, twice.clone()));
        for name in ["authorization", "x-access-token", "x-auth"] {
            pair.compare(format!("{path} {name}"), |_| get(path, format!("{name}: {good}\r\n")));
        }
        for query in ["token", "access", "jwt"] {
            pair.compare(format!("{path} {query} in the query"), |_| {
                get(&format!("{path}?{query}={token}"), "")
            });
        }
        for method in ["HEAD", "POST", "PUT", "DELETE"] {
            pair.compare(format!("{method} {path} with a token"), |_| Request {
                line: format!("{method} {path}"),
                headers: pair.header(&good),
                body: Vec::new(),
            });
        }
        pair.compare(format!("{path} with a body that is no JSON"), |_| Request {
            line: format!("GET {path}"),
            headers: pair.header(&good) + "content-type: application/json\r\n",
            body: json!({}).to_string().into_bytes(),
        });
    }
}
