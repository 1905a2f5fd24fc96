//! The command line of anyt-server.

use crate::resources::workspaces;
use crate::store::schema::Location;
use anyt::error::{Error, Result};
use lexopt::prelude::*;
use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};

/// Who `--token TOKEN` is, and who the token belongs to that the server makes itself.
pub const USER: &str = "user";

pub const HELP: &str = "\
anyt-server - a self-hosted AnyTask server on one SQLite file

Usage: anyt-server [OPTIONS]

Options:
      --listen ADDRESS       Listen there; port 0 picks a free one [default: 127.0.0.1:8000]
      --db FILE              Keep the data there, or in :memory: [default: anyt-server.db]
      --token [USER=]TOKEN   Let USER in with TOKEN while this server runs; may be repeated
                             [default USER: user]
      --workspace ID         The workspace for --token users and --import; made if there is none
                             [default: the oldest one, DEV in a fresh database]
      --max-body BYTES       Refuse longer request bodies [default: 1048576]
      --max-connections N    From one address at a time [default: 256, from this machine no limit]
      --import FILE          Load tasks from JSON lines before listening; - is standard input
  -h, --help                 Print this help
  -V, --version              Print the version

The first line on standard output says where it listens. Without --token a fresh database gets a
token of its own, printed once on the second line and good until the database is deleted; the
database keeps a digest of it, never the token.
";

#[derive(Debug, PartialEq)]
pub enum Wish {
    Help,
    Version,
    Serve(Options),
}

#[derive(Debug, PartialEq)]
pub struct Options {
    pub listen: SocketAddr,
    pub location: Location,
    /// User and token.
    pub tokens: Vec<(String, String)>,
    pub workspace: Option<String>,
    pub import: Option<String>,
    /// The longest request body, in bytes.
    pub max_body: usize,
    /// Connections from one address.
    pub per_address: Option<usize>,
}

/// `arguments` begin with the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Wish> {
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 8000)),
        location: Location::File("anyt-server.db".into()),
        tokens: Vec::new(),
        workspace: None,
        import: None,
        max_body: crate::limits::BODY,
        per_address: None,
    };
    let mut parser = lexopt::Parser::from_iter(arguments);
    while let Some(argument) = parser.next().map_err(usage)? {
        match argument {
            Long("listen") => options.listen = address(&text(&mut parser)?)?,
            Long("db") => options.location = location(parser.value().map_err(usage)?),
            Long("token") => options.tokens.push(token(&text(&mut parser)?)?),
            Long("workspace") => options.workspace = Some(identifier(&text(&mut parser)?)?),
            Long("max-body") => options.max_body = number("--max-body", &text(&mut parser)?)?,
            Long("max-connections") => options.per_address = Some(number("--max-connections", &text(&mut parser)?)?),
            Long("import") => options.import = Some(text(&mut parser)?),
            Short('h') | Long("help") => return Ok(Wish::Help),
            Short('V') | Long("version") => return Ok(Wish::Version),
            other => return Err(usage(other.unexpected())),
        }
    }
    Ok(Wish::Serve(options))
}

fn usage(error: lexopt::Error) -> Error {
    Error::usage(error.to_string()).hint("see: anyt-server --help")
}

fn text(parser: &mut lexopt::Parser) -> Result<String> {
    parser.value().map_err(usage)?.string().map_err(usage)
}

fn address(text: &str) -> Result<SocketAddr> {
    let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| Error::usage(format!("--listen takes an address and a port, as 127.0.0.1:8000, not '{text}'")))
}

fn number(option: &str, text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::usage(format!("{option} takes a number above zero, not '{text}'")))
}

fn location(value: OsString) -> Location {
    if value == ":memory:" { Location::Memory } else { Location::File(value.into()) }
}

/// The message never shows the value: it may be most of a token.
fn token(text: &str) -> Result<(String, String)> {
    let (user, token) = text.split_once('=').unwrap_or((USER, text));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    if plain(user) && plain(token) {
        return Ok((user.to_string(), token.to_string()));
    }
    Err(Error::usage("--token takes [USER=]TOKEN, both of printable ASCII characters without blanks"))
}

fn identifier(text: &str) -> Result<String> {
    workspaces::identifier(text)
        .ok_or_else(|| Error::usage(format!("--workspace takes 1 to 10 letters A to Z, not '{text}'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(arguments: &[&str]) -> Result<Wish> {
        parse(["anyt-server"].iter().chain(arguments).map(OsString::from))
    }

    #[test]
    fn reads_every_option() {
        let Ok(Wish::Serve(options)) = wish(&[
            "--listen=[::1]:0",
            "--db",
            ":memory:",
            "--token",
            "bob=anyt_agent_x=y",
            "--token=t",
            "--workspace=ops",
            "--max-body=5",
            "--max-connections",
            "7",
            "--import",
            "-",
        ]) else {
            panic!("not understood");
        };
        assert_eq!(options.listen.to_string(), "[::1]:0");
        assert_eq!(options.location, Location::Memory);
        assert_eq!(options.tokens, [("bob".into(), "anyt_agent_x=y".into()), ("user".into(), "t".into())]);
        assert_eq!((options.workspace.as_deref(), options.import.as_deref()), (Some("OPS"), Some("-")));
        assert_eq!((options.max_body, options.per_address), (5, Some(7)));
    }

    #[test]
    fn wrong_usage_is_exit_2() {
        for arguments in [
            &["--listen", "nowhere"][..],
            &["--token", "bob="],
            &["--token"],
            &["--workspace", "D1"],
            &["--max-body", "0"],
            &["--max-connections", "many"],
            &["--bogus"],
            &["surplus"],
        ] {
            assert_eq!(wish(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
