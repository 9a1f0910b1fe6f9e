//! What a user sees of an enrolment.

use tower_jwt_auth::totp::{MemoryTotpStore, Totp};

use super::{clock, decoded, key, totp, user};

#[tokio::test]
async fn the_uri_has_all_parameters() {
    let totp = totp(MemoryTotpStore::new(), &clock());
    let enrolment = totp.enrol(&user(), "ada:x@example.org").await.unwrap();
    let secret = enrolment.secret();
    assert_eq!(decoded(secret).len(), 20);
    assert_eq!(
        enrolment.uri(),
        format!(
            "otpauth://totp/Example:ada_x%40example.org?secret={secret}&issuer=Example\
             &algorithm=SHA1&digits=6&period=30"
        )
    );
    let totp = Totp::builder(MemoryTotpStore::new(), key(1)).build().unwrap();
    let enrolment = totp.enrol(&user(), "ada").await.unwrap();
    let secret = enrolment.secret();
    assert_eq!(
        enrolment.uri(),
        format!("otpauth://totp/ada?secret={secret}&algorithm=SHA1&digits=6&period=30")
    );
}

#[tokio::test]
async fn the_image_is_a_square_of_squares() {
    let totp = totp(MemoryTotpStore::new(), &clock());
    let enrolment = totp.enrol(&user(), "ada@example.org").await.unwrap();
    let svg = enrolment.qr_svg();
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "), "{svg}");
    assert!(svg.ends_with("\"/></svg>") && !svg.contains("script"), "{svg}");
    let side: usize =
        svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let image = drawn(svg, side);
    // ISO/IEC 18004: a margin of 4 modules, and a finder pattern in three corners.
    let margin = |x: usize, y: usize| x.min(y).min(side - 1 - x).min(side - 1 - y) < 4;
    for (y, row) in image.iter().enumerate() {
        assert!(row.iter().enumerate().all(|(x, dark)| !(*dark && margin(x, y))));
    }
    for (left, top) in [(4, 4), (side - 11, 4), (4, side - 11)] {
        for y in 0..7_usize {
            for x in 0..7_usize {
                let ring = x.min(y).min(6 - x).min(6 - y);
                assert_eq!(image[top + y][left + x], ring != 1, "{x} {y}");
            }
        }
    }
}

/// The modules that the second path of the image draws.
fn drawn(svg: &str, side: usize) -> Vec<Vec<bool>> {
    let path = svg.split(" d=\"").nth(2).unwrap().split('"').next().unwrap();
    let mut image = vec![vec![false; side]; side];
    for run in path.split_terminator('z') {
        let (start, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let len: usize = rest.split_once('v').unwrap().0.parse().unwrap();
        image[y][x..x + len].fill(true);
    }
    image
}

#[tokio::test]
async fn long_names_fit_into_the_image() {
    let builder = Totp::builder(MemoryTotpStore::new(), key(1)).issuer("é".repeat(32));
    let totp = builder.build().unwrap();
    for name in ["", "a", &"é".repeat(300), &"🔑".repeat(300), "<script>\"&'\0"] {
        let enrolment = totp.enrol(&user(), name).await.unwrap();
        assert!(enrolment.qr_svg().len() < 200_000);
        assert!(!enrolment.uri().contains(['<', '"', '\'', ' ']));
    }
}
