//! A web server on this machine, for tests: ranges, listings, logins, latency and every way to fail.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// With this status and a short text.
    Status(u16),
    /// The connection is closed without an answer.
    Drop,
    /// Half of the body comes, then the connection is closed.
    Cut,
    /// Nothing comes, and the connection stays open.
    Stall,
    /// Half of the body comes, and the connection stays open.
    StallBody,
    /// The answer is whole, and shorter than what was asked for.
    Short,
    /// The answer is of other bytes than were asked for.
    OtherRange,
    /// The object has other bytes and another tag from now on.
    Change,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `HEAD`.
    pub method: String,
    /// Path and parameters, as sent.
    pub path: String,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// When it came and when its answer was on its way.
    pub time: (Instant, Instant),
    /// Bytes of the answer's body.
    pub sent: usize,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    faults: Vec<(String, Fault, usize)>,
    latency: Duration,
    login: Option<String>,
    lists: bool,
    ignores_ranges: bool,
    log: Vec<Request>,
}

/// A running server; it stops when dropped.
pub struct WebServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
}

impl Default for WebServer {
    fn default() -> Self {
        Self::start()
    }
}

impl WebServer {
    /// A server without objects.
    ///
    /// # Panics
    /// If this machine lends no port.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<Mutex<State>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (shared, over) = (state.clone(), is_over.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (state, over) = (shared.clone(), over.clone());
                if let Ok(connection) = connection {
                    std::thread::spawn(move || serve(connection, &state, &over));
                }
            }
        });
        Self {
            address,
            state,
            is_over,
        }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// The host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Adds or replaces an object.
    pub fn insert(&self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        let mut state = self.state.lock().unwrap();
        let path = path.into();
        let version = state
            .objects
            .get(&path)
            .map_or(0, |(_, version)| version + 1);
        state.objects.insert(path, (bytes.into(), version));
    }

    /// Adds all files under a folder of this machine, under `prefix`.
    pub fn insert_folder(&self, prefix: &str, folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.insert_folder(&path, &entry.path());
            } else {
                self.insert(path, std::fs::read(entry.path()).unwrap());
            }
        }
    }

    /// Each answer waits this long.
    pub fn set_latency(&self, latency: Duration) {
        self.state.lock().unwrap().latency = latency;
    }

    /// Folders show a page of links.
    pub fn set_lists(&self, lists: bool) {
        self.state.lock().unwrap().lists = lists;
    }

    /// Every answer is of the whole object.
    pub fn set_ignores_ranges(&self, ignores: bool) {
        self.state.lock().unwrap().ignores_ranges = ignores;
    }

    /// Only requests with this value of `Authorization` are answered.
    pub fn set_login(&self, login: &str) {
        self.state.lock().unwrap().login = Some(login.to_owned());
    }

    /// The next `times` requests whose path ends with `path` fail.
    pub fn fail(&self, path: &str, fault: Fault, times: usize) {
        self.state
            .lock()
            .unwrap()
            .faults
            .push((path.to_owned(), fault, times));
    }

    /// Nothing fails any more.
    pub fn forget_faults(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().log.clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.state.lock().unwrap().log.clear();
    }

    /// The longest chain of requests of which each came after the answer to the one before.
    #[must_use]
    pub fn serial_requests(&self) -> usize {
        let mut times: Vec<(Instant, Instant)> =
            self.requests().iter().map(|request| request.time).collect();
        times.sort_by_key(|(_, end)| *end);
        let mut count = 0;
        let mut last: Option<Instant> = None;
        for (start, end) in times {
            if last.is_none_or(|last| start >= last) {
                count += 1;
                last = Some(end);
            }
        }
        count
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that listens.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(connection: TcpStream, state: &Mutex<State>, is_over: &AtomicBool) {
    let mut out = connection.try_clone().unwrap();
    let mut lines = BufReader::new(connection);
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first).unwrap_or(0) == 0 || is_over.load(Ordering::SeqCst) {
            return;
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) => {
                    headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
                }
                None => break,
            }
        }
        let length = headers
            .get("content-length")
            .and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if lines.read_exact(&mut body).is_err() {
            return;
        }
        let mut words = first.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        if !answer(&mut out, state, is_over, method, path, headers) {
            let _ = out.shutdown(Shutdown::Both);
            return;
        }
    }
}

/// Whether the connection may be used again.
fn answer(
    out: &mut TcpStream,
    state: &Mutex<State>,
    is_over: &AtomicBool,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
) -> bool {
    let start = Instant::now();
    let latency = state.lock().unwrap().latency;
    std::thread::sleep(latency);
    let fault = next_fault(&mut state.lock().unwrap(), &path);
    let (head, body, keep) = match fault {
        Some(Fault::Stall) => {
            log(state, method, path, headers, start, 0);
            hold(is_over);
            return false;
        }
        Some(Fault::Drop) => {
            log(state, method, path, headers, start, 0);
            return false;
        }
        Some(Fault::Status(status)) => {
            let body = format!("<Error>status {status} by intent</Error>").into_bytes();
            (head(status, &[], body.len()), body, true)
        }
        fault => {
            let mut state = state.lock().unwrap();
            if fault == Some(Fault::Change) {
                let key = key_of(&path);
                if let Some((bytes, version)) = state.objects.get_mut(&key) {
                    bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
                    *version += 1;
                }
            }
            respond(&state, &path, &headers, fault)
        }
    };
    let is_head = method == "HEAD";
    let sent = if is_head { 0 } else { body.len() };
    log(state, method, path, headers, start, sent);
    if out.write_all(head.as_bytes()).is_err() {
        return false;
    }
    if is_head {
        return true;
    }
    match fault {
        Some(Fault::Cut | Fault::StallBody) => {
            let _ = out.write_all(&body[..body.len() / 2]);
            let _ = out.flush();
            if fault == Some(Fault::StallBody) {
                hold(is_over);
            }
            false
        }
        _ => out.write_all(&body).is_ok() && keep,
    }
}

fn hold(is_over: &AtomicBool) {
    for _ in 0..600 {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn log(
    state: &Mutex<State>,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    start: Instant,
    sent: usize,
) {
    state.lock().unwrap().log.push(Request {
        method,
        path,
        headers,
        time: (start, Instant::now()),
        sent,
    });
}

fn next_fault(state: &mut State, path: &str) -> Option<Fault> {
    let plain = path.split('?').next().unwrap_or(path);
    let found = state
        .faults
        .iter_mut()
        .find(|(end, _, times)| *times > 0 && plain.ends_with(end.as_str()));
    found.map(|(_, fault, times)| {
        *times -= 1;
        *fault
    })
}

fn key_of(path: &str) -> String {
    let plain = path.split('?').next().unwrap_or(path);
    crate::scheme::percent_decode(plain.trim_start_matches('/'))
}

fn respond(
    state: &State,
    path: &str,
    headers: &BTreeMap<String, String>,
    fault: Option<Fault>,
) -> (String, Vec<u8>, bool) {
    let text = |status: u16, text: &str| {
        let body = text.as_bytes().to_vec();
        (head(status, &[], body.len()), body, true)
    };
    if state.login.is_some() && state.login.as_ref() != headers.get("authorization") {
        return text(403, "<Error>who are you</Error>");
    }
    let key = key_of(path);
    let Some((bytes, version)) = state.objects.get(&key) else {
        return match page(state, path) {
            Some(page) => {
                let length = page.len();
                (
                    head(200, &[("Content-Type", "text/html; charset=utf-8")], length),
                    page,
                    true,
                )
            }
            None => text(404, "not here"),
        };
    };
    let etag = format!("\"{version}-{}\"", bytes.len());
    if headers
        .get("if-match")
        .is_some_and(|wanted| *wanted != etag)
    {
        return text(412, "changed");
    }
    if headers.get("if-none-match") == Some(&etag) {
        return (head(304, &[("ETag", etag.as_str())], 0), Vec::new(), true);
    }
    let facts = [("ETag", etag.as_str()), ("Accept-Ranges", "bytes")];
    let range = headers.get("range").filter(|_| !state.ignores_ranges);
    let Some(range) = range else {
        let body = shortened(bytes.clone(), fault);
        return (head(200, &facts, body.len()), body, true);
    };
    let Some(range) = range_of(range, bytes.len()) else {
        return text(416, "no such bytes");
    };
    let range = match fault {
        Some(Fault::OtherRange) => 0..range.end.saturating_sub(1).max(1).min(bytes.len()),
        _ => range,
    };
    let place = format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len());
    let body = shortened(bytes[range].to_vec(), fault);
    let facts = [facts[0], facts[1], ("Content-Range", place.as_str())];
    (head(206, &facts, body.len()), body, true)
}

fn shortened(mut body: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    if fault == Some(Fault::Short) {
        body.truncate(body.len() / 2);
    }
    body
}

/// A page of links to what lies in a folder.
fn page(state: &State, path: &str) -> Option<Vec<u8>> {
    let folder = key_of(path);
    if !state.lists || !(folder.is_empty() || folder.ends_with('/')) {
        return None;
    }
    let below = state
        .objects
        .keys()
        .filter_map(|name| name.strip_prefix(&folder));
    let mut names: Vec<String> = below
        .map(|rest| match rest.split_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => rest.to_owned(),
        })
        .collect();
    names.dedup();
    let links = names.iter().map(|name| {
        let link = name
            .replace('%', "%25")
            .replace(' ', "%20")
            .replace('?', "%3F");
        format!("<li><a href=\"{link}\">{name}</a></li>")
    });
    let links: String = links.collect();
    (!names.is_empty()).then(|| format!("<html><a href=\"../\">up</a>{links}</html>").into_bytes())
}

fn range_of(text: &str, size: usize) -> Option<Range<usize>> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (start, end) {
        ("", suffix) => size.saturating_sub(suffix.parse().ok()?)..size,
        (start, "") => start.parse().ok()?..size,
        (start, end) => start.parse().ok()?..size.min(end.parse::<usize>().ok()?.saturating_add(1)),
    };
    (range.start < range.end).then_some(range)
}

fn head(status: u16, facts: &[(&str, &str)], length: usize) -> String {
    let mut head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\n");
    for (name, value) in facts {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}
