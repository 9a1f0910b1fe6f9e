//! Deserializing [`Settings`]. Every error names the setting.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use zeroize::Zeroizing;

use crate::{simplejwt::token_class::TokenClass, token::Algorithm};

use super::{
    AudienceSetting, Settings,
    value::{Flag, Lifetime, Strings},
};

/// The package of SimpleJWT's own classes and functions.
const PACKAGE: &str = "rest_framework_simplejwt";

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SettingsVisitor;

        impl<'de> Visitor<'de> for SettingsVisitor {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("SimpleJWT's settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::default();
                let mut seen = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let name = name.to_ascii_uppercase();
                    if seen.contains(&name) {
                        return Err(A::Error::custom(format_args!("{name}: duplicate setting")));
                    }
                    settings
                        .read(&name, &mut map)
                        .map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
                    seen.push(name);
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(SettingsVisitor)
    }
}

impl Settings {
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "ACCESS_TOKEN_LIFETIME" => self.access_token_lifetime = lifetime(map)?,
            "REFRESH_TOKEN_LIFETIME" => self.refresh_token_lifetime = lifetime(map)?,
            "ROTATE_REFRESH_TOKENS" => self.rotate_refresh_tokens = flag(map)?,
            "BLACKLIST_AFTER_ROTATION" => self.blacklist_after_rotation = flag(map)?,
            "UPDATE_LAST_LOGIN" => self.update_last_login = flag(map)?,
            "ALGORITHM" => {
                let name: String = map.next_value()?;
                self.algorithm = name.parse::<Algorithm>().map_err(A::Error::custom)?;
            }
            "SIGNING_KEY" => {
                // serde's own message would contain the value.
                let key: Option<String> =
                    map.next_value().map_err(|_| A::Error::custom("expected a string"))?;
                self.signing_key = key.filter(|key| !key.is_empty()).map(Zeroizing::new);
            }
            "VERIFYING_KEY" => self.verifying_key = string(map)?.filter(|key| !key.is_empty()),
            "AUDIENCE" => {
                self.audience = map.next_value::<Option<Strings>>()?.map(|strings| match strings {
                    Strings::One(audience) => AudienceSetting::One(audience.into()),
                    Strings::Many(list) => AudienceSetting::Many(boxed(list)),
                });
            }
            "ISSUER" => self.issuer = string(map)?,
            "LEEWAY" => self.leeway = optional_lifetime(map)?,
            "AUTH_HEADER_TYPES" => {
                self.auth_header_types = boxed(map.next_value::<Strings>()?.into_list());
            }
            "AUTH_HEADER_NAME" => self.auth_header_name = map.next_value()?,
            "USER_ID_FIELD" => self.user_id_field = map.next_value()?,
            "USER_ID_CLAIM" => self.user_id_claim = map.next_value()?,
            "AUTH_TOKEN_CLASSES" => self.auth_token_classes = classes(map)?,
            "TOKEN_TYPE_CLAIM" => self.token_type_claim = string(map)?,
            "JTI_CLAIM" => self.jti_claim = string(map)?,
            "SLIDING_TOKEN_REFRESH_EXP_CLAIM" => {
                self.sliding_token_refresh_exp_claim = map.next_value()?;
            }
            "SLIDING_TOKEN_LIFETIME" => self.sliding_token_lifetime = lifetime(map)?,
            "SLIDING_TOKEN_REFRESH_LIFETIME" => {
                self.sliding_token_refresh_lifetime = lifetime(map)?;
            }
            "CHECK_REVOKE_TOKEN" => self.check_revoke_token = flag(map)?,
            "REVOKE_TOKEN_CLAIM" => self.revoke_token_claim = map.next_value()?,
            "CHECK_USER_IS_ACTIVE" => self.check_user_is_active = flag(map)?,

            // These name Python code, which Rust code replaces.
            "JSON_ENCODER" => {
                if string(map)?.is_some() {
                    return Err(A::Error::custom("claims implement `Serialize` instead"));
                }
            }
            "JWK_URL" => {
                if string(map)?.is_some() {
                    return Err(A::Error::custom(
                        "pass the keys of a URL to `SimpleJwtBuilder::keys` instead",
                    ));
                }
            }
            "USER_AUTHENTICATION_RULE" => only(
                map,
                "authentication.default_user_authentication_rule",
                "use `SimpleJwtBuilder::user_rule` instead",
            )?,
            "ON_LOGIN_SUCCESS" => only(
                map,
                "serializers.default_on_login_success",
                "use `SimpleJwtBuilder::on_login_success` instead",
            )?,
            "ON_LOGIN_FAILED" => only(
                map,
                "serializers.default_on_login_failed",
                "use `SimpleJwtBuilder::on_login_failed` instead",
            )?,
            "TOKEN_USER_CLASS" => {
                only(map, "models.TokenUser", "read other claims with `TokenUser::claim` instead")?;
            }
            "TOKEN_OBTAIN_SERIALIZER" => {
                only(map, "serializers.TokenObtainPairSerializer", OBTAIN)?;
            }
            "SLIDING_TOKEN_OBTAIN_SERIALIZER" => {
                only(map, "serializers.TokenObtainSlidingSerializer", OBTAIN)?;
            }
            "TOKEN_REFRESH_SERIALIZER" => {
                only(map, "serializers.TokenRefreshSerializer", OWN_ROUTE)?;
            }
            "SLIDING_TOKEN_REFRESH_SERIALIZER" => {
                only(map, "serializers.TokenRefreshSlidingSerializer", OWN_ROUTE)?;
            }
            "TOKEN_VERIFY_SERIALIZER" => only(map, "serializers.TokenVerifySerializer", OWN_ROUTE)?,
            "TOKEN_BLACKLIST_SERIALIZER" => {
                only(map, "serializers.TokenBlacklistSerializer", OWN_ROUTE)?;
            }

            "AUTH_HEADER_TYPE" => return Err(removed("AUTH_HEADER_TYPES")),
            "AUTH_TOKEN_CLASS" => return Err(removed("AUTH_TOKEN_CLASSES")),
            "SECRET_KEY" => return Err(removed("SIGNING_KEY")),
            "TOKEN_BACKEND_CLASS" => {
                return Err(A::Error::custom("this setting has been removed"));
            }
            _ => return Err(A::Error::custom("unknown setting")),
        }
        Ok(())
    }
}

const OBTAIN: &str = "use `SimpleJwtBuilder::token_claims` and `response_extras`, or a route of your own \
     that calls `SimpleJwt::log_in`, instead";
const OWN_ROUTE: &str = "use a route of your own that calls the methods of `SimpleJwt` instead";

fn lifetime<'de, A: MapAccess<'de>>(map: &mut A) -> Result<std::time::Duration, A::Error> {
    Ok(map.next_value::<Lifetime>()?.0)
}

fn optional_lifetime<'de, A: MapAccess<'de>>(map: &mut A) -> Result<std::time::Duration, A::Error> {
    Ok(map.next_value::<Option<Lifetime>>()?.map(|lifetime| lifetime.0).unwrap_or_default())
}

fn flag<'de, A: MapAccess<'de>>(map: &mut A) -> Result<bool, A::Error> {
    Ok(map.next_value::<Flag>()?.0)
}

fn string<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Box<str>>, A::Error> {
    map.next_value()
}

fn boxed(strings: Vec<String>) -> Vec<Box<str>> {
    strings.into_iter().map(Into::into).collect()
}

fn classes<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Vec<TokenClass>, A::Error> {
    let paths = map.next_value::<Strings>()?.into_list();
    let class = |path: &String| {
        TokenClass::from_path(path).ok_or_else(|| {
            A::Error::custom(
                "only SimpleJWT's own classes can be carried over; verify tokens of other types \
                 with a `Verifier`",
            )
        })
    };
    paths.iter().map(class).collect()
}

/// Accepts only the default path: code at other paths is unknown here.
fn only<'de, A: MapAccess<'de>>(map: &mut A, default: &str, instead: &str) -> Result<(), A::Error> {
    let path: Box<str> = map.next_value()?;
    let own = path.strip_prefix(PACKAGE).and_then(|path| path.strip_prefix('.'));
    if own == Some(default) {
        return Ok(());
    }
    Err(A::Error::custom(format_args!("Python code cannot be carried over; {instead}")))
}

fn removed<E: Error>(successor: &str) -> E {
    E::custom(format_args!("this setting has been removed; use {successor} instead"))
}
