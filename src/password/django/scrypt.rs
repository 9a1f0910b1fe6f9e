use scrypt::Params;

use super::failed::Failed;

const OUTPUT_LEN: usize = 64;
/// Blocks have 128 bytes. This is four times Django's own limit.
const MAX_BLOCKS: u64 = 1 << 20;
/// In blocks, over all lanes. This is about thirteen times Django's default.
const MAX_WORK: u64 = 1 << 23;

/// `None` if scrypt does not allow these parameters, or they exceed the limits.
pub(super) fn params(work_factor: u32, block_size: u32, parallelism: u32) -> Option<Params> {
    let blocks = u64::from(work_factor).checked_mul(block_size.into())?;
    let work = blocks.checked_mul(parallelism.into())?;
    let is_bounded = blocks <= MAX_BLOCKS && work <= MAX_WORK;
    if !is_bounded || work_factor < 2 || !work_factor.is_power_of_two() {
        return None;
    }
    let log_n = u8::try_from(work_factor.trailing_zeros()).ok()?;
    Params::new(log_n, block_size, parallelism).ok()
}

pub(super) fn derive(
    work_factor: u32,
    block_size: u32,
    parallelism: u32,
    salt: &str,
    password: &[u8],
) -> Result<String, Failed> {
    let params = params(work_factor, block_size, parallelism).ok_or(Failed)?;
    let mut output = [0; OUTPUT_LEN];
    scrypt::scrypt(password, salt.as_bytes(), &params, &mut output).map_err(|_| Failed)?;
    Ok(base64_simd::STANDARD.encode_to_string(output))
}

/// The parts of `<n>$<salt>$<r>$<p>$<hash>`, without the hash.
pub(super) struct Encoded<'a> {
    pub(super) work_factor: u32,
    pub(super) block_size: u32,
    pub(super) parallelism: u32,
    pub(super) salt: &'a str,
}

pub(super) fn decode(text: &str) -> Option<Encoded<'_>> {
    let mut parts = text.splitn(5, '$');
    let work_factor = parts.next()?.parse().ok()?;
    let salt = parts.next().filter(|salt| !salt.is_empty())?;
    let block_size = parts.next()?.parse().ok()?;
    let parallelism = parts.next()?.parse().ok()?;
    parts.next()?;
    params(work_factor, block_size, parallelism)?;
    Some(Encoded { work_factor, block_size, parallelism, salt })
}
