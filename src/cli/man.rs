//! Man pages: the command table as roff, anyt.1 and a page per command group.

use super::command::{Command, Example, Flag};
use super::help::{global_flags, own_flags, usage_line};
use super::table::ROOT;
use super::table::reference::{ENVIRONMENT, EXIT_CODES, Entry, FILES};
use super::tree::{everything, full_name, groups};

type Path = Vec<&'static Command>;

/// anyt.1: the commands at a glance, those without a group in full, the global flags, every variable and file.
pub fn main_page() -> String {
    let mut page = Page::new("anyt", ROOT.summary);
    page.section("SYNOPSIS");
    page.line(&format!("\\fBanyt\\fR {}", escape("[FLAGS] COMMAND [ARGUMENTS]")));
    page.section("DESCRIPTION");
    page.paragraphs(ROOT.description);
    page.section("COMMANDS");
    for group in groups() {
        let names = group.names().collect::<Vec<_>>().join(", ");
        let summary = format!("{}. See \\fBanyt\\-{}\\fR(1).", escape(group.summary), group.name);
        page.entry(&bold(&format!("anyt {names}")), &summary);
    }
    for path in everything().iter().filter(|path| path.len() == 2 && path[1].subcommands.is_empty()) {
        page.command(path);
    }
    page.section("OPTIONS");
    page.paragraphs("These flags may stand before or after the command. --json is for the commands that print data.");
    for flag in global_flags() {
        page.flag(flag);
    }
    page.reference(|_| true);
    let ungrouped = ROOT.shown().filter(|command| command.subcommands.is_empty());
    page.examples(ROOT.examples.iter().chain(ungrouped.flat_map(|command| command.examples)));
    page.see_also("");
    page.text
}

/// anyt-GROUP.1.
pub fn group_page(group: &'static Command) -> String {
    let mut page = Page::new(&format!("anyt-{}", group.name), group.summary);
    let commands: Vec<Path> =
        everything().into_iter().filter(|path| path.get(1).is_some_and(|command| command.name == group.name)).collect();
    page.section("SYNOPSIS");
    for (index, path) in commands.iter().filter(|path| is_leaf(path)).enumerate() {
        let name = full_name(path);
        let rest = usage_line(path)[name.len()..].to_string();
        let start = if index == 0 { "" } else { ".br\n" };
        page.line(&format!("{start}{}{}", bold(&name), escape(&rest)));
    }
    page.section("DESCRIPTION");
    if !group.aliases.is_empty() {
        page.paragraphs(&format!("'anyt {}' may be written 'anyt {}'.", group.name, group.aliases.join("' or 'anyt ")));
    }
    page.paragraphs(group.description);
    page.section("OPTIONS");
    page.paragraphs("The flags of every command are explained in anyt(1).");
    for path in commands.iter().filter(|path| is_leaf(path)) {
        page.command(path);
    }
    for (title, text) in group.sections {
        page.section(title);
        page.paragraphs(text);
    }
    page.reference(|entry| entry.groups.is_empty() || entry.groups.contains(&group.name));
    page.examples(commands.iter().flat_map(|path| path[path.len() - 1].examples));
    page.see_also(group.name);
    page.text
}

fn is_leaf(path: &Path) -> bool {
    path[path.len() - 1].id.is_some()
}

/// A page half written.
struct Page {
    text: String,
}

impl Page {
    fn new(name: &str, summary: &str) -> Page {
        let version = env!("CARGO_PKG_VERSION");
        let title = escape(&name.to_ascii_uppercase());
        let mut page =
            Page { text: String::from(".\\\" Generated from the command table by make docs; do not edit.\n") };
        page.line(&format!(".TH \"{title}\" \"1\" \"\" \"anyt {version}\" \"User Commands\""));
        page.line(".nh\n.ad l");
        page.section("NAME");
        page.line(&format!("{} \\- {}", escape(name), escape(&lower_first(summary))));
        page
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line(&format!(".SH \"{}\"", escape(title)));
    }

    fn paragraphs(&mut self, text: &str) {
        for (index, paragraph) in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()).enumerate() {
            if index > 0 || !self.text.trim_end().lines().last().is_some_and(|line| line.starts_with(".SH")) {
                self.line(".PP");
            }
            self.line(&escape(paragraph));
        }
    }

    /// A name and what it is, indented below it. Both are roff already.
    fn entry(&mut self, name: &str, text: &str) {
        self.line(&format!(".TP\n{name}\n{text}"));
    }

    fn flag(&mut self, flag: &Flag) {
        let short = flag.short.map_or(String::new(), |short| format!("{}, ", bold(&format!("-{short}"))));
        let value = if flag.is_switch() { String::new() } else { format!(" \\fI{}\\fR", escape(flag.value)) };
        let name = format!("{short}{}{value}", bold(&format!("--{}", flag.long)));
        self.entry(&name, &escape(&format!("{}.", flag.full_help())));
    }

    /// A command in full: usage, text, arguments, flags.
    fn command(&mut self, path: &Path) {
        let command = path[path.len() - 1];
        self.line(&format!(".SS \"{}\"", escape(&usage_line(path))));
        let aliases = match command.aliases {
            [] => String::new(),
            aliases => format!(" Also called {}.", aliases.join(", ")),
        };
        self.line(&escape(&format!("{}.{aliases}", command.summary)));
        // The description of a group is the page's own.
        if path.len() != 2 || command.subcommands.is_empty() {
            self.paragraphs(command.description);
        }
        for argument in command.arguments {
            self.entry(&format!("\\fI{}\\fR", escape(argument.name)), &escape(&format!("{}.", argument.help)));
        }
        for flag in own_flags(command) {
            self.flag(flag);
        }
    }

    fn reference(&mut self, belongs: impl Fn(&Entry) -> bool) {
        self.section("EXIT STATUS");
        for (code, meaning) in EXIT_CODES {
            self.entry(&bold(code), &escape(meaning));
        }
        for (title, entries) in [("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)] {
            self.section(title);
            for entry in entries.iter().filter(|entry| belongs(entry)) {
                self.entry(&bold(entry.name), &escape(entry.text));
            }
        }
    }

    fn examples<'a>(&mut self, examples: impl Iterator<Item = &'a Example>) {
        self.section("EXAMPLES");
        for example in examples {
            self.entry(&escape(&format!("{}:", example.what)), &bold(example.line));
        }
    }

    /// The other pages, without the one called `own`.
    fn see_also(&mut self, own: &str) {
        self.section("SEE ALSO");
        let pages = groups().map(|group| group.name).filter(|name| *name != own).map(|name| format!("anyt-{name}"));
        let main = (!own.is_empty()).then(|| String::from("anyt"));
        let pages: Vec<String> = main.into_iter().chain(pages).map(|page| format!("{}(1)", bold(&page))).collect();
        self.line(&pages.join(", "));
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

/// Text as roff prints it unchanged, wherever on a line it stands. Dashes become hyphen-minus so that flags can be
/// copied.
fn escape(text: &str) -> String {
    let mut roff = String::new();
    for letter in text.chars() {
        match letter {
            '\\' => roff.push_str("\\e"),
            '-' => roff.push_str("\\-"),
            '\'' => roff.push_str("\\(aq"),
            '"' => roff.push_str("\\(dq"),
            '`' => roff.push_str("\\(ga"),
            '~' => roff.push_str("\\(ti"),
            '^' => roff.push_str("\\(ha"),
            other => roff.push(other),
        }
    }
    if roff.starts_with('.') { format!("\\&{roff}") } else { roff }
}

/// `Create a task` → `create a task`: NAME lines start in lower case, except for names.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_read_as_roff() {
        assert_eq!(escape(".anyt/x"), "\\&.anyt/x");
        assert_eq!(escape("'--a' \\"), "\\(aq\\-\\-a\\(aq \\e");
    }
}
