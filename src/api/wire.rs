//! Reading a server's JSON (api.md 1.5 and 3) leniently: ids as numbers or numeric strings, absent and `null` alike,
//! unknown members and unknown words of an enum let through. What the cache cannot do without is an error that names
//! it. Knows no HTTP: takes `Value`s, gives model types, and says what is wrong in words.

use super::generation;
use super::members::Members;
use crate::document;
use crate::model::kind::{Place, Type};
use crate::model::{self, Account, Edge, Field, Kind, Member, Row, Workspace};
use crate::time::Timestamp;
use miniserde::json::{Array, Number, Value};

/// Why an answer is not what api.md describes.
pub(super) type Read<T> = Result<T, String>;

/// A member of an object; `None` when it is absent or `null`.
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(name).filter(|value| !matches!(value, Value::Null)),
        _ => None,
    }
}

/// The members of an object that is expected in an answer.
pub(super) fn members<'a>(value: &'a Value, kind: &str) -> Read<Members<'a>> {
    Members::of(value).ok_or_else(|| nothing(kind))
}

pub(super) fn nothing(kind: &str) -> String {
    format!("there is no {kind} in the answer")
}

/// A whole number, or a string that holds one.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(Number::I64(number)) => Some(*number),
        Value::Number(Number::U64(number)) => i64::try_from(*number).ok(),
        Value::Number(Number::F64(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(Number::I64(number)) => Some(*number as f64),
        Value::Number(Number::U64(number)) => Some(*number as f64),
        Value::Number(Number::F64(number)) => Some(*number),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

/// A string, or a number as one: user ids are opaque.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn into_text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { text(&value) }
}

/// The document inside any envelope: `{"success", "data"}` of generation B, or just `data` as A has it. An envelope
/// that says it is no success is an error.
pub(super) fn unwrap(value: &Value) -> Read<&Value> {
    if matches!(member(value, "success"), Some(Value::Bool(false))) {
        let words = member(value, "message").and_then(text).unwrap_or_else(|| "no reason given".into());
        return Err(format!("the answer says that it is no success: {words}"));
    }
    match member(value, "data") {
        // A list that carries both keys, and an object that merely has a field of that name, stay as they are.
        Some(data) if member(value, "items").is_none() && member(value, "id").is_none() => unwrap(data),
        _ => Ok(value),
    }
}

/// One page of a list, whatever its shape: a bare array, or the array under `items` or one of `names`.
pub(super) struct Page<'a> {
    pub(super) items: &'a Array,
    /// The object around the array, with the server's paging words; `None` for a bare array.
    pub(super) around: Option<&'a Value>,
}

impl Page<'_> {
    /// A paging word of the answer, at the top or under `pagination`.
    pub(super) fn says(&self, name: &str) -> Option<i64> {
        let around = self.around?;
        member(around, name).or_else(|| member(member(around, "pagination")?, name)).and_then(int)
    }
}

/// An answer without a list is an error, never an empty one: it would read as deletions.
pub(super) fn page<'a>(value: &'a Value, names: &[&str]) -> Read<Page<'a>> {
    let value = unwrap(value)?;
    if let Value::Array(items) = value {
        return Ok(Page { items, around: None });
    }
    ["items"]
        .iter()
        .chain(names)
        .find_map(|name| match member(value, name) {
            Some(Value::Array(items)) => Some(Page { items, around: Some(value) }),
            _ => None,
        })
        .ok_or_else(|| "there is no list in the answer".into())
}

/// An object being read, with words for complaints.
struct Fields<'a> {
    members: &'a Members<'a>,
    kind: &'static str,
}

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        self.members.get(name)
    }

    fn lacks(&self, name: &str) -> String {
        let fault = if self.get(name).is_some() { "an unreadable" } else { "no" };
        let called = ["identifier", "id", "user_id"].iter().find_map(|name| self.some_text(name));
        let called = called.map_or_else(String::new, |called| format!(" {called}"));
        format!("{}{called} has {fault} '{name}'", self.kind)
    }

    fn int(&self, name: &str) -> Read<i64> {
        self.some_int(name).ok_or_else(|| self.lacks(name))
    }

    fn text(&self, name: &str) -> Read<String> {
        self.some_text(name).ok_or_else(|| self.lacks(name))
    }

    fn some_int(&self, name: &str) -> Option<i64> {
        int(&self.get(name)?)
    }

    fn some_text(&self, name: &str) -> Option<String> {
        into_text(self.get(name)?)
    }

    /// A time the cursor can be moved to.
    fn time(&self, name: &str) -> Read<String> {
        let time = self.text(name)?;
        if Timestamp::parse(&time).is_some() { Ok(time) } else { Err(self.lacks(name)) }
    }
}

/// A row of any kind, field by field as its description has them. `workspace_id` stands in where the server leaves the
/// member out.
pub(super) fn row(kind: &'static Kind, members: &Members, workspace_id: i64) -> Read<Row> {
    let fields = Fields { members, kind: kind.name };
    let mut row = Row::new(kind);
    row.id = fields.int("id")?;
    row.name = match kind.place {
        Place::Below(field, _) => kind.name_below(&fields.text(field.name)?, row.id),
        Place::Named(field) => fields.text(field.name)?,
        Place::Numbered | Place::Between => fields.text("identifier")?,
    };
    row.updated_at = match kind.versions {
        true => fields.time("updated_at")?,
        // There may be none until it is changed.
        false => fields.some_text("updated_at").or(fields.some_text("created_at")).unwrap_or_default(),
    };
    row.workspace_id = fields.some_int("workspace_id").unwrap_or(workspace_id);
    row.uid = fields.some_text("uid");
    row.version = if kind.versions { fields.some_int("version").unwrap_or(1) } else { 0 };
    row.created_at = fields.some_text("created_at").unwrap_or_else(|| row.updated_at.clone());
    row.deleted_at = fields.some_text("deleted_at");
    for field in kind.fields {
        row.values[field.at] = match field_value(field, members) {
            Some(value) => value,
            None if generation::is_required(field) => return Err(fields.lacks(field.name)),
            None => generation::absent(field),
        };
    }
    let inside = kind.fields.iter().find_map(generation::inside);
    let known = document::known_members(kind);
    row.unknown = document::unknown(members.others(&|name| known.has(name) || inside == Some(name)));
    Ok(row)
}

/// What an object has for a field; `None` where it has nothing that can be read as it.
fn field_value(field: Field, row: &Members) -> Option<model::Value> {
    let given = match generation::inside(field) {
        Some(object) => row.get(object).and_then(|object| member(&object, field.name).cloned()),
        None => row.get(field.name),
    };
    match field.ty {
        Type::Text => Some(model::Value::Text(generation::canonical(field, into_text(given?)?))),
        Type::Time => Some(model::Value::Text(into_text(given?)?)),
        Type::Int => Some(model::Value::Int(int(&given?)?)),
        Type::Number => Some(model::Value::Number(number(&given?)?)),
        Type::Words => Some(model::Value::Set(names(&given?)?)),
        // Some servers give the row itself in place of its id.
        Type::Reference(kind) => {
            let id = given.as_ref().and_then(int).or_else(|| int(member(&row.get(kind)?, "id")?));
            Some(model::Value::Int(id?))
        }
    }
}

/// Words, from strings or from objects with a `name`.
fn names(value: &Value) -> Option<Vec<String>> {
    let Value::Array(items) = value else { return None };
    Some(items.iter().filter_map(|item| text(item).or_else(|| member(item, "name").and_then(text))).collect())
}

pub(super) fn workspace(value: &Value) -> Read<Workspace> {
    let fields = Fields { members: &members(value, "workspace")?, kind: "workspace" };
    let updated_at = fields.some_text("updated_at").unwrap_or_default();
    Ok(Workspace {
        id: fields.int("id")?,
        identifier: fields.text("identifier")?,
        name: fields.text("name")?,
        description: fields.some_text("description"),
        task_counter: fields.some_int("task_counter"),
        state: fields.some_text("state"),
        created_at: fields.some_text("created_at").unwrap_or_else(|| updated_at.clone()),
        updated_at,
    })
}

pub(super) fn member_of(value: &Value, workspace_id: i64) -> Read<Member> {
    let fields = Fields { members: &members(value, "member")?, kind: "member" };
    Ok(Member {
        workspace_id: fields.some_int("workspace_id").unwrap_or(workspace_id),
        user_id: fields.text("user_id")?,
        role: fields.some_text("role").unwrap_or_default(),
        created_at: fields.some_text("created_at").unwrap_or_default(),
    })
}

pub(super) fn account(value: &Value) -> Read<Account> {
    let fields = Fields { members: &members(value, "account")?, kind: "account" };
    Ok(Account { user_id: fields.text("user_id")?, email: fields.some_text("email"), role: fields.some_text("role") })
}

/// The member that names the other end of a link (api.md 2.6).
pub(super) const OTHER_END: &str = "depends_on";

/// The identifier in a list of dependencies (api.md 3.4).
pub(super) fn dependency(value: &Value) -> Read<String> {
    Fields { members: &members(value, "dependency")?, kind: "dependency" }.text("identifier")
}

/// An edge of the dependency graph (api.md 3.4).
pub(super) fn edge(value: &Value) -> Read<Edge> {
    let fields = Fields { members: &members(value, "edge")?, kind: "edge" };
    Ok(Edge { task: fields.text("from_task")?, depends_on: fields.text("to_task")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::label::LABEL;
    use crate::model::project::PROJECT;
    use crate::model::task::ESTIMATE;
    use miniserde::json;

    fn value(text: &str) -> Value {
        json::from_str(text).expect("test JSON")
    }

    const TASK: &str = r#"{"id": 7, "workspace_id": 1, "project_id": 2, "number": 42, "identifier": "DEV-42", "uid": "t_1Z",
        "title": "Fix", "status": "inprogress", "priority": -1, "labels": ["a", "b"], "estimate": 1.5, "version": 5,
        "creator_id": "u1", "created_at": "2025-10-16T10:00:00Z", "updated_at": "2025-10-16 10:00:00", "someday": {"x": 1}}"#;

    fn task(value: &Value, workspace_id: i64) -> Read<Row> {
        row(&crate::model::task::TASK, &members(value, "task")?, workspace_id)
    }

    #[test]
    fn a_full_task() {
        let task = task(&value(TASK), 1).expect("task");
        assert_eq!((task.id, task.version, task.priority(), task.number()), (7, 5, -1, 42));
        assert_eq!((task.status(), task.labels().len()), ("active", 2));
        assert_eq!(task.get(ESTIMATE), &model::Value::Number(1.5));
        assert!(generation::says_older_word(&members(&value(TASK), "task").expect("an object")));
        assert_eq!(task.unknown.as_deref(), Some(r#"{"someday":{"x":1}}"#), "what a later server says");
        let document = Value::Object(document::row_to_json(&task));
        assert_eq!(document::row_from_json(task.kind, &document), Some(task));
    }

    #[test]
    fn a_sparse_task_with_odd_types() {
        let task = task(
            &value(
                r#"{"id":"7","project":{"id":"2"},"identifier":"DEV-42","title":"Fix","status":"on_hold","owner_id":12,
                "labels":[{"name":"x"}],"estimate":"2","parent_id":null,"updated_at":"2025-10-16T10:00:00"}"#,
            ),
            9,
        )
        .expect("task");
        assert_eq!((task.workspace_id, task.project_id(), task.number(), task.version), (9, 2, 42, 1));
        assert_eq!((task.status(), task.owner(), task.priority()), ("on_hold", Some("12"), 0));
        assert_eq!((task.labels(), task.parent_id()), (&["x".to_string()][..], None));
        assert_eq!(task.get(ESTIMATE), &model::Value::Number(2.0));
        assert_eq!(task.created_at, task.updated_at);
    }

    #[test]
    fn what_is_missing_is_named() {
        for (name, complaint) in [
            ("id", "task DEV-42 has no 'id'"),
            ("identifier", "task 7 has no 'identifier'"),
            ("title", "task DEV-42 has no 'title'"),
            ("project_id", "task DEV-42 has no 'project_id'"),
            ("updated_at", "task DEV-42 has no 'updated_at'"),
        ] {
            let Value::Object(mut object) = value(TASK) else { panic!("an object") };
            object.remove(name);
            assert_eq!(task(&Value::Object(object), 1), Err(complaint.to_string()));
        }
        let late = TASK.replace("2025-10-16 10:00:00", "yesterday");
        assert_eq!(task(&value(&late), 1), Err("task DEV-42 has an unreadable 'updated_at'".into()));
        assert_eq!(task(&value("[]"), 1), Err("there is no task in the answer".into()));
    }

    #[test]
    fn every_list_shape_of_api_md_1_5() {
        for (text, total, limit) in [
            (r#"[{"id":1}]"#, None, None),
            (r#"{"items":[{"id":1}],"total":9}"#, Some(9), None),
            (r#"{"items":[{"id":1}],"total":9,"limit":50,"offset":0}"#, Some(9), Some(50)),
            (r#"{"success":true,"data":[{"id":1}],"message":null}"#, None, None),
            (r#"{"success":true,"data":{"items":[{"id":1}],"pagination":{"total":9,"limit":50}}}"#, Some(9), Some(50)),
            (r#"{"data":[{"id":1}],"items":[{"id":1}],"total":9,"per_page":1}"#, Some(9), None),
            (r#"{"edges":[{"id":1}],"nodes":[]}"#, None, None),
        ] {
            let value = value(text);
            let page = page(&value, &["edges"]).expect(text);
            assert_eq!((page.items.len(), page.says("total"), page.says("limit")), (1, total, limit), "{text}");
        }
    }

    #[test]
    fn no_list_is_not_an_empty_list() {
        for text in ["{}", "null", r#"{"items":null}"#, r#"{"data":null}"#, r#"{"items":{}}"#, r#""[]""#] {
            assert!(page(&value(text), &[]).is_err(), "{text}");
        }
        let refused = value(r#"{"success":false,"data":[],"message":"maintenance"}"#);
        assert!(page(&refused, &[]).is_err_and(|words| words.contains("maintenance")));
    }

    #[test]
    fn small_objects() {
        let read = |kind, text| row(kind, &members(&value(text), "row").expect("an object"), 3);
        assert!(workspace(&value(r#"{"id":1,"name":"Dev","identifier":"DEV"}"#)).is_ok());
        assert_eq!(workspace(&value(r#"{"id":1,"name":"Dev"}"#)), Err("workspace 1 has no 'identifier'".into()));
        let project = read(&PROJECT, r#"{"id":1,"name":"P"}"#).map(|row| (row.workspace_id, row.name));
        assert_eq!(project, Ok((3, "P".into())));
        assert!(read(&LABEL, r#"{"id":1,"name":"bug","color":null}"#).is_ok());
        assert_eq!(member_of(&value(r#"{"role":"x"}"#), 1), Err("member has no 'user_id'".into()));
        assert_eq!(account(&value(r#"{"user_id":5,"email":null}"#)).map(|account| account.user_id), Ok("5".into()));
        let edge = edge(&value(r#"{"from_task":"A-1","to_task":"A-2","blocking":true}"#)).expect("edge");
        assert_eq!((edge.task.as_str(), edge.depends_on.as_str()), ("A-1", "A-2"));
    }
}
