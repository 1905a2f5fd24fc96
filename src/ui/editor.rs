//! A manual edit in the person's own editor: a private file, the editor on it, the values back. What was typed is kept
//! when it cannot be used, and shown again at the next try; the editor sees no token.

use crate::model::Patch;
use crate::ui::conflict::Question;
use crate::ui::draft::Draft;
use crate::ui::interrupt;
use crate::vars::SECRETS;
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Bytes of the largest file that is read back.
const LARGEST: u64 = 1 << 24;

/// An editor, and the text that could not be used last time.
pub struct Editor {
    /// A command of the person's shell; `None` when there is none and `vi` would talk to nobody.
    command: Option<String>,
    /// The file as it was given out, and as it came back.
    unfinished: Option<(String, String)>,
}

impl Editor {
    /// `$VISUAL`, `$EDITOR`, `configured` (config.json), `vi`, in this order.
    pub fn new(configured: Option<&str>) -> Editor {
        let variable = |name| std::env::var(name).ok();
        let places = [variable("VISUAL"), variable("EDITOR"), configured.map(String::from)];
        let command = places.into_iter().flatten().find(|text| !text.trim().is_empty());
        let fallback = || isatty(stdin()).then(|| "vi".to_string());
        Editor { command: command.or_else(fallback), unfinished: None }
    }

    /// Lets a person settle `question`. A value for every one of its fields, or the reason why there is none.
    pub fn edit(&mut self, question: &Question<'_>) -> Result<Patch, String> {
        let Some(command) = &self.command else {
            return Err("there is no editor; set VISUAL or EDITOR".into());
        };
        let draft = Draft::new(question);
        let given = draft.text();
        let start = match &self.unfinished {
            Some((earlier, edited)) if *earlier == given => edited,
            _ => &given,
        };
        let folder = PrivateFolder::new().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
        let path = folder.0.join(file_name(question.identifier));
        write_private(&path, start).map_err(|error| format!("cannot write the temporary file: {error}"))?;
        run(command, &path)?;
        let edited = read_back(&path)?;
        let result = draft.read(&edited);
        self.unfinished = (result.is_err() && !edited.trim().is_empty()).then_some((given, edited));
        result
    }
}

/// Runs the editor as git does: straight when its name is only a name, through the shell when it has arguments.
/// Ctrl-C belongs to it while it runs, not to us and not to the shell between: an editor that uses it goes on, one
/// that dies of it is one that failed. The terminal is afterwards as it was.
fn run(command: &str, path: &Path) -> Result<(), String> {
    let mut editor = if command.contains(|c: char| "|&;<>()$`\\\"' \t\n*?[#~=%".contains(c)) {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("trap : INT; {command} \"$@\"")).arg(command);
        shell
    } else {
        Command::new(command)
    };
    editor.arg(path);
    SECRETS.iter().for_each(|name| {
        editor.env_remove(name);
    });
    if !isatty(stdin()) {
        // A pipe holds the answers to our questions, and may never end.
        editor.stdin(Stdio::null());
    }
    let terminal = tcgetattr(stdin());
    let status = interrupt::while_ignored(|| editor.status());
    if let Ok(before) = terminal {
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &before);
    }
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the editor {}", ending(status))),
        Err(error) => Err(format!("cannot start the editor `{command}`: {error}")),
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        // What a shell says of a command that it could not find.
        (Some(127), _) => "was not found".into(),
        // What a shell says of a command that a signal ended.
        (Some(code @ 129..), _) => format!("was ended by signal {}", code - 128),
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "did not end well".into(),
    }
}

fn read_back(path: &Path) -> Result<String, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("the editor removed the file".into()),
        Err(error) => return Err(format!("cannot read the edited file: {error}")),
    };
    let mut bytes = Vec::new();
    match file.take(LARGEST + 1).read_to_end(&mut bytes) {
        Ok(_) if bytes.len() as u64 > LARGEST => Err("the edited file is too large".into()),
        Ok(_) => String::from_utf8(bytes).map_err(|_| "the edited file is not UTF-8".into()),
        Err(error) => Err(format!("cannot read the edited file: {error}")),
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
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
        let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let path = std::env::temp_dir().join(format!("anyt-{random:016x}"));
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
    use crate::model::{Field, Value};
    use crate::ui::conflict::FieldDifference;
    use crate::ui::conflict::tests::question;

    /// The outcome of editing a status conflict with `script`, which has the file as `$1`.
    fn edited(script: &str) -> Result<Patch, String> {
        editor(script).edit(&question(&fields()))
    }

    fn editor(script: &str) -> Editor {
        Editor { command: Some(format!("sh -c '{script}' sh")), unfinished: None }
    }

    fn fields() -> [FieldDifference; 1] {
        let text = |text: &str| Value::Text(text.into());
        [FieldDifference { field: Field::Status, base: text("todo"), local: text("active"), remote: text("done") }]
    }

    #[test]
    fn an_edit_comes_back() {
        let patch = edited("echo status: blocked > \"$1\"").unwrap();
        assert_eq!(patch, Patch::from([(Field::Status, Value::Text("blocked".into()))]));
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
            ("echo status: no > \"$1\"", "`no` is no status"),
        ] {
            let told = edited(script).unwrap_err();
            assert!(told.contains(reason), "{script}: {told}");
        }
        let mut missing = Editor { command: Some("/nonexistent/editor".into()), unfinished: None };
        assert!(missing.edit(&question(&fields())).unwrap_err().starts_with("cannot start the editor"));
        missing.command = None;
        assert!(missing.edit(&question(&fields())).unwrap_err().contains("set VISUAL or EDITOR"));
    }

    #[test]
    fn unusable_text_is_shown_again() {
        let fields = fields();
        let question = question(&fields);
        let mut editor = editor("echo status: no > \"$1\"");
        editor.edit(&question).unwrap_err();
        editor.command = Some("sh -c 'sed -i s/no/done/ \"$1\"' sh".into());
        assert_eq!(editor.edit(&question), Ok(Patch::from([(Field::Status, Value::Text("done".into()))])));
        assert!(editor.unfinished.is_none());
    }

    #[test]
    fn the_file_is_private_and_goes() {
        let script = "test $(stat -c %a \"$1\") = 600 && test $(stat -c %a $(dirname \"$1\")) = 700 && exit 42";
        assert_eq!(edited(script).unwrap_err(), "the editor ended with exit code 42");
        let folder = PrivateFolder::new().unwrap();
        let path = folder.0.clone();
        write_private(&path.join("x"), "").unwrap();
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
