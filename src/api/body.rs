//! A patch as the body of a request, by the descriptions of its fields: never a `null` (api.md 1.6), and words as the
//! server has them.

use super::generation;
use crate::document::filled;
use crate::model::kind::{Change, Type};
use crate::model::{Field, Patch, Value};
use crate::sync::remote::Request;
use miniserde::json;

/// The body of a create: what is nothing is left out, and what only an update takes.
pub(super) fn create(request: &Request, older_words: bool) -> String {
    let mut members = created(request.set, older_words);
    if let Some((name, value)) = generation::names_its_workspace(request) {
        members.insert(name.into(), value);
    }
    json::to_string(&members)
}

fn created(set: &Patch, older_words: bool) -> json::Object {
    let taken = |field: Field| matches!(field.change, Change::Free | Change::Filled | Change::Needed | Change::Unread);
    let given = set.iter().filter(|(field, value)| taken(field) && !matches!(value, Value::Null));
    render(given.map(|(field, value)| (*field, value.clone())), older_words)
}

/// The body of an update. To clear a text is to send an empty one, and no words are an empty list; the API has no way to
/// clear anything else, and the error names the field.
pub(super) fn update(set: &Patch, older_words: bool) -> Result<String, Field> {
    let plain = |(field, value): (&Field, &Value)| match value {
        Value::Null => cleared(field).map(|value| (*field, value)).ok_or(*field),
        value => Ok((*field, value.clone())),
    };
    let members = set.iter().map(plain).collect::<Result<Vec<_>, Field>>()?;
    let mut members = render(members.into_iter(), older_words);
    for field in set.keys() {
        if let Some(object) = generation::inside(field)
            && let Some(value) = members.remove(field.name)
        {
            members.insert(object.into(), crate::document::object([(field.name, value)]));
        }
    }
    Ok(json::to_string(&members))
}

/// What clears a field.
fn cleared(field: Field) -> Option<Value> {
    match (field.change, field.ty) {
        (Change::Never, _) => None,
        (_, Type::Words) => Some(Value::Set(Vec::new())),
        // A title or a status can be empty only by mistake, which the server says better.
        (_, Type::Text) => Some(Value::Text(String::new())),
        _ => None,
    }
}

fn render(members: impl Iterator<Item = (Field, Value)>, older_words: bool) -> json::Object {
    let mut members = members.map(|(field, value)| {
        let older = if older_words { generation::older(field, &value) } else { None };
        (field.name, older.unwrap_or(value).to_json())
    });
    filled(&mut members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::task::{CODING_AGENT, DESCRIPTION, ESTIMATE, LABELS, PARENT, PROJECT, STATUS, TITLE};

    #[test]
    fn a_create_leaves_out_what_is_nothing() {
        let set = Patch::from([
            (TITLE, Value::Text("a \"b\"\n".into())),
            (PARENT, Value::Null),
            (CODING_AGENT, Value::Text("x".into())),
            (DESCRIPTION, Value::Null),
            (LABELS, Value::Set(vec!["x".into()])),
            (PROJECT, Value::Int(3)),
        ]);
        assert_eq!(json::to_string(&created(&set, false)), r#"{"labels":["x"],"project_id":3,"title":"a \"b\"\n"}"#);
    }

    #[test]
    fn an_update_clears_without_null() {
        let set = Patch::from([(DESCRIPTION, Value::Null), (LABELS, Value::Null), (ESTIMATE, Value::Number(1.5))]);
        assert_eq!(update(&set, false).as_deref(), Ok(r#"{"description":"","estimate":1.5,"labels":[]}"#));
        assert_eq!(update(&Patch::from([(PARENT, Value::Null)]), false), Err(PARENT));
    }

    #[test]
    fn active_has_two_names() {
        let set = Patch::from([(STATUS, Value::Text("active".into())), (TITLE, Value::Text("active".into()))]);
        assert!(generation::has_older_word(&set));
        assert_eq!(json::to_string(&created(&set, false)), r#"{"status":"active","title":"active"}"#);
        assert_eq!(update(&set, true).as_deref(), Ok(r#"{"status":"inprogress","title":"active"}"#));
    }
}
