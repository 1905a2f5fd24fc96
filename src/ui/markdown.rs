//! Long text of a task for reading. On a terminal: headings bold, code dim and indented, long lines wrapped between
//! words with the indent of their list item or quote. In a pipe: the text, sanitised, and nothing else.
//! Always behind a margin, so that no line of it passes for one of ours.
//! Only the fences around code go; this is no Markdown parser, and what it does not know it prints as it is.

use crate::error::Error;
use crate::ui::width::{columns, wrap};
use crate::ui::{Output, Style, sanitise};

/// Columns below which nothing is wrapped.
const NARROWEST: usize = 20;

/// Before every line, as `git log` does it: the text may hold lines that look like ours, and ours begin at the margin.
const MARGIN: &str = "  ";

/// Prints `text`, indented, with a newline at its end; nothing for an empty one.
pub fn print(out: &mut Output, text: &str) -> Result<(), Error> {
    let text = sanitise::text(text);
    let text = text.trim_end();
    if text.is_empty() {
        return Ok(());
    }
    let rendered = match out.columns() {
        Some(width) => render(out, text, width.saturating_sub(MARGIN.len()).max(NARROWEST)),
        None => text.to_string(),
    };
    let margin = |line: &str| if line.is_empty() { "\n".to_string() } else { format!("{MARGIN}{line}\n") };
    out.raw(&rendered.lines().map(margin).collect::<String>())
}

fn render(out: &Output, text: &str, width: usize) -> String {
    let mut page = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let line = &line.replace('\t', "    ");
        match (&fence, fence_of(line)) {
            (Some(open), Some(close)) if close.starts_with(open.as_str()) && line.trim() == close => fence = None,
            (Some(_), _) => push(&mut page, format!("  {}", out.paint(Style::Dim, line)).trim_end()),
            (None, Some(open)) => fence = Some(open.to_string()),
            (None, None) if is_heading(line) => push(&mut page, &out.paint(Style::Bold, line)),
            (None, None) => flow(&mut page, line, width),
        }
    }
    page
}

fn push(page: &mut String, line: &str) {
    page.push_str(line);
    page.push('\n');
}

/// A line of ordinary text, wrapped where it is too long.
fn flow(page: &mut String, line: &str, width: usize) {
    let start = beginning(line);
    let is_code = start.len() >= 4 && start.trim().is_empty();
    // Tables and indented code lose their sense when they are wrapped.
    if columns(line) <= width || is_code || line.trim_start().starts_with('|') {
        return push(page, line.trim_end());
    }
    let quoted = start.contains('>');
    let hanging = if quoted { start.to_string() } else { " ".repeat(start.len()) };
    let room = width.saturating_sub(start.len()).max(NARROWEST / 2);
    for (at, part) in wrap(&line[start.len()..], room).iter().enumerate() {
        push(page, &format!("{}{part}", if at == 0 { start } else { &hanging }));
    }
}

/// What a line begins with: indent, quote sign, list mark. ASCII, so its bytes are its columns.
fn beginning(line: &str) -> &str {
    let body = line.trim_start_matches([' ', '>']);
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let mark = match digits {
        0 if ["- ", "* ", "+ "].iter().any(|mark| body.starts_with(mark)) => 2,
        1..=9 if [". ", ") "].iter().any(|mark| body[digits..].starts_with(mark)) => digits + 2,
        _ => 0,
    };
    &line[..line.len() - body.len() + mark]
}

fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

/// The backticks or tildes that a fence line begins with.
fn fence_of(line: &str) -> Option<&str> {
    let body = line.trim_start();
    let sign = body.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
    let length = body.len() - body.trim_start_matches(sign).len();
    (length >= 3).then_some(&body[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::output::tests::captured;
    use crate::ui::{ColorChoice, OutputOptions};

    fn rendered(color: ColorChoice, text: &str) -> String {
        let (out, _, _) = captured(OutputOptions { color, ..Default::default() });
        render(&out, text, 24)
    }

    #[test]
    fn a_pipe_gets_the_text() {
        let (mut out, stdout, _) = captured(Default::default());
        print(&mut out, "# A\r\n\r\n```sh\n\tls\x1b\n```\n\n").unwrap();
        print(&mut out, "").unwrap();
        out.flush().unwrap();
        assert_eq!(stdout.text(), "  # A\n\n  ```sh\n  \tls\\x1b\n  ```\n");
    }

    #[test]
    fn long_lines_keep_their_indent() {
        for (given, expected) in [
            ("the quick brown fox jumps over", "the quick brown fox\njumps over\n"),
            ("- the quick brown fox jumps over", "- the quick brown fox\n  jumps over\n"),
            ("  10. the quick brown fox jumps", "  10. the quick brown\n      fox jumps\n"),
            ("> the quick brown fox jumps over", "> the quick brown fox\n> jumps over\n"),
            ("- [x] https://example.org/a/very/long/one", "- [x]\n  https://example.org/a/very/long/one\n"),
            ("日本語 日本語 日本語 日本語", "日本語 日本語 日本語\n日本語\n"),
            ("| a table | is never wrapped at all |", "| a table | is never wrapped at all |\n"),
            ("    let code = indented(by, four, columns);", "    let code = indented(by, four, columns);\n"),
            ("short   spaces stay", "short   spaces stay\n"),
        ] {
            assert_eq!(rendered(ColorChoice::Never, given), expected);
        }
    }

    #[test]
    fn headings_and_code_are_styled() {
        let text = "# Plan\n```rust\n# not a heading\n~~~\n\tx\n```\n#tag";
        assert_eq!(rendered(ColorChoice::Never, text), "# Plan\n  # not a heading\n  ~~~\n      x\n#tag\n");
        assert!(rendered(ColorChoice::Always, text).starts_with("\x1b[1m# Plan\x1b[0m\n  \x1b[2m# not"));
    }
}
