//! A kind of thing as data: its fields with their names, columns, types and merge rules. Pull, push, merge, show, JSON and
//! the cache's statements are written once over these descriptions; a new kind is one file, a new field one line and a
//! migration.

use super::Shape;
use std::cmp::Ordering;
use std::fmt;

/// A kind of thing that operations change.
pub struct Kind {
    /// The `entity_type` of `sync_queue`: `task`.
    pub name: &'static str,
    /// Its table in cache.db.
    pub table: &'static str,
    pub identity: Identity,
    pub place: Place,
    /// The kind of the rows that an operation's target and other end are: of a link those it links, else the kind itself.
    pub ends: &'static str,
    /// Every described field, in the order people are shown them; `FieldDef::at` is the index.
    pub fields: &'static [FieldDef],
    /// Gives a row that was made here what nobody gave it and every row has: a status, a priority.
    pub defaults: fn(&mut super::Row),
    /// Rows carry a version that grows with every change (api.md 1.10).
    pub versions: bool,
    /// The last word of the collection's path: `tasks`.
    pub collection: &'static str,
    /// What follows the collection in the path of a create: `/start`.
    pub made_at: &'static str,
    /// A row has a path below the workspace alone, though it is made and listed below another one: `attempts/7`.
    pub stands_alone: bool,
    /// Where a row is found by its uid, wherever it was moved: `/v1/t`. Not every kind, and not every server, has that.
    pub by_uid: Option<&'static str>,
    /// No two rows of a workspace have one name: whoever makes a second one means the first.
    pub unique: bool,
    /// The field of the row above that counts the rows of this kind below it, where there is one.
    pub counted: Option<Field>,
    /// What the API can do with its rows.
    pub shapes: &'static [Shape],
}

/// What makes two rows the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// An id given by the server; a row made here has a negative one until then.
    Id,
    /// The pair of rows it links: Link and Unlink instead of Create, Update, Delete.
    Pair,
}

/// Where the rows of a kind are on a server, and what tells people one from another.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// In a list of the workspace, by what changed. The server gives each row a name with a running number: `DEV-42`.
    Numbered,
    /// In a short list of the workspace, which is read whole. Called by this field; its id stands in paths.
    Named(Field),
    /// In lists below the row that this field names. Called by that row's name and its own id, with this mark between them:
    /// `DEV-42#7`.
    Below(Field, &'static str),
    /// Between the rows it links.
    Between,
}

/// A field of a kind.
#[derive(Debug)]
pub struct FieldDef {
    /// Position in `Kind::fields` and in `Row::values`.
    pub at: usize,
    /// The member's name in the API's JSON and in a patch (api.md 3.3).
    pub name: &'static str,
    /// The column of the kind's table.
    pub column: &'static str,
    /// The word people see and type: `owner` rather than `owner_id`.
    pub word: &'static str,
    pub ty: Type,
    pub merge: Merge,
    pub change: Change,
}

/// The type of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    Number,
    /// A set of words; JSON array in its column.
    Words,
    /// RFC 3339, kept as the text it came in.
    Time,
    /// The id of a row of the kind with this name, or the operation that makes it.
    Reference(&'static str),
}

/// How two changes of one field are brought together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Two different values are a conflict.
    Whole,
    /// Line by line (diff3); appended notes are both kept.
    Lines,
    /// What one side added comes, what one side removed goes.
    Set,
    /// A course with these steps: a change here to a step goes through one there to the step before it. Every other two are
    /// a conflict.
    Course(&'static [&'static str]),
}

/// Who changes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The server alone.
    Never,
    /// People; a value can be cleared (empty text, empty list).
    Free,
    /// People; the API has no way to clear it.
    Filled,
    /// The same, and no row can be without it.
    Needed,
    /// People, by updates only: a create does not take it (api.md 3.3).
    UpdateOnly,
    /// People, when they make the row: it is the row that this one is below, and stands in the path.
    Placed,
    /// People, when they make the row; the server keeps it and does not give it back with the row.
    Unread,
}

/// A field as everything else names it: a reference to its description.
pub type Field = &'static FieldDef;

impl Kind {
    /// What most kinds are; a description says the rest.
    pub const PLAIN: Kind = Kind {
        name: "",
        table: "",
        identity: Identity::Id,
        place: Place::Between,
        ends: "",
        fields: &[],
        defaults: |_| {},
        versions: false,
        collection: "",
        made_at: "",
        stands_alone: false,
        by_uid: None,
        unique: false,
        counted: None,
        shapes: &[Shape::Create, Shape::Update, Shape::Delete],
    };

    /// The field that names the row that its rows are below.
    pub fn below(&self) -> Option<Field> {
        match self.place {
            Place::Below(field, _) => Some(field),
            Place::Numbered | Place::Named(_) | Place::Between => None,
        }
    }

    /// The kind of the row that its rows are below.
    pub fn parent(&self) -> Option<&'static Kind> {
        match self.below()?.ty {
            Type::Reference(parent) => super::kind(parent),
            _ => None,
        }
    }

    /// What is between the name of the row above and the id of a row of this kind that is below it.
    pub fn mark(&self) -> &'static str {
        if let Place::Below(_, mark) = self.place { mark } else { "" }
    }

    /// The name of a row of this kind that is below another one: `DEV-42#7`; `DEV-42#new-1` while it exists only here.
    pub fn name_below(&self, name: &str, id: i64) -> String {
        let new = if id > 0 { "" } else { "new" };
        format!("{name}{}{new}{id}", self.mark())
    }

    /// A row's name as a sentence has it: `DEV-42`, `comment DEV-42#7`.
    pub fn called(&self, name: &str) -> String {
        match self.place {
            Place::Numbered | Place::Between => name.to_string(),
            Place::Named(_) | Place::Below(..) => format!("{} {name}", self.name),
        }
    }

    pub fn field(&'static self, name: &str) -> Option<Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The fields that people change.
    pub fn changeable(&'static self) -> impl Iterator<Item = Field> {
        self.fields.iter().filter(|field| field.change != Change::Never)
    }
}

/// A kind's fields, one a line: `FIELDS`, and each under a name of its own.
macro_rules! fields {
    ($($at:literal $id:ident $name:literal $column:literal $word:literal $ty:expr, $merge:ident $(($steps:expr))?,
       $change:ident;)*) => {
        static FIELDS: [$crate::model::kind::FieldDef; [$($at),*].len()] = [$($crate::model::kind::FieldDef {
            at: $at, name: $name, column: $column, word: $word, ty: $ty,
            merge: $crate::model::kind::Merge::$merge $(($steps))?, change: $crate::model::kind::Change::$change,
        }),*];
        $(pub const $id: $crate::model::kind::Field = &FIELDS[$at];)*
    };
}
pub(super) use fields;

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl FieldDef {
    /// Long text that merges line by line.
    pub fn is_prose(&self) -> bool {
        self.merge == Merge::Lines
    }
}

impl PartialEq for FieldDef {
    fn eq(&self, other: &FieldDef) -> bool {
        self.at == other.at && self.name == other.name
    }
}

impl Eq for FieldDef {}

impl PartialOrd for FieldDef {
    fn partial_cmp(&self, other: &FieldDef) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldDef {
    fn cmp(&self, other: &FieldDef) -> Ordering {
        self.at.cmp(&other.at).then_with(|| self.name.cmp(other.name))
    }
}

impl fmt::Display for FieldDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}
