//! The tables of api.md, row by row: every request that this server serves, with its success and what the answer holds
//! field by field, and its errors. Rows are data; `World` has something of everything to ask about.

use crate::harness::*;
use miniserde::json::{self, Number, Value};

/// The kind of value that a field has; a question mark says that it may be null.
fn fits(kind: &str, value: &Value) -> bool {
    let (kind, may_be_null) = kind.strip_suffix('?').map_or((kind, false), |kind| (kind, true));
    match (kind, value) {
        (_, Value::Null) => may_be_null,
        ("int", Value::Number(number)) => !matches!(number, Number::F64(_)),
        ("number", Value::Number(_)) => true,
        ("text", Value::String(_)) => true,
        ("time", Value::String(text)) => anyt::time::Timestamp::parse(text).is_some() && text.ends_with('Z'),
        ("bool", Value::Bool(_)) => true,
        ("object", Value::Object(_)) => true,
        ("list", Value::Array(_)) => true,
        ("texts", Value::Array(items)) => items.iter().all(|item| matches!(item, Value::String(_))),
        (kind, Value::Array(items)) if kind.starts_with('[') => {
            let shape = kind.trim_start_matches('[').trim_end_matches(']');
            items.iter().all(|item| wrong(shape_of(shape), item).is_none())
        }
        (kind, value) if kind.starts_with('=') => wrong(shape_of(&kind[1..]), value).is_none(),
        _ => false,
    }
}

/// The first field of a shape (`name:kind`, by blanks) that the object does not have as it should.
fn wrong(shape: &str, value: &Value) -> Option<String> {
    let Value::Object(object) = value else { return Some(format!("{} is no object", json::to_string(value))) };
    shape.split_whitespace().find_map(|field| {
        let (name, kind) = field.split_once(':').expect("name:kind");
        match object.get(name) {
            Some(value) if fits(kind, value) => None,
            Some(value) => Some(format!("{name} is {} and should be {kind}", json::to_string(value))),
            None => Some(format!("{name} is missing")),
        }
    })
}

/// Section 3 of api.md.
fn shape_of(name: &str) -> &'static str {
    match name {
        "health" => "status:text timestamp:time version:text database:text",
        "auth" => "user_id:text email:text? role:text authenticated:bool",
        "preferences" => {
            "user_id:text current_workspace_id:int? current_project_id:int? default_agent_id:int? updated_at:time"
        }
        "setup" => "workspace:=workspace project:=project is_new_setup:bool agent:object",
        "workspace" => {
            "name:text identifier:text description:text? id:int owner_id:text task_counter:int created_at:time
             updated_at:time deleted_at:time?"
        }
        "project" => {
            "name:text description:text? status:text lead_id:text? start_date:text? target_date:text? color:text?
             icon:text? id:int workspace_id:int created_at:time updated_at:time deleted_at:time? is_demo:bool
             external_repo_id:int? external_repo:object?"
        }
        "project-deleted" => "deleted:bool project_id:int tasks_deleted:int failed_tasks:int",
        "task" => {
            "title:text description:text? phase:text? status:text priority:int owner_id:text? assignee_type:text
             labels:texts estimate:number? parent_id:int? goal_id:int? id:int workspace_id:int project_id:int number:int
             identifier:text uid:text creator_id:text version:int started_at:time? completed_at:time? canceled_at:time?
             archived_at:time? created_at:time updated_at:time deleted_at:time? workspace:=workspace-minimal
             project:=project-minimal assigned_coding_agent:text? implementation_plan:text? plan_review_status:text?
             plan_reviewed_at:time? plan_reviewed_by:text? checklist:text?"
        }
        "workspace-minimal" => "id:int name:text identifier:text",
        "project-minimal" => "id:int name:text color:text? icon:text?",
        "bulk" => "results:[bulk-result] updated:int total:int succeeded:int failed:int",
        "bulk-result" => "identifier:text task_id:text? success:bool message:text? error:text?",
        "dependency" => "id:int identifier:text title:text status:text priority:int",
        "dependency-made" => "task_id:text depends_on:text blocked_by_status:text created_at:time",
        "graph" => "nodes:[node] edges:[edge]",
        "node" => "id:text title:text status:text priority:int",
        "edge" => "from_task:text to_task:text blocking:bool",
        "label" => "id:int name:text color:text? description:text? workspace_id:int created_at:time updated_at:time",
        "member" => "workspace_id:int user_id:text role:text created_at:time",
        "assignees" => "users:[person] agents:list coding_agents:[coding-agent-brief]",
        "person" => "id:text type:text",
        "coding-agent-brief" => "agent_type:text name:text type:text is_enabled:bool",
        "comment" => {
            "id:int task_id:text author_id:text author_name:text? author_avatar:text? content:text mentioned_users:texts
             created_at:time updated_at:time? is_edited:bool is_own:bool"
        }
        "comments" => "comments:[comment] total:int",
        "comments-changed" => "comments:[comment-changed] total:int",
        "comment-changed" => {
            "id:int task_id:text author_id:text author_name:text? author_avatar:text? content:text mentioned_users:texts
             created_at:time updated_at:time is_edited:bool is_own:bool deleted_at:time? task:=row-id"
        }
        "row-id" => "id:int",
        "comment-stats" => "task_id:text total_comments:int unread_mentions:int last_comment_at:time?",
        "attempt" => {
            "id:int task_id:int task_identifier:text actor_id:text actor_type:text started_at:time ended_at:time?
             status:text failure_class:text? failure_message:text? cost_tokens:int? wall_clock_ms:int?
             extra_metadata:object? created_at:time updated_at:time artifacts_count:int executed_by_coding_agent:text?"
        }
        "artifact" => {
            "type:text name:text uri:text size_bytes:int mime_type:text? preview:text extra_metadata:object? id:int
             attempt_id:int created_at:time"
        }
        "event" => {
            "actor_id:text actor_type:text entity_type:text entity_id:text event_type:text changes:object?
             extra_metadata:object? id:int workspace_id:int ts:time created_at:time generated_by_coding_agent:text?"
        }
        "events" => "events:[event] pagination:=pagination",
        "pagination" => "total:int limit:int offset:int has_more:bool",
        "history" => "task_id:text events:[event] total:int pagination:=pagination",
        "timeline" => "task_id:text items:[moment]",
        "moment" => "type:text ts:time summary:text owner:=moment-owner details:=moment-details",
        "moment-owner" => "id:text type:text name:text?",
        "moment-details" => "event_id:int kind:text field_changes:list?",
        "suggestions" => "suggestions:[suggestion] total_ready:int total_blocked:int",
        "suggestion" => "task:=task is_ready:bool blocked_by:texts blocks:texts",
        "pull-request" => {
            "pr_number:int pr_url:text head_branch:text base_branch:text head_sha:text pr_status:text review_status:text
             review_count:int approved_count:int changes_requested_count:int ci_status:text ci_conclusion:text?
             ci_check_runs_total:int ci_check_runs_completed:int ci_check_runs_failed:int mergeable:bool?
             mergeable_state:text? merge_commit_sha:text? extra_metadata:object? id:int task_id:int attempt_id:int?
             workspace_id:int project_id:int opened_at:time merged_at:time? closed_at:time? created_at:time
             updated_at:time"
        }
        "api-key" => {
            "id:int workspace_id:int name:text key_prefix:text permissions:texts is_active:bool last_used_at:time?
             expires_at:time? created_by:text created_at:time"
        }
        "api-key-made" => "key:text api_key:=api-key",
        "goal" => {
            "id:int workspace_id:int project_id:int number:int identifier:text title:text description:text?
             context:object status:text creator_id:text created_at:time updated_at:time"
        }
        "view" => {
            "id:int name:text description:text? filters:object is_default:bool display_order:int workspace_id:int
             user_id:text created_at:time updated_at:time"
        }
        "coding-agent" => {
            "agent_type:text name:text description:text website_url:text? documentation_url:text? supported_models:texts
             features:texts"
        }
        "config" => {
            "agent_type:text display_name:text? is_enabled:bool config:object? id:int workspace_id:int user_id:text?
             created_at:time updated_at:time"
        }
        "order" => {
            "critical_path:=critical execution_phases:[phase] bottlenecks:[bottleneck]
             parallel_opportunities:[opportunity] total_estimate:number estimated_completion_date:time? num_runners:int"
        }
        "critical" => "tasks:texts total_estimate:number depth:int completion_date:time?",
        "phase" => "phase:int tasks:texts parallel:bool estimated_duration:number blockers:texts",
        "bottleneck" => "task:text blocks_count:int downstream_estimate:number",
        "opportunity" => "phase:int tasks:texts can_run_together:bool",
        "problem" => "type:text title:text status:int detail:text instance:text",
        other => panic!("no shape {other}"),
    }
}

/// What an answer is: one object, an array, a page, or something else that is looked at elsewhere.
enum Answer {
    One(&'static str),
    Array(&'static str),
    Page(&'static str),
    Any,
    Nothing,
}
use Answer::{Any, Array, Nothing, One, Page};

/// Method, path, body; `W` is the workspace, the rest is what `world` made.
struct Row(&'static str, &'static str, &'static str, u16, Answer);

const ROWS: &[Row] = &[
    // 2.1
    Row("GET", "/health", "", 200, Any),
    Row("GET", "/v1/health", "", 200, One("health")),
    Row("GET", "/", "", 200, Any),
    Row("GET", "/ping", "", 200, Any),
    Row("GET", "/v1/auth", "", 200, One("auth")),
    Row("GET", "/api/v1/auth", "", 200, One("auth")),
    // 2.2
    Row("POST", "/v1/users/init", "", 200, One("setup")),
    Row("GET", "/v1/users/me", "", 200, Any),
    Row("GET", "/v1/users/me/preferences", "", 200, Any),
    Row("PUT", "/v1/users/me/preferences/workspace", r#"{"workspace_id": 1}"#, 200, One("preferences")),
    Row("PUT", "/v1/users/me/preferences/workspace", r#"{"workspace_id": 99}"#, 404, Any),
    Row("PUT", "/v1/users/me/preferences/workspace", r#"{"workspace_id": null}"#, 422, Any),
    Row("PUT", "/v1/users/me/preferences/project", r#"{"workspace_id": 1, "project_id": 1}"#, 200, One("preferences")),
    Row("PUT", "/v1/users/me/preferences/project", r#"{"workspace_id": 1, "project_id": 99}"#, 404, Any),
    Row("PUT", "/v1/users/me/preferences/project", r#"{"workspace_id": 1}"#, 422, Any),
    Row("GET", "/v1/users/me/preferences", "", 200, One("preferences")),
    Row("PUT", "/v1/users/me/preferences/agent", r#"{"workspace_id": 1, "agent_id": 1}"#, 501, Any),
    Row("POST", "/v1/users/me/demo-project", "", 501, Any),
    Row("DELETE", "/v1/users/me/preferences", "", 204, Nothing),
    // 2.3
    Row("GET", "/v1/workspaces", "", 200, Page("workspace")),
    Row("POST", "/v1/workspaces", r#"{"name": "n", "identifier": "new", "description": null}"#, 201, One("workspace")),
    Row("POST", "/v1/workspaces", r#"{"name": "n", "identifier": "NEW"}"#, 409, Any),
    Row("POST", "/v1/workspaces", r#"{"name": "n", "identifier": "N1"}"#, 422, Any),
    Row("POST", "/v1/workspaces", r#"{"identifier": "NNN"}"#, 422, Any),
    Row("GET", "/v1/workspaces/current", "", 200, One("workspace")),
    Row("GET", "/v1/workspaces/1", "", 200, One("workspace")),
    Row("GET", "/v1/workspaces/99", "", 404, Any),
    Row("GET", "/v1/workspaces/+1", "", 404, Any),
    Row("GET", "/v1/workspaces/%201", "", 404, Any),
    Row("PATCH", "/v1/workspaces/1", r#"{"name": "m", "description": null}"#, 200, One("workspace")),
    Row("PATCH", "/v1/workspaces/1", r#"{"name": 1}"#, 422, Any),
    Row("PATCH", "/v1/workspaces/99", "{}", 404, Any),
    Row("DELETE", "/v1/workspaces/2", "", 204, Nothing),
    Row("DELETE", "/v1/workspaces/2", "", 404, Any),
    // 2.4
    Row("GET", "W/projects", "", 200, Page("project")),
    Row("GET", "W/projects?status=active&page=1&per_page=5", "", 200, Page("project")),
    Row("GET", "W/projects?status=odd", "", 422, Any),
    Row("GET", "/v1/workspaces/99/projects", "", 404, Any),
    Row("POST", "W/projects", r##"{"name": "p", "color": "#fff", "lead_id": null}"##, 201, One("project")),
    Row("POST", "W/projects", r#"{"name": " "}"#, 422, Any),
    Row("POST", "W/projects", r#"{"name": "p", "status": "odd"}"#, 422, Any),
    Row("GET", "W/projects/current", "", 200, One("project")),
    Row("GET", "W/projects/1", "", 200, One("project")),
    Row("GET", "W/projects/99", "", 404, Any),
    Row("PATCH", "W/projects/1", r#"{"name": "q", "external_repo_id": null}"#, 200, One("project")),
    Row("PATCH", "W/projects/1", r#"{"name": ""}"#, 422, Any),
    Row("PATCH", "W/projects/99", "{}", 404, Any),
    Row("POST", "W/projects/1/link-repo", r#"{"full_name": "a/b"}"#, 501, Any),
    Row("POST", "W/projects/1/clone-info", "", 404, Any),
    Row("DELETE", "W/projects/3", "", 200, One("project-deleted")),
    Row("DELETE", "W/projects/3", "", 404, Any),
    // 2.5
    Row("GET", "W/tasks", "", 200, Page("task")),
    Row(
        "GET",
        "W/tasks?project=1&status=todo,backlog&limit=50&offset=0&sort_by=priority&order=desc",
        "",
        200,
        Page("task"),
    ),
    Row("GET", "W/tasks?sort_by=odd", "", 422, Any),
    Row("GET", "W/tasks?project=+1", "", 200, Page("task")),
    Row("GET", "W/tasks?project=%2B1", "", 422, Any),
    Row("GET", "/v1/workspaces/99/tasks", "", 404, Any),
    Row(
        "POST",
        "W/tasks",
        r#"{"project_id": 1, "title": "t", "description": null, "phase": null, "status": "backlog", "priority": 0,
            "owner_id": null, "assignee_type": "human", "labels": [], "estimate": null, "parent_id": null,
            "goal_id": 1, "depends_on": null}"#,
        201,
        One("task"),
    ),
    Row("POST", "W/tasks", r#"{"project_id": 1}"#, 422, Any),
    Row("POST", "W/tasks", r#"{"project_id": 99, "title": "t"}"#, 422, Any),
    Row("POST", "W/tasks", r#"{"project_id": 1, "title": "t", "goal_id": 99}"#, 422, Any),
    Row("GET", "W/tasks/DEV-1", "", 200, One("task")),
    Row("GET", "W/tasks/dev-1", "", 200, One("task")),
    Row("GET", "W/tasks/1", "", 200, One("task")),
    Row("GET", "W/tasks/+1", "", 404, Any),
    Row("GET", "W/tasks/DEV-+1", "", 404, Any),
    Row("GET", "W/tasks/DEV-99", "", 404, Any),
    Row("PATCH", "W/tasks/DEV-1", r#"{"title": "u", "goal_id": 1, "plan_reviewed_by": null}"#, 200, One("task")),
    Row("PATCH", "W/tasks/DEV-1", r#"{"status": "odd"}"#, 422, Any),
    Row("PATCH", "W/tasks/DEV-1", r#"{"plan_review_status": "odd"}"#, 422, Any),
    Row("PATCH", "W/tasks/DEV-99", "{}", 404, Any),
    Row("PATCH", "W/bulk-tasks", r#"{"task_ids": ["DEV-1", "DEV-99"], "updates": {"priority": 1}}"#, 200, One("bulk")),
    Row("PATCH", "W/bulk-tasks", r#"{"updates": {}}"#, 422, Any),
    Row("PATCH", "/v1/workspaces/99/bulk-tasks", "{}", 404, Any),
    Row("GET", "/v1/t/t_1", "", 200, One("task")),
    Row("GET", "/v1/t/t_zz", "", 404, Any),
    Row("POST", "W/tasks/DEV-1/auto-fill", "{}", 501, Any),
    Row("POST", "W/tasks/DEV-1/plan/approve", r#"{"feedback": null}"#, 409, Any),
    Row("POST", "W/tasks/DEV-1/plan/submit", r#"{"implementation_plan": "p", "auto_approve": null}"#, 200, One("task")),
    Row("POST", "W/tasks/DEV-1/plan/submit", "{}", 422, Any),
    Row("POST", "W/tasks/DEV-99/plan/submit", r#"{"implementation_plan": "p"}"#, 404, Any),
    Row("POST", "W/tasks/DEV-1/plan/request-changes", r#"{"feedback": "f"}"#, 200, One("task")),
    Row("POST", "W/tasks/DEV-1/plan/request-changes", "{}", 422, Any),
    Row("POST", "W/tasks/DEV-99/plan/request-changes", r#"{"feedback": "f"}"#, 404, Any),
    Row("POST", "W/tasks/DEV-1/plan/approve", r#"{"feedback": null}"#, 200, One("task")),
    Row("POST", "W/tasks/DEV-99/plan/approve", "{}", 404, Any),
    Row("GET", "W/tasks/execution-order", "", 200, One("order")),
    Row("GET", "W/tasks/execution-order?num_runners=0", "", 422, Any),
    Row("GET", "W/projects/1/tasks/execution-order?num_runners=2&include_completed=true", "", 200, One("order")),
    Row("GET", "W/projects/99/tasks/execution-order", "", 404, Any),
    // 2.6
    Row("GET", "W/tasks/DEV-2/dependencies", "", 200, Array("dependency")),
    Row("GET", "W/tasks/DEV-99/dependencies", "", 404, Any),
    Row("POST", "W/tasks/DEV-3/dependencies", r#"{"depends_on": "DEV-1"}"#, 201, One("dependency-made")),
    Row("POST", "W/tasks/DEV-3/dependencies", r#"{"depends_on": "DEV-1"}"#, 409, Any),
    Row("POST", "W/tasks/DEV-1/dependencies", r#"{"depends_on": "DEV-3"}"#, 409, Any),
    Row("POST", "W/tasks/DEV-1/dependencies", r#"{"depends_on": "dev-1"}"#, 400, Any),
    Row("POST", "W/tasks/DEV-1/dependencies", r#"{"depends_on": "DEV-99"}"#, 404, Any),
    Row("POST", "W/tasks/DEV-1/dependencies", "{}", 422, Any),
    Row("GET", "W/tasks/DEV-1/dependents", "", 200, Array("dependency")),
    Row("GET", "W/tasks/DEV-99/dependents", "", 404, Any),
    Row("GET", "W/dependency-graph", "", 200, One("graph")),
    Row("GET", "W/dependency-graph?project_id=1", "", 200, One("graph")),
    Row("GET", "/v1/workspaces/99/projects/current", "", 404, Any),
    Row("POST", "/v1/workspaces/99/tasks", r#"{"title": "a", "project_id": 1}"#, 404, Any),
    Row("GET", "/v1/workspaces/99/labels", "", 404, Any),
    Row("GET", "/v1/workspaces/99/members", "", 404, Any),
    Row("GET", "W/dependency-graph?project_id=99", "", 404, Any),
    Row("DELETE", "W/tasks/DEV-3/dependencies/DEV-1", "", 204, Nothing),
    Row("DELETE", "W/tasks/DEV-3/dependencies/DEV-1", "", 404, Any),
    // 2.7
    Row("GET", "W/labels?limit=10&offset=0", "", 200, Page("label")),
    Row("POST", "W/labels", r#"{"name": "l2", "workspace_id": 1, "color": null}"#, 201, One("label")),
    Row("POST", "W/labels", r#"{"name": "l2"}"#, 409, Any),
    Row("POST", "W/labels", "{}", 422, Any),
    Row("GET", "W/labels/1", "", 200, One("label")),
    Row("GET", "W/labels/99", "", 404, Any),
    Row("PATCH", "W/labels/1", r#"{"description": "d"}"#, 200, One("label")),
    Row("PATCH", "W/labels/1", r#"{"name": "l2"}"#, 409, Any),
    Row("PATCH", "W/labels/99", "{}", 404, Any),
    Row("DELETE", "W/labels/2", "", 204, Nothing),
    Row("DELETE", "W/labels/2", "", 404, Any),
    // 2.8, 2.9
    Row("GET", "W/members?page=1&per_page=10", "", 200, Page("member")),
    Row("POST", "W/members", r#"{"user_id": "ann", "role": "viewer"}"#, 201, One("member")),
    Row("POST", "W/members", r#"{"user_id": "ann", "role": "viewer"}"#, 409, Any),
    Row("POST", "W/members", r#"{"role": "viewer"}"#, 422, Any),
    Row("PATCH", "W/members/ann", r#"{"role": "member"}"#, 200, One("member")),
    Row("PATCH", "W/members/nobody", r#"{"role": "member"}"#, 404, Any),
    Row("DELETE", "W/members/ann", "", 204, Nothing),
    Row("DELETE", "W/members/ann", "", 404, Any),
    Row("GET", "W/assignees", "", 200, One("assignees")),
    Row("GET", "/v1/workspaces/99/assignees", "", 404, Any),
    // 2.10
    Row("GET", "W/tasks/DEV-1/comments", "", 200, One("comments")),
    Row("GET", "W/tasks/DEV-99/comments", "", 404, Any),
    Row(
        "POST",
        "W/tasks/DEV-1/comments",
        r#"{"content": "c", "mentioned_users": [], "parent_id": null}"#,
        201,
        One("comment"),
    ),
    Row("POST", "W/tasks/DEV-1/comments", r#"{"content": ""}"#, 422, Any),
    Row("POST", "W/tasks/DEV-99/comments", r#"{"content": "c"}"#, 404, Any),
    Row("GET", "W/tasks/DEV-1/comments/stats", "", 200, One("comment-stats")),
    Row("GET", "W/tasks/DEV-99/comments/stats", "", 404, Any),
    Row("PATCH", "W/tasks/DEV-1/comments/1", r#"{"content": "d"}"#, 200, One("comment")),
    Row("PATCH", "W/tasks/DEV-2/comments/1", r#"{"content": "d"}"#, 404, Any),
    Row("GET", "W/comments", "", 200, One("comments-changed")),
    Row("GET", "W/comments?updated_after=yesterday", "", 422, Any),
    Row("GET", "W/comments/1", "", 200, One("comment")),
    Row("GET", "W/comments/99", "", 404, Any),
    Row("PATCH", "W/comments/1", r#"{"content": "e"}"#, 200, One("comment")),
    Row("PATCH", "W/comments/99", "{}", 404, Any),
    Row("DELETE", "W/tasks/DEV-1/comments/1", "", 204, Nothing),
    Row("DELETE", "W/tasks/DEV-1/comments/1", "", 404, Any),
    Row("DELETE", "W/comments/2", "", 204, Nothing),
    Row("DELETE", "W/comments/2", "", 404, Any),
    Row("GET", "W/comments?include_deleted=true&limit=1", "", 200, One("comments-changed")),
    // 2.11
    Row(
        "POST",
        "W/tasks/DEV-1/attempts/start",
        r#"{"notes": "n", "executed_by_coding_agent": "codex"}"#,
        201,
        One("attempt"),
    ),
    Row("POST", "W/tasks/DEV-1/attempts/start", r#"{"executed_by_coding_agent": "odd"}"#, 422, Any),
    Row("POST", "W/tasks/DEV-99/attempts/start", "{}", 404, Any),
    Row("GET", "W/tasks/DEV-1/attempts?limit=5&offset=0", "", 200, Page("attempt")),
    Row("GET", "W/tasks/DEV-99/attempts", "", 404, Any),
    Row("GET", "W/attempts?limit=5&include_deleted=true", "", 200, Page("attempt")),
    Row("GET", "W/attempts?updated_after=yesterday", "", 422, Any),
    Row("GET", "W/attempts/1", "", 200, One("attempt")),
    Row("GET", "W/attempts/99", "", 404, Any),
    Row("PATCH", "W/attempts/1", r#"{"cost_tokens": 5, "status": null}"#, 200, One("attempt")),
    Row("PATCH", "W/attempts/1", r#"{"status": "odd"}"#, 422, Any),
    Row("PATCH", "W/attempts/1", r#"{"cost_tokens": -1}"#, 422, Any),
    Row("PATCH", "W/attempts/99", "{}", 404, Any),
    Row("POST", "W/attempts/1/finish", r#"{"status": "running"}"#, 422, Any),
    Row("POST", "W/attempts/1/finish", r#"{"status": "failed", "failure_class": "odd"}"#, 422, Any),
    Row("POST", "W/attempts/1/finish", "{}", 422, Any),
    Row("POST", "W/attempts/1/finish", r#"{"status": "success", "extra_metadata": {"input_tokens": "x"}}"#, 422, Any),
    Row(
        "POST",
        "W/attempts/1/finish",
        r#"{"status": "success", "wall_clock_ms": 7, "extra_metadata": {"a": {}}}"#,
        200,
        One("attempt"),
    ),
    Row("POST", "W/attempts/1/finish", r#"{"status": "success"}"#, 409, Any),
    Row("POST", "W/attempts/99/finish", r#"{"status": "success"}"#, 404, Any),
    // 2.12
    Row(
        "POST",
        "W/attempts/1/artifacts",
        r#"{"type": "log", "name": "l.txt", "content": "hi", "mime_type": null}"#,
        201,
        One("artifact"),
    ),
    Row("POST", "W/attempts/1/artifacts", r#"{"type": "log", "name": "l.txt"}"#, 422, Any),
    Row("POST", "W/attempts/99/artifacts", r#"{"type": "log", "name": "l.txt", "content": ""}"#, 404, Any),
    Row("GET", "W/attempts/1/artifacts?limit=5&offset=0", "", 200, Page("artifact")),
    Row("GET", "W/attempts/99/artifacts", "", 404, Any),
    Row("GET", "W/artifacts?limit=5", "", 200, Page("artifact")),
    Row("GET", "W/artifacts/1", "", 200, One("artifact")),
    Row("GET", "W/artifacts/99", "", 404, Any),
    Row("GET", "W/artifacts/1/download", "", 200, Any),
    Row("GET", "W/artifacts/99/download", "", 404, Any),
    // 2.13
    Row("GET", "W/events", "", 200, One("events")),
    Row(
        "GET",
        "W/events?entity_type=task&entity_id=1&event_type=updated&actor_id=user&since=2020-01-01&until=2999-01-01&limit=2",
        "",
        200,
        One("events"),
    ),
    Row("GET", "W/events?since=odd", "", 422, Any),
    Row("GET", "/v1/workspaces/99/events", "", 404, Any),
    Row("GET", "W/events/1", "", 200, One("event")),
    Row("GET", "W/events/9999", "", 404, Any),
    Row("GET", "W/tasks/DEV-1/history?limit=2", "", 200, One("history")),
    Row("GET", "W/tasks/DEV-99/history", "", 404, Any),
    Row("GET", "W/tasks/DEV-1/timeline", "", 200, One("timeline")),
    Row("GET", "W/tasks/DEV-99/timeline", "", 404, Any),
    // 2.14
    Row(
        "GET",
        "W/tasks/suggest?project_id=1&max_suggestions=10&status=todo%2Cbacklog&include_assigned=false",
        "",
        200,
        One("suggestions"),
    ),
    Row("GET", "W/tasks/suggest?status=odd", "", 422, Any),
    Row("GET", "/v1/workspaces/99/tasks/suggest", "", 404, Any),
    Row("GET", "W/projects/1/tasks/suggest", "", 200, One("suggestions")),
    Row("GET", "W/projects/99/tasks/suggest", "", 404, Any),
    // 2.15
    Row(
        "POST",
        "W/tasks/DEV-1/pull-requests",
        r#"{"pr_number": 1, "pr_url": "u", "head_branch": "h", "base_branch": "b", "head_sha": "s"}"#,
        201,
        One("pull-request"),
    ),
    Row(
        "POST",
        "W/tasks/DEV-1/pull-requests",
        r#"{"pr_number": 1, "pr_url": "u", "head_branch": "h", "base_branch": "b", "head_sha": "s"}"#,
        409,
        Any,
    ),
    Row(
        "POST",
        "W/tasks/DEV-1/pull-requests",
        r#"{"pr_number": 0, "pr_url": "v", "head_branch": "h", "base_branch": "b", "head_sha": "s"}"#,
        422,
        Any,
    ),
    Row("POST", "W/tasks/DEV-99/pull-requests", "{}", 404, Any),
    Row("GET", "W/tasks/DEV-1/pull-requests", "", 200, Array("pull-request")),
    Row("GET", "W/tasks/DEV-99/pull-requests", "", 404, Any),
    Row(
        "PATCH",
        "W/tasks/DEV-1/pull-requests/1",
        r#"{"pr_status": "merged", "mergeable": true}"#,
        200,
        One("pull-request"),
    ),
    Row("PATCH", "W/tasks/DEV-1/pull-requests/1", r#"{"ci_status": "odd"}"#, 422, Any),
    Row("PATCH", "W/tasks/DEV-2/pull-requests/1", "{}", 404, Any),
    Row(
        "POST",
        "W/pull-requests/tasks/DEV-1/pull-requests",
        r#"{"pr_number": 2, "pr_url": "w", "head_branch": "h", "base_branch": "b", "head_sha": "s", "attempt_id": 1, "pr_status": "draft"}"#,
        201,
        One("pull-request"),
    ),
    Row(
        "POST",
        "W/pull-requests/tasks/DEV-2/pull-requests",
        r#"{"pr_number": 2, "pr_url": "w", "head_branch": "h", "base_branch": "b", "head_sha": "s", "attempt_id": 1}"#,
        422,
        Any,
    ),
    Row("POST", "W/pull-requests/tasks/DEV-99/pull-requests", "{}", 404, Any),
    Row("GET", "W/pull-requests/tasks/DEV-1/pull-requests", "", 200, Array("pull-request")),
    Row("GET", "W/pull-requests/tasks/DEV-99/pull-requests", "", 404, Any),
    Row("GET", "W/pull-requests?pr_status=draft&project_id=1&limit=5&offset=0", "", 200, Array("pull-request")),
    Row("GET", "W/pull-requests?pr_status=odd", "", 422, Any),
    Row("PATCH", "W/pull-requests/2", r#"{"pr_status": "closed"}"#, 200, One("pull-request")),
    Row("PATCH", "W/pull-requests/99", "{}", 404, Any),
    // 2.16
    Row(
        "POST",
        "W/api-keys",
        r#"{"name": "k", "permissions": ["read"], "expires_at": null}"#,
        201,
        One("api-key-made"),
    ),
    Row("POST", "W/api-keys", "{}", 422, Any),
    Row("GET", "W/api-keys", "", 200, Array("api-key")),
    Row("DELETE", "W/api-keys/1", "", 204, Nothing),
    Row("DELETE", "W/api-keys/1", "", 404, Any),
    // 2.17
    Row("GET", "W/agents", "", 200, Array("problem")),
    Row("GET", "/v1/workspaces/99/agents", "", 404, Any),
    Row("POST", "W/agents", r#"{"name": "a", "agent_type": "assistant"}"#, 501, Any),
    Row("GET", "W/agents/1", "", 404, Any),
    Row("PATCH", "W/agents/1", "{}", 404, Any),
    Row("DELETE", "W/agents/1", "", 404, Any),
    // 2.18
    Row("GET", "/v1/coding-agents", "", 200, Array("coding-agent")),
    Row("GET", "W/coding-agent-configs", "", 200, Array("config")),
    Row("GET", "W/coding-agent-configs/codex", "", 404, Any),
    Row(
        "PUT",
        "W/coding-agent-configs/codex",
        r#"{"display_name": null, "config": {"model": "m", "max_retries": null}}"#,
        200,
        One("config"),
    ),
    Row("PUT", "W/coding-agent-configs/odd", "{}", 422, Any),
    Row("PUT", "W/coding-agent-configs/codex", r#"{"config": {"model": 1}}"#, 422, Any),
    Row("GET", "W/coding-agent-configs/codex", "", 200, One("config")),
    Row("GET", "W/coding-agent-configs/CodingAgentType.CODEX", "", 200, One("config")),
    Row("PUT", "W/coding-agent-configs/CodingAgentType.CODEX", "{}", 200, One("config")),
    Row("GET", "W/coding-agent-configs/CodingAgentType.ODD", "", 404, Any),
    Row("DELETE", "W/coding-agent-configs/CodingAgentType.CODEX", "", 204, Nothing),
    Row("DELETE", "W/coding-agent-configs/codex", "", 404, Any),
    Row("GET", "W/users/me/coding-agent-configs", "", 200, Array("config")),
    Row("PUT", "W/users/me/coding-agent-configs/codex", r#"{"is_enabled": false}"#, 200, One("config")),
    Row("GET", "W/users/me/coding-agent-configs/codex", "", 200, One("config")),
    Row("DELETE", "W/users/me/coding-agent-configs/codex", "", 204, Nothing),
    Row("GET", "/v1/github/installations", "", 200, Any),
    Row("POST", "/v1/github/installations", r#"{"installation_id": 1}"#, 501, Any),
    Row("DELETE", "/v1/github/installations/1", "", 501, Any),
    Row("GET", "/v1/github/installations/repos", "", 501, Any),
    Row("POST", "/v1/github/repositories", r#"{"name": "r"}"#, 501, Any),
    Row("GET", "W/goals", "", 200, Array("goal")),
    Row(
        "POST",
        "W/goals",
        r#"{"title": "g", "description": null, "project_id": 1, "context": {"a": 1}}"#,
        201,
        One("goal"),
    ),
    Row("POST", "W/goals", r#"{"title": "g", "project_id": 99}"#, 422, Any),
    Row("GET", "W/goals/1", "", 200, One("goal")),
    Row("GET", "W/goals/99", "", 404, Any),
    Row("POST", "W/goals/1/decompose", "{}", 501, Any),
    Row("DELETE", "W/goals/2", "", 204, Nothing),
    Row("DELETE", "W/goals/2", "", 404, Any),
    Row("POST", "W/organize", "{}", 501, Any),
    Row("GET", "W/organize/duplicates", "", 501, Any),
    Row("GET", "W/organize/summaries", "", 200, Array("problem")),
    Row("POST", "W/organize/summaries", "{}", 501, Any),
    Row("GET", "W/task-views", "", 200, Array("view")),
    Row("GET", "W/task-views/default", "", 404, Any),
    Row(
        "POST",
        "W/task-views",
        r#"{"name": "v", "filters": {"status": ["todo"]}, "is_default": true, "workspace_id": 1, "user_id": "x"}"#,
        201,
        One("view"),
    ),
    Row("POST", "W/task-views", r#"{"name": "v"}"#, 409, Any),
    Row("POST", "W/task-views", "{}", 422, Any),
    Row("GET", "W/task-views/default", "", 200, One("view")),
    Row("GET", "W/task-views/1", "", 200, One("view")),
    Row("GET", "W/task-views/99", "", 404, Any),
    Row("PATCH", "W/task-views/1", r#"{"display_order": 3, "name": null}"#, 200, One("view")),
    Row("PATCH", "W/task-views/1", r#"{"is_default": "yes"}"#, 422, Any),
    Row("PATCH", "W/task-views/99", "{}", 404, Any),
    Row("DELETE", "W/task-views/1", "", 204, Nothing),
    Row("DELETE", "W/task-views/1", "", 404, Any),
    Row("GET", "/v1/templates", "", 200, Any),
    Row("GET", "/v1/templates/x", "", 404, Any),
    Row("GET", "/v1/admin/templates", "", 200, Any),
    Row("POST", "/v1/admin/templates", "{}", 501, Any),
    Row("PATCH", "/v1/admin/templates/1", "{}", 501, Any),
    Row("DELETE", "/v1/admin/templates/1", "", 501, Any),
    Row("GET", "/v1/workers/demo-tasks", "", 501, Any),
    Row("GET", "/v1/workers/projects", "", 501, Any),
    Row("POST", "/v1/workers/projects/1/clone-info", "", 501, Any),
    Row("GET", "/v1/workers/tasks/DEV-1", "", 501, Any),
    Row("PATCH", "/v1/workers/tasks/DEV-1", "{}", 501, Any),
    Row("POST", "/v1/workers/tasks/DEV-1/comments", "{}", 501, Any),
    Row("POST", "/v1/workers/tasks/DEV-1/pull-requests", "{}", 501, Any),
    Row("GET", "/v1/workers/pull-requests/pending", "", 501, Any),
    Row("PATCH", "/v1/workers/pull-requests/1", "{}", 501, Any),
    // What is gone at the end.
    Row("DELETE", "W/tasks/DEV-3", "", 204, Nothing),
    Row("DELETE", "W/tasks/DEV-3", "", 404, Any),
];

/// Project 3 for a deletion, three tasks of which the second depends on the first, a label, a comment, a goal.
fn world() -> Server {
    let server = Server::new();
    let post = |path: &str, body: &str| {
        let reply = server.call("POST", &format!("/v1/workspaces/1{path}"), body);
        assert_eq!(reply.status, 201, "{path} {}", reply.body);
    };
    post("/projects", r#"{"name": "second"}"#);
    post("/projects", r#"{"name": "third"}"#);
    post("/goals", r#"{"title": "first", "project_id": 1}"#);
    server.task("a", r#""labels": ["l1"], "estimate": 2"#);
    server.task("b", r#""depends_on": ["DEV-1"], "estimate": 1.5"#);
    server.task("c", "");
    post("/tasks/DEV-1/comments", r#"{"content": "first"}"#);
    server
}

#[test]
fn every_row_of_the_contract() {
    let server = world();
    let mut faults = Vec::new();
    for Row(method, path, body, status, answer) in ROWS {
        let path = path.replacen("W/", "/v1/workspaces/1/", 1);
        let reply = server.call(method, &path, body);
        let value = reply.at("");
        let list = |items: &Value, shape: &str| match items {
            Value::Array(items) => items.iter().find_map(|item| wrong(shape_of(shape), item)),
            other => Some(format!("{} is no array", json::to_string(other))),
        };
        let fault = match answer {
            _ if reply.status != *status => Some(format!("{} {}", reply.status, reply.body)),
            _ if *status >= 400 => {
                let media = reply.header("Content-Type") != Some("application/problem+json");
                wrong(shape_of("problem"), value).or(media.then(|| "is no problem document".into()))
            }
            One(shape) => wrong(shape_of(shape), value),
            Array(shape) => list(value, shape),
            Page(shape) => wrong("total:int limit:int offset:int page:int per_page:int total_pages:int", value)
                .or_else(|| list(reply.at("items"), shape)),
            Nothing => (!reply.body.is_empty()).then(|| reply.body.clone()),
            Any => None,
        };
        faults.extend(fault.map(|fault| format!("{method} {path} {body}: {fault}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The program's own list of routes, each of which has rows above.
#[test]
fn every_route_has_a_success_or_says_why_not() {
    let listing = administer(&Folder::new(), &["generate", "routes"]);
    let is_of = |pattern: &str, path: &str| {
        let path = path.replacen("W/", "/v1/workspaces/1/", 1);
        let path = path.split('?').next().unwrap_or_default().to_string();
        let (wanted, given): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(&given).all(|(wanted, given)| *wanted == "{}" || wanted == given)
    };
    // `PATCH` of preferences is that of the oldest clients; `people` has it. `/metrics` is nobody's contract.
    let elsewhere =
        |method: &str, path: &str| path == "/metrics" || (method == "PATCH" && path.contains("/preferences/"));
    for line in listing.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (method, path) = (words[0], words[1]);
        let mut rows = ROWS.iter().filter(|row| row.0 == method && is_of(path, row.1));
        // An agent that does not exist and a repository that nobody linked have no success.
        let barren = path.contains("/agents/{}") || path.ends_with("/clone-info");
        let found = rows.any(|row| row.3 < 300 || row.3 == 501 || barren);
        assert!(found || elsewhere(method, path), "no row for {method} {path}");
    }
}
