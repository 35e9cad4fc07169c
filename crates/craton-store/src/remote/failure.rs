//! What went wrong with a request, in words for people and without secrets.

use super::{RemoteStore, Service};
use craton_core::{Error, ErrorKind, ReadRanges};
use std::error::Error as _;

/// Letters of a server's answer that are shown.
const SHOWN: usize = 400;
/// Words by which services refuse credentials, whatever the status.
const REFUSALS: [&str; 7] = [
    "ExpiredToken",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "TokenRefreshRequired",
    "AuthenticationFailed",
    "RequestTimeTooSkewed",
];

/// How a request failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The request, after its retries.
    Store(object_store::Error),
    /// The body, in the middle.
    Body(object_store::Error),
    /// The body ended early, or did not end.
    WrongLength { wanted: u64, got: u64 },
    /// No memory for it.
    NoRoom(Error),
}

impl Failed {
    /// Whether asking again may help, which for requests themselves was done already.
    pub(super) fn is_of_body(&self) -> bool {
        matches!(self, Self::Body(_) | Self::WrongLength { .. })
    }
}

impl RemoteStore {
    pub(super) fn failed(&self, location: &str, failed: Failed) -> Error {
        let url = self.url_of(location);
        match failed {
            Failed::NoRoom(error) => error,
            Failed::WrongLength { wanted, got } => {
                let message =
                    format!("the server sent {got} bytes of `{url}` where it promised {wanted}");
                Error::new(ErrorKind::Io, message).at(url)
            }
            Failed::Store(object_store::Error::Precondition { .. }) => self.changed(location),
            Failed::Store(object_store::Error::NotSupported { .. }) => {
                Error::unsupported(format!("the server does not give parts of `{url}`"))
                    .at(url)
                    .hint("download the file first")
            }
            Failed::Store(cause) | Failed::Body(cause) => self.of_cause(url, &cause, "read"),
        }
    }

    /// The error of an object that could not be written or removed.
    pub(super) fn not_written(&self, location: &str, cause: &object_store::Error) -> Error {
        self.of_cause(self.url_of(location), cause, "write")
    }

    /// The error of a request that somebody else made with this store's client.
    pub(crate) fn of_request(&self, cause: &object_store::Error) -> Error {
        self.of_cause(self.target.shown.clone(), cause, "reach")
    }

    /// `text` without secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.target.secrets.hide(text)
    }

    fn of_cause(&self, url: String, cause: &object_store::Error, verb: &str) -> Error {
        let mut text = cause.to_string();
        // The innermost cause says whether it was a name, a connection, or a certificate.
        let mut inner = cause.source();
        while let Some(error) = inner {
            let words = error.to_string();
            if !text.contains(&words) {
                text = format!("{text}: {words}");
            }
            inner = error.source();
        }
        let text = self.target.secrets.hide(&text);
        let is_refused = matches!(
            cause,
            object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. }
        ) || REFUSALS.iter().any(|word| text.contains(word));
        let told: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told: String = told.chars().take(SHOWN).collect();
        if is_refused {
            let message = format!(
                "access to `{url}` was denied; tried: {}",
                self.target.tried.to_text()
            );
            return Error::new(ErrorKind::Permission, message)
                .caused_by(told)
                .at(url)
                .hint(self.way_in());
        }
        let status = status_in(&text);
        if status == Some(416) {
            return Error::corrupt(format!("the bytes that are asked for lie outside `{url}`"))
                .at(url);
        }
        let error = Error::new(ErrorKind::Io, format!("cannot {verb} `{url}`"))
            .caused_by(told)
            .at(url);
        match status {
            Some(429 | 503) => {
                error.hint("the server is busy; try again later, or with fewer `--threads`")
            }
            Some(301 | 307 | 400) if self.target.service == Service::S3 => {
                error.hint("the bucket may lie in another region: `--store region=NAME`")
            }
            None if text.contains("without LOCATION") => {
                error.hint("the bucket may lie in another region: `--store region=NAME`")
            }
            _ => error,
        }
    }

    /// The options that may open what was denied.
    fn way_in(&self) -> &'static str {
        match self.target.service {
            Service::S3 => {
                "`--store anon=true` reads public data unsigned, `--store profile=NAME` takes another profile, \
                 `--store requester_pays=true` agrees to pay (in Python `storage_options={\"anon\": True}`)"
            }
            Service::Gs => {
                "`--store anon=true` reads public data, `--store service_account=FILE` names a key file \
                 (in Python `storage_options={\"anon\": True}`)"
            }
            Service::Azure => {
                "`--store anon=true` reads public data, `--store sas_token=TOKEN` or \
                 `--store account_key=KEY` signs requests (in Python `storage_options={\"anon\": True}`)"
            }
            Service::Web => {
                "`--store user=NAME --store password=WORD`, `--store token=TOKEN` or \
                 `--store header.NAME=VALUE` say who asks; `~/.netrc` is read too (in Python `storage_options={...}`)"
            }
        }
    }
}

/// The status in an error's words.
fn status_in(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}
