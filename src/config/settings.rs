//! The settings of config.json by the names that `anyt config` has for them: what each takes, and what it is without.

use crate::json;

/// A member of config.json that people set.
pub struct Setting {
    /// `sync.merge`; below `environments` and the environment's name where `of_environment` is true.
    pub key: &'static str,
    pub of_environment: bool,
    takes: Takes,
    /// What it takes, in words.
    pub expects: &'static str,
    /// What counts without it, in words.
    pub default: &'static str,
    pub meaning: &'static str,
}

enum Takes {
    Text,
    Flag,
    OneOf(&'static [&'static str]),
    /// A whole number from 1 to this one.
    UpTo(u32),
}

pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "editor",
        of_environment: false,
        takes: Takes::Text,
        expects: "a command line",
        default: "vi",
        meaning: "The editor, after VISUAL and EDITOR",
    },
    Setting {
        key: "sync.merge",
        of_environment: false,
        takes: Takes::Flag,
        expects: "true or false",
        default: "true",
        meaning: "Merge changes of different fields without asking",
    },
    Setting {
        key: "sync.resolve",
        of_environment: false,
        takes: Takes::OneOf(&["local", "remote", "skip"]),
        expects: "local, remote or skip",
        default: "ask",
        meaning: "Settle conflicts this way instead of asking",
    },
    Setting {
        key: "sync.page_size",
        of_environment: false,
        takes: Takes::UpTo(1000),
        expects: "a whole number from 1 to 1000",
        default: "100",
        meaning: "Tasks per request",
    },
    Setting {
        key: "default_workspace",
        of_environment: true,
        takes: Takes::Text,
        expects: "a workspace's identifier or id",
        default: "the only one",
        meaning: "The workspace where no directory says otherwise",
    },
    Setting {
        key: "default_project",
        of_environment: true,
        takes: Takes::Text,
        expects: "a project's name or id",
        default: "the first one",
        meaning: "The project of new tasks where no directory says otherwise",
    },
    Setting {
        key: "allow_insecure_http",
        of_environment: true,
        takes: Takes::Flag,
        expects: "true or false",
        default: "false",
        meaning: "Send the token over plain http beyond this machine",
    },
];

impl Setting {
    pub fn named(key: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The members on the way to it in config.json.
    pub fn path<'a>(&'a self, environment: &'a str) -> Vec<&'a str> {
        if self.of_environment { vec!["environments", environment, self.key] } else { self.key.split('.').collect() }
    }

    /// What somebody typed as raw JSON; `None` for what it does not take.
    pub fn raw(&self, typed: &str) -> Option<String> {
        let is_text = matches!(self.takes, Takes::Text | Takes::OneOf(_));
        let raw = if is_text { json::quote(typed) } else { typed.to_string() };
        self.value(&raw).map(|_| raw)
    }

    /// The value of raw JSON as people write it; `None` for what it does not take.
    pub fn value(&self, raw: &str) -> Option<String> {
        match self.takes {
            // The published clients write a project's number without quotes.
            Takes::Text => json::string(raw)
                .or_else(|| raw.parse::<i64>().ok().filter(|_| self.of_environment).map(|number| number.to_string()))
                .filter(|text| !text.trim().is_empty()),
            Takes::Flag => raw.parse::<bool>().ok().map(|flag| flag.to_string()),
            Takes::OneOf(words) => json::string(raw).filter(|word| words.contains(&word.as_str())),
            Takes::UpTo(most) => {
                raw.parse::<u32>().ok().filter(|number| (1..=most).contains(number)).map(|number| number.to_string())
            }
        }
    }
}
