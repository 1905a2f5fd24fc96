//! From a request to its answer: who is calling, which handler, one transaction around it, `ETag`, and the promise of
//! `Idempotency-Key`.

use crate::auth::{self, Caller, Digest, Tokens};
use crate::health::Health;
use crate::http::{Admitted, Application, Request, Response, Target};
use crate::input::{Body, Query, decode, whole_number};
use crate::problem::{Outcome, Problem};
use crate::resources::{comments, dependencies, labels, members, projects, service, suggest, tasks, users, workspaces};
use crate::store::roles::{self, Right};
use crate::store::workers::{self, Workers};
use crate::store::workspaces::Workspace;
use crate::store::{self, Store, clock, idempotency};
use anyt::error::Error;
use rusqlite::Connection;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A request on its way through a handler, inside its transaction.
pub struct Call<'a> {
    pub connection: &'a Connection,
    pub caller: &'a Caller,
    pub request: &'a Request,
    pub query: &'a Query,
    body: &'a Outcome<Body>,
    /// What stood for `{}` in the route, in order.
    arguments: &'a [String],
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
type Plain = fn(&Service) -> Response;
type Signed = fn(&Call) -> Outcome<Response>;

#[derive(Clone, Copy)]
enum Handler {
    /// Needs no credential (api.md 1.2).
    Open(Plain),
    /// Needs one, whoever's.
    Watched(Plain),
    Signed(Signed),
}

struct Route {
    method: &'static str,
    /// `{}` stands for one segment that is no literal of an earlier route.
    path: &'static str,
    handler: Handler,
    /// What the caller needs; looked at for signed routes.
    right: Right,
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

pub struct Service {
    store: Arc<Store>,
    pub tokens: Tokens,
    pub workers: Arc<Workers>,
    pub health: Arc<Health>,
}

/// What was found out about a request from its head.
pub struct Ticket {
    route: &'static Route,
    arguments: Vec<String>,
    /// `None` where anybody may ask.
    caller: Option<Caller>,
}

impl Application for Service {
    type Ticket = Ticket;

    fn admit(&self, head: &Request) -> Result<Admitted<Ticket>, Response> {
        self.judge(head).map_err(|problem| problem.into_response(&head.path))
    }

    async fn answer(&self, ticket: Ticket, request: Request) -> Response {
        let path = request.path.clone();
        self.outcome(ticket, request).await.unwrap_or_else(|problem| problem.into_response(&path))
    }

    fn refuse(&self, status: u16, words: &str, path: &str) -> Response {
        Problem::new(status, words).into_response(path)
    }
}

impl Service {
    /// Starts the threads that work on the store.
    pub fn start(store: Store, tokens: Tokens) -> anyt::error::Result<Service> {
        let cannot = |error: std::io::Error| Error::failure(format!("cannot start a thread: {error}"));
        let store = Arc::new(store);
        let workers = Arc::new(Workers::start(Arc::clone(&store)).map_err(cannot)?);
        let health = Health::watch(&store, &workers).map_err(cannot)?;
        Ok(Service { store, tokens, workers, health })
    }

    /// Finishes what was asked, and leaves the whole database in its one file.
    pub fn stop(&self) {
        self.health.stop();
        self.workers.stop();
    }

    /// Route and caller; who may not ask is told nothing about the paths there are.
    fn judge(&self, head: &Request) -> Outcome<Admitted<Ticket>> {
        // HEAD is a GET whose body is not sent.
        let method = if head.method == "HEAD" { "GET" } else { head.method.as_str() };
        let mut here = ROUTES.iter().filter_map(|route| Some((route, matches(route.path, &head.path)?)));
        let found = here.find(|(route, _)| route.method == method);
        let caller = match found {
            Some((Route { handler: Handler::Open(_), .. }, _)) => None,
            _ => Some(self.caller(head)?),
        };
        let Some((route, arguments)) = found else { return Err(not_here(method, &head.path)) };
        Ok(Admitted {
            user: caller.as_ref().map(|caller| caller.user_id.clone()),
            target: Target { method: route.method, route: route.path },
            takes_body: matches!(route.handler, Handler::Signed(_)),
            ticket: Ticket { route, arguments, caller },
        })
    }

    fn caller(&self, head: &Request) -> Outcome<Caller> {
        let caller = self.store.look_up(|connection| self.tokens.caller(connection, head))?;
        caller.ok_or_else(Problem::unknown_caller)
    }

    async fn outcome(&self, ticket: Ticket, request: Request) -> Outcome<Response> {
        let (prepared, once) = match (ticket.route.handler, ticket.caller) {
            (Handler::Open(handler) | Handler::Watched(handler), _) => {
                return workers::guarded(|| Ok(handler(self)));
            }
            (Handler::Signed(handler), Some(caller)) => {
                Prepared::aside((handler, ticket.route), caller, ticket.arguments, request).await?
            }
            (Handler::Signed(_), None) => return Err(Problem::unknown_caller()),
        };
        if matches!(prepared.request.method.as_str(), "GET" | "HEAD") {
            return self.workers.read(Box::new(move |connection| prepared.read(connection))).await;
        }
        let work = move |connection: &Connection| {
            prepared.may(connection)?;
            match once {
                Some(once) => once.run(connection, &prepared.caller.user_id, || prepared.run(connection)),
                None => prepared.run(connection),
            }
        };
        self.workers.write(Box::new(work)).await
    }
}

/// 404, or 405 with the methods that the path has.
fn not_here(method: &str, path: &str) -> Problem {
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

/// A body of more bytes than this takes longer to understand than other requests should wait.
const QUICK: usize = 64 << 10;

/// A request that is read and understood as far as that goes without the database.
struct Prepared {
    handler: Signed,
    route: &'static Route,
    caller: Caller,
    arguments: Vec<String>,
    request: Request,
    query: Query,
    body: Outcome<Body>,
}

impl Prepared {
    fn new(
        (handler, route): (Signed, &'static Route),
        caller: Caller,
        arguments: Vec<String>,
        request: Request,
    ) -> Prepared {
        let (query, body) = (Query::parse(&request.query), Body::parse(&request.body));
        Prepared { handler, route, caller, arguments, request, query, body }
    }

    /// Whether the caller has the right that the route needs: 404 for a workspace that is none of its business, else 403.
    fn may(&self, connection: &Connection) -> Outcome<()> {
        let right = self.route.right;
        self.caller.key_allows(right)?;
        if !roles::is_below_workspace(self.route.path) {
            return Ok(());
        }
        let text = &self.arguments[0];
        let id = whole_number("workspace", text).map_err(|_| Problem::missing("workspace", text))?;
        let role = store::members::role_in(connection, id, &self.caller.user_id)?;
        let role = role.ok_or_else(|| Problem::missing("workspace", text))?;
        self.caller.key_reaches(id)?;
        match right.least() {
            Some(least) if role < least => Err(Problem::forbidden(role, least)),
            _ => Ok(()),
        }
    }

    /// The same; a large body is understood on a thread of its own, where nobody waits behind it.
    async fn aside(
        handler: (Signed, &'static Route),
        caller: Caller,
        arguments: Vec<String>,
        request: Request,
    ) -> Outcome<(Prepared, Option<Once>)> {
        let size = request.body.len();
        let understand = move || {
            let prepared = Prepared::new(handler, caller, arguments, request);
            let once = Once::of(&prepared)?;
            Ok((prepared, once))
        };
        if size <= QUICK {
            return understand();
        }
        let done = tokio::task::spawn_blocking(understand).await;
        done.unwrap_or_else(|_| Err(Problem::new(500, "a fault in the server; its log says more")))
    }

    fn run(&self, connection: &Connection) -> Outcome<Response> {
        (self.handler)(&Call {
            connection,
            caller: &self.caller,
            request: &self.request,
            query: &self.query,
            body: &self.body,
            arguments: &self.arguments,
        })
    }

    /// A GET. A client that has this state of the database already gets 304, and the handler does not run: every change
    /// moves the clock, also one of the caller's memberships.
    fn read(&self, connection: &Connection) -> Outcome<Response> {
        self.may(connection)?;
        let tag = self.tag(clock::last(connection)?);
        let known = self.request.header("If-None-Match").is_some_and(|known| names(known, &tag));
        let response = if known { Response::not_modified() } else { self.run(connection)? };
        if !matches!(response.status, 200 | 304) {
            return Ok(response);
        }
        Ok(response.with_header("ETag", tag).with_header("Cache-Control", "private, no-cache"))
    }

    /// A weak validator: the same request of the same user, in the same state, answered by the same program.
    fn tag(&self, state: i64) -> String {
        let mut hasher = std::hash::DefaultHasher::new();
        let Request { path, query, .. } = &self.request;
        (env!("CARGO_PKG_VERSION"), path, query, &self.caller.user_id, self.caller.is_agent, state).hash(&mut hasher);
        format!("W/\"{state:x}-{:016x}\"", hasher.finish())
    }
}

/// Whether `If-None-Match` names this validator; weak and strong ones compare alike there (RFC 9110, 13.1.2).
fn names(known: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
    known.split(',').any(|known| known.trim() == "*" || bare(known) == bare(tag))
}

/// The promise of `Idempotency-Key`: the same request of a user has one effect, and the same answer again.
struct Once {
    key: String,
    /// Of the request that the key is for.
    digest: Digest,
}

impl Once {
    /// `None` for a request without a key, or one that is no POST.
    fn of(prepared: &Prepared) -> Outcome<Option<Once>> {
        let request = &prepared.request;
        let key = request.header("Idempotency-Key").filter(|key| !key.is_empty() && request.method == "POST");
        let Some(key) = key else { return Ok(None) };
        if key.len() > 255 {
            return Err(Problem::invalid("Idempotency-Key", "is longer than 255 bytes"));
        }
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        let whole = [request.method.as_bytes(), path.as_bytes(), &request.body].join(&0);
        Ok(Some(Once { key: key.to_string(), digest: auth::digest(b"idempotency-key-", &whole) }))
    }

    /// One transaction from the question to the answer: two requests with one key cannot both find it unused.
    fn run(
        &self,
        connection: &Connection,
        user_id: &str,
        work: impl FnOnce() -> Outcome<Response>,
    ) -> Outcome<Response> {
        match idempotency::answered(connection, user_id, &self.key)? {
            Some((first, response)) if first == self.digest => Ok(response),
            Some(_) => Err(Problem::invalid("Idempotency-Key", "was used for a different request")),
            None => {
                let response = work()?;
                let now = clock::tick(connection)?;
                idempotency::keep(connection, user_id, &self.key, &self.digest, &response, now)?;
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
