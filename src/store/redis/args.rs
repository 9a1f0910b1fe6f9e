//! Arguments of the scripts, in the format of entries.

use redis::{RedisWrite, ToRedisArgs};

use crate::clock::NumericDate;

use super::super::facts::{ConsumeId, Generation, NewSession, Spend};

/// An argument. Arguments of one kind have a fixed length or contain it, as the scripts require.
pub(super) enum Arg<'a> {
    /// The field of a session.
    Session(&'a str),
    /// The name of a token.
    Token(&'a str),
    /// The field of an id that is consumed and not that of a token.
    Use(&'a str),
    Time(NumericDate),
    Generation(Generation),
    /// `keep_until`, `now` and `expires_at`.
    Times(&'a NewSession<'a>),
    /// All times of a spending, the grace, and whether to adopt.
    Spending(&'a Spend<'a>),
    /// An empty string, for an id that is missing.
    Empty,
}

impl<'a> Arg<'a> {
    pub(super) fn session(id: Option<&'a str>) -> Self {
        id.map_or(Self::Empty, Self::Session)
    }

    pub(super) fn token(jti: Option<&'a str>) -> Self {
        jti.map_or(Self::Empty, Self::Token)
    }

    pub(super) const fn consumed(id: ConsumeId<'a>) -> Self {
        match id {
            ConsumeId::Token(jti) => Self::Token(jti),
            ConsumeId::Other(id) => Self::Use(id),
        }
    }

    pub(super) fn generation(generation: Option<Generation>) -> Self {
        generation.map_or(Self::Empty, Self::Generation)
    }
}

impl ToRedisArgs for Arg<'_> {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        match self {
            Self::Session(id) => out.write_arg_fmt(format_args!("s:{id}")),
            Self::Token(jti) => out.write_arg_fmt(format_args!("t{}:{jti}", jti.len())),
            Self::Use(id) => out.write_arg_fmt(format_args!("o:{id}")),
            Self::Time(time) => out.write_arg_fmt(format_args!("{:012}", time.as_secs())),
            Self::Generation(generation) => {
                out.write_arg_fmt(format_args!("{:012}", generation.get()));
            }
            Self::Times(session) => {
                let times = [session.keep_until, session.now, session.expires_at];
                let [keep_until, now, expires_at] = times.map(NumericDate::as_secs);
                out.write_arg_fmt(format_args!("{keep_until:012}{now:012}{expires_at:012}"));
            }
            Self::Spending(spend) => {
                let Spend { keep_until, now, expires_at, access_until, issued_at, .. } = **spend;
                let times = [keep_until, now, expires_at, access_until, issued_at];
                let [keep_until, now, expires_at, access_until, issued_at] =
                    times.map(NumericDate::as_secs);
                let grace = spend.grace.as_secs().min(NumericDate::MAX.as_secs());
                let adopt = u8::from(spend.adopt);
                out.write_arg_fmt(format_args!(
                    "{keep_until:012}{now:012}{expires_at:012}{access_until:012}{issued_at:012}\
                    {grace:012}{adopt}"
                ));
            }
            Self::Empty => out.write_arg(b""),
        }
    }
}
