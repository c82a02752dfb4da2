//! Where to listen, as it is written.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place where others send to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Connections over IP.
    Tcp(Host),
    /// Datagrams over IP.
    Udp(Host),
    /// Connections over a Unix socket.
    Unix(PathBuf),
    /// Datagrams over a Unix socket.
    Unixgram(PathBuf),
}

/// An IP address or a name, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The address or name.
    pub name: String,
    /// The port; 0 for one that is free.
    pub port: u16,
}

/// What an address without a host means: nobody outside of this machine gets there.
const LOOPBACK: &str = "127.0.0.1";
/// All addresses of this machine, of both kinds.
const ALL: &str = "::";

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let form = "write tcp://ADDR:PORT, udp://ADDR:PORT, unix://PATH or unixgram://PATH";
        let wrong = |why: &str| format!("'{text}' {why}; {form}");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("is not an address"))?;
        let host = || Host::parse(rest).ok_or_else(|| wrong("has no host and port"));
        let path = || match rest {
            "" => Err(wrong("has no path")),
            path => Ok(PathBuf::from(path)),
        };
        match scheme {
            "tcp" => Ok(Address::Tcp(host()?)),
            "udp" => Ok(Address::Udp(host()?)),
            "unix" => Ok(Address::Unix(path()?)),
            "unixgram" => Ok(Address::Unixgram(path()?)),
            _ => Err(wrong("is of no known kind")),
        }
    }
}

impl Host {
    fn parse(text: &str) -> Option<Host> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) => (name, port),
            None => ("", text),
        };
        let port = port.parse().ok()?;
        let name = match name {
            "" => LOOPBACK,
            "*" => ALL,
            name => match name.strip_prefix('[') {
                Some(rest) => rest.strip_suffix(']')?,
                // An IPv6 address without brackets: which part is the port?
                None if name.contains(':') => return None,
                None => name,
            },
        };
        Some(Host { name: name.to_owned(), port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(host) => write!(f, "tcp://{host}"),
            Address::Udp(host) => write!(f, "udp://{host}"),
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Unixgram(path) => write!(f, "unixgram://{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_on_this_machine_unless_they_say_otherwise() {
        for (text, meant) in [
            ("tcp://5140", "tcp://127.0.0.1:5140"),
            ("udp://:514", "udp://127.0.0.1:514"),
            ("tcp://*:514", "tcp://[::]:514"),
            ("tcp://[::1]:0", "tcp://[::1]:0"),
            ("udp://log.example:514", "udp://log.example:514"),
            ("unix:///run/a b", "unix:///run/a b"),
            ("unixgram://log", "unixgram://log"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), meant);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "5140",
            "tcp://",
            "tcp://a",
            "tcp://::1:5",
            "tcp://[::1:5",
            "unix://",
            "http://a:1",
            "udp://a:70000",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
