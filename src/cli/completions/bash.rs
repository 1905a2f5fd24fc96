//! The bash script. It stands alone: no bash-completion package is needed, and bash 3.2 can read it.

use super::flags;
use crate::cli::command::{Accepts, Command, Flag, Id};
use crate::cli::help::global_flags;
use crate::cli::tree::{everything, full_name};

pub fn script() -> String {
    let mut words = String::new();
    let mut steps = String::new();
    let mut values = String::new();
    for path in everything() {
        let command = path[path.len() - 1];
        let name = full_name(&path);
        words.push_str(&format!("        '{name}')\n{}            ;;\n", offers(command)));
        // 'anyt help' is left out: what follows it is completed as what follows 'anyt'.
        if path.len() > 1 && command.id != Some(Id::Help) {
            let group = full_name(&path[..path.len() - 1]);
            let patterns: Vec<String> = command.names().map(|word| format!("'{group} {word}'")).collect();
            steps.push_str(&format!("            {}) path='{name}' ;;\n", patterns.join(" | ")));
        }
        command.flags.iter().for_each(|flag| values.push_str(&value_line(&format!("'{name}'"), flag)));
    }
    global_flags().for_each(|flag| values.push_str(&value_line("*", flag)));
    TEMPLATE.replace("@WORDS@", &words).replace("@STEPS@", &steps).replace("@VALUES@", &values)
}

/// A case of `_anyt_value`: what a flag's value may be.
fn value_line(place: &str, flag: &Flag) -> String {
    let action = match flag.accepts {
        Accepts::Nothing => return String::new(),
        Accepts::File => String::from("COMPREPLY=($(compgen -f -- \"$cur\"))"),
        Accepts::Folder => String::from("COMPREPLY=($(compgen -d -- \"$cur\"))"),
        Accepts::Statuses => format!("_anyt_list '{}'", flag.accepts.choices().join(" ")),
        _ if !flag.completes.is_empty() => {
            let list = if flag.accepts.is_list() { " list" } else { "" };
            format!("_anyt_known {}{list}", flag.completes)
        }
        _ if flag.accepts.choices().is_empty() => return String::new(),
        _ => format!("COMPREPLY=($(compgen -W '{}' -- \"$cur\"))", flag.accepts.choices().join(" ")),
    };
    let short = flag.short.map_or(String::new(), |short| format!(" | {place}' -{short}'"));
    format!("        {place}' --{}'{short}) {action} ;;\n", flag.long)
}

/// What may follow a command: its subcommands, flags, and which flags take a value.
fn offers(command: &'static Command) -> String {
    let commands: Vec<&str> = command.shown().map(|sub| sub.name).collect();
    let spellings = |flag: &Flag| match flag.short {
        Some(short) => format!("--{} -{short}", flag.long),
        None => format!("--{}", flag.long),
    };
    let all: Vec<String> = flags(command).map(|flag| format!("--{}", flag.long)).collect();
    let valued: Vec<String> = flags(command).filter(|flag| !flag.is_switch()).map(spellings).collect();
    format!(
        "            commands='{}'\n            flags='{}'\n            valued=' {} '\n            known='{}'\n",
        commands.join(" "),
        all.join(" "),
        valued.join(" "),
        command.arguments.first().map_or("", |argument| argument.completes)
    )
}

const TEMPLATE: &str = r#"# bash completion for anyt. Generated from the command table by make docs; do not edit.

# Sets commands, flags, valued (flags that take a value) and known (what its arguments name) for the command in path.
_anyt_words() {
    case "$path" in
@WORDS@    esac
}

# Offers the values of the flag in prev; fails when it takes none.
_anyt_value() {
    case "$valued" in
        *" $prev "*) ;;
        *) return 1 ;;
    esac
    case "$path $prev" in
@VALUES@    esac
}

# Completes the last part of a list separated by commas.
_anyt_list() {
    local before=''
    case "$cur" in
        *,*) before="${cur%,*}," ;;
    esac
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${cur##*,}"))
}

# Offers the names that anyt knows. They come from a server: they are quoted, and never evaluated.
_anyt_known() {
    local before='' part="$cur" word
    if [ "$2" = list ]; then
        case "$cur" in
            *,*) before="${cur%,*}," part="${cur##*,}" ;;
        esac
    fi
    while IFS=$'\t' read -r word _; do
        COMPREPLY+=("$before$(printf '%q' "$word")")
    done < <(anyt complete "$1" "$part" 2>/dev/null </dev/null)
}

_anyt() {
    local cur prev path='anyt' commands='' flags='' valued='' known='' index word
    COMPREPLY=()
    _anyt_words
    # Which command is it? Values of flags are no commands; bash makes words of its own of '='.
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        case "$valued" in
            *" $word "*)
                index=$((index + 1))
                if [ "${COMP_WORDS[index]}" = '=' ]; then index=$((index + 1)); fi
                continue
                ;;
        esac
        case "$path $word" in
@STEPS@            *) continue ;;
        esac
        _anyt_words
    done
    cur="${COMP_WORDS[COMP_CWORD]}"
    prev="${COMP_WORDS[COMP_CWORD - 1]}"
    if [ "$cur" = '=' ]; then
        cur=''
    elif [ "$prev" = '=' ] && [ "$COMP_CWORD" -gt 1 ]; then
        prev="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    if _anyt_value; then
        return 0
    fi
    case "$cur" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
        *)
            if [ -n "$known" ]; then
                _anyt_known "$known"
            else
                COMPREPLY=($(compgen -W "$commands" -- "$cur"))
            fi
            ;;
    esac
}

complete -o default -F _anyt anyt
"#;
