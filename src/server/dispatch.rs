//! From a request to its answer: who is calling, which handler, may the caller, one transaction around it, `ETag`.

use crate::auth::{Caller, Tokens};
use crate::health::Health;
use crate::http::{Admitted, Application, Request, Response, Target};
use crate::input::{Body, Query, whole_number};
use crate::once::Once;
use crate::problem::{Outcome, Problem};
use crate::routes::{self, Call, Handler, Route, Signed};
use crate::store::roles::Right;
use crate::store::workers::{self, Workers};
use crate::store::{Store, api_keys, clock, members, roles};
use anyt::error::Error;
use anyt::time::Timestamp;
use rusqlite::Connection;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub struct Service {
    store: Arc<Store>,
    pub tokens: Arc<Tokens>,
    pub workers: Arc<Workers>,
    pub health: Arc<Health>,
    turns: Arc<Semaphore>,
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
        Ok(Service { store, tokens: Arc::new(tokens), workers, health, turns: Arc::new(Semaphore::new(TURNS)) })
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
        let found = routes::find(method, &head.path);
        let caller = match found {
            Some((Route { handler: Handler::Open(_), .. }, _)) => None,
            _ => Some(self.caller(head)?),
        };
        let Some((route, arguments)) = found else { return Err(routes::not_here(method, &head.path)) };
        Ok(Admitted {
            user: caller.as_ref().map(|caller| caller.user_id.clone()),
            target: Target { method: route.method, route: route.path },
            takes_body: matches!(route.handler, Handler::Signed(_)),
            ticket: Ticket { route, arguments, caller },
        })
    }

    fn caller(&self, head: &Request) -> Outcome<Caller> {
        let caller = self.store.look_up(|connection| self.tokens.caller(connection, head))?;
        let caller = caller.ok_or_else(Problem::unknown_caller)?;
        if let Some(key) = &caller.key {
            let (id, now) = (key.id, Timestamp::now());
            if self.tokens.is_use_to_keep(id, now) {
                self.workers.write_aside(Box::new(move |connection| {
                    api_keys::note_use(connection, id, now)?;
                    Ok(Response::no_content())
                }));
            }
        }
        Ok(caller)
    }

    async fn outcome(&self, ticket: Ticket, request: Request) -> Outcome<Response> {
        let (prepared, once) = match (ticket.route.handler, ticket.caller) {
            (Handler::Open(handler) | Handler::Watched(handler), _) => {
                return workers::guarded(|| Ok(handler(self)));
            }
            (Handler::Signed(handler), Some(caller)) => {
                Prepared::aside(&self.turns, (handler, ticket.route), caller, ticket.arguments, request).await?
            }
            (Handler::Signed(_), None) => return Err(Problem::unknown_caller()),
        };
        if matches!(prepared.request.method.as_str(), "GET" | "HEAD") {
            return self.workers.read(Box::new(move |connection| prepared.read(connection))).await;
        }
        let tokens = Arc::clone(&self.tokens);
        let work = move |connection: &Connection| {
            tokens.check_again(connection, &prepared.caller)?;
            prepared.may(connection)?;
            match once {
                Some(once) => once.run(connection, &prepared.caller.user_id, || prepared.run(connection)),
                None => prepared.run(connection),
            }
        };
        self.workers.write(Box::new(work)).await
    }
}

/// A body of more bytes than this takes longer to understand than other requests should wait.
const QUICK: usize = 64 << 10;

/// Bodies of more bytes than this, once understood, may be many times as large: so many requests with one are worked on at a
/// time.
const SHORT: usize = 8 << 10;
const TURNS: usize = 32;

/// A request that is read and understood as far as that goes without the database.
struct Prepared {
    handler: Signed,
    route: &'static Route,
    caller: Caller,
    arguments: Vec<String>,
    request: Request,
    query: Query,
    body: Outcome<Body>,
    /// Until the request is answered.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Prepared {
    fn new(
        (handler, route): (Signed, &'static Route),
        caller: Caller,
        arguments: Vec<String>,
        request: Request,
    ) -> Prepared {
        let (query, body) = (Query::parse(&request.query), Body::parse(&request.body));
        Prepared { handler, route, caller, arguments, request, query, body, _turn: None }
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
        let role = members::role_in(connection, id, &self.caller.user_id)?;
        let role = role.ok_or_else(|| Problem::missing("workspace", text))?;
        self.caller.key_reaches(id)?;
        match right.least() {
            Some(least) if role < least => Err(Problem::forbidden(role, least)),
            _ => Ok(()),
        }
    }

    /// `new`, with the key if there is one; a large body is understood on a thread of its own, where nobody waits behind it.
    async fn aside(
        turns: &Arc<Semaphore>,
        handler: (Signed, &'static Route),
        caller: Caller,
        arguments: Vec<String>,
        request: Request,
    ) -> Outcome<(Prepared, Option<Once>)> {
        let size = request.body.len();
        let understand = move || {
            let prepared = Prepared::new(handler, caller, arguments, request);
            // The answer that shows a new API key is kept nowhere.
            let once = if prepared.route.right == Right::Keys { None } else { Once::of(&prepared.request)? };
            Ok((prepared, once))
        };
        if size <= SHORT {
            return understand();
        }
        let turn = tokio::time::timeout(workers::PATIENCE, Arc::clone(turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Problem::busy("too many large requests are waiting, try again"))?.ok();
        let (mut prepared, once) = if size <= QUICK {
            understand()?
        } else {
            let done = tokio::task::spawn_blocking(understand).await;
            done.unwrap_or_else(|_| Err(Problem::new(500, "a fault in the server; its log says more")))?
        };
        prepared._turn = turn;
        Ok((prepared, once))
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
        // Of API keys it is told when they were used, which moves no clock.
        if self.route.right == Right::Keys {
            return self.run(connection);
        }
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
        let key = self.caller.key.as_ref().map(|key| (key.workspace_id, &key.permissions));
        (env!("CARGO_PKG_VERSION"), path, query, &self.caller.user_id, self.caller.is_agent, key, state)
            .hash(&mut hasher);
        format!("W/\"{state:x}-{:016x}\"", hasher.finish())
    }
}

/// Whether `If-None-Match` names this validator; weak and strong ones compare alike there (RFC 9110, 13.1.2).
fn names(known: &str, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_string();
    known.split(',').any(|known| known.trim() == "*" || bare(known) == bare(tag))
}
