//! The `Remote` over HTTP: which path, which body, and what a 404 means for each of them. Paths are those of
//! generations C and D, without a trailing slash (api.md 1.3, 2).

use super::lists::{List, Paging};
use super::transport::Call;
use super::wire::{self, Read};
use super::{HealthInfo, Http, body};
use crate::model::{Account, Label, Member, Operation, Patch, Project, Task, Workspace};
use crate::sync::remote::{Edge, Remote, RemoteError, RemoteResult, TaskPage, TaskQuery};
use miniserde::json::{self, Object, Value};
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

    /// `POST …/projects`; `key` is its `Idempotency-Key`.
    pub fn create_project(
        &self,
        workspace_id: i64,
        name: &str,
        description: Option<&str>,
        key: &str,
    ) -> RemoteResult<Project> {
        let given = [("name", Some(name)), ("description", description), ("status", Some("active"))];
        let text = |value: &str| Value::String(value.to_string());
        let object: Object =
            given.iter().filter_map(|(member, value)| Some((member.to_string(), text((*value)?)))).collect();
        let call = Call {
            body: Some(json::to_string(&object)),
            key: Some(key.to_string()),
            ..Call::new(Method::POST, format!("/v1/workspaces/{workspace_id}/projects"))
        };
        self.write(&call, |value| wire::project(value, workspace_id))
    }

    /// A list whose absence is no error.
    fn optional<T>(&self, result: RemoteResult<T>) -> RemoteResult<Option<T>> {
        match result {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Refused { status: 405, .. }) => Ok(None),
            result => result.map(Some),
        }
    }

    fn task_read(&self, value: &Value, workspace_id: i64) -> Read<Task> {
        if wire::says_inprogress(value) {
            self.says_inprogress.set(true);
        }
        wire::task(value, workspace_id)
    }

    /// Sends a task's fields, and once more with the older word for `active` when the newer one is refused with 422:
    /// nothing was done then, so this repeats no write.
    fn write_task(
        &self,
        set: &Patch,
        workspace_id: i64,
        call: impl Fn(bool) -> RemoteResult<Call>,
    ) -> RemoteResult<Task> {
        let older = self.says_inprogress.get();
        let send = |older| self.write(&call(older)?, |value| self.task_read(value, workspace_id));
        match send(older) {
            Err(refused @ RemoteError::Refused { status: 422, .. }) if body::sets_active(set) && !older => {
                match send(true) {
                    Err(RemoteError::Refused { status: 422, .. }) => Err(refused),
                    settled => {
                        self.says_inprogress.set(settled.is_ok());
                        settled
                    }
                }
            }
            result => result,
        }
    }
}

impl Remote for Http {
    fn origin(&self) -> String {
        self.transport.origin().to_string()
    }

    fn honours_idempotency_key(&self) -> bool {
        self.transport.honours_keys()
    }

    fn time_limit(&self) -> Duration {
        self.transport.time_limit()
    }

    fn account(&self) -> RemoteResult<Option<Account>> {
        let Some(answer) = self.optional(self.read(&Call::new(Method::GET, "/v1/auth")))? else { return Ok(None) };
        let object = wire::unwrap(&answer).map_err(|words| self.malformed(&words))?;
        if matches!(wire::member(object, "authenticated"), Some(Value::Bool(false))) {
            return Err(RemoteError::Unauthorized("not authenticated".into()));
        }
        wire::account(object).map(Some).map_err(|words| self.malformed(&words))
    }

    fn workspaces(&self) -> RemoteResult<Vec<Workspace>> {
        self.list(List {
            path: "/v1/workspaces".into(),
            paging: Paging::Numbered,
            read: Box::new(wire::workspace),
            key: |workspace| workspace.id,
        })
    }

    fn has_workspace(&self, workspace_id: i64) -> RemoteResult<bool> {
        match self.read(&Call::new(Method::GET, format!("/v1/workspaces/{workspace_id}"))) {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_) | RemoteError::Forbidden(_)) => Ok(false),
            answer => {
                let answer = answer?;
                let found = wire::unwrap(&answer).and_then(wire::workspace);
                found.map(|_| true).map_err(|words| self.malformed(&words))
            }
        }
    }

    fn projects(&self, workspace_id: i64) -> RemoteResult<Vec<Project>> {
        self.list(List {
            path: format!("/v1/workspaces/{workspace_id}/projects"),
            paging: Paging::Numbered,
            read: Box::new(move |value| wire::project(value, workspace_id)),
            key: |project| project.id,
        })
    }

    fn members(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Member>>> {
        self.optional(self.list(List {
            path: format!("/v1/workspaces/{workspace_id}/members"),
            paging: Paging::Numbered,
            read: Box::new(move |value| wire::member_of(value, workspace_id)),
            key: |member: &Member| member.user_id.clone(),
        }))
    }

    fn labels(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Label>>> {
        self.optional(self.list(List {
            path: format!("/v1/workspaces/{workspace_id}/labels"),
            paging: Paging::Offset,
            read: Box::new(move |value| wire::label(value, workspace_id)),
            key: |label: &Label| label.id,
        }))
    }

    fn tasks(&self, workspace_id: i64, query: &TaskQuery) -> RemoteResult<TaskPage> {
        let mut target = format!("/v1/workspaces/{workspace_id}/tasks?limit={}&offset={}", query.limit, query.offset);
        target += "&sort_by=updated_at&order=asc";
        if let Some(after) = &query.updated_after {
            target += &format!("&updated_after={}", escape(after));
        }
        let plain = Call::new(Method::GET, target.clone());
        let answer = if query.include_deleted && !self.refuses_include_deleted.get() {
            match self.read(&Call::new(Method::GET, target + "&include_deleted=true")) {
                Err(RemoteError::Refused { status: 400 | 422, .. }) => {
                    let answer = self.read(&plain)?;
                    self.refuses_include_deleted.set(true);
                    answer
                }
                answer => answer?,
            }
        } else {
            self.read(&plain)?
        };
        let page = wire::page(&answer, &[]).map_err(|words| self.malformed(&words))?;
        let items = page.items.iter().map(|item| self.task_read(item, workspace_id)).collect::<Read<Vec<Task>>>();
        Ok(TaskPage { items: items.map_err(|words| self.malformed(&words))?, total: page.says("total") })
    }

    fn task(&self, workspace_id: i64, identifier: &str) -> RemoteResult<Option<Task>> {
        let ask = || self.read(&Call::new(Method::GET, task_path(workspace_id, identifier)));
        let mut answer = ask();
        if let Err(RemoteError::Page(_)) = answer {
            // It is believed of a server that answers otherwise.
            self.tasks(workspace_id, &TaskQuery { limit: 1, ..TaskQuery::default() })?;
            answer = ask();
        }
        match answer {
            Err(RemoteError::NotFound(_) | RemoteError::Page(_)) => Ok(None),
            answer => {
                let answer = answer?;
                let task = wire::unwrap(&answer).and_then(|value| self.task_read(value, workspace_id));
                task.map(Some).map_err(|words| self.malformed(&words))
            }
        }
    }

    fn dependencies(&self, workspace_id: i64) -> RemoteResult<Option<Vec<Edge>>> {
        let path = format!("/v1/workspaces/{workspace_id}/dependency-graph");
        let Some(answer) = self.optional(self.read(&Call::new(Method::GET, path)))? else { return Ok(None) };
        let page = wire::page(&answer, &["edges"]).map_err(|words| self.malformed(&words))?;
        let edges = page.items.iter().map(wire::edge).collect::<Read<Vec<Edge>>>();
        edges.map(Some).map_err(|words| self.malformed(&words))
    }

    fn dependencies_of(&self, workspace_id: i64, identifier: &str) -> RemoteResult<Option<Vec<String>>> {
        let path = format!("{}/dependencies", task_path(workspace_id, identifier));
        let Some(answer) = self.optional(self.read(&Call::new(Method::GET, path)))? else { return Ok(None) };
        let page = wire::page(&answer, &["dependencies"]).map_err(|words| self.malformed(&words))?;
        let names = page.items.iter().map(wire::dependency).collect::<Read<Vec<String>>>();
        names.map(Some).map_err(|words| self.malformed(&words))
    }

    fn create_task(&self, operation: &Operation, set: &Patch) -> RemoteResult<Task> {
        self.write_task(set, operation.workspace_id, |older| {
            Ok(Call {
                body: Some(body::create(set, older)),
                key: Some(operation.op_id.clone()),
                ..Call::new(Method::POST, format!("/v1/workspaces/{}/tasks", operation.workspace_id))
            })
        })
    }

    fn update_task(&self, workspace_id: i64, identifier: &str, set: &Patch, version: i64) -> RemoteResult<Task> {
        self.write_task(set, workspace_id, |older| {
            // Refused here, as a server would: nothing is sent.
            let text = body::update(set, older).map_err(|field| RemoteError::Refused {
                status: 422,
                message: format!("the API has no way to clear {}", field.word()),
            })?;
            Ok(Call {
                body: Some(text),
                if_match: Some(version),
                ..Call::new(Method::PATCH, task_path(workspace_id, identifier))
            })
        })
    }

    fn delete_task(&self, workspace_id: i64, identifier: &str) -> RemoteResult<()> {
        self.delete(task_path(workspace_id, identifier))
    }

    fn add_dependency(&self, operation: &Operation, identifier: &str, depends_on: &str) -> RemoteResult<()> {
        let object: Object = [("depends_on".to_string(), Value::String(depends_on.to_string()))].into_iter().collect();
        let call = Call {
            body: Some(json::to_string(&object)),
            key: Some(operation.op_id.clone()),
            ..Call::new(Method::POST, format!("{}/dependencies", task_path(operation.workspace_id, identifier)))
        };
        self.write(&call, |_| Ok(()))
    }

    fn remove_dependency(&self, workspace_id: i64, identifier: &str, depends_on: &str) -> RemoteResult<()> {
        self.delete(format!("{}/dependencies/{}", task_path(workspace_id, identifier), escape(depends_on)))
    }
}

fn task_path(workspace_id: i64, identifier: &str) -> String {
    format!("/v1/workspaces/{workspace_id}/tasks/{}", escape(identifier))
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
