//! Where credentials come from: given, environment, profile file, netrc, the machine's role, none.

use super::options::home;
use super::secret::Secrets;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// How long a machine may take to tell that it has a role. It is on the same host or nowhere.
const ROLE_PATIENCE: Duration = Duration::from_millis(250);

/// Which credentials were looked for, in words for people.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    steps: Vec<String>,
}

impl Tried {
    pub(super) fn note(&mut self, step: impl Into<String>) {
        self.steps.push(step.into());
    }

    pub(super) fn to_text(&self) -> String {
        self.steps.join("; ")
    }
}

/// The first of these environment variables that is set and not empty.
pub(super) fn environment(names: &[&str]) -> Option<(String, String)> {
    let value = |name: &&str| {
        let value = std::env::var(name).ok()?;
        (!value.is_empty()).then(|| ((*name).to_owned(), value))
    };
    names.iter().find_map(value)
}

/// Keys of one profile of the AWS files.
pub(super) fn aws_profile(name: &str) -> Option<BTreeMap<String, String>> {
    let file = |variable: &str, name: &str| {
        let named = std::env::var_os(variable).map(PathBuf::from);
        named.or_else(|| Some(home()?.join(".aws").join(name)))
    };
    let read = |path: Option<PathBuf>| std::fs::read_to_string(path?).ok();
    let config = read(file("AWS_CONFIG_FILE", "config")).unwrap_or_default();
    let credentials = read(file("AWS_SHARED_CREDENTIALS_FILE", "credentials")).unwrap_or_default();
    let mut found = section(&config, &format!("profile {name}"));
    found.extend(section(&config, name));
    found.extend(section(&credentials, name));
    (!found.is_empty()).then_some(found)
}

/// The keys of a section of an INI file.
fn section(text: &str, wanted: &str) -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let mut is_inside = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            is_inside = name.split_whitespace().eq(wanted.split_whitespace());
        } else if is_inside
            && !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            keys.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    keys
}

/// User and password for `host` from the netrc file, if there are any.
pub(super) fn netrc(host: &str, secrets: &mut Secrets) -> Option<(String, String)> {
    let named = std::env::var_os("NETRC").map(PathBuf::from);
    let path = named.or_else(|| Some(home()?.join(".netrc")))?;
    let text = std::fs::read_to_string(path).ok()?;
    let (user, password) = netrc_entry(&text, host)?;
    secrets.add(&password);
    Some((user, password))
}

fn netrc_entry(text: &str, host: &str) -> Option<(String, String)> {
    let without_comments = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let text = without_comments.collect::<Vec<_>>().join("\n");
    let mut words = text.split_whitespace();
    let (mut is_wanted, mut user, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if is_wanted && password.is_some() {
                    break;
                }
                is_wanted = word == "default" || words.next() == Some(host);
                (user, password) = (None, None);
            }
            "login" => user = words.next().map(str::to_owned),
            "password" => password = words.next().map(str::to_owned),
            // Macros run to the next entry.
            "macdef" | "account" => {
                words.next();
            }
            _ => {}
        }
    }
    if is_wanted {
        Some((user.unwrap_or_default(), password?))
    } else {
        None
    }
}

/// Whether something answers at `address`, where clouds tell a machine its role.
pub(super) fn has_role(address: &str) -> bool {
    let address = address.to_owned();
    let (sender, receiver) = channel();
    // On a thread of its own, because to look up a name may take long where there is no network.
    thread::spawn(move || {
        let addresses = address.to_socket_addrs().into_iter().flatten();
        let answers =
            |address: SocketAddr| TcpStream::connect_timeout(&address, ROLE_PATIENCE).is_ok();
        // OK to ignore: nobody may be waiting any more.
        let _ = sender.send(addresses.take(1).any(answers));
    });
    receiver.recv_timeout(2 * ROLE_PATIENCE).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_sections() {
        let text = "[default]\naws_access_key_id = A\n# x = y\n[ profile  two ]\nregion=eu\n";
        assert_eq!(section(text, "default")["aws_access_key_id"], "A");
        assert_eq!(section(text, "profile two")["region"], "eu");
        assert!(section(text, "three").is_empty());
    }

    #[test]
    fn netrc_entries_are_found_by_host() {
        let text = "# machine c login no\nmachine a login me password p1\nmachine b\n  login you\n  password p2\n\
                    default login any password p3\n";
        let entry = |host| netrc_entry(text, host).unwrap();
        assert_eq!(entry("a"), ("me".to_owned(), "p1".to_owned()));
        assert_eq!(entry("b"), ("you".to_owned(), "p2".to_owned()));
        assert_eq!(entry("c").1, "p3");
        assert_eq!(netrc_entry("machine a login x password y", "z"), None);
    }
}
