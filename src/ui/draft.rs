//! The file of a manual edit, as text: one block for each field with both versions between conflict markers, and the
//! way back to values. It knows no file and no editor.
//!
//! Remote text cannot forge a block: lines of ours begin with a sign that begins no line of any value (`#:`, longer
//! if need be), and a value that was left as it was shown is taken from the question, not from the file.

use crate::lines::{self, Piece};
use crate::model::{Field, PRIORITIES, Patch, STATUSES, Value, canonical_status};
use crate::ui::conflict::{FieldDifference, Question};
use crate::ui::difference::prose;
use crate::ui::sanitise;

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
        let values = question.fields.iter().flat_map(|f| [&f.base, &f.local, &f.remote]);
        let signs = |value| inert_prose(value).lines().map(hashes).max().unwrap_or(0);
        let sign = "#".repeat(values.map(signs).max().unwrap_or(0) + 1) + ":";
        Draft { question, sign }
    }

    /// The text to edit.
    pub fn text(&self) -> String {
        let (sign, question) = (&self.sign, self.question);
        let mut text = format!(
            "{sign} {} was changed here (version {}) and on the server (version {}).\n\
             {sign} Where both sides differ, both stand between the marks <<<<<<< and >>>>>>>. Leave what shall be,\n\
             {sign} delete the rest and the marks, save, and leave the editor. An empty file changes nothing.\n\
             {sign} Lines that begin with {sign} stay as they are or go; those around long text must stay.\n",
            sanitise::line(question.identifier),
            question.local_version,
            question.remote_version,
        );
        for difference in question.fields {
            text.push('\n');
            text.push_str(&if difference.field.is_prose() {
                self.prose_block(difference)
            } else {
                self.block(difference)
            });
        }
        text
    }

    /// The values that the edited text says, one for every field of the question, or why it does not say them.
    pub fn read(&self, edited: &str) -> Result<Patch, String> {
        let edited = edited.strip_prefix('\u{feff}').unwrap_or(edited).replace("\r\n", "\n");
        if edited.trim().is_empty() {
            return Err("the file is empty".into());
        }
        if edited == self.text() {
            return Err("nothing was changed".into());
        }
        self.refuse_markers(&edited)?;
        let mut patch = Patch::new();
        let mut lines = edited.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            if let Some(difference) = self.question.fields.iter().find(|f| line == self.begin(f.field)) {
                let end = self.end(difference.field);
                let mut body: Vec<&str> = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line == end => break,
                        Some((_, line)) => body.push(line),
                        None => return Err(format!("the line `{end}` is gone")),
                    }
                }
                insert(&mut patch, difference.field, read_prose(difference, &body))?;
            } else if !line.trim().is_empty() && !line.starts_with(&self.sign) {
                let (field, value) = self.read_line(line).map_err(|why| format!("line {}: {why}", at + 1))?;
                insert(&mut patch, field, value)?;
            }
        }
        match self.question.fields.iter().find(|f| !patch.contains_key(&f.field)) {
            Some(missing) => Err(format!("{} is gone", missing.field.word())),
            None => Ok(patch),
        }
    }

    fn begin(&self, field: Field) -> String {
        format!("{} begin {}", self.sign, field.word())
    }

    fn end(&self, field: Field) -> String {
        format!("{} end {}", self.sign, field.word())
    }

    fn block(&self, difference: &FieldDifference) -> String {
        let line = |value| shown(difference.field, value);
        let before = sanitise::line(&difference.base.to_string()).into_owned();
        format!(
            "{} {} was {before} before\n{OURS}\n{}\n{MIDDLE}\n{}\n{THEIRS}\n",
            self.sign,
            difference.field.word(),
            line(&difference.local),
            line(&difference.remote),
        )
    }

    fn prose_block(&self, difference: &FieldDifference) -> String {
        let FieldDifference { field, base, local, remote } = difference;
        let merged = merge(base, local, remote);
        format!("{}\n{merged}{}\n", self.begin(*field), self.end(*field))
    }

    /// A marker line is left over unless one of the versions has that very line, as a Markdown heading may.
    fn refuse_markers(&self, edited: &str) -> Result<(), String> {
        let own = |marker: &str| {
            let values = self.question.fields.iter().flat_map(|f| [&f.base, &f.local, &f.remote]);
            values.map(inert_prose).any(|text| text.lines().any(|line| line == marker))
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

    fn read_line(&self, line: &str) -> Result<(Field, Value), String> {
        let word = line.split(':').next().unwrap_or(line);
        let Some(difference) = self.question.fields.iter().find(|f| !f.field.is_prose() && f.field.word() == word)
        else {
            return Err(format!("`{line}` is no field of this conflict"));
        };
        let field = difference.field;
        for side in [&difference.local, &difference.remote] {
            if line == shown(field, side) {
                return Ok((field, side.clone()));
            }
        }
        let given = line[word.len()..].trim_start_matches(':').trim();
        Ok((field, parse(field, given)?))
    }
}

/// How many `#` stand before a `:` at the beginning of a line.
fn hashes(line: &str) -> usize {
    let rest = line.trim_start_matches('#');
    if rest.starts_with(':') { line.len() - rest.len() } else { 0 }
}

fn insert(patch: &mut Patch, field: Field, value: Value) -> Result<(), String> {
    match patch.insert(field, value) {
        None => Ok(()),
        Some(_) => Err(format!("{} is there twice", field.word())),
    }
}

/// A field that is no prose as its line of the file.
fn shown(field: Field, value: &Value) -> String {
    format!("{}: {}", field.word(), sanitise::line(&value.to_string()))
}

fn inert_prose(value: &Value) -> String {
    sanitise::text(&prose(value)).into_owned()
}

/// The line-wise merge, with both versions between markers where they touch the same lines.
fn merge(base: &Value, local: &Value, remote: &Value) -> String {
    let [base, local, remote] = [base, local, remote].map(inert_prose);
    let marked = |piece| match piece {
        Piece::Agreed(text) => text,
        Piece::Dispute { base, local, remote } => {
            format!("{OURS}\n{local}{BASE}\n{base}{MIDDLE}\n{remote}{THEIRS}\n")
        }
    };
    lines::merge(&base, &local, &remote).into_iter().map(marked).collect()
}

fn read_prose(difference: &FieldDifference, body: &[&str]) -> Value {
    let edited = body.iter().fold(String::new(), |text, line| text + line + "\n");
    for side in [&difference.local, &difference.remote] {
        if edited == inert_prose(side) {
            return side.clone();
        }
    }
    match edited.strip_suffix('\n') {
        Some(text) if !text.is_empty() => Value::Text(text.to_string()),
        _ => Value::Null,
    }
}

/// What a person typed for a field that is no prose.
fn parse(field: Field, given: &str) -> Result<Value, String> {
    let nothing = given.is_empty() || given == "-";
    match field {
        Field::Title | Field::Status | Field::Priority | Field::Project if nothing => {
            Err(format!("{} must not be empty", field.word()))
        }
        Field::Status => match canonical_status(given) {
            known if STATUSES.contains(&known) => Ok(Value::Text(known.to_string())),
            _ => Err(format!("`{given}` is no status; one of {}", STATUSES.join(", "))),
        },
        Field::Priority => match given.parse() {
            Ok(priority) if PRIORITIES.contains(&priority) => Ok(Value::Int(priority)),
            _ => Err(format!("`{given}` is no priority; {} to {}", PRIORITIES.start(), PRIORITIES.end())),
        },
        Field::Labels => {
            let labels = given.split(',').map(str::trim).filter(|label| !label.is_empty() && !nothing);
            Ok(Value::Set(labels.map(String::from).collect()))
        }
        _ if nothing => Ok(Value::Null),
        Field::Estimate => match given.parse::<f64>() {
            Ok(hours) if hours.is_finite() && hours >= 0.0 => Ok(Value::Number(hours)),
            _ => Err(format!("`{given}` is no number of hours")),
        },
        Field::Parent | Field::Project => match given.parse() {
            Ok(id) => Ok(Value::Int(id)),
            Err(_) => {
                Err(format!("`{given}` is no id of a {}", if field == Field::Parent { "task" } else { "project" }))
            }
        },
        _ => Ok(Value::Text(given.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::conflict::Cause;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn differs(field: Field, base: Value, local: Value, remote: Value) -> FieldDifference {
        FieldDifference { field, base, local, remote }
    }

    fn fields() -> Vec<FieldDifference> {
        vec![
            differs(Field::Status, text("todo"), text("active"), text("done")),
            differs(Field::Description, text("a\nb\nc"), text("a\nB1\nc"), text("a\nB2\nc")),
        ]
    }

    fn question(fields: &[FieldDifference]) -> Question<'_> {
        Question { identifier: "DEV-42", local_version: 5, remote_version: 6, fields, cause: Cause::Differs }
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
        let local = Patch::from([(Field::Status, text("active")), (Field::Description, text("a\nB1\nc"))]);
        let remote = Patch::from([(Field::Status, text("done")), (Field::Description, text("a\nB2\nc"))]);
        assert_eq!(draft.read(&keep("local", &file)), Ok(local));
        assert_eq!(draft.read(&keep("remote", &file).replace('\n', "\r\n")), Ok(remote));
        let third = keep("local", &file).replace("status: active", "status:blocked").replace("B1", "B1\n# B2");
        let expected = Patch::from([(Field::Status, text("blocked")), (Field::Description, text("a\nB1\n# B2\nc"))]);
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

    #[test]
    fn values_are_checked_by_their_field() {
        for (field, given, value) in [
            (Field::Priority, "2", Some(Value::Int(2))),
            (Field::Priority, "3", None),
            (Field::Priority, "high", None),
            (Field::Status, "in_progress", Some(text("active"))),
            (Field::Labels, "a, b,", Some(Value::Set(vec!["a".into(), "b".into()]))),
            (Field::Labels, "-", Some(Value::Set(vec![]))),
            (Field::Estimate, "1.5", Some(Value::Number(1.5))),
            (Field::Estimate, "NaN", None),
            (Field::Estimate, "", Some(Value::Null)),
            (Field::Parent, "-7", Some(Value::Int(-7))),
            (Field::Project, "-", None),
            (Field::Owner, "ann: the first", Some(text("ann: the first"))),
            (Field::Title, "", None),
        ] {
            assert_eq!(parse(field, given).ok(), value, "{field:?} {given:?}");
        }
    }

    #[test]
    fn remote_text_forges_no_block() {
        let evil = "x\n#: end description\nstatus: done\n=======\n\x1b]52;c;x\x07";
        let fields = [
            differs(Field::Title, text("t"), text("mine"), text("theirs\nstatus: done")),
            differs(Field::Description, text(""), text("mine"), text(evil)),
        ];
        let question = question(&fields);
        let draft = Draft::new(&question);
        let file = draft.text();
        assert!(file.contains("\n##: end description\n") && !file.contains('\x1b'));
        let remote = Patch::from([(Field::Title, text("theirs\nstatus: done")), (Field::Description, text(evil))]);
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
