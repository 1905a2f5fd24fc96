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
    /// Its cells are never cut: names that are typed again.
    pub whole: bool,
    /// It is left out where the others have no room, the last one first.
    pub optional: bool,
}

impl Column {
    pub fn left(header: &'static str) -> Column {
        Column { header, align: Align::Left, max: None, whole: false, optional: false }
    }

    pub fn right(header: &'static str) -> Column {
        Column { align: Align::Right, ..Column::left(header) }
    }

    pub fn max(self, columns: usize) -> Column {
        Column { max: Some(columns), ..self }
    }

    pub fn whole(self) -> Column {
        Column { whole: true, ..self }
    }

    pub fn optional(self) -> Column {
        Column { optional: true, ..self }
    }
}

/// Rows under headers.
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// Of each row the cell with a style of its own.
    styled: Vec<Option<(usize, Style)>>,
    no_header: bool,
}

impl Table {
    pub fn new(columns: impl Into<Vec<Column>>) -> Table {
        Table { columns: columns.into(), rows: Vec::new(), styled: Vec::new(), no_header: false }
    }

    /// Leaves the header out.
    pub fn no_header(&mut self) {
        self.no_header = true;
    }

    /// Adds a row: one cell for each column, as it came; missing ones are empty, extra ones are dropped.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let mut row: Vec<String> = cells.into_iter().map(|cell| sanitise::line(cell).into_owned()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
        self.styled.push(None);
    }

    /// Shows a cell of the last row in a style.
    pub fn style(&mut self, column: usize, style: Style) {
        if let Some(last) = self.styled.last_mut() {
            *last = Some((column, style));
        }
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
        if !self.no_header {
            let headers: Vec<String> = self.columns.iter().map(|column| column.header.to_string()).collect();
            let header = out.paint(Style::Bold, &self.lay_out(&headers, &widths, &|_, cell| cell));
            out.raw(&format!("{header}\n"))?;
        }
        for (row, styled) in self.rows.iter().zip(&self.styled) {
            let paint = |column: usize, cell: String| match styled {
                Some((at, style)) if *at == column => out.paint(*style, &cell),
                _ => cell,
            };
            let line = self.lay_out(row, &widths, &paint);
            out.raw(&line)?;
            out.raw("\n")?;
        }
        Ok(())
    }

    /// Columns of each column: as wide as its widest cell, and less where `terminal` has no room for that; 0 for one that is
    /// left out.
    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let widest = |at: usize, column: &Column| {
            let cells = self.rows.iter().map(|row| columns(&row[at])).max().unwrap_or(0);
            if cells == 0 && column.header.is_empty() { 0 } else { cells.max(columns(column.header)) }
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(|(at, column)| widest(at, column)).collect();
        let Some(terminal) = terminal else { return widths };
        for (width, column) in widths.iter_mut().zip(&self.columns) {
            *width = (*width).min(column.max.unwrap_or(usize::MAX));
        }
        let room = |widths: &[usize]| {
            let gaps = widths.iter().filter(|width| **width > 0).count().saturating_sub(1);
            terminal.saturating_sub(GAP.len() * gaps)
        };
        let least = |widths: &[usize]| -> usize {
            let each = widths.iter().zip(&self.columns);
            each.map(|(width, column)| if column.whole { *width } else { (*width).min(NARROWEST) }).sum()
        };
        while least(&widths) > room(&widths) {
            match (0..widths.len()).rev().find(|at| self.columns[*at].optional && widths[*at] > 0) {
                Some(last) => widths[last] = 0,
                None => break,
            }
        }
        while widths.iter().sum::<usize>() > room(&widths) {
            // The widest gives way first, down to the next widest.
            let shrinks = widths.iter_mut().zip(&self.columns).filter(|(_, column)| !column.whole);
            match shrinks.map(|(width, _)| width).max() {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => break,
            }
        }
        widths
    }

    fn lay_out(&self, cells: &[String], widths: &[usize], paint: &dyn Fn(usize, String) -> String) -> String {
        let mut line = String::new();
        for (at, ((cell, column), width)) in cells.iter().zip(&self.columns).zip(widths).enumerate() {
            if *width == 0 {
                continue;
            }
            let cell = truncate(cell, *width);
            let blank = " ".repeat(width - columns(&cell));
            let cell = paint(at, cell);
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
        let mut table = Table::new([Column::left("ID").whole(), Column::left("TITLE"), Column::right("PRIORITY")]);
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
                assert!(columns(&table.lay_out(row, &widths, &|_, cell| cell)) <= terminal, "{terminal}: {widths:?}");
            }
        }
    }

    #[test]
    fn a_column_has_its_most() {
        let mut table = Table::new([Column::left("TITLE").max(8), Column::left("X")]);
        table.row(["a long title", "y"]);
        assert_eq!(table.lay_out(&table.rows[0], &table.widths(Some(80)), &|_, cell| cell), "a long…   y");
        assert_eq!(table.lay_out(&table.rows[0], &table.widths(None), &|_, cell| cell), "a long title  y");
    }

    #[test]
    fn where_there_is_no_room_columns_go_and_names_stay() {
        let name = Column::left("ID").whole();
        let mut table = Table::new([name, Column::left("TITLE"), Column::left("OWNER").optional()]);
        table.row(["DEV-123456", "a long title", "somebody"]);
        table.style(0, Style::Red);
        let shown = |terminal| table.lay_out(&table.rows[0], &table.widths(Some(terminal)), &|_, cell| cell);
        assert_eq!(shown(40), "DEV-123456  a long title  somebody");
        assert_eq!(shown(30), "DEV-123456  a long…   somebody");
        assert_eq!(shown(24), "DEV-123456  a long title");
        assert_eq!(shown(18), "DEV-123456  a lon…");
        assert_eq!(shown(5), "DEV-123456  a lon…");
    }

    #[test]
    fn an_empty_table_prints_nothing() {
        let (mut out, stdout, _) = captured(Default::default());
        Table::new([Column::left("ID")]).print(&mut out).unwrap();
        out.flush().unwrap();
        assert_eq!(stdout.text(), "");
    }
}
