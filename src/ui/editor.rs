//! A manual edit in the person's own editor: a private file, the editor on it, the values back. What was typed is never
//! lost: a text that cannot be used is kept at once, and shown again at the next try.

use crate::model::Patch;
use crate::sync::report::Question;
use crate::ui::draft::Draft;
use crate::ui::launch;
use rustix::fs::{Mode, OFlags};
use rustix::stdio::stdin;
use rustix::termios::isatty;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const NO_EDITOR: &str = "there is no editor; set VISUAL or EDITOR";

/// Bytes of the largest file that is read back.
const LARGEST: u64 = 1 << 24;

/// Writes down a text that could not be used, where it survives this process: the name of the row it is about, the text.
/// Gives words that say where it is.
pub type Keep = Box<dyn FnMut(&str, &str) -> crate::error::Result<String>>;

/// An editor, and the text that could not be used last time.
pub struct Editor {
    /// A command of the person's shell; `None` when there is none and `vi` would talk to nobody.
    command: Option<String>,
    keep: Keep,
    unfinished: Option<Unfinished>,
}

/// Whether the editor ended well, and what the file holds then.
type Ran = (Result<(), String>, Result<Vec<u8>, String>);

struct Unfinished {
    /// The file as it was given out.
    given: String,
    /// As it will be shown again.
    edited: String,
    /// Where it was kept, in words.
    place: String,
}

impl Editor {
    /// `$VISUAL`, `$EDITOR`, `configured` (config.json), `vi`, in this order.
    pub fn new(configured: Option<&str>, keep: Keep) -> Editor {
        let variable = |name| std::env::var(name).ok();
        let places = [variable("VISUAL"), variable("EDITOR"), configured.map(String::from)];
        let command = places.into_iter().flatten().find(|text| !text.trim().is_empty());
        let fallback = || isatty(stdin()).then(|| "vi".to_string());
        Editor { command: command.or_else(fallback), keep, unfinished: None }
    }

    /// Lets a person settle `question`. A value for every one of its fields, or the reason why there is none, and where
    /// the text is that was typed.
    pub fn edit(&mut self, question: &Question<'_>) -> Result<Patch, String> {
        if self.command.is_none() {
            return Err(NO_EDITOR.into());
        }
        let draft = Draft::new(question);
        let given = draft.text();
        let earlier = self.unfinished.take().filter(|unfinished| unfinished.given == given);
        let start = earlier.as_ref().map_or(&given, |earlier| &earlier.edited);
        let (ran, edited) = self.run_on(question.identifier, start)?;
        let used = match (&ran, &edited) {
            (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
            (Ok(()), Ok(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => draft.read(text),
                Err(_) => Err("the edited file is not UTF-8".into()),
            },
        };
        match (used, edited) {
            (Err(reason), Ok(bytes)) if is_typed(&bytes, &given) => {
                let edited = draft.readable(bytes);
                let place = match earlier.filter(|earlier| earlier.edited == edited) {
                    Some(earlier) => earlier.place,
                    None => self.keep(question.identifier, &edited),
                };
                let reason = format!("{reason}; {place}");
                self.unfinished = Some(Unfinished { edited, given, place });
                Err(reason)
            }
            // The file is gone, or the editor failed over it: that is no decision about what was typed before.
            (Err(reason), edited) if ran.is_err() || edited.is_err() => {
                self.unfinished = earlier;
                Err(reason)
            }
            (used, _) => used,
        }
    }

    /// Lets a person write a text about `identifier`, beginning with `start`. The text, or the reason why there is none.
    pub fn write(&mut self, identifier: &str, start: &str) -> Result<String, String> {
        let (ran, edited) = self.run_on(identifier, start)?;
        let bytes = edited?;
        let text = match (ran, String::from_utf8(bytes)) {
            (Ok(()), Ok(text)) => text,
            (ran, text) => {
                let reason = ran.err().unwrap_or_else(|| "the edited file is not UTF-8".into());
                let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
                if !is_typed(&bytes, start) {
                    return Err(reason);
                }
                let place = self.keep(identifier, &String::from_utf8_lossy(&bytes));
                return Err(format!("{reason}; {place}"));
            }
        };
        Ok(text.trim_end().to_string())
    }

    /// Runs the editor on a private file with this text.
    fn run_on(&self, identifier: &str, start: &str) -> Result<Ran, String> {
        let Some(command) = &self.command else {
            return Err(NO_EDITOR.into());
        };
        let folder = PrivateFolder::new().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let path = folder.0.join(file_name(identifier));
        write_private(&path, start.as_bytes()).map_err(|error| format!("cannot write the temporary file: {error}"))?;
        let ran = match launch::run(command, &path) {
            Ok(Some(())) => Ok(()),
            Ok(None) => {
                std::mem::forget(folder);
                return Err(format!("the editor was asked to end and still has {}", path.display()));
            }
            Err(reason) => Err(reason),
        };
        let edited = read_back(&path);
        Ok((ran, edited))
    }

    fn keep(&mut self, identifier: &str, text: &str) -> String {
        match (self.keep)(identifier, text) {
            Ok(place) => format!("what was typed is kept: {place}"),
            Err(error) => format!("what was typed cannot be kept: {error}"),
        }
    }
}

/// Somebody has written something: an empty file and one that is as it was given out hold nothing to keep.
fn is_typed(edited: &[u8], given: &str) -> bool {
    !edited.trim_ascii().is_empty() && edited != given.as_bytes()
}

fn read_back(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("cannot read the edited file: {error}");
    // Without blocking: what stands there now may be a FIFO that nobody writes to.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from) {
        Ok(file) => File::from(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("the editor removed the file".into()),
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err("cannot read the edited file: it is no file any more".into());
    }
    let mut bytes = Vec::new();
    match file.take(LARGEST + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > LARGEST => Err("the edited file is too large".into()),
        Ok(_) => Ok(bytes),
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

fn random() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

/// `DEV-42.md`: a name that an editor may show, whatever a server calls the task.
fn file_name(identifier: &str) -> String {
    let name: String = identifier.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    format!("{}.md", if name.trim_matches('-').is_empty() { "task" } else { name.trim_matches('-') })
}

/// A folder of mode 0700 that is gone, with what editors left in it, when this is dropped.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    fn new() -> io::Result<PrivateFolder> {
        let path = std::env::temp_dir().join(format!("anyt-{:016x}", random()?));
        // Fails when anything of that name is there already.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateFolder(path))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;
    use crate::model::task::STATUS;
    use crate::sync::relate::Difference;
    use crate::ui::conflict::tests::question;
    use std::cell::RefCell;
    use std::rc::Rc;

    type Kept = Rc<RefCell<Vec<String>>>;

    /// An editor that is `script`, which has the file as `$1`, and what it keeps.
    fn editor(script: &str) -> (Editor, Kept) {
        let kept = Kept::default();
        let keeper = kept.clone();
        let keep: Keep = Box::new(move |name, text| {
            keeper.borrow_mut().push(text.to_string());
            Ok(format!("no. {} of {name}", keeper.borrow().len()))
        });
        (Editor { command: Some(format!("sh -c '{script}' sh")), keep, unfinished: None }, kept)
    }

    /// The outcome of editing a status conflict.
    fn edited(script: &str) -> Result<Patch, String> {
        editor(script).0.edit(&question(&fields()))
    }

    fn fields() -> [Difference; 1] {
        let text = |text: &str| Value::Text(text.into());
        [Difference { field: STATUS, base: text("todo"), local: text("active"), remote: text("done") }]
    }

    #[test]
    fn an_edit_comes_back() {
        let patch = edited("echo status: blocked > \"$1\"").unwrap();
        assert_eq!(patch, Patch::from([(STATUS, Value::Text("blocked".into()))]));
    }

    #[test]
    fn an_editor_that_fails_says_so() {
        for (script, reason) in [
            ("exit 3", "the editor ended with exit code 3"),
            ("kill -KILL $$", "signal 9"),
            ("rm \"$1\"", "the editor removed the file"),
            (": > \"$1\"", "the file is empty"),
            (":", "nothing was changed"),
            ("printf \"status: \\377\" > \"$1\"", "not UTF-8"),
            ("rm \"$1\"; mkfifo \"$1\"", "it is no file any more"),
            ("echo status: no > \"$1\"", "`no` is no status"),
        ] {
            let told = edited(script).unwrap_err();
            assert!(told.contains(reason), "{script}: {told}");
        }
        let (mut missing, _folder) = editor("");
        missing.command = Some("/nonexistent/editor".into());
        assert!(missing.edit(&question(&fields())).unwrap_err().starts_with("cannot start the editor"));
        missing.command = None;
        assert!(missing.edit(&question(&fields())).unwrap_err().contains("set VISUAL or EDITOR"));
    }

    /// Whyever a text could not be used, it is kept, once, and what the next try begins with.
    #[test]
    fn unusable_text_is_shown_again_and_kept() {
        let fields = fields();
        let question = question(&fields);
        for script in [
            "echo status: no > \"$1\"",
            "echo status: no > \"$1\"; exit 3",
            "echo status: no > \"$1\"; kill -KILL $$",
            "printf \"status: no\\n#: caf\\351\\n\" > \"$1\"",
        ] {
            let (mut editor, kept) = editor(script);
            let reason = editor.edit(&question).unwrap_err();
            assert!(reason.ends_with("; what was typed is kept: no. 1 of DEV-42"), "{reason}");
            assert!(kept.borrow().len() == 1 && kept.borrow()[0].contains("status: no\n"), "{kept:?}");
            // An editor that fails over the file says nothing about what was typed before.
            editor.command = Some("sh -c 'rm \"$1\"' sh".into());
            editor.edit(&question).unwrap_err();
            editor.command = Some("true".into());
            editor.edit(&question).unwrap_err();
            assert_eq!(kept.borrow().len(), 1, "the same text again");
            editor.command = Some("sed -i -e s/no/done/ -e /caf/d -e /UTF/d".into());
            assert_eq!(editor.edit(&question), Ok(Patch::from([(STATUS, Value::Text("done".into()))])));
            assert!(editor.unfinished.is_none());
        }
    }

    #[test]
    fn what_nobody_typed_is_not_kept() {
        let fields = fields();
        for script in ["exit 3", ":", ": > \"$1\"", "rm \"$1\""] {
            let (mut editor, kept) = editor(script);
            editor.edit(&question(&fields)).unwrap_err();
            assert!(editor.unfinished.is_none() && kept.borrow().is_empty(), "{script}");
        }
    }

    #[test]
    fn the_file_is_private_and_goes() {
        let script = "test $(stat -c %a \"$1\") = 600 && test $(stat -c %a $(dirname \"$1\")) = 700 && exit 42";
        assert_eq!(edited(script).unwrap_err(), "the editor ended with exit code 42");
        let folder = PrivateFolder::new().unwrap();
        let path = folder.0.clone();
        write_private(&path.join("x"), b"").unwrap();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_name_for_a_file_is_harmless() {
        assert_eq!(file_name("DEV-42"), "DEV-42.md");
        assert_eq!(file_name("../../etc/passwd"), "etcpasswd.md");
        assert_eq!(file_name("--"), "task.md");
    }
}
