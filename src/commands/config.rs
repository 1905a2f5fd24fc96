//! `anyt config`: the settings of config.json by name.

use super::Session;
use crate::cli::Id;
use crate::config::{SETTINGS, Setting, set_setting};
use crate::document::{list as list_of, object, optional, text};
use crate::error::{Error, Result};
use crate::ui::{Column, Table};
use miniserde::json::Value;

/// A setting, and what config.json says of it. One of an environment is there only where there is an environment.
type Found = (&'static Setting, Option<String>);

fn look(session: &Session, setting: &'static Setting) -> Result<Found> {
    let environment = if setting.of_environment { configured(session)? } else { String::new() };
    Ok((setting, session.config()?.setting(setting, &environment)?))
}

/// The name of the command's environment, which has to be one of config.json.
fn configured(session: &Session) -> Result<String> {
    let env = session.environment()?;
    match env.configured {
        Some(_) => Ok(env.name.to_string()),
        None => Err(crate::config::unknown(&session.config()?, env.name.as_str())),
    }
}

fn document((setting, value): &Found) -> Value {
    object([
        ("key", text(setting.key)),
        ("value", optional(value)),
        ("default", text(setting.default)),
        ("takes", text(setting.expects)),
        ("meaning", text(setting.meaning)),
    ])
}

fn named(session: &Session) -> Result<&'static Setting> {
    let key = &session.call.arguments()[0];
    Setting::named(key).ok_or_else(|| {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.key).collect();
        Error::usage(format!("there is no setting '{key}'")).hint(format!("there are: {}", known.join(", ")))
    })
}

pub fn list(session: &mut Session) -> Result<()> {
    let here = |setting: &&Setting| !setting.of_environment || configured(session).is_ok();
    let found = SETTINGS.iter().filter(here).map(|setting| look(session, setting)).collect::<Result<Vec<_>>>()?;
    session.answer(
        || list_of(found.iter().map(document).collect()),
        |out| {
            let mut table = Table::new([Column::left("KEY").whole(), Column::left("VALUE"), Column::left("MEANING")]);
            for (setting, value) in &found {
                let default = format!("({})", setting.default);
                table.row([setting.key, value.as_ref().unwrap_or(&default), setting.meaning]);
            }
            table.print(out)
        },
    )
}

pub fn get(session: &mut Session) -> Result<()> {
    let found = look(session, named(session)?)?;
    session.answer(|| document(&found), |out| out.line(found.1.as_deref().unwrap_or(found.0.default)))
}

/// `set` and `unset`.
pub fn set(session: &mut Session) -> Result<()> {
    let setting = named(session)?;
    let environment = if setting.of_environment { configured(session)? } else { String::new() };
    let raw = match session.call.arguments() {
        [_, typed] if session.call.id() == Id::ConfigSet => Some(setting.raw(typed).ok_or_else(|| {
            Error::usage(format!("{} takes {}, not '{typed}'", setting.key, setting.expects))
                .hint("nothing was changed")
        })?),
        _ => None,
    };
    set_setting(&session.paths()?, &setting.path(&environment), raw.as_deref())?;
    let found = look(session, setting)?;
    session.answer(|| document(&found), |_| Ok(()))?;
    session.out.say(&format!("✓ {} is {}", setting.key, found.1.as_deref().unwrap_or(setting.default)))
}
