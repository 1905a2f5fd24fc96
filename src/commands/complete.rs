//! `anyt complete`: what the cache knows that begins with a word, a line each with its meaning behind a tab. Completions call
//! it at every key: it opens no socket, and asks for no more than a person can look through.

use super::Session;
use super::context::EnvContext;
use super::describe::{describe, title};
use crate::error::{Error, Result};
use crate::model::Operation;

/// Names that are offered at most.
const OFFERED: u32 = 200;

pub fn run(session: &mut Session) -> Result<()> {
    let [what, rest @ ..] = session.call.arguments() else { return Ok(()) };
    let word = rest.first().map_or("", String::as_str);
    let offers: Vec<(String, String)> = match what.as_str() {
        "environments" => {
            session.config()?.environments.into_iter().map(|env| (env.name.to_string(), env.api_url)).collect()
        }
        other => known(session, other, word)?,
    };
    for (name, meaning) in offers.iter().filter(|(name, _)| begins(name, word)) {
        // A tab within would end the name.
        session.out.raw(&format!("{}\t{}\n", plain(name), plain(meaning)))?;
    }
    Ok(())
}

fn begins(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn plain(text: &str) -> String {
    crate::ui::sanitise::line(text).into_owned()
}

fn known(session: &mut Session, what: &str, word: &str) -> Result<Vec<(String, String)>> {
    let ctx = EnvContext::open(session)?;
    let numbered = |op: &Operation| (op.seq.to_string(), format!("{} {}", describe(op), title(&ctx.store, op)));
    let alone = |names: Vec<String>| names.into_iter().map(|name| (name, String::new())).collect();
    Ok(match what {
        "workspaces" => ctx.store.workspaces()?.into_iter().map(|one| (one.identifier, one.name)).collect(),
        "operations" => ctx.store.waiting()?.iter().map(numbered).collect(),
        "log" => ctx.store.operations(50)?.iter().map(numbered).collect(),
        "conflicts" => ctx.store.conflicts()?.into_iter().map(|one| (one.name, String::new())).collect(),
        _ => {
            let workspace = ctx.workspace(session)?;
            match what {
                "projects" => {
                    let known = ctx.store.projects(workspace.id)?;
                    known.into_iter().map(|one| (one.name, one.id.to_string())).collect()
                }
                "labels" => alone(ctx.store.label_names(workspace.id)?),
                "owners" => {
                    let members = ctx.store.members(workspace.id)?.into_iter().map(|one| one.user_id);
                    alone(std::iter::once("me".to_string()).chain(members).collect())
                }
                "tasks" => {
                    // `4` and `dev-4` begin DEV-42.
                    let typed = match word.bytes().next() {
                        Some(digit) if digit.is_ascii_digit() => format!("{}-{word}", workspace.identifier),
                        _ => word.to_ascii_uppercase(),
                    };
                    let named = |(name, title): (String, String)| {
                        let rest = name.get(typed.len()..).unwrap_or_default();
                        (format!("{word}{rest}"), title)
                    };
                    ctx.store.tasks_beginning(workspace.id, &typed, OFFERED)?.into_iter().map(named).collect()
                }
                _ => return Err(Error::usage(format!("nothing to complete is called '{what}'"))),
            }
        }
    })
}
