//! Issuers that differ in the id of a tenant.

/// The placeholder for the tenant's id.
const PLACEHOLDER: &str = "{tenantid}";

/// The issuers of all tenants, such as `https://login.microsoftonline.com/{tenantid}/v2.0`.
#[derive(Clone)]
pub(crate) struct IssuerTemplate(Box<str>);

impl IssuerTemplate {
    /// Returns `None` unless `template` has the placeholder exactly once.
    #[cfg(feature = "jwks")]
    pub(crate) fn parse(template: &str) -> Option<Self> {
        (template.matches(PLACEHOLDER).count() == 1).then(|| Self(template.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tenant of `issuer`; `None` if that is not an issuer of the template.
    pub(super) fn tenant_of<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        tenant_of(&self.0, issuer).filter(|tenant| is_guid(tenant))
    }
}

/// Returns whether a key may sign for `issuer`, which is that of `tenant`. The key names its own
/// issuer, or a template.
pub(super) fn may_sign(key_issuer: &str, tenant: &str, issuer: &str) -> bool {
    key_issuer == issuer || tenant_of(key_issuer, issuer) == Some(tenant)
}

fn tenant_of<'a>(template: &str, issuer: &'a str) -> Option<&'a str> {
    let (before, after) = template.split_once(PLACEHOLDER)?;
    issuer.strip_prefix(before)?.strip_suffix(after)
}

/// Whether `id` has the form of a GUID. The tokens have it in lower case.
pub(super) fn is_guid(id: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hex(byte),
        })
}
