//! Who may do what: the one table of roles and rights. Every route names the right it needs (`routes`), and docs/server.md
//! shows this table; a test compares them.

use crate::problem::{Outcome, Problem};

/// A member's role in a workspace. The order is that of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Member,
    Admin,
    Owner,
}

impl Role {
    #[cfg(test)]
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Member, Role::Admin, Role::Owner];

    pub fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Member => "member",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }

    /// The words of this server, and those that the product's documents have (api.md 3.14).
    pub fn parse(word: &str) -> Option<Role> {
        Some(match word.to_ascii_lowercase().as_str() {
            "viewer" => Role::Viewer,
            "member" | "contributor" => Role::Member,
            "admin" | "maintainer" => Role::Admin,
            "owner" => Role::Owner,
            _ => return None,
        })
    }

    /// 422 for a word that is no role.
    pub fn of_body(word: &str) -> Outcome<Role> {
        Role::parse(word)
            .ok_or_else(|| Problem::invalid("role", format!("'{word}' is none of owner, admin, member, viewer")))
    }
}

/// What a request needs. In the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See what is the caller's own: who it is, its preferences, the list of its workspaces.
    SeeSelf,
    /// Change what is the caller's own.
    ChangeSelf,
    /// Make a workspace, and be its owner.
    MakeWorkspace,
    /// See a workspace and everything in it.
    Read,
    /// Make and change what a workspace holds.
    Write,
    /// Run agents on tasks.
    Execute,
    /// API keys of one's own.
    Keys,
    /// Delete a project with its tasks.
    DeleteProject,
    /// Members and their roles; the workspace's name and description.
    Manage,
    /// Delete the workspace.
    DeleteWorkspace,
}

impl Right {
    #[cfg(test)]
    pub const ALL: [Right; 10] = [
        Right::SeeSelf,
        Right::ChangeSelf,
        Right::MakeWorkspace,
        Right::Read,
        Right::Write,
        Right::Execute,
        Right::Keys,
        Right::DeleteProject,
        Right::Manage,
        Right::DeleteWorkspace,
    ];

    /// For the table in the documentation.
    #[cfg(test)]
    pub fn words(self) -> &'static str {
        match self {
            Right::SeeSelf => "see oneself, one's preferences and the list of one's workspaces",
            Right::ChangeSelf => "change one's preferences",
            Right::MakeWorkspace => "make a workspace (and be its owner)",
            Right::Read => "see the workspace, its projects, tasks, comments, labels and members",
            Right::Write => "make, change and delete tasks, comments, labels, dependencies; make and change projects",
            Right::Execute => "attempts and artifacts of agents",
            Right::Keys => "make, list and revoke API keys of one's own",
            Right::DeleteProject => "delete a project and its tasks",
            Right::Manage => "add and remove members, set their roles, change the workspace",
            Right::DeleteWorkspace => "delete the workspace; make others owners",
        }
    }

    /// The weakest role that has it; `None` where it needs no workspace.
    pub fn least(self) -> Option<Role> {
        match self {
            Right::SeeSelf | Right::ChangeSelf | Right::MakeWorkspace => None,
            Right::Read => Some(Role::Viewer),
            Right::Write | Right::Execute | Right::Keys => Some(Role::Member),
            Right::DeleteProject | Right::Manage => Some(Role::Admin),
            Right::DeleteWorkspace => Some(Role::Owner),
        }
    }

    /// The permission that an API key needs for it (api.md 1.2); `None` where no key has it. A key can never do more than
    /// its user.
    pub fn permission(self) -> Option<&'static str> {
        match self {
            Right::SeeSelf | Right::Read => Some("read"),
            Right::ChangeSelf | Right::Write => Some("write"),
            Right::Execute => Some("execute"),
            Right::MakeWorkspace | Right::Keys | Right::DeleteProject | Right::Manage | Right::DeleteWorkspace => None,
        }
    }

    /// What a route needs that names nothing else: below a workspace, to write for whatever changes something.
    pub const fn usual(method: &str, path: &str) -> Right {
        match (is_get(method), is_below_workspace(path)) {
            (true, true) => Right::Read,
            (false, true) => Right::Write,
            (true, false) => Right::SeeSelf,
            (false, false) => Right::ChangeSelf,
        }
    }
}

const fn is_get(method: &str) -> bool {
    matches!(method.as_bytes(), b"GET")
}

/// Whether the path's first argument is a workspace.
pub const fn is_below_workspace(path: &str) -> bool {
    let (start, path) = (b"/v1/workspaces/{}", path.as_bytes());
    if path.len() < start.len() {
        return false;
    }
    let mut at = 0;
    while at < start.len() {
        if path[at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The table as docs/server.md has it.
#[cfg(test)]
pub fn table() -> String {
    let mut text = String::from("| may | viewer | member | admin | owner | API key |\n|---|---|---|---|---|---|\n");
    for right in Right::ALL {
        let marks = Role::ALL.map(|role| if right.least().is_none_or(|least| role >= least) { "yes" } else { "" });
        let key = right.permission().map_or(String::from("never"), |word| format!("`{word}`"));
        text.push_str(&format!("| {} | {} | {key} |\n", right.words(), marks.join(" | ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_others_are_refused() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.word()), Some(role));
        }
        assert_eq!((Role::parse("Maintainer"), Role::parse("god")), (Some(Role::Admin), None));
    }

    #[test]
    fn a_route_without_words_of_its_own_needs_to_write() {
        assert_eq!(Right::usual("GET", "/v1/workspaces/{}"), Right::Read);
        assert_eq!(Right::usual("DELETE", "/v1/workspaces/{}/labels/{}"), Right::Write);
        assert_eq!(Right::usual("POST", "/v1/users/init"), Right::ChangeSelf);
        assert_eq!(Right::usual("GET", "/v1/workspaces/current"), Right::SeeSelf);
    }

    #[test]
    fn the_documentation_has_this_table() {
        let document = include_str!("../../../docs/server.md");
        assert!(document.contains(&table()), "docs/server.md needs:\n{}", table());
    }
}
