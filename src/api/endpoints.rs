//! The `Remote` over HTTP: which path, which body, and what a 404 means for each of them. Paths are those of
//! generations C and D, without a trailing slash (api.md 1.3, 2).

use super::lists::{List, Paging};
use super::pages::Reader;
use super::transport::Call;
use super::wire::{self, Read};
use super::{HealthInfo, Http, body, document, generation, lenient};
use crate::document::{members, text};
use crate::model::kind::Place;
use crate::model::{self, Account, Edge, Kind, Listed, Member, Row, Shape, Workspace};
use crate::sync::remote::{Capabilities, Page, Query, Remote, RemoteError, RemoteResult, Reply, Request};
use crate::time::Timestamp;
use miniserde::json::{self, Value};
use std::time::Duration;
use ureq::http::Method;

impl Http {
    /// `GET /health`, or `/v1/health` on a server without it. Carries no credential.
    pub fn health(&self) -> RemoteResult<HealthInfo> {
        let at = |path: &str| self.read(&Call { anonymous: true, ..Call::new(Method::GET, path) });
        let answer = match at("/health") {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Refused { status: 405, .. }) => {
                at("/v1/health")?
            }
            answer => answer?,
        };
        let object = wire::unwrap(&answer).map_err(|words| self.malformed(&words))?;
        let word = |name: &str| wire::member(object, name).and_then(wire::text);
        let status = word("status").ok_or_else(|| self.malformed("the answer has no 'status'"))?;
        Ok(HealthInfo { status, timestamp: word("timestamp"), version: word("version"), database: word("database") })
    }

    /// Makes a workspace. `op_id`: the `Idempotency-Key`.
    pub fn create_workspace(
        &self,
        op_id: String,
        name: &str,
        identifier: &str,
        description: Option<&str>,
    ) -> RemoteResult<Workspace> {
        let mut object = members([("name", text(name)), ("identifier", text(identifier))]);
        object.extend(description.map(|description| ("description".to_string(), text(description))));
        let body = Some(json::to_string(&object));
        let answer = self.read(&Call { body, key: Some(op_id), ..Call::new(Method::POST, "/v1/workspaces") })?;
        wire::unwrap(&answer).and_then(wire::workspace).map_err(|words| self.malformed(&words))
    }

    /// Has the server do something with a row that is no change of fields: `plan/approve`. `None` where it does not know the
    /// row or the action.
    pub fn act(
        &self,
        kind: &'static Kind,
        workspace_id: i64,
        name: &str,
        action: &str,
        given: Option<(&str, Value)>,
    ) -> RemoteResult<Option<Row>> {
        let object: json::Object = given.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        let target = format!("{}/{action}", path(kind, workspace_id, name));
        let call = Call { body: Some(json::to_string(&object)), ..Call::new(Method::POST, target) };
        let answer = self.optional(self.transport.send(&call).map_err(RemoteError::from))?;
        answer.map(|answer| self.row_of(kind, workspace_id, &answer.body)).transpose()
    }

    /// The content of a row whose kind has one. Servers give it as a JSON string, or as it is. `None`: there is no such row.
    pub fn content(&self, kind: &'static Kind, workspace_id: i64, id: i64) -> RemoteResult<Option<String>> {
        let target = format!("{}/download", path(kind, workspace_id, &id.to_string()));
        let answer = self.transport.send(&Call::new(Method::GET, target)).map_err(RemoteError::from);
        let Some(answer) = self.optional(answer)? else { return Ok(None) };
        Ok(Some(match document(&answer.body) {
            Ok(Value::String(content)) if answer.is_json => content,
            _ => String::from_utf8_lossy(&answer.body).into_owned(),
        }))
    }

    /// What a server may be without: its absence is no error.
    fn optional<T>(&self, result: RemoteResult<T>) -> RemoteResult<Option<T>> {
        match result {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Refused { status: 405, .. }) => Ok(None),
            result => result.map(Some),
        }
    }

    fn row_of(&self, kind: &'static Kind, workspace_id: i64, body: &[u8]) -> RemoteResult<Row> {
        let reader = self.reader(kind, workspace_id, None);
        let row = document(body).and_then(|value| reader.answer(wire::unwrap(&value)?));
        row.map_err(|words| self.malformed(&words))
    }

    fn reader<'a>(&'a self, kind: &'static Kind, workspace_id: i64, below: Option<(i64, &'a str)>) -> Reader<'a> {
        Reader { kind, workspace_id, below, older_words: &self.older_words }
    }

    /// Sends a row's fields, and once more with the older words when the newer ones are refused with 422: nothing was done
    /// then, so this repeats no write.
    fn write_row(&self, request: &Request, call: &dyn Fn(bool) -> Result<Call, Reply>) -> Reply {
        let reader = self.reader(request.kind, request.workspace_id, request.below);
        let send = |older| match call(older) {
            Ok(call) => self.write(&call, &|value| reader.answer(value).map(Some)),
            Err(refused) => refused,
        };
        let older = self.older_words.get();
        match send(older) {
            refused @ Reply::Refused { status: 422, .. } if generation::has_older_word(request.set) && !older => {
                match send(true) {
                    Reply::Refused { status: 422, .. } => refused,
                    settled => {
                        self.older_words.set(matches!(settled, Reply::Done(_)));
                        settled
                    }
                }
            }
            reply => reply,
        }
    }

    fn create(&self, request: &Request) -> Reply {
        self.write_row(request, &|older| {
            Ok(Call {
                body: Some(body::create(request, older)),
                key: Some(request.op_id.to_string()),
                ..Call::new(
                    Method::POST,
                    collection(request.kind, request.workspace_id, request.below) + request.kind.made_at,
                )
            })
        })
    }

    fn update(&self, request: &Request) -> Reply {
        self.at_one_of(request, &|target| self.update_at(request, target))
    }

    /// The row, below the one it belongs to, as newer servers have it, else by itself: where a server knows no such path,
    /// nothing was done.
    fn at_one_of(&self, request: &Request, write: &dyn Fn(String) -> Reply) -> Reply {
        let Request { kind, workspace_id, id, .. } = *request;
        let reply = write(row_path(request));
        match (request.below.filter(|_| !kind.stands_alone), &reply) {
            (Some(_), Reply::Gone(_) | Reply::Refused { status: 405, .. }) => {
                write(format!("{}/{id}", collection(kind, workspace_id, None)))
            }
            _ => reply,
        }
    }

    fn update_at(&self, request: &Request, target: String) -> Reply {
        self.write_row(request, &|older| {
            // Refused here, as a server would: nothing is sent.
            let text = body::update(request.set, older).map_err(|field| Reply::Refused {
                status: 422,
                message: format!("the API has no way to clear {}", field.word),
            })?;
            Ok(Call { body: Some(text), if_match: request.version, ..Call::new(Method::PATCH, target.clone()) })
        })
    }

    fn link(&self, request: &Request) -> Reply {
        let object = members([(wire::OTHER_END, text(request.other))]);
        let call = Call {
            body: Some(json::to_string(&object)),
            key: Some(request.op_id.to_string()),
            ..Call::new(Method::POST, links_path(request.kind, request.workspace_id, request.name))
        };
        self.write(&call, &|_| Ok(None))
    }

    /// With the version that was looked at: not every server looks at it (docs/api.md 7), and where one does, nobody comes
    /// between the look and the delete.
    fn delete(&self, target: String, version: Option<i64>) -> Reply {
        self.write(&Call { if_match: version, ..Call::new(Method::DELETE, target) }, &|_| Ok(None))
    }

    /// Sends a write and reads its answer. What cannot be read leaves the write in doubt: somebody answered, perhaps a
    /// login page on the way. A `DELETE` may be answered with nothing (api.md 1.4).
    fn write(&self, call: &Call, read: &dyn Fn(&Value) -> Read<Option<Row>>) -> Reply {
        let answer = match self.transport.send(call) {
            Ok(answer) => answer,
            Err(trouble) => return trouble.into(),
        };
        if call.method == Method::DELETE && answer.body.is_empty() {
            return Reply::Done(None);
        }
        match document(&answer.body).and_then(|value| read(wire::unwrap(&value)?)) {
            Ok(row) => Reply::Done(row.map(Box::new)),
            Err(words) => Reply::Lost { message: self.describe(&words), until: None },
        }
    }

    /// The question for a page.
    fn page_call(&self, kind: &'static Kind, workspace_id: i64, query: &Query) -> Call {
        let below = query.below.as_ref().map(|(id, name)| (*id, name.as_str()));
        let collection = collection(kind, workspace_id, below);
        let mut target = format!("{collection}?limit={}&offset={}", query.limit, query.offset);
        if below.is_none() {
            target += "&sort_by=updated_at&order=asc";
        }
        if let Some(after) = &query.updated_after {
            target += &format!("&updated_after={}", escape(after));
        }
        if query.include_deleted && !self.refuses_include_deleted.get() {
            target += "&include_deleted=true";
        }
        Call::new(Method::GET, target)
    }

    /// The answer to it, as it came.
    fn page_body(&self, kind: &'static Kind, workspace_id: i64, query: &Query) -> RemoteResult<Vec<u8>> {
        let ask = |query: &Query| Ok(self.transport.send(&self.page_call(kind, workspace_id, query))?.body);
        match ask(query) {
            Err(RemoteError::Refused { status: 400 | 422, .. })
                if query.include_deleted && !self.refuses_include_deleted.get() =>
            {
                let body = ask(&Query { include_deleted: false, ..query.clone() })?;
                self.refuses_include_deleted.set(true);
                Ok(body)
            }
            body => body,
        }
    }
}

impl Remote for Http {
    fn origin(&self) -> String {
        self.transport.origin().to_string()
    }

    fn declared(&self) -> Option<Capabilities> {
        self.transport.declared()
    }

    fn time_limit(&self) -> Duration {
        self.transport.time_limit()
    }

    fn clocks(&self) -> Option<(Timestamp, Timestamp)> {
        self.transport.clocks()
    }

    fn account(&self) -> RemoteResult<Option<Account>> {
        let Some(answer) = self.optional(self.read(&Call::new(Method::GET, "/v1/auth")))? else { return Ok(None) };
        let object = wire::unwrap(&answer).map_err(|words| self.malformed(&words))?;
        if matches!(wire::member(object, "authenticated"), Some(Value::Bool(false))) {
            return Err(RemoteError::Unauthorized("not authenticated".into()));
        }
        wire::account(object).map(Some).map_err(|words| self.malformed(&words))
    }

    fn workspaces(&self) -> RemoteResult<Listed<Workspace>> {
        self.list(List {
            path: "/v1/workspaces".into(),
            paging: Paging::Numbered,
            read: Box::new(wire::workspace),
            key: |workspace: &Workspace| workspace.id,
        })
    }

    fn has_workspace(&self, workspace_id: i64) -> RemoteResult<bool> {
        match self.read(&Call::new(Method::GET, format!("/v1/workspaces/{workspace_id}"))) {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Forbidden(_)) => Ok(false),
            // It is there, whatever is wrong with it.
            Err(RemoteError::Malformed(_)) => Ok(true),
            answer => answer.map(|_| true),
        }
    }

    fn members(&self, workspace_id: i64) -> RemoteResult<Option<Listed<Member>>> {
        self.optional(self.list(List {
            path: format!("/v1/workspaces/{workspace_id}/members"),
            paging: Paging::Numbered,
            read: Box::new(move |value| wire::member_of(value, workspace_id)),
            key: |member: &Member| member.user_id.clone(),
        }))
    }

    fn named(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Row>>> {
        self.optional(self.list(List {
            path: collection(kind, workspace_id, None),
            paging: if generation::has_numbered_pages(kind) { Paging::Numbered } else { Paging::Offset },
            read: Box::new(move |value| wire::row(kind, &wire::members(value, kind.name)?, workspace_id)),
            key: |row: &Row| row.id,
        }))
    }

    fn rows(&self, kind: &'static Kind, workspace_id: i64, query: &Query) -> RemoteResult<Page> {
        let body = self.page_body(kind, workspace_id, query)?;
        let below = query.below.as_ref().map(|(id, name)| (*id, name.as_str()));
        self.reader(kind, workspace_id, below).page(&body).map_err(|words| self.malformed(&words))
    }

    fn prefetch(&self, kind: &'static Kind, workspace_id: i64, query: &Query) {
        self.transport.prefetch(&self.page_call(kind, workspace_id, query));
    }

    fn row(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Row>> {
        let ask = || Ok(self.transport.send(&Call::new(Method::GET, path(kind, workspace_id, name)))?.body);
        let mut answer = ask();
        if let Err(RemoteError::Page(_)) = answer {
            // It is believed of a server that answers otherwise.
            self.rows(kind, workspace_id, &Query { limit: 1, ..Query::default() })?;
            answer = ask();
        }
        let body = match answer {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_)) => return Ok(None),
            answer => answer?,
        };
        self.row_of(kind, workspace_id, &body).map(Some)
    }

    fn row_by_uid(&self, kind: &'static Kind, uid: &str) -> RemoteResult<Option<Row>> {
        let Some(folder) = kind.by_uid else { return Ok(None) };
        let answer = self.transport.send(&Call::new(Method::GET, format!("{folder}/{}", escape(uid))));
        // 403 is a row of a workspace that is not this account's (api.md 1.7).
        match answer.map_err(RemoteError::from) {
            Err(RemoteError::Forbidden(_)) => Ok(None),
            answer => match self.optional(answer)? {
                Some(answer) => self.row_of(kind, 0, &answer.body).map(Some),
                None => Ok(None),
            },
        }
    }

    fn links(&self, kind: &'static Kind, workspace_id: i64) -> RemoteResult<Option<Listed<Edge>>> {
        let path = format!("/v1/workspaces/{workspace_id}/{}-graph", kind.name);
        let answer = self.transport.send(&Call::new(Method::GET, path)).map_err(RemoteError::from);
        let Some(answer) = self.optional(answer)? else { return Ok(None) };
        let graph = lenient(edges(&String::from_utf8_lossy(&answer.body)).as_bytes())
            .map_err(|words| self.malformed(&words))?;
        let page = wire::page(&graph, &["edges"]).map_err(|words| self.malformed(&words))?;
        let mut listed = Listed::from(Vec::new());
        for item in page.items.iter() {
            match wire::edge(item) {
                Ok(edge) => listed.items.push(edge),
                Err(words) => listed.broken.push(words),
            }
        }
        Ok(Some(listed))
    }

    fn links_of(&self, kind: &'static Kind, workspace_id: i64, name: &str) -> RemoteResult<Option<Vec<String>>> {
        let call = Call::new(Method::GET, links_path(kind, workspace_id, name));
        let Some(answer) = self.optional(self.read(&call))? else { return Ok(None) };
        let page = wire::page(&answer, &[kind.collection]).map_err(|words| self.malformed(&words))?;
        let names = page.items.iter().map(wire::dependency).collect::<Read<Vec<String>>>();
        names.map(Some).map_err(|words| self.malformed(&words))
    }

    fn send(&self, request: &Request) -> Reply {
        let Request { kind, workspace_id, name, other, .. } = *request;
        match request.shape {
            Shape::Create => self.create(request),
            Shape::Update => self.update(request),
            Shape::Delete => self.at_one_of(request, &|target| self.delete(target, request.version)),
            Shape::Link => self.link(request),
            Shape::Unlink => self.delete(format!("{}/{}", links_path(kind, workspace_id, name), escape(other)), None),
        }
    }
}

/// The edges of a graph, where they can be made out: its nodes are the rows once more, and nearly all of it.
fn edges(graph: &str) -> &str {
    let at = |path: &[&str]| crate::json::get(graph, path).ok().flatten();
    at(&["edges"]).or_else(|| at(&["data", "edges"])).unwrap_or(graph)
}

/// `below`: id and name of the row that the collection is below.
fn collection(kind: &Kind, workspace_id: i64, below: Option<(i64, &str)>) -> String {
    match kind.parent().zip(below) {
        Some((parent, (id, name))) => {
            let above = match parent.place {
                Place::Numbered => path(parent, workspace_id, name),
                _ => path(parent, workspace_id, &id.to_string()),
            };
            format!("{above}/{}", kind.collection)
        }
        None => format!("/v1/workspaces/{workspace_id}/{}", kind.collection),
    }
}

fn path(kind: &Kind, workspace_id: i64, name: &str) -> String {
    format!("{}/{}", collection(kind, workspace_id, None), escape(name))
}

/// Where one row is.
fn row_path(request: &Request) -> String {
    let by_id = |below| format!("{}/{}", collection(request.kind, request.workspace_id, below), request.id);
    match request.kind.place {
        Place::Below(..) => by_id(request.below.filter(|_| !request.kind.stands_alone)),
        Place::Named(_) => by_id(None),
        Place::Numbered | Place::Between => path(request.kind, request.workspace_id, request.name),
    }
}

/// Where the links of one row are: below the row.
fn links_path(kind: &Kind, workspace_id: i64, name: &str) -> String {
    let ends = model::kind(kind.ends).map_or("", |ends| ends.collection);
    format!("/v1/workspaces/{workspace_id}/{ends}/{}/{}", escape(name), kind.collection)
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, for a path segment or a query value.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    // A segment of dots would climb out of its folder.
    if escaped.bytes().all(|byte| byte == b'.') { escaped.replace('.', "%2E") } else { escaped }
}
