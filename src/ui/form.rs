//! A task as a file that people edit: its fields as front matter, its description below; and the way back to what was
//! changed. It knows no file and no editor. A value that was left as it was shown is no change, whatever it looks like.

use crate::model::kind::Change;
use crate::model::task::{ASSIGNEE_TYPE, DESCRIPTION};
use crate::model::{Field, Patch, Row, Value};
use crate::names::{Names, shown};
use crate::sync::relate::Difference;
use crate::ui::draft::with_line_ends_of;
use crate::ui::{sanitise, typed};

const MARK: &str = "---";

/// A row as it is given out.
pub struct Form<'a> {
    pub row: &'a Row,
    pub names: &'a dyn Names,
}

impl Form<'_> {
    /// The fields of the front matter: those that people change and that fit into a line.
    fn fields(&self) -> impl Iterator<Item = Field> + use<'_> {
        let changes = |field: &Field| matches!(field.change, Change::Free | Change::Filled | Change::Needed);
        self.row
            .kind
            .fields
            .iter()
            .filter(move |field| changes(field) && !field.is_prose() && **field != *ASSIGNEE_TYPE)
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{MARK}\n# Save and leave the editor. What is not changed is not sent; an empty file changes nothing.\n"
        );
        self.fields().for_each(|field| text.push_str(&format!("{}\n", self.line(field))));
        text.push_str(&format!("{MARK}\n\n"));
        if let Some(description) = self.row.description() {
            text.push_str(&format!("{description}\n"));
        }
        text
    }

    /// A field as its line.
    fn line(&self, field: Field) -> String {
        let value = match self.row.get(field) {
            Value::Null => String::new(),
            Value::Set(words) if words.is_empty() => String::new(),
            value => shown(field, value, self.names),
        };
        format!("{}: {}", field.word, sanitise::line(&value)).trim_end().to_string()
    }

    /// The fields that the text gives another value, or what is wrong with it. `bare`: it may be a description alone.
    pub fn read(&self, edited: &str, bare: bool) -> Result<Patch, String> {
        let edited = with_line_ends_of(&self.text(), edited.strip_prefix('\u{feff}').unwrap_or(edited)).into_owned();
        let mut patch = Patch::new();
        let mut body = edited.as_str();
        if edited.trim_start().starts_with(&format!("{MARK}\n")) {
            let mut lines =
                edited.split_inclusive('\n').enumerate().skip_while(|(_, line)| line.trim_end() != MARK).skip(1);
            loop {
                let Some((at, line)) = lines.next() else {
                    return Err(format!("the line `{MARK}` below the fields is gone"));
                };
                let line = line.trim_end();
                if line == MARK {
                    break;
                }
                self.read_line(line, &mut patch).map_err(|why| format!("line {}: {why}", at + 1))?;
            }
            let rest: usize = lines.map(|(_, line)| line.len()).sum();
            body = &edited[edited.len() - rest..];
            body = body.strip_prefix('\n').unwrap_or(body);
        } else if !bare {
            return Err(format!("the line `{MARK}` above the fields is gone"));
        }
        let (old, new) = (self.row.description().unwrap_or_default(), body.trim_end());
        if new != old.trim_end() {
            patch.insert(DESCRIPTION, if new.is_empty() { Value::Null } else { Value::Text(new.into()) });
        }
        Ok(patch)
    }

    fn read_line(&self, line: &str, patch: &mut Patch) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (word, given) = line.split_once(':').unwrap_or((line, ""));
        let Some(field) = self.fields().find(|field| field.word == word.trim_end()) else {
            let known: Vec<&str> = self.fields().map(|field| field.word).collect();
            return Err(format!("`{line}` is no field; there are {}", known.join(", ")));
        };
        if line == self.line(field) {
            return Ok(());
        }
        let value = || self.row.get(field).clone();
        let difference = Difference { field, base: value(), local: value(), remote: value() };
        let value = typed::value(&difference, given.trim(), self.names)?;
        typed::refuse_unsendable(&difference, &value)?;
        if value != difference.local && patch.insert(field, value).is_some() {
            return Err(format!("{word} is there twice"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{LABELS, PARENT, PRIORITY, PROJECT, STATUS, TASK, TITLE};
    use crate::names::tests::Few;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn row() -> Row {
        let mut row = Row::new(&TASK);
        for (field, value) in [
            (TITLE, text("Fix: the \"login\"\u{202e}")),
            (STATUS, text("todo")),
            (PRIORITY, Value::Int(1)),
            (LABELS, Value::Set(vec!["a, b".into(), "c".into()])),
            (PARENT, Value::Int(17)),
            (PROJECT, Value::Int(3)),
            (DESCRIPTION, text("\nFirst\n---\nstatus: none\n")),
        ] {
            row.set(field, value);
        }
        row
    }

    #[test]
    fn what_is_left_alone_is_no_change() {
        let row = row();
        let form = Form { row: &row, names: &Few };
        let given = form.text();
        for edited in
            [given.clone(), given.replace('\n', "\r\n"), format!("\u{feff}{given}\n\n"), given.replace("owner:\n", "")]
        {
            assert_eq!(form.read(&edited, false), Ok(Patch::new()), "{edited}");
        }
    }

    #[test]
    fn what_is_changed_becomes_the_patch() {
        let row = row();
        let form = Form { row: &row, names: &Few };
        let changed = |from: &str, to: &str| {
            assert!(form.text().contains(from), "{}", form.text());
            form.read(&form.text().replacen(from, to, 1), false)
        };
        for (from, to, field, value) in [
            ("status: todo", "status: in_progress", STATUS, text("active")),
            ("priority: 1", "priority:  -2 ", PRIORITY, Value::Int(-2)),
            ("title: Fix", "title: Mend", TITLE, text("Mend: the \"login\"\u{202e}")),
            ("labels: \"a, b\", c", "labels: c, d", LABELS, Value::Set(vec!["c".into(), "d".into()])),
            ("labels: \"a, b\", c", "labels:", LABELS, Value::Set(Vec::new())),
            ("First", "Second", DESCRIPTION, text("\nSecond\n---\nstatus: none")),
        ] {
            assert_eq!(changed(from, to), Ok(Patch::from([(field, value)])), "{to}");
        }
        for (from, to, why) in [
            ("status: todo", "status: soon", "line 4: `soon` is no status"),
            ("status: todo", "colour: red", "line 4: `colour: red` is no field; there are title, status"),
            ("status: todo", "priority: 2\npriority: 0", "line 5: priority is there twice"),
            ("title: Fix: the \"login\"\\u{202e}", "title:", "title must not be empty"),
            ("parent: DEV-4", "parent:", "no way to clear the parent"),
        ] {
            assert!(changed(from, to).is_err_and(|told| told.contains(why)), "{to}: {:?}", changed(from, to));
        }
        assert!(form.read("---\nstatus: todo\n", false).is_err_and(|why| why.contains("is gone")));
        assert!(form.read("Only text\n", false).is_err_and(|why| why.contains("above the fields is gone")));
        assert_eq!(form.read("Only text\n", true), Ok(Patch::from([(DESCRIPTION, text("Only text"))])));
    }
}
