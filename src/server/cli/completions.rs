//! Completions for bash, zsh and fish. They complete commands, options and file names, and never run anyt-server.

use super::help::shown;
use super::table::{Command, EVERYWHERE, Flag, SERVE};

const NOTE: &str = "Generated from the command table by make docs; do not edit.";

/// `user token backup …`: the first words of the commands.
fn firsts() -> Vec<&'static str> {
    let mut words: Vec<&str> = shown().filter_map(|command| command.words.split(' ').next()).collect();
    words.dedup();
    words
}

/// What may follow the first word, where something must.
fn seconds(first: &str) -> Vec<&'static str> {
    shown()
        .filter_map(|command| command.words.split_once(' '))
        .filter(|(word, _)| *word == first)
        .map(|(_, w)| w)
        .collect()
}

fn longs(command: &Command) -> String {
    command.all_flags().map(|flag| format!("--{}", flag.long)).collect::<Vec<_>>().join(" ")
}

fn all_flags() -> Vec<&'static Flag> {
    let mut flags: Vec<&Flag> = Vec::new();
    for flag in SERVE.all_flags().chain(shown().flat_map(Command::all_flags)) {
        if !flags.iter().any(|known| known.long == flag.long) {
            flags.push(flag);
        }
    }
    flags
}

/// `--a|--b`: flags that take a value, paths or others.
fn valued(paths: bool) -> String {
    let flags = all_flags().into_iter().filter(|flag| !flag.value.is_empty() && flag.is_path == paths);
    flags.map(|flag| format!("--{}", flag.long)).collect::<Vec<_>>().join("|")
}

pub fn bash() -> String {
    let mut cases = String::new();
    for command in shown() {
        cases += &format!("        '{0}' | '{0} '*) flags='{1}' ;;\n", command.words, longs(command));
    }
    let mut groups = String::new();
    for first in firsts().into_iter().filter(|first| !seconds(first).is_empty()) {
        groups += &format!("        {first}) words='{}' ;;\n", seconds(first).join(" "));
    }
    format!(
        r#"# bash completion for anyt-server. {NOTE}

_anyt_server() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD - 1]}}" path='' words='' flags='' index word
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${{COMP_WORDS[index]}}"
        case "$word" in
            {paths}|{values}) index=$((index + 1)) ;;
            -*) ;;
            *) path="${{path:+$path }}$word" ;;
        esac
    done
    case "$path" in
        '') words='{firsts}' flags='{serve}' ;;
{groups}{cases}    esac
    case "$prev" in
        {paths}) COMPREPLY=($(compgen -f -- "$cur")); return 0 ;;
        --role) COMPREPLY=($(compgen -W 'owner admin member viewer' -- "$cur")); return 0 ;;
        {values}) return 0 ;;
    esac
    case "$cur" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    esac
}}

complete -o default -F _anyt_server anyt-server
"#,
        paths = valued(true),
        values = valued(false),
        firsts = firsts().join(" "),
        serve = longs(&SERVE),
    )
}

pub fn zsh() -> String {
    let mut specs = String::new();
    for flag in all_flags() {
        let action = match (flag.value.is_empty(), flag.is_path, flag.long) {
            (true, ..) => String::new(),
            (_, true, _) => format!(":{}:_files", flag.value),
            (.., "role") => String::from(":ROLE:(owner admin member viewer)"),
            _ => format!(":{}: ", flag.value.replace(['[', ']'], "")),
        };
        specs += &format!("    '*--{}[{}]{action}' \\\n", flag.long, escape(flag.help));
    }
    let mut groups = String::new();
    for first in firsts().into_iter().filter(|first| !seconds(first).is_empty()) {
        groups += &format!("        {first}) compadd {} ;;\n", seconds(first).join(" "));
    }
    format!(
        "#compdef anyt-server\n# {NOTE}\n\n_anyt_server_second() {{\n    case \"$words[2]\" in\n{groups}        \
         *) _files ;;\n    esac\n}}\n\n_arguments \\\n{specs}    '1:command:({})' \\\n    '2: :_anyt_server_second' \
         \\\n    '3: :_files'\n",
        firsts().join(" ")
    )
}

pub fn fish() -> String {
    let mut text = format!("# fish completion for anyt-server. {NOTE}\n\n");
    let line = |condition: &str, rest: &str| format!("complete -c anyt-server -n '{condition}' {rest}\n");
    for first in firsts() {
        text += &line("__fish_use_subcommand", &format!("-f -a {first}"));
        for second in seconds(first) {
            let seen = format!(
                "__fish_seen_subcommand_from {first}; and not __fish_seen_subcommand_from {}",
                seconds(first).join(" ")
            );
            let help = shown().find(|command| command.words == format!("{first} {second}")).map_or("", |c| c.help);
            text += &line(&seen, &format!("-f -a {second} -d {}", quoted(help)));
        }
    }
    for flag in SERVE.flags {
        text += &line("__fish_use_subcommand", &spec(flag));
    }
    for flag in EVERYWHERE {
        text += &format!("complete -c anyt-server {}\n", spec(flag));
    }
    for command in shown() {
        let seen: Vec<String> =
            command.words.split(' ').map(|word| format!("__fish_seen_subcommand_from {word}")).collect();
        for flag in command.flags {
            text += &line(&seen.join("; and "), &spec(flag));
        }
    }
    text
}

fn spec(flag: &Flag) -> String {
    let value = match (flag.value.is_empty(), flag.is_path, flag.long) {
        (true, ..) => "",
        (_, true, _) => " -r",
        (.., "role") => " -x -a 'owner admin member viewer'",
        _ => " -x",
    };
    format!("-l {}{value} -d {}", flag.long, quoted(flag.help))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "\\'"))
}

/// For zsh's descriptions, which stand in single quotes.
fn escape(text: &str) -> String {
    text.replace('\'', "'\\''").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}
