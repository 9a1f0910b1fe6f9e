//! QR codes as images.

use std::fmt::Write;

use qrcodegen::{DataTooLong, QrCode, QrCodeEcc};
use zeroize::Zeroizing;

/// The width of the margin that readers need, in modules (ISO/IEC 18004).
const MARGIN: i32 = 4;
/// A row of the largest symbol has fewer characters.
const MAX_ROW_LEN: usize = 1_024;

/// An SVG image of a QR code with `text`. The margin is white, so that readers find the code on a page
/// of any color.
pub(super) fn svg(text: &str) -> Result<Zeroizing<String>, DataTooLong> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
    let size = code.size();
    let side = size + 2 * MARGIN;
    // No part of the secret is left behind where the string was before it grew.
    let capacity = MAX_ROW_LEN * usize::try_from(side).unwrap_or_default();
    let mut svg = Zeroizing::new(String::with_capacity(capacity));
    let _ = write!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" aria-label="QR code" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d=""##
    );
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let dark = (x..size).take_while(|x| code.get_module(*x, y)).count();
            // No row has more modules than fit into an integer of this type.
            let dark = i32::try_from(dark).unwrap_or(size);
            if dark > 0 {
                let _ = write!(svg, "M{} {}h{dark}v1h-{dark}z", x + MARGIN, y + MARGIN);
            }
            x += dark.max(1);
        }
    }
    svg.push_str("\"/></svg>");
    Ok(svg)
}
