//! What people call tasks and projects. A server speaks of ids; nobody who sees `4` and knows `DEV-4` thinks of another
//! task, so no id is shown to a person or read from one where there is a name.

use crate::model::kind::{FieldDef, Type};
use crate::model::task::{PARENT, PROJECT, TASK};
use crate::model::{self, Field, Project, Row, Shape, Target, Value, project};
use crate::store::Store;

/// The names behind the ids of one workspace's tasks.
pub trait Names {
    /// The task of a parent id, the project of a project id.
    fn name(&self, field: Field, id: i64) -> Option<String>;

    /// What the row is called that a create operation makes.
    fn made_by(&self, op_id: &str) -> Option<String>;

    /// What somebody typed, as the field's value: `DEV-4`, `dev-4` or `4` for a parent, a project's name or id.
    fn value(&self, field: Field, typed: &str) -> Option<Value>;
}

/// A value of `field` as people write it. An id without a name says that it is one.
pub fn shown(field: Field, value: &Value, names: &dyn Names) -> String {
    match (field.ty, value) {
        (Type::Reference(_), Value::Int(id)) => names.name(field, *id).unwrap_or_else(|| format!("id {id}")),
        (_, Value::MadeBy(op_id)) => names.made_by(op_id).unwrap_or_else(|| "one that is made here".into()),
        _ => value.to_string(),
    }
}

/// The names that the cache knows, those of a pull under way included. A cache that cannot be read knows none.
pub struct Known<'a> {
    pub store: &'a Store,
    pub workspace_id: i64,
}

impl Known<'_> {
    fn task(&self, id: i64) -> Option<Row> {
        // What was just fetched is newer; outside of a pull there is no such table.
        let staged = self.store.staged_row(&TASK, id).ok().flatten();
        staged
            .or_else(|| self.store.row(&TASK, id).ok().flatten())
            .or_else(|| self.store.server_row(&TASK, id).ok().flatten())
    }

    fn task_called(&self, name: &Name) -> Option<Row> {
        let workspaces = self.store.workspaces().ok()?;
        let workspace = match &name.prefix {
            // Two may share a prefix (api.md 7); then it is this one.
            Some(prefix) => workspaces
                .into_iter()
                .filter(|known| known.identifier.eq_ignore_ascii_case(prefix))
                .max_by_key(|known| known.id == self.workspace_id)?,
            None => workspaces.into_iter().find(|known| known.id == self.workspace_id)?,
        };
        let identifier = format!("{}-{}", workspace.identifier, name.number);
        let renamed = || self.store.renamed(workspace.id, &identifier, "").ok().flatten();
        let named = self.store.row_named(&TASK, workspace.id, &identifier).ok().flatten();
        named.or_else(|| renamed().filter(Row::is_live))
    }

    /// A row that was made here is known by the create that makes it.
    fn target(&self, row: &Row) -> Option<Target> {
        if !row.is_provisional() {
            return Some(Target::Server(row.id));
        }
        let chain = self.store.waiting_of(row.kind, row.id).ok()?;
        chain.into_iter().find(|operation| operation.shape == Shape::Create).map(|create| create.target)
    }

    /// Id, name, and both as they are shown, because two projects may have one name.
    fn projects(&self) -> Vec<(i64, String, String)> {
        let known = self.store.projects(self.workspace_id).unwrap_or_default();
        // One that exists only here has no id that means anything.
        let shown = |one: &Project| if one.id < 0 { one.name.clone() } else { format!("{} ({})", one.name, one.id) };
        known.into_iter().map(|one| (one.id, shown(&one), one.name)).collect()
    }
}

impl Names for Known<'_> {
    fn name(&self, field: Field, id: i64) -> Option<String> {
        match field {
            field if field.ty == Type::Reference(TASK.name) => self.task(id).map(|task| task.name),
            field if field == PROJECT => self.projects().into_iter().find(|one| one.0 == id).map(|(_, shown, _)| shown),
            FieldDef { ty: Type::Reference(kind), .. } => self.store.name_of(model::kind(kind)?, id).ok().flatten(),
            _ => None,
        }
    }

    fn made_by(&self, op_id: &str) -> Option<String> {
        self.store.operation(op_id).ok().flatten().map(|create| create.name)
    }

    fn value(&self, field: Field, typed: &str) -> Option<Value> {
        match field {
            field if field == PARENT => self.target(&self.task_called(&Name::parse(typed)?)?).map(|one| one.to_value()),
            field if field == PROJECT => {
                let known = self.projects();
                let exact = known.iter().find(|(id, shown, _)| shown == typed || id.to_string() == typed);
                let found = exact.or_else(|| known.iter().find(|(.., name)| name.eq_ignore_ascii_case(typed)));
                let (id, ..) = found?;
                let row = self.store.row(&project::PROJECT, *id).ok().flatten();
                let target = row.and_then(|row| self.target(&row));
                Some(target.map_or(Value::Int(*id), |target| target.to_value()))
            }
            _ => None,
        }
    }
}

/// A task identifier as people type it.
#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    pub prefix: Option<String>,
    pub number: i64,
}

impl Name {
    pub fn parse(typed: &str) -> Option<Name> {
        let typed = typed.trim().trim_start_matches('#');
        let letters = typed.chars().take_while(char::is_ascii_alphabetic).count();
        let (prefix, rest) = typed.split_at(letters);
        let digits = rest.strip_prefix(['-', ' ', '_']).filter(|_| letters > 0).unwrap_or(rest);
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = all_digits.then(|| digits.parse().ok()).flatten()?;
        Some(Name { prefix: (letters > 0).then(|| prefix.to_ascii_uppercase()), number })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Task 17 is `DEV-4`, project 3 is `Web (3)`; nothing else has a name.
    pub struct Few;

    impl Names for Few {
        fn name(&self, field: Field, id: i64) -> Option<String> {
            let known = [(PARENT, 17, "DEV-4"), (PROJECT, 3, "Web (3)")];
            known.iter().find(|one| (one.0, one.1) == (field, id)).map(|(.., name)| name.to_string())
        }

        fn made_by(&self, _: &str) -> Option<String> {
            None
        }

        fn value(&self, field: Field, typed: &str) -> Option<Value> {
            let known = [(PARENT, 17, ["DEV-4", "4"]), (PROJECT, 3, ["Web", "3"])];
            known.iter().find(|one| one.0 == field && one.2.contains(&typed)).map(|one| Value::Int(one.1))
        }
    }

    #[test]
    fn identifiers_are_forgiving() {
        let dev = |number| Some(Name { prefix: Some("DEV".into()), number });
        for typed in ["DEV-42", "dev-42", "dev42", "DEV 42", " Dev_42 ", "dev042"] {
            assert_eq!(Name::parse(typed), dev(42), "{typed}");
        }
        for typed in ["42", "#42"] {
            assert_eq!(Name::parse(typed), Some(Name { prefix: None, number: 42 }), "{typed}");
        }
        for typed in ["", "-42", "DEV", "DEV-", "DEV-4x", "DEV--4", "99999999999999999999", "4.2", "٤٢"] {
            assert_eq!(Name::parse(typed), None, "{typed}");
        }
    }
}
