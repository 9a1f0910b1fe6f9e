//! A slow reader of registered claims, written with `serde_json::Value`.

use fuzz::{has_duplicates, member, members};
use serde_json::{Value, value::RawValue};
use tower_jwt_auth::{Claims, token::TokenProfile};

const LATEST: f64 = 253_402_300_799.0;
const MARKER: &str = "serde_json::private::";

/// The rules of a verifier.
pub struct Reference {
    pub profile: TokenProfile,
    pub types: &'static [&'static str],
    pub issuer: Option<&'static str>,
    pub audiences: &'static [&'static str],
    pub clients: &'static [&'static str],
    pub leeway: u64,
    pub longest: Option<u64>,
    pub max_user_id_len: usize,
    pub optional_jti: bool,
    pub optional_user_id: bool,
}

pub enum Expected {
    Accepted(Box<Read>),
    Rejected,
    /// The payload has values that the reference cannot read.
    Unknown,
}

/// The claims that applications can read.
#[derive(Debug, PartialEq)]
pub struct Read {
    user_id: String,
    expires_at: u64,
    issued_at: Option<u64>,
    jti: Option<String>,
    session_id: Option<String>,
    issuer: Option<String>,
    scopes: Vec<String>,
}

impl Read {
    pub fn of<C>(claims: &Claims<C>) -> Self {
        Self {
            user_id: claims.user_id().to_string(),
            expires_at: claims.expires_at().as_secs(),
            issued_at: claims.issued_at().map(|date| date.as_secs()),
            jti: claims.jti().map(str::to_owned),
            session_id: claims.session_id().map(str::to_owned),
            issuer: claims.issuer().map(str::to_owned),
            scopes: claims.scopes().map(str::to_owned).collect(),
        }
    }
}

/// Why a payload is not accepted.
enum Failure {
    Rejected,
    Unknown,
}

use Failure::{Rejected, Unknown};

impl Reference {
    pub fn new(profile: TokenProfile) -> Self {
        Self {
            profile,
            types: &["access"],
            issuer: None,
            audiences: &[],
            clients: &[],
            leeway: 0,
            longest: None,
            max_user_id_len: 1024,
            optional_jti: matches!(profile, TokenProfile::Plain | TokenProfile::IdToken),
            optional_user_id: false,
        }
    }

    pub fn read(&self, payload: &[u8], now: u64) -> Expected {
        let Some(members) = members(payload) else { return Expected::Rejected };
        // Names that are written with escapes count otherwise.
        if members.len() > 200 {
            return Expected::Unknown;
        }
        match self.read_members(&Members(&members), payload, now) {
            Ok(read) => Expected::Accepted(Box::new(read)),
            Err(Rejected) => Expected::Rejected,
            Err(Unknown) => Expected::Unknown,
        }
    }

    fn read_members(
        &self,
        claims: &Members<'_>,
        payload: &[u8],
        now: u64,
    ) -> Result<Read, Failure> {
        check_markers(payload)?;
        require(!has_duplicates(claims.0))?;
        let is_simple = self.profile == TokenProfile::SimpleJwt;
        let is_foreign = matches!(self.profile, TokenProfile::Plain | TokenProfile::IdToken);

        let expires_at = claims.date("exp")?.ok_or(Rejected)?;
        require(now < expires_at + self.leeway)?;
        let issued_at = claims.date("iat")?;
        let is_past = |date: Option<u64>| date.is_none_or(|date| date <= now + self.leeway);
        require(is_past(issued_at) && is_past(claims.date("nbf")?))?;
        let may_refresh = is_simple && self.types.contains(&"refresh");
        match claims.date("auth_time") {
            Err(Rejected) if !may_refresh => {}
            date => require(is_past(date?))?,
        }
        if may_refresh {
            claims.strings("amr")?;
            claims.string("acr")?;
            claims.string("user_epoch")?;
        } else {
            // A value that cannot be held at all may be rejected.
            for unused in ["amr", "acr", "user_epoch"] {
                claims.get(unused)?;
            }
        }
        if let Some(longest) = self.longest {
            require(issued_at.is_some_and(|date| expires_at.saturating_sub(date) <= longest))?;
        }

        let issuer = claims.string("iss")?;
        require(self.issuer.is_none() || self.issuer == issuer.as_deref())?;
        let has_audiences = self.check_audience(claims)?;
        self.check_clients(claims, has_audiences)?;
        if is_simple {
            claims.get("sub")?;
            let token_type = claims.string("token_type")?;
            require(token_type.is_some_and(|name| self.types.contains(&&*name)))?;
        }
        if is_foreign {
            self.check_use(claims)?;
        }
        require(!claims.has("cnf"))?;

        let jti = claims.id("jti")?;
        require(jti.is_some() || self.optional_jti)?;
        let user_id = self.user_id(claims, if is_simple { "user_id" } else { "sub" })?;
        require(user_id.is_some() || self.optional_user_id)?;
        let required: &[&str] = match self.profile {
            TokenProfile::Rfc9068 => &["client_id", "iat"],
            TokenProfile::IdToken => &["iat", "sub"],
            _ => &[],
        };
        require(required.iter().all(|name| claims.has(name)))?;
        Ok(Read {
            user_id: user_id.unwrap_or_default(),
            expires_at,
            issued_at,
            jti,
            session_id: claims.id("sid")?,
            issuer,
            scopes: [claims.scopes("scope")?, claims.scopes("scp")?].concat(),
        })
    }

    fn user_id(&self, claims: &Members<'_>, name: &str) -> Result<Option<String>, Failure> {
        let id = match claims.get(name)? {
            None => return Ok(None),
            Some(Value::Number(number)) if self.profile == TokenProfile::SimpleJwt => {
                require(number.is_u64() || number.is_i64())?;
                number.to_string()
            }
            Some(value) => {
                let name = value.as_str().ok_or(Rejected)?;
                require(is_name(name) && name.len() <= self.max_user_id_len)?;
                name.to_owned()
            }
        };
        Ok(Some(id))
    }

    /// Returns whether there are several audiences.
    fn check_audience(&self, claims: &Members<'_>) -> Result<bool, Failure> {
        if self.audiences.is_empty() {
            let is_plain = self.profile == TokenProfile::Plain;
            let found = claims.get("aud")?;
            return match found {
                Some(_) if is_plain => require(claims.strings("aud")?.is_empty()).map(|()| false),
                _ => Ok(false),
            };
        }
        let found = claims.strings("aud")?;
        let mut accepted = found.iter().map(|name| self.audiences.contains(&&**name));
        require(match self.profile {
            TokenProfile::IdToken => !found.is_empty() && accepted.all(|accepted| accepted),
            _ => accepted.any(|accepted| accepted),
        })?;
        Ok(found.len() > 1)
    }

    fn check_clients(&self, claims: &Members<'_>, has_audiences: bool) -> Result<(), Failure> {
        let is_id_token = self.profile == TokenProfile::IdToken;
        if self.profile == TokenProfile::Rfc9068 {
            claims.id("client_id")?;
        }
        if is_id_token {
            claims.string("nonce")?;
            let accepted = claims.id("azp")?.map(|name| self.audiences.contains(&&*name));
            return require(accepted.unwrap_or(!has_audiences));
        }
        if !self.clients.is_empty() {
            let found = [claims.id("client_id")?, claims.id("azp")?];
            let mut found = found.iter().flatten().peekable();
            require(found.peek().is_some())?;
            return require(found.all(|name| self.clients.contains(&&**name)));
        }
        Ok(())
    }

    /// Rejects tokens of another use than the profile's.
    fn check_use(&self, claims: &Members<'_>) -> Result<(), Failure> {
        let is_plain = self.profile == TokenProfile::Plain;
        let mut names_access = false;
        for name in ["token_type", "typ", "token_use"] {
            let Some(value) = claims.string(name)? else { continue };
            match &*value.to_ascii_lowercase() {
                "jwt" => {}
                "access" | "access_token" | "bearer" | "at+jwt" if is_plain => names_access = true,
                "id" if !is_plain => {}
                // `DPoP` too: without a layer, nobody checks the proof.
                _ => return Err(Rejected),
            }
        }
        let is_id_token = ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.has(name));
        require(!claims.has("events") && (!is_plain || names_access || !is_id_token))
    }
}

struct Members<'a>(&'a [(String, Box<RawValue>)]);

impl Members<'_> {
    fn has(&self, name: &str) -> bool {
        member(self.0, name).is_some()
    }

    /// `Unknown` if serde_json cannot hold the value, such as `1e400`.
    fn get(&self, name: &str) -> Result<Option<Value>, Failure> {
        member(self.0, name).map(|json| serde_json::from_str(json).map_err(|_| Unknown)).transpose()
    }

    fn date(&self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        let secs = value.as_f64().ok_or(Rejected)?;
        require((0.0..=LATEST).contains(&secs))?;
        Ok(Some(secs as u64))
    }

    fn string(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = self.get(name)? else { return Ok(None) };
        value.as_str().map(|string| Some(string.to_owned())).ok_or(Rejected)
    }

    fn id(&self, name: &str) -> Result<Option<String>, Failure> {
        let id = self.string(name)?;
        require(id.as_deref().is_none_or(|id| is_name(id) && id.len() <= 255))?;
        Ok(id)
    }

    fn strings(&self, name: &str) -> Result<Vec<String>, Failure> {
        match self.get(name)? {
            None => Ok(Vec::new()),
            Some(Value::String(string)) => Ok(vec![string]),
            Some(value) => serde_json::from_value(value).map_err(|_| Rejected),
        }
    }

    fn scopes(&self, name: &str) -> Result<Vec<String>, Failure> {
        let scopes = self.strings(name)?;
        Ok(match self.get(name)? {
            Some(Value::String(separated)) => {
                let scopes = separated.split(' ').filter(|scope| !scope.is_empty());
                scopes.map(str::to_owned).collect()
            }
            _ => scopes,
        })
    }
}

fn require(holds: bool) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Rejected) }
}

fn is_name(string: &str) -> bool {
    !string.is_empty() && !string.contains('\0')
}

/// Rejects names that serde_json gives a meaning of its own, wherever they are.
fn check_markers(payload: &[u8]) -> Result<(), Failure> {
    let payload = str::from_utf8(payload).map_err(|_| Rejected)?;
    if !payload.contains('$') && !payload.contains('\\') {
        return Ok(());
    }
    let mut rest = payload;
    while let Some(start) = rest.find('"') {
        rest = &rest[start..];
        let mut literals = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let literal = literals.next().and_then(Result::ok).ok_or(Unknown)?;
        if literal.contains(MARKER) {
            // The escapes of escapes are not told apart.
            return Err(if literal.contains(&format!("${MARKER}")) { Rejected } else { Unknown });
        }
        rest = &rest[literals.byte_offset()..];
    }
    Ok(())
}
