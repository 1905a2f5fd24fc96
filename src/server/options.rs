//! What serving needs, read from the command line, token files and the environment.

use crate::auth::SHORTEST;
use crate::cli::{Line, utf8};
use crate::resources::workspaces;
use crate::store::schema::Location;
use anyt::error::{Error, Result};
use std::ffi::OsStr;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

/// Who `--token TOKEN` is, and who the token belongs to that the server makes itself.
pub const USER: &str = "user";

/// Tokens as words.
pub const TOKEN_VARIABLE: &str = "ANYT_SERVER_TOKEN";

#[derive(Debug, PartialEq)]
pub struct Options {
    pub listen: SocketAddr,
    pub location: Location,
    /// User and token.
    pub tokens: Vec<(String, String)>,
    /// Make a token if there never was one.
    pub make_token: bool,
    pub workspace: Option<String>,
    pub import: Option<String>,
    /// The longest request body, in bytes.
    pub max_body: usize,
    /// Connections from one address.
    pub per_address: Option<usize>,
}

/// `environment` is the value of `ANYT_SERVER_TOKEN`.
pub fn read(line: &Line, environment: Option<&str>) -> Result<Options> {
    let listen = address(line.text("listen")?.unwrap_or("127.0.0.1:8000"))?;
    let given = line.values("token").map(|value| token("--token", utf8(value)?)).collect::<Result<Vec<_>>>()?;
    // A command line is for trying things out on one machine; its tokens may be short there and nowhere else.
    if let Some((user, _)) = given.iter().find(|(_, token)| token.len() < SHORTEST && !listen.ip().is_loopback()) {
        return Err(too_short("--token", user).hint("a short one is accepted while --listen is a loopback address"));
    }
    let mut tokens = given;
    for file in line.values("token-file") {
        tokens.extend(from_file(Path::new(file))?);
    }
    for word in environment.unwrap_or_default().split_whitespace() {
        tokens.push(long_token(TOKEN_VARIABLE, word)?);
    }
    let number = |name: &str| line.text(name)?.map(|text| number(name, text)).transpose();
    Ok(Options {
        listen,
        location: location(line),
        tokens,
        make_token: !line.has("no-token"),
        workspace: workspace(line)?,
        import: line.text("import")?.map(str::to_string),
        max_body: number("max-body")?.unwrap_or(crate::limits::BODY),
        per_address: number("max-connections")?,
    })
}

/// `--db`.
pub fn location(line: &Line) -> Location {
    match line.value("db").unwrap_or(OsStr::new("anyt-server.db")) {
        memory if memory == ":memory:" => Location::Memory,
        file => Location::File(file.into()),
    }
}

/// `--workspace`, in upper case.
pub fn workspace(line: &Line) -> Result<Option<String>> {
    line.text("workspace")?.map(|text| identifier("--workspace", text)).transpose()
}

pub fn identifier(what: &str, text: &str) -> Result<String> {
    workspaces::identifier(text)
        .ok_or_else(|| Error::usage(format!("{what} takes 1 to 10 letters A to Z, not '{text}'")))
}

fn address(text: &str) -> Result<SocketAddr> {
    let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| Error::usage(format!("--listen takes an address and a port, as 127.0.0.1:8000, not '{text}'")))
}

fn number(option: &str, text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::usage(format!("--{option} takes a number above zero, not '{text}'")))
}

/// A user's name, as it stands in tokens, members and the log.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=')
}

/// `[USER=]TOKEN`. The message never shows the value: it may be most of a token.
fn token(source: &str, text: &str) -> Result<(String, String)> {
    let (user, token) = text.split_once('=').unwrap_or((USER, text));
    if is_name(user) && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok((user.to_string(), token.to_string()));
    }
    Err(Error::usage(format!("{source} takes [USER=]TOKEN, both of printable ASCII characters without blanks")))
}

fn long_token(source: &str, text: &str) -> Result<(String, String)> {
    let (user, token) = token(source, text)?;
    if token.len() < SHORTEST { Err(too_short(source, &user)) } else { Ok((user, token)) }
}

fn too_short(source: &str, user: &str) -> Error {
    Error::usage(format!("{source}: the token of {user} has fewer than {SHORTEST} characters"))
}

/// A token a line; empty lines and those that begin with # count for nothing.
fn from_file(path: &Path) -> Result<Vec<(String, String)>> {
    use std::os::unix::fs::PermissionsExt;
    let cannot = |error| Error::io("read", path, error);
    let mode = std::fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o004 != 0 {
        return Err(Error::failure(format!("{} can be read by everybody on this machine", path.display()))
            .hint(format!("run: chmod 600 {}", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| long_token(&path.display().to_string(), line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Wish, parse};
    use std::ffi::OsString;

    fn options(arguments: &[&str]) -> Result<Options> {
        match parse(["anyt-server"].iter().chain(arguments).map(OsString::from))? {
            Wish::Do(line) => read(&line, None),
            Wish::Say(text) => panic!("{text}"),
        }
    }

    #[test]
    fn reads_every_option() {
        let options = options(&[
            "--listen=[::1]:0",
            "--db",
            ":memory:",
            "--token",
            "bob=anyt_agent_x=y",
            "--token=t",
            "--no-token",
            "--workspace=ops",
            "--max-body=5",
            "--max-connections",
            "7",
            "--import",
            "-",
        ])
        .expect("understood");
        assert_eq!(options.listen.to_string(), "[::1]:0");
        assert_eq!(options.location, Location::Memory);
        assert_eq!(options.tokens, [("bob".into(), "anyt_agent_x=y".into()), ("user".into(), "t".into())]);
        assert_eq!((options.workspace.as_deref(), options.import.as_deref()), (Some("OPS"), Some("-")));
        assert_eq!((options.max_body, options.per_address, options.make_token), (5, Some(7), false));
    }

    #[test]
    fn short_tokens_are_for_this_machine() {
        for arguments in [
            &["--token", "t", "--listen", "0.0.0.0:0"][..],
            &["--token", "bob=20_characters_long__", "--listen", "[::]:0"],
        ] {
            let message = options(arguments).map(drop).map_err(|error| error.to_string());
            assert_eq!(message.is_err(), arguments[1] == "t", "{message:?}");
        }
        let Ok(Wish::Do(line)) = parse(["anyt-server"].map(OsString::from)) else { panic!("not understood") };
        assert!(read(&line, Some("short")).is_err());
        let tokens = read(&line, Some("ann=0123456789abcdefghij 0123456789abcdefghij\n")).expect("long").tokens;
        assert_eq!(tokens.iter().map(|(user, _)| user.as_str()).collect::<Vec<_>>(), ["ann", USER]);
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
            assert_eq!(options(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
