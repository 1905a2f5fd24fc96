//! `anyt doctor`: looks at all that anyt stands on, says of each whether it is well, and what to do where it is not. It
//! changes nothing, asks nobody, and waits for nothing longer than some seconds.

use super::Session;
use super::context::files;
use super::reporter::plural;
use super::session::Effort;
use super::sync::one_secret_each;
use crate::config::Environment;
use crate::credentials::{Found, Place, Vault};
use crate::document::{list as list_of, object, optional, text};
use crate::error::{Error, Result};
use crate::lock;
use crate::model::State;
use crate::paths::{EnvName, Paths};
use crate::store::Store;
use crate::sync::remote::{Remote, to_error};
use crate::time::Timestamp;
use crate::ui::Style;
use miniserde::json::Value;
use rustix::fs::{Access, access};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// A cache that is older deserves a word.
const OLD: Duration = Duration::from_secs(7 * 86_400);

/// Clocks that differ by less than this many seconds are the same.
const SAME_CLOCK: i64 = 60;

struct Finding {
    /// The environment that it is about.
    environment: Option<EnvName>,
    what: &'static str,
    state: &'static str,
    detail: String,
    remedy: Option<String>,
}

#[derive(Default)]
struct Doctor {
    findings: Vec<Finding>,
    /// What is looked at now, and whether commands take it only where they are told its name.
    environment: Option<EnvName>,
    is_named: bool,
    /// The failure with the highest exit code.
    worst: Option<Error>,
}

impl Doctor {
    fn ok(&mut self, what: &'static str, detail: impl Into<String>) {
        self.push(what, "ok", detail.into(), None);
    }

    fn warn(&mut self, what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.push(what, "warn", detail.into(), Some(remedy.into()));
    }

    fn fail(&mut self, what: &'static str, error: Error) {
        self.push(what, "fail", error.to_string(), error.advice());
        if self.worst.as_ref().is_none_or(|worst| worst.exit_code() < error.exit_code()) {
            self.worst = Some(error);
        }
    }

    fn push(&mut self, what: &'static str, state: &'static str, detail: String, remedy: Option<String>) {
        let environment = self.environment.clone();
        let remedy = match &environment {
            Some(name) if self.is_named => remedy.map(|remedy| named(&remedy, name)),
            _ => remedy,
        };
        self.findings.push(Finding { environment, what, state, detail, remedy });
    }

    /// What was found out, or why it could not be.
    fn note(&mut self, what: &'static str, looked: Result<String>) {
        match looked {
            Ok(detail) => self.ok(what, detail),
            Err(error) => self.fail(what, error),
        }
    }
}

/// The commands of a remedy for an environment that they would not take by themselves.
fn named(remedy: &str, name: &EnvName) -> String {
    if remedy.contains("--env ") { remedy.to_string() } else { remedy.replace("anyt ", &format!("anyt --env {name} ")) }
}

pub fn run(session: &mut Session) -> Result<u8> {
    let mut doctor = Doctor::default();
    doctor.ok("anyt", crate::cli::version_text().trim_end());
    if let Err(error) = look(session, &mut doctor) {
        doctor.fail("config", error);
    }
    // They are findings.
    session.drop_faults();
    (doctor.environment, doctor.is_named) = (None, false);
    completion(session, &mut doctor);
    hooks(&mut doctor);
    let Doctor { findings, worst, .. } = doctor;
    session.answer(
        || list_of(findings.iter().map(document).collect()),
        |out| {
            findings.iter().try_for_each(|Finding { what, state, detail, remedy, .. }| {
                let remedy = remedy.as_ref().map_or_else(String::new, |remedy| format!(" ({remedy})"));
                let style = [("warn", Style::Yellow), ("fail", Style::Red)].into_iter().find(|(word, _)| word == state);
                let word = format!("{state:<4}");
                let word = style.map_or(word.clone(), |(_, style)| out.paint(style, &word));
                let rest = crate::ui::sanitise::line(&format!("  {what:<11} {detail}{remedy}")).into_owned();
                out.raw(&format!("{word}{rest}\n"))
            })
        },
    )?;
    worst.map_or(Ok(0), Err)
}

fn document(finding: &Finding) -> Value {
    object([
        ("environment", finding.environment.as_ref().map_or(Value::Null, |name| text(name.as_str()))),
        ("check", text(finding.what)),
        ("state", text(finding.state)),
        ("detail", text(&finding.detail)),
        ("remedy", optional(&finding.remedy)),
    ])
}

/// What depends on config.json and the environments.
fn look(session: &mut Session, doctor: &mut Doctor) -> Result<()> {
    let paths = session.paths()?;
    let config = session.config()?;
    let count = config.environments.len();
    doctor.ok("config", format!("{}, {count} {}", config.path.display(), plural(count, "environment")));
    for fault in config.faults {
        doctor.warn("config", fault, "mend it with an editor; a setting also with: anyt config set KEY VALUE");
    }
    let usual = if session.call.given("env").is_some() { None } else { session.environment().ok().map(|env| env.name) };
    if !session.call.has("all-environments") {
        let others = if count > 1 { "; of all: --all-environments" } else { "" };
        look_at(session, &paths, usual.as_ref(), others, doctor);
        return Ok(());
    }
    for name in one_secret_each(session)? {
        session.chosen = Some(name);
        look_at(session, &paths, usual.as_ref(), "", doctor);
    }
    Ok(())
}

/// What depends on the session's environment. `usual`: the one that commands take where none is named.
fn look_at(session: &Session, paths: &Paths, usual: Option<&EnvName>, others: &str, doctor: &mut Doctor) {
    let env = match session.environment() {
        Ok(env) => env,
        Err(error) => return doctor.fail("environment", error),
    };
    (doctor.environment, doctor.is_named) = (Some(env.name.clone()), usual != Some(&env.name));
    doctor.ok("environment", format!("{} ({}){others}", env.name, env.api_url));
    folders(paths, &env, doctor);
    let found = token(session, paths, &env, doctor);
    if !session.call.has("offline") {
        server(session, &env, found, doctor);
    }
    if let Err(error) = cache(paths, &env, doctor) {
        doctor.fail("cache", error);
    }
    match lock::holder(&paths.lock_file(&env.name)) {
        None => doctor.ok("lock", "free"),
        Some((pid, age)) => doctor.ok("lock", format!("process {pid} is at work, for {} s", age.as_secs())),
    }
}

/// Whether files can be made where they belong.
fn folders(paths: &Paths, env: &Environment, doctor: &mut Doctor) {
    let mut all = Vec::new();
    for file in [paths.config_file(), paths.cache_db(&env.name), paths.lock_file(&env.name)] {
        // What is not there yet is made in what is.
        let Some(at) = file.ancestors().skip(1).find(|folder| folder.exists()).map(Path::to_path_buf) else { continue };
        let writable = |path: &Path| !path.exists() || access(path, Access::WRITE_OK).is_ok();
        match [at.as_path(), &file].into_iter().find(|path| !writable(path)) {
            None => all.push(at.display().to_string()),
            Some(path) => {
                let owner = std::fs::metadata(path).map_or(0, |found| found.uid());
                let whose = if owner == rustix::process::geteuid().as_raw() {
                    String::new()
                } else {
                    format!(", it belongs to user {owner}")
                };
                let message = format!("{} cannot be written{whose}; reading works", path.display());
                let hint =
                    "make it yours with chown, or name other folders: XDG_CONFIG_HOME, XDG_CACHE_HOME, XDG_STATE_HOME";
                doctor.fail("folders", Error::failure(message).hint(hint));
            }
        }
    }
    if all.len() == 3 {
        doctor.ok("folders", all.join(", "));
    }
}

/// Where the token is. It is read where that changes nothing and asks nobody.
fn token(session: &Session, paths: &Paths, env: &Environment, doctor: &mut Doctor) -> Option<Found> {
    let vault = Vault::new(paths, &session.vars);
    let vault = if session.call.has("no-cache") { vault } else { vault.keeping() };
    let status = match vault.status(env) {
        Ok(status) => status,
        Err(error) => {
            doctor.fail("token", error);
            return None;
        }
    };
    match &status.place {
        None => doctor.fail("token", Error::sign_in(format!("not signed in to {}: {}", env.name, status.why))),
        Some(Place::Config) => {
            doctor.warn("token", format!("in config.json, in plain text; {}", status.why), "move it: anyt auth whoami");
        }
        // One that is not bound yet is bound by its first use.
        Some(place) if status.origin.is_none() && !matches!(place, Place::Variable(_)) => {
            doctor.ok("token", place.to_string());
        }
        Some(place) => match vault.find(env) {
            Ok(found) => {
                doctor.ok("token", place.to_string());
                return Some(found);
            }
            Err(error) if !status.elsewhere => {
                doctor.warn("token", format!("{place}; not tried: {error}"), "anyt auth whoami");
            }
            Err(error) => doctor.fail("token", error),
        },
    }
    None
}

fn server(session: &Session, env: &Environment, found: Option<Found>, doctor: &mut Doctor) {
    let (secret, place) = found.map(|found| (found.secret, found.place)).unzip();
    let began = Instant::now();
    let http = match session.http(env, secret, Effort::Look) {
        Ok(http) => http,
        Err(error) => return doctor.fail("server", error),
    };
    let health = match http.health() {
        Ok(health) => health,
        Err(error) => {
            let error = to_error(error, &env.origin);
            let advice =
                error.advice().unwrap_or_else(|| "what is here can be read, and changed with --offline".into());
            return doctor.fail("server", error.hint(advice));
        }
    };
    let version = health.version.map_or_else(String::new, |version| format!(", version {version}"));
    let kind = if http.declared().is_some() { ", declares what it can do" } else { "" };
    doctor.ok("server", format!("{}{version}{kind}, in {} ms", health.status, began.elapsed().as_millis()));
    let seconds = |at: Timestamp| (at.0 - Timestamp::now().0) / 1_000_000;
    match health.timestamp.as_deref().and_then(Timestamp::parse).map(seconds) {
        None => doctor.ok("clock", "the server does not tell its time"),
        Some(ahead) if ahead.abs() < SAME_CLOCK => doctor.ok("clock", "as the server's"),
        Some(ahead) => {
            let way = if ahead > 0 { "behind" } else { "ahead of" };
            doctor.warn("clock", format!("{} s {way} the server's", ahead.abs()), "set one of them");
        }
    }
    if let Some(place) = place {
        let who = http.account().map_err(|error| match (to_error(error, &env.origin), place) {
            (error, Place::Variable(name)) => error.of_variable(name),
            (error, _) => error,
        });
        let name = |account: Option<crate::model::Account>| account.map_or("an account".into(), |one| one.user_id);
        doctor.note("account", who.map(|account| format!("signed in as {}", name(account))));
    }
}

fn cache(paths: &Paths, env: &Environment, doctor: &mut Doctor) -> Result<()> {
    let Some(store) = Store::look(&files(paths, &env.name))? else {
        doctor.warn("cache", "nothing was fetched yet", "anyt sync");
        return Ok(());
    };
    let rows = store.read_through()?;
    let now = Timestamp::now();
    let last = store.metadata("last_sync")?.and_then(|at| Timestamp::parse(&at));
    let synced = last.map_or("never synced".into(), |last| format!("synced {}", last.ago(now)));
    let whole = format!("{rows} rows, all can be read; {synced}");
    match last.filter(|last| last.age(now) < OLD) {
        Some(_) => doctor.ok("cache", whole),
        None => doctor.warn("cache", whole, "anyt sync"),
    }
    let waiting = store.waiting()?;
    let refused = waiting.iter().filter(|operation| matches!(operation.state, State::Rejected(_))).count();
    let queue = format!("{} {} queued, {refused} refused", waiting.len(), plural(waiting.len(), "change"));
    match (refused, store.is_copied()?) {
        (0, true) => doctor.ok("queue", queue),
        (0, false) => doctor.warn("queue", format!("{queue}; queue.jsonl differs"), "anyt sync settles it"),
        _ => doctor.warn("queue", queue, "anyt sync queue"),
    }
    match store.count_conflicts()? {
        0 => doctor.ok("conflicts", "none"),
        count => doctor.warn("conflicts", format!("{count} wait for a decision"), "anyt sync resolve"),
    }
    let (damaged, kept) = store.damaged_discarded()?;
    match store.log(1)?.into_iter().next() {
        Some(entry) if entry.errors > 0 => {
            let words = entry.detail.unwrap_or_default();
            doctor.warn(
                "log",
                format!(
                    "the last {} had {} {}: {words}",
                    entry.direction,
                    entry.errors,
                    plural(entry.errors.max(0) as usize, "error")
                ),
                "anyt sync",
            );
        }
        _ if damaged > 0 => {
            doctor.warn(
                "log",
                format!("{damaged} lines of {} cannot be read", kept.display()),
                "mend it with an editor",
            );
        }
        Some(entry) => doctor.ok("log", format!("the last {} went well", entry.direction)),
        None => doctor.ok("log", "empty"),
    }
    Ok(())
}

/// Whether the shell finds the completion script in one of the usual places. It may be sourced elsewhere.
fn completion(session: &Session, doctor: &mut Doctor) {
    let shell = std::env::var("SHELL").unwrap_or_default();
    let shell = shell.rsplit('/').next().unwrap_or_default();
    let script = match shell {
        "bash" => "bash-completion/completions/anyt",
        "zsh" => "zsh/site-functions/_anyt",
        "fish" => "fish/vendor_completions.d/anyt.fish",
        _ => return,
    };
    let own = session.vars.home.as_ref().map(|home| home.join(".local/share"));
    let places = ["/usr/local/share".into(), "/usr/share".into()].into_iter().chain(own);
    match places.map(|place| place.join(script)).find(|path| path.exists()) {
        Some(path) => doctor.ok("completion", path.display().to_string()),
        None => doctor.ok("completion", format!("none in the usual places; anyt completion {shell} prints it")),
    }
}

/// Git hooks of this directory's repository that call anyt.
fn hooks(doctor: &mut Doctor) {
    let here = std::env::current_dir().unwrap_or_default();
    let folder = here.ancestors().map(|at| at.join(".git/hooks")).find_map(|folder| std::fs::read_dir(folder).ok());
    let paths = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    // A pipe is never read to its end.
    for path in paths.filter(|path| path.is_file()) {
        let calls = std::fs::read_to_string(&path).is_ok_and(|script| script.contains("anyt "));
        let runs = std::fs::metadata(&path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0);
        match (calls, runs) {
            (false, _) => {}
            (true, true) => doctor.ok("hooks", format!("{} calls anyt", path.display())),
            (true, false) => {
                let path = path.display();
                doctor.warn("hooks", format!("{path} calls anyt and is not executable"), format!("chmod +x {path}"));
            }
        }
    }
}
