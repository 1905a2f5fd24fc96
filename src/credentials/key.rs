//! What opens the encrypted files. The first source that is there decides; one that is there and fails is an error and
//! never a reason to try the next, for a person who named a passphrase must not end with the weaker key.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::paths::{Paths, create_private_dir};
use crate::replace::{clear_leftovers, replace};
use crate::vars::Vars;

use super::Secret;
use super::guard::{self, Guard};
use super::seal::{self, Header, Key};
use super::session_keyring;

/// How often a passphrase may be typed.
const PASSPHRASE_TRIES: usize = 3;

/// Asks a person at a terminal, without echo; `None` at the end of input.
pub type Ask<'a> = &'a dyn Fn(&str) -> Result<Option<Secret>>;

/// Where the key of an encrypted file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `$CREDENTIALS_DIRECTORY/anyt.key`.
    Systemd(PathBuf),
    /// `ANYT_PASSPHRASE_FILE`.
    PassphraseFile(PathBuf),
    /// `ANYT_PASSPHRASE`.
    Passphrase,
    Prompt,
    /// The random key in the state folder.
    KeyFile(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::Systemd(path) => write!(f, "systemd ({})", path.display()),
            KeySource::PassphraseFile(_) => f.write_str("ANYT_PASSPHRASE_FILE"),
            KeySource::Passphrase => f.write_str("ANYT_PASSPHRASE"),
            KeySource::Prompt => f.write_str("a passphrase"),
            KeySource::KeyFile(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The sources of one process.
pub struct Keys<'a> {
    vars: &'a Vars,
    paths: &'a Paths,
    ask: Option<Ask<'a>>,
    /// What a person has typed already, here or for an earlier command: nobody is asked twice.
    typed: RefCell<Option<Secret>>,
    /// How often what was typed did not open it.
    mistyped: Cell<usize>,
    session: Cell<InSession>,
}

/// The passphrase that the session keyring keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InSession {
    /// Neither looked for nor kept.
    Off,
    Untried,
    InUse,
    /// It did not open it.
    Useless,
}

impl<'a> Keys<'a> {
    pub fn new(vars: &'a Vars, paths: &'a Paths, ask: Option<Ask<'a>>) -> Keys<'a> {
        Keys { vars, paths, ask, typed: RefCell::new(None), mistyped: Cell::new(0), session: Cell::new(InSession::Off) }
    }

    /// A passphrase that is typed is kept for the next commands of the login session.
    pub fn keeping(self) -> Keys<'a> {
        Keys { session: Cell::new(InSession::Untried), ..self }
    }

    /// The key for a file that exists, which has this header.
    pub fn to_open(&self, file: &Path, header: &Header) -> Result<(KeySource, Key)> {
        if let Some(explicit) = self.explicit()? {
            return Ok(explicit);
        }
        if header.passphrase {
            return self.typed_passphrase(file);
        }
        let path = self.paths.key_file();
        match read_key(&path)? {
            Some(key) => Ok((KeySource::KeyFile(path), key)),
            None => Err(Error::sign_in(format!("the key of the encrypted token is missing: {}", path.display()))
                .hint("restore it, or: anyt auth logout, then anyt auth login")),
        }
    }

    /// Where the key of a file would come from, as far as that can be told without asking or reading anything.
    pub fn source_for(&self, header: &Header) -> KeySource {
        match self.explicit_source() {
            _ if !header.passphrase => KeySource::KeyFile(self.paths.key_file()),
            Some(source) => source,
            None => KeySource::Prompt,
        }
    }

    /// A passphrase is given that does not open a file which the random key has sealed.
    pub fn is_mismatched(&self, header: &Header) -> bool {
        !header.passphrase && self.explicit_source().is_some()
    }

    /// The key for a new file. Makes the random key if it comes to that. Only under the lock of the credentials folder.
    pub fn to_seal(&self) -> Result<(KeySource, Key)> {
        if let Some(explicit) = self.explicit()? {
            return Ok(explicit);
        }
        match self.new_passphrase()? {
            Some(passphrase) => Ok((KeySource::Prompt, passphrase)),
            None => Ok((KeySource::KeyFile(self.paths.key_file()), self.random_key()?)),
        }
    }

    /// A folder of systemd's that cannot be looked into is a source that fails; only one without the file is none.
    fn explicit_source(&self) -> Option<KeySource> {
        let systemd = self.vars.credentials_directory.as_ref().map(|folder| folder.join("anyt.key"));
        let missing = |path: &PathBuf| {
            std::fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        };
        if let Some(path) = systemd.filter(|path| !missing(path)) {
            return Some(KeySource::Systemd(path));
        }
        match &self.vars.passphrase_file {
            Some(path) => Some(KeySource::PassphraseFile(path.clone())),
            None => self.vars.passphrase.as_ref().map(|_| KeySource::Passphrase),
        }
    }

    fn explicit(&self) -> Result<Option<(KeySource, Key)>> {
        let Some(source) = self.explicit_source() else { return Ok(None) };
        let passphrase = match &source {
            KeySource::Systemd(path) => from_file(path, Guard::Systemd, "anyt.key")?,
            KeySource::PassphraseFile(path) => from_file(path, Guard::Key, "ANYT_PASSPHRASE_FILE")?,
            _ => self.vars.passphrase.as_ref().map(|secret| secret.expose().as_bytes().to_vec()).unwrap_or_default(),
        };
        Ok(Some((source, Key::Passphrase(passphrase))))
    }

    fn typed_passphrase(&self, file: &Path) -> Result<(KeySource, Key)> {
        let needed = || {
            Error::sign_in("the token is in an encrypted file that needs its passphrase")
                .hint("set ANYT_PASSPHRASE_FILE, or run anyt in a terminal")
        };
        let remembered = self.typed.borrow().clone().or_else(|| self.of_session(file));
        let typed = match (remembered, self.ask) {
            (Some(typed), _) => typed,
            (None, Some(ask)) if self.mistyped.get() > 0 => {
                ask("Wrong passphrase; type it again: ")?.ok_or_else(needed)?
            }
            (None, Some(ask)) => ask("Passphrase of the encrypted token: ")?.ok_or_else(needed)?,
            (None, None) => return Err(needed()),
        };
        let key = Key::Passphrase(typed.expose().as_bytes().to_vec());
        *self.typed.borrow_mut() = Some(typed);
        Ok((KeySource::Prompt, key))
    }

    fn of_session(&self, file: &Path) -> Option<Secret> {
        let kept = (self.session.get() == InSession::Untried).then(|| session_keyring::get(file))??;
        self.session.set(InSession::InUse);
        Some(kept)
    }

    /// The passphrase that was typed opens it.
    pub(super) fn keep_typed(&self, file: &Path) {
        // A logout may have removed it while somebody typed.
        let is_kept = self.session.get() != InSession::Off && file.exists();
        if let (Some(typed), true) = (&*self.typed.borrow(), is_kept) {
            session_keyring::put(file, typed);
        }
    }

    /// The passphrase that was typed, now or for an earlier command, does not open it. Whether the next one is asked for.
    pub(super) fn forget_typed(&self, file: &Path) -> bool {
        self.typed.borrow_mut().take();
        if self.session.get() == InSession::InUse {
            self.session.set(InSession::Useless);
            session_keyring::forget(file);
        } else {
            self.mistyped.set(self.mistyped.get() + 1);
        }
        self.mistyped.get() < PASSPHRASE_TRIES
    }

    /// A new passphrase, typed twice; `None` if there is nobody to ask or they want none. Two that differ are asked for again.
    fn new_passphrase(&self) -> Result<Option<Key>> {
        let Some(ask) = self.ask else { return Ok(None) };
        let mut prompt = "New passphrase for the encrypted token (empty: keep a random key in a file): ";
        let mut tries = 0;
        let first = loop {
            let Some(first) = ask(prompt)?.filter(|typed| !typed.expose().is_empty()) else { return Ok(None) };
            match ask("Repeat passphrase: ")? {
                Some(second) if second == first => break first,
                Some(_) if tries < 2 => tries += 1,
                _ => return Err(Error::usage("the two passphrases differ").hint("nothing was changed; try again")),
            }
            prompt = "The two differ. New passphrase (empty: keep a random key in a file): ";
        };
        let key = Key::Passphrase(first.expose().as_bytes().to_vec());
        *self.typed.borrow_mut() = Some(first);
        Ok(Some(key))
    }

    /// The random key, made at the first need. Never while a file exists that another one has sealed.
    fn random_key(&self) -> Result<Key> {
        let path = self.paths.key_file();
        if let Some(key) = read_key(&path)? {
            return Ok(key);
        }
        if let Some(orphan) = sealed_with_random_key(&self.paths.credentials_dir()) {
            let message = format!("the key {} is missing, and {} needs it", path.display(), orphan.display());
            return Err(Error::sign_in(message).hint("restore the key, or remove that file; no new key was made"));
        }
        if let Some(folder) = path.parent() {
            create_private_dir(folder)?;
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| Error::failure("the system gives no random numbers"))?;
        clear_leftovers(&path);
        replace(&path, &bytes)?;
        read_key(&path)?.ok_or_else(|| Error::failure(format!("{} did not stay", path.display())))
    }
}

/// The random key, if it is there.
fn read_key(path: &Path) -> Result<Option<Key>> {
    let Some(bytes) = guard::read(path, Guard::Key)? else { return Ok(None) };
    match <[u8; 32]>::try_from(bytes) {
        Ok(bytes) => Ok(Some(Key::Random(bytes))),
        Err(_) => Err(Error::sign_in(format!("{} is not a key of 32 bytes", path.display()))
            .hint("restore it from a backup; it was left alone")),
    }
}

/// A passphrase from a file, one line end taken off.
fn from_file(path: &Path, guard: Guard, name: &str) -> Result<Vec<u8>> {
    let Some(mut content) = guard::read(path, guard)? else {
        return Err(Error::sign_in(format!("there is no file {}", path.display())).hint(format!("{name} names it")));
    };
    // Written by an editor, on this system or another.
    if content.last() == Some(&b'\n') {
        content.pop();
        content.pop_if(|last| *last == b'\r');
    }
    match content.is_empty() {
        true => Err(Error::sign_in(format!("{} is empty", path.display())).hint(format!("{name} names it"))),
        false => Ok(content),
    }
}

/// A ciphertext that only the random key opens, or that cannot be told to be another.
fn sealed_with_random_key(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let mut sealed = files.filter(|path| path.extension().is_some_and(|extension| extension == "cred"));
    sealed.find(|path| match guard::read(path, Guard::Ciphertext) {
        Ok(Some(bytes)) => !seal::header(&bytes).is_ok_and(|header| header.passphrase),
        Ok(None) => false,
        Err(_) => true,
    })
}
