//! Tasks as a table: which columns there are, what stands in them, and what the marks mean.

use crate::commands::context::EnvContext;
use crate::error::{Error, Result};
use crate::model::task::{STATUS, TASK};
use crate::model::{Field, Row};
use crate::names::{Known, shown};
use crate::store::ShownRow;
use crate::time::Timestamp;
use crate::ui::{Column, Output, Style, Table, sanitise};

/// The columns by the names people type, with their headers. One that is no member of a row itself is a field of the kind.
const COLUMNS: [(&str, &str); 17] = [
    ("id", "ID"),
    ("mark", ""),
    ("status", "STATUS"),
    ("priority", "PRI"),
    ("title", "TITLE"),
    ("owner", "OWNER"),
    ("labels", "LABELS"),
    ("project", "PROJECT"),
    ("phase", "PHASE"),
    ("estimate", "ESTIMATE"),
    ("parent", "PARENT"),
    ("created", "CREATED"),
    ("updated", "UPDATED"),
    ("completed", "COMPLETED"),
    ("version", "VERSION"),
    ("description", "DESCRIPTION"),
    ("uid", "UID"),
];
const USUAL: usize = 7;

/// Shown as a minute of this machine's zone; as they are in values for programs.
const TIMES: [&str; 3] = ["created", "updated", "completed"];

/// Changes of it wait to be sent; it depends on an open task.
const PENDING: &str = "*";
const BLOCKED: &str = "!";

/// The chosen columns: places in `COLUMNS`.
pub struct Columns(Vec<usize>);

impl Columns {
    /// `--columns id,title`; those that are usual where none are named.
    pub fn named(names: Option<Vec<&str>>) -> Result<Columns> {
        let Some(names) = names else { return Ok(Columns((0..USUAL).collect())) };
        let place = |name: &&str| {
            COLUMNS.iter().position(|column| column.0 == *name).ok_or_else(|| {
                let known: Vec<&str> = COLUMNS.iter().map(|column| column.0).collect();
                Error::usage(format!("there is no column '{name}'")).hint(format!("there are: {}", known.join(", ")))
            })
        };
        Ok(Columns(names.iter().map(place).collect::<Result<_>>()?))
    }

    /// The fields that they show.
    pub fn fields(&self) -> Vec<Field> {
        let shown = |field: &Field| *field == STATUS || self.0.iter().any(|at| COLUMNS[*at].0 == field.word);
        TASK.fields.iter().filter(shown).collect()
    }

    pub fn print(&self, out: &mut Output, ctx: &EnvContext, rows: &[ShownRow], header: bool) -> Result<()> {
        let mut table = Table::new(self.0.iter().map(|at| column(*at)).collect::<Vec<_>>());
        if !header {
            table.no_header();
        }
        let status = self.0.iter().position(|at| COLUMNS[*at].0 == "status");
        for shown in rows {
            let mut cells = self.cells(ctx, shown);
            for (_, cell) in self.0.iter().zip(&mut cells).filter(|(at, _)| TIMES.contains(&COLUMNS[**at].0)) {
                *cell = Timestamp::on_screen(cell);
            }
            table.row(cells.iter().map(String::as_str));
            if let (Some(column), Some(style)) = (status, style_of(shown.row.status())) {
                table.style(column, style);
            }
        }
        table.print(out)?;
        // Where nobody looks, the marks need no explanation.
        if self.0.contains(&1) && out.columns().is_some() {
            let explain = |is_there: bool, mark, words| is_there.then(|| format!("{mark} {words}"));
            let marks = [
                explain(rows.iter().any(|shown| shown.pending), PENDING, "not sent yet"),
                explain(rows.iter().any(|shown| shown.blocked), BLOCKED, "waits for an open task"),
            ];
            let marks: Vec<String> = marks.into_iter().flatten().collect();
            if !marks.is_empty() {
                out.note(&marks.join("   "))?;
            }
        }
        Ok(())
    }

    /// Comma-separated values (RFC 4180). Nothing is cut.
    pub fn print_csv(&self, out: &mut Output, ctx: &EnvContext, rows: &[ShownRow], header: bool) -> Result<()> {
        let quoted = |cell: &str| {
            let text = sanitise::text(cell);
            match text.contains([',', '"', '\n']) {
                true => format!("\"{}\"", text.replace('"', "\"\"")),
                false => text.into_owned(),
            }
        };
        let mut line = |cells: Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            out.raw(&format!("{}\r\n", cells.join(",")))
        };
        if header {
            line(self.0.iter().map(|at| COLUMNS[*at].0.to_string()).collect())?;
        }
        rows.iter().try_for_each(|shown| line(self.cells(ctx, shown)))
    }

    fn cells(&self, ctx: &EnvContext, shown: &ShownRow) -> Vec<String> {
        self.0.iter().map(|at| cell(ctx, shown, COLUMNS[*at].0)).collect()
    }
}

fn column(at: usize) -> Column {
    let (name, header) = COLUMNS[at];
    let column = Column::left(header);
    match name {
        "id" | "mark" => column.whole(),
        "priority" | "version" | "estimate" => Column::right(header).whole(),
        "status" => column,
        "title" | "description" => column,
        "owner" => column.max(16).optional(),
        "labels" => column.max(24).optional(),
        _ => column.optional(),
    }
}

fn cell(ctx: &EnvContext, shown_row: &ShownRow, name: &str) -> String {
    let row: &Row = &shown_row.row;
    match name {
        "id" => row.name.clone(),
        "mark" => [(shown_row.pending, PENDING), (shown_row.blocked, BLOCKED)]
            .iter()
            .filter_map(|(is_there, mark)| is_there.then_some(*mark))
            .collect(),
        "labels" => row.labels().join(","),
        "created" => row.created_at.clone(),
        "updated" => row.updated_at.clone(),
        "version" => row.version.to_string(),
        "uid" => row.uid.clone().unwrap_or_default(),
        name => TASK.fields.iter().find(|field| field.word == name).map_or_else(String::new, |field| {
            let names = Known { store: &ctx.store, workspace_id: row.workspace_id };
            match row.get(field) {
                crate::model::Value::Null => String::new(),
                crate::model::Value::Text(text) => text.clone(),
                value => shown(field, value, &names),
            }
        }),
    }
}

pub fn style_of(status: &str) -> Option<Style> {
    match status {
        "active" => Some(Style::Yellow),
        "blocked" => Some(Style::Red),
        "done" => Some(Style::Green),
        "canceled" | "archived" => Some(Style::Dim),
        _ => None,
    }
}
