//! The one error type of the project, and the table from its kinds to exit codes, statuses and exceptions.

use std::fmt;
use std::ops::Range;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong; decides the exit code, the HTTP status and the Python exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The question itself is malformed: a bad expression, argument or option.
    Usage,
    /// A named thing (file, variable, dimension, label) does not exist.
    NotFound,
    /// The operation does not fit the values it was given: shapes, dtypes, units, empty selections.
    InvalidInput,
    /// Foreign bytes break their format's rules, fail a checksum, or end too early.
    Corrupt,
    /// Legal, but not something this version reads or does.
    Unsupported,
    /// The work needs more memory, or would read more, than was allowed.
    Budget,
    /// The operating system or a remote store failed to read or write.
    Io,
    /// Reading or writing was refused.
    Permission,
    /// A source or target changed, or already exists.
    Conflict,
    /// The user stopped the work.
    Cancelled,
    /// An invariant of this program broke: a bug.
    Internal,
}

/// How one [`ErrorKind`] shows itself at each face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// The process exit code.
    pub exit_code: u8,
    /// The HTTP status.
    pub http_status: u16,
    /// The name of the Python exception.
    pub python_exception: &'static str,
}

impl ErrorKind {
    /// The exit code, HTTP status and Python exception of this kind.
    #[must_use]
    pub fn faces(self) -> Faces {
        let (exit_code, http_status, python_exception) = match self {
            Self::Internal => (1, 500, "RuntimeError"),
            Self::Usage => (2, 400, "ValueError"),
            Self::NotFound => (3, 404, "KeyError"),
            Self::InvalidInput => (4, 422, "ValueError"),
            Self::Corrupt => (5, 502, "ValueError"),
            Self::Unsupported => (6, 501, "NotImplementedError"),
            Self::Budget => (7, 507, "MemoryError"),
            Self::Io => (8, 503, "OSError"),
            Self::Permission => (9, 403, "PermissionError"),
            Self::Conflict => (10, 409, "RuntimeError"),
            Self::Cancelled => (130, 499, "KeyboardInterrupt"),
        };
        Faces {
            exit_code,
            http_status,
            python_exception,
        }
    }
}

/// Where in the data an error happened; filled in on the way up, innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The variable's path, such as `t2m` or `/group/t2m`.
    pub variable: Option<String>,
    /// The chunk's index along each axis.
    pub chunk: Option<Vec<u64>>,
    /// The file or object.
    pub url: Option<String>,
    /// The bytes of that object.
    pub byte_range: Option<Range<u64>>,
}

/// A failure that says what was tried, where, why, and the way out.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Context,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with a lowercase message that needs no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let inner = Inner {
            kind,
            message: message.into(),
            context: Context::default(),
            hint: None,
            source: None,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// The named thing does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }
    /// The values do not fit the operation.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }
    /// Foreign bytes break their format's rules.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }
    /// Legal, but not done by this version.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }
    /// The question is malformed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }
    /// An invariant of this program broke.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Wraps an operating-system error, keeping "not found" and "permission denied" apart.
    pub fn io(message: impl Into<String>, cause: std::io::Error) -> Self {
        let kind = match cause.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Io,
        };
        Self::new(kind, message).caused_by(cause)
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(cause.into());
        self
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Names the variable, unless a deeper layer already did.
    #[must_use]
    pub fn in_variable(mut self, variable: impl Into<String>) -> Self {
        self.inner
            .context
            .variable
            .get_or_insert_with(|| variable.into());
        self
    }

    /// Names the chunk, unless a deeper layer already did.
    #[must_use]
    pub fn in_chunk(mut self, chunk: &[u64]) -> Self {
        self.inner
            .context
            .chunk
            .get_or_insert_with(|| chunk.to_vec());
        self
    }

    /// Names the file or object, unless a deeper layer already did.
    #[must_use]
    pub fn at(mut self, url: impl Into<String>) -> Self {
        self.inner.context.url.get_or_insert_with(|| url.into());
        self
    }

    /// Names the bytes, unless a deeper layer already did.
    #[must_use]
    pub fn in_bytes(mut self, range: Range<u64>) -> Self {
        self.inner.context.byte_range.get_or_insert(range);
        self
    }

    /// The same error once more, for a second place that it shows at. Foreign causes keep only their words.
    #[must_use]
    pub fn again(&self) -> Self {
        let cause = std::error::Error::source(self).map(repeated);
        let inner = Inner {
            kind: self.inner.kind,
            message: self.inner.message.clone(),
            context: self.inner.context.clone(),
            hint: self.inner.hint.clone(),
            source: cause,
        };
        Self {
            inner: Box::new(inner),
        }
    }

    /// What sort of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }
    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }
    /// Where it happened.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.inner.context
    }
    /// The way out, if one is known.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// The whole report as the command line prints it: message, causes, place, hint.
    #[must_use]
    pub fn report(&self) -> String {
        let mut lines = vec![format!("error: {}", self.message())];
        let mut place = self.context().clone();
        let mut hint = self.hint_text().map(str::to_owned);
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(inner) = error.downcast_ref::<Error>() {
                lines.push(format!("  caused by: {}", inner.message()));
                place.fill_from(inner.context());
                hint = hint.or_else(|| inner.hint_text().map(str::to_owned));
            } else {
                lines.push(format!("  caused by: {error}"));
            }
            cause = error.source();
        }
        if let Some(place) = place.to_line() {
            lines.push(format!("  at: {place}"));
        }
        if let Some(hint) = hint {
            lines.push(format!("hint: {hint}"));
        }
        lines.join("\n")
    }
}

fn repeated(cause: &(dyn std::error::Error + 'static)) -> Box<dyn std::error::Error + Send + Sync> {
    match cause.downcast_ref::<Error>() {
        Some(error) => Box::new(error.again()),
        None => cause.to_string().into(),
    }
}

impl Context {
    fn fill_from(&mut self, inner: &Context) {
        self.variable = self.variable.take().or_else(|| inner.variable.clone());
        self.chunk = self.chunk.take().or_else(|| inner.chunk.clone());
        self.url = self.url.take().or_else(|| inner.url.clone());
        self.byte_range = self.byte_range.take().or_else(|| inner.byte_range.clone());
    }

    fn to_line(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(chunk) = &self.chunk {
            let index: Vec<String> = chunk.iter().map(u64::to_string).collect();
            parts.push(format!("chunk ({})", index.join(", ")));
        }
        if let Some(variable) = &self.variable {
            parts.push(format!("variable `{variable}`"));
        }
        if let Some(url) = &self.url {
            parts.push(url.clone());
        }
        if let Some(range) = &self.byte_range {
            parts.push(format!("bytes {}..{}", range.start, range.end));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.report().trim_start_matches("error: "))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind(), self)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_tells_cause_place_and_hint() {
        let cause = Error::corrupt("zstd checksum does not match")
            .at("a.zarr/c/0")
            .in_bytes(0..10);
        let error = Error::corrupt("cannot decode chunk (0) of variable `t`")
            .in_variable("t")
            .hint("copy the file again")
            .caused_by(cause);
        assert_eq!(
            error.report(),
            "error: cannot decode chunk (0) of variable `t`\n  caused by: zstd checksum does not match\n  \
             at: variable `t`, a.zarr/c/0, bytes 0..10\nhint: copy the file again"
        );
    }

    #[test]
    fn an_error_shown_again_reports_the_same() {
        let cause = Error::io("read", std::io::Error::other("disk gone")).at("a/c/0");
        let error = Error::corrupt("outer")
            .in_chunk(&[1])
            .hint("h")
            .caused_by(cause);
        assert_eq!(error.again().report(), error.report());
        assert!(error.report().contains("disk gone"));
    }

    #[test]
    fn a_deeper_layer_names_the_place_first() {
        let error = Error::corrupt("x").at("inner").at("outer");
        assert_eq!(error.context().url.as_deref(), Some("inner"));
    }
}
