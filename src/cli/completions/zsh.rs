//! The zsh script: a function per command, each with its flags and either its subcommands or its arguments.

use super::{flags, quoted};
use crate::cli::command::{Accepts, Argument, Command, Flag, Id};
use crate::cli::tree::everything;

pub fn script() -> String {
    let mut script = String::from("#compdef anyt\n# Generated from the command table by make docs; do not edit.\n");
    for path in everything().iter().filter(|path| path[path.len() - 1].id != Some(Id::Help)) {
        script.push_str(&function(path));
    }
    script.push_str(KNOWN);
    script.push_str("\nif [ \"$funcstack[1]\" = _anyt ]; then\n    _anyt \"$@\"\nelse\n    compdef _anyt anyt\nfi\n");
    script
}

fn function(path: &[&'static Command]) -> String {
    let command = path[path.len() - 1];
    let name = function_name(path);
    let specs: Vec<String> = flags(command).flat_map(flag_specs).map(|spec| format!("        {spec} \\\n")).collect();
    let specs = specs.concat();
    if command.subcommands.is_empty() {
        let arguments: Vec<String> = command.arguments.iter().map(argument_spec).collect();
        let rest = arguments.join(" \\\n        ");
        return format!("\n{name}() {{\n    _arguments -s -S \\\n{specs}        {rest}\n}}\n");
    }
    let offers =
        command.shown().map(|sub| format!("                {}\n", quoted(&format!("{}:{}", sub.name, sub.summary))));
    let calls = command.shown().map(|sub| {
        let words: Vec<&str> = sub.names().collect();
        // What follows 'anyt help' is completed as what follows 'anyt'.
        let function = if sub.id == Some(Id::Help) { name.clone() } else { format!("{name}_{}", sub.name) };
        format!("                {}) {function} ;;\n", words.join(" | "))
    });
    TEMPLATE
        .replace("@NAME@", &name)
        .replace("@SPECS@", &specs)
        .replace("@OFFERS@", &offers.collect::<String>())
        .replace("@CALLS@", &calls.collect::<String>())
}

/// `_anyt_task_create`.
fn function_name(path: &[&Command]) -> String {
    path.iter().map(|command| format!("_{}", command.name)).collect()
}

/// One spec for each spelling of a flag.
fn flag_specs(flag: &'static Flag) -> Vec<String> {
    let help = flag.help.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
    let choices = flag.accepts.choices();
    let value = match flag.accepts {
        Accepts::Nothing => String::new(),
        Accepts::File => format!(":{}:_files", flag.value),
        Accepts::Folder => format!(":{}:_files -/", flag.value),
        Accepts::Statuses => format!(":{}:_values -s , status {}", flag.value, choices.join(" ")),
        Accepts::List if !flag.completes.is_empty() => format!(":{}: _anyt_known {} list", flag.value, flag.completes),
        _ if !flag.completes.is_empty() => format!(":{}: _anyt_known {}", flag.value, flag.completes),
        _ if choices.is_empty() => format!(":{}: ", flag.value),
        _ => format!(":{}:({})", flag.value, choices.join(" ")),
    };
    let attached = if flag.is_switch() { "" } else { "=" };
    let long = quoted(&format!("*--{}{attached}[{help}]{value}", flag.long));
    let short = flag.short.map(|short| quoted(&format!("*-{short}[{help}]{value}")));
    short.into_iter().chain([long]).collect()
}

fn argument_spec(argument: &Argument) -> String {
    let action = match argument.completes {
        "" if argument.name == "FILE" => "_files".to_string(),
        "" => " ".to_string(),
        known => format!(" _anyt_known {known}"),
    };
    let position = if argument.many { "*" } else { "" };
    quoted(&format!("{position}:{}:{action}", argument.name))
}

/// The names that anyt knows, with their meaning; of a list for its last part.
const KNOWN: &str = r#"
_anyt_known() {
    local line
    local -a found
    if [ "$2" = list ]; then
        compset -P '*,'
    fi
    while IFS= read -r line; do
        found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done < <(anyt complete "$1" "$PREFIX" 2>/dev/null </dev/null)
    _describe -V "$1" found
}
"#;

const TEMPLATE: &str = r#"
@NAME@() {
    local context state state_descr line
    local -a commands
    typeset -A opt_args
    _arguments -s -S -C \
@SPECS@        '1: :->command' \
        '*:: :->arguments'
    case "$state" in
        command)
            commands=(
@OFFERS@            )
            _describe -t commands command commands
            ;;
        arguments)
            case "$line[1]" in
@CALLS@            esac
            ;;
    esac
}
"#;
