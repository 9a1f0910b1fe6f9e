//! Certificates with any key and any dates. Nothing verifies their signatures, which are zeros.

use base64::{Engine, prelude::BASE64_STANDARD};
use time::{OffsetDateTime, format_description::parse_borrowed};

/// A certificate in DER for `public_key`, a `SubjectPublicKeyInfo`.
pub(crate) fn certificate(public_key: &[u8], not_before: u64, not_after: u64) -> Vec<u8> {
    let ecdsa_with_sha256 = tlv(0x30, &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
    // One attribute: a common name.
    let attribute = [&[0x06, 3, 0x55, 0x04, 0x03][..], &tlv(0x0c, b"keys")].concat();
    let name = tlv(0x30, &tlv(0x31, &tlv(0x30, &attribute)));
    let version_3 = tlv(0xa0, &[0x02, 1, 2]);
    let serial = tlv(0x02, &[1]);
    let validity = tlv(0x30, &[date(not_before), date(not_after)].concat());
    let content =
        [&version_3[..], &serial, &ecdsa_with_sha256, &name, &validity, &name, public_key];
    let content = tlv(0x30, &content.concat());
    let signature = tlv(0x03, &[0; 65]);
    tlv(0x30, &[content, ecdsa_with_sha256, signature].concat())
}

pub(crate) fn to_pem(certificate: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        BASE64_STANDARD.encode(certificate)
    )
}

fn date(seconds: u64) -> Vec<u8> {
    let date = OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    // RFC 5280, section 4.1.2.5.
    let (tag, year) =
        if date.year() < 2050 { (0x17, "[year repr:last_two]") } else { (0x18, "[year]") };
    let format = format!("{year}[month][day][hour][minute][second]Z");
    let format = parse_borrowed::<2>(&format).unwrap();
    tlv(tag, date.format(&format).unwrap().as_bytes())
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
