//! A row of a kind, as the server has it, or as it will be once the queued operations are through.

use super::kind::{Field, Kind, Place, Type};
use super::{Patch, Value};
use crate::gather::Gather;
use crate::time::Timestamp;

/// Times are kept as the text they came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub kind: &'static Kind,
    /// The server's id; negative while the row exists only here (provisional).
    pub id: i64,
    pub workspace_id: i64,
    /// What people call it: `DEV-42`; provisional tasks carry the next free number.
    pub name: String,
    /// The server's identifier for every time (`t_…`), where it has one.
    pub uid: Option<String>,
    /// Grows with every change on the server; 0 while provisional, and for kinds without versions (api.md 1.10).
    pub version: i64,
    pub created_at: String,
    pub updated_at: String,
    /// Set on a tombstone, and on a row deleted here whose delete is still queued.
    pub deleted_at: Option<String>,
    /// The described fields, by `FieldDef::at`.
    pub values: Vec<Value>,
    /// What else the server says of it: the members that no field describes, as a JSON object. They are shown to programs,
    /// and take no part in what a row is compared by.
    pub unknown: Option<String>,
}

/// Microseconds by which the clocks of one server may differ.
const CLOCKS_DIFFER: u64 = 60_000_000;

/// Characters of a uid that is not made of the id.
const RANDOM_UID: usize = 20;

impl Row {
    /// A row of which nothing is known yet.
    pub fn new(kind: &'static Kind) -> Row {
        Row {
            kind,
            id: 0,
            workspace_id: 0,
            name: String::new(),
            uid: None,
            version: 0,
            created_at: String::new(),
            updated_at: String::new(),
            deleted_at: None,
            values: vec![Value::Null; kind.fields.len()],
            unknown: None,
        }
    }

    pub fn is_provisional(&self) -> bool {
        self.id < 0
    }

    pub fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }

    pub fn get(&self, field: Field) -> &Value {
        self.values.get(field.at).unwrap_or(&Value::Null)
    }

    pub fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn int(&self, field: Field) -> Option<i64> {
        match self.get(field) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Sets one field. A value of the wrong type for the field leaves it as it is.
    pub fn set(&mut self, field: Field, value: Value) {
        let fits = matches!(
            (&value, field.ty),
            (Value::Null, _)
                | (Value::Text(_), Type::Text | Type::Time)
                | (Value::Int(_), Type::Int | Type::Number | Type::Reference(_))
                | (Value::MadeBy(_), Type::Reference(_))
                | (Value::Number(_), Type::Number)
                | (Value::Set(_), Type::Words)
        );
        if fits && let Some(slot) = self.values.get_mut(field.at) {
            *slot = value;
        }
        if let (Place::Named(name), Some(text)) = (self.kind.place, self.text(field))
            && name == field
        {
            self.name = text.to_string();
        }
    }

    pub fn apply(&mut self, patch: &Patch) {
        for (field, value) in patch {
            self.set(field, value.clone());
        }
    }

    /// Every field that people change, as a patch.
    pub fn changeable(&self) -> Patch {
        self.kind.changeable().map(|field| (field, self.get(field).clone())).gather()
    }

    /// What grows from row to row of a kind: 42 of `DEV-42`; of a kind without names from the server its id. 0 where there
    /// is none.
    pub fn number(&self) -> i64 {
        match self.kind.place {
            Place::Numbered => super::number_of(&self.name),
            Place::Named(_) | Place::Below(..) | Place::Between => self.id.max(0),
        }
    }

    /// By its version; of a kind without versions by its time.
    pub fn is_newer_than(&self, other: &Row) -> bool {
        let time = |row: &Row| Timestamp::parse(&row.updated_at);
        if self.kind.versions { self.version > other.version } else { time(self) > time(other) }
    }

    /// A server that was put back to a backup gives ids and names twice. A uid tells two rows apart: one that differs in
    /// any case, one that is the same where it is too long to be made of the id. And so does when a row was made, which
    /// never changes, though the answer to a create may have it from another clock.
    pub fn is_another_than(&self, known: &Row) -> bool {
        if let (Some(known), Some(this)) = (&known.uid, &self.uid)
            && (known != this || this.len() >= RANDOM_UID)
        {
            return known != this;
        }
        let (known, this) = (Timestamp::parse(&known.created_at), Timestamp::parse(&self.created_at));
        known.zip(this).is_some_and(|(known, this)| known.0.abs_diff(this.0) > CLOCKS_DIFFER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{ESTIMATE, LABELS, OWNER, PARENT, TASK};

    #[test]
    fn a_row_gives_back_what_was_set() {
        let mut row = Row::new(&TASK);
        let patch = Patch::from([
            (LABELS, Value::Set(vec!["b".into(), "a".into()])),
            (ESTIMATE, Value::Number(1.5)),
            (OWNER, Value::Text("u1".into())),
            (PARENT, Value::Int(7)),
        ]);
        row.apply(&patch);
        assert!(patch.iter().all(|(field, value)| row.get(field) == value));
    }
}
