//! A patch as the body of a request: never a `null` (api.md 1.6), and `active` under the name the server has for it.

use crate::model::{Field, Patch, Value};
use miniserde::json::{self, Object};

/// The body of a create: what is nothing is left out.
pub(super) fn create(set: &Patch, says_inprogress: bool) -> String {
    let given = set.iter().filter(|(_, value)| !matches!(value, Value::Null));
    render(given.map(|(field, value)| (*field, value.clone())), says_inprogress)
}

/// The body of an update. To clear a text is to send an empty one, and no labels are an empty list; the API has no way
/// to clear a number, and the error names the field.
pub(super) fn update(set: &Patch, says_inprogress: bool) -> Result<String, Field> {
    let plain = |(field, value): (&Field, &Value)| match (field, value) {
        (Field::Labels, Value::Null) => Ok((*field, Value::Set(Vec::new()))),
        (Field::Estimate | Field::Parent | Field::Priority | Field::Project, Value::Null) => Err(*field),
        (_, Value::Null) => Ok((*field, Value::Text(String::new()))),
        (_, value) => Ok((*field, value.clone())),
    };
    let members = set.iter().map(plain).collect::<Result<Vec<_>, Field>>()?;
    Ok(render(members.into_iter(), says_inprogress))
}

/// The patch sets the one status that has two names (api.md 3.14).
pub(super) fn sets_active(set: &Patch) -> bool {
    matches!(set.get(&Field::Status), Some(Value::Text(word)) if word == "active")
}

fn render(members: impl Iterator<Item = (Field, Value)>, says_inprogress: bool) -> String {
    let object: Object = members
        .map(|(field, value)| {
            let older = says_inprogress && field == Field::Status && value == Value::Text("active".into());
            let value = if older { Value::Text("inprogress".into()) } else { value };
            (field.name().to_string(), value.to_json())
        })
        .collect();
    json::to_string(&object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_create_leaves_out_what_is_nothing() {
        let set = Patch::from([
            (Field::Title, Value::Text("a \"b\"\n".into())),
            (Field::Parent, Value::Null),
            (Field::Description, Value::Null),
            (Field::Labels, Value::Set(vec!["x".into()])),
            (Field::Project, Value::Int(3)),
        ]);
        assert_eq!(create(&set, false), r#"{"labels":["x"],"project_id":3,"title":"a \"b\"\n"}"#);
    }

    #[test]
    fn an_update_clears_without_null() {
        let set = Patch::from([
            (Field::Description, Value::Null),
            (Field::Labels, Value::Null),
            (Field::Estimate, Value::Number(1.5)),
        ]);
        assert_eq!(update(&set, false).as_deref(), Ok(r#"{"description":"","estimate":1.5,"labels":[]}"#));
        assert_eq!(update(&Patch::from([(Field::Parent, Value::Null)]), false), Err(Field::Parent));
    }

    #[test]
    fn active_has_two_names() {
        let set =
            Patch::from([(Field::Status, Value::Text("active".into())), (Field::Title, Value::Text("active".into()))]);
        assert!(sets_active(&set));
        assert_eq!(create(&set, false), r#"{"status":"active","title":"active"}"#);
        assert_eq!(update(&set, true).as_deref(), Ok(r#"{"status":"inprogress","title":"active"}"#));
    }
}
