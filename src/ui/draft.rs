//! The file of a manual edit, as text: one block for each field with both versions between conflict markers, and the
//! way back to values. It knows no file and no editor.
//!
//! Long text stands there as it is, byte for byte, and so it is read back. Remote text cannot forge a block: lines of ours begin with a sign that begins no line of any value (`#:`, longer
//! if need be), and a value that was left as it was shown is taken from the question, not from the file.

use crate::lines::{self, Piece};
use crate::model::{Field, Patch, Value};
use crate::names::shown;
use crate::sync::relate::Difference;
use crate::sync::report::Question;
use crate::ui::difference::prose;
use crate::ui::{sanitise, typed};
use std::borrow::Cow;

const OURS: &str = "<<<<<<< local";
const BASE: &str = "||||||| before";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>> remote";

/// A question as a file, and what is needed to read it back.
pub(super) struct Draft<'a> {
    question: &'a Question<'a>,
    sign: String,
}

impl<'a> Draft<'a> {
    pub fn new(question: &'a Question<'a>) -> Draft<'a> {
        let values = question.differences.iter().flat_map(|f| [&f.base, &f.local, &f.remote]);
        let signs = |value| prose(value).lines().map(hashes).max().unwrap_or(0);
        let sign = "#".repeat(values.map(signs).max().unwrap_or(0) + 1) + ":";
        Draft { question, sign }
    }

    /// The text to edit.
    pub fn text(&self) -> String {
        let (sign, question) = (&self.sign, self.question);
        let task = sanitise::line(question.identifier);
        // Not every kind of thing has versions.
        let has_versions = question.local_version > 0;
        let version = |number: i64| if has_versions { format!(" (version {number})") } else { String::new() };
        let (local, remote) = (version(question.local_version), version(question.remote_version));
        let what = if self.has_marks() {
            format!(
                "{sign} Where both sides differ, both stand between the marks <<<<<<< and >>>>>>>. Keep the lines you\n\
                 {sign} want, delete the rest and the marks, save, and leave the editor. An empty file changes nothing.\n"
            )
        } else {
            format!(
                "{sign} Both changes fit into what stands below. Leave it as it is or change it, save, and leave the\n\
                 {sign} editor. An empty file changes nothing.\n"
            )
        };
        let mut text = format!(
            "{sign} {task} was changed here{local} and on the server{remote}.\n{what}\
             {sign} Lines that begin with {sign} stay as they are or go; those around long text must stay.\n"
        );
        for difference in question.differences {
            text.push('\n');
            text.push_str(&if difference.field.is_prose() {
                self.prose_block(difference)
            } else {
                self.block(difference)
            });
        }
        text
    }

    /// An edited file as it can be shown again. What is not UTF-8 in it becomes `\u{fffd}`, and a line says so.
    pub fn readable(&self, edited: Vec<u8>) -> String {
        String::from_utf8(edited).unwrap_or_else(|error| {
            let text = String::from_utf8_lossy(error.as_bytes());
            format!("{} This was not UTF-8. Write anew what stands here as \u{fffd}.\n{text}", self.sign)
        })
    }

    /// Something is left to decide in the file. Where nothing is overwritten without being asked about (`--no-merge`), two
    /// changes of a long text may well fit into one.
    fn has_marks(&self) -> bool {
        let is_dispute = |piece: &Piece| matches!(piece, Piece::Dispute { .. });
        self.question
            .differences
            .iter()
            .any(|difference| !difference.field.is_prose() || merge(difference).iter().any(is_dispute))
    }

    /// The values that the edited text says, one for every field of the question, or why it does not say them.
    pub fn read(&self, edited: &str) -> Result<Patch, String> {
        let given = self.text();
        let edited = with_line_ends_of(&given, edited.strip_prefix('\u{feff}').unwrap_or(edited));
        if edited.trim().is_empty() {
            return Err("the file is empty".into());
        }
        if self.has_marks() && edited == given {
            return Err("nothing was changed".into());
        }
        self.refuse_markers(&edited)?;
        self.refuse_unreadable(&edited)?;
        let mut patch = Patch::new();
        let mut lines = edited.split_inclusive('\n').enumerate();
        while let Some((at, line)) = lines.next() {
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(difference) = self.question.differences.iter().find(|one| line == self.begin(one.field)) {
                let end = self.end(difference.field);
                let mut body = String::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line.trim_end_matches(['\r', '\n']) == end => break,
                        Some((_, line)) => body.push_str(line),
                        None => return Err(format!("the line `{end}` is gone")),
                    }
                }
                insert(&mut patch, difference, read_prose(difference, &body))?;
            } else if !line.trim().is_empty() && !line.starts_with(&self.sign) {
                let read = self.read_line(line).and_then(|(difference, value)| insert(&mut patch, difference, value));
                read.map_err(|why| format!("line {}: {why}", at + 1))?;
            }
        }
        match self.question.differences.iter().find(|one| !patch.contains_key(&one.field)) {
            Some(missing) => Err(format!("{} is gone", missing.field.word)),
            None => Ok(patch),
        }
    }

    fn begin(&self, field: Field) -> String {
        format!("{} begin {}", self.sign, field.word)
    }

    fn end(&self, field: Field) -> String {
        format!("{} end {}", self.sign, field.word)
    }

    fn block(&self, difference: &Difference) -> String {
        let line = |value| self.line(difference.field, value);
        let before = sanitise::line(&shown(difference.field, &difference.base, self.question.names)).into_owned();
        format!(
            "{} {} was {before} before\n{OURS}\n{}\n{MIDDLE}\n{}\n{THEIRS}\n",
            self.sign,
            difference.field.word,
            line(&difference.local),
            line(&difference.remote),
        )
    }

    fn prose_block(&self, difference: &Difference) -> String {
        let marked = |piece| match piece {
            Piece::Agreed(text) => text,
            Piece::Dispute { base, local, remote } => {
                format!("{OURS}\n{local}{BASE}\n{base}{MIDDLE}\n{remote}{THEIRS}\n")
            }
        };
        let merged: String = merge(difference).into_iter().map(marked).collect();
        format!("{}\n{merged}{}\n", self.begin(difference.field), self.end(difference.field))
    }

    /// A marker line is left over unless one of the versions has that very line, as a Markdown heading may.
    fn refuse_markers(&self, edited: &str) -> Result<(), String> {
        let own = |marker: &str| {
            let values = self.question.differences.iter().flat_map(|f| [&f.base, &f.local, &f.remote]);
            values.map(prose).any(|text| text.lines().any(|line| line == marker))
        };
        for marker in [OURS, BASE, MIDDLE, THEIRS] {
            if !own(marker)
                && let Some(at) = edited.lines().position(|line| line == marker)
            {
                return Err(format!("line {}: the mark `{marker}` is still there", at + 1));
            }
        }
        Ok(())
    }

    /// A character that could not be read is not sent as what it was not.
    fn refuse_unreadable(&self, edited: &str) -> Result<(), String> {
        let values = || self.question.differences.iter().flat_map(|f| [&f.base, &f.local, &f.remote]);
        let is_unread = |line: &str| line.contains('\u{fffd}') && !line.starts_with(&self.sign);
        match edited.lines().position(is_unread) {
            Some(at) if !values().any(|value| value.to_string().contains('\u{fffd}')) => {
                Err(format!("line {}: `\u{fffd}` stands for something that was not UTF-8", at + 1))
            }
            _ => Ok(()),
        }
    }

    fn read_line(&self, line: &str) -> Result<(&'a Difference, Value), String> {
        let word = line.split(':').next().unwrap_or(line);
        let Some(difference) = self.question.differences.iter().find(|f| !f.field.is_prose() && f.field.word == word)
        else {
            return Err(format!("`{line}` is no field of this conflict"));
        };
        let sides = [&difference.local, &difference.remote, &difference.base];
        let value = match sides.into_iter().find(|side| line == self.line(difference.field, side)) {
            Some(side) => side.clone(),
            None => {
                let given = line[word.len()..].trim_start_matches(':').trim();
                typed::value(difference, given, self.question.names)?
            }
        };
        Ok((difference, value))
    }

    /// A field that is no prose as its line of the file.
    fn line(&self, field: Field, value: &Value) -> String {
        format!("{}: {}", field.word, sanitise::line(&shown(field, value, self.question.names)))
    }
}

/// How many `#` stand before a `:` at the beginning of a line.
fn hashes(line: &str) -> usize {
    let rest = line.trim_start_matches('#');
    if rest.starts_with(':') { line.len() - rest.len() } else { 0 }
}

fn insert(patch: &mut Patch, difference: &Difference, value: Value) -> Result<(), String> {
    typed::refuse_unsendable(difference, &value)?;
    match patch.insert(difference.field, value) {
        None => Ok(()),
        Some(_) => Err(format!("{} is there twice", difference.field.word)),
    }
}

/// The line-wise merge of what is shown.
fn merge(difference: &Difference) -> Vec<Piece> {
    let [base, local, remote] = [&difference.base, &difference.local, &difference.remote].map(prose);
    lines::merge(&base, &local, &remote)
}

fn read_prose(difference: &Difference, body: &str) -> Value {
    let Difference { local, remote, .. } = difference;
    if let Some(side) = [local, remote].into_iter().find(|side| body == prose(side)) {
        return side.clone();
    }
    // The line end that `prose` gives the last line.
    let text = body.strip_suffix('\n').unwrap_or(body);
    if text.is_empty() { Value::Null } else { Value::Text(text.to_string()) }
}

/// Some editors write every line end as `\r\n`. Where the file that was given out had a plain one, that is no change.
pub(super) fn with_line_ends_of<'a>(given: &str, edited: &'a str) -> Cow<'a, str> {
    let plain = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
    if plain(given) > 0 && plain(edited) == 0 { edited.replace("\r\n", "\n").into() } else { edited.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{DESCRIPTION, PARENT, STATUS, TITLE};
    use crate::ui::conflict::tests::question;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn differs(field: Field, base: Value, local: Value, remote: Value) -> Difference {
        Difference { field, base, local, remote }
    }

    fn fields() -> Vec<Difference> {
        vec![
            differs(STATUS, text("todo"), text("active"), text("done")),
            differs(DESCRIPTION, text("a\nb\nc"), text("a\nB1\nc"), text("a\nB2\nc")),
        ]
    }

    /// As a person would: one side between all markers, with the markers gone.
    fn keep(side: &str, text: &str) -> String {
        let mut within = "";
        let mut kept = String::new();
        for line in text.lines() {
            match line {
                OURS => within = "local",
                BASE => within = "before",
                MIDDLE => within = "remote",
                THEIRS => within = "",
                line if within.is_empty() || within == side => kept.extend([line, "\n"]),
                _ => {}
            }
        }
        kept
    }

    #[test]
    fn shows_both_versions_and_reads_back_the_chosen_one() {
        let fields = fields();
        let question = question(&fields);
        let draft = Draft::new(&question);
        let file = draft.text();
        assert!(file.contains(
            "\n#: status was todo before\n<<<<<<< local\nstatus: active\n=======\nstatus: done\n>>>>>>> remote\n"
        ));
        assert!(file.contains(
            "#: begin description\na\n<<<<<<< local\nB1\n||||||| before\nb\n=======\nB2\n>>>>>>> remote\nc\n#: end description\n"
        ), "{file}");
        let local = Patch::from([(STATUS, text("active")), (DESCRIPTION, text("a\nB1\nc"))]);
        let remote = Patch::from([(STATUS, text("done")), (DESCRIPTION, text("a\nB2\nc"))]);
        assert_eq!(draft.read(&keep("local", &file)), Ok(local));
        assert_eq!(draft.read(&keep("remote", &file).replace('\n', "\r\n")), Ok(remote));
        let third = keep("local", &file).replace("status: active", "status:blocked").replace("B1", "B1\n# B2");
        let expected = Patch::from([(STATUS, text("blocked")), (DESCRIPTION, text("a\nB1\n# B2\nc"))]);
        assert_eq!(draft.read(&third), Ok(expected));
    }

    #[test]
    fn says_what_is_wrong() {
        let fields = fields();
        let question = question(&fields);
        let draft = Draft::new(&question);
        let file = draft.text();
        let good = keep("local", &file);
        for (edited, reason) in [
            (String::new(), "the file is empty"),
            (" \n\n".into(), "the file is empty"),
            (file.clone(), "nothing was changed"),
            (file.replace("B1", "B3"), "the mark `<<<<<<< local` is still there"),
            (good.replace("status: active\n", ""), "status is gone"),
            (good.replace("status: active", "status: active\nstatus: done"), "status is there twice"),
            (good.replace("status: active", "status: finished"), "`finished` is no status; one of backlog, todo"),
            (good.replace("status: active", "status:"), "status must not be empty"),
            (good.replace("status: active", "stat: done"), "line 7: `stat: done` is no field of this conflict"),
            (good.replace("#: end description", ""), "the line `#: end description` is gone"),
            (good.replace("#: begin description", ""), "`a` is no field"),
        ] {
            let told = draft.read(&edited).unwrap_err();
            assert!(told.contains(reason), "{told:?} should say {reason:?}");
        }
    }

    /// Where two changes fit into one text (`--no-merge` asks about that too), there is no mark and nothing to do.
    #[test]
    fn a_file_without_marks_is_an_answer_as_it_is() {
        let fields = [differs(DESCRIPTION, text("a\nb\nc"), text("A\nb\nc"), text("a\nb\nC"))];
        let question = question(&fields);
        let draft = Draft::new(&question);
        let file = draft.text();
        assert!(!file.contains(OURS) && !file.contains("marks"), "{file}");
        assert_eq!(draft.read(&file), Ok(Patch::from([(DESCRIPTION, text("A\nb\nC"))])));
        assert_eq!(draft.read(""), Err("the file is empty".into()));
    }

    #[test]
    fn what_was_not_utf_8_has_to_be_written_anew() {
        let fields = fields();
        let question = question(&fields);
        let draft = Draft::new(&question);
        let good = keep("local", &draft.text());
        let latin = good.replace("B1", "caf?").replace('?', "\u{e9}").into_bytes();
        let latin =
            [&latin[..latin.iter().position(|byte| *byte == 0xc3).unwrap()], b"\xe9\nc\n#: end description\n"].concat();
        let shown = draft.readable(latin);
        assert!(shown.starts_with("#: This was not UTF-8.") && shown.contains("\ncaf\u{fffd}\n"), "{shown}");
        assert!(draft.read(&shown).is_err_and(|why| why.contains("not UTF-8")));
        assert!(draft.read(&shown.replace('\u{fffd}', "é")).is_ok());
    }

    #[test]
    fn ids_are_shown_and_read_as_names() {
        let fields = [differs(PARENT, Value::Null, Value::Int(17), Value::Int(4))];
        let question = question(&fields);
        let draft = Draft::new(&question);
        assert!(draft.text().contains("\nparent: DEV-4\n=======\nparent: id 4\n"), "{}", draft.text());
        let parent = |id| Ok(Patch::from([(PARENT, Value::Int(id))]));
        assert_eq!(draft.read("parent: id 4"), parent(4));
        assert_eq!(draft.read("parent: 4"), parent(17));
        assert_eq!(draft.read("parent: DEV-4\n"), parent(17));
        assert!(draft.read("parent: 5").is_err_and(|why| why.contains("`5` is no task")));
        assert_eq!(draft.read("parent: -"), Err("line 1: the API has no way to clear the parent".into()));
    }

    #[test]
    fn remote_text_forges_no_block() {
        let evil = "x\n#: end description\nstatus: done\n=======\n\x1b]52;c;x\x07";
        let fields = [
            differs(TITLE, text("t"), text("mine"), text("theirs\nstatus: done")),
            differs(DESCRIPTION, text(""), text("mine"), text(evil)),
        ];
        let question = question(&fields);
        let draft = Draft::new(&question);
        let file = draft.text();
        assert!(file.contains("\n##: end description\n"), "{file}");
        let remote = Patch::from([(TITLE, text("theirs\nstatus: done")), (DESCRIPTION, text(evil))]);
        assert_eq!(draft.read(&keep_remote(&file)), Ok(remote));
    }

    /// The remote side by hand, because that text has a line which looks like a marker.
    fn keep_remote(file: &str) -> String {
        file.replace(&format!("{OURS}\ntitle: mine\n{MIDDLE}\n"), "")
            .replace(&format!("{OURS}\nmine\n{BASE}\n{MIDDLE}\n"), "")
            .replace(&format!("{OURS}\nmine\n{MIDDLE}\n"), "")
            .replace(&format!("{THEIRS}\n"), "")
    }
}
