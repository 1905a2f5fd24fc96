//! The fish script.

use crate::cli::command::{Accepts, Argument, Command, Flag, Id};
use crate::cli::help::{global_flags, own_flags};
use crate::cli::tree::{everything, full_name};

pub fn script() -> String {
    let mut steps = String::new();
    let mut valued = String::new();
    let mut lines = String::new();
    for flag in global_flags() {
        lines.push_str(&flag_line("complete -c anyt", flag));
    }
    for path in everything() {
        let command = path[path.len() - 1];
        let name = full_name(&path);
        let place = format!("complete -c anyt -n '__anyt_at \"{name}\"'");
        for sub in command.shown() {
            lines.push_str(&format!("{place} -a {} -d {}\n", sub.name, quoted(sub.summary)));
            // 'anyt help' is left out: what follows it is completed as what follows 'anyt'.
            if sub.id != Some(Id::Help) {
                let words: Vec<String> = sub.names().map(|word| format!("'{name} {word}'")).collect();
                steps.push_str(&case(&words, &format!("set path '{name} {}'", sub.name)));
            }
        }
        own_flags(command).for_each(|flag| lines.push_str(&flag_line(&place, flag)));
        let spellings: Vec<String> =
            command.flags.iter().filter(|flag| !flag.is_switch()).flat_map(|flag| spellings(&name, flag)).collect();
        if !spellings.is_empty() {
            valued.push_str(&case(&spellings, SKIP));
        }
        if let Some(known) =
            command.arguments.first().map(|argument| argument.completes).filter(|known| !known.is_empty())
        {
            lines.push_str(&format!("{place} -k -a '(__anyt_known {known})'\n"));
        }
        if takes_files(command) {
            lines.push_str(&format!("{place} -F\n"));
        }
    }
    let global: Vec<String> =
        global_flags().filter(|flag| !flag.is_switch()).flat_map(|flag| spellings("*", flag)).collect();
    valued.push_str(&case(&global, SKIP));
    TEMPLATE.replace("@VALUED@", &valued).replace("@STEPS@", &steps).replace("@LINES@", &lines)
}

/// What the loop of `__anyt_path` does at a flag that takes a value.
const SKIP: &str = "set skip 1\n                continue";

fn case(patterns: &[String], action: &str) -> String {
    format!("            case {}\n                {action}\n", patterns.join(" "))
}

fn takes_files(command: &Command) -> bool {
    command.arguments.iter().any(|argument: &Argument| argument.name == "FILE")
}

/// `'anyt task create --description' 'anyt task create -d'`.
fn spellings(path: &str, flag: &Flag) -> Vec<String> {
    let short = flag.short.map(|short| format!("'{path} -{short}'"));
    [format!("'{path} --{}'", flag.long)].into_iter().chain(short).collect()
}

fn flag_line(place: &str, flag: &Flag) -> String {
    let short = flag.short.map_or(String::new(), |short| format!(" -s {short}"));
    let choices = flag.accepts.choices();
    let value = match flag.accepts {
        Accepts::Nothing => String::new(),
        Accepts::File => String::from(" -r -F"),
        Accepts::Folder => String::from(" -x -a '(__fish_complete_directories)'"),
        Accepts::Statuses => format!(" -x -a '(__fish_append , {})'", choices.join(" ")),
        Accepts::List if !flag.completes.is_empty() => {
            format!(" -x -k -a '(__fish_append , (__anyt_known {} list))'", flag.completes)
        }
        _ if !flag.completes.is_empty() => format!(" -x -k -a '(__anyt_known {})'", flag.completes),
        _ if choices.is_empty() => String::from(" -x"),
        _ => format!(" -x -a '{}'", choices.join(" ")),
    };
    format!("{place}{short} -l {}{value} -d {}\n", flag.long, quoted(flag.help))
}

/// Text between single quotes of fish.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

const TEMPLATE: &str = r#"# fish completion for anyt. Generated from the command table by make docs; do not edit.

# Prints the command that the words before the cursor name: anyt task create.
function __anyt_path
    set -l path anyt
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch "$path $word"
@VALUED@        end
        switch "$path $word"
@STEPS@        end
    end
    echo $path
end

# Prints the names that anyt knows, with their meaning; of a list for its last part.
function __anyt_known
    set -l word (commandline -ct)
    if test "$argv[2]" = list
        set word (string split -r -m 1 , -- $word)[-1]
    end
    anyt complete $argv[1] "$word" 2>/dev/null </dev/null
end

function __anyt_at
    test (__anyt_path) = "$argv[1]"
end

complete -c anyt -f
@LINES@"#;
