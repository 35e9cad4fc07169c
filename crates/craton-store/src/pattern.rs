//! The URLs that a pattern names on other machines, found by listing folders level by level.
//!
//! `*` stands for any letters of one name, and beside it `[ab]` for one of these; `?` begins the parameters of a URL and is
//! no pattern. A folder matches as an object does, since Zarr stores are folders.

use crate::remote::{RemoteStore, StoreSettings, public_url};
use crate::scheme::{is_remote_url, percent_decode};
use craton_core::{Error, ErrorKind, ReadRanges, Result};
use glob::Pattern;

/// The way out where folders cannot be listed.
const NAME_EACH: &str = "name each URL; `--inputs FILE` takes a list of them";

/// Whether `url` is a pattern of names on another machine.
#[must_use]
pub fn is_remote_pattern(url: &str) -> bool {
    is_remote_url(url) && Parts::of(url).path.contains('*')
}

/// The URLs that the pattern `url` names on another machine, in order.
///
/// # Errors
/// [`ErrorKind::NotFound`] if it names nothing, [`ErrorKind::Unsupported`] for `**` and for web servers that show no
/// lists, [`ErrorKind::Usage`] for what is no pattern; what listing reports.
/// # Cost
/// One request for each folder that is looked into, and one more for each thousand names in it.
pub async fn expand(url: &str, settings: &StoreSettings) -> Result<Vec<String>> {
    let parts = Parts::of(url);
    if !parts.folder.contains("://") {
        let message = format!("`{}` has no name before the first `*`", public_url(url));
        return Err(Error::usage(message).hint("such as `s3://bucket/*.nc`"));
    }
    let options = settings.options_for(url);
    let (store, root) = RemoteStore::open_unseen(&parts.folder_url(), &options).await?;
    let mut found = vec![Place {
        location: root,
        path: parts.folder.to_owned(),
    }];
    let mut levels = parts.levels().peekable();
    while let Some(level) = levels.next() {
        let is_last = levels.peek().is_none();
        let mut next = Vec::new();
        for place in &found {
            // A name between patterns needs no list: it is there if what lies below it is.
            if !is_last && !is_pattern(level) {
                next.push(place.below(&parts, &parts.name_of(level)));
                continue;
            }
            let pattern = parts.pattern(level)?;
            let list = store.list(&place.location).await;
            let names = list.map_err(|error| not_listed(error, url))?;
            let folder = |name: &String| name.strip_suffix('/').map(str::to_owned);
            let mut names: Vec<String> = match is_last {
                true => names
                    .into_iter()
                    .map(|name| folder(&name).unwrap_or(name))
                    .collect(),
                false => names.iter().filter_map(folder).collect(),
            };
            names.retain(|name| pattern.matches(name));
            names.sort_unstable();
            names.dedup();
            next.extend(names.iter().map(|name| place.below(&parts, name)));
        }
        found = next;
    }
    if found.is_empty() {
        let shown = public_url(url);
        let error = Error::not_found(format!("nothing is named as `{shown}` says")).at(shown);
        return Err(error.hint(match parts.is_web {
            // A server may answer so to whoever asks for a list.
            true => NAME_EACH,
            false => "`*` stands for letters of one name, and for no `/`",
        }));
    }
    Ok(found
        .iter()
        .map(|place| parts.url_of(&place.path))
        .collect())
}

/// A URL in pieces: the service, the folder before the first pattern, the levels from there on, and what follows.
struct Parts<'a> {
    is_web: bool,
    path: &'a str,
    folder: &'a str,
    parameters: &'a str,
    /// What is named in each archive or file, behind its `!/`.
    member: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let (outer, member) = url.split_at(url.find("!/").unwrap_or(url.len()));
        let (path, parameters) = outer.split_at(outer.find(['?', '#']).unwrap_or(outer.len()));
        let before = &path[..path.find('*').unwrap_or(path.len())];
        let folder = &path[..before.rfind('/').unwrap_or(0)];
        Self {
            is_web: url.to_ascii_lowercase().starts_with("http"),
            path,
            folder,
            parameters,
            member,
        }
    }

    fn levels(&self) -> impl Iterator<Item = &'a str> {
        let below = self.path[self.folder.len()..].trim_matches('/');
        below.split('/')
    }

    fn folder_url(&self) -> String {
        format!("{}{}", self.folder, self.parameters)
    }

    fn url_of(&self, path: &str) -> String {
        format!("{path}{}{}", self.parameters, self.member)
    }

    /// A level as the name that it is in lists.
    fn name_of(&self, level: &str) -> String {
        match self.is_web {
            true => percent_decode(level),
            false => level.to_owned(),
        }
    }

    fn pattern(&self, level: &str) -> Result<Pattern> {
        if level == "**" {
            return Err(
                Error::unsupported("`**` in a URL: folders of any depth are not searched")
                    .hint("name the levels: `*/*.nc`"),
            );
        }
        let name = self.name_of(level);
        let pattern = match is_pattern(level) {
            true => Pattern::new(&name),
            false => Pattern::new(&Pattern::escape(&name)),
        };
        pattern.map_err(|error| Error::usage(format!("`{level}` is no pattern: {}", error.msg)))
    }

    /// A name as it is written in a URL.
    fn escaped(&self, name: &str) -> String {
        if !self.is_web {
            return name.to_owned();
        }
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@".contains(&byte);
        let write = |byte: u8| match is_plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        name.bytes().map(write).collect()
    }
}

fn is_pattern(level: &str) -> bool {
    level.contains(['*', '['])
}

/// Where a level was found: in the store, and as a URL.
struct Place {
    location: String,
    path: String,
}

impl Place {
    fn below(&self, parts: &Parts<'_>, name: &str) -> Self {
        let location = match self.location.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        Self {
            location,
            path: format!("{}/{}", self.path, parts.escaped(name)),
        }
    }
}

/// The error of a folder that cannot be listed, in the words of a pattern.
fn not_listed(error: Error, url: &str) -> Error {
    if error.kind() != ErrorKind::Unsupported {
        return error;
    }
    let shown = public_url(url);
    let message = format!("cannot tell what `{shown}` names: the web server lists no folders");
    Error::unsupported(message).at(shown).hint(NAME_EACH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_stars_before_parameters_are_patterns() {
        for url in [
            "s3://b/x/*.nc",
            "https://h/a*/b.zarr",
            "gs://b/*.nc!/group",
            "s3://b/*.nc?x=1",
        ] {
            assert!(is_remote_pattern(url), "{url}");
        }
        for url in [
            "s3://b/x.nc",
            "https://h/x.nc?match=*",
            "dir/*.nc",
            "file:///d/*.nc",
            "s3://b/x[1].nc",
        ] {
            assert!(!is_remote_pattern(url), "{url}");
        }
    }

    #[test]
    fn a_url_falls_into_a_folder_levels_and_a_rest() {
        let parts = Parts::of("s3://b/x/y*/z/*.nc!/g");
        assert_eq!((parts.folder, parts.member), ("s3://b/x", "!/g"));
        assert_eq!(parts.levels().collect::<Vec<_>>(), ["y*", "z", "*.nc"]);
        let parts = Parts::of("https://h/*.nc?key=1");
        assert_eq!((parts.folder, parts.parameters), ("https://h", "?key=1"));
        assert_eq!(parts.levels().collect::<Vec<_>>(), ["*.nc"]);
        assert_eq!(parts.escaped("a b%.nc"), "a%20b%25.nc");
    }
}
