//! The table of routes: method and path, handler, and what the caller needs; and what a handler is given. How a request
//! gets here and its answer back is dispatch.rs.

use crate::auth::Caller;
use crate::dispatch::Service;
use crate::http::{Request, Response};
use crate::input::{Body, Query, decode, whole_number};
use crate::problem::{Outcome, Problem};
use crate::resources::{
    api_keys, comments, dependencies, labels, members, projects, service, suggest, tasks, users, workspaces,
};
use crate::store;
use crate::store::roles::{Right, Role};
use crate::store::workspaces::Workspace;
use rusqlite::Connection;

/// A request on its way through a handler, inside its transaction.
pub struct Call<'a> {
    pub connection: &'a Connection,
    pub caller: &'a Caller,
    pub request: &'a Request,
    pub query: &'a Query,
    pub(super) body: &'a Outcome<Body>,
    /// What stood for `{}` in the route, in order.
    pub(super) arguments: &'a [String],
}

impl Call<'_> {
    pub fn user(&self) -> &str {
        &self.caller.user_id
    }

    pub fn argument(&self, position: usize) -> &str {
        &self.arguments[position]
    }

    /// A path segment that is an int id; what is none cannot exist.
    pub fn id(&self, position: usize, what: &str) -> Outcome<i64> {
        let text = self.argument(position);
        whole_number(what, text).map_err(|_| Problem::missing(what, text))
    }

    /// The workspace of the path: always its first argument.
    pub fn workspace(&self) -> Outcome<Workspace> {
        self.workspace_of(self.id(0, "workspace")?)
    }

    /// A workspace that the caller may see.
    pub fn workspace_of(&self, id: i64) -> Outcome<Workspace> {
        let workspace = store::workspaces::of_member(self.connection, id, self.user())?;
        self.caller.key_reaches(id)?;
        Ok(workspace)
    }

    pub fn body(&self) -> Outcome<Body> {
        self.body.clone()
    }
}

/// Answers without the database, at once.
pub type Plain = fn(&Service) -> Response;
pub type Signed = fn(&Call) -> Outcome<Response>;

#[derive(Clone, Copy)]
pub enum Handler {
    /// Needs no credential (api.md 1.2).
    Open(Plain),
    /// Needs one, whoever's.
    Watched(Plain),
    Signed(Signed),
}

pub struct Route {
    pub method: &'static str,
    /// `{}` stands for one segment that is no literal of an earlier route.
    pub path: &'static str,
    pub handler: Handler,
    /// What the caller needs; looked at for signed routes.
    pub right: Right,
}

impl Route {
    /// This right, where another one than usual is needed.
    const fn needs(self, right: Right) -> Route {
        Route { right, ..self }
    }
}

const fn open(path: &'static str, handler: Plain) -> Route {
    Route { method: "GET", path, handler: Handler::Open(handler), right: Right::SeeSelf }
}

const fn watched(path: &'static str, handler: Plain) -> Route {
    Route { method: "GET", path, handler: Handler::Watched(handler), right: Right::SeeSelf }
}

/// Needs `Right::usual` unless it says otherwise.
const fn on(method: &'static str, path: &'static str, handler: Signed) -> Route {
    Route { method, path, handler: Handler::Signed(handler), right: Right::usual(method, path) }
}

/// The first match counts.
const ROUTES: &[Route] = &[
    open("/", service::root),
    open("/health", service::health),
    open("/v1/health", service::health_with_database),
    open("/ping", service::ping),
    watched("/metrics", service::metrics),
    open("/v1/coding-agents", service::nothing),
    open("/v1/templates", service::no_items),
    on("GET", "/v1/auth", users::auth),
    on("GET", "/api/v1/auth", users::auth),
    on("POST", "/v1/users/init", users::init),
    on("GET", "/v1/users/me", users::me),
    on("GET", "/v1/users/me/preferences", users::preferences),
    on("DELETE", "/v1/users/me/preferences", users::forget_preferences),
    on("PUT", "/v1/users/me/preferences/workspace", users::prefer_workspace),
    on("PATCH", "/v1/users/me/preferences/workspace", users::prefer_workspace),
    on("PUT", "/v1/users/me/preferences/project", users::prefer_project),
    on("PATCH", "/v1/users/me/preferences/project", users::prefer_project),
    on("GET", "/v1/t/{}", tasks::by_uid),
    on("GET", "/v1/workspaces", workspaces::list),
    on("POST", "/v1/workspaces", workspaces::create).needs(Right::MakeWorkspace),
    on("GET", "/v1/workspaces/current", workspaces::current),
    on("GET", "/v1/workspaces/{}", workspaces::get),
    on("PATCH", "/v1/workspaces/{}", workspaces::update).needs(Right::Manage),
    on("DELETE", "/v1/workspaces/{}", workspaces::delete).needs(Right::DeleteWorkspace),
    on("GET", "/v1/workspaces/{}/members", members::list),
    on("POST", "/v1/workspaces/{}/members", members::add).needs(Right::Manage),
    on("PATCH", "/v1/workspaces/{}/members/{}", members::update).needs(Right::Manage),
    on("DELETE", "/v1/workspaces/{}/members/{}", members::remove).needs(Right::Manage),
    on("GET", "/v1/workspaces/{}/assignees", members::assignees),
    on("GET", "/v1/workspaces/{}/api-keys", api_keys::list).needs(Right::Keys),
    on("POST", "/v1/workspaces/{}/api-keys", api_keys::create).needs(Right::Keys),
    on("DELETE", "/v1/workspaces/{}/api-keys/{}", api_keys::revoke).needs(Right::Keys),
    on("GET", "/v1/workspaces/{}/projects", projects::list),
    on("POST", "/v1/workspaces/{}/projects", projects::create),
    on("GET", "/v1/workspaces/{}/projects/current", projects::current),
    on("GET", "/v1/workspaces/{}/projects/{}", projects::get),
    on("PATCH", "/v1/workspaces/{}/projects/{}", projects::update),
    on("DELETE", "/v1/workspaces/{}/projects/{}", projects::delete).needs(Right::DeleteProject),
    on("GET", "/v1/workspaces/{}/projects/{}/tasks/suggest", suggest::in_project),
    on("GET", "/v1/workspaces/{}/labels", labels::list),
    on("POST", "/v1/workspaces/{}/labels", labels::create),
    on("GET", "/v1/workspaces/{}/labels/{}", labels::get),
    on("PATCH", "/v1/workspaces/{}/labels/{}", labels::update),
    on("DELETE", "/v1/workspaces/{}/labels/{}", labels::delete),
    on("GET", "/v1/workspaces/{}/tasks", tasks::list),
    on("POST", "/v1/workspaces/{}/tasks", tasks::create),
    on("PATCH", "/v1/workspaces/{}/bulk-tasks", tasks::update_many),
    on("GET", "/v1/workspaces/{}/tasks/suggest", suggest::in_workspace),
    on("GET", "/v1/workspaces/{}/tasks/{}", tasks::get),
    on("PATCH", "/v1/workspaces/{}/tasks/{}", tasks::update),
    on("DELETE", "/v1/workspaces/{}/tasks/{}", tasks::delete),
    on("GET", "/v1/workspaces/{}/tasks/{}/dependencies", dependencies::of),
    on("POST", "/v1/workspaces/{}/tasks/{}/dependencies", dependencies::add),
    on("DELETE", "/v1/workspaces/{}/tasks/{}/dependencies/{}", dependencies::remove),
    on("GET", "/v1/workspaces/{}/tasks/{}/dependents", dependencies::on),
    on("GET", "/v1/workspaces/{}/dependency-graph", dependencies::graph),
    on("GET", "/v1/workspaces/{}/tasks/{}/pull-requests", tasks::pull_requests),
    on("GET", "/v1/workspaces/{}/pull-requests/tasks/{}/pull-requests", tasks::pull_requests),
    on("GET", "/v1/workspaces/{}/tasks/{}/comments", comments::list),
    on("POST", "/v1/workspaces/{}/tasks/{}/comments", comments::create),
    on("GET", "/v1/workspaces/{}/tasks/{}/comments/stats", comments::stats),
    on("PATCH", "/v1/workspaces/{}/tasks/{}/comments/{}", comments::update_below_task),
    on("DELETE", "/v1/workspaces/{}/tasks/{}/comments/{}", comments::delete_below_task),
    on("GET", "/v1/workspaces/{}/comments/{}", comments::get),
    on("PATCH", "/v1/workspaces/{}/comments/{}", comments::update),
    on("DELETE", "/v1/workspaces/{}/comments/{}", comments::delete),
];

/// The segments that stand for `{}`, when the path is of that form. One trailing slash makes no difference.
fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (mut wanted, mut given) = (pattern.trim_end_matches('/').split('/'), path.split('/'));
    let mut arguments = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(arguments),
            (Some("{}"), Some(segment)) if !segment.is_empty() => arguments.push(decode(segment)),
            (Some(literal), Some(segment)) if literal == segment => {}
            _ => return None,
        }
    }
}

/// Every route that needs a credential, and the weakest role it takes, a line each: `GET /v1/auth -`.
pub fn listing() -> String {
    let signed = ROUTES.iter().filter(|route| !matches!(route.handler, Handler::Open(_)));
    let role = |route: &Route| route.right.least().map_or("-", Role::word);
    signed.map(|route| format!("{} {} {}\n", route.method, route.path, role(route))).collect()
}

/// The route of a method and a path, with what stood for `{}`.
pub fn find(method: &str, path: &str) -> Option<(&'static Route, Vec<String>)> {
    let mut here = ROUTES.iter().filter_map(|route| Some((route, matches(route.path, path)?)));
    here.find(|(route, _)| route.method == method)
}

/// Why there is no such route: 404, or 405 with the methods that the path has.
pub fn not_here(method: &str, path: &str) -> Problem {
    let mut allowed: Vec<&str> = Vec::new();
    for route in ROUTES.iter().filter(|route| matches(route.path, path).is_some()) {
        let methods: &[&str] = if route.method == "GET" { &["GET", "HEAD"] } else { &[route.method] };
        allowed.extend(methods.iter().filter(|method| !allowed.contains(*method)).copied().collect::<Vec<_>>());
    }
    if allowed.is_empty() {
        return Problem::missing("path", path);
    }
    let method: String = method.chars().take(16).collect();
    Problem::new(405, format!("{method} is not possible here")).with_header("Allow", allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::roles;

    #[test]
    fn paths_match_with_and_without_a_trailing_slash() {
        let path = "/v1/workspaces/{}/tasks/{}";
        assert_eq!(matches(path, "/v1/workspaces/1/tasks/dev%2D4/"), Some(vec!["1".into(), "dev-4".into()]));
        assert_eq!(matches(path, "/v1/workspaces/1/tasks/"), None);
        assert_eq!(matches(path, "/v1/workspaces/1/tasks//"), None);
        assert_eq!(matches("/", "/"), Some(vec![]));
        assert_eq!(matches("/", ""), Some(vec![]));
        assert_eq!(matches("/health", "/healthy"), None);
    }

    /// Whoever adds a route that changes something decides here or at the route what it needs.
    #[test]
    fn outside_of_workspaces_only_oneself_can_be_changed() {
        let outside = |route: &&Route| route.method != "GET" && !roles::is_below_workspace(route.path);
        for route in ROUTES.iter().filter(outside) {
            let own = route.path.starts_with("/v1/users/") || route.right == Right::MakeWorkspace;
            assert!(own, "{} {} has no workspace whose roles could be asked", route.method, route.path);
        }
        for route in ROUTES.iter().filter(|route| roles::is_below_workspace(route.path)) {
            assert!(route.right.least().is_some(), "{} {} asks for no role", route.method, route.path);
        }
    }

    #[test]
    fn no_route_hides_behind_an_earlier_one() {
        for (position, route) in ROUTES.iter().enumerate() {
            let hidden = ROUTES[..position]
                .iter()
                .any(|earlier| earlier.method == route.method && matches(earlier.path, route.path).is_some());
            assert!(!hidden, "{} {}", route.method, route.path);
        }
    }
}
