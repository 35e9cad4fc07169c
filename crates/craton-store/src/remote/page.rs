//! What a web server lists: the links of the page that it shows for a folder.

use super::connect::Target;
use crate::runtime;
use crate::scheme::percent_decode;
use craton_core::{Error, ErrorKind, Result};
use reqwest::{StatusCode, Url};

/// Pages longer than this are not read.
const LONGEST_PAGE: usize = 64 << 20;

/// The error of a server that shows no listings.
pub(super) fn no_list() -> Error {
    Error::unsupported("the web server does not list what lies in a folder")
        .hint("consolidate the store's metadata, or name an array: `URL!/name`")
}

/// The names directly under the folder `prefix`.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if the server shows no listing.
pub(super) async fn list(target: &Target, prefix: &str) -> Result<Vec<String>> {
    let mut url = target.base.clone().ok_or_else(no_list)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        segments.extend(prefix.split('/').filter(|part| !part.is_empty()));
        segments.push("");
    }
    let client = reqwest::Client::builder()
        .default_headers(target.headers.clone())
        .read_timeout(target.patience)
        .connect_timeout(target.patience)
        .build();
    let client = client.map_err(|_| no_list())?;
    let asked = url.clone();
    let page = runtime::run(async move {
        let answer = client.get(asked).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let error = error.without_url();
                return Err(
                    Error::new(ErrorKind::Io, "cannot ask for a list of the folder")
                        .caused_by(error),
                );
            }
        };
        let is_page = answer
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/html"));
        let status = answer.status();
        let length = answer.content_length().unwrap_or(0);
        if !status.is_success() || !is_page || length > LONGEST_PAGE as u64 {
            return Ok((status, None));
        }
        Ok((status, answer.text().await.ok()))
    });
    match page.await? {
        (_, Some(page)) => Ok(names(&page, &url)),
        (StatusCode::NOT_FOUND, None) => Ok(Vec::new()),
        _ => Err(no_list()),
    }
}

/// The names of the links that lead directly below `folder`.
fn names(page: &str, folder: &Url) -> Vec<String> {
    let (mut folders, mut objects) = (Vec::new(), Vec::new());
    // Whatever the case of tags and attributes, and whichever quotes they have.
    let lower = page.to_ascii_lowercase();
    let starts = lower
        .match_indices("href=")
        .map(|(at, word)| at + word.len());
    for start in starts {
        // OK to slice: lowering ASCII letters moves nothing.
        let Some(rest) = page.get(start..) else {
            continue;
        };
        let link = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next(),
            _ => rest
                .split(|letter: char| letter.is_whitespace() || letter == '>')
                .next(),
        };
        let link = link.unwrap_or_default().replace("&amp;", "&");
        let Ok(url) = folder.join(&link) else {
            continue;
        };
        if url.host_str() != folder.host_str()
            || url.query().is_some() && folder.query() != url.query()
        {
            continue;
        }
        let Some(name) = url.path().strip_prefix(folder.path()) else {
            continue;
        };
        match name.trim_end_matches('/') {
            "" => {}
            inner if inner.contains('/') => {}
            inner if name.ends_with('/') => folders.push(percent_decode(inner) + "/"),
            inner => objects.push(percent_decode(inner)),
        }
    }
    folders.sort_unstable();
    folders.dedup();
    objects.sort_unstable();
    objects.dedup();
    folders.extend(objects);
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_below_the_folder_are_its_names() {
        let folder = Url::parse("https://host/data/a%20b/").unwrap();
        let page = r#"<a href="../">up</a> <A HREF='t2m/'>t2m/</A> <a href="?C=N;O=D">sort</a>
            <a href=zarr.json>z</a> <a href="/data/a%20b/lat/">lat</a> <a href="x/y">deep</a>
            <a href="https://other/data/a%20b/no">no</a> <a href="odd%20name">odd</a> <a href="t2m/">again</a>"#;
        assert_eq!(
            names(page, &folder),
            ["lat/", "t2m/", "odd name", "zarr.json"]
        );
    }
}
