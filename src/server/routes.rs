//! From a request to its answer: who is calling, which handler, one transaction around it, and the promise of
//! `Idempotency-Key`.

use crate::auth::{self, Caller, Tokens};
use crate::http::{Answer, BODY_LIMIT, Request, Response};
use crate::input::{Body, Query, decode, whole_number};
use crate::problem::{Outcome, Problem};
use crate::resources::{comments, dependencies, labels, members, projects, service, suggest, tasks, users, workspaces};
use crate::store::workspaces::Workspace;
use crate::store::{self, Store, clock, idempotency};
use rusqlite::Connection;

/// A request on its way through a handler, inside its transaction.
pub struct Call<'a> {
    pub connection: &'a Connection,
    pub caller: &'a Caller,
    pub request: &'a Request,
    pub query: Query,
    /// What stood for `{}` in the route, in order.
    arguments: Vec<String>,
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
        store::workspaces::of_member(self.connection, self.id(0, "workspace")?, self.user())
    }

    pub fn body(&self) -> Outcome<Body> {
        Body::parse(self.request.body.as_deref().unwrap_or_default())
    }
}

type Open = fn(&Connection) -> Outcome<Response>;
type Signed = fn(&Call) -> Outcome<Response>;

enum Handler {
    /// Needs no credential (api.md 1.2).
    Open(Open),
    Signed(Signed),
}

struct Route {
    method: &'static str,
    /// `{}` stands for one segment that is no literal of an earlier route.
    path: &'static str,
    handler: Handler,
}

const fn open(path: &'static str, handler: Open) -> Route {
    Route { method: "GET", path, handler: Handler::Open(handler) }
}

const fn on(method: &'static str, path: &'static str, handler: Signed) -> Route {
    Route { method, path, handler: Handler::Signed(handler) }
}

/// The first match counts.
const ROUTES: &[Route] = &[
    open("/", service::root),
    open("/health", service::health),
    open("/v1/health", service::health_with_database),
    open("/ping", service::ping),
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
    on("POST", "/v1/workspaces", workspaces::create),
    on("GET", "/v1/workspaces/current", workspaces::current),
    on("GET", "/v1/workspaces/{}", workspaces::get),
    on("PATCH", "/v1/workspaces/{}", workspaces::update),
    on("DELETE", "/v1/workspaces/{}", workspaces::delete),
    on("GET", "/v1/workspaces/{}/members", members::list),
    on("POST", "/v1/workspaces/{}/members", members::add),
    on("PATCH", "/v1/workspaces/{}/members/{}", members::update),
    on("DELETE", "/v1/workspaces/{}/members/{}", members::remove),
    on("GET", "/v1/workspaces/{}/assignees", members::assignees),
    on("GET", "/v1/workspaces/{}/projects", projects::list),
    on("POST", "/v1/workspaces/{}/projects", projects::create),
    on("GET", "/v1/workspaces/{}/projects/current", projects::current),
    on("GET", "/v1/workspaces/{}/projects/{}", projects::get),
    on("PATCH", "/v1/workspaces/{}/projects/{}", projects::update),
    on("DELETE", "/v1/workspaces/{}/projects/{}", projects::delete),
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

pub struct Service {
    pub store: Store,
    pub tokens: Tokens,
}

impl Answer for Service {
    fn answer(&self, request: &Request) -> Response {
        self.outcome(request).unwrap_or_else(|problem| problem.into_response(&request.path))
    }

    fn refuse(&self, status: u16, reason: &str) -> Response {
        Problem::new(status, reason).into_response("")
    }
}

impl Service {
    fn outcome(&self, request: &Request) -> Outcome<Response> {
        // HEAD is a GET whose body is not sent.
        let method = if request.method == "HEAD" { "GET" } else { request.method.as_str() };
        let (mut found, mut known) = (None, false);
        for route in ROUTES {
            if let Some(arguments) = matches(route.path, &request.path) {
                known = true;
                if route.method == method {
                    found = Some((&route.handler, arguments));
                    break;
                }
            }
        }
        if let Some((Handler::Open(handler), _)) = found {
            return self.store.read(handler);
        }
        let caller = self.tokens.caller(request).ok_or_else(|| Problem::new(401, "a valid token is required"))?;
        let (handler, arguments) = match found {
            Some((Handler::Signed(handler), arguments)) => (handler, arguments),
            _ if known => return Err(Problem::new(405, format!("{method} is not possible here"))),
            _ => return Err(Problem::missing("path", &request.path)),
        };
        if request.body.is_none() {
            return Err(Problem::new(413, format!("the request body is longer than {BODY_LIMIT} bytes")));
        }
        let query = Query::parse(&request.query);
        let run = |connection: &Connection| handler(&Call { connection, caller, request, query, arguments });
        match (method, request.header("Idempotency-Key").filter(|key| !key.is_empty())) {
            ("GET", _) => self.store.read(run),
            ("POST", Some(key)) => self.store.write(|connection| self.once(connection, caller, request, key, run)),
            _ => self.store.write(run),
        }
    }

    /// Runs a POST unless this user's key has been answered before; then it answers the same again. One transaction
    /// from the question to the answer: two requests with one key cannot both find it unused.
    fn once(
        &self,
        connection: &Connection,
        caller: &Caller,
        request: &Request,
        key: &str,
        run: impl FnOnce(&Connection) -> Outcome<Response>,
    ) -> Outcome<Response> {
        if key.len() > 255 {
            return Err(Problem::invalid("Idempotency-Key", "is longer than 255 bytes"));
        }
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        let whole = [request.method.as_bytes(), path.as_bytes(), request.body.as_deref().unwrap_or_default()].join(&0);
        let digest = auth::digest(b"idempotency-key-", &whole);
        match idempotency::answered(connection, &caller.user_id, key)? {
            Some((first, response)) if first == digest => Ok(response),
            Some(_) => Err(Problem::invalid("Idempotency-Key", "was used for a different request")),
            None => {
                let response = run(connection)?;
                let now = clock::tick(connection)?;
                idempotency::keep(connection, &caller.user_id, key, &digest, &response, now)?;
                Ok(response)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
