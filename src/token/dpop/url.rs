//! Normalization of URLs, so that equivalent ones are equal
//! ([RFC 3986 sections 6.2.2 and 6.2.3](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2)).

/// Normalizes an `http` or `https` URL, without its query and fragment. `None` if it is malformed or
/// has a user.
pub(crate) fn normalize_url(url: &str) -> Option<String> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => "80",
        "https" => "443",
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_port(authority)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[:]!$&'()*+,;=".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    let mut normalized = scheme;
    normalized.push_str("://");
    normalized.extend(host.chars().map(|character| character.to_ascii_lowercase()));
    if !port.is_empty() && port != default_port {
        normalized.push(':');
        normalized.push_str(port);
    }
    push_path(&mut normalized, &normalize_escapes(path)?);
    Some(normalized)
}

/// Splits `host:port`. The port is empty if there is none.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    // The colons of an IPv6 address are within brackets.
    let host_len = authority.find(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority[host_len..].find(':') else { return Some((authority, "")) };
    let (host, port) = (&authority[..host_len + colon], &authority[host_len + colon + 1..]);
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !(host_len > 0 && colon > 0)).then_some((host, port))
}

/// Decodes escapes of characters that need none, and writes others in upper case.
fn normalize_escapes(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut normalized = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        // `from_str_radix` also accepts a sign.
        let code = digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(digits)?;
        let byte = u8::from_str_radix(code, 16).ok()?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            normalized.push(char::from(byte));
        } else {
            normalized.push('%');
            normalized.push_str(&digits.to_ascii_uppercase());
        }
        normalized.push_str(rest);
    }
    Some(normalized)
}

/// Appends `path` without its dot segments (RFC 3986 section 5.2.4). An empty path becomes `/`.
fn push_path(url: &mut String, path: &str) {
    let start = url.len();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    let parent = url[start..].rfind('/').unwrap_or(0);
                    url.truncate(start + parent);
                }
                if is_last {
                    url.push('/');
                }
            }
            _ => {
                url.push('/');
                url.push_str(segment);
            }
        }
    }
    if url.len() == start {
        url.push('/');
    }
}

#[cfg(test)]
mod tests {
    use super::normalize_url;

    #[test]
    fn equivalent_urls_become_equal() {
        for (url, expected) in [
            ("https://api.example/notes", "https://api.example/notes"),
            ("HTTPS://API.example:443/notes?page=2#top", "https://api.example/notes"),
            ("https://api.example", "https://api.example/"),
            ("https://api.example:/", "https://api.example/"),
            ("http://api.example:80/", "http://api.example/"),
            ("http://api.example:443/", "http://api.example:443/"),
            ("https://api.example:8443/a", "https://api.example:8443/a"),
            ("https://[::1]:443/a", "https://[::1]/a"),
            ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
            ("https://a.example/%7Euser/%e4%2f", "https://a.example/~user/%E4%2F"),
            ("https://a.example/a/./b/../c", "https://a.example/a/c"),
            ("https://a.example/a/b/..", "https://a.example/a/"),
            ("https://a.example/a/.", "https://a.example/a/"),
            ("https://a.example/../../a", "https://a.example/a"),
            ("https://a.example/a/%2E%2e/b", "https://a.example/b"),
            ("https://a.example/a//b/", "https://a.example/a//b/"),
            ("https://a.example/A", "https://a.example/A"),
            ("https://a.example?q", "https://a.example/"),
        ] {
            assert_eq!(normalize_url(url).as_deref(), Some(expected), "{url}");
        }
    }

    #[test]
    fn rejects_malformed_urls() {
        for url in [
            "",
            "/notes",
            "https:/a.example/",
            "https:///a",
            "ftp://a.example/",
            "https://user@a.example/",
            "https://a.example:x/",
            "https://a.example:1:2/",
            "https://[::1]x:1/",
            "https://a.example/%",
            "https://a.example/%2",
            "https://a.example/%+1",
            "https://a.example/%zz",
            "https://a.example/a b",
            "https://a.example/ü",
            "https://a%2eexample/",
            "https://a.example\\/",
        ] {
            assert_eq!(normalize_url(url), None, "{url}");
        }
    }
}
