//! Keeps secrets out of what people see.

/// Parameters of a URL that may be shown; all others may be signatures and tokens.
const SHOWN_PARAMETERS: [&str; 4] = ["versionId", "version", "generation", "format"];
const HIDDEN: &str = "***";

/// The URL without user, password and parameters that may be secret. Paths are left as they are.
#[must_use]
pub fn public_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    if scheme.eq_ignore_ascii_case("file") {
        return url.to_owned();
    }
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    let (host, path) = match place.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (place, None),
    };
    // `abfs://container@account` names no user.
    let kind = scheme.to_ascii_lowercase();
    let kind = kind.strip_prefix("icechunk+").unwrap_or(&kind);
    let is_container = kind.starts_with("abfs") || kind.starts_with("wasb");
    let host = match host.rsplit_once('@') {
        Some((_, host)) if !is_container => host,
        _ => host,
    };
    let mut shown = format!("{scheme}://{host}");
    if let Some(path) = path {
        shown.push('/');
        shown.push_str(path);
    }
    if let Some(query) = query {
        // A member of what the URL names may follow the parameters.
        let (query, member) = match query.split_once("!/") {
            Some((query, member)) => (query, Some(member)),
            None => (query, None),
        };
        let parts: Vec<String> = query.split('&').map(public_parameter).collect();
        shown.push('?');
        shown.push_str(&parts.join("&"));
        if let Some(member) = member {
            shown.push_str("!/");
            shown.push_str(member);
        }
    }
    shown
}

fn public_parameter(part: &str) -> String {
    match part.split_once('=') {
        Some((name, _)) if !SHOWN_PARAMETERS.contains(&name) => format!("{name}={HIDDEN}"),
        _ => part.to_owned(),
    }
}

/// Words that must not be seen.
#[derive(Clone, Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    pub(super) fn add(&mut self, secret: &str) {
        // Shorter ones are no secrets, and would blot out words.
        if secret.len() >= 4 && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
        }
    }

    /// `text` without secrets, and URLs in it without parameters.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.0 {
            shown = shown.replace(secret, HIDDEN);
        }
        let words = shown.split_inclusive(|letter: char| {
            letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '(' | ')' | '<' | '>')
        });
        words
            .map(|word| {
                if word.contains("://") {
                    public_url(word)
                } else {
                    word.to_owned()
                }
            })
            .collect()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_users_and_signatures() {
        for (url, shown) in [
            ("data/a?b.nc", "data/a?b.nc"),
            ("s3://bucket/a@b.zarr", "s3://bucket/a@b.zarr"),
            ("https://me:pw@host:8080/x/a.nc", "https://host:8080/x/a.nc"),
            (
                "https://host/a.nc?X-Amz-Signature=abc&format=nc!/t2m",
                "https://host/a.nc?X-Amz-Signature=***&format=nc!/t2m",
            ),
            (
                "abfs://box@account.dfs.core.windows.net/a",
                "abfs://box@account.dfs.core.windows.net/a",
            ),
            (
                "icechunk+wasb://box@account.blob.core.windows.net/a@v1",
                "icechunk+wasb://box@account.blob.core.windows.net/a@v1",
            ),
            ("icechunk+https://me:pw@host/a", "icechunk+https://host/a"),
        ] {
            assert_eq!(public_url(url), shown);
        }
    }

    #[test]
    fn known_secrets_and_parameters_are_hidden_in_any_text() {
        let mut secrets = Secrets::default();
        secrets.add("hunter22");
        let text = "GET https://u:hunter22@host/a?sig=xyz (key hunter22) failed";
        let shown = secrets.hide(text);
        assert!(
            !shown.contains("hunter22") && !shown.contains("xyz"),
            "{shown}"
        );
        assert!(shown.starts_with("GET https://host/a?sig=***"), "{shown}");
        assert!(!format!("{secrets:?}").contains("hunter"));
    }
}
