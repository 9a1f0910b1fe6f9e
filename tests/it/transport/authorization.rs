//! The `Authorization` header.

use http::{
    HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};
use tower_jwt_auth::{
    AuthErrorKind::{InvalidRequest, Malformed, MissingCredentials, RepeatedCookie, TooLong},
    transport::TokenSource,
};

use crate::support::app::{layer, request, send, valid_token, with_authorization, with_lines};

use super::{USER_42, assert_complete, assert_lines};

#[tokio::test]
async fn accepts_one_field_with_one_scheme_and_one_token() {
    let cases: &[(&[&str], _)] = &[
        (&["Bearer {T}"], USER_42),
        (&["bearer {T}"], USER_42),
        (&["BEARER {T}"], USER_42),
        (&["bEaReR {T}"], USER_42),
        (&["Bearer  {T}"], USER_42),
        (&["Bearer        {T}"], USER_42),
        (&[" Bearer {T}\t "], USER_42),
        // No credentials, or another scheme.
        (&[], Err(MissingCredentials)),
        (&[""], Err(MissingCredentials)),
        (&["Basic dXNlcjpwYXNz"], Err(MissingCredentials)),
        (&["Basic"], Err(MissingCredentials)),
        (&["Token {T}"], Err(MissingCredentials)),
        (&["Bearers {T}"], Err(MissingCredentials)),
        (&["Beare {T}"], Err(MissingCredentials)),
        (&["{T}"], Err(MissingCredentials)),
        (&["Bearer{T}"], Err(MissingCredentials)),
        (&["Digest a=b, Bearer {T}"], Err(MissingCredentials)),
        // Violations of the grammar.
        (&["\"Bearer\" {T}"], Err(InvalidRequest)),
        (&["Bearer"], Err(InvalidRequest)),
        (&["bearer "], Err(InvalidRequest)),
        (&["Bearer\t{T}"], Err(InvalidRequest)),
        (&["Bearer \t{T}"], Err(InvalidRequest)),
        (&["Bearer {T} {T}"], Err(InvalidRequest)),
        (&["Bearer {T},{T}"], Err(InvalidRequest)),
        (&["Bearer {T}, Bearer {T}"], Err(InvalidRequest)),
        (&["Bearer {T}, Basic dXNlcjpwYXNz"], Err(InvalidRequest)),
        (&["Bearer Bearer {T}"], Err(InvalidRequest)),
        (&["Bearer \"{T}\""], Err(InvalidRequest)),
        (&["Bearer '{T}'"], Err(InvalidRequest)),
        (&["Bearer <{T}>"], Err(InvalidRequest)),
        (&["Bearer token={T}"], Err(InvalidRequest)),
        (&["Bearer token=\"{T}\""], Err(InvalidRequest)),
        (&["Bearer {T};a=b"], Err(InvalidRequest)),
        (&["Bearer {T}, realm=\"api\""], Err(InvalidRequest)),
        (&["Bearer,{T}"], Err(InvalidRequest)),
        (&["Bearer/{T}"], Err(InvalidRequest)),
        (&["Bearer: {T}"], Err(InvalidRequest)),
        (&["Bearer=={T}"], Err(InvalidRequest)),
        (&["Bearer ="], Err(InvalidRequest)),
        (&["Bearer %65"], Err(InvalidRequest)),
        // Several fields.
        (&["Bearer {T}", "Bearer {T}"], Err(InvalidRequest)),
        (&["Bearer {T}", "Basic dXNlcjpwYXNz"], Err(InvalidRequest)),
        (&["Basic dXNlcjpwYXNz", "Bearer {T}"], Err(InvalidRequest)),
        (&["", "Bearer {T}"], Err(InvalidRequest)),
        (&["Bearer {T}", ""], Err(InvalidRequest)),
        // Well-formed credentials, but malformed tokens.
        (&["Bearer x"], Err(Malformed)),
        (&["Bearer a.b"], Err(Malformed)),
        (&["Bearer .."], Err(Malformed)),
        (&["Bearer {T}."], Err(Malformed)),
        (&["Bearer {T}="], Err(Malformed)),
        (&["Bearer {T}~"], Err(Malformed)),
    ];
    assert_lines(&layer(), &AUTHORIZATION, cases).await;
}

#[tokio::test]
async fn rejects_bytes_beyond_ascii() {
    let token = valid_token();
    let odd = (0x80..=0xff).chain([b'\t']);
    for byte in odd {
        let byte = [byte];
        let cases: [(&[&[u8]], _); 4] = [
            (&[&byte, b"Bearer ", token.as_bytes()], None),
            (&[b"Bear", &byte, b"er ", token.as_bytes()], Some(MissingCredentials)),
            (&[b"Bearer", &byte, token.as_bytes()], Some(InvalidRequest)),
            (&[b"Bearer ", &token.as_bytes()[..9], &byte, b"x.y.z"], Some(InvalidRequest)),
        ];
        for (parts, expected) in cases {
            let mut request = request();
            let value = HeaderValue::from_bytes(&parts.concat()).unwrap();
            request.headers_mut().insert(AUTHORIZATION, value);
            let response = send(&layer(), request).await;
            // A tab before the scheme is whitespace around the value.
            let expected = expected.or((byte[0] != b'\t').then_some(InvalidRequest));
            assert_eq!(response.outcome().err(), expected, "{byte:?} in {parts:?}");
            assert_complete(&response, &format!("{byte:?}"));
        }
    }
}

#[tokio::test]
async fn rejects_long_garbage() {
    const LEN: usize = 64 * 1024;
    let cases = [
        ("Bearer ".to_owned() + &"a".repeat(LEN), Malformed),
        ("Bearer ".to_owned() + &".".repeat(LEN), Malformed),
        ("Bearer ".to_owned() + &"e".repeat(8192), Malformed),
        // The start of the first value is not that of a token; that of the second is.
        ("Bearer ".to_owned() + &"a".repeat(LEN) + " b", Malformed),
        ("Bearer ".to_owned() + &"e".repeat(LEN) + " b", InvalidRequest),
        ("Bearer ".to_owned() + &"e30.".repeat(LEN / 4), TooLong),
        ("Bearer ".to_owned() + &"=".repeat(LEN), InvalidRequest),
        ("Bearer ".to_owned() + &"a ".repeat(LEN / 2), InvalidRequest),
        ("Bearer ".to_owned() + &"\"".repeat(LEN), InvalidRequest),
        ("Bearer".to_owned() + &" ".repeat(LEN) + "a", Malformed),
        ("b".repeat(LEN), MissingCredentials),
        ("\"".repeat(LEN), InvalidRequest),
    ];
    for (line, expected) in cases {
        let response = send(&layer(), with_authorization(&[&line])).await;
        assert_eq!(response.outcome(), Err(expected), "{}", &line[..20]);
        assert_complete(&response, &line[..20]);
    }

    let cookies = layer().with_source(TokenSource::cookie("access").unwrap());
    for (line, expected) in [
        (";".repeat(LEN), MissingCredentials),
        ("access=".repeat(LEN / 7), TooLong),
        ("access=a;".repeat(LEN / 9), RepeatedCookie),
    ] {
        let response = send(&cookies, with_lines(&COOKIE, &[&line])).await;
        assert_eq!(response.outcome(), Err(expected), "{}", &line[..9]);
    }
}
