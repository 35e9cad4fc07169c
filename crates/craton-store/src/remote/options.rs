//! How a remote store is reached: options given by hand, and those of `craton.toml`.

use super::secret::Secrets;
use craton_core::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What options there are, other spellings, and whether the value is a secret.
const OPTIONS: &[(&str, &[&str], bool)] = &[
    (
        "anon",
        &["anonymous", "skip_signature", "no_sign_request"],
        false,
    ),
    ("region", &["region_name", "aws_region"], false),
    ("endpoint", &["endpoint_url", "aws_endpoint"], false),
    ("profile", &["aws_profile"], false),
    ("requester_pays", &["request_payer"], false),
    ("key", &["access_key_id", "aws_access_key_id"], true),
    (
        "secret",
        &["secret_access_key", "aws_secret_access_key"],
        true,
    ),
    ("session_token", &["aws_session_token"], true),
    ("virtual_hosted", &[], false),
    ("account", &["account_name"], false),
    ("account_key", &[], true),
    ("sas_token", &[], true),
    ("tenant_id", &[], false),
    ("client_id", &[], false),
    ("client_secret", &[], true),
    ("service_account", &[], false),
    ("token", &["bearer_token"], true),
    ("user", &["username"], false),
    ("password", &[], true),
    ("timeout", &[], false),
    ("retries", &[], false),
    ("cache", &[], false),
    ("cache_size", &[], false),
    ("cache_for", &[], false),
    ("authorize_virtual_chunk_access", &[], false),
];

const HEADER: &str = "header.";

/// Options of a store, by name. Values are never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    values: BTreeMap<String, String>,
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl StoreOptions {
    /// Adds `KEY=VALUE`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is not of this form, or the key is not known.
    pub fn add(&mut self, text: &str) -> Result<()> {
        match text.split_once('=') {
            Some((key, value)) => self.set(key.trim(), value),
            // What was given is not repeated: it may be a secret without its name.
            None => Err(Error::usage("an option of stores is `KEY=VALUE`")
                .hint("such as `--store anon=true`")),
        }
    }

    /// Sets an option.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the key is not known.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let lower = key.to_ascii_lowercase().replace('-', "_");
        if let Some(name) = key
            .get(..HEADER.len())
            .filter(|start| start.eq_ignore_ascii_case(HEADER))
        {
            let header = key[name.len()..].to_ascii_lowercase();
            self.values
                .insert(format!("{HEADER}{header}"), value.to_owned());
            return Ok(());
        }
        let known = OPTIONS
            .iter()
            .find(|(name, others, _)| *name == lower || others.contains(&lower.as_str()));
        let Some((name, ..)) = known else {
            let names: Vec<&str> = OPTIONS.iter().map(|(name, ..)| *name).collect();
            return Err(
                Error::usage(format!("no option of stores is called `{key}`"))
                    .hint(format!("there are {}, header.NAME", names.join(", "))),
            );
        };
        self.values.insert((*name).to_owned(), value.to_owned());
        Ok(())
    }

    /// The value of an option.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether an option is on.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if its value is neither true nor false.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>> {
        let value = self.get(name).map(str::to_ascii_lowercase);
        match value.as_deref() {
            None => Ok(None),
            Some("true" | "1" | "yes" | "on" | "requester" | "") => Ok(Some(true)),
            Some("false" | "0" | "no" | "off") => Ok(Some(false)),
            Some(_) => Err(Error::usage(format!("`{name}` must be `true` or `false`"))),
        }
    }

    /// The number that an option gives.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if it is none.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>> {
        let parsed = self.get(name).map(|value| match value.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
            _ => Err(Error::usage(format!("`{name}` must be a number"))),
        });
        parsed.transpose()
    }

    /// Headers sent with every request.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.values.iter();
        values.filter_map(|(name, value)| Some((name.strip_prefix(HEADER)?, value.as_str())))
    }

    /// Remembers what must not be shown.
    pub(super) fn tell_secrets(&self, secrets: &mut Secrets) {
        for (name, value) in &self.values {
            let is_secret = OPTIONS
                .iter()
                .any(|(known, _, secret)| known == name && *secret);
            if is_secret || name.starts_with(HEADER) {
                secrets.add(value);
            }
        }
    }

    fn merge(&mut self, stronger: &Self) {
        self.values.extend(stronger.values.clone());
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Options for all stores: sections by the prefix of the URL, and what was given by hand.
#[derive(Debug, Clone, Default)]
pub struct StoreSettings {
    sections: Vec<(String, StoreOptions)>,
    given: StoreOptions,
}

/// What commands are told for all that they open.
static GIVEN: Mutex<Option<StoreOptions>> = Mutex::new(None);

/// Options for every store that this process opens, as given to a command.
pub fn give_to_all(options: StoreOptions) {
    *GIVEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(options);
}

impl StoreSettings {
    /// The settings of `craton.toml`, and the options that were given for all.
    ///
    /// # Errors
    /// As [`StoreSettings::from_files`].
    pub fn current() -> Result<Self> {
        let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Self::from_files()?.with(&given.unwrap_or_default()))
    }

    /// The settings of `craton.toml`: of the file that `CRATON_CONFIG` names, else of the one in the working
    /// folder, else of the one in the user's folder of configurations.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] if the file is not what it should be.
    pub fn from_files() -> Result<Self> {
        let named = std::env::var_os("CRATON_CONFIG").map(PathBuf::from);
        if let Some(path) = named {
            let text = std::fs::read_to_string(&path)
                .map_err(|cause| Error::io(format!("cannot read `{}`", path.display()), cause))?;
            return Self::parse(&text, &path);
        }
        let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let folder = folder.or_else(|| Some(home()?.join(".config")));
        let places = [
            Some(PathBuf::from("craton.toml")),
            folder.map(|folder| folder.join("craton/craton.toml")),
        ];
        for path in places.into_iter().flatten() {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text, &path),
                // In a folder that this user may not look into there is nothing meant for them.
                Err(cause)
                    if matches!(
                        cause.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied
                    ) && !path.exists() => {}
                Err(cause) => {
                    let message = format!("cannot read `{}`", path.display());
                    return Err(Error::io(message, cause));
                }
            }
        }
        Ok(Self::default())
    }

    /// Adds options given by hand; they go before all others.
    #[must_use]
    pub fn with(mut self, given: &StoreOptions) -> Self {
        self.given.merge(given);
        self
    }

    /// The options for `url`: a longer prefix goes before a shorter one.
    #[must_use]
    pub fn options_for(&self, url: &str) -> StoreOptions {
        let mut options = StoreOptions::default();
        for (prefix, section) in &self.sections {
            if url.starts_with(prefix.as_str()) {
                options.merge(section);
            }
        }
        options.merge(&self.given);
        options
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let wrong = |message: String| {
            Error::new(ErrorKind::Usage, format!("`{}`: {message}", path.display()))
        };
        // The parser's message quotes the line, which may hold a secret: only the place is told.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..before]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1;
            wrong(format!("line {line} is not TOML"))
        })?;
        let mut sections = Vec::new();
        let stores = match table.get("store") {
            None => return Ok(Self::default()),
            Some(toml::Value::Table(stores)) => stores,
            Some(_) => return Err(wrong("`store` is no table of prefixes".to_owned())),
        };
        for (prefix, section) in stores {
            let toml::Value::Table(section) = section else {
                return Err(wrong(format!("`store.\"{prefix}\"` is no table")));
            };
            let mut options = StoreOptions::default();
            for (key, value) in section {
                let set = match value {
                    toml::Value::Table(headers) if key == "header" => {
                        headers.iter().try_for_each(|(name, value)| {
                            options.set(&format!("{HEADER}{name}"), &plain(value))
                        })
                    }
                    value => options.set(key, &plain(value)),
                };
                set.map_err(|error| wrong(error.message().to_owned()))?;
            }
            sections.push((prefix.clone(), options));
        }
        sections.sort_by_key(|(prefix, _)| prefix.len());
        Ok(Self {
            sections,
            given: StoreOptions::default(),
        })
    }
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The user's folder.
pub(super) fn home() -> Option<PathBuf> {
    std::env::var_os("HOME")
        .or_else(|| std::env::var_os("USERPROFILE"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_prefixes_and_what_is_given_go_before() {
        let text = "[store.\"s3://\"]\nregion = \"a\"\nanon = true\n[store.\"s3://b/\"]\nregion = \"b\"\n\
                    [store.\"https://h/\".header]\nAuthorization = \"Bearer abcd\"\n";
        let settings = StoreSettings::parse(text, Path::new("c.toml")).unwrap();
        let mut given = StoreOptions::default();
        given.add("requester-pays=true").unwrap();
        let settings = settings.with(&given);
        let options = settings.options_for("s3://b/x.zarr");
        assert_eq!(options.get("region"), Some("b"));
        assert_eq!(options.flag("anon").unwrap(), Some(true));
        assert_eq!(options.flag("requester_pays").unwrap(), Some(true));
        assert_eq!(settings.options_for("s3://c/x").get("region"), Some("a"));
        let headers = settings.options_for("https://h/a.nc");
        assert_eq!(
            headers.headers().collect::<Vec<_>>(),
            [("authorization", "Bearer abcd")]
        );
        assert!(!format!("{settings:?} {headers:?}").contains("abcd"));
    }

    #[test]
    fn wrong_options_are_named_without_their_values() {
        let mut options = StoreOptions::default();
        for text in ["secrets=hunter2", "hunter2"] {
            let error = options.add(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(!error.report().contains("hunter2"));
        }
        options.add("anon=perhaps").unwrap();
        assert!(options.flag("anon").is_err());
        let broken = StoreSettings::parse(
            "[store.\"s3://\"]\nsecret = hunter2 x\n",
            Path::new("c.toml"),
        );
        let report = broken.unwrap_err().report();
        assert!(
            report.contains("line 2") && !report.contains("hunter2"),
            "{report}"
        );
    }
}
