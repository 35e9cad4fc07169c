//! The URLs that a quoted glob names, here or on other machines.

use craton_core::Result;
use craton_store::{StoreSettings, pattern};
use std::path::Path;

/// The files that a pattern names, in order; the URL itself where it is no pattern, or names no file of this machine.
///
/// # Errors
/// Those of [`pattern::expand`], for patterns behind URLs.
pub fn expand(url: &str, settings: &StoreSettings) -> Result<Vec<String>> {
    if pattern::is_remote_pattern(url) {
        return pollster::block_on(pattern::expand(url, settings));
    }
    if !url.contains(['*', '?']) || Path::new(url).exists() {
        return Ok(vec![url.to_owned()]);
    }
    let found = glob::glob(url).into_iter().flatten();
    let found: Vec<String> = found
        .filter_map(|path| Some(path.ok()?.to_str()?.to_owned()))
        .collect();
    Ok(match found.is_empty() {
        true => vec![url.to_owned()],
        false => found,
    })
}
