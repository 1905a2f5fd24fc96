//! The table of routes: method and path, handler, and what the caller needs; and what a handler is given. How a request
//! gets here and its answer back is dispatch.rs.

use crate::auth::Caller;
use crate::dispatch::Service;
use crate::http::{Request, Response};
use crate::input::{Body, Query, decode};
use crate::problem::{Outcome, Problem};
use crate::resources::{
    api_keys, artifacts, attempts, coding_agents, comments, dependencies, elsewhere, events, execution, goals, labels,
    members, plans, projects, pull_requests, service, suggest, task_views, tasks, users, workspaces,
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
        let id = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
        id.ok_or_else(|| Problem::missing(what, text))
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
    open("/v1/coding-agents", coding_agents::catalogue),
    open("/v1/templates", service::no_items),
    open("/v1/templates/{}", elsewhere::no_template),
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
    on("PUT", "/v1/users/me/preferences/agent", elsewhere::agents),
    on("POST", "/v1/users/me/demo-project", elsewhere::demo),
    on("GET", "/v1/admin/templates", elsewhere::no_items),
    on("POST", "/v1/admin/templates", elsewhere::templates),
    on("PATCH", "/v1/admin/templates/{}", elsewhere::templates),
    on("DELETE", "/v1/admin/templates/{}", elsewhere::templates),
    on("GET", "/v1/github/installations", elsewhere::null),
    on("POST", "/v1/github/installations", elsewhere::code_host),
    on("DELETE", "/v1/github/installations/{}", elsewhere::code_host),
    on("GET", "/v1/github/installations/repos", elsewhere::code_host),
    on("POST", "/v1/github/repositories", elsewhere::code_host),
    on("GET", "/v1/workers/demo-tasks", elsewhere::worker),
    on("GET", "/v1/workers/projects", elsewhere::worker),
    on("POST", "/v1/workers/projects/{}/clone-info", elsewhere::worker),
    on("GET", "/v1/workers/tasks/{}", elsewhere::worker),
    on("PATCH", "/v1/workers/tasks/{}", elsewhere::worker),
    on("POST", "/v1/workers/tasks/{}/comments", elsewhere::worker),
    on("POST", "/v1/workers/tasks/{}/pull-requests", elsewhere::worker),
    on("GET", "/v1/workers/pull-requests/pending", elsewhere::worker),
    on("PATCH", "/v1/workers/pull-requests/{}", elsewhere::worker),
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
    on("GET", "/v1/workspaces/{}/projects/{}/tasks/execution-order", execution::in_project),
    on("POST", "/v1/workspaces/{}/projects/{}/link-repo", elsewhere::code_host),
    on("POST", "/v1/workspaces/{}/projects/{}/clone-info", elsewhere::no_repository),
    on("GET", "/v1/workspaces/{}/agents", elsewhere::nothing),
    on("POST", "/v1/workspaces/{}/agents", elsewhere::agents),
    on("GET", "/v1/workspaces/{}/agents/{}", elsewhere::no_agent),
    on("PATCH", "/v1/workspaces/{}/agents/{}", elsewhere::no_agent),
    on("DELETE", "/v1/workspaces/{}/agents/{}", elsewhere::no_agent),
    on("GET", "/v1/workspaces/{}/coding-agent-configs", coding_agents::list),
    on("GET", "/v1/workspaces/{}/coding-agent-configs/{}", coding_agents::get),
    on("PUT", "/v1/workspaces/{}/coding-agent-configs/{}", coding_agents::put).needs(Right::Manage),
    on("DELETE", "/v1/workspaces/{}/coding-agent-configs/{}", coding_agents::delete).needs(Right::Manage),
    on("GET", "/v1/workspaces/{}/users/me/coding-agent-configs", coding_agents::list_own),
    on("GET", "/v1/workspaces/{}/users/me/coding-agent-configs/{}", coding_agents::get_own),
    on("PUT", "/v1/workspaces/{}/users/me/coding-agent-configs/{}", coding_agents::put_own),
    on("DELETE", "/v1/workspaces/{}/users/me/coding-agent-configs/{}", coding_agents::delete_own),
    on("GET", "/v1/workspaces/{}/goals", goals::list),
    on("POST", "/v1/workspaces/{}/goals", goals::create),
    on("GET", "/v1/workspaces/{}/goals/{}", goals::get),
    on("DELETE", "/v1/workspaces/{}/goals/{}", goals::delete),
    on("POST", "/v1/workspaces/{}/goals/{}/decompose", elsewhere::model),
    on("POST", "/v1/workspaces/{}/organize", elsewhere::model),
    on("GET", "/v1/workspaces/{}/organize/duplicates", elsewhere::model),
    on("GET", "/v1/workspaces/{}/organize/summaries", elsewhere::nothing),
    on("POST", "/v1/workspaces/{}/organize/summaries", elsewhere::model),
    on("GET", "/v1/workspaces/{}/task-views", task_views::list),
    on("POST", "/v1/workspaces/{}/task-views", task_views::create),
    on("GET", "/v1/workspaces/{}/task-views/default", task_views::default),
    on("GET", "/v1/workspaces/{}/task-views/{}", task_views::get),
    on("PATCH", "/v1/workspaces/{}/task-views/{}", task_views::update),
    on("DELETE", "/v1/workspaces/{}/task-views/{}", task_views::delete),
    on("GET", "/v1/workspaces/{}/labels", labels::list),
    on("POST", "/v1/workspaces/{}/labels", labels::create),
    on("GET", "/v1/workspaces/{}/labels/{}", labels::get),
    on("PATCH", "/v1/workspaces/{}/labels/{}", labels::update),
    on("DELETE", "/v1/workspaces/{}/labels/{}", labels::delete),
    on("GET", "/v1/workspaces/{}/tasks", tasks::list),
    on("POST", "/v1/workspaces/{}/tasks", tasks::create),
    on("PATCH", "/v1/workspaces/{}/bulk-tasks", tasks::update_many),
    on("GET", "/v1/workspaces/{}/tasks/suggest", suggest::in_workspace),
    on("GET", "/v1/workspaces/{}/tasks/execution-order", execution::in_workspace),
    on("GET", "/v1/workspaces/{}/tasks/{}", tasks::get),
    on("PATCH", "/v1/workspaces/{}/tasks/{}", tasks::update),
    on("DELETE", "/v1/workspaces/{}/tasks/{}", tasks::delete),
    on("GET", "/v1/workspaces/{}/tasks/{}/dependencies", dependencies::of),
    on("POST", "/v1/workspaces/{}/tasks/{}/dependencies", dependencies::add),
    on("DELETE", "/v1/workspaces/{}/tasks/{}/dependencies/{}", dependencies::remove),
    on("GET", "/v1/workspaces/{}/tasks/{}/dependents", dependencies::on),
    on("GET", "/v1/workspaces/{}/dependency-graph", dependencies::graph),
    on("POST", "/v1/workspaces/{}/tasks/{}/auto-fill", elsewhere::model),
    on("POST", "/v1/workspaces/{}/tasks/{}/plan/submit", plans::submit),
    on("POST", "/v1/workspaces/{}/tasks/{}/plan/approve", plans::approve),
    on("POST", "/v1/workspaces/{}/tasks/{}/plan/request-changes", plans::request_changes),
    on("POST", "/v1/workspaces/{}/tasks/{}/attempts/start", attempts::start).needs(Right::Execute),
    on("GET", "/v1/workspaces/{}/tasks/{}/attempts", attempts::list),
    on("GET", "/v1/workspaces/{}/attempts", attempts::list_of_workspace),
    on("GET", "/v1/workspaces/{}/attempts/{}", attempts::get),
    on("PATCH", "/v1/workspaces/{}/attempts/{}", attempts::update).needs(Right::Execute),
    on("POST", "/v1/workspaces/{}/attempts/{}/finish", attempts::finish).needs(Right::Execute),
    on("GET", "/v1/workspaces/{}/attempts/{}/artifacts", artifacts::list),
    on("POST", "/v1/workspaces/{}/attempts/{}/artifacts", artifacts::create).needs(Right::Execute),
    on("GET", "/v1/workspaces/{}/artifacts", artifacts::list_of_workspace),
    on("GET", "/v1/workspaces/{}/artifacts/{}", artifacts::get),
    on("GET", "/v1/workspaces/{}/artifacts/{}/download", artifacts::download),
    on("GET", "/v1/workspaces/{}/events", events::list),
    on("GET", "/v1/workspaces/{}/events/{}", events::get),
    on("GET", "/v1/workspaces/{}/tasks/{}/history", events::history),
    on("GET", "/v1/workspaces/{}/tasks/{}/timeline", events::timeline),
    on("GET", "/v1/workspaces/{}/tasks/{}/pull-requests", pull_requests::of_task),
    on("POST", "/v1/workspaces/{}/tasks/{}/pull-requests", pull_requests::create),
    on("PATCH", "/v1/workspaces/{}/tasks/{}/pull-requests/{}", pull_requests::update_below_task),
    on("GET", "/v1/workspaces/{}/pull-requests/tasks/{}/pull-requests", pull_requests::of_task),
    on("POST", "/v1/workspaces/{}/pull-requests/tasks/{}/pull-requests", pull_requests::create),
    on("GET", "/v1/workspaces/{}/pull-requests", pull_requests::list),
    on("PATCH", "/v1/workspaces/{}/pull-requests/{}", pull_requests::update),
    on("GET", "/v1/workspaces/{}/tasks/{}/comments", comments::list),
    on("POST", "/v1/workspaces/{}/tasks/{}/comments", comments::create),
    on("GET", "/v1/workspaces/{}/tasks/{}/comments/stats", comments::stats),
    on("PATCH", "/v1/workspaces/{}/tasks/{}/comments/{}", comments::update_below_task),
    on("DELETE", "/v1/workspaces/{}/tasks/{}/comments/{}", comments::delete_below_task),
    on("GET", "/v1/workspaces/{}/comments", comments::list_of_workspace),
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
            // These answer 501 and do nothing.
            let nothing =
                ["/v1/admin/", "/v1/github/", "/v1/workers/"].iter().any(|start| route.path.starts_with(start));
            assert!(own || nothing, "{} {} has no workspace whose roles could be asked", route.method, route.path);
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
