//! Which environment a command is about: flags before variables before config.json (api.md 5.9).

use crate::error::{Error, Result};
use crate::origin::{Origin, is_same_server, origin};
use crate::paths::EnvName;
use crate::vars::Vars;

use super::{Config, Configured};

/// The hosted server, as `origin` has it, and its pages.
const HOSTED_API: &str = "https://api.anyt.dev";
const HOSTED_WEB: &str = "https://anyt.dev";

/// The environment of one command.
#[derive(Debug, Clone)]
pub struct Environment {
    pub name: EnvName,
    /// As given, without a trailing slash.
    pub api_url: String,
    /// `scheme://host:port`: what a token is bound to.
    pub origin: String,
    /// Its member of config.json, if it has one.
    pub configured: Option<Configured>,
}

impl Environment {
    pub fn default_workspace(&self) -> Option<&str> {
        self.configured.as_ref()?.default_workspace.as_deref()
    }

    /// The token may go over plain http to the address that config.json has; to no other one.
    pub fn allows_clear_text(&self) -> bool {
        let is_here = |known: &&Configured| is_same_server(&known.api_url, &self.origin);
        self.configured.as_ref().filter(is_here).is_some_and(|known| known.allow_insecure_http)
    }

    /// The page of a task, by its uid: that of a share link (api.md 1.9), at the environment's `web_url`. Only the hosted
    /// server is known to have one.
    pub fn web_page(&self, uid: &str) -> Option<String> {
        let is_plain = !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let configured = self.configured.as_ref().and_then(|known| known.web_url.as_deref());
        let hosted = (self.origin == HOSTED_API).then_some(HOSTED_WEB);
        let web = configured.filter(|url| url.starts_with("https://") || url.starts_with("http://")).or(hosted)?;
        is_plain.then(|| format!("{}/t/{uid}", trimmed(web)))
    }

    pub fn default_project(&self) -> Option<&str> {
        self.configured.as_ref()?.default_project.as_deref()
    }
}

/// Chooses the environment.
///
/// * Name: `--env`, else `ANYT_ENV`, else the one whose address `--url`/`ANYT_API_URL` is, else one derived from that
///   address (`url-localhost-8000`), else `current_environment`, else the only one there is.
/// * Address: `--url`; else the configured one if the name was given; else `ANYT_API_URL`; else the configured one. A
///   variable never redirects what was named: so do the published clients.
pub fn resolve_environment(
    config: &Config,
    flag_env: Option<&str>,
    flag_url: Option<&str>,
    vars: &Vars,
) -> Result<Environment> {
    let named = flag_env.or(vars.env.as_deref());
    let configured = named.and_then(|name| config.environment(name));
    let url = flag_url.or(vars.api_url.as_deref().filter(|_| configured.is_none()));
    match (named, configured, url) {
        (Some(name), _, Some(url)) => environment(EnvName::parse(name)?, url, configured),
        (Some(_), Some(configured), None) => of_config(configured),
        (Some(name), None, None) => Err(unknown(config, EnvName::parse(name)?.as_str())),
        (None, _, Some(url)) => at_address(config, url),
        (None, _, None) => current(config),
    }
}

/// An address without a name: the environment that has it, the current one first, or one derived from it.
fn at_address(config: &Config, url: &str) -> Result<Environment> {
    let wanted = trimmed(url);
    let current = config.current_environment.as_deref();
    let mut same = config.environments.iter().filter(|known| trimmed(&known.api_url) == wanted);
    let first = same.clone().next();
    match same.find(|known| Some(known.name.as_str()) == current).or(first) {
        Some(known) => of_config(known),
        None => environment(derived_name(url)?, url, None),
    }
}

fn current(config: &Config) -> Result<Environment> {
    match (&config.current_environment, config.environments.as_slice()) {
        (_, []) => Err(none_configured()),
        (Some(name), _) => match config.environment(name) {
            Some(configured) => of_config(configured),
            None => Err(unknown(config, name)),
        },
        (None, [only]) => of_config(only),
        (None, _) => {
            Err(Error::failure("no environment is chosen").hint(format!("anyt env switch NAME: {}", known(config, ""))))
        }
    }
}

fn of_config(configured: &Configured) -> Result<Environment> {
    environment(EnvName::parse(&configured.name)?, &configured.api_url, Some(configured))
}

fn environment(name: EnvName, url: &str, configured: Option<&Configured>) -> Result<Environment> {
    Ok(Environment { name, api_url: trimmed(url).to_string(), origin: origin(url)?, configured: configured.cloned() })
}

fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// `url-<host>-<port>`, with what a name cannot hold written as `-`.
fn derived_name(url: &str) -> Result<EnvName> {
    let origin = Origin::parse(url)?;
    let host: String =
        origin.host().chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    EnvName::parse(&format!("url-{}-{}", host.trim_matches('-'), origin.port()))
}

/// What to type where nothing is configured yet.
const FIRST: &str = "sign in to a server: anyt login URL";

pub fn none_configured() -> Error {
    Error::failure("no environment is configured").hint(FIRST)
}

/// The error for a name that config.json does not have; the names it has follow, the most alike first.
pub fn unknown(config: &Config, name: &str) -> Error {
    let message = format!("there is no environment '{}'", name.escape_debug());
    Error::not_found(message).hint(match config.environments.is_empty() {
        true => FIRST.to_string(),
        false => format!("known: {}", known(config, name)),
    })
}

fn known(config: &Config, wanted: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in config.environments.iter().map(|known| known.name.as_str()) {
        let place = names.partition_point(|known| distance(known, wanted) <= distance(name, wanted));
        names.insert(place, name);
    }
    names.join(", ")
}

/// Edits (insert, delete, change a character) between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let changed = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn config() -> Config {
        let text = r#"{"current_environment": "dev", "environments": {"dev": {"api_url": "http://localhost:8000/"},
                       "prod": {"api_url": "https://api.anyt.dev"}, "bad name": {"api_url": "http://h"}}}"#;
        Config::parse(text, Path::new("c")).unwrap()
    }

    fn vars(env: Option<&str>, url: Option<&str>) -> Vars {
        Vars { env: env.map(Into::into), api_url: url.map(Into::into), ..Vars::default() }
    }

    fn chosen(env: Option<&str>, url: Option<&str>, vars: Vars) -> (String, String) {
        let environment = resolve_environment(&config(), env, url, &vars).unwrap();
        (environment.name.to_string(), environment.origin)
    }

    fn pair(name: &str, origin: &str) -> (String, String) {
        (name.into(), origin.into())
    }

    #[test]
    fn flags_win_over_variables_and_those_over_the_file() {
        let (dev, prod) = (pair("dev", "http://localhost:8000"), pair("prod", "https://api.anyt.dev"));
        assert_eq!(chosen(None, None, vars(None, None)), dev);
        assert_eq!(chosen(None, None, vars(Some("prod"), None)), prod);
        assert_eq!(chosen(Some("dev"), None, vars(Some("prod"), None)), dev);
        assert_eq!(chosen(None, None, vars(Some("prod"), Some("http://other:1"))), prod);
        assert_eq!(chosen(None, None, vars(None, Some("https://api.anyt.dev/"))), prod);
        assert_eq!(chosen(None, None, vars(None, Some("http://[::1]:1"))), pair("url-1-1", "http://[::1]:1"));
        assert_eq!(chosen(None, Some("http://h:2"), vars(None, Some("http://other:1"))), pair("url-h-2", "http://h:2"));
        assert_eq!(chosen(Some("dev"), Some("http://h:2"), vars(None, None)), pair("dev", "http://h:2"));
        assert_eq!(chosen(None, None, vars(Some("ci"), Some("http://h:2"))), pair("ci", "http://h:2"));
    }

    #[test]
    fn what_is_unknown_is_answered_with_what_is_known() {
        let error = resolve_environment(&config(), Some("prdo"), None, &vars(None, None)).unwrap_err();
        assert_eq!(error.to_string(), "there is no environment 'prdo'");
        assert_eq!(error.advice().unwrap(), "known: prod, dev, bad name");
        let none = resolve_environment(&Config::default(), None, None, &vars(None, None)).unwrap_err();
        assert_eq!(none.to_string(), "no environment is configured");
        let alone =
            resolve_environment(&Config::default(), None, None, &vars(None, Some("http://localhost:1"))).unwrap();
        assert_eq!((alone.name.as_str(), alone.configured.is_none()), ("url-localhost-1", true));
        assert_eq!(
            resolve_environment(&config(), Some("bad name"), None, &vars(None, None)).unwrap_err().exit_code(),
            2
        );
        assert!(resolve_environment(&config(), Some("../x"), Some("http://h"), &vars(None, None)).is_err());
    }
}
