//! What every command starts from: the invocation, the terminal, the paths, and on demand the configuration, the
//! environment and the server. Nothing here is read before a command asks for it.

use super::chosen;
use super::context::files;
use super::restore::keep_text;
use crate::api::{Http, Options, Patience, Verbose};
use crate::cli::Invocation;
use crate::config::{Config, Environment, resolve_environment};
use crate::credentials::{Place, Vault};
use crate::directory::{Directory, Settings};
use crate::document::{object, text};
use crate::error::{Error, Result};
use crate::origin::is_same_server;
use crate::paths::Paths;
use crate::secret::Secret;
use crate::store::Store;
use crate::ui::{ColorChoice, Editor, Input, Output, OutputOptions};
use crate::vars::Vars;
use miniserde::json::Value;
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub struct Session<'a> {
    pub call: &'a Invocation,
    pub out: Output,
    pub input: Input,
    pub vars: Vars,
    /// What the command did, for the one document of `--json`. It may end with an error all the same.
    data: Option<Value>,
    /// An item of the list that the command answers, of which `--fields` takes the names where the list is empty.
    item: Option<Value>,
    /// The environment that the command itself has chosen, before any flag.
    pub chosen: Option<String>,
    variable: Option<&'static str>,
    /// The token that was read.
    secret: Option<Secret>,
    /// What config.json holds and what does not count; said at the end, once.
    faults: RefCell<Vec<String>>,
    /// The text that came on standard input: a command that fails keeps it.
    pub piped: RefCell<Option<String>>,
    /// So long the server has for all that it is asked, from when it is first asked for: somebody waits for something else.
    pub hurry: Option<Duration>,
}

/// How long a command is ready to try.
#[derive(Clone, Copy)]
pub enum Effort {
    /// A person waits, and the queue is there if it fails.
    Write,
    /// `anyt sync`: nobody is served by giving up early.
    Sync,
    /// Only to see whether somebody is there.
    Probe,
    /// To say what is the matter.
    Look,
}

/// Seconds one request may take unless `ANYT_TIMEOUT` says otherwise.
const TIMEOUT: u64 = 30;

impl<'a> Session<'a> {
    pub fn new(call: &'a Invocation) -> Result<Session<'a>> {
        let options = options(call);
        let input = Input::new(call.has("no-input"));
        Ok(Session {
            call,
            out: Output::new(options),
            input,
            vars: Vars::read()?,
            data: None,
            item: None,
            chosen: None,
            variable: None,
            secret: None,
            faults: RefCell::default(),
            piped: RefCell::new(None),
            hurry: None,
        })
    }

    pub fn paths(&self) -> Result<Paths> {
        Paths::from_vars(&self.vars)
    }

    pub fn config(&self) -> Result<Config> {
        let config = Config::load(&self.paths()?)?;
        self.faults.replace(config.faults.clone());
        Ok(config)
    }

    /// Somebody else says it.
    pub fn drop_faults(&mut self) {
        self.faults.take();
    }

    /// Says what of config.json does not count.
    pub fn say_faults(&mut self) -> Result<()> {
        self.faults.take().iter().try_for_each(|fault| self.out.warn(fault))
    }

    /// The environment of the command. A directory that is tied to a server chooses the environment with that server,
    /// where there is one and neither a flag nor a variable has chosen.
    pub fn environment(&self) -> Result<Environment> {
        let (env, url) = (self.chosen.as_deref().or(self.call.given("env")), self.call.given("api-url"));
        let config = self.config()?;
        let resolved = resolve_environment(&config, env, url, &self.vars);
        if env.or(url).or(self.vars.env.as_deref()).or(self.vars.api_url.as_deref()).is_some() {
            return resolved;
        }
        // A damaged file is for the commands that need it to complain about.
        let tied = self.directory().ok().flatten().and_then(|(_, settings)| settings.api_url);
        let Some(tied) = tied else { return resolved };
        if resolved.as_ref().is_ok_and(|env| is_same_server(&tied, &env.origin)) {
            return resolved;
        }
        match config.environments.iter().find(|known| is_same_server(&tied, &known.api_url)) {
            Some(known) => resolve_environment(&config, Some(&known.name), None, &self.vars),
            None => resolved,
        }
    }

    /// The directory's `.anyt/anyt.json`, if there is one at or above the current directory.
    pub fn directory(&self) -> Result<Option<(Directory, Settings)>> {
        let Some(directory) = Directory::find() else { return Ok(None) };
        Ok(directory.load()?.map(|settings| (directory, settings)))
    }

    /// The token for the command's environment. A passphrase may be asked for at a terminal, once.
    pub fn token(&mut self, env: &Environment) -> Result<Secret> {
        if let Some(secret) = &self.secret {
            return Ok(secret.clone());
        }
        let paths = self.paths()?;
        let found = self.with_vault(&paths, |vault| vault.find(env))?;
        for notice in found.notices {
            self.out.warn(&notice)?;
        }
        if let Place::Variable(name) = found.place {
            self.variable = Some(name);
        }
        self.secret = Some(found.secret.clone());
        Ok(found.secret)
    }

    /// Another token was stored.
    pub fn forget_token(&mut self) {
        self.secret = None;
    }

    /// `text` without the token that was read, and what the variables keep secret: a command that was run may print them.
    pub fn scrub(&self, text: &str) -> String {
        let text = self.vars.scrub(text.to_string());
        self.secret.as_ref().map_or_else(|| text.clone(), |secret| secret.scrub(&text))
    }

    /// The variable that the credential came from.
    pub fn variable(&self) -> Option<&'static str> {
        self.variable
    }

    /// Lends a vault that can ask for a passphrase, if somebody is there to be asked.
    pub fn with_vault<T>(&mut self, paths: &Paths, work: impl FnOnce(Vault) -> Result<T>) -> Result<T> {
        let asks = self.input.can_answer(&self.out);
        let terminal = RefCell::new((&mut self.input, &mut self.out));
        let ask = |prompt: &str| {
            let (input, out) = &mut *terminal.borrow_mut();
            input.secret(out, prompt)
        };
        let vault = if asks { Vault::asking(paths, &self.vars, &ask) } else { Vault::new(paths, &self.vars) };
        work(if self.call.has("no-cache") { vault } else { vault.keeping() })
    }

    /// The server of an environment, as the holder of `secret`. Opens no connection yet.
    pub fn http(&self, env: &Environment, secret: Option<Secret>, effort: Effort) -> Result<Http> {
        let timeout = timeout()?;
        let (timeout, tries, total) = match effort {
            Effort::Write => (timeout, 2, Duration::from_secs(2)),
            Effort::Sync => (timeout, 5, Duration::from_secs(60)),
            Effort::Probe => (timeout.min(Duration::from_secs(1)), 1, Duration::from_secs(1)),
            Effort::Look => (timeout.min(Duration::from_secs(5)), 1, Duration::from_secs(5)),
        };
        Http::new(Options {
            base_url: env.api_url.clone(),
            secret,
            allow_insecure_http: self.call.has("allow-insecure-http") || env.allows_clear_text(),
            ca_file: self.call.given("ca-file").map(PathBuf::from),
            timeout: self.hurry.map_or(timeout, |hurry| timeout.min(hurry)),
            patience: Patience { tries, total },
            until: self.hurry.map(|hurry| Instant::now() + hurry),
            verbose: self.verbose(),
        })
    }

    /// The person's editor. A text that it leaves and that cannot be used goes to discarded.jsonl at once, by a store of its
    /// own: the engine has the other one.
    pub fn editor(&self, env: &Environment) -> Result<Editor> {
        let files = files(&self.paths()?, &env.name);
        let keep = move |identifier: &str, text: &str| keep_text(&mut Store::open(&files)?, identifier, text);
        Ok(Editor::new(self.config()?.editor.as_deref(), Box::new(keep)))
    }

    /// `-v` lines about requests, on a writer of their own: the transport outlives any borrow of ours.
    fn verbose(&self) -> Option<Verbose> {
        (self.call.count("verbose") > 0).then(|| {
            let out = RefCell::new(Output::new(options(self.call)));
            Box::new(move |line: &str| drop(out.borrow_mut().detail(1, line))) as Verbose
        })
    }

    /// Prints an error once and gives its exit code; under `--json` it is a document too.
    pub fn fail(&mut self, error: Error) -> Result<u8> {
        if matches!(error, Error::ClosedPipe) {
            return Ok(0);
        }
        self.keep_piped();
        let error = match self.variable {
            Some(name) => error.of_variable(name),
            None => error,
        };
        if self.out.is_json() {
            let mut document = failed(&error);
            if let (Some(data), Value::Object(members)) = (self.data.take(), &mut document) {
                members.insert("data".into(), data);
            }
            let _ = self.out.json(&document);
            let _ = self.out.flush();
        }
        let _ = self.out.error(&error);
        Ok(error.exit_code())
    }

    /// Keeps the text that came on standard input and says where it is.
    fn keep_piped(&mut self) {
        let text = self.piped.take().filter(|text| !text.trim().is_empty());
        let Some(text) = text else { return };
        let kept = self.environment().and_then(|env| {
            let mut store = Store::open(&files(&self.paths()?, &env.name))?;
            keep_text(&mut store, self.call.arguments().first().map_or("a new task", String::as_str), &text)
        });
        if let Ok(command) = kept {
            let _ = self.out.warn(&format!("the text is kept: {command}"));
        }
    }

    /// Prints the document of `--json`, if the command made one.
    pub fn succeed(&mut self, code: u8) -> Result<u8> {
        let Some(mut data) = self.data.take() else {
            if self.out.is_json() && !self.call.has("jsonl") && !self.call.prints_text() {
                self.out.json(&object([("success", Value::Bool(true)), ("data", Value::Null)]))?;
            }
            return Ok(code);
        };
        let lines = self.call.has("jsonl");
        if lines {
            data = Value::Array(chosen::items(data).into_iter().collect());
        }
        if let Some(names) = self.call.items("fields") {
            data = chosen::members(data, &names, self.item.as_ref())?;
        }
        if let (true, Value::Array(items)) = (lines, &data) {
            items.iter().try_for_each(|item| self.out.json(item))?;
        } else {
            self.out.json(&object([("success", Value::Bool(true)), ("data", data)]))?;
        }
        Ok(code)
    }

    /// An item as the answered list would have it, for the names of `--fields`: an empty list cannot tell them.
    pub fn item(&mut self, make: impl FnOnce() -> Value) {
        self.item = self.call.has("fields").then(make);
    }

    /// The result as the document of `--json`, which is printed at the command's end, or printed as `print` does. What a
    /// command of several steps answers is one document.
    pub fn answer(
        &mut self,
        data: impl FnOnce() -> Value,
        print: impl FnOnce(&mut Output) -> Result<()>,
    ) -> Result<()> {
        if self.out.is_json() {
            self.data = Some(match (self.data.take(), data()) {
                (Some(Value::Object(mut earlier)), Value::Object(more)) => {
                    earlier.extend(more);
                    Value::Object(earlier)
                }
                (_, data) => data,
            });
            Ok(())
        } else {
            print(&mut self.out)
        }
    }
}

/// `--offline` of a write that only the server can do. `why`: a sentence.
pub fn refuse_offline(session: &Session, why: &str) -> Result<()> {
    match session.call.has("offline") {
        true => Err(Error::usage(format!("this cannot be queued: {why}")).hint("leave --offline out")),
        false => Ok(()),
    }
}

/// The document of a command that failed.
pub fn failed(error: &Error) -> Value {
    object([("success", Value::Bool(false)), ("error", error_to_json(error))])
}

pub fn error_to_json(error: &Error) -> Value {
    let advice = error.advice().map_or(Value::Null, text);
    object([("code", text(error.code())), ("message", text(error.to_string())), ("hint", advice)])
}

fn options(call: &Invocation) -> OutputOptions {
    OutputOptions {
        quiet: call.has("quiet"),
        json: ["json", "jsonl", "fields"].iter().any(|flag| call.has(flag)),
        color: match call.value("color") {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        },
        verbose: u8::try_from(call.count("verbose")).unwrap_or(u8::MAX),
    }
}

fn timeout() -> Result<Duration> {
    let Ok(given) = std::env::var("ANYT_TIMEOUT") else { return Ok(Duration::from_secs(TIMEOUT)) };
    match given.parse::<u64>() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::usage(format!("ANYT_TIMEOUT is '{given}'")).hint("give seconds, from 1 to 3600")),
    }
}
