//! Rows as JSON documents: what `--json` prints, what queue.jsonl and discarded.jsonl keep, and the server's row beside one
//! with queued operations. Member names are the API's (api.md 3.3).

use crate::model::kind::{FieldDef, Type};
use crate::model::{Condition, KINDS, Kind, Operation, Row, Shape, State, Target, patch_from_json, patch_to_json};
use miniserde::json::{self, Number, Object, Value};
use std::sync::OnceLock;

pub fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

pub fn optional(value: &Option<String>) -> Value {
    value.clone().map_or(Value::Null, Value::String)
}

pub fn integer(value: i64) -> Value {
    Value::Number(Number::I64(value))
}

/// A list, as every command prints one.
pub fn list(items: Vec<Value>) -> Value {
    object([("count", integer(items.len() as i64)), ("items", Value::Array(items.into_iter().collect()))])
}

pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(self::members(members))
}

pub fn members<const N: usize>(members: [(&str, Value); N]) -> Object {
    filled(&mut members.into_iter())
}

/// One by one: `collect` would sort them first, with a copy of the sort for each caller.
pub fn filled(members: &mut dyn Iterator<Item = (&str, Value)>) -> Object {
    let mut object = Object::new();
    for (name, value) in members {
        object.insert(name.to_string(), value);
    }
    object
}

pub fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(name),
        _ => None,
    }
}

pub fn as_text(value: Option<&Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    }
}

pub fn as_integer(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Number(Number::I64(number))) => Some(*number),
        Some(Value::Number(Number::U64(number))) => i64::try_from(*number).ok(),
        _ => None,
    }
}

/// A row as `--json` prints it: the API's members and `pending`, true while changes of it wait to be sent.
pub fn shown_row(row: &Row, pending: bool) -> Value {
    let mut members = row_to_json(row);
    members.insert("pending".to_string(), Value::Bool(pending));
    Value::Object(members)
}

/// A row with everything it has, under the API's names; people's documents and our files are made of it.
pub fn row_to_json(row: &Row) -> Object {
    let mut object = members([
        ("id", integer(row.id)),
        ("workspace_id", integer(row.workspace_id)),
        ("identifier", text(&row.name)),
        ("number", integer(row.number())),
        ("uid", optional(&row.uid)),
        ("version", integer(row.version)),
        ("created_at", text(&row.created_at)),
        ("updated_at", text(&row.updated_at)),
        ("deleted_at", optional(&row.deleted_at)),
    ]);
    for field in row.kind.fields {
        let value = match (row.get(field), field.ty) {
            (crate::model::Value::Null, Type::Words) => Value::Array(json::Array::new()),
            (value, _) => value.to_json(),
        };
        object.insert(field.name.to_string(), value);
    }
    if let Some(Value::Object(unknown)) = row.unknown.as_deref().map(parse) {
        let others = unknown.into_iter().filter(|(name, _)| !object.contains_key(name)).collect::<Vec<_>>();
        object.extend(others);
    }
    object
}

/// Members that rows have, whatever their kind; some servers give the workspace itself too.
const COMMON: [&str; 10] = [
    "id",
    "workspace_id",
    "workspace",
    "identifier",
    "number",
    "uid",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// Of a row's members those that this version does not know and that say something, as its column has them.
pub fn unknown(members: Object) -> Option<String> {
    (!members.is_empty()).then(|| json::to_string(&members))
}

/// The names of a kind's members that this version knows.
pub struct Known(Vec<&'static str>);

impl Known {
    /// Some servers give a row that is referred to in place of its id.
    fn of(kind: &'static Kind) -> Known {
        let referred = |field: &FieldDef| if let Type::Reference(kind) = field.ty { Some(kind) } else { None };
        let fields = kind.fields.iter().flat_map(|field| [Some(field.name), referred(field)]).flatten();
        let mut names: Vec<&str> = COMMON.into_iter().chain(fields).collect();
        names.sort_unstable_by_key(by_length);
        Known(names)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.binary_search_by_key(&by_length(&name), by_length).is_ok()
    }
}

/// Lengths tell most names apart.
fn by_length<'a>(name: &&'a str) -> (usize, &'a str) {
    (name.len(), *name)
}

pub fn known_members(kind: &'static Kind) -> &'static Known {
    static KNOWN: [OnceLock<Known>; KINDS.len()] = [const { OnceLock::new() }; KINDS.len()];
    let at = KINDS.into_iter().position(|one| one == kind).unwrap_or(0);
    KNOWN[at].get_or_init(|| Known::of(KINDS[at]))
}

/// The inverse of `row_to_json`. `None` when one of the members every row has is missing.
pub fn row_from_json(kind: &'static Kind, value: &Value) -> Option<Row> {
    let get = |name| member(value, name);
    let mut row = Row {
        id: as_integer(get("id"))?,
        workspace_id: as_integer(get("workspace_id"))?,
        name: as_text(get("identifier"))?,
        uid: as_text(get("uid")),
        version: as_integer(get("version"))?,
        created_at: as_text(get("created_at"))?,
        updated_at: as_text(get("updated_at"))?,
        deleted_at: as_text(get("deleted_at")),
        ..Row::new(kind)
    };
    for field in kind.fields {
        if let Some(value) = get(field.name).and_then(crate::model::Value::from_json) {
            row.set(field, value);
        }
    }
    if let Value::Object(members) = value {
        let known = known_members(kind);
        let others = members.iter().filter(|(name, value)| !known.has(name) && !matches!(value, Value::Null));
        row.unknown = unknown(others.map(|(name, value)| (name.clone(), value.clone())).collect());
    }
    Some(row)
}

/// An operation as queue.jsonl and discarded.jsonl keep it, and as `--json` lists it.
pub fn operation_to_json(op: &Operation) -> Object {
    let target = |target: &Option<Target>| target.as_ref().map_or(Value::Null, |target| text(target.to_text()));
    let error = match &op.state {
        State::Rejected(words) | State::Dropped(words) => text(words),
        _ => Value::Null,
    };
    members([
        ("op_id", text(&op.op_id)),
        ("operation", text(op.shape.word())),
        ("entity_type", text(op.kind.name)),
        ("workspace_id", integer(op.workspace_id)),
        ("entity_id", text(op.target.to_text())),
        ("identifier", text(&op.name)),
        ("other", target(&op.other)),
        ("other_name", optional(&op.other_name)),
        ("payload", payload_to_json(op)),
        ("replaces", op.replaces.map_or(Value::Null, integer)),
        ("created_at", text(&op.created_at)),
        ("server", optional(&op.server)),
        ("account", optional(&op.account)),
        ("state", text(op.state.word())),
        ("error", error),
    ])
}

/// The inverse of `operation_to_json`, without what was sent. An answered one comes back as sent: its answer is not here.
pub fn operation_from_json(value: &Value) -> Option<Operation> {
    let get = |name| member(value, name);
    let kind = crate::model::kind(&as_text(get("entity_type"))?)?;
    let op_id = as_text(get("op_id"))?;
    // It goes into a request's header.
    if !op_id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return None;
    }
    let words = || as_text(get("error")).unwrap_or_default();
    let mut op = Operation {
        op_id,
        workspace_id: as_integer(get("workspace_id"))?,
        target: Target::parse(&as_text(get("entity_id"))?),
        other: as_text(get("other")).map(|text| Target::parse(&text)),
        name: as_text(get("identifier"))?,
        other_name: as_text(get("other_name")),
        replaces: as_integer(get("replaces")),
        created_at: as_text(get("created_at"))?,
        server: as_text(get("server")),
        account: as_text(get("account")),
        state: match as_text(get("state")).as_deref() {
            Some("rejected") => State::Rejected(words()),
            Some("queued") | None => State::Queued,
            Some("dropped") => State::Dropped(words()),
            Some("done") => State::Done,
            Some(_) => State::Sent,
        },
        ..Operation::new(kind, Shape::parse(&as_text(get("operation"))?, kind)?)
    };
    read_payload(&mut op, get("payload")?);
    Some(op)
}

/// The same for what discarded.jsonl keeps: its id may be empty, one is given when it is queued. What may have reached the
/// server stays sent; what was rejected is queued anew.
pub fn operation_from_json_to_restore(value: &Value) -> Option<Operation> {
    operation_from_json(value).map(|op| match op.state {
        State::Sent => op,
        _ => Operation { state: State::Queued, ..op },
    })
}

/// The `payload` column of `sync_queue`: all that a three-way merge needs (docs/sync.md).
pub fn payload_to_json(op: &Operation) -> Value {
    let mut payload = members([
        ("base_version", integer(op.seen_version)),
        ("base", patch_to_json(&op.base)),
        ("set", patch_to_json(&op.set)),
    ]);
    if let Some(condition) = &op.condition {
        let version = condition.version.map_or(Value::Null, integer);
        let fields = patch_to_json(&condition.fields);
        payload.insert("condition".into(), object([("version", version), ("fields", fields)]));
    }
    if op.links.iter().any(|side| !side.is_empty()) {
        let side = |targets: &Vec<Target>| Value::Array(targets.iter().map(|target| text(target.to_text())).collect());
        payload.insert("links".into(), Value::Array(op.links.iter().map(side).collect()));
    }
    Value::Object(payload)
}

pub fn read_payload(op: &mut Operation, payload: &Value) {
    let patch = |value: &Value, name| member(value, name).map(|v| patch_from_json(op.kind, v)).unwrap_or_default();
    let (base, set) = (patch(payload, "base"), patch(payload, "set"));
    let condition = member(payload, "condition").map(|condition| Condition {
        version: as_integer(member(condition, "version")),
        fields: patch(condition, "fields"),
    });
    op.seen_version = as_integer(member(payload, "base_version")).unwrap_or(0);
    (op.base, op.set, op.condition) = (base, set, condition);
    if let Some(Value::Array(sides)) = member(payload, "links") {
        for (side, given) in op.links.iter_mut().zip(sides) {
            let Value::Array(given) = given else { continue };
            side.extend(given.iter().filter_map(|target| Some(Target::parse(&as_text(Some(target))?))));
        }
    }
}

/// Parses text that we wrote ourselves; `Null` for anything that is no JSON.
pub fn parse(text: &str) -> Value {
    json::from_str(text).unwrap_or(Value::Null)
}
