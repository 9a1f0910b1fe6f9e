//! Bodies of SimpleJWT's views: JSON, forms and multipart. The first line is the media type, the rest
//! the body.

#![no_main]

use std::sync::LazyLock;

use axum::{Router, body::Body};
use fuzz::{clock, has_duplicates, member, members, parts, send};
use http::{HeaderValue, Request, header::CONTENT_TYPE};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoUsers, Settings, SimpleJwt};

static APP: LazyLock<Router> = LazyLock::new(|| {
    fuzz::block_on(async {
        // No request of this target gets as far as the database.
        let database = DjangoDatabase::connect_lazy("sqlite://unused.sqlite3").unwrap();
        let jwt = SimpleJwt::builder(Settings::default())
            .secret_key(str::from_utf8(fuzz::SECRET).unwrap())
            .users(DjangoUsers::new(database))
            .blacklist_app(false)
            .clock(clock())
            .build()
            .unwrap();
        jwt.views().unwrap().router("").unwrap()
    })
});

fn post(path: &str, media_type: &HeaderValue, body: &[u8]) -> (u16, Vec<u8>) {
    let mut request = Request::post(path).body(Body::from(body.to_vec())).unwrap();
    request.headers_mut().insert(CONTENT_TYPE, media_type.clone());
    let (status, body) = send(&APP, request);
    (status.as_u16(), body)
}

fuzz_target!(|input: &[u8]| {
    let [media_type, body] = parts(input);
    let Ok(media_type) = HeaderValue::from_bytes(media_type) else { return };
    let views = [
        ("/verify/", "token"),
        ("/refresh/", "refresh"),
        ("/blacklist/", "refresh"),
        ("/sliding/refresh/", "token"),
    ];
    for (path, field) in views {
        let (status, response) = post(path, &media_type, body);
        assert!([400, 401, 413, 415].contains(&status), "{path}: {status}");
        assert!(serde_json::from_slice::<Value>(&response).is_ok_and(|value| value.is_object()));
        // The token is invalid, so it has been read.
        if status == 401 && media_type == "application/json" {
            let read = members(body).expect("an object");
            assert!(!has_duplicates(&read) && member(&read, field).is_some());
        }
    }
});
