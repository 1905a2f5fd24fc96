//! Tables: columns aligned by display width. On a terminal the widest columns give way until a row fits into a line;
//! in a pipe nothing is cut. Cells are sanitised here, so that nobody forgets.

use crate::error::Error;
use crate::ui::width::{columns, truncate};
use crate::ui::{Output, Style, sanitise};

const GAP: &str = "  ";

/// Columns below which no column shrinks, however narrow the terminal: less says nothing.
const NARROWEST: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A column's header and how its cells are laid out.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub header: &'static str,
    pub align: Align,
    /// Most columns it takes on a terminal; `None` for as many as there are.
    pub max: Option<usize>,
}

impl Column {
    pub fn left(header: &'static str) -> Column {
        Column { header, align: Align::Left, max: None }
    }

    pub fn right(header: &'static str) -> Column {
        Column { header, align: Align::Right, max: None }
    }

    pub fn max(self, columns: usize) -> Column {
        Column { max: Some(columns), ..self }
    }
}

/// Rows under headers.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: impl Into<Vec<Column>>) -> Table {
        Table { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row: one cell for each column, as it came; missing ones are empty, extra ones are dropped.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let mut row: Vec<String> = cells.into_iter().map(|cell| sanitise::line(cell).into_owned()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the header and the rows; nothing at all for a table without rows.
    pub fn print(&self, out: &mut Output) -> Result<(), Error> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let widths = self.widths(out.columns());
        let headers: Vec<String> = self.columns.iter().map(|column| column.header.to_string()).collect();
        let header = out.paint(Style::Bold, &self.lay_out(&headers, &widths));
        out.raw(&format!("{header}\n"))?;
        for row in &self.rows {
            out.raw(&self.lay_out(row, &widths))?;
            out.raw("\n")?;
        }
        Ok(())
    }

    /// Columns of each column: as wide as its widest cell, and less where `terminal` has no room for that.
    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let widest = |at: usize, column: &Column| {
            let cells = self.rows.iter().map(|row| columns(&row[at])).max().unwrap_or(0);
            cells.max(columns(column.header))
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(|(at, column)| widest(at, column)).collect();
        let Some(terminal) = terminal else { return widths };
        for (width, column) in widths.iter_mut().zip(&self.columns) {
            *width = (*width).min(column.max.unwrap_or(usize::MAX));
        }
        let room = terminal.saturating_sub(GAP.len() * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            // The widest gives way first, down to the next widest: a title before an identifier.
            match widths.iter_mut().max() {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
        widths
    }

    fn lay_out(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), width) in cells.iter().zip(&self.columns).zip(widths) {
            let cell = truncate(cell, *width);
            let blank = " ".repeat(width - columns(&cell));
            match column.align {
                Align::Left => line.extend([&cell, &blank, GAP]),
                Align::Right => line.extend([&blank, &cell, GAP]),
            }
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::output::tests::captured;

    fn table() -> Table {
        let mut table = Table::new([Column::left("ID"), Column::left("TITLE"), Column::right("PRIORITY")]);
        table.row(["DEV-1", "日本語 👩‍👩‍👧‍👦", "2"]);
        table.row(["DEV-22", "a title that is rather long\nDEV-9  forged", "-1"]);
        table.row(["DEV-3"]);
        table
    }

    #[test]
    fn aligns_by_display_width_and_cuts_nothing_in_a_pipe() {
        let (mut out, stdout, _) = captured(Default::default());
        table().print(&mut out).unwrap();
        out.flush().unwrap();
        assert_eq!(
            stdout.text(),
            "ID      TITLE                                       PRIORITY\n\
             DEV-1   日本語 👩‍👩‍👧‍👦                                          2\n\
             DEV-22  a title that is rather long\\nDEV-9  forged        -1\n\
             DEV-3\n"
        );
    }

    #[test]
    fn fits_into_every_terminal() {
        for terminal in 22..100 {
            let table = table();
            let widths = table.widths(Some(terminal));
            for row in &table.rows {
                assert!(columns(&table.lay_out(row, &widths)) <= terminal, "{terminal}: {widths:?}");
            }
        }
    }

    #[test]
    fn a_column_has_its_most() {
        let mut table = Table::new([Column::left("TITLE").max(8), Column::left("X")]);
        table.row(["a long title", "y"]);
        assert_eq!(table.lay_out(&table.rows[0], &table.widths(Some(80))), "a long…   y");
        assert_eq!(table.lay_out(&table.rows[0], &table.widths(None)), "a long title  y");
    }

    #[test]
    fn an_empty_table_prints_nothing() {
        let (mut out, stdout, _) = captured(Default::default());
        Table::new([Column::left("ID")]).print(&mut out).unwrap();
        out.flush().unwrap();
        assert_eq!(stdout.text(), "");
    }
}
