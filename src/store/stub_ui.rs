//! Signatures that the commands need, until their bodies land.
use super::{ShownRow, Store};
use crate::error::Result;
use crate::model::{Kind, Project, Row, Target, Workspace};

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub workspace_id: Option<i64>,
    pub project_id: Option<i64>,
    pub statuses: Vec<String>,
    pub open_only: bool,
    pub priority: Option<i64>,
    pub owner: Option<String>,
    pub labels: Vec<String>,
    pub phase: Option<String>,
    pub parent_id: Option<i64>,
    pub search: Option<String>,
    pub pending: bool,
    pub sort: Sort,
    pub ascending: bool,
    pub limit: u32,
    pub offset: u32,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Priority,
    Updated,
    Created,
    Status,
    Number,
    Title,
}
impl Filter {
    pub fn matches(&self, _: &Row) -> bool {
        todo!()
    }
    pub fn sort_rows(&self, _: &mut [ShownRow]) {
        todo!()
    }
}
#[derive(Debug, Clone)]
pub struct LogEntry {
    pub direction: String,
    pub synced_at: String,
    pub changes: i64,
    pub conflicts: i64,
    pub errors: i64,
    pub detail: Option<String>,
}
impl Store {
    pub fn row_of(&self, _: &'static Kind, _: &Target) -> Result<Option<Row>> {
        todo!()
    }
    pub fn list_tasks(&self, _: &Filter) -> Result<Vec<ShownRow>> {
        todo!()
    }
    pub fn count_tasks(&self, _: &Filter) -> Result<i64> {
        todo!()
    }
    pub fn dependencies_of(&self, _: i64) -> Result<(Vec<Row>, Vec<Row>)> {
        todo!()
    }
    pub fn row_by_uid(&self, _: &'static Kind, _: &str) -> Result<Option<Row>> {
        todo!()
    }
    pub fn has_name(&self, _: &'static Kind, _: i64, _: &str) -> Result<bool> {
        todo!()
    }
    pub fn nearest(&self, _: i64, _: i64, _: u32) -> Result<Vec<(String, String)>> {
        todo!()
    }
    pub fn label_names(&self, _: i64) -> Result<Vec<String>> {
        todo!()
    }
    pub fn remember(&mut self, _: &[Workspace], _: &[Project], _: &str) -> Result<()> {
        todo!()
    }
    pub fn log(&self, _: u32) -> Result<Vec<LogEntry>> {
        todo!()
    }
}
